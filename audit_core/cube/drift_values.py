"""Two samples of one number, read together in ascending order and folded into a few sums for each group."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from audit_core.cube.axes import UNKNOWN, UNKNOWN_WORD
from audit_core.cube.drift import Key, ValuesApart
from audit_core.cube.drift_features import Feature, Side, counted
from audit_core.sources.connection import one_select, told
from audit_core.sources.tables import literal

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK = 1 << 16
"""Rows folded at a time. Fixed, so that sums round alike on every run and for every size of batch."""

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Columns = tuple[Floats, Integers]
"""Values, and as many rows of whole numbers: rows in the reference, rows now, then a code per attribute."""


def values_apart(
    feature: Feature, reference: Side, current: Side, sizes: Mapping[Key, tuple[int, int]]
) -> dict[Key, ValuesApart]:
    """Return how far the values of two samples lie apart, for everybody and for each of the groups.

    `sizes` are rows with a value in (reference, current); what has none in one of them is left out.

    Guarantee: memory does not grow with the rows; the same files give the same bytes.
    """
    folds = {key: _Fold(*size) for key, size in sizes.items() if all(size)}
    groups: dict[str, list[str]] = {}
    for attribute, group in sorted(sizes):  # a query gives groups in any order; sums must not know of it
        if attribute:
            groups.setdefault(attribute, []).append(group)
    for x, rows in _chunks(_ascending(feature, reference, current, groups)):
        if ("", "") in folds:
            folds["", ""].add(x, rows)
        for place, (attribute, names) in enumerate(groups.items(), start=2):
            for code, part in _by_code(_merged(rows[place], names)):
                fold = folds.get((attribute, names[code - 1])) if code else None
                if fold is not None:
                    fold.add(x[part], rows[:, part])
    return {key: fold.result() for key, fold in folds.items()}


class _Fold:
    """The running sums of one group, fed with ascending values; those of equal values may come in parts."""

    def __init__(self, reference: int, current: int) -> None:
        self.sizes = (reference, current)
        self.before = (0, 0)
        self.last: float | None = None
        self.apart = 0
        self.area = 0.0
        self.mean, self.squares = 0.0, 0.0

    def add(self, x: Floats, rows: Integers) -> None:
        """Take in values with their rows in the reference (rows[0]) and now (rows[1])."""
        (n, m), (r, c) = self.sizes, rows[:2]
        here = np.abs((self.before[0] + np.cumsum(r) - r) * m - (self.before[1] + np.cumsum(c) - c) * n)
        with np.errstate(over="ignore", invalid="ignore"):  # values near the end of what a double holds
            step = np.diff(x, prepend=x[0] if self.last is None else self.last)
            moved = step > 0  # below this value all rows of the one before have been counted
            self.apart = max(self.apart, int(here[moved].max(initial=0)))
            self.area += _exact(here[moved] * step[moved])
            self._spread(x, r)
        self.before, self.last = (self.before[0] + int(r.sum()), self.before[1] + int(c.sum())), float(x[-1])

    def _spread(self, x: Floats, r: Integers) -> None:
        """Mean and squared deviations of the reference, joined with those of what came before."""
        n, more = self.before[0], int(r.sum())
        if not more:
            return
        mean = _exact(r * x) / more
        squares = _exact(r * (x - mean) ** 2)
        apart = mean - self.mean
        self.squares += squares + apart * apart * n * more / (n + more)
        self.mean += apart * more / (n + more)

    def result(self) -> ValuesApart:
        """Return what is kept once the rows are gone."""
        n, m = self.sizes
        area = self.area / (n * m)
        deviation = math.sqrt(self.squares / (n - 1)) if n > 1 and self.squares >= 0 else 0.0
        return ValuesApart(
            reference=n,
            current=m,
            apart=self.apart,
            area=area if math.isfinite(area) else None,
            deviation=deviation if deviation > 0 and math.isfinite(deviation) else None,
        )


def _exact(terms: Floats) -> float:
    """A sum rounded once: NumPy's own depends on where in memory the terms lie."""
    try:
        return math.fsum(terms.tolist())
    except (OverflowError, ValueError):  # too large for a double, or infinite terms of both signs
        return math.inf


def _merged(codes: Integers, names: list[str]) -> Integers:
    """Codes with a level that is itself called unknown put to those of unknown group, as in the counts."""
    if UNKNOWN_WORD not in names:
        return codes
    return np.where(codes > len(names), names.index(UNKNOWN_WORD) + 1, codes)


def _by_code(codes: Integers) -> Iterator[tuple[int, Integers]]:
    """Places of each code, in the order they stand in."""
    order = np.argsort(codes.astype(np.int16), kind="stable")
    found, starts = np.unique(codes[order], return_index=True)
    for code, part in zip(found, np.split(order, starts[1:]), strict=True):
        yield int(code), part


def _chunks(parts: Iterable[Columns]) -> Iterator[Columns]:
    """The same rows, `CHUNK` at a time whatever the parts they come in."""
    held: list[Columns] = []
    size = 0
    for part in parts:
        held.append(part)
        size += part[0].size
        if size < CHUNK:
            continue
        x, rows = _joined(held)
        while x.size >= CHUNK:
            yield x[:CHUNK], rows[:, :CHUNK]
            x, rows = x[CHUNK:], rows[:, CHUNK:]
        held, size = [(x, rows)], x.size
    if size:
        yield _joined(held)


def _joined(parts: list[Columns]) -> Columns:
    return np.concatenate([x for x, _ in parts]), np.concatenate([rows for _, rows in parts], axis=1)


def _ascending(
    feature: Feature, reference: Side, current: Side, groups: Mapping[str, list[str]]
) -> Iterator[Columns]:
    """Distinct values of both samples with their rows, ascending, apart for every combination of groups."""
    codes = [f"g{place}" for place in range(len(groups))]
    keys = ", ".join(["x", *codes])
    sides = [
        _coded(reference, feature.reference, groups, "1 AS r, 0 AS c"),
        _coded(current, feature.current, groups, "0 AS r, 1 AS c"),
    ]
    counts = ", ".join(["cast(sum(r) AS BIGINT) AS r", "cast(sum(c) AS BIGINT) AS c", *codes])
    both = f"({' UNION ALL '.join(sides)}) AS both_sides WHERE x IS NOT NULL"
    query = f"SELECT x, {counts} FROM {both} GROUP BY {keys} ORDER BY {keys}"
    con = reference.con
    statement = one_select(con, query)
    with told(f"{reference.table.source.name} and {current.table.source.name}"):
        reader: pa.RecordBatchReader = con.sql(statement).to_arrow_reader(CHUNK)
        for batch in reader:
            if batch.num_rows:
                values, *rows = (column.to_numpy(zero_copy_only=False) for column in batch.columns)
                yield values.astype(np.float64), np.array(rows, dtype=np.int64)


def _coded(side: Side, value: str, groups: Mapping[str, list[str]], rows: str) -> str:
    axes = {axis.name: axis.sql for axis in side.coding.axes}
    named = "".join(f", {axes[name]} AS l{place}" for place, name in enumerate(groups))
    codes = "".join(
        f", {_place(f'l{place}', names)} AS g{place}" for place, names in enumerate(groups.values())
    )
    return f"SELECT x, {rows}{codes} FROM (SELECT {value} AS x{named} FROM {counted(side)}) AS coded"


def _place(level: str, names: list[str]) -> str:
    """SQL of a level's place among the names, from 1; 0 where it is none of them.

    The level is named once: a CASE would multiply its own long SQL.
    """
    levels = [UNKNOWN if name == UNKNOWN_WORD else name for name in names]
    levels += [UNKNOWN_WORD] if UNKNOWN_WORD in names else []
    return f"coalesce(list_position([{', '.join(map(literal, levels))}], {level}), 0)"

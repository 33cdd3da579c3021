"""Counts every feature's bins in the training sample and in the evaluation set, overall and inside groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from audit_core.contract.schema import ReleaseContract
from audit_core.cube.axes import MAX_LEVELS, UNKNOWN_WORD
from audit_core.cube.drift import (
    LISTED,
    MISSING_CODE,
    MODE_CODE,
    MOST_NEW,
    NO_TEXT,
    NOT_LISTED,
    NUMBERS,
    Bins,
    Code,
    DriftTable,
    Key,
    bins_of,
    codes_of,
)
from audit_core.cube.drift_features import (
    NO_GROUPS,
    Feature,
    Side,
    counted,
    feature_names,
    features_of,
    later_value,
    why_uncountable,
)
from audit_core.cube.drift_values import values_apart
from audit_core.cube.sql import decimal_text
from audit_core.errors import UsageError
from audit_core.sources.tables import literal, run, run_columns

__all__ = ["Side", "count_drift", "count_in_bins", "feature_names", "uncountable"]

DECILES = tuple(i / 10 for i in range(1, 10))
MOST_READ = 20
"""More values than this, most of their rows in rare ones, are free text and no list of categories."""
FEWEST_OF_TEXT = 10
FEWEST_FOR_A_BIN = 20
"""Rows from which a category of such a text has a bin. Those picked out for having most rows in the reference
have fewer in any other sample: with 400 alike categories in 3,000 rows, three in four comparisons without
drift were moderate where 10 rows were enough, and none where it takes 20."""
EVERYBODY: Key = ("", "")


def count_drift(reference: Side, current: Side, contract: ReleaseContract) -> tuple[DriftTable, ...]:
    """Return the drift tables of every feature, score, decision and label that both samples have.

    The first table of a feature counts everybody; the others count one group each, in the same bins. A label
    is compared only where both samples have labels. Last come the shares of the groups of every protected
    attribute, over everybody alone.
    """
    found: list[DriftTable] = []
    for feature in features_of(reference, current, contract):
        found += _tables(feature, _bins(feature, reference), reference, current)
    return (*found, *_shares(reference, current))


def count_in_bins(
    current: Side, released: tuple[DriftTable, ...], contract: ReleaseContract
) -> tuple[DriftTable, ...]:
    """Return each of the release's tables with a later file's counts in place of its current ones.

    Bins and reference counts are the release's own: edges, mode, categories and what was folded. The training
    file is not read. Missing cells and categories that training never saw have bins of their own, as always.
    A group without a table at release has none here; a group with one and without a row in the file has
    zeros. `values` is None: the reference's values are no longer there to be compared with.

    Raises
    ------
    UsageError
        The file lacks one of the features, or holds something else in it; `uncountable` names them first, and
        without their tables the others can be counted.
    """
    problems = uncountable(current, released, contract)
    if problems:
        told = "; ".join(f"“{name}”: {why}" for name, why in problems)
        raise UsageError(
            f"The file can't be counted in the release's bins: {told}",
            where=current.table.source.name,
            remedy="Correct the file, or approve a release whose inputs are these",
        )
    found: dict[tuple[str, str, Key], DriftTable] = {}
    for bins, tables in _by_bins(released):
        value = later_value(current, bins)
        after = _counts(current, value, bins, {table.attribute for table in tables})
        new = _unseen(value, current, bins) if NOT_LISTED in after[EVERYBODY] else ()
        for table in tables:
            key = (table.attribute, table.group)
            before: dict[Code, int] = dict(zip(codes_of(table), table.reference, strict=True))
            found[table.feature, table.kind, key] = bins.table(
                key, before, after.get(key, {}), new if key == EVERYBODY else ()
            )
    return tuple(found[table.feature, table.kind, (table.attribute, table.group)] for table in released)


def uncountable(
    current: Side, released: tuple[DriftTable, ...], contract: ReleaseContract
) -> tuple[tuple[str, str], ...]:
    """Return (feature or attribute, why) for each that a later file can't be counted on; empty where it can.

    The tables of a feature named here, and of the groups of an attribute named here, are those to leave out
    of `count_in_bins`.
    """
    told = [(bins.feature, why_uncountable(current, bins, contract)) for bins, _ in _by_bins(released)]
    absent = dict.fromkeys(table.attribute for table in released if table.attribute)
    told += [(name, NO_GROUPS) for name in absent if name not in _attributes(current)]
    return tuple(dict.fromkeys(pair for pair in told if pair[1]))


def _by_bins(released: Sequence[DriftTable]) -> list[tuple[Bins, list[DriftTable]]]:
    """A release's tables by feature, with the bins they share."""
    found: dict[tuple[str, str], list[DriftTable]] = {}
    for table in released:
        found.setdefault((table.feature, table.kind), []).append(table)
    return [(bins_of(tables[0]), tables) for tables in found.values()]


def _tables(feature: Feature, bins: Bins, reference: Side, current: Side) -> list[DriftTable]:
    shared = _attributes(reference) & _attributes(current)
    before = _counts(reference, feature.reference, bins, shared)
    bins = replace(bins, folded=NOT_LISTED in before[EVERYBODY])
    after = _counts(current, feature.current, bins, shared)
    if bins.kind == "label" and not all(_with_value(counts[EVERYBODY]) for counts in (before, after)):
        return []
    new = _unseen(feature.current, current, bins) if NOT_LISTED in after[EVERYBODY] else ()
    keys = [key for key in after if key in before]
    sizes = {key: (_with_value(before[key]), _with_value(after[key])) for key in keys}
    apart = values_apart(feature, reference, current, sizes) if bins.kind in NUMBERS else {}
    return [
        bins.table(key, before[key], after[key], new if key == EVERYBODY else (), apart.get(key))
        for key in keys
    ]


def _shares(reference: Side, current: Side) -> Iterator[DriftTable]:
    """How many rows each group of every attribute has: each attribute as a feature of its own."""
    shared = [axis.name for axis in reference.coding.axes if axis.name in _attributes(current)]
    nothing = Bins(feature="", kind="group")
    sides = [_counts(side, "cast(NULL AS VARCHAR)", nothing, set(shared)) for side in (reference, current)]
    for attribute in shared:
        rows = [
            {group: sum(counts.values()) for (name, group), counts in side.items() if name == attribute}
            for side in sides
        ]
        levels = tuple(sorted(group for group in rows[0] if group != UNKNOWN_WORD))
        bins = Bins(feature=attribute, kind="group", levels=levels)
        before, after = (_by_group(side, levels) for side in rows)
        new = [(group, n) for group, n in rows[1].items() if group not in (*levels, UNKNOWN_WORD)]
        yield bins.table(EVERYBODY, before, after, _first(new))


def _by_group(rows: Mapping[str, int], levels: tuple[str, ...]) -> dict[Code, int]:
    found: Counter[Code] = Counter()
    for group, n in rows.items():
        listed = f"{LISTED}{group}" if group in levels else NOT_LISTED
        found[NO_TEXT if group == UNKNOWN_WORD else listed] += n
    return dict(found)


def _first(new: list[tuple[str, int]]) -> list[tuple[str, int]]:
    return sorted(new, key=lambda pair: (-pair[1], pair[0]))[:MOST_NEW]


def _with_value(counts: Mapping[Code, int]) -> int:
    return sum(n for code, n in counts.items() if code not in (MISSING_CODE, NO_TEXT))


def _bins(feature: Feature, reference: Side) -> Bins:
    """The bins of a feature, from the reference alone; whether there are more levels is not known yet."""
    if feature.kind in NUMBERS:
        edges, mode = _deciles(feature, reference)
        return Bins(feature=feature.name, kind=feature.kind, edges=edges, mode=mode)
    found = _frequent(reference, feature.reference, "true", MAX_LEVELS, FEWEST_FOR_A_BIN)
    kept = sorted(name for name, _ in found)
    return Bins(feature=feature.name, kind=feature.kind, levels=tuple(kept))


def _attributes(side: Side) -> set[str]:
    return {axis.name for axis in side.coding.axes if axis.kind == "attribute"}


def _code_sql(bins: Bins) -> str:
    """SQL of the code of a value x."""
    if bins.kind not in NUMBERS:
        return (
            f"CASE WHEN x IS NULL THEN '{NO_TEXT}' WHEN {_not_listed(bins)} THEN '{NOT_LISTED}' "
            f"ELSE '{LISTED}' || x END"
        )
    over = " + ".join(f"CASE WHEN x > {decimal_text(edge)} THEN 1 ELSE 0 END" for edge in bins.edges)
    mode = "" if bins.mode is None else f"WHEN x = {decimal_text(bins.mode)} THEN {MODE_CODE} "
    return f"CASE WHEN x IS NULL THEN {MISSING_CODE} {mode}ELSE {over or '0'} END"


def _not_listed(bins: Bins) -> str:
    return f"x NOT IN ({', '.join(map(literal, bins.levels))})" if bins.levels else "x IS NOT NULL"


def _values(side: Side, value: str) -> str:
    return f"SELECT {value} AS x FROM {counted(side)}"


def _counts(side: Side, value: str, bins: Bins, attributes: set[str]) -> dict[Key, dict[Code, int]]:
    """Rows by bin, for everybody (key of two empty texts) and for every group of the attributes."""
    axes = [axis for axis in side.coding.axes if axis.kind == "attribute" and axis.name in attributes]
    named = "".join(f", {axis.sql} AS a{i}" for i, axis in enumerate(axes))
    keys = ", ".join(["bin", *(f"a{i}" for i in range(len(axes)))])
    query = (
        f"SELECT {keys}, cast(count(*) AS BIGINT) AS n FROM (SELECT *, {_code_sql(bins)} AS bin FROM "
        f"(SELECT {value} AS x{named} FROM {counted(side)}) AS coded) AS binned GROUP BY {keys}"
    )
    columns = run_columns(side.con, query, side.table.source.name)
    found: dict[Key, Counter[Code]] = {EVERYBODY: Counter()}
    for *cell, n in zip(*columns, strict=True):
        code: Code = cell[0] if isinstance(cell[0], str) else int(cell[0])
        groups = [(axis.name, level or UNKNOWN_WORD) for axis, level in zip(axes, cell[1:], strict=True)]
        for key in [EVERYBODY, *groups]:
            found.setdefault(key, Counter())[code] += int(n)
    return {key: dict(counts) for key, counts in found.items()}


def _deciles(feature: Feature, reference: Side) -> tuple[tuple[float, ...], float | None]:
    """Distinct deciles of the reference by linear interpolation, and the mode where two fall on one value.

    The mode is, of the values on which two deciles or more fall, the one with the most rows, then the lowest.
    """
    rows, name = f"({_values(reference, feature.reference)}) AS v", reference.table.source.name
    query = f"SELECT quantile_cont(x, {list(DECILES)}) FROM {rows} WHERE x IS NOT NULL"
    found = run(reference.con, query, name)[0][0]
    edges, times = np.unique(np.array(found or [], dtype=float), return_counts=True)
    often = [float(edge) for edge in edges[times > 1]]
    mode = None
    if often:
        listed = ", ".join(map(decimal_text, often))
        query = (
            f"SELECT x, count(*) AS n FROM {rows} WHERE x IN ({listed}) GROUP BY x ORDER BY n DESC, x LIMIT 1"
        )
        top = run(reference.con, query, name)
        mode = float(top[0][0]) + 0.0 if top else None
    return tuple(float(edge) + 0.0 for edge in edges), mode  # −0.0 is 0


def _unseen(value: str, current: Side, bins: Bins) -> tuple[tuple[str, int], ...]:
    """Categories of the current sample that the reference never saw, most frequent first, with their rows."""
    if bins.folded:  # more than could be named: what is not listed may have been there
        return ()
    return tuple(_frequent(current, value, _not_listed(bins), MOST_NEW))


def _frequent(
    side: Side, value: str, where: str, most: int, shared: int = FEWEST_OF_TEXT
) -> list[tuple[str, int]]:
    """Categories with their rows, the most frequent first.

    Of free text only what `shared` people share: the words of one person must not outlive the rows.
    """
    looks = f"count(*), sum(n), sum(CASE WHEN n < {FEWEST_OF_TEXT} THEN n ELSE 0 END)"
    query = f"SELECT {looks} FROM ({_by_category(side, value, where)}) AS c"
    values, rows, alone = run(side.con, query, side.table.source.name)[0]
    fewest = shared if values > MOST_READ and 2 * alone > rows else 1
    return _most(side, value, where, fewest, most)


def _most(side: Side, value: str, where: str, fewest: int, most: int) -> list[tuple[str, int]]:
    counts = _by_category(side, value, where)
    query = f"SELECT x, n FROM ({counts}) AS c WHERE n >= {fewest} ORDER BY n DESC, x LIMIT {most}"
    return [(str(text), int(n)) for text, n in run(side.con, query, side.table.source.name)]


def _by_category(side: Side, value: str, where: str) -> str:
    rows = f"({_values(side, value)}) AS v WHERE x IS NOT NULL AND {where}"
    return f"SELECT x, count(*) AS n FROM {rows} GROUP BY x"

"""How the rows of a table become cells: the contract's names and values, turned into SQL for this file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from audit_core.contract.schema import ProtectedAttribute, ReleaseContract
from audit_core.cube.axes import ABSENT, MAX_LEVELS, AxisKind, matching
from audit_core.cube.bands import Bands, score_bands
from audit_core.cube.sql import (
    choice_sql,
    edges_sql,
    finite,
    label_sql,
    level_sql,
    micro_sql,
    threshold_sql,
)
from audit_core.errors import SourceError, UsageError
from audit_core.sources.tables import Table, run

if TYPE_CHECKING:
    import duckdb

MAX_LABEL_VALUES = 50
MAX_NAMED_VALUES = 10_000
"""A label or decision with more values than this is free text or an amount; no list of cells reads it."""

MAX_VALUE_LENGTH = 1 << 20
"""Longest group, slice, window, label or decision that is read, in characters; the rest is no name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedAxis:
    """One axis as SQL; `folded` counts the levels that were put together because there are too many."""

    name: str
    kind: AxisKind
    sql: str
    folded: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Coding:
    """SQL for every axis, and for label, decision and score; `score` is None when there is none."""

    axes: tuple[CodedAxis, ...]
    label: str
    decision: str
    score: str | None
    micro: str
    bands: Bands

    @property
    def decides(self) -> bool:
        """Whether the rows hold a decision, from a score or from a column of their own."""
        return self.decision != str(ABSENT)


def code_table(
    con: duckdb.DuckDBPyConnection, table: Table, contract: ReleaseContract, *, label: str | None = None
) -> Coding:
    """Return how the contract reads this table.

    Parameters
    ----------
    label
        The label column, where it is another than the contract's (a training sample's).

    Raises
    ------
    UsageError
        A column the contract names is missing.
        Or the decision it calls favourable never occurs.
    SourceError
        The label has values and the contract does not say which of them is positive.
    """
    spec = contract.data
    column = label or (spec.label.column if spec.label else None)
    positive = _positives(con, table, column, spec.label.positive if spec.label else ()) if column else ()
    has_score = spec.score is not None and table.has(spec.score.column)
    score = finite(table.number(spec.score.column)) if spec.score and has_score else None
    bands = _bands(contract)
    return Coding(
        axes=_axes(con, table, contract),
        label=label_sql(table.text(column) if column else None, positive),
        decision=decision_sql(con, table, contract),
        score=score,
        micro=micro_sql(score, bands) if score else "cast(NULL AS BIGINT)",
        bands=bands,
    )


def code_reference(con: duckdb.DuckDBPyConnection, train: Table, contract: ReleaseContract) -> Coding:
    """Return how a training sample is read; it may lack the label, an attribute or a slice."""
    spec = contract.data
    label = spec.label if spec.label and train.has(spec.label.column) else None
    present = replace(
        spec,
        label=label,
        attributes=tuple(a for a in spec.attributes if train.has(a.bands.column if a.bands else a.column)),
        slices=tuple(name for name in spec.slices if train.has(name)),
    )
    return code_table(con, train, replace(contract, data=present))


def _axes(con: duckdb.DuckDBPyConnection, table: Table, contract: ReleaseContract) -> tuple[CodedAxis, ...]:
    spec = contract.data
    axes = [_attribute(con, table, attribute) for attribute in spec.attributes]
    axes += [_levels(con, table, name, "slice", column=name) for name in spec.slices]
    if spec.window and table.has(spec.window):
        axes.append(_levels(con, table, spec.window, "window", column=spec.window))
    return tuple(axes)


def _attribute(con: duckdb.DuckDBPyConnection, table: Table, attribute: ProtectedAttribute) -> CodedAxis:
    if attribute.bands is None:
        return _levels(con, table, attribute.name, "attribute", column=attribute.column, attribute=attribute)
    sql = edges_sql(table.number(attribute.bands.column), attribute.bands)
    return CodedAxis(name=attribute.name, kind="attribute", sql=sql, folded=0)


def _levels(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    name: str,
    kind: AxisKind,
    *,
    column: str,
    attribute: ProtectedAttribute | None = None,
) -> CodedAxis:
    """Axis of a column's own values; beyond `MAX_LEVELS` the rare ones are put together."""
    text = table.text(column)
    cells = f"SELECT {text} AS t FROM {table.scan}"
    frequent = (
        f"SELECT t, count(*) AS n FROM ({cells}) AS cells WHERE t IS NOT NULL "
        f"GROUP BY t ORDER BY n DESC, t LIMIT {MAX_LEVELS + 1}"
    )
    found = _texts(con, table, column, frequent, "n DESC, t")
    unknown = attribute.unknown if attribute else ()
    without = tuple(dict.fromkeys([*matching(found, unknown), *unknown]))
    spelled = _spelled(found, attribute) if attribute else {}
    if len(found) <= MAX_LEVELS:
        return CodedAxis(name=name, kind=kind, sql=level_sql(text, without, None, spelled), folded=0)
    kept = found[: MAX_LEVELS - 1]
    distinct = run(con, f"SELECT count(DISTINCT t) FROM ({cells}) AS cells", table.source.name)[0][0]
    sql = level_sql(text, without, kept, spelled)
    return CodedAxis(name=name, kind=kind, sql=sql, folded=int(distinct) - len(kept))


def _spelled(cells: list[str], attribute: ProtectedAttribute) -> dict[str, str]:
    """Contract's spelling of the groups it names, where a cell holds the same value written otherwise."""
    named = dict.fromkeys(
        [*(attribute.required or ()), *([attribute.reference] if attribute.reference else [])]
    )
    others = [cell for cell in cells if cell not in named]
    return {cell: name for name in reversed(named) for cell in matching(others, (name,))}


def _distinct(con: duckdb.DuckDBPyConnection, table: Table, column: str) -> list[str]:
    """Return the values of a column as text, one more than `MAX_NAMED_VALUES` of them at most."""
    distinct = (
        f"SELECT DISTINCT t FROM (SELECT {table.text(column)} AS t FROM {table.scan}) AS cells "
        f"WHERE t IS NOT NULL ORDER BY t LIMIT {MAX_NAMED_VALUES + 1}"
    )
    return _texts(con, table, column, distinct, "t")


def _texts(con: duckdb.DuckDBPyConnection, table: Table, column: str, query: str, order: str) -> list[str]:
    """Texts t that a query gives; refused where one is too long to be anything's name.

    Raises
    ------
    SourceError
        One of the texts is longer than `MAX_VALUE_LENGTH`.
    """
    short = f"CASE WHEN length(t) <= {MAX_VALUE_LENGTH} THEN t END"
    rows = run(con, f"SELECT {short} FROM ({query}) AS texts ORDER BY {order}", table.source.name)
    if any(text is None for (text,) in rows):
        raise SourceError(
            f"A value of “{column}” is longer than {MAX_VALUE_LENGTH:,} characters",
            where=table.source.name,
            remedy="Name another column in the contract, or shorten it in the file",
        )
    return [str(text) for (text,) in rows]


def _positives(
    con: duckdb.DuckDBPyConnection, table: Table, column: str, named: tuple[str, ...]
) -> tuple[str, ...]:
    """Cells of the label that mean yes."""
    cells = _distinct(con, table, column)
    if named:
        return _named(table, column, cells, named, ())[0]
    if len(matching(cells, ("0", "1", "true", "false"))) == len(cells):
        return matching(cells, ("1", "true"))
    seen = f"{len(cells)} values" if len(cells) <= MAX_LABEL_VALUES else f"over {MAX_LABEL_VALUES} values"
    raise SourceError(
        f"The label “{column}” has {seen} and the contract does not say which is positive",
        where=table.source.name,
        remedy="Name it in the contract, under data: label: positive",
    )


def _named(
    table: Table, column: str, cells: list[str], positive: tuple[str, ...], other: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Cells that mean yes, and cells that mean the other named thing; never a silent *no* by spelling.

    Raises
    ------
    SourceError
        Too many values; a value that differs from a named one in case or spaces alone; several values, none
        of them positive.
    """
    hits, others = matching(cells, positive), matching(cells, other)
    rest = set(cells) - {*hits, *others}
    spelled = {text.strip().casefold() for text in (*positive, *other)}
    problem, remedy = "", "Correct the value in the contract, spelled as it stands in the file"
    if len(cells) > MAX_NAMED_VALUES:
        problem = f"“{column}” has over {MAX_NAMED_VALUES:,} values, too many for a label or a decision"
        remedy = "Name another column in the contract"
    elif any(cell.strip().casefold() in spelled for cell in rest):
        problem = f"“{column}” has a value that differs from the contract's in case or spaces alone"
        remedy = "Write it one way in the file, or list every spelling in the contract"
    elif len(rest) > 1 and not hits:
        problem = f"“{column}” has {len(cells)} values, and none is the one the contract calls positive"
    if problem:
        raise SourceError(problem, where=table.source.name, remedy=remedy)
    return hits, others


def _bands(contract: ReleaseContract) -> Bands:
    score = contract.data.score
    if score is None:
        return score_bands(Fraction(0), Fraction(1), None, ())
    return score_bands(score.low, score.high, score.threshold, score.bands)


def _require_favourable(table: Table, cells: list[str], contract: ReleaseContract) -> None:
    """Refuse a favourable value that is no decision at all: the impact ratio would turn round unnoticed."""
    good, chosen = contract.decision.favourable, contract.data.decision
    if chosen and good and len(cells) > 1 and not matching([*cells, *chosen.positive], [good]):
        raise UsageError(
            f"The favourable decision “{good}” never occurs in “{chosen.column}”",
            where=table.source.name,
            remedy="State it in the contract as it stands in the file, under decision: favourable",
        )


def decision_sql(con: duckdb.DuckDBPyConnection, table: Table, contract: ReleaseContract) -> str:
    """Return SQL of the decision: of its own column where the file has one, else by the score's threshold.

    The code of ABSENT where the file has neither; errors as in `code_table`.
    """
    chosen = contract.data.decision
    if chosen and table.has(chosen.column):
        cells = _distinct(con, table, chosen.column)
        positive, abstain = _named(table, chosen.column, cells, chosen.positive, chosen.abstain)
        _require_favourable(table, cells, contract)
        return choice_sql(table.text(chosen.column), positive, abstain)
    named = contract.data.score
    if named is not None and named.threshold is not None and table.has(named.column):
        return threshold_sql(finite(table.number(named.column)), named.threshold)
    return str(ABSENT)

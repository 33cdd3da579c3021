"""Counts a file of live rows, one period at a time, by the contract's axes and in the release's bins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import reduce
from typing import TYPE_CHECKING

from audit_core.contract.periods import period
from audit_core.contract.schema import ReleaseContract
from audit_core.cube.axes import NEITHER
from audit_core.cube.build import count_table, take_in
from audit_core.cube.build_drift import Side, count_in_bins, uncountable
from audit_core.cube.calendar import period_name
from audit_core.cube.coding import CodedAxis, Coding, code_table
from audit_core.cube.count_cube import CountCube
from audit_core.cube.drift import DriftTable, added_drift
from audit_core.cube.windows import WindowCounts, added_cubes
from audit_core.errors import SourceError, UsageError
from audit_core.sources.tables import Table, literal, run

if TYPE_CHECKING:
    import duckdb

MOST_PERIODS = 1_000
"""More periods than this in one file are no periods: an id, a time of arrival to the second."""

_LONGEST = 40
"""No period is written longer; what stands there instead is never read whole."""

_WITH_TIME = "^([0-9]{4}-[0-9]{2}-[0-9]{2})[T ][0-9]{2}:[0-9]{2}.{0,24}$"

_PERIOD = "the period of a row"
"""What periods are called while they are counted as groups; no attribute of a contract is."""

Days = tuple[date, date]
Drift = tuple[tuple[DriftTable, ...], tuple[tuple[str, str], ...]]
"""The tables that could be counted, and (name, reason) of what could not."""


def count_windows(
    con: duckdb.DuckDBPyConnection, table: Table, contract: ReleaseContract, released: tuple[DriftTable, ...]
) -> tuple[WindowCounts, ...]:
    """Return the counts of every period of a file, in the order of time.

    The label column may be missing: then no outcome is back. Rows without a score or decision are counted
    apart (`dropped`). Features that the file does not hold, or can't be counted on, are named in
    `not_followed`, with the reason.

    Raises
    ------
    UsageError
        The contract names no column of periods, the file lacks it or an attribute, or rows have no period.
    SourceError
        A cell of that column is no period, or the scores can't be read.
    """
    column = contract.data.window
    if column is None:
        raise UsageError(
            "The contract names no column of periods",
            where=table.source.name,
            remedy="Name it in the contract, under data: window, and audit the release again",
        )
    sql = _period_sql(table, column)
    texts = _texts(con, table, column, sql)
    by_period = _by_period(texts, table, column)
    coding = _coding(con, table, contract)
    if not coding.decides:
        raise UsageError(
            "The rows hold no score and no decision",
            where=table.source.name,
            remedy="Give the release's model with --model, or a file with a predictions column",
        )
    take_in(con, table, coding, _without_window(contract, table))
    axis = CodedAxis(name=column, kind="window", sql=sql, folded=0)
    whole = count_table(con, table, replace(coding, axes=(*coding.axes, axis)))
    drift, without = _drift(Side(con=con, table=table, coding=coding), contract, released, axis, list(texts))
    found = []
    for days, members in by_period.items():
        rows = sum(texts[text] for text in members)
        cube = _require_cube(_of_period(whole, column, members), period_name(*days), rows, table)
        found.append(_window(days, cube, rows, (_added(drift, members), without), table))
    return tuple(sorted(found, key=lambda window: (window.first, window.last)))


def _of_period(whole: CountCube, column: str, members: Sequence[str]) -> CountCube | None:
    """The cube of one period, however often its name is written; None where no row has a decision."""
    held = [whole.at(column, text) for text in members if text in whole.axis(column).levels]
    return added_cubes(held) if held else None


def _require_cube(cube: CountCube | None, name: str, rows: int, table: Table) -> CountCube:
    if cube is None:
        raise SourceError(
            f"None of the {rows:,} rows of {name} has a usable score or decision",
            where=table.source.name,
            remedy="Leave the period out, or give its scores",
        )
    return cube


def _window(days: Days, cube: CountCube, rows: int, drift: Drift, table: Table) -> WindowCounts:
    return WindowCounts(
        period=period_name(*days),
        first=days[0],
        last=days[1],
        cube=cube,
        drift=drift[0],
        rows=cube.rows,
        unlabelled=int(cube.measures[cube.codes[:, -3] == NEITHER, 0].sum()),
        source=table.source.name,
        sha256=table.source.sha256,
        not_followed=drift[1],
        dropped=rows - cube.rows,
    )


def _drift(
    side: Side,
    contract: ReleaseContract,
    released: tuple[DriftTable, ...],
    axis: CodedAxis,
    texts: Sequence[str],
) -> tuple[dict[str, tuple[DriftTable, ...]], tuple[tuple[str, str], ...]]:
    """The release's tables over everybody with the counts of each period's text, and what can't be counted.

    Periods are counted as if they were groups, so that a file is read once for each feature and not once more
    for each period. New categories are named only where the whole file is one period.
    """
    everybody = tuple(table for table in released if not table.attribute)
    reasons = dict(uncountable(side, everybody, contract))
    kept = tuple(table for table in everybody if table.feature not in reasons)
    outcomes = {table.feature for table in released if table.kind == "label"}
    told = tuple((name, why) for name, why in reasons.items() if name not in outcomes)
    if not kept:
        return {}, told
    if len(texts) == 1:
        return {texts[0]: count_in_bins(side, kept, contract)}, told
    coding = replace(side.coding, axes=(*side.coding.axes, replace(axis, name=_PERIOD, kind="attribute")))
    asked = tuple(replace(table, attribute=_PERIOD, group=text) for text in texts for table in kept)
    found: dict[str, list[DriftTable]] = {}
    for table in count_in_bins(replace(side, coding=coding), asked, contract):
        found.setdefault(table.group, []).append(replace(table, attribute="", group=""))
    return {text: tuple(tables) for text, tables in found.items()}, told


def _added(drift: Mapping[str, tuple[DriftTable, ...]], members: Sequence[str]) -> tuple[DriftTable, ...]:
    """The tables of one period, however often its name is written."""
    parts = [drift[text] for text in members if text in drift]
    return tuple(reduce(added_drift, tables) for tables in zip(*parts, strict=True))


def _coding(con: duckdb.DuckDBPyConnection, table: Table, contract: ReleaseContract) -> Coding:
    return code_table(con, table, _without_window(contract, table))


def _without_window(contract: ReleaseContract, table: Table) -> ReleaseContract:
    """The contract for rows of one period: no window, and no label where the column has not come."""
    spec = contract.data
    label = spec.label if spec.label and table.has(spec.label.column) else None
    return replace(contract, data=replace(spec, window=None, label=label))


def _period_sql(table: Table, column: str) -> str:
    """SQL of a row's period as text; of a point in time its day alone."""
    # One expression that names the column once: a CASE would be multiplied wherever it is used.
    return f"regexp_replace(trim({table.text(column)}), {literal(_WITH_TIME)}, '\\1')"


def _texts(con: duckdb.DuckDBPyConnection, table: Table, column: str, sql: str) -> dict[str, int]:
    """Rows by the text of their period.

    Raises
    ------
    UsageError
        A row has none.
    SourceError
        There are too many to be periods.
    """
    short = f"CASE WHEN p IS NULL THEN '' WHEN length(p) <= {_LONGEST} THEN p ELSE '?' END"
    named = f"SELECT {short} AS t FROM (SELECT {sql} AS p FROM {table.scan}) AS periods"
    query = f"SELECT t, count(*) FROM ({named}) AS cells GROUP BY t ORDER BY t LIMIT {MOST_PERIODS + 2}"
    found = {str(text): int(rows) for text, rows in run(con, query, table.source.name)}
    if without := found.pop("", 0):
        some = "1 row has" if without == 1 else f"{without:,} of {table.source.rows:,} rows have"
        raise UsageError(
            f"{some} no period in “{column}”",
            where=table.source.name,
            remedy="Write the period into every row; a row that is left out would change every rate unseen",
        )
    if len(found) > MOST_PERIODS:
        raise SourceError(
            f"“{column}” has over {MOST_PERIODS:,} values, too many for periods",
            where=table.source.name,
            remedy="Write periods such as 2026-11, 2026-W47 or 2026-11-22, or send fewer at a time",
        )
    return found


def _by_period(texts: Mapping[str, int], table: Table, column: str) -> dict[Days, list[str]]:
    """Texts by the days of the period each is a name of."""
    found: dict[Days, list[str]] = {}
    wrong = 0
    for text, rows in texts.items():
        days = period(text)
        if days is None:
            wrong += rows
        else:
            found.setdefault(days, []).append(text)
    if wrong:
        cells = "1 cell is" if wrong == 1 else f"{wrong:,} cells are"
        raise SourceError(
            f"{cells} no period in “{column}”",
            where=table.source.name,
            remedy="Write periods such as 2026-11, 2026-W47 or 2026-11-22",
        )
    return found

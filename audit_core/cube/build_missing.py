"""Counts missing cells by group, in one pass per attribute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from audit_core.contract.schema import ReleaseContract
from audit_core.cube.axes import NEITHER
from audit_core.cube.build_drift import feature_names
from audit_core.cube.coding import Coding
from audit_core.cube.missing import MissingTable
from audit_core.sources.tables import Table, run

if TYPE_CHECKING:
    import duckdb

MOST_COLUMNS = 500
"""Features that are counted, in the file's order; a wider file is one of measurements, not of people."""


def count_missing(
    con: duckdb.DuckDBPyConnection, table: Table, coding: Coding, contract: ReleaseContract
) -> tuple[MissingTable, ...]:
    """Return every column that lacks a value in some row, with its rows and missing cells in each group."""
    columns = _columns(table, coding, contract)
    attributes = [axis for axis in coding.axes if axis.kind == "attribute"]
    found = []
    for axis in attributes:
        sums = ", ".join(f"sum(CASE WHEN {lacks} THEN 1 ELSE 0 END)" for _, _, lacks in columns)
        if not sums:
            continue
        sql = (
            f"SELECT g, count(*), {sums} FROM (SELECT *, {axis.sql} AS g FROM {table.scan} AS rows_read) "
            "AS coded GROUP BY g ORDER BY g"
        )
        rows = run(con, sql, table.source.name)
        for place, (column, part, _) in enumerate(columns):
            missing = tuple(int(row[place + 2]) for row in rows)
            if any(missing):
                found.append(
                    MissingTable(
                        attribute=axis.name,
                        column=column,
                        part=part,
                        groups=tuple(str(row[0]) for row in rows),
                        rows=tuple(int(row[1]) for row in rows),
                        missing=missing,
                    )
                )
    return tuple(found)


def _columns(table: Table, coding: Coding, contract: ReleaseContract) -> Sequence[tuple[str, str, str]]:
    """(column, part, SQL that is true where the cell lacks a value)."""
    spec = contract.data
    present = [name for name in spec.features or () if table.has(name)]
    names = present if spec.features is not None else feature_names(table, table, contract)
    found = [(name, "feature", f"{table.value(name)} IS NULL") for name in names[:MOST_COLUMNS]]
    if coding.score and spec.score:
        found.append((spec.score.column, "score", f"{coding.score} IS NULL"))
    if spec.label and table.has(spec.label.column):
        found.append((spec.label.column, "label", f"{coding.label} = {NEITHER}"))
    return found

"""Folds repeated people into sums of products; the ids stay in the query."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from audit_core.contract.schema import Subject
from audit_core.cube.axes import ABSENT
from audit_core.cube.build import identity_sql
from audit_core.cube.clusters import CELLS, PersonTotals
from audit_core.cube.coding import Coding
from audit_core.sources.tables import Table, run

if TYPE_CHECKING:
    import duckdb

_PAIRS = [(i, j) for i in range(CELLS) for j in range(i, CELLS)]
Group = tuple[str, ...]


def person_totals(
    con: duckdb.DuckDBPyConnection, table: Table, coding: Coding, column: str, subjects: Sequence[Subject]
) -> tuple[PersonTotals, ...]:
    """Return the totals of every group of every subject; a row without an id is a person of its own."""
    found: list[PersonTotals] = []
    sql_of = {axis.name: axis.sql for axis in coding.axes}
    for subject in subjects:
        found += _of_subject(con, table, coding, column, subject, [sql_of[name] for name in subject])
    return tuple(found)


def _of_subject(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    coding: Coding,
    column: str,
    subject: Subject,
    axes: Sequence[str],
) -> list[PersonTotals]:
    names = [f"g{i}" for i in range(len(axes))]
    keys = ", ".join(names)
    coded = ", ".join(f"{sql} AS {name}" for sql, name in zip(axes, names, strict=True))
    kept = f" WHERE d <> {ABSENT}" if coding.decides else ""
    rows = (
        f"SELECT * FROM (SELECT {coded}{', ' if coded else ''}{identity_sql(table, column)} AS k, "
        f"4 * ({coding.label}) + ({coding.decision}) AS cell, {coding.decision} AS d "
        f"FROM {table.scan} AS rows_read) AS coded{kept}"
    )
    counts = ", ".join(f"sum(CASE WHEN cell = {i} THEN 1 ELSE 0 END) AS v{i}" for i in range(CELLS))
    grouped = f"{keys}, k" if keys else "k"
    people = f"SELECT {grouped}, {counts} FROM ({rows}) AS kept WHERE k IS NOT NULL GROUP BY {grouped}"
    by_group = f" GROUP BY {keys}" if keys else ""
    listed = f"{keys}, " if keys else ""
    products = ", ".join(f"cast(coalesce(sum(v{i} * v{j}), 0) AS BIGINT)" for i, j in _PAIRS)
    mask = " + ".join(f"CASE WHEN v{i} > 0 THEN {1 << i} ELSE 0 END" for i in range(CELLS))
    sums = run(con, f"SELECT {listed}{products} FROM ({people}) AS people{by_group}", table.source.name)
    masks = run(
        con,
        f"SELECT {listed}mask, count(*) FROM (SELECT {listed}{mask} AS mask FROM ({people}) AS people) "
        f"AS masked GROUP BY {listed}mask",
        table.source.name,
    )
    alone = run(
        con,
        f"SELECT {listed}cell, count(*) FROM ({rows}) AS kept WHERE k IS NULL GROUP BY {listed}cell",
        table.source.name,
    )
    return _gathered(subject, sums, masks, alone)


def _gathered(
    subject: Subject, sums: Sequence[tuple[object, ...]], masks: Sequence[tuple[object, ...]],
    alone: Sequence[tuple[object, ...]],
) -> list[PersonTotals]:  # fmt: skip
    """Totals by group; rows without an id join as people of one row each."""
    depth = len(subject)
    products: dict[Group, dict[tuple[int, int], int]] = {}
    patterns: dict[Group, dict[int, int]] = {}
    for row in sums:
        group = tuple(str(level) for level in row[:depth])
        products[group] = dict(zip(_PAIRS, (int(str(value)) for value in row[depth:]), strict=True))
    for row in masks:
        group = tuple(str(level) for level in row[:depth])
        patterns.setdefault(group, {})[int(str(row[depth]))] = int(str(row[depth + 1]))
    for row in alone:
        group, cell = tuple(str(level) for level in row[:depth]), int(str(row[depth]))
        mine, bits, people = products.setdefault(group, {}), patterns.setdefault(group, {}), int(str(row[-1]))
        mine[cell, cell] = mine.get((cell, cell), 0) + people
        bits[1 << cell] = bits.get(1 << cell, 0) + people
    return [
        PersonTotals(
            subject=subject,
            group=group,
            products=tuple((i, j, value) for (i, j), value in sorted(mine.items()) if value),
            patterns=tuple(sorted(patterns.get(group, {}).items())),
        )
        for group, mine in sorted(products.items())
        if any(mine.values())
    ]

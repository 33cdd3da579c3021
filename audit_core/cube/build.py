"""Runs the one query that folds a table into a count cube, and the few counts a cube can't give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from audit_core.contract.schema import ReleaseContract
from audit_core.cube.axes import ABSENT, NEITHER, NO, YES, Axis
from audit_core.cube.bands import MICRO, micro
from audit_core.cube.coding import Coding
from audit_core.cube.count_cube import CountCube, Integers, build_cube
from audit_core.cube.counted import GroupRanks, Intake, Overlap
from audit_core.cube.fold_ranks import Exposures, fold_ranks, listed_exposures
from audit_core.cube.ranks import RankedRows
from audit_core.cube.sql import cube_sql, threshold_sql
from audit_core.errors import SourceError
from audit_core.sources.profile import refuse_decimal_commas
from audit_core.sources.tables import Table, literal, run, run_columns

if TYPE_CHECKING:
    import duckdb


def count_table(con: duckdb.DuckDBPyConnection, table: Table, coding: Coding) -> CountCube:
    """Return the cube of a table.

    Rows without a decision (no score, or one that is no finite number) are left out, unless the table has no
    decisions at all; `take_in` counts them.
    """
    axis_sql = [axis.sql for axis in coding.axes]
    sql = cube_sql(axis_sql, coding.label, coding.decision, coding.micro, table, coding.bands)
    columns = run_columns(con, sql, table.source.name)
    axes, codes = [], []
    for axis, cells in zip(coding.axes, columns, strict=False):
        levels, code = _coded(cells)
        axes.append(Axis(name=axis.name, kind=axis.kind, levels=levels))
        codes.append(code)
    numbers = [column.astype(np.int64) for column in columns[len(axes) :]]
    cells, measures = np.column_stack([*codes, *numbers[:3]]), np.column_stack(numbers[3:])
    if coding.decides:
        keep = cells[:, -2] != ABSENT
        cells, measures = cells[keep], measures[keep]
    return build_cube(tuple(axes), coding.bands, cells, measures)


def take_in(
    con: duckdb.DuckDBPyConnection, table: Table, coding: Coding, contract: ReleaseContract
) -> Intake:
    """Return what became of the rows of a table.

    Raises
    ------
    SourceError
        Scores lie outside the scale that the contract states, have a decimal comma, or no row has a decision.
    """
    total, empty, unusable, unlabelled, edge, outside, repeated, last = run(
        con, _intake_sql(table, coding, contract), table.source.name
    )[0]
    if outside:
        lie = "1 score lies" if outside == 1 else f"{int(outside):,} scores lie"
        raise SourceError(
            f"{lie} outside the scale from {coding.bands.low} to {coding.bands.high}",
            where=table.source.name,
            remedy="State the scale in the contract, under data: score: range",
        )
    if unusable and contract.data.score:
        refuse_decimal_commas(con, table, (contract.data.score.column,))
    reasons = (("no score or decision", int(empty)), ("score is not a finite number", int(unusable)))
    dropped = tuple((reason, count) for reason, count in reasons if count and coding.decides)
    if sum(count for _, count in dropped) == int(total):
        raise SourceError(
            f"None of the {int(total):,} rows has a usable score or decision",
            where=table.source.name,
            remedy="Check the column the contract names; a score is a number with a decimal point",
        )
    return Intake(
        rows=int(total),
        counted=int(total) - sum(count for _, count in dropped),
        dropped=dropped,
        missing_label=int(unlabelled),
        edge_rows=int(edge),
        repeated=int(repeated),
        folded=tuple((axis.name, axis.folded) for axis in coding.axes if axis.folded),
        last_window=str(last or ""),
    )


def rank_groups(
    con: duckdb.DuckDBPyConnection, table: Table, coding: Coding, cube: CountCube
) -> tuple[GroupRanks, ...]:
    """Return exact rank sums and exposure of the scores for everybody and for every group of every attribute.

    One pass per attribute groups the rows by level and micro-score; only the sums are kept.
    """
    if coding.score is None:
        return ()
    found: list[GroupRanks] = []
    exposures: Exposures | None = None
    levels_of = {axis.name: axis.levels for axis in cube.axes if axis.kind == "attribute"}
    for attribute, levels in {"": ("",), **levels_of}.items():
        ranked = _ranked_rows(con, table, coding, attribute, levels)
        exposures = exposures or listed_exposures(ranked)  # everybody comes first
        found += fold_ranks(attribute, levels, ranked, exposures)
    return tuple(found)


def _ranked_rows(
    con: duckdb.DuckDBPyConnection, table: Table, coding: Coding, attribute: str, levels: Sequence[str]
) -> RankedRows:
    level = next((axis.sql for axis in coding.axes if axis.name == attribute), "''")
    counted = f" AND d <> {ABSENT}" if coding.decides else ""
    # A join, since a CASE would be multiplied by the list of levels inside its own operand.
    codes = ", ".join(f"({literal(text)}, {code})" for code, text in enumerate(levels))
    sql = (
        f"SELECT g, q, cast(sum(CASE WHEN y = {YES} THEN 1 ELSE 0 END) AS BIGINT) AS p, "
        f"cast(sum(CASE WHEN y = {NO} THEN 1 ELSE 0 END) AS BIGINT) AS m, "
        "cast(count(*) AS BIGINT) AS n FROM ("
        f"SELECT {level} AS l, {coding.micro} AS q, {coding.label} AS y, {coding.decision} AS d "
        f"FROM {table.scan}) AS coded INNER JOIN (VALUES {codes}) AS codes(t, g) ON l = t "
        f"WHERE q IS NOT NULL{counted} GROUP BY g, q ORDER BY g, q"
    )
    group, score, positives, negatives, rows = (
        column.astype(np.int64) for column in run_columns(con, sql, table.source.name)
    )
    return RankedRows(group=group, score=score, positives=positives, negatives=negatives, rows=rows)


def shared_ids(con: duckdb.DuckDBPyConnection, train: Table, evaluation: Table, column: str) -> Overlap:
    """Return how many ids stand in both files, and how many rows of each have none."""
    left = f"SELECT {identity_sql(train, column)} AS k, count(*) AS n FROM {train.scan} GROUP BY 1"
    right = f"SELECT {identity_sql(evaluation, column)} AS k, count(*) AS n FROM {evaluation.scan} GROUP BY 1"
    told = "count(k), coalesce(sum(n), 0), coalesce(sum(n) FILTER (WHERE k IS NULL), 0)"
    sql = (
        f"WITH a AS ({left}), b AS ({right}) SELECT * FROM "
        "(SELECT count(*) FROM a INNER JOIN b ON a.k = b.k) AS both_files, "
        f"(SELECT {told} FROM a) AS first_file, (SELECT {told} FROM b) AS second_file"
    )
    shared, *counts = map(int, run(con, sql, evaluation.source.name)[0])
    return Overlap(
        shared=shared,
        train_ids=counts[0],
        train_rows=counts[1],
        train_without_id=counts[2],
        evaluation_ids=counts[3],
        evaluation_rows=counts[4],
        evaluation_without_id=counts[5],
    )


def _coded(cells: Any) -> tuple[tuple[str, ...], Integers]:
    """Levels in the order of their text, and each cell's position among them."""
    # As objects: NumPy's text would take four bytes times the longest level for every cell.
    levels, code = np.unique(np.asarray(cells, dtype=object), return_inverse=True)
    return tuple(str(level) for level in levels), code.reshape(-1).astype(np.int64)


def identity_sql(table: Table, column: str) -> str:
    """Return SQL of an id; pandas writes 17 as 17.0 once a column has a gap, and it is the same person."""
    text = table.text(column)
    whole = f"regexp_matches({text}, '^-?[0-9]+[.]0+$')"
    return f"(CASE WHEN {whole} THEN split_part({text}, '.', 1) ELSE {text} END)"


def _intake_sql(table: Table, coding: Coding, contract: ReleaseContract) -> str:
    spec = contract.data
    given = "false"
    if coding.score and spec.score and not (spec.decision and table.has(spec.decision.column)):
        # A missing cell is no score; any other cell that gives none is not a finite number.
        cell = (table.value(spec.score.column), table.number(spec.score.column))
        given = f"({cell[0]} IS NOT NULL OR {cell[1]} IS NOT NULL)"
    identity = identity_sql(table, spec.id) if spec.id and table.has(spec.id) else "cast(NULL AS VARCHAR)"
    window = table.text(spec.window) if spec.window and table.has(spec.window) else "''"
    checks = {
        "empty": f"d = {ABSENT} AND NOT (s IS NULL AND g)",
        "unusable": f"d = {ABSENT} AND s IS NULL AND g",
        "unlabelled": f"y = {NEITHER}",
        "edge": _on_edge(coding),
        "outside": _outside(coding),
    }
    flags = ", ".join(f"CASE WHEN {test} THEN 1 ELSE 0 END AS {name}" for name, test in checks.items())
    sums = ", ".join(f"coalesce(sum({name}), 0)" for name in checks)
    # The innermost query names each expression once: planning a query takes longer than reading a small file.
    named = {"d": coding.decision, "y": coding.label, "s": coding.score or "cast(NULL AS DOUBLE)",
             "q": coding.micro, "g": given, "k": identity, "w": window}  # fmt: skip
    coded = ", ".join(f"{sql} AS {name}" for name, sql in named.items())
    return (
        f"SELECT count(*), {sums}, count(k) - count(DISTINCT k), max(w) "
        f"FROM (SELECT {flags}, k, w FROM (SELECT {coded} FROM {table.scan}) AS coded) AS checked"
    )


def _on_edge(coding: Coding) -> str:
    """SQL over score s and micro-score q: decision and band lie on different sides of the threshold."""
    if coding.score is None or coding.bands.threshold is None:
        return "false"
    edge = micro(coding.bands.threshold, coding.bands.low, coding.bands.high)
    reached = threshold_sql("s", coding.bands.threshold)
    return f"(q >= {edge} AND {reached} = 0) OR (q < {edge} AND {reached} = 1)"


def _outside(coding: Coding) -> str:
    if coding.score is None:
        return "false"
    return f"q < 0 OR q > {MICRO}"

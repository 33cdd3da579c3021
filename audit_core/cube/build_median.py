"""Folds the rows into counts above and not above the median score."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from audit_core.cube.axes import ABSENT, NEITHER, NO, YES
from audit_core.cube.build import count_table
from audit_core.cube.coding import Coding
from audit_core.cube.median import MedianSplit
from audit_core.cube.sql import decimal_text
from audit_core.sources.tables import Table, run

if TYPE_CHECKING:
    import duckdb


def split_at_median(con: duckdb.DuckDBPyConnection, table: Table, coding: Coding) -> MedianSplit | None:
    """Return the split of a table, or None where no row has a score.

    The rows are those of the cube that have a score. A score is above the median exactly when it is above the
    lower of the two middle ones, so raw scores are compared with a raw score and nothing is rounded.
    """
    if coding.score is None:
        return None
    counted = f"d <> {ABSENT}" if coding.decides else "true"
    scores = f"(SELECT {coding.score} AS s, {coding.decision} AS d FROM {table.scan}) AS scores"
    scores += f" WHERE s IS NOT NULL AND {counted}"
    middle = f"SELECT count(s), percentile_disc(0.5) WITHIN GROUP (ORDER BY s) FROM {scores}"
    people, lower = run(con, middle, table.source.name)[0]
    if not people:
        return None
    edge = decimal_text(float(lower))
    beyond = f"count(CASE WHEN s <= {edge} THEN 1 END), min(CASE WHEN s > {edge} THEN s END)"
    reached, upper = run(con, f"SELECT {beyond} FROM {scores}", table.source.name)[0]
    halves = int(reached) * 2 == int(people)
    dropped = f" OR {coding.decision} = {ABSENT}" if coding.decides else ""
    above = (
        f"CASE WHEN {coding.score} IS NULL{dropped} THEN {ABSENT} "
        f"WHEN {coding.score} > {edge} THEN {YES} ELSE {NO} END"
    )
    split = replace(
        coding,
        axes=tuple(axis for axis in coding.axes if axis.kind == "attribute"),
        label=str(NEITHER),
        decision=above,
        score=None,
        micro="cast(NULL AS BIGINT)",
    )
    cube = count_table(con, table, split)
    return MedianSplit(lower=float(lower), upper=float(upper) if halves else float(lower), cube=cube)

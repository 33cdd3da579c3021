"""The contract's columns as SQL expressions; plain portable SQL, the same text for every engine.

Only columns c0 … cn occur in it. A NaN score would make `score >= 0.5` true, so a score is checked for being
finite before anything is compared with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from audit_core.contract.schema import Edges
from audit_core.cube.axes import ABSENT, NEITHER, NO, NO_BAND, OTHER, UNKNOWN, YES
from audit_core.cube.bands import FINE, MICRO, Bands
from audit_core.sources.tables import Table, literal

FINITE_BOUND = "1.7976931348623157e308"


def level_sql(
    text: str, unknown: Sequence[str], kept: Sequence[str] | None, spelled: Mapping[str, str]
) -> str:
    """Return SQL for an axis: the cell's text, UNKNOWN for missing, OTHER beyond the kept levels.

    `spelled` maps a cell to the contract's spelling of the same value.
    """
    branches = f"WHEN {text} IS NULL THEN {literal(UNKNOWN)} "
    if unknown:
        branches += f"WHEN {text} IN ({_listed(unknown)}) THEN {literal(UNKNOWN)} "
    for cell, named in spelled.items():
        branches += f"WHEN {text} = {literal(cell)} THEN {literal(named)} "
    if kept is not None:
        branches += f"WHEN {text} NOT IN ({_listed(kept)}) THEN {literal(OTHER)} "
    return f"CASE {branches}ELSE {text} END"


def edges_sql(number: str, bands: Edges) -> str:
    """Return SQL for a banded attribute: the label of [edge, next edge), UNKNOWN outside every band.

    A missing cell is less than no edge, and neither is NaN, which SQL puts above every number; so one
    comparison a band is enough, and planning a query grows with each copy of the number.
    """
    branches = " ".join(
        f"WHEN {number} < {decimal(edge)} THEN {literal(label)}"
        for edge, label in zip(bands.edges, (UNKNOWN, *bands.labels), strict=True)
    )
    return f"(CASE {branches} ELSE {literal(UNKNOWN)} END)"


def label_sql(text: str | None, positive: Sequence[str]) -> str:
    """Return SQL for the label: YES, NO, or NEITHER where it is missing."""
    if text is None:
        return str(NEITHER)
    hit = f"WHEN {text} IN ({_listed(positive)}) THEN {YES} " if positive else ""
    return f"CASE WHEN {text} IS NULL THEN {NEITHER} {hit}ELSE {NO} END"


def choice_sql(text: str, positive: Sequence[str], abstain: Sequence[str]) -> str:
    """Return SQL for a decision column: YES, NO, NEITHER where it abstained, ABSENT where it is missing."""
    hits = f"WHEN {text} IN ({_listed(positive)}) THEN {YES} " if positive else ""
    hits += f"WHEN {text} IN ({_listed(abstain)}) THEN {NEITHER} " if abstain else ""
    return f"CASE WHEN {text} IS NULL THEN {ABSENT} {hits}ELSE {NO} END"


def threshold_sql(score: str, threshold: Fraction) -> str:
    """Return SQL for the decision a raw score leads to, exactly as production compares it."""
    reached = f"{score} >= {decimal(threshold)}"
    return f"CASE WHEN {score} IS NULL THEN {ABSENT} WHEN {reached} THEN {YES} ELSE {NO} END"


def micro_sql(score: str, bands: Bands) -> str:
    """Return SQL for a score in micro-units of its scale (BIGINT); far outside stays outside, and fits."""
    if bands.low != 0 or bands.high != 1:
        score = f"(({score} - {decimal(bands.low)}) / {decimal(bands.high - bands.low)})"
    within = f"CASE WHEN {score} < -1 THEN -1 WHEN {score} > 2 THEN 2 ELSE {score} END"
    return f"cast(floor(({within}) * {MICRO} + 0.5) AS BIGINT)"


def band_sql(micro: str, bands: Bands) -> str:
    """Return SQL for the band of a score in micro-units; the last band is closed."""
    if bands.edges == tuple(range(0, MICRO + 1, MICRO // FINE)):
        band = f"least(cast(floor({micro} / {MICRO // FINE}) AS BIGINT), {FINE - 1})"
    else:
        band = " + ".join(
            f"CASE WHEN {micro} >= {edge} THEN 1 ELSE 0 END" for edge in bands.edges[1:-1]
        ) or "0"  # fmt: skip
    return f"CASE WHEN {micro} IS NULL THEN {NO_BAND} ELSE {band} END"


def finite(number: str) -> str:
    """Return SQL of a double with NaN and the infinities as NULL."""
    return f"(CASE WHEN {number} BETWEEN -{FINITE_BOUND} AND {FINITE_BOUND} THEN {number} END)"


def decimal(value: Fraction) -> str:
    """Return a number as SQL text of a double; never a DECIMAL, whose arithmetic differs between engines."""
    return decimal_text(float(value))


def decimal_text(value: float) -> str:
    """Return a double as SQL text that parses back to exactly this double."""
    return f"cast('{value!r}' AS DOUBLE)"


def cube_sql(axes: Sequence[str], label: str, decision: str, micro: str, table: Table, bands: Bands) -> str:
    """Return the one GROUP BY that folds rows into cells.

    The innermost query names each expression once; Σq and the two halves of Σq² are integers, so the sums do
    not depend on the order of the rows.
    """
    named = ", ".join(f"{axis} AS a{i}" for i, axis in enumerate(axes))
    keys = [f"a{i}" for i in range(len(axes))] + ["y", "d", "b"]
    listed = ", ".join(keys)
    band = band_sql("q", bands)
    return (
        f"SELECT {listed}, cast(count(*) AS BIGINT) AS n, "
        "cast(coalesce(sum(q), 0) AS BIGINT) AS s, "
        f"cast(coalesce(sum(cast(floor(q * q / {MICRO}) AS BIGINT)), 0) AS BIGINT) AS s2_hi, "
        f"cast(coalesce(sum((q * q) % {MICRO}), 0) AS BIGINT) AS s2_lo "
        f"FROM (SELECT *, {band} AS b FROM ("
        f"SELECT {named}{', ' if named else ''}{label} AS y, {decision} AS d, {micro} AS q "
        f"FROM {table.scan} AS rows_read) AS coded) AS banded GROUP BY {listed}"
    )


def _listed(values: Sequence[str]) -> str:
    return ", ".join(literal(value) for value in values)

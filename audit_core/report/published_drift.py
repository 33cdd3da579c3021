"""Drift as it may be published: everybody's bins as rounded shares, without the values of anybody."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from audit_core.cube.drift import MISSING_BIN, UNSEEN_BIN
from audit_core.cube.published import PublishedCube
from audit_core.metrics.drift import DriftStatistics
from audit_core.metrics.measurements import DriftRow
from audit_core.report.result_numbers import number

STEPS = (100, 20, 10)
"""Shares are rounded to the first of 1, 5 and 10 points that holds twice as many rows as the floor."""

_DIGITS = 3


def published_drift(rows: Sequence[DriftRow], release: PublishedCube) -> list[dict[str, Any]]:
    """Return the drift of every feature over everybody.

    Inside groups it stays in the workspace, and so do the shares of groups, whose published counts are in
    their own tables; distances of the values and the value that deciles fall on are not told either.
    """
    taken = {name for table in release.tables for name in table.subject}
    told = [row for row in rows if row.table.over_everybody]
    return [_row(row, release.floor, taken) for row in told]


def _row(row: DriftRow, floor: int, taken: set[str]) -> dict[str, Any]:
    found = row.statistics if isinstance(row.statistics, DriftStatistics) else None
    table = row.table
    # An attribute that is also an input would have its small groups counted here a second time.
    bins = None if table.feature in taken else _bins(row, floor)
    if found is not None and _solved(row, floor, taken):
        found = None
    return {
        "feature": table.feature,
        "kind": table.kind,
        "status": row.status,
        "psi": round(found.psi, _DIGITS) if found else None,
        "psi_null95": round(found.psi_null95, _DIGITS) if found else None,
        "bins": bins,
        "bins_reason": None if bins is not None else "privacy: bins of fewer people could be worked out",
    }


def _solved(row: DriftRow, floor: int, taken: set[str]) -> bool:
    """Whether its PSI tells a small bin to who knows the reference: with one count open, it is an equation.

    So it is with two bins, and with an attribute, whose other groups are published in their own tables.
    """
    table = row.table
    held = [pair for pair in zip(table.reference, table.current, strict=True) if any(pair)]
    few = any(0 < n < floor for pair in held for n in pair)
    return few and (len(held) <= 2 or table.feature in taken)


def _bins(row: DriftRow, floor: int) -> list[dict[str, Any]] | None:
    """Bins with their shares, small ones without; None where a small one could be told from the others."""
    table = row.table
    sides = [_shares(counts, floor) for counts in (table.reference, table.current)]
    if any(side is None for side in sides):
        return None
    before, after = (side or [] for side in sides)
    return [
        {
            "label": _label(row, place, small=before[place] is None or after[place] is None),
            "reference": number(before[place]),
            "current": number(after[place]),
        }
        for place in range(len(table.labels))
    ]


def _label(row: DriftRow, place: int, *, small: bool) -> str | None:
    """A bin's name. Edges are values of single people, and a rare category may be a person's own."""
    name = row.table.labels[place]
    if name in (MISSING_BIN, UNSEEN_BIN):
        return name
    if row.table.edges or row.table.kind in ("numeric", "score"):
        return f"bin {place + 1} of {row.table.value_bins}"
    return None if small else name


def _shares(counts: Sequence[int], floor: int) -> list[Fraction | None] | None:
    """Shares rounded so that each could be twice the floor away; None where the hidden ones are told."""
    whole = sum(counts)
    steps = next((steps for steps in STEPS if whole >= 2 * floor * steps), None)
    if steps is None:
        return None
    shares = [None if n < floor else Fraction(round(Fraction(n * steps, whole)), steps) for n in counts]
    half = Fraction(1, 2 * steps)
    rest = whole * (1 - sum((share - half for share in shares if share is not None), Fraction(0)))
    least = whole * (1 - sum((share + half for share in shares if share is not None), Fraction(0)))
    hidden = [n for n in counts if n < floor]
    if hidden and (rest < floor or rest - max(least, Fraction(0)) < floor):
        return None
    return shares

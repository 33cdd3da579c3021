"""Alerts beside the drift figures: cells gone missing, and categories the model never saw."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from audit_core.cube.drift import DriftTable
from audit_core.metrics.intervals import Interval, newcombe_difference, z_two_sided
from audit_core.metrics.measurements import DriftRow
from audit_core.report.numbers import count, level_words, percent, points

LEVEL = Fraction(95, 100)
NEW_CATEGORY_PERCENT = 1
"""A new category is told from this share of the rows on (METHODS §10)."""


def drift_alerts(rows: Sequence[DriftRow], level: Fraction = LEVEL) -> tuple[str, ...]:
    """Return one sentence for each missing rate that moved, and for each new category of 1 % or more.

    A missing rate has moved when the Newcombe interval of its difference leaves out 0.
    """
    found = []
    for row in rows:
        table = row.table
        if table.group:
            continue
        moved = missing_moved(table, level)
        if moved is not None:
            found.append(_missing(table, moved, level))
        size = sum(table.current)
        found += [
            f"{table.feature}: {'group ' if table.kind == 'group' else ''}“{name}” is new; "
            f"training has no row of it, the evaluation set {count(n)} of "
            f"{count(size)} ({percent(n / size)})."
            for name, n in table.new_categories
            if n * 100 >= size * NEW_CATEGORY_PERCENT
        ]
    return tuple(found)


def missing_moved(table: DriftTable, level: Fraction = LEVEL) -> Interval | None:
    """Return the interval of the change of the missing rate (0–1), or None where it may be 0."""
    (before, after), sizes = table.missing(), (sum(table.reference), sum(table.current))
    if not all(sizes):
        return None
    found = newcombe_difference(after, sizes[1], before, sizes[0], z_two_sided(float(level)))
    return found if found.low > 0 or found.high < 0 else None


def _missing(table: DriftTable, moved: Interval, level: Fraction) -> str:
    (before, after), sizes = table.missing(), (sum(table.reference), sum(table.current))
    word = "rose" if moved.low > 0 else "fell"
    what = "people of unknown group" if table.kind == "group" else "missing cells"
    return (
        f"{table.feature}: {what} {word} from {percent(before / sizes[0])} ({count(before)} of "
        f"{count(sizes[0])}) to {percent(after / sizes[1])} ({count(after)} of {count(sizes[1])}); "
        f"{level_words(level)} interval of the change {points(moved.low)} to {points(moved.high)}."
    )

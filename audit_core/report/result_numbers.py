"""Numbers and groups as the plain values of the result file."""

from __future__ import annotations

import math
from fractions import Fraction

from audit_core.cube.axes import level_word
from audit_core.metrics.estimate import Group

UNBOUNDED = "unbounded"


def number(value: Fraction | float | None) -> float | int | None:
    """Return a number at 12 significant digits; None for what is absent, infinite or not a number."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, int):
        return value
    return float(f"{float(value):.12g}")


def words(group: Group) -> list[str]:
    """Return a group's levels, the unknown one in words."""
    return [level_word(level) for level in group]


def unbounded(*ends: float | None) -> str | None:
    """Return the reason of an end that is null because it is infinite, or None."""
    return UNBOUNDED if any(end is not None and math.isinf(end) for end in ends) else None

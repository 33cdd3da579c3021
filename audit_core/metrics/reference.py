"""A gap over the pairs with one reference group alone, as a choice that could have been made otherwise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from audit_core.metrics.estimate import Count, Group, MeanValue
from audit_core.metrics.gaps import Gap, Member
from audit_core.metrics.intervals import (
    Interval,
    koopman_ratio,
    mean_difference,
    newcombe_difference,
    z_one_sided,
    z_simultaneous,
)

Pair = tuple[Member, Member]


def reference_gap(
    gap: Gap, members: Sequence[Member], reference: Group, *, level: float, protect_floor: int
) -> Gap | None:
    """Return a gap as if each group were compared with the reference alone, or None where that is no choice.

    Formula: value = max over groups of |p − p_R| (ratio: min of the smaller over the larger). The bounds are
    those of `difference_gap` and `ratio_gap` over the pairs that hold R, at the same quantiles: allowing for
    every pair is more than these need.

    Shape and units: `members` are the groups `gap` was made of, in any order. None where R is not among the
    groups compared, or only one other group is: then every pair holds R already.
    """
    by_group = {member.group: member for member in members}
    base = by_group.get(reference)
    if base is None or reference not in gap.compared or len(gap.compared) <= 2:
        return None
    ratio = gap.compare == "ratio"
    shown = [(base, by_group[group]) for group in gap.compared if group != reference]
    others = [m for m in members if m.support >= protect_floor and m.group != reference]
    # Under the floor chance alone makes any rate, the reference's as well: such a base accuses nobody.
    guarded = [(base, m) for m in others] if base.support >= protect_floor else []
    unknown = Interval(0.0, math.inf)
    bounds = _bounds(shown, len(gap.compared), level, ratio=ratio)
    bounds_all = _bounds(guarded, len(guarded) + 1, level, ratio=ratio) if guarded else unknown
    apart = [(_apart(pair, ratio=ratio), pair) for pair in shown]
    known = [(value, pair) for value, pair in apart if value is not None]
    if not known:
        return None
    value, pair = (min if ratio else max)(known, key=lambda found: found[0])
    high, low = sorted(pair, key=lambda m: m.value or Fraction(0), reverse=True)
    return replace(
        gap, high=high, low=low, value=value, value_all=value, interval=None, chance_of_gap=None,
        lower=bounds.low, upper=bounds.high, lower_all=bounds_all.low, upper_all=bounds_all.high,
    )  # fmt: skip


def _apart(pair: Pair, *, ratio: bool) -> Fraction | None:
    first, second = pair[0].value, pair[1].value
    if first is None or second is None:
        return None
    top, bottom = max(first, second), min(first, second)
    if ratio:
        return bottom / top if top else None
    return top - bottom


def _bounds(pairs: Sequence[Pair], groups: int, level: float, *, ratio: bool) -> Interval:
    approve, accuse = z_one_sided(level), z_simultaneous(level, groups)
    both = [ordered for a, b in pairs for ordered in ((a, b), (b, a))]
    if ratio:
        low = min(_ratio(pair, approve).low for pair in both)
        return Interval(low, min(_ratio(pair, accuse).high for pair in both))
    low = max(_difference(pair, accuse).low for pair in both)
    return Interval(max(0.0, low), max(_difference(pair, approve).high for pair in both))


def _difference(pair: Pair, z: float) -> Interval:
    first, second = pair
    if isinstance(first, Count) and isinstance(second, Count):
        return newcombe_difference(*first.effective, *second.effective, z)
    assert isinstance(first, MeanValue) and isinstance(second, MeanValue)
    return mean_difference(float(first.value), first.se, float(second.value), second.se, z)


def _ratio(pair: Pair, z: float) -> Interval:
    first, second = pair
    assert isinstance(first, Count) and isinstance(second, Count)  # only rates are compared as ratios
    return koopman_ratio(*first.effective, *second.effective, z) or Interval(0.0, math.inf)

"""The gap between groups, with a bound to approve and a bound to accuse.

Never a bootstrap of max − min: it is biased upward and finds gaps between identical groups.
Both bounds are built from ordered pairs of groups instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import isfinite

from audit_core.metrics.chance import chance_of_gap
from audit_core.metrics.estimate import Count, Group, MeanValue
from audit_core.metrics.group_pairs import (
    Compare,
    Comparison,
    MeanDifferences,
    MeanRatios,
    RateDifferences,
    RateRatios,
)
from audit_core.metrics.intervals import Interval, z_two_sided

Member = Count | MeanValue
PROTECT_FLOOR = 10
"""Fewest people with whom a group may prove harm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """How the random numbers behind a gap's bounds were drawn; `discarded` draws had an empty denominator.

    `absent` says why there are no bounds where there are none.
    """

    design: str
    replicates: int
    discarded: int
    seed: int
    absent: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """The gap between the highest and the lowest of the groups compared.

    difference: value = max − min; `lower` is the bound to accuse with (max(0, L)), `upper` the
    bound to approve with (U). ratio: value = min/max; `lower` is the bound to approve with,
    `upper` the bound to accuse with. `lower_all` and `upper_all` are the same bounds over every group at the
    protect floor: thin groups are kept from giving false comfort, not from proving harm.
    With under two groups a bound says nothing: a difference is then from 0 to 1 (means: to
    infinity), a ratio from 0 to infinity. `method` names the interval of a pair, `simulated` the random draws
    where the bounds come from draws.
    """

    compare: Compare
    high: Member | None
    low: Member | None
    value: Fraction | None
    value_all: Fraction | None
    interval: Interval | None
    lower: float
    upper: float
    lower_all: float
    upper_all: float
    chance_of_gap: float | None
    compared: tuple[Group, ...]
    supported: tuple[Group, ...]
    unsupported: tuple[Group, ...]
    method: str = ""
    simulated: Simulated | None = None


def difference_gap(
    counts: Sequence[Count], *, min_support: int, level: float = 0.95, protect_floor: int = PROTECT_FLOOR
) -> Gap:
    """Return the difference between the highest and the lowest rate, with its bounds.

    Formula: upper = max over ordered pairs of the one-sided Newcombe upper bound; lower = max over
    ordered pairs of the Newcombe lower bound at q_level(K)/√2, not under 0.

    Shape and units: one count per group, in the contract's order (first wins ties); rates 0–1.
    Groups under `min_support` are left out while two supported groups remain.

    References
    ----------
    Newcombe (1998); Berger (1982); Agresti, Bini, Bertaccini & Ryu (2008).
    """
    return gap_between(counts, RateDifferences(), min_support=min_support, level=level, floor=protect_floor)


def ratio_gap(
    counts: Sequence[Count], *, min_support: int, level: float = 0.95, protect_floor: int = PROTECT_FLOOR
) -> Gap:
    """Return the lowest rate divided by the highest, with its bounds; value None when the highest is 0.

    Formula: lower = min over ordered pairs of the one-sided Koopman lower bound; upper = min over
    ordered pairs of the Koopman upper bound at q_level(K)/√2. A pair of zeros bounds nothing: 0 to infinity.

    Shape and units: as `difference_gap`. `chance_of_gap` is that of the difference.

    References
    ----------
    Koopman (1984); Berger (1982); Agresti, Bini, Bertaccini & Ryu (2008).
    """
    return gap_between(counts, RateRatios(), min_support=min_support, level=level, floor=protect_floor)


def mean_gap(
    groups: Sequence[MeanValue],
    *,
    min_support: int,
    level: float = 0.95,
    protect_floor: int = PROTECT_FLOOR,
    span: float = 2.0,
) -> Gap:
    """Return the difference between the highest and the lowest mean, with its bounds.

    Formula: as `difference_gap`, each pair by the normal interval m₁−m₂ ± z·√(se₁²+se₂²).

    Shape and units: one value per group, in the unit of the mean. No `chance_of_gap`. `span` is the largest
    difference there can be: 1 of areas and exposures, 2 of means between −1 and 1.
    """
    how = MeanDifferences()
    gap = gap_between(groups, how, min_support=min_support, level=level, floor=protect_floor)
    return within_span(gap, span)


def mean_ratio_gap(
    groups: Sequence[MeanValue], *, min_support: int, level: float = 0.95, protect_floor: int = PROTECT_FLOOR
) -> Gap:
    """Return the lowest mean divided by the highest, with its bounds.

    Formula: as `ratio_gap`, each pair by exp(ln(m₁/m₂) ± z·√((se₁/m₁)²+(se₂/m₂)²)).

    Shape and units: one value over 0 per group, in the unit of the mean. No `chance_of_gap`.

    Raises
    ------
    ValueError
        When a mean is not over 0.
    """
    return gap_between(groups, MeanRatios(), min_support=min_support, level=level, floor=protect_floor)


def gap_between(
    members: Sequence[Member], how: Comparison, *, min_support: int, level: float, floor: int
) -> Gap:
    """Return the gap between groups under a comparison: which groups enter, the plug-in value, the bounds.

    Shape and units: one member per group, in the contract's order; `floor` is the fewest rows on which a
    group may prove harm.
    """
    with_data = [m for m in members if m.support > 0]
    supported = [m for m in with_data if m.support >= min_support]
    compared = supported if len(supported) >= 2 else with_data
    protected = [m for m in with_data if m.support >= floor]
    bounds = _bounds(compared, how, level)
    bounds_all = bounds if protected == compared else _bounds(protected, how, level)
    high, low = _extremes(compared)
    return Gap(
        compare=how.compare,
        high=high,
        low=low,
        value=_plug_in(compared, how),
        value_all=_plug_in(with_data, how),
        interval=_pair_interval(compared, how, level),
        lower=bounds.low,
        upper=bounds.high,
        lower_all=bounds_all.low,
        upper_all=bounds_all.high,
        chance_of_gap=chance_of_gap([m for m in compared if isinstance(m, Count)]),
        compared=tuple(m.group for m in compared),
        supported=tuple(m.group for m in supported),
        unsupported=tuple(m.group for m in members if not (m.support and m.support >= min_support)),
        method=how.method,
    )


def within_span(gap: Gap, span: float) -> Gap:
    """Return a difference with its interval and bounds within what is possible; the unknown stays infinite.

    Shape and units: `span`, the largest difference there can be, in the unit of the values.
    """

    def clipped(bound: float) -> float:
        return max(-span, min(span, bound)) if isfinite(bound) else bound

    return replace(
        gap,
        interval=gap.interval and Interval(clipped(gap.interval.low), clipped(gap.interval.high)),
        lower=clipped(gap.lower),
        upper=clipped(gap.upper),
        lower_all=clipped(gap.lower_all),
        upper_all=clipped(gap.upper_all),
    )


def _bounds(members: Sequence[Member], how: Comparison, level: float) -> Interval:
    """The bound from below and from above; which of them approves depends on the comparison."""
    return how.unknown if len(members) < 2 else how.bounds(members, level)


def _extremes(members: Sequence[Member]) -> tuple[Member | None, Member | None]:
    """Highest and lowest member; the first in order wins a tie, so both may be the same one."""
    if not members:
        return None, None
    return max(members, key=_value), min(members, key=_value)


def _value(member: Member) -> Fraction:
    value = member.value
    assert value is not None  # callers keep members with data only
    return value


def _plug_in(members: Sequence[Member], how: Comparison) -> Fraction | None:
    if len(members) < 2:
        return None
    values = [_value(m) for m in members]
    top, bottom = max(values), min(values)
    if how.compare == "difference":
        return top - bottom
    return bottom / top if top else None


def _pair_interval(members: Sequence[Member], how: Comparison, level: float) -> Interval | None:
    high, low = _extremes(members)
    if high is None or low is None or len(members) < 2:
        return None
    if high is low:  # every value is equal: any two groups show it
        high, low = members[0], members[1]
    if how.compare == "ratio":
        high, low = low, high
    return how.pair(high, low, z_two_sided(level))

"""How many people a gap between rates needs before its check can decide.

Numbers are in denominator units per group: positives for TPR, negatives for FPR. Divide by the
group's base rate for rows. Closed forms; simulated power is 78–81 % at a planned 80 % while the
rate is under .9; near 0 and 1 `with_margin` plans 30 % more. More than `MOST_PEOPLE` are no number.
Ratios, means and single values are in `planner_other`. Whether a true value is within its limit is
compared exactly where both are fractions: .9 − .8 is not under .1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from statistics import NormalDist

from audit_core.metrics.intervals import range_quantile, z_one_sided, z_simultaneous

POWER = 0.80
"""Share of samples of the planned size that decide, if the true values are those assumed."""

EXTREME = 0.95
"""From this rate on (or from 1 − this rate down) the closed form falls short: 71–73 % instead of 80 %."""

MOST_PEOPLE = 10**9
"""No plan is made beyond this many people of one group; a limit that close is out of reach."""

Real = float | Fraction

_NORMAL = NormalDist()


def people_to_pass(
    p: Real,
    groups: int,
    limit: Real,
    true_gap: Real = 0.0,
    power: float = 0.80,
    level: float = 0.95,
) -> int | None:
    """Return how many people each group needs for a gap check to pass, or None when it cannot.

    Formula: equal groups p(1−p)(√2·z_level+q_power(K))²/τ²; true gap δ < τ
    [p₁q₁+p₂q₂](z_level+z_power)²/(τ−δ)²; never under z²(1−τ)/τ, the fewest at which two perfect rates pass.

    Shape and units: `p` the higher rate, `limit` τ and `true_gap` δ in 0–1; `level` one-sided.

    Raises
    ------
    ValueError
        When a rate is outside 0–1, the limit is not inside (0, 1) or there are under two groups.
    """
    other = _other_rate(p, groups, limit, true_gap)
    if true_gap >= limit:
        return None
    z, room = z_one_sided(level), float(limit - true_gap)
    if true_gap == 0:
        needed = _variance(p) * (math.sqrt(2) * z + range_quantile(power, groups)) ** 2 / room**2
    else:
        needed = (_variance(p) + _variance(other)) * (z + z_one_sided(power)) ** 2 / room**2
    return whole_people(max(needed, _fewest_to_pass(z, limit)))


def people_to_confirm(
    p: Real,
    groups: int,
    limit: Real,
    true_gap: Real,
    power: float = 0.80,
    level: float = 0.95,
) -> int | None:
    """Return how many people each group needs to confirm a failure, or None when the gap is within the limit.

    Formula: [p₁q₁+p₂q₂](z_T+z_power)²/(δ−τ)², z_T = q_level(K)/√2; never under z_T²(√2/(1−τ)−1),
    the fewest at which the rates 1 and 0 confirm.

    Shape and units: as `people_to_pass`; `level` two-sided and simultaneous over the groups.

    Raises
    ------
    ValueError
        When a rate is outside 0–1, the limit is not inside (0, 1) or there are under two groups.
    """
    other = _other_rate(p, groups, limit, true_gap)
    if true_gap <= limit:
        return None
    z = z_simultaneous(level, groups)
    spread = _variance(p) + _variance(other)
    needed = spread * (z + z_one_sided(power)) ** 2 / float(true_gap - limit) ** 2
    return whole_people(max(needed, z * z * (math.sqrt(2) / float(1 - limit) - 1)))


def people_for_slice(
    p: Real,
    others: Sequence[tuple[Real, int]],
    limit: Real,
    true_gap: Real = 0.0,
    power: float = 0.80,
    level: float = 0.95,
) -> int | None:
    """Return how many people one group needs while the others stay as they are.

    None when growing this group alone cannot decide: the true gap is at the limit, or another group
    is too small itself.

    Formula: pq/[((τ−δ)/(z_level+z_power))² − max_j p_jq_j/n_j]; never under z²(1−τ)/τ.

    Shape and units: `others` are (rate, people) of the other groups; result in the same people.

    Raises
    ------
    ValueError
        When a rate is outside 0–1, the limit is not inside (0, 1) or there is no other group.
    """
    _other_rate(p, len(others) + 1, limit, true_gap)
    if any(not 0 <= rate <= 1 for rate, _ in others):
        raise ValueError("a rate lies between 0 and 1")
    if true_gap >= limit or any(people <= 0 for _, people in others):
        return None
    z = z_one_sided(level)
    room = (float(limit - true_gap) / (z + z_one_sided(power))) ** 2
    room -= max(_variance(rate) / people for rate, people in others)
    if room <= 0:
        return None
    return whole_people(max(_variance(p) / room, _fewest_to_pass(z, limit)))


def people_to_confirm_slice(
    p: Real,
    other: tuple[Real, int],
    groups: int,
    limit: Real,
    power: float = 0.80,
    level: float = 0.95,
) -> int | None:
    """Return how many people one end of a gap needs to confirm a failure while the other stays as it is.

    None when the two rates are within the limit, or the other end is too small itself.

    Formula: pq/[((δ−τ)/(z_T+z_power))² − p_jq_j/n_j], δ = |p−p_j|, z_T = q_level(K)/√2.

    Shape and units: `other` is (rate, people) of the other end; `groups` all groups the bound protects.

    Raises
    ------
    ValueError
        When a rate is outside 0–1, the limit is not inside (0, 1) or there are under two groups.
    """
    rate, people = other
    _other_rate(p, groups, limit, 0.0)
    _other_rate(rate, groups, limit, 0.0)
    distance = max(p, rate) - min(p, rate) - limit
    if distance <= 0 or people <= 0:
        return None
    room = (float(distance) / (z_simultaneous(level, groups) + z_one_sided(power))) ** 2
    room -= _variance(rate) / people
    return whole_people(_variance(p) / room) if room > 0 else None


def slice_power(groups: int, power: float = 0.80) -> float:
    """Return the power to ask of one pair so that one slice among equal groups decides with `power`.

    Equal groups can seem to differ in either direction. With this power `people_for_slice` and
    `people_to_pass` are one formula: they agree where every other group has the planned number.

    Formula: Φ(q_power(K)/√2); .90 for two groups and a power of .80.
    """
    return _NORMAL.cdf(range_quantile(power, groups) / math.sqrt(2))


def whole_people(needed: float) -> int | None:
    """Return a planned number rounded up, or None over `MOST_PEOPLE`: that is no number anybody reaches."""
    return math.ceil(needed) if needed <= MOST_PEOPLE else None


def with_margin(people: int, p: Real) -> int:
    """Return a planned number with 30 % more where the rate is .95 or over, or .05 or under."""
    return math.ceil(1.3 * people) if not 1 - EXTREME < p < EXTREME else people


def _variance(rate: Real) -> float:
    """What one person contributes to the variance of a rate."""
    return float(rate) * float(1 - rate)


def _fewest_to_pass(z: float, limit: Real) -> float:
    """People at which the Wilson interval of a perfect rate is as long as the limit."""
    return z * z * float(1 - limit) / float(limit)


def _other_rate(p: Real, groups: int, limit: Real, true_gap: Real) -> Real:
    """Rate of the group at the other end of the true gap: below p where there is room, else above."""
    if groups < 2:
        raise ValueError("a gap needs at least two groups")
    if not 0 < limit < 1:
        raise ValueError("a limit on a gap lies strictly between 0 and 1")
    if not (0 <= p <= 1 and 0 <= true_gap <= max(p, 1 - p)):
        raise ValueError("both rates lie between 0 and 1")
    return p - true_gap if true_gap <= p else p + true_gap

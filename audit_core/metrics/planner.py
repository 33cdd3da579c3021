"""How many people a check needs before it can decide.

Numbers are in denominator units per group: positives for TPR, negatives for FPR. Divide by the
group's base rate for rows. Closed forms; simulated power is 78–81 % at a planned 80 % while the
rate is under .9; at .95 plan 30 % more.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from audit_core.metrics.intervals import range_quantile, z_one_sided, z_simultaneous


def people_to_pass(
    p: float,
    groups: int,
    limit: float,
    true_gap: float = 0.0,
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
    z = z_one_sided(level)
    if true_gap == 0:
        needed = p * (1 - p) * (math.sqrt(2) * z + range_quantile(power, groups)) ** 2 / limit**2
    else:
        spread = p * (1 - p) + other * (1 - other)
        needed = spread * (z + z_one_sided(power)) ** 2 / (limit - true_gap) ** 2
    return math.ceil(max(needed, _fewest_to_pass(z, limit)))


def people_to_confirm(
    p: float,
    groups: int,
    limit: float,
    true_gap: float,
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
    spread = p * (1 - p) + other * (1 - other)
    needed = spread * (z + z_one_sided(power)) ** 2 / (true_gap - limit) ** 2
    return math.ceil(max(needed, z * z * (math.sqrt(2) / (1 - limit) - 1)))


def people_for_slice(
    p: float,
    others: Sequence[tuple[float, int]],
    limit: float,
    true_gap: float = 0.0,
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
    room = ((limit - true_gap) / (z + z_one_sided(power))) ** 2
    room -= max(rate * (1 - rate) / people for rate, people in others)
    if room <= 0:
        return None
    return math.ceil(max(p * (1 - p) / room, _fewest_to_pass(z, limit)))


def _fewest_to_pass(z: float, limit: float) -> float:
    """People at which the Wilson interval of a perfect rate is as long as the limit."""
    return z * z * (1 - limit) / limit


def _other_rate(p: float, groups: int, limit: float, true_gap: float) -> float:
    """Rate of the group at the other end of the true gap: below p where there is room, else above."""
    if groups < 2:
        raise ValueError("a gap needs at least two groups")
    if not 0 < limit < 1:
        raise ValueError("a limit on a gap lies strictly between 0 and 1")
    if not (0 <= p <= 1 and 0 <= true_gap <= max(p, 1 - p)):
        raise ValueError("both rates lie between 0 and 1")
    return p - true_gap if true_gap <= p else p + true_gap

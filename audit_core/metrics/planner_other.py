"""How many people a check of a ratio, of means or of single values needs before it can decide.

As in `planner`: numbers per group in denominator units, closed forms, a planned power of 80 %, none over
`MOST_PEOPLE`; fractions are compared exactly.
Simulated power is 75–92 % for ratios, 77 % and more for means and 72–88 % for single values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

from audit_core.metrics.intervals import range_quantile, z_one_sided, z_simultaneous
from audit_core.metrics.planner import MOST_PEOPLE, Real, whole_people

_NORMAL = NormalDist()


def ratio_to_pass(
    p: Real,
    groups: int,
    limit: Real,
    true_ratio: Real = 1.0,
    power: float = 0.80,
    level: float = 0.95,
) -> int | None:
    """Return how many people each group needs for a ratio check to pass, or None when it cannot.

    Formula: [(z_level√V₀ + z√V₁)/(p₁−τp₂)]² for p₁ = ρp₂, V₁ = p₁q₁+τ²p₂q₂ and V₀ the same at the
    maximum-likelihood rates under p₁ = τp₂ (the score test that Koopman's interval inverts);
    z = q_power(K)/√2 for equal groups, z_power else. Never under z²τ/(1−τ), the fewest at which two
    perfect rates pass.

    Shape and units: `p` the higher rate p₂, `limit` τ and `true_ratio` ρ in 0–1; `level` one-sided.

    Raises
    ------
    ValueError
        When the rate is not in (0, 1], the ratio not in [0, 1], the limit not inside (0, 1) or there are
        under two groups.

    References
    ----------
    Farrington & Manning (1990), Statistics in Medicine 9; Koopman (1984).
    """
    _check_ratio(p, groups, limit, true_ratio)
    if true_ratio <= limit:
        return None
    z = z_one_sided(level)
    reach = range_quantile(power, groups) / math.sqrt(2) if true_ratio == 1 else z_one_sided(power)
    needed = _ratio_people(p, limit, true_ratio, z, reach)
    return whole_people(max(needed, z * z * float(limit / (1 - limit))))


def ratio_to_confirm(
    p: Real,
    groups: int,
    limit: Real,
    true_ratio: Real,
    power: float = 0.80,
    level: float = 0.95,
) -> int | None:
    """Return how many people each group needs to confirm a ratio under its limit, or None when it is not.

    Formula: as `ratio_to_pass` with z_T = q_level(K)/√2 in place of z_level, and z_power.

    Shape and units: as `ratio_to_pass`; `level` two-sided and simultaneous over the groups.

    Raises
    ------
    ValueError
        As `ratio_to_pass`.
    """
    _check_ratio(p, groups, limit, true_ratio)
    if true_ratio >= limit:
        return None
    z = z_simultaneous(level, groups)
    return whole_people(max(1, _ratio_people(p, limit, true_ratio, z, z_one_sided(power))))


def means_to_pass(
    spreads: Sequence[float],
    limit: Real,
    true_gap: Real = 0.0,
    power: float = 0.80,
    level: float = 0.95,
) -> int | None:
    """Return how many people each group needs for a gap of means to pass, or None when it cannot.

    Formula: ½(s₁²+s₂²)(√2·z_level+q_power(K))²/τ² for equal means, (s₁²+s₂²)(z_level+z_power)²/(τ−δ)²
    for a true gap δ < τ; s₁², s₂² the two largest.

    Shape and units: `spreads` are n·se² per group, the variance one person contributes; `limit` τ and
    `true_gap` δ in the unit of the mean.

    Raises
    ------
    ValueError
        When there are under two groups, a spread is negative or the limit is not positive.
    """
    pair = _widest(spreads, limit)
    if true_gap >= limit:
        return None
    z = z_one_sided(level)
    if true_gap == 0:
        reach = math.sqrt(2) * z + range_quantile(power, len(spreads))
        return whole_people(max(1, pair / 2 * reach**2 / float(limit) ** 2))
    return whole_people(max(1, pair * (z + z_one_sided(power)) ** 2 / float(limit - true_gap) ** 2))


def means_to_confirm(
    spreads: Sequence[float],
    groups: int,
    limit: Real,
    true_gap: Real,
    power: float = 0.80,
    level: float = 0.95,
) -> int | None:
    """Return how many people both ends need to confirm a gap of means, or None when it is within the limit.

    Formula: (s₁²+s₂²)(z_T+z_power)²/(δ−τ)², z_T = q_level(K)/√2.

    Shape and units: `spreads` n·se² of the two ends; `groups` all groups the bound protects.

    Raises
    ------
    ValueError
        As `means_to_pass`.
    """
    pair = _widest(spreads, limit)
    if true_gap <= limit:
        return None
    reach = z_simultaneous(level, groups) + z_one_sided(power)
    return whole_people(max(1, pair * reach**2 / float(true_gap - limit) ** 2))


def slice_of_spread(
    spread: float, others: Sequence[tuple[float, int]], distance: float, reach: float
) -> int | None:
    """Return how many people one group needs while the others stay, or None when it alone cannot decide.

    Formula: s²/[(distance/reach)² − max_j s_j²/n_j].

    Shape and units: `others` are (spread, people); `distance` from the true value to the limit and `reach`
    in standard errors; for a ratio both on the log scale, spread (1−p)/p.
    """
    if distance <= 0 or any(people <= 0 for _, people in others):
        return None
    room = (distance / reach) ** 2 - max((other / people for other, people in others), default=0.0)
    return whole_people(max(1, spread / room)) if room > 0 else None


def value_to_hold(
    p: float,
    limits: tuple[float | None, float | None],
    power: float = 0.80,
    level: float = 0.95,
) -> int | None:
    """Return how many people a group needs to show its rate between two limits, or None when it cannot.

    Formula: smallest n with Φ((z√(l(1−l))−√n(p−l))/√(pq)) + Φ((z√(h(1−h))−√n(h−p))/√(pq)) ≤ 1 − power,
    l and h the limits: the score tests that the two one-sided Wilson bounds invert.

    Shape and units: `p` the true rate, `limits` (least, most) in 0–1; an end every rate keeps is no limit.

    Raises
    ------
    ValueError
        When the rate is outside 0–1.
    """
    if not 0 <= p <= 1:
        raise ValueError("a rate lies between 0 and 1")
    low, high = limits
    rooms = [(p - low, low)] if low is not None and low > 0 else []
    rooms += [(high - p, high)] if high is not None and high < 1 else []
    if any(room <= 0 for room, _ in rooms):
        return None

    def misses(n: int) -> float:
        return sum(_miss(n, p, room, limit, z_one_sided(level)) for room, limit in rooms)

    few, many = 0, 1
    while misses(many) > 1 - power:
        if many >= MOST_PEOPLE:
            return None
        few, many = many, min(2 * many, MOST_PEOPLE)
    while many - few > 1:
        middle = (few + many) // 2
        few, many = (middle, many) if misses(middle) > 1 - power else (few, middle)
    return many


def value_to_confirm(p: float, limit: float, power: float = 0.80, level: float = 0.95) -> int | None:
    """Return how many people a group needs to confirm that its rate is beyond a limit, or None at the limit.

    Formula: ((z_level√(l(1−l)) + z_power√(pq))/(p−l))².

    Raises
    ------
    ValueError
        When the rate or the limit is outside 0–1.
    """
    if not (0 <= p <= 1 and 0 <= limit <= 1):
        raise ValueError("a rate lies between 0 and 1")
    if p == limit:
        return None
    reach = z_one_sided(level) * math.sqrt(limit * (1 - limit)) + z_one_sided(power) * math.sqrt(p * (1 - p))
    return whole_people(max(1, (reach / (p - limit)) ** 2))


def _miss(n: int, p: float, room: float, limit: float, z: float) -> float:
    """P(the Wilson bound of n people lies beyond the limit), normal approximation."""
    short = z * math.sqrt(limit * (1 - limit)) - math.sqrt(n) * room
    spread = math.sqrt(p * (1 - p))
    if spread == 0:
        return 1.0 if short > 0 else 0.0
    return _NORMAL.cdf(short / spread)


def _ratio_people(rate: Real, least: Real, true_ratio: Real, z: float, reach: float) -> float:
    """People at which the score statistic of p₁ = τp₂ is z, `reach` standard errors from its mean."""
    p, limit, low = float(rate), float(least), float(rate * true_ratio)
    distance = p * float(true_ratio - least)
    # Maximum-likelihood rates under p₁ = τp₂ from one person each with these rates (Koopman's closed form).
    both = limit * (1 + p) + low + 1
    high0 = (both - math.sqrt(max(0.0, both * both - 8 * limit * (p + low)))) / (4 * limit)
    low0 = limit * high0
    null = low0 * (1 - low0) + limit**2 * high0 * (1 - high0)
    true = low * (1 - low) + limit**2 * p * (1 - p)
    return ((z * math.sqrt(null) + reach * math.sqrt(true)) / distance) ** 2 if distance else math.inf


def _widest(spreads: Sequence[float], limit: Real) -> float:
    if len(spreads) < 2:
        raise ValueError("a gap needs at least two groups")
    if any(not spread >= 0 for spread in spreads) or not limit > 0:
        raise ValueError("a spread is zero or more and a limit positive")
    return sum(sorted(spreads)[-2:])


def _check_ratio(p: Real, groups: int, limit: Real, true_ratio: Real) -> None:
    if groups < 2:
        raise ValueError("a ratio needs at least two groups")
    if not 0 < limit < 1:
        raise ValueError("a limit on a ratio lies strictly between 0 and 1")
    if not (0 < p <= 1 and 0 <= true_ratio <= 1):
        raise ValueError("the higher rate lies in (0, 1] and the ratio between 0 and 1")

"""Score intervals for one rate, two rates and two means, and the quantiles they are built on.

Rates and differences are in 0–1, never percent. Counts may be effective counts (floats)
where people are repeated.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple

_NORMAL = NormalDist()
_STEP = 1 / 16  # the integrand is analytic and decays like a Gaussian: the trapezoid sum is exact to rounding


class Interval(NamedTuple):
    """Lower and upper end of a range, both belonging to it."""

    low: float
    high: float


def z_two_sided(level: float) -> float:
    """Return the standard-normal quantile of a two-sided interval, 1.959964 at 0.95.

    Raises
    ------
    ValueError
        When `level` is not strictly between 0 and 1.
    """
    return _NORMAL.inv_cdf((1 + _inside(level)) / 2)


def z_one_sided(level: float) -> float:
    """Return the standard-normal quantile of a one-sided bound, 1.644854 at 0.95.

    Raises
    ------
    ValueError
        When `level` is not strictly between 0 and 1.
    """
    return _NORMAL.inv_cdf(_inside(level))


@lru_cache(maxsize=256)
def z_simultaneous(level: float, groups: int) -> float:
    """Return the quantile that makes every pairwise bound of `groups` rates hold at once.

    Formula: q_level(K)/√2, q the studentised-range quantile with infinite degrees of freedom;
    1.960, 2.344, 2.569, 2.728, 2.850 for K = 2…6 at 0.95.

    Raises
    ------
    ValueError
        When `groups` is under 2 or `level` is not strictly between 0 and 1.

    References
    ----------
    Agresti, Bini, Bertaccini & Ryu (2008), Biometrics 64.
    """
    return z_two_sided(level) if groups == 2 else range_quantile(level, groups) / math.sqrt(2)


@lru_cache(maxsize=256)
def range_quantile(probability: float, groups: int) -> float:
    """Return the studentised-range quantile of `groups` standard normals, infinite degrees of freedom.

    Formula: the q with K∫φ(t)(Φ(t+q)−Φ(t))^(K−1)dt = probability.

    Raises
    ------
    ValueError
        When `groups` is under 2 or `probability` is not strictly between 0 and 1.
    """
    if groups < 2:
        raise ValueError("a range needs at least two groups")
    if groups == 2:
        return math.sqrt(2) * z_two_sided(probability)
    _inside(probability)
    top = 1.0
    while range_chance(top, groups) < probability:
        top *= 2
    return rising_root(lambda q: range_chance(q, groups) - probability, 0.0, top)


def wilson(x: float, n: float, z: float) -> Interval:
    """Return the Wilson score interval of the rate x/n; the whole of [0, 1] when n is 0.

    Formula: centre (p+z²/2n)/(1+z²/n), radius z/(1+z²/n)·√(p(1−p)/n+z²/4n²).
    The lower end is exactly 0 when x is 0, the upper end exactly 1 when x is n.

    Raises
    ------
    ValueError
        When not 0 ≤ x ≤ n.

    References
    ----------
    Wilson (1927), JASA 22.
    """
    check_count(x, n)
    if n == 0:
        return Interval(0.0, 1.0)
    # Multiplied through by n: no rounding of x/n enters, and x=0, x=n mirror each other.
    spread = z * math.sqrt(x * (n - x) / n + z * z / 4)
    middle, whole = x + z * z / 2, n + z * z
    low = 0.0 if x == 0 else max(0.0, (middle - spread) / whole)
    high = 1.0 if x == n else min(1.0, (middle + spread) / whole)
    return Interval(low, high)


def clopper_pearson(x: float, n: float, level: float) -> Interval:
    """Return the exact interval of the rate x/n, whose coverage is never below `level`.

    Formula: Beta quantiles B(α/2; x, n−x+1) and B(1−α/2; x+1, n−x), α = 1 − level.

    Raises
    ------
    ValueError
        When not 0 ≤ x ≤ n, or `level` is not strictly between 0 and 1.

    References
    ----------
    Clopper & Pearson (1934), Biometrika 26.
    """
    from scipy.special import betaincinv

    check_count(x, n)
    half = (1 - _inside(level)) / 2
    low = 0.0 if x == 0 else float(betaincinv(x, n - x + 1, half))
    high = 1.0 if x == n else float(betaincinv(x + 1, n - x, 1 - half))
    return Interval(low, high)


def newcombe_difference(x1: float, n1: float, x2: float, n2: float, z: float) -> Interval:
    """Return the hybrid score interval of the difference x1/n1 − x2/n2; [−1, 1] when either n is 0.

    Formula: d−√((p₁−l₁)²+(u₂−p₂)²), d+√((u₁−p₁)²+(p₂−l₂)²), l and u the Wilson limits.

    Raises
    ------
    ValueError
        When not 0 ≤ x ≤ n in either group.

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17, method 10.
    """
    first, second = wilson(x1, n1, z), wilson(x2, n2, z)
    if n1 == 0 or n2 == 0:
        return Interval(-1.0, 1.0)
    p1, p2 = x1 / n1, x2 / n2
    down = math.hypot(p1 - first.low, second.high - p2)
    up = math.hypot(first.high - p1, p2 - second.low)
    return Interval(max(-1.0, p1 - p2 - down), min(1.0, p1 - p2 + up))


def koopman_ratio(x1: float, n1: float, x2: float, n2: float, z: float) -> Interval | None:
    """Return the score interval of the ratio (x1/n1)/(x2/n2), or None when there is no ratio.

    Formula: the ratios φ with |p₁−φp₂| ≤ z·√(p̃₁q̃₁/n₁+φ²p̃₂q̃₂/n₂), tildes the maximum-likelihood
    rates under p₁ = φp₂. x1 = 0 → lower end 0; x2 = 0 → upper end infinite; both 0, or an n of 0 → None.

    Raises
    ------
    ValueError
        When not 0 ≤ x ≤ n in either group, or z ≤ 0.

    References
    ----------
    Koopman (1984), Biometrics 40; Gart & Nam (1988), Biometrics 44.
    """
    check_count(x1, n1)
    check_count(x2, n2)
    if z <= 0:
        raise ValueError("z must be positive")
    if n1 == 0 or n2 == 0 or (x1 == 0 and x2 == 0):
        return None
    low = 0.0 if x1 == 0 else _koopman_low(x1, n1, x2, n2, z)
    # The upper end of a ratio is the inverse of the lower end of its inverse: one root to get right.
    high = math.inf if x2 == 0 else 1 / _koopman_low(x2, n2, x1, n1, z)
    return Interval(low, high)


def mean_difference(m1: float, se1: float, m2: float, se2: float, z: float) -> Interval:
    """Return the normal interval of the difference m1 − m2 of two independent means.

    Formula: m₁−m₂ ± z·√(se₁²+se₂²). An infinite standard error gives an infinite interval.

    Raises
    ------
    ValueError
        When a standard error is negative or not a number.
    """
    if not (se1 >= 0 and se2 >= 0):
        raise ValueError("a standard error is zero or more")
    reach = z * math.hypot(se1, se2)
    return Interval(m1 - m2 - reach, m1 - m2 + reach)


def _koopman_low(x1: float, n1: float, x2: float, n2: float, z: float) -> float:
    """Lower end: the log-ratio at which the score statistic, which falls with the ratio, is z."""

    def beyond(log_ratio: float) -> float:
        return z - ratio_score(math.exp(log_ratio), (x1, n1, x2, n2))

    bottom = top = math.log(x1 / n1 / (max(x2, 0.5) / n2))
    step = 1.0
    while beyond(bottom) >= 0:
        bottom, step = bottom - step, 2 * step
    step = 1.0
    while beyond(top) <= 0:  # only when x2 = 0: the point estimate itself is infinite
        top, step = top + step, 2 * step
    return math.exp(rising_root(beyond, bottom, top))


def ratio_score(ratio: float, counts: tuple[float, float, float, float]) -> float:
    """Return the signed score statistic of p₁ = ratio·p₂ for (x₁, n₁, x₂, n₂); it falls with the ratio.

    The lower end of `koopman_ratio` is at least `ratio` where this is at least z. Written so that nothing
    cancels at rates near 0 or 1.
    """
    x1, n1, x2, n2 = counts
    weighted, plain = ratio * (n1 + x2), x1 + n2
    # (weighted+plain)² − 4φ(n₁+n₂)(x₁+x₂), rearranged into a sum of two non-negative terms.
    root = math.sqrt((weighted - plain) ** 2 + 4 * ratio * (n1 - x1) * (n2 - x2))
    p2 = min(1.0, 2 * (x1 + x2) / (weighted + plain + root))
    p1 = min(1.0, ratio * p2)
    variance = p1 * (1 - p1) / n1 + ratio * ratio * p2 * (1 - p2) / n2
    distance = x1 / n1 - ratio * x2 / n2
    if variance > 0:
        return distance / math.sqrt(variance)
    return math.copysign(math.inf, distance) if distance else 0.0


def range_chance(q: float, groups: int) -> float:
    """Return P(range of `groups` standard normals ≤ q).

    Formula: K∫φ(t)(Φ(t+q)−Φ(t))^(K−1)dt.
    """
    total = 0.0
    for k in range(-160, 161):
        t = k * _STEP
        inside = (math.erf((t + q) / math.sqrt(2)) - math.erf(t / math.sqrt(2))) / 2
        total += _NORMAL.pdf(t) * inside ** (groups - 1)
    return groups * _STEP * total


def rising_root(rising: Callable[[float], float], low: float, high: float) -> float:
    """Return the zero of a rising function between `low` (value ≤ 0) and `high` (value ≥ 0).

    Guarantee: every other step halves the bracket, so it ends whatever the shape; the steps between
    are secants, so a smooth function ends in a dozen.
    """
    at_low, at_high = rising(low), rising(high)
    for turn in range(400):
        if high - low <= 4e-16 * (1 + abs(low) + abs(high)):
            break
        middle = (low + high) / 2
        if turn % 2 == 0 and math.isfinite(at_low) and math.isfinite(at_high) and at_high > at_low:
            middle = min(max(low - at_low * (high - low) / (at_high - at_low), low), high)
        value = rising(middle)
        if value == 0:
            return middle
        if value < 0:
            low, at_low = middle, value
        else:
            high, at_high = middle, value
    return (low + high) / 2


def _inside(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError("a level lies strictly between 0 and 1")
    return level


def check_count(x: float, n: float) -> None:
    """Refuse a count that is not between 0 and its denominator.

    Raises
    ------
    ValueError
        When not 0 ≤ x ≤ n.
    """
    if not 0 <= x <= n:
        raise ValueError("a count lies between 0 and its denominator")

"""Second opinions on two rates: intervals that referees know, beside the ones that decide.

Newcombe and Koopman decide (`metrics.intervals`); these are for comparison and for publications that ask
for them. Rates and differences are in 0–1, never percent.
"""

from __future__ import annotations

import math

from audit_core.metrics.intervals import Interval, check_count, rising_root


def miettinen_nurminen_difference(x1: int, n1: int, x2: int, n2: int, z: float) -> Interval:
    """Return the score interval of the difference x1/n1 − x2/n2; [−1, 1] when either n is 0.

    Formula: the differences δ with (d−δ)² ≤ z²·V(δ), V = (p̃₁q̃₁/n₁+p̃₂q̃₂/n₂)·N/(N−1), tildes the
    maximum-likelihood rates under p₁ = p₂+δ, from the closed form of their cubic.

    Raises
    ------
    ValueError
        When not 0 ≤ x ≤ n in either group, or z ≤ 0.

    References
    ----------
    Miettinen & Nurminen (1985), Statistics in Medicine 4.
    """
    check_count(x1, n1)
    check_count(x2, n2)
    if z <= 0:
        raise ValueError("z must be positive")
    if n1 == 0 or n2 == 0:
        return Interval(-1.0, 1.0)
    counts = (x1, n1, x2, n2)
    d = x1 / n1 - x2 / n2
    low = -1.0 if d <= -1 else rising_root(lambda delta: z - _score(delta, counts), -1.0, d)
    high = 1.0 if d >= 1 else rising_root(lambda delta: -z - _score(delta, counts), d, 1.0)
    return Interval(low, high)


def agresti_caffo_difference(x1: int, n1: int, x2: int, n2: int, z: float) -> Interval:
    """Return the interval of the difference x1/n1 − x2/n2 with one success and one failure added to each.

    Formula: p̃₁−p̃₂ ± z·√(p̃₁q̃₁/(n₁+2)+p̃₂q̃₂/(n₂+2)), p̃ = (x+1)/(n+2), kept inside [−1, 1].

    Raises
    ------
    ValueError
        When not 0 ≤ x ≤ n in either group.

    References
    ----------
    Agresti & Caffo (2000), The American Statistician 54.
    """
    check_count(x1, n1)
    check_count(x2, n2)
    p1, p2 = (x1 + 1) / (n1 + 2), (x2 + 1) / (n2 + 2)
    reach = z * math.sqrt(p1 * (1 - p1) / (n1 + 2) + p2 * (1 - p2) / (n2 + 2))
    return Interval(max(-1.0, p1 - p2 - reach), min(1.0, p1 - p2 + reach))


def katz_ratio(x1: int, n1: int, x2: int, n2: int, z: float) -> Interval | None:
    """Return the log interval of the ratio (x1/n1)/(x2/n2), or None unless both counts are over 0.

    Formula: exp(ln(p₁/p₂) ± z·√(1/x₁−1/n₁+1/x₂−1/n₂)).

    Raises
    ------
    ValueError
        When not 0 ≤ x ≤ n in either group.

    References
    ----------
    Katz, Baptista, Azen & Pike (1978), Biometrics 34.
    """
    check_count(x1, n1)
    check_count(x2, n2)
    if x1 == 0 or x2 == 0:
        return None
    centre = math.log(x1 / n1 / (x2 / n2))
    reach = z * math.sqrt((n1 - x1) / (n1 * x1) + (n2 - x2) / (n2 * x2))
    return Interval(math.exp(centre - reach), math.exp(centre + reach))


def _score(delta: float, counts: tuple[int, int, int, int]) -> float:
    """Signed score statistic of p₁ = p₂+δ, which falls with δ."""
    x1, n1, x2, n2 = counts
    p2 = _constrained(delta, counts)
    p1 = min(1.0, max(0.0, p2 + delta))
    whole = n1 + n2
    variance = (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2) * whole / (whole - 1)
    distance = x1 / n1 - x2 / n2 - delta
    if variance > 0:
        return distance / math.sqrt(variance)
    return math.copysign(math.inf, distance) if distance else 0.0


def _constrained(delta: float, counts: tuple[int, int, int, int]) -> float:
    """Maximum-likelihood rate of the second group under p₁ = p₂+δ: the middle root of the cubic."""
    x1, n1, x2, n2 = counts
    whole, both = n1 + n2, x1 + x2
    a = (delta * (n1 + 2 * n2) - whole - both) / (3 * whole)
    b = ((n2 * delta - whole - 2 * x2) * delta + both) / whole
    c = x2 * delta * (1 - delta) / whole
    q = a**3 - a * b / 2 + c / 2
    # q = 0 takes the sign +1; a sign of 0 would lose the root altogether.
    p = math.copysign(math.sqrt(max(0.0, a * a - b / 3)), q if q else 1.0)
    turn = math.acos(min(1.0, max(-1.0, q / p**3))) if p else 0.0
    root = 2 * p * math.cos((math.pi + turn) / 3) - a
    return min(1.0, max(0.0, -delta, root), 1.0 - max(0.0, delta))

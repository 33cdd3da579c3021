"""Pairs of decisions as counts, and the intervals of how far two paired rates lie apart."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from audit_core.metrics.intervals import Interval, wilson


@dataclass(frozen=True, slots=True, kw_only=True)
class PairCounts:
    """Pairs by the decisions on their two members: selected both times, once, or not at all.

    Raises
    ------
    ValueError
        When a count is negative.
    """

    both: int
    first_only: int
    second_only: int
    neither: int

    def __post_init__(self) -> None:
        if min(self.both, self.first_only, self.second_only, self.neither) < 0:
            raise ValueError("a number of pairs is zero or more")

    @property
    def pairs(self) -> int:
        """Pairs with both members."""
        return self.both + self.first_only + self.second_only + self.neither

    @property
    def flips(self) -> int:
        """Pairs whose two decisions differ."""
        return self.first_only + self.second_only

    @property
    def direction(self) -> Fraction | None:
        """Rate of the first minus rate of the second, −1 to 1; None without a pair."""
        return Fraction(self.first_only - self.second_only, self.pairs) if self.pairs else None

    def swapped(self) -> PairCounts:
        """Return the same pairs with the second member named first."""
        return PairCounts(
            both=self.both,
            first_only=self.second_only,
            second_only=self.first_only,
            neither=self.neither,
        )


def tango_interval(counts: PairCounts, z: float) -> Interval:
    """Return the score interval of the direction (b−c)/n; [−1, 1] without a pair.

    Formula: the θ with |b−c−nθ| ≤ z·√(n(2q̃+θ(1−θ))), q̃ the maximum-likelihood rate of second-only
    pairs under a difference of θ.

    Guarantee: swapping the variants mirrors the interval exactly.

    Raises
    ------
    ValueError
        When z ≤ 0.

    References
    ----------
    Tango (1998), Statistics in Medicine 17.
    """
    if z <= 0:
        raise ValueError("z must be positive")
    if counts.pairs == 0:
        return Interval(-1.0, 1.0)
    high = _tango_high(counts.first_only, counts.second_only, counts.pairs, z)
    low = _tango_high(counts.second_only, counts.first_only, counts.pairs, z)
    return Interval(-low, high)


def newcombe_paired(counts: PairCounts, z: float) -> Interval:
    """Return the hybrid score interval of the direction (b−c)/n; [−1, 1] without a pair.

    Formula: d ∓ √(u²−2ψuv+v²), u and v the distances of the two rates to their Wilson limits, ψ the
    correlation of the two decisions, corrected by n/2 towards 0 where it is positive and 0 on a zero margin.

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17, method 10 for paired rates.
    """
    n = counts.pairs
    if n == 0:
        return Interval(-1.0, 1.0)
    first, second = counts.both + counts.first_only, counts.both + counts.second_only
    one, two = wilson(first, n, z), wilson(second, n, z)
    p1, p2, d = first / n, second / n, (counts.first_only - counts.second_only) / n
    psi = _corrected_phi(counts)
    down = _joined(p1 - one.low, two.high - p2, psi)
    up = _joined(one.high - p1, p2 - two.low, psi)
    return Interval(max(-1.0, d - down), min(1.0, d + up))


def bonett_price_ratio(counts: PairCounts, z: float) -> Interval | None:
    """Return the interval of the ratio of the two rates, first over second; None where neither is above 0.

    Formula: l₁/u₂ to u₁/l₂, the Wilson limits of the two rates among the a+b+c pairs selected at least once,
    each at z·√((b+c+2)/((n₁+1)(n₂+1)))/(√(q₁/(n₁+1))+√(q₂/(n₂+1))), qᵢ = 1−(nᵢ+1)/(a+b+c+2).

    References
    ----------
    Bonett & Price (2006), Biometrics 62.
    """
    first, second = counts.both + counts.first_only, counts.both + counts.second_only
    ever = counts.both + counts.flips
    if ever == 0:
        return None
    spread = sum(math.sqrt((1 - (x + 1) / (ever + 2)) / (x + 1)) for x in (first, second))
    shared = math.sqrt((counts.flips + 2) / ((first + 1) * (second + 1)))
    one, two = wilson(first, ever, z * shared / spread), wilson(second, ever, z * shared / spread)
    return Interval(one.low / two.high, one.high / two.low if two.low > 0 else math.inf)


def _corrected_phi(counts: PairCounts) -> float:
    """Correlation of the two decisions, taken towards 0 by half a pair where it is positive."""
    a, b, c, d = counts.both, counts.first_only, counts.second_only, counts.neither
    margins = (a + b) * (c + d) * (a + c) * (b + d)
    if margins == 0:
        return 0.0
    together = a * d - b * c
    corrected = max(0.0, together - counts.pairs / 2) if together > 0 else float(together)
    return corrected / math.sqrt(margins)


def _joined(u: float, v: float, psi: float) -> float:
    return math.sqrt(max(0.0, u * u - 2 * psi * u * v + v * v))


def _tango_high(b: int, c: int, n: int, z: float) -> float:
    """Upper end of Tango's interval: the difference at which the score, which falls with it, is −z."""
    if b == n:
        return 1.0
    return _crossing(lambda theta: _tango_score(theta, b, c, n) + z, (b - c) / n, 1.0)


def _tango_score(theta: float, b: int, c: int, n: int) -> float:
    linear = (2 * n - b + c) * theta - b - c
    root = math.sqrt(max(0.0, linear * linear + 8 * n * c * theta * (1 - theta)))
    # The smaller root of 2nq² + linear·q − cθ(1−θ), written so that nothing cancels.
    second = 2 * c * theta * (1 - theta) / (linear + root) if linear > 0 else (root - linear) / (4 * n)
    variance = n * (2 * second + theta * (1 - theta))
    distance = b - c - n * theta
    if variance <= 0:
        return math.copysign(math.inf, distance) if distance else 0.0
    return distance / math.sqrt(variance)


def _crossing(falling: Callable[[float], float], low: float, high: float) -> float:
    """Where a falling function changes sign between `low` and `high`."""
    while True:
        middle = (low + high) / 2
        if not low < middle < high:
            return middle
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)

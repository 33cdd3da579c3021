"""The widest bound over all ordered pairs of groups, found without an interval for each of them.

Two hundred groups make forty thousand pairs. Which pair is the extreme one is decided on arrays; its bound is
then that of the plain interval of `metrics.intervals`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from audit_core.metrics.estimate import Count, MeanValue
from audit_core.metrics.intervals import (
    Interval,
    koopman_ratio,
    mean_difference,
    newcombe_difference,
    wilson,
    z_one_sided,
    z_simultaneous,
)

Floats = npt.NDArray[np.float64]
Compare = Literal["difference", "ratio"]
_ROUNDING = 1e-13  # a score statistic this near z is z: the pair is as extreme as the one found


class Comparison(Protocol):
    """How groups are compared: a pair's interval, and the extreme bounds over all pairs of at least two.

    Of a difference the bounds are the largest lower end to accuse with and the largest upper end to approve
    with; of a ratio the smallest lower end to approve with and the smallest upper end to accuse with.
    """

    @property
    def compare(self) -> Compare:
        """Difference or ratio."""

    @property
    def method(self) -> str:
        """How a pair's interval is made, in a few words."""

    @property
    def unknown(self) -> Interval:
        """What is known of the comparison without data."""

    def pair(self, a: Any, b: Any, z: float) -> Interval:
        """Interval of the first against the second."""

    def bounds(self, members: Sequence[Any], level: float) -> Interval:
        """Extreme bounds over all ordered pairs."""


class RateDifferences:
    """Differences of rates by Newcombe's interval."""

    compare: Compare = "difference"
    method = "newcombe"
    unknown = Interval(0.0, 1.0)

    def pair(self, a: Count, b: Count, z: float) -> Interval:
        """Interval of a's rate minus b's."""
        return newcombe_difference(*a.effective, *b.effective, z)

    def bounds(self, members: Sequence[Count], level: float) -> Interval:
        """Extreme bounds over all ordered pairs."""
        return _difference_bounds(self, members, level, self._reach)

    def _reach(self, member: Count, z: float) -> tuple[float, float, float]:
        x, n = member.effective
        low, high = wilson(x, n, z)
        return x / n, x / n - low, high - x / n


class MeanDifferences:
    """Differences of means by the normal interval."""

    compare: Compare = "difference"
    method = "normal"
    unknown = Interval(0.0, math.inf)

    def pair(self, a: MeanValue, b: MeanValue, z: float) -> Interval:
        """Interval of a's mean minus b's."""
        return mean_difference(float(a.value), a.se, float(b.value), b.se, z)

    def bounds(self, members: Sequence[MeanValue], level: float) -> Interval:
        """Extreme bounds over all ordered pairs."""
        return _difference_bounds(self, members, level, self._reach)

    def _reach(self, member: MeanValue, z: float) -> tuple[float, float, float]:
        return float(member.value), z * member.se, z * member.se


class MeanRatios:
    """Ratios of positive means by the normal interval of their logarithms."""

    compare: Compare = "ratio"
    method = "normal on the log scale"
    unknown = Interval(0.0, math.inf)

    def pair(self, a: MeanValue, b: MeanValue, z: float) -> Interval:
        """Interval of a's mean divided by b's: exp(ln(m₁/m₂) ± z·√((se₁/m₁)²+(se₂/m₂)²))."""
        (m1, r1, _), (m2, r2, _) = self._reach(a, z), self._reach(b, z)
        low, high = mean_difference(m1, r1, m2, r2, 1.0)
        return Interval(math.exp(low), math.exp(high) if high < 700 else math.inf)

    def bounds(self, members: Sequence[MeanValue], level: float) -> Interval:
        """Extreme bounds over all ordered pairs."""
        approve, accuse = z_one_sided(level), z_simultaneous(level, len(members))
        low, _ = _ends(members, approve, self._reach)
        _, high = _ends(members, accuse, self._reach)
        first, second = _place(low, lowest=True), _place(high, lowest=True)
        return Interval(
            self.pair(members[first[0]], members[first[1]], approve).low,
            self.pair(members[second[0]], members[second[1]], accuse).high,
        )

    def _reach(self, member: MeanValue, z: float) -> tuple[float, float, float]:
        if member.value <= 0:
            raise ValueError("a ratio of means needs means over 0")
        relative = z * member.se / float(member.value)
        return math.log(member.value), relative, relative


class RateRatios:
    """Ratios of rates by Koopman's interval; a pair of zeros has none and bounds nothing."""

    compare: Compare = "ratio"
    method = "koopman"
    unknown = Interval(0.0, math.inf)

    def pair(self, a: Count, b: Count, z: float) -> Interval:
        """Interval of a's rate divided by b's."""
        return koopman_ratio(*a.effective, *b.effective, z) or self.unknown

    def bounds(self, members: Sequence[Count], level: float) -> Interval:
        """Extreme bounds over all ordered pairs."""
        approve, accuse = z_one_sided(level), z_simultaneous(level, len(members))
        if any(m.numerator == 0 for m in members):
            low = 0.0
        else:
            low = self._extreme_low(members, approve, lowest=True)
        if all(m.numerator == 0 for m in members):
            return Interval(low, math.inf)
        # The upper end of a ratio is the inverse of the lower end of its inverse.
        highest = self._extreme_low(members, accuse, lowest=False)
        return Interval(low, 1 / highest if highest else math.inf)

    def _extreme_low(self, members: Sequence[Count], z: float, *, lowest: bool) -> float:
        """Smallest (largest) lower end over the ordered pairs whose first rate is not 0.

        A pair's lower end is below φ exactly when its score statistic at φ is below z: one look at all pairs
        says which may still be more extreme than the best one, and the most promising is solved next.
        """
        x, n = np.array([m.effective for m in members], dtype=np.float64).T
        open_pairs = (x[:, None] > 0) & ~np.eye(len(members), dtype=bool)
        rates = np.where(x > 0, x / n, np.inf if lowest else -np.inf)
        first = int(rates.argmin() if lowest else rates.argmax())
        others = np.where(np.arange(len(members)) == first, -np.inf if lowest else np.inf, x / n)
        place = (first, int(others.argmax() if lowest else others.argmin()))
        best = self.pair(members[place[0]], members[place[1]], z).low
        while best > 0:
            open_pairs[place] = False
            ahead = z - _ratio_scores(best, x, n)
            ahead = np.where(open_pairs, ahead if lowest else -ahead, -np.inf)
            place = _place(ahead, lowest=False)
            if ahead[place] <= _ROUNDING * (1 + z):
                return best
            found = self.pair(members[place[0]], members[place[1]], z).low
            best = min(best, found) if lowest else max(best, found)
        return best


def _ratio_scores(ratio: float, x: Floats, n: Floats) -> Floats:
    """Score statistics of p₁ = ratio·p₂ for every ordered pair; the formula of `intervals.koopman_ratio`."""
    x1, n1, x2, n2 = x[:, None], n[:, None], x[None, :], n[None, :]
    weighted, plain = ratio * (n1 + x2), x1 + n2
    root = np.sqrt((weighted - plain) ** 2 + 4 * ratio * (n1 - x1) * (n2 - x2))
    p2 = np.minimum(1.0, 2 * (x1 + x2) / (weighted + plain + root))
    p1 = np.minimum(1.0, ratio * p2)
    variance = p1 * (1 - p1) / n1 + ratio * ratio * p2 * (1 - p2) / n2
    distance = x1 / n1 - ratio * x2 / n2
    safe = np.where(variance > 0, variance, 1.0)
    sure = np.where(distance == 0, 0.0, np.copysign(np.inf, distance))
    return np.where(variance > 0, distance / np.sqrt(safe), sure)


def _difference_bounds(how: Comparison, members: Sequence[Any], level: float, reach: Any) -> Interval:
    approve, accuse = z_one_sided(level), z_simultaneous(level, len(members))
    low, _ = _ends(members, accuse, reach)
    _, high = _ends(members, approve, reach)
    first, second = _place(low, lowest=False), _place(high, lowest=False)
    accused = how.pair(members[first[0]], members[first[1]], accuse).low
    return Interval(max(0.0, accused), how.pair(members[second[0]], members[second[1]], approve).high)


def _ends(members: Sequence[Any], z: float, reach: Any) -> tuple[Floats, Floats]:
    """Lower and upper ends of first − second for every ordered pair; a member with itself is no pair."""
    centre, down, up = np.array([reach(member, z) for member in members], dtype=np.float64).T
    apart = centre[:, None] - centre[None, :]
    return apart - np.hypot(down[:, None], up[None, :]), apart + np.hypot(up[:, None], down[None, :])


def _place(ends: Floats, *, lowest: bool) -> tuple[int, int]:
    """Where the extreme end stands, never on the diagonal, even where every end is infinite."""
    size = len(ends)
    others = ends[~np.eye(size, dtype=bool)]
    row, column = divmod(int(others.argmin() if lowest else others.argmax()), size - 1)
    return row, column + (column >= row)

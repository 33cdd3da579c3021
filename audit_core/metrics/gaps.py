"""The gap between groups, with a bound to approve and a bound to accuse.

Never a bootstrap of max − min: it is biased upward and finds gaps between identical groups.
Both bounds are built from ordered pairs of groups instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from audit_core.metrics.estimate import Count, Group, MeanValue
from audit_core.metrics.intervals import (
    Interval,
    koopman_ratio,
    mean_difference,
    newcombe_difference,
    z_one_sided,
    z_simultaneous,
    z_two_sided,
)

__all__ = [
    "Count",
    "Gap",
    "Group",
    "MeanValue",
    "Member",
    "chance_of_gap",
    "difference_gap",
    "mean_gap",
    "ratio_gap",
]

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]


Member = Count | MeanValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """The gap between the highest and the lowest of the groups compared.

    difference: value = max − min; `lower` is the bound to accuse with (max(0, L)), `upper` the
    bound to approve with (U). ratio: value = min/max; `lower` is the bound to approve with,
    `upper` the bound to accuse with. `lower_all` and `upper_all` are the same bounds over every group at the
    protect floor: thin groups are kept from giving false comfort, not from proving harm.
    With under two groups a bound says nothing: a difference is then from 0 to 1 (means: to
    infinity), a ratio from 0 to infinity.
    """

    compare: Literal["difference", "ratio"]
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


def difference_gap(
    counts: Sequence[Count], *, min_support: int, level: float = 0.95, protect_floor: int = 10
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
    return _gap(counts, _DIFFERENCE, min_support, level, protect_floor)


def ratio_gap(
    counts: Sequence[Count], *, min_support: int, level: float = 0.95, protect_floor: int = 10
) -> Gap:
    """Return the lowest rate divided by the highest, with its bounds; value None when the highest is 0.

    Formula: lower = min over ordered pairs of the one-sided Koopman lower bound; upper = min over
    ordered pairs of the Koopman upper bound at q_level(K)/√2. A pair of zeros bounds nothing: 0 to infinity.

    Shape and units: as `difference_gap`. `chance_of_gap` is that of the difference.

    References
    ----------
    Koopman (1984); Berger (1982); Agresti, Bini, Bertaccini & Ryu (2008).
    """
    return _gap(counts, _RATIO, min_support, level, protect_floor)


def mean_gap(
    groups: Sequence[MeanValue], *, min_support: int, level: float = 0.95, protect_floor: int = 10
) -> Gap:
    """Return the difference between the highest and the lowest mean, with its bounds.

    Formula: as `difference_gap`, each pair by the normal interval m₁−m₂ ± z·√(se₁²+se₂²).

    Shape and units: one value per group, in the unit of the mean. No `chance_of_gap`.
    """
    return _gap(groups, _MEAN, min_support, level, protect_floor)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Comparison:
    """How two groups are compared: the pair's value, its interval, and what is known without data."""

    compare: Literal["difference", "ratio"]
    pair: Callable[[Any, Any, float], Interval]
    unknown: Interval


def _rate_difference(a: Count, b: Count, z: float) -> Interval:
    return newcombe_difference(a.numerator, a.denominator, b.numerator, b.denominator, z)


def _rate_ratio(a: Count, b: Count, z: float) -> Interval:
    found = koopman_ratio(a.numerator, a.denominator, b.numerator, b.denominator, z)
    return found or Interval(0.0, math.inf)


def _means(a: MeanValue, b: MeanValue, z: float) -> Interval:
    return mean_difference(float(a.value), a.se, float(b.value), b.se, z)


_DIFFERENCE = _Comparison(compare="difference", pair=_rate_difference, unknown=Interval(0.0, 1.0))
_RATIO = _Comparison(compare="ratio", pair=_rate_ratio, unknown=Interval(0.0, math.inf))
_MEAN = _Comparison(compare="difference", pair=_means, unknown=Interval(0.0, math.inf))


def _gap(members: Sequence[Member], how: _Comparison, min_support: int, level: float, floor: int) -> Gap:
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
        unsupported=tuple(m.group for m in members if m not in supported),
    )


def _bounds(members: Sequence[Member], how: _Comparison, level: float) -> Interval:
    """The bound from below and from above; which of them approves depends on the comparison."""
    if len(members) < 2:
        return how.unknown
    approve, accuse = z_one_sided(level), z_simultaneous(level, len(members))
    pairs = list(permutations(members, 2))
    if how.compare == "ratio":
        low = min(how.pair(a, b, approve).low for a, b in pairs)
        return Interval(low, min(how.pair(a, b, accuse).high for a, b in pairs))
    low = max(how.pair(a, b, accuse).low for a, b in pairs)
    return Interval(max(0.0, low), max(how.pair(a, b, approve).high for a, b in pairs))


def _extremes(members: Sequence[Member]) -> tuple[Member | None, Member | None]:
    """Highest and lowest member; the first in order wins a tie, so both may be the same one."""
    if not members:
        return None, None
    return max(members, key=_value), min(members, key=_value)


def _value(member: Member) -> Fraction:
    value = member.value
    assert value is not None  # callers keep members with data only
    return value


def _plug_in(members: Sequence[Member], how: _Comparison) -> Fraction | None:
    if len(members) < 2:
        return None
    values = [_value(m) for m in members]
    top, bottom = max(values), min(values)
    if how.compare == "difference":
        return top - bottom
    return bottom / top if top else None


def _pair_interval(members: Sequence[Member], how: _Comparison, level: float) -> Interval | None:
    high, low = _extremes(members)
    if high is None or low is None or len(members) < 2:
        return None
    if high is low:  # every value is equal: any two groups show it
        high, low = members[0], members[1]
    if how.compare == "ratio":
        high, low = low, high
    return how.pair(high, low, z_two_sided(level))


def chance_of_gap(counts: Sequence[Count]) -> float | None:
    """Return P(gap ≥ observed | every group shares the pooled rate), or None with under two groups.

    Formula: 1 − Σ_v [Π P(v ≤ pᵢ < v+g) − Π P(v < pᵢ < v+g)] over the distinct attainable rates v,
    g the observed difference of highest and lowest, pᵢ = Xᵢ/nᵢ, Xᵢ ~ Binomial(nᵢ, pooled).

    Guarantee: ties are decided in integers; absolute error under 1e-9, no random numbers. Counts
    less likely than e⁻⁵⁰ are left out, so time grows with √n, not n.
    """
    counts = [c for c in counts if c.denominator > 0]
    if len(counts) < 2:
        return None
    rates = [Fraction(c.numerator, c.denominator) for c in counts]
    gap = max(rates) - min(rates)
    if gap == 0:
        return 1.0
    pooled = sum(c.numerator for c in counts) / sum(c.denominator for c in counts)
    laws = [_Law.of(c.denominator, pooled) for c in counts]
    below = 0.0
    for j, law in enumerate(laws):
        k = law.counts
        for earlier in laws[:j]:  # a rate is counted once, at the first group that has it among its counts
            k = k[~np.isin(k * earlier.n, earlier.counts * law.n)]
        at_or_above = np.ones(k.size)
        above = np.ones(k.size)
        for other in laws:
            end = other.before(_first_at_or_above(k, law.n, other.n, gap))
            at_or_above *= end - other.before(-((-k * other.n) // law.n))
            above *= end - other.before((k * other.n) // law.n + 1)
        below += float(np.sum(at_or_above - above))
    return min(1.0, max(0.0, 1.0 - below))


def _first_at_or_above(k: IntArray, n: int, other_n: int, gap: Fraction) -> IntArray:
    """Smallest x with x/other_n ≥ k/n + gap, in integers that stay small at any n."""
    whole, rest = np.divmod(k * other_n, n)
    steps, part = divmod(gap.numerator * other_n, gap.denominator)
    # Left over is rest/n + part/denominator, in [0, 2): it rounds up to 0, 1 or 2.
    one = n * (gap.denominator - part) // gap.denominator
    up = np.where(rest > one, 2, 1) if part else (rest > 0).astype(np.int64)
    return np.asarray(whole + steps + up, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Law:
    """Binomial(n, p) on the counts that matter: below[i] = P(X < first + i)."""

    n: int
    first: int
    below: FloatArray

    @classmethod
    def of(cls, n: int, p: float) -> _Law:
        reach = 10 * math.sqrt(n * p * (1 - p)) + 40
        first, last = max(0, math.floor(n * p - reach)), min(n, math.ceil(n * p + reach))
        k = np.arange(first + 1, last + 1, dtype=np.float64)
        logs = np.concatenate(([0.0], np.cumsum(np.log((n - k + 1) / k * (p / (1 - p))))))
        mass = np.exp(logs - logs.max())
        return cls(n=n, first=first, below=np.concatenate(([0.0], np.cumsum(mass / mass.sum()))))

    @property
    def counts(self) -> IntArray:
        """The counts kept, ascending."""
        return self.first + np.arange(self.below.size - 1, dtype=np.int64)

    def before(self, x: IntArray) -> FloatArray:
        """P(X < x)."""
        return self.below[np.clip(x - self.first, 0, self.below.size - 1)]

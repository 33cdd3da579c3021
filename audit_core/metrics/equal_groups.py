"""What chance alone does to a gap check when K groups of one size truly share a rate; no random numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import accumulate
from typing import Literal

from audit_core.metrics.intervals import newcombe_difference, range_chance, ratio_score, wilson, z_one_sided

EXACT_UP_TO = 10_000
"""People per group up to which the law is summed exactly; beyond it the normal law is used."""

_NEVER = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class ByChance:
    """P(the measured value is outside the limit) and P(shown to be within it), 0–1."""

    outside: float
    within: float


def rates_by_chance(
    compare: Literal["difference", "ratio"],
    people: int,
    groups: int,
    p: float,
    limit: Fraction,
    level: float = 0.95,
) -> ByChance:
    """Return what chance does to a gap of equal rates.

    Formula: P(every xᵢ in [a, b] that the rule keeps) = Σ_a [(F(b_a)−F(a−1))^K − (F(b_a)−F(a))^K], F the
    Binomial(n, p) law and b_a the largest count the rule keeps beside a as the smallest. The rule is
    b−a ≤ τn (or a ≥ τb) for the measured value, and U ≤ τ by Newcombe (or L ≥ τ by Koopman) for the bound.

    Shape and units: `people` n and the rate p the same in every group; limit τ of the gap or ratio in 0–1.

    Guarantee: exact to rounding up to `EXACT_UP_TO` people per group, by the normal law beyond.

    Raises
    ------
    ValueError
        When there are under two groups, no people, or the rate is outside 0–1.
    """
    if groups < 2 or people < 1 or not 0 <= p <= 1:
        raise ValueError("equal groups are two or more, of one person or more, with a rate in 0–1")
    if people > EXACT_UP_TO:
        return _normal(compare, people, groups, p, limit, level)
    law = _cumulative(people, p)
    outside = 1 - _kept(law, _measured_ends(compare, people, limit), groups)
    within = _kept(law, _bound_ends(compare, people, limit, level), groups)
    return ByChance(outside=min(1.0, max(0.0, outside)), within=within)


def means_by_chance(
    spread: float, people: int, groups: int, limit: Fraction, level: float = 0.95
) -> ByChance:
    """Return what chance does to a gap of equal means of n people each, by the normal law.

    Formula: with σ = √(spread/n), outside 1−R(τ/σ) and within R(τ/σ−√2·z_level), R the law of the range of K
    standard normals.
    """
    return _of_range(math.sqrt(spread / people), groups, float(limit), level)


def rate_between(
    people: int, p: float | None, limits: tuple[Fraction | None, Fraction | None], level: float = 0.95
) -> ByChance | None:
    """Return what chance does to a rate between two limits, or None where no count at all is shown to be.

    Formula: P(one-sided Wilson bounds of x/n inside the limits) and P(x/n outside them), X ~ Binomial(n, p).
    Without a rate, 0 and 1: only whether any count can be shown to lie between.
    """
    low, high = limits
    z = z_one_sided(level)
    shown = [
        x for x in range(people + 1)
        if (low is None or wilson(x, people, z).low >= low)
        and (high is None or wilson(x, people, z).high <= high)
    ]  # fmt: skip
    if not shown:
        return None
    if p is None:
        return ByChance(outside=0.0, within=1.0)
    law = _cumulative(people, p)
    least = 0 if low is None else math.ceil(low * people)
    most = people if high is None else math.floor(high * people)
    within = _between(law, shown[0], shown[-1])
    return ByChance(outside=min(1.0, max(0.0, 1 - _between(law, least, most))), within=within)


def _between(law: Sequence[float], least: int, most: int) -> float:
    """P(least ≤ X ≤ most)."""
    return law[most] - (law[least - 1] if least else 0.0) if most >= least else 0.0


def _normal(compare: str, people: int, groups: int, p: float, limit: Fraction, level: float) -> ByChance:
    if compare == "difference":
        return _of_range(math.sqrt(p * (1 - p) / people), groups, float(limit), level)
    if p == 0 or limit <= 0:
        return ByChance(outside=0.0, within=0.0 if p == 0 else 1.0)
    return _of_range(math.sqrt((1 - p) / p / people), groups, -math.log(limit), level)


def _of_range(sigma: float, groups: int, limit: float, level: float) -> ByChance:
    if sigma == 0:
        return ByChance(outside=0.0, within=1.0 if limit > 0 else 0.0)
    reach = limit / sigma
    room = reach - math.sqrt(2) * z_one_sided(level)
    return ByChance(
        outside=1 - range_chance(reach, groups) if reach > 0 else 1.0,
        within=range_chance(room, groups) if room > 0 else 0.0,
    )


@lru_cache(maxsize=64)
def _cumulative(n: int, p: float) -> tuple[float, ...]:
    """P(X ≤ x) for x = 0…n."""
    if p in (0, 1):
        return tuple(1.0 if p == 0 or x == n else 0.0 for x in range(n + 1))
    whole, yes, no = math.lgamma(n + 1), math.log(p), math.log1p(-p)
    mass = (
        math.exp(whole - math.lgamma(x + 1) - math.lgamma(n - x + 1) + x * yes + (n - x) * no)
        for x in range(n + 1)
    )
    return tuple(min(1.0, below) for below in accumulate(mass))


def _kept(law: Sequence[float], ends: Sequence[int], groups: int) -> float:
    """P(the smallest count is a and the largest at most ends[a]), over all a."""
    total = 0.0
    for a, b in enumerate(ends):
        if b >= a:
            total += (law[b] - (law[a - 1] if a else 0.0)) ** groups - (law[b] - law[a]) ** groups
    return min(1.0, total)


@lru_cache(maxsize=64)
def _measured_ends(compare: str, n: int, limit: Fraction) -> tuple[int, ...]:
    """Largest count beside each smallest one at which the measured value is not outside the limit."""
    if compare == "difference":
        return tuple(min(n, a + math.floor(limit * n)) for a in range(n + 1))
    return tuple(n if limit <= 0 else min(n, math.floor(a / limit)) for a in range(n + 1))


@lru_cache(maxsize=64)
def _bound_ends(compare: str, n: int, limit: Fraction, level: float) -> tuple[int, ...]:
    """Largest count beside each smallest one at which the bound approves; `_NEVER` where none does.

    A bound that approves a pair approves every pair between: the end never moves down.
    """
    z = z_one_sided(level)

    def difference(a: int, b: int) -> bool:
        return newcombe_difference(b, n, a, n, z).high <= limit

    def quotient(a: int, b: int) -> bool:
        return limit <= 0 or (a > 0 and ratio_score(float(limit), (a, n, b, n)) >= z)

    return _ends(n, difference if compare == "difference" else quotient)


def _ends(n: int, keeps: Callable[[int, int], bool]) -> tuple[int, ...]:
    ends, b = [], _NEVER
    for a in range(n + 1):
        b = max(b, a - 1)
        while b < n and keeps(a, b + 1):
            b += 1
        ends.append(b if b >= a else _NEVER)
    return tuple(ends)

"""How far the people of unknown group could move a gap, whoever they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from audit_core.metrics.estimate import Count

_STEPS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownRange:
    """The gap in its best and in its worst case, with every unknown person assigned to a compared group.

    `smallest` is the case nearest to no difference: for a difference `smallest` ≤ `largest`, for a ratio the
    other way round. `people` are the unknown people in the metric's denominator.
    """

    people: int
    smallest: float
    largest: float


def unknown_range(
    counts: Sequence[Count], numerator: int, denominator: int, *, ratio: bool
) -> UnknownRange | None:
    """Return how far the unknown people could move the gap of the compared groups; None without both.

    Formula: worst: one group is given every unknown person in the numerator, another every one outside it,
    the largest over ordered pairs. Best: highest and lowest rate are drawn together as far as the unknown
    people reach: the lowest rates rise to a* with Σ max(0, (a·nᵢ−xᵢ)/(1−a)) = S, the highest fall to b* with
    Σ max(0, (xᵢ−b·nᵢ)/b) = F, neither beyond the rate of everybody together.

    Shape and units: counts with a denominator; rates 0–1. The best case lets a person count in part, so no
    assignment of whole people comes nearer.

    Guarantee: the observed gap of any assignment lies within the range.
    """
    counts = [count for count in counts if count.denominator]
    if len(counts) < 2 or denominator == 0:
        return None
    inside, outside = numerator, denominator - numerator
    tops = _furthest_two(counts, lambda c: Fraction(c.numerator + inside, c.denominator + inside), 1)
    bottoms = _furthest_two(counts, lambda c: Fraction(c.numerator, c.denominator + outside), -1)
    ends = [(top, bottom) for i, top in tops for j, bottom in bottoms if i != j]
    low, high = _drawn_together(counts, inside, outside)
    if ratio:
        worst = min((bottom / top for top, bottom in ends if top), default=Fraction(1))
        return UnknownRange(people=denominator, smallest=low / high if high else 1.0, largest=float(worst))
    return UnknownRange(
        people=denominator,
        smallest=max(0.0, high - low),
        largest=float(max(top - bottom for top, bottom in ends)),
    )


def _furthest_two(
    counts: Sequence[Count], rate: Callable[[Count], Fraction], sign: int
) -> list[tuple[int, Fraction]]:
    """The two groups with the largest rate (sign 1) or the smallest (sign −1), by place."""
    rates = [(place, rate(count)) for place, count in enumerate(counts)]
    return sorted(rates, key=lambda pair: -sign * pair[1])[:2]


def _drawn_together(counts: Sequence[Count], inside: int, outside: int) -> tuple[float, float]:
    """(a*, b*): the rates to which the lowest can rise and the highest can fall."""
    x, n = sum(c.numerator for c in counts) + inside, sum(c.denominator for c in counts) + inside + outside
    pooled = Fraction(x, n)
    rates = [Fraction(c.numerator, c.denominator) for c in counts]

    def fits_below(a: Fraction | float) -> bool:
        return sum(max(0, (a * c.denominator - c.numerator) / (1 - a)) for c in counts) <= inside

    def fits_above(b: Fraction | float) -> bool:
        return sum(max(0, (c.numerator - b * c.denominator) / b) for c in counts) <= outside

    low = _furthest(min(rates), pooled, fits_below) if pooled < 1 else 1.0
    high = _furthest(max(rates), pooled, fits_above) if pooled > 0 else 0.0
    return low, high


def _furthest(start: Fraction, end: Fraction, fits: Callable[[Fraction | float], bool]) -> float:
    """Value nearest to `end` that still fits; `start` does. Whether `end` does is decided exactly."""
    if fits(end):
        return float(end)
    near, far = float(start), float(end)
    for _ in range(_STEPS):
        middle = (near + far) / 2
        near, far = (middle, far) if fits(middle) else (near, middle)
    return near

"""Score bands in micro-units: a score becomes the integer q = floor(scaled · 10⁶ + ½) before it is cut."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

MICRO = 1_000_000
FINE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Bands:
    """Inner and outer edges of the bands, in micro-units of the scale from 0 to 1.

    A band is [edge, next edge); the last is closed, so a score of 1 is in the last band. `low` and `high`
    are the ends of the score's own scale; `threshold` is on that scale.
    """

    edges: tuple[int, ...]
    low: Fraction
    high: Fraction
    threshold: Fraction | None

    @property
    def count(self) -> int:
        """Number of bands."""
        return len(self.edges) - 1


def score_bands(
    low: Fraction, high: Fraction, threshold: Fraction | None, inner: tuple[Fraction, ...]
) -> Bands:
    """Return the contract's own bands, or a hundred equal ones when it names none."""
    if inner:
        edges = (0, *(micro(edge, low, high) for edge in inner), MICRO)
    else:
        edges = tuple(range(0, MICRO + 1, MICRO // FINE))
    return Bands(edges=edges, low=low, high=high, threshold=threshold)


def micro(value: Fraction, low: Fraction, high: Fraction) -> int:
    """Return a value of the score's scale in micro-units: floor(scaled · 10⁶ + ½)."""
    scaled = (value - low) / (high - low) * MICRO + Fraction(1, 2)
    return scaled.numerator // scaled.denominator

"""Numbers as people read them, with enough digits that the printed numbers reproduce the verdict."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

Number = Fraction | float | int
MINUS = "−"
_MOST_DIGITS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """How a number is printed: its factor, digits after the point, and the word behind it."""

    scale: int
    digits: int
    suffix: str = ""


PERCENT = Unit(scale=100, digits=1, suffix=" %")
POINTS = Unit(scale=100, digits=1, suffix=" pts")
RATIO = Unit(scale=1, digits=3)
COUNT = Unit(scale=1, digits=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One unit at a fixed number of digits, so that all numbers of a sentence can be compared by eye."""

    unit: Unit
    digits: int

    def bare(self, value: Number) -> str:
        """Return the number without its unit word."""
        return decimal(_exact(value) * self.unit.scale, self.digits)

    def text(self, value: Number) -> str:
        """Return the number with its unit word."""
        return self.bare(value) + self.unit.suffix

    def signed(self, value: Number) -> str:
        """Return the number with its unit word and always a sign, but for zero."""
        shown = self.text(value)
        positive = value > 0 and any(digit in shown for digit in "123456789")
        return f"+{shown}" if positive else shown


def decimal(value: Number, digits: int) -> str:
    """Return a finite number with exactly so many digits, a true minus sign and thousands separators."""
    tick = 10**digits
    scaled = round(_exact(value) * tick)
    whole, part = divmod(abs(scaled), tick)
    sign = MINUS if scaled < 0 else ""
    return f"{sign}{whole:,}" + (f".{part:0{digits}d}" if digits else "")


def figures(
    unit: Unit, values: Iterable[Number | None] = (), limits: Iterable[Number | None] = ()
) -> Figures:
    """Return the unit at the fewest digits at which every printed value stands to every printed limit as the
    exact value stands to the exact limit.
    """
    pairs = [
        (_exact(value) * unit.scale, _exact(limit) * unit.scale)
        for value in _finite(values)
        for limit in _finite(limits)
    ]
    digits = unit.digits
    while digits < _MOST_DIGITS and not all(_agree(value, limit, digits) for value, limit in pairs):
        digits += 1
    return Figures(unit=unit, digits=digits)


def percent(value: Number, digits: int = 1) -> str:
    """Return a rate (0–1) in percent."""
    return Figures(unit=PERCENT, digits=digits).text(value)


def points(value: Number, digits: int = 1) -> str:
    """Return a difference of rates (0–1) in percentage points."""
    return Figures(unit=POINTS, digits=digits).text(value)


def ratio(value: Number) -> str:
    """Return a ratio with its three decimals."""
    return decimal(value, RATIO.digits)


def count(value: int) -> str:
    """Return a whole number with thousands separators."""
    return f"{value:,}"


def counted(value: int, noun: str) -> str:
    """Return “1 row”, “2 rows”: a count with its noun in the right number."""
    return f"{count(value)} {noun if value != 1 else _singular(noun)}"


def level_words(level: Fraction) -> str:
    """Return a confidence level, 0–1, in the fewest digits that hold it."""
    for digits in range(4):
        if (level * 100 * 10**digits).denominator == 1:
            return percent(level, digits)
    return percent(level, 4)


def chance_words(chance: float) -> str:
    """Return how often something happens, in words that keep rare things apart from never."""
    if chance < 0.0001:
        return "in fewer than 1 in 10,000 samples"
    if chance < 0.001:
        return f"in about {math.ceil(chance * 10_000)} in 10,000 samples"
    if chance < 0.01:
        return f"in about {round(chance * 1_000)} in 1,000 samples"
    if chance > 0.99:
        return "in nearly every sample"
    return f"in about {percent(chance, 0)} of samples"


def _singular(noun: str) -> str:
    return "person" if noun == "people" else noun.removesuffix("s")


def _exact(value: Number) -> Fraction:
    return Fraction(value)


def _finite(values: Iterable[Number | None]) -> list[Number]:
    return [v for v in values if v is not None and (isinstance(v, int | Fraction) or math.isfinite(v))]


def _agree(value: Fraction, limit: Fraction, digits: int) -> bool:
    tick = 10**digits
    printed = round(value * tick) - round(limit * tick)
    return (printed > 0, printed < 0) == (value > limit, value < limit)

"""A rate as a person may read it, where absence is a type: measured, too few, undefined or suppressed.

`Count` and `MeanValue` are the exact values behind it, one group each.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from audit_core.metrics.intervals import Interval, clopper_pearson, wilson, z_two_sided

Group = tuple[str, ...]
Method = Literal["wilson", "clopper-pearson"]
CLUSTERED = "adjusted for repeated people"
"""Said of an interval that is made from effective counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A group's rate as two integers.

    `design_effect` is how many times wider than for independent rows the variance is where people are
    repeated (1 where nobody is); intervals are made from the `effective` counts, values never.

    Raises
    ------
    ValueError
        When not 0 ≤ numerator ≤ denominator, or the design effect is under 1.
    """

    group: Group
    numerator: int
    denominator: int
    design_effect: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.numerator <= self.denominator:
            raise ValueError("a numerator lies between 0 and its denominator")
        if not self.design_effect >= 1:
            raise ValueError("a design effect is 1 or more")

    @property
    def effective(self) -> tuple[float, float]:
        """(x, n) as an interval takes them: the counts themselves, fewer where people are repeated."""
        if self.design_effect == 1:
            return self.numerator, self.denominator
        return self.numerator / self.design_effect, self.denominator / self.design_effect

    @property
    def support(self) -> int:
        """How many rows (positives, negatives) the rate stands on; effective ones where people repeat."""
        return self.denominator if self.design_effect == 1 else int(self.effective[1])

    @property
    def value(self) -> Fraction | None:
        """The exact rate, 0–1; None without a denominator."""
        return Fraction(self.numerator, self.denominator) if self.denominator else None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanValue:
    """A group's mean (of residuals, say) or AUC: exact value, standard error, rows it stands on.

    Raises
    ------
    ValueError
        When `se` is negative or not a number, or `n` is negative. An unknown `se` is infinite.
    """

    group: Group
    value: Fraction
    se: float
    n: int

    def __post_init__(self) -> None:
        if not self.se >= 0 or self.n < 0:
            raise ValueError("a standard error and a number of rows are zero or more")

    @property
    def support(self) -> int:
        """How many rows the value stands on."""
        return self.n


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rate:
    """Numerator and denominator with their interval; rates 0–1."""

    numerator: int
    denominator: int
    low: float
    high: float
    level: float
    method: str

    @property
    def fraction(self) -> Fraction:
        """The rate exactly, for comparison with a limit."""
        return Fraction(self.numerator, self.denominator)

    @property
    def value(self) -> float:
        """The rate as a number to print, 0–1."""
        return self.numerator / self.denominator

    @property
    def interval(self) -> Interval:
        """The range of rates the rows are compatible with."""
        return Interval(self.low, self.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured(_Rate):
    """A rate on enough rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TooFew(_Rate):
    """A rate on some rows, but fewer than the `required` number."""

    required: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Undefined:
    """No rate: nothing to divide by. It is never 0 and never 1; any rate is possible."""

    reason: str

    @property
    def value(self) -> None:
        """No number."""
        return

    @property
    def interval(self) -> Interval:
        """The whole range of rates."""
        return Interval(0.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppressed:
    """A rate that is known but not shown, to protect the people behind a small count."""

    reason: str

    @property
    def value(self) -> None:
        """No number."""
        return


Estimate = Measured | TooFew | Undefined | Suppressed


def estimate_rate(
    numerator: int,
    denominator: int,
    *,
    required: int = 0,
    level: float = 0.95,
    method: Method = "wilson",
    design_effect: float = 1.0,
) -> Estimate:
    """Return the rate numerator/denominator with its interval, or why there is none.

    Formula: Wilson score interval (default) or the exact Clopper–Pearson one, on the effective counts where
    people are repeated.

    Shape and units: counts in, rates 0–1 out. 0 rows give `Undefined`, fewer effective ones than `required`
    give `TooFew`.

    Raises
    ------
    ValueError
        When not 0 ≤ numerator ≤ denominator, the level is not inside (0, 1) or the method is unknown.
    """
    if method not in ("wilson", "clopper-pearson"):
        raise ValueError(f"unknown interval method {method!r}")
    z = z_two_sided(level)
    count = Count(group=(), numerator=numerator, denominator=denominator, design_effect=design_effect)
    if denominator == 0:
        return Undefined(reason="no rows in the denominator")
    exact = method == "clopper-pearson"
    low, high = clopper_pearson(*count.effective, level) if exact else wilson(*count.effective, z)
    name = method if design_effect == 1 else f"{method}, {CLUSTERED}"
    if count.support < required:
        return TooFew(
            numerator=numerator,
            denominator=denominator,
            low=low,
            high=high,
            level=level,
            method=name,
            required=required,
        )
    return Measured(
        numerator=numerator, denominator=denominator, low=low, high=high, level=level, method=name
    )

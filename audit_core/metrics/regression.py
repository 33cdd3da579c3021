"""A candidate against the approved model: how a group's rate, a gap and a risk have changed.

On the same rows the two models are paired; on different rows a change of model is also a change of data.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from audit_core.metrics.estimate import Count
from audit_core.metrics.intervals import newcombe_difference, z_one_sided, z_two_sided
from audit_core.metrics.pair_intervals import PairCounts, newcombe_paired

MOST_INCREASE = Fraction(1, 10)
"""A risk may exceed the baseline's by a tenth of it …"""

FLOOR = Fraction(1, 100)
"""… and a smaller change than this is none, whatever its share of the baseline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """New minus old, −1 to 1 for a rate and −2 to 2 for a gap, with its interval.

    `paired` is false where the rows differ: the change is then also one of the data.
    """

    value: Fraction
    low: float
    high: float
    level: float
    paired: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskChange:
    """How the share of people harmed has changed on the same rows.

    `ratio` is new/old, None where nobody was harmed before; `low` and `high` are its one-sided bounds at
    `level`, 0 and infinity where the formula has none; `se` is that of the log ratio.
    """

    old: Fraction
    new: Fraction
    ratio: Fraction | None
    se: float
    low: float
    high: float
    level: float
    discordant: int
    harmed_by_both: int
    people: int

    def exceeds(self, most: Fraction = MOST_INCREASE) -> bool:
        """Whether the new risk is above the old by more than the share `most`; any harm, from none."""
        return self.new > 0 if self.ratio is None else self.ratio > 1 + most

    def triggers(self, most: Fraction = MOST_INCREASE, floor: Fraction = FLOOR) -> bool:
        """Whether it `exceeds`, by `floor` or more in absolute terms; from none, by anything."""
        return self.exceeds(most) and (self.ratio is None or self.new - self.old >= floor)

    def evidence(self, most: Fraction = MOST_INCREASE) -> Literal["CONFIRMED", "UNCONFIRMED"]:
        """Return CONFIRMED where even the lower bound of the ratio is above 1 + `most`."""
        return "CONFIRMED" if self.low > 1 + most else "UNCONFIRMED"


def paired_change(counts: PairCounts, *, level: float = 0.90) -> Change | None:
    """Return the change of a rate on the same rows, or None without rows.

    Formula: δ = (b−c)/n with Newcombe's paired interval.

    Shape and units: `first` is the new model, `second` the old; the pairs are a group's positives for TPR.
    """
    value = counts.direction
    if value is None:
        return None
    low, high = newcombe_paired(counts, z_two_sided(level))
    return Change(value=value, low=low, high=high, level=level, paired=True)


def unpaired_change(new: Count, old: Count, *, level: float = 0.90) -> Change | None:
    """Return the change of a rate between different rows, or None where either has none.

    Formula: p_new−p_old with Newcombe's interval for independent rates.
    """
    if new.value is None or old.value is None:
        return None
    z = z_two_sided(level)
    low, high = newcombe_difference(new.numerator, new.denominator, old.numerator, old.denominator, z)
    return Change(value=new.value - old.value, low=low, high=high, level=level, paired=False)


def gap_change(first: Change, second: Change) -> Change:
    """Return the change of the signed gap between two fixed groups, first minus second.

    Formula: MOVER: d = δ₁−δ₂; d−√((δ₁−l₁)²+(u₂−δ₂)²) to d+√((u₁−δ₁)²+(δ₂−l₂)²).

    Raises
    ------
    ValueError
        When the two changes have different levels.

    References
    ----------
    Zou & Donner (2008), Statistics in Medicine 27.
    """
    if first.level != second.level:
        raise ValueError("two changes are compared at one level")
    one, two = float(first.value), float(second.value)
    down = math.hypot(one - first.low, second.high - two)
    up = math.hypot(first.high - one, two - second.low)
    value = first.value - second.value
    return Change(
        value=value,
        low=max(-2.0, float(value) - down),
        high=min(2.0, float(value) + up),
        level=first.level,
        paired=first.paired and second.paired,
    )


def risk_change(counts: PairCounts, *, harm_is: bool = False, level: float = 0.95) -> RiskChange | None:
    """Return the change of a risk on the same rows, or None without rows.

    Formula: RR = harmed_new/harmed_old; se of ln RR √(b+c)/√(harmed_new·harmed_old);
    one-sided bounds RR·exp(∓z·se).

    Parameters
    ----------
    counts
        Pairs with the new model first, the old second.
    harm_is
        The decision that harms: not being selected (FNR over positives) by default, else being selected.
    """
    people = counts.pairs
    if people == 0:
        return None
    shared = counts.both if harm_is else counts.neither
    only_new = counts.first_only if harm_is else counts.second_only
    new, old = shared + only_new, shared + counts.flips - only_new
    ratio = Fraction(new, old) if old else None
    se = math.sqrt(counts.flips) / math.sqrt(new * old) if new and old else math.inf
    reach = math.exp(z_one_sided(level) * se) if ratio else math.inf
    return RiskChange(
        old=Fraction(old, people),
        new=Fraction(new, people),
        ratio=ratio,
        se=se,
        low=float(ratio) / reach if ratio else 0.0,
        high=float(ratio) * reach if ratio else math.inf,
        level=level,
        discordant=counts.flips,
        harmed_by_both=shared,
        people=people,
    )


def chance_of_trigger(
    change: RiskChange, *, most: Fraction = MOST_INCREASE, floor: Fraction = FLOOR
) -> float:
    """Return how often the rule would trigger on these disagreements if neither model were worse.

    Formula: P(X new harms among m disagreements trigger), X ~ Binomial(m, ½), the people harmed by both
    models as they are.
    """
    from scipy.special import bdtrc

    m, shared = change.discordant, change.harmed_by_both

    def triggers(x: int) -> bool:
        new, old = shared + x, shared + m - x
        if old == 0:
            return new > 0
        return Fraction(new, old) > 1 + most and Fraction(new - old, change.people) >= floor

    fewest = bisect_left(range(m + 1), True, key=triggers)  # the rule only ever starts to hold as x grows
    if fewest == 0:
        return 1.0
    return float(bdtrc(fewest - 1, m, 0.5)) if fewest <= m else 0.0

"""Impact ratios as hiring law reads them: four fifths of the highest rate, and New York City's tables.

Everything that is compared with four fifths or with two percent is an exact fraction: (12/40)/(15/40) is
0.8 and not below it, although floating point says otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import numpy as np

from audit_core.metrics.chance import chance_of_gap
from audit_core.metrics.estimate import Count, Group
from audit_core.metrics.intervals import Interval, koopman_ratio, z_two_sided

FOUR_FIFTHS = Fraction(4, 5)
"""A rate below this share of the highest one is flagged; exactly four fifths is not below."""

SMALL_SHARE = Fraction(2, 100)
"""A category with a smaller share of the known people may be left out of the ratios, never out of sight."""

_TIE = 1e-9
"""Tables this close in probability count as equally likely: logarithms of equal ones differ by rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgainstReference:
    """One category beside the one with the highest rate.

    Shape and units: `interval` is of the ratio; `sd_units` is the pooled z statistic (negative: below the
    reference); shortfalls are people, 0 where there is none. `shortfall_to_parity` counts from what the two
    groups' pooled rate gives, `shortfall_to_highest` from the reference's own rate.
    The exact test and the z statistic take every person once, so they are None where people are repeated.
    `one_more_clears`: one more person selected here, and nothing else changed, would end the flag.
    `swap_clears`: one selection here instead of in the reference would leave no flag (the flip-flop check).
    Both say something only where there is a flag to end.
    `one_fewer_flags` and `swap_flags` are the same the other way: one selection less would leave a flag.
    """

    interval: Interval | None
    sd_units: float | None
    fisher_p: float | None
    shortfall_to_parity: Fraction
    shortfall_to_highest: int
    shortfall_to_four_fifths: int
    one_more_clears: bool
    swap_clears: bool
    one_fewer_flags: bool
    swap_flags: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryLine:
    """One category of an impact table.

    `share` is of the people whose category is known. An `excluded` category (under the smallest share) keeps
    its counts, rate and comparison, but has no impact ratio and no flag, and is never the reference.
    `against` is None for the reference itself and where one of the two has nobody.
    """

    group: Group
    selected: int
    n: int
    share: Fraction
    excluded: bool
    selection_rate: Fraction | None
    impact_ratio: Fraction | None
    four_fifths_flag: bool | None
    against: AgainstReference | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactTable:
    """Categories in the order given, the reference among them, and the people of unknown category.

    `lowest` is the smallest impact ratio; `chance_of_gap` is over the categories that have one.
    """

    lines: tuple[CategoryLine, ...]
    reference: Group | None
    unknown: tuple[Count, ...]
    known: int
    lowest: CategoryLine | None
    chance_of_gap: float | None

    @property
    def excluded(self) -> tuple[CategoryLine, ...]:
        """Categories that were left out of the ratios."""
        return tuple(line for line in self.lines if line.excluded)

    @property
    def flagged(self) -> tuple[CategoryLine, ...]:
        """Categories below four fifths of the highest rate."""
        return tuple(line for line in self.lines if line.four_fifths_flag)

    @property
    def unknown_people(self) -> int:
        """People whose category is not known."""
        return sum(count.denominator for count in self.unknown)

    def line(self, group: Group) -> CategoryLine | None:
        """Return the line of a category, if it is there."""
        return next((line for line in self.lines if line.group == group), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringCounts:
    """People above the median of the whole sample, per group in the order of first sight."""

    median: Fraction
    counts: tuple[Count, ...]


def impact_table(
    counts: Sequence[Count],
    *,
    unknown: Sequence[Count] = (),
    smallest_share: Fraction = SMALL_SHARE,
    level: float = 0.95,
) -> ImpactTable:
    """Return every category's rate divided by the highest rate, with what tells chance from pattern.

    Formula: impact ratio = (x/n) / max over the categories that are not excluded; flag = ratio < 4/5.

    Shape and units: people selected over people, one count per category of known people; rates 0–1.

    Guarantee: flags and exclusions are decided in exact fractions; ties for the highest go to the first.

    References
    ----------
    29 CFR 1607.4(D); 6 RCNY 5-301.
    """
    known = sum(count.denominator for count in counts)
    small = {
        count.group
        for count in counts
        if not count.denominator or Fraction(count.denominator, known) < smallest_share
    }
    top = _highest([count for count in counts if count.group not in small])
    z = z_two_sided(level)
    lines = tuple(_line(count, top, known, z, excluded=count.group in small) for count in counts)
    compared = [line for line in lines if line.impact_ratio is not None]
    return ImpactTable(
        lines=lines,
        reference=top.group if top else None,
        unknown=tuple(unknown),
        known=known,
        lowest=min(compared, key=lambda line: line.impact_ratio or Fraction(0)) if compared else None,
        chance_of_gap=chance_of_gap([count for count in counts if count.group not in small]),
    )


def _highest(counts: Sequence[Count]) -> Count | None:
    return max(counts, key=lambda count: count.value or Fraction(0)) if counts else None


def _line(count: Count, top: Count | None, known: int, z: float, *, excluded: bool) -> CategoryLine:
    rate, highest = count.value, top.value if top else None
    compared = rate is not None and highest and not excluded
    ratio = rate / highest if compared and rate is not None and highest else None
    is_top = top is not None and count.group == top.group
    return CategoryLine(
        group=count.group,
        selected=count.numerator,
        n=count.denominator,
        share=Fraction(count.denominator, known) if known else Fraction(0),
        excluded=excluded,
        selection_rate=rate,
        impact_ratio=ratio,
        four_fifths_flag=None if ratio is None else ratio < FOUR_FIFTHS,
        against=None if is_top or top is None or rate is None else against_reference(count, top, z),
    )


def against_reference(count: Count, top: Count, z: float) -> AgainstReference:
    """Return one category compared with the reference; both have people.

    Formula: z = (p − r)/√(m(1−m)(1/n + 1/n_r)), m the pooled rate; shortfall to parity = max(0, n·m − x).

    Shape and units: `z` is the standard-normal quantile of the ratio's interval.
    """
    x, n, top_x, top_n = count.numerator, count.denominator, top.numerator, top.denominator
    once = count.design_effect == top.design_effect == 1
    pooled, highest = Fraction(x + top_x, n + top_n), Fraction(top_x, top_n)
    spread = float(pooled * (1 - pooled) * (Fraction(1, n) + Fraction(1, top_n)))
    one_more, one_fewer = Fraction(min(x + 1, n), n), Fraction(max(x - 1, 0), n)
    top_more, top_fewer = Fraction(min(top_x + 1, top_n), top_n), Fraction(max(top_x - 1, 0), top_n)
    return AgainstReference(
        interval=koopman_ratio(*count.effective, *top.effective, z),
        sd_units=float(Fraction(x, n) - highest) / math.sqrt(spread) if once and spread else None,
        fisher_p=fisher_exact(x, n, top_x, top_n) if once else None,
        shortfall_to_parity=max(Fraction(0), n * pooled - x),
        shortfall_to_highest=max(0, ceil(n * highest) - x),
        shortfall_to_four_fifths=max(0, ceil(FOUR_FIFTHS * highest * n) - x),
        one_more_clears=one_more >= FOUR_FIFTHS * highest,
        swap_clears=one_more >= FOUR_FIFTHS * top_fewer,
        one_fewer_flags=one_fewer < FOUR_FIFTHS * highest,
        swap_flags=one_fewer < FOUR_FIFTHS * top_more,
    )


def fisher_exact(x1: int, n1: int, x2: int, n2: int) -> float:
    """Return the two-sided p of Fisher's exact test of x1 of n1 against x2 of n2.

    Formula: of all tables with these margins, the probability of those no likelier than the one seen.

    Guarantee: absolute error under 1e-8; time grows with √n unless the groups are far apart.

    Raises
    ------
    ValueError
        When not 0 ≤ x ≤ n in either group.

    References
    ----------
    Fisher (1935), J. R. Statist. Soc. 98; the two-sided rule is that of R and SciPy.
    """
    if not (0 <= x1 <= n1 and 0 <= x2 <= n2):
        raise ValueError("a count lies between 0 and its total")
    total, (low, high) = x1 + x2, _window(x1, n1, x2, n2)
    k = np.arange(low + 1, high + 1, dtype=np.float64)
    # log P(k) − log P(k−1) of the hypergeometric law; only ratios matter, so it starts anywhere.
    steps = np.log((n1 - k + 1) / k * ((total - k + 1) / (n2 - total + k)))
    logs = np.concatenate(([0.0], np.cumsum(steps)))
    mass = np.exp(logs - logs.max())
    as_unlikely = logs <= logs[x1 - low] + _TIE
    return min(1.0, float(mass[as_unlikely].sum() / mass.sum()))


def _window(x1: int, n1: int, x2: int, n2: int) -> tuple[int, int]:
    """Counts of the first group that matter: the one seen, and all but e⁻⁵⁰ of the rest."""
    total, people = x1 + x2, n1 + n2
    middle = (n1 + 1) * (total + 1) // (people + 2)
    spread = n1 * n2 * total * (people - total) / max(1, people * people * (people - 1))
    reach = max(math.ceil(10 * math.sqrt(spread)) + 40, 2 * abs(x1 - middle) + 1)
    return max(0, total - n2, middle - reach), min(n1, total, middle + reach)


def scoring_counts(scores: Sequence[float], groups: Sequence[Group]) -> ScoringCounts:
    """Return how many people of each group score strictly above the median of the whole sample.

    Formula: the median is the middle score, or the mean of the two middle ones.

    Shape and units: one finite score and one group per person, in any order.

    Raises
    ------
    ValueError
        No scores, or not one group for each.

    References
    ----------
    6 RCNY 5-301 (scoring rate).
    """
    if not scores or len(scores) != len(groups):
        raise ValueError("every score has its group, and there is at least one")
    exact = sorted(Fraction(score) for score in scores)
    middle = (exact[(len(exact) - 1) // 2] + exact[len(exact) // 2]) / 2
    found: dict[Group, list[int]] = {}
    for score, group in zip(scores, groups, strict=True):
        tally = found.setdefault(group, [0, 0])
        tally[0] += Fraction(score) > middle
        tally[1] += 1
    counts = tuple(Count(group=group, numerator=x, denominator=n) for group, (x, n) in found.items())
    return ScoringCounts(median=middle, counts=counts)


def counts_of(selected_total: Mapping[str, Sequence[int]]) -> tuple[Count, ...]:
    """Return categories given as {name: (selected, people)} as counts, in that order."""
    return tuple(Count(group=(name,), numerator=x, denominator=n) for name, (x, n) in selected_total.items())

"""Matched pairs: the same case in two wordings, what changed with the wording, and where.

Counts of decisions in, never rows of an unpaired comparison: the two members of a pair are not independent.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

from audit_core.metrics.estimate import Estimate, estimate_rate
from audit_core.metrics.intervals import Interval, z_two_sided
from audit_core.metrics.multiplicity import holm
from audit_core.metrics.pair_intervals import (
    PairCounts,
    bonett_price_ratio,
    tango_interval,
)

SCORE_ONLY, NO_OBSERVED_FLIP, LAST_STAGE = "score_only", "no_observed_flip", "judge_or_route"


@dataclass(frozen=True, slots=True, kw_only=True)
class McNemar:
    """Two-sided p-values of "a flip goes either way with equal chance"."""

    exact: float
    mid_p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CochranQ:
    """Cochran's statistic over K variants, its degrees of freedom and p-value."""

    statistic: float
    df: int
    p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PairComparison:
    """Everything said of two variants; rates 0–1, `ratio` is None where there is nothing to divide."""

    counts: PairCounts
    flip_rate: Estimate
    direction: Fraction | None
    direction_interval: Interval
    ratio: Fraction | None
    ratio_interval: Interval | None
    test: McNemar


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantPair:
    """Two of K variants, by their places, with the mid-P value adjusted for all the pairs looked at."""

    first: int
    second: int
    comparison: PairComparison
    holm_p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantComparison:
    """K variants of the same cases: whether they differ at all, then which two do."""

    q: CochranQ
    pairs: tuple[VariantPair, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageOutput:
    """What one discrete stage of the pipeline gave each member of a pair, in the variants' order."""

    name: str
    outputs: tuple[Hashable, ...]


def compare_pair(counts: PairCounts, *, required: int = 0, level: float = 0.95) -> PairComparison:
    """Return the comparison of two variants over their pairs.

    Formula: flip rate (b+c)/n with the Wilson interval; direction (b−c)/n with Tango's; ratio of the two
    rates with Bonett and Price's; McNemar's test. b: first only, c: second only.

    Raises
    ------
    ValueError
        When `level` is not strictly between 0 and 1.
    """
    z = z_two_sided(level)
    second = counts.both + counts.second_only
    return PairComparison(
        counts=counts,
        flip_rate=estimate_rate(counts.flips, counts.pairs, required=required, level=level),
        direction=counts.direction,
        direction_interval=tango_interval(counts, z),
        ratio=Fraction(counts.both + counts.first_only, second) if second else None,
        ratio_interval=bonett_price_ratio(counts, z),
        test=mcnemar(counts),
    )


def compare_variants(
    patterns: Sequence[tuple[Sequence[bool], int]], *, required: int = 0, level: float = 0.95
) -> VariantComparison:
    """Return the comparison of K variants of the same cases, all at once and two by two.

    Formula: Cochran's Q; then `compare_pair` of every two, mid-P values adjusted by Holm's step-down rule.

    Shape and units: as `cochran_q`.

    Raises
    ------
    ValueError
        As `cochran_q`, or when `level` is not strictly between 0 and 1.

    References
    ----------
    Cochran (1950), Biometrika 37; Holm (1979), Scandinavian Journal of Statistics 6.
    """
    found = {
        places: compare_pair(counts, required=required, level=level)
        for places, counts in pairs_of_variants(patterns).items()
    }
    adjusted = holm([pair.test.mid_p for pair in found.values()])
    return VariantComparison(
        q=cochran_q(patterns),
        pairs=tuple(
            VariantPair(first=first, second=second, comparison=comparison, holm_p=p)
            for ((first, second), comparison), p in zip(found.items(), adjusted, strict=True)
        ),
    )


def mcnemar(counts: PairCounts) -> McNemar:
    """Return McNemar's exact and mid-P values; both 1 where no pair flips.

    Formula: b ~ Binomial(b+c, ½); exact 2·P(X ≤ min(b, c)), at most 1; mid-P takes off P(X = min(b, c)),
    and is 1−½·P(X = b) where b = c.

    References
    ----------
    McNemar (1947), Psychometrika 12; Fagerland, Lydersen & Laake (2013), BMC Medical Research Methodology 13.
    """
    from scipy.special import bdtr

    flips, fewer = counts.flips, min(counts.first_only, counts.second_only)
    if flips == 0:
        return McNemar(exact=1.0, mid_p=1.0)
    log_mass = math.lgamma(flips + 1) - math.lgamma(fewer + 1) - math.lgamma(flips - fewer + 1)
    mass = math.exp(log_mass - flips * math.log(2))
    if counts.first_only == counts.second_only:
        return McNemar(exact=1.0, mid_p=1 - mass / 2)
    below = 2 * float(bdtr(fewer - 1, flips, 0.5)) if fewer else 0.0
    return McNemar(exact=min(1.0, below + 2 * mass), mid_p=min(1.0, below + mass))


def flip_rate_bound(counts: PairCounts, *, level: float = 0.95) -> float:
    """Return the exact one-sided upper bound of the flip rate; 1 without a pair.

    Formula: Beta quantile B(level; x+1, n−x); 1−(1−level)^(1/n) where no pair flips, which is under 5 %
    at 95 % only from 59 pairs on.

    Raises
    ------
    ValueError
        When `level` is not strictly between 0 and 1.

    References
    ----------
    Clopper & Pearson (1934), Biometrika 26.
    """
    from scipy.special import betaincinv

    z_two_sided(level)  # refuses a level outside (0, 1)
    if counts.flips == counts.pairs:
        return 1.0
    if counts.flips == 0:
        return -math.expm1(math.log1p(-level) / counts.pairs)
    return float(betaincinv(counts.flips + 1, counts.pairs - counts.flips, level))


def cochran_q(patterns: Sequence[tuple[Sequence[bool], int]]) -> CochranQ:
    """Return Cochran's Q over K variants; 0 with p = 1 where the variants of every case agree.

    Formula: Q = (K−1)(KΣG_j²−(ΣG_j)²)/(KΣL_i−ΣL_i²), G_j the selected of a variant, L_i of a case;
    χ² with K−1 degrees of freedom.

    Shape and units: (decisions in the variants' order, cases with that pattern).

    Raises
    ------
    ValueError
        When the patterns differ in length, have under two variants, or a count is negative.

    References
    ----------
    Cochran (1950), Biometrika 37.
    """
    from scipy.special import chdtrc

    k = _variants(patterns)
    per_variant = [sum(count for row, count in patterns if row[j]) for j in range(k)]
    per_case = [(sum(map(bool, row)), count) for row, count in patterns]
    spread = sum(count * chosen * (k - chosen) for chosen, count in per_case)
    if spread == 0:
        return CochranQ(statistic=0.0, df=k - 1, p=1.0)
    between = k * sum(g * g for g in per_variant) - sum(per_variant) ** 2
    q = float(Fraction((k - 1) * between, spread))
    return CochranQ(statistic=q, df=k - 1, p=float(chdtrc(k - 1, q)))


def pairs_of_variants(patterns: Sequence[tuple[Sequence[bool], int]]) -> dict[tuple[int, int], PairCounts]:
    """Return the pair counts of every two of K variants, by their places, the first-named first.

    Raises
    ------
    ValueError
        As `cochran_q`.
    """
    found = {}
    for i, j in combinations(range(_variants(patterns)), 2):
        cells = dict.fromkeys(((True, True), (True, False), (False, True), (False, False)), 0)
        for row, count in patterns:
            cells[bool(row[i]), bool(row[j])] += count
        both, first, second, neither = cells.values()
        found[i, j] = PairCounts(both=both, first_only=first, second_only=second, neither=neither)
    return found


def attributed_stage(
    stages: Sequence[StageOutput], outcomes: Sequence[Hashable], scores: Sequence[Hashable] = ()
) -> str:
    """Return the first stage at which the members of a flipped pair part, in the pipeline's order.

    `judge_or_route` where the outcomes differ and no discrete stage before them does: scores differ in
    nearly every pair, so they are no stage. Without a flip: `score_only` or `no_observed_flip`.
    """
    if len(set(outcomes)) > 1:
        return next((stage.name for stage in stages if len(set(stage.outputs)) > 1), LAST_STAGE)
    return SCORE_ONLY if len(set(scores)) > 1 else NO_OBSERVED_FLIP


def _variants(patterns: Sequence[tuple[Sequence[bool], int]]) -> int:
    sizes = {len(row) for row, _ in patterns}
    if len(sizes) != 1 or min(sizes) < 2:
        raise ValueError("every case has the same two or more variants")
    if any(count < 0 for _, count in patterns):
        raise ValueError("a number of cases is zero or more")
    return sizes.pop()

"""The shift of scores within pairs: the detector that sees what decisions do not yet show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import groupby
from typing import Literal

import numpy as np

from audit_core.metrics.intervals import Interval, z_two_sided

NANO = 1_000_000_000
MOST_EXACT = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreShift:
    """Wilcoxon's test of "the scores shift neither way", and the mean shift in units of the score.

    `n` differences were ranked, `zeros` dropped; `statistic` is the smaller of the two rank sums; `p` is
    two-sided. `mean` is over every pair, zeros included; None without a pair.
    """

    n: int
    zeros: int
    statistic: Fraction
    p: float
    method: Literal["exact", "approx"]
    mean: Fraction | None


def score_shift(
    shifts: Sequence[float], *, method: Literal["auto", "exact", "approx"] = "auto"
) -> ScoreShift:
    """Return the signed-rank test of the shifts; p = 1 where every shift is 0.

    Formula: ranks of |shift|, ties at their middle rank; exact: every sign is equally likely; approx:
    normal with variance (n(n+1)(2n+1)−½Σ(t³−t))/24, t the sizes of ties, no continuity correction.

    Shape and units: one first-minus-second difference per pair, rounded to 10⁻⁹ before it is ranked: noise
    in the last digit would break ties. `auto` is exact up to 50 differences.

    Raises
    ------
    ValueError
        When a shift is not finite.

    References
    ----------
    Wilcoxon (1945), Biometrics Bulletin 1; Pratt & Gibbons (1981), on ties and zeros.
    """
    if not all(math.isfinite(shift) for shift in shifts):
        raise ValueError("a shift is a finite number")
    whole = [round(shift * NANO) for shift in shifts]
    kept = sorted((shift for shift in whole if shift), key=abs)
    ranks, ties = _doubled_ranks([abs(shift) for shift in kept])
    up = sum(rank for rank, shift in zip(ranks, kept, strict=True) if shift > 0)
    smaller = min(up, sum(ranks) - up)
    exact = method == "exact" or (method == "auto" and len(kept) <= MOST_EXACT)
    return ScoreShift(
        n=len(kept),
        zeros=len(whole) - len(kept),
        statistic=Fraction(smaller, 2),
        p=_exact_p(ranks, smaller) if exact else _normal_p(len(kept), ties, smaller),
        method="exact" if exact else "approx",
        mean=Fraction(sum(whole), len(whole) * NANO) if whole else None,
    )


def mean_shift_interval(
    shifts: Sequence[float], *, seed: int, level: float = 0.95, replicates: int = 2000
) -> Interval | None:
    """Return the bootstrap interval of the mean shift, or None with under two pairs.

    Formula: percentiles of the mean over pairs drawn with replacement; pairs are drawn, never their members.
    """
    z_two_sided(level)  # refuses a level outside (0, 1)
    if len(shifts) < 2:
        return None
    values = np.asarray(shifts, dtype=np.float64)
    draw = np.random.Generator(np.random.PCG64(seed))
    means = [float(values[draw.integers(0, values.size, values.size)].mean()) for _ in range(replicates)]
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def _doubled_ranks(sizes: Sequence[int]) -> tuple[list[int], list[int]]:
    """Twice the middle rank of each of the ascending sizes, and the sizes of the ties."""
    ranks: list[int] = []
    ties: list[int] = []
    for _, run in groupby(sizes):
        count = len(list(run))
        ranks += [2 * len(ranks) + count + 1] * count
        ties.append(count)
    return ranks, ties


def _exact_p(ranks: Sequence[int], smaller: int) -> float:
    """P(a rank sum at least as far from the middle), all 2ⁿ signs counted in integers."""
    ways = [1] + [0] * sum(ranks)
    for rank in ranks:
        for total in range(len(ways) - 1, rank - 1, -1):
            ways[total] += ways[total - rank]
    return min(1.0, float(Fraction(2 * sum(ways[: smaller + 1]), 2 ** len(ranks))))


def _normal_p(n: int, ties: Sequence[int], smaller: int) -> float:
    variance = (n * (n + 1) * (2 * n + 1) - sum(t**3 - t for t in ties) / 2) / 24
    if variance <= 0:
        return 1.0
    z = (smaller / 2 - n * (n + 1) / 4) / math.sqrt(variance)
    return min(1.0, math.erfc(abs(z) / math.sqrt(2)))

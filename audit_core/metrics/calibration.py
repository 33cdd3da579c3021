"""Whether a score means what it says, per score band and on the whole, from integer sums.

Scores are held as whole micro-units: q = floor(score·10⁶ + ½).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from audit_core.metrics.estimate import Estimate, MeanValue, Measured, Undefined, estimate_rate
from audit_core.metrics.intervals import Interval, z_two_sided

Ints = Sequence[int] | npt.NDArray[np.int64]

MICRO = 1_000_000
_REPLICATES = 2000
_WELL_SEEN = 4  # sums of squares from this many z² on are their own measure


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BandSums:
    """One group's labelled rows per fine score band, and the squares of all its scores.

    n0, n1: rows with label 0 and 1; s0, s1: Σq of the same rows; one entry per band, int.
    squares: Σq² over every row (`exact_squares`). edges: the fine bands' edges in micro-units,
    one more than there are bands; a band is [lo, hi), the last one closed.

    Raises
    ------
    ValueError
        When the lengths differ, edges do not ascend within 0–10⁶, or a sum does not fit its band.
    """

    n0: Ints
    n1: Ints
    s0: Ints
    s1: Ints
    squares: int
    edges: Sequence[int]

    def __post_init__(self) -> None:
        columns = (self.n0, self.n1, self.s0, self.s1)
        if any(len(column) != len(self.edges) - 1 for column in columns):
            raise ValueError("every band has its counts and sums, and one edge more")
        steps = list(pairwise(self.edges))
        if self.edges[0] < 0 or self.edges[-1] > MICRO or any(a >= b for a, b in steps):
            raise ValueError("band edges ascend within 0 to 1")
        for n, s in ((self.n0, self.s0), (self.n1, self.s1)):
            for (low, high), rows, total in zip(steps, n, s, strict=True):
                if rows < 0 or not rows * low <= total <= rows * high:
                    raise ValueError("a band's score sum lies within its band")


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """One band as it is shown; scores and rates 0–1.

    `flagged`: on enough rows, and the mean score lies outside the interval of the observed rate.
    """

    low: float
    high: float
    n: int
    positives: int
    score_sum: Fraction
    observed: Estimate
    mean_score: float | None
    flagged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupCalibration:
    """A group's calibration: its bands, and the whole of it in one number each.

    ece and mce are over the non-empty bands; ece_null95 is what a perfectly calibrated score
    of the same shape exceeds one time in twenty. in_the_large is mean(label) − mean(score),
    its `in_the_large_se` infinite on a single row.
    """

    n: int
    positives: int
    bands: tuple[Band, ...]
    ece: float
    ece_null95: float
    mce: float
    brier: float
    in_the_large: Fraction
    in_the_large_se: float
    in_the_large_interval: Interval

    def as_mean(self, group: tuple[str, ...]) -> MeanValue:
        """Calibration in the large as a group's mean, for `mean_gap`."""
        return MeanValue(group=group, value=self.in_the_large, se=self.in_the_large_se, n=self.n)


def exact_squares(high: Iterable[int], low: Iterable[int]) -> int:
    """Return Σq² from its two halves, Σ⌊q²/10⁶⌋ and Σ(q² mod 10⁶), as an integer of any size."""
    return MICRO * sum(int(part) for part in high) + sum(int(part) for part in low)


def calibration(
    sums: BandSums, *, cuts: Sequence[int], seed: int, required: int = 30, level: float = 0.95
) -> GroupCalibration | Undefined:
    """Return a group's calibration over the bands between `cuts`, or `Undefined` without labelled rows.

    Formula: ECE = Σ n_b/n·|o_b−s̄_b|, MCE = max|o_b−s̄_b|, Brier = Σ(s−y)²/n,
    in the large = mean(y)−mean(s) ± z·√(S/(n(n−1))), S the sum of squares of y−s around its mean. While S
    is under 4z², z²·(1−4S/n)² is added to it up to that size: what a rate that is 0 of n or n of n leaves
    open by Wilson's interval, and nothing where it is a half. Few surprises are no proof that there are none.

    Shape and units: `cuts` in micro-units, each one of the fine edges, first and last included.

    Guarantee: sums are exact; the null percentile depends on the counts and `seed` alone.

    Raises
    ------
    ValueError
        When a cut is not a fine edge, or cuts do not ascend from the first edge to the last.
    """
    bands = _bands(sums, cuts, required, level)
    n, positives = sum(b.n for b in bands), sum(b.positives for b in bands)
    if n == 0:
        return Undefined(reason="no labelled rows")
    off = [abs(b.positives - b.score_sum) for b in bands]
    squared = _squared_errors(sums)
    in_the_large = (positives - sum((b.score_sum for b in bands), Fraction(0))) / n
    z = z_two_sided(level)
    se = _standard_error(float(squared - n * in_the_large**2), n, z)
    reach = z * se
    return GroupCalibration(
        n=n,
        positives=positives,
        bands=bands,
        ece=float(sum(off) / n),
        ece_null95=_ece_null95(bands, seed),
        mce=float(max(gap / b.n for gap, b in zip(off, bands, strict=True) if b.n)),
        brier=float(squared / n),
        in_the_large=in_the_large,
        in_the_large_se=se,
        in_the_large_interval=Interval(
            max(-1.0, float(in_the_large) - reach), min(1.0, float(in_the_large) + reach)
        ),
    )


def _bands(sums: BandSums, cuts: Sequence[int], required: int, level: float) -> tuple[Band, ...]:
    place = {edge: index for index, edge in enumerate(sums.edges)}
    ends = [cuts[0], cuts[-1]] if cuts else []
    if ends != [sums.edges[0], sums.edges[-1]] or any(cut not in place for cut in cuts):
        raise ValueError("cuts are fine edges, from the first to the last")
    if any(a >= b for a, b in pairwise(cuts)):
        raise ValueError("cuts ascend")
    return tuple(_band(sums, slice(place[a], place[b]), required, level) for a, b in pairwise(cuts))


def _band(sums: BandSums, fine: slice, required: int, level: float) -> Band:
    positives = int(sum(sums.n1[fine]))
    n = positives + int(sum(sums.n0[fine]))
    score_sum = Fraction(int(sum(sums.s0[fine])) + int(sum(sums.s1[fine])), MICRO)
    observed = estimate_rate(positives, n, required=required, level=level)
    mean_score = float(score_sum / n) if n else None
    return Band(
        low=sums.edges[fine.start] / MICRO,
        high=sums.edges[fine.stop] / MICRO,
        n=n,
        positives=positives,
        score_sum=score_sum,
        observed=observed,
        mean_score=mean_score,
        flagged=isinstance(observed, Measured)
        and mean_score is not None
        and not observed.low <= mean_score <= observed.high,
    )


def _squared_errors(sums: BandSums) -> Fraction:
    """Σ(s−y)² = Σs² − 2Σ_{y=1}s + Σy."""
    positives, their_scores = int(sum(sums.n1)), int(sum(sums.s1))
    return Fraction(int(sums.squares) - 2 * MICRO * their_scores + MICRO**2 * positives, MICRO**2)


def _standard_error(squares: float, n: int, z: float) -> float:
    """√(S/(n(n−1))), S raised while it is small: outcomes that were not seen are not impossible."""
    if n < 2:
        return math.inf
    raised = squares + z * z * max(0.0, 1 - 4 * squares / n) ** 2
    return math.sqrt(max(squares, min(raised, _WELL_SEEN * z * z)) / (n * (n - 1)))


def _ece_null95(bands: Sequence[Band], seed: int) -> float:
    """95th percentile of ECE when each band's labels are drawn with its own mean score."""
    filled = [band for band in bands if band.n]
    n = np.array([band.n for band in filled], dtype=np.int64)
    expected = np.array([float(band.score_sum) for band in filled])
    draw = np.random.Generator(np.random.PCG64(seed))
    labels = draw.binomial(n, np.minimum(expected / n, 1.0), size=(_REPLICATES, len(filled)))
    ece = np.abs(labels - expected).sum(axis=1) / n.sum()
    return float(np.quantile(ece, 0.95))

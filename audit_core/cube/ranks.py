"""Rank sums: what AUC and its variance need of the scores, kept when the rows are gone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
_HALF = 31  # a square is cut in two here, so that weighted sums of each part stay inside 64 bits
_MOST_ROWS = 10**9
_PLACES = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RankSums:
    """Everything AUC and its variance need, as integers of any size.

    With p positives and m negatives at a score, mb negatives below it and pa positives above it:
    u2 = Σp(2mb+m), sum_sq_pos = Σp(2mb+m)², sum_sq_neg = Σm(2pa+p)².
    """

    positives: int
    negatives: int
    u2: int
    sum_sq_pos: int
    sum_sq_neg: int


def rank_sums(positives: IntArray, negatives: IntArray) -> RankSums:
    """Return the rank sums of two score distributions.

    Shape and units: rows per distinct score in ascending order of score, both arrays of one length.

    Raises
    ------
    ValueError
        When the arrays differ in length, hold a negative count, or hold over a thousand million rows.
    """
    p, m = np.asarray(positives, dtype=np.int64), np.asarray(negatives, dtype=np.int64)
    if p.shape != m.shape or p.ndim != 1 or (p < 0).any() or (m < 0).any():
        raise ValueError("positives and negatives are counted at the same scores, zero or more at each")
    total_p, total_m = int(p.sum()), int(m.sum())
    if total_p + total_m > _MOST_ROWS:
        raise ValueError("over a thousand million rows would overflow 64 bits")
    beaten = 2 * np.cumsum(m) - m  # 2mb+m
    beaten_by = 2 * (total_p - np.cumsum(p)) + p  # 2pa+p
    return RankSums(
        positives=total_p,
        negatives=total_m,
        u2=int(np.dot(p, beaten)),
        sum_sq_pos=_weighted_squares(p, beaten),
        sum_sq_neg=_weighted_squares(m, beaten_by),
    )


def _weighted_squares(weight: IntArray, value: IntArray) -> int:
    """Σ weight·value² exactly, though it exceeds 64 bits from some millions of rows on."""
    squares = value * value
    top = int(np.dot(weight, squares >> _HALF))
    return (top << _HALF) + int(np.dot(weight, squares & ((1 << _HALF) - 1)))


MAX_RANKED_GROUPS = 20
"""Most groups of an attribute whose scores are ranked against each other: every pair is kept."""

NANO = 1_000_000_000
"""Exposure is kept in whole thousand-millionths, so that sums are exact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureSums:
    """How high one group stands when everybody is listed by score, the highest first.

    A row at place i has the exposure 1/log₂(i+1); rows of one score share the mean of their places.
    exposure, squares: Σe and Σe² over the `rows`, in 10⁻⁹. labelled_exposure: Σe over the `labelled` rows,
    of which `relevant` have a positive label.
    """

    rows: int
    exposure: int
    squares: int
    labelled: int
    labelled_exposure: int
    relevant: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedRows:
    """Rows by group and distinct score: positives, negatives, and all of them, labelled or not.

    One entry per group and score, in ascending order of group, then score. `score` is any ascending integer,
    or (`placed`) the place of the score among all distinct scores of a table, from 0 on.
    """

    group: IntArray
    score: IntArray
    positives: IntArray
    negatives: IntArray
    rows: IntArray

    def placed(self, scores: IntArray) -> RankedRows:
        """The same entries with each score's place among all `scores`, which ascend and hold every one."""
        return replace(self, score=np.searchsorted(scores, self.score).astype(np.int64))

    def of(self, group: int) -> RankedRows:
        """The entries of one group."""
        mine = slice(*np.searchsorted(self.group, (group, group + 1)))
        return RankedRows(
            group=self.group[mine],
            score=self.score[mine],
            positives=self.positives[mine],
            negatives=self.negatives[mine],
            rows=self.rows[mine],
        )


def cross_ranks(positive: RankedRows, negative: RankedRows) -> RankSums:
    """Return the rank sums of one part's positives against another part's negatives, both placed."""
    parts = positive.score, negative.score
    # A table over all places instead of a sort: every ordered pair of groups passes here.
    seen = np.zeros(max((int(part[-1]) + 1 for part in parts if part.size), default=0), dtype=bool)
    for part in parts:
        seen[part] = True
    place = np.cumsum(seen) - 1
    spread = np.zeros((2, int(seen.sum())), dtype=np.int64)
    spread[0, place[parts[0]]] = positive.positives
    spread[1, place[parts[1]]] = negative.negatives
    return rank_sums(spread[0], spread[1])


def without(everybody: RankedRows, group: RankedRows) -> RankedRows:
    """Return everybody (`together`) but one group."""
    left = {name: getattr(everybody, name).copy() for name in ("positives", "negatives", "rows")}
    for name, rest in left.items():
        rest[group.score] -= getattr(group, name)
    return replace(everybody, **left)


def together(groups: list[RankedRows], places: int) -> RankedRows:
    """Return the rows of several placed groups as one, with an entry for each of `places` scores."""
    whole = {name: np.zeros(places, dtype=np.int64) for name in ("positives", "negatives", "rows")}
    for group in groups:
        for name, total in whole.items():
            total[group.score] += getattr(group, name)
    every = np.arange(places, dtype=np.int64)
    return RankedRows(group=np.zeros_like(every), score=every, **whole)


def mean_exposures(rows: IntArray) -> IntArray:
    """Return the exposure that the rows of each score share, the highest score listed first.

    Formula: mean of 1/log₂(i+1) over the places i of the score's rows.

    Shape and units: rows per distinct score in ascending order of score; 10⁻⁹.
    """
    ends = np.cumsum(rows[::-1])
    totals = _exposure_up_to(ends)
    shared = np.diff(totals, prepend=0.0) / np.maximum(rows[::-1], 1)
    return np.rint(shared[::-1] * NANO).astype(np.int64)


def exposure_sums(group: RankedRows, exposures: IntArray) -> ExposureSums:
    """Return a placed group's sums, given the exposure that goes with each place of the whole list."""
    each = exposures[group.score]
    squares = (each.astype(np.float64) ** 2 / NANO).round().astype(np.int64)
    known = group.positives + group.negatives
    return ExposureSums(
        rows=int(group.rows.sum()),
        exposure=int(np.dot(group.rows, each)),
        squares=int(np.dot(group.rows, squares)),
        labelled=int(known.sum()),
        labelled_exposure=int(np.dot(known, each)),
        relevant=int(group.positives.sum()),
    )


def _exposure_up_to(ends: IntArray) -> npt.NDArray[np.float64]:
    """Σ_{i ≤ end} 1/log₂(i+1) for ascending ends, some places at a time: a list may have millions."""
    totals = np.zeros(ends.size)
    so_far, done, last = 0.0, 0, int(ends[-1]) if ends.size else 0
    for begin in range(0, last, _PLACES):
        stop = min(begin + _PLACES, last)
        running = so_far + np.cumsum(1 / np.log2(np.arange(begin + 2, stop + 2, dtype=np.float64)))
        until = int(np.searchsorted(ends, stop, side="right"))
        totals[done:until] = running[ends[done:until] - begin - 1]
        so_far, done = float(running[-1]), until
    return totals

"""Rank sums: what AUC and its variance need of the scores, kept when the rows are gone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
_HALF = 31  # a square is cut in two here, so that weighted sums of each part stay inside 64 bits
_MOST_ROWS = 10**9


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

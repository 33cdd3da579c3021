"""Drift between a reference and a current sample, from counts in the same bins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from audit_core.metrics.estimate import Undefined

Ints = Sequence[int] | npt.NDArray[np.int64]
DriftStatus = Literal["stable", "moderate", "major", "insufficient"]
ROWS_A_BIN = 5
"""Current rows a bin below which drift is not judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftStatistics:
    """Distances between two binned samples, with what chance alone would give.

    `psi`, the two `kl` and `js` are in nats on shares smoothed by ½ per bin. `psi_null_mean` and
    `psi_null95` are the mean and the 95th percentile of PSI without drift; `excess` is what PSI
    has over that mean. `chi2` is on the counts as they are, over the bins that hold any.
    """

    bins: int
    reference_rows: int
    current_rows: int
    psi: float
    psi_null_mean: float
    psi_null95: float
    excess: float
    kl_current_reference: float
    kl_reference_current: float
    js: float
    chi2: float
    chi2_df: int
    chi2_p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PsiTerm:
    """What one bin adds to PSI: its two smoothed shares, 0–1, and (c−r)·ln(c/r) in nats."""

    reference: float
    current: float
    adds: float


def psi_terms(reference: Ints, current: Ints) -> tuple[PsiTerm, ...]:
    """Return what each bin adds to PSI; the terms add up to it.

    Formula: (c−r)·ln(c/r) with c, r = (count+½)/(rows+B/2).

    Raises
    ------
    ValueError
        When the two do not have the same number of bins, or a count is negative.
    """
    reference, current = _counts(reference, current)
    pairs = zip(_smoothed(reference), _smoothed(current), strict=True)
    return tuple(PsiTerm(reference=r, current=c, adds=(c - r) * math.log(c / r)) for r, c in pairs)


def psi(reference: Ints, current: Ints) -> DriftStatistics | Undefined:
    """Return the population stability index and its companions, or `Undefined` without rows to compare.

    Formula: PSI = Σ(c−r)·ln(c/r) = KL(c‖r)+KL(r‖c) with c, r = (count+½)/(rows+B/2);
    null: (1/n_r+1/n_c)·χ²_{B−1}.

    Shape and units: one count per bin in both, the same bins in the same order; nats.

    Raises
    ------
    ValueError
        When the two do not have the same number of bins, or a count is negative.

    References
    ----------
    Yurdakul & Naranjo (2020), Journal of Risk Model Validation 14.
    """
    reference, current = _counts(reference, current)
    n_r, n_c, bins = sum(reference), sum(current), len(reference)
    if n_r == 0 or n_c == 0:
        return Undefined(reason="no rows in the reference or in the current sample")
    if bins < 2:
        return Undefined(reason="a single bin holds every row")
    r, c = _smoothed(reference), _smoothed(current)
    forward, backward = _kl(c, r), _kl(r, c)
    middle = [(a + b) / 2 for a, b in zip(c, r, strict=True)]
    scale = 1 / n_r + 1 / n_c
    chi2, df, p = _chi2(reference, current)
    return DriftStatistics(
        bins=bins,
        reference_rows=n_r,
        current_rows=n_c,
        psi=forward + backward,
        psi_null_mean=scale * (bins - 1),
        psi_null95=scale * _chi2_95(bins - 1),
        excess=max(0.0, forward + backward - scale * (bins - 1)),
        kl_current_reference=forward,
        kl_reference_current=backward,
        js=(_kl(c, middle) + _kl(r, middle)) / 2,
        chi2=chi2,
        chi2_df=df,
        chi2_p=p,
    )


def drift_status(
    drift: DriftStatistics | Undefined, *, warn: float = 0.10, limit: float = 0.25
) -> DriftStatus:
    """Return how far the current sample has moved, never mistaking chance for drift.

    Formula: insufficient under 5 current rows per bin; major when PSI > max(limit, null95);
    moderate when PSI > max(warn, null95); else stable.
    """
    if isinstance(drift, Undefined) or drift.current_rows < ROWS_A_BIN * drift.bins:
        return "insufficient"
    if drift.psi > max(limit, drift.psi_null95):
        return "major"
    if drift.psi > max(warn, drift.psi_null95):
        return "moderate"
    return "stable"


def ks_from_counts(reference: Ints, current: Ints) -> float | None:
    """Return the largest difference of the two cumulative shares, or None when either has no rows.

    Guarantee: a lower bound of the Kolmogorov–Smirnov distance of the values themselves, which
    may be larger inside a bin.

    Shape and units: bins in ascending order of value; 0–1.

    Raises
    ------
    ValueError
        When the two do not have the same number of bins, or a count is negative.
    """
    reference, current = _counts(reference, current)
    n_r, n_c = sum(reference), sum(current)
    if n_r == 0 or n_c == 0:
        return None
    apart = so_far_r = so_far_c = 0
    for a, b in zip(reference, current, strict=True):
        so_far_r, so_far_c = so_far_r + a, so_far_c + b
        apart = max(apart, abs(so_far_r * n_c - so_far_c * n_r))
    return apart / (n_r * n_c)


def _counts(reference: Ints, current: Ints) -> tuple[list[int], list[int]]:
    """Both as Python integers, which have room for the products below."""
    if len(reference) != len(current):
        raise ValueError("the two samples are counted in the same bins")
    first, second = [int(count) for count in reference], [int(count) for count in current]
    if any(count < 0 for count in first + second):
        raise ValueError("a count is zero or more")
    return first, second


def _smoothed(counts: Sequence[int]) -> list[float]:
    whole = sum(counts) + len(counts) / 2
    return [(count + 0.5) / whole for count in counts]


def _kl(p: Sequence[float], q: Sequence[float]) -> float:
    """KL(p‖q) in nats; both without a zero. Shares that differ by rounding alone must not go below 0."""
    return max(0.0, math.fsum(a * math.log(a / b) for a, b in zip(p, q, strict=True)))


def _chi2(reference: Sequence[int], current: Sequence[int]) -> tuple[float, int, float]:
    """Pearson's χ² of the 2 × bins table with its degrees of freedom and p-value."""
    from scipy.special import chdtrc

    n_r, n_c = sum(reference), sum(current)
    both = [(a, b) for a, b in zip(reference, current, strict=True) if a + b]
    # Σ(O−E)²/E of a 2-row table in one term per bin, from integers.
    statistic = math.fsum((a * n_c - b * n_r) ** 2 / (a + b) for a, b in both) / (n_r * n_c)
    df = len(both) - 1
    return statistic, df, float(chdtrc(df, statistic)) if df else 1.0


def _chi2_95(df: int) -> float:
    from scipy.special import chdtri

    return float(chdtri(df, 0.05))

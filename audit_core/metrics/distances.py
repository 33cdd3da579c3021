"""How far the values of two samples lie apart: KS and Wasserstein-1, from rows or from their sums."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audit_core.cube.drift import ValuesApart

Ints = Sequence[int] | npt.NDArray[np.int64]

MOST_EXACT = 100_000_000
"""Rows of one sample times rows of the other up to which the p-value counts every order of the rows."""
MOST_EXACT_IN_A_RUN = 40_000
"""The same where every feature inside every group has a p-value: 200 rows against 200."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueDistances:
    """Distances between two samples of one number.

    `ks` is the largest difference of the cumulative shares, 0–1; `ks_null95` is what two samples of these
    sizes reach by chance 19 times in 20, `ks_p` the two-sided p-value. `wasserstein` is in the unit of the
    values, None where no double holds it; `scaled` is in standard deviations of the reference, None where it
    has none.
    """

    ks: float
    ks_null95: float
    ks_p: float
    wasserstein: float | None
    scaled: float | None


def value_distances(values: Sequence[float], reference: Ints, current: Ints) -> ValueDistances | None:
    """Return the distances between two samples, or None when either has no rows.

    Formula: KS = max|F_r−F_c|; W₁ = ∫|F_r−F_c|; scaled by the reference's standard deviation (n−1).

    Shape and units: distinct values in ascending order, rows at each of them in both samples. p is exact up
    to 10 000 rows in each sample (ties make it conservative), by Kolmogorov's limit above.

    Raises
    ------
    ValueError
        When the lengths differ, a value is not finite or does not ascend, or a count is negative.

    References
    ----------
    Hodges (1958), Arkiv för Matematik 3; Ramdas, García Trillos & Cuturi (2017), Entropy 19.
    """
    x = np.asarray(values, dtype=np.float64)
    r, c = np.asarray(reference, dtype=np.int64), np.asarray(current, dtype=np.int64)
    if not x.shape == r.shape == c.shape or x.ndim != 1:
        raise ValueError("every value has its rows in both samples")
    if not np.isfinite(x).all() or (np.diff(x) <= 0).any() or (r < 0).any() or (c < 0).any():
        raise ValueError("values are finite and ascend, and a count is zero or more")
    n, m = int(r.sum()), int(c.sum())
    if n == 0 or m == 0:
        return None
    apart = np.abs(np.cumsum(r) * m - np.cumsum(c) * n)  # whole numbers: ties are ties
    wasserstein = float(np.sum(apart[:-1] * np.diff(x))) / (n * m)
    spread = _deviation(x, r, n)
    return ValueDistances(
        ks=int(apart.max()) / (n * m),
        ks_null95=ks_by_chance(n, m),
        ks_p=_ks_p(int(apart.max()), n, m, MOST_EXACT),
        wasserstein=wasserstein,
        scaled=wasserstein / spread if spread else None,
    )


def distances_of(values: ValuesApart | None) -> ValueDistances | None:
    """Return the distances from the sums folded while the rows were read, None where there are none.

    Formula: as in `value_distances`, which gives the same numbers from the same rows.

    Shape and units: p is exact up to 200 rows against 200, by Kolmogorov's limit above.

    References
    ----------
    Hodges (1958), Arkiv för Matematik 3; Ramdas, García Trillos & Cuturi (2017), Entropy 19.
    """
    if values is None or not values.reference or not values.current:
        return None
    n, m = values.reference, values.current
    known = values.area is not None and values.deviation is not None
    return ValueDistances(
        ks=values.apart / (n * m),
        ks_null95=ks_by_chance(n, m),
        ks_p=_ks_p(values.apart, n, m, MOST_EXACT_IN_A_RUN),
        wasserstein=values.area,
        scaled=(values.area or 0.0) / (values.deviation or 1.0) if known else None,
    )


def ks_by_chance(n: int, m: int) -> float:
    """Return the KS distance that two samples of these sizes reach without drift 19 times in 20, 1 at most.

    Formula: K₉₅·√((n+m)/(nm)), K₉₅ = 1.358 the 95th percentile of Kolmogorov's distribution.

    References
    ----------
    Hodges (1958), Arkiv för Matematik 3.
    """
    from scipy.special import kolmogi

    return min(1.0, float(kolmogi(0.05)) * math.sqrt((n + m) / (n * m)))


def _deviation(x: npt.NDArray[np.float64], rows: npt.NDArray[np.int64], n: int) -> float:
    if n < 2:
        return 0.0
    mean = float(np.dot(x, rows)) / n
    return math.sqrt(float(np.dot((x - mean) ** 2, rows)) / (n - 1))


def _ks_p(apart: int, n: int, m: int, most_exact: int) -> float:
    """P(a distance of `apart`/(nm) or more), every order of the n + m rows equally likely."""
    if apart == 0:
        return 1.0
    n, m = min(n, m), max(n, m)
    if n * m > most_exact:
        from scipy.special import kolmogorov

        return float(kolmogorov(apart / math.sqrt(n * m * (n + m))))
    places = np.arange(m + 1)
    paths, log_scale = (places * n < apart).astype(np.float64), 0.0
    for i in range(1, n + 1):
        # Orders of the rows whose two cumulative shares have stayed within the distance so far.
        kept = np.abs(i * m - places * n) < apart
        paths = np.where(kept, np.cumsum(np.where(kept, paths, 0.0)), 0.0)
        most = float(paths.max())
        if most == 0:
            return 1.0
        paths, log_scale = paths / most, log_scale + math.log(most)
    if paths[m] == 0:
        return 1.0
    orders = math.lgamma(n + m + 1) - math.lgamma(n + 1) - math.lgamma(m + 1)
    return min(1.0, max(0.0, -math.expm1(math.log(paths[m]) + log_scale - orders)))

"""Rates drawn towards each other by what they share: to rank where to look, never to decide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audit_core.cube.count_cube import Integers

_WEIGHTS = (0.5, 1e7)
"""Bounds of M. At the upper one the rates show no spread beyond chance, and each becomes the common rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """The common law of the rates: Beta with this mean (0–1), which weighs as much as so many people."""

    mean: float
    weight: float

    def posterior(self, hits: Integers, people: Integers) -> npt.NDArray[np.float64]:
        """Return the posterior mean of each rate.

        Formula: (mM + x)/(M + n).
        """
        return np.asarray((self.mean * self.weight + hits) / (self.weight + people))


def beta_binomial(hits: Integers, people: Integers) -> Prior | None:
    """Return the prior under which these counts are the most likely, or None without people.

    Formula: maximum over m and M of Σ ln B(x + mM, n − x + (1−m)M) − ln B(mM, (1−m)M).

    Shape and units: one entry per rate. Slices that overlap enter as if they did not: a composite likelihood,
    good enough to rank with.

    References
    ----------
    Efron (2010), Large-Scale Inference, chapter 1.
    """
    from scipy.optimize import minimize

    x, n = np.asarray(hits, dtype=np.float64), np.asarray(people, dtype=np.float64)
    x, n = x[n > 0], n[n > 0]
    if n.size == 0:
        return None
    pooled = float((x.sum() + 0.5) / (n.sum() + 1))
    start = np.array([np.log(pooled / (1 - pooled)), np.log(100.0)])
    low, high = np.log(_WEIGHTS[0]), np.log(_WEIGHTS[1])
    found = minimize(
        _loss, start, args=(x, n), jac=True, method="L-BFGS-B", bounds=[(-15.0, 15.0), (low, high)]
    )
    mean = 1 / (1 + np.exp(-found.x[0]))
    return Prior(mean=float(mean), weight=float(np.exp(found.x[1])))


def _loss(
    at: npt.NDArray[np.float64], x: npt.NDArray[np.float64], n: npt.NDArray[np.float64]
) -> tuple[float, npt.NDArray[np.float64]]:
    """Minus the log-likelihood and its slope at (logit m, ln M)."""
    from scipy.special import betaln, psi

    mean, weight = 1 / (1 + np.exp(-at[0])), np.exp(at[1])
    a, b = mean * weight, (1 - mean) * weight
    likelihood = float(np.sum(betaln(x + a, n - x + b)) - x.size * betaln(a, b))
    shared = psi(a + b) - psi(n + a + b)
    by_a = float(np.sum(psi(x + a) - psi(a) + shared))
    by_b = float(np.sum(psi(n - x + b) - psi(b) + shared))
    slope = np.array([(by_a - by_b) * weight * mean * (1 - mean), by_a * a + by_b * b])
    return -likelihood, -slope

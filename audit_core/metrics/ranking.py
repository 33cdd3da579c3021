"""How well scores rank positives above negatives, exactly and from integer sums alone."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import sqrt

from audit_core.cube.ranks import RankSums, rank_sums
from audit_core.metrics.estimate import MeanValue
from audit_core.metrics.intervals import wilson, z_two_sided

__all__ = ["Auc", "RankSums", "auc", "rank_sums"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Auc:
    """P(score of a positive > score of a negative), ties ½, with its interval; 0–1."""

    positives: int
    negatives: int
    value: float
    fraction: Fraction
    se: float
    low: float
    high: float
    level: float
    method: str

    def as_mean(self, group: tuple[str, ...]) -> MeanValue:
        """The area as a group's mean, for `mean_gap`; it stands on its rows."""
        rows = self.positives + self.negatives
        return MeanValue(group=group, value=self.fraction, se=self.se, n=rows)


def auc(sums: RankSums, *, level: float = 0.95) -> Auc | None:
    """Return the area under the ROC curve with its interval, or None without positives or negatives.

    Formula: AUC = u2/(2PN); variance S₁₀/P + S₀₁/N, the sample variances of each positive's and
    each negative's share of wins; interval AUC ± z·se, kept inside [0, 1].

    Guarantee: no certainty from a perfect sample. Where the variance is 0 (perfect separation) or unknown
    (one positive or one negative) DeLong has no interval; the Wilson interval on min(P, N) disjoint
    pairs, which are independent, stands in, and `se` is its longer half over z.

    References
    ----------
    DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44.
    """
    p, m = sums.positives, sums.negatives
    if p == 0 or m == 0:
        return None
    value, z = Fraction(sums.u2, 2 * p * m), z_two_sided(level)
    centre = float(value)
    variance = _delong_variance(sums)
    if variance:
        se, method = sqrt(variance), "delong"
        low, high = max(0.0, centre - z * se), min(1.0, centre + z * se)
    else:
        pairs, method = min(p, m), "wilson on disjoint pairs"
        low, high = wilson(float(value * pairs), pairs, z)
        se = max(centre - low, high - centre) / z
    return Auc(
        positives=p,
        negatives=m,
        value=centre,
        fraction=value,
        se=se,
        low=low,
        high=high,
        level=level,
        method=method,
    )


def _delong_variance(sums: RankSums) -> Fraction | None:
    p, m = sums.positives, sums.negatives
    if p < 2 or m < 2:
        return None
    of_positives = Fraction(p * sums.sum_sq_pos - sums.u2**2, 4 * m * m * p * (p - 1))
    of_negatives = Fraction(m * sums.sum_sq_neg - sums.u2**2, 4 * p * p * m * (m - 1))
    return of_positives / p + of_negatives / m

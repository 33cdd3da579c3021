"""How well scores rank positives above negatives, exactly and from integer sums alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import exp, log, sqrt

import numpy as np
import numpy.typing as npt

from audit_core.cube.axes import UNKNOWN
from audit_core.cube.counted import GroupRanks
from audit_core.cube.fold_ranks import fold_ranks, listed_exposures
from audit_core.cube.ranks import MAX_RANKED_GROUPS, RankedRows, RankSums, rank_sums
from audit_core.metrics.estimate import MeanValue
from audit_core.metrics.intervals import Interval, wilson, z_two_sided

Ints = Sequence[int] | npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Auc:
    """P(score of a positive > score of a negative), ties ½, with its interval; 0–1.

    `plain` is DeLong's own interval, AUC ± z·se; it holds the area less often than it says on few positives.
    """

    positives: int
    negatives: int
    value: float
    fraction: Fraction
    se: float
    low: float
    high: float
    level: float
    method: str
    plain: Interval

    def as_mean(self, group: tuple[str, ...]) -> MeanValue:
        """The area as a group's mean, for `mean_gap`; it stands on its rows."""
        rows = self.positives + self.negatives
        return MeanValue(group=group, value=self.fraction, se=self.se, n=rows)


def auc(sums: RankSums, *, level: float = 0.95) -> Auc | None:
    """Return the area under the ROC curve with its interval, or None without positives or negatives.

    Formula: AUC = u2/(2PN); variance S₁₀/P + S₀₁/N, the sample variances of each positive's and
    each negative's share of wins; interval logit(AUC) ± z·se/(AUC(1−AUC)), turned back.

    Guarantee: no certainty from a perfect sample. Where the variance is 0 (perfect separation) or unknown
    (one positive or one negative) DeLong has no interval; the Wilson interval on min(P, N) disjoint
    pairs, which are independent, stands in, and `se` is its longer half over z.

    References
    ----------
    DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44; on the logit scale: Pepe (2003), 5.2.
    """
    p, m = sums.positives, sums.negatives
    if p == 0 or m == 0:
        return None
    value, z = Fraction(sums.u2, 2 * p * m), z_two_sided(level)
    centre = float(value)
    variance = _delong_variance(sums)
    if variance:
        se, method = sqrt(variance), "delong, logit scale"
        plain = Interval(max(0.0, centre - z * se), min(1.0, centre + z * se))
        low, high = _on_the_logit_scale(centre, se, z)
    else:
        pairs, method = min(p, m), "wilson on disjoint pairs"
        low, high = plain = wilson(float(value * pairs), pairs, z)
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
        plain=plain,
    )


def _on_the_logit_scale(area: float, se: float, z: float) -> Interval:
    """The interval where it can't leave (0, 1); an area with a variance lies strictly inside."""
    middle, reach = log(area / (1 - area)), z * se / (area * (1 - area))
    return Interval(_expit(middle - reach), _expit(middle + reach))


def _expit(logit: float) -> float:
    """1/(1+e^−x), without an overflow at either end."""
    small = exp(-abs(logit))
    return 1 / (1 + small) if logit >= 0 else small / (1 + small)


@dataclass(frozen=True, slots=True, kw_only=True)
class BetweenGroups:
    """How the scores of an attribute's groups rank against each other; an area without both outcomes is None.

    `groups` in the order of their text, unknown ones left out. Where there are more than can be ranked
    against each other, `too_many` is their number and there are no areas.
    """

    attribute: str
    groups: tuple[str, ...]
    too_many: int | None
    areas: tuple[tuple[str, str, Auc | None], ...]
    backgrounds: tuple[tuple[str, Auc | None, Auc | None], ...]
    own: tuple[tuple[str, Auc | None], ...]

    def xauc(self, a: str, b: str) -> Auc | None:
        """P(score of a positive of `a` > score of a negative of `b`), ties ½ (Kallus & Zhou 2019)."""
        return next((area for first, second, area in self.areas if (first, second) == (a, b)), None)

    def bpsn(self, group: str) -> Auc | None:
        """Background positive, subgroup negative: low where the group's negatives score too high."""
        return next((area for name, area, _ in self.backgrounds if name == group), None)

    def bnsp(self, group: str) -> Auc | None:
        """Background negative, subgroup positive: low where the group's positives score too low."""
        return next((area for name, _, area in self.backgrounds if name == group), None)

    def within(self, group: str) -> Auc | None:
        """The group's own area."""
        return next((area for name, area in self.own if name == group), None)


def ranked_between(
    ranks: Iterable[GroupRanks], attribute: str, *, level: float = 0.95
) -> BetweenGroups | None:
    """Return how an attribute's groups rank against each other, or None where it has under two known groups.

    Formula: xAUC(a>b) = P(score of a's positive > score of b's negative); BPSN and BNSP set a group against
    all other known groups together; ties ½; intervals as those of AUC.

    References
    ----------
    Kallus & Zhou (2019), NeurIPS 32; Borkan et al. (2019), WWW companion.
    """
    mine = [rank for rank in ranks if rank.attribute == attribute and rank.group != UNKNOWN and attribute]
    if len(mine) < 2 or (len(mine) <= MAX_RANKED_GROUPS and not mine[0].against):
        return None
    too_many = len(mine) if len(mine) > MAX_RANKED_GROUPS else None

    def area(sums: RankSums | None) -> Auc | None:
        return auc(sums, level=level) if sums else None

    return BetweenGroups(
        attribute=attribute,
        groups=tuple(rank.group for rank in mine),
        too_many=too_many,
        areas=tuple((rank.group, one.group, area(one.sums)) for rank in mine for one in rank.against),
        backgrounds=()
        if too_many
        else tuple((r.group, area(r.background_positive), area(r.background_negative)) for r in mine),
        own=tuple((rank.group, area(rank.sums)) for rank in mine),
    )


def ranked_attributes(ranks: Sequence[GroupRanks], *, level: float = 0.95) -> tuple[BetweenGroups, ...]:
    """Return how groups rank against each other for every attribute that has two known ones or more."""
    names = dict.fromkeys(rank.attribute for rank in ranks if rank.attribute)
    found = (ranked_between(ranks, name, level=level) for name in names)
    return tuple(between for between in found if between is not None)


def between_groups(
    group: Sequence[str], label: Sequence[int], score: Sequence[float], *, level: float = 0.95
) -> BetweenGroups | None:
    """Return how groups rank against each other, from rows; as `ranked_between` does from sums.

    Shape and units: one entry per row; labels 0 or 1; scores in any unit.

    Raises
    ------
    ValueError
        When the three differ in length.
    """
    if not len(group) == len(label) == len(score):
        raise ValueError("every row has a group, a label and a score")
    levels, codes = np.unique(np.asarray(group, dtype=object).astype(str), return_inverse=True)
    _, places = np.unique(np.asarray(score, dtype=np.float64), return_inverse=True)
    ranked = _ranked(codes.astype(np.int64), places.astype(np.int64), np.asarray(label))
    everybody = _ranked(np.zeros_like(codes), places.astype(np.int64), np.asarray(label))
    found = fold_ranks("group", levels.tolist(), ranked, listed_exposures(everybody))
    return ranked_between(found, "group", level=level)


def _ranked(
    group: npt.NDArray[np.int64], score: npt.NDArray[np.int64], label: npt.NDArray[np.int64]
) -> RankedRows:
    cells, place = np.unique(np.column_stack([group, score]), axis=0, return_inverse=True)
    place = place.reshape(-1)
    positives, rows = np.bincount(place, weights=label == 1), np.bincount(place)
    return RankedRows(
        group=cells[:, 0].astype(np.int64),
        score=cells[:, 1].astype(np.int64),
        positives=positives.astype(np.int64),
        negatives=(rows - positives).astype(np.int64),
        rows=rows.astype(np.int64),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BinnedAuc:
    """AUC from bands alone, where rows of one band count as ties; the true area is within `error` of it."""

    value: float
    error: float


def binned_auc(positives: Ints, negatives: Ints) -> BinnedAuc | None:
    """Return the AUC of banded scores with the largest error it can have, or None without both outcomes.

    Formula: Σ_b f₁(b)·(F₀(b−1) + ½f₀(b)); error ≤ ½Σ_b f₁(b)·f₀(b), f the bands' shares of each outcome.

    Shape and units: rows per band in ascending order of score.

    Raises
    ------
    ValueError
        When the two do not have the same number of bands, or a count is negative.
    """
    p, m = np.asarray(positives, dtype=np.int64), np.asarray(negatives, dtype=np.int64)
    sums = rank_sums(p, m)
    if sums.positives == 0 or sums.negatives == 0:
        return None
    pairs = sums.positives * sums.negatives
    return BinnedAuc(value=float(Fraction(sums.u2, 2 * pairs)), error=float(np.dot(p, m)) / (2 * pairs))


def _delong_variance(sums: RankSums) -> Fraction | None:
    p, m = sums.positives, sums.negatives
    if p < 2 or m < 2:
        return None
    of_positives = Fraction(p * sums.sum_sq_pos - sums.u2**2, 4 * m * m * p * (p - 1))
    of_negatives = Fraction(m * sums.sum_sq_neg - sums.u2**2, 4 * p * p * m * (m - 1))
    return of_positives / p + of_negatives / m

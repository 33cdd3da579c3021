"""Who stands where in a ranked list: exposure, exposure for merit, and the share of each group in the top k.

Attention falls with the place: the item at place i has the exposure 1/log₂(i+1).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import TypeVar

from audit_core.cube.ranks import NANO, ExposureSums
from audit_core.metrics.estimate import Count, Group, MeanValue
from audit_core.metrics.intervals import Interval, newcombe_difference, z_two_sided

Name = TypeVar("Name", bound=Hashable)

INTERVAL = "approximate: normal, rows taken as independent"
"""How the range of a comparison of exposure is made, in words."""


def exposure_at(rank: int) -> float:
    """Return the exposure of the item at a place of a list, 1 for the first.

    Formula: 1/log₂(rank+1).

    Raises
    ------
    ValueError
        When the place is before the first.

    References
    ----------
    Singh & Joachims (2018), KDD 24.
    """
    if rank < 1:
        raise ValueError("places of a list begin at 1")
    return 1 / math.log2(rank + 1)


def exposure_by_group(ranking: Sequence[Name]) -> dict[Name, float]:
    """Return the mean exposure of each group.

    Shape and units: the group of every item, the first in the list first; groups in order of appearance.
    """
    return {group: math.fsum(values) / len(values) for group, values in _exposures(ranking).items()}


def exposure_ratio(means: Mapping[Name, float]) -> float | None:
    """Return the smallest mean exposure divided by the largest, or None with under two groups.

    Raises
    ------
    ValueError
        When a mean exposure is not over 0.
    """
    if any(not value > 0 for value in means.values()):
        raise ValueError("every place of a list has some exposure")
    return min(means.values()) / max(means.values()) if len(means) >= 2 else None


def merit_normalised(ranking: Sequence[Name], relevance: Sequence[float]) -> dict[Name, float | None]:
    """Return each group's exposure per unit of relevance; None for a group without any.

    Formula: Σ exposure / Σ relevance over the group's items.

    Shape and units: group and relevance of every item, the first in the list first.

    Raises
    ------
    ValueError
        When the two differ in length, or a relevance is negative.
    """
    if len(ranking) != len(relevance) or any(value < 0 for value in relevance):
        raise ValueError("every item has a group and a relevance of zero or more")
    merit: dict[Name, float] = {}
    for group, value in zip(ranking, relevance, strict=True):
        merit[group] = merit.get(group, 0.0) + value
    totals = {group: math.fsum(values) for group, values in _exposures(ranking).items()}
    return {group: total / merit[group] if merit[group] else None for group, total in totals.items()}


def top_k_rates(ranking: Sequence[Name], k: int) -> dict[Name, Count]:
    """Return how many of each group stand in the first k places, out of how many.

    Shape and units: the group of every item, the first in the list first.

    Raises
    ------
    ValueError
        When k is negative.
    """
    if k < 0:
        raise ValueError("k is zero or more")
    chosen = list(ranking[:k])
    return {
        group: Count(group=(str(group),), numerator=chosen.count(group), denominator=len(values))
        for group, values in _exposures(ranking).items()
    }


def top_k_differences(
    ranking: Sequence[Name], k: int, *, level: float = 0.95
) -> dict[tuple[Name, Name], Interval]:
    """Return Newcombe's interval of the difference of two groups' top-k rates, for every pair of groups.

    Shape and units: first group of the pair minus the second, both in order of appearance.

    Raises
    ------
    ValueError
        When k is negative.
    """
    z, rates = z_two_sided(level), top_k_rates(ranking, k)
    return {
        (a, b): newcombe_difference(
            rates[a].numerator, rates[a].denominator, rates[b].numerator, rates[b].denominator, z
        )
        for a, b in combinations(rates, 2)
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupExposure:
    """A group's exposure when everybody is listed by score, the highest first; equal scores share places.

    per_merit is Σ exposure over the labelled rows divided by their positives; None without any.
    """

    group: Group
    rows: int
    mean: Fraction
    se: float
    interval: Interval
    per_merit: Fraction | None
    relevant: int

    def as_mean(self) -> MeanValue:
        """The mean exposure as a value to compare."""
        return MeanValue(group=self.group, value=self.mean, se=self.se, n=self.rows)


def group_exposure(group: Group, sums: ExposureSums, *, level: float = 0.95) -> GroupExposure | None:
    """Return a group's mean exposure with its standard error and interval, or None without rows.

    Formula: Σe/n ± z·se; se = sd(e)/√n, which takes rows as independent although places of one list depend on
    each other; infinite on a single row. The interval ends at 0 below.
    """
    n = sums.rows
    if n == 0:
        return None
    spread = max(0.0, sums.squares / NANO - (sums.exposure / NANO) ** 2 / n)
    mean, se = Fraction(sums.exposure, n * NANO), math.sqrt(spread / (n - 1) / n) if n > 1 else math.inf
    reach = z_two_sided(level) * se
    return GroupExposure(
        group=group,
        rows=n,
        mean=mean,
        se=se,
        interval=Interval(max(0.0, float(mean) - reach), float(mean) + reach),
        per_merit=Fraction(sums.labelled_exposure, sums.relevant * NANO) if sums.relevant else None,
        relevant=sums.relevant,
    )


def _exposures(ranking: Sequence[Name]) -> dict[Name, list[float]]:
    found: dict[Name, list[float]] = {}
    for place, group in enumerate(ranking, start=1):
        found.setdefault(group, []).append(exposure_at(place))
    return found

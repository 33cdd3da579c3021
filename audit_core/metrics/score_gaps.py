"""Gaps of what only scores have: the Brier score, by draws of cells, and exposure in a ranked list."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from audit_core.contract.schema import ReleaseContract, Subject
from audit_core.cube.bands import MICRO
from audit_core.cube.count_cube import Group
from audit_core.cube.counted import Counted
from audit_core.cube.ranks import ExposureSums
from audit_core.metrics.bootstrap import Plan
from audit_core.metrics.calibration import exact_squares
from audit_core.metrics.catalogue import RATES
from audit_core.metrics.clusters import largest_effect, totals_by_group
from audit_core.metrics.estimate import MeanValue
from audit_core.metrics.exposure import INTERVAL, GroupExposure, group_exposure
from audit_core.metrics.gaps import PROTECT_FLOOR, Gap, mean_gap, mean_ratio_gap
from audit_core.metrics.rates import known_groups
from audit_core.metrics.resampled import brier_scores, resampled_gap

SCORE_METRICS = ("brier", "exposure")
"""Metrics of scores that are compared when a check asks for them."""

Scored = Mapping[Group, npt.NDArray[np.int64]]


def score_gap(
    contract: ReleaseContract,
    counted: Counted,
    question: tuple[Subject, str, str],
    *,
    seed: int,
    floor: int = PROTECT_FLOOR,
) -> Gap:
    """Return a score metric compared over the groups of a subject; `question` is (subject, metric, compare).

    Formula: Brier: exact scores, bounds by bootstrap (`metrics.resampled`). Exposure: mean of 1/log₂(place+1)
    when everybody is listed by score, bounds by the normal interval of means or of their logarithms, which
    takes rows as independent and so is approximate.

    Guarantee: where people are repeated, every row of a person is taken to say the same: intervals widen.
    """
    subject, metric, compare = question
    support, level = contract.support.rows, float(contract.statistics.level)
    if metric == "brier":
        scored = counted.cube.scored(subject)
        means, effects = _widened(
            _briers(scored, known_groups(counted.cube, contract, subject)), counted, subject, "accuracy"
        )
        chosen = contract.statistics
        plan = Plan(seed=seed, replicates=chosen.replicates, level=level, design=chosen.sampling)
        return resampled_gap(
            means, scored, brier_scores, plan, min_support=support, floor=floor, effects=effects
        )
    found = [one.as_mean() for one in exposures(contract, counted, subject)]
    means, _ = _widened(found, counted, subject, "selection_rate")
    if compare == "ratio":
        gap = mean_ratio_gap(means, min_support=support, level=level, protect_floor=floor)
    else:
        gap = mean_gap(means, min_support=support, level=level, protect_floor=floor, span=1.0)
    return replace(gap, method=INTERVAL)


def exposures(contract: ReleaseContract, counted: Counted, subject: Subject) -> tuple[GroupExposure, ...]:
    """Return the exposure of each known group of a single attribute, in the contract's order; else none."""
    if len(subject) != 1:
        return ()
    sums: dict[Group, ExposureSums | None] = {
        (rank.group,): rank.exposure for rank in counted.ranks if rank.attribute == subject[0]
    }
    found = []
    for group in known_groups(counted.cube, contract, subject):
        mine = sums.get(group)
        one = (
            group_exposure(group, mine, level=float(contract.statistics.level)) if mine is not None else None
        )
        found += [one] if one is not None else []
    return tuple(found)


def exposure_rows(contract: ReleaseContract, counted: Counted) -> tuple[tuple[Subject, GroupExposure], ...]:
    """Return the exposure of every known group of every attribute."""
    subjects = [(attribute.name,) for attribute in contract.data.attributes]
    return tuple((subject, one) for subject in subjects if counted.cube.has(subject[0])
                 for one in exposures(contract, counted, subject))  # fmt: skip


def _briers(scored: Scored, groups: Sequence[Group]) -> list[MeanValue]:
    """Exact Brier scores, Σ(s−y)² = Σs² − 2Σ_{y=1}s + Σy; their spread is left to the draws."""
    means = []
    for group in groups:
        rows = int(scored[group][:, :, 0].sum()) if group in scored else 0
        if rows:
            table = scored[group]
            squares = exact_squares(table[:, :, 2].ravel(), table[:, :, 3].ravel())
            positives, their_scores = int(table[1, :, 0].sum()), int(table[1, :, 1].sum())
            total = Fraction(squares - 2 * MICRO * their_scores + MICRO**2 * positives, MICRO**2)
            means.append(MeanValue(group=group, value=total / rows, se=math.inf, n=rows))
    return means


def _widened(
    means: Sequence[MeanValue], counted: Counted, subject: Subject, like: str
) -> tuple[list[MeanValue], dict[Group, float]]:
    """The same means on their effective rows, and the design effect of each group over 1."""
    people, found, effects = totals_by_group(counted.people), [], {}
    for mean in means:
        effect = largest_effect(people.get((subject, mean.group)), RATES[like].denominator, mean.n)
        if effect > 1:
            effects[mean.group] = effect
            mean = replace(mean, se=mean.se * math.sqrt(effect), n=int(mean.n / effect))  # noqa: PLW2901
        found.append(mean)
    return found, effects

"""The rows of two models, group by group: label and both decisions where they meet, apart where not."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from audit_core.contract.schema import Subject
from audit_core.cube.axes import ABSENT
from audit_core.cube.baseline import BASELINE_DECISION, Baseline
from audit_core.cube.count_cube import CountCube, Group, Integers
from audit_core.metrics.catalogue import RateMetric
from audit_core.metrics.clusters import Totals, largest_effect
from audit_core.metrics.estimate import Count
from audit_core.metrics.pair_intervals import PairCounts
from audit_core.metrics.regression_bounds import GroupChange
from audit_core.metrics.regression_draws import JOINT, Sides


def holds(baseline: Baseline, subject: Subject) -> bool:
    """Whether the baseline's groups of a subject can be counted."""
    return any(cube is not None and cube.holds(subject) for cube in (baseline.paired, baseline.other))


def is_paired(baseline: Baseline, subject: Subject) -> bool:
    """Whether the two models are compared on the same rows."""
    return baseline.paired is not None and baseline.paired.holds(subject)


def sides_of(cube: CountCube, baseline: Baseline, subject: Subject) -> dict[Group, Sides]:
    """Return the rows of every group of a subject, unknown ones too; the same rows where there are any."""
    if is_paired(baseline, subject):
        assert baseline.paired is not None
        return dict(_paired_tables(baseline.paired, subject))
    assert baseline.other is not None
    old, new = baseline.other.outcomes(subject), cube.outcomes(subject)
    none = np.zeros(JOINT[:2], dtype=np.int64)
    return {g: Sides(both=None, new=new.get(g, none), old=old.get(g, none)) for g in {*old, *new}}


def _paired_tables(paired: CountCube, subject: Subject) -> Iterator[tuple[Group, Sides]]:
    """Rows that both models decided on, by label and both decisions."""
    tables: dict[Group, Integers] = {}
    for group, table in paired.outcomes((*subject, BASELINE_DECISION)).items():
        *levels, old = group
        into = tables.setdefault(tuple(levels), np.zeros(JOINT, dtype=np.int64))
        into[:, :, int(old)] += table
    for group, both in tables.items():
        both[:, ABSENT, :] = 0
        both[:, :, ABSENT] = 0
        yield group, Sides(both=both, new=both.sum(axis=2), old=both.sum(axis=1))


def group_change(
    group: Group, sides: Sides | None, metric: RateMetric, subject: Subject, people: Totals
) -> GroupChange:
    """Return one group's rate under both models; on the same rows, on those that both decided on."""
    if sides is None:
        nothing = Count(group=group, numerator=0, denominator=0)
        return GroupChange(
            group=group, new=nothing, old=nothing, paired=False, shared=Fraction(0), pairs=None
        )
    (x_new, n_new), (x_old, n_old) = metric.counts(sides.new), metric.counts(sides.old)
    # What a person's rows share under the baseline was not kept: every row of one is taken to say the same.
    effect = largest_effect(people.get((subject, group)), metric.denominator, n_new)
    shared, pairs = Fraction(0), None
    if sides.both is not None and n_new and n_old:
        shared, pairs = _shared(sides.both, metric, Fraction(x_new, n_new), Fraction(x_old, n_old))
    return GroupChange(
        group=group,
        new=Count(group=group, numerator=x_new, denominator=n_new, design_effect=effect),
        old=Count(group=group, numerator=x_old, denominator=n_old, design_effect=effect),
        paired=sides.both is not None,
        shared=shared,
        pairs=pairs,
    )


def _shared(
    both: Integers, metric: RateMetric, p_new: Fraction, p_old: Fraction
) -> tuple[Fraction, PairCounts | None]:
    """Σ (x−p)(x′−p′) over the rows in both denominators, and the 2×2 where these are the same rows."""

    def rows(first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> int:
        return int(both[first[:, :, None] & second[:, None, :]].sum())

    top, bottom = metric.numerator, metric.denominator
    a, x_new, x_old, n = rows(top, top), rows(top, bottom), rows(bottom, top), rows(bottom, bottom)
    shared = a - p_new * x_old - p_old * x_new + p_new * p_old * n
    same = n == metric.counts(both.sum(axis=2))[1] == metric.counts(both.sum(axis=1))[1]
    if not same:
        return shared, None
    neither = n - x_new - x_old + a
    return shared, PairCounts(both=a, first_only=x_new - a, second_only=x_old - a, neither=neither)

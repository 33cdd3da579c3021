"""What one live window needs measured, and no more: a check's gap, a feature's drift, rates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from audit_core.contract.metrics import NEEDS_LABEL
from audit_core.contract.schema import Check, ReleaseContract, Subject
from audit_core.cube.count_cube import CountCube, Group
from audit_core.cube.counted import Counted
from audit_core.metrics.catalogue import CRITERIA, RATES
from audit_core.metrics.drift_rows import drift_rows
from audit_core.metrics.estimate import Estimate, Undefined, estimate_rate
from audit_core.metrics.measure import (
    MEAN_METRICS,
    changes,
    measure,
    score_subject_gap,
    subject_gap,
)
from audit_core.metrics.measurements import Measurements, SubjectGap
from audit_core.metrics.rates import ordered_groups
from audit_core.metrics.score_gaps import SCORE_METRICS

ALWAYS = ("selection_rate", "tpr", "fpr", "base_rate")
"""Rates of every window that are shown whatever is watched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRate:
    """A group's rate in a window, and its change since the release (None where either lacks it)."""

    metric: str
    subject: Subject
    group: Group
    estimate: Estimate
    delta: Fraction | None
    needs_label: bool


def measured_for(check: Check, subject: Subject, contract: ReleaseContract, counted: Counted) -> Measurements:
    """Return the measurements one check is judged by for one subject; everything else is left out."""
    gaps: tuple[SubjectGap, ...] = ()
    metric, compare = check.metric, check.compare or "difference"
    if metric in MEAN_METRICS:
        return _means(check, subject, contract, counted)
    if not counted.cube.holds(subject) or not subject:
        pass
    elif metric in SCORE_METRICS:
        gaps = (score_subject_gap(contract, counted, subject, metric, compare),)
    elif metric in (*RATES, *CRITERIA) and check.against is None and compare != "value":
        gaps = (subject_gap(contract, counted, subject, metric, compare),)
    drift = drift_rows(contract, counted) if metric == "psi" else ()
    alone = replace(contract, checks=(replace(check, of=(subject,)),))
    return Measurements(
        subjects=(subject,),
        groups=(),
        rates=(),
        gaps=gaps,
        calibration=(),
        drift=drift,
        regression=changes(alone, counted) if check.against == "baseline" else (),
    )


def _means(check: Check, subject: Subject, contract: ReleaseContract, counted: Counted) -> Measurements:
    """A gap of means stands on the calibration of its groups: all of it is measured, of one subject."""
    spec = contract.data
    narrow = replace(
        spec,
        attributes=tuple(a for a in spec.attributes if a.name in subject),
        slices=(),
        intersections=(subject,) if len(subject) > 1 else (),
    )
    alone = replace(check, of=(subject,) if subject else ())
    return measure(replace(contract, data=narrow, checks=(alone,)), replace(counted, drift=()))


def watched_subjects(
    contract: ReleaseContract, checks: Sequence[Check], cube: CountCube
) -> tuple[Subject, ...]:
    """Return everybody, each protected attribute, and the subjects that checks compare."""
    named: list[Subject] = [(), *((attribute.name,) for attribute in contract.data.attributes)]
    named += [subject for check in checks for subject in check.of]
    return tuple(subject for subject in dict.fromkeys(named) if cube.holds(subject))


def watched_rates(checks: Sequence[Check]) -> tuple[str, ...]:
    """Return the rates that are followed: the usual ones, and those that checks compare."""
    named = [rate for check in checks for rate in CRITERIA.get(check.metric, (check.metric,))]
    return tuple(name for name in dict.fromkeys([*ALWAYS, *named]) if name in RATES)


def group_rates(
    contract: ReleaseContract, checks: Sequence[Check], window: CountCube, release: CountCube
) -> Iterator[GroupRate]:
    """Yield the followed rates of every group of a window, with their change since the release."""
    level, method = float(contract.statistics.level), contract.statistics.interval
    for subject in watched_subjects(contract, checks, window):
        now = window.outcomes(subject)
        before = release.outcomes(subject) if release.holds(subject) else {}
        for group in ordered_groups(window, contract, subject):
            for name in watched_rates(checks):
                metric = RATES[name]
                x, n = metric.counts(now[group]) if group in now else (0, 0)
                x0, n0 = metric.counts(before[group]) if group in before else (0, 0)
                found = estimate_rate(
                    x, n, required=metric.required(contract.support), level=level, method=method
                )
                if isinstance(found, Undefined) and not n0:
                    continue
                yield GroupRate(
                    metric=name,
                    subject=subject,
                    group=group,
                    estimate=found,
                    delta=Fraction(x, n) - Fraction(x0, n0) if n and n0 else None,
                    needs_label=name in NEEDS_LABEL,
                )

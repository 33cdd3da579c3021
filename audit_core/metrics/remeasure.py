"""What the checks of a contract compare, measured again where decisions, support or level have changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from audit_core.contract.schema import ReleaseContract, Subject
from audit_core.cube.baseline import apart
from audit_core.cube.count_cube import Group
from audit_core.cube.counted import Counted
from audit_core.cube.redecide import Cut, redecided
from audit_core.metrics.catalogue import CRITERIA, RATES
from audit_core.metrics.measure import changes, mean_subject_gap, score_subject_gap, subject_gap
from audit_core.metrics.measurements import Measurements, SubjectGap
from audit_core.metrics.score_gaps import SCORE_METRICS

GapKey = tuple[Subject, str, str]
"""(subject, metric, comparison) of a gap."""


def gap_keys(contract: ReleaseContract, measured: Measurements) -> tuple[GapKey, ...]:
    """Return every gap that a check of the contract is judged by, in the order they were measured."""
    named = {
        (subject, check.metric, check.compare or "difference")
        for check in contract.checks
        for subject in check.of
    }
    keys = (
        (gap.subject, gap.metric, "ratio" if gap.gap.compare == "ratio" else "difference")
        for gap in measured.gaps
    )
    return tuple(key for key in keys if key in named)


def remeasure(
    contract: ReleaseContract,
    counted: Counted,
    before: Measurements,
    keys: Collection[GapKey],
    *,
    scores: bool = False,
) -> Measurements:
    """Return the gaps of `keys` and the changes against the baseline on these counts; nothing else of the
    measurements is kept but what no decision changes: groups, calibration, drift.

    Parameters
    ----------
    scores
        Whether the gaps of scores (calibration, AUC) are made anew too. A threshold leaves them as they are;
        another support or level does not.
    """
    gaps = tuple(
        found for key in keys if (found := _again(contract, counted, before, key, scores=scores)) is not None
    )
    return replace(before, rates=(), decided=(), gaps=gaps, regression=changes(contract, counted))


def _again(
    contract: ReleaseContract, counted: Counted, before: Measurements, key: GapKey, *, scores: bool
) -> SubjectGap | None:
    subject, metric, compare = key
    if metric in RATES or metric in CRITERIA:
        return subject_gap(contract, counted, subject, metric, compare)
    if scores and metric in SCORE_METRICS:
        return score_subject_gap(contract, counted, subject, metric, compare)
    if scores:
        return mean_subject_gap(contract, counted, subject, metric, before.calibration)
    return before.gap(subject, metric, compare)


def counted_at(counted: Counted, subject: Subject, cuts: Mapping[Group, Cut]) -> Counted:
    """Return the counts as other thresholds decide them.

    What repeated people have in common is known for production's decisions alone: where a decision changes,
    every row counts as a person of its own, and intervals are too narrow wherever people are repeated. The
    baseline keeps its decisions on the same rows; how many people the two models disagree on is then no
    longer known, so a change has the wider range of different rows.
    """
    cube = redecided(counted.cube, subject, cuts)
    if cube is counted.cube:
        return counted
    baseline = apart(counted.baseline) if counted.baseline is not None else None
    return replace(counted, cube=cube, people=(), baseline=baseline)

"""Judges the checks of a contract; limits are compared in this folder and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from audit_core.contract.metrics import NEEDS_DECISION, NEEDS_LABEL
from audit_core.contract.schema import Check, ReleaseContract, Stage, Subject
from audit_core.cube.axes import NEITHER
from audit_core.cube.counted import Counted
from audit_core.findings.finding import Finding, LimitKind, Reason
from audit_core.findings.implied import LABEL_COVERAGE_LIMIT
from audit_core.findings.judge_data import judge_coverage, judge_drift, judge_overlap
from audit_core.findings.judge_gap import judge_gap
from audit_core.findings.judge_value import judge_value
from audit_core.findings.regression import cannot_compare, judge_regression
from audit_core.metrics.measure import MEAN_METRICS
from audit_core.metrics.measurements import Measurements
from audit_core.metrics.regression_rows import change_of
from audit_core.metrics.score_gaps import SCORE_METRICS


def judge(
    contract: ReleaseContract, counted: Counted, measured: Measurements, stages: tuple[Stage, ...]
) -> tuple[Finding, ...]:
    """Return one finding per check and subject of the stages asked for, in the contract's order.

    Guarantee: a check that could not run is there as NOT_RUN; nothing is left out, nothing passes by default.
    """
    found: list[Finding] = []
    for check in contract.checks:
        if check.stage in stages:
            subjects: tuple[Subject, ...] = check.of or ((),)
            found += (judge_check(check, subject, contract, counted, measured) for subject in subjects)
    return tuple(found)


def judge_check(
    check: Check, subject: Subject, contract: ReleaseContract, counted: Counted, measured: Measurements
) -> Finding:
    """Return what became of one check for one subject."""
    blank = blank_finding(check, subject)
    reason = cannot_run(check, subject, counted)
    if reason:
        return replace(blank, reason=reason)
    special: dict[str, Callable[..., Finding]] = {
        "coverage": judge_coverage,
        "overlap": judge_overlap,
        "psi": judge_drift,
    }
    if check.against is not None:
        return judge_regression(blank, check, contract, counted, measured)
    if check.metric in special:
        return special[check.metric](blank, check, contract, counted, measured)
    if check.compare in ("difference", "ratio") or check.metric == "label_coverage":
        gap = measured.gap(subject, check.metric, check.compare or "difference")
        return judge_gap(blank, check, contract, counted, gap, measured) if gap else blank
    return judge_value(blank, check, contract, counted, measured)


def blank_finding(check: Check, subject: Subject) -> Finding:
    """Return the finding of a check that has not run."""
    low, high = check.limit.min, check.limit.max
    if check.metric == "label_coverage" and high is None:
        high = LABEL_COVERAGE_LIMIT
    compare = check.compare or ("difference" if check.metric == "label_coverage" else "none")
    if check.against is not None:
        high = first_limit(check.limit.max_increase, check.limit.max_relative_increase)
        compare = "none"  # it judges a change, whatever is compared
    return Finding(
        check=check.id,
        stage=check.stage,
        severity=check.severity,
        primary=check.primary,
        line=check.line,
        status="NOT_RUN",
        evidence="UNSUPPORTED",
        reason="not_computed",
        subject=subject,
        metric=check.metric,
        compare=compare,
        limit=high if high is not None else low,
        limit_kind=_limit_kind(low, high),
        limits=(low, high),
        change=change_of(check),
    )


def first_limit(*limits: Fraction | None) -> Fraction | None:
    """Return the one limit that is given, or None."""
    return next((limit for limit in limits if limit is not None), None)


def _limit_kind(low: Fraction | None, high: Fraction | None) -> LimitKind:
    if low is not None and high is not None:
        return "between"
    if low is None and high is None:
        return "none"
    return "max" if high is not None else "min"


def cannot_run(check: Check, subject: Subject, counted: Counted) -> Reason | None:
    """Return why a check can't run on what was counted, or None."""
    cube = counted.cube
    if not counted.has_train and not counted.has_evaluation and not cube.rows:
        return "no_evaluation"
    if check.against is not None and (reason := cannot_compare(check, subject, counted)):
        return reason
    if not cube.holds(subject):
        return "not_crossed" if all(map(cube.has, subject)) else "no_attribute"
    if check.metric in ("psi", "overlap"):
        return _no_pair_of_files(check.metric, counted)
    if check.metric in NEEDS_LABEL and not any(t[:NEITHER].any() for t in cube.outcomes(subject).values()):
        return "no_label"
    if check.metric in (*MEAN_METRICS, *SCORE_METRICS):
        return _no_mean(check.metric, subject, counted)
    return "no_decision" if check.metric in NEEDS_DECISION and not counted.decides else None


def _no_pair_of_files(metric: str, counted: Counted) -> Reason | None:
    if not (counted.has_train and counted.has_evaluation):
        return "no_evaluation" if counted.has_train else "no_train"
    if metric == "psi":
        return None if counted.drift else "no_features"
    return None if counted.overlap else "no_id"


def _no_mean(metric: str, subject: Subject, counted: Counted) -> Reason | None:
    cube = counted.cube
    if not (cube.codes[:, -1] >= 0).any():
        return "no_score"
    # Rank sums are kept for single attributes; a score off the scale from 0 to 1 is no probability.
    probability = cube.bands.low == 0 and cube.bands.high == 1
    off_scale = metric in ("calibration_in_the_large", "brier") and not probability
    kept = [rank for rank in counted.ranks if (rank.attribute,) == subject]
    no_ranks = (metric == "auc" and not kept) or (
        metric == "exposure" and not any(rank.exposure for rank in kept)
    )
    return "not_computed" if off_scale or no_ranks else None

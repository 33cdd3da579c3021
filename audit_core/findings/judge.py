"""The only place where anything is compared with a limit of the contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

from audit_core.contract.metrics import NEEDS_DECISION, NEEDS_LABEL
from audit_core.contract.schema import Check, ReleaseContract, Stage, Subject
from audit_core.cube.axes import NEITHER, group_words
from audit_core.cube.counted import Counted
from audit_core.findings.fail_rule import fail_rule
from audit_core.findings.finding import (
    SUREST_FIRST,
    WORST_FIRST,
    Evidence,
    Finding,
    LimitKind,
    Needs,
    Reason,
    Status,
    group_value,
)
from audit_core.findings.implied import LABEL_COVERAGE_LIMIT
from audit_core.findings.judge_data import judge_coverage, judge_drift, judge_overlap
from audit_core.findings.judge_value import judge_value
from audit_core.findings.needs import needed, to_minimum
from audit_core.findings.regression import cannot_compare, judge_regression
from audit_core.metrics.gaps import Gap
from audit_core.metrics.measure import (
    MEAN_METRICS,
    PROTECT_FLOOR,
    mean_subject_gap,
    score_subject_gap,
    subject_gap,
)
from audit_core.metrics.measurements import Measurements, SubjectGap
from audit_core.metrics.regression_rows import change_of
from audit_core.metrics.score_gaps import SCORE_METRICS

Outcome = tuple[Status, Evidence, Reason]


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


def judge_gap(
    blank: Finding,
    check: Check,
    contract: ReleaseContract,
    counted: Counted,
    gap: SubjectGap,
    measured: Measurements | None = None,
) -> Finding:
    """Return the finding of a gap: METHODS §3, difference or ratio, a criterion by its worst part.

    `measured` holds the spread of means, from which is planned how many people more would decide.
    """
    rule = _ratio_outcome if gap.gap.compare == "ratio" else _difference_outcome
    parts = gap.parts or (gap,)
    judged = [(part, rule(part, blank, fail_rule(contract, blank.stage))) for part in parts]
    part, (status, evidence, reason) = min(judged, key=_weight)
    found, ratio = part.gap, part.gap.compare == "ratio"
    bounds: tuple[float | None, float | None]
    bounds = (found.lower, found.upper_all) if ratio else (found.lower_all, found.upper)
    if evidence == "CONFIRMED" and status == "FAIL" and _thin_proves(found, blank.limit):
        # The bound to approve with is of other groups than those that are accused.
        bounds = (None, bounds[1]) if ratio else (bounds[0], None)
        found = _accused(part, blank, contract, counted, measured)
    finding = replace(
        blank,
        status=status,
        evidence=evidence,
        reason=reason,
        value=found.value_all if found.value is None and status == "FAIL" else found.value,
        lower=bounds[0],
        upper=bounds[1],
        interval=found.interval,
        high=group_value(found.high),
        low=group_value(found.low),
        chance=found.chance_of_gap,
        warned=_warned(check, found.value, ratio=ratio),
        names=tuple(group_words(group) for group in part.missing),
    )
    if status == "PASS" or evidence == "CONFIRMED":
        return finding
    if part.metric in SCORE_METRICS:  # no formula plans these: only the contract's minimum is known
        return replace(finding, needs=_to_minimum(finding, part, contract, counted))
    return replace(finding, needs=needed(finding, part, contract, counted, measured))


def _thin_proves(gap: Gap, limit: Fraction | None) -> bool:
    """Whether a failure is shown by groups that are not compared, too thin to give comfort."""
    ratio = gap.compare == "ratio"
    if len(gap.supported) < 2:  # everybody is compared, those under the protect floor too
        return gap.upper != gap.upper_all if ratio else gap.lower != gap.lower_all
    assert limit is not None
    return not (gap.upper < limit if ratio else gap.lower > limit)


def _accused(
    part: SubjectGap,
    blank: Finding,
    contract: ReleaseContract,
    counted: Counted,
    measured: Measurements | None,
) -> Gap:
    """The gap among the best supported groups that show the failure, none under the protect floor."""
    assert blank.limit is not None
    few, many = PROTECT_FLOOR, max(part.min_support, PROTECT_FLOOR + 1)
    best = _at_support(few, part, contract, counted, measured)
    while many - few > 1:
        middle = (few + many) // 2
        gap = _at_support(middle, part, contract, counted, measured)
        shown = gap.upper < blank.limit if gap.compare == "ratio" else gap.lower > blank.limit
        if shown and len(gap.supported) >= 2:
            few, best = middle, gap
        else:
            many = middle
    return best


def _at_support(
    rows: int, part: SubjectGap, contract: ReleaseContract, counted: Counted, measured: Measurements | None
) -> Gap:
    """The same gap with another minimum of support."""
    support = replace(contract.support, positives=rows, negatives=rows, rows=rows)
    looser, metric, compare = replace(contract, support=support), part.metric, part.gap.compare
    if metric in MEAN_METRICS:
        rows_of = measured.calibration if measured else ()
        return mean_subject_gap(looser, counted, part.subject, metric, rows_of).gap
    if metric in SCORE_METRICS:
        return score_subject_gap(looser, counted, part.subject, metric, compare).gap
    return subject_gap(looser, counted, part.subject, metric, compare).gap


def _to_minimum(
    finding: Finding, part: SubjectGap, contract: ReleaseContract, counted: Counted
) -> Needs | None:
    tables = counted.cube.outcomes(part.subject)
    rows = {group: int(tables[group].sum()) if group in tables else 0 for group in part.required}
    return to_minimum(rows, part.min_support, contract, counted, finding)


def _weight(judged: tuple[SubjectGap, Outcome]) -> tuple[int, int, Fraction]:
    """Order of a criterion's parts: the worst status, the surest evidence, then the larger gap."""
    part, (status, evidence, _) = judged
    value = part.gap.value or Fraction(0)
    size = value if part.gap.compare == "ratio" else -value
    return WORST_FIRST.index(status), SUREST_FIRST.index(evidence), size


def _difference_outcome(part: SubjectGap, blank: Finding, fail_rule: str) -> Outcome:
    gap, limit = part.gap, blank.limit
    assert limit is not None
    if gap.lower_all > limit:
        return "FAIL", "CONFIRMED", "beyond"
    if gap.value is None:
        return _nothing_to_compare(part)
    if gap.value > limit:
        return _point_beyond(part, fail_rule)
    return _too_few(part) or (
        ("PASS", "CONFIRMED", "within")
        if gap.upper <= limit
        else ("INCONCLUSIVE", "UNCONFIRMED", "either_way")
    )


def _ratio_outcome(part: SubjectGap, blank: Finding, fail_rule: str) -> Outcome:
    gap, limit = part.gap, blank.limit
    assert limit is not None
    if gap.upper_all < limit:
        return "FAIL", "CONFIRMED", "beyond"
    if gap.value is None:
        return _nothing_to_compare(part)
    if gap.value < limit:
        return _point_beyond(part, fail_rule)
    return _too_few(part) or (
        ("PASS", "CONFIRMED", "within")
        if gap.lower >= limit
        else ("INCONCLUSIVE", "UNCONFIRMED", "either_way")
    )


def _nothing_to_compare(part: SubjectGap) -> Outcome:
    if not part.gap.compared:
        return "NOT_RUN", "UNSUPPORTED", "undefined"
    reason: Reason = "undefined" if len(part.gap.compared) >= 2 else "one_group"
    return "INCONCLUSIVE", "UNSUPPORTED", reason


def _point_beyond(part: SubjectGap, fail_rule: str) -> Outcome:
    evidence: Evidence = "UNCONFIRMED" if len(part.gap.supported) >= 2 else "UNSUPPORTED"
    return ("FAIL" if fail_rule == "point" else "INCONCLUSIVE"), evidence, "point_beyond"


def _too_few(part: SubjectGap) -> Outcome | None:
    if part.missing or len(part.gap.supported) < 2:
        return "INCONCLUSIVE", "UNSUPPORTED", "too_few"
    return ("INCONCLUSIVE", "UNSUPPORTED", "too_many_unknown") if part.too_many_unknown else None


def _warned(check: Check, value: Any, *, ratio: bool) -> bool:
    if value is None or check.limit.warn is None:
        return False
    return bool(value < check.limit.warn if ratio else value > check.limit.warn)

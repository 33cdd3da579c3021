"""Judges a gap between groups: a difference or a ratio against its limit, by value and by bounds."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

from audit_core.contract.schema import Check, FailRule, ReleaseContract
from audit_core.cube.axes import group_words
from audit_core.cube.counted import Counted
from audit_core.findings.fail_rule import fail_rule
from audit_core.findings.finding import (
    SUREST_FIRST,
    WORST_FIRST,
    Evidence,
    Finding,
    Needs,
    Outcome,
    Reason,
    group_value,
)
from audit_core.findings.needs import needed, to_minimum
from audit_core.metrics.gaps import PROTECT_FLOOR, Gap
from audit_core.metrics.measure import MEAN_METRICS, mean_subject_gap, score_subject_gap, subject_gap
from audit_core.metrics.measurements import Measurements, SubjectGap
from audit_core.metrics.score_gaps import SCORE_METRICS


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
    outcome = _ratio_outcome if gap.gap.compare == "ratio" else _difference_outcome
    rule, parts = fail_rule(contract, blank.stage), gap.parts or (gap,)
    judged = [(part, outcome(part, blank, rule)) for part in parts]
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


def _difference_outcome(part: SubjectGap, blank: Finding, rule: FailRule) -> Outcome:
    gap, limit = part.gap, blank.limit
    assert limit is not None
    if gap.lower_all > limit:
        return "FAIL", "CONFIRMED", "beyond"
    if gap.value is None:
        return _nothing_to_compare(part)
    if gap.value > limit:
        return _point_beyond(part, rule)
    return _too_few(part) or (
        ("PASS", "CONFIRMED", "within")
        if gap.upper <= limit
        else ("INCONCLUSIVE", "UNCONFIRMED", "either_way")
    )


def _ratio_outcome(part: SubjectGap, blank: Finding, rule: FailRule) -> Outcome:
    gap, limit = part.gap, blank.limit
    assert limit is not None
    if gap.upper_all < limit:
        return "FAIL", "CONFIRMED", "beyond"
    if gap.value is None:
        return _nothing_to_compare(part)
    if gap.value < limit:
        return _point_beyond(part, rule)
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


def _point_beyond(part: SubjectGap, rule: FailRule) -> Outcome:
    evidence: Evidence = "UNCONFIRMED" if len(part.gap.supported) >= 2 else "UNSUPPORTED"
    return ("FAIL" if rule == "point" else "INCONCLUSIVE"), evidence, "point_beyond"


def _too_few(part: SubjectGap) -> Outcome | None:
    if part.missing or len(part.gap.supported) < 2:
        return "INCONCLUSIVE", "UNSUPPORTED", "too_few"
    return ("INCONCLUSIVE", "UNSUPPORTED", "too_many_unknown") if part.too_many_unknown else None


def _warned(check: Check, value: Any, *, ratio: bool) -> bool:
    if value is None or check.limit.warn is None:
        return False
    return bool(value < check.limit.warn if ratio else value > check.limit.warn)

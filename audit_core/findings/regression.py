"""Judges a candidate against its baseline: its largest gap, or the harm rate of every group."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from audit_core.contract.schema import Check, ReleaseContract, Subject
from audit_core.cube.axes import group_words
from audit_core.cube.counted import Counted
from audit_core.findings.fail_rule import fail_rule
from audit_core.findings.finding import (
    SUREST_FIRST,
    WORST_FIRST,
    Evidence,
    Finding,
    Outcome,
    Reason,
    Status,
    group_value,
)
from audit_core.findings.regression_needs import gap_needs, group_needs
from audit_core.metrics.catalogue import CRITERIA, RATES
from audit_core.metrics.gaps import PROTECT_FLOOR
from audit_core.metrics.intervals import Interval, z_one_sided
from audit_core.metrics.measurements import Measurements
from audit_core.metrics.regression import FLOOR
from audit_core.metrics.regression_bounds import GroupChange, change_interval
from audit_core.metrics.regression_risk import risk_bounds, triggers
from audit_core.metrics.regression_rows import RegressionRow, change_of
from audit_core.metrics.regression_tables import holds

APPROVED = ("approved", "approved_with_conditions")


def cannot_compare(check: Check, subject: Subject, counted: Counted) -> Reason | None:
    """Return why a check against the baseline can't run, or None."""
    baseline = counted.baseline
    if baseline is None:
        return "no_baseline"
    rates = CRITERIA.get(check.metric, (check.metric,))
    if any(rate not in RATES for rate in rates):
        return "baseline_without_scores"
    if change_of(check) is None:
        return "no_rule"
    return "not_in_baseline" if counted.cube.holds(subject) and not holds(baseline, subject) else None


def baseline_floor(check: Check) -> Fraction:
    """Return the smallest rise of a harm rate that counts: the contract's, or one point (METHODS §12)."""
    return FLOOR if check.limit.floor is None else check.limit.floor


def judge_regression(
    blank: Finding, check: Check, contract: ReleaseContract, counted: Counted, measured: Measurements
) -> Finding:
    """Return the finding of a check against the baseline.

    A gap follows METHODS §3 with its change in the place of the gap. A rise of a harm rate as a share of the
    baseline's is decided on the measured values; its bounds only say how sure that is. Where the contract
    wants the last approved release and nothing shows that the baseline was approved, a release can fail
    against it and never pass.
    """
    assert blank.change is not None
    rows = measured.changes(blank.subject, blank.metric, blank.change)
    if not rows:
        return blank
    judge = _gap if blank.change == "gap" else _groups
    found = min((judge(row, blank, check, contract, counted) for row in rows), key=_worst)
    return _only_against_approved(found, contract, counted)


def _worst(finding: Finding) -> tuple[int, int, float]:
    size = float(finding.value) if finding.value is not None else 0.0
    return WORST_FIRST.index(finding.status), _sureness(finding.status, finding.evidence), -size


def _sureness(status: Status, evidence: Evidence) -> int:
    """A failure that is surest comes first, and a pass that is least sure."""
    place = SUREST_FIRST.index(evidence)
    return -place if status == "PASS" else place


def _only_against_approved(finding: Finding, contract: ReleaseContract, counted: Counted) -> Finding:
    policy = contract.baseline.policy if contract.baseline is not None else "last_approved"
    baseline = counted.baseline
    shown = baseline is not None and baseline.approval in APPROVED
    if finding.status != "PASS" or policy == "given" or shown:
        return finding
    return replace(
        finding, status="INCONCLUSIVE", evidence="UNSUPPORTED", reason="baseline_not_approved", needs=None
    )


def _gap(
    row: RegressionRow, blank: Finding, check: Check, contract: ReleaseContract, counted: Counted
) -> Finding:
    """The change of the largest gap, Δ_new − Δ_old."""
    blank = replace(blank, rate=row.rate.id, row=row)
    found = row.gap
    status, evidence, reason = _gap_outcome(row, blank, contract)
    finding = replace(blank, status=status, evidence=evidence, reason=reason, names=_names(row))
    if found is None:
        return finding
    # The bound to approve with is of other groups than those that are accused.
    thin = reason == "beyond" and blank.limit is not None and not found.bounds.lower > blank.limit
    finding = replace(
        finding,
        value=found.value,
        lower=found.lower if found.lower > -1 else None,
        upper=None if thin else found.bounds.upper,
        high=group_value(found.new.high),
        low=group_value(found.new.low),
        warned=check.limit.warn is not None and found.value > check.limit.warn,
    )
    if status == "PASS" or evidence == "CONFIRMED":
        return finding
    return replace(finding, needs=gap_needs(finding, row, contract, counted))


def _gap_outcome(row: RegressionRow, blank: Finding, contract: ReleaseContract) -> Outcome:
    found, limit = row.gap, blank.limit
    assert limit is not None
    if found is not None and found.lower > limit:
        return "FAIL", "CONFIRMED", "beyond"
    if found is None:
        if not row.compared:
            return "NOT_RUN", "UNSUPPORTED", "undefined"
        return "INCONCLUSIVE", "UNSUPPORTED", "one_group"
    two = len(row.supported) >= 2
    if found.value > limit:
        fails = fail_rule(contract, blank.stage) == "point"
        return "FAIL" if fails else "INCONCLUSIVE", "UNCONFIRMED" if two else "UNSUPPORTED", "point_beyond"
    if row.missing or not two:
        return "INCONCLUSIVE", "UNSUPPORTED", "too_few"
    if row.too_many_unknown:
        return "INCONCLUSIVE", "UNSUPPORTED", "too_many_unknown"
    within = found.bounds.upper <= limit
    return ("PASS", "CONFIRMED", "within") if within else ("INCONCLUSIVE", "UNCONFIRMED", "either_way")


def _names(row: RegressionRow) -> tuple[str, ...]:
    return tuple(group_words(group) for group in row.missing)


def _groups(
    row: RegressionRow, blank: Finding, check: Check, contract: ReleaseContract, counted: Counted
) -> Finding:
    """The harm rate of the group that decides: the worst outcome, then the largest rise."""
    judged = judged_groups(row, blank, check, contract)
    wanted = {*row.required}
    judged = [f for f, change in zip(judged, row.groups, strict=True)
              if change.group in wanted or f.status == "FAIL"]  # fmt: skip
    if not any(finding.high is not None for finding in judged):
        return replace(blank, rate=row.rate.id, row=row, status="NOT_RUN", reason="undefined")
    found = min(judged, key=_worst)
    if found.status == "PASS" and row.too_many_unknown:
        found = replace(found, status="INCONCLUSIVE", evidence="UNSUPPORTED", reason="too_many_unknown")
    found = replace(found, names=_names(row), warned=any(f.warned for f in judged))
    if found.status == "PASS" or found.evidence == "CONFIRMED":
        return found
    return replace(found, needs=group_needs(found, row, contract, counted))


def judged_groups(
    row: RegressionRow, blank: Finding, check: Check, contract: ReleaseContract
) -> list[Finding]:
    """Return a finding per group of a check of every group's harm rate, in the order of the row."""
    known = bool(row.supported)
    return [_group(change, row, blank, check, contract, known=known) for change in row.groups]


def _group(
    change: GroupChange,
    row: RegressionRow,
    blank: Finding,
    check: Check,
    contract: ReleaseContract,
    *,
    known: bool,
) -> Finding:
    """One group; where another has support (`known`), a thin one fails only when proven."""
    blank = replace(blank, rate=row.rate.id, row=row, status="INCONCLUSIVE", reason="too_few")
    level, limit = float(contract.statistics.level), blank.limit
    assert limit is not None
    if change.value is None:
        return blank
    share = blank.change == "risk"
    bounds = _risk_ends(change, level) if share else change_interval(change, z_one_sided(level))
    value = _relative(change) if share else change.value
    beyond = triggers(change, limit, baseline_floor(check)) if share else change.value > limit
    thin = change.support < row.min_support
    outcome: Outcome = "PASS", "CONFIRMED", "within"
    if beyond and change.support >= PROTECT_FLOOR and bounds.low > limit:
        outcome = "FAIL", "CONFIRMED", "beyond"
    elif beyond and not (thin and known):
        fails = fail_rule(contract, blank.stage) == "point"
        evidence: Evidence = "UNSUPPORTED" if thin else "UNCONFIRMED"
        outcome = "FAIL" if fails else "INCONCLUSIVE", evidence, "point_beyond"
    elif thin:
        outcome = "INCONCLUSIVE", "UNSUPPORTED", "too_few"
    elif bounds.high > limit:
        open_ = share and change_interval(change, z_one_sided(level)).high >= baseline_floor(check)
        if share:  # the rule is one of measured values; equivalence is not demanded
            outcome = ("PASS", "UNCONFIRMED", "point_within") if open_ else outcome
        else:
            outcome = "INCONCLUSIVE", "UNCONFIRMED", "either_way"
    return replace(
        blank,
        status=outcome[0],
        evidence=outcome[1],
        reason=outcome[2],
        value=value,
        lower=bounds.low,
        upper=bounds.high,
        high=group_value(change.new),
        low=group_value(change.old),
        warned=check.limit.warn is not None and value is not None and value > check.limit.warn,
    )


def _relative(change: GroupChange) -> Fraction | None:
    """The rise as a share of the baseline's rate; None where that is 0."""
    assert change.new.value is not None and change.old.value is not None
    return change.new.value / change.old.value - 1 if change.old.value else None


def _risk_ends(change: GroupChange, level: float) -> Interval:
    """Bounds of the rise as a share."""
    found = risk_bounds(change, level)
    assert found is not None
    return Interval(found.low - 1, found.high - 1)

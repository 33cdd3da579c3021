"""Findings and requirements as the plain values of the result file."""

from __future__ import annotations

from typing import Any

from audit_core.decision.record import Audit
from audit_core.decision.verdict import RequirementState
from audit_core.findings.finding import Finding, GroupNeed, GroupValue, Needs
from audit_core.report.judged_rows import encode_window
from audit_core.report.needs_words import assumption
from audit_core.report.result_numbers import number, unbounded, words
from audit_core.report.wording import sentence


def encode_finding(finding: Finding, audit: Audit) -> dict[str, Any]:
    """Return one check of the contract as it was judged for one subject."""
    low, high = finding.interval if finding.interval is not None else (None, None)
    return {
        "check": finding.check,
        "stage": finding.stage,
        "severity": finding.severity,
        "primary": finding.primary,
        "status": finding.status,
        "evidence": finding.evidence,
        "reason": finding.reason,
        "attribute": list(finding.subject),
        "group": _deciding(finding),
        "metric": finding.metric,
        "compare": finding.compare,
        "change": finding.change,
        "rate": finding.rate or None,
        "value": number(finding.value),
        "low": number(low),
        "high": number(high),
        "lower": number(finding.lower),
        "upper": number(finding.upper),
        "bounds_reason": unbounded(high, finding.lower, finding.upper),
        "limit": number(finding.limit),
        "limits": dict(zip(("min", "max"), map(number, finding.limits), strict=True)),
        "high_group": _group(finding.high),
        "low_group": _group(finding.low),
        "chance_of_gap": number(finding.chance),
        "warned": finding.warned,
        "names": list(finding.names),
        "needs": _needs(finding.needs),
        "window": encode_window(finding.window),
        "exception": finding.exception,
        "sentence": sentence(finding, audit),
    }


def encode_requirement(state: RequirementState) -> dict[str, Any]:
    """Return a requirement as it stands."""
    return {
        "id": state.id,
        "met": state.met,
        "blocking": state.blocking,
        "by": state.by,
        "evidence": state.evidence,
    }


def _deciding(finding: Finding) -> list[str] | None:
    """The one group a value check is decided by; a gap has two and names them apart."""
    if finding.change is not None:
        return words(finding.high.group) if finding.high is not None and finding.change != "gap" else None
    data_check = finding.metric in ("coverage", "overlap", "psi")
    if finding.compare in ("difference", "ratio") or data_check or finding.low is None:
        return None
    return words(finding.low.group)


def _group(value: GroupValue | None) -> dict[str, Any] | None:
    if value is None:
        return None
    return {
        "group": words(value.group),
        "value": number(value.value),
        "numerator": value.numerator,
        "denominator": value.denominator,
    }


def _needs(needs: Needs | None) -> dict[str, Any] | None:
    """What it would take: the group that lacks most at the top, every group in `groups`."""
    if needs is None:
        return None
    return {
        "group": words(needs.group),
        "unit": needs.unit,
        "more": needs.more,
        "rows": needs.rows,
        "weeks": needs.weeks,
        "true_gap": number(needs.assumed) if needs.of in ("gap", "area") and needs.aim != "minimum" else None,
        "aim": needs.aim,
        "alone": needs.alone,
        "assumption": assumption(needs),
        "groups": [_group_need(need) for need in needs.groups],
    }


def _group_need(need: GroupNeed) -> dict[str, Any]:
    return {
        "group": words(need.group),
        "have": need.have,
        "needed": need.needed,
        "more": need.more,
        "rows": need.rows,
        "weeks": need.weeks,
    }

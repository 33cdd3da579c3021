"""Accusations across slices: how many comparisons could have accused, and what counting them all leaves."""

from __future__ import annotations

from typing import Any

from audit_core.decision.record import Audit
from audit_core.findings.finding import Finding
from audit_core.metrics.multiplicity import holm
from audit_core.report.result_numbers import number

NO_CHANCE = "no chance figure for a gap of means"
NOTHING_ADJUSTED = "adjusted values stand for confirmed failures of gap checks alone"


def gated_comparisons(audit: Audit) -> tuple[Finding, ...]:
    """Return the gap findings that were judged: each compared groups, and could have accused."""
    return tuple(
        finding
        for finding in audit.findings
        if finding.compare in ("difference", "ratio") and finding.status != "NOT_RUN"
    )


def encode_multiplicity(audit: Audit) -> dict[str, Any]:
    """Return how many gated comparisons there were, and the Holm-adjusted p of every confirmed failure.

    Formula: p = `chance_of_gap`, P(gap ≥ observed | every group shares the pooled rate); Holm over all
    `looked_at` comparisons. One without such a p counts as if it came last, which adjusts the others most.
    """
    family = gated_comparisons(audit)
    adjusted = holm([1.0 if finding.chance is None else finding.chance for finding in family])
    confirmed = [
        _encode(finding, value)
        for finding, value in zip(family, adjusted, strict=True)
        if finding.status == "FAIL" and finding.evidence == "CONFIRMED"
    ]
    return {"looked_at": len(family), "adjusted": confirmed}


def _encode(finding: Finding, adjusted: float) -> dict[str, Any]:
    known = finding.chance is not None
    return {
        "check": finding.check,
        "attribute": list(finding.subject),
        "metric": finding.metric,
        "p": number(finding.chance),
        "p_adjusted": number(adjusted) if known else None,
        "reason": None if known else NO_CHANCE,
    }

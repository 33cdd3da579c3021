"""The contract line by line as a table: what each check found and what it would take."""

from __future__ import annotations

from audit_core.decision.record import Audit
from audit_core.findings.finding import Finding
from audit_core.report.limits import check_of, limit_words
from audit_core.report.needs_words import brief_needs
from audit_core.report.numbers import count
from audit_core.report.people import subject_words
from audit_core.report.readings import reading
from audit_core.report.sentences import bounds_text, interval_text
from audit_core.report.table_rows import NONE, RESULT, Rows
from audit_core.report.takes_words import takes_sentence
from audit_core.report.withheld import WithheldFinding
from audit_core.report.words import EVIDENCE_WORDS, REMEDIES, WITHHELD, capital, finding_name, status_word

WHAT_IT_TAKES = {
    "within": "Nothing: shown to be within the limit",
    "point_within": "Nothing: the measured value keeps the limit, which is all the rule asks",
    "baseline_not_approved": "A baseline whose approval is shown",
    "beyond": "A changed model or changed data; more of the same data will not change this",
    "drifted": "A look at where the inputs changed, then a model fitted on them",
    "shared_ids": "An evaluation set without the people of the training sample",
}


def check_rows(audit: Audit) -> Rows:
    """Return the contract line by line: what each check found and what it would take."""
    return [_check_row(finding, audit) for finding in audit.findings]


def _check_row(finding: Finding, audit: Audit) -> dict[str, str]:
    check = check_of(audit.contract, finding.check)
    what = finding_name(finding)
    by = f" by {subject_words(finding.subject)}" if finding.subject else ""
    return {
        "Check": finding.check,
        "What": what + by,
        "Severity": finding.severity,
        RESULT: status_word(finding),
        "Evidence": EVIDENCE_WORDS[finding.evidence] if finding.status != "NOT_RUN" else NONE,
        "Found": _found(finding, audit),
        "Limit": (limit_words(check) if check else "") or NONE,
        "What it would take": _takes(finding, audit),
    }


def _found(finding: Finding, audit: Audit) -> str:
    if isinstance(finding, WithheldFinding):
        return WITHHELD
    if finding.metric == "coverage":  # its value is a share of groups; what counts is the smallest of them
        return f"smallest group {sizes_text(finding)}" if finding.low is not None else NONE
    read = reading(finding)
    if read.value is None:
        return NONE
    ranges = bounds_text(read) or interval_text(read, audit)
    said = "; ".join(part for part in (ranges, sizes_text(finding)) if part)
    value = read.amount
    return f"{value} ({said})" if said else value


def sizes_text(finding: Finding) -> str:
    """Return on how many people (positives, negatives) the compared groups' values stand: “n=480 and 840”."""
    if finding.metric == "coverage" and finding.low is not None:
        return f"n={count(finding.low.denominator)}"
    ends = {end.group: end.denominator for end in (finding.low, finding.high) if end is not None}
    return f"n={' and '.join(map(count, ends.values()))}" if ends else ""


def _takes(finding: Finding, audit: Audit) -> str:
    if finding.needs is not None:
        return brief_needs(finding.needs)
    other = takes_sentence(finding, audit)
    if other:
        return other
    fixed = WHAT_IT_TAKES.get(finding.reason) or REMEDIES.get(finding.reason, "")
    return capital(fixed) if fixed else "More people, measured the same way"

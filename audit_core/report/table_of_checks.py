"""The contract line by line as a table: what each check found and what it would take."""

from __future__ import annotations

from audit_core.decision.record import Audit
from audit_core.findings.finding import Finding
from audit_core.report.limits import check_of, limit_words, needs_sentence
from audit_core.report.people import subject_words
from audit_core.report.readings import reading
from audit_core.report.table_rows import NONE, RESULT, Rows
from audit_core.report.words import EVIDENCE_WORDS, REMEDIES, measure_name, status_word

WHAT_IT_TAKES = {
    "within": "Nothing: shown to be within the limit",
    "beyond": "A changed model or changed data; more of the same data will not change this",
    "drifted": "A look at where the inputs changed, then a model fitted on them",
    "shared_ids": "An evaluation set without the people of the training sample",
}


def check_rows(audit: Audit) -> Rows:
    """Return the contract line by line: what each check found and what it would take."""
    return [_check_row(finding, audit) for finding in audit.findings]


def _check_row(finding: Finding, audit: Audit) -> dict[str, str]:
    check = check_of(audit.contract, finding.check)
    what = measure_name(finding.metric, finding.compare)
    by = f" by {subject_words(finding.subject)}" if finding.subject else ""
    return {
        "Check": finding.check,
        "What": what + by,
        "Severity": finding.severity,
        RESULT: status_word(finding),
        "Evidence": EVIDENCE_WORDS[finding.evidence] if finding.status != "NOT_RUN" else NONE,
        "Found": _found(finding),
        "Limit": (limit_words(check) if check else "") or NONE,
        "What it would take": _takes(finding),
    }


def _found(finding: Finding) -> str:
    read = reading(finding)
    if read.value is None:
        return NONE
    value = read.figures.text(read.value)
    bounds = [f"at least {read.figures.bare(read.lower)}" if read.lower is not None else ""]
    bounds.append(f"at most {read.figures.bare(read.upper)}" if read.upper is not None else "")
    said = ", ".join(bound for bound in bounds if bound)
    return f"{value} ({said})" if said else value


def _takes(finding: Finding) -> str:
    needed = needs_sentence(finding.needs)
    if needed:
        return needed
    fixed = WHAT_IT_TAKES.get(finding.reason) or REMEDIES.get(finding.reason, "")
    return fixed[:1].upper() + fixed[1:] if fixed else "More people, measured the same way"

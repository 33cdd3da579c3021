"""One check in plain words: what was asked and found, how to read it, what it would take, whose it is."""

from __future__ import annotations

from audit_core.contract.schema import Check
from audit_core.decision.record import Audit
from audit_core.findings.finding import Finding
from audit_core.report.conflicts import accepted_sentences
from audit_core.report.escape import one_line
from audit_core.report.headline import people_sentence
from audit_core.report.limits import chance_sentence, check_of, check_words
from audit_core.report.needs_words import HOW_TO_READ_NEEDS, needs_sentence
from audit_core.report.readings import reading
from audit_core.report.sentences import sentence
from audit_core.report.words import (
    NOT_DISCRIMINATION,
    READ_INTERVAL,
    SEVERITY_SENTENCES,
    evidence_sentence,
    status_word,
)

FILL_IN = "(fill in)"
UNKNOWN_CHECK = "The contract has no check of that name."
OUT_OF_SCOPE = "This check belongs to a later stage ({stage}) and was not part of this run."


def explain(audit: Audit, check_id: str) -> str:
    """Return a check in a few short paragraphs, separated by blank lines."""
    check = check_of(audit.contract, check_id)
    if check is None:
        return UNKNOWN_CHECK
    findings = [finding for finding in audit.findings if finding.check == check_id]
    paragraphs = [_asked(check)]
    if not findings:
        paragraphs.append(OUT_OF_SCOPE.format(stage=check.stage))
    for finding in findings:
        paragraphs.append(_found(finding, audit))
    if any(reading(finding).upper is not None for finding in findings):
        paragraphs.append(f"How to read this: {READ_INTERVAL}")
    paragraphs += [_takes(findings), _owner(check, audit), *accepted_sentences(audit, check_id)]
    if any(finding.status == "FAIL" and finding.subject for finding in findings):
        paragraphs.append(NOT_DISCRIMINATION)
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _asked(check: Check) -> str:
    why = f" The contract's reason: {one_line(check.why)}" if check.why else ""
    return f"{check.id} asks: {check_words(check)}. {SEVERITY_SENTENCES[check.severity]}{why}"


def _found(finding: Finding, audit: Audit) -> str:
    parts = [f"{status_word(finding)}. {people_sentence(finding, audit)}".strip(), sentence(finding, audit)]
    if finding.status != "NOT_RUN":
        parts.append(evidence_sentence(finding))
    parts.append(chance_sentence(finding.chance))
    if finding.exception:
        parts.append(f"An exception is recorded: {finding.exception}")
    return " ".join(part for part in parts if part)


def _takes(findings: list[Finding]) -> str:
    """What would change the answer; people needed already stand in the sentence of the finding."""
    if all(finding.status == "PASS" for finding in findings):
        return ""
    if any(needs_sentence(finding.needs) for finding in findings):
        return f"What it would take: the people named above, measured the same way. {HOW_TO_READ_NEEDS}"
    if any(finding.status == "FAIL" and finding.evidence == "CONFIRMED" for finding in findings):
        return (
            "What it would take: a changed model or changed data. More of the same data will not change this."
        )
    return "What it would take: see the remedy above, then run the audit again."


def _owner(check: Check, audit: Audit) -> str:
    role = next((role for role in audit.contract.roles if role.id == check.owner), None)
    parts = []
    if check.owner:
        name = f" ({role.name}, {role.contact})" if role and role.name and role.name != FILL_IN else ""
        parts.append(f"Answered for by {check.owner}{name}.")
    if check.on_fail:
        parts.append(f"If it fails, the contract says: {check.on_fail.action}; tell {check.on_fail.notify}.")
    return " ".join(parts)

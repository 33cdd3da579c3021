"""The findings as a JUnit report, for the test page of a build server."""

from __future__ import annotations

from typing import Literal
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from audit_core.decision.record import Audit
from audit_core.decision.verdict import DecisionReason
from audit_core.findings.finding import Finding
from audit_core.report.conflicts import accepted_sentences
from audit_core.report.escape import for_xml
from audit_core.report.headline import ground_sentence, headline, people_sentence, reasons_beyond_checks
from audit_core.report.limits import check_of, limit_words
from audit_core.report.published import published
from audit_core.report.sentences import sentence
from audit_core.report.withheld import counts_digest, privacy_note
from audit_core.report.words import EVIDENCE_SENTENCES, status_word

Outcome = Literal["failure", "error", "skipped"]


def junit_bytes(audit: Audit) -> bytes:
    """Return the report as XML: a test case for every check and subject, and for every other ground.

    PASS has no element of its own; FAIL is a failure; INCONCLUSIVE and NOT_RUN are an error on a critical or
    major check, which is never skipped: a build must not go on because nobody could tell. A ground of the
    verdict that is no check (an unmet requirement, a draft contract) is a test case of a suite of its own,
    since a report without it could look like an approval.

    Guarantee: the same bytes for the same audit; well-formed XML 1.0, whatever the names are; nothing of a
    group below the privacy floor.
    """
    audit = published(audit)
    root = Element("testsuites", name=for_xml(f"Evenhand audit {audit.id}"))
    checks = _suite(root, f"{audit.contract.id}, version {audit.contract.version}", audit)
    for finding in audit.findings:
        _finding_case(checks, finding, audit)
    others = reasons_beyond_checks(audit)
    if others:
        beyond = _suite(root, "Beyond the checks", audit)
        for reason in others:
            _ground_case(beyond, reason, audit)
    for suite in root:
        suite.attrib.update(_counts(suite))
    root.attrib.update(_counts(root))
    indent(root)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode").encode() + b"\n"


def _suite(root: Element, name: str, audit: Audit) -> Element:
    moment = audit.created_at[:19]  # the format has no time zone; the audit's times are UTC
    suite = SubElement(root, "testsuite", name=for_xml(name), timestamp=moment)
    stated = {
        "verdict": audit.decision.verdict,
        "sentence": headline(audit).sentence,
        "audit": audit.id,
        "tool": f"evenhand {audit.tool_version}",
        "contract_sha256": audit.contract.sha256,
        "cube_sha256": counts_digest(audit),
        "benchmark_results": str(len(audit.evaluations)),
    } | ({"privacy": told} if (told := privacy_note(audit)) else {})
    accepted = accepted_sentences(audit)
    stated |= {f"accepted_conflict_{number}": said for number, said in enumerate(accepted, 1)}
    properties = SubElement(suite, "properties")
    for key, value in stated.items():
        SubElement(properties, "property", name=key, value=for_xml(value))
    return suite


def _finding_case(suite: Element, finding: Finding, audit: Audit) -> None:
    case = SubElement(
        suite,
        "testcase",
        classname=for_xml(f"{audit.contract.id}.{finding.stage}"),
        name=for_xml(" by ".join(part for part in (finding.check, " × ".join(finding.subject)) if part)),
    )
    outcome = _outcome(finding)
    if outcome is not None:
        told = f"{status_word(finding)}. {sentence(finding, audit)}"
        kind = finding.status if finding.status == "NOT_RUN" else f"{finding.status}.{finding.evidence}"
        SubElement(case, outcome, type=kind, message=for_xml(told)).text = for_xml(_body(finding, audit))


def _outcome(finding: Finding) -> Outcome | None:
    if finding.status == "PASS":
        return None
    if finding.status == "FAIL":
        return "failure"
    return "skipped" if finding.severity == "minor" else "error"


def _body(finding: Finding, audit: Audit) -> str:
    check = check_of(audit.contract, finding.check)
    limit = limit_words(check) if check else ""
    parts = [
        people_sentence(finding, audit),
        f"Limit: {limit}." if limit else "",
        f"Severity: {finding.severity}.",
        EVIDENCE_SENTENCES[finding.evidence] if finding.status != "NOT_RUN" else "",
        f"An exception is recorded: {finding.exception}" if finding.exception else "",
        f"Contract line {finding.line}." if finding.line else "",
        f"In full: evenhand explain {finding.check} --audit {audit.id}",
    ]
    return " ".join(part for part in parts if part)


def _ground_case(suite: Element, reason: DecisionReason, audit: Audit) -> None:
    name = ": ".join(part for part in (reason.ground, reason.subject) if part)
    case = SubElement(
        suite, "testcase", classname=for_xml(f"{audit.contract.id}.verdict"), name=for_xml(name)
    )
    blocks = {"requirement": "failure", "condition": "skipped"}
    outcome = blocks.get(reason.ground, "error")
    SubElement(case, outcome, type=reason.ground, message=for_xml(ground_sentence(reason, audit)))


def _counts(part: Element) -> dict[str, str]:
    """How many cases there are, and how many of each outcome."""
    tags = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    cases = list(part.iter("testcase"))
    found = {key: str(sum(case.find(tag) is not None for case in cases)) for key, tag in tags.items()}
    return {"tests": str(len(cases)), **found}

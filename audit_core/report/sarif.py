"""The findings as SARIF 2.1.0, located at the lines of the contract that ask for them."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal
from urllib.parse import quote

from audit_core.contract.schema import Check, Severity
from audit_core.decision.record import Audit
from audit_core.findings.finding import Finding
from audit_core.report.conflicts import accepted_sentences
from audit_core.report.escape import for_sarif, one_line
from audit_core.report.headline import ground_sentence, headline
from audit_core.report.limits import check_of, check_words
from audit_core.report.published import published
from audit_core.report.result_numbers import number
from audit_core.report.sentences import sentence
from audit_core.report.withheld import counts_digest, privacy_note
from audit_core.report.words import SEVERITY_SENTENCES, mark_of, status_word

Kind = Literal["pass", "fail", "review", "open"]
Level = Literal["error", "warning", "none"]
VERSION = "2.1.0"
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
FINGERPRINT = "evenhandFinding/v1"
LEVELS: dict[Severity, Level] = {"critical": "error", "major": "error", "minor": "warning"}
"""What blocks a release is an error; the format has no level between."""


def sarif_bytes(audit: Audit, contract: str = "contract.yaml") -> bytes:
    """Return the findings as SARIF: one result for every check and subject.

    `kind` is pass, fail, review (inconclusive: a person has to look) or open (too few people, undefined, or
    not run); only a fail has a level other than none. Texts are plain, there is no Markdown in the file.

    Parameters
    ----------
    contract
        Path of the contract as the reader of the file knows it, relative to the repository.

    Guarantee: the same bytes for the same audit and path; nothing of a group below the privacy floor.
    """
    audit = published(audit)
    log = {"$schema": SCHEMA, "version": VERSION, "runs": [_run(audit, contract)]}
    return (json.dumps(log, ensure_ascii=False, indent=2, allow_nan=False) + "\n").encode()


def _run(audit: Audit, contract: str) -> dict[str, Any]:
    judged = list(dict.fromkeys(finding.check for finding in audit.findings))
    checks = [check for name in judged if (check := check_of(audit.contract, name)) is not None]
    driver = {"name": "Evenhand", "version": audit.tool_version, "rules": [_rule(check) for check in checks]}
    head, decision = headline(audit), audit.decision
    accepted = [for_sarif(said) for said in accepted_sentences(audit)]
    place = quote(contract.replace("\\", "/"), safe="/", errors="replace")
    return {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"evenhand/{audit.contract.id}/{audit.id}"},
        "invocations": [
            {
                "executionSuccessful": True,
                "endTimeUtc": f"{audit.created_at[:19]}Z",
                "exitCode": decision.exit_code,
                "exitCodeDescription": for_sarif(f"{head.word}. {head.sentence}"),
            }
        ],
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(finding, audit, judged.index(finding.check), place) for finding in audit.findings
        ],
        "properties": {
            "verdict": decision.verdict,
            "reasons": [for_sarif(ground_sentence(reason, audit)) for reason in decision.reasons],
            "contractSha256": audit.contract.sha256,
            "cubeSha256": counts_digest(audit),
            **({"acceptedConflicts": accepted} if accepted else {}),
            **({"privacy": told} if (told := privacy_note(audit)) else {}),
            "benchmarkResults": len(audit.evaluations),
        },
    }


def _rule(check: Check) -> dict[str, Any]:
    return {
        "id": check.id,
        "shortDescription": {"text": for_sarif(check_words(check))},
        "fullDescription": {"text": for_sarif(one_line(check.why) or check_words(check))},
        "help": {"text": for_sarif(SEVERITY_SENTENCES[check.severity])},
        "defaultConfiguration": {"level": LEVELS[check.severity]},
        "properties": {
            "severity": check.severity,
            "stage": check.stage,
            "owner": for_sarif(check.owner),
            "tags": [check.stage, check.severity],
        },
    }


def _result(finding: Finding, audit: Audit, rule: int, place: str) -> dict[str, Any]:
    kind = _kind(finding)
    found: dict[str, Any] = {
        "ruleId": finding.check,
        "ruleIndex": rule,
        "kind": kind,
        "level": LEVELS[finding.severity] if kind == "fail" else "none",
        "message": {"text": for_sarif(f"{status_word(finding)}. {sentence(finding, audit)}")},
        "locations": [_location(finding, place)],
        "partialFingerprints": {FINGERPRINT: _fingerprint(finding)},
        "properties": {
            "status": finding.status,
            "evidence": finding.evidence,
            "reason": finding.reason,
            "attribute": [for_sarif(name) for name in finding.subject],
            "metric": finding.metric,
            "value": number(finding.value),
            "lower": number(finding.lower),
            "upper": number(finding.upper),
            "limit": number(finding.limit),
        },
    }
    if finding.exception:
        stated = {"kind": "external", "status": "accepted", "justification": for_sarif(finding.exception)}
        found["suppressions"] = [stated]
    return found


def _kind(finding: Finding) -> Kind:
    if finding.status == "PASS":
        return "pass"
    if finding.status == "FAIL":
        return "fail"
    return "review" if mark_of(finding) == "inconclusive" else "open"


def _location(finding: Finding, place: str) -> dict[str, Any]:
    where: dict[str, Any] = {"artifactLocation": {"uri": place}}
    if finding.line:
        where["region"] = {"startLine": finding.line}
    return {"physicalLocation": where}


def _fingerprint(finding: Finding) -> str:
    """What stays the same while the contract's lines move and the numbers change."""
    parts = json.dumps([finding.check, *finding.subject])
    return hashlib.sha256(parts.encode()).hexdigest()[:32]

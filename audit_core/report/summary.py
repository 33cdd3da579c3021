"""The summary: everything the Summary page and the one-page PDF show, as plain strings and a few numbers."""

from __future__ import annotations

from dataclasses import dataclass

from audit_core.decision.record import Audit
from audit_core.report.commitments import commitment_lines, commitments
from audit_core.report.escape import one_line
from audit_core.report.evaluations import evaluation_sentence
from audit_core.report.headline import Headline, headline
from audit_core.report.release_plan import release_plan
from audit_core.report.result import decision_digest
from audit_core.report.summary_facts import (
    FILL_IN,
    Audited,
    Card,
    RequirementLine,
    SignOffLine,
    Watch,
    audited,
    cards,
    requirement_lines,
    sign_off_lines,
)
from audit_core.report.summary_notes import Recommendation, not_known, recommendations
from audit_core.report.summary_rows import Row, found_rows
from audit_core.report.words import NOT_SIGNED, STATISTICS_NOT_LAW

__all__ = [
    "Audited",
    "Card",
    "Identity",
    "Recommendation",
    "RequirementLine",
    "Row",
    "SignOffLine",
    "Summary",
    "Watch",
    "summary",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What was audited, for whom and when. `model_version` is "" where the contract names none."""

    contract: str
    contract_version: str
    model: str
    model_version: str
    audit_id: str
    created_at: str
    date: str
    question: str
    population: str
    tool_version: str
    worked_example: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One audit on one page.

    `found` holds true positive rate gap, false positive rate gap and calibration of every protected
    attribute, drift, and every other check that is not within its limit, the weightiest first. `digest` is
    the SHA-256 of the decision.
    """

    identity: Identity
    headline: Headline
    cards: tuple[Card, ...]
    found: tuple[Row, ...]
    recommend: tuple[Recommendation, ...]
    not_known: tuple[str, ...]
    watches: tuple[Watch, ...]
    commitments: tuple[str, ...]
    audited: tuple[Audited, ...]
    requirements: tuple[RequirementLine, ...]
    sign_off: tuple[SignOffLine, ...]
    signed: str
    digest: str
    footnote: str


def summary(audit: Audit) -> Summary:
    """Return the summary of an audit."""
    found, plan = found_rows(audit), release_plan(audit)
    return Summary(
        identity=_identity(audit),
        headline=headline(audit),
        cards=cards(audit, found),
        found=found,
        recommend=recommendations(audit),
        not_known=not_known(audit),
        watches=commitment_lines(audit, plan),
        commitments=commitments(plan),
        audited=audited(audit),
        requirements=requirement_lines(audit),
        sign_off=sign_off_lines(audit),
        signed=NOT_SIGNED,
        digest=decision_digest(audit),
        footnote=" ".join(filter(None, (STATISTICS_NOT_LAW, evaluation_sentence(audit)))),
    )


def _identity(audit: Audit) -> Identity:
    contract = audit.contract
    approved = contract.status == "approved"
    asked, who = map(one_line, (contract.decision.question, contract.decision.population))
    return Identity(
        contract=contract.id,
        contract_version=contract.version + ("" if approved else f" ({contract.status})"),
        model=audit.model.name if audit.model else "decisions in the evaluation set",
        model_version=dict(contract.data.versions).get("model", ""),
        audit_id=audit.id,
        created_at=audit.created_at,
        date=audit.created_at[:10],
        question="The contract does not state the decision" if asked == FILL_IN else asked,
        population="The people it is about are not stated" if who == FILL_IN else who,
        tool_version=audit.tool_version,
        worked_example=audit.worked_example,
    )

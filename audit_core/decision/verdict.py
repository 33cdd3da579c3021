"""Findings and requirements become a verdict and an exit code; a pure function without a clock."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Verdict = Literal["APPROVED", "APPROVED_WITH_CONDITIONS", "INCONCLUSIVE", "BLOCKED"]
EXIT_CODES: dict[Verdict, int] = {
    "APPROVED": 0,
    "APPROVED_WITH_CONDITIONS": 0,
    "BLOCKED": 1,
    "INCONCLUSIVE": 2,
}
Ground = Literal[
    "requirement",
    "critical_fail",
    "major_fail",
    "critical_open",
    "major_open",
    "no_checks",
    "contract_draft",
    "contract_retired",
    "review_date_passed",
    "data_too_old",
    "data_age_unknown",
    "condition",
]


class JudgedCheck(Protocol):
    """What the decision needs to know of a finding."""

    @property
    def check(self) -> str: ...
    @property
    def severity(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def exception(self) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementState:
    """A requirement as it stands: stated by a person, or (`computed`) worked out from the data."""

    id: str
    met: bool
    blocking: bool
    by: str
    evidence: str
    computed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionReason:
    """One ground of the verdict, and the check, requirement or date it is about."""

    ground: Ground
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The verdict, its exit code, and every ground that led to it, the weightiest first."""

    verdict: Verdict
    exit_code: int
    reasons: tuple[DecisionReason, ...]


def decide(
    findings: Sequence[JudgedCheck],
    requirements: Sequence[RequirementState],
    withheld: Collection[DecisionReason] = (),
) -> Decision:
    """Return the decision.

    Parameters
    ----------
    withheld
        Grounds, other than checks, on which nothing may be approved (a draft contract, old data).

    Guarantee: nothing but a full set of PASS, with every requirement met, yields APPROVED; where no check
    ran, nothing is approved.
    """
    blocking = [
        DecisionReason(ground="requirement", subject=r.id) for r in requirements if r.blocking and not r.met
    ]
    blocking += _grounds(findings, "critical", "FAIL", "critical_fail", waivable=False)
    blocking += _grounds(findings, "major", "FAIL", "major_fail", waivable=True)
    ran = [finding for finding in findings if finding.status != "NOT_RUN"]
    still_open = [] if ran else [DecisionReason(ground="no_checks", subject="")]
    for status in ("INCONCLUSIVE", "NOT_RUN"):
        still_open += _grounds(findings, "critical", status, "critical_open", waivable=False)
    for status in ("INCONCLUSIVE", "NOT_RUN"):
        still_open += _grounds(findings, "major", status, "major_open", waivable=True)
    still_open += list(withheld)
    conditions = [DecisionReason(ground="condition", subject=f.check) for f in findings if f.status != "PASS"]
    conditions += [
        DecisionReason(ground="condition", subject=r.id) for r in requirements if not (r.met or r.blocking)
    ]
    if blocking:
        return _decision("BLOCKED", [*blocking, *still_open])
    if still_open:
        return _decision("INCONCLUSIVE", still_open)
    return _decision("APPROVED_WITH_CONDITIONS" if conditions else "APPROVED", conditions)


def _grounds(
    findings: Sequence[JudgedCheck], severity: str, status: str, ground: Ground, *, waivable: bool
) -> list[DecisionReason]:
    return [
        DecisionReason(ground=ground, subject=f.check)
        for f in findings
        if f.severity == severity and f.status == status and not (waivable and f.exception)
    ]


def _decision(verdict: Verdict, reasons: Sequence[DecisionReason]) -> Decision:
    unique = tuple(dict.fromkeys(reasons))
    return Decision(verdict=verdict, exit_code=EXIT_CODES[verdict], reasons=unique)

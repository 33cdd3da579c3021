"""The banner: the verdict's words, one sentence, and the contract check behind it."""

from __future__ import annotations

from dataclasses import dataclass

from audit_core.decision.record import Audit
from audit_core.decision.verdict import DecisionReason
from audit_core.findings.finding import Finding
from audit_core.report.limits import check_of, check_words, limit_words
from audit_core.report.numbers import counted
from audit_core.report.people import of_every_hundred, subject_words
from audit_core.report.readings import reading
from audit_core.report.regression import regression_people
from audit_core.report.sentences import rate_behind, sentence
from audit_core.report.words import VERDICT_MARKS, Mark, finding_name, lower_first, status_word, verdict_word

_CHECK_GROUNDS = ("critical_fail", "major_fail", "critical_open", "major_open", "condition")


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The banner: `word` and `mark` of the verdict, one `sentence`, the `check` behind it in words.

    `check_id` is the check, requirement or date at the head of the grounds; `more` counts the others.
    """

    word: str
    mark: Mark
    sentence: str
    check: str
    check_id: str
    more: int


def headline(audit: Audit) -> Headline:
    """Return the banner of an audit."""
    verdict, reasons = audit.decision.verdict, audit.decision.reasons
    leading = _leading(audit)
    text, check = _approved(audit), ""
    if leading is not None:
        finding = audit_finding(audit, leading)
        text = _because_of_check(finding, audit) if finding else ground_sentence(leading, audit)
        check = _check_line(finding, audit) if finding else ""
        if verdict == "APPROVED_WITH_CONDITIONS":
            goes_on = "the canary" if audit.stages == ("canary",) else "the release"
            text = f"Nothing blocks {goes_on}, but not every check is within its limit. {text}"
    return Headline(
        word=verdict_word(verdict, audit.stages),
        mark=VERDICT_MARKS[verdict],
        sentence=text,
        check=check,
        check_id=leading.subject if leading else "",
        more=max(0, len(reasons) - 1),
    )


def audit_finding(audit: Audit, reason: DecisionReason) -> Finding | None:
    """Return the finding a ground of the verdict is about: of several subjects, the one furthest out.

    Proven before unproven, then the largest value (the smallest ratio); the contract's order decides ties.
    """
    if reason.ground not in _CHECK_GROUNDS:
        return None
    wanted = {"critical_fail": ("FAIL",), "major_fail": ("FAIL",)}.get(
        reason.ground, ("INCONCLUSIVE", "NOT_RUN", "FAIL")
    )
    same = [finding for finding in audit.findings if finding.check == reason.subject]
    ranked = [f for status in wanted for f in same if f.status == status]
    return min(ranked, key=lambda f: (wanted.index(f.status), *_nearness(f))) if ranked else None


def _nearness(finding: Finding) -> tuple[bool, float]:
    """Sort key: the further outside its limit, the earlier."""
    value = float(finding.value) if finding.value is not None else 0.0
    return finding.evidence != "CONFIRMED", value if finding.compare == "ratio" else -value


def ground_sentence(reason: DecisionReason, audit: Audit) -> str:
    """Return one ground of the verdict as a sentence."""
    finding = audit_finding(audit, reason)
    if finding is not None:
        return f"{status_word(finding)}: {sentence(finding, audit)}"
    if reason.ground == "requirement":
        stated = next((r for r in audit.requirements if r.id == reason.subject), None)
        owner = f" It is answered for by {stated.by}." if stated and stated.by else ""
        return f"A requirement that blocks the release is not met: {_plain(reason.subject)}.{owner}"
    review = audit.contract.review_by or reason.subject
    age = audit.contract.data.max_age_days
    oldest = counted(age, "days") if age is not None else "the contract's limit"
    return {
        "no_checks": "No check of the contract ran, so there is nothing to approve.",
        "contract_draft": "The release contract is a draft; only an approved one can approve a release.",
        "contract_retired": "The release contract is retired; only an approved one can approve a release.",
        "review_date_passed": f"The release contract was due for review by {review}; renew it first.",
        "data_too_old": f"The evaluation data are older than the contract allows ({oldest}).",
        "data_age_unknown": f"The contract limits the age of the data ({oldest}); their age is not known.",
    }.get(reason.ground, "The contract has a condition on this release.")


def reasons_beyond_checks(audit: Audit) -> tuple[DecisionReason, ...]:
    """Return the grounds of the verdict that no finding tells: requirements, the contract's own state."""
    return tuple(reason for reason in audit.decision.reasons if audit_finding(audit, reason) is None)


def people_sentence(finding: Finding, audit: Audit) -> str:
    """Return a finding as a sentence about people, or "" where its metric has none."""
    if finding.change is not None:
        return regression_people(finding, audit)
    high, low = finding.high, finding.low
    if high is None or low is None or high.group == low.group or finding.value is None:
        return ""
    pair = ((high.group, high.value), (low.group, low.value))
    metric, favourable = rate_behind(finding, audit), finding.compare == "ratio"
    return of_every_hundred(metric, pair, audit.contract, favourable=favourable)


def _leading(audit: Audit) -> DecisionReason | None:
    """The ground to name first: within the weightiest kind, a confirmed finding of the primary check."""
    reasons = audit.decision.reasons
    if not reasons:
        return None
    same = [reason for reason in reasons if reason.ground == reasons[0].ground]
    return min(same, key=lambda reason: _weight(audit_finding(audit, reason)))


def _weight(finding: Finding | None) -> tuple[bool, bool, bool]:
    if finding is None:
        return False, False, False
    return finding.status != "FAIL", not finding.primary, finding.evidence != "CONFIRMED"


def _because_of_check(finding: Finding, audit: Audit) -> str:
    people, read = people_sentence(finding, audit), reading(finding)
    what = f"{finding_name(finding)} by {subject_words(finding.subject)}"
    if finding.change is not None:
        return " ".join(part for part in (people, sentence(finding, audit)) if part)
    if finding.status == "FAIL" and people and read.value is not None:
        limit = limit_words_of(finding, audit)
        return f"{people} The contract allows a {'ratio' if read.compare == 'ratio' else 'gap'} of {limit}."
    if (
        finding.status == "INCONCLUSIVE"
        and read.value is not None
        and finding.compare in ("difference", "ratio")
    ):
        return f"These data cannot yet show that the contract's limit is kept: {lower_first(what)}."
    return sentence(finding, audit)


def limit_words_of(finding: Finding, audit: Audit) -> str:
    """Return the limit a finding is compared with, in words."""
    check = check_of(audit.contract, finding.check)
    return (limit_words(check) if check else "") or "what its check states"


def _check_line(finding: Finding, audit: Audit) -> str:
    check = check_of(audit.contract, finding.check)
    asked = check_words(check) if check else finding_name(finding)
    line = f", line {finding.line}" if finding.line else ""
    return f"Check {finding.check} ({finding.severity}{line}): {asked}. {status_word(finding)}."


def _approved(audit: Audit) -> str:
    checks = len({finding.check for finding in audit.findings})
    every = "The one check" if checks == 1 else f"Each of the {counted(checks, 'checks')}"
    shown = f"{every} this run decides on is shown to be within its limit, for every group it names."
    if all(finding.evidence == "CONFIRMED" for finding in audit.findings):
        return shown
    return (
        f"{every} this run decides on is within its limit, for every group it names; of the rise of harm "
        "against the baseline that is so of the measured values, which is all the contract asks."
    )


def _plain(identifier: str) -> str:
    return identifier.replace("_", " ")

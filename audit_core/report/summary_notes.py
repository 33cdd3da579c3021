"""What is not known, and what follows from what was found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from audit_core.cube.count_cube import is_unknown
from audit_core.decision.record import Audit
from audit_core.decision.verdict import DecisionReason
from audit_core.findings.finding import Finding
from audit_core.metrics.estimate import Measured, TooFew
from audit_core.report.headline import audit_finding, ground_sentence
from audit_core.report.limits import check_of, needs_sentence
from audit_core.report.numbers import count, counted, percent
from audit_core.report.people import subject_words
from audit_core.report.sentences import names_text
from audit_core.report.summary_facts import compared_subjects, coverage
from audit_core.report.words import LABEL_CAVEAT, REMEDIES, measure_name, status_word


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """What to do next, whose it is, and the check or requirement it follows from."""

    text: str
    owner: str
    check: str


def not_known(audit: Audit) -> tuple[str, ...]:
    """Return what this audit cannot say, the weightiest first."""
    return tuple(
        dict.fromkeys([*_open_checks(audit), *_thin_groups(audit), *_unknown_groups(audit), *_rows(audit),
                       *_labels(audit)])
    )  # fmt: skip


def recommendations(audit: Audit) -> tuple[Recommendation, ...]:
    """Return what follows from each ground of the verdict, in the order of its weight."""
    proven: list[Finding] = []
    made: list[Recommendation] = []
    for reason in audit.decision.reasons:
        finding = audit_finding(audit, reason)
        if finding is None:
            made.append(_for_ground(reason, audit))
            continue
        for same in _same(finding, reason, audit):
            if (same.status, same.evidence) == ("FAIL", "CONFIRMED"):
                proven.append(same)
            else:
                made.append(_for_finding(same, audit))
    if not proven and not made:
        text = "Release under the contract, and keep to what it watches."
        made.append(Recommendation(text=text, owner="", check=""))
    return tuple(dict.fromkeys([*_for_proven(proven, audit), *made]))


def _for_proven(findings: list[Finding], audit: Audit) -> Iterator[Recommendation]:
    """One line for all confirmed findings of the same owner and response; more data change none of them."""
    by_response: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        check = check_of(audit.contract, finding.check)
        on_fail = check.on_fail if check else None
        owner = on_fail.notify if on_fail else check.owner if check else ""
        by_response.setdefault((owner, on_fail.action if on_fail else ""), []).append(finding)
    for (owner, action), same in by_response.items():
        verb = "is" if len(same) == 1 else "are"
        text = f"{names_text([_what(f) for f in same])} {verb} shown to be outside the limit: "
        text += "change the model or the data, then audit again."
        text += f" The contract's response: {action.replace('_', ' ')}." if action else ""
        yield Recommendation(text=text, owner=owner, check=same[0].check)


def _same(finding: Finding, reason: DecisionReason, audit: Audit) -> list[Finding]:
    """Every finding of the check that a ground is about; a check has one per subject."""
    open_ = reason.ground in ("critical_open", "major_open")
    wanted: tuple[str, ...] = ("INCONCLUSIVE", "NOT_RUN") if open_ else ("FAIL", "INCONCLUSIVE", "NOT_RUN")
    if reason.ground in ("critical_fail", "major_fail"):
        wanted = ("FAIL",)
    return [f for f in audit.findings if f.check == finding.check and f.status in wanted]


def _for_finding(finding: Finding, audit: Audit) -> Recommendation:
    check = check_of(audit.contract, finding.check)
    what = _what(finding)
    if finding.status == "NOT_RUN":
        text = f"{what}: {REMEDIES.get(finding.reason, REMEDIES['not_computed'])}."
    elif finding.status == "FAIL":
        needs = needs_sentence(finding.needs) or "Measure more people to confirm or clear it."
        text = f"{what} is outside the limit, not confirmed. {needs}{_exception(finding, audit)}"
    else:
        needs = needs_sentence(finding.needs) or "More data are needed to settle it."
        text = f"{what} is undecided ({status_word(finding).lower()}). {needs}"
    owner = check.on_fail.notify if check and check.on_fail else check.owner if check else ""
    return Recommendation(text=text, owner=owner, check=finding.check)


def _what(finding: Finding) -> str:
    what = measure_name(finding.metric, finding.compare)
    return what + (f" by {subject_words(finding.subject)}" if finding.subject else "")


def _exception(finding: Finding, audit: Audit) -> str:
    """Who could accept it; a critical failure can't be waived."""
    policy = audit.contract.signoff
    if finding.severity != "major" or not policy.exception_approvers:
        return ""
    days = "with an end date"
    if policy.exception_max_days:
        days = f"for at most {counted(policy.exception_max_days, 'days')}"
    return f" Or record an exception, approved by {names_text(policy.exception_approvers)}, {days}."


def _for_ground(reason: DecisionReason, audit: Audit) -> Recommendation:
    stated = next((r for r in audit.requirements if r.id == reason.subject), None)
    owner = stated.by if stated and reason.ground == "requirement" else audit.contract.author
    return Recommendation(text=ground_sentence(reason, audit), owner=owner, check=reason.subject)


def _open_checks(audit: Audit) -> Iterator[str]:
    for finding in audit.findings:
        if finding.status not in ("INCONCLUSIVE", "NOT_RUN"):
            continue
        what = _what(finding)
        if finding.status == "NOT_RUN":
            why = REMEDIES.get(finding.reason, REMEDIES["not_computed"]).partition(". ")[0]
            yield f"{what} was not judged: {why}."
        elif finding.reason in ("too_few", "thin_group") and finding.names:
            yield f"{what} is undecided: {names_text(finding.names)} too few to judge."
        else:
            yield f"{what} is undecided ({status_word(finding).lower()}), which is not within the limit."


def _thin_groups(audit: Audit) -> Iterator[str]:
    support = audit.contract.support
    for subject in compared_subjects(audit):
        judged, total, people_judged, people = coverage(audit, subject)
        if judged < total:
            share = f", {percent(people_judged / people)} of people are in the others" if people else ""
            yield (
                f"{total - judged} of {total} groups of {subject_words(subject)} hold fewer than "
                f"{support.positives} positives or {support.negatives} negatives{share}. "
                "No conclusion is drawn about them."
            )


def _unknown_groups(audit: Audit) -> Iterator[str]:
    measured = audit.measurements
    for attribute in audit.contract.data.attributes:
        subject = (attribute.name,)
        unknown = everybody = 0
        for group in measured.groups_of(subject):
            estimate = measured.rate(subject, group, "label_coverage")
            rows = estimate.denominator if isinstance(estimate, Measured | TooFew) else 0
            everybody += rows
            unknown += rows if is_unknown(group) else 0
        if unknown:
            yield (
                f"{counted(unknown, 'people')} of {count(everybody)} ({percent(unknown / everybody)}) "
                f"have no known {attribute.name}; they are in no gap."
            )


def _rows(audit: Audit) -> Iterator[str]:
    intake = audit.counted.intake
    for reason, rows in intake.dropped:
        if rows:
            yield f"{counted(rows, 'rows')} of {count(intake.rows)} were left out: {reason}."
    if intake.missing_label:
        yield f"{counted(intake.missing_label, 'rows')} have no outcome and are in no error rate."
    if intake.edge_rows:
        yield (
            f"{counted(intake.edge_rows, 'rows')} lie so close to the threshold that their score band is on "
            "its other side; their decision is counted as it was made."
        )
    if intake.repeated:
        yield (
            f"{counted(intake.repeated, 'rows')} repeat an earlier person; "
            "intervals treat them as separate people."
        )
    for axis, levels in intake.folded:
        yield f"{counted(levels, 'rare groups')} of {axis} were put together and are not told apart."


def _labels(audit: Audit) -> Iterator[str]:
    data = audit.contract.data
    if data.label is not None:
        yield LABEL_CAVEAT
    if data.label is not None and data.training_label and data.training_label != data.label.column:
        yield (
            f"The model was fitted to “{data.training_label}”, not to the outcome “{data.label.column}” "
            "that it is judged by here."
        )

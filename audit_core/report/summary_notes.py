"""What is not known, and what follows from what was found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from audit_core.cube.count_cube import is_unknown
from audit_core.decision.record import Audit
from audit_core.decision.verdict import DecisionReason
from audit_core.findings.finding import Finding
from audit_core.metrics.estimate import Measured, TooFew
from audit_core.report.conflicts import accepted_sentences
from audit_core.report.escape import clip
from audit_core.report.evaluations import limit_sentences
from audit_core.report.headline import audit_finding, ground_sentence
from audit_core.report.limits import check_of
from audit_core.report.matrix import not_checked
from audit_core.report.numbers import count, counted, percent
from audit_core.report.people import people as words_for_people
from audit_core.report.people import subject_words
from audit_core.report.summary_facts import compared_subjects, coverage
from audit_core.report.takes_words import takes_sentence
from audit_core.report.withheld import PublishedAudit, hidden_words
from audit_core.report.words import LABEL_CAVEAT, REMEDIES, finding_name, names_text, status_word

MORE_DATA = "More data are needed to settle it."
LONGEST = 120
"""A measure with its attribute in a list of them is not cut before this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """What to do next, whose it is, and the check or requirement it follows from."""

    text: str
    owner: str
    check: str


def not_known(audit: Audit) -> tuple[str, ...]:
    """Return what this audit cannot say, the weightiest first.

    Conflicts that a person accepted come before all, since every report prints them.
    """
    return tuple(
        dict.fromkeys([*accepted_sentences(audit), *_open_checks(audit), *_hidden_groups(audit),
                       *_thin_groups(audit), *_unknown_groups(audit), *_rows(audit), *_baseline(audit),
                       *not_checked(audit.contract),
                       *_benchmarks(audit), *_labels(audit)])
    )  # fmt: skip


def _baseline(audit: Audit) -> Iterator[str]:
    """That the baseline was decided under a contract of another name."""
    baseline = audit.counted.baseline
    if baseline is not None and baseline.other_contract:
        yield (
            f"The baseline was decided under another contract ({clip(baseline.other_contract, 80)}); its "
            "approval says nothing about the limits of this one."
        )


def recommendations(audit: Audit) -> tuple[Recommendation, ...]:
    """Return what follows from each ground of the verdict, in the order of its weight."""
    proven: list[Finding] = []
    missing: dict[str, list[Finding]] = {}
    made: list[Recommendation] = []
    for reason in audit.decision.reasons:
        finding = audit_finding(audit, reason)
        if finding is None:
            made.append(_for_ground(reason, audit))
            continue
        for same in _same(finding, reason, audit):
            if (same.status, same.evidence) == ("FAIL", "CONFIRMED"):
                proven.append(same)
            elif same.status == "NOT_RUN":
                missing.setdefault(same.reason, []).append(same)
            else:
                made.append(_for_finding(same, audit))
    made += [_for_missing(findings, audit) for findings in missing.values()]
    if proven:
        made.insert(0, _for_proven(proven, audit))
    if not made:
        goes_on = "Go on with the release" if audit.stages == ("canary",) else "Release under the contract"
        text = (
            f"{goes_on}, and keep to what {'the contract' if audit.stages == ('canary',) else 'it'} watches."
        )
        made.append(Recommendation(text=text, owner="", check=""))
    return tuple(dict.fromkeys(made))


def _for_proven(findings: list[Finding], audit: Audit) -> Recommendation:
    """One line for all confirmed findings: more of the same data changes none of them."""
    named = []
    for finding in findings:
        check = check_of(audit.contract, finding.check)
        action = check.on_fail.action.replace("_", " ") if check and check.on_fail else ""
        named.append(_what(finding) + (f" ({action})" if action else ""))
    verb = "is" if len(named) == 1 else "are"
    text = "Change the model or the data, then audit again: "
    text += f"{names_text(named, LONGEST)} {verb} shown to be outside the limit."
    return Recommendation(text=text, owner=_owners(findings, audit), check=findings[0].check)


def _for_missing(findings: list[Finding], audit: Audit) -> Recommendation:
    """One line for the checks that could not run for the same reason."""
    named = names_text(tuple(dict.fromkeys(_what(finding) for finding in findings)), LONGEST)
    remedy = REMEDIES.get(findings[0].reason, REMEDIES["not_computed"])
    text = f"{named}: {remedy}."
    return Recommendation(text=text, owner=_owners(findings, audit), check=findings[0].check)


def _owners(findings: list[Finding], audit: Audit) -> str:
    owners = []
    for finding in findings:
        check = check_of(audit.contract, finding.check)
        owners.append(check.on_fail.notify if check and check.on_fail else check.owner if check else "")
    return ", ".join(dict.fromkeys(owner for owner in owners if owner))


def _same(finding: Finding, reason: DecisionReason, audit: Audit) -> list[Finding]:
    """Every finding of the check that a ground is about; a check has one per subject."""
    open_ = reason.ground in ("critical_open", "major_open")
    wanted: tuple[str, ...] = ("INCONCLUSIVE", "NOT_RUN") if open_ else ("FAIL", "INCONCLUSIVE", "NOT_RUN")
    if reason.ground in ("critical_fail", "major_fail"):
        wanted = ("FAIL",)
    return [f for f in audit.findings if f.check == finding.check and f.status in wanted]


def _for_finding(finding: Finding, audit: Audit) -> Recommendation:
    what = _what(finding)
    if finding.status == "FAIL":
        needs = _needs(finding, audit) or "Measure more people to confirm or clear it."
        text = f"{what} is outside the limit, not confirmed. {needs}{_exception(finding, audit)}"
    else:
        needs = _needs(finding, audit) or MORE_DATA
        text = f"{what} is undecided ({status_word(finding).lower()}). {needs}"
    return Recommendation(text=text, owner=_owners([finding], audit), check=finding.check)


def _needs(finding: Finding, audit: Audit) -> str:
    """What would change the answer, in the contract's own words for people."""
    return takes_sentence(finding, audit, words_for_people(audit.contract))


def _what(finding: Finding) -> str:
    what = finding_name(finding)
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
    """Checks without an answer, those with the same cause in one line."""
    by_cause: dict[str, list[str]] = {}
    for finding in audit.findings:
        if finding.status in ("INCONCLUSIVE", "NOT_RUN"):
            by_cause.setdefault(_cause(finding), []).append(_what(finding))
    for cause, checks in by_cause.items():
        yield f"{names_text(tuple(dict.fromkeys(checks)), LONGEST)}: {cause}."


def _cause(finding: Finding) -> str:
    if finding.status == "NOT_RUN":
        why = REMEDIES.get(finding.reason, REMEDIES["not_computed"]).partition(". ")[0]
        return f"not judged, since {why}"
    if finding.reason in ("too_few", "thin_group", "drift_insufficient") and finding.names:
        return f"undecided, since there are too few of {names_text(finding.names)}"
    return {
        "either_way": "undecided, since the true value may lie on either side of the limit",
        "point_beyond": "undecided, since the true value may lie on either side of the limit",
        "too_many_unknown": "undecided, since over a tenth of the rows have no known group",
        "baseline_not_approved": "undecided, since nothing shows that the baseline was approved",
        "one_group": "undecided, since only one group has data",
        "undefined": "undefined, since there is nothing to divide by",
    }.get(finding.reason, f"undecided ({status_word(finding).lower()})")


def _hidden_groups(audit: Audit) -> Iterator[str]:
    """That something is not shown, where the page is for readers outside the workspace."""
    if isinstance(audit, PublishedAudit) and audit.release.mask:
        yield (
            f"{hidden_words(audit.release)}; others are held back so that no subtraction brings them out, "
            "and drift and changes are stated more roughly. The verdict was reached on all counts."
        )


def _thin_groups(audit: Audit) -> Iterator[str]:
    support = audit.contract.support
    for subject in compared_subjects(audit):
        judged, total, people_judged, people = coverage(audit, subject)
        few = total - judged
        if few:
            hold, they = ("holds", "it") if few == 1 else ("hold", "they")
            share = ""
            if people and judged:
                share = f" {percent(people_judged / people)} of people are in the other groups."
            yield (
                f"{few} of {counted(total, 'groups')} of {subject_words(subject)} {hold} fewer than "
                f"{support.positives} positives or {support.negatives} negatives: "
                f"{they} can't be shown to be within a limit.{share}"
            )


def _unknown_groups(audit: Audit) -> Iterator[str]:
    measured = audit.measurements
    for attribute in audit.contract.data.attributes:
        subject = (attribute.name,)
        if isinstance(audit, PublishedAudit) and not audit.release.whole(subject):
            continue
        unknown = everybody = 0
        for group in measured.groups_of(subject):
            estimate = measured.rate(subject, group, "label_coverage")
            rows = estimate.denominator if isinstance(estimate, Measured | TooFew) else 0
            everybody += rows
            unknown += rows if is_unknown(group) else 0
        if unknown:
            have, they = ("has", "that person is") if unknown == 1 else ("have", "they are")
            yield (
                f"{counted(unknown, 'people')} of {count(everybody)} ({percent(unknown / everybody)}) "
                f"{have} no known {attribute.name}; {they} in no gap."
            )


def _rows(audit: Audit) -> Iterator[str]:
    intake = audit.counted.intake
    for reason, rows in intake.dropped:
        if rows:
            were = "was" if rows == 1 else "were"
            yield f"{counted(rows, 'rows')} of {count(intake.rows)} {were} left out: {reason}."
    if intake.missing_label:
        have, are = ("has", "is") if intake.missing_label == 1 else ("have", "are")
        yield f"{counted(intake.missing_label, 'rows')} {have} no outcome and {are} in no error rate."
    if intake.edge_rows:
        lie, their = ("lies", "its") if intake.edge_rows == 1 else ("lie", "their")
        yield (
            f"{counted(intake.edge_rows, 'rows')} {lie} so close to the threshold that {their} score band is "
            f"on the other side of it; {their} decision is counted as it was made."
        )
    if intake.repeated:
        repeat = "repeats" if intake.repeated == 1 else "repeat"
        yield (
            f"{counted(intake.repeated, 'rows')} {repeat} an earlier person; intervals are widened for it, "
            "as the rows of one person say less than as many people."
        )
    for axis, levels in intake.folded:
        were, are = ("was", "is") if levels == 1 else ("were", "are")
        yield f"{counted(levels, 'rare groups')} of {axis} {were} put together and {are} not told apart."


def _benchmarks(audit: Audit) -> Iterator[str]:
    """What the attached benchmarks can't show; their limits go wherever their results go."""
    yield from (f"Limit of a benchmark. {sentence}" for sentence in limit_sentences(audit))


def _labels(audit: Audit) -> Iterator[str]:
    data = audit.contract.data
    if data.label is not None:
        yield LABEL_CAVEAT
    if data.label is not None and data.training_label and data.training_label != data.label.column:
        yield (
            f"The model was fitted to “{data.training_label}”, not to the outcome “{data.label.column}” "
            "that it is judged by here."
        )

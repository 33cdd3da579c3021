"""Facts of the summary: cards, what was audited, requirements, what is watched after release, sign-off."""

from __future__ import annotations

from dataclasses import dataclass

from audit_core.contract.schema import Check, Subject
from audit_core.cube.count_cube import is_unknown
from audit_core.decision.record import Audit
from audit_core.metrics.estimate import Group, Measured, TooFew
from audit_core.report.escape import one_line
from audit_core.report.limits import limit_words, warn_words
from audit_core.report.numbers import count, counted, percent
from audit_core.report.people import subject_words
from audit_core.report.summary_rows import Row
from audit_core.report.withheld import PublishedAudit, counts_digest
from audit_core.report.words import NOT_SIGNED, Mark, measure_name

FILL_IN = "(fill in)"
_ROLES = {
    "model": "Model",
    "train": "Training sample",
    "evaluation": "Evaluation set",
    "table": "Table of counts",
    "pairs": "Matched pairs",
    "baseline": "Approved baseline",
    "window": "Window",
    "benchmarks": "Benchmark results",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One of the four cards: a number and what qualifies it."""

    label: str
    number: str
    qualifier: str
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Audited:
    """One thing that was read: its part, its name and version, its rows, its hash."""

    item: str
    name: str
    rows: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementLine:
    """A requirement as it stands, in words."""

    name: str
    met: bool
    blocking: bool
    by: str
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What the contract watches once the model is released."""

    what: str
    stage: str
    window: str
    limit: str
    action: str
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOffLine:
    """One signature the contract asks for; `state` says that it is not there."""

    role: str
    name: str
    state: str


def cards(audit: Audit, found: tuple[Row, ...]) -> tuple[Card, ...]:
    """Return the four cards: primary gap, guardrail, groups that could be judged, largest drift."""
    gaps = [row for row in found if row.bar is not None and row.short != "Input drift"]
    primary = next((row for row in gaps if row.primary), gaps[0] if gaps else None)
    second = next((row for row in gaps if _beside(row, primary)), None)
    drift = next((row for row in found if row.short == "Input drift"), None)
    made = [_row_card(row) for row in (primary, second) if row is not None]
    made.append(_coverage_card(audit))
    made.append(_row_card(drift) if drift is not None and drift.value else _rows_card(audit))
    return tuple(made)


def audited(audit: Audit) -> tuple[Audited, ...]:
    """Return what was read, and the hashes of contract and counts."""
    versions = dict(audit.contract.data.versions)
    made = []
    for source in sorted(audit.sources, key=lambda s: list(_ROLES).index(s.role)):
        version = versions.get(source.role, "")
        name = f"{source.name} ({version})" if version else source.name
        rows = counted(source.rows, "rows") if source.rows else ""
        made.append(Audited(item=_ROLES[source.role], name=name, rows=rows, sha256=source.sha256))
    contract = audit.contract
    return (
        *made,
        Audited(
            item="Release contract",
            name=f"{contract.id}, version {contract.version} ({contract.status})",
            rows=counted(len(contract.checks), "checks"),
            sha256=contract.sha256,
        ),
        Audited(
            item="Counts (cube)",
            name="everything above was computed from these counts",
            rows=f"{counted(audit.counted.intake.counted, 'rows')} counted",
            sha256=counts_digest(audit),
        ),
    )


def requirement_lines(audit: Audit) -> tuple[RequirementLine, ...]:
    """Return the requirements, unmet ones first."""
    lines = [
        RequirementLine(
            name=state.id.replace("_", " "),
            met=state.met,
            blocking=state.blocking,
            by=state.by,
            evidence=one_line(state.evidence),
        )
        for state in audit.requirements
    ]
    return tuple(sorted(lines, key=lambda line: (line.met, not line.blocking)))


def watches(audit: Audit) -> tuple[Watch, ...]:
    """Return the contract's canary and monitor checks."""
    return tuple(_watch(check) for check in audit.contract.checks if check.stage in ("canary", "monitor"))


def sign_off_lines(audit: Audit) -> tuple[SignOffLine, ...]:
    """Return one line for every signature the contract requires."""
    roles = {role.id: role for role in audit.contract.roles}
    lines = []
    for role_id, wanted in audit.contract.signoff.require:
        role = roles.get(role_id)
        name = role.name if role and role.name != FILL_IN else ""
        lines += [SignOffLine(role=role_id, name=name, state=NOT_SIGNED)] * wanted
    return tuple(lines)


def coverage(audit: Audit, subject: Subject) -> tuple[int, int, int, int]:
    """Return (groups judged, groups, people in judged groups, people) of a subject.

    A group is judged when positives and negatives both reach the contract's support; groups of unknown
    people are no groups, but their people count. In what leaves the workspace no people are counted (0, 0):
    their share would tell how many are in the other groups.
    """
    if isinstance(audit, PublishedAudit):
        return (*next((told[1:] for told in audit.judged if told[0] == subject), (0, 0)), 0, 0)
    judged = total = people_judged = people = 0
    for group in audit.measurements.groups_of(subject):
        rows = _rows_of(audit, subject, group)
        people += rows
        if is_unknown(group):
            continue
        total += 1
        rates = [audit.measurements.rate(subject, group, metric) for metric in ("tpr", "fpr")]
        if all(isinstance(rate, Measured) for rate in rates):
            judged += 1
            people_judged += rows
    return judged, total, people_judged, people


def compared_subjects(audit: Audit) -> tuple[Subject, ...]:
    """Return the protected attributes and declared intersections that were measured."""
    declared: list[Subject] = [(attribute.name,) for attribute in audit.contract.data.attributes]
    declared += audit.contract.data.intersections
    return tuple(subject for subject in declared if subject in audit.measurements.subjects)


def _rows_of(audit: Audit, subject: Subject, group: Group) -> int:
    estimate = audit.measurements.rate(subject, group, "label_coverage")
    return estimate.denominator if isinstance(estimate, Measured | TooFew) else 0


def _beside(row: Row, primary: Row | None) -> bool:
    return primary is not None and row is not primary and row.title != primary.title


def _row_card(row: Row) -> Card:
    label = f"{row.short}, {row.subject}"
    limit = "" if row.mark == "no_limit" else f"contract: {row.limit}"
    parts = [row.bounds or row.interval, row.counts, limit]
    return Card(
        label=label, number=row.value, qualifier="; ".join(part for part in parts if part), mark=row.mark
    )


def _coverage_card(audit: Audit) -> Card:
    found = [coverage(audit, subject) for subject in compared_subjects(audit)]
    judged, total = sum(part[0] for part in found), sum(part[1] for part in found)
    shares = [part[2] / part[3] for part in found if part[3]]
    few = total - judged
    note = f"{count(few)} too few" if few else "none too few"
    if shares and min(shares) == 1:
        note += "; everybody is in a judged group"
    elif shares:
        note += f"; at least {percent(min(shares))} of people are in a judged group"
    mark: Mark = "within" if total and not few else "too_few"
    return Card(label="Groups judged", number=f"{judged} of {total}", qualifier=note, mark=mark)


def _rows_card(audit: Audit) -> Card:
    intake = audit.counted.intake
    note = f"of {count(intake.rows)} in the file; no training sample to compare inputs with"
    return Card(label="Rows audited", number=count(intake.counted), qualifier=note, mark="no_limit")


def _watch(check: Check) -> Watch:
    what = measure_name(check.metric, check.compare or "none")
    if check.of:
        what += ", " + ", ".join(subject_words(subject) for subject in check.of)
    limit = "; ".join(part for part in (warn_words(check), limit_words(check)) if part)
    return Watch(
        what=what,
        stage=check.stage,
        window=check.window or "",
        limit=limit,
        action=check.on_fail.action.replace("_", " ") if check.on_fail else "",
        who=check.on_fail.notify if check.on_fail else check.owner,
    )

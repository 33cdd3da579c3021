"""Incidents in words, in lines of a terminal and as records: what, since when, who answers, by when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from audit_core.decision.followed import AlertKind, Followed, Incident, TrendPoint
from audit_core.decision.plan import Plan
from audit_core.findings.finding import Finding, GroupValue
from audit_core.report.charts.drift import DRIFT_WORDS
from audit_core.report.escape import clip, for_json, for_terminal
from audit_core.report.incident_words import COARSE, told_sentence
from audit_core.report.numbers import Number, counted
from audit_core.report.readings import reading
from audit_core.report.watch_words import (
    LONGEST,
    told_by_subtraction,
    told_of_few,
    watch_of,
    watch_words,
)

SCHEMA = "evenhand/incident/v1"

KIND_WORDS: dict[AlertKind, str] = {
    "confirmed": "Outside limit",
    "unconfirmed": "Outside limit, not confirmed",
    "warning": "Past its warning",
    "trend": "Slow change",
    "drift": "Drift",
    "silence": "No data",
    "labels_overdue": "Outcomes overdue",
    "rows_dropped": "Rows left out",
}
LEVEL_WORDS = {"page": "Page", "ticket": "Ticket", "none": "Note"}
_LEVELS: tuple[AlertKind, ...] = ("warning", "unconfirmed", "confirmed")
_URGENT_FIRST = ("page", "ticket", "none")
_KINDS_FIRST: tuple[AlertKind, ...] = (
    "confirmed", "unconfirmed", "trend", "silence", "rows_dropped", "labels_overdue", "drift", "warning",
)  # fmt: skip


def incident_sentence(
    incident: Incident, plan: Plan, *, trends: Sequence[TrendPoint] = (), hide_under: int = 0
) -> str:
    """Return an incident in words: what, since when, its number with range and count, the owner, the time.

    `trends` and `hide_under` are those of `told_sentence`.
    """
    told = told_sentence(incident, plan, trends=trends, hide_under=hide_under)
    return f"{told} {owner_sentence(incident)}"


def owner_sentence(incident: Incident) -> str:
    """Return who answers for an incident, by when, and what the contract says happens."""
    owner = clip(incident.owner, LONGEST) or "nobody named"
    said = f"{LEVEL_WORDS[incident.level]} to {owner}, to be acknowledged by {time_words(incident.due)}."
    if incident.action and incident.action != incident.level:
        said += f" The contract’s action: {clip(incident.action, LONGEST)}."
    return said if incident.open else f"Closed: the last window judged no longer shows it. {said}"


def time_words(moment: datetime) -> str:
    """Return a moment to the minute, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def incident_json(
    incident: Incident, plan: Plan, *, privacy_floor: int | None = None, followed: Followed | None = None
) -> dict[str, object]:
    """Return the record of an incident, as plain values for a file of its own, which leaves the workspace.

    Guarantee: no number in it stands on one to `privacy_floor` − 1 people (the plan's floor where none is
    given), nor do the records of several windows tell of so few where all of them are given as `followed`;
    `evidence` is null there.
    """
    floor = plan.privacy_floor if privacy_floor is None else privacy_floor
    watch, finding = watch_of(plan, incident.watch), incident.finding
    hidden = finding is not None and followed is not None and told_by_subtraction(finding, followed)
    shown = finding is not None and not hidden and not told_of_few(finding, floor)
    told = told_sentence(incident, plan, hide_under=floor, hidden=hidden)
    return {
        "schema": SCHEMA,
        "id": for_json(incident.id),
        "plan": for_json(plan.id),
        "audit": for_json(plan.audit_id),
        "contract": {"id": for_json(plan.contract_id), "version": for_json(plan.contract_version)},
        "model": {"name": for_json(plan.model_name), "sha256": plan.model_sha256},
        "watch": for_json(incident.watch),
        "what": for_json(watch_words(watch)) if watch else KIND_WORDS[incident.kind],
        "kind": incident.kind,
        "level": incident.level,
        "open": incident.open,
        "began": for_json(incident.began),
        "windows": [for_json(name) for name in incident.windows],
        "raised": incident.raised.astimezone(UTC).isoformat(),
        "due": incident.due.astimezone(UTC).isoformat(),
        "owner": for_json(incident.owner),
        "action": for_json(incident.action),
        "escalation": [{"after_hours": s.after_hours, "to": for_json(s.to)} for s in plan.escalation],
        "sentence": for_json(f"{told} {owner_sentence(incident)}"),
        "evidence": _evidence(finding) if finding is not None and shown else None,
    }


def _evidence(finding: Finding) -> dict[str, object]:
    drift = finding.metric == "psi"
    read = reading(finding)
    ends = [] if drift else [_end(end) for end in (finding.high, finding.low) if end is not None]
    return {
        "metric": finding.metric,
        "compare": finding.compare,
        "status": finding.status,
        "confidence": finding.evidence,
        "value": _rounded(finding.value, COARSE if drift else None),
        "interval": [_finite(end) for end in read.interval] if read.interval else None,
        "at_least": read.lower,
        "at_most": read.upper,
        "by_chance_up_to": _rounded(finding.upper, 4) if drift else None,
        "rows": finding.high.denominator if drift and finding.high else None,
        "limits": [float(end) if end is not None else None for end in read.limits],
        "groups": ends,
    }


def _end(end: GroupValue) -> dict[str, object]:
    return {
        "group": [for_json(level) for level in end.group],
        "value": float(end.value),
        "numerator": end.numerator,
        "denominator": end.denominator,
    }


def _rounded(value: Number | None, digits: int | None) -> float | None:
    if value is None:
        return None
    return float(value) if digits is None else round(float(value), digits)


def _finite(end: float) -> float | None:
    return end if end != float("inf") else None


def in_order(incidents: Sequence[Incident]) -> tuple[Incident, ...]:
    """Return incidents as they are to be read: open ones first, pages before tickets, limits before drift."""
    return tuple(sorted(incidents, key=_urgency))


def _urgency(one: Incident) -> tuple[bool, int, int, str, str]:
    level, kind = _URGENT_FIRST.index(one.level), _KINDS_FIRST.index(one.kind)
    return not one.open, level, kind, one.began, one.id


def leading(incidents: Sequence[Incident]) -> tuple[Incident, ...]:
    """Return the open incidents a person acts on, in order: of a watch's level alerts only the worst one.

    A ticket stays open beside the page it has become; what there is to do is the page's.
    """
    return worst([one for one in incidents if one.open])


def worst(incidents: Sequence[Incident]) -> tuple[Incident, ...]:
    """Return incidents in order, without those that a worse one of the same watch stands for."""
    shown = in_order(incidents)
    return tuple(one for one in shown if not any(_is_worse(other, one) for other in shown))


def kind_word(incident: Incident) -> str:
    """Return what an incident is, in the words of its badge; of drift, how far the feature has moved."""
    if incident.kind == "drift" and incident.finding is not None:
        return DRIFT_WORDS["major" if incident.finding.reason == "drifted" else "moderate"]
    return KIND_WORDS[incident.kind]


def _is_worse(other: Incident, one: Incident) -> bool:
    if other.watch != one.watch or other.id == one.id:
        return False
    if one.kind == other.kind == "drift":  # the worse one began later
        return (other.began, other.id) > (one.began, one.id)
    return one.kind in _LEVELS and other.kind in _LEVELS[_LEVELS.index(one.kind) + 1 :]


def incident_lines(followed: Followed) -> tuple[str, ...]:
    """Return the incidents as lines of a terminal: the open ones, then how many were closed.

    Guarantee: names from data and plan are text; hidden characters are written out.
    """
    lines = [
        f"{LEVEL_WORDS[one.level].upper():<7} {kind_word(one)}. "
        + incident_sentence(one, followed.plan, trends=followed.trends)
        for one in leading(followed.incidents)
    ]
    still = sum(one.open for one in followed.incidents) - len(lines)
    closed = sum(not one.open for one in followed.incidents)
    head = [] if lines else ["No incident is open."]
    tail = [f"{counted(still, 'earlier tickets')} of these watches still open."] if still else []
    tail += [f"{counted(closed, 'incidents')} closed."] if closed else []
    return tuple(for_terminal(line) for line in (*head, *lines, *tail))

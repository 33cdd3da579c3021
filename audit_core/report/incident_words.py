"""What an incident says happened: since when, what, its number with range and count, and its limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from audit_core.decision.followed import AlertKind, Incident, TrendPoint
from audit_core.decision.plan import Plan
from audit_core.findings.finding import Finding
from audit_core.report.escape import clip
from audit_core.report.numbers import RATIO, count, counted, decimal, figures, percent, ratio
from audit_core.report.people import group_words
from audit_core.report.readings import reading
from audit_core.report.watch_words import (
    LONGEST,
    accusing_text,
    hidden_words,
    limit_phrase,
    numbers_text,
    told_of_few,
    watch_of,
    watch_words,
)

COARSE = 2
"""Decimals of a PSI that leaves the workspace."""


def told_sentence(
    incident: Incident,
    plan: Plan,
    *,
    trends: Sequence[TrendPoint] = (),
    hide_under: int = 0,
    hidden: bool = False,
) -> str:
    """Return an incident in words, without who answers for it.

    `trends` hold the chart's own value, where it is at hand. Numbers that stand on a count under `hide_under`
    people are left out, and that is said; so are all of a rate's that are `hidden`.
    """
    tells: dict[AlertKind, Callable[[], str]] = {
        "drift": lambda: _drift(incident, plan, hide_under),
        "trend": lambda: _trend(incident, plan, trends),
        "silence": lambda: _silence(incident, plan),
        "labels_overdue": lambda: _overdue(incident, plan),
        "rows_dropped": lambda: _dropped(incident, hide_under),
    }
    return tells.get(incident.kind, lambda: _level(incident, plan, hide_under, hidden=hidden))()


def headline_sentence(incident: Incident, plan: Plan, *, trends: Sequence[TrendPoint] = ()) -> str:
    """Return an incident in one sentence; of a confirmed one, only the bound that shows it."""
    finding = incident.finding
    bound = accusing_text(finding) if finding is not None and incident.kind == "confirmed" else ""
    if not bound:
        return told_sentence(incident, plan, trends=trends)
    said = _said(incident, plan).removesuffix(".")
    return f"{said}: {bound} in {_last(incident)}."


def _what(incident: Incident, plan: Plan) -> str:
    watch = watch_of(plan, incident.watch)
    return watch_words(watch) if watch else clip(incident.watch, LONGEST)


def _level(incident: Incident, plan: Plan, hide_under: int, *, hidden: bool) -> str:
    """A check's own limit or warning: confirmed, not confirmed, or a warning."""
    finding, head = incident.finding, _said(incident, plan)
    if finding is None:
        return head
    if hidden or told_of_few(finding, hide_under):
        return f"{head} {hidden_words(hide_under)}"
    return f"{head} In {_last(incident)}: {numbers_text(finding, plan.level)}."


def _said(incident: Incident, plan: Plan) -> str:
    """Since when, what, and where it lies: without its numbers."""
    finding, what = incident.finding, _what(incident, plan)
    if finding is None:
        return f"{_since(incident)} the {what} {_is(incident)} outside what the plan allows."
    said = {
        "confirmed": f"shown to be {limit_phrase(finding)}",
        "unconfirmed": f"measured {limit_phrase(finding)}, {_whether(finding)}",
        "warning": _warning(incident, plan),
    }[incident.kind]
    return f"{_since(incident)} the {what} {_is(incident)} {said}."


def _whether(finding: Finding) -> str:
    """What has become of an unconfirmed one: the ticket stays open beside the page it turned into."""
    if finding.status == "FAIL" and finding.evidence == "CONFIRMED":
        return "and is shown to be by now"
    return "though the true value may be within it"


def _since(incident: Incident) -> str:
    """“Since 2027-02” of what is open, “From 2026-11 to 2027-01” of what is closed."""
    if incident.open:
        return f"Since {incident.began}"
    last = _last(incident)
    return f"From {incident.began} to {last}" if last != incident.began else f"In {last}"


def _is(incident: Incident) -> str:
    return "is" if incident.open else "was"


def _last(incident: Incident) -> str:
    """The window an incident's finding is of: the last one in which it held."""
    return incident.windows[-1] if incident.windows else incident.began


def _warning(incident: Incident, plan: Plan) -> str:
    watch, finding = watch_of(plan, incident.watch), incident.finding
    warn = watch.check.limit.warn if watch else None
    if watch is None or warn is None or finding is None:
        return "past its warning"
    shown = figures(reading(finding).unit, (finding.value,), (warn, finding.limit))
    limit = f" (limit {shown.text(finding.limit)})" if finding.limit is not None else ""
    return f"past its warning at {shown.text(warn)}{limit}"


def _drift(incident: Incident, plan: Plan, hide_under: int) -> str:
    """How far a feature moved; where counts may be hidden, too coarse to be solved for a bin of few rows."""
    watch, finding = watch_of(plan, incident.watch), incident.finding
    feature = _feature(incident, plan)
    moved = "has moved" if incident.open else "had moved"
    head = f"{_since(incident)} {feature} {moved} away from the training sample"
    if finding is None or finding.value is None:
        return f"{head}."
    limits = watch.check.limit if watch else None
    warn = limits.warn if limits else None
    shown = figures(RATIO, (finding.value,), (warn, finding.limit))
    psi = decimal(finding.value, COARSE) if hide_under else shown.text(finding.value)
    parts = [
        f"expected by chance up to {ratio(finding.upper)}" if finding.upper is not None else "",
        f"warning at {shown.text(warn)}" if warn is not None else "",
        f"limit {shown.text(finding.limit)}" if finding.limit is not None else "",
        f"n={count(finding.high.denominator)}" if finding.high else "",
    ]
    behind = "; ".join(part for part in parts if part)
    return f"{head}. In {_last(incident)}: PSI {psi} ({behind})."


def _feature(incident: Incident, plan: Plan) -> str:
    """The feature that moved: the watch's own, or where it watches every input the one that moved most."""
    watch, finding = watch_of(plan, incident.watch), incident.finding
    named = watch.feature if watch else ""
    if not named and finding is not None and finding.high is not None and finding.high.group:
        named = finding.high.group[0]
    return clip(named or incident.watch, LONGEST)


def _trend(incident: Incident, plan: Plan, trends: Sequence[TrendPoint]) -> str:
    watch = watch_of(plan, incident.watch)
    what = watch_words(watch) if watch else clip(incident.watch, LONGEST)
    head = f"Small changes of the {what} have added up since the release"
    alarms = [p for p in trends if p.watch == incident.watch and p.alarm and p.value is not None]
    began = [p for p in alarms if p.window == incident.began and _lasts(p, incident, alarms)]
    if not began:
        return f"{head}: its trend alarm came in {incident.began}."
    reached = " and ".join(
        f"{group_words(p.high)} over {group_words(p.low)} {decimal(p.value or 0.0, 1)} "
        f"(limit {decimal(p.limit, 1)})"
        for p in began
    )
    return f"{head}. The sum of its moves (CUSUM) reached, in {incident.began}: {reached}."


def _lasts(point: TrendPoint, incident: Incident, alarms: Sequence[TrendPoint]) -> bool:
    """Whether a chart's alarms are those of the incident; one incident is of one chart."""
    pair = (point.high, point.low)
    return {p.window for p in alarms if (p.high, p.low) == pair} >= set(incident.windows)


def _silence(incident: Incident, plan: Plan) -> str:
    days = counted(plan.silence_days, "days")
    return (
        f"No data have come in for {_windows(incident)}. By the plan, that is an alert {days} after a "
        "window’s end: silence is a failure."
    )


def _overdue(incident: Incident, plan: Plan) -> str:
    rule = plan.labels
    return (
        f"Outcomes of {_windows(incident)} are overdue: under {percent(rule.complete, 0)} of them were back "
        f"{counted(rule.due_days, 'days')} after the end. Nothing that needs them is judged there."
    )


def _dropped(incident: Incident, hide_under: int) -> str:
    """How many rows had no usable score or decision, and what share; a count of few is left out."""
    came, now = ("come", "are") if incident.open else ("came", "were")
    head = (
        f"{_since(incident)} over a tenth of the rows {'have ' if incident.open else ''}{came} without a "
        "usable score or decision"
    )
    told = f"They {now} left out, and on the rest nothing that pages counts as within its limit."
    dropped, rows = incident.dropped or (0, 0)
    if not dropped or min(dropped, rows - dropped) in range(1, hide_under):
        return f"{head}. {told}"
    share = percent(Fraction(dropped, rows))
    return f"{head}: {count(dropped)} of {count(rows)} ({share}) in {_last(incident)}. {told}"


def _windows(incident: Incident) -> str:
    names = incident.windows or (incident.began,)
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"

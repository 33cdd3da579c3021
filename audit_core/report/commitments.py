"""Monitoring commitments: the plan of a release as the summary shows it, in a few lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from audit_core.decision.plan import Plan
from audit_core.decision.plan import Watch as PlanWatch
from audit_core.decision.record import Audit
from audit_core.report.numbers import count, counted
from audit_core.report.plan import (
    EVERY,
    LIMIT,
    OWNER,
    WATCHED,
    alert_words,
    escalation_sentence,
    name,
    watch_rows,
)
from audit_core.report.summary_facts import Watch, watches
from audit_core.report.words import capital, names_text

ONLY_RELEASED = "These commitments begin with the release; until then nothing is watched."
MOST_DATES = 3


def commitment_lines(audit: Audit, plan: Plan | None) -> tuple[Watch, ...]:
    """Return what is watched after the release: the canary's checks, what pages, and the rest in one line."""
    by_contract = watches(audit)
    if plan is None:
        return by_contract
    canary = [watch for watch in by_contract if watch.stage == "canary"]
    paging = [watch for watch in plan.watches if watch.confirmed == "page"]
    rest = [watch for watch in plan.watches if watch.confirmed != "page"]
    unit = EVERY[plan.window.unit].removeprefix("every ")
    urgent = replace(plan, watches=tuple(paging))
    lines = [
        Watch(
            what=row[WATCHED], stage="monitor", window=unit, limit=row[LIMIT], action=action, who=row[OWNER]
        )
        for row, action in zip(watch_rows(urgent), alert_words(urgent), strict=True)
    ]
    return (*canary, *lines, *([_rest(rest, unit, further=bool(lines))] if rest else []))


def _rest(watches: Sequence[PlanWatch], unit: str, *, further: bool) -> Watch:
    """One line for all watches that raise tickets."""
    drift = [watch for watch in watches if watch.feature]
    checks = len(watches) - len(drift)
    more = "further check" if further else "check"
    parts = [f"{count(checks)} {more}{'s' if checks > 1 else ''}"] if checks else []
    parts += [f"drift of {counted(len(drift), 'columns')}"] if drift else []
    hours = min(watch.ticket_hours for watch in watches)
    what = " and ".join(parts)
    return Watch(
        what=capital(what),
        stage="monitor",
        window=unit,
        limit="each its own, in the plan",
        action=f"ticket, within {counted(hours, 'hours')}",
        who=names_text(tuple(dict.fromkeys(name(watch.owner) for watch in watches if watch.owner))),
    )


def commitments(plan: Plan | None) -> tuple[str, ...]:
    """Return the commitments that hold for all watches, sentence by sentence; none without a plan."""
    if plan is None:
        return ()
    said = [
        f"If released, {plan.starts} to {plan.ends}, judged {EVERY[plan.window.unit]}{_reviews(plan)}.",
        escalation_sentence(plan) if any(watch.confirmed == "page" for watch in plan.watches) else "",
        f"A window’s data are due {counted(plan.silence_days, 'days')} after its end, its outcomes "
        f"{counted(plan.labels.due_days, 'days')}; late ones are a ticket to {name(plan.silence_owner)}.",
    ]
    return tuple(sentence for sentence in said if sentence)


def _reviews(plan: Plan) -> str:
    days = [str(day) for day in plan.reviews]
    if len(days) > MOST_DATES:
        return f", with {count(len(days))} reviews from {days[0]} to {days[-1]}"
    return f", with a review on {names_text(days)}" if days else ""

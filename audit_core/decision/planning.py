"""The monitoring plan of a release, from its contract, its findings and its volumes."""

from __future__ import annotations

import calendar
import hashlib
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from math import floor

from audit_core.contract.schema import ReleaseContract
from audit_core.cube.axes import NEITHER
from audit_core.cube.calendar import Unit, window_at
from audit_core.cube.calendar import calendar as windows_between
from audit_core.decision.plan import LabelRule, Plan, Step, Watch
from audit_core.decision.planning_release import released_first, with_release
from audit_core.decision.planning_trend import detections, trend_rule
from audit_core.decision.planning_watches import watches_of
from audit_core.decision.planning_window import last_day, window_rule
from audit_core.decision.record import Audit

MONTHS = 6
COMPLETE = Fraction(9, 10)
"""Share of the outcomes the release had that must be back before a window is judged on them."""

DUE_DAYS = 45
SILENCE_DAYS: dict[Unit, int] = {"day": 2, "week": 4, "month": 10}
"""Days after a window's end by which its rows must be there."""

_ESCALATES = 24
_SOON = timedelta(days=62)
"""Rows from later than that after the plan was made have a wrong date, and delay nothing."""

_OWNER_FACT = "production_monitoring_owner"


def plan_for(audit: Audit, made_on: date | None = None, *, detect: bool = True) -> Plan:
    """Return the plan by which a release is followed for six months.

    It is made on the audit's own day unless another is given, so that every document shows the same plan.
    Windows begin with the one that holds that day, or the next where the release's own rows are from it.
    Without `detect` nothing is simulated: there are no charts of slow changes, and what it sees is left out.

    Guarantee: the same audit and day make the same plan; simulations are seeded by the audit's counts.
    """
    contract, cube = audit.contract, audit.counted.cube
    made_on = made_on or datetime.fromisoformat(audit.created_at).date()
    watches = with_release(watches_of(contract, audit.counted, audit.findings), audit)
    window = window_rule(contract, cube, watches)
    starts = _start(made_on, window.unit, last_day(cube, contract))
    ends = months_later(starts, MONTHS) - timedelta(days=1)
    simulated = watches if detect else ()
    trend = trend_rule(audit, simulated, window, windows_of(starts, ends, window.unit))
    return Plan(
        id=_plan_id(audit, made_on),
        audit_id=audit.id,
        contract_id=contract.id,
        contract_version=contract.version,
        contract_sha256=contract.sha256,
        cube_sha256=cube.fingerprint,
        model_name=audit.model.name if audit.model else "",
        model_sha256=audit.model.sha256 if audit.model else "",
        made_on=made_on,
        starts=starts,
        ends=ends,
        window=window,
        labels=_labels(audit),
        watches=released_first(watches),
        trend=trend,
        escalation=_escalation(contract, watches),
        silence_days=SILENCE_DAYS[window.unit],
        silence_owner=_watcher(contract, watches),
        reviews=_reviews(contract, starts, ends),
        detection=detections(audit, simulated, window, trend),
        level=contract.statistics.level,
        privacy_floor=contract.support.privacy_floor,
    )


def windows_of(starts: date, ends: date, unit: Unit) -> int:
    """Return how many windows of the calendar a plan has: those that begin by its last day."""
    return len(windows_between(starts, window_at(ends, unit).last, unit))


def months_later(day: date, months: int) -> date:
    """Return the same day so many months later, or the last of that month where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _start(made_on: date, unit: Unit, last: date | None) -> date:
    """First day of the window that holds `made_on`, or that follows the release's own rows (`last`)."""
    first = window_at(made_on, unit).first
    if last is not None and first <= last <= made_on + _SOON:
        return window_at(last, unit).last + timedelta(days=1)
    return first


def _labels(audit: Audit) -> LabelRule:
    """Nine tenths of the share of outcomes that the release's own rows had, in whole percent."""
    if audit.contract.data.label is None or not audit.counted.cube.rows:
        return LabelRule(complete=Fraction(0), due_days=DUE_DAYS)
    table = audit.counted.cube.outcomes(())[()]
    had = Fraction(int(table[:NEITHER].sum()), int(table.sum()))
    return LabelRule(complete=Fraction(floor(100 * COMPLETE * had), 100), due_days=DUE_DAYS)


def _escalation(contract: ReleaseContract, watches: Sequence[Watch]) -> tuple[Step, ...]:
    """Who is told of a page that nobody acknowledges: its owner, whoever acts in a canary, then who signs.

    Counsel comes last among them; each step waits a day longer, the second only the acknowledge time.
    """
    paging = [watch for watch in watches if watch.confirmed == "page"]
    owners = [watch.owner for watch in (paging or watches)][:1]
    acting = [c.on_fail.notify for c in contract.checks if c.stage == "canary" and c.on_fail is not None]
    signing = [role for role, _ in contract.signoff.require]
    roles = list(dict.fromkeys([*owners, *acting, *signing]))
    if any(role.id == "counsel" for role in contract.roles):
        roles = [*(role for role in roles if role != "counsel"), "counsel"]
    first = min((watch.acknowledge_hours for watch in paging), default=_ESCALATES)
    later = first // _ESCALATES + 1
    hours = [0, first, *(_ESCALATES * day for day in range(later, later + len(roles)))]
    return tuple(Step(after_hours=after, to=role) for after, role in zip(hours, roles, strict=False))


def _watcher(contract: ReleaseContract, watches: Sequence[Watch]) -> str:
    """Who answers for monitoring itself: the role that stated the fact, else the owner of the first page."""
    stated = [fact.by for fact in contract.requirements if fact.id == _OWNER_FACT and fact.by]
    paging = [watch.owner for watch in watches if watch.confirmed == "page"]
    return next(iter([*stated, *paging, contract.author]))


def _reviews(contract: ReleaseContract, starts: date, ends: date) -> tuple[date, ...]:
    """A day in each of the six months, and the contract's own review date where it falls within them."""
    days = {months_later(starts, month) for month in range(1, MONTHS + 1)}
    if contract.review_by is not None:
        review = date.fromisoformat(contract.review_by)
        if starts <= review <= ends + timedelta(days=1):
            days.add(review)
    return tuple(sorted(days))


def _plan_id(audit: Audit, made_on: date) -> str:
    model = audit.model.sha256 if audit.model else ""
    parts = f"{audit.id} {audit.contract.sha256} {audit.counted.cube.fingerprint} {model} {made_on}"
    return f"P-{made_on:%Y%m%d}-{hashlib.sha256(parts.encode()).hexdigest()[:8]}"

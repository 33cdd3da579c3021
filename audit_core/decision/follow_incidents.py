"""Alerts that last: what the windows show becomes incidents, each opened once and closed when it is gone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from audit_core.cube.axes import group_words
from audit_core.decision.followed import AlertKind, Incident, TrendPoint, WatchPoint, WindowView
from audit_core.decision.plan import Level, Plan, Watch
from audit_core.findings.finding import Finding

_WARNING, _UNCONFIRMED, _CONFIRMED = 1, 2, 3
"""How bad a window is: past the warning, outside the limit by its point, outside it by its interval."""

_KINDS: dict[int, AlertKind] = {_WARNING: "warning", _UNCONFIRMED: "unconfirmed", _CONFIRMED: "confirmed"}
_AT_LIMIT = ("unconfirmed", "confirmed", "trend", "silence", "labels_overdue", "rows_dropped")

Clock = tuple[datetime, Mapping[str, datetime]]
"""(this run's clock, when each incident was first seen)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """What one window shows: how bad it is, 0 for nothing; None where it can't be told."""

    window: str
    rank: int | None
    finding: Finding | None = None
    dropped: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spell:
    """Windows in a row that show at least `rank`, from the first that showed exactly that."""

    rank: int
    windows: tuple[str, ...]
    finding: Finding | None
    open: bool
    dropped: tuple[int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Alert:
    """How a spell of one source becomes an incident."""

    watch: str
    kind: AlertKind
    level: Level
    owner: str
    hours: int
    action: str = ""
    mark: str = ""


def incidents(
    plan: Plan,
    views: Sequence[WindowView],
    points: Sequence[WatchPoint],
    trends: Sequence[TrendPoint],
    clock: Clock,
) -> tuple[Incident, ...]:
    """Return every incident, open and closed, in the order of the windows they began in."""
    found = [*_of_watches(plan, points, clock), *_of_trends(plan, trends, clock)]
    found += _of_windows(plan, views, clock)
    order = {view.name: place for place, view in enumerate(views)}
    return tuple(sorted(found, key=lambda incident: (order[incident.began], incident.watch, incident.id)))


def exit_code(plan: Plan, points: Sequence[WatchPoint], found: Sequence[Incident]) -> int:
    """Return 1 while a page is open, 2 while something else is beyond its limit or undecided, else 0."""
    live = [incident for incident in found if incident.open]
    if any(incident.level == "page" for incident in live):
        return 1
    if any(incident.kind in _AT_LIMIT or _fails(incident.finding) for incident in live):
        return 2
    if any(_not_counted(watch, points) for watch in plan.watches):
        return 2
    deciding = [watch for watch in plan.watches if watch.confirmed == "page"]
    # A plan in which nothing pages has no watch that need not be decided: silence would pass.
    return 0 if points and all(_decided(watch, points) for watch in deciding or plan.watches) else 2


def _decided(watch: Watch, points: Sequence[WatchPoint]) -> bool:
    """Whether the last window that is due shows a watch to be within its limit."""
    due = [point for point in points if point.watch == watch.id and point.why != "maturing"]
    return bool(due) and due[-1].finding is not None and due[-1].finding.status == "PASS"


def _not_counted(watch: Watch, points: Sequence[WatchPoint]) -> bool:
    """Whether a watched input is no longer in the last window that is due as it was in training.

    It must not be quietly left out.
    """
    due = [p for p in points if p.watch == watch.id and p.why != "maturing"]
    found = due[-1].finding if due else None
    return found is not None and found.metric == "psi" and found.high is None


def _fails(finding: Finding | None) -> bool:
    return finding is not None and finding.metric == "psi" and finding.status == "FAIL"


def _of_watches(plan: Plan, points: Sequence[WatchPoint], clock: Clock) -> Iterator[Incident]:
    for watch in plan.watches:
        own = [point for point in points if point.watch == watch.id]
        for spell in _spells(_shown(watch, own)):
            level = {_WARNING: watch.warning, _UNCONFIRMED: watch.unconfirmed}.get(
                spell.rank, watch.confirmed
            )
            if level == "none":
                continue
            drift = watch.check.metric == "psi"
            does = watch.check.on_fail
            yield _incident(plan, spell, clock, _Alert(
                watch=watch.id,
                kind="drift" if drift else _KINDS[spell.rank],
                level=level,
                owner=watch.owner,
                hours=watch.acknowledge_hours if level == "page" else watch.ticket_hours,
                action=does.action if does and spell.rank == _CONFIRMED else "",
                mark=str(spell.rank) if drift else "",
            ))  # fmt: skip


def _shown(watch: Watch, points: Sequence[WatchPoint]) -> Iterator[_Shown]:
    """What each window shows of a watch; an outcome counts as confirmed after so many in a row."""
    in_a_row = 0
    for point in points:
        finding = point.finding
        if finding is None or finding.reason == "too_many_dropped":
            yield _Shown(window=point.window, rank=None)
            continue
        sure = finding.status == "FAIL" and finding.evidence == "CONFIRMED"
        in_a_row = in_a_row + 1 if sure else 0
        rank: int | None
        if sure and in_a_row >= watch.confirm:
            rank = _CONFIRMED
        elif sure or finding.status == "FAIL" or finding.reason == "point_beyond":
            rank = _UNCONFIRMED
        elif finding.warned:
            rank = _WARNING
        else:
            rank = None if _says_nothing(finding) else 0
        yield _Shown(window=point.window, rank=rank, finding=finding)


def _says_nothing(finding: Finding) -> bool:
    """Whether what was measured stands on too few people: it neither raises an alarm nor ends one."""
    if finding.evidence != "UNSUPPORTED":
        return False
    sides = [side for side in (finding.high, finding.low) if side is not None]
    return not sides or any(group_words(side.group) in finding.names for side in sides)


def _of_trends(plan: Plan, trends: Sequence[TrendPoint], clock: Clock) -> Iterator[Incident]:
    watches = {watch.id: watch for watch in plan.watches}
    for chart in plan.trend.charts:
        own = [p for p in trends if (p.watch, p.high, p.low) == (chart.watch, chart.high, chart.low)]
        shown = [_Shown(window=p.window, rank=None if p.value is None else int(p.alarm)) for p in own]
        watch = watches.get(chart.watch)
        owner, hours = (watch.owner, watch.ticket_hours) if watch else (plan.silence_owner, _hours(plan))
        for spell in _spells(shown):
            yield _incident(plan, spell, clock, _Alert(
                watch=chart.watch, kind="trend", level="ticket", owner=owner, hours=hours,
                mark=repr((chart.high, chart.low)),
            ))  # fmt: skip


def _of_windows(plan: Plan, views: Sequence[WindowView], clock: Clock) -> Iterator[Incident]:
    """Silence, late outcomes, rows that can't be counted: nobody may take any of them for good news."""
    today = clock[0].astimezone(UTC).date()
    missing, overdue, thinned = [], [], []
    for view in views:
        late = today > view.last + timedelta(days=plan.silence_days)
        silent = None if view.state == "missing" and not late else int(view.state == "missing")
        missing.append(_Shown(window=view.name, rank=silent))
        waiting = view.state in ("missing", "maturing")
        overdue.append(_Shown(window=view.name, rank=None if waiting else int(view.state == "overdue")))
        known = view.came > 0 and view.last < today
        thinned.append(_Shown(window=view.name, rank=int(view.thinned) if known else None,
                              dropped=(view.dropped, view.came)))  # fmt: skip
    sources: tuple[tuple[str, AlertKind, list[_Shown]], ...] = (
        ("data", "silence", missing), ("labels", "labels_overdue", overdue),
        ("rows", "rows_dropped", thinned),
    )  # fmt: skip
    for name, kind, shown in sources:
        for spell in _spells(shown):
            yield _incident(plan, spell, clock, _Alert(
                watch=name, kind=kind, level="ticket", owner=plan.silence_owner, hours=_hours(plan),
            ))  # fmt: skip


def _hours(plan: Plan) -> int:
    """Hours to acknowledge what no watch stands behind: the shortest of the plan's tickets."""
    return min((watch.ticket_hours for watch in plan.watches), default=24)


def _spells(shown: Sequence[_Shown] | Iterator[_Shown]) -> Iterator[_Spell]:
    """Each rank's windows in a row; one that was not judged neither begins nor ends a spell."""
    judged = [window for window in shown if window.rank is not None]
    for rank in sorted({window.rank for window in judged if window.rank}):
        spell: list[_Shown] = []
        for window in judged:
            assert window.rank is not None
            if window.rank == rank or (spell and window.rank > rank):
                spell.append(window)
            elif spell:
                yield _ended(rank, spell, live=False)
                spell = []
        if spell:
            yield _ended(rank, spell, live=True)


def _ended(rank: int, spell: Sequence[_Shown], *, live: bool) -> _Spell:
    names = tuple(window.window for window in spell)
    last = spell[-1]
    return _Spell(rank=rank, windows=names, finding=last.finding, open=live, dropped=last.dropped)


def _incident(plan: Plan, spell: _Spell, clock: Clock, alert: _Alert) -> Incident:
    now, seen = clock
    parts = "\n".join((plan.id, alert.watch, alert.kind, alert.mark, spell.windows[0]))
    name = f"I-{hashlib.sha256(parts.encode()).hexdigest()[:12]}"
    raised = seen.get(name, now)
    return Incident(
        id=name,
        watch=alert.watch,
        kind=alert.kind,
        level=alert.level,
        began=spell.windows[0],
        windows=spell.windows,
        open=spell.open,
        owner=alert.owner,
        raised=raised,
        due=raised + timedelta(hours=alert.hours),
        finding=spell.finding,
        action=alert.action,
        dropped=spell.dropped,
    )

"""The windows of a plan at a moment: which are expected, which have data, and whose outcomes are back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

from audit_core.cube.calendar import CalendarWindow, calendar, window_at, window_of
from audit_core.cube.windows import WindowCounts, by_calendar
from audit_core.decision.followed import Unjudged, WindowState, WindowView
from audit_core.decision.plan import Plan
from audit_core.errors import UsageError

_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanWindow:
    """One window of the plan with its periods' counts; `over` is false while it still runs."""

    view: WindowView
    parts: tuple[WindowCounts, ...]
    over: bool

    def unjudged(self, needs_labels: bool) -> Unjudged:
        """Why nothing is judged on this window, or an empty text where it is.

        A window that still runs is judged on nothing; one whose outcomes are not back, on what needs none.
        """
        if self.view.state == "missing":
            return "missing"
        if not self.over:
            return "maturing"
        if needs_labels and self.view.state != "complete":
            return self.view.state
        return ""


def plan_windows(plan: Plan, windows: Sequence[WindowCounts], as_of: datetime) -> tuple[PlanWindow, ...]:
    """Return the plan's windows that were over by this clock, and the one that runs where it has data.

    A window is expected once its last day has passed; one without data is there, as missing. What begins
    after the clock is left out, as if it had not come.

    Raises
    ------
    UsageError
        A period lies outside the plan, is longer than its window, or shares days with another.
    """
    today = as_of.astimezone(UTC).date()
    require_in_plan(plan, windows)
    held = {place.name: (place, parts) for place, parts in by_calendar(windows, plan.window.unit)}
    expected = expected_windows(plan, today)
    running = [place for place, _ in held.values() if place.first <= today <= place.last]
    return tuple(
        _window(plan, place, held.get(place.name, (place, ()))[1], today) for place in (*expected, *running)
    )


def expected_windows(plan: Plan, today: date) -> tuple[CalendarWindow, ...]:
    """Return the plan's windows that were over before this day."""
    last = window_at(plan.ends, plan.window.unit).last
    return calendar(plan.starts, min(last, today - _A_DAY), plan.window.unit)


def require_in_plan(plan: Plan, windows: Sequence[WindowCounts]) -> None:
    """Refuse periods that the plan does not reach: silently left out, they would look like no data.

    Raises
    ------
    UsageError
        A period belongs to a window before the plan's first or after its last.
    """
    first, last = window_at(plan.starts, plan.window.unit).first, window_at(plan.ends, plan.window.unit).last
    for window in windows:
        # A week that lies in two months belongs to one of them, and that one may be outside.
        place = window_of(window.first, window.last, plan.window.unit) or window
        if place.last < first or place.first > last:
            raise UsageError(
                f"The period {window.period} lies outside the plan, which runs from {first} to {last}",
                where=window.source,
                remedy="Leave it out, or make a plan for its time with evenhand plan",
            )


def _window(plan: Plan, place: CalendarWindow, parts: tuple[WindowCounts, ...], today: date) -> PlanWindow:
    rows = sum(part.rows for part in parts)
    labelled = rows - sum(part.unlabelled for part in parts)
    over = place.last < today
    view = WindowView(
        name=place.name,
        first=place.first,
        last=place.last,
        state=_state(plan, place, (labelled, rows), today) if over or not rows else "maturing",
        rows=rows,
        labelled=labelled,
        periods=tuple(part.period for part in parts),
        sources=tuple(dict.fromkeys((part.source, part.sha256) for part in parts)),
        dropped=sum(part.dropped for part in parts),
    )
    return PlanWindow(view=view, parts=parts, over=over)


def _state(plan: Plan, place: CalendarWindow, back: tuple[int, int], today: date) -> WindowState:
    labelled, rows = back
    if rows == 0:
        return "missing"
    if Fraction(labelled, rows) >= plan.labels.complete:
        return "complete"
    return "overdue" if today > place.last + timedelta(days=plan.labels.due_days) else "maturing"

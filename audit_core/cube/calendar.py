"""Calendar windows: days, ISO weeks and months, and the names of the periods that data are written by."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

Unit = Literal["day", "week", "month"]

_A_DAY = timedelta(days=1)
_WEEK = 7
_LONGEST = {"day": 1, "week": _WEEK, "month": 31}
_MONTH_OF_QUARTER = (1, 4, 7, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarWindow:
    """A day, an ISO week or a month, with its first and last day."""

    name: str
    first: date
    last: date


def window_at(day: date, unit: Unit) -> CalendarWindow:
    """Return the window that a day lies in."""
    if unit == "day":
        return CalendarWindow(name=day.isoformat(), first=day, last=day)
    if unit == "week":
        first = day - timedelta(days=day.weekday())
        year, week, _ = day.isocalendar()
        return CalendarWindow(name=f"{year:04d}-W{week:02d}", first=first, last=first + timedelta(days=6))
    last = day.replace(day=monthrange(day.year, day.month)[1])
    return CalendarWindow(name=day.isoformat()[:7], first=day.replace(day=1), last=last)


def calendar(starts: date, ends: date, unit: Unit) -> tuple[CalendarWindow, ...]:
    """Return every window from the one that holds `starts` to the last that is over by the end of `ends`."""
    found: list[CalendarWindow] = []
    window = window_at(starts, unit)
    while window.last <= ends:
        found.append(window)
        window = window_at(window.last + _A_DAY, unit)
    return tuple(found)


def window_of(first: date, last: date, unit: Unit) -> CalendarWindow | None:
    """Return the window a period belongs to, or None where the period is longer than that.

    A week that lies in two months belongs to the month of its Thursday, by which ISO 8601 gives a week its
    year.
    """
    days = (last - first).days + 1
    if days > _LONGEST[unit]:
        return None
    return window_at(first + timedelta(days=(days - 1) // 2), unit)


def period_name(first: date, last: date) -> str:
    """Return the one name of a period, however a file writes it: such as 2026-11-22, 2026-W47 or 2026-11.

    Guarantee: letters, digits and hyphens alone; two periods of the same days have the same name.
    """
    if first == last:
        return first.isoformat()
    if (last - first).days == _WEEK - 1:
        return window_at(first, "week").name
    if last == window_at(first, "month").last:
        return first.isoformat()[:7]
    if first.month in _MONTH_OF_QUARTER and (last - first).days < 100:
        return f"{first.year:04d}-Q{(first.month + 2) // 3}"
    return f"{first.year:04d}"

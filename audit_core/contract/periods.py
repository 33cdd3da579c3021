"""Periods of time as files and contracts write them: a year, quarter, month, ISO week or day."""

from __future__ import annotations

import re
from datetime import date, timedelta

_WEEK = 7
_HOURS = {"h": 1, "d": 24, "w": 24 * _WEEK}
_PERIOD = re.compile(
    r"(\d{4})(?:-?Q([1-4])|-?W(\d{2})|-(\d{2})(?:-(\d{2})(?:[T ]\d{2}:\d{2}.{0,24})?)?)?", re.ASCII
)


def period(text: str) -> tuple[date, date] | None:
    """Return first and last day of a period, or None where the text is none.

    It is written as 2026, 2026-Q2, 2026-10, 2026-W41 or 2026-10-31; a time may follow a day.
    """
    match = _PERIOD.fullmatch(text.strip())
    if match is None:
        return None
    year, quarter, week, month, day = (int(part) if part else None for part in match.groups())
    assert year is not None
    try:
        if week is not None:
            first = date.fromisocalendar(year, week, 1)
            return first, first + timedelta(days=_WEEK - 1)
        if day is not None and month is not None:
            return date(year, month, day), date(year, month, day)
        start = 3 * quarter - 2 if quarter else 1 if month is None else month
        months = 1 if month is not None else 3 if quarter else 12
        return date(year, start, 1), _last_day(year, start + months)
    except (ValueError, OverflowError):  # no such day; the last week of 9999 ends after the last date
        return None


def window_hours(text: str) -> int:
    """Return the hours of a check's window, as the schema lets it be written: 36h, 7d or 4w."""
    return int(text[:-1]) * _HOURS[text[-1]]


def _last_day(year: int, next_month: int) -> date:
    """Day before the first of a month, the thirteenth being January."""
    if next_month > 12:
        return date(year, 12, 31)
    return date(year, next_month, 1) - timedelta(days=1)

"""The latest days of live data: what a check's `window` leaves of a file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

import numpy as np

from audit_core.contract.periods import period, window_hours
from audit_core.cube.axes import UNKNOWN, Axis
from audit_core.cube.count_cube import CountCube, build_cube
from audit_core.cube.counted import Counted

WholeFile = Literal["no_window", "not_days", "under_a_day", "repeated", "not_by_day"]
"""Why a window is not cut: no column of periods, periods longer than a day, a window of hours, people who
come again (their totals are of the whole file), or a metric that is only counted for the whole file."""

_A_DAY = 24
"""Hours."""

_WHOLE_FILE = ("psi", "overlap", "auc", "exposure")


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRows:
    """The rows a check of live data is judged on: its latest days, or every row and why."""

    window: str
    first: str
    last: str
    rows: int
    whole: WholeFile | None


def judged_rows(counted: Counted, window: str, metric: str) -> JudgedRows:
    """Return which rows a window such as 7d means in this file: the latest of its days that fit in it."""
    axis = window_axis(counted.cube)
    hours = window_hours(window)
    days = _days(axis) if axis is not None else {}
    whole: WholeFile | None = None
    if axis is None:
        whole = "no_window"
    elif not days:
        whole = "not_days"
    elif hours < _A_DAY:
        whole = "under_a_day"
    elif metric in _WHOLE_FILE:
        whole = "not_by_day"
    elif counted.people:
        whole = "repeated"
    if whole is not None or axis is None:
        return JudgedRows(window=window, first="", last="", rows=counted.cube.rows, whole=whole)
    kept = _latest(days, hours // _A_DAY)
    return JudgedRows(
        window=window, first=kept[0], last=kept[-1], rows=_cut(counted.cube, axis, kept).rows, whole=None
    )


def within(counted: Counted, window: str) -> Counted:
    """Return the counts of the latest days that fit in a window, for a file whose rows can be cut by day.

    Scores are not ranked by day, so there are no rank sums.
    """
    axis = window_axis(counted.cube)
    assert axis is not None
    kept = _latest(_days(axis), window_hours(window) // _A_DAY)
    baseline = counted.baseline
    if baseline is not None and baseline.paired is not None:
        baseline = replace(baseline, paired=_cut(baseline.paired, axis, kept))
    return replace(counted, cube=_cut(counted.cube, axis, kept), ranks=(), baseline=baseline)


def window_axis(cube: CountCube) -> Axis | None:
    """Return the axis of periods, or None where the file has none."""
    return next((axis for axis in cube.axes if axis.kind == "window"), None)


def _days(axis: Axis) -> dict[str, date]:
    """Day of every known period; empty where one of them is no single day."""
    spans = {level: period(level) for level in axis.levels if level != UNKNOWN}
    days = {level: span[0] for level, span in spans.items() if span and span[0] == span[1]}
    return days if len(days) == len(spans) else {}


def _latest(days: dict[str, date], most: int) -> tuple[str, ...]:
    """Levels of the latest days, in their order."""
    after = max(days.values()) - timedelta(days=most)
    return tuple(sorted((level for level, day in days.items() if day > after), key=lambda level: days[level]))


def _cut(cube: CountCube, axis: Axis, kept: tuple[str, ...]) -> CountCube:
    place = next(i for i, one in enumerate(cube.axes) if one.name == axis.name)
    codes = [i for i, level in enumerate(cube.axes[place].levels) if level in kept]
    rows = np.isin(cube.codes[:, place], codes)
    return build_cube(cube.axes, cube.bands, cube.codes[rows], cube.measures[rows])

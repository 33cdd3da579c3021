"""How many rows of a group arrive in a week, from the windows of the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil

from audit_core.contract.periods import period
from audit_core.contract.schema import ReleaseContract, Subject
from audit_core.cube.axes import UNKNOWN
from audit_core.cube.count_cube import CountCube, Group
from audit_core.findings.finding import Undated

_WEEK = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyVolume:
    """Rows a week by group, or why they are not known."""

    rows: Mapping[Group, float] = field(default_factory=dict)
    undated: Undated = ""

    def weeks(self, group: Group, rows: int | None) -> int | None:
        """Return in how many weeks so many rows of a group arrive, or None where that is not known."""
        a_week = self.rows.get(group, 0.0)
        return max(1, ceil(rows / a_week)) if rows is not None and a_week > 0 else None


def weekly_volume(cube: CountCube, contract: ReleaseContract, subject: Subject) -> WeeklyVolume:
    """Return each group's rows a week over the windows of the file.

    Formula: 7 · rows / days, where days are those the file's windows cover together, from the first to the
    last where windows are single days (no row on a Sunday is a volume too).

    Guarantee: rows of an unknown window are left out; where a window is no period, nothing is guessed.
    """
    name = contract.data.window
    if name is None or not cube.has(name) or name in subject or not cube.holds((*subject, name)):
        return WeeklyVolume(undated="no_window")
    by_window: dict[str, dict[Group, int]] = {}
    for group, table in cube.outcomes((*subject, name)).items():
        if group[-1] != UNKNOWN:
            by_window.setdefault(group[-1], {})[group[:-1]] = int(table.sum())
    days = covered_days(tuple(by_window))
    if days is None:
        return WeeklyVolume(undated="not_dates")
    if days < _WEEK:
        return WeeklyVolume(undated="under_a_week")
    rows: dict[Group, float] = {}
    for groups in by_window.values():
        for group, number in groups.items():
            rows[group] = rows.get(group, 0.0) + number * _WEEK / days
    return WeeklyVolume(rows=rows)


def covered_days(windows: tuple[str, ...]) -> int | None:
    """Return how many days these windows cover together, or None where one is no period of time."""
    periods = [period(window) for window in windows]
    known = [found for found in periods if found is not None]
    if not known or len(known) < len(periods):
        return None
    if all(first == last for first, last in known):
        return (max(known)[1] - min(known)[0]).days + 1
    days: set[int] = set()
    for first, last in known:
        days.update(range(first.toordinal(), last.toordinal() + 1))
    return len(days)

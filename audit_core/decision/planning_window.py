"""How long a window is: the shortest that brings every group enough people, from the release's volumes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from audit_core.contract.periods import period, window_hours
from audit_core.contract.schema import Check, ReleaseContract, Subject
from audit_core.cube.axes import UNKNOWN
from audit_core.cube.calendar import Unit
from audit_core.cube.count_cube import CountCube, Group
from audit_core.decision.plan import Watch, WindowReason, WindowRule
from audit_core.findings.volume import covered_days
from audit_core.metrics.catalogue import CRITERIA, RATES, RateMetric
from audit_core.metrics.rates import required_groups

UNIT_DAYS: dict[Unit, Fraction] = {"day": Fraction(1), "week": Fraction(7), "month": Fraction(1461, 48)}
"""Days of a window; a month is a twelfth of 365¼."""
MOST_WINDOWS: dict[Unit, int] = {"day": 182, "week": 26, "month": 6}
"""Windows that may be added up at most: half a year."""

_WEEK = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """One group's people a day, in the unit of a check, and how many of them one judgement needs."""

    group: Group
    a_day: Fraction
    needed: int

    def brings(self, unit: Unit) -> Fraction:
        """People in one window."""
        return self.a_day * UNIT_DAYS[unit]


def window_rule(contract: ReleaseContract, cube: CountCube, watches: Sequence[Watch]) -> WindowRule:
    """Return how live rows are cut into windows, and how many of them one judgement adds up.

    Formula: the shortest of day, week and month, no shorter than the periods of the release's file, in which
    every required group of every watch that pages brings its minimum; failing that, as many of the longest as
    it takes, half a year at most. A window that a check names sets how many are added up, where more are.

    Guarantee: more people of any group never make the windows longer.
    """
    judged = [w for w in watches if w.confirmed == "page"] or [w for w in watches if not w.feature]
    units = _units(cube, contract)
    named = max((_named_days(watch.check) for watch in judged), default=Fraction(0))
    volumes = [v for watch in judged for v in _volumes(contract, cube, watch.check)]
    if days_covered(cube, contract) is None:
        needed = max((v.needed for v in volumes), default=contract.support.rows)
        rolling = _added_up(named, units[-1])
        return WindowRule(
            unit=units[-1], rolling=rolling, reason="unknown_volume", least=(), brings=None, needed=needed
        )
    volumes = volumes or _everybody(contract, cube)
    least = min(volumes, key=lambda v: (v.a_day / v.needed, v.group))
    unit = next((u for u in units if least.brings(u) >= least.needed), units[-1])
    enough, by_contract = _windows_needed(least, unit), _added_up(named, unit)
    rolling = max(enough, by_contract)
    reason: WindowReason = "longest" if enough > by_contract else "contract" if named else "enough"
    if reason == "enough" and unit == units[0] != "day":
        reason = "data"
    return WindowRule(
        unit=unit, rolling=rolling, reason=reason, least=least.group,
        brings=round(float(least.brings(unit)), 1), needed=least.needed,
    )  # fmt: skip


def people_a_day(
    contract: ReleaseContract, cube: CountCube, subject: Subject, metric: RateMetric
) -> dict[Group, Fraction]:
    """Return each group's people a day in a metric's denominator; empty where volumes are not known.

    Formula: denominator of the rows of known periods / days those periods cover.
    """
    days = days_covered(cube, contract)
    if days is None or not cube.holds(subject):
        return {}
    name = contract.data.window
    if name is None or not cube.has(name) or name in subject or not cube.holds((*subject, name)):
        return {g: Fraction(metric.counts(t)[1], days) for g, t in cube.outcomes(subject).items()}
    found: dict[Group, Fraction] = {}
    for group, table in cube.outcomes((*subject, name)).items():
        if group[-1] != UNKNOWN:
            brought = Fraction(metric.counts(table)[1], days)
            found[group[:-1]] = found.get(group[:-1], Fraction(0)) + brought
    return found


def days_covered(cube: CountCube, contract: ReleaseContract) -> int | None:
    """Return how many days the release's rows are from, or None where that is not known or under a week.

    The periods of the file say it; where it has none, the period the contract states for it.
    """
    levels = tuple(level for level in _periods(cube, contract) if level != UNKNOWN)
    days = covered_days(levels) if levels else None
    return days if days is not None and days >= _WEEK else None


def last_day(cube: CountCube, contract: ReleaseContract) -> date | None:
    """Return the last day the release's rows may be from, or None where that is not known."""
    ends = [found[1] for level in _periods(cube, contract) if (found := period(level)) is not None]
    return max(ends, default=None)


def _periods(cube: CountCube, contract: ReleaseContract) -> tuple[str, ...]:
    name = contract.data.window
    if name is not None and cube.has(name):
        return cube.axis(name).levels
    return (dict(contract.data.versions).get("evaluation", ""),)


def _units(cube: CountCube, contract: ReleaseContract) -> tuple[Unit, ...]:
    """Windows that are no shorter than the periods of the file, the shortest first."""
    found = [period(level) for level in _periods(cube, contract) if level != UNKNOWN]
    lengths = [(last - first).days + 1 for first, last in (pair for pair in found if pair)]
    if not lengths or None in found or max(lengths) > _WEEK:
        return ("month",)
    return ("day", "week", "month") if max(lengths) == 1 else ("week", "month")


def _volumes(contract: ReleaseContract, cube: CountCube, check: Check) -> Iterable[Volume]:
    """What each required group of a check brings, by the rate of which it brings fewest."""
    for name in CRITERIA.get(check.metric, (check.metric,)):
        metric = RATES.get(name, RATES["label_coverage"])
        needed = metric.required(contract.support)
        for subject in check.of:
            brought = people_a_day(contract, cube, subject, metric)
            for group in required_groups(cube, contract, subject):
                yield Volume(group=group, a_day=brought.get(group, Fraction(0)), needed=needed)


def _everybody(contract: ReleaseContract, cube: CountCube) -> list[Volume]:
    brought = people_a_day(contract, cube, (), RATES["label_coverage"])
    return [Volume(group=(), a_day=brought.get((), Fraction(0)), needed=contract.support.rows)]


def _windows_needed(least: Volume, unit: Unit) -> int:
    """Windows that bring a group its minimum, as many as may be added up where none do."""
    most, brought = MOST_WINDOWS[unit], least.brings(unit)
    if brought <= 0:
        return most
    return min(most, max(1, -(-Fraction(least.needed) // brought)))


def _named_days(check: Check) -> Fraction:
    """Days of the window a check names, 0 where it names none."""
    return Fraction(window_hours(check.window), 24) if check.window is not None else Fraction(0)


def _added_up(days: Fraction, unit: Unit) -> int:
    return min(MOST_WINDOWS[unit], max(1, round(days / UNIT_DAYS[unit])))

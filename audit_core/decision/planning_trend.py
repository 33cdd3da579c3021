"""The charts of slow regressions with their limits, and what the plan sees of a change at these volumes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil

from audit_core.contract.schema import Subject
from audit_core.cube.calendar import Unit
from audit_core.cube.count_cube import Group
from audit_core.decision.plan import Detection, TrendChart, TrendRule, Watch, WindowRule
from audit_core.decision.planning_window import UNIT_DAYS, people_a_day
from audit_core.decision.record import Audit
from audit_core.metrics.catalogue import CRITERIA, RATES
from audit_core.metrics.clusters import totals_by_group
from audit_core.metrics.detection import (
    Change,
    ChangeKind,
    ChartLine,
    Rule,
    Volumes,
    first_alarms,
    median_window,
    replicates_for,
    share,
)
from audit_core.metrics.estimate import Count
from audit_core.metrics.gaps import PROTECT_FLOOR
from audit_core.metrics.measure import rate_metric
from audit_core.metrics.monitoring import ALLOWANCE, calibrated_limits
from audit_core.metrics.rates import known_groups, rate_counts
from audit_core.metrics.seeds import seed_of

CHANCE = Fraction(5, 100)
"""Chance that any chart raises a false alarm within the plan."""

MOST_CHARTED = 12
"""Groups of one gap that are charted against the reference, those with most people; the level covers all."""

CHANGES: dict[Unit, tuple[tuple[ChangeKind, Fraction], ...]] = {
    "month": (
        ("none", Fraction(0)),
        ("step", Fraction(5, 100)),
        ("step", Fraction(8, 100)),
        ("growth", Fraction(1, 100)),
        ("growth", Fraction(2, 100)),
    ),
    "week": (
        ("none", Fraction(0)),
        ("step", Fraction(5, 100)),
        ("step", Fraction(8, 100)),
        ("growth", Fraction(5, 1000)),
        ("growth", Fraction(1, 100)),
    ),
    "day": (
        ("none", Fraction(0)),
        ("step", Fraction(5, 100)),
        ("step", Fraction(8, 100)),
        ("growth", Fraction(5, 10_000)),
        ("growth", Fraction(1, 1000)),
    ),
}
"""Changes of the gap that the plan is tried on. Growth is per window: 6 to 26 points in half a year."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One rate of one watch over its known groups: counts at release, and people in one window."""

    watch: Watch
    metric: str
    subject: Subject
    counts: tuple[Count, ...]
    people: tuple[float, ...]
    minimum: int
    reference: Group | None

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """Places (reference, group) that are charted, in both signs; none where the release lacks people."""
        able = [place for place in self._supported if self.people[place] >= 1]
        if len(able) < 2:
            return ()
        named = next((place for place in able if self.counts[place].group == self.reference), None)
        base = named if named is not None else max(able, key=lambda place: (self._rate(place), -place))
        others = sorted((place for place in able if place != base), key=lambda place: -self.people[place])
        return tuple((base, place) for place in sorted(others[:MOST_CHARTED]))

    @property
    def extremes(self) -> tuple[int, int] | None:
        """Places of the supported groups with the highest and the lowest rate at release."""
        able = self._supported
        if len(able) < 2:
            return None
        high = max(able, key=lambda place: (self._rate(place), -place))
        low = min((place for place in able if place != high), key=lambda place: (self._rate(place), place))
        return high, low

    @property
    def _supported(self) -> list[int]:
        return [place for place, count in enumerate(self.counts) if count.support >= self.minimum]

    def _rate(self, place: int) -> Fraction:
        return self.counts[place].value or Fraction(0)


def trend_rule(audit: Audit, watches: Sequence[Watch], rule: WindowRule, horizon: int) -> TrendRule:
    """Return the charts of every gap that pages and of the primary one, each with its calibrated limit.

    Every supported group is charted against the attribute's reference group, or against the one with the
    highest rate at release, in both signs. The limits share the chance of a false alarm among all charts.
    Charts run on single windows: windows that overlap would count the same people again.
    """
    seed = seed_of(audit.counted.cube.fingerprint, "trend")
    lines = [
        line
        for line in _lines(audit, watches, rule)
        if line.watch.confirmed == "page" or line.watch.check.primary
    ]
    charts: list[TrendChart] = []
    pairs, replicates = [(line, pair) for line in lines for pair in line.pairs], 0
    for place, (line, (first, second)) in enumerate(pairs):
        counts = (line.counts[first], line.counts[second])
        people = (max(1, round(line.people[first])), max(1, round(line.people[second])))
        found = calibrated_limits(
            counts, people, horizon, seed=seed + place, charts=2 * len(pairs), chance=float(CHANCE)
        )
        if found is not None:
            replicates = found[0].replicates
            charts.append(_chart(line, counts, people, found[0].h))
            charts.append(_chart(line, (counts[1], counts[0]), (people[1], people[0]), found[1].h))
    return TrendRule(
        chance=CHANCE,
        horizon=horizon,
        allowance=ALLOWANCE,
        replicates=replicates,
        seed=seed,
        charts=tuple(charts),
    )


def _chart(line: Line, counts: tuple[Count, Count], people: tuple[int, int], h: float) -> TrendChart:
    """One chart; its limit is rounded up to two decimals, as people read it."""
    high, low = counts
    return TrendChart(
        watch=line.watch.id,
        metric=line.metric,
        subject=line.subject,
        high=high.group,
        low=low.group,
        baseline=((high.numerator, high.denominator), (low.numerator, low.denominator)),
        people=people,
        h=ceil(100 * h) / 100,
    )


def detections(
    audit: Audit, watches: Sequence[Watch], rule: WindowRule, trend: TrendRule
) -> tuple[Detection, ...]:
    """Return what every gap that pages shows of each change: the plan's own rules on simulated half-years.

    The change widens the gap between the highest and the lowest supported group. A criterion of several rates
    is tried on the one whose gap is largest.
    """
    found: list[Detection] = []
    for watch in watches:
        if watch.confirmed != "page" or watch.check.against is not None:
            continue
        lines = [line for line in _lines(audit, [watch], rule) if line.extremes is not None]
        if lines:
            found += _tried(audit, max(lines, key=_gap), rule, trend)
    return tuple(found)


def _tried(audit: Audit, line: Line, rule: WindowRule, trend: TrendRule) -> Iterator[Detection]:
    check, ratio = line.watch.check, line.watch.check.compare == "ratio"
    places = {count.group: place for place, count in enumerate(line.counts)}
    # A ratio is of the favourable side; where that is not being selected, every gap has the other sign.
    turned = rate_metric(audit.contract, line.metric, favourable=ratio) is not RATES[line.metric]
    line = _turned(line) if turned else line
    assert line.extremes is not None
    limit = check.limit.min if ratio else check.limit.max
    assert limit is not None
    judged = Rule(
        compare="ratio" if ratio else "difference", limit=limit,
        level=float(audit.contract.statistics.level), floor=PROTECT_FLOOR, rolling=rule.rolling,
        horizon=trend.horizon,
    )  # fmt: skip
    volumes = Volumes(counts=line.counts, people=line.people)
    charts = [
        ChartLine(
            high=places[chart.low if turned else chart.high],
            low=places[chart.high if turned else chart.low],
            h=chart.h,
        )
        for chart in trend.charts
        if chart.watch == line.watch.id and chart.metric == line.metric
    ]
    replicates = replicates_for(len(line.counts), trend.horizon)
    for number, (kind, size) in enumerate(CHANGES[rule.unit]):
        change = Change(kind=kind, size=float(size), high=line.extremes[0], low=line.extremes[1])
        seed = seed_of(audit.counted.cube.fingerprint, f"{line.watch.id} {number}")
        seen = first_alarms(volumes, judged, charts, change, replicates=replicates, seed=seed)
        yield Detection(
            watch=line.watch.id,
            kind=kind,
            change=size,
            by_level=share(seen.level),
            by_trend=share(seen.trend),
            by_any=share(seen.any),
            median_windows=median_window(seen.any),
            replicates=replicates,
        )


def _turned(line: Line) -> Line:
    """The same people, counted when they are not in the numerator."""
    counts = tuple(replace(count, numerator=count.denominator - count.numerator) for count in line.counts)
    return replace(line, counts=counts)


def _gap(line: Line) -> Fraction:
    rates = [count.value for count in line.counts if count.support >= line.minimum]
    known = [rate for rate in rates if rate is not None]
    return max(known) - min(known)


def _lines(audit: Audit, watches: Sequence[Watch], rule: WindowRule) -> Iterator[Line]:
    """Each rate that each watch compares, where volumes are known."""
    for watch in watches:
        compares = watch.check.compare in ("difference", "ratio") or watch.check.against is not None
        for name in CRITERIA.get(watch.check.metric, (watch.check.metric,)) if compares else ():
            if name in RATES and (line := _line(audit, watch, name, rule)) is not None:
                yield line


def _line(audit: Audit, watch: Watch, name: str, rule: WindowRule) -> Line | None:
    contract, cube, metric = audit.contract, audit.counted.cube, RATES[name]
    brought = people_a_day(contract, cube, watch.subject, metric)
    if not brought:
        return None
    tables = cube.outcomes(watch.subject)
    groups = [group for group in known_groups(cube, contract, watch.subject) if group in tables]
    totals = totals_by_group(audit.counted.people)
    days = UNIT_DAYS[rule.unit]
    return Line(
        watch=watch,
        metric=name,
        subject=watch.subject,
        counts=rate_counts(tables, groups, metric, subject=watch.subject, people=totals),
        people=tuple(float(brought.get(group, Fraction(0)) * days) for group in groups),
        minimum=metric.required(contract.support),
        reference=_reference(audit, watch.subject),
    )


def _reference(audit: Audit, subject: Subject) -> Group | None:
    attribute = audit.contract.attribute(subject[0]) if len(subject) == 1 else None
    return (attribute.reference,) if attribute and attribute.reference else None

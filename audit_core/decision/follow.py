"""Follows a release by its plan: watches, charts, estimates and incidents, from counts and a clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from audit_core.contract.metrics import NEEDS_LABEL
from audit_core.contract.schema import ReleaseContract
from audit_core.cube.baseline import APPROVALS, Baseline
from audit_core.cube.windows import Added, WindowCounts, added, as_counted
from audit_core.decision.follow_incidents import exit_code, incidents
from audit_core.decision.follow_windows import PlanWindow, plan_windows
from audit_core.decision.followed import (
    EstimatedRate,
    Followed,
    TrendPoint,
    WatchPoint,
    WindowRate,
)
from audit_core.decision.looser import looser_terms
from audit_core.decision.plan import Plan, TrendChart, Watch
from audit_core.decision.record import Audit
from audit_core.findings.finding import Finding
from audit_core.findings.judge import judge_check
from audit_core.metrics.catalogue import CRITERIA, RATES
from audit_core.metrics.estimate import Count, Measured, TooFew, estimate_rate
from audit_core.metrics.expected import expected_rates
from audit_core.metrics.monitoring import counted_part, cusum, standardised_gap
from audit_core.metrics.windows import group_rates, measured_for

_NEVER: Mapping[str, datetime] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sight:
    """What is looked at together: the plan, its windows, and each window's sum (None where there is none)."""

    plan: Plan
    audit: Audit
    windows: tuple[PlanWindow, ...]
    sums: tuple[Added | None, ...]

    @property
    def contract(self) -> ReleaseContract:
        """The contract the release was decided under."""
        return self.audit.contract


def follow(
    plan: Plan,
    audit: Audit,
    windows: Sequence[WindowCounts],
    as_of: datetime,
    seen: Mapping[str, datetime] = _NEVER,
) -> Followed:
    """Return everything known of a release after these windows.

    Parameters
    ----------
    audit
        The release the plan was made of.
    as_of
        The clock: which windows are expected, which outcomes and which data are late.
    seen
        When each incident was first seen, by its id: what an earlier run wrote down. One that is not among
        them is seen for the first time now.

    Raises
    ------
    UsageError
        A period is longer than the plan's window, shares days with another, or lies outside the plan.

    Guarantee: depends on its arguments alone, and not on the order of the windows.
    """
    sight = _sight(plan, audit, plan_windows(plan, windows, as_of))
    points = tuple(_points(sight))
    trends = tuple(_trends(sight))
    views = tuple(window.view for window in sight.windows)
    found = incidents(plan, views, points, trends, (as_of, seen))
    return Followed(
        plan=plan,
        as_of=as_of,
        windows=views,
        rates=tuple(_rates(sight)),
        points=points,
        trends=trends,
        estimates=tuple(_estimates(sight)),
        incidents=found,
        exit_code=exit_code(plan, points, found),
        looser=looser_terms(plan, audit),
    )


def _sight(plan: Plan, audit: Audit, windows: tuple[PlanWindow, ...]) -> _Sight:
    features = _features(plan, audit)
    return _Sight(
        plan=plan,
        audit=audit,
        windows=windows,
        sums=tuple(added(window.parts, features) if window.parts else None for window in windows),
    )


def _features(plan: Plan, audit: Audit) -> set[str]:
    """Features whose drift is watched: those named, every input where a watch names none."""
    found: set[str] = set()
    for watch in plan.watches:
        if watch.check.metric == "psi":
            found |= set(watch.check.features or (table.feature for table in audit.counted.drift))
    return found


def _points(sight: _Sight) -> Iterator[WatchPoint]:
    for watch in sight.plan.watches:
        for place, window in enumerate(sight.windows):
            why = window.unjudged(needs_labels=watch.needs_labels)
            if why:
                yield WatchPoint(watch=watch.id, window=window.view.name, windows=(), finding=None, why=why)
            else:
                yield _judged(sight, watch, place)


def _judged(sight: _Sight, watch: Watch, place: int) -> WatchPoint:
    """A watch on the windows that end here; those whose data or outcomes are not there are left out."""
    first = max(0, place + 1 - sight.plan.window.rolling)
    rolled = [i for i in range(first, place + 1) if not sight.windows[i].unjudged(watch.needs_labels)]
    alone = sight.sums[place]
    assert alone is not None
    if len(rolled) > 1:
        parts = [part for i in rolled for part in sight.windows[i].parts]
        features = {table.feature for table in alone.drift} if watch.check.metric == "psi" else ()
        alone = added(parts, features)
    name = sight.windows[place].view.name
    counted = as_counted(alone, name, _release(sight.audit) if watch.check.against == "baseline" else None)
    measured = measured_for(watch.check, watch.subject, sight.contract, counted)
    finding = judge_check(watch.check, watch.subject, sight.contract, counted, measured)
    if any(sight.windows[i].view.thinned for i in rolled):
        finding = _thinned(finding, pages=watch.confirmed == "page")
    names = tuple(sight.windows[i].view.name for i in rolled)
    return WatchPoint(watch=watch.id, window=name, windows=names, finding=finding, why="")


def _thinned(finding: Finding, *, pages: bool) -> Finding:
    """A judgement on what is left where many rows had no score or decision: it accuses, and clears nobody."""
    beyond = finding.status == "FAIL" or finding.reason == "point_beyond"
    if beyond or (finding.metric == "psi" and not pages):
        return finding
    return replace(
        finding, status="INCONCLUSIVE", evidence="UNSUPPORTED", reason="too_many_dropped", warned=False
    )


def _release(audit: Audit) -> Baseline:
    """The release as the baseline of its own windows: every change is also one of the people."""
    return Baseline(
        name=audit.id,
        approval=APPROVALS.get(audit.decision.verdict, "not_approved"),
        paired=None,
        other=audit.counted.cube,
        audit_id=audit.id,
        contract_version=audit.contract.version,
        created_at=audit.created_at,
        model_sha256=audit.model.sha256 if audit.model else "",
    )


def _trends(sight: _Sight) -> Iterator[TrendPoint]:
    for chart in sight.plan.trend.charts:
        moves = [_move(sight, chart, place) for place in range(len(sight.windows))]
        known = [z * part for z, part in filter(None, moves)]
        path = iter(cusum(known, limit=chart.h, allowance=sight.plan.trend.allowance).values)
        for window, move in zip(sight.windows, moves, strict=True):
            value = None if move is None else next(path)
            yield TrendPoint(
                watch=chart.watch,
                high=chart.high,
                low=chart.low,
                window=window.view.name,
                z=None if move is None else move[0],
                value=value,
                limit=chart.h,
                alarm=value is not None and value > chart.h,
                counts=1.0 if move is None else move[1],
            )


def _move(sight: _Sight, chart: TrendChart, place: int) -> tuple[float, float] | None:
    """How many standard errors one window's gap lies above the release's, and what part of that counts.

    None where the window is not judged.
    """
    rate = CRITERIA.get(chart.metric, (chart.metric,))[0]
    window, sums = sight.windows[place], sight.sums[place]
    if window.unjudged(needs_labels=rate in NEEDS_LABEL) or sums is None:
        return None
    if rate not in RATES or not sums.cube.holds(chart.subject):  # a plan may have been edited by hand
        return None
    tables = sums.cube.outcomes(chart.subject)
    if chart.high not in tables or chart.low not in tables:
        return None
    high, low = (
        Count(group=group, numerator=x, denominator=n)
        for group, (x, n) in ((g, RATES[rate].counts(tables[g])) for g in (chart.high, chart.low))
    )
    before = [
        Count(group=group, numerator=x, denominator=n)
        for group, (x, n) in zip((chart.high, chart.low), chart.baseline, strict=True)
    ]
    now, began = (high, low), (before[0], before[1])
    z, part = standardised_gap(now, began), counted_part(now, began, chart.people)
    return None if z is None or part is None else (z, part)


def _rates(sight: _Sight) -> Iterator[WindowRate]:
    checks = [watch.check for watch in sight.plan.watches]
    for window, sums in zip(sight.windows, sight.sums, strict=True):
        if sums is None:
            continue
        for rate in group_rates(sight.contract, checks, sums.cube, sight.audit.counted.cube):
            yield WindowRate(
                window=window.view.name,
                metric=rate.metric,
                subject=rate.subject,
                group=rate.group,
                estimate=rate.estimate,
                delta=rate.delta,
                maturing=bool(window.unjudged(rate.needs_label)),
            )


def _estimates(sight: _Sight) -> Iterator[EstimatedRate]:
    """Expected rates of what the watches need outcomes for, of every window, beside what came."""
    waiting = [watch for watch in sight.plan.watches if watch.needs_labels and watch.check.of]
    named = [rate for w in waiting for rate in CRITERIA.get(w.check.metric, (w.check.metric,))]
    # Scores lead one to expect nothing of how many outcomes come back.
    named = [name for name in named if name != "label_coverage"]
    metrics = tuple(name for name in dict.fromkeys(named) if name in RATES and name in NEEDS_LABEL)
    subjects = tuple(dict.fromkeys(watch.subject for watch in waiting))
    level = float(sight.contract.statistics.level)
    for window, sums in zip(sight.windows, sight.sums, strict=True):
        if sums is None or not metrics:
            continue
        outcomes = {subject: sums.cube.outcomes(subject) for subject in subjects if sums.cube.holds(subject)}
        release = sight.audit.counted.cube
        for found in expected_rates(sight.contract, metrics, subjects, sums.cube, release):
            observed = None
            if not window.unjudged(needs_labels=True):
                x, n = RATES[found.metric].counts(outcomes[found.subject][found.group])
                observed = estimate_rate(x, n, level=level, method=sight.contract.statistics.interval)
            came = observed.value if isinstance(observed, Measured | TooFew) else None
            yield EstimatedRate(
                window=window.view.name,
                metric=found.metric,
                subject=found.subject,
                group=found.group,
                value=found.value,
                low=found.low,
                high=found.high,
                people=found.people,
                observed=observed,
                held=None if came is None else found.low <= came <= found.high,
                curve=found.curve,
            )

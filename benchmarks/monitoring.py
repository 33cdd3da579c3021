"""Monitoring: false alarms of charts, promises of plans against fresh simulations, earlier figures again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from audit_core.audit import worked_example
from audit_core.contract.schema import ReleaseContract
from audit_core.cube.axes import NO_BAND, Axis
from audit_core.cube.count_cube import CountCube, build_cube
from audit_core.cube.counted import Counted
from audit_core.decision.plan import Detection, Plan, Watch
from audit_core.decision.planning import plan_for
from audit_core.decision.record import Audit
from audit_core.evidence.workspace import Workspace
from audit_core.findings.judge import blank_finding
from audit_core.findings.judge_gap import judge_gap
from audit_core.metrics.catalogue import RATES
from audit_core.metrics.estimate import Count
from audit_core.metrics.measure import subject_gap
from audit_core.metrics.monitoring import calibrated_limits, counted_part, cusum, standardised_gap
from benchmarks._monitoring_runs import (
    Setting,
    came,
    drawn,
    error,
    first_chart_alarm,
    first_point_alarm,
    middle,
)

RUNS = 6000
JUDGED = 300
MADE_ON = date(2026, 11, 16)
SMALL = Setting(rates=(0.8, 0.77), baseline=(400, 300), people=(60, 40), windows=26)
LARGE = Setting(rates=(0.8, 0.77), baseline=(1000, 800), people=(200, 150), windows=26)
Figures = Iterator[tuple[str, float, str]]


def measure() -> Figures:
    """Yield each figure with its value and its unit."""
    with TemporaryDirectory() as folder:
        audit = worked_example(Workspace(Path(folder)))
    weekly = _weekly(audit)
    yield from _times(audit, weekly)
    yield from _false_alarms(audit)
    yield from _published()
    for name, example in (("example by month", audit), ("milder gap by week", weekly)):
        yield from _promises(name, example)


def _times(audit: Audit, weekly: Audit) -> Figures:
    for name, example in (("months", audit), ("weeks", weekly)):
        began = time.perf_counter()
        plan_for(example, MADE_ON)
        yield f"a plan in {name}, charts and detection", 1000 * (time.perf_counter() - began), "ms"


def _false_alarms(audit: Audit) -> Figures:
    """Charts on a model that does not change; both signs, limits made for windows of the expected sizes."""
    plan = plan_for(audit, MADE_ON)
    chart = plan.trend.charts[0]
    (x1, n1), (x2, n2) = chart.baseline
    example = Setting(
        rates=(x1 / n1, x2 / n2), baseline=(n1, n2), people=chart.people, windows=plan.trend.horizon
    )
    made = (chart.h, plan.trend.charts[1].h)
    cases = (
        ("60/40 a week", SMALL, _limits(SMALL, 2)),
        ("200/150 a week", LARGE, _limits(LARGE, 2)),
        ("example's plan", example, made),
    )
    for name, setting, limits in cases:
        expected = (float(round(setting.people[0])), float(round(setting.people[1])))
        for sizes in ("alike", "Poisson", "uneven"):
            runs = drawn(replace(setting, sizes=sizes), RUNS, 17)
            found = came(first_chart_alarm(runs, limits, most=expected))
            yield _share(f"no change, {name}, sizes {sizes}: alarms", found)
        for said, times in (("half", 0.5), ("one and a half times", 1.5), ("twice", 2.0), ("5 times", 5.0)):
            other = replace(setting, people=(setting.people[0] * times, setting.people[1] * times))
            runs = drawn(other, RUNS, 18)
            found = came(first_chart_alarm(runs, limits, most=expected))
            yield _share(f"no change, {name}, {said} the people: alarms", found)
            counted = came(first_chart_alarm(runs, limits))
            yield _share(f"no change, {name}, {said} the people, all counted: alarms", counted)
    yield "largest share that is chance at 5 %", 5 + 300 * error(0.05, RUNS), "%"


def _published() -> Figures:
    """The figures the method was chosen by: one chart, one sign, a true gap of 3 points at release."""
    for name, setting in (("60/40", SMALL), ("200/150", LARGE)):
        h, nothing = _limits(setting, 1)[0], float("inf")
        yield f"{name} a week: h of one chart", h, "se"
        still = drawn(setting, RUNS, 21)
        known = came(first_chart_alarm(still, (4.0, nothing), known=setting.rates[0] - setting.rates[1]))
        yield _share(f"{name} a week: h = 4, gap known, false", known)
        estimated = came(first_chart_alarm(still, (4.0, nothing)))
        yield _share(f"{name} a week: h = 4, gap estimated, false", estimated)
        for said, changed in (
            ("8 pts in week 1", replace(setting, step=0.08)),
            ("8 pts in week 9", replace(setting, step=0.08, begins=9)),
            ("1 pt a week", replace(setting, growth=0.01)),
            ("0.5 pt a week", replace(setting, growth=0.005)),
        ):
            seen = first_chart_alarm(drawn(changed, RUNS, 22), (h, nothing))
            seen = np.where(seen >= changed.begins, seen - changed.begins + 1, np.inf)
            yield _share(f"{name} a week: {said}, found", came(seen))
            yield f"{name} a week: {said}, median of the found", middle(seen), "weeks"
        yield _share(f"{name} a week: point over 10 pts, false", came(first_point_alarm(still, 0.10)))


def _limits(setting: Setting, charts: int) -> tuple[float, float]:
    baseline = [
        Count(group=(str(i),), numerator=round(rate * n), denominator=n)
        for i, (rate, n) in enumerate(zip(setting.rates, setting.baseline, strict=True))
    ]
    people = (round(setting.people[0]), round(setting.people[1]))
    found = calibrated_limits((baseline[0], baseline[1]), people, setting.windows, seed=11, charts=charts)
    assert found is not None
    return found[0].h, found[1].h


def _share(name: str, share: float) -> tuple[str, float, str]:
    return name, 100 * share, f"% (± {100 * error(share, RUNS):.1f})"


def _promises(name: str, audit: Audit) -> Figures:
    """Every line of the plan's table against half-years judged by the findings and the charts themselves."""
    plan, worst = plan_for(audit, MADE_ON), 0.0
    for number, promised in enumerate(plan.detection):
        level, trend = _lived(audit, plan, promised, seed=100 + number)
        said = f"{name}: {promised.kind} {100 * float(promised.change):g}"
        both = np.minimum(level, trend)
        for how, share, seen in (
            ("level", promised.by_level, level),
            ("trend", promised.by_trend, trend),
            ("any", promised.by_any, both),
        ):
            spread = np.hypot(error(share, promised.replicates), error(share, JUDGED))
            away = abs(came(seen) - share) / max(spread, 1 / JUDGED)
            worst = max(worst, away)
            yield f"{said} by {how}, promised {100 * share:.1f} %", 100 * came(seen), "% when lived"
        if promised.median_windows is not None:
            yield f"{said}, promised median {promised.median_windows:g}", middle(both), "windows"
    yield f"{name}: farthest from its promise", worst, "standard errors"


def _lived(audit: Audit, plan: Plan, promised: Detection, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """First level and trend alarm of each half-year, by the functions that follow a release."""
    watch = next(w for w in plan.watches if w.id == promised.watch)
    contract = audit.contract
    draw = np.random.Generator(np.random.Philox(seed))
    metric, unit_days = RATES[watch.check.metric], {"week": 7, "month": 365.25 / 12}[plan.window.unit]
    tables = audit.counted.cube.outcomes(watch.subject)
    groups = [group for group in tables if "" not in group]
    counts = {group: metric.counts(tables[group]) for group in groups}
    days = 31 if plan.window.unit == "month" else 28
    levels, trends = [], []
    for _ in range(JUDGED):
        live = [
            {
                g: _people(draw, counts[g], unit_days / days, _moved(counts, groups, g, promised, t))
                for g in groups
            }
            for t in range(1, plan.trend.horizon + 1)
        ]
        levels.append(_first_confirmed(contract, audit.counted, watch, plan.window.rolling, live))
        began = {g: (int(draw.binomial(n, x / n)), n) for g, (x, n) in counts.items()}
        trends.append(_first_trend(plan, watch, began, live))
    return np.array(levels, dtype=float), np.array(trends, dtype=float)


def _moved(counts: dict, groups: Sequence, group: tuple, promised: Detection, t: int) -> float:
    """True rate of a group in the t-th window: the supported group with the lowest rate falls."""
    supported = [g for g in groups if counts[g][1] >= 50]
    lowest = min(supported, key=lambda g: counts[g][0] / counts[g][1])
    x, n = counts[group]
    if group != lowest or promised.kind == "none":
        return x / n
    return x / n - float(promised.change) * (t if promised.kind == "growth" else 1)


def _people(draw: np.random.Generator, count: tuple[int, int], share: float, rate: float) -> tuple[int, int]:
    n = int(draw.poisson(count[1] * share))
    return int((draw.random(n) < rate).sum()), n


def _first_confirmed(
    contract: ReleaseContract, counted: Counted, watch: Watch, rolling: int, live: Sequence[dict]
) -> float:
    for t in range(len(live)):
        part = live[max(0, t + 1 - rolling) : t + 1]
        total = {g: (sum(w[g][0] for w in part), sum(w[g][1] for w in part)) for g in part[0]}
        window = replace(counted, cube=_cube(watch, total, counted.cube), people=())
        gap = subject_gap(contract, window, watch.subject, watch.check.metric, watch.check.compare or "")
        found = judge_gap(blank_finding(watch.check, watch.subject), watch.check, contract, window, gap)
        if (found.status, found.evidence) == ("FAIL", "CONFIRMED"):
            return t + 1
    return float("inf")


def _cube(watch: Watch, total: dict, whole: CountCube) -> CountCube:
    """Positives of each group, selected and not: all that a TPR looks at."""
    names = tuple(sorted(group[0] for group in total))
    cells = [
        (names.index(group[0]), 1, decision, NO_BAND, number)
        for group, (x, n) in total.items()
        for decision, number in ((1, x), (0, n - x))
        if number
    ]
    codes = np.array([cell[:4] for cell in cells], dtype=np.int64)
    measures = np.array([(cell[4], 0, 0, 0) for cell in cells], dtype=np.int64)
    axes = (Axis(name=watch.subject[0], kind="attribute", levels=names),)
    return build_cube(axes, whole.bands, codes, measures)


def _first_trend(plan: Plan, watch: Watch, began: dict, live: Sequence[dict]) -> float:
    first = float("inf")
    for chart in plan.trend.charts:
        if chart.watch != watch.id:
            continue
        before = _pair(began, chart.high, chart.low)
        z = []
        for window in live:
            now = _pair(window, chart.high, chart.low)
            move, part = standardised_gap(now, before), counted_part(now, before, chart.people)
            z += [] if move is None or part is None else [move * part]
        alarm = cusum(z, limit=chart.h).first_alarm
        first = min(first, alarm or first)
    return first


def _pair(counts: dict, high: tuple, low: tuple) -> tuple[Count, Count]:
    made = [Count(group=g, numerator=counts[g][0], denominator=counts[g][1]) for g in (high, low)]
    return made[0], made[1]


def _weekly(audit: Audit) -> Audit:
    """The example's people by week, with a TPR gap of 3 points: 800 qualified men, 600 qualified women."""
    weeks = ("2026-W40", "2026-W41", "2026-W42", "2026-W43")
    cells = []
    for gender, (x, n) in enumerate(((640, 800), (462, 600))):
        for label, decision, number in ((1, 1, x), (1, 0, n - x), (0, 1, 120), (0, 0, 480)):
            cells += [(gender, 0, 0, week, label, decision, NO_BAND, number // 4) for week in range(4)]
    codes = np.array([cell[:-1] for cell in cells], dtype=np.int64)
    measures = np.array([(cell[-1], 0, 0, 0) for cell in cells], dtype=np.int64)
    axes = (
        Axis(name="gender", kind="attribute", levels=("man", "woman")),
        Axis(name="ethnicity", kind="attribute", levels=("White",)),
        Axis(name="age_band", kind="attribute", levels=("30–39",)),
        Axis(name="applied_month", kind="window", levels=weeks),
    )
    cube = build_cube(axes, audit.counted.cube.bands, codes, measures)
    checks = tuple(c for c in audit.contract.checks if "source" not in [n for s in c.of for n in s])
    contract = replace(audit.contract, checks=checks)
    counted = replace(audit.counted, cube=cube, ranks=(), people=())
    return replace(audit, contract=contract, counted=counted)

"""What monitoring is said to see: verdicts on arrays are those of findings, alarms those of charts."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from planning_factory import TEXT, cube_with

from audit_core.contract.yaml import parse_contract
from audit_core.cube.counted import Counted, Intake
from audit_core.findings.judge import blank_finding
from audit_core.findings.judge_gap import judge_gap
from audit_core.metrics.detection import (
    NEVER,
    Change,
    ChartLine,
    Rule,
    Volumes,
    added_up,
    confirmed_gap,
    first_alarms,
    median_window,
    replicates_for,
    share,
)
from audit_core.metrics.estimate import Count
from audit_core.metrics.measure import subject_gap
from audit_core.metrics.monitoring import calibrated_limits, counted_part, cusum, standardised_gap

CONTRACT = parse_contract(TEXT.encode(), "contract.yaml")
GROUPS = ("man", "nonbinary", "woman")


def count(x, n, effect=1.0):
    return Count(group=("g",), numerator=int(x), denominator=int(n), design_effect=effect)


WEEK = Volumes(counts=(count(800, 1000), count(640, 800)), people=(200.0, 150.0))
NOTHING = Change(kind="none", size=0.0, high=0, low=1)


def rule(compare="difference", limit=Fraction(1, 10), rolling=1, horizon=26):
    return Rule(compare=compare, limit=limit, level=0.95, floor=10, rolling=rolling, horizon=horizon)


def judged(check, counts):
    """What the findings of an audit say of these counts."""
    cube = cube_with(counts={name: (x, n, x, n) for name, (x, n) in zip(GROUPS, counts, strict=True)})
    intake = Intake(rows=cube.rows, counted=cube.rows, dropped=(), missing_label=0, edge_rows=0, repeated=0,
                    folded=(), last_window="")  # fmt: skip
    counted = Counted(cube=cube, intake=intake, ranks=(), drift=(), overlap=None, has_train=False)
    gap = subject_gap(CONTRACT, counted, ("gender",), check.metric, check.compare)
    found = judge_gap(blank_finding(check, ("gender",)), check, CONTRACT, counted, gap)
    return (found.status, found.evidence) == ("FAIL", "CONFIRMED")


@pytest.mark.parametrize("name", ["tpr_gap_gender", "adverse_impact"])
def test_a_confirmed_gap_on_arrays_is_what_the_findings_confirm(name):
    check = next(c for c in CONTRACT.checks if c.id == name)
    draw = np.random.default_rng(3)
    # Few and many people, groups under the floor of ten and empty ones, rates near and far from the limit.
    n = draw.integers(0, 40, (250, 3)) * draw.choice([1, 1, 30], (250, 3))
    rates = np.clip(draw.choice([0.05, 0.5, 0.9], (250, 1)) + draw.normal(0, 0.12, (250, 3)), 0, 1)
    x = draw.binomial(n, rates)
    ratio = check.compare == "ratio"
    limit = check.limit.min if ratio else check.limit.max
    expected = [judged(check, zip(*table, strict=True)) for table in zip(x.tolist(), n.tolist(), strict=True)]
    both = 2 if ratio else 1  # selection counts both labels, and the factory gives them the same counts
    found = confirmed_gap(both * x, both * n, rule("ratio" if ratio else "difference", limit))
    assert found.tolist() == expected
    assert 20 < sum(expected) < 230


def test_a_gap_on_the_limit_itself_is_not_beyond_it():
    counts = np.array([[8000, 7000]]), np.array([[10_000, 10_000]])
    lower = confirmed_gap(*counts, rule(limit=Fraction(1, 1000)))
    assert lower.tolist() == [True]
    assert confirmed_gap(np.array([[10, 0]]), np.array([[10, 9]]), rule()).tolist() == [
        False
    ]  # nine is too few
    assert confirmed_gap(
        np.array([[0, 0]]), np.array([[50, 50]]), rule("ratio", Fraction(4, 5))
    ).tolist() == [False]


def test_trend_alarms_are_those_of_the_chart_itself():
    """The same draws, window by window through the functions that follow a release."""
    chart = ChartLine(high=0, low=1, h=6.0)
    setting = rule(horizon=12)
    change = Change(kind="growth", size=0.02, high=0, low=1)
    found = first_alarms(WEEK, setting, [chart], change, replicates=30, seed=5)
    draw = np.random.Generator(np.random.PCG64(5))
    n = draw.poisson((200.0, 150.0), (30, 12, 2))
    rates = np.stack([np.full(12, 0.8), 0.8 - 0.02 * np.arange(1, 13)], axis=1)
    x = draw.binomial(n, rates)
    began = draw.binomial([1000, 800], [0.8, 0.8], (30, 2))
    for run in range(30):
        baseline = tuple(count(began[run, g], size) for g, size in ((0, 1000), (1, 800)))
        tables = [tuple(map(count, x[run, t], n[run, t])) for t in range(12)]
        z = [
            standardised_gap(table, baseline) * counted_part(table, baseline, (200, 150)) for table in tables
        ]
        assert found.trend[run] == (cusum(z, limit=6.0).first_alarm or NEVER)
        confirmed = confirmed_gap(x[run], n[run], setting)
        assert found.level[run] == (int(confirmed.argmax()) + 1 if confirmed.any() else NEVER)


def test_rolling_windows_add_up_what_has_passed():
    tall = np.arange(1, 7).reshape(1, 6, 1)
    assert added_up(tall, 3)[0, :, 0].tolist() == [1, 3, 6, 9, 12, 15]
    assert added_up(tall, 1)[0, :, 0].tolist() == [1, 2, 3, 4, 5, 6]
    assert added_up(tall, 9)[0, :, 0].tolist() == [1, 3, 6, 10, 15, 21]


def test_a_larger_change_is_found_more_often_and_nothing_is_drawn_twice():
    chart = ChartLine(high=0, low=1, h=12.0)
    shares = []
    for size in (0.0, 0.05, 0.15):
        change = Change(kind="step", size=size, high=0, low=1)
        seen = first_alarms(WEEK, rule(rolling=4), [chart], change, replicates=400, seed=1)
        again = first_alarms(WEEK, rule(rolling=4), [chart], change, replicates=400, seed=1)
        assert np.array_equal(seen.any, again.any) and np.array_equal(
            seen.any, np.minimum(seen.level, seen.trend)
        )
        shares.append((share(seen.level), share(seen.trend), share(seen.any)))
    assert shares[0][2] < 0.1 and shares[2] == (1.0, 1.0, 1.0)
    assert all(a <= b <= c for a, b, c in zip(*shares, strict=True))


def test_a_change_stays_a_rate_and_moves_who_has_room():
    low = Volumes(counts=(count(20, 100), count(2, 100)), people=(500.0, 500.0))
    change = Change(kind="step", size=0.3, high=0, low=1)
    seen = first_alarms(low, rule(horizon=3), [], change, replicates=50, seed=1)
    assert share(seen.level) == 1.0 and share(seen.trend) == 0.0  # the high rate rose: the low had no room
    full = Volumes(counts=(count(99, 100), count(98, 100)), people=(500.0, 500.0))
    seen = first_alarms(full, rule(horizon=3), [], change, replicates=50, seed=1)
    assert share(seen.level) == 1.0


def test_medians_are_of_the_runs_that_alarmed():
    assert median_window(np.array([2, 3, 9, NEVER])) == 3.0
    assert median_window(np.array([2, NEVER, NEVER])) is None
    assert share(np.array([2, NEVER, NEVER, NEVER])) == 0.25
    assert (replicates_for(2, 26), replicates_for(100, 26)) == (2000, 400)


def test_groups_without_people_are_never_compared():
    volumes = Volumes(counts=(count(80, 100), count(60, 100), count(0, 0)), people=(50.0, 50.0, 0.0))
    seen = first_alarms(volumes, rule(horizon=4), [], NOTHING, replicates=50, seed=2)
    assert share(seen.trend) == 0.0 and 0 < share(seen.level) <= 1


def test_repeated_people_are_fewer_than_their_rows_and_alarm_more_often():
    repeated = Volumes(counts=(count(800, 1000, 4.0), count(640, 800, 4.0)), people=WEEK.people)
    chart = ChartLine(high=0, low=1, h=9.0)
    alone = first_alarms(WEEK, rule(), [chart], NOTHING, replicates=400, seed=4)
    crowd = first_alarms(repeated, rule(), [chart], NOTHING, replicates=400, seed=4)
    assert share(crowd.trend) > share(alone.trend) + 0.05 and share(crowd.level) > share(alone.level)
    single, _ = calibrated_limits(WEEK.counts, (200, 150), 8, seed=1)
    wider, _ = calibrated_limits(repeated.counts, (200, 150), 8, seed=1)
    assert wider.h > 1.5 * single.h

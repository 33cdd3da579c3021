"""A plan followed: which windows are judged, what becomes an incident, how long it lives, what is silent."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, date, datetime
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from monitor_factory import LIVE, MONTHS, small_release, window_of, without_drift

from audit_core.cube.calendar import calendar, period_name
from audit_core.cube.calendar import window_of as calendar_window_of
from audit_core.decision.follow import follow
from audit_core.errors import UsageError
from audit_core.report.windows import fewer_sentence, grown_sentence

APART = {"men": (95, 100), "women": (55, 100)}
"""A gap of 40 points: confirmed on a hundred people each."""
BEYOND = {"men": (95, 100), "women": (83, 100)}
"""A gap of 12 points: over the limit of 10 by its point, and no more."""
NEAR = {"men": (950, 1000), "women": (861, 1000)}
"""A gap of 8.9 points: past the warning at 8, within the limit."""
WITHIN = {"men": (900, 1000), "women": (900, 1000)}


@pytest.fixture(scope="module")
def release():
    _, audit, plan = small_release()
    plan = without_drift(plan)
    return audit, replace(plan, watches=tuple(w for w in plan.watches if w.id == LIVE))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def followed(release, shown, as_of="2027-03-03", plan=None, seen=None):
    audit, own = release
    windows = [window_of(period, audit, **counts) for period, counts in shown]
    return follow(plan or own, audit, windows, at(as_of), seen or {})


def levels(found):
    """The incidents of everything but slow changes."""
    return [one for one in found.incidents if one.kind != "trend"]


def kinds(found):
    return [(one.kind, one.level, one.windows, one.open) for one in levels(found)]


def test_a_window_is_judged_when_it_is_over_and_not_before(release):
    found = followed(release, [("2026-11", APART)], as_of="2026-11-30")
    assert [(v.name, v.state) for v in found.windows] == [("2026-11", "maturing")]
    assert [p.why for p in found.points] == ["maturing"]
    assert not found.incidents
    assert found.exit_code == 2
    found = followed(release, [("2026-11", APART)], as_of="2026-12-01")
    assert [(v.name, v.state) for v in found.windows] == [("2026-11", "complete")]
    assert kinds(found) == [("confirmed", "page", ("2026-11",), True)]
    assert found.exit_code == 1


def test_what_begins_after_the_clock_has_not_come(release):
    found = followed(release, [("2026-11", WITHIN), ("2026-12", APART)], as_of="2026-12-01")
    later = [view for view in found.windows if view.name == "2026-12"]
    assert [view.state for view in later] == ["maturing"]
    assert not [v for v in followed(release, [("2027-01", APART)], as_of="2026-12-05").windows if v.rows]


def test_a_ticket_stays_open_beside_the_page_it_becomes(release):
    shown = [("2026-11", BEYOND), ("2026-12", BEYOND), ("2027-01", APART), ("2027-02", APART)]
    assert kinds(followed(release, shown)) == [
        ("unconfirmed", "ticket", MONTHS, True),
        ("confirmed", "page", ("2027-01", "2027-02"), True),
    ]


def test_an_incident_closes_with_the_window_that_no_longer_shows_it(release):
    audit, plan = release
    shown = [("2026-11", APART), ("2026-12", WITHIN), ("2027-01", WITHIN)]
    found = followed(release, shown, as_of="2027-02-02")
    assert kinds(found) == [("confirmed", "page", ("2026-11",), False)]
    # The sum of moves forgets slowly: that ticket stays until the plan is made anew, or the gap is below.
    assert [(one.kind, one.open) for one in found.incidents if one not in levels(found)] == [("trend", True)]
    assert found.exit_code == 2
    without = replace(plan, trend=replace(plan.trend, charts=()))
    assert followed((audit, without), shown, as_of="2027-02-02").exit_code == 0


def test_an_incident_that_comes_back_is_another_one(release):
    shown = [("2026-11", APART), ("2026-12", WITHIN), ("2027-01", APART)]
    found = followed(release, shown, as_of="2027-02-02")
    assert [one.began for one in levels(found)] == ["2026-11", "2027-01"]
    assert len({one.id for one in levels(found)}) == 2


def test_a_warning_is_a_ticket_and_no_reason_to_stop(release):
    found = followed(release, [("2026-11", NEAR)], as_of="2026-12-02")
    assert kinds(found) == [("warning", "ticket", ("2026-11",), True)]
    assert found.points[0].finding.status == "INCONCLUSIVE"
    assert found.exit_code == 2  # not for the warning: its interval holds the limit


def test_an_outcome_counts_as_confirmed_after_so_many_windows_in_a_row(release):
    audit, plan = release
    twice = replace(plan, watches=tuple(replace(w, confirm=2) for w in plan.watches))
    shown = [("2026-11", APART), ("2026-12", WITHIN), ("2027-01", APART), ("2027-02", APART)]
    found = followed((audit, twice), shown)
    assert kinds(found) == [
        ("unconfirmed", "ticket", ("2026-11",), False),
        ("unconfirmed", "ticket", ("2027-01", "2027-02"), True),
        ("confirmed", "page", ("2027-02",), True),
    ]


def test_running_again_finds_the_same_incident_with_the_same_time(release):
    shown = [("2026-11", APART)]
    first = followed(release, shown, as_of="2026-12-03")
    seen = {one.id: one.raised for one in first.incidents}
    again = followed(release, [*shown, ("2026-12", APART)], as_of="2027-01-04", seen=seen)
    (old,), (new,) = levels(first), levels(again)
    assert (old.id, old.raised, old.due) == (new.id, new.raised, new.due)
    assert old.raised == at("2026-12-03")
    assert (old.due - old.raised).total_seconds() == 3600 * release[1].watches[0].acknowledge_hours
    assert new.windows == ("2026-11", "2026-12")
    assert new.action == "rollback"


def test_a_window_without_data_is_there_and_silence_is_an_alert(release):
    plan = release[1]
    quiet = followed(release, [("2026-11", WITHIN)], as_of="2027-01-05")
    assert [(v.name, v.state) for v in quiet.windows] == [("2026-11", "complete"), ("2026-12", "missing")]
    assert not quiet.incidents  # it has a few days to come
    assert quiet.exit_code == 2  # but nothing is known of it
    silent = followed(release, [("2026-11", WITHIN)], as_of="2027-01-20")
    assert kinds(silent) == [("silence", "ticket", ("2026-12",), True)]
    assert silent.incidents[0].owner == plan.silence_owner
    assert silent.exit_code == 2
    spoken = followed(release, [("2026-11", WITHIN), ("2027-01", WITHIN)], as_of="2027-02-20")
    assert [v.state for v in spoken.windows] == ["complete", "missing", "complete"]
    assert kinds(spoken) == [("silence", "ticket", ("2026-12",), False)]


def test_nothing_at_all_is_silence_too(release):
    found = followed(release, [], as_of="2026-12-20")
    assert [v.state for v in found.windows] == ["missing"]
    assert kinds(found) == [("silence", "ticket", ("2026-11",), True)]
    assert followed(release, [], as_of="2026-11-10").exit_code == 2


def test_late_outcomes_are_waited_for_then_overdue_and_never_judged(release):
    waits = {**APART, "waiting": 200}
    young = followed(release, [("2026-11", waits)], as_of="2026-12-03")
    assert [(v.state, v.rows, v.labelled) for v in young.windows] == [("maturing", 600, 400)]
    assert [p.why for p in young.points] == ["maturing"]
    assert {rate.maturing for rate in young.rates if rate.metric == "tpr"} == {True}
    assert {rate.maturing for rate in young.rates if rate.metric == "selection_rate"} == {False}
    shown = [("2026-11", waits), ("2026-12", WITHIN)]
    old = followed(release, shown, as_of="2027-01-31")
    assert [v.state for v in old.windows] == ["overdue", "complete"]
    assert kinds(followed(release, shown[:1], as_of="2027-01-31"))[0][:3] == (
        "labels_overdue", "ticket", ("2026-11",),
    )  # fmt: skip
    assert [p.finding for p in old.points if p.window == "2026-11"] == [None]


def test_windows_are_added_up_where_one_alone_is_too_short(release):
    audit, plan = release
    two = replace(plan, window=replace(plan.window, rolling=2))
    shown = [
        ("2026-11", {"men": (40, 50), "women": (45, 50)}),
        ("2026-12", {"men": (50, 50), "women": (30, 50)}),
    ]
    found = followed((audit, two), shown, as_of="2027-01-02")
    last = found.points[-1]
    assert last.windows == ("2026-11", "2026-12")
    assert last.finding.value == Fraction(90, 100) - Fraction(75, 100)
    gone = followed((audit, two), [shown[0], ("2027-01", shown[1][1])], as_of="2027-02-02").points[-1]
    assert gone.windows == ("2027-01",)


def test_the_trend_is_a_cusum_of_single_windows(release):
    shown = [("2026-11", BEYOND), ("2026-12", APART), ("2027-02", WITHIN)]
    _, plan = release
    found = followed(release, shown)
    chart = next(c for c in plan.trend.charts if c.high == ("man",))
    own = [p for p in found.trends if p.high == chart.high]
    (x1, n1), (x2, n2) = chart.baseline
    p1, p2 = x1 / n1, x2 / n2
    expected, total = [], 0.0
    for counts in (BEYOND, APART, None, WITHIN):
        if counts is None:
            expected.append(None)
            continue
        (a, n), (b, m) = counts["men"], counts["women"]
        most = [min(size, people) for size, people in zip((n, m), chart.people, strict=True)]
        z = (a / n - b / m - (p1 - p2)) / math.sqrt(p1 * (1 - p1) / most[0] + p2 * (1 - p2) / most[1])
        total = max(0.0, total + z - plan.trend.allowance)
        expected.append(total)
    assert [p.value for p in own] == pytest.approx(expected)
    assert [p.alarm for p in own] == [v is not None and v > chart.h for v in expected]
    alarms = [one for one in found.incidents if one.kind == "trend"]
    assert bool(alarms) == any(p.alarm for p in own)
    assert {one.level for one in alarms} <= {"ticket"}


def test_people_beyond_those_a_limit_was_made_for_add_nothing_to_the_release_s_own_error(release):
    """The same gap of four times the people: the chart takes it for that of the people expected."""
    _, plan = release
    chart = next(c for c in plan.trend.charts if c.high == ("man",))
    n, m = chart.people
    once = {"men": (n * 8 // 10, n), "women": (m * 7 // 10, m)}
    often = {name: (4 * x, 4 * size) for name, (x, size) in once.items()}
    few, many = (
        next(p for p in followed(release, [("2026-11", counts)]).trends if p.high == chart.high)
        for counts in (once, often)
    )
    assert (few.counts, many.counts) == (1.0, pytest.approx(0.5))
    assert many.z == pytest.approx(2 * few.z) and many.value == pytest.approx(few.value)
    assert grown_sentence([few]) == "" and "Make the plan again" in grown_sentence([few, many])


def test_windows_of_far_fewer_people_than_the_plan_was_made_for_are_said_to_find_less(release):
    found = followed(release, [("2026-11", BEYOND), ("2026-12", BEYOND)])
    point = next(p for p in found.points if p.finding is not None and p.finding.low is not None)
    side = point.finding.low
    rules = [
        replace(found.plan.window, least=side.group, brings=float(times * side.denominator))
        for times in (1, 3)
    ]
    enough, few = (replace(found, plan=replace(found.plan, window=rule)) for rule in rules)
    assert fewer_sentence(enough) == ""
    said = fewer_sentence(few)
    assert said.startswith("In 2 of 2 windows far fewer people came than the plan was made for: ")
    assert f"{side.denominator} of “{side.group[0]}” where {3 * side.denominator} were expected" in said


def test_scores_say_nothing_of_how_many_outcomes_come_back(release):
    found = followed(release, [("2026-11", BEYOND)])
    assert found.estimates and "label_coverage" not in {one.metric for one in found.estimates}


def test_a_window_that_shows_too_little_ends_no_alarm(release):
    """Nine qualified women say nothing: what was wrong before is still open."""
    few = {"men": (90, 100), "women": (8, 9)}
    found = followed(release, [("2026-11", APART), ("2026-12", few)], as_of="2027-01-02")
    assert found.points[-1].finding.evidence == "UNSUPPORTED"
    assert kinds(found) == [("confirmed", "page", ("2026-11",), True)] and found.exit_code == 1


def test_an_input_that_is_no_longer_in_the_files_is_not_passed_over(release):
    """The factory's windows hold no inputs at all."""
    _, plan = release
    (watch,) = plan.watches
    drift = replace(watch.check, id="drift", metric="psi", compare=None, of=(), features=("age",))
    watched = replace(watch, id="drift.age", check=drift, confirmed="ticket", needs_labels=False)
    both = replace(plan, watches=(watch, watched))
    shown = [("2026-11", WITHIN)]
    found = followed(release, shown, as_of="2026-12-01", plan=both)
    assert found.points[-1].finding.status == "NOT_RUN" and found.exit_code == 2
    assert followed(release, shown, as_of="2026-12-01").exit_code == 0


def test_a_watch_of_what_is_not_there_is_never_within_its_limit(release):
    audit, plan = release
    (watch,), chart = plan.watches, plan.trend.charts[0]
    gone = replace(watch, check=replace(watch.check, of=(("region",),)))
    charts = (replace(chart, subject=("region",)), replace(chart, metric="auc"))
    other = replace(plan, watches=(gone,), trend=replace(plan.trend, charts=charts))
    found = followed((audit, other), [("2026-11", WITHIN)], as_of="2026-12-02")
    assert [(p.finding.status, p.finding.reason) for p in found.points] == [("NOT_RUN", "no_attribute")]
    assert [p.value for p in found.trends] == [None, None]
    assert found.exit_code == 2


def test_a_rate_is_compared_with_the_release(release):
    audit, _ = release
    found = followed(release, [("2026-11", BEYOND)], as_of="2026-12-02")
    rate = next(r for r in found.rates if (r.metric, r.group) == ("tpr", ("woman",)))
    table = audit.counted.cube.outcomes(("gender",))[("woman",)]
    before = Fraction(int(table[1, 1]), int(table[1, :3].sum()))
    assert rate.delta == Fraction(83, 100) - before
    assert (rate.estimate.numerator, rate.estimate.denominator) == (83, 100)


@settings(max_examples=10)
@given(st.permutations(range(4)))
def test_the_order_of_the_windows_changes_nothing(release, order):
    shown = [("2026-11", BEYOND), ("2026-12", APART), ("2027-01", WITHIN), ("2027-02", NEAR)]
    assert followed(release, [shown[i] for i in order]) == followed(release, shown)


@pytest.mark.parametrize(
    ("periods", "problem"),
    [
        (("2026-Q4",), "longer than the plan's window"),
        (("2026-11", "2026-11-03"), "share days"),
        (("2026-10",), "outside the plan"),
        (("2026-W44",), "outside the plan"),  # its Sunday is the plan's first day, its Thursday is before
        (("2027-08",), "outside the plan"),
    ],
)
def test_a_period_that_fits_no_window_is_one_error(release, periods, problem):
    with pytest.raises(UsageError, match=problem) as caught:
        followed(release, [(period, WITHIN) for period in periods])
    assert caught.value.remedy


def test_days_and_weeks_add_up_to_their_month(release):
    parts = {"men": (20, 25), "women": (20, 25)}
    found = followed(
        release, [("2026-W46", parts), ("2026-W47", parts), ("2026-11-30", parts)], as_of="2026-12-02"
    )
    (view,) = found.windows
    assert view.periods == ("2026-W46", "2026-W47", "2026-11-30")
    assert view.rows == 3 * 250
    # A week belongs to the month of its Thursday: 2026-W49 ends in December.
    assert calendar_window_of(date(2026, 11, 30), date(2026, 12, 6), "month").name == "2026-12"
    assert calendar_window_of(date(2026, 12, 28), date(2027, 1, 3), "month").name == "2026-12"


@settings(max_examples=40)
@given(st.dates(date(2020, 1, 1), date(2032, 12, 31)), st.sampled_from(["day", "week", "month"]))
def test_windows_of_the_calendar_follow_each_other_without_a_gap(start, unit):
    windows = calendar(start, date(start.year + 1, 12, 31), unit)
    assert windows[0].first <= start <= windows[0].last
    for before, after in pairwise(windows):
        assert (after.first - before.last).days == 1
        assert before.name < after.name
    for window in windows[:60]:
        assert period_name(window.first, window.last) == window.name
        assert calendar_window_of(window.first, window.last, unit) == window

"""The monitoring plan: what is watched and by whom, how long windows are, and which charts there are."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction
from os import environ
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planning_factory import COUNTS, DAYS, MONTH, NO_MONITOR, TEXT, WEEKS, cube_with, planned

from audit_core.contract.yaml import parse_contract
from audit_core.decision.plan import AtRelease
from audit_core.decision.planning import months_later, plan_for, windows_of
from audit_core.decision.planning_release import with_release
from audit_core.decision.planning_watches import watches_of
from audit_core.decision.planning_window import MOST_WINDOWS, UNIT_DAYS, window_rule
from audit_core.evidence.plan_file import parse_plan, plan_text
from audit_core.findings.finding import Finding
from audit_core.findings.judge import blank_finding, judge_check

MADE = date(2026, 11, 16)
LIVE_DRIFT = (
    "  - {id: live_drift, stage: monitor, metric: psi, features: [job_family, score], severity: major,\n"
    "     limit: {warn: 0.05, max: 0.2}, owner: data_scientist, why: Inputs move.,\n"
    "     on_fail: {action: page, notify: platform_oncall}}\n"
)
LIVE_CHANGE = (
    "  - {id: live_change, stage: monitor, metric: tpr, against: baseline, of: [gender], severity: major,\n"
    "     limit: {max_increase: 0.02}, owner: ml_owner, why: It may not widen.}\n"
)
GOLDEN = Path(__file__).parent / "golden" / "plan.yaml"


@pytest.fixture(scope="module")
def worked(hiring_audit):
    return plan_for(hiring_audit, MADE)


def watch(plan, name):
    return next(w for w in plan.watches if w.id == name)


def rule_of(text=TEXT, **made):
    audit = planned(text, **made)
    return window_rule(audit.contract, audit.counted.cube, watches_of(audit.contract, audit.counted))


def test_the_worked_example_pages_on_its_own_monitor_check_alone(worked):
    assert [w.id for w in worked.watches if w.confirmed == "page"] == ["live_tpr_gap.gender"]
    live = watch(worked, "live_tpr_gap.gender")
    assert (live.owner, live.acknowledge_hours, live.ticket_hours) == ("ml_owner", 4, 48)
    assert (live.warning, live.unconfirmed, live.origin, live.needs_labels) == (
        "ticket", "ticket", "contract", True
    )  # fmt: skip
    assert live.check.limit.warn == Fraction(8, 100) and live.check.stage == "monitor"


def test_the_worked_example_covers_its_six_monthly_windows(worked, hiring_audit):
    assert (worked.starts, worked.ends) == (date(2026, 11, 1), date(2027, 4, 30))
    assert (worked.window.unit, worked.window.rolling, worked.window.reason) == ("month", 1, "contract")
    assert worked.window.least == ("woman",) and worked.window.needed == 50
    assert worked.window.brings == pytest.approx(832, abs=25)
    assert worked.trend.horizon == 6
    assert worked.labels.complete == Fraction(9, 10)
    assert [(step.after_hours, step.to) for step in worked.escalation] == [
        (0, "ml_owner"), (4, "platform_oncall"), (24, "counsel")
    ]  # fmt: skip
    assert date(2027, 5, 1) in worked.reviews and len(worked.reviews) == 6
    assert (worked.audit_id, worked.cube_sha256) == (hiring_audit.id, hiring_audit.counted.cube.fingerprint)


def test_each_check_is_watched_once_and_what_monitors_already_cover_is_not_repeated(worked, hiring_audit):
    ids = [w.id for w in worked.watches]
    assert len(ids) == len(set(ids)) and "tpr_gap_gender.gender" not in ids
    assert "tpr_gap_ethnicity.ethnicity" in ids and "label_balance.gender" in ids
    assert not [name for name in ids if "no_regression" in name]
    assert {w.feature for w in worked.watches if w.origin == "drift"} == {
        t.feature for t in hiring_audit.counted.drift if not t.group and t.kind != "group"
    }
    assert watch(worked, "drift.qualified").needs_labels
    drift = watch(worked, "drift.employment_gap_months")
    assert (drift.warning, drift.confirmed, drift.check.limit.max) == ("ticket", "ticket", Fraction(1, 4))


def test_every_watch_is_judged_by_the_findings_of_an_audit(worked, hiring_audit):
    contract, counted, measured = hiring_audit.contract, hiring_audit.counted, hiring_audit.measurements
    label_coverage = [w for w in worked.watches if w.check.metric == "label_coverage"]
    assert [w.subject for w in label_coverage] == [("gender",), ("ethnicity",), ("age_band",)]
    for each in worked.watches:
        if each in label_coverage:  # where every row has a label the audit itself measures no gap of them
            continue
        found = judge_check(each.check, each.subject, contract, counted, measured)
        assert found.status != "NOT_RUN" and found.reason != "drift_insufficient", each.id
        assert found.status != "FAIL" or found.evidence == "CONFIRMED", each.id


def test_every_watch_of_the_worked_example_knows_how_its_check_stood(worked, hiring_audit):
    stood = {w.id: (w.at_release.status, w.at_release.evidence) for w in worked.watches}
    assert stood["live_tpr_gap.gender"] == ("FAIL", "CONFIRMED")  # the same question, under another name
    assert stood["tpr_gap_ethnicity.ethnicity"] == ("INCONCLUSIVE", "UNSUPPORTED")
    assert stood["label_balance.gender"] == ("PASS", "CONFIRMED")
    assert stood["label_coverage.gender"] == ("", "")
    drift = {r.table.feature: r.status for r in hiring_audit.measurements.drift if not r.table.attribute}
    watched = [w for w in worked.watches if w.feature]
    assert {w.feature: w.at_release.status for w in watched}.items() <= drift.items()
    assert {"stable", "moderate", "major"} <= {w.at_release.status for w in watched}


def test_what_was_outside_or_undecided_at_release_comes_first_within_its_kind(worked, hiring_audit):
    kinds = [w.origin for w in worked.watches]
    assert kinds == sorted(kinds, key=("contract", "release", "drift").index)
    for kind in set(kinds):
        ranks = [
            0 if w.at_release.outside else 1 if w.at_release.undecided else 2
            for w in worked.watches
            if w.origin == kind
        ]
        assert ranks == sorted(ranks)
    assert worked.watches != with_release(
        watches_of(hiring_audit.contract, hiring_audit.counted, hiring_audit.findings), hiring_audit
    )


def test_a_minor_check_that_failed_is_watched_though_an_earlier_stage_crossed_attributes(
    worked, hiring_audit
):
    found = watch(worked, "intersections.gender+ethnicity")
    assert (found.check.severity, found.at_release.status, found.confirmed) == ("minor", "FAIL", "ticket")
    assert found.subject == ("gender", "ethnicity")
    calm = [w.id for w in watches_of(hiring_audit.contract, hiring_audit.counted)]
    assert found.id not in calm


def failed(contract, name, exception=None) -> Finding:
    check = next(c for c in contract.checks if c.id == name)
    blank = blank_finding(check, check.of[0])
    return replace(blank, status="FAIL", evidence="CONFIRMED", reason="beyond", exception=exception)


def test_a_failed_check_of_the_same_gap_has_a_watch_of_its_own_only_where_its_limit_differs():
    text = TEXT.replace("limit: {warn: 0.08, max: 0.10}", "limit: {warn: 0.15, max: 0.20}")
    assert text != TEXT
    for contract, expected in ((planned().contract, False), (planned(text).contract, True)):
        audit = replace(planned(), contract=contract, findings=(failed(contract, "tpr_gap_gender", "E-1"),))
        plan = plan_for(audit, MADE, detect=False)
        ids = [w.id for w in plan.watches]
        assert ("tpr_gap_gender.gender" in ids) is expected
        waived = AtRelease(status="FAIL", evidence="CONFIRMED", waived=True)
        live = watch(plan, "live_tpr_gap.gender").at_release
        assert live == (AtRelease() if expected else waived)
        if expected:
            assert watch(plan, "tpr_gap_gender.gender").at_release == waived
        assert plan.id == plan_for(replace(audit, findings=()), MADE, detect=False).id


def test_drift_is_told_under_the_limits_of_its_own_watch(hiring_audit):
    own = next(w for w in plan_for(hiring_audit, MADE, detect=False).watches if w.feature == "commute_km")
    assert own.at_release == AtRelease(status="moderate")
    strict = replace(own.check, limit=replace(own.check.limit, warn=Fraction(1, 100), max=Fraction(2, 100)))
    assert with_release([replace(own, check=strict)], hiring_audit)[0].at_release.status == "major"


def test_a_plan_carries_the_level_and_the_privacy_floor_of_its_contract():
    plan = plan_for(
        planned(f"{TEXT}statistics: {{level: 0.9}}\nsupport: {{privacy_floor: 25}}\n"), MADE, detect=False
    )
    assert (plan.level, plan.privacy_floor) == (Fraction(9, 10), 25)
    assert parse_plan(plan_text(plan).encode(), "plan") == plan


def test_charts_are_both_signs_against_the_reference_of_supported_groups(worked, hiring_audit):
    assert [(c.high, c.low) for c in worked.trend.charts] == [
        (("man",), ("woman",)), (("woman",), ("man",))
    ]  # fmt: skip
    first, second = worked.trend.charts
    assert first.baseline == second.baseline[::-1]
    rate = hiring_audit.measurements.rate(("gender",), ("man",), "tpr")
    assert first.baseline[0] == (rate.numerator, rate.denominator)
    assert all(c.h > 4 for c in worked.trend.charts)


def test_the_same_audit_and_day_make_the_same_plan(worked, hiring_audit):
    assert plan_for(hiring_audit, MADE) == worked
    other = plan_for(hiring_audit, date(2026, 12, 3))
    assert other.id != worked.id and other.starts == date(2026, 12, 1)


def test_a_plan_begins_after_the_rows_it_was_made_of():
    assert plan_for(planned(), date(2026, 10, 20)).starts == date(2026, 11, 1)
    assert plan_for(planned(periods=WEEKS), date(2026, 10, 20)).starts == date(2026, 10, 26)
    assert plan_for(planned(), date(2026, 9, 20)).starts == date(2026, 11, 1)
    assert plan_for(planned(periods=("2999-10",)), date(2026, 10, 20)).starts == date(2026, 10, 1)


def test_what_a_plan_looks_like_to_a_person():
    found = plan_text(plan_for(planned(periods=WEEKS), MADE))
    if environ.get("EVENHAND_GOLDEN") == "write":
        GOLDEN.write_text(found, encoding="utf-8")
    assert found == GOLDEN.read_text(encoding="utf-8")
    assert max(len(line) for line in found.splitlines() if line.startswith("#")) <= 110


def test_without_a_monitor_check_the_primary_check_and_its_guardrails_page():
    plan = plan_for(planned(NO_MONITOR), MADE)
    assert [w.id for w in plan.watches if w.confirmed == "page"] == [
        "tpr_gap_gender.gender", "fpr_guard_gender.gender"
    ]  # fmt: skip
    assert all(w.check.on_fail.action == "page" for w in plan.watches if w.confirmed == "page")
    assert {c.watch for c in plan.trend.charts} == {"tpr_gap_gender.gender", "fpr_guard_gender.gender"}
    assert len({c.h for c in plan.trend.charts}) > 1
    assert {d.watch for d in plan.detection} == {"tpr_gap_gender.gender", "fpr_guard_gender.gender"}


def test_without_labels_nothing_waits_for_outcomes():
    lines = [
        line for line in NO_MONITOR.splitlines() if "metric: tpr" not in line and "metric: fpr" not in line
    ]
    text = "\n".join(line for line in lines if not any(
        word in line for word in ("label:", "base_rate", "calibration", "metric: fnr")
    )) + "\n"  # fmt: skip
    plan = plan_for(planned(text), MADE)
    assert plan.labels.complete == 0
    assert not [w.id for w in plan.watches if w.needs_labels]
    assert "drift.qualified" not in [w.id for w in plan.watches]


def test_a_monitor_check_of_drift_pages_when_it_says_so():
    text = TEXT.replace("  - {id: live_tpr_gap", LIVE_DRIFT + "  - {id: live_tpr_gap")
    audit = planned()
    audit = replace(audit, contract=parse_contract(text.encode(), "c"))
    found = {w.id: w for w in watches_of(audit.contract, audit.counted)}
    assert found["live_drift.job_family"].confirmed == "page"
    assert found["live_drift.score"].owner == "platform_oncall"
    assert "drift.job_family" not in found and found["drift.decision"].confirmed == "ticket"


def test_a_check_against_the_baseline_is_watched_against_the_release():
    text = TEXT.replace("  - {id: live_tpr_gap", LIVE_CHANGE + "  - {id: live_tpr_gap")
    plan = plan_for(planned(text), MADE)
    assert watch(plan, "live_change.gender").check.limit.max_increase == Fraction(2, 100)
    assert watch(plan, "live_tpr_gap.gender").confirmed == "page"  # a change is not the value
    assert {d.watch for d in plan.detection} == {"live_tpr_gap.gender"}
    assert parse_plan(plan_text(plan).encode(), "plan") == plan


def test_release_coverage_of_labels_sets_what_complete_means():
    audit = planned()
    cube = audit.counted.cube
    codes = cube.codes.copy()
    codes[0, -3] = 2  # the first cell's outcomes never came
    lost = int(cube.measures[0, 0])
    cube = replace(cube, codes=codes)
    audit = replace(audit, counted=replace(audit.counted, cube=cube))
    had = Fraction(cube.rows - lost, cube.rows)
    assert plan_for(audit, MADE).labels.complete == Fraction(int(90 * had), 100)


@pytest.mark.parametrize(
    ("periods", "times", "unit", "rolling", "reason"),
    [
        (MONTH, 1, "month", 1, "contract"),  # 28 days of monthly data is a month
        (WEEKS, 1, "week", 4, "contract"),  # four weeks, each with enough people
        (DAYS, 3, "day", 28, "contract"),
        (DAYS, 1, "week", 4, "contract"),
        (("first half", "second half"), 1, "month", 1, "unknown_volume"),
    ],
)
def test_a_window_that_a_check_names_is_counted_in_the_windows_of_the_data(
    periods, times, unit, rolling, reason
):
    found = rule_of(periods=periods, times=times)
    assert (found.unit, found.rolling, found.reason) == (unit, rolling, reason)


def test_without_a_named_window_the_volume_or_the_data_decide():
    text = TEXT.replace("window: 28d, limit: {warn", "limit: {warn")
    assert rule_of(text, periods=DAYS, times=3).reason == "enough"
    assert (rule_of(text, periods=DAYS).unit, rule_of(text, periods=DAYS).rolling) == ("week", 1)
    found = rule_of(text, periods=MONTH)
    assert (found.unit, found.reason) == ("month", "data")
    few = rule_of(text, counts={name: tuple(n // 20 for n in c) for name, c in COUNTS.items()})
    assert (few.unit, few.rolling, few.reason, few.least) == ("month", 2, "longest", ("woman",))


def test_an_evaluation_set_without_periods_is_from_the_period_the_contract_states():
    text = TEXT.replace("  window: applied\n", "")
    audit = planned(text)
    assert plan_for(audit, MADE).window.brings == pytest.approx(800 * float(UNIT_DAYS["month"]) / 31, abs=0.1)
    silent = plan_for(planned(text.replace(", evaluation: 2026-10", "")), MADE)
    assert (silent.window.reason, silent.window.brings) == ("unknown_volume", None)
    assert silent.trend.charts == () and silent.detection == ()


@settings(max_examples=30)
@given(
    st.lists(st.integers(0, 400), min_size=2, max_size=2),
    st.lists(st.integers(0, 400), min_size=2, max_size=2),
    st.sampled_from([MONTH, WEEKS, DAYS]),
)
def test_more_people_never_lengthen_the_window(few, more, periods):
    contract = parse_contract(TEXT.encode(), "c")
    rules = []
    for people in (few, [a + b for a, b in zip(few, more, strict=True)]):
        counts = {name: (n, n, 5, 40) for name, n in zip(("man", "woman"), people, strict=True)}
        audit = planned_watches()
        rules.append(window_rule(contract, cube_with(counts=counts, periods=periods), audit))
    days = [rule.rolling * UNIT_DAYS[rule.unit] for rule in rules]
    assert UNIT_DAYS[rules[1].unit] <= UNIT_DAYS[rules[0].unit]
    assert days[1] <= max(days[0], Fraction(28) + 3)  # what the check names is kept in any unit
    assert all(rule.rolling <= MOST_WINDOWS[rule.unit] for rule in rules)


def planned_watches():
    if not _WATCHES:
        audit = planned()
        _WATCHES.append(watches_of(audit.contract, audit.counted))
    return _WATCHES[0]


_WATCHES: list = []


def test_calendar_arithmetic():
    assert months_later(date(2026, 8, 31), 6) == date(2027, 2, 28)
    assert windows_of(date(2026, 11, 2), date(2027, 5, 1), "week") == 26
    assert windows_of(date(2026, 11, 1), date(2027, 4, 30), "month") == 6

"""A plan executed: the worked example's truth, what is kept, what a stopped run leaves, exit codes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from monitor_factory import LIVE, MONTHS, small_release, write_window

from audit_core.audit import MonitorRequest, run_monitor, worked_monitor
from audit_core.audit.example import EXAMPLE_FOLDER
from audit_core.cli import main
from audit_core.errors import AuditError, UsageError
from audit_core.evidence.kept_plans import kept_plan
from audit_core.evidence.plan_file import plan_text
from audit_core.evidence.window_store import WindowStore
from audit_core.report.followed_result import followed_bytes

CLOCK = datetime(2027, 3, 3, 9, 0, tzinfo=UTC)
TESTS = Path(__file__).resolve().parent


@pytest.fixture(scope="session")
def example(hiring_workspace, hiring_audit):
    assert hiring_audit.worked_example
    return worked_monitor(hiring_workspace)


def of(example, watch):
    return {point.window: point for point in example.points if point.watch == watch}


# The worked example


def test_the_page_comes_in_the_fourth_month_and_not_before(example):
    points = of(example, "live_tpr_gap.gender")
    outcomes = {name: (p.finding.status, p.finding.evidence) for name, p in points.items() if p.finding}
    assert outcomes == {
        "2026-11": ("INCONCLUSIVE", "UNCONFIRMED"),
        "2026-12": ("INCONCLUSIVE", "UNCONFIRMED"),
        "2027-01": ("INCONCLUSIVE", "UNCONFIRMED"),
        "2027-02": ("FAIL", "CONFIRMED"),
        "2027-03": ("FAIL", "CONFIRMED"),
    }
    pages = [one for one in example.incidents if one.level == "page"]
    assert [(one.watch, one.began, one.windows, one.open) for one in pages] == [
        ("live_tpr_gap.gender", "2027-02", ("2027-02", "2027-03"), True)
    ]
    assert pages[0].action == "page"
    assert (pages[0].raised, pages[0].owner) == (datetime(2027, 3, 5, 9, 0, tzinfo=UTC), "ml_owner")
    early = [one for one in example.incidents if one.began < "2027-02"]
    assert early
    assert {one.level for one in early} == {"ticket"}
    assert example.exit_code == 1


def test_the_drift_alert_comes_a_month_after_the_page(example):
    points = of(example, "drift.employment_gap_months")
    sizes = {name: point.finding.value for name, point in points.items()}
    assert [name for name, size in sizes.items() if size > 0.10] == ["2027-03", "2027-04"]
    alerts = [one for one in example.incidents if one.watch == "drift.employment_gap_months"]
    assert [(one.began, one.level, one.open) for one in alerts] == [("2027-03", "ticket", True)]


def test_the_last_month_still_waits_for_its_outcomes(example):
    last = example.windows[-1]
    assert (last.name, last.state, last.rows, last.labelled) == ("2027-04", "maturing", 2000, 780)
    assert of(example, "live_tpr_gap.gender")["2027-04"].why == "maturing"
    assert of(example, "adverse_impact.gender")["2027-04"].finding is not None
    waiting = [e for e in example.estimates if e.window == "2027-04" and e.subject == ("gender",)]
    assert {e.group for e in waiting if e.metric == "tpr"} >= {("man",), ("woman",)}
    assert all(e.observed is None and e.held is None for e in waiting)


def test_estimates_hold_until_a_score_means_something_else(example):
    women = [e for e in example.estimates if (e.metric, e.group) == ("tpr", ("woman",))]
    held = {e.window: e.held for e in women}
    assert [held[name] for name in ("2026-11", "2026-12", "2027-01")] == [True, True, True]
    # Gaps lengthen and qualification does not follow: the model's score means another thing than before.
    assert held["2027-03"] is False
    assert held["2027-04"] is None


def test_the_example_is_counted_once_and_then_read(example, hiring_workspace, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise AssertionError("counted again")

    monkeypatch.setattr("audit_core.audit.monitor._count", refuse)
    assert worked_monitor(hiring_workspace) == example
    assert kept_plan(hiring_workspace.root, example.plan.audit_id) == example.plan


# What is kept


def _followed(folder):
    """(plan, audit, workspace, files) of four months, the last two with a gap; a plan for each folder."""
    workspace, audit, plan = small_release()
    plan = replace(
        plan, id="P-" + "".join(c if c.isascii() and c.isalnum() else "-" for c in folder.name)[:60]
    )
    files = tuple(
        write_window(folder, f"{month}.csv", (month,), rows=200, seed=place, harm=0.3 * (place > 1))
        for place, month in enumerate(MONTHS)
    )
    yield plan, audit, workspace, files
    shutil.rmtree(workspace.root / "monitors" / plan.id, ignore_errors=True)


@pytest.fixture
def live(tmp_path):
    yield from _followed(tmp_path)


def run(live, *files, as_of=CLOCK, model=None):
    plan, _, workspace, _ = live
    return run_monitor(MonitorRequest(plan=plan, windows=files, model=model, as_of=as_of), workspace)


def tree(live):
    root = live[2].root / "monitors" / live[0].id
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def test_the_same_files_again_change_nothing_on_disk_or_on_screen(live):
    files = live[3]
    first = run(live, *files)
    assert [(one.watch, one.kind, one.windows) for one in first.incidents if one.level == "page"] == [
        (LIVE, "confirmed", ("2027-01", "2027-02"))
    ]
    before = tree(live)
    assert followed_bytes(run(live, *files)) == followed_bytes(first)
    assert followed_bytes(run(live)) == followed_bytes(first)
    assert tree(live) == before
    records = [json.loads(text) for name, text in before.items() if name.startswith("incidents/")]
    assert {record["id"] for record in records} == {one.id for one in first.incidents}
    assert all(record["owner"] == "ml" and record["due"] > record["raised"] for record in records)


def test_files_may_come_in_any_order_and_one_by_one(live):
    files = live[3]
    once = run(live, *files)
    shutil.rmtree(live[2].root / "monitors" / live[0].id)
    for file in (files[2], files[0], files[3]):
        run(live, file)
    assert followed_bytes(run(live, files[1])) == followed_bytes(once)


def test_late_outcomes_replace_what_a_period_held_and_both_are_remembered(live, tmp_path):
    early = write_window(tmp_path, "early.csv", ("2026-11",), rows=200, seed=0, labelled=0.4)
    assert run(live, early).windows[0].state == "overdue"
    late = run(live, live[3][0])
    assert (late.windows[0].state, late.windows[0].rows) == ("complete", 200)
    history = WindowStore(live[2].root, live[0].id, live[0].cube_sha256).revisions("2026-11")
    assert [(r.number, r.source, r.rows) for r in history] == [(1, "early.csv", 200), (2, "2026-11.csv", 200)]
    assert history[0].sha256 != history[1].sha256
    assert history[0].unlabelled > 100 > history[1].unlabelled
    overdue = (live[2].root / "monitors" / live[0].id / "incidents").glob("*.json")
    states = [(json.loads(p.read_text())["kind"], json.loads(p.read_text())["withdrawn"]) for p in overdue]
    with pytest.raises(UsageError, match="was replaced: 2026-11 holds what came later"):
        run(live, early)  # sent again by mistake it would take the outcomes away, and an alert with them
    assert run(live).windows[0].state == "complete"
    assert ("labels_overdue", True) in states  # it no longer follows from what is known, and is not forgotten


def test_an_error_in_one_file_leaves_everything_as_it_was(live, tmp_path):
    run(live, live[3][0])
    before = tree(live)
    wrong = write_window(tmp_path, "wrong.csv", ("soon",), rows=20)
    twice = write_window(tmp_path, "twice.csv", ("2026-12",), rows=20)
    early = write_window(tmp_path, "early.csv", ("2027-04",), rows=20)
    past = write_window(tmp_path, "past.csv", ("2026-09",), rows=20)
    inside = write_window(tmp_path, "inside.csv", ("2026-11-03",), rows=20)
    for files, problem in (
        ((live[3][1], wrong), "no period"),
        ((live[3][1], twice), "Two files of one run hold 2026-12"),
        ((live[3][0], write_window(tmp_path, "again.csv", ("2026-11",), rows=20)), "Two files of one run"),
        ((live[3][1], live[3][1]), "Two files hold the same rows"),
        ((live[3][1], early), "begins after the clock"),
        ((live[3][1], past), "outside the plan"),
        ((live[3][1], inside), "share days"),
    ):
        with pytest.raises(AuditError, match=problem) as caught:
            run(live, *files)
        assert caught.value.remedy
    assert tree(live) == before


def test_a_damaged_window_is_one_error_until_its_file_is_sent_again(live):
    files = live[3]
    whole = run(live, *files[:2])
    folder = live[2].root / "monitors" / live[0].id / "windows" / "2026-12" / "r000001"
    for name in ("cube.npz", "record.json"):
        (folder / name).write_bytes((folder / name).read_bytes()[:-40])
        with pytest.raises(AuditError, match="does not hold together"):
            run(live)
        run(live, files[1])
        assert followed_bytes(run(live)) == followed_bytes(whole)
        folder = folder.with_name("r000002")


@pytest.mark.parametrize("change", ["audit_id", "contract_sha256", "cube_sha256"])
def test_a_plan_of_another_release_is_refused(live, change):
    plan, _, workspace, _ = live
    other = {"audit_id": "A-20261102-00000000"}.get(change, "0" * 64)
    with pytest.raises(UsageError) as caught:
        run_monitor(MonitorRequest(plan=replace(plan, **{change: other}), as_of=CLOCK), workspace)
    assert caught.value.remedy


def test_another_model_than_the_released_one_is_refused_before_it_is_opened(live):
    with pytest.raises(UsageError, match="the plan knows none"):
        run(live, live[3][0], model=EXAMPLE_FOLDER / "baseline.joblib")
    plan, _, workspace, files = live
    named = replace(plan, model_sha256="0" * 64)
    request = MonitorRequest(plan=named, windows=files, model=EXAMPLE_FOLDER / "baseline.joblib", as_of=CLOCK)
    with pytest.raises(UsageError, match="not the one that was released"):
        run_monitor(request, workspace)


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "x" * 81])
def test_the_id_of_a_plan_never_leaves_its_folder(tmp_path, name):
    with pytest.raises(UsageError, match="plan's id"):
        WindowStore(tmp_path, name, "0" * 64)
    assert not list(tmp_path.iterdir())


# A run that is stopped, and two at once


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """What the program beside this file told, and what a run in peace ends with."""
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")
    for plan, audit, workspace, files in _followed(tmp_path_factory.mktemp("stopped")):
        path = files[0].parent / "plan.yaml"
        path.write_text(plan_text(plan), encoding="utf-8")
        command = [sys.executable, str(TESTS / "kill_monitor.py"), str(workspace.root), str(path), "1.5"]
        environment = {**os.environ, "PYTHONPATH": str(TESTS.parent)}
        told = subprocess.run(
            [*command, *map(str, files)], capture_output=True, text=True, check=True, env=environment
        )
        peaceful = hashlib.sha256(followed_bytes(run((plan, audit, workspace, files), *files))).hexdigest()
        yield [json.loads(line) for line in told.stdout.splitlines()], peaceful


def test_a_monitor_killed_at_any_moment_loses_no_window_and_counts_none_twice(stopped):
    (*attempts, last, _), peaceful = stopped
    assert sum(attempt["killed"] for attempt in attempts) >= 2
    expected = [[month, 200] for month in MONTHS]
    for attempt in attempts:
        found = [held[:2] for held in attempt["held"]]
        assert found == [one for one in expected if one in found]
    assert [held[:2] for held in last["held"]] == expected
    assert last["revisions"] == [1, 1, 1, 1]
    assert last["result"] == peaceful


def test_two_monitors_at_once_do_not_hinder_each_other(stopped):
    (*_, last, both), _ = stopped
    assert both["codes"] == [0, 0]
    assert {**both, "codes": None} == {**last, "codes": None}


# The command line


def test_the_command_prints_windows_watches_and_incidents_and_writes_its_files(live, tmp_path, capsys):
    plan, _, workspace, files = live
    (tmp_path / "plan.yaml").write_text(plan_text(plan), encoding="utf-8")
    common = ["monitor", "--plan", str(tmp_path / "plan.yaml"), "--workspace", str(workspace.root)]
    common += ["--as-of", "2027-03-03T09:00Z"]
    outputs = ["--prom", str(tmp_path / "m.prom"), "--json", str(tmp_path / "m.json")]
    code = main([*common, "--window", *map(str, files[:2]), "--window", *map(str, files[2:]), *outputs])
    told = capsys.readouterr().out
    assert code == 1
    assert "PAGE" in told
    assert "2027-02" in told
    assert "true positive rate gap by gender" in told
    result = json.loads((tmp_path / "m.json").read_bytes())
    assert result["schema"] == "evenhand/monitor/v1"
    assert result["exit_code"] == 1
    assert [window["state"] for window in result["windows"]] == ["complete"] * 4
    assert b"evenhand_" in (tmp_path / "m.prom").read_bytes()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".m.prom")]
    assert main([*common, "--json", "-", "--quiet"]) == 1
    assert json.loads(capsys.readouterr().out) == result


def test_the_command_tells_what_is_undecided_from_what_is_wrong(live, tmp_path, capsys):
    plan, _, workspace, files = live
    (tmp_path / "plan.yaml").write_text(plan_text(plan), encoding="utf-8")
    common = ["monitor", "--plan", str(tmp_path / "plan.yaml"), "--workspace", str(workspace.root), "--quiet"]
    early = ["--as-of", "2026-11-20T09:00Z"]
    assert main([*common, *early]) == 2
    assert main([*common, *early, "--strict"]) == 1
    assert main([*common, *early, "--window", str(files[3])]) == 3
    assert main([*common, *early, "--window", str(tmp_path / "none.csv")]) == 4
    assert main([*common, *early, "--prom", str(tmp_path / "no" / "m.prom")]) == 3
    assert main([*common[:2], str(tmp_path / "none.yaml"), *common[3:], *early]) == 3
    assert "·" in capsys.readouterr().err

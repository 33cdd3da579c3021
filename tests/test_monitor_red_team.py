"""What was tried against plans, kept windows, incidents and clocks: each is told, and none of it passes."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import pytest
from monitor_factory import CONTRACT, LIVE, small_release, window_of, without_drift, write_window
from report_factory import drift_table

from audit_core.audit.released import require_release
from audit_core.cli.entry import main
from audit_core.contract.periods import period
from audit_core.cube.calendar import period_name, window_at
from audit_core.decision.follow import follow
from audit_core.errors import AuditError, SourceError, UsageError
from audit_core.evidence.kept_plans import kept_plan
from audit_core.evidence.plan_file import plan_text
from audit_core.evidence.window_store import WindowStore
from audit_core.metrics.drift_rows import rows_of
from audit_core.report.incidents import incident_json
from audit_core.report.prometheus_text import textfile
from audit_core.report.published_drift import published_drift
from audit_core.sources.baseline import result_in

SOON, LATER = datetime(2026, 12, 5, 9, 0, tzinfo=UTC), datetime(2027, 1, 5, 9, 0, tzinfo=UTC)
BAD = {"men": (180, 200), "women": (120, 200)}
PERIODS = ("2026-11", "2026-12")


@pytest.fixture(scope="module")
def counted():
    """(plan, root) of a followed release whose second month is a page."""
    workspace, _, plan = small_release()
    with tempfile.TemporaryDirectory(prefix="evenhand-red-") as folder:
        root = Path(folder) / "workspace"
        shutil.copytree(workspace.root, root)
        plan = without_drift(plan)
        (root / "plan.yaml").write_text(plan_text(plan), encoding="utf-8")
        files = [
            write_window(Path(folder), f"{name}.csv", (name,), seed=seed, harm=harm)
            for seed, (name, harm) in enumerate(zip(PERIODS, (0.0, 0.4), strict=True), 11)
        ]
        assert run(root, "--window", *files) == 1
        yield plan, root


@pytest.fixture
def there(counted, tmp_path):
    """The folder of the plan in a workspace of its own."""
    plan, root = counted
    shutil.copytree(root, tmp_path / "workspace")
    return tmp_path / "workspace" / "monitors" / plan.id


def run(root, *more, at="2027-01-05"):
    options = {"--plan": root / "plan.yaml", "--workspace": root, "--as-of": at}
    return main(["monitor", "--quiet", *(str(x) for pair in options.items() for x in pair), *map(str, more)])


def first(there):
    return min((there / "incidents").glob("*.json"))


def change(file, **values):
    file.write_text(json.dumps({**json.loads(file.read_text(encoding="utf-8")), **values}), encoding="utf-8")


def put_pipe(path):
    path.unlink()
    os.mkfifo(path)


def put_folder(path):
    path.unlink()
    path.mkdir()


TAMPERED = {
    "a record": lambda there: change(there / "windows" / "2026-12" / "r000001" / "record.json", rows=1),
    "a revision that has gone": lambda there: shutil.rmtree(there / "windows" / "2026-12" / "r000001"),
    "a period that has gone": lambda there: shutil.rmtree(there / "windows" / "2026-12"),
    "another period in its place": lambda there: shutil.copytree(
        there / "windows" / "2026-11" / "r000001", there / "windows" / "2026-12" / "r000002"),
    "a file among the periods": lambda there: (there / "windows" / "2027-01").write_text("x"),
    "the list of periods": lambda there: change(there / "held.json", periods={}),
    "an incident's deadline": lambda there: change(first(there), raised="2099-01-01T00:00:00+00:00"),
    "an incident that was closed": lambda there: change(first(there), open=False),
    "an incident's name": lambda there: first(there).rename(there / "incidents" / "I-000000000000.json"),
    "a pipe for a record": lambda there: put_pipe(there / "windows" / "2026-12" / "r000001" / "record.json"),
    "a pipe for the counts": lambda there: put_pipe(there / "windows" / "2026-12" / "r000001" / "cube.npz"),
    "a pipe among the incidents": lambda there: put_pipe(first(there)),
    "no folder to write to": lambda there: put_folder(there / "lock"),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERED)
def test_what_was_changed_on_disk_is_one_error_and_never_a_pass(there, name, capsys):
    TAMPERED[name](there)
    assert run(there.parents[1]) == 4
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.count(" · ") == 2 and "internal" not in said


def test_a_revision_that_has_gone_is_whole_again_once_its_file_is_sent(tmp_path):
    _, release, plan = small_release()
    store = WindowStore(tmp_path, plan.id, plan.cube_sha256)
    window = window_of("2026-11", release)
    store.keep([window], "", SOON)
    store.keep([later := replace(window, sha256="1" * 64)], "", LATER)
    shutil.rmtree(store.root / "windows" / "2026-11" / "r000002")
    fresh = WindowStore(tmp_path, plan.id, plan.cube_sha256)
    with pytest.raises(AuditError):
        fresh.windows()
    assert fresh.files() == {}, "the older revision is not what the store holds"
    assert fresh.keep([later], "", LATER) == ("2026-11",)
    assert [found.sha256 for found in fresh.windows()] == ["1" * 64]


def test_a_pipe_for_the_plan_that_is_kept_is_not_waited_for(there):
    put_pipe(there / "plan.yaml")
    with pytest.raises(AuditError, match="can't be read"):
        kept_plan(there.parents[1], "A-20261102-00000000")


def test_a_plan_in_another_plans_folder_is_not_followed(there):
    audit_id = small_release()[1].id
    assert kept_plan(there.parents[1], audit_id) is not None
    there.rename(there.parent / "P-20261102-00000000")
    with pytest.raises(AuditError, match="another plan's folder"):
        kept_plan(there.parents[1], audit_id)


def test_a_clock_behind_what_is_kept_withdraws_nothing(there, capsys):
    before = {file.name: file.read_bytes() for file in (there / "incidents").iterdir()}
    assert run(there.parents[1], at="2026-11-20") == 3
    assert "is before the period 2026-12" in capsys.readouterr().err
    assert {file.name: file.read_bytes() for file in (there / "incidents").iterdir()} == before


def test_metrics_for_a_device_are_written_to_it_and_do_not_take_its_place(there, tmp_path):
    pipe = tmp_path / "metrics.prom"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert run(there.parents[1], "--prom", pipe) == 1
    assert pipe.is_fifo() and os.read(reader, 1 << 16).startswith(b"# HELP")
    os.close(reader)


def test_a_plan_in_which_nothing_pages_does_not_pass_unjudged():
    _, release, plan = small_release()
    quiet = replace(without_drift(plan), watches=tuple(
        replace(watch, confirmed="ticket") for watch in without_drift(plan).watches))  # fmt: skip
    waiting = window_of("2026-11", release, waiting=400)
    assert follow(quiet, release, [waiting], SOON).exit_code == 2
    assert follow(quiet, release, [], SOON).exit_code == 2
    judged = window_of("2026-11", release, men=(480, 500), women=(480, 500))
    assert follow(quiet, release, [judged], SOON).exit_code == 0


@pytest.mark.parametrize(
    "edit",
    [
        lambda _: {"privacy_floor": 1},
        lambda plan: {"level": plan.level / 2},
        lambda plan: {"watches": tuple(replace(w, needs_labels=False) for w in plan.watches)},
        lambda plan: {"trend": with_charts(plan, baseline=((1, 487), (500, 513)))},
        lambda plan: {"trend": with_charts(plan, high=("robot",))},
        lambda plan: {"trend": with_charts(plan, subject=("race",))},
    ],
)
def test_what_a_plan_says_of_the_release_cannot_be_edited(edit):
    _, release, plan = small_release()
    require_release(plan, release)
    with pytest.raises(UsageError):
        require_release(replace(plan, **edit(plan)), release)


def with_charts(plan, **values):
    assert plan.trend.charts[0].watch == LIVE
    return replace(plan.trend, charts=tuple(replace(chart, **values) for chart in plan.trend.charts))


@pytest.mark.parametrize("text", ["9999-12", "9999", "9999-Q4", "0001-01"])
def test_the_ends_of_the_calendar_are_periods_like_any_other(text):
    first_day, last = period(text)
    assert period_name(first_day, last) == text
    assert window_at(last, "month").last == last


@pytest.mark.parametrize("part", [b"[],", b'{"":0},', b"1.5,"])
def test_a_small_result_that_unpacks_to_a_gigabyte_is_refused_before_it_is_read(part):
    bomb = b"[" + part * (4_000_000 if part[0] == ord("1") else 1_000_001) + b"0]"
    with pytest.raises(SourceError, match="more parts than any result"):
        result_in(bomb, "audit.json")


def test_sums_over_windows_cannot_be_subtracted_to_tell_of_few():
    _, release, plan = small_release()
    plan = replace(without_drift(plan), window=replace(plan.window, rolling=2))
    plan = replace(plan, watches=plan.watches[:1], trend=replace(plan.trend, charts=()))
    december = window_of("2026-12", release, men=(198, 200), women=(98, 200))
    windows = [window_of("2026-11", release, **BAD), december]
    seen = follow(plan, release, windows, LATER)
    page = next(found for found in seen.incidents if found.kind == "confirmed")
    assert page.finding.high.numerator == 378, "of 400: less the 20 of November, 2 of December are told"
    record = incident_json(page, plan, followed=seen)
    assert record["evidence"] is None and "n=" not in record["sentence"]
    assert b"evenhand_watch_value" not in textfile(seen)
    enough = follow(plan, release, [windows[0], window_of("2026-12", release, **BAD)], LATER)
    page = next(found for found in enough.incidents if found.kind == "confirmed")
    assert incident_json(page, plan, followed=enough)["evidence"] is not None
    assert b"evenhand_watch_value" in textfile(enough)


def test_rows_are_no_baseline_of_themselves(tmp_path, capsys):
    live = write_window(tmp_path, "live.csv", ("2026-11",), rows=200)
    shutil.copy(live, tmp_path / "stable.csv")
    (tmp_path / "contract.yaml").write_text(CONTRACT, encoding="utf-8")
    given = {
        "--contract": "contract.yaml",
        "--eval": "live.csv",
        "--baseline": "stable.csv",
        "--workspace": "w",
    }
    assert main(["gate", "canary", *(x for k, v in given.items() for x in (k, str(tmp_path / v)))]) == 3
    assert "no release is its own baseline" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("current", "taken", "told"),
    [
        ((3, 397), (), False),
        ((40, 360), (), True),
        ((3, 200, 197), (), True),
        ((3, 200, 197), ("age",), False),
    ],
)
def test_a_psi_that_would_be_solved_for_a_small_bin_is_not_published(current, taken, told):
    table = drift_table("age", (100, 300) if len(current) == 2 else (100, 150, 150), current)
    release = SimpleNamespace(floor=10, tables=[SimpleNamespace(subject=taken)])
    (row,) = published_drift(rows_of((table,), (Fraction(1, 10), Fraction(1, 4))), release)
    assert (row["psi"] is not None) is told and (row["psi_null95"] is not None) is told

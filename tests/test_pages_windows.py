"""The screen of windows over time, without a browser: the worked example, and somebody's own release."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from audit_core.audit.monitor import MonitorRequest, run_monitor
from audit_core.audit.watched import watched
from audit_core.errors import AuditError
from audit_core.evidence.kept_plans import kept_plan, state_of
from audit_core.evidence.plan_text import plan_text
from audit_core.evidence.window_store import WindowStore
from audit_core.evidence.workspace import Workspace
from pages.ui import windows_add, windows_found
from tests.monitor_factory import LIVE, rows_of, small_release, write_cells, write_window

ROOT = Path(__file__).resolve().parent.parent
NOW = datetime(2027, 1, 10, 9, 0, tzinfo=UTC)


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The screen on a release of somebody's own, in January 2027; nobody follows it yet."""
    shared, audit, _ = small_release()
    workspace = Workspace(tmp_path / "workspace")
    shutil.copytree(shared.root, workspace.root, ignore=lambda *_: ["monitors"], dirs_exist_ok=True)
    monkeypatch.setenv("EVENHAND_WORKSPACE", str(workspace.root))
    monkeypatch.setenv("EVENHAND_DEBUG", "1")
    for module in (windows_add, windows_found):
        monkeypatch.setattr(module, "clock_of", lambda _audit: NOW)
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    test.query_params["audit"] = audit.id
    return test.run().switch_page("pages/windows.py").run(), workspace, audit


def said(shown):
    """What is written on the screen, without the marks of Markdown."""
    parts = [*shown.markdown, *shown.caption, *shown.info, *shown.error]
    return re.sub(r"[\\\u2060]", "", "\n".join(str(part.value) for part in parts))


def added(shown, path):
    """Upload a file and have it counted."""
    field = next(field for field in shown.file_uploader if field.key.startswith("upload_window"))
    shown = field.set_value((path.name, path.read_bytes(), "text/csv")).run()
    return run_button(shown).click().run()


def run_button(shown):
    return next(button for button in shown.button if button.label == "Count and judge it")


def rows(shown, column):
    """The first table that has a column, by window."""
    frame = next(table.value for table in shown.table if column in table.value.columns)
    plain = frame.map(lambda cell: re.sub(r"[\\\u2060]", "", str(cell)))
    return {row["Window"]: row for row in plain.to_dict("records")}


def test_a_release_that_nobody_follows_says_how_it_is_followed(own):
    shown, _, audit = own
    text = said(shown)
    assert "No window of live data has been counted for this release yet." in text
    assert f"evenhand plan {audit.id} --out plan.yaml" in text and "evenhand monitor --plan" in text
    assert run_button(shown).disabled and not shown.table


def test_a_window_is_added_judged_and_its_late_outcomes_take_its_place(own, tmp_path):
    shown, workspace, audit = own
    shown = added(shown, write_window(tmp_path, "first.csv", ["2026-11"], labelled=0.6))
    assert not shown.exception and not shown.error
    assert "Still arriving" in rows(shown, "Outcomes")["2026-11"]["Result"]
    assert "so far" in rows(shown, "Bounds")["2026-11"]["Value"]
    assert "No data" in rows(shown, "Outcomes")["2026-12"]["Result"]
    assert "2026-12 has no data." in said(shown)
    shown = added(shown, write_window(tmp_path, "whole.csv", ["2026-11"], harm=0.6))
    assert "Outside limit" in rows(shown, "Bounds")["2026-11"]["Result"]
    assert "Page open" in said(shown) and "is shown to be over its limit of 10.0 pts" in said(shown)
    assert "the contract’s action: rollback" in said(shown)
    again = added(shown, tmp_path / "whole.csv")
    assert "Nothing has changed: what this file holds is kept already." in said(again)
    plan = kept_plan(workspace.root, audit.id)
    assert len(WindowStore(workspace.root, plan.id, plan.cube_sha256).revisions("2026-11")) == 2


def test_a_file_that_holds_no_window_is_one_problem_and_keeps_nothing(own, tmp_path):
    shown, workspace, audit = own
    path = tmp_path / "odd.csv"
    path.write_text("gender,score,outcome,age\nman,0.5,1,40\n")
    shown = added(shown, path)
    (error,) = shown.error
    assert "month" in error.value and "odd" in error.value.replace("\\", "")
    assert watched(audit, workspace, NOW) is None
    assert not run_button(shown).disabled  # the file is still there, to be taken back or run again


def test_the_worked_example_shows_its_page_first_and_every_watch_can_be_looked_at(app):
    shown = app.switch_page("pages/windows.py").run()
    assert not shown.exception
    text = said(shown)
    assert text.index("Page open") < text.index("Outcomes of 2027-04 are still arriving: 780 of 2,000")
    assert (
        "Since 2027-02 the true positive rate gap by gender is shown to be over its limit of 10.0 pts" in text
    )
    found = rows(shown, "Bounds")
    assert ["Outside limit" in found[name]["Result"] for name in found] == [False] * 3 + [True] * 2 + [False]
    assert found["2027-04"]["Value"].endswith("so far, 780 of 2,000 outcomes back")
    drift = shown.selectbox(key="windows_watch").set_value("drift.employment_gap_months").run()
    assert not drift.exception
    moved = rows(drift, "By chance up to")
    assert "Stable" in moved["2027-02"]["Result"] and "Moderate drift" in moved["2027-03"]["Result"]


def test_the_plan_that_was_executed_is_found_again_whatever_else_is_damaged(tmp_path):
    _, audit, plan = small_release()
    assert kept_plan(tmp_path, audit.id) is None
    before = state_of(tmp_path)
    store = WindowStore(tmp_path, plan.id, plan.cube_sha256)
    store.write_plan(plan_text(plan))
    later = replace(plan, id="P-later", made_on=date(2026, 12, 1))
    WindowStore(tmp_path, later.id, plan.cube_sha256).write_plan(plan_text(later))
    other = tmp_path / "monitors" / "P-other"
    other.mkdir()
    (other / "plan.yaml").write_text("half a pla")
    assert kept_plan(tmp_path, audit.id) == later and state_of(tmp_path) != before
    assert kept_plan(tmp_path, "A-20261116-00000000") is None
    (other / "plan.yaml").write_text(f"audit: {audit.id}\nhalf a pla")
    with pytest.raises(AuditError):
        kept_plan(tmp_path, audit.id)


def test_rows_left_out_and_a_plan_looser_than_its_contract_are_said(own, tmp_path):
    shown, workspace, _ = own
    whole = small_release()[2]
    loose = [replace(w, confirm=3) if w.id == LIVE else w for w in whole.watches]
    cells = list(rows_of(("2026-11",), rows=600, seed=3))
    cells = [cell | ({"score": ""} if place % 5 == 0 else {}) for place, cell in enumerate(cells)]
    file = write_cells(tmp_path / "live.csv", cells)
    request = MonitorRequest(plan=replace(whole, watches=tuple(loose)), windows=(file,), as_of=NOW)
    found = run_monitor(request, workspace)
    assert found.exit_code == 2
    shown = shown.run()
    assert "120 of 600 (20.0 %) in 2026-11" in said(shown)
    assert "confirmed after 3 windows in a row in the plan" in shown.warning[0].value.replace("\\", "")

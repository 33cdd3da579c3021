"""Threshold lab, and the panels on what a verdict hangs on and what cannot hold together."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from audit_core.audit import AuditRequest, run_audit
from audit_core.evidence.workspace import Workspace

ROOT = Path(__file__).resolve().parent.parent
FORBIDDEN = ("unbiased", "compliant", "proves", " fair ", "discriminates")


@pytest.fixture
def open_page(hiring_workspace, hiring_audit, monkeypatch):
    """The dashboard with the worked example open, on one of its pages."""
    monkeypatch.setenv("EVENHAND_DEBUG", "1")
    monkeypatch.setenv("EVENHAND_WORKSPACE", str(hiring_workspace.root))

    def opened(page):
        test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        test.query_params["audit"] = hiring_audit.id
        return test.run().switch_page(f"pages/{page}.py").run()

    return opened


def texts(app):
    elements = [*app.markdown, *app.caption, *app.title, *app.header, *app.warning, *app.error, *app.info]
    return "\n".join(str(element.value) for element in elements).replace("\\", "")


def tables(app):
    """Every table with its names as a person reads them."""
    return [table.value.rename(columns=lambda name: str(name).replace("\\", "")) for table in app.table]


def test_the_lab_opens_on_production_and_changes_nobody(open_page):
    shown = open_page("thresholds")
    said = texts(shown)
    assert not shown.exception
    assert len(shown.title) == 1
    assert "Nobody's decision changes against production" in said
    assert "Under the contract, with production’s threshold:" in said
    assert not shown.warning
    assert not [word for word in FORBIDDEN if word in said.lower()]


@pytest.mark.parametrize("strategy", ["equal_selection", "equal_opportunity", "equalized_odds", "free"])
def test_cut_offs_by_group_come_with_their_warning_and_their_label(open_page, strategy):
    shown = open_page("thresholds").selectbox(key="lab_strategy").set_value(strategy).run()
    said = texts(shown)
    assert not shown.exception
    assert "42 U.S.C. 2000e-2(l)" in shown.warning[0].value
    assert "Diagnostic only" in said and "Optimistic" in said
    assert not [word for word in FORBIDDEN if word in said.lower()]


def test_a_strategy_says_whose_decision_changes_and_the_verdict_as_tried(open_page, hiring_audit):
    shown = open_page("thresholds").selectbox(key="lab_strategy").set_value("equal_opportunity").run()
    said = texts(shown)
    assert "people of 4,000 change against production" in said
    assert "tried on the same rows; not the contract’s" in said
    people = tables(shown)[0].to_dict("records")
    assert [row["Group"] for row in people] == ["man", "woman", "nonbinary", "Everybody"]
    changed = next(t for t in tables(shown) if "Found as tried" in t.columns)
    assert any("tpr_gap_gender" in str(check).replace("\\", "") for check in changed["Check"])
    assert hiring_audit.finding("tpr_gap_gender").status == "FAIL"


def test_one_threshold_for_everybody_needs_no_warning(open_page):
    shown = open_page("thresholds").selectbox(key="lab_strategy").set_value("best_accuracy").run()
    first = texts(shown)
    assert not shown.warning
    assert "uses no protected attribute" in first
    again = shown.number_input(key="lab_no").set_value(5.0).run()
    assert not again.exception
    assert texts(again) != first


def test_a_slider_moves_one_groups_cut_off(open_page):
    shown = open_page("thresholds").selectbox(key="lab_strategy").set_value("free").run()
    assert "Nobody's decision changes" in texts(shown)
    assert len(shown.select_slider) == 3
    moved = shown.select_slider(key="lab_cut_gender_1").set_value(42).run()
    assert not moved.exception
    people = {row["Group"]: row for row in tables(moved)[0].to_dict("records")}
    assert people["woman"]["Cut-off after"].replace("\\", "") == "0.42"
    assert int(people["woman"]["Now selected"]) > 0
    assert people["man"]["Now selected"] == people["man"]["No longer selected"] == "0"


@pytest.mark.parametrize("attribute", ["ethnicity", "age_band"])
def test_every_attribute_can_be_tried(open_page, attribute):
    shown = open_page("thresholds")
    shown.segmented_control(key="lab_subject").set_value(attribute)
    shown = shown.selectbox(key="lab_strategy").set_value("equalized_odds").run()
    assert not shown.exception
    assert "change against production" in texts(shown)


def test_the_release_decision_says_what_the_verdict_hangs_on(open_page):
    shown = open_page("decision")
    said = texts(shown)
    assert not shown.exception
    assert "What the verdict hangs on" in said
    assert "alternatives looked at" in said
    assert "The reference group named in the contract changes no finding" in said
    assert not [word for word in FORBIDDEN if word in said.lower()]


def test_the_map_can_show_the_decision_other_support_and_one_reference(open_page):
    shown = open_page("decision")
    maps = [t for t in tables(shown) if any("(production)" in name for name in t.columns)]
    assert len(maps) == 1
    shown.segmented_control(key="robust_cells").set_value("the decision")
    shown = shown.selectbox(key="robust_check").set_value(("tpr_gap_ethnicity", ("ethnicity",))).run()
    assert not shown.exception
    shown = shown.selectbox(key="robust_reference_tpr_gap_ethnicity_ethnicity").set_value(("Asian",)).run()
    assert not shown.exception
    table = next(t for t in tables(shown) if any("(production)" in name for name in t.columns))
    assert set(table.iloc[:, 1]) <= {"Do not release", "Cannot decide yet", "Approved with conditions"}


def test_the_release_decision_says_what_cannot_hold_together(open_page):
    shown = open_page("decision")
    assert "What cannot hold together" in texts(shown)
    rows = next(t for t in tables(shown) if "If this were equal" in t.columns)
    assert len(rows) == 9
    assert "Not in conflict on this data" in " ".join(rows["Result"])


COUNTS = """\
schema: evenhand/contract/v1
id: counts
version: 1
status: approved
domain: employment
decision: {question: Advance?, population: Applicants, favourable: 1, harm: h, harmed_by: wrong_no}
data:
  attributes:
    - {name: g, basis: b}
table: {}
support: {rows: 30}
checks:
  - {id: ratio, stage: training, metric: selection_rate, compare: ratio, of: [g], limit: {min: 0.8}, severity: major, owner: o, why: w}
roles:
  o: {name: n, contact: c}
author: o
"""  # noqa: E501


@pytest.mark.parametrize("page", ["decision", "thresholds"])
def test_published_counts_have_these_pages_and_no_threshold_to_try(page, tmp_path, monkeypatch):
    table = tmp_path / "counts.csv"
    table.write_text("attribute,group,n,selected\ng,a,1000,400\ng,b,1000,390\n", encoding="utf-8")
    workspace = Workspace(tmp_path / "workspace")
    as_of = datetime(2026, 11, 16, tzinfo=UTC)
    request = AuditRequest(contract=COUNTS.encode(), contract_name="c.yaml", table=table, as_of=as_of)
    audit = run_audit(request, workspace)
    monkeypatch.setenv("EVENHAND_DEBUG", "1")
    monkeypatch.setenv("EVENHAND_WORKSPACE", str(workspace.root))
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    test.query_params["audit"] = audit.id
    shown = test.run().switch_page(f"pages/{page}.py").run()
    assert not shown.exception
    if page == "thresholds":
        assert "no other threshold can be tried" in texts(shown)
        return
    said = texts(shown)
    assert "What the verdict hangs on" in said
    assert "so no other threshold is shown" in said
    assert any("as in production" in t.columns for t in tables(shown))

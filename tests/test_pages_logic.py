"""Every screen, run without a browser on the worked example: what it says, and what its controls change."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from audit_core.contract.draft import DraftChoices
from pages.ui import cached
from pages.ui.needs import still_needed, unused_columns

ROOT = Path(__file__).resolve().parent.parent
PAGES = (
    "summary", "gaps", "grid", "slices", "calibration", "thresholds", "drift", "regression", "hiring",
    "decision", "data", "windows", "model", "contract",
)  # fmt: skip
FORBIDDEN = ("unbiased", "compliant", "proves", " fair ", "discriminates")


@pytest.fixture(autouse=True)
def _faults_are_raised(monkeypatch):
    """A person reads one sentence; a test must see the fault itself."""
    monkeypatch.setenv("EVENHAND_DEBUG", "1")


def at(app, page):
    """The app on one of its pages; it opens on the summary."""
    if page == "summary":
        return app
    return app.switch_page(f"pages/{page}.py").run()


def texts(app):
    """Everything that is written on the screen."""
    elements = [*app.markdown, *app.caption, *app.title, *app.header, *app.error, *app.info]
    return "\n".join(str(element.value) for element in elements)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_runs_and_has_one_title(app, page):
    shown = at(app, page)
    assert not shown.exception
    assert len(shown.title) == 1


@pytest.mark.parametrize("page", PAGES)
def test_a_page_never_uses_a_word_that_claims_too_much(app, page):
    said = texts(at(app, page)).lower()
    assert not [word for word in FORBIDDEN if word in said]


@pytest.mark.parametrize("page", PAGES)
def test_the_strip_names_the_audit_on_every_page(app, page, hiring_audit):
    said = texts(at(app, page))
    assert hiring_audit.id.replace("-", "\\-") in said
    assert "Worked example: all people are invented" in said


@pytest.mark.parametrize("page", PAGES)
def test_the_address_keeps_the_audit(app, page, hiring_audit):
    assert at(app, page).query_params["audit"] == hiring_audit.id


def test_the_summary_says_the_verdict_and_that_it_is_not_signed(app):
    assert "Do not release" in app.header[0].value
    assert "NOT SIGNED" in texts(app)
    assert {metric.label.partition("\\")[0] for metric in app.metric} >= {"TPR gap", "Groups judged"}


def test_the_summary_has_gap_and_calibration_of_both_attributes(app):
    found = " ".join(app.table[0].value.iloc[:, 0])
    for name in ("True positive rate gap", "False positive rate gap", "Calibration gap"):
        for attribute in ("gender", "ethnicity"):
            assert f"{name}, {attribute}" in found.replace("\\", "")


def test_another_limit_changes_the_verdict_on_screen_alone(app, hiring_audit):
    shown = at(app, "gaps")
    assert "not in the contract" not in texts(shown)
    slider = shown.slider(key="limit_tpr_gap_gender_gender")
    assert slider.value == 10.0
    shown = slider.set_value(25.0).run()
    said = texts(shown)
    assert "With this limit (not in the contract):" in said
    assert "Within limit" in said
    assert hiring_audit.finding("tpr_gap_gender").status == "FAIL"
    back = shown.button(key="reset_limit_tpr_gap_gender_gender").click().run()
    assert "not in the contract" not in texts(back)


@pytest.mark.parametrize("metric", ["fpr", "selection_rate", "ppv"])
@pytest.mark.parametrize("attribute", ["ethnicity", "age_band", "source"])
def test_every_metric_and_attribute_can_be_shown(app, metric, attribute):
    shown = at(app, "gaps")
    shown.selectbox(key="gaps_metric").set_value(metric)
    shown.segmented_control(key="gaps_subject").set_value(attribute)
    shown = shown.run()
    assert not shown.exception
    assert len(shown.table[0].value) >= 4


def test_a_group_without_enough_people_is_never_within(app):
    table = at(app, "gaps").table[0].value
    row = next(row for row in table.to_dict("records") if row["Group"] == "nonbinary")
    assert "Too few to judge" in row["Result"]


def test_the_grid_counts_what_can_be_judged(app, hiring_audit):
    shown = at(app, "grid")
    said = re.search(r"(\d+) of 15 combinations judged, (\d+) too few, ([\d.]+) % of people", texts(shown))
    judged, few, covered = said.groups()
    assert int(judged) + int(few) == 15
    assert 0 < float(covered) < 100


def test_a_combination_can_be_chosen_from_the_list(app):
    shown = at(app, "grid")
    shown = shown.selectbox(key="grid_cell").set_value(("woman", "Black")).run()
    assert not shown.exception
    assert "woman × Black" in texts(shown)


def test_drift_shows_chance_beside_psi_and_the_new_category(app):
    shown = at(app, "drift")
    assert "By chance up to" in list(shown.table[0].value.columns)
    assert any("ai" in str(table.value.to_dict("records")) for table in shown.table)


def test_every_check_is_explained(app, hiring_audit):
    shown = at(app, "decision")
    labels = " ".join(expander.label for expander in shown.expander).replace("\\", "")
    assert all(finding.check in labels for finding in hiring_audit.findings)


def test_an_unknown_audit_is_one_sentence_and_a_way_on(hiring_workspace, monkeypatch):
    monkeypatch.setenv("EVENHAND_WORKSPACE", str(hiring_workspace.root))
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    test.query_params["audit"] = "A-00000000-00000000"
    shown = test.run()
    assert not shown.exception
    assert len(shown.error) == 1
    assert "There is no audit of this id" in shown.error[0].value
    assert [button.label for button in shown.button] == ["Open the worked example"]


def test_without_an_audit_the_worked_example_opens(hiring_workspace, hiring_audit, monkeypatch):
    monkeypatch.setenv("EVENHAND_WORKSPACE", str(hiring_workspace.root))
    shown = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert shown.query_params["audit"] == hiring_audit.id


def test_problems_of_a_contract_are_listed_with_their_lines(app):
    shown = at(app, "contract")
    text = shown.text_area[0].value
    assert "# data: before training" in text or "#" in text
    broken = text.replace("severity: critical", "severity: enormous", 1)
    shown = shown.text_area[0].set_value(broken).run()
    assert len(shown.error) == 1
    assert any(line.startswith("contract.yaml:") for line in shown.code[0].value.splitlines())


def test_answers_change_the_contract_and_keep_its_comments(app):
    shown = at(app, "contract")
    before = shown.text_area[0].value
    shown = shown.number_input(key="ask_limit").set_value(12.5).run()
    button = next(button for button in shown.button if button.label.startswith("Put these answers"))
    shown = button.click().run()
    after = shown.text_area[0].value
    assert not shown.exception and not shown.error
    changed = [(a, b) for a, b in zip(before.splitlines(), after.splitlines(), strict=True) if a != b]
    assert len(changed) == 1
    assert "0.125" in changed[0][1]


def test_both_harms_make_equalized_odds_the_primary_metric(app):
    shown = at(app, "contract")
    shown = shown.radio(key="ask_harm").set_value("both").run()
    button = next(button for button in shown.button if button.label.startswith("Put these answers"))
    shown = button.click().run()
    assert not shown.exception and not shown.error
    assert "metric: equalized_odds" in shown.text_area[0].value


def test_cells_of_a_csv_cannot_be_formulas():
    from audit_core.report.tables import to_csv

    rows = [{"Group": "=1+1", "@x": "+3.1 pts"}, {"Group": "-a", "@x": "\tb"}]
    cells = [cell for row in csv.reader(io.StringIO(to_csv(rows))) for cell in row]
    assert not [cell for cell in cells if cell[:1] in "=+-@\t\r"]


def test_the_form_says_what_a_draft_still_lacks():
    roles = {"y": "label", "g": "protected attribute", "d": "decision"}
    assert still_needed(DraftChoices(id="a", roles=roles, positive="1", selected=("yes",))) == []
    assert still_needed(DraftChoices(id="a", roles=roles, selected=("yes",))) == [
        "Choose which value of “y” means yes."
    ]
    bare = still_needed(DraftChoices(id="a", roles={"x": "feature"}, threshold="5", limit="ten"))
    assert len(bare) == 5
    assert "“d” is not read" in unused_columns(DraftChoices(id="a", roles=roles | {"s": "score"}))[0]


def test_a_fault_of_a_screen_is_one_sentence_and_no_traceback(hiring_workspace, monkeypatch):
    monkeypatch.delenv("EVENHAND_DEBUG")
    monkeypatch.setenv("EVENHAND_WORKSPACE", str(hiring_workspace.root))
    monkeypatch.setattr("pages.ui.cached.summary", lambda _audit: 1 / 0)
    cached.summary_of.clear()
    shown = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    cached.summary_of.clear()
    assert not shown.exception
    assert "This screen could not be drawn" in shown.error[0].value

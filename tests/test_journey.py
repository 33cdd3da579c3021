"""The dashboard in a browser: the worked example, somebody's own files, and every screen twice."""

from __future__ import annotations

import json
import pickle

import joblib
import pytest
from browser_app import (
    ARGUMENTS,
    CHROMIUM,
    NOTE_VIOLATIONS,
    SCREENS,
    copy_inputs,
    need_browser,
    refused,
    serve,
    watch,
)

from audit_core.evidence.pins import read_pins

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser():
    """Debian's chromium."""
    need_browser()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def server(browser, hiring_workspace, hiring_audit, tmp_path_factory):
    """The dashboard on the worked example, its first visitor come by the address of a screen."""
    with serve(hiring_workspace.root, tmp_path_factory.mktemp("log") / "server.log") as running:
        page = browser.new_page()
        first = watch(page, running.url)
        first.open("/input-drift")
        page.get_by_role("heading", name="Input drift").wait_for()
        assert page.get_by_role("dialog").count() == 0
        page.close()
        yield running
    assert not running.trouble()


@pytest.fixture
def visit(browser, server):
    """A fresh visitor."""
    contexts = []

    def new(scheme="light"):
        context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        return watch(context.new_page(), server.url)

    yield new
    for context in contexts:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_screen_is_quiet_local_accessible_and_within_the_policy(visit, scheme, hiring_audit):
    visitor = visit(scheme)
    visitor.page.add_init_script(f"({NOTE_VIOLATIONS})()")
    found = {}
    for screen in SCREENS:
        visitor.open(f"{screen}?audit={hiring_audit.id}")
        charts = visitor.page.locator(".js-plotly-plot")
        if charts.count():
            charts.first.scroll_into_view_if_needed()
            charts.first.hover()
        found[screen] = [refused(visitor.page), visitor.axe()]
    assert not {screen: violations for screen, violations in found.items() if any(violations)}
    assert not visitor.problems


def test_the_audit_survives_the_menu_and_a_reload(visit, hiring_audit):
    visitor = visit()
    visitor.open("/")
    page = visitor.page
    page.get_by_role("button", name="Evidence").click()
    page.get_by_role("menuitem", name="Input drift").click()
    page.get_by_role("heading", name="Input drift").wait_for()
    visitor.settle()
    page.wait_for_url(f"**/input-drift?audit={hiring_audit.id}")
    page.reload()
    visitor.settle()
    assert hiring_audit.id in page.url
    assert page.get_by_text(hiring_audit.id).count() == 1


def test_another_limit_is_tried_and_taken_back(visit):
    visitor = visit()
    visitor.open("/group-differences")
    page = visitor.page
    page.get_by_role("radio", name="ethnicity").click()
    visitor.settle()
    # By its own key: while the screen changes, the slider of the attribute before may still stand beside it.
    slider = page.locator("[class*='st-key-limit_'][class*='ethnicity']").get_by_role("slider")
    slider.focus()
    for _ in range(16):
        slider.press("ArrowRight")
    page.get_by_text("With this limit (not in the contract):").wait_for()
    page.get_by_role("button", name="Back to the contract").click()
    page.get_by_text("With this limit (not in the contract):").wait_for(state="detached")
    assert not visitor.problems


def test_a_cell_of_the_grid_can_be_clicked(visit):
    visitor = visit()
    visitor.open("/combined-groups")
    visitor.page.locator(".js-plotly-plot .heatmaplayer").wait_for()
    visitor.page.locator(".js-plotly-plot").first.scroll_into_view_if_needed()
    visitor.page.wait_for_timeout(500)
    area = visitor.page.locator(".js-plotly-plot .heatmaplayer").bounding_box()
    visitor.page.mouse.move(area["x"] + area["width"] / 4, area["y"] + area["height"] / 2)
    visitor.page.wait_for_timeout(200)
    visitor.page.mouse.down()
    visitor.page.mouse.up()
    visitor.page.get_by_text("woman × Black:").wait_for()
    assert not visitor.problems


def test_own_files_lead_to_a_verdict_and_its_documents(visit, tmp_path, hiring_audit):
    files = copy_inputs(tmp_path)
    # Other bytes than the pinned ones: the inspection alone lets the file in.
    joblib.dump(joblib.load(files["model"]), files["model"], compress=1)
    visitor = visit()
    visitor.open("/data-and-model")
    page = visitor.page
    upload(visitor, "Trained classifier", files["model"])
    upload(visitor, "Training sample", files["train"])
    upload(visitor, "Next month", files["evaluation"])
    page.get_by_text("What each column is").wait_for()
    page.get_by_text("Every name in this file is one").wait_for()
    assert not visitor.axe()
    page.get_by_role("button", name="Run the audit").click()
    page.get_by_role("heading", name="Summary for sign-off").wait_for(timeout=60_000)
    visitor.settle()
    assert page.get_by_text("Worked example").count() == 0
    assert page.get_by_role("heading", name="Do not release").count() == 1
    assert saved(page, "One-page PDF", tmp_path).startswith(b"%PDF")
    result = json.loads(saved(page, "Audit result", tmp_path))
    assert result["schema"] == "evenhand/audit/v1"
    assert result["decision"]["verdict"] == "BLOCKED"
    assert result["audit_id"] in page.url
    assert tpr_gap(result) == pytest.approx(float(hiring_audit.finding("tpr_gap_gender").value))
    assert not visitor.problems


def test_a_file_that_is_no_table_leaves_a_sentence_and_no_verdict(visit, tmp_path):
    bad = tmp_path / "bad.parquet"
    bad.write_bytes(b"not parquet")
    visitor = visit()
    visitor.open("/data-and-model")
    upload(visitor, "Next month", bad)
    visitor.page.get_by_role("alert").first.wait_for()
    assert "bad.parquet" in visitor.page.get_by_role("alert").first.inner_text()
    assert visitor.page.get_by_role("button", name="Run the audit").count() == 0
    assert not visitor.axe()


def test_a_model_that_is_none_leaves_a_sentence_and_no_verdict(visit, tmp_path):
    files = copy_inputs(tmp_path)
    joblib.dump({"weights": [1, 2]}, files["model"])
    visitor = visit()
    visitor.open("/data-and-model")
    page = visitor.page
    upload(visitor, "Trained classifier", files["model"])
    upload(visitor, "Next month", files["evaluation"])
    page.get_by_text("This file holds a dict, not a model").wait_for()
    assert page.get_by_role("button", name="Run the audit").is_disabled()
    assert page.get_by_text("Do not release").count() == 0
    assert page.get_by_text("my-evaluation.csv", exact=True).count() == 1
    assert not visitor.axe()


def test_a_model_in_question_is_opened_after_a_named_review(visit, tmp_path, hiring_workspace):
    """The review is for these bytes and names; here the package is not installed, which is then said."""
    files = copy_inputs(tmp_path)
    text = pickle.dumps(joblib.load(files["model"]), protocol=2)
    files["model"].write_bytes(text.replace(b"csklearn.pipeline\nPipeline", b"cacme_models\nPipeline", 1))
    visitor = visit()
    visitor.open("/data-and-model")
    page = visitor.page
    upload(visitor, "Trained classifier", files["model"])
    upload(visitor, "Next month", files["evaluation"])
    page.get_by_text("acme_models").first.wait_for()
    assert page.get_by_role("button", name="Run the audit").is_disabled()
    page.get_by_role("link", name="What is in this file").click()
    page.get_by_role("heading", name="What it would import").wait_for()
    visitor.settle()
    assert not visitor.axe()
    page.get_by_role("button", name="Review and accept").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("acme_models:Pipeline").wait_for()
    dialog.get_by_label("Your name").fill("Mina Okafor")
    dialog.get_by_label("Why: who made it").fill("our own package, read line by line")
    dialog.get_by_text("I examined what is listed").click()
    dialog.get_by_role("button", name="Accept this file").click()
    page.get_by_text("Mina Okafor accepted it.").first.wait_for()
    visitor.settle()
    kept = read_pins(hiring_workspace.root)
    assert [(pin.reviewer, pin.names) for pin in kept] == [("Mina Okafor", ("acme_models:Pipeline",))]
    page.get_by_role("link", name="Data and model").last.click()
    page.get_by_role("button", name="Run the audit").click()
    page.get_by_text("The audit stopped; there is no result").wait_for(timeout=60_000)
    assert "acme_models, which is not installed" in page.get_by_role("alert").last.inner_text()
    assert not visitor.problems


def tpr_gap(result):
    """The true positive rate gap by gender of a result file."""
    return next(
        gap["value"]
        for gap in result["gaps"]
        if (gap["attribute"], gap["metric"], gap["compare"])
        in ((["gender"], "tpr", "difference"), ("gender", "tpr", "difference"))
    )


def upload(visitor, title, path):
    """Give a file to the card of that title and wait until it was read."""
    heading = visitor.page.get_by_role("heading", name=title)
    card = visitor.page.get_by_test_id("stVerticalBlock").filter(has=heading).last
    card.locator("input[type=file]").set_input_files(str(path))
    visitor.page.get_by_text(path.name, exact=True).first.wait_for(timeout=30_000)
    visitor.settle()


def saved(page, label, folder):
    """The bytes of a download."""
    with page.expect_download() as waiting:
        page.get_by_role("button", name=label).click()
    target = folder / waiting.value.suggested_filename
    waiting.value.save_as(target)
    return target.read_bytes()

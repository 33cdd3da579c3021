"""The test plan on the contract's screen: what it proposes and writes, and that nothing typed is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit_core.contract.test_plan import PROPOSALS
from audit_core.contract.yaml import parse_contract

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def page(app):
    """The contract's screen of the worked example."""
    return app.switch_page("pages/contract.py").run()


def text_of(page):
    return page.text_area(key="contract_text").value


def contract_of(page):
    return parse_contract(text_of(page).encode(), "c")


def put(page):
    return page.button(key="put_answers").click().run()


def said(page):
    shown = (*page.markdown, *page.caption, *page.warning)
    return "\n".join(str(part.value) for part in shown).replace("\\", "")


def test_the_form_shows_the_plan_of_the_text_and_has_nothing_to_write(page):
    assert page.selectbox(key="ask_primary").value == "tpr"
    assert page.multiselect(key="ask_guardrails").value == ["fpr"]
    assert page.multiselect(key="ask_groups").value == [("gender",), ("ethnicity",)]
    assert page.text_area(key="ask_reason").value == contract_of(page).test_plan.reason
    assert page.button(key="put_answers").disabled
    assert "The text holds these answers" in said(page)


def test_another_harm_proposes_another_plan_and_its_reason(page):
    page = page.radio(key="ask_harm").set_value("wrong_yes").run()
    proposal = PROPOSALS["wrong_yes"]
    assert page.selectbox(key="ask_primary").value == proposal.primary
    assert page.multiselect(key="ask_guardrails").value == list(proposal.guardrails)
    assert page.text_area(key="ask_reason").value == proposal.reason
    page = page.radio(key="ask_harm").set_value("wrong_no").run()
    assert page.selectbox(key="ask_primary").value == "tpr"
    assert page.text_area(key="ask_reason").value == contract_of(page).test_plan.reason


def test_the_plan_goes_into_the_text_with_reason_person_and_day(page):
    page = page.radio(key="ask_harm").set_value("wrong_yes").run()
    page.selectbox(key="ask_by").set_value("counsel")
    page = put(page.run())
    assert not page.exception and not page.error
    contract = contract_of(page)
    assert contract.decision.harmed_by == "wrong_yes"
    plan = contract.test_plan
    assert (plan.primary, plan.guardrails, plan.by) == ("fpr", ("tpr",), "counsel")
    assert plan.reason == PROPOSALS["wrong_yes"].reason and plan.date > "2026-10-05"
    assert {check.metric for check in contract.checks if check.primary} == {"fpr"}
    assert page.button(key="put_answers").disabled


def test_what_was_typed_outlives_an_edit_of_the_text_another_harm_and_another_screen(page):
    page = page.text_area(key="ask_reason").set_value("My own reason.").run()
    page = page.text_input(key="ask_question").set_value("Another question?").run()
    page = (
        page.text_area(key="contract_text").set_value(text_of(page).replace("version: 4", "version: 5")).run()
    )
    page = page.radio(key="ask_harm").set_value("both").run()
    page = page.switch_page("pages/summary.py").run().switch_page("pages/contract.py").run()
    assert page.text_area(key="ask_reason").value == "My own reason."
    assert page.text_input(key="ask_question").value == "Another question?"
    assert page.radio(key="ask_harm").value == "both"
    assert "version: 5" in text_of(page)
    contract = contract_of(put(page))
    assert contract.version == "5" and contract.decision.question == "Another question?"
    assert (contract.test_plan.primary, contract.test_plan.reason) == ("equalized_odds", "My own reason.")


def test_what_was_typed_outlives_a_text_with_problems(page):
    whole = text_of(page)
    page = page.text_area(key="ask_reason").set_value("My own reason.").run()
    page = page.text_area(key="contract_text").set_value(whole.replace("author:", "autor:")).run()
    assert len(page.error) == 1
    page = page.text_area(key="contract_text").set_value(whole).run()
    assert page.text_area(key="ask_reason").value == "My own reason."


def test_untouched_fields_follow_the_text(page):
    text = text_of(page).replace("guardrails: [fpr]", "guardrails: [fpr, ppv]")
    page = page.text_area(key="contract_text").set_value(text).run()
    assert page.multiselect(key="ask_guardrails").value == ["fpr", "ppv"]
    assert "positive predictive value" in said(page) and page.button(key="add_checks")


def test_a_missing_guardrail_is_told_and_added_with_one_click(page):
    lines = [line for line in text_of(page).splitlines() if "id: fpr_guard_gender" not in line]
    page = page.text_area(key="contract_text").set_value("\n".join(lines) + "\n").run()
    assert "no check limits its gap by gender" in said(page)
    page = page.button(key="add_checks").click().run()
    assert not page.error
    added = contract_of(page).checks[-1]
    assert (added.metric, added.of, added.stage) == ("fpr", (("gender",),), "training")
    assert "no check limits its gap" not in said(page)


def test_a_plan_needs_a_reason(page):
    page = page.selectbox(key="ask_primary").set_value("ppv").run()
    assert page.text_area(key="ask_reason").value == ""
    assert page.button(key="put_answers").disabled
    assert "Write a reason" in said(page)
    assert (
        page.text_area(key="ask_reason").set_value("Because.").run().button(key="put_answers").disabled
        is False
    )


def test_a_group_the_text_no_longer_declares_leaves_the_form(page):
    text = text_of(page).replace("  groups: [gender, ethnicity]\n", "")
    page = page.multiselect(key="ask_groups").set_value([("source",)]).run()
    page = page.text_area(key="contract_text").set_value(text.replace("slices: [source]", "slices: []")).run()
    assert not page.exception
    assert ("source",) not in page.multiselect(key="ask_groups").value


def test_giving_up_brings_text_and_form_back(page):
    before = text_of(page)
    page = put(page.radio(key="ask_harm").set_value("both").run())
    page = page.text_area(key="ask_reason").set_value("Mine.").run()
    page = (
        next(button for button in page.button if button.label.startswith("Back to the audit")).click().run()
    )
    assert text_of(page) == before
    assert page.radio(key="ask_harm").value == "wrong_no"
    assert page.text_area(key="ask_reason").value == contract_of(page).test_plan.reason


def test_the_screen_says_what_nobody_checks_and_what_sources_cannot_show(page):
    assert "Not checked at any stage: groups by source" in said(page)
    heads = [list(table.value.columns) for table in page.table]
    assert any("Monitoring" in head for head in heads)
    assert any("What it cannot show" in head for head in heads)

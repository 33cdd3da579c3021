"""What it would take, and what chance does to a contract, on their screens."""

import pytest
import test_pages_logic
from test_pages_logic import at

from audit_core.report.collection import collection_rows

pytestmark = pytest.mark.usefixtures("hiring_audit")


def texts(shown):
    """Everything on the screen as a person reads it: without the marks that keep text text."""
    return test_pages_logic.texts(shown).replace("\\", "")


def headers(shown):
    return [header.value for header in shown.header]


def test_the_decision_says_what_it_would_take_in_a_table_and_a_file(app, hiring_audit):
    shown = at(app, "decision")
    assert "What it would take" in headers(shown)
    rows = collection_rows(hiring_audit)
    tables = [table.value for table in shown.table if "Weeks" in table.value.columns]
    assert sum(len(table) for table in tables) == len(rows) > 0
    first = tables[0].iloc[0]
    assert [first[name] for name in ("Has", "Needs", "More", "Rows", "Weeks")] == [
        rows[0][name] for name in ("Has", "Needs", "More", "Rows", "Weeks")
    ]
    assert "What it would take (CSV)" in [button.label for button in shown.get("download_button")]
    assert "About 80 of 100 samples of the size named would decide" in texts(shown)


def test_the_worked_example_knows_its_weeks(hiring_audit):
    """Its window is one month, October 2026: 31 days."""
    needs = hiring_audit.finding("slice_coverage", ("ethnicity",)).needs
    (need,) = needs.groups
    a_week = need.have * 7 / 31
    assert need.weeks == -(-need.more // a_week)
    assert all(f.needs.weeks is not None for f in hiring_audit.findings if f.needs)


def test_the_contract_page_warns_with_the_groups_and_rates_of_the_open_audit(app):
    shown = at(app, "contract")
    assert "What chance does to these checks" in headers(shown)
    said = texts(shown)
    assert "Groups and rates are those of the open audit." in said
    assert "in each of 2 groups; the contract's minimum is 50" in said


def test_the_warnings_follow_the_text_as_it_is_written(app):
    shown = at(app, "contract")
    text = shown.text_area[0].value
    raised = text.replace(
        "positives: 50, negatives: 30, rows: 100", "positives: 900, negatives: 900, rows: 3000"
    )
    assert raised != text
    after = texts(shown.text_area[0].set_value(raised).run())
    assert "the contract's minimum is 50" not in after
    assert "fewer rows in this file than the minimum of 900 positives" in after
    never = text.replace("of: [gender], limit: {max: 0.10}", "of: [gender], limit: {max: 0}", 1)
    assert never != text
    said = texts(at(app, "contract").text_area[0].set_value(never).run())
    assert "can never be shown to be within this limit" in said

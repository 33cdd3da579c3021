"""Edits from the screen: one value changes, and the author's comments, order and quoting do not."""

from __future__ import annotations

from decimal import Decimal
from difflib import unified_diff
from fractions import Fraction

import pytest

from audit_core.contract.presets import preset, preset_names
from audit_core.contract.yaml import contract_problems, edit_contract, parse_contract
from audit_core.errors import ContractError, UsageError

HIRING = preset("hiring")


def difference(before: bytes, after: bytes) -> list[str]:
    lines = unified_diff(before.decode().splitlines(), after.decode().splitlines(), n=0, lineterm="")
    return [line for line in lines if line[:1] in "+-" and line[:3] not in {"+++", "---"}]


@pytest.mark.parametrize("name", preset_names())
def test_no_change_is_no_change(name: str) -> None:
    assert edit_contract(preset(name), {}) == preset(name)


@pytest.mark.parametrize("value", ["0.12", 0.12, Decimal("0.12"), Fraction(3, 25)])
def test_a_limit_changes_and_nothing_else(value: object) -> None:
    edited = edit_contract(HIRING, {("checks", 3, "limit", "max"): value})
    assert edited == HIRING.replace(
        b"limit: {max: 0.10}, severity: critical, primary", b"limit: {max: 0.12}, severity: critical, primary"
    )
    assert parse_contract(edited, "c").checks[3].limit.max == Fraction(12, 100)


def test_comments_survive_many_edits() -> None:
    edited = edit_contract(
        HIRING,
        {
            ("status",): "approved",
            ("decision", "favourable"): 0,
            ("data", "score", "threshold"): 0.6,
            ("data", "attributes", 0, "reference"): "man",
            ("data", "slices"): ["source"],
            ("support", "rows"): 200,
            ("roles", "counsel", "name"): "Dana Meyer: legal",
            ("checks", 12): {
                "id": "added",
                "stage": "training",
                "metric": "brier",
                "of": ["gender"],
                "limit": {"max": 0.05},
                "severity": "minor",
                "owner": "counsel",
                "why": "Second look.",
            },
            ("requirements", 0, "met"): True,
        },
    )
    assert edited.decode().count("#") == HIRING.decode().count("#")
    assert b"status: approved                   # draft | approved | retired" in edited
    contract = parse_contract(edited, "c")
    assert contract.data.slices == ("source",)
    assert contract.attribute("gender").reference == "man"  # type: ignore[union-attr]
    assert [role.name for role in contract.roles if role.id == "counsel"] == ["Dana Meyer: legal"]
    assert contract.checks[-1].id == "added"
    assert len(difference(HIRING, edited)) == 7 * 2 + 2


def test_quotes_and_texts_that_look_like_numbers_are_kept() -> None:
    text = preset("service-judge")
    edited = edit_contract(text, {("pairs", "expected", "positive"): "1", ("roles", "policy", "name"): "007"})
    assert difference(text, edited)[1] == '+  expected: {column: expected_auto_serve, positive: "1"}'
    assert b'policy: {name: "007", contact' in edited
    for words in (
        "yes: no",
        "- dash",
        "#5",
        "true",
        "~",
        "",
        "two\nlines",
        'it\'s “quoted” "twice"',
        "\x07\U0001f600",
    ):
        again = edit_contract(HIRING, {("decision", "question"): words}) if words else HIRING
        assert words == "" or parse_contract(again, "c").decision.question == words


def test_removing_a_line_an_entry_and_a_key() -> None:
    edited = edit_contract(HIRING, {("checks", 9): None})
    assert [line[:40] for line in difference(HIRING, edited)] == ["-  - {id: input_drift, stage: predeploy,"]
    edited = edit_contract(HIRING, {("data", "attributes", 1, "unknown"): None, ("data", "max_age"): None})
    assert len(difference(HIRING, edited)) == 3
    assert parse_contract(edited, "c").data.max_age_days is None
    edited = edit_contract(HIRING, {("checks", 3, "of", 1): None})
    assert parse_contract(edited, "c").checks[3].of == (("gender",),)


def test_windows_line_ends_and_the_byte_order_mark_stay() -> None:
    windows = b"\xef\xbb\xbf" + HIRING.replace(b"\n", b"\r\n")
    edited = edit_contract(windows, {("review_by",): "2027-05-01"})
    assert edited.startswith(b"\xef\xbb\xbf# yaml")
    assert edited.count(b"\n") == edited.count(b"\r\n")
    assert parse_contract(edited, "c").review_by == "2027-05-01"


def test_an_edit_that_breaks_the_contract_is_refused() -> None:
    with pytest.raises(ContractError) as caught:
        edit_contract(HIRING, {("checks", 3, "limit", "max"): 10})
    assert [p.code for p in caught.value.problems] == ["out-of-range"]
    with pytest.raises(ContractError):
        edit_contract(HIRING, {("surprise",): "x"})
    with pytest.raises(ContractError):
        edit_contract(b"a: [", {("a",): 1})
    for path in ((), ("checks", 99), ("checks", -1), ("checks", "x"), ("nowhere", "x"), ("status", 0)):
        with pytest.raises(UsageError):
            edit_contract(HIRING, {path: "x"})


def test_a_contract_with_problems_can_still_be_edited() -> None:
    broken = HIRING.replace(b"author: data_scientist", b"author: nobody")
    edited = edit_contract(broken, {("status",): "retired"})
    assert len(contract_problems(edited)) == 1
    assert contract_problems(edit_contract(broken, {("author",): "counsel"})) == ()

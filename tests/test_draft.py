"""A draft contract can be written for anybody's columns, and can approve nothing."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_core.contract.draft import DraftChoices, draft_contract
from audit_core.contract.yaml import parse_contract
from audit_core.errors import ContractError, UsageError
from audit_core.sources.profile import ROLES

WEIRD = st.sampled_from(
    ['say "x"', "it's", "a: b", "# no", "- x", "{a}", "[a, b]", "& a", "*a", "!t", "| x", "> x", "%d", "@x",
     "`x`", "null", "true", "1", "1.0", "~", "yes", "0x1", "größe", "年齢", "a\\nb", "a\\", "{{x}}",
     "---", "...", "a,b", "age_band", "age", " a", "a ", "=", "<<", "label", "💡", "2026-01-01", ".inf",
     "'", '"']
)  # fmt: skip
NAMES = st.one_of(
    WEIRD,
    st.text(
        st.characters(codec="utf-8", categories=["L", "M", "N", "P", "S", "Zs"]), min_size=1, max_size=12
    ).filter(lambda name: name.strip() and not any(unicodedata.category(mark) == "Cc" for mark in name)),
)


def parsed(choices):
    return parse_contract(draft_contract(choices), "contract.yaml")


def simple(**changes):
    return DraftChoices(
        **{"id": "x", "roles": {"y": "label", "s": "score", "g": "protected attribute"}, **changes}
    )


@settings(deadline=None, max_examples=25)
@given(
    st.lists(NAMES, min_size=3, max_size=10, unique=True),
    st.data(),
)
def test_any_roles_of_any_columns_make_a_contract(columns, data):
    label, score, group, *others = columns
    roles = {label: "label", score: "score", group: "protected attribute"}
    roles |= {name: data.draw(st.sampled_from(ROLES)) for name in others}
    protected = [name for name, role in roles.items() if role == "protected attribute"]
    choices = DraftChoices(
        id=data.draw(st.text(max_size=80)),
        roles=roles,
        positive=data.draw(st.one_of(st.just(""), NAMES)),
        selected=tuple(data.draw(st.lists(NAMES, max_size=3, unique=True))),
        harmed_by=data.draw(st.sampled_from(["wrong_no", "wrong_yes", "both"])),
        cuts={name: "30, 40.5, 1234567" for name in protected if data.draw(st.booleans())},
        with_train=data.draw(st.booleans()),
        with_model=data.draw(st.booleans()),
    )
    contract = parsed(choices)
    assert contract.status == "draft"
    assert contract.data.label is not None and contract.data.label.column == label
    assert contract.data.label.positive == ((choices.positive,) if choices.positive else ())
    assert contract.data.score is not None and contract.data.score.column == score
    found = [a.bands.column if a.bands else a.column for a in contract.data.attributes]
    assert found == protected
    assert list(contract.data.slices) == [name for name, role in roles.items() if role == "slice"]
    for role, value in (("id", contract.data.id), ("window", contract.data.window)):
        assert value == next((name for name, part in roles.items() if part == role), None)


@pytest.mark.parametrize(
    ("cuts", "edges", "labels"),
    [
        ("30, 40", (0, 30, 40, 10**9), ("under 30", "30 to under 40", "40 and over")),
        ("30;40;", (0, 30, 40, 10**9), ("under 30", "30 to under 40", "40 and over")),
        ("1234567", (0, 1234567, 10**9), ("under 1234567", "1234567 and over")),
        ("30000.25", (0, 30000.25, 10**9), ("under 30000.25", "30000.25 and over")),
        ("0.1, 0.25", (0, 0.1, 0.25, 10**9), ("under 0.1", "0.1 to under 0.25", "0.25 and over")),
        ("-5, 5", (-(10**9), -5, 5, 10**9), ("under -5", "-5 to under 5", "5 and over")),
    ],
)
def test_cuts_become_bands_at_exactly_these_numbers(cuts, edges, labels):
    (attribute,) = parsed(simple(cuts={"g": cuts})).data.attributes
    assert tuple(float(edge) for edge in attribute.bands.edges) == edges
    assert attribute.bands.labels == labels
    assert attribute.name == "g_band" and attribute.bands.column == "g"


@pytest.mark.parametrize(
    "cuts",
    [
        "40, 30",
        "30, 30",
        "thirty",
        "30, forty",
        ",",
        "nan",
        "inf",
        "30, inf",
        "-inf",
        "1e9",
        "1e400",
        "30 40",
    ],
)
def test_cuts_that_are_no_ascending_numbers(cuts):
    with pytest.raises(UsageError, match="ascending numbers") as caught:
        draft_contract(simple(cuts={"g": cuts}))
    assert caught.value.where == "g"


def test_a_band_never_takes_the_name_of_another_column():
    roles = {"y": "label", "s": "score", "age": "protected attribute", "age_band": "protected attribute"}
    contract = parsed(DraftChoices(id="x", roles=roles, cuts={"age": "40"}))
    names = [a.name for a in contract.data.attributes]
    assert len(set(names)) == 2 and contract.data.intersections == (tuple(names),)
    roles["age_band"] = "slice"
    contract = parsed(DraftChoices(id="x", roles=roles, cuts={"age": "40"}))
    assert contract.data.attributes[0].name not in contract.data.slices


def test_without_a_protected_attribute_there_is_nothing_to_compare():
    with pytest.raises(ContractError) as caught:
        draft_contract(simple(roles={"y": "label", "s": "score"}))
    assert any("attributes" in line for line in caught.value.lines())


@pytest.mark.parametrize(
    "changes",
    [
        {"threshold": "high"},
        {"threshold": "0.5}, x: {y: 1"},
        {"threshold": "2"},
        {"limit": ""},
        {"limit": "0.1}, severity: minor, x: {a: 1"},
        {"limit": "10"},
        {"domain": "other\nstatus: approved"},
    ],
)
def test_what_is_typed_into_a_field_stays_in_it(changes):
    with pytest.raises(ContractError):
        draft_contract(simple(**changes))


def test_a_decision_column_without_a_score():
    roles = {"y": "label", "d": "decision", "g": "protected attribute"}
    contract = parsed(DraftChoices(id="x", roles=roles, selected=("Yes: now", "later"), with_train=False))
    assert contract.data.score is None and contract.data.decision.positive == ("Yes: now", "later")
    assert {check.id for check in contract.checks} == {"coverage", "primary_gap", "guardrail", "impact_ratio"}


@pytest.mark.parametrize(
    ("id_", "kept"), [("my file.csv", "my-file.csv"), ("", "audit"), ("年", "audit"), ("-x-", "x")]
)
def test_ids_are_made_of_plain_letters(id_, kept):
    assert parsed(simple(id=id_)).id == kept

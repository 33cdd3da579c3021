"""The contract as its readers meet it: what a good one means, and what is said about a bad one."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from audit_core.contract.presets import preset
from audit_core.contract.schema import BaselinePolicy, ReleaseContract, Response
from audit_core.contract.yaml import contract_problems, parse_contract, read_contract
from audit_core.errors import ContractError

HIRING = preset("hiring").decode()


def changed(*swaps: tuple[str, str], base: str = HIRING) -> str:
    for old, new in swaps:
        assert base.count(old) >= 1, old
        base = base.replace(old, new, 1)
    return base


def said(text: str) -> list[str]:
    return [f"{p.line}:{p.column} {p.code} {p.message}" for p in contract_problems(text.encode())]


def codes(text: str) -> list[str]:
    return [p.code for p in contract_problems(text.encode())]


@pytest.fixture(scope="module")
def hiring() -> ReleaseContract:
    return parse_contract(preset("hiring"), "hiring.yaml")


def test_numbers_are_exact_and_ids_are_texts(hiring: ReleaseContract) -> None:
    gap = next(check for check in hiring.checks if check.id == "tpr_gap")
    assert gap.limit.max == Fraction(1, 10)
    assert gap.of == (("gender",), ("ethnicity",))
    assert HIRING.splitlines()[gap.line - 1].lstrip().startswith("- {id: tpr_gap")
    assert hiring.version == "1"
    assert hiring.data.label is not None
    assert hiring.data.label.positive == ("1",)
    assert hiring.data.score is not None
    assert (hiring.data.score.threshold, hiring.data.score.low, hiring.data.score.high) == (
        Fraction(1, 2),
        0,
        1,
    )


def test_defaults(hiring: ReleaseContract) -> None:
    checks = {check.id: check for check in hiring.checks}
    assert checks["calibration"].compare == "difference"
    assert checks["label_balance"].compare is None
    assert checks["input_drift"].features == ()
    assert checks["tpr_gap"].features is None
    assert checks["tpr_gap"].on_fail == Response(action="block", notify="ml_owner")
    assert checks["intersections"].of == (("gender", "ethnicity"),)
    assert hiring.data.features is None
    assert hiring.data.max_age_days == 120
    assert hiring.attribute("ethnicity") is not None
    assert hiring.attribute("source") is None
    assert hiring.baseline == BaselinePolicy(policy="last_approved", column=None, threshold=None)


def test_raw_text_of_cells_is_kept() -> None:
    text = changed(
        ("label: {column: qualified, positive: 1}", 'label: {column: qualified, positive: ["1", True, yes]}'),
        (
            "score: {column: score, threshold: 0.50}",
            "decision: {column: advanced, positive: 1.0, abstain: review}",
        ),
        ("metric: calibration_in_the_large", "metric: equalized_odds"),
        ("version: 1", "version: 1.10"),
    )
    contract = parse_contract(text.encode(), "c.yaml")
    assert contract.data.label is not None
    assert contract.data.label.positive == ("1", "True", "yes")
    assert contract.data.decision is not None
    assert contract.data.decision.positive == ("1.0",)
    assert contract.data.decision.abstain == ("review",)
    assert contract.version == "1.10"


def test_pairs_are_kept_with_their_cells_as_texts() -> None:
    contract = parse_contract(preset("service-judge"), "c.yaml")
    pairs = dict(contract.section)["pairs"]
    assert '"expected":{"column":"expected_auto_serve","positive":["True"]}' in pairs
    assert '"score":{"column":"judge_score","threshold":0.7}' in pairs
    computed = next(r for r in contract.requirements if r.computed)
    assert (computed.met, computed.blocking) == (None, True)


def test_calibration_is_another_name() -> None:
    text = changed(("metric: calibration_in_the_large", "metric: calibration"))
    check = next(c for c in parse_contract(text.encode(), "c").checks if c.id == "calibration")
    assert (check.metric, check.compare) == ("calibration_in_the_large", "difference")


@pytest.mark.parametrize(
    ("period", "days"), [("1 day", 1), ("2 weeks", 14), ("12 months", 360), ("1 year", 365)]
)
def test_periods(period: str, days: int) -> None:
    contract = parse_contract(changed(("120 days", period)).encode(), "c")
    assert contract.data.max_age_days == days


def test_five_mistakes_are_five_problems_at_their_places() -> None:
    text = changed(
        ("  label: {column: qualified, positive: 1}", "  lable: {column: qualified, positive: 1}"),
        (
            "severity: critical, owner: data_scientist, why: A group",
            "severity: critcal, owner: data_scientist, why: A group",
        ),
        ("limit: {max: 0}, severity: critical, owner: data_scientist", "limit: {max: 0}, severity: critical"),
        (
            "limit: {max: 0.10}, severity: critical, primary: true",
            "limit: {max: ten}, severity: critical, primary: true",
        ),
        ("author: data_scientist", "author: data_scientst"),
    )
    lines = text.splitlines()

    def place(start: str, word: str) -> tuple[int, int]:
        row = next(i for i, line in enumerate(lines) if line.lstrip().startswith(start))
        return row + 1, lines[row].index(word) + 1

    with pytest.raises(ContractError) as caught:
        parse_contract(text.encode(), "contract.yaml")
    assert [(p.line, p.column, p.code) for p in caught.value.problems] == [
        (*place("lable", "lable"), "unknown-key"),
        (*place("- {id: coverage", "critcal"), "unknown-value"),
        (*place("- {id: split_leakage", "{id"), "check-without-owner"),
        (*place("- {id: tpr_gap", "ten}"), "wrong-type"),
        (*place("author", "data_scientst"), "undefined-role"),
    ]
    guesses = [p.message for p in caught.value.problems if "did you mean" in p.message]
    assert [g.split("did you mean ")[1] for g in guesses] == [
        "“label”?)",
        "“critical”?)",
        "“data_scientist”?)",
    ]
    assert caught.value.exit_code == 3
    assert caught.value.lines()[0].startswith("contract.yaml:24:3: unknown-key ")


PAIRS = preset("service-judge").decode()


def test_pairs_or_a_table_can_stand_without_data() -> None:
    start, end = PAIRS.index("data:\n"), PAIRS.index("# The same request")
    alone = PAIRS[:start] + PAIRS[end:]
    kept = [line for line in alone.splitlines() if "of: [wording" not in line]
    text = "\n".join(kept).replace("trigger: tpr_gap", "trigger: wording_flips")
    assert said(text) == []
    assert codes(text.replace("pairs:\n", "pears:\n", 1))[0] == "missing-key"


def test_what_is_missing_is_not_concluded_from_what_is_misspelt() -> None:
    assert codes(changed(("roles:", "rolls:"))) == ["missing-key", "unknown-key"]
    assert codes(changed(("  attributes:", "  atributes:"))) == ["unknown-key"]
    assert codes(changed(("limit: {max: 0.08}", "limit: {maximum: 0.08}"))) == ["unknown-key"]
    assert codes(changed(("name: gender", "nmae: gender"))) == ["missing-key", "unknown-key"]


def test_a_drift_check_names_declared_features() -> None:
    text = changed(
        ("features: auto", "features: [income, tenure]"), ("features: all", "features: [incme, score]")
    )
    assert codes(text) == ["undefined-feature"]
    assert "(did you mean “income”?)" in said(text)[0]


def test_a_file_is_read_from_its_path(tmp_path: Path) -> None:
    path = tmp_path / "contract.yaml"
    path.write_bytes(preset("blank"))
    assert read_contract(path).id == "my-model"
    with pytest.raises(ContractError) as caught:
        read_contract(tmp_path / "absent.yaml")
    assert [p.code for p in caught.value.problems] == ["unreadable"]
    with pytest.raises(ContractError):
        read_contract(tmp_path)

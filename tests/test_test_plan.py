"""The test plan: from the harm to the metric, kept in the contract, and nothing typed is lost."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from audit_core.contract.metrics import METRICS
from audit_core.contract.presets import preset, preset_names
from audit_core.contract.test_plan import (
    PLAN_METRICS,
    PROPOSALS,
    is_covered,
    is_primary_marked,
    missing_checks,
    plan_of,
    plan_subjects,
)
from audit_core.contract.test_plan_edit import (
    PlanAnswers,
    edited_plan,
    plan_changes,
    primary_limit,
    with_missing_checks,
)
from audit_core.contract.yaml import contract_problems, parse_contract
from audit_core.errors import ContractError
from audit_core.report.matrix import NOT_CHECKED, STAGE_WORDS, matrix_rows, not_checked, unchecked_subjects
from audit_core.report.test_plan import encode_plan, plan_rows, plan_sentence, plan_warnings

HIRING = preset("hiring")
TODAY = "2026-11-20"


def read(text=HIRING):
    return parse_contract(text, "contract.yaml")


def without_plan(text=HIRING):
    return text[: text.index(b"\n# Which metric decides")] + b"\n"


def answers(contract, **changes):
    plan = plan_of(contract)
    given = PlanAnswers(
        question=contract.decision.question,
        population=contract.decision.population,
        harm=contract.decision.harm,
        harmed_by=contract.decision.harmed_by,
        groups=plan_subjects(contract),
        primary=plan.primary,
        guardrails=plan.guardrails,
        reason=plan.reason,
        by=plan.by,
        limit=primary_limit(contract),
        fail_rule=contract.statistics.fail_rule,
    )
    return replace(given, **changes)


def written(text, **changes):
    contract = read(text)
    return edited_plan(text, plan_changes(contract, answers(contract, **changes), TODAY))


# What a harm proposes


@pytest.mark.parametrize(
    ("harm", "primary", "guards"),
    [("wrong_no", "tpr", ("fpr",)), ("wrong_yes", "fpr", ("tpr",)), ("both", "equalized_odds", ())],
)
def test_each_harm_proposes_its_metric_its_guardrail_and_a_reason(harm, primary, guards):
    proposal = PROPOSALS[harm]
    assert (proposal.primary, proposal.guardrails) == (primary, guards)
    assert len(proposal.reason) > 60


def test_a_plan_rests_on_metrics_that_compare_groups():
    assert set(PLAN_METRICS) < set(METRICS)
    assert not {"coverage", "overlap", "psi", "flip_rate", "label_coverage"} & set(PLAN_METRICS)
    assert {"tpr", "fpr", "equalized_odds", "calibration_in_the_large"} <= set(PLAN_METRICS)


# In the contract


@pytest.mark.parametrize("name", preset_names())
def test_the_plans_of_the_presets_lack_nothing_but_a_word_on_the_harm(name):
    contract = read(preset(name))
    assert missing_checks(contract) == ()
    assert is_primary_marked(contract)
    assert all("speaks for" in warning for warning in plan_warnings(contract))


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"primary: tpr", b"primary: tprr", "unknown-value"),
        (b"primary: tpr\n", b"primary: psi\n", "plan-metric"),
        (b"guardrails: [fpr]", b"guardrails: [coverage]", "plan-metric"),
        (b"guardrails: [fpr]", b"guardrails: [tpr]", "repeated-name"),
        (b"guardrails: [fpr]", b"guardrails: [fpr, fpr]", "repeated-name"),
        (b"guardrails: [fpr]", b"guardrails: [fpr]\n  groups: [sex]", "undefined-attribute"),
        (b"guardrails: [fpr]", b"guardrails: [fpr]\n  date: 2026-02-30", "not-a-date"),
        (b"guardrails: [fpr]", b"guardrails: [fpr]\n  date: soon", "wrong-form"),
        (b"guardrails: [fpr]", b"guardrails: [fpr]\n  why: x", "unknown-key"),
        (b"by: data_scientist\n\n", b"by: nobody\n\n", "undefined-role"),
        (b"kind: reviewed_set", b"kind: benchmark", "unknown-value"),
        (b"kind: reviewed_set", b"kind: other", "source-without-name"),
    ],
)
def test_mistakes_in_a_plan_are_problems_at_their_place(old, new, code):
    assert HIRING.count(old) == 1
    found = contract_problems(HIRING.replace(old, new))
    assert [problem.code for problem in found] == [code]
    assert found[0].line > 60


def test_a_plan_without_a_reason_is_a_problem():
    start = HIRING.index(b"  reason:")
    broken = HIRING[:start] + HIRING[HIRING.index(b"\n", start) + 1 :]
    assert [p.code for p in contract_problems(broken)] == ["missing-key"]


def test_a_contract_without_a_plan_still_has_one_that_follows_from_its_checks():
    contract = read(without_plan())
    assert contract.test_plan is None
    assert (plan_of(contract).primary, plan_of(contract).guardrails) == ("tpr", ("fpr",))
    assert encode_plan(contract)["stated"] is False
    assert "states no test plan" in plan_rows(contract)[7]["Answer"]


def test_an_alias_is_read_as_the_metric_it_stands_for():
    contract = read(HIRING.replace(b"guardrails: [fpr]", b"guardrails: [fpr, calibration]"))
    assert contract.test_plan.guardrails == ("fpr", "calibration_in_the_large")


@pytest.mark.parametrize("metric", ["equal_opportunity", "fnr"])
def test_a_gap_by_another_name_covers_the_metric(metric):
    text = HIRING.replace(
        b"id: tpr_gap, stage: training, metric: tpr,",
        f"id: tpr_gap, stage: training, metric: {metric},".encode(),
    )
    assert text != HIRING
    assert is_covered(read(text), "tpr", ("gender",))
    assert is_primary_marked(read(text))


def test_equalized_odds_is_covered_by_both_of_its_rates_and_by_neither_alone():
    contract = read()
    assert is_covered(contract, "equalized_odds", ("gender",))
    one = replace(contract, checks=tuple(c for c in contract.checks if c.metric != "fpr"))
    assert not is_covered(one, "equalized_odds", ("gender",))


def test_a_check_against_the_last_model_or_after_release_covers_nothing():
    contract = read()
    rest = tuple(c for c in contract.checks if c.stage not in ("training",))
    assert not is_covered(replace(contract, checks=rest), "tpr", ("gender",))


# What the form writes


def test_equal_answers_change_nothing():
    contract = read()
    assert plan_changes(contract, answers(contract), TODAY) == {}
    assert edited_plan(HIRING, {}) == HIRING


def test_a_plan_is_added_with_its_reason_and_every_comment_stays():
    before = without_plan()
    after = written(before, reason=PROPOSALS["wrong_no"].reason, by="counsel")
    plan = read(after).test_plan
    assert (plan.primary, plan.guardrails, plan.by, plan.date) == ("tpr", ("fpr",), "counsel", TODAY)
    assert plan.reason == PROPOSALS["wrong_no"].reason
    assert after.startswith(before.rstrip(b"\n"))
    assert after.count(b"#") == before.count(b"#")


def test_a_changed_reason_changes_reason_and_date_alone():
    after = written(HIRING, reason="Another reason: it has a colon, and “quotes”.")
    assert read(after).test_plan.reason.startswith("Another reason: it")
    assert read(after).test_plan.date == TODAY
    assert read(after).checks == read().checks


def test_another_harm_moves_the_primary_mark_to_the_guardrail_and_loses_no_check():
    proposal = PROPOSALS["wrong_yes"]
    after = written(
        HIRING, harmed_by="wrong_yes", primary=proposal.primary, guardrails=proposal.guardrails,
        reason=proposal.reason,
    )  # fmt: skip
    contract = read(after)
    assert [check.id for check in contract.checks] == [check.id for check in read().checks]
    assert [check.metric for check in contract.checks if check.primary] == ["fpr"]
    assert contract.decision.harmed_by == "wrong_yes"
    assert missing_checks(contract) == () and is_primary_marked(contract)


def test_two_primary_checks_stand_for_equalized_odds():
    lending = preset("lending")
    contract = read(lending)
    assert plan_changes(contract, answers(contract), TODAY) == {}


def test_both_harms_turn_a_lone_primary_check_into_equalized_odds():
    after = written(HIRING, harmed_by="both", primary="equalized_odds", guardrails=(), reason="Both.")
    assert [c.metric for c in read(after).checks if c.primary] == ["equalized_odds"]


def test_a_limit_goes_to_the_primary_check_alone():
    after = written(HIRING, limit=Fraction(1, 8))
    assert [c.limit.max for c in read(after).checks if c.primary] == [Fraction(1, 8)]
    assert sum(a != b for a, b in zip(HIRING.splitlines(), after.splitlines(), strict=True)) == 1


def test_a_section_the_text_lacks_is_added():
    start = HIRING.index(b"statistics:")
    bare = HIRING[:start] + HIRING[HIRING.index(b"\n", start) + 1 :]
    assert read(written(bare, fail_rule="confirmed")).statistics.fail_rule == "confirmed"


def test_a_missing_guardrail_is_said_and_can_be_added():
    start = HIRING.index(b"  - {id: fpr_guard")
    bare = HIRING[:start] + HIRING[HIRING.index(b"\n", start) + 1 :]
    contract = read(bare)
    (missing,) = missing_checks(contract)
    assert (missing.metric, missing.part) == ("fpr", "guardrail")
    assert "false positive rate as a guardrail" in plan_warnings(contract)[0]
    assert any("false positive rate, the guardrail" in text for text in not_checked(contract))
    filled = read(with_missing_checks(bare))
    assert missing_checks(filled) == ()
    added = filled.checks[-1]
    assert (added.id, added.metric, added.severity) == ("fpr_guardrail", "fpr", "critical")
    assert added.owner and added.why


def test_a_check_is_added_under_an_id_of_its_own():
    text = HIRING.replace(b"guardrails: [fpr]", b"guardrails: [fpr, ppv]").replace(
        b"id: tpr_gap,", b"id: ppv_guardrail,"
    )
    text = text.replace(b"trigger: tpr_gap,", b"trigger: ppv_guardrail,")
    assert "ppv_guardrail_2" in [check.id for check in read(with_missing_checks(text)).checks]


def test_a_text_with_problems_is_not_edited():
    with pytest.raises(ContractError):
        with_missing_checks(HIRING.replace(b"author:", b"autor:"))


def test_a_plan_against_its_harm_and_without_its_guardrail_is_told():
    text = HIRING.replace(b"harmed_by: wrong_no", b"harmed_by: wrong_yes").replace(
        b"guardrails: [fpr]", b"guardrails: []"
    )
    said = " ".join(plan_warnings(read(text)))
    assert "speaks for false positive rate" in said
    assert plan_sentence(read(text)) == "Primary metric: true positive rate, without a guardrail."
    bare = read(HIRING.replace(b"guardrails: [fpr]", b"guardrails: []"))
    assert any("no guardrail of false positive rate" in warning for warning in plan_warnings(bare))


# The check matrix


def test_the_matrix_holds_every_check_of_every_subject_once():
    contract = read()
    rows = matrix_rows(contract)
    cells = [part for row in rows for stage in STAGE_WORDS.values() for part in row[stage].split("; ")]
    for check in contract.checks:
        wanted = max(1, len(check.of))
        assert sum(cell.startswith(f"{check.id} (") for cell in cells) == wanted, check.id
    assert list(rows[0]) == ["Measure", "By", *STAGE_WORDS.values()]


def test_what_no_check_names_is_a_row_and_a_sentence():
    text = HIRING.replace(b"slices: []", b"slices: [source]") if b"slices: []" in HIRING else HIRING
    contract = read(text)
    contract = replace(contract, data=replace(contract.data, slices=("office",)))
    assert ("office",) in unchecked_subjects(contract)
    last = matrix_rows(contract)[-1]
    assert last["By"] == "office" and set(list(last.values())[2:]) == {NOT_CHECKED}
    said = "groups by office; the contract names no check of them."
    assert any(said in text for text in not_checked(contract))
    two = replace(contract, data=replace(contract.data, slices=("office", "desk")))
    assert any(said.replace("office", "office and desk") in text for text in not_checked(two))


def test_what_is_missing_altogether_is_said():
    contract = read()
    kept = ("tpr_gap", "fpr_guard")
    only = replace(contract, checks=tuple(check for check in contract.checks if check.id in kept))
    said = " ".join(not_checked(only))
    for words in ("no coverage check", "no drift check", "no canary or monitor check"):
        assert words in said
    assert "no monitor check" in " ".join(
        not_checked(replace(contract, checks=tuple(c for c in contract.checks if c.stage != "monitor")))
    )

"""Statistical warnings about contracts: what chance does to a check, and what it would need instead."""

import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from report_factory import audit_of
from test_judge import RATIO, TPR, contract, counts, tpr_counts

from audit_core.cli import main
from audit_core.contract.presets import write_preset
from audit_core.contract.yaml import read_contract
from audit_core.cube.axes import NO, YES
from audit_core.findings.lint import lint
from audit_core.metrics.equal_groups import rates_by_chance
from audit_core.metrics.measure import measure
from audit_core.metrics.planner import people_to_pass
from audit_core.metrics.planner_other import ratio_to_pass
from audit_core.report.lint_words import caution_sentence, lint_lines
from pages.ui import cached

SAMPLES = Path(__file__).resolve().parent.parent / "sample_data"
TENTH = Fraction(1, 10)


def only(check, **options):
    (caution,) = lint(contract(check, **options))
    return caution


def codes(check, data=None, **options):
    chosen = contract(check, **options)
    return [caution.code for caution in lint(chosen, data, measure(chosen, data) if data else None)]


def test_a_small_minimum_is_left_to_chance_and_the_remedy_is_a_number():
    caution = only(TPR, attribute=", required: [A, B]")
    half, most = caution.odds
    assert (caution.check, caution.code, caution.unit, caution.minimum) == (
        "c",
        "left_to_chance",
        "positives",
        50,
    )
    assert (caution.groups, caution.counted, caution.measured) == (2, True, False)
    assert [odds.needed for odds in caution.odds] == [people_to_pass(p, 2, 0.1) for p in (0.5, 0.85)]
    assert half.outside == rates_by_chance("difference", 50, 2, 0.5, TENTH).outside
    assert round(100 * most.within, 1) == 0.6
    sentence = caution_sentence(caution)
    assert "it needs about 429 positives (219 at a rate of 85 %) in each of 2 groups" in sentence
    assert "the contract's minimum is 50" in sentence
    assert "within the limit in under 0.1 % of samples and measured outside it in 27.1 %" in sentence


def test_a_minimum_that_suffices_is_not_warned_of():
    assert codes(TPR, support=450, attribute=", required: [A, B]") == []
    assert codes(RATIO, support=360, attribute=", required: [A, B]") == []


def test_more_groups_need_more_and_unlisted_ones_are_taken_to_be_two():
    four, unlisted = only(TPR, attribute=", required: [A, B, C, D]"), only(TPR)
    assert (four.groups, unlisted.groups, unlisted.counted) == (4, 2, False)
    assert four.odds[0].needed > unlisted.odds[0].needed
    assert "2 groups (the fewest there can be)" in caution_sentence(unlisted)
    bands = TPR.replace("of: [g]", "of: [[g, other]]")
    assert only(bands, attribute=", required: [A, B, C]").groups == 6


def test_bands_of_a_number_are_counted_as_groups():
    attribute = ", from: {column: age, edges: [0, 30, 50, 90], labels: [young, middle, old]}"
    assert only(TPR, attribute=attribute).groups == 3


def test_with_data_groups_and_rate_are_measured():
    data = tpr_counts({"A": (90, 100), "B": (45, 50), "C": (18, 20)})
    chosen = contract(TPR, support=20)
    (caution,) = lint(chosen, data, measure(chosen, data))
    assert (caution.groups, caution.measured) == (3, True)
    (odds,) = caution.odds
    assert odds.rate == pytest.approx(0.9)
    assert odds.needed == people_to_pass(0.9, 3, 0.1)
    assert "(at the 90.0 % measured)" in caution_sentence(caution)


def test_a_ratio_has_its_own_odds():
    caution = only(RATIO, attribute=", required: [A, B]")
    assert [odds.needed for odds in caution.odds] == [ratio_to_pass(p, 2, 0.8) for p in (0.5, 0.85)]
    assert caution.odds[1].within > 0.5 > caution.odds[0].within


@pytest.mark.parametrize(
    ("check", "code"),
    [
        ("metric: tpr, compare: difference, of: [g], limit: {max: 0}", "never_within"),
        ("metric: selection_rate, compare: ratio, of: [g], limit: {min: 1}", "never_within"),
        ("metric: calibration_in_the_large, compare: difference, of: [g], limit: {max: 0}", "never_within"),
        ("metric: base_rate, of: [g], limit: {max: 0}", "never_within"),
        ("metric: tpr, compare: difference, of: [g], limit: {max: 1}", "never_outside"),
        ("metric: base_rate, of: [g], limit: {min: 0, max: 1}", "never_outside"),
        ("metric: base_rate, of: [g], limit: {min: 0.45, max: 0.55}", "too_narrow"),
    ],
)
def test_limits_that_settle_a_check_by_themselves(check, code):
    caution = only(check)
    assert caution.code == code
    assert caution_sentence(caution).endswith(".")


def test_a_value_with_room_is_not_warned_of_and_one_near_its_limit_is():
    balance = "metric: base_rate, of: [g], limit: {min: 0.02, max: 0.98}"
    assert codes(balance) == []
    near = counts({name: {(YES, YES): 40, (NO, YES): 960} for name in "AB"})
    assert codes(balance, near, support=100) == ["left_to_chance"]
    chosen = contract(balance, support=100)
    (caution,) = lint(chosen, near)
    assert caution.odds[0].needed > 100
    assert "a group is shown to be within the limits in" in caution_sentence(caution)


def test_means_are_judged_by_a_usual_spread_or_the_one_measured():
    check = "metric: calibration_in_the_large, compare: difference, of: [g], limit: {max: 0.05}"
    assert "at a usual spread of scores" in caution_sentence(only(check))
    group = {(YES, YES, 0.7): 70, (NO, YES, 0.7): 30}
    data = counts({"A": group, "B": group})
    chosen = contract(check)
    (caution,) = lint(chosen, data, measure(chosen, data))
    assert caution.measured
    assert "at the spread measured" in caution_sentence(caution)
    auc = only("metric: auc, compare: difference, of: [g], limit: {max: 0.05}")
    assert auc.odds[0].needed > 400


def test_a_minimum_out_of_a_groups_reach_is_named():
    data = tpr_counts({"A": (400, 500), "B": (30, 40)})
    chosen = contract(TPR, support=450)
    cautions = lint(chosen, data, measure(chosen, data))
    assert [(c.code, c.names) for c in cautions] == [("out_of_reach", ("B",))]
    assert "B holds fewer rows in this file than the minimum of 450 positives" in caution_sentence(
        cautions[0]
    )


def test_both_parts_of_equalized_odds_are_looked_at():
    found = lint(contract("metric: equalized_odds, compare: difference, of: [g], limit: {max: 0.10}"))
    assert [caution.metric for caution in found] == ["tpr", "fpr"]


def test_a_level_of_certainty_changes_the_odds():
    strict, plain = only(TPR, level="0.99"), only(TPR)
    assert strict.odds[0].needed > plain.odds[0].needed


def test_attributes_with_the_same_figures_share_one_line():
    check = TPR.replace("[g]", "[g, other]")
    assert only(check).subjects == (("g",), ("other",))
    assert "True positive rate by g and other" in caution_sentence(only(check))


def test_against_the_baseline_and_without_a_limit_nothing_is_said():
    assert codes("metric: tpr, against: baseline, of: [g], limit: {max_increase: 0.02}") == []
    assert codes("metric: coverage, of: [g]") == []


@pytest.mark.parametrize("preset", ["hiring", "lending", "service-judge", "blank"])
def test_every_preset_can_be_looked_at(preset, tmp_path):
    write_preset(tmp_path, preset)
    chosen = read_contract(tmp_path / "contract.yaml")
    lines = lint_lines(lint(chosen), "contract.yaml")
    assert all(line.startswith("contract.yaml:") and ": warning " in line for line in lines)


def test_an_audit_of_many_checks_has_a_warning_at_each_line():
    audit = audit_of()
    cautions = lint(audit.contract, audit.counted, audit.measurements)
    lines = {check.id: check.line for check in audit.contract.checks}
    assert cautions
    assert all(caution.line == lines[caution.check] for caution in cautions)
    assert {c.groups for c in cautions if c.check == "tpr_gap_ethnicity" and c.odds} == {5}


def test_check_prints_the_warnings_after_the_problems_and_exits_with_nought(capsys):
    path = SAMPLES / "hiring" / "contract.yaml"
    assert main(["check", str(path)]) == 0
    first, *rest = capsys.readouterr().out.splitlines()
    assert "no problems" in first and re.search(r" · (1 check|\d+ checks) · ", first)
    warnings = [text for text in rest if text.startswith(f"{path}:")]
    line = next(c.line for c in read_contract(path).checks if c.id == "tpr_gap_gender")
    assert any(text.startswith(f"{path}:{line}: warning tpr_gap_gender: ") for text in warnings)
    assert all(": warning " in text for text in warnings)


def test_warnings_on_the_screen_are_worked_out_once_for_a_contract_and_an_audit(monkeypatch):
    asked = []
    monkeypatch.setattr(cached, "lint", lambda chosen, *data: asked.append((chosen.sha256, *data)) or ())
    audit = audit_of()
    other = replace(audit.contract, sha256="0" * 64)
    cached._cautions.clear()
    for chosen, given in ((audit.contract, audit), (audit.contract, None), (other, audit)) * 2:
        cached.cautions_of(chosen, given)
    cached._cautions.clear()
    assert [data[0] for data in asked] == [audit.contract.sha256] * 2 + [other.sha256]
    assert [data[1] is None for data in asked] == [False, True, False]

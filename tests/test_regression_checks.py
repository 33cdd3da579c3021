"""Checks against the baseline: outcomes, words, what of them leaves the workspace, the screen."""

import re
from dataclasses import replace
from fractions import Fraction

import jsonschema
import pytest
from regression_factory import counted_against
from report_factory import CONTRACT, audit_of, contract_of, with_finding

from audit_core.cube.baseline import Baseline
from audit_core.decision.redecided import limited, redecide
from audit_core.decision.robustness import robustness
from audit_core.report.charts.regression import (
    before_after_alt,
    before_after_figure,
    change_alt,
    change_figure,
)
from audit_core.report.html import report_html
from audit_core.report.html_regression import baseline_words, change_tables
from audit_core.report.published import published
from audit_core.report.published_result import published_result
from audit_core.report.regression import approval_words, baseline_sentence, rows_of
from audit_core.report.regression_tables import change_marks, change_rows, comparisons
from audit_core.report.result import result, result_schema
from audit_core.report.robustness import hinge_sentence
from audit_core.report.summary import summary
from audit_core.report.withheld import WithheldFinding
from audit_core.report.wording import explain, headline, limit_words, people_sentence, sentence, status_word

CHECKS = """\
  - {id: harm, stage: predeploy, metric: fnr, against: baseline, of: [gender], limit: {max_relative_increase: 0.10, floor: 0.01}, severity: major, owner: ml_owner, why: w}
  - {id: each, stage: predeploy, metric: tpr, compare: value, against: baseline, of: [gender], limit: {max_increase: 0.02, warn: 0.005}, severity: major, owner: ml_owner, why: w}
  - {id: odds, stage: predeploy, metric: equalized_odds, against: baseline, of: [gender], limit: {max_increase: 0.02}, severity: minor, owner: ml_owner, why: w}
  - {id: live, stage: canary, metric: tpr, against: baseline, of: [gender], limit: {max_increase: 0.02}, severity: critical, owner: ml_owner, why: w, on_fail: {action: rollback, notify: platform_oncall}}
  - {id: live_each, stage: canary, metric: tpr, compare: value, against: baseline, of: [gender], limit: {max_increase: 0.02}, severity: critical, owner: ml_owner, why: w}
  - {id: area, stage: predeploy, metric: auc, against: baseline, of: [gender], limit: {max_increase: 0.02}, severity: minor, owner: ml_owner, why: w}
  - {id: shares, stage: predeploy, metric: tpr, compare: ratio, against: baseline, of: [gender], limit: {max_increase: 0.02}, severity: minor, owner: ml_owner, why: w}
roles:
"""  # noqa: E501
CONTRACT_TEXT = CONTRACT.replace("roles:\n", CHECKS, 1).replace(
    "requirements:\n", "baseline: {policy: last_approved}\nrequirements:\n", 1
)
CONTRACT_OF_ALL = contract_of(CONTRACT_TEXT)
STAGES = ("data", "training", "predeploy", "canary")
NEGATIVES = {"man": (120, 20, 20, 240), "woman": (110, 15, 12, 263)}
WORSE = {"man": (600, 20, 15, 180), "woman": (400, 20, 130, 250)}
SAME = {"man": (3000, 20, 20, 980), "woman": (2600, 20, 20, 1000)}
A_LITTLE = {"man": (600, 40, 20, 140), "woman": (550, 25, 40, 185)}
THIN = {"man": (600, 20, 20, 160), "woman": (20, 2, 2, 10)}
FORBIDDEN = re.compile(r"\b(fair|unbiased|compliant|complies|proves|proven|passed)\b", re.I)


def audited(cells, contract=CONTRACT_OF_ALL, **more):
    return audit_of(contract, counted_against(cells, negatives=NEGATIVES, **more), STAGES)


@pytest.fixture(scope="module")
def worse():
    return audited(WORSE)


def outcome(audit, check):
    found = audit.finding(check, ("gender",))
    return found.status, found.evidence, found.reason


def test_a_gap_that_has_grown_is_shown_and_fails(worse):
    assert outcome(worse, "no_regression") == ("FAIL", "CONFIRMED", "beyond")
    found = worse.finding("no_regression", ("gender",))
    assert found.value == (Fraction(620, 815) - Fraction(420, 800)) - (
        Fraction(615, 815) - Fraction(530, 800)
    )
    assert found.limit == Fraction(2, 100) and found.change == "gap"
    assert found.lower > 0.02


def test_each_group_and_its_risk_are_judged(worse):
    assert outcome(worse, "harm") == ("FAIL", "CONFIRMED", "beyond")
    assert worse.finding("harm", ("gender",)).value == Fraction(380, 270) - 1
    assert outcome(worse, "each") == ("FAIL", "CONFIRMED", "beyond")
    assert worse.finding("each", ("gender",)).value == Fraction(110, 800)  # TPR fell: FNR is what grew
    assert outcome(worse, "odds") == ("FAIL", "CONFIRMED", "beyond")
    assert worse.finding("odds", ("gender",)).rate == "tpr"


def test_the_same_model_is_within_every_limit_once_there_are_enough_people():
    audit = audited(SAME)
    assert outcome(audit, "no_regression") == ("PASS", "CONFIRMED", "within")
    assert outcome(audit, "each") == ("PASS", "CONFIRMED", "within")
    assert outcome(audit, "harm") == ("PASS", "CONFIRMED", "within")


def test_a_measured_increase_fails_before_release_and_never_alone_after_it():
    audit = audited(A_LITTLE)
    assert outcome(audit, "no_regression") == ("FAIL", "UNCONFIRMED", "point_beyond")
    assert outcome(audit, "live") == ("INCONCLUSIVE", "UNCONFIRMED", "point_beyond")
    assert outcome(audited(WORSE), "live") == ("FAIL", "CONFIRMED", "beyond")
    few = audited({"man": (60, 0, 0, 20), "woman": (55, 2, 4, 19)})
    assert outcome(few, "each")[:2] == ("FAIL", "UNCONFIRMED")
    assert outcome(few, "live_each")[:2] == ("INCONCLUSIVE", "UNCONFIRMED")


def test_a_live_gap_or_value_beyond_its_limit_is_not_yet_a_failure():
    text = CONTRACT.replace("{warn: 0.08, max: 0.10}", "{warn: 0.01, max: 0.05}").replace(
        "roles:\n",
        "  - {id: live_value, stage: monitor, metric: tpr, compare: value, of: [gender], limit: {min: 0.70}, "
        "severity: critical, owner: ml_owner, why: w}\nroles:\n",
        1,
    )
    cells = {"man": (75, 0, 0, 25), "woman": (66, 0, 0, 34)}
    audit = audit_of(contract_of(text), counted_against(cells), ("monitor",))
    for check in ("live_tpr_gap", "live_value"):
        assert outcome(audit, check) == ("INCONCLUSIVE", "UNCONFIRMED", "point_beyond")
    before = audit_of(contract_of(text.replace("stage: monitor", "stage: training")), counted_against(cells))
    assert outcome(before, "live_tpr_gap")[:2] == ("FAIL", "UNCONFIRMED")


def test_too_few_people_never_pass_and_say_how_many_are_lacking():
    audit = audited(THIN)
    assert outcome(audit, "no_regression") == ("INCONCLUSIVE", "UNSUPPORTED", "too_few")
    assert outcome(audit, "harm") == ("INCONCLUSIVE", "UNSUPPORTED", "too_few")
    for check in ("no_regression", "harm"):
        found = audit.finding(check, ("gender",))
        assert found.names == ("woman",)
        needs = next(need for need in found.needs.groups if need.group == ("woman",))
        assert needs.more >= 50 - 34


def test_what_is_needed_decides_when_it_is_there():
    now = {"man": (300, 8, 8, 84), "woman": (200, 8, 8, 84)}
    audit = audited(now)
    found = audit.finding("no_regression", ("gender",))
    assert found.reason == "either_way" and found.needs.of == "change" and found.needs.assumed == 0
    factor = max(need.needed / need.have for need in found.needs.groups)
    grown = {name: tuple(round(rows * factor) for rows in cells) for name, cells in now.items()}
    assert outcome(audited(grown), "no_regression")[0] == "PASS"
    open_failure = audited(A_LITTLE).finding("no_regression", ("gender",))
    assert open_failure.needs.aim == "confirm" and open_failure.needs.more > 0


def test_a_group_that_is_missing_in_the_baseline_is_named():
    audit = audited({"man": (600, 20, 20, 160), "woman": (0, 0, 0, 0)})
    assert outcome(audit, "no_regression") == ("INCONCLUSIVE", "UNSUPPORTED", "one_group")
    assert "fewer than two groups" in sentence(audit.finding("no_regression", ("gender",)), audit)


def test_a_rise_by_the_measured_value_alone_is_told_so():
    audit = audited({"man": (600, 10, 10, 180), "woman": (500, 16, 18, 66)})
    assert outcome(audit, "harm") == ("PASS", "UNCONFIRMED", "point_within")
    said = sentence(audit.finding("harm", ("gender",)), audit)
    assert "which is all this rule asks" in said and "If neither model were worse" in said
    assert "the measured value decides" in explain(audit, "harm")
    under_the_floor = audited({"man": (9900, 0, 0, 100), "woman": (9780, 0, 30, 190)})
    assert outcome(under_the_floor, "harm")[0] == "PASS"
    assert "from which one counts" in sentence(under_the_floor.finding("harm", ("gender",)), under_the_floor)


def test_any_harm_where_nobody_was_harmed_before():
    audit = audited({"man": (600, 10, 10, 180), "woman": (590, 0, 10, 0)})
    found = audit.finding("harm", ("gender",))
    assert (found.status, found.evidence, found.value) == ("FAIL", "UNCONFIRMED", None)
    assert "harmed nobody" in sentence(found, audit)


def test_without_a_baseline_the_check_is_a_state_of_its_own():
    bare = replace(counted_against(SAME, negatives=NEGATIVES), baseline=None)
    audit = audit_of(CONTRACT_OF_ALL, bare, STAGES)
    for check in ("no_regression", "harm", "each", "odds", "live"):
        assert outcome(audit, check) == ("NOT_RUN", "UNSUPPORTED", "no_baseline")
    assert "never within the limit by default" in baseline_words(audit)
    assert result(audit)["regression"] == []
    assert result(audit)["absent"]["regression"] == "no baseline was compared"


def test_what_has_no_rule_says_so():
    audit = audited(SAME)
    assert outcome(audit, "area") == ("NOT_RUN", "UNSUPPORTED", "baseline_without_scores")
    assert outcome(audit, "shares") == ("NOT_RUN", "UNSUPPORTED", "no_rule")
    other = counted_against(SAME, axis="region")
    stranger = replace(counted_against(SAME), baseline=other.baseline)
    assert outcome(audit_of(CONTRACT_OF_ALL, stranger), "harm") == (
        "NOT_RUN", "UNSUPPORTED", "not_in_baseline",
    )  # fmt: skip


@pytest.mark.parametrize("approval", ["not_shown", "not_approved"])
def test_a_baseline_that_nobody_approved_can_fail_a_release_and_never_pass_it(approval):
    same, worse = audited(SAME, approval=approval), audited(WORSE, approval=approval)
    for check in ("no_regression", "harm", "each"):
        assert outcome(same, check) == ("INCONCLUSIVE", "UNSUPPORTED", "baseline_not_approved")
        assert outcome(worse, check)[:2] == ("FAIL", "CONFIRMED")
    said = explain(same, "no_regression")
    assert "nothing shows that this baseline was approved" in said and "Too little data" not in said
    given = contract_of(CONTRACT_TEXT.replace("policy: last_approved", "policy: given"))
    assert outcome(audited(SAME, given, approval=approval), "no_regression")[0] == "PASS"
    silent = contract_of(CONTRACT_TEXT.replace("baseline: {policy: last_approved}\n", ""))
    assert outcome(audited(SAME, silent, approval=approval), "no_regression")[0] == "INCONCLUSIVE"


def test_both_models_are_told_of_as_many_people():
    """Before, the two groups are told apart only in a thousand."""
    audit = audited({"man": (600, 30, 14, 356), "woman": (500, 20, 111, 369)})
    assert people_sentence(audit.finding("no_regression", ("gender",)), audit) == (
        "Of every 1,000 qualified applicants in each group, the model advanced about 630 men and 520 women. "
        "Under the baseline it was about 614 men and 611 women."
    )


def test_other_rows_are_labelled_in_every_sentence():
    audit = audited(WORSE, paired=False)
    for check in ("no_regression", "harm", "each", "odds", "live"):
        said = sentence(audit.finding(check, ("gender",)), audit)
        assert "on other rows" in said and "this also reflects a change of data" in said
    row = result(audit)["regression"][0]
    assert (row["same_rows"], row["also_reflects_a_change_of_data"]) == (False, True)


def test_the_sentence_carries_both_models_with_counts_bounds_and_limit(worse):
    assert sentence(worse.finding("no_regression", ("gender",)), worse).startswith(
        "True positive rate gap by gender against the baseline “baseline.joblib” on the same rows: woman "
        "66.2 % (n=800), man 75.5 % (n=815), a gap of 9.2 pts before; woman 52.5 % (n=800), man 76.1 % "
        "(n=815), a gap of 23.6 pts now; a change of +14.4 pts (at least "
    )
    assert people_sentence(worse.finding("no_regression", ("gender",)), worse) == (
        "Of every 100 qualified applicants in each group, the model advanced about 76 men and 52 women. "
        "Under the baseline it was about 75 men and 66 women."
    )
    assert people_sentence(worse.finding("harm", ("gender",)), worse) == (
        "Of every 100 qualified applicants in “woman”, the model did not advance about 48. "
        "Under the baseline it was about 34."
    )
    harm = sentence(worse.finding("harm", ("gender",)), worse)
    assert "woman, 33.8 % before (n=800) and 47.5 % now (n=800), a change of +40.7 % of the rate" in harm
    assert "limit 10.0 %, from 1.0 pts upwards" in harm
    each = sentence(worse.finding("each", ("gender",)), worse)
    assert "It is past the contract's warning at 0.5 pts." in each
    assert limit_words(next(c for c in worse.contract.checks if c.id == "harm")).startswith("at most 10.0 %")
    assert baseline_sentence(worse.counted.baseline) == (
        "Compared with “baseline.joblib” (SHA-256 abababababab…): approved, audited on 2026-08-01, under "
        "version 3 of the contract, audit A-20260801-00000001."
    )
    told = replace(worse.counted.baseline, by_file=True)
    assert ": approved, as its result file says, audited on 2026-08-01, under" in baseline_sentence(told)
    assert approval_words(replace(told, approval="not_approved")) == "not approved, as its result file says"


@pytest.mark.parametrize(
    "cells", [WORSE, SAME, A_LITTLE, THIN, {"man": (60, 0, 0, 0), "woman": (0, 9, 0, 0)}]
)
def test_every_text_is_whole_and_claims_nothing(cells):
    for audit in (audited(cells), published(audited(cells, paired=False))):
        texts = [headline(audit).sentence, *(row.sentence for row in summary(audit).found)]
        texts += [note for table in change_tables(audit) for note in (table.title, table.said)]
        texts += [explain(audit, check.id) for check in audit.contract.checks if check.against]
        for finding in audit.findings:
            texts += [sentence(finding, audit), status_word(finding)]
        for text in texts:
            assert not FORBIDDEN.search(text) and "None" not in text and "  " not in text, text


def test_the_result_file_holds_the_rows_and_is_valid(worse):
    made = result(worse)
    jsonschema.validate(made, result_schema())
    rows = {(row["metric"], row["rate"], row["change"]): row for row in made["regression"]}
    assert set(rows) == {
        ("tpr", "tpr", "gap"), ("fnr", "fnr", "risk"), ("tpr", "fnr", "rate"),
        ("equalized_odds", "tpr", "gap"), ("equalized_odds", "fpr", "gap"),
    }  # fmt: skip
    gap, risk = rows["tpr", "tpr", "gap"], rows["fnr", "fnr", "risk"]
    assert gap["gap"]["value"] == pytest.approx(0.143634969325)
    assert gap["gap"]["new"] == {"high_group": ["man"], "low_group": ["woman"], "value": 0.235736196319}
    woman = next(group for group in risk["groups"] if group["group"] == ["woman"])
    assert woman["discordant"] == {"new_only": 130, "old_only": 20}
    assert woman["ratio"]["value"] == pytest.approx(380 / 270)
    assert 0 < woman["chance_of_trigger"] <= risk["chance_of_any_trigger"] < 1
    assert gap["baseline"]["approval"] == "approved"
    finding = next(f for f in made["findings"] if f["check"] == "harm")
    assert (finding["change"], finding["rate"], finding["group"]) == ("risk", "fnr", ["woman"])
    for cells in (SAME, THIN, {"man": (600, 10, 10, 180), "woman": (590, 0, 10, 0)}):
        jsonschema.validate(result(audited(cells)), result_schema())


def test_what_is_published_tells_of_no_small_count(worse):
    shown = published(worse)
    assert (
        shown.finding("no_regression", ("gender",)).lower == worse.finding("no_regression", ("gender",)).lower
    )
    few = audited(WORSE | {"man": (600, 4, 15, 196)})  # four men are selected by the candidate alone
    made = published(few)
    row = made.measurements.changes(("gender",), "tpr", "gap")[0]
    assert row.widened and all(found.pairs is None and found.shared == 0 for found in row.groups)
    inside, outside = (one.finding("no_regression", ("gender",)) for one in (few, made))
    assert outside.lower < inside.lower < inside.upper < outside.upper
    said = sentence(outside, made)
    assert "the wider one of different rows" in said and "decided on the closer one" in said
    entry = next(e for e in published_result(few)["regression"] if e["metric"] == "tpr")
    assert entry["status"] == "shown" and entry["ranges_of_different_rows"]
    assert "discordant" not in str(entry) and "chance" not in str(entry)


def test_a_group_that_is_small_under_either_model_is_withheld():
    for cells in (WORSE | {"woman": (4, 0, 0, 2)}, WORSE | {"woman": (500, 30, 4, 3)}):
        audit = audited(cells)
        assert isinstance(published(audit).finding("no_regression", ("gender",)), WithheldFinding)
        entry = next(e for e in published_result(audit)["regression"] if e["metric"] == "tpr")
        assert (entry["status"], entry["groups"], entry["gap"]) == ("suppressed", [], None)


def test_another_limit_is_tried_and_another_level_measured_again(worse):
    check = next(check for check in worse.contract.checks if check.id == "no_regression")
    assert limited(check, Fraction(3, 10)).limit.max_increase == Fraction(3, 10)
    tried = redecide(worse).with_limit(check, Fraction(3, 10))
    found = next(f for f in tried.findings if f.check == "no_regression")
    assert (found.status, found.limit) == ("PASS", Fraction(3, 10))
    statistics = replace(worse.contract.statistics, level=Fraction(99, 100))
    stricter = redecide(worse, replace(worse.contract, statistics=statistics))
    assert next(f for f in stricter.findings if f.check == "no_regression").lower < found.lower
    everything = robustness(worse)
    assert {a.check for a in everything.looked_at if a.kind == "limit"} >= {"no_regression", "harm"}
    assert hinge_sentence(worse, everything)


def test_charts_and_tables_tell_the_same(worse):
    titles = dict(comparisons(worse))
    assert next(iter(titles)) == "Increase of the true positive rate gap by gender (no_regression)"
    for finding in titles.values():
        for row in worse.measurements.changes(finding.subject, finding.metric, finding.change or "gap"):
            marks = change_marks(finding, row, worse)
            figure, table = change_figure(row, marks, 0.02), change_rows(finding, row, worse)
            assert len(figure["data"]) == len(marks)
            assert [line["Group"] for line in table[: len(marks)]] == [mark.name for mark in marks]
            assert all(mark.name in change_alt(row, marks) for mark in marks)
            assert bool(before_after_figure(row, "outside")["data"]) == (row.gap is not None)
            assert before_after_alt(row)
    table = change_rows(titles["Increase of the true positive rate gap by gender (no_regression)"],
                        worse.measurements.changes(("gender",), "tpr", "gap")[0], worse)  # fmt: skip
    assert table[-1]["Before"] == "9.2 pts (woman, n=800, to man, n=815)"
    assert table[1]["Only before"] == "130"


def test_a_canarys_latest_days_are_told_from_their_own_counts_and_stay_inside(worse):
    """Their finding carries the row it was judged on; no published table holds these counts."""
    days = audited(A_LITTLE).finding("no_regression", ("gender",))
    told = with_finding(worse, "no_regression", row=days.row, value=days.value)
    found = told.finding("no_regression", ("gender",))
    assert "man 80.0 % (n=800)" in sentence(found, told)
    assert rows_of(found, told) == (days.row,)
    assert isinstance(published(told).finding("no_regression", ("gender",)), WithheldFinding)


def test_names_of_groups_are_text_wherever_they_stand():
    hostile = "<img src=x onerror=alert(1)>"
    audit = audited({"man": (600, 20, 15, 180), hostile: (400, 20, 130, 250)})
    finding = audit.finding("harm", ("gender",))
    row = audit.measurements.changes(("gender",), "fnr", "risk")[0]
    figure = change_figure(row, change_marks(finding, row, audit), None)
    assert "<img" not in str(figure) and "&lt;img" in str(figure)
    html = report_html(audit).decode()
    assert "<img src=x" not in html


def test_the_page_shows_what_the_example_found(app):
    shown = app.switch_page("pages/regression.py").run()
    said = " ".join(str(part.value) for part in (*shown.markdown, *shown.caption))
    assert "Under the baseline it was about 62 men and 61 women" in said
    assert "Both models decided on the same rows" in said
    shown = shown.selectbox(key="regression_check").select_index(1).run()
    assert "False negative rate" in [header.value for header in shown.header]
    assert not shown.exception


def test_the_page_says_what_it_means_that_there_is_no_baseline(app, hiring_audit, monkeypatch):
    from pages.ui import cached

    bare = audit_of(CONTRACT_OF_ALL, replace(counted_against(SAME, negatives=NEGATIVES), baseline=None))
    monkeypatch.setattr(cached, "audit_of", lambda _id: bare)
    shown = app.switch_page("pages/regression.py").run()
    said = " ".join(str(part.value) for part in (*shown.info, *shown.markdown))
    assert "No baseline was given" in said and "--baseline last" in said
    assert not shown.exception and isinstance(hiring_audit.counted.baseline, Baseline)

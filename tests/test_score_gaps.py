"""Brier gaps, exposure, slope and ranking: judged, written to the result and shown with their ranges."""

import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from report_factory import CONTRACT, audit_of, contract_of, counted
from streamlit.testing.v1 import AppTest
from test_judge import BANDS, NO, YES, counts, found, outcome

from audit_core.cube.bands import Bands
from audit_core.cube.counted import GroupRanks
from audit_core.cube.ranks import NANO, ExposureSums, rank_sums
from audit_core.metrics.exposure import group_exposure
from audit_core.metrics.measure import measure
from audit_core.metrics.measurements import CalibrationRow
from audit_core.metrics.recalibration import Recalibration
from audit_core.metrics.seeds import seed_of
from audit_core.report import score_tables
from audit_core.report.result import result, result_schema

BRIER = "metric: brier, of: [g], limit: {max: 0.05}"
RATIO = "metric: exposure, of: [g], limit: {min: 0.8}"
APART = "metric: exposure, compare: difference, of: [g], limit: {max: 0.05}"
NOTHING = rank_sums(np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64))


def scored(good, bad):
    """Two groups of labelled scores; the share of confident mistakes is each group's own."""
    return {
        name: {(YES, YES, 0.9): right, (NO, YES, 0.9): wrong, (NO, NO, 0.1): right, (YES, NO, 0.1): wrong}
        for name, (right, wrong) in (("A", good), ("B", bad))
    }


def exposed(group, mean, rows, spread=0.05):
    """Sums of a group whose rows have exposures `mean` ± `spread`."""
    return GroupRanks(
        attribute="g", group=group, sums=NOTHING,
        exposure=ExposureSums(
            rows=rows, exposure=round(mean * rows * NANO), squares=round((mean**2 + spread**2) * rows * NANO),
            labelled=rows, labelled_exposure=round(mean * rows * NANO), relevant=rows // 2,
        ),
    )  # fmt: skip


def listed(first, second):
    cells = {name: {(YES, YES, 0.7): rows} for name, (_, rows) in zip("AB", (first, second), strict=True)}
    return counts(cells, ranks=(exposed("A", *first), exposed("B", *second)))


def test_a_brier_gap_passes_fails_or_is_open():
    assert outcome(counts(scored((900, 100), (890, 110))), BRIER) == ("PASS", "CONFIRMED", "within")
    assert outcome(counts(scored((950, 50), (600, 400))), BRIER) == ("FAIL", "CONFIRMED", "beyond")
    assert outcome(counts(scored((90, 10), (86, 14))), BRIER)[:2] == ("INCONCLUSIVE", "UNCONFIRMED")
    thin = outcome(counts(scored((900, 100), (12, 2))), BRIER)
    assert thin == ("INCONCLUSIVE", "UNSUPPORTED", "too_few")


def test_a_brier_gap_is_exact_and_its_draws_are_seeded():
    counted_once = counts(scored((950, 50), (600, 400)))
    finding = found(counted_once, BRIER)
    error, right = Fraction(81, 100), Fraction(1, 100)
    values = [(w * error + r * right) / (w + r) for r, w in ((950, 50), (600, 400))]
    assert finding.value == values[1] - values[0]
    assert finding.high.group == ("B",) and finding.high.denominator == 2000
    assert finding.lower < float(finding.value) < finding.upper
    assert finding == found(counted_once, BRIER)


def test_a_brier_score_needs_a_probability():
    scale = Bands(edges=BANDS.edges, low=Fraction(1), high=Fraction(10), threshold=Fraction(5))
    cells = {g: {(YES, YES, 0.7): 90, (NO, NO, 0.2): 90} for g in "AB"}
    assert outcome(counts(cells, bands=scale), BRIER) == ("NOT_RUN", "UNSUPPORTED", "not_computed")


def test_exposure_passes_fails_or_is_open():
    assert outcome(listed((0.2, 2000), (0.195, 2000)), RATIO) == ("PASS", "CONFIRMED", "within")
    assert outcome(listed((0.2, 2000), (0.12, 2000)), RATIO) == ("FAIL", "CONFIRMED", "beyond")
    assert outcome(listed((0.2, 150), (0.165, 150)), RATIO)[:2] == ("INCONCLUSIVE", "UNCONFIRMED")
    assert outcome(listed((0.2, 2000), (0.17, 40)), RATIO)[:2] == ("INCONCLUSIVE", "UNSUPPORTED")
    assert outcome(listed((0.2, 2000), (0.195, 2000)), APART) == ("PASS", "CONFIRMED", "within")
    assert outcome(listed((0.2, 2000), (0.12, 2000)), APART) == ("FAIL", "CONFIRMED", "beyond")


def test_exposure_that_is_met_exactly_is_met():
    finding = found(listed((0.25, 100_000), (0.2, 100_000)), RATIO)
    assert finding.value == Fraction(4, 5)
    assert finding.status != "FAIL"


def test_exposure_without_a_list_has_not_run():
    cells = {g: {(YES, YES, 0.7): 600} for g in "AB"}
    assert outcome(counts(cells), RATIO) == ("NOT_RUN", "UNSUPPORTED", "not_computed")
    no_scores = counts({g: {(YES, YES): 600} for g in "AB"})
    assert outcome(no_scores, RATIO)[::2] == ("NOT_RUN", "no_score")


CHECKS = """\
  - {id: brier_gap, stage: training, metric: brier, of: [gender], limit: {max: 0.05}, severity: minor, owner: ml_owner, why: w}
"""  # noqa: E501


@pytest.fixture(scope="module")
def audit():
    text = CONTRACT.replace("roles:\n", CHECKS + "roles:\n")
    return audit_of(contract=contract_of(text))


def test_the_result_holds_all_of_it_and_is_valid(audit):
    written = result(audit)
    Draft202012Validator(result_schema()).validate(written)
    gap = next(g for g in written["gaps"] if g["metric"] == "brier")
    assert gap["simulated"]["replicates"] == 2000 and gap["simulated"]["absent"] is None
    assert gap["simulated"]["seed"] == str(seed_of(audit.counted.cube.fingerprint, "brier"))
    row = next(r for r in written["calibration"] if r["group"] == ["woman"])
    line = row["recalibration"]
    assert line["slope"]["low"] < line["slope"]["value"] < line["slope"]["high"]
    assert row["hosmer_lemeshow"]["df"] == sum(1 for band in row["bands"] if band["n"])
    assert 0 < row["smooth_ece"] < 1 and row["mce"] >= row["ece"]
    both = next(r for r in written["calibration"] if len(r["group"]) == 2 and r["n"] > 100)
    assert both["recalibration"]["slope"]["value"] is None and both["recalibration"]["reason"]
    assert both["auc"]["value"] is None and both["auc_of_bands"]["error"] < 0.02
    errors = next(r for r in written["treatment_equality"] if r["group"] == ["man"])
    table = audit.counted.cube.outcomes(("gender",))[("man",)]
    assert (errors["false_negatives"], errors["false_positives"]) == (table[YES, NO], table[NO, YES])
    assert json.dumps(written, allow_nan=False)


def test_women_whose_scores_are_pulled_down_show_it_in_the_intercept(audit):
    rows = {row.group: row for row in audit.measurements.calibration if row.subject == ("gender",)}
    man, woman = (rows[(name,)].fit.recalibration for name in ("man", "woman"))
    assert woman.offset_interval.low > man.offset_interval.high


def test_the_tables_carry_ranges_and_counts(audit):
    rows = [row for row in audit.measurements.calibration if row.subject == ("gender",)]
    fits = score_tables.fit_rows(rows)
    assert [row["Group"] for row in fits] == ["man", "woman", "nonbinary"]
    assert all(" to " in row["Slope"] and " to " in row["Intercept"] for row in fits)
    assert all("sample" in row["As large without any fault"] for row in fits)
    errors = score_tables.treatment_rows(audit, ("gender",))
    assert [row["Group"] for row in errors] == ["man", "woman", "nonbinary"]
    assert all(" to " in row["Interval"] for row in errors)


def test_a_group_without_a_line_says_why():
    row = CalibrationRow(subject=("g",), group=("A",), calibration=None, auc=None, probability=True)
    one_sided = measure_of(counts({g: {(YES, YES, 0.7): 200} for g in "AB"}))
    (first, *_) = score_tables.fit_rows(one_sided)
    assert first["Slope"] == "none: one outcome only"
    assert score_tables.fit_rows([row]) == []
    assert not any(isinstance(r.fit.recalibration, Recalibration) for r in one_sided)


def measure_of(one):
    from test_judge import contract as judge_contract

    rows = measure(judge_contract(BRIER), one).calibration
    return [row for row in rows if row.subject == ("g",)]


def test_score_meaning_shows_slope_and_ranking_between_groups(app, hiring_audit):
    shown = app.switch_page("pages/calibration.py").run()
    assert not shown.exception
    assert {"Slope and intercept", "Ranking between groups"} <= {header.value for header in shown.header}
    said = " ".join(name for table in shown.table for name in table.value.columns)
    assert "AUC inside the group" in said and "Ranked right" in said
    between = score_tables.between_of(hiring_audit, ("gender",))
    assert len(score_tables.between_rows(between)) == len(between.groups) * (len(between.groups) - 1)


def test_group_differences_shows_both_errors(app):
    shown = app.switch_page("pages/gaps.py").run()
    assert not shown.exception
    assert any("Wrongly not selected" in table.value.columns for table in shown.table)


def test_too_many_groups_are_said_to_be_so(audit):
    between = replace(_between(), too_many=34, areas=(), backgrounds=())
    crowded = replace(audit, measurements=replace(audit.measurements, between=(between,)))
    assert score_tables.between_of(crowded, ("gender",)).too_many == 34
    Draft202012Validator(result_schema()).validate(result(crowded))
    assert "34 groups" in result(crowded)["ranking_between"][0]["reason"]


def _between():
    from audit_core.metrics.ranking import between_groups

    draw = np.random.default_rng(1)
    found = between_groups(draw.choice(["man", "woman"], 80), draw.integers(0, 2, 80), draw.random(80))
    return replace(found, attribute="gender")


def test_between_groups_goes_into_the_result(audit):
    both = replace(audit, measurements=replace(audit.measurements, between=(_between(),)))
    written = result(both)
    Draft202012Validator(result_schema()).validate(written)
    (part,) = written["ranking_between"]
    assert [(p["positives_of"], p["negatives_of"]) for p in part["pairs"]] == [
        ("man", "woman"),
        ("woman", "man"),
    ]
    assert part["pairs"][0]["xauc"]["low"] < part["pairs"][0]["xauc"]["value"]
    assert part["backgrounds"][0]["bpsn"]["positives"] == part["pairs"][1]["xauc"]["positives"]


def test_counts_of_everybody_are_unchanged_by_what_is_reported_beside(audit):
    plain = measure(contract_of(), counted())
    assert [g.gap.value for g in plain.gaps] == [
        g.gap.value for g in audit.measurements.gaps if g.metric != "brier"
    ]


def _page(audit, subject):
    from pages.ui import score_meaning

    score_meaning.show_between(audit, subject)
    score_meaning.show_exposure(audit, subject)


def shown(audit):
    test = AppTest.from_function(
        _page, kwargs={"audit": audit, "subject": ("gender",)}, default_timeout=30
    ).run()
    assert not test.exception
    return test


def test_a_crowded_attribute_is_told_why_nothing_is_ranked(audit):
    crowded = replace(_between(), too_many=34, areas=(), backgrounds=())
    test = shown(replace(audit, measurements=replace(audit.measurements, between=(crowded,))))
    assert "34 groups" in test.caption[0].value
    assert not test.table


def test_places_in_a_list_are_shown_when_a_check_asks_for_them(audit):
    exposed_group = group_exposure(("man",), exposed("man", 0.2, 200).exposure)
    measured = replace(audit.measurements, exposure=((("gender",), exposed_group),))
    assert not shown(replace(audit, measurements=measured)).header
    check = "  - {id: e, stage: training, metric: exposure, of: [gender], limit: {min: 0.8}, severity: minor, owner: ml_owner, why: w}\n"  # noqa: E501
    asked = contract_of(CONTRACT.replace("roles:\n", check + "roles:\n"))
    test = shown(replace(audit, contract=asked, measurements=measured))
    assert [header.value for header in test.header] == ["Place in a list"]
    assert "approximate" in test.caption[0].value
    assert r"Interval \(approximate\)" in test.table[0].value.columns
    Draft202012Validator(result_schema()).validate(result(replace(audit, measurements=measured)))

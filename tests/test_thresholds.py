"""Six ways to set a threshold: what each claims holds, and what it costs people is counted."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_factory import audit_of, contract_of, counted

from audit_core.cube.axes import Axis
from audit_core.cube.bands import MICRO, score_bands
from audit_core.cube.count_cube import build_cube
from audit_core.cube.redecide import band_counts
from audit_core.decision.trial import at_thresholds
from audit_core.metrics.catalogue import RATES
from audit_core.metrics.estimate import Undefined
from audit_core.metrics.measure import measure
from audit_core.metrics.thresholds import (
    EQUALISED,
    PER_GROUP,
    STRATEGIES,
    Costs,
    Cuts,
    rate_step,
    strategy_cuts,
    try_cuts,
)
from audit_core.report.charts.thresholds import threshold_alt, threshold_figure
from audit_core.report.thresholds import (
    COUNSEL_NOTE,
    EMPLOYMENT_NOTE,
    cost_sentence,
    cut_words,
    edges_sentence,
    left_sentence,
    legal_note,
    people_rows,
    people_sentence,
    rate_rows,
    tried_check_rows,
)

SUBJECT = ("gender",)
CONTRACT = contract_of()


@pytest.fixture(scope="module")
def audit():
    return audit_of(counts=counted(rows=4000))


def tried(audit, strategy, costs=None, subject=SUBJECT):
    costs = costs or Costs()
    cuts = strategy_cuts(audit.contract, audit.counted.cube, subject, strategy, costs)
    return try_cuts(audit.contract, audit.counted.cube, subject, cuts, costs)


def overall(audit, metric):
    table = sum(audit.counted.cube.outcomes(SUBJECT).values())
    return Fraction(*RATES[metric].counts(table))


@pytest.mark.parametrize("strategy", ["equal_selection", "equal_opportunity"])
@pytest.mark.parametrize("subject", [("gender",), ("ethnicity",)])
def test_a_strategy_reaches_its_aim_within_half_a_bands_step(audit, strategy, subject):
    metric, trial = EQUALISED[strategy][0], tried(audit, strategy, subject=subject)
    counts, aim = band_counts(audit.counted.cube, subject), overall(audit, metric)
    assert trial.cuts.groups
    for group, cut in trial.cuts.groups:
        rate = Fraction(*RATES[metric].counts(counts[group].outcomes(cut)))
        assert abs(rate - aim) <= rate_step(counts[group], metric) / 2


def test_equalized_odds_is_the_nearest_pair_of_rates_any_edge_gives(audit):
    trial = tried(audit, "equalized_odds")
    counts = band_counts(audit.counted.cube, SUBJECT)
    aims = [overall(audit, metric) for metric in ("tpr", "fpr")]

    def off(table):
        rates = [Fraction(*RATES[metric].counts(table)) for metric in ("tpr", "fpr")]
        return max(abs(rate - aim) for rate, aim in zip(rates, aims, strict=True))

    for group, cut in trial.cuts.groups:
        best = min(off(counts[group].outcomes(other)) for other in counts[group].cuts)
        assert off(counts[group].outcomes(cut)) == best


@pytest.mark.parametrize("costs", [(1, 1), (5, 1), (1, 5), (0, 1)])
def test_no_edge_costs_less_than_the_one_of_best_accuracy(audit, costs):
    costs = Costs(wrong_no=Fraction(costs[0]), wrong_yes=Fraction(costs[1]))
    trial = tried(audit, "best_accuracy", costs)
    table = audit.counted.cube.outcomes(SUBJECT)
    every = []
    for cut in range(101):
        at = band_counts(audit.counted.cube, SUBJECT)
        every.append(
            sum(
                costs.wrong_no * RATES["fnr"].counts(at[g].outcomes(cut))[0]
                + costs.wrong_yes * RATES["fpr"].counts(at[g].outcomes(cut))[0]
                for g in table
            )
        )
    assert trial.cost_after == min(every) <= trial.cost_before


def test_a_costlier_wrong_no_never_raises_the_threshold(audit):
    cuts = []
    for price in (1, 2, 4, 8, 16):
        found = tried(audit, "best_accuracy", Costs(wrong_no=Fraction(price)))
        cuts.append(found.groups[0].cut)
    assert cuts == sorted(cuts, reverse=True)


def test_production_changes_nobody(audit):
    trial = tried(audit, "production")
    assert trial.changed == 0
    assert trial.cost_before == trial.cost_after
    assert all(group.before == group.after for group in trial.groups)
    assert people_sentence(trial, audit.contract).startswith("Nobody")
    assert at_thresholds(audit, SUBJECT, trial.cuts.by_group) is audit


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_people_who_change_are_the_difference_between_the_tables(audit, strategy):
    trial = tried(audit, strategy)
    for group in trial.groups:
        before, after = group.before[0], group.after[0]
        assert after.numerator - before.numerator == group.gained - group.lost
        assert after.denominator == before.denominator == group.rows


def test_a_group_with_too_few_people_keeps_productions_cut(audit):
    trial = tried(audit, "equal_opportunity")
    assert trial.cuts.left == (("nonbinary",),)
    assert next(g for g in trial.groups if g.group == ("nonbinary",)).cut == 50
    assert "nonbinary" in left_sentence(trial)


def test_the_tried_audit_is_the_audit_of_the_tried_counts(audit):
    trial = tried(audit, "equal_opportunity")
    again = at_thresholds(audit, SUBJECT, trial.cuts.by_group)
    whole = measure(audit.contract, again.counted)
    for gap in again.measurements.gaps:
        fresh = whole.gap(gap.subject, gap.metric, gap.gap.compare)
        assert fresh == gap
    assert again.finding("tpr_gap_gender").value < audit.finding("tpr_gap_gender").value
    assert audit.finding("calibration") == again.finding("calibration")


def test_group_cut_offs_carry_their_warning_by_field(audit):
    lending = replace(audit.contract, domain="lending")
    for strategy in STRATEGIES:
        expected = (EMPLOYMENT_NOTE, COUNSEL_NOTE) if strategy in PER_GROUP else ("", "")
        assert (legal_note(audit.contract, strategy), legal_note(lending, strategy)) == expected
    assert "2000e-2(l)" in EMPLOYMENT_NOTE
    assert "Diagnostic only" in EMPLOYMENT_NOTE


def test_tables_and_chart_hold_every_group_with_its_counts(audit):
    trial = tried(audit, "equal_selection")
    people, rates = people_rows(trial, audit.counted.cube.bands), rate_rows(trial)
    assert [row["Group"] for row in people] == ["man", "woman", "nonbinary", "Everybody"]
    assert people[-1]["Now selected"] == str(sum(g.gained for g in trial.groups))
    assert len(rates) == 15
    assert all(row["n before"] != "0" and row["Interval after"] for row in rates)
    figure = threshold_figure(trial, "tpr")
    assert len(figure["data"]) == 6
    assert "woman" in threshold_alt(trial, "tpr")
    assert "before" in cost_sentence(trial)


def test_the_checks_that_change_stand_beside_their_result_in_production(audit):
    trial = tried(audit, "equal_opportunity")
    rows = tried_check_rows(audit, at_thresholds(audit, SUBJECT, trial.cuts.by_group))
    named = [row["Check"].partition(":")[0] for row in rows]
    assert "tpr_gap_gender" in named and "calibration" not in named
    assert tried_check_rows(audit, audit) == []


def test_cut_offs_are_said_on_the_scores_own_scale():
    bands = score_bands(Fraction(300), Fraction(850), Fraction(630), (Fraction(580), Fraction(630)))
    assert [cut_words(bands, cut) for cut in (0, 1, 2, 3, None)] == [
        "everybody", "580.00", "630.00", "nobody", "630.00",
    ]  # fmt: skip
    assert "nowhere between" in edges_sentence(bands, follows=True)
    assert "follow no such edge" in edges_sentence(bands, follows=False)
    within = score_bands(Fraction(0), Fraction(1), Fraction(1, 2), (Fraction(3, 10),))
    assert cut_words(within, None) == "as in production"


def test_an_undefined_rate_stays_undefined_at_every_threshold():
    contract = contract_of()
    codes = np.array([[0, 0, 1, 60], [0, 0, 0, 20], [1, 0, 1, 60], [1, 1, 0, 20]], dtype=np.int64)
    q = codes[:, 3] * 10_000
    measures = np.column_stack([np.full(4, 100), q * 100, q * q // MICRO * 100, q * 0]).astype(np.int64)
    axes = (
        Axis(name="gender", kind="attribute", levels=("man", "woman")),
        Axis(name="ethnicity", kind="attribute", levels=("x",)),
    )
    codes = np.column_stack([codes[:, 0], np.zeros(4, dtype=np.int64), codes[:, 1:]])
    bands = score_bands(Fraction(0), Fraction(1), Fraction(1, 2), ())
    cube = build_cube(axes, bands, codes, measures)
    cuts = Cuts(strategy="free", one=30, groups=(), left=())
    trial = try_cuts(contract, cube, SUBJECT, cuts, Costs())
    man = next(g for g in trial.groups if g.group == ("man",))
    assert isinstance(man.after[1], Undefined)  # no positives, so no TPR
    assert threshold_figure(trial, "tpr")["data"]
    assert "undefined" in threshold_alt(trial, "tpr")


@given(st.lists(st.integers(0, 40), min_size=40, max_size=40), st.integers(1, 9), st.integers(1, 9))
@settings(max_examples=25)
def test_best_accuracy_is_never_beaten_whatever_the_counts(cells, no, yes):
    edges = tuple(Fraction(i, 10) for i in range(1, 10))
    bands = score_bands(Fraction(0), Fraction(1), Fraction(1, 2), edges)
    places = list(product((0, 1), (0, 1), range(10)))
    codes = np.array([(g, 0, y, int(b >= 5), b) for g, y, b in places], dtype=np.int64)
    n = np.array(cells, dtype=np.int64)
    q = codes[:, 4] * 100_000
    measures = np.column_stack([n, q * n, q * q // MICRO * n, n * 0])
    axes = (
        Axis(name="gender", kind="attribute", levels=("man", "woman")),
        Axis(name="ethnicity", kind="attribute", levels=("x",)),
    )
    cube = build_cube(axes, bands, codes, measures)
    costs = Costs(wrong_no=Fraction(no), wrong_yes=Fraction(yes))
    cuts = strategy_cuts(CONTRACT, cube, SUBJECT, "best_accuracy", costs)
    found = try_cuts(CONTRACT, cube, SUBJECT, cuts, costs)
    for cut in range(11):
        other = Cuts(strategy="free", one=cut, groups=(), left=())
        assert found.cost_after <= try_cuts(CONTRACT, cube, SUBJECT, other, costs).cost_after

"""A candidate against its baseline, counted: changes, bounds, risks, and the chance figure beside them."""

import json
import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from regression_factory import counted_against, swapped
from report_factory import CONTRACT, contract_of
from scipy.stats import binom

from audit_core.cube.baseline import apart
from audit_core.cube.clusters import PersonTotals
from audit_core.metrics.bootstrap import Plan
from audit_core.metrics.catalogue import RATES
from audit_core.metrics.estimate import Count
from audit_core.metrics.intervals import newcombe_difference
from audit_core.metrics.measure import changes
from audit_core.metrics.pair_intervals import PairCounts, newcombe_paired
from audit_core.metrics.regression import risk_change
from audit_core.metrics.regression_bounds import GroupChange, bounds_of, change_interval
from audit_core.metrics.regression_draws import RatesDrawn, Sides, drawn_rates
from audit_core.metrics.regression_risk import joint_chance, risk_bounds, trigger_chance, triggers
from audit_core.metrics.regression_rows import change_of, harms_of

GOLDEN = json.loads((Path(__file__).parent / "golden" / "baseline_regression.json").read_text("utf-8"))
CHECKS = """\
  - {id: harm, stage: predeploy, metric: fnr, against: baseline, of: [gender], limit: {max_relative_increase: 0.10, floor: 0.01}, severity: major, owner: ml_owner, why: w}
  - {id: each, stage: predeploy, metric: tpr, compare: value, against: baseline, of: [gender], limit: {max_increase: 0.02}, severity: major, owner: ml_owner, why: w}
  - {id: precise, stage: predeploy, metric: ppv, against: baseline, of: [gender], limit: {max_relative_increase: 0.10}, severity: major, owner: ml_owner, why: w}
roles:
"""  # noqa: E501
ANY_GROUP = CONTRACT.replace("required: [man, woman], ", "").replace(
    "requirements:\n", "statistics: {replicates: 500}\nrequirements:\n"
)
CONTRACT_OF_ALL = contract_of(ANY_GROUP.replace("roles:\n", CHECKS, 1))
ONE_CHECK = replace(
    CONTRACT_OF_ALL, checks=tuple(c for c in CONTRACT_OF_ALL.checks if c.id == "no_regression")
)
Z = 1.6448536269514722


def rows_of(counted, change="gap", metric="tpr"):
    contract = ONE_CHECK if change == "gap" else CONTRACT_OF_ALL
    return next(r for r in changes(contract, counted) if (r.change, r.metric) == (change, metric))


def same_rows(both, new, old, neither):
    """Rows that both models decided on, as the product counts them."""
    n, pairs = (
        both + new + old + neither,
        PairCounts(both=both, first_only=new, second_only=old, neither=neither),
    )
    shared = both - Fraction((both + new) * (both + old), n)
    return GroupChange(
        group=("a",), new=Count(group=("a",), numerator=both + new, denominator=n), paired=True,
        old=Count(group=("a",), numerator=both + old, denominator=n), shared=shared, pairs=pairs,
    )  # fmt: skip


def apart_group(x, n, y, m, effect=1.0):
    count = {"group": ("a",), "design_effect": effect}
    return GroupChange(
        group=("a",), new=Count(numerator=x, denominator=n, **count), paired=False, shared=Fraction(0),
        old=Count(numerator=y, denominator=m, **count), pairs=None,
    )  # fmt: skip


@pytest.mark.parametrize("case", GOLDEN["cases"])
def test_reference_changes_of_rates_and_of_the_gap(case):
    keys = ("both_tp", "new_only_tp", "old_only_tp", "neither")
    cells = {name: tuple(given_cells[key] for key in keys) for name, given_cells in case["in"].items()}
    counted = counted_against(cells)
    row = rows_of(counted)
    risks = rows_of(counted, "risk", "fnr")
    for name, wanted in case["by_group"].items():
        found = row.group((name,))
        assert float(found.value) == pytest.approx(wanted["delta"], abs=1e-12)
        assert change_interval(found, Z) == pytest.approx(
            wanted["delta_ci90_newcombe_paired"], abs=GOLDEN["tol_abs"]
        )
        risk = risk_bounds(risks.group((name,)), 0.95)
        assert float(risk.ratio) == pytest.approx(wanted["risk_ratio_new_over_old"], abs=1e-12)
        assert risk.high == pytest.approx(wanted["risk_ratio_upper95_one_sided"], abs=GOLDEN["tol_abs"])
        beyond = triggers(risks.group((name,)), floor=Fraction(0))
        assert beyond == wanted["exceeds_baseline_by_10pct"]
    # The upper bound is the largest of the two orders of the pair: one of them is the reference's interval.
    low, high = case["change_ci90_mover"]
    assert row.gap.bounds.upper == pytest.approx(max(high, -low), abs=GOLDEN["tol_abs"])


four = st.tuples(*[st.integers(0, 80)] * 4).filter(lambda cells: sum(cells) > 0)


@settings(max_examples=40)
@given(four)
def test_the_general_interval_is_newcombes_on_the_same_rows_and_on_different_ones(cells):
    both, new, old, _ = cells
    n, same = sum(cells), same_rows(*cells)
    pairs = same.pairs
    assert change_interval(same, Z) == pytest.approx(newcombe_paired(pairs, Z), abs=1e-9)
    different = apart_group(both + new, n, both + old, n)
    unpaired = newcombe_difference(both + new, n, both + old, n, Z)
    assert change_interval(different, Z) == pytest.approx(unpaired, abs=1e-12)
    risk, plain = risk_bounds(same, 0.95), risk_change(pairs, harm_is=True)
    assert risk.ratio == plain.ratio
    assert (risk.low, risk.high) == pytest.approx((plain.low, plain.high))


groups = st.dictionaries(st.sampled_from("abcd"), four, min_size=2, max_size=4)


@settings(max_examples=12)
@example({"a": (0, 0, 0, 1), "b": (0, 1, 0, 49), "c": (0, 1, 0, 49)})
@given(groups)
def test_swapping_the_models_turns_every_change_around(cells):
    there, back = rows_of(counted_against(cells)), rows_of(counted_against(swapped(cells)))
    for one, other in zip(there.groups, back.groups, strict=True):
        assert one.value == -other.value
        low, high = change_interval(one, Z)
        assert change_interval(other, Z) == pytest.approx((-high, -low), abs=1e-9)
    assert there.gap.value == -back.gap.value
    assert there.gap.value == there.gap.new.gap - there.gap.old.gap
    compared = [cells[name] for (name,) in there.compared]  # two with support leave the thin ones out
    rates = [Fraction(both + new, sum(four)) for four in compared for both, new, *_ in (four,)]
    assert there.gap.new.gap == max(rates) - min(rates)


@settings(max_examples=12)
@given(
    st.dictionaries(st.sampled_from("abcd"), st.tuples(st.integers(0, 80), st.integers(1, 80)), min_size=2)
)
def test_identical_models_show_no_change_and_prove_none(cells):
    row = rows_of(counted_against({name: (both, 0, 0, neither) for name, (both, neither) in cells.items()}))
    assert row.gap.value == 0 and row.gap.lower <= 0 <= row.gap.bounds.upper
    assert all(found.value == 0 for found in row.groups)
    assert not any(triggers(found) for found in row.groups)


def test_bounds_hold_the_value_and_the_same_counts_give_the_same_bounds():
    counted = counted_against({"a": (300, 40, 10, 150), "b": (200, 20, 60, 120), "c": (90, 9, 12, 40)})
    one, two = rows_of(counted), rows_of(counted)
    assert one == two and one.gap.draws.seed == two.gap.draws.seed
    assert one.gap.lower < float(one.gap.value) < one.gap.bounds.upper


def test_the_lower_bound_allows_for_another_pair_having_been_furthest_apart():
    """Before, a and b were alike: that b was ahead must be allowed for, so the bound is under MOVER's."""
    row = rows_of(counted_against({"a": (300, 60, 0, 140), "b": (240, 0, 60, 200)}))
    ends = [change_interval(row.group((name,)), 1.959964) for name in "ab"]
    a, b = (float(row.group((name,)).value) for name in "ab")
    mover = a - b - math.hypot(a - ends[0].low, ends[1].high - b)
    assert 0 < row.gap.lower < mover < row.gap.value


def test_a_thin_group_does_not_hide_what_is_shown_among_the_large_ones():
    cells = {"a": (600, 20, 15, 180), "b": (400, 20, 130, 250)}
    alone, beside = (rows_of(counted_against(all_of)).gap for all_of in (cells, cells | {"c": (8, 1, 1, 8)}))
    assert beside.lower == pytest.approx(alone.lower, abs=0.005)
    assert beside.bounds_all.lower < beside.bounds.lower


def test_a_thin_group_may_prove_harm():
    cells = {"a": (600, 5, 5, 190), "b": (590, 5, 5, 200), "c": (5, 0, 30, 2)}
    gap = rows_of(counted_against(cells)).gap
    assert gap.bounds.lower < 0.02 < gap.bounds_all.lower


def test_draws_of_the_joint_cube_vary_as_the_formula_says():
    both = np.zeros((3, 4, 4), dtype=np.int64)
    both[1, [1, 1, 0, 0], [1, 0, 1, 0]] = 150, 6, 20, 44
    sides = {("b",): Sides(both=both, new=both.sum(axis=2), old=both.sum(axis=1))}
    drawn = drawn_rates(sides, RATES["tpr"], Plan(seed=1, replicates=20_000)).spread(("b",))
    p, q, n = 156 / 220, 170 / 220, 220
    shared = (150 / n - p * q) / n
    wanted = p * (1 - p) / n, shared, q * (1 - q) / n, shared
    assert tuple(drawn) == pytest.approx(wanted, rel=0.05)


def test_where_draws_leave_a_group_empty_nothing_accuses():
    members = [replace(same_rows(20, 1, 1, 9), group=(name,)) for name in "ab"]
    none = RatesDrawn(
        groups=(("a",), ("b",)), spreads=(None, None), replicates=1, seed=1, design="stratified"
    )
    found = bounds_of(members, none, 0.95)
    assert found.lower == -1 and "draws" in found.absent
    assert bounds_of(members[:1], none, 0.95).upper == 1


def test_many_groups_are_bounded_apart():
    cells = {f"g{i:02}": (200 + i, 10, 20, 50 + i) for i in range(26)}
    gap = rows_of(counted_against(cells)).gap
    assert -1 < gap.lower < float(gap.value) < gap.bounds.upper


def test_repeated_people_widen_every_range():
    once, twice = apart_group(60, 100, 50, 100), apart_group(60, 100, 50, 100, effect=4.0)
    assert change_interval(twice, Z).low < change_interval(once, Z).low
    assert risk_bounds(twice, 0.95).low < risk_bounds(once, 0.95).low
    assert (twice.support, twice.value) == (25, once.value)


def test_people_in_several_rows_count_as_often_as_they_are_worth():
    """Every man stands in four rows that say the same: a quarter of the rows are left to decide on."""
    counted = counted_against({"man": (620, 15, 25, 195), "woman": (420, 20, 100, 260)})
    totals = PersonTotals(subject=("gender",), group=("man",), patterns=((1 << 5, 171), (1 << 4, 60)),
                          products=((4, 4, 4 * 220), (5, 5, 4 * 635)))  # fmt: skip
    plain, repeated = rows_of(counted), rows_of(replace(counted, people=(totals,)))
    man = repeated.group(("man",))
    assert (man.new.design_effect, man.support) == (4.0, 855 // 4)
    assert man.value == plain.group(("man",)).value
    assert repeated.gap.value == plain.gap.value
    assert repeated.gap.lower < plain.gap.lower and repeated.gap.bounds.upper > plain.gap.bounds.upper


def test_on_other_rows_nothing_is_shared():
    cells = {"a": (230, 12, 8, 50), "b": (150, 6, 20, 44)}
    same, other = rows_of(counted_against(cells)), rows_of(counted_against(cells, paired=False))
    assert (same.paired, other.paired) == (True, False)
    assert same.gap.value == other.gap.value
    assert all(found.pairs is None and found.shared == 0 for found in other.groups)
    assert other.gap.bounds.upper > same.gap.bounds.upper


def test_at_another_threshold_the_baseline_stands_apart_on_the_same_rows():
    counted = counted_against({"a": (230, 12, 8, 50), "b": (150, 6, 20, 44)})
    tried = rows_of(replace(counted, baseline=apart(counted.baseline)))
    assert (tried.paired, tried.widened) == (True, True)
    assert tried.gap.value == rows_of(counted).gap.value
    assert (
        tried.gap.lower < rows_of(counted).gap.lower
    )  # the overlap is not known, so the bounds allow for any
    assert tried.gap.bounds.upper > rows_of(counted).gap.bounds.upper
    assert tried.group(("a",)).old == rows_of(counted).group(("a",)).old


def test_precision_has_other_rows_under_each_model_and_shares_some():
    row = rows_of(counted_against({"a": (300, 40, 10, 150), "b": (200, 20, 60, 120)}), "risk", "ppv")
    found = row.group(("a",))
    assert row.rate.id == "fdr" and found.pairs is None and found.shared > 0
    assert (found.new.denominator, found.old.denominator) == (360, 330)
    pooled = replace(found, paired=False, shared=Fraction(0))
    assert risk_bounds(found, 0.95).low > risk_bounds(pooled, 0.95).low
    assert 0 <= trigger_chance(found) <= 1


def test_a_rows_without_a_decision_of_the_baseline_are_left_out_of_both():
    counted = counted_against({"a": (30, 2, 3, 15), "b": (20, 2, 6, 12)})
    paired = counted.baseline.paired
    axes = tuple(replace(a, levels=("0", "3")) if a.kind == "slice" else a for a in paired.axes)
    lost = replace(counted, baseline=replace(counted.baseline, paired=replace(paired, axes=axes)))
    found = rows_of(lost).group(("a",))
    assert found.new.denominator == found.old.denominator == 2 + 15  # what the baseline selected is not known


# The rule of a rising harm rate


def test_the_chance_figure_is_what_was_measured_before():
    """300 positives, FNR .2, no real change; on the same rows the two models disagree on a tenth."""
    draw = np.random.default_rng(5).multinomial(300, [0.15, 0.05, 0.05, 0.75], size=400)
    chances = [trigger_chance(same_rows(*map(int, cells)), floor=Fraction(0)) for cells in draw]
    assert np.mean(chances) == pytest.approx(0.148, abs=0.02)
    assert trigger_chance(apart_group(60, 300, 60, 300), floor=Fraction(0)) == pytest.approx(0.27, abs=0.015)
    assert joint_chance([0.14] * 6) == pytest.approx(0.60, abs=0.01)
    assert joint_chance([0.27] * 6) == pytest.approx(0.85, abs=0.01)
    assert joint_chance([None]) is None


@settings(max_examples=6)
@given(st.integers(5, 40), st.integers(5, 40), st.integers(1, 30), st.sampled_from((0, 2)))
def test_the_chance_on_other_rows_counts_every_sample(n, m, harmed, points):
    x, y = min(n, harmed), min(m, harmed)
    change, floor, rate = apart_group(x, n, y, m), Fraction(points, 100), (x + y) / (n + m)
    wanted = sum(
        binom.pmf(i, n, rate) * binom.pmf(j, m, rate)
        for i in range(n + 1)
        for j in range(m + 1)
        if triggers(apart_group(i, n, j, m), floor=floor)
    )
    assert trigger_chance(change, floor=floor) == pytest.approx(wanted, abs=1e-9)


def test_any_harm_where_there_was_none_is_a_rise():
    assert triggers(apart_group(1, 500, 0, 400)) and not triggers(apart_group(0, 500, 0, 400))
    found = risk_bounds(apart_group(1, 500, 0, 400), 0.95)
    assert (found.ratio, found.low) == (None, 0.0)
    exact = apart_group(33, 953, 30, 953)
    assert (33 / 953) / (30 / 953) > 1.1 and not triggers(exact, floor=Fraction(0))
    assert triggers(apart_group(25, 10_000, 20, 10_000), floor=Fraction(0))
    assert not triggers(apart_group(25, 10_000, 20, 10_000))  # half a thousandth is under the floor


@pytest.mark.parametrize(
    ("metric", "harms"),
    [("fnr", ("fnr",)), ("tpr", ("fnr",)), ("ppv", ("fdr",)), ("npv", ("for",)), ("tnr", ("fpr",)),
     ("accuracy", ("not_accuracy",)), ("equalized_odds", ("fnr", "fpr")), ("base_rate", ()),
     ("demographic_parity", ("not_selection_rate",))],
)  # fmt: skip
def test_the_harm_behind_a_metric(metric, harms):
    assert harms_of(metric) == harms


def test_what_a_check_asks_of_the_change():
    asked = {check.id: change_of(check) for check in CONTRACT_OF_ALL.checks if check.against}
    assert asked == {"no_regression": "gap", "harm": "risk", "each": "rate", "precise": "risk"}
    check = next(check for check in CONTRACT_OF_ALL.checks if check.id == "no_regression")
    assert change_of(replace(check, compare="ratio")) is None
    assert change_of(replace(check, metric="base_rate")) is None
    assert change_of(replace(check, metric="auc", compare="difference")) is None

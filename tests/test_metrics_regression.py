"""A candidate against its baseline, weights for retraining, distances of samples: outside numbers, laws."""

import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_core.metrics.distances import value_distances
from audit_core.metrics.estimate import Count
from audit_core.metrics.intervals import newcombe_difference, z_two_sided
from audit_core.metrics.pair_intervals import PairCounts
from audit_core.metrics.regression import (
    chance_of_trigger,
    gap_change,
    paired_change,
    risk_change,
    unpaired_change,
)
from audit_core.metrics.reweighing import LabelledRows, reweighing


def golden(name):
    return json.loads((Path(__file__).parent / "golden" / name).read_text(encoding="utf-8"))


REGRESSION, WEIGHTS, DISTANCES = (
    golden(name) for name in ("baseline_regression.json", "reweighing.json", "value_distances.json")
)


def of(both, new, old, neither):
    return PairCounts(both=both, first_only=new, second_only=old, neither=neither)


cell = st.integers(0, 200)
filled = st.builds(of, cell, cell, cell, cell).filter(lambda counts: counts.pairs > 0)


# Regression


@pytest.mark.parametrize("case", REGRESSION["cases"])
def test_reference_changes(case):
    tol, changes = REGRESSION["tol_abs"], {}
    for name, given_cells in case["in"].items():
        counts = of(*(given_cells[key] for key in ("both_tp", "new_only_tp", "old_only_tp", "neither")))
        wanted, risk = case["by_group"][name], risk_change(counts)
        changes[name] = change = paired_change(counts)
        assert float(change.value) == pytest.approx(wanted["delta"], abs=1e-12)
        assert (change.low, change.high) == pytest.approx(wanted["delta_ci90_newcombe_paired"], abs=tol)
        assert float(risk.new) == pytest.approx(wanted["risk_fnr_new"], abs=1e-12)
        assert float(risk.old) == pytest.approx(wanted["risk_fnr_old"], abs=1e-12)
        assert float(risk.ratio) == pytest.approx(wanted["risk_ratio_new_over_old"], abs=1e-12)
        assert risk.se == pytest.approx(wanted["log_rr_se_paired"], abs=1e-12)
        assert risk.high == pytest.approx(wanted["risk_ratio_upper95_one_sided"], abs=tol)
        assert risk.exceeds() == wanted["exceeds_baseline_by_10pct"]
    gap = gap_change(changes["A"], changes["B"])
    assert float(gap.value) == pytest.approx(case["change_of_signed_gap_A_minus_B"], abs=1e-12)
    assert (gap.low, gap.high) == pytest.approx(case["change_ci90_mover"], abs=tol)
    assert gap.paired


def test_the_trigger_is_an_exact_fraction_with_a_floor_and_a_word_for_its_evidence():
    met = risk_change(of(920, 0, 3, 30))  # 33 harmed of 953 against 30: exactly a tenth more
    assert (33 / 953) / (30 / 953) > 1.1  # what floats would say
    assert (met.ratio, met.exceeds()) == (Fraction(11, 10), False)
    small = risk_change(of(9970, 5, 10, 15))  # 25 harmed against 20 of 10 000
    assert small.exceeds() and not small.triggers() and small.triggers(floor=Fraction(0))
    clear = risk_change(of(600, 0, 150, 250))
    assert clear.triggers() and clear.evidence() == "CONFIRMED"
    unclear = risk_change(of(80, 2, 5, 13))
    assert unclear.triggers() and unclear.evidence() == "UNCONFIRMED"


def test_harm_where_there_was_none_triggers_and_has_no_ratio():
    found = risk_change(of(99, 0, 1, 0))
    assert (found.ratio, found.low, found.high) == (None, 0.0, math.inf)
    assert found.triggers() and found.evidence() == "UNCONFIRMED"
    assert not risk_change(of(100, 0, 0, 0)).triggers()
    gone = risk_change(of(99, 1, 0, 0))
    assert (gone.ratio, gone.low, gone.high, gone.triggers()) == (0, 0.0, math.inf, False)


def test_a_risk_of_being_selected_counts_the_selected():
    found = risk_change(of(10, 6, 2, 82), harm_is=True)
    assert (found.new, found.old) == (Fraction(16, 100), Fraction(12, 100))
    assert risk_change(of(82, 2, 6, 10)).new == found.new


@given(filled)
def test_a_change_holds_its_value_and_turns_round_with_the_models(counts):
    change, back = paired_change(counts), paired_change(counts.swapped())
    assert change.low - 1e-12 <= float(change.value) <= change.high + 1e-12
    assert (back.value, back.low) == (-change.value, pytest.approx(-change.high, abs=1e-12))
    risk = risk_change(counts)
    assert risk.old - risk.new == change.value  # a risk is one minus the rate
    if risk.ratio:
        assert risk.low <= float(risk.ratio) * (1 + 1e-12) <= risk.high * (1 + 1e-9)


@given(filled, filled)
def test_a_gap_changes_by_the_difference_of_the_changes(first, second):
    one, two = paired_change(first), paired_change(second)
    gap, back = gap_change(one, two), gap_change(two, one)
    assert gap.value == one.value - two.value == -back.value
    assert gap.low - 1e-12 <= float(gap.value) <= gap.high + 1e-12
    assert gap.low == pytest.approx(-back.high, abs=1e-12)
    # Never wider than the two intervals put end to end.
    assert gap.high - gap.low <= one.high - one.low + two.high - two.low + 1e-12


def test_different_rows_are_said_to_be_different():
    new, old = (Count(group=("A",), numerator=x, denominator=n) for x, n in ((80, 100), (90, 120)))
    found = unpaired_change(new, old)
    assert (found.value, found.paired) == (Fraction(1, 20), False)
    assert (found.low, found.high) == newcombe_difference(80, 100, 90, 120, z_two_sided(0.90))
    nobody = Count(group=("A",), numerator=0, denominator=0)
    assert unpaired_change(nobody, old) is None and unpaired_change(new, nobody) is None
    same_rows = paired_change(of(50, 1, 2, 7))
    assert not gap_change(found, same_rows).paired
    with pytest.raises(ValueError, match="one level"):
        gap_change(found, paired_change(of(50, 1, 2, 7), level=0.95))


def test_without_rows_there_is_no_change():
    assert paired_change(of(0, 0, 0, 0)) is None and risk_change(of(0, 0, 0, 0)) is None


@given(filled)
@settings(max_examples=60)
def test_the_chance_of_a_trigger_counts_every_split_of_the_disagreements(counts):
    risk, chance = risk_change(counts), 0.0
    m, shared = counts.flips, counts.neither
    for x in range(m + 1):
        drawn = risk_change(of(counts.pairs - m - shared, m - x, x, shared))
        chance += drawn.triggers() * math.exp(math.log(math.comb(m, x)) - m * math.log(2))
    assert chance_of_trigger(risk) == pytest.approx(chance, abs=1e-9)


def test_the_chance_of_a_trigger_is_about_what_was_measured_before():
    """300 positives, a risk of .2, one in ten judged differently, nothing changed: 14 %."""
    draw = np.random.default_rng(2)
    chances = []
    for _ in range(300):
        m, shared = draw.multinomial(300, [0.1, 0.15, 0.75])[:2]
        b = draw.binomial(m, 0.5)
        chances.append(chance_of_trigger(risk_change(of(300 - m - shared, m - b, b, shared))))
    assert np.mean(chances) == pytest.approx(0.14, abs=0.02)


# Reweighing


def test_reference_weights():
    one, two, three, four = WEIGHTS["counts_g1y1_g1y0_g0y1_g0y0"]
    found = reweighing({("1",): LabelledRows(positives=one, negatives=two),
                        ("0",): LabelledRows(positives=three, negatives=four)})  # fmt: skip
    weights = {f"g={line.group[0]},y={y}": w for line in found
               for y, w in ((1, line.positive), (0, line.negative))}  # fmt: skip
    assert {key: float(weight) for key, weight in weights.items()} == pytest.approx(
        WEIGHTS["weights"], abs=1e-9
    )


rows = st.builds(LabelledRows, positives=st.integers(1, 500), negatives=st.integers(1, 500))


@given(st.lists(rows, min_size=1, max_size=6))
def test_weighted_rows_have_one_base_rate_and_keep_their_number(cells):
    groups = {(str(place),): given_rows for place, given_rows in enumerate(cells)}
    weighted = {line.group: (line.positive * groups[line.group].positives,
                             line.negative * groups[line.group].negatives)
                for line in reweighing(groups)}  # fmt: skip
    shares = {yes / (yes + no) for yes, no in weighted.values()}
    assert len(shares) == 1
    assert sum(yes + no for yes, no in weighted.values()) == sum(c.positives + c.negatives for c in cells)
    for group, (yes, no) in weighted.items():
        assert yes + no == groups[group].positives + groups[group].negatives


def test_an_empty_cell_has_no_weight():
    found = reweighing(
        {("a",): LabelledRows(positives=0, negatives=4), ("b",): LabelledRows(positives=3, negatives=3)}
    )
    assert (found[0].positive, found[0].negative) == (None, Fraction(4 * 7, 10 * 4))
    assert reweighing({}) == ()
    with pytest.raises(ValueError, match="zero or more"):
        LabelledRows(positives=-1, negatives=0)


# Distances of two samples


def folded(reference, current):
    values = np.unique([*reference, *current])
    sides = [
        np.bincount(np.searchsorted(values, side), minlength=values.size) for side in (reference, current)
    ]
    return values, *sides


def test_reference_distances():
    found = value_distances(*folded(DISTANCES["reference"], DISTANCES["current"]))
    for key, value in (("ks", found.ks), ("ks_p", found.ks_p), ("wasserstein", found.wasserstein)):
        assert value == pytest.approx(DISTANCES[key], abs=DISTANCES["tol_abs"])
    assert found.scaled == pytest.approx(found.wasserstein / np.std(DISTANCES["reference"], ddof=1))


sample = st.lists(st.integers(-5, 5), min_size=1, max_size=60)


def chance_by_paths(apart, n, m):
    """Orders of n and m rows whose shares are at some point `apart`/(nm) or more apart, in whole numbers."""
    ways = [[0] * (m + 1) for _ in range(n + 1)]
    for i in range(n + 1):
        for j in range(m + 1):
            if abs(i * m - j * n) < apart:
                before = (ways[i - 1][j] if i else 0) + (ways[i][j - 1] if j else 0)
                ways[i][j] = 1 if i == j == 0 else before
    return float(1 - Fraction(ways[n][m], math.comb(n + m, n)))


@settings(max_examples=50)
@given(sample, sample)
def test_distances_are_scipys_and_their_chance_counts_every_order(first, second):
    from scipy.stats import wasserstein_distance

    n, m = len(first), len(second)
    found = value_distances(*folded(first, second))
    steps = [abs(sum(x <= v for x in first) * m - sum(x <= v for x in second) * n) for v in range(-5, 6)]
    assert found.ks == pytest.approx(max(steps) / (n * m))
    assert found.ks_p == pytest.approx(chance_by_paths(max(steps), n, m), abs=1e-10)
    assert found.wasserstein == pytest.approx(wasserstein_distance(first, second), abs=1e-12)
    back = value_distances(*folded(second, first))
    assert (back.ks, back.ks_p, back.wasserstein) == pytest.approx((found.ks, found.ks_p, found.wasserstein))


def test_large_samples_and_none():
    draw = np.random.default_rng(1)
    large = value_distances(*folded(draw.normal(size=12_000), draw.normal(size=11_000)))
    from scipy.special import kolmogorov

    assert large.ks_p == pytest.approx(kolmogorov(large.ks * math.sqrt(12_000 * 11_000 / 23_000)))
    exact = value_distances(*folded(draw.normal(size=2000), draw.normal(size=3000)))
    assert exact.ks_p == pytest.approx(kolmogorov(exact.ks * math.sqrt(2000 * 3000 / 5000)), abs=0.02)
    assert value_distances([1.0], [0], [3]) is None
    assert value_distances([1.0], [2], [3]).scaled is None  # a reference of one value has no deviation
    with pytest.raises(ValueError, match="ascend"):
        value_distances([2.0, 1.0], [1, 1], [1, 1])
    with pytest.raises(ValueError, match="both samples"):
        value_distances([1.0, 2.0], [1], [1, 1])

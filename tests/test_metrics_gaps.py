"""The gap between groups: reference cases, exact arithmetic, and laws the bounds must obey."""

import itertools
import json
import math
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_core.metrics.chance import chance_of_gap
from audit_core.metrics.estimate import Count, MeanValue
from audit_core.metrics.gaps import difference_gap, mean_gap, ratio_gap
from audit_core.metrics.intervals import (
    koopman_ratio,
    newcombe_difference,
    z_one_sided,
    z_simultaneous,
    z_two_sided,
)

GAPS = json.loads((Path(__file__).parent / "golden" / "gap_gate.json").read_text(encoding="utf-8"))


def of(*pairs):
    return [
        Count(group=(name,), numerator=x, denominator=n)
        for name, (x, n) in zip("ABCDEFGH", pairs, strict=False)
    ]


def mean(name, value, se, n=100):
    return MeanValue(group=(name,), value=Fraction(value), se=se, n=n)


def names(groups):
    return [group[0] for group in groups]


@st.composite
def many(draw, groups=(2, 5), most=200, least=1):
    pair = st.integers(least, most).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
    return of(*draw(st.lists(pair, min_size=groups[0], max_size=groups[1])))


@pytest.mark.parametrize(
    "case", GAPS["cases"], ids=lambda c: "-".join(f"{x}.{n}" for _, x, n in c["in"]["groups"])
)
def test_reference_cases(case):
    groups = [Count(group=(g,), numerator=x, denominator=n) for g, x, n in case["in"]["groups"]]
    gap = difference_gap(groups, min_support=case["in"]["min_support"])
    tol = GAPS["tol_abs"]
    assert float(gap.value) == pytest.approx(case["gap"], abs=tol)
    assert gap.lower == pytest.approx(case["lower_simultaneous"], abs=tol)
    assert gap.lower_all == pytest.approx(case["lower_all_groups_n_ge_10"], abs=tol)
    assert gap.upper == pytest.approx(case["upper_iut"], abs=tol)
    assert gap.chance_of_gap == pytest.approx(case["chance_of_gap_if_equal"], abs=case["chance_tol"])
    assert (gap.high.group, gap.low.group) == ((case["highest"],), (case["lowest"],))
    assert names(gap.compared) == case["gap_over"]
    assert names(gap.unsupported) == case["unsupported_groups"]
    assert set(gap.supported) | set(gap.unsupported) == {c.group for c in groups}


def test_a_limit_met_exactly_is_met():
    """80/100 − 70/100 > 0.10 and (12/40)/(15/40) < 0.8 are true of floats and false of the rates."""
    assert 80 / 100 - 70 / 100 > 0.10
    assert difference_gap(of((80, 100), (70, 100)), min_support=50).value == Fraction("0.10")
    assert (12 / 40) / (15 / 40) < 0.8
    assert ratio_gap(of((15, 40), (12, 40)), min_support=10).value == Fraction("0.8")


def test_thin_groups_are_left_out_while_two_others_stand():
    gap = difference_gap(of((400, 500), (395, 500), (0, 12)), min_support=50)
    assert (gap.value, gap.value_all) == (Fraction(1, 100), Fraction(4, 5))
    assert names(gap.unsupported) == ["C"]
    assert gap.lower == 0
    assert gap.lower_all > 0.4
    alone = difference_gap(of((400, 500), (9, 12), (0, 12)), min_support=50)
    assert names(alone.compared) == ["A", "B", "C"]
    assert alone.value == alone.value_all == Fraction(4, 5)


def test_the_protect_floor_is_ten_rows():
    assert difference_gap(of((9, 9), (0, 9)), min_support=50).lower_all == 0
    assert difference_gap(of((10, 10), (0, 10)), min_support=50).lower_all > 0


@pytest.mark.parametrize("make", [difference_gap, ratio_gap])
@pytest.mark.parametrize("groups", [of(), of((3, 6)), of((3, 6), (0, 0)), of((0, 0), (0, 0))])
def test_under_two_groups_nothing_is_known(make, groups):
    gap = make(groups, min_support=0)
    assert gap.value is None and gap.value_all is None and gap.interval is None and gap.chance_of_gap is None
    assert gap.lower == gap.lower_all == 0
    assert gap.upper == gap.upper_all == (1 if make is difference_gap else math.inf)


def test_a_group_without_rows_is_unsupported_whatever_the_minimum():
    gap = difference_gap(of((30, 60), (20, 60), (0, 0)), min_support=0)
    assert names(gap.unsupported) == ["C"]
    assert names(gap.compared) == ["A", "B"]


def test_ties_go_to_the_first_and_may_name_one_group_twice():
    gap = difference_gap(of((5, 10), (10, 20), (15, 30)), min_support=0)
    assert gap.high.group == gap.low.group == ("A",)
    assert gap.value == 0 and gap.chance_of_gap == 1
    assert gap.interval == newcombe_difference(5, 10, 10, 20, z_two_sided(0.95))
    first = difference_gap(of((2, 10), (8, 10), (4, 20), (16, 20)), min_support=0)
    assert (first.high.group, first.low.group) == (("B",), ("A",))


@settings(deadline=None)
@given(many())
def test_difference_bounds_bracket_the_gap_and_ignore_order(counts):
    gap = difference_gap(counts, min_support=0)
    back = difference_gap(counts[::-1], min_support=0)
    assert 0 <= gap.lower <= float(gap.value) + 1e-12 and float(gap.value) <= gap.upper + 1e-12 <= 1 + 1e-11
    assert (back.value, back.lower, back.upper) == (gap.value, gap.lower, gap.upper)
    assert back.chance_of_gap == pytest.approx(gap.chance_of_gap, abs=1e-12)
    assert gap.interval.low - 1e-12 <= float(gap.value) <= gap.interval.high + 1e-12


@settings(deadline=None)
@given(many(groups=(2, 4)))
def test_difference_bounds_are_the_extremes_over_ordered_pairs(counts):
    gap = difference_gap(counts, min_support=0)
    pairs = [
        (a.numerator, a.denominator, b.numerator, b.denominator) for a, b in itertools.permutations(counts, 2)
    ]
    z_t = z_simultaneous(0.95, len(counts))
    assert gap.lower == max(0, *(newcombe_difference(*p, z_t).low for p in pairs))
    assert gap.upper == max(newcombe_difference(*p, z_one_sided(0.95)).high for p in pairs)


@settings(deadline=None)
@given(many(groups=(2, 4)))
def test_ratio_bounds_are_the_extremes_over_ordered_pairs(counts):
    gap = ratio_gap(counts, min_support=0)
    if gap.value is None:
        assert gap.high.numerator == 0 and gap.lower == 0 and gap.upper == math.inf
        return
    assert 0 <= gap.lower <= float(gap.value) * (1 + 1e-12) <= 1 + 1e-11
    assert float(gap.value) <= gap.upper * (1 + 1e-12)
    z, z_t = z_one_sided(0.95), z_simultaneous(0.95, len(counts))
    lows, highs = [], []
    for a, b in itertools.permutations(counts, 2):
        pair = (a.numerator, a.denominator, b.numerator, b.denominator)
        approve, accuse = koopman_ratio(*pair, z), koopman_ratio(*pair, z_t)
        lows.append(approve.low if approve else 0)
        highs.append(accuse.high if accuse else math.inf)
    # Two pairs may have the same bound but for its last digit.
    assert (gap.lower, gap.upper) == pytest.approx((min(lows), min(highs)), rel=1e-12)


def test_ratio_names_the_low_rate_over_the_high_one():
    gap = ratio_gap(of((48, 80), (12, 40)), min_support=30)
    assert (gap.high.group, gap.low.group) == (("A",), ("B",))
    assert gap.value == Fraction(1, 2)
    assert gap.interval == koopman_ratio(12, 40, 48, 80, z_two_sided(0.95))
    assert gap.upper < 0.8  # four fifths: harm is proven, not only suspected


def test_a_thin_group_proves_harm_in_a_ratio_too():
    gap = ratio_gap(of((400, 500), (395, 500), (0, 12)), min_support=50)
    assert gap.value == Fraction(395, 400) and gap.value_all == 0
    assert gap.upper > 0.95 and gap.upper_all < 0.5


@settings(deadline=None, max_examples=40)
@given(many(groups=(2, 3), most=9))
def test_chance_of_gap_matches_counting_every_sample(counts):
    rates = [c.value for c in counts]
    observed = max(rates) - min(rates)
    pooled = Fraction(sum(c.numerator for c in counts), sum(c.denominator for c in counts))
    total = Fraction(0)
    for sample in itertools.product(*(range(c.denominator + 1) for c in counts)):
        drawn = [Fraction(x, c.denominator) for x, c in zip(sample, counts, strict=True)]
        if max(drawn) - min(drawn) >= observed:
            mass = Fraction(1)
            for x, c in zip(sample, counts, strict=True):
                n = c.denominator
                mass *= math.comb(n, x) * pooled**x * (1 - pooled) ** (n - x)
            total += mass
    assert chance_of_gap(counts) == pytest.approx(float(total), abs=1e-12)


@pytest.mark.parametrize("scale", [1, 7, 50, 2000])
def test_chance_of_gap_counts_ties_at_any_size(scale):
    """Shares 1/2 + 1/n and 1/2 − 1/n: P(|X−Y| ≥ 2), the equality included, X and Y Binomial(n, ½)."""
    from scipy.stats import binom

    n = 4 * scale
    # X + (n − Y) is Binomial(2n, ½), so |X − Y| ≥ 2 is a distance of 2 from its mean n.
    exact = 2 * binom.cdf(n - 2, 2 * n, 0.5)
    counts = of((2 * scale + 1, n), (2 * scale - 1, n))
    assert chance_of_gap(counts) == pytest.approx(exact, abs=1e-9)


def test_chance_of_gap_does_not_lose_a_rate_another_group_only_nearly_reaches():
    """0/52 is too unlikely to be kept for the large group, and still the small group's 0/1."""
    chance = 1 / 53 * (52 / 53) ** 52 + 52 / 53 * (1 / 53) ** 52
    assert chance_of_gap(of((52, 52), (0, 1))) == pytest.approx(chance, abs=1e-12)
    assert chance_of_gap(of((0, 1), (52, 52))) == pytest.approx(chance, abs=1e-12)


def test_chance_of_gap_is_close_to_the_normal_law_when_large():
    n = 10**7
    chance = chance_of_gap(of((8_000_400, n), (7_999_600, n)))
    z = 800 / math.sqrt(2 * n * 0.8 * 0.2)
    assert chance == pytest.approx(math.erfc(z / math.sqrt(2)), abs=1e-3)


def test_chance_of_gap_with_many_groups_of_many_sizes():
    """1 − P(range of K normals < observed), the limit for large groups of one size."""
    from scipy.stats import studentized_range

    n, rates = 1_000_003, (0.5, 0.5008, 0.5003, 0.5011)
    counts = of(*((round(n * p), n) for p in rates))
    q = (rates[3] - rates[0]) / math.sqrt(0.25 / n)
    assert chance_of_gap(counts) == pytest.approx(studentized_range.sf(q, 4, math.inf), abs=2e-3)
    sizes = of((500, 1000), (1010, 2001), (1520, 2999), (5, 11), (0, 0))
    assert 0 < chance_of_gap(sizes) < 1


def test_chance_of_gap_needs_two_groups():
    assert chance_of_gap([]) is None
    assert chance_of_gap(of((1, 2))) is None
    assert chance_of_gap(of((1, 2), (0, 0))) is None
    assert chance_of_gap(of((0, 5), (0, 9))) == 1
    assert chance_of_gap(of((5, 5), (9, 9))) == 1
    assert chance_of_gap(of((3, 3), (0, 3))) == pytest.approx(1 / 32)


def test_mean_gap_has_the_same_two_bounds():
    groups = [mean("A", "0.05", 0.01), mean("B", "-0.03", 0.02), mean("C", "0.01", 0.01, n=5)]
    gap = mean_gap(groups, min_support=30)
    assert gap.value == Fraction("0.08") and gap.chance_of_gap is None
    assert names(gap.unsupported) == ["C"]
    se = math.hypot(0.01, 0.02)
    assert gap.lower == pytest.approx(0.08 - z_simultaneous(0.95, 2) * se)
    assert gap.upper == pytest.approx(0.08 + z_one_sided(0.95) * se)
    assert gap.lower_all == pytest.approx(gap.lower)
    unknown = mean_gap([mean("A", 1, 0.1), mean("B", 0, math.inf)], min_support=0)
    assert (unknown.lower, unknown.upper) == (0, math.inf)
    assert mean_gap(groups[:1], min_support=0).upper == math.inf

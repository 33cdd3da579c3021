"""Intervals for rates, differences and ratios against three outside producers, and their laws."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from audit_core.metrics import intervals as iv

GOLDEN = Path(__file__).parent / "golden"
Z95, Z90 = iv.z_two_sided(0.95), iv.z_two_sided(0.90)


def golden(name):
    return json.loads((GOLDEN / name).read_text(encoding="utf-8"))


RATES, PAIRS = golden("rate_intervals.json"), golden("diff_ratio_intervals.json")


@st.composite
def counts(draw, most=500, least=1):
    n = draw(st.integers(least, most))
    return draw(st.integers(0, n)), n


def test_normal_quantiles_are_exact():
    assert pytest.approx(1.959963984540054, abs=1e-14) == Z95
    assert iv.z_one_sided(0.95) == pytest.approx(1.6448536269514722, abs=1e-14)
    assert iv.z_one_sided(0.95) == pytest.approx(Z90, abs=1e-14)


def test_two_groups_are_an_ordinary_two_sided_interval():
    for level in (0.8, 0.9, 0.95, 0.99):
        assert iv.z_simultaneous(level, 2) == iv.z_two_sided(level)


def test_simultaneous_quantiles_match_the_published_table():
    table = {2: 1.960, 3: 2.344, 4: 2.569, 5: 2.728, 6: 2.850, 8: 3.031, 10: 3.164}
    assert {k: round(iv.z_simultaneous(0.95, k), 3) for k in table} == table


@pytest.mark.parametrize("groups", [2, 3, 6, 10, 40])
@pytest.mark.parametrize("probability", [0.2, 0.8, 0.95, 0.999])
def test_range_quantile_matches_scipy(groups, probability):
    from scipy.stats import studentized_range

    expected = studentized_range.ppf(probability, groups, math.inf)
    assert iv.range_quantile(probability, groups) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("bad", [0.0, 1.0, -0.1, 95.0])
def test_a_level_is_inside_0_and_1(bad):
    for quantile in (iv.z_one_sided, lambda q: iv.range_quantile(q, 3), lambda q: iv.z_simultaneous(q, 2)):
        with pytest.raises(ValueError, match="level"):
            quantile(bad)
    with pytest.raises(ValueError, match="two groups"):
        iv.range_quantile(0.95, 1)


@pytest.mark.parametrize("case", RATES["cases"], ids=lambda c: f"{c['in']['x']}-{c['in']['n']}")
def test_one_rate_matches_the_reference(case):
    x, n = case["in"]["x"], case["in"]["n"]
    if n:
        assert iv.clopper_pearson(x, n, 0.95) == pytest.approx(
            case["clopper_pearson_95"], abs=RATES["tol_abs"]
        )
        assert iv.wilson(x, n, 1.96) == pytest.approx(case["wilson_z1.96"], abs=RATES["tol_abs"])
    assert iv.wilson(x, n, Z95) == pytest.approx(case["wilson_95"], abs=RATES["tol_abs"])
    assert iv.wilson(x, n, Z90) == pytest.approx(case["wilson_90"], abs=RATES["tol_abs"])


@pytest.mark.parametrize("case", PAIRS["cases"], ids=lambda c: "-".join(map(str, c["in"].values())))
def test_two_rates_match_the_reference(case):
    given_ = tuple(case["in"][k] for k in ("x1", "n1", "x2", "n2"))
    for z, suffix in ((Z95, "_95"), (Z90, "_90")):
        difference = iv.newcombe_difference(*given_, z)
        assert difference == pytest.approx(case["newcombe" + suffix], abs=PAIRS["tol_abs"])
        expected, found = case["ratio_koopman" + suffix], iv.koopman_ratio(*given_, z)
        if expected is None:
            assert found is None
        elif expected != [None, None]:  # the R package gives up there; see the closed form below
            assert found == pytest.approx([float(e) for e in expected], abs=PAIRS["tol_abs"])


@settings(deadline=None)
@given(counts(), counts(), st.floats(0.5, 4))
def test_statsmodels_agrees(first, second, z):
    from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

    alpha = math.erfc(z / math.sqrt(2))
    low, high = proportion_confint(*first, alpha=alpha, method="wilson")
    assert iv.wilson(*first, z) == pytest.approx((low, high), abs=1e-9)
    low, high = proportion_confint(*first, alpha=alpha, method="beta")
    assert iv.clopper_pearson(*first, 1 - alpha) == pytest.approx((low, high), abs=1e-7)
    expected = confint_proportions_2indep(*first, *second, method="newcomb", compare="diff", alpha=alpha)
    assert iv.newcombe_difference(*first, *second, z) == pytest.approx(expected, abs=1e-9)


@settings(deadline=None)
@given(counts(most=10**7), st.floats(0.1, 5))
def test_wilson_holds_the_rate_and_reaches_the_edges_exactly(count, z):
    x, n = count
    low, high = iv.wilson(x, n, z)
    assert 0 <= low <= x / n <= high <= 1
    assert (low == 0) == (x == 0)
    assert (high == 1) == (x == n)
    mirror = iv.wilson(n - x, n, z)
    assert (1 - mirror.high, 1 - mirror.low) == pytest.approx((low, high), abs=1e-12)


@settings(deadline=None)
@given(counts(), st.floats(0.1, 4), st.floats(0.01, 1))
def test_wilson_widens_with_z_and_rises_with_the_count(count, z, more):
    x, n = count
    narrow, wide = iv.wilson(x, n, z), iv.wilson(x, n, z + more)
    assert wide.low <= narrow.low <= narrow.high <= wide.high
    if x < n:
        assert iv.wilson(x + 1, n, z).low > narrow.low - 1e-15


@settings(deadline=None)
@given(counts(), counts(), st.floats(0.1, 4))
def test_newcombe_is_antisymmetric_and_holds_the_difference(first, second, z):
    low, high = iv.newcombe_difference(*first, *second, z)
    back = iv.newcombe_difference(*second, *first, z)
    assert (-back.high, -back.low) == pytest.approx((low, high), abs=1e-14)
    assert -1 <= low <= first[0] / first[1] - second[0] / second[1] <= high <= 1


def score_is_z(ratio, pair, z):
    """The definition itself, by brute force over the nuisance rate: the profile likelihood's score."""
    (x1, n1), (x2, n2) = pair
    low, high = 0.0, min(1.0, 1 / ratio)
    for _ in range(200):  # the log-likelihood is concave in p2: its slope falls through 0
        p2 = (low + high) / 2
        p1 = ratio * p2
        slope = (x1 + x2) / p2 - ratio * (n1 - x1) / (1 - p1) - (n2 - x2) / (1 - p2)
        low, high = (p2, high) if slope > 0 else (low, p2)
    variance = p1 * (1 - p1) / n1 + ratio**2 * p2 * (1 - p2) / n2
    return abs(x1 / n1 - ratio * x2 / n2) / math.sqrt(variance) == pytest.approx(z, rel=1e-5)


@settings(deadline=None, max_examples=60)
@given(counts(most=2000), counts(most=2000), st.floats(0.5, 4))
def test_koopman_ends_are_where_the_score_test_turns(first, second, z):
    assume(0 < first[0] < first[1] and 0 < second[0] < second[1])
    found = iv.koopman_ratio(*first, *second, z)
    assert found is not None
    assert score_is_z(found.low, (first, second), z)
    assert score_is_z(found.high, (first, second), z)


@settings(deadline=None)
@given(counts(most=10**7), counts(most=10**7), st.floats(0.2, 5))
def test_koopman_always_converges_holds_the_ratio_and_inverts(first, second, z):
    found = iv.koopman_ratio(*first, *second, z)
    if first[0] == second[0] == 0:
        assert found is None
        return
    assert found is not None
    ratio = math.inf if second[0] == 0 else first[0] / first[1] / (second[0] / second[1])
    assert 0 <= found.low <= ratio * (1 + 1e-12)
    assert ratio <= found.high * (1 + 1e-12)
    assert (found.low == 0) == (first[0] == 0)
    assert (found.high == math.inf) == (second[0] == 0)
    back = iv.koopman_ratio(*second, *first, z)
    assert back is not None
    if found.low > 0:
        assert back.high == pytest.approx(1 / found.low, rel=1e-9)


@pytest.mark.parametrize(("n1", "n2"), [(1, 1), (10, 10), (30, 300), (10**7, 10**7), (3, 10**7)])
def test_koopman_of_two_perfect_rates_is_the_wilson_bound_of_each(n1, n2):
    found = iv.koopman_ratio(n1, n1, n2, n2, Z95)
    assert found == pytest.approx((n1 / (n1 + Z95**2), (n2 + Z95**2) / n2), rel=1e-9)


@settings(deadline=None)
@given(counts(most=300), counts(most=300), st.floats(0.5, 3), st.floats(0.05, 1))
def test_koopman_widens_with_z(first, second, z, more):
    assume(first[0] + second[0] > 0)
    narrow, wide = (iv.koopman_ratio(*first, *second, q) for q in (z, z + more))
    assert narrow is not None and wide is not None
    assert wide.low <= narrow.low * (1 + 1e-12)
    assert wide.high >= narrow.high * (1 - 1e-12)


def test_no_rows_say_nothing():
    assert iv.wilson(0, 0, Z95) == (0, 1)
    assert iv.clopper_pearson(0, 1, 0.95) == pytest.approx((0, 0.975))
    assert iv.newcombe_difference(0, 0, 3, 4, Z95) == (-1, 1)
    assert iv.koopman_ratio(0, 0, 3, 4, Z95) is None


def test_effective_counts_may_be_fractions():
    low, high = iv.wilson(2.5, 5.0, Z95)
    assert low + high == pytest.approx(1)


def test_impossible_counts_are_refused():
    for call in (lambda: iv.wilson(3, 2, Z95), lambda: iv.clopper_pearson(-1, 2, 0.95)):
        with pytest.raises(ValueError, match="denominator"):
            call()
    with pytest.raises(ValueError, match="positive"):
        iv.koopman_ratio(1, 2, 1, 2, 0.0)


def test_mean_difference_is_the_normal_interval():
    assert iv.mean_difference(0.3, 0.03, 0.1, 0.04, 2.0) == pytest.approx((0.1, 0.3))
    assert iv.mean_difference(0.3, math.inf, 0.1, 0.04, 2.0) == (-math.inf, math.inf)
    with pytest.raises(ValueError, match="standard error"):
        iv.mean_difference(0.3, math.nan, 0.1, 0.04, 2.0)

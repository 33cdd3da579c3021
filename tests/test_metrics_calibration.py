"""Calibration from integer sums, against the same figures computed row by row."""

import json
import math
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm

from audit_core.metrics.calibration import MICRO, BandSums, calibration, exact_squares
from audit_core.metrics.estimate import MeanValue, Measured, TooFew, Undefined, estimate_rate
from audit_core.metrics.gaps import mean_gap

CASES = json.loads((Path(__file__).parent / "golden" / "calibration.json").read_text(encoding="utf-8"))
Z = norm.ppf(0.975)
FINE = range(0, MICRO + 1, MICRO // 100)
TENTHS = range(0, MICRO + 1, MICRO // 10)
FIFTHS = range(0, MICRO + 1, MICRO // 5)


def fold(rows, edges=FINE):
    """Rows (label, micro-units) into the sums a cube holds."""
    n, s, squares = np.zeros((2, 100), dtype=np.int64), np.zeros((2, 100), dtype=np.int64), Counter()
    for label, q in rows:
        band = min(q // 10_000, 99)
        n[label, band] += 1
        s[label, band] += q
        squares["high"] += q * q // MICRO
        squares["low"] += q * q % MICRO
    total = exact_squares([squares["high"]], [squares["low"]])
    return BandSums(n0=n[0], n1=n[1], s0=s[0], s1=s[1], squares=total, edges=edges)


ROWS = {
    group: [(y, math.floor(score * 1e6 + 0.5)) for g, y, score in CASES["rows"] if g == group]
    for group in CASES["by_group"]
}


@pytest.mark.parametrize("group", sorted(ROWS))
def test_reference_groups(group):
    expected, tol = CASES["by_group"][group], CASES["tol_abs"]
    found = calibration(fold(ROWS[group]), cuts=FIFTHS, seed=1)
    assert found.ece == pytest.approx(expected["ece"], abs=tol)
    assert found.mce == pytest.approx(expected["mce"], abs=tol)
    assert found.brier == pytest.approx(expected["brier"], abs=tol)
    assert float(found.in_the_large) == pytest.approx(expected["in_the_large"], abs=tol)
    for band, row in zip(found.bands, expected["bands"], strict=True):
        assert band.n == row["n"]
        assert band.observed.value == pytest.approx(row["observed"], abs=tol)
        assert band.mean_score == pytest.approx(row["mean_score"], abs=tol)
        assert band.observed.interval == pytest.approx(row["wilson_95"], abs=tol)
        assert isinstance(band.observed, Measured if row["n"] >= 30 else TooFew)


def test_only_a_supported_band_is_flagged():
    bands = calibration(fold(ROWS["B"]), cuts=FIFTHS, seed=1).bands
    assert [band.flagged for band in bands] == [False, False, False, True, False]
    thin = calibration(fold([(0, 990_000)] * 29), cuts=TENTHS, seed=1).bands[9]
    assert not thin.flagged and isinstance(thin.observed, TooFew)
    assert calibration(fold([(0, 990_000)] * 30), cuts=TENTHS, seed=1).bands[9].flagged


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, MICRO)), min_size=2, max_size=60))
def test_sums_give_what_rows_give(rows):
    found = calibration(fold(rows), cuts=TENTHS, seed=7)
    y = np.array([row[0] for row in rows])
    s = np.array([row[1] for row in rows]) / MICRO
    assert (found.n, found.positives) == (len(rows), y.sum())
    assert found.brier == pytest.approx(np.mean((s - y) ** 2), abs=1e-12)
    assert float(found.in_the_large) == pytest.approx(np.mean(y - s), abs=1e-12)
    n, squares = len(y), np.var(y - s) * len(y)
    squares = max(squares, min(squares + Z * Z * max(0, 1 - 4 * squares / n) ** 2, 4 * Z * Z))
    assert found.in_the_large_se == pytest.approx(math.sqrt(squares / n / (n - 1)), abs=1e-9)
    band = np.minimum(np.array([row[1] for row in rows]) // 100_000, 9)
    off = [abs((y - s)[band == b].sum()) for b in range(10)]
    assert found.ece == pytest.approx(sum(off) / len(rows), abs=1e-12)
    assert 0 <= found.ece <= found.mce + 1e-12 <= 1 + 1e-11
    low, high = found.in_the_large_interval
    assert -1 <= low <= float(found.in_the_large) <= high <= 1


@pytest.mark.parametrize("y", [0, 1])
@pytest.mark.parametrize("n", [12, 30, 100, 1000])
def test_one_outcome_only_leaves_as_much_open_as_wilsons_interval(n, y):
    found = calibration(fold([(y, 500_000)] * n), cuts=TENTHS, seed=1)
    low, high = estimate_rate(y * n, n, required=1).interval
    assert Z * found.in_the_large_se >= high - low


@pytest.mark.parametrize("group", sorted(ROWS))
def test_where_both_outcomes_are_well_seen_the_interval_is_the_plain_one(group):
    off = [y - q / MICRO for y, q in ROWS[group]]
    found = calibration(fold(ROWS[group]), cuts=FIFTHS, seed=1)
    assert found.in_the_large_se == pytest.approx(np.std(off, ddof=1) / math.sqrt(len(off)), rel=1e-9)


def constant(n):
    """Standard errors of 0 … n positives among n rows of one score."""
    rows = [calibration(fold([(1, 100_000)] * x + [(0, 100_000)] * (n - x)), cuts=TENTHS, seed=1)
            for x in range(n + 1)]  # fmt: skip
    return np.array([row.in_the_large_se for row in rows])


@pytest.mark.parametrize("n", [20, 50, 100])
def test_a_constant_score_is_covered_and_rarely_passed_or_accused_at_the_limit(n):
    """Exactly, over every outcome of two groups whose rates lie just the limit apart."""
    x, se = np.arange(n + 1), constant(n)
    held = [float(binom.pmf(x, n, p) @ (abs(x / n - p) <= Z * se)) for p in (0.02, 0.05, 0.1, 0.2, 0.3, 0.5)]
    assert np.mean(held) >= 0.94 and min(held) >= 0.92
    apart, both = abs(x[:, None] - x[None, :]) / n, np.hypot(se[:, None], se[None, :])
    for start in (0, 0.02, 0.05, 0.2):
        for limit in (0.02, 0.05, 0.1):
            chance = np.outer(binom.pmf(x, n, start + limit), binom.pmf(x, n, start))
            assert chance[apart + norm.ppf(0.95) * both <= limit].sum() <= 0.06
            assert chance[apart - Z * both > limit].sum() <= 0.05


def test_no_rounding_in_ten_million_rows():
    """0.1 each, a tenth of them positive: calibrated exactly, though 0.1 has no exact float."""
    zeros = [0] * 100
    n0, n1, s0, s1 = (list(zeros) for _ in range(4))
    n0[10], n1[10], s0[10], s1[10] = 9_000_000, 1_000_000, 9_000_000 * 100_000, 1_000_000 * 100_000
    sums = BandSums(n0=n0, n1=n1, s0=s0, s1=s1, squares=10**7 * 100_000**2, edges=FINE)
    found = calibration(sums, cuts=TENTHS, seed=1)
    assert found.in_the_large == 0 and found.ece == 0
    assert found.brier == float(Fraction(9, 100))


def test_bands_are_closed_on_the_left_and_the_last_on_both_sides():
    found = calibration(fold([(1, 0), (1, 100_000), (0, 99_999), (1, MICRO)]), cuts=TENTHS, seed=1)
    assert [band.n for band in found.bands] == [2, 1, 0, 0, 0, 0, 0, 0, 0, 1]
    assert (found.bands[0].low, found.bands[0].high, found.bands[9].high) == (0, 0.1, 1)


def test_an_empty_band_is_undefined_and_no_rows_at_all_too():
    found = calibration(fold([(1, 50_000)]), cuts=TENTHS, seed=1)
    assert isinstance(found.bands[5].observed, Undefined)
    assert found.bands[5].mean_score is None
    assert found.in_the_large_se == math.inf and found.in_the_large_interval == (-1, 1)
    assert isinstance(calibration(fold([]), cuts=TENTHS, seed=1), Undefined)


@pytest.mark.parametrize(("n", "expected"), [(100, 0.147), (200, 0.103), (500, 0.066), (1000, 0.047)])
def test_the_null_of_ece_is_of_the_published_size(n, expected):
    """95th percentile under perfect calibration, ten bands, scores spread evenly."""
    rows = [(0, (2 * i + 1) * MICRO // (2 * n)) for i in range(n)]
    assert calibration(fold(rows), cuts=TENTHS, seed=3).ece_null95 == pytest.approx(expected, rel=0.12)


def test_the_null_of_ece_repeats_with_its_seed_and_forgets_the_labels():
    one, again, other = (calibration(fold(ROWS["A"]), cuts=TENTHS, seed=s).ece_null95 for s in (5, 5, 6))
    assert one == again
    assert one == pytest.approx(other, rel=0.1)
    relabelled = calibration(fold([(1 - y, q) for y, q in ROWS["A"]]), cuts=TENTHS, seed=5)
    assert relabelled.ece_null95 == one


def test_groups_are_compared_in_the_large():
    groups = [calibration(fold(rows), cuts=TENTHS, seed=1).as_mean((g,)) for g, rows in ROWS.items()]
    gap = mean_gap(groups, min_support=50)
    assert float(gap.value) == pytest.approx(0.04478911564625854 + 0.09892810457516332)
    assert (gap.high.group, gap.low.group) == (("A",), ("B",))
    assert 0 < gap.lower < gap.value < gap.upper


def test_a_gap_of_means_stays_within_what_is_possible_and_the_unknown_stays_unknown():
    wide = [MeanValue(group=(g,), value=Fraction(v, 10), se=0.6, n=100) for g, v in (("A", 8), ("B", 7))]
    area = mean_gap(wide, min_support=50, span=1.0)
    assert (area.interval, area.upper) == ((-1, 1), 1)
    means = mean_gap(wide, min_support=50)
    assert -2 <= means.interval.low < -1 and 1 < means.upper <= 2
    unknown = [MeanValue(group=(g,), value=Fraction(1, 2), se=math.inf, n=100) for g in "AB"]
    assert mean_gap(unknown, min_support=50, span=1.0).upper == math.inf


def test_mistakes_are_refused():
    sums = fold(ROWS["A"])
    for cuts in ([], [0, 500_000], [0, 12_345, MICRO], [0, 600_000, 400_000, MICRO]):
        with pytest.raises(ValueError, match="cuts"):
            calibration(sums, cuts=cuts, seed=1)
    with pytest.raises(ValueError, match="within its band"):
        BandSums(n0=[1], n1=[0], s0=[200], s1=[0], squares=0, edges=[0, 100])
    with pytest.raises(ValueError, match="ascend"):
        BandSums(n0=[0], n1=[0], s0=[0], s1=[0], squares=0, edges=[100, 0])
    with pytest.raises(ValueError, match="edge more"):
        BandSums(n0=[0], n1=[0, 0], s0=[0], s1=[0], squares=0, edges=[0, 100])

"""Slope, intercept, Hosmer–Lemeshow and smooth ECE against statsmodels, scipy and relplot."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_metrics_calibration import CASES, FIFTHS, FINE, ROWS, fold

from audit_core.metrics.calibration import calibration
from audit_core.metrics.estimate import Undefined
from audit_core.metrics.recalibration import (
    HosmerLemeshow,
    Recalibration,
    hosmer_lemeshow,
    logistic_recalibration,
    score_fit,
    smooth_ece,
)

REFERENCE = json.loads((Path(__file__).parent / "golden" / "recalibration.json").read_text(encoding="utf-8"))
TOL = REFERENCE["tol_abs"]


def rows_of(group):
    return [y for g, y, _ in CASES["rows"] if g == group], [s for g, _, s in CASES["rows"] if g == group]


@pytest.mark.parametrize("group", sorted(REFERENCE["by_group"]))
def test_reference_line(group):
    expected, found = REFERENCE["by_group"][group], logistic_recalibration(*rows_of(group))
    for name in ("intercept", "slope", "slope_se", "offset"):
        assert getattr(found, name) == pytest.approx(expected[name], abs=TOL)
    low, high = found.slope_interval
    assert (high - low) / 2 == pytest.approx(1.959964 * expected["slope_se"], abs=1e-5)
    assert (low + high) / 2 == pytest.approx(expected["slope"], abs=TOL)


@pytest.mark.parametrize("group", sorted(REFERENCE["by_group"]))
def test_reference_fit_and_smooth_error(group):
    expected = REFERENCE["by_group"][group]
    bands = calibration(fold(ROWS[group]), cuts=FIFTHS, seed=1).bands
    found = hosmer_lemeshow(
        [b.n for b in bands], [b.positives for b in bands], [float(b.score_sum) for b in bands]
    )
    assert [found.statistic, found.df, found.p] == pytest.approx(expected["hosmer_lemeshow"], abs=TOL)
    assert smooth_ece(*rows_of(group)) == pytest.approx(
        expected["smooth_ece"], abs=REFERENCE["smooth_tol_abs"]
    )


@pytest.mark.parametrize("group", sorted(ROWS))
def test_a_cube_gives_nearly_what_rows_give(group):
    sums = fold(ROWS[group], edges=FINE)
    fit = score_fit(sums, calibration(sums, cuts=FIFTHS, seed=1).bands)
    rows = logistic_recalibration(*rows_of(group))
    assert fit.recalibration.n == rows.n
    assert fit.recalibration.slope == pytest.approx(rows.slope, abs=0.01)
    assert fit.recalibration.intercept == pytest.approx(rows.intercept, abs=0.01)
    assert fit.smooth_ece == pytest.approx(smooth_ece(*rows_of(group)), abs=0.002)
    assert fit.hosmer_lemeshow.statistic == pytest.approx(
        REFERENCE["by_group"][group]["hosmer_lemeshow"][0], abs=TOL
    )


def test_scores_that_were_stretched_show_it():
    draw = np.random.default_rng(8)
    logit = draw.normal(0, 1.2, 20_000)
    label = (draw.random(logit.size) < 1 / (1 + np.exp(-logit))).astype(int)
    right = logistic_recalibration(label, 1 / (1 + np.exp(-logit)))
    stretched = logistic_recalibration(label, 1 / (1 + np.exp(-(2 * logit + 0.5))))
    assert right.slope_interval.low < 1 < right.slope_interval.high
    assert right.intercept_interval.low < 0 < right.intercept_interval.high
    assert stretched.slope == pytest.approx(right.slope / 2, rel=1e-6)
    assert stretched.slope_interval.high < 1
    assert stretched.intercept == pytest.approx(right.intercept - 0.5 * stretched.slope, abs=1e-6)


def test_weights_stand_for_rows():
    label, score, weight = [0, 1, 0, 1], [0.2, 0.4, 0.6, 0.9], [3, 2, 1, 4]
    long = [np.repeat(part, weight) for part in (label, score)]
    for one, other in ((logistic_recalibration(label, score, weight=weight), logistic_recalibration(*long)),):
        assert one.slope == pytest.approx(other.slope, abs=1e-9)
        assert one.slope_se == pytest.approx(other.slope_se, abs=1e-9)
    assert smooth_ece(label, score, weight=weight) == pytest.approx(smooth_ece(*long), abs=1e-9)


@pytest.mark.parametrize(
    ("label", "score", "reason"),
    [
        ([], [], "no labelled rows"),
        ([1, 1], [0.2, 0.8], "one outcome only"),
        ([0, 1], [0.5, 0.5], "one score only"),
        ([0, 0, 1, 1], [0.1, 0.4, 0.4, 0.9], "separate"),
        ([1, 1, 0], [0.1, 0.2, 0.9], "separate"),
    ],
)
def test_a_line_without_a_finite_maximum_is_none(label, score, reason):
    found = logistic_recalibration(label, score)
    assert isinstance(found, Undefined)
    assert reason in found.reason


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1)), min_size=3, max_size=60))
def test_the_line_is_where_the_likelihood_is_flat(rows):
    label, score = [y for y, _ in rows], [s for _, s in rows]
    found = logistic_recalibration(label, score)
    if isinstance(found, Recalibration) and abs(found.slope) < 20:
        y, s = np.array(label), np.clip(score, 5e-7, 1 - 5e-7)
        x = np.log(s / (1 - s))
        left = y - 1 / (1 + np.exp(-(found.intercept + found.slope * x)))
        assert abs(left.sum()) < 1e-4 and abs((left * x).sum()) < 1e-3


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1)), min_size=1, max_size=60))
def test_smooth_error_lies_between_the_mean_error_and_the_absolute_one(rows):
    y, s = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    found = smooth_ece(y, s)
    assert abs(np.mean(y - s)) - 1e-3 <= found <= np.mean(np.abs(y - s)) + 1e-3


def test_fit_without_people_or_with_certain_bands_is_none():
    assert hosmer_lemeshow([], [], []) == Undefined(reason="no labelled rows")
    assert isinstance(hosmer_lemeshow([5, 5], [0, 3], [0.0, 2.0]), Undefined)
    assert hosmer_lemeshow([5, 0], [2, 0], [2.0, 0.0]) == HosmerLemeshow(statistic=0.0, df=1, p=1.0)
    assert smooth_ece([], []) is None


@pytest.mark.parametrize("bad", [([2], [0.5]), ([1], [1.5]), ([1, 0], [0.5]), ([1], [math.nan])])
def test_labels_and_scores_out_of_range_are_refused(bad):
    with pytest.raises(ValueError, match="label"):
        smooth_ece(*bad)

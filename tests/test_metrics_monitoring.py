"""Charts of slow regressions: the recursion by hand, and a limit that keeps its promise under no change."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.metrics.estimate import Count
from audit_core.metrics.monitoring import calibrated_limits, counted_part, cusum, ewma, standardised_gap


def calibrated_limit(*asked, **how):
    """The limit of the first sign alone."""
    found = calibrated_limits(*asked, **how)
    return found[0] if found else None


GOLDEN = json.loads((Path(__file__).parent / "golden" / "monitoring.json").read_text(encoding="utf-8"))
values = st.lists(st.floats(-5, 5), max_size=40)


def of(*pairs):
    return tuple(
        Count(group=(name,), numerator=x, denominator=n)
        for name, (x, n) in zip("AB", pairs, strict=True)
    )  # fmt: skip


def test_reference_charts():
    chart = cusum(GOLDEN["z"], limit=4)
    assert chart.values == pytest.approx(GOLDEN["cusum_k0.5"], abs=GOLDEN["tol_abs"])
    assert chart.first_alarm == GOLDEN["first_alarm_cusum_h4"]
    smooth = ewma(GOLDEN["z"], limit=3)
    assert smooth.values == pytest.approx(GOLDEN["ewma_lambda0.2_standardised"], abs=GOLDEN["tol_abs"])
    assert smooth.first_alarm == 9


@given(values, st.floats(0.1, 10))
def test_cusum_never_falls_below_zero_and_alarms_at_the_first_value_above_its_limit(z, limit):
    chart = cusum(z, limit=limit)
    assert len(chart.values) == len(z) and all(value >= 0 for value in chart.values)
    above = [t for t, value in enumerate(chart.values, start=1) if value > limit]
    assert chart.first_alarm == (above[0] if above else None)
    # The largest sum of any run of windows that ends here, each less the allowance.
    for t in range(len(z)):
        runs = [sum(v - 0.5 for v in z[start : t + 1]) for start in range(t + 1)]
        assert chart.values[t] == pytest.approx(max(0.0, *runs), abs=1e-9)


@given(values)
def test_with_all_the_weight_on_the_last_window_ewma_is_that_window(z):
    assert ewma(z, limit=1, weight=1).values == pytest.approx(z)


def test_ewma_has_unit_variance_when_nothing_changes():
    draw = np.random.default_rng(5)
    ends = [ewma(row, limit=9).values[-1] for row in draw.normal(size=(4000, 12)).tolist()]
    assert np.std(ends) == pytest.approx(1.0, abs=0.05)


def test_a_gap_is_scaled_by_the_baselines_rates_and_the_windows_people():
    z = standardised_gap(of((30, 60), (40, 40)), of((320, 400), (240, 300)))
    assert z == pytest.approx((0.5 - 1.0 - 0.0) / math.sqrt(0.16 / 60 + 0.16 / 40))
    assert standardised_gap(of((1, 2), (1, 2)), of((4, 4), (0, 9))) is None  # no scale
    assert standardised_gap(of((0, 0), (1, 2)), of((1, 4), (3, 9))) is None  # no rate


@pytest.mark.parametrize(
    ("baseline", "people", "published"),
    [(((320, 400), (240, 300)), (60, 40), 8.2), (((800, 1000), (640, 800)), (200, 150), 9.6)],
)
def test_calibrated_limits_are_those_measured_before(baseline, people, published):
    found = calibrated_limit(of(*baseline), people, 26, seed=11, charts=1)
    assert found.h == pytest.approx(published, abs=0.25)
    assert found == calibrated_limit(of(*baseline), people, 26, seed=11, charts=1)


def test_the_limit_holds_its_chance_of_a_false_alarm():
    """Drawn anew with another generator: baseline and windows share their rates, and few charts alarm."""
    baseline, people, horizon = of((160, 200), (120, 160)), (80, 60), 13
    limit = calibrated_limit(baseline, people, horizon, seed=3, charts=1)
    draw, alarms, tries = np.random.default_rng(99), 0, 3000
    for _ in range(tries):
        started = of((draw.binomial(200, 0.8), 200), (draw.binomial(160, 0.75), 160))
        z = [
            standardised_gap(of((draw.binomial(80, 0.8), 80), (draw.binomial(60, 0.75), 60)), started)
            for _ in range(horizon)
        ]
        alarms += cusum(z, limit=limit.h).first_alarm is not None
    assert 0.035 <= alarms / tries <= 0.065


def test_more_charts_and_longer_horizons_need_a_higher_limit():
    baseline = of((160, 200), (120, 160))
    one = calibrated_limit(baseline, (80, 60), 13, seed=3, charts=1)
    assert calibrated_limit(baseline, (80, 60), 13, seed=3, charts=4).h > one.h
    assert calibrated_limit(baseline, (80, 60), 52, seed=3, charts=1).h > one.h
    assert calibrated_limit(of((5, 5), (0, 5)), (80, 60), 13, seed=3) is None


def test_what_is_no_chart_is_refused():
    with pytest.raises(ValueError, match="positive"):
        cusum([1.0], limit=0)
    with pytest.raises(ValueError, match="finite"):
        cusum([math.nan], limit=4)
    with pytest.raises(ValueError, match="allowance"):
        cusum([1.0], limit=4, allowance=-1)
    with pytest.raises(ValueError, match="weight"):
        ewma([1.0], limit=4, weight=0)
    with pytest.raises(ValueError, match="one or more"):
        calibrated_limit(of((1, 2), (1, 2)), (0, 5), 13, seed=1)


def test_many_more_people_than_planned_raise_no_more_false_alarms():
    """Five times the people for six months: with every person counted a third of these runs alarm."""
    rates, sizes, people = (0.8, 0.75), (400, 300), (200, 150)
    count = [round(p * n) for p, n in zip(rates, sizes, strict=True)]
    before = of(*((x, n) for x, n in zip(count, sizes, strict=True)))
    limit = calibrated_limit(before, people, 6, seed=1, charts=1).h
    draw, alarms, whole = np.random.default_rng(2), 0, 0
    for _ in range(400):
        began = of(*((draw.binomial(n, p), n) for p, n in zip(rates, sizes, strict=True)))
        windows = [
            of(*((draw.binomial(5 * n, p), 5 * n) for p, n in zip(rates, people, strict=True)))
            for _ in range(6)
        ]
        z = [standardised_gap(window, began) for window in windows]
        parts = [counted_part(window, began, people) for window in windows]
        alarms += cusum([a * b for a, b in zip(z, parts, strict=True)], limit=limit).first_alarm is not None
        whole += cusum(z, limit=limit).first_alarm is not None
    assert alarms / 400 <= 0.05 + 3 * (0.05 * 0.95 / 400) ** 0.5
    assert whole / 400 > 0.15

"""A rate that is there, one on too few rows, one that is not there: three types, never a zero."""

import dataclasses
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_core.metrics.estimate import (
    Count,
    MeanValue,
    Measured,
    Suppressed,
    TooFew,
    Undefined,
    estimate_rate,
)


def test_enough_rows_are_measured():
    rate = estimate_rate(5, 6)
    assert isinstance(rate, Measured)
    assert (rate.value, rate.fraction) == (5 / 6, Fraction(5, 6))
    assert rate.interval == pytest.approx((0.43649717781352965, 0.9699466302516933), abs=1e-12)
    assert (rate.level, rate.method) == (0.95, "wilson")


def test_few_rows_carry_what_they_lack():
    rate = estimate_rate(5, 6, required=50)
    assert isinstance(rate, TooFew)
    assert not isinstance(rate, Measured)
    assert (rate.value, rate.required) == (5 / 6, 50)


def test_exactly_the_required_number_is_enough():
    assert isinstance(estimate_rate(1, 50, required=50), Measured)
    assert isinstance(estimate_rate(1, 49, required=50), TooFew)


@pytest.mark.parametrize("method", ["wilson", "clopper-pearson"])
@pytest.mark.parametrize("required", [0, 1, 50])
def test_no_rows_are_undefined_not_zero(method, required):
    rate = estimate_rate(0, 0, required=required, method=method)
    assert isinstance(rate, Undefined)
    assert rate.value is None
    assert rate.interval == (0, 1)


def test_a_suppressed_rate_has_no_number_and_no_interval():
    rate = Suppressed(reason="fewer than 10 people")
    assert rate.value is None
    assert [f.name for f in dataclasses.fields(rate)] == ["reason"]


def test_the_exact_interval_is_the_wider_one():
    exact, score = estimate_rate(37, 50, method="clopper-pearson"), estimate_rate(37, 50)
    assert isinstance(exact, Measured) and isinstance(score, Measured)
    assert exact.interval == pytest.approx((0.5965523212719342, 0.8536994156034455), abs=1e-9)
    assert exact.low < score.low < score.high < exact.high


@settings(deadline=None)
@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 100))
def test_every_rate_is_one_of_three(x, more, required):
    n = x + more
    rate = estimate_rate(x, n, required=required)
    expected = Undefined if n == 0 else TooFew if n < required else Measured
    assert type(rate) is expected


def test_mistakes_are_refused():
    for bad in ((2, 1), (-1, 1), (0, -1)):
        with pytest.raises(ValueError, match="denominator"):
            estimate_rate(*bad)
    with pytest.raises(ValueError, match="method"):
        estimate_rate(1, 2, method="wald")
    with pytest.raises(ValueError, match="denominator"):
        Count(group=("A",), numerator=2, denominator=1)
    with pytest.raises(ValueError, match="standard error"):
        MeanValue(group=("A",), value=Fraction(1, 2), se=float("nan"), n=3)


def test_a_count_without_rows_has_no_rate():
    assert Count(group=("A",), numerator=0, denominator=0).value is None
    assert Count(group=("A",), numerator=1, denominator=3).value == Fraction(1, 3)

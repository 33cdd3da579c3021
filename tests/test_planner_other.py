"""How many people ratios, means, single values and one slice need: by hand, and by seeded simulation."""

import math
from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_core.metrics.estimate import MeanValue
from audit_core.metrics.gaps import mean_gap
from audit_core.metrics.intervals import (
    koopman_ratio,
    newcombe_difference,
    ratio_score,
    wilson,
    z_one_sided,
    z_simultaneous,
)
from audit_core.metrics.planner import (
    MOST_PEOPLE,
    people_for_slice,
    people_to_confirm,
    people_to_confirm_slice,
    people_to_pass,
    slice_power,
    with_margin,
)
from audit_core.metrics.planner_other import (
    means_to_confirm,
    means_to_pass,
    ratio_to_confirm,
    ratio_to_pass,
    slice_of_spread,
    value_to_confirm,
    value_to_hold,
)

Z = z_one_sided(0.95)


def draws(rates, people, runs=600, seed=5):
    """Counts of each sample, one column per group."""
    return np.random.Generator(np.random.PCG64(seed)).binomial(people, rates, size=(runs, len(rates)))


def bounds(rates, people):
    """(L, U) of each sample, from the pairs: `difference_gap` also works out what chance gives."""
    accuse = z_simultaneous(0.95, len(rates))
    for sample in draws(rates, people):
        pairs = list(permutations(zip(map(int, sample), people, strict=True), 2))
        upper = max(newcombe_difference(*a, *b, Z).high for a, b in pairs)
        yield max(newcombe_difference(*a, *b, accuse).low for a, b in pairs), upper


def share(found):
    found = list(found)
    return sum(map(bool, found)) / len(found)


def ratio_pairs(rates, n, z):
    """Whether the smallest rate of each sample is shown to be at least .8 of the largest."""
    for sample in draws(rates, [n] * len(rates)):
        low, high = int(min(sample)), int(max(sample))
        yield ratio_score(0.8, (low, n, high, n)) >= z


@pytest.mark.parametrize(("p", "groups"), [(0.1, 2), (0.3, 4), (0.5, 2), (0.8, 3), (0.95, 2)])
def test_equal_groups_of_the_planned_size_are_shown_to_keep_a_ratio(p, groups):
    n = ratio_to_pass(p, groups, 0.8)
    assert 0.70 < share(ratio_pairs([p] * groups, n, Z)) < 0.93


def test_the_score_test_is_the_bound_that_the_check_compares():
    n = ratio_to_pass(0.5, 2, 0.8)
    for low, high in draws([0.45, 0.55], [n, n], runs=40):
        bound = koopman_ratio(int(low), n, int(high), n, Z).low
        assert (bound >= 0.8) == (ratio_score(0.8, (int(low), n, int(high), n)) >= Z)


@pytest.mark.parametrize(("p", "true", "groups"), [(0.5, 0.9, 2), (0.3, 0.92, 2)])
def test_a_ratio_inside_its_limit_is_shown_with_the_planned_power(p, true, groups):
    n = ratio_to_pass(p, groups, 0.8, true)
    assert 0.70 < share(ratio_pairs([p, p * true], n, Z)) < 0.90


@pytest.mark.parametrize(("p", "true", "groups"), [(0.5, 0.6, 2), (0.2, 0.6, 4), (0.95, 0.7, 2)])
def test_a_ratio_outside_its_limit_is_confirmed_with_the_planned_power(p, true, groups):
    n = ratio_to_confirm(p, groups, 0.8, true)
    z = z_simultaneous(0.95, groups)
    found = [ratio_score(0.8, (int(low), n, int(high), n)) < -z for high, low in draws([p, p * true], [n, n])]
    assert 0.70 < share(found) < 0.90


@pytest.mark.parametrize("spreads", [(0.16, 0.16), (0.16, 0.16, 0.16, 0.16), (0.2, 0.2, 0.05)])
@pytest.mark.parametrize("true", [0.0, 0.04])
def test_means_of_the_planned_size_are_shown_within_the_limit(spreads, true):
    n = means_to_pass(spreads, 0.08, true)
    draw = np.random.Generator(np.random.PCG64(3))
    centres = [0.0, true, *[true / 2] * (len(spreads) - 2)]
    found = (mean_gap(_means(draw, centres, spreads, n), min_support=1).upper <= 0.08 for _ in range(400))
    assert 0.70 < share(found) < 0.95


def test_means_apart_are_confirmed_with_the_planned_power():
    n = means_to_confirm((0.16, 0.2), 3, 0.05, 0.10)
    draw = np.random.Generator(np.random.PCG64(4))
    samples = (_means(draw, [0.0, 0.10, 0.05], (0.16, 0.2, 0.1), n) for _ in range(400))
    assert 0.72 < share(mean_gap(means, min_support=1).lower > 0.05 for means in samples) < 0.90


def _means(draw, centres, spreads, n):
    return [
        MeanValue(group=(str(i),), value=Fraction(float(draw.normal(centre, math.sqrt(s / n)))),
                  se=math.sqrt(s / n), n=n)
        for i, (centre, s) in enumerate(zip(centres, spreads, strict=True))
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("p", "limits"),
    [
        (0.04, (0.02, 0.98)),
        (0.5, (0.45, 0.55)),
        (0.9, (0.8, None)),
        (0.03, (None, 0.05)),
        (0.97, (0.95, None)),
    ],
)
def test_a_group_of_the_planned_size_shows_its_rate_between_the_limits(p, limits):
    n, (low, high) = value_to_hold(p, limits), limits
    shown_as = [wilson(int(x), n, Z) for (x,) in draws([p], [n], runs=2000)]
    shown = [(low is None or b.low >= low) and (high is None or b.high <= high) for b in shown_as]
    assert 0.70 < share(shown) < 0.90


@pytest.mark.parametrize(("p", "limit"), [(0.01, 0.02), (0.7, 0.8), (0.55, 0.5), (0.1, 0.05)])
def test_a_group_of_the_planned_size_confirms_a_rate_beyond_its_limit(p, limit):
    n = value_to_confirm(p, limit)
    shown_as = [wilson(int(x), n, Z) for (x,) in draws([p], [n], runs=2000)]
    assert 0.74 < share(b.high < limit if p < limit else b.low > limit for b in shown_as) < 0.88


@pytest.mark.parametrize("others", [[1000], [1000, 600], [1000, 800, 800]])
def test_one_slice_beside_large_equal_groups_decides_with_the_planned_power(others):
    groups = len(others) + 1
    n = people_for_slice(0.8, [(0.8, people) for people in others], 0.1, power=slice_power(groups))
    assert n < people_to_pass(0.8, groups, 0.1)
    assert 0.76 < share(upper <= 0.1 for _, upper in bounds([0.8] * groups, [n, *others])) < 0.95


def test_at_eighty_per_cent_a_pair_one_slice_would_decide_in_only_six_of_ten_samples():
    """The reason for `slice_power`: equal groups can seem to differ in either direction."""
    n = people_for_slice(0.8, [(0.8, 1000)], 0.1)
    assert share(upper <= 0.1 for _, upper in bounds([0.8, 0.8], [n, 1000])) < 0.70


@settings(deadline=None)
@given(st.floats(0.1, 0.9), st.integers(2, 8), st.floats(0.03, 0.3))
def test_one_slice_and_all_slices_agree_where_the_others_have_the_planned_number(p, groups, limit):
    n = people_to_pass(p, groups, limit)
    alone = people_for_slice(p, [(p, n)] * (groups - 1), limit, power=slice_power(groups))
    # n is rounded up, so the slice may be up to as much smaller as one person in n makes.
    assert alone == pytest.approx(n, abs=2, rel=0.02)


def test_the_other_end_of_a_failure_can_be_enough_alone():
    n = people_to_confirm_slice(0.6, (0.8, 1000), 3, 0.1)
    found = bounds([0.6, 0.8, 0.7], [n, 1000, 300])
    assert 0.72 < share(lower > 0.1 for lower, _ in found) < 0.90
    assert people_to_confirm_slice(0.6, (0.8, 20), 2, 0.1) is None
    assert people_to_confirm_slice(0.75, (0.8, 1000), 2, 0.1) is None


def test_one_slice_by_its_spread():
    """s²/[(d/reach)² − s₂²/n₂] by hand: .16/(.05² − .16/200) = 94.1."""
    assert slice_of_spread(0.16, [(0.16, 200)], 0.1, 2.0) == 95
    assert slice_of_spread(0.16, [(0.16, 50)], 0.1, 2.0) is None
    assert slice_of_spread(0.16, [(0.16, 0)], 0.1, 2.0) is None
    assert slice_of_spread(0.16, [(0.16, 200)], 0.0, 2.0) is None


def test_what_cannot_be_decided_has_no_number():
    assert ratio_to_pass(0.5, 2, 0.8, 0.8) is None
    assert ratio_to_confirm(0.5, 2, 0.8, 0.8) is None
    assert means_to_pass((0.1, 0.1), 0.05, 0.05) is None
    assert means_to_confirm((0.1, 0.1), 2, 0.05, 0.05) is None
    assert value_to_hold(0.02, (0.02, None)) is None
    assert value_to_hold(0.5, (0.6, None)) is None
    assert value_to_hold(0.5, (0.5 - 1e-12, None)) is None
    assert value_to_confirm(0.2, 0.2) is None
    assert value_to_hold(0.4, (0.0, 1.0)) == 1  # limits that every rate keeps


def test_perfect_rates_still_need_people_for_a_ratio():
    n = ratio_to_pass(1.0, 2, 0.8)
    assert koopman_ratio(n, n, n, n, Z).low >= 0.8 > koopman_ratio(n - 1, n - 1, n - 1, n - 1, Z).low


def test_a_margin_near_nought_and_one():
    assert [with_margin(100, p) for p in (0.5, 0.94, 0.95, 1.0, 0.05, 0.06)] == [100, 100, 130, 130, 130, 100]


@settings(deadline=None)
@given(st.floats(0.05, 0.95), st.integers(2, 10), st.floats(0.5, 0.95))
def test_more_groups_or_a_tighter_ratio_need_more_people(p, groups, limit):
    n = ratio_to_pass(p, groups, limit)
    assert ratio_to_pass(p, groups + 1, limit) >= n >= ratio_to_pass(p, groups, limit * 0.95)


def test_mistakes_are_refused():
    with pytest.raises(ValueError, match="two groups"):
        ratio_to_pass(0.5, 1, 0.8)
    with pytest.raises(ValueError, match="strictly"):
        ratio_to_confirm(0.5, 2, 1.0, 0.5)
    with pytest.raises(ValueError, match="higher rate"):
        ratio_to_pass(0.0, 2, 0.8)
    with pytest.raises(ValueError, match="two groups"):
        means_to_pass((0.1,), 0.05)
    with pytest.raises(ValueError, match="spread"):
        means_to_confirm((0.1, -1), 2, 0.05, 0.1)
    with pytest.raises(ValueError, match="rate"):
        value_to_hold(1.2, (0.1, 0.2))
    with pytest.raises(ValueError, match="rate"):
        value_to_confirm(0.2, 1.2)


def test_what_is_on_the_limit_exactly_has_no_number_and_beside_it_none_beyond_reach():
    limit, tiny = Fraction(1, 10), Fraction(1, 10**6)
    assert people_to_pass(Fraction(9, 10), 2, limit, Fraction(9, 10) - Fraction(8, 10)) is None
    assert people_to_confirm(Fraction(9, 10), 2, limit, limit) is None
    assert ratio_to_pass(Fraction(7, 10), 2, Fraction(4, 5), Fraction(56, 70)) is None
    assert people_to_pass(Fraction(9, 10), 2, limit, limit - tiny) is None
    assert people_to_confirm(Fraction(9, 10), 2, limit, limit + tiny) is None
    assert ratio_to_pass(Fraction(7, 10), 2, Fraction(4, 5), Fraction(4, 5) + tiny) is None
    assert means_to_confirm([0.2, 0.2], 2, limit, limit + tiny) is None
    assert value_to_confirm(0.3, 0.3 + 1e-6) is None
    assert value_to_hold(0.3 + 1e-6, (0.3, None)) is None
    assert slice_of_spread(0.2, [(0.2, 10**15)], 1e-6, 2.5) is None
    assert people_to_pass(Fraction(9, 10), 2, limit, limit - Fraction(1, 1000)) < MOST_PEOPLE


def test_fractions_and_floats_give_the_same_numbers():
    third, limit = Fraction(1, 3), Fraction(1, 10)
    for gap in (Fraction(0), Fraction(1, 50)):
        assert people_to_pass(third, 3, limit, gap) == people_to_pass(1 / 3, 3, 0.1, float(gap))
    # As floats the whole of a rate may be a hair more than the rate.
    assert people_to_confirm(third, 2, limit, third) == people_to_confirm(1 / 3, 2, 0.1, 1 / 3)

"""What chance does to truly equal groups: exact, against an enumeration written a second time."""

import itertools
import json
import math
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm, studentized_range

from audit_core.metrics.equal_groups import means_by_chance, rate_between, rates_by_chance
from audit_core.metrics.intervals import koopman_ratio, newcombe_difference, wilson, z_one_sided

GOLDEN = json.loads((Path(__file__).parent / "golden" / "equal_groups.json").read_text(encoding="utf-8"))
TENTH, FOUR_FIFTHS = Fraction(1, 10), Fraction(4, 5)
Z = z_one_sided(0.95)


def enumerated(n, groups, p, keeps):
    """P(every sample is kept), over all samples of a few small groups."""
    mass = binom.pmf(range(n + 1), n, p)
    return sum(
        math.prod(mass[x] for x in xs)
        for xs in itertools.product(range(n + 1), repeat=groups)
        if all(keeps(a, b) for a, b in itertools.permutations(xs, 2))
    )


def extremes(n, groups, p, keeps):
    """The same by the joint law of the smallest and the largest count; scipy's binomial."""
    below = lambda x: float(binom.cdf(x, n, p))  # noqa: E731
    span = lambda a, b: max(0.0, below(b) - below(a - 1)) ** groups if b >= a else 0.0  # noqa: E731
    return sum(
        span(a, b) - span(a + 1, b) - span(a, b - 1) + span(a + 1, b - 1)
        for a in range(n + 1)
        for b in range(a, n + 1)
        if keeps(a, b)
    )


@pytest.mark.parametrize("groups", [2, 3])
@pytest.mark.parametrize("p", [0.2, 0.5, 0.9])
def test_a_gap_of_small_groups_is_the_sum_over_every_sample(groups, p):
    n, limit = 12, Fraction(4, 10)
    found = rates_by_chance("difference", n, groups, p, limit)
    inside = enumerated(n, groups, p, lambda a, b: Fraction(abs(a - b), n) <= limit)
    shown = enumerated(n, groups, p, lambda a, b: newcombe_difference(a, n, b, n, Z).high <= limit)
    assert (found.outside, found.within) == pytest.approx((1 - inside, shown), abs=1e-12)


@pytest.mark.parametrize("groups", [2, 3])
def test_a_ratio_of_small_groups_is_the_sum_over_every_sample(groups):
    n, limit, p = 14, Fraction(1, 3), 0.7

    def shown(a, b):
        found = koopman_ratio(a, n, b, n, Z)
        return found is not None and found.low >= limit

    found = rates_by_chance("ratio", n, groups, p, limit)
    inside = enumerated(n, groups, p, lambda a, b: min(a, b) >= limit * max(a, b))
    assert found.outside == pytest.approx(1 - inside, abs=1e-12)
    assert found.within == pytest.approx(enumerated(n, groups, p, shown), abs=1e-12)


@pytest.mark.parametrize("case", GOLDEN["outside"], ids=lambda c: f"{c['p']}-{c['groups']}")
def test_the_published_shares_of_equal_groups_outside_ten_points_at_fifty_people(case):
    """The published figures compare in floats, where 45/50 − 40/50 > 0.1; ours compare exact fractions."""
    p, groups = case["p"], case["groups"]
    in_floats = 1 - extremes(50, groups, p, lambda a, b: not b / 50 - a / 50 > 0.1)
    assert 100 * in_floats == pytest.approx(case["published"], abs=1.0)
    exact = 1 - extremes(50, groups, p, lambda a, b: Fraction(b - a, 50) <= TENTH)
    assert rates_by_chance("difference", 50, groups, p, TENTH).outside == pytest.approx(exact, abs=1e-10)
    assert exact < in_floats


@pytest.mark.parametrize("case", GOLDEN["within"], ids=lambda c: str(c["p"]))
def test_the_published_chance_that_fifty_equal_people_are_shown_within_ten_points(case):
    found = 100 * rates_by_chance("difference", 50, 2, case["p"], TENTH).within
    digits = len(str(case["published"]).partition(".")[2])
    assert round(found, digits) == case["published"]


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 80), st.integers(0, 80), st.integers(0, 80), st.sampled_from([0.05, 0.1, 0.3, 0.5]))
def test_a_bound_that_approves_a_pair_approves_every_pair_between(n, a, b, limit):
    low, high = sorted((min(a, n), min(b, n)))
    if newcombe_difference(high, n, low, n, Z).high <= limit:
        pairs = itertools.combinations_with_replacement(range(low, high + 1), 2)
        assert all(newcombe_difference(y, n, x, n, Z).high <= limit + 1e-12 for x, y in pairs)


@settings(deadline=None)
@given(
    st.integers(5, 400), st.integers(2, 10), st.floats(0.01, 0.99), st.sampled_from(["difference", "ratio"])
)
def test_outside_and_within_never_overlap(n, groups, p, compare):
    limit = TENTH if compare == "difference" else FOUR_FIFTHS
    found = rates_by_chance(compare, n, groups, p, limit)
    assert 0 <= found.outside <= 1
    assert 0 <= found.within <= 1
    assert found.outside + found.within <= 1 + 1e-9


def test_beyond_the_exact_size_the_normal_law_takes_over_without_a_step():
    for compare, p, limit in (("difference", 0.5, Fraction(3, 100)), ("ratio", 0.05, FOUR_FIFTHS)):
        exact, normal = (rates_by_chance(compare, n, 4, p, limit) for n in (10_000, 10_001))
        assert exact.within == pytest.approx(normal.within, abs=0.01)
        assert exact.outside == pytest.approx(normal.outside, abs=0.01)


def test_means_follow_the_law_of_the_range():
    found = means_by_chance(0.16, 400, 3, Fraction(8, 100))
    sigma = math.sqrt(0.16 / 400)
    reach = 0.08 / sigma
    assert found.outside == pytest.approx(studentized_range.sf(reach, 3, math.inf), abs=1e-6)
    room = reach - math.sqrt(2) * norm.ppf(0.95)
    assert found.within == pytest.approx(studentized_range.cdf(room, 3, math.inf), abs=1e-6)


def test_a_rate_between_limits_is_the_sum_over_every_count():
    low, high, n, p = Fraction(2, 100), Fraction(10, 100), 400, 0.05
    shown = [x for x in range(n + 1) if low <= wilson(x, n, Z).low and wilson(x, n, Z).high <= high]
    found = rate_between(n, p, (low, high))
    assert found.within == pytest.approx(sum(binom.pmf(shown, n, p)), abs=1e-12)
    outside = 1 - sum(binom.pmf([x for x in range(n + 1) if low <= Fraction(x, n) <= high], n, p))
    assert found.outside == pytest.approx(outside, abs=1e-12)
    assert rate_between(50, None, (Fraction(45, 100), Fraction(55, 100))) is None


def test_degenerate_rates_and_mistakes():
    sure = rates_by_chance("difference", 60, 3, 1.0, TENTH)
    assert (sure.outside, sure.within) == (0.0, 1.0)
    assert rates_by_chance("difference", 5, 2, 0.0, TENTH).within == 0.0  # five people show nothing
    for bad in ((0, 2, 0.5), (5, 1, 0.5), (5, 2, 1.5)):
        with pytest.raises(ValueError, match="equal groups"):
            rates_by_chance("difference", *bad, TENTH)

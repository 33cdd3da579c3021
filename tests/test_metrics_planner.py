"""How many people a check needs: the closed forms, and that the numbers do what they promise."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_core.metrics.estimate import Count
from audit_core.metrics.gaps import difference_gap
from audit_core.metrics.planner import people_for_slice, people_to_confirm, people_to_pass

GOLDEN = json.loads((Path(__file__).parent / "golden" / "sample_size.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda c: f"{c['target']}-{c['n_per_group']}")
def test_reference_cases(case):
    plan = people_to_pass if case["target"] == "PASS" else people_to_confirm
    asked = case["in"]
    found = plan(asked["p"], asked["K"], asked["tau"], asked["true_gap"], asked["power"], 1 - asked["alpha"])
    assert found == case["n_per_group"]


def power(rates, n, wanted, runs=400):
    """Share of samples whose gap is judged as wanted."""
    draw = np.random.Generator(np.random.PCG64(2))
    hits = 0
    for sample in draw.binomial(n, rates, size=(runs, len(rates))):
        counts = [Count(group=(str(i),), numerator=int(x), denominator=n) for i, x in enumerate(sample)]
        hits += wanted(difference_gap(counts, min_support=50))
    return hits / runs


def test_the_planned_number_has_about_the_planned_power():
    assert 0.72 < power([0.8] * 3, people_to_pass(0.8, 3, 0.1), lambda g: g.upper <= 0.1) < 0.88
    n = people_to_confirm(0.8, 2, 0.1, 0.2)
    assert 0.72 < power([0.8, 0.6], n, lambda g: g.lower > 0.1) < 0.88


def test_what_cannot_be_decided_has_no_number():
    assert people_to_pass(0.8, 2, 0.1, true_gap=0.1) is None
    assert people_to_pass(0.8, 2, 0.1, true_gap=0.2) is None
    assert people_to_confirm(0.8, 2, 0.1, true_gap=0.1) is None
    assert people_to_confirm(0.8, 2, 0.1, true_gap=0.0) is None


def test_perfect_rates_still_need_people():
    n = people_to_pass(1.0, 2, 0.1)

    def upper(m):
        both = [Count(group=(g,), numerator=m, denominator=m) for g in "AB"]
        return difference_gap(both, min_support=0).upper

    assert n == 25
    assert upper(n) <= 0.1 < upper(n - 1)
    assert people_to_confirm(1.0, 2, 0.1, true_gap=1.0) >= 1


def test_a_low_rate_has_its_gap_above():
    assert people_to_pass(0.02, 2, 0.1, true_gap=0.05) == people_to_pass(0.07, 2, 0.1, true_gap=0.05)


@settings(deadline=None)
@given(st.floats(0.05, 0.95), st.integers(2, 12), st.floats(0.02, 0.4))
def test_more_groups_or_a_tighter_limit_need_more_people(p, groups, limit):
    n = people_to_pass(p, groups, limit)
    assert people_to_pass(p, groups + 1, limit) >= n >= people_to_pass(p, groups, limit * 1.1)
    assert people_to_pass(p, groups, limit, power=0.9) >= n


def test_one_slice():
    """pq/[(τ/(z₉₅+z₈₀))² − pq/n_j] by hand: .16/(.0016174 − .00016) = 109.8."""
    assert people_for_slice(0.8, [(0.8, 1000)], 0.1) == 110
    assert people_for_slice(0.8, [(0.8, 1000), (0.8, 400)], 0.1) == 132
    assert people_for_slice(0.8, [(0.8, 1000), (0.8, 50)], 0.1) is None
    assert people_for_slice(0.8, [(0.8, 1000), (0.8, 0)], 0.1) is None
    assert people_for_slice(0.8, [(0.8, 1000)], 0.1, true_gap=0.1) is None
    assert people_for_slice(1.0, [(1.0, 1000)], 0.1) == 25


def test_mistakes_are_refused():
    for call in (people_to_pass, people_to_confirm):
        with pytest.raises(ValueError, match="two groups"):
            call(0.5, 1, 0.1, 0.05)
        with pytest.raises(ValueError, match="limit"):
            call(0.5, 2, 0.0, 0.05)
        with pytest.raises(ValueError, match="between 0 and 1"):
            call(1.5, 2, 0.1, 0.05)
        with pytest.raises(ValueError, match="between 0 and 1"):
            call(0.5, 2, 0.1, 0.6)
    with pytest.raises(ValueError, match="two groups"):
        people_for_slice(0.5, [], 0.1)
    with pytest.raises(ValueError, match="between 0 and 1"):
        people_for_slice(0.5, [(1.2, 30)], 0.1)

"""Bounds over two hundred groups are those of the plain definition, found without every pair's interval."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_core.metrics.chance import chance_of_gap
from audit_core.metrics.estimate import Count, MeanValue
from audit_core.metrics.gaps import difference_gap, mean_gap, mean_ratio_gap, ratio_gap
from audit_core.metrics.intervals import (
    koopman_ratio,
    mean_difference,
    newcombe_difference,
    z_one_sided,
    z_simultaneous,
)


@st.composite
def groups(draw, most=14):
    """Groups of very different sizes, many at 0, at 1 or alike, some of repeated people."""
    found = []
    for place in range(draw(st.integers(2, most))):
        n = draw(st.sampled_from([1, 2, 5, 12, 30, 200, 1000, 40_000]))
        x = draw(st.one_of(st.sampled_from([0, n, n // 2, max(0, n - 1)]), st.integers(0, n)))
        effect = draw(st.sampled_from([1.0, 1.0, 1.7]))
        found.append(Count(group=(str(place),), numerator=x, denominator=n, design_effect=effect))
    return found


def plain(counts, how, accuse, approve):
    pairs = list(itertools.permutations(counts, 2))
    return [how(*a.effective, *b.effective, accuse) for a, b in pairs], [
        how(*a.effective, *b.effective, approve) for a, b in pairs
    ]


@settings(deadline=None, max_examples=60)
@given(groups())
def test_rate_bounds_are_those_of_the_plain_definition(counts):
    z, z_t = z_one_sided(0.95), z_simultaneous(0.95, len(counts))
    found = difference_gap(counts, min_support=0)
    accuse, approve = plain([c for c in counts if c.support], newcombe_difference, z_t, z)
    if len([c for c in counts if c.support]) == len(counts):
        expected = max(0.0, *(i.low for i in accuse)), max(i.high for i in approve)
        assert (found.lower, found.upper) == pytest.approx(expected, abs=1e-12)
        found = ratio_gap(counts, min_support=0)
        accuse, approve = plain(counts, koopman_ratio, z_t, z)
        expected = (
            min(i.low if i else 0.0 for i in approve),
            min(i.high if i else math.inf for i in accuse),
        )
        assert (found.lower, found.upper) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.fractions(Fraction(1, 50), 3), st.sampled_from([0.0, 0.01, 0.4, math.inf])),
        min_size=2,
        max_size=9,
    )
)
def test_mean_bounds_are_those_of_the_plain_definition(values):
    means = [MeanValue(group=(str(i),), value=v, se=se, n=100) for i, (v, se) in enumerate(values)]
    z, z_t = z_one_sided(0.95), z_simultaneous(0.95, len(means))
    pairs = list(itertools.permutations(means, 2))

    def difference(a, b, at):
        return mean_difference(float(a.value), a.se, float(b.value), b.se, at)

    def logs(a, b, at):
        ses = a.se / float(a.value), b.se / float(b.value)
        return mean_difference(math.log(a.value), ses[0], math.log(b.value), ses[1], at)

    found = mean_gap(means, min_support=50, span=math.inf)
    assert found.lower == pytest.approx(max(0.0, *(difference(a, b, z_t).low for a, b in pairs)), abs=1e-12)
    assert found.upper == pytest.approx(max(difference(a, b, z).high for a, b in pairs), abs=1e-12)
    found = mean_ratio_gap(means, min_support=50)
    assert found.lower == pytest.approx(math.exp(min(logs(a, b, z).low for a, b in pairs)), rel=1e-12)
    assert math.log(found.upper) == pytest.approx(min(logs(a, b, z_t).high for a, b in pairs), abs=1e-12)
    assert found.value == min(m.value for m in means) / max(m.value for m in means)


def test_a_ratio_of_means_needs_means_over_0():
    means = [MeanValue(group=(name,), value=Fraction(value), se=0.1, n=100) for name, value in ("a1", "b0")]
    with pytest.raises(ValueError, match="over 0"):
        mean_ratio_gap(means, min_support=50)


def brute_chance(counts):
    """P(gap ≥ observed) by adding up every outcome."""
    pooled = sum(c.numerator for c in counts) / sum(c.denominator for c in counts)
    rates = [Fraction(c.numerator, c.denominator) for c in counts]
    observed, total = max(rates) - min(rates), 0.0
    for xs in itertools.product(*(range(c.denominator + 1) for c in counts)):
        seen = [Fraction(x, c.denominator) for x, c in zip(xs, counts, strict=True)]
        if max(seen) - min(seen) >= observed:
            total += math.prod(
                math.comb(c.denominator, x) * pooled**x * (1 - pooled) ** (c.denominator - x)
                for x, c in zip(xs, counts, strict=True)
            )
    return total


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.integers(1, 7).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=2, max_size=4
    )
)
def test_the_chance_of_a_gap_adds_up_every_outcome(pairs):
    counts = [Count(group=(str(i),), numerator=x, denominator=n) for i, (x, n) in enumerate(pairs)]
    assert chance_of_gap(counts) == pytest.approx(brute_chance(counts), abs=1e-9)


def test_two_hundred_groups_have_the_bounds_of_their_extreme_pairs():
    draw = np.random.default_rng(11)
    n = draw.integers(100, 3000, 200)
    counts = [
        Count(group=(f"{i:03}",), numerator=int(draw.binomial(size, 0.7)), denominator=int(size))
        for i, size in enumerate(n)
    ]
    z = z_one_sided(0.95)
    found = ratio_gap(counts, min_support=50)
    assert 0 < found.lower < float(found.value) < found.upper
    some = [counts[i] for i in draw.choice(200, 40, replace=False)]
    lows = [koopman_ratio(*a.effective, *b.effective, z).low for a, b in itertools.permutations(some, 2)]
    assert found.lower <= min(lows)
    assert found.lower == pytest.approx(ratio_gap(counts[::-1], min_support=50).lower, rel=1e-12)

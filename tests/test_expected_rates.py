"""What scores lead one to expect before outcomes are back: the formula, its range, and what it can't see."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from monitor_factory import small_release

from audit_core.cube.axes import NO, YES
from audit_core.cube.bands import score_bands
from audit_core.metrics.catalogue import RATES
from audit_core.metrics.expected import expected_rate, expected_rates, score_curve
from benchmarks.expected import OTHERS, SAME, coverage

FEW_BANDS = score_bands(
    Fraction(0), Fraction(1), Fraction(1, 2), (Fraction(1, 4), Fraction(1, 2), Fraction(3, 4))
)


def rows(low, high):
    """Rows by decision and band: those under the threshold not selected, the others selected."""
    table = np.zeros((4, FEW_BANDS.count), dtype=np.int64)
    table[NO, :2], table[YES, 2:] = low, high
    return table


def curve(negatives=(40, 30, 20, 10), positives=(10, 20, 30, 40)):
    return score_curve(np.array(negatives), np.array(positives), FEW_BANDS, least=20)


def test_an_expected_rate_is_what_the_release_showed_at_these_scores():
    table = rows((100, 50), (60, 80))
    shares = [(y + 0.5) / 51 for y in (10, 20, 30, 40)]
    positives = [n * p for n, p in zip((100, 50, 60, 80), shares, strict=True)]
    value, low, high, people = expected_rate(RATES["tpr"], table, curve())
    assert value == pytest.approx(sum(positives[2:]) / sum(positives))
    assert people == pytest.approx(sum(positives))
    assert low < value < high
    negatives = [n - y for n, y in zip((100, 50, 60, 80), positives, strict=True)]
    value, _, _, people = expected_rate(RATES["fpr"], table, curve())
    assert value == pytest.approx(sum(negatives[2:]) / sum(negatives))
    assert people == pytest.approx(sum(negatives))


@pytest.mark.parametrize("metric", ["tpr", "fpr", "ppv", "accuracy"])
def test_its_range_is_that_of_redrawn_outcomes(metric):
    """Against draws of both samples from their own distributions, which the formula only approximates."""
    table, draw = rows((300, 200), (200, 300)), np.random.default_rng(5)
    found = curve((80, 60, 40, 20), (20, 40, 60, 80))
    _, low, high, _ = expected_rate(RATES[metric], table, found)
    chance = draw.beta(np.array((20, 40, 60, 80)) + 0.5, np.array((80, 60, 40, 20)) + 0.5, (40_000, 4))
    positives = draw.binomial((300, 200, 200, 300), chance)
    counts = np.zeros((40_000, 3, 4), dtype=np.int64)
    counts[:, YES, NO], counts[:, YES, YES] = positives[:, :2].sum(1), positives[:, 2:].sum(1)
    counts[:, NO, NO], counts[:, NO, YES] = 500 - counts[:, YES, NO], 500 - counts[:, YES, YES]
    mask = RATES[metric]
    drawn = counts[:, mask.numerator].sum(1) / counts[:, mask.denominator].sum(1)
    assert (low, high) == pytest.approx(np.quantile(drawn, (0.025, 0.975)), abs=0.006)


def test_a_rate_that_no_outcome_can_move_has_no_range():
    value, low, high, _ = expected_rate(RATES["tpr"], rows((0, 0), (60, 80)), curve())
    assert (value, low, high) == (1.0, 1.0, 1.0)
    assert expected_rate(RATES["tpr"], rows((0, 0), (0, 0)), curve()) is None


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=4, max_size=4), st.integers(1, 50)
)
def test_bins_hold_enough_outcomes_and_never_lie_across_the_threshold(counts, least):
    negatives, positives = np.array(counts).T
    found = score_curve(negatives, positives, FEW_BANDS, least=least)
    total = negatives.sum() + positives.sum()
    if found is None:
        assert total < least
        return
    assert set(found.bin) == set(range(max(found.bin) + 1))
    assert set(found.bin[:2]).isdisjoint(found.bin[2:])
    assert ((found.share > 0) & (found.share < 1)).all()
    for place in set(found.bin):
        mine = found.bin == place
        alone = set(found.bin[:2] if mine[:2].any() else found.bin[2:]) == {place}
        assert alone or (negatives + positives)[mine].sum() >= least
        share = (positives[mine].sum() + 0.5) / ((negatives + positives)[mine].sum() + 1)
        assert found.share[mine] == pytest.approx(share)


def test_the_range_holds_other_people_and_does_not_hold_another_meaning():
    # Three standard errors of 300 draws under 95 %, and what can't be seen from scores is not seen.
    for shape in (SAME, OTHERS):
        held, judged = coverage((900, 400), shape, 0.0, 300, 11)
        assert all(held[metric] >= 0.905 * judged[metric] for metric in held)
    held, judged = coverage((2000, 900), SAME, 0.7, 150, 12)
    assert all(held[metric] < 0.7 * judged[metric] for metric in held)


def test_a_group_with_few_outcomes_stands_on_everybodys():
    _, audit, _ = small_release()
    cube = audit.counted.cube
    found = {e.group: e for e in expected_rates(audit.contract, ("tpr",), (("gender",),), cube, cube)}
    assert {group: e.curve for group, e in found.items()} == {("man",): "group", ("woman",): "group"}
    strict = replace(audit.contract, support=replace(audit.contract.support, rows=5000))
    thin = {e.group: e for e in expected_rates(strict, ("tpr",), (("gender",),), cube, cube)}
    assert {e.curve for e in thin.values()} == {"everybody"}
    table = cube.outcomes(("gender",))
    for group, e in found.items():  # the release itself is what it leads one to expect
        assert e.low <= RATES["tpr"].counts(table[group])[0] / RATES["tpr"].counts(table[group])[1] <= e.high

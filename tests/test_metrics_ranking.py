"""AUC and DeLong's variance from integer sums, against R's pROC and the definition."""

import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from audit_core.cube.ranks import rank_sums
from audit_core.metrics.gaps import mean_gap
from audit_core.metrics.intervals import z_two_sided
from audit_core.metrics.ranking import auc

GOLDEN = Path(__file__).parent / "golden"
DELONG = json.loads((GOLDEN / "auc_delong.json").read_text(encoding="utf-8"))
BY_GROUP = json.loads((GOLDEN / "group_auc.json").read_text(encoding="utf-8"))


def fold(labels, scores):
    """Rows into counts per distinct score, ascending."""
    values, place = np.unique(scores, return_inverse=True)
    labels = np.asarray(labels)
    at = [np.bincount(place[labels == y], minlength=len(values)) for y in (1, 0)]
    return rank_sums(*at)


def test_delong_matches_proc():
    found = auc(fold(DELONG["label"], DELONG["score"]))
    tol = DELONG["tol_abs"]
    assert found.value == pytest.approx(DELONG["auc"], abs=tol)
    assert found.plain == pytest.approx(DELONG["ci95"], abs=tol)
    assert found.se**2 == pytest.approx(DELONG["var"], abs=tol)
    assert found.method == "delong, logit scale"


def test_the_interval_on_the_logit_scale_is_the_plain_one_of_the_logit():
    found = auc(fold(DELONG["label"], DELONG["score"]))
    logit = [math.log(x / (1 - x)) for x in (found.low, found.value, found.high)]
    reach = z_two_sided(0.95) * found.se / (found.value * (1 - found.value))
    assert (logit[1] - logit[0], logit[2] - logit[1]) == pytest.approx((reach, reach))


@pytest.mark.parametrize("group", sorted(BY_GROUP["auc"]))
def test_groups_match_sklearn(group):
    rows = [row for row in BY_GROUP["rows"] if row[0] == group]
    found = auc(fold([y for _, y, _ in rows], [s for _, _, s in rows]))
    assert found.value == pytest.approx(BY_GROUP["auc"][group], abs=BY_GROUP["tol_abs"])


ROWS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 12)), min_size=2, max_size=60)


@settings(deadline=None)
@given(ROWS)
def test_sums_give_what_pairs_give(rows):
    pos, neg = ([s for y, s in rows if y == label] for label in (1, 0))
    assume(len(pos) > 1 and len(neg) > 1)
    found = auc(fold([y for y, _ in rows], [s for _, s in rows]))
    win = np.array([[(a > b) + 0.5 * (a == b) for b in neg] for a in pos])
    assert found.fraction == Fraction(int(2 * win.sum()), 2 * len(pos) * len(neg))
    variance = win.mean(axis=1).var(ddof=1) / len(pos) + win.mean(axis=0).var(ddof=1) / len(neg)
    if found.method == "delong, logit scale":
        assert found.se**2 == pytest.approx(variance, abs=1e-12)
    else:
        assert variance == pytest.approx(0, abs=1e-12)
    assert 0 <= found.low <= found.value <= found.high <= 1


@settings(deadline=None)
@given(ROWS)
def test_turning_labels_and_scores_round_changes_nothing(rows):
    labels, scores = np.array(rows).T
    assume(0 < labels.sum() < len(rows))
    plain, turned = auc(fold(labels, scores)), auc(fold(1 - labels, -scores))
    opposite = auc(fold(labels, -scores))
    assert (turned.fraction, turned.se) == (plain.fraction, pytest.approx(plain.se))
    assert opposite.fraction == 1 - plain.fraction


def test_a_perfect_sample_is_not_a_certain_one():
    found = auc(rank_sums([0, 0, 5], [6, 2, 0]))
    assert found.value == 1 and found.high == 1
    assert found.low == pytest.approx(5 / (5 + 1.959963984540054**2))
    assert found.se > 0 and found.method == "wilson on disjoint pairs"
    single = auc(rank_sums([0, 1], [3, 0]))
    assert (single.value, single.high) == (1, 1) and single.low < 0.25


def test_one_class_has_no_area():
    assert auc(rank_sums([1, 2], [0, 0])) is None
    assert auc(rank_sums([0, 0], [1, 2])) is None
    assert auc(rank_sums([], [])) is None


def test_sums_beyond_64_bits_stay_exact():
    rng = np.random.Generator(np.random.PCG64(5))
    pos, neg = rng.integers(0, 3_000_000, size=(2, 200))
    found = rank_sums(pos, neg)
    above = below = u2 = squares_pos = squares_neg = 0
    above = int(pos.sum())
    for p, m in zip(pos.tolist(), neg.tolist(), strict=True):
        above -= p
        u2 += p * (2 * below + m)
        squares_pos += p * (2 * below + m) ** 2
        squares_neg += m * (2 * above + p) ** 2
        below += m
    assert squares_pos > 2**63
    assert (found.u2, found.sum_sq_pos, found.sum_sq_neg) == (u2, squares_pos, squares_neg)


def test_groups_are_compared_by_their_area():
    good = auc(rank_sums([1, 5, 60], [60, 5, 1])).as_mean(("A",))
    poor = auc(rank_sums([20, 22, 24], [24, 22, 20])).as_mean(("B",))
    gap = mean_gap([good, poor], min_support=50)
    assert (gap.high.group, gap.low.group) == (("A",), ("B",))
    assert 0 < gap.lower < gap.value < gap.upper
    assert good.n == 132


def test_mistakes_are_refused():
    for pos, neg in (([1], [1, 2]), ([-1], [1]), ([[1]], [[1]])):
        with pytest.raises(ValueError, match="same scores"):
            rank_sums(pos, neg)
    with pytest.raises(ValueError, match="overflow"):
        rank_sums([10**9], [1])


def test_slices_have_no_gap_of_auc_rather_than_an_undefined_one(hiring_audit):
    measured = hiring_audit.measurements
    assert measured.gap(("source",), "selection_rate", "difference") is not None
    assert measured.gap(("source",), "auc", "difference") is None
    assert measured.gap(("gender",), "auc", "difference").gap.value > 0

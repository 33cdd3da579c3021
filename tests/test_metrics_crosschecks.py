"""Second opinions on two rates, against R's contingencytables, and adjusted p-values against statsmodels."""

import itertools
import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.metrics import crosschecks as cc
from audit_core.metrics import multiplicity as mt
from audit_core.metrics.intervals import newcombe_difference, z_two_sided

GOLDEN = Path(__file__).parent / "golden"
PAIRS = json.loads((GOLDEN / "cross_checks.json").read_text(encoding="utf-8"))
ADJUSTED = json.loads((GOLDEN / "multiplicity.json").read_text(encoding="utf-8"))
METHODS = {
    "miettinen_nurminen": cc.miettinen_nurminen_difference,
    "agresti_caffo": cc.agresti_caffo_difference,
    "ratio_katz": cc.katz_ratio,
}
Z = z_two_sided(0.95)


@st.composite
def counts(draw, most=300):
    n = draw(st.integers(1, most))
    return draw(st.integers(0, n)), n


@pytest.mark.parametrize(("name", "level"), tuple(itertools.product(METHODS, (95, 90))))
@pytest.mark.parametrize("case", PAIRS["cases"], ids=lambda c: "{x1}.{n1}-{x2}.{n2}".format(**c["in"]))
def test_reference_intervals(case, name, level):
    given_counts = [case["in"][key] for key in ("x1", "n1", "x2", "n2")]
    found, expected = METHODS[name](*given_counts, z_two_sided(level / 100)), case.get(f"{name}_{level}")
    if expected is None:
        assert found is None
    else:
        assert found == pytest.approx(expected, abs=PAIRS["tol_abs"])


@given(counts(), counts())
def test_differences_hold_their_value_and_turn_around(a, b):
    for method in (cc.miettinen_nurminen_difference, cc.agresti_caffo_difference):
        low, high = method(*a, *b, Z)
        back = method(*b, *a, Z)
        assert -1 <= low <= high <= 1
        assert (-back.high, -back.low) == pytest.approx((low, high), abs=1e-9)
    low, high = cc.miettinen_nurminen_difference(*a, *b, Z)
    assert low <= a[0] / a[1] - b[0] / b[1] <= high


@given(counts(), counts())
def test_miettinen_nurminen_ends_where_its_statistic_is_z(a, b):
    d = a[0] / a[1] - b[0] / b[1]
    for end in cc.miettinen_nurminen_difference(*a, *b, Z):
        if -1 + 1e-9 < end < 1 - 1e-9 and abs(end - d) > 1e-9:
            assert abs(cc._score(end, (*a, *b))) == pytest.approx(Z, rel=1e-6)


@pytest.mark.parametrize("pair", [(0, 12, 0, 7), (12, 12, 7, 7), (0, 12, 7, 7), (12, 12, 0, 7)])
def test_the_cubic_survives_the_corners(pair):
    """A sign of 0 in the closed form would lose the root; on a double boundary R falls back to −1 to 1."""
    low, high = cc.miettinen_nurminen_difference(*pair, Z)
    assert high - low < 1.0
    assert (low, high) == pytest.approx(newcombe_difference(*pair, Z), abs=0.15)


def test_nobody_in_a_group_says_nothing():
    assert cc.miettinen_nurminen_difference(0, 0, 3, 6, Z) == (-1, 1)
    assert cc.katz_ratio(0, 5, 3, 6, Z) is cc.katz_ratio(3, 6, 0, 5, Z) is None


@pytest.mark.parametrize("method", METHODS.values())
def test_impossible_counts_are_refused(method):
    with pytest.raises(ValueError, match="count"):
        method(7, 6, 1, 6, Z)
    with pytest.raises(ValueError, match="count"):
        method(1, 6, -1, 6, Z)


def test_a_score_interval_needs_a_positive_z():
    with pytest.raises(ValueError, match="positive"):
        cc.miettinen_nurminen_difference(1, 6, 2, 6, 0.0)


@pytest.mark.parametrize(
    ("key", "adjust"),
    [
        ("bonferroni", mt.bonferroni),
        ("holm", mt.holm),
        ("bh", mt.benjamini_hochberg),
        ("by", mt.benjamini_yekutieli),
    ],
)
def test_adjusted_p_values_match_statsmodels(key, adjust):
    assert adjust(ADJUSTED["p"]) == pytest.approx(ADJUSTED[key], abs=ADJUSTED["tol_abs"])


@given(st.lists(st.floats(0, 1), max_size=30), st.randoms(use_true_random=False))
def test_adjusted_p_values_keep_their_order_and_their_places(p, random):
    shuffled = list(range(len(p)))
    random.shuffle(shuffled)
    for adjust in (mt.bonferroni, mt.holm, mt.benjamini_hochberg, mt.benjamini_yekutieli):
        found = adjust(p)
        assert all(a <= b <= 1 for a, b in zip(p, found, strict=True))
        assert all(found[i] <= found[j] for i in range(len(p)) for j in range(len(p)) if p[i] <= p[j])
        assert adjust([p[i] for i in shuffled]) == pytest.approx([found[i] for i in shuffled], abs=1e-15)
    assert all(a <= b for a, b in zip(mt.holm(p), mt.bonferroni(p), strict=True))
    assert all(a <= b + 1e-15 for a, b in zip(mt.benjamini_hochberg(p), mt.holm(p), strict=True))


@pytest.mark.parametrize("bad", [-0.1, 1.1, math.nan])
def test_a_p_value_lies_between_0_and_1(bad):
    with pytest.raises(ValueError, match="p-value"):
        mt.holm([0.1, bad])

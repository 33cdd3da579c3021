"""Matched pairs against three outside producers, and the laws of counting pairs."""

import json
import math
from dataclasses import astuple
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.metrics.estimate import TooFew, Undefined
from audit_core.metrics.intervals import newcombe_difference, wilson, z_two_sided
from audit_core.metrics.matched_pairs import (
    StageOutput,
    attributed_stage,
    cochran_q,
    compare_pair,
    compare_variants,
    flip_rate_bound,
    mcnemar,
    pairs_of_variants,
)
from audit_core.metrics.pair_intervals import PairCounts, bonett_price_ratio, newcombe_paired, tango_interval
from audit_core.metrics.signed_rank import mean_shift_interval, score_shift

GOLDEN = json.loads((Path(__file__).parent / "golden" / "matched_pairs.json").read_text(encoding="utf-8"))
TOL = GOLDEN["tol_abs"]
Z95 = z_two_sided(0.95)


def of(both, first, second, neither):
    return PairCounts(both=both, first_only=first, second_only=second, neither=neither)


def case_counts(case):
    return of(*(case["in"][key] for key in ("both_yes", "first_only", "second_only", "neither")))


cell = st.integers(0, 300)
pairs = st.builds(of, cell, cell, cell, cell)
filled = pairs.filter(lambda counts: counts.pairs > 0)


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda c: "-".join(str(n) for n in c["in"].values()))
def test_reference_pairs(case):
    counts = case_counts(case)
    found = compare_pair(counts)
    assert (counts.pairs, counts.flips) == (case["n_pairs"], case["flips"])
    assert found.flip_rate.value == pytest.approx(case["flip_rate"], abs=1e-12)
    assert found.flip_rate.interval == pytest.approx(case["flip_rate_wilson_95"], abs=1e-9)
    assert float(found.direction) == pytest.approx(case["net_direction_first_minus_second"], abs=1e-12)
    assert found.direction_interval == pytest.approx(case["tango_95"], abs=1e-9)
    assert newcombe_paired(counts, Z95) == pytest.approx(case["newcombe_paired_95"], abs=1e-9)
    assert found.ratio_interval == pytest.approx(case["ratio_bonett_price_95"], abs=TOL)
    assert found.test.exact == pytest.approx(case["mcnemar_exact_p"], abs=1e-12)
    assert found.test.mid_p == pytest.approx(case["mcnemar_midp_p"], abs=1e-12)


def test_reference_of_three_variants():
    case = GOLDEN["cochran_q"]
    found = cochran_q([(row, 1) for row in case["in"]])
    assert (found.statistic, found.df) == (pytest.approx(case["statistic"], abs=1e-12), case["df"])
    assert found.p == pytest.approx(case["p"], abs=1e-12)
    kinds = list(product((0, 1), repeat=3))
    folded = cochran_q([(kind, case["in"].count(list(kind))) for kind in kinds])
    assert folded == found  # patterns with their counts say what the cases one by one say


def test_reference_shift_of_scores():
    case = GOLDEN["wilcoxon_signed_rank"]
    found = score_shift(case["score_shift_first_minus_second"], method="approx")
    assert float(found.statistic) == case["statistic"]
    assert found.p == pytest.approx(case["p"], abs=1e-12)


def test_two_variants_make_cochrans_q_mcnemars_statistic():
    counts = of(59, 6, 16, 80)
    patterns = list(zip(((1, 1), (1, 0), (0, 1), (0, 0)), astuple(counts), strict=True))
    assert cochran_q(patterns).statistic == pytest.approx((6 - 16) ** 2 / 22)
    assert pairs_of_variants(patterns) == {(0, 1): counts}


def test_three_variants_are_compared_two_by_two_and_adjusted_by_holm():
    rows = GOLDEN["cochran_q"]["in"]
    found = compare_variants([(row, 1) for row in rows])
    assert found.q == cochran_q([(row, 1) for row in rows])
    assert [(pair.first, pair.second) for pair in found.pairs] == [(0, 1), (0, 2), (1, 2)]
    plain = sorted(pair.comparison.test.mid_p for pair in found.pairs)
    wanted = [min(1.0, 3 * plain[0])]
    wanted += [max(wanted[0], min(1.0, 2 * plain[1]))]
    wanted += [max(wanted[1], plain[2])]
    assert sorted(pair.holm_p for pair in found.pairs) == pytest.approx(wanted)
    for pair in found.pairs:  # the two columns counted by hand
        columns = [(row[pair.first], row[pair.second]) for row in rows]
        assert pair.comparison.counts == of(*(columns.count(c) for c in ((1, 1), (1, 0), (0, 1), (0, 0))))


def test_no_flip_gives_a_p_of_one_and_a_tie_less_than_one():
    assert mcnemar(of(40, 0, 0, 20)) == mcnemar(of(0, 0, 0, 0))
    assert (mcnemar(of(40, 0, 0, 20)).exact, mcnemar(of(40, 0, 0, 20)).mid_p) == (1.0, 1.0)
    tie = mcnemar(of(1, 5, 5, 1))
    assert tie.exact == 1.0
    assert tie.mid_p == pytest.approx(1 - math.comb(10, 5) / 2**10 / 2)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_binomial_sum(b, c):
    found, fewer, total = mcnemar(of(3, b, c, 4)), min(b, c), b + c
    below = Fraction(2 * sum(math.comb(total, k) for k in range(fewer + 1)), 2**total)
    mass = Fraction(math.comb(total, fewer), 2**total)
    assert found.exact == pytest.approx(float(min(Fraction(1), below)), rel=1e-11)
    wanted = 1 - mass / 2 if b == c else below - mass
    assert found.mid_p == pytest.approx(1.0 if total == 0 else float(wanted), rel=1e-10)


def test_zero_flips_show_a_rate_under_five_percent_from_fifty_nine_pairs_on():
    assert flip_rate_bound(of(29, 0, 0, 29)) > 0.05 > flip_rate_bound(of(29, 0, 0, 30))
    assert flip_rate_bound(of(10, 0, 0, 0)) == pytest.approx(1 - 0.05**0.1)
    assert flip_rate_bound(of(0, 0, 0, 0)) == flip_rate_bound(of(0, 2, 1, 0)) == 1.0


@given(filled)
def test_the_exact_bound_of_flips_holds_them_at_its_level(counts):
    from scipy.stats import binom

    bound = flip_rate_bound(counts)
    assert counts.flips / counts.pairs <= bound
    if counts.flips < counts.pairs:
        assert binom.cdf(counts.flips, counts.pairs, bound) == pytest.approx(0.05, abs=1e-7)


@given(filled)
def test_intervals_hold_the_direction_mirror_when_swapped_and_shrink_with_the_level(counts):
    for interval in (tango_interval, newcombe_paired):
        found, back = interval(counts, Z95), interval(counts.swapped(), Z95)
        assert -1 <= found.low <= float(counts.direction) + 1e-12
        assert float(counts.direction) - 1e-12 <= found.high <= 1
        assert (back.low, back.high) == pytest.approx((-found.high, -found.low), abs=1e-12)
        narrow = interval(counts, 1.0)
        assert found.low - 1e-12 <= narrow.low and narrow.high <= found.high + 1e-12


@given(filled, st.floats(0.5, 4))
def test_tangos_ends_are_the_differences_the_score_test_just_keeps(counts, z):
    """The variance under the hypothesis by a search of the likelihood, not by the closed form."""
    n, b, c = counts.pairs, counts.first_only, counts.second_only
    for theta in tango_interval(counts, z):
        if not -0.999 < theta < 0.999:
            continue
        low, high = max(0.0, -theta), (1 - theta) / 2
        for _ in range(200):  # ternary search of the second-only rate

            def likelihood(q, theta=theta):
                cells = ((b, q + theta), (c, q), (n - b - c, 1 - theta - 2 * q))
                return sum(k * math.log(max(p, 1e-300)) for k, p in cells if k)

            third = (high - low) / 3
            if likelihood(low + third) < likelihood(high - third):
                low += third
            else:
                high -= third
        variance = n * (2 * low + theta * (1 - theta))
        if variance > 1e-6:
            assert abs(b - c - n * theta) / math.sqrt(variance) == pytest.approx(z, rel=1e-3)


@given(filled)
def test_the_ratio_and_its_inverse_are_one_interval(counts):
    found, back = bonett_price_ratio(counts, Z95), bonett_price_ratio(counts.swapped(), Z95)
    if found is None:
        assert counts.both + counts.flips == 0 and back is None
        return
    assert found.low <= found.high
    if math.isfinite(found.high) and found.low > 0:
        assert (1 / found.high, 1 / found.low) == pytest.approx(back, rel=1e-9)


def test_without_pairs_anything_is_possible():
    found = compare_pair(of(0, 0, 0, 0))
    assert isinstance(found.flip_rate, Undefined)
    assert found.direction is None and found.ratio is None and found.ratio_interval is None
    assert found.direction_interval == newcombe_paired(of(0, 0, 0, 0), Z95) == (-1.0, 1.0)
    assert isinstance(compare_pair(of(3, 2, 0, 1), required=50).flip_rate, TooFew)


def test_zero_flips_bound_the_direction_as_wilson_bounds_the_flips():
    found = tango_interval(of(40, 0, 0, 20), Z95)
    assert found.high == pytest.approx(wilson(0, 60, Z95).high)
    assert found.low == -found.high


def test_pairs_say_more_than_as_many_unpaired_rows():
    paired = tango_interval(of(70, 12, 3, 15), Z95)
    unpaired = newcombe_difference(82, 100, 73, 100, Z95)
    assert paired.high - paired.low < unpaired.high - unpaired.low


@pytest.mark.parametrize("patterns", [[], [((1,), 3)], [((1, 0), 1), ((1, 0, 1), 1)], [((1, 0), -1)]])
def test_patterns_of_no_comparison_are_refused(patterns):
    with pytest.raises(ValueError, match=r"variants|cases"):
        cochran_q(patterns)


def test_negative_counts_and_levels_outside_0_and_1_are_refused():
    with pytest.raises(ValueError, match="zero or more"):
        of(1, -1, 0, 0)
    for bad in (0.0, 1.0, 95.0):
        with pytest.raises(ValueError, match="level"):
            flip_rate_bound(of(1, 0, 0, 0), level=bad)
    with pytest.raises(ValueError, match="positive"):
        tango_interval(of(1, 0, 0, 0), 0.0)


# The shift of scores

LESSON = [0.04, 0.15, 0.12, 0.11, 0.18, 0.05, 0.11, 0.07, 0.08, 0.05]
REPAIRED = [0.01, 0.02, 0.01, 0.02, 0.01, 0.01, 0.01, 0.02, -0.01, 0.02]


def test_the_lessons_shift_is_seen_where_its_flips_are_not():
    found = score_shift(LESSON)
    assert (found.method, found.n, found.p) == ("exact", 10, 2 / 1024)
    assert float(found.mean) == pytest.approx(0.096)
    repaired = score_shift([a - b for a, b in ((0.92, 0.91), (0.86, 0.84), (0.81, 0.80), (0.77, 0.75),
                                               (0.72, 0.71), (0.66, 0.65), (0.62, 0.61), (0.60, 0.58),
                                               (0.55, 0.56), (0.64, 0.62))])  # fmt: skip
    assert (repaired.p, repaired.mean) == (14 / 1024, Fraction(12, 1000))
    assert score_shift(REPAIRED).p == repaired.p  # noise in the last digit breaks no tie


@given(st.lists(st.integers(-6, 6), min_size=1, max_size=9))
def test_the_exact_p_counts_every_sign(shifts):
    from scipy.stats import rankdata

    kept = [s for s in shifts if s]
    found = score_shift([s / 10 for s in shifts])
    assert (found.n, found.zeros) == (len(kept), len(shifts) - len(kept))
    if not kept:
        assert found.p == 1.0
        return
    ranks = rankdata(np.abs(kept))
    sums = np.array([sum(r for r, up in zip(ranks, signs, strict=True) if up)
                     for signs in product((0, 1), repeat=len(kept))])  # fmt: skip
    smaller = min(sum(r for r, s in zip(ranks, kept, strict=True) if s > 0),
                  sum(r for r, s in zip(ranks, kept, strict=True) if s < 0))  # fmt: skip
    assert float(found.statistic) == smaller
    assert found.p == pytest.approx(min(1.0, 2 * np.mean(sums <= smaller)))


def test_more_than_fifty_shifts_use_the_normal_law_and_agree_with_scipy():
    from scipy.stats import wilcoxon

    draw = np.random.default_rng(4)
    shifts = np.round(draw.normal(0.02, 0.1, 70), 2)
    found = score_shift(shifts.tolist())
    assert found.method == "approx"
    wanted = wilcoxon(shifts, zero_method="wilcox", correction=False, method="approx")
    assert (float(found.statistic), found.p) == pytest.approx((wanted.statistic, wanted.pvalue))
    near = shifts[shifts != 0][:30].tolist()
    assert score_shift(near).p == pytest.approx(score_shift(near, method="approx").p, abs=0.02)


def test_shifts_that_are_no_numbers_are_refused_and_no_shift_is_no_evidence():
    with pytest.raises(ValueError, match="finite"):
        score_shift([0.1, math.nan])
    nothing, still = score_shift([]), score_shift([0.0, 1e-12])
    assert (nothing.p, nothing.mean, nothing.n) == (1.0, None, 0)
    assert (still.p, still.mean, still.zeros) == (1.0, 0, 2)


def test_the_mean_shift_has_a_seeded_interval_over_pairs():
    found = mean_shift_interval(LESSON, seed=7)
    assert found == mean_shift_interval(LESSON, seed=7) != mean_shift_interval(LESSON, seed=8)
    half = 1.96 * np.std(LESSON) / math.sqrt(10)
    assert found == pytest.approx((0.096 - half, 0.096 + half), abs=0.006)
    assert mean_shift_interval([0.1], seed=1) is None


# Stages


@pytest.mark.parametrize(
    ("outputs", "outcomes", "scores", "stage"),
    [
        ([("evidence_gate", (True, True))], ("auto_serve", "human_review"), (0.78, 0.67), "judge_or_route"),
        ([("evidence_gate", (True, False))], ("serve", "blocked"), (0.9, 0.9), "evidence_gate"),
        ([("eligibility", ("in", "out")), ("evidence_gate", (True, False))], ("a", "b"), (), "eligibility"),
        ([("evidence_gate", (True, True)), ("override", ("no", "yes"))], ("a", "b"), (), "override"),
        ([("evidence_gate", (True, False))], ("human_review", "human_review"), (0.5, 0.4), "score_only"),
        ([], ("auto_serve", "auto_serve"), (0.8, 0.8), "no_observed_flip"),
    ],
)  # fmt: skip
def test_a_flip_belongs_to_the_first_discrete_stage_that_differs(outputs, outcomes, scores, stage):
    stages = [StageOutput(name=name, outputs=given) for name, given in outputs]
    assert attributed_stage(stages, outcomes, scores) == stage

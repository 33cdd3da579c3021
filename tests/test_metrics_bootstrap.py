"""The bootstrap of cells: the law of resampled rows, scipy's BCa, determinism, and what it refuses to say."""

import json
import math
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from audit_core.metrics.bootstrap import (
    Cells,
    Plan,
    Values,
    bootstrap_interval,
    drawn,
    jackknife,
    max_t_lower,
    pairwise_upper,
    resample,
)
from audit_core.metrics.estimate import MeanValue, Undefined
from audit_core.metrics.resampled import (
    banded_areas,
    brier_scores,
    calibration_errors,
    difference_of,
    rates,
    ratio_of,
    resampled_gap,
    score_cells,
)

GOLDEN = Path(__file__).parent / "golden"
BCA = json.loads((GOLDEN / "bootstrap_bca.json").read_text(encoding="utf-8"))
MICRO = 1_000_000


def cells_of(rows):
    """Cells of (group, label, band, rows); every score of a band is band/10 + 0.05."""
    group, label, band, n = np.array(sorted(rows), dtype=np.int64).T
    mean = band / 10 + 0.05
    return Cells(group=group, label=label, band=band, n=n, mean=mean, variance=np.zeros(len(n)))


def base_rates(cells):
    return rates(cells.label == 1, np.ones(cells.n.size, dtype=bool))


def first(statistic):
    def alone(cells, n, mean):
        value, defined = statistic(cells, n, mean)
        return Values(value[:, 0], defined[:, 0])

    return alone


def scored(labels, scores):
    """Rows of one group as `CountCube.scored` holds them."""
    q = np.floor(np.asarray(scores) * MICRO + 0.5).astype(np.int64)
    table = np.zeros((2, 100, 4), dtype=np.int64)
    for place, part in enumerate((np.ones_like(q), q, q * q // MICRO, q * q % MICRO)):
        np.add.at(table, (np.asarray(labels), np.minimum(q // 10_000, 99), place), part)
    return table


SMALL = [(0, 0, 2, 9), (0, 1, 6, 14), (1, 0, 2, 11), (1, 1, 6, 6)]


@pytest.mark.parametrize(
    "statistic", ["ratio_of_base_rates", "ratio_of_brier_scores", "ece_of_group_0", "auc_of_group_0"]
)
def test_bca_matches_scipy_on_the_rows(statistic):
    cells = cells_of(BCA["cells"])
    of = {
        "ratio_of_base_rates": ratio_of(base_rates(cells), 0, 1),
        "ratio_of_brier_scores": ratio_of(brier_scores, 0, 1),
        "ece_of_group_0": first(calibration_errors),
        "auc_of_group_0": first(banded_areas),
    }[statistic]
    value, low, high = BCA["intervals"][statistic]
    found = bootstrap_interval(cells, of, Plan(seed=4, replicates=20_000), "bca")
    assert found.value == pytest.approx(value, abs=1e-12)
    assert (found.low, found.high) == pytest.approx((low, high), abs=BCA["tol_abs"][statistic])


def test_drawing_cells_has_the_law_of_resampling_rows():
    cells, draws = cells_of(SMALL), 20_000
    apart = difference_of(base_rates(cells), 0, 1)
    from_cells = drawn(cells, apart, Plan(seed=2, replicates=draws)).value
    rows = np.repeat(np.column_stack([cells.group, cells.label]), cells.n, axis=0)
    rng = np.random.default_rng(3)
    picked = rows[rng.integers(0, len(rows), (draws, len(rows)))]
    n0, n1 = (picked[:, :, 0] == 0).sum(axis=1), (picked[:, :, 0] == 1).sum(axis=1)
    yes = picked[:, :, 1] == 1
    from_rows = (yes & (picked[:, :, 0] == 0)).sum(axis=1) / n0 - (yes & (picked[:, :, 0] == 1)).sum(
        axis=1
    ) / n1
    assert stats.ks_2samp(from_cells, from_rows).pvalue > 0.05
    # The test can tell designs apart: with group sizes and labels fixed the law is another.
    fixed = drawn(cells, apart, Plan(seed=2, replicates=draws, design="conditional")).value
    assert stats.ks_2samp(fixed, from_rows).pvalue < 1e-6


@pytest.mark.parametrize(
    ("design", "fixed"),
    [
        ("unconditional", None),
        ("stratified", lambda c: c.group),
        ("conditional", lambda c: 2 * c.group + c.label),
    ],
)
def test_a_design_keeps_what_it_fixes(design, fixed):
    cells = cells_of(BCA["cells"])
    for n, _ in resample(cells, Plan(seed=1, replicates=50, design=design)):
        assert (n.sum(axis=1) == cells.n.sum()).all()
        if design != "unconditional":
            for stratum in np.unique(fixed(cells)):
                inside = fixed(cells) == stratum
                assert (n[:, inside].sum(axis=1) == cells.n[inside].sum()).all()
        else:
            assert len({tuple(np.bincount(cells.group, weights=row)) for row in n}) > 1


def test_the_same_seed_gives_the_same_interval():
    cells = cells_of(BCA["cells"])
    of = difference_of(brier_scores, 0, 1)
    one, same, other = (
        bootstrap_interval(cells, of, Plan(seed=s, replicates=300), "percentile") for s in (7, 7, 8)
    )
    assert one == same
    assert (one.low, one.high) != (other.low, other.high)


def test_score_sums_are_drawn_with_the_spread_of_their_cell():
    draw = np.random.default_rng(6)
    scores = draw.uniform(0.40, 0.41, 400)
    cells, groups = score_cells({("a",): scored(np.zeros(400, dtype=int), scores)})
    assert groups == (("a",),)
    assert float(cells.variance[0]) == pytest.approx(np.var(scores), rel=1e-3)
    means = np.concatenate([mean[:, 0] for _, mean in resample(cells, Plan(seed=1, replicates=4000))])
    assert means.std() == pytest.approx(np.std(scores) / 20, rel=0.05)
    assert means.mean() == pytest.approx(scores.mean(), abs=1e-4)


def test_brier_and_ece_are_those_of_the_rows():
    draw = np.random.default_rng(9)
    tables, expected = {}, []
    for name, size in (("a", 300), ("b", 170)):
        score = draw.beta(2, 3, size)
        label = (draw.random(size) < score).astype(int)
        tables[(name,)] = scored(label, score)
        band = np.minimum((np.floor(score * MICRO + 0.5) // 10_000).astype(int), 99)
        off = np.abs(np.bincount(band, weights=label - score, minlength=100)).sum()
        yes, no = score[label == 1], score[label == 0]
        wins = (yes[:, None] > no).mean() + (yes[:, None] == no).mean() / 2
        expected.append((np.mean((score - label) ** 2), off / size, wins))
    cells, _ = score_cells(tables)
    at = (cells.n[None, :], cells.mean[None, :])
    assert brier_scores(cells, *at).value[0] == pytest.approx([e[0] for e in expected], abs=1e-6)
    assert calibration_errors(cells, *at).value[0] == pytest.approx([e[1] for e in expected], abs=1e-6)
    assert banded_areas(cells, *at).value[0] == pytest.approx([e[2] for e in expected], abs=0.01)


def test_a_jackknife_leaves_one_row_of_each_cell_out():
    cells = cells_of(SMALL)
    left = jackknife(cells, first(base_rates(cells)))
    assert left.value == pytest.approx([14 / 22, 13 / 22, 14 / 23, 14 / 23])


def test_draws_without_a_denominator_are_counted_and_then_refused():
    thin = cells_of([(0, 1, 6, 60), (0, 0, 2, 60), (1, 1, 6, 3), (1, 0, 2, 2)])
    apart = difference_of(base_rates(thin), 0, 1)
    few = bootstrap_interval(thin, apart, Plan(seed=5, replicates=2000), "percentile")
    assert few.discarded == 0 or 0 < few.discarded <= 20
    single = cells_of([(0, 1, 6, 60), (0, 0, 2, 60), (1, 1, 6, 1)])
    gone = bootstrap_interval(single, difference_of(base_rates(single), 0, 1), Plan(seed=5), "percentile")
    assert isinstance(gone, Undefined)
    assert "draws" in gone.reason
    one_sided = cells_of([(0, 1, 6, 9), (1, 0, 2, 9)])
    none = bootstrap_interval(one_sided, ratio_of(base_rates(one_sided), 0, 1), Plan(seed=1), "percentile")
    assert none == Undefined(reason="nothing to divide by")


def test_draws_that_never_move_have_no_corrected_interval():
    sure = cells_of([(0, 1, 6, 9), (1, 1, 6, 9)])
    found = bootstrap_interval(sure, difference_of(base_rates(sure), 0, 1), Plan(seed=1), "bca")
    assert (found.low, found.high) == (0.0, 0.0)
    falling = Cells(
        group=np.array([0]), label=np.array([1]), band=np.array([0]), n=np.array([5]),
        mean=np.array([0.5]), variance=np.array([0.0]),
    )  # fmt: skip

    def below(cells, n, mean):
        moved = np.where(np.arange(len(n)) >= 0, float(len(n) == 1), 0.0)
        return Values(moved, np.ones(len(n), dtype=bool))

    assert isinstance(bootstrap_interval(falling, below, Plan(seed=1, replicates=50), "bca"), Undefined)


def test_max_t_is_the_plain_definition():
    draw = np.random.default_rng(12)
    point = np.array([0.2, 0.5, 0.3])
    values = point + draw.normal(0, [0.02, 0.05, 0.03], (500, 3))
    pairs = [(0, 1), (0, 2), (1, 2)]
    se = {p: (values[:, p[0]] - values[:, p[1]]).std(ddof=1) for p in pairs}
    largest = [max(abs(v[i] - v[j] - (point[i] - point[j])) / se[i, j] for i, j in pairs) for v in values]
    c = np.quantile(largest, 0.95)
    expected = max(abs(point[i] - point[j]) - c * se[i, j] for i, j in pairs)
    assert max_t_lower(values, point) == pytest.approx(max(0.0, expected), abs=1e-12)
    ends = [np.quantile(s * (values[:, i] - values[:, j]), 0.95) for i, j in pairs for s in (1, -1)]
    assert pairwise_upper(values) == pytest.approx(max(ends), abs=1e-12)


def tables_of(draw, sizes, noise):
    """Groups whose scores are noisy by their own amount, with exact Brier scores."""
    tables, means = {}, []
    for place, (size, spread) in enumerate(zip(sizes, noise, strict=True)):
        truth = draw.beta(2, 2, size)
        label = (draw.random(size) < truth).astype(int)
        score = np.clip(truth + draw.normal(0, spread, size), 0, 1).round(6)
        group = (f"g{place}",)
        tables[group] = scored(label, score)
        value = Fraction(round(float(np.sum((score - label) ** 2)) * 1e12), 10**12 * size)
        means.append(MeanValue(group=group, value=value, se=math.inf, n=size))
    return means, tables


def test_equal_groups_are_rarely_accused_and_bounds_hold_the_true_gap():
    """A seeded look at coverage: nominal 5 % one-sided each way, 120 samples, so at most 13 misses."""
    draw, wrong, short = np.random.default_rng(20), 0, 0
    for turn in range(120):
        means, tables = tables_of(draw, (220, 180, 200), (0.1, 0.1, 0.1))
        gap = resampled_gap(means, tables, brier_scores, Plan(seed=turn, replicates=250), min_support=100)
        wrong += gap.lower > 0
    true = 0.0
    for turn in range(120):
        means, tables = tables_of(draw, (300, 300), (0.0, 0.3))
        gap = resampled_gap(means, tables, brier_scores, Plan(seed=turn, replicates=250), min_support=100)
        true = true or _true_gap()
        short += gap.upper < true
    assert wrong <= 13
    assert 0 < short <= 13


def _true_gap():
    means, _ = tables_of(np.random.default_rng(0), (400_000, 400_000), (0.0, 0.3))
    return float(means[1].value - means[0].value)


def test_a_gap_of_brier_scores_carries_its_draws():
    draw = np.random.default_rng(3)
    means, tables = tables_of(draw, (400, 400, 60), (0.0, 0.4, 0.1))
    plan = Plan(seed=99, replicates=500)
    gap = resampled_gap(means, tables, brier_scores, plan, min_support=100)
    assert (gap.high.group, gap.low.group) == (("g1",), ("g0",))
    assert 0 < gap.lower < float(gap.value) < gap.upper
    assert gap.interval.low < float(gap.value) < gap.interval.high
    assert (gap.simulated.seed, gap.simulated.replicates, gap.simulated.discarded) == (99, 500, 0)
    assert gap.simulated.absent is None and gap.chance_of_gap is None
    wide = resampled_gap(
        means, tables, brier_scores, plan, min_support=100, effects={("g0",): 4.0, ("g1",): 4.0}
    )
    assert wide.upper - float(gap.value) == pytest.approx(2 * (gap.upper - float(gap.value)), rel=0.02)
    assert wide.lower < gap.lower


def test_a_gap_with_an_empty_group_in_many_draws_has_no_bounds():
    draw = np.random.default_rng(3)
    means, tables = tables_of(draw, (400, 1), (0.0, 0.4))
    gap = resampled_gap(means, tables, brier_scores, Plan(seed=1, replicates=500), min_support=100)
    assert gap.value is not None
    assert (gap.lower, gap.upper) == (0, math.inf)
    assert "1 %" in gap.simulated.absent and gap.simulated.discarded > 5


def test_a_group_of_one_outcome_approves_nothing_and_accuses_nobody():
    draw = np.random.default_rng(3)
    means, tables = tables_of(draw, (400, 400, 200), (0.0, 0.4, 0.0))
    plan = Plan(seed=9, replicates=300)
    both = resampled_gap(means[:2], tables, brier_scores, plan, min_support=100)
    one = {group: table.copy() for group, table in tables.items()}
    one["g2",][1] = 0
    rest = np.maximum(one["g2",][0, :, 0].sum(), 1)
    means[2] = replace(means[2], n=int(rest), value=Fraction(0))
    gap = resampled_gap(means, one, brier_scores, plan, min_support=50)
    assert gap.upper == math.inf and gap.interval.high == math.inf
    assert gap.lower > 0 and both.lower > 0  # the two groups of both outcomes still show their difference
    assert gap.simulated.absent == "a group has only one of the two outcomes"
    pair = resampled_gap(means[::2], one, brier_scores, plan, min_support=50)
    assert (pair.lower, pair.upper) == (0, math.inf)


def test_no_rows_no_gap():
    gap = resampled_gap([], {}, brier_scores, Plan(seed=1, replicates=10), min_support=100)
    assert gap.value is None and (gap.lower, gap.upper) == (0, math.inf)
    assert score_cells({}) == (None, ())


@pytest.mark.parametrize(
    "change",
    [{"group": [1, 1]}, {"group": [0, 2]}, {"group": [1, 0]}, {"n": [0, 3]}, {"variance": [-1.0, 0.0]}],
)
def test_cells_that_are_none_are_refused(change):
    plain = {"group": [0, 1], "label": [0, 1], "band": [0, 0], "n": [2, 3], "mean": [0.1, 0.2],
             "variance": [0.0, 0.0]} | change  # fmt: skip
    with pytest.raises(ValueError, match="cell"):
        Cells(**{name: np.array(value) for name, value in plain.items()})


def test_a_plan_has_a_design_and_draws():
    with pytest.raises(ValueError, match="design"):
        Plan(seed=1, design="paired")
    with pytest.raises(ValueError, match="design"):
        Plan(seed=1, replicates=0)


def test_draws_take_in_every_cell_in_proportion():
    cells = cells_of(SMALL)
    totals = Counter()
    for n, _ in resample(cells, Plan(seed=1, replicates=4000)):
        totals.update(dict(enumerate(n.mean(axis=0))))
    assert [totals[i] for i in range(4)] == pytest.approx(cells.n.tolist(), rel=0.03)

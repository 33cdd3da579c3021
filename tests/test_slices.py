"""The search for the worst slices: what is planted is found twice, what is not there is not."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from audit_core.metrics.catalogue import RATES
from audit_core.metrics.seeds import seed_of
from audit_core.metrics.shrunk import beta_binomial
from audit_core.metrics.slice_cells import Weights, cells_of, more_harmed, split, tabulate
from audit_core.metrics.slices import _Search, visible_difference, worse_side, worst_slices
from audit_core.report.charts.slices import slices_alt, slices_figure
from audit_core.report.csv_file import to_csv
from audit_core.report.slices import (
    carried_rows,
    finding_sentence,
    hunt_sentence,
    looked_for,
    ranked_rows,
    slice_words,
    visible_sentence,
)
from tests.cube_factory import AXES, cube_of, draw_cube
from tests.report_factory import CONTRACT, contract_of

CONTRACT_READ = contract_of()
WOMAN, NORTH, MAIL = 1, 1, 1


def flat(codes):
    """Everybody is selected alike."""
    return np.full(len(codes), 0.8)


def women_of_the_north(codes):
    """One combination is selected far less; neither of its parts is, beyond it."""
    return np.where((codes[:, 0] == WOMAN) & (codes[:, 1] == NORTH), 0.55, 0.8)


def women(codes):
    """A whole level is selected less, evenly."""
    return np.where(codes[:, 0] == WOMAN, 0.6, 0.8)


def women_most_in_the_north(codes):
    """A level is selected less, and one part of it less still."""
    inside = (codes[:, 0] == WOMAN) & (codes[:, 1] == NORTH)
    return np.where(inside, 0.35, np.where(codes[:, 0] == WOMAN, 0.65, 0.8))


def hunt(rate, seed=1, rows=12_000):
    return worst_slices(CONTRACT_READ, draw_cube(seed, rows, rate), "tpr")


@pytest.fixture(scope="module")
def planted():
    return hunt(women_of_the_north)


def test_a_planted_combination_is_found_and_seen_again(planted):
    first = planted.findings[0]
    assert first.slice == (("gender", "region"), ("woman", "north"))
    assert first.q <= 0.05 and first.adjusted <= 0.05
    assert float(first.held_out.difference) == pytest.approx(-0.25, abs=0.06)
    low, high = first.held_out.interval
    assert low < -0.25 < high


def test_what_the_combination_explains_is_named_under_it_and_not_counted_again(planted):
    assert len(planted.findings) == 1
    explained = planted.findings[0].also
    assert (("gender",), ("woman",)) in explained and (("region",), ("north",)) in explained
    assert {group for names, group in explained if len(names) == 3} == {
        ("woman", "north", channel) for channel in AXES["channel"]
    }


def test_parts_of_a_bad_level_are_folded_under_it():
    found = hunt(women)
    assert [one.slice for one in found.findings] == [(("gender",), ("woman",))]
    assert len(found.findings[0].also) >= 5
    assert all("woman" in group for _, group in found.findings[0].also)


def test_a_part_that_is_worse_still_is_a_finding_of_its_own():
    found = {one.slice: one for one in hunt(women_most_in_the_north).findings}
    woman, part = (("gender",), ("woman",)), (("gender", "region"), ("woman", "north"))
    assert set(found) == {woman, part}
    second = max(found.values(), key=lambda one: len(one.beyond))
    assert second.beyond and set(second.beyond) < {woman, part}


def test_every_slice_looked_at_has_one_place_and_enough_people_on_both_sides(planted):
    levels = [len(AXES[name]) for name in AXES]
    every = sum(np.prod(sizes) for k in (1, 2, 3) for sizes in combinations(levels, k))
    assert planted.looked_at == every == len(planted.ranked)
    assert len({one.slice for one in planted.ranked}) == planted.looked_at
    for one in planted.ranked:
        assert min(one.whole.inside.denominator, one.whole.rest.denominator) >= planted.minimum == 50


def test_halves_add_up_and_the_seed_is_recorded():
    cube = draw_cube(1, 12_000, women)
    again, other = (worst_slices(CONTRACT_READ, cube, metric) for metric in ("tpr", "selection_rate"))
    assert again == worst_slices(CONTRACT_READ, draw_cube(1, 12_000, women), "tpr")
    assert again.seed == seed_of(cube.fingerprint, "worst slices tpr") != other.seed
    for one in again.carried:
        whole = next(ranked.whole for ranked in again.ranked if ranked.slice == one.slice)
        for side in ("inside", "rest"):
            halves = [getattr(half, side) for half in (one.search, one.held_out)]
            assert sum(half.numerator for half in halves) == getattr(whole, side).numerator
            assert sum(half.denominator for half in halves) == getattr(whole, side).denominator


def test_without_any_difference_the_share_of_searches_with_a_finding_is_small():
    """A search and a confirmation at 5 % each leave far less than 5 % where nothing differs."""
    seeds, found = 120, 0
    for seed in range(seeds):
        found += bool(hunt(flat, seed, rows=1500).findings)
    assert found / seeds <= 0.05 + 3 * (0.05 * 0.95 / seeds) ** 0.5


def test_the_held_out_half_alone_keeps_the_level_whatever_the_search_did():
    """The search is given planted rows and the held-out half none: something is always carried over."""
    times, found = 300, 0
    axes = {name: AXES[name] for name in ("gender", "region")}
    whole = draw_cube(0, 40_000, flat, axes)
    cells = cells_of(whole, RATES["tpr"], lower_is_worse=True)
    slices = tabulate(cells, 50, ()).slices
    search = _Search(cells=cells, slices=slices, worse="lower", level=0.95)
    draw = np.random.default_rng(5)
    people = np.full(len(cells.codes), 60)
    for _ in range(times):
        rates = draw.choice([0.1, 0.7], len(people), p=[0.7, 0.3])
        lured = Weights(harmed=draw.binomial(people, rates), people=people)
        plain = Weights(harmed=draw.binomial(people, 0.3), people=people)
        carried, _ = search.run(tabulate(cells, 50, (lured,)).counts[0], lured, plain)
        found += any(one.replicated for one in carried)
    assert found / times <= 0.05 + 3 * (0.05 * 0.95 / times) ** 0.5


def test_people_of_unknown_level_are_in_no_slice_and_in_no_rest():
    axes = {"gender": ("", "man", "woman"), "region": ("north", "south")}
    found = worst_slices(CONTRACT_READ, draw_cube(2, 3000, flat, axes), "tpr")
    assert not [one for one in found.ranked if "" in one.slice[1]]
    by_slice = {one.slice: one.whole for one in found.ranked}
    woman, man = (by_slice[("gender",), (level,)] for level in ("woman", "man"))
    assert woman.rest == replace(man.inside, group=())
    assert woman.inside.denominator + woman.rest.denominator < found.everybody.denominator == 3000
    north = by_slice[("region",), ("north",)]
    assert north.inside.denominator + north.rest.denominator == 3000


def test_windows_are_no_slices_and_an_axis_that_adds_nothing_is_not_looked_at_twice():
    axes = {"gender": ("man", "woman"), "month": ("1", "2"), "site": ("a", "b")}
    draw = np.random.default_rng(3)
    gender = draw.integers(0, 2, 2000)
    codes = np.column_stack([gender, draw.integers(0, 2, 2000), gender])
    cube = cube_of(codes, np.ones(2000), draw.integers(0, 2, 2000), axes, {"month": "window"})
    found = worst_slices(CONTRACT_READ, cube, "tpr")
    assert found.axes == ("gender", "site")
    assert {one.slice[0] for one in found.ranked} == {("gender",), ("site",)}


@given(st.integers(0, 10_000), st.integers(1, 40))
@settings(max_examples=25)
def test_slices_are_counted_as_a_reader_of_the_rows_would(seed, minimum):
    draw = np.random.default_rng(seed)
    sizes = (2, 3, 2, 2)
    codes = np.column_stack([draw.integers(0, size, 150) ** 2 % size for size in sizes])
    label, decision = draw.integers(0, 2, 150), draw.integers(0, 2, 150)
    axes = {f"axis{i}": tuple(f"{i}{level}" for level in range(size)) for i, size in enumerate(sizes)}
    cells = cells_of(cube_of(codes, label, decision, axes), RATES["fpr"], lower_is_worse=False)
    table = tabulate(cells, minimum, (cells.whole,))
    found = dict(zip(table.slices, zip(*table.counts[0], strict=True), strict=True))
    negatives, seen = label == 0, {}
    for k in (1, 2, 3):
        for places in combinations(range(4), k):
            for levels in product(*(range(sizes[place]) for place in places)):
                inside = negatives & (codes[:, places] == levels).all(axis=1)
                people, rest = int(inside.sum()), int((negatives & ~inside).sum())
                if people < minimum or rest < minimum:
                    continue
                same = any(
                    (negatives & (codes[:, fewer] == part).all(axis=1)).sum() == people
                    for fewer, part in _parts(places, levels)
                )
                if not same:
                    harmed = int((inside & (decision == 1)).sum())
                    key = (
                        tuple(f"axis{place}" for place in places),
                        tuple(f"{place}{level}" for place, level in zip(places, levels, strict=True)),
                    )
                    others = int((negatives & ~inside & (decision == 1)).sum())
                    seen[key] = (harmed, people, others, rest)
    assert found == seen


def _parts(places, levels):
    for left in range(len(places) if len(places) > 1 else 0):
        keep = [i for i in range(len(places)) if i != left]
        yield [places[i] for i in keep], [levels[i] for i in keep]


@given(st.integers(0, 2000), st.integers(0, 20_000), st.floats(0, 1), st.floats(0, 1), st.integers(0, 99))
def test_the_test_of_a_slice_is_the_hypergeometric_tail(people, rest, rate, other, seed):
    draw = np.random.default_rng(seed)
    harmed, rest_harmed = draw.binomial(people, rate), draw.binomial(rest, other)
    found = more_harmed(*(np.array([value]) for value in (harmed, people, rest_harmed, rest)))[0]
    wanted = stats.hypergeom.sf(harmed - 1, people + rest, harmed + rest_harmed, people)
    assert found == pytest.approx(1.0 if np.isnan(wanted) else wanted, rel=1e-7, abs=1e-280)


def test_a_half_has_the_law_of_a_half_of_the_rows():
    weights = Weights(harmed=np.array([3, 0, 5]), people=np.array([10, 4, 9]))
    colours, half = np.array([3, 0, 5, 7, 4, 4]), 11
    drawn = []
    for seed in range(4000):
        first, second = split(weights, seed)
        assert (first.people + second.people == weights.people).all()
        assert (first.harmed + second.harmed == weights.harmed).all()
        assert int(first.people.sum()) == half
        drawn.append(np.concatenate([first.harmed, first.people - first.harmed]))
    law = stats.multivariate_hypergeom(m=colours, n=half)
    assert np.mean(drawn, axis=0) == pytest.approx(law.mean(), abs=0.08)
    assert np.cov(np.array(drawn).T) == pytest.approx(law.cov(), abs=0.12)


def test_the_shrunk_rates_have_the_most_likely_prior():
    draw = np.random.default_rng(4)
    people = draw.integers(30, 400, 60)
    hits = draw.binomial(people, draw.beta(12, 28, 60))
    prior = beta_binomial(hits, people)

    def likelihood(mean, weight):
        return stats.betabinom.logpmf(hits, people, mean * weight, (1 - mean) * weight).sum()

    best = likelihood(prior.mean, prior.weight)
    grid = [(mean, weight) for mean in np.linspace(0.2, 0.4, 21) for weight in np.geomspace(5, 400, 40)]
    assert best >= max(likelihood(*at) for at in grid)
    shrunk = prior.posterior(hits, people)
    assert (np.abs(shrunk - prior.mean) <= np.abs(hits / people - prior.mean) + 1e-12).all()
    assert np.ptp(shrunk) < np.ptp(hits / people)


def test_rates_without_spread_beyond_chance_become_one_rate():
    people = np.full(40, 100)
    prior = beta_binomial(np.full(40, 20), people)
    assert np.ptp(prior.posterior(np.full(40, 20), people)) < 1e-9
    assert prior.weight > 1e6
    assert beta_binomial(np.zeros(3, dtype=int), np.zeros(3, dtype=int)) is None


def test_the_size_that_could_have_been_seen_is_seen_four_times_in_five():
    people, rest, looked, rate = 400, 4000, 100, 0.25
    excess = visible_difference(rate, people, rest, looked)
    draw = np.random.default_rng(6)
    harmed, others = draw.binomial(people, rate + excess, 4000), draw.binomial(rest, rate, 4000)
    p = more_harmed(harmed, np.full(4000, people), others, np.full(4000, rest))
    assert (p <= 0.05 / looked).mean() == pytest.approx(0.8, abs=0.05)
    assert visible_difference(0.9, 10, 1000, 100) is None


def test_nothing_found_says_how_much_was_looked_at_and_what_stays_unseen():
    found = hunt(flat, 8)
    assert not found.carried
    said = hunt_sentence(found)
    assert said.startswith(f"Of {found.looked_at} slices looked at, none stood out")
    assert found.looked_at == 47
    sizes = visible_sentence(found)
    assert "positives" in sizes and sizes.count(" pts in ") == 3 and "stay unseen" in sizes
    assert ranked_rows(found, 5) and not carried_rows(found)
    assert slices_alt(found) == said


def test_where_too_few_people_stand_nothing_is_looked_at():
    found = hunt(flat, 9, rows=60)
    assert found.looked_at == 0 and not found.ranked and not found.visible
    assert "at least 50 positives" in hunt_sentence(found)
    assert visible_sentence(found) == ""


def test_words_of_a_finding_carry_counts_and_interval(planted):
    assert hunt_sentence(planted) == "Of 47 slices looked at, 1 differs and was seen again in a held-out half of the rows."  # fmt: skip  # noqa: E501
    one = planted.findings[0]
    said = finding_sentence(one, planted)
    inside = one.held_out.inside
    assert f"({inside.numerator:,} of {inside.denominator:,})" in said
    assert "95 % interval" in said and "among the rest" in said
    assert "It explains what was seen in “" in said
    assert "lower true positive rate" in looked_for(planted)
    figure = slices_figure(planted)
    assert len(figure["data"]) == 2 * len(planted.carried)
    assert carried_rows(planted)[0]["Result"] == "Seen again"


def test_names_of_levels_are_literal_text_wherever_a_slice_is_named():
    axes = {"<i>a</i>": ("plain", "$x$ <b>loud</b>"), "=b": ("\u202eevil", "=1+1 | two", "three")}
    found = worst_slices(CONTRACT_READ, draw_cube(1, 8000, women, axes), "tpr")
    assert found.findings
    figure = json.dumps(slices_figure(found), ensure_ascii=False)
    assert "<b>loud" not in figure and "$x$" not in figure and "&lt;b&gt;loud" in figure
    for text in (slices_alt(found), figure, looked_for(found), json.dumps(ranked_rows(found))):
        assert "\u202e" not in text
    cells = [cell for row in csv.reader(io.StringIO(to_csv(ranked_rows(found)))) for cell in row]
    assert not [cell for cell in cells if cell[:1] in tuple("=+-@")]


def test_a_level_that_says_nothing_alone_has_its_attribute_beside_it():
    assert slice_words((("veteran", "gender"), ("1", "woman"))) == "veteran: 1 × woman"
    assert slice_words((("remote",), ("False",))) == "remote: False"


def test_worse_means_more_errors_or_fewer_favourable_decisions():
    assert worse_side(CONTRACT_READ, "tpr") == "lower" and worse_side(CONTRACT_READ, "fpr") == "higher"
    assert worse_side(CONTRACT_READ, "selection_rate") == "lower"
    refusal = contract_of(CONTRACT.replace("favourable: 1", "favourable: 0"))
    assert worse_side(refusal, "selection_rate") == "higher"
    assert worse_side(CONTRACT_READ, "base_rate") is None
    with pytest.raises(ValueError, match="no worse side"):
        worst_slices(CONTRACT_READ, draw_cube(1, 100, flat), "base_rate")

"""Small cells: nobody can work them out of anything that is exported, by an attack of its own."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from audit_core.cube.axes import Axis
from audit_core.cube.bands import score_bands
from audit_core.cube.count_cube import build_cube
from audit_core.cube.published import Question, RateMasks, publish
from audit_core.cube.suppress import feasible_intervals, protects, suppress
from audit_core.metrics.catalogue import RATES

FLOOR = 10


# One table, all of its sums published


def attacked(table, hidden):
    """Least and most of every hidden cell, from the shown cells and every sum; dense, one program each."""
    cells = list(np.ndindex(table.shape))
    rows, sums = [], []
    for cell in cells:
        if not hidden[cell]:
            rows.append([float(other == cell) for other in cells])
            sums.append(float(table[cell]))
    for size in range(table.ndim):
        for axes in itertools.combinations(range(table.ndim), size):
            for at in itertools.product(*(range(table.shape[axis]) for axis in axes)):
                inside = [all(cell[axis] == i for axis, i in zip(axes, at, strict=True)) for cell in cells]
                rows.append([float(x) for x in inside])
                sums.append(float(sum(table[cell] for cell, x in zip(cells, inside, strict=True) if x)))
    found = {}
    for place, cell in enumerate(cells):
        if hidden[cell]:
            ends = []
            for sign in (1, -1):
                aim = np.zeros(len(cells))
                aim[place] = sign
                best = linprog(
                    aim, A_eq=np.array(rows), b_eq=np.array(sums), bounds=(0, None), method="highs"
                )
                ends.append(sign * best.fun)
            found[cell] = tuple(ends)
    return found


def tables(seed, axes, how_many):
    draw = np.random.default_rng(seed)
    for _ in range(how_many):
        shape = draw.integers(2, 5 if axes == 3 else 7, axes)
        yield np.floor(np.exp(draw.normal(4.2, 1.5, shape))).astype(np.int64)


@pytest.mark.parametrize(("axes", "how_many"), [(1, 20), (2, 30), (3, 8)])
def test_no_small_cell_of_a_random_table_can_be_worked_out(axes, how_many):
    shown = 0
    for table in tables(20 + axes, axes, how_many):
        found = suppress(table, FLOOR)
        assert (found.primary == (table < FLOOR)).all()
        if found.withheld:
            continue
        shown += 1
        assert (found.mask | ~found.primary).all()
        for cell, (low, high) in attacked(table, found.mask).items():
            if found.primary[cell]:
                assert high - low >= FLOOR - 1e-6 and high >= FLOOR - 1e-6, (table, cell)
    assert shown >= how_many // 2


def test_hiding_the_small_cells_alone_gives_them_away():
    table = np.array([[120, 80, 4], [95, 60, 25], [70, 33, 41]])
    low, high = feasible_intervals(table, table < FLOOR)
    assert (low[0, 2], high[0, 2]) == (4, 4)
    assert not protects(table, table < FLOOR, FLOOR)
    found = suppress(table, FLOOR)
    assert found.mask.tolist() == [[False, True, True], [False, False, False], [False, True, True]]
    low, high = feasible_intervals(table, found.mask)
    assert (low[0, 2], high[0, 2], low[0, 1], high[0, 1]) == pytest.approx((0, 45, 39, 84))


def test_a_table_without_small_cells_is_shown_whole():
    found = suppress(np.array([[50, 40], [60, 70]]), FLOOR)
    assert not found.mask.any() and not found.withheld


def test_a_table_that_nothing_can_save_is_withheld():
    found = suppress(np.array([[3, 2], [500, 600]]), FLOOR)
    assert found.withheld and found.mask.all()


def test_a_single_group_that_nobody_belongs_to_is_hidden_like_a_small_one():
    found = suppress(np.array([0, 40, 50, 300]), FLOOR)
    assert found.primary.tolist() == [True, False, False, False]
    assert found.mask.tolist() == [True, True, False, False]


def test_only_tables_of_one_to_three_axes_are_known():
    with pytest.raises(ValueError, match="one to three axes"):
        suppress(np.ones((2, 2, 2, 2), dtype=np.int64), FLOOR)


# Tables that are published together, with every measure, window and release

MASKS = tuple(
    RateMasks(id=rate.id, numerator=rate.numerator, denominator=rate.denominator) for rate in RATES.values()
)
NAMES = ("gender", "origin", "month")


def cube_of(counts):
    """A cube of counts over gender × origin × month × label × decision."""
    axes = tuple(
        Axis(name=name, kind="attribute", levels=tuple(f"{name} {i}" for i in range(size)))
        for name, size in zip(NAMES, counts.shape, strict=False)
    )
    places = np.argwhere(counts > 0)
    n = counts[tuple(places.T)]
    codes = np.column_stack([places, np.full(len(places), -1)]).astype(np.int64)
    measures = np.column_stack([n, 0 * n, 0 * n, 0 * n]).astype(np.int64)
    bands = score_bands(Fraction(0), Fraction(1), Fraction(1, 2), ())
    return build_cube(axes, bands, codes, measures)


def question_of(counts, subjects, window="", small_counts="protected"):
    levels = tuple(
        (name, tuple(f"{name} {i}" for i in range(size)))
        for name, size in zip(NAMES, counts.shape, strict=False)
    )
    return Question(
        subjects=tuple(subjects), levels=levels, rates=MASKS, floor=FLOOR, window=window,
        small_counts=small_counts,
    )  # fmt: skip


def random_counts(draw, shape=(3, 4, 1)):
    """Groups of very different sizes, split by outcome and decision."""
    sizes = np.floor(np.exp(draw.normal(4.6, 1.5, shape))).astype(np.int64)
    shares = draw.dirichlet([6, 2, 3, 6], shape)
    found = np.array(
        [draw.multinomial(n, p) for n, p in zip(sizes.ravel(), shares.reshape(-1, 4), strict=True)]
    )
    return found.reshape(*shape, 2, 2)


def exported(cube):
    """Everything published as plain numbers: people, and numerators and denominators of rates."""
    found = {}
    for table in cube.tables:
        for cell in table.cells:
            key = tuple(zip(table.subject, cell.group, strict=True))
            if cell.people is not None:
                found[key, "people"] = cell.people
            for mask in MASKS:
                counts = cell.rate(mask)
                if counts is not None:
                    found[key, mask.id, "top"], found[key, mask.id, "bottom"] = counts
            for rate, steps in cell.rounded:
                found[key, rate, "rounded"] = steps
    return found


def weights(key, counts):
    """What an exported number counts, over gender × origin × month × label × decision."""
    inside = np.zeros(counts.shape)
    place = [slice(None)] * 3
    for name, level in key[0]:
        place[NAMES.index(name)] = int(level.split()[1])
    mask = np.ones((2, 2), dtype=bool)
    if key[1] != "people":
        rate = RATES[key[1]]
        mask = (rate.numerator if key[2] == "top" else rate.denominator)[:2, :2]
    inside[tuple(place)] = mask
    return inside.ravel()


def worked_out(counts, numbers, aim):
    """Range of one sum of counts, from the exported numbers alone."""
    exact = {key: value for key, value in numbers.items() if key[-1] != "rounded"}
    rows = np.array([weights(key, counts) for key in exact]).reshape(-1, counts.size)
    sums = np.array([float(value) for value in exact.values()])
    rows, at = np.unique(rows, axis=0, return_index=True)
    ratios = [np.zeros(counts.size)]
    for key, steps in numbers.items():
        if key[-1] == "rounded":  # (steps − ½)/20 ≤ top/bottom ≤ (steps + ½)/20
            top, bottom = weights((*key[:2], "top"), counts), weights((*key[:2], "bottom"), counts)
            ratios += [top - (steps + 0.5) / 20 * bottom, (steps - 0.5) / 20 * bottom - top]
    found = []
    for sign in (1, -1):
        best = linprog(sign * aim, np.array(ratios), np.zeros(len(ratios)), rows, sums[at], bounds=(0, None))
        found.append(sign * (best.fun if best.status == 0 else -np.inf))  # nothing bounds it
    return found[0], found[1]


def small_sums(cube, counts):
    """People of every small group, and every count of a shown group that is small and not exported."""
    for table in cube.tables:
        for cell in table.cells:
            key = tuple(zip(table.subject, cell.group, strict=True))
            people = weights((key, "people"), counts)
            if int(people @ counts.ravel()) < FLOOR:
                yield people
                continue
            for label, decision in itertools.product(range(2), range(2)):
                one = np.zeros(counts.shape)
                one[..., label, decision] = people.reshape(counts.shape)[..., label, decision]
                if 0 < one.ravel() @ counts.ravel() < FLOOR:
                    yield one.ravel()


def assert_nothing_is_told(cube, counts):
    numbers = exported(cube)
    for aim in small_sums(cube, counts):
        low, high = worked_out(counts, numbers, aim)
        assert high - low >= FLOOR - 1e-4 and high >= FLOOR - 1e-4, (low, high)


def test_linked_tables_with_all_their_rates_tell_of_no_small_count():
    draw, shown = np.random.default_rng(5), 0
    for _ in range(3):
        counts = random_counts(draw)
        subjects = [(), ("gender",), ("origin",), ("gender", "origin")]
        cube = publish(cube_of(counts), question_of(counts, subjects))
        shown += sum(cell.shown != "hidden" for table in cube.tables for cell in table.cells)
        assert_nothing_is_told(cube, counts)
    assert shown > 25


def test_where_small_counts_are_only_rounded_small_groups_are_hidden_with_all_their_counts():
    """A group under the floor keeps its people, and no count of it is told but one its larger groups tell."""
    draw, small, rounded = np.random.default_rng(8), 0, 0
    for _ in range(6):
        counts = random_counts(draw)
        subjects = [("gender",), ("origin",), ("gender", "origin")]
        cube = publish(cube_of(counts), question_of(counts, subjects, small_counts="rounded"))
        numbers = exported(cube)
        for table in cube.tables:
            for cell in table.cells:
                rounded += len(cell.rounded)
                key = tuple(zip(table.subject, cell.group, strict=True))
                people = weights((key, "people"), counts)
                if int(people @ counts.ravel()) >= FLOOR:
                    continue
                small += 1
                assert cell.shown == "hidden"
                low, high = worked_out(counts, numbers, people)
                assert high - low >= FLOOR - 1e-4 and high >= FLOOR - 1e-4
                for label, decision in itertools.product(range(2), range(2)):
                    one = np.zeros(counts.shape)
                    one[..., label, decision] = people.reshape(counts.shape)[..., label, decision]
                    around = [
                        one * 0 + weights((part, "people"), counts).reshape(counts.shape)
                        for part in (key[:1], key[1:])
                    ]
                    most = min(int((counts * (side > 0))[..., label, decision].sum()) for side in around)
                    low, high = worked_out(counts, numbers, one.ravel())
                    assert high - low >= min(FLOOR, most) - 1e-4
    assert small > 3 and rounded > 3


def test_a_small_numerator_of_a_large_group_is_no_number():
    counts = np.array([[40, 38], [4, 60]]).reshape(1, 1, 1, 2, 2)
    counts = np.concatenate([counts, counts * 9])
    cube = publish(cube_of(counts), question_of(counts, [("gender",)], small_counts="rounded"))
    fnr = next(mask for mask in MASKS if mask.id == "fnr")
    cell = cube.cell(("gender",), ("gender 0",))
    assert cell.people == 142 and cell.rate(fnr) is None
    assert cell.rounded_rate("fnr") == Fraction(1, 20)  # 4 of 64
    assert cube.cell(("gender",), ("gender 1",)).rate(fnr) == (36, 576)


def test_two_tables_of_two_attributes_each_are_judged_together_with_the_third():
    counts = random_counts(np.random.default_rng(11), (3, 3, 2))
    subjects = [("gender", "origin"), ("origin", "month"), ("gender", "month")]
    cube = publish(cube_of(counts), question_of(counts, subjects))
    assert_nothing_is_told(cube, counts)


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 10_000))
def test_no_two_windows_can_be_subtracted(seed):
    counts = random_counts(np.random.default_rng(seed), (3, 1, 2))
    cube = publish(cube_of(counts), question_of(counts, [("gender",)], window="month"))
    assert_nothing_is_told(cube, counts)
    for level in range(3):
        group = f"gender {level}"
        months = [cube.cell(("gender", "month"), (group, f"month {at}")).known for at in range(2)]
        assert all((known == cube.cell(("gender",), (group,)).known).all() for known in months)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 2), st.integers(-4, 9))
def test_no_two_releases_can_be_subtracted(seed, group, change):
    """Whoever takes a hidden cell for unchanged since it was shown, or shown since, learns no small count."""
    counts = random_counts(np.random.default_rng(seed), (3, 1, 1))
    later = counts.copy()
    later[group, 0, 0, 0, 0] = max(0, later[group, 0, 0, 0, 0] + change)
    question = question_of(counts, [("gender",)])
    first = publish(cube_of(counts), question)
    second = first.next(cube_of(later))
    assert_nothing_is_told(second, later)
    for old, new in zip(first.table(("gender",)).cells, second.table(("gender",)).cells, strict=True):
        if old.shown == "hidden":  # nothing moved by a floor, so nothing that was hidden is shown now
            assert new.shown == "hidden"
        assert not (new.known & ~old.known).any()


@pytest.mark.parametrize("seed", [128, 3])
def test_the_next_release_of_linked_tables_tells_of_no_small_count(seed):
    draw = np.random.default_rng(seed)
    counts = random_counts(draw)
    subjects = [("gender",), ("origin",), ("gender", "origin")]
    first = publish(cube_of(counts), question_of(counts, subjects))
    later = np.maximum(0, counts + draw.integers(-3, 6, counts.shape))
    assert_nothing_is_told(first.next(cube_of(later)), later)


def test_a_cell_that_changed_enough_is_shown_once_nothing_hangs_on_it():
    counts = np.zeros((3, 1, 1, 2, 2), dtype=np.int64)
    counts[:, 0, 0] = [[[1, 1], [1, 1]], [[40, 40], [40, 40]], [[90, 90], [90, 90]]]
    later = counts.copy()
    later[0], later[1] = 30, 60
    first = publish(cube_of(counts), question_of(counts, [("gender",)]))
    assert [cell.shown for cell in first.table(("gender",)).cells] == ["hidden", "hidden", "counts"]
    assert [cell.shown for cell in first.next(cube_of(later)).table(("gender",)).cells] == ["counts"] * 3
    later[1] = 41  # its own count has hardly changed, so it would tell what the first group was
    assert first.next(cube_of(later)).table(("gender",)).cells[1].shown == "hidden"


def test_groups_without_anybody_are_listed_and_hidden_like_small_ones():
    counts = random_counts(np.random.default_rng(3), (2, 3, 1))
    counts[0, 0] = 0
    cube = publish(cube_of(counts), question_of(counts, [("gender", "origin")]))
    assert len(cube.table(("gender", "origin")).cells) == 6
    assert cube.cell(("gender", "origin"), ("gender 0", "origin 0")).shown == "hidden"


def test_a_table_with_too_many_cells_is_withheld_and_the_others_are_not():
    counts = np.full((4, 5, 1, 2, 2), 30, dtype=np.int64)
    wide = question_of(counts, [("gender",), ("gender", "origin")])
    levels = (wide.levels[0], ("origin", tuple(f"origin {i}" for i in range(5000))), wide.levels[2])
    cube = publish(cube_of(counts), Question(subjects=wide.subjects, levels=levels, rates=MASKS, floor=FLOOR))
    assert cube.table(("gender", "origin")).withheld
    assert all(cell.shown == "counts" for cell in cube.table(("gender",)).cells)


def test_where_an_outcome_is_rare_for_everybody_only_people_are_counted():
    counts = np.full((2, 2, 1, 2, 2), 40, dtype=np.int64)
    counts[..., 0, 1] = 0
    counts[0, 0, 0, 0, 1] = 7
    cube = publish(cube_of(counts), question_of(counts, [("gender",)]))
    assert cube.measures == () and not any(cell.known.any() for cell in cube.tables[0].cells)
    assert [cell.people for cell in cube.table(("gender",)).cells] == [247, 240]


def test_a_rounded_rate_stands_on_enough_people_and_is_a_multiple_of_five_points():
    draw, seen = np.random.default_rng(8), 0
    for _ in range(4):
        counts = 60 * random_counts(draw, (3, 2, 1))
        counts[0, 0, 0] = [[30, 3], [20, 12]]
        cube = publish(cube_of(counts), question_of(counts, [("gender",), ("gender", "origin")]))
        for table in cube.tables:
            for cell in table.cells:
                for rate, steps in cell.rounded:
                    mask = next(mask for mask in MASKS if mask.id == rate)
                    assert cell.rate(mask) is None and cell.rounded_rate(rate) == Fraction(steps, 20)
                    seen += 1
        assert_nothing_is_told(cube, counts)
    assert seen > 0


@given(st.integers(1, 3), st.integers(1, 3), st.lists(st.integers(0, 12), min_size=36, max_size=36))
@settings(max_examples=40, deadline=None)
def test_however_few_people_there_are_a_table_is_made_and_tells_of_nobody(first, second, people):
    counts = np.array(people[: first * second * 4], dtype=np.int64).reshape(first, second, 1, 2, 2)
    if not counts.sum():
        return
    subjects = [("gender",), ("origin",), ("gender", "origin")]
    cube = cube_of(counts)
    question = question_of(counts, subjects)
    assert_nothing_is_told(publish(cube, question), counts)

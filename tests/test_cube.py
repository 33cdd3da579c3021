"""The count cube as a value: it adds, cuts and rolls up like the rows it was made of."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_core.cube.axes import UNKNOWN, Axis, level_word, matching, same_value
from audit_core.cube.bands import MICRO, micro, score_bands
from audit_core.cube.count_cube import build_cube, is_unknown
from audit_core.cube.ranks import rank_sums

HALF = Fraction(1, 2)
BANDS = score_bands(Fraction(0), Fraction(1), HALF, (HALF,))
LEVELS = ("", "a", "b", "c")
ROWS = st.lists(
    st.tuples(
        st.integers(0, 3), st.integers(0, 3), st.integers(0, 2), st.integers(0, 2), st.integers(0, MICRO)
    ),
    max_size=40,
)


def cube(rows, names=("g", "h"), bands=BANDS):
    """Cube of (g, h, label, decision, q) rows."""
    axes = tuple(Axis(name=name, kind="attribute", levels=LEVELS) for name in names)
    codes = [[g, h, y, d, int(q >= bands.edges[1])] for g, h, y, d, q in rows]
    measures = [[1, q, q * q // MICRO, q * q % MICRO] for *_, q in rows]
    shape = (len(rows), -1)
    return build_cube(
        axes,
        bands,
        np.array(codes, dtype=np.int64).reshape(shape if rows else (0, 5)),
        np.array(measures, dtype=np.int64).reshape(shape if rows else (0, 4)),
    )


@settings(deadline=None)
@given(ROWS, ROWS)
def test_cubes_add_like_their_rows(first, second):
    both = cube(first) + cube(second)
    assert both == cube(first + second) == cube(second) + cube(first)
    assert both.rows == len(first) + len(second)
    assert hash(both) == hash(cube(second + first))


@settings(deadline=None)
@given(ROWS)
def test_roll_ups_agree_with_the_rows(rows):
    whole = cube(rows)
    assert whole.marginal(["g", "h"]) == whole
    assert whole.marginal(["h", "g"]).marginal(["g"]) == whole.marginal(["g"])
    assert sum(part.rows for part in (whole.at("g", level) for level in whole.axis("g").levels)) == len(rows)
    for subject in ((), ("g",), ("h", "g")):
        found = whole.outcomes(subject)
        scored = whole.scored(subject)
        for group, table in found.items():
            wanted = dict(zip(subject, group, strict=True))
            mine = [
                row
                for row in rows
                if all(LEVELS[row["gh".index(name)]] == level for name, level in wanted.items())
            ]
            expected = np.zeros((3, 4), dtype=int)
            sums = np.zeros((2, 2, 4), dtype=int)
            for _, _, y, d, q in mine:
                expected[y, d] += 1
                if y < 2:
                    sums[y, int(q >= MICRO // 2)] += [1, q, q * q // MICRO, q * q % MICRO]
            assert (table == expected).all()
            assert (scored[group] == sums).all()
        assert sum(int(table.sum()) for table in found.values()) == len(rows)


@settings(deadline=None)
@given(ROWS.filter(bool), st.randoms())
def test_the_order_of_rows_does_not_matter_and_one_cell_does(rows, random):
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert cube(shuffled).fingerprint == cube(rows).fingerprint
    g, h, y, d, q = rows[0]
    changed = [(g, h, y, d, q - 1 if q else q + 1), *rows[1:]]
    assert cube(changed).fingerprint != cube(rows).fingerprint


def test_a_part_holds_the_level_alone():
    whole = cube([(1, 1, 0, 0, 5), (2, 1, 1, 1, 6), (1, 2, 1, 0, 7)])
    part = whole.at("g", "a")
    assert [axis.name for axis in part.axes] == ["h"]
    assert part.axes[0].levels == ("a", "b") and part.rows == 2
    assert whole.has("g") and not part.has("g")


def test_arrays_are_read_only():
    whole = cube([(1, 1, 0, 0, 5)])
    for array in (whole.codes, whole.measures):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 9


def test_cubes_of_different_questions_do_not_add():
    one = cube([(1, 1, 0, 0, 5)])
    with pytest.raises(ValueError, match="axes"):
        one + cube([(1, 1, 0, 0, 5)], names=("g", "k"))
    with pytest.raises(ValueError, match="axes"):
        one + one.marginal(["g"])
    other = score_bands(Fraction(0), Fraction(1), Fraction(6, 10), (HALF,))
    with pytest.raises(ValueError, match="bands"):
        one + cube([(1, 1, 0, 0, 5)], bands=other)


def test_a_cube_of_no_rows_is_a_cube():
    empty = cube([])
    assert empty.rows == 0 and empty.outcomes(())[()].sum() == 0
    assert empty.outcomes(("g",)) == {}
    one = cube([(1, 1, 0, 0, 5)])
    assert empty + one == one


def test_unknown_is_a_level_that_is_never_compared():
    assert is_unknown(("a", UNKNOWN)) and not is_unknown(("a", "unknown"))
    assert level_word(UNKNOWN) == "unknown" and level_word("a") == "a"


# --- bands


def test_a_hundred_equal_bands_or_the_contracts_own():
    fine = score_bands(Fraction(0), Fraction(1), None, ())
    assert fine.count == 100 and fine.edges[29] == 290_000 and fine.edges[-1] == MICRO
    own = score_bands(Fraction(1), Fraction(10), None, (Fraction(4), Fraction(7)))
    assert own.edges == (0, 333_333, 666_667, MICRO)


@given(st.fractions(0, 1))
def test_micro_units_round_half_up(value):
    q = micro(value, Fraction(0), Fraction(1))
    assert abs(q - value * MICRO) <= HALF and q - value * MICRO > -HALF


# --- values a contract names


@pytest.mark.parametrize(
    ("cell", "named"),
    [("1.0", "1"), ("1", "1.00"), ("True", "true"), (" 1 ", "1"), ("1e0", "1"), ("+1", "1"), ("-0", "0"),
     ("true", "1"), (".5", "0.50"), ("yes", "yes"), ("10000000000000000000001", "10000000000000000000001.0")],
)  # fmt: skip
def test_equal_values(cell, named):
    assert same_value(cell, named) and matching([cell], [named]) == (cell,)


@pytest.mark.parametrize(
    ("cell", "named"),
    [("yes", "Yes"), ("yes ", "yes"), ("1/2", "0.5"), ("2/4", "1/2"), ("1_0", "10"), ("١", "1"), ("", "0"),
     ("nan", "NaN"), ("1,0", "1"), ("10000000000000000000001", "10000000000000000000000"), ("0x1", "1")],
)  # fmt: skip
def test_different_values(cell, named):
    assert not same_value(cell, named) and matching([cell], [named]) == ()


def test_a_hostile_number_is_not_written_out():
    huge = ["1e999999999", "-1E+999999999", "9" * 5000, "1e" + "9" * 5000, "0." + "0" * 5000 + "1"]
    assert matching(huge, ["1"]) == ()


@given(st.lists(st.text(max_size=6)), st.lists(st.text(max_size=6)))
def test_matching_is_same_value_over_lists(cells, named):
    expected = tuple(cell for cell in cells if any(same_value(cell, value) for value in named))
    assert matching(cells, named) == expected


# --- rank sums


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=60).filter(
        lambda rows: len({y for _, y in rows}) == 2
    )
)
def test_rank_sums_give_the_auc_of_every_pair(rows):
    counts = [[sum(1 for s, y in rows if s == at and y is want) for at in range(6)] for want in (True, False)]
    sums = rank_sums(np.array(counts[0]), np.array(counts[1]))
    pairs = [(p, n) for p, y in rows if y for n, z in rows if not z]
    beaten = sum(2 * (p > n) + (p == n) for p, n in pairs)
    assert sums.u2 == beaten
    assert sums.positives * sums.negatives == len(pairs)
    above = [sum(2 * (p > n) + (p == n) for n, z in rows if not z) for p, y in rows if y]
    below = [sum(2 * (p > n) + (p == n) for p, y in rows if y) for n, z in rows if not z]
    assert sums.sum_sq_pos == sum(x * x for x in above)
    assert sums.sum_sq_neg == sum(x * x for x in below)


def test_rank_sums_beyond_64_bits():
    sums = rank_sums(np.array([0, 10**8]), np.array([4 * 10**8, 0]))
    assert sums.sum_sq_pos == 10**8 * (8 * 10**8) ** 2 > 2**63
    assert sums.sum_sq_neg == 4 * 10**8 * (2 * 10**8) ** 2


@pytest.mark.parametrize("bad", [([1], [1, 2]), ([-1], [1]), ([10**9], [1])])
def test_rank_sums_refuse_what_they_cannot_count(bad):
    with pytest.raises(ValueError, match=r"counted at the same|overflow"):
        rank_sums(np.array(bad[0]), np.array(bad[1]))

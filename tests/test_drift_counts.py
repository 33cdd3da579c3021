"""Drift tables: NumPy's deciles, every row in one bin, nothing counted twice or in another's place."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from make_tables import contract, saved, written

from audit_core.cube.axes import OTHER
from audit_core.cube.build_drift import Side, count_drift, feature_names
from audit_core.cube.coding import code_table
from audit_core.cube.drift import MISSING_BIN, UNSEEN_BIN
from audit_core.errors import UsageError
from audit_core.metrics.drift import drift_status, psi
from audit_core.sources.tables import connect, open_table

PLAIN = "attributes: [{name: g}], features: auto"


def drift(reference, current, data=PLAIN):
    """Drift tables of two files by (feature, attribute, group)."""
    spec, con = contract(data), connect((reference, current))
    try:
        sides = []
        for path, role in ((reference, "train"), (current, "evaluation")):
            table = open_table(con, path, role)
            sides.append(Side(con=con, table=table, coding=code_table(con, table, spec)))
        return {(t.feature, t.attribute, t.group): t for t in count_drift(*sides, spec)}
    finally:
        con.close()


def of(tmp_path, reference, current, name="t.csv", data=PLAIN):
    """Drift tables of one feature x given as two lists."""
    files = []
    for kind, cells in (("r", reference), ("c", current)):
        frame = pd.DataFrame({"x": cells, "g": "a"})
        files.append(saved(tmp_path, frame, f"{kind}-{name}"))
    return drift(*files, data)


def bins(values, edges):
    """Counts by NumPy: bin i holds (edge i-1, edge i]."""
    return tuple(np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1))


def whole_bins(table, counts):
    """Counts with the mode and the rest of its bin put together again."""
    counts = list(counts)
    if table.mode is not None and table.value_bins == len(table.edges) + 2:
        counts[table.mode_place - 1] += counts.pop(table.mode_place)
    return tuple(counts)


# --- numbers

NUMBERS = st.one_of(
    st.lists(st.integers(-5, 5).map(float), min_size=1, max_size=40),
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40),
    st.lists(st.sampled_from([0.1, 0.2, 0.30000000000000004, 0.3, 1e-9]), min_size=1, max_size=40),
)


@settings(deadline=None, max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NUMBERS, NUMBERS)
def test_deciles_are_numpys(tmp_path, reference, current):
    table = of(tmp_path, reference, current, "t.parquet")["x", "", ""]
    edges = np.unique(np.quantile(reference, np.arange(1, 10) / 10))
    assert np.allclose(
        np.unique(np.round(table.edges, 6)), np.unique(np.round(edges, 6)), rtol=1e-12, atol=2e-6
    )
    assert whole_bins(table, table.reference) == bins(reference, table.edges)
    assert whole_bins(table, table.current) == bins(current, table.edges)
    deciles = np.quantile(reference, np.arange(1, 10) / 10)
    assert (table.mode is None) == (len(np.unique(deciles)) == 9)
    if table.mode is not None:
        assert table.reference[table.mode_place] == sum(x == table.mode for x in reference)
        assert table.current[table.mode_place] == sum(x == table.mode for x in current)


def test_an_edge_belongs_to_the_bin_below(tmp_path):
    table = of(tmp_path, list(range(11)), [1, 1.0000001, 5, 9, 9.5, -3])["x", "", ""]
    assert table.edges == tuple(float(k) for k in range(1, 10))
    assert table.reference == (2, 1, 1, 1, 1, 1, 1, 1, 1, 1)
    assert table.current == (2, 1, 0, 0, 1, 0, 0, 0, 1, 1)
    assert table.labels[:2] == ("up to 1", "over 1 to 2") and table.labels[-1] == "over 9"


def test_equal_deciles_are_one_edge(tmp_path):
    table = of(tmp_path, [0] * 80 + list(range(1, 21)), [0, 5])["x", "", ""]
    assert table.edges == tuple(np.unique(np.quantile([0] * 80 + list(range(1, 21)), np.arange(1, 10) / 10)))
    constant = of(tmp_path, [7, 7, 7], [7, 8])["x", "", ""]
    assert constant.edges == (7.0,) and (constant.reference, constant.current) == ((3, 0), (1, 1))


def test_a_value_that_deciles_fall_on_has_a_bin_apart_from_its_neighbours(tmp_path):
    """Most people have 0, some less: -1 and 0 are no longer one bin."""
    reference = [-3.0] * 3 + [-1.0] * 5 + [0.0] * 60 + [k / 3 for k in range(1, 33)]
    table = of(tmp_path, reference, [-2.0, -1.0, 0.0, 0.1, None], "t.parquet")["x", "", ""]
    assert table.mode == table.edges[0] == 0.0 and len(table.edges) == 4
    place = table.mode_place
    assert table.labels[:2] == ("below 0", "exactly 0") and table.labels[2].startswith("over 0 to")
    assert (place, table.reference[:2], table.current[:3]) == (1, (8, 60), (2, 1, 1))
    assert sum(table.reference) == 100 and sum(table.current) == 5


def test_nothing_is_split_where_the_mode_has_no_neighbour(tmp_path):
    """Where 0 is the least there is, its bin is the one it was; one row below it has a bin of its own."""
    reference = [0.0] * 60 + [float(k) for k in range(1, 41)]
    table = of(tmp_path, reference, [0.0, 5.0], "t.parquet")["x", "", ""]
    assert (table.mode, table.mode_place) == (0.0, 0)
    assert table.labels[0] == "exactly 0" and len(table.labels) == len(table.edges) + 1
    below = of(tmp_path, reference, [0.0, 5.0, -1.0], "t.parquet")["x", "", ""]
    assert below.labels[:2] == ("below 0", "exactly 0")
    assert (below.reference[:2], below.current[:2]) == ((0, 60), (1, 1))


def test_the_mode_is_the_value_with_most_rows_among_those_that_deciles_share(tmp_path):
    reference = [1.0] * 30 + [2.0] * 45 + [float(k) for k in range(3, 28)]
    assert of(tmp_path, reference, [1.0], "t.parquet")["x", "", ""].mode == 2.0
    tied = of(tmp_path, [5.0] * 20 + [4.0] * 20, [4.0], "t.parquet")["x", "", ""]
    assert tied.mode == 4.0


def test_the_mode_is_named_as_it_is(tmp_path):
    """No digit is cut off a value that is called exact, and no zero has a sign."""
    third = of(tmp_path, [1 / 3] * 9 + [1.0, 2.0], [0.0], "t.parquet")["x", "", ""]
    assert third.labels[:2] == ("below 0.3333333333333333", "exactly 0.3333333333333333")
    zero = of(tmp_path, [-0.0] * 9 + [1.0, 2.0], [0.0], "t.parquet")["x", "", ""]
    assert zero.labels[0] == "exactly 0" and zero.current[0] == 1


def test_edges_that_read_alike_are_written_in_full(tmp_path):
    table = of(tmp_path, [1000000 + k / 8 for k in range(40)], [1.0], "t.parquet")["x", "", ""]
    assert len(set(table.labels)) == len(table.labels) == 10


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_missing_numbers_have_a_bin_when_there_are_any(tmp_path, name):
    whole = of(tmp_path, [1.0, 2.0], [1.5, 2.0], name)["x", "", ""]
    assert MISSING_BIN not in whole.labels and whole.missing() == (0, 0)
    some = of(tmp_path, [1.0, 2.0], [None, 2.0, np.inf], name)["x", "", ""]
    assert some.labels[-1] == MISSING_BIN and some.missing() == (0, 2)
    assert sum(some.current) == 3 and UNSEEN_BIN not in some.labels


def test_a_parquet_nan_is_a_missing_number(tmp_path):
    for kind, cells in (("r", [1.0, 2.0, 3.0]), ("c", [float("nan"), 2.0, 3.0])):
        pq.write_table(pa.table({"x": cells, "g": ["a"] * 3}), tmp_path / f"{kind}.parquet")
    assert drift(tmp_path / "r.parquet", tmp_path / "c.parquet")["x", "", ""].missing() == (0, 1)


def test_numbers_as_text_and_as_numbers_are_the_same_feature(tmp_path):
    file = saved(tmp_path, pd.DataFrame({"x": [1, 2, 3], "g": "a"}), "r.parquet")
    table = drift(file, written(tmp_path, "c.csv", "x,g\n1.0,a\n 2 ,a\n3e0,a\n"))["x", "", ""]
    assert table.kind == "numeric" and table.reference == table.current


# --- categories


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_categories_missing_and_unseen(tmp_path, name):
    table = of(tmp_path, ["b", "a", "a", None], ["a", "new", "new", "newer", None, None], name)["x", "", ""]
    assert table.kind == "categorical" and table.edges == ()
    assert table.labels == ("a", "b", MISSING_BIN, UNSEEN_BIN)
    assert (table.reference, table.current) == ((2, 1, 1, 0), (1, 0, 2, 3))
    assert table.new_categories == (("new", 2), ("newer", 1)) and table.missing() == (1, 2)


def test_a_category_called_missing_is_no_missing_cell(tmp_path):
    names = [MISSING_BIN, UNSEEN_BIN, OTHER, "a", "+", "="]
    table = of(tmp_path, names, [*names, MISSING_BIN])["x", "", ""]
    assert table.missing() == (0, 0) and len(set(table.labels)) == len(table.labels) == 6
    assert table.current == tuple(2 if label.startswith(MISSING_BIN) else 1 for label in table.labels)
    gap = of(tmp_path, names, [*names, None, None])["x", "", ""]
    assert gap.missing() == (0, 2)


def test_truth_is_the_same_in_text_and_parquet(tmp_path):
    frame = pd.DataFrame({"x": [True, False, True], "g": "a"})
    table = drift(saved(tmp_path, frame, "r.parquet"), saved(tmp_path, frame, "c.csv"))["x", "", ""]
    assert table.reference == table.current == (1, 2) and table.new_categories == ()


def test_free_text_is_folded(tmp_path):
    reference = [f"sentence {k}" for k in range(3000)] + ["often"] * 50
    table = of(tmp_path, reference, ["often", "sentence 1", "never seen", None])["x", "", ""]
    assert table.labels == ("often", OTHER, MISSING_BIN)
    assert (table.reference, table.current) == ((50, 3000, 0), (1, 2, 1))
    assert table.new_categories == ()


def test_categories_picked_for_being_frequent_at_release_do_not_drift_by_themselves(tmp_path):
    """Of 400 alike categories those with most rows by chance have fewer in every other sample."""
    for seed in range(4):
        draw = np.random.default_rng(seed)
        sides = [[f"z{k}" for k in draw.integers(0, 400, rows)] for rows in (3_000, 1_500)]
        table = of(tmp_path, *sides)["x", "", ""]
        assert sum(table.reference) == 3_000 and sum(table.current) == 1_500
        assert drift_status(psi(table.reference, table.current)) in ("stable", "insufficient")


def test_words_that_only_one_person_has_are_never_named(tmp_path):
    """Neither those of the reference sample nor those that are new; many shared categories are all named."""
    alone = [f"sentence {k}" for k in range(30)]
    table = of(tmp_path, ["often"] * 100, [*alone, *["new"] * 12])["x", "", ""]
    assert table.new_categories == (("new", 12),)
    shared = [f"job {k:02}" for k in range(40) for _ in range(15)]
    assert len(of(tmp_path, [*shared, *alone], shared)["x", "", ""].labels) == 70
    assert len(of(tmp_path, ["a", "b", "c"], ["a", "d"])["x", "", ""].labels) == 4


def test_a_column_without_a_value_on_one_side(tmp_path):
    table = of(tmp_path, [None, None], ["a", "b"])["x", "", ""]
    assert table.labels == (MISSING_BIN, UNSEEN_BIN)
    assert (table.reference, table.current) == ((2, 0), (0, 2))


# --- groups, and the columns that are features

ROLES = (
    "label: {column: y}, score: {column: s, threshold: 0.5}, training_label: past, id: i, window: w, "
    "attributes: [{name: g}, "
    "{name: band, from: {column: age, edges: [0, 40, 99], labels: [under 40, 40+]}}], "
    "slices: [k]"
)


def people(rows, seed, groups=("a", "b")):
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"y": draw.integers(0, 2, rows), "s": draw.random(rows), "past": 1, "i": range(rows)}
    )
    frame["w"], frame["age"] = "2026-01", draw.integers(18, 80, rows)
    frame["g"], frame["k"] = draw.choice(groups, rows), draw.choice(["web", "app"], rows)
    return frame.assign(x=draw.normal(size=rows), z=draw.choice(["u", "v"], rows))


def test_tables_of_groups_sum_to_the_table_of_everybody(tmp_path):
    files = saved(tmp_path, people(600, 1), "r.csv"), saved(tmp_path, people(400, 2), "c.parquet")
    tables = drift(*files, f"{ROLES}, features: auto")
    assert {name: t.kind for (name, _, group), t in tables.items() if not group} == {
        "k": "categorical",
        "x": "numeric",
        "z": "categorical",
        "s": "score",
        "decision": "decision",
        "y": "label",
        "g": "group",
        "band": "group",
    }
    for (feature, _, group), table in tables.items():
        if group or table.kind == "group":
            continue
        assert (sum(table.reference), sum(table.current)) == (600, 400)
        for attribute in ("g", "band"):
            parts = [t for (name, axis, _), t in tables.items() if (name, axis) == (feature, attribute)]
            assert len(parts) == 2 and {part.labels for part in parts} == {table.labels}
            for side in ("reference", "current"):
                total = np.sum([getattr(part, side) for part in parts], axis=0)
                assert tuple(total) == getattr(table, side)


def test_a_group_of_one_sample_alone_is_not_compared(tmp_path):
    files = saved(tmp_path, people(100, 1), "r.csv"), saved(tmp_path, people(100, 2, ("a", "c")), "c.csv")
    tables = drift(*files, f"{ROLES}, features: auto")
    assert {group for (_, attribute, group) in tables if attribute == "g"} == {"a"}


def test_rows_without_a_decision_shape_no_bin(tmp_path):
    """Deciles and categories are of the same rows that are counted."""
    frame = people(200, 1)
    odd = frame.assign(x=1e6, z="odd").assign(s=np.nan)
    clean = drift(
        saved(tmp_path, frame, "r.csv"), saved(tmp_path, frame, "c.csv"), f"{ROLES}, features: auto"
    )
    files = [saved(tmp_path, pd.concat([frame, odd]), name) for name in ("r.csv", "c.csv")]
    assert drift(*files, f"{ROLES}, features: auto") == clean


def names_of(tmp_path, reference, current, data):
    files = [saved(tmp_path, frame, name) for frame, name in ((reference, "r.csv"), (current, "c.csv"))]
    con = connect(files)
    try:
        tables = [open_table(con, file, "train") for file in files]
        return feature_names(*tables, contract(data))
    finally:
        con.close()


def test_features_named_by_the_contract(tmp_path):
    frame = people(5, 1)
    assert names_of(tmp_path, frame, frame, f"{ROLES}, features: [z, age]") == ("z", "age")
    assert names_of(tmp_path, frame, frame.drop(columns="x"), f"{ROLES}, features: auto") == ("k", "z")
    with pytest.raises(UsageError, match="no column named “x”") as caught:
        names_of(tmp_path, frame, frame.drop(columns="x"), f"{ROLES}, features: [x]")
    assert caught.value.where == "c.csv"

"""Distances from the values, shares of groups, and later files counted in the bins of a release."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make_tables import contract, saved, written

from audit_core.cube import drift_values
from audit_core.cube.axes import OTHER, UNKNOWN_WORD
from audit_core.cube.build_drift import Side, count_drift, count_in_bins, uncountable
from audit_core.cube.coding import code_table
from audit_core.cube.drift import (
    MISSING_BIN,
    NUMBERS,
    UNSEEN_BIN,
    Bins,
    added_drift,
    bins_of,
    codes_of,
)
from audit_core.errors import UsageError
from audit_core.evidence import stored
from audit_core.metrics.distances import distances_of, value_distances
from audit_core.metrics.drift_rows import rows_of
from audit_core.sources.tables import connect, open_table

GOLDEN = json.loads((Path(__file__).parent / "golden" / "drift_values.json").read_text(encoding="utf-8"))
ROLES = (
    "label: {column: y}, score: {column: s, threshold: 0.5}, "
    "attributes: [{name: g, unknown: [hidden]}, {name: h}], features: auto"
)


def people(rows, seed, shift=0.0):
    """Applicants with a zero-inflated number, a category with something new, and gaps in both."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame({"y": draw.integers(0, 2, rows), "s": draw.random(rows)})
    frame["x"] = np.round(np.maximum(0.0, draw.normal(shift, 1, rows)), 3)
    frame["z"] = draw.choice(["u", "v", f"new {seed}"] if shift else ["u", "v"], rows)
    frame.loc[draw.random(rows) < 0.05 + shift / 5, "x"] = None
    frame["g"], frame["h"] = draw.choice(["a", "b", "hidden"], rows), draw.choice(["k", "l"], rows)
    return frame


class Files:
    """A training sample, the release's evaluation set and later files, opened together."""

    def __init__(self, folder, frames, data=ROLES):
        self.spec = contract(data)
        paths = [f if isinstance(f, Path) else saved(folder, f, f"{k}.csv") for k, f in enumerate(frames)]
        self.con = connect(paths)
        self.sides = []
        for path, role in zip(paths, ["train", "evaluation", *["window"] * len(paths)], strict=False):
            table = open_table(self.con, path, role)
            self.sides.append(Side(con=self.con, table=table, coding=code_table(self.con, table, self.spec)))

    def released(self):
        return count_drift(self.sides[0], self.sides[1], self.spec)

    def later(self, place, released):
        return count_in_bins(self.sides[place], released, self.spec)


@pytest.fixture(scope="module")
def windows(tmp_path_factory):
    """Training, evaluation, two later windows, and the two windows as one file."""
    first, second = people(300, 3, 0.4), people(200, 4, 0.9)
    frames = [people(600, 1), people(400, 2), first, second, pd.concat([first, second])]
    return Files(tmp_path_factory.mktemp("windows"), frames)


@pytest.fixture(scope="module")
def released(windows):
    return windows.released()


def of(tables, feature, attribute="", group=""):
    return next(t for t in tables if (t.feature, t.attribute, t.group) == (feature, attribute, group))


# --- a later file in the release's bins


def test_the_releases_own_file_counted_again_gives_the_releases_tables(windows, released):
    again = windows.later(1, released)
    assert again == tuple(replace(table, values=None) for table in released)


def test_a_later_file_is_counted_as_if_the_training_file_were_at_hand(windows, released):
    direct = count_drift(windows.sides[0], windows.sides[2], windows.spec)
    key = lambda t: (t.feature, t.kind, t.attribute, t.group)  # noqa: E731
    found = {key(table): table for table in windows.later(2, released)}
    assert found.keys() == {key(table) for table in direct}
    for table in direct:
        assert found[key(table)] == replace(table, values=None)
    assert of(found.values(), "z").new_categories[0][0] == "new 3"
    assert of(found.values(), "x").mode == 0.0


def test_two_windows_add_up_to_the_file_that_holds_both(windows, released):
    first, second, both = (windows.later(place, released) for place in (2, 3, 4))
    for a, b, whole in zip(first, second, both, strict=True):
        assert added_drift(a, b) == added_drift(b, a) == whole
    added = of([added_drift(a, b) for a, b in zip(first, second, strict=True)], "z")
    assert {name for name, _ in added.new_categories} == {"new 3", "new 4"}


def test_bins_that_stand_in_one_window_alone_are_kept(tmp_path):
    data = "attributes: [{name: g}], features: auto"
    frames = [pd.DataFrame({"x": x, "g": "a"}) for x in
              ([0.0] * 60 + list(range(1, 41)), [0.0, 3.0], [None, 2.0], [-1.0, 0.0])]  # fmt: skip
    files = Files(tmp_path, frames, data)
    released = files.released()
    gone, below = (of(files.later(place, released), "x") for place in (2, 3))
    total = added_drift(gone, below)
    assert MISSING_BIN not in below.labels and "below 0" not in gone.labels
    assert total.labels[:2] == ("below 0", "exactly 0") and total.labels[-1] == MISSING_BIN
    assert (sum(total.current), total.missing(), total.current[:2]) == (4, (0, 1), (1, 1))
    assert sum(total.reference) == 100


def test_a_group_of_the_window_alone_has_no_table_and_one_of_the_release_alone_has_zeros(tmp_path):
    data = "attributes: [{name: g}], features: [x]"
    train = pd.DataFrame({"x": range(40), "g": ["a", "b"] * 20})
    window = pd.DataFrame({"x": range(4), "g": ["a", "c", "c", "c"]})
    files = Files(tmp_path, [train, train, window], data)
    later = files.later(2, files.released())
    assert {t.group for t in later} == {"", "a", "b"}
    assert sum(of(later, "x", "g", "b").current) == 0 and sum(of(later, "x", "g", "b").reference) == 20
    shares = of(later, "g")
    assert shares.labels == ("a", "b", UNSEEN_BIN) and shares.new_categories == (("c", 3),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("g,z\na,u\n", "the file has no such column"),
        ("g,x,z\na,1,u\nb,much,v\n", "not every cell is a number"),
    ],
)
def test_a_feature_that_can_not_be_counted_is_named_and_never_left_out_silently(tmp_path, text, said):
    data = "attributes: [{name: g}], features: auto"
    frame = pd.DataFrame({"g": ["a", "b"] * 8, "x": range(16), "z": ["u", "v"] * 8})
    files = Files(tmp_path, [frame, frame, written(tmp_path, "w.csv", text)], data)
    released = files.released()
    ((name, why),) = uncountable(files.sides[2], released, files.spec)
    assert name == "x" and said in why
    with pytest.raises(UsageError, match="“x”") as caught:
        files.later(2, released)
    assert caught.value.where == "w.csv"
    rest = tuple(table for table in released if table.feature != name)
    assert {t.feature for t in files.later(2, rest)} == {"z", "g"}


def test_a_column_without_any_value_is_all_missing(tmp_path):
    data = "attributes: [{name: g}], features: auto"
    frame = pd.DataFrame({"g": ["a", "b"] * 8, "x": range(16)})
    files = Files(tmp_path, [frame, frame, written(tmp_path, "w.csv", "g,x\na,\nb,\n")], data)
    assert of(files.later(2, files.released()), "x").missing() == (0, 2)


def test_truth_in_another_spelling_is_no_new_category(tmp_path):
    data = "attributes: [{name: g}], features: auto"
    frame = pd.DataFrame({"g": ["a", "b"] * 8, "x": ["True", "False"] * 8})
    later = saved(tmp_path, pd.DataFrame({"g": ["a", "b"], "x": [True, True]}), "w.parquet")
    files = Files(tmp_path, [frame, frame, later], data)
    table = of(files.later(2, files.released()), "x")
    assert (table.labels, table.current) == (("False", "True"), (0, 2))


def test_labels_that_have_not_come_are_no_drift(tmp_path):
    train = pd.DataFrame({"y": [0, 1] * 8, "g": ["a", "b"] * 8, "x": range(16)})
    data = "label: {column: y}, attributes: [{name: g}], features: auto"
    files = Files(tmp_path, [train, train, train.assign(y=None)], data)
    released = files.released()
    assert uncountable(files.sides[2], released, files.spec) == (("y", "the file has no labels yet"),)
    without = count_drift(files.sides[0], files.sides[2], files.spec)
    assert {t.feature for t in released} - {t.feature for t in without} == {"y"}


def test_windows_of_other_bins_are_not_added(released):
    x, z = of(released, "x"), of(released, "z")
    moved = replace(x, reference=(x.reference[0] + 1, *x.reference[1:]))
    for other in (z, replace(x, edges=(*x.edges[:-1], 99.0)), replace(x, mode=None), moved):
        with pytest.raises(ValueError, match="same bins"):
            added_drift(x, other)


LEVELS = st.lists(
    st.sampled_from(
        ["a", "b (a value)", MISSING_BIN, f"{MISSING_BIN} (a value)", UNSEEN_BIN, OTHER, UNKNOWN_WORD]
    ),
    min_size=1,
    max_size=5,
    unique=True,
)


@settings(deadline=None, max_examples=40)
@given(LEVELS, st.booleans(), st.sampled_from(["categorical", "group"]), st.data())
def test_a_table_tells_its_bins(levels, folded, kind, data):
    """Whatever a category is called, its table leads back to the bins it was counted in."""
    bins = Bins(feature="f", kind=kind, levels=tuple(levels), folded=folded and kind != "group")
    counts = {slot.code: data.draw(st.integers(0, 3)) for slot in bins.slots()}
    table = bins.table(("", ""), counts, counts)
    assert bins_of(table) == bins
    assert dict(zip(codes_of(table), table.reference, strict=True)) == {
        slot.code: counts[slot.code] for slot in bins.slots() if slot.always or counts[slot.code]
    }


# --- shares of groups


def test_shares_of_groups_are_a_table_over_everybody_with_the_unknown_apart(windows, released):
    shares = [table for table in released if table.kind == "group"]
    assert [(t.feature, t.attribute, t.group) for t in shares] == [("g", "", ""), ("h", "", "")]
    assert shares[0].labels == ("a", "b", UNKNOWN_WORD) and shares[0].values is None
    train = people(600, 1)["g"].value_counts()
    assert shares[0].reference == (train["a"], train["b"], train["hidden"])
    assert shares[0].missing() == (train["hidden"], people(400, 2)["g"].value_counts()["hidden"])


# --- distances from the values


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["name"])
def test_distances_of_a_file_are_scipys(tmp_path, case):
    data = "attributes: [{name: g}], features: [x]"
    frames = [pd.DataFrame({"x": case[side], "g": "a"}) for side in ("reference", "current")]
    files = Files(tmp_path, frames, data)
    (row, *_) = rows_of(files.released(), (0.1, 0.25))
    assert row.distances.ks == row.ks == pytest.approx(case["ks"], abs=1e-12)
    assert row.distances.ks_p == pytest.approx(case["ks_p"], abs=1e-9)
    assert row.distances.wasserstein == pytest.approx(case["wasserstein"], rel=1e-12)
    assert row.distances.scaled == pytest.approx(case["wasserstein"] / case["deviation"], rel=1e-12)


SAMPLES = st.lists(
    st.tuples(st.integers(-4, 4), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=12
)


@settings(deadline=None, max_examples=60)
@given(SAMPLES, st.lists(st.integers(1, 4), min_size=12, max_size=12))
def test_folding_in_parts_gives_the_distances_of_the_whole(cells, sizes):
    """However the ascending rows are cut, equal values of several parts included."""
    cells = sorted(cells)
    x, r, c = (np.array(column) for column in zip(*cells, strict=True))
    if not r.sum() or not c.sum():
        return
    fold, place = drift_values._Fold(int(r.sum()), int(c.sum())), 0
    for size in sizes:
        part = slice(place, place + size)
        if place < len(x):
            fold.add(x[part].astype(float), np.array([r[part], c[part]]))
        place += size
    values = np.unique(x)
    before, after = ([int(side[x == v].sum()) for v in values] for side in (r, c))
    wanted, found = value_distances(values, before, after), distances_of(fold.result())
    assert (found.ks, found.ks_p) == (wanted.ks, wanted.ks_p)
    assert found.wasserstein == pytest.approx(wanted.wasserstein, rel=1e-12)
    assert found.scaled == (None if wanted.scaled is None else pytest.approx(wanted.scaled, rel=1e-9))


def test_distances_inside_groups_are_those_of_the_groups_rows(windows, released):
    frames = [people(600, 1), people(400, 2)]
    for table in released:
        if table.kind not in NUMBERS:
            continue
        sides = [f if not table.attribute else f[f[table.attribute] == table.group] for f in frames]
        if table.group == UNKNOWN_WORD:
            sides = [f[f["g"] == "hidden"] for f in frames]
        cells = [side[table.feature].dropna() for side in sides]
        values = sorted({*cells[0], *cells[1]})
        rows = [cell.value_counts().reindex(values, fill_value=0).to_numpy() for cell in cells]
        wanted, found = value_distances(values, *rows), distances_of(table.values)
        assert (found.ks, found.ks_null95) == (wanted.ks, wanted.ks_null95)
        assert found.wasserstein == pytest.approx(wanted.wasserstein, rel=1e-12)
        assert found.scaled == pytest.approx(wanted.scaled, rel=1e-12)


def test_the_size_of_a_batch_changes_no_byte_and_chunks_only_the_last_digit(windows, released, monkeypatch):
    again = windows.released()
    assert sorted(map(repr, again)) == sorted(map(repr, released))
    monkeypatch.setattr(drift_values, "CHUNK", 37)
    small, whole = of(windows.released(), "x"), of(released, "x")
    assert small.values.apart == whole.values.apart
    assert small.values.area == pytest.approx(whole.values.area, rel=1e-12)
    assert small.values.deviation == pytest.approx(whole.values.deviation, rel=1e-12)


def test_values_too_large_for_a_double_have_no_distance(tmp_path):
    data = "attributes: [{name: g}], features: [x]"
    frames = [
        pd.DataFrame({"x": [-1.7e308, 1.7e308], "g": "a"}),
        pd.DataFrame({"x": [1.7e308] * 2, "g": "a"}),
    ]
    (row, *_) = rows_of(Files(tmp_path, frames, data).released(), (0.1, 0.25))
    assert (row.distances.ks, row.distances.wasserstein, row.distances.scaled) == (0.5, None, None)


def test_one_value_has_no_deviation_to_scale_by(tmp_path):
    data = "attributes: [{name: g}], features: [x]"
    frames = [pd.DataFrame({"x": [3.0] * 4, "g": "a"}), pd.DataFrame({"x": [5.0] * 4, "g": "a"})]
    (row, *_) = rows_of(Files(tmp_path, frames, data).released(), (0.1, 0.25))
    assert (row.ks, row.distances.wasserstein, row.distances.scaled) == (1.0, 2.0, None)


# --- kept, and read again


def test_a_table_is_read_back_as_it_was_and_an_older_one_without_the_new_parts(released):
    for table in released:
        kept = json.loads(json.dumps(asdict(table)))
        assert stored._drift(kept) == table
        for name in ("mode", "values"):
            del kept[name]
        assert stored._drift(kept) == replace(table, mode=None, values=None)


# --- false discoveries


def test_q_values_are_of_every_feature_inside_every_group(released):
    rows = rows_of(released, (0.1, 0.25))
    tested = [row for row in rows if row.q is not None]
    assert {row.tests for row in rows} == {len(tested)} and len(tested) > 20
    wanted = _false_discovery_rate([row.statistics.chi2_p for row in tested])
    assert [row.q for row in tested] == pytest.approx(list(wanted), abs=1e-12)


def _false_discovery_rate(p):
    from scipy.stats import false_discovery_control

    return false_discovery_control(p)


def test_a_group_called_unknown_is_counted_with_the_people_of_unknown_group(tmp_path):
    """In every table alike: bins, distances, shares, and a later file."""
    data = "attributes: [{name: g}], features: [x]"
    frame = pd.DataFrame({"x": range(30), "g": ["a", UNKNOWN_WORD, None] * 10})
    moved = frame.assign(x=frame["x"] + 5)
    files = Files(tmp_path, [frame, moved, moved], data)
    released = files.released()
    inside = of(released, "x", "g", UNKNOWN_WORD)
    assert (inside.values.reference, inside.values.current, inside.values.area) == (20, 20, 5.0)
    assert of(released, "g").labels == ("a", UNKNOWN_WORD) and of(released, "g").missing() == (20, 20)
    assert files.later(2, released) == tuple(replace(table, values=None) for table in released)

"""Rows become cells: every count agrees with pandas, and every row that does not count is accounted for."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from make_tables import contract, counted, cube_of, opened, saved, written
from sklearn.metrics import roc_auc_score

from audit_core.cube.axes import ABSENT, MAX_LEVELS, NEITHER, OTHER, UNKNOWN
from audit_core.cube.build import count_table, shared_ids
from audit_core.cube.coding import code_table
from audit_core.errors import SourceError, UsageError
from audit_core.sources.tables import open_table

LABEL, SCORE = "label: {column: y}", "score: {column: s, threshold: 0.5}"
GROUP = "attributes: [{name: g}]"
WHOLE = contract(f"{LABEL}, {SCORE}, attributes: [{{name: g}}, {{name: h}}], slices: [k], window: w")
FILES = ["t.csv", "t.parquet"]


def people(rows=2000, seed=1):
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "y": draw.integers(0, 2, rows).astype(object),
            "s": np.round(draw.random(rows), 3),
            "g": draw.choice(["a", "b", "Ünal; 'x'"], rows),
            "h": draw.choice(["1", "2", None], rows),
            "k": draw.choice(["web", "app"], rows),
            "w": draw.choice(["2026-01", "2026-02"], rows),
        }
    )
    frame.loc[draw.random(rows) < 0.1, "y"] = None
    return frame


def parquet(folder, **columns):
    pq.write_table(pa.table(columns), folder / "t.parquet")
    return folder / "t.parquet"


def decisions(cube):
    """Rows by (not selected, selected, abstained)."""
    table = cube.outcomes(())[()].sum(axis=0)
    assert table[ABSENT] == 0
    return tuple(int(n) for n in table[:ABSENT])


# --- against pandas


def test_every_roll_up_agrees_with_pandas(tmp_path):
    frame = people()
    cube, intake, _ = counted(saved(tmp_path, frame), WHOLE)
    assert (cube.rows, intake.rows, intake.counted) == (2000, 2000, 2000)
    frame = frame.assign(
        h=frame["h"].fillna(UNKNOWN),
        y=frame["y"].fillna(NEITHER).astype(int),
        d=(frame["s"] >= 0.5).astype(int),
        q=np.floor(frame["s"] * 1_000_000 + 0.5).astype(np.int64),
    )
    frame["b"] = np.minimum(frame["q"] // 10_000, 99)
    for subject in (("g",), ("h",), ("g", "h"), ("w", "k", "g")):
        tables, scored = cube.outcomes(subject), cube.scored(subject)
        groups = frame.groupby(list(subject))
        assert set(tables) == {group for group, _ in groups}
        for group, mine in groups:
            expected = np.zeros((3, 4), dtype=int)
            np.add.at(expected, (mine["y"], mine["d"]), 1)
            assert (tables[group] == expected).all()
            for (y, b), cell in mine[mine["y"] < 2].groupby(["y", "b"]):
                q = [int(value) for value in cell["q"]]
                n, s, high, low = (int(value) for value in scored[group][y, b])
                assert (n, s, high * 10**6 + low) == (len(q), sum(q), sum(value * value for value in q))
    assert cube.at("w", "2026-01").rows == (frame["w"] == "2026-01").sum()


def test_the_fingerprint_is_of_the_rows_alone(tmp_path):
    frame = people()
    file = saved(tmp_path, frame)
    found = {cube_of(file, WHOLE, threads=n).fingerprint for n in (1, 2, 3, 4)}
    for seed in range(3):
        shuffled = frame.sample(frac=1, random_state=seed)
        found.add(cube_of(saved(tmp_path, shuffled, f"{seed}.parquet"), WHOLE, threads=4).fingerprint)
    assert len(found) == 1
    for column, value in {"y": 1, "s": 0.999, "g": "c", "h": "2", "k": "fax", "w": "2026-03"}.items():
        changed = frame.copy()
        row = int(np.argmax((changed[column] != value).to_numpy()))
        changed.loc[row, column] = value
        found.add(cube_of(saved(tmp_path, changed), WHOLE).fingerprint)
    assert len(found) == 7


CELLS = st.tuples(
    st.sampled_from(["0", "1", ""]),
    st.sampled_from(["0", "0.29", "0.5", "0.57", "1", "0.4999999", ""]),
    st.sampled_from(["a", "b", "c", ""]),
)


@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(CELLS, min_size=1, max_size=30), st.lists(CELLS, min_size=1, max_size=30))
def test_cubes_of_two_files_add_to_the_cube_of_both(tmp_path, first, second):
    def part(rows):
        text = "y,s,g\n" + "".join(",".join(row) + "\n" for row in [("0", "0.5", "a"), *rows])
        return cube_of(written(tmp_path, "t.csv", text))

    one = part([])
    assert part(first) + part(second) == part(first + second) + one


def test_rank_sums_agree_with_sklearn(tmp_path):
    frame = people(4000, seed=2)
    _, _, ranks = counted(saved(tmp_path, frame), WHOLE)
    frame = frame.dropna(subset="y").assign(h=frame["h"].fillna(UNKNOWN))
    wanted = {("", ""): frame}
    wanted |= {(name, level): mine for name in ("g", "h") for level, mine in frame.groupby(name)}
    assert {(rank.attribute, rank.group) for rank in ranks} == set(wanted)
    for rank in ranks:
        mine, sums = wanted[rank.attribute, rank.group], rank.sums
        expected = roc_auc_score(mine["y"].astype(int), mine["s"])
        assert sums.u2 / (2 * sums.positives * sums.negatives) == pytest.approx(expected, abs=1e-12)
        assert sums.positives + sums.negatives == len(mine)


def test_ranks_hold_the_rows_of_the_cube_and_no_others(tmp_path):
    spec = contract(f"{LABEL}, {SCORE}, decision: {{column: d, positive: ['yes']}}, {GROUP}", good="'yes'")
    file = written(tmp_path, "t.csv", "y,s,g,d\n1,0.9,a,yes\n0,0.1,a,no\n1,0.8,a,\n0,0.7,b,NA\n1,,a,no\n")
    cube, intake, ranks = counted(file, spec)
    assert (cube.rows, intake.counted) == (3, 3)
    assert intake.dropped == (("no score or decision", 2),)
    assert [(r.attribute, r.group, r.sums.positives, r.sums.negatives) for r in ranks] == [
        ("", "", 1, 1),
        ("g", "a", 1, 1),
    ]


# --- scores


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("", "no score or decision"),
        ("NA", "no score or decision"),
        ("inf", "score is not a finite number"),
        ("-Infinity", "score is not a finite number"),
        ("1e999", "score is not a finite number"),
        ("0,9", "score is not a finite number"),
        ("high", "score is not a finite number"),
    ],
)
def test_a_score_that_is_none_is_dropped_and_counted(tmp_path, bad, reason):
    file = written(tmp_path, "t.csv", f'y,s,g\n1,0.9,a\n0,"{bad}",a\n,0.1,b\n')
    cube, intake, ranks = counted(file, contract())
    assert decisions(cube) == (1, 1, 0)
    assert (intake.rows, intake.counted, intake.dropped) == (3, 2, ((reason, 1),))
    assert intake.missing_label == 1
    assert ranks[0].sums.positives == 1 and ranks[0].sums.negatives == 0


@pytest.mark.parametrize("kind", [pa.float64(), pa.float32()])
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_a_parquet_score_that_is_no_number_selects_nobody(tmp_path, kind, bad):
    """Parquet's statistics leave NaN out; a query must not conclude from them that there is none."""
    file = parquet(tmp_path, y=[1, 0, 1, 0], s=pa.array([0.9, bad, None, 0.2], kind), g=["a", "a", "a", "b"])
    cube, intake, ranks = counted(file, contract())
    assert decisions(cube) == (1, 1, 0)
    assert dict(intake.dropped) == {"no score or decision": 1, "score is not a finite number": 1}
    assert ranks[0].sums.positives + ranks[0].sums.negatives == 2


@pytest.mark.parametrize("scores", [",\n,", "nan,\nNaN,", "inf,\nx,"])
def test_no_usable_score_at_all_is_one_sentence(tmp_path, scores):
    rows = "".join(f"1,{line.rstrip(',')},a\n" for line in scores.split("\n"))
    with pytest.raises(SourceError, match="None of the 2 rows has a usable score"):
        counted(written(tmp_path, "t.csv", "y,s,g\n" + rows), contract())


def test_a_score_at_the_threshold_is_selected(tmp_path):
    text = "y,s,g\n" + "".join(f"1,{s},a\n" for s in ("0.5", "0.50", "5e-1", "0.4999999999", "0.5000000001"))
    cube, intake, _ = counted(written(tmp_path, "t.csv", text), contract())
    assert decisions(cube) == (1, 4, 0)
    assert intake.edge_rows == 1  # 0.4999999999 is in the band from 0.5 and was not selected


def test_the_threshold_is_compared_as_production_does(tmp_path):
    """A float32 0.7 is below the double 0.7; its band begins at 0.70, so it is an edge row."""
    spec = contract(f"{LABEL}, score: {{column: s, threshold: 0.7}}, {GROUP}")
    single = parquet(tmp_path, y=[1, 0], s=pa.array([0.7, 0.9], pa.float32()), g=["a", "a"])
    cube, intake, _ = counted(single, spec)
    assert decisions(cube) == (1, 1, 0) and intake.edge_rows == 1
    assert int(cube.codes[cube.codes[:, -2] == 0][0, -1]) == 70
    double = parquet(tmp_path, y=[1, 0], s=[0.7, 0.9], g=["a", "a"])
    cube, intake, _ = counted(double, spec)
    assert decisions(cube) == (0, 2, 0) and intake.edge_rows == 0


def test_every_hundredth_starts_its_own_band(tmp_path):
    """floor(score · 100) would put 0.29 and 0.57 one band too low."""
    scores = [k / 100 for k in range(101)]
    cube = cube_of(saved(tmp_path, pd.DataFrame({"y": 1, "s": scores, "g": "a"})))
    rows = cube.scored(())[()][1, :, 0]
    assert list(rows) == [1] * 99 + [2]


def test_own_bands_and_own_scale(tmp_path):
    spec = contract(f"{LABEL}, score: {{column: s, threshold: 0.8, bands: [0.7, 0.9]}}, {GROUP}")
    frame = pd.DataFrame({"y": 1, "s": [0.1, 0.6999996, 0.7, 0.8999, 0.9, 1.0], "g": "a"})
    assert list(cube_of(saved(tmp_path, frame), spec).scored(())[()][1, :, 0]) == [1, 3, 2]
    ten = contract(f"{LABEL}, score: {{column: s, threshold: 7, range: [1, 10]}}, {GROUP}")
    frame = pd.DataFrame({"y": 1, "s": [1, 5.5, 7, 10], "g": "a"})
    cube = cube_of(saved(tmp_path, frame), ten)
    assert decisions(cube) == (2, 2, 0)
    sums = cube.scored(())[()][1]
    assert [int(band) for band in np.flatnonzero(sums[:, 0])] == [0, 50, 66, 99]
    assert int(sums[:, 1].sum()) == 0 + 500_000 + 666_667 + 1_000_000


def test_own_bands_that_begin_like_hundredths_are_still_own(tmp_path):
    inner = [0.01, *(0.5 + k / 1000 for k in range(98))]
    listed = ", ".join(f"{edge:.3f}" for edge in inner)
    spec = contract(f"{LABEL}, score: {{column: s, threshold: 0.5, bands: [{listed}]}}, {GROUP}")
    frame = pd.DataFrame({"y": 1, "s": [0.3, 0.5005, 0.9], "g": "a"})
    rows = cube_of(saved(tmp_path, frame), spec).scored(())[()][1, :, 0]
    assert [int(band) for band in np.flatnonzero(rows)] == [1, 2, 99]


@pytest.mark.parametrize("score", ["1.001", "-0.001", "85", "1e300", "-1.7e308", "2"])
def test_scores_outside_the_scale_are_refused(tmp_path, score):
    file = written(tmp_path, "t.csv", f"y,s,g\n1,0.5,a\n1,{score},a\n")
    with pytest.raises(SourceError, match="1 score lies outside the scale from 0 to 1") as caught:
        counted(file, contract())
    assert "range" in caught.value.remedy


def test_sums_of_many_scores_are_exact(tmp_path):
    rows = 300_000
    file = parquet(tmp_path, y=[1] * rows, s=[0.999999] * rows, g=["a"] * rows)
    n, s, high, low = (int(v) for v in cube_of(file).scored(())[()][1].sum(axis=0))
    assert (n, s, high * 10**6 + low) == (rows, rows * 999_999, rows * 999_999**2)


# --- groups


def test_missing_and_unknown_cells_are_one_group(tmp_path):
    text = "y,s,g\n" + "".join(
        f"1,0.5,{g}\n" for g in ("a", "", "NA", "Undisclosed", '"?"', "unknown", "NaN")
    )
    spec = contract(f"{LABEL}, {SCORE}, attributes: [{{name: g, unknown: [Undisclosed, '?']}}]")
    tables = cube_of(written(tmp_path, "t.csv", text), spec).outcomes(("g",))
    assert {group: int(table.sum()) for group, table in tables.items()} == {
        (UNKNOWN,): 5,
        ("a",): 1,
        ("unknown",): 1,
    }


def test_parquet_groups_of_nan_are_unknown(tmp_path):
    spec = contract(f"{LABEL}, {SCORE}, attributes: [{{name: g, unknown: [9]}}]")
    file = parquet(tmp_path, y=[1] * 5, s=[0.5] * 5, g=[1.0, float("nan"), 9.0, None, 2.5])
    tables = cube_of(file, spec).outcomes(("g",))
    assert {group[0]: int(table.sum()) for group, table in tables.items()} == {"": 3, "1": 1, "2.5": 1}


@pytest.mark.parametrize(
    ("cells", "required"),
    [
        (["1.0", "2.0", ""], "[1, 2]"),
        (["True", "false", ""], "[true, 'False']"),
        (["1", "2", ""], "[1.0, '2']"),
    ],
)
def test_a_group_is_called_what_the_contract_calls_it(tmp_path, cells, required):
    spec = contract(f"{LABEL}, {SCORE}, attributes: [{{name: g, required: {required}}}]")
    text = "y,s,g\n" + "".join(f"1,0.5,{cell}\n" for cell in cells)
    cube, _, ranks = counted(written(tmp_path, "t.csv", text), spec)
    named = spec.data.attributes[0].required
    assert set(cube.axis("g").levels) == {UNKNOWN, *named}
    assert {r.group for r in ranks if r.attribute} == {UNKNOWN, *named}


AGE = "attributes: [{name: g, from: {column: age, edges: [0, 30, 40.5, 120], labels: [young, mid, old]}}]"


@pytest.mark.parametrize("name", FILES)
def test_bands_of_an_age(tmp_path, name):
    ages = [0, 29.999, 30, 40.4, 40.5, 119.9, 120, -1, None, float("inf")]
    file = saved(tmp_path, pd.DataFrame({"y": 1, "s": 0.5, "age": ages}), name)
    tables = cube_of(file, contract(f"{LABEL}, {SCORE}, {AGE}")).outcomes(("g",))
    found = {group[0]: int(table.sum()) for group, table in tables.items()}
    assert found == {"young": 2, "mid": 2, "old": 2, UNKNOWN: 4}


def test_an_age_that_is_no_number_is_unknown(tmp_path):
    text = "y,s,age\n" + "".join(f'1,0.5,"{age}"\n' for age in (" 35 ", "thirty", "35 years", "3o", "1,000"))
    tables = cube_of(written(tmp_path, "t.csv", text), contract(f"{LABEL}, {SCORE}, {AGE}")).outcomes(("g",))
    assert {group[0]: int(table.sum()) for group, table in tables.items()} == {"mid": 1, UNKNOWN: 4}


def test_too_many_levels_are_folded_and_said(tmp_path):
    rows = [f"level {k}" for k in range(300) for _ in range(2 if k < 150 else 1)]
    rows += ["?"]
    frame = pd.DataFrame({"y": 1, "s": 0.5, "g": rows, "k": "x"})
    spec = contract(f"{LABEL}, {SCORE}, attributes: [{{name: g, unknown: ['?']}}], slices: [k]")
    cube, intake, ranks = counted(saved(tmp_path, frame), spec)
    levels = cube.axis("g").levels
    assert OTHER in levels and UNKNOWN in levels and len(levels) <= MAX_LEVELS + 1
    assert intake.folded == (("g", 301 - (MAX_LEVELS - 1)),)
    assert int(cube.outcomes(("g",))[(UNKNOWN,)].sum()) == 1
    assert cube.rows == len(rows) == sum(r.sums.positives for r in ranks if r.attribute == "g")
    assert all(f"level {k}" in levels for k in range(150))
    exact = frame[frame["g"].isin([f"level {k}" for k in range(MAX_LEVELS)])]
    assert counted(saved(tmp_path, exact), spec)[1].folded == ()


def test_one_very_long_level_costs_nothing(tmp_path):
    """As fixed-width text the codes of these cells would take gigabytes."""
    frame = people(3000)
    frame.loc[0, "g"] = "x" * 500_000
    cube = cube_of(saved(tmp_path, frame, "t.parquet"), WHOLE)
    assert cube.rows == 3000 and len(cube.axis("g").levels[-2]) == 500_000


# --- labels


@pytest.mark.parametrize(
    ("cells", "positive", "yes"),
    [
        (["1", "0", "1.0", "0.0"], "", 2),
        (["TRUE", "false", "True", "False"], "", 2),
        (["1", "0", "", "NA"], "", 1),
        (["0", "0", "0", "0"], "", 0),
        (["yes", "no", "no", "no"], ", positive: 'yes'", 1),
        (["a", "b", "c", "b"], ", positive: [a, c]", 2),
        (["1.0", "01", "+1", "2"], ", positive: 1", 3),
        (["no", "no", "no", "no"], ", positive: 'yes'", 0),
    ],
)
def test_labels_that_mean_yes(tmp_path, cells, positive, yes):
    text = "y,s,g\n" + "".join(f"{cell},0.5,a\n" for cell in cells)
    spec = contract(f"label: {{column: y{positive}}}, {SCORE}, {GROUP}")
    cube, intake, _ = counted(written(tmp_path, "t.csv", text), spec)
    rows = [int(n) for n in cube.outcomes(())[()].sum(axis=1)]
    missing = sum(cell in ("", "NA") for cell in cells)
    assert rows == [4 - yes - missing, yes, missing] and intake.missing_label == missing


@pytest.mark.parametrize(
    ("cells", "positive", "says"),
    [
        (["0", "1", "2"], "", "has 3 values and the contract does not say"),
        (["yes", "no"], "", "has 2 values and the contract does not say"),
        ([f"{k}.5" for k in range(60)], "", "has over 50 values"),
        (["yes", "Yes", "no"], ", positive: 'yes'", "case or spaces alone"),
        (["yes", "yes ", "no"], ", positive: 'yes'", "case or spaces alone"),
        (["good", "bad"], ", positive: 'yes'", "none is the one the contract calls positive"),
        ([f"{k}.5" for k in range(10_001)], ", positive: '7.5'", "over 10,000 values"),
    ],
)
def test_labels_that_are_not_clear(tmp_path, cells, positive, says):
    text = "y,s,g\n" + "".join(f"{cell},0.5,a\n" for cell in cells)
    spec = contract(f"label: {{column: y{positive}}}, {SCORE}, {GROUP}")
    with pytest.raises(SourceError, match=says) as caught:
        counted(written(tmp_path, "t.csv", text), spec)
    assert "contract" in caught.value.remedy and "good" not in str(caught.value)


def test_a_positive_value_late_in_the_alphabet_is_found(tmp_path):
    cells = [f"code {k:03d}" for k in range(80)] + ["zz hired"]
    text = "y,s,g,d\n" + "".join(f"{cell},0.5,a,{cell}\n" for cell in cells)
    file = written(tmp_path, "t.csv", text)
    label = contract(f"label: {{column: y, positive: zz hired}}, {SCORE}, {GROUP}")
    assert int(cube_of(file, label).outcomes(())[()][1].sum()) == 1
    chosen = contract(f"decision: {{column: d, positive: [zz hired]}}, {GROUP}", good="zz hired")
    assert decisions(cube_of(file, chosen)) == (80, 1, 0)


# --- decisions


def test_a_decision_column_with_abstentions(tmp_path):
    spec = contract(
        f"{LABEL}, decision: {{column: d, positive: [yes, 1], abstain: [refer]}}, {GROUP}", good="'yes'"
    )
    cells = ["yes", "no", "refer", "1.0", "", "refer"]
    file = written(tmp_path, "t.csv", "y,g,d\n" + "".join(f"1,a,{cell}\n" for cell in cells))
    cube, intake, ranks = counted(file, spec)
    assert decisions(cube) == (1, 2, 2) and ranks == ()
    assert intake.dropped == (("no score or decision", 1),)


def test_the_decision_column_comes_before_the_threshold(tmp_path):
    spec = contract(f"{LABEL}, {SCORE}, decision: {{column: d, positive: [yes]}}, {GROUP}", good="'yes'")
    file = written(tmp_path, "t.csv", "y,s,g,d\n1,0.1,a,yes\n0,0.9,a,no\n1,inf,a,yes\n")
    cube, intake, _ = counted(file, spec)
    assert decisions(cube) == (1, 2, 0) and intake.dropped == ()
    assert int(cube.scored(())[()][..., 0].sum()) == 2


@pytest.mark.parametrize("cells", [["Yes", "no"], ["yes ", "no"], ["approved", "refused"]])
def test_a_misspelled_decision_is_not_a_silent_no(tmp_path, cells):
    spec = contract(f"{LABEL}, decision: {{column: d, positive: ['yes']}}, {GROUP}", good="'yes'")
    file = written(tmp_path, "t.csv", "y,g,d\n" + "".join(f"1,a,{cell}\n" for cell in cells))
    with pytest.raises(SourceError, match="“d” has"):
        counted(file, spec)


def test_everybody_refused_is_a_finding_not_an_error(tmp_path):
    spec = contract(
        f"{LABEL}, decision: {{column: d, positive: ['yes'], abstain: [refer]}}, {GROUP}", good="'yes'"
    )
    file = written(tmp_path, "t.csv", "y,g,d\n1,a,no\n1,a,refer\n")
    assert decisions(cube_of(file, spec)) == (1, 0, 1)


def test_rows_before_there_is_a_model(tmp_path):
    file = written(tmp_path, "t.csv", "y,g\n1,a\n0,b\n,b\n")
    cube, intake, ranks = counted(file, contract(f"{LABEL}, {SCORE}, {GROUP}"))
    assert list(cube.outcomes(())[()][:, ABSENT]) == [1, 1, 1] and cube.rows == 3
    assert intake.dropped == () and intake.counted == 3 and ranks == ()


def test_another_label_column_for_training(tmp_path):
    with opened(written(tmp_path, "t.csv", "y,past,g\n1,0,a\n0,0,b\n")) as (con, table):
        coding = code_table(con, table, contract(f"{LABEL}, {GROUP}"), label="past")
        assert list(count_table(con, table, coding).outcomes(())[()].sum(axis=1)) == [2, 0, 0]


@pytest.mark.parametrize("missing", ["y", "g", "k"])
def test_a_column_the_contract_names_must_be_there(tmp_path, missing):
    frame = people(10).drop(columns=missing)
    with pytest.raises(UsageError, match=f"no column named “{missing}”") as caught:
        counted(saved(tmp_path, frame), WHOLE)
    assert caught.value.where == "rows.csv"


# --- the rest of the intake


def test_windows_and_repeated_ids(tmp_path):
    spec = contract(f"{LABEL}, {SCORE}, {GROUP}, id: i, window: w")
    text = (
        "y,s,g,i,w\n1,0.5,a,7,2026-02\n1,0.5,a,7,2026-10\n1,0.5,a,,2026-09\n1,0.5,a,,\n1,0.5,a,7.0,2026-1\n"
    )
    cube, intake, _ = counted(written(tmp_path, "t.csv", text), spec)
    assert intake.repeated == 2 and intake.last_window == "2026-10"
    assert cube.axis("w").kind == "window"
    assert cube.axis("w").levels == ("", "2026-02", "2026-09", "2026-1", "2026-10")


def test_a_date_is_a_window(tmp_path):
    spec = contract(f"{LABEL}, {SCORE}, {GROUP}, window: w")
    days = np.array(["2026-01-31", "2026-02-28"], dtype="datetime64[ms]")
    cube, intake, _ = counted(parquet(tmp_path, y=[1, 0], s=[0.5, 0.5], g=["a", "a"], w=days), spec)
    assert intake.last_window == "2026-02-28 00:00:00" and len(cube.axis("w").levels) == 2


@pytest.mark.parametrize("name", FILES)
def test_shared_ids_however_they_are_stored(tmp_path, name):
    train = saved(tmp_path, pd.DataFrame({"i": [1, 2, 3, 3, None]}), "train.csv")
    evaluation = saved(tmp_path, pd.DataFrame({"i": [3, 2, 9, 9]}), name)
    with opened(train) as (con, left):
        found = shared_ids(con, left, open_table(con, evaluation, "evaluation"), "i")
    assert (found.shared, found.train_ids, found.evaluation_ids) == (2, 3, 3)
    assert (found.train_rows, found.train_without_id) == (5, 1)
    assert (found.evaluation_rows, found.evaluation_without_id) == (4, 0)


def test_files_whose_ids_are_all_empty_share_none_and_say_so(tmp_path):
    train, evaluation = (written(tmp_path, name, "i,y\n,1\n,0\n") for name in ("train.csv", "t.csv"))
    with opened(train) as (con, left):
        found = shared_ids(con, left, open_table(con, evaluation, "evaluation"), "i")
    assert (found.shared, found.train_ids, found.evaluation_ids) == (0, 0, 0)
    assert (found.train_without_id, found.evaluation_without_id) == (2, 2)
    assert not found.every_row_has_an_id


def test_ids_that_pandas_made_decimal_are_the_same_people(tmp_path):
    """One gap in the column and 17 is written as 17.0: leakage must still be seen."""
    train = written(tmp_path, "train.csv", "i\n1.0\n17.0\n\nv1.0\n0017\n")
    evaluation = written(tmp_path, "t.csv", "i\n17\nv1\n1.00\n1\n")
    with opened(train) as (con, left):
        found = shared_ids(con, left, open_table(con, evaluation, "evaluation"), "i")
    assert (found.shared, found.train_ids, found.evaluation_ids) == (2, 4, 3)


def test_sql_in_values_stays_a_value(tmp_path):
    nasty = "x'); DROP TABLE t; --"
    frame = pd.DataFrame({"y": ["it's", "no"], "s": [0.5, 0.1], "g": [nasty, 'q"q']})
    spec = contract(f'label: {{column: y, positive: "it\'s"}}, {SCORE}, {GROUP}')
    cube, _, ranks = counted(saved(tmp_path, frame), spec)
    assert cube.axis("g").levels == ('q"q', nasty)
    assert [r.sums.positives for r in ranks] == [1, 0, 1]


def test_the_threshold_is_part_of_the_question(tmp_path):
    file = saved(tmp_path, people(100).assign(s=0.1))
    other = contract(f"{LABEL}, score: {{column: s, threshold: 0.6}}, {GROUP}")
    one, two = cube_of(file, contract()), cube_of(file, other)
    assert one.bands.threshold == Fraction(1, 2) and one != two


def test_a_favourable_decision_that_never_occurs_is_refused(tmp_path):
    """A leftover `favourable: 1` beside decisions of yes and no would turn the impact ratio round."""
    data = f"{LABEL}, decision: {{column: d, positive: ['yes']}}, {GROUP}"
    file = written(tmp_path, "t.csv", "y,g,d\n1,a,yes\n0,b,no\n")
    with pytest.raises(UsageError, match="favourable decision “1” never occurs in “d”"):
        counted(file, contract(data, good="1"))
    for good in ("yes", "no"):
        assert decisions(cube_of(file, contract(data, good=f"'{good}'"))) == (1, 1, 0)

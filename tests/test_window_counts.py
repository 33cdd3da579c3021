"""Files of live rows become periods: what is counted, what is refused, and that periods add up."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from monitor_factory import COLUMNS, rows_of, small_release, write_cells, write_window

from audit_core.cube.build_windows import count_windows
from audit_core.cube.drift import added_drift
from audit_core.cube.windows import added
from audit_core.errors import AuditError, SourceError, UsageError
from audit_core.sources.tables import connect, open_table


@pytest.fixture(scope="module")
def release():
    return small_release(drift=True)[1]


def counted(path, release, contract=None):
    con = connect([path], threads=1)
    try:
        table = open_table(con, path, "window")
        return count_windows(con, table, contract or release.contract, release.counted.drift)
    finally:
        con.close()


def changed(rows, **cells):
    return [{**row, **cells} for row in rows]


@settings(max_examples=3)
@given(st.lists(st.integers(1, 28), min_size=2, max_size=3, unique=True), st.integers(0, 2**32))
def test_days_that_are_added_up_are_the_month_counted_at_once(release, tmp_path_factory, days, seed):
    folder = tmp_path_factory.mktemp("days")
    rows = list(rows_of([f"2026-11-{day:02d}" for day in days], rows=40, seed=seed, labelled=0.8))
    by_day = counted(write_cells(folder / "days.csv", rows), release)
    (month,) = counted(write_cells(folder / "month.csv", changed(rows, month="2026-11")), release)
    assert [window.period for window in by_day] == sorted(f"2026-11-{day:02d}" for day in days)
    total = added(by_day)
    assert total.cube == month.cube
    assert (total.rows, total.unlabelled, total.dropped) == (month.rows, month.unlabelled, month.dropped)
    assert {t.feature: (t.labels, t.current) for t in total.drift} == {
        t.feature: (t.labels, t.current) for t in month.drift
    }
    assert added(by_day[::-1]).cube == total.cube


def test_drift_is_counted_in_the_bins_of_the_release_over_everybody(release, tmp_path):
    path = write_window(tmp_path, "w.csv", ("2026-11",), older=12.0)
    (window,) = counted(path, release)
    by_feature = {(t.feature, t.kind): t for t in window.drift}
    age = by_feature["age", "numeric"]
    before = next(t for t in release.counted.drift if (t.feature, t.attribute) == ("age", ""))
    assert (age.edges, age.reference) == (before.edges, before.reference)
    assert sum(age.current) == window.rows == 400
    assert age.current[-1] > 100  # most people are older than the oldest tenth was
    assert not any(table.attribute for table in window.drift)
    assert sum(added_drift(age, age).current) == 800


def test_a_period_may_be_written_in_several_ways(release, tmp_path):
    rows = list(rows_of(("2026-11-03",), rows=50))
    written = ("2026-11-03", " 2026-11-03 ", "2026-11-03 08:15", "2026-11-03T23:59:59Z")
    mixed = [{**row, "month": written[place % 4]} for place, row in enumerate(rows)]
    (one,) = counted(write_cells(tmp_path / "w.csv", mixed), release)
    assert (one.period, one.rows) == ("2026-11-03", 50)
    (plain,) = counted(write_cells(tmp_path / "p.csv", rows), release)
    assert one.cube == plain.cube


def test_outcomes_that_have_not_come_are_no_fault_of_the_file(release, tmp_path):
    columns = tuple(name for name in COLUMNS if name != "outcome")
    (window,) = counted(write_window(tmp_path, "w.csv", ("2026-11",), columns=columns), release)
    assert (window.rows, window.unlabelled) == (400, 400)
    (empty,) = counted(write_window(tmp_path, "e.csv", ("2026-11",), labelled=0.0), release)
    assert (empty.cube, empty.unlabelled) == (window.cube, 400)
    assert not window.not_followed


def test_what_cannot_be_followed_and_who_was_left_out_is_said(release, tmp_path):
    rows = list(rows_of(("2026-11",), rows=100))
    for row in rows[:7]:
        row["score"] = ""
    columns = tuple(name for name in COLUMNS if name != "age")
    (window,) = counted(write_cells(tmp_path / "w.csv", rows, columns), release)
    assert (window.rows, window.dropped) == (93, 7)
    ((name, why),) = window.not_followed
    assert name == "age"
    assert why
    assert "age" not in {table.feature for table in window.drift}


@pytest.mark.parametrize(
    ("change", "kind", "problem"),
    [
        ({"month": ""}, UsageError, "have no period"),
        ({"month": "November"}, SourceError, "no period in “month”"),
        ({"month": "2026-13"}, SourceError, "no period in “month”"),
        ({"month": "2026-11-31"}, SourceError, "no period in “month”"),
        ({"month": "2026-11; DROP TABLE x"}, SourceError, "no period in “month”"),
        ({"month": "2026-11-03 " + "9" * 5000}, SourceError, "no period in “month”"),
        ({"score": "7"}, SourceError, "outside the scale"),
        ({"score": ""}, SourceError, "usable score"),
        ({"score": "nan"}, SourceError, "usable score"),
    ],
)
def test_a_file_that_holds_something_else_is_one_error(release, tmp_path, change, kind, problem):
    path = write_cells(tmp_path / "w.csv", changed(rows_of(("2026-11",), rows=20), **change))
    with pytest.raises(kind, match=problem) as caught:
        counted(path, release)
    assert caught.value.remedy
    assert "DROP" not in str(caught.value)


def test_one_row_without_a_period_is_enough_to_refuse_a_file(release, tmp_path):
    rows = list(rows_of(("2026-11",), rows=20))
    rows[3]["month"] = ""
    with pytest.raises(UsageError, match="1 row has no period"):
        counted(write_cells(tmp_path / "w.csv", rows), release)


def test_a_period_whose_rows_all_lack_a_score_is_refused_beside_one_that_has_them(release, tmp_path):
    rows = [*rows_of(("2026-11",), rows=20), *changed(rows_of(("2026-12",), rows=20), score="")]
    with pytest.raises(SourceError, match="None of the 20 rows of 2026-12"):
        counted(write_cells(tmp_path / "w.csv", rows), release)


def test_ids_in_the_place_of_periods_are_refused(release, tmp_path):
    rows = [{**row, "month": f"A{place}"} for place, row in enumerate(rows_of(("x",), rows=1100))]
    with pytest.raises(SourceError, match="too many for periods"):
        counted(write_cells(tmp_path / "w.csv", rows), release)


@pytest.mark.parametrize("missing", ["month", "gender", "score"])
def test_a_column_that_is_missing_is_one_error(release, tmp_path, missing):
    columns = tuple(name for name in COLUMNS if name != missing)
    path = write_cells(tmp_path / "w.csv", rows_of(("2026-11",), rows=20), columns)
    with pytest.raises(AuditError) as caught:
        counted(path, release)
    assert caught.value.remedy


def test_a_contract_without_a_column_of_periods_is_one_error(release, tmp_path):
    contract = replace(release.contract, data=replace(release.contract.data, window=None))
    with pytest.raises(UsageError, match="names no column of periods"):
        counted(write_window(tmp_path, "w.csv", ("2026-11",), rows=20), release, contract)

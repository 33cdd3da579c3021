"""The first look at a file: what columns hold, and the part each seems to play."""

import datetime as dt

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_tables import opened, saved, written

from audit_core.audit import look_at
from audit_core.sources.profile import (
    ROLES,
    ColumnProfile,
    column_values,
    guess_roles,
    profile_columns,
    text_kinds,
)


def profiles(file):
    with opened(file) as (con, table):
        return {column.name: column for column in profile_columns(con, table)}


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.arrow"])
def test_counts_of_values_and_missing_cells(tmp_path, name):
    frame = pd.DataFrame(
        {
            "number": [1.5, 2.5, np.nan, 2.5],
            "text": ["a", "1", None, "b"],
            "whole": [1, 2, 3, 4],
            "empty": pd.Series([None] * 4, dtype=object),
        }
    )
    found = profiles(saved(tmp_path, frame, name))
    assert {c.rows for c in found.values()} == {4}
    assert [found[c].missing for c in frame] == [1, 1, 0, 4]
    assert [found[c].distinct for c in frame] == [2, 3, 4, 0]
    assert [found[c].kind for c in ("number", "text", "whole")] == ["number", "text", "number"]


def test_truth_and_dates_are_no_numbers(tmp_path):
    file = written(tmp_path, "a.csv", "a,b,c,d\nTrue,2026-01-02,1,٣\nFalse,2026-01-03,x,٤\n")
    assert [c.kind for c in profiles(file).values()] == ["boolean", "text", "text", "text"]


def test_distinct_is_never_above_the_number_of_values(tmp_path):
    frame = pd.DataFrame({"k": [f"person {i}" for i in range(20_000)]})
    assert profiles(saved(tmp_path, frame))["k"].distinct <= 20_000


def test_kinds_are_of_the_columns_asked_for(tmp_path):
    file = written(tmp_path, "a.csv", "a,b,c,d,e\n1,x,,TRUE,4\n2,3,,false,NA\n")
    with opened(file) as (con, table):
        found = text_kinds(con, table, ("a", "b", "c", "d"))
    assert found == {"a": "number", "b": "text", "c": "number", "d": "boolean"}


def test_values_of_a_column_are_given_when_there_are_few(tmp_path):
    with opened(written(tmp_path, "a.csv", "a,b\n1,x\n0,\n1,NA\n")) as (con, table):
        assert column_values(con, table, "a") == ("0", "1")
        assert column_values(con, table, "b") == ("x",)
        assert column_values(con, table, "a", most=1) == ()


def test_a_look_at_every_kind_of_column(tmp_path):
    columns = {
        "y": [0, 1],
        "l": [[1], [2]],
        "b": [b"\xff", b"a"],
        "t": [dt.time(1), None],
        "s": [{"a": 1}] * 2,
    }
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    look = look_at(tmp_path / "t.parquet", "shown.parquet")
    assert look.source.name == "shown.parquet"
    assert dict(look.roles) == {
        "y": "label",
        "l": "not used",
        "b": "not used",
        "t": "feature",
        "s": "not used",
    }
    assert dict(look.label_values)["y"] == ("0", "1")


# --- the part each column seems to play


def column(name, kind="number", distinct=2):
    return ColumnProfile(name=name, kind=kind, rows=100, missing=0, distinct=distinct)


@pytest.mark.parametrize(
    ("name", "kind", "distinct", "role"),
    [
        ("gender", "text", 3, "protected attribute"),
        ("Age", "number", 60, "protected attribute"),
        ("race", "text", 5000, "feature"),
        ("applicant_id", "number", 100, "id"),
        ("row_id", "number", 100, "not used"),
        ("hours_per_week", "number", 60, "feature"),
        ("two_year_recid", "number", 2, "label"),
        ("is_recid", "number", 2, "feature"),
        ("decile_score", "number", 10, "feature"),
        ("y_true", "number", 2, "label"),
        ("target", "number", 5000, "feature"),
        ("score", "number", 90, "score"),
        ("score", "text", 90, "feature"),
        ("decision", "text", 3, "decision"),
        ("applied_month", "text", 12, "window"),
        ("advanced_historically", "number", 2, "training label"),
        ("region", "text", 8, "slice"),
        ("region", "text", 800, "feature"),
        ("passage", "text", 3, "feature"),
        ("blob", "other", 3, "not used"),
        ("Essex", "text", 3, "feature"),
    ],
)
def test_roles_by_name_and_content(name, kind, distinct, role):
    assert guess_roles([column(name, kind, distinct)]) == ((name, role),)


def test_a_single_role_goes_to_the_first_column_that_fits():
    found = dict(guess_roles([column("y_true"), column("label"), column("id"), column("user_id")]))
    assert found == {"y_true": "label", "label": "feature", "id": "id", "user_id": "feature"}


def test_what_the_model_was_fitted_on_stays_a_feature():
    found = dict(
        guess_roles([column("score"), column("region"), column("sex")], features=("score", "region", "sex"))
    )
    assert found == {"score": "feature", "region": "feature", "sex": "protected attribute"}


@given(
    st.lists(
        st.builds(
            column, st.text(), st.sampled_from(["number", "boolean", "text", "other"]), st.integers(0, 100)
        ),
        unique_by=lambda c: c.name,
    )
)
def test_every_column_gets_one_role(columns):
    found = guess_roles(columns)
    assert [name for name, _ in found] == [c.name for c in columns]
    assert {role for _, role in found} <= set(ROLES)
    for single in ("label", "training label", "score", "decision", "id", "window"):
        assert [role for _, role in found].count(single) <= 1

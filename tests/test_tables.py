"""Files become tables exactly as they are, or one sentence that quotes no cell."""

import bz2
import csv
import datetime as dt
import decimal
import gzip
import hashlib
import lzma
import traceback
import zipfile
from contextlib import contextmanager

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from make_tables import contract, counted, cube_of, saved, written
from pyarrow import feather

from audit_core.errors import SourceError, UsageError
from audit_core.sources.tables import MISSING, batches, connect, open_table, run

CANARY = "zq-canary-7731"
ROWS = [("1", "x"), ("2", "y")]
IN_PLACE = settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@contextmanager
def opened(path):
    """A file's table, on a connection that can read nothing but this file."""
    con = connect((path,))
    try:
        yield con, open_table(con, path, "evaluation")
    finally:
        con.close()


def rows_of(path):
    """(header, rows) of a file as the tool reads it."""
    with opened(path) as (con, table):
        return table.source.columns, run(con, f"SELECT * FROM {table.scan}", table.source.name)


def read_all(file):
    """Everything the tool asks of a file: its shape, each column's values, and its rows in order."""
    with opened(file) as (con, table):
        for name in table.source.columns:
            run(con, f"SELECT {table.value(name)} FROM {table.scan}", table.source.name)
        return [row for batch in batches(con, table) for row in batch.to_pylist()]


# --- text files


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "a,b\n1,x\n2,y\n"),
        ("a.csv", "a,b\n1,x\n2,y"),
        ("a.tsv", "a\tb\n1\tx\n2\ty\n"),
        ("a.csv", "a;b\n1;x\n2;y\n"),
        ("a.txt", "a|b\n1|x\n2|y\n"),
        ("a.csv", "a\tb\n1\tx\n2\ty\n"),
        ("a.csv", b"\xef\xbb\xbfa,b\n1,x\n2,y\n"),
        ("a.csv", b'\xef\xbb\xbf"a","b"\r\n"1","x"\r\n"2","y"\r\n'),
        ("a.csv", "a,b\r\n1,x\r\n2,y\r\n"),
        ("a.csv", 'a,b\n"1",x\n2,"y"\n'),
        ("a.csv", "a,b\n1,x\n\n2,y\n\n"),
        ("a.csv.gz", "a,b\n1,x\n2,y\n"),
        ("a.data", "a,b\n1,x\n2,y\n"),
    ],
)
def test_text_tables_of_every_dialect(tmp_path, name, text):
    assert rows_of(written(tmp_path, name, text)) == (("a", "b"), ROWS)


def test_quoted_cells_keep_what_is_in_them(tmp_path):
    text = 'a,b\r\n"say ""hi"", now","one\r\ntwo"\r\n"#1","l1\nl2"\r\n'
    expected = [('say "hi", now', "one\r\ntwo"), ("#1", "l1\nl2")]
    assert rows_of(written(tmp_path, "a.csv", text))[1] == expected


def test_a_hash_starts_no_comment_and_spaces_stay(tmp_path):
    text = "a,b \n#1, x\n 2,y \n"
    assert rows_of(written(tmp_path, "a.csv", text)) == (("a", "b "), [("#1", " x"), (" 2", "y ")])


def test_the_separator_is_not_taken_from_inside_a_quoted_name(tmp_path):
    file = written(tmp_path, "a.csv", '"Income, annual, gross";b\n1;x\n')
    assert rows_of(file) == (("Income, annual, gross", "b"), [("1", "x")])


def test_missing_cells_are_the_listed_texts_and_nothing_else(tmp_path):
    values = ["None", "?", "-", "na", "NONE", "0", " "]
    file = written(tmp_path, "a.csv", "a,b\n" + "".join(f"{v},1\n" for v in (*MISSING, '""', *values)))
    with opened(file) as (con, table):
        found = run(con, f"SELECT {table.value('a')} FROM {table.scan}", "a.csv")
    assert [cell for (cell,) in found] == [None] * (len(MISSING) + 1) + values


@IN_PLACE
@given(
    st.lists(
        st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), min_size=1), min_size=2,
                 max_size=2),
        min_size=1, max_size=8,
    )
)  # fmt: skip
def test_cells_arrive_as_they_were_written(tmp_path, cells):
    quoted = ["a,b", *(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in cells)]
    file = written(tmp_path, "a.csv", "\n".join(quoted) + "\n")
    assert [list(row) for row in rows_of(file)[1]] == cells


# --- column names


@pytest.mark.parametrize(
    "names",
    [
        ["Age", "age", "AGE"],
        ['say "x"', "semi;colon", "x'); DROP TABLE t; --"],
        ["c1", "c0", "c2"],
        ["größe", "年齢", "💡"],
        ["select", "from", "*"],
        [" a", "a ", "a"],
        ["a.b", "a b", "a_1"],
    ],
)
@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.arrow"])
def test_any_name_finds_its_own_column(tmp_path, names, name):
    frame = pd.DataFrame([[1, 2, 3]], columns=names)
    file = saved(tmp_path, frame, name)
    if name.endswith("csv"):
        frame.to_csv(file, index=False, quoting=csv.QUOTE_ALL)
    with opened(file) as (con, table):
        assert table.source.columns == tuple(names)
        for place, column in enumerate(names):
            sql = f"SELECT {table.text(column)}, {table.number(column)} FROM {table.scan}"
            assert run(con, sql, "t") == [(str(place + 1), float(place + 1))]
        (batch,) = batches(con, table)
        assert batch.schema.names == names
        with pytest.raises(UsageError, match="no column named"):
            table.index("nowhere")


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("a,a", "both named"),
        ("a,,b", "no name"),
        ("a,  ,b", "no name"),
        ("", "no name"),
        ("a,b\x07", "control character"),
        ('"a\nb",c', "not a line of column names"),
        ('"a\r\nb",c', "not a line of column names"),
        ('"a,b', "not a line of column names"),
        ("a,b\r1,x\r2,y\r", "bare carriage return"),
        ("a" * 200_000 + ",b", "not a line of column names"),
        ("a" * (1 << 20), "longer than 1 MB"),
        (",".join(f"k{i}" for i in range(501)), "501 columns"),
    ],
)
def test_headers_that_are_refused(tmp_path, header, says):
    file = written(tmp_path, "a.csv", f"{header}\n{CANARY},{CANARY}\n")
    with pytest.raises(SourceError, match=says) as caught:
        rows_of(file)
    assert "a.csv" in str(caught.value) and caught.value.remedy


def test_500_columns_are_read(tmp_path):
    text = ",".join(f"k{i}" for i in range(500)) + "\n" + ",".join("1" * 500) + "\n"
    assert len(rows_of(written(tmp_path, "a.csv", text))[0]) == 500


def test_a_parquet_file_with_the_same_name_twice_is_refused(tmp_path):
    pq.write_table(pa.table([[1], [2]], names=["a", "a"]), tmp_path / "t.parquet")
    with pytest.raises(SourceError, match="both named"):
        rows_of(tmp_path / "t.parquet")


# --- files that can't be read


def bad_files():
    good = f"a,b\n1,{CANARY}\n".encode()
    parquet = pa.BufferOutputStream()
    pq.write_table(pa.table({"a": [CANARY]}), parquet)
    packed = {
        "a.csv": gzip.compress(good, mtime=0),
        "b.csv": bz2.compress(good),
        "c.csv": lzma.compress(good),
    }
    yield from ((name, content, "compressed") for name, content in packed.items())
    yield "book.xlsx", b"PK\x03\x04" + b"\0" * 50, "spreadsheet"
    yield "book.xls", b"\xd0\xcf\x11\xe0" + b"\0" * 50, "spreadsheet"
    yield "a.parquet", good, "not a Parquet file"
    yield "a.feather", good, "not an Arrow file"
    yield "a.csv", b"", "empty"
    yield "a.csv", b"a,b\n", "no rows"
    yield "a.csv", b"a,b", "no rows"
    yield "a.csv", b"\x00\x01\x02", "neither text"
    yield "a.csv", good.decode().encode("utf-16"), "looks like UTF-16"
    yield "a.csv", f"a,b\n1,é{CANARY}\n".encode("latin-1"), "not UTF-8"
    yield "a.csv", "é,b\n1,2\n".encode("latin-1"), "not UTF-8"
    yield "a.csv", f"a,b\n1,x\n{CANARY},2,3\n".encode(), r"as many cells as the header \(line 3\)"
    yield "a.csv", f"a,b\n1,x\n{CANARY}\n2,y\n".encode(), r"as many cells as the header \(line 3\)"
    yield "a.csv", f'a,b\n1,x\n"{CANARY},2\n3,4\n'.encode(), "never closed"
    yield "a.csv", f'a,b\n1,x\n"{CANARY}"x,2\n3,4\n'.encode(), "."
    yield "a.csv", f"a,b\n1,{CANARY}\r\n2,y\n".encode(), "do not all end alike"
    yield "a.csv", f"a,b\n1,{CANARY * 200_000}\n".encode(), "."
    yield "t.parquet", parquet.getvalue().to_pybytes()[:-20], "can't be read"
    yield "t.parquet", b"PAR1" + b"\xff" * 100, "can't be read"
    yield "t.arrow", b"ARROW1" + b"\xff" * 100, "can't be read"


@pytest.mark.parametrize(("name", "content", "says"), list(bad_files()), ids=map(str, range(99)))
def test_a_bad_file_is_one_sentence_without_a_cell(tmp_path, name, content, says):
    file = written(tmp_path, name, content)
    with pytest.raises(SourceError, match=says) as caught:
        read_all(file)
    said = "".join(traceback.format_exception(caught.value))
    assert CANARY not in said
    assert name in str(caught.value) and caught.value.remedy
    assert "\n" not in str(caught.value)


def test_a_zip_of_a_table_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr("a.csv", "a,b\n1,2\n")
    with pytest.raises(SourceError, match="compressed"):
        rows_of(tmp_path / "a.zip")


@pytest.mark.parametrize("path", ["nowhere.csv", "nowhere/", "*.nothing", ""])
def test_a_missing_file(tmp_path, path):
    with pytest.raises(SourceError, match="no such file"):
        rows_of(tmp_path / path)


def test_a_cell_that_is_no_number_is_quoted_nowhere(tmp_path):
    file = written(tmp_path, "a.csv", f"y,s,g\n1,{CANARY},a\n")
    with pytest.raises(SourceError, match="usable score") as caught:
        counted(file, contract())
    assert CANARY not in "".join(traceback.format_exception(caught.value))


# --- Parquet and Arrow


def kitchen():
    return pa.table(
        {
            "i": pa.array([1, 2, None], pa.int32()),
            "u": pa.array([1, 2**63, None], pa.uint64()),
            "d": pa.array([1.0, 0.25, float("nan")]),
            "f": pa.array([1.0, 0.7, None], pa.float32()),
            "b": pa.array([True, False, None]),
            "s": pa.array(["x", "NA", ""]).dictionary_encode(),
            "dt": pa.array([dt.date(2026, 1, 2), None, dt.date(2026, 2, 1)]),
            "ts": pa.array([np.datetime64("2026-01-02", "us"), None, np.datetime64("2026-02-01T03", "us")]),
            "tz": pa.array(
                [dt.datetime(2026, 1, 1, tzinfo=dt.UTC), None, None], pa.timestamp("us", "Europe/Berlin")
            ),
            "dec": pa.array([decimal.Decimal("1.00"), decimal.Decimal("1.50"), None]),
            "big": pa.array([2**53 + 1, -(2**62), 10**15]),
            "n": pa.nulls(3),
        }
    )


TEXTS = {
    "i": ["1", "2", None],
    "u": ["1", "9223372036854775808", None],
    "d": ["1", "0.25", None],
    "f": ["1", "0.7", None],
    "b": ["true", "false", None],
    "s": ["x", None, None],
    "dt": ["2026-01-02", None, "2026-02-01"],
    "ts": ["2026-01-02 00:00:00", None, "2026-02-01 03:00:00"],
    "tz": ["2026-01-01 00:00:00+00", None, None],
    "dec": ["1", "1.50", None],
    "big": ["9007199254740993", "-4611686018427387904", "1000000000000000"],
    "n": [None, None, None],
}
KINDS = dict.fromkeys(("i", "u", "d", "f", "dec", "big"), "number") | dict.fromkeys(
    ("s", "dt", "ts", "tz"), "text"
)


@pytest.mark.parametrize("name", ["t.parquet", "t.arrow"])
def test_types_and_missing_cells_of_binary_tables(tmp_path, name, monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    write = pq.write_table if name.endswith("parquet") else feather.write_feather
    write(kitchen(), tmp_path / name)
    with opened(tmp_path / name) as (con, table):
        for column, expected in TEXTS.items():
            found = run(con, f"SELECT {table.text(column)} FROM {table.scan}", name)
            assert [cell for (cell,) in found] == expected, column
            kind = {"b": "boolean", "n": "other"}.get(column) or KINDS[column]
            assert table.stored_kind(column) == kind, column
        numbers = run(con, f"SELECT {table.number('f')}, {table.number('u')} FROM {table.scan}", name)
    assert numbers[1] == (float(np.float32(0.7)), 2.0**63)


def test_columns_of_lists_are_refused_where_they_are_used(tmp_path):
    pq.write_table(pa.table({"y": [[1], [0]], "s": [0.1, 0.9], "g": ["a", "b"]}), tmp_path / "t.parquet")
    with pytest.raises(SourceError, match="“y” holds lists"):
        cube_of(tmp_path / "t.parquet")


def test_a_folder_of_parquet_binds_by_name(tmp_path):
    frame = pd.DataFrame({"y": [1, 0], "s": [0.9, 0.1], "g": ["a", "b"]})
    folder = tmp_path / "g=z"  # a folder's name is no column
    folder.mkdir()
    saved(folder, frame, "1.parquet")
    saved(folder, frame[["g", "s", "y"]], "2.parquet")
    (folder / "notes.txt").write_text("not a table")
    assert rows_of(folder)[0] == ("y", "s", "g")
    both = cube_of(folder)
    assert both == cube_of(saved(tmp_path, pd.concat([frame, frame])))


def test_files_of_a_folder_without_a_column_are_refused(tmp_path):
    saved(tmp_path, pd.DataFrame({"a": [1], "b": [2]}), "1.parquet")
    saved(tmp_path, pd.DataFrame({"a": [1]}), "2.parquet")
    with pytest.raises(SourceError):
        read_all(tmp_path)


# --- paths


def test_a_path_is_never_read_as_a_pattern_of_other_files(tmp_path):
    written(tmp_path, "rows1.csv", "a,b\nwrong,x\n")
    for name in ("rows[1].csv", "rows*.csv", "rows?.csv", "it's.csv"):
        file = written(tmp_path, name, "a,b\nright,x\n")
        assert rows_of(file)[1] == [("right", "x")], name
        pq.write_table(pa.table({"a": [name]}), file.with_suffix(".parquet"))
        assert rows_of(file.with_suffix(".parquet"))[1] == [(name,)]


def test_a_folder_named_like_a_partition_changes_nothing(tmp_path):
    folder = tmp_path / "sex=F"
    folder.mkdir()
    assert rows_of(written(folder, "a.csv", "sex,b\nM,x\n")) == (("sex", "b"), [("M", "x")])
    assert rows_of(saved(folder, pd.DataFrame({"sex": ["M"]}), "a.parquet")) == (("sex",), [("M",)])


def test_no_path_is_not_the_current_folder(tmp_path, monkeypatch):
    saved(tmp_path, pd.DataFrame({"g": ["a"], "s": [0.5], "y": [1]}), "1.parquet")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match="no such file"):
        rows_of("")


def test_a_glob_joins_files_with_one_header(tmp_path):
    written(tmp_path, "p2.csv", "a,b\n2,y\n")
    written(tmp_path, "p1.csv", "a,b\n1,x\n")
    assert rows_of(tmp_path / "p*.csv")[1] == ROWS


@pytest.mark.parametrize("second", ["b,a\ny,2\n", "a;b\n2;1,5\n", "a\n2\n", "A,b\n2,y\n"])
def test_files_with_another_header_or_separator_are_refused(tmp_path, second):
    written(tmp_path, "p1.csv", "a,b\n1,x\n")
    written(tmp_path, "p2.csv", second)
    with pytest.raises(SourceError, match="same header") as caught:
        rows_of(tmp_path / "p*.csv")
    assert caught.value.where == "p2.csv"


def test_files_of_two_formats_are_refused(tmp_path):
    written(tmp_path, "p1.csv", "a,b\n1,x\n")
    saved(tmp_path, pd.DataFrame({"a": [1], "b": ["x"]}), "p2.parquet")
    with pytest.raises(SourceError, match="one format"):
        rows_of(tmp_path / "p*")


def test_the_hash_is_of_the_exact_bytes(tmp_path):
    content = b"a,b\n1,x\n" + b"2,y\n" * 500_000
    file = written(tmp_path, "p1.csv", content)
    with opened(file) as (_, table):
        assert table.source.sha256 == hashlib.sha256(content).hexdigest()
        assert (table.source.bytes, table.source.rows) == (len(content), 500_001)
    second = written(tmp_path, "p2.csv", "a,b\n1,x\n")
    listed = f"{table.source.sha256}  p1.csv\n{hashlib.sha256(second.read_bytes()).hexdigest()}  p2.csv\n"
    with opened(tmp_path / "p*.csv") as (_, table):
        assert table.source.sha256 == hashlib.sha256(listed.encode()).hexdigest()
        assert table.source.bytes == len(content) + 8


# --- the same rows in any format


@pytest.mark.parametrize("label", [["1", "0"], [1, 0], [1.0, 0.0], [True, False]], ids=str)
@pytest.mark.parametrize("positive", ["", ", positive: 1", ", positive: 1.0"])
def test_every_format_of_the_same_rows_gives_the_same_cube(tmp_path, label, positive):
    data = f"label: {{column: y{positive}}}, score: {{column: s, threshold: 0.5}}, attributes: [{{name: g}}]"
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "y": [label[i] for i in rng.integers(0, 2, 300)],
            "s": rng.random(300),
            "g": rng.choice(["a", "b", "ü"], 300),
        }
    )
    names = ("t.csv", "t.parquet", "t.arrow")
    found = {cube_of(saved(tmp_path, frame, name), contract(data)).fingerprint for name in names}
    plain = frame.assign(y=[1 if cell in ("1", 1, True) else 0 for cell in frame["y"]])
    found.add(cube_of(saved(tmp_path, plain, "plain.csv"), contract(data)).fingerprint)
    assert len(found) == 1

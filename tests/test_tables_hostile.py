"""Tables made to harm: each is refused in one sentence that quotes no cell, or read for what it is."""

import io
import os
import struct
import traceback
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from make_tables import contract, saved, written
from pyarrow import feather

from audit_core.cube.axes import MAX_LEVELS, OTHER
from audit_core.cube.build import count_table, take_in
from audit_core.cube.coding import MAX_VALUE_LENGTH, code_table
from audit_core.errors import SourceError
from audit_core.sources import arrow_rewrite, connection, csv_rows, parquet_shape
from audit_core.sources.csv_rows import MAX_CELL_BYTES, Dialect, RowCounter
from audit_core.sources.files import CHUNK
from audit_core.sources.profile import column_values, profile_columns
from audit_core.sources.tables import batches, connect, open_table, run

CANARY = "zq-canary-7731"
LF, CRLF, CR = "\n", "\r\n", "\r"


def read(path, name=None):
    """(columns, rows) of a file, after all that a look at it does."""
    con = connect((path,))
    try:
        table = open_table(con, path, "evaluation", name=name)
        for column in profile_columns(con, table):
            column_values(con, table, column.name)
        return table.source.columns, [tuple(r.values()) for b in batches(con, table) for r in b.to_pylist()]
    finally:
        con.close()


def counted(path, spec=None):
    """(coding, intake, cube) of a file under the contract of the tests."""
    spec, con = spec or contract(), connect((path,))
    try:
        table = open_table(con, path, "evaluation")
        coding = code_table(con, table, spec)
        return coding, take_in(con, table, coding, spec), count_table(con, table, coding)
    finally:
        con.close()


def refusal(path, do=read):
    """The sentence with which a file is refused; it quotes no cell and stands on one line."""
    with pytest.raises(SourceError) as caught:
        do(path)
    said = str(caught.value)
    assert CANARY not in "".join(traceback.format_exception(caught.value))
    assert "\n" not in said and caught.value.remedy and caught.value.where
    return said


# --- what a query on the connection can reach


@pytest.fixture
def locked(tmp_path):
    """A connection that may read rows.csv and the folder scored, beside a file that nobody gave."""
    (tmp_path / "scored").mkdir()
    saved(tmp_path / "scored", pd.DataFrame({"a": [1]}), "s.parquet")
    written(tmp_path, "secret.csv", f"a\n{CANARY}\n")
    con = connect((written(tmp_path, "rows.csv", "a,b\n1,x\n"), None), folders=(tmp_path / "scored",))
    yield con
    con.close()


def test_a_connection_reads_what_the_run_was_given(tmp_path, locked):
    assert open_table(locked, tmp_path / "rows.csv", "evaluation").source.rows == 1
    assert open_table(locked, tmp_path / "scored" / "s.parquet", "evaluation").source.rows == 1
    with pytest.raises(SourceError, match="can't be read"):
        open_table(locked, tmp_path / "secret.csv", "evaluation")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_blob('/proc/self/environ')",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM sniff_csv('/etc/passwd')",
        "SELECT * FROM read_text('{folder}/secret.csv')",
        "SELECT * FROM read_text('{folder}/*.csv')",
        "SELECT * FROM read_text('{folder}/scored/../secret.csv')",
        "SELECT * FROM read_csv('https://example.org/a.csv')",
        "SELECT * FROM parquet_scan('s3://bucket/a.parquet')",
        "SELECT * FROM variable_of_this_test",
        "COPY (SELECT 1) TO '{folder}/out.csv'",
        "COPY (SELECT 1) TO '/tmp/evenhand-out.csv'",
        "EXPORT DATABASE '{folder}/dump'",
        "ATTACH '{folder}/x.db'",
        "ATTACH '/etc/passwd' AS p (TYPE sqlite)",
        "INSTALL httpfs",
        "LOAD httpfs",
        "LOAD '{folder}/rows.csv'",
        "CREATE SECRET (TYPE s3)",
        "CREATE PERSISTENT SECRET (TYPE http, BEARER_TOKEN 'x')",
        "SET enable_external_access = true",
        "SET GLOBAL enable_external_access = true",
        "SET lock_configuration = false",
        "RESET lock_configuration",
        "SET allowed_paths = ['/etc/passwd']",
        "SET allowed_directories = ['/']",
        "SET memory_limit = '1TB'",
        "SET temp_directory = '/tmp'",
        "SET max_temp_directory_size = '1TB'",
        "SET autoinstall_known_extensions = true",
        "SET autoload_known_extensions = true",
        "SET allow_community_extensions = true",
        "SET python_enable_replacements = true",
        "SET extension_directory = '{folder}'",
        "SET log_query_path = '{folder}/log'",
        "PRAGMA enable_profiling",
    ],
)
def test_a_connection_reaches_nothing_else(tmp_path, locked, statement):
    variable_of_this_test = pd.DataFrame({"a": [CANARY]})
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(duckdb.Error):
        locked.execute(statement.format(folder=tmp_path)).fetchall()
    assert sorted(tmp_path.rglob("*")) == before
    assert len(variable_of_this_test) == 1


def test_a_query_is_one_select(locked, tmp_path):
    """The lock alone would let a statement write over a file that it may read."""
    file = tmp_path / "rows.csv"
    for sql in (
        f"COPY (SELECT 1) TO '{file}' (USE_TMP_FILE false)",
        f"SELECT 1; COPY (SELECT 1) TO '{file}' (USE_TMP_FILE false)",
        "CREATE TABLE t AS SELECT 1",
        "SELEC 1",
        "",
    ):
        with pytest.raises(ValueError, match="not a single SELECT"):
            run(locked, sql, "rows.csv")
    assert file.read_text() == "a,b\n1,x\n"


def test_nothing_given_is_nothing_reached(tmp_path):
    con = connect(())
    with pytest.raises(duckdb.Error):
        con.execute(f"SELECT * FROM read_text('{written(tmp_path, 'a.csv', 'a')}')")
    con.close()


def test_the_memory_of_a_query_is_limited(locked):
    with pytest.raises(SourceError, match="more memory than is allowed"):
        run(locked, "SELECT length(string_agg(repeat('x', 1000000), '')) FROM range(10000)", "t")


def test_what_is_spilled_disappears_with_the_connection(tmp_path, monkeypatch):
    monkeypatch.setattr(connection, "MEMORY_LIMIT", "100MB")
    con = connect((written(tmp_path, "rows.csv", "a,b\n1,x\n"),))
    (spill,) = con.execute("SELECT current_setting('temp_directory')").fetchone()
    private = Path(spill).parent
    assert private.is_dir() and (os.name == "nt" or private.stat().st_mode & 0o077 == 0)
    con.execute("CREATE TABLE t AS SELECT range AS i, repeat('x', 300) || range AS t FROM range(1000000)")
    assert any(Path(spill).iterdir())
    con.close()
    del con
    assert not private.exists()


def test_a_column_named_like_a_statement_is_a_name(tmp_path):
    names = ['x"; DROP TABLE t; --', "a'b", "[c]", "d;e", "c0", "'); COPY (SELECT 1) TO '/tmp/evenhand-x"]
    frame = pd.DataFrame([[1, 2, 3, 4, 5, 6]], columns=names)
    file = written(tmp_path, "t.csv", frame.to_csv(index=False, quoting=1))
    assert read(file) == (tuple(names), [("1", "2", "3", "4", "5", "6")])


# --- text tables


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("1,2\n1\n", "as many cells as the header (line 3)"),
        ("1,2\n1,2,\n", "as many cells as the header (line 3)"),
        ("1,2,,,\n", "as many cells as the header (line 2)"),
        ("1,2\n,,\n", "as many cells as the header (line 3)"),
        ("1,2\n\n   \n", "as many cells as the header (line 4)"),
        ('"1\n1",2\n3\n', "as many cells as the header (line 4)"),
        ('1,"2\n3,4\n', "never closed, or goes on after its closing quote (line 2)"),
        ('1,2\n3,"4', "never closed, or goes on after its closing quote (line 3)"),
        ('1,2\n3,"', "never closed, or goes on after its closing quote (line 3)"),
        ('1,"x"y\n', "never closed, or goes on after its closing quote (line 2)"),
        ('"1,2\n3,"x",4\n', "never closed, or goes on after its closing quote (line 2)"),
        ("1,2\n3,4\r\n", "do not all end alike (line 3)"),
        ("1,2\n3,4\r5,6\n", "bare carriage return in a line (line 3)"),
        ("1,2\n3,4\r", "do not all end alike (line 3)"),
        ("1,2\n\x00,4\n", "NUL character in the text (line 3)"),
        ("1,2\n3,4\n5,\x00\x00\n", "NUL character in the text (line 4)"),
    ],
)
@pytest.mark.parametrize("quoted", [False, True])
def test_a_row_that_is_wrong_is_named_by_its_line(tmp_path, rows, says, quoted):
    """The same with a cell that no quick look at quotes can settle in front."""
    extra = f'{CANARY} 5" pipe' if quoted else CANARY
    first = f"a,b\n{extra},0\n"
    line = int(says.rpartition("line ")[2].rstrip(")"))
    expected = says.replace(f"line {line}", f"line {line + 1}")
    assert expected in refusal(written(tmp_path, "t.csv", (first + rows).encode()))


def test_a_bad_row_far_into_a_file_is_found(tmp_path):
    """Further than one chunk, after quoted cells with line ends."""
    good = 'x,"two\nlines"\n' * (CHUNK // 5)
    for bad, says in ((f"{CANARY}\n", "as many cells"), (f'1,"{CANARY}\n', "never closed")):
        line = good.count("\n") + 2
        assert f"(line {line:,})" in refusal(written(tmp_path, "t.csv", f"a,b\n{good}{bad}1,2\n"))
        assert says in refusal(written(tmp_path, "t.csv", f"a,b\n{good}{bad}1,2\n"))


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("A" * (MAX_CELL_BYTES + 1) + ",1", "A cell is longer than 1 MB (line 3)"),
        ('"' + "A\n" * MAX_CELL_BYTES + '",1', "A quoted cell is longer than 1 MB, or never closed (line 3)"),
        ('"' + "A" * 8_000_000 + '",1', "A cell is longer than 1 MB (line 3)"),
        ("A" * 8_000_000 + ",1", "A cell is longer than 1 MB (line 3)"),
        ("A" * 8_000_000, "A cell is longer than 1 MB (line 3)"),
        (",".join(["A" * 900_000] * 3), "A row is longer than 2 MB (line 3)"),
        (",".join("1" * 5_000_000), "A row is longer than 2 MB (line 3)"),
    ],
)
def test_long_cells_and_rows(tmp_path, row, says):
    assert says in refusal(written(tmp_path, "t.csv", f"a,b\n{CANARY},0\n{row}\n1,2\n"))


def test_the_longest_cell_that_is_read(tmp_path):
    cell = "A" * MAX_CELL_BYTES
    assert read(written(tmp_path, "t.csv", f"a,b\n{cell},1\n"))[1] == [(cell, "1")]
    assert read(written(tmp_path, "t.csv", f'a,b\n"{cell[2:]}",1\n'))[1] == [(cell[2:], "1")]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("a,b\n1,ä\n".encode("utf-16"), "looks like UTF-16"),
        ("group,label\nä,1\n".encode("utf-16-le"), "looks like UTF-16"),
        ("group,label\nä,1\n".encode("utf-16-be"), "looks like UTF-16"),
        ("a,b\n1,2\n3,ä\n".encode("latin-1"), "looks like Latin-1 (Windows-1252) (line 3)"),
        ("ä,b\n1,2\n".encode("latin-1"), "looks like Latin-1 (Windows-1252)"),
        (b"a,b\n1,\x81\x8d\n", "not UTF-8 text (line 2)"),
        (b"a,b\n1,2\n3,\xc3", "not UTF-8 text"),
        (b"a,b\r1,2\r3,4\r", "bare carriage return, as on an old Mac"),
        (b"a\x00,b\n1,2\n", "neither text nor Parquet"),
    ],
)
def test_another_encoding_is_called_by_its_name(tmp_path, content, says):
    assert says in refusal(written(tmp_path, "t.csv", content))


@pytest.mark.parametrize(
    ("text", "columns", "rows"),
    [
        ("a;b;c,d\n1,2\n3,4\n", ("a;b;c", "d"), [("1", "2"), ("3", "4")]),
        ("a,b,c;d\n1;2\n", ("a,b,c", "d"), [("1", "2")]),
        ("group;label;score\nA;1;x,5\nB;0;y,2\n", ("group", "label", "score"),
         [("A", "1", "x,5"), ("B", "0", "y,2")]),
        ("a|b,c\n1,2\n", ("a|b", "c"), [("1", "2")]),
        ('a,b\n"x;y;z",1\n', ("a", "b"), [("x;y;z", "1")]),
        ("a\n1\n\n2\n", ("a",), [("1",), (None,), ("2",)]),
        ("a;b\n", None, None),
    ],
)  # fmt: skip
def test_the_separator_is_the_one_that_fits_the_rows(tmp_path, text, columns, rows):
    file = written(tmp_path, "t.csv", text)
    if columns is None:
        assert "no rows" in refusal(file)
    else:
        assert read(file) == (columns, rows)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("g;y;s\nA;1;0,5\nB;0;0,25\n", "s"),
        ("g\ty\ts\nA\t1\t1\nB\t0\t-0,25\nC\t0\t\n", "s"),
        ("g;y;s\n1,5;1;0.5\n2;0;0.2\n", "g"),
    ],
)
def test_a_decimal_comma_is_said(tmp_path, text, column):
    assert f"“{column}” holds numbers with a decimal comma" in refusal(written(tmp_path, "t.csv", text))


def test_scores_with_a_decimal_comma_are_never_left_out(tmp_path):
    file = written(tmp_path, "t.csv", "g;y;s\nA;1;0,5\nB;0;1\n")
    assert "“s” holds numbers with a decimal comma" in refusal(file, counted)


def test_a_comma_in_a_text_is_no_decimal_comma(tmp_path):
    rows = [("x,5", "1"), ("2,5", "0")]
    assert read(written(tmp_path, "t.csv", "g;y\nx,5;1\n2,5;0\n"))[1] == rows
    assert read(written(tmp_path, "u.csv", 'g,y\n"1,5",1\n'))[1] == [("1,5", "1")]


def test_formulas_are_values(tmp_path):
    cells = ["=cmd|' /C calc'!A0", "+1+1", "@SUM(1)", "-2+3", "\t=1+1"]
    file = written(tmp_path, "t.csv", "g,y,s\n" + "".join(f"{cell},1,0.5\n" for cell in cells))
    assert [row[0] for row in read(file)[1]] == cells
    assert set(counted(file)[2].axis("g").levels) >= set(cells)


def test_sql_in_cells_is_text(tmp_path):
    cells = ["'; COPY (SELECT 1) TO 'out';--", "Robert'); DROP TABLE t;--", "{x}", "$1", "?"]
    file = written(tmp_path, "t.csv", "g,y,s\n" + "".join(f'"{cell}",1,0.5\n' for cell in cells))
    assert [row[0] for row in read(file)[1]] == cells
    assert set(counted(file)[2].axis("g").levels) >= set(cells)


CELLS = st.text(st.sampled_from('ab",;\n \té|'), max_size=6)
PIECES = st.lists(
    st.sampled_from(['"', '""', ",", "\n", "\r\n", " ", "a", "b", "é", '5"', "\r"]), max_size=30
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=6), st.sampled_from([LF, CRLF]), st.booleans())
def test_a_quoted_table_is_read_cell_by_cell(tmp_path, rows, end, spaced):
    """Whatever stands in the cells; spaces around the quotes change nothing."""
    space = " " if spaced else ""
    lines = ["a,b", *(",".join(f'{space}"{c.replace(chr(34), chr(34) * 2)}"' for c in row) for row in rows)]
    file = written(tmp_path, "t.csv", end.join(lines).encode())
    assert read(file)[1] == [tuple(cell or None for cell in row) for row in rows]


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PIECES)
def test_pieces_of_a_table_are_read_or_refused(tmp_path, pieces):
    """What passes the look at the rows, DuckDB reads with the same number of rows."""
    file = written(tmp_path, "t.csv", "a,b\n1,2\n" + "".join(pieces))
    try:
        assert all(len(row) == 2 for row in read(file)[1])
    except SourceError as error:
        assert "\n" not in str(error)
        assert "two ways of counting" not in error.problem


@settings(deadline=None, max_examples=200)
@given(PIECES, st.integers(1, 9))
def test_where_a_file_is_cut_into_chunks_makes_no_difference(pieces, size):
    def outcome(size):
        counter = RowCounter(Dialect(separator=",", cells=2), "t.csv")
        text = ("a,b\n" + "".join(pieces)).encode()
        try:
            for at in range(0, len(text), size):
                counter.add(text[at : at + size])
            return counter.close()
        except SourceError as error:
            return error.problem.partition(" (line")[0] and "refused"

    assert outcome(size) == outcome(10_000)


# --- binary tables


def bomb(folder, megabytes=150):
    """A Parquet file of some kilobytes, the only column of which unpacks to so much."""
    text = "a" * (1 << 20)
    cells = pa.array([text + str(i % 2) for i in range(megabytes)])
    file = folder / "bomb.parquet"
    pq.write_table(
        pa.table({"g": cells}), file, compression="zstd", use_dictionary=False, write_statistics=False
    )
    assert file.stat().st_size < 1 << 20
    return file


def test_a_bomb_is_refused_by_what_it_announces(tmp_path, monkeypatch):
    file = bomb(tmp_path)
    assert len(read(file)[1]) == 150
    monkeypatch.setattr(parquet_shape, "MAX_UNPACKED_BYTES", 100 << 20)
    assert "The table unpacks to" in refusal(file)
    monkeypatch.setattr(parquet_shape, "MAX_CHUNK_BYTES", 100 << 20)
    monkeypatch.setattr(parquet_shape, "MAX_UNPACKED_BYTES", 1 << 40)
    assert "One column of a row group unpacks to over" in refusal(file)


def test_a_bomb_that_lies_meets_the_memory_limit(tmp_path, monkeypatch):
    """The footer's size is changed to 100 bytes in place; the page itself still unpacks to all of it."""
    file = bomb(tmp_path)
    size = f"SELECT total_uncompressed_size FROM parquet_metadata('{file}')"
    raw, wanted = file.read_bytes(), varint(2 * duckdb.sql(size).fetchall()[0][0])
    short = bytes([0x80 | (200 & 0x7F), 0x80 | (200 >> 7), *[0x80] * (len(wanted) - 3), 0])
    file.write_bytes(raw.replace(wanted, short))
    assert duckdb.sql(size).fetchall() == [(100,)]
    monkeypatch.setattr(connection, "MEMORY_LIMIT", "100MB")
    assert "more memory than is allowed" in refusal(file)


def varint(number):
    """A number as Thrift writes it, seven bits at a time."""
    out = b""
    while number > 0x7F:
        out, number = out + bytes([number & 0x7F | 0x80]), number >> 7
    return out + bytes([number])


def element(name, children=None):
    """A column of a Parquet footer: required, and a number or the parent of others."""
    kind = b"\x15\x02\x25\x00" if children is None else b"\x35\x00"
    end = b"" if children is None else b"\x15" + varint(2 * children)
    return kind + b"\x18" + varint(len(name)) + name + end + b"\x00"


def footer(elements, rows=2):
    """A Parquet file without a page: nothing but a footer with these columns."""
    listed = b"\x19\xfc" + varint(len(elements)) + b"".join(elements)
    text = b"\x15\x02" + listed + b"\x16" + varint(rows) + b"\x19\x0c\x00"
    return b"PAR1" + text + struct.pack("<I", len(text)) + b"PAR1"


def hostile_parquet():
    good = io.BytesIO()
    pq.write_table(pa.table({"g": [CANARY] * 100}), good)
    raw = good.getvalue()
    yield "cut short", raw[:-3], "cut short or damaged"
    yield "footer length", raw[:-8] + struct.pack("<I", 2**31 - 1) + b"PAR1", "cut short or damaged"
    yield "encrypted", raw[:-4] + b"PARE", "encrypted"
    yield "no footer", b"PAR1" + struct.pack("<I", 0) + b"PAR1", "can't be read"
    yield "all ones", b"PAR1" + b"\xff" * 400 + struct.pack("<I", 400) + b"PAR1", "can't be read"
    yield "footer alone", footer([element(b"r", 1), element(b"x")]), "no rows"
    wide = [element(b"r", 9000), *(element(b"x%d" % i) for i in range(9000))]
    yield "many columns", footer(wide), "9,000 columns; at most 500"
    yield "deep", footer([element(b"r", 1), *[element(b"a", 1)] * 100_000, element(b"x")]), "."
    yield "long footer", footer([element(b"r", 1), element(b"x" * (17 << 20))]), "longer than 16 MB"
    for place in range(0, len(raw), 97):
        yield f"zeros at {place}", raw[:place] + bytes(20) + raw[place + 20 :], None


@pytest.mark.parametrize(("name", "raw", "says"), list(hostile_parquet()), ids=lambda v: str(v)[:20])
def test_damaged_parquet(tmp_path, name, raw, says):
    file = written(tmp_path, "t.parquet", raw)
    if says is not None:
        said = refusal(file)
        assert says in said or says == "."
        return
    try:
        assert read(file)[0] == ("g",)
    except SourceError as error:
        assert CANARY not in str(error)


def test_too_many_rows_are_refused_before_they_are_read(tmp_path):
    rows = footer([element(b"r", 1), element(b"x")], rows=2 * 3_000_000_000)
    assert "3,000,000,000 rows; at most" in refusal(written(tmp_path, "t.parquet", rows))


def test_nested_columns_are_told_and_refused_where_they_are_used(tmp_path):
    file = tmp_path / "t.parquet"
    pq.write_table(pa.table({"g": [[1], [2]], "y": [1, 0], "s": [{"a": 1}, {"a": 2}]}), file)
    assert read(file)[0] == ("g", "y", "s")
    assert "holds lists or structures" in refusal(file, counted)


@pytest.mark.parametrize("codec", ["uncompressed", "lz4", "zstd"])
def test_arrow_files_are_read_in_a_process_of_their_own(tmp_path, codec, monkeypatch):
    """Every flip of a byte is read or a sentence; a crash of the reader is one too."""
    frame = pa.table({"g": ["aa", "b"] * 20, "n": range(40)})
    feather.write_feather(frame, tmp_path / "t.arrow", compression=codec)
    assert read(tmp_path / "t.arrow")[1][:2] == [("aa", 0), ("b", 1)]
    monkeypatch.setattr(pa.ipc, "open_file", None)  # nothing of this process opens it
    assert len(read(tmp_path / "t.arrow")[1]) == 40


def test_offsets_that_lead_out_of_an_arrow_file(tmp_path):
    """Arrow itself believes them, and would read whatever lies there."""
    text = pa.Array.from_buffers(
        pa.string(), 3, [None, pa.py_buffer(struct.pack("<4i", 0, 1, 2**30, 3)), pa.py_buffer(b"abc")]
    )
    batch = pa.RecordBatch.from_arrays([text], ["g"])
    with pa.OSFile(str(tmp_path / "t.arrow"), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)
    assert "can't be read" in refusal(tmp_path / "t.arrow")


def test_an_arrow_bomb_meets_the_memory_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(arrow_rewrite, "MEMORY_BYTES", 700 << 20)
    cells = pa.array(["a" * (1 << 20)] * 400, pa.large_string())
    feather.write_feather(pa.table({"g": cells}), tmp_path / "t.arrow", compression="zstd")
    assert (tmp_path / "t.arrow").stat().st_size < 1 << 20
    assert "unpacks to more memory than is allowed" in refusal(tmp_path / "t.arrow")


def test_an_arrow_file_that_takes_too_long(tmp_path, monkeypatch):
    feather.write_feather(pa.table({"g": ["a"]}), tmp_path / "t.arrow")
    monkeypatch.setattr(arrow_rewrite, "WALL_SECONDS", 0.01)
    assert "takes too long" in refusal(tmp_path / "t.arrow")


def test_a_crash_of_the_reader_is_a_sentence(tmp_path, monkeypatch):
    worker = written(tmp_path, "worker.py", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    feather.write_feather(pa.table({"g": ["a"]}), tmp_path / "t.arrow")
    monkeypatch.setattr(arrow_rewrite, "_WORKER", worker)
    assert "crashed the process that reads it (SIGSEGV)" in refusal(tmp_path / "t.arrow")


def test_arrow_columns(tmp_path):
    wide = pa.table({f"k{i}": [1] for i in range(501)})
    feather.write_feather(wide, tmp_path / "wide.arrow")
    assert "at most 500" in refusal(tmp_path / "wide.arrow")
    feather.write_feather(pa.table({"g": pa.array([], pa.string())}), tmp_path / "empty.arrow")
    assert "no rows" in refusal(tmp_path / "empty.arrow")
    times = pa.table({"t": pa.array([5, None], pa.duration("s")), "g": ["a", "b"]})
    feather.write_feather(times, tmp_path / "t.arrow")
    assert read(tmp_path / "t.arrow")[1] == [(5, "a"), (None, "b")]


def test_several_arrow_files_bind_by_name(tmp_path):
    feather.write_feather(pa.table({"g": ["a"], "y": [1]}), tmp_path / "p1.arrow")
    feather.write_feather(pa.table({"y": [0], "g": ["b"]}), tmp_path / "p2.arrow")
    assert read(tmp_path / "p*.arrow") == (("g", "y"), [("a", 1), ("b", 0)])
    feather.write_feather(pa.table({"y": [0], "h": ["b"]}), tmp_path / "p3.arrow")
    assert "not all have the same columns" in refusal(tmp_path / "p*.arrow")


def test_the_caps_are_what_the_sentences_say():
    assert (MAX_CELL_BYTES, csv_rows.MAX_ROW_BYTES) == (1_048_576, 2_000_000)
    assert (parquet_shape.MAX_FOOTER_BYTES, parquet_shape.MAX_CHUNK_BYTES) == (16 << 20, 1 << 30)


# --- tables that can be read but hardly be judged


def test_a_hundred_thousand_groups_are_200_and_others(tmp_path):
    rows = "".join(f"g{i},{i % 2},0.5\n" for i in range(100_000)) + "common,1,0.9\n" * 50
    coding, intake, cube = counted(written(tmp_path, "t.csv", "g,y,s\n" + rows))
    assert len(cube.axis("g").levels) == MAX_LEVELS
    assert {OTHER, "common"} <= set(cube.axis("g").levels)
    assert intake.folded == (("g", 100_001 - (MAX_LEVELS - 1)),) and coding.axes[0].folded
    assert cube.rows == 100_050


def test_a_group_whose_name_is_a_book_is_refused(tmp_path):
    book = CANARY * (MAX_VALUE_LENGTH // len(CANARY) + 1)
    frame = pd.DataFrame({"y": ["1", "0"], "s": [0.5, 0.1], "g": [book, "b"]})
    assert "“g” is longer than" in refusal(saved(tmp_path, frame, "t.parquet"), counted)
    frame = frame.assign(y=[book, "0"], g="b")
    assert "“y” is longer than" in refusal(saved(tmp_path, frame, "t.parquet"), counted)


@pytest.mark.parametrize(
    "rows", ["A,1,nan\nB,0,nan\n", "A,1,\nB,0,\n", "A,1,x\nB,0,y\n", "A,1,inf\nB,0,-inf\n"]
)
def test_scores_of_which_none_can_be_used(tmp_path, rows):
    assert "usable score" in refusal(written(tmp_path, "t.csv", f"g,y,s\n{rows}"), counted)

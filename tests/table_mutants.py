"""Mutants of valid tables, read to the end in a process of its own: `table_mutants.py KIND FIRST LAST`.

One JSON line per seed, written before and after: after a crash the last seed begun is the culprit.
"""

from __future__ import annotations

import csv
import faulthandler
import io
import json
import random
import re
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from make_tables import contract
from mutants import mutated
from pyarrow import feather

from audit_core.cube.build import count_table, rank_groups, take_in
from audit_core.cube.coding import code_table
from audit_core.errors import AuditError
from audit_core.sources.profile import column_values, guess_roles, profile_columns
from audit_core.sources.tables import batches, connect, open_table

SECONDS_EACH = 30
KINDS = ("csv", "parquet", "arrow")


def rows(rng: random.Random) -> pa.Table:
    """A table that the contract of the tests reads, of 3 to 300 rows."""
    count = rng.choice((3, 40, 300))
    return pa.table(
        {
            "y": [rng.randrange(2) for _ in range(count)],
            "s": [rng.random() for _ in range(count)],
            "g": [rng.choice(("a", "b", "ünï", "x" * 30)) for _ in range(count)],
            "i": [rng.choice((None, 1, 2**40)) for _ in range(count)],
            "d": pa.array(
                [rng.choice(("p", "q", None)) for _ in range(count)], pa.string()
            ).dictionary_encode(),
        }
    )


def as_csv(table: pa.Table, rng: random.Random) -> bytes:
    """The rows as text, in one of the dialects people use."""
    text = io.StringIO(newline="")
    quoting = rng.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
    end = rng.choice(("\n", "\r\n"))
    writer = csv.writer(text, delimiter=rng.choice(",;\t|"), lineterminator=end, quoting=quoting)
    writer.writerow(table.column_names)
    notes = ("", "x", 'say "hi"', "two\nlines", "a,b;c")
    writer.writerows([*[*row.values()][:-1], rng.choice(notes)] for row in table.to_pylist())
    return rng.choice((b"", b"\xef\xbb\xbf")) + text.getvalue().encode()


def valid(kind: str, rng: random.Random) -> bytes:
    """A valid file of a kind, of any compression and page format."""
    table, sink = rows(rng), io.BytesIO()
    if kind == "csv":
        return as_csv(table, rng)
    if kind == "arrow":
        feather.write_feather(table, sink, compression=rng.choice(("uncompressed", "lz4", "zstd")))
    else:
        pq.write_table(
            table,
            sink,
            compression=rng.choice(("none", "snappy", "zstd", "gzip", "lz4", "brotli")),
            data_page_version=rng.choice(("1.0", "2.0")),
            use_dictionary=rng.choice((True, False)),
            row_group_size=rng.choice((50, 1000)),
        )
    return sink.getvalue()


def mutant(kind: str, seed: int) -> bytes:
    """The mutant of a seed; a footer is hit as often as everything before it, a header's names move."""
    rng = random.Random(seed)
    raw = valid(kind, rng)
    if kind == "csv":
        if rng.random() < 0.2:
            head, end, rest = raw.partition(b"\n")
            names = re.split(rb"([,;\t|])", head)
            names[:-1:2] = rng.sample(names[:-1:2], len(names) // 2)
            raw = b"".join(names) + end + rest
        at = rng.randrange(len(raw))
        raw = (
            raw[:at]
            + rng.choice((b"", b'"', b'""', b"\r", b"\n", b",", b";", b" ", b"\xff", b"\0"))
            + raw[at:]
        )
        return mutated(raw, seed) if rng.random() < 0.5 else raw
    if rng.random() < 0.6:  # in place, so that the lengths around it still fit
        data = bytearray(raw)
        for _ in range(rng.choice((1, 1, 2, 5))):
            place = (
                rng.randrange(len(raw)) if rng.random() < 0.5 else -9 - rng.randrange(min(len(raw) - 9, 900))
            )
            data[place] = rng.choice((data[place] ^ 1 << rng.randrange(8), 0, 0x7F, 0x80, 0xFF))
        return bytes(data)
    return mutated(raw, seed)


def read(file: Path) -> str:
    """Everything the tool asks of a file; "read", or the sentence with which it was refused."""
    con = connect((file,))
    try:
        table = open_table(con, file, "evaluation")
        columns = profile_columns(con, table)
        guess_roles(columns)
        for column in columns:
            column_values(con, table, column.name)
        found = [[*row.values()] for batch in batches(con, table) for row in batch.to_pylist()]
        if file.suffix == ".csv":
            compare(file, table.separator, found)
        spec = contract()
        if all(table.has(name) for name in ("y", "s", "g")):
            coding = code_table(con, table, spec)
            take_in(con, table, coding, spec)
            rank_groups(con, table, coding, count_table(con, table, coding))
    except AuditError as error:
        assert str(error).count("\n") == 0 and error.problem and error.remedy
        return error.problem
    finally:
        con.close()
    return "read"


def compare(file: Path, separator: str, found: list[list[object]]) -> None:
    """Cell by cell with Python's own reader, wherever the two follow the same rule."""
    text = file.read_bytes().decode("utf-8-sig")
    if re.search(r'" | "', text):  # DuckDB drops spaces around quotes, Python keeps them
        return
    lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    width = len(lines[0])
    expected = [row or [""] for row in lines[1:] if row or width == 1]
    assert [["" if cell is None else cell for cell in row] for row in found] == expected


def main(kind: str, first: int, last: int) -> None:
    """Read the mutants of some seeds; what is neither read nor refused is said."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"mutant.{kind}"
        for seed in range(first, last):
            print(json.dumps({"seed": seed}), flush=True)
            file.write_bytes(mutant(kind, seed))
            faulthandler.dump_traceback_later(SECONDS_EACH, exit=True)
            try:
                said = read(file) if file.stat().st_size else "The file is empty"
            except Exception as error:  # noqa: BLE001 - the caller says what it was, with its seed
                print(
                    json.dumps({"seed": seed, "fault": f"{type(error).__name__}: {error}"[:300]}), flush=True
                )
            else:
                print(json.dumps({"seed": seed, "said": said}), flush=True)
            faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))

"""What a Parquet file announces about itself, held against caps before any of its pages is unpacked.

A footer can lie; then DuckDB's memory limit ends the query in one sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from audit_core.errors import SourceError
from audit_core.sources.connection import run
from audit_core.sources.files import MAX_ROWS, SAVE_AGAIN, path_literal

if TYPE_CHECKING:
    import duckdb

MAX_FOOTER_BYTES = 16 << 20
"""A footer is read into memory as a whole, forty times its size."""
MAX_UNPACKED_BYTES = 256 << 30
MAX_CHUNK_BYTES = 1 << 30
"""Most bytes of one column in one group of rows: the part that has to fit in memory at once."""


def check_parquet(con: duckdb.DuckDBPyConnection, files: Sequence[Path], name: str) -> None:
    """Refuse files that unpack to more than is read.

    Raises
    ------
    SourceError
        A footer is too long or can't be read; or rows or unpacked bytes are beyond their caps.
    """
    for file in files:
        _check_footer(file, name if len(files) == 1 else file.name)
    listed = ", ".join(path_literal(file) for file in files)
    rows, least_rows = run(
        con, f"SELECT sum(num_rows), min(num_rows) FROM parquet_file_metadata([{listed}])", name
    )[0]
    total, most, least = run(
        con,
        "SELECT coalesce(sum(total_uncompressed_size), 0), coalesce(max(total_uncompressed_size), 0), "
        f"coalesce(min(least(num_values, total_uncompressed_size)), 0) FROM parquet_metadata([{listed}])",
        name,
    )[0]
    if min(int(least), int(least_rows)) < 0:
        raise SourceError("The Parquet file can't be read", where=name, remedy=SAVE_AGAIN)
    problem, remedy = "", "Audit a sample of its rows"
    if int(rows) > MAX_ROWS:
        problem = f"The table has {int(rows):,} rows; at most {MAX_ROWS:,} are read"
    elif int(total) > MAX_UNPACKED_BYTES:
        problem = f"The table unpacks to {int(total) >> 30:,} GB; at most {MAX_UNPACKED_BYTES >> 30} are read"
    elif int(most) > MAX_CHUNK_BYTES:
        problem = f"One column of a row group unpacks to over {MAX_CHUNK_BYTES >> 30} GB"
        remedy = "Write it with smaller row groups"
    if problem:
        raise SourceError(problem, where=name, remedy=remedy)


def parquet_header(con: duckdb.DuckDBPyConnection, file: Path, name: str) -> list[str]:
    """Return the names of a Parquet file's columns as written; a scan renames those that differ in case."""
    rows = run(con, f"SELECT name, num_children FROM parquet_schema({path_literal(file)})", name)
    names: list[str] = []
    nested = 0
    for column, children in rows[1:]:  # the first row is the root; a nested column's parts follow it
        if nested:
            nested -= 1
        else:
            names.append(str(column))
        nested += children or 0
    return names


def _check_footer(file: Path, name: str) -> None:
    """Refuse a file whose end is no Parquet footer, or one too long to be read at once."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        stream.seek(max(size - 8, 0))
        end = stream.read(8)
    length = int.from_bytes(end[:4], "little")
    if end[4:] == b"PARE":
        raise SourceError("The Parquet file is encrypted", where=name, remedy=SAVE_AGAIN)
    if end[4:] != b"PAR1" or length > size - 12:
        problem = "The Parquet file can't be read: it is cut short or damaged at its end"
        raise SourceError(problem, where=name, remedy=SAVE_AGAIN)
    if length > MAX_FOOTER_BYTES:
        problem = f"The Parquet file's footer is longer than {MAX_FOOTER_BYTES >> 20} MB"
        raise SourceError(problem, where=name, remedy="Write it with fewer columns or larger row groups")

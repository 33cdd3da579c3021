"""Which files a path stands for, what they really are, and what their header says."""

from __future__ import annotations

import csv
import hashlib
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from audit_core.errors import SourceError

if TYPE_CHECKING:
    import duckdb

Format = Literal["csv", "parquet", "arrow"]

CHUNK = 1 << 20
MAX_COLUMNS = 500
MAX_HEADER_BYTES = 1 << 20
SAVE_AGAIN = "Save it as UTF-8 CSV or Parquet and upload it again"
UNLIKE = {".parquet": "a Parquet file", ".arrow": "an Arrow file", ".feather": "an Arrow file"}
PACKED = (b"PK", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\xd0\xcf\x11\xe0", b"\x28\xb5\x2f\xfd")


def find_files(path: Path | str) -> list[Path]:
    """Return the files a path, folder or glob stands for, in the order of their names.

    Raises
    ------
    SourceError
        There is none, or one of them is empty.
    """
    given = Path(path)
    if not str(path):  # Path("") would be the current folder
        found = []
    elif given.is_dir():
        found = sorted(given.glob("*.parquet"))
    elif not given.exists() and any(mark in str(path) for mark in "*?["):
        found = sorted(f for f in Path(given.anchor).glob(str(given)[len(given.anchor) :]) if f.is_file())
    else:
        found = [given] if given.is_file() else []
    if not found:
        raise SourceError("There is no such file", where=str(path), remedy="Check the path")
    for file in found:
        if file.stat().st_size == 0:
            raise SourceError("The file is empty", where=file.name, remedy="Upload a file with rows")
    return found


def fingerprint(files: Sequence[Path]) -> tuple[str, int]:
    """Return (SHA-256, bytes) of the files: of the bytes of one, of the list of hashes of several."""
    digests, total = [], 0
    for file in files:
        digest = hashlib.sha256()
        with file.open("rb") as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
                total += len(chunk)
        digests.append(digest.hexdigest())
    if len(digests) == 1:
        return digests[0], total
    listed = "".join(f"{d}  {f.name}\n" for d, f in zip(digests, files, strict=True))
    return hashlib.sha256(listed.encode()).hexdigest(), total


def format_of(file: Path, name: str) -> Format:
    """Return the format of a file by its first bytes, never by its name alone.

    Raises
    ------
    SourceError
        The content is not what the name says, or not a table.
    """
    with file.open("rb") as stream:
        head = stream.read(4096)
    if head[:4] == b"PAR1":
        return "parquet"
    if head[:6] == b"ARROW1":
        return "arrow"
    suffix = Path(name).suffix.lower()
    if suffix in UNLIKE:
        problem = f"The name says {suffix}, but the content is not {UNLIKE[suffix]}"
        raise SourceError(problem, where=name, remedy=SAVE_AGAIN)
    if head.startswith(PACKED):
        raise SourceError("The file is compressed or a spreadsheet", where=name, remedy=SAVE_AGAIN)
    if b"\x00" in head:
        raise SourceError("The file is neither text nor Parquet", where=name, remedy=SAVE_AGAIN)
    return "csv"


def csv_header(file: Path, name: str) -> tuple[list[str], str]:
    """Return (header cells, delimiter) of a CSV; DuckDB would rename and trim them, so it never sees them.

    Raises
    ------
    SourceError
        The first line is not UTF-8 text, too long, or no line of column names.
    """
    with file.open("rb") as stream:
        first = stream.readline(MAX_HEADER_BYTES)
    if len(first) == MAX_HEADER_BYTES:
        raise SourceError("The first line is longer than 1 MB", where=name, remedy=SAVE_AGAIN)
    try:
        line = first.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise SourceError("The file is not UTF-8 text", where=name, remedy=SAVE_AGAIN) from error
    bare = re.sub(r'"[^"]*"', "", line)  # a comma inside a quoted name separates nothing
    delimiter = "\t" if Path(name).suffix.lower() == ".tsv" else max(",;\t|", key=bare.count)
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), []), delimiter
    except csv.Error as error:  # an unclosed quote, a bare carriage return, a name of over 128 KB
        problem = "The first line is not a line of column names"
        raise SourceError(problem, where=name, remedy=SAVE_AGAIN) from error


def parquet_header(con: duckdb.DuckDBPyConnection, file: Path) -> list[str]:
    """Return the names of a Parquet file's columns as written; a scan renames those that differ in case."""
    rows = con.execute(f"SELECT name, num_children FROM parquet_schema({path_literal(file)})").fetchall()
    names: list[str] = []
    nested = 0
    for name, children in rows[1:]:  # the first row is the root; a nested column's parts follow it
        if nested:
            nested -= 1
        else:
            names.append(str(name))
        nested += children or 0
    return names


def path_literal(file: Path) -> str:
    """SQL string literal of exactly this path; DuckDB reads `*`, `?` and `[` in a path as a pattern."""
    return "'" + re.sub(r"([*?[])", r"[\1]", str(file)).replace("'", "''") + "'"


def checked_columns(columns: Sequence[str], name: str) -> tuple[str, ...]:
    """Return the header, refused where two columns could be mistaken for one another.

    Raises
    ------
    SourceError
        Too many columns, one without a name, a control character, or the same name twice.
    """
    if len(columns) > MAX_COLUMNS:
        problem = f"The file has {len(columns):,} columns; at most {MAX_COLUMNS} are read"
        raise SourceError(problem, where=name, remedy="Keep the columns the audit needs")
    if not columns or any(not column.strip() for column in columns):
        raise SourceError("A column has no name", where=name, remedy="Give every column a name")
    if any(unicodedata.category(mark) == "Cc" for column in columns for mark in column):
        problem = "A column name holds a control character"
        raise SourceError(problem, where=name, remedy="Rename it in the header")
    seen: set[str] = set()
    for column in columns:
        if column in seen:
            problem = f"Two columns are both named “{column}”"
            raise SourceError(problem, where=name, remedy="Give every column its own name")
        seen.add(column)
    return tuple(columns)

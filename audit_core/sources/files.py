"""Which files a path stands for, what they really are, and which column names are accepted.

Caps, in this module and in `csv_shape` and `parquet_shape`, are checked before a parser sees the bytes.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from audit_core.errors import SourceError

Format = Literal["csv", "parquet", "arrow"]

CHUNK = 1 << 20
MAX_COLUMNS = 500
MAX_FILES = 10_000
MAX_BYTES = 64 << 30
"""Most bytes of a table, all of its files together."""
MAX_ROWS = 2_000_000_000
"""Most rows of a table: one byte of Parquet can stand for millions of equal cells."""
SAVE_AGAIN = "Save it as UTF-8 CSV or Parquet and upload it again"
UNLIKE = {".parquet": "a Parquet file", ".arrow": "an Arrow file", ".feather": "an Arrow file"}
PACKED = (b"PK", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\xd0\xcf\x11\xe0", b"\x28\xb5\x2f\xfd")


def find_files(path: Path | str) -> list[Path]:
    """Return the files a path, folder or glob stands for, in the order of their names.

    Raises
    ------
    SourceError
        There is none, there are too many, one of them is empty, or they are too large together.
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
    if len(found) > MAX_FILES:
        problem = f"The table has {len(found):,} files; at most {MAX_FILES:,} are read"
        raise SourceError(problem, where=str(path), remedy="Write it as fewer files")
    total = 0
    for file in found:
        total += (size := file.stat().st_size)
        if size == 0:
            raise SourceError("The file is empty", where=file.name, remedy="Upload a file with rows")
    if total > MAX_BYTES:
        problem = f"The table has {total >> 30:,} GB; at most {MAX_BYTES >> 30} are read"
        raise SourceError(problem, where=found[0].name, remedy="Audit a sample of its rows")
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
    if head.startswith((b"\xff\xfe", b"\xfe\xff")) or _every_second_byte_is_nul(head):
        problem = "The file looks like UTF-16 text (“Unicode text” in Excel), not UTF-8"
        raise SourceError(problem, where=name, remedy=SAVE_AGAIN)
    if b"\x00" in head.partition(b"\n")[0]:
        raise SourceError("The file is neither text nor Parquet", where=name, remedy=SAVE_AGAIN)
    return "csv"


def _every_second_byte_is_nul(head: bytes) -> bool:
    """Whether this is how mostly English text looks in UTF-16 without its mark."""
    half = len(head) // 2
    return half >= 8 and 10 * max(head[::2].count(0), head[1::2].count(0)) >= 8 * half


def literal(text: str) -> str:
    """SQL string literal of a text."""
    return "'" + text.replace("'", "''") + "'"


def path_pattern(file: Path | str) -> str:
    """Return the pattern that stands for exactly this path; DuckDB reads `*`, `?` and `[` as a pattern's."""
    return re.sub(r"([*?[])", r"[\1]", str(file))


def path_literal(file: Path) -> str:
    """SQL string literal of exactly this path."""
    return literal(path_pattern(file))


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

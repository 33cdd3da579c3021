"""What a text table looks like, found out before a parser is trusted with it: header, separator, every row.

One pass over the bytes in chunks. What passes has one encoding, one kind of line end, rows of as many cells
as the header, every quote closed, and no row or cell beyond its cap; DuckDB then has nothing left to guess,
and its count of the rows must be the one found here.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

from audit_core.errors import SourceError
from audit_core.sources.csv_rows import SEPARATORS, Dialect, RowCounter, encoding_problem
from audit_core.sources.files import CHUNK, SAVE_AGAIN

MAX_HEADER_BYTES = 1 << 20
SAMPLE_BYTES = 1 << 16
SAMPLE_ROWS = 50
BOM = b"\xef\xbb\xbf"


def csv_header(file: Path, name: str) -> tuple[tuple[str, ...], str]:
    """Return (header cells, separator) of a CSV; DuckDB would rename and trim them, so it never sees them.

    Raises
    ------
    SourceError
        The first line is not UTF-8 text, too long, or no line of column names.
    """
    with file.open("rb") as stream:
        first = stream.readline(MAX_HEADER_BYTES)
        sample = stream.read(SAMPLE_BYTES)
    if len(first) == MAX_HEADER_BYTES:
        raise SourceError("The first line is longer than 1 MB", where=name, remedy=SAVE_AGAIN)
    if b"\x00" in first:
        raise SourceError("The first line holds a NUL character", where=name, remedy=SAVE_AGAIN)
    try:
        line = first.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise SourceError(encoding_problem(first), where=name, remedy=SAVE_AGAIN) from None
    if "\r" in re.sub(r'"[^"]*"', "", line):
        problem = "The lines end in a bare carriage return, as on an old Mac"
        raise SourceError(problem, where=name, remedy=SAVE_AGAIN)
    separator = _separator(line, sample, name)
    try:
        return tuple(next(csv.reader([line], delimiter=separator, strict=True), [])), separator
    except csv.Error:  # an unclosed quote, a line end inside a name, a name of over 128 KB
        problem = "The first line is not a line of column names"
        raise SourceError(problem, where=name, remedy=SAVE_AGAIN) from None


def csv_rows(file: Path, name: str, dialect: Dialect) -> int:
    """Return the number of rows under the header, after a look at every byte of the file.

    Raises
    ------
    SourceError
        A line is not UTF-8, holds a NUL, ends unlike the others, is too long or ragged, or a quote is never
        closed. The sentence says which line, counted as an editor counts them.
    """
    counter = RowCounter(dialect, name)
    with file.open("rb") as stream:
        if stream.read(len(BOM)) != BOM:
            stream.seek(0)
        while chunk := stream.read(CHUNK):
            counter.add(chunk)
    return counter.close() - 1


def _separator(line: str, sample: bytes, name: str) -> str:
    """The separator that cuts the header and the rows after it into equally many cells.

    The header alone misleads: names may hold more semicolons than there are commas between them.
    """
    if Path(name).suffix.lower() == ".tsv":
        return "\t"
    bare = re.sub(r'"[^"]*"', "", line)  # a comma inside a quoted name separates nothing
    text = re.sub(r'"[^"]*"', "", sample.decode("utf-8", "replace"))
    rows = [row for row in text.splitlines()[:SAMPLE_ROWS] if row.strip()]
    if len(sample) == SAMPLE_BYTES and len(rows) > 1:
        rows = rows[:-1]  # the last one may be cut

    def fit(separator: str) -> tuple[int, int]:
        cuts = bare.count(separator)
        return (sum(row.count(separator) == cuts for row in rows) if cuts else -1, cuts)

    return max(SEPARATORS, key=fit)

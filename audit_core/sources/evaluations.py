"""A table of benchmark results: a short CSV, read whole, every cell checked before any of it is kept."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from audit_core.errors import SourceError
from audit_core.sources.csv_rows import Dialect
from audit_core.sources.csv_shape import csv_header, csv_rows
from audit_core.sources.files import checked_columns
from audit_core.sources.tables import Source

COLUMNS = ("source", "metric", "group", "value", "low", "high", "n", "date", "reference")
NEEDED = ("source", "metric", "value")
LARGEST = 1 << 20
MOST_ROWS = 2_000
LONGEST_CELL = 300
_NUMBER = re.compile(r"[-+]?(?:\d{1,15}(?:\.\d{0,15})?|\.\d{1,15})(?:[eE][-+]?\d{1,2})?")
_WRITE = f"Write a CSV with the columns {', '.join(COLUMNS)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationResult:
    """One result of an evaluation source, on that source's own scale.

    `value`, `low` and `high` are the digits of the file; a range has both ends or none. `n` is None where the
    file does not say how many cases the value stands on. `group`, `date` and `reference` may be "".
    """

    source: str
    metric: str
    group: str
    value: str
    low: str | None
    high: str | None
    n: int | None
    date: str
    reference: str


def given_evaluations(
    path: Path | None, name: str | None = None
) -> tuple[tuple[Source, ...], tuple[EvaluationResult, ...]]:
    """Return (sources, results) of a table that may not have been given; errors as in `read_evaluations`."""
    if path is None:
        return (), ()
    source, results = read_evaluations(path, name)
    return (source,), results


def read_evaluations(path: Path, name: str | None = None) -> tuple[Source, tuple[EvaluationResult, ...]]:
    """Return (source, results) of a table of benchmark results.

    Raises
    ------
    SourceError
        The file is missing, larger than 1 MiB or 2,000 rows, no CSV of these columns, or a cell is not what
        its column holds. The first fault alone is told, with its row and column and never with the cell.
    """
    shown = name or path.name
    content = _bytes(path, shown)
    header, separator = csv_header(path, shown)
    columns = checked_columns([cell.strip() for cell in header], shown)
    _check_columns(columns, shown)
    rows = csv_rows(path, shown, Dialect(separator=separator, cells=len(columns)))
    if not 0 < rows <= MOST_ROWS:
        problem = f"The table has {rows:,} rows; 1 to {MOST_ROWS:,} are read"
        raise SourceError(problem, where=shown, remedy="Give the results, not the cases they were made from")
    lines = _lines(content.decode("utf-8-sig"), columns, separator, shown)
    found = tuple(_result(line, number, shown) for number, line in enumerate(lines, 2))
    source = Source(
        role="benchmarks", name=shown, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content),
        rows=len(found), columns=columns,
    )  # fmt: skip
    return source, found


def _bytes(path: Path, name: str) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        raise SourceError("There is no such file", where=name, remedy="Check the path") from error
    if len(content) > LARGEST:
        problem = "The file is larger than 1 MiB; a table of results is a page or two"
        raise SourceError(problem, where=name, remedy="Give the results, not the cases they were made from")
    if not content.strip():
        raise SourceError("The file is empty", where=name, remedy=_WRITE)
    return content


def _lines(text: str, columns: tuple[str, ...], separator: str, name: str) -> list[dict[str, str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        next(reader)
        return [dict(zip(columns, map(str.strip, line), strict=True)) for line in reader if line]
    except (csv.Error, ValueError) as error:  # a cell of over 128 KB; a row the two readers see differently
        raise SourceError("The rows can't be told apart", where=name, remedy=_WRITE) from error


def _check_columns(columns: tuple[str, ...], name: str) -> None:
    missing = [column for column in NEEDED if column not in columns]
    if missing:
        raise SourceError(f"The table has no column “{missing[0]}”", where=name, remedy=_WRITE)
    unknown = next((place for place, column in enumerate(columns, 1) if column not in COLUMNS), None)
    if unknown is not None:
        problem = f"Column {unknown} is none that a table of results has"
        raise SourceError(problem, where=name, remedy=_WRITE)


def _result(line: dict[str, str], number: int, name: str) -> EvaluationResult:
    for column, remedy in _faults(line):
        raise SourceError(f"Row {number}, column “{column}” can't be read", where=name, remedy=remedy)
    low, high, n = line.get("low"), line.get("high"), line.get("n")
    return EvaluationResult(
        source=line["source"],
        metric=line["metric"],
        group=line.get("group", ""),
        value=line["value"],
        low=low or None,
        high=high or None,
        n=int(n) if n else None,
        date=line.get("date", ""),
        reference=line.get("reference", ""),
    )


def _faults(line: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Column and remedy of everything wrong in a row, the gravest first."""
    for column, cell in line.items():
        if len(cell) > LONGEST_CELL:
            yield column, f"Shorten it to {LONGEST_CELL} characters"
    for column in ("source", "metric"):
        if not line[column]:
            yield column, "Fill it in"
    for column in ("value", "low", "high"):
        cell = line.get(column, "")
        if (cell or column == "value") and not _NUMBER.fullmatch(cell):
            yield column, "Write a number such as 0.62 or 62.0, with a point and without a unit"
    low, high = line.get("low", ""), line.get("high", "")
    if bool(low) != bool(high):
        yield ("high" if low else "low"), "A range needs both ends, or neither"
    elif _NUMBER.fullmatch(low) and _NUMBER.fullmatch(high) and float(low) > float(high):
        yield "low", "The lower end of the range comes first"
    n = line.get("n", "")
    if n and not re.fullmatch(r"[1-9]\d{0,11}", n):
        yield "n", "Write a whole number of cases, 1 or more, or leave it empty"
    if line.get("date") and not _is_day(line["date"]):
        yield "date", "Write a day such as 2026-11-20, or leave it empty"


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False

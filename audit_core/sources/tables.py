"""A file on disk becomes a checked table that DuckDB can scan; nothing is loaded whole.

Inside SQL a column is called c0, c1, …: a header never becomes part of a statement.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy.typing as npt

from audit_core.errors import SourceError, UsageError
from audit_core.sources.files import (
    SAVE_AGAIN,
    checked_columns,
    csv_header,
    find_files,
    fingerprint,
    format_of,
    parquet_header,
    path_literal,
)

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

Role = Literal["model", "train", "evaluation", "baseline", "window"]
Kind = Literal["number", "boolean", "text", "other"]

MISSING: tuple[str, ...] = ("", "NA", "N/A", "NaN", "nan", "null", "NULL")
"""Cell texts that mean *no value*; any other text is a value, `None` and `?` included."""

INTEGERS = frozenset(
    f"{sign}{size}" for sign in ("", "U") for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What was read: its part in the audit, its name, and the SHA-256 of its exact bytes."""

    role: Role
    name: str
    sha256: str
    bytes: int
    rows: int
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table that can be scanned: `scan` is the FROM clause that yields the columns c0, c1, …

    `types` are DuckDB's names of the columns' types; a CSV's cells are all VARCHAR, compared as raw text.
    """

    source: Source
    scan: str
    types: tuple[str, ...]

    def has(self, column: str) -> bool:
        """Whether the file has a column of exactly this name."""
        return column in self.source.columns

    def index(self, column: str) -> int:
        """Position of a column.

        Raises
        ------
        UsageError
            The file has no such column.
        """
        if column not in self.source.columns:
            raise UsageError(
                f"There is no column named “{column}”",
                where=self.source.name,
                remedy="Correct the name in the contract, or add the column to the file",
            )
        return self.source.columns.index(column)

    def value(self, column: str) -> str:
        """SQL of a column's value with every missing cell as NULL."""
        index = self.index(column)
        if self.types[index] in ("FLOAT", "DOUBLE"):
            return f"(CASE WHEN isnan(c{index}) THEN NULL ELSE c{index} END)"
        if self.types[index] != "VARCHAR":
            return f"c{index}"
        listed = ", ".join(literal(text) for text in MISSING)
        return f"(CASE WHEN c{index} IN ({listed}) THEN NULL ELSE c{index} END)"

    def text(self, column: str) -> str:
        """SQL of a column's value as text; a whole number reads the same however it is stored.

        Raises
        ------
        SourceError
            The column holds lists or structures.
        """
        value = self.value(column)
        kind = self._flat(column)
        if kind in ("FLOAT", "DOUBLE") or kind.startswith("DECIMAL"):
            return (
                f"(CASE WHEN {value} = floor({value}) AND abs({value}) < 1e15 "
                f"THEN cast(cast({value} AS BIGINT) AS VARCHAR) ELSE cast({value} AS VARCHAR) END)"
            )
        return value if kind == "VARCHAR" else f"cast({value} AS VARCHAR)"

    def number(self, column: str) -> str:
        """SQL of a column's value as a double; a cell that is no number is NULL, a NaN stays one."""
        stored = self._flat(column) in ("FLOAT", "DOUBLE")
        return f"try_cast({f'c{self.index(column)}' if stored else self.value(column)} AS DOUBLE)"

    def _flat(self, column: str) -> str:
        kind = self.types[self.index(column)]
        if kind.endswith("]") or kind.startswith(("STRUCT", "MAP", "UNION")):
            problem = f"The column “{column}” holds lists or structures, not single values"
            raise SourceError(problem, where=self.source.name, remedy="Write one value per cell")
        return kind

    def stored_kind(self, column: str) -> Kind:
        """What the file says a column holds; text may still turn out to be numbers."""
        kind = self.types[self.index(column)]
        if kind in INTEGERS or kind in ("FLOAT", "DOUBLE") or kind.startswith("DECIMAL"):
            return "number"
        if kind in ("BOOLEAN", "VARCHAR"):
            return "boolean" if kind == "BOOLEAN" else "text"
        return "text" if kind.startswith(("DATE", "TIME", "ENUM", "UUID")) else "other"


def literal(text: str) -> str:
    """SQL string literal of a text."""
    return "'" + text.replace("'", "''") + "'"


def connect() -> duckdb.DuckDBPyConnection:
    """Return an in-memory DuckDB that never fetches an extension."""
    import duckdb

    con = duckdb.connect(":memory:")
    for setting in (
        "autoinstall_known_extensions = false",
        "autoload_known_extensions = false",
        "memory_limit = '2GB'",
        "enable_progress_bar = false",
        # Parquet's least and greatest leave NaN out, and DuckDB concludes from them that a NaN is finite.
        "disabled_optimizers = 'statistics_propagation'",
        "TimeZone = 'UTC'",  # a timestamp's text, and so its group, must not depend on the machine
    ):
        con.execute(f"SET {setting}")
    return con


def open_table(
    con: duckdb.DuckDBPyConnection, path: Path | str, role: Role, *, name: str | None = None
) -> Table:
    """Return the table behind a file, a folder of Parquet files or a glob.

    Raises
    ------
    SourceError
        The file is missing, empty, or not what its name says.
    """
    files = find_files(path)
    shown = name or (files[0].name if len(files) == 1 else str(path))
    kind = format_of(files[0], shown)
    if any(format_of(file, file.name) != kind for file in files[1:]):
        raise SourceError("The files are not all of one format", where=shown, remedy=SAVE_AGAIN)
    columns, scan = _SCANS[kind](con, files, shown)
    types = tuple(str(row[1]) for row in run(con, f"DESCRIBE SELECT * FROM {scan}", shown))
    rows = int(run(con, f"SELECT count(*) FROM {scan}", shown)[0][0])
    if rows == 0:
        raise SourceError("The file has a header but no rows", where=shown, remedy="Upload a file with rows")
    digest, size = fingerprint(files)
    source = Source(role=role, name=shown, sha256=digest, bytes=size, rows=rows, columns=columns)
    return Table(source=source, scan=scan, types=types)


def run(con: duckdb.DuckDBPyConnection, sql: str, name: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query over one file; what DuckDB can't parse becomes one sentence.

    Raises
    ------
    SourceError
        A row does not fit the header, or the text is not UTF-8.
    """
    with _told(name):
        return con.execute(sql).fetchall()


def run_columns(con: duckdb.DuckDBPyConnection, sql: str, name: str) -> list[npt.NDArray[Any]]:
    """Return a query's columns as arrays; errors as in `run`."""
    with _told(name):
        return list(con.execute(sql).fetchnumpy().values())


def batches(con: duckdb.DuckDBPyConnection, table: Table, rows: int = 50_000) -> Iterator[pa.RecordBatch]:
    """Yield the rows in file order, under the file's own column names; errors as in `run`."""
    import pyarrow as pa

    with _told(table.source.name):
        reader: pa.RecordBatchReader = con.sql(f"SELECT * FROM {table.scan}").to_arrow_reader(rows)
        for batch in reader:
            yield pa.RecordBatch.from_arrays(batch.columns, names=list(table.source.columns))


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Turn a reader's complaint into a SourceError without its cause, whose text quotes cells."""
    import duckdb

    try:
        yield
    except (duckdb.Error, OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
        raise SourceError(_reason(str(error)), where=name, remedy=SAVE_AGAIN) from None


def _reason(detail: str) -> str:
    """DuckDB's complaint without the cells it quotes."""
    lowered = detail.lower()
    if "invalid state" in lowered:
        return "The lines do not all end alike, or a quote stands where it can't"
    if lowered.startswith("out of memory"):
        return "Counting this table takes more memory than is allowed"
    if "utf-8" in lowered or "unicode" in lowered or "encod" in lowered:
        return "The file is not UTF-8 text"
    line = (detail.partition("Line:")[2].split() or [""])[0].strip(":,.")
    place = f" (line {line})" if line.isdigit() else ""
    if "unterminated quote" in lowered or "not terminated" in lowered:
        return f"A quoted cell is never closed{place}"
    if "number of columns" in lowered or "missing columns" in lowered or "too many columns" in lowered:
        return f"A row does not have as many cells as the header{place}"
    return f"The table can't be read{place}"


def _scan_csv(
    _con: duckdb.DuckDBPyConnection, files: Sequence[Path], name: str
) -> tuple[tuple[str, ...], str]:
    header, delimiter = csv_header(files[0], name)
    columns = checked_columns(header, name)
    for file in files[1:]:
        if csv_header(file, file.name) != (header, delimiter):
            raise SourceError(
                "The files do not have the same header, in the same order and with the same separator",
                where=file.name,
                remedy="Write every file with the same columns",
            )
    typed = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(columns)))
    listed = ", ".join(path_literal(file) for file in files)
    scan = (
        f"read_csv([{listed}], auto_detect = false, header = false, skip = 1, delim = {literal(delimiter)}, "
        f"compression = 'none', "
        f"hive_partitioning = false, quote = '\"', escape = '\"', columns = {{{typed}}}, strict_mode = true)"
    )
    return columns, scan


def _scan_parquet(
    con: duckdb.DuckDBPyConnection, files: Sequence[Path], name: str
) -> tuple[tuple[str, ...], str]:
    import duckdb

    try:
        header = parquet_header(con, files[0])
    except duckdb.Error as error:
        raise SourceError("The Parquet file can't be read", where=name, remedy=SAVE_AGAIN) from error
    columns = checked_columns(header, name)
    # A folder called sex=F must not become a column, still less replace one.
    listed = ", ".join(path_literal(file) for file in files)
    return columns, _renamed(columns, f"read_parquet([{listed}], hive_partitioning = false)")


def _scan_arrow(
    con: duckdb.DuckDBPyConnection, files: Sequence[Path], name: str
) -> tuple[tuple[str, ...], str]:
    import pyarrow as pa
    import pyarrow.dataset as ds

    try:
        data = ds.dataset([str(file) for file in files], format="feather")
    except (pa.ArrowInvalid, OSError) as error:
        raise SourceError("The Arrow file can't be read", where=name, remedy=SAVE_AGAIN) from error
    columns = checked_columns(data.schema.names, name)
    view = f"arrow_{hashlib.sha256(str(files).encode()).hexdigest()[:16]}"
    con.register(view, data)
    return columns, _renamed(columns, view)


_SCANS = {"csv": _scan_csv, "parquet": _scan_parquet, "arrow": _scan_arrow}


def _renamed(columns: Sequence[str], relation: str) -> str:
    """Subquery that calls the columns of a relation c0, c1, … by place: SQL takes Age and age for one."""
    listed = ", ".join(f"c{i}" for i in range(len(columns)))
    return f"(SELECT {listed} FROM {relation} AS given({listed}))"

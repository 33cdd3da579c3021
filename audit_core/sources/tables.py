"""A file on disk becomes a checked table that DuckDB can scan; nothing is loaded whole.

Inside SQL a column is called c0, c1, …: a header never becomes part of a statement.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from audit_core.errors import SourceError, UsageError
from audit_core.sources.arrow_rewrite import rewrite_arrow
from audit_core.sources.connection import connect, one_select, rewritten_folder, run, run_columns, told
from audit_core.sources.csv_rows import Dialect
from audit_core.sources.csv_shape import csv_header, csv_rows
from audit_core.sources.files import (
    SAVE_AGAIN,
    checked_columns,
    find_files,
    fingerprint,
    format_of,
    literal,
    path_literal,
)
from audit_core.sources.parquet_shape import check_parquet, parquet_header

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["MISSING", "Kind", "Role", "Source", "Table", "batches", "connect", "literal", "open_table", "run",
           "run_columns"]  # fmt: skip

Role = Literal["model", "train", "evaluation", "table", "baseline", "window", "benchmarks"]
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
    `separator` stands between a CSV's cells, and is empty for every other format.
    """

    source: Source
    scan: str
    types: tuple[str, ...]
    separator: str = ""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """What one format's reader found; `rows` where it counted them itself."""

    columns: tuple[str, ...]
    scan: str
    rows: int | None = None
    separator: str = ""


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
    found = _SCANS[kind](con, files, shown)
    types = tuple(str(row[1]) for row in run(con, f"DESCRIBE SELECT * FROM {found.scan}", shown))
    rows = int(run(con, f"SELECT count(*) FROM {found.scan}", shown)[0][0])
    if found.rows not in (None, rows):
        problem = "The rows can't be told apart: two ways of counting them differ"
        raise SourceError(problem, where=shown, remedy=SAVE_AGAIN)
    if rows == 0:
        raise SourceError("The file has a header but no rows", where=shown, remedy="Upload a file with rows")
    digest, size = fingerprint(files)
    source = Source(role=role, name=shown, sha256=digest, bytes=size, rows=rows, columns=found.columns)
    return Table(source=source, scan=found.scan, types=types, separator=found.separator)


def batches(con: duckdb.DuckDBPyConnection, table: Table, rows: int = 50_000) -> Iterator[pa.RecordBatch]:
    """Yield the rows in file order, under the file's own column names; errors as in `run`."""
    import pyarrow as pa

    query = one_select(con, f"SELECT * FROM {table.scan}")
    with told(table.source.name):
        reader: pa.RecordBatchReader = con.sql(query).to_arrow_reader(rows)
        for batch in reader:
            yield pa.RecordBatch.from_arrays(batch.columns, names=list(table.source.columns))


def _scan_csv(_con: duckdb.DuckDBPyConnection, files: Sequence[Path], name: str) -> _Opened:
    header, separator = csv_header(files[0], name)
    columns = checked_columns(header, name)
    for file in files[1:]:
        if csv_header(file, file.name) != (header, separator):
            raise SourceError(
                "The files do not have the same header, in the same order and with the same separator",
                where=file.name,
                remedy="Write every file with the same columns",
            )
    dialect = Dialect(separator=separator, cells=len(columns))
    rows = sum(csv_rows(file, name if len(files) == 1 else file.name, dialect) for file in files)
    typed = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(columns)))
    listed = ", ".join(path_literal(file) for file in files)
    scan = (
        f"read_csv([{listed}], auto_detect = false, header = false, skip = 1, "
        f"delim = {literal(separator)}, compression = 'none', "
        f"hive_partitioning = false, quote = '\"', escape = '\"', columns = {{{typed}}}, strict_mode = true)"
    )
    return _Opened(columns=columns, scan=scan, rows=rows, separator=separator)


def _scan_parquet(con: duckdb.DuckDBPyConnection, files: Sequence[Path], name: str) -> _Opened:
    check_parquet(con, files, name)
    columns = checked_columns(parquet_header(con, files[0], name), name)
    # A folder called sex=F must not become a column, still less replace one.
    listed = ", ".join(path_literal(file) for file in files)
    return _Opened(
        columns=columns, scan=_renamed(columns, f"read_parquet([{listed}], hive_partitioning = false)")
    )


def _scan_arrow(con: duckdb.DuckDBPyConnection, files: Sequence[Path], name: str) -> _Opened:
    return _scan_parquet(con, [rewrite_arrow(files, rewritten_folder(con), name)], name)


_SCANS = {"csv": _scan_csv, "parquet": _scan_parquet, "arrow": _scan_arrow}


def _renamed(columns: Sequence[str], relation: str) -> str:
    """Subquery that calls the columns of a relation c0, c1, … by place: SQL takes Age and age for one."""
    listed = ", ".join(f"c{i}" for i in range(len(columns)))
    return f"(SELECT {listed} FROM {relation} AS given({listed}))"

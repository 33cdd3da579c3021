"""A DuckDB connection that can read a run's own files and nothing else, and queries that fail in a sentence.

DuckDB's Parquet and CSV readers run in this process, behind the lock; an Arrow file never does (see
`arrow_rewrite`): mutated Arrow files crash Arrow's reader, while DuckDB refuses every mutant in words.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from audit_core.errors import SourceError
from audit_core.sources.files import SAVE_AGAIN, find_files, literal, path_pattern

if TYPE_CHECKING:
    import duckdb

MEMORY_LIMIT = "2GB"
SPILL_LIMIT = "16GB"
_SPILL, _REWRITTEN = "spill", "rewritten"


def connect(
    inputs: Iterable[Path | str | None], *, folders: Iterable[Path] = (), threads: int | None = None
) -> duckdb.DuckDBPyConnection:
    """Return an in-memory DuckDB that is locked: no other file, no network, no extension, no setting back.

    What it spills goes to a private folder, which disappears with the connection.

    Parameters
    ----------
    inputs
        What the run was given: files, folders of Parquet files or globs; None stands for one not given.
        Exactly the files they stand for can be read.
    folders
        Folders whose files can be read too, such as the one of scored files.
    threads
        How many threads a query may use; as many as there are cores when None. No result depends on it.

    Raises
    ------
    SourceError
        One of the inputs is missing or empty.
    """
    import duckdb

    allowed = _allowed(inputs)
    private = Path(tempfile.mkdtemp(prefix="evenhand-tables-"))
    con = duckdb.connect(":memory:")
    weakref.finalize(con, shutil.rmtree, private, ignore_errors=True)
    rewritten = private / _REWRITTEN
    rewritten.mkdir()
    for setting in _settings(private / _SPILL):
        con.execute(f"SET {setting}")
    if threads is not None:
        con.execute(f"SET threads = {int(threads)}")
    reachable = [rewritten, *(folder.absolute() for folder in folders)]
    for setting in (  # in this order: after external access is off, nothing more can be allowed
        f"allowed_paths = [{', '.join(allowed)}]",
        f"allowed_directories = [{', '.join(literal(str(folder)) for folder in reachable)}]",
        "enable_external_access = false",
        "lock_configuration = true",
    ):
        con.execute(f"SET {setting}")
    return con


def _allowed(inputs: Iterable[Path | str | None]) -> list[str]:
    """The files as SQL: each as it is, and as the pattern that stands for exactly it."""
    files = [str(file) for given in inputs if given is not None for file in find_files(given)]
    return [literal(text) for file in files for text in dict.fromkeys((file, path_pattern(file)))]


def _settings(spill: Path) -> Iterator[str]:
    yield "autoinstall_known_extensions = false"
    yield "autoload_known_extensions = false"
    yield "allow_community_extensions = false"
    yield "python_enable_replacements = false"  # a table is never a variable of this program
    yield f"memory_limit = '{MEMORY_LIMIT}'"
    yield f"temp_directory = {literal(str(spill))}"
    yield f"max_temp_directory_size = '{SPILL_LIMIT}'"
    yield "enable_progress_bar = false"
    # Parquet's least and greatest leave NaN out, and DuckDB concludes from them that a NaN is finite.
    yield "disabled_optimizers = 'statistics_propagation'"
    yield "TimeZone = 'UTC'"  # a timestamp's text, and so its group, must not depend on the machine


def rewritten_folder(con: duckdb.DuckDBPyConnection) -> Path:
    """Return the connection's own folder for files that are written again before they are read."""
    (spill,) = con.execute("SELECT current_setting('temp_directory')").fetchall()[0]
    return Path(str(spill)).parent / _REWRITTEN


def run(con: duckdb.DuckDBPyConnection, sql: str, name: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query over one file; what DuckDB can't parse becomes one sentence.

    Raises
    ------
    SourceError
        A row does not fit the header, or the text is not UTF-8.
    """
    query = one_select(con, sql)
    with told(name):
        return con.execute(query).fetchall()


def run_columns(con: duckdb.DuckDBPyConnection, sql: str, name: str) -> list[npt.NDArray[Any]]:
    """Return a query's columns as arrays; errors as in `run`."""
    query = one_select(con, sql)
    with told(name):
        return list(con.execute(query).fetchnumpy().values())


def one_select(con: duckdb.DuckDBPyConnection, sql: str) -> str:
    """Return the query, which is a single SELECT.

    The lock lets a statement write over the files it may read; a query can't write.

    Raises
    ------
    ValueError
        It is several statements, or another kind of one.
    """
    import duckdb

    try:
        kinds = [statement.type for statement in con.extract_statements(sql)]
    except duckdb.Error:
        kinds = []
    if kinds != [duckdb.StatementType.SELECT]:  # a fault of this program: no file can bring it about
        raise ValueError("not a single SELECT")
    return sql


@contextmanager
def told(name: str) -> Iterator[None]:
    """Turn a reader's complaint into a SourceError without its cause, whose text quotes cells."""
    import duckdb

    try:
        yield
    except (
        duckdb.Error,
        OSError,
        ValueError,
        MemoryError,
        NotImplementedError,
    ) as error:  # Arrow's are these
        raise SourceError(_reason(str(error)), where=name, remedy=SAVE_AGAIN) from None


def _reason(detail: str) -> str:
    """DuckDB's complaint without the cells it quotes."""
    lowered = detail.lower()
    if "invalid state" in lowered:
        return "The lines do not all end alike, or a quote stands where it can't"
    if lowered.startswith("out of memory"):
        return "Reading this table takes more memory than is allowed"
    if "utf-8" in lowered or "unicode" in lowered or "encod" in lowered:
        return "The file is not UTF-8 text"
    line = (detail.partition("Line:")[2].split() or [""])[0].strip(":,.")
    place = f" (line {line})" if line.isdigit() else ""
    if "unterminated quote" in lowered or "not terminated" in lowered:
        return f"A quoted cell is never closed{place}"
    if "number of columns" in lowered or "missing columns" in lowered or "too many columns" in lowered:
        return f"A row does not have as many cells as the header{place}"
    return f"The table can't be read{place}"

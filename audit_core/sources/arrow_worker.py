"""Writes Arrow files again as one Parquet file, in a process of its own that may crash or be killed.

Run as a script: OUTPUT MEMORY CPU-SECONDS COLUMNS WRITTEN-BYTES INPUT…. It exits with 0, or with one of the
codes below; what it prints is ignored. Arrow trusts the offsets in a file, so every batch is validated in
full before a value of it is used.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

UNREADABLE, TOO_LARGE, TOO_MANY_COLUMNS, UNLIKE, UNKNOWN_TYPE = 10, 11, 12, 13, 14
FLUSH_ROWS, FLUSH_BYTES = 1 << 16, 1 << 26


def limit(memory: int, seconds: int, written: int) -> None:
    """Take away what a table does not need; a system without these limits is left to the caller's clock."""
    try:
        import resource
    except ImportError:
        return
    for kind, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, written),
        (resource.RLIMIT_CORE, 0),
    ):
        try:
            resource.setrlimit(kind, (most, most))
        except (ValueError, OSError):
            continue


def batches(paths: list[str], most_columns: int) -> Iterator[Any]:
    """Yield the batches of the files, every one checked, with the columns in the first file's order."""
    import pyarrow as pa

    names: list[str] | None = None
    for path in paths:
        with pa.OSFile(path, "rb") as source, pa.ipc.open_file(source) as reader:
            found = reader.schema.names
            if len(found) > most_columns:
                sys.exit(TOO_MANY_COLUMNS)
            names = names or found
            if sorted(found) != sorted(names):
                sys.exit(UNLIKE)
            for place in range(reader.num_record_batches):
                batch = reader.get_batch(place)
                batch.validate(full=True)
                yield batch if found == names else batch.select(names)


def storable(batch: Any) -> Any:
    """The batch as a table that Parquet can hold: a length of time becomes its number."""
    import pyarrow as pa

    table = pa.Table.from_batches([batch])
    for place, field in enumerate(table.schema):
        if pa.types.is_duration(field.type):
            table = table.set_column(place, field.name, table.column(place).cast(pa.int64()))
    return table


def rewrite(output: str, paths: list[str], most_columns: int) -> None:
    """Write the files as one Parquet file, in groups of rows that fit in memory."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    writer: Any = None
    waiting: list[Any] = []

    def flush() -> None:
        if waiting:
            writer.write_table(pa.concat_tables(waiting))
            waiting.clear()

    for batch in batches(paths, most_columns):
        table = storable(batch)
        if writer is None:
            writer = pq.ParquetWriter(output, table.schema, write_statistics=False, store_schema=False)
        if table.schema != writer.schema:
            sys.exit(UNLIKE)
        waiting.append(table)
        if sum(t.num_rows for t in waiting) >= FLUSH_ROWS or sum(t.nbytes for t in waiting) >= FLUSH_BYTES:
            flush()
    flush()
    if writer is not None:
        writer.close()


def main(arguments: list[str]) -> int:
    """Rewrite under limits, and return the exit code."""
    output, memory, seconds, most_columns, written, *paths = arguments
    os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"  # the one that answers to the limit
    import pyarrow as pa
    import pyarrow.parquet

    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    limit(int(memory), int(seconds), int(written))
    try:
        rewrite(output, paths, int(most_columns))
    except MemoryError:
        return TOO_LARGE
    except NotImplementedError:
        return UNKNOWN_TYPE
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, IndexError):
        return UNREADABLE
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

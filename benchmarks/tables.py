"""Opening tables: a million rows, files that are refused, and the memory half a gigabyte of CSV takes."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

ROWS = 1_000_000
LARGE_BYTES = 500_000_000
ROOT = Path(__file__).resolve().parent.parent
OPEN = """
import sys
from pathlib import Path
import duckdb, numpy
from audit_core.sources.tables import connect, open_table

def peak():
    return int(next(l for l in open("/proc/self/status") if l.startswith("VmHWM")).split()[1]) / 1024

before = peak()
open_table(connect((Path(sys.argv[1]),)), Path(sys.argv[1]), "evaluation")
print(before, peak())
"""


def measure() -> Iterator[tuple[str, float, str]]:
    """Yield (figure, value, unit)."""
    with tempfile.TemporaryDirectory(prefix="evenhand-bench-") as name:
        folder = Path(name)
        yield from _million(folder)
        yield from _refused(folder)
        yield from _large(folder)


def _million(folder: Path) -> Iterator[tuple[str, float, str]]:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import csv, feather

    from audit_core.sources.profile import profile_columns
    from audit_core.sources.tables import connect, open_table, run

    rng = np.random.default_rng(0)
    groups = pa.array(["a", "b", "c", "d"])
    table = pa.table(
        {
            "id": np.arange(ROWS),
            "y": rng.integers(0, 2, ROWS),
            "s": rng.random(ROWS).round(6),
            "g": groups.take(pa.array(rng.integers(0, 4, ROWS))),
            "h": groups.take(pa.array(rng.integers(0, 4, ROWS))),
        }
    )
    pq.write_table(table, folder / "t.parquet")
    feather.write_feather(table, folder / "t.arrow")
    csv.write_csv(table, folder / "t.csv")
    for name in ("t.parquet", "t.csv", "t.arrow"):
        file = folder / name
        con = connect((file,))
        opened = open_table(con, file, "evaluation")
        count = f"SELECT g, count(*) FROM (SELECT {opened.text('g')} AS g FROM {opened.scan}) AS t GROUP BY g"
        yield (
            f"open 1e6 rows, {name[2:]}",
            _best(lambda f=file: open_table(connect((f,)), f, "evaluation")),
            "ms",
        )
        yield f"profile 1e6 rows × 5, {name[2:]}", _best(lambda c=con, t=opened: profile_columns(c, t)), "ms"
        yield f"count by group, 1e6 rows, {name[2:]}", _best(lambda c=con, q=count: run(c, q, "t")), "ms"
        con.close()


def _refused(folder: Path) -> Iterator[tuple[str, float, str]]:
    from audit_core.errors import SourceError
    from audit_core.sources.tables import connect, open_table

    wide, ragged = folder / "wide.csv", folder / "ragged.csv"
    wide.write_text(",".join(f"c{i}" for i in range(100_000)) + "\n", encoding="utf-8")
    ragged.write_text("a,b\n" + "1,2\n" * ROWS + "1,2,\n", encoding="utf-8")

    def refuse(file: Path) -> None:
        with suppress(SourceError):
            open_table(connect((file,)), file, "evaluation")

    yield "refuse 100,000 columns", _best(lambda: refuse(wide)), "ms"
    yield "refuse a ragged row after 1e6 good ones", _best(lambda: refuse(ragged)), "ms"


def _large(folder: Path) -> Iterator[tuple[str, float, str]]:
    file = folder / "large.csv"
    block = "".join(f"{i},{i % 2},0.{i:06d},group {i % 7}\n" for i in range(100_000)).encode()
    with file.open("wb") as stream:
        stream.write(b"id,y,s,g\n")
        for _ in range(LARGE_BYTES // len(block)):
            stream.write(block)
    if not Path("/proc/self/status").exists():
        return
    began = time.perf_counter()
    done = subprocess.run(  # noqa: S603 - our interpreter, our text, no shell
        [sys.executable, "-c", OPEN, str(file)], capture_output=True, text=True, cwd=ROOT, check=True
    )
    before, after = (float(part) for part in done.stdout.split())
    yield "open 500 MB CSV, a process of its own", 1000 * (time.perf_counter() - began), "ms"
    yield "open 500 MB CSV, most memory above the imports", after - before, "MB"


def _best(work: Callable[[], object], times: int = 3) -> float:
    """Milliseconds of the fastest of a few runs."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return 1000 * min(found)

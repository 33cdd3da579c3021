"""Arrow files are read in a process of their own, which writes them as Parquet for DuckDB.

One in a hundred files with a flipped byte crashes Arrow's reader; here that is a sentence about the file.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from audit_core.errors import SourceError
from audit_core.sources import arrow_worker
from audit_core.sources.files import MAX_COLUMNS, SAVE_AGAIN

_WORKER: Final = Path(__file__).with_name("arrow_worker.py")
MEMORY_BYTES: Final = 4 << 30
CPU_SECONDS: Final = 900
WALL_SECONDS: Final = 1200
WRITTEN_BYTES: Final = 64 << 30

_PROBLEMS: Final[Mapping[int, str]] = {
    arrow_worker.UNREADABLE: "The Arrow file can't be read",
    arrow_worker.TOO_LARGE: "A part of the Arrow file unpacks to more memory than is allowed",
    arrow_worker.TOO_MANY_COLUMNS: f"The Arrow file has too many columns; at most {MAX_COLUMNS} are read",
    arrow_worker.UNLIKE: "The files do not all have the same columns",
    arrow_worker.UNKNOWN_TYPE: "A column of the Arrow file has a type that is not read",
}


def rewrite_arrow(files: Sequence[Path], folder: Path, name: str) -> Path:
    """Return a Parquet file in this folder with the rows of some Arrow files, in their order.

    Raises
    ------
    SourceError
        A file can't be read, is too large, or made its reader crash or run on.
    """
    output = folder / f"{uuid.uuid4().hex}.parquet"
    bounds = (MEMORY_BYTES, CPU_SECONDS, MAX_COLUMNS, WRITTEN_BYTES)
    paths = [str(file.absolute()) for file in files]
    # Windows can't start Python without SYSTEMROOT; nothing else of the environment is passed on.
    bare = {"SYSTEMROOT": os.environ["SYSTEMROOT"]} if sys.platform == "win32" else {}
    try:
        done = subprocess.run(  # noqa: S603 - our interpreter, our script, no shell
            [sys.executable, "-I", "-B", "-X", "utf8", str(_WORKER), str(output), *map(str, bounds), *paths],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=bare,
            cwd=folder,
            timeout=WALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SourceError("Reading the Arrow file takes too long", where=name, remedy=SAVE_AGAIN) from None
    if done.returncode == 0 and not output.exists():
        raise SourceError("The file has a header but no rows", where=name, remedy="Upload a file with rows")
    if done.returncode:
        raise SourceError(_problem(done.returncode), where=name, remedy=SAVE_AGAIN)
    return output


def _problem(code: int) -> str:
    if code in _PROBLEMS:
        return _PROBLEMS[code]
    if code < 0:
        return f"The Arrow file is damaged: it crashed the process that reads it ({_signal_name(-code)})"
    return _PROBLEMS[arrow_worker.UNREADABLE]


def _signal_name(number: int) -> str:
    return next((known.name for known in signal.Signals if known.value == number), str(number))

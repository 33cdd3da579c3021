"""Files that are there whole or not at all, whatever stops the program that writes them."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform != "win32":
    import fcntl

PART = ".part-"
"""How the name of a file or folder begins that is still being written."""


def write_through(path: Path, content: bytes) -> None:
    """Write a new file and force it to disk."""
    with path.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def replace_whole(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Put a file in place: whoever reads it sees the old one or the new one, never half of it.

    One that holds these bytes already is left as it is.
    """
    if path.is_file() and path.read_bytes() == content:
        return
    handle, name = tempfile.mkstemp(prefix=PART, dir=path.absolute().parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        part.chmod(mode)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(path.absolute().parent)


@contextmanager
def alone_at(lock: Path) -> Iterator[None]:
    """Nobody else, in this process or another, holds this lock meanwhile; the system frees it at an end."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if sys.platform != "win32":
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Force a folder's list of names to disk; not every system lets a folder be opened."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

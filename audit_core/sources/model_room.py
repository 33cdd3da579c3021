"""The room a model is loaded in, before it is locked: its pipes, its limits, its libraries.

Standard library only: the worker loads this file by its path.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import sysconfig
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

THREAD_SETTINGS: Final = ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The protocol's two pipes, moved away from where a model's print and input would reach them."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return requests, replies


def receive(pipe: BinaryIO) -> bytes | None:
    """The next frame, or None when the other side has closed."""
    length = int.from_bytes(header, "little") if len(header := pipe.read(8)) == 8 else None
    frame = None if length is None else pipe.read(length)
    return frame if frame is not None and len(frame) == length else None


def send(pipe: BinaryIO, payload: bytes) -> None:
    """One frame."""
    pipe.write(len(payload).to_bytes(8, "little") + payload)
    pipe.flush()


def send_json(pipe: BinaryIO, **fields: Any) -> None:
    """One frame of JSON."""
    send(pipe, json.dumps(fields).encode())


def limit_resources(settings: dict[str, Any]) -> list[str]:
    """Set the process limits; the names of those this system does not have."""
    for name in THREAD_SETTINGS:
        os.environ[name] = str(settings["threads"])
    os.environ["JOBLIB_MULTIPROCESSING"] = "0"  # a forest's n_jobs=-1 would start processes or threads
    # Arrow's allocator starts a thread when imported; Landlock holds only for threads started after it.
    os.environ["JE_ARROW_MALLOC_CONF"] = "background_thread:false"
    wanted = {"AS": settings["memory"], "CPU": settings["cpu"], "CORE": 0, "FSIZE": 0, "NOFILE": 64}
    try:
        import resource
    except ImportError:
        return [f"RLIMIT_{name}" for name in sorted(wanted)]
    reduced = []
    for name, value in wanted.items():
        try:
            number = getattr(resource, f"RLIMIT_{name}")
            hard = resource.getrlimit(number)[1]
            bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(number, (bound, bound))
        except (AttributeError, ValueError, OSError):
            reduced.append(f"RLIMIT_{name}")
    return sorted(reduced)


def import_modules(modules: Sequence[str]) -> dict[str, Exception]:
    """Import what a model names; the reason for each module that can't be, for when the model asks for it."""
    failed: dict[str, Exception] = {}
    for name in modules:
        try:
            importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 - a module runs when it is imported
            failed[name] = error
    return failed


def readable_places() -> list[str]:
    """Folders of Python's own libraries, and those of the system's that were needed so far."""
    places = {sysconfig.get_paths()[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    with suppress(OSError):
        # Never the folder of just any library: one built in a project lies beside that project's data.
        system = r"\s(/(?:usr/)?(?:local/)?lib(?:32|64)?(?:/\S*)?)/[^/\s]+\.so"
        places.update(re.findall(system, Path("/proc/self/maps").read_text()))
    return sorted(places)

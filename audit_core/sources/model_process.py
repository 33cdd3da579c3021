"""The worker process seen from outside: started bare, asked with a clock running, always killed.

What comes back is a short JSON header and raw float64 of a length known beforehand; nothing that
arrives here is ever executed, and no text of it is longer than a sentence.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import pyarrow as pa

from audit_core.errors import ModelError
from audit_core.sources.isolation import Isolation, isolation_told
from audit_core.sources.model import PREDICTIONS_INSTEAD

_WORKER: Final = Path(__file__).with_name("model_worker.py")
_HEADER_BYTES: Final = 2**20
_STDERR_BYTES: Final = 2048
# A model that ignores its wall clock by leaving the process group still meets this one.
_CPU_MARGIN: Final = 60
_ENDINGS: Final = {
    "SIGXCPU": "used more processor time than it may",
    "SIGSYS": "asked the system for something that the scoring process may not do (SIGSYS)",
}

Scores = np.ndarray[Any, np.dtype[np.float64]]
_Reply = tuple[dict[str, Any], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoringLimits:
    """What one model may use before its process is killed.

    Parameters
    ----------
    seconds_total, seconds_per_batch
        Time spent waiting for the model: over its life, and for any single answer.
    memory_bytes
        Address space of the process, libraries included.
    threads
        Threads of the numeric libraries. One by default: sums come out the same on every machine.
    """

    seconds_total: float = 600.0
    seconds_per_batch: float = 120.0
    memory_bytes: int = 4 * 2**30
    threads: int = 1


class FilesNeededError(ModelError):
    """The strictly locked process looked for a module it did not have; it may find it under "lax"."""


class ModelProcess:
    """One single-use worker process: `start`, `lock`, `ask` with the model's bytes, then `scores`.

    Parameters
    ----------
    name
        The model's name in messages.
    """

    def __init__(self, name: str, limits: ScoringLimits) -> None:
        self.name = name
        self.left = limits.seconds_total
        self._limits = limits
        self._reduced: list[str] = []
        self._rows_sent = False
        self._said = b""
        self._verdict = ""
        self._folder = tempfile.TemporaryDirectory(prefix="evenhand-", ignore_cleanup_errors=True)
        # Windows can't start Python without SYSTEMROOT; nothing else of the environment is passed on.
        bare = {"SYSTEMROOT": os.environ["SYSTEMROOT"]} if sys.platform == "win32" else {}
        self._popen = subprocess.Popen(  # noqa: S603 - our interpreter, our script, no shell
            [sys.executable, "-I", "-B", "-X", "utf8", str(_WORKER)],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=bare,
            cwd=self._folder.name,
            start_new_session=True,
        )
        self._drain = threading.Thread(target=self._keep_stderr, daemon=True)
        self._drain.start()

    def start(self, *, warm: bool = True) -> None:
        """Wait until the limits are set and, when warm, the common libraries are imported.

        Raises
        ------
        ModelError
            The process ended or did not answer.
        """
        settings = {
            "memory": self._limits.memory_bytes,
            "cpu": int(self._limits.seconds_total * self._limits.threads) + _CPU_MARGIN,
            "threads": self._limits.threads,
            "warm": warm,
        }
        self._reduced = self.ask([json.dumps(settings).encode()])["reduced"]

    def lock(self, request: Mapping[str, Any]) -> Isolation:
        """Import the request's modules, close the lock, and say what holds: no byte of a model was sent yet.

        Raises
        ------
        ModelError
            The process ended or did not answer.
        """
        return isolation_told(self.ask([json.dumps(dict(request)).encode()]), self._reduced)

    @property
    def alive(self) -> bool:
        """Whether the process is still there."""
        return self._popen.poll() is None

    def ask(self, frames: Sequence[bytes]) -> dict[str, Any]:
        """The JSON answer to some frames.

        Raises
        ------
        ModelError
            The answer is an error, can't be read, or does not come.
        """
        return self._exchange(frames, 0)[0]

    def scores(self, table: pa.Table) -> Scores:
        """One score per row.

        Raises
        ------
        ModelError
            As `ask`, or the number of scores is wrong.
        """
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        self._rows_sent = True
        _, raw = self._exchange([sink.getvalue()], table.num_rows)
        return np.frombuffer(raw, dtype="<f8")

    def close(self) -> None:
        """Kill the process and whatever it started, and free its pipes and its folder."""
        if self._popen.returncode is None:
            self._kill()
            self._popen.wait()
        self._drain.join(timeout=1)
        for pipe in (self._popen.stdin, self._popen.stdout, self._popen.stderr):
            with suppress(OSError):
                _open(pipe).close()
        self._folder.cleanup()

    def _exchange(self, frames: Sequence[bytes], rows: int) -> _Reply:
        """Send frames and receive the reply, or kill the process when its time is up."""
        if self._verdict:  # what is still in the pipe would be taken for the answer
            raise self._error(self._verdict)
        # A thread, because a process that left the group may keep a pipe open after the kill.
        box: queue.SimpleQueue[_Reply | Exception] = queue.SimpleQueue()
        threading.Thread(target=self._talk, args=(frames, rows, box), daemon=True).start()
        seconds = min(self.left, self._limits.seconds_per_batch)
        started = time.monotonic()
        try:
            reply = box.get(timeout=max(seconds, 0.001))
        except queue.Empty:
            raise self._stopped(f"The model was stopped: it took longer than {seconds:.3g} s") from None
        self.left -= time.monotonic() - started
        if isinstance(reply, ModelError):
            raise reply
        if isinstance(reply, Exception):
            raise self._ended() from reply
        return reply

    def _talk(self, frames: Sequence[bytes], rows: int, box: queue.SimpleQueue[_Reply | Exception]) -> None:
        try:
            for frame in frames:
                _send(_open(self._popen.stdin), frame)
            box.put(self._reply(_open(self._popen.stdout), rows))
        except Exception as error:  # noqa: BLE001 - whatever went wrong is raised by the waiting side
            box.put(error)

    def _reply(self, pipe: IO[bytes], rows: int) -> _Reply:
        length = _length(pipe)
        if length > _HEADER_BYTES:
            raise self._stopped("The model's answer can't be read")
        try:
            header = json.loads(_receive(pipe, length))
        except (ValueError, RecursionError):
            header = None
        if not isinstance(header, dict):
            raise self._stopped("The model's answer can't be read")
        if "error" in header:
            kind = FilesNeededError if header.get("files") is True else ModelError
            raise self._error(plain(header["error"]), plain(header.get("remedy", "")), kind)
        if not rows:
            return header, b""
        if (sent := _length(pipe)) != rows * 8:
            raise self._stopped(f"The model returned {sent // 8} scores for {rows} rows")
        return header, _receive(pipe, rows * 8)

    def _ended(self) -> ModelError:
        """Why the process is no longer there."""
        try:
            code = self._popen.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return self._stopped("The model closed the scoring process's channel")
        self._drain.join(timeout=1)
        if code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
            words = _ENDINGS.get(name, f"crashed the scoring process ({name})")
            return self._stopped(f"The model {words}")
        # Once rows were sent, what it printed may hold people's data: it is not repeated.
        lines = [] if self._rows_sent else self._said.decode(errors="replace").strip().splitlines()
        said = f": {plain(lines[-1])}" if lines else ""
        return self._stopped(f"The model ended the scoring process (exit code {code}){said}")

    def _stopped(self, problem: str) -> ModelError:
        """The process is killed for this: after a bad answer the next one might belong to other rows."""
        self._verdict = problem
        self._kill()
        return self._error(problem)

    def _error(self, problem: str, remedy: str = "", kind: type[ModelError] = ModelError) -> ModelError:
        if not remedy:
            remedy = PREDICTIONS_INSTEAD
        elif "predictions" not in remedy:
            remedy = f"{remedy}; or {PREDICTIONS_INSTEAD[0].lower()}{PREDICTIONS_INSTEAD[1:]}"
        return kind(problem, where=self.name, remedy=remedy)

    def _kill(self) -> None:
        # Also right after it ended: its children are in the group, which keeps its number while one lives.
        if sys.platform == "win32":
            self._popen.kill()
        else:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._popen.pid, signal.SIGKILL)

    def _keep_stderr(self) -> None:
        """Empty the pipe, so that a talkative model does not block, and keep its last words."""
        with suppress(OSError, ValueError):
            while chunk := _open(self._popen.stderr).read(65536):
                self._said = (self._said + chunk)[-_STDERR_BYTES:]


def plain(text: object) -> str:
    """A text from the worker as one short line without control, bidi or zero-width characters."""
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in str(text)[:300]
    )


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


def _send(pipe: IO[bytes], frame: bytes) -> None:
    for part in (memoryview(len(frame).to_bytes(8, "little")), memoryview(frame)):
        rest = part
        while rest:
            rest = rest[pipe.write(rest) :]


def _length(pipe: IO[bytes]) -> int:
    return int.from_bytes(_receive(pipe, 8), "little")


def _receive(pipe: IO[bytes], length: int) -> bytes:
    """Exactly so many bytes."""
    received = bytearray(length)
    view = memoryview(received)
    while view:
        got = pipe.readinto(view)  # type: ignore[attr-defined]
        if not got:
            raise EOFError
        view = view[got:]
    return bytes(received)

"""Scoring processes that are ready before they are needed: importing the libraries takes a second."""

from __future__ import annotations

import atexit
import threading
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, Protocol, Self

from audit_core.errors import ModelError
from audit_core.sources.isolation import Isolation
from audit_core.sources.model_process import ModelProcess, ScoringLimits

_PROBE: Final = ScoringLimits(seconds_total=30, seconds_per_batch=30)


class Workers(Protocol):
    """Where a scorer gets its process from."""

    def take(self, name: str) -> ModelProcess:
        """A started process that has seen no model and belongs to the caller, who closes it."""


@dataclass(frozen=True, slots=True)
class FreshWorkers:
    """Every process is started when it is asked for."""

    limits: ScoringLimits = field(default_factory=ScoringLimits)

    def take(self, name: str) -> ModelProcess:
        """A process that has just been started.

        Raises
        ------
        ModelError
            It could not be started.
        """
        process = ModelProcess(name, self.limits)
        try:
            process.start()
        except BaseException:
            process.close()
            raise
        return process


class WaitingWorkers:
    """One process is always waiting; the next one starts in the background when it is taken.

    No process is ever given out twice. Closed at exit at the latest; used as a context it is closed there.
    """

    def __init__(self, limits: ScoringLimits | None = None) -> None:
        self._fresh = FreshWorkers(limits or ScoringLimits())
        self._lock = threading.Lock()
        self._next: Future[ModelProcess] | None = None
        self._closed = False
        atexit.register(self.close)
        self.prepare()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def prepare(self) -> None:
        """Start the process that waits, unless there is one already."""
        with self._lock:
            if self._next is None and not self._closed:
                self._next = self._start()

    def take(self, name: str) -> ModelProcess:
        """The waiting process, or a fresh one where that one died; the next one starts.

        Raises
        ------
        ModelError
            No process can be started.
        """
        with self._lock:
            waiting, self._next = self._next, None if self._closed else self._start()
        with suppress(ModelError, OSError):
            if waiting is not None and (process := waiting.result()).alive:
                process.name = name
                return process
        _discard(waiting)
        return self._fresh.take(name)

    def wait(self) -> None:
        """Return when a process is ready, or could not be started."""
        with self._lock:
            waiting = self._next
        if waiting is not None:
            waiting.exception()

    def close(self) -> None:
        """End the process that waits; whoever asks after this gets a fresh one."""
        atexit.unregister(self.close)
        with self._lock:
            self._closed = True
            waiting, self._next = self._next, None
        _discard(waiting)

    def _start(self) -> Future[ModelProcess]:
        future: Future[ModelProcess] = Future()

        def fill() -> None:
            try:
                future.set_result(self._fresh.take("model"))
            except Exception as error:  # noqa: BLE001 - raised where the process is asked for
                future.set_exception(error)

        threading.Thread(target=fill, daemon=True, name="waiting-worker").start()
        return future


def _discard(waiting: Future[ModelProcess] | None) -> None:
    if waiting is not None and waiting.exception() is None:
        waiting.result().close()


@lru_cache(maxsize=1)
def available_isolation() -> Isolation:
    """What holds on this system, seen once in a process that loads nothing; "strict" is tried.

    A process that can't even be started holds nothing back: it is reported as missing.
    """
    process = ModelProcess("model", _PROBE)
    try:
        process.start(warm=False)
        return process.lock({"modules": [], "mode": "strict"})
    except ModelError:
        return Isolation(mode="strict", layers=(), missing=("a scoring process",))
    finally:
        process.close()

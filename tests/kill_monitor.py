"""Kills a monitor with -9 again and again, lets it finish, then runs two at once: a program of its own.

    python kill_monitor.py WORKSPACE PLAN SECONDS FILE …

Each attempt is a forked process that runs the whole monitor on the same workspace. Prints one line of JSON
for each attempt, one of the run that finished, and one of two runs at once that began with nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import sys
import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from audit_core.audit import monitor
from audit_core.audit.monitor import Opened
from audit_core.decision.record import Audit
from audit_core.evidence.plan_file import read_plan
from audit_core.evidence.window_store import WindowStore
from audit_core.evidence.workspace import Workspace
from audit_core.report.followed_result import followed_bytes

AS_OF = datetime(2027, 3, 3, 9, 0, tzinfo=UTC)


def run(root: Path, plan: Path, files: list[Path]) -> bytes:
    workspace = Workspace(root)
    request = monitor.MonitorRequest(plan=read_plan(plan), windows=tuple(files), as_of=AS_OF)
    return followed_bytes(monitor.run_monitor(request, workspace, None, Opened(audit=release(root, plan))))


@cache
def release(root: Path, plan: Path) -> Audit:
    return Workspace(root).load(read_plan(plan).audit_id)


def held(root: Path, plan: Path) -> list[list[object]]:
    """The periods that are there, each read whole: a half-written one would raise."""
    found = read_plan(plan)
    windows = WindowStore(root, found.id, found.cube_sha256).windows()
    return [[window.period, window.rows, window.sha256] for window in windows]


def main() -> None:
    root, plan, seconds = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
    files = [Path(name) for name in sys.argv[4:]]
    count_once(root, plan, files)
    draw, folder = random.Random(1), root / "monitors" / read_plan(plan).id
    end, span = time.monotonic() + seconds, 0.05
    while time.monotonic() < end:
        child = forked(root, plan, files)
        time.sleep(draw.random() * span)
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        killed, there = os.WIFSIGNALED(status), held(root, plan)
        print(json.dumps({"killed": killed, "held": there}), flush=True)
        span *= 1.2 if killed else 0.8
        if len(there) == len(files):  # from the start again
            shutil.rmtree(folder)
    print(json.dumps(whole_run(root, plan, files)), flush=True)
    shutil.rmtree(root / "monitors" / read_plan(plan).id)
    children = [forked(root, plan, files) for _ in range(2)]
    codes = [os.waitpid(child, 0)[1] for child in children]
    print(json.dumps({"codes": codes, **whole_run(root, plan, files)}))


def count_once(root: Path, plan: Path, files: list[Path]) -> None:
    """Count the files once for all attempts: counting writes nothing, what is to be cut short comes after."""
    count = monitor._count
    counted: list[Any] = []

    def kept(request: Any, fresh: Any, *others: Any) -> list[Any]:
        counted.extend(() if counted else count(request, fresh, *others))
        names = {Path(file).name for file in fresh}
        return [window for window in counted if window.source in names]

    monitor._count = kept
    run(root, plan, files)
    shutil.rmtree(root / "monitors" / read_plan(plan).id)


def whole_run(root: Path, plan: Path, files: list[Path]) -> dict[str, object]:
    """What a run that is let alone ends with, and how many revisions each period has."""
    result = hashlib.sha256(run(root, plan, files)).hexdigest()
    found = read_plan(plan)
    store = WindowStore(root, found.id, found.cube_sha256)
    periods = held(root, plan)
    revisions = [len(store.revisions(str(period))) for period, *_ in periods]
    return {"held": periods, "result": result, "revisions": revisions}


def forked(root: Path, plan: Path, files: list[Path]) -> int:
    """The process of a run."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            run(root, plan, files)
            code = 0
        finally:
            os._exit(code)
    return child


if __name__ == "__main__":
    main()

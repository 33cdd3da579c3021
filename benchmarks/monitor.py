"""How long a window takes: counting its file, and judging everything a plan watches."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from audit_core.audit import MonitorRequest, run_monitor, worked_example, worked_plan
from audit_core.audit.example import EXAMPLE_FOLDER, EXAMPLE_RUNS
from audit_core.decision.follow import follow
from audit_core.evidence.window_store import WindowStore
from audit_core.evidence.workspace import Workspace


def measure() -> Iterator[tuple[str, float, str]]:
    """Yield the times of the worked example's windows, 2,000 rows each."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        audit = worked_example(workspace)
        plan = worked_plan(audit)
        files = tuple(EXAMPLE_FOLDER / f"window_{month}.csv" for month in range(1, 7))
        request = MonitorRequest(
            plan=plan, windows=files, model=EXAMPLE_FOLDER / "model.joblib", as_of=EXAMPLE_RUNS[-1]
        )
        started = time.perf_counter()
        run_monitor(request, workspace)
        yield "six files scored, counted, kept and judged", 1000 * (time.perf_counter() - started), "ms"
        started = time.perf_counter()
        run_monitor(request, workspace)
        yield "the same files again", 1000 * (time.perf_counter() - started), "ms"
        windows = WindowStore(workspace.root, plan.id, plan.cube_sha256).windows()
        started = time.perf_counter()
        follow(plan, audit, windows, EXAMPLE_RUNS[-1])
        yield (
            f"{len(plan.watches)} watches judged, one window",
            1000 * (time.perf_counter() - started) / 6,
            "ms",
        )

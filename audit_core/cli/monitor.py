"""`evenhand monitor`: executes a plan on new files, prints what it shows and writes what was asked for."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from audit_core.cli.options import moment
from audit_core.cli.outputs import require_writable, result_file, save
from audit_core.cli.said import BLOCKED, INCONCLUSIVE, tell
from audit_core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit_core.decision.followed import Followed

KEPT = "what was counted is kept"


def add_monitor(parser: argparse.ArgumentParser) -> None:
    table = "CSV, TSV, Parquet or Arrow; a folder of Parquet files or a glob"
    parser.add_argument(
        "--plan", required=True, type=Path, metavar="P", help="the plan, as evenhand plan wrote it"
    )
    parser.add_argument("--window", nargs="+", action="extend", default=[], metavar="FILE",
                        help=f"live rows of one or more periods: {table}; without any, what is known is "
                        "looked at again, and silence is noticed")  # fmt: skip
    parser.add_argument("--model", type=Path, metavar="M", help="the released model, to score the files")
    parser.add_argument("--trust", action="append", default=[], metavar="SHA256",
                        help="a model file you have decided to trust")  # fmt: skip
    parser.add_argument(
        "--prom", type=Path, metavar="F", help="write metrics for node_exporter's textfile collector"
    )
    parser.add_argument("--json", metavar="F", help="write the result; - for standard output")
    parser.add_argument("--workspace", type=Path, metavar="DIR", help="where audits and windows are kept")
    parser.add_argument("--as-of", type=moment, metavar="TIME", help="the clock of the run (ISO 8601)")
    parser.add_argument("--strict", action="store_true", help="exit 1 instead of 2")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parser.set_defaults(run=monitor)


def monitor(arguments: argparse.Namespace) -> int:
    """Execute a plan; 1 while a page is open, 2 while something is beyond its limit or undecided, else 0."""
    from audit_core.audit.monitor import MonitorRequest, run_monitor
    from audit_core.evidence.plan_file import read_plan
    from audit_core.evidence.workspace import Workspace
    from audit_core.report.followed_result import followed_bytes
    from audit_core.report.prometheus_text import textfile

    require_writable((arguments.prom, result_file(arguments)))
    quiet = arguments.quiet or arguments.json == "-"
    workspace = Workspace(arguments.workspace)
    request = MonitorRequest(
        plan=read_plan(arguments.plan),
        windows=tuple(arguments.window),
        model=arguments.model,
        trusted=frozenset(arguments.trust),
        as_of=arguments.as_of or datetime.now(UTC).replace(microsecond=0),
    )
    followed = run_monitor(request, workspace, None if quiet else tell)
    if arguments.prom:
        _replace(arguments.prom, textfile(followed))
    if arguments.json == "-":
        sys.stdout.buffer.write(followed_bytes(followed) + b"\n")
    elif arguments.json:
        save(Path(arguments.json), followed_bytes(followed), kept=KEPT)
    if not quiet:
        _print(followed, _notes(followed, workspace.root))
    code = followed.exit_code
    return BLOCKED if arguments.strict and code == INCONCLUSIVE else code


def _replace(path: Path, content: bytes) -> None:
    """Write a file that another user's program may read at any time."""
    from audit_core.evidence.whole_files import replace_whole

    try:
        if path.exists() and not path.is_file():  # a device or a pipe is written to, never put aside
            path.write_bytes(content)
        else:
            replace_whole(path, content, 0o644)
    except OSError as error:
        problem = f"An output file can't be written: {error.strerror}"
        raise UsageError(problem, where=str(path), remedy=f"Name another; {KEPT}") from error


def _notes(followed: Followed, root: Path) -> list[str]:
    from audit_core.evidence.window_store import WindowStore
    from audit_core.report.followed_terminal import not_followed_notes

    plan = followed.plan
    store = WindowStore(root, plan.id, plan.cube_sha256)
    windows = store.windows()
    dropped = [
        f"{window.period}: {window.dropped:,} rows had no usable score or decision and were left out."
        for window in windows
        if window.dropped
    ]
    return [*dropped, *not_followed_notes([(w.period, w.not_followed) for w in windows])]


def _print(followed: Followed, notes: Sequence[str]) -> None:
    from rich.console import Console

    from audit_core.report.followed_terminal import followed_table

    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    console.print(followed_table(followed, notes))

"""The command line: `evenhand …`, the same as `python -m audit_core …`.

Exit codes: 0 approved (also with conditions) · 1 blocked · 2 inconclusive · 3 usage or contract error ·
4 input unreadable, model refused, or internal error.
For `monitor`: 1 while a page is open, 2 while something else is beyond its limit or undecided.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from audit_core import __version__
from audit_core.cli import commands as run
from audit_core.cli.monitor import add_monitor
from audit_core.cli.options import add_inputs
from audit_core.cli.plan import add_plan
from audit_core.cli.said import INTERNAL_ERROR, USAGE_ERROR, say
from audit_core.errors import AuditError, ContractError


class _Parser(argparse.ArgumentParser):
    """argparse with the exit code of a usage error; its own 2 would read as inconclusive."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        say(f"evenhand: {message}")
        self.exit(USAGE_ERROR)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.encoding.lower() != "utf-8":
        sys.stdout.reconfigure(errors="backslashreplace")  # a mark the terminal lacks must not end the run
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except ContractError as error:
        say(*error.lines())
        return error.exit_code
    except AuditError as error:
        say(f"evenhand: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        say("evenhand: stopped")
        return INTERNAL_ERROR
    except Exception as error:  # a person gets one sentence, never a traceback
        if os.environ.get("EVENHAND_DEBUG"):
            raise
        kind = type(error).__name__
        say(f"evenhand: internal error ({kind}) · set EVENHAND_DEBUG=1 to see where and report it")
        return INTERNAL_ERROR


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="evenhand", description="Audit a model release and decide under a contract.")
    parser.add_argument("--version", action="version", version=f"evenhand {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)

    init = commands.add_parser("init", help="write a commented contract and its JSON Schema")
    init.add_argument("directory", nargs="?", default=".", type=Path, metavar="DIR")
    init.add_argument("--preset", default="blank", choices=("hiring", "lending", "service-judge", "blank"))
    init.set_defaults(run=run.init)

    check = commands.add_parser("check", help="report every problem of a contract at once")
    check.add_argument("contract", type=Path, metavar="CONTRACT")
    check.set_defaults(run=run.check)

    audit = commands.add_parser("audit", help="run every stage up to the release decision")
    add_inputs(audit)
    audit.set_defaults(run=run.audit, stage="predeploy")

    gate = commands.add_parser("gate", help="decide on the stages up to one; a canary alone")
    gate.add_argument("stage", choices=tuple(run.STAGES_UP_TO))
    add_inputs(gate)
    gate.set_defaults(run=run.audit)

    explain = commands.add_parser("explain", help="one check in plain words, with its numbers")
    explain.add_argument("check", metavar="CHECK")
    explain.add_argument("--audit", metavar="ID", help="which audit (default: the newest)")
    explain.add_argument("--workspace", type=Path, metavar="DIR")
    explain.set_defaults(run=run.explain)

    add_plan(commands.add_parser("plan", help="the monitoring plan of a release, and the files that run it"))

    add_monitor(commands.add_parser("monitor", help="execute a plan on new files"))

    demo = commands.add_parser("demo", help="open the worked example in the browser")
    demo.add_argument("--port", type=int, default=8501)
    demo.add_argument("--workspace", type=Path, metavar="DIR")
    demo.set_defaults(run=run.demo)
    return parser

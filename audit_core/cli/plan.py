"""`evenhand plan`: the monitoring plan of a release, in words and as the files that carry it out."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from audit_core.cli.options import moment
from audit_core.cli.outputs import require_writable, save
from audit_core.errors import UsageError

if TYPE_CHECKING:
    from audit_core.decision.plan import Plan
    from audit_core.decision.record import Audit
    from audit_core.evidence.workspace import Workspace

OUTPUTS = {
    "out": "write the plan as YAML, which evenhand monitor executes",
    "prometheus": "write alerting rules for Prometheus",
    "prometheus-test": "write the tests of these rules, for promtool test rules",
    "crontab": "write the lines of a crontab that run the plan",
}


def add_plan(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("audit", nargs="?", metavar="AUDIT",
                        help="id of an audit, or its result file (default: the newest audit)")  # fmt: skip
    for name, words in OUTPUTS.items():
        parser.add_argument(f"--{name}", type=Path, metavar="F", help=words)
    parser.add_argument("--as-of", type=moment, metavar="TIME",
                        help="the day the plan is made on (default: the audit's own)")  # fmt: skip
    parser.add_argument("--workspace", type=Path, metavar="DIR", help="where audits are kept")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parser.set_defaults(run=plan)


def plan(arguments: argparse.Namespace) -> int:
    """Make the plan of an audit, print it and write what was asked for."""

    from audit_core.decision.planning import plan_for
    from audit_core.evidence.workspace import Workspace

    require_writable(getattr(arguments, name.replace("-", "_")) for name in OUTPUTS)
    workspace = Workspace(arguments.workspace)
    audit = _audit(arguments.audit, workspace)
    made = plan_for(audit, arguments.as_of.date() if arguments.as_of else None)
    if not made.watches:
        raise UsageError(
            "Nothing of this release can be watched",
            where=audit.id,
            remedy="Give the contract a check of a rate or a gap, and audit rows that hold decisions",
        )
    for name, content in _files(made, arguments, workspace).items():
        save(getattr(arguments, name), content)
    if not arguments.quiet:
        _print(made)
    return 0


def _audit(named: str | None, workspace: Workspace) -> Audit:
    """The audit of an id, of a result file, or the newest of the workspace."""
    from audit_core.evidence.workspace import AUDIT_ID

    if named is None:
        entries = workspace.entries()
        if not entries:
            raise UsageError("There is no audit yet", where=str(workspace.root), remedy="Run evenhand audit")
        named = entries[0].id
    return workspace.load(named if AUDIT_ID.fullmatch(named) else _id_in(Path(named)))


def _id_in(path: Path) -> str:
    """The id of the audit that a result file is of."""
    from audit_core.sources.baseline import read_result

    if not path.is_file():
        raise UsageError(
            "There is no audit of this id, and no file of this name",
            where=str(path),
            remedy="Name an audit of the workspace, or its audit.json",
        )
    return read_result(path).audit_id


def _files(made: Plan, arguments: argparse.Namespace, workspace: Workspace) -> dict[str, bytes]:
    """What was asked for, by the name of its option, all of it made before any of it is written."""
    from audit_core.evidence.plan_file import plan_text
    from audit_core.report.crontab import crontab, places_for
    from audit_core.report.prometheus import RULES_FILE, rules, rules_test

    files: dict[str, bytes] = {}
    if arguments.out:
        files["out"] = plan_text(made).encode()
    if arguments.prometheus:
        files["prometheus"] = rules(made)
    if arguments.prometheus_test:
        beside = arguments.prometheus.absolute() if arguments.prometheus else RULES_FILE
        files["prometheus_test"] = rules_test(made, str(beside))
    if arguments.crontab:
        plan_file = (arguments.out or Path("plan.yaml")).absolute()
        files["crontab"] = crontab(made, places_for(plan_file, str(workspace.root.absolute()), _command()))
    return files


def _command() -> str:
    """This very program, by its path: a scheduler knows few folders."""
    beside = Path(sys.executable).parent / "evenhand"
    return str(beside) if beside.is_file() else "evenhand"


def _print(made: Plan) -> None:
    from rich.console import Console

    from audit_core.report.plan_terminal import plan_table

    console = Console(width=None if sys.stdout.isatty() else 110, highlight=False)
    console.print(plan_table(made))

"""The command line: `evenhand …`, the same as `python -m audit_core …`.

Exit codes: 0 approved (also with conditions) · 1 blocked · 2 inconclusive · 3 usage or contract error ·
4 input unreadable, model refused, or internal error.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from audit_core import __version__
from audit_core.contract.schema import Stage
from audit_core.errors import AuditError, ContractError, UsageError
from audit_core.report.escape import for_terminal

if TYPE_CHECKING:
    from audit_core.decision.record import Audit
    from audit_core.evidence.workspace import Workspace
    from audit_core.report.documents import Document

STAGES_UP_TO: dict[str, tuple[Stage, ...]] = {
    "data": ("data",),
    "training": ("data", "training"),
    "predeploy": ("data", "training", "predeploy"),
}
DOCUMENTS: dict[Document, str] = {
    "pdf": "write the one-page summary",
    "html": "write the whole report as one HTML file",
    "junit": "write the checks as a JUnit report",
    "sarif": "write the checks as SARIF 2.1.0",
    "summary": "write a Markdown summary for a build step",
    "collect": "write how many more people each check would take, as CSV",
}
USAGE_ERROR, INTERNAL_ERROR, INCONCLUSIVE, BLOCKED = 3, 4, 2, 1


class _Parser(argparse.ArgumentParser):
    """argparse with the exit code of a usage error; its own 2 would read as inconclusive."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        _say(f"evenhand: {message}")
        self.exit(USAGE_ERROR)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.encoding.lower() != "utf-8":
        sys.stdout.reconfigure(errors="backslashreplace")  # a mark the terminal lacks must not end the run
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except ContractError as error:
        _say(*error.lines())
        return error.exit_code
    except AuditError as error:
        _say(f"evenhand: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        _say("evenhand: stopped")
        return INTERNAL_ERROR
    except Exception as error:  # a person gets one sentence, never a traceback
        if os.environ.get("EVENHAND_DEBUG"):
            raise
        kind = type(error).__name__
        _say(f"evenhand: internal error ({kind}) · set EVENHAND_DEBUG=1 to see where and report it")
        return INTERNAL_ERROR


def _say(*lines: str) -> None:
    """Print lines for a person on stderr; file names and contract texts in them are text, never commands."""
    print("\n".join(map(for_terminal, lines)), file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="evenhand", description="Audit a model release and decide under a contract.")
    parser.add_argument("--version", action="version", version=f"evenhand {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)

    init = commands.add_parser("init", help="write a commented contract and its JSON Schema")
    init.add_argument("directory", nargs="?", default=".", type=Path, metavar="DIR")
    init.add_argument("--preset", default="blank", choices=("hiring", "lending", "service-judge", "blank"))
    init.set_defaults(run=_init)

    check = commands.add_parser("check", help="report every problem of a contract at once")
    check.add_argument("contract", type=Path, metavar="CONTRACT")
    check.set_defaults(run=_check)

    audit = commands.add_parser("audit", help="run every stage up to the release decision")
    _add_inputs(audit)
    audit.set_defaults(run=_audit, stage="predeploy")

    gate = commands.add_parser("gate", help="decide on the stages up to one")
    gate.add_argument("stage", choices=tuple(STAGES_UP_TO))
    _add_inputs(gate)
    gate.set_defaults(run=_audit)

    explain = commands.add_parser("explain", help="one check in plain words, with its numbers")
    explain.add_argument("check", metavar="CHECK")
    explain.add_argument("--audit", metavar="ID", help="which audit (default: the newest)")
    explain.add_argument("--workspace", type=Path, metavar="DIR")
    explain.set_defaults(run=_explain)

    demo = commands.add_parser("demo", help="open the worked example in the browser")
    demo.add_argument("--port", type=int, default=8501)
    demo.add_argument("--workspace", type=Path, metavar="DIR")
    demo.set_defaults(run=_demo)
    return parser


def _add_inputs(parser: argparse.ArgumentParser) -> None:
    table = "CSV, TSV, Parquet or Arrow; a folder of Parquet files or a glob"
    parser.add_argument("--contract", required=True, type=Path, metavar="C", help="the release contract")
    parser.add_argument("--eval", dest="evaluation", metavar="E", help=f"the rows to audit: {table}")
    parser.add_argument("--train", metavar="T", help=f"the training sample: {table}")
    parser.add_argument("--model", type=Path, metavar="M", help="a classifier saved with joblib")
    parser.add_argument("--table", metavar="T", help=f"counts by group instead of rows: {table}")
    parser.add_argument("--benchmarks", type=Path, metavar="F",
                        help="benchmark results as CSV; shown with their limits, never decisive")  # fmt: skip
    parser.add_argument("--trust", action="append", default=[], metavar="SHA256",
                        help="a model file you have decided to trust")  # fmt: skip
    parser.add_argument("--workspace", type=Path, metavar="DIR", help="where audits are kept")
    parser.add_argument("--json", metavar="F", help="write the result file; - for standard output")
    for name, words in DOCUMENTS.items():
        parser.add_argument(f"--{name}", type=Path, metavar="F", help=words)
    parser.add_argument("--as-of", type=_time, metavar="TIME", help="the clock of the run (ISO 8601)")
    parser.add_argument("--strict", action="store_true", help="exit 1 instead of 2")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")


def _time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text} is no ISO 8601 time, such as 2026-11-22T09:00Z") from None


def _init(arguments: argparse.Namespace) -> int:
    from audit_core.contract.presets import write_preset

    for path in write_preset(arguments.directory, arguments.preset):
        print(for_terminal(str(path)))
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from audit_core.contract.yaml import read_contract
    from audit_core.findings.lint import lint
    from audit_core.report.lint_words import lint_lines
    from audit_core.report.matrix import plan_lines
    from audit_core.report.numbers import counted

    contract = read_contract(arguments.contract)
    checks = counted(len(contract.checks), "checks")
    said = f"{arguments.contract}: no problems · {checks} · status {contract.status}"
    print(for_terminal(said))
    for line in (*lint_lines(lint(contract), str(arguments.contract)), *plan_lines(contract)):
        print(for_terminal(line))
    return 0


def _audit(arguments: argparse.Namespace) -> int:
    from audit_core.audit import AuditRequest, run_audit
    from audit_core.evidence.workspace import Workspace

    quiet = arguments.quiet or arguments.json == "-"
    request = AuditRequest(
        contract=_bytes(arguments.contract),
        contract_name=str(arguments.contract),
        evaluation=arguments.evaluation,
        train=arguments.train,
        model=arguments.model,
        table=arguments.table,
        benchmarks=arguments.benchmarks,
        trusted=frozenset(arguments.trust),
        stages=STAGES_UP_TO[arguments.stage],
        as_of=arguments.as_of or datetime.now(UTC).replace(microsecond=0),
    )
    _require_writable(arguments)
    workspace = Workspace(arguments.workspace)
    audit = run_audit(request, workspace, None if quiet else _tell)
    _write(arguments, audit, workspace)
    if not quiet:
        _print_decision(audit, workspace)
    code = audit.decision.exit_code
    return BLOCKED if arguments.strict and code == INCONCLUSIVE else code


def _tell(stage: str, share: float) -> None:
    """Progress on stderr, for a person watching."""
    if sys.stderr.isatty():
        end = "\n" if share >= 1 else ""
        shown = for_terminal(f"{stage} … {share:.0%}")
        print(f"\r\x1b[K{shown}", end=end, file=sys.stderr, flush=True)


def _bytes(path: Path) -> bytes:
    from audit_core.contract.compose import LARGEST

    try:
        with path.open("rb") as stream:
            return stream.read(LARGEST + 1)
    except OSError as error:
        remedy = "Check the path, or write one with: evenhand init --preset hiring"
        raise UsageError("The contract can't be opened", where=str(path), remedy=remedy) from error


def _require_writable(arguments: argparse.Namespace) -> None:
    """Refuse an output that can't be written before the work starts, not after it."""
    given: list[Path | None] = [getattr(arguments, name) for name in DOCUMENTS]
    given.append(Path(arguments.json) if arguments.json not in (None, "-") else None)
    for path in (path for path in given if path is not None):
        if not path.absolute().parent.is_dir():
            raise UsageError(
                "The folder of an output file does not exist", where=str(path), remedy="Make the folder first"
            )
        if path.is_dir():
            raise UsageError(
                "An output file is named like a folder", where=str(path), remedy="Name a file in that folder"
            )


def _write(arguments: argparse.Namespace, audit: Audit, workspace: Workspace) -> None:
    from audit_core.report.documents import document_bytes

    if arguments.json == "-":
        sys.stdout.buffer.write(workspace.artifact(audit.id, "audit.json") + b"\n")
    elif arguments.json:
        _save(Path(arguments.json), workspace.artifact(audit.id, "audit.json"))
    for name in DOCUMENTS:
        if target := getattr(arguments, name):
            _save(target, document_bytes(name, audit, _in_repository(arguments.contract)))


def _in_repository(path: Path) -> str:
    """The path of a file from the folder the command runs in; its name alone where it lies elsewhere."""
    absolute, here = Path(os.path.normpath(path.absolute())), Path.cwd()
    return absolute.relative_to(here).as_posix() if absolute.is_relative_to(here) else path.name


def _save(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        problem = f"An output file can't be written: {error.strerror}"
        raise UsageError(problem, where=str(path), remedy="Name another; the audit is kept") from error


def _print_decision(audit: Audit, workspace: Workspace) -> None:
    from rich.console import Console
    from rich.text import Text

    from audit_core.report.terminal import decision_table

    width = None if sys.stdout.isatty() else 110
    console = Console(width=width, highlight=False)
    console.print(decision_table(audit))
    result = for_terminal(str(workspace.root / "audits" / audit.id / "audit.json"))
    console.print(Text(f"Result: {result}"), soft_wrap=True)


def _explain(arguments: argparse.Namespace) -> int:
    from audit_core.evidence.workspace import Workspace
    from audit_core.report.explain import explain
    from audit_core.report.limits import check_of

    workspace = Workspace(arguments.workspace)
    audit_id = arguments.audit
    if audit_id is None:
        entries = workspace.entries()
        if not entries:
            raise UsageError("There is no audit yet", where=str(workspace.root), remedy="Run evenhand audit")
        audit_id = entries[0].id
    audit = workspace.load(audit_id)
    if check_of(audit.contract, arguments.check) is None:
        known = ", ".join(check.id for check in audit.contract.checks)
        raise UsageError(
            "The contract has no check of this name", where=arguments.check, remedy=f"It has: {known}"
        )
    print("\n\n".join(for_terminal(paragraph) for paragraph in explain(audit, arguments.check).split("\n\n")))
    return 0


def _demo(arguments: argparse.Namespace) -> int:
    app = Path(__file__).resolve().parent.parent / "app.py"
    if not app.is_file():
        raise UsageError(
            "The dashboard is not beside this installation",
            where=str(app.parent),
            remedy="Run it from a clone of the repository",
        )
    environment = dict(os.environ)
    if arguments.workspace:
        environment["EVENHAND_WORKSPACE"] = str(arguments.workspace.resolve())
    command = [sys.executable, "-m", "streamlit", "run", str(app), f"--server.port={arguments.port}"]
    command += ["--server.headless=false", "--server.showEmailPrompt=false"]
    print(f"Evenhand: http://127.0.0.1:{arguments.port} (stop with Ctrl+C)", flush=True)
    return subprocess.call(command, cwd=app.parent, env=environment)  # noqa: S603 - our own program, no shell

"""The commands, one function each; every one returns its exit code."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from audit_core.cli.options import contract_bytes
from audit_core.cli.outputs import output_files, print_decision, require_writable, write_outputs
from audit_core.cli.said import BLOCKED, INCONCLUSIVE, tell
from audit_core.contract.schema import Stage
from audit_core.errors import UsageError
from audit_core.report.escape import for_terminal

STAGES_UP_TO: dict[str, tuple[Stage, ...]] = {
    "data": ("data",),
    "training": ("data", "training"),
    "predeploy": ("data", "training", "predeploy"),
    "canary": ("canary",),
}


def init(arguments: argparse.Namespace) -> int:
    from audit_core.contract.presets import write_preset

    for path in write_preset(arguments.directory, arguments.preset):
        print(for_terminal(str(path)))
    return 0


def check(arguments: argparse.Namespace) -> int:
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


def audit(arguments: argparse.Namespace) -> int:
    from audit_core.audit import AuditRequest, run_audit
    from audit_core.evidence.workspace import Workspace

    quiet = arguments.quiet or arguments.json == "-"
    request = AuditRequest(
        contract=contract_bytes(arguments.contract),
        contract_name=str(arguments.contract),
        evaluation=arguments.evaluation,
        train=arguments.train,
        model=arguments.model,
        baseline=arguments.baseline,
        baseline_model=arguments.baseline_model,
        table=arguments.table,
        benchmarks=arguments.benchmarks,
        trusted=frozenset(arguments.trust),
        stages=STAGES_UP_TO[arguments.stage],
        as_of=arguments.as_of or datetime.now(UTC).replace(microsecond=0),
    )
    require_writable(output_files(arguments))
    workspace = Workspace(arguments.workspace)
    audit = run_audit(request, workspace, None if quiet else tell)
    write_outputs(arguments, audit, workspace)
    if not quiet:
        print_decision(audit, workspace)
    code = audit.decision.exit_code
    return BLOCKED if arguments.strict and code == INCONCLUSIVE else code


def explain(arguments: argparse.Namespace) -> int:
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


def demo(arguments: argparse.Namespace) -> int:
    app = Path(__file__).resolve().parent.parent.parent / "app.py"
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

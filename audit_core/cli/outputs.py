"""What a run writes: the result, documents, the table on the screen."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from audit_core.cli.options import DOCUMENTS
from audit_core.errors import UsageError
from audit_core.report.escape import for_terminal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from audit_core.decision.record import Audit
    from audit_core.evidence.workspace import Workspace


def output_files(arguments: argparse.Namespace) -> list[Path | None]:
    """Return the files an audit is to write."""
    return [*(getattr(arguments, name) for name in DOCUMENTS), result_file(arguments)]


def result_file(arguments: argparse.Namespace) -> Path | None:
    """Return the file of --json, or None where it is not given or is the standard output."""
    return Path(arguments.json) if arguments.json not in (None, "-") else None


def require_writable(files: Iterable[Path | None]) -> None:
    """Refuse an output that can't be written before the work starts, not after it."""
    for path in (path for path in files if path is not None):
        if not path.absolute().parent.is_dir():
            raise UsageError(
                "The folder of an output file does not exist", where=str(path), remedy="Make the folder first"
            )
        if path.is_dir():
            raise UsageError(
                "An output file is named like a folder", where=str(path), remedy="Name a file in that folder"
            )


def write_outputs(arguments: argparse.Namespace, audit: Audit, workspace: Workspace) -> None:
    from audit_core.report.documents import document_bytes

    if arguments.json == "-":
        sys.stdout.buffer.write(workspace.artifact(audit.id, "audit.json") + b"\n")
    elif arguments.json:
        save(Path(arguments.json), workspace.artifact(audit.id, "audit.json"))
    for name in DOCUMENTS:
        if target := getattr(arguments, name):
            save(target, document_bytes(name, audit, _in_repository(arguments.contract)))


def _in_repository(path: Path) -> str:
    """The path of a file from the folder the command runs in; its name alone where it lies elsewhere."""
    absolute, here = Path(os.path.normpath(path.absolute())), Path.cwd()
    return absolute.relative_to(here).as_posix() if absolute.is_relative_to(here) else path.name


def save(path: Path, content: bytes, kept: str = "the audit is kept") -> None:
    """Write an output; the error says what is not lost with it."""
    try:
        path.write_bytes(content)
    except OSError as error:
        problem = f"An output file can't be written: {error.strerror}"
        raise UsageError(problem, where=str(path), remedy=f"Name another; {kept}") from error


def print_decision(audit: Audit, workspace: Workspace) -> None:
    from rich.console import Console
    from rich.text import Text

    from audit_core.report.terminal import decision_table

    width = None if sys.stdout.isatty() else 110
    console = Console(width=width, highlight=False)
    console.print(decision_table(audit))
    result = for_terminal(str(workspace.root / "audits" / audit.id / "audit.json"))
    console.print(Text(f"Result: {result}"), soft_wrap=True)

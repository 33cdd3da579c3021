"""The plans that were executed in a workspace, each beside the windows it was executed on."""

from __future__ import annotations

from pathlib import Path

from audit_core.decision.plan import Plan
from audit_core.errors import AuditError
from audit_core.evidence.plan_file import parse_plan
from audit_core.evidence.window_store import PLAN_FILE


def kept_plan(root: Path, audit_id: str) -> Plan | None:
    """Return the newest plan that was executed for a release, or None where nobody follows it.

    `root` is the workspace.

    Raises
    ------
    AuditError
        A plan is there that can't be read.
    """
    found: list[Plan] = []
    for path in sorted((root / "monitors").glob(f"*/{PLAN_FILE}")):
        text = _text(path)
        if audit_id.encode() in text:  # a damaged plan of another release is no concern of this one
            found.append(_of_folder(parse_plan(text, path.parent.name), path.parent.name))
    mine = [plan for plan in found if plan.audit_id == audit_id]
    return max(mine, key=lambda plan: (plan.made_on, plan.id), default=None)


def _of_folder(plan: Plan, folder: str) -> Plan:
    if plan.id != folder:
        raise AuditError(
            "A monitoring plan of the workspace stands in another plan's folder",
            where=folder,
            remedy="Run evenhand monitor with the plan again",
        )
    return plan


def _text(path: Path) -> bytes:
    try:
        if not path.is_file():  # a pipe in its place would be waited for
            raise FileNotFoundError(path.name)
        return path.read_bytes()
    except OSError as error:
        raise AuditError(
            "A monitoring plan of the workspace can't be read",
            where=path.parent.name,
            remedy="Run evenhand monitor with the plan again",
        ) from error


def state_of(root: Path) -> str:
    """Return what changes whenever a plan or what its windows hold does; names and times alone are read."""
    folder = root / "monitors"
    plans = [
        f"{path.parent.name} {path.stat().st_mtime_ns}" for path in sorted(folder.glob(f"*/{PLAN_FILE}"))
    ]
    return " ".join([*plans, *(path.as_posix() for path in sorted(folder.glob("*/windows/*/r*")))])

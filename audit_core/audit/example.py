"""The worked example: invented applicants, bundled with the program."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from audit_core.audit.request import AuditRequest, Progress
from audit_core.audit.run import run_audit
from audit_core.decision.record import Audit
from audit_core.errors import AuditError, UsageError
from audit_core.evidence.workspace import Workspace

EXAMPLE_FOLDER = Path(__file__).resolve().parent.parent.parent / "sample_data" / "hiring"
EXAMPLE_DATE = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
"""Clock of the worked example: its evaluation month is October 2026, whenever it is opened."""


def worked_example(workspace: Workspace, progress: Progress | None = None) -> Audit:
    """Return the audit of the bundled hiring example, run once and then read from the workspace.

    Raises
    ------
    UsageError
        The example's files are not beside the program.
    """
    folder = EXAMPLE_FOLDER
    if not (folder / "contract.yaml").is_file():
        raise UsageError(
            "The worked example is not here", where=str(folder), remedy="Run the program from its repository"
        )
    contract = (folder / "contract.yaml").read_bytes()
    for entry in workspace.entries():
        if entry.worked_example and workspace.contract_bytes(entry.id) == contract:
            with suppress(AuditError):  # damaged since: it is run again
                return workspace.load(entry.id)
    request = AuditRequest(
        contract=contract,
        contract_name="contract.yaml",
        evaluation=folder / "evaluation.csv",
        train=folder / "train.csv",
        model=folder / "model.joblib",
        as_of=EXAMPLE_DATE,
        worked_example=True,
    )
    return run_audit(request, workspace, progress)

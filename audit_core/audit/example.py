"""The worked example: invented applicants, bundled with the program."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from audit_core.audit.monitor import MonitorRequest, Opened, run_monitor
from audit_core.audit.request import AuditRequest, Progress
from audit_core.audit.run import run_audit
from audit_core.decision.followed import Followed
from audit_core.decision.plan import Plan
from audit_core.decision.planning import plan_for
from audit_core.decision.record import Audit
from audit_core.errors import AuditError, UsageError
from audit_core.evidence.workspace import Workspace

EXAMPLE_FOLDER = Path(__file__).resolve().parent.parent.parent / "sample_data" / "hiring"
EXAMPLE_DATE = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
"""Clock of the worked example: its evaluation month is October 2026, whenever it is opened."""

EXAMPLE_RUNS = tuple(
    datetime(year, month, 5, 9, 0, tzinfo=UTC)
    for year, month in ((2026, 12), (2027, 1), (2027, 2), (2027, 3), (2027, 4), (2027, 5))
)
"""Clocks at which the example's monitor ran: the fifth of the month after each window."""

APPROVED = "approved/audit.json"
"""Result of the release before: the baseline's own audit, on applicants of July."""


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
                if _is_todays(audit := workspace.load(entry.id)):
                    return audit
    request = AuditRequest(
        contract=contract,
        contract_name="contract.yaml",
        evaluation=folder / "evaluation.csv",
        train=folder / "train.csv",
        model=folder / "model.joblib",
        baseline=folder / APPROVED,
        baseline_model=folder / "baseline.joblib",
        as_of=EXAMPLE_DATE,
        worked_example=True,
    )
    return run_audit(request, workspace, progress)


def worked_plan(audit: Audit) -> Plan:
    """Return the monitoring plan of the worked example, made on the day of its audit."""
    return plan_for(audit, EXAMPLE_DATE.date())


def worked_monitor(workspace: Workspace, progress: Progress | None = None) -> Followed:
    """Return what following the worked example has shown after six months, counted once and then kept.

    Raises
    ------
    UsageError
        The example's files are not beside the program.
    """
    audit = worked_example(workspace, progress)
    request = MonitorRequest(
        plan=worked_plan(audit),
        windows=tuple(EXAMPLE_FOLDER / f"window_{month}.csv" for month in range(1, 7)),
        model=EXAMPLE_FOLDER / "model.joblib",
        as_of=EXAMPLE_RUNS[-1],
    )
    return run_monitor(request, workspace, progress, Opened(audit=audit, runs=EXAMPLE_RUNS))


def _is_todays(audit: Audit) -> bool:
    """Whether an audit of the example was compared with the approved release that is bundled now."""
    approved = hashlib.sha256((EXAMPLE_FOLDER / APPROVED).read_bytes()).hexdigest()
    return any(source.role == "baseline" and source.sha256 == approved for source in audit.sources)

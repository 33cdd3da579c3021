"""The approved baseline of the hiring example: its model, really audited on applicants of a month before."""

from __future__ import annotations

import hashlib
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from audit_core.audit import AuditRequest, run_audit
from audit_core.decision.record import Audit
from audit_core.evidence.workspace import Workspace
from sample_data.hiring import JOB_FAMILY, SEED, Conditions, people
from sample_data.tables import write_table

APPROVED_ON: Final = datetime(2026, 8, 24, 9, 0, tzinfo=UTC)
MONTH: Final = Conditions(months=("2026-07",), job_family=JOB_FAMILY)
"""July 2026, before the juniors, the new source and the missing commutes: people like those of training."""

ROWS: Final = 4_000


CONTRACT: Final = Path(__file__).resolve().parent / "hiring" / "approved" / "contract.yaml"


def approved_audit(folder: Path, seed: int = SEED) -> tuple[Audit, bytes]:
    """Return the audit of `folder`'s baseline under the contract of its release, and its result file.

    The month's applicants are made anew and go nowhere; `folder` holds train.csv and baseline.joblib.
    """
    model = folder / "baseline.joblib"
    with tempfile.TemporaryDirectory() as temporary:
        month = Path(temporary) / "july.csv"
        write_table(people("july", ROWS, seed, MONTH), month)
        workspace = Workspace(Path(temporary) / "workspace")
        request = AuditRequest(
            contract=CONTRACT.read_bytes(),
            contract_name="contract.yaml",
            evaluation=month,
            train=folder / "train.csv",
            model=model,
            trusted=frozenset({hashlib.sha256(model.read_bytes()).hexdigest()}),
            as_of=APPROVED_ON,
        )
        audit = run_audit(request, workspace)
        return audit, workspace.artifact(audit.id, "audit.json")

"""A run of somebody's own files, stage by stage on the screen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from audit_core.audit import AuditRequest
from audit_core.audit.example import APPROVED, EXAMPLE_DATE, EXAMPLE_FOLDER
from audit_core.audit.request import LAST_APPROVED
from audit_core.decision.record import Audit
from audit_core.errors import AuditError
from pages.ui import cached, session
from pages.ui.controls import SUMMARY, show_error, telling


def run_files(
    contract: bytes,
    name: str,
    files: Mapping[str, tuple[Path, str]],
    as_of: datetime | None = None,
    *,
    last: bool = False,
) -> None:
    """Run an audit and open its summary; a failure says what to do, and nothing that was given is lost.

    `last` compares with the last approved audit of the workspace, where no other baseline is given.
    """
    request = AuditRequest(
        contract=contract,
        contract_name=name,
        evaluation=_path(files, "evaluation"),
        train=_path(files, "train"),
        model=_path(files, "model"),
        table=_path(files, "table"),
        benchmarks=_path(files, "benchmarks"),
        baseline=_path(files, "baseline") or (LAST_APPROVED if last else None),
        baseline_model=_path(files, "baseline_model"),
        names={role: shown for role, (_, shown) in files.items()},
        workers=cached.workers(),
        as_of=as_of or datetime.now(UTC),
    )
    error: AuditError | None = None
    with st.status("Auditing", expanded=True) as status:
        bar = st.progress(0.0)
        try:
            audit = cached.audited(request, telling(bar))
        except AuditError as caught:
            error = caught
            status.update(label="The audit stopped; there is no result", state="error", expanded=False)
        else:
            status.update(label="The audit is done", state="complete")
    if error is not None:
        show_error(error)
        return
    session.change(audit_id=audit.id)
    st.switch_page(SUMMARY, query_params={"audit": audit.id})


def inputs_of(audit: Audit) -> dict[str, tuple[Path, str]]:
    """Return the files an audit was made from, as far as they are still here: role → path and name."""
    found: dict[str, tuple[Path, str]] = {}
    root = cached.workspace().root
    for source in audit.sources:
        # Of the two files of a baseline the model alone has columns without rows.
        is_model = source.role == "baseline" and source.columns and not source.rows
        role = "baseline_model" if is_model else source.role
        kept = sorted((root / "inputs" / source.sha256).glob("*"))
        places = [EXAMPLE_FOLDER / source.name, EXAMPLE_FOLDER / APPROVED] if audit.worked_example else []
        if source.role == "baseline" and not is_model:
            places = [*places[1:], root / "audits" / source.name / "audit.json"]  # its name is an audit's id
        here = [*kept, *(place for place in places if place.is_file())]
        if here:
            found[role] = (here[0], source.name)
    return found


def clock_of(audit: Audit) -> datetime | None:
    """Return the clock to run by: the example's own month, else now."""
    return EXAMPLE_DATE if audit.worked_example else None


def _path(files: Mapping[str, tuple[Path, str]], role: str) -> Path | None:
    return files[role][0] if role in files else None

"""Add a window: a file of live rows is scored, counted and judged by the plan; the rows are not kept."""

from __future__ import annotations

import streamlit as st

from audit_core.audit import MonitorRequest, run_monitor
from audit_core.decision.followed import Followed
from audit_core.decision.plan import Plan
from audit_core.decision.record import Audit
from audit_core.errors import AuditError
from audit_core.report.escape import for_markdown
from pages.ui import cached, session
from pages.ui.controls import show_error, telling
from pages.ui.running import inputs_of
from pages.ui.session import Upload
from pages.ui.uploads import WINDOW, show_card, take_back
from pages.ui.windows_found import clock_of


def show_add(audit: Audit, followed: Followed | None) -> None:
    """The upload field, what it needs, and the run."""
    st.header("Add a window", anchor=False)
    if not audit.contract.data.window:
        st.info(
            "The contract names no column of periods, so rows can’t be put into windows. "
            "Name it as window under data, and audit the release again."
        )
        return
    column = for_markdown(audit.contract.data.window)
    model = "model" in inputs_of(audit)
    how = "It is scored by the release’s own model" if model else "It must hold its scores or decisions"
    st.caption(f"Periods stand in the column {column}. {how}.")
    show_card(WINDOW)
    upload = session.read().uploads.get(WINDOW.role)
    asked = st.button(
        "Count and judge it", type="primary", icon=":material/play_arrow:", disabled=upload is None
    )
    if asked and upload is not None:
        _run(audit, followed, upload)


def _run(audit: Audit, before: Followed | None, upload: Upload) -> None:
    error: AuditError | None = None
    plan = before.plan if before is not None else None
    with st.status("Counting the window", expanded=True) as status:
        bar = st.progress(0.0)
        try:
            found = run_monitor(_request(audit, plan, upload), cached.workspace(), telling(bar))
        except AuditError as caught:
            error = caught
            status.update(label="The run stopped; nothing was kept", state="error", expanded=False)
        else:
            status.update(label="The window is counted and judged", state="complete", expanded=False)
    if error is not None:
        show_error(error)
        return
    if before is not None and found.windows == before.windows:
        st.info("Nothing has changed: what this file holds is kept already.")
        return
    take_back(WINDOW.role)
    st.rerun()


def _request(audit: Audit, plan: Plan | None, upload: Upload) -> MonitorRequest:
    inputs, clock = inputs_of(audit), clock_of(audit)
    model = inputs.get("model") if audit.model is not None else None
    names = {str(upload.path): upload.name}
    if model is not None:
        names[str(model[0])] = model[1]
    return MonitorRequest(
        plan=plan or cached.plan_of(audit, cached.key_of(audit)),
        windows=(upload.path,),
        model=model[0] if model is not None else None,
        names=names,
        workers=cached.workers(),
        as_of=clock,
    )

"""The audit strip: which audit is open, on every screen; and how it is found from the URL."""

from __future__ import annotations

import streamlit as st

from audit_core.decision.record import Audit
from audit_core.errors import AuditError
from audit_core.report.escape import for_markdown
from audit_core.report.words import verdict_word
from pages.ui import cached, session
from pages.ui.controls import START, show_error, telling
from pages.ui.verdict import badge

EXAMPLE = "example"
INVENTED = "Worked example: all people are invented"


def find_audit(*, needed: bool) -> None:
    """Settle which audit is open: the URL's, else this visit's, else the worked example where one is needed.

    The menu drops the address's query; putting it back keeps the page's address good for a reload.
    """
    named = st.query_params.get("audit")
    audit_id = named if named and named != EXAMPLE else None if named else session.read().audit_id
    if audit_id is None and (needed or named == EXAMPLE):
        audit_id = _example()
    if audit_id != session.read().audit_id:
        session.change(audit_id=audit_id)
    if audit_id is not None and st.query_params.get("audit") != audit_id:
        st.query_params["audit"] = audit_id


def _example() -> str | None:
    """Run the worked example on its first use, with what it is doing on screen."""
    place = st.empty()
    try:
        with place.container():
            bar = st.progress(0.0, text="Opening the worked example")
            audit = cached.example(telling(bar))
    except AuditError as error:
        place.empty()
        show_error(error)
        return None
    place.empty()
    return audit.id


def show_strip(*, own_files: bool) -> None:
    """Draw the strip. Beside files that are not audited yet the open audit's verdict would mislead."""
    audit_id = session.read().audit_id
    audit = _quietly(audit_id) if audit_id else None
    query = {"audit": audit.id} if audit is not None else None
    with st.container(key="strip", horizontal=True, vertical_alignment="center", wrap=False):
        if audit is None:
            st.markdown("No audit is open", width="stretch")
        else:
            st.markdown(_words(audit, verdict=not (own_files and session.read().uploads)), width="stretch")
        with st.container(key="strip_links", horizontal=True, width="content", vertical_alignment="center"):
            st.page_link(
                START,
                label="Use your own files",
                icon=":material/upload_file:",
                query_params=query,
            )


def show_full_counts() -> None:
    """Say on a screen with numbers that they are the analyst's."""
    audit_id = session.read().audit_id
    audit = _quietly(audit_id) if audit_id else None
    if audit is not None:
        st.caption(full_counts(audit.contract.support.privacy_floor), width="content")


def full_counts(floor: int) -> str:
    """Return what an analyst should know before a screen is passed on."""
    return f"Full counts, for analysts. What leaves this workspace hides cells under {floor} people."


def _words(audit: Audit, *, verdict: bool) -> str:
    contract = audit.contract
    version = dict(contract.data.versions).get("model", "")
    model = f"model {audit.model.name} {version}".strip() if audit.model else "answers in the file, no model"
    state = "" if contract.status == "approved" else f" ({for_markdown(contract.status)})"
    parts = [
        f"**{for_markdown(contract.id)}**",
        for_markdown(model),
        f"contract version {for_markdown(contract.version)}{state}",
        f"audit {for_markdown(audit.id)}",
        for_markdown(audit.created_at[:10]),
    ]
    said = " · ".join(parts)
    said += (
        f"   {badge(verdict_word(audit.decision.verdict, audit.stages))}"
        if verdict
        else "   (open audit, not these files)"
    )
    return f"{said} :gray-badge[:material/science: {INVENTED}]" if audit.worked_example else said


def _quietly(audit_id: str) -> Audit | None:
    """The audit, or None where the page itself will say what is wrong."""
    try:
        return cached.audit_of(audit_id)
    except AuditError:
        return None

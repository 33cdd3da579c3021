"""Release contract: the text that decides, the test plan behind it, and what it checks at which stage."""

from __future__ import annotations

import streamlit as st

from audit_core.contract.schema import ReleaseContract
from audit_core.decision.record import Audit
from audit_core.errors import AuditError, ContractError
from audit_core.report.escape import for_markdown
from pages.ui import cached, session
from pages.ui.controls import START, download, link, show_error
from pages.ui.editing import EDITOR, NAME, begin, give_up
from pages.ui.lint import show_lint
from pages.ui.matrix import show_matrix, show_sources
from pages.ui.plan_form import show_plan_form
from pages.ui.running import clock_of, inputs_of, run_files


def open_audit() -> Audit | None:
    """The audit of the URL, or None."""
    audit_id = session.read().audit_id
    try:
        return cached.audit_of(audit_id) if audit_id else None
    except AuditError:
        return None


def starting_text(audit: Audit | None) -> str | None:
    """The contract being written, else the open audit's."""
    draft = session.read().draft
    if draft is not None:
        return draft
    return cached.contract_text(audit.id).decode() if audit else None


def checked(text: str) -> ReleaseContract | None:
    """The contract in a text, or None with all its problems on screen."""
    try:
        return cached.contract_in(text.encode(), NAME)
    except ContractError as error:
        show_error(error)
        return None


def show_ways_on(text: str, contract: ReleaseContract | None, audit: Audit | None) -> None:
    """Check, run again, download."""
    with st.container(horizontal=True):
        st.button("Check", icon=":material/rule:")
        files = inputs_of(audit) if audit else {}
        can_run = contract is not None and not files.keys().isdisjoint(("evaluation", "table"))
        again = st.button(
            "Run again with this contract", type="primary", icon=":material/play_arrow:", disabled=not can_run
        )
        download("Download", text.encode, NAME, "application/yaml")
        st.button(
            "Back to the audit’s own text", icon=":material/undo:", disabled=audit is None, on_click=give_up
        )
    if again and audit is not None:
        run_files(text.encode(), NAME, files, clock_of(audit))


audit = open_audit()
st.title("Release contract", anchor=False)
st.caption(
    "What must hold before this model may be released. "
    "Every limit is your organisation’s choice, not a legal definition."
)
start = starting_text(audit)
if start is None:
    st.info("No audit is open. Upload a contract, or let a draft be written from your columns.")
    link(START, "Data and model", ":material/upload_file:")
    st.stop()
left, right = st.columns([2, 1], gap="large")
with left:
    begin(start)
    text = st.text_area("Text of the contract", key=EDITOR, height=1020) or ""
    if text != start:
        session.change(draft=text)
    contract = checked(text)
    if contract is not None:
        st.success(
            for_markdown(
                f"No problems: {len(contract.checks)} checks, version {contract.version}, {contract.status}."
            ),
            icon=":material/check_circle:",
        )
    show_ways_on(text, contract, audit)
    if contract is not None:
        show_lint(contract, audit)
with right:
    if contract is not None:
        show_plan_form(contract)
if contract is not None:
    show_matrix(contract)
    show_sources(contract, audit)

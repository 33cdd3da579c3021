"""Release contract: the text that decides, checked line by line, and three plain questions about it."""

from __future__ import annotations

import streamlit as st

from audit_core.contract.schema import ReleaseContract
from audit_core.decision.record import Audit
from audit_core.errors import AuditError, ContractError
from audit_core.report.escape import for_markdown
from pages.ui import cached, session
from pages.ui.controls import START, download, link, show_error
from pages.ui.editing import EDITOR, apply_answers, begin, give_up
from pages.ui.questions import ask, missing_guard
from pages.ui.running import clock_of, inputs_of, run_files

NAME = "contract.yaml"


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


def show_questions(contract: ReleaseContract, text: str) -> None:
    """The three questions beside the text."""
    st.header("Three plain questions", anchor=False)
    wanted = ask(contract)
    st.button(
        "Put these answers into the text", icon=":material/edit_note:", disabled=not wanted,
        on_click=apply_answers, args=(text, wanted),
    )  # fmt: skip
    guard = missing_guard(contract)
    if guard:
        st.warning(for_markdown(guard), icon=":material/shield:")


def show_ways_on(text: str, contract: ReleaseContract | None, audit: Audit | None) -> None:
    """Check, run again, download."""
    with st.container(horizontal=True):
        st.button("Check", icon=":material/rule:")
        files = inputs_of(audit) if audit else {}
        can_run = contract is not None and "evaluation" in files
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
    text = st.text_area("Text of the contract", key=EDITOR, height=620) or ""
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
with right:
    if contract is not None:
        show_questions(contract, text)

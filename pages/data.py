"""Data and model: three files make an audit, and nothing is run before somebody trusts it."""

from __future__ import annotations

import streamlit as st

from audit_core.contract.draft import draft_contract
from audit_core.errors import AuditError
from audit_core.report.escape import for_markdown
from audit_core.sources.profile import TableLook
from pages.ui import cached, session
from pages.ui.approved import with_last
from pages.ui.controls import SUMMARY, show_error
from pages.ui.model_file import may_open
from pages.ui.needs import still_needed, unused_columns
from pages.ui.roles import draft_fields, role_fields
from pages.ui.running import run_files
from pages.ui.session import Upload
from pages.ui.uploads import BASELINE, BASELINE_MODEL, BENCHMARKS, CONTRACT, COUNTS, PARTS, show_card


def show_cards() -> None:
    """The upload cards."""
    with st.grid(3, min_column_width=280):
        for part in PARTS:
            show_card(part)
    uploads = session.read().uploads
    with st.expander("I have a release contract", expanded="contract" in uploads):
        show_card(CONTRACT)
    approved = (BASELINE, BASELINE_MODEL)
    given = any(part.role in uploads for part in approved)
    with st.expander("I have an approved baseline", expanded=given), st.grid(2, min_column_width=280):
        for part in approved:
            show_card(part)
    with st.expander("I have counts, not rows", expanded="table" in uploads):
        show_card(COUNTS)
    with st.expander("I have results of benchmarks", expanded="benchmarks" in uploads):
        show_card(BENCHMARKS)


def table_of(upload: Upload) -> TableLook | None:
    """What the evaluation file holds; None where its card says why it can't be read."""
    try:
        return cached.look(str(upload.path), upload.name)
    except AuditError:
        return None


def contract_of(look: TableLook) -> tuple[bytes, str] | None:
    """The uploaded contract, or a draft from the columns; None where there is none that can be used."""
    uploads, draft = session.read().uploads, session.read().draft
    if "contract" in uploads and draft is not None:
        return draft.encode(), uploads["contract"].name
    roles = role_fields(look, with_model="model" in uploads)
    choices = draft_fields(look, roles, with_train="train" in uploads, with_model="model" in uploads)
    for note in unused_columns(choices):
        st.info(for_markdown(note))
    wanted = still_needed(choices)
    for need in wanted:
        st.warning(for_markdown(need), icon=":material/help:")
    if wanted:
        return None
    try:
        return draft_contract(choices), "contract.yaml"
    except AuditError as error:
        show_error(error)
        return None


def run_counts() -> None:
    """Audit a table of counts under an uploaded contract; rows or a model have no place beside it."""
    uploads, draft = session.read().uploads, session.read().draft
    beside = [part.title for part in (*PARTS, BASELINE_MODEL) if part.role in uploads]
    if beside:
        st.warning(f"A table of counts stands alone. Remove it, or remove: {', '.join(beside)}.")
    elif "contract" not in uploads or draft is None:
        st.info("A table of counts needs a release contract: upload one above.")
    elif st.button("Run the audit", type="primary", icon=":material/play_arrow:"):
        files = {role: (upload.path, upload.name) for role, upload in uploads.items() if role != "contract"}
        run_files(draft.encode(), uploads["contract"].name, files)


def may_run() -> bool:
    """Whether the models that were given may be opened."""
    uploads = session.read().uploads
    roles = [role for role in ("model", "baseline_model") if role in uploads]
    try:
        found = [may_open(uploads[role], approved=role == "baseline_model") for role in roles]
    except AuditError:
        return False  # the card of the model says what is wrong with it
    return all(found)


st.title("Data and model", anchor=False)
st.caption("Three files make an audit. They stay on this machine, and nothing is sent elsewhere.")
if st.button("Use the worked example", icon=":material/science:"):
    st.switch_page(SUMMARY, query_params={"audit": "example"})
show_cards()
ready = may_run()
uploads = session.read().uploads
if "table" in uploads:
    run_counts()
    st.stop()
evaluation = uploads.get("evaluation")
look = table_of(evaluation) if evaluation is not None else None
if look is None:
    st.info("Upload the evaluation set to go on: the rows whose decisions are to be audited.")
    st.stop()
contract = contract_of(look)
last = contract is not None and with_last(contract)
asked = st.button(
    "Run the audit", type="primary", icon=":material/play_arrow:", disabled=contract is None or not ready
)
if not ready:
    st.caption("The model file can't be opened yet; what to do stands above. Or remove it.")
if asked and contract is not None:
    files = {role: (upload.path, upload.name) for role, upload in uploads.items() if role != "contract"}
    run_files(*contract, files, last=last)

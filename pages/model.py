"""Model file: what it is, what it would import, whether it may be opened, and who accepted it."""

from __future__ import annotations

import streamlit as st

from audit_core.decision.record import ScoredBy
from audit_core.errors import AuditError
from audit_core.report.escape import for_markdown
from audit_core.report.model_file import NOT_EXECUTED, fact_rows, import_rows, scored_rows
from audit_core.report.numbers import counted
from pages.ui import cached, identity, session
from pages.ui.controls import START, show_error, show_table
from pages.ui.model_file import Standing, accept, show_verdict, standing, trust_words
from pages.ui.session import Upload

READ = """
- **Verified**: every name in the file is one that fitted scikit-learn, xgboost or lightgbm models use, and is
  used exactly as they use it. Anything else would have been refused.
- **Needs review**: it also names classes of packages that were not examined, such as your own transformers. A
  named reviewer can accept exactly these bytes; the acceptance is recorded with the names.
- **Refused**: it names something no fitted model needs, calls something in an unusual way, is damaged, or is
  no model. A refusal can't be accepted away.
- The surest way to be audited without any of this is **a predictions column**: score the rows where the model
  lives, and upload the rows with a column of scores or decisions.
"""


def show_file(upload: Upload) -> None:
    """The uploaded file, from the verdict to the acceptance."""
    found = standing(upload)
    st.caption(NOT_EXECUTED)
    show_verdict(found)
    _offer_review(found)
    st.header("What the file says it is", anchor=False)
    show_table(fact_rows(found.model, found.inspection), "What the model file says it is")
    _show_hash(found.model.sha256)
    st.header("What it would import", anchor=False)
    rows = import_rows(found.inspection)
    if rows:
        show_table(rows, "Every name the file uses, by package")
    else:
        st.caption("It names nothing that Python would import.")
    _show_reasons(found)
    if found.inspection.verdict != "refused":
        st.header("How it is opened", anchor=False)
        st.markdown(for_markdown(f"{found.isolation.words().capitalize()}. {trust_words(found.trust)}"))
    with st.expander("How to read this"):
        st.markdown(READ)


def _offer_review(found: Standing) -> None:
    """The way to an acceptance, for a person who may give it."""
    if found.trust is not None or found.inspection.verdict == "refused":
        return
    if identity.may("pin"):
        if st.button("Review and accept", type="primary", icon=":material/fact_check:", key="review"):
            accept(found)
    else:
        st.caption("You may not accept model files here; ask somebody whose role may.")


def _show_reasons(found: Standing) -> None:
    """Every reason of a refusal, where there is more than the one above."""
    reasons = found.inspection.reasons
    if len(reasons) > 1:
        with st.expander(f"All {counted(len(reasons), 'reasons')}"):
            st.markdown("\n".join(f"- {for_markdown(reason)}." for reason in reasons))


def show_scored(model: ScoredBy) -> None:
    """The model of the open audit."""
    st.caption("The model of the open audit. Its file is not needed any more.")
    show_table(scored_rows(model), "The model that made the scores of this audit")
    _show_hash(model.sha256)


def _show_hash(sha256: str) -> None:
    st.caption("SHA-256 of its bytes")
    st.code(sha256, language=None, wrap_lines=True)


def model_of_audit() -> ScoredBy | None:
    """The model of the open audit, or None."""
    audit_id = session.read().audit_id
    try:
        return cached.audit_of(audit_id).model if audit_id else None
    except AuditError:
        return None


st.title("Model file", anchor=False)
upload = session.read().uploads.get("model")
scored = model_of_audit()
try:
    if upload is not None:
        show_file(upload)
    elif scored is not None:
        show_scored(scored)
    else:
        st.info("There is no model file: the audit is of a predictions column, or nothing was uploaded yet.")
except AuditError as error:
    show_error(error)
st.page_link(START, label="Data and model", icon=":material/upload_file:")

"""The approved baseline on the Data page: what was read of it, and the last approved audit that is here."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from audit_core.errors import AuditError
from audit_core.report.escape import for_markdown
from audit_core.report.numbers import counted
from audit_core.report.words import VERDICT_WORDS
from pages.ui import cached, session
from pages.ui.session import Upload

_WORDS: dict[str, str] = {str(verdict): word for verdict, word in VERDICT_WORDS.items()}


def baseline_words(upload: Upload) -> str:
    """Return what was read of a baseline: the decision of a result, or the size of a table.

    Raises
    ------
    AuditError
        It is neither, or is damaged.
    """
    found = cached.baseline(str(upload.path), upload.name)
    if found is None:
        source = cached.look(str(upload.path), upload.name).source
        rows, columns = counted(source.rows, "rows"), counted(len(source.columns), "columns")
        return f"{rows}, {columns}; paired with the audited rows where the ids are the same"
    model = f"model {found.model_sha256[:12]}…" if found.model_sha256 else "no model, scores alone"
    word = _WORDS[found.verdict]
    under = f" under {found.contract_id}, version {found.contract_version}" if found.contract_id else ""
    return f"Audit {found.audit_id} of {found.created_at[:10]}: {word.lower()}{under} · {model}"


def with_last(contract: tuple[bytes, str]) -> bool:
    """Offer the last approved audit under this contract as the baseline; whether it was taken."""
    uploads = session.read().uploads
    if "baseline" in uploads:
        return False
    try:
        audited = uploads.get("model") or uploads["evaluation"]
        named = cached.contract_in(*contract).id
        found = cached.workspace().last_approved(named, datetime.now(UTC), unlike=audited.sha256)
    except AuditError:  # problems of a contract are listed under Release contract
        return False
    if found is None:
        return False
    said = f"{found.id} of {found.created_at[:10]}, {_WORDS[found.verdict].lower()}"
    return st.checkbox(
        for_markdown(f"Compare with the last approved audit: {said}"),
        value=True,
        key="with_last",
        help="Without an approved model's own file a change is also one of the people.",
    )

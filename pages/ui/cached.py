"""The core's verbs behind caches keyed by audit and content; the only place that uses Streamlit's caches.

What is cached is frozen or read-only, so it is shared, never copied.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import streamlit as st

from audit_core.audit import AuditRequest, Progress, look_at, run_audit, with_limit, worked_example
from audit_core.contract.schema import ReleaseContract
from audit_core.contract.yaml import parse_contract
from audit_core.decision.record import Audit
from audit_core.evidence.workspace import AuditEntry, Workspace
from audit_core.report.summary import Summary, summary
from audit_core.sources.profile import TableLook


def workspace() -> Workspace:
    """Return the workspace the environment names."""
    return Workspace()


def audit_of(audit_id: str) -> Audit:
    """Return a stored audit.

    Raises
    ------
    AuditError
        There is none of this id, or it can't be read.
    """
    return _loaded(str(workspace().root.resolve()), audit_id)


@st.cache_resource(max_entries=24, show_spinner=False)
def _loaded(root: str, audit_id: str) -> Audit:
    return Workspace(Path(root)).load(audit_id)


@st.cache_resource(max_entries=64, show_spinner=False)
def tried(_audit: Audit, key: str, check: str, limit: Fraction) -> Audit:
    """Return an audit under another limit. `key` names the audit: its id and contract."""
    del key
    return with_limit(_audit, check, limit)


@st.cache_resource(max_entries=24, show_spinner=False)
def summary_of(_audit: Audit, key: str) -> Summary:
    """Return what the summary page shows. `key` names the audit."""
    del key
    return summary(_audit)


def key_of(audit: Audit) -> str:
    """Return what names an audit in a cache: its id, and the counts and contract it was decided from."""
    return f"{audit.id} {audit.counted.cube.fingerprint} {audit.contract.sha256}"


@st.cache_resource(max_entries=24, show_spinner=False)
def look(path: str, name: str) -> TableLook:
    """Return a first look at an uploaded table; its path is named by its content."""
    return look_at(Path(path), name)


def example(progress: Progress | None = None) -> Audit:
    """Return the worked example, run on first use."""
    return worked_example(workspace(), progress)


def audited(request: AuditRequest, progress: Progress) -> Audit:
    """Return the audit of somebody's own files; never cached, it is kept in the workspace."""
    return run_audit(request, workspace(), progress)


def entries() -> tuple[AuditEntry, ...]:
    """Return the audits of the workspace, the newest first."""
    return workspace().entries()


def contract_text(audit_id: str) -> bytes:
    """Return the exact bytes of the contract an audit was decided under."""
    return workspace().contract_bytes(audit_id)


def artifact(audit_id: str, name: str) -> bytes:
    """Return a file of an audit's folder."""
    return workspace().artifact(audit_id, name)


@st.cache_resource(max_entries=24, show_spinner=False)
def contract_in(text: bytes, name: str) -> ReleaseContract:
    """Return the contract in a text.

    Raises
    ------
    ContractError
        With every problem of it.
    """
    return parse_contract(text, name)

"""What a visitor has in hand, as one frozen value; the only place that touches the session state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

_KEY = "evenhand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that was copied to the workspace; `sha256` names its bytes."""

    name: str
    path: Path
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One visitor's state. A reload loses it; the audit itself stays in the workspace and in the URL."""

    audit_id: str | None = None
    uploads: Mapping[str, Upload] = field(default_factory=dict)
    draft: str | None = None
    """A contract being written or changed, as text."""
    taken: Mapping[str, int] = field(default_factory=dict)
    """How many files each upload field has taken in; a new number makes a new, empty field."""
    logged: frozenset[tuple[str, str, str]] = frozenset()
    """Lines this visit has written to the access log: right, audit, screen."""


def read() -> Session:
    """Return this visitor's session."""
    found: Session = st.session_state.get(_KEY, Session())
    return found


def change(**changes: Any) -> Session:
    """Keep a new session that differs in these fields, and return it."""
    session = replace(read(), **changes)
    st.session_state[_KEY] = session
    return session


def visit() -> str:
    """Return what tells this visit from every other one; it is secret, since it also opens its uploads."""
    context = get_script_run_ctx()
    return context.session_id if context is not None else "no visit"


def forget_upload(file: UploadedFile) -> None:
    """Drop the copy of an uploaded file that Streamlit holds in memory until the visit ends."""
    context = get_script_run_ctx()
    if context is not None:
        context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)
    file.close()


def widget(key: str, default: Any = None) -> Any:
    """Return what a keyed widget holds, inside its own callback."""
    return st.session_state.get(key, default)


def set_widget(key: str, value: Any) -> None:
    """Set a keyed widget before it is drawn."""
    st.session_state[key] = value


def drop_widget(key: str) -> None:
    """Forget a keyed widget's value, so that it is drawn with its own start again."""
    st.session_state.pop(key, None)

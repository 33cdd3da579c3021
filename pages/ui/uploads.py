"""The upload cards: a file is copied to the workspace at once, and what was read of it is said."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from audit_core.errors import AuditError, ContractError
from audit_core.report.escape import for_markdown
from audit_core.report.numbers import count, counted
from audit_core.sources.model import ModelFile, identify_model, is_trusted
from pages.ui import cached, session
from pages.ui.controls import show_error
from pages.ui.session import Upload

TABLES = ["csv", "tsv", "parquet", "arrow", "feather"]
MEGABYTES = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One thing to upload: its part in the audit and what it must hold."""

    role: str
    title: str
    about: str
    endings: list[str]


PARTS = (
    Part(
        role="model",
        title="Trained classifier",
        about="A scikit-learn model saved with joblib. It runs in a process of its own. "
        "Leave it out when the evaluation file holds scores or decisions.",
        endings=["joblib", "pkl"],
    ),
    Part(
        role="train",
        title="Training sample",
        about="The rows the model was fitted on. Used to measure drift and leakage.",
        endings=TABLES,
    ),
    Part(
        role="evaluation",
        title="Next month’s evaluation set",
        about="Must hold the true outcome and the protected attributes.",
        endings=TABLES,
    ),
)
CONTRACT = Part(
    role="contract",
    title="Release contract (optional)",
    about="Without one, a draft is written from the columns below.",
    endings=["yaml", "yml"],
)


def show_card(part: Part) -> None:
    """One card: the upload field, or what was read and a way to take it back."""
    with st.container(border=True, height="stretch"):
        st.subheader(part.title, anchor=False)
        st.caption(part.about)
        upload = session.read().uploads.get(part.role)
        if upload is None:
            key = f"upload_{part.role}_{session.read().taken.get(part.role, 0)}"
            st.file_uploader(
                part.title,
                type=part.endings,
                key=key,
                label_visibility="collapsed",
                max_upload_size=MEGABYTES,
                on_change=_take,
                args=(part.role, key),
            )
            return
        st.markdown(f"**{for_markdown(upload.name)}**")
        _show_read(part, upload)
        st.button(
            "Remove", key=f"remove_{part.role}", icon=":material/close:", on_click=_remove, args=(part.role,),
            help=f"Take {part.title.lower()} back",
        )  # fmt: skip


def _take(role: str, key: str) -> None:
    """Copy an upload to the workspace, then empty the field, so that the file is not kept in memory."""
    given = session.widget(key)
    if given is None:
        return
    path = cached.workspace().store_upload(given.name, given)
    upload = Upload(name=given.name, path=path, sha256=path.parent.name, bytes=given.size)
    now = session.read()
    draft = path.read_bytes().decode("utf-8", "replace") if role == "contract" else now.draft
    taken = {**now.taken, role: now.taken.get(role, 0) + 1}
    session.change(uploads={**now.uploads, role: upload}, taken=taken, draft=draft)


def _remove(role: str) -> None:
    now = session.read()
    left = {name: upload for name, upload in now.uploads.items() if name != role}
    session.change(uploads=left, draft=None if role == "contract" else now.draft)


def _show_read(part: Part, upload: Upload) -> None:
    try:
        if part.role in ("train", "evaluation"):
            found = cached.look(str(upload.path), upload.name)
            st.caption(f"{counted(found.source.rows, 'rows')}, {counted(len(found.columns), 'columns')}")
        elif part.role == "model":
            st.caption(f"{count(identify_model(upload.path, upload.name).bytes)} bytes, not loaded yet")
        else:
            contract = cached.contract_in(upload.path.read_bytes(), upload.name)
            st.caption(
                f"{for_markdown(contract.id)}, version {for_markdown(contract.version)}, {contract.status}"
            )
    except ContractError:
        st.caption("This contract has problems; they are listed under Release contract.")
    except AuditError as error:
        show_error(error)
    st.caption(f"SHA-256 `{upload.sha256[:24]}…`")


def model_file(upload: Upload) -> ModelFile:
    """Return the uploaded model file, identified and not loaded."""
    return identify_model(upload.path, upload.name)


def trust_question(upload: Upload) -> bool:
    """Ask who vouches for the model file; return whether anybody does. Nothing of it is run before."""
    found = model_file(upload)
    if is_trusted(found, ()):
        st.info("This model file is one of the worked example; its bytes are pinned by this release.")
        return True
    with st.container(border=True, key="trust"):
        st.subheader("Do you trust this model file?", anchor=False)
        st.markdown(
            "Opening a joblib file runs whatever its author put in it. It is opened in a process of its own, "
            "and only after you say that you know the file. If you do not, give a file with a predictions "
            "column instead."
        )
        st.markdown(f"**{for_markdown(upload.name)}**, SHA-256:")
        st.code(found.sha256, language=None, wrap_lines=True)
        agreed = st.checkbox(
            "I know where this file comes from and trust it",
            key=f"trust_{found.sha256}",
            value=found.sha256 in session.read().trusted,
        )
    now = session.read().trusted
    session.change(trusted=now | {found.sha256} if agreed else now - {found.sha256})
    return agreed

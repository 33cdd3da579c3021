"""The upload cards: a file is copied to the workspace at once, and what was read of it is said."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from audit_core.contract.compose import LARGEST
from audit_core.errors import AuditError, ContractError, UsageError
from audit_core.report.escape import for_markdown
from audit_core.report.model_file import VERDICT_WORDS
from audit_core.report.numbers import count, counted
from pages.ui import cached, session
from pages.ui.approved import baseline_words
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
        about="A classifier saved with joblib, skops or ONNX. It is inspected before anything of it runs. "
        "Leave it out when the evaluation file holds scores or decisions.",
        endings=["joblib", "pkl", "skops", "onnx"],
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
COUNTS = Part(
    role="table",
    title="Table of counts",
    about="One line per group: attribute, group, n and selected; where known also positives, tp, negatives "
    "and fp. A combination is written like sex × race. It takes the place of rows and of a model.",
    endings=TABLES,
)
WINDOW = Part(
    role="window",
    title="A window of live data",
    about="Rows with the contract’s columns and the column of periods. Outcomes may be missing: send the "
    "file again when they are back, and it takes the place of what its period held.",
    endings=TABLES,
)
BENCHMARKS = Part(
    role="benchmarks",
    title="Benchmark results (optional)",
    about="A CSV with source, metric and value, and where known group, low, high, n, date and reference. "
    "Shown beside the decision, each with its source’s limit; never part of it.",
    endings=["csv", "tsv"],
)
BASELINE = Part(
    role="baseline",
    title="Approved baseline",
    about="What the release is compared with: the result of its audit (audit.json), or the rows of a stable "
    "release with its scores or decisions.",
    endings=["json", *TABLES],
)
BASELINE_MODEL = Part(
    role="baseline_model",
    title="Approved model",
    about="The model that is in use now. It scores the same rows, which tells a change of the model from a "
    "change of the people.",
    endings=PARTS[0].endings,
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
            "Remove", key=f"remove_{part.role}", icon=":material/close:", on_click=take_back,
            args=(part.role,), help=f"Take {part.title.lower()} back",
        )  # fmt: skip


def _take(role: str, key: str) -> None:
    """Copy an upload to the workspace, then empty the field and drop what is in memory of it."""
    given = session.widget(key)
    if given is None:
        return
    now = session.read()
    taken = {**now.taken, role: now.taken.get(role, 0) + 1}
    try:
        if role == "contract" and given.size > LARGEST:  # it is read whole, so it is not taken whole
            raise UsageError("A contract is a short text", where=given.name, remedy="Give a smaller file")
        path = cached.workspace().store_upload(given.name, given, session.visit())
    except AuditError as error:
        session.change(taken=taken)
        show_error(error)
        return
    finally:
        session.forget_upload(given)
    upload = Upload(name=given.name, path=path, sha256=path.parent.name, bytes=given.size)
    draft = path.read_bytes().decode("utf-8", "replace") if role == "contract" else now.draft
    session.change(uploads={**now.uploads, role: upload}, taken=taken, draft=draft)


def take_back(role: str) -> None:
    """Let an upload go, from the session and, where nobody else needs it, from the disk."""
    _let_go(role)
    now = session.read()
    left = {name: upload for name, upload in now.uploads.items() if name != role}
    session.change(uploads=left, draft=None if role == "contract" else now.draft)


def _let_go(role: str) -> None:
    """Remove a role's file from the disk, unless another role, visit or audit needs it."""
    uploads = session.read().uploads
    others = {upload.sha256 for name, upload in uploads.items() if name != role}
    if role in uploads and uploads[role].sha256 not in others:
        cached.workspace().inputs.let_go(uploads[role].sha256, session.visit())


def _show_read(part: Part, upload: Upload) -> None:
    try:
        if part.role in ("train", "evaluation", "table", "window"):
            found = cached.look(str(upload.path), upload.name)
            st.caption(f"{counted(found.source.rows, 'rows')}, {counted(len(found.columns), 'columns')}")
        elif part.role in ("model", "baseline_model"):
            size = count(cached.identified(str(upload.path), upload.name).bytes)
            verdict = VERDICT_WORDS[cached.inspected(str(upload.path), upload.name).verdict]
            st.caption(f"{size} bytes · inspected without running it: {verdict.lower()}")
        elif part.role == "baseline":
            st.caption(for_markdown(baseline_words(upload)))
        elif part.role == "benchmarks":
            _, results = cached.benchmarks(str(upload.path), upload.name)
            st.caption(counted(len(results), "results"))
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

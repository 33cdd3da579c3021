"""Parts that screens share: the table of record, downloads, errors, the open audit, choices of a group."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from audit_core.audit import Progress
from audit_core.contract.schema import Subject
from audit_core.decision.record import Audit
from audit_core.errors import AuditError, ContractError
from audit_core.report.csv_file import csv_bytes
from audit_core.report.escape import for_file_name, for_markdown, visible
from audit_core.report.people import subject_words
from audit_core.report.table_rows import RESULT, Rows
from pages.ui import cached, session
from pages.ui.verdict import badge

CHART = {"displayModeBar": False, "responsive": True}
START = "pages/data.py"
SUMMARY = "pages/summary.py"
MOST_SEGMENTS = 5
FULL_COUNTS = "-full-counts"
"""End of the name of a file that holds every count, small groups' too."""


def show_table(rows: Rows, alt: str) -> None:
    """Draw rows as a real table: names stay text, the result is a badge."""
    if not rows:
        st.caption("Nothing to show here.")
        return
    shown = [{for_markdown(name): _cell(name, value) for name, value in row.items()} for row in rows]
    st.table(shown, border="horizontal", hide_index=True, alt=visible(alt))


def _cell(name: str, value: str) -> str:
    return badge(value) if name == RESULT else for_markdown(value)


def csv_button(rows: Rows, name: str, label: str = "Download this table (CSV)") -> None:
    """Offer rows as CSV, written when it is asked for; its name says that it holds an analyst's counts."""
    if rows:
        download(label, lambda: csv_bytes(rows), name.removesuffix(".csv") + f"{FULL_COUNTS}.csv", "text/csv")


def download(label: str, data: Callable[[], bytes], name: str, mime: str, **more: Any) -> None:
    """Offer a file that is made on click."""
    st.download_button(
        label,
        data=data,
        file_name=for_file_name(name),
        mime=mime,
        on_click="ignore",
        icon=":material/download:",
        **more,
    )


def show_chart(figure: dict[str, Any], alt: str, key: str, **more: Any) -> Any:
    """Draw a chart that keeps its own colours; its text follows the page."""
    if not figure["data"]:  # plotly refuses a chart without a mark
        return st.caption("There is nothing to draw here.")
    return st.plotly_chart(figure, theme=None, config=CHART, alt=visible(alt), key=key, **more)


LOGGED = "Reload the page, or open another screen; the reason stands in the server's log"


def show_error(error: AuditError) -> None:
    """Say what is wrong, where, and what to do next; every problem of a contract at its line."""
    where = f" ({for_markdown(error.where)})" if error.where else ""
    remedy = f" {for_markdown(error.remedy)}." if error.remedy else ""
    st.error(f"**{for_markdown(error.problem)}{where}.**{remedy}", icon=":material/error:")
    if isinstance(error, ContractError):
        st.code("\n".join(map(visible, error.lines())), language=None, wrap_lines=True)


def guarded(screen: Callable[[], object]) -> None:
    """Draw a screen; a fault of the program is one sentence on it, its traceback is in the log."""
    try:
        screen()
    except AuditError as error:
        show_error(error)
    except Exception:
        if os.environ.get("EVENHAND_DEBUG"):
            raise
        logging.getLogger("evenhand").exception("a screen could not be drawn")
        show_error(AuditError("This screen could not be drawn", remedy=LOGGED))


def telling(bar: DeltaGenerator) -> Progress:
    """Return what tells a progress bar the stage of a run."""

    def tell(stage: str, share: float) -> None:
        bar.progress(min(1.0, share), text=for_markdown(stage))

    return tell


def opened() -> Audit:
    """Return the audit the URL names. Where there is none, say so and end the page."""
    audit_id = session.read().audit_id
    try:
        if audit_id is None:
            raise AuditError("No audit is open", remedy="Open the worked example, or audit your own files")
        return cached.audit_of(audit_id)
    except AuditError as error:
        st.title("This audit is not here", anchor=False)
        show_error(error)
        _ways_on()
        st.stop()


def _ways_on() -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Open the worked example", type="primary", icon=":material/science:"):
            st.switch_page(SUMMARY, query_params={"audit": "example"})
        st.page_link(START, label="Use your own files", icon=":material/upload_file:")


def link(page: str, label: str, icon: str) -> None:
    """Link to another screen with the same audit."""
    audit_id = session.read().audit_id
    st.page_link(page, label=label, icon=icon, query_params={"audit": audit_id} if audit_id else None)


def subject_choice(label: str, subjects: Sequence[Subject], key: str) -> Subject:
    """Let one attribute be chosen; its name is text, whatever stands in it."""
    words = _told_apart([subject_words(subject) for subject in subjects])
    if not words:
        st.info("Nothing was measured by group in this audit.")
        st.stop()
    named = dict(zip(words, subjects, strict=True))
    if len(words) <= MOST_SEGMENTS:
        found = st.segmented_control(
            label, words, default=words[0], format_func=for_markdown, required=True, key=key
        )
    else:
        found = st.selectbox(label, words, key=key)
    return named[found or words[0]]


def _told_apart(words: Sequence[str]) -> list[str]:
    """The words, numbered where names that were cut would read alike."""
    return [
        f"{word} ({words[:i].count(word) + 1})" if word in words[:i] else word for i, word in enumerate(words)
    ]

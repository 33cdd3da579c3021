"""What the data leave open, as parts of screens: unknown people, abstentions, missing cells."""

from __future__ import annotations

import streamlit as st

from audit_core.contract.schema import Subject
from audit_core.decision.record import Audit
from audit_core.report.escape import for_markdown
from audit_core.report.unequal_data import decided_rows, missing_sentences, missing_table, unknown_sentence
from pages.ui.controls import csv_button, show_table

READ_MISSING = """
Each line is the share of a group's rows that hold no value in a column, with its interval. A model fills the
hole in some way of its own, so a group whose cells are missing more often is judged on less. **Apart beyond
chance** is said where the shares of two groups differ by more than samples of these sizes differ by chance,
allowing for every pair of groups.
"""


def show_unknown(audit: Audit, subject: Subject, metric: str, compare: str) -> None:
    """How far people of unknown group could move the gap on screen."""
    gap = audit.measurements.gap(subject, metric, compare)
    said = unknown_sentence(gap) if gap else ""
    if said:
        st.caption(for_markdown(said))


def show_decided(audit: Audit, subject: Subject) -> None:
    """Rates among the people decided on, where the model abstained on some."""
    rows = decided_rows(audit, subject)
    if rows:
        st.header("Among people who were decided on", anchor=False)
        st.caption(
            "Everywhere else an abstention counts as not selected, since it delays what is good. "
            "Here the people abstained on are left out; no check is judged by these rates."
        )
        show_table(rows, "Rates among the people who were decided on")
        csv_button(rows, f"{audit.id}-decided.csv")


def show_missing(audit: Audit) -> None:
    """Missing cells by group."""
    st.header("Missing values by group", anchor=False)
    rows = missing_table(audit)
    if not rows:
        st.caption("No feature, score or label lacks a value in this file.")
        return
    for said in missing_sentences(audit):
        st.markdown(for_markdown(said))
    with st.expander("How to read this"):
        st.markdown(READ_MISSING)
    show_table(rows, "Share of missing cells by column and group")
    csv_button(rows, f"{audit.id}-missing.csv")

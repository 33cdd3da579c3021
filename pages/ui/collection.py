"""What it would take to decide: the collection plan, group by group, as a table and as a file."""

from __future__ import annotations

import streamlit as st

from audit_core.decision.record import Audit
from audit_core.report.collection import NOTHING, collection_csv, collection_rows
from audit_core.report.needs_words import HOW_TO_READ_NEEDS
from pages.ui.controls import download, show_table

FIRST = 8


def show_collection(audit: Audit) -> None:
    """How many more people of which groups each undecided check needs."""
    st.header("What it would take", anchor=False)
    rows = collection_rows(audit)
    if not rows:
        st.caption(NOTHING)
        return
    st.caption("What each group still lacks until the check can decide, in people, rows and weeks.")
    with st.container(key="collection"):
        show_table(rows[:FIRST], "How many more people of which groups each undecided check needs")
        if rows[FIRST:]:
            with st.expander(f"{len(rows) - FIRST} more lines"):
                show_table(rows[FIRST:], "The rest of what each undecided check needs")
    download(
        "What it would take (CSV)",
        lambda: collection_csv(audit),
        f"{audit.id}-what-it-would-take.csv",
        "text/csv",
    )
    with st.expander("How to read this"):
        st.markdown(HOW_TO_READ_NEEDS)

"""What cannot hold together: equal rates that exclude each other where base rates differ."""

from __future__ import annotations

import streamlit as st

from audit_core.decision.record import Audit
from audit_core.report.conflicts import (
    conflict_rows,
    conflict_sentence,
    implied_rows,
    not_found_here,
    summary_sentence,
)
from audit_core.report.escape import for_markdown
from audit_core.report.people import subject_words
from audit_core.report.table_rows import RESULT
from pages.ui import cached
from pages.ui.controls import csv_button, show_table
from pages.ui.verdict import badge

READ = """
In every group the false positive rate follows from three other numbers: the base rate (the share of
positives), the positive predictive value and the false negative rate. So where base rates differ, making some
of these rates equal sets others apart, whatever the model (Chouldechova 2017; Kleinberg, Mullainathan &
Raghavan 2016).

- Each row makes one set of rates equal, at the value of all groups together, and works out what is left for
  the other. **Cannot hold together here**: what follows is outside the contract's own limit even after
  allowing for chance. **Not confirmed**: it is outside, but chance alone could account for it.
- **Not in conflict on this data**: what follows stays inside the limit, or base rates differ by no more than
  chance explains.
- The limits leave some room, so checks may still be met together near their limits; equal rates may not.
- A conflict is a choice to make, not a fault of the model: the contract can record who accepted it, in which
  role and why, under `conflicts`. It changes no verdict.
"""


def show(audit: Audit) -> None:
    """Draw the panel."""
    st.header("What cannot hold together", anchor=False)
    found = cached.conflicts_of(audit, cached.key_of(audit))
    if not found:
        st.caption("Without labels and decisions for the groups of an attribute, nothing can be said here.")
    else:
        st.markdown(for_markdown(summary_sentence(found)))
        rows = conflict_rows(found, audit)
        with st.container(key="conflicts"):
            show_table(rows, "Sets of rates that would be made equal, what follows, and the contract's limit")
        csv_button(rows, f"{audit.id}-conflicts.csv")
    for text in not_found_here(audit, found):
        st.markdown(for_markdown(text))
    with st.expander("How to read this"):
        st.markdown(READ)
    for subject in found:
        results = dict.fromkeys(row[RESULT] for row in conflict_rows([subject], audit))
        words = " ".join(map(badge, results))
        with st.expander(f"{for_markdown(subject_words(subject.subject))} {words}"):
            lines = [f"- {for_markdown(conflict_sentence(c, subject, audit))}" for c in subject.conflicts]
            st.markdown("\n".join(lines))
            level = float(audit.contract.statistics.level)
            show_table(
                implied_rows(subject, level), f"Rates by {subject_words(subject.subject)}, now and implied"
            )

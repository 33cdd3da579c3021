"""One feature of the input drift screen: its two outlines, how PSI is made, and the same inside groups."""

from __future__ import annotations

import streamlit as st

from audit_core.decision.record import Audit
from audit_core.metrics.measurements import DriftRow
from audit_core.report.charts.drift import DRIFT_WORDS, inside_groups, ranked, shares_alt, shares_figure
from audit_core.report.drift import (
    collapsed_sentence,
    drift_sentence,
    formula_sentence,
    measure_rows,
    term_rows,
)
from audit_core.report.escape import for_markdown, visible
from audit_core.report.tables import bin_rows, drift_group_rows
from pages.ui.controls import csv_button, show_chart, show_table
from pages.ui.verdict import badge

READ = """
The outline is the training sample, the filled bars are the evaluation file: each bar is the share of rows
in one bin. A number is cut at the deciles of the training sample, so its outline is about as high everywhere;
where many people share one value, that value has a bin of its own. Missing cells, and categories that
training never saw, have bins of their own too.
"""


def show_feature(audit: Audit) -> None:
    """A feature to choose: both outlines, its bins, the formula with its numbers, and every group."""
    st.header("One feature", anchor=False)
    rows = ranked(audit.measurements.drift)
    names = [f"{visible(row.table.feature)} ({row.table.kind})" for row in rows]
    chosen = st.selectbox(
        "Feature", range(len(rows)), format_func=names.__getitem__, key="drift_feature", width=380
    )
    row = rows[chosen or 0]
    st.markdown(f"{badge(DRIFT_WORDS[row.status])} {for_markdown(drift_sentence(row))}")
    if said := collapsed_sentence(row.table):
        st.caption(for_markdown(said))
    with st.container(border=True):
        show_chart(shares_figure(row.table), shares_alt(row.table), "shares_chart")
    with st.expander("How to read this"):
        st.markdown(READ)
    with st.expander("The same as a table"):
        show_table(bin_rows(row), shares_alt(row.table))
    with st.expander("Bins and formula"):
        st.markdown(for_markdown(formula_sentence(row)))
        show_table(term_rows(row), f"What each bin of {row.table.feature} adds to PSI")
        csv_button(term_rows(row), f"{audit.id}-drift-bins.csv")
    _inside(audit, row)


def _inside(audit: Audit, row: DriftRow) -> None:
    """The same feature inside each group."""
    st.subheader("Inside each group", anchor=False)
    inside = inside_groups(audit.measurements, row)
    if not inside:
        st.caption("No group holds rows in both files.")
        return
    st.caption("The same bins, each group against its own chance level.")
    show_table(drift_group_rows(inside), f"Drift of {row.table.feature} inside each group")
    with st.expander("All measures inside each group"):
        show_table(measure_rows(inside), f"Every measure of drift of {row.table.feature} inside each group")

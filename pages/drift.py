"""Input drift: do the inputs still look like those the model was fitted on?"""

from __future__ import annotations

import streamlit as st

from audit_core.decision.record import Audit
from audit_core.metrics.measure import drift_limits
from audit_core.metrics.measurements import DriftRow
from audit_core.report.alerts import drift_alerts
from audit_core.report.charts.drift import (
    inside_groups,
    psi_alt,
    psi_figure,
    ranked,
    shares_alt,
    shares_figure,
)
from audit_core.report.escape import for_markdown, visible
from audit_core.report.tables import bin_rows, drift_group_rows, drift_table_rows, new_category_rows
from audit_core.report.wording import sentence, status_word
from pages.ui.controls import csv_button, opened, show_chart, show_table
from pages.ui.unequal_data import show_missing
from pages.ui.verdict import badge

READ = """
**PSI** (population stability index) says how far the evaluation file has moved from the training
sample, feature by feature; 0 is no change. The grey tick on each bar, and “chance” beside it, is what
two samples of these sizes reach by chance alone 19 times in 20. A feature has drifted when it is beyond
that *and* beyond a limit of the contract. **KL** is the same comparison read in one direction. A
feature that moves is a reason to look at where people come from; it does not by itself say that the
model is wrong.
"""


def show_ranking(audit: Audit) -> None:
    """All features, the most drifted first."""
    rows, limits = audit.measurements.drift, drift_limits(audit.contract)
    for finding in audit.findings:
        if finding.metric == "psi":
            st.markdown(f"{badge(status_word(finding))} {for_markdown(sentence(finding, audit))}")
    for alert in drift_alerts(rows, audit.contract.statistics.level):
        st.markdown(f"{badge('Alert')} {for_markdown(alert)}")
    with st.container(border=True):
        show_chart(psi_figure(rows, limits), psi_alt(rows, limits), "psi_chart")
    with st.expander("How to read this"):
        st.markdown(READ)
    table = drift_table_rows(rows)
    show_table(table, psi_alt(rows, limits))
    csv_button(table, f"{audit.id}-drift.csv")


def show_feature(audit: Audit) -> None:
    """One feature: both outlines, its bins, and the same inside every group."""
    st.header("One feature", anchor=False)
    rows = ranked(audit.measurements.drift)
    names = [f"{visible(row.table.feature)} ({row.table.kind})" for row in rows]
    chosen = st.selectbox(
        "Feature", range(len(rows)), format_func=names.__getitem__, key="drift_feature", width=380
    )
    row: DriftRow = rows[chosen or 0]
    with st.container(border=True):
        show_chart(shares_figure(row.table), shares_alt(row.table), "shares_chart")
    with st.expander("The same as a table"):
        show_table(bin_rows(row), shares_alt(row.table))
    inside = inside_groups(audit.measurements, row)
    st.subheader("Inside each group", anchor=False)
    if not inside:
        st.caption("No group holds enough rows in both files.")
        return
    st.caption(
        "The same bins, each group against its own chance level. A gap can move even where no group does."
    )
    show_table(drift_group_rows(inside), f"Drift of {row.table.feature} inside each group")


def show_new(audit: Audit) -> None:
    """Categories the model never saw."""
    st.header("New categories", anchor=False)
    table = new_category_rows(audit.measurements.drift)
    if table:
        show_table(table, "Categories that the training sample does not hold")
    else:
        st.caption("Every category of the evaluation file stands in the training sample too.")


audit = opened()
st.title("Input drift", anchor=False)
st.caption("Do the people of the evaluation file look like those the model was fitted on?")
if not audit.measurements.drift:
    st.info("No training sample was given, so there is nothing to compare the evaluation file with.")
else:
    show_ranking(audit)
    show_feature(audit)
    show_new(audit)
show_missing(audit)

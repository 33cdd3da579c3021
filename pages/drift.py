"""Input drift: do the inputs still look like those the model was fitted on?"""

from __future__ import annotations

import streamlit as st

from audit_core.decision.record import Audit
from audit_core.metrics.drift_rows import drift_limits
from audit_core.report.alerts import drift_alerts
from audit_core.report.charts.drift import DRIFT_WORDS, group_shares, psi_alt, psi_figure, ranked
from audit_core.report.drift import (
    collapsed_sentences,
    compared_sentence,
    measure_rows,
    share_rows,
    share_sentence,
)
from audit_core.report.escape import for_markdown
from audit_core.report.tables import drift_table_rows, new_category_rows
from audit_core.report.wording import sentence, status_word
from pages.ui.controls import csv_button, opened, show_chart, show_table
from pages.ui.drift_feature import show_feature
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
READ_MEASURES = """
**PSI**, **KL** (evaluation against training) and **JS** compare shares of bins, in nats. **KS** is the
largest difference of the two cumulative shares and **Wasserstein** the mean distance people would have to
move, in standard deviations of the training sample; both are of the values themselves. Where only bins are
known, KS says “at least”. Two samples of these sizes stay under “KS by chance up to” 19 times in 20.
"""
SHARES = (
    "A gap can move although no group drifts inside: the groups themselves grow and shrink. "
    "Shown beside its chance level; the drift check of the contract does not judge it."
)


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
    for said in collapsed_sentences(rows):
        st.caption(for_markdown(said))


def show_measures(audit: Audit) -> None:
    """Every other measure, for who wants to see them all."""
    rows = audit.measurements.drift
    with st.expander("All measures of every feature, for data scientists"):
        st.markdown(READ_MEASURES)
        st.markdown(for_markdown(compared_sentence(rows)))
        show_table(measure_rows(ranked(rows)), "Every measure of drift, feature by feature")
        csv_button(
            measure_rows(rows), f"{audit.id}-drift-measures.csv", "Download all, inside groups too (CSV)"
        )


def show_shares(audit: Audit) -> None:
    """How many people each group has, then and now."""
    st.header("Shares of groups", anchor=False)
    rows = group_shares(audit.measurements.drift)
    if not rows:
        st.caption("The training sample does not say who is in which group, so shares are not compared.")
        return
    st.caption(SHARES)
    for row in rows:
        st.markdown(f"{badge(DRIFT_WORDS[row.status])} {for_markdown(share_sentence(row))}")
    with st.expander("Every group's share"):
        show_table(
            share_rows(rows, audit.contract.statistics.level),
            "Share of every group in the training sample and in the evaluation file",
        )
        csv_button(share_rows(rows, audit.contract.statistics.level), f"{audit.id}-group-shares.csv")


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
    if ranked(audit.measurements.drift):
        show_ranking(audit)
        show_measures(audit)
        show_feature(audit)
    else:
        st.info("The two files have no input in common, so only shares of groups are compared.")
    show_shares(audit)
    show_new(audit)
show_missing(audit)

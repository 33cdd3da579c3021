"""Against baseline: what has changed for each group since the approved model, and how sure that is."""

from __future__ import annotations

import streamlit as st

from audit_core.decision.record import Audit
from audit_core.findings.finding import Finding
from audit_core.metrics.regression_rows import RegressionRow
from audit_core.report.charts.regression import (
    before_after_alt,
    before_after_figure,
    change_alt,
    change_figure,
)
from audit_core.report.escape import for_markdown
from audit_core.report.headline import people_sentence
from audit_core.report.regression import (
    HOW_TO_GIVE_ONE,
    HOW_TO_READ,
    NO_BASELINE,
    OTHER_ROWS,
    SAME_ROWS,
    WHAT_NO_BASELINE_MEANS,
    baseline_sentence,
    rows_of,
)
from audit_core.report.regression_tables import change_marks, change_rows, comparisons
from audit_core.report.wording import NOT_DISCRIMINATION, mark_of, sentence, status_word
from pages.ui.controls import csv_button, opened, show_chart, show_table
from pages.ui.verdict import badge

READ = f"""
Each mark is how far a group's rate has moved since the baseline; the bar is the range of changes the data
are compatible with. The dotted line is no change. Where a limit holds for every group, what lies beyond it
is shaded.

- **Only now** and **only before** count the people whom one model selects (or harms) and the other does not:
  on the same rows they alone carry the change, which is why far fewer people are needed there.
- {HOW_TO_READ}
- **By chance beyond the limit**: how often a group would be beyond the limit if neither model were worse.
- {NOT_DISCRIMINATION}
"""


def show_nothing(audit: Audit) -> None:
    """No baseline: what that means, and how to give one."""
    st.info(f"**{NO_BASELINE}** {for_markdown(WHAT_NO_BASELINE_MEANS)}", icon=":material/history:")
    st.markdown(HOW_TO_GIVE_ONE)
    for _, finding in comparisons(audit):
        st.markdown(f"{badge(status_word(finding))} {for_markdown(sentence(finding, audit))}")


def show_result(finding: Finding, audit: Audit) -> None:
    """The check's own result in a sentence."""
    people = people_sentence(finding, audit)
    said = f"**{for_markdown(people)}** " if people else ""
    st.markdown(f"{badge(status_word(finding))} {said}{for_markdown(sentence(finding, audit))}")


def show_row(finding: Finding, row: RegressionRow, audit: Audit) -> None:
    """One rate: the change of every group, the largest gap before and now, and both as a table."""
    marks, key = change_marks(finding, row, audit), f"{row.rate.id}_{row.change}"
    limit = float(finding.limit) if row.change == "rate" and finding.limit is not None else None
    st.header(row.rate.name, anchor=False)
    with st.container(border=True):
        show_chart(change_figure(row, marks, limit), change_alt(row, marks), f"changes_{key}")
        if row.gap is not None:
            mark = mark_of(finding) if row.rate.id == finding.rate else "no_limit"
            show_chart(before_after_figure(row, mark), before_after_alt(row), f"gaps_{key}")
    table = change_rows(finding, row, audit)
    show_table(table, f"The same as a table: {change_alt(row, marks)}")
    csv_button(table, f"{audit.id}-{finding.check}-{row.rate.id}.csv")


def show_comparison(audit: Audit) -> None:
    """One check against the baseline, chosen by what it compares."""
    named = dict(comparisons(audit))
    if not named:
        st.info("No check of the contract compares with the baseline. Add one with against: baseline.")
        return
    chosen = st.selectbox("Comparison", list(named), key="regression_check", width=560)
    finding = named[chosen or next(iter(named))]
    show_result(finding, audit)
    rows = rows_of(finding, audit)
    for row in rows:
        show_row(finding, row, audit)
    if rows:
        with st.expander("How to read this"):
            st.markdown(READ)


audit = opened()
st.title("Against baseline", anchor=False)
baseline = audit.counted.baseline
if baseline is None:
    show_nothing(audit)
else:
    st.markdown(for_markdown(baseline_sentence(baseline)))
    st.caption(SAME_ROWS if baseline.paired is not None else OTHER_ROWS)
    show_comparison(audit)

"""What stands behind a watch: the rates of its groups, its slow changes, and the outcomes themselves."""

from __future__ import annotations

import streamlit as st

from audit_core.decision.followed import Followed
from audit_core.decision.record import Audit
from audit_core.report.charts.trends import trend_alt, trend_figure
from audit_core.report.charts.window_groups import groups_alt, groups_figure, rate_groups
from audit_core.report.escape import for_markdown
from audit_core.report.people import subject_words
from audit_core.report.window_series import WatchSeries
from audit_core.report.window_tables import (
    estimate_rows,
    rate_rows,
    shareable_rows,
    trend_rows,
    window_rows,
)
from audit_core.report.windows import estimate_sentence, fewer_sentence, grown_sentence
from audit_core.report.words import metric_name
from pages.ui.controls import csv_button, show_chart, show_table

READ_GROUPS = """
One panel per group. ● is what was measured in a window, with its interval; ○ has too few people to judge, or
stands on a dotted whisker because its outcomes are still arriving. ▲ beside it is **estimated** from the
scores before any outcome came. The dotted line is the group's rate at release; a hatched window has no
data. Where few people make an interval wide it runs out of its panel; the table holds it whole.
"""
READ_TREND = """
Each window, the gap is set against the release's own and counted in standard errors. What is above half a
standard error is added up. Small changes that no single window shows add up here, and when the sum passes the
dashed limit that is a **trend alarm**, a ticket. The limit was set by simulation so that a model that does
not change raises any alarm over the whole plan as rarely as the plan says. A window with more people than
the limit was made for counts as the number expected: the release's own error would weigh too much otherwise.
"""


def show_groups(followed: Followed, series: WatchSeries, audit: Audit) -> None:
    """The rates of the watch's groups over the windows."""
    metric, subject = series.watch.check.metric, series.watch.subject
    if not subject or not rate_groups(followed, metric, subject):
        return
    st.subheader(f"{metric_name(metric)} of every group", anchor=False)
    alt = groups_alt(followed, metric, subject)
    with st.container(border=True):
        show_chart(groups_figure(followed, metric, subject, audit), alt, "windows_groups")
    with st.expander("How to read this"):
        st.markdown(READ_GROUPS)
    with st.expander("The same as a table"):
        show_table(rate_rows(followed, metric, subject), f"The same as a table: {alt}")
        floor = audit.contract.support.privacy_floor
        kept = shareable_rows(followed, metric, subject, floor)
        csv_button(kept, f"{audit.id}-{metric}-{'-'.join(subject)}-windows.csv")
        st.caption(f"In the file, a group with a count under {floor} people in any window is hidden in all.")


def show_trend(followed: Followed, series: WatchSeries, audit: Audit) -> None:
    """Slow changes of the watch's gap, added up."""
    points = [point for point in followed.trends if point.watch == series.watch.id]
    if not points:
        return
    st.subheader("Slow changes", anchor=False)
    alt = trend_alt(points)
    with st.container(border=True):
        show_chart(trend_figure(points, followed.windows), alt, "windows_trend")
    if grown := grown_sentence(points):
        st.markdown(for_markdown(grown))
    with st.expander("How to read this"):
        st.markdown(READ_TREND)
    with st.expander("The same as a table"):
        rows = trend_rows(followed, series.watch.id)
        show_table(rows, f"The same as a table: {alt}")
        csv_button(rows, f"{audit.id}-{series.watch.id}-trend.csv")


def show_outcomes(followed: Followed, audit: Audit) -> None:
    """Which outcomes are back, and what the scores lead one to expect of those that are not."""
    st.header("Data and outcomes", anchor=False)
    rows = window_rows(followed)
    show_table(rows, "Every window of the plan so far: its days, rows, outcomes and files")
    csv_button(rows, f"{audit.id}-windows.csv")
    if fewer := fewer_sentence(followed):
        st.markdown(for_markdown(fewer))
    if not followed.estimates:
        return
    st.subheader("Estimated before outcomes came", anchor=False)
    st.markdown(for_markdown(estimate_sentence(followed)))
    subjects = list(dict.fromkeys(found.subject for found in followed.estimates))
    for subject in subjects:
        estimates = estimate_rows(followed, subject)
        with st.expander(f"Estimated and observed, by {for_markdown(subject_words(subject))}"):
            show_table(estimates, "What the scores led one to expect, and what the outcomes showed")
            st.caption(
                "*Estimated* rates stand on the scores and on what scores meant at release; they are never "
                "judged. *Observed* is what came since."
            )

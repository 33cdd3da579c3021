"""Windows over time: does the model still do what it did at release?"""

from __future__ import annotations

import streamlit as st

from audit_core.decision.followed import Followed
from audit_core.decision.record import Audit
from audit_core.report.charts.windows import watch_alt, watch_figure
from audit_core.report.escape import for_markdown, visible
from audit_core.report.looser import looser_sentences
from audit_core.report.table_rows import RESULT
from audit_core.report.window_series import WatchSeries, series_of
from audit_core.report.window_tables import watch_rows
from audit_core.report.windows import (
    followed_headline,
    judged_sentence,
    outcomes_sentence,
    release_sentence,
    release_text,
    watch_label,
    watches_in_order,
)
from audit_core.report.words import NOT_DISCRIMINATION, READ_INTERVAL
from pages.ui import windows_found
from pages.ui.controls import csv_button, link, opened, show_chart, show_table
from pages.ui.verdict import badge
from pages.ui.windows_add import show_add
from pages.ui.windows_incidents import show_incidents, show_records
from pages.ui.windows_parts import show_groups, show_outcomes, show_trend

READ = f"""
Each mark is one window, with its interval; the line goes through windows that were judged. The shaded band
is the interval the release itself had, with its value as the dotted line. Dashed lines are the warning and
the limit of the contract.

- **Shape and word repeat the colour**: ● within the limit, ◆ inconclusive, ✕ outside.
- A **hollow** mark on a dotted whisker is of the outcomes that are back so far: shown, never judged.
- A **hatched** window has no data. That is not zero, and by the plan it is an alert of its own.
- ▲ page and △ ticket above a window are alerts that held in it; the mark below tells the sentence.
- A page needs the whole interval beyond the limit. A point beyond it is a ticket: over many windows chance
  alone puts some points there.
- {READ_INTERVAL}
- {NOT_DISCRIMINATION}
"""


def show_headline(followed: Followed) -> None:
    """Which release, by which plan, and the one sentence that matters."""
    st.caption(for_markdown(release_sentence(followed)))
    line = followed_headline(followed)
    st.markdown(f"{badge(line.word)} **{for_markdown(line.sentence)}**")
    told = outcomes_sentence(followed)
    if told:
        st.markdown(for_markdown(told))
    if looser := looser_sentences(followed):
        st.warning("  \n".join(map(for_markdown, looser)), icon=":material/tune:")
    link(
        "pages/plan.py",
        "The monitoring plan of this release",
        ":material/event_repeat:",
    )


def choose_watch(followed: Followed, audit: Audit) -> WatchSeries:
    """Let one watch of the plan be looked at; those with an open alert come first."""
    watches = watches_in_order(followed)
    words = {name: visible(watch_label(followed, name)) for name in watches}
    chosen = st.selectbox("Watch", watches, format_func=words.__getitem__, key="windows_watch", width=640)
    return series_of(followed, chosen or watches[0], audit)


def show_watch(followed: Followed, series: WatchSeries, audit: Audit) -> None:
    """One watch: its last judgement, the chart, and the same as a table."""
    said = f"{judged_sentence(followed, series)} {release_text(series)}"
    st.markdown(for_markdown(said))
    rows, alt = watch_rows(series), watch_alt(series)
    with st.container(border=True):
        show_chart(watch_figure(series), alt, "windows_chart")
        words = dict.fromkeys(row[RESULT] for row in rows)
        st.markdown(" ".join(badge(word) for word in words))
    with st.expander("How to read this"):
        st.markdown(READ)
    show_table(rows, f"The same as a table: {alt}")
    csv_button(rows, f"{audit.id}-{series.watch.id}-windows.csv")


audit = opened()
st.title("Windows over time", anchor=False)
st.caption("Does the model still do what it did at release? Live data, window by window, judged by its plan.")
followed = windows_found.followed_of(audit)
if followed is None:
    windows_found.show_nothing(audit)
    show_add(audit, None)
    st.stop()
show_headline(followed)
show_incidents(followed, audit)
if followed.plan.watches:
    st.header("One watch, window by window", anchor=False)
    series = choose_watch(followed, audit)
    show_watch(followed, series, audit)
    show_groups(followed, series, audit)
    show_trend(followed, series, audit)
show_outcomes(followed, audit)
show_records(followed, audit)
show_add(audit, followed)

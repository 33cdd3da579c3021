"""Group differences: one metric, group by group, around the contract's limit."""

from __future__ import annotations

import streamlit as st

from audit_core.decision.record import Audit
from audit_core.report.charts.compared import GroupGaps, contract_check, group_gaps
from audit_core.report.charts.gaps import gap_alt, gap_figure
from audit_core.report.escape import for_markdown
from audit_core.report.headline import people_sentence
from audit_core.report.score_tables import treatment_rows
from audit_core.report.tables import count_rows, slice_rows
from audit_core.report.wording import NOT_DISCRIMINATION, READ_INTERVAL, VERDICT_WORDS, sentence, status_word
from pages.ui import cached
from pages.ui.controls import csv_button, opened, show_chart, show_table, subject_choice
from pages.ui.limits import limit_slider, reset_limit
from pages.ui.metrics import GROUP_METRICS, metric_choice
from pages.ui.unequal_data import show_decided, show_unknown
from pages.ui.verdict import badge

READ = f"""
Each mark is a group's rate; the bar is its interval, the range of rates the data are compatible with.
The shaded band is the limit of the release contract, drawn around the reference group (dotted line).

- **Shape and word repeat the colour**: ● within the limit, ◆ inconclusive, ✕ outside, ○ too few to
  judge, ■ reference.
- A bar that reaches out of the band is why a group within it can still be inconclusive.
- Each group is set against the reference group here. The check itself compares every pair of groups, so
  its result can be stricter than any single line.
- {READ_INTERVAL}
- {NOT_DISCRIMINATION}
"""


def show_trial(audit: Audit, tried: Audit, key: str) -> None:
    """What the verdict would be; marked so that nobody takes it for the contract's."""
    with st.container(key="trial"):
        word = VERDICT_WORDS[tried.decision.verdict]
        st.markdown(f"**With this limit (not in the contract):** {badge(word)}")
        st.caption(
            f"Under the contract as it stands: {VERDICT_WORDS[audit.decision.verdict]}. Nothing was saved."
        )
        reset_limit(key)


def show_sentence(audit: Audit, gaps: GroupGaps, check_id: str | None) -> None:
    """The check's own result, or that no check limits this metric."""
    finding = audit.finding(check_id, gaps.subject) if check_id else None
    if finding is None:
        st.markdown(
            f"{badge('No limit set')} No check of the contract limits this gap; "
            "the rates are shown as measured."
        )
        return
    people = people_sentence(finding, audit)
    said = f"**{for_markdown(people)}** " if people else ""
    st.markdown(f"{badge(status_word(finding))} {said}{for_markdown(sentence(finding, audit))}")


def show_counts(audit: Audit, gaps: GroupGaps) -> None:
    """One group's people by outcome and decision."""
    st.header("Counts of one group", anchor=False)
    names = {mark.group: mark.name for mark in gaps.marks}
    group = st.selectbox("Group", list(names), format_func=names.__getitem__, key="counts_group", width=360)
    if group is not None:
        rows = count_rows(audit, gaps.subject, group)
        show_table(rows, f"People of {names[group]} by outcome and decision")
        st.caption(
            "“Selected” is what the model or the decision column chose; "
            "every rate on this page is made from these counts."
        )
    errors = treatment_rows(audit, gaps.subject)
    if errors:
        st.subheader("The two errors, group by group", anchor=False)
        show_table(errors, "People wrongly not selected and wrongly selected, by group")
        st.caption(
            "Treatment equality: how many people are wrongly not selected for each one wrongly selected. "
            "Groups with very different numbers meet different errors; no check is decided on it."
        )


audit = opened()
st.title("Group differences", anchor=False)
subjects = [subject for subject in audit.measurements.subjects if len(subject) == 1]
with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
    metric = metric_choice(GROUP_METRICS, "gaps_metric")
    subject = subject_choice("Compare by", subjects, "gaps_subject")
    check = contract_check(audit.contract, subject, metric)
    limit, key = limit_slider(check, subject)
shown = audit
if check is not None and limit is not None:
    shown = cached.tried(audit, cached.key_of(audit), check.id, limit)
    show_trial(audit, shown, key)
gaps = group_gaps(shown, subject, metric)
show_sentence(shown, gaps, check.id if check else None)
with st.container(border=True):
    show_chart(gap_figure(gaps), gap_alt(gaps), "gaps_chart")
    st.markdown(" ".join(badge(word) for word in dict.fromkeys(mark.word for mark in gaps.marks)))
with st.expander("How to read this"):
    st.markdown(READ)
st.header("Every group", anchor=False)
rows = slice_rows(gaps)
show_table(rows, f"The same as a table: {gap_alt(gaps)}")
csv_button(rows, f"{audit.id}-{metric}-groups.csv")
show_unknown(shown, subject, metric, gaps.compare)
show_counts(audit, gaps)
show_decided(audit, subject)

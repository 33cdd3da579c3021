"""Hiring tables: impact ratios as hiring law reads them, and the law's status on the day it was checked."""

from __future__ import annotations

import streamlit as st

from audit_core.contract.schema import Subject
from audit_core.decision.record import Audit
from audit_core.metrics.hiring_tables import HiringTables, SubjectImpact
from audit_core.report.charts.hiring import impact_alt, impact_figure
from audit_core.report.escape import for_markdown
from audit_core.report.hiring import (
    FISHER,
    ONE_MORE,
    category_rows,
    chance_of_gap_sentence,
    chance_rows,
    counted_words,
    disagreement_sentences,
    filed_rows,
    flags_sentence,
    hiring_sentence,
    impact_rows,
    left_out_sentence,
    no_scoring_sentence,
    privacy_sentence,
)
from audit_core.report.law import (
    CHECKED_SENTENCE,
    FOUR_FIFTHS_SCOPE,
    NOT_COVERED,
    NOT_THE_BIAS_AUDIT,
    law_rows,
)
from audit_core.report.people import subject_words
from audit_core.report.words import NOT_DISCRIMINATION
from pages.ui import cached
from pages.ui.controls import csv_button, opened, show_chart, show_table, subject_choice

READ = f"""
Each mark is a group's rate divided by the highest group's rate; the bar is its interval, the range of ratios
the data are compatible with. The dashed line is four fifths, the dotted line the highest group itself.

- **Shape and word repeat the colour**: ◆ below four fifths, ● not below, ■ the reference group.
- Four fifths is compared in exact arithmetic: a ratio of exactly 0.80 is not below it.
- A bar that crosses the line is why a flag, or its absence, may be chance.
- {NOT_DISCRIMINATION}
"""


def show_one(audit: Audit, found: HiringTables, subject: Subject) -> None:
    """One attribute: its chart, its table, and what tells chance from pattern."""
    part = found.of(subject, "selection_rate")
    assert part is not None
    alt, name = impact_alt(part), "-".join(subject)
    with st.container(border=True):
        show_chart(impact_figure(part), alt, "hiring_chart")
    with st.expander("How to read this"):
        st.markdown(READ)
    st.header("Every group", anchor=False)
    rows = impact_rows(part, audit.contract)
    show_table(rows, f"The same as a table: {alt}")
    st.caption(for_markdown(left_out_sentence(part)))
    csv_button(rows, f"{audit.id}-impact-{name}.csv")
    st.header("Chance, and one decision more or less", anchor=False)
    rows = chance_rows(part)
    show_table(rows, f"Exact test and one-more-selected check by {subject_words(subject)}")
    st.caption(f"{FISHER} {ONE_MORE}")
    if chance := chance_of_gap_sentence(part):
        st.caption(for_markdown(chance))
    csv_button(rows, f"{audit.id}-chance-{name}.csv")


def show_categories(audit: Audit, part: SubjectImpact) -> None:
    """One table as New York City's rule lists it."""
    title = f"{counted_words(part, audit.contract)[1]} by {subject_words(part.subject)}"
    st.markdown(f"**{for_markdown(title)}**")
    show_table(category_rows(part, audit.contract), title)


def show_new_york(audit: Audit, found: HiringTables) -> None:
    """Selection and scoring tables of every attribute and combination."""
    st.header("Tables in the form of New York City’s rule", anchor=False)
    st.markdown(NOT_THE_BIAS_AUDIT)
    st.caption(for_markdown(no_scoring_sentence(found)))
    for part in found.selection:
        show_categories(audit, part)
        if scoring := found.of(part.subject, "scoring_rate"):
            show_categories(audit, scoring)
        st.caption(for_markdown(left_out_sentence(part)))
    rows = filed_rows(found, audit.contract)
    csv_button(rows, f"{audit.id}-hiring-tables.csv", "Download all of these tables (CSV)")


audit = opened()
st.title("Hiring tables", anchor=False)
found = cached.hiring_of(audit, cached.key_of(audit))
employment = audit.contract.domain == "employment"
if found is None:
    st.info("There are no decisions by group here, so there is no impact ratio to show.")
    st.stop()
if not employment:
    st.info(FOUR_FIFTHS_SCOPE)
st.markdown(f"**{for_markdown(hiring_sentence(found, audit.contract))}**")
st.markdown(f"{for_markdown(flags_sentence(found))} {NOT_DISCRIMINATION}")
for said in disagreement_sentences(found):
    st.warning(for_markdown(said), icon=":material/warning:")
subjects = [part.subject for part in found.selection]
show_one(audit, found, subject_choice("Compare by", subjects, "hiring_subject"))
if employment:
    show_new_york(audit, found)
st.header("For counsel", anchor=False)
st.markdown(for_markdown(privacy_sentence(found, audit.contract)))
st.markdown(f"**{CHECKED_SENTENCE}**")
rows = law_rows(audit.contract.domain)
show_table(rows, "Law and standards beside what this audit offers, with their status")
st.caption(NOT_COVERED)
csv_button(rows, f"{audit.id}-law.csv")

"""Threshold lab: six ways to set the cut-off of a score, and what each does to people and verdict."""

from __future__ import annotations

from fractions import Fraction

import streamlit as st

from audit_core.contract.schema import Subject
from audit_core.cube.redecide import can_redecide
from audit_core.decision.record import Audit
from audit_core.metrics.thresholds import EQUALISED, PER_GROUP, SHOWN, STRATEGIES, Costs, Strategy, Trial
from audit_core.report.charts.thresholds import threshold_alt, threshold_figure
from audit_core.report.escape import for_markdown
from audit_core.report.thresholds import (
    ONE_THRESHOLD_NOTE,
    OPTIMISTIC,
    STRATEGY_MEANINGS,
    STRATEGY_NAMES,
    cost_sentence,
    lab_caption,
    left_sentence,
    legal_note,
    people_rows,
    people_sentence,
    rate_rows,
    tried_check_rows,
)
from pages.ui import cached
from pages.ui.controls import csv_button, opened, show_chart, show_table, subject_choice
from pages.ui.cuts import free_cuts, show_footer
from pages.ui.metrics import metric_choice
from pages.ui.verdict import badge

READ = """
A hollow square is a group's rate with production's cut-off, a filled circle the same rate with the cut-off
tried; the bars are their intervals, the range of rates the data are compatible with.

- **Closer circles are not yet a result**: the check below compares every pair of groups, with its bounds.
- A strategy aims at everybody's rate in production, and reaches it only as far as the score's bands allow.
- **Now selected** and **no longer selected** count rows whose decision would be another one.
- A group with too few people for a rate keeps production's cut-off.
"""


def choose(audit: Audit) -> tuple[Subject, Strategy, Costs]:
    """The groups, the strategy, and what mistakes cost."""
    subjects = [s for s in audit.measurements.subjects if len(s) == 1 and audit.contract.attribute(s[0])]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        subject = subject_choice("Groups", subjects, "lab_subject")
        strategy = st.selectbox(
            "Strategy", STRATEGIES, format_func=STRATEGY_NAMES.__getitem__, key="lab_strategy", width=330
        )
        no, yes = (
            st.number_input(word, min_value=0.0, max_value=1000.0, value=1.0, step=0.5, key=key, width=170)
            for word, key in (("Cost of a wrong no", "lab_no"), ("Cost of a wrong yes", "lab_yes"))
        )
    costs = Costs(wrong_no=Fraction(str(no)), wrong_yes=Fraction(str(yes)))
    return subject, strategy or "production", costs


def show_strategy(audit: Audit, strategy: Strategy) -> None:
    """What the strategy is, and what stands against it."""
    st.markdown(f"**{STRATEGY_NAMES[strategy]}.** {STRATEGY_MEANINGS[strategy]}")
    note = legal_note(audit.contract, strategy)
    if note:
        st.warning(note, icon=":material/gavel:")
    if strategy == "production":
        return
    words = [badge("Optimistic"), *([badge("Diagnostic only")] if strategy in PER_GROUP else [])]
    st.markdown(" ".join(words))
    st.caption(OPTIMISTIC if note else f"{OPTIMISTIC} {ONE_THRESHOLD_NOTE}")


def show_people(audit: Audit, trial: Trial) -> None:
    """Whose decision changes."""
    st.header("People affected", anchor=False)
    said = [people_sentence(trial, audit.contract), left_sentence(trial), cost_sentence(trial)]
    st.markdown(for_markdown(" ".join(text for text in said if text)))
    rows = people_rows(trial, audit.counted.cube.bands)
    show_table(rows, "People whose decision changes, group by group")
    csv_button(rows, f"{audit.id}-{trial.cuts.strategy}-people.csv")


def show_rates(audit: Audit, trial: Trial) -> None:
    """One rate as a chart, all of them as a table."""
    st.header("Rates before and after", anchor=False)
    aimed_at = EQUALISED.get(trial.cuts.strategy, ())
    metrics = tuple(dict.fromkeys((*aimed_at, *SHOWN)))
    metric = metric_choice(metrics, f"lab_metric_{trial.cuts.strategy}")
    with st.container(border=True):
        show_chart(threshold_figure(trial, metric), threshold_alt(trial, metric), "lab_chart")
    with st.expander("How to read this"):
        st.markdown(READ)
    rows = rate_rows(trial)
    with st.expander("Every rate as a table"):
        show_table(rows, f"The same as a table: {threshold_alt(trial, metric)}")
        csv_button(rows, f"{audit.id}-{trial.cuts.strategy}-rates.csv")


audit = opened()
cube = audit.counted.cube
st.title("Threshold lab", anchor=False)
st.caption(for_markdown(lab_caption(audit)))
if not can_redecide(cube) or not any(audit.contract.attribute(axis.name) for axis in cube.axes):
    st.info(
        "There are no scores with decisions, or no protected attribute, so no other threshold can be tried."
    )
    st.stop()
subject, strategy, costs = choose(audit)
show_strategy(audit, strategy)
free = free_cuts(audit, subject) if strategy == "free" else ()
trial, tried = cached.threshold_trial(audit, cached.key_of(audit), subject, strategy, costs, free)
show_people(audit, trial)
show_rates(audit, trial)
if strategy != "production":
    st.header("Checks that would change", anchor=False)
    show_table(tried_check_rows(audit, tried), "Checks whose numbers change, in production and as tried")
show_footer(audit, tried)

"""Below the panels of Score meaning: slope and intercept, ranking between groups, places in a list."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from audit_core.contract.schema import Subject
from audit_core.decision.record import Audit
from audit_core.metrics.measurements import CalibrationRow
from audit_core.report.numbers import count
from audit_core.report.score_tables import (
    background_rows,
    between_of,
    between_rows,
    exposure_rows,
    fit_rows,
)
from pages.ui.controls import csv_button, show_table

MOST_OPEN = 12

READ_FIT = """
The **slope** and the **intercept** are those of the logistic line from scores to outcomes. Slope 1 and
intercept 0 mean that a score is the chance it claims to be.

- A slope **under 1**: high scores promise too much and low scores too little. **Over 1**: scores are too
  timid.
- **Smooth ECE** is ECE with a smooth kernel in the place of bands.
- **Hosmer–Lemeshow** adds up how far each band's outcomes are from its scores. The column beside it says
  how often a score without any fault would give a number as large.
- They are made from the mean score of each fine band and outcome, and no check is decided on them.
"""

READ_BETWEEN = """
Take one person with a positive outcome from the first group and one with a negative outcome from the
second: **Ranked right** is the share of such pairs in which the first has the higher score, ties counted
half, with its interval. 1 is always right, 0.5 is what chance gives.

- **Low against one group only**: people of the first group with a positive outcome are often scored below
  people of that group with a negative one.
- **BNSP** low: the group's positive outcomes are scored too low. **BPSN** low: its negative outcomes are
  scored too high.
- No check is decided on this table.
"""


def show_fit(audit: Audit, rows: Sequence[CalibrationRow]) -> None:
    """Slope and intercept of every group, with their intervals."""
    table = fit_rows(rows)
    if not table:
        return
    st.header("Slope and intercept", anchor=False)
    st.caption("Are scores too extreme, too timid, or right? Slope 1 and intercept 0 are right.")
    show_table(table, "Slope and intercept of the line from scores to outcomes, by group")
    csv_button(table, f"{audit.id}-slope.csv")
    with st.expander("How to read slope and intercept"):
        st.markdown(READ_FIT)


def show_between(audit: Audit, subject: Subject) -> None:
    """How groups rank against each other; said so where there are too many of them."""
    found = between_of(audit, subject)
    if found is None:
        return
    st.header("Ranking between groups", anchor=False)
    if found.too_many:
        st.caption(
            f"This attribute has {count(found.too_many)} groups. Groups are ranked against each other up to "
            "twenty of them."
        )
        return
    st.caption("Is a positive outcome of one group scored above a negative outcome of another?")
    show_table(background_rows(found), "AUC of every group, inside it and against everybody else")
    pairs = between_rows(found)
    with st.expander("Every pair of groups", expanded=len(pairs) <= MOST_OPEN):
        show_table(pairs, "How often a positive of one group is scored above a negative of another")
        csv_button(pairs, f"{audit.id}-ranking-between-groups.csv")
    with st.expander("How to read the ranking"):
        st.markdown(READ_BETWEEN)


def show_exposure(audit: Audit, subject: Subject) -> None:
    """Where each group stands in a list by score, when a check of the contract asks for it."""
    if not any(check.metric == "exposure" and subject in check.of for check in audit.contract.checks):
        return
    rows = exposure_rows(audit, subject)
    if rows:
        st.header("Place in a list", anchor=False)
        st.caption(
            "Everybody in one list, the highest score first: the first place has exposure 1, the next ones "
            "less and less. The intervals are approximate: they take rows as independent of each other."
        )
        show_table(rows, "Mean exposure of every group in a list by score")
        csv_button(rows, f"{audit.id}-exposure.csv")

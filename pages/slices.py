"""Worst slices: every slice looked at in one half of the rows, and only what the other half confirms."""

from __future__ import annotations

import streamlit as st

from audit_core.decision.record import Audit
from audit_core.metrics.slice_found import SliceHunt
from audit_core.report.charts.slices import slices_alt, slices_figure
from audit_core.report.escape import for_markdown
from audit_core.report.numbers import counted
from audit_core.report.slices import (
    carried_rows,
    carried_word,
    finding_sentence,
    hunt_sentence,
    looked_for,
    ranked_rows,
    visible_sentence,
)
from pages.ui import cached
from pages.ui.controls import csv_button, opened, show_chart, show_table
from pages.ui.metrics import SLICE_METRICS, metric_choice
from pages.ui.verdict import badge

MOST_SHOWN = 12
READ = """
A random half of the rows is searched: every level of every attribute and slice, and all combinations of two
and three that have enough people, each against the rest. What stands out there is **carried over** and
measured again in the other half, which had no part in the search.

- ◆ **seen again**: worse in the held-out half too, after allowing for how many slices were carried over.
  Only these are called a finding. ○ **not seen again**: it stood out once.
- ○ **explained by others**: worse than the rest again, but not shown to be worse than the slices above it,
  with which it shares people, explain.
- The bar is the interval of the difference in the held-out half. The grey tick is the search half: a search
  picks what chance has made large, so its own figures are too large.
- The dotted line is no difference. A slice whose difference is explained by another one, larger or clearer,
  is named under that one and not counted again.
"""
READ_TABLE = """
Everything here is on all rows, and none of the intervals allows for the search: it is a list of **where to
look**, not of what was found.

- The **shrunk rate** draws each slice towards the common rate, small slices the most. That makes a better
  order than the rates as measured, but it **shrinks real gaps too**. It decides nothing.
- **q**: if this slice and all that stand out more clearly in the search half were called different, about
  this share of them would be chance.
"""


def show_found(audit: Audit, hunt: SliceHunt) -> None:
    """What came of the search, in sentences."""
    st.markdown(f"**{for_markdown(hunt_sentence(hunt))}**")
    for one in hunt.findings:
        st.markdown(f"{badge(carried_word(one))} {for_markdown(finding_sentence(one, hunt))}")
    if hunt.findings:
        st.markdown("A difference between slices is a reason to look, not a finding of discrimination.")
    st.caption(for_markdown(visible_sentence(hunt)))
    repeated = audit.counted.intake.repeated
    if repeated:
        st.caption(
            f"{counted(repeated, 'rows')} of the file repeat an id. The halves are made of rows, so a person "
            "may stand in both, and “seen again” then says less than it seems to."
        )


def show_carried(audit: Audit, hunt: SliceHunt) -> None:
    """The slices that stood out, as a chart and as a table."""
    st.header("Seen in one half, measured in the other", anchor=False)
    with st.container(border=True):
        show_chart(slices_figure(hunt), slices_alt(hunt), "slices_chart")
        words = dict.fromkeys(carried_word(one) for one in hunt.carried)
        st.markdown(" ".join(badge(word) for word in words))
    rows = carried_rows(hunt)
    show_table(rows, f"The same as a table. {slices_alt(hunt)}")
    csv_button(rows, f"{audit.id}-{hunt.metric}-slices-held-out.csv")


def show_ranked(audit: Audit, hunt: SliceHunt) -> None:
    """Where to look next, found or not."""
    st.header("Where to look", anchor=False)
    rows = ranked_rows(hunt)
    shown = rows[:MOST_SHOWN]
    st.caption(
        f"The {counted(len(shown), 'slices')} with the worst shrunk rate, of {hunt.looked_at:,} looked at. "
        "Shrinking orders small slices sensibly and makes gaps smaller than they are: it decides nothing."
    )
    show_table(shown, "Slices in the order of their shrunk rate, the worst first, on all rows")
    csv_button(rows, f"{audit.id}-{hunt.metric}-slices.csv")
    with st.expander("How to read this table"):
        st.markdown(READ_TABLE)


audit = opened()
st.title("Worst slices", anchor=False)
metric = metric_choice(SLICE_METRICS, "slices_metric")
with st.spinner("Looking at every slice…"):
    hunt = cached.worst_slices_of(audit, cached.key_of(audit), metric)
st.caption(for_markdown(looked_for(hunt)))
show_found(audit, hunt)
if hunt.carried:
    show_carried(audit, hunt)
with st.expander("How to read this"):
    st.markdown(READ)
if hunt.looked_at:
    show_ranked(audit, hunt)
st.caption(
    "Each metric is a search of its own; looking through all of them finds more by chance than one does. "
    f"The halves are drawn with the seed {hunt.seed:016x}, made from the counts and the metric."
)

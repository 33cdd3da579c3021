"""What the verdict hangs on: the sentence, the map of one check over limit × threshold, and every choice."""

from __future__ import annotations

from fractions import Fraction

import streamlit as st

from audit_core.cube.count_cube import Group
from audit_core.decision.alternatives import Target, references
from audit_core.decision.record import Audit
from audit_core.decision.robustness import Robustness, Setting, targets
from audit_core.report.charts.robustness import robustness_alt, robustness_figure
from audit_core.report.escape import for_markdown, visible
from audit_core.report.people import group_words
from audit_core.report.robustness import (
    DISPLAY_ONLY,
    GRID,
    NEAREST,
    NOT_DISPLAY_ONLY,
    check_hinge_sentence,
    check_words,
    hinge_sentence,
    kind_rows,
    map_rows,
    own_rows,
)
from audit_core.report.thresholds import repeated_sentence
from pages.ui import cached
from pages.ui.controls import csv_button, show_chart, show_table

SUPPORTS = {Fraction(1): "as in the contract", Fraction(1, 2): "half of it", Fraction(2): "twice as much"}
READ = f"""
Each cell is decided anew from the counts of this audit, at its limit and its threshold; the framed cell is
the contract's limit with production's threshold. The mark and the word repeat the colour: ● within, ◆
inconclusive, ✕ outside, ○ too few.

- A verdict that changes next to the frame hangs on that choice. One that does not is robust to it.
- All cells use the same people, so a threshold that looks better here is **optimistic** for new ones.
- {GRID} {NEAREST}
- Compared with one group only, the bounds stay those for every pair, which is stricter than they would need
  to be.
"""
NO_EDGE = "Production's decisions follow no edge of the score's bands"


def show(audit: Audit) -> None:
    """Draw the whole of it."""
    st.header("What the verdict hangs on", anchor=False)
    found = cached.robustness_of(audit, cached.key_of(audit))
    st.markdown(f"**{for_markdown(hinge_sentence(audit, found))}**")
    st.caption(DISPLAY_ONLY if found.reference_is_for_display else NOT_DISPLAY_ONLY)
    named = targets(audit)
    if not named:
        st.caption("No check of this run compares groups, so there is no map to draw.")
        return
    target, verdict = _choose(audit, named)
    setting = _setting(audit, target)
    st.markdown(for_markdown(check_hinge_sentence(audit, found, target)))
    _show_map(audit, target, setting, verdict=verdict)
    _show_choices(audit, found, target)


def _choose(audit: Audit, named: tuple[Target, ...]) -> tuple[Target, bool]:
    words = {target: visible(f"{check_words(audit, target)} ({target[0]})") for target in named}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        target = st.selectbox("Check", named, format_func=words.__getitem__, key="robust_check", width=430)
        shown = st.segmented_control(
            "Cells show",
            ("this check", "the decision"),
            default="this check",
            required=True,
            key="robust_cells",
        )
    return target or named[0], shown == "the decision"


def _setting(audit: Audit, target: Target) -> Setting:
    groups: list[Group] = [(), *references(audit, target[1])]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        support = st.segmented_control(
            "Minimum support", list(SUPPORTS), default=Fraction(1), format_func=SUPPORTS.__getitem__,
            required=True, key="robust_support",
        )  # fmt: skip
        reference = st.selectbox(
            "Compare",
            groups,
            format_func=lambda group: f"only with {group_words(group)}" if group else "every pair of groups",
            key=f"robust_reference_{target[0]}_{'_'.join(target[1])}",
            width=300,
        )
    return Setting(support=support or Fraction(1), reference=reference or ())


def _show_map(audit: Audit, target: Target, setting: Setting, *, verdict: bool) -> None:
    found = cached.robustness_map_of(audit, cached.key_of(audit), target, setting)
    alt = robustness_alt(found, audit, verdict=verdict)
    with st.container(border=True):
        show_chart(robustness_figure(found, audit, verdict=verdict), alt, "robust_chart")
    if audit.counted.people:
        st.caption(for_markdown(repeated_sentence(audit)))
    if len(found.cuts) == 1:
        published = bool(audit.counted.cube.published)
        why = "Published counts hold no scores" if published else NO_EDGE
        st.caption(f"{why}, so no other threshold is shown.")
    with st.expander("How to read this"):
        st.markdown(READ)
    with st.expander("The map as a table"):
        rows = map_rows(found, audit, verdict=verdict)
        show_table(rows, f"The same as a table: {alt}")
        csv_button(rows, f"{audit.id}-{target[0]}-map.csv")
    with st.expander("The numbers behind each threshold"):
        show_table(own_rows(found), "What the check found at each threshold, under the contract's limit")


def _show_choices(audit: Audit, found: Robustness, target: Target) -> None:
    with st.expander(f"Every choice looked at ({len(found.looked_at)})"):
        rows = kind_rows(audit, found, target)
        show_table(rows, "How many alternatives of each kind change the verdict, or this check")
        csv_button(rows, f"{audit.id}-alternatives.csv")

"""A cut-off for each group to move, and the verdict that follows, always in sight."""

from __future__ import annotations

import streamlit as st

from audit_core.contract.schema import Subject
from audit_core.cube.count_cube import Group, is_unknown
from audit_core.cube.redecide import Cut, production_cut
from audit_core.decision.record import Audit
from audit_core.report.escape import for_markdown
from audit_core.report.people import group_words
from audit_core.report.thresholds import SAME_ROWS, cut_words, deciding_sentence
from audit_core.report.words import verdict_word
from pages.ui.verdict import badge

MOST_SLIDERS = 12
AS_IT_IS = -1
"""Stands for production's decisions where they follow no edge, since a slider has no place for nothing."""


def free_cuts(audit: Audit, subject: Subject) -> tuple[tuple[Group, Cut], ...]:
    """Draw a slider for each group, and return the cut-offs that differ from production's."""
    cube = audit.counted.cube
    own = production_cut(cube)
    present = {group for group in cube.groups(subject)[0] if not is_unknown(group)}
    groups = [group for group in audit.measurements.groups_of(subject) if group in present]
    chosen: list[tuple[Group, Cut]] = []
    with st.grid(3, min_column_width=260):
        for place, group in enumerate(groups[:MOST_SLIDERS]):
            cut = _slider(audit, group, f"lab_cut_{'_'.join(subject)}_{place}", own)
            if cut != own:
                chosen.append((group, cut))
    if len(groups) > MOST_SLIDERS:
        st.caption(
            f"The first {MOST_SLIDERS} of {len(groups)} groups can be moved; the others stay as they are."
        )
    return tuple(chosen)


def _slider(audit: Audit, group: Group, key: str, own: Cut) -> Cut:
    bands = audit.counted.cube.bands
    start = AS_IT_IS if own is None else own
    options = [*([AS_IT_IS] if own is None else []), *range(bands.count + 1)]
    found = st.select_slider(
        f"Cut-off of {for_markdown(group_words(group))}",
        options,
        value=start,
        format_func=lambda cut: cut_words(bands, None if cut in (AS_IT_IS, own) else cut),
        key=key,
    )
    return None if found == AS_IT_IS else int(found)


def show_footer(audit: Audit, tried: Audit) -> None:
    """The verdict as tried and the sentence that decides it, at the foot of the window."""
    with st.container(key="lab_verdict"):
        word = verdict_word(tried.decision.verdict, tried.stages)
        if tried.counted.cube == audit.counted.cube:
            st.markdown(f"**Under the contract, with production’s threshold:** {badge(word)}")
        else:
            st.markdown(f"**Under the contract:** {badge(word)} ({SAME_ROWS})")
        st.caption(for_markdown(deciding_sentence(tried)))

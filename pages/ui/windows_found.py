"""Where a release's windows come from: the workspace, or the worked example's six months on first opening."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from audit_core.audit import worked_monitor
from audit_core.audit.example import EXAMPLE_RUNS
from audit_core.decision.followed import Followed
from audit_core.decision.record import Audit
from pages.ui import cached
from pages.ui.controls import telling

HOW = """
A release is followed by a monitoring plan: what is watched, in windows of which length, with which limits,
and who is told. The first command is run once, the second whenever a window of live data is there.

1. `evenhand plan {audit} --out plan.yaml` writes the plan; read it, change it, have it signed.
2. `evenhand monitor --plan plan.yaml --window FILE` counts a window and judges it. The same file twice
   changes nothing, and a file that is sent again with its outcomes takes the place of the first.
3. `evenhand plan {audit} --crontab FILE` writes the lines that run it by the clock.
"""
OR_HERE = "Or add the first window below; the plan is then the one that is proposed for this release."


def clock_of(audit: Audit) -> datetime:
    """Return the clock to judge by: the example's own six months, else now."""
    return EXAMPLE_RUNS[-1] if audit.worked_example else datetime.now(UTC)


def followed_of(audit: Audit) -> Followed | None:
    """Return what following the open release has shown; the example's months are counted on first opening."""
    found = cached.followed_of(audit, clock_of(audit))
    if found is not None or not audit.worked_example:
        return found
    place = st.empty()
    try:
        with place.container(), st.spinner("Six months of the worked example are counted, once"):
            return worked_monitor(cached.workspace(), telling(st.progress(0.0)))
    finally:
        place.empty()


def show_nothing(audit: Audit) -> None:
    """Nobody follows this release yet: say how it is done."""
    st.info("No window of live data has been counted for this release yet.", icon=":material/timeline:")
    st.header("How to follow a release", anchor=False)
    st.markdown(HOW.format(audit=audit.id))  # digits and letters of our own: an escape would show inside code
    if audit.contract.data.window is not None:
        st.markdown(OR_HERE)

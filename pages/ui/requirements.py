"""What a decision rests on besides its checks: requirements people state, and checks of later stages."""

from __future__ import annotations

import streamlit as st

from audit_core.decision.record import Audit
from audit_core.report.escape import one_line
from audit_core.report.wording import check_words
from pages.ui.controls import show_table


def show_requirements(audit: Audit) -> None:
    """What only a person can state."""
    st.header("Requirements", anchor=False)
    rows = [
        {
            "Requirement": state.id.replace("_", " "),
            "Stated": "met" if state.met else "not met",
            "Blocks the release": "yes" if state.blocking else "no",
            "By": "worked out from the data" if state.computed else state.by or "–",
            "Evidence": one_line(state.evidence) or "–",
        }
        for state in audit.requirements
    ]
    show_table(rows, "Requirements of the contract")


def show_later(audit: Audit) -> None:
    """Checks of stages that come after release."""
    later = [check for check in audit.contract.checks if check.stage not in audit.stages]
    if later:
        st.header("Not part of this decision", anchor=False)
        st.caption("Checks of later stages, which watch the model once it is released.")
        rows = [
            {"Check": check.id, "Stage": check.stage, "Asks": check_words(check), "Owner": check.owner}
            for check in later
        ]
        show_table(rows, "Checks of later stages")

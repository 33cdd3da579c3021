"""What chance does to the checks of a contract, beneath its text."""

from __future__ import annotations

import streamlit as st

from audit_core.contract.schema import ReleaseContract
from audit_core.decision.record import Audit
from audit_core.report.escape import for_markdown
from audit_core.report.lint_words import caution_sentence
from pages.ui.cached import cautions_of

FIRST = 3
WITH_DATA = "Groups and rates are those of the open audit."
WITHOUT = "Without data, groups are those the contract lists and rates are taken to be 50 and 85 %."
NONE_FOUND = "No statistical warnings: chance alone decides none of these checks at the contract's minimum."


def show_lint(contract: ReleaseContract, audit: Audit | None) -> None:
    """The linter's warnings, the first few in sight."""
    cautions = cautions_of(contract, audit)
    st.header("What chance does to these checks", anchor=False)
    if not cautions:
        st.caption(NONE_FOUND)
        return
    lines = [
        f"- **Line {caution.line}, {for_markdown(caution.check)}.** {for_markdown(caution_sentence(caution))}"
        for caution in cautions
    ]
    st.caption(f"{WITH_DATA if audit is not None else WITHOUT} Warnings change no decision.")
    st.markdown("\n".join(lines[:FIRST]))
    if lines[FIRST:]:
        with st.expander(f"{len(lines) - FIRST} more warnings"):
            st.markdown("\n".join(lines[FIRST:]))

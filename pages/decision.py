"""Release decision: the contract line by line, and every ground of the verdict."""

from __future__ import annotations

import streamlit as st

from audit_core.decision.record import Audit
from audit_core.report.escape import for_markdown, one_line
from audit_core.report.tables import check_rows
from audit_core.report.wording import (
    VERDICT_MARKS,
    VERDICT_WORDS,
    check_words,
    explain,
    ground_sentence,
    status_word,
)
from pages.ui.controls import csv_button, link, opened, show_table
from pages.ui.verdict import BANNER_KEYS, badge, icon

EVIDENCE = """
**Evidence word.** *Confirmed*: the result holds even after allowing for chance. *Not confirmed*: the
measured value points this way, but chance alone could account for it. *Too little data*: fewer people
than the contract requires. **Found** is the measured value; “at least” and “at most” are the bounds
that are compared with the limit.
"""


def show_verdict(audit: Audit) -> None:
    """The verdict and every ground of it, the weightiest first."""
    mark = VERDICT_MARKS[audit.decision.verdict]
    with st.container(key=BANNER_KEYS.get(mark, "banner_open")):
        st.header(f"{icon(mark)} {VERDICT_WORDS[audit.decision.verdict]}", anchor=False)
        reasons = audit.decision.reasons
        if not reasons:
            st.markdown("Every check of the contract is shown to be within its limit.")
        first, rest = reasons[:3], reasons[3:]
        st.markdown("\n".join(f"- {for_markdown(ground_sentence(reason, audit))}" for reason in first))
        if rest:
            with st.expander(f"{len(rest)} more reasons"):
                st.markdown("\n".join(f"- {for_markdown(ground_sentence(reason, audit))}" for reason in rest))


def one_cell(row: dict[str, str]) -> dict[str, str]:
    """A line with the check's name and what it measures in one cell, to leave room for the others."""
    rest = {name: value for name, value in row.items() if name not in ("Check", "What")}
    return {"Check": f"{row['Check']}: {row['What']}"} | rest


def show_checks(audit: Audit) -> None:
    """Every check: what it found, its limit, and what it would take."""
    st.header("The contract, line by line", anchor=False)
    rows = check_rows(audit)
    with st.container(key="checks"):
        show_table([one_cell(row) for row in rows], "Every check of the contract with its result")
    csv_button(rows, f"{audit.id}-checks.csv")
    with st.expander("How to read this"):
        st.markdown(EVIDENCE)


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


def show_explained(audit: Audit) -> None:
    """Each check in plain words."""
    st.header("Each check explained", anchor=False)
    for check in dict.fromkeys(finding.check for finding in audit.findings):
        words = dict.fromkeys(status_word(finding) for finding in audit.findings if finding.check == check)
        with st.expander(f"{for_markdown(check)} {' '.join(badge(word) for word in words)}"):
            for paragraph in explain(audit, check).split("\n\n"):
                st.markdown(for_markdown(paragraph))


audit = opened()
contract = audit.contract
st.title("Release decision", anchor=False)
st.caption(
    for_markdown(
        f"{contract.id}, version {contract.version} ({contract.status}); stages {', '.join(audit.stages)}"
    )
)
show_verdict(audit)
show_checks(audit)
show_requirements(audit)
show_later(audit)
show_explained(audit)
link("pages/contract.py", "See the contract itself", ":material/contract:")

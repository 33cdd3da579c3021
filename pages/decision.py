"""Release decision: the contract line by line, and every ground of the verdict."""

from __future__ import annotations

import streamlit as st

from audit_core.decision.record import Audit
from audit_core.report.action import action_lines, window_lines
from audit_core.report.escape import for_markdown
from audit_core.report.tables import check_rows
from audit_core.report.wording import (
    VERDICT_MARKS,
    explain,
    ground_sentence,
    status_word,
    verdict_word,
)
from pages.ui import conflicts, robustness
from pages.ui.collection import show_collection
from pages.ui.controls import csv_button, link, opened, show_table
from pages.ui.requirements import show_later, show_requirements
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
        st.header(f"{icon(mark)} {verdict_word(audit.decision.verdict, audit.stages)}", anchor=False)
        reasons = audit.decision.reasons
        if not reasons:
            st.markdown("Every check of the contract is shown to be within its limit.")
        first, rest = reasons[:3], reasons[3:]
        st.markdown("\n".join(f"- {for_markdown(ground_sentence(reason, audit))}" for reason in first))
        show_listed("Judged on", window_lines(audit))
        if rest:
            with st.expander(f"{len(rest)} more reasons"):
                st.markdown("\n".join(f"- {for_markdown(ground_sentence(reason, audit))}" for reason in rest))
        show_listed("What the contract says to do now", action_lines(audit))


def show_listed(title: str, lines: tuple[str, ...]) -> None:
    """A titled list, or nothing where it is empty."""
    if lines:
        st.markdown("\n".join((f"**{title}**", "", *(f"- {for_markdown(line)}" for line in lines))))


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
show_collection(audit)
robustness.show(audit)
conflicts.show(audit)
show_requirements(audit)
show_later(audit)
show_explained(audit)
link("pages/contract.py", "See the contract itself", ":material/contract:")

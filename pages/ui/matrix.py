"""What a contract checks and what it does not, and where its evidence comes from, under its text."""

from __future__ import annotations

import streamlit as st

from audit_core.contract.evaluation_sources import NEVER_APPROVES
from audit_core.contract.schema import ReleaseContract
from audit_core.decision.record import Audit
from audit_core.report.escape import for_markdown
from audit_core.report.evaluations import READ_EVALUATIONS, catalogue_rows, evaluation_rows, source_rows
from audit_core.report.matrix import READ_MATRIX, matrix_rows, not_checked
from pages.ui.controls import csv_button, show_table


def show_matrix(contract: ReleaseContract) -> None:
    """The checks by stage, and what nobody looks at."""
    st.header("What is checked, and when", anchor=False)
    unseen = not_checked(contract)
    if unseen:
        st.markdown("\n".join(f"- {for_markdown(text)}" for text in unseen))
    else:
        st.markdown("Every attribute, the guardrails, drift and the time after release have a check.")
    rows = matrix_rows(contract)
    show_table(rows, "Checks of the contract by what they measure and by stage of the release")
    with st.expander("How to read this"):
        st.markdown(READ_MATRIX)
    csv_button(rows, f"{contract.id}-checks.csv")


def show_sources(contract: ReleaseContract, audit: Audit | None) -> None:
    """Where evidence comes from: the contract's sources, results that were given, the catalogue."""
    st.header("Evaluation sources", anchor=False)
    declared = source_rows(contract)
    if declared:
        show_table(declared, "Sources of evidence the contract draws on, with what each cannot show")
    else:
        st.markdown("The contract lists no source of evidence. Add `evaluation_sources` to its text.")
    given = evaluation_rows(audit) if audit is not None else []
    if given:
        st.subheader("Results given with the open audit", anchor=False)
        show_table(given, "Results of benchmarks, each with its cases, its range and its limit")
        with st.expander("How to read this"):
            st.markdown(READ_EVALUATIONS)
    else:
        st.caption(f"Results are given under Data and model, as a CSV. {NEVER_APPROVES}")
    with st.expander("Catalogue of sources: what each tests, and what it cannot show"):
        show_table(catalogue_rows(), "Kinds of evaluation sources with the layer each tests and its limit")

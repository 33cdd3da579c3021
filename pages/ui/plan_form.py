"""The test plan as a form: from the harm to the metric that decides, with its reason."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from audit_core.contract.schema import ReleaseContract
from audit_core.contract.test_plan import PLAN_METRICS, PROPOSALS, missing_checks
from audit_core.contract.test_plan_edit import plan_changes
from audit_core.report.escape import for_markdown, visible
from audit_core.report.people import subject_words
from audit_core.report.test_plan import metric_words, plan_sentence, plan_warnings
from audit_core.report.words import metric_name
from pages.ui.editing import add_checks, write_plan
from pages.ui.questions import KEYS, RULES, start_fields, subjects_of, told
from pages.ui.roles import HARMED

KEPT = "session"
"""What was typed outlives a look at another screen."""


def show_plan_form(contract: ReleaseContract) -> None:
    """Ask about decision and harm, propose metrics, and offer to write the answers into the text."""
    st.header("Test plan", anchor=False)
    st.caption("Plain questions about the decision and its harm. The answers go into the contract’s text.")
    start_fields(contract)
    _ask_decision()
    _ask_harm()
    _ask_metrics(contract)
    _ask_limit(contract)
    reasoned = bool(told().reason.strip())
    wanted = plan_changes(contract, told(), today())
    st.button(
        "Put these answers into the text", icon=":material/edit_note:", disabled=not (wanted and reasoned),
        on_click=write_plan, args=(today(),), key="put_answers",
    )  # fmt: skip
    st.caption("The text does not hold these answers yet." if wanted else "The text holds these answers.")
    _show_missing(contract)


def today() -> str:
    """The day to record beside a changed plan."""
    return datetime.now(UTC).date().isoformat()


def _ask_decision() -> None:
    st.text_input("What does the model decide?", key=KEYS["question"], persist_state=KEPT)
    st.text_input("About whom?", key=KEYS["population"], persist_state=KEPT)


def _ask_harm() -> None:
    st.text_area(
        "What does a wrong decision do to the person?", key=KEYS["harm"], height=80, persist_state=KEPT
    )
    st.radio(
        "Who is harmed by a mistake of the model?", list(HARMED), format_func=HARMED.__getitem__,
        key=KEYS["harmed"], persist_state=KEPT,
    )  # fmt: skip


def _ask_metrics(contract: ReleaseContract) -> None:
    """The metrics the harm asks for, which may be changed, and why."""
    answers = told()
    proposal = PROPOSALS[answers.harmed_by]
    guards = ", ".join(map(metric_words, proposal.guardrails))
    beside = f", with {guards} as guardrail" if guards else ", which holds both error rates"
    st.markdown(f"**Proposed for this harm:** {metric_words(proposal.primary)}{beside}.")
    st.multiselect(
        "Whose groups are compared?", subjects_of(contract), format_func=subject_words, key=KEYS["groups"],
        persist_state=KEPT, placeholder="Choose attributes",
    )  # fmt: skip
    st.selectbox(
        "Primary metric", PLAN_METRICS, format_func=metric_name, key=KEYS["primary"], persist_state=KEPT
    )
    st.multiselect(
        "Guardrails", PLAN_METRICS, format_func=metric_name, key=KEYS["guardrails"], persist_state=KEPT,
        placeholder="Choose metrics", help="What a repair of the primary metric may not make worse.",
    )  # fmt: skip
    st.text_area("Why these metrics?", key=KEYS["reason"], height=170, persist_state=KEPT)
    if not told().reason.strip():
        st.caption("Write a reason: these metrics are not the ones proposed for the harm.")
    roles = [role.id for role in contract.roles]
    st.selectbox("Who decided this?", roles, format_func=visible, key=KEYS["by"], persist_state=KEPT)


def _ask_limit(contract: ReleaseContract) -> None:
    st.number_input(
        "How large a gap between groups may remain, in points?", 0.0, 100.0, step=0.5, key=KEYS["limit"],
        persist_state=KEPT,
    )  # fmt: skip
    st.radio(
        "The measured gap is outside the limit, but chance could account for it. What then?", list(RULES),
        format_func=RULES.__getitem__, key=KEYS["rule"], persist_state=KEPT,
    )  # fmt: skip
    st.caption(f"In the text now: {for_markdown(plan_sentence(contract))}")


def _show_missing(contract: ReleaseContract) -> None:
    """What the plan in the text lacks, and the checks that would fill it."""
    for warning in plan_warnings(contract):
        st.warning(for_markdown(warning), icon=":material/shield:")
    missing = missing_checks(contract)
    if missing:
        names = ", ".join(metric_words(one.metric) for one in missing)
        st.button(
            "Add the missing checks to the text", icon=":material/playlist_add:", on_click=add_checks,
            help=f"A check of {names}, with the limit of the primary check; change it in the text.",
            key="add_checks",
        )  # fmt: skip

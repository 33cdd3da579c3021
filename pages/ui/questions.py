"""Three plain questions about a contract, and the places of its text that they change."""

from __future__ import annotations

from fractions import Fraction

import streamlit as st

from audit_core.contract.schema import ReleaseContract
from audit_core.report.limits import check_words
from audit_core.report.wording import metric_name
from pages.ui.roles import HARMED

Changes = dict[tuple[str | int, ...], object]
PRIMARY = {"wrong_no": "tpr", "wrong_yes": "fpr", "both": "equalized_odds"}
GUARDS = {"tpr": "fpr", "fpr": "tpr"}
RULES = {
    "point": "Block the release until the data show that it is within the limit",
    "confirmed": "Leave it open until the data show that it is outside the limit",
}


def ask(contract: ReleaseContract) -> Changes:
    """Ask the three questions; return what the answers change in the contract's text."""
    harmed = st.radio(
        "Who is harmed by a mistake of the model?",
        list(HARMED),
        index=list(HARMED).index(contract.decision.harmed_by),
        format_func=HARMED.__getitem__,
        key="ask_harm",
    )
    primary = next((check for check in contract.checks if check.primary), None)
    start = primary.limit.max if primary is not None and primary.limit.max is not None else Fraction(1, 10)
    limit = st.number_input(
        "How large a gap between groups may remain, in points?",
        0.0,
        50.0,
        float(100 * start),
        0.5,
        key="ask_limit",
    )
    rule = st.radio(
        "The measured gap is outside the limit, but chance could account for it. What then?",
        list(RULES),
        index=list(RULES).index(contract.statistics.fail_rule),
        format_func=RULES.__getitem__,
        key="ask_rule",
    )
    metric = PRIMARY[harmed]
    guard = GUARDS.get(metric)
    told = f"Primary metric: {metric_name(metric).lower()}"
    st.caption(
        told
        + (
            f", with {metric_name(guard).lower()} as guardrail."
            if guard
            else ", which holds both error rates."
        )
    )
    return changes(contract, harmed, Fraction(str(limit)) / 100, rule)


def changes(contract: ReleaseContract, harmed: str, limit: Fraction, rule: str) -> Changes:
    """Return the changes to a contract that three answers ask for; equal answers change nothing."""
    wanted: Changes = {}
    if harmed != contract.decision.harmed_by:
        wanted["decision", "harmed_by"] = harmed
    if rule != contract.statistics.fail_rule:
        wanted["statistics", "fail_rule"] = rule
    for place, check in enumerate(contract.checks):
        if check.primary and check.metric in PRIMARY.values():
            wanted |= _primary(place, check.metric, PRIMARY[harmed])
            if check.limit.max is not None and limit != check.limit.max:
                wanted["checks", place, "limit", "max"] = f"{float(limit):g}"
    return wanted


def _primary(place: int, now: str, metric: str) -> Changes:
    """A named criterion is compared in its own way; the two rates are compared by difference."""
    if now == metric:
        return {}
    return {("checks", place, "metric"): metric}


def missing_guard(contract: ReleaseContract) -> str:
    """Return the sentence for a primary check that no other check of the opposite error guards, or ""."""
    primary = next((check for check in contract.checks if check.primary), None)
    guard = GUARDS.get(primary.metric) if primary else None
    if primary is None or guard is None:
        return ""
    if any(check.metric == guard and set(check.of) & set(primary.of) for check in contract.checks):
        return ""
    return (
        f"“{check_words(primary)}” has no guardrail: a gap can be closed by opening the other one. "
        f"Add a check of {metric_name(guard).lower()}."
    )

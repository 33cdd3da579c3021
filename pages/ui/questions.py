"""The questions of the test plan: what the fields of the form hold, and what they were told.

A field starts with what the contract's text says and follows it for as long as nobody has typed in it. What
was typed stays, on other screens too, until it is written into the text or given up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from audit_core.contract.schema import ReleaseContract, Subject
from audit_core.contract.test_plan import PROPOSALS, plan_of, plan_subjects
from audit_core.contract.test_plan_edit import PlanAnswers, primary_limit
from pages.ui import session

RULES = {
    "point": "Block the release until the data show that it is within the limit",
    "confirmed": "Leave it open until the data show that it is outside the limit",
}
FIELDS = (
    "question", "population", "harm", "harmed", "groups", "primary", "guardrails", "reason", "by", "limit",
    "rule",
)  # fmt: skip
KEYS: Mapping[str, str] = {field: f"ask_{'harm_text' if field == 'harm' else field}" for field in FIELDS} | {
    "harmed": "ask_harm"
}


def start_fields(contract: ReleaseContract) -> None:
    """Give every field what the text says, or what the harm asks for; what was typed stays.

    Called once a run, before the first field is drawn.
    """
    plan, decision = plan_of(contract), contract.decision
    stated: dict[str, Any] = {
        "question": decision.question,
        "population": decision.population,
        "harm": decision.harm,
        "harmed": decision.harmed_by,
        "groups": [group for group in plan_subjects(contract) if group in subjects_of(contract)],
        "by": plan.by or contract.author,
        "limit": float(100 * primary_limit(contract)),
        "rule": contract.statistics.fail_rule,
    }
    for field, value in stated.items():
        _follow(field, value)
    _keep_known(contract)
    harmed = session.widget(KEYS["harmed"])
    proposal = PROPOSALS[harmed]
    same_harm = harmed == decision.harmed_by
    _follow("primary", plan.primary if same_harm else proposal.primary)
    primary = session.widget(KEYS["primary"])
    guards = plan.guardrails if same_harm and primary == plan.primary else proposal.guardrails
    _follow("guardrails", [metric for metric in guards if metric != primary])
    chosen = (primary, tuple(session.widget(KEYS["guardrails"])))
    said = plan.reason if same_harm and chosen == (plan.primary, plan.guardrails) else ""
    proposed = proposal.reason if chosen == (proposal.primary, proposal.guardrails) else ""
    _follow("reason", said or proposed)


def told() -> PlanAnswers:
    """Return what the fields hold now; `start_fields` has given each of them something."""
    held = {field: session.widget(key) for field, key in KEYS.items()}
    return PlanAnswers(
        question=held["question"],
        population=held["population"],
        harm=held["harm"],
        harmed_by=held["harmed"],
        groups=tuple(held["groups"]),
        primary=held["primary"],
        guardrails=tuple(metric for metric in held["guardrails"] if metric != held["primary"]),
        reason=held["reason"],
        by=held["by"],
        limit=Fraction(str(held["limit"])) / 100,
        fail_rule=held["rule"],
    )


def forget_fields() -> None:
    """Drop what was typed; the fields follow the text again."""
    for key in KEYS.values():
        session.drop_widget(key)
        session.drop_widget(f"{key}_stated")


def subjects_of(contract: ReleaseContract) -> Sequence[Subject]:
    """Return everything whose groups a plan can compare: attributes, slices, combinations, pair variants."""
    declared: list[Subject] = [(attribute.name,) for attribute in contract.data.attributes]
    declared += [(name,) for name in contract.data.slices]
    declared += list(contract.data.intersections)
    declared += [subject for check in contract.checks for subject in check.of]
    return tuple(dict.fromkeys(declared))


def _keep_known(contract: ReleaseContract) -> None:
    """Take out of the fields what the text no longer declares; a list can't show it."""
    known, roles = subjects_of(contract), [role.id for role in contract.roles]
    groups = session.widget(KEYS["groups"])
    if not set(groups) <= set(known):
        session.set_widget(KEYS["groups"], [group for group in groups if group in known])
    if session.widget(KEYS["by"]) not in roles:
        session.set_widget(KEYS["by"], contract.author)


def _follow(field: str, stated: Any) -> None:
    """Set a field that nobody has typed in to what is stated for the open audit."""
    key = KEYS[field]
    audit_id = session.read().audit_id
    before = session.widget(f"{key}_stated", (audit_id, None))
    now = session.widget(key)
    if now is None or before[0] != audit_id or now == before[1]:
        session.set_widget(key, stated)
    session.set_widget(f"{key}_stated", (audit_id, stated))

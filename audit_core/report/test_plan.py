"""The test plan in words: what decides, what guards it and why; and what the plan still lacks."""

from __future__ import annotations

from typing import Any

from audit_core.contract.schema import ReleaseContract, Subject
from audit_core.contract.test_plan import (
    PROPOSALS,
    is_primary_marked,
    missing_checks,
    parts_of,
    plan_of,
    plan_subjects,
)
from audit_core.report.escape import one_line
from audit_core.report.people import subject_words
from audit_core.report.table_rows import NONE, Rows
from audit_core.report.words import lower_first, metric_name, names_text

HARMED_WORDS = {
    "wrong_no": "someone wrongly refused (a wrong no)",
    "wrong_yes": "someone wrongly flagged or accepted (a wrong yes)",
    "both": "both about equally",
}
NOT_STATED = "The contract states no test plan; the metrics follow from its harm and its primary checks."


_PARTS = {"primary": "the primary metric", "guardrail": "a guardrail"}


def metric_words(metric: str) -> str:
    """Return a metric's name as it stands inside a sentence; an abbreviation keeps its capitals."""
    name = metric_name(metric)
    return lower_first(name)


def plan_sentence(contract: ReleaseContract) -> str:
    """Return “Primary metric: true positive rate; guardrail: false positive rate.”"""
    plan = plan_of(contract)
    guards = names_text([metric_words(metric) for metric in plan.guardrails])
    held = ", which holds both error rates" if plan.primary == "equalized_odds" else ", without a guardrail"
    return f"Primary metric: {metric_words(plan.primary)}" + (
        f"; guardrail: {guards}." if guards else f"{held}."
    )


def plan_rows(contract: ReleaseContract) -> Rows:
    """Return the plan as a table: question, answer."""
    plan, decision = plan_of(contract), contract.decision
    guards = [metric_name(metric) for metric in plan.guardrails]
    said = {
        "Decision": one_line(decision.question),
        "About whom": one_line(decision.population),
        "Harm": one_line(decision.harm),
        "Who is harmed by a mistake": HARMED_WORDS[decision.harmed_by],
        "Groups compared": subjects_text(plan_subjects(contract)),
        "Primary metric": metric_name(plan.primary),
        "Guardrails": ", ".join(guards) or NONE,
        "Reason": one_line(plan.reason) or NOT_STATED,
        "Chosen by": ", ".join(part for part in (plan.by, plan.date) if part) or NONE,
    }
    return [{"Question": question, "Answer": answer} for question, answer in said.items()]


def plan_warnings(contract: ReleaseContract) -> tuple[str, ...]:
    """Return what the plan lacks: checks that are missing, a metric that does not follow from the harm."""
    plan = plan_of(contract)
    found = [
        f"The test plan names {metric_words(missing.metric)} as {_PARTS[missing.part]}, but no check limits "
        f"its gap by {subjects_text(missing.subjects)} before a release."
        for missing in missing_checks(contract)
    ]
    if not is_primary_marked(contract):
        found.append(
            f"The checks marked primary are not those of {metric_words(plan.primary)}, the plan’s "
            "primary metric; mark the one that is."
        )
    wanted = PROPOSALS[contract.decision.harmed_by]
    if parts_of(plan.primary) != parts_of(wanted.primary):
        found.append(
            f"The harm is {HARMED_WORDS[contract.decision.harmed_by]}, which speaks for "
            f"{metric_words(wanted.primary)}; the plan rests on {metric_words(plan.primary)}. "
            "Its reason should say why."
        )
    named = frozenset[str]().union(*(parts_of(metric) for metric in plan.guardrails))
    bare = [m for m in wanted.guardrails if not parts_of(m) <= named | parts_of(plan.primary)]
    found += [
        f"The plan has no guardrail of {metric_words(metric)}: a gap can be closed by opening another."
        for metric in bare
    ]
    return tuple(found)


def encode_plan(contract: ReleaseContract) -> dict[str, Any]:
    """Return the plan as plain values; `stated` is false where it only follows from the checks."""
    plan = plan_of(contract)
    return {
        "stated": contract.test_plan is not None,
        "primary": plan.primary,
        "guardrails": list(plan.guardrails),
        "groups": [list(subject) for subject in plan_subjects(contract)],
        "reason": plan.reason or None,
        "by": plan.by or None,
        "date": plan.date or None,
        "warnings": list(plan_warnings(contract)),
    }


def subjects_text(subjects: tuple[Subject, ...]) -> str:
    """Return subjects as a list a person reads."""
    return names_text([subject_words(subject) for subject in subjects]) or NONE

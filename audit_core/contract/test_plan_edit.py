"""The answers of the test plan's form, written into the contract's text; every other character stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from audit_core.contract.compose import composed, decoded
from audit_core.contract.schema import Check, FailRule, ReleaseContract, Subject, free_id
from audit_core.contract.test_plan import (
    DEFAULT_LIMIT,
    Harmed,
    MissingCheck,
    compares_groups,
    missing_checks,
    parts_of,
    plan_subjects,
)
from audit_core.contract.yaml import edit_contract, parse_contract

Changes = dict[tuple[str | int, ...], object]
_WHY = {
    "primary": "The metric that stands for the main harm.",
    "guardrail": "Guardrail: closing one gap by opening another is no repair.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanAnswers:
    """What the form was told. `limit` is the largest gap of the primary metric, 0–1; `by` may be ""."""

    question: str
    population: str
    harm: str
    harmed_by: Harmed
    groups: tuple[Subject, ...]
    primary: str
    guardrails: tuple[str, ...]
    reason: str
    by: str
    limit: Fraction
    fail_rule: FailRule


def plan_changes(contract: ReleaseContract, answers: PlanAnswers, today: str) -> Changes:
    """Return the places of the text that the answers change; equal answers change nothing.

    Parameters
    ----------
    today
        The day to record beside a changed plan, ISO 8601.
    """
    wanted: Changes = {}
    for key in ("question", "population", "harm", "harmed_by"):
        said = getattr(answers, key).strip()
        if said and said != getattr(contract.decision, key):
            wanted["decision", key] = said
    if answers.fail_rule != contract.statistics.fail_rule:
        wanted["statistics", "fail_rule"] = answers.fail_rule
    return wanted | _primary_changes(contract, answers) | _section_changes(contract, answers, today)


def edited_plan(text: bytes, changes: Mapping[tuple[str | int, ...], object]) -> bytes:
    """Return the contract's text with these changes; a section it lacks is added.

    Raises
    ------
    ContractError
        The text can't be read, or the result would have a problem it does not have yet.
    """
    characters, _ = decoded(text)
    root = composed(characters)[0] if characters is not None else None
    placed: Changes = {}
    for path, value in changes.items():
        if len(path) > 1 and root is not None and root.get(str(path[0])) is None:
            section: Any = placed.setdefault(path[:1], {})
            section[path[1]] = value
        else:
            placed[path] = value
    return edit_contract(text, placed)


def with_missing_checks(text: bytes, name: str = "contract") -> bytes:
    """Return the contract's text with one check for each metric of its plan that no check limits.

    Raises
    ------
    ContractError
        The text has problems, or no role could answer for a new check.
    """
    contract = parse_contract(text, name)
    added: Changes = {}
    taken = {check.id for check in contract.checks}
    for missing in missing_checks(contract):
        check = _new_check(contract, missing, taken)
        taken.add(str(check["id"]))
        added["checks", len(contract.checks) + len(added)] = check
    return edit_contract(text, added)


def primary_limit(contract: ReleaseContract) -> Fraction:
    """Return the largest gap the primary check allows, a tenth where there is none."""
    found = next((c.limit.max for c in contract.checks if c.primary and c.limit.max is not None), None)
    return found if found is not None else DEFAULT_LIMIT


def _section_changes(contract: ReleaseContract, answers: PlanAnswers, today: str) -> Changes:
    """The test plan itself; a changed one carries who changed it and when."""
    plan = contract.test_plan
    wanted: dict[str, object] = {
        "primary": answers.primary,
        "guardrails": list(answers.guardrails),
        "groups": [_subject(subject) for subject in answers.groups],
        "reason": answers.reason.strip(),
    }
    if plan is None:
        wanted |= {"by": answers.by} if answers.by else {}
        return {("test_plan", key): value for key, value in (wanted | {"date": today}).items() if value}
    now: dict[str, object] = {
        "primary": plan.primary,
        "guardrails": list(plan.guardrails),
        "groups": [_subject(subject) for subject in plan_subjects(contract)],
        "reason": plan.reason,
    }
    changed: Changes = {
        ("test_plan", key): value
        for key, value in wanted.items()
        if value != now[key] and (value or now[key]) and (value or key != "reason")
    }
    if answers.by and answers.by != plan.by:
        changed["test_plan", "by"] = answers.by
    if changed and plan.date != today:
        changed["test_plan", "date"] = today
    return changed


def _primary_changes(contract: ReleaseContract, answers: PlanAnswers) -> Changes:
    """The checks marked primary follow the plan: the mark moves to those that limit its metric.

    Where none does, the marked check takes the new metric, unless the plan still needs its old one as a
    guardrail; then a check is missing, and the form offers to add it.
    """
    wanted: Changes = {}
    marked = [(place, check) for place, check in enumerate(contract.checks) if check.primary]
    keep, moved = _kept(marked, answers.primary), list[int]()
    if not keep:
        moved = [p for p, c in enumerate(contract.checks) if compares_groups(c) and _is(c, answers.primary)]
    guards = frozenset[str]().union(*(parts_of(metric) for metric in answers.guardrails))
    for place, check in marked:
        if place in keep:
            continue
        if moved or parts_of(check.metric) <= guards:
            wanted["checks", place, "primary"] = None
        elif compares_groups(check):
            wanted["checks", place, "metric"] = answers.primary
            moved.append(place)
    wanted |= {("checks", place, "primary"): True for place in moved if not contract.checks[place].primary}
    if answers.limit != primary_limit(contract):
        limit = f"{float(answers.limit):g}"
        limited = [place for place in keep or moved if contract.checks[place].limit.max is not None]
        wanted |= {("checks", place, "limit", "max"): limit for place in limited}
    return wanted


def _kept(marked: Sequence[tuple[int, Check]], metric: str) -> list[int]:
    """Places of the marked checks that already limit the metric; equalized odds can be two checks."""
    mine = [(place, check) for place, check in marked if parts_of(check.metric) <= parts_of(metric)]
    limited = frozenset[str]().union(*(parts_of(check.metric) for _, check in mine))
    return [place for place, _ in mine] if limited == parts_of(metric) else []


def _is(check: Check, metric: str) -> bool:
    return parts_of(check.metric) == parts_of(metric)


def _new_check(contract: ReleaseContract, missing: MissingCheck, taken: set[str]) -> dict[str, object]:
    primary = next((check for check in contract.checks if check.primary), None)
    owner = primary.owner if primary else contract.author
    check: dict[str, object] = {
        "id": free_id(f"{missing.metric}_{missing.part}", taken),
        "stage": "training",
        "metric": missing.metric,
        "compare": "difference",
        "of": [_subject(subject) for subject in missing.subjects],
        "limit": {"max": primary_limit(contract)},
        "severity": "critical",
    }
    if missing.part == "primary":
        check["primary"] = True
    return check | {"owner": owner, "why": _WHY[missing.part]}


def _subject(subject: Sequence[str]) -> object:
    return subject[0] if len(subject) == 1 else list(subject)

"""The test plan: which metric decides, which ones guard it, and why; chosen from the harm.

The plan names metrics; checks limit them. What the plan names and no check limits is listed here, so that a
screen can say it and add the check.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from audit_core.contract.metrics import CRITERIA, METRICS, canonical, comparisons
from audit_core.contract.nodes import Node
from audit_core.contract.schema import Check, MetricChoice, ReleaseContract, Subject
from audit_core.contract.shape import one_of, problem
from audit_core.errors import Problem

Harmed = Literal["wrong_no", "wrong_yes", "both"]
Part = Literal["primary", "guardrail"]
PLAN_METRICS = tuple(
    metric for metric in METRICS if "difference" in comparisons(metric) and metric != "label_coverage"
)
"""Metrics that compare groups, so that a plan can rest on them."""

_SAME = {"fnr": "tpr", "tnr": "fpr", "fdr": "ppv", "for": "npv"}
"""The complement of a rate differs between two groups by as much as the rate does."""
JUDGED_BEFORE_RELEASE = ("training", "predeploy")
DEFAULT_LIMIT = Fraction(1, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a harm asks to be measured: the metric that decides, the ones that guard it, and the reason."""

    primary: str
    guardrails: tuple[str, ...]
    reason: str


PROPOSALS: Mapping[Harmed, Proposal] = {
    "wrong_no": Proposal(
        primary="tpr",
        guardrails=("fpr",),
        reason="A wrong no is the main harm, so people who should be selected must be selected as often in "
        "every group. The false positive rate guards it: selecting more who should not be is no repair.",
    ),
    "wrong_yes": Proposal(
        primary="fpr",
        guardrails=("tpr",),
        reason="A wrong yes is the main harm, so people who should not be selected must be spared as "
        "often in every group. The true positive rate guards it: selecting fewer who should be is no repair.",
    ),
    "both": Proposal(
        primary="equalized_odds",
        guardrails=(),
        reason="A wrong no and a wrong yes both harm, so both error rates must be alike in every group; "
        "equalized odds is the larger of the two gaps, and neither can be closed by opening the other.",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingCheck:
    """A metric of the plan that no check limits for these subjects before a release."""

    metric: str
    part: Part
    subjects: tuple[Subject, ...]


def plan_problems(root: Node) -> Iterator[Problem]:
    """Yield every breach inside `test_plan`: metrics that compare no groups, or that guard themselves."""
    plan = root.get("test_plan")
    if plan is None:
        return
    primary, guards = plan.get("primary"), plan.listed("guardrails")
    for node in (*([primary] if primary else []), *guards):
        if canonical(node.text) not in PLAN_METRICS:
            message = (
                f"“{node.text}” compares no groups, so a plan can't rest on it; use {one_of(('tpr', 'fpr'))}"
            )
            yield problem(node, "plan-metric", message)
    seen = {canonical(primary.text)} if primary is not None else set()
    for node in guards:
        metric = canonical(node.text)
        if metric in seen:
            what = "the primary metric" if primary and metric == canonical(primary.text) else "listed already"
            yield problem(
                node, "repeated-name", f"The guardrail “{node.text}” is {what}; name another metric"
            )
        seen.add(metric)


def parts_of(metric: str) -> frozenset[str]:
    """Return the rates whose gaps a metric's gap stands for: equalized odds is TPR and FPR."""
    if metric == "equalized_odds":
        return frozenset({"tpr", "fpr"})
    rate = CRITERIA.get(metric, metric)
    return frozenset({_SAME.get(rate, rate)})


def compares_groups(check: Check) -> bool:
    """Whether a check judges a gap or a ratio of groups before a release, not against an earlier model."""
    return (
        check.stage in JUDGED_BEFORE_RELEASE
        and check.against is None
        and check.metric in PLAN_METRICS
        and check.compare in ("difference", "ratio")
    )


def is_covered(contract: ReleaseContract, metric: str, subject: Subject) -> bool:
    """Whether checks before the release limit a metric's gap over the groups of a subject."""
    limited: set[str] = set()
    for check in contract.checks:
        if compares_groups(check) and subject in check.of:
            limited |= parts_of(check.metric)
    return parts_of(metric) <= limited


def plan_subjects(contract: ReleaseContract) -> tuple[Subject, ...]:
    """Return whose groups the plan is about: those it names, else those of the primary checks."""
    if contract.test_plan is not None and contract.test_plan.groups:
        return contract.test_plan.groups
    named = [subject for check in contract.checks if check.primary for subject in check.of]
    return tuple(dict.fromkeys(named)) or tuple((attribute.name,) for attribute in contract.data.attributes)


def plan_of(contract: ReleaseContract) -> MetricChoice:
    """Return the contract's plan, or the one its harm and its primary checks stand for (without a reason)."""
    if contract.test_plan is not None:
        return contract.test_plan
    proposal = PROPOSALS[contract.decision.harmed_by]
    stated = tuple(dict.fromkeys(check.metric for check in contract.checks if check.primary))
    primary = stated[0] if len(stated) == 1 and stated[0] in PLAN_METRICS else proposal.primary
    guards = {"tpr": ("fpr",), "fpr": ("tpr",)}.get(primary, ())
    return MetricChoice(
        primary=primary, guardrails=guards, groups=plan_subjects(contract), reason="", by="", date=""
    )


def missing_checks(contract: ReleaseContract) -> tuple[MissingCheck, ...]:
    """Return what the plan names and no check limits, the primary metric first."""
    plan, subjects = plan_of(contract), plan_subjects(contract)
    named: list[tuple[str, Part]] = [(plan.primary, "primary")]
    named += [(metric, "guardrail") for metric in plan.guardrails]
    found = []
    for metric, part in named:
        bare = tuple(subject for subject in subjects if not is_covered(contract, metric, subject))
        if bare:
            found.append(MissingCheck(metric=metric, part=part, subjects=bare))
    return tuple(found)


def is_primary_marked(contract: ReleaseContract) -> bool:
    """Whether the checks marked primary together are the ones the plan's primary metric names."""
    marked: set[str] = set()
    for check in contract.checks:
        marked |= parts_of(check.metric) if check.primary else frozenset()
    return not marked or marked == parts_of(plan_of(contract).primary)

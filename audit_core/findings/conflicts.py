"""Which checks of a contract cannot hold together on the people of an audit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from audit_core.contract.schema import AcceptedConflict, Check, ReleaseContract, Stage, Subject
from audit_core.cube.counted import Counted
from audit_core.metrics.bootstrap import Plan
from audit_core.metrics.catalogue import RATES
from audit_core.metrics.incompatibility import (
    SCENARIOS,
    ImpliedGap,
    Incompatibility,
    Scenario,
    confusion,
    incompatibility,
)
from audit_core.metrics.measure import rate_metric
from audit_core.metrics.rates import known_groups
from audit_core.metrics.seeds import seed_of

Standing = Literal["cannot_hold", "not_confirmed", "no_conflict", "too_few", "no_pair"]

_PRECISION = ("ppv", "predictive_parity", "fdr")
_OPPORTUNITY = ("tpr", "equal_opportunity", "fnr", "equalized_odds")
_FALSE_ALARM = ("fpr", "tnr", "equalized_odds")
_SELECTION = ("selection_rate", "demographic_parity")
_COMPLEMENTS = ("fdr", "tnr", "fnr")
"""Rates whose difference between groups is that of the rate they complete to 1; their ratio is another."""

_PARTS: dict[Scenario, tuple[tuple[str, ...], ...]] = {
    "precision_equal": (_PRECISION, _FALSE_ALARM),
    "errors_equal": (_OPPORTUNITY, _FALSE_ALARM, _PRECISION),
    "selection_implied": (_OPPORTUNITY, _FALSE_ALARM, _SELECTION),
}
"""The criteria of each scenario; the last is the one whose limit the implied gap is compared with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """One scenario for one subject, and how it stands to the limits of the contract.

    `checks` are the contract's checks in it, empty where it lacks one (`no_pair`); `limit` is that of the
    last. `implied` is None where there are too few people. `accepted` is the acceptance that covers it.
    """

    subject: Subject
    scenario: Scenario
    checks: tuple[str, ...]
    limit: Fraction | None
    implied: ImpliedGap | None
    standing: Standing
    accepted: AcceptedConflict | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectConflicts:
    """The scenarios of one attribute, with the counts behind them (None: under two groups with support)."""

    subject: Subject
    counts: Incompatibility | None
    conflicts: tuple[Conflict, ...]


def conflicts(
    contract: ReleaseContract, counted: Counted, stages: tuple[Stage, ...]
) -> tuple[SubjectConflicts, ...]:
    """Return, for every attribute of the contract, which of its checks cannot hold together; empty without
    labels or decisions.

    Guarantee: depends on contract and counts alone; the seed of its draws is made from both.
    """
    found = []
    for attribute in contract.data.attributes:
        subject = (attribute.name,)
        counts = _counts(contract, counted, subject)
        if counts != "not possible":
            rows = (_conflict(contract, stages, subject, scenario, counts) for scenario in SCENARIOS)
            found.append(SubjectConflicts(subject=subject, counts=counts, conflicts=tuple(rows)))
    return tuple(found)


def _counts(
    contract: ReleaseContract, counted: Counted, subject: Subject
) -> Incompatibility | Literal["not possible"] | None:
    cube = counted.cube
    if not cube.has(subject[0]) or not counted.decides:
        return "not possible"
    tables = cube.outcomes(subject)
    groups = [
        confusion(group, tables[group]) for group in known_groups(cube, contract, subject) if group in tables
    ]
    if not any(group.positives + group.negatives for group in groups):
        return "not possible"
    return incompatibility(
        subject,
        groups,
        (contract.support.positives, contract.support.negatives),
        Plan(
            seed=seed_of(cube.fingerprint, f"incompatibility {subject[0]}"),
            replicates=contract.statistics.replicates,
            design=contract.statistics.sampling,
            level=float(contract.statistics.level),
        ),
    )


def _conflict(
    contract: ReleaseContract,
    stages: tuple[Stage, ...],
    subject: Subject,
    scenario: Scenario,
    counts: Incompatibility | None,
) -> Conflict:
    checks = [_check(contract, stages, subject, metrics) for metrics in _PARTS[scenario]]
    named = [check for check in checks if check is not None]
    limited = named[-1] if len(named) == len(checks) else None
    ratio = limited is not None and limited.compare == "ratio"
    implied = counts.of(scenario, "ratio" if ratio else "difference") if counts else None
    limit = (limited.limit.min if ratio else limited.limit.max) if limited else None
    ids = tuple(dict.fromkeys(check.id for check in named)) if limited else ()
    return Conflict(
        subject=subject,
        scenario=scenario,
        checks=ids,
        limit=limit,
        implied=implied,
        standing=_standing(counts, implied, limit),
        accepted=next((a for a in contract.conflicts if ids and set(a.checks) <= set(ids)), None),
    )


def _check(
    contract: ReleaseContract, stages: tuple[Stage, ...], subject: Subject, metrics: Iterable[str]
) -> Check | None:
    """The check that limits one of these gaps for a subject: a difference before a ratio."""
    found = [
        check
        for check in contract.checks
        if check.metric in metrics
        and subject in check.of
        and check.stage in stages
        and _usable(check, contract)
    ]
    return min(found, key=lambda check: check.compare != "difference", default=None)


def _usable(check: Check, contract: ReleaseContract) -> bool:
    if check.against is not None or check.compare not in ("difference", "ratio"):
        return False
    # A ratio of the side that is good for the person is that of selection only where being selected is good.
    turned = (
        check.metric in _SELECTION
        and rate_metric(contract, "selection_rate", favourable=True) is not RATES["selection_rate"]
    )
    return check.compare == "difference" or not (turned or check.metric in _COMPLEMENTS)


def _standing(counts: Incompatibility | None, implied: ImpliedGap | None, limit: Fraction | None) -> Standing:
    if counts is None or implied is None:
        return "too_few"
    if not counts.base_rates_differ:
        return "no_conflict"
    if limit is None:
        return "no_pair"
    ratio = implied.compare == "ratio"
    beyond = implied.value < limit if ratio else implied.value > limit
    shown = implied.least < limit if ratio else implied.least > limit
    return ("cannot_hold" if shown else "not_confirmed") if beyond else "no_conflict"


def standing_alone(
    contract: ReleaseContract, found: Iterable[SubjectConflicts]
) -> tuple[AcceptedConflict, ...]:
    """Return the acceptances that cover no scenario found: recorded all the same, and printed."""
    used = [conflict.accepted for subject in found for conflict in subject.conflicts]
    return tuple(accepted for accepted in contract.conflicts if accepted not in used)

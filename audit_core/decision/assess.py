"""Counts become a decision: measure, judge, decide, in that order and without reading a row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from audit_core.contract.periods import period
from audit_core.contract.schema import ReleaseContract, Requirement, Stage
from audit_core.cube.counted import Counted
from audit_core.decision.canary import judge_by_window
from audit_core.decision.verdict import Decision, DecisionReason, RequirementState, decide
from audit_core.findings.finding import Finding
from audit_core.findings.implied import is_implied, with_implied_checks
from audit_core.metrics.catalogue import RATES
from audit_core.metrics.clusters import totals_by_group
from audit_core.metrics.measure import measure
from audit_core.metrics.measurements import Measurements
from audit_core.metrics.rates import group_count, required_groups

MINIMUM_SUPPORT = "minimum_positive_and_negative_support"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What was measured, found and decided from one set of counts under one contract.

    `contract` is the one it was judged by: the given one, with the checks that follow from the data.
    """

    contract: ReleaseContract
    measurements: Measurements
    findings: tuple[Finding, ...]
    requirements: tuple[RequirementState, ...]
    decision: Decision


def assess(
    contract: ReleaseContract,
    counted: Counted,
    stages: tuple[Stage, ...],
    as_of: datetime,
    measured: Measurements | None = None,
) -> Assessment:
    """Return the assessment of a run.

    Parameters
    ----------
    as_of
        The clock of the run; review dates and the age of the data are measured against it.
    measured
        Measurements to judge again, where only a limit has changed.
    """
    contract = with_implied_checks(contract, counted)
    measured = measured or measure(contract, counted)
    findings = judge_by_window(contract, counted, measured, stages)
    requirements = tuple(_state(requirement, contract, counted) for requirement in contract.requirements)
    withheld = withheld_grounds(contract, counted, as_of)
    decision = decide(decided_on(contract, findings), requirements, withheld)
    return Assessment(
        contract=contract,
        measurements=measured,
        findings=findings,
        requirements=requirements,
        decision=decision,
    )


def decided_on(contract: ReleaseContract, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return the findings a decision is made on: all of them, if any is of a check the contract itself has.

    A check that follows from the data decides nothing on its own, so a run that none of the contract's own
    checks was part of stays without a check. The contract may be the given one or the one judged by.
    """
    own = {check.id for check in contract.checks if not is_implied(check)}
    return findings if any(finding.check in own for finding in findings) else ()


def withheld_grounds(
    contract: ReleaseContract, counted: Counted, as_of: datetime
) -> tuple[DecisionReason, ...]:
    """Return the grounds, other than checks, on which this contract can approve nothing today."""
    found = []
    if contract.status == "draft":
        found.append(DecisionReason(ground="contract_draft", subject=contract.id))
    if contract.status == "retired":
        found.append(DecisionReason(ground="contract_retired", subject=contract.id))
    if contract.review_by and date.fromisoformat(contract.review_by) < as_of.date():
        found.append(DecisionReason(ground="review_date_passed", subject=contract.review_by))
    if contract.data.max_age_days is not None:
        stated = counted.intake.last_window or dict(contract.data.versions).get("evaluation", "")
        end = period_end(stated)
        if end is None or _lies_ahead(stated, as_of):
            found.append(DecisionReason(ground="data_age_unknown", subject=stated))
        elif (as_of.date() - end).days > contract.data.max_age_days:
            found.append(DecisionReason(ground="data_too_old", subject=stated))
    return tuple(found)


def period_end(text: str) -> date | None:
    """Return the last day of a period, or None where the text is none (see `period`)."""
    found = period(text)
    return found[1] if found else None


def _lies_ahead(text: str, as_of: datetime) -> bool:
    """Whether a period begins more than a day after the clock: no rows can be from then."""
    found = period(text)
    return found is not None and found[0] > as_of.date() + timedelta(days=1)


def _state(requirement: Requirement, contract: ReleaseContract, counted: Counted) -> RequirementState:
    met, evidence = bool(requirement.met), requirement.evidence
    if requirement.computed:
        met, evidence = _computed(requirement.id, contract, counted)
    return RequirementState(
        id=requirement.id,
        met=met,
        blocking=requirement.blocking,
        by=requirement.by,
        evidence=evidence,
        computed=requirement.computed,
    )


def _computed(name: str, contract: ReleaseContract, counted: Counted) -> tuple[bool, str]:
    """Whether a requirement holds in the data; one this version can't work out is not met."""
    if name != MINIMUM_SUPPORT:
        return False, "This version cannot work this requirement out from the data"
    support, short = contract.support, []
    people = totals_by_group(counted.people)
    for attribute in contract.data.attributes:
        tables = counted.cube.outcomes((attribute.name,))
        for group in required_groups(counted.cube, contract, (attribute.name,)):
            subject = (attribute.name,)
            counts = [
                group_count(tables, group, RATES[name], subject=subject, people=people).support
                for name in ("tpr", "fpr")
            ]
            if counts[0] < support.positives or counts[1] < support.negatives:
                short.append(f"{group[0]} has {counts[0]} positives and {counts[1]} negatives")
    needed = f"{support.positives} positives and {support.negatives} negatives are needed in every group"
    return not short, "; ".join([*short, needed])

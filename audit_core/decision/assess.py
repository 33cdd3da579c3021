"""Counts become a decision: measure, judge, decide, in that order and without reading a row."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, datetime

from audit_core.contract.schema import ReleaseContract, Requirement, Stage
from audit_core.cube.counted import Counted
from audit_core.decision.verdict import Decision, DecisionReason, RequirementState, decide
from audit_core.findings.finding import Finding
from audit_core.findings.implied import with_implied_checks
from audit_core.findings.judge import judge
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
    own = {check.id for check in contract.checks}
    contract = with_implied_checks(contract, counted)
    measured = measured or measure(contract, counted)
    findings = judge(contract, counted, measured, stages)
    requirements = tuple(_state(requirement, contract, counted) for requirement in contract.requirements)
    # A run that no check of the contract itself decided on stays without a check.
    asked = findings if any(finding.check in own for finding in findings) else ()
    decision = decide(asked, requirements, withheld_grounds(contract, counted, as_of))
    return Assessment(
        contract=contract,
        measurements=measured,
        findings=findings,
        requirements=requirements,
        decision=decision,
    )


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
        if end is None:
            found.append(DecisionReason(ground="data_age_unknown", subject=stated))
        elif (as_of.date() - end).days > contract.data.max_age_days:
            found.append(DecisionReason(ground="data_too_old", subject=stated))
    return tuple(found)


def period_end(text: str) -> date | None:
    """Return the last day of a period written as 2026, 2026Q2, 2026-10 or 2026-10-31 (a time may follow)."""
    match = re.match(r"^(\d{4})(?:-?Q([1-4])|-(\d{2})(?:-(\d{2}))?)?(?:$|[T ])", text.strip())
    if not match:
        return None
    year, quarter, month, day = (int(part) if part else None for part in match.groups())
    assert year is not None
    last = 3 * quarter if quarter else 12 if month is None else month
    try:
        return date(year, last, calendar.monthrange(year, last)[1] if day is None else day)
    except (ValueError, calendar.IllegalMonthError):
        return None


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

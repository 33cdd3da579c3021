"""Judges a value that every group must keep, such as a base rate between a minimum and a maximum."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from audit_core.contract.schema import Check, ReleaseContract
from audit_core.cube.axes import group_words
from audit_core.cube.counted import Counted
from audit_core.findings.fail_rule import fail_rule
from audit_core.findings.finding import (
    SUREST_FIRST,
    WORST_FIRST,
    Evidence,
    Finding,
    Reason,
    Status,
    group_value,
)
from audit_core.findings.needs import needed_by_values
from audit_core.metrics.catalogue import RATES
from audit_core.metrics.clusters import totals_by_group
from audit_core.metrics.estimate import Count
from audit_core.metrics.gaps import PROTECT_FLOOR
from audit_core.metrics.intervals import Interval, wilson, z_one_sided, z_two_sided
from audit_core.metrics.measurements import Measurements
from audit_core.metrics.rates import ordered_groups, rate_counts, required_groups, too_many_unknown

Judged = tuple[Status, Evidence, Reason]


def judge_value(
    blank: Finding, check: Check, contract: ReleaseContract, counted: Counted, _measured: Measurements
) -> Finding:
    """Return the finding of a value check: the outcome of its worst group.

    Each group's value is judged by one-sided Wilson bounds (METHODS §3, other comparisons).
    """
    if check.metric not in RATES:
        return blank
    metric, cube, subject = RATES[check.metric], counted.cube, blank.subject
    tables = cube.outcomes(subject)
    counts = rate_counts(
        tables, ordered_groups(cube, contract, subject), metric,
        subject=subject, people=totals_by_group(counted.people),
    )  # fmt: skip
    support = metric.required(contract.support)
    required = required_groups(cube, contract, subject)
    level = float(contract.statistics.level)
    known = any(count.support >= support for count in counts)
    judged = [(count, _judge_group(count, blank, support, contract, known=known)) for count in counts]
    judged = [
        (count, outcome) for count, outcome in judged if count.group in required or outcome[0] == "FAIL"
    ]
    if not any(count.denominator for count, _ in judged):
        return replace(blank, status="NOT_RUN", reason="undefined")
    count, (status, evidence, reason) = min(judged, key=lambda pair: _order(pair[0], pair[1], blank))
    if status == "PASS" and too_many_unknown(tables):
        status, evidence, reason = "INCONCLUSIVE", "UNSUPPORTED", "too_many_unknown"
    missing = [c.group for c, _ in judged if c.support < support]
    bounds = wilson(*count.effective, z_one_sided(level))
    found = replace(
        blank,
        status=status,
        evidence=evidence,
        reason=reason,
        value=count.value,
        lower=bounds.low,
        upper=bounds.high,
        interval=wilson(*count.effective, z_two_sided(level)),
        high=group_value(count),
        low=group_value(count),
        warned=any(_warned(check, count) for count, _ in judged),
        names=tuple(group_words(group) for group in missing),
    )
    if evidence == "CONFIRMED" or reason == "too_many_unknown":
        return found
    still = [(c, support) for c, outcome in judged if outcome[2] == reason or c.group in missing]
    return replace(found, needs=needed_by_values(found, still, metric.support, contract, counted))


def _judge_group(
    count: Count, blank: Finding, support: int, contract: ReleaseContract, *, known: bool
) -> Judged:
    """Outcome of one group; where another group has support (`known`), a thin one fails only when proven."""
    if count.value is None:
        return "INCONCLUSIVE", "UNSUPPORTED", "too_few"
    z = z_one_sided(float(contract.statistics.level))
    bounds = wilson(*count.effective, z)
    low, high = blank.limits
    if count.support >= PROTECT_FLOOR and _outside(bounds.high, bounds.low, low, high):
        return "FAIL", "CONFIRMED", "beyond"
    thin = count.support < support
    if _outside(count.value, count.value, low, high) and not (thin and known):
        evidence: Evidence = "UNSUPPORTED" if thin else "UNCONFIRMED"
        fails = fail_rule(contract, blank.stage) == "point"
        return ("FAIL" if fails else "INCONCLUSIVE"), evidence, "point_beyond"
    if thin:
        return "INCONCLUSIVE", "UNSUPPORTED", "too_few"
    if _inside(bounds, low, high):
        return "PASS", "CONFIRMED", "within"
    return "INCONCLUSIVE", "UNCONFIRMED", "either_way"


def _outside(
    top: float | Fraction, bottom: float | Fraction, low: Fraction | None, high: Fraction | None
) -> bool:
    return (low is not None and top < low) or (high is not None and bottom > high)


def _inside(bounds: Interval, low: Fraction | None, high: Fraction | None) -> bool:
    return (low is None or bounds.low >= low) and (high is None or bounds.high <= high)


def _warned(check: Check, count: Count) -> bool:
    warn, value = check.limit.warn, count.value
    if warn is None or value is None:
        return False
    return value > warn if check.limit.max is not None else value < warn


def _order(count: Count, outcome: Judged, blank: Finding) -> tuple[int, int, float]:
    """Worst first: by status, then evidence, then how near the value is to a limit."""
    value = count.value if count.value is not None else Fraction(1, 2)
    room = [abs(value - limit) for limit in blank.limits if limit is not None]
    nearest = float(min(room)) if room else 0.0
    return WORST_FIRST.index(outcome[0]), SUREST_FIRST.index(outcome[1]), nearest

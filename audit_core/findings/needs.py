"""How many more people it would take until a check can decide."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import ceil

from audit_core.contract.schema import ReleaseContract
from audit_core.cube.count_cube import Group
from audit_core.cube.counted import Counted
from audit_core.findings.finding import Finding, Needs
from audit_core.metrics.catalogue import CRITERIA, RATES, SupportOf
from audit_core.metrics.measurements import SubjectGap
from audit_core.metrics.planner import people_to_pass


def needed(finding: Finding, part: SubjectGap, contract: ReleaseContract, counted: Counted) -> Needs | None:
    """Return what the smallest required group lacks, or None where no number of people is known to decide.

    A difference of rates needs enough people to be shown within its limit when the groups are truly equal
    (METHODS §5), and never fewer than the contract's minimum. Where that many are there already, the true gap
    is taken to be the one observed. Ratios and means have no such formula: they need the minimum.
    """
    if finding.evidence == "CONFIRMED" or finding.reason in ("one_group", "undefined", "too_many_unknown"):
        return None
    unit, have, rows = _people(finding, part, counted)
    if not have:
        return None
    group = min(have, key=lambda name: have[name])
    for true_gap in (Fraction(0), Fraction(finding.value or 0)):
        target = max(part.min_support, _to_pass(finding, contract, len(have), true_gap) or 0)
        more = target - have[group]
        if more > 0:
            in_rows = ceil(more * rows[group] / have[group]) if have[group] else None
            return Needs(group=group, unit=unit, more=more, rows=in_rows, true_gap=float(true_gap))
    return None


def _people(
    finding: Finding, part: SubjectGap, counted: Counted
) -> tuple[SupportOf, Mapping[Group, int], Mapping[Group, int]]:
    """Unit of the check's support, people of that unit per required group, and the group's rows."""
    names = CRITERIA.get(part.metric, (part.metric,))
    metric = RATES.get(names[0])
    tables = counted.cube.outcomes(finding.subject)
    rows = {group: int(tables[group].sum()) if group in tables else 0 for group in part.required}
    if metric is None:
        return "rows", rows, rows
    have = {group: metric.counts(tables[group])[1] if group in tables else 0 for group in part.required}
    return metric.support, have, rows


def _to_pass(finding: Finding, contract: ReleaseContract, groups: int, true_gap: Fraction) -> int | None:
    """People per group until a gap of this size can be shown to be within the limit, if a formula knows."""
    high, low, limit = finding.high, finding.low, finding.limit
    if finding.compare != "difference" or high is None or low is None or limit is None or groups < 2:
        return None
    if high.numerator is None or low.numerator is None or not 0 < limit < 1 or true_gap >= limit:
        return None
    rate = Fraction(high.numerator + low.numerator, high.denominator + low.denominator)
    if true_gap > max(rate, 1 - rate):  # no two rates lie that far apart with one of them at the pooled rate
        return None
    level = float(contract.statistics.level)
    return people_to_pass(float(rate), groups, float(limit), float(true_gap), level=level)

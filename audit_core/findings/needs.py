"""How many more people it would take until a check can decide."""

from __future__ import annotations

from math import ceil

from audit_core.contract.schema import ReleaseContract
from audit_core.cube.counted import Counted
from audit_core.findings.finding import Finding, Needs
from audit_core.metrics.catalogue import CRITERIA, RATES
from audit_core.metrics.measurements import SubjectGap
from audit_core.metrics.planner import people_to_pass


def needed(finding: Finding, part: SubjectGap, contract: ReleaseContract, counted: Counted) -> Needs | None:
    """Return what the group with the greatest shortfall lacks, or None where more people decide nothing.

    A difference of rates needs enough people to show it within the limit when the groups are truly equal
    (METHODS §5), and never fewer than the contract's minimum; the other checks need that minimum.
    """
    if finding.evidence == "CONFIRMED" or finding.reason in ("one_group", "undefined", "too_many_unknown"):
        return None
    metric = _rate_of(part)
    if metric is None:
        return None
    tables = counted.cube.outcomes(finding.subject)
    have = {}
    for group in part.required:
        have[group] = RATES[metric].counts(tables[group])[1] if group in tables else 0
    if not have:
        return None
    target = max(part.min_support, _to_pass(finding, contract, part, len(have)))
    group = min(have, key=lambda name: have[name])
    more = target - have[group]
    if more <= 0:
        return None
    rows = _rows(more, have[group], int(tables[group].sum()) if group in tables else 0)
    return Needs(group=group, unit=RATES[metric].support, more=more, rows=rows)


def _rate_of(part: SubjectGap) -> str | None:
    """The rate a gap compares; None for a mean, whose people are rows."""
    if part.metric in RATES:
        return part.metric
    names = CRITERIA.get(part.metric)
    return names[0] if names else None


def _to_pass(finding: Finding, contract: ReleaseContract, part: SubjectGap, groups: int) -> int:
    """People per group until groups that are truly equal can be shown to be within the limit."""
    counts = (finding.high, finding.low)
    if finding.compare != "difference" or None in counts or finding.limit is None or groups < 2:
        return part.min_support
    pooled = [value for value in counts if value is not None and value.numerator is not None]
    rows = sum(value.denominator for value in pooled)
    if not rows or not 0 < finding.limit < 1:
        return part.min_support
    rate = sum(value.numerator or 0 for value in pooled) / rows
    level = float(contract.statistics.level)
    return people_to_pass(rate, groups, float(finding.limit), level=level) or part.min_support


def _rows(more: int, have: int, rows: int) -> int | None:
    return ceil(more * rows / have) if have else None

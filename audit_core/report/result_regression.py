"""The candidate against its baseline, as the plain values of the result file."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from audit_core.contract.schema import ReleaseContract
from audit_core.cube.baseline import Baseline
from audit_core.decision.record import Audit
from audit_core.findings.regression import baseline_floor
from audit_core.metrics.estimate import Count
from audit_core.metrics.regression_bounds import GroupChange, reading_interval, reading_level
from audit_core.metrics.regression_risk import joint_chance, risk_bounds, trigger_chance
from audit_core.metrics.regression_rows import ExtremePair, GapChange, RegressionRow, change_of
from audit_core.report.result_numbers import number, unbounded, words

NO_BASELINE = "no baseline was compared"
NO_CHECK = "no check of the contract compares with the baseline"


def encode_regression(audit: Audit) -> list[dict[str, Any]]:
    """Return one entry per rate and subject that a check compares with the baseline."""
    baseline = audit.counted.baseline
    if baseline is None:
        return []
    told = encode_baseline(baseline)
    return [_row(row, audit.contract) | {"baseline": told} for row in audit.measurements.regression]


def absent_regression(audit: Audit) -> str | None:
    """Return why there is no entry; None where there is one."""
    if audit.counted.baseline is None:
        return NO_BASELINE
    return None if audit.measurements.regression else NO_CHECK


def encode_baseline(baseline: Baseline) -> dict[str, Any]:
    """Return which model it is and what is known of its approval; null for what is not."""
    return {
        "name": baseline.name,
        "approval": baseline.approval,
        "audit_id": baseline.audit_id or None,
        "contract_version": baseline.contract_version or None,
        "created_at": baseline.created_at or None,
        "model_sha256": baseline.model_sha256 or None,
        "other_contract": baseline.other_contract or None,
    }


def rule_of(row: RegressionRow, contract: ReleaseContract) -> tuple[Fraction, Fraction] | None:
    """Return (limit, floor) of the first check that limits the rise of a harm rate; None for other rows."""
    for check in contract.checks:
        most = check.limit.max_relative_increase
        same = (check.metric, change_of(check)) == (row.metric, row.change)
        if most is not None and same and row.subject in check.of:
            return most, baseline_floor(check)
    return None


def _row(row: RegressionRow, contract: ReleaseContract) -> dict[str, Any]:
    level, rule = float(contract.statistics.level), rule_of(row, contract)
    chances = [_chance(change, rule, level) for change in row.groups]
    status, reason = _status(row)
    return {
        "attribute": list(row.subject),
        "metric": row.metric,
        "rate": row.rate.id,
        "change": row.change,
        "same_rows": row.paired,
        "also_reflects_a_change_of_data": not row.paired,
        "required": row.min_support,
        "status": status,
        "reason": reason,
        "groups": [
            _group(change, row, level, chance) for change, chance in zip(row.groups, chances, strict=True)
        ],
        "gap": _gap(row.gap) if row.gap is not None else None,
        "chance_of_any_trigger": number(joint_chance(chances)),
    }


def _status(row: RegressionRow) -> tuple[str, str | None]:
    if not row.compared:
        return "undefined", "no group has a case to divide by in both models"
    if row.change == "gap" and row.gap is None:
        return "undefined", "fewer than two groups have data in both models"
    if row.missing or not row.supported:
        return "too_few", "a required group is below the minimum support"
    if row.too_many_unknown:
        return "too_few", "over a tenth of the rows have no known group"
    return "measured", None


def _chance(change: GroupChange, rule: tuple[Fraction, Fraction] | None, level: float) -> float | None:
    return trigger_chance(change, most=rule[0], floor=rule[1], level=level) if rule is not None else None


def _group(change: GroupChange, row: RegressionRow, level: float, chance: float | None) -> dict[str, Any]:
    known = change.value is not None
    low, high = reading_interval(change, level) if known else (None, None)
    found = risk_bounds(change, level) if row.change == "risk" else None
    pairs = change.pairs
    return {
        "group": words(change.group),
        "new": _side(change.new),
        "old": _side(change.old),
        "status": "undefined" if not known else "measured" if change.group in row.supported else "too_few",
        "change": number(change.value),
        "low": number(low),
        "high": number(high),
        "level": number(reading_level(level)),
        "discordant": {"new_only": pairs.first_only, "old_only": pairs.second_only} if pairs else None,
        "ratio": {
            "value": number(found.ratio), "low": number(found.low), "high": number(found.high),
            "level": number(level),
            "reason": "nobody was harmed before" if found.ratio is None else unbounded(found.high),
        } if found is not None else None,
        "chance_of_trigger": number(chance),
    }  # fmt: skip


def _side(found: Count) -> dict[str, Any]:
    return {
        "numerator": found.numerator,
        "denominator": found.denominator,
        "value": number(found.value),
    }


def _gap(found: GapChange) -> dict[str, Any]:
    drawn = found.draws
    return {
        "old": _pair(found.old),
        "new": _pair(found.new),
        "same_pair": found.same_pair,
        "value": number(found.value),
        "lower": number(found.lower) if not found.absent else None,
        "upper": number(found.bounds.upper),
        "bounds_reason": found.absent or None,
        "simulated": {"design": drawn.design, "replicates": drawn.replicates, "seed": str(drawn.seed)},
    }


def _pair(pair: ExtremePair) -> dict[str, Any]:
    return {
        "high_group": words(pair.high.group),
        "low_group": words(pair.low.group),
        "value": number(pair.gap),
    }

"""What following a release has shown as a result file: canonical JSON, absences as null with their reason."""

from __future__ import annotations

from typing import Any

from audit_core.cube.count_cube import is_unknown
from audit_core.decision.followed import (
    EstimatedRate,
    Followed,
    TrendPoint,
    WatchPoint,
    WindowRate,
    WindowView,
)
from audit_core.findings.finding import GroupValue
from audit_core.report.incidents import incident_json
from audit_core.report.looser import looser_json
from audit_core.report.result import canonical
from audit_core.report.result_measures import encode_estimate
from audit_core.report.result_numbers import number, unbounded, words

SCHEMA = "evenhand/monitor/v1"


def followed_bytes(followed: Followed) -> bytes:
    """Return the result file of a run of the monitor.

    Guarantee: the same windows, plan and clock make the same bytes.
    """
    plan = followed.plan
    return canonical(
        {
            "schema": SCHEMA,
            "plan": plan.id,
            "audit_id": plan.audit_id,
            "contract": {"id": plan.contract_id, "version": plan.contract_version,
                         "sha256": plan.contract_sha256},
            "model": {"name": plan.model_name, "sha256": plan.model_sha256},
            "as_of": followed.as_of.isoformat(),
            "exit_code": followed.exit_code,
            "looser": [looser_json(found) for found in followed.looser],
            "windows": [_window(view) for view in followed.windows],
            "points": [_point(point) for point in followed.points],
            "trends": [_trend(point) for point in followed.trends],
            "rates": [_rate(rate) for rate in followed.rates],
            "estimates": [_estimated(rate) for rate in followed.estimates],
            "incidents": [
                incident_json(found, plan, followed=followed) for found in followed.incidents
            ],
        }
    )  # fmt: skip


def _window(view: WindowView) -> dict[str, Any]:
    return {
        "window": view.name,
        "first": view.first.isoformat(),
        "last": view.last.isoformat(),
        "state": view.state,
        "rows": view.rows,
        "labelled": view.labelled,
        "dropped": view.dropped,
        "periods": list(view.periods),
        "sources": [{"name": name, "sha256": sha256} for name, sha256 in view.sources],
    }


def _point(point: WatchPoint) -> dict[str, Any]:
    found = point.finding
    judged: dict[str, Any] = {"status": None, "not_judged": point.why}
    if found is not None:
        low, high = found.interval if found.interval is not None else (None, None)
        judged = {
            "status": found.status,
            "not_judged": None,
            "evidence": found.evidence,
            "reason": found.reason,
            "metric": found.metric,
            "compare": found.compare,
            "attribute": list(found.subject),
            "value": number(found.value),
            "low": number(low),
            "high": number(high),
            "lower": number(found.lower),
            "upper": number(found.upper),
            "bounds_reason": unbounded(high, found.lower, found.upper),
            "limits": dict(zip(("min", "max"), map(number, found.limits), strict=True)),
            "warned": found.warned,
            "high_group": _group(found.high),
            "low_group": _group(found.low),
            "names": list(found.names),
        }
    return {"watch": point.watch, "window": point.window, "windows": list(point.windows), **judged}


def _group(value: GroupValue | None) -> dict[str, Any] | None:
    if value is None:
        return None
    return {"group": words(value.group), "value": number(value.value), "numerator": value.numerator,
            "denominator": value.denominator}  # fmt: skip


def _trend(point: TrendPoint) -> dict[str, Any]:
    return {
        "watch": point.watch,
        "high_group": words(point.high),
        "low_group": words(point.low),
        "window": point.window,
        "z": number(point.z),
        "counts": number(point.counts),
        "value": number(point.value),
        "limit": number(point.limit),
        "alarm": point.alarm,
    }


def _rate(rate: WindowRate) -> dict[str, Any]:
    return {
        "window": rate.window,
        "metric": rate.metric,
        "attribute": list(rate.subject),
        "group": words(rate.group),
        "compared": not is_unknown(rate.group),
        "maturing": rate.maturing,
        "delta": number(rate.delta),
        **encode_estimate(rate.estimate),
    }


def _estimated(rate: EstimatedRate) -> dict[str, Any]:
    return {
        "window": rate.window,
        "metric": rate.metric,
        "attribute": list(rate.subject),
        "group": words(rate.group),
        "status": "estimated",
        "value": number(rate.value),
        "low": number(rate.low),
        "high": number(rate.high),
        "people": number(rate.people),
        "stands_on": rate.curve,
        "observed": encode_estimate(rate.observed) if rate.observed is not None else None,
        "held": rate.held,
    }

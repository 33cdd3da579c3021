"""The monitoring plan as plain values, for the result file."""

from __future__ import annotations

from typing import Any

from audit_core.decision.plan import AtRelease, Plan, Watch
from audit_core.report.result_numbers import number, words


def encode_monitoring(plan: Plan) -> dict[str, Any]:
    """Return a plan as plain values; limits and shares are 0–1, hours and days whole numbers.

    Charts of slow changes and what the plan can see are simulated: they stand in the plan's own file.
    """
    window = plan.window
    return {
        "id": plan.id,
        "made_on": plan.made_on.isoformat(),
        "starts": plan.starts.isoformat(),
        "ends": plan.ends.isoformat(),
        "level": number(plan.level),
        "privacy_floor": plan.privacy_floor,
        "window": {
            "unit": window.unit,
            "rolling": window.rolling,
            "reason": window.reason,
            "least": words(window.least),
            "brings": number(window.brings),
            "needed": window.needed,
        },
        "labels": {"complete": number(plan.labels.complete), "due_days": plan.labels.due_days},
        "watches": [_watch(watch) for watch in plan.watches],
        "escalation": [{"after_hours": step.after_hours, "to": step.to} for step in plan.escalation],
        "silence": {"days": plan.silence_days, "owner": plan.silence_owner},
        "reviews": [day.isoformat() for day in plan.reviews],
    }


def _watch(watch: Watch) -> dict[str, Any]:
    limit = watch.check.limit
    return {
        "id": watch.id,
        "check": watch.check.id,
        "origin": watch.origin,
        "metric": watch.check.metric,
        "compare": watch.check.compare,
        "subject": list(watch.subject),
        "feature": watch.feature or None,
        "limit": {"min": number(limit.min), "max": number(limit.max), "warn": number(limit.warn)},
        "alerts": {
            "confirmed": watch.confirmed, "unconfirmed": watch.unconfirmed, "warning": watch.warning,
        },
        "owner": watch.owner,
        "page_hours": watch.acknowledge_hours,
        "ticket_hours": watch.ticket_hours,
        "confirm": watch.confirm,
        "needs_labels": watch.needs_labels,
        "at_release": _at_release(watch.at_release),
    }  # fmt: skip


def _at_release(stood: AtRelease) -> dict[str, Any] | None:
    """How it stood; None where the audit judged nothing of the kind."""
    if not stood.status:
        return None
    return {"status": stood.status, "evidence": stood.evidence or None, "waived": stood.waived}

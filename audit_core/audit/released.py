"""Whether a plan is of the release at hand, in everything that an editor may not have changed."""

from __future__ import annotations

from audit_core.contract.metrics import NEEDS_LABEL
from audit_core.decision.plan import Plan, TrendChart
from audit_core.decision.record import Audit
from audit_core.errors import UsageError
from audit_core.metrics.catalogue import RATES

_LABEL = "label"


def require_release(plan: Plan, audit: Audit) -> None:
    """Refuse a plan that was made of another release: its limits and its reference are of something else.

    Limits, levels, owners, hours and days may be edited. What the release was, and what a watch needs, may
    not: a chart against other counts finds nothing, and a rate judged before its outcomes are back passes.

    Raises
    ------
    UsageError
        The audit, its contract, its counts, its confidence level or its privacy floor are not those the plan
        names, a chart stands on other counts, or a watch does without the outcomes it needs.
    """
    pairs = (
        ("audit", plan.audit_id, audit.id),
        ("contract", plan.contract_sha256, audit.contract.sha256),
        ("table of counts", plan.cube_sha256, audit.counted.cube.fingerprint),
        ("level", plan.level, audit.contract.statistics.level),
        ("privacy_floor", plan.privacy_floor, audit.contract.support.privacy_floor),
    )
    for what, named, found in pairs:
        if named != found:
            raise UsageError(
                f"The plan was made of another release: its {what} is not the one at hand",
                where=plan.id,
                remedy="Make a plan of this release with evenhand plan",
            )
    for chart in plan.trend.charts:
        if chart.baseline != _counts(chart, audit):
            raise UsageError(
                f"A chart of “{chart.watch}” does not stand on the counts of the release",
                where=plan.id,
                remedy="Leave the charts as evenhand plan wrote them, or delete them",
            )
    outcomes = {table.feature for table in audit.counted.drift if table.kind == _LABEL}
    for watch in plan.watches:
        needs = watch.check.metric in NEEDS_LABEL or (watch.feature != "" and watch.feature in outcomes)
        if needs and not watch.needs_labels:
            raise UsageError(
                f"The watch “{watch.id}” needs outcomes, and the plan says that it does not",
                where=plan.id,
                remedy="Write needs_labels: true",
            )


def _counts(chart: TrendChart, audit: Audit) -> tuple[tuple[int, int], ...] | None:
    """People counted, and people in all, of both groups at release; None where it has no such groups."""
    cube = audit.counted.cube
    if chart.metric not in RATES or not cube.holds(chart.subject):
        return None
    tables = cube.outcomes(chart.subject)
    if chart.high not in tables or chart.low not in tables:
        return None
    return tuple(RATES[chart.metric].counts(tables[group]) for group in (chart.high, chart.low))

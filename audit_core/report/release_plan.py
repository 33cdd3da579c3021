"""The monitoring plan that an audit itself carries: made on the audit's own day, from its own counts."""

from __future__ import annotations

from dataclasses import replace

from audit_core.decision.plan import Plan
from audit_core.decision.planning import plan_for
from audit_core.decision.record import Audit
from audit_core.report.withheld import PublishedAudit

NO_PLAN = "no check of the contract can be watched on the rows of this release"


def release_plan(audit: Audit, *, detect: bool = False) -> Plan | None:
    """Return the plan of an audit as its documents show it, or None where nothing of it can be watched.

    What the plan can see is simulated only where a document says it (`detect`).

    Guarantee: where the audit is the published view, no count of a group that is not published.
    """
    plan = plan_for(audit, detect=detect)
    if not plan.watches:
        return None
    return _published(plan, audit) if isinstance(audit, PublishedAudit) else plan


def _published(plan: Plan, audit: PublishedAudit) -> Plan:
    """The plan without what tells how many people a hidden group has, and without its charts' counts."""
    subjects = {watch.subject for watch in plan.watches}
    cells = [audit.release.cell(subject, plan.window.least) for subject in subjects]
    shown = {cell.shown for cell in cells if cell is not None}
    if shown != {"counts"}:
        plan = replace(plan, window=replace(plan.window, least=(), brings=None))
    return replace(plan, trend=replace(plan.trend, charts=tuple(
        replace(chart, baseline=((0, 0), (0, 0)), people=(0, 0)) for chart in plan.trend.charts
    )))  # fmt: skip

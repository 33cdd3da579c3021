"""The files that a monitoring plan is carried out with, each made when it is asked for."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Literal

from audit_core.decision.plan import Plan

PlanFile = Literal["yaml", "text", "rules", "crontab"]
FOLDER = PurePosixPath("/srv/evenhand")
"""Where the crontab expects the plan; it says to check its paths."""


def plan_file(plan: Plan, kind: PlanFile) -> bytes:
    """Return one file of a plan."""
    if kind == "yaml":
        from audit_core.evidence.plan_file import plan_text

        return plan_text(plan).encode()
    if kind == "rules":
        from audit_core.report.prometheus import rules

        return rules(plan)
    if kind == "crontab":
        from audit_core.report.crontab import crontab, places_for

        return crontab(plan, places_for(FOLDER / f"{plan.id}-plan.yaml"))
    from audit_core.report.plan_document import plan_document

    return plan_document(plan).encode()

"""An audit decided again at other thresholds; nothing is read again, and the audit itself stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from audit_core.contract.schema import Subject
from audit_core.cube.count_cube import Group
from audit_core.cube.redecide import Cut
from audit_core.decision.record import Audit
from audit_core.decision.redecided import redecide


def at_thresholds(audit: Audit, subject: Subject, cuts: Mapping[Group, Cut]) -> Audit:
    """Return the audit as it would be decided at these thresholds, under its own contract.

    It is tried on the same rows, so it is no audit of its own: its measurements hold the gaps that checks are
    judged by, and no rates.
    """
    found = redecide(audit, subject=subject, cuts=cuts)
    if found.counted is audit.counted:
        return audit
    return replace(
        audit,
        counted=found.counted,
        measurements=found.measured,
        findings=found.findings,
        requirements=found.requirements,
        decision=found.decision,
    )

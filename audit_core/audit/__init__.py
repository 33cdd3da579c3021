"""The verbs of an audit, in order: count, then assess (measure, judge, decide), then keep."""

from audit_core.audit.counting import count
from audit_core.audit.example import worked_example, worked_monitor, worked_plan
from audit_core.audit.look import look_at
from audit_core.audit.monitor import MonitorRequest, run_monitor
from audit_core.audit.request import AUDIT_STAGES, AuditRequest, Progress
from audit_core.audit.run import run_audit, with_limit

__all__ = [
    "AUDIT_STAGES",
    "AuditRequest",
    "MonitorRequest",
    "Progress",
    "count",
    "look_at",
    "run_audit",
    "run_monitor",
    "with_limit",
    "worked_example",
    "worked_monitor",
    "worked_plan",
]

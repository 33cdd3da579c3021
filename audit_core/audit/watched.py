"""What following a release has shown so far, read from what the workspace keeps."""

from __future__ import annotations

from datetime import datetime

from audit_core.audit.released import require_release
from audit_core.decision.follow import follow
from audit_core.decision.followed import Followed
from audit_core.decision.record import Audit
from audit_core.evidence.kept_plans import kept_plan
from audit_core.evidence.window_store import WindowStore
from audit_core.evidence.workspace import Workspace


def watched(audit: Audit, workspace: Workspace, as_of: datetime) -> Followed | None:
    """Return the windows of the plan that follows a release, judged at a moment; None where none does.

    Raises
    ------
    AuditError
        The plan, or what is kept of a period, does not hold together.
    """
    plan = kept_plan(workspace.root, audit.id)
    if plan is None or plan.cube_sha256 != audit.counted.cube.fingerprint:
        return None
    require_release(plan, audit)
    store = WindowStore(workspace.root, plan.id, plan.cube_sha256)
    return follow(plan, audit, store.windows(), as_of, store.raised())

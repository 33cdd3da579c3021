"""The monitoring plan as a section of the HTML report: sentences, and tables as rows of text."""

from __future__ import annotations

from typing import Any

from audit_core.decision.record import Audit
from audit_core.report.commitments import ONLY_RELEASED
from audit_core.report.plan import (
    LEVELS,
    alert_rows,
    escalation_rows,
    label_sentence,
    plan_headline,
    review_sentence,
    silence_sentence,
    trend_sentence,
    watch_rows,
    window_sentence,
)
from audit_core.report.plan_detection import (
    READ_DETECTION,
    cannot_see,
    detection_rows,
    detection_sentence,
    precision_sentence,
)
from audit_core.report.plan_release import release_sentences
from audit_core.report.release_plan import release_plan


def monitoring_values(audit: Audit) -> dict[str, Any]:
    """Return the plan's part of the page under `monitoring`; None there where nothing can be watched."""
    plan = release_plan(audit, detect=True)
    if plan is None:
        return {"monitoring": None}
    said = (window_sentence(plan), label_sentence(plan), silence_sentence(plan), review_sentence(plan))
    return {
        "monitoring": {
            "headline": plan_headline(plan),
            "sentences": [*said, ONLY_RELEASED],
            "stood": release_sentences(plan),
            "watches": watch_rows(plan),
            "levels": LEVELS,
            "alerts": alert_rows(plan),
            "escalation": escalation_rows(plan),
            "trend": trend_sentence(plan),
            "seen": detection_sentence(plan),
            "detection": detection_rows(plan),
            "read": f"{READ_DETECTION} {precision_sentence(plan)}".rstrip(),
            "unseen": cannot_see(plan),
        }
    }

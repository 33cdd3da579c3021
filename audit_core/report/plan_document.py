"""The monitoring plan as one plain text: what a person reads, prints and signs."""

from __future__ import annotations

from collections.abc import Iterable

from audit_core.decision.plan import Plan
from audit_core.report.escape import visible
from audit_core.report.plan import (
    LEVELS,
    alert_rows,
    escalation_rows,
    label_sentence,
    plan_headline,
    review_sentence,
    silence_sentence,
    trend_sentence,
    watch_sentences,
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
from audit_core.report.table_rows import NONE, Rows
from audit_core.report.words import NOT_DISCRIMINATION, NOT_SIGNED


def plan_document(plan: Plan) -> str:
    """Return the whole plan in plain words, under headings, for a person to sign.

    Guarantee: names from outside are on one line each, hidden characters written out.
    """
    trend = trend_sentence(plan)
    parts = [
        f"MONITORING PLAN {visible(plan.id)}\n{NOT_SIGNED}\n\n{plan_headline(plan)}",
        _part("How long a window is, and why", window_sentence(plan)),
        _part("What is watched", _watched(plan)),
        _part("What an alert does", f"{LEVELS}\n\n{_list(_rows(alert_rows(plan)))}"),
        _part("Outcomes that come late", label_sentence(plan)),
        _part("Silence is a failure", silence_sentence(plan)),
        _part("Whom a page goes to", _list(_rows(escalation_rows(plan)))),
        _part("Slow changes", trend) if trend else "",
        _part("What this plan can see", _seen(plan)),
        _part("What this plan cannot see", _list(cannot_see(plan))),
        _part("Reviews", review_sentence(plan)),
        NOT_DISCRIMINATION,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _watched(plan: Plan) -> str:
    return "\n\n".join([*release_sentences(plan), _list(watch_sentences(plan))])


def _seen(plan: Plan) -> str:
    said = [detection_sentence(plan)]
    if plan.detection:
        lines = _list(map(_line, detection_rows(plan)))
        said += [lines, f"{READ_DETECTION} {precision_sentence(plan)}"]
    return "\n\n".join(said)


def _line(row: dict[str, str]) -> str:
    by = f"{row['By a confirmed alert']} by a confirmed alert, {row['By a trend alert']} by a trend alert"
    late = f", median delay {row['Median delay']}" if row["Median delay"] != NONE else ""
    return f"{row['Change']} in the {row['In']}: found in {row['Found']} ({by}){late}."


def _part(head: str, body: str) -> str:
    return f"{head}\n{'-' * len(head)}\n{body}"


def _list(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _rows(rows: Rows) -> list[str]:
    """Rows of a short table as lines: the first cell, and what stands beside it."""
    return [f"{first}: {' '.join(rest).rstrip('.')}." for first, *rest in (row.values() for row in rows)]

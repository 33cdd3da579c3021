"""The monitoring plan for a terminal: readable in 100 columns, plain text where there are no colours."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from audit_core.decision.plan import Plan
from audit_core.report.escape import for_terminal
from audit_core.report.plan import (
    ALERTS,
    JUDGED,
    LIMIT,
    OWNER,
    WATCHED,
    escalation_sentence,
    label_sentence,
    plan_headline,
    review_sentence,
    silence_sentence,
    watch_rows,
    window_sentence,
)
from audit_core.report.plan_detection import (
    cannot_see,
    detection_rows,
    detection_sentence,
    precision_sentence,
)
from audit_core.report.plan_release import release_sentences
from audit_core.report.table_rows import Rows


def plan_table(plan: Plan) -> RenderableType:
    """Return the plan ready for a rich console: what is watched, who is told, what it can and cannot see.

    Guarantee: names from data and contract are text, never markup; hidden characters are written out.
    """
    parts: list[RenderableType] = [
        Text(for_terminal(f"Monitoring plan {plan.id}"), style="bold"),
        Text(for_terminal(plan_headline(plan))),
        _said(window_sentence(plan)),
        _table(watch_rows(plan), ((WATCHED, 28), (LIMIT, 18), (JUDGED, 20), (ALERTS, 24), (OWNER, 14))),
        *([_said(*stood)] if (stood := release_sentences(plan)) else []),
        _said(label_sentence(plan), silence_sentence(plan), escalation_sentence(plan), review_sentence(plan)),
        _head("What this plan can see"),
        _said(detection_sentence(plan), precision_sentence(plan)),
    ]
    if plan.detection:
        columns = (("Change", 26), ("Found", 12), ("By a confirmed alert", 12), ("By a trend alert", 12),
                   ("Median delay", 12), ("In", 24))  # fmt: skip
        parts.append(_table(detection_rows(plan), columns))
    parts += [_head("What this plan cannot see"), Text("\n".join(f"  {_plain(s)}" for s in cannot_see(plan)))]
    return Group(*parts)


def _head(words: str) -> Text:
    return Text(words, style="bold")


def _plain(words: str) -> str:
    return for_terminal(words)


def _said(*sentences: str) -> Padding:
    return Padding(Text("\n".join(map(for_terminal, filter(None, sentences)))), (0, 0, 1, 0))


def _table(rows: Rows, columns: Sequence[tuple[str, int]]) -> Padding:
    """Some columns of a table; the others stand in the plan's file."""
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold", show_edge=False)
    for name, width in columns:
        table.add_column(name, overflow="fold", max_width=width)
    for row in rows:
        table.add_row(*(Text(for_terminal(row[name])) for name, _ in columns))
    return Padding(table, (0, 0, 1, 0))

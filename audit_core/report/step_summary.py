"""The decision as a Markdown page, for the summary of a step in a build."""

from __future__ import annotations

from collections.abc import Iterator

from audit_core.decision.record import Audit
from audit_core.report.conflicts import accepted_sentences
from audit_core.report.escape import for_markdown_file
from audit_core.report.evaluations import READ_EVALUATIONS, evaluation_rows
from audit_core.report.headline import ground_sentence, headline, reasons_beyond_checks
from audit_core.report.matrix import not_checked
from audit_core.report.published import published
from audit_core.report.table_of_checks import check_rows
from audit_core.report.table_rows import RESULT, Rows
from audit_core.report.withheld import privacy_note
from audit_core.report.words import (
    MARK_SHAPES,
    MARK_WORDS,
    NOT_DISCRIMINATION,
    NOT_SIGNED,
    STATISTICS_NOT_LAW,
)

MOST_ROWS = 200
"""A forge refuses a summary above 1 MiB; two hundred long lines stay far below it."""

_SHAPES = {MARK_WORDS[mark]: shape for mark, shape in MARK_SHAPES.items()}


def step_summary_bytes(audit: Audit) -> bytes:
    """Return the page: verdict, its sentence, every check with its numbers and limit, what else stands in
    the way.

    Guarantee: the same bytes for the same audit; names are text and no part of the table's form; nothing of a
    group below the privacy floor.
    """
    return ("\n\n".join(_parts(published(audit))) + "\n").encode()


def _parts(audit: Audit) -> Iterator[str]:
    head = headline(audit)
    yield f"## {MARK_SHAPES[head.mark]} {head.word}"
    yield f"**{for_markdown_file(head.sentence)}**"
    if head.check:
        yield for_markdown_file(head.check)
    others = [ground_sentence(reason, audit) for reason in reasons_beyond_checks(audit)]
    others = [text for text in others if text != head.sentence]
    if others:
        yield "\n".join(f"- {for_markdown_file(text)}" for text in others)
    rows = check_rows(audit)
    if rows:
        yield _table(rows[:MOST_ROWS])
    if len(rows) > MOST_ROWS:
        yield f"… and {len(rows) - MOST_ROWS} more checks, see the result file."
    yield from _evaluations(audit)
    unseen = not_checked(audit.contract)
    if unseen:
        yield "\n".join(f"- {for_markdown_file(text)}" for text in unseen)
    accepted = accepted_sentences(audit)
    if accepted:
        yield "\n".join(f"- {for_markdown_file(text)}" for text in accepted)
    told = privacy_note(audit)
    if told:
        yield told
    contract = audit.contract
    yield for_markdown_file(
        f"Audit {audit.id} of {audit.created_at[:10]} under {contract.id}, version {contract.version} "
        f"({contract.status}). {NOT_SIGNED}. {STATISTICS_NOT_LAW} {NOT_DISCRIMINATION}"
    )


def _evaluations(audit: Audit) -> Iterator[str]:
    """Results of benchmarks, each with its cases, its range and the limit of its source."""
    rows = evaluation_rows(audit)
    if rows:
        yield "### Benchmark results"
        yield _table(rows[:MOST_ROWS])
        yield for_markdown_file(f"How to read this: {READ_EVALUATIONS}")


def _table(rows: Rows) -> str:
    lines = [list(rows[0]), ["---"] * len(rows[0])]
    lines += [[_cell(name, value) for name, value in row.items()] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(name: str, value: str) -> str:
    shape = f"{_SHAPES[value]} " if name == RESULT and value in _SHAPES else ""
    return shape + for_markdown_file(value)

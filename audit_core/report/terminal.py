"""The decision as a table for a terminal: readable in 100 columns, plain text where there are no colours."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from audit_core.decision.record import Audit
from audit_core.findings.finding import Finding
from audit_core.report.action import action_lines, window_lines
from audit_core.report.data_sentences import drift_row
from audit_core.report.escape import clip, for_terminal
from audit_core.report.evaluations import evaluation_sentence
from audit_core.report.headline import headline
from audit_core.report.limits import check_of, limit_words
from audit_core.report.needs_words import short_needs
from audit_core.report.numbers import count
from audit_core.report.people import subject_words
from audit_core.report.readings import reading
from audit_core.report.sentences import bounds_text
from audit_core.report.summary_notes import not_known
from audit_core.report.table_of_checks import sizes_text
from audit_core.report.words import EVIDENCE_WORDS, MARK_SHAPES, NOT_SIGNED, Mark, mark_of, status_word

NOTES = 4
_STYLES: dict[Mark, str] = {
    "within": "blue",
    "outside": "bold red",
    "inconclusive": "yellow",
    "too_few": "bright_black",
    "not_run": "bright_black",
    "undefined": "bright_black",
    "no_limit": "",
}


def decision_table(audit: Audit) -> RenderableType:
    """Return verdict, checks, requirements and the first notes, ready for a rich console.

    Guarantee: names from data and contract are text, never markup; hidden characters are written out.
    """
    parts: list[RenderableType] = [_banner(audit), Padding(_checks(audit), (1, 0))]
    if audit.requirements:
        parts.append(_requirements(audit))
    parts += _listed("Judged on", window_lines(audit))
    parts += _listed("What the contract says to do now", action_lines(audit))
    parts.append(_notes(audit))
    if said := evaluation_sentence(audit):
        parts.append(Padding(Text(for_terminal(said)), (1, 0, 0, 0)))
    return Group(*parts)


def _banner(audit: Audit) -> Text:
    head = headline(audit)
    style = _STYLES[head.mark]
    text = Text.assemble((f"{MARK_SHAPES[head.mark]} {head.word}", style), "\n", for_terminal(head.sentence))
    if head.check:
        text.append("\n" + for_terminal(head.check), style="dim")
    text.append(f"\nAudit {for_terminal(audit.id)} · {audit.created_at[:10]} · {NOT_SIGNED}", style="dim")
    return text


def _checks(audit: Audit) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold", show_edge=False)
    table.add_column("Check", overflow="fold", ratio=1)
    table.add_column("Status", overflow="fold", width=18)
    table.add_column("Value and bounds", overflow="fold", width=28)
    table.add_column("Limit, and to decide", overflow="fold", width=26)
    table.expand = True
    for finding in audit.findings:
        table.add_row(*_check_cells(finding, audit))
    return table


def _check_cells(finding: Finding, audit: Audit) -> tuple[Text, ...]:
    mark, check = mark_of(finding), check_of(audit.contract, finding.check)
    of = f"{subject_words(finding.subject)}, " if finding.subject else ""
    name = Text(for_terminal(clip(finding.check, 40)))
    name.append("\n" + for_terminal(of) + finding.severity, style="dim")
    status = Text(f"{MARK_SHAPES[mark]} {status_word(finding)}", style=_STYLES[mark])
    if finding.status != "NOT_RUN":
        status.append(f"\n{EVIDENCE_WORDS[finding.evidence]}", style="dim")
    limit = limit_words(check) if check else ""
    numbers = Text(for_terminal(_value(finding, audit)))
    bounds = _bounds(finding, audit)
    if bounds:
        numbers.append("\n" + for_terminal(bounds), style="dim")
    takes = Text(for_terminal(limit or "–"))
    if _needs(finding):
        takes.append("\n" + for_terminal(_needs(finding)), style="dim")
    return name, status, numbers, takes


def _value(finding: Finding, audit: Audit) -> str:
    read = reading(finding)
    row = drift_row(finding, audit) if finding.metric == "psi" else None
    if read.value is None or finding.metric == "coverage":
        return f"smallest n={count(finding.low.denominator)}" if finding.low else "–"
    shown = read.amount
    return f"{shown} ({clip(row.table.feature, 24)})" if row else shown


def _bounds(finding: Finding, audit: Audit) -> str:
    row = drift_row(finding, audit) if finding.metric == "psi" else None
    if row is not None and finding.upper is not None:
        return f"by chance up to {reading(finding).figures.text(finding.upper)}"
    return "; ".join(part for part in (bounds_text(reading(finding)), sizes_text(finding)) if part)


def _needs(finding: Finding) -> str:
    if finding.needs is not None:
        return short_needs(finding.needs)
    if finding.status == "NOT_RUN":
        return "see: explain"
    return ""


def _requirements(audit: Audit) -> Text:
    text = Text("Requirements", style="bold")
    for state in audit.requirements:
        word = "met" if state.met else "NOT MET"
        by = f", {state.by}" if state.by else ""
        style = "" if state.met else "bold red"
        text.append(f"\n  {word:<8}", style=style or "none")
        text.append(for_terminal(f"{clip(state.id, 60)}{by}"), style="none")
    return text


def _listed(title: str, lines: tuple[str, ...]) -> list[RenderableType]:
    """A titled list, or nothing where it is empty."""
    if not lines:
        return []
    text = Text(title, style="bold")
    for line in lines:
        text.append(f"\n  {for_terminal(line)}", style="none")
    return [Padding(text, (1, 0, 0, 0))]


def _notes(audit: Audit) -> Padding:
    notes = not_known(audit)
    text = Text("Not known", style="bold")
    for note in notes[:NOTES]:
        text.append(f"\n  {for_terminal(note)}", style="none")
    if len(notes) > NOTES:
        text.append(f"\n  … and {len(notes) - NOTES} more, see the result file", style="dim")
    return Padding(text, (1, 0, 0, 0))

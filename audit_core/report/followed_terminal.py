"""What following a release has shown, for a terminal: plain text, readable without colours."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from audit_core.decision.followed import Followed, Incident, WatchPoint
from audit_core.decision.plan import Watch
from audit_core.findings.finding import Finding
from audit_core.report.escape import clip, for_terminal
from audit_core.report.incidents import incident_lines, leading
from audit_core.report.looser import looser_sentences
from audit_core.report.numbers import counted
from audit_core.report.readings import reading
from audit_core.report.table_rows import NONE
from audit_core.report.watch_words import numbers_text, watch_words
from audit_core.report.window_series import NOT_JUDGED, STATE_WORDS, point_word
from audit_core.report.window_tables import alerts_text, window_rows
from audit_core.report.windows import estimate_sentence, followed_headline
from audit_core.report.words import lower_first

_WINDOW_COLUMNS = (("Window", 10), ("Rows", 8), ("Outcomes", 30), ("Result", 20), ("Files", 40))


def followed_table(followed: Followed, notes: Sequence[str] = ()) -> RenderableType:
    """Return the windows, each watch where it was last judged, and every open incident.

    Parameters
    ----------
    notes
        What else this run has to say, such as a feature that its files do not hold.

    Guarantee: names from data and plan are text, never markup; hidden characters are written out.
    """
    head = followed_headline(followed)
    plan = followed.plan
    title = f"{plan.id}: {plan.model_name or 'decisions in the files'}, contract {plan.contract_id}"
    parts: list[RenderableType] = [
        Text(for_terminal(title), style="bold"),
        Text(for_terminal(f"{head.word}. {head.sentence}")),
        Padding(_windows(followed), (1, 0)),
        _watches(followed),
        Padding(Text("\n".join(incident_lines(followed))), (1, 0, 0, 0)),
    ]
    if said := estimate_sentence(followed):
        parts.append(Padding(Text(for_terminal(said)), (1, 0, 0, 0)))
    if looser := looser_sentences(followed):
        parts.append(Padding(Text("\n".join(map(for_terminal, looser))), (1, 0, 0, 0)))
    if notes:
        parts.append(Padding(Text("\n".join(map(for_terminal, notes))), (1, 0, 0, 0)))
    return Group(*parts)


def _windows(followed: Followed) -> Table:
    rows = window_rows(followed)
    table = _empty([(name, width) for name, width in _WINDOW_COLUMNS if not rows or name in rows[0]])
    for row in rows:
        table.add_row(*(Text(for_terminal(row[str(column.header)])) for column in table.columns))
    return table


def _watches(followed: Followed) -> Table:
    """One line a watch: the last window it was judged on."""
    table = _empty(
        (("Watch", 34), ("Window", 9), ("Status", 18), ("Number, range and people", 40), ("Alert", 16))
    )
    for watch in followed.plan.watches:
        own = [point for point in followed.points if point.watch == watch.id]
        judged = [point for point in own if point.finding is not None]
        last = judged[-1] if judged else own[-1] if own else None
        cells = _cells(
            watch,
            last,
            [found for found in leading(followed.incidents) if found.watch == watch.id],
            followed.plan.level,
        )
        table.add_row(*(Text(for_terminal(cell)) for cell in cells))
    return table


def _cells(
    watch: Watch, point: WatchPoint | None, alerts: Sequence[Incident], level: Fraction
) -> tuple[str, ...]:
    what = clip(watch_words(watch), 70)
    said = alerts_text(alerts) or NONE
    if point is None:
        return what, NONE, NOT_JUDGED, NONE, said
    if point.finding is None:
        why = f"{NOT_JUDGED}: {lower_first(STATE_WORDS[point.why])}" if point.why else NOT_JUDGED
        return what, point.window, why, NONE, said
    return what, point.window, point_word(point.finding), _number(point.finding, level), said


def _number(finding: Finding, level: Fraction) -> str:
    if finding.metric != "psi":
        return numbers_text(finding, level)
    read = reading(finding)
    if read.value is None:
        return "no number"
    chance = f"by chance up to {read.figures.text(finding.upper)}" if finding.upper is not None else ""
    rows = f"n={finding.high.denominator:,}" if finding.high is not None else ""
    return f"PSI {read.figures.text(read.value)} ({'; '.join(part for part in (chance, rows) if part)})"


def _empty(columns: Sequence[tuple[str, int]]) -> Table:
    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="bold", show_edge=False)
    for name, width in columns:
        table.add_column(name, overflow="fold", max_width=width)
    return table


def not_followed_notes(
    periods: Sequence[tuple[str, tuple[tuple[str, str], ...]]], most: int = 6
) -> list[str]:
    """Return a line for each feature of the release that a period does not hold, the newest period first."""
    lines = [
        f"Not followed in {period}: “{clip(name, 40)}”, {clip(why, 80)}."
        for period, without in reversed(periods)
        for name, why in without
    ]
    more = [f"{counted(len(lines) - most, 'more lines')} like these."] if len(lines) > most else []
    return [*lines[:most], *more]

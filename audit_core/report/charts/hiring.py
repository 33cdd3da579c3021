"""Impact ratios: every group's rate over the highest one, with its interval and the line at four fifths."""

from __future__ import annotations

import math

from audit_core.metrics.hiring import FOUR_FIFTHS, CategoryLine
from audit_core.metrics.hiring_tables import SubjectImpact
from audit_core.report.charts.marks import (
    INCONCLUSIVE,
    MARK_STYLES,
    NEUTRAL,
    REFERENCE_STYLE,
    Figure,
    MarkStyle,
    annotation,
    axis,
    label,
    layout,
    whisker,
)
from audit_core.report.hiring import BELOW, flag_word, interval_words, ratio_words
from audit_core.report.numbers import count, percent
from audit_core.report.people import group_words, subject_words
from audit_core.report.words import MARK_SHAPES, REFERENCE_GROUP

ROW_HEIGHT = 46
MOST_GROUPS = 40
_MOST_RATIO = 2.0
"""Where the axis ends at the latest; an interval that goes on is cut there, and its numbers say so."""


def impact_figure(part: SubjectImpact) -> Figure:
    """Return the dot plot: groups from top to bottom, four fifths as a dashed line, the reference at 1."""
    lines = compared(part)
    rows = len(lines)
    names = [_name(line) for line in reversed(lines)]
    place = {line.group: rows - 1 - i for i, line in enumerate(lines)}
    return {
        "data": [_trace(line, place[line.group], part) for line in lines],
        "layout": layout(
            height=ROW_HEIGHT * rows + 92,
            margin={"l": 8, "r": 262, "t": 28, "b": 56},
            xaxis=axis(range=list(_reach(lines)), title={"text": "Impact ratio"}, nticks=8, tickformat=".2f"),
            yaxis=axis(range=[-0.6, rows - 0.4], tickvals=list(range(rows)), ticktext=names, showgrid=False),
            shapes=[_upright(float(FOUR_FIFTHS), INCONCLUSIVE, "dash"), _upright(1.0, NEUTRAL, "dot")],
            annotations=[
                annotation(float(FOUR_FIFTHS), 1, "0.80", yref="paper", yanchor="bottom", xanchor="right"),
                *(_numbers(line, place[line.group], part) for line in lines),
            ],
        ),
    }


def _name(line: CategoryLine) -> str:
    """A group's name; of a combination every part is cut by itself, so that its end can still be read."""
    length = 28 if len(line.group) == 1 else 22
    return " × ".join(label(group_words((level,)), length) for level in line.group)


def compared(part: SubjectImpact) -> tuple[CategoryLine, ...]:
    """Return the groups that have an impact ratio, at most so many as a chart can hold: the lowest ones."""
    lines = [line for line in part.table.lines if line.impact_ratio is not None]
    if len(lines) <= MOST_GROUPS:
        return tuple(lines)
    lowest = {line.group for line in sorted(lines, key=lambda line: line.impact_ratio or 0)[:MOST_GROUPS]}
    return tuple(line for line in lines if line.group in lowest)


def _style(line: CategoryLine, part: SubjectImpact) -> MarkStyle:
    word = flag_word(line, part)
    flagged = MARK_STYLES["inconclusive" if word == BELOW else "no_limit"]
    return REFERENCE_STYLE if word == REFERENCE_GROUP else flagged


def shape_of(line: CategoryLine, part: SubjectImpact) -> str:
    """Return the printed twin of a group's mark."""
    word = flag_word(line, part)
    return "■" if word == REFERENCE_GROUP else MARK_SHAPES["inconclusive"] if word == BELOW else "●"


def _reach(lines: tuple[CategoryLine, ...]) -> tuple[float, float]:
    ends = [1.0, float(FOUR_FIFTHS), *(float(line.impact_ratio or 0) for line in lines)]
    for line in lines:
        if line.against is not None and line.against.interval is not None:
            ends += [end for end in line.against.interval if math.isfinite(end)]
    room = 0.04
    return max(0.0, min(ends) - room), min(_MOST_RATIO, max(ends)) + room


def _trace(line: CategoryLine, row: int, part: SubjectImpact) -> Figure:
    style, value = _style(line, part), float(line.impact_ratio or 0)
    interval = line.against.interval if line.against is not None else None
    low, high = interval if interval is not None else (value, value)
    below, above = whisker(low, min(high, _MOST_RATIO), value)
    word = flag_word(line, part)
    return {
        "type": "scatter",
        "mode": "markers",
        "name": label(group_words(line.group)),
        "x": [value],
        "y": [row],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [above],
            "arrayminus": [below],
            "color": style.colour,
            "thickness": 2.5,
            "width": 6 if line.against is not None else 0,
        },
        "marker": {
            "symbol": style.symbol,
            "color": style.colour,
            "size": style.size,
            "line": {"width": 2, "color": style.colour},
        },
        "hovertext": [
            f"<b>{label(group_words(line.group))}</b> · {word}<br>Impact ratio {ratio_words(line)}"
            f"<br>{percent(line.selection_rate or 0)}: {count(line.selected)} of {count(line.n)}"
        ],
        "hoverinfo": "text",
    }


def _numbers(line: CategoryLine, row: int, part: SubjectImpact) -> Figure:
    """The group's numbers at the right edge, with the printed twin of its mark."""
    interval = f"  {interval_words(line.against.interval)}" if line.against is not None else "  reference"
    text = f"{shape_of(line, part)} <b>{ratio_words(line)}</b>{interval} · n {count(line.n)}"
    return annotation(1.0, row, text, xref="paper", xanchor="left", align="left", xshift=14)


def _upright(x: float, colour: str, dash: str) -> Figure:
    line = {"color": colour, "width": 1.5, "dash": dash}
    whole: Figure = {"type": "line", "xref": "x", "yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
    return whole | {"x0": x, "x1": x, "line": line}


def impact_alt(part: SubjectImpact) -> str:
    """Return the chart in words: every group's impact ratio, its interval and its flag."""
    said = []
    for line in compared(part):
        between = ""
        if line.against is not None:
            between = f" (interval {interval_words(line.against.interval)})"
        said.append(
            f"{group_words(line.group)} {ratio_words(line)}{between}, {flag_word(line, part).lower()}"
        )
    return f"Impact ratio by {subject_words(part.subject)}, with a line at 0.80. " + "; ".join(said) + "."

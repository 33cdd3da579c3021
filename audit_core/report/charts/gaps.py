"""Group differences: every group's rate with its interval, around the limit band of the reference group."""

from __future__ import annotations

from audit_core.metrics.catalogue import RATES
from audit_core.metrics.estimate import Measured, TooFew
from audit_core.report.charts.compared import GroupGaps, GroupMark
from audit_core.report.charts.marks import (
    BAND,
    MARK_STYLES,
    NEUTRAL,
    REFERENCE_STYLE,
    Figure,
    annotation,
    axis,
    label,
    layout,
    percent_reach,
    whisker,
)
from audit_core.report.numbers import count, decimal, percent
from audit_core.report.people import subject_words
from audit_core.report.words import metric_name

ROW_HEIGHT = 46


def gap_figure(gaps: GroupGaps) -> Figure:
    """Return the interval dot plot: groups from top to bottom, the limit as a band around the reference."""
    shown = [mark for mark in gaps.marks if isinstance(mark.estimate, Measured | TooFew)]
    rows = len(gaps.marks)
    low, high = _reach(gaps)
    place = {mark.group: rows - 1 - i for i, mark in enumerate(gaps.marks)}
    names = [label(mark.name, 28) for mark in reversed(gaps.marks)]
    return {
        "data": [_trace(mark, place[mark.group], gaps) for mark in shown],
        "layout": layout(
            height=ROW_HEIGHT * rows + 84,
            margin={"l": 8, "r": 232, "t": 8, "b": 56},
            xaxis=axis(
                range=[low, high], ticksuffix=" %", title={"text": metric_name(gaps.metric)}, nticks=8
            ),
            yaxis=axis(range=[-0.6, rows - 0.4], tickvals=list(range(rows)), ticktext=names, showgrid=False),
            shapes=_band_shapes(gaps),
            annotations=[_numbers(mark, place[mark.group]) for mark in gaps.marks],
        ),
    }


def _reach(gaps: GroupGaps) -> tuple[float, float]:
    """Ends of the axis in percent: every interval and the band, with a little room."""
    ends = [gaps.band] if gaps.band else []
    ends += [
        (m.estimate.low, m.estimate.high) for m in gaps.marks if isinstance(m.estimate, Measured | TooFew)
    ]
    return percent_reach(ends)


def _trace(mark: GroupMark, row: int, gaps: GroupGaps) -> Figure:
    found = mark.estimate
    assert isinstance(found, Measured | TooFew)
    style = REFERENCE_STYLE if mark.is_reference else MARK_STYLES[mark.mark]
    below, above = whisker(found.low, found.high, found.value)
    width = 1.5 if mark.mark == "too_few" else 2.5
    return {
        "type": "scatter",
        "mode": "markers",
        "name": label(mark.name),
        "x": [100 * found.value],
        "y": [row],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [100 * above],
            "arrayminus": [100 * below],
            "color": style.colour,
            "thickness": width,
            "width": 6,
        },
        "marker": {
            "symbol": style.symbol,
            "color": style.colour,
            "size": style.size,
            "line": {"width": 2, "color": style.colour},
        },
        "hovertext": [_hover(mark, gaps)],
        "hoverinfo": "text",
    }


def _hover(mark: GroupMark, gaps: GroupGaps) -> str:
    found = mark.estimate
    assert isinstance(found, Measured | TooFew)
    lines = [
        f"<b>{label(mark.name)}</b> · {mark.word}",
        f"{metric_name(gaps.metric)} {percent(found.value)}",
        f"{count(found.numerator)} of {count(found.denominator)} {RATES[gaps.metric].people}",
    ]
    return "<br>".join(lines)


def _numbers(mark: GroupMark, row: int) -> Figure:
    """The group's numbers at the right edge, with the printed twin of its mark."""
    found = mark.estimate
    if isinstance(found, Measured | TooFew):
        interval = f"{decimal(100 * found.low, 1)}–{decimal(100 * found.high, 1)}"
        text = f"{mark.shape} <b>{percent(found.value)}</b>  {interval} · n {count(found.denominator)}"
    else:
        text = f"{mark.shape} {mark.word.lower()}"
    return annotation(1.0, row, text, xref="paper", xanchor="left", align="left", xshift=14)


def _band_shapes(gaps: GroupGaps) -> list[Figure]:
    """The limit as a band over the full height, and the reference's own rate as a dotted line."""
    base = next((m.estimate for m in gaps.marks if m.is_reference), None)
    tall: Figure = {"xref": "x", "yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
    shapes: list[Figure] = []
    if gaps.band:
        low, high = gaps.band
        fill = {"type": "rect", "fillcolor": BAND, "line": {"width": 0}}
        shapes.append(tall | fill | {"x0": 100 * low, "x1": 100 * high})
    if isinstance(base, Measured | TooFew):
        line = {"type": "line", "line": {"color": NEUTRAL, "width": 1.5, "dash": "dot"}}
        shapes.append(tall | line | {"x0": 100 * base.value, "x1": 100 * base.value})
    return shapes


def gap_alt(gaps: GroupGaps) -> str:
    """Return the chart in words: every group's rate, interval and status."""
    said = []
    for mark in gaps.marks:
        found = mark.estimate
        if isinstance(found, Measured | TooFew):
            numbers = f"{percent(found.value)} (interval {percent(found.low)} to {percent(found.high)})"
            said.append(f"{mark.name} {numbers}, {mark.word.lower()}")
        else:
            said.append(f"{mark.name}: {mark.word.lower()}")
    return f"{metric_name(gaps.metric)} by {subject_words(gaps.subject)}. " + "; ".join(said) + "."

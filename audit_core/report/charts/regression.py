"""A candidate against its baseline: every group's change, and the largest gap before and now."""

from __future__ import annotations

from collections.abc import Sequence

from audit_core.metrics.regression_rows import ExtremePair, RegressionRow
from audit_core.report.charts.marks import (
    BAND,
    MARK_STYLES,
    NEUTRAL,
    Figure,
    annotation,
    axis,
    label,
    layout,
    whisker,
)
from audit_core.report.numbers import POINTS, count, figures, percent, points
from audit_core.report.people import group_words, subject_words
from audit_core.report.regression_tables import ChangeMark
from audit_core.report.words import MARK_SHAPES, Mark

ROW_HEIGHT = 46


def change_figure(row: RegressionRow, marks: Sequence[ChangeMark], limit: float | None) -> Figure:
    """Return every group's change with its interval around no change; the limit of a rate as a line."""
    rows = len(marks)
    low, high = _reach(marks, limit)
    known = [(rows - 1 - i, mark) for i, mark in enumerate(marks) if mark.interval is not None]
    names = [label(mark.name, 28) for mark in reversed(marks)]
    return {
        "data": [_trace(mark, place) for place, mark in known],
        "layout": layout(
            height=ROW_HEIGHT * rows + 84,
            margin={"l": 8, "r": 250, "t": 8, "b": 56},
            xaxis=axis(
                range=[low, high], ticksuffix=" pts", nticks=8,
                title={"text": f"Change of the {row.rate.name.lower()} since the baseline"},
            ),
            yaxis=axis(range=[-0.6, rows - 0.4], tickvals=list(range(rows)), ticktext=names, showgrid=False),
            shapes=_lines(limit, high),
            annotations=[_numbers(mark, rows - 1 - i) for i, mark in enumerate(marks)],
        ),
    }  # fmt: skip


def _reach(marks: Sequence[ChangeMark], limit: float | None) -> tuple[float, float]:
    ends = [0.0, limit or 0.0]
    ends += [end for mark in marks if mark.interval is not None for end in mark.interval]
    room = max(0.01, (max(ends) - min(ends)) * 0.06)
    return 100 * (min(ends) - room), 100 * (max(ends) + room)


def _lines(limit: float | None, high: float) -> list[Figure]:
    """No change as a dotted line; beyond the limit is shaded where the limit is one of every group."""
    tall: Figure = {"xref": "x", "yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
    dotted = {"type": "line", "line": {"color": NEUTRAL, "width": 1.5, "dash": "dot"}}
    shapes = [tall | dotted | {"x0": 0, "x1": 0}]
    if limit is not None:
        band = {"type": "rect", "fillcolor": BAND, "line": {"width": 0}}
        shapes.append(tall | band | {"x0": 100 * limit, "x1": high})
    return shapes


def _trace(mark: ChangeMark, place: int) -> Figure:
    assert mark.interval is not None and mark.change.value is not None
    style, value = MARK_STYLES[mark.mark], float(mark.change.value)
    below, above = whisker(mark.interval.low, mark.interval.high, value)
    return {
        "type": "scatter",
        "mode": "markers",
        "name": label(mark.name),
        "x": [100 * value],
        "y": [place],
        "error_x": {
            "type": "data", "symmetric": False, "array": [100 * above], "arrayminus": [100 * below],
            "color": style.colour, "thickness": 2.5, "width": 6,
        },
        "marker": {
            "symbol": style.symbol, "color": style.colour, "size": style.size,
            "line": {"width": 2, "color": style.colour},
        },
        "hovertext": [_hover(mark)],
        "hoverinfo": "text",
    }  # fmt: skip


def _hover(mark: ChangeMark) -> str:
    old, new = mark.change.old, mark.change.new
    sides = [
        f"{word} {percent(side.value or 0)} ({count(side.numerator)} of {count(side.denominator)})"
        for word, side in (("before", old), ("now", new))
    ]
    return "<br>".join([f"<b>{label(mark.name)}</b> · {mark.word}", *sides])


def _numbers(mark: ChangeMark, place: int) -> Figure:
    """The group's numbers at the right edge, with the printed twin of its mark."""
    text = f"{MARK_SHAPES[mark.mark]} {mark.word.lower()}"
    if mark.interval is not None and mark.change.value is not None:
        shown, (low, high) = figures(POINTS), mark.interval
        moved = shown.signed(mark.change.value)
        rows = count(mark.change.new.denominator)
        text = f"{MARK_SHAPES[mark.mark]} <b>{moved}</b>  {shown.bare(low)} to {shown.bare(high)} · n {rows}"
    return annotation(1.0, place, text, xref="paper", xanchor="left", align="left", xshift=14)


def change_alt(row: RegressionRow, marks: Sequence[ChangeMark]) -> str:
    """Return the chart in words: every group's rate before and now, and its change."""
    said = []
    for mark in marks:
        old, new, value = mark.change.old.value, mark.change.new.value, mark.change.value
        if old is None or new is None or value is None or mark.interval is None:
            said.append(f"{mark.name}: no case in one of the models")
            continue
        low, high = mark.interval
        said.append(
            f"{mark.name} {percent(old)} before, {percent(new)} now, change {points(value)} "
            f"(interval {points(low)} to {points(high)})"
        )
    return f"Change of the {row.rate.name.lower()} by {subject_words(row.subject)}. " + "; ".join(said) + "."


def before_after_figure(row: RegressionRow, mark: Mark) -> Figure:
    """Return the largest gap before and now, joined by a line; nothing where there is no gap."""
    if row.gap is None:
        return {"data": [], "layout": layout(height=10, margin={"l": 0, "r": 0, "t": 0, "b": 0})}
    old, new = 100 * float(row.gap.old.gap), 100 * float(row.gap.new.gap)
    style = MARK_STYLES[mark]
    shared: Figure = {"type": "scatter", "mode": "markers", "y": [0], "hoverinfo": "text"}
    data = [
        {"type": "scatter", "mode": "lines", "x": [old, new], "y": [0, 0], "hoverinfo": "skip",
         "line": {"color": style.colour, "width": 2.5}},
        shared | {"x": [old], "hovertext": [f"before {points(row.gap.old.gap)}"], "marker": {
            "symbol": "circle-open", "size": 13, "color": NEUTRAL, "line": {"width": 2, "color": NEUTRAL}}},
        shared | {"x": [new], "hovertext": [f"now {points(row.gap.new.gap)}"], "marker": {
            "symbol": style.symbol, "size": style.size, "color": style.colour,
            "line": {"width": 2, "color": style.colour}}},
    ]  # fmt: skip
    top = max(old, new)
    return {
        "data": data,
        "layout": layout(
            height=128,
            margin={"l": 104, "r": 250, "t": 34, "b": 52},
            xaxis=axis(range=[-0.1 * top, 1.1 * top or 1.0], ticksuffix=" pts",
                       title={"text": "Largest gap between two groups"}),
            yaxis=axis(range=[-0.6, 0.6], showticklabels=False, showgrid=False),
            annotations=[
                annotation(old, 0, f"before {points(row.gap.old.gap)}", yshift=20,
                           xanchor="right" if old < new else "left"),
                annotation(new, 0, f"{MARK_SHAPES[mark]} <b>now {points(row.gap.new.gap)}</b>", yshift=20,
                           xanchor="left" if old < new else "right"),
            ],
        ),
    }  # fmt: skip


def before_after_alt(row: RegressionRow) -> str:
    """Return the chart of the largest gap in words."""
    if row.gap is None:
        return "Fewer than two groups have data in both models."
    old, new = row.gap.old, row.gap.new
    return (
        f"Largest gap by {subject_words(row.subject)}: {points(old.gap)} before{_between(old)}; "
        f"{points(new.gap)} now{_between(new)}."
    )


def _between(pair: ExtremePair) -> str:
    if pair.high.group == pair.low.group:
        return ""
    return f", between {group_words(pair.low.group)} and {group_words(pair.high.group)}"

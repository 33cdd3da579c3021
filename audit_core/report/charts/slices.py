"""The worst slices: how far each stands from the rest, in the half of the rows held out of the search."""

from __future__ import annotations

from audit_core.metrics.slice_found import Carried, SliceHunt
from audit_core.report.charts.marks import (
    INCONCLUSIVE,
    NEUTRAL,
    TOO_FEW,
    Figure,
    MarkStyle,
    annotation,
    axis,
    label,
    layout,
    whisker,
)
from audit_core.report.numbers import POINTS, Figures, count
from audit_core.report.slices import carried_word, compared_words, hunt_sentence, signed_points, slice_words
from audit_core.report.words import metric_name

ROW_HEIGHT = 52
_SIGNED = Figures(unit=POINTS, digits=1)
SEEN = MarkStyle(symbol="diamond", colour=INCONCLUSIVE, size=14)
NOT_SEEN = MarkStyle(symbol="circle-open", colour=TOO_FEW, size=13)


def slices_figure(hunt: SliceHunt) -> Figure:
    """Return the interval plot of the slices carried over: held-out estimates, a tick for the search half."""
    rows = len(hunt.carried)
    names = [label(slice_words(one.slice), 34) for one in reversed(hunt.carried)]
    data = [trace for i, one in enumerate(hunt.carried) for trace in _traces(one, rows - 1 - i, hunt)]
    low, high = _reach(hunt)
    zero = {"type": "line", "xref": "x", "yref": "paper", "x0": 0, "x1": 0, "y0": 0, "y1": 1}
    title = f"{metric_name(hunt.metric)}: slice minus the rest, points"
    return {
        "data": data,
        "layout": layout(
            height=ROW_HEIGHT * rows + 92,
            margin={"l": 8, "r": 262, "t": 8, "b": 56},
            xaxis=axis(range=[low, high], title={"text": title}, nticks=8),
            yaxis=axis(range=[-0.6, rows - 0.4], tickvals=list(range(rows)), ticktext=names, showgrid=False),
            shapes=[zero | {"layer": "below", "line": {"color": NEUTRAL, "width": 1.5, "dash": "dot"}}],
            annotations=[_numbers(one, rows - 1 - i) for i, one in enumerate(hunt.carried)],
        ),
    }


def _reach(hunt: SliceHunt) -> tuple[float, float]:
    """Ends of the axis in points: every interval and both halves, the 0 inside, a little room."""
    ends = [0.0]
    for one in hunt.carried:
        ends += [
            *one.held_out.interval,
            *(float(pair.difference or 0) for pair in (one.search, one.held_out)),
        ]
    low, high = min(ends), max(ends)
    room = max(0.02, (high - low) * 0.06)
    return 100 * (low - room), 100 * (high + room)


def _traces(one: Carried, row: int, hunt: SliceHunt) -> list[Figure]:
    held, before = one.held_out.difference, one.search.difference
    if held is None or before is None:
        return []
    style = SEEN if one.replicated else NOT_SEEN
    below, above = whisker(*one.held_out.interval, float(held))
    words = f"<b>{label(slice_words(one.slice))}</b> · {carried_word(one)}"
    said = label(f"held out: {compared_words(one.held_out, hunt)}", 200).replace(", ", "<br>", 1)
    base: Figure = {"type": "scatter", "mode": "markers", "y": [row], "hoverinfo": "text"}
    tick = {"symbol": "line-ns-open", "color": NEUTRAL, "size": 16, "line": {"width": 2, "color": NEUTRAL}}
    bar = {"type": "data", "symmetric": False, "array": [100 * above], "arrayminus": [100 * below]}
    return [
        base
        | {
            "x": [100 * float(before)],
            "marker": tick,
            "hovertext": [f"{words}<br>search half: {_SIGNED.signed(before)}, optimistic"],
        },
        base
        | {
            "x": [100 * float(held)],
            "error_x": bar | {"color": style.colour, "thickness": 2.5, "width": 6},
            "marker": {
                "symbol": style.symbol,
                "color": style.colour,
                "size": style.size,
                "line": {"width": 2, "color": style.colour},
            },
            "hovertext": [f"{words}<br>{said}"],
        },
    ]


def _numbers(one: Carried, row: int) -> Figure:
    """The held-out numbers at the right edge, with the printed twin of the mark."""
    shape, pair = ("◆" if one.replicated else "○"), one.held_out
    low, high = pair.interval
    value = _SIGNED.signed(pair.difference) if pair.difference is not None else "undefined"
    ends = f"{signed_points(low)} to {signed_points(high)}"
    text = f"{shape} <b>{value}</b>  {ends} · n {count(pair.inside.denominator)}"
    return annotation(1.0, row, text, xref="paper", xanchor="left", align="left", xshift=14)


def slices_alt(hunt: SliceHunt) -> str:
    """Return the chart in words: every slice with both rates, the difference and its interval, held out."""
    said = [
        f"{slice_words(one.slice)}, {carried_word(one).lower()}: {compared_words(one.held_out, hunt)}"
        for one in hunt.carried
    ]
    return " ".join([hunt_sentence(hunt), *(f"{text}." for text in said)])

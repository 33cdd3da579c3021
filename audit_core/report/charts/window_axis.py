"""What charts over windows share: their axis, limit lines with words beside them, dotted whiskers."""

from __future__ import annotations

from collections.abc import Sequence

from audit_core.report.charts.marks import NEUTRAL, TOO_FEW, Figure, annotation, axis, label

MOST_TICKS = 14
LINE_OF_TEXT = 19
"""Pixels."""
NO_DATA = "no data"
_HATCH = {"shape": "/", "fgcolor": TOO_FEW, "bgcolor": "rgba(0,0,0,0)", "size": 9, "solidity": 0.12}


def windows_axis(names: Sequence[str], notes: Sequence[str] = ()) -> Figure:
    """Return the axis of windows, in their order; where there are many, every second or third is named.

    A note stands under the name of its window, and a window with one is always named.
    """
    step = -(-len(names) // MOST_TICKS) or 1
    shown = [place for place in range(len(names)) if place % step == 0 or any(notes[place : place + 1])]
    ticks = [_tick(names[place], *notes[place : place + 1]) for place in shown]
    return axis(range=[-0.6, len(names) - 0.4], tickvals=shown, ticktext=ticks, showgrid=False)


def _tick(name: str, note: str = "") -> str:
    return label(name, 16) + (f"<br>{label(note)}" if note else "")


def no_data_bar(place: int, low: float, high: float) -> Figure:
    """Return a window without data: hatched from bottom to top, so that nobody takes it for 0."""
    return {
        "type": "bar",
        "x": [place],
        "y": [high - low],
        "base": [low],
        "width": 0.9,
        "marker": {"color": "rgba(0,0,0,0)", "pattern": _HATCH, "line": {"width": 1, "color": TOO_FEW}},
        "hovertext": [NO_DATA],
        "hoverinfo": "text",
    }


def limit_line(at: float) -> Figure:
    """Return a limit as a dashed line over all windows."""
    line = {"color": NEUTRAL, "width": 1.6, "dash": "dash"}
    return {"type": "line", "xref": "paper", "yref": "y", "x0": 0, "x1": 1, "y0": at, "y1": at, "line": line}


def dotted_whisker(place: float, ends: Sequence[float]) -> Figure:
    """Return the dotted interval of a value that is not final."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [place, place],
        "y": list(ends),
        "line": {"color": TOO_FEW, "width": 2, "dash": "dot"},
        "hoverinfo": "skip",
    }


def side_words(words: Sequence[tuple[float, str]], reach: float, pixels: int) -> list[Figure]:
    """Return words at the right edge beside their places, pushed apart where they lie close together.

    `reach` is the length of the axis in its own unit, `pixels` the same on the page.
    """
    ordered = sorted(words)
    places = spread([at for at, _ in ordered], reach * LINE_OF_TEXT / pixels)
    right = {"xref": "paper", "xanchor": "left", "align": "left", "xshift": 8}
    return [annotation(1.0, at, text, **right) for at, (_, text) in zip(places, ordered, strict=True)]


def spread(places: Sequence[float], least: float) -> list[float]:
    """Return rising places at least `least` apart, each run around where it would have been."""
    runs: list[list[float]] = []
    for place in places:
        runs.append([place])
        while len(runs) > 1 and _start(runs[-1], least) - _end(runs[-2], least) < least:
            last = runs.pop()
            runs[-1] = [*runs[-1], *last]
    return [_start(run, least) + i * least for run in runs for i in range(len(run))]


def _start(run: Sequence[float], least: float) -> float:
    return sum(run) / len(run) - least * (len(run) - 1) / 2


def _end(run: Sequence[float], least: float) -> float:
    return _start(run, least) + least * (len(run) - 1)

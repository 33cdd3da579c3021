"""The robustness map as a figure: limit × threshold, each cell with a mark, a word and a colour."""

from __future__ import annotations

from audit_core.decision.record import Audit
from audit_core.decision.robustness import MapCell, RobustnessMap
from audit_core.report.charts.marks import NEUTRAL, Figure, annotation, axis, label, layout
from audit_core.report.robustness import (
    cell_mark,
    cell_word,
    check_words,
    limit_text,
    threshold_text,
)
from audit_core.report.words import MARK_SHAPES, Mark

INK = "#10161E"
GROUNDS: tuple[tuple[Mark, str], ...] = (
    ("within", "#C2D9F4"),
    ("inconclusive", "#F6DFA8"),
    ("outside", "#F3B9B1"),
    ("too_few", "#D9DEE4"),
    ("undefined", "#D9DEE4"),
    ("not_run", "#D9DEE4"),
)
"""Pale enough that one dark ink is read on each of them, on either ground of the page."""

SHORT = {
    "Within limit": "Within",
    "Outside limit": "Outside",
    "Too few to judge": "Too few",
    "Cannot decide yet": "Cannot<br>decide yet",
    "Do not release": "Do not<br>release",
    "Approved within contract": "Approved",
    "Approved with conditions": "Approved,<br>conditions",
}
ROW_HEIGHT = 46


def robustness_figure(found: RobustnessMap, audit: Audit, *, verdict: bool) -> Figure:
    """Return the heat map: thresholds across, limits down, a frame around the contract's own cell."""
    columns, rows = len(found.cuts), len(found.limits)
    order = [mark for mark, _ in GROUNDS]
    text = [[_text(cell, audit, verdict=verdict) for cell in _row(found, y)] for y in range(rows)]
    z = [[order.index(cell_mark(cell, verdict=verdict)) for cell in _row(found, y)] for y in range(rows)]
    across = [label(threshold_text(found, x).replace(" (production)", "")) for x in range(columns)]
    down = [label(limit_text(found, limit, audit).replace(" (contract)", "")) for limit in found.limits]
    across[found.own] = f"<b>{across[found.own]}</b><br>production"
    mine = found.limits.index(found.limit)
    down[mine] = f"<b>{down[mine]}</b>, contract"
    return {
        "data": [_heat(z, text, columns, rows), _targets(found, audit, verdict=verdict)],
        "layout": layout(
            height=ROW_HEIGHT * rows + 132,
            margin={"l": 8, "r": 8, "t": 78, "b": 12},
            xaxis=axis(
                range=[-0.5, columns - 0.5], tickvals=list(range(columns)), ticktext=across, showgrid=False,
                side="top", title={"text": "Threshold of the score, one for everybody"},
            ),
            yaxis=axis(
                range=[-0.5, rows - 0.5], tickvals=list(range(rows)), ticktext=down, showgrid=False,
                title={"text": "Limit of the check", "standoff": 14},
            ),
            shapes=[_frame(found.own, mine)],
            annotations=[annotation(0, 0, "")] if not found.cells else [],
        ),
    }  # fmt: skip


def _row(found: RobustnessMap, y: int) -> list[MapCell]:
    return [cell for cell in found.cells if cell.limit == found.limits[y]]


def _text(cell: MapCell, audit: Audit, *, verdict: bool) -> str:
    word = cell_word(cell, audit, verdict=verdict)
    return f"{MARK_SHAPES[cell_mark(cell, verdict=verdict)]} {SHORT.get(word, word)}"


def _heat(z: list[list[int]], text: list[list[str]], columns: int, rows: int) -> Figure:
    steps = len(GROUNDS)
    scale = [[(i + side) / steps, colour] for i, (_, colour) in enumerate(GROUNDS) for side in (0, 1)]
    return {
        "type": "heatmap",
        "z": z,
        "x": list(range(columns)),
        "y": list(range(rows)),
        "zmin": -0.5,
        "zmax": steps - 0.5,
        "text": text,
        "texttemplate": "%{text}",
        "textfont": {"size": 12, "color": INK},
        "colorscale": scale,
        "showscale": False,
        "xgap": 3,
        "ygap": 3,
        "hoverinfo": "skip",
    }


def _targets(found: RobustnessMap, audit: Audit, *, verdict: bool) -> Figure:
    """Invisible squares that carry the hover text."""
    columns = len(found.cuts)
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [i % columns for i in range(len(found.cells))],
        "y": [i // columns for i in range(len(found.cells))],
        "marker": {"symbol": "square", "size": 40, "opacity": 0, "color": NEUTRAL},
        "hovertext": [
            f"limit {label(limit_text(found, cell.limit, audit))}<br>"
            f"threshold {label(threshold_text(found, i % columns))}<br>"
            f"<b>{cell_word(cell, audit, verdict=verdict)}</b>"
            for i, cell in enumerate(found.cells)
        ],
        "hoverinfo": "text",
    }


def _frame(x: int, y: int) -> Figure:
    return {
        "type": "rect", "x0": x - 0.49, "x1": x + 0.49, "y0": y - 0.48, "y1": y + 0.48,
        "line": {"color": NEUTRAL, "width": 3},
    }  # fmt: skip


def robustness_alt(found: RobustnessMap, audit: Audit, *, verdict: bool) -> str:
    """Return the map in words: what it shows, how many cells give which word, and the contract's own."""
    words = [cell_word(cell, audit, verdict=verdict) for cell in found.cells]
    counts = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
    what = "The decision" if verdict else check_words(audit, found.target)
    return (
        f"{what} over {len(found.limits)} limits of {check_words(audit, found.target)} and {len(found.cuts)} "
        f"thresholds. Of {len(words)} cells: {counts}. At the contract's limit and production's threshold: "
        f"{cell_word(found.mine, audit, verdict=verdict)}."
    )

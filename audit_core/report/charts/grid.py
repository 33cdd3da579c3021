"""The support grid as a heat map: a rate where enough people stand behind it, hatching where they do not."""

from __future__ import annotations

from typing import Any

from audit_core.cube.count_cube import Group
from audit_core.metrics.estimate import Measured, Suppressed
from audit_core.report.charts.marks import (
    GRID_LINE,
    INCONCLUSIVE,
    NEUTRAL,
    TOO_FEW,
    Figure,
    annotation,
    axis,
    label,
    layout,
)
from audit_core.report.numbers import count, decimal, percent
from audit_core.report.people import group_words, subject_words
from audit_core.report.support_grid import (
    GridCell,
    SupportGrid,
    cell_line,
    grid_sentence,
    lack_words,
)
from audit_core.report.words import metric_name

# Pale enough that one dark ink is read on every step (6:1 or more), on either ground of the page.
BLUES = ("#F1F6FD", "#DCE9F9", "#C2D9F4", "#A5C6EE", "#86B1E7", "#689DDF")
INK = "#10161E"
# In pixels from the corner of a cell, drawn rather than written: not every machine has a font with a lock.
FLAG = "M 0 0 L 0 -13 M 0 0 L 9 -3.5 L 0 -7 Z"
LOCK = ("M 0 -6 L 10 -6 L 10 -13 L 0 -13 Z", "M 2.5 -6 L 2.5 -3 C 2.5 1 7.5 1 7.5 -3 L 7.5 -6")
CLEAR = "rgba(0,0,0,0)"


def grid_figure(grid: SupportGrid) -> Figure:
    """Return the heat map: rate, interval and n in a judged cell; outline, hatching and words in another.

    A flag marks what the contract requires, a lock what is under the privacy floor.
    """
    rows = len(grid.row_levels)
    place = {
        cell.group: (grid.column_levels.index(cell.group[1]), rows - 1 - grid.row_levels.index(cell.group[0]))
        for cell in grid.cells
    }
    unjudged = [cell for cell in grid.cells if cell.rate is None]
    across = [_wrapped(group_words((level,))) for level in grid.column_levels]
    down = [label(group_words((level,)), 24) for level in reversed(grid.row_levels)]
    return {
        "data": [_heat(grid, place), _targets(grid, place)],
        "layout": layout(
            height=78 * rows + 90,
            margin={"l": 8, "r": 8, "t": 52, "b": 12},
            xaxis=_level_axis(across, side="top"),
            yaxis=_level_axis(down),
            shapes=[
                *(shape for cell in unjudged for shape in _hatched(cell, *place[cell.group])),
                *(shape for cell in grid.cells for shape in _marks(cell, *place[cell.group])),
            ],
            annotations=[annotation(*place[c.group], _words(c), font={"size": 13}) for c in unjudged],
        ),
    }


def _level_axis(names: list[str], **more: Any) -> Figure:
    places = list(range(len(names)))
    return axis(range=[-0.5, len(names) - 0.5], tickvals=places, ticktext=names, showgrid=False, **more)


def _wrapped(name: str) -> str:
    """A column's name on two lines where it is long, so that neighbours do not run together."""
    head, space, tail = name.rpartition(" ")
    return f"{label(head, 16)}<br>{label(tail, 16)}" if space and len(name) > 12 else label(name, 16)


def _heat(grid: SupportGrid, place: dict[Group, tuple[int, int]]) -> Figure:
    columns, rows = len(grid.column_levels), len(grid.row_levels)
    z: list[list[float | None]] = [[None] * columns for _ in range(rows)]
    text = [[""] * columns for _ in range(rows)]
    for cell in grid.cells:
        x, y = place[cell.group]
        if cell.rate is not None:
            z[y][x] = 100 * cell.rate.value
            text[y][x] = _rate_text(cell.rate)
    return {
        "type": "heatmap",
        "z": z,
        "x": list(range(columns)),
        "y": list(range(rows)),
        "text": text,
        "texttemplate": "%{text}",
        "textfont": {"size": 14, "color": INK},
        "colorscale": [[i / (len(BLUES) - 1), colour] for i, colour in enumerate(BLUES)],
        **_scale(grid),
        "xgap": 4,
        "ygap": 4,
        "hoverinfo": "skip",
        "hoverongaps": False,
        "colorbar": {
            "thickness": 12,
            "outlinewidth": 0,
            "ticksuffix": " %",
            "nticks": 6,
            "title": {"text": metric_name(grid.metric), "side": "right", "font": {"size": 13}},
        },
    }


def _scale(grid: SupportGrid) -> Figure:
    """The same colours for the same rates in every layer; without layers the colours span the grid."""
    if grid.scale is None or grid.scale[0] == grid.scale[1]:
        return {}
    return {"zmin": 100 * grid.scale[0], "zmax": 100 * grid.scale[1]}


def _rate_text(rate: Measured) -> str:
    interval = f"{decimal(100 * rate.low, 0)}–{decimal(100 * rate.high, 0)}"
    return f"<b>{percent(rate.value, 0)}</b><br>{interval} · n {count(rate.denominator)}"


def _targets(grid: SupportGrid, place: dict[Group, tuple[int, int]]) -> Figure:
    """Invisible squares over the cells: they carry the hover text and can be selected."""
    clear = {"marker": {"opacity": 0}}
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [place[cell.group][0] for cell in grid.cells],
        "y": [place[cell.group][1] for cell in grid.cells],
        "marker": {"symbol": "square", "size": 56, "opacity": 0, "color": NEUTRAL},
        "selected": clear,
        "unselected": clear,
        "hovertext": [f"<b>{label(cell.name)}</b><br>{cell_line(cell)}" for cell in grid.cells],
        "hoverinfo": "text",
    }


def _hatched(cell: GridCell, x: int, y: int) -> list[Figure]:
    left, right, bottom, top = x - 0.47, x + 0.47, y - 0.45, y + 0.45
    step = (right - left) / 4
    lines = " ".join(
        f"M {left + i * step:.3f} {bottom:.3f} L {left + (i + 1) * step:.3f} {top:.3f}" for i in range(4)
    )
    outline: Figure = {"color": TOO_FEW, "width": 1.2, "dash": "dash"}
    if cell.required:
        outline = {"color": INCONCLUSIVE, "width": 2, "dash": "solid"}
    return [
        {"type": "path", "path": lines, "line": {"color": GRID_LINE, "width": 1}, "layer": "below"},
        {"type": "rect", "x0": left, "x1": right, "y0": bottom, "y1": top, "line": outline, "layer": "below"},
    ]


def _marks(cell: GridCell, x: int, y: int) -> list[Figure]:
    """A flag in the upper left corner of a required cell, a lock in the upper right one of a private cell."""
    ink = NEUTRAL if cell.rate is None else INK
    drawn = [(FLAG, x - 0.43, ink)] * cell.required
    if cell.private:
        drawn += [(path, x + 0.36, fill) for path, fill in zip(LOCK, (ink, CLEAR), strict=True)]
    return [
        {
            "type": "path",
            "path": path,
            "xsizemode": "pixel",
            "ysizemode": "pixel",
            "xanchor": at,
            "yanchor": y + 0.39,
            "line": {"color": ink, "width": 1.6},
            "fillcolor": fill,
        }
        for path, at, fill in drawn
    ]


def _words(cell: GridCell) -> str:
    if isinstance(cell.estimate, Suppressed):
        return "withheld"
    return lack_words(cell).replace(" (", "<br>(", 1)


def grid_alt(grid: SupportGrid) -> str:
    """Return the grid in words: what is judged, and the highest and lowest rate."""
    crossed = " and ".join(subject_words((name,)) for name in grid.subject)
    shown = [(cell, cell.rate) for cell in grid.cells if cell.rate is not None]
    head = f"{metric_name(grid.metric)} by {crossed}: {grid_sentence(grid)}"
    if not shown:
        return head
    top = max(shown, key=lambda pair: pair[1].fraction)
    bottom = min(shown, key=lambda pair: pair[1].fraction)
    return (
        f"{head} Highest {top[0].name} {percent(top[1].value)}, "
        f"lowest {bottom[0].name} {percent(bottom[1].value)}. The table below holds every cell."
    )

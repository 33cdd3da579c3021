"""The support grid: two attributes crossed, with a rate in every cell that enough people stand behind."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from audit_core.contract.schema import SupportPolicy
from audit_core.cube.axes import NO, YES
from audit_core.cube.count_cube import Group, Integers, is_unknown
from audit_core.decision.record import Audit
from audit_core.metrics.estimate import Estimate, Measured, Suppressed, TooFew, Undefined, estimate_rate
from audit_core.metrics.measure import rate_metric
from audit_core.metrics.rates import level_order
from audit_core.report.charts.marks import (
    GRID_LINE,
    NEUTRAL,
    TOO_FEW,
    Figure,
    annotation,
    axis,
    label,
    layout,
)
from audit_core.report.numbers import count, decimal, percent
from audit_core.report.people import group_words
from audit_core.report.words import WITHHELD, metric_name

LOCK = "🔒"
# Pale enough that one dark ink is read on every step (6:1 or more), on either ground of the page.
BLUES = ("#F1F6FD", "#DCE9F9", "#C2D9F4", "#A5C6EE", "#86B1E7", "#689DDF")
INK = "#10161E"


@dataclass(frozen=True, slots=True, kw_only=True)
class GridCell:
    """One combination. It is judged when enough positives and negatives stand behind it."""

    group: Group
    name: str
    rows: int
    positives: int
    negatives: int
    judged: bool
    estimate: Estimate
    missing: str

    @property
    def rate(self) -> Measured | None:
        """The rate that may be shown as one, or None."""
        return self.estimate if self.judged and isinstance(self.estimate, Measured) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportGrid:
    """Every combination of two attributes that holds a person, in the contract's order."""

    rows: str
    columns: str
    metric: str
    row_levels: tuple[str, ...]
    column_levels: tuple[str, ...]
    cells: tuple[GridCell, ...]

    @property
    def judged(self) -> int:
        """How many combinations are judged."""
        return sum(cell.rate is not None for cell in self.cells)

    @property
    def known(self) -> int:
        """How many combinations there are; people of unknown group are in none, but they are people."""
        return sum(not is_unknown(cell.group) for cell in self.cells)

    @property
    def too_few(self) -> int:
        """How many combinations are not judged."""
        return self.known - self.judged

    @property
    def covered(self) -> Fraction | None:
        """The share of people (0–1) who are in a judged combination."""
        everyone = sum(cell.rows for cell in self.cells)
        inside = sum(cell.rows for cell in self.cells if cell.rate is not None)
        return Fraction(inside, everyone) if everyone else None

    def cell(self, group: Group) -> GridCell | None:
        """Return the cell of a combination, if anyone is in it."""
        return next((cell for cell in self.cells if cell.group == group), None)


def support_grid(audit: Audit, rows: str, columns: str, metric: str) -> SupportGrid:
    """Return the grid of two attributes. People of unknown group are shown, and never judged."""
    cube, contract = audit.counted.cube, audit.contract
    tables = cube.outcomes((rows, columns))
    levels = [
        [level for level in level_order(cube, contract, name) if any(group[i] == level for group in tables)]
        for i, name in enumerate((rows, columns))
    ]
    order = [(row, column) for row in levels[0] for column in levels[1] if (row, column) in tables]
    return SupportGrid(
        rows=rows,
        columns=columns,
        metric=metric,
        row_levels=tuple(levels[0]),
        column_levels=tuple(levels[1]),
        cells=tuple(_cell(audit, metric, group, tables[group]) for group in order),
    )


def _cell(audit: Audit, metric: str, group: Group, table: Integers) -> GridCell:
    policy, level = audit.contract.support, float(audit.contract.statistics.level)
    row = rate_metric(audit.contract, metric)
    found = estimate_rate(*row.counts(table), required=row.required(policy), level=level)
    positives, negatives = int(table[YES].sum()), int(table[NO].sum())
    return GridCell(
        group=group,
        name=group_words(group),
        rows=int(table.sum()),
        positives=positives,
        negatives=negatives,
        judged=positives >= policy.positives and negatives >= policy.negatives and not is_unknown(group),
        estimate=found,
        missing=_missing(policy, positives, negatives, group) or _thin(found),
    )


def _missing(policy: SupportPolicy, positives: int, negatives: int, group: Group) -> str:
    """What a cell lacks, in the grid's short form: P positives or N negatives, of those required."""
    if positives < policy.positives:
        return f"P={positives} of {policy.positives}"
    if negatives < policy.negatives:
        return f"N={negatives} of {policy.negatives}"
    return "group unknown" if is_unknown(group) else ""


def _thin(found: Estimate) -> str:
    """What the metric's own denominator lacks in a cell that has its positives and negatives."""
    if isinstance(found, TooFew):
        return f"n={found.denominator} of {found.required}"
    return "no denominator" if isinstance(found, Undefined) else ""


def grid_figure(grid: SupportGrid) -> Figure:
    """Return the heat map: rate, interval and n in a judged cell; outline, hatching and words in another."""
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
            shapes=[shape for cell in unjudged for shape in _hatched(*place[cell.group])],
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


def _hatched(x: int, y: int) -> list[Figure]:
    left, right, bottom, top = x - 0.47, x + 0.47, y - 0.45, y + 0.45
    step = (right - left) / 4
    lines = " ".join(
        f"M {left + i * step:.3f} {bottom:.3f} L {left + (i + 1) * step:.3f} {top:.3f}" for i in range(4)
    )
    outline = {"color": TOO_FEW, "width": 1.2, "dash": "dash"}
    return [
        {"type": "path", "path": lines, "line": {"color": GRID_LINE, "width": 1}, "layer": "below"},
        {"type": "rect", "x0": left, "x1": right, "y0": bottom, "y1": top, "line": outline, "layer": "below"},
    ]


def _words(cell: GridCell) -> str:
    if isinstance(cell.estimate, Suppressed):
        return f"{LOCK} withheld"
    return f"too few<br>{cell.missing}"


def cell_line(cell: GridCell) -> str:
    """Return one cell in words: its rate with interval and people, or what it lacks."""
    if isinstance(cell.estimate, Suppressed):
        return WITHHELD
    if cell.rate is None:
        return f"too few to judge · {cell.missing}"
    rate = cell.rate
    interval = f"interval {percent(rate.low)} to {percent(rate.high)}"
    return f"{percent(rate.value)} ({interval}) · n {count(rate.denominator)}"


def grid_alt(grid: SupportGrid) -> str:
    """Return the grid in words: what is judged, and the highest and lowest rate."""
    shown = [(cell, cell.rate) for cell in grid.cells if cell.rate is not None]
    head = (
        f"{metric_name(grid.metric)} by {grid.rows} and {grid.columns}: "
        f"{grid.judged} of {grid.known} combinations judged, {grid.too_few} too few."
    )
    if not shown:
        return head
    top = max(shown, key=lambda pair: pair[1].fraction)
    bottom = min(shown, key=lambda pair: pair[1].fraction)
    return (
        f"{head} Highest {top[0].name} {percent(top[1].value)}, "
        f"lowest {bottom[0].name} {percent(bottom[1].value)}. The table below holds every cell."
    )

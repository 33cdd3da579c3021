"""Score meaning: observed against mean score, one small panel per group, with people underneath."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from audit_core.metrics.calibration import Band, GroupCalibration
from audit_core.metrics.estimate import Measured, TooFew
from audit_core.metrics.measurements import CalibrationRow
from audit_core.report.charts.marks import (
    INCONCLUSIVE,
    NEUTRAL,
    TOO_FEW,
    WITHIN,
    Figure,
    annotation,
    axis,
    label,
    layout,
    whisker,
)
from audit_core.report.numbers import count, decimal, percent, points
from audit_core.report.people import group_words

PER_LINE = 3
PANEL_HEIGHT = 330
_GAP = 0.055


def calibration_figure(rows: Sequence[CalibrationRow]) -> Figure:
    """Return one panel per group: filled points have enough people, hollow ones are not connected."""
    panels = [(row, row.calibration) for row in rows if isinstance(row.calibration, GroupCalibration)]
    lines = max(1, -(-len(panels) // PER_LINE))
    data: list[Figure] = []
    axes: Figure = {}
    notes: list[Figure] = []
    for i, (row, found) in enumerate(panels):
        area = _Area(i, lines, min(PER_LINE, max(1, len(panels))))
        data += _panel(found, i)
        axes |= _axes(area, i, found)
        title = f"<b>{label(group_words(row.group), 24)}</b> · n {count(found.n)}"
        place = {"xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom"}
        notes.append(annotation(area.left, area.top, title, **place))
    margin = {"l": 56, "r": 12, "t": 40, "b": 48}
    return {"data": data, "layout": layout(PANEL_HEIGHT * lines + 60, margin, annotations=notes, **axes)}


class _Area:
    """Where the i-th panel stands, in shares of the paper from its left and from its bottom."""

    def __init__(self, i: int, lines: int, per_line: int) -> None:
        width = (1 - _GAP * (per_line - 1)) / per_line
        gap = 0.28 / lines if lines > 1 else 0.0
        height = (1 - gap * (lines - 1)) / lines
        line, column = divmod(i, per_line)
        self.left = column * (width + _GAP)
        self.right = min(1.0, self.left + width)
        self.top = 1 - line * (height + gap)
        self.bottom = max(0.0, self.top - height)
        self.middle = self.bottom + 0.2 * height
        self.apart = min(0.02, 0.06 * height)


def _ref(kind: str, number: int) -> str:
    return f"{kind}{number if number > 1 else ''}"


def _axes(area: _Area, i: int, found: GroupCalibration) -> Figure:
    """The panel's own axes: scores to the right, outcomes upwards, people in the strip underneath."""
    first, second = 2 * i + 1, 2 * i + 2
    most = max((band.n for band in found.bands), default=1)
    domain = [area.left, area.right]
    across: Figure = {"domain": domain, "range": [-0.02, 1.02], "tickvals": [0, 0.25, 0.5, 0.75, 1]}
    upper = [area.middle + area.apart, area.top]
    rate: Figure = {"domain": upper, "range": [-0.04, 1.04], "tickvals": [0, 0.5, 1]}
    people: Figure = {"domain": [area.bottom, area.middle - area.apart], "range": [0, most * 1.05]}
    people |= {"tickvals": [0, most], "ticktext": ["", count(most)], "showgrid": False}
    title = {"text": "Observed rate" if area.left == 0 else "", "standoff": 6}
    below = {"text": "Mean score in band", "standoff": 4}
    return {
        _ref("xaxis", first): axis(anchor=_ref("y", first), showticklabels=False, **across),
        _ref("yaxis", first): axis(anchor=_ref("x", first), tickformat=".1f", title=title, **rate),
        _ref("xaxis", second): axis(anchor=_ref("y", second), title=below, tickformat=".2~f", **across),
        _ref("yaxis", second): axis(anchor=_ref("x", second), **people),
    }


def _panel(found: GroupCalibration, i: int) -> list[Figure]:
    first, second = 2 * i + 1, 2 * i + 2
    top = {"xaxis": _ref("x", first), "yaxis": _ref("y", first)}
    filled = [band for band in found.bands if isinstance(band.observed, Measured)]
    hollow = [band for band in found.bands if isinstance(band.observed, TooFew)]
    parts = [_diagonal(), _line(filled), _points(filled, thin=False), _points(hollow, thin=True)]
    below = {"xaxis": _ref("x", second), "yaxis": _ref("y", second)}
    return [*(part | top for part in parts), _people(found.bands) | below]


def _diagonal() -> Figure:
    line = {"color": NEUTRAL, "width": 1.2, "dash": "dash"}
    return {"type": "scatter", "mode": "lines", "x": [0, 1], "y": [0, 1], "hoverinfo": "skip", "line": line}


def _people(bands: Sequence[Band]) -> Figure:
    return {
        "type": "bar",
        "x": [(band.low + band.high) / 2 for band in bands],
        "y": [band.n for band in bands],
        "width": [0.92 * (band.high - band.low) for band in bands],
        "marker": {"color": "rgba(124,135,148,0.55)", "line": {"width": 0}},
        "hovertext": [f"{_span(band)}: {count(band.n)} people" for band in bands],
        "hoverinfo": "text",
    }


def _line(bands: Sequence[Band]) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "hoverinfo": "skip",
        "line": {"color": WITHIN, "width": 1.5},
        "x": [band.mean_score for band in bands],
        "y": [_observed(band).value for band in bands],
    }


def _points(bands: Sequence[Band], *, thin: bool) -> Figure:
    colours = [TOO_FEW if thin else INCONCLUSIVE if band.flagged else WITHIN for band in bands]
    symbols = ["circle-open" if thin else "diamond" if band.flagged else "circle" for band in bands]
    reach = [whisker(_observed(b).low, _observed(b).high, _observed(b).value) for b in bands]
    whiskers: dict[str, Any] = {
        "type": "data",
        "symmetric": False,
        "arrayminus": [low for low, _ in reach],
        "array": [high for _, high in reach],
        "color": TOO_FEW,
        "thickness": 1 if thin else 1.5,
        "width": 3,
    }
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [band.mean_score for band in bands],
        "y": [_observed(band).value for band in bands],
        "error_y": whiskers,
        "marker": {"symbol": symbols, "color": colours, "size": 9, "line": {"width": 1.5, "color": colours}},
        "hovertext": [_hover(band, thin=thin) for band in bands],
        "hoverinfo": "text",
    }


def _observed(band: Band) -> Measured | TooFew:
    assert isinstance(band.observed, Measured | TooFew)  # callers keep bands that hold people
    return band.observed


def _hover(band: Band, *, thin: bool) -> str:
    found = _observed(band)
    mean = decimal(band.mean_score if band.mean_score is not None else 0.0, 3)
    said = [f"<b>Scores {_span(band)}</b>", f"mean score {mean}, observed {percent(found.value)}"]
    said += [f"{count(band.n)} people", *(["too few to judge"] if thin else [])]
    return "<br>".join(said)


def _span(band: Band) -> str:
    return f"{decimal(band.low, 2)}–{decimal(band.high, 2)}"


def calibration_alt(rows: Sequence[CalibrationRow]) -> str:
    """Return the panels in words: for every group, how far outcomes lie from scores."""
    said = []
    for row in rows:
        found = row.calibration
        if isinstance(found, GroupCalibration):
            off = points(abs(found.in_the_large))
            way = "above" if found.in_the_large >= 0 else "below"
            said.append(f"{group_words(row.group)}: outcomes {off} {way} scores on {count(found.n)} people")
    return "Observed rate against mean score, by group. " + "; ".join(said) + "."

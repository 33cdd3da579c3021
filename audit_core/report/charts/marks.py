"""What every chart shares: marks (shape and colour by status), the transparent layout, safe labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from audit_core.report.escape import clip, for_hover, visible
from audit_core.report.words import Mark

Figure = dict[str, Any]

LONGEST_LABEL = 40
GRID_LINE = "rgba(124,135,148,0.28)"
NEUTRAL = "#6B7785"
WITHIN = "#2E7AD1"
INCONCLUSIVE = "#B97A00"
OUTSIDE = "#CF3A2C"
TOO_FEW = "#7C8794"
BAND = "rgba(46,122,209,0.13)"
FONT = "'Source Sans', 'Source Sans 3', 'Source Sans Pro', sans-serif"
# Streamlit ships Source Sans; text colour comes from the page's style sheet, this one is for other readers.
TEXT = NEUTRAL


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkStyle:
    """How a status is drawn. All colours pass 3:1 on the light and on the dark ground."""

    symbol: str
    colour: str
    size: int


MARK_STYLES: dict[Mark, MarkStyle] = {
    "within": MarkStyle(symbol="circle", colour=WITHIN, size=13),
    "outside": MarkStyle(symbol="x", colour=OUTSIDE, size=13),
    "inconclusive": MarkStyle(symbol="diamond", colour=INCONCLUSIVE, size=14),
    "too_few": MarkStyle(symbol="circle-open", colour=TOO_FEW, size=13),
    "not_run": MarkStyle(symbol="line-ew-open", colour=TOO_FEW, size=13),
    "undefined": MarkStyle(symbol="circle-open", colour=TOO_FEW, size=13),
    "no_limit": MarkStyle(symbol="circle", colour=NEUTRAL, size=11),
}
REFERENCE_STYLE = MarkStyle(symbol="square", colour=NEUTRAL, size=12)


def label(text: str, length: int = LONGEST_LABEL) -> str:
    """Return a name as chart text, cut at a length."""
    return for_hover(clip(visible(text), length))


def layout(height: int, margin: dict[str, int], **more: Any) -> Figure:
    """Return the layout all charts start from: no ground of its own, no tool bar behaviour, quiet lines."""
    base: Figure = {
        "height": height,
        "margin": margin,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 14, "color": TEXT},
        "showlegend": False,
        "dragmode": False,
        "hoverlabel": {
            "bgcolor": "#19222D",
            "bordercolor": "#19222D",
            "font": {"color": "#FFFFFF", "size": 14},
        },
    }
    return base | more


def axis(**more: Any) -> Figure:
    """Return an axis without zero line, whose labels are never clipped."""
    title = more.pop("title", None)
    if title:
        more["title"] = {"font": {"size": 14}, **title}
    base: Figure = {
        "zeroline": False,
        "showline": False,
        "gridcolor": GRID_LINE,
        "automargin": True,
        "ticklabelstandoff": 6,
        "fixedrange": True,
        "ticks": "",
    }
    return base | more


def annotation(x: float, y: float, text: str, **more: Any) -> Figure:
    """Return a text at a place, without an arrow."""
    return {"x": x, "y": y, "text": text, "showarrow": False} | more


def percent_reach(ends: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the ends of an axis in percent: every interval of a rate (0–1), with a little room."""
    if not ends:
        return 0.0, 100.0
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    room = max(0.02, (high - low) * 0.06)
    return 100 * max(0.0, low - room), 100 * min(1.0, high + room)


def whisker(low: float, high: float, at: float) -> tuple[float, float]:
    """Return (below, above): how far an interval reaches to either side of its value."""
    return max(0.0, at - low), max(0.0, high - at)

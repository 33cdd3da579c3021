"""What a monitoring plan can see: how many of 100 simulated histories raise an alert, change by change."""

from __future__ import annotations

from audit_core.decision.plan import Detection, Plan
from audit_core.report.charts.marks import (
    BAND,
    INCONCLUSIVE,
    WITHIN,
    Figure,
    annotation,
    axis,
    label,
    layout,
)
from audit_core.report.plan_detection import change_words, delay_words, share_words, watch_name
from audit_core.report.words import capital

ROW_HEIGHT = 44
LEVEL, TREND, EITHER = "confirmed alert", "trend alert", "either"


def detection_figure(plan: Plan) -> Figure:
    """Return the chart: a bar for either alert, a circle for confirmed alerts, a diamond for trend alerts."""
    lines = tuple(reversed(plan.detection))
    rows = list(range(len(lines)))
    names = [label(_name(line, plan), 60) for line in lines]
    hover = [label(_said(line), 240) for line in lines]
    return {
        "data": [
            {
                "type": "bar", "orientation": "h", "name": EITHER, "y": rows, "width": 0.62,
                "x": [100 * line.by_any for line in lines], "hovertext": hover, "hoverinfo": "text",
                "marker": {"color": BAND, "line": {"color": WITHIN, "width": 1}},
            },
            _marks(lines, LEVEL), _marks(lines, TREND),
        ],
        "layout": layout(
            height=ROW_HEIGHT * len(lines) + 122,
            margin={"l": 8, "r": 210, "t": 44, "b": 56},
            showlegend=True,
            legend={"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom", "font": {"size": 13},
                    "itemclick": False, "itemdoubleclick": False},
            xaxis=axis(range=[0, 103], title={"text": "Found, of 100 simulated histories"}, nticks=6),
            yaxis=axis(range=[-0.6, len(lines) - 0.4], tickvals=rows, ticktext=names, showgrid=False),
            annotations=[
                annotation(1.02, row, label(_numbers(line)), xref="paper", xanchor="left", font={"size": 13})
                for row, line in zip(rows, lines, strict=True)
            ],
        ),
    }  # fmt: skip


def _marks(lines: tuple[Detection, ...], name: str) -> Figure:
    level = name == LEVEL
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [100 * (line.by_level if level else line.by_trend) for line in lines],
        "y": list(range(len(lines))),
        "hoverinfo": "skip",
        "cliponaxis": False,
        "marker": {
            "symbol": "circle" if level else "diamond-open",
            "color": WITHIN if level else INCONCLUSIVE,
            "size": 11 if level else 13,
            "line": {"width": 2, "color": WITHIN if level else INCONCLUSIVE},
        },
    }


def detection_alt(plan: Plan) -> str:
    """Return the chart in words: every change and how often it is found."""
    said = "; ".join(f"{_name(line, plan)}: {_said(line)}" for line in plan.detection)
    return f"How often this plan raises an alert within its time, by change. {said}."


def _name(line: Detection, plan: Plan) -> str:
    words = change_words(line, plan)
    several = len({one.watch for one in plan.detection}) > 1
    what = f" ({watch_name(line.watch, plan)})" if several else ""
    return capital(words) + what


def _said(line: Detection) -> str:
    return (
        f"{share_words(line.by_any)} histories, {share_words(line.by_level)} by a confirmed alert, "
        f"{share_words(line.by_trend)} by a trend alert, median delay {delay_words(line)}"
    )


def _numbers(line: Detection) -> str:
    late = f", median {delay_words(line)}" if line.median_windows is not None else ""
    return f"{share_words(line.by_any)}{late}"

"""Slow changes: small moves of a gap since the release, added up window after window (CUSUM)."""

from __future__ import annotations

from collections.abc import Sequence

from audit_core.decision.followed import TrendPoint, WindowView
from audit_core.report.charts.marks import NEUTRAL, OUTSIDE, Figure, axis, label, layout
from audit_core.report.charts.window_axis import limit_line, no_data_bar, side_words, windows_axis
from audit_core.report.numbers import decimal
from audit_core.report.people import group_words

HEIGHT = 300
TALL = HEIGHT - 80
"""Pixels between the axes."""
MOST_TRENDS = 4
_DASHES = ("solid", "dash", "dot", "dashdot")


def trend_figure(points: Sequence[TrendPoint], windows: Sequence[WindowView]) -> Figure:
    """Return the sums of small moves (CUSUM) over the windows, each with the limit it was calibrated for.

    Where there are many signed gaps only the highest are drawn; the table holds them all.
    """
    charts = _highest(points)
    names = [view.name for view in windows]
    place = {name: i for i, name in enumerate(names)}
    limits = sorted({round(point.limit, 6) for mine in charts for point in mine})
    values = [point.value for mine in charts for point in mine if point.value is not None]
    most = 1.12 * max([*limits, *values], default=1.0)
    missing = [place[view.name] for view in windows if view.state == "missing"]
    data: list[Figure] = [no_data_bar(at, -0.04 * most, most) for at in missing]
    for i, mine in enumerate(charts):
        data += [_trend_line(mine, place, _DASHES[i % len(_DASHES)]), _trend_marks(mine, place)]
    return {
        "data": data,
        "layout": layout(
            height=HEIGHT,
            margin={"l": 8, "r": 190, "t": 14, "b": 44},
            xaxis=windows_axis(names),
            yaxis=axis(range=[-0.04 * most, most], nticks=6, title={"text": "Sum of moves (CUSUM)"}),
            shapes=[limit_line(limit) for limit in limits],
            annotations=_trend_words(charts, limits, most),
        ),
    }


def _highest(points: Sequence[TrendPoint]) -> list[list[TrendPoint]]:
    """The charts that climbed highest, each from its first window to its last."""
    by_pair: dict[tuple[object, object], list[TrendPoint]] = {}
    for point in points:
        by_pair.setdefault((point.high, point.low), []).append(point)
    return sorted(by_pair.values(), key=lambda mine: -max((p.value or 0.0) for p in mine))[:MOST_TRENDS]


def _trend_line(points: Sequence[TrendPoint], place: dict[str, int], dash: str) -> Figure:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [place[point.window] for point in points],
        "y": [point.value for point in points],
        "connectgaps": False,
        "line": {"color": NEUTRAL, "width": 2, "dash": dash},
        "hoverinfo": "skip",
    }


def _trend_marks(points: Sequence[TrendPoint], place: dict[str, int]) -> Figure:
    known = [point for point in points if point.value is not None]
    colours = [OUTSIDE if point.alarm else NEUTRAL for point in known]
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [place[point.window] for point in known],
        "y": [point.value for point in known],
        "marker": {
            "opacity": 1,
            "symbol": ["x" if point.alarm else "circle" for point in known],
            "color": colours,
            "size": [13 if point.alarm else 8 for point in known],
            "line": {"width": 2, "color": colours},
        },
        "hovertext": [_trend_hover(point) for point in known],
        "hoverinfo": "text",
    }


def _pair(point: TrendPoint, length: int = 40) -> str:
    return label(f"{group_words(point.high)} over {group_words(point.low)}", length)


def _trend_hover(point: TrendPoint) -> str:
    word = "trend alarm" if point.alarm else "no alarm"
    value = decimal(point.value, 2) if point.value is not None else ""
    sums = f"sum {value}, limit {decimal(point.limit, 2)}"
    return f"<b>{label(point.window)}</b> · {word}<br>{_pair(point)}<br>{sums}"


def _trend_words(
    charts: Sequence[Sequence[TrendPoint]], limits: Sequence[float], most: float
) -> list[Figure]:
    named = {f"limit {decimal(limit, 1)}": limit for limit in limits}
    words = [(limit, text) for text, limit in named.items()]
    for mine in charts:
        known = [point.value for point in mine if point.value is not None]
        if known:
            words.append((known[-1], _pair(mine[0], 28)))
    return side_words(words, most, TALL)


def trend_alt(points: Sequence[TrendPoint]) -> str:
    """Return the sums in words: each pair's last one beside its limit, and the windows of alarms."""
    said = []
    for mine in _highest(points):
        known = [point for point in mine if point.value is not None]
        if not known:
            continue
        last, alarms = known[-1], [point.window for point in known if point.alarm]
        value, limit = decimal(last.value or 0.0, 1), decimal(last.limit, 1)
        alarm = f", trend alarm in {', '.join(alarms)}" if alarms else ", no alarm"
        who = f"{group_words(last.high)} over {group_words(last.low)}"
        said.append(f"{who}: {value} in {last.window}, limit {limit}{alarm}")
    return "Sums of small moves of the gap since the release (CUSUM). " + "; ".join(said) + "."

"""Windows over time: one watch, window after window, beside the release and its limits."""

from __future__ import annotations

import math
import textwrap

from audit_core.report.charts.marks import (
    BAND,
    MARK_STYLES,
    NEUTRAL,
    TOO_FEW,
    Figure,
    annotation,
    axis,
    label,
    layout,
    whisker,
)
from audit_core.report.charts.window_axis import (
    NO_DATA,
    dotted_whisker,
    limit_line,
    no_data_bar,
    side_words,
    windows_axis,
)
from audit_core.report.escape import for_hover
from audit_core.report.incidents import LEVEL_WORDS
from audit_core.report.numbers import Number, count, decimal
from audit_core.report.watch_words import watch_words
from audit_core.report.window_series import WatchSeries, WindowMark, outcomes_text
from audit_core.report.window_tables import alerts_text
from audit_core.report.words import capital, measure_name

HEIGHT = 400
TALL = HEIGHT - 130
"""Pixels between the axes."""
ALERT_SHAPES = {"page": "▲", "ticket": "△", "none": "·"}


def watch_figure(series: WatchSeries) -> Figure:
    """Return one watch over the windows: judged marks with their intervals, hollow ones still arriving.

    The release's own interval is a band, limits are dashed lines, windows without data are hatched.
    """
    low, high = _reach(series)
    marks = list(enumerate(series.marks))
    data = [no_data_bar(place, low, high) for place, mark in marks if _is_missing(mark)]
    data.append(_path(series))
    for place, mark in marks:
        if mark.value is not None:
            data += _so_far(series, mark, place) if mark.tentative else [_judged(series, mark, place)]
    title = _title(series)
    suffix = series.unit.suffix.strip()
    return {
        "data": data,
        "layout": layout(
            height=HEIGHT,
            margin={"l": 8, "r": 132, "t": 34, "b": 60},
            xaxis=windows_axis([mark.view.name for mark in series.marks], list(map(_note, series.marks))),
            yaxis=axis(
                range=[low, high], nticks=7, title={"text": f"{title}, {suffix}" if suffix else title}
            ),
            shapes=[*_release_shapes(series), *(limit_line(_scaled(series, end)) for end in series.limits)],
            annotations=[
                *_side_words(series, low, high),
                *_alert_words(series),
                *_missing_words(series, low),
            ],
        ),
    }


def _title(series: WatchSeries) -> str:
    if series.watch.check.against is not None:
        return "Increase since the release"
    return measure_name(series.watch.check.metric, series.watch.check.compare or "none")


def _scaled(series: WatchSeries, value: Number) -> float:
    return float(value) * series.unit.scale


def _reach(series: WatchSeries) -> tuple[float, float]:
    """Ends of the axis: every value, interval, limit and the release, with room; 0 for gaps and drift."""
    ends = [_scaled(series, end) for end in series.limits]
    for mark in series.marks:
        ends += [_scaled(series, end) for end in _ends(mark)]
    if series.release is not None:
        ends += [_scaled(series, series.release.value)]
        ends += [_scaled(series, end) for end in series.release.interval or () if math.isfinite(end)]
    if series.watch.check.compare != "ratio":
        ends.append(0.0)
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    room = 0.07 * (high - low or 1.0)
    return (low - room if low < 0 or series.watch.check.compare == "ratio" else 0.0), high + room


def _ends(mark: WindowMark) -> list[Number]:
    values = [mark.value, *(mark.interval or ())]
    return [end for end in values if end is not None and math.isfinite(end)]


def _is_missing(mark: WindowMark) -> bool:
    return mark.view.state == "missing"


def _path(series: WatchSeries) -> Figure:
    """The line through judged values; it stops where a window was not judged."""
    judged = [
        _scaled(series, mark.value) if mark.value is not None and not mark.tentative else None
        for mark in series.marks
    ]
    return {
        "type": "scatter",
        "mode": "lines",
        "x": list(range(len(judged))),
        "y": judged,
        "connectgaps": False,
        "line": {"color": NEUTRAL, "width": 1.5},
        "hoverinfo": "skip",
    }


def _judged(series: WatchSeries, mark: WindowMark, place: int) -> Figure:
    assert mark.value is not None
    style, at = MARK_STYLES[mark.mark], _scaled(series, mark.value)
    low, high = mark.interval if mark.interval is not None else (float(mark.value), float(mark.value))
    below, above = whisker(_scaled(series, low), _scaled(series, high), at)
    reach = {"type": "data", "symmetric": False, "array": [above], "arrayminus": [below]}
    whiskers = {"error_y": reach | {"color": style.colour, "thickness": 2, "width": 6}}
    return _point(place, at, _hover(series, mark), style.colour, style.symbol, style.size) | (
        whiskers if mark.interval is not None and math.isfinite(above) else {}
    )


def _so_far(series: WatchSeries, mark: WindowMark, place: int) -> list[Figure]:
    """Outcomes that are still arriving: a hollow mark on a dotted whisker."""
    assert mark.value is not None
    found = [_point(place, _scaled(series, mark.value), _hover(series, mark), TOO_FEW, "circle-open", 13)]
    if mark.interval is not None and all(map(math.isfinite, mark.interval)):
        found.insert(0, dotted_whisker(place, [_scaled(series, end) for end in mark.interval]))
    return found


def _point(place: int, at: float, hover: str, colour: str, symbol: str, size: int) -> Figure:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [place],
        "y": [at],
        "marker": {"symbol": symbol, "color": colour, "size": size, "line": {"width": 2, "color": colour}},
        "hovertext": [hover],
        "hoverinfo": "text",
    }


def _hover(series: WatchSeries, mark: WindowMark) -> str:
    assert mark.value is not None
    shown = series.figures
    lines = [f"<b>{label(mark.view.name)}</b> · {mark.word}", shown.text(mark.value)]
    if mark.interval is not None:
        lines.append(f"interval {shown.bare(mark.interval[0])} to {_bare(series, mark.interval[1])}")
    if mark.chance is not None:
        lines.append(f"expected by chance up to {decimal(mark.chance, 3)}")
    lines.append(f"n {' and '.join(map(count, mark.n))}")
    if mark.tentative:
        lines.append(f"so far: {outcomes_text(mark.view)}")
    for sentence in mark.told:
        lines += ["", *map(for_hover, textwrap.wrap(sentence, 64))]
    return "<br>".join(lines)


def _bare(series: WatchSeries, end: float) -> str:
    return series.figures.bare(end) if math.isfinite(end) else "∞"


def _release_shapes(series: WatchSeries) -> list[Figure]:
    """The release's interval as a band, its value as a dotted line."""
    found = series.release
    if found is None or series.watch.check.metric == "psi":
        return []
    wide: Figure = {"xref": "paper", "yref": "y", "x0": 0, "x1": 1, "layer": "below"}
    at = _scaled(series, found.value)
    line = {"type": "line", "line": {"color": NEUTRAL, "width": 1.5, "dash": "dot"}, "y0": at, "y1": at}
    shapes = [wide | line]
    if found.interval is not None and all(map(math.isfinite, found.interval)):
        low, high = (_scaled(series, end) for end in found.interval)
        band = {"type": "rect", "fillcolor": BAND, "line": {"width": 0}, "y0": low, "y1": high}
        shapes.insert(0, wide | band)
    return shapes


def _side_words(series: WatchSeries, low: float, high: float) -> list[Figure]:
    """What the lines are, at the right edge, pushed apart where they lie close together."""
    shown = series.figures
    words = [(_scaled(series, end), f"{word} {shown.text(end)}") for word, end in series.named_limits]
    if series.release is not None and series.watch.check.metric != "psi":
        at = series.release.value
        words.append((_scaled(series, at), f"release {shown.text(at)}"))
    return side_words(words, high - low, TALL)


def _alert_words(series: WatchSeries) -> list[Figure]:
    """Above every window with an alert: its shape and its word."""
    top = {"yref": "paper", "yanchor": "bottom", "yshift": 6}
    words = []
    for place, mark in enumerate(series.marks):
        if mark.alerts:
            level = mark.alerts[0].level
            text = f"{ALERT_SHAPES[level]} {LEVEL_WORDS[level].lower()}"
            words.append(annotation(place, 1.0, f"<b>{text}</b>" if level == "page" else text, **top))
    return words


def _missing_words(series: WatchSeries, low: float) -> list[Figure]:
    """What hatching means, at the foot of it."""
    foot = {"yanchor": "bottom", "yshift": 4}
    missing = [place for place, mark in enumerate(series.marks) if _is_missing(mark)]
    return [annotation(place, low, f"<b>{NO_DATA}</b>", **foot) for place in missing]


def _note(mark: WindowMark) -> str:
    """What is said under the name of a window that was not judged."""
    if mark.tentative:
        return f"so far {count(mark.view.labelled)} of {count(mark.view.rows)}"
    return mark.word.lower() if mark.value is None and not _is_missing(mark) else ""


def watch_alt(series: WatchSeries) -> str:
    """Return the chart in words: every window's value, range, status and alert."""
    shown = series.figures
    said = []
    for mark in series.marks:
        if mark.value is None:
            said.append(f"{mark.view.name}: {mark.word.lower()}")
            continue
        ends = mark.interval
        reach = f" (interval {shown.bare(ends[0])} to {_bare(series, ends[1])})" if ends is not None else ""
        state = f"so far, {outcomes_text(mark.view)}" if mark.tentative else mark.word.lower()
        alert = f", {alerts_text(mark.alerts)}" if mark.alerts else ""
        n = " and ".join(map(count, mark.n))
        said.append(f"{mark.view.name} {shown.text(mark.value)}{reach}, n={n}, {state}{alert}")
    what = watch_words(series.watch)
    return f"{capital(what)} by window. " + "; ".join(said) + "."

"""Group rates over windows: one small panel per group, with what was estimated before outcomes came."""

from __future__ import annotations

from collections.abc import Sequence

from audit_core.contract.schema import Subject
from audit_core.cube.count_cube import Group
from audit_core.decision.followed import EstimatedRate, Followed, WindowRate, WindowView
from audit_core.decision.record import Audit
from audit_core.metrics.estimate import Measured, TooFew
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
    percent_reach,
    whisker,
)
from audit_core.report.charts.window_axis import dotted_whisker, no_data_bar, windows_axis
from audit_core.report.numbers import count, decimal, percent
from audit_core.report.people import group_words
from audit_core.report.window_series import outcomes_text
from audit_core.report.words import metric_name

PER_LINE = 3
PANEL = 230
_GAP = 0.05
_APART = 0.2
"""How far an estimate stands beside what was measured, in windows."""


def groups_figure(followed: Followed, metric: str, subject: Subject, audit: Audit | None) -> Figure:
    """Return a panel per group: filled marks are measured, hollow ones not final or too few, ▲ estimated.

    The dotted line is the group's rate at release.
    """
    groups = rate_groups(followed, metric, subject)
    lines = max(1, -(-len(groups) // PER_LINE))
    reach = percent_reach(_all_ends(followed, metric, subject))
    data: list[Figure] = []
    axes, notes, shapes = Figure(), list[Figure](), list[Figure]()
    for i, group in enumerate(groups):
        left, right, bottom, top = _area(i, lines, min(PER_LINE, len(groups)))
        data += [part | _axes_of(i) for part in _gaps(followed, reach)]
        data += [part | _axes_of(i) for part in _panel(followed, metric, subject, group)]
        first = left == 0
        axes |= _axes(followed, i, (left, right), (bottom, top), reach, first=first)
        place = {"xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom", "yshift": 4}
        notes.append(annotation(left, top, f"<b>{label(group_words(group), 26)}</b>", **place))
        shapes += _release_line(audit, metric, subject, group, i)
    margin = {"l": 56, "r": 12, "t": 32, "b": 44}
    made = layout(PANEL * lines + 50, margin, annotations=notes, shapes=shapes, **axes)
    return {"data": data, "layout": made}


def rate_groups(followed: Followed, metric: str, subject: Subject) -> tuple[Group, ...]:
    """Return the groups whose rate was followed, in the contract's order."""
    found = [rate.group for rate in followed.rates if (rate.metric, rate.subject) == (metric, subject)]
    return tuple(dict.fromkeys(found))


def _all_ends(followed: Followed, metric: str, subject: Subject) -> list[tuple[float, float]]:
    ends = []
    for rate in followed.rates:
        found = rate.estimate
        if (rate.metric, rate.subject) != (metric, subject) or not isinstance(found, Measured | TooFew):
            continue  # the wide interval of a few people may run out of the panel, their rate may not
        ends.append((found.low, found.high) if isinstance(found, Measured) else (found.value, found.value))
    return ends + [
        (found.low, found.high)
        for found in followed.estimates
        if (found.metric, found.subject) == (metric, subject)
    ]


def _area(i: int, lines: int, per_line: int) -> tuple[float, float, float, float]:
    """Where the i-th panel stands, in shares of the paper: left, right, bottom, top."""
    width = (1 - _GAP * (per_line - 1)) / per_line
    apart = 0.3 / lines if lines > 1 else 0.0
    height = (1 - apart * (lines - 1)) / lines
    line, column = divmod(i, per_line)
    left, top = column * (width + _GAP), 1 - line * (height + apart)
    return left, min(1.0, left + width), max(0.0, top - height), top


def _ref(kind: str, i: int) -> str:
    return f"{kind}{i + 1 if i else ''}"


def _axes(
    followed: Followed,
    i: int,
    across: tuple[float, float],
    up: tuple[float, float],
    reach: tuple[float, float],
    *,
    first: bool,
) -> Figure:
    names = [view.name for view in followed.windows]
    below = windows_axis(names) | {"domain": list(across), "anchor": _ref("y", i)}
    shown = below["tickvals"]
    if len(shown) > 3:  # panels are narrow: the first, the middle and the last
        few = sorted({shown[0], shown[len(shown) // 2], shown[-1]})
        below |= {"tickvals": few, "ticktext": [label(names[place], 12) for place in few]}
    title = {"text": "Rate" if first else "", "standoff": 6}
    side = axis(
        range=list(reach), domain=list(up), anchor=_ref("x", i), ticksuffix=" %", nticks=5, title=title
    )
    return {_ref("xaxis", i): below, _ref("yaxis", i): side}


def _panel(followed: Followed, metric: str, subject: Subject, group: Group) -> list[Figure]:
    place = {view.name: at for at, view in enumerate(followed.windows)}
    views = {view.name: view for view in followed.windows}
    wanted = (metric, subject, group)
    parts: list[Figure] = []
    for rate in followed.rates:
        if (rate.metric, rate.subject, rate.group) == wanted and isinstance(rate.estimate, Measured | TooFew):
            parts += _rate(rate, rate.estimate, views[rate.window], place[rate.window])
    for found in followed.estimates:
        if (found.metric, found.subject, found.group) == wanted:
            parts.append(_estimate(found, place[found.window] + _APART))
    return parts


def _axes_of(i: int) -> Figure:
    return {"xaxis": _ref("x", i), "yaxis": _ref("y", i)}


def _gaps(followed: Followed, reach: tuple[float, float]) -> list[Figure]:
    """Windows without data, hatched."""
    missing = [at for at, view in enumerate(followed.windows) if view.state == "missing"]
    return [no_data_bar(at, *reach) for at in missing]


def _rate(rate: WindowRate, found: Measured | TooFew, view: WindowView, place: int) -> list[Figure]:
    """A measured rate; hollow where it is too few, hollow on a dotted whisker where it is not final."""
    thin, said = isinstance(found, TooFew), _hover(rate, found, view)
    if rate.maturing:
        ends = [100 * found.low, 100 * found.high]
        return [
            dotted_whisker(place, ends),
            _mark(place, found.value, said, hollow=True),
        ]
    mark = _mark(place, found.value, said, hollow=thin)
    return [mark | {"error_y": _whiskers(found.low, found.high, found.value, TOO_FEW if thin else NEUTRAL)}]


def _mark(place: float, value: float, hover: str, *, hollow: bool) -> Figure:
    colour = TOO_FEW if hollow else WITHIN
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [place],
        "y": [100 * value],
        "marker": {
            "symbol": "circle-open" if hollow else "circle",
            "color": colour,
            "size": 9,
            "line": {"width": 1.5, "color": colour},
        },
        "hovertext": [hover],
        "hoverinfo": "text",
    }


def _whiskers(low: float, high: float, at: float, colour: str) -> Figure:
    below, above = whisker(low, high, at)
    reach = {"type": "data", "symmetric": False, "array": [100 * above], "arrayminus": [100 * below]}
    return reach | {"color": colour, "thickness": 1.5, "width": 3}


def _hover(rate: WindowRate, found: Measured | TooFew, view: WindowView) -> str:
    lines = [
        f"<b>{label(rate.window)}</b> · {label(group_words(rate.group))}",
        f"{percent(found.value)}, {count(found.numerator)} of {count(found.denominator)}",
        f"interval {percent(found.low)} to {percent(found.high)}",
    ]
    lines += ["too few to judge"] if isinstance(found, TooFew) else []
    lines += [f"so far: {outcomes_text(view)}"] if rate.maturing else []
    return "<br>".join(lines)


def _estimate(found: EstimatedRate, place: float) -> Figure:
    hover = (
        f"<b>{label(found.window)}</b> · estimated<br>{percent(found.value)}, "
        f"range {percent(found.low)} to {percent(found.high)}<br>about {decimal(found.people, 0)} people"
    )
    drawn = _mark(place, found.value, hover, hollow=True)
    marker = {
        "symbol": "triangle-up-open",
        "color": INCONCLUSIVE,
        "line": {"width": 1.5, "color": INCONCLUSIVE},
    }
    drawn["marker"] |= marker
    return drawn | {"error_y": _whiskers(found.low, found.high, found.value, INCONCLUSIVE)}


def _release_line(audit: Audit | None, metric: str, subject: Subject, group: Group, i: int) -> list[Figure]:
    """The group's rate at release, as a dotted line through its panel."""
    found = audit.measurements.rate(subject, group, metric) if audit else None
    if not isinstance(found, Measured | TooFew):
        return []
    at = 100 * found.value
    ref = {"type": "line", "xref": f"{_ref('x', i)} domain", "yref": _ref("y", i), "x0": 0, "x1": 1}
    return [
        ref | {"y0": at, "y1": at, "layer": "below", "line": {"color": NEUTRAL, "width": 1.4, "dash": "dot"}}
    ]


def groups_alt(followed: Followed, metric: str, subject: Subject) -> str:
    """Return the panels in words: each group's first and last rate with their counts."""
    said = []
    for group in rate_groups(followed, metric, subject):
        mine: Sequence[WindowRate] = [
            rate
            for rate in followed.rates
            if (rate.metric, rate.subject, rate.group) == (metric, subject, group)
            and isinstance(rate.estimate, Measured | TooFew)
        ]
        ends = [mine[0], mine[-1]] if len(mine) > 1 else mine
        said.append(f"{group_words(group)}: " + ", then ".join(map(_told, ends)))
    return f"{metric_name(metric)} of every group by window. " + "; ".join(said) + "."


def _told(rate: WindowRate) -> str:
    found = rate.estimate
    assert isinstance(found, Measured | TooFew)
    state = " so far" if rate.maturing else ""
    reach = f"interval {percent(found.low)} to {percent(found.high)}"
    return f"{rate.window} {percent(found.value)}{state} ({reach}; n={count(found.denominator)})"

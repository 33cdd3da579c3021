"""Thresholds tried: one rate of every group before and after, with both intervals."""

from __future__ import annotations

from audit_core.metrics.estimate import Estimate, Measured, TooFew
from audit_core.metrics.thresholds import SHOWN, Trial, TriedGroup
from audit_core.report.charts.marks import (
    NEUTRAL,
    WITHIN,
    Figure,
    annotation,
    axis,
    label,
    layout,
    percent_reach,
    whisker,
)
from audit_core.report.numbers import count, decimal
from audit_core.report.people import group_words
from audit_core.report.rates import interval_text, rate_text
from audit_core.report.words import metric_name

ROW_HEIGHT = 58
APART = 0.15
BEFORE, AFTER = "before", "after"


def threshold_figure(trial: Trial, metric: str) -> Figure:
    """Return a chart of one rate: before as a hollow square, after as a filled circle, group by group."""
    place = SHOWN.index(metric)
    rows = len(trial.groups)
    low, high = _reach(trial, place)
    traces = [
        trace
        for row, group in enumerate(reversed(trial.groups))
        for trace in (
            _trace(group, group.before[place], row + APART, BEFORE),
            _trace(group, group.after[place], row - APART, AFTER),
        )
        if trace is not None
    ]
    names = [label(group_words(group.group), 28) for group in reversed(trial.groups)]
    return {
        "data": traces,
        "layout": layout(
            height=ROW_HEIGHT * rows + 96,
            margin={"l": 8, "r": 232, "t": 8, "b": 56},
            xaxis=axis(range=[low, high], ticksuffix=" %", title={"text": metric_name(metric)}, nticks=8),
            yaxis=axis(range=[-0.6, rows - 0.4], tickvals=list(range(rows)), ticktext=names, showgrid=False),
            annotations=[
                _numbers(found, row + shift, word)
                for row, group in enumerate(reversed(trial.groups))
                for found, shift, word in (
                    (group.before[place], APART, BEFORE),
                    (group.after[place], -APART, AFTER),
                )
            ],
        ),
    }


def _reach(trial: Trial, place: int) -> tuple[float, float]:
    found = [e for g in trial.groups for e in (g.before[place], g.after[place])]
    ends = [(e.low, e.high) for e in found if isinstance(e, Measured | TooFew)]
    return percent_reach(ends)


def _trace(group: TriedGroup, found: Estimate, row: float, word: str) -> Figure | None:
    if not isinstance(found, Measured | TooFew):
        return None
    below, above = whisker(found.low, found.high, found.value)
    after = word == AFTER
    colour = WITHIN if after else NEUTRAL
    return {
        "type": "scatter",
        "mode": "markers",
        "name": label(f"{group_words(group.group)}, {word}"),
        "x": [100 * found.value],
        "y": [row],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [100 * above],
            "arrayminus": [100 * below],
            "color": colour,
            "thickness": 2.5 if after else 1.5,
            "width": 5,
        },
        "marker": {
            "symbol": "circle" if after else "square-open",
            "color": colour,
            "size": 12,
            "line": {"width": 2, "color": colour},
        },
        "hovertext": [f"<b>{label(group_words(group.group))}</b>, {word}<br>{_line(found)}"],
        "hoverinfo": "text",
    }


def _line(found: Measured | TooFew) -> str:
    interval = f"interval {interval_text(found)}"
    return f"{rate_text(found)} ({interval}) · n {count(found.denominator)}"


def _numbers(found: Estimate, row: float, word: str) -> Figure:
    if isinstance(found, Measured | TooFew):
        few = " · too few" if isinstance(found, TooFew) else ""
        text = f"{word}: {decimal(100 * found.value, 1)} % · n {count(found.denominator)}{few}"
    else:
        text = f"{word}: undefined"
    return annotation(1.02, row, text, xref="paper", xanchor="left", font={"size": 13})


def threshold_alt(trial: Trial, metric: str) -> str:
    """Return the chart in words: every group's rate before and after."""
    place = SHOWN.index(metric)
    parts = [
        f"{group_words(group.group)} {rate_text(group.before[place])} before, "
        f"{rate_text(group.after[place])} after"
        for group in trial.groups
    ]
    return f"{metric_name(metric)} before and after: {'; '.join(parts)}."

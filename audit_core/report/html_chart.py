"""The one chart of the HTML report: rates of the primary metric, group by group, as a still picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audit_core.contract.schema import Subject
from audit_core.contract.test_plan import plan_subjects
from audit_core.cube.count_cube import Group, is_unknown
from audit_core.decision.record import Audit
from audit_core.metrics.estimate import Measured, TooFew
from audit_core.report.escape import clip
from audit_core.report.html_groups import metrics
from audit_core.report.numbers import count, percent
from audit_core.report.people import group_words, subject_words
from audit_core.report.words import metric_name

LEFT, WIDTH, ROW, TOP = 190.0, 470.0, 34.0, 26.0
"""Pixels: where the scale begins, how long it is, how far groups lie apart, where they begin."""
READ_CHART = (
    "A mark is a group’s rate, the line its interval. Filled: enough people to judge; hollow: too few. "
    "Groups withheld for privacy are not drawn. The same numbers stand in the group table of that name below."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartLine:
    """One group of the chart, in pixels; `words` is what stands behind its line."""

    name: str
    words: str
    y: float
    low: float
    high: float
    at: float
    enough: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """The chart: its lines, its size in pixels and what it shows in words."""

    title: str
    alt: str
    lines: tuple[ChartLine, ...]
    ticks: tuple[tuple[float, str], ...]
    height: float
    bottom: float


def primary_chart(audit: Audit) -> Chart | None:
    """Return the primary metric over the first subject of which two groups are shown, or None."""
    metric = metrics(audit)[0]
    for subject in dict.fromkeys((*plan_subjects(audit.contract), *audit.measurements.subjects)):
        drawn = [
            (group, rate)
            for group in audit.measurements.groups_of(subject)
            if isinstance(rate := audit.measurements.rate(subject, group, metric), Measured | TooFew)
            and not is_unknown(group)
        ]
        if len(subject) == 1 and len(drawn) > 1:
            return _chart(subject, metric, drawn)
    return None


def _chart(subject: Subject, metric: str, drawn: Sequence[tuple[Group, Measured | TooFew]]) -> Chart:
    lines = tuple(
        ChartLine(
            name=clip(group_words(group), 26),
            words=f"{percent(rate.value)} (n={count(rate.denominator)}, {percent(rate.low)} to "
            f"{percent(rate.high)})",
            y=TOP + ROW * place,
            low=_x(rate.low),
            high=_x(rate.high),
            at=_x(rate.value),
            enough=isinstance(rate, Measured),
        )
        for place, (group, rate) in enumerate(drawn)
    )
    bottom = TOP + ROW * len(lines) - ROW / 2
    title = f"{metric_name(metric)} by {subject_words(subject)}"
    said = "; ".join(f"{line.name} {line.words}" for line in lines)
    return Chart(
        title=title,
        alt=f"{title}, each group with its interval: {said}.",
        lines=lines,
        ticks=tuple((_x(share / 100), f"{share} %") for share in (0, 25, 50, 75, 100)),
        height=bottom + 24,
        bottom=bottom,
    )


def _x(rate: float) -> float:
    """Place of a rate, 0–1, on the scale."""
    return round(LEFT + WIDTH * rate, 1)

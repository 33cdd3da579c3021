"""One watch over the windows: its value, ranges, status and alerts, beside what the release itself showed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from audit_core.decision.followed import Followed, Incident, WatchPoint, WindowRate, WindowView
from audit_core.decision.plan import Watch
from audit_core.decision.record import Audit
from audit_core.errors import UsageError
from audit_core.findings.finding import Finding
from audit_core.metrics.drift import DriftStatistics
from audit_core.metrics.estimate import Count, Measured
from audit_core.metrics.gaps import Gap, difference_gap, ratio_gap
from audit_core.metrics.intervals import Interval
from audit_core.metrics.measurements import DriftStatus
from audit_core.metrics.regression_rows import change_of
from audit_core.report.charts.drift import DRIFT_SHAPES, DRIFT_WORDS
from audit_core.report.incidents import incident_sentence, worst
from audit_core.report.numbers import PERCENT, POINTS, Figures, Number, Unit, count, figures
from audit_core.report.readings import reading, unit_of
from audit_core.report.watch_words import watch_of
from audit_core.report.words import MARK_SHAPES, Mark, mark_of, status_word

STATE_WORDS = {
    "complete": "Outcomes are back",
    "maturing": "Still arriving",
    "overdue": "Outcomes overdue",
    "missing": "No data",
}
NOT_JUDGED = "Not judged"
FEWEST_ESTIMATED = 10
"""People an estimated rate must stand on to be printed and held against what came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowMark:
    """A watch in one window; values in the metric's own unit (rates and gaps 0–1).

    `tentative` values are of the outcomes that are back so far: shown, never judged. `value` is None where
    there is none: no data, or no outcome. `n` are the people behind both ends of a gap, or behind the value.
    `chance` is what chance alone gives (drift).
    """

    view: WindowView
    value: Number | None
    interval: Interval | None
    lower: float | None
    upper: float | None
    n: tuple[int, ...]
    chance: float | None
    mark: Mark
    shape: str
    word: str
    tentative: bool
    alerts: tuple[Incident, ...]
    told: tuple[str, ...]
    """The sentences of the alerts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What the release's own audit showed of the same: its value, its interval and its people."""

    value: Number
    interval: Interval | None
    n: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchSeries:
    """One watch, window after window; `release` is None where the audit holds no such number."""

    watch: Watch
    marks: tuple[WindowMark, ...]
    release: Release | None

    @property
    def unit(self) -> Unit:
        """The unit its values are printed in."""
        change = change_of(self.watch.check)
        if change is not None:
            return PERCENT if change == "risk" else POINTS
        return unit_of(self.watch.check.metric, self.watch.check.compare or "none")

    @property
    def limits(self) -> tuple[Number, ...]:
        """Every limit and warning, smallest first."""
        return tuple(sorted(end for _, end in self.named_limits))

    @property
    def named_limits(self) -> tuple[tuple[str, Fraction], ...]:
        """Every limit and warning with its word."""
        limit = self.watch.check.limit
        named = [("warn", limit.warn), ("limit", limit.max), ("limit", limit.min)]
        named += [("limit", limit.max_increase), ("limit", limit.max_relative_increase)]
        return tuple((word, end) for word, end in named if end is not None)

    @property
    def figures(self) -> Figures:
        """The unit with enough digits for every number that is compared with a limit."""
        values = [v for m in self.marks for v in (m.value, m.lower, m.upper)]
        return figures(self.unit, values, self.limits)


def series_of(followed: Followed, watch_id: str, audit: Audit | None) -> WatchSeries:
    """Return one watch over all windows of the plan that have begun; `audit` is the release's own.

    Raises
    ------
    UsageError
        The plan has no such watch.
    """
    watch = watch_of(followed.plan, watch_id)
    if watch is None:
        raise UsageError("The plan has no such watch", where=watch_id, remedy="Choose one of its watches")
    points = {point.window: point for point in followed.points if point.watch == watch_id}
    mine = [one for one in followed.incidents if one.watch == watch_id]
    marks = []
    for view in followed.windows:
        alerts = worst([one for one in mine if view.name in one.windows])
        told = tuple(incident_sentence(one, followed.plan, trends=followed.trends) for one in alerts)
        mark = _mark(view, points.get(view.name), watch, followed)
        marks.append(replace(mark, alerts=alerts, told=told))
    return WatchSeries(watch=watch, marks=tuple(marks), release=_release(watch, audit) if audit else None)


def outcomes_text(view: WindowView) -> str:
    """Return “780 of 2,000 outcomes back”."""
    return f"{count(view.labelled)} of {count(view.rows)} outcomes back"


def point_word(finding: Finding) -> str:
    """Return the status of one judgement in words; of drift, how far a feature moved."""
    return _drift_word(finding)[0] if finding.metric == "psi" else status_word(finding)


def _drift_word(finding: Finding) -> tuple[str, str]:
    if finding.reason == "drifted":
        return DRIFT_WORDS["major"], DRIFT_SHAPES["major"]
    if finding.status != "PASS":
        return DRIFT_WORDS["insufficient"], DRIFT_SHAPES["insufficient"]
    status: DriftStatus = "moderate" if finding.warned else "stable"
    return DRIFT_WORDS[status], DRIFT_SHAPES[status]


def _drift_mark(finding: Finding) -> Mark:
    return "inconclusive" if finding.status == "PASS" and finding.warned else mark_of(finding)


def _mark(view: WindowView, point: WatchPoint | None, watch: Watch, followed: Followed) -> WindowMark:
    """A watch in one window, its alerts still to be added."""
    finding = point.finding if point else None
    if finding is not None:
        return _judged(view, finding)
    so_far = _so_far(view, watch, followed) if view.state in ("maturing", "overdue") else None
    known = so_far is not None and so_far.value is not None
    word = STATE_WORDS[view.state] if view.state != "complete" else NOT_JUDGED
    return WindowMark(
        view=view,
        value=so_far.value if so_far is not None and known else None,
        interval=so_far.interval if so_far is not None and known else None,
        lower=None,
        upper=None,
        n=_people(so_far) if so_far is not None and known else (),
        chance=None,
        mark="too_few",
        shape=MARK_SHAPES["too_few"],
        word=word,
        tentative=known,
        alerts=(),
        told=(),
    )


def _judged(view: WindowView, finding: Finding) -> WindowMark:
    read, drift = reading(finding), finding.metric == "psi"
    ends = {end.group: end.denominator for end in (finding.low, finding.high) if end is not None}
    mark = _drift_mark(finding) if drift else mark_of(finding)
    return WindowMark(
        view=view,
        value=read.value,
        interval=read.interval,
        lower=read.lower,
        upper=read.upper,
        n=tuple(ends.values()),
        chance=finding.upper if drift else None,
        mark=mark,
        shape=_drift_word(finding)[1] if drift else MARK_SHAPES[mark],
        word=point_word(finding),
        tentative=False,
        alerts=(),
        told=(),
    )


def _so_far(view: WindowView, watch: Watch, followed: Followed) -> Gap | None:
    """The gap among the outcomes that are back, of groups with enough of them; None where it is no gap."""
    if watch.check.against or not watch.needs_labels or watch.check.compare not in ("difference", "ratio"):
        return None
    found = [rate for rate in rates_of(followed, watch, view.name) if isinstance(rate.estimate, Measured)]
    counts = [_count(rate) for rate in found]
    if len(counts) < 2:
        return None
    make = difference_gap if watch.check.compare == "difference" else ratio_gap
    return make(counts, min_support=0, level=_level(found[0]))


def rates_of(followed: Followed, watch: Watch, window: str) -> tuple[WindowRate, ...]:
    """Return the group rates behind a watch in one window, in the contract's order."""
    return tuple(
        rate
        for rate in followed.rates
        if (rate.window, rate.metric, rate.subject) == (window, watch.check.metric, watch.subject)
    )


def _level(rate: WindowRate) -> float:
    assert isinstance(rate.estimate, Measured)
    return rate.estimate.level


def _count(rate: WindowRate) -> Count:
    found = rate.estimate
    assert isinstance(found, Measured)
    return Count(group=rate.group, numerator=found.numerator, denominator=found.denominator)


def _people(gap: Gap) -> tuple[int, ...]:
    return tuple(end.support for end in (gap.low, gap.high) if end is not None)


def _release(watch: Watch, audit: Audit) -> Release | None:
    if watch.check.metric == "psi":
        return _release_drift(watch.feature, audit)
    if watch.check.against is not None:  # a change since the release is measured from it
        return None
    if watch.check.compare not in ("difference", "ratio"):
        return _release_value(watch, audit)
    found = audit.measurements.gap(watch.subject, watch.check.metric, watch.check.compare)
    if found is None or found.gap.value is None:
        return None
    return Release(value=found.gap.value, interval=found.gap.interval, n=_people(found.gap))


def _release_value(watch: Watch, audit: Audit) -> Release | None:
    """What the release's own check of the same value found."""
    for finding in audit.findings:
        same = (finding.metric, finding.subject) == (watch.check.metric, watch.subject)
        if same and finding.compare not in ("difference", "ratio") and finding.low is not None:
            read = reading(finding)
            if read.value is not None:
                return Release(value=read.value, interval=read.interval, n=(finding.low.denominator,))
    return None


def _release_drift(feature: str, audit: Audit) -> Release | None:
    for row in audit.measurements.drift:
        whole = row.table.feature == feature and row.table.over_everybody
        if whole and isinstance(row.statistics, DriftStatistics):
            return Release(value=row.statistics.psi, interval=None, n=(row.statistics.current_rows,))
    return None

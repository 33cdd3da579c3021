"""What following a release has shown as a textfile of Prometheus' node_exporter: numbers, limits, incidents.

A number that is absent has no line: never NaN, never zero. A number that stands on a count under the plan's
privacy floor has none either, since whoever reads the metrics need not be an analyst.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from typing import get_args

from audit_core.contract.schema import Subject
from audit_core.cube.calendar import window_at
from audit_core.cube.count_cube import Group
from audit_core.decision.followed import AlertKind, Followed, WatchPoint, WindowState, WindowView
from audit_core.decision.plan import Level, Plan, Watch
from audit_core.findings.finding import Finding, Status
from audit_core.report.escape import visible
from audit_core.report.incident_words import COARSE
from audit_core.report.watch_words import told_by_subtraction, told_of_few

HELP: dict[str, str] = {
    "evenhand_plan_info": "The plan that is followed; always 1.",
    "evenhand_plan_end_timestamp_seconds": "End of the last day of the plan.",
    "evenhand_monitor_last_run_timestamp_seconds": "Clock of the last run of evenhand monitor.",
    "evenhand_monitor_exit_code": "What that run ended with: 0 nothing to act on, 1 a page is open, "
    "2 undecided or a ticket at its limit is open.",
    "evenhand_window_due_timestamp_seconds": "When the next window must have come in, at the latest.",
    "evenhand_window_end_timestamp_seconds": "End of the last window that came in.",
    "evenhand_window_rows": "Rows of the last window that came in.",
    "evenhand_window_outcomes": "Of these, rows whose outcome is back.",
    "evenhand_window_state": "1 for the state of the last window that came in, 0 for the others.",
    "evenhand_windows_missing": "Windows since the start of the plan that hold no data.",
    "evenhand_watch_value": "What was measured in the windows last judged; rates, gaps and ratios 0 to 1.",
    "evenhand_watch_lower": "Lower end of its interval, at the level of evenhand_plan_info.",
    "evenhand_watch_upper": "Upper end of its interval, at the level of evenhand_plan_info.",
    "evenhand_watch_at_least": "The least the true value could be: the bound that accuses.",
    "evenhand_watch_at_most": "The most the true value could be: the bound that clears.",
    "evenhand_watch_by_chance": "What drift reaches by chance alone in 95 of 100 samples of this size.",
    "evenhand_watch_limit": "Limits of the plan, by bound: max, min, or warn.",
    "evenhand_watch_status": "1 for the status of the watch in the windows last judged, 0 for the others.",
    "evenhand_watch_confirmed": "1 where that status holds even after allowing for chance, else 0.",
    "evenhand_watch_rows": "Rows of the windows last judged.",
    "evenhand_watch_window_end_timestamp_seconds": "End of the last of them.",
    "evenhand_trend_value": "Small moves of a gap added up since the release (CUSUM).",
    "evenhand_trend_limit": "Where that sum becomes an alert.",
    "evenhand_estimated_rate": "An estimate: the rate the scores lead one to expect while outcomes are out.",
    "evenhand_estimated_rate_lower": "Lower end of the range of that estimate.",
    "evenhand_estimated_rate_upper": "Upper end of the range of that estimate.",
    "evenhand_incident_open": "1 while an incident of this watch and kind is open, else 0.",
}
_DIGITS = 4
"""Of what is worked out from many counts: with all its digits it could be solved for the small ones."""

PLAN_KINDS: tuple[AlertKind, ...] = ("labels_overdue", "rows_dropped", "silence")
_STATUSES: tuple[Status, ...] = get_args(Status)
_STATES: tuple[WindowState, ...] = ("complete", "maturing", "overdue")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One line: a metric, its labels, its value."""

    metric: str
    labels: Mapping[str, str]
    value: float


def textfile(followed: Followed) -> bytes:
    """Return the metrics of a followed release in Prometheus' text format.

    Guarantee: every line has a finite value; names from outside can't end a label, a line or the file; the
    same bytes for the same input; no measured value that stands on fewer people than the
    plan's privacy floor.
    """
    lines: dict[str, dict[str, str]] = {metric: {} for metric in HELP}
    for sample in _samples(followed):
        labels = ",".join(f'{key}="{_escaped(text)}"' for key, text in sample.labels.items())
        lines[sample.metric].setdefault(labels, _number(sample.value))
    parts = []
    for metric, series in lines.items():
        if series:
            parts += [f"# HELP {metric} {HELP[metric]}", f"# TYPE {metric} gauge"]
            parts += [f"{metric}{{{labels}}} {value}" for labels, value in series.items()]
    return ("\n".join(parts) + "\n").encode()


def raised_by(watch: Watch, plan: Plan) -> tuple[tuple[AlertKind, Level], ...]:
    """Return each kind of alert that a watch can raise, with its level; "none" raises nothing."""
    kinds: list[tuple[AlertKind, Level]]
    if watch.check.metric == "psi":
        kinds = [("drift", watch.warning), ("drift", watch.unconfirmed), ("drift", watch.confirmed)]
    else:
        kinds = [("confirmed", watch.confirmed), ("unconfirmed", watch.unconfirmed)]
        kinds += [("warning", watch.warning)] if watch.check.limit.warn is not None else []
    if any(chart.watch == watch.id for chart in plan.trend.charts):
        kinds.append(("trend", "ticket"))
    return tuple((kind, level) for kind, level in dict.fromkeys(kinds) if level != "none")


def label_text(text: str) -> str:
    """Return a name as the value of a label: hidden characters and line ends are written out."""
    return visible(text)


def seconds(moment: datetime) -> float:
    """Return a moment as seconds since 1970."""
    return moment.timestamp()


def end_of(day: date) -> datetime:
    """Return the end of a day, in UTC."""
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=UTC)


def due(plan: Plan, last: date | None) -> datetime | None:
    """Return when the next window must have come in: the end of the one after `last`, and the plan's days.

    None where that one begins after the plan's last day.
    """
    day = plan.starts if last is None else last + timedelta(days=1)
    if day > plan.ends:
        return None
    return end_of(window_at(day, plan.window.unit).last) + timedelta(days=plan.silence_days)


def _samples(followed: Followed) -> Iterator[Sample]:
    yield from _of_plan(followed)
    yield from _of_windows(followed)
    for watch in followed.plan.watches:
        yield from _of_watch(watch, followed)
    yield from _of_trends(followed)
    yield from _of_estimates(followed)
    yield from _of_incidents(followed)


def _of_plan(followed: Followed) -> Iterator[Sample]:
    plan = followed.plan
    labels = _labels(plan)
    about = {"audit": plan.audit_id, "contract": plan.contract_id, "version": plan.contract_version}
    about |= {"model": plan.model_name, "level": str(float(plan.level))}
    yield Sample(metric="evenhand_plan_info", labels=labels | _texts(about), value=1)
    known = {
        "evenhand_plan_end_timestamp_seconds": seconds(end_of(plan.ends)),
        "evenhand_monitor_last_run_timestamp_seconds": seconds(followed.as_of),
        "evenhand_monitor_exit_code": followed.exit_code,
    }
    yield from (Sample(metric=metric, labels=labels, value=value) for metric, value in known.items())


def _of_windows(followed: Followed) -> Iterator[Sample]:
    labels = _labels(followed.plan)
    came = [view for view in followed.windows if view.state != "missing"]
    last = max(came, key=lambda view: view.last, default=None)
    latest = last.last if last is not None else None
    known: dict[str, float] = {"evenhand_windows_missing": len(followed.windows) - len(came)}
    if (wanted := due(followed.plan, latest)) is not None:
        known["evenhand_window_due_timestamp_seconds"] = seconds(wanted)
    if last is not None:
        known |= {
            "evenhand_window_end_timestamp_seconds": seconds(end_of(last.last)),
            "evenhand_window_rows": last.rows,
            "evenhand_window_outcomes": last.labelled,
        }
        for state in _STATES:
            at = labels | {"state": state}
            yield Sample(metric="evenhand_window_state", labels=at, value=state == last.state)
    yield from (Sample(metric=metric, labels=labels, value=value) for metric, value in known.items())


def _of_watch(watch: Watch, followed: Followed) -> Iterator[Sample]:
    labels = _labels(followed.plan, watch)
    for bound in ("max", "min", "warn"):
        limit: Fraction | None = getattr(watch.check.limit, bound)
        if limit is not None:
            at = labels | {"bound": bound}
            yield Sample(metric="evenhand_watch_limit", labels=at, value=float(limit))
    by_name = {view.name: view for view in followed.windows}
    judged = [p for p in followed.points if p.watch == watch.id and p.finding and p.window in by_name]
    if judged:
        last = max(judged, key=lambda point: by_name[point.window].last)
        yield from _of_point(last, labels, by_name, followed)


def _of_point(
    point: WatchPoint, labels: dict[str, str], by_name: Mapping[str, WindowView], followed: Followed
) -> Iterator[Sample]:
    found = point.finding
    assert found is not None
    for status in _STATUSES:
        at = labels | {"status": status}
        yield Sample(metric="evenhand_watch_status", labels=at, value=status == found.status)
    known: dict[str, float | Fraction | None] = {
        "evenhand_watch_confirmed": found.evidence == "CONFIRMED",
        "evenhand_watch_rows": sum(by_name[name].rows for name in point.windows if name in by_name),
        "evenhand_watch_window_end_timestamp_seconds": seconds(end_of(by_name[point.window].last)),
        **_numbers(found, followed),
    }
    for metric, value in known.items():
        if value is not None and math.isfinite(value):
            yield Sample(metric=metric, labels=labels, value=float(value))


def _numbers(found: Finding, followed: Followed) -> dict[str, float | Fraction | None]:
    """What was measured, with its ranges; nothing where it stands on too few people to be told of."""
    few = told_of_few(found, followed.plan.privacy_floor) or told_by_subtraction(found, followed)
    if found.evidence == "UNSUPPORTED" or few:
        return {}
    if found.metric == "psi":
        return {
            "evenhand_watch_value": _rounded(found.value, COARSE),
            "evenhand_watch_by_chance": _rounded(found.upper, _DIGITS),
        }
    low, high = found.interval if found.interval is not None else (None, None)
    return {
        "evenhand_watch_value": found.value,
        "evenhand_watch_lower": low,
        "evenhand_watch_upper": high,
        "evenhand_watch_at_least": found.lower,
        "evenhand_watch_at_most": found.upper,
    }


def _of_trends(followed: Followed) -> Iterator[Sample]:
    ends = {view.name: view.last for view in followed.windows}
    for point in sorted(
        (p for p in followed.trends if p.value is not None and p.window in ends),
        key=lambda p: ends[p.window],
        reverse=True,
    ):  # the last one first: a later line of the same labels is dropped
        labels = {"plan": followed.plan.id, "watch": point.watch}
        labels |= {"high": _group(point.high), "low": _group(point.low)}
        assert point.value is not None
        yield Sample(metric="evenhand_trend_value", labels=_texts(labels), value=round(point.value, 1))
        yield Sample(metric="evenhand_trend_limit", labels=_texts(labels), value=point.limit)


def _of_estimates(followed: Followed) -> Iterator[Sample]:
    """Estimates while outcomes are not back, on at least as many people as the contract asks for."""
    needed = max(followed.plan.window.needed, followed.plan.privacy_floor)
    for rate in followed.estimates:
        if rate.observed is not None or rate.people < needed:
            continue
        named = {"plan": followed.plan.id, "window": rate.window, "metric": rate.metric}
        named |= {"subject": _group(rate.subject), "group": _group(rate.group)}
        labels = _texts(named) | {"estimated": "yes"}
        yield Sample(metric="evenhand_estimated_rate", labels=labels, value=round(rate.value, _DIGITS))
        yield Sample(metric="evenhand_estimated_rate_lower", labels=labels, value=round(rate.low, _DIGITS))
        yield Sample(metric="evenhand_estimated_rate_upper", labels=labels, value=round(rate.high, _DIGITS))


def _of_incidents(followed: Followed) -> Iterator[Sample]:
    """Every kind of every watch, open or not, so that a series that is gone can be told from a quiet one."""
    plan, live = followed.plan, [one for one in followed.incidents if one.open]
    opened = {(one.watch, one.kind, one.level) for one in live}
    for watch in plan.watches:
        for kind, level in raised_by(watch, plan):
            labels = _texts({"plan": plan.id, "watch": watch.id, "kind": kind, "severity": level})
            is_open = (watch.id, kind, level) in opened
            yield Sample(metric="evenhand_incident_open", labels=labels, value=is_open)
    for kind in PLAN_KINDS:
        is_open = any(one.kind == kind for one in live)
        labels = _texts({"plan": plan.id, "kind": kind})
        yield Sample(metric="evenhand_incident_open", labels=labels, value=is_open)


def _labels(plan: Plan, watch: Watch | None = None) -> dict[str, str]:
    if watch is None:
        return _texts({"plan": plan.id})
    check = watch.check
    found = {"plan": plan.id, "watch": watch.id, "metric": check.metric, "compare": check.compare or "none"}
    subject = watch.feature or _group(watch.subject)
    return _texts(found | ({"subject": subject} if subject else {}))


def _texts(labels: Mapping[str, str]) -> dict[str, str]:
    return {key: label_text(text) for key, text in labels.items()}


def _group(parts: Group | Subject) -> str:
    return " × ".join(part or "unknown" for part in parts)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    number = float(value)
    return str(int(number)) if number == int(number) else repr(number)


def _rounded(value: float | Fraction | None, digits: int) -> float | None:
    return None if value is None or not math.isfinite(value) else round(float(value), digits)

"""Tables of a followed release: every window, watch, group rate, trend and estimate as rows of text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from audit_core.contract.schema import Subject
from audit_core.decision.followed import EstimatedRate, Followed, Incident, TrendPoint, WindowRate, WindowView
from audit_core.metrics.catalogue import RATES
from audit_core.metrics.estimate import Estimate, Measured, TooFew
from audit_core.report.escape import clip
from audit_core.report.incident_words import told_sentence
from audit_core.report.incidents import LEVEL_WORDS, in_order, kind_word, time_words
from audit_core.report.numbers import PERCENT, POINTS, Figures, count, decimal, percent, ratio
from audit_core.report.people import group_words
from audit_core.report.rates import counts_text, interval_text, rate_text
from audit_core.report.table_rows import NONE, RESULT, Rows
from audit_core.report.window_series import (
    FEWEST_ESTIMATED,
    NOT_JUDGED,
    STATE_WORDS,
    WatchSeries,
    WindowMark,
    outcomes_text,
)
from audit_core.report.words import WITHHELD, metric_name

WINDOW = "Window"
AGAINST = "Against the release"


def incident_rows(followed: Followed) -> Rows:
    """Return every incident, open ones first."""
    return [
        {
            "Incident": one.id,
            "State": "open" if one.open else "closed",
            RESULT: kind_word(one),
            "Level": LEVEL_WORDS[one.level],
            "Since": one.began,
            "Held in": ", ".join(one.windows) or NONE,
            "Owner": clip(one.owner, 48) or NONE,
            "Acknowledge by": time_words(one.due),
            "Action": clip(one.action, 48) or NONE,
            "Found": told_sentence(one, followed.plan, trends=followed.trends),
        }
        for one in in_order(followed.incidents)
    ]


def window_rows(followed: Followed) -> Rows:
    """Return every window of the plan so far: its days, rows, outcomes, state and files."""
    return [
        {
            WINDOW: view.name,
            "Days": f"{view.first} to {view.last}",
            "Rows": count(view.rows) if view.state != "missing" else NONE,
            "Outcomes": outcomes_text(view) if view.state != "missing" else NONE,
            RESULT: STATE_WORDS[view.state],
            "Files": ", ".join(clip(name, 48) for name, _ in view.sources) or NONE,
        }
        for view in followed.windows
    ]


def watch_rows(series: WatchSeries) -> Rows:
    """Return one watch window by window: value, ranges, people, status and alerts."""
    return [_watch_row(series, mark) for mark in series.marks]


def _watch_row(series: WatchSeries, mark: WindowMark) -> dict[str, str]:
    drift = series.watch.check.metric == "psi"
    row = {WINDOW: mark.view.name, "Value": _value_text(series, mark)}
    if drift:
        row["By chance up to"] = ratio(mark.chance) if mark.chance is not None else NONE
    else:
        row |= {"Interval": _ends_text(series, mark), "Bounds": _bounds_text(series, mark)}
    row["n"] = " and ".join(map(count, mark.n)) or NONE
    if not drift:  # both would be set against the training sample
        row[AGAINST] = _against(series, mark)
    row[RESULT] = mark.word
    row["Alert"] = alerts_text(mark.alerts) or NONE
    return row


def _value_text(series: WatchSeries, mark: WindowMark) -> str:
    if mark.value is None:
        return NONE
    said = series.figures.text(mark.value)
    return f"{said} so far, {outcomes_text(mark.view)}" if mark.tentative else said


def _ends_text(series: WatchSeries, mark: WindowMark) -> str:
    if mark.interval is None:
        return NONE
    low, high = (series.figures.bare(end) if end != float("inf") else "∞" for end in mark.interval)
    return f"{low} to {high}"


def _bounds_text(series: WatchSeries, mark: WindowMark) -> str:
    shown = series.figures
    least = f"at least {shown.bare(mark.lower)}" if mark.lower is not None else ""
    most = f"at most {shown.bare(mark.upper)}" if mark.upper is not None else ""
    return ", ".join(part for part in (least, most) if part) or NONE


def _against(series: WatchSeries, mark: WindowMark) -> str:
    if series.release is None or mark.value is None:
        return NONE
    shown = replace(series.figures, unit=POINTS) if series.unit == PERCENT else series.figures
    return shown.signed(mark.value - series.release.value)


def alerts_text(alerts: Sequence[Incident]) -> str:
    """Return alerts in a cell: “Page: outside limit”."""
    return "; ".join(f"{LEVEL_WORDS[one.level]}: {kind_word(one).lower()}" for one in alerts)


def rate_rows(followed: Followed, metric: str, subject: Subject) -> Rows:
    """Return every group's rate in every window, with its counts, interval and move since the release."""
    rows: Rows = []
    for view in followed.windows:
        mine = [r for r in followed.rates if (r.window, r.metric, r.subject) == (view.name, metric, subject)]
        rows += [_rate_row(view, rate) for rate in mine] or [_no_rate(view)]
    return rows


def _rate_row(view: WindowView, rate: WindowRate) -> dict[str, str]:
    found = rate.estimate
    return {
        WINDOW: view.name,
        "Group": group_words(rate.group),
        "Rate": rate_text(found),
        "Interval": interval_text(found),
        "Counts": counts_text(found),
        AGAINST: _delta(rate),
        "State": _rate_state(view, rate),
    }


def _no_rate(view: WindowView) -> dict[str, str]:
    state = STATE_WORDS[view.state] if view.state != "complete" else NONE
    return (
        {WINDOW: view.name}
        | dict.fromkeys(("Group", "Rate", "Interval", "Counts", AGAINST), NONE)
        | {"State": state}
    )


def _delta(rate: WindowRate) -> str:
    shown = Figures(unit=POINTS, digits=POINTS.digits)
    return shown.signed(rate.delta) if rate.delta is not None else NONE


def _rate_state(view: WindowView, rate: WindowRate) -> str:
    said = ["too few to judge"] if isinstance(rate.estimate, TooFew) else []
    if rate.maturing:
        said.append(f"so far, {outcomes_text(view)}")
    return "; ".join(said) or NONE


def shareable_rows(followed: Followed, metric: str, subject: Subject, floor: int) -> Rows:
    """Return the group rates as they may be kept in a file: a group with a small count is hidden throughout.

    A group that has a count of 1 to `floor` − 1 in any window is hidden in all of them. Where a rate counts
    everybody and that is one group alone, the smallest other one is hidden too: the number of a window's rows
    is known, so that one hidden group could be worked out.
    """
    mine = [rate for rate in followed.rates if (rate.metric, rate.subject) == (metric, subject)]
    hidden = {group_words(rate.group) for rate in mine if _is_small(rate.estimate, floor)}
    if len(hidden) == 1 and metric in RATES and RATES[metric].support == "rows":
        others = [rate for rate in mine if group_words(rate.group) not in hidden]
        hidden |= {group_words(min(others, key=_size).group)} if others else set()
    blank = dict.fromkeys(("Rate", "Interval", "Counts", AGAINST), WITHHELD)
    rows = rate_rows(followed, metric, subject)
    return [row | blank if row["Group"] in hidden else row for row in rows]


def _is_small(found: Estimate, floor: int) -> bool:
    if not isinstance(found, Measured | TooFew):
        return False
    counts = (found.numerator, found.denominator - found.numerator, found.denominator)
    return any(0 < part < floor for part in counts)


def _size(rate: WindowRate) -> int:
    found = rate.estimate
    return found.denominator if isinstance(found, Measured | TooFew) else 0


def trend_rows(followed: Followed, watch_id: str) -> Rows:
    """Return the charts of slow change of one watch, window by window."""
    return [
        {
            WINDOW: point.window,
            "Signed gap": f"{group_words(point.high)} over {group_words(point.low)}",
            "Move (standard errors)": _move(point),
            "Sum (CUSUM)": decimal(point.value, 2) if point.value is not None else NONE,
            "Limit": decimal(point.limit, 2),
            RESULT: _trend_word(point.value, alarm=point.alarm),
        }
        for point in followed.trends
        if point.watch == watch_id
    ]


def _move(point: TrendPoint) -> str:
    if point.z is None:
        return NONE
    added = decimal(point.z * point.counts, 2)
    move = decimal(point.z, 2)
    return move if added == move else f"{move}, counted as {added}"


def _trend_word(value: float | None, *, alarm: bool) -> str:
    if value is None:
        return NOT_JUDGED
    return "Trend alarm" if alarm else "No alarm"


def estimate_rows(followed: Followed, subject: Subject) -> Rows:
    """Return what the scores led one to expect of the groups before outcomes came, and what came."""
    return [
        {
            WINDOW: found.window,
            "What": metric_name(found.metric),
            "Group": group_words(found.group),
            "Estimated": _estimated(found),
            "n expected": f"{decimal(found.people, 0)}",
            "Stands on": "the group’s scores" if found.curve == "group" else "everybody’s scores",
            "Observed": _observed(found),
            "Range held": {None: NONE, True: "yes", False: "no"}[
                found.held if found.people >= FEWEST_ESTIMATED else None
            ],
        }
        for found in followed.estimates
        if found.subject == subject
    ]


def _estimated(found: EstimatedRate) -> str:
    if found.people < FEWEST_ESTIMATED:
        return "too few people"
    return f"{percent(found.value)} ({percent(found.low)} to {percent(found.high)})"


def _observed(found: EstimatedRate) -> str:
    if found.observed is None:
        return "not back yet"
    if found.people < FEWEST_ESTIMATED:  # a rate has its range beside it, or is not printed
        return counts_text(found.observed)
    return f"{rate_text(found.observed)} ({counts_text(found.observed)})"

"""A followed release in sentences and tables: every window, watch, group rate, trend and estimate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from audit_core.decision.followed import Followed, Incident, TrendPoint, WindowView
from audit_core.decision.plan import Watch
from audit_core.report.escape import clip
from audit_core.report.incident_words import headline_sentence
from audit_core.report.incidents import (
    LEVEL_WORDS,
    in_order,
    leading,
    time_words,
)
from audit_core.report.numbers import count, counted, ratio
from audit_core.report.people import group_words
from audit_core.report.watch_words import numbers_text, watch_of, watch_words
from audit_core.report.window_series import (
    FEWEST_ESTIMATED,
    WatchSeries,
    outcomes_text,
)
from audit_core.report.words import Mark, capital

GROWN = 1.5
"""Times the expected people (worth, over both groups) from which a plan should be made again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A sentence with the word and the mark of its badge."""

    mark: Mark
    word: str
    sentence: str


def followed_headline(followed: Followed) -> Line:
    """Return the one sentence on top: the most urgent that is open, or what nothing open means."""
    shown = leading(followed.incidents)
    if shown:
        first = shown[0]
        more = f" {_others(shown[1:])}" if shown[1:] else ""
        mark: Mark = "outside" if first.level == "page" else "inconclusive"
        said = headline_sentence(first, followed.plan, trends=followed.trends)
        return Line(mark=mark, word=f"{LEVEL_WORDS[first.level]} open", sentence=said + more)
    seen = [view for view in followed.windows if view.state != "missing"]
    if not seen:
        return Line(mark="too_few", word="Not followed yet", sentence="No window has come in so far.")
    return _nothing_open(followed, seen)


def _nothing_open(followed: Followed, seen: Sequence[WindowView]) -> Line:
    said = f"No incident is open after {counted(len(seen), 'windows')}, {seen[0].name} to {seen[-1].name}."
    undecided = undecided_watches(followed)
    if undecided:
        names = ", ".join(watch_words(watch) for watch in undecided[:3])
        more = f" and {len(undecided) - 3} more" if len(undecided) > 3 else ""
        said += (
            f" Not decided in the last window judged: {names}{more}. That never counts as within the limit."
        )
        return Line(mark="inconclusive", word="Not decided", sentence=said)
    return Line(mark="within", word="Nothing open", sentence=said)


def undecided_watches(followed: Followed) -> tuple[Watch, ...]:
    """Return the watches whose last judgement settled nothing, or that were never judged."""
    last = {point.watch: point.finding for point in followed.points if point.finding is not None}
    return tuple(
        watch
        for watch in followed.plan.watches
        if (found := last.get(watch.id)) is None or found.status in ("INCONCLUSIVE", "NOT_RUN")
    )


def _others(others: Sequence[Incident]) -> str:
    levels = Counter(one.level for one in others)
    parts = [counted(levels[level], f"{level}s") for level in ("page", "ticket") if levels[level]]
    return f"Also open: {' and '.join(parts)}." if parts else ""


def outcomes_sentence(followed: Followed) -> str:
    """Return which windows' outcomes are still arriving or late, and which have no data; "" for none."""
    by_state: dict[str, Callable[[WindowView], str]] = {
        "maturing": lambda v: f"Outcomes of {v.name} are still arriving: {outcomes_text(v)}; not judged yet.",
        "overdue": lambda v: f"Outcomes of {v.name} are overdue: {outcomes_text(v)}; not judged.",
        "missing": lambda v: f"{v.name} has no data.",
    }
    today, said = followed.as_of.date(), []
    for view in followed.windows:
        if view.rows and view.last >= today:
            said.append(f"{view.name} is not over yet: {counted(view.rows, 'rows')} so far; not judged.")
        elif view.state in by_state:
            said.append(by_state[view.state](view))
    return " ".join(said)


def release_sentence(followed: Followed) -> str:
    """Return which release is followed, by which plan, until when."""
    plan = followed.plan
    return (
        f"{clip(plan.model_name, 48) or 'Decisions in the file'}, under {clip(plan.contract_id, 48)} version "
        f"{clip(plan.contract_version, 24)}, followed by plan {clip(plan.id, 48)} from {plan.starts} to "
        f"{plan.ends}, {window_words(followed)}. Read as of {time_words(followed.as_of)}."
    )


def window_words(followed: Followed) -> str:
    """Return how live data are cut: “month by month”, “week by week, 4 added up”."""
    rule = followed.plan.window
    added = f", {rule.rolling} added up" if rule.rolling > 1 else ""
    return f"{rule.unit} by {rule.unit}{added}"


def release_text(series: WatchSeries) -> str:
    """Return what the release itself showed of a watch, with range and people; "" where it showed none."""
    found, shown = series.release, series.figures
    if found is None:
        return ""
    interval = ""
    if found.interval is not None:
        interval = f"interval {shown.bare(found.interval[0])} to {shown.bare(found.interval[1])}; "
    return f"At release: {shown.text(found.value)} ({interval}n={' and '.join(map(count, found.n))})."


def judged_sentence(followed: Followed, series: WatchSeries) -> str:
    """Return the last judgement of a watch in one sentence, with its numbers, or that there is none."""
    found = [p for p in followed.points if p.watch == series.watch.id and p.finding is not None]
    what = watch_words(series.watch)
    head = capital(what)
    if not found:
        return f"{head} has not been judged in any window so far."
    point = found[-1]
    assert point.finding is not None
    if series.watch.check.metric == "psi":
        mark = next(m for m in series.marks if m.view.name == point.window)
        chance = f"expected by chance up to {ratio(mark.chance)}; " if mark.chance is not None else ""
        psi = series.figures.text(mark.value) if mark.value is not None else "no number"
        return f"{head} in {point.window}: PSI {psi} ({chance}n={' and '.join(map(count, mark.n))})."
    return f"{head} in {' + '.join(point.windows)}: {numbers_text(point.finding, followed.plan.level)}."


def estimate_sentence(followed: Followed) -> str:
    """Return how often the estimates' ranges held what came afterwards; "" where nothing was estimated."""
    if not followed.estimates:
        return ""
    settled = [f for f in followed.estimates if f.held is not None and f.people >= FEWEST_ESTIMATED]
    held = sum(bool(found.held) for found in settled)
    if not settled:
        return "No outcome has come yet that an estimate could be held against."
    return (
        f"Of {counted(len(settled), 'estimates')} of {FEWEST_ESTIMATED} people or more whose outcomes have "
        "come since, "
        f"the range held {count(held)}. An estimate assumes that scores mean what they meant at release."
    )


def watch_label(followed: Followed, watch_id: str) -> str:
    """Return a watch as a choice: what it looks at, and its open alert."""
    watch = watch_of(followed.plan, watch_id)
    if watch is None:
        return watch_id
    what = watch_words(watch)
    levels = [one.level for one in in_order(followed.incidents) if one.open and one.watch == watch_id]
    alert = f", {LEVEL_WORDS[levels[0]].lower()} open" if levels else ""
    return f"{capital(what)} ({clip(watch.id, 40)}{alert})"


def watches_in_order(followed: Followed) -> tuple[str, ...]:
    """Return the ids of the plan's watches, those with an open alert first."""
    alerted = [one.watch for one in in_order(followed.incidents) if one.open]
    known = [watch.id for watch in followed.plan.watches]
    return tuple(dict.fromkeys([*(name for name in alerted if name in known), *known]))


def grown_sentence(points: Sequence[TrendPoint]) -> str:
    """Return that more people come than the charts' limits were made for, and what to do; else empty.

    Said from `GROWN` times the people on; up to there windows differ as windows do.
    """
    judged = {point.window for point in points if point.value is not None}
    grown = {point.window for point in points if point.counts**2 * GROWN < 1}
    if not grown:
        return ""
    return (
        f"In {count(len(grown))} of {counted(len(judged), 'windows')} many more people came than the limits "
        "of these charts were made for. Each counts as the number expected: false alarms stay as rare as "
        "the plan says, and the charts see no more than it says. Make the plan again, and they will see what "
        "so many people can show."
    )


def fewer_sentence(followed: Followed) -> str:
    """Return that fewer people come than the plan was simulated with, and what that means; else empty.

    Said of the group its window was chosen by, from `GROWN` times fewer on.
    """
    rule = followed.plan.window
    if rule.brings is None:
        return ""
    paging = {watch.id for watch in followed.plan.watches if watch.confirmed == "page"}
    came = {
        point.window: side.denominator / len(point.windows)
        for point in followed.points
        if point.finding is not None and point.watch in paging
        for side in (point.finding.high, point.finding.low)
        if side is not None and side.group == rule.least
    }
    few = [people for people in came.values() if people * GROWN < rule.brings]
    if not few:
        return ""
    ends = " to ".join(dict.fromkeys(count(round(end)) for end in (min(few), max(few))))
    return (
        f"In {count(len(few))} of {counted(len(came), 'windows')} far fewer people came than the plan was "
        f"made for: {ends} of “{group_words(rule.least)}” where {count(round(rule.brings))} were expected. "
        "These windows find less than the plan says it can see. Make the plan again with what really comes."
    )

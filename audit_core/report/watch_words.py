"""A watch of the plan in words: what it looks at, its limit, and the numbers of one judgement."""

from __future__ import annotations

from fractions import Fraction

from audit_core.decision.followed import Followed
from audit_core.decision.plan import Plan, Watch
from audit_core.findings.finding import Finding, GroupValue
from audit_core.metrics.catalogue import CRITERIA
from audit_core.metrics.estimate import Measured, TooFew
from audit_core.metrics.regression_rows import change_of
from audit_core.report.escape import clip
from audit_core.report.numbers import count, level_words
from audit_core.report.people import group_words, subject_words
from audit_core.report.readings import Reading, group_figures, reading
from audit_core.report.sentences import bounds_text
from audit_core.report.words import lower_first, measure_name

LONGEST = 60


def watch_of(plan: Plan, watch_id: str) -> Watch | None:
    """Return the plan's watch of that id; an incident about the plan as a whole has none."""
    return next((watch for watch in plan.watches if watch.id == watch_id), None)


def watch_words(watch: Watch) -> str:
    """Return what a watch looks at: “true positive rate gap by gender”, “drift of age”."""
    if watch.check.metric == "psi":
        return f"drift of {clip(watch.feature, LONGEST) or 'any input'}"
    change = change_of(watch.check)
    compare = "difference" if change == "gap" else watch.check.compare or "none"
    what = measure_name(watch.check.metric, compare)
    what = lower_first(what)
    by = f" by {subject_words(watch.subject)}" if watch.subject else ""
    return f"increase of the {what}{by} since the release" if change else what + by


def limit_phrase(finding: Finding) -> str:
    """Return where a value beyond its limit lies: “over its limit of 10.0 pts”."""
    read = reading(finding)
    least, most = read.limits
    shown = read.figures
    if least is not None and most is not None:
        return f"outside its limits, {shown.text(least)} to {shown.text(most)}"
    if most is not None:
        return f"over its limit of {shown.text(most)}"
    return f"under its limit of {shown.text(least)}" if least is not None else "outside its limit"


def numbers_text(finding: Finding, level: Fraction) -> str:
    """Return both groups with their counts, the gap, its interval at `level` and its decision bounds."""
    read = reading(finding)
    if read.value is None:
        return "no number"
    ranges = "; ".join(part for part in (_interval(read, level), bounds_text(read)) if part)
    if finding.change is not None:
        return _change(read, ranges)
    amount = read.figures.text(read.value)
    if finding.compare not in ("difference", "ratio") or read.high is None or read.low is None:
        if read.low is None:
            return f"{amount}{_bracketed(ranges)}"
        n = f"n={count(read.low.denominator)}"
        behind = _bracketed("; ".join(part for part in (ranges, n) if part))
        return f"the group that decides is {group_words(read.low.group)}, {amount}{behind}"
    word = "a ratio of" if finding.compare == "ratio" else "a gap of"
    low, high = _group(read.low, read.metric), _group(read.high, read.metric)
    if read.low.group == read.high.group:
        high = "the same in every group compared"
    return f"{low}, {high}, {word} {amount}{_bracketed(ranges)}"


def _change(read: Reading, ranges: str) -> str:
    """A change since the release, with its ranges and the people of the groups that show it."""
    assert read.value is not None
    n = " and ".join(count(end.denominator) for end in (read.low, read.high) if end is not None)
    behind = "; ".join(part for part in (ranges, f"n={n}" if n else "") if part)
    whose = " of the rate before" if read.change == "risk" else ""
    return f"a change of {read.figures.signed(read.value)}{whose} ({behind})"


def accusing_text(finding: Finding) -> str:
    """Return the bound that shows a value to be beyond its limit, with its people, or ""."""
    read = reading(finding)
    least, most = read.limits
    shown = read.figures
    over = read.lower is not None and most is not None and read.lower > most
    under = read.upper is not None and least is not None and read.upper < least
    bound = f"at least {shown.text(read.lower)}" if over and read.lower is not None else ""
    if under and read.upper is not None:
        bound = f"at most {shown.text(read.upper)}"
    ends = {end.group: end.denominator for end in (finding.low, finding.high) if end is not None}
    return f"{bound} (n={' and '.join(map(count, ends.values()))})" if bound and ends else bound


def _bracketed(said: str) -> str:
    return f" ({said})" if said else ""


def _interval(read: Reading, level: Fraction) -> str:
    if read.interval is None:
        return ""
    shown, (low, high), sure = read.figures, read.interval, level_words(level)
    if high == float("inf"):
        return f"{sure} interval from {shown.bare(low)} upwards"
    return f"{sure} interval {shown.bare(low)} to {shown.bare(high)}"


def _group(value: GroupValue, metric: str) -> str:
    return f"{group_words(value.group)} {group_figures(metric, value)} (n={count(value.denominator)})"


def hidden_words(floor: int) -> str:
    """Return what is said in the place of numbers that stand on few people."""
    return f"Its numbers stand on a count under {floor} people and are not shown."


def told_of_few(finding: Finding, floor: int) -> bool:
    """Whether the numbers of a finding tell of one or more, but fewer than `floor` people."""
    ends = [end for end in (finding.high, finding.low) if end is not None and finding.metric != "psi"]
    return any(0 < few < floor for end in ends for few in _counts(end))


def told_by_subtraction(finding: Finding, followed: Followed) -> bool:
    """Whether sums over several windows could be subtracted to tell of few people in one of them.

    Where windows are added up, each judgement gains one and loses one: two of them tell what these held.
    """
    floor, metrics = followed.plan.privacy_floor, CRITERIA.get(finding.metric, (finding.metric,))
    if followed.plan.window.rolling == 1 or finding.metric == "psi":
        return False
    groups = {end.group for end in (finding.high, finding.low) if end is not None}
    told = [
        rate.estimate
        for rate in followed.rates
        if rate.metric in metrics and rate.subject == finding.subject and rate.group in groups
    ]
    counts = [one for one in told if isinstance(one, Measured | TooFew)]
    parts = [n for one in counts for n in (one.numerator, one.denominator - one.numerator, one.denominator)]
    return any(0 < n < floor for n in parts)


def _counts(end: GroupValue) -> tuple[int, ...]:
    if end.numerator is None:
        return (end.denominator,)
    return end.numerator, end.denominator - end.numerator, end.denominator

"""What a monitoring plan can and cannot see at these volumes, in words and as a table."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

from audit_core.decision.plan import Detection, Plan
from audit_core.report.escape import visible
from audit_core.report.numbers import count, counted, decimal
from audit_core.report.people import group_words
from audit_core.report.plan import EVERY, name
from audit_core.report.table_rows import NONE, Rows
from audit_core.report.watch_words import watch_of, watch_words
from audit_core.report.words import capital

MOSTLY, HALF = 0.8, 0.5
"""A change that at least eight of ten histories find is one the plan can see."""
READ_DETECTION = (
    "Each line is a change that was put into simulated histories of this release, at its own volumes. "
    "“Found” is in how many of 100 such histories the plan raised an alert in time; the median delay is how "
    "many windows it took half of those that did. Where nothing changes, an alert is a false alarm, unless "
    "the release itself was beyond the limit."
)
CHART_MARKS = (
    "The bar is either kind of alert, the circle a confirmed one, the diamond a trend; the numbers beside a "
    "bar are those of either."
)
NO_DETECTION = (
    "What this plan would find was not worked out: its volumes, or a gap to watch, are not known. That is "
    "itself something the plan cannot see."
)


def detection_rows(plan: Plan) -> Rows:
    """Return each simulated change with how often it is found, by which kind of alert and how late."""
    return [
        {
            "Change": capital(change_words(line, plan)),
            "In": watch_name(line.watch, plan),
            "Found": share_words(line.by_any),
            "By a confirmed alert": share_words(line.by_level),
            "By a trend alert": share_words(line.by_trend),
            "Median delay": delay_words(line),
            "Histories": count(line.replicates),
        }
        for line in plan.detection
    ]


def change_words(line: Detection, plan: Plan) -> str:
    """Return a change in words: “a step of 8 points”, “growth of 1 point a month”."""
    if line.kind == "none":
        return "nothing changes"
    amount = _amount(line.change)
    if line.kind == "step":
        return f"a step of {amount}"
    return f"growth of {amount} {EVERY[plan.window.unit].replace('every', 'a')}"


def _amount(change: Fraction) -> str:
    shown = _decimals(change * 100)
    return f"{shown} {'point' if shown == '1' else 'points'}"


def _decimals(value: Fraction) -> str:
    digits = next((d for d in range(3) if (value * 10**d).denominator == 1), 3)
    return decimal(value, digits)


def detection_sentence(plan: Plan) -> str:
    """Return the most important line read aloud: what would be found, how late, and what would be missed.

    Where the release raises alerts even if nothing changes, it is the trend alerts that tell of a change.
    """
    line = _told(plan)
    if line is None:
        return NO_DETECTION
    what, time, alarmed = watch_name(line.watch, plan), _time(plan), _alarmed(plan, line.watch)
    how = "raise a trend alert" if alarmed else "be found"
    said = f"{capital(change_words(line, plan))} in the {what} would {how} within {time} in "
    said += f"{share_words(_seen(line, plan))} histories{'' if alarmed else _half(line)}"
    smaller = _smaller(plan, line)
    if smaller is not None:
        said += f"; {change_words(smaller, plan)} in {share_words(_seen(smaller, plan))}"
    return f"{said}. {false_alarms(plan, line.watch)}".rstrip()


def false_alarms(plan: Plan, watch: str) -> str:
    """Return how often the plan alarms where nothing changes, or "" where that was not simulated."""
    line = _unchanged(plan, watch)
    if line is None:
        return ""
    said = (
        f"If nothing changes, {share_words(line.by_any)} histories raise an alert all the same within "
        f"{_time(plan)}: {share_words(line.by_level)} a confirmed one, {share_words(line.by_trend)} a "
        "trend alert."
    )
    beyond = (
        " Confirmed alerts are no false alarms here: at its release the gap lay at its limit or beyond it."
    )
    return said + (beyond if _alarmed(plan, watch) else "")


def precision_sentence(plan: Plan) -> str:
    """Return how exact the simulated shares are; "" where there are none.

    Formula: 1.96·√(¼/R), the widest half-interval of a share of R histories.
    """
    if not plan.detection:
        return ""
    fewest = min(line.replicates for line in plan.detection)
    give = math.ceil(196 * math.sqrt(0.25 / fewest))
    return (
        f"These are shares of {count(fewest)} simulated histories, drawn from the release’s own counts: "
        f"read each as give or take {give}."
    )


def cannot_see(plan: Plan) -> tuple[str, ...]:
    """Return what the plan cannot see, sentence by sentence."""
    return tuple(_blind(plan))


def _blind(plan: Plan) -> Iterator[str]:
    line = _told(plan)
    missed = _smaller(plan, line) if line is not None else None
    if line is not None and _seen(line, plan) < MOSTLY:
        missed = line
    if missed is not None:
        how = "raise no trend alert" if _alarmed(plan, missed.watch) else "be missed"
        yield (
            f"{capital(change_words(missed, plan))} in the {watch_name(missed.watch, plan)}, or a smaller "
            f"one: it would {how} in {share_words(1 - _seen(missed, plan))} histories."
        )
    rule = plan.window
    if rule.brings is not None and rule.least and rule.brings * rule.rolling < rule.needed:
        yield (
            f"“{group_words(rule.least)}” in a single judgement: it brings fewer people than the "
            f"{count(rule.needed)} the contract asks for, so it is never shown to be within the limit."
        )
    if any(watch.needs_labels for watch in plan.watches):
        yield (
            "Errors before outcomes are back: until then only inputs, decisions and estimates from the "
            f"scores are seen, for up to {counted(plan.labels.due_days, 'days')} after a window’s end."
        )
    yield (
        "Anything that is not on the list of watches: other groups, other inputs, combinations of groups, "
        "and what happens to people after the decision."
    )
    yield "A fault of the outcomes themselves: every error rate inherits how they were recorded."


def _told(plan: Plan) -> Detection | None:
    """The smallest step that is mostly found of the first watch that was simulated; else its largest."""
    paging = [watch.id for watch in plan.watches if watch.confirmed == "page"]
    order = [w for w in paging if any(d.watch == w for d in plan.detection)]
    first = order[0] if order else plan.detection[0].watch if plan.detection else ""
    steps = _steps(plan, first)
    return next((d for d in steps if _seen(d, plan) >= MOSTLY), steps[-1] if steps else None)


def _alarmed(plan: Plan, watch: str) -> bool:
    """Whether most histories raise a confirmed alert although nothing changes."""
    line = _unchanged(plan, watch)
    return line is not None and line.by_level > HALF


def _seen(line: Detection, plan: Plan) -> float:
    """Share of histories in which a change is told apart from none."""
    return line.by_trend if _alarmed(plan, line.watch) else line.by_any


def _unchanged(plan: Plan, watch: str) -> Detection | None:
    return next((d for d in plan.detection if d.watch == watch and d.kind == "none"), None)


def _smaller(plan: Plan, line: Detection) -> Detection | None:
    """The next smaller step of the same watch."""
    return next((d for d in reversed(_steps(plan, line.watch)) if d.change < line.change), None)


def _steps(plan: Plan, watch: str) -> list[Detection]:
    found = [d for d in plan.detection if d.watch == watch and d.kind == "step"]
    return sorted(found, key=lambda line: line.change)


def watch_name(watch_id: str, plan: Plan) -> str:
    """Return what a watch looks at, by its id."""
    watch = watch_of(plan, watch_id)
    return visible(watch_words(watch)) if watch else name(watch_id)


def share_words(share: float) -> str:
    """Return a share of histories as “94 of 100”; nearly none and nearly all are told from none and all."""
    if 0 < share < 0.01:
        return "under 1 of 100"
    if 0.99 < share < 1:
        return "over 99 of 100"
    return f"{decimal(share * 100, 0)} of 100"


def _half(line: Detection) -> str:
    if line.median_windows is None:
        return ""
    return f", half of them within {_windows(line.median_windows)}"


def delay_words(line: Detection) -> str:
    """Return the median delay in words: “2 windows”."""
    return NONE if line.median_windows is None else _windows(line.median_windows)


def _windows(number: float) -> str:
    shown = decimal(number, 0 if number == int(number) else 1)
    return f"{shown} {'window' if shown == '1' else 'windows'}"


def _time(plan: Plan) -> str:
    """How long the histories were."""
    windows, unit = plan.trend.horizon, plan.window.unit
    return {"day": counted(windows, "days"), "week": counted(windows, "weeks")}.get(
        unit, "six months" if windows == 6 else counted(windows, "months")
    )

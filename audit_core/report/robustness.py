"""What a verdict hangs on, in words and as tables."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from audit_core.contract.schema import Check
from audit_core.cube.count_cube import Group
from audit_core.decision.alternatives import Alternative, Kind, Target, hinge
from audit_core.decision.record import Audit
from audit_core.decision.robustness import MapCell, Robustness, RobustnessMap
from audit_core.report.limits import check_of, limit_unit
from audit_core.report.numbers import counted, decimal, figures, level_words
from audit_core.report.people import group_words, subject_words
from audit_core.report.readings import reading, unit_of
from audit_core.report.table_of_checks import sizes_text
from audit_core.report.table_rows import NONE, RESULT, Rows
from audit_core.report.words import (
    VERDICT_MARKS,
    Mark,
    capital,
    mark_of,
    measure_name,
    status_word,
    verdict_word,
)

KIND_WORDS: dict[Kind, str] = {
    "limit": "Limit of a check",
    "threshold": "Threshold of the score",
    "support": "Minimum support",
    "level": "Confidence level",
    "fail_rule": "Fail rule",
    "comparison": "Compare with one group only",
}
_RULES = {
    "point": "a value outside the limit fails at once",
    "confirmed": "a value outside the limit fails only when chance is ruled out",
}
GRID = (
    "The alternatives looked at: each limit 1, 2, 3, 5, 7 and 10 points up and down; one threshold for "
    "everybody 1, 2, 5 and 10 score bands up and down; half and double the minimum support; the other two of "
    "the levels 90, 95 and 99 %; the other fail rule; each group as the only one that others are compared "
    "with, for rates. Each changes one choice and leaves the rest of the contract as it is."
)
NEAREST = (
    "The nearest change is the one fewest steps away in its own list; the choices without a scale count as "
    "far as three points of a limit."
)
DISPLAY_ONLY = (
    "The reference group named in the contract changes no finding: it is for display, and every pair of "
    "groups is judged. This was worked out by naming others."
)
NOT_DISPLAY_ONLY = "Naming another reference group in the contract would change a finding."


def hinge_sentence(audit: Audit, found: Robustness) -> str:
    """Return the one choice on which the verdict hangs, or that no single one does."""
    word = verdict_word(audit.decision.verdict, audit.stages)
    many = len(found.looked_at)
    if found.hinge is None:
        return (
            f"No single one of the {counted(many, 'alternatives')} looked at changes the verdict, “{word}”."
        )
    then = verdict_word(found.hinge.verdict, audit.stages)
    return (
        f"The verdict hangs on {_what(found.hinge, audit)}: {_change(found.hinge, audit)} it would be "
        f"“{then}” instead of “{word}”. {_others(found.looked_at, audit)}"
    )


def check_hinge_sentence(audit: Audit, found: Robustness, target: Target) -> str:
    """Return the smallest single change that gives one check another result."""
    mine, near = audit.finding(*target), hinge(audit, found.looked_at, target)
    assert mine is not None
    name = check_words(audit, target)
    if near is None:
        return (
            f"{name}: no single one of the alternatives looked at changes its result, “{status_word(mine)}”."
        )
    then = near.finding(target)
    assert then is not None
    hangs_on = "its limit" if near.kind == "limit" else _what(near, audit)
    return (
        f"{name}: its result hangs on {hangs_on}. {capital(_change(near, audit))} it would be "
        f"“{status_word(then)}” instead of “{status_word(mine)}”."
    )


def check_words(audit: Audit, target: Target) -> str:
    """Return a check in the words of what it measures: “True positive rate gap by gender”."""
    finding = audit.finding(*target)
    what = measure_name(finding.metric, finding.compare) if finding else target[0]
    return f"{what} by {subject_words(target[1])}"


def kind_rows(audit: Audit, found: Robustness, target: Target) -> Rows:
    """Return one row per kind of choice: how many alternatives change the verdict, and how many one check."""
    rows = []
    for kind, word in KIND_WORDS.items():
        mine = [a for a in found.looked_at if a.kind == kind]
        near, check = hinge(audit, mine), hinge(audit, mine, target)
        then = check.finding(target) if check else None
        rows.append(
            {
                "Choice": word,
                "Alternatives": str(len(mine)),
                "Change the verdict": _changed(audit, mine, None),
                "The nearest that does": f"{_short(near, audit)}: {verdict_word(near.verdict, audit.stages)}"
                if near
                else NONE,
                "Change this check": _changed(audit, mine, target),
                "The nearest for it": f"{_short(check, audit)}: {status_word(then)}"
                if check and then
                else NONE,
            }
        )
    return rows


def _changed(audit: Audit, found: Sequence[Alternative], target: Target | None) -> str:
    """How many alternatives change the verdict, or one check; a dash where there are none to count."""
    return str(sum(hinge(audit, [a], target) is not None for a in found)) if found else NONE


def _short(choice: Alternative, audit: Audit) -> str:
    """A change on its own: which limit, and what it is."""
    said = _change(choice, audit).rstrip(",")
    return f"{choice.check}, {said}" if choice.kind == "limit" else capital(said)


def map_rows(found: RobustnessMap, audit: Audit, *, verdict: bool) -> Rows:
    """Return the map as a table: a row for each limit, a column for each threshold."""
    rows = []
    for limit in found.limits:
        row = {"Limit": limit_text(found, limit, audit)}
        for place, cell in enumerate(c for c in found.cells if c.limit == limit):
            row[threshold_text(found, place)] = cell_word(cell, audit, verdict=verdict)
        rows.append(row)
    return rows


def own_rows(found: RobustnessMap) -> Rows:
    """Return what the check found at each threshold, whatever the limit."""
    rows = []
    for place, cell in enumerate(c for c in found.cells if c.limit == found.limit):
        read = reading(cell.finding)
        bounds = [f"at least {read.figures.bare(read.lower)}" if read.lower is not None else ""]
        bounds.append(f"at most {read.figures.bare(read.upper)}" if read.upper is not None else "")
        rows.append(
            {
                "Threshold": threshold_text(found, place),
                RESULT: status_word(cell.finding),
                "Found": read.amount or NONE,
                "Bounds": ", ".join(bound for bound in bounds if bound) or NONE,
                "Counts": sizes_text(cell.finding) or NONE,
            }
        )
    return rows


def cell_mark(cell: MapCell, *, verdict: bool) -> Mark:
    """Return the mark of a cell."""
    return VERDICT_MARKS[cell.verdict] if verdict else mark_of(cell.finding)


def cell_word(cell: MapCell, audit: Audit, *, verdict: bool) -> str:
    """Return the word of a cell: the verdict's, or the check's."""
    return verdict_word(cell.verdict, audit.stages) if verdict else status_word(cell.finding)


def limit_text(found: RobustnessMap, limit: Fraction, audit: Audit) -> str:
    """Return a limit in its unit, the contract's own marked."""
    mine = " (contract)" if limit == found.limit else ""
    return _limit(audit, found.target[0], limit) + mine


def threshold_text(found: RobustnessMap, place: int) -> str:
    """Return a threshold on the score's scale, production's own marked."""
    value = found.thresholds[place]
    if place == found.own:
        return f"{_number(value)} (production)" if value is not None else "as in production"
    return _number(value or 0.0)


def _what(choice: Alternative, audit: Audit) -> str:
    if choice.kind == "limit":
        check = check_of(audit.contract, choice.check)
        what = measure_name(check.metric, check.compare or "none") if check else choice.check
        return f"the limit of “{choice.check}” ({what})"
    return {
        "threshold": "the threshold of the score",
        "support": "the minimum support",
        "level": "the confidence level",
        "fail_rule": "the fail rule",
        "comparison": f"comparing every pair of groups of {subject_words(choice.subject)}",
    }[choice.kind]


def _change(choice: Alternative, audit: Audit) -> str:
    """The change with its numbers, as the start of a sentence: “at 16.0 pts instead of 10.0 pts”."""
    now, was = choice.now, choice.was
    if choice.kind == "limit":
        assert isinstance(now, Fraction) and isinstance(was, Fraction)
        return f"at {_limit(audit, choice.check, now)} instead of {_limit(audit, choice.check, was)}"
    if choice.kind == "threshold":
        assert isinstance(now, Fraction)
        before = _number(float(was)) if isinstance(was, Fraction) else "production's decisions"
        return f"at {_number(float(now))} instead of {before}"
    if choice.kind == "support":
        return "with half of it" if now == Fraction(1, 2) else "with twice as much"
    if choice.kind == "level":
        assert isinstance(now, Fraction) and isinstance(was, Fraction)
        return f"at {level_words(now)} instead of {level_words(was)}"
    if choice.kind == "fail_rule":
        return f"if {_RULES[str(now)]},"
    return f"with {_group(now)} as the only group that others are compared with,"


def _others(found: Sequence[Alternative], audit: Audit) -> str:
    """How many of all alternatives change the verdict."""
    changed = sum(a.verdict != audit.decision.verdict for a in found)
    if changed == 1:
        return f"It is the only one of the {counted(len(found), 'alternatives')} looked at that changes it."
    return (
        f"It is the nearest of {changed} that change it, of {counted(len(found), 'alternatives')} looked at."
    )


def _limit(audit: Audit, check_id: str, limit: Fraction) -> str:
    check: Check | None = check_of(audit.contract, check_id)
    unit = limit_unit(check) if check else unit_of("tpr", "difference")
    return figures(unit, (), ()).text(limit)


def _group(now: Fraction | str | Group) -> str:
    return group_words(now) if isinstance(now, tuple) else str(now)


def _number(value: float) -> str:
    return decimal(value, 2) if abs(value * 100 - round(value * 100)) < 1e-9 else decimal(value, 4)

"""How many more people it would take, in words: which groups, rows and weeks, on what terms."""

from __future__ import annotations

from audit_core.findings.finding import Aim, GroupNeed, Needs
from audit_core.report.numbers import count, counted, decimal, ratio
from audit_core.report.people import People, group_words

MOST_GROUPS, MOST_IN_SUMMARY = 3, 2
UNDATED = {
    "no_window": "no window column, so no weeks",
    "not_dates": "the windows are no dates, so no weeks",
    "under_a_week": "the windows cover less than a week, so no weeks",
}
"""Why a plan has no weeks."""

LEADS: dict[Aim, str] = {
    "within": "To decide, about",
    "confirm": "To confirm it, about",
    "minimum": "To be judged at all,",
}
HOW_TO_READ_NEEDS = (
    "About 80 of 100 samples of the size named would decide, if the true value is the one assumed. "
    "More people settle the question; they may settle it either way. Every group named needs its own number. "
    "Rows are worked out at each group's present share of the people counted, weeks at the group's own "
    "rows a week over the windows of this file."
)


def needs_sentence(needs: Needs | None, people: People | None = None) -> str:
    """Return how many more people it would take to decide, or "".

    `people` are the contract's own words for who is counted, for readers who know no positives.
    """
    if needs is None:
        return ""
    lead = LEADS[needs.aim]
    unit = _unit(needs, people)
    whose = "from" if people is not None and needs.unit != "rows" else "of"
    most = MOST_GROUPS if people is None else MOST_IN_SUMMARY
    shown = [
        _group(need, needs, unit if place == 0 else "", whose)
        for place, need in enumerate(needs.groups[:most])
    ]
    rest = len(needs.groups) - len(shown)
    if rest:
        shown.append(f"more {whose} {counted(rest, 'other groups')}")
    listed = ", ".join(shown[:-1]) + " and " + shown[-1] if len(shown) > 1 else shown[0]
    verb = "is" if needs.more == 1 and len(shown) == 1 else "are"
    alone = "" if needs.alone or len(needs.groups) == 1 else " More of one group alone cannot decide it."
    terms = assumption(needs) if needs.aim != "minimum" else ""
    return f"{lead} {listed} {verb} needed{', ' + terms if terms else ''}.{alone}"


def short_needs(needs: Needs) -> str:
    """Return the same for a narrow column: “141 more positives of nonbinary, 20 of man”."""
    named = [
        f"{counted(need.more, f'more {needs.unit}') if place == 0 else count(need.more)} of "
        f"{group_words(need.group)}"
        for place, need in enumerate(needs.groups[:2])
    ]
    rest = len(needs.groups) - len(named)
    text = ", ".join(named) + (f" and {counted(rest, 'more groups')}" if rest else "")
    return text + (f" ({counted(needs.weeks, 'weeks')})" if needs.weeks is not None else "")


def brief_needs(needs: Needs) -> str:
    """Return the same for a cell of a table, with what is assumed."""
    text = short_needs(needs)
    if needs.aim == "minimum":
        return text
    lead = "To confirm it, about" if needs.aim == "confirm" else "About"
    return f"{lead} {text}, {assumption(needs)}"


def assumption(needs: Needs) -> str:
    """Return what is assumed to be true: “if the true gap is 0”."""
    if needs.aim == "minimum":
        return "the fewest it can be judged on"
    if needs.of in ("change", "risk"):
        if needs.assumed == 0:
            return "if nothing has truly changed"
        if needs.of == "risk":
            return f"if the true rise is the {decimal(needs.assumed * 100, 1)} % measured"
        return f"if the true change is the {decimal(needs.assumed * 100, 1)} pts measured"
    if needs.of == "rate":
        return "if the true rate is the one measured"
    name = "ratio" if needs.of == "ratio" else "gap"
    nothing = 1 if needs.of == "ratio" else 0
    if needs.assumed == nothing:
        return f"if the true {name} is {nothing}"
    return f"if the true {name} is the {_amount(needs)} measured"


def _amount(needs: Needs) -> str:
    if needs.of in ("ratio", "area"):
        return ratio(needs.assumed)
    return f"{decimal(needs.assumed * 100, 1)} pts"


def _unit(needs: Needs, people: People | None) -> str:
    if people is None or needs.unit == "rows":
        return needs.unit
    return people.positives if needs.unit == "positives" else people.negatives


def _group(need: GroupNeed, needs: Needs, unit: str, whose: str) -> str:
    """“141 more positives of nonbinary (about 290 rows, 16 weeks)”."""
    more = count(need.more)
    if unit:
        more = counted(need.more, f"more {unit}") if unit == needs.unit else f"{more} more {unit}"
    rows = counted(need.rows, "rows") if need.rows is not None and needs.unit != "rows" else ""
    weeks = counted(need.weeks, "weeks") if need.weeks is not None else ""
    said = ", ".join(part for part in (rows, weeks) if part)
    return f"{more} {whose} {group_words(need.group)}" + (f" (about {said})" if said else "")

"""The linter's warnings as sentences: what chance does to a check, and what it would need instead."""

from __future__ import annotations

from collections.abc import Iterable

from audit_core.findings.lint import Caution
from audit_core.findings.plans import POWER_WORDS
from audit_core.report.numbers import count, counted, percent
from audit_core.report.people import subject_words
from audit_core.report.words import metric_name, names_text

LEAST_SHOWN = 0.001


def lint_lines(cautions: Iterable[Caution], name: str) -> list[str]:
    """Return one `file:line: warning check: …` per warning, in the order of the text."""
    return [f"{name}:{c.line}: warning {c.check}: {caution_sentence(c)}" for c in cautions]


def caution_sentence(caution: Caution) -> str:
    """Return a warning with its figures and its remedy in numbers, without the name of its check."""
    words = {
        "never_within": _never_within,
        "never_outside": _never_outside,
        "too_narrow": _too_narrow,
        "out_of_reach": _out_of_reach,
        "left_to_chance": _left_to_chance,
    }
    return words[caution.code](caution)


def _what(caution: Caution) -> str:
    subjects = [subject_words(subject) for subject in caution.subjects if subject]
    return metric_name(caution.metric) + (f" by {names_text(subjects)}" if subjects else "")


def _never_within(caution: Caution) -> str:
    return (
        f"{_what(caution)} can never be shown to be within this limit, with any number of people. "
        "Write a limit that leaves room for chance."
    )


def _never_outside(caution: Caution) -> str:
    return (
        f"{_what(caution)} is within this limit whatever the data say, so the check decides nothing. "
        "Write a limit that a measured value can be outside of."
    )


def _too_narrow(caution: Caution) -> str:
    return (
        f"{_what(caution)}: no group with the minimum of {_minimum(caution)} can be shown to lie between "
        "these limits, whatever its rate. Widen the limits or raise the minimum."
    )


def _out_of_reach(caution: Caution) -> str:
    hold = "holds" if len(caution.names) == 1 else "hold"
    return (
        f"{_what(caution)}: {names_text(caution.names)} {hold} fewer rows in this file than the minimum of "
        f"{_minimum(caution)}, so the check cannot be decided on it. Collect more, or say in the contract "
        "which groups are required."
    )


def _left_to_chance(caution: Caution) -> str:
    if caution.groups == 1:
        return _one_group(caution)
    first, *more = caution.odds
    assumed = "" if caution.counted else " (the fewest there can be)"
    others = "".join(
        f"; at {percent(odds.rate or 0, 0)} in {_share(odds.within)} and {_share(odds.outside)}"
        for odds in more
    )
    return (
        f"{_what(caution)}: {_needs(caution)} in each of {count(caution.groups)} groups{assumed}; the "
        f"contract's minimum is {count(caution.minimum)}. With that minimum, groups that are truly equal are "
        f"shown to be within the limit in {_share(first.within)} of samples and measured outside it in "
        f"{_share(first.outside)}{_terms(caution)}{others}."
    )


def _one_group(caution: Caution) -> str:
    (odds,) = caution.odds
    return (
        f"{_what(caution)}: {_needs(caution)} in each group; the contract's minimum is "
        f"{count(caution.minimum)}. With that minimum, a group is shown to be within the limits in "
        f"{_share(odds.within)} of samples{_terms(caution)}."
    )


def _needs(caution: Caution) -> str:
    """“to decide in 80 % of samples it needs about 429 positives (219 at a rate of 85 %)”."""
    first, *more = caution.odds
    if first.needed is None:
        return "no number of people is known to decide it"
    others = [
        f"{count(odds.needed)} at a rate of {percent(odds.rate or 0, 0)}"
        for odds in more
        if odds.needed is not None
    ]
    extra = f" ({', '.join(others)})" if others else ""
    return (
        f"to decide in {POWER_WORDS} of samples it needs about {counted(first.needed, caution.unit)}{extra}"
    )


def _terms(caution: Caution) -> str:
    """The rate or spread that the first figures stand for."""
    first = caution.odds[0]
    if first.rate is None:
        spread = "the spread measured" if caution.measured else "a usual spread of scores"
        return f" (at {spread})"
    if caution.measured:
        return f" (at the {percent(first.rate)} measured)"
    return f" (at a rate of {percent(first.rate, 0)})"


def _share(chance: float) -> str:
    if 0 < chance < LEAST_SHOWN:
        return "under 0.1 %"
    return percent(chance)


def _minimum(caution: Caution) -> str:
    return counted(caution.minimum, caution.unit)

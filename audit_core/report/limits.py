"""What a check asks, in words."""

from __future__ import annotations

from fractions import Fraction

from audit_core.contract.schema import Check, ReleaseContract
from audit_core.metrics.regression_rows import change_of
from audit_core.report.numbers import PERCENT, POINTS, Figures, Unit, chance_words, figures
from audit_core.report.people import subject_words
from audit_core.report.readings import unit_of
from audit_core.report.words import change_name, measure_name


def check_of(contract: ReleaseContract, check_id: str) -> Check | None:
    """Return the contract's check of that id."""
    return next((check for check in contract.checks if check.id == check_id), None)


def check_words(check: Check) -> str:
    """Return what a check asks, in words: “True positive rate gap by gender: at most 10.0 pts”."""
    change = change_of(check)
    what = measure_name(check.metric, check.compare or "none")
    if change is not None:
        what = change_name(check.metric, change)
    if check.of:
        what += " by " + ", ".join(subject_words(subject) for subject in check.of)
    limit = limit_words(check)
    return f"{what}: {limit}" if limit else what


def limit_words(check: Check) -> str:
    """Return the limit of a check in words: “at most 10.0 pts”, or "" where it has none."""
    limit, unit = check.limit, unit_of(check.metric, check.compare or "none")
    if limit.max_increase is not None:
        return f"at most {_text(POINTS, limit.max_increase)} more than in the approved model"
    if limit.max_relative_increase is not None:
        return f"at most {_text(PERCENT, limit.max_relative_increase)} above the approved model"
    if limit.min is not None and limit.max is not None:
        return f"{_text(unit, limit.min)} to {_text(unit, limit.max)}"
    if limit.max is not None:
        return f"at most {_text(unit, limit.max)}"
    return f"at least {_text(unit, limit.min)}" if limit.min is not None else ""


def warn_words(check: Check) -> str:
    """Return the warning of a check in words: “warns at 8.0 pts”, or ""."""
    if check.limit.warn is None:
        return ""
    return f"warns at {_text(limit_unit(check), check.limit.warn)}"


def limit_unit(check: Check) -> Unit:
    """Return the unit of a check's limit."""
    if check.limit.max_increase is not None:
        return POINTS
    if check.limit.max_relative_increase is not None:
        return PERCENT
    return unit_of(check.metric, check.compare or "none")


def chance_sentence(chance: float | None) -> str:
    """Return how often chance alone gives a gap this large, or "" where that is not known."""
    if chance is None:
        return ""
    return (
        "If all these groups truly had the same rate, "
        f"a gap at least this large would still arise {chance_words(chance)} of this size."
    )


def _text(unit: Unit, value: Fraction) -> str:
    """A limit at the digits it was written with, where the unit's own would round it."""
    shown: Figures = figures(unit)
    digits = shown.digits
    while digits < 12 and (value * unit.scale * 10**digits).denominator != 1:
        digits += 1
    return Figures(unit=unit, digits=digits).text(value)

"""Where a plan asks for less than its contract, in words and as records."""

from __future__ import annotations

from fractions import Fraction

from audit_core.decision.followed import Followed, Looser
from audit_core.report.escape import for_json
from audit_core.report.numbers import counted, decimal
from audit_core.report.watch_words import watch_words
from audit_core.report.words import capital

_LIMITS = {
    "max": "limit",
    "min": "limit",
    "warn": "warning",
    "max_increase": "limit of the increase",
    "max_relative_increase": "limit of the relative increase",
    "floor": "smallest change that counts",
}
_ALERTS = {
    "confirmed": "alert outside the limit, confirmed:",
    "unconfirmed": "alert outside the limit, not confirmed:",
    "warning": "alert past the warning:",
}
_MOST_DIGITS = 6


def looser_sentences(followed: Followed, most: int = 8) -> tuple[str, ...]:
    """Return a sentence for each term that is weaker than by the contract; of many, the first ones."""
    said = tuple(_sentence(found) for found in followed.looser)
    if len(said) <= most:
        return said
    more = counted(len(said) - most, "more terms")
    return (*said[:most], f"{more} of the plan ask for less than the contract.")


def looser_json(found: Looser) -> dict[str, object]:
    """Return one weaker term as plain values for a result file."""
    return {
        "watch": for_json(found.watch.id),
        "term": found.term,
        "plan": float(found.planned) if isinstance(found.planned, Fraction) else found.planned,
        "contract": float(found.made) if isinstance(found.made, Fraction) else found.made,
        "sentence": for_json(_sentence(found)),
    }


def _sentence(found: Looser) -> str:
    what = capital(watch_words(found.watch))
    if found.term == "watch":
        return f"{what}: not watched by the plan, watched by the contract."
    if found.term == "confirm":
        return (
            f"{what}: confirmed after {found.planned} windows in a row in the plan, "
            f"{found.made} in the contract."
        )
    term = _LIMITS.get(found.term) or _ALERTS[found.term]
    return f"{what}: {term} {_value(found.planned)} in the plan, {_value(found.made)} in the contract."


def _value(value: Fraction | str | None) -> str:
    """A number as the contract writes it, in at least two digits; “none” for what is not there."""
    if not isinstance(value, Fraction):
        return value or "none"
    digits = 2
    while digits < _MOST_DIGITS and (value * 10**digits).denominator != 1:
        digits += 1
    return decimal(value, digits)

"""A rate in a cell of a table: its number, interval and counts, or what stands where there is none."""

from __future__ import annotations

from audit_core.metrics.estimate import Estimate, Measured, Suppressed, TooFew
from audit_core.report.numbers import count, percent
from audit_core.report.table_rows import NONE
from audit_core.report.words import WITHHELD


def rate_text(found: Estimate) -> str:
    """Return a rate in percent, or why there is none."""
    if isinstance(found, Measured | TooFew):
        return percent(found.value)
    return WITHHELD if isinstance(found, Suppressed) else "undefined"


def interval_text(found: Estimate) -> str:
    """Return both ends of a rate's interval in percent."""
    return f"{percent(found.low)} to {percent(found.high)}" if isinstance(found, Measured | TooFew) else NONE


def counts_text(found: Estimate) -> str:
    """Return a rate as its two counts."""
    if not isinstance(found, Measured | TooFew):
        return NONE
    return f"{count(found.numerator)} of {count(found.denominator)}"

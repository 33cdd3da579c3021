"""Tables beside the charts of scores and errors: slope, ranking between groups, errors, exposure."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from audit_core.contract.schema import Subject
from audit_core.decision.record import Audit
from audit_core.metrics.estimate import Undefined
from audit_core.metrics.intervals import Interval
from audit_core.metrics.measurements import CalibrationRow
from audit_core.metrics.ranking import Auc, BetweenGroups
from audit_core.metrics.recalibration import HosmerLemeshow, Recalibration
from audit_core.report.numbers import chance_words, count, counted, decimal
from audit_core.report.people import group_words
from audit_core.report.table_rows import NONE, Rows


def fit_rows(rows: Sequence[CalibrationRow]) -> Rows:
    """Return one row per group: slope and intercept with their ranges, and the tests that decide nothing."""
    return [
        {
            "Group": group_words(row.group),
            "People": count(line.n) if isinstance(line, Recalibration) else NONE,
            "Slope": _ranged(line.slope, line.slope_interval)
            if isinstance(line, Recalibration)
            else f"none: {line.reason}",
            "Intercept": _ranged(line.intercept, line.intercept_interval)
            if isinstance(line, Recalibration)
            else NONE,
            "Smooth ECE": decimal(row.fit.smooth_ece, 3) if row.fit.smooth_ece is not None else NONE,
            "Hosmer–Lemeshow": _statistic(row.fit.hosmer_lemeshow),
            "As large without any fault": _chance(row.fit.hosmer_lemeshow),
        }
        for row in rows
        if row.fit is not None
        for line in (row.fit.recalibration,)
    ]


def _statistic(found: HosmerLemeshow | Undefined) -> str:
    if isinstance(found, Undefined):
        return NONE
    return f"{decimal(found.statistic, 2)} on {counted(found.df, 'bands')}"


def _chance(found: HosmerLemeshow | Undefined) -> str:
    return NONE if isinstance(found, Undefined) else chance_words(found.p)


def between_of(audit: Audit, subject: Subject) -> BetweenGroups | None:
    """Return how the groups of a single attribute rank against each other, if that was counted."""
    found = (b for b in audit.measurements.between if (b.attribute,) == subject)
    return next(found, None)


def between_rows(found: BetweenGroups) -> Rows:
    """Return one row per ordered pair of groups: how often the positive is scored above the negative."""
    return [
        {
            "Positive outcome from": group_words((first,)),
            "Negative outcome from": group_words((second,)),
            "Ranked right": _area(area),
            "Pairs of": _pairs(area),
        }
        for first, second, area in found.areas
    ]


def background_rows(found: BetweenGroups) -> Rows:
    """Return one row per group: its AUC, and its positives and negatives against everybody else's."""
    return [
        {
            "Group": group_words((group,)),
            "AUC inside the group": _area(found.within(group)),
            "Its positives above others’ negatives (BNSP)": _area(bnsp),
            "Others’ positives above its negatives (BPSN)": _area(bpsn),
        }
        for group, bpsn, bnsp in found.backgrounds
    ]


def _area(area: Auc | None) -> str:
    return NONE if area is None else _ranged(area.value, Interval(area.low, area.high), digits=3)


def _pairs(area: Auc | None) -> str:
    if area is None:
        return NONE
    return f"{counted(area.positives, 'positives')}, {counted(area.negatives, 'negatives')}"


def treatment_rows(audit: Audit, subject: Subject) -> Rows:
    """Return one row per group: wrong no's, wrong yes's and the one per the other (treatment equality)."""
    return [
        {
            "Group": group_words(found.group),
            "Wrongly not selected": count(found.fn),
            "Wrongly selected": count(found.fp),
            "The first per the second": NONE if found.ratio is None else decimal(found.ratio, 2),
            "Interval": _span(found.interval) if found.interval is not None else NONE,
        }
        for row in audit.measurements.treatment
        if row.subject == subject
        for found in (row.equality,)
    ]


def exposure_rows(audit: Audit, subject: Subject) -> Rows:
    """Return one row per group: how high it stands when everybody is listed by score."""
    return [
        {
            "Group": group_words(found.group),
            "People": count(found.rows),
            "Mean exposure": decimal(found.mean, 4),
            "Interval (approximate)": _span(found.interval, digits=4),
            "Exposure per positive": NONE if found.per_merit is None else decimal(found.per_merit, 4),
            "Positives": count(found.relevant),
        }
        for name, found in audit.measurements.exposure
        if name == subject
    ]


def _ranged(value: float, interval: Interval, digits: int = 2) -> str:
    return f"{decimal(value, digits)} ({_span(interval, digits)})"


def _span(interval: Interval, digits: int = 2) -> str:
    low, high = interval
    if not isfinite(high):
        return f"from {decimal(low, digits)} upwards" if isfinite(low) else "not known"
    return f"{decimal(low, digits)} to {decimal(high, digits)}"

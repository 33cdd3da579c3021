"""The published part of a result: what a bundle shows to readers outside the workspace, as canonical JSON.

It lists what it holds, key by key: a part of the analyst's result that is not named here stays inside.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from audit_core.contract.schema import Subject
from audit_core.cube.published import STEPS, PublishedCell
from audit_core.decision.record import Audit
from audit_core.metrics.calibration import Band, GroupCalibration
from audit_core.metrics.catalogue import RATES
from audit_core.metrics.estimate import Estimate, Measured, Suppressed, TooFew, Undefined
from audit_core.metrics.measurements import CalibrationRow, SubjectGap
from audit_core.report.published import published
from audit_core.report.published_drift import published_drift
from audit_core.report.published_regression import published_regression
from audit_core.report.release import SMALL_COUNT, SMALL_GROUP, masks_of
from audit_core.report.result import canonical, contract_part, decision_part, source_part
from audit_core.report.result_findings import encode_finding, encode_requirement
from audit_core.report.result_measures import encode_estimate, encode_gap
from audit_core.report.result_numbers import number, words
from audit_core.report.withheld import PublishedAudit, WithheldFinding, privacy_note

PUBLISHED_SCHEMA = "evenhand/audit-published/v1"
ROUNDED = "privacy: rounded to five points, since the exact count would tell of fewer people than the floor"
_DIGITS = 3
"""Decimals of a figure that is made of many rows: too few to try out which small counts would give it."""


def published_result(audit: Audit) -> dict[str, Any]:
    """Return the published part of an audit's result as plain values.

    Guarantee: no linear combination of its counts gives a hidden one; no row, no id, no band or bin below the
    floor; `too_few` and `suppressed` rates are there without a number.
    """
    shown = published(audit)
    return {
        "schema": PUBLISHED_SCHEMA,
        "audit_id": shown.id,
        "created_at": shown.created_at,
        "tool": {"name": "evenhand", "version": shown.tool_version},
        "privacy": {
            "floor": shown.release.floor,
            "suppressed": bool(shown.release.mask),
            "sentence": privacy_note(shown) or None,
        },
        "contract": contract_part(shown),
        "decision": decision_part(shown),
        "sources": [source_part(source) for source in shown.sources],
        "groups": list(_groups(shown)),
        "rates": list(_rates(shown)),
        "gaps": [_gap(gap, shown) for gap in audit.measurements.gaps],
        "calibration": [_calibration(row, shown) for row in audit.measurements.calibration],
        "drift": published_drift(audit.measurements.drift, shown.release),
        "regression": published_regression(audit, shown.measurements),
        "requirements": [encode_requirement(state) for state in shown.requirements],
        "findings": [encode_finding(finding, shown) | _privacy(finding) for finding in shown.findings],
    }


def published_result_bytes(audit: Audit) -> bytes:
    """Return the published part as RFC 8785 canonical JSON, the same bytes for the same audit."""
    return canonical(published_result(audit))


def _privacy(finding: object) -> dict[str, Any]:
    return {"privacy": "suppressed" if isinstance(finding, WithheldFinding) else "shown"}


def _named(subject: Subject, cell: PublishedCell) -> dict[str, Any]:
    return {"attribute": list(subject), "group": words(cell.group)}


def _groups(audit: PublishedAudit) -> Iterator[dict[str, Any]]:
    """Every group of every table with its people; groups that hold nobody are hidden like small ones."""
    status = {"counts": "shown", "part": "shown_in_part", "hidden": "suppressed"}
    for table in audit.release.tables:
        for cell in table.cells:
            yield _named(table.subject, cell) | {"people": cell.people, "status": status[cell.shown]}


def _rates(audit: PublishedAudit) -> Iterator[dict[str, Any]]:
    known = {(r.subject, r.group, r.metric): r.estimate for r in audit.measurements.rates}
    for table in audit.release.tables:
        for cell in table.cells:
            for metric in RATES:
                found = known.get((table.subject, cell.group, metric), Suppressed(reason=SMALL_GROUP))
                yield _named(table.subject, cell) | {"metric": metric} | _estimate(found, cell, metric)


def _estimate(found: Estimate, cell: PublishedCell, metric: str) -> dict[str, Any]:
    """A rate: exact, rounded, or why there is none. One on too few people is no number to repeat."""
    rounded = cell.rounded_rate(metric)
    if isinstance(found, Suppressed) and rounded is not None:
        empty = encode_estimate(Suppressed(reason=ROUNDED))
        return empty | {"status": "rounded", "value": number(rounded)}
    if isinstance(found, TooFew):
        empty = encode_estimate(Undefined(reason="fewer than required"))
        return empty | {"status": "too_few", "required": found.required}
    return encode_estimate(found)


def _gap(gap: SubjectGap, audit: PublishedAudit) -> dict[str, Any]:
    """A gap of shown counts; of any other only that it was measured."""
    if gap in audit.measurements.gaps:
        return encode_gap(gap)
    named = {"attribute": list(gap.subject), "metric": gap.metric, "compare": gap.gap.compare}
    return named | {"value": None, "status": "suppressed", "reason": SMALL_COUNT}


def _calibration(row: CalibrationRow, audit: PublishedAudit) -> dict[str, Any]:
    """Calibration of a group whose counts are shown, at three decimals."""
    cell, found = audit.release.cell(row.subject, row.group), row.calibration
    named = {"attribute": list(row.subject), "group": words(row.group)}
    if cell is None or cell.shown != "counts" or cell.rate(masks_of(RATES["base_rate"])) is None:
        return named | {"status": "suppressed", "reason": SMALL_COUNT}
    if not isinstance(found, GroupCalibration):
        return named | {"status": "undefined", "reason": found.reason}
    return named | {
        "status": "measured",
        "reason": None,
        "bands": [_band(band, audit) for band in found.bands],
        "ece": round(found.ece, _DIGITS),
        "ece_null95": round(found.ece_null95, _DIGITS),
        "in_the_large": round(float(found.in_the_large), _DIGITS),
        "in_the_large_low": round(found.in_the_large_interval.low, _DIGITS),
        "in_the_large_high": round(found.in_the_large_interval.high, _DIGITS),
        "brier": round(found.brier, _DIGITS),
        "auc": round(float(row.auc.value), _DIGITS) if row.auc else None,
    }


def _band(band: Band, audit: PublishedAudit) -> dict[str, Any]:
    """A band without its counts, its rate to five points; one with too few rows without a rate."""
    enough = isinstance(band.observed, Measured) and band.n >= 2 * audit.release.floor
    observed = round(Fraction(STEPS * band.positives, band.n)) if enough else None
    return {
        "low": number(band.low),
        "high": number(band.high),
        "status": "rounded" if enough else "suppressed",
        "observed": None if observed is None else number(Fraction(observed, STEPS)),
    }

"""The candidate against its baseline as it may leave the workspace: large counts alone, or nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from audit_core.cube.published import PublishedCube
from audit_core.decision.record import Audit
from audit_core.findings.finding import Finding
from audit_core.metrics.intervals import z_one_sided
from audit_core.metrics.measurements import Measurements
from audit_core.metrics.regression_bounds import change_interval
from audit_core.metrics.regression_risk import risk_bounds
from audit_core.metrics.regression_rows import RegressionRow, widened
from audit_core.metrics.regression_tables import sides_of
from audit_core.report.release import SMALL_COUNT, masks_of
from audit_core.report.result_numbers import number, words
from audit_core.report.result_regression import encode_baseline


def published_rows(audit: Audit, release: PublishedCube) -> tuple[RegressionRow, ...]:
    """Return the rows whose counts under both models may be shown, with ranges that may be.

    Every group of the subject is shown, its candidate's counts are the published ones, and its counts under
    the baseline are none or at the floor and above. A range also tells how many people the two models
    disagree on: where these numbers are under the floor, it is the wider one of different rows.
    """
    if audit.counted.people:  # ranges would tell how many rows are of the same person
        return ()
    rows = audit.measurements.regression
    return tuple(
        row if _disagreement(row, release) else widened(row, audit.contract)
        for row in rows
        if _both_are_shown(row, audit, release)
    )


def _disagreement(row: RegressionRow, release: PublishedCube) -> bool:
    """Whether the numbers of people that only one of the models selects may be told."""
    for change in row.groups:
        if change.paired and change.value is not None and change.pairs is None:
            return False  # how far two overlapping denominators agree is no count of people
        pairs = change.pairs
        ends = (pairs.first_only, pairs.second_only) if pairs is not None else ()
        if any(0 < rows < release.floor for rows in ends):
            return False
    return True


def _both_are_shown(row: RegressionRow, audit: Audit, release: PublishedCube) -> bool:
    table, baseline = release.table(row.subject), audit.counted.baseline
    if table is None or baseline is None:
        return False
    sides = sides_of(audit.counted.cube, baseline, row.subject)
    for cell in table.cells:
        rate, mine = cell.rate(masks_of(row.rate)), sides.get(cell.group)
        if cell.shown != "counts" or mine is None or rate != row.rate.counts(mine.new):
            return False
        top, bottom = row.rate.counts(mine.old)
        if any(0 < rows < release.floor for rows in (top, bottom - top)):
            return False
    return True


def published_finding(
    finding: Finding, measured: Measurements, shown: Measurements, level: float
) -> Finding | None:
    """Return a finding against the baseline as it may be published, or None where its numbers may not."""
    if finding.change is None or finding.status == "NOT_RUN":
        return finding
    rows = shown.changes(finding.subject, finding.metric, finding.change)
    row = next((row for row in rows if row.rate.id == finding.rate), None)
    if row is None:
        return None
    if not any(finding.row is inside for inside in measured.regression):
        return None  # of a canary's latest days, whose counts are in no published table
    finding = replace(finding, needs=None, row=row)
    return _widened_finding(finding, row, level) if row.widened else finding


def _widened_finding(finding: Finding, row: RegressionRow, level: float) -> Finding:
    """The finding with the bounds of the ranges that are shown; its status stays the one decided on."""
    if row.gap is not None:
        low, high = row.gap.lower, row.gap.bounds.upper
        return replace(finding, lower=low if low > -1 else None, upper=high)
    change = row.group(finding.high.group) if finding.high is not None else None
    if change is None or change.value is None:
        return finding
    low, high = change_interval(change, z_one_sided(level))
    found = risk_bounds(change, level)
    if finding.change == "risk" and found is not None:
        low, high = found.low - 1, found.high - 1
    return replace(finding, lower=low, upper=high)


def published_regression(audit: Audit, shown: Measurements) -> list[dict[str, Any]]:
    """Return what is published of every comparison; of a hidden one, only that it was made."""
    kept = {(row.subject, row.metric, row.change, row.rate.id): row for row in shown.regression}
    baseline = audit.counted.baseline
    told = encode_baseline(baseline) if baseline is not None else None
    return [
        (_named(mine) | _numbers(mine) if mine is not None else _named(row) | _HIDDEN) | {"baseline": told}
        for row in audit.measurements.regression
        for mine in (kept.get((row.subject, row.metric, row.change, row.rate.id)),)
    ]


_HIDDEN: dict[str, Any] = {"status": "suppressed", "reason": SMALL_COUNT, "groups": [], "gap": None}


def _named(row: RegressionRow) -> dict[str, Any]:
    return {
        "attribute": list(row.subject),
        "metric": row.metric,
        "rate": row.rate.id,
        "change": row.change,
        "same_rows": row.paired,
        "ranges_of_different_rows": row.widened or not row.paired,
    }


def _numbers(row: RegressionRow) -> dict[str, Any]:
    gap = row.gap
    return {
        "status": "shown",
        "reason": None,
        "groups": [
            {"group": words(g.group), "old": number(g.old.value), "new": number(g.new.value),
             "change": number(g.value)}
            for g in row.groups
        ],
        "gap": {
            "old": number(gap.old.gap), "new": number(gap.new.gap), "value": number(gap.value),
        } if gap is not None else None,
    }  # fmt: skip

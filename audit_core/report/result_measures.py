"""Measurements as the plain values of the result file."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from audit_core.cube.axes import level_word
from audit_core.metrics.calibration import Band, GroupCalibration
from audit_core.metrics.drift import DriftStatistics
from audit_core.metrics.estimate import Estimate, Measured, TooFew, Undefined
from audit_core.metrics.gaps import Member
from audit_core.metrics.measurements import CalibrationRow, DriftRow, Rate, SubjectGap
from audit_core.metrics.unknown import UnknownRange
from audit_core.report.drift import collapsed_sentence
from audit_core.report.result_numbers import number, unbounded, words
from audit_core.report.result_ranking import encode_fit

_ABSENT = {"numerator": None, "denominator": None, "value": None, "low": None, "high": None,
           "method": None, "level": None, "required": None}  # fmt: skip


def encode_estimate(estimate: Estimate) -> dict[str, Any]:
    """Return a rate, or why there is none."""
    if not isinstance(estimate, Measured | TooFew):
        status = "undefined" if isinstance(estimate, Undefined) else "suppressed"
        return {"status": status, **_ABSENT, "reason": estimate.reason}
    few = isinstance(estimate, TooFew)
    return {
        "status": "too_few" if few else "measured",
        "numerator": estimate.numerator,
        "denominator": estimate.denominator,
        "value": number(estimate.fraction),
        "low": number(estimate.low),
        "high": number(estimate.high),
        "method": estimate.method,
        "level": number(estimate.level),
        "required": estimate.required if isinstance(estimate, TooFew) else None,
        "reason": "fewer than required" if few else None,
    }


def encode_rate(rate: Rate) -> dict[str, Any]:
    """Return one rate of one group; both lists are empty for everybody."""
    return {
        "attribute": list(rate.subject),
        "group": words(rate.group),
        "window": None,
        "metric": rate.metric,
        **encode_estimate(rate.estimate),
    }


def encode_gap(measured: SubjectGap) -> dict[str, Any]:
    """Return one gap with the bounds its check is judged by."""
    gap = measured.gap
    ratio = gap.compare == "ratio"
    lower, upper = (gap.lower, gap.upper_all) if ratio else (gap.lower_all, gap.upper)
    low, high = gap.interval if gap.interval is not None else (None, None)
    status, reason = _gap_status(measured)
    known = gap.value is not None
    return {
        "attribute": list(measured.subject),
        "metric": measured.metric,
        "compare": gap.compare,
        "high_group": _member(gap.high),
        "low_group": _member(gap.low),
        "value_all": number(gap.value_all),
        "value": number(gap.value),
        "low": number(low),
        "high": number(high),
        "lower": number(lower) if known else None,
        "upper": number(upper) if known else None,
        "bounds_reason": unbounded(high, upper) if known else reason,
        "chance_of_gap": number(gap.chance_of_gap),
        "method": gap.method,
        "simulated": asdict(gap.simulated) | {"seed": str(gap.simulated.seed)} if gap.simulated else None,
        "unknown": encode_unknown(measured.unknown),
        "status": status,
        "reason": reason,
    }


def encode_unknown(found: UnknownRange | None) -> dict[str, Any] | None:
    """Return how far people of unknown group could move a gap; null where there are none."""
    if found is None:
        return None
    ends = {"smallest": number(found.smallest), "largest": number(found.largest)}
    return {"people": found.people, **ends}


def encode_calibration(row: CalibrationRow) -> dict[str, Any]:
    """Return calibration and AUC of one group."""
    found, area = row.calibration, row.auc
    return {
        "attribute": list(row.subject),
        "group": words(row.group),
        **(_calibrated(found) if isinstance(found, GroupCalibration) else _NOT_CALIBRATED),
        "reason": found.reason if isinstance(found, Undefined) else None,
        **encode_fit(row.fit),
        "auc": {
            "value": number(area.value) if area else None,
            "low": number(area.low) if area else None,
            "high": number(area.high) if area else None,
            "method": area.method if area else None,
            "delong_low": number(area.plain.low) if area else None,
            "delong_high": number(area.plain.high) if area else None,
            "reason": None if area else "no ranks for this group, or one outcome only",
        },
        "auc_of_bands": {"value": number(row.binned.value), "error": number(row.binned.error)}
        if row.binned
        else None,
    }


def encode_drift(row: DriftRow) -> dict[str, Any]:
    """Return the drift of one feature with its bins."""
    table = row.table
    found = row.statistics if isinstance(row.statistics, DriftStatistics) else None
    before, after = table.missing()
    return {
        "feature": table.feature,
        "kind": table.kind,
        "attribute": table.attribute or None,
        "group": level_word(table.group) if table.attribute else None,
        "psi": number(found.psi) if found else None,
        "psi_null95": number(found.psi_null95) if found else None,
        "kl": number(found.kl_current_reference) if found else None,
        "js": number(found.js) if found else None,
        "ks": number(row.ks),
        **_distances(row, found),
        "status": row.status,
        "reason": row.statistics.reason if isinstance(row.statistics, Undefined) else None,
        "mode": number(table.mode),
        "note": collapsed_sentence(table) or None,
        "bins": [
            {"label": label, "reference": reference, "current": current}
            for label, reference, current in zip(table.labels, table.reference, table.current, strict=True)
        ],
        "missing": {"reference": before, "current": after},
        "new_categories": [{"label": label, "current": rows} for label, rows in table.new_categories],
    }


def _distances(row: DriftRow, found: DriftStatistics | None) -> dict[str, Any]:
    """KS and Wasserstein-1 of the values, χ² of the bins with its q-value; nothing where there is none."""
    apart = row.distances
    return {
        "ks_of": None if row.ks is None else "values" if apart else "bins",
        "ks_null95": number(apart.ks_null95) if apart else None,
        "ks_p": number(apart.ks_p) if apart else None,
        "wasserstein": number(apart.wasserstein) if apart else None,
        "wasserstein_sd": number(apart.scaled) if apart else None,
        "chi2": number(found.chi2) if found else None,
        "chi2_df": found.chi2_df if found else None,
        "chi2_p": number(found.chi2_p) if found else None,
        "chi2_q": number(row.q),
        "chi2_tests": row.tests,
    }


_NOT_CALIBRATED: dict[str, Any] = {
    "n": 0, "positives": 0, "bands": [], "ece": None, "ece_null95": None, "in_the_large": None,
    "in_the_large_low": None, "in_the_large_high": None, "brier": None, "mce": None,
}  # fmt: skip


def _calibrated(found: GroupCalibration) -> dict[str, Any]:
    return {
        "n": found.n,
        "positives": found.positives,
        "bands": [_band(band) for band in found.bands],
        "ece": number(found.ece),
        "ece_null95": number(found.ece_null95),
        "in_the_large": number(found.in_the_large),
        "in_the_large_low": number(found.in_the_large_interval.low),
        "in_the_large_high": number(found.in_the_large_interval.high),
        "brier": number(found.brier),
        "mce": number(found.mce),
    }


def _band(band: Band) -> dict[str, Any]:
    return {
        "low": number(band.low),
        "high": number(band.high),
        "n": band.n,
        "mean_score": number(band.mean_score),
        "observed": encode_estimate(band.observed),
    }


def _member(member: Member | None) -> list[str] | None:
    return words(member.group) if member is not None else None


def _gap_status(measured: SubjectGap) -> tuple[str, str | None]:
    gap = measured.gap
    if gap.value is None:
        two = len(gap.compared) >= 2
        return "undefined", "the rate is 0 in every group" if two else "fewer than two groups have data"
    if measured.missing or len(gap.supported) < 2:
        return "too_few", "a required group is below the minimum support"
    if measured.too_many_unknown:
        return "too_few", "over a tenth of the rows have no known group"
    return "measured", None

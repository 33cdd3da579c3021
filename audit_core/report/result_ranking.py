"""What is reported beside ECE and AUC as the plain values of the result file."""

from __future__ import annotations

from typing import Any

from audit_core.contract.schema import Subject
from audit_core.cube.axes import level_word
from audit_core.metrics.estimate import Undefined
from audit_core.metrics.exposure import INTERVAL, GroupExposure
from audit_core.metrics.intervals import Interval
from audit_core.metrics.ranking import Auc, BetweenGroups
from audit_core.metrics.recalibration import HosmerLemeshow, Recalibration, ScoreFit
from audit_core.metrics.treatment import TreatmentRow
from audit_core.report.result_numbers import number, unbounded, words

NO_FIT = "the scale is not 0 to 1, or the group is a combination"
_LINE = ("intercept", "slope", "offset")


def encode_fit(fit: ScoreFit | None) -> dict[str, Any]:
    """Return slope and intercept, Hosmer–Lemeshow and smooth ECE of one group; a null has its reason."""
    absent = Undefined(reason=NO_FIT)
    return {
        "recalibration": _line(fit.recalibration if fit else absent),
        "hosmer_lemeshow": _test(fit.hosmer_lemeshow if fit else absent),
        "smooth_ece": number(fit.smooth_ece) if fit else None,
    }


def encode_between(found: BetweenGroups) -> dict[str, Any]:
    """Return how one attribute's groups rank against each other."""
    return {
        "attribute": found.attribute,
        "groups": [level_word(group) for group in found.groups],
        "pairs": [
            {"positives_of": level_word(a), "negatives_of": level_word(b), "xauc": _area(area)}
            for a, b, area in found.areas
        ],
        "backgrounds": [
            {"group": level_word(group), "bpsn": _area(bpsn), "bnsp": _area(bnsp)}
            for group, bpsn, bnsp in found.backgrounds
        ],
        "reason": f"{found.too_many} groups are too many to rank against each other"
        if found.too_many
        else None,
    }


def encode_treatment(row: TreatmentRow) -> dict[str, Any]:
    """Return a group's wrong no's and wrong yes's; both lists are empty for everybody."""
    found = row.equality
    low, high = found.interval if found.interval is not None else (None, None)
    reason = None if found.ratio is not None else "nobody was wrongly selected"
    return {
        "attribute": list(row.subject),
        "group": words(found.group),
        "false_negatives": found.fn,
        "false_positives": found.fp,
        "value": number(found.ratio),
        "low": number(low),
        "high": number(high),
        "reason": reason or unbounded(high),
    }


def encode_exposure(subject: Subject, found: GroupExposure) -> dict[str, Any]:
    """Return a group's exposure when everybody is listed by score."""
    return {
        "attribute": list(subject),
        "group": words(found.group),
        "rows": found.rows,
        "value": number(found.mean),
        "low": number(found.interval.low),
        "high": number(found.interval.high),
        "method": INTERVAL,
        "per_positive": number(found.per_merit),
        "positives": found.relevant,
        "reason": unbounded(found.interval.high)
        or (None if found.per_merit is not None else "no positive in the group"),
    }


def _area(area: Auc | None) -> dict[str, Any]:
    return {
        "value": number(area.value) if area else None,
        "low": number(area.low) if area else None,
        "high": number(area.high) if area else None,
        "positives": area.positives if area else None,
        "negatives": area.negatives if area else None,
        "reason": None if area else "one outcome only",
    }


def _line(line: Recalibration | Undefined) -> dict[str, Any]:
    if isinstance(line, Undefined):
        nothing = dict.fromkeys(("value", "low", "high"))
        return {**{name: dict(nothing) for name in _LINE}, "reason": line.reason}
    return {**{name: _with_ends(line, name) for name in _LINE}, "reason": None}


def _with_ends(line: Recalibration, name: str) -> dict[str, Any]:
    interval: Interval = getattr(line, f"{name}_interval")
    return {"value": number(getattr(line, name)), "low": number(interval.low), "high": number(interval.high)}


def _test(test: HosmerLemeshow | Undefined) -> dict[str, Any]:
    if isinstance(test, Undefined):
        return {"statistic": None, "df": None, "p": None, "reason": test.reason}
    return {"statistic": number(test.statistic), "df": test.df, "p": number(test.p), "reason": None}

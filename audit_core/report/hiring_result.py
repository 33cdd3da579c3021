"""The impact tables as the plain values of the result file."""

from __future__ import annotations

from typing import Any

from audit_core.decision.record import Audit
from audit_core.metrics.hiring import FOUR_FIFTHS, SMALL_SHARE, AgainstReference, CategoryLine
from audit_core.metrics.hiring_tables import Disagreement, SubjectImpact, hiring_tables
from audit_core.report.law import CHECKED
from audit_core.report.result_numbers import number, unbounded, words

ABSENT = "nothing was decided about anybody, or the contract names no protected attribute"
_NOT_COMPARED: dict[str, Any] = {
    "low": None, "high": None, "bounds_reason": None, "fisher_exact_two_sided_p": None, "sd_units": None,
    "shortfall_to_parity": None, "shortfall_to_highest": None, "shortfall_to_four_fifths": None,
    "one_more_selected_clears": None, "one_selection_moved_clears": None, "one_fewer_selected_flags": None,
    "one_selection_moved_flags": None,
}  # fmt: skip


def encode_hiring(audit: Audit) -> dict[str, Any]:
    """Return the impact tables of an audit; where there are none, the reason.

    Guarantee: counts are the analyst's own, small ones included; a published view must suppress them.
    """
    found = hiring_tables(audit.contract, audit.counted)
    return {
        "reason": ABSENT if found is None else None,
        "four_fifths": number(FOUR_FIFTHS),
        "smallest_share": number(SMALL_SHARE),
        "median_score": number(found.median) if found else None,
        "no_scoring_reason": found.no_scoring if found else None,
        "law_checked": CHECKED,
        "tables": [_table(part) for part in (*found.selection, *found.scoring)] if found else [],
        "disagreements": [_disagreement(one) for one in found.disagreements] if found else [],
    }


def _table(part: SubjectImpact) -> dict[str, Any]:
    table = part.table
    return {
        "attribute": list(part.subject),
        "measure": part.measure,
        "reference": None if table.reference is None else words(table.reference),
        "known": table.known,
        "unknown": [
            {"group": words(count.group), "people": count.denominator, "selected": count.numerator}
            for count in table.unknown
        ],
        "chance_of_gap": number(table.chance_of_gap),
        "under_privacy_floor": part.small,
        "groups": [_line(line) for line in table.lines],
    }


def _line(line: CategoryLine) -> dict[str, Any]:
    return {
        "group": words(line.group),
        "people": line.n,
        "selected": line.selected,
        "share": number(line.share),
        "excluded": line.excluded,
        "rate": number(line.selection_rate),
        "impact_ratio": number(line.impact_ratio),
        "below_four_fifths": line.four_fifths_flag,
        "reason": _reason(line),
        **(_NOT_COMPARED if line.against is None else _against(line.against, line)),
    }


def _reason(line: CategoryLine) -> str | None:
    """Why a group has no impact ratio, or no comparison."""
    if not line.n:
        return "no people"
    if line.excluded:
        return "under the smallest share"
    if line.impact_ratio is None:
        return "nobody was selected in any group"
    return "reference group" if line.against is None else None


def _against(beside: AgainstReference, line: CategoryLine) -> dict[str, Any]:
    """The comparison; where there is no flag, nothing can end one and both `_clears` are null."""
    low, high = beside.interval if beside.interval is not None else (None, None)
    return {
        "low": number(low),
        "high": number(high),
        "bounds_reason": unbounded(high),
        "fisher_exact_two_sided_p": number(beside.fisher_p),
        "sd_units": number(beside.sd_units),
        "shortfall_to_parity": number(beside.shortfall_to_parity),
        "shortfall_to_highest": beside.shortfall_to_highest,
        "shortfall_to_four_fifths": beside.shortfall_to_four_fifths,
        "one_more_selected_clears": beside.one_more_clears if line.four_fifths_flag else None,
        "one_selection_moved_clears": beside.swap_clears if line.four_fifths_flag else None,
        "one_fewer_selected_flags": beside.one_fewer_flags,
        "one_selection_moved_flags": beside.swap_flags,
    }


def _disagreement(one: Disagreement) -> dict[str, Any]:
    return {
        "attribute": list(one.subject),
        "group": words(one.group),
        "people": one.counted[0],
        "selected": one.counted[1],
        "other_attribute": list(one.other),
        "other_people": one.implied[0],
        "other_selected": one.implied[1],
    }

"""Judges the data itself: groups present, ids shared between files, inputs drifted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from audit_core.contract.schema import Check, ReleaseContract
from audit_core.cube.axes import group_words
from audit_core.cube.counted import Counted
from audit_core.findings.finding import Finding, GroupValue
from audit_core.findings.needs import to_minimum
from audit_core.metrics.drift import ROWS_A_BIN, DriftStatistics, drift_status
from audit_core.metrics.drift_rows import psi_limits
from audit_core.metrics.measurements import DriftRow, Measurements
from audit_core.metrics.rates import listed_groups, too_many_unknown

GATED_KINDS = ("numeric", "categorical")


def judge_coverage(
    blank: Finding, _check: Check, contract: ReleaseContract, counted: Counted, _measured: Measurements
) -> Finding:
    """Return whether every required group is present and has the minimum number of rows."""
    tables = counted.cube.outcomes(blank.subject)
    required = listed_groups(counted.cube, contract, blank.subject)
    rows = {group: int(tables[group].sum()) if group in tables else 0 for group in required}
    absent = [group for group, count in rows.items() if count == 0]
    thin = [group for group, count in rows.items() if 0 < count < contract.support.rows]
    covered = len(required) - len(absent) - len(thin)
    value = Fraction(covered, len(required)) if required else None
    smallest = min(rows, key=lambda group: rows[group]) if rows else None
    found = replace(
        blank,
        value=value,
        low=GroupValue(group=smallest, value=Fraction(rows[smallest]), numerator=None,
                       denominator=rows[smallest]) if smallest is not None else None,
        names=tuple(group_words(group) for group in [*absent, *thin]),
    )  # fmt: skip
    needs = to_minimum(rows, contract.support.rows, contract, counted, blank)
    if absent:
        return replace(found, status="FAIL", evidence="CONFIRMED", reason="missing_group", needs=needs)
    if not required:
        return replace(found, status="INCONCLUSIVE", reason="one_group")
    if thin:
        return replace(found, status="INCONCLUSIVE", reason="thin_group", needs=needs)
    if too_many_unknown(tables):
        return replace(found, status="INCONCLUSIVE", reason="too_many_unknown")
    return replace(found, status="PASS", evidence="CONFIRMED", reason="within")


def judge_overlap(
    blank: Finding, check: Check, _contract: ReleaseContract, counted: Counted, _measured: Measurements
) -> Finding:
    """Return whether training and evaluation share more ids than the contract allows; exact counts.

    Shared ids over the limit are a fact whatever else is in the files. That there are none over it is known
    only where every row of both files has an id.
    """
    overlap = counted.overlap
    assert overlap is not None
    limit = check.limit.max if check.limit.max is not None else Fraction(0)
    value = Fraction(overlap.shared)
    everyone = GroupValue(group=(), value=value, numerator=overlap.shared, denominator=overlap.evaluation_ids)
    found = replace(blank, limit=limit, value=value, high=everyone, evidence="CONFIRMED")
    if value > limit:
        return replace(found, status="FAIL", reason="shared_ids")
    if not (overlap.train_ids and overlap.evaluation_ids):
        return replace(blank, reason="no_id")
    if not overlap.every_row_has_an_id:
        return replace(found, status="INCONCLUSIVE", evidence="UNSUPPORTED", reason="ids_missing")
    return replace(found, status="PASS", reason="within")


def judge_drift(
    blank: Finding, check: Check, contract: ReleaseContract, counted: Counted, measured: Measurements
) -> Finding:
    """Return the finding of the drift check: its worst feature, under the contract's own limits."""
    warn, limit = (float(bound) for bound in psi_limits(check))
    rows = [row for row in measured.drift if row.table.over_everybody and _gated(row, check.features or ())]
    status = {row.table.feature: drift_status(row.statistics, warn=warn, limit=limit) for row in rows}
    status |= {name: "insufficient" for name in check.features or () if name not in status}
    if not rows:
        if not status:
            return replace(blank, reason="no_features")
        return replace(blank, status="INCONCLUSIVE", reason="drift_insufficient", names=tuple(status))
    decisive = next(word for word in _DECISIVE if word in status.values())
    worst = max([row for row in rows if status[row.table.feature] == decisive] or rows, key=_psi)
    major = _named(status, "major")
    found = replace(
        blank,
        value=_psi(worst) if isinstance(worst.statistics, DriftStatistics) else None,
        upper=worst.statistics.psi_null95 if isinstance(worst.statistics, DriftStatistics) else None,
        warned=bool(_named(status, "moderate")),
        high=GroupValue(group=(worst.table.feature,), value=Fraction(0), numerator=None,
                        denominator=sum(worst.table.current)),
    )  # fmt: skip
    if major:
        return replace(found, status="FAIL", evidence="CONFIRMED", reason="drifted", names=major)
    thin = _named(status, "insufficient")
    if thin:
        needs = to_minimum({(): _current(rows)}, _rows_for_bins(rows), contract, counted, blank)
        return replace(found, status="INCONCLUSIVE", reason="drift_insufficient", names=thin, needs=needs)
    return replace(
        found, status="PASS", evidence="CONFIRMED", reason="within", names=_named(status, "moderate")
    )


def _gated(row: DriftRow, named: tuple[str, ...]) -> bool:
    """Whether a check judges a feature: every input, or what it names, score, decision and outcome too."""
    if named:
        return row.table.feature in named
    return row.table.kind in GATED_KINDS


_DECISIVE = ("major", "insufficient", "moderate", "stable")


def _psi(row: DriftRow) -> float:
    return row.statistics.psi if isinstance(row.statistics, DriftStatistics) else -1.0


def _rows_for_bins(rows: list[DriftRow]) -> int:
    """Current rows at which the feature with the most bins can be judged."""
    return ROWS_A_BIN * max((len(row.table.current) for row in rows), default=0)


def _current(rows: list[DriftRow]) -> int:
    return min((sum(row.table.current) for row in rows), default=0)


def _named(status: Mapping[str, str], wanted: str) -> tuple[str, ...]:
    return tuple(feature for feature, found in status.items() if found == wanted)

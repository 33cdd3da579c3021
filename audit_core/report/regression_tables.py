"""The candidate against its baseline, group by group: the rows of its tables, with their marks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from audit_core.contract.schema import ReleaseContract
from audit_core.decision.record import Audit
from audit_core.findings.finding import Finding
from audit_core.findings.regression import baseline_floor, judged_groups
from audit_core.metrics.estimate import Count
from audit_core.metrics.intervals import Interval
from audit_core.metrics.regression_bounds import GroupChange, reading_interval, reading_level
from audit_core.metrics.regression_risk import risk_bounds
from audit_core.metrics.regression_rows import RegressionRow
from audit_core.report.limits import check_of
from audit_core.report.numbers import (
    POINTS,
    Figures,
    count,
    decimal,
    figures,
    level_words,
    percent,
    points,
)
from audit_core.report.people import group_words, subject_words
from audit_core.report.regression import chances_of
from audit_core.report.table_rows import NONE, RESULT, Rows
from audit_core.report.words import MARK_WORDS, Mark, finding_name, mark_of

LARGEST_GAP = "Largest gap"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeMark:
    """One group's change as it is drawn: rates 0–1, `mark` by what its check says of it."""

    change: GroupChange
    name: str
    interval: Interval | None
    mark: Mark

    @property
    def word(self) -> str:
        """The mark in words."""
        return MARK_WORDS[self.mark]


def change_marks(finding: Finding, row: RegressionRow, audit: Audit) -> tuple[ChangeMark, ...]:
    """Return a mark per group; a check of the gap says nothing of a single group."""
    level = float(audit.contract.statistics.level)
    marks = [
        ChangeMark(
            change=change,
            name=group_words(change.group),
            interval=reading_interval(change, level) if change.value is not None else None,
            mark=mark,
        )
        for change, mark in zip(row.groups, _marks(finding, row, audit.contract), strict=True)
    ]
    return tuple(marks)


def _marks(finding: Finding, row: RegressionRow, contract: ReleaseContract) -> list[Mark]:
    check = check_of(contract, finding.check)
    if finding.change != "gap" and check is not None:
        return [mark_of(found) for found in judged_groups(row, finding, check, contract)]
    return [
        "undefined" if change.value is None else "no_limit" if change.group in row.supported else "too_few"
        for change in row.groups
    ]


def comparisons(audit: Audit) -> tuple[tuple[str, Finding], ...]:
    """Return every check against the baseline with its subject, in words; the contract's order."""
    checks = {check.id for check in audit.contract.checks if check.against is not None}
    return tuple(
        (f"{finding_name(finding)} by {subject_words(finding.subject)} ({finding.check})", finding)
        for finding in audit.findings
        if finding.check in checks
    )


def change_rows(finding: Finding, row: RegressionRow, audit: Audit) -> Rows:
    """Return the table twin of the chart: every group, and the largest gap where it is what is judged."""
    contract, chances = audit.contract, _chances(finding, row, audit)
    rows = [_line(mark, row, contract, chances) for mark in change_marks(finding, row, audit)]
    return rows + _gap_line(finding, row, audit)


def _chances(finding: Finding, row: RegressionRow, audit: Audit) -> dict[tuple[str, ...], float | None]:
    check = check_of(audit.contract, finding.check)
    if row.widened or finding.change != "risk" or check is None or finding.limit is None:
        return {}
    return chances_of(row, finding.limit, baseline_floor(check), audit.contract)


def _line(
    mark: ChangeMark,
    row: RegressionRow,
    contract: ReleaseContract,
    chances: dict[tuple[str, ...], float | None],
) -> dict[str, str]:
    change, level = mark.change, float(contract.statistics.level)
    line = {
        "Group": mark.name,
        "Before": _rate(change.old),
        "Now": _rate(change.new),
        f"Change ({level_words(Fraction(reading_level(level)).limit_denominator(10**6))} interval)": _moved(
            mark
        ),
    }
    if row.paired and not row.widened:
        pairs = change.pairs
        line["Only now"] = count(pairs.first_only) if pairs else NONE
        line["Only before"] = count(pairs.second_only) if pairs else NONE
    if row.change == "risk":
        line["Now / before"] = _ratio(change, level)
        if not row.widened:
            line["By chance beyond the limit"] = _chance(chances.get(change.group))
    if row.change != "gap":
        line[RESULT] = mark.word
    return line


def _gap_line(finding: Finding, row: RegressionRow, audit: Audit) -> Rows:
    if row.change != "gap" or row.gap is None:
        return []
    old, new = row.gap.old, row.gap.new
    limits = (finding.limit,)
    shown = figures(POINTS, (row.gap.value, row.gap.lower, row.gap.bounds.upper), limits)
    most = f"at most {shown.bare(row.gap.bounds.upper)}"
    least = "" if row.gap.absent else f"at least {shown.bare(row.gap.lower)}, "
    line = dict.fromkeys(_line(change_marks(finding, row, audit)[0], row, audit.contract, {}), NONE)
    heads = list(line)
    line[heads[0]] = LARGEST_GAP
    line[heads[1]] = f"{points(old.gap)} ({_ends(old.low, old.high)})"
    line[heads[2]] = f"{points(new.gap)} ({_ends(new.low, new.high)})"
    line[heads[3]] = f"{shown.signed(row.gap.value)} ({least}{most})"
    return [line]


def _ends(low: Count, high: Count) -> str:
    if low.group == high.group:
        return "every group alike"
    return (
        f"{group_words(low.group)}, n={count(low.denominator)}, "
        f"to {group_words(high.group)}, n={count(high.denominator)}"
    )


def _rate(found: Count) -> str:
    return f"{percent(found.value)} (n={count(found.denominator)})" if found.value is not None else NONE


def _moved(mark: ChangeMark) -> str:
    if mark.change.value is None or mark.interval is None:
        return NONE
    shown: Figures = figures(POINTS)
    low, high = mark.interval
    return f"{shown.signed(mark.change.value)} ({shown.bare(low)} to {shown.bare(high)})"


def _ratio(change: GroupChange, level: float) -> str:
    """A harm rate over the baseline's with its one-sided bounds."""
    found = risk_bounds(change, level)
    if found is None or found.ratio is None:
        return NONE
    most = f", at most {decimal(found.high, 3)}" if math.isfinite(found.high) else ""
    return f"{decimal(found.ratio, 3)} (at least {decimal(found.low, 3)}{most})"


def _chance(chance: float | None) -> str:
    return (
        NONE
        if chance is None
        else "under 1 % of samples"
        if chance < 0.01
        else f"{percent(chance, 0)} of samples"
    )

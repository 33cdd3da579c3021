"""Table twins of the charts: values become rows of text, for a page's table and for CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from audit_core.contract.schema import Subject
from audit_core.cube.axes import NEITHER, NO, YES
from audit_core.cube.count_cube import Group
from audit_core.decision.record import Audit
from audit_core.findings.finding import Finding
from audit_core.metrics.calibration import Band, GroupCalibration
from audit_core.metrics.drift import DriftStatistics
from audit_core.metrics.estimate import Estimate, Measured, Suppressed, TooFew
from audit_core.metrics.intervals import newcombe_difference, z_two_sided
from audit_core.metrics.measurements import CalibrationRow, DriftRow
from audit_core.report.charts.compared import GroupGaps, GroupMark
from audit_core.report.charts.drift import DRIFT_WORDS, ranked, shares
from audit_core.report.charts.grid import SupportGrid, cell_line
from audit_core.report.escape import visible
from audit_core.report.limits import check_of, limit_words, needs_sentence
from audit_core.report.numbers import POINTS, Figures, count, decimal, percent, ratio
from audit_core.report.people import group_words, subject_words
from audit_core.report.readings import reading
from audit_core.report.words import (
    EVIDENCE_WORDS,
    REMEDIES,
    WITHHELD,
    measure_name,
    metric_name,
    status_word,
)

Rows = list[dict[str, str]]

NONE = "–"
RESULT = "Result"
"""Header of the column that holds a status in words; a page may draw it as a badge."""

_SIGNED = Figures(unit=POINTS, digits=1)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
WHAT_IT_TAKES = {
    "within": "Nothing: shown to be within the limit",
    "beyond": "A changed model or changed data; more of the same data will not change this",
    "drifted": "A look at where the inputs changed, then a model fitted on them",
    "shared_ids": "An evaluation set without the people of the training sample",
}


def slice_rows(gaps: GroupGaps) -> Rows:
    """Return one row per group: its rate with counts and interval, and how it stands to the reference."""
    against = "Ratio" if gaps.compare == "ratio" else "Difference"
    base = group_words(gaps.reference) if gaps.reference is not None else "the reference"
    return [
        {
            "Group": mark.name,
            RESULT: mark.word,
            metric_name(gaps.metric): _rate(mark.estimate),
            "Interval": _interval(mark.estimate),
            "Counts": _counts(mark.estimate),
            f"{against} to {base}": _against(mark, gaps),
            "Interval of it": _against_interval(mark, gaps),
        }
        for mark in gaps.marks
    ]


def _rate(found: Estimate) -> str:
    return percent(found.value) if isinstance(found, Measured | TooFew) else _absent(found)


def _interval(found: Estimate) -> str:
    return f"{percent(found.low)} to {percent(found.high)}" if isinstance(found, Measured | TooFew) else NONE


def _counts(found: Estimate) -> str:
    if not isinstance(found, Measured | TooFew):
        return NONE
    return f"{count(found.numerator)} of {count(found.denominator)}"


def _absent(found: Estimate) -> str:
    return WITHHELD if isinstance(found, Suppressed) else "undefined"


def _against(mark: GroupMark, gaps: GroupGaps) -> str:
    if mark.against is None:
        return NONE
    return ratio(mark.against) if gaps.compare == "ratio" else _SIGNED.signed(mark.against)


def _against_interval(mark: GroupMark, gaps: GroupGaps) -> str:
    if mark.interval is None or mark.against is None:
        return NONE
    low, high = mark.interval
    if gaps.compare == "ratio":
        return f"{ratio(low)} to {ratio(high)}" if high < float("inf") else f"from {ratio(low)} upwards"
    return _signed_interval(low, high)


def count_rows(audit: Audit, subject: Subject, group: Group) -> Rows:
    """Return a group's people by outcome and decision: the counts every rate of it is made from."""
    table = audit.counted.cube.outcomes(subject).get(group)
    if table is None:
        return []
    named = [("Positive", YES), ("Negative", NO), ("Not known", NEITHER)]
    rows = [
        {
            "Outcome": word,
            "Selected": count(int(table[label, YES])),
            "Not selected": count(int(table[label, NO] + table[label, NEITHER])),
            "All": count(int(table[label].sum())),
        }
        for word, label in named
    ]
    return rows if int(table[NEITHER].sum()) else rows[:2]


def grid_rows(grid: SupportGrid) -> Rows:
    """Return one row per combination that holds a person."""
    return [
        {
            grid.rows: group_words(cell.group[:1]),
            grid.columns: group_words(cell.group[1:]),
            RESULT: "Judged" if cell.rate is not None else "Too few to judge",
            metric_name(grid.metric): percent(cell.rate.value) if cell.rate is not None else NONE,
            "Interval": _interval(cell.estimate) if cell.rate is not None else NONE,
            "People": count(cell.rows),
            "Positives": count(cell.positives),
            "Negatives": count(cell.negatives),
            "Lacks": cell.missing or NONE,
        }
        for cell in grid.cells
    ]


def cell_words(grid: SupportGrid, group: Group) -> str:
    """Return one combination of a grid in words, or "" when nobody is in it."""
    cell = grid.cell(group)
    return cell_line(cell) if cell else ""


def calibration_rows(rows: Sequence[CalibrationRow]) -> Rows:
    """Return one row per group: how far outcomes lie from scores, on the whole and by ECE beside chance."""
    found = [(row, row.calibration) for row in rows if isinstance(row.calibration, GroupCalibration)]
    return [
        {
            "Group": group_words(row.group),
            "People": count(c.n),
            "Outcomes above scores": _SIGNED.signed(c.in_the_large),
            "Interval": _signed_interval(*c.in_the_large_interval),
            "ECE": decimal(c.ece, 3),
            "ECE by chance up to": decimal(c.ece_null95, 3),
            "Brier score": decimal(c.brier, 3),
            "AUC": _auc(row),
        }
        for row, c in found
    ]


def _signed_interval(low: float, high: float) -> str:
    return f"{_SIGNED.signed(low)} to {_SIGNED.signed(high)}"


def _auc(row: CalibrationRow) -> str:
    if row.auc is None:
        return NONE
    return f"{decimal(float(row.auc.value), 3)} ({decimal(row.auc.low, 3)} to {decimal(row.auc.high, 3)})"


def same_score_rows(audit: Audit, first: CalibrationRow, second: CalibrationRow) -> Rows:
    """Return, band by band, what the same score has meant in two groups.

    Formula: difference of the observed rates with its Newcombe interval; only bands in which both groups
    have enough people.
    """
    left, right = first.calibration, second.calibration
    if not isinstance(left, GroupCalibration) or not isinstance(right, GroupCalibration):
        return []
    z = z_two_sided(float(audit.contract.statistics.level))
    pairs = zip(left.bands, right.bands, strict=True)
    return [_same_score(a, b, (first.group, second.group), z) for a, b in pairs if a.n or b.n]


def _same_score(a: Band, b: Band, groups: tuple[Group, Group], z: float) -> dict[str, str]:
    row = {"Score": f"{decimal(a.low, 2)} to {decimal(a.high, 2)}"}
    row |= {f"Observed, {group_words(g)}": _observed(band) for g, band in zip(groups, (a, b), strict=True)}
    if not isinstance(a.observed, Measured) or not isinstance(b.observed, Measured):
        return row | {"Difference": NONE, "Interval": NONE, RESULT: "Too few to judge"}
    low, high = newcombe_difference(a.positives, a.n, b.positives, b.n, z)
    differs = low > 0 or high < 0
    return row | {
        "Difference": _SIGNED.signed(a.observed.fraction - b.observed.fraction),
        "Interval": _signed_interval(low, high),
        RESULT: "Differs beyond chance" if differs else "No difference shown",
    }


def _observed(band: Band) -> str:
    if not isinstance(band.observed, Measured | TooFew):
        return NONE
    return f"{percent(band.observed.value)} (n {count(band.n)})"


def drift_table_rows(rows: Sequence[DriftRow]) -> Rows:
    """Return one row per feature over everybody, the most drifted first."""
    return [
        {"Feature": row.table.feature, RESULT: DRIFT_WORDS[row.status]} | _drift_numbers(row)
        for row in ranked(rows)
    ]


def drift_group_rows(rows: Sequence[DriftRow]) -> Rows:
    """Return one feature's drift inside each group, against each group's own chance level."""
    return [
        {
            "Attribute": row.table.attribute,
            "Group": group_words((row.table.group,)),
            RESULT: DRIFT_WORDS[row.status],
        }
        | _drift_numbers(row)
        for row in rows
    ]


def _drift_numbers(row: DriftRow) -> dict[str, str]:
    found, (before, after) = row.statistics, _missing_shares(row)
    numbers = {"PSI": NONE, "By chance up to": NONE, "KL": NONE, "Rows": NONE}
    if isinstance(found, DriftStatistics):
        numbers = {
            "PSI": decimal(found.psi, 3),
            "By chance up to": decimal(found.psi_null95, 4),
            "KL": decimal(found.kl_current_reference, 3),
            "Rows": f"{count(found.current_rows)} against {count(found.reference_rows)}",
        }
    return numbers | {"Missing": f"{percent(before)} → {percent(after)}"}


def _missing_shares(row: DriftRow) -> tuple[float, float]:
    before, after = row.table.missing()
    whole = (sum(row.table.reference), sum(row.table.current))
    return (before / whole[0] if whole[0] else 0.0), (after / whole[1] if whole[1] else 0.0)


def new_category_rows(rows: Sequence[DriftRow]) -> Rows:
    """Return the categories the training sample never held, with their share of the evaluation file."""
    return [
        {
            "Feature": row.table.feature,
            "New category": name,
            "Rows": count(number),
            "Share": percent(number / sum(row.table.current)),
        }
        for row in ranked(rows)
        for name, number in row.table.new_categories
    ]


def bin_rows(row: DriftRow) -> Rows:
    """Return a feature's bins: rows and shares in the training sample and in the evaluation file."""
    table = row.table
    parts = zip(
        table.labels,
        table.reference,
        table.current,
        shares(table.reference),
        shares(table.current),
        strict=True,
    )
    return [
        {
            "Bin": name,
            "Training rows": count(before),
            "Training share": percent(share_before),
            "Evaluation rows": count(after),
            "Evaluation share": percent(share_after),
        }
        for name, before, after, share_before, share_after in parts
    ]


def check_rows(audit: Audit) -> Rows:
    """Return the contract line by line: what each check found and what it would take."""
    return [_check_row(finding, audit) for finding in audit.findings]


def _check_row(finding: Finding, audit: Audit) -> dict[str, str]:
    check = check_of(audit.contract, finding.check)
    what = measure_name(finding.metric, finding.compare)
    by = f" by {subject_words(finding.subject)}" if finding.subject else ""
    return {
        "Check": finding.check,
        "What": what + by,
        "Severity": finding.severity,
        RESULT: status_word(finding),
        "Evidence": EVIDENCE_WORDS[finding.evidence] if finding.status != "NOT_RUN" else NONE,
        "Found": _found(finding),
        "Limit": (limit_words(check) if check else "") or NONE,
        "What it would take": _takes(finding),
    }


def _found(finding: Finding) -> str:
    read = reading(finding)
    if read.value is None:
        return NONE
    value = read.figures.text(read.value)
    bounds = [f"at least {read.figures.bare(read.lower)}" if read.lower is not None else ""]
    bounds.append(f"at most {read.figures.bare(read.upper)}" if read.upper is not None else "")
    said = ", ".join(bound for bound in bounds if bound)
    return f"{value} ({said})" if said else value


def _takes(finding: Finding) -> str:
    needed = needs_sentence(finding.needs)
    if needed:
        return needed
    fixed = WHAT_IT_TAKES.get(finding.reason) or REMEDIES.get(finding.reason, "")
    return fixed[:1].upper() + fixed[1:] if fixed else "More people, measured the same way"


def to_csv(rows: Rows) -> str:
    """Return rows as CSV; a cell a spreadsheet would run as a formula is marked as text."""
    if not rows:
        return ""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([_cell(name) for name in rows[0]])
    writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return out.getvalue()


def _cell(text: str) -> str:
    shown = visible(text)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown

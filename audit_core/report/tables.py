"""Table twins of the charts: values become rows of text, for a page's table and for CSV."""

from __future__ import annotations

from collections.abc import Sequence

from audit_core.contract.schema import Subject
from audit_core.cube.axes import NEITHER, NO, YES
from audit_core.cube.count_cube import Group, is_unknown
from audit_core.decision.record import Audit
from audit_core.metrics.calibration import Band, GroupCalibration
from audit_core.metrics.drift import DriftStatistics
from audit_core.metrics.estimate import Measured, TooFew
from audit_core.metrics.intervals import newcombe_difference, z_two_sided
from audit_core.metrics.measurements import CalibrationRow, DriftRow
from audit_core.report.charts.compared import GroupGaps, GroupMark
from audit_core.report.charts.drift import DRIFT_WORDS, feature_words, ranked, shares
from audit_core.report.csv_file import to_csv
from audit_core.report.numbers import POINTS, Figures, count, decimal, percent, ratio
from audit_core.report.people import group_words, subject_words
from audit_core.report.rates import counts_text, interval_text, rate_text
from audit_core.report.support_grid import GridCell, SupportGrid, cell_line
from audit_core.report.table_of_checks import check_rows
from audit_core.report.table_rows import NONE, RESULT, Rows
from audit_core.report.words import metric_name

__all__ = [
    "NONE",
    "RESULT",
    "Rows",
    "bin_rows",
    "calibration_rows",
    "cell_words",
    "check_rows",
    "count_rows",
    "drift_group_rows",
    "drift_table_rows",
    "grid_rows",
    "layer_rows",
    "new_category_rows",
    "same_score_rows",
    "slice_rows",
    "to_csv",
]

_SIGNED = Figures(unit=POINTS, digits=1)


def slice_rows(gaps: GroupGaps) -> Rows:
    """Return one row per group: its rate with counts and interval, and how it stands to the reference."""
    against = "Ratio" if gaps.compare == "ratio" else "Difference"
    base = group_words(gaps.reference) if gaps.reference is not None else "the reference"
    return [
        {
            "Group": mark.name,
            RESULT: mark.word,
            metric_name(gaps.metric): rate_text(mark.estimate),
            "Interval": interval_text(mark.estimate),
            "Counts": counts_text(mark.estimate),
            f"{against} to {base}": _against(mark, gaps),
            "Interval of it": _against_interval(mark, gaps),
        }
        for mark in gaps.marks
    ]


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
    return [_grid_row(cell, grid) for cell in grid.cells]


def _grid_row(cell: GridCell, grid: SupportGrid) -> dict[str, str]:
    numbers = {
        RESULT: "Judged" if cell.rate is not None else _not_judged(cell),
        metric_name(grid.metric): percent(cell.rate.value) if cell.rate is not None else NONE,
        "Interval": interval_text(cell.estimate) if cell.rate is not None else NONE,
        "People": count(cell.rows),
        "Positives": count(cell.positives),
        "Negatives": count(cell.negatives),
        "Lacks": cell.missing or NONE,
        "Required": "yes" if cell.required else NONE,
        "Outside": "withheld" if cell.private else NONE,
    }
    # An attribute may be called like a column of this table, and neither may push the other out.
    names = [subject_words((name,)) for name in grid.subject]
    heads = [f"{name} (group)" if name in numbers else name for name in names]
    heads = [f"{head} ({i + 1})" if head in heads[:i] else head for i, head in enumerate(heads)]
    parts = [group_words((level,)) for level in cell.group]
    return dict(zip(heads, parts, strict=True)) | numbers


def _not_judged(cell: GridCell) -> str:
    return "Not judged" if is_unknown(cell.group) else "Too few to judge"


def layer_rows(grid: SupportGrid) -> Rows:
    """Return one row per level of the third attribute: how much of its grid is judged."""
    parts = [(layer, grid.at(layer)) for layer in grid.layers]
    name = subject_words((grid.third,))
    head = f"{name} (group)" if name in ("Judged", "Too few", "People covered", "People") else name
    return [
        {
            head: group_words((layer,)),
            "Judged": f"{part.judged} of {part.known}",
            "Too few": str(part.too_few),
            "People covered": percent(part.covered) if part.covered is not None else NONE,
            "People": count(sum(cell.rows for cell in part.cells)),
        }
        for layer, part in parts
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
    names = [f"Observed, {group_words(group)}" for group in groups]
    if names[0] == names[1]:  # two long names that begin alike
        names[1] += " (2)"
    row |= {name: _observed(band) for name, band in zip(names, (a, b), strict=True)}
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
        {"Feature": feature_words(row.table), RESULT: DRIFT_WORDS[row.status]} | _drift_numbers(row)
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

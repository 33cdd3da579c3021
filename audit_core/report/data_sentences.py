"""Sentences of the checks of the data: groups that are covered, ids that overlap, inputs that drift."""

from __future__ import annotations

from audit_core.cube.axes import level_word
from audit_core.cube.count_cube import is_unknown
from audit_core.decision.record import Audit
from audit_core.findings.finding import Finding
from audit_core.metrics.drift import DriftStatistics
from audit_core.metrics.measurements import DriftRow
from audit_core.report.escape import clip
from audit_core.report.limits import check_of
from audit_core.report.needs_words import needs_sentence
from audit_core.report.numbers import RATIO, count, counted, decimal, figures, ratio
from audit_core.report.people import group_words, subject_words
from audit_core.report.takes_words import takes_sentence
from audit_core.report.words import names_text


def coverage_sentence(finding: Finding, audit: Audit) -> str:
    """Return whether every required group holds enough rows, and which do not."""
    names, least = list(finding.names), count(audit.contract.support.rows)
    what = f"Groups of {subject_words(finding.subject)}"
    smallest = ""
    if finding.low is not None:
        smallest = f" The smallest is {group_words(finding.low.group)} (n={count(finding.low.denominator)})."
    if finding.reason == "within":
        return f"{what}: every required group holds at least {least} rows.{smallest}"
    if finding.reason == "missing_group":
        absent = names_text(absent_groups(finding, audit) or names)
        text = f"{what}: no row of {absent}, so nothing can be said about that group."
        return f"{text} {needs_sentence(finding.needs)}".rstrip()
    if finding.reason == "one_group":
        return f"{what}: no group was found in the data (n=0), so there is nothing to assess."
    if finding.reason == "too_many_unknown":
        tables = audit.counted.cube.outcomes(finding.subject)
        unknown = sum(int(table.sum()) for group, table in tables.items() if is_unknown(group))
        return (
            f"{what}: {count(unknown)} of {count(audit.counted.cube.rows)} rows have no known group, "
            f"more than a tenth, so these data cannot settle the check. {takes_sentence(finding, audit)}"
        ).rstrip()
    verb = "holds" if len(names) == 1 else "hold"
    return (
        f"{what}: {names_text(names)} {verb} fewer than the {least} rows the contract requires.{smallest} "
        f"{needs_sentence(finding.needs)}"
    ).rstrip()


def absent_groups(finding: Finding, audit: Audit) -> list[str]:
    """Return the groups a finding names that hold no row."""
    present = {" × ".join(map(level_word, g)) for g in audit.counted.cube.groups(finding.subject)[0]}
    return [name for name in finding.names if name not in present]


def overlap_sentence(finding: Finding, audit: Audit) -> str:
    """Return how many people stand in the training sample and in the evaluation set."""
    shared = int(finding.value or 0)
    everyone = count(finding.high.denominator) if finding.high else "0"
    limit = decimal(finding.limit or 0, 0)
    text = (
        f"{counted(shared, 'ids')} of {everyone} in the evaluation set "
        f"also {'stands' if shared == 1 else 'stand'} in the training sample (limit {limit})"
    )
    if finding.reason == "within":
        return f"{text}. That is within the limit."
    if finding.reason == "ids_missing":
        return f"{text}. {_without_id(audit)}"
    return f"{text}. Figures measured on them flatter the model."


def _without_id(audit: Audit) -> str:
    """Return how many rows of each file have no id, so that nobody can tell who they are."""
    found = audit.counted.overlap
    if found is None or found.train_rows is None or found.evaluation_rows is None:
        return "The record does not say how many rows have no id. Audit the files again."
    sides = [
        (found.train_without_id, found.train_rows, "the training sample"),
        (found.evaluation_without_id, found.evaluation_rows, "the evaluation set"),
    ]
    told = [f"{count(none or 0)} of {counted(rows, 'rows')} in {file}" for none, rows, file in sides]
    return (
        f"{' and '.join(told)} have no id and may be the same people, so these files cannot settle the check."
    )


def drift_check_sentence(finding: Finding, audit: Audit) -> str:
    """Return which input moved most, and what the check of drift makes of all of them."""
    parts = [_drift_number(finding, audit), _drift_clause(finding)]
    return " ".join(part for part in parts if part)


def drift_row(finding: Finding, audit: Audit) -> DriftRow | None:
    """Return the feature a drift finding is about: the one that moved most."""
    feature = finding.high.group[0] if finding.high and finding.high.group else ""
    return next(
        (
            row
            for row in audit.measurements.drift
            if row.table.feature == feature and row.table.over_everybody
        ),
        None,
    )


def _drift_number(finding: Finding, audit: Audit) -> str:
    row = drift_row(finding, audit)
    if row is None or not isinstance(row.statistics, DriftStatistics):
        return "Input drift: no input could be compared with the training sample."
    found = row.statistics
    check = check_of(audit.contract, finding.check)
    warn = check.limit.warn if check else None
    shown = figures(RATIO, (found.psi,), (finding.limit, warn))
    limit = f"; limit {shown.text(finding.limit)}" if finding.limit is not None else ""
    return (
        f"Input drift: {clip(row.table.feature, 48)} moved most since training, PSI {shown.text(found.psi)} "
        f"(expected by chance up to {ratio(found.psi_null95)}{limit}; "
        f"n={count(found.current_rows)} against {count(found.reference_rows)})."
    )


def _drift_clause(finding: Finding) -> str:
    return f"{_drift_result(finding)} {needs_sentence(finding.needs)}".rstrip()


def _drift_result(finding: Finding) -> str:
    names = names_text(finding.names)
    if finding.reason == "drifted":
        return f"Outside the limit: {names}."
    if finding.reason == "drift_insufficient":
        return f"Not judged (too few rows for the bins, or not in the file as in training): {names}."
    if finding.warned:
        return f"No input is outside the limit; past the contract's warning: {names}."
    return "No input is outside the limit." if finding.status == "PASS" else ""

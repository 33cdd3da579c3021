"""The candidate against its baseline in the HTML report: what is compared, and a table for each check."""

from __future__ import annotations

from dataclasses import dataclass

from audit_core.decision.record import Audit
from audit_core.report.regression import (
    HOW_TO_READ,
    NO_BASELINE,
    OTHER_ROWS,
    SAME_ROWS,
    WHAT_NO_BASELINE_MEANS,
    baseline_sentence,
)
from audit_core.report.regression_tables import change_rows, comparisons
from audit_core.report.sentences import sentence
from audit_core.report.table_rows import Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeTable:
    """One check against the baseline: what it compares, what became of it, and its groups."""

    title: str
    said: str
    rows: Rows


def baseline_words(audit: Audit) -> str:
    """Return which baseline the release is compared with, or what it means that there is none."""
    baseline = audit.counted.baseline
    if baseline is None:
        return f"{NO_BASELINE} {WHAT_NO_BASELINE_MEANS}"
    return f"{baseline_sentence(baseline)} {SAME_ROWS if baseline.paired is not None else OTHER_ROWS}"


def change_tables(audit: Audit) -> tuple[ChangeTable, ...]:
    """Return a table for every check against the baseline; without rows where its numbers are not shown."""
    made = []
    for title, finding in comparisons(audit):
        rows = change_rows(finding, finding.row, audit) if finding.row is not None else []
        made.append(ChangeTable(title=title, said=sentence(finding, audit), rows=rows))
    return tuple(made)


READ_CHANGES = (
    "Change is the candidate’s rate minus the baseline’s, with its interval. “Only now” and “only before” "
    f"count the people whom one model selects, or harms, and the other does not. {HOW_TO_READ}"
)

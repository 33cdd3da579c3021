"""Group tables of a report that leaves the workspace: each rate with its counts and interval, or why not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from audit_core.contract.schema import Subject
from audit_core.contract.test_plan import parts_of, plan_of
from audit_core.cube.count_cube import Group
from audit_core.decision.record import Audit
from audit_core.metrics.catalogue import RATES
from audit_core.metrics.estimate import Estimate, Measured, Suppressed, TooFew
from audit_core.report.numbers import counted, level_words, percent
from audit_core.report.people import group_words, subject_words
from audit_core.report.rates import counts_text, interval_text
from audit_core.report.table_rows import NONE, RESULT, Rows
from audit_core.report.words import MARK_WORDS, WITHHELD, metric_name

SHOWN = ("tpr", "fpr", "selection_rate")
READ_GROUPS = (
    "Each row is one group. “Counts” are the people the rate is made of; the interval is the range of rates "
    "these counts are compatible with. “Too few to judge” is shown and decides nothing; what is withheld for "
    "privacy was judged and is not shown."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTable:
    """A metric over the groups of one subject; `note` says how many groups are withheld."""

    title: str
    rows: Rows
    note: str


def group_tables(audit: Audit) -> tuple[GroupTable, ...]:
    """Return a table for every attribute and slice, and every metric of the plan and beside it."""
    single = [subject for subject in audit.measurements.subjects if len(subject) == 1]
    return tuple(_tables(audit, single, metrics(audit)))


def intersection_tables(audit: Audit) -> tuple[GroupTable, ...]:
    """Return the support of every combination, by the rate the plan rests on."""
    crossed = [subject for subject in audit.measurements.subjects if len(subject) > 1]
    return tuple(_tables(audit, crossed, metrics(audit)[:1]))


def metrics(audit: Audit) -> tuple[str, ...]:
    """Return the rates to show: those the plan names first, then the three that every report has."""
    plan = plan_of(audit.contract)
    named = [rate for metric in (plan.primary, *plan.guardrails) for rate in sorted(parts_of(metric))]
    return tuple(dict.fromkeys(metric for metric in (*named, *SHOWN) if metric in RATES))


def _tables(audit: Audit, subjects: Sequence[Subject], shown: tuple[str, ...]) -> Iterator[GroupTable]:
    for subject in subjects:
        for metric in shown:
            groups = audit.measurements.groups_of(subject)
            found = [(group, audit.measurements.rate(subject, group, metric)) for group in groups]
            rows = [_row(group, estimate, metric, audit) for group, estimate in found if estimate is not None]
            hidden = sum(row[RESULT] == WITHHELD for row in rows)
            if rows:
                yield GroupTable(
                    title=f"{metric_name(metric)} by {subject_words(subject)}",
                    rows=rows,
                    note=f"{counted(hidden, 'groups')} withheld for privacy." if hidden else "",
                )


def _row(group: Group, found: Estimate, metric: str, audit: Audit) -> dict[str, str]:
    level = level_words(audit.contract.statistics.level)
    known = isinstance(found, Measured | TooFew)
    return {
        "Group": group_words(group),
        RESULT: _word(found),
        metric_name(metric): percent(found.value) if isinstance(found, Measured | TooFew) else NONE,
        f"{level} interval": interval_text(found),
        "Counts": counts_text(found),
        "Stands on": RATES[metric].people if known else NONE,
    }


def _word(found: Estimate) -> str:
    if isinstance(found, Measured):
        return "Enough to judge"
    if isinstance(found, TooFew):
        return MARK_WORDS["too_few"]
    return WITHHELD if isinstance(found, Suppressed) else MARK_WORDS["undefined"]

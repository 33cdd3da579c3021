"""What the data leave open, group by group: unknown people, missing cells, abstentions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from audit_core.contract.schema import Subject
from audit_core.cube.axes import level_word
from audit_core.decision.record import Audit
from audit_core.metrics.estimate import Estimate, Measured, TooFew
from audit_core.metrics.measurements import DecidedRates, SubjectGap
from audit_core.metrics.missing import MissingRow
from audit_core.report.numbers import count, counted, percent, points, ratio
from audit_core.report.people import group_words, subject_words
from audit_core.report.rates import counts_text, interval_text, rate_text
from audit_core.report.result_measures import encode_estimate
from audit_core.report.result_numbers import number, words
from audit_core.report.table_rows import NONE, Rows
from audit_core.report.words import measure_name, metric_name

SHOWN_DECIDED = ("selection_rate", "tpr", "fpr", "accuracy")


def unknown_sentence(measured: SubjectGap) -> str:
    """Return how far the people of unknown group could move a gap; empty where there are none."""
    found, value = measured.unknown, measured.gap.value
    if found is None or value is None:
        return ""
    size = ratio if measured.gap.compare == "ratio" else points
    name = measure_name(measured.metric, measured.gap.compare)
    name = name[:1].lower() + name[1:]
    return (
        f"{counted(found.people, 'people')} of unknown {subject_words(measured.subject)} are in no gap. "
        f"Whichever group each of them belongs to, the {name} would lie between {size(found.smallest)} and "
        f"{size(found.largest)}; without them it is {size(value)}."
    )


def decided_rows(audit: Audit, subject: Subject) -> Rows:
    """Return one row per group: its rates among the people who were decided on; none without abstentions."""
    return [
        {"Group": group_words(row.group), "Abstained on": count(row.abstained)}
        | {metric_name(name): _estimate(dict(row.rates)[name]) for name in SHOWN_DECIDED}
        for row in audit.measurements.decided
        if row.subject == subject
    ]


def missing_sentences(audit: Audit) -> Iterator[str]:
    """Yield a sentence for every column whose cells are missing unequally, beyond chance, between groups."""
    for row in audit.measurements.missing:
        high, low = row.gap.high, row.gap.low
        if not row.apart or high is None or low is None or row.gap.value is None:
            continue
        ends = [_share(row, member.group[0]) for member in (high, low)]
        yield (
            f"{row.column} ({row.part}) is missing unequally by {subject_words((row.attribute,))}: "
            f"{ends[0]} against {ends[1]}; the shares differ by at least {points(row.gap.lower_all)}."
        )


def missing_table(audit: Audit) -> Rows:
    """Return one row per column with missing cells and per group: share, interval and counts."""
    return [
        {
            "Column": row.column,
            "Part": row.part,
            "By": row.attribute,
            "Group": level_word(group),
            "Missing": percent(found.value) if isinstance(found, Measured | TooFew) else NONE,
            "Interval": interval_text(found),
            "Counts": counts_text(found),
            "Apart beyond chance": "yes" if row.apart else "not shown",
        }
        for row in audit.measurements.missing
        for group, found in row.groups
    ]


def encode_missing(row: MissingRow) -> dict[str, Any]:
    """Return the missing cells of one column by group, for the result file."""
    gap = row.gap
    return {
        "attribute": row.attribute,
        "column": row.column,
        "part": row.part,
        "groups": [{"group": level_word(group), **encode_estimate(found)} for group, found in row.groups],
        "value": number(gap.value),
        "lower": number(gap.lower_all) if gap.value is not None else None,
        "upper": number(gap.upper) if gap.value is not None else None,
        "chance_of_gap": number(gap.chance_of_gap),
    }


def encode_decided(row: DecidedRates) -> dict[str, Any]:
    """Return a group's rates among the people decided on, for the result file."""
    return {
        "attribute": list(row.subject),
        "group": words(row.group),
        "abstained": row.abstained,
        "rates": [{"metric": name, **encode_estimate(found)} for name, found in row.rates],
    }


def _share(row: MissingRow, group: str) -> str:
    found = dict(row.groups)[group]
    return f"{counts_text(found)} ({rate_text(found)}) of {level_word(group)}"


def _estimate(found: Estimate) -> str:
    if not isinstance(found, Measured | TooFew):
        return "undefined"
    few = " · too few" if isinstance(found, TooFew) else ""
    return f"{rate_text(found)} ({interval_text(found)}; {counts_text(found)}){few}"

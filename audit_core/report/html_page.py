"""The values of the HTML report, section by section: plain strings, and tables as rows of text."""

from __future__ import annotations

from typing import Any

from audit_core.contract.evaluation_sources import NEVER_APPROVES
from audit_core.contract.schema import ReleaseContract
from audit_core.decision.record import Audit
from audit_core.report.conflicts import accepted_sentences
from audit_core.report.evaluations import READ_EVALUATIONS, declared_rows, evaluation_rows
from audit_core.report.headline import ground_sentence
from audit_core.report.html_chart import READ_CHART, primary_chart
from audit_core.report.html_groups import READ_GROUPS, group_tables, intersection_tables
from audit_core.report.html_plan import monitoring_values
from audit_core.report.html_regression import READ_CHANGES, baseline_words, change_tables
from audit_core.report.law import CHECKED_SENTENCE, NOT_COVERED, law_rows
from audit_core.report.matrix import READ_MATRIX, matrix_rows, not_checked
from audit_core.report.numbers import counted
from audit_core.report.summary import Summary, summary
from audit_core.report.table_of_checks import check_rows
from audit_core.report.table_rows import NONE, RESULT, Rows
from audit_core.report.tables import calibration_rows, drift_table_rows
from audit_core.report.test_plan import plan_rows, plan_warnings
from audit_core.report.words import (
    CANARY_WORDS,
    MARK_SHAPES,
    MARK_WORDS,
    NOT_DISCRIMINATION,
    READ_INTERVAL,
    VERDICT_MARKS,
    VERDICT_WORDS,
)

READ_CHECKS = f"{READ_INTERVAL} “Evidence” says whether chance alone could be behind the result."
READ_DRIFT = (
    "PSI compares the shares of each input’s bins between training and evaluation. “By chance up to” is what "
    "95 of 100 pairs of samples of these sizes stay under when nothing has changed; only more says much. An "
    "input with a bin of few rows is given to one decimal here, so that no count can be worked out."
)
READ_CALIBRATION = (
    "“Outcomes above scores” is how far the outcomes of a group lie above its mean score; near zero, a score "
    "means what it says. ECE is never zero by chance, so it stands beside what chance alone gives."
)
NO_CALIBRATION = (
    "Score bands of groups are not part of a published report. What the contract asks of calibration stands "
    "in its table, line by line."
)
NO_DRIFT = "No training sample was compared, so nothing is said about drift."
RATE_INTERVALS = {
    "wilson": "Wilson’s score interval",
    "clopper-pearson": "the exact one of Clopper and Pearson",
}
METHODS = (
    "A check is within its limit only when the most the true value could be (“at most”) keeps the limit for "
    "every pair of groups; a small sample is never within it.",
    "It is outside, confirmed, when even the least the true value could be (“at least”), allowing for all "
    "pairs that were compared, breaks the limit.",
    "Between the two it is inconclusive, or outside but not confirmed where the contract lets a measured "
    "value fail.",
    "Numbers are compared with limits as exact fractions, so no rounding decides.",
    "Input drift is the population stability index with a half added to every bin, beside its chance level.",
    "Rows are read once and counted; every number here comes from the counts whose hash stands above.",
    "Groups under the privacy floor, and those they could be worked out from, are withheld here. The verdict "
    "was reached on all groups.",
)


def page_values(audit: Audit) -> dict[str, Any]:
    """Return everything on the page. `audit` is the published view: nothing here takes a row out again."""
    page = summary(audit)
    return {
        "none": NONE,
        "result": RESULT,
        "marks": _marks(),
        "identity": page.identity,
        "signed": page.signed,
        "head": page.headline,
        "cards": page.cards,
        "digest": page.digest,
        "footnote": page.footnote,
        "not_discrimination": NOT_DISCRIMINATION,
        **_findings(audit, page),
        **_contract(audit),
        **_numbers(audit),
        **_sources(audit),
        **_records(page),
        **monitoring_values(audit),
        "law": law_rows(audit.contract.domain),
        "law_checked": CHECKED_SENTENCE,
        "law_missing": NOT_COVERED,
        "methods": _methods(audit.contract),
    }


def _methods(contract: ReleaseContract) -> tuple[str, ...]:
    """How the numbers were reached; the interval of one rate is the contract's choice."""
    single = RATE_INTERVALS[contract.statistics.interval]
    return (
        f"The interval of one rate is {single}, of a difference Newcombe’s, of a ratio Koopman’s.",
        *METHODS,
    )


def _marks() -> dict[str, dict[str, str]]:
    """Class and shape of every status word; a word that is none gets neither."""
    found = {word: {"kind": mark, "shape": MARK_SHAPES[mark]} for mark, word in MARK_WORDS.items()}
    verdicts = {
        words[v]: mark for words in (VERDICT_WORDS, CANARY_WORDS) for v, mark in VERDICT_MARKS.items()
    }
    return found | {word: {"kind": mark, "shape": MARK_SHAPES[mark]} for word, mark in verdicts.items()}


def _findings(audit: Audit, page: Summary) -> dict[str, Any]:
    found: Rows = [
        {
            "Finding": ", ".join(part for part in (row.title, row.subject) if part),
            "In words": row.people or row.sentence or row.counts,
            "Measured": row.value or NONE,
            "Counts": row.counts or NONE,
            "Range": "; ".join(part for part in (row.interval, row.bounds) if part) or NONE,
            "Contract": row.limit,
            RESULT: row.status,
        }
        for row in page.found
    ]
    return {
        "found": found,
        "grounds": [ground_sentence(reason, audit) for reason in audit.decision.reasons],
        "recommend": [(line.text, line.owner) for line in page.recommend],
        "not_known": page.not_known,
    }


def _contract(audit: Audit) -> dict[str, Any]:
    contract = audit.contract
    return {
        "checks": check_rows(audit),
        "read_checks": READ_CHECKS,
        "plan": plan_rows(contract),
        "plan_warnings": plan_warnings(contract),
        "matrix": matrix_rows(contract),
        "read_matrix": READ_MATRIX,
        "not_checked": not_checked(contract),
        "accepted": accepted_sentences(audit),
    }


def _numbers(audit: Audit) -> dict[str, Any]:
    drift = [row for row in audit.measurements.drift if row.table.over_everybody]
    return {
        "chart": primary_chart(audit),
        "read_chart": READ_CHART,
        "groups": group_tables(audit),
        "read_groups": READ_GROUPS,
        "intersections": intersection_tables(audit),
        "calibration": calibration_rows(audit.measurements.calibration),
        "read_calibration": READ_CALIBRATION,
        "no_calibration": NO_CALIBRATION,
        "drift": drift_table_rows(drift),
        "read_drift": READ_DRIFT,
        "no_drift": NO_DRIFT,
        "baseline": baseline_words(audit),
        "changes": change_tables(audit),
        "read_changes": READ_CHANGES,
    }


def _sources(audit: Audit) -> dict[str, Any]:
    return {
        "sources": declared_rows(audit),
        "evaluations": evaluation_rows(audit),
        "read_evaluations": READ_EVALUATIONS,
        "never_approves": NEVER_APPROVES,
    }


def _records(page: Summary) -> dict[str, Any]:
    return {
        "audited": [
            {"Item": line.item, "Name": line.name, "Rows": line.rows or NONE, "SHA-256": line.sha256}
            for line in page.audited
        ],
        "requirements": [
            {
                "Requirement": line.name,
                "Stated": "met" if line.met else "not met, blocks" if line.blocking else "not met",
                "By": line.by or NONE,
                "Evidence": line.evidence or NONE,
            }
            for line in page.requirements
        ],
        "watches": [
            {
                "Watched": watch.what,
                "Stage": watch.stage,
                "Every": watch.window or NONE,
                "Limit": watch.limit or NONE,
                "Then": ": ".join(part for part in (watch.action, watch.who) if part) or NONE,
            }
            for watch in page.watches
        ],
        "sign_off": [
            {"Role": line.role, "Name": line.name or "(fill in)", "Signature": line.state}
            for line in page.sign_off
        ],
        "more": counted(page.headline.more, "further grounds") if page.headline.more else "",
    }

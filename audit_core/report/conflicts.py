"""What cannot hold together, in words, as tables and in the result file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from audit_core.contract.schema import AcceptedConflict
from audit_core.decision.record import Audit
from audit_core.findings.conflicts import Conflict, Standing, SubjectConflicts, conflicts, standing_alone
from audit_core.metrics.incompatibility import IMPLIED, Confusion, Incompatibility, Scenario
from audit_core.metrics.intervals import wilson, z_two_sided
from audit_core.report.escape import clip, one_line
from audit_core.report.numbers import POINTS, RATIO, count, figures, level_words, percent, points
from audit_core.report.people import group_words, subject_words
from audit_core.report.table_rows import NONE, RESULT, Rows
from audit_core.report.words import metric_name, names_text

CANNOT_HOLD = "Cannot hold together here"
NOT_CONFIRMED = "Points to a conflict, not confirmed"
NO_CONFLICT = "Not in conflict on this data"
TOO_FEW = "Too few to judge"
NO_PAIR = "No such pair in the contract"
STANDING_WORDS: dict[Standing, str] = {
    "cannot_hold": CANNOT_HOLD,
    "not_confirmed": NOT_CONFIRMED,
    "no_conflict": NO_CONFLICT,
    "too_few": TOO_FEW,
    "no_pair": NO_PAIR,
}
SCENARIO_WORDS: dict[Scenario, str] = {
    "precision_equal": "Equal positive predictive values, with each group's misses as they are,",
    "errors_equal": "Equal true and false positive rates",
    "selection_implied": "Equal true and false positive rates",
}
_THEN: dict[Scenario, str] = {
    "precision_equal": "false positive rates",
    "errors_equal": "positive predictive values",
    "selection_implied": "selection rates",
}
_CRITERIA: dict[Scenario, str] = {
    "precision_equal": "predictive parity and equal false positive rates",
    "errors_equal": "equalized odds and predictive parity",
    "selection_implied": "equalized odds and equal selection rates",
}
LONGEST_REASON = 240


def found_conflicts(audit: Audit) -> tuple[SubjectConflicts, ...]:
    """Return what cannot hold together in an audit."""
    return conflicts(audit.contract, audit.counted, audit.stages)


def summary_sentence(found: Sequence[SubjectConflicts]) -> str:
    """Return the panel's first line: how many of the contract's sets of checks cannot hold together."""
    judged = [c for subject in found for c in subject.conflicts if c.checks and c.standing != "too_few"]
    if not judged:
        return (
            "The contract has no checks that could be in such a conflict for one attribute, or too few "
            "people stand behind them. The rows below say which criteria would be."
        )
    wrong = sum(c.standing == "cannot_hold" for c in judged)
    open_ = sum(c.standing == "not_confirmed" for c in judged)
    sets = "1 set" if len(judged) == 1 else f"{len(judged)} sets"
    head = f"The contract holds {sets} of checks that could exclude each other"
    if not wrong and not open_:
        return f"{head}; on these people {'it does not' if len(judged) == 1 else 'none of them does'}."
    parts = [f"{wrong} of them cannot hold together here"] if wrong else []
    parts += [f"for {open_} the data point that way, but chance alone could explain it"] if open_ else []
    return f"{head}: {'; '.join(parts)}."


def conflict_sentence(conflict: Conflict, found: SubjectConflicts, audit: Audit) -> str:
    """Return one scenario as a sentence with its numbers."""
    by = subject_words(conflict.subject)
    if conflict.implied is None or found.counts is None:
        return f"By {by}: too few people to say what would follow."
    base = _base_words(found, audit)
    said = SCENARIO_WORDS[conflict.scenario]
    head = f"By {by}: {said[0].lower()}{said[1:]} would mean {_then(conflict, found.counts, audit)}."
    if conflict.standing == "no_conflict" and not found.counts.base_rates_differ:
        none = f"Base rates differ by no more than chance explains ({base}), so nothing is in conflict here."
        return f"{head} {none}"
    if conflict.standing == "no_pair":
        return f"{head} The contract does not limit {_CRITERIA[conflict.scenario]} together ({base})."
    limited = f"the limit of “{conflict.checks[-1]}”"
    clause = {
        "cannot_hold": f"That is outside {limited} even after allowing for chance: while the first rates are "
        "equal, that check cannot be met",
        "not_confirmed": f"That is outside {limited}, but chance alone could account for it",
    }.get(conflict.standing, f"That is not outside {limited}")
    return f"{head} {clause} ({base})."


def conflict_rows(found: Sequence[SubjectConflicts], audit: Audit) -> Rows:
    """Return one row per attribute and scenario."""
    return [
        {
            "Attribute": subject_words(conflict.subject),
            "If this were equal": SCENARIO_WORDS[conflict.scenario].rstrip(","),
            "this would follow": _gap_words(conflict, audit),
            "People": _people_words(conflict, subject),
            "Limit": _limit_words(conflict),
            "Checks": names_text(conflict.checks) if conflict.checks else NONE,
            RESULT: STANDING_WORDS[conflict.standing],
            "Accepted by": _accepted_by(conflict),
        }
        for subject in found
        for conflict in subject.conflicts
    ]


def implied_rows(found: SubjectConflicts, level: float) -> Rows:
    """Return every group's rates with counts and intervals, and the rate each scenario leaves it."""
    if found.counts is None:
        return []
    rows = []
    for group in found.counts.groups:
        row = {
            "Group": group_words(group.group),
            "Base rate": _ranged(group.positives, group.positives + group.negatives, level),
            "FPR now": _ranged(group.fp, group.negatives, level),
            "FPR if PPV were equal": _implied(found, "precision_equal", group),
            "PPV now": _ranged(group.tp, group.tp + group.fp, level),
            "PPV if TPR and FPR were equal": _implied(found, "errors_equal", group),
            "Selection rate now": _ranged(group.tp + group.fp, group.positives + group.negatives, level),
            "Selection rate if TPR and FPR were equal": _implied(found, "selection_implied", group),
        }
        rows.append(row)
    return rows


def accepted_sentence(accepted: AcceptedConflict) -> str:
    """Return an accepted conflict as every report prints it."""
    reason = clip(one_line(accepted.reason), LONGEST_REASON).rstrip(".")
    return (
        f"Accepted conflict between {names_text(accepted.checks)}: {reason}. "
        f"Accepted by {one_line(accepted.person)} ({accepted.role}) on {accepted.date}; it changes no "
        "verdict."
    )


def accepted_sentences(audit: Audit, check: str = "") -> tuple[str, ...]:
    """Return the accepted conflicts of a contract, or those of one check."""
    every = audit.contract.conflicts
    return tuple(accepted_sentence(accepted) for accepted in every if not check or check in accepted.checks)


def encode_conflicts(audit: Audit) -> dict[str, Any]:
    """Return the part of the result file: what was found for each attribute, and what was accepted."""
    found = found_conflicts(audit)
    return {
        "found": [_encoded(conflict) for subject in found for conflict in subject.conflicts],
        "accepted": [_encoded_acceptance(accepted) for accepted in audit.contract.conflicts],
    }


def not_found_here(audit: Audit, found: Sequence[SubjectConflicts]) -> tuple[str, ...]:
    """Return the accepted conflicts that belong to no row of the table."""
    return tuple(accepted_sentence(accepted) for accepted in standing_alone(audit.contract, found))


def _encoded(conflict: Conflict) -> dict[str, Any]:
    implied = conflict.implied
    return {
        "attribute": list(conflict.subject),
        "scenario": conflict.scenario,
        "metric": IMPLIED[conflict.scenario],
        "checks": list(conflict.checks),
        "status": conflict.standing,
        "limit": None if conflict.limit is None else _figure(float(conflict.limit)),
        "compare": implied.compare if implied else None,
        "value": _figure(float(implied.value)) if implied else None,
        "low": _figure(implied.interval.low) if implied and implied.interval else None,
        "high": _figure(implied.interval.high) if implied and implied.interval else None,
        "least": _figure(implied.least) if implied else None,
        "implied": [
            {"group": list(group), "value": _figure(float(value))}
            for group, value in (implied.values if implied else ())
        ],
        "accepted": conflict.accepted is not None,
    }


def _encoded_acceptance(accepted: AcceptedConflict) -> dict[str, Any]:
    return {
        "checks": list(accepted.checks),
        "person": accepted.person,
        "role": accepted.role,
        "reason": accepted.reason,
        "date": accepted.date,
    }


def _figure(value: float) -> float | None:
    """A number with twelve digits; None where a draw left no bound."""
    return float(f"{value:.12g}") if abs(value) < float("inf") else None


def _then(conflict: Conflict, counts: Incompatibility, audit: Audit) -> str:
    implied = conflict.implied
    assert implied is not None
    values = dict(implied.values)
    high, low = values[implied.high], values[implied.low]
    people = {group.group: group.positives + group.negatives for group in counts.groups}
    pair = " against ".join(
        f"{percent(value)} in {group_words(group)} (n={count(people[group])})"
        for value, group in ((high, implied.high), (low, implied.low))
    )
    return f"{_THEN[conflict.scenario]} of {pair}: {_gap_words(conflict, audit)}"


def _gap_words(conflict: Conflict, audit: Audit) -> str:
    implied = conflict.implied
    if implied is None:
        return NONE
    unit = RATIO if implied.compare == "ratio" else POINTS
    shown = figures(unit, (implied.value,), (conflict.limit,))
    word = f"{metric_name(IMPLIED[conflict.scenario])} {'ratio' if implied.compare == 'ratio' else 'gap'}"
    level = level_words(audit.contract.statistics.level)
    if implied.interval is None:
        return f"{word} {shown.text(implied.value)} (its interval cannot be told)"
    low, high = implied.interval
    return f"{word} {shown.text(implied.value)} ({level} interval {shown.bare(low)} to {shown.bare(high)})"


def _people_words(conflict: Conflict, found: SubjectConflicts) -> str:
    """People of the two groups the implied gap stands between."""
    implied = conflict.implied
    if implied is None or found.counts is None:
        return NONE
    people = {group.group: group.positives + group.negatives for group in found.counts.groups}
    return f"{count(people[implied.high])} against {count(people[implied.low])}"


def _limit_words(conflict: Conflict) -> str:
    if conflict.limit is None or conflict.implied is None:
        return NONE
    ratio = conflict.implied.compare == "ratio"
    shown = figures(RATIO if ratio else POINTS, (conflict.implied.value,), (conflict.limit,))
    return f"{shown.text(conflict.limit)} or {'more' if ratio else 'less'}"


def _base_words(found: SubjectConflicts, audit: Audit) -> str:
    counts = found.counts
    assert counts is not None
    gap = points(counts.base_gap)
    if counts.base_interval is None:
        return f"base rates {gap} apart"
    low, high = counts.base_interval
    level = level_words(audit.contract.statistics.level)
    return f"base rates {gap} apart, {level} interval {points(low)} to {points(high)}"


def _ranged(part: int, whole: int, level: float) -> str:
    if not whole:
        return "undefined"
    low, high = wilson(part, whole, z_two_sided(level))
    return f"{percent(part / whole)} ({count(part)} of {count(whole)}; {percent(low)} to {percent(high)})"


def _implied(found: SubjectConflicts, scenario: Scenario, group: Confusion) -> str:
    gap = found.counts.of(scenario, "difference") if found.counts else None
    if gap is None:
        return "undefined"
    value = dict(gap.values)[group.group]
    return percent(value) if value <= 1 else f"{percent(value)}: no decisions can have it"


def _accepted_by(conflict: Conflict) -> str:
    if conflict.accepted is None:
        return "not accepted" if conflict.standing in ("cannot_hold", "not_confirmed") else NONE
    return f"{one_line(conflict.accepted.person)} ({conflict.accepted.role}), {conflict.accepted.date}"

"""A sentence for every status and reason a check can end with, each with its number, bounds and counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from audit_core.decision.record import Audit
from audit_core.findings.finding import Finding, GroupValue
from audit_core.metrics.catalogue import CRITERIA, RATES
from audit_core.metrics.measure import rate_metric
from audit_core.report.data_sentences import (
    absent_groups,
    coverage_sentence,
    drift_check_sentence,
    overlap_sentence,
)
from audit_core.report.judged_rows import judged_sentence
from audit_core.report.limits import check_of
from audit_core.report.numbers import count, figures, level_words
from audit_core.report.people import group_words, subject_words
from audit_core.report.readings import Reading, group_figures, reading
from audit_core.report.regression import regression_conclusion, regression_sentence
from audit_core.report.takes_words import takes_sentence
from audit_core.report.withheld import WithheldFinding, withheld_sentence
from audit_core.report.words import REMEDIES, finding_name, measure_name, metric_name, names_text

_SPECIAL = ("coverage", "overlap", "psi")
_Side = Literal["gap", "value"]


def sentence(finding: Finding, audit: Audit) -> str:
    """Return what became of a check in a few sentences: its numbers, and on which days of a canary."""
    return f"{_became(finding, audit)} {judged_sentence(finding)}".rstrip()


def _became(finding: Finding, audit: Audit) -> str:
    if finding.status == "NOT_RUN":
        return _not_run(finding)
    if isinstance(finding, WithheldFinding):
        return withheld_sentence(finding, audit.contract)
    if finding.change is not None:
        return regression_sentence(finding, audit)
    special: dict[str, Callable[[Finding, Audit], str]] = {
        "coverage": coverage_sentence,
        "overlap": overlap_sentence,
        "psi": drift_check_sentence,
    }
    if finding.metric in special:
        return special[finding.metric](finding, audit)
    return _gap(finding, audit) if finding.compare in ("difference", "ratio") else _value(finding, audit)


def conclusion(finding: Finding, audit: Audit) -> str:
    """Return what the numbers of a gap or value mean for its check, without the numbers; "" for others."""
    if (finding.value is None and finding.change is None) or finding.metric in _SPECIAL:
        return ""
    if finding.change is not None:
        return regression_conclusion(finding, audit)
    side: _Side = "gap" if finding.compare in ("difference", "ratio") else "value"
    return " ".join(part for part in (_clause(finding, audit, side), takes_sentence(finding, audit)) if part)


def reading_sentence(read: Reading, audit: Audit) -> str:
    """Return a gap's numbers: both groups with their counts, the gap and its ranges; no full stop."""
    word = "a ratio of" if read.compare == "ratio" else "a gap of"
    amount = read.figures.text(read.value) if read.value is not None else "no number"
    by = f"by {subject_words(read.subject)}"
    favoured = read.compare == "ratio" and read.metric in RATES
    name = rate_metric(audit.contract, read.metric, favourable=True).name if favoured else ""
    head = f"{name or metric_name(read.metric)} {by}"
    if read.metric == "calibration_in_the_large":
        head += " (outcome rate minus mean score)"
    if read.metric == "exposure":
        head += " (ranges are approximate: places in one list depend on each other)"
    return f"{head}: {_groups_text(read)}, {word} {amount} ({ranges_text(read, audit)})"


def ranges_text(read: Reading, audit: Audit) -> str:
    """Return the interval, the decision bounds and the limit, as they stand in brackets behind a number."""
    parts = [interval_text(read, audit), bounds_text(read), _no_bound(read, audit)]
    if read.limit is not None:
        parts.append(f"limit {_limit_text(read)}")
    return "; ".join(part for part in parts if part)


def _no_bound(read: Reading, audit: Audit) -> str:
    """Why drawn numbers give no bound to approve with; "" where they do."""
    found = audit.measurements.gap(read.subject, read.metric, read.compare)
    drawn = found.gap.simulated if found else None
    return f"no upper bound, since {drawn.absent}" if drawn and drawn.absent else ""


def interval_text(read: Reading, audit: Audit) -> str:
    """Return “95 % interval 11.3 to 20.3”, or "" where there is none."""
    if read.interval is None:
        return ""
    shown, level = read.figures, level_words(audit.contract.statistics.level)
    low, high = read.interval
    if high == float("inf"):
        return f"{level} interval from {shown.bare(low)} upwards"
    return f"{level} interval {shown.bare(low)} to {shown.bare(high)}"


def bounds_text(read: Reading) -> str:
    """Return “at least 10.9, at most 19.6”: the bounds that are compared with the limit."""
    shown = read.figures
    least = f"at least {shown.bare(read.lower)}" if read.lower is not None else ""
    most = f"at most {shown.bare(read.upper)}" if read.upper is not None else ""
    return ", ".join(part for part in (least, most) if part)


def rate_behind(finding: Finding, audit: Audit) -> str:
    """Return the rate whose gap a finding reports: a criterion's rate, the worse one of equalized odds."""
    parts = CRITERIA.get(finding.metric, (finding.metric,))
    if len(parts) == 1:
        return parts[0]
    gap = audit.measurements.gap(finding.subject, finding.metric, finding.compare)
    for part in gap.parts if gap else ():
        bound = finding.upper if finding.compare == "ratio" else finding.lower
        accused = part.gap.upper_all if finding.compare == "ratio" else part.gap.lower_all
        by_all = finding.reason == "beyond" and None in (finding.lower, finding.upper) and bound == accused
        if part.gap.value == finding.value or by_all:
            return part.metric
    return finding.metric


def _limit_text(read: Reading) -> str:
    shown = read.figures
    least, most = read.limits
    if least is not None and most is not None:
        return f"{shown.text(least)} to {shown.text(most)}"
    if most is not None:
        return shown.text(most)
    return f"{shown.text(least)} or more" if least is not None else ""


def _groups_text(read: Reading) -> str:
    if read.high is None or read.low is None:
        return "no group with data"
    if read.high.group == read.low.group:
        return f"{_group_text(read.low, read.metric)}, the same in every group compared"
    return f"{_group_text(read.low, read.metric)}, {_group_text(read.high, read.metric)}"


def _group_text(value: GroupValue, metric: str) -> str:
    return f"{group_words(value.group)} {group_figures(metric, value)} (n={count(value.denominator)})"


def _not_run(finding: Finding) -> str:
    what = finding_name(finding)
    if finding.subject:
        what += f" by {subject_words(finding.subject)}"
    why = REMEDIES.get(finding.reason, REMEDIES["not_computed"])
    return f"{what} was not judged: {why}. Until then this check counts as undecided."


def _gap(finding: Finding, audit: Audit) -> str:
    read = reading(finding)
    if read.value is None:
        return _no_gap(finding, read, audit)
    return f"{reading_sentence(read, audit)}. {conclusion(finding, audit)}"


def _no_gap(finding: Finding, read: Reading, audit: Audit) -> str:
    what = f"{measure_name(finding.metric, finding.compare)} by {subject_words(finding.subject)}"
    if finding.reason == "undefined":
        return (
            f"{what}: undefined, since the rate is 0 in every group; "
            "that is neither within nor outside a limit."
        )
    only = f" ({_group_text(read.high, read.metric)})" if read.high else ""
    found = "only one group" if read.high else "no group"
    text = f"{what}: {found}{only} has data, so there is nothing to compare it with."
    return f"{text} {takes_sentence(finding, audit)}".rstrip()


def _value(finding: Finding, audit: Audit) -> str:
    read = reading(finding)
    what = f"{metric_name(finding.metric)} by {subject_words(finding.subject)}"
    if read.value is None or read.low is None:
        return f"{what}: {_no_value(finding, audit)} {_clause(finding, audit, 'value')}"
    group = f"{group_words(read.low.group)} {read.figures.text(read.value)} (n={count(read.low.denominator)}"
    text = f"{what}: the group that decides is {group}; {ranges_text(read, audit)})."
    return f"{text} {conclusion(finding, audit)}"


def _no_value(finding: Finding, audit: Audit) -> str:
    """Why the group that decides has no value."""
    absent = absent_groups(finding, audit)
    if absent:
        return f"no row of {names_text(absent)}, so nothing can be said about that group."
    whose = "a required group" if finding.names else "no group"
    return f"undefined, since {whose} holds {'no' if finding.names else 'a'} case to divide by."


def _clause(finding: Finding, audit: Audit, side: _Side) -> str:
    """What the numbers mean for the check, by reason and evidence."""
    what = "ratio" if finding.compare == "ratio" else side
    fixed = {
        "within": f"The {what} is shown to be within the limit.{_warning(finding, audit)}",
        "beyond": _beyond(finding, what),
        "point_beyond": _point_beyond(finding, what),
        "either_way": f"The true {what} may lie on either side of the limit, so these data cannot settle it.",
        "too_few": _too_few(finding, audit),
        "too_many_unknown": f"Over a tenth of the rows have no known {subject_words(finding.subject)}, "
        "so these data cannot settle the check.",
        "too_many_dropped": "Over a tenth of the rows have no usable score or decision, so these data cannot "
        "settle the check.",
        "undefined": "That is neither within nor outside a limit.",
    }
    return fixed.get(finding.reason, "")


def _beyond(finding: Finding, what: str) -> str:
    read = reading(finding)
    least, most = read.limits
    value = read.value or 0
    outside = (most is not None and value > most) or (least is not None and value < least)
    if outside:
        return f"The {what} is shown to be outside the limit, even after allowing for chance."
    return (
        f"These groups alone are not outside the limit; with every group of ten or more people counted in, "
        f"the {what} is shown to be outside it ({bounds_text(read)})."
    )


def _point_beyond(finding: Finding, what: str) -> str:
    counts = "and the contract counts that as a failure"
    if finding.status == "INCONCLUSIVE":
        return f"The measured {what} is outside the limit, but the true {what} may be within it."
    if finding.evidence == "UNSUPPORTED":
        return f"The measured {what} is outside the limit {counts}, though on fewer people than it requires."
    return f"The measured {what} is outside the limit {counts}; the true {what} may still be within it."


def _too_few(finding: Finding, audit: Audit) -> str:
    rate = RATES.get(rate_behind(finding, audit))
    unit = rate.support if rate else "rows"
    required = rate.required(audit.contract.support) if rate else audit.contract.support.rows
    needed = f"the {count(required)} {unit} the contract requires"
    if not finding.names:
        return f"Fewer than two groups hold {needed}, so this number cannot be relied on."
    verb = "holds" if len(finding.names) == 1 else "hold"
    return f"{names_text(finding.names)} {verb} fewer than {needed}; that never counts as within the limit."


def _warning(finding: Finding, audit: Audit) -> str:
    check = check_of(audit.contract, finding.check)
    if not finding.warned or check is None or check.limit.warn is None:
        return ""
    shown = figures(reading(finding).unit, (finding.value,), (check.limit.warn,))
    return f" It is past the contract's warning at {shown.text(check.limit.warn)}."

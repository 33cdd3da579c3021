"""What was found, row by row: the gaps of every attribute, drift, and what is not within its limit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from audit_core.contract.schema import Subject
from audit_core.decision.record import Audit
from audit_core.findings.finding import Finding, GroupValue
from audit_core.metrics.catalogue import CRITERIA
from audit_core.metrics.drift import DriftStatistics
from audit_core.report.data_sentences import drift_row
from audit_core.report.headline import people_sentence
from audit_core.report.limits import chance_sentence, check_of, limit_words
from audit_core.report.numbers import RATIO, count, figures, ratio
from audit_core.report.people import group_words, of_every_hundred, subject_words
from audit_core.report.readings import Compare, Reading, group_figures, reading, reading_of_gap
from audit_core.report.sentences import bounds_text, conclusion, interval_text, reading_sentence, sentence
from audit_core.report.withheld import PublishedAudit, WithheldFinding, privacy_note
from audit_core.report.words import (
    MARK_WORDS,
    NO_LIMIT,
    WITHHELD,
    Mark,
    change_name,
    mark_of,
    measure_name,
    short_name,
    status_word,
)

SHOWN: tuple[tuple[str, Compare], ...] = (
    ("tpr", "difference"),
    ("fpr", "difference"),
    ("calibration_in_the_large", "difference"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """Numbers of a row's bar, all in the unit that is printed (points, ratio or PSI).

    `low` and `high` are the interval for reading, `lower` and `upper` the bounds compared with the limit.
    """

    value: float
    low: float | None
    high: float | None
    lower: float | None
    upper: float | None
    limit: float | None
    least: bool
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing that was found. Texts are "" where there is nothing to say; `check` is "" without a limit.

    `standard` rows are the ones that every summary has: three gaps per attribute, and drift.
    """

    title: str
    short: str
    subject: str
    people: str
    sentence: str
    conclusion: str
    value: str
    interval: str
    bounds: str
    limit: str
    counts: str
    chance: str
    mark: Mark
    status: str
    evidence: str
    check: str
    severity: str
    primary: bool
    standard: bool
    bar: Bar | None


def found_rows(audit: Audit) -> tuple[Row, ...]:
    """Return the rows, the weightiest first."""
    rows: list[Row] = []
    used: set[tuple[str, Subject]] = set()
    for attribute in audit.contract.data.attributes:
        for metric, compare in SHOWN:
            subject = (attribute.name,)
            gated = _gated(audit, subject, metric, compare)
            used |= {(finding.check, finding.subject) for finding in gated}
            if gated:
                rows += [finding_row(finding, audit) for finding in gated]
            else:
                rows += _ungated(audit, subject, metric, compare)
    rest = [finding for finding in audit.findings if (finding.check, finding.subject) not in used]
    rows += [finding_row(f, audit) for f in rest if f.metric == "psi" or f.status in ("FAIL", "INCONCLUSIVE")]
    if not any(finding.metric == "psi" for finding in audit.findings):
        rows += _ungated_drift(audit)
    return tuple(sorted(rows, key=_weight))


def finding_row(finding: Finding, audit: Audit) -> Row:
    """Return a finding as a row."""
    if finding.metric == "psi":
        return _drift_finding_row(finding, audit)
    read = reading(finding)
    row = replace(
        _row(read, audit),
        people=people_sentence(finding, audit),
        conclusion=conclusion(finding, audit),
        limit=_limit(finding, audit),
    )
    if isinstance(finding, WithheldFinding):
        row = replace(row, counts=WITHHELD)
    return _judged(row, finding, audit)


def _judged(row: Row, finding: Finding, audit: Audit) -> Row:
    """The row with what its check says of it."""
    return replace(
        row,
        sentence=sentence(finding, audit),
        mark=mark_of(finding),
        status=status_word(finding),
        evidence=finding.evidence,
        check=finding.check,
        severity=finding.severity,
        primary=finding.primary,
    )


def _limit(finding: Finding, audit: Audit) -> str:
    if finding.metric == "coverage":
        return f"at least {count(audit.contract.support.rows)} rows"
    if finding.change is not None and finding.limit is not None:  # short: this is a column of a page
        return f"at most +{reading(finding).figures.text(finding.limit)}"
    check = check_of(audit.contract, finding.check)
    return (limit_words(check) if check else "") or NO_LIMIT


def _gated(audit: Audit, subject: Subject, metric: str, compare: str) -> list[Finding]:
    """Findings of this very gap, also by the name of the criterion it stands for."""
    names = {metric} | {name for name, parts in CRITERIA.items() if parts == (metric,)}
    return [
        finding
        for finding in audit.findings
        if finding.subject == subject
        and finding.metric in names
        and finding.compare == compare
        and finding.status != "NOT_RUN"
    ]


def _ungated(audit: Audit, subject: Subject, metric: str, compare: Compare) -> list[Row]:
    gap = audit.measurements.gap(subject, metric, compare)
    if gap is None:
        return _withheld(audit, subject, metric, compare)
    read = reading_of_gap(gap)
    mark: Mark = "no_limit" if read.value is not None else "undefined"
    return [replace(_row(read, audit), mark=mark, status=MARK_WORDS[mark])]


def _withheld(audit: Audit, subject: Subject, metric: str, compare: Compare) -> list[Row]:
    """A gap without a limit and without its numbers, for readers outside the workspace."""
    if not isinstance(audit, PublishedAudit) or subject not in audit.measurements.subjects:
        return []
    nothing = Reading(
        metric=metric, compare=compare, subject=subject, value=None, interval=None, lower=None, upper=None,
        limits=(None, None), high=None, low=None, chance=None,
    )  # fmt: skip
    return [replace(_row(nothing, audit), sentence=privacy_note(audit), counts=WITHHELD, status=WITHHELD)]


def _row(read: Reading, audit: Audit) -> Row:
    """A reading as a row that no check speaks about yet."""
    groups = [value for value in (read.low, read.high) if value is not None]
    people, text = "", f"{measure_name(read.metric, read.compare)}: fewer than two groups have data."
    if read.value is not None and len(groups) == 2 and read.compare in ("difference", "ratio"):
        text = reading_sentence(read, audit) + "."
        pair = ((groups[1].group, groups[1].value), (groups[0].group, groups[0].value))
        if groups[0].group != groups[1].group:
            people = of_every_hundred(read.metric, pair, audit.contract, favourable=read.compare == "ratio")
    return Row(
        title=_title(read),
        short=change_name(read.metric, read.change, short=True)
        if read.change
        else short_name(read.metric, read.compare),
        subject=subject_words(read.subject),
        people=people,
        sentence=text,
        conclusion="",
        value=_value_text(read),
        interval=interval_text(read, audit),
        bounds=bounds_text(read),
        limit=NO_LIMIT,
        counts=_counts(read.metric, groups) if read.change is None else _sides(read),
        chance=chance_sentence(read.chance),
        mark="no_limit",
        status="",
        evidence="",
        check="",
        severity="",
        primary=False,
        standard=_is_standard(read),
        bar=_bar(read),
    )


def _title(read: Reading) -> str:
    if read.change is not None:
        return change_name(read.metric, read.change)
    return measure_name(read.metric, read.compare)


def _is_standard(read: Reading) -> bool:
    if read.change is not None:
        return False
    metrics = {read.metric, *CRITERIA.get(read.metric, ())}
    return len(read.subject) == 1 and any((metric, read.compare) in SHOWN for metric in metrics)


def _value_text(read: Reading) -> str:
    return "" if read.metric == "coverage" else read.amount


def _counts(metric: str, groups: list[GroupValue]) -> str:
    """“woman 51.8 % (n=812) · man 67.6 % (n=901)”; a group that is both ends stands once."""
    if metric == "coverage":
        return " · ".join(f"{group_words(g.group)} (n={count(g.denominator)})" for g in groups)
    unique = {value.group: value for value in groups if value.group}
    return " · ".join(
        f"{group_words(g.group)} {group_figures(metric, g)} (n={count(g.denominator)})"
        for g in unique.values()
    )


def _sides(read: Reading) -> str:
    """Counts behind a change: both groups of the candidate's gap, or one group now and before."""
    if read.high is None or read.low is None:
        return ""
    if read.change == "gap":
        return _counts(read.metric, [read.low, read.high])
    before, now = (
        f"{group_figures(read.metric, value)} {word} (n={count(value.denominator)})"
        for value, word in ((read.low, "before"), (read.high, "now"))
    )
    return f"{group_words(read.high.group)} {before}, {now}"


def _bar(read: Reading) -> Bar | None:
    if read.value is None or read.compare not in ("difference", "ratio"):
        return None
    scale, interval = read.unit.scale, read.interval
    high = interval.high if interval is not None and interval.high != float("inf") else None
    return Bar(
        value=float(read.value) * scale,
        low=interval.low * scale if interval is not None else None,
        high=high * scale if high is not None else None,
        lower=read.lower * scale if read.lower is not None else None,
        upper=read.upper * scale if read.upper is not None else None,
        limit=float(read.limit) * scale if read.limit is not None else None,
        least=read.compare == "ratio",
        unit="pts" if scale == 100 else "",
    )


def _drift_finding_row(finding: Finding, audit: Audit) -> Row:
    row, check = drift_row(finding, audit), check_of(audit.contract, finding.check)
    found = row.statistics if row and isinstance(row.statistics, DriftStatistics) else None
    warn = check.limit.warn if check else None
    base = _drift_base(row.table.feature if row else "", found, (finding.limit, warn))
    limit = (limit_words(check) if check else "") or NO_LIMIT
    return _judged(replace(base, limit=limit), finding, audit)


def _ungated_drift(audit: Audit) -> list[Row]:
    """The feature that moved most, where the contract has no drift check but a training sample was given."""
    known = [
        (row.table.feature, row.statistics)
        for row in audit.measurements.drift
        if isinstance(row.statistics, DriftStatistics) and row.table.over_everybody
        and row.table.kind in ("numeric", "categorical")
    ]  # fmt: skip
    if not known:
        return []
    feature, found = max(known, key=lambda pair: pair[1].psi)
    base = _drift_base(feature, found, ())
    text = f"{feature} moved most since training: PSI {base.value} ({base.interval}; {base.counts})."
    return [replace(base, sentence=text, status=MARK_WORDS["no_limit"])]


def _drift_base(feature: str, found: DriftStatistics | None, limits: tuple[Fraction | None, ...]) -> Row:
    known = [limit for limit in limits if limit is not None]
    value = figures(RATIO, (found.psi,), known).text(found.psi) if found else ""
    limit = known[0] if known else None
    rows = f"n={count(found.current_rows)} against {count(found.reference_rows)} in training" if found else ""
    return Row(
        title=measure_name("psi", "none"),
        short=short_name("psi", "none"),
        subject=subject_words((feature,)) if feature else "",
        people="",
        sentence="",
        conclusion="",
        value=value,
        interval=f"expected by chance up to {ratio(found.psi_null95)}" if found else "",
        bounds="",
        limit=NO_LIMIT,
        counts=rows,
        chance="",
        mark="no_limit",
        status="",
        evidence="",
        check="",
        severity="",
        primary=False,
        standard=True,
        bar=Bar(
            value=found.psi, low=None, high=None, lower=0.0, upper=found.psi_null95,
            limit=float(limit) if limit is not None else None, least=False, unit="",
        ) if found else None,
    )  # fmt: skip


_MARK_ORDER: tuple[Mark, ...] = (
    "outside", "inconclusive", "too_few", "undefined", "not_run", "within", "no_limit",
)  # fmt: skip
_SEVERITY_ORDER = ("critical", "major", "minor", "")
_EVIDENCE_ORDER = ("CONFIRMED", "UNCONFIRMED", "UNSUPPORTED", "")


def _weight(row: Row) -> tuple[int, int, bool, int]:
    return (
        _MARK_ORDER.index(row.mark),
        _SEVERITY_ORDER.index(row.severity),
        not row.primary,
        _EVIDENCE_ORDER.index(row.evidence),
    )

"""What it would take to decide a check, also where the answer is no number of people."""

from __future__ import annotations

from audit_core.cube.count_cube import is_unknown
from audit_core.decision.record import Audit
from audit_core.findings.finding import Finding
from audit_core.metrics.rates import MAX_UNKNOWN_SHARE
from audit_core.report.needs_words import needs_sentence
from audit_core.report.numbers import count
from audit_core.report.people import People, subject_words
from audit_core.report.withheld import PublishedAudit

ON_THE_LIMIT = "The value measured is the limit itself: if it is the true value, no number of people decides."
ANOTHER_GROUP = "Rows of another group are needed."


def takes_sentence(finding: Finding, audit: Audit, people: People | None = None) -> str:
    """Return what it would take, or "" where nothing but a changed model or more of the same would do."""
    if finding.needs is not None:
        return needs_sentence(finding.needs, people)
    if finding.reason == "too_many_unknown" and not isinstance(audit, PublishedAudit):
        return _known_groups(finding, audit)
    if finding.reason in ("either_way", "point_beyond") and _on_a_limit(finding):
        return ON_THE_LIMIT
    return ANOTHER_GROUP if finding.reason == "one_group" and finding.high is not None else ""


def _on_a_limit(finding: Finding) -> bool:
    """Whether the value is one of the limits: no number of people tells the two apart."""
    return finding.value is not None and finding.value in (finding.limit, *finding.limits)


def _known_groups(finding: Finding, audit: Audit) -> str:
    """How many rows must be given their group until the unknown ones are a tenth."""
    tables = audit.counted.cube.outcomes(finding.subject)
    rows = sum(int(table.sum()) for table in tables.values())
    unknown = sum(int(table.sum()) for group, table in tables.items() if is_unknown(group))
    part, whole = MAX_UNKNOWN_SHARE
    more = -((rows * part - unknown * whole) // whole)
    if more <= 0:
        return ""
    return (
        f"To settle it, the {subject_words(finding.subject)} of at least {count(more)} of the "
        f"{count(unknown)} rows without one must become known."
    )

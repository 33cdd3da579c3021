"""What the release's findings do to its plan: how each watch stood, and which ones are read first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

from audit_core.contract.schema import Subject
from audit_core.decision.plan import AtRelease, Watch
from audit_core.decision.record import Audit
from audit_core.findings.finding import SUREST_FIRST, WORST_FIRST, Finding
from audit_core.findings.judge import blank_finding
from audit_core.metrics.catalogue import CRITERIA
from audit_core.metrics.drift import drift_status
from audit_core.metrics.drift_rows import psi_limits

_KINDS = ("contract", "release", "drift")
_Question = tuple[str, str, Subject, tuple[Fraction | None, Fraction | None]]


def with_release(watches: Iterable[Watch], audit: Audit) -> tuple[Watch, ...]:
    """Return the watches, each with how what it looks at stood at the release.

    The finding is that of the same check and subject; without one, of a check that asks the same under the
    same limits (the worst of several). A watch of a change since the release has none: nothing had changed.
    """
    return tuple(replace(watch, at_release=_at_release(watch, audit)) for watch in watches)


def released_first(watches: Iterable[Watch]) -> tuple[Watch, ...]:
    """Return the watches of each kind together; what was outside its limit first, then what was undecided.

    Guarantee: the order is otherwise kept.
    """
    return tuple(sorted(watches, key=lambda watch: (_KINDS.index(watch.origin), _concern(watch.at_release))))


def _concern(stood: AtRelease) -> int:
    return 0 if stood.outside else 1 if stood.undecided else 2


def _at_release(watch: Watch, audit: Audit) -> AtRelease:
    if watch.feature:
        return _drift(watch, audit)
    found = _findings(watch, audit.findings)
    if not found:
        return AtRelease()
    worst = min(found, key=lambda f: (WORST_FIRST.index(f.status), SUREST_FIRST.index(f.evidence)))
    return AtRelease(status=worst.status, evidence=worst.evidence, waived=worst.exception is not None)


def _findings(watch: Watch, findings: Sequence[Finding]) -> list[Finding]:
    if watch.check.against is not None:
        return []
    own = [f for f in findings if (f.check, f.subject) == (watch.check.id, watch.subject)]
    asked = _question(blank_finding(watch.check, watch.subject))
    return own or [f for f in findings if f.change is None and _question(f) == asked]


def _question(finding: Finding) -> _Question:
    """What a finding answers: a named criterion is the rate it stands for, a value is compared with none."""
    names = CRITERIA.get(finding.metric, (finding.metric,))
    metric = names[0] if len(names) == 1 else finding.metric
    compare = "none" if finding.compare == "value" else finding.compare
    return metric, compare, finding.subject, finding.limits


def _drift(watch: Watch, audit: Audit) -> AtRelease:
    warn, limit = psi_limits(watch.check)
    for row in audit.measurements.drift:
        table = row.table
        if table.feature == watch.feature and table.over_everybody:
            status = drift_status(row.statistics, warn=float(warn), limit=float(limit))
            return AtRelease(status=status)
    return AtRelease()

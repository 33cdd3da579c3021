"""An audit decided with one of its choices made otherwise; only what the choice touches is made anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction

from audit_core.contract.schema import Check, ReleaseContract, Subject
from audit_core.cube.count_cube import Group
from audit_core.cube.counted import Counted
from audit_core.cube.redecide import Cut
from audit_core.decision.assess import assess, decided_on, withheld_grounds
from audit_core.decision.record import Audit
from audit_core.decision.verdict import Decision, DecisionReason, RequirementState, decide
from audit_core.findings.finding import Finding
from audit_core.findings.judge import judge_check
from audit_core.metrics.catalogue import CRITERIA, RATES
from audit_core.metrics.clusters import totals_by_group
from audit_core.metrics.gaps import PROTECT_FLOOR
from audit_core.metrics.measure import rate_metric
from audit_core.metrics.measurements import Measurements, SubjectGap
from audit_core.metrics.rates import ordered_groups, rate_counts
from audit_core.metrics.reference import reference_gap
from audit_core.metrics.remeasure import counted_at, gap_keys, remeasure


@dataclass(frozen=True, slots=True, kw_only=True)
class Redecided:
    """The audit under a contract that may differ from its own, on counts that may be at another cut."""

    contract: ReleaseContract
    counted: Counted
    measured: Measurements
    findings: tuple[Finding, ...]
    requirements: tuple[RequirementState, ...]
    withheld: tuple[DecisionReason, ...]

    @property
    def decision(self) -> Decision:
        """The decision."""
        return decide(decided_on(self.contract, self.findings), self.requirements, self.withheld)

    def with_limit(self, check: Check, limit: Fraction) -> Redecided:
        """Return the same with another limit of one check; the other findings stand as they are."""
        mine = frozenset(f.subject for f in self.findings if f.check == check.id)
        return self._judged_again({check.id: limited(check, limit)}, mine)

    def against(self, subject: Subject, reference: Group) -> Redecided:
        """Return the same with the rates of a subject's groups compared with one reference group alone."""
        gaps = tuple(
            _against(gap, self.contract, self.counted, (subject, reference)) for gap in self.measured.gaps
        )
        compared = {c.id: c for c in self.contract.checks if c.compare in ("difference", "ratio")}
        changed = replace(self, measured=replace(self.measured, gaps=gaps))
        return changed._judged_again(compared, frozenset((subject,)))

    def _judged_again(self, checks: Mapping[str, Check], subjects: frozenset[Subject]) -> Redecided:
        """The same with these checks judged anew for these subjects."""
        findings = tuple(
            replace(
                judge_check(checks[f.check], f.subject, self.contract, self.counted, self.measured),
                exception=f.exception,
            )
            if f.check in checks and f.subject in subjects
            else f
            for f in self.findings
        )
        return replace(self, findings=findings)


def redecide(
    audit: Audit,
    contract: ReleaseContract | None = None,
    *,
    subject: Subject = (),
    cuts: Mapping[Group, Cut] | None = None,
) -> Redecided:
    """Return an audit decided under another contract, or at other thresholds for the groups of a subject.

    Exceptions that were recorded for a finding stay with it.
    """
    mine, own = contract or audit.contract, audit.contract
    counted = counted_at(audit.counted, subject, cuts or {})
    keys = gap_keys(mine, audit.measurements)
    scores = (mine.support, mine.statistics) != (own.support, own.statistics)
    measured = audit.measurements
    if scores or counted is not audit.counted:
        measured = remeasure(mine, counted, audit.measurements, keys, scores=scores)
    as_of = datetime.fromisoformat(audit.created_at)
    found = assess(mine, counted, audit.stages, as_of, measured)
    exceptions = {(f.check, f.subject): f.exception for f in audit.findings}
    return Redecided(
        contract=mine,
        counted=counted,
        measured=measured,
        findings=tuple(replace(f, exception=exceptions.get((f.check, f.subject))) for f in found.findings),
        requirements=found.requirements,
        withheld=withheld_grounds(mine, counted, as_of),
    )


def limited(check: Check, limit: Fraction) -> Check:
    """Return a check under another limit; a check with both ends keeps its lower one."""
    stated = ("max_increase", "max_relative_increase", "max", "min")
    key = next((name for name in stated if getattr(check.limit, name) is not None), "max")
    return replace(check, limit=replace(check.limit, **{key: limit}))


def _against(
    gap: SubjectGap, contract: ReleaseContract, counted: Counted, against: tuple[Subject, Group]
) -> SubjectGap:
    """A rate's gap over the pairs with one group; gaps of scores and of other subjects stay as they are."""
    subject, reference = against
    if gap.subject != subject or not (gap.metric in RATES or gap.metric in CRITERIA):
        return gap
    if gap.parts:
        parts = tuple(_against(part, contract, counted, against) for part in gap.parts)
        largest = max(parts, key=lambda part: -1 if part.gap.value is None else part.gap.value)
        return replace(gap, gap=largest.gap, parts=parts)
    name = CRITERIA.get(gap.metric, (gap.metric,))[0]
    row = rate_metric(contract, name, favourable=gap.gap.compare == "ratio")
    cube = counted.cube
    members = rate_counts(
        cube.outcomes(subject), ordered_groups(cube, contract, subject), row,
        subject=subject, people=totals_by_group(counted.people),
    )  # fmt: skip
    level = float(contract.statistics.level)
    kept = [member for member in members if member.denominator]
    found = reference_gap(gap.gap, kept, reference, level=level, protect_floor=PROTECT_FLOOR)
    return replace(gap, gap=found) if found else gap

"""What else could have been chosen, one choice at a time, and the one on which the verdict hangs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil
from typing import Literal

from audit_core.contract.schema import Check, ReleaseContract, Subject
from audit_core.cube.bands import FINE
from audit_core.cube.count_cube import Group
from audit_core.cube.counted import Counted
from audit_core.cube.redecide import can_redecide, edge_value, production_cut
from audit_core.decision.record import Audit
from audit_core.decision.redecided import Redecided, redecide
from audit_core.decision.verdict import Verdict
from audit_core.findings.finding import Finding, Status

Kind = Literal["limit", "threshold", "support", "level", "fail_rule", "comparison"]
KINDS: tuple[Kind, ...] = ("limit", "threshold", "support", "level", "fail_rule", "comparison")
FACTORS = (Fraction(1, 2), Fraction(2))
LEVELS = (Fraction(90, 100), Fraction(95, 100), Fraction(99, 100))
LIMIT_STEPS = tuple(Fraction(points, 100) for points in (1, 2, 3, 5, 7, 10))
FINE_STEPS, COARSE_STEPS = (1, 2, 5, 10), (1, 2)
ONE_CHOICE = 3
"""Steps of a choice without a scale (support, level, rule, comparison): as far as three points of a limit."""

Target = tuple[str, Subject]
"""A check, and the subject it was judged for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """One choice made otherwise, and what follows from it.

    `was` and `now` are the choice: a limit, a threshold or a level as a number, a factor of the minimum
    support, a fail rule, or the group that the others are compared with (`was` None: every pair). `check`
    names the check of a limit, `subject` the groups of a comparison. `steps` says how far it is from the
    contract.
    """

    kind: Kind
    check: str = ""
    subject: Subject = ()
    was: Fraction | str | None
    now: Fraction | str | Group
    steps: int
    verdict: Verdict
    findings: tuple[Finding, ...]

    def finding(self, target: Target) -> Finding | None:
        """Return what a check found under this choice."""
        return next((f for f in self.findings if (f.check, f.subject) == target), None)


def alternatives(audit: Audit) -> tuple[Alternative, ...]:
    """Return every alternative of the grid; each changes one choice and keeps the rest of the contract.

    The grid: a limit ±1, 2, 3, 5, 7 and 10 points (hundredths of a ratio or PSI) while it stays above 0 and
    below 1; one threshold ±1, 2, 5 and 10 of a hundred bands (±1, 2 of the contract's own); half and double
    support; the other two of the levels 90, 95 and 99 %; the other fail rule; each group of an attribute as
    the one reference instead of every pair.

    Guarantee: no row is read; the same alternatives for the same audit.
    """
    makers = (_limits, _thresholds, _supports, _levels, _fail_rules, _comparisons)
    return tuple(found for make in makers for found in make(audit))


def hinge(audit: Audit, found: Sequence[Alternative], target: Target | None = None) -> Alternative | None:
    """Return the smallest single change that gives another verdict (or a check another status), if any does.

    Of equally small ones the first kind of `KINDS`, then the first in the contract's order.
    """
    if target is None:
        changed = [a for a in found if a.verdict != audit.decision.verdict]
    else:
        status = _status(audit.finding(*target))
        changed = [a for a in found if _status(a.finding(target)) not in (status, None)]
    return min(changed, key=lambda a: (a.steps, KINDS.index(a.kind)), default=None)


def other_limits(check: Check) -> tuple[tuple[Fraction, int], ...]:
    """Return the other limits of the grid with their steps from the contract's, the smallest first."""
    limit = own_limit(check)
    if limit is None or check.metric == "overlap":
        return ()
    top = None if check.metric == "psi" else 1
    near = [
        (limit + sign * step, place) for place, step in enumerate(LIMIT_STEPS, start=1) for sign in (-1, 1)
    ]
    return tuple(sorted((new, place) for new, place in near if new > 0 and (top is None or new < top)))


def own_limit(check: Check) -> Fraction | None:
    """Return the limit of a check that can be tried otherwise: its upper one, or the only one it has."""
    own = check.limit
    stated = (own.max_increase, own.max_relative_increase, own.max, own.min)
    return next((limit for limit in stated if limit is not None), None)


def other_cuts(counted: Counted) -> tuple[tuple[int, int], ...]:
    """Return the other cuts of the grid with their steps from production's, the lowest first.

    Empty where no row has a score, or production's decisions follow no edge of the bands.
    """
    cube = counted.cube
    own = production_cut(cube)
    if own is None or not can_redecide(cube):
        return ()
    count = cube.bands.count
    sizes = FINE_STEPS if count == FINE else COARSE_STEPS
    near = [(own + sign * size, place) for place, size in enumerate(sizes, start=1) for sign in (-1, 1)]
    return tuple(sorted((cut, place) for cut, place in near if 0 < cut < count))


def supported(contract: ReleaseContract, factor: Fraction) -> ReleaseContract:
    """Return the contract with its minimum support multiplied and rounded up; other floors stay."""
    own = contract.support
    positives, negatives, rows = (ceil(n * factor) for n in (own.positives, own.negatives, own.rows))
    support = replace(own, positives=positives, negatives=negatives, rows=rows)
    return replace(contract, support=support)


def _limits(audit: Audit) -> Iterator[Alternative]:
    base = redecide(audit)
    judged = dict.fromkeys(f.check for f in audit.findings if f.status != "NOT_RUN" and f.limit is not None)
    for check in audit.contract.checks:
        if check.id in judged:
            for limit, steps in other_limits(check):
                made = _Made(kind="limit", check=check.id, was=own_limit(check), now=limit, steps=steps)
                yield made.by(base.with_limit(check, limit))


def _thresholds(audit: Audit) -> Iterator[Alternative]:
    bands = audit.counted.cube.bands
    for cut, steps in other_cuts(audit.counted):
        now = Fraction(edge_value(bands, cut)).limit_denominator(10**6)
        made = _Made(kind="threshold", was=bands.threshold, now=now, steps=steps)
        yield made.by(redecide(audit, cuts={(): cut}))


def _supports(audit: Audit) -> Iterator[Alternative]:
    for factor in FACTORS:
        made = _Made(kind="support", was=Fraction(1), now=factor)
        yield made.by(redecide(audit, supported(audit.contract, factor)))


def _levels(audit: Audit) -> Iterator[Alternative]:
    own = audit.contract.statistics
    for level in LEVELS:
        if level != own.level:
            contract = replace(audit.contract, statistics=replace(own, level=level))
            yield _Made(kind="level", was=own.level, now=level).by(redecide(audit, contract))


def _fail_rules(audit: Audit) -> Iterator[Alternative]:
    own = audit.contract.statistics
    other: Literal["point", "confirmed"] = "confirmed" if own.fail_rule == "point" else "point"
    contract = replace(audit.contract, statistics=replace(own, fail_rule=other))
    yield _Made(kind="fail_rule", was=own.fail_rule, now=other).by(redecide(audit, contract))


def _comparisons(audit: Audit) -> Iterator[Alternative]:
    base = redecide(audit)
    for attribute in audit.contract.data.attributes:
        subject = (attribute.name,)
        for reference in references(audit, subject):
            made = _Made(kind="comparison", subject=subject, was=None, now=reference)
            yield made.by(base.against(subject, reference))


def references(audit: Audit, subject: Subject) -> tuple[Group, ...]:
    """Return the groups that every other could be compared with: those compared in a gap of three or more."""
    gaps = [gap.gap for gap in audit.measurements.gaps if gap.subject == subject]
    named = dict.fromkeys(group for gap in gaps if len(gap.compared) > 2 for group in gap.compared)
    return tuple(group for group in audit.measurements.groups_of(subject) if group in named)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """A choice before it is known what follows from it."""

    kind: Kind
    check: str = ""
    subject: Subject = ()
    was: Fraction | str | None
    now: Fraction | str | Group
    steps: int = ONE_CHOICE

    def by(self, found: Redecided) -> Alternative:
        """The alternative, with what was decided under it."""
        return Alternative(
            kind=self.kind,
            check=self.check,
            subject=self.subject,
            was=self.was,
            now=self.now,
            steps=self.steps,
            verdict=found.decision.verdict,
            findings=found.findings,
        )


def _status(finding: Finding | None) -> Status | None:
    return finding.status if finding else None

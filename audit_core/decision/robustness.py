"""The map of a verdict: the decision, or one check, over every limit and threshold of the grid."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from audit_core.contract.schema import Check
from audit_core.cube.count_cube import Group
from audit_core.cube.redecide import Cut, edge_value, production_cut
from audit_core.decision.alternatives import (
    Alternative,
    Target,
    alternatives,
    hinge,
    other_cuts,
    other_limits,
    own_limit,
    supported,
)
from audit_core.decision.record import Audit
from audit_core.decision.redecided import redecide
from audit_core.decision.verdict import Verdict
from audit_core.findings.finding import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The choices a map is drawn under: a factor of the minimum support, and the one group that the others
    are compared with; () compares every pair, as the contract does.
    """

    support: Fraction = Fraction(1)
    reference: Group = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MapCell:
    """The decision, and what the chosen check found, at one limit and one threshold."""

    limit: Fraction
    cut: Cut
    verdict: Verdict
    finding: Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class RobustnessMap:
    """A check over limit × threshold.

    `limit` is the contract's, `own` the place of production's threshold among `cuts` (None there).
    `thresholds` are on the score's scale; None where production's is not stated. Cells come limit by limit,
    lowest first.
    """

    target: Target
    setting: Setting
    compare: str
    limit: Fraction
    limits: tuple[Fraction, ...]
    cuts: tuple[Cut, ...]
    thresholds: tuple[float | None, ...]
    own: int
    cells: tuple[MapCell, ...]

    @property
    def mine(self) -> MapCell:
        """The cell of the contract's own limit and threshold."""
        return next(c for c in self.cells if c.limit == self.limit and c.cut is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Robustness:
    """Every single change that was looked at, the one the verdict hangs on, and whether the reference group
    of the contract is for display alone.
    """

    looked_at: tuple[Alternative, ...]
    hinge: Alternative | None
    reference_is_for_display: bool


def robustness(audit: Audit) -> Robustness:
    """Return what the verdict hangs on."""
    found = alternatives(audit)
    return Robustness(
        looked_at=found,
        hinge=hinge(audit, found),
        reference_is_for_display=reference_is_for_display(audit),
    )


def targets(audit: Audit) -> tuple[Target, ...]:
    """Return the checks a map can be drawn of: gaps with a limit that were judged, the primary ones first."""
    found = [
        finding
        for finding in audit.findings
        if finding.compare in ("difference", "ratio") and finding.status != "NOT_RUN"
    ]
    named = {check.id for check in audit.contract.checks if own_limit(check) is not None}
    ranked = sorted(found, key=lambda finding: not finding.primary)
    return tuple((f.check, f.subject) for f in ranked if f.check in named)


def robustness_map(audit: Audit, target: Target, setting: Setting) -> RobustnessMap:
    """Return a check, and the decision, over limit × threshold under a setting.

    Shape and units: limits in the check's own unit; one threshold for everybody.
    """
    check, (_, subject) = _check(audit, target), target
    own = own_limit(check)
    assert own is not None  # `targets` lists no other
    limits = tuple(sorted({own, *(limit for limit, _ in other_limits(check))}))
    around = other_cuts(audit.counted)
    cuts = tuple(sorted({cut for cut, _ in around}))
    edge = production_cut(audit.counted.cube)
    place = sum(edge is not None and cut < edge for cut in cuts)
    points: tuple[Cut, ...] = (*cuts[:place], None, *cuts[place:])
    contract = supported(audit.contract, setting.support)
    cells: dict[tuple[Fraction, Cut], MapCell] = {}
    for cut in points:
        column = redecide(audit, contract, cuts={(): cut})
        if setting.reference:
            column = column.against(subject, setting.reference)
        for limit in limits:
            found = column.with_limit(check, limit)
            finding = next(f for f in found.findings if (f.check, f.subject) == target)
            cells[limit, cut] = MapCell(limit=limit, cut=cut, verdict=found.decision.verdict, finding=finding)
    bands = audit.counted.cube.bands
    scored = not audit.counted.cube.published  # published counts hold no score a threshold could cut
    stated = float(bands.threshold) if scored and bands.threshold is not None else None
    return RobustnessMap(
        target=target,
        setting=setting,
        compare=check.compare or "difference",
        limit=own,
        limits=limits,
        cuts=points,
        thresholds=tuple(stated if cut is None else edge_value(bands, cut) for cut in points),
        own=place,
        cells=tuple(cells[limit, cut] for limit in limits for cut in points),
    )


def reference_is_for_display(audit: Audit) -> bool:
    """Whether another reference group in the contract leaves every finding as it is; worked out, not claimed.

    Gaps are judged over all pairs of groups, so it should.
    """
    changed = []
    for attribute in audit.contract.data.attributes:
        groups = [group[0] for group in audit.measurements.groups_of((attribute.name,))]
        other = next((name for name in groups if name != attribute.reference), attribute.reference)
        changed.append(replace(attribute, reference=other))
    contract = replace(audit.contract, data=replace(audit.contract.data, attributes=tuple(changed)))
    keep = redecide(audit, supported(audit.contract, Fraction(1)))
    return redecide(audit, supported(contract, Fraction(1))).findings == keep.findings


def _check(audit: Audit, target: Target) -> Check:
    return next(check for check in audit.contract.checks if check.id == target[0])

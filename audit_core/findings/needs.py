"""How many more people, of which groups, it would take until a check can decide."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import ceil, isfinite

from audit_core.contract.schema import ReleaseContract
from audit_core.cube.count_cube import Group
from audit_core.cube.counted import Counted
from audit_core.findings.finding import Aim, Finding, GroupNeed, Needs
from audit_core.findings.plans import DifferencePlan, GapPlan, MeanPlan, RatioPlan, Sample
from audit_core.findings.volume import WeeklyVolume, weekly_volume
from audit_core.metrics.calibration import GroupCalibration
from audit_core.metrics.catalogue import CRITERIA, RATES, SupportOf
from audit_core.metrics.clusters import totals_by_group
from audit_core.metrics.estimate import Count, MeanValue
from audit_core.metrics.gaps import PROTECT_FLOOR
from audit_core.metrics.measure import MEAN_METRICS, rate_metric
from audit_core.metrics.measurements import CalibrationRow, Measurements, SubjectGap
from audit_core.metrics.planner import Real
from audit_core.metrics.planner_other import value_to_confirm, value_to_hold
from audit_core.metrics.rates import known_groups, rate_counts

MOST_ROWS = 10**12
"""From here on a number of rows is not said: no file will hold them."""


def needed(
    finding: Finding,
    part: SubjectGap,
    contract: ReleaseContract,
    counted: Counted,
    measured: Measurements | None = None,
) -> Needs | None:
    """Return what every group lacks until a gap or ratio can be decided, or None where no number is known.

    An open check is to be shown within its limit if the groups are truly equal; where that many people are
    there already, or the data show a difference, if the true values are those measured. A failure that is
    not confirmed is to be confirmed at the values measured: only its two ends count. Nobody needs fewer than
    the contract's minimum (METHODS §5).
    """
    if finding.evidence == "CONFIRMED" or finding.reason == "too_many_unknown" or finding.limit is None:
        return None
    unit, found = _samples(part, contract, counted, measured)
    members = tuple(s for s in found if s.group in part.required or s.group in part.gap.supported)
    if len(members) < 2:
        return None
    plan = _plan(finding, part, members, found, contract)
    volume = weekly_volume(counted.cube, contract, finding.subject)
    if finding.reason == "point_beyond":
        protected = sum(sample.people >= PROTECT_FLOOR for sample in found)
        made = _confirm(plan, part, max(2, protected))
    else:
        made = _within(plan, members, part.min_support, differ=_shown_to_differ(finding))
    if made is None or not made.groups:
        return None
    return dated(replace(made, unit=unit), volume)


def needed_by_values(
    finding: Finding,
    open_groups: Iterable[tuple[Count, int]],
    unit: SupportOf,
    contract: ReleaseContract,
    counted: Counted,
) -> Needs | None:
    """Return what each group lacks until its own value can be decided; `open_groups` are (count, minimum).

    Each group's true value is taken to be the one measured in it: shown between the limits, or, where it is
    measured outside, confirmed there. Where one is measured on the limit itself no number decides, and what
    is left is what the groups lack to their minimum.
    """
    tables = counted.cube.outcomes(finding.subject)
    level, confirm = float(contract.statistics.level), finding.reason == "point_beyond"
    found, needs, known = tuple(open_groups), [], False
    # Where one group lies on a limit no number decides the check, so nobody else's number would either.
    stuck = not confirm and any(_on_limit(count, finding) for count, _ in found)
    for count, minimum in found:
        target = None if stuck else _value_target(count, finding, level, confirm=confirm)
        known = known or target is not None
        rows = int(tables[count.group].sum()) if count.group in tables else 0
        sample = Sample(
            group=count.group, have=count.denominator, rows=rows, value=None, effect=count.design_effect
        )
        needs += lacks(sample, max(minimum, target or 0))
    if not needs:
        return None
    aim: Aim = "minimum" if not known else "confirm" if confirm else "within"
    made = Needs(unit=unit, groups=most_first(needs), aim=aim, of="rate", assumed=float(finding.value or 0))
    return dated(made, weekly_volume(counted.cube, contract, finding.subject))


def to_minimum(
    rows: Mapping[Group, int], minimum: int, contract: ReleaseContract, counted: Counted, finding: Finding
) -> Needs | None:
    """Return how many rows each group lacks to the contract's minimum: a count, with nothing assumed."""
    lacking = [
        GroupNeed(group=group, have=have, more=minimum - have, rows=minimum - have)
        for group, have in rows.items()
        if have < minimum
    ]
    if not lacking:
        return None
    made = Needs(unit="rows", groups=most_first(lacking), aim="minimum")
    return dated(made, weekly_volume(counted.cube, contract, finding.subject))


def dated(needs: Needs, volume: WeeklyVolume) -> Needs:
    """Return the same needs with the weeks they take at each group's own volume."""
    groups = tuple(replace(need, weeks=volume.weeks(need.group, need.rows)) for need in needs.groups)
    return replace(needs, groups=groups, undated=volume.undated)


def _within(plan: GapPlan, members: Sequence[Sample], minimum: int, *, differ: bool) -> Needs | None:
    """To be shown within the limit: if equal, else (or where shown to `differ`) as far apart as now."""
    each = None if differ else plan.equal()
    short = [sample for sample in members if sample.people < max(minimum, each or 0)]
    if not short or differ:
        return _within_apart(plan, members, minimum)
    if each is None:
        return _to_minimum(plan, short, minimum)
    fewest = min(short, key=lambda sample: sample.people)
    alone = plan.alone(fewest, apart=False)
    if len(short) == 1 and alone is not None:
        each = min(each, alone)
    needs = [need for sample in short for need in lacks(sample, max(minimum, each))]
    if not needs:
        return _within_apart(plan, members, minimum)
    can = len(short) == 1 or alone is not None
    return _needs(plan, needs, "within", 1.0 if plan.of == "ratio" else 0.0, alone=can)


def _within_apart(plan: GapPlan, members: Sequence[Sample], minimum: int) -> Needs | None:
    """The same if the true values are those measured; where no number decides, what lacks to the minimum."""
    if sum(sample.value is not None for sample in members) < 2:
        return _to_minimum(plan, members, minimum)
    targets = [(sample, plan.apart(sample)) for sample in members]
    if any(target is None for _, target in targets):
        return _to_minimum(plan, members, minimum)
    needs = [need for sample, target in targets for need in lacks(sample, max(minimum, target or 0))]
    if not needs:
        return None
    short = [sample for sample, target in targets if sample.people < (target or 0)]
    fewest = min(short, key=lambda sample: sample.people, default=None)
    can = len(needs) == 1 or fewest is None or plan.alone(fewest, apart=True) is not None
    return _needs(plan, needs, "within", plan.measured(), alone=can)


def _to_minimum(plan: GapPlan, members: Sequence[Sample], minimum: int) -> Needs | None:
    """What short groups lack to be judged at all; None where none is short."""
    needs = [need for sample in members for need in lacks(sample, minimum)]
    return _needs(plan, needs, "minimum", 0.0) if needs else None


def _confirm(plan: GapPlan, part: SubjectGap, protected: int) -> Needs | None:
    """To confirm a failure: the two ends of the gap alone decide."""
    ends = [sample for sample in (plan.high, plan.low) if sample is not None]
    each = plan.confirm(protected) if len(ends) == 2 else None
    if each is None:
        return None
    target = max(part.min_support, each)
    short = [sample for sample in ends if sample.people < target]
    if not short:
        return None
    small, other = sorted(ends, key=lambda sample: sample.people)
    alone = plan.confirm_alone(small, other, protected)
    if len(short) == 1 and alone is not None:
        target = max(part.min_support, min(target, alone))
    needs = [need for sample in short for need in lacks(sample, target)]
    return _needs(plan, needs, "confirm", plan.measured(), alone=len(short) == 1 or alone is not None)


def _shown_to_differ(finding: Finding) -> bool:
    """Whether the data already rule out that the groups are equal: to plan on it would be to hope."""
    if finding.compare == "ratio":
        return finding.upper is not None and finding.upper < 1
    return finding.lower is not None and finding.lower > 0


def _needs(plan: GapPlan, needs: list[GroupNeed], aim: Aim, assumed: Real, *, alone: bool = True) -> Needs:
    groups = most_first(needs)
    return Needs(unit="rows", groups=groups, aim=aim, of=plan.of, assumed=float(assumed), alone=alone)


def lacks(sample: Sample, target: int) -> list[GroupNeed]:
    """Return what a group lacks to so many effective people, in rows at its present share; or nothing."""
    more = ceil(target * sample.effect) - sample.have
    if sample.people >= target or more <= 0:
        return []
    rows = ceil(Fraction(more * sample.rows, sample.have)) if sample.have else MOST_ROWS
    known = rows if rows < MOST_ROWS else None
    return [GroupNeed(group=sample.group, have=sample.have, more=more, rows=known)]


def most_first(needs: Iterable[GroupNeed]) -> tuple[GroupNeed, ...]:
    """Return the needs, the group that lacks most first."""
    return tuple(sorted(needs, key=lambda need: -need.more))


def _value_target(count: Count, finding: Finding, level: float, *, confirm: bool) -> int | None:
    """Effective people until the group's own value is decided, if it is truly the one measured."""
    if count.value is None or _on_limit(count, finding):
        return None
    low, high = finding.limits
    value = count.value
    if low is not None and value < low:
        return value_to_confirm(float(value), float(low), level=level) if confirm else None
    if high is not None and value > high:
        return value_to_confirm(float(value), float(high), level=level) if confirm else None
    x, n = count.effective
    careful = Fraction(x + 0.5) / Fraction(n + 1)  # 0 of 8 does not mean never
    inside = (low is None or careful > low) and (high is None or careful < high)
    limits = (float(low) if low is not None else None, float(high) if high is not None else None)
    return value_to_hold(float(careful if inside else value), limits, level=level)


def _on_limit(count: Count, finding: Finding) -> bool:
    return count.value is not None and count.value in finding.limits


def _plan(
    finding: Finding,
    part: SubjectGap,
    members: tuple[Sample, ...],
    found: tuple[Sample, ...],
    contract: ReleaseContract,
) -> GapPlan:
    assert finding.limit is not None
    make: Callable[..., GapPlan] = DifferencePlan
    more = {}
    if part.metric in MEAN_METRICS:
        make, more = MeanPlan, {"of": "area" if part.metric == "auc" else "gap"}
    elif finding.compare == "ratio":
        make = RatioPlan
    compared = [s for s in found if s.group in part.gap.compared and s.value is not None]
    high = max(compared, key=_value, default=None)
    low = min(compared, key=_value, default=None)
    return make(
        samples=members, high=high, low=low, limit=finding.limit,
        level=float(contract.statistics.level), **more,
    )  # fmt: skip


def _value(sample: Sample) -> Fraction:
    return sample.value if sample.value is not None else Fraction(0)


def _samples(
    part: SubjectGap, contract: ReleaseContract, counted: Counted, measured: Measurements | None
) -> tuple[SupportOf, tuple[Sample, ...]]:
    """Unit of the check, and every known group as it stands, in the contract's order."""
    tables = counted.cube.outcomes(part.subject)
    rows = {group: int(table.sum()) for group, table in tables.items()}
    groups = known_groups(counted.cube, contract, part.subject)
    name = CRITERIA.get(part.metric, (part.metric,))[0]
    if name not in RATES:
        return "rows", tuple(_mean_sample(group, rows.get(group, 0), part, measured) for group in groups)
    metric = rate_metric(contract, name, favourable=part.gap.compare == "ratio")
    people = totals_by_group(counted.people)
    counts = rate_counts(tables, groups, metric, subject=part.subject, people=people)
    return metric.support, tuple(
        Sample(
            group=c.group, have=c.denominator, rows=rows.get(c.group, 0), effect=c.design_effect,
            value=c.value,
        ) for c in counts
    )  # fmt: skip


def _mean_sample(group: Group, rows: int, part: SubjectGap, measured: Measurements | None) -> Sample:
    """A group's mean as it stands; its spread is n·se² of rows that are each another person's."""
    mean = _mean_of(group, part, measured)
    if mean is None or mean.n == 0:
        return Sample(group=group, have=0, rows=rows, value=None, spread=float("inf"))
    judged = next((m for m in (part.gap.high, part.gap.low) if isinstance(m, MeanValue)), None)
    plain = _mean_of(judged.group, part, measured) if judged is not None else None
    known = judged is not None and plain is not None and 0 < plain.se < float("inf")
    effect = max(1.0, (judged.se / plain.se) ** 2) if known and judged and plain else 1.0
    return Sample(
        group=group, have=mean.n, rows=rows, value=mean.value, spread=mean.n * mean.se**2,
        effect=effect if isfinite(effect) else 1.0,
    )  # fmt: skip


def _mean_of(group: Group, part: SubjectGap, measured: Measurements | None) -> MeanValue | None:
    rows: tuple[CalibrationRow, ...] = measured.calibration if measured is not None else ()
    row = next((r for r in rows if (r.subject, r.group) == (part.subject, group)), None)
    if row is None:
        return None
    if part.metric == "auc":
        return row.auc.as_mean(group) if row.auc else None
    return row.calibration.as_mean(group) if isinstance(row.calibration, GroupCalibration) else None

"""How a candidate differs from its baseline, group by group and in its largest gap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from audit_core.contract.schema import Check, ReleaseContract, Subject
from audit_core.cube.baseline import Baseline
from audit_core.cube.count_cube import CountCube, Group, is_unknown
from audit_core.cube.counted import Counted
from audit_core.metrics.bootstrap import Plan
from audit_core.metrics.catalogue import CRITERIA, RATES, RateMetric
from audit_core.metrics.clusters import totals_by_group
from audit_core.metrics.estimate import Count
from audit_core.metrics.gaps import PROTECT_FLOOR
from audit_core.metrics.rates import ordered_groups, required_groups, too_many_unknown
from audit_core.metrics.regression_bounds import ChangeBounds, GroupChange, bounds_of, own_spread
from audit_core.metrics.regression_draws import RatesDrawn, Sides, Spread, drawn_rates, of_unknown_overlap
from audit_core.metrics.regression_tables import group_change, holds, is_paired, sides_of
from audit_core.metrics.seeds import seed_of

ChangeOf = Literal["gap", "rate", "risk"]
"""What may not grow: the largest gap between groups, every group's harm rate, or that rate as a share."""

_UNGOOD = {"tpr": "fnr", "tnr": "fpr", "ppv": "fdr", "npv": "for"}
_HARMS = ("fnr", "fpr", "fdr", "for", "abstain_rate")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtremePair:
    """The highest and the lowest group of one model, and how far apart they are."""

    high: Count
    low: Count

    @property
    def gap(self) -> Fraction:
        """Highest rate minus lowest, 0–1."""
        assert self.high.value is not None and self.low.value is not None
        return self.high.value - self.low.value


@dataclass(frozen=True, slots=True, kw_only=True)
class GapChange:
    """The largest gap before and after; the two pairs of groups need not be the same.

    `bounds` are over the groups compared, `bounds_all` over every group at the protect floor.
    """

    old: ExtremePair
    new: ExtremePair
    bounds: ChangeBounds
    bounds_all: ChangeBounds
    draws: RatesDrawn

    @property
    def value(self) -> Fraction:
        """Δ_new − Δ_old, −1 to 1."""
        return self.new.gap - self.old.gap

    @property
    def lower(self) -> float:
        """The bound to accuse with: the higher of the two, a group too thin for comfort may prove harm.

        Among the groups of ten or more a thin one could always have been furthest apart before, so that bound
        alone would let a small group hide what is shown among the large ones.
        """
        return max(self.bounds.lower, self.bounds_all.lower)

    @property
    def absent(self) -> str:
        """Why there is no bound to accuse with, "" where there is one."""
        return self.bounds.absent and self.bounds_all.absent

    @property
    def same_pair(self) -> bool:
        """Whether the same two groups are furthest apart in both models."""
        return (self.new.high.group, self.new.low.group) == (self.old.high.group, self.old.low.group)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegressionRow:
    """One rate of the candidate against the baseline's, over the groups of a subject.

    `metric` is what the check names, `rate` the rate that is compared: the metric's own for a gap, the harm
    behind it for `change` rate or risk. `compared` are the supported groups, or all with data where fewer
    than two are; `missing` are required and below the minimum in either model. `gap` is None with fewer than
    two groups, and where `change` is none of the gap. `widened`: ranges are those of different rows, made of
    the two models' own counts alone.
    """

    subject: Subject
    metric: str
    rate: RateMetric
    change: ChangeOf
    paired: bool
    groups: tuple[GroupChange, ...]
    min_support: int
    compared: tuple[Group, ...]
    supported: tuple[Group, ...]
    required: tuple[Group, ...]
    missing: tuple[Group, ...]
    too_many_unknown: bool
    gap: GapChange | None
    widened: bool = False

    def group(self, group: Group) -> GroupChange | None:
        """Return one group's change."""
        return next((found for found in self.groups if found.group == group), None)


def change_of(check: Check) -> ChangeOf | None:
    """Return what a check against the baseline asks about, or None where it has no rule.

    `max_increase` limits the growth of the gap, and with `compare: value` that of every group's harm rate.
    `max_relative_increase` limits the growth of every group's harm rate as a share of the baseline's.
    """
    if check.against is None:
        return None
    if check.limit.max_relative_increase is not None:
        return "risk" if check.compare in (None, "value") and harms_of(check.metric) else None
    if check.compare == "value":
        return "rate" if harms_of(check.metric) else None
    rates = CRITERIA.get(check.metric, (check.metric,))
    known = all(rate in RATES and rate != "base_rate" for rate in rates)
    return "gap" if check.compare != "ratio" and known else None


def harms_of(metric: str) -> tuple[str, ...]:
    """Return the harm rates behind a metric: itself where more of it is worse, else what it leaves over.

    TPR → FNR, TNR → FPR, PPV → FDR, NPV → FOR, accuracy → wrong decisions, selection rate → the unfavourable
    decision. A base rate says nothing of a model and has none.
    """
    harms = []
    for rate in CRITERIA.get(metric, (metric,)):
        if rate in _HARMS:
            harms.append(rate)
        elif rate in _UNGOOD:
            harms.append(_UNGOOD[rate])
        elif rate in ("accuracy", "selection_rate"):
            harms.append(f"not_{rate}")
    return tuple(harms)


def harm_metric(harm: str, *, selected_is_good: bool) -> RateMetric:
    """Return the harm rate of that name; the last two are the complements of accuracy and selection."""
    if harm == "not_selection_rate":
        return NOT_SELECTED if selected_is_good else RATES["selection_rate"]
    return ERROR_RATE if harm == "not_accuracy" else RATES[harm]


def _left_over(metric: RateMetric, name: str, words: str) -> RateMetric:
    return RateMetric(
        id=name, name=words, numerator=metric.denominator & ~metric.numerator,
        denominator=metric.denominator, support=metric.support, people=metric.people,
    )  # fmt: skip


NOT_SELECTED = _left_over(RATES["selection_rate"], "not_selected", "Rate of people not selected")
ERROR_RATE = _left_over(RATES["accuracy"], "error_rate", "Error rate")


def regression_rows(
    contract: ReleaseContract, counted: Counted, *, selected_is_good: bool
) -> tuple[RegressionRow, ...]:
    """Return a row for every check against the baseline, subject and rate; none without a baseline.

    Guarantee: the same contract and counts give the same rows, drawn bounds included.
    """
    found: dict[tuple[Subject, str, ChangeOf], tuple[RegressionRow, ...]] = {}
    for check in contract.checks:
        change = change_of(check)
        for subject in check.of:
            if change is None or (subject, check.metric, change) in found:
                continue
            names = CRITERIA.get(check.metric, (check.metric,))
            metrics = [RATES[name] for name in names] if change == "gap" else [
                harm_metric(harm, selected_is_good=selected_is_good) for harm in harms_of(check.metric)
            ]  # fmt: skip
            rows = (_row(contract, counted, (subject, check.metric, change), metric)
                    for metric in metrics)  # fmt: skip
            found[subject, check.metric, change] = tuple(row for row in rows if row is not None)
    return tuple(row for rows in found.values() for row in rows)


def _row(
    contract: ReleaseContract,
    counted: Counted,
    question: tuple[Subject, str, ChangeOf],
    metric: RateMetric,
) -> RegressionRow | None:
    """A rate under both models over a subject's groups; `question` is (subject, named metric, change)."""
    subject, name, change = question
    baseline = counted.baseline
    if baseline is None or not counted.cube.holds(subject) or not holds(baseline, subject):
        return None
    tables, people = sides_of(counted.cube, baseline, subject), totals_by_group(counted.people)
    order = [g for g in ordered_groups(counted.cube, contract, subject) if not is_unknown(g)]
    groups = tuple(group_change(g, tables.get(g), metric, subject, people) for g in order)
    least = metric.required(contract.support)
    supported = tuple(g for g in groups if g.support >= max(1, least))
    compared = supported if len(supported) >= 2 else tuple(g for g in groups if g.support > 0)
    gap = None
    if change == "gap" and len(compared) >= 2:
        seed = seed_of(counted.cube.fingerprint, f"regression {metric.id}")
        gap = _gap(contract, groups, compared, tables, metric, seed)
        if baseline.apart:
            gap = _bounded_anew(gap, groups, compared, contract, map(_unknown_overlap, gap.draws.spreads))
    required, kept = required_groups(counted.cube, contract, subject), {g.group for g in supported}
    return RegressionRow(
        subject=subject, metric=name, rate=metric, change=change, widened=baseline.apart,
        paired=is_paired(baseline, subject) or baseline.apart,
        groups=groups, min_support=least, compared=tuple(g.group for g in compared),
        supported=tuple(g.group for g in supported), required=required,
        missing=tuple(group for group in required if group not in kept),
        too_many_unknown=_unknown(counted.cube, baseline, subject), gap=gap,
    )  # fmt: skip


def _gap(
    contract: ReleaseContract,
    groups: Sequence[GroupChange],
    compared: Sequence[GroupChange],
    tables: Mapping[Group, Sides],
    metric: RateMetric,
    seed: int,
) -> GapChange:
    """The largest gap before and after, bounded over the groups compared and over all at the floor."""
    chosen, level = contract.statistics, float(contract.statistics.level)
    protected = [g for g in groups if g.support >= PROTECT_FLOOR]
    drawn = [g.group for g in groups if g in compared or g in protected]
    plan = Plan(seed=seed, replicates=chosen.replicates, design=chosen.sampling, level=level)
    draws = drawn_rates({group: tables[group] for group in drawn}, metric, plan)
    return GapChange(
        old=_extremes([g.old for g in compared]),
        new=_extremes([g.new for g in compared]),
        bounds=bounds_of(compared, draws, level),
        bounds_all=bounds_of(protected, draws, level),
        draws=draws,
    )


def widened(row: RegressionRow, contract: ReleaseContract) -> RegressionRow:
    """Return a row whose ranges are made of each model's own counts, as if the rows were different ones.

    Such ranges tell nothing of how many people the two models disagree on. They are the wider ones wherever
    the models tend to decide alike.
    """
    apart = tuple(replace(g, paired=False, shared=Fraction(0), pairs=None) for g in row.groups)
    gap = row.gap
    if gap is not None:
        known = {g.group: g for g in apart}
        spreads = [own_spread(known[group]) for group in gap.draws.groups]
        gap = _bounded_anew(gap, apart, [known[group] for group in row.compared], contract, spreads)
    return replace(row, groups=apart, gap=gap, widened=True)


def _unknown_overlap(spread: Spread | None) -> Spread | None:
    return of_unknown_overlap(spread) if spread is not None else None


def _bounded_anew(
    gap: GapChange,
    groups: Sequence[GroupChange],
    compared: Sequence[GroupChange],
    contract: ReleaseContract,
    spreads: Iterable[Spread | None],
) -> GapChange:
    """The same gap with bounds from other spreads of the same groups."""
    level, draws = float(contract.statistics.level), replace(gap.draws, spreads=tuple(spreads))
    protected = [g for g in groups if g.support >= PROTECT_FLOOR]
    return replace(
        gap,
        draws=draws,
        bounds=bounds_of(compared, draws, level),
        bounds_all=bounds_of(protected, draws, level),
    )


def _extremes(counts: list[Count]) -> ExtremePair:
    """Highest and lowest; the first in order wins a tie."""
    return ExtremePair(high=max(counts, key=_value), low=min(counts, key=_value))


def _value(count: Count) -> Fraction:
    assert count.value is not None
    return count.value


def _unknown(cube: CountCube, baseline: Baseline, subject: Subject) -> bool:
    """Whether over a tenth of either side's rows have no known group."""
    sides = [cube.outcomes(subject)]
    if not is_paired(baseline, subject) and baseline.other is not None:
        sides.append(baseline.other.outcomes(subject))
    return any(too_many_unknown(tables) for tables in sides)

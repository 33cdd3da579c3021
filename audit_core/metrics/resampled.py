"""Statistics of groups that a bootstrap can draw, and their comparisons: Brier score, ECE, AUC, rates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from audit_core.metrics.bootstrap import (
    MOST_DISCARDED,
    Bools,
    Cells,
    Floats,
    Ints,
    Plan,
    Statistic,
    Values,
    drawn,
    max_t_lower,
    pairwise_upper,
)
from audit_core.metrics.calibration import MICRO
from audit_core.metrics.estimate import Group, MeanValue
from audit_core.metrics.gaps import Gap, Simulated, gap_between, within_span
from audit_core.metrics.group_pairs import Compare
from audit_core.metrics.intervals import Interval

METHOD = "bootstrap: percentile to approve, max-T to accuse"


def score_cells(scored: Mapping[Group, npt.NDArray[np.int64]]) -> tuple[Cells | None, tuple[Group, ...]]:
    """Return the cells of labelled, scored rows and the groups they belong to; no cells without rows.

    Shape and units: per group (2, bands, 4) over label and band with n, Σq, ⌊Σq²⌋ in two parts, q in
    micro-units, as `CountCube.scored` gives them; scores 0–1 out.
    """
    groups: list[Group] = []
    columns = []
    for group, table in scored.items():
        label, band = np.nonzero(table[:, :, 0])
        if label.size:
            n, s, high, low = table[label, band].T.astype(np.float64)
            mean = s / n / MICRO
            square = (high / MICRO + low / MICRO**2) / n
            code = np.full(label.size, len(groups), dtype=np.int64)
            columns.append((code, label, band, n, mean, np.maximum(0.0, square - mean**2)))
            groups.append(group)
    if not groups:
        return None, ()
    group_, label_, band_, n_, mean_, variance = (np.concatenate(part) for part in zip(*columns, strict=True))
    return Cells(
        group=group_.astype(np.int64),
        label=label_.astype(np.int64),
        band=band_.astype(np.int64),
        n=n_.astype(np.int64),
        mean=mean_.astype(np.float64),
        variance=variance.astype(np.float64),
    ), tuple(groups)


def brier_scores(cells: Cells, n: Ints, mean: Floats) -> Values:
    """Return each group's Brier score per draw: Σ n·((s̄−y)²+s²)/Σn."""
    errors = (mean - cells.label) ** 2 + cells.variance
    return _ratio(cells.by_group(n * errors), cells.by_group(n))


def calibration_errors(cells: Cells, n: Ints, mean: Floats) -> Values:
    """Return each group's ECE over the cells' bands per draw: Σ_b |Σ n·(y−s̄)|/Σn."""
    # A key per group and band, ascending, so that both labels of a band are added before the absolute value.
    order = np.lexsort((cells.band, cells.group))
    key = np.column_stack([cells.group[order], cells.band[order]])
    starts = np.flatnonzero(np.r_[True, (np.diff(key, axis=0) != 0).any(axis=1)])
    off = np.abs(np.add.reduceat((n * (cells.label - mean))[:, order], starts, axis=1))
    first = np.searchsorted(key[starts, 0], np.arange(cells.starts.size))
    return _ratio(np.add.reduceat(off, first, axis=1), cells.by_group(n))


def banded_areas(cells: Cells, n: Ints, _mean: Floats) -> Values:
    """Return each group's AUC per draw, rows of one band as ties; scores within a band play no part."""
    groups, bands = cells.starts.size, int(cells.band.max()) + 1
    tables = np.zeros((len(n), groups, 2, bands))
    tables[:, cells.group, cells.label, cells.band] = n  # a cell is one group, label and band
    no, yes = tables[:, :, 0], tables[:, :, 1]
    wins = (yes * (np.cumsum(no, axis=2) - no / 2)).sum(axis=2)
    return _ratio(wins, yes.sum(axis=2) * no.sum(axis=2))


def rates(numerator: Bools, denominator: Bools) -> Statistic:
    """Return the statistic of a rate per group: rows of the numerator's cells over the denominator's."""

    def statistic(cells: Cells, n: Ints, _mean: Floats) -> Values:
        return _ratio(cells.by_group(n * (numerator & denominator)), cells.by_group(n * denominator))

    return statistic


def difference_of(statistic: Statistic, first: int, second: int) -> Statistic:
    """Return the statistic of one group's value minus another's."""

    def apart(cells: Cells, n: Ints, mean: Floats) -> Values:
        value, defined = statistic(cells, n, mean)
        return Values(value[:, first] - value[:, second], defined[:, first] & defined[:, second])

    return apart


def ratio_of(statistic: Statistic, first: int, second: int) -> Statistic:
    """Return the statistic of one group's value divided by another's."""

    def quotient(cells: Cells, n: Ints, mean: Floats) -> Values:
        value, defined = statistic(cells, n, mean)
        found = _ratio(value[:, first], value[:, second])
        return Values(found.value, found.defined & defined[:, first] & defined[:, second])

    return quotient


class DrawnDifferences:
    """Differences of group values by the bootstrap: one-sided percentiles to approve, max-T to accuse."""

    compare: Compare = "difference"
    method = METHOD
    unknown = Interval(0.0, math.inf)

    def __init__(self, values: Values, groups: Sequence[Group], one_sided: frozenset[Group]) -> None:
        self._values = values
        self.one_sided = one_sided
        self._place = {group: place for place, group in enumerate(groups)}

    def pair(self, a: MeanValue, b: MeanValue, z: float) -> Interval:
        """Percentile interval of a's value minus b's, at the level of a normal interval with z."""
        kept = self._kept((a, b))
        if kept is None or self.one_sided & {a.group, b.group}:
            return Interval(-math.inf, math.inf)
        tail = NormalDist().cdf(-z)
        low, high = np.quantile(kept[:, 0] - kept[:, 1], (tail, 1 - tail))
        return Interval(float(low), float(high))

    def bounds(self, members: Sequence[MeanValue], level: float) -> Interval:
        """The bound to accuse with and the bound to approve with.

        A group of one outcome only varies too little in the draws: it accuses nobody and approves nothing.
        """
        seen = [member for member in members if member.group not in self.one_sided]
        kept = self._kept(seen) if len(seen) >= 2 else None
        if kept is None:
            return self.unknown
        point = np.array([float(member.value) for member in seen])
        upper = pairwise_upper(kept, level) if len(seen) == len(members) else math.inf
        return Interval(max_t_lower(kept, point, level), upper)

    def discarded(self, groups: Sequence[Group]) -> int:
        """How many draws leave one of these groups with nothing to divide by."""
        places = [self._place[group] for group in groups]
        return int((~self._values.defined[:, places].all(axis=1)).sum())

    def _kept(self, members: Sequence[MeanValue]) -> Floats | None:
        """The draws in which every member has a value; None where over 1 % do not."""
        groups = [member.group for member in members]
        if self.discarded(groups) > MOST_DISCARDED * len(self._values.value):
            return None
        places = [self._place[group] for group in groups]
        kept = self._values.defined[:, places].all(axis=1)
        return np.asarray(self._values.value[kept][:, places], dtype=np.float64)


def resampled_gap(  # noqa: PLR0913 — a gap has groups, draws and the rules of support
    means: Sequence[MeanValue],
    scored: Mapping[Group, npt.NDArray[np.int64]],
    statistic: Statistic,
    plan: Plan,
    *,
    min_support: int,
    floor: int = 10,
    effects: Mapping[Group, float] | None = None,
) -> Gap:
    """Return the gap of a group value whose bounds come from draws of the cube's cells.

    Shape and units: `means` in the contract's order, exact values; `scored` holds at least their groups.
    `effects` are the design effects of groups whose people are repeated: their draws are spread by √effect.

    Guarantee: where over 1 % of the draws leave a group empty there are no bounds, and where a group has one
    outcome only there is none to approve with; the gap says so.
    """
    wanted = {mean.group for mean in means}
    cells, groups = score_cells({group: table for group, table in scored.items() if group in wanted})
    values = Values(np.zeros((plan.replicates, 0)), np.zeros((plan.replicates, 0), dtype=bool))
    if cells is not None:
        values = _spread(drawn(cells, statistic, plan), means, groups, effects or {})
    one_sided = frozenset(g for g, t in scored.items() if g in wanted and not t[:, :, 0].sum(axis=1).all())
    how = DrawnDifferences(values, groups, one_sided)
    gap = gap_between(means, how, min_support=min_support, level=plan.level, floor=floor)
    gap = within_span(gap, 1.0)
    discarded = how.discarded(gap.compared)
    absent = "a group has only one of the two outcomes" if one_sided.intersection(gap.compared) else None
    if discarded > MOST_DISCARDED * plan.replicates:
        absent = "over 1 % of the draws leave a group without people"
    return replace(
        gap,
        simulated=Simulated(
            design=plan.design,
            replicates=plan.replicates,
            discarded=discarded,
            seed=plan.seed,
            absent=absent,
        ),
    )


def _spread(
    values: Values, means: Sequence[MeanValue], groups: Sequence[Group], effects: Mapping[Group, float]
) -> Values:
    """The draws, each group's moved away from its value by the root of its design effect."""
    point = {mean.group: float(mean.value) for mean in means}
    middle = np.array([point[group] for group in groups])
    root = np.sqrt([effects.get(group, 1.0) for group in groups])
    return Values(np.where(values.defined, middle + (values.value - middle) * root, 0.0), values.defined)


def _ratio(top: Floats, bottom: Floats) -> Values:
    defined = bottom > 0
    return Values(np.where(defined, top / np.where(defined, bottom, 1.0), 0.0), defined)

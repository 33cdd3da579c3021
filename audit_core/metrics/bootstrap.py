"""Resampling from a cube: counts are drawn, never rows, and the law is the same.

Drawing N rows with replacement and counting them gives Multinomial(N, cells/N): the cells are drawn at once,
at a cost that does not depend on N. A maximum minus a minimum is never resampled: its bootstrap is biased
upward; pairs of groups are (`metrics.gaps`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from audit_core.metrics.estimate import Undefined

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Design = Literal["unconditional", "stratified", "conditional"]
IntervalMethod = Literal["percentile", "bca"]

DESIGNS: dict[Design, str] = {
    "unconditional": "people as they came",
    "stratified": "group sizes fixed by design",
    "conditional": "group and outcome fixed by design",
}
MOST_DISCARDED = 0.01
"""Above this share of draws with an empty denominator there is no interval (METHODS §6)."""

_AT_ONCE = 4_000_000  # drawn cells held at a time
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """The cells a bootstrap draws from: group × label × score band, each with its rows and their scores.

    group: position of the group, ascending, every one from 0 on present; label 0 or 1; band of the score;
    n: rows; mean, variance: of the rows' scores (0 where scores play no part).
    """

    group: Ints
    label: Ints
    band: Ints
    n: Ints
    mean: Floats
    variance: Floats

    def __post_init__(self) -> None:
        groups = np.diff(self.group, prepend=-1)
        if not self.n.size or (groups < 0).any() or (groups > 1).any() or self.group[0] != 0:
            raise ValueError("cells come by group, and every group has one")
        if (self.n < 1).any() or (self.variance < 0).any():
            raise ValueError("a cell holds a row, and a variance is zero or more")

    @property
    def starts(self) -> Ints:
        """Where each group's cells begin."""
        return np.flatnonzero(np.diff(self.group, prepend=-1)).astype(np.int64)

    def by_group(self, values: npt.NDArray[np.int64] | Floats) -> Floats:
        """Sums over each group's cells; one row per draw."""
        return np.asarray(np.add.reduceat(values, self.starts, axis=1), dtype=np.float64)


class Values(NamedTuple):
    """A statistic of several draws, and where it exists; what does not exist holds 0."""

    value: Floats
    defined: Bools


Statistic = Callable[[Cells, Ints, Floats], Values]
"""Of cells, the rows drawn and their mean scores (draws × cells): a value per draw, or per draw and group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to draw: what was fixed when people were sampled, how often, from which seed, for which level.

    Raises
    ------
    ValueError
        When the design is unknown or replicates are under 1.
    """

    seed: int
    replicates: int = 2000
    design: Design = "unconditional"
    level: float = 0.95

    def __post_init__(self) -> None:
        if self.design not in DESIGNS or self.replicates < 1:
            raise ValueError("a bootstrap has a known design and at least one replicate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bootstrapped:
    """A value with its resampled interval; `discarded` draws had an empty denominator."""

    value: float
    low: float
    high: float
    method: IntervalMethod
    discarded: int
    plan: Plan


def resample(cells: Cells, plan: Plan) -> Iterator[tuple[Ints, Floats]]:
    """Yield rows per cell and their mean scores, some draws at a time.

    Formula: counts ~ Multinomial(N, n/N) over all cells, within each group (stratified), or within each group
    and label (conditional); mean of n* scores ~ Normal(s̄, s²/n*).

    Guarantee: the same cells and plan give the same draws.
    """
    stratum = {
        "unconditional": np.zeros_like(cells.group),
        "stratified": cells.group,
        "conditional": 2 * cells.group + cells.label,
    }[plan.design]
    strata = [np.flatnonzero(stratum == name) for name in np.unique(stratum)]
    draw = np.random.Generator(np.random.PCG64(plan.seed))
    spread = np.sqrt(cells.variance)
    step = max(1, _AT_ONCE // cells.n.size)
    for begin in range(0, plan.replicates, step):
        size = min(step, plan.replicates - begin)
        n = np.zeros((size, cells.n.size), dtype=np.int64)
        for part in strata:
            total = int(cells.n[part].sum())
            n[:, part] = draw.multinomial(total, cells.n[part] / total, size=size)
        noise = draw.standard_normal(n.shape) if spread.any() else np.zeros(n.shape)
        yield n, cells.mean + noise * spread / np.sqrt(np.maximum(n, 1))


def drawn(cells: Cells, statistic: Statistic, plan: Plan) -> Values:
    """Return a statistic over every draw, undefined ones marked."""
    parts = [statistic(cells, n, mean) for n, mean in resample(cells, plan)]
    return Values(np.concatenate([p.value for p in parts]), np.concatenate([p.defined for p in parts]))


def bootstrap_interval(
    cells: Cells, statistic: Statistic, plan: Plan, method: IntervalMethod
) -> Bootstrapped | Undefined:
    """Return a statistic with its bootstrap interval, or why there is none.

    Formula: percentile, for a smooth difference of two groups: the α/2 and 1−α/2 quantiles of the draws.
    bca, for ratios, AUC and ECE: quantiles at Φ(z₀+(z₀+z)/(1−a(z₀+z))), z₀ from the share of draws under the
    value (ties half), a from deleting one row of each cell, weighted by the cells' rows.

    Guarantee: never without its evidence: over 1 % of the draws with an empty denominator give `Undefined`.

    References
    ----------
    Efron (1987), JASA 82.
    """
    value, defined = statistic(cells, cells.n[None, :], cells.mean[None, :])
    if not defined[0]:
        return Undefined(reason="nothing to divide by")
    values = drawn(cells, statistic, plan)
    discarded = int((~values.defined).sum())
    if discarded > MOST_DISCARDED * plan.replicates:
        return Undefined(reason="over 1 % of the draws have nothing to divide by")
    draws, point = values.value[values.defined], float(value[0])
    tails: tuple[float, float] | None = ((1 - plan.level) / 2, (1 + plan.level) / 2)
    if method == "bca":
        tails = _bca_tails(point, draws, jackknife(cells, statistic), cells.n, plan.level)
    if tails is None:
        return Undefined(reason="the draws do not surround the value")
    low, high = (float(end) for end in np.quantile(draws, tails))
    return Bootstrapped(value=point, low=low, high=high, method=method, discarded=discarded, plan=plan)


def jackknife(cells: Cells, statistic: Statistic) -> Values:
    """Return the statistic with one row of each cell left out, one value per cell.

    The row that is left out has the cell's mean score.
    """
    size, parts = cells.n.size, []
    step = max(1, _AT_ONCE // size)
    for begin in range(0, size, step):
        out = np.arange(begin, min(begin + step, size))
        n = np.repeat(cells.n[None, :], out.size, axis=0)
        n[np.arange(out.size), out] -= 1
        parts.append(statistic(cells, n, np.broadcast_to(cells.mean, n.shape)))
    return Values(np.concatenate([p.value for p in parts]), np.concatenate([p.defined for p in parts]))


def _bca_tails(
    point: float, draws: Floats, left_out: Values, weight: Ints, level: float
) -> tuple[float, float] | None:
    """Quantiles of the draws at which the corrected interval ends; None where no correction exists."""
    under = float(np.mean(draws < point) + np.mean(draws == point) / 2)
    if not 0 < under < 1 or not left_out.defined.all():
        return None
    bias = _NORMAL.inv_cdf(under)
    apart = np.average(left_out.value, weights=weight) - left_out.value
    squares = float(np.sum(weight * apart**2))
    bend = float(np.sum(weight * apart**3)) / (6 * squares**1.5) if squares > 0 else 0.0
    ends = []
    for tail in ((1 - level) / 2, (1 + level) / 2):
        z = bias + _NORMAL.inv_cdf(tail)
        if 1 - bend * z <= 0:
            return None
        ends.append(_NORMAL.cdf(bias + z / (1 - bend * z)))
    return ends[0], ends[1]


def max_t_lower(values: Floats, point: Floats, level: float = 0.95) -> float:
    """Return the bound that the largest difference between groups exceeds, all pairs held at once.

    Formula: max over pairs of |θ̂ᵢ−θ̂ⱼ| − c·seᵢⱼ, not under 0; seᵢⱼ the standard deviation of the drawn
    differences, c the `level` quantile over draws of max |(θ*ᵢ−θ*ⱼ)−(θ̂ᵢ−θ̂ⱼ)|/seᵢⱼ.

    Shape and units: draws × groups, at least two of each; in the unit of the values.

    References
    ----------
    Westfall & Young (1993), Resampling-Based Multiple Testing.
    """
    largest = np.zeros(len(values))
    pairs = []
    for i in range(point.size - 1):
        apart, expected = values[:, i, None] - values[:, i + 1 :], point[i] - point[i + 1 :]
        se = apart.std(axis=0, ddof=1)
        moves = se > 0
        if moves.any():
            distance = np.abs(apart[:, moves] - expected[moves]) / se[moves]
            largest = np.maximum(largest, distance.max(axis=1))
        pairs.append((np.abs(expected), se))
    reach = float(np.quantile(largest, level))
    return max(0.0, *(float((gap - reach * se).max()) for gap, se in pairs))


def pairwise_upper(values: Floats, level: float = 0.95) -> float:
    """Return the largest one-sided upper bound of a difference over all ordered pairs of groups.

    Formula: max over ordered pairs of the `level` quantile of the drawn differences.

    Shape and units: draws × groups, at least two groups; in the unit of the values.
    """
    most = -math.inf
    for i in range(values.shape[1] - 1):
        apart = values[:, i, None] - values[:, i + 1 :]
        ends = np.quantile(apart, (1 - level, level), axis=0)
        most = max(most, float(ends[1].max()), float(-ends[0].min()))
    return most

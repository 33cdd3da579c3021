"""Draws of the joint cube of two models: how the rates of all groups vary together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from audit_core.cube.axes import ABSENT, NEITHER
from audit_core.cube.count_cube import Integers
from audit_core.metrics.bootstrap import MOST_DISCARDED, Cells, Design, Floats, Ints, Plan, Values, drawn
from audit_core.metrics.catalogue import Mask, RateMetric
from audit_core.metrics.estimate import Group

JOINT = (NEITHER + 1, ABSENT + 1, ABSENT + 1)
"""Label × the candidate's decision × the baseline's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """One group's rows under both models.

    Shape and units: rows; `both` by label and both decisions (`JOINT`), None on different rows; `new` and
    `old` by label and one model's decision.
    """

    both: Integers | None
    new: Integers
    old: Integers


class Spread(NamedTuple):
    """How a group's two rates vary over the draws: variance new, covariance, variance old.

    `most` is the covariance that sums of the two rates are given: the same one, or the largest there can be
    where it is not known on how many people the models agree.
    """

    new: float
    joint: float
    old: float
    most: float


def of_unknown_overlap(spread: Spread) -> Spread:
    """Return a spread that holds however many people the two models agree on, if they tend to agree.

    A change is then given the covariance 0, and a sum the largest one, √(variance new · variance old).
    """
    return Spread(spread.new, 0.0, spread.old, math.sqrt(spread.new * spread.old))


@dataclass(frozen=True, slots=True, kw_only=True)
class RatesDrawn:
    """How the rates of groups vary over the draws of the joint cube.

    `spreads` are in the order of `groups`; None where over 1 % of the draws leave the group without people.
    """

    groups: tuple[Group, ...]
    spreads: tuple[Spread | None, ...]
    replicates: int
    seed: int
    design: Design

    def spread(self, group: Group) -> Spread | None:
        """Return how one group's rates vary."""
        return self.spreads[self.groups.index(group)]


def drawn_rates(tables: Mapping[Group, Sides], metric: RateMetric, plan: Plan) -> RatesDrawn:
    """Return how a rate under two models varies over draws of the joint cube.

    Formula: rows by group × label × both decisions ~ Multinomial; on different rows each model's own, drawn
    apart (the baseline's from the seed after). Groups vary on their own, so only variances and the covariance
    of a group's two rates are kept.
    """
    groups = tuple(tables)
    parts = [
        _values(tables, metric, side, replace(plan, seed=plan.seed + place))
        for place, side in enumerate(_sides(tables))
    ]
    value = np.concatenate([part.value for part in parts], axis=1)
    defined = np.concatenate([part.defined for part in parts], axis=1)
    found = []
    for place in range(len(groups)):
        columns = [place, place + len(groups)]
        kept = defined[:, columns].all(axis=1)
        few = int((~kept).sum()) > MOST_DISCARDED * plan.replicates
        matrix = np.cov(value[kept][:, columns], rowvar=False) if not few else None
        entries = None if matrix is None else (matrix[0, 0], matrix[0, 1], matrix[1, 1], matrix[0, 1])
        found.append(None if entries is None else Spread(*map(float, entries)))
    return RatesDrawn(
        groups=groups, spreads=tuple(found), replicates=plan.replicates, seed=plan.seed, design=plan.design
    )


def _sides(tables: Mapping[Group, Sides]) -> tuple[str, ...]:
    return ("both",) if all(table.both is not None for table in tables.values()) else ("new", "old")


def _values(tables: Mapping[Group, Sides], metric: RateMetric, side: str, plan: Plan) -> Values:
    """Draws of the rates of every group: the candidate's and the baseline's, or one of them."""
    cube = np.stack([_joint(getattr(table, side)) for table in tables.values()])
    group, label, new, old = (np.asarray(code, dtype=np.int64) for code in np.nonzero(cube))
    n = cube[group, label, new, old].astype(np.int64)
    zero = np.zeros(n.size)
    cells = Cells(
        group=group, label=np.minimum(label, 1), band=new * (ABSENT + 1) + old, n=n, mean=zero, variance=zero
    )
    decisions = (new, old) if side == "both" else (new,)
    chosen = [_inside(metric, label, decision) for decision in decisions]

    def statistic(cells: Cells, rows: Ints, _mean: Floats) -> Values:
        found = [_ratio(cells.by_group(rows * top), cells.by_group(rows * bottom)) for top, bottom in chosen]
        value, defined = (np.concatenate(part, axis=1) for part in zip(*found, strict=True))
        return Values(value, defined)

    return drawn(cells, statistic, plan)


def _joint(table: Integers) -> Integers:
    """A table over label, new and old decision; one model alone stands at old decision 0."""
    if table.ndim == len(JOINT):
        return table
    into = np.zeros(JOINT, dtype=np.int64)
    into[:, :, 0] = table
    return into


def _inside(metric: RateMetric, label: Ints, decision: Ints) -> tuple[Mask, Mask]:
    top: npt.NDArray[np.bool_] = metric.numerator[label, decision]
    return top, metric.denominator[label, decision]


def _ratio(top: Floats, bottom: Floats) -> Values:
    defined = bottom > 0
    return Values(np.where(defined, top / np.where(defined, bottom, 1.0), 0.0), defined)

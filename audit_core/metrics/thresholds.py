"""Six ways to set the threshold of a score, tried on the counts of an audit.

Choosing a threshold on the rows it is then reported on is optimistic: the choice fits their chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Literal

import numpy as np

from audit_core.contract.schema import ReleaseContract, Subject
from audit_core.cube.count_cube import CountCube, Group, Integers
from audit_core.cube.redecide import BandCounts, Cut, band_counts
from audit_core.metrics.catalogue import RATES
from audit_core.metrics.estimate import Estimate, estimate_rate
from audit_core.metrics.rates import known_groups, ordered_groups

Strategy = Literal[
    "production", "best_accuracy", "equal_selection", "equal_opportunity", "equalized_odds", "free"
]
STRATEGIES: tuple[Strategy, ...] = (
    "production", "best_accuracy", "equal_selection", "equal_opportunity", "equalized_odds", "free",
)  # fmt: skip
PER_GROUP: frozenset[Strategy] = frozenset(("equal_selection", "equal_opportunity", "equalized_odds", "free"))
EQUALISED: Mapping[Strategy, tuple[str, ...]] = {
    "equal_selection": ("selection_rate",),
    "equal_opportunity": ("tpr",),
    "equalized_odds": ("tpr", "fpr"),
}
"""The rates a strategy brings together, each at its value for everybody in production."""

SHOWN = ("selection_rate", "tpr", "fpr", "ppv", "accuracy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a wrong no and a wrong yes cost, in any one unit; only their ratio matters."""

    wrong_no: Fraction = Fraction(1)
    wrong_yes: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cuts:
    """A strategy's thresholds.

    `one` is the cut of every group that `groups` does not name; `left` are the groups that were left at it,
    since too few of their people stand behind a rate to set a threshold on.
    """

    strategy: Strategy
    one: Cut
    groups: tuple[tuple[Group, Cut], ...]
    left: tuple[Group, ...]

    @property
    def by_group(self) -> dict[Group, Cut]:
        """Cut by group, () for every other group."""
        return {(): self.one} | dict(self.groups)

    def of(self, group: Group) -> Cut:
        """Return the cut of a group."""
        return dict(self.groups).get(group, self.one)


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedGroup:
    """One group before and after: its cut, its rates in the order of `SHOWN`, and its people whose decision
    changes (`gained`: now selected; `lost`: no longer). `cut` is None where production's is no edge.
    """

    group: Group
    cut: Cut
    rows: int
    before: tuple[Estimate, ...]
    after: tuple[Estimate, ...]
    gained: int
    lost: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A strategy tried on the rows it was chosen on, compared with production."""

    subject: Subject
    cuts: Cuts
    groups: tuple[TriedGroup, ...]
    cost_before: Fraction
    cost_after: Fraction

    @property
    def changed(self) -> int:
        """People whose decision changes."""
        return sum(group.gained + group.lost for group in self.groups)


def strategy_cuts(
    contract: ReleaseContract, cube: CountCube, subject: Subject, strategy: Strategy, costs: Costs
) -> Cuts:
    """Return the thresholds a strategy sets; `free` starts from production's.

    Formula: best accuracy minimises wrong_no·FN + wrong_yes·FP over one edge for everybody, the edge nearest
    to production's where several are equal. The other strategies choose for each group the edge whose rates
    are nearest to those of everybody in production (for equalized odds: whose farther rate is nearest).

    Guarantee: where every row has a score, each group's rate is within half of one band's step of the rate it
    aims at, for the strategies that bring one rate together. Two rates can't in general be brought together
    by one cut-off a group; exact equality would need decisions drawn by lot (Hardt, Price & Srebro 2016),
    which are not made here.
    """
    counts = band_counts(cube, subject)
    if strategy == "best_accuracy":
        return Cuts(strategy=strategy, one=_cheapest(counts.values(), costs), groups=(), left=())
    rates = EQUALISED.get(strategy, ())
    if not rates:
        return Cuts(strategy=strategy, one=None, groups=(), left=())
    everybody = _total(count.outcomes(None) for count in counts.values())
    targets = [_rate(everybody, name) for name in rates]
    chosen: list[tuple[Group, Cut]] = []
    left: list[Group] = []
    for group in known_groups(cube, contract, subject):
        if group not in counts:
            continue
        enough = all(_supported(contract, counts[group].outcomes(None), name) for name in rates)
        if enough and None not in targets:
            chosen.append((group, _nearest(counts[group], rates, [t for t in targets if t is not None])))
        else:
            left.append(group)
    return Cuts(strategy=strategy, one=None, groups=tuple(chosen), left=tuple(left))


def try_cuts(contract: ReleaseContract, cube: CountCube, subject: Subject, cuts: Cuts, costs: Costs) -> Trial:
    """Return what these thresholds would do to every group, and to the cost of all mistakes."""
    counts = band_counts(cube, subject)
    groups = []
    for group in ordered_groups(cube, contract, subject):
        if group not in counts:
            continue
        mine, cut = counts[group], cuts.of(group)
        gained, lost = mine.changed(cut)
        before, after = mine.outcomes(None), mine.outcomes(cut)
        groups.append(
            TriedGroup(
                group=group,
                cut=mine.own if cut is None else cut,
                rows=int(before.sum()),
                before=tuple(_estimate(contract, before, name) for name in SHOWN),
                after=tuple(_estimate(contract, after, name) for name in SHOWN),
                gained=gained,
                lost=lost,
            )
        )
    whole = [
        sum((_cost(c.outcomes(at(g)), costs) for g, c in counts.items()), Fraction(0))
        for at in (_production, cuts.of)
    ]
    return Trial(subject=subject, cuts=cuts, groups=tuple(groups), cost_before=whole[0], cost_after=whole[1])


def rate_step(counts: BandCounts, metric: str) -> Fraction:
    """Return the largest step of a group's rate from one edge to the next: what its bands can tell apart."""
    rates = [_rate(counts.outcomes(cut), metric) for cut in counts.cuts]
    known = [rate for rate in rates if rate is not None]
    return max((abs(a - b) for a, b in pairwise(known)), default=Fraction(0))


def _production(_group: Group) -> Cut:
    return None


def _cheapest(counts: Iterable[BandCounts], costs: Costs) -> Cut:
    every = list(counts)
    if not every:
        return None
    whole = BandCounts(
        group=(),
        no=np.sum([c.no for c in every], axis=0),
        yes=np.sum([c.yes for c in every], axis=0),
        fixed=np.sum([c.fixed for c in every], axis=0),
        own=every[0].own,
    )
    return _best(whole, lambda table: _cost(table, costs))


def _nearest(counts: BandCounts, rates: tuple[str, ...], targets: list[Fraction]) -> Cut:
    def distance(table: Integers) -> Fraction:
        found = [_rate(table, name) for name in rates]
        return max(
            abs(rate - target) if rate is not None else Fraction(2)
            for rate, target in zip(found, targets, strict=True)
        )

    return _best(counts, distance)


def _best(counts: BandCounts, loss: Callable[[Integers], Fraction]) -> Cut:
    """The cut with the least loss; of equal ones that nearest to production's, then the lower."""
    own = counts.own
    cuts: list[Cut] = [None, *(cut for cut in counts.cuts if cut != own)]
    middle = own if own is not None else counts.no.shape[1] // 2

    def order(cut: Cut) -> tuple[Fraction, int, int]:
        place = middle if cut is None else cut
        return loss(counts.outcomes(cut)), 0 if cut is None else 1 + abs(place - middle), place

    return min(cuts, key=order)


def _cost(table: Integers, costs: Costs) -> Fraction:
    return costs.wrong_no * RATES["fnr"].counts(table)[0] + costs.wrong_yes * RATES["fpr"].counts(table)[0]


def _rate(table: Integers, metric: str) -> Fraction | None:
    numerator, denominator = RATES[metric].counts(table)
    return Fraction(numerator, denominator) if denominator else None


def _total(tables: Iterable[Integers]) -> Integers:
    return np.asarray(np.sum(list(tables), axis=0), dtype=np.int64)


def _supported(contract: ReleaseContract, table: Integers, metric: str) -> bool:
    return RATES[metric].counts(table)[1] >= RATES[metric].required(contract.support)


def _estimate(contract: ReleaseContract, table: Integers, metric: str) -> Estimate:
    return estimate_rate(
        *RATES[metric].counts(table),
        required=RATES[metric].required(contract.support),
        level=float(contract.statistics.level),
        method=contract.statistics.interval,
    )

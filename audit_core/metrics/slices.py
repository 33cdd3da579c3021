"""The search for the worst slices: every slice is looked at, and only what is seen twice is a finding.

One random half of the rows is searched, the other confirms. What a search finds is optimistic, so the numbers
that are shown are those of the half that was held out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from audit_core.contract.schema import ReleaseContract
from audit_core.cube.count_cube import CountCube, Group
from audit_core.metrics.catalogue import RATES
from audit_core.metrics.estimate import Count
from audit_core.metrics.measure import rate_metric
from audit_core.metrics.multiplicity import benjamini_hochberg, holm
from audit_core.metrics.seeds import seed_of
from audit_core.metrics.shrunk import Prior, beta_binomial
from audit_core.metrics.slice_cells import (
    Cells,
    Counts,
    Floats,
    Mask,
    Slice,
    Weights,
    cells_of,
    is_part_of,
    more_harmed,
    split,
    tabulate,
)
from audit_core.metrics.slice_found import Carried, Compared, Looked, SliceHunt, Visible, Worse

ALPHA = 0.05
POWER = 0.80
MOST_RANKED = 200
_WORSE: dict[str, Worse] = {
    "tpr": "lower", "fpr": "higher", "fnr": "higher", "tnr": "lower", "ppv": "lower", "npv": "lower",
    "fdr": "higher", "for": "higher", "accuracy": "lower", "abstain_rate": "higher",
    "label_coverage": "lower",
}  # fmt: skip


def worse_side(contract: ReleaseContract, metric: str) -> Worse | None:
    """Return which side of a rate is the worse one: more errors, or fewer favourable decisions; or None."""
    if metric == "selection_rate":
        favourable = rate_metric(contract, metric, favourable=True) is RATES[metric]
        return "lower" if favourable else "higher"
    return _WORSE.get(metric)


def worst_slices(contract: ReleaseContract, cube: CountCube, metric: str) -> SliceHunt:
    """Return the slices that do worse than the rest in one random half of the rows and again in the other.

    Formula: one-sided Fisher test of every slice against the rest; carried over at a Benjamini–Hochberg
    value of at most .05 over every slice looked at; a finding at a Holm-adjusted p of at most .05 in the
    other half.

    Guarantee: the same cube and metric give the same result (seed: `seed_of`). Where no slice differs, the
    chance of any finding is at most .05, whatever the search did, since the held-out half had no part in it.

    Raises
    ------
    ValueError
        The metric has no worse side.

    References
    ----------
    Fisher (1935); Benjamini & Hochberg (1995); Holm (1979).
    """
    worse = worse_side(contract, metric)
    if worse is None:
        raise ValueError(f"{metric!r} has no worse side to look for")
    row = RATES[metric]
    minimum = max(row.required(contract.support), contract.support.privacy_floor, 1)
    cells = cells_of(cube, row, lower_is_worse=worse == "lower")
    level, seed = float(contract.statistics.level), seed_of(cube.fingerprint, f"worst slices {metric}")
    half, held = split(cells.whole, seed)
    table = tabulate(cells, minimum, (half, cells.whole))
    search = _Search(cells=cells, slices=table.slices, worse=worse, level=level)
    carried, q = search.run(table.counts[0], half, held)
    ranked, prior = search.ranked(table.counts[1], q)
    return SliceHunt(
        metric=metric,
        worse=worse,
        axes=tuple(axis.name for axis in cells.axes),
        looked_at=len(q),
        minimum=minimum,
        seed=seed,
        level=level,
        everybody=search.count((), cells.whole, np.ones(len(cells.codes), dtype=bool)),
        carried=carried,
        ranked=ranked,
        visible=search.visible(table.counts[1]),
        prior=prior,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    """One search over the slices of a cube."""

    cells: Cells
    slices: tuple[Slice, ...]
    worse: Worse
    level: float

    def run(
        self, counts: Counts, search: Weights, held: Weights
    ) -> tuple[tuple[Carried, ...], tuple[float, ...]]:
        """The slices carried over, judged in the held-out half, and every slice's q in the search half.

        `counts` are those of every slice in the search half.
        """
        q = benjamini_hochberg(more_harmed(*counts).tolist())
        named = dict(zip(self.slices, q, strict=True))
        order, also = self._explain([one for one in named if named[one] <= ALPHA], search)
        alone = self._left([(one, ()) for one in order], held)
        beyond = self._left([(one, tuple(order[:i])) for i, one in enumerate(order)], held)
        p = [max(pair) for pair in zip(alone, beyond, strict=True)]
        carried = []
        for i, (one, adjusted) in enumerate(zip(order, holm(p), strict=True)):
            carried.append(
                Carried(
                    slice=one,
                    search=self.compared(one, search),
                    q=named[one],
                    held_out=self.compared(one, held),
                    p=p[i],
                    adjusted=adjusted,
                    replicated=adjusted <= ALPHA,
                    explained=adjusted > ALPHA and alone[i] <= ALPHA < beyond[i],
                    beyond=tuple(other for other in order[:i] if self._meet(one, other)),
                    also=tuple(also[one]),
                )
            )
        return tuple(carried), q

    def _explain(
        self, significant: list[Slice], search: Weights
    ) -> tuple[list[Slice], dict[Slice, list[Slice]]]:
        """Reported slices, the clearest first, and under each the slices of which it leaves nothing.

        A slice inside a reported one is compared with the others in it; of any other slice the people already
        reported are taken away. What is left must still differ, at 5 %; the held-out half decides the rest.
        """
        order: list[Slice] = []
        also: dict[Slice, list[Slice]] = {}
        left = significant
        while left:
            p = self._left([(one, tuple(order)) for one in left], search)
            stays = [not order or value <= ALPHA for value in p]
            if order:
                also[order[-1]] = [one for one, stay in zip(left, stays, strict=True) if not stay]
                p = [value for value, stay in zip(p, stays, strict=True) if stay]
                left = [one for one, stay in zip(left, stays, strict=True) if stay]
            if left:
                best = min(range(len(left)), key=lambda i: (p[i], len(left[i][0])))
                order.append(left.pop(best))
                also[order[-1]] = []
        return order, also

    def _left(self, asked: Sequence[tuple[Slice, tuple[Slice, ...]]], weights: Weights) -> list[float]:
        """The p-value of each slice once the slices reported before it are allowed for."""
        masks = {other: self.cells.inside(*other) for _, reported in asked for other in reported}
        counts = []
        for one, reported in asked:
            inside, around = self.cells.inside(*one), self._around(one)
            for other in reported:
                around = around & (masks[other] if is_part_of(one, other) else ~masks[other])
            counts.append(_sums(weights, inside & around, around & ~inside))
        if not counts:
            return []
        harmed, people, rest_harmed, rest = np.array(counts, dtype=np.int64).T
        return [float(p) for p in more_harmed(harmed, people, rest_harmed, rest)]

    def _meet(self, one: Slice, other: Slice) -> bool:
        both = self.cells.inside(*one) & self.cells.inside(*other)
        return bool(self.cells.whole.people[both].sum())

    def compared(self, one: Slice, weights: Weights) -> Compared:
        """A slice beside the rest, as the metric counts it."""
        inside = self.cells.inside(*one)
        here = self.count(one[1], weights, inside)
        return Compared(
            inside=here, rest=self.count((), weights, self._around(one) & ~inside), level=self.level
        )

    def _around(self, one: Slice) -> Mask:
        known = self.cells.known(one[0])
        return np.ones(len(self.cells.codes), dtype=bool) if known is None else known

    def count(self, group: Group, weights: Weights, mask: Mask) -> Count:
        """The rate of some cells, as two integers."""
        return self.rate(group, int(weights.harmed[mask].sum()), int(weights.people[mask].sum()))

    def rate(self, group: Group, harmed: int, people: int) -> Count:
        """The rate as the metric counts it."""
        hits = people - harmed if self.worse == "lower" else harmed
        return Count(group=group, numerator=hits, denominator=people)

    def ranked(self, whole: Counts, q: Sequence[float]) -> tuple[tuple[Looked, ...], Prior | None]:
        """The slices in the order of their shrunk rate, the worst first, and the law they are drawn to."""
        harmed, people, rest_harmed, rest = whole
        prior = beta_binomial(harmed, people)
        if prior is None:
            return (), None
        shrunk: Floats = prior.posterior(harmed, people)
        apart = harmed / people - rest_harmed / rest
        found = []
        for i in np.lexsort((-apart, -np.round(shrunk, 12)))[:MOST_RANKED].tolist():
            inside = self.rate(self.slices[i][1], int(harmed[i]), int(people[i]))
            others = self.rate((), int(rest_harmed[i]), int(rest[i]))
            pair = Compared(inside=inside, rest=others, level=self.level)
            rate = 1 - shrunk[i] if self.worse == "lower" else shrunk[i]
            found.append(Looked(slice=self.slices[i], whole=pair, q=q[i], shrunk=float(rate)))
        mean = 1 - prior.mean if self.worse == "lower" else prior.mean
        return tuple(found), replace(prior, mean=mean)

    def visible(self, whole: Counts) -> tuple[Visible, ...]:
        """What the search would have seen in its smallest, its middle and its largest slice."""
        _, people, _, rest = whole
        if not people.size:
            return ()
        order = np.argsort(people, kind="stable")
        rate = float(self.cells.whole.harmed.sum() / self.cells.whole.people.sum())
        picked = dict.fromkeys(int(order[i]) for i in (0, order.size // 2, order.size - 1))
        return tuple(
            Visible(
                people=int(people[i]),
                difference=visible_difference(rate, int(people[i]) / 2, int(rest[i]) / 2, people.size),
            )
            for i in picked
        )


def visible_difference(rate: float, people: float, rest: float, looked_at: int) -> float | None:
    """Return the smallest excess over `rate` that the search finds four times in five, or None.

    Formula: the δ with δ = z(1−.05/m)·√(p̄q̄(1/n+1/N)) + z(.80)·√(p₁q₁/n + p₀q₀/N), p₁ = p₀ + δ: the
    strictest step of Benjamini–Hochberg, normal approximation.

    Shape and units: rate of harm p₀ 0–1, people of the slice and of the rest in the search half.
    """
    strict, wanted = NormalDist().inv_cdf(1 - ALPHA / max(1, looked_at)), NormalDist().inv_cdf(POWER)

    def short(excess: float) -> float:
        other = min(1.0, rate + excess)
        pooled = (other * people + rate * rest) / (people + rest)
        null = math.sqrt(pooled * (1 - pooled) * (1 / people + 1 / rest))
        return strict * null + wanted * math.sqrt(other * (1 - other) / people + rate * (1 - rate) / rest)

    low, high = 0.0, 1 - rate
    if short(high) > high:
        return None
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if short(middle) > middle else (low, middle)
    return high


def _sums(weights: Weights, inside: Mask, rest: Mask) -> tuple[int, int, int, int]:
    harmed, people = weights.harmed, weights.people
    return (
        int(harmed[inside].sum()),
        int(people[inside].sum()),
        int(harmed[rest].sum()),
        int(people[rest].sum()),
    )

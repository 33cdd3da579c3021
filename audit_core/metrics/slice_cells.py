"""Every slice of a cube at once: harmed and people by scatter-adds, halves of the rows, an exact test."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from audit_core.contract.schema import Subject
from audit_core.cube.axes import UNKNOWN, Axis
from audit_core.cube.count_cube import CountCube, Group, Integers
from audit_core.metrics.catalogue import RateMetric

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Places = tuple[int, ...]
"""Which axes are crossed."""

MOST_AXES = 3
_DENSE = 4


Slice = tuple[Subject, Group]
"""Names of axes and one level of each; one to three of them."""

Counts = tuple[Integers, Integers, Integers, Integers]
"""Harmed and people of slices, then harmed and people of the rest of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """People behind a rate and those of them who were harmed, per cell; a half of the rows has its own."""

    harmed: Integers
    people: Integers


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """The cells of a cube without label, decision, band and window: one row of level codes each."""

    axes: tuple[Axis, ...]
    codes: Integers
    whole: Weights

    def inside(self, names: Subject, group: Group) -> Mask:
        """Return which cells belong to a slice."""
        mask = np.ones(len(self.codes), dtype=bool)
        for name, level in zip(names, group, strict=True):
            place = self._place(name)
            mask &= self.codes[:, place] == self.axes[place].levels.index(level)
        return mask

    def known(self, names: Subject) -> Mask | None:
        """Return which cells have a known level on all of these axes; None: every cell."""
        mask: Mask | None = None
        for place in map(self._place, names):
            if UNKNOWN in self.axes[place].levels:
                here = self.codes[:, place] != self.axes[place].levels.index(UNKNOWN)
                mask = here if mask is None else mask & here
        return mask

    def _place(self, name: str) -> int:
        return next(i for i, axis in enumerate(self.axes) if axis.name == name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The slices to look at, and their counts under each of the weights that were asked for."""

    slices: tuple[Slice, ...]
    counts: tuple[Counts, ...]


def cells_of(cube: CountCube, metric: RateMetric, *, lower_is_worse: bool) -> Cells:
    """Return the cells of a cube with the counts of one rate; windows are added up.

    Where a lower rate is worse, the harmed are those whom the rate does not count.
    """
    places = [place for place, axis in enumerate(cube.axes) if axis.kind in ("attribute", "slice")]
    label, decision, rows = cube.codes[:, -3], cube.codes[:, -2], cube.measures[:, 0]
    people = np.where(metric.denominator[label, decision], rows, 0)
    hits = np.where(metric.numerator[label, decision], rows, 0)
    keep = people > 0
    flat = _flat(cube.codes[keep], places, tuple(len(axis.levels) for axis in cube.axes))
    _, first, position = np.unique(flat, return_index=True, return_inverse=True)
    sums = [np.rint(np.bincount(position, weights=part[keep])).astype(np.int64) for part in (hits, people)]
    harmed = sums[1] - sums[0] if lower_is_worse else sums[0]
    axes = tuple(cube.axes[place] for place in places)
    codes = np.asfortranarray(cube.codes[keep][first][:, places])  # a column is read at a time
    return Cells(axes=axes, codes=codes, whole=Weights(harmed=harmed, people=sums[1]))


def tabulate(cells: Cells, minimum: int, weights: Sequence[Weights]) -> Table:
    """Return the slices of one, two and three axes that have enough people on both sides, with their counts.

    A combination that holds the same people as one of its parts (an axis that adds nothing) is the same
    slice, and is not looked at twice; an unknown level is no slice. Chosen by people, never by outcome.
    """
    people_of: dict[Places, tuple[Integers, Integers]] = {}
    slices: list[Slice] = []
    parts: list[list[Counts]] = [[] for _ in weights]
    for size in range(1, MOST_AXES + 1):
        for places in combinations(range(len(cells.axes)), size):
            names = tuple(cells.axes[place].name for place in places)
            known = cells.known(names)
            present, position = _present(cells, places)
            people, rest = _inside_and_rest(cells.whole.people, position, len(present), known)
            people_of[places] = present, people
            keep = (people >= minimum) & (rest >= minimum) & _known_slice(present, cells, places)
            keep &= ~_same_as_part(people_of, cells, places)
            slices += [(names, group) for group in _groups(present[keep], cells, places)]
            for part, weight in zip(parts, weights, strict=True):
                both = (weight.harmed, weight.people)
                harmed, held = (_inside_and_rest(one, position, len(present), known) for one in both)
                part.append((harmed[0][keep], held[0][keep], harmed[1][keep], held[1][keep]))
    return Table(slices=tuple(slices), counts=tuple(_joined(part) for part in parts))


def _inside_and_rest(
    weight: Integers, position: Integers, slices: int, known: Mask | None
) -> tuple[Integers, Integers]:
    """Sums of the slices that share no cell, and of everybody else whose levels are known."""
    inside = np.rint(np.bincount(position, weights=weight, minlength=slices)).astype(np.int64)
    everybody = weight if known is None else weight[known]
    return inside, int(everybody.sum()) - inside


def _joined(parts: Sequence[Counts]) -> Counts:
    nobody = np.zeros(0, dtype=np.int64)
    columns = zip((nobody,) * 4, *parts, strict=True)
    first, second, third, fourth = (np.concatenate(column) for column in columns)
    return first, second, third, fourth


def _groups(present: Integers, cells: Cells, places: Places) -> Iterator[Group]:
    levels = [cells.axes[place].levels for place in places]
    where = np.unravel_index(present, _shape(cells, places))
    for cell in zip(*where, strict=True):
        yield tuple(levels[i][int(code)] for i, code in enumerate(cell))


def _shape(cells: Cells, places: Places) -> tuple[int, ...]:
    return tuple(len(cells.axes[place].levels) for place in places)


def _flat(codes: Integers, places: Sequence[int], sizes: tuple[int, ...]) -> Integers:
    """One number for the levels of each cell on these axes.

    Raises
    ------
    ValueError
        More combinations than 64 bits can number.
    """
    if math.prod(sizes[place] for place in places) >= 2**62:
        raise ValueError("the attributes and slices have more combinations than can be numbered")
    flat = np.zeros(len(codes), dtype=np.int64)
    for place in places:
        flat = flat * sizes[place] + codes[:, place]
    return flat


def _present(cells: Cells, places: Places) -> tuple[Integers, Integers]:
    """The combinations that hold a cell, ascending, and each cell's place among them."""
    flat = _flat(cells.codes, places, tuple(len(axis.levels) for axis in cells.axes))
    size = math.prod(_shape(cells, places))
    if size > _DENSE * len(flat) + 10_000:
        present, position = np.unique(flat, return_inverse=True)
        return present, position.reshape(-1)
    held = np.bincount(flat, minlength=size) > 0
    return np.flatnonzero(held), (np.cumsum(held) - 1)[flat]


def _known_slice(present: Integers, cells: Cells, places: Places) -> Mask:
    keep = np.ones(len(present), dtype=bool)
    codes = np.unravel_index(present, _shape(cells, places))
    for place, code in zip(places, codes, strict=True):
        if UNKNOWN in cells.axes[place].levels:
            keep &= code != cells.axes[place].levels.index(UNKNOWN)
    return keep


def _same_as_part(people_of: dict[Places, tuple[Integers, Integers]], cells: Cells, places: Places) -> Mask:
    """Which combinations hold exactly the people of one of their parts."""
    present, people = people_of[places]
    same = np.zeros(len(present), dtype=bool)
    codes = np.unravel_index(present, _shape(cells, places))
    for left in range(len(places)) if len(places) > 1 else ():
        fewer = places[:left] + places[left + 1 :]
        kept = tuple(code for i, code in enumerate(codes) if i != left)
        parents, theirs = people_of[fewer]
        at = np.searchsorted(parents, np.ravel_multi_index(kept, _shape(cells, fewer)))
        same |= theirs[at] == people
    return same


def split(weights: Weights, seed: int) -> tuple[Weights, Weights]:
    """Return two random halves of the rows.

    Formula: rows of a cell with the same outcome can't be told apart, so a half drawn without replacement is
    one multivariate hypergeometric draw over cells × outcomes.

    Guarantee: the same seed gives the same halves; they add up to the whole; sizes differ by one at most.
    """
    colours = np.concatenate([weights.harmed, weights.people - weights.harmed])
    draw = np.random.Generator(np.random.PCG64(seed))
    drawn = draw.multivariate_hypergeometric(colours, int(colours.sum()) // 2, method="marginals")
    harmed, spared = np.split(np.asarray(drawn, dtype=np.int64), 2)
    first = Weights(harmed=harmed, people=harmed + spared)
    second = Weights(harmed=weights.harmed - first.harmed, people=weights.people - first.people)
    return first, second


def more_harmed(harmed: Integers, people: Integers, rest_harmed: Integers, rest: Integers) -> Floats:
    """Return the one-sided p-value of Fisher's exact test that a slice is harmed more often than the rest.

    Formula: P(H ≥ harmed), H hypergeometric with both margins fixed; summed outward from the observed count
    on the side away from the mode, so that no term is lost.

    Shape and units: arrays of counts of one length; 1.0 where either side has nobody.

    Guarantee: where slice and rest share one rate, P(p ≤ α) ≤ α without any approximation.

    References
    ----------
    Fisher (1935), JRSS 98.
    """
    h, n = np.asarray(harmed, dtype=np.float64), np.asarray(people, dtype=np.float64)
    k, m = h + rest_harmed, n + rest
    upper = h * m > n * k
    away = _outward(np.where(upper, h, h - 1), (n, k, m), upper)
    return np.clip(np.where(upper, away, 1 - away), 0.0, 1.0)


def _outward(start: Floats, margins: tuple[Floats, Floats, Floats], up: Mask) -> Floats:
    """Σ of hypergeometric terms from a count away from the mode, until the rest can't be seen."""
    from scipy.special import gammaln

    def log_choose(whole: Floats, part: Floats) -> Floats:
        return np.asarray(gammaln(whole + 1) - gammaln(part + 1) - gammaln(whole - part + 1))

    n, k, m = margins
    least = np.maximum(0, n + k - m)
    possible = (start >= least) & (start <= np.minimum(n, k))
    at = np.where(possible, start, least)
    term = np.exp(log_choose(k, at) + log_choose(m - k, n - at) - log_choose(m, n)) * possible
    total = term.copy()
    live = np.flatnonzero(term > 0)
    while live.size:
        a, b, c, more = at[live], n[live], k[live], up[live]
        missed = m[live] - c - b + a
        above = (b - a) * (c - a) / ((a + 1) * (missed + 1))
        below = a * missed / ((b - a + 1) * (c - a + 1))
        term[live] *= np.where(more, above, below)
        at[live] += np.where(more, 1, -1)
        total[live] += term[live]
        live = live[term[live] > 1e-17 * total[live]]
    return total


def is_part_of(inner: tuple[Subject, Group], outer: tuple[Subject, Group]) -> bool:
    """Whether every condition of the outer slice is one of the inner slice too."""
    return set(zip(*outer, strict=True)) <= set(zip(*inner, strict=True))

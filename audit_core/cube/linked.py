"""Tables that share attributes and are published together: what may be shown of each of their cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np

from audit_core.cube.cells import (
    STEPS,
    Measure,
    PublishedCell,
    PublishedTable,
    Question,
    RateMasks,
    Subject,
    Withheld,
    hidden_cell,
)
from audit_core.cube.count_cube import CountCube, Group, Integers
from audit_core.cube.feasible import Mask, System, Target
from audit_core.cube.witness import protect, stands

ROOM = 2 * STEPS
"""People per floor that make a rounded rate safe: below 40 floors a step holds too few of them."""


def axes_of(subjects: list[Subject] | tuple[Subject, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for subject in subjects for name in subject))


class LinkedTables:
    """Tables that share axes: their cells as sums over the finest ones, and what is shown of each."""

    def __init__(
        self,
        *,
        cube: CountCube,
        question: Question,
        subjects: tuple[Subject, ...],
        measures: tuple[Measure, ...],
    ) -> None:
        self.question, self.subjects, self.measures = question, subjects, measures
        self.axes = axes_of(subjects)
        self.levels = [dict(question.levels)[name] for name in self.axes]
        self.cells = [(subject, group) for subject in subjects for group in self._groups(subject)]
        self.place = {cell: at for at, cell in enumerate(self.cells)}
        self.system = self._system(self._finest(cube))
        self.counts: Integers = np.asarray(self.system.member @ self.system.counts, dtype=np.int64)
        self.sums = self._sums()

    def _groups(self, subject: Subject) -> Iterator[Group]:
        return product(*(self.levels[self.axes.index(name)] for name in subject))

    def _finest(self, cube: CountCube) -> Integers:
        """Finest cells × measures, a level without rows included."""
        shape = tuple(len(levels) for levels in self.levels)
        if len(self.subjects) == 1:
            return self._finest_of(cube, shape)
        places = [[axis.name for axis in cube.axes].index(name) for name in self.axes]
        codes = []
        for place, levels in zip(places, self.levels, strict=True):
            known = np.array([levels.index(level) for level in cube.axes[place].levels], dtype=np.int64)
            codes.append(known[cube.codes[:, place]])
        finest = np.ravel_multi_index(tuple(codes), shape)
        found = np.zeros((int(np.prod(shape)), max(1, len(self.measures))), dtype=np.int64)
        if not self.measures:
            np.add.at(found[:, 0], finest, cube.measures[:, 0])
        for at, (label, decision) in enumerate(self.measures):
            keep = (cube.codes[:, -3] == label) & (cube.codes[:, -2] == decision)
            np.add.at(found[:, at], finest[keep], cube.measures[keep, 0])
        return found

    def _finest_of(self, cube: CountCube, shape: tuple[int, ...]) -> Integers:
        """The same of a single table, which a cube of published counts has too."""
        found = np.zeros((int(np.prod(shape)), max(1, len(self.measures))), dtype=np.int64)
        tables = cube.outcomes(self.axes)
        for at, group in enumerate(product(*self.levels)):
            if group in tables:
                table = tables[group]
                found[at] = [table[pair] for pair in self.measures] if self.measures else table.sum()
        return found

    def _system(self, counts: Integers) -> System:
        from scipy import sparse

        shape = tuple(len(levels) for levels in self.levels)
        index = np.indices(shape).reshape(len(shape), -1)
        rows, start, sizes = [], 0, []
        for subject in self.subjects:
            inside = [self.axes.index(name) for name in subject]
            own = tuple(shape[at] for at in inside)
            rows.append(start + np.ravel_multi_index(tuple(index[at] for at in inside), own))
            sizes.append(int(np.prod(own)))
            start += sizes[-1]
        sizes.append(1)
        rows.append(np.full(index.shape[1], start))  # everybody, whose counts every table gives away
        columns = np.tile(np.arange(index.shape[1]), len(rows))
        member = sparse.csr_array(
            (np.ones(len(columns)), (np.concatenate(rows), columns)), shape=(start + 1, index.shape[1])
        )
        people = np.asarray(member @ counts.sum(axis=1), dtype=np.float64)
        fixed = np.arange(start + 1) == start
        number = np.repeat(np.arange(len(sizes)), sizes)
        return System(member=member, counts=counts, fixed=fixed, cost=people + 1, table=number)

    def _sums(self) -> list[tuple[int, ...]]:
        """Measures, and the sums of them that a rate is made of: one may be told where its parts are not."""
        found: list[tuple[int, ...]] = [(at,) for at in range(self.system.counts.shape[1])]
        for rate in self.question.rates:
            for mask in (rate.numerator, rate.denominator, rate.denominator & ~rate.numerator):
                found.append(tuple(at for at, pair in enumerate(self.measures) if mask[pair]))
        found.append(tuple(range(self.system.counts.shape[1])))
        return [sums for sums in dict.fromkeys(found) if sums]

    def settled(self, previous: tuple[Withheld, ...]) -> tuple[Mask, bool]:
        """Return what is shown of every cell, and whether rounded rates may be."""
        people, floor = self.system.people, self.question.floor
        shown = np.ones((len(people), 1 + self.counts.shape[1]), dtype=bool)
        if self.question.small_counts == "protected":
            shown[:, 1:] = (self.counts == 0) | (self.counts >= floor)
        shown[people < floor] = False
        shown = self._tied(self._kept(shown, previous))
        shown[-1] = True
        targets = self._targets(shown)
        found = protect(self.system, shown, targets, floor)
        if found is None:
            return np.repeat(self.system.fixed[:, None], shown.shape[1], axis=1), False
        shown = self._tied(found.shown)
        ratios = self._ratios(shown)
        settled = replace(found, shown=shown)
        # Beside rounded rates a range holds fewer whole numbers than its width says: two more make up for it.
        return shown, ratios is not None and stands(self.system, settled, targets, floor + 2, ratios)

    def _kept(self, shown: Mask, previous: tuple[Withheld, ...]) -> Mask:
        """What is shown under the mask of the release before, while any cell of it has hardly changed."""
        old = [(self.place[w.subject, w.group], w) for w in previous if (w.subject, w.group) in self.place]
        floor, kept, stuck = self.question.floor, shown.copy(), False
        for place, cell in old:
            before = np.array(cell.counts, dtype=np.int64).reshape(3, 4)
            change = np.abs(self._as_table(self.counts[place]) - before)
            total = abs(int(self.counts[place].sum()) - int(before.sum()))
            stuck |= total < floor if cell.whole else any(change[pair] < floor for pair in cell.hidden)
        for place, cell in old if stuck else ():
            if cell.whole:
                kept[place] = False
            for pair in cell.hidden:
                if pair in self.measures:
                    kept[place, 1 + self.measures.index(pair)] = False
        return kept

    def _as_table(self, counts: Integers) -> Integers:
        table = np.zeros((3, 4), dtype=np.int64)
        for at, pair in enumerate(self.measures or ((0, 0),)):
            table[pair] = counts[at]
        return table

    def _tied(self, shown: Mask) -> Mask:
        """What is shown with a group hidden in every window once it is hidden in one."""
        window, shown = self.question.window, shown.copy()
        ties: dict[tuple[Subject, Group], list[int]] = {}
        for (subject, group), place in self.place.items():
            rest = [at for at, name in enumerate(subject) if name != window]
            if window and rest:
                key = (tuple(subject[at] for at in rest), tuple(group[at] for at in rest))
                ties.setdefault(key, []).append(place)
        for places in ties.values():
            shown[places] = shown[places].all(axis=0)
        return shown

    def _targets(self, shown: Mask) -> list[Target]:
        """Every count that has to be kept, cells with fewest people first."""
        found: list[Target] = []
        for cell in np.argsort(self.system.people, kind="stable"):
            if not shown[cell].all():
                if self.question.small_counts == "rounded" and self.system.people[cell] < self.question.floor:
                    found += self._of_small(int(cell))
                    continue
                sums = self._kept_sums(self.counts[cell], shown[cell])
                found += [Target(cell=int(cell), measures=measures) for measures in sums]
        return found

    def _of_small(self, cell: int) -> Iterator[Target]:
        """A small cell's people, and each of its measures as far as the larger groups around it leave open.

        Where such a group has fewer than the floor of a measure, and shows them, no more than that many can
        be hidden in any part of it.
        """
        floor, mine = self.question.floor, self.system.member[[cell]].indices
        yield Target(cell=cell, measures=tuple(range(self.counts.shape[1])))
        inside = np.asarray(self.system.member[:, mine].sum(axis=1)).ravel() == len(mine)
        around = np.flatnonzero(inside & (self.system.people >= floor))
        for at in range(self.counts.shape[1]) if self.measures else ():
            most = int(self.counts[around, at].min()) if len(around) else floor
            if most:
                yield Target(cell=cell, measures=(at,), least=min(floor, most))

    def _kept_sums(self, counts: Integers, shown: Mask) -> list[tuple[int, ...]]:
        """Sums of measures that must be kept: all of a small cell; of a large one what is small of it, and
        what the release before hid: its people, or a measure.
        """
        floor, people = self.question.floor, tuple(range(len(counts)))
        if not shown[0] and counts.sum() < floor:
            return self.sums
        strict = self.question.small_counts == "protected"
        found = [sums for sums in self.sums if strict and 0 < counts[list(sums)].sum() < floor]
        found += [(at,) for at in people if not shown[1 + at]] if shown[0] else [people]
        return list(dict.fromkeys(found))

    def _rounded(self, shown: Mask) -> Iterator[tuple[int, RateMasks, int, tuple[Integers, Integers]]]:
        """Rates of cells shown in part that stand on enough people: (cell, rate, twentieths, weights)."""
        for cell in np.flatnonzero(shown[:, 0] & ~shown.all(axis=1)):
            for rate in self.question.rates if self.measures else ():
                top = np.array([rate.numerator[pair] for pair in self.measures], dtype=np.int64)
                bottom = np.array([rate.denominator[pair] for pair in self.measures], dtype=np.int64)
                numerator, denominator = int(self.counts[cell] @ top), int(self.counts[cell] @ bottom)
                exact = bool(shown[cell, 1:][bottom > 0].all())
                if denominator >= ROOM * self.question.floor and not exact:
                    yield int(cell), rate, round(Fraction(STEPS * numerator, denominator)), (top, bottom)

    def _small(self, shown: Mask) -> Iterator[tuple[int, str, int]]:
        """Rates that a small count on one side alone keeps from being shown: (cell, rate, twentieths)."""
        if self.question.small_counts == "protected" or not self.measures:
            return
        for cell in np.flatnonzero(shown[:, 0]):
            for rate in self.question.rates:
                top = np.array([rate.numerator[pair] for pair in self.measures], dtype=bool)
                bottom = np.array([rate.denominator[pair] for pair in self.measures], dtype=bool)
                numerator, denominator = (int(self.counts[cell][side].sum()) for side in (top, bottom))
                sides = (numerator, denominator - numerator)
                if shown[cell, 1:][bottom].all() and any(0 < n < self.question.floor for n in sides):
                    yield int(cell), rate.id, round(Fraction(STEPS * numerator, denominator))

    def _ratios(self, shown: Mask) -> tuple[Any, Any] | None:
        """What rounded rates give away, as bounds on the finest cells: (matrix, room)."""
        from scipy import sparse

        rows, now = [], self.system.counts.ravel()
        for cell, _, steps, (top, bottom) in self._rounded(shown):
            for sign in (1, -1):
                weights = sign * top - sign * (steps + sign / 2) / STEPS * bottom
                rows.append(sparse.kron(self.system.member[[cell]], weights[None, :], format="csr"))
        if not rows:
            return None
        matrix = sparse.vstack(rows, format="csr")
        return matrix, np.maximum(0.0, -np.asarray(matrix @ now))

    def tables(self, shown: Mask, *, rounded: bool) -> Iterator[PublishedTable]:
        """Yield the tables with what is shown of each cell."""
        rates: dict[int, list[tuple[str, int]]] = {}
        for cell, rate, steps, _ in self._rounded(shown) if rounded else ():
            rates.setdefault(cell, []).append((rate.id, steps))
        for cell, name, steps in self._small(shown):
            rates.setdefault(cell, []).append((name, steps))
        for subject in self.subjects:
            cells = []
            for group in self._groups(subject):
                place = self.place[subject, group]
                cells.append(self._cell(group, place, shown[place], tuple(rates.get(place, ()))))
            yield PublishedTable(subject=subject, cells=tuple(cells))

    def _cell(
        self, group: Group, place: int, shown: Mask, rounded: tuple[tuple[str, int], ...]
    ) -> PublishedCell:
        if not shown[0]:
            return hidden_cell(group)
        known = np.ones((3, 4), dtype=bool) if self.measures else np.zeros((3, 4), dtype=bool)
        for at, pair in enumerate(self.measures):
            known[pair] = shown[1 + at]
        counts = self.counts[place]
        exact = PublishedCell(
            group=group,
            shown="counts" if known.all() else "part",
            people=int(counts.sum()),
            counts=np.where(known, self._as_table(counts), 0),
            known=known,
            least=0 if self.question.small_counts == "protected" else self.question.floor,
        )
        told = {rate.id for rate in self.question.rates if exact.rate(rate) is not None}
        return replace(exact, rounded=tuple(pair for pair in rounded if pair[0] not in told))

    def remembered(self, shown: Mask) -> Iterator[Withheld]:
        """Yield what the next release must know of the cells that were not shown whole."""
        for (subject, group), place in self.place.items():
            if not shown[place].all():
                part = [pair for at, pair in enumerate(self.measures) if not shown[place, 1 + at]]
                table = tuple(int(value) for value in self._as_table(self.counts[place]).ravel())
                hidden = tuple(part) if shown[place, 0] else ()
                yield Withheld(subject=subject, group=group, hidden=hidden, counts=table)

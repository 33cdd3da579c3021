"""The part of a count cube that may leave the workspace: every cell shown, shown in part, or hidden."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from audit_core.cube.axes import NO, YES
from audit_core.cube.cells import (
    STEPS,
    Measure,
    PublishedCell,
    PublishedTable,
    Question,
    RateMasks,
    Shown,
    Subject,
    Withheld,
    hidden_cell,
)
from audit_core.cube.count_cube import CountCube, Group, Integers
from audit_core.cube.linked import LinkedTables, axes_of

__all__ = [
    "STEPS",
    "PublishedCell",
    "PublishedCube",
    "PublishedTable",
    "Question",
    "RateMasks",
    "Withheld",
    "publish",
]

MOST_UNKNOWNS = 4_000
"""Finest cells times measures of tables that are judged together; wider tables are withheld."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PublishedCube:
    """Every table that leaves the workspace, and the mask the next release has to keep.

    `measures` are the labels and decisions that are counted, all others too rare to be told apart from
    nobody; rows with none of them are in no table.
    """

    question: Question
    measures: tuple[Measure, ...]
    tables: tuple[PublishedTable, ...]
    mask: tuple[Withheld, ...]

    @property
    def floor(self) -> int:
        """Fewer people than this are never shown."""
        return self.question.floor

    @cached_property
    def _cells(self) -> dict[tuple[Subject, Group], PublishedCell]:
        return {(table.subject, cell.group): cell for table in self.tables for cell in table.cells}

    def cell(self, subject: Subject, group: Group) -> PublishedCell | None:
        """Return a group's cell, None where the tables have none."""
        return self._cells.get((subject, group))

    def table(self, subject: Subject) -> PublishedTable | None:
        """Return the table of a subject, None where it is not published."""
        return next((table for table in self.tables if table.subject == subject), None)

    def whole(self, subject: Subject) -> bool:
        """Whether every count of every group of a subject is shown."""
        table = self.table(subject)
        return table is not None and all(cell.shown == "counts" for cell in table.cells)

    def next(self, cube: CountCube) -> PublishedCube:
        """Return the next release of the same tables, with what this one hid still hidden.

        A cell stays hidden while its count has changed by less than the floor; as long as one does, so do
        the cells that were hidden for its sake.
        """
        return publish(cube, self.question, self.mask)


def publish(cube: CountCube, question: Question, previous: tuple[Withheld, ...] = ()) -> PublishedCube:
    """Return the tables that may be published.

    Guarantee: no linear combination of the published numbers gives a hidden count a range narrower than the
    floor, or one that stays under it. Groups without a person are listed and hidden, like small ones.
    """
    whole = _whole(cube)
    measures = _measures(whole, question.floor)
    everybody = PublishedTable(subject=(), cells=(_everybody(whole, measures, question.floor),))
    tables: dict[Subject, PublishedTable] = {(): everybody}
    mask: list[Withheld] = []
    for part in _parts(question, max(1, len(measures)), apart=bool(cube.published)):
        linked = LinkedTables(cube=cube, question=question, subjects=part, measures=measures)
        shown, rounded = linked.settled(previous)
        tables |= {table.subject: table for table in linked.tables(shown, rounded=rounded)}
        mask += linked.remembered(shown)
    if cube.published:
        tables = _without_crossed(tables)
    asked = dict.fromkeys([(), *question.subjects, *tables])
    missing = {name: PublishedTable(subject=name, cells=_hidden(question, name)) for name in asked}
    ordered = tuple(tables.get(name, missing[name]) for name in asked)
    return PublishedCube(question=question, measures=measures, tables=ordered, mask=tuple(mask))


def _without_crossed(tables: dict[Subject, PublishedTable]) -> dict[Subject, PublishedTable]:
    """Published counts have no finer cells in common, so their tables are protected one by one.

    Where one of several tables that share an attribute hides a cell, a crossed one could tell it by its sums:
    then none of more than one attribute is shown.
    """
    kept = dict(tables)
    for part in _connected([subject for subject in tables if subject]):
        cells = [cell for subject in part for cell in tables[subject].cells]
        if len(part) > 1 and any(cell.shown != "counts" for cell in cells):
            for subject in (name for name in part if len(name) > 1):
                hidden = tuple(hidden_cell(cell.group) for cell in tables[subject].cells)
                kept[subject] = PublishedTable(subject=subject, cells=hidden)
    return kept


def _whole(cube: CountCube) -> Integers:
    found: Integers = sum(cube.outcomes(()).values(), np.zeros((3, 4), dtype=np.int64))
    return found


def _measures(whole: Integers, floor: int) -> tuple[Measure, ...]:
    """Labels and decisions that enough rows have to be counted apart; () where only people are counted.

    A rare combination of a known outcome and a decision would have to be hidden almost everywhere: then only
    people are counted. Rows without an outcome or a decision are left out where they are rare.
    """
    core = [(label, decision) for label in (NO, YES) for decision in (NO, YES)]
    if any(0 < whole[pair] < 2 * floor for pair in core):
        return ()
    return tuple((int(a), int(b)) for a, b in np.argwhere(whole >= 2 * floor))


def _everybody(whole: Integers, measures: tuple[Measure, ...], floor: int) -> PublishedCell:
    counts = np.zeros_like(whole)
    for pair in measures:
        counts[pair] = whole[pair]
    people = int(counts.sum()) if measures else int(whole.sum())
    if people < floor:
        return hidden_cell(())
    known = np.full(whole.shape, bool(measures))
    shown: Shown = "counts" if measures else "part"
    return PublishedCell(group=(), shown=shown, people=people, counts=counts, known=known)


def _parts(question: Question, measures: int, *, apart: bool) -> Iterator[tuple[Subject, ...]]:
    """Subjects that share an axis, together; the widest one is left out while there are too many cells.

    Tables that were published one by one (`apart`) have no finer cells in common.
    """
    sizes = {name: len(levels) for name, levels in question.levels}
    subjects = [subject for subject in dict.fromkeys(question.subjects) if subject]
    if question.window:
        named = (question.window,)
        subjects = list(dict.fromkeys([named, *subjects, *((*s, *named) for s in subjects if s != named)]))
    while subjects:
        parts = [[subject] for subject in subjects] if apart else _connected(subjects)
        wide = [part for part in parts if _size(axes_of(part), sizes) * measures > MOST_UNKNOWNS]
        if not wide:
            yield from (tuple(part) for part in parts)
            return
        for part in wide:
            subjects.remove(max(part, key=lambda subject: (_size(subject, sizes), len(subject), subject)))


def _connected(subjects: list[Subject]) -> list[list[Subject]]:
    parts: list[list[Subject]] = []
    for subject in subjects:
        joined = [part for part in parts if set(axes_of(part)) & set(subject)]
        parts = [part for part in parts if part not in joined]
        parts.append([*(other for part in joined for other in part), subject])
    return parts


def _size(axes: tuple[str, ...], sizes: Mapping[str, int]) -> int:
    return int(np.prod([sizes[name] for name in axes], dtype=object))


def _hidden(question: Question, subject: Subject) -> tuple[PublishedCell, ...]:
    """Cells of a table of which nothing is shown; a table too wide to be listed has none."""
    levels = dict(question.levels)
    if _size(subject, {name: len(found) for name, found in levels.items()}) > MOST_UNKNOWNS:
        return ()
    groups = product(*(levels[name] for name in subject))
    return tuple(map(hidden_cell, groups))

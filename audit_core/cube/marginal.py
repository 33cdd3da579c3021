"""Published counts in the shape of a cube: one table per subject, of people nobody can join."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from audit_core.cube.axes import Axis
from audit_core.cube.count_cube import CountCube, Group, Integers


@dataclass(frozen=True, kw_only=True, eq=False)
class MarginalCube(CountCube):
    """A cube of tables that count the same people, each along axes of its own.

    A subject is read from the table that crosses exactly its axes, else from the smallest one that has them
    all. A subject no table has holds no groups: joint counts are never guessed from single ones. Everybody is
    the table with the most people; the cube's own cells are those, and have no axes.
    """

    tables: tuple[CountCube, ...]

    @property
    def published(self) -> tuple[Group, ...]:
        """The subjects that have a table of their own, single ones first."""
        return tuple(tuple(axis.name for axis in table.axes) for table in self.tables)

    def axis(self, name: str) -> Axis:
        """Return the axis of that name, with the levels of every table that has it."""
        found = [axis for table in self.tables for axis in table.axes if axis.name == name]
        levels = {level for axis in found for level in axis.levels}
        return Axis(name=name, kind=found[0].kind, levels=tuple(sorted(levels)))

    def has(self, name: str) -> bool:
        """Whether a table has an axis of that name."""
        return any(table.has(name) for table in self.tables)

    def holds(self, subject: Sequence[str]) -> bool:
        """Whether a table has every axis of the subject."""
        return self._table(subject) is not None

    def groups(self, subject: Sequence[str]) -> tuple[tuple[Group, ...], Integers]:
        """Return the groups of a subject, and the position of each cell of the table they are read from."""
        table = self._table(subject)
        return table.groups(subject) if table is not None else ((), np.zeros(0, dtype=np.int64))

    def outcomes(self, subject: Sequence[str]) -> dict[Group, Integers]:
        """Return people by label × decision for every group of a subject; nothing where no table has it."""
        table = self._table(subject)
        return table.outcomes(subject) if table is not None else {}

    def scored(self, subject: Sequence[str]) -> dict[Group, Integers]:
        """Return score sums; a published table has none, so every entry is zero."""
        table = self._table(subject)
        return table.scored(subject) if table is not None else {}

    def at(self, name: str, level: str) -> CountCube:
        """Published tables are not cut at a level: what the others would hold there is not known."""
        raise ValueError(f"published tables can't be cut at {name} = {level}")

    def marginal(self, names: Sequence[str]) -> CountCube:
        """Return the cube over the named axes, from the table that has them.

        Raises
        ------
        ValueError
            No table has them all.
        """
        table = self._table(names)
        if table is None:
            raise ValueError("no published table crosses these axes")
        return table.marginal(names)

    def __add__(self, other: CountCube) -> CountCube:
        raise ValueError("published tables do not add")

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the tables' own fingerprints; the same for lines in any order."""
        joined = " ".join(table.fingerprint for table in self.tables)
        return hashlib.sha256(f"published {joined}".encode()).hexdigest()

    def _table(self, subject: Sequence[str]) -> CountCube | None:
        if not subject:
            return _everybody(self.tables)
        having = [table for table in self.tables if all(map(table.has, subject))]
        return min(having, key=lambda table: len(table.axes)) if having else None


def marginal_cube(tables: Sequence[CountCube]) -> MarginalCube:
    """Return one cube of tables over different axes; there is at least one, and their bands are the same."""
    ordered = sorted(tables, key=lambda table: (len(table.axes), [axis.name for axis in table.axes]))
    whole = _everybody(ordered).marginal(())
    return MarginalCube(
        axes=(), bands=whole.bands, codes=whole.codes, measures=whole.measures, tables=tuple(ordered)
    )


def _everybody(tables: Sequence[CountCube]) -> CountCube:
    return max(tables, key=lambda table: table.rows)

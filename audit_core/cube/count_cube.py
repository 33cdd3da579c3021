"""The count cube: everything that is known after the rows are gone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from audit_core.cube.axes import ABSENT, NEITHER, UNKNOWN, Axis
from audit_core.cube.bands import Bands

Integers = npt.NDArray[np.int64]
Group = tuple[str, ...]
"""One level per axis of a subject, in the subject's order."""

MEASURES = ("n", "s", "s2_hi", "s2_lo")
"""Rows; Σq of their scores; Σ⌊q²/10⁶⌋ and Σ(q² mod 10⁶), so that Σq² = s2_hi · 10⁶ + s2_lo exactly."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CountCube:
    """A sparse cube of counts and fixed-point score sums.

    `codes` has one row per cell and one column per axis (a position in the axis' levels), then label,
    decision and band. `measures` has the columns `MEASURES`. Both are read-only int64, sorted by code, so
    that two cubes of the same rows are the same bytes. Cubes over the same question add: `a + b`.
    """

    axes: tuple[Axis, ...]
    bands: Bands
    codes: Integers
    measures: Integers

    def __post_init__(self) -> None:
        self.codes.setflags(write=False)
        self.measures.setflags(write=False)

    @property
    def rows(self) -> int:
        """Number of rows that were counted."""
        return int(self.measures[:, 0].sum())

    def axis(self, name: str) -> Axis:
        """Return the axis of that name."""
        return next(axis for axis in self.axes if axis.name == name)

    def has(self, name: str) -> bool:
        """Whether the cube has an axis of that name."""
        return any(axis.name == name for axis in self.axes)

    @property
    def published(self) -> tuple[Group, ...]:
        """Subjects that were published as tables of their own; none for a cube of rows."""
        return ()

    def holds(self, subject: Sequence[str]) -> bool:
        """Whether groups of this subject can be counted: a cube of rows crosses all of its axes."""
        return all(self.has(name) for name in subject)

    def groups(self, subject: Sequence[str]) -> tuple[tuple[Group, ...], Integers]:
        """Return the groups of a subject that hold a row, and each cell's position among them.

        Groups come in the order of their levels' text; () has the single group of everybody.
        """
        if not subject:
            return ((),), np.zeros(len(self.codes), dtype=np.int64)
        places = [self._place(name) for name in subject]
        levels = [self.axes[place].levels for place in places]
        shape = tuple(len(level) for level in levels)
        flat = np.ravel_multi_index(tuple(self.codes[:, place] for place in places), shape)
        present, position = np.unique(flat, return_inverse=True)
        where = np.unravel_index(present, shape)
        names = tuple(
            tuple(levels[i][int(index)] for i, index in enumerate(cell)) for cell in zip(*where, strict=True)
        )
        return names, position.astype(np.int64)

    def outcomes(self, subject: Sequence[str]) -> dict[Group, Integers]:
        """Return rows by label × decision for every group of a subject.

        Shape and units: (3, 4) counts; label NO, YES, missing; decision NO, YES, abstained, absent.
        """
        names, position = self.groups(subject)
        table = np.zeros((len(names), NEITHER + 1, ABSENT + 1), dtype=np.int64)
        np.add.at(table, (position, self.codes[:, -3], self.codes[:, -2]), self.measures[:, 0])
        return {name: table[i] for i, name in enumerate(names)}

    def scored(self, subject: Sequence[str]) -> dict[Group, Integers]:
        """Return the score sums of labelled, scored rows for every group of a subject.

        Shape and units: (2, bands, 4); label NO, YES; the columns are `MEASURES`, in rows and micro-units.
        """
        names, position = self.groups(subject)
        table = np.zeros((len(names), 2, self.bands.count, len(MEASURES)), dtype=np.int64)
        keep = (self.codes[:, -3] != NEITHER) & (self.codes[:, -1] >= 0)
        where = (position[keep], self.codes[keep, -3], self.codes[keep, -1])
        np.add.at(table, where, self.measures[keep])
        return {name: table[i] for i, name in enumerate(names)}

    def at(self, name: str, level: str) -> CountCube:
        """Return the part of the cube at one level of an axis; the axis is gone."""
        place = self._place(name)
        keep = self.codes[:, place] == self.axes[place].levels.index(level)
        axes = tuple(axis for axis in self.axes if axis.name != name)
        codes = np.delete(self.codes[keep], place, axis=1)
        return build_cube(axes, self.bands, codes, self.measures[keep])

    def marginal(self, names: Sequence[str]) -> CountCube:
        """Return the cube over the named axes alone."""
        places = [self._place(name) for name in names]
        codes = self.codes[:, [*places, -3, -2, -1]]
        return build_cube(tuple(self.axes[place] for place in places), self.bands, codes, self.measures)

    def __add__(self, other: CountCube) -> CountCube:
        if [(a.name, a.kind) for a in self.axes] != [(a.name, a.kind) for a in other.axes]:
            raise ValueError("cubes over different axes do not add")
        if self.bands != other.bands:
            raise ValueError("cubes over different score bands do not add")
        axes = tuple(
            Axis(name=a.name, kind=a.kind, levels=tuple(sorted({*a.levels, *b.levels})))
            for a, b in zip(self.axes, other.axes, strict=True)
        )
        codes = np.concatenate([_recoded(self, axes), _recoded(other, axes)])
        return build_cube(axes, self.bands, codes, np.concatenate([self.measures, other.measures]))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of axes, bands, cells and sums; the same from run to run and for rows in any order."""
        head = {
            "axes": [[axis.name, axis.kind, list(axis.levels)] for axis in self.axes],
            "edges": list(self.bands.edges),
            "scale": [str(self.bands.low), str(self.bands.high), str(self.bands.threshold)],
        }
        digest = hashlib.sha256(json.dumps(head, ensure_ascii=False, sort_keys=True).encode())
        digest.update(np.ascontiguousarray(self.codes, dtype="<i8").tobytes())
        digest.update(np.ascontiguousarray(self.measures, dtype="<i8").tobytes())
        return digest.hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CountCube) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def _place(self, name: str) -> int:
        return next(i for i, axis in enumerate(self.axes) if axis.name == name)


def build_cube(axes: tuple[Axis, ...], bands: Bands, codes: Integers, measures: Integers) -> CountCube:
    """Return the cube of these cells: equal cells added, sorted, levels that hold no row dropped."""
    if len(codes):
        codes, position = np.unique(codes, axis=0, return_inverse=True)
        sums = np.zeros((len(codes), len(MEASURES)), dtype=np.int64)
        np.add.at(sums, position.reshape(-1), measures)
        measures = sums
    kept, columns = [], []
    for place, axis in enumerate(axes):
        used, column = np.unique(codes[:, place], return_inverse=True)
        kept.append(
            Axis(name=axis.name, kind=axis.kind, levels=tuple(axis.levels[int(code)] for code in used))
        )
        columns.append(column.reshape(-1))
    codes = np.column_stack([*columns, codes[:, len(axes) :]]).astype(np.int64)
    return CountCube(
        axes=tuple(kept), bands=bands, codes=codes, measures=np.ascontiguousarray(measures, dtype=np.int64)
    )


def is_unknown(group: Group) -> bool:
    """Whether any part of a group is missing or unknown; such a group is shown, never compared."""
    return UNKNOWN in group


def _recoded(cube: CountCube, axes: tuple[Axis, ...]) -> Integers:
    codes = cube.codes.copy()
    for place, (old, new) in enumerate(zip(cube.axes, axes, strict=True)):
        mapping = np.array([new.levels.index(level) for level in old.levels], dtype=np.int64)
        codes[:, place] = mapping[cube.codes[:, place]]
    return codes

"""What anybody can work out of the sums that are published: the range each hidden count is left with.

Everything that is published together is one system of sums over the finest cells, so tables that share an
attribute are judged together. A count is hidden well when the system leaves it a range at least as wide as
the privacy floor, and one that reaches it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from audit_core.cube.count_cube import Integers

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

MOST_UNKNOWNS = 20_000
"""Unknowns of one linear program; more targets than fit are audited in several."""

TINY = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """What is published, as sums over the finest cells.

    What is shown of it is a mask of cells × (1 + measures): whether a cell's people are shown, then whether
    each of its measures is.

    Shape and units: `member` (cells × finest cells) holds 1 where a published cell counts a finest one;
    `counts` (finest cells × measures) are disjoint counts of people; `fixed` cells are shown whatever it
    costs (totals); `cost` is what hiding a cell costs; `table` numbers the table it stands in.
    """

    member: Any
    counts: Integers
    fixed: Mask
    cost: Floats
    table: Integers

    @property
    def people(self) -> Integers:
        """Number of people of every published cell."""
        found: Integers = np.asarray(self.member @ self.counts.sum(axis=1), dtype=np.int64)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A count that nobody may work out: the people of a published cell with any of these measures.

    `least` is how far apart two feasible values of it must be; None for the floor.
    """

    cell: int
    measures: tuple[int, ...]
    least: int | None = None

    def apart(self, floor: int) -> int:
        """Return how far apart two feasible values of the count must be."""
        return floor if self.least is None else self.least


def reach(system: System, shown: Mask, targets: Sequence[Target], *, cap: float) -> tuple[Floats, Floats]:
    """Return the least and the most of every target within what is shown.

    No finest cell is moved by more than `cap`.
    """
    from scipy import sparse

    known = sparse.csr_array(known_sums(system, shown))
    free = unsettled(known)
    known = known[:, free]
    now = system.counts.ravel()[free].astype(np.float64)
    rows = [functional(system, target.cell, target.measures) for target in targets]
    values = np.array([float(row @ system.counts.ravel()) for row in rows])
    moved = np.zeros((len(rows), 2))
    at_once = max(1, MOST_UNKNOWNS // (2 * max(1, len(free))))
    for start in range(0, len(rows), at_once):
        part = [row[free] for row in rows[start : start + at_once]]
        if len(free):
            moved[start : start + len(part)] = _extremes(known, now, part, cap)
    return values + moved[:, 0], values + moved[:, 1]


def _extremes(known: Any, now: Floats, rows: list[Floats], cap: float) -> Floats:
    """Largest moves down and up of several sums: one program, a copy of the unknowns for each."""
    from scipy import sparse
    from scipy.optimize import linprog

    wanted = [sign * row for row in rows for sign in (1.0, -1.0)]
    each = sparse.eye_array(len(wanted))
    least, most = -np.minimum(now, cap), np.full(len(now), cap)
    more: dict[str, Any] = {}
    if known.shape[0]:
        more |= {
            "A_eq": sparse.kron(each, known, format="csr"),
            "b_eq": np.zeros(known.shape[0] * len(wanted)),
        }
    ends = np.column_stack([np.tile(least, len(wanted)), np.tile(most, len(wanted))])
    found = linprog(np.concatenate(wanted), bounds=ends, method="highs", **more)
    if found.x is None:  # nothing is certain, so nothing counts as hidden
        return np.zeros((len(rows), 2))
    best = found.x.reshape(len(rows), 2, len(now))
    return np.array(
        [[float(row @ pair[0]), float(row @ pair[1])] for row, pair in zip(rows, best, strict=True)]
    )


def known_sums(system: System, shown: Mask) -> Any:
    """Return the sums that are shown, as rows over the finest cells and their measures."""
    from scipy import sparse

    people = shown[:, 0] & ~shown[:, 1:].all(axis=1)
    parts = [measure_sums(system, shown[:, 1:]), people_sums(system, people)]
    return sparse.vstack(parts, format="csr")


def people_sums(system: System, cells: Mask) -> Any:
    """Return the rows that count the people of these cells."""
    from scipy import sparse

    return sparse.kron(
        system.member[np.flatnonzero(cells)], np.ones((1, system.counts.shape[1])), format="csr"
    )


def measure_sums(system: System, wanted: Mask) -> Any:
    """Return the rows that count one measure of one cell; `wanted` has a column for each measure."""
    from scipy import sparse

    cells = np.flatnonzero(wanted.any(axis=1))
    every = sparse.kron(system.member[cells], sparse.eye_array(wanted.shape[1]), format="csr")
    return every[np.flatnonzero(wanted[cells].ravel())]


def unsettled(known: Any) -> npt.NDArray[np.intp]:
    """Return the unknowns that are left once every sum of a single unknown is read off."""
    columns = np.arange(known.shape[1])
    while True:
        sizes = np.diff(known.indptr)
        alone = np.unique(known.indices[known.indptr[:-1][sizes == 1]])
        if not len(alone):
            return columns
        keep = np.setdiff1d(np.arange(known.shape[1]), alone)
        columns, known = columns[keep], known[:, keep]


def functional(system: System, cell: int, measures: tuple[int, ...]) -> Floats:
    """Return the weights of some measures of a published cell over the finest cells and measures."""
    weights = np.zeros(system.counts.shape)
    weights[np.ix_(system.member[[cell]].indices, measures)] = 1.0
    return weights.ravel()

"""Small cells hidden, and enough others with them that no subtraction brings one back."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from audit_core.cube.count_cube import Integers
from audit_core.cube.feasible import TINY, Floats, Mask, System, Target, reach
from audit_core.cube.witness import protect


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Suppression:
    """What is hidden of one table: `primary` cells are small, `mask` adds those that hide them.

    A table that can't be shown at all is `withheld`, its mask whole.
    """

    primary: Mask
    mask: Mask
    withheld: bool


def suppress(table: Integers, floor: int = 10) -> Suppression:
    """Return what to hide of a table of one to three axes that is published with all its sums.

    Primary cells hold fewer than `floor` people, none included. Further cells are chosen by linear programs
    that look for the smallest hidden count; where none will do, the table is withheld.

    Guarantee: `protects(table, mask, floor)` unless withheld.
    """
    counts = np.asarray(table, dtype=np.int64)
    system, cells = _plain(counts)
    primary = counts < floor
    shown = np.ones((len(system.fixed), 2), dtype=bool)
    shown[:cells][primary.ravel()] = False
    targets = [Target(cell=int(cell), measures=(0,)) for cell in _ascending(counts, primary)]
    found = protect(system, shown, targets, floor)
    if found is None:
        return Suppression(primary=primary, mask=np.ones(counts.shape, dtype=bool), withheld=True)
    mask = ~found.shown[:cells, 0].reshape(counts.shape)
    return Suppression(primary=primary, mask=mask, withheld=False)


def feasible_intervals(table: Integers, mask: Mask) -> tuple[Floats, Floats]:
    """Return the least and the most each cell can hold, as anybody can work them out of what is shown.

    Formula: linear programs over cells of zero or more, subject to the shown cells and every sum.
    """
    counts = np.asarray(table, dtype=np.int64)
    system, cells = _plain(counts)
    shown = np.ones((len(system.fixed), 2), dtype=bool)
    shown[:cells][np.asarray(mask).ravel()] = False
    targets = [Target(cell=int(cell), measures=(0,)) for cell in np.flatnonzero(mask)]
    low, high = counts.astype(np.float64), counts.astype(np.float64)
    least, most = reach(system, shown, targets, cap=float(counts.sum()) + 1)
    low.ravel()[np.flatnonzero(mask)] = least
    high.ravel()[np.flatnonzero(mask)] = most
    return low, high


def protects(table: Integers, mask: Mask, floor: int = 10, primary: Mask | None = None) -> bool:
    """Whether every small cell of a table keeps a range of `floor` or more that reaches `floor`."""
    small = np.asarray(table) < floor if primary is None else primary
    if (small & ~np.asarray(mask)).any():
        return False
    low, high = feasible_intervals(table, mask)
    wide = (high - low >= floor - TINY) & (high >= floor - TINY)
    return bool(wide[small].all())


def _plain(counts: Integers) -> tuple[System, int]:
    """System of one table: its cells, then every sum over one or more of its axes."""
    from scipy import sparse

    if not 1 <= counts.ndim <= 3:
        raise ValueError("a table has one to three axes")
    place = np.arange(counts.size).reshape(counts.shape)
    rows = [np.arange(counts.size)]
    total = counts.size
    for size in range(1, counts.ndim + 1):
        for axes in combinations(range(counts.ndim), size):
            kept = [axis for axis in range(counts.ndim) if axis not in axes]
            sums = np.arange(int(np.prod([counts.shape[axis] for axis in kept])))
            shape = [counts.shape[axis] if axis in kept else 1 for axis in range(counts.ndim)]
            rows.append(total + np.broadcast_to(sums.reshape(shape), counts.shape).ravel())
            total += len(sums)
    columns = np.tile(place.ravel(), len(rows))
    member = sparse.csr_array(
        (np.ones(len(columns)), (np.concatenate(rows), columns)), shape=(total, counts.size)
    )
    fixed = np.arange(total) >= counts.size
    cost = np.asarray(member @ counts.ravel(), dtype=np.float64) + 1
    system = System(
        member=member,
        counts=counts.reshape(-1, 1),
        fixed=fixed,
        cost=cost,
        table=fixed.astype(np.int64),
    )
    return system, counts.size


def _ascending(counts: Integers, primary: Mask) -> Integers:
    """Places of the small cells, the smallest first."""
    places = np.flatnonzero(primary)
    return places[np.argsort(counts.ravel()[places], kind="stable")]

"""Two tables that nobody could tell from the true one: the proof that a count is hidden well.

In one of them the count is a floor larger than in the other, and at least a floor. Both give every number
that is published, so nobody who has only those can say which is true.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from audit_core.cube.feasible import (
    TINY,
    Floats,
    Mask,
    System,
    Target,
    functional,
    known_sums,
    measure_sums,
    people_sums,
    unsettled,
)

CANDIDATES = 40
"""Cells of a table, the smallest first, that are tried for hiding another; then all of them."""

_REACH = 8.0
"""How far a finest cell is moved, in floors: farther proves nothing more, and small numbers are exact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Protected:
    """What may be shown, and the pairs of tables that prove it, as moves from the truth."""

    shown: Mask
    proofs: tuple[Floats, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a pair of tables has to keep (`rigid`), and what it may change at a price (`soft`, `prices`).

    `ratios` are further bounds on the moves, (matrix, room).
    """

    rigid: Any
    soft: Any
    prices: Floats
    ratios: tuple[Any, Floats] | None = None


def protect(system: System, shown: Mask, targets: Sequence[Target], floor: int) -> Protected | None:
    """Return what may be shown so that no target can be worked out, or None where nothing may.

    What is hidden stays hidden, and hiding more leaves every proof as good as it was.
    """
    proofs: list[Floats] = []
    for target in targets:
        if any(proves(system, proof, target, floor) for proof in proofs):
            continue
        few = _candidates(system, shown)
        proof = witness(system, target, floor, _terms(system, shown, few))
        if proof is None and not few.all():
            proof = witness(system, target, floor, _terms(system, shown, np.ones_like(few)))
        if proof is None:
            return None
        shown = _lowered(system, shown, proof)
        proofs.append(proof)
    return Protected(shown=shown, proofs=tuple(proofs))


def stands(
    system: System, found: Protected, targets: Sequence[Target], floor: int, ratios: tuple[Any, Floats]
) -> bool:
    """Whether every target is still hidden well once these bounds are known too."""
    good = [
        p for p in found.proofs if all((ratios[0] @ move.ravel() <= ratios[1] + TINY).all() for move in p)
    ]
    none = np.zeros((0, system.counts.size))
    terms = Terms(rigid=known_sums(system, found.shown), soft=none, prices=np.zeros(0), ratios=ratios)
    for target in targets:
        if any(proves(system, proof, target, floor) for proof in good):
            continue
        proof = witness(system, target, floor, terms)
        if proof is None:
            return False
        good.append(proof)
    return True


def proves(system: System, proof: Floats, target: Target, floor: int) -> bool:
    """Whether a pair of tables keeps a target apart."""
    inside = system.member[[target.cell]].indices
    measures = list(target.measures)
    moved = proof[:, inside][:, :, measures].sum(axis=(1, 2))
    value = system.counts[inside][:, measures].sum()
    least = target.apart(floor)
    return bool(abs(moved[0] - moved[1]) >= least - TINY and value + moved.max() >= least - TINY)


def witness(system: System, target: Target, floor: int, terms: Terms) -> Floats | None:
    """Return the cheapest pair of tables that keeps a target apart, or None without one.

    Formula: a linear program over both tables, cells of zero or more.

    Shape and units: moves from the truth in people, (2, finest cells, measures).
    """
    from scipy import sparse
    from scipy.optimize import linprog

    free = unsettled(sparse.csr_array(terms.rigid))
    if not len(free):  # every cell follows from what stays shown: no other table exists
        return None
    rigid, soft = sparse.csr_array(terms.rigid)[:, free], sparse.csr_array(terms.soft)[:, free]
    now, sums = system.counts.ravel()[free], soft.shape[0]
    none = sparse.csr_array((rigid.shape[0], 2 * sums))
    signs = sparse.hstack([sparse.eye_array(sums), -sparse.eye_array(sums)], format="csr")
    one = sparse.vstack([sparse.hstack([rigid, none]), sparse.hstack([soft, -signs])], format="csr")
    bounds, room = _apart(system, target, floor, free, terms, 2 * sums)
    least = np.concatenate([-np.minimum(now, _REACH * floor), np.zeros(2 * sums)])
    most = np.concatenate([np.full(len(free), _REACH * floor), np.full(2 * sums, np.inf)])
    found = linprog(
        np.tile(np.concatenate([np.zeros(len(free)), terms.prices, terms.prices]), 2),
        A_ub=bounds,
        b_ub=room,
        A_eq=sparse.block_diag([one, one], format="csr") if one.shape[0] else None,
        b_eq=np.zeros(2 * one.shape[0]) if one.shape[0] else None,
        bounds=np.tile(np.column_stack([least, most]), (2, 1)),
        method="highs",
    )
    if found.x is None:
        return None
    moves = np.zeros((2, system.counts.size))
    moves[:, free] = found.x.reshape(2, -1)[:, : len(free)]
    return moves.reshape(2, *system.counts.shape)


def _apart(
    system: System, target: Target, floor: int, free: Any, terms: Terms, extra: int
) -> tuple[Any, Floats]:
    """Bounds that keep the two tables apart in the target, and within the ratios in both."""
    from scipy import sparse

    row = functional(system, target.cell, target.measures)
    value = float(row @ system.counts.ravel())
    row = np.concatenate([row[free], np.zeros(extra)])
    rows = np.array([np.concatenate([-row, row]), np.concatenate([-row, 0 * row])])
    least = float(target.apart(floor))
    room = np.array([-least, value - least])
    if terms.ratios is None:
        return sparse.csr_array(rows), room
    matrix, spare = sparse.csr_array(terms.ratios[0])[:, free], terms.ratios[1]
    wide = sparse.hstack([matrix, sparse.csr_array((matrix.shape[0], extra))])
    both = sparse.block_diag([wide, wide], format="csr")
    return sparse.vstack([rows, both], format="csr"), np.concatenate([room, spare, spare])


def _candidates(system: System, shown: Mask) -> Mask:
    """Cells that may be hidden: those with something hidden already, and the smallest of each table."""
    few: Mask = np.asarray(~shown.all(axis=1), dtype=bool)
    for table in np.unique(system.table):
        cells = np.flatnonzero(system.table == table)
        few[cells[np.argsort(system.cost[cells], kind="stable")[:CANDIDATES]]] = True
    return few | system.fixed


def _terms(system: System, shown: Mask, few: Mask) -> Terms:
    """What may change and what may not.

    Whoever changes a count of a cell pays a little of its size; whoever changes its people, all of it.
    """
    from scipy import sparse

    measures, soft = system.counts.shape[1], few & ~system.fixed
    rigid = known_sums(system, shown & ~soft[:, None])
    people, counts = soft & shown[:, 0], shown[:, 1:] & soft[:, None]
    if measures == 1:  # the one measure is the people
        counts = np.zeros_like(counts)
    rows = sparse.vstack([people_sums(system, people), measure_sums(system, counts)], format="csr")
    price = system.cost / max(1.0, float(system.cost.max(initial=1.0)))
    each = np.repeat(price[:, None], measures, axis=1)[counts] / (4 * measures)
    return Terms(rigid=rigid, soft=rows, prices=np.concatenate([price[people], each]))


def _lowered(system: System, shown: Mask, proof: Floats) -> Mask:
    """What is shown once every sum that moved is hidden."""
    shown = shown.copy()
    for move in proof:
        change = np.abs(np.asarray(system.member @ move)) > TINY
        apart = np.abs(np.asarray(system.member @ move.sum(axis=1))) > TINY
        shown[:, 1:] &= ~(change & ~system.fixed[:, None])
        shown[apart & ~system.fixed] = False
    return shown

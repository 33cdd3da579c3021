"""Random numbers that belong to a seed, a block and a column, and to nothing else.

Every column has its own Philox stream, keyed by a hash of the three names, so a new column or a
longer block leaves all other numbers as they were. `spread` and `outcomes` are as random as a seed
needs to be but far more even than independent draws: a planted finding then hangs on the population,
not on the luck of one seed.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Square roots of primes are independent over the rationals, so no set of columns moves in step.
# Append only: a column's step is part of every published file.
STEPS: dict[str, float] = {
    "ability": 0.7548776662466927,
    "employment_gap_months": 0.5698402909980532,
    "years_experience": 5**0.5,
    "junior": 7**0.5,
    "education": 11**0.5,
    "profile": 13**0.5,
    "age": 17**0.5,
    "job_family": 19**0.5,
    "source": 23**0.5,
    "commute_km": 29**0.5,
    "commute_missing": 31**0.5,
    "applied_month": 37**0.5,
}
JITTER = 0.02  # about the distance between neighbours; it hides the lattice behind `spread`
UNIT = 10**9  # probabilities are added as whole billionths: sums are then exact on every platform


def uniform(seed: int, block: str, column: str, n: int) -> Floats:
    """`n` independent draws from [0, 1); row i is the same for every `n` greater than i."""
    digest = hashlib.sha256(f"{seed}\x1f{block}\x1f{column}".encode()).digest()
    raw = np.random.Philox(key=int.from_bytes(digest[:16], "big")).random_raw(n)
    return (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53


def ranks(seed: int, block: str, n: int) -> Ints:
    """A random permutation of 0 … n−1: each row's place in the evenly filled population."""
    order = np.argsort(uniform(seed, block, "order", n), kind="stable")
    places = np.empty(n, dtype=np.int64)
    places[order] = np.arange(n)
    return places


def spread(seed: int, block: str, column: str, places: Ints) -> Floats:
    """Draws from [0, 1) that are even along every run of places (a jittered Kronecker sequence).

    Each single value is uniform over seeds. Groups are runs of places, so each group has nearly the
    same distribution of every column, and of every pair of columns, under every seed.
    """
    start = uniform(seed, block, f"{column}/start", 1)[0]
    jitter = JITTER * (uniform(seed, block, column, len(places)) - 0.5)
    value = start + places * (STEPS[column] % 1.0) + jitter
    return np.asarray(value % 1.0, dtype=np.float64)


def pick(u: Floats, shares: Floats) -> tuple[Ints, Floats]:
    """The category each `u` falls into, and where inside it (again in [0, 1), for a next choice)."""
    edges = np.append(0.0, np.cumsum(shares))
    edges[-1] = 1.0
    chosen = np.clip(np.searchsorted(edges, u, side="right") - 1, 0, len(shares) - 1)
    return chosen.astype(np.int64), (u - edges[chosen]) / (edges[chosen + 1] - edges[chosen])


def outcomes(seed: int, block: str, column: str, p: Floats, order: Ints) -> Ints:
    """Yes (1) or no (0) for each row with chance `p`, by systematic sampling along `order`.

    Any run of `order` holds as many yes as its chances add up to, give or take one.
    """
    start = int(uniform(seed, block, f"{column}/start", 1)[0] * UNIT)
    total = np.cumsum(np.rint(p[order] * UNIT).astype(np.int64)) + start
    yes = np.empty(len(p), dtype=np.int64)
    yes[order] = np.diff(total // UNIT, prepend=0)
    return yes

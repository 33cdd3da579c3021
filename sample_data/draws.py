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

# Pairs that must be even together (the scores; age and experience) have the steps of the plastic number,
# the groups the golden ratio, the others square roots of primes, which never move in step.
# A column's step is part of every published file.
STEPS: dict[str, float] = {
    "ability": 0.7548776662466927,
    "employment_gap_months": 0.5698402909980532,
    "years_experience": 0.5698402909980532,
    "education": 11**0.5,
    "profile": 13**0.5,
    "age": 0.7548776662466927,
    "job_family": 19**0.5,
    "source": 23**0.5,
    "commute_km": 29**0.5,
    "commute_missing": 31**0.5,
    "applied_month": 37**0.5,
    "group": 0.6180339887498949,
}
JITTER = 0.002  # of the unit: it hides the lattice behind `spread`
SWAPS, TRIES, REACH = 100, 256, 40  # how hard `settle` looks, and how far apart it swaps
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

    Each single value is uniform over seeds; together they fill [0, 1) without a hole, one in each n-th.
    """
    start = uniform(seed, block, f"{column}/start", 1)[0]
    noise = uniform(seed, block, column, len(places))
    value = (start + places * (STEPS[column] % 1.0) + JITTER * (noise - 0.5)) % 1.0
    place = np.empty(len(places), dtype=np.int64)
    place[np.argsort(value, kind="stable")] = np.arange(len(places))
    return np.asarray((place + noise) / len(places), dtype=np.float64)


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


def settle(yes: Ints, p: Floats, traits: Floats, order: Ints, numbers: Floats) -> Ints:
    """`yes` after swaps of a yes for a no that bring every trait's sum over the yes to what `p` expects.

    Each swap is the best of `TRIES` pairs the next `numbers` point to. A pair stands within `REACH` rows
    along `order`, where outcomes were dealt: their chances are nearly the same. Changes no total.
    """
    x = traits[order] / np.maximum(traits.std(axis=0), 1e-9)
    dealt = yes[order]
    off = x.T @ (dealt - p[order])
    for u in numbers.reshape(-1, 2, TRIES):
        one = (u[0] * (len(yes) - REACH)).astype(np.int64)
        two = one + 1 + (u[1] * (REACH - 1)).astype(np.int64)
        change = (dealt[two] - dealt[one])[:, None] * (x[one] - x[two])
        size = np.square(off + change).sum(axis=1)
        best = int(np.argmin(size))
        if size[best] < off @ off:
            off = off + change[best]
            dealt[[one[best], two[best]]] = dealt[[two[best], one[best]]]
    settled = np.empty_like(yes)
    settled[order] = dealt
    return settled

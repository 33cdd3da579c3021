"""How often each interval the product offers holds the truth: mean and worst over true rates."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
import numpy.typing as npt
from scipy.stats import binom, multinomial

from audit_core.cube.clusters import PersonTotals
from audit_core.cube.ranks import rank_sums
from audit_core.metrics import crosschecks
from audit_core.metrics.bootstrap import Cells, Plan, Values, bootstrap_interval
from audit_core.metrics.calibration import MICRO, BandSums, GroupCalibration, calibration
from audit_core.metrics.catalogue import RATES
from audit_core.metrics.clusters import design_effect
from audit_core.metrics.estimate import Undefined
from audit_core.metrics.intervals import (
    Interval,
    clopper_pearson,
    koopman_ratio,
    newcombe_difference,
    wilson,
    z_one_sided,
    z_two_sided,
)
from audit_core.metrics.pair_intervals import PairCounts, bonett_price_ratio, newcombe_paired, tango_interval
from audit_core.metrics.ranking import auc

Floats = npt.NDArray[np.float64]
Figure = tuple[str, float, str]
Pair = Callable[[int, int, int, int], Interval | None]

Z = z_two_sided(0.95)
SEED = 20_261_122
LOW, HIGH = 94.0, 97.0
ONE = (6, 10, 20, 50, 100, 200)
TWO = ((10, 10), (10, 20), (50, 50), (30, 100))
PAIRS = (30, 60, 100)
AREAS = ((20, 20), (50, 50), (30, 200), (200, 200), (1000, 1000))
CLUSTERS, CLUSTER_DRAWS, AREA_DRAWS, BOOTSTRAPS = (100, 300), 20_000, 4000, 400


def measure() -> Iterator[Figure]:
    """Yield (figure, value, unit); `holds` or `DOES NOT HOLD` stands behind what is promised."""
    yield from _one_rate()
    yield from _two_rates()
    yield from _tango()
    yield from _paired_rates()
    yield from _delong()
    yield from _clusters()
    yield from _bootstrap()
    yield from _calibration()


def told(mean: float) -> str:
    """The unit of a default interval's mean coverage, with whether the promise holds."""
    word = "holds" if LOW <= mean <= HIGH else "DOES NOT HOLD"
    return f"% (promised {LOW:.0f} to {HIGH:.0f}: {word})"


def _one_rate() -> Iterator[Figure]:
    truth = np.arange(1, 200) / 200
    for name, limits in (("Wilson", lambda x, n: wilson(x, n, Z)),
                         ("Clopper-Pearson", lambda x, n: clopper_pearson(x, n, 0.95))):  # fmt: skip
        for n in ONE:
            ends = np.array([limits(x, n) for x in range(n + 1)])
            mass = binom.pmf(np.arange(n + 1)[:, None], n, truth)
            held = (ends[:, :1] <= truth) & (truth <= ends[:, 1:])
            found = 100 * (mass * held).sum(axis=0)
            unit = told(found.mean()) if name == "Wilson" else "% (never promised under 95)"
            yield f"{name}, n {n}: mean coverage", float(found.mean()), unit
            yield f"{name}, n {n}: least coverage", float(found.min()), "%"


def _two_rates() -> Iterator[Figure]:
    kinds: tuple[tuple[str, Pair, bool], ...] = (
        ("Newcombe", lambda *c: newcombe_difference(*c, Z), False),
        ("Miettinen-Nurminen", lambda *c: crosschecks.miettinen_nurminen_difference(*c, Z), False),
        ("Agresti-Caffo", lambda *c: crosschecks.agresti_caffo_difference(*c, Z), False),
        ("Koopman (ratio)", lambda *c: koopman_ratio(*c, Z), True),
    )
    truth = np.arange(1, 20) / 20
    for name, limits, ratio in kinds:
        for n1, n2 in TWO:
            low, high = _grid(limits, n1, n2)
            one, two = (binom.pmf(np.arange(n + 1)[:, None], n, truth) for n in (n1, n2))
            found = []
            for i, j in product(range(truth.size), repeat=2):
                target = truth[i] / truth[j] if ratio else truth[i] - truth[j]
                held = (low <= target + 1e-12) & (target - 1e-12 <= high)
                found.append(100 * float(one[:, i] @ held @ two[:, j]))
            unit = told(float(np.mean(found))) if name in ("Newcombe", "Koopman (ratio)") else "%"
            yield f"{name}, n {n1} and {n2}: mean coverage", float(np.mean(found)), unit
            yield f"{name}, n {n1} and {n2}: least coverage", min(found), "%"


def _grid(limits: Pair, n1: int, n2: int) -> tuple[Floats, Floats]:
    """Both ends for every pair of counts; no ratio (0 to 0) leaves everything possible."""
    low, high = np.zeros((n1 + 1, n2 + 1)), np.zeros((n1 + 1, n2 + 1))
    for x1, x2 in product(range(n1 + 1), range(n2 + 1)):
        found = limits(x1, n1, x2, n2) or Interval(0.0, math.inf)
        low[x1, x2], high[x1, x2] = found
    return low, high


def _tango() -> Iterator[Figure]:
    """Every split of n pairs, for true rates of either flip from 2 to 30 %."""
    rates = (0.02, 0.05, 0.1, 0.2, 0.3)
    for n in PAIRS:
        cells = [(b, c) for b in range(n + 1) for c in range(n + 1 - b)]
        ends = np.array([_direction(b, c, n) for b, c in cells])
        b, c = np.array(cells).T
        found = []
        for p, q in product(rates, repeat=2):
            mass = binom.pmf(b, n, p) * binom.pmf(c, n - b, q / (1 - p))
            held = (ends[:, 0] <= p - q + 1e-12) & (p - q - 1e-12 <= ends[:, 1])
            found.append(100 * float((mass * held).sum()))
        yield f"Tango, {n} pairs: mean coverage", float(np.mean(found)), told(float(np.mean(found)))
        yield f"Tango, {n} pairs: least coverage", min(found), "%"


def _direction(b: int, c: int, n: int) -> Interval:
    return tango_interval(PairCounts(both=0, first_only=b, second_only=c, neither=n - b - c), Z)


def _paired_rates() -> Iterator[Figure]:
    """Every table of 30 pairs, for true flips from 2 to 30 % and either share of the rest selected twice."""
    n = 30
    cells = [
        (a, b, c, n - a - b - c) for a in range(n + 1) for b in range(n + 1 - a) for c in range(n + 1 - a - b)
    ]
    tables = [PairCounts(both=a, first_only=b, second_only=c, neither=d) for a, b, c, d in cells]
    counts = np.array(cells)
    kinds = (("Newcombe for pairs", lambda t: newcombe_paired(t, Z)),
             ("Bonett-Price (ratio)",
              lambda t: bonett_price_ratio(t, Z) or Interval(0.0, math.inf)))  # fmt: skip
    for place, (name, limits) in enumerate(kinds):
        ends, found = np.array([limits(table) for table in tables]), []
        for b, c, share in product((0.02, 0.05, 0.1, 0.2, 0.3), (0.02, 0.05, 0.1, 0.2, 0.3), (0.3, 0.7)):
            both = share * (1 - b - c)
            mass = multinomial.pmf(counts, n, [both, b, c, 1 - both - b - c])
            target = (both + b) / (both + c) if place else b - c
            held = (ends[:, 0] <= target + 1e-12) & (target - 1e-12 <= ends[:, 1])
            found.append(100 * float((mass * held).sum()))
        yield f"{name}, {n} pairs: mean coverage", float(np.mean(found)), told(float(np.mean(found)))
        yield f"{name}, {n} pairs: least coverage", min(found), "%"


def _delong() -> Iterator[Figure]:
    """Two normal score distributions whose true area is .75 or .9; on the logit scale, for comparison."""
    draw = np.random.default_rng(SEED)
    yield "DeLong: seed", float(SEED), ""
    for (p, m), true in product(AREAS, (0.75, 0.9)):
        shift = math.sqrt(2) * z_one_sided(true)
        held = np.zeros((AREA_DRAWS, 2), dtype=bool)
        for place in range(AREA_DRAWS):
            scores = np.concatenate([draw.normal(shift, 1, p), draw.normal(0, 1, m)])
            labels = np.repeat([1, 0], [p, m])[np.argsort(scores)]
            found = auc(rank_sums(labels, 1 - labels))
            assert found is not None
            held[place] = found.plain.low <= true <= found.plain.high, found.low <= true <= found.high
        mean, logit = (100 * float(side.mean()) for side in held.T)
        where = f"{p} positives, {m} negatives, area {true}"
        yield f"AUC, {where}: coverage", logit, f"{told(logit)} ± {_error(logit, AREA_DRAWS):.1f}"
        yield (
            f"DeLong's own interval, {where}",
            mean,
            f"% ± {_error(mean, AREA_DRAWS):.1f} (for comparison)",
        )


def _clusters() -> Iterator[Figure]:
    """People in one to five rows each whose own rates vary: intraclass correlation .3 and .7."""
    draw = np.random.default_rng(SEED + 1)
    yield "cluster-adjusted Wilson: seed", float(SEED + 1), ""
    checked = 0
    for icc, people, p in product((0.3, 0.7), CLUSTERS, (0.3, 0.8)):
        size = draw.integers(1, 6, (CLUSTER_DRAWS, people))
        spread = (1 - icc) / icc
        own = draw.beta(p * spread, (1 - p) * spread, (CLUSTER_DRAWS, people))
        hits = draw.binomial(size, own)
        effect = _effects(hits, size)
        for place in range(5):  # what is measured is what the product does
            assert math.isclose(effect[place], _effect(hits[place], size[place]), rel_tol=1e-9)
            checked += 1
        x, n = hits.sum(axis=1), size.sum(axis=1)
        adjusted = 100 * _wilson_holds(x / effect, n / effect, p).mean()
        naive = 100 * _wilson_holds(x.astype(float), n.astype(float), p).mean()
        where = f"ICC {icc}, {people} people, rate {p}"
        yield (
            f"cluster-adjusted Wilson, {where}: coverage",
            float(adjusted),
            (f"{told(float(adjusted))} ± {_error(float(adjusted), CLUSTER_DRAWS):.1f}"),
        )
        yield f"Wilson as if all rows were separate, {where}", float(naive), "%"
    yield "cluster-adjusted Wilson: draws equal to the product's", float(checked), "of as many"


def _effects(hits: npt.NDArray[np.int64], size: npt.NDArray[np.int64]) -> Floats:
    """Design effects of many draws at once."""
    n, people = size.sum(axis=1), size.shape[1]
    p = hits.sum(axis=1) / n
    variance = people / (people - 1) * ((hits - p[:, None] * size) ** 2).sum(axis=1) / n**2
    inside = p * (1 - p) / n
    return np.asarray(
        np.where(inside > 0, np.maximum(1.0, variance / np.where(inside > 0, inside, 1)), n / people)
    )


def _effect(hits: npt.NDArray[np.int64], size: npt.NDArray[np.int64]) -> float:
    """The product's design effect of one draw: everybody a positive, selected or not."""
    no, yes = 4, 5  # cell = 4 · label + decision
    misses = size - hits
    products = ((no, no, int(misses @ misses)), (no, yes, int(misses @ hits)), (yes, yes, int(hits @ hits)))
    masks: dict[int, int] = {}
    for hit, miss in zip(hits, misses, strict=True):
        mask = (1 << yes) * bool(hit) | (1 << no) * bool(miss)
        masks[mask] = masks.get(mask, 0) + 1
    total = PersonTotals(
        subject=(), group=(), products=tuple(p for p in products if p[2]), patterns=tuple(masks.items())
    )
    return design_effect(total, RATES["tpr"], int(hits.sum()), int(size.sum()))


def _wilson_holds(x: Floats, n: Floats, p: float) -> npt.NDArray[np.bool_]:
    """Whether p is inside each Wilson interval: |x/n − p| ≤ z√(p(1−p)/n), the test it inverts."""
    held = np.abs(x / n - p) <= Z * np.sqrt(p * (1 - p) / n)
    limits = [wilson(a, b, Z) for a, b in zip(x[:5], n[:5], strict=True)]
    assert [low <= p <= high for low, high in limits] == list(held[:5])
    return np.asarray(held)


def _bootstrap() -> Iterator[Figure]:
    draw = np.random.default_rng(SEED + 2)
    yield "bootstrap: seed", float(SEED + 2), ""
    for n in (50, 200):
        held = sum(_difference_holds(draw, n, seed) for seed in range(BOOTSTRAPS))
        mean = 100 * held / BOOTSTRAPS
        yield f"percentile bootstrap, difference of two rates of {n}: coverage", mean, _spread(mean)
    for p, m in ((50, 50), (200, 200)):
        held = sum(_area_holds(draw, p, m, seed) for seed in range(BOOTSTRAPS))
        mean = 100 * held / BOOTSTRAPS
        yield f"BCa bootstrap, area in ten bands, {p} and {m}: coverage", mean, _spread(mean)


def _spread(mean: float) -> str:
    return f"% ± {_error(mean, BOOTSTRAPS):.1f}"


def _difference_holds(draw: np.random.Generator, n: int, seed: int) -> bool:
    """Rates .8 and .7 of two groups of n."""
    x = draw.binomial(n, (0.8, 0.7))
    cells = _cells([0, 0, 1, 1], [1, 0, 1, 0], [0, 0, 0, 0], [x[0], n - x[0], x[1], n - x[1]])
    found = bootstrap_interval(cells, _rate_difference, Plan(seed=seed), "percentile")
    return isinstance(found, Undefined) or found.low <= 0.1 <= found.high


def _rate_difference(cells: Cells, n: npt.NDArray[np.int64], _mean: Floats) -> Values:
    rates, known = [], np.ones(len(n), dtype=bool)
    for group in (0, 1):
        inside = cells.group == group
        whole = n[:, inside].sum(axis=1)
        known &= whole > 0
        rates.append(n[:, inside & (cells.label == 1)].sum(axis=1) / np.maximum(whole, 1))
    return Values(np.where(known, rates[0] - rates[1], 0.0), known)


SHARES = (np.arange(1, 11) / 55, np.arange(10, 0, -1) / 55)
"""Share of the positives and of the negatives in each of ten bands."""

TRUE_AREA = float(SHARES[0] @ (np.cumsum(SHARES[1]) - SHARES[1] / 2))


def _area_holds(draw: np.random.Generator, p: int, m: int, seed: int) -> bool:
    rows = np.concatenate([draw.multinomial(p, SHARES[0]), draw.multinomial(m, SHARES[1])])
    cells = _cells([0] * 20, [1] * 10 + [0] * 10, [*range(10), *range(10)], rows)
    found = bootstrap_interval(cells, _area, Plan(seed=seed), "bca")
    return isinstance(found, Undefined) or found.low <= TRUE_AREA <= found.high


def _area(cells: Cells, n: npt.NDArray[np.int64], _mean: Floats) -> Values:
    sides = [np.zeros((len(n), 10)) for _ in range(2)]
    for side, label in zip(sides, (1, 0), strict=True):
        for place in np.flatnonzero(cells.label == label):
            side[:, cells.band[place]] += n[:, place]
    ones, zeros = sides
    pairs = ones.sum(axis=1) * zeros.sum(axis=1)
    won = (ones * (np.cumsum(zeros, axis=1) - zeros / 2)).sum(axis=1)
    return Values(won / np.maximum(pairs, 1), pairs > 0)


def _calibration() -> Iterator[Figure]:
    """Calibration in the large of one constant score: exact, over all outcomes of one group and of two."""
    approve = z_one_sided(0.95)
    for n in SIZES:
        x, se = np.arange(n + 1), _residual_errors(n)
        held = [float(binom.pmf(x, n, p) @ (np.abs(x / n - p) <= Z * se)) for p in RATES_SEEN]
        yield (
            f"calibration, n {n}: mean coverage",
            100 * float(np.mean(held)),
            told(100 * float(np.mean(held))),
        )
        yield f"calibration, n {n}: least coverage", 100 * min(held), "%"
        apart, both = np.abs(x[:, None] - x) / n, np.hypot(se[:, None], se)
        passed, accused = apart + approve * both, apart - Z * both
        at = [
            (np.outer(binom.pmf(x, n, low + limit), binom.pmf(x, n, low)), limit)
            for low, limit in product((0, 0.02, 0.05, 0.1, 0.2, 0.45), (0.02, 0.05, 0.1, 0.2))
        ]
        wrong = max(100 * float(chance[passed <= limit].sum()) for chance, limit in at)
        yield f"calibration, two groups of {n} at the limit: most often passed", wrong, "%"
        wrong = max(100 * float(chance[accused > limit].sum()) for chance, limit in at)
        yield f"calibration, two groups of {n} at the limit: most often accused", wrong, "%"


SIZES, RATES_SEEN = (20, 50, 100, 200, 500, 1000), np.arange(4, 101) / 200


def _residual_errors(n: int) -> Floats:
    """The product's standard error for 0 … n positives among n rows of score .1."""
    score = MICRO // 10
    found = []
    for x in range(n + 1):
        sums = BandSums(
            n0=[n - x], n1=[x], s0=[(n - x) * score], s1=[x * score], squares=n * score**2, edges=[0, MICRO]
        )
        one = calibration(sums, cuts=[0, MICRO], seed=SEED)
        assert isinstance(one, GroupCalibration)
        found.append(one.in_the_large_se)
    return np.array(found)


def _cells(group: list[int], label: list[int], band: list[int], rows: npt.ArrayLike) -> Cells:
    """Cells that hold a row; a cell without one has nothing to draw."""
    n = np.asarray(rows, dtype=np.int64)
    keep = n > 0
    columns = (np.asarray(column, dtype=np.int64)[keep] for column in (group, label, band))
    nothing = np.zeros(int(keep.sum()))
    first, second, third = columns
    return Cells(group=first, label=second, band=third, n=n[keep], mean=nothing, variance=nothing)


def _error(percent: float, draws: int) -> float:
    """Monte-Carlo standard error of a percentage."""
    return 100 * math.sqrt(max(percent / 100 * (1 - percent / 100), 1e-9) / draws)

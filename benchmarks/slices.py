"""The search for the worst slices: its time, its false findings, what it finds, what shrinking does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from statistics import fmean, median

import numpy as np
import numpy.typing as npt

from audit_core.contract.presets import preset
from audit_core.contract.yaml import parse_contract
from audit_core.cube.axes import NO_BAND, YES, Axis
from audit_core.cube.bands import score_bands
from audit_core.cube.count_cube import CountCube, build_cube
from audit_core.metrics.shrunk import beta_binomial
from audit_core.metrics.slice_found import SliceHunt
from audit_core.metrics.slices import worst_slices

Codes = npt.NDArray[np.int64]
Rate = Callable[[Codes], npt.NDArray[np.float64]]
_RUNS = 200
_SIZES = (2, 5, 4, 4)
_BASE = 0.8
_PLANTED = (("axis 0", "axis 1"), ("level 1", "level 1"))
_CONTRACT = parse_contract(preset("hiring"), "contract.yaml")


def measure() -> Iterator[tuple[str, float, str]]:
    """Yield each figure with its value and its unit."""
    yield from _times()
    for rows in (4_000, 40_000):
        hunts = [_hunt(_flat, seed, rows) for seed in range(_RUNS)]
        size = f"{hunts[0].looked_at} slices of {rows:,} equal people"
        yield f"{size}: searches with a finding", _share(bool(hunt.findings) for hunt in hunts), "%"
        yield f"{size}: searches that carry any over", _share(bool(hunt.carried) for hunt in hunts), "%"
    for rows, less in ((4_000, 0.1), (4_000, 0.2), (40_000, 0.1)):
        yield from _planted(rows, less)
    yield from _shrinking()


def _times() -> Iterator[tuple[str, float, str]]:
    for rows, sizes in ((4_000, _SIZES), (1_000_000, _SIZES), (1_000_000, (6,) * 8)):
        cube = _cube(_flat, 1, rows, sizes)
        found = worst_slices(_CONTRACT, cube, "tpr")
        what = f"{rows:,} people, {len(cube.codes):,} cells, {found.looked_at:,} slices"
        yield what, _milliseconds(partial(worst_slices, _CONTRACT, cube, "tpr")), "ms"


def _planted(rows: int, less: float) -> Iterator[tuple[str, float, str]]:
    """A combination of two, a tenth of the people, selected less often than everybody else.

    The estimates are of the times it was carried over, confirmed or not: what the search half chose.
    """

    def rate(codes: Codes) -> npt.NDArray[np.float64]:
        return np.where((codes[:, 0] == 1) & (codes[:, 1] == 1), _BASE - less, _BASE)

    hunts = [_hunt(rate, seed, rows) for seed in range(_RUNS)]
    seen = [one for hunt in hunts for one in hunt.findings if one.slice == _PLANTED]
    others = [one for hunt in hunts for one in hunt.findings if one.slice != _PLANTED]
    carried = [one for hunt in hunts for one in hunt.carried if one.slice == _PLANTED]
    size = f"{rows:,} people, {100 * less:.0f} points planted"
    yield f"{size}: found and seen again", 100 * len(seen) / _RUNS, "%"
    yield f"{size}: other findings, per 100 searches", 100 * len(others) / _RUNS, ""
    if carried:
        search = fmean(float(one.search.difference or 0) for one in carried)
        held = fmean(float(one.held_out.difference or 0) for one in carried)
        yield f"{size}: estimate, search half", 100 * search, "pts"
        yield f"{size}: estimate, held-out half", 100 * held, "pts"


def _shrinking() -> Iterator[tuple[str, float, str]]:
    """Twelve cells of 30 to 200 people whose true rates have a standard deviation of 4 points."""
    draw = np.random.default_rng(1)
    gaps, errors = [], []
    for _ in range(_RUNS):
        true = draw.beta(0.8 * 99, 0.2 * 99, 12)
        people = draw.integers(30, 200, 12)
        hits = draw.binomial(people, true)
        prior = beta_binomial(hits, people)
        assert prior is not None
        kinds = (true, hits / people, prior.posterior(hits, people))
        gaps.append([float(np.ptp(kind)) for kind in kinds])
        errors.append([float(np.mean((kind - true) ** 2)) for kind in kinds])
    yield "12 cells, gap of the true rates", 100 * fmean(gap[0] for gap in gaps), "pts"
    for i, name in ((1, "measured"), (2, "shrunk")):
        yield f"12 cells, gap of the {name} rates", 100 * fmean(gap[i] for gap in gaps), "pts"
        error = fmean(error[i] for error in errors) ** 0.5
        yield f"12 cells, root mean squared error of the {name} rates", 100 * error, "pts"


def _flat(codes: Codes) -> npt.NDArray[np.float64]:
    return np.full(len(codes), _BASE)


def _hunt(rate: Rate, seed: int, rows: int) -> SliceHunt:
    return worst_slices(_CONTRACT, _cube(rate, seed, rows, _SIZES), "tpr")


def _cube(rate: Rate, seed: int, rows: int, sizes: tuple[int, ...]) -> CountCube:
    """A cube of positives with equally frequent levels."""
    draw = np.random.default_rng(seed)
    codes = np.column_stack([draw.integers(0, size, rows) for size in sizes])
    chosen = (draw.random(rows) < rate(codes)).astype(np.int64)
    columns = np.column_stack([codes, np.full(rows, YES), chosen, np.full(rows, NO_BAND)]).astype(np.int64)
    measures = np.zeros((rows, 4), dtype=np.int64)
    measures[:, 0] = 1
    axes = tuple(
        Axis(name=f"axis {i}", kind="attribute", levels=tuple(f"level {level}" for level in range(size)))
        for i, size in enumerate(sizes)
    )
    return build_cube(axes, score_bands(Fraction(0), Fraction(1), Fraction(1, 2), ()), columns, measures)


def _share(hits: Iterator[bool]) -> float:
    found = list(hits)
    return 100 * sum(found) / len(found)


def _milliseconds(work: Callable[[], object]) -> float:
    spent = []
    for _ in range(5):
        began = time.perf_counter()
        work()
        spent.append(time.perf_counter() - began)
    return median(spent) * 1000

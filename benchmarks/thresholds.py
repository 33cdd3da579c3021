"""Thresholds tried and verdicts decided anew: their time, and how optimistic a choice on the same rows is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from statistics import fmean, median
from tempfile import TemporaryDirectory

import numpy as np

from audit_core.audit import worked_example
from audit_core.contract.presets import preset
from audit_core.contract.yaml import parse_contract
from audit_core.cube.axes import Axis
from audit_core.cube.bands import score_bands
from audit_core.cube.count_cube import CountCube, build_cube
from audit_core.decision.robustness import Setting, robustness, robustness_map, targets
from audit_core.decision.trial import at_thresholds
from audit_core.evidence.workspace import Workspace
from audit_core.findings.conflicts import conflicts
from audit_core.metrics.thresholds import STRATEGIES, Costs, Cuts, strategy_cuts, try_cuts

_RUNS = 200
_SUBJECT = ("gender",)
_CONTRACT = parse_contract(preset("hiring"), "contract.yaml")


def measure() -> Iterator[tuple[str, float, str]]:
    """Yield each figure with its value and its unit."""
    yield from _times()
    for rows in (300, 1_000, 10_000):
        yield from _optimism(rows)


def _times() -> Iterator[tuple[str, float, str]]:
    with TemporaryDirectory() as folder:
        audit = worked_example(Workspace(Path(folder)))
    contract, cube = audit.contract, audit.counted.cube
    for strategy in STRATEGIES:
        cuts = strategy_cuts(contract, cube, _SUBJECT, strategy, Costs())
        choose = partial(strategy_cuts, contract, cube, _SUBJECT, strategy, Costs())
        yield f"{strategy}: thresholds chosen", _milliseconds(choose), "ms"
        follow = partial(try_cuts, contract, cube, _SUBJECT, cuts, Costs())
        yield f"{strategy}: people and rates", _milliseconds(follow), "ms"
        yield (
            f"{strategy}: verdict",
            _milliseconds(partial(at_thresholds, audit, _SUBJECT, cuts.by_group)),
            "ms",
        )
    found = robustness(audit)
    yield f"{len(found.looked_at)} alternatives", _milliseconds(partial(robustness, audit)), "ms"
    drawn = partial(robustness_map, audit, targets(audit)[0], Setting())
    yield f"map of {len(drawn().cells)} cells", _milliseconds(drawn), "ms"
    panel = partial(conflicts, contract, audit.counted, audit.stages)
    yield "what cannot hold together, every attribute", _milliseconds(panel), "ms"


def _optimism(rows: int) -> Iterator[tuple[str, float, str]]:
    """Equal opportunity chosen on one sample, its TPR gap there and on another sample of the same people."""
    seen, new = [], []
    for seed in range(_RUNS):
        first, second = _cube(2 * seed, rows), _cube(2 * seed + 1, rows)
        cuts = strategy_cuts(_CONTRACT, first, _SUBJECT, "equal_opportunity", Costs())
        seen.append(_tpr_gap(first, cuts))
        new.append(_tpr_gap(second, cuts))
    yield f"{rows:,} people a group: TPR gap on the same rows", 100 * fmean(seen), "pts"
    yield f"{rows:,} people a group: TPR gap on new people", 100 * fmean(new), "pts"


def _tpr_gap(cube: CountCube, cuts: Cuts) -> float:
    trial = try_cuts(_CONTRACT, cube, _SUBJECT, cuts, Costs())
    rates = [group.after[1].value or 0.0 for group in trial.groups]
    return max(rates) - min(rates)


def _cube(seed: int, rows: int) -> CountCube:
    """Two groups of as many people; the second group's scores are half a standard deviation lower."""
    draw = np.random.default_rng(seed)
    group = np.repeat([0, 1], rows)
    label = (draw.random(2 * rows) < 0.5).astype(int)
    score = 1 / (1 + np.exp(-draw.normal(label * 1.2 - 0.6 - 0.5 * group, 1.0)))
    q = np.floor(score * 10**6 + 0.5).astype(np.int64)
    codes = np.column_stack([group, label, (score >= 0.5).astype(int), np.minimum(q // 10_000, 99)])
    measures = np.column_stack([np.ones_like(q), q, q * q // 10**6, q * q % 10**6])
    axes = (Axis(name="gender", kind="attribute", levels=("man", "woman")),)
    bands = score_bands(Fraction(0), Fraction(1), Fraction(1, 2), ())
    return build_cube(axes, bands, codes.astype(np.int64), measures)


def _milliseconds(run: Callable[[], object]) -> float:
    took = []
    for _ in range(7):
        start = time.process_time()
        run()
        took.append(time.process_time() - start)
    return 1000 * median(took)

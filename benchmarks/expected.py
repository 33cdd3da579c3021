"""How often the range of an expected rate holds what outcomes show: no change, other people, other meaning.

Release and window are drawn anew in every run; the range is made before the window's outcomes are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from audit_core.cube.axes import ABSENT, NO, YES
from audit_core.cube.bands import score_bands
from audit_core.metrics.catalogue import RATES
from audit_core.metrics.expected import FloatArray, expected_rate, score_curve

RUNS, SEED = 2_000, 20_261_122
BANDS = score_bands(Fraction(0), Fraction(1), Fraction(1, 2), ())
SIZES = ((900, 400), (2_000, 900), (150, 100))
"""(outcomes at release, rows of the window) of a group."""
SAME, OTHERS = (2.0, 2.4), (1.6, 3.2)
"""Shapes of the scores' Beta distribution: as at release, and of people who score lower."""
MEANS_MORE = 0.7
"""How much higher, on the logit scale, the chance behind a score is where its meaning has changed."""


def measure() -> Iterator[tuple[str, float, str]]:
    """Yield coverage of the 95 % range for TPR and FPR."""
    changes = (
        ("nothing changes", SAME, 0.0),
        ("other people", OTHERS, 0.0),
        ("other meaning", SAME, MEANS_MORE),
    )
    for sizes in SIZES:
        for name, shape, shift in changes:
            held, judged = coverage(sizes, shape, shift, RUNS, SEED)
            for metric in held:
                share = 100 * held[metric] / judged[metric]
                yield f"{name}, {sizes[0]} and {sizes[1]} rows: {metric} held", share, "%"


def coverage(
    sizes: tuple[int, int], shape: tuple[float, float], shift: float, runs: int, seed: int
) -> tuple[dict[str, int], dict[str, int]]:
    """Return how many ranges held the rate that came, and how many there were, by metric."""
    draw = np.random.default_rng(seed)
    held, judged = {"tpr": 0, "fpr": 0}, {"tpr": 0, "fpr": 0}
    for _ in range(runs):
        score = draw.beta(*SAME, sizes[0])
        label = draw.random(sizes[0]) < _chance(score, 0.0)
        band = np.minimum((score * BANDS.count).astype(int), BANDS.count - 1)
        counts = [np.bincount(band[label == value], minlength=BANDS.count) for value in (False, True)]
        curve = score_curve(counts[0], counts[1], BANDS, least=30)
        score = draw.beta(*shape, sizes[1])
        label = draw.random(sizes[1]) < _chance(score, shift)
        rows = np.zeros((ABSENT + 1, BANDS.count), dtype=np.int64)
        band = np.minimum((score * BANDS.count).astype(int), BANDS.count - 1)
        chosen = score >= 0.5
        np.add.at(rows, (np.where(chosen, YES, NO), band), 1)
        for metric, of in (("tpr", label), ("fpr", ~label)):
            found = expected_rate(RATES[metric], rows, curve) if curve else None
            if found is not None and of.any():
                judged[metric] += 1
                held[metric] += bool(found[1] <= (chosen & of).sum() / of.sum() <= found[2])
    return held, judged


def _chance(score: FloatArray, shift: float) -> FloatArray:
    """Chance of being positive at a score: not the score itself, which is too sure of itself."""
    odds = 0.7 * np.log(score / (1 - score)) + 0.3 + shift
    return np.asarray(1 / (1 + np.exp(-odds)))

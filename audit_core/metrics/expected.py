"""What a window's scores lead one to expect of its groups while their outcomes are not back yet.

The release's outcomes say how often people of a group with such a score were positive. A window's rows,
counted by score and decision, then have an expected number of positives and of right decisions. It is an
estimate under one assumption: that the same score still means the same outcome. People with other scores than
before are seen; a change of what a score means is not, and no look at scores alone can see it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from audit_core.contract.schema import ReleaseContract, Subject
from audit_core.cube.axes import ABSENT, NO, YES
from audit_core.cube.bands import Bands, micro
from audit_core.cube.count_cube import CountCube, Group, Integers
from audit_core.metrics.catalogue import RATES, RateMetric
from audit_core.metrics.intervals import z_two_sided
from audit_core.metrics.rates import known_groups

FloatArray = npt.NDArray[np.float64]

MOST_BINS = 20
"""Bins of scores at most: more would follow chance."""

LEVEL = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """How often people with a score are positive: the expected share of each band, and of its bin.

    Shape and units: one value per score band; shares 0–1. `bin` is the band's bin, `variance` that of the
    bin's share, which its bands have in common.
    """

    share: FloatArray
    variance: FloatArray
    bin: Integers


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A group's rate as its scores lead one to expect it.

    `low` and `high` hold the rate that outcomes will show in 95 % of windows, if scores mean what they meant
    at release: both the release's and the window's chance are in them. `people` is the expected denominator.
    `curve` says whose outcomes it stands on: the group's own, or everybody's where the group had too few.
    """

    metric: str
    subject: Subject
    group: Group
    value: float
    low: float
    high: float
    people: float
    curve: Literal["group", "everybody"]


def score_curve(negatives: Integers, positives: Integers, bands: Bands, *, least: int) -> Curve | None:
    """Return how often people with a score were positive, or None where fewer than `least` have an outcome.

    Formula: neighbouring bands are put together until a bin holds `least` outcomes and a twentieth of all;
    no bin lies across the threshold. A bin of n outcomes, y of them positive, has the share (y+½)/(n+1), with
    the variance p(1−p)/(n+2) of a Jeffreys posterior.

    Shape and units: rows by band, as in `CountCube.scored`.
    """
    rows = negatives + positives
    total = int(rows.sum())
    if total < max(least, 1):
        return None
    bins = _bins(rows, bands, max(least, math.ceil(total / MOST_BINS)))
    n = np.bincount(bins, weights=rows)
    y = np.bincount(bins, weights=positives)
    share = (y + 0.5) / (n + 1)
    variance = share * (1 - share) / (n + 2)
    return Curve(share=share[bins], variance=variance, bin=bins)


def expected_rate(
    metric: RateMetric, rows: Integers, curve: Curve
) -> tuple[float, float, float, float] | None:
    """Return (value, low, high, people) of a rate from rows by decision and score; None without people.

    Formula: r = E N/E D, with X ~ Binomial(n, p) positives among n rows of a decision and band; N−r·D is
    linear in X, so its variance is Σw²·n·p(1−p) from the window's outcomes and Σ_bins(Σw·n)²·v from the
    release's; divided by (E D)², and the 95 % range is made on the logit scale.

    Shape and units: `rows` (4, bands) by decision; rates 0–1.
    """
    p = curve.share
    # What a positive and a negative row of each decision add to numerator and denominator.
    top, bottom = metric.numerator.astype(float), metric.denominator.astype(float)
    numerator = _mean(top, rows, p)
    denominator = _mean(bottom, rows, p)
    if denominator <= 0:
        return None
    rate = min(max(numerator / denominator, 0.0), 1.0)
    weight = (top[YES] - top[NO]) - rate * (bottom[YES] - bottom[NO])
    sampling = float((weight[:, None] ** 2 * rows * (p * (1 - p))).sum())
    moved = np.bincount(
        curve.bin, weights=(weight[:, None] * rows).sum(axis=0), minlength=len(curve.variance)
    )
    spread = math.sqrt(sampling + float((moved**2 * curve.variance).sum())) / denominator
    low, high = _logit_range(rate, spread)
    return rate, low, high, denominator


def expected_rates(
    contract: ReleaseContract,
    metrics: Sequence[str],
    subjects: Sequence[Subject],
    window: CountCube,
    release: CountCube,
) -> Iterator[Expected]:
    """Yield the expected rates of every known group of the subjects; none where there are no scores.

    Outcomes of the window that are back already are not used, so that an estimate can be held against them.
    """
    least = contract.support.band
    for subject in subjects:
        if not (release.holds(subject) and window.holds(subject)):
            continue
        known = release.scored(subject)
        everybody = _curve(release.scored(())[()], release.bands, least)
        rows = _by_decision(window, subject)
        for group in known_groups(window, contract, subject):
            own = _curve(known[group], release.bands, least) if _enough(known, group, contract) else None
            curve = own or everybody
            if curve is None or group not in rows:
                continue
            for name in metrics:
                found = expected_rate(RATES[name], rows[group], curve)
                if found is not None:
                    value, low, high, people = found
                    yield Expected(metric=name, subject=subject, group=group, value=value, low=low, high=high,
                                   people=people, curve="group" if own else "everybody")  # fmt: skip


def _enough(known: dict[Group, Integers], group: Group, contract: ReleaseContract) -> bool:
    return group in known and int(known[group][:, :, 0].sum()) >= contract.support.rows


def _curve(scored: Integers, bands: Bands, least: int) -> Curve | None:
    return score_curve(scored[NO, :, 0], scored[YES, :, 0], bands, least=least)


def _bins(rows: Integers, bands: Bands, size: int) -> Integers:
    """Each band's bin; a bin too small for its size joins the one before it on its side of the threshold."""
    cut = None
    if bands.threshold is not None:
        edge = micro(bands.threshold, bands.low, bands.high)
        cut = bands.edges.index(edge) if edge in bands.edges else None
    found = np.zeros(bands.count, dtype=np.int64)
    next_bin = 0
    for start, end in ((0, cut), (cut, bands.count)) if cut else ((0, bands.count),):
        first, held = next_bin, 0
        for band in range(start or 0, end or bands.count):
            found[band] = next_bin
            held += int(rows[band])
            if held >= size:
                next_bin, held = next_bin + 1, 0
        if held < size and next_bin > first:  # what is left over
            found[start or 0 : end or bands.count] = np.minimum(
                found[start or 0 : end or bands.count], next_bin - 1
            )
        elif next_bin == first:
            next_bin += 1
    return found


def _by_decision(cube: CountCube, subject: Subject) -> dict[Group, Integers]:
    """Rows with a score by decision and band, shape (4, bands), whatever is known of their outcomes."""
    names, position = cube.groups(subject)
    table = np.zeros((len(names), ABSENT + 1, cube.bands.count), dtype=np.int64)
    keep = cube.codes[:, -1] >= 0
    np.add.at(table, (position[keep], cube.codes[keep, -2], cube.codes[keep, -1]), cube.measures[keep, 0])
    return {name: table[i] for i, name in enumerate(names) if table[i].any()}


def _mean(mask: FloatArray, rows: Integers, p: FloatArray) -> float:
    """Expected rows under a mask over label × decision; every row will have an outcome."""
    return float((mask[YES][:, None] * rows * p + mask[NO][:, None] * rows * (1 - p)).sum())


def _logit_range(rate: float, spread: float) -> tuple[float, float]:
    if not 0 < rate < 1:
        return max(0.0, rate - spread), min(1.0, rate + spread)
    middle, step = math.log(rate / (1 - rate)), z_two_sided(LEVEL) * spread / (rate * (1 - rate))
    return _expit(middle - step), _expit(middle + step)


def _expit(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))

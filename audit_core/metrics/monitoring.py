"""Slow regressions after a release: charts that add up small moves of a gap, window after window."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from audit_core.metrics.estimate import Count

FloatArray = npt.NDArray[np.float64]

ALLOWANCE = 0.5
"""k: half the move, in standard errors, that the chart is tuned for."""

WEIGHT = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A monitoring chart: one value per window, and the first window (from 1) above the alarm limit."""

    values: tuple[float, ...]
    limit: float
    first_alarm: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibratedLimit:
    """An alarm limit, the chance of any false alarm it was made for, and the simulation behind it."""

    h: float
    chance: float
    horizon: int
    charts: int
    replicates: int
    seed: int


def standardised_gap(window: tuple[Count, Count], baseline: tuple[Count, Count]) -> float | None:
    """Return how many standard errors a window's signed gap lies above the baseline's.

    Formula: z = (g_t−g₀)/se_t, g the rate of the first group minus that of the second;
    se_t² = Σp₀(1−p₀)/n_t with the rates of the baseline and the denominators of the window.

    None where a denominator is 0, or where both baseline rates are 0 or 1: such a gap has no scale.
    """
    if any(count.denominator == 0 for count in (*window, *baseline)):
        return None
    variance = 0.0
    for now, before in zip(window, baseline, strict=True):
        p = before.numerator / before.denominator
        variance += p * (1 - p) / now.denominator
    if variance == 0:
        return None
    return (_signed_gap(window) - _signed_gap(baseline)) / math.sqrt(variance)


def counted_part(
    window: tuple[Count, Count], baseline: tuple[Count, Count], people: tuple[int, int]
) -> float | None:
    """Return what part of a window's standardised gap a chart adds, 0–1; None where there is no gap.

    Formula: √(Σp₀(1−p₀)/n_t / Σp₀(1−p₀)/min(n_t, m)), m the people the chart's limit was made for.

    Guarantee: 1 where the window holds no more than m of either group. The baseline's own error is the same
    in every window: larger windows measure it ever better, and would add it up to an alarm. Counted so, false
    alarms are no more frequent than the limit promises, however many people come.
    """
    if standardised_gap(window, baseline) is None:
        return None
    whole = most = 0.0
    for now, before, expected in zip(window, baseline, people, strict=True):
        p = before.numerator / before.denominator
        whole += p * (1 - p) / now.denominator
        most += p * (1 - p) / min(now.denominator, expected)
    return math.sqrt(whole / most)


def cusum(z: Sequence[float], *, limit: float, allowance: float = ALLOWANCE) -> Chart:
    """Return the one-sided cumulative sum of standardised gaps, with its first alarm.

    Formula: C_t = max(0, C_{t−1}+z_t−k), C_0 = 0; alarm where C_t > limit.

    Raises
    ------
    ValueError
        When a value is not finite, the limit is not positive or the allowance is negative.

    References
    ----------
    Page (1954), Biometrika 41.
    """
    if allowance < 0:
        raise ValueError("an allowance is zero or more")
    path, total = [], 0.0
    for value in _finite(z):
        total = max(0.0, total + value - allowance)
        path.append(total)
    return _chart(path, limit)


def ewma(z: Sequence[float], *, limit: float, weight: float = WEIGHT) -> Chart:
    """Return the exponentially weighted mean of standardised gaps, in its own standard errors.

    Formula: E_t = λz_t+(1−λ)E_{t−1}, E_0 = 0, divided by √(λ/(2−λ)·(1−(1−λ)^(2t))); alarm where it
    is above the limit.

    Raises
    ------
    ValueError
        When a value is not finite, the limit is not positive or the weight is not in (0, 1].

    References
    ----------
    Roberts (1959), Technometrics 1.
    """
    if not 0 < weight <= 1:
        raise ValueError("a weight lies above 0 and is at most 1")
    path, mean = [], 0.0
    for t, value in enumerate(_finite(z), start=1):
        mean = weight * value + (1 - weight) * mean
        path.append(mean / math.sqrt(weight / (2 - weight) * (1 - (1 - weight) ** (2 * t))))
    return _chart(path, limit)


def calibrated_limits(
    baseline: tuple[Count, Count],
    people: tuple[int, int],
    horizon: int,
    *,
    seed: int,
    charts: int = 2,
    chance: float = 0.05,
) -> tuple[CalibratedLimit, CalibratedLimit] | None:
    """Return the CUSUM limits of a gap, first − second, and of its opposite, from the same histories.

    All charts together then raise a false alarm with the stated chance; `charts` counts them, both signs of
    each gap. None where the baseline has no scale (see `standardised_gap`).

    Formula: the 1 − chance/charts quantile of the highest CUSUM within the horizon, with baseline and
    windows both drawn from the baseline's rates: an estimated baseline is wrong in the same direction in
    every window. At least forty histories lie above each limit, and a thousand above that of a single chart.

    Shape and units: `people` are the two groups' denominators per window; `horizon` is in windows. Where
    people are repeated, draws are of as few rows as they are worth, charted as the rows they are.

    Raises
    ------
    ValueError
        When a number of people, windows or charts is under 1, or the chance is not in (0, 1).
    """
    if min(*people, horizon, charts) < 1 or not 0 < chance < 1:
        raise ValueError("people, windows and charts are one or more, and a chance lies between 0 and 1")
    replicates = max(20_000, math.ceil(40 * charts / chance))
    draw = np.random.Generator(np.random.PCG64(seed))
    if standardised_gap(baseline, baseline) is None:
        return None
    highest = np.concatenate(
        [
            _highest_cusums(baseline, people, horizon, draw, min(20_000, replicates - start))
            for start in range(0, replicates, 20_000)
        ],
        axis=1,
    )
    up, down = (float(np.quantile(signed, 1 - chance / charts)) for signed in highest)
    first = CalibratedLimit(
        h=up, chance=chance, horizon=horizon, charts=charts, replicates=replicates, seed=seed
    )
    return first, replace(first, h=down)


def _highest_cusums(
    baseline: tuple[Count, Count],
    people: tuple[int, int],
    horizon: int,
    draw: np.random.Generator,
    size: int,
) -> FloatArray:
    """The highest CUSUM of a gap and of its opposite in each of `size` histories in which nothing changes."""
    started, variance = np.zeros(size), np.zeros(size)
    windows = np.zeros((horizon, size))
    for sign, count, n in zip((1, -1), baseline, people, strict=True):
        true = count.numerator / count.denominator
        worth = [max(1, round(rows / count.design_effect)) for rows in (count.denominator, n)]
        rate = draw.binomial(worth[0], true, size) / worth[0]
        started += sign * rate
        variance += rate * (1 - rate) / n
        windows += sign * draw.binomial(worth[1], true, (horizon, size)) / worth[1]
    total = highest = np.zeros((2, size))
    # A drawn baseline may have rates of 0 or 1 alone, and no scale: the smallest that n allows stands in.
    se = np.sqrt(np.maximum(variance, 1 / max(people) ** 2))
    for gaps in windows:
        z = (gaps - started) / se
        total = np.maximum(0.0, total + np.stack([z, -z]) - ALLOWANCE)
        highest = np.maximum(highest, total)
    return highest


def _signed_gap(pair: tuple[Count, Count]) -> float:
    first, second = pair
    return first.numerator / first.denominator - second.numerator / second.denominator


def _finite(z: Sequence[float]) -> Sequence[float]:
    if not all(math.isfinite(value) for value in z):
        raise ValueError("a standardised gap is a finite number")
    return z


def _chart(path: Sequence[float], limit: float) -> Chart:
    if not limit > 0:
        raise ValueError("an alarm limit is positive")
    alarm = next((t for t, value in enumerate(path, start=1) if value > limit), None)
    return Chart(values=tuple(path), limit=limit, first_alarm=alarm)

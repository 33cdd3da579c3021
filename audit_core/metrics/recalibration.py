"""More ways to say whether a score means what it says: slope, fit and a calibration error without bands.

They are reported beside ECE and never decide a check.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audit_core.metrics.calibration import MICRO, Band, BandSums
from audit_core.metrics.estimate import Undefined
from audit_core.metrics.intervals import Interval, z_two_sided

Floats = npt.NDArray[np.float64]

_EDGE = 0.5 / MICRO  # a score of exactly 0 or 1 has no logit; half the resolution of scores stands in
_GRID = 2048
_STEPS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalibration:
    """The logistic line from scores to outcomes, on the logit scale: intercept 0 and slope 1 are perfect.

    slope under 1: scores are too extreme; over 1: not extreme enough. `offset` is the intercept with the
    slope held at 1, calibration in the large on the logit scale. `n` is the number of people.
    """

    n: int
    intercept: float
    intercept_se: float
    intercept_interval: Interval
    slope: float
    slope_se: float
    slope_interval: Interval
    offset: float
    offset_se: float
    offset_interval: Interval
    level: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HosmerLemeshow:
    """The Hosmer–Lemeshow statistic on data the model has not seen: df is the number of bands used."""

    statistic: float
    df: int
    p: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreFit:
    """What is reported of a group's calibration beside ECE."""

    recalibration: Recalibration | Undefined
    hosmer_lemeshow: HosmerLemeshow | Undefined
    smooth_ece: float | None


def score_fit(sums: BandSums, bands: Sequence[Band], *, level: float = 0.95) -> ScoreFit:
    """Return slope, fit and smooth ECE of one group, from the sums a cube keeps.

    Guarantee: every row counts with the mean score of its fine band and outcome; with the hundred bands of
    a score from 0 to 1 no score is moved by over .01. Hosmer–Lemeshow is over the bands shown.
    """
    n = np.concatenate([np.asarray(sums.n0), np.asarray(sums.n1)]).astype(np.int64)
    totals = np.concatenate([np.asarray(sums.s0), np.asarray(sums.s1)]).astype(np.float64)
    label = np.repeat([0, 1], len(sums.n0))
    used = n > 0
    label, weight, score = label[used], n[used], totals[used] / n[used] / MICRO
    filled = [band for band in bands if band.n]
    return ScoreFit(
        recalibration=logistic_recalibration(label, score, weight=weight, level=level),
        hosmer_lemeshow=hosmer_lemeshow(
            [band.n for band in filled],
            [band.positives for band in filled],
            [float(band.score_sum) for band in filled],
        ),
        smooth_ece=smooth_ece(label, score, weight=weight),
    )


def logistic_recalibration(
    label: Sequence[int] | npt.NDArray[np.int64],
    score: Sequence[float] | Floats,
    *,
    weight: Sequence[int] | npt.NDArray[np.int64] | None = None,
    level: float = 0.95,
) -> Recalibration | Undefined:
    """Return the logistic regression of outcomes on the logit of scores, or why there is none.

    Formula: logit P(y=1) = a + b·logit(s) by maximum likelihood; intervals a, b ± z·se, se from the
    information matrix; offset a₁ with b = 1.

    Shape and units: labels 0 or 1, scores 0–1, `weight` rows per entry. Scores of exactly 0 and 1 enter as
    5·10⁻⁷ and 1 − 5·10⁻⁷.

    Guarantee: `Undefined` where no finite maximum exists: one outcome only, one score only, or scores that
    separate the outcomes.

    References
    ----------
    Cox (1958), Biometrika 45; van Calster et al. (2019), BMC Medicine 17.
    """
    y, s, w = _arrays(label, score, weight)
    reason = _no_line(y, s)
    if reason:
        return Undefined(reason=reason)
    x = np.log(s) - np.log1p(-s)
    (a, b), covariance = _newton(np.column_stack([np.ones_like(x), x]), y, w, np.zeros_like(x))
    (c,), spread = _newton(np.ones((x.size, 1)), y, w, x)
    z = z_two_sided(level)
    se_a, se_b, se_c = (math.sqrt(v) for v in (covariance[0, 0], covariance[1, 1], spread[0, 0]))
    return Recalibration(
        n=int(w.sum()),
        intercept=a,
        intercept_se=se_a,
        intercept_interval=Interval(a - z * se_a, a + z * se_a),
        slope=b,
        slope_se=se_b,
        slope_interval=Interval(b - z * se_b, b + z * se_b),
        offset=c,
        offset_se=se_c,
        offset_interval=Interval(c - z * se_c, c + z * se_c),
        level=level,
    )


def hosmer_lemeshow(
    n: Sequence[int], positives: Sequence[int], score_sum: Sequence[float]
) -> HosmerLemeshow | Undefined:
    """Return how far the bands' outcomes lie from their scores, as a χ² statistic with its p-value.

    Formula: Σ (O−E)²/(E·(1−E/n)) over the bands that hold anybody, E the band's sum of scores; df is their
    number, since the model was not fitted on these rows.

    Raises
    ------
    ValueError
        When the three do not have one entry per band.

    References
    ----------
    Hosmer & Lemeshow (1980), Communications in Statistics A9.
    """
    from scipy.special import chdtrc

    bands = [band for band in zip(n, positives, score_sum, strict=True) if band[0]]
    if not bands:
        return Undefined(reason="no labelled rows")
    if any(not 0 < expected < rows for rows, _, expected in bands):
        return Undefined(reason="a band's scores are all 0 or all 1")
    statistic = math.fsum((seen - e) ** 2 / (e * (1 - e / rows)) for rows, seen, e in bands)
    return HosmerLemeshow(statistic=statistic, df=len(bands), p=float(chdtrc(len(bands), statistic)))


def smooth_ece(
    label: Sequence[int] | npt.NDArray[np.int64],
    score: Sequence[float] | Floats,
    *,
    weight: Sequence[int] | npt.NDArray[np.int64] | None = None,
) -> float | None:
    """Return the calibration error with a smooth kernel in the place of bands, or None without rows.

    Formula: the σ at which σ = ∫₀¹ |Σ w(y−s)·K_σ(t, s)| dt / Σw, K_σ the Gaussian kernel reflected at 0
    and 1. It falls as σ grows, so there is one such σ.

    Shape and units: labels 0 or 1, scores 0–1; error under .0005 from its grid.

    References
    ----------
    Błasiok & Nakkiran (2023), arXiv:2309.12236.
    """
    y, s, w = _arrays(label, score, weight)
    if not w.size:
        return None
    place = s * _GRID - 0.5
    left = np.floor(place).astype(np.int64)
    share = place - left
    residual = np.zeros(_GRID)
    for cell, part in ((left, 1 - share), (left + 1, share)):
        np.add.at(residual, np.clip(cell, 0, _GRID - 1), part * w * (y - s) / w.sum())
    # Reflection at both ends makes cosines the kernel's own waves: smoothing is a factor on each of them.
    waves = np.fft.rfft(np.concatenate([residual, residual[::-1]]))
    decay = -0.5 * (math.pi * np.arange(waves.size)) ** 2
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        sigma = (low + high) / 2
        smooth = np.fft.irfft(waves * np.exp(decay * sigma * sigma), 2 * _GRID)[:_GRID]
        low, high = (sigma, high) if np.abs(smooth).sum() > sigma else (low, sigma)
    return (low + high) / 2


def _arrays(label: object, score: object, weight: object) -> tuple[Floats, Floats, Floats]:
    y, s = np.asarray(label, dtype=np.float64), np.asarray(score, dtype=np.float64)
    w = np.ones_like(y) if weight is None else np.asarray(weight, dtype=np.float64)
    if not y.shape == s.shape == w.shape or y.ndim != 1:
        raise ValueError("every row has a label, a score and a weight")
    if ((y != 0) & (y != 1)).any() or not ((s >= 0) & (s <= 1)).all() or not (w >= 0).all():
        raise ValueError("labels are 0 or 1, scores lie within 0 to 1, weights are zero or more")
    kept = w > 0
    return y[kept], np.clip(s[kept], _EDGE, 1 - _EDGE), w[kept]


def _no_line(y: Floats, s: Floats) -> str:
    """Why the logistic line has no finite maximum; "" where it has one."""
    if not y.size:
        return "no labelled rows"
    no, yes = s[y == 0], s[y == 1]
    if not no.size or not yes.size:
        return "one outcome only"
    if s.min() == s.max():
        return "one score only"
    if no.max() <= yes.min() or yes.max() <= no.min():
        return "the scores separate the outcomes"
    return ""


def _newton(x: Floats, y: Floats, w: Floats, offset: Floats) -> tuple[list[float], Floats]:
    """Maximum-likelihood coefficients of a weighted logistic regression, and their covariance."""
    beta = np.zeros(x.shape[1])
    best = _loss(x, y, w, offset, beta)
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(x @ beta + offset, -700, 700)))
        step = np.linalg.solve(_information(x, w, p), x.T @ (w * (y - p)))
        loss = _loss(x, y, w, offset, beta + step)
        while loss > best + 1e-9 * (1 + abs(best)):  # the likelihood is concave: a shorter step is better
            step, loss = step / 2, _loss(x, y, w, offset, beta + step / 2)
        beta, best = beta + step, loss
        if np.abs(step).max() < 1e-10 * (1 + np.abs(beta).max()):
            break
    p = 1 / (1 + np.exp(-np.clip(x @ beta + offset, -700, 700)))
    return [float(b) for b in beta], np.asarray(np.linalg.inv(_information(x, w, p)), dtype=np.float64)


def _information(x: Floats, w: Floats, p: Floats) -> Floats:
    return np.asarray(x.T @ (x * (w * np.maximum(p * (1 - p), 1e-300))[:, None]), dtype=np.float64)


def _loss(x: Floats, y: Floats, w: Floats, offset: Floats, beta: Floats) -> float:
    line = x @ beta + offset
    return float(np.sum(w * (np.logaddexp(0.0, line) - y * line)))

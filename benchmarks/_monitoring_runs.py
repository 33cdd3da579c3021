"""Half-years of live people, drawn person by person, and charts written anew: no code of the planner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_AT_ONCE = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Two groups: true rates at release, people the baseline has of each, people of each in a window.

    `step` widens the gap at window `begins`, `growth` in every window. `sizes` says how the people of a
    window vary: all alike, Poisson, or (`uneven`) with a log-normal factor of a third besides.
    """

    rates: tuple[float, float]
    baseline: tuple[int, int]
    people: tuple[float, float]
    windows: int
    step: float = 0.0
    growth: float = 0.0
    begins: int = 1
    sizes: str = "alike"

    def now(self, t: int) -> tuple[float, float]:
        """True rates in the t-th window (from 1)."""
        step = self.step if t >= self.begins else 0.0
        return self.rates[0], max(0.0, self.rates[1] - step - t * self.growth)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """Half-years: (numerators, denominators) of the baseline (runs, 2) and of the windows (runs, t, 2)."""

    began: tuple[Floats, Floats]
    live: tuple[Floats, Floats]


def drawn(setting: Setting, runs: int, seed: int) -> Runs:
    """Return so many half-years, every person drawn."""
    draw = np.random.Generator(np.random.Philox(seed))
    parts = [_drawn(setting, min(_AT_ONCE, runs - start), draw) for start in range(0, runs, _AT_ONCE)]
    began, live = zip(*parts, strict=True)
    return Runs(
        began=tuple(np.concatenate([part[i] for part in began]) for i in (0, 1)),  # type: ignore[arg-type]
        live=tuple(np.concatenate([part[i] for part in live]) for i in (0, 1)),  # type: ignore[arg-type]
    )


def _drawn(setting: Setting, runs: int, draw: np.random.Generator) -> tuple[tuple[Floats, Floats], ...]:
    began = np.stack(
        [_yes(draw, np.full(runs, n), rate) for n, rate in zip(setting.baseline, setting.rates, strict=True)],
        axis=1,
    )
    sizes = np.tile(np.array(setting.baseline, dtype=float), (runs, 1))
    x = np.zeros((runs, setting.windows, 2))
    n = np.zeros((runs, setting.windows, 2))
    for t in range(setting.windows):
        swing = np.exp(draw.normal(-0.05, 1 / 3, runs)) if setting.sizes == "uneven" else np.ones(runs)
        for group, rate in enumerate(setting.now(t + 1)):
            mean = setting.people[group] * swing
            n[:, t, group] = np.round(mean) if setting.sizes == "alike" else draw.poisson(mean)
            x[:, t, group] = _yes(draw, n[:, t, group].astype(int), rate)
    return (began, sizes), (x, n)


def _yes(draw: np.random.Generator, people: npt.NDArray[np.int64], rate: float) -> Floats:
    """How many of each run's people are a yes, each decided by a random number of their own."""
    most = int(people.max(initial=0))
    said = draw.random((people.size, most)) < rate
    return (said & (np.arange(most) < people[:, None])).sum(axis=1).astype(float)


def first_chart_alarm(
    runs: Runs,
    limits: tuple[float, float],
    *,
    known: float | None = None,
    most: tuple[float, float] = (np.inf, np.inf),
) -> Floats:
    """Return the first window in which the chart of either sign alarms, infinity where none does.

    `limits` are those of first − second and of second − first; a window counts as `most` people at most.
    """
    (bx, bn), (x, n) = runs.began, runs.live
    rate = bx / bn
    g0 = np.full(len(rate), known) if known is not None else rate[:, 0] - rate[:, 1]
    first = np.full(len(rate), np.inf)
    c = np.zeros((2, len(rate)))
    for t in range(x.shape[1]):
        some = (n[:, t] > 0).all(axis=1)
        size = np.maximum(n[:, t], 1)
        se = np.sqrt((rate * (1 - rate) / np.minimum(size, most)).sum(axis=1))
        z = np.where(
            se > 0, (x[:, t, 0] / size[:, 0] - x[:, t, 1] / size[:, 1] - g0) / np.maximum(se, 1e-9), 0
        )
        for sign, way in ((0, 1), (1, -1)):
            c[sign] = np.where(some, np.maximum(0, c[sign] + way * z - 0.5), c[sign])
            first = np.where((c[sign] > limits[sign]) & np.isinf(first), t + 1, first)
    return first


def first_point_alarm(runs: Runs, limit: float) -> Floats:
    """Return the first window whose own gap lies over the limit, as a naive alarm would have it."""
    x, n = runs.live
    size = np.maximum(n, 1)
    over = np.abs(x[..., 0] / size[..., 0] - x[..., 1] / size[..., 1]) > limit
    return np.where(over.any(axis=1), over.argmax(axis=1) + 1, np.inf)


def came(alarms: Floats) -> float:
    """Return the share of runs that alarmed."""
    return float(np.isfinite(alarms).mean())


def middle(alarms: Floats) -> float:
    """Return the median window among the runs that alarmed."""
    found = alarms[np.isfinite(alarms)]
    return float(np.median(found)) if found.size else float("nan")


def error(share: float, runs: int) -> float:
    """Return the standard error of a simulated share."""
    return float(np.sqrt(share * (1 - share) / runs))

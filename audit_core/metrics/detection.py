"""What monitoring sees of a change, and how soon: the plan's own rules run on many simulated half-years."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
import numpy.typing as npt

from audit_core.metrics.estimate import Count
from audit_core.metrics.intervals import z_simultaneous
from audit_core.metrics.monitoring import ALLOWANCE

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
ChangeKind = Literal["none", "step", "growth"]
NEVER = np.iinfo(np.int64).max
"""Window of an alarm that did not come."""

_MOST_CELLS = 4_000_000
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartLine:
    """A chart of the rate of group `high` minus that of `low` (places among the groups), and its limit."""

    high: int
    low: int
    h: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Volumes:
    """The groups one gap is judged over: their counts at release, and people in one window.

    Shape and units: one entry per group. `people` are expected denominators of a single window. The design
    effects of `counts` are those of windows too: repeated people come again.
    """

    counts: tuple[Count, ...]
    people: tuple[float, ...]

    @property
    def rates(self) -> Floats:
        """Rates at release; 0 without people, who then don't come."""
        return np.array([float(count.value or 0) for count in self.counts], dtype=np.float64)

    def worth(self, rows: Integers) -> Integers:
        """As many separate people as so many rows of each group (last axis) are worth."""
        effects = np.array([count.design_effect for count in self.counts])
        people = np.rint(rows / effects).astype(np.int64)
        return np.asarray(np.maximum(np.minimum(rows, 1), people), dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How a gap is judged: its limit, over how many windows, and how sure.

    `floor` is the fewest people with whom a group may prove harm.
    """

    compare: Literal["difference", "ratio"]
    limit: Fraction
    level: float
    floor: int
    rolling: int
    horizon: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of the gap of two groups' rates, 0–1: a step at the first window, or growth in each.

    `low` falls; where it has no room to fall, `high` rises instead.
    """

    kind: ChangeKind
    size: float
    high: int
    low: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstAlarms:
    """The first window (from 1) of each simulated run in which either alert came; `NEVER` where none did."""

    level: Integers
    trend: Integers

    @property
    def any(self) -> Integers:
        """The first window in which any alert came."""
        return np.minimum(self.level, self.trend)


def share(alarms: Integers) -> float:
    """Return the share of runs, 0–1, in which the alarm came."""
    return float(np.mean(alarms < NEVER))


def median_window(alarms: Integers) -> float | None:
    """Return the median window among the runs that alarmed, None where fewer than half did."""
    came = alarms[alarms < NEVER]
    return float(np.median(came)) if 2 * came.size >= alarms.size > 0 and came.size else None


def replicates_for(groups: int, horizon: int) -> int:
    """Return how many runs are simulated: 2,000, fewer where groups and windows are many."""
    return int(min(2000, max(400, _MOST_CELLS // (horizon * groups * groups))))


def first_alarms(
    volumes: Volumes,
    rule: Rule,
    charts: Sequence[ChartLine],
    change: Change,
    *,
    replicates: int,
    seed: int,
) -> FirstAlarms:
    """Return when the level alert and the trend alarm first come, run by run.

    Formula: people of a window ~ Poisson(expected), those in the numerator ~ Binomial(people, rate), the rate
    that of the release plus the change. Level: `confirmed_gap` of the last `rolling` windows, of fewer while
    fewer have passed. Trend: the CUSUM of each chart on single windows, against a baseline drawn anew from
    the release's rates, since what the release measured is itself an estimate. Where people are repeated,
    fewer separate ones are drawn, and stand for all the rows that are judged.

    Guarantee: the same arguments give the same runs.
    """
    draw = np.random.Generator(np.random.PCG64(seed))
    shape = (replicates, rule.horizon, len(volumes.counts))
    n = draw.poisson(np.asarray(volumes.people), shape).astype(np.int64)
    worth = volumes.worth(n)
    came = draw.binomial(worth, _rates(volumes, change, rule.horizon)[None, :, :])
    x = np.rint(came * (n / np.maximum(worth, 1))).astype(np.int64)
    sizes = volumes.worth(np.array([count.denominator for count in volumes.counts], dtype=np.int64))
    began = draw.binomial(sizes, volumes.rates, (replicates, sizes.size)) / np.maximum(sizes, 1)
    level = _first_confirmed(added_up(x, rule.rolling), added_up(n, rule.rolling), rule)
    alarms = np.full(replicates, NEVER, dtype=np.int64)
    for chart in charts:
        alarms = np.minimum(alarms, _trend(x, n, began, chart, volumes))
    return FirstAlarms(level=level, trend=alarms)


def confirmed_gap(x: Integers, n: Integers, rule: Rule) -> Bools:
    """Return where a gap is confirmed beyond its limit: METHODS §3, rule 1, on many tables at once.

    Shape and units: counts (…, groups) in, (…) out.

    Guarantee: what `findings.judge` calls FAIL / CONFIRMED, and nothing else (a test compares them).
    """
    counted = n >= rule.floor
    groups = counted.sum(axis=-1)
    quantiles = [0.0, 0.0] + [z_simultaneous(rule.level, k) for k in range(2, n.shape[-1] + 1)]
    z = np.array(quantiles)[groups]
    if rule.compare == "ratio":
        return np.asarray((groups >= 2) & _ratio_below(x, n, counted, z, float(1 / rule.limit)))
    return np.asarray((groups >= 2) & (_largest_lower(x, n, counted, z) > _at_or_below(rule.limit)))


def _rates(volumes: Volumes, change: Change, horizon: int) -> Floats:
    """True rate of every group in every window."""
    steps = np.arange(1, horizon + 1) if change.kind == "growth" else np.ones(horizon)
    moved = steps * (0.0 if change.kind == "none" else change.size)
    rates = np.tile(volumes.rates, (horizon, 1))
    room_down, room_up = rates[0, change.low], 1 - rates[0, change.high]
    if room_down >= moved[-1] or room_down >= room_up:
        rates[:, change.low] -= moved
    else:
        rates[:, change.high] += moved
    return np.asarray(np.clip(rates, 0.0, 1.0), dtype=np.float64)


def added_up(counts: Integers, rolling: int) -> Integers:
    """Return counts summed over the last `rolling` windows, over those there are while fewer have passed.

    Shape and units: (runs, windows, groups), in and out.
    """
    total = np.cumsum(counts, axis=1)
    total[:, rolling:] -= total[:, :-rolling].copy()
    return total


def _first_confirmed(x: Integers, n: Integers, rule: Rule) -> Integers:
    """First window in which each run's gap is confirmed; judged only where the measured value is beyond."""
    rates = x / np.maximum(n, 1)
    top = np.where(n > 0, rates, -np.inf).max(axis=-1)
    bottom = np.where(n > 0, rates, np.inf).min(axis=-1)
    limit = float(rule.limit)
    # An interval holds its own value: where that is within the limit, nothing beyond it is confirmed.
    if rule.compare == "ratio":
        beyond = bottom < top * limit * (1 + _ROUNDING)
    else:
        beyond = top - bottom > limit * (1 - _ROUNDING)
    first = np.full(x.shape[0], NEVER, dtype=np.int64)
    for t in range(x.shape[1]):
        open_runs = np.flatnonzero(beyond[:, t] & (first == NEVER))
        if open_runs.size:
            shown = confirmed_gap(x[open_runs, t], n[open_runs, t], rule)
            first[open_runs[shown]] = t + 1
    return first


def _largest_lower(x: Integers, n: Integers, counted: Bools, z: Floats) -> Floats:
    """Largest lower end of Newcombe's interval over all ordered pairs of counted groups."""
    down, up = _reach(x, n, z[..., None])
    down, up = np.where(counted, down, np.inf), np.where(counted, up, np.inf)
    rate = x / np.maximum(n, 1)
    largest = np.full(x.shape[:-1], -np.inf)
    for high in range(x.shape[-1]):
        for low in range(x.shape[-1]):
            if high != low:
                end = rate[..., high] - rate[..., low] - np.hypot(down[..., high], up[..., low])
                np.maximum(largest, end, out=largest)
    return largest


def _reach(x: Integers, n: Integers, z: Floats) -> tuple[Floats, Floats]:
    """How far Wilson's interval reaches below and above each rate."""
    size = np.maximum(n, 1)
    spread = z * np.sqrt(x * (size - x) / size + z * z / 4)
    middle, whole = x + z * z / 2, size + z * z
    low = np.where(x == 0, 0.0, np.maximum(0.0, (middle - spread) / whole))
    high = np.where(x == n, 1.0, np.minimum(1.0, (middle + spread) / whole))
    return x / size - low, high - x / size


def _ratio_below(x: Integers, n: Integers, counted: Bools, z: Floats, inverse: float) -> Bools:
    """Whether the upper end of Koopman's interval of some pair's ratio is under 1/inverse.

    It is where the score statistic of the inverse ratio, at the inverse limit, is over z.
    """
    below = np.zeros(x.shape[:-1], dtype=bool)
    for first in range(x.shape[-1]):
        for second in range(x.shape[-1]):
            if first != second:
                both = counted[..., first] & counted[..., second] & (x[..., first] > 0)
                score = _score(inverse, (x[..., first], n[..., first]), (x[..., second], n[..., second]))
                below |= both & (score > z)
    return below


def _score(ratio: float, first: tuple[Integers, Integers], second: tuple[Integers, Integers]) -> Floats:
    """The score statistic of `intervals.ratio_score`, on arrays."""
    x1, n1 = first[0].astype(np.float64), np.maximum(first[1], 1).astype(np.float64)
    x2, n2 = second[0].astype(np.float64), np.maximum(second[1], 1).astype(np.float64)
    weighted, plain = ratio * (n1 + x2), x1 + n2
    root = np.sqrt((weighted - plain) ** 2 + 4 * ratio * (n1 - x1) * (n2 - x2))
    p2 = np.minimum(1.0, 2 * (x1 + x2) / (weighted + plain + root))
    p1 = np.minimum(1.0, ratio * p2)
    variance = p1 * (1 - p1) / n1 + ratio * ratio * p2 * (1 - p2) / n2
    distance = x1 / n1 - ratio * x2 / n2
    sure = np.where(distance == 0, 0.0, np.copysign(np.inf, distance))
    return np.where(variance > 0, distance / np.sqrt(np.where(variance > 0, variance, 1.0)), sure)


def _at_or_below(limit: Fraction) -> float:
    """The largest float that is not over the limit: a float is over the one exactly when it is over both."""
    nearest = float(limit)
    return nearest if Fraction(nearest) <= limit else math.nextafter(nearest, -math.inf)


def _trend(x: Integers, n: Integers, began: Floats, chart: ChartLine, volumes: Volumes) -> Integers:
    """First window in which a chart's CUSUM is over its limit; one without people moves nothing."""
    high, low = chart.high, chart.low
    g0 = began[:, high] - began[:, low]
    spread = [began[:, place] * (1 - began[:, place]) for place in (high, low)]
    # A drawn baseline may have rates of 0 or 1 alone, and no scale: the smallest there is stands in.
    least = 1 / max(volumes.people[high], volumes.people[low], 1.0) ** 2
    most = [max(1, round(volumes.people[place])) for place in (high, low)]
    total = np.zeros(x.shape[0])
    first = np.full(x.shape[0], NEVER, dtype=np.int64)
    for t in range(x.shape[1]):
        nh, nl = n[:, t, high], n[:, t, low]
        there = (nh > 0) & (nl > 0)
        nh, nl = np.maximum(nh, 1), np.maximum(nl, 1)
        gap = x[:, t, high] / nh - x[:, t, low] / nl
        # As `monitoring.counted_part`: no window counts as more people than the limit was made for.
        se = np.sqrt(
            np.maximum(spread[0] / np.minimum(nh, most[0]) + spread[1] / np.minimum(nl, most[1]), least)
        )
        z = (gap - g0) / se
        total = np.where(there, np.maximum(0.0, total + z - ALLOWANCE), total)
        first = np.where((total > chart.h) & (first == NEVER), t + 1, first)
    return first

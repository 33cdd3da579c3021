"""How often groups that share one rate would show a gap as large as the one observed."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from audit_core.metrics.estimate import Count

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
_AT_ONCE = 1_000_000  # entries of one group × rate table
_NIL = 1e-13
_MOST_64 = 2**62


def chance_of_gap(counts: Sequence[Count]) -> float | None:
    """Return P(gap ≥ observed | every group shares the pooled rate), or None with under two groups.

    Formula: 1 − Σ_v [Π P(v ≤ pᵢ < v+g) − Π P(v < pᵢ < v+g)] over the distinct attainable rates v,
    g the observed difference of highest and lowest, pᵢ = Xᵢ/nᵢ, Xᵢ ~ Binomial(nᵢ, pooled).

    Guarantee: ties are decided in integers; absolute error under 1e-9, no random numbers. Counts
    less likely than e⁻⁵⁰ are left out, so time grows with √n, not n.
    """
    counts = [c for c in counts if c.denominator > 0]
    if len(counts) < 2:
        return None
    rates = [Fraction(c.numerator, c.denominator) for c in counts]
    gap = max(rates) - min(rates)
    if gap == 0:
        return 1.0
    pooled = sum(c.effective[0] for c in counts) / sum(c.effective[1] for c in counts)
    sizes, times = np.unique([c.support for c in counts], return_counts=True)
    laws = _Laws.of(sizes, times, pooled)
    window = _window(laws, float(gap))
    across = _Across.of(gap, laws.n)
    below = sum(_within(laws, j, across, window) for j in range(sizes.size))
    return min(1.0, max(0.0, 1.0 - below))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Laws:
    """Binomial(n, p) for each size n, on the counts that matter.

    below[start+i] = P(X < first+i) for i up to and with `last` + 1 − `first`; groups of one size share it.
    """

    n: IntArray
    times: IntArray
    first: IntArray
    last: IntArray
    start: IntArray
    below: FloatArray

    @classmethod
    def of(cls, n: IntArray, times: IntArray, p: float) -> _Laws:
        parts, ends = [], []
        for size in n.tolist():
            reach = 10 * math.sqrt(size * p * (1 - p)) + 40
            first, last = max(0, math.floor(size * p - reach)), min(size, math.ceil(size * p + reach))
            k = np.arange(first + 1, last + 1, dtype=np.float64)
            logs = np.concatenate(([0.0], np.cumsum(np.log((size - k + 1) / k * (p / (1 - p))))))
            mass = np.exp(logs - logs.max())
            parts.append(np.concatenate(([0.0], np.cumsum(mass / mass.sum()))))
            ends.append((first, last))
        first, last = np.array(ends, dtype=np.int64).T
        start = np.cumsum([0] + [part.size for part in parts[:-1]])
        return cls(
            n=n.astype(np.int64),
            times=times,
            first=first,
            last=last,
            start=start,
            below=np.concatenate(parts),
        )

    def before(self, x: IntArray) -> FloatArray:
        """P(X < x), one row per size."""
        inside = np.clip(x - self.first[:, None], 0, (self.last - self.first)[:, None] + 1)
        return np.asarray(self.below[self.start[:, None] + inside], dtype=np.float64)


def _window(laws: _Laws, gap: float) -> tuple[float, float]:
    """Ends between which the lowest rate lies, but for a chance under _NIL on either side."""

    def before(rate: float) -> FloatArray:
        return np.minimum(1.0, laws.before(np.ceil(rate * laws.n).astype(np.int64)[:, None])[:, 0])

    def lower(rate: float) -> bool:
        below = before(rate)
        return bool(laws.times @ below < _NIL or np.prod(before(rate + gap) ** laws.times) < _NIL)

    def upper(rate: float) -> bool:
        return bool(np.prod((1 - before(rate)) ** laws.times) < _NIL)

    return _edge(lower, -gap, 1.0), _edge(upper, 1.0, -gap)


def _edge(nil: Callable[[float], bool], bare: float, likely: float) -> float:
    """An end near the first rate that counts, on the side where the chance is nil."""
    for _ in range(16):
        middle = (bare + likely) / 2
        bare, likely = (middle, likely) if nil(middle) else (bare, middle)
    return bare


def _within(laws: _Laws, j: int, across: _Across, window: tuple[float, float]) -> float:
    """P(lowest rate is one of the j-th size's, and the gap is smaller), rates of smaller sizes left out."""
    n, total = int(laws.n[j]), 0.0
    room = across.room(n)
    step = max(1, _AT_ONCE // laws.n.size)
    start = max(int(laws.first[j]), math.floor(window[0] * n) - 1)
    stop = min(int(laws.last[j]), math.ceil(window[1] * n) + 1) + 1
    for begin in range(start, stop, step):
        k = np.arange(begin, min(begin + step, stop), dtype=np.int64)
        whole, rest = np.divmod(k * laws.n[:, None], n)
        # A rate is counted once, at the first size that has it among its counts.
        first, last = laws.first[:j, None], laws.last[:j, None]
        new = ~((rest[:j] == 0) & (whole[:j] >= first) & (whole[:j] <= last)).any(axis=0)
        whole, rest = whole[:, new], rest[:, new]
        end = laws.before(across.first_at_or_above(whole, rest, room))
        at_or_above = _product(end - laws.before(whole + (rest > 0)), laws.times)
        total += float(np.sum(at_or_above - _product(end - laws.before(whole + 1), laws.times)))
    return total


def _product(chances: FloatArray, times: IntArray) -> FloatArray:
    """Product over the sizes, each as often as there are groups of it."""
    often = times > 1
    chances[often] **= times[often, None]
    return np.asarray(chances.prod(axis=0), dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Across:
    """A gap in steps of each size: the whole ones, and the parts of a step over them, in 1/`whole`."""

    steps: IntArray
    parts: tuple[int, ...]
    whole: int

    @classmethod
    def of(cls, gap: Fraction, sizes: IntArray) -> _Across:
        split = [divmod(gap.numerator * size, gap.denominator) for size in sizes.tolist()]
        steps = np.array([step for step, _ in split], dtype=np.int64)
        return cls(steps=steps, parts=tuple(part for _, part in split), whole=gap.denominator)

    def room(self, n: int) -> IntArray:
        """⌊n·(1 − part)⌋ for each size; integers of any size where 64 bits are too few."""
        if n * self.whole < _MOST_64:
            return n * (self.whole - np.array(self.parts, dtype=np.int64)) // self.whole
        return np.array([n * (self.whole - part) // self.whole for part in self.parts], dtype=np.int64)

    def first_at_or_above(self, whole: IntArray, rest: IntArray, room: IntArray) -> IntArray:
        """Smallest x with x/size ≥ k/n + gap, k·size = whole·n + rest, in integers that stay small."""
        # Left over is rest/n + part, in [0, 2): it rounds up to 0, 1 or 2.
        some = np.array([part > 0 for part in self.parts])
        up = np.where(some[:, None], 1 + (rest > room[:, None]), rest > 0)
        return np.asarray(whole + self.steps[:, None] + up, dtype=np.int64)

"""How far a change of rates or of the largest gap can be trusted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations

import numpy as np
import numpy.typing as npt

from audit_core.metrics.estimate import Count, Group
from audit_core.metrics.gaps import difference_gap
from audit_core.metrics.intervals import (
    Interval,
    wilson,
    z_one_sided,
    z_simultaneous,
)
from audit_core.metrics.pair_intervals import PairCounts
from audit_core.metrics.regression_draws import RatesDrawn, Spread, of_unknown_overlap

Floats = npt.NDArray[np.float64]
MOST_CONTRASTED = 24
"""Up to so many groups every pair of pairs is contrasted; over it the two gaps are bounded apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupChange:
    """One group's rate under both models; −1 to 1.

    `shared` is Σ (x−p)(x′−p′) over the rows in both denominators: 0 on different rows. `pairs` is the 2×2 of
    rows with the candidate first, None where the two rates are not of the same rows (PPV, FDR, different
    files). The counts carry the design effect of repeated people.
    """

    group: Group
    new: Count
    old: Count
    paired: bool
    shared: Fraction
    pairs: PairCounts | None

    @property
    def support(self) -> int:
        """The fewer of the rows behind the two rates; effective ones where people repeat."""
        return min(self.new.support, self.old.support)

    @property
    def value(self) -> Fraction | None:
        """New rate minus old; None where either has no denominator."""
        if self.new.value is None or self.old.value is None:
            return None
        return self.new.value - self.old.value


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeBounds:
    """Bounds of a change: `lower` accuses, `upper` approves; `absent` says why none accuses."""

    lower: float
    upper: float
    absent: str = ""


UNKNOWN = ChangeBounds(lower=-1.0, upper=1.0)


def change_interval(change: GroupChange, z: float) -> Interval:
    """Return the hybrid score interval of a group's change; [−1, 1] without rows.

    Formula: d ∓ √(u²−2ψuv+v²), u and v the distances of the two rates to their Wilson limits, ψ the
    correlation of the two rates, S/√(n p q·n′p′q′) with S = Σ(x−p)(x′−p′) over the rows they share, S taken
    half towards 0 where it is positive. On the same rows this is Newcombe's paired interval, on different
    rows (ψ = 0) his unpaired one.

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17; Zou & Donner (2008), Statistics in Medicine 27.
    """
    (x, n), (y, m) = change.new.effective, change.old.effective
    if n == 0 or m == 0:
        return Interval(-1.0, 1.0)
    one, two, p, q, psi = wilson(x, n, z), wilson(y, m, z), x / n, y / m, _correlation(change)
    down = math.sqrt(max(0.0, _joined(p - one.low, two.high - q, psi)))
    up = math.sqrt(max(0.0, _joined(one.high - p, q - two.low, psi)))
    return Interval(max(-1.0, p - q - down), min(1.0, p - q + up))


def _correlation(change: GroupChange) -> float:
    (x, n), (y, m) = change.new.effective, change.old.effective
    squares = x * (n - x) / n * y * (m - y) / m
    if squares <= 0:
        return 0.0
    shared = float(change.shared) / change.new.design_effect
    return max(-1.0, min(1.0, (max(0.0, shared - 0.5) if shared > 0 else shared) / math.sqrt(squares)))


def _joined(u: float, v: float, psi: float) -> float:
    return u * u - 2 * psi * u * v + v * v


def reading_level(level: float) -> float:
    """Return the level of the interval whose ends are the one-sided bounds at `level`: .90 at .95."""
    return 2 * level - 1


def reading_interval(change: GroupChange, level: float) -> Interval:
    """Return the interval of a group's change that is printed, at `reading_level` of the contract's."""
    return change_interval(change, z_one_sided(level))


def bounds_of(members: Sequence[GroupChange], draws: RatesDrawn, level: float) -> ChangeBounds:
    """Return the bounds of Δ_new − Δ_old, the change of the largest gap.

    Formula: upper = max over ordered pairs p of the one-sided MOVER upper bound of g_new(p) − g_old(p), g the
    signed gap of a pair: with p the widest pair of the candidate, Δ_new = g_new(p) and Δ_old ≥ g_old(p), so
    the change of the largest gap is never above that of this pair, and approval needs every pair (an
    intersection–union test). lower = max over p of min over ordered pairs q of the lower bound of
    g_new(p) − g_old(q) at z_T = q_level(K)/√2, since Δ_new ≥ g_new(p) and Δ_old = g_old(q) for some q. For
    q = p the bound is MOVER's, else estimate − z_T·se from draws of the joint cube. A maximum minus a minimum
    is never drawn. Over `MOST_CONTRASTED` groups lower is L(Δ_new) − U(Δ_old), each at half the error.

    Shape and units: the groups that enter; −1 to 1. With under two groups the bounds say nothing.

    References
    ----------
    Berger (1982); Zou & Donner (2008); Agresti, Bini, Bertaccini & Ryu (2008).
    """
    if len(members) < 2:
        return UNKNOWN
    upper = float(_pair_ends(members, z_one_sided(level))[1].max())
    if len(members) > MOST_CONTRASTED:
        return ChangeBounds(lower=max(-1.0, _apart(members, level)), upper=min(1.0, upper))
    lower, absent = _lower(members, draws, level)
    return ChangeBounds(lower=max(-1.0, lower), upper=min(1.0, upper), absent=absent)


def _pair_ends(members: Sequence[GroupChange], z: float) -> tuple[Floats, Floats]:
    """MOVER ends of the change of every ordered pair's signed gap, in the order of `permutations`."""
    low, high = np.array([change_interval(member, z) for member in members]).T
    value = np.array([float(member.value or 0) for member in members])
    i, j = np.array(list(permutations(range(len(members)), 2))).T
    apart = value[i] - value[j]
    down, up = value - low, high - value
    return apart - np.hypot(down[i], up[j]), apart + np.hypot(up[i], down[j])


def _lower(members: Sequence[GroupChange], draws: RatesDrawn, level: float) -> tuple[float, str]:
    z = z_simultaneous(level, len(members))
    same, _ = _pair_ends(members, z)
    found = [_spread(member, draws.spread(member.group), z) for member in members]
    if any(spread is None for spread in found):
        return -1.0, "over 1 % of the draws leave a group without people"
    new, joint, old, most = np.array(found, dtype=np.float64).T
    p, q = (np.array([float(side.value or 0) for side in sides]) for sides in
            ([m.new for m in members], [m.old for m in members]))  # fmt: skip
    i, j = np.array(list(permutations(range(len(members)), 2))).T
    sign = np.zeros((i.size, len(members)))
    sign[np.arange(i.size), i], sign[np.arange(i.size), j] = 1, -1
    up, down = np.maximum(sign, 0), np.maximum(-sign, 0)
    change = (up * joint) @ up.T + (down * joint) @ down.T  # the same group on the same side of both pairs
    total = (up * most) @ down.T + (down * most) @ up.T
    variance = (new[i] + new[j])[:, None] + (old[i] + old[j])[None, :] + 2 * (total - change)
    ends = (p[i] - p[j])[:, None] - (q[i] - q[j])[None, :] - z * np.sqrt(np.maximum(variance, 0.0))
    np.fill_diagonal(ends, same)
    return float(ends.min(axis=1).max()), ""


def _spread(member: GroupChange, spread: Spread | None, z: float) -> Spread | None:
    """A group's drawn spread with the design effect of repeated people.

    A rate of 0 or 1, which no draw moves, gets the spread of Wilson's interval.
    """
    if spread is None:
        return None
    effect = member.new.design_effect
    own, before = (
        drawn * effect or _wilson_variance(count, z)
        for drawn, count in ((spread.new, member.new), (spread.old, member.old))
    )
    return Spread(own, spread.joint * effect, before, spread.most * effect)


def own_spread(member: GroupChange) -> Spread:
    """Return the spread of a group's two rates by its formula, p(1−p)/n, on people of unknown overlap."""
    x, n = member.new.numerator, member.new.denominator
    y, m = member.old.numerator, member.old.denominator
    return of_unknown_overlap(Spread(x * (n - x) / n**3, 0.0, y * (m - y) / m**3, 0.0))


def _wilson_variance(count: Count, z: float) -> float:
    x, n = count.effective
    low, high = wilson(x, n, z)
    return (max(x / n - low, high - x / n) / z) ** 2


def _apart(members: Sequence[GroupChange], level: float) -> float:
    half = (1 + level) / 2
    new = difference_gap([member.new for member in members], min_support=1, level=half)
    old = difference_gap([member.old for member in members], min_support=1, level=half)
    return new.lower - old.upper

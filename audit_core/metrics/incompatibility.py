"""What cannot all be equal: precision and error rates between groups whose base rates differ.

In every group FPR = π/(1−π) · (1−PPV)/PPV · (1−FNR) is an identity, π the base rate. So where π differs,
making some of these rates equal sets the others apart, whatever the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import Literal

import numpy as np
import numpy.typing as npt

from audit_core.contract.schema import Subject
from audit_core.cube.axes import NEITHER, NO, YES
from audit_core.cube.count_cube import Group, Integers
from audit_core.metrics.bootstrap import MOST_DISCARDED, Plan
from audit_core.metrics.estimate import Count
from audit_core.metrics.gaps import difference_gap
from audit_core.metrics.intervals import Interval

Scenario = Literal["precision_equal", "errors_equal", "selection_implied"]
SCENARIOS: tuple[Scenario, ...] = ("precision_equal", "errors_equal", "selection_implied")
IMPLIED: dict[Scenario, str] = {
    "precision_equal": "fpr",
    "errors_equal": "ppv",
    "selection_implied": "selection_rate",
}
"""The rate that each scenario leaves no choice about."""

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """One group's labelled, decided people: true and false yes, false and true no (an abstention is a no)."""

    group: Group
    tp: int
    fp: int
    fn: int
    tn: int

    @property
    def positives(self) -> int:
        """People with a positive label."""
        return self.tp + self.fn

    @property
    def negatives(self) -> int:
        """People with a negative label."""
        return self.fp + self.tn

    @property
    def base_rate(self) -> Fraction:
        """Share of positives, π."""
        return Fraction(self.positives, self.positives + self.negatives)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpliedGap:
    """What one scenario implies for every group, and the gap between them.

    `interval` is the bootstrap range of the gap of the pair `high`, `low`; None where over a hundredth of the
    draws left nothing to divide by. `least` is what some pair's gap reaches at the least when every pair is
    allowed for (ratio: `least` is the most it reaches); a gap shown to be beyond a limit is one whose `least`
    is beyond it.
    """

    scenario: Scenario
    compare: Literal["difference", "ratio"]
    values: tuple[tuple[Group, Fraction], ...]
    value: Fraction
    high: Group
    low: Group
    interval: Interval | None
    least: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Incompatibility:
    """The groups of a subject with their base rates, and what equal rates would imply.

    `base_rates_differ` says whether the base rates lie further apart than chance explains at the level;
    `too_few` are groups without enough positives or negatives to say anything about.
    """

    subject: Subject
    groups: tuple[Confusion, ...]
    too_few: tuple[Group, ...]
    base_rates_differ: bool
    base_gap: Fraction
    base_interval: Interval | None
    implied: tuple[ImpliedGap, ...]

    def of(self, scenario: Scenario, compare: str) -> ImpliedGap | None:
        """Return what a scenario implies, as a difference or as a ratio."""
        return next((i for i in self.implied if (i.scenario, i.compare) == (scenario, compare)), None)


def confusion(group: Group, table: Integers) -> Confusion:
    """Return a group's confusion counts from its label × decision table."""
    no = table[:, NO] + table[:, NEITHER]
    return Confusion(
        group=group, tp=int(table[YES, YES]), fp=int(table[NO, YES]), fn=int(no[YES]), tn=int(no[NO])
    )


def implied_fpr(base_rate: Fraction, ppv: Fraction, fnr: Fraction) -> Fraction:
    """Return the FPR that these rates leave: π/(1−π) · (1−PPV)/PPV · (1−FNR). It can exceed 1: then no
    decisions have these rates at all.

    Raises
    ------
    ZeroDivisionError
        When the base rate is 1 or PPV is 0.

    References
    ----------
    Chouldechova (2017), Big Data 5(2).
    """
    return base_rate / (1 - base_rate) * (1 - ppv) / ppv * (1 - fnr)


def implied_ppv(base_rate: Fraction, tpr: Fraction, fpr: Fraction) -> Fraction:
    """Return the PPV that these rates leave: π·TPR/(π·TPR+(1−π)·FPR).

    Raises
    ------
    ZeroDivisionError
        When nobody would be selected.
    """
    return base_rate * tpr / (base_rate * tpr + (1 - base_rate) * fpr)


def incompatibility(
    subject: Subject, groups: Sequence[Confusion], support: tuple[int, int], plan: Plan
) -> Incompatibility | None:
    """Return what equal rates would imply for groups with these counts; None with under two groups to
    compare.

    Formula: (a) PPV at the pooled value, each group's FNR kept: implied FPR; (b) TPR and FPR at the pooled
    values: implied PPV; (c) the same: implied selection rate, so a gap of |Δπ|·(TPR−FPR).

    Parameters
    ----------
    support
        Least positives and negatives of a group that is compared.
    plan
        What was fixed by design, replicates, seed and level of the multinomial draws.

    Guarantee: the values are exact; intervals depend on the counts and the plan alone. Never a bootstrap of
    max − min: `interval` is that of one pair, `least` comes from every pair at (1−level)/pairs.
    """
    enough = [g for g in groups if g.positives >= max(1, support[0]) and g.negatives >= max(1, support[1])]
    if len(enough) < 2:
        return None
    base = [
        Count(group=g.group, numerator=g.positives, denominator=g.positives + g.negatives) for g in enough
    ]
    gap = difference_gap(base, min_support=0, level=plan.level)
    assert gap.value is not None
    draws = _draws(enough, plan)
    implied: list[ImpliedGap] = []
    for scenario in SCENARIOS:
        values = _implied(scenario, enough)
        if values is not None:
            drawn = _drawn(scenario, draws)
            both: tuple[Literal["difference", "ratio"], ...] = ("difference", "ratio")
            implied += (_gap(scenario, compare, enough, values, drawn, plan.level) for compare in both)
    return Incompatibility(
        subject=subject,
        groups=tuple(enough),
        too_few=tuple(g.group for g in groups if g not in enough),
        base_rates_differ=gap.lower > 0,
        base_gap=gap.value,
        base_interval=gap.interval,
        implied=tuple(implied),
    )


def _implied(scenario: Scenario, groups: Sequence[Confusion]) -> list[Fraction] | None:
    """The implied rate of each group; None where the pooled rates it starts from do not exist."""
    tp, fp = sum(g.tp for g in groups), sum(g.fp for g in groups)
    if tp + fp == 0 or (scenario == "precision_equal" and tp == 0):
        return None
    if scenario == "precision_equal":
        ppv = Fraction(tp, tp + fp)
        return [implied_fpr(g.base_rate, ppv, Fraction(g.fn, g.positives)) for g in groups]
    tpr = Fraction(tp, sum(g.positives for g in groups))
    fpr = Fraction(fp, sum(g.negatives for g in groups))
    if scenario == "errors_equal":
        return [implied_ppv(g.base_rate, tpr, fpr) for g in groups]
    return [g.base_rate * tpr + (1 - g.base_rate) * fpr for g in groups]


def _draws(groups: Sequence[Confusion], plan: Plan) -> Values:
    """Counts drawn with replacement, the design's own totals held fixed.

    Shape and units: (replicates, groups, 4) rows; true yes, false yes, false no, true no.
    """
    cells = np.array([[g.tp, g.fp, g.fn, g.tn] for g in groups], dtype=np.float64)
    places = np.arange(cells.size).reshape(cells.shape)
    strata = {
        "unconditional": [places.ravel()],
        "stratified": list(places),
        "conditional": [row[label] for row in places for label in ([0, 2], [1, 3])],
    }[plan.design]
    rng, drawn = np.random.default_rng(plan.seed), np.zeros((plan.replicates, cells.size))
    for stratum in strata:
        n = cells.ravel()[stratum]
        drawn[:, stratum] = rng.multinomial(int(n.sum()), n / n.sum(), size=plan.replicates)
    return drawn.reshape(plan.replicates, *cells.shape)


def _drawn(scenario: Scenario, draws: Values) -> Values:
    """The implied rate of each group in each draw; NaN where a draw leaves nothing to divide by."""
    tp, fp, fn, tn = np.moveaxis(draws, 2, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        base = (tp + fn) / (tp + fp + fn + tn)
        pooled_tp, pooled_fp = tp.sum(1, keepdims=True), fp.sum(1, keepdims=True)
        if scenario == "precision_equal":
            return np.asarray(base / (1 - base) * pooled_fp / pooled_tp * tp / (tp + fn))
        tpr = pooled_tp / (tp + fn).sum(1, keepdims=True)
        fpr = pooled_fp / (fp + tn).sum(1, keepdims=True)
        selected = base * tpr + (1 - base) * fpr
        return np.asarray(base * tpr / selected if scenario == "errors_equal" else selected)


def _gap(
    scenario: Scenario, compare: Literal["difference", "ratio"], groups: Sequence[Confusion],
    values: list[Fraction], drawn: Values, level: float,
) -> ImpliedGap:  # fmt: skip
    ratio = compare == "ratio"
    high, low = values.index(max(values)), values.index(min(values))
    if high == low:
        high, low = 0, 1
    kept = drawn[np.isfinite(drawn).all(axis=1)]
    enough = len(drawn) - len(kept) <= MOST_DISCARDED * len(drawn)
    pairs = list(combinations(range(len(groups)), 2))
    tail = (1 - level) / 2
    shown, least = None, float("inf") if ratio else 0.0
    if enough:
        ends = [(_ordered(values, pair), tail / len(pairs)) for pair in pairs]
        every = [_quantiles(_apart(kept, pair, ratio=ratio), beyond) for pair, beyond in ends]
        least = min(end.high for end in every) if ratio else max(0.0, *(end.low for end in every))
        shown = _quantiles(_apart(kept, (high, low), ratio=ratio), tail)
    top, bottom = values[high], values[low]
    return ImpliedGap(
        scenario=scenario,
        compare=compare,
        values=tuple((g.group, value) for g, value in zip(groups, values, strict=True)),
        value=(bottom / top if top else Fraction(1)) if ratio else top - bottom,
        high=groups[high].group,
        low=groups[low].group,
        interval=shown,
        least=least,
    )


def _ordered(values: list[Fraction], pair: tuple[int, int]) -> tuple[int, int]:
    return pair if values[pair[0]] >= values[pair[1]] else (pair[1], pair[0])


def _apart(drawn: Values, pair: tuple[int, int], *, ratio: bool) -> Values:
    """The signed difference (or ratio) of one fixed pair in each draw."""
    high, low = drawn[:, pair[0]], drawn[:, pair[1]]
    if not ratio:
        return np.asarray(high - low)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(high > 0, low / high, 1.0))


def _quantiles(values: Values, tail: float) -> Interval:
    low, high = np.quantile(values, (tail, 1 - tail))
    return Interval(float(low), float(high))

"""How often a check against the baseline approves or accuses wrongly, where the gap has grown by its limit.

The bounds are the product's own. Spreads of rates are put in by their formula, which is what draws of the
joint cube tend to; on some of the draws the cube is drawn as the product does, and the two are compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from audit_core.cube.axes import NO, YES
from audit_core.metrics.bootstrap import Plan
from audit_core.metrics.catalogue import RATES
from audit_core.metrics.estimate import Count
from audit_core.metrics.pair_intervals import PairCounts
from audit_core.metrics.regression_bounds import GroupChange, bounds_of
from audit_core.metrics.regression_draws import JOINT, RatesDrawn, Sides, Spread, drawn_rates

Figure = tuple[str, float, str]
Ints = npt.NDArray[np.int64]

SEED, DRAWS, CHECKED, REPLICATES = 20_261_122, 4_000, 20, 2_000
LIMIT, LEVEL, DISAGREE = 0.05, 0.95, 0.10
PEOPLE = (100, 400, 1600)
THIN, FEW = "beside a group of 15", 15
RATES_OF: dict[str, dict[int, tuple[tuple[float, ...], tuple[float, ...]]]] = {
    "one group falls": {
        2: ((0.80, 0.75), (0.80, 0.70)),
        3: ((0.80, 0.80, 0.75), (0.80, 0.80, 0.70)),
        6: ((0.80, 0.80, 0.80, 0.80, 0.80, 0.75), (0.80, 0.80, 0.80, 0.80, 0.80, 0.70)),
    },
    "all alike before": {
        2: ((0.80, 0.80), (0.80, 0.75)),
        3: ((0.80, 0.80, 0.80), (0.80, 0.80, 0.75)),
        6: ((0.80,) * 6, (0.80, 0.80, 0.80, 0.75, 0.75, 0.75)),
    },
    THIN: {3: ((0.80, 0.75, 0.77), (0.80, 0.70, 0.77))},
    "the pair changes": {
        2: ((0.80, 0.75), (0.70, 0.80)),
        3: ((0.80, 0.75, 0.80), (0.70, 0.80, 0.80)),
        6: ((0.80, 0.75, 0.80, 0.75, 0.80, 0.75), (0.70, 0.80, 0.80, 0.75, 0.80, 0.75)),
    },
}
"""Rates before and now; the largest gap grows by exactly `LIMIT` in each."""


def measure() -> Iterator[Figure]:
    """Yield (figure, value, unit)."""
    worst = {True: [0.0, 0.0], False: [0.0, 0.0]}
    differ = 0
    for name, by_groups in RATES_OF.items():
        for groups, rates in by_groups.items():
            for paired in (True, False):
                for people in PEOPLE:
                    sizes = (people,) * (groups - 1) + (FEW if name == THIN else people,)
                    passed, accused, other = _errors(rates, sizes, paired=paired)
                    rows = "same rows" if paired else "other rows"
                    yield f"{name}, {groups} groups of {people}, {rows}: wrong PASS", passed, "%"
                    yield f"{name}, {groups} groups of {people}, {rows}: wrong FAIL", accused, "%"
                    worst[paired] = [max(worst[paired][0], passed), max(worst[paired][1], accused)]
                    differ += other
    for paired, (passed, accused) in worst.items():
        rows = "same rows" if paired else "other rows"
        yield f"{rows}: wrong PASS, the most of all", passed, "%"
        yield f"{rows}: wrong confirmed FAIL, the most of all", accused, "%"
    yield (
        f"Monte-Carlo standard error at 5 %, {DRAWS} draws, seed {SEED}",
        100 * (0.05 * 0.95 / DRAWS) ** 0.5,
        "%",
    )
    yield "results that drawing the cube would change, of those tried", float(differ), ""


def _errors(
    rates: tuple[tuple[float, ...], tuple[float, ...]], sizes: tuple[int, ...], *, paired: bool
) -> tuple[float, float, int]:
    """Wrong PASS and wrong confirmed FAIL in percent, and how many tried draws end otherwise when drawn."""
    draw = np.random.default_rng([SEED, *sizes, int(paired)])
    before, now = rates
    found, other = np.zeros(2), 0
    for turn in range(DRAWS):
        cells = [_cells(draw, q, p, n, paired=paired) for q, p, n in zip(before, now, sizes, strict=True)]
        members = [_member(str(i), *four, paired=paired) for i, four in enumerate(cells)]
        plug_in = RatesDrawn(
            groups=tuple(m.group for m in members), spreads=tuple(map(_spread, members)), replicates=0,
            seed=0, design="unconditional",
        )  # fmt: skip
        result = _result(members, plug_in)
        found += result
        if turn < CHECKED:
            tables = {m.group: _sides(four, paired=paired) for m, four in zip(members, cells, strict=True)}
            real = drawn_rates(tables, RATES["tpr"], Plan(seed=turn, replicates=REPLICATES))
            other += result != _result(members, real)
    return 100 * found[0] / DRAWS, 100 * found[1] / DRAWS, other


def _result(members: list[GroupChange], draws: RatesDrawn) -> tuple[bool, bool]:
    """PASS and confirmed FAIL: thin groups give no comfort and may prove harm, as `GapChange` has it."""
    supported = [member for member in members if member.support > FEW]
    bounds, whole = bounds_of(supported, draws, LEVEL), bounds_of(members, draws, LEVEL)
    return bounds.upper <= LIMIT, max(bounds.lower, whole.lower) > LIMIT


Four = tuple[int, int, int, int]
"""Paired: both, the candidate only, the baseline only, neither. Other rows: selected and not, now; before."""


def _cells(draw: np.random.Generator, before: float, now: float, people: int, *, paired: bool) -> Four:
    if not paired:
        x, y = int(draw.binomial(people, now)), int(draw.binomial(people, before))
        return x, people - x, y, people - y
    apart = max(DISAGREE, abs(now - before) + 0.02)
    only_new, only_old = (apart + now - before) / 2, (apart - now + before) / 2
    both = now - only_new
    counts = draw.multinomial(people, [both, only_new, only_old, 1 - both - apart])
    a, b, c, d = (int(value) for value in counts)
    return a, b, c, d


def _member(name: str, a: int, b: int, c: int, d: int, *, paired: bool) -> GroupChange:
    if not paired:
        new, old = (
            Count(group=(name,), numerator=a, denominator=a + b),
            Count(group=(name,), numerator=c, denominator=c + d),
        )
        return GroupChange(group=(name,), new=new, old=old, paired=False, shared=Fraction(0), pairs=None)
    n = a + b + c + d
    pairs = PairCounts(both=a, first_only=b, second_only=c, neither=d)
    return GroupChange(
        group=(name,),
        new=Count(group=(name,), numerator=a + b, denominator=n),
        old=Count(group=(name,), numerator=a + c, denominator=n),
        paired=True,
        shared=a - Fraction((a + b) * (a + c), n),
        pairs=pairs,
    )


def _spread(member: GroupChange) -> Spread:
    new, old = member.new, member.old
    p, q = new.numerator / new.denominator, old.numerator / old.denominator
    joint = float(member.shared) / (new.denominator * old.denominator)
    return Spread(p * (1 - p) / new.denominator, joint, q * (1 - q) / old.denominator, joint)


def _sides(four: Four, *, paired: bool) -> Sides:
    a, b, c, d = four
    if paired:
        both: Ints = np.zeros(JOINT, dtype=np.int64)
        both[YES, [YES, YES, NO, NO], [YES, NO, YES, NO]] = a, b, c, d
        return Sides(both=both, new=both.sum(axis=2), old=both.sum(axis=1))
    new, old = np.zeros(JOINT[:2], dtype=np.int64), np.zeros(JOINT[:2], dtype=np.int64)
    new[YES, [YES, NO]], old[YES, [YES, NO]] = (a, b), (c, d)
    return Sides(both=None, new=new, old=old)

"""How often the gap check approves or accuses wrongly at its own limit, and what chance alone does to a gap.

The rule is written a second time here, for many draws at once; on a sample of the draws it is compared with
`findings.judge` on the same counts, and the run stops where the two differ.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import product

import numpy as np
import numpy.typing as npt
from scipy.stats import binom

from audit_core.contract.schema import ReleaseContract
from audit_core.contract.yaml import parse_contract
from audit_core.cube.axes import NO, YES, Axis
from audit_core.cube.bands import score_bands
from audit_core.cube.count_cube import build_cube
from audit_core.cube.counted import Counted, Intake
from audit_core.findings.judge import judge
from audit_core.metrics.intervals import wilson, z_one_sided, z_simultaneous
from audit_core.metrics.measure import measure as measured_from

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Figure = tuple[str, float, str]

SEED = 20_261_125
LIMIT = Fraction(1, 10)
GROUPS, PEOPLE, HIGHEST = (2, 3, 4, 6, 8, 10), (50, 100, 200, 500, 1000), (0.95, 0.85, 0.55)
DRAWS, CHECKED = 20_000, 2
MOST_PASS, MOST_FAIL = 6.0, 5.0
UNEQUAL = ((10, 1000), (50, 50), (50, 200), (50, 1000), (100, 1000), (200, 1000))
STATED = {
    "wrong PASS, 50 v 1000: worst": "8",
    "wrong PASS, 200 v 1000: mean": "5.1 at most",
    "wrong confirmed FAIL, 10 v 1000: worst": "7.1 to 8.6",
    "wrong confirmed FAIL, 50 v 50: worst": "2.5 to 4.7",
}
"""What was measured before this program was written, for the same settings; the two below likewise."""

STATED_CHANCES = {0.85: (14, 45, 67, 89), 0.5: (31, 75, 92, 99)}
STATED_PASSES = {0.5: "0", 0.8: "0.02", 0.85: "0.6", 0.9: "6", 0.95: "32"}
TEXT = """\
schema: evenhand/contract/v1
id: measured
version: 1
status: approved
domain: other
decision: {question: q, population: p, favourable: 1, harm: h, harmed_by: both}
data:
  label: {column: y, positive: 1}
  score: {column: score, threshold: 0.5}
  attributes: [{name: g, basis: b}]
support: {positives: 10, negatives: 10, rows: 10}
checks:
  - {id: c, stage: training, metric: tpr, compare: difference, of: [g], limit: {max: 0.1},
     severity: critical, owner: o, why: w}
roles:
  o: {name: n, contact: c}
author: o
"""


def measure() -> Iterator[Figure]:
    """Yield (figure, value, unit)."""
    yield from _boundary()
    yield from _unequal()
    yield from _by_chance()


class Rule:
    """PASS and confirmed FAIL of groups with fixed numbers of people, for many draws at once."""

    def __init__(self, people: tuple[int, ...]) -> None:
        self.people = people
        approve, accuse = z_one_sided(0.95), z_simultaneous(0.95, len(people))
        self.approve = [_table(n, approve) for n in people]
        self.accuse = [_table(n, accuse) for n in people]

    def passed_and_confirmed(self, counts: Ints) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
        """Whether each draw (draws × groups) is a PASS, and whether it is a FAIL that is confirmed."""
        upper, lower = np.full(len(counts), -1.0), np.full(len(counts), -1.0)
        over = np.zeros(len(counts), dtype=bool)
        for i, j in product(range(len(self.people)), repeat=2):
            if i == j:
                continue
            first, second = counts[:, i], counts[:, j]
            one, two = self.approve[i][first], self.approve[j][second]
            apart = one[:, 0] - two[:, 0]
            upper = np.maximum(upper, apart + np.hypot(one[:, 2] - one[:, 0], two[:, 0] - two[:, 1]))
            one, two = self.accuse[i][first], self.accuse[j][second]
            lower = np.maximum(lower, apart - np.hypot(one[:, 0] - one[:, 1], two[:, 2] - two[:, 0]))
            # Above the limit in whole numbers: x/n − y/m > 1/10.
            n, m = self.people[i], self.people[j]
            over |= LIMIT.denominator * (first * m - second * n) > LIMIT.numerator * n * m
        confirmed = lower > float(LIMIT)
        return ~over & (upper <= float(LIMIT)) & ~confirmed, confirmed


def _table(n: int, z: float) -> Floats:
    """Rate and Wilson limits of every count of n."""
    return np.array([(x / n, *wilson(x, n, z)) for x in range(n + 1)])


def _boundary() -> Iterator[Figure]:
    """Equal groups whose true gap is the limit: one at each end, or half of them at each."""
    contract, draw = parse_contract(TEXT.encode(), "contract.yaml"), np.random.default_rng(SEED)
    yield "gap check: seed", float(SEED), ""
    yield "gap check: draws of each setting", float(DRAWS), ""
    worst, same = {"PASS": (0.0, ""), "FAIL": (0.0, "")}, 0
    for groups, people in product(GROUPS, PEOPLE):
        rule = Rule((people,) * groups)
        most = {"PASS": 0.0, "FAIL": 0.0}
        for high, rates in product(HIGHEST, (_one_each, _half_each)):
            counts = draw.binomial(people, rates(high, groups), (DRAWS, groups))
            passed, confirmed = rule.passed_and_confirmed(counts)
            same += _like_the_product(contract, counts, people, passed, confirmed)
            for word, found in (("PASS", passed), ("FAIL", confirmed)):
                most[word] = max(most[word], 100 * float(found.mean()))
                ends = rates.__name__[1:].replace("_", " ")
                where = f"{groups} groups of {people}, highest rate {high}, {ends}"
                worst[word] = max(worst[word], (100 * float(found.mean()), where))
        for word, text in (("PASS", "wrong PASS"), ("FAIL", "wrong confirmed FAIL")):
            yield f"{text}, {groups} groups of {people}: most", most[word], f"% ± {_error(most[word]):.2f}"
    yield "gap check: draws on which the product says the same", float(same), "of as many"
    for word, limit in (("PASS", MOST_PASS), ("FAIL", MOST_FAIL)):
        value, where = worst[word]
        held = "holds" if value <= limit else "DOES NOT HOLD"
        text = f"% (promised at most {limit:.0f}: {held}) ± {_error(value):.2f}; {where}"
        yield f"wrong {'PASS' if word == 'PASS' else 'confirmed FAIL'}, equal groups: worst", value, text


def _one_each(high: float, groups: int) -> Floats:
    """One group at either end of the limit, the others half-way: the easiest to approve."""
    rates = np.full(groups, high - float(LIMIT) / 2)
    rates[0], rates[-1] = high, high - float(LIMIT)
    return rates


def _half_each(high: float, groups: int) -> Floats:
    """Half of the groups at either end: the easiest to accuse."""
    return np.where(np.arange(groups) < (groups + 1) // 2, high, high - float(LIMIT))


def _like_the_product(
    contract: ReleaseContract, counts: Ints, people: int, passed: npt.NDArray[np.bool_],
    confirmed: npt.NDArray[np.bool_],
) -> int:  # fmt: skip
    """Number of draws compared with the product; a difference stops the run.

    Draws on either side of a decision are looked for first: those tell the two rules apart.
    """
    rare = [np.flatnonzero(passed)[:1], np.flatnonzero(confirmed)[:1], np.arange(CHECKED)]
    places = np.unique(np.concatenate(rare))
    for place in places:
        counted = _counted([(int(x), people) for x in counts[place]])
        (finding,) = judge(contract, counted, measured_from(contract, counted), ("training",))
        assert (finding.status == "PASS") == passed[place], (counts[place], people, finding)
        product_confirmed = (finding.status, finding.evidence) == ("FAIL", "CONFIRMED")
        assert product_confirmed == confirmed[place], (counts[place], people, finding)
    return len(places)


def _counted(groups: list[tuple[int, int]]) -> Counted:
    """Counts of positives alone: (selected, positives) of each group."""
    axis = Axis(name="g", kind="attribute", levels=tuple(f"{place:03}" for place in range(len(groups))))
    cells = [
        ((level, YES, decision, -1), (rows, 0, 0, 0))
        for level, (x, n) in enumerate(groups)
        for decision, rows in ((YES, x), (NO, n - x))
        if rows
    ]
    codes, sums = (np.array(column, dtype=np.int64) for column in zip(*cells, strict=True))
    cube = build_cube((axis,), score_bands(Fraction(0), Fraction(1), Fraction(1, 2), ()), codes, sums)
    intake = Intake(rows=cube.rows, counted=cube.rows, dropped=(), missing_label=0, edge_rows=0, repeated=0,
                    folded=(), last_window="")  # fmt: skip
    return Counted(cube=cube, intake=intake, ranks=(), drift=(), overlap=None, has_train=False)


def _unequal() -> Iterator[Figure]:
    """Two groups, exactly: worst and mean over true rates whose gap is the limit, either way round."""
    for small, large in UNEQUAL:
        rule = Rule((small, large))
        counts = np.stack(np.meshgrid(np.arange(small + 1), np.arange(large + 1), indexing="ij"), axis=-1)
        passed, confirmed = rule.passed_and_confirmed(counts.reshape(-1, 2))
        shape = (small + 1, large + 1)
        wrong: dict[str, list[float]] = {"PASS": [], "confirmed FAIL": []}
        for low in np.arange(0, 361) / 400:
            for first, second in ((low, low + 0.1), (low + 0.1, low)):
                one, two = (
                    binom.pmf(np.arange(small + 1), small, first),
                    binom.pmf(np.arange(large + 1), large, second),
                )
                for word, found in (("PASS", passed), ("confirmed FAIL", confirmed)):
                    wrong[word].append(100 * float(one @ found.reshape(shape) @ two))
        for word, values in wrong.items():
            for kind, value in (("worst", max(values)), ("mean", float(np.mean(values)))):
                name = f"wrong {word}, {small} v {large}: {kind}"
                before = f"; stated: {STATED[name]}" if name in STATED else ""
                yield f"{name} over rates", value, f"% (exact{before})"


def _by_chance() -> Iterator[Figure]:
    """At the customary support of 50, exactly: gaps over .10 between equal groups, and approvals of two."""
    n, most = 50, math.floor(50 * LIMIT)
    for p, (place, groups) in product((0.85, 0.5), enumerate((2, 4, 6, 10))):
        k = np.arange(n + 1)
        below = binom.cdf(k - 1, n, p)
        inside, above = binom.cdf(k + most, n, p) - below, binom.cdf(k + most, n, p) - binom.cdf(k, n, p)
        within = float(np.sum(inside**groups - above**groups))
        unit = f"% (exact; stated, from floating-point comparisons: {STATED_CHANCES[p][place]})"
        yield f"gap over .10 by chance, {groups} equal groups of 50, rate {p}", 100 * (1 - within), unit
    rule = Rule((n, n))
    counts = np.stack(np.meshgrid(np.arange(n + 1), np.arange(n + 1), indexing="ij"), axis=-1).reshape(-1, 2)
    passed, _ = rule.passed_and_confirmed(counts)
    for p in (0.5, 0.8, 0.85, 0.9, 0.95):
        mass = binom.pmf(np.arange(n + 1), n, p)
        share = 100 * float(mass @ passed.reshape(n + 1, n + 1) @ mass)
        yield f"PASS of two equal groups of 50, rate {p}", share, f"% (exact; stated: {STATED_PASSES[p]})"


def _error(percent: float) -> float:
    """Monte-Carlo standard error of a percentage."""
    return 100 * math.sqrt(max(percent / 100 * (1 - percent / 100), 1e-9) / DRAWS)

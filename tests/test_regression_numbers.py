"""Changes of gaps and of risks against numbers computed without the product (tests/golden)."""

import json
from fractions import Fraction
from pathlib import Path

import pytest

from audit_core.metrics.estimate import Count
from audit_core.metrics.pair_intervals import PairCounts
from audit_core.metrics.regression_bounds import GroupChange, bounds_of
from audit_core.metrics.regression_draws import RatesDrawn, Spread
from audit_core.metrics.regression_risk import trigger_chance, triggers

GOLDEN = json.loads((Path(__file__).parent / "golden" / "regression_gaps.json").read_text(encoding="utf-8"))


def change(new, old, pairs=None, name="g"):
    """A group's change from (numerator, denominator) of both models, with the 2×2 of shared rows."""
    (x, n), (y, m) = new, old
    shared = Fraction(pairs[0] * n - x * y, n) if pairs else Fraction(0)
    return GroupChange(
        group=(name,),
        new=Count(group=(name,), numerator=x, denominator=n),
        old=Count(group=(name,), numerator=y, denominator=m),
        paired=pairs is not None,
        shared=shared,
        pairs=PairCounts(both=pairs[0], first_only=pairs[1], second_only=pairs[2], neither=pairs[3])
        if pairs
        else None,
    )


def same_rows(cells, name="g"):
    both, new, old, _ = cells
    n = sum(cells)
    return change((both + new, n), (both + old, n), cells, name)


def by_formula(members):
    """Spreads of rates as draws have them on average: p(1−p)/n, and S/n² between the two."""
    spreads = []
    for member in members:
        (x, n), (y, m) = ((c.numerator, c.denominator) for c in (member.new, member.old))
        joint = float(member.shared) / (n * m)
        spreads.append(Spread(x * (n - x) / n**3, joint, y * (m - y) / m**3, joint))
    return RatesDrawn(
        groups=tuple(member.group for member in members),
        spreads=tuple(spreads),
        replicates=1,
        seed=1,
        design="stratified",
    )


@pytest.mark.parametrize("case", GOLDEN["paired_gap_changes"] + GOLDEN["unpaired_gap_changes"])
def test_bounds_of_the_change_of_the_largest_gap(case):
    names = "abcd"
    if "cells" in case:
        members = [same_rows(cells, name) for cells, name in zip(case["cells"], names, strict=False)]
    else:
        members = [
            change(new, old, name=name)
            for new, old, name in zip(case["new"], case["old"], names, strict=False)
        ]
    found = bounds_of(members, by_formula(members), 0.95)
    assert found.upper == pytest.approx(case["upper"], abs=1e-9)
    assert found.lower == pytest.approx(case["lower"], abs=1e-9)
    rates = [
        [float(side.value) for side in sides]
        for sides in ([m.new for m in members], [m.old for m in members])
    ]
    new, old = (max(side) - min(side) for side in rates)
    assert new - old == pytest.approx(case["value"]) and found.lower <= case["value"] <= found.upper


@pytest.mark.parametrize("case", GOLDEN["triggers_same_rows"])
def test_a_tenth_more_harm_on_the_same_rows(case):
    found = same_rows((case["both"], case["new_only"], case["old_only"], case["neither"]))
    assert triggers(found) is case["triggers"]
    assert trigger_chance(found) == pytest.approx(case["chance"], abs=1e-12)


@pytest.mark.parametrize("case", GOLDEN["triggers_other_rows"])
def test_a_tenth_more_harm_on_other_rows(case):
    found = change(case["new"], case["old"])
    assert triggers(found) is case["triggers"]
    assert trigger_chance(found) == pytest.approx(case["chance"], abs=1e-12)

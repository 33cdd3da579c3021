"""A cube decided again at other thresholds, from its bands alone."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_core.cube.axes import ABSENT, NEITHER, NO, NO_BAND, YES, Axis
from audit_core.cube.bands import MICRO, score_bands
from audit_core.cube.count_cube import build_cube
from audit_core.cube.marginal import marginal_cube
from audit_core.cube.redecide import (
    band_counts,
    can_redecide,
    edge_value,
    production_cut,
    redecided,
    threshold_edge,
)

GROUPS = ("a", "b", "c")
FINE = score_bands(Fraction(0), Fraction(1), Fraction(1, 2), ())
ROW = st.tuples(
    st.integers(0, len(GROUPS) - 1),
    st.sampled_from((NO, YES, NEITHER)),
    st.integers(0, MICRO),
    st.sampled_from(("scored", "scored", "scored", "abstained", "no score")),
)
ROWS = st.lists(ROW, min_size=1, max_size=60)


def cube_of(rows, bands=FINE, decide=None):
    """A cube of (group, label, micro-score, kind) rows, decided by `decide` or by the threshold."""
    edge = int((bands.threshold - bands.low) / (bands.high - bands.low) * MICRO)
    decide = decide or (lambda _group, q: YES if q >= edge else NO)
    codes, measures = [], []
    for group, label, q, kind in rows:
        band = min(int(np.searchsorted(bands.edges, q, side="right")) - 1, bands.count - 1)
        decision = {"abstained": NEITHER}.get(kind, decide(group, q))
        codes.append((group, label, decision, NO_BAND if kind == "no score" else band))
        measures.append((1, q, q * q // MICRO, q * q % MICRO))
    axes = (Axis(name="group", kind="attribute", levels=GROUPS),)
    return build_cube(axes, bands, np.array(codes, dtype=np.int64), np.array(measures, dtype=np.int64))


@given(ROWS)
def test_at_productions_threshold_the_decisions_are_productions(rows):
    cube = cube_of(rows)
    assert redecided(cube, ("group",), {(): None}) == cube
    assert redecided(cube, ("group",), {(): 50}) == cube
    for counts in band_counts(cube, ("group",)).values():
        assert np.array_equal(counts.outcomes(50), cube.outcomes(("group",))[counts.group])


@given(ROWS, st.integers(0, 100), st.integers(0, 100))
def test_every_row_with_a_score_is_decided_by_its_groups_edge(rows, first, second):
    cube = cube_of(rows)
    cuts = {(): first, ("b",): second}
    found = redecided(cube, ("group",), cuts).outcomes(("group",))
    for place, name in enumerate(GROUPS):
        mine = [row for row in rows if row[0] == place]
        if not mine:
            continue
        edge = cuts.get((name,), first)
        table = np.zeros((3, 4), dtype=np.int64)
        for _, label, q, kind in mine:
            own = NEITHER if kind == "abstained" else YES if q >= 500_000 else NO
            chosen = YES if min(q // 10_000, 99) >= edge else NO
            table[label, chosen if kind == "scored" and edge != 50 else own] += 1
        assert np.array_equal(found[name,], table)


@given(ROWS, st.integers(0, 100))
def test_counts_by_band_and_the_cube_agree_at_every_edge(rows, cut):
    cube = cube_of(rows)
    found = redecided(cube, ("group",), {(): cut}).outcomes(("group",))
    for group, counts in band_counts(cube, ("group",)).items():
        assert np.array_equal(counts.outcomes(cut), found[group])
        gained, lost = counts.changed(cut)
        before, after = cube.outcomes(("group",))[group], found[group]
        assert int(after[:, YES].sum() - before[:, YES].sum()) == gained - lost


@given(ROWS, st.integers(0, 100))
def test_people_labels_and_bands_stay_as_they_are(rows, cut):
    cube = cube_of(rows)
    changed = redecided(cube, ("group",), {(): cut})
    assert changed.rows == cube.rows
    labels = [
        {group: table.sum(axis=1).tolist() for group, table in c.outcomes(("group",)).items()}
        for c in (cube, changed)
    ]
    assert labels[0] == labels[1]
    assert int(changed.measures[:, 1].sum()) == int(cube.measures[:, 1].sum())


def test_the_first_edge_selects_everybody_and_the_last_nobody():
    cube = cube_of([(0, YES, 0, "scored"), (0, NO, MICRO, "scored"), (1, YES, 300_000, "scored")])
    tables = redecided(cube, ("group",), {(): 0}).outcomes(("group",))
    assert all(int(table[:, NO].sum()) == 0 for table in tables.values())
    tables = redecided(cube, ("group",), {(): 100}).outcomes(("group",))
    assert all(int(table[:, YES].sum()) == 0 for table in tables.values())


def test_a_threshold_within_a_band_is_no_edge_and_production_stands_beside_them():
    bands = score_bands(Fraction(0), Fraction(1), Fraction(1, 2), (Fraction(3, 10), Fraction(7, 10)))
    cube = cube_of([(0, YES, 400_000, "scored"), (0, NO, 600_000, "scored")], bands)
    assert threshold_edge(bands) is None
    assert production_cut(cube) is None
    counts = band_counts(cube, ("group",))["a",]
    assert counts.outcomes(None)[:, YES].sum() == 1
    assert counts.outcomes(1)[:, YES].sum() == 2
    assert counts.outcomes(2)[:, YES].sum() == 0


def test_a_decision_that_does_not_follow_the_score_has_no_edge():
    rows = [(0, YES, q, "scored") for q in range(5_000, MICRO, 10_000)]
    assert production_cut(cube_of(rows)) == 50
    overridden = cube_of(rows, decide=lambda _group, q: YES if q >= 800_000 else NO)
    assert production_cut(overridden) is None
    assert redecided(overridden, ("group",), {(): 50}) != overridden


def test_a_row_at_the_edge_of_its_band_does_not_hide_productions_edge():
    # Its score rounds up to the edge while the raw score stays below the threshold.
    rows = [(0, YES, 500_000, "scored"), (0, NO, 200_000, "scored"), (0, NO, 900_000, "scored")]
    cube = cube_of(rows, decide=lambda _group, q: YES if q > 500_000 else NO)
    assert production_cut(cube) == 50
    assert redecided(cube, ("group",), {(): 50}) == cube


def test_a_scale_of_its_own_gives_its_own_thresholds():
    bands = score_bands(Fraction(300), Fraction(850), Fraction(630), (Fraction(580), Fraction(630)))
    assert edge_value(bands, 2) == 630.0
    assert threshold_edge(bands) == 2


def test_published_counts_have_no_threshold_to_try():
    cube = marginal_cube([cube_of([(0, YES, 0, "no score"), (1, NO, MICRO, "no score")])])
    assert redecided(cube, ("group",), {(): 40}) is cube
    assert redecided(cube, (), {(): None}) is cube
    assert (production_cut(cube), can_redecide(cube)) == (None, False)
    counts = band_counts(cube, ("group",))
    assert set(counts) == {("a",), ("b",)}
    for name, table in cube.outcomes(("group",)).items():
        assert (counts[name].outcomes(40) == table).all()
        assert counts[name].changed(40) == (0, 0)


def test_without_scores_nothing_can_be_decided_again():
    cube = cube_of([(0, YES, 10, "no score"), (1, NO, 10, "abstained")])
    assert not can_redecide(cube)
    assert redecided(cube, ("group",), {(): 10}) == cube


@pytest.mark.parametrize("decision", [ABSENT, NEITHER])
def test_who_was_not_decided_on_stays_so(decision):
    codes = np.array([[0, YES, decision, 70]], dtype=np.int64)
    axes = (Axis(name="group", kind="attribute", levels=GROUPS),)
    cube = build_cube(axes, FINE, codes, np.array([[1, 700_000, 490_000, 0]], dtype=np.int64))
    assert redecided(cube, ("group",), {(): 10}) == cube

"""Count cubes of invented people, cell by cell, for tests that need to know the truth."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import numpy as np

from audit_core.cube.axes import NO_BAND, YES, Axis
from audit_core.cube.bands import score_bands
from audit_core.cube.count_cube import CountCube, build_cube
from audit_core.cube.counted import Counted, Intake

AXES = {"gender": ("man", "woman"), "region": ("east", "north", "west"), "channel": ("app", "mail", "web")}


def cube_of(codes, label, decision, axes: Mapping[str, tuple[str, ...]] = AXES, kinds=None) -> CountCube:
    """A cube of rows: one column of codes per axis, then label and decision."""
    rows = len(label)
    named = tuple(
        Axis(name=name, kind=(kinds or {}).get(name, "attribute"), levels=levels)
        for name, levels in axes.items()
    )
    columns = np.column_stack([codes, label, decision, np.full(rows, NO_BAND)]).astype(np.int64)
    measures = np.zeros((rows, 4), dtype=np.int64)
    measures[:, 0] = 1
    return build_cube(named, score_bands(Fraction(0), Fraction(1), Fraction(1, 2), ()), columns, measures)


def draw_cube(seed, rows, rate, axes: Mapping[str, tuple[str, ...]] = AXES, kinds=None) -> CountCube:
    """A cube of positives; `rate` gives the chance of being selected from the codes of every row."""
    draw = np.random.default_rng(seed)
    codes = np.column_stack([draw.integers(0, len(levels), rows) for levels in axes.values()])
    decision = (draw.random(rows) < rate(codes)).astype(int)
    return cube_of(codes, np.full(rows, YES), decision, axes, kinds)


def counted_of(cube: CountCube, repeated: int = 0) -> Counted:
    """The cube as what is left of a run."""
    return Counted(
        cube=cube,
        intake=Intake(rows=cube.rows, counted=cube.rows, dropped=(), missing_label=0, edge_rows=0,
                      repeated=repeated, folded=(), last_window=""),
        ranks=(), drift=(), overlap=None, has_train=False,
    )  # fmt: skip

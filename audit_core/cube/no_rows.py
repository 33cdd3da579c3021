"""The counts of a run that was given no rows: nothing can be measured from them, so nothing can pass."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from audit_core.cube.bands import score_bands
from audit_core.cube.count_cube import MEASURES, build_cube
from audit_core.cube.counted import Counted, Intake

_TAIL = 3
"""Columns of the codes behind the axes: label, decision, band."""


def no_rows() -> Counted:
    """Return counts without a row and without an axis."""
    bands = score_bands(Fraction(0), Fraction(1), None, ())
    codes = np.zeros((0, _TAIL), dtype=np.int64)
    measures = np.zeros((0, len(MEASURES)), dtype=np.int64)
    return Counted(
        cube=build_cube((), bands, codes, measures),
        intake=Intake(
            rows=0, counted=0, dropped=(), missing_label=0, edge_rows=0, repeated=0, folded=(), last_window=""
        ),
        ranks=(),
        drift=(),
        overlap=None,
        has_train=False,
        has_evaluation=False,
    )

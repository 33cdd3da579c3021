"""A candidate and its baseline on the same invented rows, or on rows of their own, cell by cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from cube_factory import counted_of, cube_of

from audit_core.cube.axes import NO, YES
from audit_core.cube.baseline import BASELINE_DECISION, Baseline
from audit_core.cube.count_cube import CountCube
from audit_core.cube.counted import Counted

Cells = tuple[int, int, int, int]
"""Rows by (selected by both, by the candidate only, by the baseline only, by neither)."""

DECISIONS = ((YES, YES), (YES, NO), (NO, YES), (NO, NO))
WRONG: Cells = (20, 0, 0, 80)


def _rows(cells: Mapping[str, Cells], negatives: Mapping[str, Cells] | None):
    names = tuple(sorted(cells))
    for place, name in enumerate(names):
        for label, four in ((YES, cells[name]), (NO, (negatives or {}).get(name, WRONG))):
            for (new, old), rows in zip(DECISIONS, four, strict=True):
                yield from [(place, label, new, old)] * rows


def counted_against(
    cells: Mapping[str, Cells], *, negatives=None, approval="approved", paired=True, axis="gender", **known
) -> Counted:
    """Counts of positives (and negatives) by group under both models; the baseline as paired or other."""
    names = tuple(sorted(cells))
    rows = np.array(list(_rows(cells, negatives)))
    group, label, new, old = rows.T
    cube = cube_of(group[:, None], label, new, {axis: names})
    joint = None
    if paired:
        kinds = {axis: "attribute", BASELINE_DECISION: "slice"}
        axes = {axis: names, BASELINE_DECISION: ("0", "1")}
        joint = cube_of(np.column_stack([group, old]), label, new, axes, kinds)
    other: CountCube | None = None if paired else cube_of(group[:, None], label, old, {axis: names})
    told = {
        "name": "baseline.joblib",
        "approval": approval,
        "audit_id": "A-20260801-00000001",
        "contract_version": "3",
        "created_at": "2026-08-01T09:00:00+00:00",
        "model_sha256": "ab" * 32,
    }
    baseline = Baseline(paired=joint, other=other, **(told | known))
    return replace(counted_of(cube), baseline=baseline)


def swapped(cells: Mapping[str, Cells]) -> dict[str, Cells]:
    """The same rows with the candidate and the baseline in each other's place."""
    return {name: (both, old, new, neither) for name, (both, new, old, neither) in cells.items()}

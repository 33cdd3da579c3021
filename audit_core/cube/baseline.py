"""The model a release is compared with: its counts, on the audited rows themselves or on rows of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from audit_core.cube.count_cube import CountCube, build_cube

BASELINE_DECISION = "decision of the baseline"
"""Axis of a paired cube: what the baseline decided on the same row, as text of NO, YES, NEITHER or ABSENT."""

Approval = Literal["approved", "approved_with_conditions", "not_approved", "not_shown"]
"""What is known of the baseline's own release: `not_shown` where no result of an audit was given with it."""

APPROVALS: Mapping[str, Approval] = {
    "APPROVED": "approved",
    "APPROVED_WITH_CONDITIONS": "approved_with_conditions",
}
"""Verdicts of an audit by which a release was approved; every other one is `not_approved`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The baseline's side of a comparison, once the rows are gone.

    `paired` holds the audited rows with both decisions: the axes of the audit's cube, then
    `BASELINE_DECISION`; the cube's own decision is the candidate's. `other` holds the baseline on other rows
    (a stable release's file, or the counts of its result): a change is then also one of the data. At least
    one of the two is there, and `paired` is preferred. `audit_id`, `contract_version`, `created_at` and
    `model_sha256` are empty where no result names them. `other_contract` is the id and version of the
    contract it was decided under where that is no version of the audited one, and `contract_version` is
    then empty.
    """

    name: str
    approval: Approval
    paired: CountCube | None
    other: CountCube | None
    audit_id: str = ""
    contract_version: str = ""
    created_at: str = ""
    model_sha256: str = ""
    other_contract: str = ""
    apart: bool = False
    """Whether `other` holds the audited rows themselves: at another threshold nobody knows any more how many
    people the two models disagree on."""
    by_file: bool = False
    """Whether the approval is only what a result file says, which carries no signature."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of what is known of the baseline and of its counts; another baseline is another audit."""
        told = (self.name, self.approval, self.audit_id, self.contract_version, self.created_at)
        cubes = [cube.fingerprint if cube is not None else None for cube in (self.paired, self.other)]
        known = (told, self.model_sha256, self.other_contract, cubes)
        return hashlib.sha256(repr(known).encode()).hexdigest()


def apart(baseline: Baseline) -> Baseline:
    """Return the baseline with its decisions on the audited rows alone, for a candidate that decides anew.

    Paired counts hold no scores, so no other threshold of the candidate can be read from them; what the
    baseline decided on the same rows stays as it is.
    """
    paired = baseline.paired
    if paired is None:
        return baseline
    place = next(i for i, axis in enumerate(paired.axes) if axis.name == BASELINE_DECISION)
    levels = np.array([int(level) for level in paired.axes[place].levels], dtype=np.int64)
    codes = paired.codes.copy()
    codes[:, -2] = levels[codes[:, place]]
    axes = tuple(axis for axis in paired.axes if axis.name != BASELINE_DECISION)
    alone = build_cube(axes, paired.bands, np.delete(codes, place, axis=1), paired.measures)
    return replace(baseline, paired=None, other=alone, apart=True)

"""The model a release is compared with: its counts, on the audited rows themselves or on rows of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from audit_core.cube.count_cube import CountCube

BASELINE_DECISION = "decision of the baseline"
"""Axis of a paired cube: what the baseline decided on the same row, as text of NO, YES, NEITHER or ABSENT."""

Approval = Literal["approved", "approved_with_conditions", "not_approved", "not_shown"]
"""What is known of the baseline's own release: `not_shown` where no result of an audit was given with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The baseline's side of a comparison, once the rows are gone.

    `paired` holds the audited rows with both decisions: the axes of the audit's cube, then
    `BASELINE_DECISION`; the cube's own decision is the candidate's. `other` holds the baseline on other rows
    (a stable release's file, or the counts of its result): a change is then also one of the data. At least
    one of the two is there, and `paired` is preferred. `audit_id`, `contract_version`, `created_at` and
    `model_sha256` are empty where no result names them.
    """

    name: str
    approval: Approval
    paired: CountCube | None
    other: CountCube | None
    audit_id: str = ""
    contract_version: str = ""
    created_at: str = ""
    model_sha256: str = ""

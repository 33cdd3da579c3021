"""The record of one audit: everything a page, a report or a result file is written from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from audit_core.contract.schema import ReleaseContract, Stage
from audit_core.cube.cells import Withheld
from audit_core.cube.counted import Counted
from audit_core.decision.verdict import Decision, RequirementState
from audit_core.findings.finding import Finding
from audit_core.metrics.measurements import Measurements
from audit_core.sources.evaluations import EvaluationResult
from audit_core.sources.tables import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredBy:
    """The model that made the scores: its file, what it holds, who vouched for it, and how it was locked in.

    `reviewer` is the person who accepted a file that needed a review. Records of before the inspection lack
    the last three.
    """

    name: str
    sha256: str
    bytes: int
    class_name: str
    sklearn_version: str
    features: tuple[str, ...]
    trusted_by: Literal["inspection", "pinned", "reviewer", "person"]
    notes: tuple[str, ...]
    inspected: str = "not inspected"
    reviewer: str = ""
    isolation: str = "not recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """One audit, whole. `created_at` is ISO 8601 in UTC; `stages` are the ones that were decided on."""

    id: str
    created_at: str
    tool_version: str
    contract: ReleaseContract
    stages: tuple[Stage, ...]
    sources: tuple[Source, ...]
    model: ScoredBy | None
    counted: Counted
    measurements: Measurements
    findings: tuple[Finding, ...]
    requirements: tuple[RequirementState, ...]
    decision: Decision
    worked_example: bool = False
    evaluations: tuple[EvaluationResult, ...] = ()
    """Results of benchmarks given with the run; they are shown and decide nothing."""
    previous: tuple[Withheld, ...] = ()
    """What the audit before this one, under the same contract, hid in its published part."""

    def finding(self, check: str, subject: tuple[str, ...] | None = None) -> Finding | None:
        """Return the finding of a check, for a subject where it has several."""
        return next(
            (f for f in self.findings if f.check == check and subject in (None, f.subject)),
            None,
        )

"""What a run is asked to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from audit_core.contract.schema import Stage

if TYPE_CHECKING:
    from audit_core.sources.waiting import Workers

Progress = Callable[[str, float], None]
LAST_APPROVED = "last"
"""Names the newest approved audit of the workspace under the same contract as the baseline."""

AUDIT_STAGES: tuple[Stage, ...] = ("data", "training", "predeploy")


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRequest:
    """What to audit. `as_of` is the clock of the run; `names` are the names to show for the files.

    `table` is a table of published counts, which stands alone: it takes the place of rows and of a model.

    `baseline` is what the release is compared with: `LAST_APPROVED`, a result file, or a file of rows of a
    stable release. `baseline_model` is the approved model itself, which scores the audited rows.

    `trusted` holds the SHA-256 of files that whoever runs the audit decided to trust, `workers` where scoring
    processes come from: a fresh one for each model when None.
    """

    contract: bytes
    contract_name: str
    evaluation: Path | str | None = None
    train: Path | str | None = None
    model: Path | None = None
    table: Path | str | None = None
    benchmarks: Path | None = None
    baseline: Path | str | None = None
    baseline_model: Path | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    trusted: frozenset[str] = frozenset()
    stages: tuple[Stage, ...] = AUDIT_STAGES
    workers: Workers | None = None
    as_of: datetime
    worked_example: bool = False

"""The monitoring plan: what is watched after a release, how often, and who is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Literal

from audit_core.contract.schema import Check, Subject
from audit_core.cube.calendar import Unit
from audit_core.cube.count_cube import Group
from audit_core.findings.finding import Evidence, Status
from audit_core.metrics.detection import ChangeKind
from audit_core.metrics.measurements import DriftStatus

Origin = Literal["contract", "release", "drift"]
WindowReason = Literal["enough", "contract", "data", "longest", "unknown_volume"]
Level = Literal["none", "ticket", "page"]
"""What an alert does: nothing, a ticket for the owner's working day, or a page at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRule:
    """How live rows are cut into windows, and how many windows one judgement adds up.

    `reason` says why this length: `enough` (the shortest one that brings every required group its minimum),
    `contract` (a check names it), `data` (the files' own periods are no shorter), `longest` (not even a month
    brings the minimum: several are added up), `unknown_volume` (the release's file has no periods). `least`
    is the group that brings fewest, measured by its minimum; `brings` how many people of the check's unit it
    brings in one window, None where that is not known; `needed` is the contract's minimum.
    """

    unit: Unit
    rolling: int
    reason: WindowReason
    least: Group
    brings: float | None
    needed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRule:
    """When outcomes count as back: the share (0–1) of a window's rows, and the days they may take.

    A share of 0 waits for nothing: the release has no outcomes.
    """

    complete: Fraction
    due_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AtRelease:
    """How what a watch looks at stood when the release was decided.

    `status` and `evidence` are those of the finding; of drift, the status of the feature under the watch's
    own limits, and no evidence. Both are "" where the audit judged nothing of the kind. `waived`: an
    exception of the contract accepted it.
    """

    status: Status | DriftStatus | Literal[""] = ""
    evidence: Evidence | Literal[""] = ""
    waived: bool = False

    @property
    def outside(self) -> bool:
        """Whether it was measured outside its limit, or had drifted past its warning."""
        return self.status in ("FAIL", "moderate", "major")

    @property
    def undecided(self) -> bool:
        """Whether it was judged, and nothing could be said."""
        return self.status in ("INCONCLUSIVE", "NOT_RUN", "insufficient")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """One line of the plan: a check judged on every window, and what its outcomes do.

    `check` has one subject, or for drift one feature, and carries the limits: `warn` is compared with the
    point, `max` or `min` with the whole interval. `origin` is `contract` (a check of its monitor stage),
    `release` (a check of an earlier stage) or `drift`. `confirm` is in how many windows in a row an outcome
    must be confirmed before it counts as such. A page is acknowledged within `acknowledge_hours`, a ticket
    within `ticket_hours`. `at_release` is where it starts from.
    """

    id: str
    check: Check
    origin: Origin
    warning: Level
    unconfirmed: Level
    confirmed: Level
    owner: str
    acknowledge_hours: int
    confirm: int
    needs_labels: bool
    ticket_hours: int = 48
    at_release: AtRelease = AtRelease()

    @property
    def subject(self) -> Subject:
        """The attribute or slices whose groups are compared; () for drift."""
        return self.check.of[0] if self.check.of else ()

    @property
    def feature(self) -> str:
        """The feature whose drift is watched; empty for every other watch."""
        return self.check.features[0] if self.check.features else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendChart:
    """A CUSUM of one signed gap: the rate of `high` minus that of `low`, with its calibrated limit.

    `baseline` is (numerator, denominator) of `high`, then of `low`, at release.
    """

    watch: str
    metric: str
    subject: Subject
    high: Group
    low: Group
    baseline: tuple[tuple[int, int], tuple[int, int]]
    people: tuple[int, int]
    h: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendRule:
    """The charts of slow regressions, and the chance that any of them raises a false alarm in the horizon.

    `horizon` is in windows; `allowance` in standard errors; `replicates` and `seed` made the limits (the
    seed of the first pair of charts; each next one adds 1).
    """

    chance: Fraction
    horizon: int
    allowance: float
    replicates: int
    seed: int
    charts: tuple[TrendChart, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the escalation: so many hours after an unacknowledged alert, this role is told."""

    after_hours: int
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """What one watch sees of one change, by simulation at these volumes.

    `change` is a step of the gap of rates at the first window, or its growth per window, 0–1 (0: nothing
    changes since the release, and what is found is a false alarm unless its gap was beyond the limit
    already). Shares are 0–1 over the horizon; medians are windows among the runs that alarmed, None where
    fewer than half did. `by_level` counts confirmed alerts alone.
    """

    watch: str
    kind: ChangeKind
    change: Fraction
    by_level: float
    by_trend: float
    by_any: float
    median_windows: float | None
    replicates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A monitoring plan, whole; the same audit and clock make the same plan.

    `audit_id` names the release whose counts are the reference: its cube for rates, trends and estimates,
    its training sample's bins for drift. A window that begins from `starts` to `ends` is one of the plan's.
    One whose data are not there `silence_days` after its end is an alert of its own. Of the contract,
    `level` is the confidence level of its intervals (0–1); counts of fewer people than `privacy_floor` do not
    leave the workspace.
    """

    id: str
    audit_id: str
    contract_id: str
    contract_version: str
    contract_sha256: str
    cube_sha256: str
    model_name: str
    model_sha256: str
    made_on: date
    starts: date
    ends: date
    window: WindowRule
    labels: LabelRule
    watches: tuple[Watch, ...]
    trend: TrendRule
    escalation: tuple[Step, ...]
    silence_days: int
    silence_owner: str
    reviews: tuple[date, ...]
    detection: tuple[Detection, ...]
    level: Fraction = Fraction(95, 100)
    privacy_floor: int = 10

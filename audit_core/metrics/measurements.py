"""Everything measured from a run's counts, before anything is compared with a limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from audit_core.contract.schema import Subject
from audit_core.cube.count_cube import Group
from audit_core.cube.drift import DriftTable
from audit_core.metrics.calibration import GroupCalibration
from audit_core.metrics.distances import ValueDistances
from audit_core.metrics.drift import DriftStatistics
from audit_core.metrics.estimate import Estimate, Undefined
from audit_core.metrics.exposure import GroupExposure
from audit_core.metrics.gaps import Gap
from audit_core.metrics.missing import MissingRow
from audit_core.metrics.ranking import Auc, BetweenGroups, BinnedAuc
from audit_core.metrics.recalibration import ScoreFit
from audit_core.metrics.regression_rows import ChangeOf, RegressionRow
from audit_core.metrics.treatment import TreatmentRow
from audit_core.metrics.unknown import UnknownRange

DriftStatus = Literal["stable", "moderate", "major", "insufficient"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """One rate of one group."""

    subject: Subject
    group: Group
    metric: str
    estimate: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectGap:
    """One metric compared over the groups of one subject.

    `required` groups need support for a PASS; `missing` are required and below it (or hold no row);
    `parts` are the gaps a named criterion is the largest of; `unknown` is how far people of unknown group
    could move the gap, where there are any.
    """

    subject: Subject
    metric: str
    gap: Gap
    min_support: int
    required: tuple[Group, ...]
    missing: tuple[Group, ...]
    too_many_unknown: bool
    parts: tuple[SubjectGap, ...]
    unknown: UnknownRange | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedRates:
    """A group's rates among the people who were decided on, where some were abstained on."""

    subject: Subject
    group: Group
    abstained: int
    rates: tuple[tuple[str, Estimate], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationRow:
    """Calibration and AUC of one group; `probability` is false where the scale is not 0 to 1.

    `fit` is what is reported beside ECE. `binned` is the AUC from bands alone where no ranks were kept.
    """

    subject: Subject
    group: Group
    calibration: GroupCalibration | Undefined
    auc: Auc | None
    probability: bool
    fit: ScoreFit | None = None
    binned: BinnedAuc | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRow:
    """Drift of one feature, overall or inside one group.

    `ks` is of the values where `distances` are known, else of the bins, which is never more. `q` is the
    p-value of χ² adjusted for the `tests` looked at together (Benjamini–Hochberg), None without a test.
    """

    table: DriftTable
    statistics: DriftStatistics | Undefined
    status: DriftStatus
    ks: float | None
    distances: ValueDistances | None = None
    q: float | None = None
    tests: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    """What was measured, in the contract's order of subjects and groups; () is everybody."""

    subjects: tuple[Subject, ...]
    groups: tuple[tuple[Subject, tuple[Group, ...]], ...]
    rates: tuple[Rate, ...]
    gaps: tuple[SubjectGap, ...]
    calibration: tuple[CalibrationRow, ...]
    drift: tuple[DriftRow, ...]
    missing: tuple[MissingRow, ...] = ()
    decided: tuple[DecidedRates, ...] = ()
    between: tuple[BetweenGroups, ...] = ()
    treatment: tuple[TreatmentRow, ...] = ()
    exposure: tuple[tuple[Subject, GroupExposure], ...] = ()
    regression: tuple[RegressionRow, ...] = ()

    def gap(self, subject: Subject, metric: str, compare: str) -> SubjectGap | None:
        """Return the gap of a metric over a subject's groups, if it was measured."""
        return next(
            (g for g in self.gaps if (g.subject, g.metric, g.gap.compare) == (subject, metric, compare)), None
        )

    def changes(self, subject: Subject, metric: str, change: ChangeOf) -> tuple[RegressionRow, ...]:
        """Return what is known of a metric against the baseline; equalized odds has two rows."""
        wanted = (subject, metric, change)
        return tuple(r for r in self.regression if (r.subject, r.metric, r.change) == wanted)

    def rate(self, subject: Subject, group: Group, metric: str) -> Estimate | None:
        """Return a group's rate, if it was measured."""
        return next(
            (r.estimate for r in self.rates if (r.subject, r.group, r.metric) == (subject, group, metric)),
            None,
        )

    def groups_of(self, subject: Subject) -> tuple[Group, ...]:
        """Return the groups of a subject in the contract's order."""
        return next((groups for name, groups in self.groups if name == subject), ())

"""A reading: the numbers of a finding or of a gap without a limit, in one shape, ready to be printed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from audit_core.contract.schema import Subject
from audit_core.findings.finding import Finding, GroupValue
from audit_core.metrics.estimate import Count
from audit_core.metrics.gaps import Member
from audit_core.metrics.intervals import Interval
from audit_core.metrics.measurements import SubjectGap
from audit_core.metrics.regression_rows import ChangeOf
from audit_core.report.numbers import COUNT, PERCENT, POINTS, RATIO, Figures, Number, Unit, figures

Compare = Literal["difference", "ratio", "value", "none"]
_PLAIN = {"auc", "brier", "psi", "exposure"}
_UNBOUNDED = {"psi", "coverage", "overlap"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was measured, with its bounds and limits; rates and gaps 0–1.

    `limits` are (least, most). `lower` and `upper` are None where a bound says nothing. `change` says what
    has changed, of a check against the baseline.
    """

    metric: str
    compare: Compare
    subject: Subject
    value: Number | None
    interval: Interval | None
    lower: float | None
    upper: float | None
    limits: tuple[Fraction | None, Fraction | None]
    high: GroupValue | None
    low: GroupValue | None
    chance: float | None
    change: ChangeOf | None = None

    @property
    def unit(self) -> Unit:
        """The unit the value is printed in."""
        if self.change is not None:
            return PERCENT if self.change == "risk" else POINTS
        return unit_of(self.metric, self.compare)

    @property
    def figures(self) -> Figures:
        """The unit with enough digits for every number that is compared with a limit."""
        return figures(self.unit, (self.value, self.lower, self.upper), self.limits)

    @property
    def amount(self) -> str:
        """The value in its unit, a change with its sign; "" where there is none."""
        if self.value is None:
            return ""
        return (self.figures.text if self.change is None else self.figures.signed)(self.value)

    @property
    def limit(self) -> Fraction | None:
        """The one limit to draw, where there is one."""
        least, most = self.limits
        return most if most is not None else least


def unit_of(metric: str, compare: str) -> Unit:
    """Return the unit of what is compared with a limit."""
    if metric == "overlap":
        return COUNT
    if compare == "ratio" or metric in _PLAIN:
        return RATIO
    return POINTS if compare == "difference" else PERCENT


def reading(finding: Finding) -> Reading:
    """Return the numbers of a finding.

    A drift finding keeps what chance gives in `upper`; that is no bound of its value and is left out here.
    """
    bounded = finding.metric not in _UNBOUNDED
    return Reading(
        metric=finding.metric,
        compare=finding.compare,
        subject=finding.subject,
        value=finding.value,
        interval=_finite_interval(finding.interval),
        lower=_finite(finding.lower) if bounded else None,
        upper=_finite(finding.upper) if bounded else None,
        limits=_limits(finding),
        high=finding.high,
        low=finding.low,
        chance=finding.chance,
        change=finding.change,
    )


def reading_of_gap(gap: SubjectGap) -> Reading:
    """Return the numbers of a gap that no check of the contract has a limit for."""
    found, known = gap.gap, gap.gap.value is not None
    ratio = found.compare == "ratio"  # the bound that accuses protects every group of ten or more
    lower, upper = (found.lower, found.upper_all) if ratio else (found.lower_all, found.upper)
    return Reading(
        metric=gap.metric,
        compare=found.compare,
        subject=gap.subject,
        value=found.value,
        interval=_finite_interval(found.interval),
        lower=_finite(lower) if known else None,
        upper=_finite(upper) if known else None,
        limits=(None, None),
        high=_group_value(found.high),
        low=_group_value(found.low),
        chance=found.chance_of_gap,
    )


def group_figures(metric: str, value: GroupValue) -> str:
    """Return one group's own value, in the unit of the metric rather than of the gap."""
    if metric == "calibration_in_the_large":
        return Figures(unit=POINTS, digits=1).signed(value.value)
    unit = RATIO if metric in _PLAIN else PERCENT
    return Figures(unit=unit, digits=unit.digits).text(value.value)


def _limits(finding: Finding) -> tuple[Fraction | None, Fraction | None]:
    if finding.limit_kind == "between":
        return finding.limits
    if finding.limit_kind == "max":
        return None, finding.limit
    return (finding.limit, None) if finding.limit_kind == "min" else (None, None)


def _group_value(member: Member | None) -> GroupValue | None:
    if member is None or member.value is None:
        return None
    numerator = member.numerator if isinstance(member, Count) else None
    return GroupValue(group=member.group, value=member.value, numerator=numerator, denominator=member.support)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _finite_interval(interval: Interval | None) -> Interval | None:
    """An interval without an upper end keeps its lower one."""
    if interval is None or not math.isfinite(interval.low):
        return None
    return interval

"""Group differences: every group's rate with its interval, around the limit band of the reference group."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from audit_core.contract.schema import Check, Limit, ReleaseContract, Subject
from audit_core.cube.count_cube import Group
from audit_core.decision.record import Audit
from audit_core.findings.judge import blank_finding, judge_gap
from audit_core.metrics.catalogue import RATES
from audit_core.metrics.estimate import Count, Estimate, Measured, TooFew
from audit_core.metrics.gaps import difference_gap, ratio_gap
from audit_core.metrics.intervals import Interval, koopman_ratio, newcombe_difference, z_two_sided
from audit_core.metrics.measure import rate_metric
from audit_core.metrics.measurements import SubjectGap
from audit_core.report.charts.marks import (
    BAND,
    MARK_STYLES,
    NEUTRAL,
    REFERENCE_STYLE,
    Figure,
    MarkStyle,
    annotation,
    axis,
    label,
    layout,
    whisker,
)
from audit_core.report.numbers import Figures, count, decimal, percent
from audit_core.report.people import group_words, subject_words
from audit_core.report.words import MARK_SHAPES, MARK_WORDS, REFERENCE_GROUP, Mark, mark_of, metric_name

Compare = Literal["difference", "ratio"]
ROW_HEIGHT = 46


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMark:
    """One group: its rate, how it stands to the reference group, and the mark that says so.

    `against` is the group minus the reference (or divided by it), with its 95 % interval; None for the
    reference itself and where a rate is missing.
    """

    group: Group
    name: str
    estimate: Estimate
    mark: Mark
    is_reference: bool
    against: Fraction | None
    interval: Interval | None

    @property
    def word(self) -> str:
        """The words of the group's status."""
        return REFERENCE_GROUP if self.is_reference else MARK_WORDS[self.mark]

    @property
    def shape(self) -> str:
        """The printed twin of the group's mark."""
        return "■" if self.is_reference else MARK_SHAPES[self.mark]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupGaps:
    """One metric over the groups of one attribute, in the contract's order, against a reference group."""

    subject: Subject
    metric: str
    compare: Compare
    limit: Fraction | None
    reference: Group | None
    marks: tuple[GroupMark, ...]

    @property
    def band(self) -> tuple[float, float] | None:
        """The rates (0–1) within the limit of the reference group's rate."""
        base = next((m.estimate for m in self.marks if m.is_reference), None)
        if self.limit is None or not isinstance(base, Measured | TooFew):
            return None
        limit = float(self.limit)
        if self.compare == "ratio":
            return base.value * limit, min(1.0, base.value / limit) if limit else 1.0
        return max(0.0, base.value - limit), min(1.0, base.value + limit)


def contract_check(contract: ReleaseContract, subject: Subject, metric: str) -> Check | None:
    """Return the check that limits a metric's gap over a subject, the one compared by difference first."""
    found = [
        check
        for check in contract.checks
        if check.metric == metric
        and subject in check.of
        and check.against is None
        and check.window is None
        and check.compare in ("difference", "ratio")
    ]
    return min(found, key=lambda check: check.compare != "difference", default=None)


def group_gaps(audit: Audit, subject: Subject, metric: str) -> GroupGaps:
    """Return every group of a subject compared with the reference group, under the contract's own limit.

    The reference is the contract's; where it names none, the group with the highest supported rate, so that
    the widest gap of the finding is the one on screen.
    """
    check = contract_check(audit.contract, subject, metric)
    compare: Compare = "ratio" if check is not None and check.compare == "ratio" else "difference"
    measured = audit.measurements.gap(subject, metric, compare)
    reference = _reference(audit, subject, measured)
    pairs = _Pairs(audit=audit, subject=subject, metric=metric, compare=compare, check=check)
    marks = tuple(pairs.mark(group, reference) for group in audit.measurements.groups_of(subject))
    limit = (blank_finding(check, subject).limit) if check else None
    return GroupGaps(
        subject=subject, metric=metric, compare=compare, limit=limit, reference=reference, marks=marks
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pairs:
    """Judges one group at a time against the reference, by the rule the whole gap is judged by."""

    audit: Audit
    subject: Subject
    metric: str
    compare: Compare
    check: Check | None

    def mark(self, group: Group, reference: Group | None) -> GroupMark:
        found = self.audit.measurements.rate(self.subject, group, self.metric)
        assert found is not None  # every rate is measured for every group
        mine, base = self._count(group), self._count(reference)
        same = group == reference
        against, interval = (None, None) if same else self._against(mine, base)
        return GroupMark(
            group=group,
            name=group_words(group),
            estimate=found,
            mark=self._mark(mine, base, found, same=same),
            is_reference=same,
            against=against,
            interval=interval,
        )

    def _count(self, group: Group | None) -> Count | None:
        table = self.audit.counted.cube.outcomes(self.subject).get(group) if group is not None else None
        if group is None or table is None:
            return None
        row = rate_metric(self.audit.contract, self.metric, favourable=self.compare == "ratio")
        numerator, denominator = row.counts(table)
        return Count(group=group, numerator=numerator, denominator=denominator)

    def _against(self, mine: Count | None, base: Count | None) -> tuple[Fraction | None, Interval | None]:
        if mine is None or base is None or mine.value is None or base.value is None:
            return None, None
        z = z_two_sided(float(self.audit.contract.statistics.level))
        numbers = (mine.numerator, mine.denominator, base.numerator, base.denominator)
        if self.compare == "difference":
            return mine.value - base.value, newcombe_difference(*numbers, z)
        return (mine.value / base.value if base.value else None), koopman_ratio(*numbers, z)

    def _mark(self, mine: Count | None, base: Count | None, found: Estimate, *, same: bool) -> Mark:
        if not isinstance(found, Measured | TooFew) or mine is None:
            return "undefined"
        if isinstance(found, TooFew) or same or self.check is None or base is None:
            return "too_few" if isinstance(found, TooFew) else "no_limit"
        return mark_of(self._judged(self.check, mine, base))

    def _judged(self, check: Check, mine: Count, base: Count):  # type: ignore[no-untyped-def]
        policy = RATES[self.metric].required(self.audit.contract.support)
        compare = ratio_gap if self.compare == "ratio" else difference_gap
        level = float(self.audit.contract.statistics.level)
        pair = SubjectGap(
            subject=self.subject,
            metric=self.metric,
            gap=compare([base, mine], min_support=policy, level=level),
            min_support=policy,
            required=(base.group, mine.group),
            missing=(),
            too_many_unknown=False,
            parts=(),
        )
        return judge_gap(blank_finding(check, self.subject), check, self.audit.contract, self.audit.counted, pair)


def _reference(audit: Audit, subject: Subject, measured: SubjectGap | None) -> Group | None:
    named = [attribute.reference if (attribute := audit.contract.attribute(name)) else None for name in subject]
    groups = audit.measurements.groups_of(subject)
    wanted = tuple(name for name in named if name is not None)
    if len(wanted) == len(subject) and wanted in groups:
        return wanted
    if measured is not None and measured.gap.high is not None:
        return measured.gap.high.group
    return None

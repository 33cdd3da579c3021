"""What the group chart is drawn from: every group beside the reference group, judged as the check judges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from audit_core.contract.schema import Check, ReleaseContract, Subject
from audit_core.cube.count_cube import Group, Integers
from audit_core.decision.record import Audit
from audit_core.findings.finding import Finding
from audit_core.findings.judge import blank_finding
from audit_core.findings.judge_gap import judge_gap
from audit_core.metrics.catalogue import RATES
from audit_core.metrics.clusters import totals_by_group
from audit_core.metrics.estimate import Count, Estimate, Measured, TooFew
from audit_core.metrics.gaps import difference_gap, ratio_gap
from audit_core.metrics.intervals import Interval, koopman_ratio, newcombe_difference, z_two_sided
from audit_core.metrics.measure import rate_metric
from audit_core.metrics.measurements import SubjectGap
from audit_core.metrics.rates import group_count
from audit_core.report.people import group_words
from audit_core.report.words import MARK_SHAPES, MARK_WORDS, REFERENCE_GROUP, Mark, mark_of

Compare = Literal["difference", "ratio"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupMark:
    """One group: its rate, how it stands to the reference group, and the mark that says so.

    `against` is the group minus the reference (or divided by it) with its interval for reading; None for the
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
    level: Fraction
    reference: Group | None
    marks: tuple[GroupMark, ...]

    @property
    def band(self) -> tuple[float, float] | None:
        """The rates (0–1) that lie within the limit of the reference group's rate."""
        base = next((m.estimate for m in self.marks if m.is_reference), None)
        if self.limit is None or not isinstance(base, Measured | TooFew):
            return None
        limit = float(self.limit)
        if self.compare == "ratio":
            return base.value * limit, min(1.0, base.value / limit) if limit else 1.0
        return max(0.0, base.value - limit), min(1.0, base.value + limit)


def contract_check(contract: ReleaseContract, subject: Subject, metric: str) -> Check | None:
    """Return the check that limits a metric's gap over a subject, a difference before a ratio."""
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
    """Return every group of a subject beside the reference group, under the limit of the audit's contract.

    The reference is the contract's; where it names none, the group with the highest supported rate, so that
    the widest gap of the check is the one on screen.
    """
    check = contract_check(audit.contract, subject, metric)
    compare: Compare = "ratio" if check is not None and check.compare == "ratio" else "difference"
    reference = _reference(audit, subject, audit.measurements.gap(subject, metric, compare))
    pairs = _Pairs(
        audit=audit,
        subject=subject,
        metric=metric,
        compare=compare,
        check=check,
        tables=audit.counted.cube.outcomes(subject),
    )
    return GroupGaps(
        subject=subject,
        metric=metric,
        compare=compare,
        limit=blank_finding(check, subject).limit if check else None,
        level=audit.contract.statistics.level,
        reference=reference,
        marks=tuple(pairs.mark(group, reference) for group in audit.measurements.groups_of(subject)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pairs:
    """Puts one group at a time beside the reference, judged by the rule the whole gap is judged by."""

    audit: Audit
    subject: Subject
    metric: str
    compare: Compare
    check: Check | None
    tables: Mapping[Group, Integers]

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
            mark=_plain_mark(found) if same else self._mark(mine, base, found),
            is_reference=same,
            against=against,
            interval=interval,
        )

    def _count(self, group: Group | None) -> Count | None:
        if group is None or group not in self.tables:
            return None
        row = rate_metric(self.audit.contract, self.metric, favourable=self.compare == "ratio")
        people = totals_by_group(self.audit.counted.people)
        found = group_count(self.tables, group, row, subject=self.subject, people=people)
        return found if found.denominator else None

    def _against(self, mine: Count | None, base: Count | None) -> tuple[Fraction | None, Interval | None]:
        if mine is None or base is None or mine.value is None or base.value is None:
            return None, None
        z = z_two_sided(float(self.audit.contract.statistics.level))
        numbers = (*mine.effective, *base.effective, z)
        if self.compare == "difference":
            return mine.value - base.value, newcombe_difference(*numbers)
        return (mine.value / base.value, koopman_ratio(*numbers)) if base.value else (None, None)

    def _mark(self, mine: Count | None, base: Count | None, found: Estimate) -> Mark:
        if mine is None or base is None or self.check is None:
            return _plain_mark(found)
        finding = self._judged(self.check, mine, base)
        thin = finding.evidence == "UNSUPPORTED" or isinstance(found, TooFew)
        # Too few people keep a group from false comfort, not from proven harm.
        return "too_few" if thin and finding.evidence != "CONFIRMED" else mark_of(finding)

    def _judged(self, check: Check, mine: Count, base: Count) -> Finding:
        contract = self.audit.contract
        support = RATES[self.metric].required(contract.support)
        gap_of = ratio_gap if self.compare == "ratio" else difference_gap
        pair = SubjectGap(
            subject=self.subject,
            metric=self.metric,
            gap=gap_of([base, mine], min_support=support, level=float(contract.statistics.level)),
            min_support=support,
            required=(),
            missing=(),
            too_many_unknown=False,
            parts=(),
        )
        return judge_gap(blank_finding(check, self.subject), check, contract, self.audit.counted, pair)


def _plain_mark(found: Estimate) -> Mark:
    if isinstance(found, TooFew):
        return "too_few"
    return "no_limit" if isinstance(found, Measured) else "undefined"


def _reference(audit: Audit, subject: Subject, measured: SubjectGap | None) -> Group | None:
    attributes = [audit.contract.attribute(name) for name in subject]
    named = tuple(a.reference for a in attributes if a is not None and a.reference is not None)
    if len(named) == len(subject) and named in audit.measurements.groups_of(subject):
        return named
    return measured.gap.high.group if measured is not None and measured.gap.high is not None else None

"""A finding: one check of the contract, judged for one subject."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from audit_core.contract.schema import Severity, Stage, Subject
from audit_core.cube.count_cube import Group
from audit_core.cube.latest import JudgedRows
from audit_core.metrics.estimate import Count
from audit_core.metrics.gaps import Member
from audit_core.metrics.intervals import Interval
from audit_core.metrics.regression_rows import ChangeOf, RegressionRow

Status = Literal["PASS", "FAIL", "INCONCLUSIVE", "NOT_RUN"]
Evidence = Literal["CONFIRMED", "UNCONFIRMED", "UNSUPPORTED"]
WORST_FIRST: tuple[Status, ...] = ("FAIL", "INCONCLUSIVE", "NOT_RUN", "PASS")
SUREST_FIRST: tuple[Evidence, ...] = ("CONFIRMED", "UNCONFIRMED", "UNSUPPORTED")
LimitKind = Literal["max", "min", "between", "none"]
Reason = Literal[
    "within",  # PASS: shown to be within the limit
    "beyond",  # FAIL/CONFIRMED: shown to be outside it
    "point_beyond",  # the value is outside, its interval is not
    "too_few",  # a required group is below the minimum support
    "too_many_unknown",  # over a tenth of the rows have no known group
    "too_many_dropped",  # of a live window: over a tenth of the rows have no score or decision
    "either_way",  # the interval holds the limit
    "one_group",  # fewer than two groups with data
    "undefined",  # no group has a denominator, or every rate is 0
    "missing_group",  # coverage: a required group holds no row
    "thin_group",  # coverage: a required group is below the minimum
    "drifted",
    "drift_insufficient",
    "shared_ids",
    "ids_missing",  # overlap: rows without an id, who may be the same people
    "point_within",  # PASS: the measured value keeps the limit; the rule asks for no more
    "baseline_not_approved",  # nothing shows that the baseline was ever approved
    "no_baseline",
    "not_in_baseline",  # the baseline's counts do not hold these groups
    "baseline_without_scores",  # of a baseline, decisions are compared, not scores
    "no_rule",  # a check against the baseline that names no rate, or compares it as a ratio
    "no_train",
    "no_features",  # drift: the two files share no input
    "no_evaluation",
    "no_id",
    "no_label",
    "no_decision",
    "no_score",
    "no_attribute",
    "not_crossed",  # published counts hold the attributes, each in a table of its own
    "not_computed",  # this version does not compute the metric
]
Outcome = tuple[Status, Evidence, Reason]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupValue:
    """A group's value with its counts; a mean has rows only (`numerator` None)."""

    group: Group
    value: Fraction
    numerator: int | None
    denominator: int


def group_value(member: Member | None) -> GroupValue | None:
    """Return a measured group as a finding keeps it, or None where there is no value."""
    if member is None or member.value is None:
        return None
    numerator = member.numerator if isinstance(member, Count) else None
    rows = member.denominator if isinstance(member, Count) else member.support
    return GroupValue(group=member.group, value=member.value, numerator=numerator, denominator=rows)


Aim = Literal["within", "confirm", "minimum"]
Undated = Literal["", "no_window", "not_dates", "under_a_week"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupNeed:
    """What one group lacks: `have` people of the check's unit, and `more` of them.

    `rows` is the same in rows of the group at its present share of the unit, `weeks` those rows at its own
    weekly volume; each is None where it is not known.
    """

    group: Group
    have: int
    more: int
    rows: int | None
    weeks: int | None = None

    @property
    def needed(self) -> int:
        """People of the unit the group needs in all."""
        return self.have + self.more


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """How many more people of which groups it would take to decide; the group that lacks most comes first.

    `aim` is what they would show: within the limit, confirmed outside it, or (`minimum`) only that the
    contract's minimum is there. `of` and `assumed` are the true value that is assumed: a gap, a ratio or a
    rate, 0–1. Where groups that are truly equal would already have been told apart from the limit, it is the
    value measured. `alone`: whether more of one group could decide while the others stay. `undated` says why
    there are no weeks.
    """

    unit: Literal["positives", "negatives", "rows"]
    groups: tuple[GroupNeed, ...]
    aim: Aim = "within"
    of: Literal["gap", "ratio", "rate", "area", "change", "risk"] = "gap"
    assumed: float = 0.0
    alone: bool = True
    undated: Undated = ""

    @property
    def group(self) -> Group:
        """The group that lacks most."""
        return self.groups[0].group

    @property
    def more(self) -> int:
        """How many more of it."""
        return self.groups[0].more

    @property
    def rows(self) -> int | None:
        """The same in its rows."""
        return self.groups[0].rows

    @property
    def weeks(self) -> int | None:
        """Weeks until every group has what it lacks; None where one group's are not known."""
        known = [need.weeks for need in self.groups if need.weeks is not None]
        return max(known) if len(known) == len(self.groups) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What became of one check for one subject.

    `value` is compared with `limit` as an exact fraction. `lower` and `upper` are the decision bounds
    ("at least", "at most"): the one that accuses protects every group of ten or more, the one that approves
    covers every pair of supported groups. `interval` is the 95 % interval of the pair `high`, `low`, for
    reading. `names` lists what the reason is about: groups below support, drifted features. Of a check
    against the baseline, `change` is what may not grow and `rate` the rate that is compared; `high` and `low`
    are then the ends of the candidate's gap, or a group's harm rate now and before. `window` tells on which
    rows a windowed check of a canary was judged; None for every other check.
    """

    check: str
    stage: Stage
    severity: Severity
    primary: bool
    line: int
    status: Status
    evidence: Evidence
    reason: Reason
    subject: Subject
    metric: str
    compare: Literal["difference", "ratio", "value", "none"]
    limit: Fraction | None
    limit_kind: LimitKind
    limits: tuple[Fraction | None, Fraction | None] = (None, None)
    value: Fraction | float | None = None
    lower: float | None = None
    upper: float | None = None
    interval: Interval | None = None
    high: GroupValue | None = None
    low: GroupValue | None = None
    chance: float | None = None
    warned: bool = False
    needs: Needs | None = None
    names: tuple[str, ...] = ()
    exception: str | None = None
    window: JudgedRows | None = None
    change: ChangeOf | None = None
    rate: str = ""
    row: RegressionRow | None = field(default=None, compare=False, repr=False)
    """What a check against the baseline was judged on; a canary's may be of its latest days alone."""

"""The frozen types of a release contract; `contract.yaml` turns text into them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Severity = Literal["critical", "major", "minor"]
Stage = Literal["data", "training", "predeploy", "canary", "monitor"]
Compare = Literal["difference", "ratio", "value"]
FailRule = Literal["point", "confirmed"]
Subject = tuple[str, ...]
"""Names of the attributes (or slices) whose combination is compared; one name for a single attribute."""

STAGES: tuple[Stage, ...] = ("data", "training", "predeploy", "canary", "monitor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Harm:
    """A harm the release could do, the check that notices it, and the person who answers for it."""

    kind: Literal["allocative", "representational"]
    harm: str
    trigger: str
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionQuestion:
    """The decision the model takes part in, in words a reader outside the team understands."""

    question: str
    population: str
    favourable: str
    harm: str
    harmed_by: Literal["wrong_no", "wrong_yes", "both"]
    harms: tuple[Harm, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """The outcome column; `positive` lists the raw cell texts that mean yes, or is empty when not named."""

    column: str
    positive: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The score column; `low` and `high` are the ends of its scale, `bands` its inner edges, if named."""

    column: str
    threshold: Fraction | None
    low: Fraction
    high: Fraction
    bands: tuple[Fraction, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionColumn:
    """A column that already holds the decision; `abstain` lists the cells that mean *not decided yet*."""

    column: str
    positive: tuple[str, ...]
    abstain: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """Cuts of a numeric column into half-open bands [edge, next); one label per band."""

    column: str
    edges: tuple[Fraction, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectedAttribute:
    """A column whose groups are compared.

    `required` groups must have support for a PASS (None: every group seen); `unknown` cells join the missing
    ones in the group "unknown", which is counted and shown but never compared.
    """

    name: str
    column: str
    reference: str | None
    required: tuple[str, ...] | None
    unknown: tuple[str, ...]
    bands: Edges | None
    basis: str
    purpose: str
    approved_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSpec:
    """Which column plays which part."""

    label: Label | None
    score: Score | None
    decision: DecisionColumn | None
    training_label: str | None
    max_age_days: int | None
    versions: tuple[tuple[str, str], ...]
    id: str | None
    window: str | None
    attributes: tuple[ProtectedAttribute, ...]
    slices: tuple[str, ...]
    intersections: tuple[Subject, ...]
    features: tuple[str, ...] | None
    """None: every column that has no other role (`features: auto`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportPolicy:
    """How many people a number needs before it may decide; counts of people, per group.

    `small_counts` says what a document shows of a count under the privacy floor inside a larger group.
    """

    positives: int = 50
    negatives: int = 30
    rows: int = 100
    band: int = 30
    privacy_floor: int = 10
    small_counts: Literal["rounded", "protected"] = "rounded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Confidence level (0–1), what a point value outside its limit means, bootstrap replicates.

    `interval` is the interval of a single rate (Clopper–Pearson's coverage is never below the level);
    `sampling` is what the design of the sample held fixed: nothing, group sizes, or group × label counts.
    """

    level: Fraction = Fraction(95, 100)
    fail_rule: FailRule = "point"
    replicates: int = 2000
    interval: Literal["wilson", "clopper-pearson"] = "wilson"
    sampling: Literal["unconditional", "stratified", "conditional"] = "unconditional"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """A fact that only a person can state, or (`computed`) that the tool works out from the data."""

    id: str
    met: bool | None
    blocking: bool
    by: str
    evidence: str
    computed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """The limit of a check in the metric's own unit (rates and gaps 0–1); compared as exact fractions."""

    min: Fraction | None = None
    max: Fraction | None = None
    warn: Fraction | None = None
    max_increase: Fraction | None = None
    max_relative_increase: Fraction | None = None
    floor: Fraction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What happens, and who is told, when a check fails."""

    action: str
    notify: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the contract.

    `of` names the subjects that are compared, `features` the inputs whose drift is judged (None: not a drift
    check; empty: all features). `line` is the 1-based line of the check in the contract's text.
    """

    id: str
    stage: Stage
    metric: str
    compare: Compare | None
    of: tuple[Subject, ...]
    features: tuple[str, ...] | None
    against: str | None
    window: str | None
    limit: Limit
    severity: Severity
    primary: bool
    owner: str
    why: str
    on_fail: Response | None
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """A role of the sign-off, with who holds it and how to reach them."""

    id: str
    name: str
    contact: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOffPolicy:
    """Who must sign (role → how many), who may change thresholds, approve exceptions and revoke."""

    require: tuple[tuple[str, int], ...] = ()
    author_may_sign: bool = False
    change_thresholds: tuple[str, ...] = ()
    exception_approvers: tuple[str, ...] = ()
    exception_max_days: int | None = None
    may_revoke: tuple[str, ...] = ()
    review_sla: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricChoice:
    """The test plan: the metric that decides, its guardrails, whose groups they compare, and why.

    `by` is the role that chose, `date` the day.
    """

    primary: str
    guardrails: tuple[str, ...]
    groups: tuple[Subject, ...]
    reason: str
    by: str
    date: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselinePolicy:
    """The release that later ones are compared with.

    `column` holds the approved model's score or decision beside the audited one, where the file has both;
    `threshold` is the approved model's own cut-off, where it is another than the score's.
    """

    policy: Literal["last_approved", "given"]
    column: str | None
    threshold: Fraction | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationSource:
    """A source of evidence the contract draws on; `kind` is one of the catalogue's, or `other`."""

    id: str
    kind: str
    name: str
    use: str
    limit: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedConflict:
    """Checks that cannot hold together, accepted by a person in a role; printed, and no verdict changes.

    `date` is the day it was accepted, such as 2026-11-20.
    """

    checks: tuple[str, ...]
    person: str
    role: str
    reason: str
    date: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseContract:
    """Everything that must hold before this model may be released.

    `sha256` is the hash of the exact bytes the contract was read from. `section` keeps, as canonical JSON,
    the parts that later stages read (pairs, table, mitigation, retention), so that nothing a
    contract says is lost; cells there (positive, favourable, failed, order) are lists of raw texts.
    """

    id: str
    version: str
    status: Literal["draft", "approved", "retired"]
    review_by: str | None
    domain: str
    jurisdiction: tuple[str, ...]
    decision: DecisionQuestion
    data: DataSpec
    support: SupportPolicy
    statistics: Statistics
    requirements: tuple[Requirement, ...]
    checks: tuple[Check, ...]
    roles: tuple[Role, ...]
    author: str
    signoff: SignOffPolicy
    section: tuple[tuple[str, str], ...]
    sha256: str
    conflicts: tuple[AcceptedConflict, ...] = ()
    test_plan: MetricChoice | None = None
    evaluation_sources: tuple[EvaluationSource, ...] = ()
    baseline: BaselinePolicy | None = None

    def attribute(self, name: str) -> ProtectedAttribute | None:
        """Return the protected attribute of that name, or None (an operational slice)."""
        return next((a for a in self.data.attributes if a.name == name), None)


def free_id(wanted: str, taken: Collection[str]) -> str:
    """Return an id for a new check: the wanted one, or the first numbered one that is not taken."""
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}_{number}", number + 1
    return name

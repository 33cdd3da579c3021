"""What following a release has shown so far: every watch in every window, alerts, and what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Literal

from audit_core.contract.schema import Subject
from audit_core.cube.count_cube import Group
from audit_core.decision.plan import Level, Plan, Watch
from audit_core.findings.finding import Finding
from audit_core.metrics.estimate import Estimate

WindowState = Literal["complete", "maturing", "overdue", "missing"]
"""Of a window's outcomes: enough are back; still arriving; late; or there is no data for it at all."""

Unjudged = Literal["", "missing", "maturing", "overdue"]
"""Why a watch was not judged on a window; empty where it was."""

AlertKind = Literal[
    "confirmed", "unconfirmed", "warning", "trend", "drift", "silence", "labels_overdue", "rows_dropped"
]  # fmt: skip

MOST_DROPPED = Fraction(1, 10)
"""Share of a window's rows that may lack a score or decision; as for rows without a known group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowView:
    """One calendar window of the plan; `rows` and `labelled` are 0 where it is missing.

    `dropped` rows had no usable score or decision, and are not among `rows`.
    """

    name: str
    first: date
    last: date
    state: WindowState
    rows: int
    labelled: int
    periods: tuple[str, ...]
    sources: tuple[tuple[str, str], ...]
    """(name, sha256) of the files it was counted from."""
    dropped: int = 0

    @property
    def came(self) -> int:
        """Every row that came, with those left out."""
        return self.rows + self.dropped

    @property
    def thinned(self) -> bool:
        """Whether so many rows were left out that those kept can't speak for the window."""
        return self.dropped > self.came * MOST_DROPPED


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRate:
    """A group's rate in one window, and its difference from the release's (None where either has none).

    `maturing` rates are of the outcomes that are back so far: shown as such, never judged.
    """

    window: str
    metric: str
    subject: Subject
    group: Group
    estimate: Estimate
    delta: Fraction | None
    maturing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchPoint:
    """One watch judged on the windows that end with `window`.

    `finding` is None where it was not judged: the window is missing, or its outcomes are still arriving
    (`why`). `windows` are the names that were added up.
    """

    watch: str
    window: str
    windows: tuple[str, ...]
    finding: Finding | None
    why: Unjudged


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendPoint:
    """One CUSUM after one window; `value` is None where the window was not judged.

    `counts` is the part of `z` that was added to it, 0–1: under 1 where the window holds more people than
    the limit was made for.
    """

    watch: str
    high: Group
    low: Group
    window: str
    z: float | None
    value: float | None
    limit: float
    alarm: bool
    counts: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatedRate:
    """A group's rate in a window as its scores lead one to expect it, before its outcomes are back.

    `low` and `high` are the 95 % range of the expectation. `observed` is what the outcomes that came have
    shown since, None while they are still arriving; `held` says whether the range held it. `curve` says whose
    outcomes at release the estimate stands on: the group's own, or everybody's where it had too few.
    """

    window: str
    metric: str
    subject: Subject
    group: Group
    value: float
    low: float
    high: float
    people: float
    """Expected number of people in the rate's denominator."""
    observed: Estimate | None
    held: bool | None
    curve: Literal["group", "everybody"] = "group"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """The record of an alert: what, since when, on what evidence, who answers for it and by when.

    `id` depends on the plan, the watch, the kind and the window it began in, so that running again finds the
    same incident. It begins in a window that shows its kind and nothing worse, and lives while windows show
    at least that: a ticket stays open beside the page it has become. `windows` are all in which it held; it
    is open while the last judged one is among them, and `finding` is of the last that held it. `raised` is
    the clock of the run that saw it first, `due` when it must be acknowledged.
    """

    id: str
    watch: str
    kind: AlertKind
    level: Level
    began: str
    windows: tuple[str, ...]
    open: bool
    owner: str
    raised: datetime
    due: datetime
    finding: Finding | None
    action: str
    """What the contract says happens (page, rollback, halt, …); empty where it says nothing."""
    dropped: tuple[int, int] | None = None
    """(rows left out, rows that came) in the last window that held it; None for every other kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looser:
    """One term of a watch that is weaker in the plan than the contract makes it.

    `term` names what differs; `planned` and `made` are its values in the plan and by the contract: a number,
    a level, or None where there is none. With the term `watch` the plan lacks the whole watch.
    """

    watch: Watch
    term: str
    planned: Fraction | str | None
    made: Fraction | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """Everything known of a release after these windows; a pure function of plan, counts and clock.

    `exit_code` is 1 while a page is open; 2 while a ticket at its limit is open, or where the last window
    whose outcomes are due does not show every paging watch to be within its limit or no longer holds a
    watched input, or nothing was judged; else 0. A warning alone is 0.
    """

    plan: Plan
    as_of: datetime
    windows: tuple[WindowView, ...]
    rates: tuple[WindowRate, ...]
    points: tuple[WatchPoint, ...]
    trends: tuple[TrendPoint, ...]
    estimates: tuple[EstimatedRate, ...]
    incidents: tuple[Incident, ...]
    exit_code: int
    looser: tuple[Looser, ...] = ()
    """Where the plan was edited to ask for less than the contract."""

"""A plan executed: files of live rows become windows, which are followed; incidents are written down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from audit_core.audit.released import require_release
from audit_core.audit.request import AuditRequest, Progress
from audit_core.audit.scoring import Reading, scored
from audit_core.cube.build_windows import count_windows
from audit_core.cube.windows import WindowCounts, by_calendar
from audit_core.decision.follow import follow
from audit_core.decision.follow_windows import require_in_plan
from audit_core.decision.followed import Followed, Incident
from audit_core.decision.plan import Plan
from audit_core.decision.record import Audit
from audit_core.errors import UsageError
from audit_core.evidence.plan_file import plan_text
from audit_core.evidence.window_store import WindowStore
from audit_core.evidence.workspace import Workspace
from audit_core.report.incidents import incident_json
from audit_core.sources.files import find_files, fingerprint
from audit_core.sources.tables import connect, open_table

if TYPE_CHECKING:
    from audit_core.sources.waiting import Workers


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorRequest:
    """Which plan to execute on which files; without files, what is known is looked at again.

    `as_of` is the clock of the run. `model` scores the files; without it they carry scores or decisions.
    `names` are the names to show for files, by their path. `trusted` and `workers` are as for an audit.
    """

    plan: Plan
    windows: tuple[Path | str, ...] = ()
    model: Path | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    trusted: frozenset[str] = frozenset()
    workers: Workers | None = None
    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A release that is open already; `runs` are the clocks of runs, window by window, that were not made.

    Where windows of many months are taken in at once, an incident is then raised by the clock of the first
    run that could have seen it.
    """

    audit: Audit
    runs: tuple[datetime, ...] = ()


def run_monitor(
    request: MonitorRequest,
    workspace: Workspace,
    progress: Progress | None = None,
    opened: Opened | None = None,
) -> Followed:
    """Return what following the release has shown, with this run's files.

    A file whose periods are kept already changes nothing. Otherwise all files are counted before the first
    period is kept, so that an error in one leaves everything as it was.

    Parameters
    ----------
    opened
        What the caller knows already: the release, and the clocks of runs that stand for this one.

    Raises
    ------
    UsageError
        The plan is not of this release or model; two files hold the same period, or one lies outside the
        plan, is longer than its window, shares days with another, or begins after the clock.
    SourceError, ModelError
        A file can't be read as what it claims to be, or the model is not trusted.
    AuditError
        The audit, or what is kept of a period, does not hold together.
    """
    tell = progress or (lambda _stage, _share: None)
    tell("Opening the release", 0.0)
    plan = request.plan
    release = opened.audit if opened else workspace.load(plan.audit_id)
    require_release(plan, release)
    store = WindowStore(workspace.root, plan.id, plan.cube_sha256)
    scored_by = _model_sha256(request)
    fresh, kept = _sorted(request, store, scored_by)
    if fresh:
        counted = _count(request, fresh, release, workspace, tell)
        _require_apart([*kept, *((window.period, window.source) for window in counted)])
        _require_begun(counted, request.as_of)

        def check(windows: Sequence[WindowCounts]) -> None:
            require_in_plan(plan, windows)
            by_calendar(windows, plan.window.unit)

        store.keep(counted, scored_by, request.as_of, check)
    store.write_plan(plan_text(plan))
    tell("Judging the watches", 0.92)
    windows, seen = store.windows(), store.raised()
    _require_forward(windows, request.as_of)
    followed = follow(plan, release, windows, request.as_of, seen)
    if opened and opened.runs and not seen:
        seen = {found.id: _first_run(opened.runs, followed, found) for found in followed.incidents}
        followed = follow(plan, release, windows, request.as_of, seen)
    store.write_incidents(
        {found.id: incident_json(found, plan, followed=followed) for found in followed.incidents}
    )
    tell("Done", 1.0)
    return followed


def _first_run(runs: Sequence[datetime], followed: Followed, found: Incident) -> datetime:
    """The first of the runs that was made after the window an incident began in."""
    last = next(view.last for view in followed.windows if view.name == found.began)
    return next((run for run in runs if run.astimezone(UTC).date() > last), followed.as_of)


def _model_sha256(request: MonitorRequest) -> str:
    """SHA-256 of the model that is given, "" for none; never another than the release's."""
    if request.model is None:
        return ""
    sha256, _ = fingerprint(find_files(request.model))
    if sha256 != request.plan.model_sha256:
        where = request.names.get(str(request.model)) or request.model.name
        if not request.plan.model_sha256:
            raise UsageError(
                "The release was audited without a model, so the plan knows none",
                where=where,
                remedy="Leave --model out; the files carry the scores or decisions",
            )
        raise UsageError(
            "The model is not the one that was released",
            where=where,
            remedy="Give the release's own model file, or audit this one and make a plan of it",
        )
    return sha256


def _sorted(
    request: MonitorRequest, store: WindowStore, scored_by: str
) -> tuple[tuple[Path | str, ...], tuple[tuple[str, str], ...]]:
    """The files that hold something new, and (period, file) of those that are kept already.

    Raises
    ------
    UsageError
        Two files have the same bytes, or one was replaced by a later one: taken in again it would undo that.
    """
    fresh: list[Path | str] = []
    kept: list[tuple[str, str]] = []
    seen: set[str] = set()
    whole, replaced = store.files(), store.replaced()
    for given in request.windows:
        sha256, _ = fingerprint(find_files(given))
        if sha256 in seen:
            remedy = "Give each file once"
            raise UsageError("Two files hold the same rows", where=_name(request, given), remedy=remedy)
        seen.add(sha256)
        periods = whole.get((sha256, scored_by), ())
        if not periods and (sha256, scored_by) in replaced:
            period, newer = replaced[sha256, scored_by]
            raise UsageError(
                f"The file was replaced: {period} holds what came later, in “{newer}”",
                where=_name(request, given),
                remedy="Send the newest file of each period alone",
            )
        kept += ((period, _name(request, given)) for period in periods)
        if not periods:
            fresh.append(given)
    return tuple(fresh), tuple(kept)


def _count(
    request: MonitorRequest,
    files: Sequence[Path | str],
    release: Audit,
    workspace: Workspace,
    tell: Progress,
) -> list[WindowCounts]:
    """The periods of every file."""
    con = connect(files, folders=(workspace.root / "scored",))
    try:
        tables = {}
        for place, given in enumerate(files):
            tell(f"Reading {_name(request, given)}", 0.05)
            tables[place] = open_table(con, given, "window", name=request.names.get(str(given)))
        if request.model is not None:
            asked = AuditRequest(
                contract=b"",
                contract_name="contract.yaml",
                model=request.model,
                names={"model": request.names.get(str(request.model)) or request.model.name},
                trusted=request.trusted,
                workers=request.workers,
                as_of=request.as_of,
            )
            reading = Reading(
                con=con, request=asked, contract=release.contract, workspace=workspace, tell=tell
            )
            tables, _, _ = scored(reading, tables)
        found: list[WindowCounts] = []
        for place, table in tables.items():
            tell(f"Counting {table.source.name}", 0.7 + 0.2 * place / len(tables))
            found += count_windows(con, table, release.contract, release.counted.drift)
    finally:
        con.close()
    return found


def _name(request: MonitorRequest, given: Path | str) -> str:
    return request.names.get(str(given)) or Path(given).name


def _require_apart(periods: Sequence[tuple[str, str]]) -> None:
    """Refuse two files for one period: which of them holds would be chance."""
    times = Counter(period for period, _ in periods)
    twice = next(((period, name) for period, name in reversed(periods) if times[period] > 1), None)
    if twice is not None:
        raise UsageError(
            f"Two files of one run hold {twice[0]}",
            where=twice[1],
            remedy="Send them one after the other; what is sent last replaces what a period held",
        )


def _require_forward(kept: Sequence[WindowCounts], as_of: datetime) -> None:
    """Refuse a clock that runs behind what is kept: later windows would seem not to have come."""
    later, today = _ahead(kept, as_of)
    if later is not None:
        raise UsageError(
            f"The clock of this run, {today}, is before the period {later.period}, which is kept already",
            where=later.source,
            remedy="Set the machine's clock, or give the time with --as-of",
        )


def _require_begun(windows: Sequence[WindowCounts], as_of: datetime) -> None:
    early, today = _ahead(windows, as_of)
    if early is not None:
        raise UsageError(
            f"The period {early.period} begins after the clock of this run, {today}",
            where=early.source,
            remedy="Check the column of periods, or the time given with --as-of",
        )


def _ahead(windows: Sequence[WindowCounts], as_of: datetime) -> tuple[WindowCounts | None, date]:
    """The first window that begins after the clock, or None, and the clock's day."""
    today = as_of.astimezone(UTC).date()
    return next((window for window in windows if window.first > today), None), today

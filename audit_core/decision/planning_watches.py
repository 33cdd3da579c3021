"""What a plan watches: the checks of stage monitor, those of earlier stages, and the drift of every input."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from audit_core.contract.metrics import NEEDS_LABEL
from audit_core.contract.schema import Check, Limit, ReleaseContract, Response, Severity, Subject, free_id
from audit_core.cube.counted import Counted
from audit_core.cube.drift import DriftTable
from audit_core.decision.plan import Level, Origin, Watch
from audit_core.findings.finding import Finding
from audit_core.findings.implied import LABEL_COVERAGE, LABEL_COVERAGE_LIMIT
from audit_core.findings.judge import cannot_run
from audit_core.metrics.catalogue import CRITERIA, RATES
from audit_core.metrics.drift_rows import drift_limits

DRIFT_KINDS = ("numeric", "categorical", "score", "decision", "label")
_OF_COUNTS = {*RATES, *CRITERIA, "calibration_in_the_large", "brier", "coverage"}
"""What a window's counts give; AUC and exposure need its ranks, overlap and flips its rows."""

_ACTS: dict[str, Level] = {"ticket": "ticket", "notify": "ticket", "review": "ticket"}
"""What a confirmed outcome does by the contract's action; every other action can't wait."""

_PAGE_HOURS: dict[Severity, int] = {"critical": 4, "major": 8, "minor": 24}
_TICKET_HOURS = 48
_COVERAGE_WHY = "Outcomes that come back less often for one group bias every error rate that is compared."
_DRIFT_WHY = "The model may meet people it was not trained on."
_Failed = Collection[tuple[str, Subject]]
"""Ids of checks with the subject each failed for."""


def watches_of(
    contract: ReleaseContract, counted: Counted, findings: Sequence[Finding] = ()
) -> tuple[Watch, ...]:
    """Return every watch of the plan, in the contract's order, drift last; ids differ.

    A check is watched for each of its subjects. One of an earlier stage is watched on single attributes and
    slices, unless a check before it compares the same. What a window's counts can't give is left out. A check
    that failed at the release (`findings`) is watched all the same, whatever it looks at, unless a watch
    before it has its limits too.
    """
    found = [*_monitored(contract, counted)]
    paging = any(watch.confirmed == "page" for watch in found)
    failed = {(f.check, f.subject) for f in findings if f.status == "FAIL"}
    found += _released(contract, counted, found, failed, paging=paging)
    found += _coverage(contract, counted, found)
    found += _drift(contract, counted, found)
    taken: set[str] = set()
    unique = []
    for watch in found:
        name = free_id(watch.id, taken)
        taken.add(name)
        unique.append(replace(watch, id=name))
    return tuple(unique)


def _monitored(contract: ReleaseContract, counted: Counted) -> Iterator[Watch]:
    """Checks of the contract's own monitor stage."""
    for check in contract.checks:
        if check.stage != "monitor":
            continue
        action = check.on_fail.action if check.on_fail else "page"
        acts = _ACTS.get(action, "page")
        if check.metric == "psi":
            for table in _tables(counted, check.features or None):
                yield _drift_watch(f"{check.id}.{table.feature}", table, check, acts)
        else:
            for subject in _computable(check, counted):
                yield _watch(_live(check, subject), "contract", acts)


def _released(
    contract: ReleaseContract, counted: Counted, before: Sequence[Watch], failed: _Failed, *, paging: bool
) -> Iterator[Watch]:
    """Checks of earlier stages; where no check of the monitor stage pages, the main ones do."""
    covered = {_compared(watch.check) for watch in before}
    limited = {_limited(watch.check) for watch in before}
    urgent = set() if paging else _main_checks(contract)
    for check in contract.checks:
        if check.stage == "monitor" or check.against is not None:
            continue
        for subject in _computable(check, counted):
            live = _live(check, subject)
            usual = _gates_values(check) and len(subject) == 1 and _compared(live) not in covered
            known = (check.id, subject) in failed and _limited(live) not in limited
            if not (usual or known):
                continue
            covered.add(_compared(live))
            limited.add(_limited(live))
            acts: Level = "page" if check.id in urgent else "ticket"
            notify = check.on_fail.notify if check.on_fail else check.owner
            live = replace(live, on_fail=Response(action=acts, notify=notify))
            yield _watch(live, "release", acts)


def _main_checks(contract: ReleaseContract) -> set[str]:
    """Ids of the primary checks and their guardrails; of the critical gaps where no check is primary.

    Guardrails are the metrics the test plan names; without one, the critical gaps of the same groups.
    """
    gaps = [check for check in contract.checks if check.compare in ("difference", "ratio")]
    gaps = [check for check in gaps if check.stage != "monitor" and check.against is None]
    primary = [check for check in gaps if check.primary]
    if not primary:
        return {check.id for check in gaps if check.severity == "critical"}
    subjects = {subject for check in primary for subject in check.of}
    beside = [check for check in gaps if subjects & set(check.of)]
    if contract.test_plan is not None:
        guards = [check for check in beside if check.metric in contract.test_plan.guardrails]
    else:
        guards = [check for check in beside if check.severity == "critical"]
    return {check.id for check in (*primary, *guards)}


def _coverage(contract: ReleaseContract, counted: Counted, before: Iterable[Watch]) -> Iterator[Watch]:
    """Label coverage of every protected attribute, where outcomes come back and no check compares it."""
    if contract.data.label is None:
        return
    covered = {watch.subject for watch in before if watch.check.metric == LABEL_COVERAGE}
    for attribute in contract.data.attributes:
        subject = (attribute.name,)
        if subject in covered:
            continue
        made = _made(contract, LABEL_COVERAGE, Limit(max=LABEL_COVERAGE_LIMIT), _COVERAGE_WHY)
        check = replace(made, compare="difference")
        if not cannot_run(check, subject, counted):
            yield _watch(_live(check, subject), "release", "ticket")


def _drift(contract: ReleaseContract, counted: Counted, before: Iterable[Watch]) -> Iterator[Watch]:
    """Drift of every feature the audit compared, of scores, decisions and outcomes: tickets alone."""
    covered = {watch.feature for watch in before if watch.feature}
    warn, most = drift_limits(contract)
    limit = Limit(warn=warn, max=most)
    own = next((check for check in contract.checks if check.metric == "psi"), None)
    check = own or _made(contract, "psi", limit, _DRIFT_WHY)
    owner = check.on_fail.notify if check.on_fail else check.owner
    check = replace(check, on_fail=Response(action="ticket", notify=owner), limit=limit)
    for table in _tables(counted, None):
        if table.feature in covered or (table.kind == "label" and contract.data.label is None):
            continue
        watch = _drift_watch(f"drift.{table.feature}", table, check, "ticket")
        yield replace(watch, origin="drift")


def _drift_watch(name: str, table: DriftTable, check: Check, acts: Level) -> Watch:
    live = replace(check, stage="monitor", of=(), features=(table.feature,), line=0, primary=False)
    watch = _watch(live, "contract", acts)
    return replace(watch, id=name, unconfirmed="none", needs_labels=table.kind == "label")


def _tables(counted: Counted, features: tuple[str, ...] | None) -> Iterator[DriftTable]:
    """The compared features over everybody; inputs alone where the contract does not name them."""
    for table in counted.drift:
        named = features is None or table.feature in features
        if table.over_everybody and table.kind in DRIFT_KINDS and named:
            yield table


def _watch(check: Check, origin: Origin, acts: Level) -> Watch:
    owner = check.on_fail.notify if check.on_fail else check.owner
    return Watch(
        id=".".join([check.id, "+".join(check.of[0])]) if check.of else check.id,
        check=check,
        origin=origin,
        warning="ticket",
        unconfirmed="ticket",
        confirmed=acts,
        owner=owner,
        acknowledge_hours=_PAGE_HOURS[check.severity],
        confirm=1,
        needs_labels=check.metric in NEEDS_LABEL,
        ticket_hours=_TICKET_HOURS,
    )


def _live(check: Check, subject: Subject) -> Check:
    """The check as it is judged after the release, for one subject."""
    return replace(check, stage="monitor", of=(subject,), features=None, line=0)


def _computable(check: Check, counted: Counted) -> Iterator[Subject]:
    """Subjects whose outcome a window's counts can give, as far as the release's counts could.

    Against the baseline a window is compared with the release itself.
    """
    if check.metric in _OF_COUNTS:
        alone = replace(check, against=None)
        yield from (subject for subject in check.of if not cannot_run(alone, subject, counted))


def _gates_values(check: Check) -> bool:
    """Whether a check compares groups or judges their values; rates are judged as values by default."""
    return check.compare is not None or check.metric in RATES


def _compared(check: Check) -> tuple[str, str, Subject]:
    """What a check looks at; named criteria are the rate they stand for, and a change is not the value."""
    names = CRITERIA.get(check.metric, (check.metric,))
    metric = names[0] if len(names) == 1 else check.metric
    return metric, check.against or check.compare or "value", check.of[0] if check.of else ()


def _limited(check: Check) -> tuple[object, ...]:
    """What a check looks at, and the limits it has."""
    return *_compared(check), check.limit.min, check.limit.max


def _made(contract: ReleaseContract, metric: str, limit: Limit, why: str) -> Check:
    """A check of the plan's own; the contract's author answers for it."""
    owner = contract.author
    return Check(
        id=metric,
        stage="training",
        metric=metric,
        compare=None,
        of=(),
        features=None,
        against=None,
        window=None,
        limit=limit,
        severity="minor",
        primary=False,
        owner=owner,
        why=why,
        on_fail=Response(action="ticket", notify=owner),
    )

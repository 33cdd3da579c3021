"""Where an edited plan asks for less than the contract: it is followed all the same, and that is said."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from audit_core.contract.schema import Limit
from audit_core.decision.followed import Looser
from audit_core.decision.plan import Level, Plan, Watch
from audit_core.decision.planning_watches import watches_of
from audit_core.decision.record import Audit

_LEVELS: tuple[Level, ...] = ("none", "ticket", "page")
_UPPER = ("max", "max_increase", "max_relative_increase", "floor")
"""Limits that allow more the larger they are, or where they are not there."""


def looser_terms(plan: Plan, audit: Audit) -> tuple[Looser, ...]:
    """Return every term of the plan that is weaker than in the plan the contract makes of this release.

    Guarantee: nothing where the plan is as it was made, or asks for more.
    """
    planned = {watch.id: watch for watch in plan.watches}
    found: list[Looser] = []
    for made in watches_of(audit.contract, audit.counted, audit.findings):
        own = planned.get(made.id)
        if own is None or _looked_at(own) != _looked_at(made):
            found.append(Looser(watch=made, term="watch", planned=None, made=None))
        else:
            found += [*_limits(own, made), *_answers(own, made)]
    return tuple(found)


def _looked_at(watch: Watch) -> tuple[object, ...]:
    check = watch.check
    return check.metric, check.compare, check.against, check.of, check.features


def _limits(own: Watch, made: Watch) -> Iterator[Looser]:
    planned, wanted = own.check.limit, made.check.limit
    for term in (*_UPPER, "min", "warn"):
        now, before = _amount(planned, term), _amount(wanted, term)
        upward = term in _UPPER or (term == "warn" and wanted.min is None)
        if _is_looser(now, before, upward=upward, floor=term == "floor"):
            yield Looser(watch=made, term=term, planned=now, made=before)


def _amount(limit: Limit, term: str) -> Fraction | None:
    found: Fraction | None = getattr(limit, term)
    return found


def _is_looser(now: Fraction | None, before: Fraction | None, *, upward: bool, floor: bool) -> bool:
    if now == before or (before is None and not floor):
        return False
    if now is None or before is None:
        return (now is None) != floor  # a floor lets small changes pass: without one, none does
    return now > before if upward else now < before


def _answers(own: Watch, made: Watch) -> Iterator[Looser]:
    """Levels of alerts, and how many windows in a row confirm one."""
    for term in ("confirmed", "unconfirmed", "warning"):
        now, before = getattr(own, term), getattr(made, term)
        if _LEVELS.index(now) < _LEVELS.index(before):
            yield Looser(watch=made, term=term, planned=now, made=before)
    if own.confirm > made.confirm:
        yield Looser(watch=made, term="confirm", planned=Fraction(own.confirm), made=Fraction(made.confirm))

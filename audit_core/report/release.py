"""The published tables of an audit, and the rates that may be read from them."""

from __future__ import annotations

from functools import lru_cache

from audit_core.contract.schema import ReleaseContract, Subject
from audit_core.cube.axes import UNKNOWN
from audit_core.cube.count_cube import CountCube, Group
from audit_core.cube.published import PublishedCube, Question, RateMasks, Withheld, publish
from audit_core.decision.record import Audit
from audit_core.metrics.catalogue import RATES, RateMetric
from audit_core.metrics.estimate import Estimate, Measured, Suppressed, TooFew, estimate_rate
from audit_core.metrics.measure import measured_subjects
from audit_core.metrics.rates import level_order

SMALL_GROUP = "privacy: a group this small, or one it could be worked out from, is not shown"
SMALL_COUNT = "privacy: a count this small, or one it could be worked out from, is not shown"
ABOUT_ROWS = ("label_coverage", "abstain_rate")
"""Rates of the rows that published tables may leave out: without them these rates mean nothing."""


def release_of(audit: Audit) -> PublishedCube:
    """Return the tables of an audit that may leave the workspace."""
    return _release(audit.counted.cube, audit.contract, audit.previous)


@lru_cache(maxsize=4)
def _release(cube: CountCube, contract: ReleaseContract, previous: tuple[Withheld, ...]) -> PublishedCube:
    return publish(cube, question_of(contract, cube), previous)


def question_of(contract: ReleaseContract, cube: CountCube) -> Question:
    """Return what is published together: every subject that is measured, with every level it could have."""
    subjects = measured_subjects(contract, cube)
    names = dict.fromkeys(name for subject in subjects for name in subject)
    return Question(
        subjects=subjects,
        levels=tuple((name, _levels(contract, cube, name)) for name in names),
        rates=tuple(map(masks_of, RATES.values())),
        floor=contract.support.privacy_floor,
        small_counts=contract.support.small_counts,
    )


def masks_of(rate: RateMetric) -> RateMasks:
    """Return a rate as the cube's own layer knows it."""
    return RateMasks(id=rate.id, numerator=rate.numerator, denominator=rate.denominator)


def _levels(contract: ReleaseContract, cube: CountCube, name: str) -> tuple[str, ...]:
    """Levels in the contract's order; the unknown one only where somebody has it."""
    present = cube.axis(name).levels
    return tuple(level for level in level_order(cube, contract, name) if level != UNKNOWN or level in present)


def released_rate(
    release: PublishedCube, subject: Subject, group: Group, metric: str, contract: ReleaseContract
) -> Estimate:
    """Return a rate as it may be published: exactly, or `Suppressed` with its reason."""
    cell, rate = release.cell(subject, group), RATES[metric]
    if cell is None or cell.shown == "hidden":
        return Suppressed(reason=SMALL_GROUP)
    counts = cell.rate(masks_of(rate))
    if counts is None or (metric in ABOUT_ROWS and not _whole(release, metric)):
        return Suppressed(reason=SMALL_COUNT)
    numerator, denominator = counts
    return estimate_rate(
        numerator,
        denominator,
        required=rate.required(contract.support),
        level=float(contract.statistics.level),
        method=contract.statistics.interval,
    )


def _whole(release: PublishedCube, metric: str) -> bool:
    """Whether some row is counted on both sides of a rate, so that neither side was left out as rare."""
    rate = RATES[metric]
    sides = [rate.numerator, rate.denominator & ~rate.numerator]
    return all(any(side[pair] for pair in release.measures) for side in sides)


def same_counts(internal: Estimate | None, released: Estimate) -> bool:
    """Whether a published rate stands on the very counts the analyst's does."""
    if not isinstance(internal, Measured | TooFew) or not isinstance(released, Measured | TooFew):
        return False
    return (internal.numerator, internal.denominator) == (released.numerator, released.denominator)

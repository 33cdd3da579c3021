"""Treatment equality: which of the two errors a group's people meet, and how often."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from audit_core.contract.schema import Subject
from audit_core.cube.count_cube import CountCube
from audit_core.metrics.catalogue import WRONG_NO_SHARE
from audit_core.metrics.clusters import Totals, design_effect
from audit_core.metrics.estimate import Count, Group
from audit_core.metrics.intervals import Interval, wilson, z_two_sided


@dataclass(frozen=True, slots=True, kw_only=True)
class TreatmentEquality:
    """A group's wrong no's (`fn`) and wrong yes's (`fp`), and the one per the other.

    `interval` is that of FN/FP, infinite above where no wrong yes can be told from none; None without errors.

    Raises
    ------
    ValueError
        When a count is negative.
    """

    group: Group
    fn: int
    fp: int
    interval: Interval | None

    def __post_init__(self) -> None:
        if self.fn < 0 or self.fp < 0:
            raise ValueError("a count is zero or more")

    @property
    def ratio(self) -> Fraction | None:
        """FN/FP; None where nobody was wrongly selected."""
        return Fraction(self.fn, self.fp) if self.fp else None


@dataclass(frozen=True, slots=True, kw_only=True)
class TreatmentRow:
    """Treatment equality of one group of a subject."""

    subject: Subject
    equality: TreatmentEquality


def treatment_equality(
    group: Group, fn: int, fp: int, *, level: float = 0.95, design_effect: float = 1.0
) -> TreatmentEquality:
    """Return the ratio of false negatives to false positives of a group, with both counts and its interval.

    Formula: FN/FP, none when FP = 0; interval l/(1−l) to u/(1−u), l and u the Wilson limits of FN/(FN+FP).

    Raises
    ------
    ValueError
        When a count is negative.

    References
    ----------
    Berk, Heidari, Jabbari, Kearns & Roth (2018), Sociological Methods & Research 50.
    """
    if fn < 0 or fp < 0:
        raise ValueError("a count is zero or more")
    interval = None
    if fn + fp:
        count = Count(group=group, numerator=fn, denominator=fn + fp, design_effect=design_effect)
        low, high = wilson(*count.effective, z_two_sided(level))
        interval = Interval(low / (1 - low), high / (1 - high) if high < 1 else math.inf)
    return TreatmentEquality(group=group, fn=fn, fp=fp, interval=interval)


def treatment_rows(
    cube: CountCube,
    groups: Sequence[tuple[Subject, Sequence[Group]]],
    people: Totals,
    *,
    level: float = 0.95,
) -> Iterator[TreatmentRow]:
    """Yield treatment equality of every group with a label and a decision, in the order given."""
    for subject, members in groups:
        tables = cube.outcomes(subject)
        for group in members:
            if group not in tables:
                continue
            fn, errors = WRONG_NO_SHARE.counts(tables[group])
            effect = design_effect(people.get((subject, group)), WRONG_NO_SHARE, fn, errors)
            found = treatment_equality(group, fn, errors - fn, level=level, design_effect=effect)
            yield TreatmentRow(subject=subject, equality=found)

"""What is published of a group: a cell of a table, shown, shown in part, or hidden."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np

from audit_core.cube.count_cube import Group, Integers
from audit_core.cube.feasible import Mask

Subject = tuple[str, ...]
Shown = Literal["hidden", "part", "counts"]
Measure = tuple[int, int]
"""A label and a decision, by their codes."""

STEPS = 20
"""A rate that may not be shown exactly is rounded to steps of five points."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateMasks:
    """A rate as masks over label × decision, shape (3, 4)."""

    id: str
    numerator: Mask
    denominator: Mask


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is published together: tables over these axes with these levels, their rates, and the floor.

    `window` names the axis every table is also published by, "" for none. `small_counts` says what becomes of
    a count under the floor inside a larger group: *protected*, it is hidden like a small group and can't be
    worked out; *rounded*, the rates it is the numerator of are shown to five points alone.
    """

    subjects: tuple[Subject, ...]
    levels: tuple[tuple[str, tuple[str, ...]], ...]
    rates: tuple[RateMasks, ...]
    floor: int
    window: str = ""
    small_counts: Literal["protected", "rounded"] = "protected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """A cell that was not shown whole, with its true counts: what the next release must remember.

    `hidden` lists the measures that were not shown; none where nothing at all was.
    """

    subject: Subject
    group: Group
    hidden: tuple[Measure, ...]
    counts: tuple[int, ...]

    @property
    def whole(self) -> bool:
        """Whether not even the number of people was shown."""
        return not self.hidden


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedCell:
    """One group of a table: its people, and its counts by label × decision as far as they are shown.

    Shape and units: `counts` and `known` are (3, 4); a count that is not known is 0 there. `rounded` holds
    rates in twentieths by their id, where exact ones are not shown. A rate with over 0 and under
    `least` people in its numerator, or outside it, is not shown exactly.
    """

    group: Group
    shown: Shown
    people: int | None
    counts: Integers
    known: Mask
    rounded: tuple[tuple[str, int], ...] = ()
    least: int = 0

    def rate(self, rate: RateMasks) -> tuple[int, int] | None:
        """Return (numerator, denominator) of a rate, or None where one of them is not shown."""
        numerator, denominator = self._sum(rate.numerator), self._sum(rate.denominator)
        if numerator is None or denominator is None:
            return None
        if 0 < numerator < self.least or 0 < denominator - numerator < self.least:
            return None
        return numerator, denominator

    def _sum(self, wanted: Mask) -> int | None:
        """People under a mask: the counts themselves, or everybody but the others."""
        if self.known[wanted].all():
            return int(self.counts[wanted].sum()) if self.people is not None else None
        if self.people is None or not self.known[~wanted].all():
            return None
        return self.people - int(self.counts[~wanted].sum())

    def rounded_rate(self, rate: str) -> Fraction | None:
        """Return a rate to the nearest five points, or None where not even that is shown."""
        found = dict(self.rounded).get(rate)
        return None if found is None else Fraction(found, STEPS)


def hidden_cell(group: Group) -> PublishedCell:
    """Return a cell of which nothing is shown."""
    nothing = np.zeros((3, 4), dtype=np.int64)
    return PublishedCell(group=group, shown="hidden", people=None, counts=nothing, known=nothing.astype(bool))


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedTable:
    """One table; `withheld` where none of its cells is shown."""

    subject: Subject
    cells: tuple[PublishedCell, ...]

    @property
    def withheld(self) -> bool:
        """Whether nothing of the table is shown."""
        return all(cell.shown == "hidden" for cell in self.cells)

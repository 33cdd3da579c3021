"""What a search for the worst slices found, how much it looked at, and what it could have seen."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from audit_core.contract.schema import Subject
from audit_core.metrics.estimate import Count
from audit_core.metrics.intervals import Interval, newcombe_difference, z_two_sided
from audit_core.metrics.shrunk import Prior
from audit_core.metrics.slice_cells import Slice

Worse = Literal["lower", "higher"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A slice's rate beside that of the rest: everybody else whose levels on its axes are known."""

    inside: Count
    rest: Count
    level: float

    @property
    def difference(self) -> Fraction | None:
        """Slice minus rest, exactly; None where either has nobody."""
        first, second = self.inside.value, self.rest.value
        return None if first is None or second is None else first - second

    @property
    def interval(self) -> Interval:
        """Newcombe's interval of the difference."""
        a, b, z = self.inside, self.rest, z_two_sided(self.level)
        return newcombe_difference(a.numerator, a.denominator, b.numerator, b.denominator, z)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One slice that was looked at, on all rows, with its place in the search half.

    `q` is the Benjamini–Hochberg value over every slice looked at; `shrunk` the rate drawn towards the common
    one, which ranks and decides nothing.
    """

    slice: Slice
    whole: Compared
    q: float
    shrunk: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """A slice that the search half singled out, with what became of it in the half that was held out.

    `adjusted` is its Holm-adjusted p-value over all slices carried over. `beyond` are slices reported before
    it that it shares people with: it differs from the others in them, or without their people, as well.
    `explained`: worse than the rest again, but not shown to be so beyond those. `also` are the slices whose
    difference it explains.
    """

    slice: Slice
    search: Compared
    q: float
    held_out: Compared
    p: float
    adjusted: float
    replicated: bool
    explained: bool
    beyond: tuple[Slice, ...]
    also: tuple[Slice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visible:
    """The smallest difference a slice of so many people would have shown in the search; None: not even the
    largest there can be.
    """

    people: int
    difference: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceHunt:
    """What a search found, how much it looked at, and what it could have seen.

    `minimum` people on either side made a slice worth looking at. `ranked` holds the first slices by shrunk
    rate, the worst first.
    """

    metric: str
    worse: Worse
    axes: Subject
    looked_at: int
    minimum: int
    seed: int
    level: float
    everybody: Count
    carried: tuple[Carried, ...]
    ranked: tuple[Looked, ...]
    visible: tuple[Visible, ...]
    prior: Prior | None

    @property
    def findings(self) -> tuple[Carried, ...]:
        """The slices that differ in the search half and again in the half that was held out."""
        return tuple(one for one in self.carried if one.replicated)

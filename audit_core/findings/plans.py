"""What a gap of rates, a ratio or a gap of means asks of each group before it can decide.

Values and limits are exact: what is measured on the limit itself lies on neither side of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, Protocol

from audit_core.cube.count_cube import Group
from audit_core.metrics.equal_groups import rates_by_chance
from audit_core.metrics.intervals import range_quantile, z_one_sided, z_simultaneous
from audit_core.metrics.planner import (
    POWER,
    Real,
    people_for_slice,
    people_to_confirm,
    people_to_confirm_slice,
    people_to_pass,
    slice_power,
    with_margin,
)
from audit_core.metrics.planner_other import (
    means_to_confirm,
    means_to_pass,
    ratio_to_confirm,
    ratio_to_pass,
    slice_of_spread,
)

POWER_WORDS = "80 %"
_STEP = 1.1
_MOST_EXACT = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One group as it stands: people of the check's unit, its rows, its value, and their spread.

    `effect` people of it count as one where people repeat; `people` are the effective ones. `spread` is n·se²
    of a mean. `value` is exact, and None without people.
    """

    group: Group
    have: int
    rows: int
    value: Fraction | None
    spread: float = 0.0
    effect: float = 1.0

    @property
    def people(self) -> int:
        """People of the unit, repeated ones counted as few as they are worth."""
        return int(self.have / self.effect)


class GapPlan(Protocol):
    """Numbers of effective people per group; None where no number decides."""

    @property
    def of(self) -> Literal["gap", "ratio", "area"]:
        """What the plan assumes a true value of."""

    @property
    def high(self) -> Sample | None:
        """The group with the highest value."""

    @property
    def low(self) -> Sample | None:
        """The group with the lowest value."""

    def equal(self) -> int | None:
        """Each group, to be shown within the limit when all are truly equal."""

    def alone(self, sample: Sample, *, apart: bool) -> int | None:
        """One group, while the others stay: all truly equal, or (`apart`) as far apart as measured."""

    def measured(self) -> Fraction:
        """The gap or ratio measured between the ends."""

    def apart(self, sample: Sample) -> int | None:
        """One group, to be shown within the limit when the true values are those measured."""

    def confirm(self, protected: int) -> int | None:
        """Both ends, to confirm a failure at the values measured, among so many protected groups."""

    def confirm_alone(self, sample: Sample, other: Sample, protected: int) -> int | None:
        """One end, for the same, while the other stays as it is."""


def equal_rates(rate: Real, groups: int, limit: Fraction, level: float) -> int | None:
    """Return how many people each of so many truly equal groups needs to be shown within a limit.

    Formula: `people_to_pass`; near a rate of 0 or 1, where it falls short, 30 % more, and on from there
    in steps of a tenth until the exact chance reaches the planned power.
    """
    people = people_to_pass(rate, groups, limit, level=level)
    wide = with_margin(people, rate) if people is not None else None
    while wide is not None and wide != people and wide < _MOST_EXACT:
        if rates_by_chance("difference", wide, groups, float(rate), limit, level).within >= POWER:
            break
        wide = math.ceil(_STEP * wide)
    return wide


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ends:
    """Fields all three plans share: the groups that decide, the two ends of the gap, limit and level."""

    samples: tuple[Sample, ...]
    high: Sample | None
    low: Sample | None
    limit: Fraction
    level: float

    def _values(self) -> tuple[Fraction, Fraction]:
        """(highest, lowest) value; callers ask only where both are there."""
        assert self.high is not None and self.low is not None
        assert self.high.value is not None and self.low.value is not None
        return self.high.value, self.low.value

    def _largest_gap(self, sample: Sample) -> Fraction:
        high, low = self._values()
        value = high if sample.value is None else sample.value
        return max(high - value, value - low)

    def _reach(self, *, apart: bool) -> float:
        """Standard errors between the true value and the limit at which one pair decides."""
        power = z_one_sided(POWER) if apart else range_quantile(POWER, len(self.samples)) / math.sqrt(2)
        return z_one_sided(self.level) + power

    def _others(self, sample: Sample) -> list[Sample]:
        return [other for other in self.samples if other.group != sample.group]

    def _pooled(self) -> Fraction | None:
        """Rate of all groups together; half a person on each side keeps 0 of 8 from meaning never."""
        known = [(sample.value, sample.people) for sample in self.samples if sample.value is not None]
        people = sum(number for _, number in known)
        half = Fraction(1, 2)
        return sum((value * number for value, number in known), half) / (people + 1) if people else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferencePlan(_Ends):
    """A gap between rates: METHODS §5."""

    of: Literal["gap"] = "gap"

    def equal(self) -> int | None:
        rate, groups = self._pooled(), len(self.samples)
        if rate is None or not 0 < self.limit < 1:
            return None
        return equal_rates(rate, groups, self.limit, self.level)

    def alone(self, sample: Sample, *, apart: bool) -> int | None:
        pooled, others, gap = self._pooled(), self._others(sample), self.measured() if apart else Fraction(0)
        if pooled is None or not 0 < self.limit < 1:
            return None
        rates = {s.group: s.value if apart and s.value is not None else pooled for s in self.samples}
        stay = [(rates[other.group], other.people) for other in others]
        power = POWER if apart else slice_power(len(self.samples), POWER)
        rate = max(rates[sample.group], gap)
        found = people_for_slice(rate, stay, self.limit, gap, power, self.level)
        return with_margin(found, rate) if found is not None and not apart else found

    def measured(self) -> Fraction:
        high, low = self._values()
        return high - low

    def apart(self, sample: Sample) -> int | None:
        if not 0 < self.limit < 1:
            return None
        high, low = self._values()
        gap, value = self._largest_gap(sample), high if sample.value is None else sample.value
        top = high if high - value >= value - low else value
        return people_to_pass(top, len(self.samples), self.limit, gap, level=self.level)

    def confirm(self, protected: int) -> int | None:
        if not 0 < self.limit < 1:
            return None
        high, _ = self._values()
        return people_to_confirm(high, protected, self.limit, self.measured(), level=self.level)

    def confirm_alone(self, sample: Sample, other: Sample, protected: int) -> int | None:
        if sample.value is None or other.value is None or not 0 < self.limit < 1:
            return None
        stays = (other.value, other.people)
        return people_to_confirm_slice(sample.value, stays, protected, self.limit, level=self.level)


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioPlan(_Ends):
    """A ratio of rates: the score test that Koopman's interval inverts; one slice on the log scale."""

    of: Literal["ratio"] = "ratio"

    def equal(self) -> int | None:
        rate = self._pooled()
        if rate is None or not 0 < self.limit < 1:
            return None
        return ratio_to_pass(rate, len(self.samples), self.limit, level=self.level)

    def alone(self, sample: Sample, *, apart: bool) -> int | None:
        pooled, true = self._pooled(), self.measured() if apart else Fraction(1)
        if pooled is None or not 0 < self.limit < 1 or true <= 0:
            return None
        rates = {s.group: s.value if apart and s.value else pooled for s in self.samples}
        spreads = {group: float((1 - rate) / rate) for group, rate in rates.items()}
        stay = [(spreads[other.group], other.people) for other in self._others(sample)]
        distance = math.log(true) - math.log(self.limit)
        return slice_of_spread(spreads[sample.group], stay, distance, self._reach(apart=apart))

    def measured(self) -> Fraction:
        high, low = self._values()
        return low / high if high else Fraction(1)

    def apart(self, sample: Sample) -> int | None:
        high, low = self._values()
        if not high or not 0 < self.limit < 1:
            return None
        value = high if sample.value is None else sample.value
        quotient = min(value / high, low / value if value else Fraction(0), Fraction(1))
        return ratio_to_pass(high, len(self.samples), self.limit, quotient, level=self.level)

    def confirm(self, protected: int) -> int | None:
        high, _ = self._values()
        if not high or not 0 < self.limit < 1:
            return None
        return ratio_to_confirm(high, protected, self.limit, self.measured(), level=self.level)

    def confirm_alone(self, sample: Sample, other: Sample, protected: int) -> int | None:
        if not sample.value or not other.value or not 0 < self.limit < 1:
            return None
        reach = z_simultaneous(self.level, protected) + z_one_sided(POWER)
        distance = abs(math.log(sample.value / other.value)) + math.log(self.limit)
        stays = [(float((1 - other.value) / other.value), other.people)]
        return slice_of_spread(float((1 - sample.value) / sample.value), stays, distance, reach)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanPlan(_Ends):
    """A gap between means (calibration in the large) or areas (AUC), each with its own spread."""

    of: Literal["gap", "area"] = "gap"

    def _spreads(self) -> list[float]:
        """Spread of each group; one of no or one row is taken to be as wide as the widest known."""
        known = [s.spread for s in self.samples if math.isfinite(s.spread) and s.have > 1]
        if not known:
            return []
        return [s.spread if math.isfinite(s.spread) and s.have > 1 else max(known) for s in self.samples]

    def _spread(self, sample: Sample) -> float:
        return dict(zip((s.group for s in self.samples), self._spreads(), strict=True))[sample.group]

    def equal(self) -> int | None:
        spreads = self._spreads()
        if not spreads or self.limit <= 0:
            return None
        return means_to_pass(spreads, self.limit, level=self.level)

    def alone(self, sample: Sample, *, apart: bool) -> int | None:
        if not self._spreads():
            return None
        stay = [(self._spread(other), other.people) for other in self._others(sample)]
        distance = float(self.limit - (self.measured() if apart else 0))
        return slice_of_spread(self._spread(sample), stay, distance, self._reach(apart=apart))

    def measured(self) -> Fraction:
        high, low = self._values()
        return high - low

    def apart(self, sample: Sample) -> int | None:
        spreads, gap = self._spreads(), self._largest_gap(sample)
        if not spreads or self.limit <= 0:
            return None
        return means_to_pass(spreads, self.limit, gap, level=self.level)

    def confirm(self, protected: int) -> int | None:
        if not self._spreads() or self.limit <= 0 or self.high is None or self.low is None:
            return None
        ends = [self._spread(self.high), self._spread(self.low)]
        return means_to_confirm(ends, protected, self.limit, self.measured(), level=self.level)

    def confirm_alone(self, sample: Sample, other: Sample, protected: int) -> int | None:
        if not self._spreads():
            return None
        reach = z_simultaneous(self.level, protected) + z_one_sided(POWER)
        distance = float(self.measured() - self.limit)
        return slice_of_spread(self._spread(sample), [(self._spread(other), other.people)], distance, reach)

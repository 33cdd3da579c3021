"""The impact tables of one run: selection rates, scoring rates, and whether published tables agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations
from typing import Literal

from audit_core.contract.schema import ReleaseContract, Subject
from audit_core.cube.count_cube import CountCube, Group, Integers, is_unknown
from audit_core.cube.counted import Counted
from audit_core.metrics.catalogue import RATES, UNSELECTED, RateMetric
from audit_core.metrics.clusters import totals_by_group
from audit_core.metrics.estimate import Count
from audit_core.metrics.hiring import ImpactTable, impact_table
from audit_core.metrics.measure import rate_metric
from audit_core.metrics.rates import ordered_groups, rate_counts

Measure = Literal["selection_rate", "scoring_rate"]
NoScoring = Literal["not_employment", "published", "no_score", "low_is_good"]
"""Why there are no scoring rates; `low_is_good`: not being selected is the favourable decision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectImpact:
    """The impact table of one attribute or combination, for selection or for scoring.

    `small` counts the cells under the contract's privacy floor: groups of fewer people than that, and groups
    in which fewer than that were selected or fewer were not.
    """

    subject: Subject
    measure: Measure
    table: ImpactTable
    small: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """A group that two published tables count differently: (people, selected) in each."""

    subject: Subject
    group: Group
    other: Subject
    counted: tuple[int, int]
    implied: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class HiringTables:
    """Every impact table of a run, in the contract's order; `median` is None without scoring rates."""

    selection: tuple[SubjectImpact, ...]
    scoring: tuple[SubjectImpact, ...]
    median: Fraction | None
    no_scoring: NoScoring | None
    disagreements: tuple[Disagreement, ...]

    @property
    def lowest(self) -> SubjectImpact | None:
        """The single attribute (else the combination) with the smallest impact ratio of selection rates."""
        found = [part for part in self.selection if part.table.lowest is not None]
        return min(found, key=_lowest) if found else None

    def of(self, subject: Subject, measure: Measure) -> SubjectImpact | None:
        """Return the table of a subject, if there is one."""
        parts = self.selection if measure == "selection_rate" else self.scoring
        return next((part for part in parts if part.subject == subject), None)


def hiring_tables(contract: ReleaseContract, counted: Counted) -> HiringTables | None:
    """Return the impact tables of a run, or None where nothing was decided about anybody.

    Rates are those of the favourable decision. There is a table of each protected attribute and of each
    combination that the contract declares or a publisher counted.
    """
    if not counted.decides:
        return None
    cube, row = counted.cube, rate_metric(contract, "selection_rate", favourable=True)
    subjects = hiring_subjects(contract, cube)
    if not subjects:
        return None
    selection = tuple(
        _impact(contract, counted, cube, subject, "selection_rate", row) for subject in subjects
    )
    split, missing = counted.median, _no_scoring(contract, counted, row)
    scoring: tuple[SubjectImpact, ...] = ()
    if split is not None and missing is None:
        higher = RATES["selection_rate"]
        crossed = [subject for subject in subjects if split.cube.holds(subject)]
        scoring = tuple(
            _impact(contract, counted, split.cube, subject, "scoring_rate", higher) for subject in crossed
        )
    return HiringTables(
        selection=selection,
        scoring=scoring,
        median=(Fraction(split.lower) + Fraction(split.upper)) / 2 if split and scoring else None,
        no_scoring=missing,
        disagreements=tuple(_disagreements(cube, row)),
    )


def hiring_subjects(contract: ReleaseContract, cube: CountCube) -> tuple[Subject, ...]:
    """Return the protected attributes, the declared combinations of them, and those that were published."""
    protected = {attribute.name for attribute in contract.data.attributes}
    protected = protected or {name for subject in cube.published for name in subject}
    named: list[Subject] = [(attribute.name,) for attribute in contract.data.attributes]
    named += [*contract.data.intersections, *cube.published]
    once = {frozenset(subject): subject for subject in reversed(named)}  # sex × race is race × sex
    kept = [subject for subject in dict.fromkeys(named) if once[frozenset(subject)] == subject]
    return tuple(subject for subject in kept if cube.holds(subject) and protected.issuperset(subject))


def _impact(
    contract: ReleaseContract,
    counted: Counted,
    cube: CountCube,
    subject: Subject,
    measure: Measure,
    row: RateMetric,
) -> SubjectImpact:
    tables = cube.outcomes(subject)
    people = totals_by_group(counted.people) if measure == "selection_rate" else None
    groups = ordered_groups(cube, contract, subject)
    counts = rate_counts(tables, groups, row, subject=subject, people=people)
    unknown = [_count(group, tables, row) for group in groups if is_unknown(group) and group in tables]
    found = impact_table(counts, unknown=unknown, level=float(contract.statistics.level))
    floor = contract.support.privacy_floor
    small = sum(1 for c in (*counts, *unknown) if _is_small(c, floor))
    return SubjectImpact(subject=subject, measure=measure, table=found, small=small)


def _is_small(count: Count, floor: int) -> bool:
    """Whether some people behind a cell are fewer than the floor; nobody at all can't be recognised."""
    parts = (count.denominator, count.numerator, count.denominator - count.numerator)
    return any(0 < people < floor for people in parts)


def _count(group: Group, tables: Mapping[Group, Integers], row: RateMetric) -> Count:
    numerator, denominator = row.counts(tables[group])
    return Count(group=group, numerator=numerator, denominator=denominator)


def _no_scoring(contract: ReleaseContract, counted: Counted, row: RateMetric) -> NoScoring | None:
    if counted.cube.published:
        return "published"
    if contract.domain != "employment":
        return "not_employment"
    if row is UNSELECTED:
        return "low_is_good"
    return "no_score" if counted.median is None else None


def _disagreements(cube: CountCube, row: RateMetric) -> list[Disagreement]:
    """Groups whose own table and whose part of a larger table do not count the same people."""
    found = []
    for own, larger in permutations(cube.published, 2):
        if not set(own) < set(larger):
            continue
        places = [larger.index(name) for name in own]
        implied: dict[Group, tuple[int, int]] = {}
        for group, table in cube.outcomes(larger).items():
            part = tuple(group[place] for place in places)
            x, n = row.counts(table)
            people, selected = implied.get(part, (0, 0))
            implied[part] = (people + n, selected + x)
        for group, table in cube.outcomes(own).items():
            selected, people = row.counts(table)
            if not is_unknown(group) and implied.get(group, (0, 0)) != (people, selected):
                found.append(
                    Disagreement(
                        subject=own, group=group, other=larger, counted=(people, selected),
                        implied=implied.get(group, (0, 0)),
                    )
                )  # fmt: skip
    return found


def _lowest(part: SubjectImpact) -> tuple[int, Fraction]:
    """Single attributes before combinations, then the smallest ratio."""
    line = part.table.lowest
    assert line is not None and line.impact_ratio is not None
    return len(part.subject), line.impact_ratio

"""Counts per group in the contract's order, for one metric or for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

from audit_core.contract.schema import ReleaseContract, Subject
from audit_core.cube.axes import UNKNOWN
from audit_core.cube.count_cube import CountCube, Group, Integers, is_unknown
from audit_core.metrics.catalogue import RateMetric
from audit_core.metrics.clusters import Totals, design_effect
from audit_core.metrics.estimate import Count

MAX_UNKNOWN_SHARE = (1, 10)
"""Above this share of unknown cells an attribute's groups can't be relied on (METHODS 0.5)."""


def ordered_groups(cube: CountCube, contract: ReleaseContract, subject: Subject) -> tuple[Group, ...]:
    """Return the groups of a subject in the contract's order, required ones first, unknown ones last.

    A required group that holds no row is listed too: it is missing, not absent from the question.
    """
    present = set(cube.groups(subject)[0])
    wanted = {group for group in required_groups(cube, contract, subject) if group not in present}
    orders = [level_order(cube, contract, name) for name in subject]
    ranks = [{level: place for place, level in enumerate(order)} for order in orders]
    return tuple(
        sorted(
            present | wanted,
            key=lambda group: [rank[level] for rank, level in zip(ranks, group, strict=True)],
        )
    )


def known_groups(cube: CountCube, contract: ReleaseContract, subject: Subject) -> tuple[Group, ...]:
    """Return the groups of a subject that can be compared, in the order of `ordered_groups`."""
    return tuple(group for group in ordered_groups(cube, contract, subject) if not is_unknown(group))


def level_order(cube: CountCube, contract: ReleaseContract, name: str) -> tuple[str, ...]:
    """Return the levels of an axis: required ones, then bands or the alphabet, then unknown."""
    attribute = contract.attribute(name)
    named = list(attribute.required or ()) if attribute else []
    if attribute and attribute.bands:
        named += attribute.bands.labels
    levels = [level for level in cube.axis(name).levels if level != UNKNOWN]
    listed = dict.fromkeys([*named, *sorted(levels)])
    return (*listed, UNKNOWN)


def required_groups(cube: CountCube, contract: ReleaseContract, subject: Subject) -> tuple[Group, ...]:
    """Return the groups a PASS needs: those the contract lists, else every group that holds a row.

    A combination is required when each of its parts is; it counts as missing only where the contract lists
    every part by name.
    """
    listed = []
    for name in subject:
        attribute = contract.attribute(name)
        listed.append(attribute.required if attribute else None)
    present = [group for group in cube.groups(subject)[0] if not is_unknown(group)]
    required = {
        group
        for group in present
        if all(names is None or level in names for names, level in zip(listed, group, strict=True))
    }
    if all(names is not None for names in listed):
        required |= set(product(*(names or () for names in listed)))
    return tuple(sorted(required))


def listed_groups(cube: CountCube, contract: ReleaseContract, subject: Subject) -> tuple[Group, ...]:
    """Return the groups whose absence is a fault: the required ones, else every band of the cuts."""
    found = set(required_groups(cube, contract, subject))
    attribute = contract.attribute(subject[0]) if len(subject) == 1 else None
    if attribute and attribute.bands and attribute.required is None:
        found |= {(label,) for label in attribute.bands.labels}
    return tuple(sorted(found))


def rate_counts(
    tables: dict[Group, Integers],
    groups: Sequence[Group],
    metric: RateMetric,
    *,
    subject: Subject = (),
    people: Totals | None = None,
) -> tuple[Count, ...]:
    """Return one count per comparable group, in the order given; unknown groups are left out.

    `people` holds the totals of repeated people by subject and group, where there are any.
    """
    known = (group for group in groups if not is_unknown(group))
    return tuple(group_count(tables, group, metric, subject=subject, people=people) for group in known)


def group_count(
    tables: Mapping[Group, Integers],
    group: Group,
    metric: RateMetric,
    *,
    subject: Subject = (),
    people: Totals | None = None,
) -> Count:
    """Return one group's count of a metric, with the design effect of its repeated people."""
    numerator, denominator = metric.counts(tables[group]) if group in tables else (0, 0)
    total = people.get((subject, group)) if people else None
    effect = design_effect(total, metric, numerator, denominator)
    return Count(group=group, numerator=numerator, denominator=denominator, design_effect=effect)


def unknown_counts(tables: dict[Group, Integers], metric: RateMetric) -> tuple[int, int]:
    """Return (numerator, denominator) of the people whose group is unknown."""
    found = [metric.counts(table) for group, table in tables.items() if is_unknown(group)]
    return sum(x for x, _ in found), sum(n for _, n in found)


def too_many_unknown(tables: dict[Group, Integers]) -> bool:
    """Whether over a tenth of the rows have no known group."""
    total = sum(int(table.sum()) for table in tables.values())
    unknown = sum(int(table.sum()) for group, table in tables.items() if is_unknown(group))
    return unknown * MAX_UNKNOWN_SHARE[1] > total * MAX_UNKNOWN_SHARE[0]

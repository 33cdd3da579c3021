"""Shares of missing cells compared between groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from audit_core.cube.axes import UNKNOWN
from audit_core.cube.missing import MissingTable
from audit_core.metrics.estimate import Count, Estimate, estimate_rate
from audit_core.metrics.gaps import Gap, difference_gap


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingRow:
    """Missing cells of one column by group of one attribute; `apart`: the groups differ beyond chance.

    `gap` compares the groups that are known; `groups` has every group, the unknown one last.
    """

    attribute: str
    column: str
    part: str
    groups: tuple[tuple[str, Estimate], ...]
    gap: Gap

    @property
    def apart(self) -> bool:
        """Whether the lower bound over all pairs leaves out 0."""
        return self.gap.lower_all > 0


def missing_rows(
    tables: Sequence[MissingTable], orders: Mapping[str, Sequence[str]], *, level: float, required: int
) -> tuple[MissingRow, ...]:
    """Return every column with missing cells, attribute by attribute, the largest gap first.

    `orders` lists the levels of every attribute in the contract's order; others follow.

    Formula: share of missing cells with its Wilson interval; gap as `difference_gap`.
    """
    rows = [_row(table, orders.get(table.attribute, ()), level, required) for table in tables]
    order = {name: place for place, name in enumerate(dict.fromkeys(table.attribute for table in tables))}
    return tuple(sorted(rows, key=lambda row: (order[row.attribute], -(row.gap.value_all or 0), row.column)))


def _row(table: MissingTable, listed: Sequence[str], level: float, required: int) -> MissingRow:
    place = {name: i for i, name in enumerate(listed)}
    cells = sorted(
        zip(table.groups, table.missing, table.rows, strict=True),
        key=lambda cell: (cell[0] == UNKNOWN, place.get(cell[0], len(place)), cell[0]),
    )
    known = [Count(group=(g,), numerator=x, denominator=n) for g, x, n in cells if g != UNKNOWN]
    return MissingRow(
        attribute=table.attribute,
        column=table.column,
        part=table.part,
        groups=tuple((g, estimate_rate(x, n, required=required, level=level)) for g, x, n in cells),
        gap=difference_gap(known, min_support=required, level=level),
    )

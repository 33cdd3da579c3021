"""Training weights under which group and label are independent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from audit_core.metrics.estimate import Group


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledRows:
    """Training rows of one group, by label.

    Raises
    ------
    ValueError
        When a count is negative.
    """

    positives: int
    negatives: int

    def __post_init__(self) -> None:
        if min(self.positives, self.negatives) < 0:
            raise ValueError("a number of rows is zero or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupWeights:
    """Weights of a group's rows by label; None where the group has no such row to weigh."""

    group: Group
    positive: Fraction | None
    negative: Fraction | None


def reweighing(rows: Mapping[Group, LabelledRows]) -> tuple[GroupWeights, ...]:
    """Return the weight of every group's positives and negatives, in the order given.

    Formula: w(g, y) = P(g)P(y)/P(g, y) = n_g·n_y/(n·n_gy).

    Guarantee: exact. Where no cell is empty every group has the same share of positives by weight, and the
    weights of all rows add up to their number. An empty cell has no weight, not a weight of 0, and
    independence is then out of reach for its group.

    References
    ----------
    Kamiran & Calders (2012), Knowledge and Information Systems 33.
    """
    positives = sum(cell.positives for cell in rows.values())
    negatives = sum(cell.negatives for cell in rows.values())
    whole = positives + negatives

    def weight(cell: LabelledRows, of_label: int, both: int) -> Fraction | None:
        people = cell.positives + cell.negatives
        return Fraction(people * of_label, whole * both) if both else None

    return tuple(
        GroupWeights(
            group=group,
            positive=weight(cell, positives, cell.positives),
            negative=weight(cell, negatives, cell.negatives),
        )
        for group, cell in rows.items()
    )

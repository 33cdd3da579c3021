"""Cells without a value, group by group: missing data hits groups unequally."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingTable:
    """Rows of each group of an attribute, and how many of them lack a value in one column.

    `part` says what the column is: a feature, the score, or the label. Rows that were left out for want of a
    decision are counted here too: that is what is missing.
    """

    attribute: str
    column: str
    part: str
    groups: tuple[str, ...]
    rows: tuple[int, ...]
    missing: tuple[int, ...]

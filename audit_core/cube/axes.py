"""The axes of a count cube: which columns are crossed, and how their cells become levels."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

AxisKind = Literal["attribute", "slice", "window"]

UNKNOWN = ""
"""Level of a missing or unknown cell; no real level is empty, since an empty cell is a missing one."""

UNKNOWN_WORD = "unknown"
OTHER = "other (folded)"
"""Level that holds every level beyond the `MAX_LEVELS` most frequent of its axis."""

MAX_LEVELS = 200

NO, YES, NEITHER, ABSENT = 0, 1, 2, 3
"""Codes of label and decision. NEITHER: a missing label, or an abstained decision. ABSENT: no decision at all
(a file without scores, before the model exists)."""

NO_BAND = -1
"""Band of a row that has no score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One axis: its name, its part in the audit, and its levels in the order of their text."""

    name: str
    kind: AxisKind
    levels: tuple[str, ...]


def level_word(level: str) -> str:
    """Return the word a person reads for a level."""
    return level or UNKNOWN_WORD


def group_words(group: Iterable[str]) -> str:
    """Return a group's levels as one text, unknown ones in words."""
    return " × ".join(level_word(level) for level in group)


_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)
"""No fractions (1/2 may be a date), and no exponent that would take a minute to write out."""


def same_value(cell: str, named: str) -> bool:
    """Whether a cell holds the value a contract names.

    Cells are compared as raw text and, where both sides parse as numbers or as booleans, by value
    ('1.0' is 1, 'true' is 'True').
    """
    if cell == named:
        return True
    left, right = _parsed(cell), _parsed(named)
    return left is not None and left == right


def matching(cells: Iterable[str], named: Iterable[str]) -> tuple[str, ...]:
    """Return the cells that hold one of the named values."""
    texts = set(named)
    values = {_parsed(text) for text in texts} - {None}
    return tuple(cell for cell in cells if cell in texts or _parsed(cell) in values)


def _parsed(text: str) -> Fraction | bool | None:
    stripped = text.strip()
    if stripped.lower() in ("true", "false"):
        return stripped.lower() == "true"
    return Fraction(stripped) if len(stripped) < 400 and _DECIMAL.fullmatch(stripped) else None

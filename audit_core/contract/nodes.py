"""YAML 1.2 text as placed nodes: every value knows its line and column, and nothing is guessed.

The tree is built from the parser's events rather than from Python objects, so that every duplicate key is
seen, numbers keep the digits their author wrote, and a date stays the text it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Literal, TypeAlias

Data: TypeAlias = "bool | int | Decimal | str | list[Data] | dict[str, Data] | None"

_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,2})?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_LONGEST_NUMBER = 40  # digits; a longer one is a mistake, and exact arithmetic on it would stall the tool
_NULLS = {"", "~", "null", "Null", "NULL"}
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One value of the text: a scalar, a list or a mapping.

    `start` and `end` are offsets into the text, `line` and `column` the 1-based place of the start. `plain`
    is true for a scalar without quotes, the only kind that can be a number, true/false or empty. `size`
    counts the node and everything below it, `height` its levels. `damaged` is true for a collection of which
    a part was refused, so that what seems to be missing in it may be what was refused.
    """

    kind: Literal["scalar", "list", "map"]
    start: int
    end: int
    line: int
    column: int
    text: str = ""
    plain: bool = False
    flow: bool = True
    items: tuple[Node, ...] = ()
    entries: tuple[Entry, ...] = ()
    size: int = 1
    height: int = 1
    damaged: bool = False

    def get(self, *path: str) -> Node | None:
        """Return the value under a path of keys, or None where the text says nothing."""
        node: Node | None = self
        for key in path:
            if node is None:
                return None
            node = next((entry.value for entry in node.entries if entry.key.text == key), None)
        return node

    def child(self, step: str | int) -> Node | None:
        """Return the value under one key, or the item at one position."""
        if isinstance(step, str):
            return self.get(step)
        return self.items[step] if 0 <= step < len(self.items) else None

    def listed(self, *path: str) -> tuple[Node, ...]:
        """Return the items under a path of keys; a single scalar counts as a list of one."""
        node = self.get(*path)
        if node is None or node.kind == "map":
            return ()
        return node.items if node.kind == "list" else (node,)

    def walk(self) -> Iterator[Node]:
        """Yield this node and every value below it."""
        yield self
        for below in (*self.items, *(entry.value for entry in self.entries)):
            yield from below.walk()

    @property
    def last(self) -> int:
        """Offset after the last character of the value's own text.

        A block list or mapping ends, for the parser, where the next one begins; its last value ends earlier.
        """
        below = self.items[-1] if self.items else self.entries[-1].value if self.entries else None
        return self.end if self.flow or below is None else below.last

    @property
    def number(self) -> Fraction | None:
        """The exact number a plain scalar stands for (0.10 is 1/10), or None for anything else."""
        if self.kind != "scalar" or not self.plain or len(self.text) > _LONGEST_NUMBER:
            return None
        return Fraction(self.text) if _NUMBER.fullmatch(self.text) else None

    @property
    def finite(self) -> bool:
        """False for the YAML words of infinity and not-a-number."""
        return not (self.plain and _NOT_FINITE.fullmatch(self.text))

    def data(self) -> Data:
        """Return the value as plain data; numbers stay decimal."""
        if self.kind == "list":
            return [item.data() for item in self.items]
        if self.kind == "map":
            return {entry.key.text: entry.value.data() for entry in self.entries}
        if not self.plain:
            return self.text
        if self.text in _NULLS:
            return None
        if self.text in _BOOLEANS:
            return _BOOLEANS[self.text]
        if self.number is None:
            return self.text
        return int(self.text) if self.text.lstrip("+-").isdigit() else Decimal(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A key of a mapping and its value."""

    key: Node
    value: Node


def without(node: Node, refused: frozenset[int]) -> Node:
    """Return the tree without the values and keys (by identity) that are already known to be wrong.

    Later rules then meet only values of the right type. A list of scalars goes as a whole: what is left of it
    would be judged for a length its author did not write.
    """
    items = tuple(without(item, refused) for item in node.items if id(item) not in refused)
    entries = tuple(
        Entry(key=entry.key, value=without(entry.value, refused))
        for entry in node.entries
        if not {id(entry.key), id(entry.value)} & refused and not _holed(entry.value, refused)
    )
    damaged = len(items) < len(node.items) or len(entries) < len(node.entries)
    return replace(node, items=items, entries=entries, damaged=damaged)


def _holed(node: Node, refused: frozenset[int]) -> bool:
    """Whether a list without mappings lost any of its items."""
    if node.kind != "list" or any(item.kind == "map" for item in node.items):
        return False
    return any(id(below) in refused for below in node.walk())

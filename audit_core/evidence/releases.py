"""What a published part hid, as plain JSON and back: the next one under the same contract hides it too."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from audit_core.cube.cells import Withheld


def withheld_to_json(cells: Iterable[Withheld]) -> list[list[Any]]:
    """Return hidden cells with their true counts; they stay in the workspace."""
    return [
        [list(cell.subject), list(cell.group), [list(pair) for pair in cell.hidden], list(cell.counts)]
        for cell in cells
    ]


def withheld_from_json(data: Iterable[Any]) -> tuple[Withheld, ...]:
    """Return the hidden cells that were stored."""
    return tuple(
        Withheld(
            subject=tuple(subject),
            group=tuple(group),
            hidden=tuple((int(label), int(decision)) for label, decision in hidden),
            counts=tuple(map(int, counts)),
        )
        for subject, group, hidden, counts in data
    )

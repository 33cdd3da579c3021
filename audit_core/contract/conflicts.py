"""What an accepted conflict owes the rest of its contract: checks that exist, named once, and a real day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from audit_core.contract.columns import repeats
from audit_core.contract.compose import short
from audit_core.contract.nodes import Node
from audit_core.contract.shape import did_you_mean, problem
from audit_core.errors import Problem


def conflict_problems(root: Node) -> Iterator[Problem]:
    """Yield every breach of the rules for `conflicts`; the role is checked with every other role."""
    ids = [check.get("id") for check in root.listed("checks")]
    known = sorted(node.text for node in ids if node is not None)
    for entry in root.listed("conflicts"):
        named = entry.listed("checks")
        if not root.damaged and None not in ids:
            for node in named:
                if node.text not in known:
                    said = f"“{short(node.text)}” is not the id of a check{did_you_mean(node.text, known)}"
                    yield problem(node, "undefined-check", said)
        yield from repeats(named, "check")
        yield from _day(entry.get("date"))


def _day(node: Node | None) -> Iterator[Problem]:
    if node is None:
        return
    try:
        date.fromisoformat(node.text)
    except ValueError:
        yield problem(node, "not-a-date", f"“{node.text}” is not a day of the calendar")

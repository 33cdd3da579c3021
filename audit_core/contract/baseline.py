"""What the section on the baseline owes the data: a column of its own, and a cut-off on the score's scale."""

from __future__ import annotations

from collections.abc import Iterator

from audit_core.contract.compose import short
from audit_core.contract.nodes import Node
from audit_core.contract.shape import problem
from audit_core.errors import Problem

_PARTS = ("score", "label", "decision")


def baseline_problems(root: Node) -> Iterator[Problem]:
    """Yield every breach of the rules for `baseline`."""
    column, threshold = root.get("baseline", "column"), root.get("baseline", "threshold")
    if column is not None:
        yield from _column(root, column)
    if threshold is not None:
        yield from _threshold(root, threshold)


def _column(root: Node, column: Node) -> Iterator[Problem]:
    """The approved model's column is no other part's: a comparison with itself would find no change."""
    for part in _PARTS:
        taken = root.get("data", part, "column")
        if taken is not None and taken.text == column.text:
            message = (
                f"“{short(column.text)}” is the {part} of the audited model; name the approved model's own"
            )
            yield problem(column, "same-column", message)


def _threshold(root: Node, threshold: Node) -> Iterator[Problem]:
    """The cut-off lies on the score's scale; without a score it cuts nothing."""
    data, score = root.get("data"), root.get("data", "score")
    if score is None:
        if data is not None and not data.damaged and not root.damaged:
            message = (
                "“threshold” cuts a score, and the contract has none: add score under data, or delete it"
            )
            yield problem(threshold, "key-not-used", message)
        return
    ends = score.get("range")
    low, high = (end.number for end in ends.items) if ends is not None else (0, 1)
    if low is None or high is None or low >= high or threshold.number is None:
        return
    if not low <= threshold.number <= high:
        scale = "the score's range" if ends is not None else "0 to 1, the scale of the score"
        yield problem(threshold, "out-of-range", f"The threshold {threshold.text} is not within {scale}")

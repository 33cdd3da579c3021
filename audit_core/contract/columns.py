"""What the columns of the data owe each other: groups that exist, edges that ascend, scales that hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

from audit_core.contract.compose import short
from audit_core.contract.nodes import Node
from audit_core.contract.shape import problem
from audit_core.errors import Problem


def column_problems(root: Node) -> Iterator[Problem]:
    """Yield every breach inside `data` and `pairs`."""
    for attribute in root.listed("data", "attributes"):
        yield from _sources(attribute)
        yield from _cuts(attribute)
        yield from _groups(attribute)
    yield from _score(root)
    yield from _abstain(root)
    yield from _favourable(root)
    yield from _pairs(root)


def _sources(attribute: Node) -> Iterator[Problem]:
    cuts, column = attribute.get("from"), attribute.get("column")
    if cuts is not None and column is not None:
        yield problem(column, "two-columns", "“column” and “from” both name the column; keep one of the two")


def _cuts(attribute: Node) -> Iterator[Problem]:
    """Edges ascend, and there is one label per group."""
    edges, labels = attribute.get("from", "edges"), attribute.get("from", "labels")
    if edges is not None:
        yield from ascending(edges, "edges")
    if labels is None:
        return
    yield from repeats(labels.items, "label")
    if edges is not None and len(labels.items) != len(edges.items) - 1:
        wanted = len(edges.items) - 1
        said = f"{len(edges.items)} edges make {wanted} group{'s' * (wanted != 1)}"
        message = f"{said}; the number of labels given is {len(labels.items)}"
        yield problem(labels, "labels-and-edges", message)


def ascending(node: Node, name: str) -> Iterator[Problem]:
    """Yield a problem for every number that is not above the one before it."""
    for before, after in pairwise(node.items):
        low, high = before.number, after.number
        if low is not None and high is not None and high <= low:
            message = f"“{name}” must ascend, but {after.text} follows {before.text}"
            yield problem(after, "not-ascending", message)


def repeats(items: Iterable[Node], name: str) -> Iterator[Problem]:
    """Yield a problem for every item of a list that is there already."""
    seen: set[str] = set()
    for item in items:
        if item.text in seen:
            yield problem(item, "repeated-name", f"The {name} “{short(item.text)}” is listed twice")
        seen.add(item.text)


def _groups(attribute: Node) -> Iterator[Problem]:
    """The groups an attribute names are consistent: known, listed once, and not also unknown."""
    reference, required = attribute.get("reference"), attribute.listed("required")
    unknown = {node.text for node in attribute.listed("unknown")}
    labels = {node.text for node in attribute.listed("from", "labels")}
    yield from repeats(required, "group")
    if reference is not None and required and reference.text not in {node.text for node in required}:
        message = f"The reference group “{short(reference.text)}” is not one of the required groups"
        yield problem(reference, "reference-not-required", message)
    for node in (*([reference] if reference else []), *required):
        if node.text in unknown:
            message = f"“{short(node.text)}” is listed as unknown, so it can't be compared or required"
            yield problem(node, "unknown-group", message)
        elif labels and node.text not in labels:
            yield problem(node, "undefined-group", f"“{short(node.text)}” is not one of the labels")


def _score(root: Node) -> Iterator[Problem]:
    """The scale ascends; the threshold and the band edges lie on it."""
    score = root.get("data", "score")
    if score is None:
        return
    ends, bands, threshold = score.get("range"), score.get("bands"), score.get("threshold")
    if ends is not None:
        yield from ascending(ends, "range")
    if bands is not None:
        yield from ascending(bands, "bands")
    low, high = (end.number for end in ends.items) if ends is not None else (0, 1)
    if low is None or high is None or low >= high:
        return
    scale = "the score's range" if ends is not None else "0 to 1; add range if the score has another scale"
    if threshold is not None and threshold.number is not None and not low <= threshold.number <= high:
        yield problem(threshold, "out-of-range", f"The threshold {threshold.text} is not within {scale}")
    for band in bands.items if bands is not None else ():
        if band.number is not None and not low < band.number < high:
            yield problem(band, "out-of-range", f"The band edge {band.text} is not within {scale}")


def _abstain(root: Node) -> Iterator[Problem]:
    positive = {node.text for node in root.listed("data", "decision", "positive")}
    good = root.get("decision", "favourable")
    for node in root.listed("data", "decision", "abstain"):
        if node.text in positive:
            message = f"“{short(node.text)}” can't mean both yes (positive) and not decided yet (abstain)"
            yield problem(node, "yes-and-abstain", message)
        if good is not None and node.text == good.text:
            message = f"“{short(good.text)}” means not decided yet (abstain), so it can't be favourable"
            yield problem(good, "favourable-abstain", message)


def _favourable(root: Node) -> Iterator[Problem]:
    """A threshold decides 1 or 0; any other word would leave open which of the two is good for the person."""
    good = root.get("decision", "favourable")
    by_threshold = root.get("data", "score", "threshold") is not None and root.get("data", "decision") is None
    if good is not None and by_threshold and good.text.lower() not in ("0", "1", "true", "false"):
        message = (
            "With a score the decision is 1 (it reaches the threshold) or 0; "
            f"“{short(good.text)}” is neither: write the one that is good for the person"
        )
        yield problem(good, "favourable-unknown", message)


def _pairs(root: Node) -> Iterator[Problem]:
    """Matched pairs have an outcome, distinct variants, and stages whose outcome is on record."""
    pairs = root.get("pairs")
    if pairs is None:
        return
    score, outcome = pairs.get("score"), pairs.get("outcome")
    if (
        not pairs.damaged
        and outcome is None
        and (score is None or not (score.damaged or score.get("threshold")))
    ):
        message = "Matched pairs need a score with a threshold, or an outcome"
        yield problem(score or pairs, "pairs-without-outcome", message)
    order = pairs.get("variant", "order")
    if order is not None:
        yield from repeats(order.items, "variant")
    for stage in pairs.listed("stages"):
        route = stage.get("route")
        decides = route is not None and route.data() is True
        if not stage.damaged and stage.get("column") is None and not decides:
            message = "This stage needs a column with its outcome, or route: true"
            yield problem(stage, "stage-without-column", message)

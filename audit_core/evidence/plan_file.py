"""Monitoring plan ⇄ file: read as strictly as a contract, with every problem at its line and column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import cache
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any

from audit_core.contract.compose import composed, decoded, file_text, short
from audit_core.contract.limits import check_problems
from audit_core.contract.nodes import Entry, Node, without
from audit_core.contract.shape import problem, shape_problems
from audit_core.decision.plan import Plan
from audit_core.decision.planning import windows_of
from audit_core.errors import PlanError, Problem
from audit_core.evidence.plan_decode import decoded_plan, whole_check
from audit_core.evidence.plan_text import plan_text

__all__ = ["parse_plan", "plan_problems", "plan_schema", "plan_text", "read_plan"]

_LONGEST_DAYS = 400
MOST_NODES = 150_000
"""A watch is some sixty of them, and a release may have a thousand inputs."""

_SAID = {
    "too-large": "The file is larger than 1 MiB; a plan is a few pages of text",
    "several-documents": "A second plan starts here; keep one",
    "yaml-version": "A plan is YAML 1.2; delete the line with %YAML",
    "empty": "The plan is empty; “evenhand plan” writes one",
    "explicit-tag": "Words that start with ! (YAML tags) are not used in a plan",
    "too-many-values": "Repeated values (&name and *name) make the plan too large to read from here on",
}
"""What the reader of contracts says of a contract, said of a plan."""


def read_plan(path: Path) -> Plan:
    """Return the plan in a file.

    Raises
    ------
    PlanError
        With every problem of the plan in the order of the text, or when the file can't be opened.
    """
    text, problems = file_text(path)
    if problems:
        raise PlanError(str(path), problems)
    return parse_plan(text, str(path))


def parse_plan(text: bytes, name: str) -> Plan:
    """Return the plan that a text stands for; `name` is what its problems are listed under.

    Raises
    ------
    PlanError
        With every problem of the plan in the order of the text.
    """
    root, problems = _examined(text)
    if root is None or problems:
        raise PlanError(name, problems)
    return decoded_plan(root)


def plan_problems(text: bytes) -> tuple[Problem, ...]:
    """Return every problem of a plan in the order of its text; none for a plan that can be executed."""
    return _examined(text)[1]


@cache
def plan_schema() -> bytes:
    """Return the JSON Schema of a plan, as editors read it."""
    return resources.files("audit_core.contract").joinpath("plan.schema.json").read_bytes()


def _examined(text: bytes) -> tuple[Node | None, tuple[Problem, ...]]:
    characters, problems = decoded(text)
    root = None
    if characters is not None:
        root, problems = composed(characters, MOST_NODES)
    problems = [replace(p, message=_SAID.get(p.code, p.message)) for p in problems]
    if root is not None:
        misshapen, refused = shape_problems(root, plan_schema(), "plan")
        placed = {(p.line, p.column) for p in problems}  # one mistake is reported once
        problems += [p for p in misshapen if (p.line, p.column) not in placed]
        if not problems:
            problems += _rules(without(root, refused))
    return root, tuple(sorted(set(problems), key=lambda p: (p.line, p.column, p.code, p.message)))


def _rules(root: Node) -> Iterator[Problem]:
    """What the parts of a plan of the right shape owe each other."""
    dates = list(_dates(root))
    yield from dates
    yield from check_problems(_as_contract(root))
    yield from _watches(root)
    yield from _charts(root)
    yield from _escalation(root)
    if not dates:
        yield from _horizon(root)


def _dates(root: Node) -> Iterator[Problem]:
    for node in (*(root.get(key) for key in ("made_on", "starts", "ends")), *root.listed("reviews")):
        assert node is not None
        try:
            date.fromisoformat(node.text)
        except ValueError:
            yield problem(node, "not-a-date", f"“{node.text}” is not a day of the calendar")


def _as_contract(root: Node) -> Node:
    """The watches as the checks of a contract, which the rules of limits are written for."""
    checks = tuple(whole_check(watch) for watch in root.listed("watches"))
    listed = replace(root, kind="list", entries=(), items=checks)
    return replace(root, entries=(Entry(key=replace(root, kind="scalar", text="checks"), value=listed),))


def _watches(root: Node) -> Iterator[Problem]:
    first: dict[str, Node] = {}
    for watch in root.listed("watches"):
        name = watch.get("id")
        assert name is not None
        earlier = first.setdefault(name.text, name)
        if earlier is not name:
            message = (
                f"“{short(name.text)}” is already used on line {earlier.line}; watches need different names"
            )
            yield problem(name, "repeated-name", message)
        check = watch.get("check")
        if check is not None and _text(check, "metric") == "psi" and check.get("features") is None:
            yield problem(check, "missing-key", "A watch of drift needs features: a list with one input")
        if check is not None and _text(check, "metric") == "psi" and check.get("of") is not None:
            yield problem(check, "key-not-used", "A watch of drift looks at everybody: delete of")


def _charts(root: Node) -> Iterator[Problem]:
    known = {_text(watch, "id") for watch in root.listed("watches")}
    for part in (*root.listed("trend", "charts"), *root.listed("detection")):
        named = part.get("watch")
        if named is not None and named.text not in known:
            yield problem(
                named, "undefined-watch", f"“{short(named.text)}” is not the id of a watch of this plan"
            )
    for chart in root.listed("trend", "charts"):
        counts = [[int(n.text) for n in pair.items] for pair in chart.listed("baseline")]
        if any(x > n or n == 0 for x, n in counts):
            message = "Counts at release are people counted, then people in all, at least one"
            yield problem(chart.listed("baseline")[0], "out-of-range", message)
        if any(int(n.text) == 0 for n in chart.listed("people")):
            yield problem(chart.listed("people")[0], "out-of-range", "A chart needs people of both groups")
        if len({len(chart.listed(key)) for key in ("subject", "high", "low")}) > 1:
            yield problem(chart, "wrong-length", "A group has one value for each attribute of the subject")


def _escalation(root: Node) -> Iterator[Problem]:
    hours = [step.get("after_hours") for step in root.listed("escalation")]
    for before, after in pairwise(hours):
        if before is not None and after is not None and int(after.text) < int(before.text):
            yield problem(after, "out-of-order", "A later step can't come earlier than the one before it")


def _horizon(root: Node) -> Iterator[Problem]:
    """The dates are a period of windows, and the one the charts' limits were made for."""
    starts, ends = (date.fromisoformat(_text(root, key)) for key in ("starts", "ends"))
    node, horizon = root.get("ends"), root.get("trend", "horizon")
    assert node is not None and horizon is not None
    if not 0 <= (ends - starts).days <= _LONGEST_DAYS:
        yield problem(node, "out-of-range", f"A plan ends after it starts, within {_LONGEST_DAYS} days")
        return
    unit: Any = root.get("window", "unit")
    windows = windows_of(starts, ends, unit.text)
    if root.listed("trend", "charts") and int(horizon.text) != windows:
        message = (
            f"The charts' limits were made for {horizon.text} windows, and these dates hold {windows}: "
            "make the plan again, or delete the charts"
        )
        yield problem(horizon, "other-horizon", message)


def _text(node: Node, key: str) -> str:
    found = node.get(key)
    return found.text if found is not None else ""

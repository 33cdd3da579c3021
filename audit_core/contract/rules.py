"""What the parts of a contract owe each other: names that exist, names used once, facts that are stated.

Every rule meets a tree whose values have the right type (`nodes.without`); a key may still be missing, and
where the mapping is `damaged` nothing is concluded from that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from audit_core.contract.baseline import baseline_problems
from audit_core.contract.columns import column_problems, repeats
from audit_core.contract.compose import short
from audit_core.contract.conflicts import conflict_problems
from audit_core.contract.evaluation_sources import source_problems
from audit_core.contract.limits import check_problems
from audit_core.contract.nodes import Node
from audit_core.contract.shape import did_you_mean, one_of, problem
from audit_core.contract.test_plan import plan_problems
from audit_core.errors import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """The names a contract declares; None where a mistake elsewhere leaves them uncertain.

    A misspelt `roles:` would otherwise be reported once more at every owner.
    """

    roles: frozenset[str] | None
    subjects: frozenset[str] | None
    checks: frozenset[str] | None
    features: frozenset[str] | None


def rule_problems(root: Node) -> list[Problem]:
    """Return every breach of the rules between the parts of a contract."""
    declared = _declared(root)
    rules: tuple[Iterable[Problem], ...] = (
        _dates(root),
        _data_needed(root),
        _repeated_ids(root),
        _roles(root, declared),
        _subjects(root, declared),
        _triggers(root, declared),
        _features(root, declared),
        _requirements(root),
        column_problems(root),
        check_problems(root),
        conflict_problems(root),
        plan_problems(root),
        source_problems(root),
        baseline_problems(root),
    )
    return [found for rule in rules for found in rule]


def _declared(root: Node) -> Declared:
    roles = root.get("roles")
    return Declared(
        roles=None
        if roles is None or roles.damaged
        else frozenset(entry.key.text for entry in roles.entries),
        subjects=_declared_subjects(root),
        checks=_sure([check.get("id") for check in root.listed("checks")], root.damaged),
        features=_declared_features(root),
    )


def _declared_subjects(root: Node) -> frozenset[str] | None:
    named = [attribute.get("name") for attribute in root.listed("data", "attributes")]
    variant = root.get("pairs", "variant", "column")
    named += [
        *root.listed("data", "slices"),
        *root.listed("pairs", "slices"),
        *([variant] if variant else []),
    ]
    parts = (root, root.get("data"), root.get("pairs"), root.get("data", "attributes"))
    return _sure(named, any(part.damaged for part in parts if part is not None))


def _declared_features(root: Node) -> frozenset[str] | None:
    """Return the columns whose drift a check may name, or None where every column is a feature."""
    node = root.get("data", "features")
    if node is None or node.kind != "list":
        return None
    columns = (root.get("data", part, "column") for part in ("score", "label", "decision"))
    return frozenset(item.text for item in (*node.items, *(column for column in columns if column)))


def _sure(nodes: list[Node | None], damaged: bool) -> frozenset[str] | None:
    """Return the names, unless one of them may have been lost to an earlier problem."""
    if damaged or None in nodes:
        return None
    return frozenset(node.text for node in nodes if node is not None)


def _dates(root: Node) -> Iterator[Problem]:
    for node in (root.get("review_by"), root.get("test_plan", "date")):
        try:
            date.fromisoformat(node.text if node is not None else "2000-01-01")
        except ValueError:
            assert node is not None
            yield problem(node, "not-a-date", f"“{node.text}” is not a day of the calendar")


def _data_needed(root: Node) -> Iterator[Problem]:
    if all(root.get(part) is None for part in ("data", "pairs", "table")):
        yield problem(root, "missing-key", "The contract needs the key “data”: which column plays which part")


def _repeated_ids(root: Node) -> Iterator[Problem]:
    """Ids that are used twice, so that a finding could not say which line it is about."""
    for part, key in (("checks", "id"), ("requirements", "id"), ("evaluation_sources", "id")):
        yield from _repeated([found for node in root.listed(part) if (found := node.get(key))], part)
    attributes = [found for node in root.listed("data", "attributes") if (found := node.get("name"))]
    yield from _repeated([*attributes, *root.listed("data", "slices")], "attributes and slices")


def _repeated(nodes: Iterable[Node], where: str) -> Iterator[Problem]:
    """Yield a problem for every node that repeats the text of an earlier one."""
    first: dict[str, Node] = {}
    for node in nodes:
        earlier = first.setdefault(node.text, node)
        if earlier is not node:
            message = (
                f"“{short(node.text)}” is already used on line {earlier.line}; {where} need different names"
            )
            yield problem(node, "repeated-name", message)


def _roles(root: Node, declared: Declared) -> Iterator[Problem]:
    if declared.roles is None:
        return
    for node in _role_references(root):
        yield from _undefined(node, declared.roles, "undefined-role", "is not listed under roles")


def _role_references(root: Node) -> Iterator[Node]:
    """Yield every value that names a role."""
    lone: list[Node | None] = [root.get("author"), root.get("test_plan", "by")]
    lone += [harm.get("owner") for harm in root.listed("decision", "harms")]
    lone += [conflict.get("role") for conflict in root.listed("conflicts")]
    lone += [attribute.get("approved_by") for attribute in root.listed("data", "attributes")]
    lone += [requirement.get("by") for requirement in root.listed("requirements")]
    for check in root.listed("checks"):
        lone += [check.get("owner"), check.get("on_fail", "notify")]
    yield from (node for node in lone if node is not None)
    signoff = root.get("signoff")
    if signoff is not None:
        required = signoff.get("require")
        yield from (entry.key for entry in (required.entries if required else ()))
        for path in (("change_thresholds",), ("exceptions", "approvers"), ("may_revoke",)):
            yield from signoff.listed(*path)


def _subjects(root: Node, declared: Declared) -> Iterator[Problem]:
    if declared.subjects is None:
        return
    said = "is not an attribute or slice listed under data"
    groups = [item for check in root.listed("checks") for item in check.listed("of")]
    groups += [*root.listed("data", "intersections"), *root.listed("test_plan", "groups")]
    for group in groups:
        names = group.items if group.kind == "list" else (group,)
        for node in names:
            yield from _undefined(node, declared.subjects, "undefined-attribute", said)
        yield from repeats(names, "name") if group.kind == "list" else ()


def _triggers(root: Node, declared: Declared) -> Iterator[Problem]:
    if declared.checks is None:
        return
    for harm in root.listed("decision", "harms"):
        node = harm.get("trigger")
        if node is not None:
            yield from _undefined(node, declared.checks, "undefined-check", "is not the id of a check")


def _features(root: Node, declared: Declared) -> Iterator[Problem]:
    if declared.features is None:
        return
    for check in root.listed("checks"):
        node = check.get("features")
        for item in node.items if node is not None else ():
            said = "is not a feature listed under data"
            yield from _undefined(item, declared.features, "undefined-feature", said)


def _undefined(node: Node, known: frozenset[str], code: str, said: str) -> Iterator[Problem]:
    if node.text not in known:
        guess = did_you_mean(node.text, sorted(known))
        if not guess and 0 < len(known) <= 6:
            guess = f"; choose {one_of(sorted(known))}"
        yield problem(node, code, f"“{short(node.text)}” {said}{guess}")


def _requirements(root: Node) -> Iterator[Problem]:
    """Requirements that nobody states: without `met` only the tool's own (`computed`) can hold."""
    for node in root.listed("requirements"):
        computed = node.get("computed")
        if node.damaged or (computed is not None and computed.data() is True):
            continue
        name = node.get("id")
        said = f"The requirement “{short(name.text)}”" if name is not None else "This requirement"
        if node.get("met") is None:
            message = f"{said} does not say whether it is met: add met: true or false"
            yield problem(node, "requirement-without-met", message)
        if node.get("by") is None:
            message = f"{said} does not say who states it: add by and a role"
            yield problem(node, "requirement-without-by", message)

"""Nodes without problems → the frozen contract; defaults are filled in here and nowhere else."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeVar, cast

from audit_core.contract import schema as types
from audit_core.contract.metrics import canonical, default_compare
from audit_core.contract.nodes import Data, Node

T = TypeVar("T")
_SECTIONS = ("pairs", "table", "mitigation", "retention")
_CELLS = {"positive", "favourable", "failed", "order"}
_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
_ACTION: dict[str, str] = {"canary": "rollback", "monitor": "page"}
"""What a failed check does where the contract does not say: before release it blocks, later it acts."""


def decoded_contract(root: Node, sha256: str) -> types.ReleaseContract:
    """Return the contract that a tree without problems stands for."""
    return types.ReleaseContract(
        id=_text(root, "id"),
        version=_text(root, "version"),
        status=cast(Any, _text(root, "status")),
        review_by=_optional(root, "review_by"),
        domain=_text(root, "domain"),
        jurisdiction=_texts(root, "jurisdiction"),
        decision=_question(_section(root, "decision")),
        data=_data(_section(root, "data")),
        support=_support(_section(root, "support")),
        statistics=_statistics(_section(root, "statistics")),
        requirements=tuple(_requirement(node) for node in root.listed("requirements")),
        checks=tuple(decoded_check(node) for node in root.listed("checks")),
        roles=tuple(
            types.Role(
                id=entry.key.text, name=_text(entry.value, "name"), contact=_text(entry.value, "contact")
            )
            for entry in _section(root, "roles").entries
        ),
        author=_text(root, "author"),
        signoff=_signoff(_section(root, "signoff")),
        section=tuple((name, _canonical(node)) for name in _SECTIONS if (node := root.get(name)) is not None),
        sha256=sha256,
        conflicts=tuple(_conflict(node) for node in root.listed("conflicts")),
        test_plan=_test_plan(root.get("test_plan")),
        evaluation_sources=tuple(_source(node) for node in root.listed("evaluation_sources")),
        baseline=_baseline(root.get("baseline")),
    )


def _question(node: Node) -> types.DecisionQuestion:
    return types.DecisionQuestion(
        question=_text(node, "question"),
        population=_text(node, "population"),
        favourable=_text(node, "favourable"),
        harm=_text(node, "harm"),
        harmed_by=cast(Any, _text(node, "harmed_by")),
        harms=tuple(
            types.Harm(
                kind=cast(Any, _text(harm, "kind")),
                harm=_text(harm, "harm"),
                trigger=_text(harm, "trigger"),
                owner=_text(harm, "owner"),
            )
            for harm in node.listed("harms")
        ),
    )


def _data(node: Node) -> types.DataSpec:
    return types.DataSpec(
        label=_label(node.get("label")),
        score=_score(node.get("score")),
        decision=_decision(node.get("decision")),
        training_label=_optional(node, "training_label"),
        max_age_days=days(node.get("max_age")),
        versions=tuple((entry.key.text, entry.value.text) for entry in _section(node, "versions").entries),
        id=_optional(node, "id"),
        window=_optional(node, "window"),
        attributes=tuple(_attribute(attribute) for attribute in node.listed("attributes")),
        slices=_texts(node, "slices"),
        intersections=tuple(_subject(item) for item in node.listed("intersections")),
        features=_named(node.get("features")),
    )


def _label(node: Node | None) -> types.Label | None:
    if node is None:
        return None
    return types.Label(column=_text(node, "column"), positive=_texts(node, "positive"))


def _score(node: Node | None) -> types.Score | None:
    if node is None:
        return None
    low, high = _numbers(node, "range") or (Fraction(0), Fraction(1))
    threshold, bands = _number(node, "threshold"), _numbers(node, "bands")
    return types.Score(column=_text(node, "column"), threshold=threshold, low=low, high=high, bands=bands)


def _decision(node: Node | None) -> types.DecisionColumn | None:
    if node is None:
        return None
    return types.DecisionColumn(
        column=_text(node, "column"), positive=_texts(node, "positive"), abstain=_texts(node, "abstain")
    )


def _attribute(node: Node) -> types.ProtectedAttribute:
    cuts = node.get("from")
    bands = None
    if cuts is not None:
        bands = types.Edges(
            column=_text(cuts, "column"), edges=_numbers(cuts, "edges"), labels=_texts(cuts, "labels")
        )
    return types.ProtectedAttribute(
        name=_text(node, "name"),
        column=bands.column if bands else _text(node, "column") or _text(node, "name"),
        reference=_optional(node, "reference"),
        required=_texts(node, "required") if node.get("required") is not None else None,
        unknown=_texts(node, "unknown"),
        bands=bands,
        basis=_text(node, "basis"),
        purpose=_text(node, "purpose"),
        approved_by=_text(node, "approved_by"),
    )


def _support(node: Node) -> types.SupportPolicy:
    default = types.SupportPolicy()
    counts = {
        entry.key.text: int(entry.value.text) for entry in node.entries if entry.key.text != "small_counts"
    }
    small: Any = _text(node, "small_counts") or default.small_counts
    return types.SupportPolicy(**counts, small_counts=small)


def _statistics(node: Node) -> types.Statistics:
    default = types.Statistics()
    return types.Statistics(
        level=_or(_number(node, "level"), default.level),
        fail_rule=cast(Any, _text(node, "fail_rule") or default.fail_rule),
        replicates=int(_or(_number(node, "replicates"), Fraction(default.replicates))),
        interval=cast(Any, _text(node, "interval") or default.interval),
        sampling=cast(Any, _text(node, "sampling") or default.sampling),
    )


def _requirement(node: Node) -> types.Requirement:
    met = node.get("met")
    return types.Requirement(
        id=_text(node, "id"),
        met=bool(met.data()) if met is not None else None,
        blocking=_flag(node, "blocking", default=True),
        by=_text(node, "by"),
        evidence=_text(node, "evidence"),
        computed=_flag(node, "computed", default=False),
    )


def decoded_check(node: Node) -> types.Check:
    """Return the check that a mapping without problems stands for."""
    metric, stage, owner = canonical(_text(node, "metric")), _text(node, "stage"), _text(node, "owner")
    fail = _section(node, "on_fail")
    action = _text(fail, "action") or _ACTION.get(stage, "block")
    limit = {entry.key.text: entry.value.number for entry in _section(node, "limit").entries}
    return types.Check(
        id=_text(node, "id"),
        stage=cast(Any, stage),
        metric=metric,
        compare=cast(Any, _optional(node, "compare") or default_compare(metric)),
        of=tuple(_subject(item) for item in node.listed("of")),
        features=_drift_features(node, metric),
        against=_optional(node, "against"),
        window=_optional(node, "window"),
        limit=types.Limit(**limit),
        severity=cast(Any, _text(node, "severity")),
        primary=_flag(node, "primary", default=False),
        owner=owner,
        why=_text(node, "why"),
        on_fail=types.Response(action=action, notify=_text(fail, "notify") or owner),
        line=node.line,
    )


def _conflict(node: Node) -> types.AcceptedConflict:
    return types.AcceptedConflict(
        checks=_texts(node, "checks"),
        person=_text(node, "person"),
        role=_text(node, "role"),
        reason=_text(node, "reason"),
        date=_text(node, "date"),
    )


def _test_plan(node: Node | None) -> types.MetricChoice | None:
    if node is None:
        return None
    return types.MetricChoice(
        primary=canonical(_text(node, "primary")),
        guardrails=tuple(map(canonical, _texts(node, "guardrails"))),
        groups=tuple(_subject(item) for item in node.listed("groups")),
        reason=_text(node, "reason"),
        by=_text(node, "by"),
        date=_text(node, "date"),
    )


def _baseline(node: Node | None) -> types.BaselinePolicy | None:
    if node is None:
        return None
    return types.BaselinePolicy(
        policy=cast(Any, _text(node, "policy")),
        column=_optional(node, "column"),
        threshold=_number(node, "threshold"),
    )


def _source(node: Node) -> types.EvaluationSource:
    return types.EvaluationSource(
        id=_text(node, "id"),
        kind=_text(node, "kind"),
        name=_text(node, "name"),
        use=_text(node, "use"),
        limit=_text(node, "limit"),
        reference=_text(node, "reference"),
    )


def _signoff(node: Node) -> types.SignOffPolicy:
    exceptions = _section(node, "exceptions")
    longest = _number(exceptions, "max_days")
    return types.SignOffPolicy(
        require=tuple((entry.key.text, int(entry.value.text)) for entry in _section(node, "require").entries),
        author_may_sign=_flag(node, "author_may_sign", default=False),
        change_thresholds=_texts(node, "change_thresholds"),
        exception_approvers=_texts(exceptions, "approvers"),
        exception_max_days=None if longest is None else int(longest),
        may_revoke=_texts(node, "may_revoke"),
        review_sla=_text(node, "review_sla"),
    )


def days(node: Node | None) -> int | None:
    """Return a period such as `120 days` in days; a month counts 30, a year 365."""
    if node is None:
        return None
    count, unit = node.text.split()
    return int(count) * _DAYS[unit.removesuffix("s")]


def _canonical(node: Node) -> str:
    """Return a section as canonical JSON: keys sorted; cells always as lists of their raw texts."""
    return json.dumps(_plain(node), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _plain(node: Node, key: str = "") -> Any:
    if key in _CELLS:
        return [cell.text for cell in (node.items or (node,))]
    if node.kind == "map":
        return {entry.key.text: _plain(entry.value, entry.key.text) for entry in node.entries}
    if node.kind == "list":
        return [_plain(item) for item in node.items]
    value: Data = node.data()
    return float(value) if isinstance(value, Decimal) else value


def _section(node: Node, key: str) -> Node:
    """Return a mapping, empty where the contract has none."""
    return node.get(key) or Node(kind="map", start=0, end=0, line=0, column=0)


def _text(node: Node, key: str) -> str:
    """Return a scalar's raw text, empty where the contract has none."""
    value = node.get(key)
    return value.text if value is not None else ""


def _optional(node: Node, key: str) -> str | None:
    return _text(node, key) or None


def _texts(node: Node, key: str) -> tuple[str, ...]:
    return tuple(item.text for item in node.listed(key))


def _number(node: Node, key: str) -> Fraction | None:
    value = node.get(key)
    return value.number if value is not None else None


def _numbers(node: Node, key: str) -> tuple[Fraction, ...]:
    return tuple(item.number for item in node.listed(key) if item.number is not None)


def _flag(node: Node, key: str, *, default: bool) -> bool:
    value = node.get(key)
    return default if value is None else bool(value.data())


def _subject(node: Node) -> types.Subject:
    return tuple(item.text for item in node.items) if node.kind == "list" else (node.text,)


def _named(node: Node | None) -> tuple[str, ...] | None:
    """Return the features of a list, or None where all are meant (`auto`, `all`, or nothing said)."""
    return tuple(item.text for item in node.items) if node is not None and node.kind == "list" else None


def _drift_features(node: Node, metric: str) -> tuple[str, ...] | None:
    """Return the features of a drift check, empty for all of them; None for any other check."""
    if metric != "psi" and node.get("features") is None:
        return None
    return _named(node.get("features")) or ()


def _or(value: T | None, default: T) -> T:
    return default if value is None else value

"""Nodes without problems → the frozen plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, cast

from audit_core.contract.decode import decoded_check
from audit_core.contract.nodes import Entry, Node
from audit_core.decision.plan import (
    AtRelease,
    Detection,
    LabelRule,
    Plan,
    Step,
    TrendChart,
    TrendRule,
    Watch,
    WindowRule,
)


def decoded_plan(root: Node) -> Plan:
    """Return the plan that a tree without problems stands for."""
    release = _node(root, "release")
    contract = _node(release, "contract")
    model = release.get("model")
    return Plan(
        id=_text(root, "id"),
        audit_id=_text(release, "audit"),
        contract_id=_text(contract, "id"),
        contract_version=_text(contract, "version"),
        contract_sha256=_text(contract, "sha256"),
        cube_sha256=_text(release, "cube_sha256"),
        model_name=_text(model, "name") if model else "",
        model_sha256=_text(model, "sha256") if model else "",
        made_on=date.fromisoformat(_text(root, "made_on")),
        starts=date.fromisoformat(_text(root, "starts")),
        ends=date.fromisoformat(_text(root, "ends")),
        window=_window(_node(root, "window")),
        labels=LabelRule(
            complete=cast(Any, _node(root, "labels", "complete").number),
            due_days=_whole(root, "labels", "due_days"),
        ),
        watches=tuple(_watch(watch) for watch in root.listed("watches")),
        trend=_trend(_node(root, "trend")),
        escalation=tuple(
            Step(after_hours=_whole(step, "after_hours"), to=_text(step, "to"))
            for step in root.listed("escalation")
        ),
        silence_days=_whole(root, "silence", "days"),
        silence_owner=_text(_node(root, "silence"), "owner"),
        reviews=tuple(date.fromisoformat(day.text) for day in root.listed("reviews")),
        detection=tuple(_detection(found) for found in root.listed("detection")),
        level=cast(Any, _node(root, "level").number),
        privacy_floor=_whole(root, "privacy_floor"),
    )


def whole_check(watch: Node) -> Node:
    """Return a watch's check with its limit and its stage, as a contract writes it."""
    check = watch.get("check")
    assert check is not None
    stage = replace(check, kind="scalar", text="monitor", plain=True, entries=(), items=())
    added = [Entry(key=replace(stage, text="stage"), value=stage)]
    limit = watch.get("limit")
    if limit is not None and limit.entries:
        added.append(Entry(key=replace(stage, text="limit"), value=limit))
    return replace(check, entries=(*check.entries, *added))


def _window(node: Node) -> WindowRule:
    return WindowRule(
        unit=cast(Any, _text(node, "unit")),
        rolling=_whole(node, "rolling"),
        reason=cast(Any, _text(node, "reason")),
        least=_texts(node, "least"),
        brings=_real(node, "brings"),
        needed=_whole(node, "needed"),
    )


def _watch(node: Node) -> Watch:
    levels: dict[str, Any] = {
        key: _text(_node(node, "levels"), key) for key in ("warning", "unconfirmed", "confirmed")
    }
    return Watch(
        id=_text(node, "id"),
        check=replace(decoded_check(whole_check(node)), line=0),
        origin=cast(Any, _text(node, "origin")),
        **levels,
        owner=_text(node, "owner"),
        acknowledge_hours=_whole(node, "acknowledge_hours", "page"),
        confirm=_whole(node, "confirm"),
        needs_labels=bool(_node(node, "needs_labels").data()),
        ticket_hours=_whole(node, "acknowledge_hours", "ticket"),
        at_release=_at_release(node.get("at_release")),
    )


def _at_release(node: Node | None) -> AtRelease:
    if node is None:
        return AtRelease()
    waived = node.get("waived")
    return AtRelease(
        status=cast(Any, _text(node, "status")),
        evidence=cast(Any, _text(node, "evidence")),
        waived=waived is not None and bool(waived.data()),
    )


def _trend(node: Node) -> TrendRule:
    return TrendRule(
        chance=cast(Any, _node(node, "chance").number),
        horizon=_whole(node, "horizon"),
        allowance=cast(float, _real(node, "allowance")),
        replicates=_whole(node, "replicates"),
        seed=_whole(node, "seed"),
        charts=tuple(_chart(chart) for chart in node.listed("charts")),
    )


def _chart(node: Node) -> TrendChart:
    counts: Any = tuple(tuple(int(n.text) for n in pair.items) for pair in node.listed("baseline"))
    people: Any = tuple(int(n.text) for n in node.listed("people"))
    return TrendChart(
        watch=_text(node, "watch"),
        metric=_text(node, "metric"),
        subject=_texts(node, "subject"),
        high=_texts(node, "high"),
        low=_texts(node, "low"),
        baseline=counts,
        people=people,
        h=cast(float, _real(node, "h")),
    )


def _detection(node: Node) -> Detection:
    shares: Any = {key: _real(node, key) for key in ("by_level", "by_trend", "by_any", "median_windows")}
    return Detection(
        watch=_text(node, "watch"),
        kind=cast(Any, _text(node, "kind")),
        change=cast(Any, _node(node, "change").number),
        **shares,
        replicates=_whole(node, "replicates"),
    )


def _node(node: Node, *path: str) -> Node:
    found = node.get(*path)
    assert found is not None  # the schema requires it
    return found


def _text(node: Node, key: str) -> str:
    found = node.get(key)
    return found.text if found is not None else ""


def _texts(node: Node, key: str) -> tuple[str, ...]:
    return tuple(item.text for item in node.listed(key))


def _whole(node: Node, *path: str) -> int:
    return int(_node(node, *path).text)


def _real(node: Node, key: str) -> float | None:
    found = node.get(key)
    return float(found.text) if found is not None else None

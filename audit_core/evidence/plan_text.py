"""A monitoring plan as YAML that a person reads, and that `evidence.plan_file` reads back exactly."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction

from audit_core.contract.nodes import Node
from audit_core.contract.schema import Check, Limit, Subject
from audit_core.contract.splice import rendered
from audit_core.decision.plan import AtRelease, Detection, Plan, TrendChart, Watch

SCHEMA = "evenhand/plan/v1"

_PLAIN = re.compile(r"[A-Za-z](?:[\w ./()+'-]*[\w.)])?|[0-9a-f]{64}", re.ASCII)
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
"""What some reader of YAML takes for something else than text."""

_LIMITS = ("warn", "min", "max", "max_increase", "max_relative_increase", "floor")
_IN_QUOTES = Node(kind="scalar", start=0, end=0, line=0, column=0)
_HEAD = """\
# Monitoring plan: what is watched after the release, how often, and who is told. It was made from the
# release's contract, findings and volumes; “evenhand monitor --plan FILE --window DATA” executes it.
# You may edit limits, levels, owners, hours and days. release, at_release and detection say what was: leave
# them.
"""
_CONTRACT = """
# Of the contract: how sure an interval is, and the floor: counts of fewer people do not leave the workspace.
"""
_WINDOW = """
# Live rows are cut into calendar windows of this unit; one judgement adds up the last “rolling” of them.
# least is the group that brings fewest people of a check's unit (brings, in one window), needed the minimum.
"""
_LABELS = """
# A window is judged on outcomes once this share of its rows has one. They are due in so many days after it.
"""
_WATCHES = """
# Each watch is judged on every window. warn is compared with the value itself, max or min with its whole
# range: only a breach that chance can't explain is confirmed. levels says what each outcome does: none, a
# ticket for the owner's working day, or a page for now. Within acknowledge_hours somebody must have seen it.
# confirm is in how many windows in a row a breach must be confirmed; drift is of one input, over everybody.
# at_release is how it stood when the release was decided; what was outside its limit then comes first.
"""
_TREND = """
# Charts that add up small moves of a gap, window after window. The limits h are set so that “chance” is the
# most there is of any false alarm, over all charts and windows. baseline and people are of high, then of low.
"""
_ESCALATION = """
# A page that nobody acknowledges goes to the next role after so many hours.
"""
_SILENCE = """
# A window whose data are not there so many days after its end is an alert: silence is no good news.
"""
_REVIEWS = """
# On these days people look at what monitoring has shown.
"""
_DETECTION = """
# What this plan can and cannot see, by simulation at the release's volumes: how often each change of the gap
# (a step, or growth in every window) is found before the plan ends, and in how many windows, in the median.
# kind none is no change at all: whatever is found then was there at release, or is a false alarm.
"""


def plan_text(plan: Plan) -> str:
    """Return a plan as commented YAML.

    Guarantee: `read_plan` of it is the same plan; the same plan is the same text.
    """
    release = {
        "audit": plan.audit_id,
        "contract": {
            "id": plan.contract_id,
            "version": plan.contract_version,
            "sha256": plan.contract_sha256,
        },
        "cube_sha256": plan.cube_sha256,
    }
    if plan.model_sha256:
        release["model"] = {"name": plan.model_name, "sha256": plan.model_sha256}
    lines = [_HEAD + f"schema: {SCHEMA}", _line("id", plan.id), "release:"]
    lines += [f"  {_line(key, value)}" for key, value in release.items()]
    lines += [f"{key}: {getattr(plan, key).isoformat()}" for key in ("made_on", "starts", "ends")]
    lines += [_CONTRACT + _line("level", plan.level), _line("privacy_floor", plan.privacy_floor)]
    lines += [_WINDOW + _line("window", _window(plan)), _LABELS + _line("labels", _labels(plan))]
    lines += [_WATCHES + "watches:"]
    lines += [line for watch in plan.watches for line in _watch(watch)]
    lines += [_TREND + "trend:", *_trend(plan)]
    steps = [{"after_hours": step.after_hours, "to": step.to} for step in plan.escalation]
    lines += [_ESCALATION + "escalation:" + _items(steps)]
    lines += [_SILENCE + _line("silence", {"days": plan.silence_days, "owner": plan.silence_owner})]
    lines += [_REVIEWS + f"reviews: [{', '.join(day.isoformat() for day in plan.reviews)}]"]
    lines += [_DETECTION + "detection:" + _items([_detection(found) for found in plan.detection])]
    return "\n".join(lines) + "\n"


def _window(plan: Plan) -> dict[str, object]:
    rule = plan.window
    found: dict[str, object] = {"unit": rule.unit, "rolling": rule.rolling, "reason": rule.reason}
    found["least"] = list(rule.least)
    if rule.brings is not None:
        found["brings"] = rule.brings
    return {**found, "needed": rule.needed}


def _labels(plan: Plan) -> dict[str, object]:
    return {"complete": plan.labels.complete, "due_days": plan.labels.due_days}


def _watch(watch: Watch) -> Iterator[str]:
    yield f"  - {_line('id', watch.id)}"
    yield f"    {_line('check', _check(watch.check))}"
    yield f"    {_line('limit', _limit(watch.check.limit))}"
    levels = {key: getattr(watch, key) for key in ("warning", "unconfirmed", "confirmed")}
    yield f"    {_line('levels', levels)}"
    yield f"    {_line('owner', watch.owner)}"
    hours = {"page": watch.acknowledge_hours, "ticket": watch.ticket_hours}
    yield f"    {_line('acknowledge_hours', hours)}"
    for key in ("confirm", "origin", "needs_labels"):
        yield f"    {_line(key, getattr(watch, key))}"
    if watch.at_release.status:
        yield f"    {_line('at_release', _at_release(watch.at_release))}"


def _at_release(stood: AtRelease) -> dict[str, object]:
    found: dict[str, object] = {"status": stood.status}
    if stood.evidence:
        found["evidence"] = stood.evidence
    if stood.waived:
        found["waived"] = True
    return found


def _check(check: Check) -> dict[str, object]:
    found: dict[str, object] = {"id": check.id, "metric": check.metric}
    if check.compare is not None:
        found["compare"] = check.compare
    if check.of:
        found["of"] = [_subject(subject) for subject in check.of]
    if check.features is not None:
        found["features"] = list(check.features)
    if check.against is not None:
        found["against"] = check.against
    if check.window is not None:
        found["window"] = check.window
    found["severity"] = check.severity
    if check.primary:
        found["primary"] = True
    found |= {"owner": check.owner, "why": check.why}
    if check.on_fail is not None:
        found["on_fail"] = {"action": check.on_fail.action, "notify": check.on_fail.notify}
    return found


def _subject(subject: Subject) -> object:
    return subject[0] if len(subject) == 1 else list(subject)


def _limit(limit: Limit) -> dict[str, object]:
    return {key: bound for key in _LIMITS if (bound := getattr(limit, key)) is not None}


def _trend(plan: Plan) -> Iterator[str]:
    for key in ("chance", "horizon", "allowance", "replicates", "seed"):
        yield f"  {_line(key, getattr(plan.trend, key))}"
    yield "  charts:" + _items([_chart(chart) for chart in plan.trend.charts], "    ")


def _chart(chart: TrendChart) -> dict[str, object]:
    return {
        "watch": chart.watch,
        "metric": chart.metric,
        "subject": list(chart.subject),
        "high": list(chart.high),
        "low": list(chart.low),
        "baseline": [list(pair) for pair in chart.baseline],
        "people": list(chart.people),
        "h": chart.h,
    }


def _detection(found: Detection) -> dict[str, object]:
    shares = {key: getattr(found, key) for key in ("by_level", "by_trend", "by_any")}
    said: dict[str, object] = {"watch": found.watch, "kind": found.kind, "change": found.change, **shares}
    if found.median_windows is not None:
        said["median_windows"] = found.median_windows
    return {**said, "replicates": found.replicates}


def _items(found: list[dict[str, object]], margin: str = "  ") -> str:
    return "".join(f"\n{margin}- {_inline(item)}" for item in found) or " []"


def _line(key: str, value: object) -> str:
    return f"{key}: {_inline(value)}"


def _inline(value: object) -> str:
    """A value on one line; a text that is not plainly a text stands in quotes."""
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) is not None and value.lower() not in _WORDS
        return value if plain else rendered(value, _IN_QUOTES)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_inline(below)}" for key, below in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    if isinstance(value, bool | int | float | Fraction):
        return rendered(value)
    raise TypeError(f"a plan holds no {type(value).__name__}")

"""A monitoring plan as alerting rules of Prometheus, and as the tests that show what the rules do.

The rules read the metrics of `textfile`. Whether something is beyond its limit is decided once, by
`evenhand monitor`; Prometheus only says so in time, and says when nothing comes any more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from audit_core.decision.followed import MOST_DROPPED, AlertKind
from audit_core.decision.plan import Level, Plan, Watch
from audit_core.report.numbers import counted
from audit_core.report.plan import escalation_sentence, of_hundred, watch_limit
from audit_core.report.plan_release import known_words
from audit_core.report.prometheus_text import label_text, raised_by, textfile
from audit_core.report.watch_words import watch_words
from audit_core.report.words import capital

__all__ = ["RULES_FILE", "Rule", "alerts", "rules", "rules_test", "textfile"]

RULES_FILE = "evenhand-rules.yml"
DAY = 86_400
LONGEST_QUIET = 2 * DAY
"""Seconds without a run: whatever the window, the crontab runs every day, with a day of margin."""
ALERT_NAMES: dict[AlertKind, str] = {
    "confirmed": "EvenhandConfirmed",
    "unconfirmed": "EvenhandUnconfirmed",
    "warning": "EvenhandWarning",
    "trend": "EvenhandTrend",
    "drift": "EvenhandDrift",
    "labels_overdue": "EvenhandOutcomesOverdue",
    "silence": "EvenhandNoWindow",
    "rows_dropped": "EvenhandRowsDropped",
}
_SAID: dict[AlertKind, str] = {
    "confirmed": "shown to be outside its limit, even allowing for chance",
    "unconfirmed": "measured outside its limit; chance alone could be behind it",
    "warning": "past its warning, within its limit",
    "trend": "small moves in one direction have added up since the release",
    "drift": "moved away from the training sample, beyond what chance gives",
}
_OPEN_FOR, _GONE_FOR = "5m", "1h"
_FAR = "1000000000000"
"""A moment no test reaches, in seconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One alerting rule; `series` are the time series whose value 1 (or, past, −1) makes it fire.

    `labels` and `annotations` are plain text, as a reader of the alert sees them.
    """

    alert: str
    expr: str
    wait: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    series: str


def rules(plan: Plan) -> bytes:
    """Return the alerting rules of a plan as a rules file of Prometheus, YAML in UTF-8.

    Guarantee: `promtool check rules` accepts it; names from outside can't end a string, a selector or a
    template; the same bytes for the same plan.
    """
    head = [
        f"# Alerts of monitoring plan {label_text(plan.id)}, from {plan.starts} to {plan.ends}.",
        "# Made by evenhand plan: make it again when the plan changes, and edit nothing here.",
        "groups:",
        f"  - name: {_quoted('evenhand ' + label_text(plan.id))}",
        "    rules:",
    ]
    return _lines(head + [line for rule in alerts(plan) for line in _rule(rule)])


def rules_test(plan: Plan, rules_file: str = RULES_FILE) -> bytes:
    """Return the unit tests of these rules for `promtool test rules`; `rules_file` is where they stand.

    They show that a quiet release raises nothing, that each open incident raises its own alert and no other
    one, and that silence is an alert.
    """
    made = list(alerts(plan))
    head = [
        f"# Tests of the alerts of monitoring plan {label_text(plan.id)}: promtool test rules FILE",
        "rule_files:",
        f"  - {_quoted(rules_file)}",
        "evaluation_interval: 1m",
        "tests:",
    ]
    incidents = [rule for rule in made if "incident_open" in rule.series]
    lines = _test("nothing is open", made, {}, [])
    for rule in incidents:
        lines += _test(f"{rule.alert} alone", made, {rule.series: "1x20"}, [rule])
    lines += _test("everything is open", made, {rule.series: "1x20" for rule in incidents}, incidents)
    for rule in made:
        if rule not in incidents:
            lines += _test(f"{rule.alert} by the clock", made, {rule.series: "-100000000x80"}, [rule])
    silent = [rule for rule in made if rule.expr.startswith("absent")]
    lines += _test("no metrics at all", made, None, silent)
    return _lines(head + lines)


def alerts(plan: Plan) -> Iterator[Rule]:
    """Return every alerting rule of a plan, those of its watches first."""
    for watch in plan.watches:
        for kind, level in raised_by(watch, plan):
            yield _of_watch(watch, kind, level, plan)
    yield from _of_plan(plan)


def _of_watch(watch: Watch, kind: AlertKind, level: Level, plan: Plan) -> Rule:
    what = label_text(watch_words(watch))
    hours = counted(watch.acknowledge_hours if level == "page" else watch.ticket_hours, "hours")
    limit, known = watch_limit(watch), known_words(watch) if kind != "trend" else ""
    series = _series("evenhand_incident_open", plan, watch=watch.id, kind=kind, severity=level)
    told = (
        f"By the plan: {limit}." if limit else "",
        known,
        f"Acknowledge within {hours}.",
        escalation_sentence(plan) if level == "page" else "",
    )
    return Rule(
        alert=ALERT_NAMES[kind],
        expr=f"{series} == 1",
        wait=_OPEN_FOR,
        labels={
            "severity": level, "owner": label_text(watch.owner), "plan": label_text(plan.id),
            "watch": label_text(watch.id),
        },
        annotations={
            "summary": f"{capital(what)}: {_SAID[kind]}.",
            "description": " ".join(part for part in told if part),
        },
        series=series,
    )  # fmt: skip


def _of_plan(plan: Plan) -> Iterator[Rule]:
    """Rows without answers, and silence in its four forms: no outcomes, no window, no run, no plan."""
    days = counted(plan.silence_days, "days")
    overdue = _series("evenhand_incident_open", plan, kind="labels_overdue")
    if any(watch.needs_labels for watch in plan.watches):
        yield _for_plan(
            plan, "EvenhandOutcomesOverdue", f"max({overdue}) == 1", overdue,
            f"Outcomes are overdue: under {of_hundred(plan.labels.complete)} are back "
            f"{counted(plan.labels.due_days, 'days')} after a window’s end.",
        )  # fmt: skip
    thinned = _series("evenhand_incident_open", plan, kind="rows_dropped")
    yield _for_plan(
        plan, "EvenhandRowsDropped", f"max({thinned}) == 1", thinned,
        f"Over {of_hundred(MOST_DROPPED)} rows of a window lacked a score or decision and were left out.",
    )  # fmt: skip
    due = _series("evenhand_window_due_timestamp_seconds", plan)
    silent = _series("evenhand_incident_open", plan, kind="silence")
    yield _for_plan(
        plan, "EvenhandNoWindow", f"time() > max({due}) or max({silent}) == 1", due,
        f"A window has not come in {days} after its end. Silence counts as a failure.",
    )  # fmt: skip
    run = _series("evenhand_monitor_last_run_timestamp_seconds", plan)
    days = counted(LONGEST_QUIET // DAY, "days")
    yield _for_plan(
        plan, "EvenhandNotRunning", f"absent({run}) or time() - max({run}) > {LONGEST_QUIET}", run,
        f"No run of evenhand monitor for more than {days}, or no metrics of it. "
        "Silence counts as a failure.",
    )  # fmt: skip
    ends = _series("evenhand_plan_end_timestamp_seconds", plan)
    yield _for_plan(
        plan, "EvenhandPlanEnded", f"time() > max({ends})", ends,
        f"The monitoring plan ended on {plan.ends}. The release is not watched under it any more: make a new "
        "plan.",
    )  # fmt: skip


def _for_plan(plan: Plan, alert: str, expr: str, series: str, said: str) -> Rule:
    gone = expr.startswith("absent")
    return Rule(
        alert=alert,
        expr=expr,
        wait=_GONE_FOR if gone else _OPEN_FOR,
        labels={
            "severity": "ticket", "owner": label_text(plan.silence_owner), "plan": label_text(plan.id),
        },
        annotations={"summary": said, "description": "A ticket for whoever runs the monitoring."},
        series=series,
    )  # fmt: skip


def _rule(rule: Rule) -> list[str]:
    lines = [
        f"      - alert: {rule.alert}",
        f"        expr: {_quoted(rule.expr)}",
        f"        for: {rule.wait}",
        "        labels:",
        *(f"          {key}: {_quoted(_literal(text))}" for key, text in rule.labels.items()),
        "        annotations:",
    ]
    return lines + [f"          {key}: {_quoted(_literal(text))}" for key, text in _said(rule).items()]


def _said(rule: Rule) -> dict[str, str]:
    return {key: text for key, text in rule.annotations.items() if text}


def _test(
    name: str, made: Sequence[Rule], given: Mapping[str, str] | None, expected: Sequence[Rule]
) -> list[str]:
    """A test: all series at rest but those given (None: no series at all), and which alerts fire."""
    lines = [f"  # {name}", "  - interval: 1m"]
    if given is not None:
        lines.append("    input_series:")
        for rule in made:
            incident = "incident_open" in rule.series
            if incident and given and rule.series not in given:
                continue  # one at rest is in the first test; a test of each with all would be long
            values = given.get(rule.series) or ("0x80" if incident else f"{_FAR}x80")
            lines += [f"      - series: {_quoted(rule.series)}", f"        values: {_quoted(values)}"]
    lines.append("    alert_rule_test:")
    at = "70m" if any(rule.wait == _GONE_FOR for rule in expected) else "10m"
    for alert in dict.fromkeys(rule.alert for rule in made):
        lines += [f"      - eval_time: {at}", f"        alertname: {alert}"]
        firing = [rule for rule in expected if rule.alert == alert]
        lines.append("        exp_alerts:" if firing else "        exp_alerts: []")
        for rule in firing:
            lines += _expected(rule)
    return lines


def _expected(rule: Rule) -> list[str]:
    labels = dict(rule.labels)
    if "watch" in rule.labels:
        labels["kind"] = next(kind for kind, name in ALERT_NAMES.items() if name == rule.alert)
    lines = ["          - exp_labels:"]
    lines += [f"              {key}: {_quoted(text)}" for key, text in labels.items()]
    lines.append("            exp_annotations:")
    return lines + [f"              {key}: {_quoted(text)}" for key, text in _said(rule).items()]


def _series(metric: str, plan: Plan, **labels: str) -> str:
    """A selector of one series; also how a test writes the series itself."""
    named = {"plan": plan.id} | labels
    matchers = ",".join(f"{key}={_quoted(label_text(text))}" for key, text in named.items())
    return f"{metric}{{{matchers}}}"


def _quoted(text: str) -> str:
    """The text in double quotes, as YAML and as PromQL read it: what they need escaped is the same."""
    return json.dumps(text, ensure_ascii=False)


def _literal(text: str) -> str:
    """The text in a template of Prometheus, where `{{` would begin an instruction."""
    return text.replace("{{", '{{"{{"}}')


def _lines(lines: Sequence[str]) -> bytes:
    return ("\n".join(lines) + "\n").encode()

"""The monitoring plan in words a lawyer can sign: every number, limit, cadence, owner and hour of it."""

from __future__ import annotations

from fractions import Fraction

from audit_core.cube.calendar import Unit
from audit_core.decision.followed import MOST_DROPPED
from audit_core.decision.plan import Level, Plan, Watch
from audit_core.metrics.catalogue import CRITERIA, RATES
from audit_core.report.escape import clip, visible
from audit_core.report.limits import limit_words, warn_words
from audit_core.report.numbers import count, counted, decimal
from audit_core.report.people import group_words
from audit_core.report.plan_release import release_words
from audit_core.report.table_rows import NONE, Rows
from audit_core.report.watch_words import LONGEST, watch_words
from audit_core.report.words import capital

UNIT_WORDS: dict[Unit, str] = {"day": "day", "week": "calendar week", "month": "calendar month"}
EVERY: dict[Unit, str] = {"day": "every day", "week": "every week", "month": "every month"}
LEVEL_WORDS: dict[Level, str] = {"page": "page", "ticket": "ticket", "none": "no alert"}
ORIGIN_WORDS = {
    "contract": "the contract’s monitoring",
    "release": "a check of the release",
    "drift": "beside the training sample",
}
LEVELS = (
    "A page goes to its owner at once, at any hour. A ticket waits for the owner’s working day. Only a "
    "confirmed result pages: one whose whole range lies beyond the limit."
)
SILENCE_RULE = "No news is not good news: a window that does not come in is an alert of its own."
REBASE = (
    "What the release is compared with stays as it was signed; only a new sign-off may change it. A new "
    "model needs a new plan."
)
WATCHED, LIMIT, AT_RELEASE, JUDGED, ALERTS, OWNER, ANSWER = (
    "Watched", "Limit", "At release", "Judged", "Alerts", "Owner", "Acknowledged within",
)  # fmt: skip


def plan_headline(plan: Plan) -> str:
    """Return the plan in one sentence: which release, how long, how often, against what."""
    model, contract = name(plan.model_name) or "the model", name(plan.contract_id)
    watches = "watches" if len(plan.watches) > 1 else "watch"
    return (
        f"From {plan.starts} to {plan.ends}, {model} is judged {EVERY[plan.window.unit]} against {contract}, "
        f"version {name(plan.contract_version)}, as audit {name(plan.audit_id)} found it: "
        f"{count(len(plan.watches))} {watches}."
    )


def name(text: str) -> str:
    """Return a name from outside as words print it: hidden characters written out, cut at a length."""
    return clip(visible(text), LONGEST)


def of_hundred(share: Fraction | float) -> str:
    """Return a share, 0–1, as “94 of 100”, with as many decimals as it has up to two."""
    exact = Fraction(share).limit_denominator(100_000) * 100
    digits = 0 if exact.denominator == 1 else 1 if (exact * 10).denominator == 1 else 2
    return f"{decimal(exact, digits)} of 100"


def window_sentence(plan: Plan) -> str:
    """Return how long a window is and why, with the numbers behind it."""
    rule = plan.window
    length = f"A window is one {UNIT_WORDS[rule.unit]}"
    brings, added = _brings(plan), f" Each judgement adds up the last {counted(rule.rolling, 'windows')}."
    reason = {
        "enough": f"{length}, the shortest that brings enough people.{brings}",
        "contract": f"{length}, since a check of the contract names that length.{brings}",
        "data": f"{length}, since the release’s own file is dated no finer.{brings}",
        "longest": f"{length}, the longest there may be, and even that brings too few people.{brings}",
        "unknown_volume": f"{length}. The release’s file has no dates, so nobody knows yet how many people a "
        "window brings: look again after the first one.",
    }[rule.reason]
    return reason + (added if rule.rolling > 1 else "")


def _brings(plan: Plan) -> str:
    rule = plan.window
    if rule.brings is None:
        return ""
    fewest = f"“{group_words(rule.least)}”, which brings fewest of the groups that must be judged, brings"
    fewest = fewest if rule.least else "everybody together brings"
    brings = decimal(rule.brings, 0 if rule.brings >= 10 or rule.brings == int(rule.brings) else 1)
    return (
        f" In the release’s file {fewest} about {brings} {_unit(plan)} a window; "
        f"the contract asks for {count(rule.needed)}."
    )


def _unit(plan: Plan) -> str:
    """Who counts for the watches that the length was chosen for."""
    judged = [w for w in plan.watches if w.confirmed == "page"] or [w for w in plan.watches if not w.feature]
    rates = [RATES.get(CRITERIA.get(w.check.metric, (w.check.metric,))[0]) for w in judged]
    units = {rate.support if rate else "rows" for rate in rates}
    if len(units) > 1:
        return "people of those a check counts"
    return {"positives": "people with a positive outcome", "negatives": "people with a negative outcome"}.get(
        next(iter(units), ""), "people"
    )


def watch_rows(plan: Plan) -> Rows:
    """Return the watches as a table: what, limit, how it stood, how often, alerts, owner, hours.

    Features whose drift is watched in the very same way stand in one row, each by its name.
    """
    return [{WATCHED: capital(what)} | _terms(watch, plan) for what, watch in _together(plan)]


def watch_sentences(plan: Plan) -> tuple[str, ...]:
    """Return the same as sentences, one a line of the plan."""
    return tuple(_sentence(capital(what), watch, plan) for what, watch in _together(plan))


def alert_words(plan: Plan) -> tuple[str, ...]:
    """Return in a word or two what each of these lines does at worst: “page, within 4 hours”."""
    gravest = (_answers(watch)[:1] for _, watch in _together(plan))
    return tuple(f"{found[0][0]}, within {found[0][1]}" if found else "" for found in gravest)


def _together(plan: Plan) -> list[tuple[str, Watch]]:
    """Each line of the plan: what it looks at, and a watch that has its terms."""
    lines: dict[tuple[object, ...], list[Watch]] = {}
    for watch in plan.watches:
        own = (watch.id,) if not watch.feature else ()
        lines.setdefault((watch.origin, *own, *_terms(watch, plan).values()), []).append(watch)
    return [
        (visible(watch_words(same[0])) if len(same) == 1 else f"drift of {_features(same)}", same[0])
        for same in lines.values()
    ]


def _features(watches: list[Watch]) -> str:
    names = [name(watch.feature) for watch in watches]
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _terms(watch: Watch, plan: Plan) -> dict[str, str]:
    return {
        LIMIT: watch_limit(watch) or NONE,
        AT_RELEASE: release_words(watch.at_release),
        JUDGED: _judged(watch, plan),
        ALERTS: _alerts(watch),
        OWNER: name(watch.owner) or NONE,
        ANSWER: "; ".join(f"{level}: {hours}" for level, hours in _answers(watch)) or NONE,
    }


def watch_limit(watch: Watch) -> str:
    """Return warning and limit of a watch: “warns at 8.0 pts; at most 10.0 pts”."""
    return "; ".join(part for part in (warn_words(watch.check), limit_words(watch.check)) if part)


def _sentence(what: str, watch: Watch, plan: Plan) -> str:
    limit = watch_limit(watch)
    limit = f": {limit}" if limit else ""
    stood = f"At release {release_words(watch.at_release)}. " if watch.at_release.status else ""
    owner = name(watch.owner) or "nobody named"
    within = " and ".join(f"a {level} within {hours}" for level, hours in _answers(watch))
    answer = f", who acknowledges {within}" if within else ""
    return (
        f"{what} ({ORIGIN_WORDS[watch.origin]}){limit}. {stood}Judged {_judged(watch, plan)}. "
        f"{_alerts(watch)}. Owner: {owner}{answer}."
    )


def _judged(watch: Watch, plan: Plan) -> str:
    when = "once outcomes are back" if watch.needs_labels else "without waiting for outcomes"
    rolling = f", {counted(plan.window.rolling, 'windows')} together" if plan.window.rolling > 1 else ""
    confirm = f", confirmed {count(watch.confirm)} windows in a row" if watch.confirm > 1 else ""
    return f"{EVERY[plan.window.unit]}{rolling}, {when}{confirm}"


def _alerts(watch: Watch) -> str:
    """The levels of a watch, the gravest first; outcomes of one level stand together."""
    warning = "its warning" if watch.check.limit.warn is not None else ""
    same = watch.confirmed == watch.unconfirmed
    if watch.feature:
        named = [(watch.confirmed, "major drift"), (watch.warning, "moderate drift" if warning else "")]
    else:
        named = [
            (watch.confirmed, "beyond the limit, confirmed" + (" or not" if same else "")),
            (watch.unconfirmed, "" if same else "beyond the limit, not confirmed"),
            (watch.warning, f"past {warning}" if warning else ""),
        ]
    levels = [level for level in ("page", "ticket") if any(found == level for found, _ in named)]
    parts = []
    for level in levels:
        when = [words for found, words in named if found == level and words]
        if when:
            parts.append(f"{level}: {'; '.join(when)}")
    return ". ".join(map(capital, parts)) or "No alert"


def _answers(watch: Watch) -> list[tuple[Level, str]]:
    """How soon each level that a watch may raise is acknowledged."""
    levels = {watch.confirmed, watch.unconfirmed, watch.warning}
    hours: tuple[tuple[Level, int], ...] = (("page", watch.acknowledge_hours), ("ticket", watch.ticket_hours))
    return [(level, counted(number, "hours")) for level, number in hours if level in levels]


def alert_rows(plan: Plan) -> Rows:
    """Return what each kind of alert means, what it does in this plan, and who gets it."""
    rules = [
        ("Outside limit, confirmed", "The whole range lies beyond the limit.",
         _levels(plan, "confirmed")),
        ("Outside limit, not confirmed", "The value is beyond the limit, its range is not.",
         _levels(plan, "unconfirmed")),
        ("Past its warning", "The value is past the warning, within the limit.", _levels(plan, "warning")),
        ("Drift", "An input has moved past its warning or limit, beyond what chance gives.",
         _drift_levels(plan)),
        ("Slow change", "Small moves in one direction have added up.",
         "ticket" if plan.trend.charts else ""),
        ("Outcomes overdue", f"Under {of_hundred(plan.labels.complete)} outcomes are back "
         f"{counted(plan.labels.due_days, 'days')} after a window’s end.",
         "ticket" if any(watch.needs_labels for watch in plan.watches) else ""),
        ("No data", f"{counted(plan.silence_days, 'days')} after its end a window has not come in.",
         f"ticket to {name(plan.silence_owner)}"),
        ("Rows left out", f"Over {of_hundred(MOST_DROPPED)} rows of a window lack a score or decision.",
         f"ticket to {name(plan.silence_owner)}"),
    ]  # fmt: skip
    return [{"Alert": alert, "Means": means, "Does": capital(does)} for alert, means, does in rules if does]


def _levels(plan: Plan, outcome: str) -> str:
    """Which level an outcome has, and for how many watches where they differ; "" where none has one."""
    watches = [watch for watch in plan.watches if not watch.feature]
    if outcome == "warning":
        watches = [watch for watch in watches if watch.check.limit.warn is not None]
    found: dict[str, int] = {}
    for watch in watches:
        level = getattr(watch, outcome)
        found[level] = found.get(level, 0) + 1
    known = [level for level in ("page", "ticket") if level in found]
    if len(found) == 1:
        return known[0] if known else ""
    return "; ".join(
        f"{level} for {counted(found[level], 'watches' if found[level] > 1 else 'watch')}" for level in known
    )


def _drift_levels(plan: Plan) -> str:
    levels = {level for watch in plan.watches if watch.feature for level in (watch.confirmed, watch.warning)}
    return " or ".join(level for level in ("page", "ticket") if level in levels)


def label_sentence(plan: Plan) -> str:
    """Return when outcomes count as back, and what happens until then."""
    if not any(watch.needs_labels for watch in plan.watches):
        return "No watch of this plan needs outcomes, so each window is judged as soon as it is there."
    return (
        f"What needs outcomes is judged once {of_hundred(plan.labels.complete)} rows of a window have one. "
        "Until then the window is shown as maturing, and never as zero; its inputs and decisions are judged "
        f"at once. Outcomes not back {counted(plan.labels.due_days, 'days')} after its end are an alert."
    )


def silence_sentence(plan: Plan) -> str:
    """Return what a missing window does, and to whom."""
    days = counted(plan.silence_days, "days")
    return f"{SILENCE_RULE} After {days} {name(plan.silence_owner)} is told."


def escalation_rows(plan: Plan) -> Rows:
    """Return the steps of the escalation: when, and to whom a page goes."""
    return [
        {
            "A page": "At once"
            if step.after_hours == 0
            else f"{capital(_after(step.after_hours))} without acknowledgement",
            "goes to": name(step.to),
        }
        for step in plan.escalation
    ]


def escalation_sentence(plan: Plan) -> str:
    """Return the escalation as one sentence, for a line of a page or of an alert."""
    steps = [
        f"to {name(step.to)} {'at once' if step.after_hours == 0 else _after(step.after_hours)}"
        for step in plan.escalation
    ]
    return f"A page goes {', '.join(steps)}, until somebody acknowledges it." if steps else ""


def _after(hours: int) -> str:
    return f"after {counted(hours, 'hours')}"


def review_sentence(plan: Plan) -> str:
    """Return when the plan itself is reviewed, when it ends, and what may change it."""
    dates = [str(day) for day in plan.reviews]
    listed = " and ".join([", ".join(dates[:-1]), dates[-1]]) if len(dates) > 1 else "".join(dates)
    reviewed = f"The plan is reviewed on {listed}. " if dates else ""
    return f"{reviewed}It ends on {plan.ends}; a new one is made by then. {REBASE}"


def trend_sentence(plan: Plan) -> str:
    """Return how slow changes are found, in one plain paragraph; "" where nothing is charted."""
    rule = plan.trend
    if not rule.charts:
        return ""
    charts = len(rule.charts)
    low, high = (decimal(end, 1) for end in (min(c.h for c in rule.charts), max(c.h for c in rule.charts)))
    limits = f"is {low}" if low == high else f"lies between {low} and {high}"
    return (
        "In every window each charted gap is compared with the release’s own. Its move, counted in standard "
        f"errors less {decimal(rule.allowance, 1)}, is added to what came before, never below zero (a CUSUM "
        f"chart); a sum above its limit is a ticket. The limit {limits}. It was set by "
        f"{count(rule.replicates)} simulated histories of a model that does not change, so that over "
        f"{counted(rule.horizon, 'windows')} {_any_chart(charts)} raises a false alarm in at most "
        f"{of_hundred(rule.chance)} of them. A window with more people than expected counts as the number "
        "expected, so that many people do not turn the release’s own error into an alarm."
    )


def _any_chart(charts: int) -> str:
    return "the chart" if charts == 1 else f"any of the {count(charts)} charts"

"""What a check owes its metric: the comparison, the groups, the limit and the columns it needs."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from audit_core.contract.metrics import (
    NEEDS_DECISION,
    NEEDS_LABEL,
    NEEDS_SCORE,
    LimitRule,
    canonical,
    comparisons,
    default_compare,
    limit_rule,
    may_regress,
    needs_subject,
)
from audit_core.contract.nodes import Node
from audit_core.contract.shape import one_of, problem
from audit_core.errors import Problem


def check_problems(root: Node) -> Iterator[Problem]:
    """Yield every check whose metric can't be judged the way the check asks."""
    for check in root.listed("checks"):
        named = check.get("metric")
        if named is None:
            continue
        metric = canonical(named.text)
        yield from _comparison(check, metric)
        yield from _subject(check, metric)
        yield from _columns(root, named, metric)
        yield from _limit(check, metric)
        yield from _features(check, metric)


def _comparison(check: Node, metric: str) -> Iterator[Problem]:
    compare, against = check.get("compare"), check.get("against")
    allowed = comparisons(metric)
    if compare is not None and compare.text not in allowed:
        remedy = f"use {one_of(allowed)}" if allowed else "delete the key"
        message = f"“{metric}” can't be compared as a {compare.text}; {remedy}"
        yield problem(compare, "compare-not-possible", message)
    if against is not None and not may_regress(metric):
        message = f"“{metric}” has no value in the baseline to be compared with; delete the key"
        yield problem(against, "against-not-possible", message)


def _subject(check: Node, metric: str) -> Iterator[Problem]:
    if needs_subject(metric) and not check.damaged and not check.listed("of"):
        message = f"A check of “{metric}” needs of: a list of the attributes whose groups are compared"
        yield problem(check, "check-without-of", message)


def _columns(root: Node, named: Node, metric: str) -> Iterator[Problem]:
    """The columns a metric is computed from; pairs and published tables bring their own."""
    data, score = root.get("data"), root.get("data", "score")
    if data is None or root.get("pairs") is not None or root.get("table") is not None:
        return
    if data.damaged or root.damaged or (score is not None and score.damaged):
        return
    if metric in NEEDS_LABEL and data.get("label") is None:
        yield problem(named, "metric-without-column", f"“{metric}” needs true outcomes: add label under data")
    decided = data.get("decision") or data.get("score", "threshold")
    if metric in NEEDS_DECISION and decided is None:
        message = f"“{metric}” needs decisions: add decision, or a score with a threshold, under data"
        yield problem(named, "metric-without-column", message)
    if metric in NEEDS_SCORE and score is None:
        yield problem(named, "metric-without-column", f"“{metric}” needs a score: add score under data")


def _features(check: Node, metric: str) -> Iterator[Problem]:
    node = check.get("features")
    if node is not None and metric != "psi":
        message = f"“features” belongs to drift checks (psi); “{metric}” compares groups and uses “of”"
        yield problem(node, "key-not-used", message)


def _limit(check: Node, metric: str) -> Iterator[Problem]:
    against, compare = check.get("against"), check.get("compare")
    kind = compare.text if compare is not None and compare.text in comparisons(metric) else None
    kind = kind or default_compare(metric)
    against = against if may_regress(metric) else None
    rule = limit_rule(metric, kind, regression=against is not None)
    limit = check.get("limit")
    given = {entry.key.text: entry.value for entry in limit.entries} if limit is not None else {}
    sure = not check.damaged and not (limit is not None and limit.damaged)
    if sure and rule.needed and not any(key in given for key in rule.needed):
        message = f"{_meaning(metric, kind, against)} needs a limit with {one_of(rule.needed)}"
        yield problem(limit or check, "limit-missing", message)
    for key, node in given.items():
        if key not in (*rule.needed, *rule.beside):
            message = f"“{key}” is not used by {_meaning(metric, kind, against, start=False)}"
            yield problem(node, "limit-not-used", message)
        else:
            yield from _amount(metric, key, node, rule)
    if "max_increase" in given and "max_relative_increase" in given:
        message = "Give max_increase or max_relative_increase, not both"
        yield problem(given["max_relative_increase"], "two-limits", message)
    yield from _order(given)


def _meaning(metric: str, kind: str | None, against: Node | None, *, start: bool = True) -> str:
    """Return what the check judges, as a noun of a sentence."""
    article = "A" if start else "a"
    if against is not None:
        return f"{article} check of “{metric}” against the baseline"
    return f"{article} check of “{metric}” as a {kind}" if kind else f"{article} check of “{metric}”"


def _amount(metric: str, key: str, node: Node, rule: LimitRule) -> Iterator[Problem]:
    """A limit lies on the metric's scale: rates and their gaps 0 to 1, counts whole."""
    amount = node.number
    if amount is None:
        return
    highest = None if key == "max_relative_increase" else rule.highest
    if amount < 0 or (highest is not None and amount > highest):
        scale = "0 or more" if highest is None else "between 0 and 1 (0.10 is ten percent)"
        yield problem(node, "out-of-range", f"“{key}” is {node.text}; it must be {scale}")
    elif metric == "overlap" and amount.denominator != 1:
        yield problem(
            node, "out-of-range", f"“{key}” is {node.text}; overlap counts rows: give a whole number"
        )
    elif amount == 0 and (rule.needed == ("min",) or metric == "psi"):
        yield problem(node, "out-of-range", f"“{key}” is 0, so this check could not decide; give more than 0")


def _order(given: dict[str, Node]) -> Iterator[Problem]:
    """min is below max, and a warning comes before its limit."""
    least, most, warn = (_number(given, key) for key in ("min", "max", "warn"))
    if least is not None and most is not None and least > most:
        yield problem(given["min"], "limits-crossed", "“min” is larger than “max”, so no value could pass")
    if warn is None:
        return
    if most is not None and warn > most:
        yield problem(given["warn"], "limits-crossed", "“warn” lies beyond “max”, so it would warn too late")
    if least is not None and warn < least:
        yield problem(given["warn"], "limits-crossed", "“warn” lies below “min”, so it would warn too late")


def _number(given: dict[str, Node], key: str) -> Fraction | None:
    return given[key].number if key in given else None

"""Statistical warnings about a contract: checks that chance decides, and checks that nothing can decide."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from audit_core.contract.schema import Check, ReleaseContract, Subject
from audit_core.cube.axes import group_words
from audit_core.cube.count_cube import is_unknown
from audit_core.cube.counted import Counted
from audit_core.findings.implied import LABEL_COVERAGE_LIMIT
from audit_core.findings.plans import equal_rates
from audit_core.metrics.calibration import GroupCalibration
from audit_core.metrics.catalogue import CRITERIA, RATES, RateMetric
from audit_core.metrics.equal_groups import (
    EXACT_UP_TO,
    ByChance,
    means_by_chance,
    rate_between,
    rates_by_chance,
)
from audit_core.metrics.measure import MEAN_METRICS, rate_metric
from audit_core.metrics.measurements import Measurements
from audit_core.metrics.planner_other import means_to_pass, ratio_to_pass, value_to_hold
from audit_core.metrics.rates import ordered_groups, rate_counts, required_groups

MOST_OUTSIDE, LEAST_WITHIN = Fraction(20, 100), Fraction(50, 100)
"""Equal groups may be outside a limit in no more samples than the first, shown within in no fewer."""

ASSUMED_RATES = (0.5, 0.85)
FEWEST_GROUPS = 2
ASSUMED_AREA, ASSUMED_SPREAD = 0.8, 0.16
"""Without data: the AUC, and the variance of outcome minus score (mean p(1−p) of calibrated scores)."""

Code = Literal["never_within", "never_outside", "left_to_chance", "too_narrow", "out_of_reach"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Odds:
    """What chance does at one rate: shares of samples outside and within the limit, and the people needed.

    `rate` is None for means; `needed` None where no number decides.
    """

    rate: float | None
    outside: float
    within: float
    needed: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caution:
    """One warning about one check. `groups` is how many are compared, `counted` whether data say so.

    `measured`: the rates come from data, they are not assumed. `names` are groups that the minimum is beyond.
    """

    check: str
    line: int
    subjects: tuple[Subject, ...]
    metric: str
    code: Code
    compare: str = "none"
    unit: str = "rows"
    minimum: int = 0
    groups: int = 0
    counted: bool = False
    measured: bool = False
    odds: tuple[Odds, ...] = ()
    names: tuple[str, ...] = ()


def lint(
    contract: ReleaseContract, counted: Counted | None = None, measured: Measurements | None = None
) -> tuple[Caution, ...]:
    """Return the warnings of a contract, in its order; one line where several attributes share one.

    Groups and rates come from the data where they are given; else from the contract's own lists, at least two
    groups, and at rates of 50 and 85 % (METHODS §5).
    """
    found: dict[Caution, list[Subject]] = {}
    for check in contract.checks:
        if check.against is None:
            for subject in check.of or ((),):
                for caution in _check(check, subject, contract, counted, measured):
                    found.setdefault(caution, []).append(subject)
    return tuple(replace(caution, subjects=tuple(subjects)) for caution, subjects in found.items())


def _check(
    check: Check,
    subject: Subject,
    contract: ReleaseContract,
    counted: Counted | None,
    measured: Measurements | None,
) -> Iterator[Caution]:
    data = counted if counted is not None and subject and counted.cube.holds(subject) else None
    compares = check.compare in ("difference", "ratio") or check.metric == "label_coverage"
    names = CRITERIA.get(check.metric, (check.metric,))
    if compares and check.metric in MEAN_METRICS:
        yield from _means(check, subject, contract, data, measured if data is not None else None)
    elif compares and all(name in RATES for name in names):
        for name in names:
            metric = rate_metric(contract, name, favourable=check.compare == "ratio")
            yield from _gap(check, subject, metric, contract, data)
    elif check.metric in RATES:
        yield from _value(check, subject, RATES[check.metric], contract, data)


def _gap(
    check: Check, subject: Subject, metric: RateMetric, contract: ReleaseContract, data: Counted | None
) -> Iterator[Caution]:
    ratio, limit = check.compare == "ratio", _limit(check)
    minimum = metric.required(contract.support)
    base = Caution(
        check=check.id, line=check.line, subjects=(), metric=metric.id, code="left_to_chance",
        compare="ratio" if ratio else "difference", unit=metric.support, minimum=minimum,
    )  # fmt: skip
    if limit is None:
        return
    fixed = _fixed(limit, ratio=ratio)
    if fixed is not None:
        yield replace(base, code=fixed)
        return
    yield from _beyond_reach(base, subject, contract, data)
    pooled = _pooled(metric, subject, contract, data)
    if pooled is None and check.metric == "label_coverage":
        return  # how many labels are missing is a matter of the data, not of the contract
    groups, known = _groups(subject, contract, data)
    rates = ASSUMED_RATES if pooled is None else (pooled,)
    odds = tuple(_odds(base.compare, rate, minimum, groups, limit, contract) for rate in rates)
    if any(map(_left_to_chance, odds)):
        yield replace(base, groups=groups, counted=known, measured=pooled is not None, odds=odds)


def _means(
    check: Check,
    subject: Subject,
    contract: ReleaseContract,
    data: Counted | None,
    measured: Measurements | None,
) -> Iterator[Caution]:
    limit, minimum = check.limit.max, contract.support.rows
    base = Caution(
        check=check.id, line=check.line, subjects=(), metric=check.metric, code="left_to_chance",
        compare="difference", minimum=minimum,
    )  # fmt: skip
    if limit is None:
        return
    if limit <= 0:
        yield replace(base, code="never_within")
        return
    yield from _beyond_reach(base, subject, contract, data)
    groups, known = _groups(subject, contract, data)
    spreads = _spreads(check.metric, subject, measured)
    widest = sorted(spreads)[-2:] or [_assumed_spread(check.metric, minimum)]
    spread, level = sum(widest) / len(widest), float(contract.statistics.level)
    found = means_by_chance(spread, minimum, groups, limit, level)
    needed = means_to_pass([spread] * groups, float(limit), level=level)
    odds = Odds(rate=None, outside=found.outside, within=found.within, needed=needed)
    if _left_to_chance(odds):
        yield replace(base, groups=groups, counted=known, measured=bool(spreads), odds=(odds,))


def _value(
    check: Check, subject: Subject, metric: RateMetric, contract: ReleaseContract, data: Counted | None
) -> Iterator[Caution]:
    low, high = check.limit.min, check.limit.max
    minimum, level = metric.required(contract.support), float(contract.statistics.level)
    base = Caution(
        check=check.id, line=check.line, subjects=(), metric=metric.id, code="never_within",
        unit=metric.support, minimum=minimum,
    )  # fmt: skip
    if (low is not None and low >= 1) or (high is not None and high <= 0):
        yield base
        return
    if (low is None or low <= 0) and (high is None or high >= 1):
        yield replace(base, code="never_outside")
        return
    if minimum > EXACT_UP_TO:
        return
    yield from _beyond_reach(base, subject, contract, data)
    pooled = _pooled(metric, subject, contract, data)
    limits = (float(low) if low is not None else None, float(high) if high is not None else None)
    chance = rate_between(minimum, pooled, (low, high), level)
    if chance is None:
        yield replace(base, code="too_narrow")
    elif pooled is not None and chance.within < LEAST_WITHIN:
        odds = Odds(
            rate=pooled, outside=chance.outside, within=chance.within,
            needed=value_to_hold(pooled, limits, level=level),
        )  # fmt: skip
        yield replace(base, code="left_to_chance", groups=1, counted=True, measured=True, odds=(odds,))


def _odds(
    compare: str, rate: float, minimum: int, groups: int, limit: Fraction, contract: ReleaseContract
) -> Odds:
    level = float(contract.statistics.level)
    if compare == "ratio":
        found = rates_by_chance("ratio", minimum, groups, rate, limit, level)
        needed = ratio_to_pass(rate, groups, float(limit), level=level) if rate > 0 else None
    else:
        found = rates_by_chance("difference", minimum, groups, rate, limit, level)
        needed = equal_rates(rate, groups, limit, level)
    return Odds(rate=rate, outside=found.outside, within=found.within, needed=needed)


def _left_to_chance(odds: Odds | ByChance) -> bool:
    return odds.outside > MOST_OUTSIDE or odds.within < LEAST_WITHIN


def _limit(check: Check) -> Fraction | None:
    if check.compare == "ratio":
        return check.limit.min
    if check.limit.max is None and check.metric == "label_coverage":
        return LABEL_COVERAGE_LIMIT
    return check.limit.max


def _fixed(limit: Fraction, *, ratio: bool) -> Code | None:
    """Whether the limit alone settles the check, whatever the data."""
    if ratio:
        return "never_within" if limit >= 1 else "never_outside" if limit <= 0 else None
    return "never_within" if limit <= 0 else "never_outside" if limit >= 1 else None


def _groups(subject: Subject, contract: ReleaseContract, data: Counted | None) -> tuple[int, bool]:
    """How many groups are compared, and whether that is known: from the data, else the contract's lists."""
    if data is not None:
        return max(FEWEST_GROUPS, len(required_groups(data.cube, contract, subject))), True
    number, known = 1, bool(subject)
    for name in subject:
        attribute = contract.attribute(name)
        listed = attribute.required if attribute else None
        if listed is None and attribute is not None and attribute.bands is not None:
            listed = attribute.bands.labels
        number, known = number * len(listed or range(FEWEST_GROUPS)), known and listed is not None
    return max(FEWEST_GROUPS, number), known


def _pooled(
    metric: RateMetric, subject: Subject, contract: ReleaseContract, data: Counted | None
) -> float | None:
    """Rate of all groups together in the data, or None without."""
    if data is None:
        return None
    groups = ordered_groups(data.cube, contract, subject)
    counts = rate_counts(data.cube.outcomes(subject), groups, metric)
    people = sum(count.denominator for count in counts)
    return sum(count.numerator for count in counts) / people if people else None


def _beyond_reach(
    base: Caution, subject: Subject, contract: ReleaseContract, data: Counted | None
) -> Iterator[Caution]:
    """Required groups that hold fewer rows of any kind than the minimum of one kind."""
    if data is None:
        return
    tables = data.cube.outcomes(subject)
    rows = {
        group: int(tables[group].sum()) if group in tables else 0
        for group in required_groups(data.cube, contract, subject)
    }
    names = tuple(group_words(group) for group, number in rows.items() if number < base.minimum)
    if names:
        yield replace(base, code="out_of_reach", names=names)


def _spreads(metric: str, subject: Subject, measured: Measurements | None) -> list[float]:
    """n·se² of every known group's mean."""
    spreads = []
    for row in measured.calibration if measured is not None else ():
        if row.subject == subject and not is_unknown(row.group):
            if metric == "auc":
                mean = row.auc.as_mean(row.group) if row.auc else None
            else:
                found = row.calibration
                mean = found.as_mean(row.group) if isinstance(found, GroupCalibration) else None
            if mean is not None and mean.n > 1 and math.isfinite(mean.se):
                spreads.append(mean.n * mean.se**2)
    return spreads


def _assumed_spread(metric: str, rows: int) -> float:
    """Variance one person contributes, without data; of an AUC by Hanley & McNeil (1982), half positive."""
    if metric != "auc":
        return ASSUMED_SPREAD
    area, half = ASSUMED_AREA, max(2.0, rows / 2)
    one, two = area / (2 - area), 2 * area**2 / (1 + area)
    variance = (area * (1 - area) + (half - 1) * (one + two - 2 * area**2)) / half**2
    return variance * 2 * half

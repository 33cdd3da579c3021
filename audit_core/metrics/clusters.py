"""How much less repeated people say than as many separate people: the design effect of a rate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from audit_core.contract.schema import Subject
from audit_core.cube.clusters import PersonTotals
from audit_core.cube.count_cube import Group
from audit_core.metrics.catalogue import Mask, RateMetric

Totals = Mapping[tuple[Subject, Group], PersonTotals]


def totals_by_group(totals: Iterable[PersonTotals]) -> dict[tuple[Subject, Group], PersonTotals]:
    """Return the totals of repeated people by subject and group; empty where nobody is repeated."""
    return {(total.subject, total.group): total for total in totals}


def design_effect(total: PersonTotals | None, metric: RateMetric, x: int, n: int) -> float:
    """Return the design effect of the rate x/n, 1 or more; 1 where nobody is repeated (`total` is None).

    Formula: p = Σx_c/Σm_c, v = C/(C−1)·Σ(x_c − p·m_c)²/(Σm_c)², effect = max(1, v/(p(1−p)/n)), over the C
    people c with m_c > 0 rows in the denominator, x_c of them in the numerator. It is never over n. Where
    every row agrees (p is 0 or 1), or there is one person, it is n/C: each person counts once.

    References
    ----------
    Kish (1965), Survey Sampling; Korn & Graubard (1998), Survey Methodology 24.
    """
    if total is None or n == 0:
        return 1.0
    above, below = _weights(metric.numerator), _weights(metric.denominator)
    people = _people(total, below)
    if people <= 1 or x in (0, n):
        return max(1.0, n / max(1, people))
    p = Fraction(x, n)
    spread = _moment(total, above, above) - 2 * p * _moment(total, above, below)
    spread += p * p * _moment(total, below, below)
    variance = Fraction(people, people - 1) * spread / n**2
    return min(float(n), max(1.0, float(variance / (p * (1 - p) / n))))


def largest_effect(total: PersonTotals | None, inside: Mask, rows: int) -> float:
    """Return the design effect if all rows of a person said the same, 1 or more: Σm_c²/Σm_c.

    No mean of the rows under the mask has a larger one; for values whose spread within people was not kept.
    """
    if total is None or rows == 0:
        return 1.0
    weights = _weights(inside)
    return max(1.0, _moment(total, weights, weights) / rows)


def _people(total: PersonTotals, below: list[bool]) -> int:
    """People with a row in the denominator."""
    bits = sum(1 << cell for cell, inside in enumerate(below) if inside)
    return sum(count for mask, count in total.patterns if mask & bits)


def _weights(mask: Mask) -> list[bool]:
    return [bool(inside) for inside in mask.reshape(-1)]


def _moment(total: PersonTotals, first: list[bool], second: list[bool]) -> int:
    """Σ_c (counts of person c under the first mask) · (counts under the second)."""
    found = 0
    for i, j, value in total.products:
        found += value * (first[i] and second[j])
        if i != j:
            found += value * (first[j] and second[i])
    return found

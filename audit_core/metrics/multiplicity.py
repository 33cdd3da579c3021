"""p-values adjusted for how many comparisons were looked at.

Approval needs none of this: every gated check must hold (Berger 1982). Accusing one slice among many does.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate


def bonferroni(p: Sequence[float]) -> tuple[float, ...]:
    """Return p-values times their number, not over 1: the chance of a single false alarm is kept.

    Shape and units: p-values in 0–1 in any order; the result in the same order.

    Raises
    ------
    ValueError
        When a p-value is outside 0–1.
    """
    return tuple(min(1.0, value * len(p)) for value in _checked(p))


def holm(p: Sequence[float]) -> tuple[float, ...]:
    """Return Holm's step-down p-values: as sure as Bonferroni's and never larger. For slices that are gated.

    Formula: sorted ascending, the running maximum of (m−i+1)·p₍ᵢ₎, not over 1.

    Shape and units: p-values in 0–1 in any order; the result in the same order.

    Raises
    ------
    ValueError
        When a p-value is outside 0–1.

    References
    ----------
    Holm (1979), Scandinavian Journal of Statistics 6.
    """
    order, ordered = _ascending(p)
    steps = accumulate((value * (len(p) - i) for i, value in enumerate(ordered)), max)
    return _put_back(order, steps)


def benjamini_hochberg(p: Sequence[float]) -> tuple[float, ...]:
    """Return q-values: the share of false alarms among those flagged. For slices that are explored.

    Formula: sorted ascending, the running minimum from the end of (m/i)·p₍ᵢ₎, not over 1.

    Shape and units: p-values in 0–1 in any order; the result in the same order.

    Raises
    ------
    ValueError
        When a p-value is outside 0–1.

    References
    ----------
    Benjamini & Hochberg (1995), JRSS B 57.
    """
    return _step_up(p, 1.0)


def benjamini_yekutieli(p: Sequence[float]) -> tuple[float, ...]:
    """Return q-values that hold whatever the dependence between the comparisons.

    Formula: those of Benjamini and Hochberg times Σ_{i≤m} 1/i.

    Shape and units: p-values in 0–1 in any order; the result in the same order.

    Raises
    ------
    ValueError
        When a p-value is outside 0–1.

    References
    ----------
    Benjamini & Yekutieli (2001), Annals of Statistics 29.
    """
    return _step_up(p, sum(1 / i for i in range(1, len(p) + 1)))


def _step_up(p: Sequence[float], scale: float) -> tuple[float, ...]:
    order, ordered = _ascending(p)
    sizes = range(len(p), 0, -1)
    steps = accumulate(
        (value * (scale * len(p) / i) for i, value in zip(sizes, ordered[::-1], strict=True)), min
    )
    return _put_back(order[::-1], steps)


def _ascending(p: Sequence[float]) -> tuple[list[int], list[float]]:
    values = _checked(p)
    order = sorted(range(len(values)), key=values.__getitem__)
    return order, [values[i] for i in order]


def _put_back(order: Sequence[int], adjusted: accumulate[float]) -> tuple[float, ...]:
    found = dict(zip(order, adjusted, strict=True))
    return tuple(min(1.0, found[i]) for i in range(len(order)))


def _checked(p: Sequence[float]) -> Sequence[float]:
    if any(not 0 <= value <= 1 for value in p):
        raise ValueError("a p-value lies between 0 and 1")
    return p

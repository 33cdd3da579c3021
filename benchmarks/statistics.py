"""What the product's statistics promise, measured: coverage of intervals, errors of the gap verdict.

Exact by enumeration where that is feasible, otherwise seeded simulation; every seed is printed. A promise
that does not hold is printed as such, with its number.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks import _statistics_coverage as coverage
from benchmarks import _statistics_gaps as gaps


def measure() -> Iterator[tuple[str, float, str]]:
    """Yield (figure, value, unit)."""
    yield from coverage.measure()
    yield from gaps.measure()

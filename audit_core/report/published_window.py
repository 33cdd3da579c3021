"""Findings on a canary's latest days as they may be published beside the counts of the whole file."""

from __future__ import annotations

from collections.abc import Iterator

from audit_core.contract.schema import Subject
from audit_core.cube.count_cube import CountCube
from audit_core.cube.latest import within
from audit_core.decision.record import Audit
from audit_core.findings.finding import Finding
from audit_core.metrics.catalogue import CRITERIA, RATES, RateMetric


def is_cut(finding: Finding) -> bool:
    """Return whether a finding was judged on its latest days alone."""
    return finding.window is not None and finding.window.whole is None


def days_are_shown(finding: Finding, audit: Audit, floor: int) -> bool:
    """Return whether the counts of its days, and those that are left of the file without them, may be told.

    Windows end on the same day, so the shorter one lies in the longer one, and a reader can take one from the
    other. In every such part each group's rate counts `floor` people or more on either side.
    """
    rates = CRITERIA.get(finding.metric, (finding.metric,))
    if any(name not in RATES for name in rates):
        return False
    spans = sorted({f.window.window for f in audit.findings if f.window is not None and is_cut(f)})
    cubes = [audit.counted.cube, *(within(audit.counted, span).cube for span in spans)]
    return all(side >= floor for name in rates for side in _sides(cubes, finding.subject, RATES[name]))


def _sides(cubes: list[CountCube], subject: Subject, rate: RateMetric) -> Iterator[int]:
    """People with and without what a rate counts, of every group, in the shortest window and in each step."""
    before: dict[tuple[str, ...], tuple[int, int]] = {}
    rows = 0
    for cube in sorted(cubes, key=lambda cube: cube.rows):
        counts = {group: rate.counts(table) for group, table in cube.outcomes(subject).items()}
        if cube.rows > rows:  # two windows can hold the same days
            for group, (top, bottom) in counts.items():
                less_top, less_bottom = before.get(group, (0, 0))
                yield from (top - less_top, bottom - top - less_bottom + less_top)
        before, rows = counts, cube.rows

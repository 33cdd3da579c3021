"""Checks of a canary are judged on its latest days, each on those that its own window means."""

from __future__ import annotations

from dataclasses import replace

from audit_core.contract.schema import Check, ReleaseContract, Stage
from audit_core.cube.counted import Counted
from audit_core.cube.latest import JudgedRows, judged_rows, within
from audit_core.findings.finding import Finding
from audit_core.findings.judge import judge
from audit_core.metrics.measure import measure
from audit_core.metrics.measurements import Measurements


def canary_rows(check: Check, counted: Counted) -> JudgedRows | None:
    """Return the rows a windowed check of a canary is judged on; None for any other check."""
    if check.stage != "canary" or check.window is None:
        return None
    return judged_rows(counted, check.window, check.metric)


def judge_by_window(
    contract: ReleaseContract, counted: Counted, measured: Measurements, stages: tuple[Stage, ...]
) -> tuple[Finding, ...]:
    """Return the findings of a run, those of a canary's windowed checks from their latest days alone.

    Guarantee: as `judge` otherwise; every check is there once per subject, in the contract's order.
    """
    rows = {check.id: canary_rows(check, counted) for check in contract.checks if check.stage in stages}
    windows = {name: found.window for name, found in rows.items() if found and found.whole is None}
    by_window: dict[str | None, tuple[Finding, ...]] = {None: judge(contract, counted, measured, stages)}
    for window in sorted(set(windows.values())):
        cut = within(counted, window)
        asked = tuple(check for check in contract.checks if windows.get(check.id) == window)
        part = replace(contract, checks=asked)
        by_window[window] = judge(part, cut, measure(part, cut), stages)
    return tuple(
        replace(finding, window=rows.get(check.id))
        for check in contract.checks
        for finding in by_window[windows.get(check.id)]
        if finding.check == check.id
    )

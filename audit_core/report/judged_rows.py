"""Which rows a windowed check of a canary was judged on, in words and as plain values."""

from __future__ import annotations

from typing import Any

from audit_core.cube.latest import JudgedRows, WholeFile
from audit_core.findings.finding import Finding
from audit_core.report.numbers import counted

_WHOLE: dict[WholeFile, str] = {
    "no_window": "the file has no column of periods",
    "not_days": "its periods are not single days",
    "under_a_day": "a window of hours is shorter than the file's days",
    "repeated": "people come again in the file, and are counted over all of it",
    "not_by_day": "this metric is counted over the whole file alone",
}


def rows_words(found: JudgedRows) -> str:
    """Return “the 300 rows of 2026-11-14 to 2026-11-15 (window 2d)”, or why it is the whole file."""
    people = counted(found.rows, "rows")
    if found.whole is not None:
        return f"all {people}, not the last {found.window} alone: {_WHOLE[found.whole]}"
    return f"the {people} of {found.first} to {found.last} (window {found.window})"


def judged_sentence(finding: Finding) -> str:
    """Return on which rows a finding was judged, or "" where no window was asked or it was not run."""
    if finding.window is None or finding.status == "NOT_RUN":
        return ""
    return f"Judged on {rows_words(finding.window)}."


def encode_window(found: JudgedRows | None) -> dict[str, Any] | None:
    """Return the rows a finding was judged on; `from` and `to` are null where no days were cut out."""
    if found is None:
        return None
    return {
        "asked": found.window,
        "from": found.first or None,
        "to": found.last or None,
        "rows": found.rows,
        "whole_file": _WHOLE[found.whole] if found.whole is not None else None,
    }

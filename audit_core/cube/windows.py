"""Live data by calendar window: the counts of one period, and what several periods add up to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from audit_core.cube.count_cube import CountCube
from audit_core.cube.drift import DriftTable


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowCounts:
    """What is left of the rows of one period.

    `period` is written as the data write it (2026-11, 2026-W47 or 2026-11-22); `first` and `last` are its
    days. `cube` has the axes of the release's cube without the window. `drift` is counted in the bins of the
    release, against the release's reference. `unlabelled` counts rows whose outcome is not back.
    `not_followed` names features of the release that this file does not hold. `source` and `sha256` name the
    file.
    """

    period: str
    first: date
    last: date
    cube: CountCube
    drift: tuple[DriftTable, ...]
    rows: int
    unlabelled: int
    source: str
    sha256: str
    not_followed: tuple[str, ...] = ()

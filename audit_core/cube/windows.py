"""Live data by calendar window: the counts of one period, and what several periods add up to."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce

import numpy as np

from audit_core.cube.axes import Axis
from audit_core.cube.baseline import Baseline
from audit_core.cube.calendar import CalendarWindow, Unit, window_of
from audit_core.cube.count_cube import CountCube, build_cube
from audit_core.cube.counted import Counted, Intake
from audit_core.cube.drift import DriftTable, added_drift
from audit_core.errors import UsageError

_LABEL = "label"


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowCounts:
    """What is left of the rows of one period.

    `period` is its one name (2026-11, 2026-W47 or 2026-11-22), however the data write it; `first` and `last`
    are its days. `cube` has the axes of the release's cube without the window. `drift` is counted over
    everybody, in the bins of the release and against its reference. `rows` were counted; `dropped` rows had
    no score or decision. `unlabelled` counts rows whose outcome is not back. `not_followed` names features of
    the release that can't be counted in this file, with the reason. `source` and `sha256` name the file.
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
    not_followed: tuple[tuple[str, str], ...] = ()
    dropped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What several periods add up to; counts as in `WindowCounts`."""

    cube: CountCube
    drift: tuple[DriftTable, ...]
    rows: int
    unlabelled: int
    dropped: int


def added(windows: Sequence[WindowCounts], features: Collection[str] | None = None) -> Added:
    """Return the sum of the counts of several periods.

    Parameters
    ----------
    features
        The features whose drift over everybody is added up; every table of all when None.

    Raises
    ------
    ValueError
        There is no period, or they were not counted for the same question and in the same bins.
    """
    if not windows:
        raise ValueError("no period to add up")
    return Added(
        cube=added_cubes([window.cube for window in windows]),
        drift=_added_drift(windows, features),
        rows=sum(window.rows for window in windows),
        unlabelled=sum(window.unlabelled for window in windows),
        dropped=sum(window.dropped for window in windows),
    )


def added_cubes(cubes: Sequence[CountCube]) -> CountCube:
    """Return the sum of cubes over the same question; the same cube in whatever order they come.

    Raises
    ------
    ValueError
        Their axes or score bands differ.
    """
    first = cubes[0]
    if any([(a.name, a.kind) for a in c.axes] != [(a.name, a.kind) for a in first.axes] for c in cubes):
        raise ValueError("cubes over different axes do not add")
    if any(cube.bands != first.bands for cube in cubes):
        raise ValueError("cubes over different score bands do not add")
    axes = tuple(
        Axis(name=axis.name, kind=axis.kind,
             levels=tuple(sorted({level for cube in cubes for level in cube.axes[place].levels})))
        for place, axis in enumerate(first.axes)
    )  # fmt: skip
    codes = np.concatenate([_recoded(cube, axes) for cube in cubes])
    return build_cube(axes, first.bands, codes, np.concatenate([cube.measures for cube in cubes]))


def by_calendar(
    windows: Sequence[WindowCounts], unit: Unit
) -> tuple[tuple[CalendarWindow, tuple[WindowCounts, ...]], ...]:
    """Return the periods under the calendar window each belongs to, both in the order of time.

    Raises
    ------
    UsageError
        A period is longer than the window, or two periods share days, and would count people twice.
    """
    ordered = sorted(windows, key=lambda window: (window.first, window.last))
    found: dict[str, tuple[CalendarWindow, list[WindowCounts]]] = {}
    for before, window in zip([None, *ordered], ordered, strict=False):
        if before is not None and window.first <= before.last:
            raise UsageError(
                f"The periods {before.period} and {window.period} share days, and people would count twice",
                where=window.source,
                remedy="Write all rows by periods of one length",
            )
        place = window_of(window.first, window.last, unit)
        if place is None:
            raise UsageError(
                f"The period {window.period} is longer than the plan's window, a {unit}",
                where=window.source,
                remedy=f"Write the rows by the {unit} or shorter, or make a plan with longer windows",
            )
        found.setdefault(place.name, (place, []))[1].append(window)
    return tuple((place, tuple(parts)) for place, parts in found.values())


def as_counted(sums: Added, name: str, release: Baseline | None = None) -> Counted:
    """Return the counts of a window as those of a run, for the same measuring and judging.

    Parameters
    ----------
    name
        The last window that was added up.
    release
        The release itself, which checks against a baseline compare the window with.
    """
    intake = Intake(
        rows=sums.rows + sums.dropped,
        counted=sums.rows,
        dropped=(("no score or decision", sums.dropped),) if sums.dropped else (),
        missing_label=sums.unlabelled,
        edge_rows=0,
        repeated=0,
        folded=(),
        last_window=name,
    )
    return Counted(cube=sums.cube, intake=intake, ranks=(), drift=sums.drift, overlap=None,
                   has_train=bool(sums.drift), baseline=release)  # fmt: skip


def _added_drift(windows: Sequence[WindowCounts], features: Collection[str] | None) -> tuple[DriftTable, ...]:
    """Drift of what every period holds; a feature that one of them lacks is not followed over all."""
    by_key = [
        {
            (table.feature, table.kind, table.attribute, table.group): table
            for table in window.drift
            if features is None or (table.feature in features and not table.attribute)
        }
        for window in windows
    ]
    # The outcomes of a period that has none yet are no reason to lose those of the others.
    late = {key for tables in by_key for key in tables if key[1] == _LABEL}
    shared = [key for key in dict.fromkeys(k for tables in by_key for k in tables)
              if key in late or all(key in tables for tables in by_key)]  # fmt: skip
    return tuple(reduce(added_drift, [tables[key] for tables in by_key if key in tables]) for key in shared)


def _recoded(cube: CountCube, axes: tuple[Axis, ...]) -> np.ndarray:
    codes = cube.codes.copy()
    for place, (old, new) in enumerate(zip(cube.axes, axes, strict=True)):
        at = {level: i for i, level in enumerate(new.levels)}
        mapping = np.array([at[level] for level in old.levels], dtype=np.int64)
        codes[:, place] = mapping[cube.codes[:, place]]
    return codes

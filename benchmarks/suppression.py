"""Small cells: random tables hidden, then attacked from what is left; tables withheld, time per table."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

FLOOR = 10
TABLES = 1_000
LINKED = 100
SHAPES = {1: 8, 2: 7, 3: 5}
"""Levels per axis are drawn below this number, from two up."""


def measure() -> Iterator[tuple[str, float, str]]:
    """Yield (figure, value, unit)."""
    for axes in (1, 2, 3):
        yield from _plain(axes)
    yield from _linked()


def _plain(axes: int) -> Iterator[tuple[str, float, str]]:
    import numpy as np

    from audit_core.cube.feasible import TINY
    from audit_core.cube.suppress import feasible_intervals, suppress

    draw = np.random.default_rng(axes)
    withheld = told = alone = small = 0
    hidden, seconds = 0.0, 0.0
    for _ in range(TABLES):
        shape = draw.integers(2, SHAPES[axes], axes)
        table = np.floor(np.exp(draw.normal(4.2, 1.5, shape))).astype(np.int64)
        began = time.perf_counter()
        found = suppress(table, FLOOR)
        seconds += time.perf_counter() - began
        withheld += found.withheld
        small += int(found.primary.sum())
        low, high = feasible_intervals(table, found.primary)
        alone += int((found.primary & (high - low < TINY)).sum())
        if not found.withheld:
            hidden += float((found.mask & ~found.primary).mean())
            low, high = feasible_intervals(table, found.mask)
            wide = (high - low >= FLOOR - TINY) & (high >= FLOOR - TINY)
            told += int((found.primary & ~wide).sum())
    name = f"{axes}-way, {TABLES:,} tables"
    yield f"{name}: small cells", small, "cells"
    yield f"{name}: given away when they alone are hidden", 100 * alone / small, "%"
    yield f"{name}: told by what is shown", told, "cells"
    yield f"{name}: withheld", 100 * withheld / TABLES, "%"
    yield f"{name}: other cells hidden with them", 100 * hidden / max(1, TABLES - withheld), "%"
    yield f"{name}: time per table", 1000 * seconds / TABLES, "ms"


def _linked() -> Iterator[tuple[str, float, str]]:
    """Two attributes, their combination and everybody, with every rate, attacked as the tests do."""
    import numpy as np

    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
    attack = importlib.import_module("test_suppression")
    from audit_core.cube.published import publish

    draw, told, sums, seconds, cells, whole = np.random.default_rng(9), 0, 0, 0.0, 0, 0
    for _ in range(LINKED):
        counts = attack.random_counts(draw)
        question = attack.question_of(counts, [(), ("gender",), ("origin",), ("gender", "origin")])
        cube = attack.cube_of(counts)
        began = time.perf_counter()
        released = publish(cube, question)
        seconds += time.perf_counter() - began
        numbers = attack.exported(released)
        for aim in attack.small_sums(released, counts):
            low, high = attack.worked_out(counts, numbers, aim)
            told, sums = told + (high - low < FLOOR - 1e-4 or high < FLOOR - 1e-4), sums + 1
        shown = [cell.shown for table in released.tables for cell in table.cells]
        cells, whole = cells + len(shown), whole + shown.count("counts")
    name = f"linked tables with rates, {LINKED} sets"
    yield f"{name}: small counts attacked", sums, "counts"
    yield f"{name}: told by what is shown", told, "counts"
    yield f"{name}: groups shown whole", 100 * whole / cells, "%"
    yield f"{name}: time per set", 1000 * seconds / LINKED, "ms"

"""The counts of a baseline as plain JSON and arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from audit_core.cube.baseline import Baseline
from audit_core.cube.count_cube import CountCube, Integers
from audit_core.cube.marginal import MarginalCube, marginal_cube
from audit_core.evidence.stored_cube import (
    axes_from_json,
    bands_from_json,
    bands_to_json,
    cube_from_cells,
    cube_of_people,
    cube_to_cells,
)

_CUBES = ("paired", "other")
_WORDS = ("name", "approval", "audit_id", "contract_version", "created_at", "model_sha256",
          "other_contract", "by_file")  # fmt: skip


def baseline_to_json(baseline: Baseline) -> dict[str, Any]:
    """Return everything but the cells of its cubes; cells of tables, which are few, are among it."""
    cubes = {name: _cube_to_json(getattr(baseline, name)) for name in _CUBES}
    return {word: getattr(baseline, word) for word in _WORDS} | cubes


def baseline_cells(baseline: Baseline | None) -> dict[str, Integers]:
    """Return the cells of its cubes as arrays, by the names they are stored under."""
    found: dict[str, Integers] = {}
    for name in _CUBES if baseline is not None else ():
        cube = getattr(baseline, name)
        if cube is not None and not isinstance(cube, MarginalCube):
            found |= {f"{name}_codes": cube.codes, f"{name}_people": cube.measures[:, 0]}
    return found


def baseline_from_json(data: dict[str, Any], arrays: Mapping[str, Integers]) -> Baseline:
    """Return the baseline that was stored.

    Raises
    ------
    ValueError
        Its cells are not those that were counted.
    """
    return Baseline(
        **{word: data[word] for word in _WORDS if word in data},
        paired=_cube_from_json(data["paired"], arrays, "paired"),
        other=_cube_from_json(data["other"], arrays, "other"),
    )


def _cube_to_json(cube: CountCube | None) -> dict[str, Any] | None:
    if cube is None:
        return None
    tables = [cube_to_cells(table) for table in cube.tables] if isinstance(cube, MarginalCube) else None
    return {
        "axes": [asdict(axis) for axis in cube.axes],
        "bands": bands_to_json(cube.bands),
        "tables": tables,
        "sha256": cube.fingerprint,
    }


def _cube_from_json(
    data: dict[str, Any] | None, arrays: Mapping[str, Integers], name: str
) -> CountCube | None:
    if data is None:
        return None
    bands = bands_from_json(data["bands"])
    if data["tables"] is not None:
        cube: CountCube = marginal_cube([cube_from_cells(table, bands) for table in data["tables"]])
    else:
        codes, people = (arrays[f"{name}_{part}"].astype(np.int64) for part in ("codes", "people"))
        cube = cube_of_people(axes_from_json(data["axes"]), bands, codes, people)
    if cube.fingerprint != data["sha256"]:
        raise ValueError("the baseline's cells do not match the fingerprint stored with them")
    return cube

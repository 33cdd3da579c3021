"""Cubes as plain JSON, and back."""

from __future__ import annotations

from dataclasses import asdict
from fractions import Fraction
from typing import Any

import numpy as np

from audit_core.cube.axes import Axis
from audit_core.cube.bands import Bands
from audit_core.cube.count_cube import MEASURES, CountCube, Integers


def cube_to_cells(cube: CountCube) -> dict[str, Any]:
    """Return a cube without score sums as plain values; its bands are not among them."""
    axes = [asdict(axis) for axis in cube.axes]
    return {"axes": axes, "codes": cube.codes.tolist(), "people": cube.measures[:, 0].tolist()}


def cube_from_cells(data: dict[str, Any], bands: Bands) -> CountCube:
    """Return the cube that was stored as plain values."""
    axes, people = axes_from_json(data["axes"]), np.array(data["people"], dtype=np.int64)
    codes = np.array(data["codes"], dtype=np.int64).reshape(len(people), len(axes) + 3)
    return cube_of_people(axes, bands, codes, people)


def cube_of_people(axes: tuple[Axis, ...], bands: Bands, codes: Integers, people: Integers) -> CountCube:
    """Return the cube of these cells, without score sums."""
    measures = np.zeros((len(people), len(MEASURES)), dtype=np.int64)
    measures[:, 0] = people
    return CountCube(axes=axes, bands=bands, codes=codes, measures=measures)


def axes_from_json(data: list[dict[str, Any]]) -> tuple[Axis, ...]:
    """Return the axes that were stored."""
    return tuple(Axis(name=a["name"], kind=a["kind"], levels=tuple(a["levels"])) for a in data)


def bands_to_json(bands: Bands) -> dict[str, Any]:
    """Return score bands as plain values."""
    return {
        "edges": list(bands.edges),
        "low": str(bands.low),
        "high": str(bands.high),
        "threshold": None if bands.threshold is None else str(bands.threshold),
    }


def bands_from_json(data: dict[str, Any]) -> Bands:
    """Return the score bands that were stored."""
    return Bands(
        edges=tuple(data["edges"]),
        low=Fraction(data["low"]),
        high=Fraction(data["high"]),
        threshold=None if data["threshold"] is None else Fraction(data["threshold"]),
    )

"""The counts of a run as plain JSON and arrays, and back: a border where outside text is decoded."""

from __future__ import annotations

import io
from dataclasses import asdict
from fractions import Fraction
from typing import Any

import numpy as np

from audit_core.cube.axes import Axis
from audit_core.cube.bands import Bands
from audit_core.cube.count_cube import CountCube
from audit_core.cube.counted import Counted, GroupRanks, Intake, Overlap
from audit_core.cube.drift import DriftTable
from audit_core.cube.ranks import RankSums


def counted_to_json(counted: Counted) -> dict[str, Any]:
    """Return everything but the cube's cells as plain JSON."""
    cube = counted.cube
    return {
        "axes": [asdict(axis) for axis in cube.axes],
        "bands": {
            "edges": list(cube.bands.edges),
            "low": str(cube.bands.low),
            "high": str(cube.bands.high),
            "threshold": None if cube.bands.threshold is None else str(cube.bands.threshold),
        },
        "cube_sha256": cube.fingerprint,
        "intake": asdict(counted.intake),
        "ranks": [asdict(rank) for rank in counted.ranks],
        "drift": [asdict(table) for table in counted.drift],
        "overlap": asdict(counted.overlap) if counted.overlap else None,
        "has_train": counted.has_train,
        "has_evaluation": counted.has_evaluation,
    }


def cells_to_bytes(cube: CountCube) -> bytes:
    """Return the cube's cells as an uncompressed .npz of two integer arrays."""
    buffer = io.BytesIO()
    np.savez(buffer, codes=cube.codes, measures=cube.measures)
    return buffer.getvalue()


def counted_from_json(data: dict[str, Any], cells: bytes) -> Counted:
    """Return the counts that were stored.

    Raises
    ------
    ValueError
        The cells are not those that were counted.
    """
    with np.load(io.BytesIO(cells), allow_pickle=False) as arrays:
        codes, measures = arrays["codes"].astype(np.int64), arrays["measures"].astype(np.int64)
    bands = data["bands"]
    cube = CountCube(
        axes=tuple(
            Axis(name=axis["name"], kind=axis["kind"], levels=tuple(axis["levels"])) for axis in data["axes"]
        ),
        bands=Bands(
            edges=tuple(bands["edges"]),
            low=Fraction(bands["low"]),
            high=Fraction(bands["high"]),
            threshold=None if bands["threshold"] is None else Fraction(bands["threshold"]),
        ),
        codes=codes,
        measures=measures,
    )
    if cube.fingerprint != data["cube_sha256"]:
        raise ValueError("the cube's cells do not match the fingerprint stored with them")
    overlap = data["overlap"]
    return Counted(
        cube=cube,
        intake=_intake(data["intake"]),
        ranks=tuple(
            GroupRanks(attribute=rank["attribute"], group=rank["group"], sums=RankSums(**rank["sums"]))
            for rank in data["ranks"]
        ),
        drift=tuple(_drift(table) for table in data["drift"]),
        overlap=Overlap(**overlap) if overlap else None,
        has_train=data["has_train"],
        has_evaluation=data["has_evaluation"],
    )


def _intake(data: dict[str, Any]) -> Intake:
    pairs = {
        key: tuple((str(name), int(count)) for name, count in data[key]) for key in ("dropped", "folded")
    }
    return Intake(**{**data, **pairs})


def _drift(data: dict[str, Any]) -> DriftTable:
    lists = {key: tuple(data[key]) for key in ("labels", "edges", "reference", "current")}
    new = tuple((str(name), int(count)) for name, count in data["new_categories"])
    return DriftTable(**{**data, **lists, "new_categories": new})

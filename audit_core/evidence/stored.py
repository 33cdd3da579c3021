"""The counts of a run as plain JSON and arrays, and back: a border where outside text is decoded."""

from __future__ import annotations

import io
from dataclasses import asdict
from fractions import Fraction
from typing import Any

import numpy as np

from audit_core.cube.axes import Axis
from audit_core.cube.bands import Bands
from audit_core.cube.clusters import PersonTotals
from audit_core.cube.count_cube import MEASURES, CountCube, Integers
from audit_core.cube.counted import Against, Counted, GroupRanks, Intake, Overlap
from audit_core.cube.drift import DriftTable
from audit_core.cube.marginal import MarginalCube, marginal_cube
from audit_core.cube.median import MedianSplit
from audit_core.cube.missing import MissingTable
from audit_core.cube.ranks import ExposureSums, RankSums


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
        "people": [asdict(total) for total in counted.people],
        "missing": [asdict(table) for table in counted.missing],
        "tables": [_cells(table) for table in cube.tables] if isinstance(cube, MarginalCube) else None,
        "median": _median_to_json(counted.median) if counted.median else None,
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
    cube = _cube(data, codes, measures)
    if not (np.array_equal(cube.codes, codes) and np.array_equal(cube.measures, measures)):
        raise ValueError("the cube's cells do not match the tables stored with them")
    if cube.fingerprint != data["cube_sha256"]:
        raise ValueError("the cube's cells do not match the fingerprint stored with them")
    overlap = data["overlap"]
    return Counted(
        cube=cube,
        intake=_intake(data["intake"]),
        ranks=tuple(_ranks(rank) for rank in data["ranks"]),
        drift=tuple(_drift(table) for table in data["drift"]),
        overlap=Overlap(**overlap) if overlap else None,
        has_train=data["has_train"],
        has_evaluation=data["has_evaluation"],
        people=tuple(_people(total) for total in data.get("people", ())),
        missing=tuple(_missing(table) for table in data.get("missing", ())),
        median=_median(data["median"], cube.bands) if data.get("median") else None,
    )


def _cube(data: dict[str, Any], codes: Integers, measures: Integers) -> CountCube:
    edges = data["bands"]
    bands = Bands(
        edges=tuple(edges["edges"]),
        low=Fraction(edges["low"]),
        high=Fraction(edges["high"]),
        threshold=None if edges["threshold"] is None else Fraction(edges["threshold"]),
    )
    if tables := data.get("tables"):
        return marginal_cube([_from_cells(table, bands) for table in tables])
    return CountCube(axes=_axes(data["axes"]), bands=bands, codes=codes, measures=measures)


def _axes(data: list[dict[str, Any]]) -> tuple[Axis, ...]:
    return tuple(Axis(name=a["name"], kind=a["kind"], levels=tuple(a["levels"])) for a in data)


def _cells(cube: CountCube) -> dict[str, Any]:
    """A cube without score sums as plain values."""
    axes = [asdict(axis) for axis in cube.axes]
    return {"axes": axes, "codes": cube.codes.tolist(), "people": cube.measures[:, 0].tolist()}


def _from_cells(data: dict[str, Any], bands: Bands) -> CountCube:
    axes, people = _axes(data["axes"]), np.array(data["people"], dtype=np.int64)
    measures = np.zeros((len(people), len(MEASURES)), dtype=np.int64)
    measures[:, 0] = people
    codes = np.array(data["codes"], dtype=np.int64).reshape(len(people), len(axes) + 3)
    return CountCube(axes=axes, bands=bands, codes=codes, measures=measures)


def _median(data: dict[str, Any], bands: Bands) -> MedianSplit:
    cube = _from_cells(data["cells"], bands)
    return MedianSplit(lower=float(data["lower"]), upper=float(data["upper"]), cube=cube)


def _median_to_json(split: MedianSplit) -> dict[str, Any]:
    return {"lower": split.lower, "upper": split.upper, "cells": _cells(split.cube)}


def _intake(data: dict[str, Any]) -> Intake:
    pairs = {
        key: tuple((str(name), int(count)) for name, count in data[key]) for key in ("dropped", "folded")
    }
    return Intake(**{**data, **pairs})


def _ranks(data: dict[str, Any]) -> GroupRanks:
    """Ranks of a record; one from before groups were ranked against each other holds its own sums alone."""
    background = [data.get(key) for key in ("background_positive", "background_negative")]
    positive, negative = (RankSums(**sums) if sums else None for sums in background)
    exposure = data.get("exposure")
    return GroupRanks(
        attribute=data["attribute"],
        group=data["group"],
        sums=RankSums(**data["sums"]),
        against=tuple(
            Against(group=other["group"], sums=RankSums(**other["sums"])) for other in data.get("against", ())
        ),
        background_positive=positive,
        background_negative=negative,
        exposure=ExposureSums(**exposure) if exposure else None,
    )


def _people(data: dict[str, Any]) -> PersonTotals:
    return PersonTotals(
        subject=tuple(data["subject"]),
        group=tuple(data["group"]),
        products=tuple((int(i), int(j), int(value)) for i, j, value in data["products"]),
        patterns=tuple((int(mask), int(people)) for mask, people in data["patterns"]),
    )


def _missing(data: dict[str, Any]) -> MissingTable:
    return MissingTable(**{**data, **{key: tuple(data[key]) for key in ("groups", "rows", "missing")}})


def _drift(data: dict[str, Any]) -> DriftTable:
    lists = {key: tuple(data[key]) for key in ("labels", "edges", "reference", "current")}
    new = tuple((str(name), int(count)) for name, count in data["new_categories"])
    return DriftTable(**{**data, **lists, "new_categories": new})

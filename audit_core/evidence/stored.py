"""The counts of a run as plain JSON and arrays, and back: a border where outside text is decoded."""

from __future__ import annotations

import io
from dataclasses import asdict
from typing import Any

import numpy as np

from audit_core.cube.bands import Bands
from audit_core.cube.baseline import Baseline
from audit_core.cube.clusters import PersonTotals
from audit_core.cube.count_cube import CountCube, Integers
from audit_core.cube.counted import Against, Counted, GroupRanks, Intake, Overlap
from audit_core.cube.drift import DriftTable, ValuesApart
from audit_core.cube.marginal import MarginalCube, marginal_cube
from audit_core.cube.median import MedianSplit
from audit_core.cube.missing import MissingTable
from audit_core.cube.ranks import ExposureSums, RankSums
from audit_core.evidence.stored_baseline import baseline_cells, baseline_from_json, baseline_to_json
from audit_core.evidence.stored_cube import (
    axes_from_json,
    bands_from_json,
    bands_to_json,
    cube_from_cells,
    cube_to_cells,
)


def counted_to_json(counted: Counted) -> dict[str, Any]:
    """Return everything but the cube's cells as plain JSON."""
    cube = counted.cube
    return {
        "axes": [asdict(axis) for axis in cube.axes],
        "bands": bands_to_json(cube.bands),
        "cube_sha256": cube.fingerprint,
        "intake": asdict(counted.intake),
        "ranks": [asdict(rank) for rank in counted.ranks],
        "drift": [asdict(table) for table in counted.drift],
        "overlap": asdict(counted.overlap) if counted.overlap else None,
        "has_train": counted.has_train,
        "has_evaluation": counted.has_evaluation,
        "people": [asdict(total) for total in counted.people],
        "missing": [asdict(table) for table in counted.missing],
        "tables": [cube_to_cells(table) for table in cube.tables] if isinstance(cube, MarginalCube) else None,
        "median": _median_to_json(counted.median) if counted.median else None,
        "baseline": baseline_to_json(counted.baseline) if counted.baseline else None,
    }


def cells_to_bytes(cube: CountCube, baseline: Baseline | None) -> bytes:
    """Return the cells of a cube, and of its baseline, as an uncompressed .npz of integer arrays."""
    buffer = io.BytesIO()
    arrays: dict[str, Any] = baseline_cells(baseline)
    np.savez(buffer, codes=cube.codes, measures=cube.measures, **arrays)
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
        stored = data.get("baseline")  # records of before baselines were counted have none
        baseline = baseline_from_json(stored, arrays) if stored else None
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
        baseline=baseline,
    )


def _cube(data: dict[str, Any], codes: Integers, measures: Integers) -> CountCube:
    bands = bands_from_json(data["bands"])
    if tables := data.get("tables"):
        return marginal_cube([cube_from_cells(table, bands) for table in tables])
    return CountCube(axes=axes_from_json(data["axes"]), bands=bands, codes=codes, measures=measures)


def _median(data: dict[str, Any], bands: Bands) -> MedianSplit:
    cube = cube_from_cells(data["cells"], bands)
    return MedianSplit(lower=float(data["lower"]), upper=float(data["upper"]), cube=cube)


def _median_to_json(split: MedianSplit) -> dict[str, Any]:
    return {"lower": split.lower, "upper": split.upper, "cells": cube_to_cells(split.cube)}


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
    values = data.get("values")  # as `mode`, not in a record from before they were folded
    apart = ValuesApart(**values) if values else None
    return DriftTable(**{**data, **lists, "new_categories": new, "values": apart})

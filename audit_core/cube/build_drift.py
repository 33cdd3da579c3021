"""Counts every feature's bins in the training sample and in the evaluation set, overall and inside groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from audit_core.contract.schema import ReleaseContract
from audit_core.cube.axes import ABSENT, MAX_LEVELS, NEITHER, NO, OTHER, UNKNOWN_WORD, YES
from audit_core.cube.coding import Coding
from audit_core.cube.drift import MISSING_BIN, UNSEEN_BIN, DriftTable, FeatureKind
from audit_core.cube.sql import decimal_text, finite
from audit_core.sources.tables import Table, literal, run, run_columns

if TYPE_CHECKING:
    import duckdb

DECILES = tuple(i / 10 for i in range(1, 10))
MISSING_CODE = -1
MOST_READ = 20
"""More values than this, most of their rows in rare ones, are free text and no list of categories."""
FEWEST_OF_TEXT = 10
_RESERVED = (MISSING_BIN, UNSEEN_BIN, OTHER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two samples, with how its rows are coded."""

    con: duckdb.DuckDBPyConnection
    table: Table
    coding: Coding


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One feature on both sides: SQL of its value, a finite double or a text, NULL where missing."""

    name: str
    kind: FeatureKind
    reference: str
    current: str


Key = tuple[str, str]
"""(attribute, group); two empty texts for everybody."""


def count_drift(reference: Side, current: Side, contract: ReleaseContract) -> tuple[DriftTable, ...]:
    """Return the drift tables of every feature, score, decision and label that both samples have.

    The first table of a feature counts everybody; the others count one group each, in the same bins.
    """
    found: list[DriftTable] = []
    for feature in _features(reference, current, contract):
        numeric = feature.kind in ("numeric", "score")
        found += (_numeric if numeric else _categorical)(feature, reference, current)
    return tuple(found)


def feature_names(reference: Table, current: Table, contract: ReleaseContract) -> tuple[str, ...]:
    """Return the features drift is computed on: those the contract lists, or every column without a role.

    Raises
    ------
    UsageError
        A listed feature is missing from one of the files.
    """
    spec = contract.data
    if spec.features is not None:
        for table in (reference, current):
            for name in spec.features:
                table.index(name)
        return spec.features
    taken = {spec.id, spec.window, spec.training_label}
    taken |= {part.column for part in (spec.label, spec.score, spec.decision) if part}
    for attribute in spec.attributes:
        taken |= {attribute.name, attribute.bands.column if attribute.bands else attribute.column}
    return tuple(
        name
        for name in current.source.columns
        if name not in taken and reference.has(name) and current.stored_kind(name) != "other"
    )


def _features(reference: Side, current: Side, contract: ReleaseContract) -> list[Feature]:
    found = []
    for name in feature_names(reference.table, current.table, contract):
        sides = (reference, current)
        if all(_is_numeric(side, name) for side in sides):
            values = [finite(side.table.number(name)) for side in sides]
            found.append(Feature(name=name, kind="numeric", reference=values[0], current=values[1]))
        else:
            values = [side.table.text(name) for side in sides]
            if any(side.table.stored_kind(name) == "boolean" for side in sides):
                values = [f"lower({value})" for value in values]  # a CSV's True is Parquet's true
            found.append(Feature(name=name, kind="categorical", reference=values[0], current=values[1]))
    if reference.coding.score and current.coding.score and contract.data.score:
        name = contract.data.score.column
        scores = (reference.coding.score, current.coding.score)
        found.append(Feature(name=name, kind="score", reference=scores[0], current=scores[1]))
    if reference.coding.decides and current.coding.decides:
        words = {NO: "not selected", YES: "selected", NEITHER: "abstained"}
        pair = [_worded(side.coding.decision, words) for side in (reference, current)]
        taken = {feature.name for feature in found}
        name = "decision" if "decision" not in taken else "decision by the score"
        found.append(Feature(name=name, kind="decision", reference=pair[0], current=pair[1]))
    label = contract.data.label
    if label and all(side.table.has(label.column) for side in (reference, current)):
        words = {NO: "negative", YES: "positive"}
        pair = [_worded(side.coding.label, words) for side in (reference, current)]
        found.append(Feature(name=label.column, kind="label", reference=pair[0], current=pair[1]))
    return found


def _worded(code: str, words: Mapping[int, str]) -> str:
    branches = " ".join(f"WHEN {number} THEN {literal(word)}" for number, word in words.items())
    return f"CASE {code} {branches} END"


def _is_numeric(side: Side, name: str) -> bool:
    """Whether every cell that holds a value is a number."""
    kind = side.table.stored_kind(name)
    if kind != "text":
        return kind == "number"
    value = side.table.value(name)
    query = f"SELECT count({value}), count(try_cast({value} AS DOUBLE)) FROM {side.table.scan}"
    given, parsed = run(side.con, query, side.table.source.name)[0]
    return bool(given == parsed and given > 0)


def _numeric(feature: Feature, reference: Side, current: Side) -> list[DriftTable]:
    edges = _deciles(feature, reference)
    bins = " + ".join(f"CASE WHEN x > {decimal_text(edge)} THEN 1 ELSE 0 END" for edge in edges) or "0"
    code = f"CASE WHEN x IS NULL THEN {MISSING_CODE} ELSE {bins} END"
    before = _counts(reference, feature.reference, code)
    after = _counts(current, feature.current, code)
    labels = _interval_labels(edges)
    codes = [*range(len(labels)), MISSING_CODE]
    tables = []
    for key in after:
        if key in before:
            rows = ([counts[key].get(code, 0) for code in codes] for counts in (before, after))
            tables.append(_table(feature, key, edges, labels, (next(rows), next(rows))))
    return tables


def _categorical(feature: Feature, reference: Side, current: Side) -> list[DriftTable]:
    kept = _levels(feature, reference)
    known = f"x IN ({', '.join(literal(level) for level in kept)})" if kept else "false"
    # '' is a missing cell, '=' and its text a listed category, '+' any other: no cell can imitate these.
    code = f"CASE WHEN x IS NULL THEN '' WHEN {known} THEN '=' || x ELSE '+' END"
    before, after = _counts(reference, feature.reference, code), _counts(current, feature.current, code)
    folded = before[("", "")].get("+", 0) > 0
    names = [f"{level} (a value)" if level in _RESERVED else level for level in kept]
    labels = [*names, OTHER] if folded else names
    unseen = () if folded else _unseen(feature, current, kept)
    tables = []
    for key in after:
        if key not in before:
            continue
        rows = []
        for counts in (before[key], after[key]):
            missing, other = counts.get("", 0), counts.get("+", 0)
            tail = [other, missing, 0] if folded else [missing, other]
            rows.append([*(counts.get(f"={level}", 0) for level in kept), *tail])
        tables.append(_table(feature, key, (), labels, (rows[0], rows[1]), unseen if key == ("", "") else ()))
    return tables


def _table(
    feature: Feature,
    key: Key,
    edges: Sequence[float],
    labels: Sequence[str],
    counts: tuple[Sequence[int], Sequence[int]],
    new: tuple[tuple[str, int], ...] = (),
) -> DriftTable:
    """Drift table whose last bins, missing and unseen, stand only where a sample has a row in them."""
    names = [*labels, MISSING_BIN, UNSEEN_BIN][: max(len(counts[0]), len(labels))]
    rows = [
        (name, before, after)
        for place, (name, before, after) in enumerate(zip(names, *counts, strict=True))
        if place < len(labels) or before or after
    ]
    return DriftTable(
        feature=feature.name,
        kind=feature.kind,
        attribute=key[0],
        group=key[1],
        labels=tuple(name for name, _, _ in rows),
        edges=tuple(edges),
        reference=tuple(before for _, before, _ in rows),
        current=tuple(after for _, _, after in rows),
        new_categories=new,
    )


def _counts(side: Side, value: str, code: str) -> dict[Key, dict[Any, int]]:
    """Rows by bin, for everybody (key of two empty texts) and for every group of every attribute."""
    axes = [axis for axis in side.coding.axes if axis.kind == "attribute"]
    named = "".join(f", {axis.sql} AS a{i}" for i, axis in enumerate(axes))
    keys = ", ".join(["bin", *(f"a{i}" for i in range(len(axes)))])
    query = (
        f"SELECT {keys}, cast(count(*) AS BIGINT) AS n FROM (SELECT *, {code} AS bin FROM "
        f"(SELECT {value} AS x{named} FROM {_counted(side)}) AS coded) AS binned GROUP BY {keys}"
    )
    columns = run_columns(side.con, query, side.table.source.name)
    found: dict[Key, dict[Any, int]] = {("", ""): {}}
    for *cell, n in zip(*columns, strict=True):
        bin_code = cell[0] if isinstance(cell[0], str) else int(cell[0])
        groups = [(axis.name, level or UNKNOWN_WORD) for axis, level in zip(axes, cell[1:], strict=True)]
        for key in [("", ""), *groups]:
            counts = found.setdefault(key, {})
            counts[bin_code] = counts.get(bin_code, 0) + int(n)
    return found


def _counted(side: Side) -> str:
    """FROM clause of the rows that count: those with a decision, where the side has decisions."""
    absent = f" WHERE {side.coding.decision} <> {ABSENT}" if side.coding.decides else ""
    return f"{side.table.scan}{absent}"


def _deciles(feature: Feature, reference: Side) -> tuple[float, ...]:
    """Distinct deciles of the reference sample, by linear interpolation."""
    query = (
        f"SELECT quantile_cont(x, {list(DECILES)}) FROM "
        f"(SELECT {feature.reference} AS x FROM {_counted(reference)}) AS v WHERE x IS NOT NULL"
    )
    found = run(reference.con, query, reference.table.source.name)[0][0]
    return tuple(float(edge) for edge in np.unique(np.array(found or [], dtype=float)))


def _levels(feature: Feature, reference: Side) -> list[str]:
    """Most frequent categories of the reference sample, in the order of their text."""
    return sorted(name for name, _ in _frequent(reference, feature.reference, "true", MAX_LEVELS))


def _unseen(feature: Feature, current: Side, kept: Sequence[str]) -> tuple[tuple[str, int], ...]:
    """Categories of the current sample that the reference never saw, most frequent first, with their rows."""
    known = f"x NOT IN ({', '.join(literal(level) for level in kept)})" if kept else "true"
    return tuple(_frequent(current, feature.current, known, 20))


def _frequent(side: Side, value: str, where: str, most: int) -> list[tuple[str, int]]:
    """Categories with their rows, the most frequent first.

    Of free text only what `FEWEST_OF_TEXT` people share: the words of one person must not outlive the rows.
    """
    counted = (
        f"SELECT x, count(*) AS n FROM (SELECT {value} AS x FROM {_counted(side)}) AS v "
        f"WHERE x IS NOT NULL AND {where} GROUP BY x"
    )
    looks = f"count(*), sum(n), sum(CASE WHEN n < {FEWEST_OF_TEXT} THEN n ELSE 0 END)"
    name = side.table.source.name
    values, rows, alone = run(side.con, f"SELECT {looks} FROM ({counted}) AS c", name)[0]
    fewest = FEWEST_OF_TEXT if values > MOST_READ and 2 * alone > rows else 1
    query = f"SELECT x, n FROM ({counted}) AS c WHERE n >= {fewest} ORDER BY n DESC, x LIMIT {most}"
    return [(str(text), int(n)) for text, n in run(side.con, query, name)]


def _interval_labels(edges: Sequence[float]) -> list[str]:
    if not edges:
        return ["all values"]
    shown = [f"{edge:g}" for edge in edges]
    inner = [f"over {low} to {high}" for low, high in pairwise(shown)]
    return [f"up to {shown[0]}", *inner, f"over {shown[-1]}"]

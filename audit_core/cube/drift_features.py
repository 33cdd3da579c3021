"""What drift is counted on: inputs, score, decision, label and shares of groups, each as SQL of its value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit_core.contract.schema import ReleaseContract
from audit_core.cube.axes import ABSENT, NEITHER, NO, UNKNOWN, UNKNOWN_WORD, YES
from audit_core.cube.coding import Coding
from audit_core.cube.drift import Bins, FeatureKind
from audit_core.cube.sql import finite
from audit_core.sources.tables import Table, literal, run

if TYPE_CHECKING:
    import duckdb

DECISIONS = {NO: "not selected", YES: "selected", NEITHER: "abstained"}
LABELS = {NO: "negative", YES: "positive"}
NO_GROUPS = "the file does not say who is in which group"
_TRUTH = {"true", "false"}


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
    taken |= {contract.baseline.column} if contract.baseline else set()
    taken |= {part.column for part in (spec.label, spec.score, spec.decision) if part}
    for attribute in spec.attributes:
        taken |= {attribute.name, attribute.bands.column if attribute.bands else attribute.column}
    return tuple(
        name
        for name in current.source.columns
        if name not in taken and reference.has(name) and current.stored_kind(name) != "other"
    )


def features_of(reference: Side, current: Side, contract: ReleaseContract) -> list[Feature]:
    """Return everything that both samples have: inputs, score, decision and label."""
    found = [
        _input(name, reference, current)
        for name in feature_names(reference.table, current.table, contract)
    ]  # fmt: skip
    if reference.coding.score and current.coding.score and contract.data.score:
        name = contract.data.score.column
        scores = (reference.coding.score, current.coding.score)
        found.append(Feature(name=name, kind="score", reference=scores[0], current=scores[1]))
    if reference.coding.decides and current.coding.decides:
        pair = [_worded(side.coding.decision, DECISIONS) for side in (reference, current)]
        taken = {feature.name for feature in found}
        name = "decision" if "decision" not in taken else "decision by the score"
        found.append(Feature(name=name, kind="decision", reference=pair[0], current=pair[1]))
    label = contract.data.label
    if label and all(side.table.has(label.column) for side in (reference, current)):
        pair = [_worded(side.coding.label, LABELS) for side in (reference, current)]
        found.append(Feature(name=label.column, kind="label", reference=pair[0], current=pair[1]))
    return found


def _input(name: str, reference: Side, current: Side) -> Feature:
    sides = (reference, current)
    if all(_is_numeric(side, name) for side in sides):
        values = [finite(side.table.number(name)) for side in sides]
        return Feature(name=name, kind="numeric", reference=values[0], current=values[1])
    values = [side.table.text(name) for side in sides]
    if any(side.table.stored_kind(name) == "boolean" for side in sides):
        values = [f"lower({value})" for value in values]  # a CSV's True is Parquet's true
    return Feature(name=name, kind="categorical", reference=values[0], current=values[1])


def _worded(code: str, words: Mapping[int, str]) -> str:
    branches = " ".join(f"WHEN {number} THEN {literal(word)}" for number, word in words.items())
    return f"CASE {code} {branches} END"


def _is_numeric(side: Side, name: str) -> bool:
    """Whether every cell that holds a value is a number."""
    kind = side.table.stored_kind(name)
    if kind != "text":
        return kind == "number"
    given, parsed = _given(side, name)
    return given == parsed and given > 0


def _given(side: Side, name: str) -> tuple[int, int]:
    """Cells that hold a value, and how many of them are numbers."""
    value = side.table.value(name)
    query = f"SELECT count({value}), count(try_cast({value} AS DOUBLE)) FROM {side.table.scan}"
    given, parsed = run(side.con, query, side.table.source.name)[0]
    return int(given), int(parsed)


def _has_labels(side: Side, column: str) -> bool:
    """Whether a sample has the label's column and a row whose label has come."""
    if not side.table.has(column):
        return False
    query = f"SELECT count(*) FROM {side.table.scan} WHERE {side.coding.label} <> {NEITHER}"
    return bool(run(side.con, query, side.table.source.name)[0][0])


def counted(side: Side) -> str:
    """Return the FROM clause of the rows that count: those with a decision, where the side has decisions."""
    absent = f" WHERE {side.coding.decision} <> {ABSENT}" if side.coding.decides else ""
    return f"{side.table.scan}{absent}"


# A later sample, whose bins are already made


def later_value(side: Side, bins: Bins) -> str:
    """Return SQL of a feature's value in a later sample, for which `why_uncountable` has no reason."""
    coding, table = side.coding, side.table
    if bins.kind == "decision":
        return _worded(coding.decision, DECISIONS)
    if bins.kind == "label":
        return _worded(coding.label, LABELS)
    if bins.kind == "score":
        assert coding.score is not None
        return coding.score
    if bins.kind == "group":
        level = next(axis.sql for axis in coding.axes if axis.name == bins.feature)
        return f"nullif(nullif({level}, {literal(UNKNOWN)}), {literal(UNKNOWN_WORD)})"
    if bins.kind == "numeric":
        return finite(table.number(bins.feature))
    text = table.text(bins.feature)
    if bins.levels and {level.lower() for level in bins.levels} <= _TRUTH:
        branches = " ".join(f"WHEN {literal(level.lower())} THEN {literal(level)}" for level in bins.levels)
        return f"CASE lower({text}) {branches} ELSE {text} END"
    return text


def why_uncountable(side: Side, bins: Bins, contract: ReleaseContract) -> str:
    """Return why a later sample can't be counted in these bins; empty where it can."""
    if bins.kind == "score":
        return "" if side.coding.score else "the file has no score"
    if bins.kind == "decision":
        return "" if side.coding.decides else "the file has no decisions"
    if bins.kind == "label":
        label = contract.data.label
        return "" if label and _has_labels(side, label.column) else "the file has no labels yet"
    if bins.kind == "group":
        held = any(axis.kind == "attribute" and axis.name == bins.feature for axis in side.coding.axes)
        return "" if held else NO_GROUPS
    if not side.table.has(bins.feature):
        return "the file has no such column"
    kind = side.table.stored_kind(bins.feature)
    if bins.kind == "categorical":
        return "the column holds lists or structures" if kind == "other" else ""
    given, parsed = _given(side, bins.feature) if kind == "text" else (0, int(kind != "number"))
    return "" if given == parsed else "not every cell is a number, and the release counted numbers"

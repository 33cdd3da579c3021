"""Scores of a trusted model, made in a process of its own and written beside the rows they belong to.

The process starts with an empty environment, takes one model, sees only the columns it was fitted
on, and is killed when it is slow or done. Until the kernel lock exists, a trusted model still has the
rights of the person who trusted it: it could read files, or leave a process behind.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from audit_core.errors import ModelError, SourceError, UsageError
from audit_core.sources.model import (
    PREDICTIONS_INSTEAD,
    ModelDescription,
    ModelFile,
    Trust,
    read_identified,
)
from audit_core.sources.model_process import ModelProcess, Scores, ScoringLimits, plain
from audit_core.sources.tables import MISSING, Kind

__all__ = ["Scorer", "ScoringLimits", "score_table", "typed_features"]

_LIMITS: Final = ScoringLimits()
_ROWS_AT_ONCE: Final = 250_000
_MAX_FEATURES: Final = 10_000


class Scorer:
    """A context in which one trusted model answers batches of rows.

    Parameters
    ----------
    positive
        The class whose score is wanted, as text; the second of the model's classes when None.
    features
        The columns to use, in order, for a model that records none; ignored otherwise.

    Raises
    ------
    ModelError
        The trust is for other bytes, the file changed, or its content is refused as a classifier.
    """

    def __init__(
        self,
        model: ModelFile,
        trust: Trust,
        limits: ScoringLimits = _LIMITS,
        *,
        positive: str | None = None,
        features: Sequence[str] | None = None,
    ) -> None:
        if trust.sha256 != model.sha256:
            remedy = f"Trust this file by its own SHA-256. {PREDICTIONS_INSTEAD}"
            raise ModelError("The trust given is for another model file", where=model.name, remedy=remedy)
        self.model = model
        self._limits = limits
        self._positive = positive
        self._named = None if features is None else tuple(features)

    def __enter__(self) -> Self:
        raw = read_identified(self.model)
        self._process = ModelProcess(self.model.name, self._limits)
        try:
            reduced = self._process.start()
            told = self._process.ask([json.dumps({"positive": self._positive}).encode(), raw])
            self._description = _description(told, reduced, self.model.name)
        except BaseException:
            self._process.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.close()

    def describe(self) -> ModelDescription:
        """What the model says of itself."""
        return self._description

    @property
    def features(self) -> tuple[str, ...]:
        """The columns the model is given, in its order.

        Raises
        ------
        ModelError
            The model records no column names, and the caller named none or the wrong number.
        """
        names = self._description.features or self._named
        wanted = self._description.n_features
        if names is None or (wanted is not None and len(names) != wanted):
            remedy = f"Fit it on a table with named columns. {PREDICTIONS_INSTEAD}"
            raise ModelError("The model does not name its columns", where=self.model.name, remedy=remedy)
        return names

    def score(self, batch: pa.RecordBatch | pa.Table) -> Scores:
        """The positive class's score of every row, read-only; one that is not finite stays so.

        Raises
        ------
        UsageError
            Columns of the model are missing from the batch.
        ModelError
            The process failed, ended, ran out of time, or sent the wrong number of scores.
        """
        table = pa.Table.from_batches([batch]) if isinstance(batch, pa.RecordBatch) else batch
        _require_columns(table.schema.names, self.features)
        # Schema metadata goes too: pandas keeps the names of all columns there.
        table = table.select(list(self.features)).replace_schema_metadata(None)
        starts = range(0, table.num_rows, _ROWS_AT_ONCE)
        pieces = [self._process.scores(table.slice(start, _ROWS_AT_ONCE)) for start in starts]
        scores = pieces[0] if len(pieces) == 1 else np.concatenate([np.empty(0), *pieces])
        scores.flags.writeable = False
        return scores


def typed_features(
    batch: pa.RecordBatch, features: Sequence[str], kinds: Mapping[str, Kind]
) -> pa.RecordBatch:
    """The model's columns as pandas.read_csv would give them: numbers as float64, missing cells null.

    Parameters
    ----------
    kinds
        What a text column is to be read as, "number" or "boolean"; other text stays text. A column that
        is not text is passed on as it is.

    Raises
    ------
    UsageError
        Columns of the model are missing from the batch.
    SourceError
        A column read as numbers holds a text that is neither a number nor missing.
    """
    _require_columns(batch.schema.names, features)
    columns = [_typed(batch.column(name), name, kinds.get(name, "text")) for name in features]
    return pa.record_batch(columns, names=list(features))


def score_table(
    batches: Iterator[pa.RecordBatch],
    scorer: Scorer,
    destination: Path,
    column: str,
    progress: Callable[[int], None] | None = None,
    *,
    kinds: Mapping[str, Kind] = MappingProxyType({}),
) -> int:
    """Write every batch with its scores to a Parquet file; the number of rows written.

    The file takes its name only when complete. A column that already has the score's name is replaced;
    the file's metadata says so (`evenhand.replaced`) beside the model's SHA-256 (`evenhand.model`).

    Parameters
    ----------
    progress
        Called after each batch with the rows written so far.
    kinds
        As in `typed_features`; the file keeps the columns as they came.

    Raises
    ------
    SourceError
        There are no rows, or the batches do not all have the same columns.
    """
    handle, name = tempfile.mkstemp(dir=destination.parent, prefix=f".{destination.name}.", suffix=".part")
    os.close(handle)
    part = Path(name)
    rows = 0
    try:
        with closing(_write_scored(part, batches, scorer, column, kinds)) as written:
            for rows in written:
                if progress is not None:
                    progress(rows)
        part.replace(destination)
    finally:
        part.unlink(missing_ok=True)
    return rows


def _write_scored(
    part: Path, batches: Iterator[pa.RecordBatch], scorer: Scorer, column: str, kinds: Mapping[str, Kind]
) -> Generator[int, None, None]:
    """Write batch after batch, giving the number of rows so far after each."""
    first = next(batches, None)
    if first is None:
        raise SourceError("There are no rows to score", remedy="Give a table with at least one row")
    schema = _scored_schema(first.schema, column, scorer.model.sha256)
    rows = 0
    with pq.ParquetWriter(part, schema, compression="zstd") as writer:
        for batch in chain([first], batches):
            if not batch.schema.equals(first.schema):
                raise SourceError("The rows to score do not all have the same columns and types")
            scores = scorer.score(typed_features(batch, scorer.features, kinds))
            writer.write_batch(_with_scores(batch, schema, column, scores))
            rows += batch.num_rows
            yield rows


def _scored_schema(schema: pa.Schema, column: str, sha256: str) -> pa.Schema:
    """The columns as they came, then the score; the metadata records who made it."""
    made = {"evenhand.model": sha256}
    if column in schema.names:
        made["evenhand.replaced"] = column
    kept = [field for field in schema if field.name != column]
    return pa.schema([*kept, pa.field(column, pa.float64())], metadata=made)


def _with_scores(batch: pa.RecordBatch, schema: pa.Schema, column: str, scores: Scores) -> pa.RecordBatch:
    kept = [batch.column(name) for name in schema.names if name != column]
    return pa.record_batch([*kept, pa.array(scores)], schema=schema)


def _require_columns(given: Collection[str], wanted: Sequence[str]) -> None:
    missing = [name for name in wanted if name not in given]
    if missing:
        problem = "The data lacks " + ("a column" if len(missing) == 1 else f"{len(missing)} columns")
        remedy = f"Add what is listed, under exactly these names. {PREDICTIONS_INSTEAD}"
        raise UsageError(f"{problem} the model was fitted on", where=", ".join(missing), remedy=remedy)


def _typed(cells: pa.Array, name: str, kind: Kind) -> pa.Array:
    """One column, its missing cells null; text becomes numbers or booleans where asked."""
    if pa.types.is_null(cells.type):
        return cells.cast(pa.float64() if kind == "number" else pa.string())
    if not (pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type)):
        return cells
    absent = pc.is_in(cells, value_set=pa.array(MISSING, type=cells.type))
    text = pc.if_else(absent, pa.scalar(None, type=cells.type), cells)
    if kind == "boolean":
        return pc.equal(pc.utf8_lower(text), "true")
    return _numbers(text, name) if kind == "number" else text


def _numbers(text: pa.Array, name: str) -> pa.Array:
    """Text as float64, read as generously as pandas does: spaces around it and a plus sign are fine."""
    try:
        return text.cast(pa.float64())
    except pa.ArrowInvalid:
        bare = pc.replace_substring_regex(pc.utf8_trim_whitespace(text), pattern=r"^\+", replacement="")
    try:
        return bare.cast(pa.float64())
    except pa.ArrowInvalid:
        # Arrow's own message quotes the cell.
        raise SourceError(
            "A cell of this column is not a number, and the model wants numbers there",
            where=name,
            remedy="Correct the cell, or leave it empty",
        ) from None


def _description(told: dict[str, Any], reduced: tuple[str, ...], name: str) -> ModelDescription:
    """The worker's description, believed only where it has the right shape."""
    if not _well_formed(told):
        raise ModelError("The model's answer can't be read", where=name, remedy=PREDICTIONS_INSTEAD)
    notes = [plain(note) for note in told["notes"]]
    if reduced:
        notes.append(f"isolation: reduced (this system sets no limit on {', '.join(reduced)})")
    return ModelDescription(
        class_name=plain(told["class_name"]),
        sklearn_version=plain(told["sklearn_version"]),
        classes=tuple(plain(text) for text in told["classes"]),
        positive=plain(told["positive"]),
        features=None if told["features"] is None else tuple(told["features"]),
        n_features=told["n_features"],
        kind=told["kind"],
        notes=tuple(notes),
    )


def _well_formed(told: dict[str, Any]) -> bool:
    """Whether every field of a description is there, with the type and the size it must have."""
    try:
        return (
            _texts([told["class_name"], told["sklearn_version"]], 2)
            and _texts(told["classes"], 2)
            and told["positive"] in told["classes"]
            and (told["features"] is None or _texts(told["features"], _MAX_FEATURES))
            and (told["n_features"] is None or type(told["n_features"]) is int)
            and told["kind"] in ("probability", "decision")
            and _texts(told["notes"], 10)
        )
    except KeyError:
        return False


def _texts(value: object, limit: int) -> bool:
    return isinstance(value, list) and len(value) <= limit and all(isinstance(part, str) for part in value)

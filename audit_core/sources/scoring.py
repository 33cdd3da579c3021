"""Scores of a model, made in a locked process of its own and written beside the rows they belong to.

The process starts with an empty environment, takes one model, sees only the columns it was fitted on, and
is killed when it is slow or done. Before a byte of the model arrives the kernel closes files, network and
other processes to it; what holds on this system is `Scorer.isolation`.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from audit_core.errors import ModelError, SourceError
from audit_core.sources.features import require_columns, typed_features
from audit_core.sources.isolation import Isolation
from audit_core.sources.model import (
    PREDICTIONS_INSTEAD,
    ModelDescription,
    ModelFile,
    Opening,
)
from audit_core.sources.model_bytes import model_payload
from audit_core.sources.model_process import FilesNeededError, Scores, ScoringLimits, plain
from audit_core.sources.tables import Kind
from audit_core.sources.waiting import FreshWorkers, WaitingWorkers, Workers, available_isolation

if TYPE_CHECKING:
    from audit_core.sources.model_trust import Trust

__all__ = [
    "FreshWorkers",
    "Isolation",
    "Scorer",
    "ScoringLimits",
    "WaitingWorkers",
    "available_isolation",
    "score_table",
    "typed_features",
]

_FRESH: Final = FreshWorkers()
_ROWS_AT_ONCE: Final = 250_000
_MAX_FEATURES: Final = 10_000


class Scorer:
    """A context in which one trusted model answers batches of rows.

    Parameters
    ----------
    opening
        The modules and names the inspection found; the file gets no other.
    positive
        The class whose score is wanted, as text; the second of the model's classes when None.
    features
        The columns to use, in order, for a model that records none; ignored otherwise.
    workers
        Where the process comes from.

    Raises
    ------
    ModelError
        The trust is for other bytes, the file changed, or its content is refused as a classifier.
    """

    def __init__(
        self,
        model: ModelFile,
        trust: Trust,
        opening: Opening,
        *,
        positive: str | None = None,
        features: Sequence[str] | None = None,
        workers: Workers = _FRESH,
    ) -> None:
        if trust.sha256 != model.sha256:
            remedy = f"Trust this file by its own SHA-256. {PREDICTIONS_INSTEAD}"
            raise ModelError("The trust given is for another model file", where=model.name, remedy=remedy)
        self.model = model
        self._opening = opening
        self._positive = positive
        self._named = None if features is None else tuple(features)
        self._workers = workers

    def __enter__(self) -> Self:
        raw = model_payload(self.model)
        try:
            self._open(raw, "strict")
        except FilesNeededError:
            self._open(raw, "lax", left=self._process.left)
        return self

    def _open(self, raw: bytes, mode: Literal["strict", "lax"], left: float | None = None) -> None:
        """Start a process, lock it, and only then give it the model."""
        process = self._process = self._workers.take(self.model.name)
        if left is not None:
            process.left = min(left, process.left)
        try:
            self._isolation = process.lock(asdict(self._opening) | {"positive": self._positive, "mode": mode})
            told = process.ask([raw])
            self._description = _description(told, self._isolation, self.model.name)
        except BaseException:
            process.close()
            raise

    def __exit__(self, *_: object) -> None:
        self._process.close()

    def describe(self) -> ModelDescription:
        """What the model says of itself."""
        return self._description

    @property
    def isolation(self) -> Isolation:
        """What keeps the process of this model from the rest of the machine."""
        return self._isolation

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
            remedy = (
                "List them in its order in the contract, under data: features; or fit it on a table with "
                f"named columns. {PREDICTIONS_INSTEAD}"
            )
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
        require_columns(table.schema.names, self.features)
        # Schema metadata goes too: pandas keeps the names of all columns there.
        table = table.select(list(self.features)).replace_schema_metadata(None)
        starts = range(0, table.num_rows, _ROWS_AT_ONCE)
        pieces = [self._piece(table.slice(start, _ROWS_AT_ONCE)) for start in starts]
        scores = pieces[0] if len(pieces) == 1 else np.concatenate([np.empty(0), *pieces])
        scores.flags.writeable = False
        return scores

    def _piece(self, table: pa.Table) -> Scores:
        """The scores of so many rows as are sent at once."""
        try:
            return self._process.scores(table)
        except FilesNeededError:
            before, left = self._description, self._process.left
            self._process.close()
        self._open(model_payload(self.model), "lax", left=left)
        if before != self._description:
            raise ModelError(
                "The model describes itself differently each time it is loaded",
                where=self.model.name,
                remedy=PREDICTIONS_INSTEAD,
            )
        return self._process.scores(table)


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


def _description(told: dict[str, Any], isolation: Isolation, name: str) -> ModelDescription:
    """The worker's description, believed only where it has the right shape."""
    if not _well_formed(told):
        raise ModelError("The model's answer can't be read", where=name, remedy=PREDICTIONS_INSTEAD)
    notes = [plain(note) for note in told["notes"]]
    if not isolation.complete:
        notes.append(isolation.words())
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

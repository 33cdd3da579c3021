"""The columns a model is given, as it met them when it was fitted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from audit_core.errors import SourceError, UsageError
from audit_core.sources.model import PREDICTIONS_INSTEAD
from audit_core.sources.tables import MISSING, Kind


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
    require_columns(batch.schema.names, features)
    columns = [_typed(batch.column(name), name, kinds.get(name, "text")) for name in features]
    return pa.record_batch(columns, names=list(features))


def require_columns(given: Collection[str], wanted: Sequence[str]) -> None:
    """Refuse data that lack columns of the model, naming all of them.

    Raises
    ------
    UsageError
        Columns are missing.
    """
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

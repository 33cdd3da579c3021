"""Tables with a model's scores beside their rows; each pair of model and file is scored once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from audit_core.audit.request import AuditRequest, Progress
from audit_core.contract.schema import ReleaseContract
from audit_core.decision.record import ScoredBy
from audit_core.errors import UsageError
from audit_core.evidence.pins import read_pins
from audit_core.evidence.workspace import Workspace
from audit_core.sources.profile import text_kinds
from audit_core.sources.tables import Source, Table, batches, open_table

if TYPE_CHECKING:
    import duckdb

    from audit_core.sources.scoring import Scorer

Key = TypeVar("Key")
"""What tables are told apart by: their role in an audit, or their place among files of one role."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A run while its rows are read: what was asked, under which contract, through which connection."""

    con: duckdb.DuckDBPyConnection
    request: AuditRequest
    contract: ReleaseContract
    workspace: Workspace
    tell: Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A model that is asked for scores: its file, and the column they go to.

    `beside` names the scores that the tables hold already, so that each mix of scores is a file of its own.
    """

    path: Path
    name: str | None
    column: str
    beside: str = ""


def scored(reading: Reading, tables: dict[Key, Table]) -> tuple[dict[Key, Table], Source, ScoredBy]:
    """Tables with the audited model's scores beside their rows, each pair of model and file scored once."""
    request, score = reading.request, reading.contract.data.score
    assert request.model is not None
    if score is None:
        raise UsageError(
            "A model is given, but the contract names no score column",
            where=request.contract_name,
            remedy="Add data: score: {column: score, threshold: 0.5}",
        )
    asked = Asked(path=request.model, name=request.names.get("model"), column=score.column)
    tables, by = scored_by(reading, asked, tables)
    source = Source(role="model", name=by.name, sha256=by.sha256, bytes=by.bytes, rows=0, columns=by.features)
    return tables, source, by


def scored_by(reading: Reading, asked: Asked, tables: dict[Key, Table]) -> tuple[dict[Key, Table], ScoredBy]:
    """Tables with a model's scores in the asked column; it is inspected, trusted and locked in first."""
    from audit_core.sources.admission import admit_model
    from audit_core.sources.scoring import FreshWorkers, Scorer, available_isolation

    request, contract, workspace, tell = reading.request, reading.contract, reading.workspace, reading.tell
    tell("Inspecting the model file", 0.08)
    admitted = admit_model(
        asked.path,
        asked.name,
        isolated=available_isolation().complete,
        accepted=request.trusted,
        reviews=[pin.review() for pin in read_pins(workspace.root)],
    )
    model = admitted.model
    named = contract.data.label.positive[:1] if contract.data.label else ()
    positive = named[0] if named else None
    tell("Starting the scoring process", 0.1)
    workers = request.workers or FreshWorkers()
    features = contract.data.features  # for a model that was fitted on columns without names
    with Scorer(
        model, admitted.trust, admitted.opening, positive=positive, features=features, workers=workers
    ) as scorer:
        described = scorer.describe()
        scored = {
            role: _score_one(reading.con, table, scorer, workspace.scored_path(
                model.sha256, table.source.sha256, asked.column + asked.beside, positive), asked.column, tell)
            for role, table in tables.items()
        }  # fmt: skip
    by = ScoredBy(
        name=model.name,
        sha256=model.sha256,
        bytes=model.bytes,
        class_name=admitted.inspection.class_name if model.format == "onnx" else described.class_name,
        sklearn_version=described.sklearn_version,
        features=scorer.features,
        trusted_by=admitted.trust.by,
        notes=described.notes,
        inspected=admitted.inspection.verdict,
        reviewer=admitted.trust.reviewer,
        isolation=scorer.isolation.words(),
    )
    return scored, by


def _score_one(
    con: duckdb.DuckDBPyConnection, table: Table, scorer: Scorer, path: Path, column: str, tell: Progress
) -> Table:
    from audit_core.sources.scoring import score_table

    if not path.exists():
        kinds = text_kinds(con, table, scorer.features)
        total = table.source.rows

        def report(rows: int) -> None:
            tell(f"Scoring {rows:,} of {total:,} rows of {table.source.name}", 0.1 + 0.6 * rows / total)

        score_table(batches(con, table), scorer, path, column, report, kinds=kinds)
    scored = open_table(con, path, table.source.role, name=table.source.name)
    return replace(scored, source=replace(table.source, columns=scored.source.columns))

"""Tables with a model's scores beside their rows; each pair of model and file is scored once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from audit_core.audit.request import AuditRequest, Progress
from audit_core.contract.schema import ReleaseContract
from audit_core.decision.record import ScoredBy
from audit_core.errors import UsageError
from audit_core.evidence.pins import read_pins
from audit_core.evidence.workspace import Workspace
from audit_core.sources.profile import text_kinds
from audit_core.sources.tables import Role, Source, Table, batches, open_table

if TYPE_CHECKING:
    import duckdb

    from audit_core.sources.scoring import Scorer


def scored(
    con: duckdb.DuckDBPyConnection,
    request: AuditRequest,
    contract: ReleaseContract,
    workspace: Workspace,
    tables: dict[Role, Table],
    tell: Progress,
) -> tuple[dict[Role, Table], Source, ScoredBy]:
    """Tables with the model's scores beside their rows, each pair of model and file scored once."""
    from audit_core.sources.admission import admit_model
    from audit_core.sources.scoring import FreshWorkers, Scorer, available_isolation

    assert request.model is not None
    score = contract.data.score
    if score is None:
        raise UsageError(
            "A model is given, but the contract names no score column",
            where=request.contract_name,
            remedy="Add data: score: {column: score, threshold: 0.5}",
        )
    tell("Inspecting the model file", 0.08)
    admitted = admit_model(
        request.model,
        request.names.get("model"),
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
            role: _score_one(con, table, scorer, workspace.scored_path(
                model.sha256, table.source.sha256, score.column, positive), score.column, tell)
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
    source = Source(
        role="model", name=model.name, sha256=model.sha256, bytes=model.bytes, rows=0, columns=by.features
    )
    return scored, source, by


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

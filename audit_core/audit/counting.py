"""Rows become counts; the last moment at which a row is read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from audit_core.audit.baseline import Given, count_baseline, given_baseline
from audit_core.audit.request import AuditRequest, Progress
from audit_core.audit.scoring import Reading, scored
from audit_core.contract.schema import ReleaseContract
from audit_core.cube.baseline import Baseline
from audit_core.cube.build import count_table, rank_groups, shared_ids, take_in
from audit_core.cube.build_clusters import person_totals
from audit_core.cube.build_drift import Side, count_drift
from audit_core.cube.build_median import split_at_median
from audit_core.cube.build_missing import count_missing
from audit_core.cube.build_published import count_published
from audit_core.cube.coding import code_reference, code_table
from audit_core.cube.counted import Counted, Overlap
from audit_core.cube.drift import DriftTable
from audit_core.cube.no_rows import no_rows
from audit_core.decision.record import ScoredBy
from audit_core.errors import UsageError
from audit_core.evidence.workspace import Workspace
from audit_core.metrics.measure import measured_subjects
from audit_core.sources.published import read_published
from audit_core.sources.tables import Role, Source, Table, connect, open_table

if TYPE_CHECKING:
    import duckdb


def count(
    request: AuditRequest, contract: ReleaseContract, workspace: Workspace, tell: Progress
) -> tuple[Counted, tuple[Source, ...], ScoredBy | None]:
    """Return (counts, sources, model); the last moment at which a row is read."""
    if request.table is not None:
        return _count_published(request, contract, workspace, tell)
    if request.benchmarks and not any(
        (request.evaluation, request.train, request.model, request.baseline, request.baseline_model)
    ):
        return no_rows(), (), None
    given = given_baseline(request, contract, workspace)
    con = connect((request.train, request.evaluation, given.rows), folders=(workspace.root / "scored",))
    try:
        tables = _open(con, request, tell)
        reading = Reading(con=con, request=request, contract=contract, workspace=workspace, tell=tell)
        models: tuple[Source, ...] = ()
        description = None
        if request.model is not None:
            tables, model, description = scored(reading, tables)
            models = (model,)
        counted = _count_tables(con, tables, _live(contract, tables, request), request, tell)
        reading = replace(reading, contract=_live(contract, tables, request))
        baseline, compared = _compared(reading, given, tables, description)
    finally:
        con.close()
    sources = tuple(table.source for table in tables.values())
    return replace(counted, baseline=baseline), (*sources, *models, *compared), description


def _compared(
    reading: Reading, given: Given, tables: dict[Role, Table], model: ScoredBy | None
) -> tuple[Baseline | None, tuple[Source, ...]]:
    """The baseline beside the rows that are audited; a training sample has none."""
    if "evaluation" in tables:
        return count_baseline(reading, given, tables["evaluation"], model.sha256 if model else "")
    if given.rows is not None or given.known is not None or reading.request.baseline_model is not None:
        raise UsageError(
            "A baseline is compared on an evaluation set, and there is none",
            remedy="Give the rows to audit with --eval, or leave the baseline out",
        )
    return None, ()


def _count_published(
    request: AuditRequest, contract: ReleaseContract, workspace: Workspace, tell: Progress
) -> tuple[Counted, tuple[Source, ...], None]:
    """Counts somebody else made, taken as they are; of a baseline there can be counts too."""
    given = given_baseline(request, contract, workspace)
    rows = (request.evaluation, request.train, request.model, request.baseline_model, given.rows)
    if any(part is not None for part in rows):
        raise UsageError(
            "A table of counts can't be audited together with rows or a model",
            where=str(request.table),
            remedy="Give --table alone, or leave it out",
        )
    assert request.table is not None
    tell("Reading the table of counts", 0.1)
    con = connect((request.table,))
    try:
        table = open_table(con, request.table, "table", name=request.names.get("table"))
        lines = read_published(con, table, contract)
    finally:
        con.close()
    counted = count_published(lines, contract, table.source.name)
    return replace(counted, baseline=given.known), (table.source, *given.sources), None


def _open(con: duckdb.DuckDBPyConnection, request: AuditRequest, tell: Progress) -> dict[Role, Table]:
    given: dict[Role, Path | str | None] = {"train": request.train, "evaluation": request.evaluation}
    tables: dict[Role, Table] = {}
    for role, path in given.items():
        if path is not None:
            tell(f"Reading the {role} file", 0.05)
            tables[role] = open_table(con, path, role, name=request.names.get(role))
    if "evaluation" not in tables and not (request.stages == ("data",) and "train" in tables):
        raise UsageError("There is no evaluation set to audit", remedy="Give the rows to audit with --eval")
    return tables


def _count_tables(
    con: duckdb.DuckDBPyConnection,
    tables: dict[Role, Table],
    contract: ReleaseContract,
    request: AuditRequest,
    tell: Progress,
) -> Counted:
    train, evaluation = tables.get("train"), tables.get("evaluation")
    audited = evaluation or train
    assert audited is not None
    tell("Counting rows into the cube", 0.75)
    label = contract.data.training_label if evaluation is None else None
    coding = code_table(con, audited, contract, label=label)
    if not coding.decides and request.stages != ("data",):
        raise UsageError(
            "The rows hold no score and no decision",
            where=audited.source.name,
            remedy="Give the model with --model, or a file with a predictions column",
        )
    intake = take_in(con, audited, coding, contract)
    cube = count_table(con, audited, coding)
    ranks = rank_groups(con, audited, coding, cube)
    drift: tuple[DriftTable, ...] = ()
    overlap: Overlap | None = None
    if train is not None and evaluation is not None:
        tell("Comparing the training sample with the evaluation set", 0.85)
        reference = Side(con=con, table=train, coding=code_reference(con, train, contract))
        drift = _in_order(count_drift(reference, Side(con=con, table=evaluation, coding=coding), contract))
        key = contract.data.id
        if key and train.has(key) and evaluation.has(key):
            overlap = shared_ids(con, train, evaluation, key)
    repeated = contract.data.id if intake.repeated else None
    return Counted(
        cube=cube,
        intake=intake,
        ranks=ranks,
        drift=drift,
        overlap=overlap,
        has_train=train is not None,
        has_evaluation=evaluation is not None,
        people=(
            person_totals(con, audited, coding, repeated, measured_subjects(contract, cube))
            if repeated
            else ()
        ),
        missing=count_missing(con, audited, coding, contract),
        median=split_at_median(con, audited, coding) if contract.domain == "employment" else None,
    )


def _live(contract: ReleaseContract, tables: dict[Role, Table], request: AuditRequest) -> ReleaseContract:
    """The contract as it reads a canary's rows, whose outcomes may not be there yet."""
    label, rows = contract.data.label, tables.get("evaluation")
    if request.stages != ("canary",) or label is None or rows is None or rows.has(label.column):
        return contract
    return replace(contract, data=replace(contract.data, label=None))


def _in_order(tables: tuple[DriftTable, ...]) -> tuple[DriftTable, ...]:
    """The tables by feature, everybody first, then group by group: a query gives groups in any order."""
    places = {key: place for place, key in enumerate(dict.fromkeys((t.feature, t.kind) for t in tables))}
    return tuple(sorted(tables, key=lambda t: (places[t.feature, t.kind], t.attribute, t.group)))

"""The verbs of an audit, in order: count, then assess (measure, judge, decide), then keep."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from audit_core import __version__
from audit_core.contract.schema import ReleaseContract, Stage
from audit_core.contract.yaml import parse_contract
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
from audit_core.decision.assess import assess
from audit_core.decision.record import Audit, ScoredBy
from audit_core.decision.redecided import limited
from audit_core.errors import AuditError, UsageError
from audit_core.evidence.pins import read_pins
from audit_core.evidence.workspace import Workspace
from audit_core.metrics.measure import measured_subjects
from audit_core.sources.evaluations import given_evaluations
from audit_core.sources.profile import (
    TableLook,
    column_values,
    guess_roles,
    profile_columns,
    text_kinds,
)
from audit_core.sources.published import read_published
from audit_core.sources.tables import Role, Source, Table, batches, connect, open_table

if TYPE_CHECKING:
    import duckdb

    from audit_core.sources.scoring import Scorer
    from audit_core.sources.waiting import Workers

Progress = Callable[[str, float], None]
AUDIT_STAGES: tuple[Stage, ...] = ("data", "training", "predeploy")
MOST_LABEL_VALUES = 5
EXAMPLE_FOLDER = Path(__file__).resolve().parent.parent / "sample_data" / "hiring"
EXAMPLE_DATE = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
"""Clock of the worked example: its evaluation month is October 2026, whenever it is opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRequest:
    """What to audit. `as_of` is the clock of the run; `names` are the names to show for the files.

    `table` is a table of published counts, which stands alone: it takes the place of rows and of a model.

    `trusted` holds the SHA-256 of files that whoever runs the audit decided to trust, `workers` where scoring
    processes come from: a fresh one for each model when None.
    """

    contract: bytes
    contract_name: str
    evaluation: Path | str | None = None
    train: Path | str | None = None
    model: Path | None = None
    table: Path | str | None = None
    benchmarks: Path | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    trusted: frozenset[str] = frozenset()
    stages: tuple[Stage, ...] = AUDIT_STAGES
    workers: Workers | None = None
    as_of: datetime
    worked_example: bool = False


def run_audit(request: AuditRequest, workspace: Workspace, progress: Progress | None = None) -> Audit:
    """Return the audit of the files, kept in the workspace.

    Raises
    ------
    ContractError
        The contract has problems; all of them are in the error.
    UsageError
        A column the contract names is missing, or there is nothing to audit.
    SourceError, ModelError
        A file can't be read as what it claims to be, or the model is not trusted.
    """
    tell = progress or (lambda _stage, _share: None)
    tell("Reading the contract", 0.0)
    contract = parse_contract(request.contract, request.contract_name)
    benchmarks, results = given_evaluations(request.benchmarks, request.names.get("benchmarks"))
    counted, sources, model = count(request, contract, workspace, tell)
    sources += benchmarks
    tell("Judging the checks", 0.92)
    found = assess(contract, counted, request.stages, request.as_of)
    created = request.as_of.astimezone(UTC).isoformat(timespec="seconds")
    audit = Audit(
        id=_audit_id(request, contract, counted, sources),
        created_at=created,
        tool_version=__version__,
        contract=found.contract,
        stages=request.stages,
        sources=sources,
        model=model,
        counted=counted,
        measurements=found.measurements,
        findings=found.findings,
        requirements=found.requirements,
        decision=found.decision,
        worked_example=request.worked_example,
        evaluations=results,
    )
    audit = replace(audit, previous=workspace.withheld_before(audit))
    workspace.save(audit, request.contract)
    tell("Done", 1.0)
    return audit


def count(
    request: AuditRequest, contract: ReleaseContract, workspace: Workspace, tell: Progress
) -> tuple[Counted, tuple[Source, ...], ScoredBy | None]:
    """Return (counts, sources, model); the last moment at which a row is read."""
    if request.table is not None:
        return _count_published(request, contract, tell)
    if request.benchmarks and not (request.evaluation or request.train or request.model):
        return no_rows(), (), None
    con = connect((request.train, request.evaluation), folders=(workspace.root / "scored",))
    try:
        tables = _open(con, request, tell)
        model, description = None, None
        if request.model is not None:
            tables, model, description = _scored(con, request, contract, workspace, tables, tell)
        counted = _count_tables(con, tables, contract, request, tell)
    finally:
        con.close()
    sources = tuple(table.source for table in tables.values())
    return counted, (*sources, model) if model else sources, description


def _count_published(
    request: AuditRequest, contract: ReleaseContract, tell: Progress
) -> tuple[Counted, tuple[Source, ...], None]:
    """Counts somebody else made, taken as they are."""
    if any(part is not None for part in (request.evaluation, request.train, request.model)):
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
    return count_published(lines, contract, table.source.name), (table.source,), None


def with_limit(audit: Audit, check_id: str, limit: Fraction) -> Audit:
    """Return the audit as it would be decided under another limit; nothing is counted or measured again."""
    checks = tuple(limited(c, limit) if c.id == check_id else c for c in audit.contract.checks)
    contract = replace(audit.contract, checks=checks)
    as_of = datetime.fromisoformat(audit.created_at)
    found = assess(contract, audit.counted, audit.stages, as_of, audit.measurements)
    return replace(
        audit,
        contract=found.contract,
        findings=found.findings,
        requirements=found.requirements,
        decision=found.decision,
    )


def _audit_id(
    request: AuditRequest, contract: ReleaseContract, counted: Counted, sources: tuple[Source, ...]
) -> str:
    """Id of an audit: another file, name, contract, clock or stage is another audit."""
    files = [(source.role, source.name, source.sha256) for source in sources]
    parts = (
        f"{counted.cube.fingerprint} {contract.sha256} {request.as_of.isoformat()} {request.stages} {files}"
    )
    parts += f" {request.worked_example} {__version__}"
    return f"A-{request.as_of:%Y%m%d}-{hashlib.sha256(parts.encode()).hexdigest()[:8]}"


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


def _scored(
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


def _in_order(tables: tuple[DriftTable, ...]) -> tuple[DriftTable, ...]:
    """The tables by feature, everybody first, then group by group: a query gives groups in any order."""
    places = {key: place for place, key in enumerate(dict.fromkeys((t.feature, t.kind) for t in tables))}
    return tuple(sorted(tables, key=lambda t: (places[t.feature, t.kind], t.attribute, t.group)))


def look_at(path: Path | str, name: str, role: Role = "evaluation") -> TableLook:
    """Return a first look at a file: its columns, the part each seems to play, the values of a label."""
    con = connect((path,))
    try:
        table = open_table(con, path, role, name=name)
        columns = profile_columns(con, table)
        few = [column.name for column in columns if column.distinct <= MOST_LABEL_VALUES]
        values = tuple((column, column_values(con, table, column)) for column in few)
    finally:
        con.close()
    return TableLook(source=table.source, columns=columns, roles=guess_roles(columns), label_values=values)


def worked_example(workspace: Workspace, progress: Progress | None = None) -> Audit:
    """Return the audit of the bundled hiring example, run once and then read from the workspace.

    Raises
    ------
    UsageError
        The example's files are not beside the program.
    """
    folder = EXAMPLE_FOLDER
    if not (folder / "contract.yaml").is_file():
        raise UsageError(
            "The worked example is not here", where=str(folder), remedy="Run the program from its repository"
        )
    contract = (folder / "contract.yaml").read_bytes()
    for entry in workspace.entries():
        if entry.worked_example and workspace.contract_bytes(entry.id) == contract:
            with suppress(AuditError):  # damaged since: it is run again
                return workspace.load(entry.id)
    request = AuditRequest(
        contract=contract,
        contract_name="contract.yaml",
        evaluation=folder / "evaluation.csv",
        train=folder / "train.csv",
        model=folder / "model.joblib",
        as_of=EXAMPLE_DATE,
        worked_example=True,
    )
    return run_audit(request, workspace, progress)

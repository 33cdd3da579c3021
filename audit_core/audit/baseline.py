"""What a release is compared with: found, read, and counted beside the audited rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from audit_core.audit.request import LAST_APPROVED, AuditRequest
from audit_core.audit.scoring import Asked, Reading, scored_by
from audit_core.contract.schema import ReleaseContract
from audit_core.cube.baseline import APPROVALS, Baseline
from audit_core.cube.build_baseline import (
    BASELINE_COLUMN,
    beside_by_column,
    beside_by_id,
    count_paired,
    count_result,
    count_stable,
    without_scores,
)
from audit_core.cube.count_cube import CountCube
from audit_core.errors import UsageError
from audit_core.evidence.workspace import Workspace
from audit_core.report.escape import clip
from audit_core.sources.baseline import AuditResult, is_result, read_result
from audit_core.sources.files import find_files, fingerprint
from audit_core.sources.tables import Source, Table, open_table


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The baseline of a run before its rows are read.

    `known` is what a result or an earlier audit says, `rows` a stable release's own file. Both are None where
    only a model or a column of the audited file is there, or nothing at all.
    """

    known: Baseline | None = None
    sources: tuple[Source, ...] = ()
    rows: Path | str | None = None


def given_baseline(request: AuditRequest, contract: ReleaseContract, workspace: Workspace) -> Given:
    """Return what was given as a baseline; a result is read, rows are not yet.

    Raises
    ------
    UsageError
        Rows of a stable release and its model are both given: they answer the same question twice. Or the
        model is not the one the result names, or the result is of another contract although the policy is
        `last_approved`.
    SourceError
        The file is an archive, or a result that can't be read.
    """
    given, name = request.baseline, request.names.get("baseline")
    if given is None:
        return Given()
    if given == LAST_APPROVED:
        return _last(request, contract, workspace)
    if is_result(given, name):
        result = read_result(given, name)
        known = _of_result(result, count_result(result, contract), contract)
        _require_its_model(request, known)
        return Given(known=known, sources=(result.source(),))
    if request.baseline_model is not None:
        raise UsageError(
            "The baseline is given twice, as rows and as a model",
            where=name or str(given),
            remedy="Give its model alone, or its rows alone; a result file may stand beside either",
        )
    return Given(rows=given)


def count_baseline(
    reading: Reading, given: Given, audited: Table, beside: str = ""
) -> tuple[Baseline | None, tuple[Source, ...]]:
    """Return the baseline's counts and its sources; None where nothing was given and nothing was found.

    Parameters
    ----------
    beside
        SHA-256 of the model whose scores the audited table holds; empty where they came with the file.

    Raises
    ------
    UsageError
        The baseline's answers are given twice.
    SourceError, ModelError
        Its rows can't be read, or its model is refused.
    """
    request, contract = reading.request, reading.contract
    column = contract.baseline.column if contract.baseline else None
    held = column if column and audited.has(column) else None
    if held and (request.baseline_model is not None or given.rows is not None):
        raise UsageError(
            "The approved model's answers are given twice",
            where=f"{audited.source.name}, column “{held}”",
            remedy="Leave out --baseline-model and the baseline's rows, or take the column from the file",
        )
    if request.baseline_model is not None:
        return _scored(reading, given, audited, beside)
    if given.rows is not None:
        return _of_rows(reading, given.rows, audited, beside)
    if held or (column and given.known is None and _asks(reading)):
        told = beside_by_column(reading.con, audited, column or "", contract)
        paired = count_paired(reading.con, told, contract)
        base = given.known or _nameless(f"column “{column}” of {audited.source.name}")
        return replace(base, paired=paired), given.sources
    return given.known, given.sources


def _asks(reading: Reading) -> bool:
    """Whether a check of this run compares with the baseline."""
    stages = reading.request.stages
    return any(check.against and check.stage in stages for check in reading.contract.checks)


def _scored(
    reading: Reading, given: Given, audited: Table, beside: str
) -> tuple[Baseline, tuple[Source, ...]]:
    """The approved model's own answers for the very rows that are audited."""
    path, name = reading.request.baseline_model, reading.request.names.get("baseline_model")
    assert path is not None
    asked = Asked(path=path, name=name, column=BASELINE_COLUMN, beside=beside)
    tables, by = scored_by(reading, asked, {"evaluation": audited})
    table = tables["evaluation"]
    told = beside_by_column(reading.con, table, BASELINE_COLUMN, reading.contract)
    paired = count_paired(reading.con, told, reading.contract)
    source = Source(
        role="baseline", name=by.name, sha256=by.sha256, bytes=by.bytes, rows=0, columns=by.features
    )
    known = given.known or _nameless(by.name)
    return replace(known, name=by.name, model_sha256=by.sha256, paired=paired), (*given.sources, source)


def _require_its_model(request: AuditRequest, known: Baseline) -> None:
    """Refuse a model other than the one the result was made on: its approval is not this file's."""
    from audit_core.sources.model import identify_model

    path, name = request.baseline_model, request.names.get("baseline_model")
    if path is None or identify_model(path, name).sha256 == known.model_sha256:
        return
    problem = (
        f"The baseline's model is not the one that {known.name} names (SHA-256 {known.model_sha256[:12]}…)"
        if known.model_sha256
        else f"{known.name} names no model, so it can't be said to be about this one"
    )
    remedy = "Give the model that was audited, or leave the result out"
    raise UsageError(problem, where=name or path.name, remedy=remedy)


def _of_rows(
    reading: Reading, given: Path | str, audited: Table, beside_model: str
) -> tuple[Baseline, tuple[Source, ...]]:
    """A stable release's rows: beside the audited ones where ids pair them, else on their own."""
    con, contract = reading.con, reading.contract
    reading.tell("Reading the baseline's rows", 0.8)
    stable = open_table(con, given, "baseline", name=reading.request.names.get("baseline"))
    own_cut = contract.baseline is not None and contract.baseline.threshold is not None
    if stable.source.sha256 == audited.source.sha256 and not beside_model and not own_cut:
        raise UsageError(
            "The baseline's rows are the audited rows themselves, and no release is its own baseline",
            where=stable.source.name,
            remedy="Give the rows of the approved release",
        )
    beside = beside_by_id(con, audited, stable, contract)
    base = _nameless(stable.source.name)
    if beside is not None:
        base = replace(base, paired=count_paired(con, beside, contract))
    else:
        base = replace(base, other=count_stable(con, stable, contract))
    return base, (stable.source,)


def _last(request: AuditRequest, contract: ReleaseContract, workspace: Workspace) -> Given:
    """The newest approved audit of the workspace; nothing where there is none."""
    entry = workspace.last_approved(
        contract.id, request.as_of, unlike=_audited(request), worked_example=request.worked_example
    )
    if entry is None:
        return Given()
    found = workspace.release(entry.id)
    source = Source(
        role="baseline", name=found.audit_id, sha256=found.sha256, bytes=found.bytes, rows=0, columns=()
    )
    known = Baseline(
        name=found.audit_id,
        approval=APPROVALS[found.verdict],
        paired=None,
        other=without_scores(found.counted.cube),
        audit_id=found.audit_id,
        contract_version=found.contract_version,
        created_at=found.created_at,
        model_sha256=found.model_sha256,
    )
    _require_its_model(request, known)
    return Given(known=known, sources=(source,))


def _audited(request: AuditRequest) -> str:
    """SHA-256 of what is audited: the model, or the rows that hold its answers."""
    from audit_core.sources.model import identify_model

    if request.model is not None:
        return identify_model(request.model, request.names.get("model")).sha256
    rows = request.evaluation or request.table
    return fingerprint(find_files(rows))[0] if rows is not None else ""


def _of_result(result: AuditResult, other: CountCube, contract: ReleaseContract) -> Baseline:
    """The baseline a result is; one of another contract only where the contract leaves the choice open."""
    elsewhere = bool(result.contract_id) and result.contract_id != contract.id
    if elsewhere and contract.baseline is not None and contract.baseline.policy == "last_approved":
        raise UsageError(
            f"The baseline was decided under contract “{clip(result.contract_id, 48)}”, but this contract "
            f"compares with the last release that was approved under “{contract.id}”",
            where=result.name,
            remedy="Give a result of this contract, or state policy: given under baseline",
        )
    return Baseline(
        name=result.name,
        approval=APPROVALS.get(result.verdict, "not_approved"),
        by_file=True,
        paired=None,
        other=other,
        audit_id=result.audit_id,
        contract_version="" if elsewhere else result.contract_version,
        created_at=result.created_at,
        model_sha256=result.model_sha256,
        other_contract=f"{result.contract_id}, version {result.contract_version}" if elsewhere else "",
    )


def _nameless(name: str) -> Baseline:
    """A baseline no result was given with."""
    return Baseline(name=name, approval="not_shown", paired=None, other=None)

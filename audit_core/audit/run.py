"""An audit, whole: count, then assess (measure, judge, decide), then keep."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction

from audit_core import __version__
from audit_core.audit.counting import count
from audit_core.audit.request import AuditRequest, Progress
from audit_core.contract.schema import ReleaseContract
from audit_core.contract.yaml import parse_contract
from audit_core.cube.counted import Counted
from audit_core.decision.assess import assess
from audit_core.decision.record import Audit
from audit_core.decision.redecided import limited
from audit_core.evidence.workspace import Workspace
from audit_core.sources.evaluations import given_evaluations
from audit_core.sources.tables import Source


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
    if counted.baseline is not None:
        parts += f" {counted.baseline.fingerprint}"
    return f"A-{request.as_of:%Y%m%d}-{hashlib.sha256(parts.encode()).hexdigest()[:8]}"

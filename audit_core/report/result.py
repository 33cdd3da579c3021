"""The result file: one audit as canonical JSON, schema evenhand/audit/v1."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any

from audit_core.decision.record import Audit
from audit_core.report.conflicts import encode_conflicts
from audit_core.report.escape import for_json
from audit_core.report.evaluations import encode_evaluations
from audit_core.report.hiring_result import encode_hiring
from audit_core.report.matrix import not_checked
from audit_core.report.multiplicity import NOTHING_ADJUSTED, encode_multiplicity
from audit_core.report.plan_result import encode_monitoring
from audit_core.report.release_plan import NO_PLAN, release_plan
from audit_core.report.result_findings import encode_finding, encode_requirement
from audit_core.report.result_measures import encode_calibration, encode_drift, encode_gap, encode_rate
from audit_core.report.result_ranking import encode_between, encode_exposure, encode_treatment
from audit_core.report.result_regression import absent_regression, encode_regression
from audit_core.report.test_plan import encode_plan
from audit_core.report.unequal_data import encode_decided, encode_missing
from audit_core.report.withheld import counts_digest
from audit_core.report.wording import ground_sentence
from audit_core.sources.tables import Source

SCHEMA_ID = "evenhand/audit/v1"
NOT_YET = "not computed by this version"


def result(audit: Audit) -> dict[str, Any]:
    """Return the audit as the plain values of its result file.

    Guarantee: no NaN and no infinity; a null has its reason beside it or under `absent`. No row, no id.
    """
    measured, plan = audit.measurements, release_plan(audit)
    return {
        "schema": SCHEMA_ID,
        "audit_id": audit.id,
        "created_at": audit.created_at,
        "tool": {"name": "evenhand", "version": audit.tool_version},
        "contract": contract_part(audit),
        "decision": decision_part(audit),
        "sources": [source_part(source) for source in audit.sources],
        "rates": [encode_rate(rate) for rate in measured.rates],
        "gaps": [encode_gap(gap) for gap in measured.gaps],
        "calibration": [encode_calibration(row) for row in measured.calibration],
        "drift": [encode_drift(row) for row in measured.drift],
        "ranking_between": [encode_between(found) for found in measured.between],
        "treatment_equality": [encode_treatment(row) for row in measured.treatment],
        "exposure": [encode_exposure(subject, found) for subject, found in measured.exposure],
        "missing": [encode_missing(row) for row in measured.missing],
        "among_decided": [encode_decided(row) for row in measured.decided],
        "pairs": None,
        "regression": encode_regression(audit),
        "multiplicity": encode_multiplicity(audit),
        "requirements": [encode_requirement(state) for state in audit.requirements],
        "findings": [encode_finding(finding, audit) for finding in audit.findings],
        "conflicts": encode_conflicts(audit),
        "test_plan": encode_plan(audit.contract),
        "not_checked": list(not_checked(audit.contract)),
        "evaluations": encode_evaluations(audit),
        "proposals": [],
        "hiring": encode_hiring(audit),
        "plan": encode_monitoring(plan) if plan else None,
        "absent": {
            "pairs": "no matched pairs were audited",
            "regression": absent_regression(audit),
            "multiplicity": NOTHING_ADJUSTED,
            "proposals": NOT_YET,
            "plan": NO_PLAN,
        },
    }


def contract_part(audit: Audit) -> dict[str, str]:
    """Return which contract the audit was decided under: its id, version and exact bytes."""
    contract = audit.contract
    return {"id": contract.id, "version": contract.version, "sha256": contract.sha256}


def source_part(source: Source) -> dict[str, Any]:
    """Return a file that was read: its part, name, hash and size."""
    return {
        "role": source.role,
        "name": source.name,
        "sha256": source.sha256,
        "bytes": source.bytes,
        "rows": source.rows,
    }


def decision_part(audit: Audit) -> dict[str, Any]:
    """Return the decision, the contract and the counts it was made from."""
    decision = audit.decision
    return {
        "verdict": decision.verdict,
        "exit_code": decision.exit_code,
        "reasons": [ground_sentence(reason, audit) for reason in decision.reasons],
        "contract_sha256": audit.contract.sha256,
        "cube_sha256": counts_digest(audit),
    }


def result_bytes(audit: Audit) -> bytes:
    """Return the result file: RFC 8785 canonical JSON, the same bytes for the same audit."""
    return canonical(result(audit))


def decision_digest(audit: Audit) -> str:
    """Return the SHA-256 of the decision part in canonical form; any change to the decision changes it."""
    return hashlib.sha256(canonical(decision_part(audit))).hexdigest()


@cache
def result_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) that every result file is valid against."""
    text = files("audit_core.report").joinpath("audit.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def canonical(value: Any) -> bytes:
    """Return plain values as RFC 8785 canonical JSON."""
    import rfc8785

    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError:
        return rfc8785.dumps(_well_formed(value))


def _well_formed(value: Any) -> Any:
    """The value with every text as UTF-8 can hold it; a contract can write half of a character pair."""
    if isinstance(value, str):
        return for_json(value)
    if isinstance(value, dict):
        return {key: _well_formed(part) for key, part in value.items()}
    return [_well_formed(part) for part in value] if isinstance(value, list) else value

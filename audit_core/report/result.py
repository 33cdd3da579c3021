"""The result file: one audit as canonical JSON, schema evenhand/audit/v1."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import Any

from audit_core.decision.record import Audit
from audit_core.report.escape import for_json
from audit_core.report.result_findings import encode_finding, encode_requirement
from audit_core.report.result_measures import encode_calibration, encode_drift, encode_gap, encode_rate
from audit_core.report.wording import ground_sentence
from audit_core.sources.tables import Source

SCHEMA_ID = "evenhand/audit/v1"
NOT_YET = "not computed by this version"


def result(audit: Audit) -> dict[str, Any]:
    """Return the audit as the plain values of its result file.

    Guarantee: no NaN and no infinity; a null has its reason beside it or under `absent`. No row, no id.
    """
    measured = audit.measurements
    return {
        "schema": SCHEMA_ID,
        "audit_id": audit.id,
        "created_at": audit.created_at,
        "tool": {"name": "evenhand", "version": audit.tool_version},
        "decision": decision_part(audit),
        "sources": [_source(source) for source in audit.sources],
        "rates": [encode_rate(rate) for rate in measured.rates],
        "gaps": [encode_gap(gap) for gap in measured.gaps],
        "calibration": [encode_calibration(row) for row in measured.calibration],
        "drift": [encode_drift(row) for row in measured.drift],
        "pairs": None,
        "regression": [],
        "multiplicity": {"looked_at": len(measured.gaps), "adjusted": None},
        "requirements": [encode_requirement(state) for state in audit.requirements],
        "findings": [encode_finding(finding, audit) for finding in audit.findings],
        "proposals": [],
        "plan": None,
        "absent": {
            "pairs": "no matched pairs were audited",
            "regression": "no baseline was compared",
            "multiplicity": f"adjusted values are {NOT_YET}",
            "proposals": NOT_YET,
            "plan": NOT_YET,
        },
    }


def _source(source: Source) -> dict[str, Any]:
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
        "cube_sha256": audit.counted.cube.fingerprint,
    }


def result_bytes(audit: Audit) -> bytes:
    """Return the result file: RFC 8785 canonical JSON, the same bytes for the same audit."""
    return _canonical(result(audit))


def decision_digest(audit: Audit) -> str:
    """Return the SHA-256 of the decision part in canonical form; any change to the decision changes it."""
    return hashlib.sha256(_canonical(decision_part(audit))).hexdigest()


@cache
def result_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) that every result file is valid against."""
    text = files("audit_core.report").joinpath("audit.schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def _canonical(value: Any) -> bytes:
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

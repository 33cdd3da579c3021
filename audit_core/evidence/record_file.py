"""The record of an audit's folder: sealed when it is written, and read back only as it was written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from audit_core.contract.schema import Stage
from audit_core.cube.counted import Counted
from audit_core.decision.record import ScoredBy


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """An audit as later ones are compared with it.

    `sha256` and `bytes` are those of its result file; `model_sha256` is empty where it had scores alone, and
    `audited` is the hash of the model, else of the rows.
    """

    audit_id: str
    created_at: str
    verdict: str
    stages: tuple[Stage, ...]
    contract_version: str
    model_sha256: str
    audited: str
    sha256: str
    bytes: int
    counted: Counted


def moment(text: str) -> datetime:
    """Return the clock of an audit; one without a zone is in UTC."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def seal(record: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a record without its own seal."""
    parts = {key: value for key, value in record.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def read_record(folder: Path, contract_sha256: str | None = None) -> dict[str, Any]:
    """Return the record of an audit's folder.

    Raises
    ------
    ValueError, KeyError
        It is not what was written there.
    """
    record: dict[str, Any] = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    if record["sha256"] != seal(record) or record["id"] != folder.name:
        raise ValueError("the record was changed after it was written")
    if contract_sha256 not in (None, record["contract_sha256"]):
        raise ValueError("the contract is not the one the audit was decided under")
    return record


def model_from_json(data: dict[str, Any] | None) -> ScoredBy | None:
    """Return the model that made the scores, as it was stored."""
    if data is None:
        return None
    lists = {key: tuple(data[key]) for key in ("features", "notes")}
    return ScoredBy(**{**data, **lists})

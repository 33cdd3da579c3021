"""The workspace: a folder that holds inputs by their hash, scored files, and one folder per audit."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import BadZipFile

from audit_core.contract.schema import ReleaseContract
from audit_core.contract.yaml import parse_contract
from audit_core.cube.cells import Withheld
from audit_core.cube.counted import Counted
from audit_core.decision.assess import assess
from audit_core.decision.record import Audit
from audit_core.errors import AuditError, ContractError, UsageError
from audit_core.evidence.inputs import NOBODY, Inputs
from audit_core.evidence.record_file import Release, model_from_json, moment, read_record, seal
from audit_core.evidence.releases import withheld_from_json, withheld_to_json
from audit_core.evidence.stored import cells_to_bytes, counted_from_json, counted_to_json
from audit_core.report.release import release_of
from audit_core.report.result import result_bytes
from audit_core.sources.evaluations import EvaluationResult
from audit_core.sources.tables import Source

AUDIT_ID = re.compile(r"^A-\d{8}-[0-9a-f]{8}$")
APPROVING = ("APPROVED", "APPROVED_WITH_CONDITIONS")
ROOT_VARIABLE = "EVENHAND_WORKSPACE"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One line of the list of audits."""

    id: str
    created_at: str
    contract_id: str
    verdict: str
    worked_example: bool


class Workspace:
    """Audits and inputs on disk, under one folder.

    Parameters
    ----------
    root
        The folder; made when missing. Default: the environment's EVENHAND_WORKSPACE, else ./workspace.

    Raises
    ------
    UsageError
        The folder can't be made.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or Path(os.environ.get(ROOT_VARIABLE) or "workspace")
        self.inputs = Inputs(self.root)
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name in ("inputs", "scored", "holds", "audits"):
                (self.root / name).mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            problem = f"The workspace can't be made: {error.strerror}"
            raise UsageError(problem, where=str(self.root), remedy="Name another folder") from error

    def store_upload(self, name: str, stream: BinaryIO, holder: str = NOBODY) -> Path:
        """Return the path of an uploaded file, kept by its SHA-256 for as long as its holder is here."""
        return self.inputs.store(name, stream, holder)

    def scored_path(self, model_sha256: str, data_sha256: str, column: str, positive: str | None) -> Path:
        """Return where a model's scores of its positive class on a file are kept; they are made once."""
        parts = json.dumps([model_sha256, data_sha256, column, positive])
        key = hashlib.sha256(parts.encode()).hexdigest()
        folder = self.root / "scored" / data_sha256  # so that it goes when the file it was made from goes
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder / f"{key}.parquet"

    def save(self, audit: Audit, contract: bytes) -> Path:
        """Return the folder an audit was written to; it appears whole or not at all."""
        record = {
            "id": audit.id,
            "created_at": audit.created_at,
            "tool_version": audit.tool_version,
            "stages": list(audit.stages),
            "sources": [asdict(source) for source in audit.sources],
            "model": asdict(audit.model) if audit.model else None,
            "verdict": audit.decision.verdict,
            "contract_id": audit.contract.id,
            "contract_sha256": audit.contract.sha256,
            "worked_example": audit.worked_example,
            "counted": counted_to_json(audit.counted),
            "evaluations": [asdict(result) for result in audit.evaluations],
            "privacy": {
                "before": withheld_to_json(audit.previous),
                "withheld": withheld_to_json(release_of(audit).mask),
            },
        }
        folder = self.root / "audits" / audit.id
        with tempfile.TemporaryDirectory(dir=self.root / "audits", prefix=".part-") as temporary:
            part = Path(temporary) / audit.id
            part.mkdir()
            (part / "contract.yaml").write_bytes(contract)
            (part / "cube.npz").write_bytes(cells_to_bytes(audit.counted.cube, audit.counted.baseline))
            (part / "audit.json").write_bytes(result_bytes(audit))
            sealed = {**record, "sha256": seal(record)}
            (part / "record.json").write_text(json.dumps(sealed, ensure_ascii=False), encoding="utf-8")
            if not self._sound(audit.id):
                with suppress(FileNotFoundError):
                    folder.rename(Path(temporary) / "damaged")
                part.rename(folder)
        return folder

    def load(self, audit_id: str) -> Audit:
        """Return a stored audit, assessed again from its counts.

        Raises
        ------
        UsageError
            There is no audit of this id.
        AuditError
            What is stored does not hold together.
        """
        record, contract, counted = self._stored(audit_id)
        stages = tuple(record["stages"])
        found = assess(contract, counted, stages, datetime.fromisoformat(record["created_at"]))
        return Audit(
            id=record["id"],
            created_at=record["created_at"],
            tool_version=record["tool_version"],
            contract=found.contract,
            stages=stages,
            sources=tuple(Source(**{**s, "columns": tuple(s["columns"])}) for s in record["sources"]),
            model=model_from_json(record["model"]),
            counted=counted,
            measurements=found.measurements,
            findings=found.findings,
            requirements=found.requirements,
            decision=found.decision,
            worked_example=record["worked_example"],
            # records of before published parts were remembered have none
            previous=withheld_from_json(record.get("privacy", {}).get("before", ())),
            # records of before benchmarks could be given have none
            evaluations=tuple(EvaluationResult(**result) for result in record.get("evaluations", ())),
        )

    def _stored(self, audit_id: str) -> tuple[dict[str, Any], ReleaseContract, Counted]:
        """What was written of an audit; errors as in `load`."""
        folder = self._folder(audit_id)
        try:
            contract = parse_contract((folder / "contract.yaml").read_bytes(), "contract.yaml")
            record = read_record(folder, contract.sha256)
            return record, contract, counted_from_json(record["counted"], (folder / "cube.npz").read_bytes())
        except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile, ContractError) as error:
            raise AuditError(
                "The stored audit does not hold together", where=audit_id, remedy="Run the audit again"
            ) from error

    def last_approved(
        self, contract_id: str, before: datetime, *, unlike: str = "", worked_example: bool = False
    ) -> AuditEntry | None:
        """Return the newest audit under a contract that approved a release before a moment, or None.

        An audit approves where its verdict does and its stages reached the release decision. A damaged one is
        passed over.

        Parameters
        ----------
        unlike
            SHA-256 of the model that is audited now, or of its rows where there is none: no release is its
            own baseline.
        worked_example
            Whether the releases of the worked example are meant, or all others.
        """
        for entry in self.entries():
            here = entry.contract_id == contract_id and entry.worked_example == worked_example
            if not here or entry.verdict not in APPROVING or moment(entry.created_at) >= before:
                continue
            with suppress(AuditError):
                release = self.release(entry.id)
                if "predeploy" in release.stages and release.audited != unlike:
                    return entry
        return None

    def release(self, audit_id: str) -> Release:
        """Return an audit as later ones are compared with it; errors as in `load`."""
        record, contract, counted = self._stored(audit_id)
        result = self.artifact(audit_id, "audit.json")
        hashes = {source["role"]: source["sha256"] for source in record["sources"]}
        return Release(
            audit_id=audit_id,
            created_at=record["created_at"],
            verdict=record["verdict"],
            stages=tuple(record["stages"]),
            contract_version=contract.version,
            model_sha256=hashes.get("model", ""),
            audited=hashes.get("model") or hashes.get("evaluation") or hashes.get("table", ""),
            sha256=hashlib.sha256(result).hexdigest(),
            bytes=len(result),
            counted=counted,
        )

    def entries(self) -> tuple[AuditEntry, ...]:
        """Return the audits of this workspace, the newest first; one that is damaged is not among them."""
        found = []
        for file in (self.root / "audits").glob("A-*/record.json"):
            try:
                record = read_record(file.parent)
            except (OSError, ValueError, KeyError, TypeError):
                continue
            fields = ("id", "created_at", "contract_id", "verdict", "worked_example")
            found.append(AuditEntry(**{field: record[field] for field in fields}))
        return tuple(sorted(found, key=lambda entry: (entry.created_at, entry.id), reverse=True))

    def withheld_before(self, audit: Audit) -> tuple[Withheld, ...]:
        """Return what earlier audits under the same contract hid in their published parts.

        The next one hides it too, so that no two releases can be subtracted. Of a cell that several hid, the
        one written last is remembered, whatever clock an audit was given. An audit that is here already keeps
        what it was first published with.
        """
        entries = [entry for entry in self.entries() if entry.contract_id == audit.contract.id]
        same = next((entry for entry in entries if entry.id == audit.id), None)
        found: dict[tuple[object, ...], Withheld] = {}
        for entry in [same] if same else sorted(entries, key=lambda entry: self._written(entry.id)):
            record = read_record(self.root / "audits" / entry.id)
            if "privacy" in record:  # records of before published parts were remembered have none
                for cell in withheld_from_json(record["privacy"]["before" if same else "withheld"]):
                    found[cell.subject, cell.group] = cell
        return tuple(found.values())

    def _written(self, audit_id: str) -> tuple[int, str]:
        """When an audit was written; its own clock may say another time."""
        return (self.root / "audits" / audit_id / "record.json").stat().st_mtime_ns, audit_id

    def contract_bytes(self, audit_id: str) -> bytes:
        """Return the exact bytes of the contract an audit was decided under."""
        return (self._folder(audit_id) / "contract.yaml").read_bytes()

    def artifact(self, audit_id: str, name: str) -> bytes:
        """Return a file of an audit's folder, such as audit.json.

        Raises
        ------
        UsageError
            There is no such audit, or it has no such file.
        """
        file = self._folder(audit_id) / Path(name).name
        if not file.is_file():
            raise UsageError("The audit has no such file", where=audit_id, remedy="Run the audit again")
        return file.read_bytes()

    def _sound(self, audit_id: str) -> bool:
        """Whether this audit, the same counts under the same contract and clock, is already here whole."""
        try:
            self.load(audit_id)
        except AuditError:
            return False
        return True

    def _folder(self, audit_id: str) -> Path:
        folder = self.root / "audits" / audit_id
        if not AUDIT_ID.fullmatch(audit_id) or not folder.is_dir():
            raise UsageError(
                "There is no audit of this id in the workspace",
                where=audit_id[:40],
                remedy="Open the worked example, or run an audit of your own files",
            )
        return folder

"""One revision of a period as it lies on disk: a sealed record beside the cells of its cube."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from audit_core.cube.windows import WindowCounts
from audit_core.errors import AuditError
from audit_core.evidence.record_file import seal
from audit_core.evidence.stored import counted_from_json

_REVISION = re.compile(r"r(\d{6})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What a period once held: the file, when it came (the clock of that run), its rows and outcomes."""

    number: int
    source: str
    sha256: str
    scored_by: str
    received: datetime
    rows: int
    unlabelled: int


def revision_numbers(folder: Path) -> list[int]:
    """Return the numbers of a period's revisions, ascending; none where there is no such period."""
    try:
        names = [_REVISION.fullmatch(path.name) for path in folder.iterdir()]
    except FileNotFoundError:
        return []
    except OSError as error:  # no folder, or one that can't be read
        raise broken(folder.name) from error
    return sorted(int(name[1]) for name in names if name)


def sealed_record(folder: Path) -> dict[str, Any]:
    """Return what was written of a revision; an AuditError where it is not what was written there."""
    try:
        record: dict[str, Any] = json.loads(_content(folder / "record.json"))
        sound = record["sha256"] == seal(record) and record["period"] == folder.parent.name
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise broken(folder.parent.name) from error
    if not sound:
        raise broken(folder.parent.name)
    return record


def stored_window(folder: Path, record: Mapping[str, Any]) -> WindowCounts:
    """Return the counts of a revision; an AuditError where they do not hold together."""
    try:
        counted = counted_from_json(record["counted"], _content(folder / "cube.npz"))
        return WindowCounts(
            period=record["period"],
            first=date.fromisoformat(record["first"]),
            last=date.fromisoformat(record["last"]),
            cube=counted.cube,
            drift=counted.drift,
            rows=record["rows"],
            unlabelled=record["unlabelled"],
            dropped=record["dropped"],
            source=record["source"],
            sha256=record["sha256_of_file"],
            not_followed=tuple((str(name), str(why)) for name, why in record["not_followed"]),
        )
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        raise broken(folder.parent.name) from error


def as_revision(record: Mapping[str, Any], number: int) -> Revision:
    """Return what a period once held."""
    return Revision(
        number=number,
        source=record["source"],
        sha256=record["sha256_of_file"],
        scored_by=record["scored_by"],
        received=datetime.fromisoformat(record["received"]),
        rows=record["rows"],
        unlabelled=record["unlabelled"],
    )


def broken(what: str) -> AuditError:
    """Return the error of a period whose record can't be relied on."""
    return AuditError(
        "What is stored of a window does not hold together", where=what, remedy="Send its file again"
    )


def sealed_incident(file: Path, plan_id: str) -> dict[str, Any]:
    """Return the record of an incident as it was written; an AuditError where it was changed since."""
    try:
        record: dict[str, Any] = json.loads(_content(file))
        named = (record["id"], record["plan"]) == (file.stem, plan_id)
        sound = named and record["sha256"] == seal(record)
        datetime.fromisoformat(record["raised"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _changed(file) from error
    if not sound:
        raise _changed(file)
    return record


def _content(file: Path) -> bytes:
    """What a file holds; a pipe in its place would be waited for, and nobody watches meanwhile."""
    if not file.is_file():
        raise FileNotFoundError(file.name)
    return file.read_bytes()


def _changed(file: Path) -> AuditError:
    return AuditError(
        "The record of an incident is not as it was written",
        where=file.name,
        remedy="Put it back as it was, or remove it: the incident is then seen anew",
    )


def record_text(record: Mapping[str, Any]) -> bytes:
    """Return a record as the text of its file."""
    return json.dumps(record, ensure_ascii=False, sort_keys=True, indent=1).encode() + b"\n"

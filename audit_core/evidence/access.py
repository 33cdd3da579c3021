"""The access log: who saw, accepted or signed what, one JSON line each, added and never rewritten.

It names people and audits, never a number or a cell.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from audit_core.errors import AuditError

NAME = "access.jsonl"
LONGEST = 200
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One line. `at` is ISO 8601 in UTC, `audit` is "" where no audit is open."""

    at: str
    person: str
    email: str
    assurance: str
    right: str
    audit: str
    screen: str


def log_access(root: Path, entry: Access) -> Path:
    """Return the log's path once the line is on the disk; only the program's own account can read it.

    Raises
    ------
    AuditError
        The line could not be written. Whoever asked must then not be shown what they asked for.
    """
    path = root / NAME
    line = json.dumps({key: value[:LONGEST] for key, value in asdict(entry).items()}) + "\n"
    try:
        descriptor = os.open(path, _FLAGS, 0o600)
        try:
            os.lseek(descriptor, max(0, os.fstat(descriptor).st_size - 1), os.SEEK_SET)
            torn = os.read(descriptor, 1) not in (b"", b"\n")  # a power cut left half a line
            os.write(descriptor, (("\n" if torn else "") + line).encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise AuditError(
            f"The access log can't be written: {error.strerror}",
            where=NAME,
            remedy="Make room, or give the program the right to write to its workspace",
        ) from error
    return path


def read_access(root: Path) -> tuple[Access, ...]:
    """Return the lines of the log in their order; half a line is not among them."""
    path = root / NAME
    found = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            found.append(Access(**json.loads(line)))
        except (ValueError, TypeError):
            continue
    return tuple(found)

"""The model files that reviewers accepted: an append-only list in the workspace, one JSON line each.

A line names the bytes, the reviewer, the reason and every name that was on the screen. Lines are only ever
added, and each is on the disk before the acceptance counts.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

from audit_core.errors import SourceError, UsageError
from audit_core.sources.model_trust import Review

FILE: Final = "accepted-models.jsonl"
LONGEST: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """One acceptance. `at` is ISO 8601 in UTC; `assurance` says how sure the reviewer's identity is.

    Parameters
    ----------
    names
        What the reviewer vouched for, as `module:name`: the names outside the policy.
    assurance
        `typed` for a name somebody wrote, `oidc` for a person who signed in.
    """

    sha256: str
    model: str
    names: tuple[str, ...]
    reviewer: str
    assurance: str
    reason: str
    isolation: str
    at: str

    def review(self) -> Review:
        """The acceptance as the trust rule reads it."""
        return Review(sha256=self.sha256, names=frozenset(self.names), reviewer=self.reviewer)


def keep_pin(workspace: Path, pin: Pin) -> None:
    """Add an acceptance to the list; it is on the disk when this returns.

    Raises
    ------
    UsageError
        The reviewer or the reason is missing, or too long.
    """
    for words, text in (("name", pin.reviewer), ("reason", pin.reason)):
        if not text.strip() or len(text) > LONGEST:
            problem = f"An acceptance needs a {words} of 1 to {LONGEST} characters"
            raise UsageError(problem, remedy=f"Write the reviewer's {words}")
    workspace.mkdir(parents=True, exist_ok=True)
    line = json.dumps(asdict(pin), ensure_ascii=True, sort_keys=True).encode() + b"\n"
    handle = os.open(workspace / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, line)
        os.fsync(handle)
    finally:
        os.close(handle)


def read_pins(workspace: Path) -> tuple[Pin, ...]:
    """Every acceptance, in the order they were given.

    Raises
    ------
    SourceError
        A line is damaged: no acceptance counts until somebody has looked.
    """
    try:
        lines = (workspace / FILE).read_bytes().splitlines()
    except FileNotFoundError:
        return ()
    return tuple(_pin(line, number) for number, line in enumerate(lines, start=1))


def _pin(line: bytes, number: int) -> Pin:
    try:
        stored = json.loads(line)
        texts = {field.name: stored[field.name] for field in fields(Pin) if field.name != "names"}
        names = stored["names"]
        if all(isinstance(text, str) for text in (*texts.values(), *names)) and isinstance(names, list):
            return Pin(**texts, names=tuple(names))
    except (ValueError, KeyError, TypeError):
        pass
    raise SourceError(
        f"The list of accepted models is damaged (line {number})",
        where=FILE,
        remedy="Restore the file, or move it away and accept the models again",
    )

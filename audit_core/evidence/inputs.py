"""Uploaded files on disk: kept by their hash, bounded, and removed when nobody holds them any more.

A file is kept while an audit of the workspace was made from it, or while a visitor holds it. A visitor's
hold is an empty file whose time is renewed as long as the visit lasts; one that was not renewed has ended,
whatever ended it: a closed tab, a crash, a power cut.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import BinaryIO

from audit_core.errors import UsageError
from audit_core.evidence.whole_files import alone_at

CHUNK = 1 << 20
QUOTA_VARIABLE = "EVENHAND_UPLOAD_QUOTA"
QUOTA_GIGABYTES = 20
NOBODY = "nobody"
SHA256 = re.compile(r"^[0-9a-f]{64}$")
A_DAY = 86_400.0


class Inputs:
    """The uploaded files of a workspace.

    Parameters
    ----------
    root
        The workspace's folder; `inputs`, `scored` and `holds` lie in it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files, self.scored, self.holds = root / "inputs", root / "scored", root / "holds"

    def store(self, name: str, stream: BinaryIO, holder: str = NOBODY) -> Path:
        """Return the path of a file, copied chunk by chunk and kept by its SHA-256 for its holder.

        The name is kept for display and for its ending alone; folders in it are dropped. Only the account
        that runs the program can read the file.

        Raises
        ------
        UsageError
            The workspace holds as many bytes of uploads as it may.
        """
        digest, room = hashlib.sha256(), quota() - self._bytes()
        descriptor, part = tempfile.mkstemp(dir=self.files, prefix=".part-")
        try:
            with os.fdopen(descriptor, "wb") as target:
                while chunk := stream.read(CHUNK):
                    room -= len(chunk)
                    if room < 0:
                        raise _full(name)
                    digest.update(chunk)
                    target.write(chunk)
            folder = self.files / digest.hexdigest()
            with self._alone():
                self.hold(folder.name, holder)
                folder.mkdir(mode=0o700, exist_ok=True)
                return Path(part).replace(folder / shown_name(name))
        except BaseException:
            Path(part).unlink(missing_ok=True)
            raise

    def _alone(self) -> AbstractContextManager[None]:
        """Nobody else, in this process or another, takes up or removes a file meanwhile."""
        return alone_at(self.root / "inputs.lock")

    def hold(self, sha256: str, holder: str) -> None:
        """Note that somebody holds a file, from now on."""
        (self.holds / f"{sha256}.{_token(holder)}").touch(mode=0o600)

    def renew(self, holders: Iterable[str]) -> None:
        """Note that these visits still last."""
        tokens = {_token(holder) for holder in holders}
        for hold in self.holds.iterdir():
            if hold.suffix[1:] in tokens:
                with suppress(FileNotFoundError):
                    os.utime(hold)

    def held_by(self) -> frozenset[str]:
        """Return the hashes of the files that somebody holds."""
        return frozenset(hold.stem for hold in self.holds.iterdir())

    def let_go(self, sha256: str, holder: str) -> None:
        """Remove a file at once where its holder was the last and no audit was made from it."""
        (self.holds / f"{sha256}.{_token(holder)}").unlink(missing_ok=True)
        self._remove([sha256])

    def sweep(self, seconds: float, now: float | None = None) -> int:
        """Remove what no audit was made from and nobody has held for so long; return how many files.

        Halves of interrupted uploads, and scored copies that no audit used within a day, go the same way.
        """
        moment = time.time() if now is None else now
        for hold in self.holds.iterdir():
            if _age(hold, moment) > seconds:
                hold.unlink(missing_ok=True)
        for part in self.files.glob(".part-*"):
            if _age(part, moment) > A_DAY:
                part.unlink(missing_ok=True)
        found = {folder.name for folder in self.files.iterdir() if SHA256.fullmatch(folder.name)}
        found |= {copy.name for copy in self.scored.iterdir() if _age(copy, moment) > A_DAY}
        return self._remove(found)

    def _remove(self, sha256: Iterable[str]) -> int:
        """Remove these files and what was scored from them, but for those that are held or were audited."""
        with self._alone():
            free = set(sha256) - self.held_by()
            free -= self._audited() if free else frozenset()
            for name in free:
                _discard(self.scored / name)
                _discard(self.files / name)
        return len(free)

    def _audited(self) -> frozenset[str]:
        """Hashes of the files that audits of this workspace were made from."""
        found: set[str] = set()
        for file in (self.root / "audits").glob("A-*/record.json"):
            with suppress(OSError, ValueError, KeyError, TypeError):
                record = json.loads(file.read_text(encoding="utf-8"))
                found |= {str(source["sha256"]) for source in record["sources"]}
        return frozenset(found)

    def _bytes(self) -> int:
        """Bytes of all uploads. Folders come and go meanwhile; `os.walk` steps over those that are gone."""
        return sum(_size(Path(folder, name)) for folder, _, names in os.walk(self.files) for name in names)


def quota() -> int:
    """Return how many bytes of uploads a workspace may hold; the environment may say so in gigabytes."""
    said = os.environ.get(QUOTA_VARIABLE, "")
    try:
        gigabytes = float(said) if said else float(QUOTA_GIGABYTES)
    except ValueError as error:
        raise UsageError(f"{QUOTA_VARIABLE} is no number of gigabytes", remedy="Write 20, say") from error
    return int(gigabytes * (1 << 30))


def shown_name(name: str) -> str:
    """Return the name of an uploaded file without folders, in at most 200 bytes; it keeps its ending."""
    plain = re.sub(r"[^\w.() -]", "_", Path(name.replace("\\", "/")).name)
    ending = Path(plain).suffix if len(Path(plain).suffix.encode()) <= 20 else ""
    stem = plain.removesuffix(ending).encode()[: 200 - len(ending.encode())].decode(errors="ignore")
    return f"{stem}{ending}" if stem.strip(". ") else f"upload{ending.rstrip('. ')}"


def _full(name: str) -> UsageError:
    return UsageError(
        "The workspace has no room for this file",
        where=shown_name(name),
        remedy=f"Remove uploads or old audits, or set {QUOTA_VARIABLE} to more gigabytes",
    )


def _token(holder: str) -> str:
    """Name of a visit in a file name; a visit's own id opens its uploads, so it is never written down."""
    return hashlib.sha256(holder.encode()).hexdigest()[:24]


def _discard(path: Path) -> None:
    """Remove a file or a folder; somebody else may be removing it as well."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _age(file: Path, now: float) -> float:
    """Seconds since something was written."""
    try:
        return now - file.stat().st_mtime
    except FileNotFoundError:
        return 0.0

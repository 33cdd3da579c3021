"""Counts of live periods on disk, by plan: each kept once, replaced whole, with the history of what it was.

A revision of a period is a folder that is written aside, forced to disk and then renamed into place; the
one with the highest number counts. A run that is stopped at any moment leaves every period as it was before
or as it is after, so running it again loses nothing and counts nothing twice. Writers wait for each other at
a lock that the system releases when a process ends, however it ends; readers need none.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from audit_core.cube.windows import Added, WindowCounts, as_counted
from audit_core.errors import AuditError, UsageError
from audit_core.evidence.record_file import seal
from audit_core.evidence.stored import cells_to_bytes, counted_to_json
from audit_core.evidence.whole_files import PART, alone_at, replace_whole, sync_folder, write_through
from audit_core.evidence.window_index import held_last, write_index
from audit_core.evidence.window_records import (
    Revision,
    as_revision,
    broken,
    record_text,
    revision_numbers,
    sealed_incident,
    sealed_record,
    stored_window,
)

PLAN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}", re.ASCII)
"""No dots and no slashes: the id of a plan, which anyone may write, names a folder here."""
PLAN_FILE = "plan.yaml"


class WindowStore:
    """The periods and incidents of one plan, in a folder of the workspace.

    Parameters
    ----------
    release
        Fingerprint of the release's cube: what was counted for another release never stands in for it.

    Raises
    ------
    UsageError
        The plan's id can't name a folder, or the folder can't be made.

    What writes raises an AuditError where the folder can't be written.
    """

    def __init__(self, root: Path, plan_id: str, release: str) -> None:
        if not PLAN_ID.fullmatch(plan_id):
            raise UsageError(
                "The plan's id is no name: letters, digits, - and _ alone, 80 at most",
                where="id",
                remedy="Leave the id as evenhand plan wrote it",
            )
        self.root, self._release = root / "monitors" / plan_id, release
        self._read: dict[Path, WindowCounts] = {}
        try:
            for folder in (self.root / "windows", self.root / "incidents"):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            problem = f"The plan's folder can't be made: {error.strerror}"
            raise UsageError(problem, where=str(self.root), remedy="Name another workspace") from error

    def windows(self, without: Collection[str] = ()) -> tuple[WindowCounts, ...]:
        """Return what every period holds now, but for those named, in the order of time.

        Raises
        ------
        AuditError
            What is stored of a period does not hold together, or has gone; an older revision never takes
            its place.
        """
        last = held_last(self.root)  # before the folders: a writer lists a revision only once it is there
        newest = [(name, number) for name, number in self._newest() if name not in without]
        lost = _lost(last, newest) - set(without)
        if lost:
            raise broken(min(lost))
        found = [self._load(self.root / "windows" / name / f"r{number:06d}") for name, number in newest]
        return tuple(sorted(found, key=lambda window: (window.first, window.last)))

    def revisions(self, period: str) -> tuple[Revision, ...]:
        """Return everything a period has held, the oldest first."""
        folder = self.root / "windows" / period
        return tuple(
            as_revision(sealed_record(folder / f"r{number:06d}"), number)
            for number in revision_numbers(folder)
        )

    def files(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """Return the periods of every file that is here whole, by its hash and by what scored it.

        A file is whole where each of its periods is what the store holds now, and can be read.
        """
        found: dict[tuple[str, str], set[str]] = {}
        named: dict[tuple[str, str], set[str]] = {}
        last = held_last(self.root)
        newest = self._newest()
        lost = _lost(last, newest)
        for name, number in newest:
            if name in lost:
                continue
            with suppress(AuditError):  # damaged: its file is to be sent again
                record = sealed_record(folder := self.root / "windows" / name / f"r{number:06d}")
                self._load(folder)
                key = (str(record["sha256_of_file"]), str(record["scored_by"]))
                found.setdefault(key, set()).add(name)
                named.setdefault(key, set()).update(record["periods_of_file"])
        return {key: tuple(sorted(periods)) for key, periods in found.items() if named[key] <= periods}

    def replaced(self) -> dict[tuple[str, str], tuple[str, str]]:
        """Return (period, newer file) of every file that a later one has replaced, keyed as in `files`."""
        found: dict[tuple[str, str], tuple[str, str]] = {}
        for name, _ in self._newest():
            with suppress(AuditError):
                *old, newest = self.revisions(name)
                for revision in old:
                    key = (revision.sha256, revision.scored_by)
                    if key != (newest.sha256, newest.scored_by):
                        found[key] = (name, newest.source)
        return found

    def keep(
        self,
        windows: Sequence[WindowCounts],
        scored_by: str,
        received: datetime,
        check: Callable[[Sequence[WindowCounts]], object] = tuple,
    ) -> tuple[str, ...]:
        """Return the periods that now hold something else than before.

        Each replaces what its period held. The same file scored in the same way changes nothing.

        Parameters
        ----------
        check
            Is given every period as it will be, before anything is written; what it raises stops it all.
        """
        files: dict[str, list[str]] = {}
        for window in windows:
            files.setdefault(window.sha256, []).append(window.period)
        changed = []
        with self.alone():
            self._sweep()
            new = {window.period for window in windows}
            check([*(w for w in self.windows(without=new)), *windows])
            for window in windows:
                if self._is(window, scored_by):
                    continue
                self._write(window, scored_by, received, files[window.sha256])
                changed.append(window.period)
            write_index(self.root, dict(self._newest()))
        return tuple(changed)

    def raised(self) -> dict[str, datetime]:
        """Return when each incident was first seen, by its id.

        Raises
        ------
        AuditError
            A record is not as it was written.
        """
        return {
            file.stem: datetime.fromisoformat(sealed_incident(file, self.root.name)["raised"]).astimezone(UTC)
            for file in self._incidents()
        }

    def write_incidents(self, records: Mapping[str, Mapping[str, Any]]) -> None:
        """Write one file per incident; one that no longer follows from the counts is kept, as withdrawn."""
        with self.alone():
            for name, record in records.items():
                self._write_incident(name, {**record, "withdrawn": False})
            for file in self._incidents():
                if file.stem not in records:
                    old = sealed_incident(file, self.root.name)
                    self._write_incident(file.stem, {**old, "open": False, "withdrawn": True})

    def _write_incident(self, name: str, record: Mapping[str, Any]) -> None:
        sealed = record_text({**record, "sha256": seal(record)})
        replace_whole(self.root / "incidents" / f"{name}.json", sealed)

    def _incidents(self) -> list[Path]:
        return sorted((self.root / "incidents").glob("*.json"))

    def write_plan(self, text: str) -> None:
        """Keep the plan that was executed last beside what came of it."""
        with self.alone():
            replace_whole(self.root / PLAN_FILE, text.encode())

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else, in this process or another, writes to this plan's folder meanwhile."""
        try:
            with alone_at(self.root / "lock"):
                yield
        except OSError as error:
            raise AuditError(
                f"The plan's folder can't be written: {error.strerror or 'no reason given'}",
                where=self.root.name,
                remedy="Make room or mend the folder, and run again; what is half written does not count",
            ) from error

    def _newest(self) -> list[tuple[str, int]]:
        folders = sorted(path for path in (self.root / "windows").iterdir() if not path.name.startswith("."))
        newest = [(folder.name, revision_numbers(folder)) for folder in folders]
        return [(name, numbers[-1]) for name, numbers in newest if numbers]

    def _is(self, window: WindowCounts, scored_by: str) -> bool:
        folder = self.root / "windows" / window.period
        numbers = revision_numbers(folder)
        if not numbers or numbers[-1] < held_last(self.root).get(window.period, 0):
            return False
        try:
            held, record = self._load(newest := folder / f"r{numbers[-1]:06d}"), sealed_record(newest)
        except AuditError:
            return False  # damaged: sent again, it is whole again
        return (held.sha256, record["scored_by"]) == (window.sha256, scored_by)

    def _load(self, folder: Path) -> WindowCounts:
        """A revision; once written it never changes, so it is read once."""
        if folder not in self._read:
            self._read[folder] = self._from_disk(folder)
        return self._read[folder]

    def _from_disk(self, folder: Path) -> WindowCounts:
        record = sealed_record(folder)
        if record.get("release") != self._release:
            raise AuditError(
                "The windows kept under this plan were counted for another release",
                where=folder.parent.name,
                remedy="Give the plan an id of its own, and send the files again",
            )
        return stored_window(folder, record)

    def _write(
        self, window: WindowCounts, scored_by: str, received: datetime, periods: Sequence[str]
    ) -> None:
        folder = self.root / "windows" / window.period
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(folder.parent)
        number = max([*revision_numbers(folder), held_last(self.root).get(window.period, 0)]) + 1
        part = Path(tempfile.mkdtemp(prefix=PART, dir=self.root))
        sums = Added(cube=window.cube, drift=window.drift, rows=window.rows,
                     unlabelled=window.unlabelled, dropped=window.dropped)  # fmt: skip
        record = {
            "period": window.period,
            "first": window.first.isoformat(),
            "last": window.last.isoformat(),
            "rows": window.rows,
            "unlabelled": window.unlabelled,
            "dropped": window.dropped,
            "source": window.source,
            "sha256_of_file": window.sha256,
            "scored_by": scored_by,
            "release": self._release,
            "received": received.astimezone(UTC).isoformat(),
            "periods_of_file": sorted(periods),
            "not_followed": [list(pair) for pair in window.not_followed],
            "counted": counted_to_json(as_counted(sums, window.period)),
        }
        write_through(part / "cube.npz", cells_to_bytes(window.cube, None))
        write_through(part / "record.json", record_text({**record, "sha256": seal(record)}))
        sync_folder(part)
        part.rename(folder / f"r{number:06d}")
        sync_folder(folder)

    def _sweep(self) -> None:
        """Remove what stopped runs left half written; nobody else writes meanwhile."""
        for part in (*self.root.glob(f"{PART}*"), *(self.root / "incidents").glob(f"{PART}*")):
            if part.is_dir():
                shutil.rmtree(part, ignore_errors=True)
            else:
                part.unlink(missing_ok=True)


def _lost(last: Mapping[str, int], newest: Sequence[tuple[str, int]]) -> set[str]:
    """Periods whose newest revision has gone since it was written."""
    here = dict(newest)
    return {name for name, number in last.items() if here.get(name, 0) < number}

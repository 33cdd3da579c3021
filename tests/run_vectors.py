"""Run test vectors against the product's public functions: `python -m tests.run_vectors [DIR]`.

Every JSON in DIR is run by its `id`; any folder of files with the schema of the given ones will do. One line
per file: cases passed and failed, and below it each failing value with both numbers. Exit 0 when all agree,
1 on a difference, an unknown id, a file that can't be read or an empty folder.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.vector_cases import CASES, Case

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT.parent / "shared" / "vectors"
TOLERANCE = 1e-9
RELATIVE = 1e-12  # two orders of adding up differ by this much of a large number
TOLD = ("note", "in", "in_note", "rule", "method", "smoothing", "target")
"""Keys that describe a case and are no result of it."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A value at which file and product differ."""

    where: str
    wanted: Any
    found: Any


@dataclass(kw_only=True)
class Report:
    """What became of one file."""

    name: str
    passed: int = 0
    failed: int = 0
    differences: list[Difference] = field(default_factory=list)
    not_compared: dict[str, int] = field(default_factory=dict)
    problem: str = ""

    @property
    def agrees(self) -> bool:
        """Whether every case passed, and there was one."""
        return not self.problem and not self.failed and self.passed > 0

    def lines(self) -> Iterator[str]:
        """The file's line, and one more for each difference."""
        if self.problem:
            yield f"{self.name:<20} {self.problem}"
            return
        skipped = ", ".join(f"{key} ({count})" for key, count in self.not_compared.items())
        tail = f"   not compared: {skipped}" if skipped else ""
        yield f"{self.name:<20} {self.passed:>3} passed  {self.failed:>3} failed{tail}"
        for one in self.differences:
            yield f"    {one.where}: the file has {_shown(one.wanted)}, the product {_shown(one.found)}"


def run_folder(folder: Path) -> list[Report]:
    """Return the report of every JSON file in a folder, in the order of their names."""
    return [run_file(file) for file in sorted(folder.glob("*.json"))]


def run_file(file: Path) -> Report:
    """Return the report of one file."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return Report(name=file.name, problem=f"can't be read as JSON: {error}")
    name = data.get("id") if isinstance(data, dict) else None
    if name not in CASES:
        known = ", ".join(CASES)
        return Report(name=file.name, problem=f"unknown id {name!r}; the product has cases for {known}")
    return run_cases(str(name), data, CASES[name])


def run_cases(name: str, data: dict[str, Any], cases: Callable[[Any], Iterable[Case]]) -> Report:
    """Return the report of one file's content."""
    report = Report(name=name)
    usual = float(data.get("tol_abs", TOLERANCE))
    try:
        listed = list(cases(data))
    except Exception as error:  # noqa: BLE001 - a file of the wrong shape is told, like every other fault
        report.problem = f"has not the shape of this id: {type(error).__name__} {error}"
        return report
    for case in listed:
        _run(case, usual, report)
    if not listed:
        report.problem = "holds no case"
    return report


def _run(case: Case, usual: float, report: Report) -> None:
    try:
        answer = case.answer()
    except Exception as error:  # noqa: BLE001 - the other cases still run
        wrong = [Difference(where=case.key, wanted="an answer", found=f"{type(error).__name__}: {error}")]
        compared = 1
    else:
        known = [_Compared(case=case, usual=usual)]
        known[0].walk(case.wanted, answer, "")
        wrong, compared = known[0].differences, known[0].compared
        for key in known[0].not_compared:
            report.not_compared[key] = report.not_compared.get(key, 0) + 1
    if not compared:
        wrong = [Difference(where=case.key, wanted="something to compare", found="nothing")]
    report.differences += wrong
    report.passed += not wrong
    report.failed += bool(wrong)


@dataclass(kw_only=True)
class _Compared:
    """A walk over a case: what was compared, and where it differed."""

    case: Case
    usual: float
    compared: int = 0
    differences: list[Difference] = field(default_factory=list)
    not_compared: list[str] = field(default_factory=list)

    def walk(self, wanted: Any, found: Any, path: str) -> None:
        """Compare everything the file says with what the product says at the same place."""
        if wanted and isinstance(wanted, dict) and isinstance(found, dict):
            for key, value in wanted.items():
                if key in found:
                    self.walk(value, found[key], f"{path}.{key}" if path else key)
                elif key not in TOLD and not key.endswith(("note", "_tol", "rule")):
                    self.not_compared.append(key)
            return
        if wanted and isinstance(wanted, list) and all(one is None for one in wanted):
            self.not_compared.append(f"{path}, no number in the file")
            return
        self.compared += 1
        if not same(wanted, found, self._tolerance(path)):
            self.differences.append(
                Difference(where=f"{self.case.key}: {path}" if path else self.case.key, wanted=wanted,
                           found=found)
            )  # fmt: skip

    def _tolerance(self, path: str) -> float:
        parts = path.split(".")
        return next((tol for key, tol in self.case.tolerances.items() if key in parts), self.usual)


def same(wanted: Any, found: Any, tolerance: float) -> bool:
    """Whether two values agree: numbers within the tolerance, the text inf is infinity, all else exactly."""
    if isinstance(wanted, list | tuple):
        alike = isinstance(found, list | tuple) and len(wanted) == len(found)
        return alike and all(same(a, b, tolerance) for a, b in zip(wanted, found, strict=True))
    if isinstance(wanted, dict):
        alike = isinstance(found, dict) and wanted.keys() == found.keys()
        return alike and all(same(value, found[key], tolerance) for key, value in wanted.items())
    if wanted in ("inf", "-inf") and isinstance(found, float):
        return found == float(wanted)
    if wanted is None or isinstance(wanted, bool | str):
        return type(wanted) is type(found) and bool(wanted == found)
    if found is None or isinstance(found, bool | str) or not isinstance(found, int | float):
        return False
    return math.isfinite(found) and abs(wanted - found) <= tolerance + RELATIVE * abs(wanted)


def _shown(value: Any) -> str:
    return repr(value) if not isinstance(value, float) else f"{value:.12g}"


def main(arguments: list[str]) -> int:
    """Print the report of a folder; 0 when everything agrees."""
    folder = Path(arguments[0]) if arguments else FOLDER
    reports = run_folder(folder) if folder.is_dir() else []
    if not reports:
        print(f"No vectors to run · {folder} · Name a folder that holds JSON files", file=sys.stderr)
        return 1
    for report in reports:
        print("\n".join(report.lines()), flush=True)
    agreed = sum(report.agrees for report in reports)
    print(f"{agreed} of {len(reports)} files agree")
    return 0 if agreed == len(reports) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

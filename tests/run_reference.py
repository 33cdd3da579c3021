"""Compare the product with the answers of other libraries: `python -m tests.run_reference [DIR]`.

Every expected_*.json under DIR is read beside its input. A file whose `meta` has a `mapping` is audited by
the whole pipeline under a contract made from it; drift, impact tables and matched pairs are compared from
their stored counts, intervals figure by figure. One line per file: how many figures were compared, how many
differ, and what can't be compared and why. Exit 1 where a figure differs, a file can't be run, or there is
none.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb

from audit_core.audit import AuditRequest, run_audit
from audit_core.decision.record import Audit
from audit_core.errors import AuditError
from audit_core.evidence.workspace import Workspace
from tests.reference_figures import FIGURES, Comparison, kind_of
from tests.run_vectors import Difference, same
from tests.vector_rows import AS_OF, contract

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT.parent / "shared" / "data"
TOLERANCE = 1e-9
MOST_SHOWN = 10


@dataclass(kw_only=True)
class Report:
    """What became of one file of expected figures."""

    name: str
    compared: int = 0
    differences: list[Difference] = field(default_factory=list)
    not_comparable: Counter[str] = field(default_factory=Counter)
    problem: str = ""
    whole: str = ""

    @property
    def agrees(self) -> bool:
        """Whether nothing differs and there was something to compare."""
        return not self.problem and not self.differences and self.compared > 0

    def lines(self) -> Iterator[str]:
        """The file's line, and one more for each difference."""
        if self.problem or self.whole:
            yield f"{self.name:<34} {self.problem or f'not comparable: {self.whole}'}"
            return
        tail = "; ".join(f"{reason} ({count})" for reason, count in sorted(self.not_comparable.items()))
        yield (
            f"{self.name:<34} {self.compared:>5} compared  {len(self.differences):>3} differ  "
            f"{self.not_comparable.total():>4} not comparable{': ' + tail if tail else ''}"
        )
        for one in self.differences[:MOST_SHOWN]:
            yield f"    {one.where}: expected {one.wanted!r}, the product has {one.found!r}"
        if len(self.differences) > MOST_SHOWN:
            yield f"    and {len(self.differences) - MOST_SHOWN} more"


def run_folder(folder: Path) -> list[Report]:
    """Return the report of every expected_*.json at any depth, in the order of their paths."""
    return [run_file(file) for file in sorted(folder.rglob("expected_*.json"))]


def run_file(file: Path) -> Report:
    """Return the report of one file."""
    report = Report(name=file.name)
    try:
        expected = json.loads(file.read_text(encoding="utf-8"))
        kind = kind_of(expected)
        if kind is None:
            report.whole = "it has neither a mapping nor counts the product could start from"
            return report
        comparison = Comparison()
        audit = _audited(file.parent, expected) if kind.needs_rows else None
        FIGURES[kind.name](comparison, expected, audit)
    except AuditError as error:
        report.problem = _one_line(f"can't be audited: {error}")
    except (OSError, ValueError, KeyError, TypeError, duckdb.Error) as error:
        report.problem = _one_line(f"can't be run: {type(error).__name__} {error}")
    else:
        _count(report, comparison, float(expected["meta"].get("tolerance", TOLERANCE)))
    return report


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _count(report: Report, comparison: Comparison, tolerance: float) -> None:
    for where, wanted, found, own in comparison.figures:
        report.compared += 1
        if not same(wanted, found, tolerance if own is None else own):
            report.differences.append(Difference(where=where, wanted=wanted, found=found))
    report.not_comparable = comparison.skipped
    if not report.compared:
        report.problem = "holds no figure the product has"


def _audited(folder: Path, expected: Any) -> Audit:
    """The audit of the file's input under its own mapping; one run for all files that ask the same."""
    meta = expected["meta"]
    source = folder / meta["input"]
    wanted = meta.get("input_sha256")
    if wanted and hashlib.sha256(source.read_bytes()).hexdigest() != wanted:
        raise ValueError(f"{source.name} is not the file these figures were made from")
    attributes, pairs = _subjects(expected)
    bands = tuple(_band_edges(expected))
    return _run(source, json.dumps(meta["mapping"]), attributes, pairs, bands)


def _subjects(expected: Any) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    names: list[str] = list(expected.get("attributes", expected.get("groups", {})))
    names += [key.split(":", 1)[0] for key in expected.get("pairs", {})]
    pairs = tuple(tuple(key.split("*")) for key in expected.get("intersections", {}))
    names += [name for pair in pairs for name in pair]
    return tuple(dict.fromkeys(names)), pairs


def _band_edges(expected: Any) -> Iterator[float]:
    """Inner edges of the file's own score bands: those in its keys, or halfway between its score values."""
    groups = [table for part in ("calibration_bands", "calibration_by_score_value")
              for groups in expected.get(part, {}).values() for table in groups.values()]  # fmt: skip
    if "calibration_bands" in expected:
        starts = {float(key.strip("[]()").split(",")[0]) for table in groups for key in table["bands"]}
        ends = {float(key.strip("[]()").split(",")[1]) for table in groups for key in table["bands"]}
        yield from sorted((starts | ends) - {min(starts), max(ends)})
    elif "calibration_by_score_value" in expected:
        values = sorted({float(key) for table in groups for key in table})
        yield from ((a + b) / 2 for a, b in pairwise(values))


@cache
def _run(
    source: Path, mapping_text: str, attributes: tuple[str, ...], pairs: tuple[tuple[str, ...], ...],
    bands: tuple[float, ...],
) -> Audit:  # fmt: skip
    mapping = json.loads(mapping_text)
    with tempfile.TemporaryDirectory() as name:
        place, kept = Path(name), source
        if mapping.get("filter_sql"):
            kept = place / "filtered.csv"
            # The filter reads numbers and dates; the rows stay the text they are ("yes" is no boolean).
            rows = f"SELECT * FROM read_csv('{source}', all_varchar = true)"
            kept_rows = f"SELECT ({mapping['filter_sql']}) AS kept FROM read_csv('{source}')"
            joined = f"SELECT r.* FROM ({rows}) r POSITIONAL JOIN ({kept_rows}) k WHERE k.kept"
            duckdb.sql(f"COPY ({joined}) TO '{kept}' (HEADER)")
        chosen = mapping["selected"] if mapping.get("decision") else ["1"]
        subjects = [json.dumps(name) for name in attributes]
        subjects += [json.dumps(list(pair)) for pair in pairs]
        text = contract(
            [*_data(mapping, kept, bands), f"attributes: [{', '.join(_attribute(a) for a in attributes)}]",
             f"intersections: {json.dumps([list(pair) for pair in pairs])}"],
            [f"metric: {metric}, compare: {compare}, of: [{', '.join(subjects)}], limit: {{{limit}}}"
             for metric in ("selection_rate", "tpr", "fpr", "fnr", "tnr", "ppv", "accuracy", "base_rate")
             for compare, limit in (("difference", "max: 0.1"), ("ratio", "min: 0.8"))],
            favourable=json.dumps(chosen[0]),
        )  # fmt: skip
        request = AuditRequest(contract=text, contract_name="contract.yaml", evaluation=kept, as_of=AS_OF)
        return run_audit(request, Workspace(place / "workspace"))


def _attribute(name: str) -> str:
    return f"{{name: {json.dumps(name, ensure_ascii=False)}, basis: b}}"


def _data(mapping: Any, source: Path, bands: tuple[float, ...]) -> list[str]:
    """The lines of a contract's `data` that a mapping stands for."""
    column = json.dumps(mapping["label"], ensure_ascii=False)
    lines = [f"label: {{column: {column}, positive: {json.dumps(mapping['positive'])}}}"]
    if mapping.get("score"):
        column = json.dumps(mapping["score"], ensure_ascii=False)
        threshold = f", threshold: {mapping['threshold']}" if mapping.get("threshold") is not None else ""
        inner = f", bands: {json.dumps(list(bands))}" if bands else ""
        lines.append(f"score: {{column: {column}{_scale(mapping['score'], source)}{threshold}{inner}}}")
    if mapping.get("decision"):
        column = json.dumps(mapping["decision"], ensure_ascii=False)
        lines.append(f"decision: {{column: {column}, positive: {json.dumps(mapping['selected'])}}}")
    return lines


def _scale(column: str, source: Path) -> str:
    """The ends of a score's scale, where it is not from 0 to 1."""
    quoted = column.replace('"', '""')
    rows = duckdb.sql(
        f'SELECT floor(min(x)), ceil(max(x)) FROM (SELECT TRY_CAST("{quoted}" AS DOUBLE) x '
        f"FROM read_csv('{source}', all_varchar = true))"
    ).fetchall()
    low, high = rows[0] if rows[0][0] is not None else (0.0, 1.0)
    return f", range: [{low}, {high}]" if low < 0 or high > 1 else ""


def main(arguments: list[str]) -> int:
    """Print the report of a folder; 0 when everything that can be compared agrees."""
    folder = Path(arguments[0]) if arguments else FOLDER
    reports = run_folder(folder) if folder.is_dir() else []
    if not reports:
        words = "Name a folder that holds expected_*.json beside their input"
        print(f"No reference figures to compare · {folder} · {words}", file=sys.stderr)
        return 1
    for report in reports:
        print("\n".join(report.lines()), flush=True)
    agreed, apart = (sum(bool(getattr(r, name)) for r in reports) for name in ("agrees", "whole"))
    print(f"{agreed} of {len(reports)} files agree, {apart} not comparable")
    return 0 if agreed and agreed + apart == len(reports) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

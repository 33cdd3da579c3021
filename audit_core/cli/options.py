"""Options that commands share, and what they read."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from audit_core.errors import UsageError

if TYPE_CHECKING:
    from audit_core.report.documents import Document

DOCUMENTS: dict[Document, str] = {
    "pdf": "write the one-page summary",
    "html": "write the whole report as one HTML file",
    "junit": "write the checks as a JUnit report",
    "sarif": "write the checks as SARIF 2.1.0",
    "summary": "write a Markdown summary for a build step",
    "collect": "write how many more people each check would take, as CSV",
}


def add_inputs(parser: argparse.ArgumentParser) -> None:
    table = "CSV, TSV, Parquet or Arrow; a folder of Parquet files or a glob"
    parser.add_argument("--contract", required=True, type=Path, metavar="C", help="the release contract")
    parser.add_argument("--eval", dest="evaluation", metavar="E", help=f"the rows to audit: {table}")
    parser.add_argument("--train", metavar="T", help=f"the training sample: {table}")
    parser.add_argument("--model", type=Path, metavar="M", help="a classifier saved with joblib")
    parser.add_argument("--baseline", metavar="B",
                        help="what to compare with: last (the newest approved audit here), a result file "
                        f"(audit.json), or the rows of a stable release: {table}")  # fmt: skip
    parser.add_argument("--baseline-model", type=Path, metavar="M",
                        help="the approved model, to score the same rows")  # fmt: skip
    parser.add_argument("--table", metavar="T", help=f"counts by group instead of rows: {table}")
    parser.add_argument("--benchmarks", type=Path, metavar="F",
                        help="benchmark results as CSV; shown with their limits, never decisive")  # fmt: skip
    parser.add_argument("--trust", action="append", default=[], metavar="SHA256",
                        help="a model file you have decided to trust")  # fmt: skip
    parser.add_argument("--workspace", type=Path, metavar="DIR", help="where audits are kept")
    parser.add_argument("--json", metavar="F", help="write the result file; - for standard output")
    for name, words in DOCUMENTS.items():
        parser.add_argument(f"--{name}", type=Path, metavar="F", help=words)
    parser.add_argument("--as-of", type=moment, metavar="TIME", help="the clock of the run (ISO 8601)")
    parser.add_argument("--strict", action="store_true", help="exit 1 instead of 2")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")


def moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text} is no ISO 8601 time, such as 2026-11-22T09:00Z") from None


def contract_bytes(path: Path) -> bytes:
    from audit_core.contract.compose import LARGEST

    try:
        with path.open("rb") as stream:
            return stream.read(LARGEST + 1)
    except OSError as error:
        remedy = "Check the path, or write one with: evenhand init --preset hiring"
        raise UsageError("The contract can't be opened", where=str(path), remedy=remedy) from error

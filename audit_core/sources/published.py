"""A table of published counts, one line per group: read, and checked as counts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit_core.contract.schema import ReleaseContract
from audit_core.errors import SourceError, UsageError
from audit_core.sources.tables import Table, run

if TYPE_CHECKING:
    import duckdb

NAMES = ("attribute", "group")
COUNTS = ("n", "selected")
LABELLED = ("positives", "tp", "negatives", "fp")
"""Counts by outcome, which come together or not at all: with some of them missing, rates would be guessed."""

MOST_LINES = 10_000
MOST_PEOPLE = 1_000_000_000
_WHOLE = re.compile(r"\d{1,12}", re.ASCII)
_COLUMNS = "A table of counts has the columns attribute, group, n and selected"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeCounts:
    """People of one group by outcome: positives, those of them selected, and the same of negatives."""

    positives: int
    tp: int
    negatives: int
    fp: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedLine:
    """One line as it stands in the file; `line` counts the lines under the header from 1.

    `abstained` people are among those not selected; a table of counts does not tell them apart.
    """

    line: int
    attribute: str
    group: str
    n: int
    selected: int
    outcomes: OutcomeCounts | None
    abstained: int = 0


def read_published(
    con: duckdb.DuckDBPyConnection, table: Table, contract: ReleaseContract
) -> tuple[PublishedLine, ...]:
    """Return the lines of a table of counts, under the contract's names for its columns.

    Raises
    ------
    UsageError
        A column is missing.
    SourceError
        A cell is no whole number, or the counts of a line contradict each other.
    """
    name, columns = table.source.name, _columns(table, contract)
    if table.source.rows > MOST_LINES:
        raise SourceError(
            f"The table has {table.source.rows:,} lines; one line per group would be far fewer",
            where=name,
            remedy="Give rows of people with --eval instead",
        )
    shown = ", ".join(f"{table.text(column)} AS t{i}" for i, column in enumerate(columns.values()))
    rows = run(con, f"SELECT {shown} FROM {table.scan}", name)
    keys = list(columns)
    return tuple(
        _line(dict(zip(keys, cells, strict=True)), place, name) for place, cells in enumerate(rows, 1)
    )


def _columns(table: Table, contract: ReleaseContract) -> Mapping[str, str]:
    """Column of every part: the contract's name for it, else the part's own."""
    named: dict[str, str] = json.loads(dict(contract.section).get("table", "{}"))
    wanted = {part: named.get(part, part) for part in (*NAMES, *COUNTS)}
    missing = [column for column in wanted.values() if not table.has(column)]
    if missing:
        listed = ", ".join(f"“{column}”" for column in missing)
        raise UsageError(
            f"The table lacks {'the column' if len(missing) == 1 else 'the columns'} {listed}",
            where=table.source.name,
            remedy=f"{_COLUMNS}; where they are called otherwise, say so in the contract, under table",
        )
    labelled = {part: named.get(part, part) for part in LABELLED}
    here = [part for part, column in labelled.items() if table.has(column)]
    if not here and not any(part in named for part in LABELLED):
        return wanted
    absent = [part for part in LABELLED if part not in here]
    if absent:
        raise UsageError(
            f"Of the counts by outcome the table lacks {', '.join(absent)}",
            where=table.source.name,
            remedy="Give all four of positives, tp, negatives and fp, or none of them",
        )
    return wanted | labelled


def _line(cells: Mapping[str, str | None], line: int, name: str) -> PublishedLine:
    where = f"{name}, line {line} under the header"
    attribute = (cells["attribute"] or "").strip()
    if not attribute:
        raise SourceError("A line names no attribute", where=where, remedy="Say which attribute it counts")
    n, selected = (_count(cells[part], part, where) for part in COUNTS)
    if selected > n:
        raise _contradiction("more people are selected than counted", where)
    return PublishedLine(
        line=line,
        attribute=attribute,
        group=(cells["group"] or "").strip(),
        n=n,
        selected=selected,
        outcomes=_outcomes(cells, n, selected, where),
    )


def _outcomes(cells: Mapping[str, str | None], n: int, selected: int, where: str) -> OutcomeCounts | None:
    given = [part for part in LABELLED if cells.get(part) is not None]
    if not given:
        return None
    if len(given) < len(LABELLED):
        raise SourceError(
            "A line has some of the counts by outcome, but not all four",
            where=where,
            remedy="Fill in positives, tp, negatives and fp, or leave all four empty",
        )
    positives, tp, negatives, fp = (_count(cells[part], part, where) for part in LABELLED)
    if tp > positives or fp > negatives:
        raise _contradiction("more positives or negatives are selected than there are", where)
    if positives + negatives > n:
        raise _contradiction("there are more positives and negatives than people", where)
    if tp + fp > selected or (positives - tp) + (negatives - fp) > n - selected:
        raise _contradiction("the outcomes do not fit the number of people selected", where)
    return OutcomeCounts(positives=positives, tp=tp, negatives=negatives, fp=fp)


def _count(cell: str | None, part: str, where: str) -> int:
    text = (cell or "").strip()
    if not _WHOLE.fullmatch(text):
        raise SourceError(
            f"“{part}” is not a whole number of people, zero or more",
            where=where,
            remedy="Write counts in digits alone: no shares, no decimal commas, no thousands separators",
        )
    if int(text) > MOST_PEOPLE:
        raise SourceError(
            f"“{part}” is over a thousand million people", where=where, remedy="Correct the count"
        )
    return int(text)


def _contradiction(what: str, where: str) -> SourceError:
    return SourceError(f"The counts of a line contradict each other: {what}", where=where,
                       remedy="Correct the table; counts are never mended here")  # fmt: skip

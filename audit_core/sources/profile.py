"""What a table's columns hold, and which part each seems to play; both are shown and can be changed."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from audit_core.errors import SourceError
from audit_core.sources.tables import Kind, Source, Table, run

if TYPE_CHECKING:
    import duckdb

ColumnRole = Literal[
    "label", "training label", "score", "decision", "protected attribute", "slice", "id", "window", "feature",
    "not used",
]  # fmt: skip
ROLES: tuple[ColumnRole, ...] = (
    "label", "training label", "score", "decision", "protected attribute", "slice", "id", "window", "feature",
    "not used",
)  # fmt: skip
MOST_GROUPS = 20
"""A column with more distinct values is not proposed as a group; it can still be chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfile:
    """One column: what it holds, how many rows lack a value, how many distinct values it has."""

    name: str
    kind: Kind
    rows: int
    missing: int
    distinct: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLook:
    """A first look at a file: what was read, its columns, and the part each seems to play."""

    source: Source
    columns: tuple[ColumnProfile, ...]
    roles: tuple[tuple[str, ColumnRole], ...]
    label_values: tuple[tuple[str, tuple[str, ...]], ...]


def profile_columns(con: duckdb.DuckDBPyConnection, table: Table) -> tuple[ColumnProfile, ...]:
    """Return the profile of every column; text that is all numbers, or all true and false, counts as that.

    Raises
    ------
    SourceError
        A column's numbers are written with a decimal comma: read as text, they would be groups.
    """
    names = table.source.columns
    parts = []
    for name in names:
        value = table.value(name)
        boolean = f"lower(cast({value} AS VARCHAR)) IN ('true', 'false')"
        parts += [f"count({value})", f"approx_count_distinct({value})"]
        parts += [f"count(try_cast({value} AS DOUBLE))", f"count(CASE WHEN {boolean} THEN 1 END)"]
    counts = run(con, f"SELECT {', '.join(parts)} FROM {table.scan}", table.source.name)[0]
    refuse_decimal_commas(con, table, names)
    found = []
    for place, name in enumerate(names):
        given, distinct, numbers, booleans = (int(count) for count in counts[4 * place : 4 * place + 4])
        kind = table.stored_kind(name)
        if kind == "text" and given:
            kind = "number" if numbers == given else "boolean" if booleans == given else kind
        found.append(
            ColumnProfile(
                name=name,
                kind=kind,
                rows=table.source.rows,
                missing=table.source.rows - given,
                distinct=min(distinct, given),
            )
        )
    return tuple(found)


def refuse_decimal_commas(con: duckdb.DuckDBPyConnection, table: Table, names: Sequence[str]) -> None:
    """Refuse numbers such as those that Excel writes between semicolons in many countries.

    Raises
    ------
    SourceError
        All that one of the columns holds is whole numbers and at least one number with a comma.
    """
    if table.separator in ("", ","):
        return
    parts = []
    for name in names:
        value = table.value(name)
        number = f"regexp_full_match({value}, '[+-]?[0-9]*(,[0-9]+)?')"
        parts.append(f"coalesce(bool_and({number}) AND bool_or(contains({value}, ',')), false)")
    found = run(con, f"SELECT {', '.join(parts)} FROM {table.scan}", table.source.name)[0]
    for name, commas in zip(names, found, strict=True):
        if commas:
            raise SourceError(
                f"The column “{name}” holds numbers with a decimal comma",
                where=table.source.name,
                remedy="Save it with a decimal point, or as Parquet, and upload it again",
            )


def text_kinds(con: duckdb.DuckDBPyConnection, table: Table, names: Collection[str]) -> Mapping[str, Kind]:
    """Return what each of the named columns holds, as pandas.read_csv sees it; an empty one is numbers."""
    return {
        profile.name: "number" if profile.missing == profile.rows else profile.kind
        for profile in profile_columns(con, table)
        if profile.name in names
    }


def column_values(con: duckdb.DuckDBPyConnection, table: Table, name: str, most: int = 5) -> tuple[str, ...]:
    """Return a column's distinct values as text, or none when there are more than `most`."""
    if table.stored_kind(name) == "other":
        return ()
    query = (
        f"SELECT DISTINCT t FROM (SELECT {table.text(name)} AS t FROM {table.scan}) AS cells "
        f"WHERE t IS NOT NULL ORDER BY t LIMIT {most + 1}"
    )
    found = tuple(str(row[0]) for row in run(con, query, table.source.name))
    return found if len(found) <= most else ()


_PROTECTED = re.compile(
    r"(^|_)(gender|sex|race|ethnicity|ethnic|age_?(band|group|cat)?|disability|disabled|religion|nationality|"
    r"national_origin|veteran|marital_status|pregnan\w*|orientation)($|_)"
)
_PATTERNS: Sequence[tuple[ColumnRole, re.Pattern[str]]] = (
    ("not used", re.compile(r"^(row|index|line|record)(_?(id|no|num|number|index))?$|^unnamed: 0$")),
    ("id", re.compile(r"(^|_)(id|uuid|guid|key)$|^id_")),
    ("training label", re.compile(r"historic|past_decision|training_label")),
    (
        "label",
        re.compile(
            r"^(label|target|outcome|y|y_true|ground_truth|qualified|default(ed)?|hired|repaid|churn(ed)?|"
            r"expected\w*)$|(^|_year_)recid(ivism)?$"
        ),
    ),
    ("score", re.compile(r"^((model|risk|judge|pred(icted|iction)?|y)_)?(score|prob(a|ability)?|p)$")),
    ("decision", re.compile(r"^(decision|prediction|predicted|y_pred|selected|advanced|approved|route)$")),
    ("window", re.compile(r"^(?!.*per_)(.*_)?(month|week|quarter|date|window|period)($|_)")),
    ("slice", re.compile(r"^(channel|source|region|country|state|product|segment|job_family|variant)$")),
)


def guess_roles(
    columns: Sequence[ColumnProfile], features: Collection[str] = ()
) -> tuple[tuple[str, ColumnRole], ...]:
    """Return the part each column seems to play, by its name and by what it holds.

    A single role (label, score, decision, id, window) goes to the first column that fits; a column the model
    was fitted on stays a feature. A row number is no id: two files both count from 1.
    """
    taken: set[ColumnRole] = set()
    found: list[tuple[str, ColumnRole]] = []
    for column in columns:
        role = _guess(column, taken, features)
        if role not in ("feature", "slice", "protected attribute", "not used"):
            taken.add(role)
        found.append((column.name, role))
    return tuple(found)


def _guess(column: ColumnProfile, taken: set[ColumnRole], features: Collection[str]) -> ColumnRole:
    name = column.name.strip().lower()
    grouping = column.distinct <= MOST_GROUPS
    if _PROTECTED.search(name) and (grouping or name == "age"):
        return "protected attribute"
    if column.name in features:
        return "feature"
    for role, pattern in _PATTERNS:
        if role not in taken and pattern.search(name) and _fits(role, column):
            return role
    return "not used" if column.kind == "other" else "feature"


def _fits(role: ColumnRole, column: ColumnProfile) -> bool:
    if role in ("label", "training label", "decision", "slice"):
        return column.distinct <= MOST_GROUPS
    return column.kind == "number" if role == "score" else True

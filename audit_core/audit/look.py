"""A first look at a file, before anything is counted."""

from __future__ import annotations

from pathlib import Path

from audit_core.sources.profile import TableLook, column_values, guess_roles, profile_columns
from audit_core.sources.tables import Role, connect, open_table

MOST_LABEL_VALUES = 5


def look_at(path: Path | str, name: str, role: Role = "evaluation") -> TableLook:
    """Return a first look at a file: its columns, the part each seems to play, the values of a label."""
    con = connect((path,))
    try:
        table = open_table(con, path, role, name=name)
        columns = profile_columns(con, table)
        few = [column.name for column in columns if column.distinct <= MOST_LABEL_VALUES]
        values = tuple((column, column_values(con, table, column)) for column in few)
    finally:
        con.close()
    return TableLook(source=table.source, columns=columns, roles=guess_roles(columns), label_values=values)

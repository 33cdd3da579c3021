"""The tables as files: CSV, byte for byte alike on every platform."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

FORMATS: Final = {
    "years_experience": "{:.1f}",
    "skills_score": "{:.1f}",
    "interview_score": "{:.2f}",
    "employment_gap_months": "{:.1f}",
    "commute_km": "{:.1f}",
}


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV, byte for byte alike on every platform."""
    columns = [_cells(table[name], FORMATS.get(name, "{}")) for name in table.columns]
    lines = [",".join(table.columns), *(",".join(row) for row in zip(*columns, strict=True))]
    path.write_bytes(("\n".join(lines) + "\n").encode())


def _cells(column: pd.Series, form: str) -> list[str]:
    return ["" if pd.isna(value) else form.format(value) for value in column.tolist()]

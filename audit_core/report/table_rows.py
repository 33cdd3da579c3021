"""What every table twin is: rows of text, one name for what is absent, one for the column of results."""

from __future__ import annotations

Rows = list[dict[str, str]]

NONE = "–"
RESULT = "Result"
"""Header of the column that holds a status in words; a page may draw it as a badge."""

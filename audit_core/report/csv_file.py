"""Tables as CSV files: the one way a table leaves the program as one."""

from __future__ import annotations

import csv
import io

from audit_core.report.escape import for_csv
from audit_core.report.table_rows import Rows


def to_csv(rows: Rows) -> str:
    """Return rows as CSV (RFC 4180: CRLF, quotes doubled), every cell safe in a spreadsheet."""
    if not rows:
        return ""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([for_csv(name) for name in rows[0]])
    writer.writerows([for_csv(value) for value in row.values()] for row in rows)
    return out.getvalue()


def csv_bytes(rows: Rows) -> bytes:
    """Return rows as a CSV file in UTF-8 that begins with a byte order mark.

    Without the mark Excel takes the file for a code page of its country and garbles every name beyond ASCII;
    readers that know UTF-8 skip it. Names with hidden characters show them written out here; a program that
    needs the names as they were given reads audit.json.
    """
    return to_csv(rows).encode("utf-8-sig")

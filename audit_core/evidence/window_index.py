"""What a store held last, so that a period or a revision that has gone since is told and not looked over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from audit_core.errors import AuditError
from audit_core.evidence.record_file import seal
from audit_core.evidence.whole_files import replace_whole
from audit_core.evidence.window_records import record_text

INDEX_FILE = "held.json"


def held_last(root: Path) -> dict[str, int]:
    """Return the number of every period's newest revision when the store was last written; none before that.

    A run that was stopped can have written a newer revision than this names, and never an older one.

    Raises
    ------
    AuditError
        It is not what was written there.
    """
    file = root / INDEX_FILE
    try:
        text = file.read_text(encoding="utf-8") if file.is_file() else None
        if text is None:
            return {}
        record = json.loads(text)
        sound = record["sha256"] == seal(record)
        found = {str(name): int(number) for name, number in record["periods"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _broken() from error
    if not sound:
        raise _broken()
    return found


def write_index(root: Path, periods: Mapping[str, int]) -> None:
    """Write down the newest revision of every period."""
    record = {"periods": dict(periods)}
    replace_whole(root / INDEX_FILE, record_text({**record, "sha256": seal(record)}))


def _broken() -> AuditError:
    return AuditError(
        "The list of kept windows does not hold together",
        where=INDEX_FILE,
        remedy="Put it back as it was; without it, look whether every period is there",
    )

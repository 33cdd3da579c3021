"""What a person is told on the standard error, and the exit codes."""

from __future__ import annotations

import sys

from audit_core.report.escape import for_terminal

USAGE_ERROR, INTERNAL_ERROR, INCONCLUSIVE, BLOCKED = 3, 4, 2, 1


def say(*lines: str) -> None:
    """Print lines for a person on stderr; file names and contract texts in them are text, never commands."""
    print("\n".join(map(for_terminal, lines)), file=sys.stderr)


def tell(stage: str, share: float) -> None:
    """Progress on stderr, for a person watching."""
    if sys.stderr.isatty():
        end = "\n" if share >= 1 else ""
        shown = for_terminal(f"{stage} … {share:.0%}")
        print(f"\r\x1b[K{shown}", end=end, file=sys.stderr, flush=True)

"""The command line: `evenhand …`."""

from audit_core.cli.entry import main

__all__ = ["main"]

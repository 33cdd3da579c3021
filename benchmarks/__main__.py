"""Run every benchmark and print one line for each figure: `python -m benchmarks [NAME …]`."""

from __future__ import annotations

import importlib
import pkgutil
import platform
import sys
from pathlib import Path


def main(names: list[str]) -> int:
    """Print the figures of the named modules, of all of them when none is named."""
    here = Path(__file__).resolve().parent
    modules = sorted(info.name for info in pkgutil.iter_modules([str(here)]) if not info.name.startswith("_"))
    print(f"Python {platform.python_version()}, {platform.system()} {platform.machine()}")
    for name in names or modules:
        for figure, value, unit in importlib.import_module(f"benchmarks.{name}").measure():
            print(f"{name:<16} {figure:<58} {value:>12,.1f} {unit}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

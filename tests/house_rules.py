"""Checks of the house that no linter makes; `make check` runs it. Prints every broken rule and exits 1.

* a file has at most 400 lines, a function at most 60 (300 and 30 are the aim);
* app.py has at most 60 lines, a page at most 120;
* unpickling happens in the one worker, and no page hands data to HTML.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORKER = "audit_core/sources/model_worker.py"
LIMITS = {"app.py": 60}
PICKLE = re.compile(r"\b(pickle|cloudpickle|dill)\b|joblib\.load|allow_pickle=True")


def source_files() -> list[Path]:
    """Python files of the product, without the tests and without the environment."""
    folders = [ROOT / name for name in ("audit_core", "pages", "sample_data", "benchmarks")]
    return [ROOT / "app.py", *sorted(file for folder in folders for file in folder.rglob("*.py"))]


def most_lines(name: str) -> int:
    """Most lines a file may have."""
    page = name.startswith("pages/") and not name.startswith("pages/ui/")
    return LIMITS.get(name, 120 if page else 400)


def problems_of(file: Path) -> list[str]:
    """Every rule a file breaks."""
    name, text = file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8")
    found = []
    if text.count("\n") > most_lines(name):
        found.append(f"{name}: {text.count(chr(10))} lines, at most {most_lines(name)}")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
            length = (node.body[-1].end_lineno or 0) - first.lineno + 1
            if length > 60:
                found.append(f"{name}:{node.lineno}: {node.name} has {length} lines, at most 60")
    code = "\n".join(line.partition("#")[0] for line in text.splitlines())
    if name != WORKER and not name.startswith("sample_data/") and PICKLE.search(strip_strings(code)):
        found.append(f"{name}: unpickling belongs to {WORKER} alone")
    if "unsafe_allow_html" in text and name != "pages/ui/theme.py":
        found.append(f"{name}: unsafe_allow_html belongs to pages/ui/theme.py alone, and never with data")
    return found


def strip_strings(code: str) -> str:
    """The code without its string literals, so that a sentence about pickle is no use of it."""
    return re.sub(r'("""|\'\'\').*?\1|"[^"\n]*"|\'[^\'\n]*\'', '""', code, flags=re.DOTALL)


def main() -> int:
    """Print what is broken."""
    broken = [problem for file in source_files() if file.exists() for problem in problems_of(file)]
    print("\n".join(broken) or "house rules: kept")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())

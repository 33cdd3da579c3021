"""Checks of the house that no linter makes; `make check` runs it. Prints every broken rule and exits 1.

* a file has at most 400 lines, a function at most 60 (300 and 30 are the aim);
* app.py has at most 60 lines, a page at most 120;
* unpickling happens in the one worker; the two modules that read a stream without running it may use the
  names of its instructions, and no more;
* Streamlit's caches and its session state have one room each, and no cache is without bounds;
* no page hands data to HTML.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORKER = "audit_core/sources/model_worker.py"
READERS = ("audit_core/sources/model_reader.py", "audit_core/sources/model_stream.py")
LIMITS = {"app.py": 60}
PICKLE = re.compile(
    r"\b(pickle|cloudpickle|dill|_pickle)\b|joblib\.load|joblib import .*\bload\b|allow_pickle=True"
)
UNPICKLE = re.compile(r"\bpickle\.(loads?|Unpickler)\b|joblib\b|allow_pickle")
# What may stand in one file alone, and what to say elsewhere.
ROOMS = (
    (re.compile(r"unsafe_allow_html"), "pages/ui/theme.py", "HTML has one room, and never holds data"),
    (re.compile(r"st\.cache_\w+"), "pages/ui/cached.py", "Streamlit's caches have one room"),
    (re.compile(r"st\.session_state"), "pages/ui/session.py", "the session state has one room"),
)
BARE_CACHE = re.compile(r"@st\.cache_\w+\s*$", re.MULTILINE)


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
    return problems_in(file.relative_to(ROOT).as_posix(), file.read_text(encoding="utf-8"))


def problems_in(name: str, text: str) -> list[str]:
    """Every rule a text breaks, as the file of that name."""
    found = []
    if text.count("\n") > most_lines(name):
        found.append(f"{name}: {text.count(chr(10))} lines, at most {most_lines(name)}")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
            length = (node.body[-1].end_lineno or 0) - first.lineno + 1
            if length > 60:
                found.append(f"{name}:{node.lineno}: {node.name} has {length} lines, at most 60")
    code = strip_strings("\n".join(line.partition("#")[0] for line in text.splitlines()))
    banned = UNPICKLE if name in READERS else PICKLE
    if name != WORKER and not name.startswith("sample_data/") and banned.search(code):
        found.append(f"{name}: unpickling belongs to {WORKER} alone")
    found += [f"{name}: {words}: {room}" for rule, room, words in ROOMS if name != room and rule.search(code)]
    if BARE_CACHE.search(code):
        found.append(f"{name}: a cache without bounds or scope keeps one visitor's data for all")
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

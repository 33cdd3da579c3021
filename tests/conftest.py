"""Fixtures that several test files share: the worked example, run once, and the reference data."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import settings
from streamlit.testing.v1 import AppTest

from audit_core.audit import worked_example
from audit_core.decision.record import Audit
from audit_core.evidence.workspace import Workspace

# Speed is measured in benchmarks, never asserted in tests. In CI the examples are the same on every run, so
# that a change is judged by what it changes; elsewhere they are new each time.
settings.register_profile("house", deadline=None, derandomize=os.environ.get("CI", "").lower() == "true")
settings.load_profile("house")

ROOT = Path(__file__).resolve().parent.parent
Rows = Sequence[Mapping[str, object]]


@pytest.fixture(scope="session")
def hiring_workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The workspace that holds the worked example."""
    return Workspace(tmp_path_factory.mktemp("hiring"))


@pytest.fixture(scope="session")
def hiring_audit(hiring_workspace: Workspace) -> Audit:
    """The worked example, audited once with its model in the isolated worker."""
    return worked_example(hiring_workspace)


@pytest.fixture
def app(hiring_workspace: Workspace, hiring_audit: Audit, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The dashboard with the worked example open; a fault is raised, where a person reads one sentence."""
    monkeypatch.setenv("EVENHAND_DEBUG", "1")
    monkeypatch.setenv("EVENHAND_WORKSPACE", str(hiring_workspace.root))
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    test.query_params["audit"] = hiring_audit.id
    return test.run()


def _beside(variable: str, name: str, proof: str) -> Path:
    """A folder of files beside the project; in CI its absence is a failure, elsewhere a reason to skip."""
    named = os.environ.get(variable)
    folder = Path(named) if named else ROOT.parent / "shared" / name
    if not (folder / proof).is_file():
        reason = f"no {name} in {folder}; name their folder in {variable}"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def reference_data() -> Path:
    """The folder of reference data."""
    return _beside("EVENHAND_REFERENCE", "data", "README.md")


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of hostile files."""
    return _beside("EVENHAND_CORPUS", "corpus", "manifest.json")


@pytest.fixture(scope="session")
def write_rows() -> Callable[[Path, Rows], Path]:
    """A writer of rows as CSV; None is an empty cell."""

    def write(path: Path, rows: Rows) -> Path:
        cells = [["" if value is None else str(value) for value in row.values()] for row in rows]
        lines = [",".join(rows[0]), *(",".join(row) for row in cells)]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write

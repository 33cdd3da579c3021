"""The corpus of hostile files: every table of it gets its outcome through the command line and on the screen.

`survive` is never left open: the outcome each file must get is written down here.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from audit_core.audit import look_at
from audit_core.cli import main
from audit_core.errors import SourceError

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("table", "injection")
pytestmark = pytest.mark.reference

CONTRACT = """\
schema: evenhand/contract/v1
id: corpus
version: 1
status: draft
domain: other
decision: {{question: q, population: p, favourable: "1", harm: h, harmed_by: wrong_no}}
data:
  label: {{column: label}}
  score: {{column: score, threshold: 0.5}}
  attributes: [{{name: {group}, basis: test}}]
checks:
  - {{id: present, stage: data, metric: coverage, of: [{group}], severity: critical, owner: owner, why: w}}
  - {{id: tpr, stage: predeploy, metric: tpr, compare: difference, limit: {{max: 0.1}}, of: [{group}],
     severity: critical, owner: owner, why: w}}
  - {{id: fpr, stage: predeploy, metric: fpr, compare: difference, limit: {{max: 0.1}}, of: [{group}],
     severity: critical, owner: owner, why: w}}
roles:
  owner: {{name: n, contact: c}}
author: owner
"""

REFUSED = {
    "csv_huge_field": "A cell is longer than 1 MB (line 2)",
    "csv_100k_columns": "The file has 100,000 columns; at most 500 are read",
    "csv_ragged": "A row does not have as many cells as the header (line 2)",
    "csv_unclosed_quote": "A quoted cell is never closed, or goes on after its closing quote (line 2)",
    "csv_thousands": "The column “score” holds numbers with a decimal comma",
    "pq_footer_len": "The Parquet file can't be read: it is cut short or damaged at its end",
} | {f"pq_bitflip_{place}": "can't be read" for place in range(5)}
"""Refused when the file is opened: exit 4, and the same sentence on the screen."""

REFUSED_IN_USE = {"pq_nested": "“score” holds lists or structures, not single values"}
"""Opened and looked at; refused by the audit that would use the column."""

AUDITED = {
    "csv_formula": "=cmd|' /C calc'!A0",
    "csv_1m_groups": "999,801 rare groups of group were put together and are not told apart.",
    "csv_sql_cols": "Coverage of groups by a'b",
    "csv_sql_vals": "Robert'); DROP TABLE t;--",
    "csv_one_label_group": "False positive rate gap by group: undecided, since only one group has data.",
    "csv_label_bool": "since only one group has data",
    "csv_one_group": "since only one group has data",
    "pq_good": "Too few to judge",
}
"""Read whole: never a pass. What the result must say, with line ends as spaces."""

SAFE_CODES = {"csv_formula": {1, 2}}
"""Exit codes of an audit of so few people, where it is not "inconclusive" alone."""


@pytest.fixture(scope="module")
def files(corpus) -> dict[str, Path]:
    """The tables of the corpus by their name."""
    cases = json.loads((corpus / "manifest.json").read_text(encoding="utf-8"))["cases"]
    return {case["name"]: corpus / case["file"] for case in cases if case["kind"] in KINDS}


@pytest.fixture
def command(tmp_path, capsys, files):
    """The command line on a file of the corpus: (exit code, standard output, standard error)."""

    def run(name: str) -> tuple[int, str, str]:
        group = json.dumps("a'b") if name == "csv_sql_cols" else "group"
        contract = tmp_path / "contract.yaml"
        contract.write_text(CONTRACT.format(group=group), encoding="utf-8")
        given = ["audit", "--contract", str(contract), "--eval", str(files[name])]
        code = main([*given, "--workspace", str(tmp_path / "workspace"), "--as-of", "2026-11-22T09:00Z"])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def plain(text: str) -> str:
    """A text with every run of spaces and line ends as one space."""
    return re.sub(r"\s+", " ", text)


def test_every_table_of_the_corpus_has_its_outcome_here(files):
    assert files.keys() == REFUSED.keys() | REFUSED_IN_USE.keys() | AUDITED.keys()


@pytest.mark.parametrize("name", [*REFUSED, *REFUSED_IN_USE])
def test_refused_by_the_command(name, command, files):
    code, out, err = command(name)
    assert code == 4
    assert (REFUSED | REFUSED_IN_USE)[name] in err
    assert err.count("\n") == 1 and err.count(" · ") == 2 and "Traceback" not in err
    assert out == ""
    assert files[name].name in err
    assert not cells_of(files[name]) & set(re.findall(r"[\w.,=+@-]{6,}", err.replace(files[name].name, "")))


def cells_of(file: Path) -> set[str]:
    """Long cells of a text table below its header: none of them belongs into a message."""
    if file.suffix != ".csv":
        return set()
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()[1:2000]
    return {cell.strip('"') for line in lines for cell in re.split("[,;]", line) if len(cell) >= 6}


@pytest.mark.parametrize("name", AUDITED)
def test_audited_by_the_command_and_never_passed(name, command, tmp_path):
    code, out, err = command(name)
    assert code in SAFE_CODES.get(name, {2})
    assert "Approve" not in out and "Traceback" not in out + err
    assert AUDITED[name] in plain(out)
    result = json.loads(next((tmp_path / "workspace").rglob("audit.json")).read_bytes())
    assert result["decision"]["verdict"] in ("INCONCLUSIVE", "BLOCKED")
    assert all(finding["status"] != "PASS" for finding in result["findings"])
    assert {path.name for path in tmp_path.iterdir()} == {"contract.yaml", "workspace"}


def test_a_rate_without_a_denominator_is_undefined(command, tmp_path):
    command("csv_one_label_group")
    result = json.loads(next((tmp_path / "workspace").rglob("audit.json")).read_bytes())
    (rate,) = (r for r in result["rates"] if r["metric"] == "fpr" and r["group"] == ["A"])
    assert (rate["status"], rate["value"]) == ("undefined", None)


@pytest.mark.parametrize("name", [*REFUSED, *REFUSED_IN_USE, *AUDITED])
def test_looked_at(name, files):
    """What the data page shows of a file."""
    if name in REFUSED:
        with pytest.raises(SourceError, match=re.escape(REFUSED[name])):
            look_at(files[name], files[name].name)
        return
    look = look_at(files[name], files[name].name)
    columns = {column.name: column for column in look.columns}
    assert look.source.rows == max(column.rows for column in look.columns)
    if name in REFUSED_IN_USE:
        assert columns["score"].kind == columns["group"].kind == "other"
        assert dict(look.roles) == {"group": "not used", "label": "label", "score": "not used"}
    if name == "csv_1m_groups":
        assert look.source.rows == 1_000_000 and columns["group"].distinct > 900_000
    if name == "csv_sql_cols":
        assert list(columns)[:4] == ['x"; DROP TABLE t; --', "a'b", "[c]", "d;e"]


@pytest.fixture
def data_page(tmp_path, monkeypatch):
    """The data page, onto which a file can be dropped."""
    monkeypatch.setenv("EVENHAND_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("EVENHAND_DEBUG", "1")
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    page.query_params["audit"] = "A-00000000-00000000"  # not the worked example, which would be run
    return page.run().switch_page("pages/data.py").run()


@pytest.mark.parametrize("name", ["csv_huge_field", "csv_100k_columns", "csv_ragged", "csv_thousands",
                                  "csv_unclosed_quote", "pq_bitflip_0", "pq_footer_len"])  # fmt: skip
def test_refused_on_the_screen(name, data_page, files):
    shown = drop(data_page, files[name])
    assert not shown.exception
    said = [error.value.replace("\\", "") for error in shown.error]
    assert len(said) == 1 and REFUSED[name] in said[0]
    assert not [button for button in shown.button if button.label == "Run the audit"]


@pytest.mark.parametrize("name", ["csv_formula", "csv_sql_cols", "csv_sql_vals", "csv_label_bool", "pq_good",
                                  "pq_nested"])  # fmt: skip
def test_shown_on_the_screen_and_not_run_by_itself(name, data_page, files):
    shown = drop(data_page, files[name])
    assert not shown.exception and not shown.error
    (run,) = (button for button in shown.button if button.label == "Run the audit")
    assert run.disabled  # none of these files names a protected attribute by itself
    captions = " ".join(str(caption.value) for caption in shown.caption)
    assert " columns" in captions


def drop(page: AppTest, file: Path) -> AppTest:
    """The page after a file was dropped on the card of the evaluation set."""
    (field,) = (f for f in page.file_uploader if f.key.startswith("upload_evaluation"))
    return field.upload(file.name, file.read_bytes()).run()

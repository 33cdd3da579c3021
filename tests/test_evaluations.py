"""Benchmark results: read like any upload, shown with their limits, and never part of a decision."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from report_factory import audit_of, contract_of
from streamlit.testing.v1 import AppTest

from audit_core.audit import AuditRequest, run_audit
from audit_core.cli import main
from audit_core.contract.evaluation_sources import KINDS, NO_LIMIT_STATED, known_source
from audit_core.contract.presets import preset
from audit_core.contract.yaml import parse_contract
from audit_core.errors import SourceError
from audit_core.evidence.workspace import Workspace
from audit_core.report.evaluations import (
    N_NOT_GIVEN,
    NO_RANGE,
    catalogue_rows,
    declared_rows,
    encode_evaluations,
    evaluation_rows,
    evaluation_sentence,
    source_rows,
)
from audit_core.report.result import result, result_bytes, result_schema
from audit_core.report.step_summary import step_summary_bytes
from audit_core.report.summary import summary
from audit_core.sources.evaluations import MOST_ROWS, EvaluationResult, read_evaluations

HEADER = "source,metric,group,value,low,high,n,date,reference\n"
GOOD = HEADER + "bbq,bias score,women,0.12,0.08,0.16,1200,2026-10-02,run 7\nhouse,odd score,,3,,,,,\n"
ROOT = Path(__file__).resolve().parent.parent
CONTRACT = (ROOT / "sample_data" / "hiring" / "contract.yaml").read_bytes()
AS_OF = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def written(folder, text, name="results.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def row(**changes):
    given = {"source": "bbq", "metric": "bias score", "group": "", "value": "0.1", "low": None, "high": None,
             "n": 100, "date": "", "reference": ""}  # fmt: skip
    return EvaluationResult(**(given | changes))


# Reading


def test_a_table_is_read_with_its_hash_and_absence_stays_absence(tmp_path):
    source, found = read_evaluations(written(tmp_path, GOOD))
    assert (source.role, source.rows, source.name) == ("benchmarks", 2, "results.csv")
    assert len(source.sha256) == 64
    assert found[0] == row(group="women", value="0.12", low="0.08", high="0.16", n=1200, date="2026-10-02",
                           reference="run 7")  # fmt: skip
    assert (found[1].n, found[1].low, found[1].high) == (None, None, None)


@pytest.mark.parametrize(
    "text",
    [
        "source,metric,value\nbbq,x,1\n",
        "\ufeffsource;metric;value\nbbq;x;1\n",
        "value,source,metric\r\n-1.5e-3,bbq,x\r\n",
        'source,metric,value\n"b,b""q",x,.5\n',
    ],
)
def test_columns_in_any_order_and_the_usual_dialects_are_read(tmp_path, text):
    assert len(read_evaluations(written(tmp_path, text))[1]) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("source,metric\nbbq,x\n", "no column “value”"),
        ("source,metric,value,score\nbbq,x,1,2\n", "Column 4 is none"),
        ("source,metric,value\n", "0 rows"),
        ("source,metric,value\n,x,1\n", "Row 2, column “source”"),
        ("source,metric,value\nbbq,,1\n", "Row 2, column “metric”"),
        ("source,metric,value\nbbq,x,\n", "Row 2, column “value”"),
        ("source,metric,value\nbbq,x,1\nbbq,x,12 %\n", "Row 3, column “value”"),
        ("source,metric,value\nbbq,x,nan\n", "column “value”"),
        ("source,metric,value\nbbq,x,inf\n", "column “value”"),
        ("source,metric,value\nbbq,x,1e999\n", "column “value”"),
        ("source,metric,value,low\nbbq,x,1,0\n", "column “high”"),
        ("source,metric,value,low,high\nbbq,x,1,2,1\n", "column “low”"),
        ("source,metric,value,n\nbbq,x,1,0\n", "column “n”"),
        ("source,metric,value,n\nbbq,x,1,1.5\n", "column “n”"),
        ("source,metric,value,n\nbbq,x,1,-3\n", "column “n”"),
        ("source,metric,value,date\nbbq,x,1,2026-02-30\n", "column “date”"),
        ("source,metric,value,date\nbbq,x,1,20261120\n", "column “date”"),
        (f"source,metric,value\n{'x' * 301},x,1\n", "column “source”"),
        (f"source,metric,value\n{'x' * 200_000},x,1\n", "can't be told apart"),
        ("source,metric,value\n" + "bbq,x,1\n" * (MOST_ROWS + 1), "2,001 rows"),
        ("source,metric,value\nbbq,x\n", ""),
        ('source,metric,value\n"bbq,x,1\n', ""),
        (b"source,metric,value\n\xff,x,1\n", ""),
        (b"source,metric,value\nb\x00q,x,1\n", ""),
        (b"PK\x03\x04" + b"x" * 100, ""),
        ("x" * ((1 << 20) + 1), "1 MiB"),
    ],
)
def test_a_table_that_is_none_is_one_error_with_its_remedy_and_no_cell(tmp_path, text, said):
    with pytest.raises(SourceError) as caught:
        read_evaluations(written(tmp_path, text))
    assert said in caught.value.problem
    assert caught.value.where == "results.csv" and caught.value.remedy
    assert "12 %" not in str(caught.value) and "xxx" not in str(caught.value)


def test_a_file_that_is_not_there_is_one_error(tmp_path):
    with pytest.raises(SourceError, match="no such file"):
        read_evaluations(tmp_path / "none.csv")


# The catalogue


def test_every_kind_has_a_layer_a_limit_and_a_use_of_its_own():
    assert set(KINDS) == {
        "matched_pairs", "reviewed_set", "weat_seat", "stereoset", "realtoxicityprompts_bold", "bbq",
        "toxicity_slices",
    }  # fmt: skip
    for part in ("limit", "use", "tests"):
        said = [getattr(kind, part) for kind in KINDS.values()]
        assert len(set(said)) == len(said) and all(text.endswith(".") for text in said)
    assert {kind.layer for kind in KINDS.values()} == {
        "representation", "model output", "evaluator", "decision", "people’s experience",
    }  # fmt: skip
    assert len(catalogue_rows()) == 7


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("BBQ", "bbq"),
        ("seat", "weat_seat"),
        (" WEAT / SEAT ", "weat_seat"),
        ("bold", "realtoxicityprompts_bold"),
    ],
)
def test_a_source_is_known_by_its_names(name, kind):
    found = known_source(name, contract_of())
    assert (found.kind, found.limit, found.declared) == (kind, KINDS[kind].limit, False)


def test_a_source_of_the_contract_brings_its_own_limit():
    contract = parse_contract(preset("service-judge"), "c")
    own = known_source("house_prompts", contract)
    assert own.declared and own.limit.startswith("Written by the team itself")
    assert known_source("BBQ", contract).declared
    assert len(source_rows(contract)) == 4


# A result without its cases, without a range, without a limit is shown as such


def test_what_a_result_lacks_is_shown_as_such_and_never_hidden():
    audit = replace(audit_of(), evaluations=(row(n=None), row(source="nobody's", n=None)))
    first, second = evaluation_rows(audit)
    assert (first["Cases"], first["Range"]) == (N_NOT_GIVEN, NO_RANGE)
    assert first["What it cannot show"] == KINDS["bbq"].limit
    assert (second["Layer it tests"], second["What it cannot show"]) == ("not stated", NO_LIMIT_STATED)
    said = evaluation_sentence(audit)
    assert "2 of them do not say on how many cases" in said
    assert "No limit is stated for nobody's" in said


# Every report


def test_the_result_file_holds_every_result_with_the_limit_of_its_source():
    audit = replace(audit_of(), evaluations=(row(low="0.05", high="0.2"), row(source="x", n=None)))
    made = json.loads(result_bytes(audit))
    Draft202012Validator(result_schema()).validate(made)
    bbq, other = made["evaluations"]
    assert (bbq["limit"], bbq["layer"]) == (KINDS["bbq"].limit, "model output")
    assert bbq["results"][0] | {"value": 0.1, "low": 0.05, "high": 0.2, "n": 100} == bbq["results"][0]
    assert (other["limit"], other["results"][0]["n"]) == (None, None)


def test_a_declared_source_stands_in_the_result_file_without_results():
    audit = audit_of(parse_contract(CONTRACT, "c"))
    (declared,) = json.loads(result_bytes(audit))["evaluations"]
    assert (declared["source"], declared["declared"], declared["results"]) == (
        "Representative reviewed set", True, [],
    )  # fmt: skip


def test_two_sources_of_one_kind_keep_their_own_limits_and_results():
    made = parse_contract(CONTRACT, "c")
    first = replace(made.evaluation_sources[0], id="bbq_en", kind="bbq", name="", limit="English alone.")
    second = replace(first, id="bbq_de", limit="German alone.")
    contract = replace(made, evaluation_sources=(first, second))
    given = (
        row(source="bbq_de"),
        row(source="BBQ_DE"),
        row(source="bbq_en"),
        row(source="bbq"),
        row(source="x"),
    )
    audit = replace(audit_of(contract), evaluations=given)
    found = [(s["limit"], len(s["results"])) for s in encode_evaluations(audit)]
    assert found == [("English alone.", 2), ("German alone.", 2), (None, 1)]
    assert [line["Results given"] for line in declared_rows(audit)] == ["2 results", "2 results"]
    same = replace(contract, evaluation_sources=(first, replace(first, id="bbq_de")))
    alike = replace(audit_of(same), evaluations=(row(source="bbq_de"),))
    assert [line["Results given"] for line in declared_rows(alike)] == ["0 results", "1 result"]


def test_summary_and_markdown_carry_the_limits():
    audit = replace(audit_of(), evaluations=(row(), row(source="my <b>own</b>")))
    page = summary(audit)
    assert any(KINDS["bbq"].limit in text for text in page.not_known)
    assert any(NO_LIMIT_STATED in text for text in page.not_known)
    assert "2 benchmark results" in page.footnote and "none can approve" in page.footnote
    text = step_summary_bytes(audit).decode()
    assert "Benchmark results" in text and "model output" in text and "<b>" not in text


# Never part of a decision


def test_benchmarks_change_no_finding_no_ground_and_no_verdict():
    bare = audit_of()
    given = replace(bare, evaluations=(row(), row(source="stereoset")))
    assert result(given)["findings"] == result(bare)["findings"]
    assert result(given)["decision"] == result(bare)["decision"]


def test_a_contract_whose_only_evidence_is_benchmarks_stays_inconclusive(tmp_path):
    """Every number a benchmark could give is a perfect one, and still nothing is approved."""
    perfect = HEADER + "".join(f"{kind},any,all,0,0,0,1000000,2026-10-02,run\n" for kind in KINDS)
    workspace = Workspace(tmp_path / "w")
    request = AuditRequest(
        contract=CONTRACT, contract_name="c", benchmarks=written(tmp_path, perfect), as_of=AS_OF
    )
    audit = run_audit(request, workspace)
    assert (audit.decision.verdict, audit.decision.exit_code) == ("INCONCLUSIVE", 2)
    assert audit.findings and {finding.status for finding in audit.findings} == {"NOT_RUN"}
    assert {finding.reason for finding in audit.findings} == {"no_evaluation"}
    assert len(audit.evaluations) == 7
    assert workspace.load(audit.id) == audit
    Draft202012Validator(result_schema()).validate(json.loads(workspace.artifact(audit.id, "audit.json")))


def test_other_results_are_another_audit(tmp_path):
    ids = set()
    for value in ("0.1", "0.2"):
        path = written(tmp_path, f"source,metric,value\nbbq,x,{value}\n")
        request = AuditRequest(contract=CONTRACT, contract_name="c", benchmarks=path, as_of=AS_OF)
        ids.add(run_audit(request, Workspace(tmp_path / "w")).id)
    assert len(ids) == 2


def test_a_record_from_before_there_were_benchmarks_still_loads(hiring_audit, tmp_path):
    from audit_core.evidence.record_file import seal

    kept = Workspace(tmp_path / "w")
    folder = kept.save(hiring_audit, CONTRACT)
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    del record["evaluations"], record["sha256"]
    sealed = {**record, "sha256": seal(record)}
    (folder / "record.json").write_text(json.dumps(sealed), encoding="utf-8")
    assert kept.load(hiring_audit.id).evaluations == ()


def test_the_command_line_takes_benchmarks(tmp_path, capsys):
    contract = written(tmp_path, CONTRACT, "contract.yaml")
    given = ["--contract", str(contract), "--workspace", str(tmp_path / "w"), "--as-of", "2026-11-20"]
    given += ["--json", str(tmp_path / "a.json")]
    assert main(["audit", *given, "--benchmarks", str(written(tmp_path, GOOD))]) == 2
    assert "benchmark" in capsys.readouterr().out.lower()
    found = json.loads((tmp_path / "a.json").read_bytes())
    assert found["sources"][0]["role"] == "benchmarks"
    assert main(["audit", *given, "--benchmarks", str(written(tmp_path, "source,metric\na,b\n"))]) == 4
    assert capsys.readouterr().err.count("\n") == 1


# On the screens


@pytest.fixture
def app(tmp_path, monkeypatch):
    """The screen for uploads, on a new visit."""
    monkeypatch.setenv("EVENHAND_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("EVENHAND_DEBUG", "1")
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    test.query_params["audit"] = "none"
    return test.run().switch_page("pages/data.py").run()


@pytest.mark.parametrize(
    ("text", "said"), [(GOOD, "2 results"), ("source,metric\na,b\n", "no column “value”")]
)
def test_the_card_says_what_was_read_or_what_is_wrong(app, text, said):
    field = next(field for field in app.file_uploader if field.key.startswith("upload_benchmarks"))
    shown = field.set_value(("results.csv", text.encode(), "text/csv")).run()
    assert not shown.exception
    words = "\n".join(str(part.value) for part in (*shown.caption, *shown.error))
    assert said in words


def test_the_contract_screen_shows_results_with_their_limits(tmp_path, monkeypatch):
    workspace = Workspace(tmp_path / "w")
    request = AuditRequest(
        contract=CONTRACT, contract_name="c", benchmarks=written(tmp_path, GOOD), as_of=AS_OF
    )
    audit = run_audit(request, workspace)
    monkeypatch.setenv("EVENHAND_WORKSPACE", str(workspace.root))
    monkeypatch.setenv("EVENHAND_DEBUG", "1")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["audit"] = audit.id
    shown = app.run()
    assert not shown.exception and "Cannot decide yet" in shown.header[0].value
    bare = shown.switch_page("pages/gaps.py").run()
    assert not bare.exception and "Nothing was measured by group" in bare.info[0].value
    shown = shown.switch_page("pages/contract.py").run()
    cells = "\n".join(str(cell) for table in shown.table for cell in table.value.to_numpy().ravel())
    assert KINDS["bbq"].limit.split(",")[0] in cells.replace("\\", "")
    assert NO_LIMIT_STATED in cells.replace("\\", "") and N_NOT_GIVEN in cells

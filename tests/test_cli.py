"""The command line: what it says where, and with which exit code it ends."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import types
from pathlib import Path

import joblib
import pytest
from jsonschema import Draft202012Validator
from sklearn.linear_model import LogisticRegression

from audit_core.cli import main
from audit_core.report.result import result_schema

ROOT = Path(__file__).resolve().parent.parent
HIRING = ROOT / "sample_data" / "hiring"
CONTRACT = """\
schema: evenhand/contract/v1
id: small
version: 1
status: approved
domain: other
decision: {question: q, population: p, favourable: 1, harm: h, harmed_by: both}
data:
  label: {column: y}
  score: {column: score, threshold: 0.5}
  training_label: past
  id: person
  attributes:
    - {name: g, basis: none}
support: {positives: 50, negatives: 50, rows: 100}
requirements:
  - {id: owner_named, met: true, by: o, evidence: memo}
checks:
  - {id: everyone, stage: data, metric: coverage, of: [g], severity: critical, owner: o, why: w}
  - {id: tpr_gap, stage: training, metric: tpr, compare: difference, of: [g], limit: {max: 0.10}, severity: critical, owner: o, why: w}
  - {id: fpr_gap, stage: training, metric: fpr, compare: difference, of: [g], limit: {max: 0.10}, severity: critical, owner: o, why: w}
roles:
  o: {name: n, contact: c}
author: o
"""  # noqa: E501
PREDEPLOY = """\
  - {id: drift, stage: predeploy, metric: psi, features: all, limit: {max: 0.25}, severity: major, owner: o, why: w}
roles:
"""  # noqa: E501
CLOCK = ["--as-of", "2026-11-16T09:00:00Z"]


def rows(groups="AB", labels=(1, 0), selected_b=0.8, n=300):
    """A passing evaluation set: the groups have the same rates, unless `selected_b` says otherwise."""
    found = []
    for group in groups:
        for label in labels:
            rate = (selected_b if group == "B" else 0.8) if label else 0.2
            found += [
                {"person": f"{group}{label}{i}", "g": group, "y": label,
                 "score": 0.9 if i < rate * n else 0.1, "past": label, "kilometres": (i * 37) % 101}
                for i in range(n)
            ]  # fmt: skip
    return found


class Run:
    """A folder with a contract and files, and the command line run on them."""

    def __init__(self, folder, capfd, write_rows):
        self.folder, self.capfd, self.write_rows = folder, capfd, write_rows
        self.contract = self.text("contract.yaml", CONTRACT)

    def text(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def rows(self, name="rows.csv", **options):
        return self.write_rows(self.folder / name, rows(**options))

    def __call__(self, *arguments):
        self.capfd.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as ended:
            code = ended.code
        out, err = self.capfd.readouterr()
        assert "Traceback" not in out + err
        return code, out, err

    def audit(self, evaluation, *more, verb=("audit",), contract=None):
        rows = ["--eval", evaluation] if evaluation else []
        return self(*verb, "--contract", contract or self.contract, *rows,
                    "--workspace", self.folder / "w", *CLOCK, *more)  # fmt: skip

    def refused(self, evaluation, *more, code, **options):
        """The one line of stderr of a run that ends with this code and says nothing on stdout."""
        found, out, err = self.audit(evaluation, *more, **options)
        assert (found, out) == (code, ""), err
        (line,) = err.splitlines()
        assert line.startswith("evenhand: ") and " · " in line
        return line


@pytest.fixture
def run(tmp_path, capfd, write_rows):
    return Run(tmp_path, capfd, write_rows)


def decision(out):
    found = json.loads(out)["decision"]
    return found["verdict"], found["exit_code"]


# 0, 1 and 2


def test_0_approved(run):
    code, out, err = run.audit(run.rows(), "--json", "-")
    assert (code, err) == (0, "")
    assert decision(out) == ("APPROVED", 0)


def test_0_approved_with_conditions(run):
    fpr = "metric: fpr, compare: difference, of: [g], limit: {max: 0.10}, severity: critical"
    minor = CONTRACT.replace(
        fpr, "metric: fpr, against: baseline, of: [g], limit: {max_increase: 0.02}, severity: minor"
    )
    code, out, _ = run.audit(run.rows(), "--json", "-", contract=run.text("minor.yaml", minor))
    assert code == 0
    assert decision(out) == ("APPROVED_WITH_CONDITIONS", 0)


def test_1_blocked(run):
    code, out, _ = run.audit(run.rows(selected_b=0.5), "--json", "-")
    assert code == 1
    assert decision(out) == ("BLOCKED", 1)


@pytest.mark.parametrize(
    ("options", "status", "reasons"),
    [
        ({"groups": "A"}, "approved", {"one_group"}),
        ({"labels": (1,)}, "approved", {"undefined"}),
        ({"n": 40}, "approved", {"too_few"}),
        ({}, "draft", set()),
        ({}, "retired", set()),
    ],
)
def test_2_inconclusive_and_strict_makes_it_1(run, options, status, reasons):
    contract = run.text("chosen.yaml", CONTRACT.replace("status: approved", f"status: {status}"))
    evaluation = run.rows(**options)
    code, out, err = run.audit(evaluation, "--json", "-", contract=contract)
    assert (code, decision(out), err) == (2, ("INCONCLUSIVE", 2), "")
    strict, _, _ = run.audit(evaluation, "--quiet", "--strict", contract=contract)
    assert strict == 1
    if reasons:
        code, text, _ = run("explain", "fpr_gap", "--workspace", run.folder / "w")
        assert code == 0 and text.strip()


def test_2_nobody_has_an_outcome_or_a_known_group(run, write_rows):
    for column in ("y", "g"):
        blank = write_rows(run.folder / f"{column}.csv", [{**row, column: None} for row in rows()])
        code, out, err = run.audit(blank, "--json", "-")
        assert (code, err) == (2, "")
        assert decision(out)[0] == "INCONCLUSIVE"


def test_strict_leaves_the_other_codes_alone(run):
    assert run.audit(run.rows(), "--quiet", "--strict")[0] == 0
    assert run.audit(run.rows(selected_b=0.5), "--quiet", "--strict")[0] == 1
    assert run.audit(run.folder / "none.csv", "--quiet", "--strict")[0] in (3, 4)


# 3


MISTAKES = (
    (9, "threshold: 0.5", "threshold: 5", "out-of-range"),
    (16, "evidence", "evidnce", "unknown-key"),
    (18, "severity: critical", "severity: crucial", "unknown-value"),
    (19, "of: [g]", "of: [h]", "undefined-attribute"),
    (20, "max: 0.10", "max: 10", "out-of-range"),
)


@pytest.mark.parametrize("verb", ["check", "audit"])
def test_3_every_mistake_of_a_contract_is_listed_at_its_place(run, verb):
    lines = CONTRACT.splitlines()
    for line, right, wrong, _ in MISTAKES:
        assert right in lines[line - 1]
        lines[line - 1] = lines[line - 1].replace(right, wrong)
    contract = run.text("wrong.yaml", "\n".join(lines) + "\n")
    code, out, err = (
        run("check", contract) if verb == "check" else run.audit(run.rows(), "--quiet", contract=contract)
    )
    assert (code, out) == (3, "")
    places = [
        re.match(rf"{re.escape(str(contract))}:(\d+):(\d+): ([a-z-]+) \S", line) for line in err.splitlines()
    ]
    assert all(places)
    seen = {(int(place[1]), place[3]) for place in places}
    assert seen >= {(line, code) for line, _, _, code in MISTAKES}
    assert {line for line, _ in seen} == {line for line, *_ in MISTAKES}
    assert "did you mean “evidence”?" in err and "did you mean “critical”?" in err
    for place in places:
        assert 1 <= int(place[2]) <= len(lines[int(place[1]) - 1]) + 1


def test_3_a_missing_column_is_named(run, write_rows):
    short = write_rows(
        run.folder / "short.csv", [{k: v for k, v in row.items() if k != "g"} for row in rows()]
    )
    assert "g" in run.refused(short, "--quiet", code=3)
    no_score = [{k: v for k, v in row.items() if k != "score"} for row in rows()]
    bare = write_rows(run.folder / "bare.csv", no_score)
    assert "--model" in run.refused(bare, "--quiet", code=3)


def test_3_files_and_folders_that_are_not_there(run):
    assert "none.yaml" in run.refused(run.rows(), "--quiet", code=3, contract=run.folder / "none.yaml")
    for option in ("--json", "--pdf"):
        line = run.refused(run.rows(), "--quiet", option, run.folder / "nowhere" / "file", code=3)
        assert "nowhere" in line
        assert "folder" in run.refused(run.rows(), "--quiet", option, run.folder, code=3)
    assert not (run.folder / "w").exists()  # refused before any work was done
    assert "--eval" in run.refused(None, "--quiet", code=3)


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("audit",),
        ("nonsense",),
        ("audit", "--contract", "c", "--evaluate", "e"),
        ("audit", "--contract", "c", "--as-of", "nonsense"),
        ("audit", "--contract", "c", "--as-of", "2026-13-01"),
        ("gate", "--contract", "c"),
        ("gate", "canary-ish", "--contract", "c"),
        ("init", "--preset", "unheard-of"),
        ("explain",),
        ("check",),
    ],
)
def test_3_is_what_argparse_ends_with(run, arguments):
    code, out, err = run(*arguments)
    assert (code, out) == (3, "")
    assert err.splitlines()[-1].startswith("evenhand")


def test_help_and_version_are_no_errors(run):
    for option in ("--help", "--version"):
        code, out, err = run(option)
        assert (code, err) == (0, "")
        assert "evenhand" in out


# 4


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.csv", ""),
        ("header.csv", "person,g,y,score\n"),
        ("text.parquet", "g,y,score\nA,1,0.5\n"),
        ("text.arrow", "g,y,score\nA,1,0.5\n"),
        ("torn.csv", 'person,g,y,score\n1,"A,1,0.5\n'),
        ("ragged.csv", "person,g,y,score\n1,A,1,0.5\n2,A,1\n3,A,1,0.5,9,9\n"),
        ("twice.csv", "person,g,g,y,score\n1,A,A,1,0.5\n"),
        ("absent.csv", None),
    ],
)
def test_4_a_file_that_can_not_be_read(run, name, content):
    path = run.folder / name
    if content is not None:
        path.write_text(content, encoding="utf-8")
    line = run.refused(path, "--quiet", code=4)
    assert name in line


def test_4_a_file_that_is_not_text(run):
    path = run.folder / "latin.csv"
    path.write_bytes("person,g,y,score\n1,Zoë,1,0.5\n".encode("latin-1"))
    assert "UTF-8" in run.refused(path, "--quiet", code=4)


def test_4_a_score_column_without_a_usable_score(run, write_rows):
    unusable = write_rows(run.folder / "rows.csv", [{**row, "score": "nan"} for row in rows()])
    assert "score" in run.refused(unusable, "--quiet", code=4)


def test_4_a_label_of_three_values_and_no_word_on_which_is_positive(run, write_rows):
    three = write_rows(run.folder / "three.csv", [{**row, "y": i % 3} for i, row in enumerate(rows())])
    assert "positive" in run.refused(three, "--quiet", code=4)


def test_4_scores_outside_their_scale(run, write_rows):
    wide = write_rows(run.folder / "wide.csv", [{**row, "score": 7} for row in rows()])
    assert "range" in run.refused(wide, "--quiet", code=4)


def saved(path, model):
    joblib.dump(model, path)
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def test_4_a_model_that_is_refused(run):
    evaluation = run.rows()
    hostile, sha256 = saved(run.folder / "model.joblib", LogisticRegression().set_params(C=os.getcwd))
    for trust in ((), ("--trust", sha256)):
        line = run.refused(evaluation, "--quiet", "--model", hostile, *trust, code=4)
        assert "refused, unopened" in line and "getcwd" in line and "predictions" in line
    a_dict, sha256 = saved(run.folder / "dict.joblib", {"weights": [1.0, 2.0]})
    assert "dict.joblib" in run.refused(evaluation, "--quiet", "--model", a_dict, "--trust", sha256, code=4)
    assert "rows.csv" in run.refused(evaluation, "--quiet", "--model", evaluation, code=4)
    sha256 = hashlib.sha256(evaluation.read_bytes()).hexdigest()
    assert "rows.csv" in run.refused(evaluation, "--quiet", "--model", evaluation, "--trust", sha256, code=4)
    assert run.refused(evaluation, "--quiet", "--model", run.folder / "none.joblib", code=4)


def test_4_a_model_of_an_unknown_class_until_somebody_trusts_it(run, monkeypatch):
    """With a person's word it is opened; here its package is not installed, which is then said."""
    module = types.ModuleType("acme_models")
    module.Risk = type("Risk", (LogisticRegression,), {"__module__": "acme_models"})
    monkeypatch.setitem(sys.modules, "acme_models", module)
    model, sha256 = saved(run.folder / "risk.joblib", module.Risk().fit([[0.0], [1.0]], [0, 1]))
    line = run.refused(run.rows(), "--quiet", "--model", model, code=4)
    assert "needs a review" in line and "acme_models:Risk" in line and f"--trust {sha256}" in line
    line = run.refused(run.rows(), "--quiet", "--model", model, "--trust", sha256, code=4)
    assert "acme_models, which is not installed" in line


def test_an_internal_error_is_one_sentence(run, monkeypatch):
    def broken(*_arguments):
        raise ZeroDivisionError("a cell of someone's data")

    monkeypatch.setattr("audit_core.audit.run_audit", broken)
    monkeypatch.delenv("EVENHAND_DEBUG", raising=False)
    line = run.refused(run.rows(), "--quiet", code=4)
    assert "ZeroDivisionError" in line and "someone" not in line
    monkeypatch.setenv("EVENHAND_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        run.audit(run.rows(), "--quiet")


# What is printed and written


def test_json_on_standard_output_is_all_there_is(run):
    code, out, err = run.audit(run.rows(), "--json", "-")
    assert (code, err) == (0, "")
    assert json.loads(out)["schema"] == "evenhand/audit/v1"
    assert len(out.splitlines()) == 1


def test_the_result_file_is_valid_and_the_same_again(run, tmp_path):
    validator = Draft202012Validator(result_schema())
    evaluation, kept = run.rows(), []
    for place in ("one", "two"):
        target = tmp_path / f"{place}.json"
        code, out, err = run.audit(evaluation, "--train", evaluation, "--json", target, "--quiet",
                                   "--workspace", tmp_path / place)  # fmt: skip
        assert (code, out, err) == (0, "", "")
        validator.validate(json.loads(target.read_text(encoding="utf-8")))
        kept.append(target.read_bytes())
    again = tmp_path / "again.json"
    run.audit(evaluation, "--train", evaluation, "--json", again, "--quiet", "--workspace", tmp_path / "one")
    assert kept[0] == kept[1] == again.read_bytes()


def test_another_training_file_is_another_audit(run, tmp_path, write_rows):
    """The cube is the same, the drift is not: the second run must not be given the first one's result."""
    contract = run.text("drift.yaml", CONTRACT.replace("roles:\n", PREDEPLOY))
    evaluation = run.rows()
    moved = write_rows(
        tmp_path / "moved.csv", [{**row, "kilometres": row["kilometres"] + 90} for row in rows()]
    )
    found = [
        run.audit(evaluation, "--train", train, "--json", "-", contract=contract)
        for train in (evaluation, moved)
    ]
    assert [code for code, _, _ in found] == [0, 1]
    assert [decision(out)[0] for _, out, _ in found] == ["APPROVED", "BLOCKED"]
    assert run.audit(evaluation, "--quiet", contract=contract)[0] == 2  # no training sample: drift not run


def test_quiet_says_nothing_and_otherwise_a_table_says_it(run):
    evaluation = run.rows()
    assert run.audit(evaluation, "--quiet") == (0, "", "")
    code, out, err = run.audit(evaluation)
    assert (code, err) == (0, "")
    assert "tpr_gap" in out and "Result: " in out
    assert max(map(len, out.splitlines()[:-1])) <= 110
    assert "\x1b" not in out


def test_the_clock_of_the_run(run):
    evaluation = run.rows()
    given = ["2026-11-16", "2026-11-16T10:00:00+01:00", "2026-11-16T09:00:00Z"]
    created = []
    for moment in given:
        code, out, _ = run("audit", "--contract", run.contract, "--eval", evaluation, "--as-of", moment,
                           "--workspace", run.folder / "w", "--json", "-")  # fmt: skip
        assert code == 0
        created.append(json.loads(out)["created_at"])
    assert created == ["2026-11-16T00:00:00+00:00", *["2026-11-16T09:00:00+00:00"] * 2]


# gate


def test_gate_data_reads_a_training_file_before_there_is_a_model(run, write_rows):
    unscored = [{k: v for k, v in row.items() if k not in ("score", "y")} for row in rows()]
    train = write_rows(run.folder / "train.csv", unscored)
    code, out, err = run.audit(None, "--train", train, "--json", "-", verb=("gate", "data"))
    assert (code, err) == (0, "")
    assert {f["check"] for f in json.loads(out)["findings"]} == {"everyone"}
    assert "--eval" in run.refused(None, "--train", train, "--quiet", code=3, verb=("gate", "training"))


def test_gate_decides_on_the_stages_up_to_one(run):
    contract = run.text("drift.yaml", CONTRACT.replace("roles:\n", PREDEPLOY))
    seen = {}
    for stage in ("data", "training", "predeploy"):
        code, out, _ = run.audit(run.rows(), "--json", "-", verb=("gate", stage), contract=contract)
        seen[stage] = (code, [f["check"] for f in json.loads(out)["findings"]])
    assert seen["data"] == (0, ["everyone"])
    assert seen["training"] == (0, ["everyone", "tpr_gap", "fpr_gap"])
    assert seen["predeploy"] == (2, ["everyone", "tpr_gap", "fpr_gap", "drift"])


# init, check, explain


@pytest.mark.parametrize("preset", ["hiring", "lending", "service-judge", "blank"])
def test_init_writes_a_contract_that_check_accepts_and_never_overwrites_one(run, preset):
    folder = run.folder / "new" / preset
    code, out, err = run("init", folder, "--preset", preset)
    assert (code, err) == (0, "")
    written = [Path(line) for line in out.splitlines()]
    assert [path.name for path in written] == ["contract.yaml", "contract.schema.json"]
    code, out, err = run("check", folder / "contract.yaml")
    assert (code, err) == (0, "")
    assert "no problems" in out and "draft" in out
    before = written[0].read_bytes()
    code, out, err = run("init", folder, "--preset", "blank")
    assert (code, out) == (3, "")
    assert err.count("\n") == 1
    assert written[0].read_bytes() == before


@pytest.mark.parametrize(
    "contract", sorted((ROOT / "sample_data").glob("*/contract.yaml")), ids=lambda p: p.parent.name
)
def test_the_contracts_of_the_examples_have_no_problems(run, contract):
    code, out, err = run("check", contract)
    assert (code, err) == (0, "")
    assert "no problems" in out


def test_explain_tells_a_check_of_the_newest_audit_in_words(run, hiring_audit, hiring_workspace):
    code, out, err = run("explain", "tpr_gap_gender", "--workspace", hiring_workspace.root)
    assert (code, err) == (0, "")
    assert "tpr_gap_gender" in out and "man" in out and "woman" in out
    named = run("explain", "tpr_gap_gender", "--workspace", hiring_workspace.root, "--audit", hiring_audit.id)
    assert named == (0, out, "")


def test_explain_what_is_not_there(run, hiring_audit, hiring_workspace):
    code, out, err = run("explain", "tpr_gap_gendre", "--workspace", hiring_workspace.root)
    assert (code, out) == (3, "")
    assert "tpr_gap_gendre" in err and "tpr_gap_gender" in err and err.count("\n") == 1
    code, out, err = run(
        "explain", "x", "--workspace", hiring_workspace.root, "--audit", "A-20990101-00000000"
    )
    assert (code, out) == (3, "")
    code, out, err = run("explain", "x", "--workspace", run.folder / "fresh")
    assert (code, out) == (3, "")
    assert "no audit" in err


# The program itself


def python_m(*arguments, folder):
    environment = {k: v for k, v in os.environ.items() if k != "EVENHAND_WORKSPACE"} | {
        "PYTHONPATH": str(ROOT)
    }
    command = [sys.executable, "-W", "error", "-m", "audit_core", *map(str, arguments)]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def test_python_m_audits_the_worked_example_and_blocks_it(tmp_path, hiring_audit):
    ended = python_m("audit", "--contract", HIRING / "contract.yaml", "--eval", HIRING / "evaluation.csv",
                     "--train", HIRING / "train.csv", "--model", HIRING / "model.joblib", *CLOCK,
                     "--json", "-", folder=tmp_path)  # fmt: skip
    assert (ended.returncode, ended.stderr) == (1, "")
    found = json.loads(ended.stdout)
    Draft202012Validator(result_schema()).validate(found)
    assert found["decision"]["cube_sha256"] == hiring_audit.counted.cube.fingerprint
    assert (tmp_path / "workspace" / "audits").is_dir()


def test_python_m_ends_with_the_code_of_a_usage_error(tmp_path):
    ended = python_m("audit", "--nonsense", folder=tmp_path)
    assert (ended.returncode, ended.stdout) == (3, "")
    assert "Traceback" not in ended.stderr
    ended = python_m("check", tmp_path / "none.yaml", folder=tmp_path)
    assert (ended.returncode, ended.stdout) == (3, "")
    assert ended.stderr.count("\n") == 1

"""The runner of test vectors: right numbers pass, a wrong one fails and is told, so is what can't run."""

import json
import os
from pathlib import Path

import pytest

from tests import run_vectors
from tests.vector_cases import CASES

GOLDEN = Path(__file__).parent / "golden"
SMALL = {
    "id": "matched_pairs",
    "tol_abs": 5e-05,
    "cases": [
        {
            "in": {"both_yes": 10, "first_only": 5, "second_only": 5, "neither": 10},
            "flips": 10,
            "flip_rate_wilson_95": [0.19230498083676129, 0.5121994835545616],
            "mcnemar_midp_p": 0.876953125,
            "tango_95": [-0.2154715557668071, 0.21547155576680704],
        },
        {
            "in": {"both_yes": 40, "first_only": 0, "second_only": 0, "neither": 20},
            "mcnemar_exact_p": 1.0,
            "tango_95": [-0.060171852142089866, 0.06017185214208985],
        },
    ],
}
# Numbers of another data set under the schemas that go through the pipeline: other groups, keys left out.
GATE = {
    "id": "gap_gate",
    "cases": [
        {
            "in": {"groups": [["b, \"quoted\"", 3, 3], ["a: #1", 0, 3]], "tau": 0.1, "min_support": 50},
            "gap": 1.0, "highest": "b, \"quoted\"", "chance_of_gap_if_equal": 0.03125, "verdict": "FAIL",
        }
    ],
}  # fmt: skip
LESSON = {
    "id": "shopflow",
    "threshold": 0.5,
    "observations": [["x", True, "web", 0.9, 0.4], ["y", False, "web", 0.2, 0.1]],
    "baseline": {
        "rates": {"plain": {"n": 2, "selected": 1, "tpr": 1.0}, "slang": {"selected": 0, "fpr": 0.0}},
        "flips": [["x", "auto_serve", "human_review"]],
        "stage_attribution": {"x": "judge_or_route"},
        "pairs_all": {"plain_only": 1, "slang_only": 0, "mcnemar_exact_p": 1.0},
        "calibration_bands": {"plain | 0.50 and above": {"n": 1, "ready": 1.0}},
        "contract": {
            "max_tpr_gap": 0.1, "max_fpr_gap": 0.1, "min_positive_per_slice": 5, "min_negative_per_slice": 5,
        },
        "expected": {"TPR gap": "FAIL", "decision": "BLOCKED"},
    },
    "tol_abs": 1e-6,
}  # fmt: skip


def write(folder, **files):
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    return folder


def run(folder, capsys):
    code = run_vectors.main([str(folder)])
    return code, *capsys.readouterr()


def test_right_numbers_pass_with_one_line_a_file(tmp_path, capsys):
    code, out, err = run(write(tmp_path, pairs=SMALL, gate=GATE, lesson=LESSON), capsys)
    assert (code, err) == (0, "")
    assert [line.split()[:5] for line in out.splitlines()[:3]] == [
        ["gap_gate", "1", "passed", "0", "failed"],
        ["shopflow", "6", "passed", "0", "failed"],
        ["matched_pairs", "2", "passed", "0", "failed"],
    ]
    assert out.splitlines()[3] == "3 of 3 files agree"


def test_a_wrong_number_fails_and_both_numbers_are_told(tmp_path, capsys):
    wrong = json.loads(json.dumps(SMALL))
    wrong["cases"][0]["tango_95"][1] += 6e-5  # just beyond the file's own tolerance
    wrong["cases"][0]["mcnemar_midp_p"] += 4e-5  # just within it
    code, out, _ = run(write(tmp_path, pairs=wrong), capsys)
    assert code == 1
    assert out.splitlines()[0].split()[:5] == ["matched_pairs", "1", "passed", "1", "failed"]
    assert "case 1: tango_95: the file has [-0.21547" in out and "0.215531" in out and "the product [" in out
    assert out.count("the file has") == 1


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("cases", 0, "verdict"), "PASS"),
        (("cases", 0, "highest"), "a: #1"),
        (("cases", 0, "chance_of_gap_if_equal"), None),
        (("cases", 0, "gap"), "1.0"),
        (("cases", 0, "gap"), True),
    ],
)
def test_words_nothing_and_kinds_are_compared_exactly(tmp_path, capsys, path, value):
    wrong = json.loads(json.dumps(GATE))
    *to, last = path
    place = wrong
    for step in to:
        place = place[step]
    place[last] = value
    code, out, _ = run(write(tmp_path, gate=wrong), capsys)
    assert code == 1 and f"{last}: the file has {value!r}" in out


def test_an_unknown_id_a_broken_file_and_a_wrong_shape_fail_in_one_line_each(tmp_path, capsys):
    folder = write(tmp_path, a={"id": "astrology"}, b="{", c=[1], d={"id": "drift"}, e={"id": "exposure"},
                   f={"id": "release_decision", "cases": []}, g=SMALL)  # fmt: skip
    code, out, _ = run(folder, capsys)
    lines = out.splitlines()
    assert code == 1
    assert "unknown id 'astrology'" in lines[0] and "can't be read as JSON" in lines[1]
    assert "unknown id None" in lines[2] and "not the shape" in lines[3]
    assert "0 passed    1 failed" in lines[4]
    assert any(line.startswith("release_decision") and "holds no case" in line for line in lines)
    assert lines[-1] == "1 of 7 files agree"
    assert "Traceback" not in out


def test_a_case_with_nothing_to_compare_has_not_passed(tmp_path, capsys):
    empty = {"id": "matched_pairs", "cases": [{"in": SMALL["cases"][0]["in"], "tango95": [0, 1]}]}
    code, out, _ = run(write(tmp_path, pairs=empty), capsys)
    assert code == 1 and "0 passed    1 failed" in out and "not compared: tango95 (1)" in out


@pytest.mark.parametrize("name", ["", "not there"])
def test_an_empty_folder_is_one_clear_error(tmp_path, capsys, name):
    code, out, err = run(tmp_path / name, capsys)
    assert (code, out) == (1, "")
    assert err.startswith("No vectors to run") and err.count("\n") == 1


@pytest.mark.parametrize("name", ["matched_pairs", "monitoring", "reweighing", "baseline_regression"])
def test_the_golden_copies_run_as_vectors(name):
    report = run_vectors.run_file(GOLDEN / f"{name}.json")
    assert report.agrees, list(report.lines())


@pytest.mark.reference
def test_all_eighteen_vectors_agree(reference_data):
    folder = Path(os.environ.get("EVENHAND_VECTORS") or reference_data.parent / "vectors")
    reports = run_vectors.run_folder(folder)
    assert {report.name for report in reports} >= set(CASES)
    assert [line for report in reports if not report.agrees for line in report.lines()] == []
    assert sum(report.passed for report in reports) >= 120

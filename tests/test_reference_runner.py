"""The runner of reference data: right figures agree, wrong ones are told, and 0 is never undefined."""

import csv
import json
import math

import pytest

from tests import run_reference

# In group c nobody is positive: its TPR has nothing to divide by, and another library may write 0 for it.
CELLS = {("a", 1, 1): 30, ("a", 1, 0): 10, ("a", 0, 1): 5, ("a", 0, 0): 55,
         ("b", 1, 1): 20, ("b", 1, 0): 20, ("b", 0, 1): 10, ("b", 0, 0): 40,
         ("c", 0, 1): 2, ("c", 0, 0): 18}  # fmt: skip
MAPPING = {"label": "real outcome", "positive": ["yes"], "decision": "said", "selected": ["go", "maybe"],
           "score": None, "filter_sql": '"year" >= 2020'}  # fmt: skip


def rates(n, tp, fp, fn, tn):
    return {"n": n, "selection_rate": (tp + fp) / n, "fpr": fp / (fp + tn), "base_rate": (tp + fn) / n,
            "counts": {"n": n, "tp": tp, "fp": fp, "fn": fn, "tn": tn}}  # fmt: skip


def expected():
    return {
        "meta": {"input": "rows.csv", "tolerance": 1e-9, "mapping": MAPPING},
        "overall": {"n": 210, "selection_rate": 67 / 210, "tpr": 50 / 80},
        "attributes": {
            "part": {
                "by_group": {
                    "a": rates(100, 30, 5, 10, 55) | {"tpr": 0.75},
                    "b": rates(90, 20, 10, 20, 40) | {"tpr": 0.5},
                    "c": rates(20, 0, 2, 0, 18) | {"tpr": 0.0},
                },
                "gap_max_min": {"tpr": 0.75, "fpr": 0.2 - 5 / 60},
                "ratio_min_max": {"tpr": 0.0, "fpr": 5 / 60 / 0.2},
                "fairlearn_aggregates": {
                    "equalized_odds_difference": 0.75,
                    "demographic_parity_ratio": 0.1 / 0.35,
                },
                "undefined": [],
            }
        },
    }


@pytest.fixture
def folder(tmp_path):
    with (tmp_path / "rows.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["part", "real outcome", "said", "year"])
        for (part, label, chosen), count in CELLS.items():
            for place in range(count):
                said = ("go", "maybe")[place % 2] if chosen else "no"
                writer.writerow([part, "yes" if label else "no", said, 2020 + place % 3])
        writer.writerows([["a", "yes", "no", 2019]] * 7)  # the filter leaves these out
    return tmp_path


def run(folder, capsys, **files):
    for name, content in files.items():
        (folder / f"expected_{name}.json").write_text(json.dumps(content), encoding="utf-8")
    code = run_reference.main([str(folder)])
    return code, *capsys.readouterr()


def test_right_figures_agree_and_a_zero_for_nothing_is_not_comparable(folder, capsys):
    code, out, err = run(folder, capsys, toy=expected())
    assert (code, err) == (0, "")
    assert "35 compared    0 differ     4 not comparable" in out
    assert "their number for a rate with nothing to divide by (1)" in out
    assert "their gap or ratio counts a rate with nothing to divide by (3)" in out
    assert out.splitlines()[-1] == "1 of 1 files agree, 0 not comparable"


def test_an_undefined_rate_agrees_with_no_number(folder, capsys):
    known = expected()
    known["attributes"]["part"]["by_group"]["c"]["tpr"] = None
    code, out, _ = run(folder, capsys, toy=known)
    assert code == 0 and "36 compared    0 differ     3 not comparable" in out


def test_a_wrong_figure_is_told_with_both_numbers(folder, capsys):
    wrong = expected()
    wrong["attributes"]["part"]["by_group"]["b"]["tpr"] = 0.5 + 1e-6
    wrong["attributes"]["part"]["gap_max_min"]["fpr"] = None
    code, out, _ = run(folder, capsys, toy=wrong)
    assert code == 1 and " 2 differ" in out
    assert "part:b:tpr: expected 0.500001, the product has 0.5" in out
    assert "part:fpr:gap_max_min: expected None, the product has 0.11" in out


def test_other_libraries_files_are_read_by_their_own_names(folder, capsys):
    meta = {"input": "rows.csv", "mapping": MAPPING, "reference_groups": {"part": "a"}}
    aequitas = {"meta": meta, "groups": {"part": {
        "b": {"group_size": 90.0, "tp": 20.0, "precision": 2 / 3, "pprev": 1 / 3, "ppr": 30 / 67,
              "tpr_disparity": 0.5 / 0.75, "ppr_disparity": 30 / 35},
        "c": {"tpr": 0.0, "tpr_disparity": 0.0, "fpr_disparity": 0.1 / (5 / 60)},
    }}}  # fmt: skip
    aif = {"meta": meta, "pairs": {
        "part:b vs a": {"disparate_impact": (1 / 3) / 0.35,
                        "average_odds_difference": (0.2 - 5 / 60 - 0.25) / 2,
                        "error_rate_difference": 30 / 90 - 15 / 100, "theil_index": 0.2},
        "part:c vs a": {"equal_opportunity_difference": -0.75, "statistical_parity_difference": 0.1 - 0.35},
    }}  # fmt: skip
    code, out, _ = run(folder, capsys, aequitas=aequitas, aif=aif)
    lines = out.splitlines()
    assert code == 0
    assert "8 compared    0 differ     2 not comparable: their number for a rate" in lines[0]
    assert "4 compared    0 differ     2 not comparable" in lines[1] and "theil_index" in lines[1]


def test_drift_and_intervals_need_no_rows(tmp_path, capsys):
    shares = [(0.5, 0.4), (0.5, 0.6)]
    psi = sum((c - r) * math.log(c / r) for r, c in shares)
    drift = {"meta": {"tolerance": 1e-9}, "features": {"x": {
        "ref_counts": [50, 50], "cur_counts": [40, 60], "none": {"psi": psi}, "hellinger": 0.1}}}  # fmt: skip
    intervals = {"meta": {}, "wilson": [{"k": 0, "n": 6, "wilson_95": [0.0, 0.39033428790216546]}]}
    code, out, _ = run(
        tmp_path, capsys, drift=drift, intervals=intervals, other={"meta": {"source": "a law"}}
    )
    assert code == 0
    assert "1 compared    0 differ     1 not comparable: hellinger" in out
    assert "2 of 3 files agree, 1 not comparable" in out


def test_impact_tables_boundaries_and_pairs_are_compared_from_counts(tmp_path, capsys):
    impact = {
        "meta": {"tolerance_to_published": 0.005},
        "hired": {"by sex": {
            "men": {"n": 40, "selected": 15, "rate": 0.375, "impact_ratio": 1.0},
            "women": {"n": 40, "selected": 12, "impact_ratio": 0.8, "published_impact_ratio": 0.804},
        }},
        "integer_cases": [{"k": 12, "n": 40, "ref_k": 15, "ref_n": 40, "ratio": 0.8, "adverse": False}],
        "gap_boundary_cases": [{"a": [8, 10], "b": [7, 10], "gap": 0.1, "max_gap": 0.1, "passes": True}],
    }  # fmt: skip
    pairs = {"meta": {}, "now": {
        "table": {"both": 3, "only_x": 3, "only_y": 0, "neither": 4}, "flips": 3, "diff": 0.3,
        "mcnemar_midp": 0.125, "flipped_pairs": ["p1"]}}  # fmt: skip
    code, out, _ = run(tmp_path, capsys, impact=impact, pairs=pairs)
    assert code == 0
    assert "12 compared    0 differ     0 not" in out
    assert "3 compared    0 differ     1 not comparable: flipped_pairs: of the rows" in out
    impact["integer_cases"][0]["adverse"] = True
    code, out, _ = run(tmp_path, capsys, impact=impact)
    assert code == 1 and "12/40 over 15/40: adverse: expected True, the product has False" in out


def test_what_cannot_be_run_is_one_line_and_a_failure(folder, capsys):
    missing = expected() | {"meta": expected()["meta"] | {"input": "elsewhere.csv"}}
    changed = expected() | {"meta": expected()["meta"] | {"input_sha256": "0" * 64}}
    column = expected() | {"attributes": {"no_such_column": expected()["attributes"]["part"]}}
    code, out, _ = run(folder, capsys, a=missing, b=changed, c=column)
    lines = out.splitlines()
    assert code == 1 and len(lines) == 4 and "Traceback" not in out
    assert "elsewhere.csv" in lines[0] and "not the file these figures were made from" in lines[1]
    assert "can't be audited" in lines[2]


def test_a_folder_without_figures_is_one_clear_error(tmp_path, capsys):
    code, out, err = run(tmp_path, capsys)
    assert (code, out) == (1, "") and err.startswith("No reference figures") and err.count("\n") == 1


@pytest.mark.reference
def test_every_given_file_agrees(reference_data):
    reports = run_reference.run_folder(reference_data)
    assert [
        line for report in reports if not (report.agrees or report.whole) for line in report.lines()
    ] == []
    assert sum(report.compared for report in reports) > 4300

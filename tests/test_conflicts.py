"""What cannot hold together: the identity, what follows from it, and who accepted it."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from report_factory import CONTRACT, audit_of, contract_of, counted

from audit_core.contract.yaml import parse_contract
from audit_core.cube.axes import NEITHER, NO, YES, Axis
from audit_core.cube.bands import score_bands
from audit_core.cube.count_cube import build_cube
from audit_core.errors import ContractError
from audit_core.findings.conflicts import conflicts
from audit_core.metrics.bootstrap import Plan
from audit_core.metrics.incompatibility import (
    Confusion,
    confusion,
    implied_fpr,
    implied_ppv,
    incompatibility,
)
from audit_core.report.conflicts import (
    accepted_sentences,
    conflict_rows,
    conflict_sentence,
    found_conflicts,
    implied_rows,
    not_found_here,
    summary_sentence,
)
from audit_core.report.escape import for_sarif
from audit_core.report.junit import junit_bytes
from audit_core.report.result import result, result_schema
from audit_core.report.sarif import sarif_bytes
from audit_core.report.step_summary import step_summary_bytes
from audit_core.report.summary_notes import not_known
from audit_core.report.wording import explain

GOLDEN = json.loads((Path(__file__).parent / "golden" / "implied_rates.json").read_text())
CELL = st.integers(1, 400)
PPV_CHECK = (
    "  - {id: ppv_gap_gender, stage: training, metric: ppv, compare: difference, of: [gender], "
    "limit: {max: 0.05}, severity: minor, owner: ml_owner, why: A yes must mean the same.}\n"
)
ACCEPTED = (
    'conflicts:\n  - {checks: [tpr_gap_gender, ppv_gap_gender], person: "A. <b>Counsel</b>", role: counsel, '
    'reason: "Equal chances weigh more *here*.", date: 2026-11-20}\n'
)


def plan(**changes):
    return Plan(**{"seed": 5, "replicates": 400, **changes})


def text_of(extra=""):
    return CONTRACT.replace("  - {id: tpr_gap_ethnicity", PPV_CHECK + "  - {id: tpr_gap_ethnicity", 1) + extra


def unequal(men=(1400, 250, 350, 1000), women=(500, 130, 130, 2240)):
    """An audit of two groups with these counts (true yes, false yes, false no, true no)."""
    base = counted(rows=400)
    cells = [(YES, YES), (NO, YES), (YES, NO), (NO, NO)]
    codes, n = [], []
    for group, numbers in enumerate((men, women)):
        for (label, decision), rows in zip(cells, numbers, strict=True):
            if rows:
                codes.append((group, 0, label, decision, 80 if decision == YES else 20))
                n.append(rows)
    rows = np.array(n, dtype=np.int64)
    codes = np.array(codes, dtype=np.int64)
    q = codes[:, 4] * 10_000
    axes = (
        Axis(name="gender", kind="attribute", levels=("man", "woman")),
        Axis(name="ethnicity", kind="attribute", levels=("Asian",)),
    )
    bands = score_bands(Fraction(0), Fraction(1), Fraction(1, 2), ())
    measures = np.column_stack([rows, q * rows, q * q // 10**6 * rows, rows * 0])
    cube = build_cube(axes, bands, codes, measures)
    return {"cube": cube, "base": base}


def audit_with(contract_text, counts=None):
    from dataclasses import replace

    made = counts or unequal()
    return audit_of(contract_of(contract_text), replace(made["base"], cube=made["cube"], ranks=()))


@given(CELL, CELL, CELL, CELL)
def test_the_identity_holds_exactly_in_every_group(tp, fp, fn, tn):
    group = Confusion(group=("a",), tp=tp, fp=fp, fn=fn, tn=tn)
    ppv, fnr, tpr = Fraction(tp, tp + fp), Fraction(fn, tp + fn), Fraction(tp, tp + fn)
    fpr = Fraction(fp, fp + tn)
    assert implied_fpr(group.base_rate, ppv, fnr) == fpr
    assert implied_ppv(group.base_rate, tpr, fpr) == ppv


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_the_implied_rate_is_that_of_the_reference_figures(name):
    row = GOLDEN[name]
    group = Confusion(group=(name,), tp=row["tp"], fp=row["fp"], fn=row["fn"], tn=row["tn"])
    ppv, fnr = Fraction(row["tp"], row["tp"] + row["fp"]), Fraction(row["fn"], group.positives)
    assert float(group.base_rate) == pytest.approx(row["base_rate"], abs=1e-12)
    assert float(implied_fpr(group.base_rate, ppv, fnr)) == pytest.approx(row["implied_fpr"], abs=1e-12)


@given(st.lists(st.tuples(CELL, CELL, CELL, CELL), min_size=2, max_size=2))
def test_the_selection_gap_is_the_gap_of_base_rates_times_the_rates_apart(cells):
    groups = [
        Confusion(group=(str(i),), tp=tp, fp=fp, fn=fn, tn=tn) for i, (tp, fp, fn, tn) in enumerate(cells)
    ]
    found = incompatibility(("s",), groups, (1, 1), plan(replicates=50))
    tpr = Fraction(sum(g.tp for g in groups), sum(g.positives for g in groups))
    fpr = Fraction(sum(g.fp for g in groups), sum(g.negatives for g in groups))
    gap = abs(groups[0].base_rate - groups[1].base_rate) * abs(tpr - fpr)
    assert found.of("selection_implied", "difference").value == gap


@given(st.tuples(CELL, CELL, CELL, CELL), st.integers(2, 5))
def test_equal_base_rates_leave_equal_rates_in_peace(cells, factor):
    tp, fp, fn, tn = cells
    groups = [
        Confusion(group=("a",), tp=tp, fp=fp, fn=fn, tn=tn),
        Confusion(group=("b",), tp=tp * factor, fp=fp * factor, fn=fn * factor, tn=tn * factor),
    ]
    found = incompatibility(("s",), groups, (1, 1), plan(replicates=50))
    assert not found.base_rates_differ
    assert all(found.of(s, "difference").value == 0 for s in ("precision_equal", "errors_equal"))


@given(st.lists(st.tuples(CELL, CELL, CELL, CELL), min_size=2, max_size=4))
def test_nobody_is_ever_more_certain_than_the_pair_on_screen(cells):
    groups = [
        Confusion(group=(str(i),), tp=tp, fp=fp, fn=fn, tn=tn) for i, (tp, fp, fn, tn) in enumerate(cells)
    ]
    found = incompatibility(("s",), groups, (1, 1), plan(replicates=60))
    again = incompatibility(("s",), groups, (1, 1), plan(replicates=60))
    assert found == again  # the same seed, the same draws
    for implied in found.implied:
        assume(implied.interval is not None)
        assert implied.interval.low <= implied.interval.high
        if len(groups) == 2 and implied.compare == "difference":
            assert implied.least == max(0.0, implied.interval.low)


def test_the_interval_covers_the_truth_about_as_often_as_its_level_says():
    rng = np.random.default_rng(11)
    shares = np.array([0.28, 0.05, 0.07, 0.20, 0.08, 0.03, 0.04, 0.25])
    truth = incompatibility(("s",), _groups(shares * 1_000_000), (1, 1), plan(replicates=20))
    hits = total = 0
    for seed in range(150):
        drawn = rng.multinomial(3000, shares)
        found = incompatibility(("s",), _groups(drawn), (1, 1), plan(seed=seed, replicates=300))
        for scenario in ("precision_equal", "errors_equal"):
            interval = found.of(scenario, "difference").interval
            total += 1
            hits += interval.low <= float(truth.of(scenario, "difference").value) <= interval.high
    assert 0.90 <= hits / total <= 0.99


def _groups(cells):
    first, second = np.asarray(cells, dtype=int).reshape(2, 4).tolist()
    names = ("tp", "fp", "fn", "tn")
    return [
        Confusion(group=(name,), **dict(zip(names, row, strict=True)))
        for name, row in (("a", first), ("b", second))
    ]


@pytest.mark.parametrize("design", ["unconditional", "stratified", "conditional"])
def test_what_the_design_held_fixed_stays_fixed(design):
    from audit_core.metrics.incompatibility import _draws

    groups = _groups([30, 5, 7, 20, 8, 3, 4, 25])
    drawn = _draws(groups, plan(design=design, replicates=80))
    sizes, positives = drawn.sum(axis=2), drawn[:, :, 0] + drawn[:, :, 2]
    assert (sizes.sum(axis=1) == 102).all()
    assert (np.ptp(sizes, axis=0) == 0).all() == (design != "unconditional")
    assert (np.ptp(positives, axis=0) == 0).all() == (design == "conditional")


def test_an_abstention_counts_as_not_selected():
    table = np.zeros((3, 4), dtype=np.int64)
    table[YES, YES], table[YES, NEITHER], table[NO, NO], table[NO, NEITHER] = 5, 2, 7, 3
    found = confusion(("a",), table)
    assert (found.tp, found.fn, found.fp, found.tn) == (5, 2, 0, 10)


def test_base_rates_far_apart_set_the_contracts_checks_against_each_other():
    audit = audit_with(text_of())
    found = {c.scenario: c for c in found_conflicts(audit)[0].conflicts}
    assert found["errors_equal"].standing == "cannot_hold"
    assert found["errors_equal"].checks == ("tpr_gap_gender", "fpr_guard_gender", "ppv_gap_gender")
    assert found["errors_equal"].limit == Fraction(5, 100)
    assert found["precision_equal"].checks == ("ppv_gap_gender", "fpr_guard_gender")
    assert found["selection_implied"].checks[-1] == "adverse_impact"
    assert found["selection_implied"].implied.compare == "ratio"
    assert found["selection_implied"].standing == "cannot_hold"
    said = conflict_sentence(found["errors_equal"], found_conflicts(audit)[0], audit)
    assert "even after allowing for chance" in said and "base rates" in said


def test_without_the_pair_of_checks_the_criteria_are_named():
    audit = audit_with(CONTRACT)
    found = found_conflicts(audit)[0]
    first = found.conflicts[0]
    assert (first.standing, first.checks, first.limit) == ("no_pair", (), None)
    assert "predictive parity" in conflict_sentence(first, found, audit)


def test_equal_base_rates_are_not_in_conflict_on_this_data():
    audit = audit_with(text_of(), unequal((500, 100, 120, 800), (510, 95, 118, 790)))
    found = found_conflicts(audit)[0]
    assert {c.standing for c in found.conflicts} == {"no_conflict"}
    assert "none of them does" in summary_sentence([found])
    assert "no more than chance" in conflict_sentence(found.conflicts[1], found, audit)


def test_too_few_people_say_nothing():
    audit = audit_with(text_of(), unequal((30, 4, 4, 40), (20, 4, 6, 40)))
    found = found_conflicts(audit)[0]
    assert found.counts is None
    assert {c.standing for c in found.conflicts} == {"too_few"}
    assert implied_rows(found, 0.95) == []
    rows = conflict_rows([found], audit)
    assert {row["Result"] for row in rows} == {"Too few to judge"}


def test_a_gap_beyond_its_limit_that_chance_could_explain_is_not_confirmed():
    audit = audit_with(text_of(), unequal((140, 25, 40, 110), (100, 22, 30, 130)))
    standings = {c.scenario: c.standing for c in found_conflicts(audit)[0].conflicts}
    assert "cannot_hold" not in standings.values()


def test_later_checks_are_no_part_of_a_conflict_before_release():
    audit = audit_with(text_of())
    later = conflicts(audit.contract, audit.counted, ("data",))
    assert all(not c.checks for subject in later for c in subject.conflicts)


def test_an_accepted_conflict_is_printed_in_every_report():
    audit = audit_with(text_of(ACCEPTED))
    (said,) = accepted_sentences(audit)
    assert "A. <b>Counsel</b> (counsel) on 2026-11-20" in said and "changes no verdict" in said
    assert not_known(audit)[0] == said  # first, so that no document cuts it off
    page = step_summary_bytes(audit).decode()
    assert "Accepted conflict between" in page and "<b>" not in page
    assert said in explain(audit, "tpr_gap_gender")
    assert said not in explain(audit, "calibration")
    row = next(r for r in conflict_rows(found_conflicts(audit), audit) if r["Accepted by"].startswith("A."))
    assert "ppv_gap_gender" in row["Checks"]
    assert not_found_here(audit, found_conflicts(audit)) == ()


def test_an_acceptance_changes_no_verdict():
    plain, accepted = audit_with(text_of()), audit_with(text_of(ACCEPTED))
    assert plain.findings == accepted.findings
    assert plain.decision == accepted.decision


def test_an_acceptance_that_matches_nothing_found_is_printed_all_the_same():
    other = ACCEPTED.replace("ppv_gap_gender", "calibration")
    audit = audit_with(text_of(other))
    assert len(not_found_here(audit, found_conflicts(audit))) == 1
    assert accepted_sentences(audit)[0] in not_known(audit)


def test_the_result_file_holds_what_was_found_and_who_accepted_it():
    audit = audit_with(text_of(ACCEPTED))
    data = result(audit)
    Draft202012Validator(result_schema()).validate(data)
    part = data["conflicts"]
    assert part["accepted"][0]["reason"] == "Equal chances weigh more *here*."
    found = {c["scenario"]: c for c in part["found"] if c["attribute"] == ["gender"]}
    assert found["errors_equal"]["status"] == "cannot_hold"
    assert found["errors_equal"]["accepted"] is True
    assert len(found["errors_equal"]["implied"]) == 2


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("[tpr_gap_gender, ppv_gap_gender]", "[tpr_gap_gander, ppv_gap_gender]", "undefined-check"),
        ("[tpr_gap_gender, ppv_gap_gender]", "[tpr_gap_gender, tpr_gap_gender]", "repeated-name"),
        ("[tpr_gap_gender, ppv_gap_gender]", "[tpr_gap_gender]", "wrong-length"),
        ("role: counsel", "role: the_king", "undefined-role"),
        ("date: 2026-11-20", "date: 2026-02-31", "not-a-date"),
        ("date: 2026-11-20", "date: yesterday", "wrong-form"),
        (", date: 2026-11-20", "", "missing-key"),
        ("date: 2026-11-20", "date: 2026-11-20, by: me", "unknown-key"),
    ],
)
def test_a_contract_refuses_an_acceptance_nobody_can_answer_for(old, new, code):
    # Only the last section is changed: the same texts occur among the checks.
    text = text_of() + ACCEPTED.replace(old, new)
    with pytest.raises(ContractError) as caught:
        parse_contract(text.encode(), "contract.yaml")
    assert [problem.code for problem in caught.value.problems] == [code]


def test_build_servers_are_told_what_was_accepted():
    audit = audit_with(text_of(ACCEPTED))
    (said,) = accepted_sentences(audit)
    suites = ElementTree.fromstring(junit_bytes(audit)).findall("testsuite")
    for suite in suites:
        told = {p.get("name"): p.get("value") for p in suite.iter("property")}
        assert told["accepted_conflict_1"] == said
    properties = json.loads(sarif_bytes(audit))["runs"][0]["properties"]
    assert properties["acceptedConflicts"] == [for_sarif(said)]
    silent = audit_with(text_of())
    assert b"accepted_conflict" not in junit_bytes(silent)
    assert b"acceptedConflicts" not in sarif_bytes(silent)

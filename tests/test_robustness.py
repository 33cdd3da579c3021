"""What a verdict hangs on: every alternative is decided as the contract would decide it."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import pytest
from report_factory import AS_OF, CONTRACT, audit_of, contract_of, counted

from audit_core.audit import with_limit
from audit_core.decision.alternatives import (
    FACTORS,
    KINDS,
    LEVELS,
    LIMIT_STEPS,
    hinge,
    other_cuts,
    other_limits,
    references,
    supported,
)
from audit_core.decision.assess import assess
from audit_core.decision.redecided import limited, redecide
from audit_core.decision.robustness import (
    Setting,
    reference_is_for_display,
    robustness,
    robustness_map,
    targets,
)
from audit_core.decision.trial import at_thresholds
from audit_core.metrics.estimate import Count
from audit_core.metrics.gaps import difference_gap, ratio_gap
from audit_core.metrics.reference import reference_gap
from audit_core.report.charts.robustness import robustness_alt, robustness_figure
from audit_core.report.robustness import (
    check_hinge_sentence,
    hinge_sentence,
    kind_rows,
    map_rows,
    own_rows,
)

TPR = ("tpr_gap_gender", ("gender",))
# Three checks, all of them about gender, so that one choice alone can change the verdict.
KEPT = ("tpr_gap_gender", "fpr_guard_gender", "split_leakage")


def short_contract(limit="0.10"):
    lines = CONTRACT.splitlines()
    checks = [line for line in lines if line.startswith("  - {id: ") and "stage:" in line]
    kept = [line for line in lines if line not in checks or any(f"id: {name}," in line for name in KEPT)]
    return contract_of("\n".join(kept).replace("limit: {max: 0.10}", f"limit: {{max: {limit}}}", 1) + "\n")


@pytest.fixture(scope="module")
def audit():
    return audit_of(counts=counted(rows=4000))


@pytest.fixture(scope="module")
def short():
    return audit_of(short_contract("0.12"), counted(rows=12000, penalty=0.35))


@pytest.fixture(scope="module")
def found(audit):
    return robustness(audit)


def test_the_grid_holds_every_kind_of_choice_and_never_the_contracts_own(audit, found):
    assert {a.kind for a in found.looked_at} == set(KINDS)
    assert all(a.now != a.was for a in found.looked_at)
    assert len(found.looked_at) == len({(a.kind, a.check, a.subject, a.now) for a in found.looked_at})
    assert all(a.steps >= 1 for a in found.looked_at)


def test_another_limit_decides_as_the_whole_assessment_does(audit, found):
    mine = [a for a in found.looked_at if a.kind == "limit" and a.check == "tpr_gap_gender"]
    assert len(mine) == 2 * len(LIMIT_STEPS) - 1  # 10 points down would be no limit at all
    for choice in mine:
        whole = with_limit(audit, choice.check, choice.now)
        assert choice.findings == whole.findings
        assert choice.verdict == whole.decision.verdict


def test_half_and_double_support_decide_as_the_whole_assessment_does(audit, found):
    mine = {a.now: a for a in found.looked_at if a.kind == "support"}
    assert set(mine) == set(FACTORS)
    for factor, choice in mine.items():
        contract = supported(audit.contract, factor)
        whole = assess(contract, audit.counted, audit.stages, AS_OF)
        assert [(f.check, f.subject, f.status) for f in choice.findings] == [
            (f.check, f.subject, f.status) for f in whole.findings
        ]
        assert choice.verdict == whole.decision.verdict
    assert supported(audit.contract, Fraction(1, 2)).support.positives == 25


def test_other_levels_and_the_other_rule_decide_as_the_whole_assessment_does(audit, found):
    own = audit.contract.statistics
    for choice in found.looked_at:
        changed = {"level": {"level": choice.now}, "fail_rule": {"fail_rule": choice.now}}.get(choice.kind)
        if changed is None:
            continue
        contract = replace(audit.contract, statistics=replace(own, **changed))
        whole = assess(contract, audit.counted, audit.stages, AS_OF)
        assert [f.status for f in choice.findings] == [f.status for f in whole.findings]
        assert choice.verdict == whole.decision.verdict
    assert {a.now for a in found.looked_at if a.kind == "level"} == set(LEVELS) - {own.level}


def test_another_threshold_decides_as_the_trial_of_it_does(audit, found):
    thresholds = [a for a in found.looked_at if a.kind == "threshold"]
    assert [a.now for a in thresholds] == [Fraction(n, 100) for n in (40, 45, 48, 49, 51, 52, 55, 60)]
    for choice, (cut, _) in zip(thresholds, other_cuts(audit.counted), strict=True):
        whole = at_thresholds(audit, (), {(): cut})
        assert choice.verdict == whole.decision.verdict
        assert choice.findings == whole.findings


def test_the_reference_group_of_the_contract_changes_no_finding(audit, found):
    assert reference_is_for_display(audit) and found.reference_is_for_display
    other = replace(audit.contract.data.attributes[0], reference="woman")
    data = replace(audit.contract.data, attributes=(other, *audit.contract.data.attributes[1:]))
    again = assess(replace(audit.contract, data=data), audit.counted, audit.stages, AS_OF)
    assert again.findings == audit.findings


def test_one_reference_alone_can_change_a_finding_and_never_finds_a_larger_gap(audit, found):
    mine = [a for a in found.looked_at if a.kind == "comparison" and a.subject == ("ethnicity",)]
    assert [a.now for a in mine] == list(references(audit, ("ethnicity",)))
    target = ("tpr_gap_ethnicity", ("ethnicity",))
    every = audit.finding(*target)
    values = [a.finding(target).value for a in mine]
    assert max(values) == every.value
    assert min(values) < every.value
    for choice in mine:
        assert choice.finding(target).lower <= every.lower
        assert choice.finding(target).upper <= every.upper
        assert choice.finding(TPR) == audit.finding(*TPR)


COUNTS = [
    Count(group=("a",), numerator=300, denominator=400),
    Count(group=("b",), numerator=250, denominator=400),
    Count(group=("c",), numerator=100, denominator=200),
]


@pytest.mark.parametrize("make", [difference_gap, ratio_gap])
def test_the_gap_over_all_pairs_is_the_worst_over_every_reference(make):
    gap = make(COUNTS, min_support=50)
    each = [reference_gap(gap, COUNTS, c.group, level=0.95, protect_floor=10) for c in COUNTS]
    if gap.compare == "ratio":
        assert min(one.value for one in each) == gap.value
        assert min(one.lower for one in each) == pytest.approx(gap.lower)
        assert min(one.upper_all for one in each) == pytest.approx(gap.upper_all)
    else:
        assert max(one.value for one in each) == gap.value
        assert max(one.upper for one in each) == pytest.approx(gap.upper)
        assert max(one.lower_all for one in each) == pytest.approx(gap.lower_all)


def test_with_two_groups_every_pair_holds_the_reference_already():
    gap = difference_gap(COUNTS[:2], min_support=50)
    assert reference_gap(gap, COUNTS[:2], ("a",), level=0.95, protect_floor=10) is None
    assert reference_gap(gap, COUNTS, ("z",), level=0.95, protect_floor=10) is None


@pytest.mark.parametrize(("compare", "unbroken"), [(difference_gap, 0.0), (ratio_gap, math.inf)])
def test_a_reference_under_the_floor_accuses_nobody(compare, unbroken):
    """Three of three is a rate that chance alone makes; compared with everybody it accuses nobody either."""
    small = [
        Count(group=(name,), numerator=x, denominator=n)
        for name, x, n in (("a", 3, 3), ("b", 5, 60), ("c", 6, 40))
    ]
    gap = compare(small, min_support=50, level=0.95, protect_floor=10)
    found = reference_gap(gap, small, ("a",), level=0.95, protect_floor=10)
    assert found is not None
    assert (found.lower_all if compare is difference_gap else found.upper_all) == unbroken


def test_the_verdict_hangs_on_the_smallest_change_that_gives_another(short):
    found = robustness(short)
    changed = [a for a in found.looked_at if a.verdict != short.decision.verdict]
    assert found.hinge in changed
    assert found.hinge.steps == min(a.steps for a in changed)
    said = hinge_sentence(short, found)
    assert said.startswith("The verdict hangs on ")
    assert "instead of" in said
    assert f"{len(found.looked_at)} alternatives" in said


def test_where_nothing_changes_the_verdict_the_sentence_counts_what_was_tried(audit, found):
    assert hinge(audit, []) is None
    none = replace(found, hinge=None)
    said = hinge_sentence(audit, none)
    assert f"No single one of the {len(found.looked_at)} alternatives" in said


def test_a_check_hangs_on_the_change_that_gives_it_another_result(audit, found):
    for target in targets(audit):
        near = hinge(audit, found.looked_at, target)
        said = check_hinge_sentence(audit, found, target)
        if near is None:
            assert "no single one" in said
        else:
            assert near.finding(target).status != audit.finding(*target).status
            assert "hangs on" in said


@pytest.mark.parametrize("support", [Fraction(1), Fraction(2)])
def test_every_cell_of_the_map_is_the_decision_at_its_limit_and_threshold(short, support):
    found = robustness_map(short, TPR, Setting(support=support))
    contract = supported(short.contract, support)
    check = next(c for c in contract.checks if c.id == TPR[0])
    for cell in found.cells[:: len(found.cuts) + 1]:
        checks = tuple(limited(c, cell.limit) if c is check else c for c in contract.checks)
        whole = redecide(short, replace(contract, checks=checks), cuts={(): cell.cut})
        mine = next(f for f in whole.findings if (f.check, f.subject) == TPR)
        assert cell.finding == mine
        assert cell.verdict == whole.decision.verdict
    if support == 1:
        assert found.mine.verdict == short.decision.verdict
        assert found.mine.finding == short.finding(*TPR)


def test_a_wider_limit_never_turns_a_check_from_within_to_outside(audit):
    found = robustness_map(audit, TPR, Setting())
    order = {"FAIL": 0, "INCONCLUSIVE": 1, "PASS": 2}
    for cut in found.cuts:
        column = [order[c.finding.status] for c in found.cells if c.cut == cut]
        assert column == sorted(column)


def test_map_table_and_alt_say_the_same(audit):
    found = robustness_map(audit, TPR, Setting(reference=()))
    for verdict in (False, True):
        rows = map_rows(found, audit, verdict=verdict)
        assert len(rows) == len(found.limits)
        assert all(len(row) == len(found.cuts) + 1 for row in rows)
        assert sum("(contract)" in row["Limit"] for row in rows) == 1
        figure = robustness_figure(found, audit, verdict=verdict)
        heat = figure["data"][0]
        assert (len(heat["z"]), len(heat["z"][0])) == (len(found.limits), len(found.cuts))
        assert all(text[0] in "●✕◆○–" for row in heat["text"] for text in row)
        assert f"Of {len(found.cells)} cells" in robustness_alt(found, audit, verdict=verdict)
    assert len(own_rows(found)) == len(found.cuts)


def test_the_table_of_choices_counts_every_alternative(audit, found):
    rows = kind_rows(audit, found, TPR)
    assert sum(int(row["Alternatives"]) for row in rows) == len(found.looked_at)
    changed = sum(a.verdict != audit.decision.verdict for a in found.looked_at)
    assert sum(int(row["Change the verdict"]) for row in rows if row["Change the verdict"] != "–") == changed


def test_limits_stay_on_their_scale():
    checks = {check.id: check for check in contract_of().checks}
    assert all(0 < limit < 1 for limit, _ in other_limits(checks["adverse_impact"]))
    assert other_limits(checks["split_leakage"]) == ()
    assert other_limits(checks["slice_coverage"]) == ()
    assert Fraction(35, 100) in [limit for limit, _ in other_limits(checks["input_drift"])]


def test_without_scores_the_map_has_one_threshold(audit):
    cube = audit.counted.cube
    codes = cube.codes.copy()
    codes[:, -1] = -1
    bare = audit_of(counts=replace(audit.counted, cube=replace(cube, codes=codes)))
    found = robustness_map(bare, TPR, Setting())
    assert found.cuts == (None,)
    assert len(found.cells) == len(found.limits)


def test_a_recorded_exception_stays_with_its_check_under_every_choice(audit):
    findings = tuple(
        replace(f, exception="EX-1") if f.check == "adverse_impact" else f for f in audit.findings
    )
    excepted = replace(audit, findings=findings)
    cut = at_thresholds(excepted, (), {(): 52})
    check = next(c for c in audit.contract.checks if c.id == "adverse_impact")
    tried = redecide(excepted).with_limit(check, Fraction(90, 100))
    for found in (cut, tried, redecide(excepted).against(("ethnicity",), ("Asian",))):
        mine = [f for f in found.findings if f.check == "adverse_impact"]
        assert mine and all(f.exception == "EX-1" for f in mine)
        assert "adverse_impact" not in [r.subject for r in found.decision.reasons if r.ground == "major_fail"]

"""What it would take to decide: every group that is short, in people, rows and weeks, on stated terms."""

from datetime import date
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_judge import BANDS, RATIO, TPR, contract, counts, found, selected_counts, tpr_counts

from audit_core.contract.periods import period
from audit_core.contract.yaml import parse_contract
from audit_core.cube.axes import NO, YES, Axis
from audit_core.cube.count_cube import build_cube
from audit_core.cube.counted import GroupRanks
from audit_core.cube.ranks import rank_sums
from audit_core.findings.judge import judge
from audit_core.findings.volume import covered_days, weekly_volume
from audit_core.metrics.measure import measure
from audit_core.metrics.planner import (
    MOST_PEOPLE,
    people_for_slice,
    people_to_confirm,
    people_to_pass,
    slice_power,
)
from audit_core.metrics.planner_other import ratio_to_confirm, ratio_to_pass, value_to_confirm, value_to_hold
from audit_core.report.needs_words import short_needs
from audit_core.report.takes_words import ON_THE_LIMIT as ON_LIMIT_WORDS
from audit_core.report.takes_words import takes_sentence
from tests.cube_factory import counted_of

STAGES = ("data", "training", "predeploy")
CALIBRATION = "metric: calibration_in_the_large, compare: difference, of: [g], limit: {max: 0.05}"
AUC = "metric: auc, compare: difference, of: [g], limit: {max: 0.05}"
VALUE = "metric: base_rate, of: [g], limit: {min: 0.10, max: 0.90}"


def lacking(finding):
    """Group → (have, more), for a plan of a single attribute."""
    return {need.group[0]: (need.have, need.more) for need in finding.needs.groups}


def pooled(*pairs):
    """Rate of all groups, half a person on each side."""
    return (sum(x for x, _ in pairs) + 0.5) / (sum(n for _, n in pairs) + 1)


# Gaps


def test_every_short_group_is_named_with_what_it_lacks():
    pairs = {"A": (480, 600), "B": (77, 100), "C": (96, 120)}
    needs = found(tpr_counts(pairs)).needs
    target = people_to_pass(pooled(*pairs.values()), 3, 0.1)
    assert {n.group[0]: n.needed for n in needs.groups} == {"B": target, "C": target}
    assert [need.group for need in needs.groups] == [("B",), ("C",)]  # the one that lacks most first
    assert (needs.group, needs.more) == (("B",), target - 100)
    assert (needs.unit, needs.aim, needs.of, needs.assumed) == ("positives", "within", "gap", 0.0)


def test_one_short_group_needs_fewer_beside_large_ones():
    pairs = {"A": (3200, 4000), "B": (76, 100)}
    needs = found(tpr_counts(pairs)).needs
    rate = pooled(*pairs.values())
    target = people_for_slice(rate, [(rate, 4000)], 0.1, power=slice_power(2))
    assert [need.needed for need in needs.groups] == [target]
    assert target < people_to_pass(rate, 2, 0.1)
    assert needs.alone


def test_growing_one_group_alone_cannot_decide_where_another_is_too_small_as_well():
    assert not found(tpr_counts({"A": (64, 80), "B": (56, 70)})).needs.alone
    assert found(tpr_counts({"A": (208, 260), "B": (76, 100)})).needs.alone


def test_nobody_needs_fewer_than_the_contracts_minimum():
    needs = found(tpr_counts({"A": (400, 500), "B": (9, 12)}), support=400).needs
    assert lacking(found(tpr_counts({"A": (400, 500), "B": (9, 12)}), support=400)) == {"B": (12, 388)}
    assert needs.groups[0].needed == 400


def test_where_the_data_show_a_difference_equality_is_not_assumed():
    pairs = {"A": (900, 1000), "B": (820, 1000)}
    finding = found(tpr_counts(pairs))
    assert finding.status == "INCONCLUSIVE"
    assert finding.lower > 0
    target = people_to_pass(0.9, 2, 0.1, 0.08)
    assert finding.needs.assumed == pytest.approx(0.08)
    assert {need.needed for need in finding.needs.groups} == {target}


def test_enough_people_for_equal_groups_but_not_decided_assumes_the_gap_measured():
    finding = found(tpr_counts({"A": (320, 400), "B": (298, 400)}))
    assert finding.status == "INCONCLUSIVE"
    assert finding.lower <= 0
    assert finding.needs.assumed == pytest.approx(0.055)
    assert {need.needed for need in finding.needs.groups} == {people_to_pass(0.8, 2, 0.1, 0.055)}


def test_a_failure_that_is_not_confirmed_asks_for_its_two_ends_alone():
    finding = found(tpr_counts({"A": (246, 300), "B": (201, 300), "C": (45, 60)}))
    assert (finding.status, finding.evidence) == ("FAIL", "UNCONFIRMED")
    target = people_to_confirm(0.82, 3, 0.1, 0.15)
    assert {n.group[0]: n.needed for n in finding.needs.groups} == {"A": target, "B": target}
    assert (finding.needs.aim, finding.needs.assumed) == ("confirm", pytest.approx(0.15))


def test_a_gap_measured_on_the_limit_itself_has_no_number():
    finding = found(tpr_counts({"A": (2400, 3000), "B": (2100, 3000)}))
    assert (finding.status, finding.needs) == ("INCONCLUSIVE", None)


ON_THE_LIMIT = [
    ({"A": (450, 500), "B": (400, 500)}, "difference"),  # .9 − .8 as floats is under .1
    ({"A": (90, 100), "B": (80, 100)}, "difference"),
    ({"A": (600, 1000), "B": (500, 1000)}, "difference"),
    ({"A": (1400, 2000), "B": (1120, 2000)}, "ratio"),
    ({"A": (250, 500), "B": (200, 500)}, "ratio"),
]


@pytest.mark.parametrize(("pairs", "compare"), ON_THE_LIMIT)
def test_on_the_limit_no_rounding_of_a_float_makes_a_number(pairs, compare):
    check, make = (TPR, tpr_counts) if compare == "difference" else (RATIO, selected_counts)
    finding = found(make(pairs), check)
    assert (finding.status, finding.value) == ("INCONCLUSIVE", finding.limit)
    if finding.needs is not None:  # so few that even equal groups could not be shown within the limit
        assert (finding.needs.aim, finding.needs.assumed) == ("within", 0 if compare == "difference" else 1)
        assert max(need.needed for need in finding.needs.groups) < 2000


@pytest.mark.parametrize(("pairs", "compare"), [ON_THE_LIMIT[i] for i in (0, 2, 3)])
def test_on_the_limit_with_many_people_there_is_no_number(pairs, compare):
    check, make = (TPR, tpr_counts) if compare == "difference" else (RATIO, selected_counts)
    finding = found(make(pairs), check)
    assert finding.needs is None
    assert takes_sentence(finding, None) == ON_LIMIT_WORDS


@settings(deadline=None, max_examples=60)
@given(st.integers(10, 400), st.integers(0, 10), st.integers(1, 9), st.integers(0, 9))
def test_whatever_is_planned_is_a_number_a_document_can_hold(tenths, high, points, shift):
    """Gaps on the limit and right beside it."""
    n, limit = 10 * tenths, Fraction(points, 10)
    top = max(high * tenths, int(limit * n))
    low = max(0, top - int(limit * n) - shift % 2)
    check = f"metric: tpr, compare: difference, of: [g], limit: {{max: {float(limit)}}}"
    finding = found(tpr_counts({"A": (top, n), "B": (low, n)}), check)
    for need in finding.needs.groups if finding.needs else ():
        assert need.needed <= 2 * MOST_PEOPLE
    if finding.value == limit and n >= 3000:
        assert finding.needs is None or finding.needs.assumed == 0


def test_a_short_group_lacks_its_minimum_where_no_number_decides():
    pairs = {"W": (250, 500), "B": (120, 300), "N": (8, 8)}
    finding = found(selected_counts(pairs), RATIO, support=20)
    assert (finding.status, finding.value) == ("INCONCLUSIVE", Fraction(4, 5))
    assert finding.needs.aim == "minimum"
    assert lacking(finding) == {"N": (8, 12)}
    assert short_needs(finding.needs) == "12 more rows of N"


def test_one_row_is_a_row():
    finding = found(selected_counts({"W": (250, 500), "B": (120, 300), "N": (8, 8)}), RATIO, support=9)
    assert short_needs(finding.needs) == "1 more row of N"


def test_what_is_confirmed_needs_nobody():
    assert found(tpr_counts({"A": (880, 1000), "B": (870, 1000)})).needs is None
    assert found(tpr_counts({"A": (900, 1000), "B": (600, 1000)})).needs is None


def test_a_supported_group_that_is_not_required_decides_with_the_others():
    finding = found(tpr_counts({"A": (800, 1000), "B": (800, 1000), "C": (46, 60)}),
                    attribute=", required: [A, B]")  # fmt: skip
    assert finding.status == "INCONCLUSIVE"
    assert list(lacking(finding)) == ["C"]


def test_a_required_group_without_a_row_has_no_rows_and_no_weeks():
    finding = found(tpr_counts({"A": (400, 500)}), attribute=", required: [A, B]")
    by_group = {need.group[0]: need for need in finding.needs.groups}
    assert (finding.status, finding.reason) == ("INCONCLUSIVE", "one_group")
    assert (by_group["B"].have, by_group["B"].rows, by_group["B"].weeks) == (0, None, None)
    assert finding.needs.weeks is None


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(1, 400), st.floats(0, 1)), min_size=2, max_size=5),
    st.sampled_from(["difference", "ratio"]),
)
def test_every_open_check_has_a_plan_and_no_plan_asks_for_nobody(groups, compare):
    pairs = {chr(65 + i): (round(n * share), n) for i, (n, share) in enumerate(groups)}
    check, make = (TPR, tpr_counts) if compare == "difference" else (RATIO, selected_counts)
    finding = found(make(pairs), check)
    if finding.evidence == "CONFIRMED" or finding.status == "NOT_RUN":
        assert finding.needs is None
        return
    assume(finding.reason != "undefined")
    if finding.needs is None:  # the value measured is the limit itself, or so many people are there already
        assert finding.value is not None
        return
    assert all(need.more > 0 and need.have >= 0 for need in finding.needs.groups)
    assert len({need.group for need in finding.needs.groups}) == len(finding.needs.groups)
    known = {name: n for name, (_, n) in pairs.items()}
    assert all(known[need.group[0]] == need.have for need in finding.needs.groups)


def test_the_people_a_plan_asks_for_decide_the_check():
    """Truly equal groups, made as large as the plan says: about 80 of 100 samples are shown within."""
    pairs = {"A": (150, 200), "B": (60, 80), "C": (75, 100)}
    needs = found(tpr_counts(pairs)).needs
    people = {name: n for name, (_, n) in pairs.items()}
    people |= {need.group[0]: need.needed for need in needs.groups}
    draw = np.random.Generator(np.random.PCG64(9))
    passed = 0
    for _ in range(60):
        sample = {name: (int(draw.binomial(n, 0.75)), n) for name, n in people.items()}
        passed += found(tpr_counts(sample)).status == "PASS"
    assert 36 <= passed <= 58


# Ratios, means, values


def test_a_ratio_has_its_own_numbers():
    pairs = {"A": (60, 150), "B": (56, 140)}
    finding = found(selected_counts(pairs), RATIO)
    target = ratio_to_pass(pooled(*pairs.values()), 2, 0.8)
    assert {need.needed for need in finding.needs.groups} == {target}
    assert (finding.needs.of, finding.needs.assumed, finding.needs.unit) == ("ratio", 1.0, "rows")
    failed = found(selected_counts({"A": (100, 200), "B": (75, 200)}), RATIO)
    assert (failed.status, failed.evidence) == ("FAIL", "UNCONFIRMED")
    target = ratio_to_confirm(0.5, 2, 0.8, 0.75)
    assert {need.needed for need in failed.needs.groups} == {target}
    assert (failed.needs.aim, failed.needs.assumed) == ("confirm", 0.75)


def test_a_gap_of_calibration_is_planned_from_the_spread_measured():
    group = {(YES, YES, 0.7): 70, (NO, YES, 0.7): 30, (YES, NO, 0.3): 30, (NO, NO, 0.3): 70}
    finding = found(counts({"A": group, "B": group}), CALIBRATION)
    assert finding.status == "INCONCLUSIVE"
    # Residuals are ±.3 and ±.7: their variance is .21, in a sample of 200 with n − 1 below the line.
    spread = 0.21 * 200 / 199
    by_hand = spread * (1.4142136 * 1.6448536 + 1.8123876) ** 2 / 0.05**2
    assert [need.needed for need in finding.needs.groups] == pytest.approx([by_hand, by_hand], abs=2)
    assert (finding.needs.of, finding.needs.unit) == ("gap", "rows")


def test_a_gap_of_auc_is_planned_too():
    sums = rank_sums(np.array([5, 10, 20, 25]), np.array([25, 20, 10, 5]))
    group = {(YES, YES, 0.7): 60, (NO, NO, 0.3): 60}
    ranks = tuple(GroupRanks(attribute="g", group=name, sums=sums) for name in "AB")
    finding = found(counts({"A": group, "B": group}, ranks=ranks), AUC)
    assert (finding.status, finding.needs.of, finding.needs.unit) == ("INCONCLUSIVE", "area", "rows")
    assert {need.have for need in finding.needs.groups} == {120}
    assert all(need.more > 0 for need in finding.needs.groups)


def test_a_value_is_planned_group_by_group_at_its_own_rate():
    thin = {"A": (240, 2000), "B": (100, 200), "C": (26, 200)}
    made = counts({name: {(YES, YES): x, (NO, YES): n - x} for name, (x, n) in thin.items()})
    finding = found(made, VALUE)
    assert finding.status == "INCONCLUSIVE"
    careful = (26 + 0.5) / 201
    assert {n.group[0]: n.needed for n in finding.needs.groups} == {"C": value_to_hold(careful, (0.1, 0.9))}
    assert (finding.needs.of, finding.needs.aim) == ("rate", "within")


def test_a_value_outside_its_limit_is_to_be_confirmed():
    made = counts({"A": {(YES, YES): 300, (NO, YES): 700}, "B": {(YES, YES): 17, (NO, YES): 183}})
    finding = found(made, VALUE)
    assert (finding.status, finding.evidence) == ("FAIL", "UNCONFIRMED")
    assert {n.group[0]: n.needed for n in finding.needs.groups} == {"B": value_to_confirm(0.085, 0.1)}
    assert finding.needs.aim == "confirm"


def valued(pairs, limit, **options):
    made = counts({name: {(YES, YES): x, (NO, YES): n - x} for name, (x, n) in pairs.items()})
    return found(made, f"metric: base_rate, of: [g], limit: {limit}", **options)


@pytest.mark.parametrize("limit", ["{min: 0.30}", "{max: 0.30}", "{min: 0.30, max: 0.90}"])
def test_a_value_measured_on_its_limit_has_no_number(limit):
    finding = valued({"A": (150, 500)}, limit)
    assert (finding.status, finding.reason, finding.needs) == ("INCONCLUSIVE", "either_way", None)


def test_beside_a_group_on_the_limit_only_the_minimum_is_asked_for():
    finding = valued({"A": (150, 500), "B": (170, 500), "C": (12, 30)}, "{min: 0.30}")
    assert (finding.needs.aim, lacking(finding)) == ("minimum", {"C": (30, 20)})
    apart = valued({"A": (160, 500), "B": (170, 500), "C": (12, 30)}, "{min: 0.30}")
    assert apart.needs.aim == "within"
    assert set(lacking(apart)) > {"C"}


def test_coverage_names_every_thin_group_and_every_absent_one():
    made = counts({"A": {(YES, YES): 200}, "B": {(YES, YES): 12}, "C": {(YES, YES): 40}})
    finding = found(made, "metric: coverage, of: [g]", attribute=", required: [A, B, C, D]")
    assert (finding.status, finding.reason) == ("FAIL", "missing_group")
    assert lacking(finding) == {"D": (0, 50), "B": (12, 38), "C": (40, 10)}
    assert finding.needs.aim == "minimum"


# Weeks


def with_windows(rows):
    """Counts of (group, window) → positives, A's chosen more often than others', and as many negatives."""
    axes = tuple(
        Axis(name=name, kind=kind, levels=tuple(sorted({key[i] for key in rows})))
        for i, (name, kind) in enumerate((("g", "attribute"), ("month", "window")))
    )
    codes, measures = [], []
    for (group, window), people in rows.items():
        at = (axes[0].levels.index(group), axes[1].levels.index(window))
        chosen = people * (16 if group == "A" else 15) // 20
        for label, decision, number in ((YES, YES, chosen), (YES, NO, people - chosen), (NO, NO, people)):
            codes.append((*at, label, decision, -1))
            measures.append((number, 0, 0, 0))
    cube = build_cube(axes, BANDS, np.array(codes, dtype=np.int64), np.array(measures, dtype=np.int64))
    return counted_of(cube)


def dated(counted):
    text = TEXT_WITH_WINDOW
    chosen = parse_contract(text.encode(), "contract.yaml")
    (finding,) = judge(chosen, counted, measure(chosen, counted), STAGES)
    return chosen, finding


TEXT_WITH_WINDOW = """\
schema: evenhand/contract/v1
id: dated
version: 1
status: approved
domain: other
decision: {question: q, population: p, favourable: 1, harm: h, harmed_by: both}
data:
  label: {column: y, positive: 1}
  score: {column: score, threshold: 0.5}
  window: month
  attributes:
    - {name: g, basis: b}
support: {positives: 50, negatives: 50, rows: 50}
checks:
  - {id: c, stage: training, metric: tpr, compare: difference, of: [g], limit: {max: 0.10}, severity: critical, owner: o, why: w}
roles:
  o: {name: n, contact: c}
author: o
"""  # noqa: E501


def test_weeks_are_the_rows_at_the_groups_own_volume():
    rows = {("A", "2026-09"): 900, ("A", "2026-10"): 900, ("B", "2026-09"): 35, ("B", "2026-10"): 35}
    chosen, finding = dated(with_windows(rows))
    (need,) = finding.needs.groups
    a_week = 140 * 7 / 61  # 140 rows of B over September and October
    assert weekly_volume(with_windows(rows).cube, chosen, ("g",)).rows[("B",)] == pytest.approx(a_week)
    assert need.rows == 2 * need.more  # half of B's rows are positives
    assert need.weeks == -(-need.rows // a_week)
    assert (finding.needs.weeks, finding.needs.undated) == (need.weeks, "")


@pytest.mark.parametrize(
    ("windows", "reason"),
    [(("first", "second"), "not_dates"), (("2026-10-01", "2026-10-03"), "under_a_week"), (("", "2026"), "")],
)
def test_without_dates_there_are_no_weeks_and_it_is_said(windows, reason):
    rows = {(group, window): people for window in windows for group, people in (("A", 600), ("B", 40))}
    _, finding = dated(with_windows(rows))
    assert finding.needs.undated == reason
    assert all((need.weeks is None) == bool(reason) for need in finding.needs.groups)


def test_without_a_window_column_there_are_no_weeks():
    needs = found(tpr_counts({"A": (400, 500), "B": (9, 12)})).needs
    assert (needs.undated, needs.weeks) == ("no_window", None)
    assert weekly_volume(tpr_counts({"A": (1, 2)}).cube, contract(), ("g",)).undated == "no_window"


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026", date(2026, 1, 1), date(2026, 12, 31)),
        ("2026Q1", date(2026, 1, 1), date(2026, 3, 31)),
        ("2026-Q4", date(2026, 10, 1), date(2026, 12, 31)),
        ("2028-02", date(2028, 2, 1), date(2028, 2, 29)),
        ("2026-W01", date(2025, 12, 29), date(2026, 1, 4)),
        (" 2026-10-31 ", date(2026, 10, 31), date(2026, 10, 31)),
        ("2026-10-31T00:00", date(2026, 10, 31), date(2026, 10, 31)),
        ("2026-10-31 09:30:00+00:00", date(2026, 10, 31), date(2026, 10, 31)),
    ],
)
def test_periods(text, first, last):
    assert period(text) == (first, last)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0000",
        "2026-13",
        "2026-02-30",
        "2026-W60",
        "26-10",
        "2026-10-31T09",
        "2026-10T00:00",
        "9999-W52",
        "x",
    ],
)
def test_what_is_no_period(text):
    assert period(text) is None


def test_days_of_windows_count_once_and_single_days_count_their_span():
    assert covered_days(("2026-10", "2026Q4")) == 92
    assert covered_days(("2026-01", "2026-10")) == 62
    assert covered_days(("2026-10-02", "2026-10-30", "2026-10-16")) == 29
    assert covered_days(("2026-10", "soon")) is None
    assert covered_days(()) is None


def test_a_share_of_nobody_gives_no_rows():
    finding = found(counts({"A": {(YES, YES): 400, (YES, NO): 100}, "B": {(NO, YES): 30}}))
    (need,) = [need for need in finding.needs.groups if need.group == ("B",)]
    assert (need.have, need.rows) == (0, None)
    assert Fraction(need.needed) >= 50


def test_more_rows_than_any_file_holds_are_not_said():
    rare = {(YES, YES): 1, (NO, NO): 10**13}
    finding = found(counts({"A": {(YES, YES): 400, (YES, NO): 100}, "B": rare}))
    (need,) = [need for need in finding.needs.groups if need.group == ("B",)]
    assert (need.have, need.rows) == (1, None)
    assert need.more >= 49

"""Every branch of METHODS §3, judged from counts; the expected bounds are computed here anew."""

import json
import math
from dataclasses import replace
from fractions import Fraction
from functools import cache
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import norm, studentized_range

from audit_core.contract.yaml import parse_contract
from audit_core.cube.axes import ABSENT, NEITHER, NO, YES, Axis
from audit_core.cube.bands import MICRO, Bands, score_bands
from audit_core.cube.count_cube import build_cube
from audit_core.cube.counted import GroupRanks, Overlap
from audit_core.cube.drift import DriftTable
from audit_core.cube.ranks import rank_sums
from audit_core.findings.judge import judge
from audit_core.metrics.measure import measure
from tests.cube_factory import counted_of

GOLDEN = json.loads((Path(__file__).parent / "golden" / "judge_gap.json").read_text(encoding="utf-8"))
BANDS = score_bands(Fraction(0), Fraction(1), Fraction(1, 2), ())
STAGES = ("data", "training", "predeploy")
TEXT = """\
schema: evenhand/contract/v1
id: judged
version: 1
status: approved
domain: other
decision: {{question: q, population: p, favourable: {favourable}, harm: h, harmed_by: both}}
data:
  label: {{column: y, positive: 1}}
  score: {{column: score, threshold: 0.5}}
  attributes:
    - {{name: g, basis: b{attribute}}}
    - {{name: other, basis: b}}
support: {{positives: {support}, negatives: {support}, rows: {support}}}
statistics: {{level: {level}, fail_rule: {rule}}}
checks:
  - {{id: c, stage: training, {check}, severity: critical, owner: o, why: w}}
roles:
  o: {{name: n, contact: c}}
author: o
"""
TPR = "metric: tpr, compare: difference, of: [g], limit: {max: 0.10}"
RATIO = "metric: selection_rate, compare: ratio, of: [g], limit: {min: 0.80}"


@cache
def contract(check=TPR, attribute="", support=50, level="0.95", rule="point", favourable=1):
    text = TEXT.format(
        check=check, attribute=attribute, support=support, level=level, rule=rule, favourable=favourable
    )
    return parse_contract(text.encode(), "contract.yaml")


def counts(groups, axis="g", bands=BANDS, **parts):
    """Counts of one attribute: group → {(label, decision): rows}, or {(label, decision, score): rows}."""
    axes = (Axis(name=axis, kind="attribute", levels=tuple(sorted(groups))),)
    codes, measures = [], []
    for level, name in enumerate(axes[0].levels):
        for (label, decision, *score), rows in groups[name].items():
            if rows:
                q = round(score[0] * MICRO) if score else 0
                band = min(q * bands.count // MICRO, bands.count - 1) if score else -1
                codes.append((level, label, decision, band))
                measures.append((rows, rows * q, rows * (q * q // MICRO), rows * (q * q % MICRO)))
    cube = build_cube(
        axes,
        bands,
        np.array(codes, dtype=np.int64).reshape(-1, 4),
        np.array(measures, dtype=np.int64).reshape(-1, 4),
    )
    return replace(counted_of(cube), **parts)


def tpr_counts(groups):
    """Counts of positives alone: group → (selected, positives)."""
    return counts({name: {(YES, YES): x, (YES, NO): n - x} for name, (x, n) in groups.items()})


def selected_counts(groups):
    """Counts without a label: group → (selected, rows)."""
    return counts({name: {(NEITHER, YES): x, (NEITHER, NO): n - x} for name, (x, n) in groups.items()})


def found(counted, check=TPR, **options):
    chosen = contract(check, **options)
    (finding,) = judge(chosen, counted, measure(chosen, counted), STAGES)
    return finding


def outcome(counted, check=TPR, **options):
    finding = found(counted, check, **options)
    return finding.status, finding.evidence, finding.reason


# METHODS §3 a second time, from the formulas on the page and scipy's distributions.


def wilson(x, n, z):
    p, w = x / n, z * z / n
    half = z * math.sqrt(p * (1 - p) / n + w / (4 * n))
    return max(0.0, (p + w / 2 - half) / (1 + w)), min(1.0, (p + w / 2 + half) / (1 + w))


def newcombe(one, two, z):
    (x1, n1), (x2, n2) = one, two
    (l1, u1), (l2, u2), p1, p2 = wilson(x1, n1, z), wilson(x2, n2, z), x1 / n1, x2 / n2
    return p1 - p2 - math.hypot(p1 - l1, u2 - p2), p1 - p2 + math.hypot(u1 - p1, p2 - l2)


@cache
def z_t(groups, level=0.95):
    return float(studentized_range.ppf(level, groups, np.inf)) / math.sqrt(2)


def bounds(pairs, level=0.95):
    """(L, U) of these groups; (0, 1) under two."""
    if len(pairs) < 2:
        return 0.0, 1.0
    low = max(newcombe(a, b, z_t(len(pairs), level))[0] for a, b in permutations(pairs, 2))
    return max(0.0, low), max(newcombe(a, b, norm.ppf(level))[1] for a, b in permutations(pairs, 2))


def by_the_page(groups, limit, support, rule="point", required=None):
    """(status, evidence) of a TPR difference as METHODS §3 numbers its rules."""
    data = {name: pair for name, pair in groups.items() if pair[1] > 0}
    required = required or tuple(groups)
    supported = [pair for pair in data.values() if pair[1] >= support]
    compared = supported if len(supported) >= 2 else list(data.values())
    if len(data) < 2:
        return ("INCONCLUSIVE" if data else "NOT_RUN"), "UNSUPPORTED"
    rates = [Fraction(x, n) for x, n in compared]
    if bounds([pair for pair in data.values() if pair[1] >= 10])[0] > limit:
        return "FAIL", "CONFIRMED"
    if max(rates) - min(rates) > limit:
        word = "UNCONFIRMED" if len(supported) >= 2 else "UNSUPPORTED"
        return ("FAIL" if rule == "point" else "INCONCLUSIVE"), word
    if any(data.get(name, (0, 0))[1] < support for name in required) or len(supported) < 2:
        return "INCONCLUSIVE", "UNSUPPORTED"
    return ("PASS", "CONFIRMED") if bounds(compared)[1] <= limit else ("INCONCLUSIVE", "UNCONFIRMED")


@pytest.mark.parametrize(
    "case", GOLDEN["cases"], ids=lambda c: "-".join(f"{x}.{n}" for _, x, n in c["groups"]) + c["fail_rule"]
)
def test_reference_statuses(case):
    groups = {name: (x, n) for name, x, n in case["groups"]}
    check = f"metric: tpr, compare: difference, of: [g], limit: {{max: {case['limit']}}}"
    finding = found(tpr_counts(groups), check, support=case["min_support"], level=case["level"],
                    rule=case["fail_rule"])  # fmt: skip
    assert (finding.status, finding.evidence) == (case["status"], case["evidence"])


# Difference


@pytest.mark.parametrize(
    ("groups", "rule", "expected"),
    [
        ({"A": (900, 1000), "B": (600, 1000)}, "point", ("FAIL", "CONFIRMED", "beyond")),
        ({"A": (900, 1000), "B": (600, 1000)}, "confirmed", ("FAIL", "CONFIRMED", "beyond")),
        ({"A": (52, 60), "B": (43, 60)}, "point", ("FAIL", "UNCONFIRMED", "point_beyond")),
        ({"A": (52, 60), "B": (43, 60)}, "confirmed", ("INCONCLUSIVE", "UNCONFIRMED", "point_beyond")),
        ({"A": (5, 6), "B": (3, 6)}, "point", ("FAIL", "UNSUPPORTED", "point_beyond")),
        ({"A": (5, 6), "B": (3, 6)}, "confirmed", ("INCONCLUSIVE", "UNSUPPORTED", "point_beyond")),
        ({"A": (500, 600), "B": (3, 6)}, "point", ("FAIL", "UNSUPPORTED", "point_beyond")),
        ({"A": (5, 6), "B": (5, 6)}, "point", ("INCONCLUSIVE", "UNSUPPORTED", "too_few")),
        ({"A": (400, 500), "B": (9, 12), "C": (395, 500)}, "point",
         ("INCONCLUSIVE", "UNSUPPORTED", "too_few")),
        ({"A": (880, 1000), "B": (870, 1000)}, "point", ("PASS", "CONFIRMED", "within")),
        ({"A": (55, 60), "B": (50, 60)}, "point", ("INCONCLUSIVE", "UNCONFIRMED", "either_way")),
        ({"A": (55, 60)}, "point", ("INCONCLUSIVE", "UNSUPPORTED", "one_group")),
        ({"A": (55, 60), "": (10, 60)}, "point", ("INCONCLUSIVE", "UNSUPPORTED", "one_group")),
    ],
)  # fmt: skip
def test_difference(groups, rule, expected):
    assert outcome(tpr_counts(groups), rule=rule) == expected


def test_one_group_has_no_gap_and_a_gap_is_an_exact_fraction():
    assert found(tpr_counts({"A": (55, 60)})).value is None
    finding = found(tpr_counts({"A": (8000, 10000), "B": (7000, 10000)}))
    assert finding.value == finding.limit == Fraction(1, 10)
    assert 8000 / 10000 - 7000 / 10000 > 0.10  # what floats would say
    assert finding.status == "INCONCLUSIVE"
    assert outcome(tpr_counts({"A": (80, 100), "B": (70, 100)})) == (
        "INCONCLUSIVE",
        "UNCONFIRMED",
        "either_way",
    )
    assert outcome(tpr_counts({"A": (8001, 10000), "B": (7000, 10000)}))[0] == "FAIL"


def test_support_protects_from_comfort_but_not_from_proof():
    """Twelve people prove a harm that two groups of 500 do not show; nine do not."""
    small = tpr_counts({"A": (400, 500), "B": (395, 500), "C": (0, 12)})
    finding = found(small)
    assert (finding.status, finding.evidence) == ("FAIL", "CONFIRMED")
    assert (finding.high.group, finding.low.group) == (("A",), ("C",))  # the groups that show it
    assert (finding.value, finding.low.numerator, finding.low.denominator) == (Fraction(4, 5), 0, 12)
    assert finding.upper is None  # that bound is of A and B alone
    assert finding.lower == pytest.approx(bounds([(400, 500), (395, 500), (0, 12)])[0], abs=1e-9)
    assert outcome(tpr_counts({"A": (400, 500), "B": (395, 500), "C": (0, 10)}))[:2] == ("FAIL", "CONFIRMED")
    nine = tpr_counts({"A": (400, 500), "B": (395, 500), "C": (0, 9)})
    assert outcome(nine) == ("INCONCLUSIVE", "UNSUPPORTED", "too_few")
    not_required = ", required: [A, B]"
    assert outcome(small, attribute=not_required) == ("FAIL", "CONFIRMED", "beyond")
    assert outcome(nine, attribute=not_required) == ("PASS", "CONFIRMED", "within")


def test_required_groups():
    two = tpr_counts({"A": (880, 1000), "B": (870, 1000), "C": (9, 12)})
    assert outcome(two, attribute=", required: [A, B]") == ("PASS", "CONFIRMED", "within")
    finding = found(two, attribute=", required: [A, B, C]")
    assert (finding.status, finding.names) == ("INCONCLUSIVE", ("C",))
    absent = found(two, attribute=", required: [A, B, D]")
    assert (absent.status, absent.evidence, absent.names) == ("INCONCLUSIVE", "UNSUPPORTED", ("D",))
    alone = tpr_counts({"A": (880, 1000), "B": (9, 10)})
    assert outcome(alone, attribute=", required: [A]") == ("INCONCLUSIVE", "UNSUPPORTED", "too_few")
    # A group that is not required is compared all the same once it has support.
    third = tpr_counts({"A": (880, 1000), "B": (870, 1000), "C": (60, 100)})
    assert outcome(third, attribute=", required: [A, B]")[0] == "FAIL"


@pytest.mark.parametrize(("unknown", "expected"), [(222, "PASS"), (223, "INCONCLUSIVE")])
def test_more_than_a_tenth_unknown_is_no_support(unknown, expected):
    groups = {"A": (880, 999), "B": (870, 999), "": (0, unknown)}  # 222 are a tenth, and not over it
    finding = found(tpr_counts(groups))
    assert finding.status == expected
    assert finding.reason == ("within" if expected == "PASS" else "too_many_unknown")


def test_unknown_does_not_hide_a_failure_and_is_never_compared():
    groups = {"A": (900, 1000), "B": (600, 1000), "": (0, 900)}
    finding = found(tpr_counts(groups))
    assert (finding.status, finding.evidence) == ("FAIL", "CONFIRMED")
    assert (finding.high.group, finding.low.group) == (("A",), ("B",))
    listed = tpr_counts({"A": (880, 1000), "B": (870, 1000), "": (0, 10)})
    assert found(listed).low.group == ("B",)


def test_one_class_only_can_not_be_judged():
    positives = tpr_counts({"A": (880, 1000), "B": (870, 1000)})
    fpr = "metric: fpr, compare: difference, of: [g], limit: {max: 0.10}"
    assert outcome(positives, fpr) == ("NOT_RUN", "UNSUPPORTED", "undefined")
    half = counts({"A": {(YES, YES): 90, (NO, NO): 90}, "B": {(YES, YES): 90}})
    assert outcome(half, fpr) == ("INCONCLUSIVE", "UNSUPPORTED", "one_group")


def test_an_abstention_counts_as_not_selected():
    groups = {"A": {(YES, YES): 500}, "B": {(YES, YES): 350, (YES, NEITHER): 150}}
    finding = found(counts(groups))
    assert (finding.status, finding.value) == ("FAIL", Fraction(3, 10))
    abstain = "metric: abstain_rate, compare: difference, of: [g], limit: {max: 0.10}"
    assert found(counts(groups), abstain).value == Fraction(3, 10)


def test_bounds_and_numbers_of_a_finding():
    pairs = {"A": (255, 300), "B": (240, 300), "C": (231, 300)}
    finding = found(tpr_counts(pairs))
    low, high = bounds(list(pairs.values()))
    assert (finding.lower, finding.upper) == pytest.approx((low, high), abs=1e-9)
    assert finding.interval == pytest.approx(newcombe((255, 300), (231, 300), norm.ppf(0.975)), abs=1e-9)
    assert (finding.high.numerator, finding.low.denominator) == (255, 300)
    assert (finding.limit_kind, finding.limit, finding.line) == ("max", Fraction(1, 10), 16)


def test_needs():
    thin = found(tpr_counts({"A": (400, 500), "B": (9, 12)}))
    assert (thin.needs.group, thin.needs.unit) == (("B",), "positives")
    assert 12 + thin.needs.more >= 50
    assert found(tpr_counts({"A": (880, 1000), "B": (870, 1000)})).needs is None
    assert found(tpr_counts({"A": (900, 1000), "B": (600, 1000)})).needs is None


@pytest.mark.parametrize(
    ("groups", "limit"),
    [
        ({"A": (6, 50), "B": (36, 50)}, "0.6"),  # the gap is the limit, which a float misses
        ({"A": (0, 300), "B": (270, 300)}, "0.91"),  # a gap wider than either side of the pooled rate
    ],
)
def test_needs_of_a_gap_near_a_wide_limit(groups, limit):
    finding = found(tpr_counts(groups), TPR.replace("0.10", limit))
    assert (finding.status, finding.needs is None or finding.needs.more > 0) == ("INCONCLUSIVE", True)


# Ratio


@pytest.mark.parametrize(
    ("groups", "rule", "expected"),
    [
        ({"A": (600, 1000), "B": (300, 1000)}, "point", ("FAIL", "CONFIRMED", "beyond")),
        ({"A": (40, 80), "B": (30, 80)}, "point", ("FAIL", "UNCONFIRMED", "point_beyond")),
        ({"A": (40, 80), "B": (30, 80)}, "confirmed", ("INCONCLUSIVE", "UNCONFIRMED", "point_beyond")),
        ({"A": (4, 5), "B": (3, 5)}, "point", ("FAIL", "UNSUPPORTED", "point_beyond")),
        ({"A": (4, 5), "B": (4, 5)}, "point", ("INCONCLUSIVE", "UNSUPPORTED", "too_few")),
        ({"A": (600, 1000), "B": (590, 1000)}, "point", ("PASS", "CONFIRMED", "within")),
        ({"A": (50, 100), "B": (45, 100)}, "point", ("INCONCLUSIVE", "UNCONFIRMED", "either_way")),
        ({"A": (600, 1000)}, "point", ("INCONCLUSIVE", "UNSUPPORTED", "one_group")),
        ({"A": (0, 1000), "B": (0, 1000)}, "point", ("INCONCLUSIVE", "UNSUPPORTED", "undefined")),
        ({"A": (600, 1000), "B": (590, 1000), "": (0, 500)}, "point",
         ("INCONCLUSIVE", "UNSUPPORTED", "too_many_unknown")),
    ],
)  # fmt: skip
def test_ratio(groups, rule, expected):
    assert outcome(selected_counts(groups), RATIO, rule=rule) == expected


def test_a_ratio_at_the_limit_meets_it():
    assert (12 / 40) / (15 / 40) < 0.8  # what floats would say
    finding = found(selected_counts({"A": (15, 40), "B": (12, 40)}), RATIO, support=30)
    assert (finding.value, finding.status) == (Fraction(4, 5), "INCONCLUSIVE")
    many = found(selected_counts({"A": (3, 4), "B": (12, 20)}), RATIO, support=1)
    assert many.value == Fraction(4, 5) and many.reason != "point_beyond"
    assert found(selected_counts({"A": (1500, 4000), "B": (1199, 4000)}), RATIO).status == "FAIL"


def test_a_ratio_is_proven_too_small_by_a_small_group_where_the_others_are_at_zero():
    """Rule 1 comes before the question whether the supported groups have a ratio at all."""
    finding = found(selected_counts({"A": (0, 500), "B": (0, 500), "C": (12, 12)}), RATIO)
    assert (finding.status, finding.evidence, finding.value) == ("FAIL", "CONFIRMED", 0)


def test_a_failure_names_the_thin_group_that_shows_it():
    groups = {"A": (900, 1000), "B": (0, 12), "C": (900, 1000)}
    finding = found(tpr_counts(groups))
    assert finding.low.group == ("B",) and finding.value == Fraction(9, 10)
    assert finding.interval == pytest.approx(newcombe((900, 1000), (0, 12), norm.ppf(0.975)), abs=1e-9)
    share = found(selected_counts(groups), RATIO)
    assert (share.status, share.low.group, share.value) == ("FAIL", ("B",), 0)
    assert share.lower is None and share.upper < 0.8
    thinner = tpr_counts(groups | {"B": (8, 40), "D": (1, 10)})
    assert found(thinner).low.group == ("B",)  # the group with more people shows it already
    nine = found(tpr_counts({"A": (30, 30), "B": (15, 30), "D": (0, 9)}))
    assert (nine.status, nine.low.group, nine.low.denominator) == ("FAIL", ("B",), 30)
    odds = "metric: equalized_odds, of: [g], limit: {max: 0.10}"
    assert found(tpr_counts(groups), odds).low.group == ("B",)


def test_a_small_group_that_is_not_required_does_not_take_a_ratio_its_pass():
    groups = selected_counts({"A": (600, 1000), "B": (590, 1000), "C": (6, 12)})
    assert outcome(groups, RATIO, attribute=", required: [A, B]") == ("PASS", "CONFIRMED", "within")
    assert outcome(groups, RATIO) == ("INCONCLUSIVE", "UNSUPPORTED", "too_few")


def test_a_ratio_uses_the_favourable_side():
    flagged = selected_counts({"A": (100, 1000), "B": (200, 1000)})
    assert found(flagged, RATIO).value == Fraction(1, 2)
    assert found(flagged, RATIO, favourable=0).value == Fraction(800, 900)


# Value


def base(groups):
    return counts({name: {(YES, YES): x, (NO, NO): n - x} for name, (x, n) in groups.items()})


@pytest.mark.parametrize(
    ("groups", "rule", "expected"),
    [
        ({"A": (300, 1000), "B": (500, 1000)}, "point", ("PASS", "CONFIRMED", "within")),
        ({"A": (300, 1000), "B": (50, 1000)}, "point", ("FAIL", "CONFIRMED", "beyond")),
        ({"A": (300, 1000), "B": (950, 1000)}, "point", ("FAIL", "CONFIRMED", "beyond")),
        ({"A": (300, 1000), "B": (9, 60)}, "point", ("FAIL", "UNCONFIRMED", "point_beyond")),
        ({"A": (300, 1000), "B": (9, 60)}, "confirmed", ("INCONCLUSIVE", "UNCONFIRMED", "point_beyond")),
        ({"A": (1, 6), "B": (3, 6)}, "point", ("FAIL", "UNSUPPORTED", "point_beyond")),
        ({"A": (300, 1000), "B": (13, 60)}, "point", ("INCONCLUSIVE", "UNCONFIRMED", "either_way")),
        ({"A": (300, 1000), "B": (20, 40)}, "point", ("INCONCLUSIVE", "UNSUPPORTED", "too_few")),
        ({"A": (300, 1000), "B": (500, 1000), "": (0, 300)}, "point",
         ("INCONCLUSIVE", "UNSUPPORTED", "too_many_unknown")),
    ],
)  # fmt: skip
def test_value_between(groups, rule, expected):
    check = "metric: base_rate, compare: value, of: [g], limit: {min: 0.20, max: 0.80}"
    assert outcome(base(groups), check, rule=rule) == expected


def test_a_value_is_judged_by_one_sided_wilson_bounds_and_a_limit_met_is_met():
    check = "metric: base_rate, compare: value, of: [g], limit: {min: 0.20}"
    finding = found(base({"A": (300, 1000), "B": (250, 1000)}), check)
    assert finding.low.group == ("B",)
    assert (finding.lower, finding.upper) == pytest.approx(wilson(250, 1000, norm.ppf(0.95)), abs=1e-9)
    at_limit = found(base({"A": (20, 100), "B": (60, 100)}), check)
    assert (at_limit.value, at_limit.status) == (Fraction(1, 5), "INCONCLUSIVE")


def test_a_thin_group_fails_a_value_check_only_when_it_is_proven():
    """As for gaps: with a supported group beside it, a few people are no point failure."""
    check = "metric: base_rate, compare: value, of: [g], limit: {min: 0.02, max: 0.98}"
    big = {"A": (500, 1000), "B": (500, 1000)}
    one = base({**big, "C": (1, 1)})
    assert outcome(one, check) == ("INCONCLUSIVE", "UNSUPPORTED", "too_few")
    assert outcome(one, check, attribute=", required: [A, B]") == ("PASS", "CONFIRMED", "within")
    proven = base({**big, "C": (0, 40)})
    strict = "metric: base_rate, compare: value, of: [g], limit: {min: 0.20, max: 0.98}"
    ten, nine = (base({"A": (0, n), "B": (5, n)}) for n in (10, 9))
    assert outcome(ten, strict.replace("0.20", "0.50")) == ("FAIL", "CONFIRMED", "beyond")
    assert outcome(nine, strict.replace("0.20", "0.50")) == ("FAIL", "UNSUPPORTED", "point_beyond")
    assert outcome(proven, strict, attribute=", required: [A, B]") == ("FAIL", "CONFIRMED", "beyond")


def test_a_value_that_no_group_has_was_not_run():
    check = "metric: base_rate, compare: value, of: [g], limit: {min: 0.20}"
    assert outcome(selected_counts({"A": (5, 9)}), check) == ("NOT_RUN", "UNSUPPORTED", "no_label")
    ppv = "metric: ppv, compare: value, of: [g], limit: {min: 0.20}"
    assert outcome(tpr_counts({"A": (0, 90), "B": (0, 90)}), ppv) == ("NOT_RUN", "UNSUPPORTED", "undefined")


# Criteria


def test_equalized_odds_is_the_larger_of_two():
    check = "metric: equalized_odds, of: [g], limit: {max: 0.10}"

    def both(tpr_b, fpr_b, n=1000):
        cells = {
            "A": {(YES, YES): n // 2, (YES, NO): n // 2, (NO, YES): n // 5, (NO, NO): n - n // 5},
            "B": {(YES, YES): tpr_b, (YES, NO): n - tpr_b, (NO, YES): fpr_b, (NO, NO): n - fpr_b},
        }
        return found(counts(cells), check)

    fpr_only = both(500, 400)
    assert (fpr_only.status, fpr_only.value) == ("FAIL", Fraction(1, 5))
    tpr_only = both(300, 200)
    assert (tpr_only.status, tpr_only.value) == ("FAIL", Fraction(1, 5))
    within = both(495, 220)
    assert (within.status, within.value) == ("PASS", Fraction(2, 100))
    assert both(480, 205).value == Fraction(2, 100)
    neither = found(
        counts({"A": {(YES, YES): 90, (YES, NO): 10}, "B": {(YES, YES): 88, (YES, NO): 12}}), check
    )
    assert neither.status == "NOT_RUN"  # no negatives, so half of the criterion can't be known


@pytest.mark.parametrize(
    ("criterion", "metric"),
    [("demographic_parity", "selection_rate"), ("equal_opportunity", "tpr"), ("predictive_parity", "ppv")],
)
def test_a_criterion_is_the_gap_it_stands_for(criterion, metric):
    cells = {
        "A": {(YES, YES): 800, (YES, NO): 200, (NO, YES): 300, (NO, NO): 700},
        "B": {(YES, YES): 700, (YES, NO): 300, (NO, YES): 100, (NO, NO): 900},
    }
    named = found(counts(cells), f"metric: {criterion}, of: [g], limit: {{max: 0.12}}")
    plain = found(counts(cells), f"metric: {metric}, compare: difference, of: [g], limit: {{max: 0.12}}")
    fields = ("status", "evidence", "reason", "value", "lower", "upper")
    assert [getattr(named, f) for f in fields] == [getattr(plain, f) for f in fields]


# Label coverage


def test_label_coverage_has_a_limit_of_its_own():
    def covered(a, b, check="metric: label_coverage, of: [g]"):
        groups = {"A": a, "B": b}
        cells = {g: {(YES, YES): x, (NEITHER, NO): n - x} for g, (x, n) in groups.items()}
        return found(counts(cells), check)

    assert covered((990, 1000), (985, 1000)).limit == Fraction(5, 100)
    assert covered((990, 1000), (985, 1000)).status == "PASS"
    assert covered((990, 1000), (600, 1000)).status == "FAIL"
    assert covered((95, 100), (90, 100)).status == "INCONCLUSIVE"  # exactly .05 is not over it
    wider = "metric: label_coverage, of: [g], limit: {max: 0.5}"
    assert covered((990, 1000), (600, 1000), wider).status == "PASS"


# Calibration and AUC


def calibrated(rows, observed):
    """Half the rows of each group at .3 and half at .7; a share of them, `observed`, is positive."""
    cells = {}
    for name, (n, share) in {g: (n, observed[g]) for g, n in rows.items()}.items():
        cells[name] = {}
        for score in (0.3, 0.7):
            positives = round(n / 2 * (share + score - 0.5))
            decision = YES if score >= 0.5 else NO
            cells[name] |= {(YES, decision, score): positives, (NO, decision, score): n // 2 - positives}
    return counts(cells)


def test_calibration_gap():
    check = "metric: calibration_in_the_large, of: [g], limit: {max: 0.08}"
    even = {"A": 0.5, "B": 0.51}
    assert outcome(calibrated({"A": 4000, "B": 4000}, even), check) == ("PASS", "CONFIRMED", "within")
    assert outcome(calibrated({"A": 4000, "B": 40}, even), check)[:2] == ("INCONCLUSIVE", "UNSUPPORTED")
    apart = found(calibrated({"A": 4000, "B": 4000}, {"A": 0.5, "B": 0.7}), check)
    assert (apart.status, apart.evidence) == ("FAIL", "CONFIRMED")
    assert float(apart.value) == pytest.approx(0.2, abs=1e-9)
    assert apart.high.numerator is None and apart.chance is None
    assert outcome(tpr_counts({"A": (5, 9), "B": (5, 9)}), check) == ("NOT_RUN", "UNSUPPORTED", "no_score")


def test_one_outcome_only_is_no_certainty():
    check = "metric: calibration_in_the_large, of: [g], limit: {max: 0.05}"
    twelve = counts({"A": {(YES, YES, 0.95): 12}, "B": {(YES, YES, 0.8): 12}})
    assert found(twelve, check).evidence != "CONFIRMED"
    eventless = counts({g: {(NO, NO, 0.03): 60} for g in "AB"})
    assert found(eventless, check).status == "INCONCLUSIVE"
    brier = "metric: brier, of: [g], limit: {max: 0.05}"
    many = counts({g: {(NO, NO, 0.03): 200} for g in "AB"})
    assert found(many, brier).status == "INCONCLUSIVE"
    apart = counts({"A": {(YES, YES, 0.95): 200}, "B": {(YES, YES, 0.5): 200}})
    assert found(apart, brier).evidence == "UNCONFIRMED"


def test_calibration_needs_a_probability():
    scale = Bands(edges=BANDS.edges, low=Fraction(1), high=Fraction(10), threshold=Fraction(5))
    deciles = counts({g: {(YES, YES, 0.7): 90, (NO, NO, 0.2): 90} for g in "AB"}, bands=scale)
    check = "metric: calibration_in_the_large, of: [g], limit: {max: 0.08}"
    assert outcome(deciles, check) == ("NOT_RUN", "UNSUPPORTED", "not_computed")


def ranks(group, positives, negatives):
    sums = rank_sums(np.array(positives, dtype=np.int64), np.array(negatives, dtype=np.int64))
    return GroupRanks(attribute="g", group=group, sums=sums)


def test_auc_gap():
    check = "metric: auc, of: [g], limit: {max: 0.10}"
    cells = {g: {(YES, YES, 0.7): 600, (NO, NO, 0.3): 600} for g in "AB"}
    same = counts(cells, ranks=(ranks("A", [200, 400], [400, 200]), ranks("B", [190, 410], [400, 200])))
    assert outcome(same, check) == ("PASS", "CONFIRMED", "within")
    worse = counts(cells, ranks=(ranks("A", [60, 540], [540, 60]), ranks("B", [300, 300], [300, 300])))
    finding = found(worse, check)
    assert (finding.status, finding.evidence) == ("FAIL", "CONFIRMED")
    assert finding.value == Fraction(9, 10) - Fraction(1, 2)
    assert outcome(counts(cells), check) == ("NOT_RUN", "UNSUPPORTED", "not_computed")
    one_class = counts(
        {g: {(YES, YES, 0.7): 600} for g in "AB"},
        ranks=(ranks("A", [5, 5], [0, 0]), ranks("B", [5, 5], [0, 0])),
    )
    assert outcome(one_class, check) == ("NOT_RUN", "UNSUPPORTED", "undefined")


# Coverage, overlap, drift


def test_coverage():
    check = "metric: coverage, of: [g]"
    full = selected_counts({"A": (30, 60), "B": (20, 50)})
    assert outcome(full, check) == ("PASS", "CONFIRMED", "within")
    thin = found(selected_counts({"A": (30, 60), "B": (20, 49)}), check)
    assert (thin.status, thin.evidence, thin.reason) == ("INCONCLUSIVE", "UNSUPPORTED", "thin_group")
    assert (thin.names, thin.needs.more, thin.value) == (("B",), 1, Fraction(1, 2))
    missing = found(full, check, attribute=", required: [A, B, C]")
    assert (missing.status, missing.evidence, missing.names) == ("FAIL", "CONFIRMED", ("C",))
    only_unknown = found(selected_counts({"": (30, 60)}), check)
    assert (only_unknown.status, only_unknown.reason) == ("INCONCLUSIVE", "one_group")


def test_coverage_notices_an_empty_band():
    """The contract's own cuts list the groups; a band without a row is missing, not out of the question."""
    check = "metric: coverage, of: [g]"
    cuts = ", from: {column: age, edges: [0, 30, 60], labels: [young, old]}"
    finding = found(selected_counts({"young": (30, 60)}), check, attribute=cuts)
    assert (finding.status, finding.evidence, finding.names) == ("FAIL", "CONFIRMED", ("old",))
    named = cuts + ", required: [young]"
    assert outcome(selected_counts({"young": (30, 60)}), check, attribute=named)[0] == "PASS"


def test_overlap_counts_exactly():
    check = "metric: overlap, limit: {max: 2}"
    cells = {"A": {(YES, YES): 9}}

    def shared(n):
        return found(counts(cells, overlap=shared_of(n), has_train=True), check)

    assert [shared(n).status for n in (0, 2, 3)] == ["PASS", "PASS", "FAIL"]
    assert (shared(3).evidence, shared(3).reason, shared(3).value) == ("CONFIRMED", "shared_ids", 3)
    assert outcome(counts(cells), check) == ("NOT_RUN", "UNSUPPORTED", "no_train")
    assert outcome(counts(cells, has_train=True), check) == ("NOT_RUN", "UNSUPPORTED", "no_id")
    alone = counts(cells, has_train=True, has_evaluation=False)
    assert outcome(alone, check) == ("NOT_RUN", "UNSUPPORTED", "no_evaluation")


def shared_of(shared, **changes):
    """Ids of two files of nine rows, each with an id of its own unless told otherwise."""
    full = {"train_ids": 9, "train_rows": 9, "train_without_id": 0}
    full |= {key.replace("train", "evaluation"): value for key, value in full.items()}
    return Overlap(shared=shared, **(full | changes))


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, ("PASS", "CONFIRMED", "within")),
        ({"train_ids": 0, "train_without_id": 9}, ("NOT_RUN", "UNSUPPORTED", "no_id")),
        ({"evaluation_ids": 0, "evaluation_without_id": 9}, ("NOT_RUN", "UNSUPPORTED", "no_id")),
        ({"train_ids": 8, "train_without_id": 1}, ("INCONCLUSIVE", "UNSUPPORTED", "ids_missing")),
        ({"evaluation_ids": 1, "evaluation_without_id": 8}, ("INCONCLUSIVE", "UNSUPPORTED", "ids_missing")),
        (
            dict.fromkeys(
                ("train_rows", "train_without_id", "evaluation_rows", "evaluation_without_id"), None
            ),
            ("INCONCLUSIVE", "UNSUPPORTED", "ids_missing"),
        ),
    ],
)
def test_rows_without_an_id_never_show_that_nobody_is_shared(changes, wanted):
    check = "metric: overlap, limit: {max: 0}"
    cells = {"A": {(YES, YES): 9}}
    assert outcome(counts(cells, overlap=shared_of(0, **changes), has_train=True), check) == wanted
    if changes.get("train_ids") != 0 and changes.get("evaluation_ids") != 0:
        shared = counts(cells, overlap=shared_of(1, **changes), has_train=True)
        assert outcome(shared, check) == ("FAIL", "CONFIRMED", "shared_ids")


def drifted(**features):
    tables = tuple(
        DriftTable(feature=name, kind=kind, attribute="", group=group, labels=tuple(map(str, before)),
                   edges=(), reference=before, current=after, new_categories=())
        for name, (kind, group, before, after) in features.items()
    )  # fmt: skip
    return counts({"A": {(YES, YES): 9}}, drift=tables, has_train=True)


SAME, SMALL, LARGE = (500, 500, 500), (700, 500, 300), (900, 500, 100)
LIMITS = "limit: {warn: 0.10, max: 0.25}"


@pytest.mark.parametrize(
    ("current", "expected", "warned"),
    [
        (SAME, ("PASS", "CONFIRMED", "within"), False),
        (SMALL, ("PASS", "CONFIRMED", "within"), True),
        (LARGE, ("FAIL", "CONFIRMED", "drifted"), False),
        ((4, 4, 4), ("INCONCLUSIVE", "UNSUPPORTED", "drift_insufficient"), False),
    ],
)
def test_drift(current, expected, warned):
    counted = drifted(x=("numeric", "", SAME, current), y=("categorical", "", SAME, SAME))
    check = f"metric: psi, features: all, {LIMITS}"
    finding = found(counted, check)
    assert (finding.status, finding.evidence, finding.reason) == expected
    assert (finding.warned, finding.high.group) == (warned, ("x",))


def test_drift_uses_the_contracts_limits_and_names_what_moved():
    counted = drifted(x=("numeric", "", SAME, SMALL), y=("categorical", "", SAME, LARGE))
    check = f"metric: psi, features: all, {LIMITS}"
    assert found(counted, check).names == ("y",)
    assert outcome(counted, "metric: psi, features: all, limit: {max: 2}")[0] == "PASS"
    assert outcome(counted, "metric: psi, features: all, limit: {warn: 0.01, max: 0.05}")[0] == "FAIL"
    assert outcome(counted, f"metric: psi, features: [x], {LIMITS}")[0] == "PASS"


def test_drift_is_about_the_features_and_everybody():
    """The score's own drift, and drift inside a group, are shown and not gated by this check."""
    counted = drifted(
        x=("numeric", "", SAME, SAME), s=("score", "", SAME, LARGE), d=("decision", "", SAME, LARGE),
        v=("numeric", "A", SAME, LARGE),
    )  # fmt: skip
    assert outcome(counted, f"metric: psi, features: all, {LIMITS}")[0] == "PASS"
    assert outcome(counts({"A": {(YES, YES): 9}}), f"metric: psi, features: all, {LIMITS}") == (
        "NOT_RUN", "UNSUPPORTED", "no_train",
    )  # fmt: skip


def test_a_training_sample_without_a_common_input_is_not_a_missing_one():
    check = f"metric: psi, features: all, {LIMITS}"
    nothing = counts({"A": {(YES, YES): 9}}, has_train=True)
    assert outcome(nothing, check) == ("NOT_RUN", "UNSUPPORTED", "no_features")
    labels = drifted(v=("label", "", SAME, SAME))
    assert outcome(labels, check) == ("NOT_RUN", "UNSUPPORTED", "no_features")


def test_a_listed_feature_that_was_not_compared_is_never_passed_over():
    counted = drifted(x=("numeric", "", SAME, SAME))
    some = found(counted, f"metric: psi, features: [x, z], {LIMITS}")
    assert (some.status, some.reason, some.names) == ("INCONCLUSIVE", "drift_insufficient", ("z",))
    none = found(counted, f"metric: psi, features: [z], {LIMITS}")
    assert (none.status, none.names) == ("INCONCLUSIVE", ("z",))


def test_the_feature_that_is_shown_is_one_that_decides():
    """A feature with too few rows per bin may show any PSI; it does not stand for one that failed."""
    wide = tuple([4] * 400), (1599, *([0] * 398), 1)
    counted = drifted(x=("categorical", "", *wide), y=("numeric", "", SAME, LARGE))
    finding = found(counted, f"metric: psi, features: all, {LIMITS}")
    assert (finding.status, finding.names, finding.high.group) == ("FAIL", ("y",), ("y",))


# What could not run


def test_not_run_reasons():
    decided = tpr_counts({"A": (50, 60), "B": (50, 60)})
    undecided = counts({g: {(YES, ABSENT): 50, (NO, ABSENT): 50} for g in "AB"})
    regression = "metric: tpr, against: baseline, of: [g], limit: {max_increase: 0.02}"
    assert outcome(decided, regression) == ("NOT_RUN", "UNSUPPORTED", "no_baseline")
    assert outcome(decided, TPR.replace("[g]", "[other]")) == ("NOT_RUN", "UNSUPPORTED", "no_attribute")
    assert outcome(undecided, TPR) == ("NOT_RUN", "UNSUPPORTED", "no_decision")
    assert outcome(undecided, "metric: equalized_odds, of: [g], limit: {max: 0.1}")[2] == "no_decision"
    assert outcome(undecided, "metric: base_rate, compare: value, of: [g], limit: {min: 0.2}")[0] == "PASS"
    assert outcome(selected_counts({"A": (5, 9), "B": (5, 9)}), TPR)[::2] == ("NOT_RUN", "no_label")
    assert outcome(decided, "metric: brier, of: [g], limit: {max: 0.1}")[::2] == ("NOT_RUN", "no_score")
    assert outcome(decided, "metric: flip_rate, of: [g], limit: {max: 0.1}")[::2] == (
        "NOT_RUN",
        "not_computed",
    )


def test_stages_that_were_not_asked_for_are_out_of_scope():
    chosen, counted = contract(), tpr_counts({"A": (50, 60), "B": (50, 60)})
    assert judge(chosen, counted, measure(chosen, counted), ("data",)) == ()


# Warnings


@pytest.mark.parametrize(
    ("check", "counted"),
    [
        (TPR.replace("max: 0.10", "warn: 0.001, max: 0.10"),
         tpr_counts({"A": (880, 1000), "B": (870, 1000)})),
        (RATIO.replace("min: 0.80", "warn: 0.999, min: 0.80"),
         selected_counts({"A": (600, 1000), "B": (590, 1000)})),
        ("metric: base_rate, compare: value, of: [g], limit: {warn: 0.45, max: 0.80}",
         base({"A": (300, 1000), "B": (500, 1000)})),
        ("metric: base_rate, compare: value, of: [g], limit: {warn: 0.45, min: 0.20}",
         base({"A": (300, 1000), "B": (500, 1000)})),
    ],
)  # fmt: skip
def test_a_warning_tells_and_changes_no_status(check, counted):
    warned = found(counted, check)
    assert (warned.status, warned.warned) == ("PASS", True)
    calm = check.replace("warn: 0.001, ", "").replace("warn: 0.999, ", "").replace("warn: 0.45, ", "")
    assert not found(counted, calm).warned


# Laws


PAIR = st.integers(0, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
GROUPS = st.dictionaries(st.sampled_from("ABCDE"), PAIR, min_size=1, max_size=5)
LIMIT = st.integers(1, 60).map(lambda hundredths: Fraction(hundredths, 100))
SUPPORT = st.sampled_from([1, 10, 50])
# Rates near each other and many people, so that PASS is met often enough to be tested.
CLOSE = st.tuples(
    st.integers(20, 80), st.lists(st.tuples(st.integers(-4, 4), st.integers(1, 30)), min_size=2, max_size=4)
)


@st.composite
def tables(draw):
    if draw(st.booleans()):
        return draw(GROUPS)
    rate, members = draw(CLOSE)
    return {
        name: ((rate + off) * size, 100 * size) for name, (off, size) in zip("ABCD", members, strict=False)
    }


def at_limit(groups, limit, support=50, rule="point", attribute="", metric="tpr"):
    """(contract, counts, finding) of a difference, or of a selection ratio, at any limit."""
    ratio = metric == "ratio"
    chosen = contract(RATIO if ratio else TPR, support=support, rule=rule, attribute=attribute)
    check = chosen.checks[0]
    moved = replace(check.limit, min=limit) if ratio else replace(check.limit, max=limit)
    chosen = replace(chosen, checks=(replace(check, limit=moved),))
    # A group without positives is there through its negatives.
    cells = {
        g: {(YES, YES): x, (YES, NO): n - x, (NO, NO): 0 if ratio else 1} for g, (x, n) in groups.items()
    }
    counted = counts(cells)
    return chosen, counted, judge(chosen, counted, measure(chosen, counted), STAGES)[0]


@settings(max_examples=80, deadline=None)
@given(tables(), LIMIT, SUPPORT, st.sampled_from(["point", "confirmed"]))
def test_the_status_is_the_one_on_the_page(groups, limit, support, rule):
    _, _, finding = at_limit(groups, limit, support, rule)
    held = [pair for pair in groups.values() if pair[1]]
    edges = [
        *bounds([p for p in held if p[1] >= 10]),
        *bounds(held),
        *bounds([p for p in held if p[1] >= support]),
    ]
    assume(all(abs(edge - limit) > 1e-7 for edge in edges))  # where rounding alone would decide
    assert (finding.status, finding.evidence) == by_the_page(groups, limit, support, rule)


@settings(max_examples=60, deadline=None)
@given(tables(), LIMIT, SUPPORT)
def test_a_pass_has_every_required_group_at_support_and_its_upper_bound_within(groups, limit, support):
    _, _, finding = at_limit(groups, limit, support)
    if finding.status == "PASS":
        assert len(groups) >= 2 and all(n >= support for _, n in groups.values())
        assert bounds(list(groups.values()))[1] <= limit + 1e-9
        assert finding.upper <= limit and finding.value <= limit and finding.evidence == "CONFIRMED"


@settings(max_examples=40, deadline=None)
@given(tables(), LIMIT, LIMIT, st.sampled_from(["tpr", "ratio"]))
def test_a_wider_limit_never_takes_a_pass_away(groups, one, two, metric):
    groups = {g: pair for g, pair in groups.items() if pair[1]} or {"A": (1, 2)}
    narrow, wide = min(one, two), max(one, two)
    if metric == "ratio":  # the smaller minimum is the wider limit
        narrow, wide = wide, narrow
    order = ("FAIL", "INCONCLUSIVE", "NOT_RUN", "PASS")
    first, second = (at_limit(groups, limit, metric=metric)[2] for limit in (narrow, wide))
    assert order.index(second.status) >= order.index(first.status)


@settings(max_examples=40, deadline=None)
@given(tables(), LIMIT, st.sampled_from("ABCDE"), st.integers(0, 49), st.sampled_from(["tpr", "ratio"]))
def test_too_little_evidence_is_never_a_pass(groups, limit, thin, rows, metric):
    groups = {g: pair for g, pair in groups.items() if pair[1] and g != thin}
    groups[thin] = (rows // 2, rows) if metric == "tpr" or rows else (1, 1)
    assert at_limit(groups, limit, metric=metric)[2].status != "PASS"
    alone = {thin: (300, 400)}
    assert at_limit(alone, limit, metric=metric)[2].status != "PASS"


@settings(max_examples=40, deadline=None)
@given(tables(), LIMIT, SUPPORT, st.permutations("ABCDE"))
def test_names_do_not_matter_and_judging_twice_gives_the_same(groups, limit, support, names):
    chosen, counted, finding = at_limit(groups, limit, support)
    assert judge(chosen, counted, measure(chosen, counted), STAGES) == (finding,)
    renamed = {names["ABCDE".index(g)]: pair for g, pair in groups.items()}
    _, _, other = at_limit(renamed, limit, support)
    same = ("status", "evidence", "reason", "value")
    assert [getattr(finding, name) for name in same] == [getattr(other, name) for name in same]
    assert finding.upper == pytest.approx(other.upper, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(tables(), LIMIT, st.integers(1, 400))
def test_people_of_unknown_group_never_help(groups, limit, unknown):
    _, _, before = at_limit(groups, limit)
    _, _, after = at_limit({**groups, "": (0, unknown)}, limit)
    if before.status != "PASS":
        assert after.status == before.status
    else:
        many = 10 * (unknown + 1) > sum(n + 1 for _, n in groups.values()) + unknown + 1
        assert after.status == ("INCONCLUSIVE" if many else "PASS")

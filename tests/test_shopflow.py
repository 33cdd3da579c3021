"""The lesson's twenty rows as an evaluation set sliced by wording: the printed numbers and the verdict."""

import re
import shutil
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pytest
from test_judge import found, tpr_counts

from audit_core.audit import AuditRequest, run_audit
from audit_core.cli import main
from audit_core.evidence.workspace import Workspace
from audit_core.metrics.estimate import TooFew
from audit_core.metrics.intervals import wilson
from audit_core.metrics.planner import people_to_pass
from audit_core.report.sentences import sentence

FOLDER = Path(__file__).resolve().parent.parent / "sample_data" / "shopflow"
AS_OF = datetime(2026, 11, 16, tzinfo=UTC)
Z_LEGACY = 1.96
# What the lesson prints, with z = 1.96.
PRINTED = {"formal": (5, 6, 0.43649056343635395, 0.9699474141282697),
           "conversational": (3, 6, 0.18761280689940868, 0.8123871931005913)}  # fmt: skip
MISSING = ("representative_reviewed_slice_set", "approved_group_definition_and_privacy_review",
           "production_monitoring_owner", "minimum_positive_and_negative_support")  # fmt: skip


def audited(name, folder, contract=None):
    request = AuditRequest(
        contract=contract or (FOLDER / "contract.yaml").read_bytes(), contract_name="contract.yaml",
        evaluation=FOLDER / f"{name}.csv", as_of=AS_OF,
    )  # fmt: skip
    return run_audit(request, Workspace(folder))


@pytest.fixture(scope="module")
def baseline(tmp_path_factory):
    return audited("baseline", tmp_path_factory.mktemp("baseline"))


@pytest.fixture(scope="module")
def candidate(tmp_path_factory):
    return audited("candidate", tmp_path_factory.mktemp("candidate"))


def rate(audit, variant, metric):
    return audit.measurements.rate(("variant",), (variant,), metric)


@pytest.mark.parametrize(
    ("variant", "metric", "expected"),
    [
        ("formal", "selection_rate", (6, 10)),
        ("formal", "tpr", (5, 6)),
        ("formal", "fpr", (1, 4)),
        ("conversational", "selection_rate", (3, 10)),
        ("conversational", "tpr", (3, 6)),
        ("conversational", "fpr", (0, 4)),
    ],
)
def test_baseline_rates(baseline, variant, metric, expected):
    found = rate(baseline, variant, metric)
    assert isinstance(found, TooFew)
    assert (found.numerator, found.denominator) == expected


@pytest.mark.parametrize("variant", PRINTED)
def test_wilson_limits_to_the_printed_digit(baseline, variant):
    x, n, low, high = PRINTED[variant]
    assert wilson(x, n, Z_LEGACY) == pytest.approx((low, high), abs=1e-6)
    found = rate(baseline, variant, "tpr")
    shown = [f"{100 * edge:.1f}" for edge in (found.low, found.high)]
    assert shown == {"formal": ["43.6", "97.0"], "conversational": ["18.8", "81.2"]}[variant]
    apart = max(abs(found.low - low), abs(found.high - high))
    assert 0 < apart < 2e-5  # the product's z is exact, the lesson's is 1.96


def test_baseline_gaps_and_statuses(baseline):
    tpr, fpr = baseline.finding("tpr_gap"), baseline.finding("fpr_guard")
    assert (tpr.value, fpr.value) == (Fraction(1, 3), Fraction(1, 4))
    assert {(f.status, f.evidence, f.reason) for f in (tpr, fpr)} == {("FAIL", "UNSUPPORTED", "point_beyond")}
    assert (tpr.high.group, tpr.low.group) == (("formal",), ("conversational",))
    assert (tpr.lower, tpr.upper) == pytest.approx((0.0, 0.6402925340135113), abs=1e-6)
    assert (fpr.lower, fpr.upper) == pytest.approx((0.0, 0.6438319914014938), abs=1e-6)
    assert (tpr.chance, fpr.chance) == pytest.approx((0.3562690872552171, 0.5389934778213503), abs=1e-9)
    calibration = baseline.finding("calibration")
    assert calibration.status in ("FAIL", "INCONCLUSIVE") and calibration.evidence == "UNSUPPORTED"


def test_baseline_support_is_not_met_and_the_release_is_blocked(baseline):
    support = next(r for r in baseline.requirements if r.computed)
    assert (support.id, support.met) == ("minimum_positive_and_negative_support", False)
    assert "formal has 6 positives and 4 negatives" in support.evidence
    assert "50 positives and 30 negatives are needed" in support.evidence
    assert (baseline.decision.verdict, baseline.decision.exit_code) == ("BLOCKED", 1)
    unmet = [r.subject for r in baseline.decision.reasons if r.ground == "requirement"]
    assert sorted(unmet) == sorted(MISSING)
    assert {r.subject for r in baseline.decision.reasons if r.ground == "critical_fail"} == {
        "tpr_gap",
        "fpr_guard",
    }


def test_intersections_are_all_too_few(baseline):
    for channel in ("chat", "email"):
        for variant in PRINTED:
            found = baseline.measurements.rate(("channel", "variant"), (channel, variant), "tpr")
            assert isinstance(found, TooFew)
            assert found.denominator == 3


@pytest.mark.parametrize(
    ("variant", "bands"),
    [
        ("formal", [(4, 1), (5, 4), (1, 1)]),
        ("conversational", [(7, 3), (3, 3), (0, 0)]),
    ],
)
def test_calibration_bands_are_the_lessons(baseline, variant, bands):
    row = next(
        r for r in baseline.measurements.calibration if (r.subject, r.group) == (("variant",), (variant,))
    )
    found = [(band.n, getattr(band.observed, "numerator", 0)) for band in row.calibration.bands]
    assert found == bands
    assert all(not hasattr(band.observed, "numerator") or isinstance(band.observed, TooFew)
               for band in row.calibration.bands)  # fmt: skip


def test_the_repaired_candidate_has_equal_rates_and_is_still_not_approved(candidate):
    """Equal rates on ten pairs show nothing, and four facts are missing: the requirements block it."""
    for metric, expected in (("selection_rate", (5, 10)), ("tpr", (5, 6)), ("fpr", (0, 4))):
        for variant in PRINTED:
            found = rate(candidate, variant, metric)
            assert (found.numerator, found.denominator) == expected
    tpr, fpr = candidate.finding("tpr_gap"), candidate.finding("fpr_guard")
    assert (tpr.value, fpr.value) == (0, 0)
    assert tpr.chance == pytest.approx(1.0)
    assert {(f.status, f.evidence, f.reason) for f in (tpr, fpr)} == {
        ("INCONCLUSIVE", "UNSUPPORTED", "too_few")
    }
    assert tpr.high.group == tpr.low.group == ("formal",)  # the first in the contract's order wins a tie
    assert (candidate.decision.verdict, candidate.decision.exit_code) == ("BLOCKED", 1)
    blocking = [
        r for r in candidate.decision.reasons if r.ground in ("requirement", "critical_fail", "major_fail")
    ]
    assert {r.ground for r in blocking} == {"requirement"}
    assert sorted(r.subject for r in blocking) == sorted(MISSING)


def test_with_every_stated_requirement_met_support_alone_still_blocks_it(tmp_path):
    text = (FOLDER / "contract.yaml").read_text(encoding="utf-8")
    text = re.sub(r"met: false[^}]*", 'met: true, by: data_scientist, evidence: "memo"', text)
    audit = audited("candidate", tmp_path / "a", text.encode())
    assert audit.decision.verdict == "BLOCKED"
    assert [r.subject for r in audit.decision.reasons if r.ground == "requirement"] == [MISSING[-1]]
    without = "\n".join(line for line in text.splitlines() if MISSING[-1] not in line).encode()
    audit = audited("candidate", tmp_path / "b", without)
    assert (audit.decision.verdict, audit.decision.exit_code) == ("INCONCLUSIVE", 2)


def test_the_candidate_says_how_many_people_its_checks_would_take(candidate):
    """Gap 0 on twenty rows shows nothing: the words carry the numbers, and that one wording is not enough."""
    tpr, fpr = candidate.finding("tpr_gap"), candidate.finding("fpr_guard")
    said = {find.check: sentence(find, candidate) for find in (tpr, fpr)}
    positives, negatives = (find.needs.groups for find in (tpr, fpr))
    assert {need.group for need in positives} == {("formal",), ("conversational",)}
    assert {need.have for need in positives} == {6}
    assert {need.have for need in negatives} == {4}
    for find, groups, unit in ((tpr, positives, "positives"), (fpr, negatives, "negatives")):
        assert all(need.more > 0 and need.rows > need.more for need in groups)
        more = f"{groups[0].more} more {unit} of {groups[0].group[0]}"
        assert f"To decide, about {more} (about {groups[0].rows} rows)" in said[find.check]
        assert said[find.check].endswith(
            "are needed, if the true gap is 0. More of one group alone cannot decide it."
        )
    # 10 of 12 positives: rate (10 + ½)/13; two equal groups at ten points.
    assert {need.needed for need in positives} == {people_to_pass(10.5 / 13, 2, 0.1)}
    assert tpr.needs.undated == "no_window"


def test_two_groups_of_a_thousand_one_point_apart_are_within_ten_points():
    """The other side of the same rule: enough people, and a small gap is shown to be within the limit."""
    pairs = {"formal": (810, 1000), "conversational": (800, 1000)}
    finding = found(tpr_counts(pairs))
    assert (finding.status, finding.evidence, finding.reason) == ("PASS", "CONFIRMED", "within")
    assert (finding.value, finding.needs) == (Fraction(1, 100), None)
    assert 0.01 < finding.upper < 0.045


@pytest.mark.parametrize("name", ["baseline", "candidate"])
def test_the_command_line_blocks_both(name, tmp_path, capsys):
    contract = shutil.copy(FOLDER / "contract.yaml", tmp_path / "contract.yaml")
    code = main(["audit", "--contract", str(contract), "--eval", str(FOLDER / f"{name}.csv"), "--quiet",
                 "--workspace", str(tmp_path / "w"), "--as-of", "2026-11-16"])  # fmt: skip
    assert code == 1
    assert capsys.readouterr() == ("", "")

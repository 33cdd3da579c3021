"""From counts to a decision: what no check looks at, and what moving a limit does."""

from dataclasses import replace
from datetime import UTC, date, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_factory import CONTRACT, audit_of, contract_of, counted

from audit_core.audit import run as verbs
from audit_core.audit import with_limit
from audit_core.cube.axes import NEITHER
from audit_core.decision.assess import assess, decided_on, period_end, withheld_grounds
from audit_core.decision.redecided import redecide
from audit_core.decision.robustness import robustness
from audit_core.decision.trial import at_thresholds
from audit_core.findings.implied import is_implied, with_implied_checks

AS_OF = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
STAGES = ("data", "training", "predeploy")
CHECKS = """\
checks:
  - {id: tpr_gap, stage: training, metric: tpr, compare: difference, of: [gender], limit: {max: 0.15}, severity: critical, owner: ml_owner, why: w}
"""  # noqa: E501
PASSING = CONTRACT[: CONTRACT.index("checks:")] + CHECKS + CONTRACT[CONTRACT.index("roles:") :]
FAIR = counted(rows=8000, penalty=0.0, gender={"man": 0.5, "woman": 0.5})


def decided(text=PASSING, counts=FAIR, as_of=AS_OF):
    return assess(contract_of(text), counts, STAGES, as_of)


def grounds(text=PASSING, as_of=AS_OF, last_window="2026-10"):
    counts = replace(FAIR, intake=replace(FAIR.intake, last_window=last_window))
    return [(reason.ground, reason.subject) for reason in withheld_grounds(contract_of(text), counts, as_of)]


def aged(limit):
    return PASSING.replace("data:\n", f"data:\n  max_age: {limit}\n")


def test_an_approved_contract_with_everything_passing_approves():
    found = decided()
    assert [f.status for f in found.findings] == ["PASS"]
    assert (found.decision.verdict, found.decision.reasons) == ("APPROVED", ())


@pytest.mark.parametrize("status", ["draft", "retired"])
def test_only_an_approved_contract_approves(status):
    found = decided(PASSING.replace("status: approved", f"status: {status}"))
    assert (found.decision.verdict, found.decision.exit_code) == ("INCONCLUSIVE", 2)
    assert [reason.ground for reason in found.decision.reasons] == [f"contract_{status}"]


def test_a_draft_can_still_block():
    text = CONTRACT.replace("status: approved", "status: draft")
    assert assess(contract_of(text), counted(penalty=2.0), STAGES, AS_OF).decision.verdict == "BLOCKED"


@pytest.mark.parametrize(
    ("as_of", "passed"),
    [
        (datetime(2027, 5, 1, 23, 59, tzinfo=UTC), False),
        (datetime(2027, 5, 2, 0, 0, tzinfo=UTC), True),
    ],
)
def test_the_review_date_is_the_last_good_day(as_of, passed):
    assert grounds(as_of=as_of) == ([("review_date_passed", "2027-05-01")] if passed else [])
    assert decided(as_of=as_of).decision.verdict == ("INCONCLUSIVE" if passed else "APPROVED")


@pytest.mark.parametrize(
    ("limit", "window", "ground"),
    [
        ("20 days", "2026-10", None),  # October ends 20 days before the 20th of November
        ("19 days", "2026-10", "data_too_old"),
        ("3 weeks", "2026-10", None),
        ("1 month", "2026Q3", "data_too_old"),
        ("60 days", "2026Q3", None),
        ("30 days", "2026-11", None),  # a month that has not ended is not old
        ("30 days", "2026-12", "data_age_unknown"),  # no row can be from a month that has not begun
        ("120 days", "2031-01", "data_age_unknown"),
        ("30 days", "2026-11-21", None),  # a day ahead is another time zone
        ("30 days", "2026-11-22", "data_age_unknown"),
        ("60 days", "2026-W41", None),
        ("30 days", "2026-W41", "data_too_old"),
        ("120 days", "week 12", "data_age_unknown"),
        ("120 days", "2026-13", "data_age_unknown"),
    ],
)
def test_the_age_of_the_data(limit, window, ground):
    assert [name for name, _ in grounds(aged(limit), last_window=window)] == ([ground] if ground else [])


def test_without_a_window_the_stated_version_tells_the_age():
    assert grounds(aged("20 days"), last_window="") == []
    silent = aged("20 days").replace(", evaluation: 2026-10", "")
    assert grounds(silent, last_window="") == [("data_age_unknown", "")]
    assert grounds(last_window="") == []  # a contract without max_age asks for no age


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("2026", date(2026, 12, 31)),
        ("2026Q1", date(2026, 3, 31)),
        ("2026-Q4", date(2026, 12, 31)),
        ("2024-02", date(2024, 2, 29)),
        ("2026-02", date(2026, 2, 28)),
        ("2026-10-05", date(2026, 10, 5)),
        ("2026-10-05T09:30:00Z", date(2026, 10, 5)),
        (" 2026-10 ", date(2026, 10, 31)),
        ("2026-W41", date(2026, 10, 11)),
    ],
)
def test_the_last_day_of_a_period(text, end):
    assert period_end(text) == end


@pytest.mark.parametrize("text", ["", "October", "2026-00", "2026-13", "2026-02-30", "2026Q5", "26-10",
                                  "2026-1", "20261005", "2026-10-5", "2026-10-00", "0000-01"])  # fmt: skip
def test_a_period_that_can_not_be_read_is_unknown(text):
    assert period_end(text) is None


@given(st.text(max_size=12))
def test_no_text_breaks_the_reading_of_a_period(text):
    assert period_end(text) is None or period_end(text).year >= 1


def with_support(least):
    line = "  - {id: minimum_positive_and_negative_support, computed: true}\nchecks:"
    text = PASSING.replace("checks:", line, 1)
    return text.replace("requirements:", f"support: {least}\nrequirements:", 1)


def test_minimum_support_is_worked_out_in_every_required_group():
    enough = decided(with_support("{positives: 20, negatives: 20}"))
    state = enough.requirements[-1]
    assert (state.met, state.computed, state.blocking) == (True, True, True)
    assert enough.decision.verdict == "APPROVED"
    short = decided(with_support("{positives: 50, negatives: 100}"))
    state = short.requirements[-1]
    assert not state.met
    assert "Indigenous has " in state.evidence and "50 positives and 100 negatives" in state.evidence
    assert (short.decision.verdict, short.decision.exit_code) == ("BLOCKED", 1)
    assert short.decision.reasons[0].subject == "minimum_positive_and_negative_support"


def test_a_group_that_is_listed_and_absent_has_no_support():
    counts = counted(rows=8000, penalty=0.0, gender={"man": 1.0})
    state = decided(with_support("{positives: 5, negatives: 5}"), counts).requirements[-1]
    assert not state.met and "woman has 0 positives and 0 negatives" in state.evidence


def test_a_requirement_the_tool_can_not_work_out_is_not_met():
    line = "  - {id: stars_align, computed: true}\nchecks:"
    assert decided(PASSING.replace("checks:", line, 1)).decision.verdict == "BLOCKED"


@pytest.fixture(scope="module")
def audit():
    return audit_of(counts=counted(rows=8000, penalty=0.35))


def test_another_limit_flips_the_finding_without_counting_or_measuring_again(audit, monkeypatch):
    def forbidden(*_arguments, **_named):
        raise AssertionError("counted or measured again")

    monkeypatch.setattr(verbs, "count", forbidden)
    monkeypatch.setattr("audit_core.decision.assess.measure", forbidden)
    before = audit.finding("tpr_gap_gender")
    assert before.status != "PASS" and audit.decision.verdict == "BLOCKED"
    wide = with_limit(audit, "tpr_gap_gender", Fraction(60, 100))
    assert wide.finding("tpr_gap_gender").status == "PASS"
    assert wide.finding("tpr_gap_gender").limit == Fraction(3, 5)
    assert wide.measurements is audit.measurements and wide.counted is audit.counted
    assert ("critical_fail", "tpr_gap_gender") not in [(r.ground, r.subject) for r in wide.decision.reasons]
    assert with_limit(wide, "tpr_gap_gender", before.limit).decision == audit.decision
    narrow = with_limit(audit, "tpr_gap_gender", Fraction(0))
    assert narrow.finding("tpr_gap_gender").status == "FAIL"


def test_a_ratio_moves_its_minimum_and_drift_its_maximum(audit):
    assert with_limit(audit, "adverse_impact", Fraction(1, 100)).finding("adverse_impact").status == "PASS"
    assert with_limit(audit, "input_drift", Fraction(9)).finding("input_drift").status == "PASS"
    assert with_limit(audit, "input_drift", Fraction(1, 1000)).finding("input_drift").status == "FAIL"


def test_a_limit_that_was_a_default_can_be_moved_too():
    line = CHECKS.replace("compare: difference, ", "").replace("metric: tpr", "metric: label_coverage")
    text = PASSING.replace(CHECKS, line.replace("limit: {max: 0.15}, ", ""))
    audit = audit_of(contract_of(text), FAIR)
    assert (audit.findings[0].limit, audit.findings[0].status) == (Fraction(5, 100), "PASS")
    moved = with_limit(audit, "tpr_gap", Fraction(0)).findings[0]
    assert (moved.limit, moved.limit_kind) == (0, "max")


def test_the_whole_decision_of_one_check_moves_from_approved_to_blocked():
    audit = audit_of(contract_of(PASSING), FAIR)
    gap = audit.findings[0].value
    verdicts = [
        with_limit(audit, "tpr_gap", limit).decision.verdict for limit in (Fraction(1, 2), gap, gap / 2)
    ]
    assert verdicts == ["APPROVED", "INCONCLUSIVE", "BLOCKED"]


def unlabelled(stage="monitor"):
    """An audit whose own checks all wait for another stage, while some rows lack a label."""
    cube = FAIR.cube
    codes = cube.codes.copy()
    codes[:20, -3] = NEITHER
    counts = replace(FAIR, cube=replace(cube, codes=codes), intake=replace(FAIR.intake, missing_label=20))
    contract = contract_of(PASSING.replace("stage: training", f"stage: {stage}"))
    return audit_of(with_implied_checks(contract, counts), counts)


def test_an_implied_check_alone_decides_nothing_however_the_audit_is_decided_again():
    audit = unlabelled()
    assert {f.check for f in audit.findings} == {"label_coverage"}
    (implied,) = [check for check in audit.contract.checks if is_implied(check)]
    again = redecide(audit)
    decisions = [
        audit.decision,
        again.decision,
        again.with_limit(implied, Fraction(1, 2)).decision,
        with_limit(audit, implied.id, Fraction(1, 2)).decision,
        with_limit(audit, "tpr_gap", Fraction(1, 2)).decision,
        redecide(audit, cuts={(): 40}).decision,
        at_thresholds(audit, (), {(): 40}).decision,
    ]
    for decision in decisions:
        assert decision.verdict == "INCONCLUSIVE"
        assert [reason.ground for reason in decision.reasons] == ["no_checks"]
    assert all(a.verdict == "INCONCLUSIVE" for a in robustness(audit).looked_at)


def test_beside_a_check_of_the_contract_an_implied_one_counts():
    audit = unlabelled("training")
    assert len({f.check for f in audit.findings}) == 2
    assert redecide(audit).decision == audit.decision
    assert decided_on(audit.contract, audit.findings) == audit.findings


def test_a_contracts_own_check_of_label_coverage_is_not_an_implied_one():
    line = CHECKS.replace("metric: tpr", "metric: label_coverage").replace("critical", "minor")
    assert not any(is_implied(check) for check in contract_of(PASSING.replace(CHECKS, line)).checks)

"""The verdict: the truth table of METHODS §4, and what no combination of findings may ever do."""

import json
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from audit_core.decision.verdict import DecisionReason, RequirementState, decide

TABLE = json.loads((Path(__file__).parent / "golden" / "release_decision.json").read_text(encoding="utf-8"))
SEVERITIES = ("critical", "major", "minor")
STATUSES = ("PASS", "FAIL", "INCONCLUSIVE", "NOT_RUN")
# From the verdict that lets most through to the one that lets nothing through.
STRICTNESS = ("APPROVED", "APPROVED_WITH_CONDITIONS", "INCONCLUSIVE", "BLOCKED")
WITHHELD = DecisionReason(ground="contract_draft", subject="contract")


@dataclass(frozen=True)
class Judged:
    check: str
    severity: str
    status: str
    exception: str | None = None


def requirement(name="owner", met=True, blocking=True):
    return RequirementState(id=name, met=met, blocking=blocking, by="counsel", evidence="")


def strictness(decision):
    return STRICTNESS.index(decision.verdict)


findings = st.lists(
    st.builds(
        Judged,
        check=st.sampled_from("abcdef"),
        severity=st.sampled_from(SEVERITIES),
        status=st.sampled_from(STATUSES),
        exception=st.sampled_from([None, "E-1"]),
    ),
    max_size=6,
)
requirements = st.lists(
    st.builds(requirement, name=st.sampled_from("xyz"), met=st.booleans(), blocking=st.booleans()),
    max_size=3,
)
withheld = st.lists(st.just(WITHHELD), max_size=1)


@pytest.mark.parametrize("case", TABLE["cases"], ids=lambda c: f"{c['verdict']}-{len(c['checks'])}")
def test_the_truth_table(case):
    judged = [Judged(check=f"c{i}", **check) for i, check in enumerate(case["checks"])]
    stated = [requirement(r["name"], r["met"], r["blocking"]) for r in case["requirements"]]
    decision = decide(judged, stated)
    assert (decision.verdict, decision.exit_code) == (case["verdict"], case["exit_code"])


@pytest.mark.parametrize(
    ("severity", "status", "exception"), list(product(SEVERITIES, STATUSES, [None, "E-1"]))
)
def test_one_check_alone(severity, status, exception):
    expected = {
        ("critical", "FAIL"): "BLOCKED",  # an exception can't waive it
        ("major", "FAIL"): "APPROVED_WITH_CONDITIONS" if exception else "BLOCKED",
        ("critical", "INCONCLUSIVE"): "INCONCLUSIVE",
        ("critical", "NOT_RUN"): "INCONCLUSIVE",
        ("major", "INCONCLUSIVE"): "APPROVED_WITH_CONDITIONS" if exception else "INCONCLUSIVE",
        ("major", "NOT_RUN"): "INCONCLUSIVE",  # no check ran at all, whatever is waived
        ("minor", "NOT_RUN"): "INCONCLUSIVE",
    }.get((severity, status), "APPROVED_WITH_CONDITIONS")
    if status == "PASS":
        expected = "APPROVED"
    assert decide([Judged("c", severity, status, exception)], []).verdict == expected


@given(findings, requirements, withheld)
def test_only_a_full_set_of_passes_is_approved(judged, stated, grounds):
    decision = decide(judged, stated, grounds)
    whole = bool(judged) and all(f.status == "PASS" for f in judged) and all(r.met for r in stated)
    assert (decision.verdict == "APPROVED") == (whole and not grounds)


@given(findings, requirements, withheld)
def test_the_exit_code_is_the_verdicts_and_every_verdict_but_approved_has_a_reason(judged, stated, grounds):
    decision = decide(judged, stated, grounds)
    codes = {"APPROVED": 0, "APPROVED_WITH_CONDITIONS": 0, "BLOCKED": 1, "INCONCLUSIVE": 2}
    assert decision.exit_code == codes[decision.verdict]
    assert bool(decision.reasons) == (decision.verdict != "APPROVED")
    assert len(set(decision.reasons)) == len(decision.reasons)


@given(findings, requirements, withheld, st.sampled_from(SEVERITIES), st.sampled_from(STATUSES[1:]))
def test_another_check_that_does_not_pass_never_improves_the_verdict(
    judged, stated, grounds, severity, status
):
    assume(any(f.status != "NOT_RUN" for f in judged))  # with none, the verdict is held back for that alone
    before = decide(judged, stated, grounds)
    after = decide([*judged, Judged("new", severity, status)], stated, grounds)
    assert strictness(after) >= strictness(before)


@given(findings, requirements, withheld, st.data())
def test_a_worse_status_never_improves_the_verdict(judged, stated, grounds, data):
    assume(any(f.status != "NOT_RUN" for f in judged))
    place = data.draw(st.integers(0, len(judged) - 1))
    worse = {"PASS": "INCONCLUSIVE", "INCONCLUSIVE": "FAIL", "NOT_RUN": "FAIL", "FAIL": "FAIL"}
    lowered = list(judged)
    lowered[place] = replace(judged[place], status=worse[judged[place].status])
    assert strictness(decide(lowered, stated, grounds)) >= strictness(decide(judged, stated, grounds))


@given(findings, requirements, withheld, st.booleans())
def test_an_unmet_requirement_or_a_withheld_ground_never_improves_it(judged, stated, grounds, blocking):
    before = decide(judged, stated, grounds)
    unmet = decide(judged, [*stated, requirement("new", met=False, blocking=blocking)], grounds)
    assert strictness(unmet) >= max(strictness(before), STRICTNESS.index("BLOCKED") if blocking else 0)
    assert strictness(decide(judged, stated, [WITHHELD])) >= STRICTNESS.index("INCONCLUSIVE")


@given(requirements, withheld)
def test_no_checks_never_exit_with_0(stated, grounds):
    assert decide([], stated, grounds).exit_code in (1, 2)


@given(findings, requirements, withheld)
def test_checks_that_all_could_not_run_never_exit_with_0(judged, stated, grounds):
    silent = [replace(finding, status="NOT_RUN") for finding in judged]
    assert decide(silent, stated, grounds).exit_code in (1, 2)


@given(st.permutations([Judged(s[:2] + t[:2], s, t) for s, t in product(SEVERITIES, STATUSES)]))
def test_the_order_of_checks_does_not_change_the_verdict(judged):
    assert decide(judged, []).verdict == "BLOCKED"
    kept = [f for f in judged if f.status != "FAIL"]
    assert decide(kept, []).verdict == "INCONCLUSIVE"
    minor = [f for f in judged if f.severity == "minor"]  # one of them passes
    assert decide(minor, []).verdict == "APPROVED_WITH_CONDITIONS"


def test_the_weightiest_ground_comes_first():
    judged = [
        Judged("m", "major", "FAIL"),
        Judged("c", "critical", "FAIL"),
        Judged("o", "critical", "NOT_RUN"),
    ]
    reasons = decide(judged, [requirement(met=False)], [WITHHELD]).reasons
    grounds = [reason.ground for reason in reasons]
    assert grounds == ["requirement", "critical_fail", "major_fail", "critical_open", "contract_draft"]


def test_a_requirement_that_does_not_block_is_a_condition_when_it_is_not_met():
    decision = decide([Judged("c", "critical", "PASS")], [requirement("memo", met=False, blocking=False)])
    assert decision.verdict == "APPROVED_WITH_CONDITIONS"
    assert [reason.subject for reason in decision.reasons] == ["memo"]

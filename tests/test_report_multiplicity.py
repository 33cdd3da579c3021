"""Accusations in the result file, adjusted for every comparison that could have accused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator
from statsmodels.stats.multitest import multipletests

from audit_core.report.multiplicity import NO_CHANCE, encode_multiplicity, gated_comparisons
from audit_core.report.result import result_bytes, result_schema
from tests.report_factory import audit_of, counted, with_finding


@pytest.fixture(scope="module")
def audit():
    """An audit in which women are pulled far down, so that failures are confirmed."""
    return audit_of(counts=counted(rows=9000, penalty=1.4))


def test_confirmed_failures_carry_the_holm_adjusted_p_of_the_whole_family(audit):
    family = gated_comparisons(audit)
    rates = [finding for finding in family if finding.chance is not None]
    wanted = multipletests([1.0 if f.chance is None else f.chance for f in family], method="holm")[1]
    by_check = {
        (f.check, f.subject): (f.chance, p) for f, p in zip(family, wanted, strict=True) if f in rates
    }
    made = encode_multiplicity(audit)
    assert made["looked_at"] == len(family) >= 6
    confirmed = {(f.check, f.subject) for f in family if f.status == "FAIL" and f.evidence == "CONFIRMED"}
    assert {(one["check"], tuple(one["attribute"])) for one in made["adjusted"]} == confirmed
    assert any(one["p"] is not None for one in made["adjusted"])
    for one in made["adjusted"]:
        if one["p"] is not None:
            p, adjusted = by_check[one["check"], tuple(one["attribute"])]
            assert (one["p"], one["p_adjusted"]) == pytest.approx((p, adjusted), rel=1e-9, abs=1e-300)
            assert one["p_adjusted"] >= one["p"]


def test_checks_that_did_not_run_and_those_that_compare_no_groups_are_not_in_the_family(audit):
    family = {finding.check for finding in gated_comparisons(audit)}
    assert "tpr_gap_gender" in family
    assert not family & {"no_regression", "input_drift", "split_leakage", "slice_coverage", "label_balance"}


def test_a_gap_of_means_is_counted_and_has_no_p(audit):
    failed = with_finding(audit, "calibration", status="FAIL", evidence="CONFIRMED", chance=None)
    one = next(line for line in encode_multiplicity(failed)["adjusted"] if line["check"] == "calibration")
    assert one["p"] is None and one["p_adjusted"] is None and one["reason"] == NO_CHANCE
    assert encode_multiplicity(failed)["looked_at"] == encode_multiplicity(audit)["looked_at"]


def test_it_stands_in_the_result_file_and_is_valid(audit):
    made = json.loads(result_bytes(audit))
    assert made["multiplicity"]["adjusted"]
    Draft202012Validator(result_schema()["properties"]["multiplicity"]).validate(made["multiplicity"])


def test_without_a_confirmed_failure_nothing_is_adjusted(audit):
    calm = replace(audit, findings=tuple(replace(f, evidence="UNCONFIRMED") for f in audit.findings))
    made = encode_multiplicity(calm)
    assert made["adjusted"] == [] and made["looked_at"] > 0

"""The result file: valid against its schema, canonical, complete, without infinities."""

from __future__ import annotations

import json
import math

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from audit_core.metrics.intervals import Interval
from audit_core.report.result import decision_digest, result, result_bytes, result_schema
from tests.report_factory import CONTRACT, audit_of, contract_of, counted, with_finding


@pytest.fixture(scope="module")
def audit():
    return audit_of()


def valid(audit):
    made = json.loads(result_bytes(audit))
    Draft202012Validator(result_schema(), format_checker=FormatChecker()).validate(made)
    return made


def objects(schema):
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for part in schema.values():
            yield from objects(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from objects(part)


def test_schema_is_itself_valid_and_strict():
    Draft202012Validator.check_schema(result_schema())
    for part in objects(result_schema()):
        assert part["additionalProperties"] is False
        assert part["required"] == list(part["properties"])


def test_result_is_valid_and_canonical(audit):
    made = valid(audit)
    assert list(made) == sorted(made)
    assert result_bytes(audit) == result_bytes(audit_of())
    assert b" " not in result_bytes(audit).split(b'"findings"')[0].split(b'"multiplicity"')[0][:15]


def test_every_check_of_the_stages_is_there_with_a_sentence(audit):
    made = valid(audit)
    wanted = {c.id for c in audit.contract.checks if c.stage in audit.stages}
    assert {finding["check"] for finding in made["findings"]} == wanted
    assert all(finding["sentence"] for finding in made["findings"])


def test_rates_cover_combinations_and_every_kind_of_absence(audit):
    rates = valid(audit)["rates"]
    assert {tuple(rate["attribute"]) for rate in rates} >= {(), ("gender",), ("gender", "ethnicity")}
    few = next(rate for rate in rates if rate["status"] == "too_few")
    assert few["required"] > few["denominator"]
    assert few["value"] is not None
    lost = next(rate for rate in rates if rate["status"] == "undefined")
    assert lost["value"] is None
    assert lost["reason"]


def test_gaps_of_both_attributes_stand_with_interval_and_status(audit):
    gaps = {(tuple(g["attribute"]), g["metric"], g["compare"]): g for g in valid(audit)["gaps"]}
    for attribute in ("gender", "ethnicity"):
        for metric in ("tpr", "fpr", "calibration_in_the_large"):
            gap = gaps[(attribute,), metric, "difference"]
            assert gap["low"] <= gap["value"] <= gap["high"]
            assert gap["lower"] <= gap["value"] <= gap["upper"]
            assert gap["status"] in ("measured", "too_few")


def test_an_infinite_bound_is_null_with_its_reason(audit):
    endless = with_finding(audit, "adverse_impact", upper=math.inf, interval=Interval(0.5, math.inf))
    finding = next(f for f in valid(endless)["findings"] if f["check"] == "adverse_impact")
    assert finding["upper"] is None
    assert finding["high"] is None
    assert finding["bounds_reason"] == "unbounded"


def test_floats_carry_twelve_digits(audit):
    def floats(value):
        if isinstance(value, float):
            yield value
        elif isinstance(value, dict):
            for part in value.values():
                yield from floats(part)
        elif isinstance(value, list):
            for part in value:
                yield from floats(part)

    for number in floats(result(audit)):
        assert number == float(f"{number:.12g}")


def test_one_group_no_drift_no_training_sample():
    counts = counted(gender={"man": 1.0}, ethnicity={"": 1.0})
    made = valid(audit_of(counts=counts))
    assert made["decision"]["verdict"] in ("BLOCKED", "INCONCLUSIVE")
    assert any(gap["status"] == "undefined" and gap["value"] is None for gap in made["gaps"])


def test_digest_changes_with_the_decision(audit):
    other = audit_of(contract_of(CONTRACT.replace("version: 4", "version: 5")))
    assert decision_digest(audit) == decision_digest(audit_of())
    assert decision_digest(audit) != decision_digest(other)


def test_worked_example_is_valid(hiring_audit):
    valid(hiring_audit)

"""Each rule of the contract broken once: what is reported, and in which words."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from audit_core.contract.presets import preset
from audit_core.contract.yaml import contract_problems

GOLDEN = Path(__file__).parent / "golden" / "contract_messages.txt"
HIRING = preset("hiring").decode()


def changed(*swaps: tuple[str, str], base: str = HIRING) -> str:
    for old, new in swaps:
        assert base.count(old) >= 1, old
        base = base.replace(old, new, 1)
    return base


def said(text: str) -> list[str]:
    return [f"{p.line}:{p.column} {p.code} {p.message}" for p in contract_problems(text.encode())]


def codes(text: str) -> list[str]:
    return [p.code for p in contract_problems(text.encode())]


COVERAGE = "- {id: coverage, stage: data, metric: coverage, of: [gender, ethnicity], severity: critical"
GAP = "metric: tpr, compare: difference, of: [gender, ethnicity], limit: {max: 0.10}"
RATIO = "compare: ratio, of: [gender, ethnicity], limit: {min: 0.80}"
GENDER = "- {name: gender, basis: self-reported, approved_by: counsel}"
AGE = "- {name: age, from: {column: age, edges: [0, 40, 60], labels: [young, old]}}"
SCORE = "score: {column: score, threshold: 0.50}"
REGRESSION = "limit: {max_increase: 0.02}"
SUPPORT = "support: {positives: 50,"
PSI = "metric: psi, features: all, limit: {warn: 0.10, max: 0.25}"

RULES = [
    ("check-without-owner", "severity: major, owner: counsel", "severity: major"),
    ("check-without-why", ", why: Four-fifths rule of thumb.", ""),
    ("harm-without-trigger", "trigger: tpr_gap, ", ""),
    ("harm-without-owner", "trigger: tpr_gap, owner: ml_owner", "trigger: tpr_gap"),
    ("missing-key", "status: draft ", "# status: draft "),
    ("unknown-key", "domain:", "domian:"),
    ("unknown-value", "schema: evenhand/contract/v1", "schema: evenhand/contract/v2"),
    ("unknown-value", "metric: selection_rate", "metric: selection_rates"),
    ("unknown-value", "harmed_by: wrong_no", "harmed_by: [wrong_no]"),
    ("wrong-type", "question: Advance the applicant to an interview?", "question: 7"),
    ("wrong-type", "met: false", "met: no"),
    ("wrong-type", SUPPORT, "support: {positives: 50.5,"),
    ("wrong-type", "jurisdiction: [US]", "jurisdiction: US"),
    ("wrong-type", "baseline: {policy: last_approved}", "baseline: last_approved"),
    ("empty-value", "question: Advance the applicant to an interview?", "question:"),
    ("wrong-form", "max_age: 120 days", "max_age: 120"),
    ("wrong-form", "max_age: 120 days", "max_age: 120 fortnights"),
    ("wrong-form", "window: 7d", "window: a week"),
    ("wrong-form", "id: hiring-screen", "id: ../hiring"),
    ("wrong-length", "[[gender, ethnicity]]", "[[gender]]"),
    ("out-of-range", SUPPORT, "support: {positives: 0,"),
    ("out-of-range", "level: 0.95", "level: 0.5"),
    ("out-of-range", "level: 0.95", "level: 1"),
    ("not-a-date", "status: draft ", "status: draft\nreview_by: 2027-02-30 "),
    ("repeated-name", "id: fpr_guard", "id: tpr_gap"),
    ("repeated-name", "name: ethnicity", "name: gender"),
    ("repeated-name", "of: [[gender, ethnicity]]", "of: [[gender, gender]]"),
    ("undefined-role", "owner: counsel", "owner: consul"),
    ("undefined-role", "approved_by: counsel", "approved_by: legal"),
    ("undefined-role", "by: data_scientist, evidence", "by: data_science, evidence"),
    ("undefined-role", "notify: ml_owner", "notify: on_call"),
    ("undefined-role", "require: {ml_owner: 1", "require: {owner: 1"),
    ("undefined-role", "change_thresholds: [counsel]", "change_thresholds: [lawyer]"),
    ("undefined-role", "approvers: [counsel]", "approvers: [lawyer]"),
    ("undefined-role", "may_revoke: [counsel]", "may_revoke: [lawyer]"),
    ("undefined-check", "trigger: tpr_gap", "trigger: tpr_gaps"),
    ("undefined-attribute", COVERAGE, COVERAGE.replace("gender", "sex")),
    ("undefined-attribute", "of: [[gender, ethnicity]]", "of: [[gender, race]]"),
    ("undefined-attribute", "intersections: [[gender, ethnicity]]", "intersections: [[gender, race]]"),
    ("requirement-without-met", "met: false, by: counsel", "by: counsel"),
    ("requirement-without-by", "met: false, by: counsel", "met: false"),
    ("two-columns", GENDER, AGE.replace("age, from", "age, column: age, from")),
    ("not-ascending", GENDER, f"{GENDER}\n    {AGE.replace('40', '60')}"),
    ("labels-and-edges", GENDER, f"{GENDER}\n    {AGE.replace('young, old', 'all')}"),
    ("repeated-name", GENDER, f"{GENDER}\n    {AGE.replace('young, old', 'old, old')}"),
    ("undefined-group", GENDER, f"{GENDER}\n    {AGE.replace('age, from', 'age, reference: middle, from')}"),
    ("reference-not-required", GENDER, "- {name: gender, reference: man, required: [woman, nonbinary]}"),
    ("unknown-group", GENDER, "- {name: gender, reference: man, unknown: man}"),
    ("repeated-name", GENDER, "- {name: gender, required: [man, woman, man]}"),
    ("out-of-range", SCORE, "score: {column: score, threshold: 5}"),
    ("out-of-range", SCORE, "score: {column: score, threshold: 5, range: [1, 10], bands: [3, 11]}"),
    ("not-ascending", SCORE, "score: {column: score, threshold: 5, range: [10, 1]}"),
    ("not-ascending", SCORE, "score: {column: score, threshold: 5, range: [1, 10], bands: [3, 3]}"),
    ("yes-and-abstain", SCORE, f"{SCORE}\n  decision: {{column: d, positive: [1, 2], abstain: 2}}"),
    ("favourable-abstain", SCORE, f"{SCORE}\n  decision: {{column: d, positive: 2, abstain: 1}}"),
    ("favourable-unknown", "favourable: 1", "favourable: reject"),
    ("metric-without-column", SCORE, "score: {column: score}"),
    ("metric-without-column", "label: {column: qualified, positive: 1}", ""),
    ("metric-without-column", SCORE, "decision: {column: d, positive: 1}"),
    ("check-without-of", GAP, GAP.replace("of: [gender, ethnicity], ", "")),
    ("compare-not-possible", GAP, GAP.replace("tpr", "auc").replace("difference", "ratio")),
    (
        "compare-not-possible",
        COVERAGE,
        COVERAGE.replace("metric: coverage", "metric: coverage, compare: ratio"),
    ),
    ("against-not-possible", PSI, f"{PSI}, against: baseline"),
    ("key-not-used", GAP, f"{GAP}, features: all"),
    ("limit-missing", GAP, GAP.replace(", limit: {max: 0.10}", "")),
    ("limit-missing", RATIO, RATIO.replace("min: 0.80", "warn: 0.80")),
    ("limit-not-used", RATIO, RATIO.replace("min: 0.80", "min: 0.8, max: 1")),
    ("limit-not-used", GAP, GAP.replace("max: 0.10", "max: 0.10, floor: 0.01")),
    ("limit-not-used", COVERAGE, f"{COVERAGE}, limit: {{min: 0.5}}"),
    ("limit-missing", REGRESSION, "limit: {}"),
    ("two-limits", REGRESSION, "limit: {max_increase: 0.02, max_relative_increase: 0.1}"),
    ("out-of-range", GAP, GAP.replace("0.10", "10")),
    ("out-of-range", GAP, GAP.replace("0.10", "-0.10")),
    ("out-of-range", RATIO, RATIO.replace("0.80", "0")),
    ("out-of-range", RATIO, RATIO.replace("0.80", "1.25")),
    ("out-of-range", "limit: {max: 0}", "limit: {max: 0.5}"),
    ("limits-crossed", "{min: 0.02, max: 0.98}", "{min: 0.98, max: 0.02}"),
    ("limits-crossed", "{warn: 0.10, max: 0.25}", "{warn: 0.30, max: 0.25}"),
    ("limits-crossed", RATIO, RATIO.replace("min: 0.80", "min: 0.80, warn: 0.70")),
]


@pytest.mark.parametrize(("code", "old", "new"), RULES)
def test_each_rule(code: str, old: str, new: str) -> None:
    found = codes(changed((old, new)))
    assert code in found
    assert len(set(found)) <= 2, found  # a mistake is reported once, not once more at everything it touches


PAIRS = preset("service-judge").decode()
PAIR_RULES = [
    ("pairs-without-outcome", "score: {column: judge_score, threshold: 0.70}\n  stages", "stages"),
    ("pairs-without-outcome", "threshold: 0.70}\n  stages", "}\n  stages"),
    ("stage-without-column", "{name: judge_or_route, route: true}", "{name: judge_or_route}"),
    ("stage-without-column", "{name: judge_or_route, route: true}", "{name: judge_or_route, route: false}"),
    ("repeated-name", "order: [formal, conversational]", "order: [formal, formal]"),
    ("wrong-length", "order: [formal, conversational]", "order: [formal]"),
    ("unknown-value", "fixtures: synthetic", "fixtures: invented"),
    ("undefined-attribute", "of: [variant]", "of: [variation]"),
]


@pytest.mark.parametrize(("code", "old", "new"), PAIR_RULES)
def test_each_rule_of_pairs(code: str, old: str, new: str) -> None:
    assert codes(changed((old, new), base=PAIRS)) == [code]


def test_the_words_of_every_message() -> None:
    """Snapshot; set EVENHAND_UPDATE_GOLDEN=1 to write it anew, then read the difference."""
    cases = [(old, new, HIRING) for _, old, new in RULES] + [(old, new, PAIRS) for _, old, new in PAIR_RULES]
    lines = [line for old, new, base in cases for line in said(changed((old, new), base=base))]
    text = "\n".join(dict.fromkeys(lines)) + "\n"
    if os.environ.get("EVENHAND_UPDATE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")

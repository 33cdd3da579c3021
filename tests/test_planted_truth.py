"""The worked example: what was planted is found, nothing else is, and not by the luck of one seed."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from fractions import Fraction
from functools import cache
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit_core.audit import AuditRequest, count
from audit_core.contract.yaml import parse_contract
from audit_core.cube.drift import MISSING_BIN
from audit_core.decision.assess import assess
from audit_core.decision.record import Audit
from audit_core.evidence.workspace import Workspace
from audit_core.metrics.drift import drift_status, psi
from audit_core.metrics.estimate import Measured, TooFew
from sample_data.hiring import people
from sample_data.models import fit_models

CONTRACT = Path(__file__).resolve().parent.parent / "sample_data" / "hiring" / "contract.yaml"
AS_OF = datetime(2026, 11, 16, 9, 0, tzinfo=UTC)
SEEDS = range(1, 13)
MORE_SEEDS = [pytest.param(seed, marks=pytest.mark.fuzz) for seed in range(13, 21)]  # in `make fuzz`
FEATURES = {
    "years_experience", "education", "skills_score", "interview_score", "employment_gap_months", "job_family",
    "source", "commute_km",
}  # fmt: skip
# Planted values at threshold .5; at 200,000 rows they hold to .01.
PLANTED = {
    "tpr man": 0.676,
    "tpr woman": 0.518,
    "tpr gap": 0.158,
    "selected Black women": 0.247,
    "selected Black men": 0.475,
    "impact ratio": 0.736,
    "in the large, 50 and over": 0.155,
    "auc": 0.787,
    "accuracy": 0.717,
    "psi years_experience": 0.25,
    "psi commute_km": 0.17,
    "psi job_family": 0.08,
    "psi source": 0.91,
}
# The same on every seed and in the shipped files; what the generator does not plant is not listed.
STATUSES = {
    ("slice_coverage", "gender"): ("PASS", "CONFIRMED"),
    ("slice_coverage", "ethnicity"): ("INCONCLUSIVE", "UNSUPPORTED"),
    ("slice_coverage", "age_band"): ("PASS", "CONFIRMED"),
    ("label_balance", "gender"): ("PASS", "CONFIRMED"),
    ("split_leakage", ""): ("PASS", "CONFIRMED"),
    ("tpr_gap_gender", "gender"): ("FAIL", "CONFIRMED"),
    ("adverse_impact", "gender"): ("FAIL", "UNCONFIRMED"),
    ("adverse_impact", "ethnicity"): ("INCONCLUSIVE", "UNSUPPORTED"),
    ("calibration", "age_band"): ("FAIL", "CONFIRMED"),
    ("intersections", "gender × ethnicity"): ("FAIL", "UNCONFIRMED"),
    ("no_regression", "gender"): ("FAIL", "CONFIRMED"),
    ("input_drift", ""): ("FAIL", "CONFIRMED"),
}
SHIPPED = {
    "tpr man": 0.6852,
    "tpr woman": 0.5301,
    "tpr gap": 0.1551,
    "lower": 0.1015,
    "selected Black women": 0.2510,
    "selected Black men": 0.4669,
    "impact ratio": 0.7429,
    "in the large, 50 and over": 0.1643,
    "auc": 0.7816,
    "accuracy": 0.7147,
    "psi years_experience": 0.2451,
    "psi commute_km": 0.1706,
    "psi job_family": 0.0804,
    "psi source": 0.9093,
}


def rate(audit: Audit, attribute, group, metric):
    attribute, group = ((part,) if isinstance(part, str) else part for part in (attribute, group))
    return audit.measurements.rate(attribute, group, metric)


def in_the_large(audit: Audit, attribute, group):
    row = next(r for r in audit.measurements.calibration if (r.subject, r.group) == ((attribute,), (group,)))
    return row.calibration.in_the_large


def drift_of(audit: Audit):
    return {row.table.feature: row for row in audit.measurements.drift if not row.table.group}


def figures(audit: Audit) -> dict[str, float]:
    gap = audit.measurements.gap(("gender",), "tpr", "difference").gap
    both = ("gender", "ethnicity")
    everybody = next(row for row in audit.measurements.calibration if row.subject == ())
    found = {
        "tpr man": rate(audit, "gender", "man", "tpr").value,
        "tpr woman": rate(audit, "gender", "woman", "tpr").value,
        "tpr gap": gap.value,
        "lower": gap.lower_all,
        "selected Black women": rate(audit, both, ("woman", "Black"), "selection_rate").value,
        "selected Black men": rate(audit, both, ("man", "Black"), "selection_rate").value,
        "impact ratio": audit.measurements.gap(("gender",), "selection_rate", "ratio").gap.value,
        "in the large, 50 and over": in_the_large(audit, "age_band", "50 and over"),
        "auc": everybody.auc.fraction,
        "accuracy": rate(audit, (), (), "accuracy").value,
    }
    found |= {f"psi {name}": row.statistics.psi for name, row in drift_of(audit).items() if name in FEATURES}
    return {name: float(value) for name, value in found.items()}


def audit_of(folder: Path, seed: int, rows: tuple[int, int]) -> Audit:
    """The audit of one draw of the generator, with the answers of models fitted to its training block."""
    tables = {block: people(block, n, seed) for block, n in zip(("train", "evaluation"), rows, strict=True)}
    candidate, approved = fit_models(tables["train"])
    told = [(block, table, candidate) for block, table in tables.items()]
    for name, table, model in (*told, ("approved", tables["evaluation"], approved)):
        scored: pd.DataFrame = table.assign(score=model.predict_proba(table)[:, 1])
        pq.write_table(pa.Table.from_pandas(scored, preserve_index=False), folder / f"{name}.parquet")
    request = AuditRequest(
        contract=CONTRACT.read_bytes(), contract_name="contract.yaml", as_of=AS_OF,
        train=folder / "train.parquet", evaluation=folder / "evaluation.parquet",
        baseline=folder / "approved.parquet",
    )  # fmt: skip
    contract = parse_contract(request.contract, request.contract_name)
    counted, sources, _ = count(
        request, contract, Workspace(folder / "workspace"), lambda _stage, _share: None
    )
    found = assess(contract, counted, request.stages, AS_OF)
    return Audit(
        id="A-20261116-00000000", created_at=AS_OF.isoformat(), tool_version="", contract=contract,
        stages=request.stages, sources=sources, model=None, counted=counted, measurements=found.measurements,
        findings=found.findings, requirements=found.requirements, decision=found.decision,
    )  # fmt: skip


@pytest.fixture(scope="module")
def seeded(tmp_path_factory):
    return cache(lambda seed: audit_of(tmp_path_factory.mktemp(f"seed{seed}"), seed, (8_000, 4_000)))


def missing_bin_explains(row) -> bool:
    """Without its missing cells the feature has not moved at all."""
    place = row.table.labels.index(MISSING_BIN)
    kept = [
        [count for i, count in enumerate(counts) if i != place]
        for counts in (row.table.reference, row.table.current)
    ]
    before, after = row.table.missing()
    risen = before < 0.02 * sum(row.table.reference) and after > 0.06 * sum(row.table.current)
    return risen and drift_status(psi(*kept)) == "stable" and psi(*kept).psi < 0.02


def the_planted_findings(audit: Audit) -> None:
    """Everything that was planted is found with the status it has on every seed."""
    assert (audit.decision.verdict, audit.decision.exit_code) == ("BLOCKED", 1)
    found = {(f.check, " × ".join(f.subject)): (f.status, f.evidence) for f in audit.findings}
    assert {key: found[key] for key in STATUSES} == STATUSES
    gap = audit.finding("tpr_gap_gender")
    assert gap.primary and gap.lower > 0.10
    assert (gap.high.group, gap.low.group) == (("man",), ("woman",))
    assert ("critical_fail", "tpr_gap_gender") in [(r.ground, r.subject) for r in audit.decision.reasons]
    # The career gap, which the approved model never saw, cost women what it gave men.
    grown = audit.finding("no_regression", ("gender",))
    assert grown.value == pytest.approx(0.147, abs=0.035) and grown.lower > 0.02
    risk = audit.measurements.changes(("gender",), "fnr", "risk")[0]
    women = risk.group(("woman",))
    assert risk.paired and women.new.value > Fraction(11, 10) * women.old.value
    # Fifty and over do better than their scores say, and nobody else's scores are off by as much.
    fault = audit.finding("calibration", ("age_band",))
    assert fault.high.group == ("50 and over",)
    bands = [in_the_large(audit, "age_band", band) for band in ("under 30", "30–39", "40–49")]
    assert in_the_large(audit, "age_band", "50 and over") > 0.14
    assert max(map(abs, bands)) < 0.06
    # Drift: three features moved, for the reasons they were given, and no other did.
    drift = drift_of(audit)
    moved = {name for name in FEATURES if drift[name].status != "stable"}
    assert moved == {"years_experience", "commute_km", "source"}
    assert (drift["source"].status, drift["commute_km"].status) == ("major", "moderate")
    assert [name for name, _ in drift["source"].table.new_categories] == ["ai_matching"]
    assert missing_bin_explains(drift["commute_km"])
    assert audit.finding("input_drift").names == ("source",)


def test_the_shipped_example(hiring_audit):
    the_planted_findings(hiring_audit)
    assert hiring_audit.model.trusted_by == "pinned"
    assert hiring_audit.worked_example


def test_golden_values_of_the_shipped_example(hiring_audit):
    found = figures(hiring_audit)
    assert {name: found[name] for name in SHIPPED} == pytest.approx(SHIPPED, abs=0.005)


def test_the_shipped_candidate_is_worse_than_the_approved_model(hiring_audit):
    """The gap under both models, the women only one of them advances, and their risk as a share."""
    baseline = hiring_audit.counted.baseline
    assert (baseline.approval, baseline.paired.rows) == ("approved", hiring_audit.counted.cube.rows)
    found = hiring_audit.finding("no_regression", ("gender",))
    gap = hiring_audit.measurements.changes(("gender",), "tpr", "gap")[0].gap
    assert (gap.old.gap, gap.new.gap) == (Fraction(596, 969) - Fraction(517, 847), Fraction(127327, 820743))
    assert (found.status, found.evidence, found.value) == ("FAIL", "CONFIRMED", gap.new.gap - gap.old.gap)
    assert (found.lower, found.upper) == pytest.approx((0.0760, 0.1775), abs=0.002)
    harm = hiring_audit.finding("harm_not_10_percent_worse", ("gender",))
    assert (harm.status, harm.evidence, harm.value) == ("FAIL", "CONFIRMED", Fraction(398, 330) - 1)
    women = hiring_audit.measurements.changes(("gender",), "fnr", "risk")[0].group(("woman",))
    assert (women.pairs.first_only, women.pairs.second_only) == (99, 31)
    assert harm.lower == pytest.approx(
        398 / 330 * math.exp(-1.6449 * math.sqrt(130 / 398 / 330)) - 1, abs=1e-4
    )


def test_small_groups_are_too_few_and_never_within(hiring_audit):
    for group in (("nonbinary",), ("woman", "Indigenous"), ("man", "Indigenous")):
        found = rate(hiring_audit, ("gender", "ethnicity")[: len(group)], group, "tpr")
        assert isinstance(found, TooFew)
        assert 10 <= found.denominator < found.required == 50
    small = [
        r for r in hiring_audit.measurements.rates
        if r.subject == ("gender", "ethnicity") and r.metric == "tpr" and "" not in r.group
        and not isinstance(r.estimate, Measured)
    ]  # fmt: skip
    assert {r.group for r in small} >= {("woman", "Indigenous"), ("nonbinary", "Indigenous")}
    combined = hiring_audit.finding("intersections")
    assert combined.status != "PASS" and "woman × Indigenous" in combined.names


def test_people_of_undisclosed_ethnicity_are_counted_and_not_compared(hiring_audit):
    undisclosed = rate(hiring_audit, "ethnicity", "", "selection_rate")
    assert undisclosed.denominator == pytest.approx(0.035 * 4000, abs=5)
    for gap in hiring_audit.measurements.gaps:
        assert all("" not in group for group in gap.gap.compared)


@pytest.mark.parametrize("seed", [*SEEDS, *MORE_SEEDS])
def test_every_seed_finds_what_was_planted(seeded, seed):
    audit = seeded(seed)
    the_planted_findings(audit)
    found = figures(audit)
    assert found["tpr gap"] == pytest.approx(0.158, abs=0.02)
    assert found["selected Black men"] - found["selected Black women"] > 0.15


def test_other_seeds_are_other_people(seeded):
    assert len({seeded(seed).counted.cube.fingerprint for seed in SEEDS}) == len(SEEDS)


def test_the_population_has_the_planted_values(tmp_path):
    audit = audit_of(tmp_path, 1, (200_000, 200_000))
    found = figures(audit)
    # An unseen category weighs by the ½ of its bin alone: its PSI is planted for files of 8,000 and 4,000.
    source = drift_of(audit)["source"].table
    sides = zip((source.reference, source.current), (8_000, 4_000), strict=True)
    found["psi source"] = psi(*([round(n * size / 200_000) for n in counts] for counts, size in sides)).psi
    assert {name: found[name] for name in PLANTED} == pytest.approx(PLANTED, abs=0.01)
    others = ("education", "skills_score", "interview_score", "employment_gap_months")
    assert max(found[f"psi {name}"] for name in others) <= 0.004


def test_drift_is_told_in_one_order(hiring_audit):
    """Everybody first, then attribute by attribute and group by group, however a query returns them."""
    tables = [row.table for row in hiring_audit.measurements.drift]
    for feature in dict.fromkeys(table.feature for table in tables):
        groups = [(table.attribute, table.group) for table in tables if table.feature == feature]
        assert groups[0] == ("", "") and groups == sorted(groups)

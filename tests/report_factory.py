"""Audits made from invented counts, without a file or a row being read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction

import numpy as np

from audit_core.contract.yaml import parse_contract
from audit_core.cube.axes import Axis
from audit_core.cube.bands import MICRO, score_bands
from audit_core.cube.count_cube import build_cube
from audit_core.cube.counted import Counted, GroupRanks, Intake, Overlap
from audit_core.cube.drift import DriftTable
from audit_core.cube.ranks import rank_sums
from audit_core.decision.assess import assess
from audit_core.decision.record import Audit, ScoredBy
from audit_core.sources.tables import Source

AS_OF = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

CONTRACT = """\
schema: evenhand/contract/v1
id: hiring-screen
version: 4
status: approved
review_by: 2027-05-01
domain: employment
decision:
  question: Advance the applicant to a recruiter interview?
  population: Applicants to salaried roles in the US, 2026
  favourable: 1
  harm: A qualified applicant who is not advanced loses the chance of the job.
  harmed_by: wrong_no
data:
  label: {column: qualified, positive: 1}
  score: {column: score, threshold: 0.50}
  versions: {model: 2.3.1, train: 2026Q2, evaluation: 2026-10}
  id: applicant_id
  attributes:
    - {name: gender, reference: man, required: [man, woman], basis: "self-reported; Title VII"}
    - {name: ethnicity, unknown: [Undisclosed]}
  intersections: [[gender, ethnicity]]
requirements:
  - {id: representative_reviewed_slice_set, met: true, by: data_scientist, evidence: "sampling memo 2026-10-03"}
  - {id: production_monitoring_owner, met: true, by: ml_owner, evidence: "on-call rota"}
checks:
  - {id: slice_coverage, stage: data, metric: coverage, of: [gender, ethnicity], severity: critical, owner: ml_owner, why: A group absent from the data cannot be assessed.}
  - {id: label_balance, stage: data, metric: base_rate, of: [gender], limit: {min: 0.02, max: 0.98}, severity: critical, owner: ml_owner, why: One-sided labels make rates undefined.}
  - {id: split_leakage, stage: data, metric: overlap, limit: {max: 0}, severity: critical, owner: ml_owner, why: Shared rows flatter the model.}
  - {id: tpr_gap_gender, stage: training, metric: tpr, compare: difference, of: [gender], limit: {max: 0.10}, severity: critical, primary: true, owner: ml_owner, why: Lost access for qualified applicants is the main harm.}
  - {id: fpr_guard_gender, stage: training, metric: fpr, compare: difference, of: [gender], limit: {max: 0.10}, severity: critical, owner: ml_owner, why: Guardrail.}
  - {id: tpr_gap_ethnicity, stage: training, metric: tpr, compare: difference, of: [ethnicity], limit: {max: 0.10}, severity: major, owner: ml_owner, why: Second declared attribute.}
  - {id: adverse_impact, stage: training, metric: selection_rate, compare: ratio, of: [gender, ethnicity], limit: {min: 0.80}, severity: major, owner: ml_owner, why: Four-fifths rule of thumb.}
  - {id: calibration, stage: training, metric: calibration_in_the_large, compare: difference, of: [gender], limit: {max: 0.08}, severity: major, owner: ml_owner, why: The same score must mean the same thing.}
  - {id: intersections, stage: training, metric: tpr, compare: difference, of: [[gender, ethnicity]], limit: {max: 0.15}, severity: minor, owner: ml_owner, why: Single slices can hide a failure of a combination.}
  - {id: no_regression, stage: predeploy, metric: tpr, against: baseline, of: [gender], limit: {max_increase: 0.02}, severity: major, owner: ml_owner, why: A release may not widen the gap.}
  - {id: input_drift, stage: predeploy, metric: psi, features: all, limit: {warn: 0.10, max: 0.25}, severity: major, owner: ml_owner, why: The model meets people it was not trained on.}
  - {id: canary_selection, stage: canary, metric: selection_rate, compare: ratio, of: [gender], window: 7d, limit: {min: 0.80}, severity: critical, owner: ml_owner, on_fail: {action: rollback, notify: platform_oncall}, why: Stop a live harm early.}
  - {id: live_tpr_gap, stage: monitor, metric: tpr, compare: difference, of: [gender], window: 28d, limit: {warn: 0.08, max: 0.10}, severity: critical, owner: ml_owner, on_fail: {action: page, notify: ml_owner}, why: Differences can grow after launch.}
roles:
  ml_owner: {name: (fill in), contact: ml-owner@example.com}
  data_scientist: {name: (fill in), contact: data-science@example.com}
  platform_oncall: {name: Platform on-call, contact: oncall@example.com}
  counsel: {name: (fill in), contact: counsel@example.com}
author: data_scientist
signoff: {require: {ml_owner: 1, counsel: 1}, author_may_sign: false, exceptions: {approvers: [counsel], max_days: 90}, review_sla: 2 business days}
"""  # noqa: E501

GENDER = {"man": 0.52, "nonbinary": 0.015, "woman": 0.465}
ETHNICITY = {"": 0.03, "Asian": 0.15, "Black": 0.13, "Hispanic": 0.12, "Indigenous": 0.01, "White": 0.56}


def contract_of(text: str = CONTRACT):
    return parse_contract(text.encode(), "contract.yaml")


def counted(rows=6000, penalty=0.55, seed=7, gender=None, ethnicity=None, drift=()) -> Counted:
    """Counts of invented applicants; women's scores are pulled down by `penalty` logits."""
    draw = np.random.default_rng(seed)
    genders, ethnicities = gender or GENDER, ethnicity or ETHNICITY
    g = draw.choice(len(genders), rows, p=list(genders.values()))
    e = draw.choice(len(ethnicities), rows, p=list(ethnicities.values()))
    worth = draw.normal(0, 1.2, rows)
    label = (draw.random(rows) < 1 / (1 + np.exp(-worth))).astype(int)
    pulled = worth - penalty * np.array(["woman" in name for name in genders])[g]
    score = 1 / (1 + np.exp(-(pulled + draw.normal(0, 0.3, rows))))
    q = np.floor(score * MICRO + 0.5).astype(np.int64)
    codes = np.column_stack([g, e, label, (score >= 0.5).astype(int), np.minimum(q // 10_000, 99)])
    measures = np.column_stack([np.ones(rows, dtype=np.int64), q, q * q // MICRO, q * q % MICRO])
    axes = (
        Axis(name="gender", kind="attribute", levels=tuple(genders)),
        Axis(name="ethnicity", kind="attribute", levels=tuple(ethnicities)),
    )
    bands = score_bands(Fraction(0), Fraction(1), Fraction(1, 2), ())
    return Counted(
        cube=build_cube(axes, bands, codes.astype(np.int64), measures),
        intake=Intake(rows=rows + 12, counted=rows, dropped=(("no usable score", 12),), missing_label=0,
                      edge_rows=2, repeated=3, folded=(), last_window="2026-10"),
        ranks=tuple(_ranks(axes, (g, e), label, q)),
        drift=tuple(drift) or DRIFT,
        overlap=Overlap(shared=0, train_ids=8000, evaluation_ids=rows, train_rows=8000,
                        train_without_id=0, evaluation_rows=rows, evaluation_without_id=0),
        has_train=True,
    )  # fmt: skip


def _ranks(axes, columns, label, q):
    masks = [("", "", np.ones(len(q), dtype=bool))]
    for axis, column in zip(axes, columns, strict=True):
        masks += [(axis.name, level, column == place) for place, level in enumerate(axis.levels)]
    for attribute, group, mask in masks:
        values = np.unique(q[mask])
        at = [
            np.bincount(np.searchsorted(values, q[mask & (label == k)]), minlength=len(values))
            for k in (1, 0)
        ]
        yield GroupRanks(attribute=attribute, group=group, sums=rank_sums(*at))


def drift_table(feature, reference, current, kind="categorical", labels=None) -> DriftTable:
    labels = labels or tuple(f"level {i}" for i in range(len(reference)))
    return DriftTable(feature=feature, kind=kind, attribute="", group="", labels=labels, edges=(),
                      reference=tuple(reference), current=tuple(current), new_categories=())  # fmt: skip


DRIFT = (
    drift_table("job_family", (2080, 1120, 1760, 1600, 1440), (720, 480, 800, 880, 1120)),
    drift_table("years_experience", (1000,) * 8, (500, 510, 490, 505, 495, 500, 502, 498)),
)
SOURCES = (
    Source(
        role="evaluation",
        name="evaluation.csv",
        sha256="e2" * 32,
        bytes=345_000,
        rows=6012,
        columns=("score",),
    ),
    Source(role="train", name="train.csv", sha256="17" * 32, bytes=900_000, rows=8000, columns=("score",)),
    Source(role="model", name="model.joblib", sha256="8c" * 32, bytes=40_000, rows=0, columns=("a", "b")),
)
MODEL = ScoredBy(name="model.joblib", sha256="8c" * 32, bytes=40_000, class_name="Pipeline",
                 sklearn_version="1.9.0", features=("a", "b"), trusted_by="pinned", notes=())  # fmt: skip


def audit_of(contract=None, counts: Counted | None = None, stages=("data", "training", "predeploy")) -> Audit:
    """An audit judged by the real functions from invented counts."""
    contract, counts = contract or contract_of(), counts or counted()
    found = assess(contract, counts, stages, AS_OF)
    return Audit(
        id="A-20261120-0117abcd", created_at="2026-11-20T12:00:00+00:00", tool_version="0.1.0",
        contract=contract, stages=stages, sources=SOURCES, model=MODEL, counted=counts,
        measurements=found.measurements, findings=found.findings, requirements=found.requirements,
        decision=found.decision,
    )  # fmt: skip


def with_finding(audit: Audit, check: str, **changes) -> Audit:
    """The audit with its first finding of a check changed, for reasons the counts can't give."""
    done, findings = False, []
    for finding in audit.findings:
        if finding.check == check and not done:
            finding, done = replace(finding, **changes), True  # noqa: PLW2901
        findings.append(finding)
    return replace(audit, findings=tuple(findings))

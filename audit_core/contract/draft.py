"""A draft contract for somebody's own files, written from the parts the columns play."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from audit_core.contract.test_plan import PROPOSALS, Harmed
from audit_core.contract.yaml import parse_contract
from audit_core.errors import UsageError

AGE_EDGES = "30, 40, 50"
FAR = 10**9
"""Outer edge of the first and last band; no age or amount lies beyond it."""
_QUESTION = {
    "wrong_no": ("tpr", "A person who should have been selected and is not loses the benefit."),
    "wrong_yes": ("fpr", "A person who should not have been selected and is bears a burden."),
    "both": ("equalized_odds", "A wrong decision harms in either direction."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftChoices:
    """What a draft is written from.

    `roles` maps each column to the part it plays (label, training label, score, decision, protected
    attribute, slice, id, window, feature, not used). `cuts` maps a numeric protected attribute to its
    inner edges, such as "30, 40, 50". `limit` is the largest gap allowed, as a rate from 0 to 1.
    """

    id: str
    roles: Mapping[str, str]
    positive: str = ""
    threshold: str = "0.5"
    selected: tuple[str, ...] = ()
    domain: str = "other"
    harmed_by: Harmed = "wrong_no"
    limit: str = "0.10"
    cuts: Mapping[str, str] = field(default_factory=dict)
    with_train: bool = True
    with_model: bool = False


def draft_contract(choices: DraftChoices) -> bytes:
    """Return a complete, commented contract of status draft, which can block a release but approve none.

    Raises
    ------
    ContractError
        The choices do not make a contract, for example because no protected attribute is named.
    UsageError
        The cuts of a numeric attribute are not ascending numbers.
    """
    protected = _columns(choices, "protected attribute")
    parts = [
        "# Draft release contract, written from the columns of the uploaded files.",
        "# Every limit is your organisation's choice, not a legal definition. Review it, name the owners,",
        "# then change status to approved.",
        "schema: evenhand/contract/v1",
        f"id: {_text(_id(choices.id))}",
        "version: 1",
        "status: draft                   # only an approved contract can approve a release",
        f"domain: {choices.domain}",
        "",
        *_decision(choices),
        "",
        "data:",
        *_data(choices, protected),
        "",
        "support: {positives: 50, negatives: 30, rows: 100, band: 30, privacy_floor: 10}",
        "statistics: {level: 0.95, fail_rule: point}",
        "",
        "# Facts only a person can state; each blocks the release until it is met. Take in those that apply:",
        "# requirements:",
        "#   - {id: representative_evaluation_set, met: false, by: data_scientist, evidence: (fill in)}",
        "#   - {id: production_monitoring_owner, met: false, by: model_owner, evidence: (fill in)}",
        "",
        "checks:",
        *_checks(choices, protected),
        "",
        *_plan(choices),
        "",
        "roles:",
        "  model_owner: {name: (fill in), contact: (fill in)}",
        "  data_scientist: {name: (fill in), contact: (fill in)}",
        "author: data_scientist",
        "",
    ]
    text = "\n".join(parts).encode()
    parse_contract(text, "contract.yaml")
    return text


def _decision(choices: DraftChoices) -> list[str]:
    _, harm = _QUESTION[choices.harmed_by]
    favourable = _text(choices.selected[0]) if _decision_columns(choices) else "1"
    return [
        "decision:",
        "  question: (fill in)",
        "  population: (fill in)",
        f"  favourable: {favourable}",
        f"  harm: {harm}",
        f"  harmed_by: {choices.harmed_by}",
        "  harms:",
        f"    - {{kind: allocative, harm: {_text(harm)}, trigger: primary_gap, owner: model_owner}}",
    ]


def _plan(choices: DraftChoices) -> list[str]:
    """The metrics the harm asks for, with the reason; whoever reviews the draft makes it theirs."""
    proposal = PROPOSALS[choices.harmed_by]
    return [
        "# Which metric decides, which ones guard it, and why; proposed from the harm. Review it.",
        "test_plan:",
        f"  primary: {proposal.primary}",
        f"  guardrails: [{', '.join(proposal.guardrails)}]",
        f"  reason: {_text(proposal.reason)}",
        "  by: data_scientist",
    ]


def _data(choices: DraftChoices, protected: Sequence[str]) -> list[str]:
    lines = []
    for label in _columns(choices, "label")[:1]:
        positive = f", positive: {_text(choices.positive)}" if choices.positive else ""
        lines.append(f"  label: {{column: {_text(label)}{positive}}}")
    for score in _score_columns(choices):
        lines.append(f"  score: {{column: {_text(score)}, threshold: {choices.threshold}}}")
    for name in _decision_columns(choices):
        selected = ", ".join(_text(value) for value in choices.selected)
        lines.append(f"  decision: {{column: {_text(name)}, positive: [{selected}]}}")
    single = {"training label": "training_label", "id": "id", "window": "window"}
    for role, key in single.items():
        lines += [f"  {key}: {_text(column)}" for column in _columns(choices, role)[:1]]
    lines += ["  attributes:", *(_attribute(name, choices) for name in protected)]
    slices = ", ".join(_text(name) for name in _columns(choices, "slice"))
    lines.append(f"  slices: [{slices}]")
    if len(protected) > 1:
        lines.append(
            f"  intersections: [[{', '.join(_attribute_name(name, choices) for name in protected[:2])}]]"
        )
    lines.append("  features: auto                # drift is computed on every column without another role")
    return lines


def _attribute(column: str, choices: DraftChoices) -> str:
    basis, cuts = "basis: (fill in)", choices.cuts.get(column, "")
    if not cuts.strip():
        return f"    - {{name: {_text(column)}, {basis}}}"
    inner = _cuts(column, cuts)
    shown = [f"{edge:.15g}" for edge in (0 if inner[0] > 0 else -FAR, *inner, FAR)]
    labels = [f"under {shown[1]}", *(f"{low} to under {high}" for low, high in pairwise(shown[1:-1]))]
    labels.append(f"{shown[-2]} and over")
    listed = ", ".join(_text(label) for label in labels)
    bands = f"from: {{column: {_text(column)}, edges: [{', '.join(shown)}], labels: [{listed}]}}"
    return f"    - {{name: {_attribute_name(column, choices)}, {bands}, {basis}}}"


def _cuts(column: str, cuts: str) -> list[float]:
    try:
        inner = [float(cut) for cut in cuts.replace(";", ",").split(",") if cut.strip()]
    except ValueError:
        inner = []
    # Also refuses NaN and the infinities: no comparison with them holds.
    if not inner or not all(low < high for low, high in pairwise((-FAR, *inner, FAR))):
        raise UsageError(
            "The cuts of a numeric attribute must be ascending numbers",
            where=column,
            remedy=f"Write them with commas, such as {AGE_EDGES}",
        )
    return inner


def _attribute_name(column: str, choices: DraftChoices) -> str:
    if not choices.cuts.get(column, "").strip():
        return _text(column)
    name = f"{column}_band"
    while name in choices.roles:  # a column of the file is called so already
        name += "_"
    return _text(name)


def _checks(choices: DraftChoices, protected: Sequence[str]) -> list[str]:
    names = ", ".join(_attribute_name(name, choices) for name in protected)
    owner, limit = "owner: model_owner", f"limit: {{max: {choices.limit}}}"
    metric, _ = _QUESTION[choices.harmed_by]
    guards = {"tpr": "fpr", "fpr": "tpr"}
    lines = [
        f"  - {{id: coverage, stage: data, metric: coverage, of: [{names}], severity: critical, {owner}, "
        "why: A group that is absent from the data cannot be assessed.}",
    ]
    if _columns(choices, "id") and choices.with_train:
        lines.append(
            "  - {id: split_leakage, stage: data, metric: overlap, limit: {max: 0}, severity: major, "
            f"{owner}, why: Rows shared by training and evaluation flatter the model.}}"
        )
    compare = "" if metric == "equalized_odds" else ", compare: difference"
    lines.append(
        f"  - {{id: primary_gap, stage: training, metric: {metric}{compare}, of: [{names}], {limit}, "
        f"severity: critical, primary: true, {owner}, why: The main harm of a wrong decision.}}"
    )
    if metric in guards:
        lines.append(
            f"  - {{id: guardrail, stage: training, metric: {guards[metric]}, compare: difference, "
            f"of: [{names}], {limit}, severity: critical, {owner}, "
            "why: Closing one gap by opening the other is no repair.}"
        )
    lines.append(
        f"  - {{id: impact_ratio, stage: training, metric: selection_rate, compare: ratio, of: [{names}], "
        f"limit: {{min: 0.80}}, severity: major, {owner}, why: Four-fifths rule of thumb.}}"
    )
    if _columns(choices, "score") or choices.with_model:
        lines.append(
            f"  - {{id: calibration, stage: training, metric: calibration_in_the_large, of: [{names}], "
            f"limit: {{max: 0.08}}, severity: major, {owner}, why: The same score must mean the same thing.}}"
        )
    if choices.with_train:
        lines.append(
            "  - {id: input_drift, stage: predeploy, metric: psi, features: all, "
            f"limit: {{warn: 0.10, max: 0.25}}, severity: major, {owner}, "
            "why: The model must meet people like those it was trained on.}"
        )
    return lines


def _score_columns(choices: DraftChoices) -> list[str]:
    """The score the decision comes from; with a model the column is made by it."""
    return _columns(choices, "score")[:1] or (["score"] if choices.with_model else [])


def _decision_columns(choices: DraftChoices) -> list[str]:
    """The decision column, where no score stands in for it."""
    return _columns(choices, "decision")[:1] if choices.selected and not _score_columns(choices) else []


def _columns(choices: DraftChoices, role: str) -> list[str]:
    return [column for column, found in choices.roles.items() if found == role]


def _text(value: str) -> str:
    """A YAML scalar that can't be anything but this text; JSON's quotes are YAML's."""
    return json.dumps(value, ensure_ascii=False)


def _id(name: str) -> str:
    kept = "".join(mark if mark.isascii() and (mark.isalnum() or mark in "_.-") else "-" for mark in name)
    return kept.strip("-._")[:60] or "audit"

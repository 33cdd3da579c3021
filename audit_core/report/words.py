"""The fixed words of the product: one place for what a verdict, a status or a metric is called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from audit_core.contract.schema import Severity, Stage
from audit_core.decision.verdict import Verdict
from audit_core.findings.finding import Evidence, Finding, Reason
from audit_core.metrics.catalogue import METRIC_NAMES
from audit_core.metrics.regression_rows import harms_of
from audit_core.report.escape import clip

Mark = Literal["within", "outside", "inconclusive", "too_few", "not_run", "undefined", "no_limit"]

MOST_NAMES = 4
"""Names that a list in a sentence holds."""

VERDICT_WORDS: dict[Verdict, str] = {
    "BLOCKED": "Do not release",
    "INCONCLUSIVE": "Cannot decide yet",
    "APPROVED": "Approved within contract",
    "APPROVED_WITH_CONDITIONS": "Approved with conditions",
}
CANARY_WORDS: dict[Verdict, str] = {
    "BLOCKED": "Halt or roll back",
    "INCONCLUSIVE": "Cannot decide yet",
    "APPROVED": "Canary within its limits",
    "APPROVED_WITH_CONDITIONS": "Canary within its limits, with conditions",
}
"""The verdict on a model that is in use already: what stands in the place of a release decision."""

VERDICT_MARKS: dict[Verdict, Mark] = {
    "BLOCKED": "outside",
    "INCONCLUSIVE": "inconclusive",
    "APPROVED": "within",
    "APPROVED_WITH_CONDITIONS": "within",
}
MARK_WORDS: dict[Mark, str] = {
    "within": "Within limit",
    "outside": "Outside limit",
    "inconclusive": "Inconclusive",
    "too_few": "Too few to judge",
    "not_run": "Not run",
    "undefined": "Undefined",
    "no_limit": "No limit set",
}
MARK_SHAPES: dict[Mark, str] = {
    "within": "●",
    "outside": "✕",
    "inconclusive": "◆",
    "too_few": "○",
    "not_run": "–",
    "undefined": "○",
    "no_limit": "·",
}
EVIDENCE_WORDS: dict[Evidence, str] = {
    "CONFIRMED": "Confirmed",
    "UNCONFIRMED": "Not confirmed",
    "UNSUPPORTED": "Too little data",
}
EVIDENCE_SENTENCES: dict[Evidence, str] = {
    "CONFIRMED": "Confirmed: the result holds even after allowing for chance at the contract's level.",
    "UNCONFIRMED": "Not confirmed: chance alone could be behind what was measured.",
    "UNSUPPORTED": "Too little data: fewer people, or more of unknown group, than the contract allows.",
}
SEVERITY_SENTENCES: dict[Severity, str] = {
    "critical": "It is critical: outside its limit it blocks the release, and no exception can change that.",
    "major": "It is major: outside its limit it blocks the release unless an exception is recorded.",
    "minor": "It is minor: outside its limit it becomes a condition on the release.",
}
REFERENCE_GROUP = "Reference group"
WITHHELD = "Withheld for privacy"
NO_LIMIT = "no limit in the contract"
NOT_SIGNED = "NOT SIGNED"
NOT_DISCRIMINATION = "A difference outside the limit is a reason to look, not a finding of discrimination."
STATISTICS_NOT_LAW = (
    "Statistical findings under this release contract; not a legal conclusion. "
    "Groups below the minimum support never count as within the limit."
)
LABEL_CAVEAT = (
    "Outcomes come from the labels in the file. If past decisions shaped those labels, "
    "every error rate here inherits that."
)
READ_INTERVAL = (
    "The interval is the range the data are compatible with, for reading. "
    "“At least” and “at most” are the stricter bounds that are compared with the limit."
)

_THIN: set[Reason] = {"too_few", "thin_group", "one_group", "drift_insufficient"}
_NO_GAP_WORD = {"coverage", "overlap", "psi", "flip_rate"}
_SHORT = {
    "tpr": "TPR",
    "fpr": "FPR",
    "fnr": "FNR",
    "tnr": "TNR",
    "ppv": "PPV",
    "npv": "NPV",
    "calibration_in_the_large": "Calibration",
    "psi": "Input drift",
}

_HARMS = {"not_accuracy": "error rate", "not_selection_rate": "rate of the unfavourable decision"}

REMEDIES: dict[Reason, str] = {
    "no_baseline": "there is no earlier approved model to compare with. For a first release, record an "
    "exception with a name and an end date; otherwise give the result of the approved one",
    "no_train": "no training sample was given. Add the file the model was fitted on",
    "no_features": "the training sample and the evaluation set have no input in common. Name inputs that are "
    "in both files as features under data",
    "no_evaluation": "there is no evaluation set to compare with. Give one with --eval",
    "no_id": "no column with a person's id is named, or a file lacks it or leaves it empty. Name it as "
    "id under data, and fill it in",
    "no_label": "true outcomes are missing. Add a file with the label column the contract names",
    "no_decision": "there is no decision to judge. Give the model file, or a score or decision column",
    "no_score": "there is no score to judge. Give the model file, or a score column",
    "not_crossed": "the tables of counts do not cross these attributes. Add the table of their combination",
    "no_attribute": "the column of the group is not in the file. Add it, or correct its name in the contract",
    "not_computed": "this version does not compute it. Assess it by other means and record an exception",
    "not_in_baseline": "the baseline's counts do not hold these groups. Give the approved model itself, or "
    "the result of an audit by the same attributes",
    "baseline_without_scores": "of a baseline only decisions are compared, not scores. Compare a rate such "
    "as tpr, or record an exception",
    "no_rule": "this comparison has no rule against a baseline. Limit the gap of a rate (max_increase), or "
    "every group's rate (max_increase with compare: value, or max_relative_increase)",
    "undefined": "there is nothing to divide by in any group. Add rows that hold the cases this rate counts",
}


def verdict_word(verdict: Verdict, stages: tuple[Stage, ...]) -> str:
    """Return the words of a verdict; those of a run of the canary alone are about a model in use."""
    return (CANARY_WORDS if stages == ("canary",) else VERDICT_WORDS)[verdict]


def mark_of(finding: Finding) -> Mark:
    """Return the mark (shape and colour class) of a finding."""
    if finding.reason == "undefined":
        return "undefined"
    if finding.status == "PASS":
        return "within"
    if finding.status == "FAIL":
        return "outside"
    if finding.status == "NOT_RUN":
        return "not_run"
    return "too_few" if finding.reason in _THIN else "inconclusive"


def evidence_sentence(finding: Finding) -> str:
    """Return what the evidence word of a finding means, or "" where the reason is no matter of numbers."""
    if finding.reason == "baseline_not_approved":
        return ""
    if finding.reason == "point_within":
        return "Not confirmed: the measured value decides here, and the true one may be beyond the limit."
    return EVIDENCE_SENTENCES[finding.evidence]


def status_word(finding: Finding) -> str:
    """Return the words of a finding's status."""
    return MARK_WORDS[mark_of(finding)]


def metric_name(metric: str) -> str:
    """Return what a metric is called."""
    return "Calibration" if metric == "calibration_in_the_large" else METRIC_NAMES.get(metric, metric)


def measure_name(metric: str, compare: str) -> str:
    """Return what a check measures: “True positive rate gap”, “Selection rate ratio”, “Base rate”."""
    name = metric_name(metric)
    if metric in _NO_GAP_WORD:
        return name
    return name + {"difference": " gap", "ratio": " ratio"}.get(compare, "")


def change_name(metric: str, change: str, *, short: bool = False) -> str:
    """Return what a check against the baseline measures: “Increase of the true positive rate gap”.

    `short` uses the field's abbreviations: “Increase of the TPR gap”.
    """
    known = _SHORT if short else {}
    if change == "gap":
        return f"Increase of the {lower_first(known.get(metric, metric_name(metric)))} gap"
    named = known | _HARMS
    harms = [named.get(harm) or lower_first(metric_name(harm)) for harm in harms_of(metric)]
    return f"{'Rise' if change == 'risk' else 'Increase'} of the {' or '.join(harms)}"


def finding_name(finding: Finding) -> str:
    """Return what the check of a finding measures."""
    if finding.change is not None:
        return change_name(finding.metric, finding.change)
    return measure_name(finding.metric, finding.compare)


def names_text(names: Sequence[str], longest: int = 48) -> str:
    """Return names as a list a person reads: the first few, then how many more."""
    shown = [clip(name, longest) for name in names[:MOST_NAMES]]
    rest = len(names) - len(shown)
    if rest:
        return ", ".join(shown) + f" and {rest} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def capital(text: str) -> str:
    """Return a text with its first letter as a capital, as a sentence or a heading begins."""
    return text[:1].upper() + text[1:]


def lower_first(text: str) -> str:
    """Return a text with a small first letter, as it stands inside a sentence; abbreviations keep theirs."""
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


def short_name(metric: str, compare: str) -> str:
    """Return the field's abbreviation of what a check measures: “TPR gap”."""
    if metric in _NO_GAP_WORD:
        return _SHORT.get(metric, metric_name(metric))
    name = _SHORT.get(metric, metric_name(metric))
    return name + {"difference": " gap", "ratio": " ratio"}.get(compare, "")

"""The check matrix: what is checked at which stage, and what is not checked at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from audit_core.contract.metrics import CRITERIA
from audit_core.contract.schema import STAGES, Check, ReleaseContract, Stage, Subject
from audit_core.contract.test_plan import missing_checks, plan_of
from audit_core.report.limits import limit_words
from audit_core.report.people import subject_words
from audit_core.report.table_rows import NONE, Rows
from audit_core.report.test_plan import metric_words, plan_warnings, subjects_text
from audit_core.report.words import measure_name, names_text

NOT_CHECKED = "Not checked"
STAGE_WORDS: dict[Stage, str] = {
    "data": "Data, before training",
    "training": "Training, on held-out rows",
    "predeploy": "Before release",
    "canary": "Canary",
    "monitor": "Monitoring",
}
WHOLE_FILE = "all rows"
AFTER = ("canary", "monitor")
READ_MATRIX = (
    "A row is one thing the contract looks at, a column one stage of the release. A cell names the checks "
    "that look there and their limits; a dash is a stage that does not look. “Not checked” is no finding: it "
    "is a place where nobody looks."
)


def matrix_rows(contract: ReleaseContract) -> Rows:
    """Return one row per measure and subject, one column per stage; what no check names comes last."""
    lines: dict[tuple[str, Subject], dict[Stage, list[Check]]] = {}
    for check in contract.checks:
        for subject in check.of or ((),):
            cells = lines.setdefault((_measure(check), subject), {})
            cells.setdefault(check.stage, []).append(check)
    rows = [_row(measure, _subject(subject), cells) for (measure, subject), cells in lines.items()]
    rows += [_row("Any measure", subject_words(subject), {}) for subject in unchecked_subjects(contract)]
    return rows


def unchecked_subjects(contract: ReleaseContract) -> tuple[Subject, ...]:
    """Return the attributes, slices and combinations the contract declares and no check names."""
    declared: list[Subject] = [(attribute.name,) for attribute in contract.data.attributes]
    declared += [(name,) for name in contract.data.slices]
    declared += list(contract.data.intersections)
    named = {subject for check in contract.checks for subject in check.of}
    return tuple(subject for subject in declared if subject not in named)


def not_checked(contract: ReleaseContract) -> tuple[str, ...]:
    """Return a sentence for each thing no check of the contract looks at, the weightiest first."""
    return tuple(_gaps(contract))


def plan_lines(contract: ReleaseContract) -> tuple[str, ...]:
    """Return what the test plan lacks and what nobody looks at, as lines of a terminal."""
    gaps = [text for text in not_checked(contract) if not text.startswith("Not checked: ")]
    return (*plan_warnings(contract), *gaps)


def _it(names: Sequence[str]) -> str:
    return "it" if len(names) == 1 else "them"


def _gaps(contract: ReleaseContract) -> Iterator[str]:
    for missing in missing_checks(contract):
        part = "primary metric" if missing.part == "primary" else "guardrail"
        yield (
            f"Not checked: {metric_words(missing.metric)}, the {part} of the test plan, by "
            f"{subjects_text(missing.subjects)}."
        )
    bare = [subject_words(subject) for subject in unchecked_subjects(contract)]
    if bare:
        yield f"Not checked at any stage: groups by {names_text(bare)}; the contract names no check of them."
    outcomes = _without_gap(contract)
    if outcomes:
        yield (
            f"No difference in decisions or errors is limited for {names_text(outcomes)}; only other checks "
            f"name {_it(outcomes)}."
        )
    metrics = {check.metric for check in contract.checks}
    if contract.data.attributes and "coverage" not in metrics:
        yield "Not checked: whether every group is in the data (no coverage check)."
    if contract.data.label is not None and "psi" not in metrics:
        yield "Not checked: whether inputs have drifted since training (no drift check)."
    if not any(check.stage in AFTER for check in contract.checks):
        yield "Nothing is checked after the release (no canary or monitor check)."
    elif not any(check.stage == "monitor" for check in contract.checks):
        yield "Nothing is watched once the canary is over (no monitor check)."
    plan = plan_of(contract)
    if any(c.stage in AFTER for c in contract.checks) and not _watched(contract, plan.primary):
        name = metric_words(plan.primary)
        yield f"After the release, {name}, the primary metric, is not watched; other measures are."


def _watched(contract: ReleaseContract, metric: str) -> bool:
    same = {metric, CRITERIA.get(metric, metric)} | {n for n, rate in CRITERIA.items() if rate == metric}
    return any(check.metric in same for check in contract.checks if check.stage in AFTER)


def _without_gap(contract: ReleaseContract) -> list[str]:
    """Protected attributes that some check names, though none limits a difference between their groups."""
    unchecked = unchecked_subjects(contract)
    compared = {
        subject
        for check in contract.checks
        if check.compare in ("difference", "ratio") and check.metric not in _NO_DECISION
        for subject in check.of
    }
    names = [(attribute.name,) for attribute in contract.data.attributes]
    return [subject_words(name) for name in names if name not in compared and name not in unchecked]


_NO_DECISION = {"calibration_in_the_large", "brier", "auc", "label_coverage", "base_rate"}


def _measure(check: Check) -> str:
    words = measure_name(check.metric, check.compare or "none")
    return f"{words}, against the approved model" if check.against else words


def _subject(subject: Subject) -> str:
    return subject_words(subject) if subject else WHOLE_FILE


def _row(measure: str, of: str, cells: dict[Stage, list[Check]]) -> dict[str, str]:
    none = NONE if cells else NOT_CHECKED
    stages = {STAGE_WORDS[stage]: _cell(cells.get(stage, [])) or none for stage in STAGES}
    return {"Measure": measure, "By": of} | stages


def _cell(checks: list[Check]) -> str:
    return "; ".join(_words(check) for check in checks)


def _words(check: Check) -> str:
    limit = limit_words(check)
    primary = ", primary" if check.primary else ""
    return f"{check.id} ({check.severity}{primary})" + (f": {limit}" if limit else "")

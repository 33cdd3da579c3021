"""What a draft contract still lacks, said in the words of the form it is written from."""

from __future__ import annotations

from audit_core.contract.draft import DraftChoices


def still_needed(choices: DraftChoices) -> list[str]:
    """Return one sentence, with its remedy, for each thing without which there is no contract."""
    parts = set(choices.roles.values())
    needs = []
    if "label" not in parts:
        needs.append("No column is marked as the true outcome. Set “label” for the column that holds it.")
    elif not choices.positive:
        needs.append(f"Choose which value of “{_column(choices, 'label')}” means yes.")
    if "protected attribute" not in parts:
        needs.append("No column is marked as a protected attribute. Mark those whose groups are compared.")
    if not choices.with_model and "score" not in parts:
        needs += _answers(choices)
    if not _share(choices.threshold):
        needs.append(
            "The score threshold must be a number from 0 to 1, such as 0.5. A score on another scale needs a "
            "contract that names its range."
        )
    if not _share(choices.limit):
        needs.append("The largest gap allowed must be a number from 0 to 1, such as 0.10 for 10 points.")
    return needs


def unused_columns(choices: DraftChoices) -> list[str]:
    """Return one sentence for a decision column that a score stands in for."""
    score, decision = _column(choices, "score"), _column(choices, "decision")
    if choices.with_model or not score or not decision:
        return []
    return [
        f"“{score}” and its threshold decide who counts as selected, so “{decision}” is not read."
        f" To audit those decisions, set “{score}” to “not used”."
    ]


def _answers(choices: DraftChoices) -> list[str]:
    decision = _column(choices, "decision")
    if not decision:
        return ["No column holds the model’s answers. Mark a “score” or a “decision”, or upload the model."]
    return [] if choices.selected else [f"Choose which value of “{decision}” means selected."]


def _share(text: str) -> bool:
    try:
        return 0 <= float(text) <= 1
    except ValueError:
        return False


def _column(choices: DraftChoices, role: str) -> str:
    return next((name for name, found in choices.roles.items() if found == role), "")

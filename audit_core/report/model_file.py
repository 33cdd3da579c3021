"""What the Model page says of a model file: the verdict in words, its facts, and what it would import."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from audit_core.decision.record import ScoredBy
from audit_core.report.numbers import count, counted
from audit_core.sources.model import ModelFile
from audit_core.sources.model_inspect import Inspection, Verdict

Rows = list[dict[str, str]]

VERDICT_WORDS: Final[Mapping[Verdict, str]] = {
    "verified": "Verified",
    "needs review": "Needs review",
    "refused": "Refused",
}
VERDICT_SENTENCES: Final[Mapping[Verdict, str]] = {
    "verified": "Every name in this file is one that fitted models of the audited libraries use, and is used "
    "as they use it. It is opened in a locked process of its own.",
    "needs review": "This file also uses code that nobody here has examined. It stays unopened until a named "
    "reviewer accepts it.",
    "refused": "This file is not opened, and nobody can accept it as it is.",
}
NOT_EXECUTED: Final = (
    "The file was read without running any of it. A verified file can still be a poor model: this page says "
    "what the file could do to this machine, not how well it decides."
)
MOST_COLUMNS: Final = 12


def verdict_sentence(inspection: Inspection) -> str:
    """Return what the verdict means, with the first reason of a refusal."""
    said = VERDICT_SENTENCES[inspection.verdict]
    if inspection.verdict != "refused":
        return said
    return f"{said} {inspection.reasons[0]}."


def fact_rows(model: ModelFile, inspection: Inspection) -> Rows:
    """Return what the file says it is, one fact a row."""
    versions = ", ".join(inspection.versions) or "not stated"
    facts = {
        "File": model.name,
        "Holds": inspection.class_name,
        "Format": model.format,
        "Saved with scikit-learn": versions,
        "Columns it was fitted on": _columns(inspection.features),
        "Size": f"{count(model.bytes)} bytes",
    }
    return [{"Fact": fact, "What the file says": said} for fact, said in facts.items()]


def import_rows(inspection: Inspection) -> Rows:
    """Return what the file would import, package by package, what is in question first."""
    kinds = {
        **dict.fromkeys(inspection.barred, "refused"),
        **dict.fromkeys(inspection.extra, "to be reviewed"),
    }
    groups: dict[tuple[str, str], list[str]] = {}
    for name in inspection.names:
        kind = kinds.get(name, "known")
        groups.setdefault((kind, name.partition(":")[0].partition(".")[0]), []).append(name)
    order = ("refused", "to be reviewed", "known")
    return [
        {
            "Package": package,
            "Standing": kind,
            "Names": counted(len(names), "names"),
            "Which": ", ".join(name.replace(":", ".") for name in names),
        }
        for (kind, package), names in sorted(
            groups.items(), key=lambda item: (order.index(item[0][0]), item[0][1])
        )
    ]


def _columns(features: tuple[str, ...] | None) -> str:
    if features is None:
        return "not stated"
    shown = ", ".join(features[:MOST_COLUMNS])
    more = len(features) - MOST_COLUMNS
    return f"{count(len(features))}: {shown}{f' and {more} more' if more > 0 else ''}"


TRUSTED_BY: Final[Mapping[str, str]] = {
    "inspection": "the inspection",
    "pinned": "this release, which ships it",
    "person": "whoever ran the audit",
}


def scored_rows(model: ScoredBy) -> Rows:
    """Return the model of an audit, as its record keeps it."""
    facts = {
        "File": model.name,
        "Holds": model.class_name,
        "Saved with scikit-learn": model.sklearn_version,
        "Columns it was given": _columns(model.features),
        "Inspection": model.inspected,
        "Vouched for by": model.reviewer or TRUSTED_BY.get(model.trusted_by, model.trusted_by),
        "Opened with": model.isolation,
        "Size": f"{count(model.bytes)} bytes",
    }
    return [{"Fact": fact, "On record": said} for fact, said in facts.items()]

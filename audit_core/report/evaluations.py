"""Evaluation sources in reports: each result with its source's layer and limit, and what is missing of it."""

from __future__ import annotations

from typing import Any

from audit_core.contract.evaluation_sources import (
    KINDS,
    NEVER_APPROVES,
    NO_LIMIT_STATED,
    KnownSource,
    declared_source,
    known_source,
)
from audit_core.contract.schema import ReleaseContract
from audit_core.decision.record import Audit
from audit_core.report.escape import one_line
from audit_core.report.numbers import count, counted
from audit_core.report.table_rows import NONE, Rows
from audit_core.report.words import names_text
from audit_core.sources.evaluations import EvaluationResult

N_NOT_GIVEN = "not given"
NO_RANGE = "no range given"
READ_EVALUATIONS = (
    "Each source stands on its own scale, so its numbers can't be compared with a rate of this audit or with "
    "one another. “Cases” is how many the number stands on; where it is not given, or the source states no "
    f"limit, the number says little. {NEVER_APPROVES}"
)


def evaluation_rows(audit: Audit) -> Rows:
    """Return one row per result, with its cases, its range and the limit of its source."""
    return [_row(result, known_source(result.source, audit.contract)) for result in audit.evaluations]


def declared_rows(audit: Audit) -> Rows:
    """Return one row per source the contract draws on, and how many results of it were given."""
    given = [_key(result.source, audit.contract) for result in audit.evaluations]
    return [
        row | {"Results given": counted(given.count((source.id, "")), "results")}
        for row, source in zip(source_rows(audit.contract), audit.contract.evaluation_sources, strict=True)
    ]


def source_rows(contract: ReleaseContract) -> Rows:
    """Return one row per source the contract draws on: the layer it tests, its use and its limit."""
    return [
        {
            "Source": source.name,
            "Layer it tests": source.layer,
            "Used for": source.use or NONE,
            "What it cannot show": one_line(source.limit) or NO_LIMIT_STATED,
        }
        for source in _declared(contract)
    ]


def catalogue_rows() -> Rows:
    """Return the product's own catalogue of sources."""
    return [
        {
            "Source": kind.name,
            "kind": kind.id,
            "Layer it tests": kind.layer,
            "What it asks": kind.tests,
            "What it cannot show": kind.limit,
        }
        for kind in KINDS.values()
    ]


def evaluation_sentence(audit: Audit) -> str:
    """Return the attached results in a sentence or two, or "" where there are none."""
    if not audit.evaluations:
        return ""
    known = {known_source(result.source, audit.contract) for result in audit.evaluations}
    names = sorted({source.name for source in known})
    bare = sorted({source.name for source in known if not source.limit})
    without = sum(result.n is None for result in audit.evaluations)
    parts = [
        f"{counted(len(audit.evaluations), 'benchmark results')} of {names_text(names)} "
        f"{'is' if len(audit.evaluations) == 1 else 'are'} attached; none can approve a release.",
        f"{count(without)} of them {'does' if without == 1 else 'do'} not say on how many cases."
        if without
        else "",
        f"No limit is stated for {names_text(bare)}." if bare else "",
    ]
    return " ".join(part for part in parts if part)


def limit_sentences(audit: Audit) -> tuple[str, ...]:
    """Return the limit of each source that results were given of, in the order they first stand."""
    known = [known_source(result.source, audit.contract) for result in audit.evaluations]
    return tuple(
        dict.fromkeys(f"{source.name}: {one_line(source.limit) or NO_LIMIT_STATED}" for source in known)
    )


def encode_evaluations(audit: Audit) -> list[dict[str, Any]]:
    """Return the sources as plain values of the result file, each with its limit and its results."""
    found = {
        (source.id, ""): _encoded(declared_source(source)) for source in audit.contract.evaluation_sources
    }
    for result in audit.evaluations:
        source = known_source(result.source, audit.contract)
        entry = found.setdefault(_key(result.source, audit.contract), _encoded(source))
        entry["results"].append(_encoded_result(result))
    return list(found.values())


def _key(name: str, contract: ReleaseContract) -> tuple[str, str]:
    """What tells a result's source apart: (its id in the contract, "") or ("", its name).

    Two declared sources may go by one name, with limits of their own.
    """
    source = known_source(name, contract)
    same = [own.id for own in contract.evaluation_sources if declared_source(own) == source]
    if not same:
        return "", source.name
    wanted = name.strip().casefold()
    return next((one for one in same if one.casefold() == wanted), same[0]), ""


def _declared(contract: ReleaseContract) -> list[KnownSource]:
    return [declared_source(source) for source in contract.evaluation_sources]


def _row(result: EvaluationResult, source: KnownSource) -> dict[str, str]:
    return {
        "Source": source.name,
        "Layer it tests": source.layer,
        "Metric": result.metric,
        "Group": result.group or NONE,
        "Value": result.value,
        "Range": f"{result.low} to {result.high}" if result.low is not None else NO_RANGE,
        "Cases": count(result.n) if result.n is not None else N_NOT_GIVEN,
        "What it cannot show": one_line(source.limit) or NO_LIMIT_STATED,
        "Date": result.date or NONE,
        "Reference": result.reference or NONE,
    }


def _encoded(source: KnownSource) -> dict[str, Any]:
    return {
        "source": source.name,
        "kind": source.kind,
        "layer": source.layer,
        "declared": source.declared,
        "limit": source.limit or None,
        "results": [],
    }


def _encoded_result(result: EvaluationResult) -> dict[str, Any]:
    """The digits of the file as numbers; what it leaves out is null."""
    return {
        "metric": result.metric,
        "group": result.group or None,
        "value": float(result.value),
        "low": float(result.low) if result.low is not None else None,
        "high": float(result.high) if result.high is not None else None,
        "n": result.n,
        "date": result.date or None,
        "reference": result.reference or None,
    }

"""Checks that follow from the data, where the contract has none of its own."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from audit_core.contract.schema import Check, Limit, ReleaseContract, free_id
from audit_core.cube.counted import Counted

LABEL_COVERAGE_LIMIT = Fraction(5, 100)
"""Largest difference in label coverage when the contract names none (METHODS 0.5)."""
LABEL_COVERAGE = "label_coverage"
_WHY = "Labels that are missing more often in one group bias every error rate that is compared with it."


def with_implied_checks(contract: ReleaseContract, counted: Counted) -> ReleaseContract:
    """Return the contract with the checks it is judged by besides its own.

    Where rows lack a label, label coverage is compared over every attribute that no check of the contract
    compares it over. It is minor: the organisation set no such limit, so it can be a condition of an approval
    and no ground to block; a check of its own can weigh more. Every other contract comes back as it is.
    """
    if not counted.has_evaluation or not counted.intake.missing_label or contract.data.label is None:
        return contract
    named = {subject for check in contract.checks if check.metric == LABEL_COVERAGE for subject in check.of}
    left = tuple(
        (attribute.name,)
        for attribute in contract.data.attributes
        if (attribute.name,) not in named and counted.cube.has(attribute.name)
    )
    if not left:
        return contract
    check = Check(
        id=free_id(LABEL_COVERAGE, {check.id for check in contract.checks}),
        stage="training",
        metric=LABEL_COVERAGE,
        compare="difference",
        of=left,
        features=None,
        against=None,
        window=None,
        limit=Limit(max=LABEL_COVERAGE_LIMIT),
        severity="minor",
        primary=False,
        owner=contract.author,
        why=_WHY,
        on_fail=None,
        line=1,
    )
    return replace(contract, checks=(*contract.checks, check))


def is_implied(check: Check) -> bool:
    """Whether a check is one that `with_implied_checks` added; another limit of it may be tried."""
    return (check.metric, check.why, check.severity, check.line) == (LABEL_COVERAGE, _WHY, "minor", 1)

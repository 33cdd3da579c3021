"""What a measured value outside its limit means, by the stage it was measured in."""

from __future__ import annotations

from audit_core.contract.schema import FailRule, ReleaseContract, Stage

LIVE: tuple[Stage, ...] = ("canary", "monitor")


def fail_rule(contract: ReleaseContract, stage: Stage) -> FailRule:
    """Return the contract's rule before a release, and `confirmed` after it.

    A window is measured again and again: where any value beyond the limit failed, chance alone would roll a
    model back sooner or later.
    """
    return "confirmed" if stage in LIVE else contract.statistics.fail_rule

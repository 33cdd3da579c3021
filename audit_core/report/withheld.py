"""An audit as it may leave the workspace, and a finding whose numbers may not."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from audit_core.contract.schema import ReleaseContract, Subject
from audit_core.cube.count_cube import Group
from audit_core.cube.published import PublishedCube
from audit_core.decision.record import Audit
from audit_core.findings.finding import Finding
from audit_core.metrics.catalogue import CRITERIA
from audit_core.report.people import of_every_hundred, subject_words
from audit_core.report.words import WITHHELD, finding_name


@dataclass(frozen=True, slots=True, kw_only=True)
class WithheldFinding(Finding):
    """A finding without its numbers: they stand on a group that is not shown; `told` says so.

    `rounded` holds both ends of its gap with their rates to five points, where at least that is shown.
    """

    told: str
    rounded: tuple[tuple[Group, Fraction], tuple[Group, Fraction]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedAudit(Audit):
    """An audit with everything taken out that would tell of fewer people than the privacy floor.

    `judged` holds (subject, groups judged, groups), worked out before anything was taken out.
    """

    release: PublishedCube
    judged: tuple[tuple[Subject, int, int], ...]


def hidden_words(release: PublishedCube) -> str:
    """Return what is said in the place of numbers."""
    what = "groups" if any(cell.whole for cell in release.mask) else "counts"
    return f"One or more {what} under {release.floor} people were checked and are not shown"


def privacy_note(audit: Audit) -> str:
    """Return that groups are not shown, or "" where all are: to an analyst, or where none is small."""
    return (
        f"{hidden_words(audit.release)}." if isinstance(audit, PublishedAudit) and audit.release.mask else ""
    )


def counts_digest(audit: Audit) -> str:
    """Return the SHA-256 of the counts; not where hidden counts could be tried out against it.

    Without a score every count is a small whole number, and a document would bind the hidden ones to a hash
    that a second of guessing opens. With scores the hash covers their sums too, which nobody can guess.
    """
    cube = audit.counted.cube
    hidden = isinstance(audit, PublishedAudit) and bool(audit.release.mask)
    guessable = hidden and not (cube.codes[:, -1] >= 0).any()
    return WITHHELD if guessable else cube.fingerprint


def rounded_sentence(finding: WithheldFinding, contract: ReleaseContract) -> str:
    """Return a finding about two groups as a sentence about people, to the nearest five, or ""."""
    if finding.rounded is None:
        return ""
    metric = CRITERIA.get(finding.metric, (finding.metric,))[0]
    said = of_every_hundred(metric, finding.rounded, contract)
    return f"{said.removesuffix('.')}, to the nearest five." if said else ""


def withheld_sentence(finding: WithheldFinding, contract: ReleaseContract) -> str:
    """Return a finding in words, without its numbers."""
    what = finding_name(finding)
    if finding.subject:
        what += f" by {subject_words(finding.subject)}"
    said = f"{what}: judged on every group. {finding.told}, nor are the numbers of this check."
    return " ".join(filter(None, (rounded_sentence(finding, contract), said)))

"""The collection plan: for every check that is not decided, what each group still lacks."""

from __future__ import annotations

from dataclasses import dataclass

from audit_core.decision.record import Audit
from audit_core.findings.finding import Aim, GroupNeed, Needs
from audit_core.report.csv_file import csv_bytes
from audit_core.report.needs_words import UNDATED, assumption
from audit_core.report.numbers import count
from audit_core.report.people import group_words, subject_words
from audit_core.report.table_rows import NONE, Rows

HEADERS = (
    "check", "attribute", "group", "unit", "have", "needed", "more", "rows", "weeks", "aim", "assumption",
)  # fmt: skip
AIMS: dict[Aim, str] = {
    "within": "be shown within the limit",
    "confirm": "be confirmed outside the limit",
    "minimum": "be judged at all",
}
NOTHING = "No check asks for more people: each is decided, or more of the same people would not decide it."


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionLine:
    """What one group lacks until one check can decide. `rows` and `weeks` are None where not known."""

    check: str
    attribute: str
    needs: Needs
    need: GroupNeed

    @property
    def group(self) -> str:
        """The group with what it is a group of."""
        return f"{group_words(self.need.group)} ({self.attribute})" if self.need.group else self.attribute

    @property
    def assumption(self) -> str:
        """What the number rests on, and why there are no rows or weeks where there are none."""
        parts = [assumption(self.needs)]
        if self.need.rows is None:
            parts.append("no row of this group was seen, so rows and weeks are not known")
        elif self.need.weeks is None:
            parts.append(UNDATED.get(self.needs.undated, "no row of this group has a window, so no weeks"))
        return "; ".join(parts)


def collection_lines(audit: Audit) -> tuple[CollectionLine, ...]:
    """Return one line per check, subject and group that lacks people, in the contract's order."""
    return tuple(
        CollectionLine(
            check=finding.check, attribute=subject_words(finding.subject), needs=finding.needs, need=need
        )
        for finding in audit.findings
        if finding.needs is not None
        for need in finding.needs.groups
    )


def collection_rows(audit: Audit) -> Rows:
    """Return the plan as the table on the screen."""
    return [
        {
            "Check": line.check,
            "Group": line.group,
            "Counted": line.needs.unit,
            "Has": count(line.need.have),
            "Needs": count(line.need.needed),
            "More": count(line.need.more),
            "Rows": count(line.need.rows) if line.need.rows is not None else NONE,
            "Weeks": count(line.need.weeks) if line.need.weeks is not None else NONE,
            "To": f"{AIMS[line.needs.aim]}, {line.assumption}",
        }
        for line in collection_lines(audit)
    ]


def collection_csv(audit: Audit) -> bytes:
    """Return the plan as a CSV file of plain numbers; with nothing to collect, its header alone."""
    rows = [dict(zip(HEADERS, _cells(line), strict=True)) for line in collection_lines(audit)]
    if rows:
        return csv_bytes(rows)
    return b"\xef\xbb\xbf" + (",".join(HEADERS) + "\r\n").encode()


def _cells(line: CollectionLine) -> tuple[str, ...]:
    need = line.need
    return (
        line.check,
        line.attribute,
        group_words(need.group),
        line.needs.unit,
        str(need.have),
        str(need.needed),
        str(need.more),
        str(need.rows) if need.rows is not None else "",
        str(need.weeks) if need.weeks is not None else "",
        line.needs.aim,
        line.assumption,
    )

"""A candidate against its baseline in words: which baseline, what has changed, how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from audit_core.contract.schema import ReleaseContract
from audit_core.cube.baseline import Approval, Baseline
from audit_core.decision.record import Audit
from audit_core.findings.finding import Finding
from audit_core.findings.regression import baseline_floor
from audit_core.metrics.estimate import Count
from audit_core.metrics.regression_risk import joint_chance, trigger_chance
from audit_core.metrics.regression_rows import ExtremePair, RegressionRow
from audit_core.report.escape import clip
from audit_core.report.limits import check_of
from audit_core.report.numbers import (
    chance_words,
    count,
    percent,
    points,
)
from audit_core.report.people import group_words, of_every_hundred, of_one_group, people_base, subject_words
from audit_core.report.readings import Reading, reading
from audit_core.report.takes_words import takes_sentence
from audit_core.report.withheld import PublishedAudit

SAME_ROWS = "Both models decided on the same rows, so what differs is the model."
OTHER_ROWS = (
    "The two models were measured on different rows, so this also reflects a change of data, "
    "not of the model alone."
)
WIDER = (
    "How many people the two models disagree on is left out here, so the range is the wider one of different "
    "rows."
)
DECIDED_ON_CLOSER = "The check was decided on the closer one."
NO_BASELINE = "No baseline was given."
WHAT_NO_BASELINE_MEANS = (
    "Whether this release is worse than the approved one is not known. Checks against the baseline stand as "
    "“Not run” and count as undecided; they are never within the limit by default. A first release needs an "
    "exception with a name and an end date."
)
HOW_TO_GIVE_ONE = (
    "Give the last approved audit or the approved model itself: `evenhand audit … --baseline FILE` takes "
    "its audit.json or its scored rows, `--baseline last` the last approved release of this contract, and "
    "`--baseline-model FILE` scores the same rows with the approved model, which needs the fewest people."
)
APPROVAL_WORDS: dict[Approval, str] = {
    "approved": "approved",
    "approved_with_conditions": "approved with conditions",
    "not_approved": "not approved",
    "not_shown": "no approval is shown",
}
HOW_TO_READ = (
    "“At least” and “at most” bound the change of the largest gap, whichever groups are furthest apart "
    "before and now, so they can be wider than the interval of any single group. The range of one group's "
    "change leaves out as much on each side as a bound does: beside bounds at level 95 % it is a 90 % "
    "interval."
)


def regression_sentence(finding: Finding, audit: Audit) -> str:
    """Return what became of a check against the baseline: both models' numbers, the change, its bounds."""
    row, baseline = finding.row, audit.counted.baseline
    if row is None or baseline is None:
        return ""
    where = "on the same rows" if row.paired else "on other rows"
    what = f"{row.rate.name} {'gap ' if finding.change == 'gap' else ''}by {subject_words(finding.subject)}"
    head = f"{what} against the baseline “{clip(baseline.name, 48)}” {where}"
    gap = finding.change == "gap"
    numbers = _gap_numbers(row, finding, audit) if gap else _group_numbers(finding, audit)
    parts = [f"{head}: {numbers}.", regression_conclusion(finding, audit), trigger_words(finding, audit)]
    if row.widened:
        parts += [WIDER, DECIDED_ON_CLOSER if isinstance(audit, PublishedAudit) else ""]
    parts.append("" if row.paired else OTHER_ROWS)
    return " ".join(part for part in parts if part)


def rows_of(finding: Finding, audit: Audit) -> tuple[RegressionRow, ...]:
    """Return what a check compares: equalized odds both of its rates, a canary its latest days alone."""
    if finding.change is None or finding.row is None:
        return ()
    rows = audit.measurements.changes(finding.subject, finding.metric, finding.change)
    return rows if any(row is finding.row for row in rows) else (finding.row,)


def regression_conclusion(finding: Finding, audit: Audit) -> str:
    """Return what the numbers mean for the check, without the numbers."""
    parts = (_clause(finding, audit), _warning(finding, audit), takes_sentence(finding, audit))
    return " ".join(part for part in parts if part)


def _warning(finding: Finding, audit: Audit) -> str:
    check = check_of(audit.contract, finding.check)
    if not finding.warned or check is None or check.limit.warn is None:
        return ""
    return f"It is past the contract's warning at {reading(finding).figures.text(check.limit.warn)}."


def regression_people(finding: Finding, audit: Audit) -> str:
    """Return a change as a sentence about people under both models, or ""."""
    row = finding.row
    if finding.change in ("rate", "risk"):
        return _group_people(finding, audit)
    if finding.change != "gap" or row is None or row.gap is None or finding.value is None:
        return ""
    ends = (row.gap.new.high, row.gap.new.low)
    old = [row.group(end.group) for end in ends]
    if ends[0].group == ends[1].group or any(g is None for g in old):
        return ""
    first = [g.old for g in old if g is not None]
    base = max(people_base(*(end.value or Fraction(0) for end in pair)) for pair in (ends, first))
    now = _hundred(row, ends, audit.contract, base)
    before = _hundred(row, first, audit.contract, base)
    if not now or not before:
        return ""
    return f"{now} Under the baseline it was about {before.partition(' about ')[2]}"


def _group_people(finding: Finding, audit: Audit) -> str:
    """The group that decides, before and now."""
    row, new, old = finding.row, finding.high, finding.low
    if row is None or new is None or old is None or finding.value is None:
        return ""
    return of_one_group(row.rate.id, new.group, (old.value, new.value), audit.contract)


def _hundred(row: RegressionRow, ends: Sequence[Count], contract: ReleaseContract, base: int) -> str:
    high, low = ((end.group, end.value or Fraction(0)) for end in ends)
    return of_every_hundred(row.rate.id, (high, low), contract, base=base)


def _gap_numbers(row: RegressionRow, finding: Finding, audit: Audit) -> str:
    if row.gap is None or finding.value is None:
        return "fewer than two groups have data in both models, so there is no gap to compare"
    read = reading(finding)
    return (
        f"{_pair(row.gap.old)} before; {_pair(row.gap.new)} now; a change of "
        f"{read.figures.signed(finding.value)} ({change_ranges(finding, audit)})"
    )


def _pair(pair: ExtremePair) -> str:
    """“woman 51.8 % (n=812), man 67.6 % (n=901), a gap of 15.8 pts”."""
    gap = points(pair.gap)
    if pair.high.group == pair.low.group:
        return f"{_count(pair.low)}, the same in every group, a gap of {gap}"
    return f"{_count(pair.low)}, {_count(pair.high)}, a gap of {gap}"


def _count(found: Count) -> str:
    assert found.value is not None
    return f"{group_words(found.group)} {percent(found.value)} (n={count(found.denominator)})"


def _group_numbers(finding: Finding, audit: Audit) -> str:
    new, old = finding.high, finding.low
    if new is None or old is None:
        return "a required group has no case to divide by in one of the models"
    name = group_words(new.group)
    before = f"{percent(old.value)} before (n={count(old.denominator)})"
    now = f"{percent(new.value)} now (n={count(new.denominator)})"
    if finding.value is None:
        return (
            f"the group that decides is {name}, {before} and {now}; where the baseline harmed nobody, "
            f"any harm is a rise ({change_ranges(finding, audit)})"
        )
    change = reading(finding).figures.signed(finding.value)
    grown = f"a change of {change}" + (" of the rate before" if finding.change == "risk" else "")
    return f"the group that decides is {name}, {before} and {now}, {grown} ({change_ranges(finding, audit)})"


def change_ranges(finding: Finding, audit: Audit) -> str:
    """Return the bounds and the limit, as they stand in brackets behind a change."""
    read, parts = reading(finding), []
    shown = read.figures
    least = f"at least {shown.bare(read.lower)}" if read.lower is not None else ""
    most = f"at most {shown.bare(read.upper)}" if read.upper is not None else ""
    parts.append(", ".join(part for part in (least, most) if part))
    row = finding.row
    if row is not None and row.gap is not None and row.gap.absent:
        parts.append(f"no lower bound, since {row.gap.absent}")
    parts.append(_limit(finding, audit, read))
    return "; ".join(part for part in parts if part)


def _limit(finding: Finding, audit: Audit, read: Reading) -> str:
    check = check_of(audit.contract, finding.check)
    if finding.limit is None:
        return ""
    text = f"limit {read.figures.text(finding.limit)}"
    if finding.change != "risk" or check is None:
        return text
    return f"{text}, from {points(baseline_floor(check))} upwards"


def _clause(finding: Finding, audit: Audit) -> str:
    if finding.status == "PASS" and _is_beyond(finding):
        return _under_floor(finding, audit)
    what = {"gap": "increase of the gap", "rate": "increase", "risk": "rise", None: "change"}[finding.change]
    return {
        "within": f"The {what} is shown to be within the limit.",
        "point_within": f"The measured {what} keeps the limit, which is all this rule asks; the true {what} "
        "may still be beyond it.",
        "beyond": _beyond(finding, what),
        "point_beyond": _point_beyond(finding, what),
        "either_way": f"The true {what} may lie on either side of the limit, so these data cannot settle it.",
        "too_few": _too_few(finding),
        "too_many_unknown": f"Over a tenth of the rows have no known {subject_words(finding.subject)}, "
        "so these data cannot settle the check.",
        "one_group": "There is nothing to compare the one group with.",
        "baseline_not_approved": "The contract compares with the last approved release, and nothing shows "
        "that this baseline was approved, so a small change does not count as within the limit. Give the "
        "result of its audit with it.",
    }.get(finding.reason, "")


def _is_beyond(finding: Finding) -> bool:
    return finding.limit is not None and finding.value is not None and finding.value > finding.limit


def _under_floor(finding: Finding, audit: Audit) -> str:
    """A rise beyond its share that is within the limit: only a harm rate has a floor."""
    check = check_of(audit.contract, finding.check)
    floor = f"the {points(baseline_floor(check))}" if check else "the least"
    return f"The rise is smaller than {floor} from which one counts, so it is within the limit."


def _beyond(finding: Finding, what: str) -> str:
    if finding.value is not None and not _is_beyond(finding):
        return (
            "These groups alone are not outside the limit; with every group of ten or more people counted "
            f"in, the {what} is shown to be outside it."
        )
    return f"The {what} is shown to be outside the limit, even after allowing for chance."


def _point_beyond(finding: Finding, what: str) -> str:
    if finding.status == "INCONCLUSIVE":
        return f"The measured {what} is outside the limit, but the true {what} may be within it."
    counts = "and the contract counts that as a failure"
    if finding.evidence == "UNSUPPORTED":
        return f"The measured {what} is outside the limit {counts}, though on fewer people than it requires."
    return f"The measured {what} is outside the limit {counts}; the true {what} may still be within it."


def _too_few(finding: Finding) -> str:
    row = finding.row
    if row is None:
        return "A group holds fewer people than the contract requires; that never counts as within the limit."
    unit, least = row.rate.support, row.min_support
    names = ", ".join(clip(name, 48) for name in finding.names[:4]) or "A group"
    verb = "holds" if len(finding.names) <= 1 else "hold"
    return (
        f"{names} {verb} fewer than the {count(least)} {unit} the contract requires in both models; that "
        "never counts as within the limit."
    )


def trigger_words(finding: Finding, audit: Audit) -> str:
    """Return how often the rule of a rising harm rate is triggered where no model is worse, or ""."""
    row, limit = finding.row, finding.limit
    check = check_of(audit.contract, finding.check)
    if row is None or row.widened or finding.change != "risk":
        return ""
    if limit is None or check is None or finding.high is None:
        return ""
    chances = chances_of(row, limit, baseline_floor(check), audit.contract)
    mine, known = chances.get(finding.high.group), [c for c in chances.values() if c is not None]
    whole = joint_chance(known)
    if mine is None or whole is None:
        return ""
    text = f"If neither model were worse, this group would still be beyond the limit {chance_words(mine)}"
    if len(known) == 1:
        return f"{text} like this one."
    return f"{text} like this one, and at least one of the {count(len(known))} groups {chance_words(whole)}."


def chances_of(
    row: RegressionRow, limit: Fraction, floor: Fraction, contract: ReleaseContract
) -> dict[tuple[str, ...], float | None]:
    """Return every group's chance of being beyond the limit although neither model is worse."""
    level = float(contract.statistics.level)
    return {g.group: trigger_chance(g, most=limit, floor=floor, level=level) for g in row.groups}


def approval_words(baseline: Baseline) -> str:
    """Return whether the baseline was approved; what only a file says is told as what the file says."""
    said = APPROVAL_WORDS[baseline.approval]
    return f"{said}, as its result file says" if baseline.by_file else said


def baseline_sentence(baseline: Baseline) -> str:
    """Return which baseline it is: its name and hash, whether it was approved, when and under what."""
    digest = f" (SHA-256 {baseline.model_sha256[:12]}…)" if baseline.model_sha256 else ""
    parts = [f"Compared with “{clip(baseline.name, 60)}”{digest}: {approval_words(baseline)}"]
    if baseline.created_at:
        parts.append(f"audited on {baseline.created_at[:10]}")
    if baseline.contract_version:
        parts.append(f"under version {baseline.contract_version} of the contract")
    if baseline.other_contract:
        parts.append(f"under another contract ({clip(baseline.other_contract, 80)})")
    if baseline.audit_id:
        parts.append(f"audit {baseline.audit_id}")
    return ", ".join(parts) + "."

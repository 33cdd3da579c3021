"""How many more people would decide a check against the baseline."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Literal

from audit_core.contract.schema import ReleaseContract
from audit_core.cube.count_cube import Group
from audit_core.cube.counted import Counted
from audit_core.findings.finding import Aim, Finding, GroupNeed, Needs
from audit_core.findings.needs import dated, lacks, most_first
from audit_core.findings.plans import Sample
from audit_core.findings.volume import weekly_volume
from audit_core.metrics.gaps import PROTECT_FLOOR
from audit_core.metrics.intervals import z_one_sided, z_simultaneous
from audit_core.metrics.planner import POWER
from audit_core.metrics.regression_bounds import MOST_CONTRASTED, GroupChange
from audit_core.metrics.regression_risk import risk_bounds
from audit_core.metrics.regression_rows import RegressionRow

Of = Literal["change", "risk"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    """A finding that is not settled, with what it stands on."""

    finding: Finding
    row: RegressionRow
    contract: ReleaseContract
    counted: Counted


def gap_needs(
    finding: Finding, row: RegressionRow, contract: ReleaseContract, counted: Counted
) -> Needs | None:
    """Return what every group lacks until the change of the largest gap can be decided, or None.

    Formula: n = (z+z_power)²·v/(limit−change)² in every group, v the spread of a pair's change per person. An
    open check is to be shown within its limit if nothing has truly changed; where that many people are there
    already, if the changes are those measured. A failure that is not confirmed is to be confirmed at the
    values measured, against every pair that may have been furthest apart before.
    """
    if finding.reason in ("too_many_unknown", "undefined", "one_group") or finding.limit is None:
        return None
    open_ = _Open(finding=finding, row=row, contract=contract, counted=counted)
    members = [g for g in row.groups if g.group in {*row.required, *row.supported}]
    if len([g for g in members if g.support]) < 2:
        return _needs(open_, members, row.min_support, "minimum")
    limit, level = float(finding.limit), float(contract.statistics.level)
    if finding.reason == "point_beyond":
        each = _to_confirm(finding, row, limit, level)
        return _needs(open_, members, each, "confirm", float(finding.value or 0))
    with_data = [g for g in members if g.support]
    for assumed in (False, True):
        each = _to_hold(with_data, limit, level, measured=assumed)
        made = _needs(open_, members, each, "within", _largest(with_data) if assumed else 0.0)
        if made is not None:
            return made
    return _needs(open_, members, row.min_support, "minimum")


def group_needs(
    finding: Finding, row: RegressionRow, contract: ReleaseContract, counted: Counted
) -> Needs | None:
    """Return what the groups lack until their own rates can be decided, or None.

    Formula: of a rate as in `gap_needs`; of a rise as a share n·((z+z_power)·se/ln((1+rise)/(1+limit)))² from
    the standard error at the n there are. Where only support is missing, what lacks to the minimum.
    """
    limit, level = finding.limit, float(contract.statistics.level)
    if finding.reason == "too_many_unknown" or limit is None:
        return None
    open_ = _Open(finding=finding, row=row, contract=contract, counted=counted)
    wanted = [g for g in row.groups if g.group in row.required]
    deciding = finding.high.group if finding.high is not None else None
    one = row.group(deciding) if deciding is not None else None
    if finding.reason == "too_few" or one is None or finding.value is None:
        return _needs(open_, wanted, row.min_support, "minimum")
    value = float(finding.value)
    each: int | None
    if finding.change == "risk":
        each = _risk_to_confirm(one, value, float(limit), level)
    else:
        each = _people(_spread(one), abs(float(limit) - value), z_one_sided(level) + z_one_sided(POWER))
    aim: Aim = "confirm" if finding.reason == "point_beyond" else "within"
    return _needs(open_, [one], each, aim, value)


def _largest(members: Sequence[GroupChange]) -> float:
    values = [float(member.value or 0) for member in members]
    return max(values) - min(values)


def _to_hold(members: Sequence[GroupChange], limit: float, level: float, *, measured: bool) -> int | None:
    """People per group until every pair's bound is within the limit; None where no number is enough."""
    pairs = len(members) * (len(members) - 1)
    power = z_one_sided(POWER) if measured else z_one_sided(1 - (1 - POWER) / pairs)
    most = 0
    for first, second in permutations(members, 2):
        change = float(first.value or 0) - float(second.value or 0) if measured else 0.0
        spread = _spread(first) + _spread(second)
        each = _people(spread, limit - change, z_one_sided(level) + power)
        if each is None:
            return None
        most = max(most, each)
    return most


def _to_confirm(finding: Finding, row: RegressionRow, limit: float, level: float) -> int | None:
    """People per group until the increase is shown, whichever pair was furthest apart before."""
    if row.gap is None or finding.high is None or finding.low is None:
        return None
    members = [g for g in row.groups if g.support >= PROTECT_FLOOR or g.group in row.compared]
    if len(members) > MOST_CONTRASTED:
        return None
    z = z_simultaneous(level, max(2, len(members))) + z_one_sided(POWER)
    high, low = row.gap.new.high.group, row.gap.new.low.group
    now, most = float(row.gap.new.gap), 0
    for first, second in permutations(members, 2):
        before = float(first.old.value or 0) - float(second.old.value or 0)
        spread = sum(
            _contrast(g, (g.group == high) - (g.group == low), (g == first) - (g == second)) for g in members
        )
        each = _people(spread, now - before - limit, z)
        if each is None:
            return None
        most = max(most, each)
    return most


def _people(spread: float, room: float, z: float) -> int | None:
    return math.ceil(z * z * spread / room**2) if room > 0 else None


def _careful(x: float, n: float) -> float:
    return (x + 0.5) / (n + 1)


def _spread(change: GroupChange) -> float:
    """Spread of a group's change per person: p(1−p) + p′(1−p′) − 2s, never 0."""
    return _contrast(change, 1, 1)


def _contrast(change: GroupChange, now: int, before: int) -> float:
    """Spread per person of now·p − before·p′; rates of 0 and 1 taken half a person inwards."""
    p = _careful(change.new.numerator, change.new.denominator)
    q = _careful(change.old.numerator, change.old.denominator)
    rows = max(change.new.denominator, change.old.denominator, 1)
    shared = float(change.shared) / rows
    spread = now * now * p * (1 - p) + before * before * q * (1 - q) - 2 * now * before * shared
    return max(spread, (abs(now) + abs(before)) * 0.25 / rows)


def _risk_to_confirm(change: GroupChange, rise: float, limit: float, level: float) -> int | None:
    found, have = risk_bounds(change, level), change.support
    if found is None or not found.ratio or found.low <= 0 or rise <= limit:
        return None
    se = math.log(float(found.ratio) / found.low) / z_one_sided(level)
    wanted = math.log((1 + rise) / (1 + limit)) / (z_one_sided(level) + z_one_sided(POWER))
    return math.ceil(have * (se / wanted) ** 2)


def _needs(
    open_: _Open, members: Sequence[GroupChange], each: int | None, aim: Aim, assumed: float = 0.0
) -> Needs | None:
    """What these groups lack to `each` people; `assumed` is the change it is planned at."""
    if each is None:
        return None
    finding, row, counted = open_.finding, open_.row, open_.counted
    rows = _rows(counted, finding)
    found: list[GroupNeed] = []
    for member in members:
        have = min(member.new.denominator, member.old.denominator)
        sample = Sample(
            group=member.group, have=have, rows=rows.get(member.group, 0), value=None,
            effect=member.new.design_effect,
        )  # fmt: skip
        found += lacks(sample, max(row.min_support, each))
    if not found:
        return None
    of: Of = "risk" if finding.change == "risk" else "change"
    made = Needs(unit=row.rate.support, groups=most_first(found), aim=aim, of=of, assumed=assumed)
    return dated(made, weekly_volume(counted.cube, open_.contract, finding.subject))


def _rows(counted: Counted, finding: Finding) -> Mapping[Group, int]:
    tables = counted.cube.outcomes(finding.subject)
    return {group: int(table.sum()) for group, table in tables.items()}

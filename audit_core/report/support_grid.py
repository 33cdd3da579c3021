"""The support grid: two or three attributes crossed, and a rate in every cell with enough people."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from audit_core.contract.schema import ReleaseContract, Subject, SupportPolicy
from audit_core.cube.axes import NO, YES
from audit_core.cube.count_cube import CountCube, Group, Integers, is_unknown
from audit_core.decision.record import Audit
from audit_core.metrics.estimate import Estimate, Measured, Suppressed, TooFew, Undefined, estimate_rate
from audit_core.metrics.measure import rate_metric
from audit_core.metrics.rates import level_order, required_groups
from audit_core.report.numbers import PERCENT, count, counted, figures, percent
from audit_core.report.people import group_words
from audit_core.report.words import WITHHELD

WITHHELD_OUTSIDE = "would be withheld outside"
REQUIRED = "required by the contract"


@dataclass(frozen=True, slots=True, kw_only=True)
class GridCell:
    """One combination. It is judged when enough positives and negatives stand behind it.

    `required`: a check of the contract compares these combinations, and none of them may be thin for a PASS.
    `private`: fewer people than the privacy floor; shown here, withheld in whatever leaves the workspace.
    """

    group: Group
    name: str
    rows: int
    positives: int
    negatives: int
    judged: bool
    estimate: Estimate
    missing: str
    required: bool
    private: bool

    @property
    def rate(self) -> Measured | None:
        """The rate that may be shown as one, or None."""
        return self.estimate if self.judged and isinstance(self.estimate, Measured) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class SupportGrid:
    """Every combination that holds a person or is required, in the contract's order.

    With a third attribute the cells are those of all its `layers`; `at` is the grid of one of them. `scale`
    holds the lowest and the highest rate of all layers, so that one colour means one rate in each.
    """

    rows: str
    columns: str
    metric: str
    row_levels: tuple[str, ...]
    column_levels: tuple[str, ...]
    cells: tuple[GridCell, ...]
    floor: int
    third: str = ""
    layers: tuple[str, ...] = ()
    scale: tuple[float, float] | None = None

    @property
    def subject(self) -> Subject:
        """The attributes that are crossed."""
        return (self.rows, self.columns, self.third) if self.third else (self.rows, self.columns)

    @property
    def judged(self) -> int:
        """How many combinations are judged."""
        return sum(cell.rate is not None for cell in self.cells)

    @property
    def known(self) -> int:
        """How many combinations there are; people of unknown group are in none, but they are people."""
        return sum(not is_unknown(cell.group) for cell in self.cells)

    @property
    def too_few(self) -> int:
        """How many combinations are not judged."""
        return self.known - self.judged

    @property
    def covered(self) -> Fraction | None:
        """The share of people (0–1) who are in a judged combination."""
        everyone = sum(cell.rows for cell in self.cells)
        inside = sum(cell.rows for cell in self.cells if cell.rate is not None)
        return Fraction(inside, everyone) if everyone else None

    def cell(self, group: Group) -> GridCell | None:
        """Return the cell of a combination, if it has one."""
        return next((cell for cell in self.cells if cell.group == group), None)

    def at(self, layer: str) -> SupportGrid:
        """Return the grid of one level of the third attribute, in the same places and on the same scale."""
        return replace(self, cells=tuple(cell for cell in self.cells if cell.group[2] == layer))


def support_grid(audit: Audit, rows: str, columns: str, metric: str, third: str = "") -> SupportGrid:
    """Return the grid of two or three attributes. People of unknown group are shown, and never judged."""
    cube, contract = audit.counted.cube, audit.contract
    subject: Subject = (rows, columns, third) if third else (rows, columns)
    tables, required = cube.outcomes(subject), gated_groups(contract, cube, subject)
    present = {*tables, *required}
    levels = [
        [level for level in level_order(cube, contract, name) if any(group[i] == level for group in present)]
        for i, name in enumerate(subject)
    ]
    ranks = [{level: place for place, level in enumerate(order)} for order in levels]
    ordered = sorted(present, key=lambda group: [ranks[i][group[i]] for i in (2, 0, 1)[3 - len(group) :]])
    nobody = np.zeros((3, 4), dtype=np.int64)
    rates = _measured_rates(audit, subject, metric)
    cells = tuple(
        _cell(
            audit.contract,
            group,
            table,
            rates.get(group) or _estimate(audit.contract, metric, table),
            required,
        )
        for group, table in ((group, tables.get(group, nobody)) for group in ordered)
    )
    shown = [cell.rate.value for cell in cells if cell.rate is not None]
    return SupportGrid(
        rows=rows,
        columns=columns,
        metric=metric,
        row_levels=tuple(levels[0]),
        column_levels=tuple(levels[1]),
        cells=cells,
        floor=contract.support.privacy_floor,
        third=third,
        layers=tuple(levels[2]) if third else (),
        scale=(min(shown), max(shown)) if third and shown else None,
    )


def gated_groups(contract: ReleaseContract, cube: CountCube, subject: Subject) -> frozenset[Group]:
    """Return the combinations a PASS needs, where a check compares these attributes, in any order."""
    gated = [
        named
        for check in contract.checks
        for named in check.of
        if len(named) == len(subject) and set(named) == set(subject)
    ]
    if not gated:
        return frozenset()
    return frozenset(required_groups(cube, contract, subject))


def _measured_rates(audit: Audit, subject: Subject, metric: str) -> dict[Group, Estimate]:
    """Return the rates the audit itself measured, where it crossed these attributes, in any order."""
    measured = next((s for s in audit.measurements.subjects if sorted(s) == sorted(subject)), None)
    if measured is None:
        return {}
    places = [measured.index(name) for name in subject]
    return {
        tuple(rate.group[place] for place in places): rate.estimate
        for rate in audit.measurements.rates
        if rate.subject == measured and rate.metric == metric
    }


def _estimate(contract: ReleaseContract, metric: str, table: Integers) -> Estimate:
    """The rate of a combination the contract does not compare; its people are not told apart."""
    row, statistics = rate_metric(contract, metric), contract.statistics
    return estimate_rate(
        *row.counts(table),
        required=row.required(contract.support),
        level=float(statistics.level),
        method=statistics.interval,
    )


def _cell(
    contract: ReleaseContract, group: Group, table: Integers, found: Estimate, required: frozenset[Group]
) -> GridCell:
    policy = contract.support
    positives, negatives, rows = int(table[YES].sum()), int(table[NO].sum()), int(table.sum())
    return GridCell(
        group=group,
        name=group_words(group),
        rows=rows,
        positives=positives,
        negatives=negatives,
        judged=positives >= policy.positives and negatives >= policy.negatives and not is_unknown(group),
        estimate=found,
        missing=_missing(policy, positives, negatives, group) or _thin(found),
        required=group in required,
        private=rows < policy.privacy_floor,
    )


def _missing(policy: SupportPolicy, positives: int, negatives: int, group: Group) -> str:
    """What a cell lacks, in the grid's short form: P positives or N negatives, of those required."""
    if is_unknown(group):
        return "group unknown"
    if positives < policy.positives:
        return f"P={positives} of {policy.positives}"
    return f"N={negatives} of {policy.negatives}" if negatives < policy.negatives else ""


def _thin(found: Estimate) -> str:
    """What the metric's own denominator lacks in a cell that has its positives and negatives."""
    if isinstance(found, TooFew):
        return f"n={found.denominator} of {found.required}"
    return "no denominator" if isinstance(found, Undefined) else ""


def lack_words(cell: GridCell) -> str:
    """Return why a cell is not judged: “insufficient (P=12 of 50)”."""
    return f"{'not judged' if is_unknown(cell.group) else 'insufficient'} ({cell.missing})"


def cell_line(cell: GridCell) -> str:
    """Return one cell in words: its rate with interval and people, or what it lacks, and its marks."""
    if isinstance(cell.estimate, Suppressed):
        return WITHHELD
    if cell.rate is None:
        said = lack_words(cell)
    else:
        rate = cell.rate
        interval = f"interval {percent(rate.low)} to {percent(rate.high)}"
        said = f"{percent(rate.value)} ({interval}) · n {count(rate.denominator)}"
    marks = [REQUIRED] * cell.required + [WITHHELD_OUTSIDE] * cell.private
    return " · ".join([said, *marks])


def grid_sentence(grid: SupportGrid) -> str:
    """Return how much is judged: “17 of 25 combinations judged, 8 too few, 95.1 % of people covered.”"""
    share = grid.covered
    covered = (
        f", {figures(PERCENT, [share], [0, 1]).text(share)} of people covered" if share is not None else ""
    )
    return f"{grid.judged} of {counted(grid.known, 'combinations')} judged, {grid.too_few} too few{covered}."


def required_sentence(grid: SupportGrid) -> str:
    """Return what the thin ones among the required combinations mean for the contract, or ""."""
    required = [cell for cell in grid.cells if cell.required]
    thin = sum(cell.rate is None for cell in required)
    if not required:
        return ""
    if not thin:
        return f"The contract requires {counted(len(required), 'combinations')}, and each has enough people."
    have = "has" if thin == 1 else "have"
    return (
        f"The contract requires {counted(len(required), 'combinations')}; {thin} of them {have} too few "
        "people, so its checks on this combination cannot be “Within limit” yet."
    )


def private_sentence(grid: SupportGrid) -> str:
    """Return how many combinations would be withheld from whatever leaves the workspace, or ""."""
    private = sum(cell.private for cell in grid.cells)
    if not private:
        return ""
    stand = "combination has" if private == 1 else "combinations have"
    return (
        f"{private} {stand} fewer than {grid.floor} people: shown here in full, "
        f"{WITHHELD_OUTSIDE} the workspace."
    )

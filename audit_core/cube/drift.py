"""Counts of one feature in the reference sample and in the current one, bin by bin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from audit_core.cube.axes import OTHER, UNKNOWN_WORD

FeatureKind = Literal["numeric", "categorical", "score", "decision", "label", "group"]
"""What was counted; `group` is how many rows each group of a protected attribute has."""

MISSING_BIN = "missing"
UNSEEN_BIN = "new categories"
MOST_NEW = 20
"""New categories named at most, the most frequent first."""

Code = int | str
"""Name of a bin inside a query: a number of a numeric feature, a text of any other."""
Key = tuple[str, str]
"""(attribute, group); two empty texts for everybody."""

NUMBERS: tuple[FeatureKind, ...] = ("numeric", "score")
MISSING_CODE, MODE_CODE = -1, -2
NO_TEXT, LISTED, NOT_LISTED = "", "=", "+"
"""Codes of a missing cell, a listed category (before its text) and any other: no cell can imitate them."""
_A_VALUE = " (a value)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValuesApart:
    """How far the values themselves lie apart, folded while their rows were read.

    `reference` and `current` are rows with a value. `apart` is the largest difference of the two cumulative
    shares times reference · current, a whole number; `area` is the area between the two, in the unit of the
    values; `deviation` is the reference's standard deviation (n−1). The last two are None where there is none
    or it has no finite size.
    """

    reference: int
    current: int
    apart: int
    area: float | None
    deviation: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftTable:
    """A feature's bins with their counts (rows) in both samples, overall or inside one group.

    `edges` are the inner edges of a numeric feature: bin i holds (edge i-1, edge i], the outer bins are open.
    Where several deciles fall on one value, `mode` is that value, one of the edges: it has a bin of its own,
    and what else lies in (edge before, mode] has another, present when non-empty in one of the samples. So
    are the bins of missing cells and of categories the reference never saw. `values` is None where the rows
    at each value of both samples were never seen together.
    """

    feature: str
    kind: FeatureKind
    attribute: str
    group: str
    labels: tuple[str, ...]
    edges: tuple[float, ...]
    reference: tuple[int, ...]
    current: tuple[int, ...]
    new_categories: tuple[tuple[str, int], ...]
    mode: float | None = None
    values: ValuesApart | None = None

    @property
    def missing_label(self) -> str:
        """Name of the bin of cells without a value; of a group table, people of unknown group."""
        return UNKNOWN_WORD if self.kind == "group" else MISSING_BIN

    @property
    def over_everybody(self) -> bool:
        """Whether it counts everybody by a feature, score, decision or label, not by groups."""
        return not self.group and self.kind != "group"

    def missing(self) -> tuple[int, int]:
        """Rows without a value in (reference, current)."""
        if self.missing_label not in self.labels:
            return 0, 0
        place = self.labels.index(self.missing_label)
        return self.reference[place], self.current[place]

    @property
    def value_bins(self) -> int:
        """How many bins, the first ones, hold values the reference's bins were made for."""
        return sum(label not in (self.missing_label, UNSEEN_BIN) for label in self.labels)

    @property
    def mode_place(self) -> int | None:
        """Which bin holds the mode and nothing else, or None where the deciles are apart."""
        if self.mode is None:
            return None
        below = self.value_bins - len(self.edges) - 1
        return self.edges.index(self.mode) + below


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One bin: its code, its name, and whether it stands even where no sample has a row in it."""

    code: Code
    label: str
    always: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Bins:
    """How a feature's values are put into bins, whatever sample they are from.

    `edges` and `mode` are of numbers, as in `DriftTable`; `levels` are the named categories of any other
    kind, and `folded` says that the reference has more, which share a bin.
    """

    feature: str
    kind: FeatureKind
    edges: tuple[float, ...] = ()
    mode: float | None = None
    levels: tuple[str, ...] = ()
    folded: bool = False

    def slots(self) -> tuple[Slot, ...]:
        """Return every bin there may be, values in ascending order first."""
        return tuple(self._number_slots() if self.kind in NUMBERS else self._category_slots())

    def table(
        self,
        key: Key,
        before: Mapping[Code, int],
        after: Mapping[Code, int],
        new: Sequence[tuple[str, int]] = (),
        values: ValuesApart | None = None,
    ) -> DriftTable:
        """Return the drift table of rows counted by code in the reference (before) and now (after)."""
        slots = [s for s in self.slots() if s.always or before.get(s.code) or after.get(s.code)]
        return DriftTable(
            feature=self.feature,
            kind=self.kind,
            attribute=key[0],
            group=key[1],
            labels=tuple(slot.label for slot in slots),
            edges=self.edges,
            reference=tuple(before.get(slot.code, 0) for slot in slots),
            current=tuple(after.get(slot.code, 0) for slot in slots),
            new_categories=tuple(new),
            mode=self.mode,
            values=values,
        )

    def _number_slots(self) -> list[Slot]:
        shown = _told_apart(self.edges)
        names = [f"up to {shown[0]}" if shown else "all values"]
        names += [f"over {low} to {high}" for low, high in pairwise(shown)]
        names += [f"over {shown[-1]}"] if shown else []
        slots = [Slot(code=code, label=name, always=True) for code, name in enumerate(names)]
        if self.mode is not None:
            place = self.edges.index(self.mode)
            value = shown[place] if float(shown[place]) == self.mode else repr(self.mode)
            rest = f"below {value}" if place == 0 else f"over {shown[place - 1]}, below {value}"
            slots[place : place + 1] = [
                Slot(code=place, label=rest, always=False),
                Slot(code=MODE_CODE, label=f"exactly {value}", always=True),
            ]
        return [*slots, Slot(code=MISSING_CODE, label=MISSING_BIN, always=False)]

    def _category_slots(self) -> list[Slot]:
        slots = [
            Slot(code=f"{LISTED}{level}", label=_category(level, self.kind), always=True)
            for level in self.levels
        ]
        missing = UNKNOWN_WORD if self.kind == "group" else MISSING_BIN
        gone = Slot(code=NO_TEXT, label=missing, always=False)
        if self.folded:
            return [*slots, Slot(code=NOT_LISTED, label=OTHER, always=True), gone]
        return [*slots, gone, Slot(code=NOT_LISTED, label=UNSEEN_BIN, always=False)]


def bins_of(table: DriftTable) -> Bins:
    """Return the bins a table was counted in, from the table alone."""
    if table.kind in NUMBERS:
        return Bins(feature=table.feature, kind=table.kind, edges=table.edges, mode=table.mode)
    names = table.labels[: table.value_bins]
    folded = table.kind != "group" and OTHER in names
    levels = tuple(_level(name, table.kind) for name in names if not folded or name != OTHER)
    return Bins(feature=table.feature, kind=table.kind, levels=levels, folded=folded)


def codes_of(table: DriftTable) -> tuple[Code, ...]:
    """Return the code of each bin of a table."""
    slots, size = bins_of(table).slots(), table.value_bins
    if table.kind in NUMBERS:
        values = [slot.code for slot in slots if slot.code != MISSING_CODE]
        if table.mode is not None and size == len(table.edges) + 1:  # nothing else lies in the mode's bin
            values.remove(table.edges.index(table.mode))
        return (*values, *(MISSING_CODE for _ in table.labels[size:]))
    codes = {slot.label: slot.code for slot in slots}
    return tuple(codes[label] for label in table.labels)


def added_drift(a: DriftTable, b: DriftTable) -> DriftTable:
    """Return two windows counted in the same bins as one table: current counts and new categories add up.

    Bins that exist only when non-empty may stand in one of the two alone. `values` is None: the distance of a
    sum is not known from those of its parts. Of more than `MOST_NEW` new categories the most frequent are
    named, so a category that was rare in one window may be counted there without its name.

    Raises
    ------
    ValueError
        The two are not of the same feature and group, or their bins or reference counts differ.
    """
    same = ("feature", "kind", "attribute", "group")
    bins = bins_of(a)
    before = [dict(zip(codes_of(t), t.reference, strict=True)) for t in (a, b)]
    after = [dict(zip(codes_of(t), t.current, strict=True)) for t in (a, b)]
    full = [{code: n for code, n in counts.items() if n} for counts in before]
    if any(getattr(a, name) != getattr(b, name) for name in same) or bins_of(b) != bins or full[0] != full[1]:
        raise ValueError("two windows add up when they were counted in the same bins against one reference")
    total = {code: after[0].get(code, 0) + after[1].get(code, 0) for code in (*after[0], *after[1])}
    new = Counter(dict(a.new_categories))
    new.update(dict(b.new_categories))
    named = sorted(new.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_NEW]
    found = bins.table((a.attribute, a.group), before[0], total)
    return replace(found, new_categories=tuple(named))


def _told_apart(edges: Sequence[float]) -> list[str]:
    """Edges in six digits, or in full where two would read alike."""
    short = [f"{edge:g}" for edge in edges]
    return short if len(set(short)) == len(short) else [repr(edge) for edge in edges]


def _reserved(kind: FeatureKind) -> tuple[str, ...]:
    return (UNKNOWN_WORD, UNSEEN_BIN) if kind == "group" else (MISSING_BIN, UNSEEN_BIN, OTHER)


def _category(level: str, kind: FeatureKind) -> str:
    """A category's name; one that reads like a bin of its own is told apart, and can be read back."""
    bare = level
    while bare.endswith(_A_VALUE):
        bare = bare.removesuffix(_A_VALUE)
    return f"{level}{_A_VALUE}" if bare in _reserved(kind) else level


def _level(name: str, kind: FeatureKind) -> str:
    shorter = name.removesuffix(_A_VALUE)
    return shorter if shorter != name and _category(shorter, kind) == name else name

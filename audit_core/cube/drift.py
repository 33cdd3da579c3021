"""Counts of one feature in the reference sample and in the current one, bin by bin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FeatureKind = Literal["numeric", "categorical", "score", "decision", "label"]

MISSING_BIN = "missing"
UNSEEN_BIN = "new categories"


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftTable:
    """A feature's bins with their counts (rows) in both samples, overall or inside one group.

    `edges` are the inner edges of a numeric feature: bin i holds (edge i-1, edge i], the outer bins are open.
    Missing cells and categories the reference never saw have bins of their own, present when non-empty in one
    of the samples.
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

    def missing(self) -> tuple[int, int]:
        """Rows without a value in (reference, current)."""
        if MISSING_BIN not in self.labels:
            return 0, 0
        place = self.labels.index(MISSING_BIN)
        return self.reference[place], self.current[place]

"""Totals per person, where people stand in several rows: what a rate's variance needs of them."""

from __future__ import annotations

from dataclasses import dataclass

from audit_core.cube.axes import ABSENT, NEITHER

CELLS = (NEITHER + 1) * (ABSENT + 1)
"""Cells of one person's label × decision table; cell = 4 · label + decision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonTotals:
    """Products of people's own counts, summed over the people of one group.

    With v_c the label × decision counts of person c (`CELLS` integers), `products` lists (i, j,
    Σ_c v_ci·v_cj) for i ≤ j where the sum is not 0. `patterns` lists (mask, people): how many people have
    rows in exactly the cells of a bit mask. No id and no person's own row is kept.
    """

    subject: tuple[str, ...]
    group: tuple[str, ...]
    products: tuple[tuple[int, int, int], ...]
    patterns: tuple[tuple[int, int], ...]

"""Rows by group and score become the sums that ranking needs: within groups, between them, and exposure."""

from __future__ import annotations

from collections.abc import Sequence

from audit_core.cube.axes import UNKNOWN
from audit_core.cube.counted import Against, GroupRanks
from audit_core.cube.ranks import (
    MAX_RANKED_GROUPS,
    IntArray,
    RankedRows,
    cross_ranks,
    exposure_sums,
    mean_exposures,
    rank_sums,
    together,
    without,
)

Exposures = tuple[IntArray, IntArray]
"""Distinct scores of the whole list, ascending, and the exposure of a row with each."""


def listed_exposures(everybody: RankedRows) -> Exposures:
    """Return the exposure that goes with each score when all rows are one list."""
    return everybody.score, mean_exposures(everybody.rows)


def fold_ranks(
    attribute: str, levels: Sequence[str], ranked: RankedRows, exposures: Exposures
) -> tuple[GroupRanks, ...]:
    """Return the sums of every group of an attribute; the groups are positions in `levels`.

    Groups are ranked against each other up to `MAX_RANKED_GROUPS` of them, unknown ones left out.
    """
    scores, exposure = exposures
    placed = ranked.placed(scores)
    groups = {level: placed.of(code) for code, level in enumerate(levels)}
    known = {level: rows for level, rows in groups.items() if level != UNKNOWN}
    compares = 2 <= len(known) <= MAX_RANKED_GROUPS
    whole = together(list(known.values()), scores.size) if compares else None
    found = []
    for level, rows in groups.items():
        against: tuple[Against, ...] = ()
        bpsn = bnsp = None
        if whole is not None and level in known:
            others = [(name, other) for name, other in known.items() if name != level]
            against = tuple(Against(group=name, sums=cross_ranks(rows, other)) for name, other in others)
            background = without(whole, rows)
            bpsn, bnsp = cross_ranks(background, rows), cross_ranks(rows, background)
        found.append(
            GroupRanks(
                attribute=attribute,
                group=level,
                sums=rank_sums(rows.positives, rows.negatives),
                against=against,
                background_positive=bpsn,
                background_negative=bnsp,
                exposure=exposure_sums(rows, exposure),
            )
        )
    return tuple(found)

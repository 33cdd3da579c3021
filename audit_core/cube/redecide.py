"""The cube decided again at other thresholds, from its score bands alone: no row is read.

A cube knows the band of a score, not the score, so only a band's edge can be a threshold. The contract's own
threshold is exact where it is an edge, since it then stands for production's decisions as they were counted;
where it is none, those counts are a point of their own beside the edges.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from audit_core.cube.axes import NEITHER, NO, NO_BAND, YES
from audit_core.cube.bands import MICRO, Bands, micro
from audit_core.cube.count_cube import CountCube, Group, Integers, build_cube

Cut = int | None
"""A threshold: the number of the edge a score must reach (0: everybody is selected, `bands.count`: nobody),
or None for the decisions production made."""


def production_cut(cube: CountCube) -> Cut:
    """Return the edge that is production's threshold, or None where no edge is.

    A decision column need not follow the score. The edge counts as production's only if every decision agrees
    with it, but for rows in the two bands that meet there (they may lie within 5·10⁻⁷ of it). Published
    counts hold no scores, so no edge is theirs.
    """
    if cube.published:
        return None
    edge = threshold_edge(cube.bands)
    if edge is None:
        return None
    band, decision = cube.codes[:, -1], cube.codes[:, -2]
    judged = _redecidable(cube) & (band != edge) & (band != edge - 1)
    return edge if bool(((band >= edge) == (decision == YES))[judged].all()) else None


def threshold_edge(bands: Bands) -> Cut:
    """Return the edge at which the contract's threshold stands, or None where it is no edge."""
    if bands.threshold is None:
        return None
    place = micro(bands.threshold, bands.low, bands.high)
    return bands.edges.index(place) if place in bands.edges else None


def edge_value(bands: Bands, cut: int) -> float:
    """Return the threshold an edge stands for, on the score's own scale, as finely as edges are kept."""
    width = bands.high - bands.low
    digits = 6 - math.ceil(math.log10(width))
    return round(float(bands.low + width * bands.edges[cut] / MICRO), digits)


def can_redecide(cube: CountCube) -> bool:
    """Whether any row has both a score and a decision."""
    return bool(_redecidable(cube).any())


def redecided(cube: CountCube, subject: Sequence[str], cuts: Mapping[Group, Cut]) -> CountCube:
    """Return the cube as these thresholds decide it; () in `cuts` is the cut of every group not named.

    A row without a score keeps its decision, and so does one that was abstained on: a threshold says nothing
    about either. A cube of published counts holds no scores and comes back as it is.

    Guarantee: at None, and at production's own edge, the decisions are production's, cell for cell.
    """
    if cube.published:
        return cube
    own, everybody = production_cut(cube), cuts.get((), None)
    names, position = cube.groups(subject)
    wanted = [cuts.get(name, everybody) for name in names]
    # A group that keeps production's decisions is marked by a cut no band has.
    marks = np.array([-1 if cut is None or cut == own else cut for cut in wanted], dtype=np.int64)
    mark = marks[position]
    change = _redecidable(cube) & (mark >= 0)
    if not change.any():
        return cube
    codes = cube.codes.copy()
    codes[change, -2] = np.where(codes[change, -1] >= mark[change], YES, NO)
    return build_cube(cube.axes, cube.bands, codes, cube.measures)


@dataclass(frozen=True, slots=True, kw_only=True)
class BandCounts:
    """One group's rows, ready to be decided at any edge.

    Shape and units: rows; `no` and `yes` (3, bands) by label and band, as production decided them; `fixed`
    (3, 4) by label and decision, the rows that no threshold changes. `own` is production's edge, if any.
    """

    group: Group
    no: Integers
    yes: Integers
    fixed: Integers
    own: Cut

    @property
    def cuts(self) -> tuple[int, ...]:
        """Every edge, the one that selects everybody first."""
        return tuple(range(self.no.shape[1] + 1))

    def outcomes(self, cut: Cut) -> Integers:
        """Return the label × decision table (3, 4) at a cut."""
        table = self.fixed.copy()
        if cut is None or cut == self.own:
            table[:, NO] += self.no.sum(axis=1)
            table[:, YES] += self.yes.sum(axis=1)
        else:
            both = self.no + self.yes
            table[:, NO] += both[:, :cut].sum(axis=1)
            table[:, YES] += both[:, cut:].sum(axis=1)
        return table

    def changed(self, cut: Cut) -> tuple[int, int]:
        """Return (newly selected, no longer selected) rows against production."""
        if cut is None or cut == self.own:
            return 0, 0
        return int(self.no[:, cut:].sum()), int(self.yes[:, :cut].sum())


def band_counts(cube: CountCube, subject: Sequence[str]) -> dict[Group, BandCounts]:
    """Return every group of a subject by band; no threshold changes a row of published counts."""
    if cube.published:
        none = np.zeros((NEITHER + 1, cube.bands.count), dtype=np.int64)
        return {
            name: BandCounts(group=name, no=none, yes=none, fixed=table, own=None)
            for name, table in cube.outcomes(subject).items()
        }
    names, position = cube.groups(subject)
    label, decision, band, rows = cube.codes[:, -3], cube.codes[:, -2], cube.codes[:, -1], cube.measures[:, 0]
    scored = _redecidable(cube)
    by_band = np.zeros((len(names), 2, NEITHER + 1, cube.bands.count), dtype=np.int64)
    np.add.at(by_band, (position[scored], decision[scored], label[scored], band[scored]), rows[scored])
    fixed = np.zeros((len(names), NEITHER + 1, 4), dtype=np.int64)
    np.add.at(fixed, (position[~scored], label[~scored], decision[~scored]), rows[~scored])
    own = production_cut(cube)
    return {
        name: BandCounts(group=name, no=by_band[i, NO], yes=by_band[i, YES], fixed=fixed[i], own=own)
        for i, name in enumerate(names)
    }


def _redecidable(cube: CountCube) -> npt.NDArray[np.bool_]:
    """Cells whose decision a threshold could change: a score, and a yes or a no."""
    decision = cube.codes[:, -2]
    return np.asarray((cube.codes[:, -1] != NO_BAND) & ((decision == NO) | (decision == YES)))

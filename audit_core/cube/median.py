"""Who scores above the median of the whole sample: counts that bands can't give, folded from the rows."""

from __future__ import annotations

from dataclasses import dataclass

from audit_core.cube.count_cube import CountCube


@dataclass(frozen=True, slots=True, kw_only=True)
class MedianSplit:
    """People by attribute and by side of the median of every counted score.

    `lower` and `upper` are the middle score or the two middle ones; the median is halfway. In `cube` a
    decision of YES stands for a score strictly above the median; its axes are the attributes, without sums.
    """

    lower: float
    upper: float
    cube: CountCube

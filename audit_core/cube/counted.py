"""What is left of a run's rows: the cube, and the few tables a cube can't give."""

from __future__ import annotations

from dataclasses import dataclass

from audit_core.cube.axes import ABSENT
from audit_core.cube.baseline import Baseline
from audit_core.cube.clusters import PersonTotals
from audit_core.cube.count_cube import CountCube
from audit_core.cube.drift import DriftTable
from audit_core.cube.median import MedianSplit
from audit_core.cube.missing import MissingTable
from audit_core.cube.ranks import ExposureSums, RankSums


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Rows of a file by what became of them; every row is in `counted` or in one reason of `dropped`.

    `edge_rows` lie so close to the threshold (within 5·10⁻⁷ of the scale) that their band is on its other
    side; `repeated` counts rows whose id stands in an earlier row; `folded` names axes whose rare levels were
    put together; `last_window` is the latest window of the file.
    """

    rows: int
    counted: int
    dropped: tuple[tuple[str, int], ...]
    missing_label: int
    edge_rows: int
    repeated: int
    folded: tuple[tuple[str, int], ...]
    last_window: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Ids that stand both in the training sample and in the evaluation set.

    `train_rows` and `evaluation_rows` are all rows of the two files, `…_without_id` those whose id is empty.
    The four are None in a record from before they were counted: then nobody knows.
    """

    shared: int
    train_ids: int
    evaluation_ids: int
    train_rows: int | None = None
    train_without_id: int | None = None
    evaluation_rows: int | None = None
    evaluation_without_id: int | None = None

    @property
    def every_row_has_an_id(self) -> bool:
        """Whether no row of either file is known or suspected to have no id."""
        return self.train_without_id == 0 and self.evaluation_without_id == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """Rank sums of one group's positives against the negatives of another, `group`."""

    group: str
    sums: RankSums


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRanks:
    """Rank sums of one group's scores (attribute and group empty: everybody).

    `against` ranks its positives against every other group's negatives; `background_positive` ranks the
    positives of all other known groups against its negatives (BPSN), `background_negative` its positives
    against their negatives (BNSP). They are kept up to twenty groups of an attribute, else empty and None.
    """

    attribute: str
    group: str
    sums: RankSums
    against: tuple[Against, ...] = ()
    background_positive: RankSums | None = None
    background_negative: RankSums | None = None
    exposure: ExposureSums | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Everything a run knows once the rows are gone; equal parts make equal findings."""

    cube: CountCube
    intake: Intake
    ranks: tuple[GroupRanks, ...]
    drift: tuple[DriftTable, ...]
    overlap: Overlap | None
    has_train: bool
    has_evaluation: bool = True
    """False where only a training sample was counted, before there is a model."""
    people: tuple[PersonTotals, ...] = ()
    """Totals of repeated people by subject and group; empty where nobody is repeated."""
    missing: tuple[MissingTable, ...] = ()
    median: MedianSplit | None = None
    """Who scores above the median; only where the contract's domain is employment."""
    baseline: Baseline | None = None
    """The model the release is compared with; None where none was given."""

    @property
    def decides(self) -> bool:
        """Whether the rows hold decisions; a training sample before there is a model does not."""
        return bool((self.cube.codes[:, -2] != ABSENT).any())

"""The catalogue: a rate metric is a row with two masks over label × decision."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from audit_core.contract.metrics import CRITERIA as RATE_OF_CRITERION
from audit_core.contract.schema import SupportPolicy
from audit_core.cube.axes import ABSENT, NEITHER, NO, YES

Mask = npt.NDArray[np.bool_]
SupportOf = Literal["positives", "negatives", "rows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RateMetric:
    """A rate: rows under `numerator` over rows under `denominator`.

    Shape and units: masks (3, 4) over label (NO, YES, missing) × decision (NO, YES, abstained, absent).
    `support` says which of the contract's minimum counts its denominator must reach; `people` names that
    denominator in words.
    """

    id: str
    name: str
    numerator: Mask
    denominator: Mask
    support: SupportOf
    people: str

    def required(self, policy: SupportPolicy) -> int:
        """Denominator a group needs before the rate may decide."""
        return int(getattr(policy, self.support))

    def counts(self, table: npt.NDArray[np.int64]) -> tuple[int, int]:
        """(numerator, denominator) of one group's label × decision table."""
        return int(table[self.numerator].sum()), int(table[self.denominator].sum())


def _mask(labels: tuple[int, ...], decisions: tuple[int, ...]) -> Mask:
    mask = np.zeros((NEITHER + 1, ABSENT + 1), dtype=bool)
    mask[np.ix_(labels, decisions)] = True
    mask.setflags(write=False)
    return mask


_ANY, _KNOWN = (NO, YES, NEITHER), (NO, YES)
_SELECTED, _NOT_SELECTED, _DECIDED = (YES,), (NO, NEITHER), (NO, YES, NEITHER)
_ALL = (NO, YES, NEITHER, ABSENT)
_TRUE_YES, _FALSE_YES = _mask((YES,), _SELECTED), _mask((NO,), _SELECTED)
_TRUE_NO, _FALSE_NO = _mask((NO,), _NOT_SELECTED), _mask((YES,), _NOT_SELECTED)
_POSITIVES, _NEGATIVES = _mask((YES,), _DECIDED), _mask((NO,), _DECIDED)
_CHOSEN, _LEFT = _mask(_KNOWN, _SELECTED), _mask(_KNOWN, _NOT_SELECTED)
_RIGHT = _mask((YES,), _SELECTED) | _mask((NO,), _NOT_SELECTED)

# An abstention delays the benefit, so it counts as not selected.
_ROWS: tuple[tuple[str, str, Mask, Mask, SupportOf, str], ...] = (
    ("selection_rate", "Selection rate", _mask(_ANY, _SELECTED), _mask(_ANY, _DECIDED), "rows", "people"),
    ("tpr", "True positive rate", _TRUE_YES, _POSITIVES, "positives", "positives"),
    ("fpr", "False positive rate", _FALSE_YES, _NEGATIVES, "negatives", "negatives"),
    ("fnr", "False negative rate", _FALSE_NO, _POSITIVES, "positives", "positives"),
    ("tnr", "True negative rate", _TRUE_NO, _NEGATIVES, "negatives", "negatives"),
    ("ppv", "Positive predictive value", _TRUE_YES, _CHOSEN, "rows", "selected"),
    ("npv", "Negative predictive value", _TRUE_NO, _LEFT, "rows", "not selected"),
    ("fdr", "False discovery rate", _FALSE_YES, _CHOSEN, "rows", "selected"),
    ("for", "False omission rate", _FALSE_NO, _LEFT, "rows", "not selected"),
    ("accuracy", "Accuracy", _RIGHT, _mask(_KNOWN, _DECIDED), "rows", "people with a label"),
    ("base_rate", "Base rate", _mask((YES,), _ALL), _mask(_KNOWN, _ALL), "rows", "people with a label"),
    ("abstain_rate", "Abstain rate", _mask(_ANY, (NEITHER,)), _mask(_ANY, _DECIDED), "rows", "people"),
    ("label_coverage", "Label coverage", _mask(_KNOWN, _ALL), _mask(_ANY, _ALL), "rows", "people"),
)

RATES: dict[str, RateMetric] = {
    row[0]: RateMetric(
        id=row[0], name=row[1], numerator=row[2], denominator=row[3], support=row[4], people=row[5]
    )
    for row in _ROWS
}

DECIDED_RATES: dict[str, RateMetric] = {
    name: replace(
        RATES[name],
        numerator=RATES[name].numerator & _mask(_ANY, _KNOWN),
        denominator=RATES[name].denominator & _mask(_ANY, _KNOWN),
    )
    for name in ("selection_rate", "tpr", "fpr", "fnr", "tnr", "npv", "for", "accuracy")
}
"""The same rates among those who were decided on: the secondary view where a model may abstain."""

UNSELECTED = RateMetric(
    id="selection_rate",
    name="Rate of the favourable decision",
    numerator=_mask(_ANY, _NOT_SELECTED),
    denominator=_mask(_ANY, _DECIDED),
    support="rows",
    people="people",
)
"""The favourable side of a selection rate where not being selected is what is good for the person."""

WRONG_NO_SHARE = RateMetric(
    id="treatment_equality",
    name="Share of wrong decisions that are a wrong no",
    numerator=_FALSE_NO,
    denominator=_FALSE_NO | _FALSE_YES,
    support="rows",
    people="people decided wrongly",
)
"""False negatives among all errors: what treatment equality, FN/FP, is made from."""

CRITERIA: dict[str, tuple[str, ...]] = {
    **{name: (rate,) for name, rate in RATE_OF_CRITERION.items()},
    "equalized_odds": ("tpr", "fpr"),
}
"""Named criteria as the gaps they stand for; equalized odds is the larger of its two."""

METRIC_NAMES: dict[str, str] = {metric.id: metric.name for metric in RATES.values()} | {
    "demographic_parity": "Demographic parity",
    "equal_opportunity": "Equal opportunity",
    "equalized_odds": "Equalized odds",
    "predictive_parity": "Predictive parity",
    "calibration_in_the_large": "Calibration in the large",
    "auc": "AUC",
    "brier": "Brier score",
    "coverage": "Coverage of groups",
    "overlap": "Rows shared by training and evaluation",
    "psi": "Input drift (PSI)",
    "flip_rate": "Flip rate",
    "exposure": "Exposure",
}

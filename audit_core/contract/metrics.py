"""What a check may measure: each metric's comparisons, and the limits that go with them."""

from __future__ import annotations

from dataclasses import dataclass

RATES = (
    "selection_rate",
    "tpr",
    "fpr",
    "fnr",
    "tnr",
    "ppv",
    "npv",
    "fdr",
    "for",
    "accuracy",
    "base_rate",
    "abstain_rate",
)
CRITERIA = {"demographic_parity": "selection_rate", "equal_opportunity": "tpr", "predictive_parity": "ppv"}
"""Fairness criteria by name: each is the gap of one rate."""

GAPS = ("equalized_odds", "calibration_in_the_large", "auc", "brier")
ALIASES = {"calibration": "calibration_in_the_large"}
_OTHER = ("exposure", "coverage", "label_coverage", "overlap", "psi", "flip_rate")
METRICS = (*RATES, *GAPS, *CRITERIA, *_OTHER)

NEEDS_LABEL = {
    *(rate for rate in RATES if rate not in {"selection_rate", "abstain_rate"}),
    *GAPS,
    "equal_opportunity",
    "predictive_parity",
    "label_coverage",
}
NEEDS_DECISION = {*RATES, *CRITERIA, "equalized_odds"} - {"base_rate"}
NEEDS_SCORE = {"calibration_in_the_large", "auc", "brier", "exposure"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRule:
    """The keys of a limit: those of which one is needed, those that may stand beside them, and the scale."""

    needed: tuple[str, ...]
    beside: tuple[str, ...] = ()
    highest: int | None = 1


_BY_COMPARE = {
    "difference": LimitRule(needed=("max",), beside=("warn",)),
    "ratio": LimitRule(needed=("min",), beside=("warn",)),
    "value": LimitRule(needed=("min", "max"), beside=("warn",)),
}
_BY_METRIC = {
    "coverage": LimitRule(needed=()),
    "label_coverage": LimitRule(needed=(), beside=("max", "warn")),
    "overlap": LimitRule(needed=("max",), highest=None),
    "psi": LimitRule(needed=("max",), beside=("warn",), highest=None),
    "flip_rate": LimitRule(needed=("max",), beside=("warn",)),
}
_REGRESSION = LimitRule(needed=("max_increase", "max_relative_increase"), beside=("warn", "floor"))


def canonical(metric: str) -> str:
    """Return the id of a metric that may be called by another name."""
    return ALIASES.get(metric, metric)


def default_compare(metric: str) -> str | None:
    """Return the comparison of a metric that has only one meaning without it, else None."""
    if metric in GAPS or metric in CRITERIA:
        return "difference"
    return "ratio" if metric == "exposure" else None


def comparisons(metric: str) -> tuple[str, ...]:
    """Return the comparisons that make sense for a metric; none for one that is judged as it is."""
    if metric in RATES:
        return ("difference", "ratio", "value")
    if metric in CRITERIA or metric == "exposure":
        return ("difference", "ratio")
    if metric in GAPS or metric == "label_coverage":
        return ("difference",)
    return ("value",) if metric == "flip_rate" else ()


def may_regress(metric: str) -> bool:
    """Whether a metric can be compared with the baseline's."""
    return metric in RATES or metric in GAPS or metric in CRITERIA


def needs_subject(metric: str) -> bool:
    """Whether a metric says nothing until groups are named."""
    return metric not in {"overlap", "psi"}


def limit_rule(metric: str, compare: str | None, *, regression: bool) -> LimitRule:
    """Return which limit a check carries."""
    if regression:
        return _REGRESSION
    return _BY_METRIC.get(metric) or _BY_COMPARE[compare or default_compare(metric) or "value"]

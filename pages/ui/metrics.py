"""The choice of a metric, in the field's own names."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from audit_core.report.words import metric_name

GROUP_METRICS = (
    "tpr",
    "fpr",
    "selection_rate",
    "ppv",
    "accuracy",
    "fnr",
    "npv",
    "base_rate",
    "abstain_rate",
    "label_coverage",
)
GRID_METRICS = ("tpr", "fpr", "selection_rate", "ppv", "accuracy")
SLICE_METRICS = ("tpr", "fpr", "selection_rate", "ppv", "accuracy")
HELP = (
    "True positive rate: of those who should be selected, the share that is. False positive rate: "
    "of those who should not be, the share that is. Selection rate: of all, the share that is."
)


def metric_choice(metrics: Sequence[str], key: str) -> str:
    """Let one metric be chosen; the choice stays while the visitor looks at other screens."""
    found = st.selectbox(
        "Metric", metrics, format_func=metric_name, key=key, help=HELP, width=300, persist_state="session"
    )
    return found or metrics[0]

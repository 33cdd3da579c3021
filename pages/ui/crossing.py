"""The choices of the combined groups: what is crossed, and which level of a third attribute is drawn."""

from __future__ import annotations

import streamlit as st

from audit_core.cube.axes import level_word
from audit_core.decision.record import Audit
from audit_core.report.escape import visible
from audit_core.report.support_grid import SupportGrid, support_grid
from audit_core.report.tables import layer_rows
from pages.ui.controls import show_table
from pages.ui.metrics import GRID_METRICS, metric_choice

NO_THIRD = ""
ALL_LEVELS = "all levels together"


def crossing_choice(names: list[str]) -> tuple[str, str, str, str]:
    """Rows, columns, a third attribute or "", and the metric."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        rows = st.selectbox("Rows", names, format_func=visible, key="grid_rows", width=190)
        others = [name for name in names if name != rows]
        columns = st.selectbox("Columns", others, format_func=visible, key=f"grid_columns_{rows}", width=190)
        rest = [NO_THIRD, *(name for name in others if name != columns)]
        third = st.selectbox(
            "Split by", rest, format_func=_third_word, key=f"grid_third_{rows}_{columns}", width=190
        )
        metric = metric_choice(GRID_METRICS, "grid_metric")
    return rows, columns, third or NO_THIRD, metric


def _third_word(name: str) -> str:
    """What the list of third attributes shows."""
    return visible(name) if name else "nothing more"


def shown_grid(audit: Audit, grid: SupportGrid) -> SupportGrid:
    """The grid that is drawn: one level of the third attribute, or all of them added up."""
    if not grid.third:
        return grid
    show_table(layer_rows(grid), f"How much is judged in each level of {grid.third}")
    places = [*range(len(grid.layers)), -1]
    place = st.selectbox(
        f"Show {visible(grid.third)}",
        places,
        format_func=lambda i: visible(level_word(grid.layers[i])) if i >= 0 else ALL_LEVELS,
        key=f"grid_layer_{grid.third}",
        width=260,
    )
    if place is None or place < 0:
        return support_grid(audit, grid.rows, grid.columns, grid.metric)
    return grid.at(grid.layers[place])

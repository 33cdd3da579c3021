"""Combined groups: two attributes crossed, and whether enough people stand behind each combination."""

from __future__ import annotations

from typing import Any

import streamlit as st

from audit_core.decision.record import Audit
from audit_core.report.charts.grid import SupportGrid, grid_alt, grid_figure, support_grid
from audit_core.report.escape import for_markdown, visible
from audit_core.report.numbers import percent
from audit_core.report.tables import cell_words, count_rows, grid_rows
from audit_core.report.wording import sentence, status_word
from pages.ui import session
from pages.ui.controls import csv_button, opened, show_chart, show_table
from pages.ui.metrics import GRID_METRICS, metric_choice
from pages.ui.verdict import badge

READ = """
A cell shows the rate, its interval and the number of people the rate stands on. A darker blue is a
higher rate; the colour says nothing about a limit. A hatched cell with a dashed outline holds too few
people: **P** counts those with a positive outcome, **N** those with a negative one, beside the number
the contract requires. Too few is never within the limit. People of unknown group are counted and never
judged.
"""


def choose(audit: Audit) -> tuple[str, str, str]:
    """Rows, columns and metric."""
    names = [axis.name for axis in audit.counted.cube.axes if axis.kind != "window"]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        rows = st.selectbox("Rows", names, format_func=visible, key="grid_rows", width=220)
        others = [name for name in names if name != rows]
        columns = st.selectbox("Columns", others, format_func=visible, key=f"grid_columns_{rows}", width=220)
        metric = metric_choice(GRID_METRICS, "grid_metric")
    return rows, columns, metric


def show_figures(grid: SupportGrid) -> None:
    """How much of the grid can be judged, in three numbers."""
    with st.grid(3, min_column_width=220):
        st.metric("Combinations judged", f"{grid.judged} of {grid.known}", border=True)
        st.metric("Too few to judge", str(grid.too_few), border=True)
        covered = percent(grid.covered) if grid.covered is not None else "–"
        st.metric("People in judged combinations", covered, border=True)


def take_click(grid: SupportGrid) -> None:
    """A click on the chart chooses in the list as well."""
    points: list[dict[str, Any]] = session.widget("grid_chart", {}).get("selection", {}).get("points", [])
    if points:
        session.set_widget("grid_cell", grid.cells[points[0]["point_index"]].group)


def show_selected(audit: Audit, grid: SupportGrid) -> None:
    """The chosen combination with its counts."""
    st.header("Selected combination", anchor=False)
    names = {cell.group: cell.name for cell in grid.cells}
    group = st.selectbox(
        "Choose a cell in the grid, or here",
        list(names),
        format_func=lambda chosen: names.get(chosen, ""),
        index=None,
        placeholder="Combination…",
        key="grid_cell",
    )
    if group not in names:
        return
    st.markdown(f"**{for_markdown(names[group])}**: {for_markdown(cell_words(grid, group))}")
    show_table(count_rows(audit, (grid.rows, grid.columns), group), f"Counts of {names[group]}")


def show_checks(audit: Audit, grid: SupportGrid) -> None:
    """What the contract's own checks on this combination found."""
    for finding in audit.findings:
        if set(finding.subject) == {grid.rows, grid.columns}:
            st.markdown(f"{badge(status_word(finding))} {for_markdown(sentence(finding, audit))}")


audit = opened()
st.title("Combined groups", anchor=False)
st.caption("How many people stand behind each combination, and whether that is enough to judge.")
if len([axis for axis in audit.counted.cube.axes if axis.kind != "window"]) < 2:
    st.info("The contract names fewer than two attributes, so there is nothing to combine.")
    st.stop()
rows, columns, metric = choose(audit)
grid = support_grid(audit, rows, columns, metric)
show_figures(grid)
show_checks(audit, grid)
with st.container(border=True):
    show_chart(
        grid_figure(grid),
        grid_alt(grid),
        "grid_chart",
        on_select=lambda: take_click(grid),
        selection_mode="points",
    )
with st.expander("How to read this"):
    st.markdown(READ)
show_selected(audit, grid)
st.header("The same as a table", anchor=False)
table = grid_rows(grid)
show_table(table, grid_alt(grid))
csv_button(table, f"{audit.id}-{rows}-{columns}-{metric}.csv")

"""Combined groups: two or three attributes crossed, and whether enough people stand behind each."""

from __future__ import annotations

from typing import Any

import streamlit as st

from audit_core.decision.record import Audit
from audit_core.report.charts.grid import grid_alt, grid_figure
from audit_core.report.escape import for_markdown
from audit_core.report.support_grid import (
    SupportGrid,
    grid_sentence,
    private_sentence,
    required_sentence,
    support_grid,
)
from audit_core.report.tables import cell_words, count_rows, grid_rows
from audit_core.report.wording import sentence, status_word
from pages.ui import session
from pages.ui.controls import csv_button, opened, show_chart, show_table
from pages.ui.crossing import crossing_choice, shown_grid
from pages.ui.verdict import badge

LEGEND = (
    "Hatched: too few to judge. Flag: required by the contract, in an orange frame where too few. "
    "Lock: would be withheld outside."
)
READ = """
A cell shows the rate, its interval and the number of people the rate stands on. A darker blue is a
higher rate; the colour says nothing about a limit.

- A **hatched** cell has too few people: **P** counts those with a positive outcome, **N** those with a
  negative one, beside the number the contract requires. Too few is never within the limit. People of
  unknown group are counted and never judged.
- A **flag** marks a combination the contract requires: while it is hatched, no check on these combinations
  can be within its limit.
- A **lock** marks fewer people than the privacy floor. You see the full counts; outside this workspace the
  cell would be withheld. A place without a cell holds nobody.
- Split by a third attribute, the grid shows one of its levels at a time, every level in the same colours.
  The table above it counts all of them, and the download holds every cell.
"""


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
    if group in names:
        st.markdown(f"**{for_markdown(names[group])}**: {for_markdown(cell_words(grid, group))}")
        show_table(count_rows(audit, grid.subject, group), f"Counts of {names[group]}")


def show_standing(grid: SupportGrid) -> None:
    """How much of the grid is judged, and what that means for the contract and for what leaves here."""
    st.markdown(f"**{grid_sentence(grid)}** {required_sentence(grid)}")
    if said := private_sentence(grid):
        st.caption(said)


def show_checks(audit: Audit, grid: SupportGrid) -> None:
    """What the contract's own checks on these combinations found."""
    found = [finding for finding in audit.findings if set(finding.subject) == set(grid.subject)]
    if found:
        st.header("What the contract's checks found here", anchor=False)
    for finding in found:
        st.markdown(f"{badge(status_word(finding))} {for_markdown(sentence(finding, audit))}")


audit = opened()
st.title("Combined groups", anchor=False)
st.caption("How many people stand behind each combination, and whether that is enough to judge.")
names = [axis.name for axis in audit.counted.cube.axes if axis.kind != "window"]
if len(names) < 2:
    st.info("The contract names fewer than two attributes, so there is nothing to combine.")
    st.stop()
rows, columns, third, metric = crossing_choice(names)
whole = support_grid(audit, rows, columns, metric, third)
show_standing(whole)
grid = shown_grid(audit, whole)
with st.container(border=True):
    show_chart(
        grid_figure(grid),
        grid_alt(grid),
        "grid_chart",
        on_select=lambda: take_click(grid),
        selection_mode="points",
    )
    st.caption(LEGEND)
with st.expander("How to read this"):
    st.markdown(READ)
show_checks(audit, whole)
show_selected(audit, grid)
st.header("The same as a table", anchor=False)
show_table(grid_rows(grid), grid_alt(grid))
csv_button(grid_rows(whole), f"{audit.id}-{'-'.join(whole.subject)}-{metric}.csv")

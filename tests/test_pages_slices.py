"""The screens of combined groups and of the worst slices, without a browser."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from audit_core.metrics.estimate import Measured
from audit_core.metrics.measure import measure
from audit_core.metrics.slices import worst_slices
from audit_core.report.charts.grid import grid_figure
from audit_core.report.support_grid import (
    cell_line,
    gated_groups,
    grid_sentence,
    private_sentence,
    required_sentence,
    support_grid,
)
from audit_core.report.tables import grid_rows, layer_rows
from tests.report_factory import CONTRACT, audit_of, contract_of

ROOT = Path(__file__).resolve().parent.parent


def said(shown):
    """What is written on the screen, without the marks of Markdown."""
    return "\n".join(str(part.value) for part in [*shown.markdown, *shown.caption]).replace("\\", "")


def test_the_worst_slices_say_how_many_were_looked_at_and_what_stays_unseen(app, hiring_audit):
    shown = app.switch_page("pages/slices.py").run()
    assert not shown.exception
    hunt = worst_slices(hiring_audit.contract, hiring_audit.counted.cube, "tpr")
    assert f"Of {hunt.looked_at} slices looked at" in said(shown)
    assert "four times in five" in said(shown)
    assert f"{hunt.seed:016x}" in said(shown)
    assert "it decides nothing" in said(shown)
    for one in hunt.findings:
        low, high = (f"{abs(100 * end):.1f}" for end in one.held_out.interval)
        assert re.search(rf"95 % interval .{low} to .{high}\)", said(shown))


def test_women_of_the_worked_example_are_found_and_seen_again(app):
    table = app.switch_page("pages/slices.py").run().table[0].value
    rows = {row["Slice"]: row["Result"] for row in table.to_dict("records")}
    assert "Seen again" in rows["woman"]


@pytest.mark.parametrize("metric", ["fpr", "selection_rate", "ppv", "accuracy"])
def test_every_metric_can_be_searched(app, metric):
    shown = app.switch_page("pages/slices.py").run()
    shown = shown.selectbox(key="slices_metric").set_value(metric).run()
    assert not shown.exception
    assert re.search(r"Of \d+ slices looked at", said(shown))


def test_a_grid_split_by_a_third_attribute_shows_one_level_at_a_time(app, hiring_audit):
    shown = app.switch_page("pages/grid.py").run()
    shown = shown.selectbox(key="grid_third_gender_ethnicity").set_value("age_band").run()
    assert not shown.exception
    whole = support_grid(hiring_audit, "gender", "ethnicity", "tpr", "age_band")
    assert grid_sentence(whole) in said(shown)
    layers = shown.table[0].value
    assert layers.iloc[0, 0] == "under 30"
    assert len(shown.table[-1].value) == len(whole.at("under 30").cells)
    last = shown.selectbox(key="grid_layer_age_band").set_value(-1).run()
    assert not last.exception
    assert len(last.table[-1].value) == len(support_grid(hiring_audit, "gender", "ethnicity", "tpr").cells)


def test_a_cell_of_three_attributes_can_be_chosen(app):
    shown = app.switch_page("pages/grid.py").run()
    shown = shown.selectbox(key="grid_third_gender_ethnicity").set_value("age_band").run()
    shown = shown.selectbox(key="grid_cell").set_value(("man", "White", "under 30")).run()
    assert not shown.exception
    assert "man × White × under 30" in said(shown)
    other = shown.selectbox(key="grid_layer_age_band").set_value(1).run()
    assert not other.exception
    assert "man × White × under 30" not in said(other)


def test_layers_add_up_to_the_grid_of_two(hiring_audit):
    two = support_grid(hiring_audit, "gender", "ethnicity", "tpr")
    three = support_grid(hiring_audit, "gender", "ethnicity", "tpr", "age_band")
    for cell in two.cells:
        parts = [part for part in three.cells if part.group[:2] == cell.group]
        for count in ("rows", "positives", "negatives"):
            assert sum(getattr(part, count) for part in parts) == getattr(cell, count)
    assert sum(int(row["People"].replace(",", "")) for row in layer_rows(three)) == 4000
    assert sum(three.at(layer).known for layer in three.layers) == three.known


@pytest.mark.parametrize("axes", [("gender", "ethnicity"), ("ethnicity", "gender")])
def test_a_cell_shows_the_rate_the_audit_measured(hiring_audit, axes):
    place = axes.index("gender"), axes.index("ethnicity")
    for cell in support_grid(hiring_audit, *axes, "tpr").cells:
        named = tuple(cell.group[i] for i in place)
        measured = hiring_audit.measurements.rate(("gender", "ethnicity"), named, "tpr")
        assert measured is None or cell.estimate == measured
    assert all(isinstance(c.rate, Measured | None) for c in support_grid(hiring_audit, *axes, "tpr").cells)


def test_the_grid_has_the_interval_the_contract_asks_for(hiring_audit):
    statistics = replace(hiring_audit.contract.statistics, interval="clopper-pearson")
    contract = replace(hiring_audit.contract, statistics=statistics)
    made = replace(hiring_audit, contract=contract, measurements=measure(contract, hiring_audit.counted))
    for axes in (("gender", "ethnicity"), ("ethnicity", "age_band")):
        judged = [cell.rate for cell in support_grid(made, *axes, "tpr").cells if cell.rate is not None]
        assert judged and {rate.method for rate in judged} == {"clopper-pearson"}


def test_every_layer_has_the_same_places_and_the_same_colours(hiring_audit):
    three = support_grid(hiring_audit, "gender", "ethnicity", "tpr", "age_band")
    heats = [grid_figure(three.at(layer))["data"][0] for layer in three.layers]
    assert len({(heat["zmin"], heat["zmax"], len(heat["x"]), len(heat["y"])) for heat in heats}) == 1
    shown = [value for heat in heats for row in heat["z"] for value in row if value is not None]
    assert len(shown) == three.judged
    assert (min(shown), max(shown)) == pytest.approx((heats[0]["zmin"], heats[0]["zmax"]))


@pytest.mark.parametrize("axes", [("gender", "ethnicity"), ("ethnicity", "gender")])
def test_what_the_contract_requires_is_flagged_in_either_order(hiring_audit, axes):
    grid = support_grid(hiring_audit, *axes, "tpr")
    place = axes.index("gender")
    for cell in grid.cells:
        assert cell.required == (cell.group[place] in ("man", "woman") and "" not in cell.group)
    thin = [cell for cell in grid.cells if cell.required and cell.rate is None]
    assert "cannot be “Within limit” yet" in required_sentence(grid) and thin
    shapes = grid_figure(grid)["layout"]["shapes"]
    flags = [shape for shape in shapes if shape.get("xsizemode") == "pixel"]
    assert len(flags) == 10 + 2 * sum(cell.private for cell in grid.cells)
    assert {row["Required"] for row in grid_rows(grid)} == {"yes", "–"}


def test_a_combination_no_check_compares_has_no_flag(hiring_audit):
    grid = support_grid(hiring_audit, "gender", "source", "tpr")
    assert not any(cell.required for cell in grid.cells)
    assert required_sentence(grid) == ""


def test_a_required_combination_that_nobody_is_in_is_a_cell_and_not_a_gap():
    text = CONTRACT.replace("{name: ethnicity, ", "{name: ethnicity, required: [White, Martian], ")
    audit = audit_of(contract_of(text))
    grid = support_grid(audit, "gender", "ethnicity", "tpr")
    cell = grid.cell(("man", "Martian"))
    assert cell.required and cell.rows == 0 and cell.private and cell.rate is None
    assert "insufficient (P=0 of 50)" in cell_line(cell)
    cube = audit.counted.cube
    assert ("Martian", "woman") in gated_groups(audit.contract, cube, ("ethnicity", "gender"))


def test_a_cell_under_the_privacy_floor_is_shown_and_locked(hiring_audit):
    grid = support_grid(hiring_audit, "gender", "ethnicity", "tpr")
    cell = grid.cell(("nonbinary", "Black"))
    assert cell.rows < 10 and cell.private
    assert cell_line(cell).endswith("would be withheld outside")
    row = next(row for row in grid_rows(grid) if row["Outside"] == "withheld")
    assert int(row["People"]) < 10
    assert "shown here in full" in private_sentence(grid)
    open_policy = replace(hiring_audit.contract.support, privacy_floor=0)
    free = replace(hiring_audit, contract=replace(hiring_audit.contract, support=open_policy))
    assert private_sentence(support_grid(free, "gender", "ethnicity", "tpr")) == ""

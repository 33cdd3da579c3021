"""Charts and their tables: drawn from the values, absence drawn as absence, names kept as text."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction

import pytest

from audit_core.audit import with_limit
from audit_core.metrics.drift_rows import drift_limits
from audit_core.metrics.estimate import Measured, TooFew
from audit_core.metrics.intervals import newcombe_difference, z_two_sided
from audit_core.report.charts.calibration import calibration_alt, calibration_figure
from audit_core.report.charts.compared import contract_check, group_gaps
from audit_core.report.charts.drift import (
    psi_alt,
    psi_figure,
    ranked,
    shares_alt,
    shares_figure,
)
from audit_core.report.charts.gaps import gap_alt, gap_figure
from audit_core.report.charts.grid import BLUES, INK, grid_alt, grid_figure
from audit_core.report.charts.marks import MARK_STYLES, REFERENCE_STYLE, label
from audit_core.report.summary_facts import coverage
from audit_core.report.support_grid import support_grid
from audit_core.report.tables import (
    check_rows,
    count_rows,
    drift_table_rows,
    grid_rows,
    same_score_rows,
    slice_rows,
    to_csv,
)

LIGHT, DARK = "#FFFFFF", "#10161E"


def contrast(first, second):
    """WCAG's contrast ratio of two colours."""

    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def strings(value):
    """Every text of a figure."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from strings(part)


@pytest.fixture(scope="module")
def gaps(hiring_audit):
    """The primary gap of the worked example."""
    return group_gaps(hiring_audit, ("gender",), "tpr")


@pytest.fixture(scope="module")
def grid(hiring_audit):
    """The worked example's combined groups."""
    return support_grid(hiring_audit, "gender", "ethnicity", "tpr")


@pytest.fixture(scope="module")
def figures(hiring_audit, gaps, grid):
    """One of every chart."""
    audit = hiring_audit
    rows = [row for row in audit.measurements.calibration if row.subject == ("age_band",)]
    drift, limits = audit.measurements.drift, drift_limits(audit.contract)
    return [
        (gap_figure(gaps), gap_alt(gaps)),
        (grid_figure(grid), grid_alt(grid)),
        (calibration_figure(rows), calibration_alt(rows)),
        (psi_figure(drift, limits), psi_alt(drift, limits)),
        (shares_figure(ranked(drift)[0].table), shares_alt(ranked(drift)[0].table)),
    ]


@pytest.mark.parametrize("colour", [style.colour for style in (*MARK_STYLES.values(), REFERENCE_STYLE)])
def test_marks_can_be_seen_on_both_grounds(colour):
    assert contrast(colour, LIGHT) >= 3 and contrast(colour, DARK) >= 3


@pytest.mark.parametrize("blue", BLUES)
def test_cells_of_the_grid_can_be_read(blue):
    assert contrast(blue, INK) >= 4.5


def test_status_is_told_by_shape_as_well_as_colour():
    symbols = [MARK_STYLES[mark].symbol for mark in ("within", "outside", "inconclusive", "too_few")]
    assert len({*symbols, REFERENCE_STYLE.symbol}) == 5


def test_figures_are_plain_values_that_plotly_accepts(figures):
    import plotly.graph_objects as go

    for figure, _ in figures:
        assert json.loads(json.dumps(figure)) == figure
        go.Figure(figure)


def test_figures_have_no_ground_of_their_own(figures):
    for figure, alt in figures:
        assert figure["layout"]["paper_bgcolor"] == figure["layout"]["plot_bgcolor"] == "rgba(0,0,0,0)"
        assert alt.endswith(".")


def test_groups_stand_in_the_contracts_order_around_its_reference(gaps):
    assert [mark.name for mark in gaps.marks] == ["man", "woman", "nonbinary"]
    assert [mark.is_reference for mark in gaps.marks] == [True, False, False]
    man = gaps.marks[0].estimate
    assert gaps.band == pytest.approx((man.value - 0.1, man.value + 0.1))


def test_the_mark_of_a_group_follows_the_limit(hiring_audit, gaps):
    assert gaps.marks[1].mark == "outside"
    assert gaps.marks[2].mark == "too_few"
    wide = group_gaps(with_limit(hiring_audit, "tpr_gap_gender", Fraction(30, 100)), ("gender",), "tpr")
    assert wide.marks[1].mark == "within"
    assert wide.marks[2].mark == "too_few"


def test_a_metric_without_a_check_has_no_band(hiring_audit):
    shown = group_gaps(hiring_audit, ("gender",), "accuracy")
    assert contract_check(hiring_audit.contract, ("gender",), "accuracy") is None
    assert shown.band is None
    assert {mark.mark for mark in shown.marks} <= {"no_limit", "too_few"}


def test_thin_groups_are_hollow(gaps):
    trace = gap_figure(gaps)["data"][2]
    assert trace["marker"]["symbol"] == "circle-open"


def test_the_table_holds_every_group_and_its_interval(hiring_audit, gaps):
    rows = slice_rows(gaps)
    assert [row["Group"] for row in rows] == [mark.name for mark in gaps.marks]
    woman, man = gaps.marks[1].estimate, gaps.marks[0].estimate
    low, high = newcombe_difference(
        woman.numerator, woman.denominator, man.numerator, man.denominator, z_two_sided(0.95)
    )
    assert rows[1]["Interval of it"] == f"−{abs(100 * low):.1f} pts to −{abs(100 * high):.1f} pts"


def test_counts_of_a_group_add_up(hiring_audit):
    rows = count_rows(hiring_audit, ("gender",), ("woman",))
    whole = sum(int(row["All"].replace(",", "")) for row in rows)
    parts = sum(int(row[name].replace(",", "")) for row in rows for name in ("Selected", "Not selected"))
    assert whole == parts == 1840


def test_a_cell_is_judged_only_with_enough_positives_and_negatives(hiring_audit, grid):
    support = hiring_audit.contract.support
    for cell in grid.cells:
        enough = cell.positives >= support.positives and cell.negatives >= support.negatives
        assert (cell.rate is not None) == (enough and "" not in cell.group)
    assert (grid.judged, grid.known) == coverage(hiring_audit, ("gender", "ethnicity"))[:2]


def test_a_cell_with_too_few_has_no_colour_and_says_what_it_lacks(grid):
    figure = grid_figure(grid)
    filled = sum(value is not None for row in figure["data"][0]["z"] for value in row)
    assert filled == grid.judged
    words = [note["text"] for note in figure["layout"]["annotations"]]
    assert len(words) == len(grid.cells) - grid.judged
    assert all(text.startswith(("insufficient<br>(", "not judged<br>(group unknown)")) for text in words)
    assert "insufficient<br>(P=12 of 50)" in words
    assert len(grid_rows(grid)) == len(grid.cells)


def test_bands_with_too_few_people_are_hollow_and_not_connected(hiring_audit):
    rows = [row for row in hiring_audit.measurements.calibration if row.group == ("nonbinary",)]
    _, line, filled, hollow, people = calibration_figure(rows)["data"]
    bands = rows[0].calibration.bands
    assert len(line["x"]) == len(filled["x"]) == sum(isinstance(b.observed, Measured) for b in bands)
    assert len(hollow["x"]) == sum(isinstance(b.observed, TooFew) for b in bands)
    assert set(hollow["marker"]["symbol"]) == {"circle-open"}
    assert sum(people["y"]) == rows[0].calibration.n


def test_same_score_compares_only_bands_with_enough_people(hiring_audit):
    rows = {r.group: r for r in hiring_audit.measurements.calibration if r.subject == ("gender",)}
    thin = same_score_rows(hiring_audit, rows["man",], rows["nonbinary",])
    assert {row["Result"] for row in thin} == {"Too few to judge"}
    enough = same_score_rows(hiring_audit, rows["man",], rows["woman",])
    assert "Differs beyond chance" in {row["Result"] for row in enough}


def test_drift_is_ranked_and_stands_beside_chance(hiring_audit):
    rows = drift_table_rows(hiring_audit.measurements.drift)
    assert rows[0]["Feature"] == "source"
    assert [float(row["PSI"]) for row in rows] == sorted((float(row["PSI"]) for row in rows), reverse=True)
    assert all(float(row["By chance up to"]) > 0 for row in rows)


def test_every_finding_is_a_line_with_what_it_would_take(hiring_audit):
    rows = check_rows(hiring_audit)
    assert len(rows) == len(hiring_audit.findings)
    assert all(row["What it would take"] for row in rows)


def test_names_are_text_in_charts(gaps):
    name = "<b>A</b> & <a href='javascript:x'>"
    hostile = replace(gaps, marks=tuple(replace(mark, name=name) for mark in gaps.marks))
    said = "".join(text for text in strings(gap_figure(hostile)) if "A" in text)
    assert "<a " not in said and "<b>A" not in said
    assert label("a\u202eb") == "a[U+202E]b"


def test_a_csv_of_a_table_reads_back(gaps):
    lines = to_csv(slice_rows(gaps)).splitlines()
    assert len(lines) == 1 + len(gaps.marks)
    assert lines[0].startswith("Group,Result")

"""Charts over windows: judged, still arriving, missing and estimated are told apart without their colour."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_core.metrics.estimate import Undefined
from audit_core.report.charts.marks import MARK_STYLES
from audit_core.report.charts.trends import MOST_TRENDS, trend_alt, trend_figure
from audit_core.report.charts.window_axis import NO_DATA, spread, windows_axis
from audit_core.report.charts.window_groups import groups_alt, groups_figure
from audit_core.report.charts.windows import watch_alt, watch_figure
from audit_core.report.window_series import series_of
from tests.followed_factory import GAP_MONTHS, IMPACT, MEN, NAMES, TPR, followed_of
from tests.report_factory import audit_of
from tests.words_checker import Rendered, violations

TENTATIVE, MISSING = "circle-open", "/"


@pytest.fixture(scope="module")
def audit():
    """The audit of the release."""
    return audit_of()


@pytest.fixture(scope="module")
def followed():
    """Six months; the second has no data, the last one's outcomes are still arriving."""
    return followed_of(missing=1)


@pytest.fixture(scope="module")
def figures(followed, audit):
    """Every chart of the page, with its words."""
    series = [series_of(followed, watch.id, audit) for watch in followed.plan.watches]
    return [
        *((watch_figure(one), watch_alt(one)) for one in series),
        (trend_figure(followed.trends, followed.windows), trend_alt(followed.trends)),
        (groups_figure(followed, "tpr", ("gender",), audit), groups_alt(followed, "tpr", ("gender",))),
    ]


def points(figure):
    """Traces of single marks by their place."""
    marks = [t for t in figure["data"] if t["type"] == "scatter" and t["mode"] == "markers"]
    return {t["x"][0]: t for t in marks}


def notes(figure):
    return [note["text"] for note in figure["layout"]["annotations"]]


def test_figures_are_plain_values_that_plotly_accepts(figures):
    import plotly.graph_objects as go

    for figure, alt in figures:
        assert json.loads(json.dumps(figure, allow_nan=False)) == figure
        go.Figure(figure)
        assert figure["layout"]["paper_bgcolor"] == "rgba(0,0,0,0)" and alt.endswith(".")


def test_alternative_texts_keep_to_the_words(figures):
    assert violations(Rendered(units=[alt for _, alt in figures])) == []


def test_judged_windows_have_their_interval_and_the_mark_of_their_status(followed, audit):
    series = series_of(followed, TPR.id, audit)
    drawn = points(watch_figure(series))
    for place, mark in enumerate(series.marks):
        if mark.tentative or mark.value is None:
            continue
        found = drawn[place]
        assert found["y"] == [pytest.approx(100 * float(mark.value))]
        assert found["marker"]["symbol"] == MARK_STYLES[mark.mark].symbol
        reach = found["error_y"]
        assert found["y"][0] + reach["array"][0] == pytest.approx(100 * mark.interval.high)
        assert found["y"][0] - reach["arrayminus"][0] == pytest.approx(100 * mark.interval.low)


def test_outcomes_so_far_are_hollow_on_a_dotted_whisker_and_say_how_many(followed, audit):
    figure = watch_figure(series_of(followed, TPR.id, audit))
    assert points(figure)[5]["marker"]["symbol"] == TENTATIVE and "error_y" not in points(figure)[5]
    dotted = [t for t in figure["data"] if t.get("line", {}).get("dash") == "dot"]
    assert [t["x"] for t in dotted] == [[5, 5]]
    assert figure["layout"]["xaxis"]["ticktext"][5] == "2027-04<br>so far 780 of 2,000"
    path = next(
        t for t in figure["data"] if t["type"] == "scatter" and t["mode"] == "lines" and len(t["x"]) > 2
    )
    assert path["y"][5] is None and path["y"][1] is None and path["connectgaps"] is False


def test_a_window_without_data_is_hatched_in_every_chart_and_never_zero(figures):
    for figure, _ in figures:
        bars = [t for t in figure["data"] if t["type"] == "bar"]
        assert bars and all(t["x"] == [1] and t["marker"]["pattern"]["shape"] == MISSING for t in bars)
        marks = [t for t in figure["data"] if t["type"] == "scatter" and t["mode"] == "markers"]
        assert marks and all(1 not in t["x"] for t in marks)
    assert f"<b>{NO_DATA}</b>" in notes(figures[0][0])


def test_alerts_stand_above_their_windows_with_shape_and_word(followed, audit):
    figure = watch_figure(series_of(followed, TPR.id, audit))
    above = {
        note["x"]: note["text"] for note in figure["layout"]["annotations"] if note.get("yref") == "paper"
    }
    assert above == {
        0: "△ ticket", 1: "△ ticket", 2: "△ ticket", 3: "<b>▲ page</b>", 4: "<b>▲ page</b>"
    }  # fmt: skip
    assert "is shown to be over its limit" in points(figure)[3]["hovertext"][0].replace("<br>", " ")


def test_limits_and_the_release_are_lines_with_words(followed, audit):
    series = series_of(followed, TPR.id, audit)
    figure = watch_figure(series)
    drawn = [shape for shape in figure["layout"]["shapes"] if shape["type"] == "line"]
    assert {shape["y0"] for shape in drawn if shape["line"]["dash"] == "dash"} == {8.0, 10.0}
    dotted = [shape["y0"] for shape in drawn if shape["line"]["dash"] == "dot"]
    assert dotted == [100 * float(series.release.value)]
    band = next(shape for shape in figure["layout"]["shapes"] if shape["type"] == "rect")
    assert (band["y0"], band["y1"]) == tuple(100 * end for end in series.release.interval)
    assert {"warn 8.0 pts", "limit 10.0 pts"} <= set(notes(figure))


def test_drift_and_ratios_are_drawn_in_their_own_unit(followed, audit):
    drift = watch_figure(series_of(followed, GAP_MONTHS.id, audit))
    assert points(drift)[4]["y"] == [0.131] and points(drift)[4]["marker"]["symbol"] == "diamond"
    assert {"warn 0.100", "limit 0.250"} <= set(notes(drift))
    assert "no data" in watch_alt(series_of(followed, GAP_MONTHS.id, audit))
    ratio = watch_figure(series_of(followed, IMPACT.id, audit))
    assert ratio["layout"]["yaxis"]["range"][0] > 0.5 and "limit 0.800" in notes(ratio)


def test_a_trend_alarm_changes_shape_and_only_the_highest_sums_are_drawn(followed):
    marks = [t for t in trend_figure(followed.trends, followed.windows)["data"] if t.get("mode") == "markers"]
    assert marks[0]["marker"]["symbol"][-1] == "x" and "x" not in marks[1]["marker"]["symbol"]
    many = [replace(p, low=(f"group {i}",)) for i in range(9) for p in followed.trends if p.high == MEN]
    drawn = trend_figure(many, followed.windows)["data"]
    assert sum(t.get("mode") == "lines" for t in drawn) == MOST_TRENDS


def test_estimates_are_triangles_beside_what_was_measured(followed, audit):
    figure = groups_figure(followed, "tpr", ("gender",), audit)
    symbols = {t["marker"]["symbol"] for t in figure["data"] if t.get("mode") == "markers"}
    assert symbols == {"circle", "circle-open", "triangle-up-open"}
    triangles = [t for t in figure["data"] if t.get("marker", {}).get("symbol") == "triangle-up-open"]
    assert all("estimated" in t["hovertext"][0] and t["x"][0] % 1 for t in triangles)
    few = [t for t in figure["data"] if t.get("xaxis") == "x2" and t.get("mode") == "markers"]
    assert {t["marker"]["symbol"] for t in few} == {"circle-open"}  # too few to judge, in every window


def test_groups_of_whom_a_window_holds_nobody_are_left_out_of_their_panel(followed, audit):
    gone = tuple(
        replace(rate, estimate=Undefined(reason="no rows")) if rate.window == NAMES[0] else rate
        for rate in followed.rates
    )
    found = replace(followed, rates=gone)
    marks = [t for t in groups_figure(found, "tpr", ("gender",), audit)["data"] if t.get("mode") == "markers"]
    assert 0 not in {t["x"][0] for t in marks}
    assert "2027-01" in groups_alt(found, "tpr", ("gender",))


def test_names_stay_text_in_every_chart(followed, audit):
    nasty = ("<b>%{x}</b> $a$ \u202e",)
    rates = tuple(replace(rate, group=nasty) if rate.group == MEN else rate for rate in followed.rates)
    trends = [replace(point, high=nasty) for point in followed.trends if point.high == MEN]
    found = replace(followed, rates=rates)
    drawn = json.dumps(
        [groups_figure(found, "tpr", ("gender",), audit), trend_figure(trends, followed.windows)],
        ensure_ascii=False,
    )
    assert "&lt;b&gt;" in drawn and "\u202e" not in drawn and "<b>%{x}" not in drawn and "$a$" not in drawn


def test_many_windows_are_not_all_named():
    ticks = windows_axis([f"2026-W{i:02d}" for i in range(40)])
    assert len(ticks["ticktext"]) == len(ticks["tickvals"]) <= 14 and ticks["tickvals"][:2] == [0, 3]
    assert windows_axis([])["tickvals"] == []
    noted = windows_axis([f"w{i}" for i in range(40)], [""] * 39 + ["so far 1 of 2"])
    assert noted["ticktext"][-1] == "w39<br>so far 1 of 2"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e3, 1e3), max_size=8).map(sorted), st.floats(0.5, 20))
def test_words_beside_lines_never_overlap_and_keep_their_order(places, least):
    found = spread(places, least)
    assert len(found) == len(places)
    assert all(b - a >= least * (1 - 1e-9) - 1e-9 for a, b in itertools.pairwise(found))
    if all(b - a >= least for a, b in itertools.pairwise(places)):
        assert found == pytest.approx(places)

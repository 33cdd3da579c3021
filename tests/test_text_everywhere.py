"""An audit whose groups, columns, files and contract hold nasty names: every place they come out at."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import plotly.graph_objects as go
import pypdf
import pytest
from google.protobuf.json_format import MessageToDict
from markdown_it import MarkdownIt
from nasty import ARRIVE, ATTRIBUTE, FEATURE, FILE, HIDDEN_FEATURE, NASTY, OTHER, hidden, nasty_audit, plain
from report_factory import audit_of
from rich.console import Console
from streamlit.testing.v1 import AppTest

from audit_core.metrics.drift_rows import drift_limits
from audit_core.report.charts.calibration import calibration_alt, calibration_figure
from audit_core.report.charts.compared import group_gaps
from audit_core.report.charts.drift import psi_alt, psi_figure, ranked, shares_alt, shares_figure
from audit_core.report.charts.gaps import gap_alt, gap_figure
from audit_core.report.charts.grid import grid_alt, grid_figure
from audit_core.report.csv_file import csv_bytes
from audit_core.report.documents import document_bytes
from audit_core.report.escape import clip, for_hover, for_markdown, visible
from audit_core.report.explain import explain
from audit_core.report.junit import junit_bytes
from audit_core.report.result import result_bytes
from audit_core.report.sarif import sarif_bytes
from audit_core.report.step_summary import step_summary_bytes
from audit_core.report.support_grid import support_grid
from audit_core.report.tables import (
    bin_rows,
    calibration_rows,
    check_rows,
    count_rows,
    drift_group_rows,
    drift_table_rows,
    grid_rows,
    new_category_rows,
    same_score_rows,
    slice_rows,
)
from audit_core.report.terminal import decision_table
from pages.ui import controls

ROOT = Path(__file__).resolve().parent.parent
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
PAGES = (
    "summary",
    "gaps",
    "grid",
    "slices",
    "calibration",
    "thresholds",
    "drift",
    "regression",
    "hiring",
    "decision",
    "windows",
    "data",
    "contract",
)


@pytest.fixture(scope="module")
def nasty(tmp_path_factory):
    """The audit and its workspace."""
    return nasty_audit(tmp_path_factory.mktemp("nasty"))


GROUPS = [NASTY[key] for key in ARRIVE]


def shown(name):
    """A name as a person reads it."""
    return clip(visible(name), 48)


def tables(audit):
    """Every table the screens show and offer as CSV."""
    measured = audit.measurements
    gaps = group_gaps(audit, (ATTRIBUTE,), "tpr")
    scores = [row for row in measured.calibration if row.subject == (ATTRIBUTE,)]
    features = ranked(measured.drift)
    inside = [row for row in measured.drift if row.table.group]
    return {
        "groups": slice_rows(gaps),
        "grid": grid_rows(support_grid(audit, ATTRIBUTE, OTHER, "tpr")),
        "calibration": calibration_rows(scores),
        "same score": same_score_rows(audit, scores[0], scores[1]),
        "drift": drift_table_rows(measured.drift),
        "drift inside": drift_group_rows(inside),
        "bins": [line for row in features for line in bin_rows(row)],
        "new": new_category_rows(measured.drift),
        "checks": check_rows(audit),
        "counts": count_rows(audit, (ATTRIBUTE,), (GROUPS[0],)),
    }


def test_every_csv_of_nasty_names(nasty):
    audit, _ = nasty
    for title, rows in tables(audit).items():
        read = list(csv.reader(io.StringIO(csv_bytes(rows).decode("utf-8-sig"), newline="")))
        for line in read:
            for cell in line:
                assert not hidden(cell) and not cell.lstrip().startswith(tuple("=+-@＝＋－＠")), title
    named = [line["Group"] for line in tables(audit)["groups"]]
    assert sorted(named) == sorted(shown(name) for name in GROUPS)
    assert {line["Feature"] for line in tables(audit)["drift"]} >= {FEATURE, HIDDEN_FEATURE}


def strings(value):
    """Every text of a figure with the key it stands under."""
    if isinstance(value, dict):
        for key, part in value.items():
            for found in [(key, part)] if isinstance(part, str) else strings(part):
                yield found if found[0] is not None else (key, found[1])
    elif isinstance(value, list | tuple):
        for part in value:
            yield from [(None, part)] if isinstance(part, str) else strings(part)


def figures(audit):
    """Every chart of the screens with its words."""
    gaps = group_gaps(audit, (ATTRIBUTE,), "tpr")
    grid = support_grid(audit, ATTRIBUTE, OTHER, "tpr")
    scores = [row for row in audit.measurements.calibration if row.subject == (ATTRIBUTE,)]
    drift, limits = audit.measurements.drift, drift_limits(audit.contract)
    yield gap_figure(gaps), gap_alt(gaps)
    yield grid_figure(grid), grid_alt(grid)
    yield calibration_figure(scores), calibration_alt(scores)
    yield psi_figure(drift, limits), psi_alt(drift, limits)
    for row in ranked(drift):
        yield shares_figure(row.table), shares_alt(row.table)


def test_every_text_of_every_chart_is_literal(nasty):
    audit, _ = nasty
    found = []
    for figure, _ in figures(audit):
        for key, text in strings(figure):
            found.append(text)
            assert not hidden(text)
            assert set(re.findall(r"<[^<>]*>", text)) <= {"<b>", "</b>", "<br>"}, text
            assert not re.search(r"\$.*\$", text)
            if key in ("texttemplate", "hovertemplate"):
                assert text == "%{text}"
    said = "".join(found)
    for name in GROUPS:
        assert for_hover(clip(visible(name), 20).rstrip("…")) in said


def test_no_word_of_a_chart_becomes_a_tag_of_plotlys_by_chance(nasty):
    """Only the charts' own bold and line breaks remain, in pairs."""
    for figure, _ in figures(nasty[0]):
        for _, text in strings(figure):
            assert text.count("<b>") == text.count("</b>")


def test_the_exports_of_nasty_names(nasty):
    audit, _ = nasty
    names = [shown(ATTRIBUTE), shown(OTHER)]
    root = ElementTree.fromstring(junit_bytes(audit))
    texts = [text for part in root.iter() for text in (part.text or "", *part.attrib.values())]
    results = json.loads(sarif_bytes(audit))["runs"][0]["results"]
    messages = [result["message"]["text"] for result in results]
    source = step_summary_bytes(audit).decode()
    tokens = MARKDOWN.parse(source)
    parts = [part for token in tokens for part in token.children or ()]
    assert {part.type for part in parts} <= {"text", "text_special", "strong_open", "strong_close"}
    assert not [token for token in tokens if "html" in token.type or "code" in token.type]
    summary = plain("".join(part.content for part in parts))
    for name in names:
        assert any(name in text for text in texts)
        assert any(name in plain(text) for text in messages)
        assert name in summary
    for text in (*texts, *messages, source):
        assert not hidden(text, allowed="\u2060\n")


def test_the_result_file_keeps_the_names_as_they_were_given(nasty):
    audit, _ = nasty
    made = json.loads(result_bytes(audit))
    assert {rate["group"][0] for rate in made["rates"] if rate["attribute"] == [ATTRIBUTE]} == set(GROUPS)


def test_the_terminal_and_the_pdf_of_nasty_names(nasty):
    audit, _ = nasty
    out = io.StringIO()
    Console(file=out, force_terminal=True, color_system=None, width=110, highlight=False).print(
        decision_table(audit)
    )
    words = [explain(audit, check.id) for check in audit.contract.checks]
    assert not hidden(out.getvalue(), allowed="\n")
    assert visible(OTHER)[:15] in out.getvalue()
    assert all(words)
    made = document_bytes("pdf", audit, "contract.yaml")
    text = re.sub(
        r"[\s\u200b]", "", "".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(made)).pages)
    )
    for part in (
        "[U+202E]gnp",
        "<script>window.evenhandHacked=2</script>",
        "$\\frac{1}{2}$",
        "onerror=alert(1)>",
    ):
        assert part.replace(" ", "") in text
    assert not hidden(text)


# The screens


@pytest.fixture
def app(nasty, monkeypatch):
    """The dashboard on the nasty audit."""
    audit, workspace = nasty
    monkeypatch.setenv("EVENHAND_DEBUG", "1")
    monkeypatch.setenv("EVENHAND_WORKSPACE", str(workspace.root))
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    test.query_params["audit"] = audit.id
    return test.run()


def protos(block):
    """What a screen sends to the browser, element by element: (kind, message as plain values)."""
    for child in block.children.values():
        if hasattr(child, "children"):
            if child.proto is not None:
                yield child.type, MessageToDict(child.proto)
            yield from protos(child)
        elif child.proto is not None:
            yield child.type, MessageToDict(child.proto)


def sent(app):
    return [*protos(app.main), *protos(app.sidebar)]


def markdown_fields(kind, value, key=""):
    """Every field of a message that the browser reads as Markdown."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from markdown_fields(kind, part, name)
    elif isinstance(value, list):
        for part in value:
            yield from markdown_fields(kind, part, key)
    elif isinstance(value, str) and key in ("body", "label", "help", "content", "text", "caption", "delta"):
        yield value


def plain_fields(value, key=""):
    """Every text of a message that is shown or read aloud as it is: all but ids, editors and chart data."""
    if isinstance(value, dict):
        for name, part in value.items():
            if name not in ("id", "spec", "value", "default", "rawValue", "data", "url", "formId"):
                yield from plain_fields(part, name)
    elif isinstance(value, list):
        for part in value:
            yield from plain_fields(part, key)
    elif isinstance(value, str):
        yield value


OWN = re.compile(r":(blue|red|orange|gray)-badge\[|:material/\w+:")


def only_text(source):
    """Whether a text in Markdown holds no link, image or HTML, no maths, and no directive but the house's."""
    tokens = MARKDOWN.parse(source)
    kinds = {part.type for token in tokens for part in (token, *(token.children or ()))}
    rest = OWN.sub("", source)
    return not (
        kinds & {"html_block", "html_inline", "link_open", "image", "code_block", "fence"}
        or re.search(r"(?<!\\)\$|(?<!\\):[a-z][a-z-]*\[|:material/|(?<!\\)https?:/", rest)
    )


@pytest.mark.parametrize(
    "page",
    PAGES,
)
def test_every_screen_of_nasty_names_is_text(app, page):
    now = app if page == "summary" else app.switch_page(f"pages/{page}.py").run()
    assert not now.exception
    for kind, message in sent(now):
        for text in markdown_fields(kind, message):
            assert only_text(text), text
        for text in plain_fields(message):
            assert not hidden(text, allowed="\u2060\n"), (kind, text)
    for table in now.table:
        frame = table.value
        cells = [str(cell) for cell in (*frame.columns, *frame.to_numpy().ravel())]
        assert all(only_text(cell) and not hidden(cell) for cell in cells)


FORM = """
from pathlib import Path
from audit_core.audit import look_at
from pages.ui.roles import draft_fields, role_fields

look = look_at(Path({path!r}), {name!r})
role_fields(look, with_model=False)
roles = dict(zip([column.name for column in look.columns], {roles!r}))
draft_fields(look, roles, with_train=False, with_model=False)
"""


@pytest.mark.parametrize("key", ["picture", "colour", "maths", "rlo", "script"])
def test_the_form_over_somebodys_columns_is_text(tmp_path, monkeypatch, key):
    """A column's name stands in labels, which are Markdown: a picture in one would be fetched."""
    monkeypatch.syspath_prepend(str(ROOT))
    header = [f"{NASTY[key]} {number}" for number in range(3)]
    path = tmp_path / "rows.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(
            [header, *([i % 2, "no" if i % 3 else NASTY[key], i] for i in range(40))]
        )
    roles = ["label", "decision", "protected attribute"]
    text = FORM.format(path=str(path), name=FILE, roles=roles)
    now = AppTest.from_string(text, default_timeout=60).run()
    assert not now.exception
    for kind, message in sent(now):
        for said in markdown_fields(kind, message):
            assert only_text(said), said
        for said in plain_fields(message):
            assert not hidden(said, allowed="\u2060\n"), said


def test_the_screens_show_the_names_whole(app, nasty):
    shown_gaps = app.switch_page("pages/gaps.py").run()
    cells = [str(cell) for cell in shown_gaps.table[0].value.iloc[:, 0]]
    assert sorted(cells) == sorted(for_markdown(shown(name)) for name in GROUPS)
    assert shown_gaps.button_group[0].options[0] == for_markdown(shown(ATTRIBUTE))
    assert set(shown_gaps.selectbox(key="counts_group").options) == {shown(name) for name in GROUPS}
    crossed = app.switch_page("pages/grid.py").run().table[-1].value
    assert list(crossed.columns)[:2] == [for_markdown(shown(ATTRIBUTE)), for_markdown(shown(OTHER))]
    drift = app.switch_page("pages/drift.py").run()
    chosen = drift.selectbox(key="drift_feature")
    drift = chosen.set_value(next(i for i, name in enumerate(chosen.options) if "back" in name)).run()
    alts = [message["alt"] for kind, message in sent(drift) if kind in ("plotly_chart", "table")]
    assert any(visible(HIDDEN_FEATURE) in alt for alt in alts) and not any(map(hidden, alts))
    summary = app.switch_page("pages/summary.py").run()
    rows = "\n".join(str(cell) for table in summary.table for cell in table.value.to_numpy().ravel())
    assert for_markdown(f"=cmd{FILE}")[:20] in rows


def test_attributes_that_begin_alike_can_still_be_told_apart():
    assert controls._told_apart(["a", "b", "a", "a"]) == ["a", "b", "a (2)", "a (3)"]


def test_an_attribute_named_like_a_column_of_the_grid_keeps_its_own():
    grid = replace(support_grid(audit_of(), "gender", "ethnicity", "tpr"), rows="Result", columns="People")
    row = grid_rows(grid)[0]
    assert list(row)[:3] == ["Result (group)", "People (group)", "Result"]
    assert row["Result (group)"] == "man" and row["People"].replace(",", "").isdigit()


def test_very_many_groups_still_make_a_chart_of_scores(nasty):
    for figure, _ in figures(nasty[0]):
        go.Figure(figure)


def test_download_names_are_names_of_files(monkeypatch):
    offered = []
    monkeypatch.setattr(
        controls.st, "download_button", lambda *_args, **more: offered.append(more["file_name"])
    )
    for name in NASTY.values():
        controls.csv_button([{"a": "1"}], f"A-20261120-0117abcd-{name}-tpr.csv")
    assert len(offered) == len(NASTY)
    assert all(re.fullmatch(r"A-20261120-0117abcd-[\w.-]+\.csv", name) for name in offered)

"""Everything that is rendered, screen by screen and document by document, says no more than the data do."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pypdf
import pytest
from google.protobuf.json_format import MessageToDict
from rich.console import Console
from streamlit.testing.v1 import AppTest
from test_evaluations import row
from test_text_everywhere import protos
from words_checker import (
    RATE,
    Rendered,
    bare,
    html_page,
    lines,
    markdown_page,
    row_unit,
    terminal_page,
    unmarked,
    violations,
)

from audit_core.audit import AuditRequest, run_audit
from audit_core.evidence.workspace import Workspace
from audit_core.report.explain import explain
from audit_core.report.html import report_html
from audit_core.report.pdf import summary_pdf
from audit_core.report.pdf_page import page_values
from audit_core.report.published import published
from audit_core.report.step_summary import step_summary_bytes
from audit_core.report.summary import summary
from audit_core.report.terminal import decision_table
from pages.ui.menu import MENU

ROOT = Path(__file__).resolve().parent.parent
SCREENS = [name for group in MENU.values() for name in group]
SMALL = b"""\
schema: evenhand/contract/v1
id: small
version: 1
status: approved
domain: service
decision: {question: Serve the request at once?, population: Requests of one week, favourable: 1, harm: A wait., harmed_by: wrong_no}
data:
  label: {column: ready, positive: 1}
  score: {column: score, threshold: 0.5}
  attributes: [{name: wording, basis: reviewers}, {name: place, basis: address}]
  intersections: [[wording, place]]
checks:
  - {id: there, stage: data, metric: coverage, of: [wording, place], severity: critical, owner: o, why: w}
  - {id: tpr, stage: training, metric: tpr, compare: difference, of: [wording, [wording, place]], limit: {max: 0.10}, severity: critical, primary: true, owner: o, why: w}
  - {id: selected, stage: training, metric: selection_rate, compare: ratio, of: [place], limit: {min: 0.80}, severity: major, owner: o, why: w}
  - {id: right, stage: training, metric: accuracy, compare: value, of: [place], limit: {min: 0.70}, severity: minor, owner: o, why: w}
  - {id: meaning, stage: training, metric: calibration_in_the_large, of: [place], limit: {max: 0.05}, severity: major, owner: o, why: w}
roles: {o: {name: Somebody}}
author: o
"""  # noqa: E501


# The checker finds what it is there to find


@pytest.mark.parametrize(
    "unit",
    [
        "True positive rate of women: 56.7 %",
        "A gap of 15.3 pts by gender",
        "15.3 pts (at least 10.9, at most 19.6); contract: at most 10.0 pts",
        "56.7 % of 812 people",
        "Group: woman | True positive rate: 56.7 % | Interval: –",
        "Found: 14.4 pts (at least 8.3, at most 18.5) | Limit: at most 5.0 pts",
        "71.4 % (n=969)",
        "gap −15.3 pts, 95 % interval −20.7 to −9.7",
    ],
)
def test_a_rate_without_its_count_or_its_range_is_found(unit):
    assert bare(unit)
    assert violations(Rendered(units=[unit]))


@pytest.mark.parametrize(
    "unit",
    [
        "woman 56.7 % (n=812), man 67.6 % (n=901), a gap of 10.9 pts (95 % interval 6.2 to 15.4)",
        "Group: woman | True positive rate: 56.7 % | Interval: 53.3 % to 60.1 % | Counts: 460 of 812",
        "True positive rate gap by gender: at most 10.0 pts",
        "Base rate: 2.0 % to 98.0 %, limit 2.0 % to 98.0 % (n=40)",
        "17 of 25 combinations judged, 8 too few, 95 % of people covered.",
        "a gap at least this large would still arise in about 36 % of samples of this size.",
        "The interval of one rate is a 95 % interval.",
        "Of every 100 applicants in each group, the model advanced about 71 men and 57 women.",
        "It warns at 8.0 pts; at most 10.0 pts",
        "Ratio 0.796",
    ],
)
def test_what_has_all_it_needs_is_left_alone(unit):
    assert not bare(unit)


@pytest.mark.parametrize(
    "word",
    ["The model is fair.", "An unbiased result", "Compliant with the law", "This proves it", "She passed"],
)
def test_a_word_that_claims_too_much_is_found(word):
    assert violations(Rendered(units=[word]))
    assert violations(Rendered(units=[], words=[word]))


def test_words_that_only_look_alike_are_left_alone():
    assert not violations(Rendered(units=["Fairness decays; evidence_passed is a column; the proof; fairly"]))


def test_a_p_value_needs_its_sentence():
    told = "p is the share of draws in which chance alone gives a difference this large."
    assert violations(Rendered(units=["Fisher: p = 0.03"]))
    assert violations(Rendered(units=["Group: a | Exact p: 0.03 | n: 40"]))
    assert not violations(Rendered(units=["Fisher: p = 0.03", told]))
    assert not violations(Rendered(units=["up = 0.3", "step: 0.5"]))


def test_a_chart_needs_words_a_table_and_an_alternative_text():
    read = "How to read this"
    assert violations(Rendered(units=["A chart"], charts=["what it shows"], tables=1))
    assert violations(Rendered(units=[read], charts=["what it shows"], tables=0))
    assert violations(Rendered(units=[read], charts=[" "], tables=1))
    assert not violations(Rendered(units=[read], charts=["what it shows"], tables=1))


def test_the_readers_of_documents_find_what_is_planted():
    html = b"<main><table><thead><tr><th>Group</th><th>Rate</th></tr></thead><tbody><tr><th>a</th><td>5.0 %</td></tr></tbody></table><p>This is fair.</p><svg aria-label='x'><text text-anchor='middle'>50 %</text></svg></main>"  # noqa: E501
    assert len(violations(html_page(html))) == 3
    assert violations(markdown_page("| Group | Rate |\n| --- | --- |\n| a | 5.0 % |"))
    assert not violations(
        markdown_page("| Group | Rate | n |\n| --- | --- | --- |\n| a | 5.0 % (1.0 % to 9.0 %) | 40 |")
    )
    assert violations(terminal_page("check  Outside limit  15.3 pts\n       Confirmed      at least 10.9"))
    assert unmarked(r":blue-badge[:material/check: Within limit] 5\.0 %") == "Within limit 5.0 %"


# Everything that is rendered


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """An audit of forty rows: nothing in it can be judged."""
    folder = tmp_path_factory.mktemp("small")
    rows = ["wording,place,ready,score"]
    for i in range(40):
        cells = (
            "formal" if i % 2 else "plain",
            "north" if i % 3 else "south",
            int(i % 5 > 1),
            i * 7 % 10 / 10,
        )
        rows.append(",".join(map(str, cells)))
    (folder / "rows.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    workspace = Workspace(folder / "workspace")
    request = AuditRequest(contract=SMALL, contract_name="c", evaluation=folder / "rows.csv",
                           as_of=datetime(2026, 11, 20, tzinfo=UTC))  # fmt: skip
    return run_audit(request, workspace), workspace


@pytest.fixture(params=["worked example", "forty rows"])
def found(request, hiring_audit, hiring_workspace, small):
    """An audit and its workspace."""
    return (hiring_audit, hiring_workspace) if request.param == "worked example" else small


def texts_of(kind, message):
    """Every text of an element that a person reads."""
    keys = ("body", "label", "help", "content", "caption", "placeholder")
    return [message[key] for key in keys if isinstance(message.get(key), str) and kind != "text_area"]


def units_of(block):
    """Units of a screen: a card is one, a row of a table is one, every other line is one."""
    children = list(block.children.values())
    kinds = [child.type for child in children]
    if "metric" in kinds:
        said = [
            text for child in children for kind, message in own(child) for text in texts_of(kind, message)
        ]
        return [" | ".join(lines(said))]
    units = []
    for child in children:
        if hasattr(child, "children"):
            units += lines(text for kind, message in own(child) for text in texts_of(kind, message))
            units += units_of(child)
        elif child.type in ("table", "arrow_data_frame"):
            frame = child.value
            for cells in frame.astype(str).to_dict("records"):
                units.append(unmarked(row_unit(cells)))
        elif child.type != "code":  # a contract's own problems, at their lines
            units += lines(text for kind, message in own(child) for text in texts_of(kind, message))
    return units


def own(child):
    """The message of an element, or of a block without what is in it: an expander's label is in its block."""
    if child.proto is None:
        return []
    message = MessageToDict(child.proto)
    if hasattr(child, "children"):
        message = next(
            (part for part in message.values() if isinstance(part, dict) and "label" in part), message
        )
    return [(child.type, message)]


def screen(app):
    """A screen as the checker reads it."""
    sent = [*protos(app.main), *protos(app.sidebar)]
    charts = [message.get("alt", "") for kind, message in sent if kind == "plotly_chart"]
    tables = sum(kind in ("table", "arrow_data_frame") for kind, _ in sent)
    return Rendered(units=units_of(app.main), charts=charts, tables=tables)


@pytest.mark.parametrize("name", SCREENS)
def test_every_screen_keeps_to_the_words(found, name, monkeypatch):
    audit, workspace = found
    monkeypatch.setenv("EVENHAND_DEBUG", "1")
    monkeypatch.setenv("EVENHAND_WORKSPACE", str(workspace.root))
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["audit"] = audit.id
    shown = app.run()
    if name != "summary":
        shown = shown.switch_page(f"pages/{name}.py").run()
    assert not shown.exception
    page = screen(shown)
    assert len(page.units) > 3
    assert violations(page) == []


def test_the_html_report_keeps_to_the_words(found):
    audit = replace(found[0], evaluations=(row(), row(source="mine", n=None)))
    page = html_page(report_html(audit))
    assert len(page.units) > 40 and page.tables > 8
    assert violations(page) == []


def test_the_pdf_keeps_to_the_words(found):
    audit = found[0]
    shown = published(audit)
    values = page_values(summary(shown))
    units = [text_of(part) for part in values["found"]]
    units += [
        text_of(values["verdict"]),
        *map(text_of, values["not_known"]),
        *map(text_of, values["recommend"]),
    ]
    units += [
        text_of(part) for key in ("watches", "requirements", "audited", "sign_off") for part in values[key]
    ]
    units.append(text_of(values["footnote"]))
    made = summary_pdf(shown)
    text = " ".join(part.extract_text() for part in pypdf.PdfReader(io.BytesIO(made)).pages)
    assert violations(Rendered(units=units, words=[squeezed(text)])) == []
    said = squeezed("".join(units))
    loose = [rate for rate in RATE.findall(text.replace("\u00a0", " ")) if squeezed(rate) not in said]
    assert loose == []


def text_of(value):
    """Every text of a part of the page, as one unit."""
    if isinstance(value, dict):
        return " | ".join(text_of(part) for part in value.values())
    if isinstance(value, list | tuple):
        return " | ".join(text_of(part) for part in value)
    return value.replace("\u200b", "").replace("\u00a0", " ") if isinstance(value, str) else ""


def squeezed(text):
    """A text without its spaces, which a PDF puts where it likes."""
    return re.sub(r"[\s\u200b]", "", text)


def test_the_markdown_summary_keeps_to_the_words(found):
    audit = replace(found[0], evaluations=(row(),))
    assert violations(markdown_page(step_summary_bytes(audit).decode())) == []


def test_the_terminal_keeps_to_the_words(found):
    out = io.StringIO()
    Console(file=out, width=260, highlight=False).print(decision_table(found[0]))
    assert violations(terminal_page(out.getvalue())) == []
    told = [line for check in found[0].contract.checks for line in lines([explain(found[0], check.id)])]
    assert violations(Rendered(units=told)) == []

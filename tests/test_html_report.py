"""The HTML report: one file, no script, no request, every name is text, and no small group is in it."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from nasty import NASTY, OTHER, hidden, nasty_audit
from report_factory import audit_of, contract_of
from test_evaluations import row

from audit_core.contract.evaluation_sources import KINDS, NO_LIMIT_STATED
from audit_core.contract.yaml import parse_contract
from audit_core.report.documents import document_bytes
from audit_core.report.html import report_html
from audit_core.report.law import CHECKED_SENTENCE
from audit_core.report.words import NOT_DISCRIMINATION, NOT_SIGNED

SAMPLE = Path(__file__).resolve().parent.parent / "sample_data" / "hiring" / "contract.yaml"
TAGS = {
    "html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section", "h1", "h2", "h3",
    "p", "strong", "em", "ul", "ol", "li", "span", "div", "table", "caption", "thead", "tbody", "tr", "th",
    "td", "figure", "figcaption", "svg", "line", "circle", "text",
}  # fmt: skip
HEADINGS = (
    "What we found", "What we recommend", "What we cannot say", "The test plan", "The contract, line by line",
    "What is checked, and when", "Groups", "Combined groups", "Meaning of scores", "Input drift",
    "Evaluation sources", "After the release", "What was audited, and who answers for it",
    "Law and standards", "Methods in brief",
)  # fmt: skip
TRYING = ("script", "image", "entity", "comment", "quote", "template", "rlo", "tags")
VOID = {"meta", "line", "circle"}


class Page(HTMLParser):
    """Every tag, attribute and text of a page; `open` is empty where every tag was closed in its turn."""

    def __init__(self, made):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.texts, self.open, self.titles = set(), [], [], [], []
        self.feed(made.decode())

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(tag, *pair) for pair in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(tag, *pair) for pair in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] == ["style"]:
            return
        if self.open[-1:] in (["h2"], ["h3"]):
            self.titles.append(data)
        self.texts.append(data)

    @property
    def said(self):
        return " ".join(" ".join(self.texts).split())


@pytest.fixture(scope="module")
def page():
    audit = audit_of(parse_contract(SAMPLE.read_bytes(), "c"))
    given = (row(low="0.05", high="0.2"), row(source="mine", n=None))
    return Page(report_html(replace(audit, evaluations=given)))


def test_every_part_of_the_report_has_its_heading(page):
    for title in HEADINGS:
        assert title in page.titles


def test_it_says_what_must_be_said(page):
    for words in (NOT_SIGNED, NOT_DISCRIMINATION, CHECKED_SENTENCE, "none of them can approve a release"):
        assert words in page.said
    assert page.said.count("How to read this.") >= 6
    assert KINDS["bbq"].limit in page.said and NO_LIMIT_STATED in page.said
    assert "A qualified applicant who is not advanced" in page.said


def test_it_holds_markup_of_its_own_alone_and_asks_nothing_of_anybody(page):
    assert page.open == [] and page.tags == TAGS
    made = page.attributes
    assert not [
        name for _, name, _ in made if name.startswith("on") or name in ("src", "href", "style", "srcset")
    ]
    policy = next(value for tag, name, value in made if value and "default-src" in value)
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


def test_its_style_asks_for_nothing_and_follows_light_and_dark():
    style = re.search(r"<style>(.*?)</style>", report_html(audit_of()).decode(), re.DOTALL)[1]
    assert "url(" not in style and "@import" not in style and "@font-face" not in style
    assert "color-scheme: light dark" in style and "@media print" in style


def test_it_is_the_same_bytes_for_the_same_audit():
    audit = audit_of()
    assert report_html(audit) == document_bytes("html", audit, "contract.yaml")


def test_names_are_text_whatever_they_hold(tmp_path):
    audit, _ = nasty_audit(tmp_path, TRYING)
    made = report_html(replace(audit, evaluations=(row(source=NASTY["script"], group=NASTY["rlo"]),)))
    found = Page(made)
    assert found.open == [] and found.tags <= TAGS
    assert NASTY["script"] in found.said and OTHER.split(" ")[0] in found.said
    assert not hidden(found.said, allowed="\n") and "[U+202E]" in found.said
    assert not [name for _, name, _ in found.attributes if name.startswith("on")]


def test_every_table_has_a_caption_and_heads(page):
    text = report_html(audit_of()).decode()
    for table in re.findall(r"<table>.*?</table>", text, re.DOTALL):
        assert re.match(r"<table>\s*<caption>[^<]+</caption>\s*<thead>", table)
        widths = {
            row.count("<th ") + row.count("<td") for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)
        }
        assert len(widths) == 1


def test_a_group_under_the_floor_is_in_no_line_of_it():
    """Six people of one group in six thousand: no count of theirs, and no rate made of them."""
    from report_factory import counted

    gender = {"man": 0.5, "nonbinary": 0.001, "woman": 0.499}
    audit = audit_of(counts=counted(gender=gender))
    small = {
        (rate.metric, rate.estimate.numerator, rate.estimate.denominator)
        for rate in audit.measurements.rates
        if rate.group == ("nonbinary",) and rate.estimate.value is not None
    }
    assert small and max(denominator for _, _, denominator in small) < 10
    said = Page(report_html(audit)).said
    for line in re.findall(r"nonbinary [^.]{0,120}", said):
        assert not re.match(r"nonbinary (Enough|Too few)", line), line
    assert "Withheld for privacy" in said
    assert not [1 for _, n, of in small if re.search(rf"nonbinary[^.]{{0,80}}\b{n} of {of}\b", said)]


def test_a_contract_without_a_plan_says_that_it_has_none():
    assert "The contract states no test plan" in Page(report_html(audit_of(contract_of()))).said


def test_the_chart_has_its_table_and_its_words(page):
    label = next(value for tag, name, value in page.attributes if (tag, name) == ("svg", "aria-label"))
    title = label.partition(",")[0]
    assert title in page.titles
    assert "A mark is a group’s rate" in page.said
    for part in re.findall(r"(\d+\.\d %) \(n=", label):
        assert part in page.said

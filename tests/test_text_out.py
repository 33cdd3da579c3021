"""Names from outside are text in every sink: an independent reader finds them whole, and nothing runs."""

from __future__ import annotations

import csv
import html.parser
import io
import itertools
import json
import re
import unicodedata
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from nasty import FILE_NAMES, NASTY, SURROGATE, hidden, plain
from report_factory import CONTRACT, audit_of, contract_of
from rich.console import Console
from rich.text import Text

from audit_core.report.csv_file import csv_bytes, to_csv
from audit_core.report.escape import (
    clip,
    for_csv,
    for_file_name,
    for_hover,
    for_html,
    for_json,
    for_markdown,
    for_markdown_file,
    for_sarif,
    for_terminal,
    for_typst,
    for_xml,
    one_line,
    visible,
)
from audit_core.report.pdf import page_pdf
from audit_core.report.pdf_page import page_values
from audit_core.report.result import result_bytes
from audit_core.report.summary import summary

ROOT = Path(__file__).resolve().parent.parent
TEXT_SINKS = (visible, for_terminal, for_markdown, for_markdown_file, for_html, for_hover, for_csv, for_xml,
              for_sarif, for_typst, for_file_name)  # fmt: skip
names = pytest.mark.parametrize("name", [*NASTY.values(), SURROGATE], ids=[*NASTY, "surrogate"])


# Every sink


@names
@pytest.mark.parametrize("sink", TEXT_SINKS, ids=lambda sink: sink.__name__)
def test_no_sink_lets_a_hidden_character_through(sink, name):
    assert not hidden(sink(name))


@given(st.text(st.characters(), max_size=40))
def test_no_text_at_all_hides_anything_or_stops_a_sink(text):
    for sink in TEXT_SINKS:
        shown = sink(text)
        assert not hidden(shown)
        shown.encode()
    assert visible(visible(text)) == visible(text)
    assert read_html(for_html(text)) == visible(text)
    assert read_plotly(for_hover(text)) == visible(text)


def test_hidden_characters_are_written_out_at_their_place():
    assert visible(NASTY["rlo"]) == "model[U+202E]gpj.exe"
    assert visible(NASTY["lines"]) == "[U+000D][U+000A]Injected: 1"
    assert visible(NASTY["ansi"]) == "[U+001B][31mred[U+001B][0m"
    assert visible(NASTY["emoji"]) == "👩[U+200D]💻"
    assert visible(NASTY["selector"]) == "a[U+FE0F]b"
    assert visible(SURROGATE) == "a[U+D800]b"


def test_accents_stay_on_their_letter_and_never_pile_up():
    assert visible("Zoë e\u0301 \u1ec7 שָׁ") == "Zoë e\u0301 \u1ec7 שָׁ"
    shown = visible(NASTY["accents"])
    assert shown.startswith("e" + "\u0301" * 4 + "[U+0301]") and shown.count("[U+0301]") == 8
    assert visible("“\u0338x") == "“[U+0338]x"


def test_names_of_the_world_are_left_alone():
    for name in (
        "Zoë",
        "性別",
        "Мужчина",
        "אישה",
        "امرأة",
        "ผู้หญิง",
        "स्त्री",
        "nữ",
        "12–17 years",
        "a_b",
        "👩",
        "½",
    ):
        assert visible(name) == name


def test_prose_over_several_lines_is_one_line():
    assert one_line("Applicants to\nsalaried roles\n") == "Applicants to salaried roles"


def test_a_long_name_is_cut_before_it_is_escaped():
    assert clip(NASTY["long"], 48) == "x" * 47 + "…"


# HTML


class Reader(html.parser.HTMLParser):
    """What a browser would make of a text: the text, the tags, the attributes."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.text, self.tags = "", []

    def handle_data(self, data):
        self.text += data

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def read_html(markup):
    reader = Reader()
    reader.feed(f"<p>{markup}</p>")
    reader.close()
    assert [tag for tag, _ in reader.tags] == ["p"]
    return reader.text


@names
def test_html(name):
    shown = for_html(name)
    assert read_html(shown) == visible(name)
    reader = Reader()
    reader.feed(f"<p title=\"{shown}\" lang='{shown}'></p>")
    assert reader.tags == [("p", {"title": visible(name), "lang": visible(name)})]


# Markdown

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
# What Streamlit's own plug-ins look for once Markdown is parsed.
AFTER_PARSING = (r":(?!material/|streamlit:)[\w+-][\w_+-]*:", r":material[/_]\w+:", r":streamlit:", r"https?://",
                 r"\bwww\.", r"\w@\w", *(rf"(^|\s){arrow}(\s|$)" for arrow in ("<->", "->", "<-", "--", ">=", "<=", "~=")))  # fmt: skip  # noqa: E501


def inline(tokens):
    """Every inline token of a document."""
    for token in tokens:
        yield from token.children or ()


def read_markdown(source):
    """The text of a one-paragraph document that holds nothing but text."""
    tokens = MARKDOWN.parse(source)
    assert [t.type for t in tokens] == ["paragraph_open", "inline", "paragraph_close"], source
    assert {t.type for t in inline(tokens)} <= {"text", "text_special"}, source
    return "".join(t.content for t in inline(tokens))


@names
def test_streamlits_markdown(name):
    shown = for_markdown(name)
    read = read_markdown(shown)
    assert plain(read).replace("\u00a0", " ").strip() == visible(name).strip()
    assert not [pattern for pattern in AFTER_PARSING if re.search(pattern, read)]
    assert not re.search(r"(?<!\\)[$]|:[a-z][a-z-]*\[|:material/", shown)


@names
def test_markdown_file(name):
    shown = for_markdown_file(name)
    read = read_markdown(shown)
    assert plain(read).replace("\u00a0", " ").strip() == visible(name).strip()
    assert not re.search(r"@\w|#\d|GH-\d|https?://|www\.|:[\w+-]+:", read)
    assert not re.search(r"[<>$]|&(?!(amp|lt|gt|#36);)", shown)


@names
def test_a_cell_of_a_markdown_table(name):
    tokens = MARKDOWN.parse(f"| a | b |\n| --- | --- |\n| {for_markdown_file(name)} | end |\n")
    cells = [after.children for token, after in itertools.pairwise(tokens) if token.type == "td_open"]
    assert len(cells) == 2
    assert {token.type for token in cells[0]} <= {"text", "text_special"}
    read = "".join(token.content for token in cells[0])
    assert plain(read).replace("\u00a0", " ").strip() == visible(name).strip()


# Plotly

PLOTLY_ENTITIES = {"mu": "μ", "amp": "&", "lt": "<", "gt": ">", "nbsp": "\u00a0", "times": "×", "plusmn": "±",
                   "deg": "°"}  # fmt: skip


def read_plotly(text):
    """What Plotly's svg text makes of a string: tags are cut out, its own few entities turned back, once."""
    assert not re.search(r"<[^<>]*>", text)
    assert not re.search(r"([^$]*)([$]+[^$]*[$]+)([^$]*)", text)

    def back(found):
        word = found[1]
        if word[0] != "#":
            return PLOTLY_ENTITIES.get(word, found[0])
        return chr(int(word[2:], 16) if word[1] == "x" else int(word[1:]))

    return re.sub(r"&(#\d+|#x[\da-fA-F]+|[a-z]+);", back, text)


@names
def test_plotly(name):
    assert read_plotly(for_hover(name)) == visible(name)


# CSV

FORMULA = tuple("=+-@\t\r＝＋－＠")


@names
def test_csv(name):
    rows = [{name: name, "n": "1"}]
    read = list(csv.reader(io.StringIO(to_csv(rows), newline="")))
    assert len(read) == 2 and {len(row) for row in read} == {2}
    for cell in (read[0][0], read[1][0]):
        assert not cell.lstrip().startswith(FORMULA)
        assert cell.replace("'", "") == visible(name).replace("'", "")
        assert not re.search(r";\s*[=+\-@]", cell)


def test_only_text_is_marked_and_numbers_stay_numbers():
    assert [for_csv(value) for value in (-5, 0.25, "-5", "5", "−15.1 pts")] == [
        -5,
        0.25,
        "'-5",
        "5",
        "−15.1 pts",
    ]
    assert for_csv("x;=1+1") == "x;'=1+1"


def test_a_csv_file_is_utf_8_with_a_mark_and_ends_its_lines_as_the_standard_says():
    made = csv_bytes([{"Group": "Zoë", "n": 'say "x", y'}])
    assert made == b'\xef\xbb\xbfGroup,n\r\nZo\xc3\xab,"say ""x"", y"\r\n'
    assert csv_bytes([]) == b"\xef\xbb\xbf"


# XML, SARIF, terminal, file names


@names
def test_xml(name):
    part = ElementTree.Element("a", b=for_xml(name))
    part.text = for_xml(name)
    read = ElementTree.fromstring(ElementTree.tostring(part, encoding="unicode").encode())
    assert (read.text, read.get("b")) == (visible(name), visible(name))


@names
def test_sarif(name):
    read = json.loads(json.dumps({"text": for_sarif(name)}))["text"]
    assert plain(read) == visible(name)
    assert not re.search(r"\]\(|\{\d+\}", read)


@names
def test_data_keeps_a_name_as_it_was_given(name):
    read = json.loads(json.dumps({"group": for_json(name)}, ensure_ascii=False).encode())["group"]
    assert read == (visible(name) if name == SURROGATE else name)


def test_half_a_pair_in_a_contract_does_not_stop_the_result():
    text = CONTRACT.replace("sampling memo 2026-10-03", "memo \\ud800")
    made = json.loads(result_bytes(audit_of(contract_of(text))))
    assert made["requirements"][0]["evidence"] == "memo [U+D800]"


@names
def test_terminal(name):
    out = io.StringIO()
    Console(file=out, force_terminal=True, color_system="truecolor", width=20_000).print(
        Text(for_terminal(name))
    )
    assert out.getvalue().removesuffix("\n") == visible(name)


@names
def test_file_name(name):
    shown = for_file_name(name + ".csv")
    assert re.fullmatch(r"\w[\w.-]*\.csv", shown) and len(shown) <= 120


@pytest.mark.parametrize("name", FILE_NAMES.values(), ids=list(FILE_NAMES))
def test_file_names_of_downloads(name):
    shown = for_file_name(name)
    assert shown[0] not in ".-" and not re.search(r"[^\w.-]", shown) and len(shown) <= 120
    assert for_file_name("") == for_file_name("../") == "download"
    assert for_file_name("A-20261120-0117abcd-gender-tpr.csv") == "A-20261120-0117abcd-gender-tpr.csv"


# PDF


@pytest.fixture(scope="module")
def page():
    return page_values(summary(audit_of()))


def letters(text):
    """The text without white space, break marks and accents, which a PDF keeps in its own order."""
    parts = unicodedata.normalize("NFD", re.sub(r"\s|\u200b", "", text))
    return "".join(part for part in parts if unicodedata.category(part)[0] != "M")


# A PDF gives a letter back once for each of its accents.
SHORT = {key: name for key, name in NASTY.items() if key not in ("long", "accents")}


@pytest.mark.parametrize("start", range(0, len(SHORT), 6))
def test_pdf(page, start):
    """The names go where the page shows notes; typst evaluates none of them."""
    part = list(SHORT.values())[start : start + 6]
    made = page_pdf(page | {"not_known": [f"{i}~{for_typst(name)}~" for i, name in enumerate(part)]}, b"{}")
    text = "".join(p.extract_text() for p in pypdf.PdfReader(io.BytesIO(made)).pages)
    for i, name in enumerate(part):
        assert letters(f"{i}~{for_typst(name)}~") in letters(text)
    assert "root:" not in text


@names
def test_every_text_of_the_page_is_printable(name):
    audit = audit_of()
    contract = replace(
        audit.contract, decision=replace(audit.contract.decision, question=name, population=name)
    )
    values = page_values(summary(replace(audit, contract=contract)))
    assert not hidden(json.dumps(values, ensure_ascii=False), allowed="\u200b")


# Names of uploads


@pytest.mark.reference
def test_names_of_the_corpus_are_neutral_in_every_sink(corpus):
    given = [file.read_bytes().decode() for file in sorted((corpus / "visible").glob("name_*.name"))]
    assert given
    for name in given:
        for sink in TEXT_SINKS:
            assert not hidden(sink(name))
        assert read_html(for_html(name)) == visible(name)
        assert plain(read_markdown(for_markdown(name))) == visible(name)
        assert read_plotly(for_hover(name)) == visible(name)
        assert re.fullmatch(r"\w[\w.-]*", for_file_name(name))


@pytest.mark.reference
def test_formulas_of_the_corpus_are_text_in_a_csv(corpus):
    with (corpus / "visible" / "csv_formula.csv").open(encoding="utf-8", newline="") as stream:
        given = list(csv.DictReader(stream))
    read = list(csv.reader(io.StringIO(to_csv(given), newline="")))
    assert len(read) == len(given) + 1
    for row, line in zip(given, read[1:], strict=True):
        assert line[0].startswith("'") and line[0][1:] == visible(row["group"])

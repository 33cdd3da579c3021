"""The one-page PDF: one page, the numbers on it, the same bytes again, whatever the names."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from audit_core.report.glyphs import printable
from audit_core.report.pdf import page_pdf, summary_pdf
from audit_core.report.pdf_page import page_values
from audit_core.report.published import published
from audit_core.report.published_result import published_result_bytes
from audit_core.report.result import decision_digest
from audit_core.report.summary import Summary, summary
from tests.report_factory import CONTRACT, audit_of, contract_of, counted

MARKUP = "#[]$*_@<>`\\{}=-/~&'\""
NAMES = st.one_of(
    st.text(min_size=1, max_size=80),
    st.text(alphabet=MARKUP, min_size=1, max_size=40),
    st.text(alphabet="\u0634\u05d0\u202e\u200b\u200d\U0001f469山ﬁä", min_size=1, max_size=60),
    st.sampled_from(["W" * 500, "W " * 250, "#panic()", '"; #import "x"', "", "a\u0301" * 90, "[U+5C71]"]),
)
ATTRIBUTES = ("gender", "ethnicity")


def read(made: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(made), strict=True)


def text_of(made: bytes) -> str:
    return " ".join(read(made).pages[0].extract_text().replace("\u00a0", " ").split())


@pytest.fixture(scope="module")
def audit():
    return audit_of()


@pytest.fixture(scope="module")
def page(audit) -> Summary:
    return summary(audit)


@pytest.fixture(scope="module")
def made(audit) -> bytes:
    return summary_pdf(audit)


def test_summary_has_three_gaps_of_every_attribute(page):
    for attribute in ATTRIBUTES:
        rows = {row.short: row for row in page.found if row.subject == attribute}
        for short in ("TPR gap", "FPR gap", "Calibration gap"):
            assert rows[short].value.endswith("pts")
            assert "interval" in rows[short].interval
            assert rows[short].counts.count("n=") == 2
            assert rows[short].status


def test_a_gap_without_a_check_says_so(page):
    row = next(row for row in page.found if (row.short, row.subject) == ("FPR gap", "ethnicity"))
    assert (row.status, row.limit) == ("No limit set", "no limit in the contract")


def test_summary_cards_and_order(page):
    assert [card.label for card in page.cards] == [
        "TPR gap, gender", "FPR gap, gender", "Groups judged", "Input drift, job_family",
    ]  # fmt: skip
    assert page.found[0].primary
    assert page.signed == "NOT SIGNED"


def test_summary_says_what_is_not_known(page):
    text = " ".join(page.not_known)
    for part in ("no earlier approved model", "1 of 5 groups of ethnicity", "no known ethnicity", "left out",
                 "close to the threshold", "repeat an earlier person", "labels in the file"):  # fmt: skip
        assert part in text


def test_one_page_with_its_numbers(made, audit):
    text = text_of(made)
    assert len(read(made).pages) == 1
    for part in ("Do not release", "21.0 pts", "at least 16.8, at most 23.9", "NOT SIGNED", "Input drift",
                 "Monitoring commitments", "A page goes to ml_owner at once",
                 decision_digest(published(audit))):  # fmt: skip
        assert part in text
    for attribute in ATTRIBUTES:
        for short in ("TPR gap", "FPR gap", "Calibration gap"):
            title = short.replace("TPR", "True positive rate").replace("FPR", "False positive rate")
            assert f"{short} · {attribute}" in text or f"{title} · {attribute}" in text


def test_page_is_tagged_archival_and_carries_its_source(made, audit):
    reader = read(made)
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert reader.xmp_metadata is not None
    assert b"pdfaid" in reader.trailer["/Root"]["/Metadata"].get_data()
    assert reader.attachments["published.json"][0] == published_result_bytes(audit)


def test_same_audit_same_bytes(made, audit):
    assert hashlib.sha256(summary_pdf(audit)).digest() == hashlib.sha256(made).digest()


def test_letter_paper(audit):
    box = read(summary_pdf(audit, "us-letter")).pages[0].mediabox
    assert (float(box.width), float(box.height)) == (612, 792)


def test_a_character_without_a_glyph_is_written_out():
    assert printable("a山é") == "a[U+5C71]é"
    counts = counted(gender={"山": 0.5, "man": 0.5})
    text = CONTRACT.replace("reference: man, required: [man, woman], ", "")
    assert "[U+5C71]" in text_of(summary_pdf(audit_of(contract_of(text), counts)))


def test_a_glyph_the_font_only_claims_to_have_does_not_stop_the_export(page):
    values = page_values(page)
    values["title"] = "Audit of 山"
    assert "[U+5C71]" in text_of(page_pdf(values, b"{}"))


def test_worked_example(hiring_audit):
    assert "Worked example with invented data".upper() in text_of(summary_pdf(hiring_audit))


@st.composite
def strange(draw, page: Summary) -> Summary:
    """The summary with other people's names in it, and up to sixty of everything."""
    name = draw(NAMES)

    def many(items, **changed):
        items = [replace(item, **{key: draw(NAMES) for key in changed}) for item in items[:2]]
        return tuple((items * 60)[: draw(st.integers(0, 60))])

    keys = ("title", "short", "people", "sentence", "conclusion", "value", "interval", "bounds", "limit")
    texts = dict.fromkeys((*keys, "counts"))
    return replace(
        page,
        identity=replace(page.identity, contract=name, model=draw(NAMES), question=draw(NAMES)),
        headline=replace(page.headline, sentence=draw(NAMES), check=draw(NAMES)),
        found=many(page.found, **texts),
        recommend=many(page.recommend, text=None, owner=None),
        not_known=tuple(draw(st.lists(NAMES, max_size=3)) * 20),
        watches=many(page.watches, what=None, limit=None, who=None),
        commitments=tuple(draw(st.lists(NAMES, max_size=3)) * 4),
        audited=many(page.audited, name=None),
        requirements=many(page.requirements, name=None, by=None),
        sign_off=many(page.sign_off, role=None, name=None),
    )


@given(st.data(), st.sampled_from(["a4", "us-letter"]))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_one_page_whatever_the_names_and_counts(page, data, paper):
    made = page_pdf(page_values(data.draw(strange(page))), b"{}", paper)
    assert len(PdfReader(io.BytesIO(made)).pages) == 1

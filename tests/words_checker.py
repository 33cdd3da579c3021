"""What may stand on a screen or in a document: no claim too large, no number without what it needs.

The checker reads *units*: a line of text, a row of a table with its heads, a card. Every rate and every gap
in a unit needs a count and a range in the same unit. `tests/test_words_everywhere.py` plants some first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser

BANNED = re.compile(r"\b(fair|unfair|unbiased|compliant|proves|passed|discriminates)\b", re.IGNORECASE)
_NUMBER = r"[−+-]?\d[\d,]*(?:\.\d+)?"
_UNIT = r"\s?(?:%|pts?\b)"
RATE = re.compile(rf"(?<![\w.,]){_NUMBER}{_UNIT}")
_LEVELS = re.compile(r"\d+(?:\.\d+)? % (?:intervals?|ranges?|bounds?)|levels? \d[\d, and]* %")
_BEFORE = (
    "at most|at least|(?<!Outside )(?<!Within )limit(?: of)?|[Cc]ontract:|Limit:|warns at|warning at|"
    "allows a gap of|more than|requires|no less than|less than|under|up to"
)
_LIMITS = re.compile(rf"(?:{_BEFORE})\s+{_NUMBER}(?:{_UNIT})?(?:\s(?:to|and)\s{_NUMBER})?{_UNIT}")
_RANGES = re.compile(rf"{_NUMBER}(?:{_UNIT})? to {_NUMBER}{_UNIT}")
_SAMPLES = re.compile(
    rf"{_NUMBER} % of samples(?: and measured outside it in (?:under )?{_NUMBER} %)?|"
    rf"at (?:a rate of )?{_NUMBER} %(?: in (?:under )?{_NUMBER} %(?: and (?:under )?{_NUMBER} %)?)?"
)
_PEOPLE = re.compile(rf"{_NUMBER} % of (?:the |all )?(?:people|rows|cells)")
_TOLD_BEFORE = re.compile(rf"the {_NUMBER}{_UNIT} measured")
_INSTEAD = re.compile(rf"[Aa]t {_NUMBER}{_UNIT} instead of {_NUMBER}{_UNIT}|{_NUMBER} % more ")
_SHARES = re.compile(
    rf"[^|:]*\b[Ss]hare\b[^|:]*: {_NUMBER} %|\d(?: people| rows)? of \d[\d,]* \({_NUMBER} %\)|"
    rf"{_NUMBER} % of the people"
)
_PLANNED = re.compile(r"Differences it would have found.*?(?=\. [A-Z]|$)")
NOT_MEASURED = (_PLANNED, _SAMPLES, _LEVELS, _LIMITS, _RANGES, _PEOPLE, _TOLD_BEFORE, _INSTEAD)
"""Numbers with a unit that measure nothing: levels, limits, ends of a range, shares of samples that chance
gives, shares of people that say whom they count, and a planner's reference to what stands elsewhere."""
COUNT = re.compile(
    r"\bn\s?[=≥]?\s?\d|\(n\b|\d(?: people| rows)? of (?:the )?\d|\b(?:n|N|Counts?|People|[Rr]ows|Positives|"
    r"Negatives|Has|Selected|Cases|All|Pairs|Size|Numbers?)\b[^|:]{0,40}: \d|"
    r"\d[\d,]* (?:people|rows|positives|negatives|pairs|cases)\b|\d[\d,]* against \d",
)
RANGE = re.compile(
    rf"interval\S* {_NUMBER}|{_NUMBER}(?:{_UNIT})? (?:to|–) {_NUMBER}|at least {_NUMBER}|by chance up to|"
    rf"from {_NUMBER}(?:{_UNIT})? upwards|expected by chance",
    re.IGNORECASE,
)
P_VALUE = re.compile(
    r"(?<![\w.])p\s?[=<>≤≥]\s?(?:0?\.\d|\d)|\bp[- ]values?\b|(?:^|\| )[^|:]*\bp\b[^|:]*: (?:0?\.|\d)"
)
EXPLAINED = re.compile(r"(?:chance|draws|samples|truly|equal)[^.]*\.|how often", re.IGNORECASE)
HOW_TO_READ = "How to read this"


@dataclass(frozen=True)
class Rendered:
    """One screen or document: its units, every word on it, and its charts with what stands beside them."""

    units: Sequence[str]
    charts: Sequence[str] = ()
    tables: int = 0
    words: Sequence[str] = field(default_factory=list)


def violations(page: Rendered) -> list[str]:
    """Return what breaks a rule, one line each."""
    found = [f"banned word: {unit}" for unit in (*page.units, *page.words) if BANNED.search(unit)]
    found += [f"{lack}: {unit}" for unit in page.units if (lack := bare(unit))]
    everything = " ".join((*page.units, *page.words))
    if any(P_VALUE.search(unit) for unit in page.units) and not _explains_p(everything):
        found.append("a p-value without the sentence that explains it")
    if page.charts:
        if HOW_TO_READ not in everything:
            found.append("a chart without “How to read this”")
        if not page.tables:
            found.append("a chart without a table twin")
        found += ["a chart without an alternative text" for alt in page.charts if not alt.strip()]
    return found


def bare(unit: str) -> str:
    """Return what a rate or gap of the unit lacks, or ""."""
    if not RATE.search(_measured(unit)):
        return ""
    if COUNT.search(unit) and not RATE.search(_SHARES.sub(" ", _measured(unit))):
        return ""  # what a file is made of is counted, not sampled: a share of its rows has no interval
    lacks = [name for name, found in (("count", COUNT), ("range", RANGE)) if not found.search(unit)]
    return f"a rate without its {' and '.join(lacks)}" if lacks else ""


def _measured(unit: str) -> str:
    """The unit without the numbers that measure nothing."""
    for known in NOT_MEASURED:
        unit = known.sub(" ", unit)
    return unit


def _explains_p(text: str) -> bool:
    """Whether a sentence says what p is: how often chance alone gives what was seen."""
    return any(
        re.search(r"(?<!\w)p(?!\w)|\bp-value", sentence)
        and re.search(r"chance|draws|samples|as (?:un)?even", sentence)
        for sentence in re.split(r"(?<=[.?!])\s+(?=[A-Z“])", text)
    ) or bool(re.search(r"how often would chance[^.]*[?.][^.]*\bp is\b", text))


def row_unit(row: dict[str, object]) -> str:
    """A row of a table as one unit: each cell behind its head."""
    return " | ".join(f"{head}: {cell}" for head, cell in row.items())


def lines(texts: Iterable[str]) -> list[str]:
    """Texts as units: their lines, without Markdown's marks."""
    return [plain for text in texts for line in text.splitlines() if (plain := unmarked(line))]


def unmarked(text: str) -> str:
    """A line of Markdown as it is read."""
    text = re.sub(r":[a-z]+-badge\[((?:\\.|[^\]])*)\]", r"\1", text)
    text = re.sub(r":material/\w+:", "", text).replace("\u2060", "")
    return " ".join(re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text).replace("**", "").split())


class HtmlUnits(HTMLParser):
    """Units of an HTML page: rows with their heads, paragraphs, list items, lines of a picture."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.units: list[str] = []
        self.charts: list[str] = []
        self.tables = 0
        self._heads: list[str] = []
        self._cells: list[str] = []
        self._text: list[str] = []
        self._skip = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tables += tag == "table"
        if tag == "svg":
            self.charts.append(given.get("aria-label") or "")
        if tag in ("td", "th", "p", "li", "caption", "h1", "h2", "h3", "figcaption", "text", "title"):
            self._text = []
        self._skip = tag == "style" or (tag == "text" and given.get("text-anchor") == "middle")
        if tag == "thead":
            self._heads = []
        if tag == "tr":
            self._cells = []

    def handle_endtag(self, tag: str) -> None:
        said = " ".join("".join(self._text).split())
        if tag in ("td", "th"):
            self._cells.append(said)
        elif tag == "thead":
            self._heads = self._cells
        elif tag == "tr" and self._heads:
            self.units.append(row_unit(dict(zip(self._heads, self._cells, strict=True))))
        elif (
            tag in ("p", "li", "caption", "h1", "h2", "h3", "figcaption", "text", "title")
            and said
            and not self._skip
        ):
            self.units.append(said)

    def handle_data(self, data: str) -> None:
        if not self._skip:
            self._text.append(data + " " if data.strip() else data)


def html_page(made: bytes) -> Rendered:
    """Return the units of an HTML report."""
    found = HtmlUnits(made.decode())
    return Rendered(units=found.units, charts=found.charts, tables=found.tables)


def markdown_page(text: str) -> Rendered:
    """Return the units of a Markdown file: rows of its tables with their heads, and its lines."""
    units, heads = [], list[str]()
    for line in text.splitlines():
        if not line.startswith("|"):
            heads = []
            units += lines([line])
            continue
        cells = [unmarked(cell) for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if not heads:
            heads = cells
        elif set("".join(cells)) - set("- "):
            units.append(row_unit(dict(zip(heads, cells, strict=True))))
    return Rendered(units=units)


def terminal_page(text: str) -> Rendered:
    """Return the units of a terminal: a row is three lines, the number over its bounds and its counts."""
    rows = text.splitlines()
    units = [
        " | ".join(rows[place : place + 3]) if RATE.search(_measured(line)) else line
        for place, line in enumerate(rows)
    ]
    return Rendered(units=[" ".join(unit.split()) for unit in units])

"""Text from outside made literal: one function per sink, and what each keeps a name from doing.

A name is shown as what it is. Characters that hide, move or cover others are written out as `[U+202E]`; marks
that the sink would read are escaped in the sink's own way, so that a reader sees the name and nothing runs.
"""

from __future__ import annotations

import html as _html
import re
import unicodedata

from audit_core.report.glyphs import printable

LONGEST_FILE_NAME = 120
MOST_MARKS = 4
"""Accents on one letter; no script in use needs more, and a pile of them covers the lines around it."""

_WORD_JOINER = "\u2060"
"""Put by the sink itself, between two characters that it would otherwise read as one sign."""
_PUNCTUATION = re.compile(r"([!-/:-@\[-^`{-~]|(?<![^\W_])_|_(?![^\W_]))")  # inside a word _ is plain text
_AFTER_PARSING = re.compile(r"(:(?=[\w+\-/])|@|www(?=\.))", re.IGNORECASE)
_ARROWS = re.compile(r"(?<!\S)(?:<->|->|<-|--|>=|<=|~=)(?!\S)")
_FILE_MARKS = re.compile(r"([\\`*\[\]|~]|(?<![^\W_])_|_(?![^\W_]))")
_FILE_START = re.compile(r"^((?:\d+(?=[.)](?:\s|$)))?)(?=[-+=#.)])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"}
_REFERENCE = re.compile(r"(#(?=\d)|\bGH-(?=\d))", re.IGNORECASE)
_LINK = re.compile(r"(\](?=\()|\{(?=\d))")
_FORMULA = re.compile(r"^[\s\"']*[=+\-@\t\r＝＋－＠]")
_FORMULA_INSIDE = re.compile(r"(;[\s\"']*)(?=[=+\-@＝＋－＠])")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NO_FILE_NAME = re.compile(r"[^\w.-]+")
_FILE_ENDING = re.compile(r"[A-Za-z0-9]{1,10}")
_PLAIN_SPACES = " \u00a0\u202f\u2009"
_BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0\ufffc"
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(text: str) -> str:
    """Return the text with every character that hides, breaks lines or turns the direction written out.

    Control, format (zero-width, bidirectional), private and unassigned characters, variation selectors, blank
    letters and lone surrogates become `[U+200B]`, so that two names which look alike can be told apart and a
    name can't rewrite its line. Accents without a letter, and those beyond the fourth, are written out too.
    This is all that a plain text needs: the options of a list, an alternative text, a block of code.
    """
    if text.isascii() and text.isprintable():
        return text
    shown: list[str] = []
    marks, letter = 0, False
    for character in text:
        category = unicodedata.category(character)
        if category[0] == "M" and not _is_hidden(character, category):
            marks += 1
            shown.append(character if letter and marks <= MOST_MARKS else _written(character))
            continue
        hidden = _is_hidden(character, category)
        marks, letter = 0, not hidden and category[0] in "LNS"
        shown.append(_written(character) if hidden else character)
    return "".join(shown)


def clip(text: str, length: int, *, words: bool = False) -> str:
    """Return at most `length` characters, an ellipsis for what is left out; prose is cut between `words`."""
    if len(text) <= length:
        return text
    kept = text[: max(0, length - 1)].rstrip()
    if words and len(kept) < len(text) and not text[len(kept)].isspace() and " " in kept[-20:]:
        kept = kept[: kept.rindex(" ")].rstrip(" ,;:")
    return kept + "…"


def one_line(text: str) -> str:
    """Return a contract's prose on one line: the line ends of a YAML block are nothing but white space."""
    return " ".join(text.split())


def for_terminal(text: str) -> str:
    """Return the text for a terminal, printed plainly or as rich's Text, never as rich's markup.

    Stops escape sequences (colours, cursor movements, window titles, links) and lines that a carriage return
    or a line feed would forge.
    """
    return visible(text)


def for_markdown(text: str) -> str:
    """Return the text for Streamlit's Markdown: colours, icons, maths, links and HTML stay text.

    Icons, emoji codes, bare addresses and arrows (`->` alone between spaces) are replaced after parsing, when
    a backslash is gone; an invisible word joiner keeps those from being recognised.
    """
    joined = _AFTER_PARSING.sub(rf"\1{_WORD_JOINER}", visible(text))
    joined = _ARROWS.sub(lambda arrow: arrow[0][0] + _WORD_JOINER + arrow[0][1:], joined)
    return _indented(_PUNCTUATION.sub(r"\\\1", joined))


def for_markdown_file(text: str) -> str:
    """Return the text for a Markdown file that a forge shows, in a paragraph or in a cell of a table.

    Stops table cells that end early, links, images, HTML, code, maths (`$`, which a backslash does not stop
    there), emoji codes, and what is recognised after parsing: `@mentions`, `#1` references, bare addresses.
    """
    joined = _AFTER_PARSING.sub(rf"\1{_WORD_JOINER}", visible(text))
    joined = _REFERENCE.sub(rf"\1{_WORD_JOINER}", joined)
    escaped = _FILE_START.sub(r"\1\\", _FILE_MARKS.sub(r"\\\1", joined))
    return _indented("".join(_ENTITIES.get(character, character) for character in escaped))


def for_html(text: str) -> str:
    """Return the text for HTML, both between tags and inside quoted attributes.

    Stops tags, entities and attributes that a quote would end.
    """
    return _html.escape(visible(text), quote=True)


def for_hover(text: str) -> str:
    """Return the text for a Plotly figure: hover text, labels, titles, annotations, tick labels.

    Plotly reads tags and entities in all of them, and `$…$` as maths; those are written as the entities it
    turns back. Quotes stay as they are, since it does not turn `&quot;` back. It fills in `%{…}` in templates
    only: a name goes into a text, never into a hovertemplate or texttemplate.
    """
    shown = visible(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return shown.replace("$", "&#36;")


def for_csv(value: str | float) -> str | float:
    """Return a cell for the csv module, which itself takes care of quotes, commas and line ends.

    Stops formulas: a text that a spreadsheet would run (it begins with = + - @ or a full-width one of them)
    is marked as text by an apostrophe, also behind a semicolon, where some countries' spreadsheets end a
    cell. A number is a number and stays one.
    """
    if not isinstance(value, str):
        return value
    shown = _FORMULA_INSIDE.sub(r"\1'", visible(value))
    return f"'{shown}" if _FORMULA.match(value) or _FORMULA.match(shown) else shown


def for_xml(text: str) -> str:
    """Return the text for an XML writer, which escapes `<`, `&` and quotes itself.

    Stops characters that XML 1.0 has no way to hold (NUL, other controls, lone surrogates, U+FFFE), which
    would make the whole file unreadable, and a terminal's escape sequences in a build log.
    """
    return visible(text)


def for_json(text: str) -> str:
    """Return the text for a file of data, before it becomes JSON: whole, as it was given.

    Only lone surrogates are written out, which UTF-8 has no bytes for and which would stop the whole file.
    """
    return _SURROGATE.sub(lambda found: _written(found[0]), text)


def for_sarif(text: str) -> str:
    """Return the text for a plain-text message of SARIF, before it becomes JSON.

    Stops embedded links, `[text](target)`, and placeholders, `{0}`, which viewers fill in. Not by the
    standard's backslashes and doubled braces: viewers that do not know them would show them.
    """
    return _LINK.sub(rf"\1{_WORD_JOINER}", visible(text))


def for_typst(text: str) -> str:
    """Return the text for the PDF's template, which gets it as a JSON string and never as markup.

    Nothing in it is evaluated, whatever it says (`#read("…")`, `$x$`). Characters the page's font has no
    glyph for are written out, since a missing glyph would stop the document.
    """
    return printable(visible(text))


def for_file_name(text: str) -> str:
    """Return the text as the name of a download: letters, digits, hyphens, dots and underscores.

    Stops folders (`../`), hidden files, options (`-rf`), reversed endings and headers that a line end forges.
    """
    stem, _, ending = text.rpartition(".")
    if not stem or not _FILE_ENDING.fullmatch(ending):
        stem, ending = text, ""
    plain = _NO_FILE_NAME.sub("_", unicodedata.normalize("NFC", stem)).strip("._-")
    plain = plain[: LONGEST_FILE_NAME - len(ending) - 1] or "download"
    return f"{plain}.{ending}" if ending else plain


def _indented(text: str) -> str:
    """The text with its leading spaces kept: four of them would be a block of code."""
    start = len(text) - len(text.lstrip(" "))
    return "\u00a0" * start + text[start:]


def _is_hidden(character: str, category: str) -> bool:
    if category in _HIDDEN or character in _BLANK:
        return True
    if category == "Zs":
        return character not in _PLAIN_SPACES
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _written(character: str) -> str:
    return f"[U+{ord(character):04X}]"

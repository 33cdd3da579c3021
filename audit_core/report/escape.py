"""Names from data and contracts made safe for each place they are printed in: one function per sink."""

from __future__ import annotations

import html as _html
import re
import unicodedata

from rich.markup import escape as _rich_escape

_MARKDOWN = re.compile(r"([!-/:-@\[-^`{-~]|(?<![^\W_])_|_(?![^\W_]))")  # inside a word _ is plain text
_AFTER_PARSING = re.compile(r"(:(?=[\w+\-/])|@|www(?=\.))", re.IGNORECASE)
_WORD_JOINER = "\u2060"
_PLAIN_SPACES = " \u00a0\u202f\u2009"
_BLANK_LETTERS = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"


def visible(text: str) -> str:
    """Return the text with every character that hides, breaks lines or turns the direction written out.

    Control, format (zero-width, bidirectional) and unassigned characters and lone surrogates become
    `[U+200B]`, so that two names which look alike can be told apart and a name can't rewrite its line.
    """
    return "".join(_shown(character) for character in text)


def clip(text: str, length: int) -> str:
    """Return at most `length` characters, an ellipsis for what is left out."""
    return text if len(text) <= length else text[: max(0, length - 1)].rstrip() + "…"


def for_terminal(text: str) -> str:
    """Return the text for rich: hidden characters written out, markup brackets taken literally."""
    return _rich_escape(visible(text))


def for_markdown(text: str) -> str:
    """Return the text for Streamlit's Markdown: colours, icons, maths, links and HTML stay text.

    Icons, emoji codes and bare addresses are replaced after parsing, when a backslash is gone; an invisible
    word joiner keeps those from being recognised.
    """
    joined = _AFTER_PARSING.sub(rf"\1{_WORD_JOINER}", visible(text))
    escaped = _MARKDOWN.sub(r"\\\1", joined)
    start = len(escaped) - len(escaped.lstrip(" "))
    return "\u00a0" * start + escaped[start:]


def for_html(text: str) -> str:
    """Return the text for HTML, both between tags and inside quoted attributes."""
    return _html.escape(visible(text), quote=True)


def _shown(character: str) -> str:
    category = unicodedata.category(character)
    hidden = category in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    odd_space = category == "Zs" and character not in _PLAIN_SPACES
    if hidden or odd_space or character in _BLANK_LETTERS:
        return f"[U+{ord(character):04X}]"
    return character

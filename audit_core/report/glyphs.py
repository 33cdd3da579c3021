"""Which characters the page's font can print, read from the font itself."""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path

FONTS = Path(__file__).with_name("fonts")
_FACES = ("Lato-Regular.ttf", "Lato-Bold.ttf")


def printable(text: str) -> str:
    """Return the text with every character the fonts lack written out, as in `[U+5C71]`."""
    known = _characters()
    return "".join(c if ord(c) in known else f"[U+{ord(c):04X}]" for c in text)


@cache
def _characters() -> frozenset[int]:
    """Code points that every face has a glyph for."""
    faces = [_mapped((FONTS / face).read_bytes()) for face in _FACES]
    return frozenset.intersection(*faces)


def _mapped(font: bytes) -> frozenset[int]:
    """Code points of a TrueType font's Unicode `cmap` (format 4, the basic plane)."""
    tables = struct.unpack_from(">H", font, 4)[0]
    for place in range(tables):
        tag, _, offset, _ = struct.unpack_from(">4sIII", font, 12 + 16 * place)
        if tag == b"cmap":
            return _cmap(font, offset)
    return frozenset()


def _cmap(font: bytes, start: int) -> frozenset[int]:
    found: set[int] = set()
    count = struct.unpack_from(">H", font, start + 2)[0]
    for place in range(count):
        platform, encoding, offset = struct.unpack_from(">HHI", font, start + 4 + 8 * place)
        table = start + offset
        unicode = platform == 0 or (platform, encoding) == (3, 1)
        if unicode and struct.unpack_from(">H", font, table)[0] == 4:
            found |= _segments(font, table)
    return frozenset(found)


def _segments(font: bytes, table: int) -> set[int]:
    """Code points of a format 4 table whose glyph is not the missing one."""
    double = struct.unpack_from(">H", font, table + 6)[0]
    ends, starts = table + 14, table + 16 + double
    found: set[int] = set()
    for at in range(0, double, 2):
        last, first = (struct.unpack_from(">H", font, base + at)[0] for base in (ends, starts))
        delta = struct.unpack_from(">H", font, starts + double + at)[0]
        jump_at = starts + 2 * double + at
        jump = struct.unpack_from(">H", font, jump_at)[0]
        for code in range(first, min(last, 0xFFFE) + 1):
            glyph = struct.unpack_from(">H", font, jump_at + jump + 2 * (code - first))[0] if jump else code
            if (glyph and jump) or (not jump and (code + delta) & 0xFFFF):
                found.add(code)
    return found

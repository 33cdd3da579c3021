"""Counts the rows and cells of a text table chunk by chunk, and names the line where something is wrong."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from audit_core.errors import SourceError
from audit_core.sources.files import MAX_ROWS, SAVE_AGAIN

SEPARATORS = ",;\t|"
MAX_CELL_BYTES = 1 << 20
"""Longest cell, its quotes included."""
MAX_ROW_BYTES = 2_000_000
"""Longest row; DuckDB reads up to 2,097,152 bytes."""
QUOTE, LF, CR, SPACE, ANY = b'"'[0], b"\n"[0], b"\r"[0], b" "[0], b"x"[0]

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Dialect:
    """What separates cells, and how many of them the header has."""

    separator: str
    cells: int

    @cached_property
    def quoted(self) -> re.Pattern[bytes]:
        """A quoted cell from its first quote on; group 1 is its inside."""
        mark = re.escape(self.separator.encode())
        return re.compile(rb'"((?:[^"]++|"")*+)"(?= *+(?:[\r\n%s]|\Z))' % mark)

    def opens(self, text: bytes, place: int) -> bool:
        """Whether a quote here is the first byte of a cell, after spaces at most."""
        while place and text[place - 1] == SPACE:
            place -= 1
        return place == 0 or text[place - 1] in (LF, CR, self.separator.encode()[0])


class RowCounter:
    """Takes a file in chunks; keeps at most one unfinished row of it."""

    def __init__(self, dialect: Dialect, name: str) -> None:
        self._dialect = dialect
        self._name = name
        self._decode = codecs.getincrementaldecoder("utf-8")("strict")
        self._rest = b""
        self._line = 1  # of the first byte of the rest
        self._rows = 0
        self._crlf: bool | None = None

    def add(self, chunk: bytes) -> None:
        """Count the rows that end in this chunk.

        Raises
        ------
        SourceError
            A line is wrong; the sentence says which and how, and quotes nothing.
        """
        self._check_text(chunk, final=False)
        self._count(self._rest + chunk, final=False)

    def close(self) -> int:
        """Return the number of rows, the header's included; errors as in `add`."""
        self._check_text(b"", final=True)
        if self._rest:
            ended = self._rest.endswith(b"\n")
            self._count(self._rest if ended else self._rest + (b"\r\n" if self._crlf else b"\n"), final=True)
        return self._rows

    def _check_text(self, chunk: bytes, *, final: bool) -> None:
        if b"\x00" in chunk:
            self._refuse(
                "There is a NUL character in the text", self._line + self._lines_before(chunk, b"\x00")
            )
        if chunk.isascii() and not self._decode.getstate()[0] and not final:
            return
        try:
            self._decode.decode(chunk, final)
        except UnicodeDecodeError as error:
            line = self._line + self._rest.count(b"\n") + chunk.count(b"\n", 0, error.start)
            raise self._error(encoding_problem(chunk), line) from None

    def _lines_before(self, chunk: bytes, mark: bytes) -> int:
        return self._rest.count(b"\n") + chunk.count(b"\n", 0, chunk.index(mark))

    def _count(self, text: bytes, *, final: bool) -> None:
        """Count the finished rows of a text that starts with a row, and keep what follows them."""
        cells: Bytes = np.frombuffer(text, np.uint8)
        plain, end = self._unquoted(text, cells, final=final)
        if len(text) - end > MAX_ROW_BYTES:
            self._refuse(self._too_long(plain[end:]), self._line + text.count(b"\n", 0, end))
        if end:
            self._count_rows(text, plain[:end])
        self._rest = text[end:]
        self._line += text.count(b"\n", 0, end)

    def _too_long(self, row: Bytes) -> str:
        """What is wrong with a row that did not end in time."""
        if np.any(row == QUOTE):
            return "A quoted cell is longer than 1 MB, or never closed"
        return (
            "A cell is longer than 1 MB"
            if self._longest(row) > MAX_CELL_BYTES
            else "A row is longer than 2 MB"
        )

    def _longest(self, row: Bytes) -> int:
        marks = np.flatnonzero(row == self._mark)
        return int(np.diff(np.concatenate(([-1], marks, [len(row)]))).max()) - 1

    def _unquoted(self, text: bytes, cells: Bytes, *, final: bool) -> tuple[Bytes, int]:
        """The bytes with the inside of quoted cells crossed out, and where the last finished row ends."""
        quotes: Places = np.flatnonzero(cells == QUOTE)
        if len(quotes) == 0:
            return cells, text.rfind(b"\n") + 1
        inside = np.bitwise_xor.accumulate((cells == QUOTE).view(np.uint8)).view(np.bool_)
        plain = np.where(inside, ANY, cells)
        ends = np.flatnonzero(plain == LF)
        end = int(ends[-1]) + 1 if len(ends) else 0
        unfinished = final and end < len(text)
        if self._in_place(cells, quotes[quotes < end]) and (end or b"\n" not in text) and not unfinished:
            return plain, end
        return self._unquoted_one_by_one(text, cells, final=final)

    def _in_place(self, cells: Bytes, quotes: Places) -> bool:
        """Whether every odd quote opens a cell and every even one closes it, or is one of a doubled pair."""
        if len(quotes) % 2:
            return False
        mark = self._dialect.separator.encode()[0]
        before, after = cells[np.maximum(quotes[::2] - 1, 0)], cells[quotes[1::2] + 1]
        opens = (before == mark) | (before == LF) | (before == QUOTE) | (quotes[::2] == 0)
        closes = (after == mark) | (after == LF) | (after == CR) | (after == QUOTE)
        # A quote right after a closing one is the second of a doubled pair: first and last quotes alternate.
        return bool(np.all(opens) and np.all(closes))

    def _unquoted_one_by_one(self, text: bytes, cells: Bytes, *, final: bool) -> tuple[Bytes, int]:
        """The same cell by cell, for quotes inside unquoted cells and spaces around quoted ones."""
        plain = cells.copy()
        stop = len(text)
        place = text.find(b'"')
        while place >= 0:
            after = place + 1
            if self._dialect.opens(text, place):
                match = self._dialect.quoted.match(text, place)
                if match is None:  # it goes on in the next chunk, or never ends as it should
                    stop = place
                    break
                plain[slice(*match.span(1))] = ANY
                after = match.end()
            place = text.find(b'"', after)
        ends = np.flatnonzero(plain[:stop] == LF)
        end = int(ends[-1]) + 1 if len(ends) else 0
        closing = re.search(rb'(?<!")(?:"")*"(?!")', text[stop + 1 :]) if stop < len(text) else None
        if stop < len(text) and (final or (closing and stop + 1 + closing.end() < len(text))):
            line = self._line + text.count(b"\n", 0, stop)
            self._refuse("A quoted cell is never closed, or goes on after its closing quote", line)
        return plain, end

    def _count_rows(self, text: bytes, plain: Bytes) -> None:
        """Count whole rows, each ended by a line feed."""
        ends: Places = np.flatnonzero(plain == LF)
        self._check_ends(text, plain, ends)
        starts = np.concatenate(([0], ends[:-1] + 1))
        self._check_lengths(text, plain, starts, ends)
        filled = ends - starts > (1 if self._crlf else 0)
        if self._dialect.cells > 1:
            self._check_cells(text, plain, ends, filled)
        else:
            filled = np.ones(len(ends), np.bool_)  # an empty line is an empty cell of an only column
            if np.any(plain == self._mark):
                self._refuse_ragged(text, int(np.flatnonzero(plain == self._mark)[0]))
        self._rows += int(filled.sum())
        if self._rows > MAX_ROWS:
            self._refuse(f"The table has over {MAX_ROWS:,} rows", self._line)

    @property
    def _mark(self) -> int:
        return self._dialect.separator.encode()[0]

    def _check_ends(self, text: bytes, plain: Bytes, ends: Places) -> None:
        returned = plain[np.maximum(ends - 1, 0)] == CR
        if self._crlf is None:
            self._crlf = bool(returned[0])
        unlike = np.flatnonzero(returned != self._crlf)
        if len(unlike):
            self._refuse("The lines do not all end alike", self._line_at(text, int(ends[unlike[0]])))
        returns: Places = np.flatnonzero(plain == CR)
        if len(returns) != (len(ends) if self._crlf else 0):
            bare = returns[plain[np.minimum(returns + 1, len(plain) - 1)] != LF]
            at = int(bare[0]) if len(bare) else int(returns[0])
            self._refuse("There is a bare carriage return in a line", self._line_at(text, at))

    def _check_lengths(self, text: bytes, plain: Bytes, starts: Places, ends: Places) -> None:
        """Refuse a long row, and a long cell in a row that is long enough to have one."""
        lengths = ends - starts
        for row in np.flatnonzero(lengths > MAX_CELL_BYTES):
            line = self._line_at(text, int(starts[row]))
            if self._longest(plain[starts[row] : ends[row]]) > MAX_CELL_BYTES:
                self._refuse("A cell is longer than 1 MB", line)
            if lengths[row] > MAX_ROW_BYTES:
                self._refuse("A row is longer than 2 MB", line)

    def _check_cells(self, text: bytes, plain: Bytes, ends: Places, filled: npt.NDArray[Any]) -> None:
        """Refuse a row with more or fewer cells than the header; an empty line is none."""
        marks: Places = np.flatnonzero(plain == self._mark)
        before = np.searchsorted(marks, ends)
        found = np.diff(before, prepend=0)
        ragged = np.flatnonzero(filled & (found != self._dialect.cells - 1))
        if len(ragged):
            self._refuse_ragged(text, int(ends[ragged[0]]) - 1)

    def _refuse_ragged(self, text: bytes, at: int) -> None:
        self._refuse("A row does not have as many cells as the header", self._line_at(text, at))

    def _line_at(self, text: bytes, place: int) -> int:
        return self._line + text.count(b"\n", 0, place)

    def _refuse(self, problem: str, line: int) -> None:
        raise self._error(problem, line)

    def _error(self, problem: str, line: int) -> SourceError:
        return SourceError(f"{problem} (line {line:,})", where=self._name, remedy=SAVE_AGAIN)


def encoding_problem(text: bytes) -> str:
    """Return what is wrong with bytes that are no UTF-8, and what they look like."""
    try:
        text.decode("cp1252")
    except UnicodeDecodeError:
        return "The file is not UTF-8 text"
    return "The file is not UTF-8 text; it looks like Latin-1 (Windows-1252)"

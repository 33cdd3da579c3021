"""The members of a model's ZIP archive, and the NumPy arrays among them, read within bounds.

Archives can be built so that two readers see two different ones: names that occur twice, data between the
members, directories that overlap, sizes that disagree. So only the plainest layout is let through, the one
that Python's `zipfile` writes in a single pass: members back to back from the first byte, their directory
right behind them, and nothing before, between or after.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from math import prod
from typing import Final

from audit_core.sources.model_bytes import GROWTH_FREE, MAX_UNPACKED, MOST_GROWTH
from audit_core.sources.model_reader import StreamError

MOST_MEMBERS: Final = 60_000
MOST_DIMENSIONS: Final = 32
MOST_ITEMS: Final = 2**31
LONGEST_HEADER: Final = 10_000
"""Also NumPy's own limit for the header of an array from an unknown source."""

_END: Final = struct.Struct("<4s4H2LH")
_ENTRY: Final = struct.Struct("<4s2xBx2H4x3L4H6xL")
_LOCAL: Final = struct.Struct("<4sBx2H4x3L2H")
_LONG: Final = struct.Struct("<2H2Q")
_STORED, _DEFLATED = 0, 8
_BEYOND: Final = 0xFFFFFFFF

_CODE: Final = r"'[<>|]([biufcSUVmM])(\d{1,9})(?:\[\d{0,6}[a-zA-Z]{1,7}\])?'"
_FIELD: Final = rf"\('\w*', {_CODE}\)"
_HEADER: Final = re.compile(
    rf"{{'descr': (?P<type>{_CODE}|\[{_FIELD}(?:, {_FIELD})*+\]), 'fortran_order': (?:True|False), "
    r"'shape': \((?P<shape>(?:\d{1,15},(?: ?\d{1,15},?)*+)?)\), \} *\n",
    re.ASCII,
)
_SIZES: Final = {
    "b": (1,), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8, 16), "c": (8, 16, 32), "M": (8,),
    "m": (8,),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Entry:
    """What the directory says of one member."""

    name: str
    method: int
    crc: int
    packed: int
    size: int
    offset: int


def members_of(raw: bytes, names: re.Pattern[str]) -> dict[str, bytes]:
    """The content of every member, by name; each name must match the pattern.

    Raises
    ------
    StreamError
        The archive is damaged, laid out unusually, beyond a bound, or holds a member of another name.
    """
    entries, start = _directory(raw)
    bound = min(MAX_UNPACKED, max(GROWTH_FREE, MOST_GROWTH * len(raw)))
    if sum(entry.size for entry in entries) > bound:
        raise StreamError(f"its archive unpacks to more than {bound // 2**20} MiB")
    found: dict[str, bytes] = {}
    at = 0
    for entry in entries:
        if names.fullmatch(entry.name) is None:
            raise StreamError(f"its archive holds {entry.name[:80]!r}, which no current saver writes")
        if entry.name in found:
            raise StreamError(f"its archive holds {entry.name} twice")
        found[entry.name], at = _member(raw, entry, at)
    if at != start:
        raise StreamError("its archive holds data that belong to no member")
    return found


def _directory(raw: bytes) -> tuple[list[_Entry], int]:
    """The entries of the directory, and where it starts."""
    if len(raw) < _END.size:
        raise StreamError("its archive is cut short")
    mark, disk, first, here, count, length, start, comment = _END.unpack_from(raw, len(raw) - _END.size)
    whole = mark == b"PK\x05\x06" and not (disk or first or comment) and here == count
    # Python's reader looks here for the mark of an archive with a longer directory, elsewhere.
    longer = raw[-_END.size - 20 :].startswith(b"PK\x06\x07")
    if not whole or longer or start + length + _END.size != len(raw):
        raise StreamError("its archive is cut short, damaged, or followed by other data")
    if count > MOST_MEMBERS:
        raise StreamError(f"its archive holds more than {MOST_MEMBERS:,} members")
    entries: list[_Entry] = []
    at, end = start, start + length
    for _ in range(count):
        entry, at = _entry(raw, at, end)
        entries.append(entry)
    if at != end:
        raise StreamError("the directory of its archive is damaged")
    return entries, start


def _entry(raw: bytes, at: int, end: int) -> tuple[_Entry, int]:
    """One entry of the directory, and where the next one starts."""
    if at + _ENTRY.size > end:
        raise StreamError("the directory of its archive is cut short")
    mark, version, flags, method, crc, packed, size, name, *unused, offset = _ENTRY.unpack_from(raw, at)
    plain = mark == b"PK\x01\x02" and version <= 45 and not flags and not any(unused)
    if not plain or method not in (_STORED, _DEFLATED) or _BEYOND in (packed, size, offset):
        raise StreamError("its archive is encrypted, damaged, or packed in an unusual way")
    at += _ENTRY.size
    if at + name > end:
        raise StreamError("the directory of its archive is cut short")
    text = raw[at : at + name].decode("latin-1")
    return _Entry(text, method, crc, packed, size, offset), at + name


def _member(raw: bytes, entry: _Entry, at: int) -> tuple[bytes, int]:
    """The content of the member that must start here, and where it ends."""
    if entry.offset != at or at + _LOCAL.size > len(raw):
        raise StreamError("the members of its archive overlap, or leave gaps")
    mark, version, flags, method, crc, packed, size, name, more = _LOCAL.unpack_from(raw, at)
    at += _LOCAL.size
    same = raw[at : at + name] == entry.name.encode("latin-1") and (method, crc) == (entry.method, entry.crc)
    at += name
    if more == _LONG.size and (packed, size) == (_BEYOND, _BEYOND) and at + more <= len(raw):
        # NumPy announces every member of an .npz as one that may become very long.
        tag, length, size, packed = _LONG.unpack_from(raw, at)
        same, at, more = same and (tag, length) == (1, 16), at + more, 0
    if mark != b"PK\x03\x04" or version > 45 or flags or more or not same:
        raise StreamError("its archive says two different things of one member")
    if (packed, size) != (entry.packed, entry.size) or at + packed > len(raw):
        raise StreamError("its archive gives one member two different sizes")
    content = raw[at : at + packed]
    if method == _DEFLATED:
        content = _inflated(content, size)
    if len(content) != size or zlib.crc32(content) != crc:
        raise StreamError("a member of its archive is damaged")
    return content, at + packed


def _inflated(packed: bytes, size: int) -> bytes:
    """What a deflated member holds, which must be exactly as long as stated."""
    stream = zlib.decompressobj(-15)
    try:
        content = stream.decompress(packed, size + 1)
    except zlib.error as error:
        raise StreamError("a member of its archive is damaged") from error
    if len(content) != size or not stream.eof or stream.unused_data:
        raise StreamError("a member of its archive does not have the size it states")
    return content


@dataclass(frozen=True, slots=True)
class Npy:
    """An array as NumPy writes it to a file: its shape, and where its items start."""

    shape: tuple[int, ...]
    start: int


def read_npy(raw: bytes) -> Npy:
    """The array of an .npy member: numbers, texts or plain records, never objects.

    Raises
    ------
    StreamError
        It is no such array, or does not hold as many bytes as it says.
    """
    start = 10 if raw[6:8] == b"\x01\x00" else 12
    if raw[:6] != b"\x93NUMPY" or raw[6:8] not in (b"\x01\x00", b"\x02\x00") or len(raw) < start:
        raise StreamError("one of its arrays is not one that NumPy wrote")
    length = int.from_bytes(raw[8:start], "little")
    begin = start + length
    if length > LONGEST_HEADER or begin > len(raw):
        raise StreamError("one of its arrays is cut short")
    header = _HEADER.fullmatch(raw[start:begin].decode("latin-1"))
    if header is None:
        raise StreamError("one of its arrays holds objects, or has no plain type")
    itemsize = sum(_itemsize(kind, int(size)) for kind, size in re.findall(_CODE, header["type"]))
    shape = tuple(int(number) for number in header["shape"].split(",") if number.strip())
    count = prod(shape)
    if len(shape) > MOST_DIMENSIONS or max(shape, default=0) > MOST_ITEMS or count > MOST_ITEMS:
        raise StreamError("one of its arrays has an absurd shape")
    if len(raw) - begin != count * itemsize:
        raise StreamError("one of its arrays does not have as many bytes as it says")
    return Npy(shape=shape, start=begin)


def _itemsize(kind: str, size: int) -> int:
    """Bytes of one item of a basic type."""
    if size not in _SIZES.get(kind, (size,)):
        raise StreamError("one of its arrays has no plain type")
    return size * 4 if kind == "U" else size


_SPARSE: Final = re.compile(r"(?:format|shape|data|indices|indptr|_is_array)\.npy")


def check_npz(raw: bytes) -> None:
    """Check that an .npz member is a compressed sparse matrix as SciPy saves it.

    Raises
    ------
    StreamError
        It is anything else.
    """
    members = members_of(raw, _SPARSE)
    arrays = {name: read_npy(content) for name, content in members.items()}
    layout = arrays.get("format.npy")
    if layout is None or layout.shape or members["format.npy"][layout.start :] not in (b"csr", b"csc"):
        raise StreamError("one of its sparse matrices is of an unusual kind")

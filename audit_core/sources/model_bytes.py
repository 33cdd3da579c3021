"""The bytes inside a compressed model file, unpacked by our own code and never beyond a bound.

The first bytes decide the compression, never the file's name; nothing falls back to another reader. A
stream that is damaged, cut short, followed by more data or packed twice is refused, because two readers
could take such a file for two different ones.
"""

from __future__ import annotations

import bz2
import importlib.util
import lzma
import zlib
from collections.abc import Callable
from typing import Any, Final

from audit_core.errors import ModelError
from audit_core.sources.model import ModelFile, read_identified

MAX_UNPACKED: Final = 2**30
MOST_GROWTH: Final = 100
"""Fitted models shrink 3 to 12 times; only bombs and arrays of nothing but zeros shrink more than this."""
GROWTH_FREE: Final = 64 * 2**20
"""Below this size growth is of no concern."""

_CHUNK: Final = 2**20
_LZMA_MEMORY: Final = 256 * 2**20
_AGAIN: Final = (
    "Save the model again with joblib.dump(model, file, compress=3), or upload predictions instead"
)

# A decompressor of the standard library: `decompress(data, max_length)`, `eof`, `unused_data`.
_Maker = Callable[[], Any]


def _zlib(wbits: int) -> _Maker:
    return lambda: _Zlib(wbits)


class _Zlib:
    """zlib with the interface of the other decompressors."""

    def __init__(self, wbits: int) -> None:
        self._inner = zlib.decompressobj(wbits)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data


_PACKED: Final[tuple[tuple[bytes, _Maker], ...]] = (
    (b"\x1f\x8b", _zlib(31)),
    (b"x", _zlib(15)),
    (b"BZh", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\x00", lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_LZMA_MEMORY)),
    (b"\x5d\x00\x00", lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_LZMA_MEMORY)),
)
_LZ4: Final = b"\x04\x22\x4d\x18"


def unpacked(raw: bytes, name: str) -> bytes:
    """The pickle stream inside a joblib file: the bytes themselves, or what their compression holds.

    Raises
    ------
    ModelError
        The stream is damaged, cut short, longer than it may be, or followed by other data.
    """
    maker = _maker(raw, name)
    if maker is None:
        return raw
    bound = min(MAX_UNPACKED, max(GROWTH_FREE, MOST_GROWTH * len(raw)))
    try:
        inner = _read_all(maker(), raw, bound, name)
    except (zlib.error, lzma.LZMAError, OSError, RuntimeError, ValueError, MemoryError) as error:
        raise ModelError(
            "The compressed model file is damaged", where=name, remedy=f"Copy the file again. {_AGAIN}"
        ) from error
    if _maker(inner, name) is not None:
        raise ModelError("The model file is compressed twice", where=name, remedy=_AGAIN)
    return inner


def model_payload(model: ModelFile) -> bytes:
    """What the inspection and the scoring process both read: the identified bytes, unpacked if joblib's.

    Raises
    ------
    ModelError
        The file changed since it was identified, or its compression is damaged.
    """
    raw = read_identified(model)
    return unpacked(raw, model.name) if model.format == "joblib" else raw


def _maker(raw: bytes, name: str) -> _Maker | None:
    if raw.startswith(_LZ4):
        if importlib.util.find_spec("lz4") is None:
            problem = "The model file is compressed with lz4, which is not installed here"
            raise ModelError(problem, where=name, remedy=_AGAIN)
        from lz4.frame import LZ4FrameDecompressor

        return LZ4FrameDecompressor  # type: ignore[no-any-return]
    return next((maker for magic, maker in _PACKED if raw.startswith(magic)), None)


def _read_all(stream: Any, raw: bytes, bound: int, name: str) -> bytes:
    """Everything one stream holds, piece by piece, stopped as soon as it is more than it may be."""
    pieces: list[bytes] = []
    size, at = 0, 0
    while not stream.eof:
        given = raw[at : at + _CHUNK] if stream.needs_input else b""
        at += len(given)
        piece = stream.decompress(given, _CHUNK)
        size += len(piece)
        pieces.append(piece)
        if size > bound:
            problem = f"The compressed model file unpacks to more than {bound // 2**20} MiB"
            raise ModelError(problem, where=name, remedy=_AGAIN)
        if not given and not piece and stream.needs_input and not stream.eof:
            raise ModelError("The compressed model file is cut short", where=name, remedy=_AGAIN)
    if stream.unused_data or at < len(raw):
        raise ModelError("Other data follow the compressed model in the file", where=name, remedy=_AGAIN)
    return b"".join(pieces)

"""The instructions of a pickle stream that make plain values, read within bounds.

The reader is the pure-Python one that joblib builds on, so both see the same bytes in the same order. Only
the instructions that current savers write are known here; any other ends the reading, because two readers
could disagree about it. Nothing is hashed: a dict is a list of pairs, a set a list.
"""

from __future__ import annotations

import io
import pickle
import struct
from collections.abc import Callable
from typing import Any, ClassVar, Final, Self

from audit_core.sources.model_symbols import Bag, Items, Pairs

MOST_WORK: Final = 8_000_000
"""Instructions, and values looked at; the words of a text model with a million of them take five million."""
MADE_COSTS: Final = 20
"""How many instructions an object counts for: it takes memory here, and a constructor's time later."""
LONGEST_TEXT: Final = 16 * 2**20
DEEPEST: Final = 1
"""Streams inside streams: an array of objects holds one, and NumPy writes no array of its own in there."""

_DAMAGE: Final = (
    EOFError,
    pickle.UnpicklingError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    struct.error,
    TypeError,
    ValueError,
)


class StreamError(Exception):
    """A stream that is refused while it is read, in words for a person."""


class Budget:
    """Work that is left, shared by a stream and those inside it."""

    __slots__ = ("left",)

    def __init__(self, left: int = MOST_WORK) -> None:
        self.left = left

    def spend(self, work: int) -> None:
        """Take some of it away.

        Raises
        ------
        StreamError
            There is none left.
        """
        self.left -= work
        if self.left < 0:
            raise StreamError("it takes more work to read than any fitted model")


class StreamReader(pickle._Unpickler):
    """Reads one stream of plain values; what uses a name is added by its subclass.

    Parameters
    ----------
    file
        The stream, at its start.
    outer
        The reader of the stream this one lies in.
    """

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = {}
    # Attributes of the standard library's reader, which its stubs leave out.
    memo: dict[int, Any]
    _file_read: Callable[[int], bytes]
    _file_readline: Callable[[], bytes]
    stack: list[Any]
    append: Callable[[object], None]
    pop_mark: Callable[[], list[Any]]
    read: Callable[[int], bytes]
    readline: Callable[[], bytes]

    def __init__(self, file: io.BytesIO, outer: Self | None = None) -> None:
        super().__init__(file)
        self.file = file
        self.outer = outer
        self.depth: int = outer.depth + 1 if outer else 0
        self.budget: Budget = outer.budget if outer else Budget()
        self.end: int = outer.end if outer else _length(file)
        self.proto = -1

    def load(self) -> Any:
        """The symbol of the root object.

        Raises
        ------
        StreamError
            The stream holds what no current saver writes, is cut short, damaged, or beyond a bound.
        """
        if self.depth > DEEPEST:
            raise StreamError("it nests one stream in another too often")
        try:
            return self._run()
        except _DAMAGE as error:
            raise StreamError("it is cut short or damaged") from error

    def place(self, items: list[Any]) -> None:
        """Values become part of something; a subclass looks at the names among them."""

    def reuse(self, value: object) -> None:
        """A value is used once more; a subclass may forbid it."""

    def _run(self) -> object:
        self._unframer = pickle._Unframer(self._file_read, self._file_readline)  # type: ignore[attr-defined]
        self.read, self.readinto = self._unframer.read, self._unframer.readinto
        self.readline = self._unframer.readline
        self.metastack: list[list[Any]] = []
        self.stack: list[Any] = []
        self.append = self.stack.append
        while True:
            key = self.read(1)
            if not key:
                raise EOFError
            self.budget.spend(1)
            step = self.dispatch.get(key[0])
            if step is None:
                raise StreamError(f"it holds the instruction {_named(key)}, which no current saver writes")
            if self.proto < 0 and key != pickle.PROTO:
                raise StreamError("it does not say which version of the format it has")
            if key == pickle.STOP:
                return self._stop()
            step(self)

    def _stop(self) -> object:
        if self.metastack or len(self.stack) != 1:
            raise StreamError("it leaves objects behind that belong to nothing")
        self.place(self.stack)
        if self._unframer.current_frame is not None and self._unframer.current_frame.read(1):
            raise StreamError("it goes on after its end")
        return self.stack.pop()

    # Instructions that make values.

    def _proto(self) -> None:
        version = self.read(1)[0]
        if self.proto >= 0 or not 2 <= version <= 5:
            raise StreamError("it changes its version, or has one that is not read")
        self.proto = version

    def _frame(self) -> None:
        size = int.from_bytes(self.read(8), "little")
        if size > self.end - self.file.tell():
            raise StreamError("it announces more than the file holds")
        self._unframer.load_frame(size)

    def _sized(self, width: int, make: Callable[[bytes], object]) -> None:
        size = int.from_bytes(self.read(width), "little")
        if size > self.end:
            raise StreamError("it announces more than the file holds")
        data = self.read(size)
        if len(data) != size:
            raise EOFError
        self.append(make(data))

    def _put(self, index: int) -> None:
        if index != len(self.memo):
            raise StreamError("it numbers its objects out of order")
        self.memo[index] = self.stack[-1]

    def _get(self, index: int) -> None:
        value = self.memo[index]
        self.reuse(value)
        self.append(value)

    def _list(self) -> None:
        self.append(Items())

    def _dictionary(self) -> None:
        self.append(Pairs())

    def _bag(self) -> None:
        self.append(Bag())

    def _frozen(self) -> None:
        items = self.pop_mark()
        self.place(items)
        self.append(Bag(items))


def _length(file: io.BytesIO) -> int:
    """Size of the whole file, which stays where it is; asking for its buffer would copy it."""
    here = file.tell()
    end = file.seek(0, io.SEEK_END)
    file.seek(here)
    return end


def _named(key: bytes) -> str:
    """Name of an instruction."""
    found = [name for name in pickle.__all__ if name.isupper() and getattr(pickle, name) == key]
    return found[0] if found else f"0x{key[0]:02x}"


def _integer(width: int) -> Callable[[StreamReader], int]:
    return lambda stream: int.from_bytes(stream.read(width), "little")


def _text(data: bytes) -> str:
    if len(data) > LONGEST_TEXT:
        raise StreamError(f"it holds a text longer than {LONGEST_TEXT // 2**20} MiB")
    return str(data, "utf-8")


_BASE: Final = pickle._Unpickler.dispatch
for _code in (
    pickle.STOP, pickle.MARK, pickle.NONE, pickle.NEWTRUE, pickle.NEWFALSE, pickle.BININT, pickle.BININT1,
    pickle.BININT2, pickle.LONG1, pickle.BINFLOAT, pickle.EMPTY_TUPLE, pickle.TUPLE, pickle.TUPLE1,
    pickle.TUPLE2, pickle.TUPLE3,
):  # fmt: skip
    StreamReader.dispatch[_code[0]] = _BASE[_code[0]]
_OURS: Final[dict[bytes, Callable[[StreamReader], None]]] = {
    pickle.PROTO: StreamReader._proto,
    pickle.FRAME: StreamReader._frame,
    pickle.SHORT_BINUNICODE: lambda s: s._sized(1, _text),
    pickle.BINUNICODE: lambda s: s._sized(4, _text),
    pickle.BINUNICODE8: lambda s: s._sized(8, _text),
    pickle.SHORT_BINBYTES: lambda s: s._sized(1, bytes),
    pickle.BINBYTES: lambda s: s._sized(4, bytes),
    pickle.BINBYTES8: lambda s: s._sized(8, bytes),
    pickle.BYTEARRAY8: lambda s: s._sized(8, bytes),
    pickle.LONG4: lambda s: s._sized(4, lambda data: int.from_bytes(data, "little", signed=True)),
    pickle.MEMOIZE: lambda s: s._put(len(s.memo)),
    pickle.BINPUT: lambda s: s._put(_integer(1)(s)),
    pickle.LONG_BINPUT: lambda s: s._put(_integer(4)(s)),
    pickle.BINGET: lambda s: s._get(_integer(1)(s)),
    pickle.LONG_BINGET: lambda s: s._get(_integer(4)(s)),
    pickle.EMPTY_LIST: StreamReader._list,
    pickle.EMPTY_DICT: StreamReader._dictionary,
    pickle.EMPTY_SET: StreamReader._bag,
    pickle.FROZENSET: StreamReader._frozen,
}
for _code, _step in _OURS.items():
    StreamReader.dispatch[_code[0]] = _step

"""A pickle stream read without running it: every object it would make becomes a symbol.

Each instruction that would import, call, build or fill something makes a symbol here and is told to a judge
at that moment. The raw array bytes that joblib writes between instructions are skipped as joblib would read
them.
"""

from __future__ import annotations

import io
import pickle
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Final, Protocol

from audit_core.sources.model_arrays import dtype_of
from audit_core.sources.model_reader import MADE_COSTS, StreamError, StreamReader
from audit_core.sources.model_symbols import Array, Bag, Items, Made, Named, Pairs, freeze

DEEPEST_TUPLE: Final = 8
WRAPPER: Final = "joblib.numpy_pickle:NumpyArrayWrapper"
# As functions these classes read and write files, or make objects of any bytes: they are no values.
ARRAY_CLASSES: Final = frozenset(
    {"numpy:ndarray", "numpy:memmap", "numpy.ma:MaskedArray", "numpy.ma.core:MaskedArray"}
)
ARRAY_MAKERS: Final = frozenset(
    {
        "numpy._core.multiarray:_reconstruct",
        "numpy.core.multiarray:_reconstruct",
        "numpy.ma.core:_mareconstruct",
    }
)


class Judge(Protocol):
    """Who is told of every use of a name, at the moment the stream makes it."""

    def refer(self, named: Named) -> None:
        """A name is asked for."""

    def place(self, named: Named) -> None:
        """A name becomes a value: an argument, an item, a part of a state."""

    def make(self, made: Made) -> None:
        """Something is called, or created without a call."""

    def build(self, made: Made, state: object) -> None:
        """An object is given its state."""

    def fill(self, target: object, items: list[object]) -> None:
        """Items are added to something that is no list, dict or set of the stream itself."""


class SymbolicUnpickler(StreamReader):
    """Reads one stream into symbols."""

    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = dict(StreamReader.dispatch)

    def __init__(self, file: io.BytesIO, judge: Judge, outer: SymbolicUnpickler | None = None) -> None:
        super().__init__(file, outer)
        self.judge = judge

    def place(self, items: Iterable[object], depth: int = 0) -> None:
        """Tell which names become values; lists and dicts told theirs when they were filled."""
        for item in items:
            self.budget.spend(1)
            if isinstance(item, Named):
                self.judge.place(item)
            elif isinstance(item, tuple):
                if depth == DEEPEST_TUPLE:
                    raise StreamError("it nests tuples too deeply")
                self.place(item, depth + 1)

    def reuse(self, value: object) -> None:
        """Refuse a second use of joblib's place for an array: joblib would read other bytes into it."""
        if isinstance(value, Made) and value.label == WRAPPER:
            raise StreamError("it refers to the place of an array instead of the array")

    # Instructions that use a name.

    def _global(self) -> None:
        module, name = (self.readline()[:-1].decode("utf-8") for _ in range(2))
        self._name(module, name)

    def _stack_global(self) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        if type(name) is not str or type(module) is not str:
            raise StreamError("it computes a name instead of writing it")
        self._name(module, name)

    def _name(self, module: str, name: str) -> None:
        root = self
        while root.outer is not None:  # joblib looks names up by the version of the outermost stream
            root = root.outer
        if root.proto < 3:
            module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
        named = Named(module, name)
        if named.label == WRAPPER and self.depth:  # joblib itself would run the bytes after it
            raise StreamError("it hides an array of joblib's in an array of objects")
        self.judge.refer(named)
        self.append(named)

    def _reduce(self) -> None:
        args = self.stack.pop()
        self._make("call", self.stack.pop(), args)

    def _newobj(self) -> None:
        args = self.stack.pop()
        self._make("new", self.stack.pop(), args)

    def _make(self, how: str, maker: object, args: object) -> None:
        if not isinstance(args, tuple):
            raise StreamError("it calls something without a list of arguments")
        taker = maker.label if isinstance(maker, Named) else ""
        self.place([arg for arg in args if not (taker in ARRAY_MAKERS and is_array_class(arg))])
        self.budget.spend(MADE_COSTS)
        freeze(args)
        made = Made(how, maker, args)
        self.judge.make(made)
        self.append(made if (data := written_bytes(made)) is None else data)

    def _build(self) -> None:
        state, made = self.stack.pop(), self.stack[-1]
        if not isinstance(made, Made):
            raise StreamError("it sets the state of something that has none")
        if made.built:
            raise StreamError("it sets the state of an object twice")
        self.place([state])
        self.budget.spend(len(state) if isinstance(state, list | tuple) else 1)
        freeze(state)
        self.judge.build(made, state)
        made.built, made.state = True, state
        if made.label == WRAPPER:
            self.stack[-1] = self._array(state)

    def _array(self, state: object) -> Array:
        """Read or skip the bytes of an array as joblib does, from the file and past the frame."""
        shape, dtype = (
            (state.find("shape"), state.find("dtype")) if isinstance(state, Pairs) else (None, None)
        )
        if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
            raise StreamError("it holds an array without a shape")
        found = dtype_of(dtype)
        if found is None:
            raise StreamError("it holds an array of a type that is not read")
        size, has_objects = found.itemsize, found.has_objects
        if has_objects:
            content = SymbolicUnpickler(self.file, self.judge, self).load()
            return Array(dtype, shape, content)
        assert isinstance(state, Pairs)
        if state.find("numpy_array_alignment_bytes") is not None:
            self.file.seek(int.from_bytes(self.file.read(1), "little"), io.SEEK_CUR)
        for length in shape:
            size *= length
        if size > self.end - self.file.tell() or (size == 0 and 0 not in shape):
            raise StreamError("it announces an array larger than the file")
        self.file.seek(size, io.SEEK_CUR)
        return Array(dtype, shape, None)

    # Instructions that fill containers.

    def _append_one(self) -> None:
        item = self.stack.pop()
        self._extend([item])

    def _append_all(self) -> None:
        self._extend(self.pop_mark())

    def _extend(self, items: list[object]) -> None:
        self.place(items)
        target = self.stack[-1]
        if isinstance(target, Items):
            _require_open(target)
            target.extend(items)
        else:
            self.judge.fill(target, items)

    def _set_one(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._set([key, value])

    def _set_all(self) -> None:
        self._set(self.pop_mark())

    def _set(self, items: list[object]) -> None:
        if len(items) % 2:
            raise EOFError
        target, keys, values = self.stack[-1], items[::2], items[1::2]
        self.place(keys)
        self.place(v for k, v in zip(keys, values, strict=True) if k != "subclass" or not is_array_class(v))
        if not all(_hashable(key) for key in keys):
            raise StreamError("it uses a structure as the key of a dict")
        if isinstance(target, Pairs):
            _require_open(target)
            target.extend(zip(keys, values, strict=True))
        else:
            self.judge.fill(target, items)

    def _add_all(self) -> None:
        items, target = self.pop_mark(), self.stack[-1]
        self.place(items)
        if not isinstance(target, Bag) or not all(_hashable(item) for item in items):
            raise StreamError("it fills a set with structures")
        target.extend(items)


def read_stream(payload: bytes, judge: Judge) -> object:
    """The symbol of the root object of a whole file; every use of a name is told to the judge.

    Raises
    ------
    StreamError
        As SymbolicUnpickler; or data follow the end of the stream.
    """
    file = io.BytesIO(payload)
    root = SymbolicUnpickler(file, judge).load()
    if file.tell() != len(payload):
        raise StreamError("other data follow its end")
    return root


def written_bytes(made: Made) -> bytes | None:
    """The bytes that a call stands for in protocol 2, which has no others; None for any other call.

    They are `encode(text, "latin1")`, and `bytes()` where there are none.
    """
    if made.how != "call":
        return None
    if made.label == "builtins:bytes" and not made.args:
        return b""
    if made.label != "_codecs:encode" or len(made.args) != 2:
        return None
    text, encoding = made.args
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        return None
    return None if any(mark > "\xff" for mark in text) else text.encode("latin-1")


def is_array_class(value: object) -> bool:
    """Whether a symbol is a class of NumPy's arrays, which only the makers of arrays may be given."""
    return isinstance(value, Named) and value.label in ARRAY_CLASSES


def _require_open(target: Items | Pairs) -> None:
    if target.frozen:
        raise StreamError("it changes something after it was used")


def _hashable(key: object) -> bool:
    """Whether a key is of a kind fitted models use; hashing nested tuples can take for ever."""
    if isinstance(key, tuple):
        return len(key) <= 8 and all(not isinstance(part, tuple) and _hashable(part) for part in key)
    return isinstance(key, str | bytes | int | float | Named | None) or (
        isinstance(key, Made) and key.label.endswith(":scalar")
    )


_OURS: Final[dict[bytes, Callable[[SymbolicUnpickler], None]]] = {
    pickle.GLOBAL: SymbolicUnpickler._global,
    pickle.STACK_GLOBAL: SymbolicUnpickler._stack_global,
    pickle.REDUCE: SymbolicUnpickler._reduce,
    pickle.NEWOBJ: SymbolicUnpickler._newobj,
    pickle.BUILD: SymbolicUnpickler._build,
    pickle.APPEND: SymbolicUnpickler._append_one,
    pickle.APPENDS: SymbolicUnpickler._append_all,
    pickle.SETITEM: SymbolicUnpickler._set_one,
    pickle.SETITEMS: SymbolicUnpickler._set_all,
    pickle.ADDITEMS: SymbolicUnpickler._add_all,
}
for _code, _step in _OURS.items():
    SymbolicUnpickler.dispatch[_code[0]] = _step

"""Symbols: what the objects of a model file would be, had anybody made them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Named:
    """A symbol for `module:name`: what the file would import."""

    __slots__ = ("module", "name")

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = name

    @property
    def label(self) -> str:
        """The full name, as `module:name`."""
        return f"{self.module}:{self.name}"

    @property
    def plain(self) -> bool:
        """Whether both parts are ASCII identifiers, the name without a dot."""
        parts = self.module.split(".")
        return _PLAIN.fullmatch(self.name) is not None and all(_PLAIN.fullmatch(part) for part in parts)


class Made:
    """A symbol for an object: `call`ed or created `new` from a maker, then perhaps built from a state."""

    __slots__ = ("args", "built", "how", "maker", "state")

    def __init__(self, how: str, maker: object, args: tuple[object, ...]) -> None:
        self.how = how
        self.maker = maker
        self.args = args
        self.built = False
        self.state: object = None

    @property
    def label(self) -> str:
        """Full name of what it was made from; empty where that is no name."""
        return self.maker.label if isinstance(self.maker, Named) else ""


class Items(list[object]):
    """A list. Once `frozen` it was judged as a part of something, and the stream may not fill it further."""

    __slots__ = ("frozen",)

    def __init__(self, items: Iterable[object] = ()) -> None:
        super().__init__(items)
        self.frozen = False


class Pairs(list[tuple[object, object]]):
    """A dict as pairs: nothing of a stranger's file is ever hashed. `frozen` as in Items."""

    __slots__ = ("frozen",)

    def __init__(self, pairs: Iterable[tuple[object, object]] = ()) -> None:
        super().__init__(pairs)
        self.frozen = False

    def find(self, key: str) -> object:
        """The last value under a text key; None where there is none."""
        return next((value for name, value in reversed(self) if name == key and isinstance(name, str)), None)


class Bag(list[object]):
    """A set, unhashed."""

    __slots__ = ()


class Array:
    """An array that joblib wrote: its dtype, its shape, and the symbol of its content if that is objects."""

    __slots__ = ("content", "dtype", "shape")

    def __init__(self, dtype: object, shape: tuple[int, ...], content: object) -> None:
        self.dtype = dtype
        self.shape = shape
        self.content = content


def texts_in(value: object) -> Iterator[str]:
    """The texts of a list, a tuple or an array of objects; nothing where it holds anything else."""
    if isinstance(value, Array):
        content = value.content
        state = content.state if isinstance(content, Made) else None
        value = state[-1] if isinstance(state, tuple) and state else None
    if isinstance(value, list | tuple):
        for item in value:
            if isinstance(item, str):
                yield item


def freeze(value: object, depth: int = 8) -> None:
    """Close the lists and dicts of a value, also those in its tuples, to what the stream does next.

    NumPy keeps the fields of a type by reference: changed afterwards, they are not those that were judged.
    """
    if isinstance(value, Items | Pairs):
        value.frozen = True
    elif isinstance(value, tuple) and depth:
        for part in value:
            freeze(part, depth - 1)

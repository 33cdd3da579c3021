"""NumPy's types, arrays and scalars inside a model file, checked before NumPy is asked to make them.

NumPy trusts the state it saved: a type whose stated size or flags are wrong turns bytes of the file into
addresses of objects. So only the exact forms that NumPy itself writes are let through. The flags are those
of `numpy/ndarraytypes.h`: 63 for objects, 8 for text, 16 and 128 for records without objects.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod
from typing import Final, TypeGuard

from audit_core.sources.model_symbols import Array, Items, Made, Named, Pairs

_CODE: Final = re.compile(r"([?biufcmMSUVO])(\d{1,9})")
_SIZES: Final = {
    "b": (1,), "i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (2, 4, 8, 16), "c": (8, 16, 32), "M": (8,),
    "m": (8,), "O": (8,),
}  # fmt: skip
_OBJECT_FLAGS, _TEXT_FLAGS, _RECORD_FLAGS = 63, 8, (0, 16, 128, 144)
_UNITS: Final = frozenset(b"Y M W D h m s ms us ns ps fs as generic".split())
_PLACES: Final = {"pos": 624, "buffer_pos": 4, "has_uint32": 1, "has_gauss": 1}
_BIT_GENERATORS: Final = frozenset({"MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"})


@dataclass(frozen=True, slots=True)
class DType:
    """Size of one item in bytes, and whether it is a Python object."""

    itemsize: int
    has_objects: bool


def dtype_of(value: object) -> DType | None:
    """What a symbol of a dtype says, once it was built; None where it is none, or not of a known form."""
    if not isinstance(value, Made) or value.label != "numpy:dtype" or not value.built:
        return None
    code = _code(value)
    if code is None:
        return None
    kind, size = code
    return DType(itemsize=size * 4 if kind == "U" else size, has_objects=kind == "O")


def is_array(value: object) -> bool:
    """Whether a symbol is a NumPy array, written by joblib or, inside an array of objects, by NumPy."""
    written = isinstance(value, Made) and value.label.endswith((":_reconstruct", ":_frombuffer"))
    return written or isinstance(value, Array)


def is_dtype_call(made: Made) -> bool:
    """Whether `numpy.dtype(…)` is called as a saved dtype does: a fresh copy of one basic type."""
    return _code(made) is not None


def is_dtype_state(made: Made, state: object) -> bool:
    """Whether the state of a dtype agrees with the type it is for."""
    code = _code(made)
    if code is None or not isinstance(state, tuple) or len(state) not in (8, 9):
        return False
    kind, size = code
    version, order, base, names, fields, itemsize, alignment, flags = state[:8]
    if type(version) is not int or order not in ("<", ">", "|") or base is not None:
        return False
    if not all(type(number) is int for number in (itemsize, alignment, flags)):
        return False
    if (version, len(state)) not in ((3, 8), (4, 9)) or (len(state) == 9 and not _is_unit(kind, state[8])):
        return False
    if names is not None or fields is not None:
        return kind == "V" and _is_record(names, fields, size, (itemsize, alignment, flags))
    if kind in "SUV":
        width = 4 if kind == "U" else 1
        return (itemsize, alignment, flags) == (size * width, width, _TEXT_FLAGS if kind == "U" else 0) or (
            (itemsize, alignment, flags) == (size * width, width, 0)
        )
    return (itemsize, alignment, flags) == (-1, -1, _OBJECT_FLAGS if kind == "O" else 0)


def is_array_state(state: object) -> bool:
    """Whether an array's own state (version, shape, dtype, order, content) has as many bytes as it says."""
    if not isinstance(state, tuple) or len(state) != 5:
        return False
    version, shape, dtype, fortran, content = state
    found = dtype_of(dtype)
    if version != 1 or found is None or type(fortran) not in (bool, int) or not is_shape(shape):
        return False
    if found.has_objects:
        return isinstance(content, Items) and len(content) == prod(shape)
    return isinstance(content, bytes) and len(content) == prod(shape) * found.itemsize


def is_masked_state(state: object) -> bool:
    """Whether a masked array's state is an array's, one byte of mask for each item, and a fill value."""
    if not isinstance(state, tuple) or len(state) != 7 or not is_array_state((1, *state[1:5])):
        return False
    shape, mask = state[1], state[5]
    return is_shape(shape) and isinstance(mask, bytes) and len(mask) == prod(shape)


def is_scalar_call(args: tuple[object, ...]) -> bool:
    """Whether `scalar(dtype, bytes)` has exactly the bytes of one item, and no object."""
    if len(args) != 2:
        return False
    found, content = dtype_of(args[0]), args[1]
    return found is not None and not found.has_objects and type(content) is bytes and (
        len(content) == found.itemsize
    )  # fmt: skip


def is_frombuffer_call(args: tuple[object, ...]) -> bool:
    """Whether `_frombuffer(bytes, dtype, shape, order)` has as many bytes as it says, and no objects."""
    if len(args) != 4:
        return False
    content, dtype, shape, order = args
    found = dtype_of(dtype)
    if found is None or found.has_objects or not is_shape(shape) or order not in ("C", "F"):
        return False
    return isinstance(content, bytes) and len(content) == prod(shape) * found.itemsize


def is_reconstruct_call(args: tuple[object, ...]) -> bool:
    """Whether `_reconstruct(ndarray, (0,), b"b")` makes the empty array every saved array starts as."""
    return len(args) == 3 and _is_ndarray(args[0]) and args[1] == (0,) and args[2] in (b"b", "b")


def is_wrapper_state(state: object) -> bool:
    """Whether joblib's place for an array has the fields joblib writes, and no others."""
    if not isinstance(state, Pairs):
        return False
    fields = dict(state) if all(isinstance(name, str) for name, _ in state) else {}
    required = {"subclass", "shape", "order", "dtype", "allow_mmap"}
    alignment = fields.get("numpy_array_alignment_bytes")
    return (
        len(fields) == len(state)
        and fields.keys() - {"numpy_array_alignment_bytes"} == required
        and _is_ndarray(fields["subclass"])
        and is_shape(fields["shape"])
        and fields["order"] in ("C", "F")
        and dtype_of(fields["dtype"]) is not None
        and type(fields["allow_mmap"]) is bool
        and (alignment is None or (type(alignment) is int and 0 < alignment <= 4096))
    )


def is_generator_state(state: object, depth: int = 3) -> bool:
    """Whether a random generator's state says a place inside its own buffer: NumPy believes what it says."""
    if isinstance(state, tuple):
        return len(state) <= 4 and all(is_generator_state(part, depth - 1) for part in state if depth)
    if not isinstance(state, Pairs):
        return True
    if depth == 0 or len(state) > 12:
        return False
    for name, value in state:
        most = _PLACES.get(name) if isinstance(name, str) else None
        if most is not None and (type(value) is not int or not 0 <= value <= most):
            return False
        if isinstance(value, Pairs) and not is_generator_state(value, depth - 1):
            return False
    return True


def is_generator_call(args: tuple[object, ...]) -> bool:
    """Whether a random generator is made from a bit generator, by name or already made."""
    return len(args) == 1 and (
        _is_bit_generator(args[0])
        or (isinstance(args[0], Made) and args[0].label == "numpy.random._pickle:__bit_generator_ctor")
    )


def is_bit_generator_call(args: tuple[object, ...]) -> bool:
    """Whether one of NumPy's own bit generators is made."""
    return len(args) == 1 and _is_bit_generator(args[0])


def _code(made: Made) -> tuple[str, int] | None:
    """Kind and size of `dtype("f8", False, True)`; None for any other arguments."""
    if (
        len(made.args) != 3
        or not isinstance(made.args[0], str)
        or made.args[1:] not in ((False, True), (0, 1))
    ):
        return None
    match = _CODE.fullmatch(made.args[0])
    if match is None:
        return None
    kind, size = match[1], int(match[2])
    return (kind, size) if size in _SIZES.get(kind, (size,)) and size < 2**31 else None


def _is_unit(kind: str, metadata: object) -> bool:
    """Whether the metadata of a date type is (nothing, (unit, number, 1, 1))."""
    if kind not in "mM" or not isinstance(metadata, tuple) or len(metadata) != 2:
        return False
    nothing, unit = metadata
    if not (nothing is None or (isinstance(nothing, Pairs) and not nothing)) or not isinstance(unit, tuple):
        return False
    return (
        len(unit) == 4
        and type(unit[0]) is bytes
        and unit[0] in _UNITS
        and all(type(n) is int and 0 < n < 2**31 for n in unit[1:])
    )


def _is_record(names: object, fields: object, size: int, stated: tuple[int, int, int]) -> bool:
    """Whether every field of a record lies inside it and holds no object."""
    itemsize, alignment, flags = stated
    if itemsize != size or not 1 <= alignment <= 16 or flags not in _RECORD_FLAGS:
        return False
    if not isinstance(names, tuple) or not isinstance(fields, Pairs) or len(names) != len(fields):
        return False
    if not all(type(name) is str for name in names):
        return False
    found = dict(fields) if all(isinstance(name, str) for name, _ in fields) else {}
    if set(found) != set(names) or len(found) != len(fields):
        return False
    for field in found.values():
        if not isinstance(field, tuple) or len(field) != 2 or type(field[1]) is not int:
            return False
        inner = dtype_of(field[0])
        if inner is None or inner.has_objects or not 0 <= field[1] <= size - inner.itemsize:
            return False
    return True


def is_shape(shape: object) -> TypeGuard[tuple[int, ...]]:
    """Whether a value is a shape: a tuple of whole numbers, none of them negative or absurd."""
    return (
        isinstance(shape, tuple)
        and len(shape) <= 32
        and all(type(n) is int and 0 <= n < 2**48 for n in shape)
    )


def _is_ndarray(value: object) -> bool:
    return isinstance(value, Named) and value.label in ("numpy:ndarray", "numpy:memmap")


def _is_bit_generator(value: object) -> bool:
    if isinstance(value, Named):
        return value.module.startswith("numpy.random._") and value.name in _BIT_GENERATORS
    return value in _BIT_GENERATORS if isinstance(value, str) else False

"""The parts of an ONNX file, read from its bytes within bounds by our own code.

Standard library only: the inspection imports this file, and the locked process loads it by its path. ONNX is
a Protocol Buffers message. Every field must be one of the table below, with the form it has there; a single
field that occurs twice, where one reader takes the first and another the last or both, is refused.

References
----------
Protocol Buffers: "Encoding". ONNX 1.23, `onnx/onnx-ml.proto`: the numbers of the fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

MOST_FIELDS: Final = 500_000
MOST_TEXTS: Final = 10_000_000
"""Texts within lists of texts: a forest has one for every branch."""
DEEPEST: Final = 32
"""Messages inside messages; a graph within a node of another graph takes three of them."""

# Message: number, name, form. A form with a star may be repeated. `ints`, `floats` and `wides` are numbers by
# the thousand, `raws` texts: of these, as of a single `raw`, only the place is kept.
_TABLE: Final = """
Model: 1 ir_version int|2 producer_name text|3 producer_version text|4 domain text|5 model_version int
Model: 6 doc_string text|7 graph Graph|8 opset_import Opset*|14 metadata_props Entry*|20 training_info raws
Model: 25 functions raws
Opset: 1 domain text|2 version int
Entry: 1 key text|2 value text
Graph: 1 node Node*|2 name text|5 initializer Tensor*|10 doc_string text|11 input Value*|12 output Value*
Graph: 13 value_info Value*|14 quantization_annotation Annotation*|15 sparse_initializer Sparse*
Graph: 16 metadata_props Entry*
Annotation: 1 tensor_name text|2 quant_parameter_tensor_names Entry*
Node: 1 input text*|2 output text*|3 name text|4 op_type text|5 attribute Attribute*|6 doc_string text
Node: 7 domain text|8 overload text|9 metadata_props Entry*
Attribute: 1 name text|2 f float|3 i int|4 s raw|5 t Tensor|6 g Graph|7 floats floats|8 ints ints
Attribute: 9 strings raws|10 tensors Tensor*|11 graphs Graph*|13 doc_string text|14 tp Type
Attribute: 15 type_protos Type*|20 type int|21 ref_attr_name text|22 sparse_tensor Sparse
Attribute: 23 sparse_tensors Sparse*
Tensor: 1 dims ints|2 data_type int|3 segment Segment|4 float_data floats|5 int32_data ints|6 string_data raws
Tensor: 7 int64_data ints|8 name text|9 raw_data raw|10 double_data wides|11 uint64_data ints
Tensor: 12 doc_string text|13 external_data Entry*|14 data_location int|16 metadata_props Entry*
Segment: 1 begin int|2 end int
Sparse: 1 values Tensor|2 indices Tensor|3 dims ints
Value: 1 name text|2 type Type|3 doc_string text|4 metadata_props Entry*
Type: 1 tensor_type Plain|4 sequence_type Several|5 map_type Map|6 denotation text|8 sparse_tensor_type Plain
Type: 9 optional_type Several
Plain: 1 elem_type int|2 shape Shape
Several: 1 elem_type Type
Map: 1 key_type int|2 value_type Type
Shape: 1 dim Dimension*
Dimension: 1 dim_value int|2 dim_param text|3 denotation text
"""
_Form = tuple[str, str, bool]


def _fields() -> Mapping[str, Mapping[int, _Form]]:
    table: dict[str, dict[int, _Form]] = {}
    for line in _TABLE.strip().split("\n"):
        message, _, cells = line.partition(": ")
        for cell in cells.split("|"):
            number, name, form = cell.split()
            many = form.endswith("*") or form in _RUNS or form == "raws"
            table.setdefault(message, {})[int(number)] = (name, form.rstrip("*"), many)
    return MappingProxyType(table)


_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_RUNS: Final = MappingProxyType({"ints": _VARINT, "wides": _FIXED64, "floats": _FIXED32})
_ONE: Final = MappingProxyType(
    {_VARINT: rb"[\x80-\xff]{0,9}+[\x00-\x7f]", _FIXED64: rb"[\x00-\xff]{8}", _FIXED32: rb"[\x00-\xff]{4}"}
)
_NUMBERS: Final = re.compile(_ONE[_VARINT])
_ALL_NUMBERS: Final = re.compile(rb"(?:" + _ONE[_VARINT] + rb")*+")
FIELDS: Final = _fields()


class WireError(Exception):
    """A file that is refused while it is read, in words for a person."""


class Place(NamedTuple):
    """Where some bytes are; `form` says what they are, and `packed` whether numbers follow without tags."""

    form: str
    start: int
    end: int
    packed: bool = True


class Message:
    """A part of the file: its kind, and its fields by name, in the order of the file."""

    __slots__ = ("fields", "kind")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.fields: dict[str, list[Any]] = {}

    def all(self, name: str) -> list[Any]:
        """Every value of a field that may be repeated."""
        return self.fields.get(name, [])

    def one(self, name: str, default: Any = None) -> Any:
        """The value of a single field."""
        return self.fields.get(name, [default])[0]

    def inner(self) -> Iterator[Message]:
        """This part and every part within it."""
        waiting = [self]
        while waiting:
            message = waiting.pop()
            yield message
            for values in message.fields.values():
                waiting.extend(value for value in values if isinstance(value, Message))


class Wire:
    """Reads one file.

    Raises
    ------
    WireError
        From `model`: the file is damaged, beyond a bound, or has a field that is not in the table.
    """

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self._left = MOST_FIELDS
        self._texts_left = MOST_TEXTS

    def model(self) -> Message:
        """The whole file as one message."""
        return self._message("Model", 0, len(self.raw), 0)

    def numbers(self, places: list[Place]) -> list[int]:
        """The whole numbers of a field such as `ints`, as signed ones of 64 bits."""
        found: list[int] = []
        for place in places:
            at = place.start
            while at < place.end:
                if not place.packed:
                    _, at = self._varint(at, place.end)
                number, at = self._varint(at, place.end)
                found.append(number - 2**64 if number >= 2**63 else number)
        return found

    def texts(self, places: list[Place]) -> list[str]:
        """The texts of a field such as `strings`."""
        found: list[str] = []
        for place in places:
            at = place.start
            while at < place.end:
                _, at = self._varint(at, place.end)
                length, at = self._varint(at, place.end)
                found.append(self._text(at, at + length))
                at += length
        return found

    def _message(self, kind: str, at: int, end: int, depth: int) -> Message:
        if depth > DEEPEST:
            raise WireError("it nests its parts too deep")
        table, message = FIELDS[kind], Message(kind)
        while at < end:
            self._left -= 1
            if self._left < 0:
                raise WireError(f"it has more than {MOST_FIELDS:,} parts")
            tag, after = self._varint(at, end)
            known = table.get(tag >> 3)
            if known is None:
                raise WireError(f"a {kind.lower()} in it has a part of an unknown kind, {tag >> 3}")
            name, form, many = known
            if name in message.fields and not many:
                raise WireError(f"a {kind.lower()} in it has two values of {name}")
            if form in _RUNS and tag & 7 == _RUNS[form]:
                value, at = self._run(form, tag, at, end)
            elif form == "raws":
                value, at = self._several(tag, at, end)
            else:
                value, at = self._value(form, tag & 7, (after, end), depth)
            message.fields.setdefault(name, []).append(value)
        return message

    def _value(self, form: str, wire: int, rest: tuple[int, int], depth: int) -> tuple[Any, int]:
        """One value that starts here, and where it ends."""
        at, end = rest
        if (form, wire) == ("int", _VARINT):
            return self._varint(at, end)
        if (form, wire) == ("float", _FIXED32):
            if at + 4 > end:
                raise WireError("it is cut short")
            return Place(form, at, at + 4), at + 4
        if wire != _LENGTH or form in ("int", "float"):
            raise WireError("one of its values has an unexpected form")
        length, at = self._varint(at, end)
        until = at + length
        if until > end:
            raise WireError("it is cut short")
        if form == "text":
            return self._text(at, until), until
        if form == "raw":
            return Place(form, at, until), until
        if form in _RUNS:
            return self._packed(form, at, until), until
        return self._message(form, at, until, depth + 1), until

    def _run(self, form: str, tag: int, at: int, end: int) -> tuple[Place, int]:
        """Numbers of which each has its own tag, passed over as fast as the machine can."""
        each = re.escape(bytes([tag])) if tag < 128 else None
        pattern = None if each is None else re.compile(rb"(?:" + each + _ONE[tag & 7] + rb")++")
        found = None if pattern is None else pattern.match(self.raw, at, end)
        if found is None:
            raise WireError("it is cut short, or holds a damaged number")
        return Place(form, at, found.end(), packed=False), found.end()

    def _several(self, tag: int, at: int, end: int) -> tuple[Place, int]:
        """Texts of which each has its own tag, passed over."""
        if tag & 7 != _LENGTH:
            raise WireError("one of its values has an unexpected form")
        start = at
        while at < end:
            found, after = self._varint(at, end)
            if found != tag:
                break
            self._texts_left -= 1
            length, after = self._varint(after, end)
            at = after + length
        if at > end or self._texts_left < 0:
            raise WireError("it is cut short, or has too many texts")
        return Place("raws", start, at, packed=False), at

    def _packed(self, form: str, at: int, end: int) -> Place:
        """Numbers without tags."""
        size = {"floats": 4, "wides": 8}.get(form)
        found = _ALL_NUMBERS.fullmatch(self.raw, at, end) if size is None else (end - at) % size == 0
        if not found:
            raise WireError("it holds damaged numbers")
        return Place(form, at, end)

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        """A whole number of up to 64 bits, and where it ends."""
        if at < end and self.raw[at] < 128:
            return self.raw[at], at + 1
        found = _NUMBERS.match(self.raw, at, end)
        if found is None:
            raise WireError("it is cut short, or holds a damaged number")
        number = sum((byte & 127) << (7 * place) for place, byte in enumerate(found[0]))
        if number >= 2**64:
            raise WireError("it holds a number that is too large")
        return number, found.end()

    def _text(self, at: int, end: int) -> str:
        try:
            return self.raw[at:end].decode("utf-8")
        except UnicodeDecodeError as error:
            raise WireError("it holds a damaged text") from error

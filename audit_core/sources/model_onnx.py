"""What an ONNX file is, found without executing any of it.

ONNX names no Python objects: it is a graph of operators. What could reach beyond the file is refused: data
kept in other files, operators that are not ONNX's own (a library of them would be code), functions and
training steps of the file's own, and graphs nested or long beyond measure. There is nothing to review: a
file is verified or refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from audit_core.sources.model_inspect import MOST_REASONS, Inspection
from audit_core.sources.model_wire import Message, Wire, WireError

DOMAINS: Final = frozenset({"", "ai.onnx", "ai.onnx.ml"})
MOST_NODES: Final = 100_000
DEEPEST_GRAPH: Final = 4
"""Graphs inside graphs; those of scikit-learn's models have at most one within another."""
NEWEST_VERSION: Final = 20
"""Far above the version of the format today; a larger number is damage."""

_OUTSIDE: Final = 1
_SAVE: Final = (
    "Convert the fitted classifier again, as one file with ONNX's own operators, or upload predictions"
)
_COPY: Final = "Copy the file again, or convert the model again"


def inspect_onnx(raw: bytes) -> Inspection:
    """What an ONNX file is, without executing it."""
    model = Message("Model")
    remedy = _SAVE
    try:
        model = Wire(raw).model()
        reasons = tuple(dict.fromkeys(_problems(raw, model)))[:MOST_REASONS]
    except WireError as error:
        reasons, remedy = (f"The file can't be read as an ONNX model: {error}",), _COPY
    return Inspection(
        verdict="refused" if reasons else "verified",
        reasons=reasons,
        remedy=remedy if reasons else "",
        extra=(),
        barred=(),
        names=(),
        class_name=_class_name(model),
        versions=(),
        features=None if reasons else _features(model.one("graph")),
    )


def _problems(raw: bytes, model: Message) -> Iterator[str]:
    """Every reason to refuse a file that could be read."""
    if raw[4:8] == b"ORTM":  # the mark of another format, which the runtime would take it for
        yield "It is a file of ONNX Runtime's own format"
    if not 1 <= model.one("ir_version", 0) <= NEWEST_VERSION:
        yield "It does not say which version of ONNX it has"
    if model.all("functions") or model.all("training_info"):
        yield "It defines functions or training steps of its own"
    for opset in model.all("opset_import"):
        yield from _foreign(opset.one("domain", ""))
    graph = model.one("graph")
    if graph is None or not _inputs(graph) or not graph.all("output"):
        yield "It has no inputs or no outputs"
    nodes = 0
    for part in model.inner():
        if part.kind == "Tensor" and (part.all("external_data") or part.one("data_location") == _OUTSIDE):
            yield "It keeps a part of its numbers in other files"
        elif part.kind == "Tensor" and part.all("segment"):
            yield "It keeps a part of its numbers in pieces"
        elif part.kind == "Node":
            nodes += 1
            yield from _foreign(part.one("domain", ""))
    if nodes > MOST_NODES:
        yield f"It has more than {MOST_NODES:,} operators"
    if graph is not None and _depth(graph) > DEEPEST_GRAPH:
        yield "It nests one graph in another too often"


def _foreign(domain: str) -> Iterator[str]:
    if domain not in DOMAINS:
        yield f"It uses operators of {domain[:80]!r}, which are not ONNX's own"


def _depth(graph: Message) -> int:
    """How many graphs lie inside one another; the reader has already bounded it."""
    inside = [
        _depth(inner)
        for node in graph.all("node")
        for attribute in node.all("attribute")
        for inner in (*attribute.all("g"), *attribute.all("graphs"))
    ]
    return 1 + max(inside, default=0)


def _inputs(graph: Message) -> list[Message]:
    """The inputs that are the caller's to give: older files list their own numbers among them."""
    own = {tensor.one("name") for tensor in graph.all("initializer")}
    return [value for value in graph.all("input") if value.one("name") not in own]


def _class_name(model: Message) -> str:
    """What made the file, as it says."""
    maker = " ".join(model.one(name, "") for name in ("producer_name", "producer_version")).strip()
    return f"ONNX model ({maker[:80]})" if maker else "ONNX model"


def _features(graph: Message) -> tuple[str, ...] | None:
    """The inputs' names, where each input is one column; None where one input takes the whole table."""
    inputs = _inputs(graph)
    names = tuple(value.one("name", "") for value in inputs)
    columns = all(_is_column(value) for value in inputs) and all(names) and len(set(names)) == len(names)
    return names if columns else None


def _is_column(value: Message) -> bool:
    """Whether a value is a tensor of any number of rows and one column."""
    tensor = value.one("type", Message("Type")).one("tensor_type")
    shape = None if tensor is None else tensor.one("shape")
    sizes = [] if shape is None else shape.all("dim")
    return len(sizes) == 2 and sizes[1].one("dim_value") == 1

"""Loads skops and ONNX models in the scoring process, once it is locked.

Standard library only at the top: the worker loads this file by its path. The libraries are optional, and a
locked process can open no file, so the worker imports the `MODULES` of the format before it locks; what is
imported in here has been imported by then.

ONNX has no types of its own for tables. A converted classifier takes either one matrix of numbers or one
tensor per column, and answers with a label and, beside it, either a matrix with one column per class or one
map per row from class to probability.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from audit_core.sources import model_wire
else:  # in the worker this file belongs to no package
    _spec = importlib.util.spec_from_file_location("model_wire", Path(__file__).with_name("model_wire.py"))
    model_wire = importlib.util.module_from_spec(_spec)
    _spec.loader.exec_module(model_wire)

# ONNX Runtime for Linux and macOS reports its use to its maker unless this is set before it is imported, and
# the thread it starts for that would leave the lock incomplete.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

MODULES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "skops": ("skops.io", "zipfile", "encodings.cp437"),  # zipfile decodes names with this, by its name
        "onnx": ("numpy", "pandas", "onnxruntime"),
    }
)
"""What the worker imports for a format before the lock closes, once it has loaded this file."""

_PREDICTIONS: Final = "Upload a predictions column instead"
_FILL: Final = f"Fill the gaps before the audit as it is done in production. {_PREDICTIONS}"
_CONVERT: Final = f"Convert the fitted classifier with skl2onnx. {_PREDICTIONS}"
_NUMBERS: Final = MappingProxyType(
    {
        "tensor(float)": "float32",
        "tensor(double)": "float64",
        "tensor(int64)": "int64",
        "tensor(int32)": "int32",
        "tensor(bool)": "bool",
    }
)
_TEXT: Final = "tensor(string)"
_LABELS: Final = ("tensor(int64)", "tensor(int32)", "tensor(string)", "tensor(bool)")
_MAPS: Final = ("seq(map(int64,tensor(float)))", "seq(map(string,tensor(float)))")
_MATRICES: Final = ("tensor(float)", "tensor(double)")
_NEAR: Final = 1e-3
"""How far the float32 probabilities of a row may be from adding up to one."""

# What only hands a value on, on the way back from the label to the operator that chose it.
_HANDED_ON: Final = frozenset({"Identity", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Flatten"})
_STRINGS, _INT64, _INT32 = 8, 7, 6


class LoaderError(Exception):
    """A sentence for the person about the model, with what to do about it."""

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


def load_skops(raw: bytes, names: Collection[str]) -> Any:
    """The object in a skops file.

    Parameters
    ----------
    names
        The names the inspection found, `module:name`: skops is told to trust these and no others of its own
        or the file's choice, beside what it always trusts.

    Raises
    ------
    LoaderError
        The file asks for another type.
    """
    skops = importlib.import_module("skops.io")
    untrusted = importlib.import_module("skops.io.exceptions").UntrustedTypesFoundException
    try:
        return skops.loads(raw, trusted=[name.replace(":", ".") for name in names])
    except untrusted as error:
        problem = "The model asks for types that were not found when it was inspected"
        raise LoaderError(problem, "Save the model again with skops.io.dump") from error


def load_onnx(raw: bytes) -> OnnxClassifier:
    """The classifier in an ONNX file.

    Raises
    ------
    LoaderError
        The runtime refuses the file, or it is no classifier of two classes over the columns of a table.
    """
    onnxruntime = importlib.import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    options.use_deterministic_compute = True
    # Without this the runtime looks at the bytes and may take them for a file of its own format.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    try:
        session = onnxruntime.InferenceSession(raw, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime's own exceptions have no common class
        # Its messages name the folders it was built in.
        said = " ".join(re.sub(r"/\S+", "", str(error)).split())[:200]
        raise LoaderError(f"ONNX Runtime refuses the model ({type(error).__name__}: {said})") from error
    return OnnxClassifier(session, raw)


class OnnxClassifier:
    """A classifier as scikit-learn has them, made of an ONNX session.

    `feature_names_in_` is there where each column has an input of its own.
    """

    def __init__(self, session: Any, raw: bytes) -> None:
        import numpy as np

        self._session = session
        self._inputs: list[Any] = session.get_inputs()
        self._label, self._scores = _outputs(session.get_outputs())
        self.classes_ = np.asarray(_classes(raw, self._label))
        if any(given.type not in (*_NUMBERS, _TEXT) or len(given.shape) != 2 for given in self._inputs):
            raise LoaderError("The ONNX model does not take the columns of a table", _CONVERT)
        widths = [given.shape[1] for given in self._inputs]
        self._one_matrix = len(widths) == 1 and widths != [1]
        if not self._one_matrix:
            if set(widths) != {1}:
                raise LoaderError("The ONNX model takes several tables at once", _CONVERT)
            self.feature_names_in_ = np.asarray([given.name for given in self._inputs], dtype=object)
            self.n_features_in_ = len(widths)
        elif isinstance(widths[0], int):
            self.n_features_in_ = widths[0]

    def predict_proba(self, rows: Any) -> Any:
        """The probability of each class, as float64.

        Parameters
        ----------
        rows
            A pandas table with the columns by name, or an array with the columns in order.
        """
        import numpy as np

        (given,) = self._session.run([self._scores.name], self._feed(rows))
        if self._scores.type in _MAPS:
            classes = self.classes_.tolist()
            given = [[row[name] for name in classes] for row in given]
        scores = np.asarray(given, dtype=np.float64).reshape(len(given), -1)
        known = scores[np.isfinite(scores).all(axis=1)] if scores.shape[1] == 2 else scores
        outside = bool(known.size) and (known.min() < -_NEAR or known.max() > 1 + _NEAR)
        if scores.shape[1] != 2 or outside or (abs(known.sum(axis=1) - 1) > _NEAR).any():
            problem = "The ONNX model does not answer with one probability for each of two classes"
            raise LoaderError(problem, _CONVERT)
        return scores

    def predict(self, rows: Any) -> Any:
        """The label of each row."""
        import numpy as np

        if self._label is None:
            return self.classes_[self.predict_proba(rows).argmax(axis=1)]
        return np.ravel(self._session.run([self._label.name], self._feed(rows))[0])

    def _feed(self, rows: Any) -> dict[str, Any]:
        """The rows as the model's inputs."""
        if self._one_matrix:
            (given,) = self._inputs
            return {given.name: _tensor(rows, given.type)}
        if hasattr(rows, "columns"):
            columns = [rows[[name]] for name in self.feature_names_in_]
        else:
            columns = [rows[:, [place]] for place in range(len(self._inputs))]
        pairs = zip(self._inputs, columns, strict=True)
        return {given.name: _tensor(column, given.type) for given, column in pairs}


def _outputs(given: list[Any]) -> tuple[Any, Any]:
    """The label (None where there is none) and the probabilities among a model's outputs."""
    scores = [one for one in given if one.type in _MAPS or (one.type in _MATRICES and _is_pair(one.shape))]
    labels = [one for one in given if one.type in _LABELS]
    if len(scores) != 1 or len(labels) > 1 or len(scores) + len(labels) != len(given):
        remedy = f"Audits need a fitted classifier with two classes. {_CONVERT}"
        raise LoaderError("The ONNX model is not a classifier that answers with probabilities", remedy)
    return (labels[0] if labels else None), scores[0]


def _is_pair(shape: list[Any]) -> bool:
    """Whether a tensor may be one row of two numbers for each row of the table; a size may be left open."""
    return len(shape) == 0 or (len(shape) == 2 and (shape[1] == 2 or not isinstance(shape[1], int)))


def _tensor(rows: Any, kind: str) -> Any:
    """Rows as an array of the type an input wants, nothing invented and nothing cut off."""
    import numpy as np
    import pandas as pd

    missing = np.asarray(pd.isna(rows))
    wanted = _NUMBERS.get(kind)
    values = np.asarray(rows, dtype=object if wanted is None else None)
    if wanted is None:
        if missing.any():
            raise LoaderError("A column of texts has missing values, which ONNX does not know", _FILL)
        if not all(isinstance(value, str) for value in values.flat):
            raise LoaderError("A column holds numbers where the ONNX model wants texts", _PREDICTIONS)
        return values
    if wanted in ("float32", "float64"):
        return np.where(missing, np.nan, values).astype(wanted) if missing.any() else values.astype(wanted)
    if missing.any():
        raise LoaderError("A column of whole numbers has missing values, which ONNX does not know", _FILL)
    whole = values.astype(wanted)
    if (whole != values.astype("float64")).any():
        raise LoaderError("A column holds values that are not whole numbers, as the ONNX model wants", _FILL)
    return whole


def _classes(raw: bytes, label: Any) -> list[Any]:
    """The classes in the order of the probabilities."""
    wire = model_wire.Wire(raw)
    graph = wire.model().one("graph")
    nodes = graph.all("node")
    maps = [node for node in nodes if node.one("op_type") == "ZipMap"]
    makers = {name: node for node in nodes for name in node.all("output")}
    told = [_class_labels(wire, node) for node in maps]
    if label is not None:
        told.append(_traced(wire, graph, makers, label.name))
    told = [labels for labels in told if labels]
    if not told:
        everywhere = {tuple(labels) for node in nodes if (labels := _class_labels(wire, node))}
        told = [list(labels) for labels in everywhere] if len(everywhere) == 1 else []
    if told:
        return told[0]
    if label is not None and label.type == _TEXT:
        raise LoaderError("The ONNX model does not say which classes it tells apart", _CONVERT)
    return [0, 1]


def _traced(wire: Any, graph: Any, makers: dict[str, Any], name: str) -> list[Any]:
    """The classes of the operator that chose the label; none where the way back to it is not a plain one."""
    tensors = {tensor.one("name"): tensor for tensor in graph.all("initializer")}
    for _ in range(30):
        node = makers.get(name)
        if node is None:
            return []
        labels = _class_labels(wire, node)
        if labels:
            return labels
        inputs = node.all("input")
        if node.one("op_type") == "ArrayFeatureExtractor" and inputs and inputs[0] in tensors:
            return _items(wire, tensors[inputs[0]])
        if node.one("op_type") not in _HANDED_ON or not inputs:
            return []
        name = inputs[0]
    return []


def _class_labels(wire: Any, node: Any) -> list[Any]:
    """The classes an operator states."""
    for attribute in node.all("attribute"):
        if attribute.one("name", "").startswith("classlabels_"):
            labels = wire.texts(attribute.all("strings")) or wire.numbers(attribute.all("ints"))
            if labels:
                return list(labels)
    return []


def _items(wire: Any, tensor: Any) -> list[Any]:
    """The items of a small tensor of texts or whole numbers; none of any other."""
    kind, packed = tensor.one("data_type"), tensor.one("raw_data")
    if kind == _STRINGS:
        return list(wire.texts(tensor.all("string_data")))
    if kind not in (_INT64, _INT32):
        return []
    if packed is None:
        return list(wire.numbers(tensor.all("int64_data" if kind == _INT64 else "int32_data")))
    width = 8 if kind == _INT64 else 4
    places = range(packed.start, packed.end, width)
    return [int.from_bytes(wire.raw[at : at + width], "little", signed=True) for at in places]

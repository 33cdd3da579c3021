"""The single-use process in which a model is loaded and scores: the only room that unpickles.

Run as a script with an empty environment; of this project it reads only the files beside it, by their
paths. The order is: take the pipes, set limits, import the libraries, say so and wait; then import what
this model needs, lock, say what holds, and only then receive the model's bytes.

Frames, both ways, are an 8-byte little-endian length and that many bytes:

    in:  settings (JSON)            out: {"reduced": [...]}
    in:  request (JSON)             out: {"mode", "layers", "missing"} before any model byte
    in:  model                      out: description or error (JSON)
    in:  Arrow IPC stream, …        out: {"rows": n} (JSON), n float64 little-endian; or error

An error with `"files": true` says that something was looked for in a file that the lock had closed.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import json
import os
import pickle
import sys
import types
import warnings
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Final, NoReturn

if TYPE_CHECKING:
    from audit_core.sources import model_answers, model_loaders, model_lock, model_room
else:  # `-I` leaves this folder off the path, and a model must not find these files by a name

    def _beside(name: str) -> types.ModuleType:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    model_answers, model_loaders = _beside("model_answers"), _beside("model_loaders")
    model_lock, model_room = _beside("model_lock"), _beside("model_room")


LIBRARIES: Final = (
    *("joblib", "pandas", "pyarrow"),
    *("sklearn.calibration", "sklearn.compose", "sklearn.ensemble", "sklearn.feature_extraction.text"),
    *("sklearn.feature_selection", "sklearn.impute", "sklearn.linear_model", "sklearn.naive_bayes"),
    *("sklearn.neighbors", "sklearn.neural_network", "sklearn.pipeline", "sklearn.preprocessing"),
    *("sklearn.svm", "sklearn.tree"),
)
"""What most classifiers need: imported while the process waits for one."""

_NO_FILE: Final = (None, *sys.builtin_module_names)
"""What is there without any file: the process itself as a library, and modules inside Python."""

# What joblib's own reader is built on.
_READER: Any = pickle._Unpickler


class Notebook(types.ModuleType):
    """What the model sees as `__main__`: empty, so it can't find this script's own functions."""

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise model_answers.NotebookError(name)


class Watch:
    """Notices that the locked process looks for a module or library it does not have yet.

    Such a search fails, and a library may then quietly take another way, to other scores.
    """

    def __init__(self) -> None:
        self.on = False
        self.looked_for: list[str] = []
        sys.addaudithook(self)

    def __call__(self, event: str, details: tuple[Any, ...]) -> None:
        if self.on and event in ("import", "ctypes.dlopen") and details[0] not in _NO_FILE:
            self.looked_for.append(str(details[0]))


class Reader(_READER):  # type: ignore[misc]
    """Reads joblib's stream as joblib does, and imports only names it was given.

    Parameters
    ----------
    names
        Every `module:name` it may ask for; None for any.
    failed
        Why each module could not be imported before the lock.
    """

    dispatch: ClassVar[dict[int, Any]] = dict(_READER.dispatch)
    mmap_mode = None

    def __init__(
        self,
        stream: io.BytesIO,
        names: frozenset[str] | None,
        failed: dict[str, Exception],
        *,
        inner: bool = False,
    ) -> None:
        import numpy

        super().__init__(stream, fix_imports=False)  # done below, before the list is asked
        # The names by which joblib's array wrapper asks its reader.
        self.file_handle, self.np = stream, numpy
        self._names, self._failed, self._inner = names, failed, inner

    def find_class(self, module: str, name: str) -> Any:
        """What a name stands for, as today's Python calls it, if it is on the list."""
        if self.proto < 3:
            module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
        listed = self._names is None or f"{module}:{name}" in self._names
        # joblib's wrappers of 2015 open other files; within an object array joblib knows no wrapper at all.
        if name.endswith("NDArrayWrapper") or (self._inner and name == "NumpyArrayWrapper"):
            listed = False
        if not listed and module != "__main__":
            problem = f"The model asks for {module}.{name}, which was not found when it was inspected"
            raise model_answers.RefusedError(problem)
        if module in self._failed:
            raise self._failed[module]
        return super().find_class(module, name)

    def persistent_load(self, _: object) -> NoReturn:
        """Nothing: objects outside the file are never looked up."""
        raise model_answers.RefusedError("The model refers to objects outside its file")

    def get_extension(self, _: int) -> NoReturn:
        """Nothing: a number of Python's extension registry would be a name nobody inspected."""
        raise model_answers.RefusedError("The model refers to Python's extension registry")

    def load_build(self) -> None:
        """As joblib: the array itself takes the place of the wrapper that announces it."""
        from joblib.numpy_pickle import NumpyArrayWrapper

        super().load_build()
        if isinstance(self.stack[-1], NumpyArrayWrapper):
            wrapper = self.stack.pop()
            if wrapper.dtype.hasobject:
                array = Reader(self.file_handle, self._names, self._failed, inner=True).load()
            else:
                array = wrapper.read(self, True)
            self.stack.append(array)

    dispatch[pickle.BUILD[0]] = load_build


def loaded(raw: bytes, request: dict[str, Any], failed: dict[str, Exception]) -> Any:
    """The object in the file, by its format."""
    kind, names = request["format"], request["names"]
    if kind in model_loaders.MODULES and (lacking := [m for m in model_loaders.MODULES[kind] if m in failed]):
        package = lacking[0].partition(".")[0]
        raise model_answers.RefusedError(
            f"Reading this format needs the package {package}, which is not installed here",
            f"Install it with: pip install {package}",
        )
    if kind == "skops":
        return model_loaders.load_skops(raw, names)
    if kind == "onnx":
        return model_loaders.load_onnx(raw)
    stream = io.BytesIO(raw)
    model = Reader(stream, None if names is None else frozenset(names), failed).load()
    if stream.read(1):
        raise model_answers.RefusedError("Other data follow the model in its file", "Save the model again")
    return model


def load(raw: bytes, request: dict[str, Any], failed: dict[str, Exception]) -> tuple[Any, list[str]]:
    """The object in the file, and the scikit-learn versions it was saved with where they differ."""
    from sklearn.exceptions import InconsistentVersionWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model = loaded(raw, request, failed)
            error: BaseException | None = None
        except BaseException as raised:  # noqa: BLE001 - the file's own code may raise SystemExit
            model, error = None, raised
    told = [w.message for w in caught if isinstance(w.message, InconsistentVersionWarning)]
    versions = list(dict.fromkeys(str(warning.original_sklearn_version) for warning in told))
    if error is not None:
        if isinstance(error, model_answers.RefusedError):
            raise error
        if isinstance(error, model_loaders.LoaderError):
            raise model_answers.RefusedError(error.problem, error.remedy) from error
        raise model_answers.why_not_loaded(error, versions or model_answers.versions_in(raw)) from error
    return model, versions


class Session:
    """One model, from its request to its last batch."""

    def __init__(self, requests: BinaryIO, replies: BinaryIO) -> None:
        self.requests, self.replies = requests, replies
        self.watch = Watch()
        self.strict = False
        self.failed: dict[str, Exception] = {}

    def open(self) -> tuple[Any, dict[str, Any]] | None:
        """The loaded model and its description, both told to the other side; None when refused."""
        asked = model_room.receive(self.requests)
        if asked is None:
            return None
        request = json.loads(asked)
        first = model_loaders.MODULES.get(request.get("format"), ())
        self.failed = model_room.import_modules([*first, *request["modules"]])
        self.strict = request["mode"] == "strict"
        model_room.send_json(self.replies, **model_lock.lock(request["mode"], model_room.readable_places()))
        self.watch.on = True
        raw = model_room.receive(self.requests)
        if raw is None:
            return None
        try:
            model, versions = load(raw, request, self.failed)
            model_answers.check_indices(model)
            description = model_answers.describe(model, versions, request)
        except BaseException as error:  # noqa: BLE001 - a property of the model may raise anything
            refused = model_answers.RefusedError
            told = error if isinstance(error, refused) else model_answers.why_not_loaded(error, [])
            self.refuse(told, error)
            return None
        return (model, description) if self.tell(description) else None

    def score(self, model: Any, description: dict[str, Any], stream: bytes) -> None:
        """Answer one batch."""
        replies = self.replies
        try:
            scores = model_answers.score(model, stream, description)
        except model_loaders.LoaderError as error:  # its sentences hold no cell
            self.refuse(model_answers.RefusedError(error.problem, error.remedy), error)
        except BaseException as error:  # noqa: BLE001 - the model may raise anything
            self.refuse(model_answers.why_not_scored(error, description["sklearn_version"]), error)
        else:
            if self.tell({"rows": len(scores) // 8}):
                model_room.send(replies, scores)

    def tell(self, answer: dict[str, Any]) -> bool:
        """Send an answer, or say instead that it may have come out otherwise with files at hand."""
        complete = not (self.strict and self.watch.looked_for)
        if not complete:
            model_room.send_json(
                self.replies, error="The model needs a module that was not loaded", files=True
            )
        else:
            model_room.send_json(self.replies, **answer)
        return complete

    def refuse(self, told: model_answers.RefusedError, error: BaseException) -> None:
        """Send an error, and whether a closed file may be behind it."""
        files = self.strict and (bool(self.watch.looked_for) or wants_file(error, self.failed))
        model_room.send_json(self.replies, error=told.problem, remedy=told.remedy, files=files)


def wants_file(error: BaseException, failed: dict[str, Exception]) -> bool:
    """Whether a module was not to be had, where it might be without the strict lock; no other file is."""
    seen: BaseException | None = error
    for _ in range(20):
        if seen is None or any(seen is known for known in failed.values()):
            return False
        if isinstance(seen, ImportError) and not isinstance(seen, model_answers.NotebookError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def main() -> None:
    """One model, any number of batches, then gone."""
    requests, replies = model_room.take_pipes()
    settings = model_room.receive(requests)
    if settings is None:
        return
    asked = json.loads(settings)
    reduced = model_room.limit_resources(asked)
    if asked["warm"]:
        model_room.import_modules(LIBRARIES)
        model_answers.rehearse()
    sys.modules["__main__"] = Notebook("__main__")
    model_room.send_json(replies, reduced=reduced)
    session = Session(requests, replies)
    opened = session.open()
    warnings.simplefilter("ignore")
    while opened is not None and (stream := model_room.receive(requests)) is not None:
        session.score(*opened, stream)


if __name__ == "__main__":
    main()
    os._exit(0)  # whatever the model registered to run at exit does not

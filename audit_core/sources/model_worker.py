"""The single-use process in which a trusted model is loaded and scores: the only room with joblib.

Run as a script with an empty environment; it imports nothing of this project, so that nothing of
this project is inside the process a model takes over. The order is: take the pipes, set limits,
import the libraries, say so, and only then receive the model's bytes. A kernel lock (no files, no
network, no new processes) belongs right before "say so".

Frames, both ways, are an 8-byte little-endian length and that many bytes:

    in:  settings (JSON)            out: {"reduced": [...]}            before any model byte
    in:  request (JSON), model      out: description or error (JSON)
    in:  Arrow IPC stream, …        out: {"rows": n} (JSON), n float64 little-endian; or error
"""

from __future__ import annotations

import importlib
import io
import json
import os
import pickle
import re
import sys
import types
import warnings
from typing import Any, BinaryIO, NoReturn

THREAD_SETTINGS = ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# A library's message may quote a cell of someone's data, so only these reasons are ever passed on.
SCORING_REASONS = (
    ("could not convert string to float", "a text value reached a step that wants numbers"),
    ("contains NaN", "it does not accept missing values"),
    ("unknown categories", "a column holds a category it never saw in training"),
    ("feature names", "its columns are not the ones it was fitted on"),
)


class RefusedError(Exception):
    """A sentence for the person about the model, with what to do about it."""

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


class NotebookError(ImportError):
    """The model names something that its author defined in a notebook or script."""


class Notebook(types.ModuleType):
    """What the model sees as `__main__`: empty, so it can't find this script's own functions."""

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotebookError(name)


def take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The protocol's two pipes, moved away from where a model's print and input would reach them."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return requests, replies


def receive(pipe: BinaryIO) -> bytes | None:
    """The next frame, or None when the other side has closed."""
    length = pipe.read(8)
    return pipe.read(int.from_bytes(length, "little")) if len(length) == 8 else None


def send(pipe: BinaryIO, payload: bytes) -> None:
    """One frame."""
    pipe.write(len(payload).to_bytes(8, "little") + payload)
    pipe.flush()


def send_json(pipe: BinaryIO, **fields: Any) -> None:
    """One frame of JSON."""
    send(pipe, json.dumps(fields).encode())


def limit_resources(settings: dict[str, int]) -> list[str]:
    """Set the process limits; the names of those this system does not have."""
    for name in THREAD_SETTINGS:
        os.environ[name] = str(settings["threads"])
    os.environ["JOBLIB_MULTIPROCESSING"] = "0"  # a forest's n_jobs=-1 would start processes or threads
    wanted = {"AS": settings["memory"], "CPU": settings["cpu"], "CORE": 0, "FSIZE": 0, "NOFILE": 64}
    try:
        import resource
    except ImportError:
        return sorted(wanted)
    reduced = []
    for name, value in wanted.items():
        try:
            number = getattr(resource, f"RLIMIT_{name}")
            hard = resource.getrlimit(number)[1]
            bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(number, (bound, bound))
        except (AttributeError, ValueError, OSError):
            reduced.append(name)
    return sorted(reduced)


def load(raw: bytes) -> tuple[Any, list[str]]:
    """The object in the file, and the scikit-learn versions it was saved with where they differ."""
    import joblib
    from sklearn.exceptions import InconsistentVersionWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model, error = joblib.load(io.BytesIO(raw)), None
        except BaseException as raised:  # noqa: BLE001 - the file's own code may raise SystemExit
            model, error = None, raised
    told = [w.message for w in caught if isinstance(w.message, InconsistentVersionWarning)]
    versions = list(dict.fromkeys(str(warning.original_sklearn_version) for warning in told))
    if error is not None:
        raise why_not_loaded(error, versions or versions_in(raw))
    return model, versions


def versions_in(raw: bytes) -> list[str]:
    """Versions an uncompressed file states beside its estimators, for when it fails before they load."""
    from sklearn import __version__ as here

    found = re.findall(rb"_sklearn_version.{1,8}?(\d+\.\d+(?:\.\d+)?)", raw, re.DOTALL)
    return [text for text in dict.fromkeys(v.decode() for v in found) if text != here]


def skew_note(versions: list[str]) -> str:
    """The sentence on a model saved by another scikit-learn."""
    from sklearn import __version__ as here

    return f"saved with scikit-learn {', '.join(versions[:3])}, here {here}" if versions else ""


def why_not_loaded(error: BaseException, versions: list[str]) -> RefusedError:
    """The sentence for a load that failed; no row has reached this process yet."""
    skew = skew_note(versions)
    tail = f" ({skew})" if skew else ""
    again = "Save the model again with the scikit-learn used here" if skew else ""
    if isinstance(error, NotebookError):
        remedy = "Move it into a module, or upload predictions"
        return RefusedError(f"The model uses {error}, which is defined in a notebook{tail}", remedy)
    if isinstance(error, ModuleNotFoundError) and error.name:
        package = error.name.partition(".")[0]
        if package not in sys.modules:
            return RefusedError(f"The model needs the package {package}, which is not installed here{tail}")
        return RefusedError(
            f"The model needs {error.name}, which is not in the installed {package}{tail}", again
        )
    if isinstance(error, MemoryError):
        return RefusedError(f"Loading the model needs more memory than it may use{tail}")
    if isinstance(error, (EOFError, pickle.UnpicklingError)):
        return RefusedError(f"The model file is cut short or damaged{tail}", "Copy the file again")
    # A message such as "<module 'x' from '/home/…'>" would show this machine's folders.
    said = re.sub(r" from '[^']*'", "", str(error)).strip()[:200]
    said = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return RefusedError(f"The model file can't be loaded ({said}){tail}", again)


def class_values(model: Any) -> list[Any]:
    """The two classes the model tells apart, as plain Python values."""
    import numpy as np

    kind = type(model).__name__
    if not hasattr(model, "predict"):
        article = "an" if kind[:1].lower() in "aeiou" else "a"
        raise RefusedError(
            f"This file holds {article} {kind}, not a model",
            "Save the fitted classifier itself with joblib.dump",
        )
    classes = getattr(model, "classes_", None)
    if classes is None:
        unfitted = hasattr(model, "predict_proba") or hasattr(model, "decision_function")
        also = ", or has not been fitted: it names no classes" if unfitted else ""
        raise RefusedError(
            f"{kind} is not a classifier{also}", "Audits need a fitted classifier with two classes"
        )
    if isinstance(classes, list) and any(np.ndim(part) for part in classes):
        raise RefusedError(f"{kind} predicts several labels at once", "Audit one label at a time")
    values: list[Any] = np.ravel(np.asarray(classes)).tolist()
    if len(values) != 2:
        raise RefusedError(f"{kind} tells {len(values)} classes apart; an audit needs exactly two")
    return values


def as_text(value: Any) -> str:
    """A class as a person would write it: the float 1.0 is `1`."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def describe(model: Any, versions: list[str], request: dict[str, Any]) -> dict[str, Any]:
    """What the model says of itself, ready to be sent."""
    from sklearn import __version__ as here

    values = class_values(model)
    classes = [as_text(value) for value in values]
    positive = classes[1] if request["positive"] is None else request["positive"]
    if positive not in classes:
        problem = f"The positive class is not one of the model's classes, {classes[0]} and {classes[1]}"
        raise RefusedError(problem, "Name one of these as the positive class")
    names = getattr(model, "feature_names_in_", None)
    n_features = getattr(model, "n_features_in_", None)
    probability = hasattr(model, "predict_proba")
    notes = [skew_note(versions)] if versions else []
    if not probability:
        notes.append("the model gives no probabilities: its score is the 0/1 prediction")
    return {
        "class_name": type(model).__name__,
        "sklearn_version": versions[0] if versions else here,
        "classes": classes,
        "positive": positive,
        "features": None if names is None else [str(name) for name in names],
        "n_features": None if n_features is None else int(n_features),
        "kind": "probability" if probability else "decision",
        "notes": notes,
    }


def score(model: Any, stream: bytes, description: dict[str, Any]) -> bytes:
    """The positive class's score of every row of one Arrow stream, as little-endian float64."""
    import numpy as np
    import pyarrow as pa

    # A missing text becomes NaN in pandas' `str` column, as pandas.read_csv gives it.
    frame = pa.ipc.open_stream(stream).read_all().to_pandas(use_threads=False)
    # A model fitted on a bare array is given one back, in the order the caller vouches for.
    rows = frame if description["features"] is not None else frame.to_numpy()
    at = description["classes"].index(description["positive"])
    probability = description["kind"] == "probability"
    given = np.asarray(model.predict_proba(rows) if probability else model.predict(rows))
    wanted = (len(frame), 2) if probability else (len(frame),)
    if given.shape != wanted:  # fewer scores than rows would silently shift people's scores
        raise RefusedError(f"The model returned an array of shape {given.shape} where {wanted} was expected")
    scores = given[:, at] if probability else given == class_values(model)[at]
    return np.ascontiguousarray(scores, dtype="<f8").tobytes()


def why_not_scored(error: BaseException) -> RefusedError:
    """The sentence for a batch that failed, without the library's own words."""
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, MemoryError):
        return RefusedError("Scoring needs more memory than the model may use")
    said = str(error)
    reasons = [reason for words, reason in SCORING_REASONS if words in said]
    detail = f"{type(error).__name__}: {reasons[0]}" if reasons else type(error).__name__
    return RefusedError(f"The model failed while scoring ({detail})")


def open_model(requests: BinaryIO, replies: BinaryIO) -> tuple[Any, dict[str, Any]] | None:
    """The loaded model and its description, both told to the other side; None when refused."""
    request, raw = receive(requests), receive(requests)
    if request is None or raw is None:
        return None
    try:
        model, versions = load(raw)
        description = describe(model, versions, json.loads(request))
    except BaseException as error:  # noqa: BLE001 - a property of the model may raise anything
        refused = error if isinstance(error, RefusedError) else why_not_loaded(error, [])
        send_json(replies, error=refused.problem, remedy=refused.remedy)
        return None
    send_json(replies, **description)
    return model, description


def main() -> None:
    """One model, any number of batches, then gone."""
    requests, replies = take_pipes()
    settings = receive(requests)
    if settings is None:
        return
    reduced = limit_resources(json.loads(settings))
    for library in ("joblib", "pandas", "pyarrow", "sklearn.pipeline"):
        importlib.import_module(library)  # all of them before a byte of the model arrives
    sys.modules["__main__"] = Notebook("__main__")
    send_json(replies, reduced=reduced)
    opened = open_model(requests, replies)
    warnings.simplefilter("ignore")
    while opened is not None and (stream := receive(requests)) is not None:
        try:
            scores = score(opened[0], stream, opened[1])
        except BaseException as error:  # noqa: BLE001 - the model may raise anything
            refused = why_not_scored(error)
            send_json(replies, error=refused.problem, remedy=refused.remedy)
        else:
            send_json(replies, rows=len(scores) // 8)
            send(replies, scores)


if __name__ == "__main__":
    main()
    os._exit(0)  # whatever the model registered to run at exit does not

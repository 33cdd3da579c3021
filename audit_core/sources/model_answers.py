"""What a loaded model says of itself, and its scores, in the process the model has taken over.

Standard library at the top: the worker loads this file by its path. Only what the worker has already
imported is imported here, so nothing is looked for once the process is locked.
"""

from __future__ import annotations

import re
import sys
from typing import Any, Final

# A library's message may quote a cell of someone's data, so only these reasons are ever passed on.
SCORING_REASONS: Final = (
    ("could not convert string to float", "a text value reached a step that wants numbers"),
    ("contains NaN", "it does not accept missing values"),
    ("unknown categories", "a column holds a category it never saw in training"),
    ("feature names", "its columns are not the ones it was fitted on"),
)


_MOST_PARTS: Final = 1_000_000


class RefusedError(Exception):
    """A sentence for the person about the model, with what to do about it."""

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy


def skew_note(versions: list[str]) -> str:
    """The sentence on a model saved by another scikit-learn."""
    from sklearn import __version__ as here

    return f"saved with scikit-learn {', '.join(versions[:3])}, here {here}" if versions else ""


def is_here(version: str) -> bool:
    """Whether a version of scikit-learn is the one in this process."""
    from sklearn import __version__ as here

    return version == str(here)


class NotebookError(ImportError):
    """The model names something that its author defined in a notebook or script."""


def versions_in(raw: bytes) -> list[str]:
    """Versions an uncompressed file states beside its estimators, for when it fails before they load."""
    from sklearn import __version__ as here

    found = re.findall(rb"_sklearn_version.{1,8}?(\d+\.\d+(?:\.\d+)?)", raw, re.DOTALL)
    return [text for text in dict.fromkeys(v.decode() for v in found) if text != here]


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
    if isinstance(error, EOFError) or type(error).__name__ == "UnpicklingError":
        return RefusedError(f"The model file is cut short or damaged{tail}", "Copy the file again")
    # A message such as "<module 'x' from '/home/…'>" would show this machine's folders.
    told = error.strerror or "" if isinstance(error, OSError) else str(error)
    said = re.sub(r" from '[^']*'", "", told).strip()[:200]
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
            "Save the fitted classifier itself",
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
        "sklearn_version": "" if request.get("format") == "onnx" else versions[0] if versions else here,
        "classes": classes,
        "positive": positive,
        "features": None if names is None else [str(name) for name in names],
        "n_features": None if n_features is None else int(n_features),
        "kind": "probability" if probability else "decision",
        "notes": notes,
    }


def rehearse() -> None:
    """Score a few rows once: libraries import some of their parts only when these are first used."""
    import pyarrow as pa
    from sklearn.compose import make_column_transformer
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    rows = pa.table(
        {"number": [1.0, 2.0, None, 4.0], "text": ["a", "b", None, "a"], "yes": [True, False] * 2}
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    columns = make_column_transformer((StandardScaler(), ["yes"]), (OneHotEncoder(), ["text"]))
    model = make_pipeline(columns, KNeighborsClassifier(2)).fit(
        rows.to_pandas(use_threads=False), [0, 1, 0, 1]
    )
    score(model, sink.getvalue(), describe(model, [], {"positive": None}))


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


def why_not_scored(error: BaseException, saved_with: str = "") -> RefusedError:
    """The sentence for a batch that failed, without the library's own words."""
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, MemoryError):
        return RefusedError("Scoring needs more memory than the model may use")
    said = str(error)
    reasons = [reason for words, reason in SCORING_REASONS if words in said]
    detail = f"{type(error).__name__}: {reasons[0]}" if reasons else type(error).__name__
    skew = skew_note([saved_with] if saved_with and not is_here(saved_with) else [])
    if not skew:
        return RefusedError(f"The model failed while scoring ({detail})")
    again = "Save the model again with the scikit-learn used here"
    return RefusedError(f"The model failed while scoring ({detail}; {skew})", again)


def check_indices(model: Any) -> None:
    """Refuse a sparse matrix whose indices lie outside it: SciPy's own loops would write there."""
    from scipy.sparse import issparse

    waiting: list[Any] = [model]
    seen: set[int] = set()
    while waiting and len(seen) < _MOST_PARTS:
        part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        if issparse(part):
            try:
                part.check_format(full_check=True)
            except Exception as error:
                raise RefusedError("The model holds a sparse matrix that is damaged") from error
        elif isinstance(part, dict):
            waiting += part.values()
        elif isinstance(part, (list, tuple, set, frozenset)):
            waiting += part
        elif getattr(getattr(part, "dtype", None), "hasobject", False):
            waiting += part.ravel().tolist()
        else:
            waiting += getattr(part, "__dict__", {}).values()

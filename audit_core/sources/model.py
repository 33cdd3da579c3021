"""A model file, from arrival to scores. Loading one runs its author's code, so the order never changes:

1. `identify_model` reads the bytes once, hashes them and says what they are. Nothing is executed.
2. `audit_core.sources.model_inspect` reads the same bytes into symbols and judges them by the policy.
3. `audit_core.sources.model_trust` says who vouches for exactly these bytes, if anybody does.
4. `audit_core.sources.scoring.Scorer` loads the same bytes in a locked process of their own.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal

from audit_core.errors import ModelError

MAX_BYTES: Final = 512 * 2**20
PREDICTIONS_INSTEAD: Final = "Upload a predictions column instead"
_CHUNK: Final = 2**20

# joblib writes a pickle stream of protocol 2 or later, plain or inside one of these compressions.
_JOBLIB: Final = re.compile(
    rb"\x80[\x02-\x05]|\x1f\x8b\x08|BZh[1-9]|\xfd7zXZ\x00|\x5d\x00\x00|\x04\x22\x4d\x18|\x78[\x01\x5e\x9c\xda]",
    re.DOTALL,
)
Format = Literal["joblib", "skops", "onnx"]

_ZIP: Final = b"PK\x03\x04"
# An ONNX file opens with the version of its format (field 1), and then any other field of a model.
_ONNX: Final = re.compile(rb"\x08[\x01-\x14][\x12\x1a\x22\x28\x32\x3a\x42\x72]")
_SAVE_AGAIN: Final = (
    "Save the fitted classifier with joblib, skops or ONNX, or upload a predictions column instead"
)
_AS_DATA: Final = "Give it as the data of the audit; the model is the file its training wrote"
_KNOWN: Final[tuple[tuple[bytes, str, str], ...]] = (
    (b"PAR1", "a Parquet table", _AS_DATA),
    (b"ARROW1", "an Arrow table", _AS_DATA),
    (b"\x89HDF", "an HDF5 file (Keras)", _SAVE_AGAIN),
    (b"\x93NUMPY", "a NumPy array", _SAVE_AGAIN),
    (
        b"version https://git-lfs",
        "a Git LFS pointer, not the model",
        "Fetch the file itself with git lfs pull",
    ),
    (b"%PDF", "a PDF document", _SAVE_AGAIN),
    (b"\x7fELF", "a program", _SAVE_AGAIN),
    (b"\x89PNG", "a picture", _SAVE_AGAIN),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """A file that has the shape of a saved model. It has not been loaded, and may never be."""

    name: str
    path: Path
    sha256: str
    bytes: int
    format: Format


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What the scoring process is told about a file before it receives its bytes.

    Parameters
    ----------
    modules
        The modules to import before the lock closes: those of the names the inspection found.
    names
        Every `module:name` the file may ask for; any other ends the load. None where the format names no
        Python objects (ONNX).
    """

    format: Format
    modules: tuple[str, ...]
    names: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDescription:
    """What a loaded model says of itself. Every text in it was chosen by the file's author.

    Parameters
    ----------
    sklearn_version
        The scikit-learn that saved the model, as far as the file tells; otherwise the one here.
    positive
        The class whose score is returned.
    features
        The columns the model was fitted on, in order; None when it does not record them.
    kind
        `probability`, or `decision` when the model gives only its 0/1 prediction.
    """

    class_name: str
    sklearn_version: str
    classes: tuple[str, ...]
    positive: str
    features: tuple[str, ...] | None
    n_features: int | None
    kind: Literal["probability", "decision"]
    notes: tuple[str, ...]


def identify_model(path: Path, name: str | None = None) -> ModelFile:
    """The file's size, SHA-256 and format, without loading it.

    Raises
    ------
    ModelError
        The file is missing, empty, too large, or clearly something else than a joblib file.
    """
    shown = path.name if name is None else name
    if not path.is_file():
        problem = "This is a folder, not a model file" if path.is_dir() else "The model file does not exist"
        raise ModelError(problem, where=shown, remedy="Give the file written by joblib.dump")
    try:
        with path.open("rb") as stream:
            head, sha256, size = _digest(stream)
    except OSError as error:
        raise ModelError(
            f"The model file can't be read ({error.strerror})", where=shown, remedy="Check its permissions"
        ) from error
    if size == 0:
        raise ModelError("The model file is empty", where=shown, remedy=_SAVE_AGAIN)
    if size > MAX_BYTES:
        limit = f"The model file is larger than {MAX_BYTES // 2**20} MiB"
        raise ModelError(limit, where=shown, remedy=PREDICTIONS_INSTEAD)
    found = _format(head, shown)
    return ModelFile(name=shown, path=path, sha256=sha256, bytes=size, format=found)


def read_identified(model: ModelFile) -> bytes:
    """The bytes that were identified: the same SHA-256 again, or a refusal.

    Raises
    ------
    ModelError
        The file has gone, or its content changed since it was identified.
    """
    try:
        with model.path.open("rb") as stream:
            raw = stream.read(model.bytes + 1)
    except OSError as error:
        raise ModelError(
            "The model file can no longer be read", where=model.name, remedy="Give the file again"
        ) from error
    if hashlib.sha256(raw).hexdigest() != model.sha256:
        raise ModelError(
            "The model file changed after it was identified",
            where=model.name,
            remedy="Give the file again, and trust it again if you know why it changed",
        )
    return raw


def _digest(stream: BinaryIO) -> tuple[bytes, str, int]:
    """First bytes, SHA-256 and size, reading no further than one chunk past the cap."""
    digest = hashlib.sha256()
    head, size = b"", 0
    while size <= MAX_BYTES and (chunk := stream.read(_CHUNK)):
        head = head or chunk[:4096]
        digest.update(chunk)
        size += len(chunk)
    return head, digest.hexdigest(), size


def _format(head: bytes, name: str) -> Format:
    """The format by the first bytes and never by the name; what is clearly something else is refused."""
    for magic, kind, remedy in _KNOWN:
        if head.startswith(magic):
            raise ModelError(f"This file is {kind}, not a model", where=name, remedy=remedy)
    if head.startswith(_ZIP):
        return "skops"
    if _looks_like_text(head):
        raise ModelError("This file is text, such as a CSV table, not a model", where=name, remedy=_AS_DATA)
    if _JOBLIB.match(head):
        return "joblib"
    if _ONNX.match(head):
        return "onnx"
    raise ModelError("This file is not a model of a format that is read", where=name, remedy=_SAVE_AGAIN)


def _looks_like_text(head: bytes) -> bool:
    """Whether the first bytes are UTF-8 without control characters (a zlib magic is ASCII too)."""
    # The head may end inside a character of up to four bytes.
    text = head.decode("utf-8", errors="ignore")
    whole = len(text.encode()) >= len(head) - 3
    return whole and not re.search(r"[\x00-\x08\x0e-\x1f\x7f]", text)

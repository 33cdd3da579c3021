"""A model file, from arrival to trust: identified, then trusted, and only then handed to the scorer.

Loading a joblib file runs its author's code, so the order never changes:

1. `identify_model` reads the bytes once, hashes them and says what they are. Nothing is executed.
2. `require_trust` asks whether a person, or the release itself, vouches for exactly these bytes.
3. `audit_core.sources.scoring.Scorer` loads the same bytes in a process of their own.

A static inspection of the file belongs between 1 and 2: it will turn the question "do you trust
this file?" into "which of its names do you trust?". Until it exists every file needs step 2.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal

from audit_core.errors import ModelError

MAX_BYTES: Final = 512 * 2**20
PREDICTIONS_INSTEAD: Final = "Upload a predictions column instead"
_CHUNK: Final = 2**20
_PINS: Final = Path(__file__).with_name("pins.json")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")

# joblib writes a pickle stream of protocol 2 or later, plain or inside one of these compressions.
_JOBLIB: Final = re.compile(
    rb"\x80[\x02-\x05]|\x1f\x8b\x08|BZh[1-9]|\xfd7zXZ\x00|\x5d\x00\x00|\x04\x22\x4d\x18|\x78[\x01\x5e\x9c\xda]",
    re.DOTALL,
)
_SAVE_AGAIN: Final = (
    "Save the fitted classifier itself with joblib.dump, or upload a predictions column instead"
)
_AS_DATA: Final = "Give it as the data of the audit; the model is the file written by joblib.dump"
_KNOWN: Final[tuple[tuple[bytes, str, str], ...]] = (
    (b"PAR1", "a Parquet table", _AS_DATA),
    (b"ARROW1", "an Arrow table", _AS_DATA),
    (b"PK\x03\x04", "a zip archive (skops, NumPy .npz, PyTorch, Excel)", _SAVE_AGAIN),
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
    format: Literal["joblib"]


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

    format: Literal["joblib", "skops", "onnx"]
    modules: tuple[str, ...]
    names: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Who vouches for the bytes with this SHA-256: the release itself, or a person."""

    sha256: str
    by: Literal["pinned", "person"]


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
    _require_joblib(head, shown)
    return ModelFile(name=shown, path=path, sha256=sha256, bytes=size, format="joblib")


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


def pinned_models() -> Mapping[str, str]:
    """The models that ship with this release, as SHA-256 → why each one is trusted.

    Raises
    ------
    ModelError
        The list of pins that belongs to this release is damaged.
    """
    try:
        pins = json.loads(_PINS.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise _damaged_pins() from error
    if not isinstance(pins, dict):
        raise _damaged_pins()
    for sha256, reason in pins.items():
        if not _SHA256.fullmatch(sha256) or not isinstance(reason, str):
            raise _damaged_pins()
    return pins


def is_trusted(model: ModelFile, trusted: Collection[str]) -> bool:
    """Whether the release or a person vouches for exactly this file."""
    return _vouched_by(model, trusted) is not None


def require_trust(model: ModelFile, trusted: Collection[str]) -> Trust:
    """Who vouches for this file; `trusted` holds the SHA-256 of each file a person accepted.

    Raises
    ------
    ModelError
        Nobody does.
    """
    by = _vouched_by(model, trusted)
    if by is None:
        raise ModelError(
            "This model file has not been trusted yet",
            where=model.name,
            remedy="Loading a joblib file runs its author's code. If you know where it comes from, pass "
            f"--trust {model.sha256}; or upload a predictions column instead",
        )
    return Trust(sha256=model.sha256, by=by)


def _vouched_by(model: ModelFile, trusted: Collection[str]) -> Literal["pinned", "person"] | None:
    if model.sha256 in pinned_models():
        return "pinned"
    # A hash is copied from other tools' output: capitals and a "sha256:" prefix name the same bytes.
    accepted = {text.strip().lower().removeprefix("sha256:") for text in trusted}
    return "person" if model.sha256 in accepted else None


def _digest(stream: BinaryIO) -> tuple[bytes, str, int]:
    """First bytes, SHA-256 and size, reading no further than one chunk past the cap."""
    digest = hashlib.sha256()
    head, size = b"", 0
    while size <= MAX_BYTES and (chunk := stream.read(_CHUNK)):
        head = head or chunk[:4096]
        digest.update(chunk)
        size += len(chunk)
    return head, digest.hexdigest(), size


def _require_joblib(head: bytes, name: str) -> None:
    """Refuse what is clearly another kind of file, by its first bytes and never by its name."""
    for magic, kind, remedy in _KNOWN:
        if head.startswith(magic):
            raise ModelError(f"This file is {kind}; a model is a joblib file", where=name, remedy=remedy)
    if _looks_like_text(head):
        raise ModelError("This file is text, such as a CSV table, not a model", where=name, remedy=_AS_DATA)
    if not _JOBLIB.match(head):
        # An ONNX file opens with its format version (field 1) and the producer's name (field 2).
        onnx = re.match(rb"\x08[\x01-\x20]\x12", head) is not None
        kind = "an ONNX model, which is not read yet" if onnx else "not a joblib file"
        raise ModelError(f"This file is {kind}", where=name, remedy=_SAVE_AGAIN)


def _looks_like_text(head: bytes) -> bool:
    """Whether the first bytes are UTF-8 without control characters (a zlib magic is ASCII too)."""
    # The head may end inside a character of up to four bytes.
    text = head.decode("utf-8", errors="ignore")
    whole = len(text.encode()) >= len(head) - 3
    return whole and not re.search(r"[\x00-\x08\x0e-\x1f\x7f]", text)


def _damaged_pins() -> ModelError:
    return ModelError(
        "The list of models pinned by this release is damaged", where=_PINS.name, remedy="Install it again"
    )

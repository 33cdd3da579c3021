"""A model file is identified by its bytes, and only the bytes that were identified are ever used."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import joblib
import pytest
from sklearn.linear_model import LogisticRegression

from audit_core.errors import ModelError
from audit_core.sources import model as model_module
from audit_core.sources.model import (
    ModelFile,
    identify_model,
    read_identified,
)


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.fixture
def fitted(tmp_path: Path) -> Path:
    path = tmp_path / "model.joblib"
    joblib.dump(LogisticRegression().fit([[0.0], [1.0]], [0, 1]), path)
    return path


def test_a_model_is_its_bytes(fitted: Path) -> None:
    content = fitted.read_bytes()
    assert identify_model(fitted, "upload.joblib") == ModelFile(
        name="upload.joblib",
        path=fitted,
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        format="joblib",
    )
    assert identify_model(fitted).name == "model.joblib"
    assert read_identified(identify_model(fitted)) == content


@pytest.mark.parametrize(
    "compress", [("zlib", 1), ("zlib", 9), ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)]
)
def test_every_compression_of_joblib_is_recognised(tmp_path: Path, compress: tuple[str, int]) -> None:
    joblib.dump({"a": list(range(50))}, tmp_path / "m", compress=compress)
    assert identify_model(tmp_path / "m").format == "joblib"


def test_plain_pickles_and_lz4_are_recognised(tmp_path: Path) -> None:
    for protocol in (2, 3, 4, 5):
        assert (
            identify_model(written(tmp_path / "p", pickle.dumps([1], protocol=protocol))).format == "joblib"
        )
    assert identify_model(written(tmp_path / "l", b"\x04\x22\x4d\x18\x00\x01\xff")).format == "joblib"


@pytest.mark.parametrize(
    ("content", "problem", "remedy"),
    [
        (b"", "empty", "predictions"),
        (b"x,y\n1,2\n", "text", "data of the audit"),
        ("größe,alter\n1,2\n".encode() * 400, "text", "data of the audit"),
        (b"x^2,y\n1,2\n", "text", "data of the audit"),
        (b"(lp0\n.", "text", "data of the audit"),
        (b"PAR1\x15\x04\x15", "Parquet", "data of the audit"),
        (b"ARROW1\x00\x00", "Arrow", "data of the audit"),
        (b"\x89HDF\r\n\x1a\n", "Keras", "predictions"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer", "git lfs pull"),
        (b"\x93NUMPY\x01\x00", "NumPy array", "predictions"),
        (b"\x00\x01\x02\x03", "not a model of a format", "predictions"),
        (b"\x80\x09\x00", "not a model of a format", "predictions"),
    ],
)
def test_another_kind_of_file_is_named(tmp_path: Path, content: bytes, problem: str, remedy: str) -> None:
    with pytest.raises(ModelError) as caught:
        identify_model(written(tmp_path / "model.joblib", content))
    assert problem in caught.value.problem
    assert remedy in caught.value.remedy
    assert caught.value.where == "model.joblib"


def test_missing_folder_and_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match="does not exist"):
        identify_model(tmp_path / "none")
    with pytest.raises(ModelError, match="folder"):
        identify_model(tmp_path)
    monkeypatch.setattr(model_module, "MAX_BYTES", 100)
    with pytest.raises(ModelError, match="larger than"):
        identify_model(written(tmp_path / "m", pickle.dumps(b"." * 100)))
    assert identify_model(written(tmp_path / "m", pickle.dumps(b".")[:100])).bytes < 100


def test_a_file_that_changed_is_refused(fitted: Path) -> None:
    found = identify_model(fitted)
    content = fitted.read_bytes()
    for other in (content + b"\x00", content[:-1], bytes([*content[:-1], content[-1] ^ 1])):
        fitted.write_bytes(other)
        with pytest.raises(ModelError, match="changed after"):
            read_identified(found)
    fitted.unlink()
    with pytest.raises(ModelError, match="no longer"):
        read_identified(found)

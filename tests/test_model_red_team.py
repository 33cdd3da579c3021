"""Files that were verified once and did harm outside the lock, and files that took for ever to read."""

from __future__ import annotations

import io
import json
import pickle
import time
import zipfile

import joblib
import numpy as np
import pyarrow as pa
import pytest
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import Bunch

from audit_core.errors import ModelError
from audit_core.sources.admission import admit_model
from audit_core.sources.model_inspect import PolicyJudge, inspect_payload
from audit_core.sources.model_policy import read_policy
from audit_core.sources.model_skops import inspect_skops
from audit_core.sources.model_symbols import Made, Named, Pairs
from audit_core.sources.scoring import Scorer

LONG = 60
"""Seconds that only a hang takes."""


def text(word):
    """A text, as an instruction writes it."""
    return b"\x8c" + bytes([len(word)]) + word.encode()


def name(module, word):
    """A name that is asked for."""
    return b"c" + module.encode() + b"\n" + word.encode() + b"\n"


def dtype(code, state):
    """A saved type: called, then given its state."""
    return name("numpy", "dtype") + text(code) + b"\x89\x88\x87R(K\x03" + state + b"tb"


PLAIN = text("|") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00"
DOUBLE = dtype("f8", PLAIN)
OBJECTS = dtype("O8", PLAIN[:-2] + b"K\x3f")
PLACE = name("joblib.numpy_pickle", "NumpyArrayWrapper") + b")\x81"


def model(fields):
    """A logistic regression with these fields, each a name and the instructions that make its value."""
    items = b"".join(text(key) + value for key, value in fields.items())
    body = name("sklearn.linear_model._logistic", "LogisticRegression") + b")\x81}(" + items + b"ub"
    return b"\x80\x04" + body + b"."


def place(kind, length):
    """joblib's place for an array of this type."""
    fields = text("subclass") + name("numpy", "ndarray") + text("shape") + b"K" + bytes([length]) + b"\x85"
    fields += text("order") + text("C") + text("dtype") + kind + text("allow_mmap") + b"\x88"
    return PLACE + b"}(" + fields + b"ub"


@pytest.fixture(scope="module")
def fitted():
    """A small fitted model."""
    rng = np.random.default_rng(1)
    return LogisticRegression().fit(rng.normal(size=(40, 2)), rng.integers(0, 2, 40))


def verdict(fitted, **fields):
    """The verdict on a fitted model with other fields."""
    changed = pickle.loads(pickle.dumps(fitted))
    for field, value in fields.items():
        setattr(changed, field, value)
    stream = io.BytesIO()
    joblib.dump(changed, stream)
    return inspect_payload(stream.getvalue()).verdict


def test_the_parts_of_these_files_are_in_order():
    """Without their tricks they are verified: the refusals below are for the tricks."""
    assert inspect_payload(model({"coef_": place(DOUBLE, 2) + b"\0" * 16})).verdict == "verified"
    inner = b"\x80\x03" + name("numpy._core.multiarray", "_reconstruct") + name("numpy", "ndarray")
    inner += b"K\x00\x85C\x01b\x87R(K\x01K\x00\x85" + OBJECTS + b"\x89]tb."
    seen = inspect_payload(model({"coef_": place(OBJECTS, 0) + inner}))
    assert seen.verdict == "verified", seen.reasons


def test_an_array_of_joblib_inside_an_array_of_objects():
    """joblib's inner reader would take the bytes after its place for instructions."""
    payload = b"0" + name("os", "system") + text("true") + b"\x85R"
    hidden = b"\x80\x03" + place(dtype("u1", PLAIN), len(payload)) + payload + b"."
    seen = inspect_payload(model({"coef_": place(OBJECTS, 1) + hidden}))
    assert seen.verdict == "refused"
    assert "array of objects" in seen.reasons[0]


def test_what_was_judged_is_not_changed_afterwards():
    """NumPy keeps the fields of a record by reference."""
    fields = b"}q\x01" + text("a") + DOUBLE + b"K\x00\x86s"
    record = name("numpy", "dtype") + text("V8") + b"\x89\x88\x87Rq\x00"
    record += b"(K\x03" + text("|") + b"N" + text("a") + b"\x85" + fields + b"K\x08K\x01K\x10tb"
    honest = inspect_payload(model({"note_": record}))
    assert honest.verdict == "verified", honest.reasons
    seen = inspect_payload(model({"note_": record, "other_": b"h\x01" + text("a") + OBJECTS + b"K\x00\x86s"}))
    assert seen.verdict == "refused"
    assert "changes something after it was used" in seen.reasons[0]


def test_names_that_numpy_asks_every_object_for(fitted):
    interface = {"data": (4096, False), "shape": (2,), "typestr": "<i8", "version": 3}
    assert verdict(fitted, classes_=Bunch(__array_interface__=interface)) == "refused"
    assert verdict(fitted, note_=Bunch(plain=1)) == "verified"


@pytest.mark.parametrize("function", [np.memmap, np.ndarray, np.ma.MaskedArray])
def test_classes_of_arrays_are_no_functions(fitted, function):
    stream = io.BytesIO()
    joblib.dump(make_pipeline(FunctionTransformer(function, kw_args={"mode": "w+"}), fitted), stream)
    assert inspect_payload(stream.getvalue()).verdict == "refused"


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("stack_method_", ["tofile"], "refused"),
        ("stack_method_", "tofile", "refused"),
        ("response_method", ("dump",), "refused"),
        ("stack_method_", ["predict_proba", "predict"], "verified"),
        ("input", "filename", "refused"),
        ("input", "file", "refused"),
        ("input", "content", "verified"),
        ("_sklearn_output_config", {"transform": "polars"}, "refused"),
        ("_sklearn_output_config", {"transform": "pandas"}, "verified"),
    ],
)
def test_fields_that_name_a_method_a_file_or_a_library(fitted, field, value, expected):
    assert verdict(fitted, **{field: value}) == expected


@pytest.mark.parametrize("at", [-1, 625, 10**6, 0.5])
def test_a_generator_that_points_outside_its_buffer(fitted, at):
    assert verdict(fitted, random_state=np.random.RandomState(0)) == "verified"
    made = Made("call", Named("numpy.random._pickle", "__randomstate_ctor"), ())
    for position, refused in ((624, False), (at, True)):
        judge = PolicyJudge(read_policy())
        judge.build(made, Pairs([("bit_generator", "MT19937"), ("state", Pairs([("pos", position)]))]))
        assert bool(judge.reasons) == refused


@pytest.mark.parametrize(
    "payload",
    [
        b"\x80\x04)\x94"
        + b"".join(b"(" + (b"h" + bytes([i])) * 12 + b"t\x94" for i in range(40))
        + name("numpy", "int64")
        + b"h\x28\x85R.",
        b"\x80\x04(" + b"N" * 20_000 + b"t\x94](" + b"h\x00" * 20_000 + b"e.",
        b"\x80\x04" + b"N" * 9_000_000 + b".",
    ],
    ids=["tuples of tuples", "one long tuple many times", "too many instructions"],
)
def test_nothing_takes_for_ever(payload):
    began = time.monotonic()
    assert inspect_payload(payload).verdict == "refused"
    assert time.monotonic() - began < LONG


def test_a_text_of_any_length_is_not_read():
    payload = b"\x80\x04X" + (2**25).to_bytes(4, "little") + b"x" * 2**25 + b"."
    assert "longer than 16 MiB" in inspect_payload(payload).reasons[0]


def test_a_text_that_can_not_be_printed_is_not_read():
    assert inspect_payload(b"\x80\x04\x8c\x03\xed\xb2\x80.").verdict == "refused"


def test_a_description_of_many_parts_is_not_read():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", json.dumps([{"": 0}] * 900_000))
    began = time.monotonic()
    assert inspect_skops(stream.getvalue()).verdict == "refused"
    assert time.monotonic() - began < LONG


@pytest.mark.parametrize("column", [3, 2000, -1])
def test_a_sparse_matrix_that_points_outside_itself(fitted, tmp_path, column):
    """SciPy would write there; the scores that came back would look like any others."""
    changed = pickle.loads(pickle.dumps(fitted))
    changed.coef_ = csr_matrix(fitted.coef_)
    joblib.dump(changed, tmp_path / "good.joblib")
    changed.coef_.indices = np.array([column] * len(changed.coef_.indices), dtype=np.int32)
    joblib.dump(changed, tmp_path / "bad.joblib")
    rows = pa.table({"a": [0.1, -0.2], "b": [0.3, 0.4]})
    for name, refused in (("good.joblib", False), ("bad.joblib", True)):
        found = admit_model(tmp_path / name, None, isolated=True)
        scorer = Scorer(found.model, found.trust, found.opening, features=("a", "b"))
        if refused:
            with pytest.raises(ModelError, match="sparse matrix that is damaged"):
                scorer.__enter__()
        else:
            with scorer as started:
                assert len(started.score(rows)) == 2

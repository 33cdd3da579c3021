"""A model file read without running it: what is verified, what is a question, what is refused."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import sys
import types

import joblib
import numpy as np
import pytest
from make_model_policy import TABLE, audited, table
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from audit_core.errors import ModelError
from audit_core.sources.model_bytes import GROWTH_FREE, unpacked
from audit_core.sources.model_inspect import inspect_payload
from audit_core.sources.model_policy import RULES, read_policy


def dumped(thing, **options):
    """The bytes joblib writes for an object."""
    stream = io.BytesIO()
    joblib.dump(thing, stream, **options)
    return stream.getvalue()


@pytest.fixture(scope="module")
def logistic():
    """A small fitted model."""
    rng = np.random.default_rng(1)
    return LogisticRegression().fit(rng.normal(size=(40, 2)), rng.integers(0, 2, 40))


class Calls:
    """Pickles as a call of a function with arguments."""

    def __init__(self, function, *arguments, state=None):
        self.function, self.arguments, self.state = function, arguments, state

    def __reduce__(self):
        call = (self.function, self.arguments)
        return call if self.state is None else (*call, self.state)


def hidden_in(model, thing, where="note_"):
    """A fitted model with something else among its fields."""
    changed = pickle.loads(pickle.dumps(model))
    setattr(changed, where, thing)
    return dumped(changed)


def test_the_table_is_what_the_script_makes():
    stored, made = json.loads(TABLE.read_bytes()), table()
    assert made["names"] == stored["names"]
    assert made["made_from"] == stored["made_from"]
    assert set(audited()) <= set(stored["audited"])


def test_every_use_in_the_table_has_a_rule():
    policy = read_policy()
    for label, uses in policy.names.items():
        for use in uses:
            assert policy.rule(label, use) is RULES[use, uses[use]]


def test_no_whole_package_is_allowed_and_nothing_dangerous_is_named():
    names = read_policy().names
    assert all(label.count(":") == 1 and not label.endswith((":", "*")) for label in names)
    modules = {label.partition(":")[0].partition(".")[0] for label in names}
    assert modules == {
        "_codecs",
        "builtins",
        "collections",
        "joblib",
        "numpy",
        "scipy",
        "sklearn",
        "xgboost",
        "lightgbm",
    }
    builtin = {label.partition(":")[2] for label in names if label.startswith("builtins:")}
    values = {"int", "float", "str", "bool", "object", "list", "dict"}
    assert builtin == values | {"bytearray", "slice", "bytes", "set", "frozenset"}
    callable_ones = {label for label, uses in names.items() if "call" in uses}
    assert not {label for label in callable_ones if label.startswith(("sklearn.datasets", "numpy.lib"))}
    assert "joblib.numpy_pickle_compat:NDArrayWrapper" not in names


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_every_protocol_of_joblib_is_read(logistic, protocol):
    seen = inspect_payload(dumped(make_pipeline(StandardScaler(), logistic), protocol=protocol))
    assert seen.verdict == "verified", seen.reasons
    assert seen.class_name == "sklearn.pipeline.Pipeline"
    assert len(seen.versions) == 1


@pytest.mark.parametrize("packing", ["zlib", "gzip", "bz2", "xz", "lzma", "lz4"])
def test_every_compression_of_joblib_is_read(logistic, packing):
    raw = dumped(logistic, compress=(packing, 3))
    payload = unpacked(raw, "m")
    assert payload[:1] == b"\x80"
    assert inspect_payload(payload).verdict == "verified"


def test_features_are_read_from_a_model_and_from_the_first_step_of_a_pipeline():
    import pandas as pd

    frame = pd.DataFrame({"años": [0.0, 1, 2, 3], "pay": [1.0, 0, 1, 0]})
    model = LogisticRegression().fit(frame, [0, 0, 1, 1])
    piped = make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, [0, 0, 1, 1])
    assert inspect_payload(dumped(model)).features == ("años", "pay")
    assert inspect_payload(dumped(piped)).features == ("años", "pay")


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (os.system, ("true",)),
        (eval, ("1",)),
        (exec, ("1",)),
        (__import__, ("os",)),
        (getattr, (1, "real")),
        (np.load, ("x.npy",)),
        (np.fromfile, ("x",)),
        (np.memmap, ("x", "uint8", "w+", 0, (1,))),
        (np.ndarray, ((1,), "O")),
        (types.SimpleNamespace, ()),
        (io.BytesIO, (b"",)),
        (joblib.load, ("x",)),
        (struct.pack, ("b", 1)),
        (sys.exit, (0,)),
        (RandomForestClassifier, (10,)),
        (bytearray, (2**40,)),
        (bytearray, ("a", "utf-8")),
        (slice, ([], [], [])),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_call_that_no_saved_model_makes_is_refused(logistic, function, arguments):
    seen = inspect_payload(hidden_in(logistic, Calls(function, *arguments)))
    assert seen.verdict == "refused"
    assert seen.remedy


def test_a_payload_in_an_array_of_objects_is_found(logistic):
    inner = np.array([Calls(os.system, "true")], dtype=object)
    outer = np.array([inner, None], dtype=object)
    assert inspect_payload(hidden_in(logistic, inner)).verdict == "refused"
    assert inspect_payload(hidden_in(logistic, outer)).verdict == "refused"


def test_a_harmless_function_is_a_value_and_another_is_not(logistic):
    def piped(function):
        return dumped(make_pipeline(FunctionTransformer(function), logistic))

    assert inspect_payload(piped(np.log1p)).verdict == "verified"
    assert inspect_payload(piped(np.save)).verdict == "refused"
    assert inspect_payload(piped(print)).verdict == "refused"


def test_reconstructors_are_no_values(logistic):
    from numpy._core.multiarray import _reconstruct

    assert (
        inspect_payload(dumped(make_pipeline(FunctionTransformer(_reconstruct), logistic))).verdict
        == "refused"
    )
    assert (
        inspect_payload(dumped(make_pipeline(FunctionTransformer(np.dtype), logistic))).verdict == "refused"
    )


def test_a_class_of_an_unknown_package_is_a_question_and_its_functions_are_refused(logistic, monkeypatch):
    module = types.ModuleType("acme_models")
    monkeypatch.setitem(sys.modules, "acme_models", module)
    ours = type("Risk", (LogisticRegression,), {"__module__": "acme_models"})
    module.Risk = ours
    module.make = lambda: None
    module.make.__module__, module.make.__qualname__, module.make.__name__ = "acme_models", "make", "make"
    rng = np.random.default_rng(1)
    fitted = ours().fit(rng.normal(size=(40, 2)), rng.integers(0, 2, 40))
    seen = inspect_payload(dumped(fitted))
    assert (seen.verdict, seen.extra) == ("needs review", ("acme_models:Risk",))
    assert seen.class_name == "acme_models.Risk"
    called = inspect_payload(hidden_in(logistic, Calls(module.make)))
    assert called.verdict == "refused"
    assert "acme_models:make" in called.reasons[0]


def test_a_file_never_widens_what_it_may_do(logistic):
    """Neither its own metadata nor an accepted class makes another name acceptable."""
    seen = inspect_payload(hidden_in(logistic, {"audited": [], "names": {"os:system": {"call": "any"}}}))
    assert seen.verdict == "verified"
    both = hidden_in(logistic, [{"names": {"os:system": {}}}, Calls(os.system, "true")])
    assert inspect_payload(both).verdict == "refused"


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        ({"model": 1}, "a dict"),
        ([1], "a list"),
        ((1,), "a tuple"),
        (np.ones(3), "an array"),
        ("x", "a text"),
        (3, "a single"),
    ],
)
def test_what_is_no_model_is_named(thing, words):
    seen = inspect_payload(dumped(thing))
    assert seen.verdict == "refused"
    assert words in seen.reasons[0]


def test_a_class_from_a_notebook_says_what_to_do(logistic):
    payload = dumped(logistic).replace(b"sklearn.linear_model._logistic", b"__main__".ljust(30, b"_"))
    assert inspect_payload(payload).verdict == "needs review"  # __main________ is some package
    text = pickle.dumps(logistic, protocol=2).replace(b"csklearn.linear_model._logistic\n", b"c__main__\n", 1)
    seen = inspect_payload(text)
    assert seen.verdict == "refused"
    assert "notebook" in seen.reasons[0]
    assert "module" in seen.remedy


class TestTypes:
    """NumPy's own types with a wrong state: each of these turns bytes of the file into something else."""

    GOOD = (3, "<", None, None, None, -1, -1, 0)

    @pytest.mark.parametrize(
        ("code", "state"),
        [
            (("f8", False, True), (3, "<", None, None, None, 1, 1, 0)),
            (("f8", False, True), (3, "|", None, None, None, -1, -1, 63)),
            (("O8", False, True), (3, "|", None, None, None, -1, -1, 0)),
            (("O8", False, True), (3, "|", None, None, None, 8, 8, 0)),
            (("f8", False, False), GOOD),
            (("f8",), GOOD),
            (("V8", False, True), (3, "|", None, ("a",), {"a": ("not a dtype", 0)}, 8, 1, 16)),
            (("V8", False, True), (3, "|", None, ("a",), {"a": 1}, 8, 1, 16)),
            (("V8", False, True), (3, "|", None, None, None, 64, 1, 0)),
            (("S4", False, True), (3, "|", None, None, None, 400, 1, 0)),
            (("f8", False, True), (3, "<", None, None, None, -1, -1, 0, None)),
            (("f8", False, True), (7, "<", None, None, None, -1, -1, 0)),
            (("f8", False, True), "not a tuple"),
        ],
    )
    def test_a_wrong_state_is_refused(self, logistic, code, state):
        seen = inspect_payload(hidden_in(logistic, Calls(np.dtype, *code, state=state)))
        assert seen.verdict == "refused"

    @pytest.mark.parametrize("offset", [-8, 1, 8])
    def test_a_field_outside_its_record_is_refused(self, logistic, offset):
        field = np.dtype("f8")
        state = (3, "|", None, ("a",), {"a": (field, offset)}, 8, 1, 16)
        seen = inspect_payload(hidden_in(logistic, Calls(np.dtype, "V8", False, True, state=state)))
        assert seen.verdict == "refused"

    def test_a_field_of_objects_is_refused(self, logistic):
        state = (3, "|", None, ("a",), {"a": (np.dtype("O"), 0)}, 8, 1, 16)
        seen = inspect_payload(hidden_in(logistic, Calls(np.dtype, "V8", False, True, state=state)))
        assert seen.verdict == "refused"

    @pytest.mark.parametrize(
        "dtype",
        [
            "f8",
            ">f4",
            "i1",
            "?",
            "c16",
            "U7",
            "S3",
            "M8[ns]",
            "m8[D]",
            "V5",
            "O",
            [("a", "<f8"), ("b", "<i4", (2,))],
        ],
    )
    def test_every_type_numpy_saves_is_read(self, logistic, dtype):
        seen = inspect_payload(hidden_in(logistic, np.zeros((2, 3), dtype=np.dtype(dtype))))
        nested = isinstance(dtype, list)
        assert seen.verdict == ("refused" if nested else "verified"), seen.reasons

    def test_an_array_that_says_more_than_it_has_is_refused(self, logistic):
        from numpy._core.multiarray import _reconstruct, scalar

        double = np.dtype("f8")
        state = (1, (4,), double, False, b"\0" * 16)
        assert self.verdict(logistic, Calls(_reconstruct, np.ndarray, (0,), b"b", state=state)) == "refused"
        assert self.verdict(logistic, Calls(_reconstruct, np.ndarray, (9,), b"O")) == "refused"
        assert self.verdict(logistic, Calls(scalar, double, b"\0" * 7)) == "refused"
        assert self.verdict(logistic, Calls(scalar, np.dtype("O"), b"\0" * 8)) == "refused"

    def verdict(self, logistic, call):
        return inspect_payload(hidden_in(logistic, call)).verdict


class TestStreams:
    """Instructions that two readers could take for different things."""

    @pytest.mark.parametrize(
        "payload",
        [
            b"",
            b"\x80",
            b"\x80\x04",
            b"\x80\x04.",
            b"\x80\x01N.",
            b"\x80\x06N.",
            b"\x80\x04\x80\x02N.",
            b"N.",
            b"\x80\x04N.N.",
            b"\x80\x04NN.",
            b"\x80\x04(N.",
            b"\x80\x04N0N.",
            b"\x80\x04N2.",
            b"\x80\x04(N1N.",
            b"\x80\x04P1\n.",
            b"\x80\x04NQ.",
            b"\x80\x04\x82\x01.",
            b"\x80\x04\x97.",
            b"\x80\x04I1\n.",
            b"\x80\x04Nq\x05.",
            b"\x80\x04h\x00.",
            b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7fN.",
            b"\x80\x05\x96\xff\xff\xff\xff\xff\xff\xff\x7f.",
            b"\x80\x04}]Ns.",
            b"\x80\x04}]N\x85Ns.",
            b"\x80\x04\x8c\x02os\x8c\x06system\x93]R.",
            b"\x80\x04" + b"(" * 1000 + b"t" * 1000 + b".",
        ],
    )
    def test_they_are_refused(self, payload):
        seen = inspect_payload(payload)
        assert seen.verdict == "refused"
        assert seen.reasons[0]

    def test_a_name_is_written_not_computed(self):
        assert inspect_payload(b"\x80\x04N\x8c\x06system\x93.").verdict == "refused"

    def test_deep_lists_end_in_a_sentence(self):
        seen = inspect_payload(b"\x80\x04" + b"]" * 200_000 + b"a" * 199_999 + b".")
        assert (seen.verdict, seen.class_name) == ("refused", "a list")


class TestPacking:
    """Compressed files: one stream, bounded, nothing after it."""

    @pytest.mark.parametrize("packing", ["zlib", "gzip", "bz2", "xz", "lzma", "lz4"])
    def test_cut_short_or_followed_by_more(self, logistic, packing):
        raw = dumped(logistic, compress=(packing, 3))
        for damaged in (raw[: len(raw) // 2], raw + b"more", raw + raw):
            with pytest.raises(ModelError):
                unpacked(damaged, "m")

    @pytest.mark.parametrize("packing", ["zlib", "gzip", "bz2", "xz", "lzma", "lz4"])
    def test_a_bomb_is_stopped_at_the_bound(self, packing):
        raw = dumped(np.zeros(2 * GROWTH_FREE // 8), compress=(packing, 9))
        with pytest.raises(ModelError, match="unpacks to more than") as caught:
            unpacked(raw, "bomb.joblib")
        assert caught.value.remedy

    def test_twice_packed(self, logistic):
        import zlib

        with pytest.raises(ModelError, match="twice"):
            unpacked(zlib.compress(dumped(logistic, compress=3)), "m")

    def test_plain_bytes_are_returned_as_they_are(self, logistic):
        raw = dumped(logistic)
        assert unpacked(raw, "m") is raw

"""A skops file read without running it: what is verified, what is a question, what is refused."""

from __future__ import annotations

import importlib
import io
import itertools
import json
import os
import re
import struct
import subprocess
import sys
import textwrap
import uuid
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from model_zoo import fitted, recipes, tables
from mutants import mutants
from sklearn.ensemble import HistGradientBoostingClassifier

from audit_core.sources import model_loaders
from audit_core.sources.model_archive import members_of, read_npy
from audit_core.sources.model_inspect import PolicyJudge
from audit_core.sources.model_policy import read_policy
from audit_core.sources.model_reader import StreamError
from audit_core.sources.model_skops import DEEPEST_SCHEMA, inspect_skops, read_skops

SOURCES = Path(model_loaders.__file__).parent
MUTANTS = 300
ROUND_TRIPS = (
    "LogisticRegression",
    "RandomForestClassifier",
    "HistGradientBoostingClassifier",
    "GradientBoostingClassifier",
    "MLPClassifier",
    "GaussianProcessClassifier",
    "neighbours, kd tree",
    "forest, random state",
    "calibrated, isotonic",
    "stacked, passed through",
    "grid search",
    "pipeline, iterative imputer",
    "pipeline, sketch",
    "pipeline, sparse projection",
    "columns, one-hot, forest",
    "columns, text, tf-idf, logistic",
    "columns, ordinal, histogram boosting",
    "columns, target, logistic",
    "xgboost, hist",
    "lightgbm",
)


def library(name):
    """An optional library: without it the test is skipped, but fails where every test must run."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(name)
    except ImportError:
        if os.environ.get("CI", "").lower() == "true":
            raise
        pytest.skip(f"{name} is not installed")


NUMBERS = itertools.count(1)


def node(loader, name, **parts):
    """One node, of a class `module:name`."""
    module, _, name = name.partition(":")
    return {"__class__": name, "__module__": module, "__loader__": loader, "__id__": next(NUMBERS), **parts}


def plain(value):
    return node("JsonNode", "builtins:str", content=json.dumps(value), is_json=True)


def listed(*nodes):
    return node("ListNode", "builtins:list", content=list(nodes))


def tupled(*nodes):
    return node("TupleNode", "builtins:tuple", content=list(nodes))


def mapping(**fields):
    types = listed(*(node("TypeNode", "builtins:str") for _ in fields))
    return node("DictNode", "builtins:dict", key_types=types, content=fields)


def thing(name="sklearn.linear_model._logistic:LogisticRegression", **fields):
    return node("ObjectNode", name, content=mapping(**fields))


def packed(schema, members=(), **options):
    """A skops file with this root node, or this text in its place."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", **options) as archive:
        for name, content in dict(members).items():
            archive.writestr(name, content)
        if isinstance(schema, dict):
            schema = json.dumps({**schema, "protocol": 2, "_skops_version": "0.16.0"})
        archive.writestr("schema.json", schema)
    return stream.getvalue()


def array_bytes(array, **options):
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


def with_field(value, members=()):
    """A plausible model with one more field."""
    return packed(thing(C=plain(1.0), more=value), members)


def refusal(raw):
    """Why a file is refused."""
    seen = inspect_skops(raw)
    assert seen.verdict == "refused"
    assert seen.remedy
    return " ".join(seen.reasons)


@pytest.fixture(scope="module")
def models():
    """Fitted models of the zoo by name, each with its rows."""
    wanted = {name: (make, data) for name, make, data in recipes() if name in ROUND_TRIPS}
    return {name: (fitted(make, data), tables(data)[0]) for name, (make, data) in wanted.items()}


@pytest.mark.parametrize("name", ROUND_TRIPS)
def test_a_fitted_model_is_verified_and_scores_the_same(models, name):
    skops = library("skops.io")
    model, rows = models[name]
    compression = zipfile.ZIP_DEFLATED if len(name) % 2 else zipfile.ZIP_STORED
    raw = skops.dumps(model, compression=compression)
    seen = inspect_skops(raw)
    assert (seen.verdict, seen.reasons, seen.extra) == ("verified", (), ())
    assert seen.class_name == f"{type(model).__module__}.{type(model).__name__}"
    assert set(seen.names) <= read_policy().names.keys()
    if name != "xgboost, hist":  # which notes its own version
        assert seen.versions == (read_policy().made_from["scikit-learn"],)
    names = vars(model).get("feature_names_in_")
    assert names is None or seen.features == tuple(names)
    loaded = model_loaders.load_skops(raw, seen.names)
    assert np.array_equal(loaded.predict_proba(rows), model.predict_proba(rows))


def test_the_first_step_of_a_pipeline_names_the_columns(models):
    skops = library("skops.io")
    model, rows = models["columns, one-hot, forest"]
    assert inspect_skops(skops.dumps(model)).features == tuple(rows.columns)


def test_a_model_made_by_hand_is_verified():
    names = node(
        "NdArrayNode",
        "numpy:ndarray",
        type="json",
        shape=tupled(plain(2)),
        content=[plain("age"), plain("pay")],
    )
    coefficients = node("NdArrayNode", "numpy:ndarray", type="numpy", file="11.npy")
    raw = packed(
        thing(feature_names_in_=names, coef_=coefficients, _sklearn_version=plain("1.2.1")),
        {"11.npy": array_bytes(np.ones((1, 2)))},
    )
    seen = inspect_skops(raw)
    assert (seen.verdict, seen.features, seen.versions) == ("verified", ("age", "pay"), ("1.2.1",))
    assert "sklearn.linear_model._logistic:LogisticRegression" in seen.names


def test_classes_of_other_packages_are_a_question():
    step = thing("acme.steps:Clean", limit=plain(3))
    seen = inspect_skops(with_field(listed(step, node("FunctionNode", "acme.tools:log_of"))))
    assert (seen.verdict, seen.reasons) == ("needs review", ())
    assert seen.extra == ("acme.steps:Clean", "acme.tools:log_of")


def test_a_class_of_a_notebook_is_refused_with_a_way_out():
    seen = inspect_skops(with_field(thing("__main__:Clean")))
    assert seen.verdict == "refused"
    assert "notebook" in seen.reasons[0]
    assert "module" in seen.remedy


def test_a_refusal_tells_the_version_that_saved_the_file():
    step = thing("sklearn.old:Gone", _sklearn_version=plain("0.21.3"))
    seen = inspect_skops(packed(thing(more=step, _sklearn_version=plain("0.21.3"))))
    assert seen.verdict == "refused"
    assert "saved with scikit-learn 0.21.3" in seen.reasons[0]
    assert "scikit-learn used here" in seen.remedy
    assert seen.barred == ("sklearn.old:Gone",)


@pytest.mark.parametrize(
    ("root", "kind"),
    [
        (mapping(model=thing()), "a dict"),
        (listed(thing()), "a list"),
        (node("FunctionNode", "numpy:sqrt"), "only the name numpy:sqrt"),
        (plain("model"), "a text"),
        (thing("sklearn.tree._criterion:Gini"), "sklearn"),
    ],
)
def test_what_is_no_model_is_refused(root, kind):
    assert kind in refusal(packed(root))


COMMAND = plain("true")
LIST_OF_NOTHING = listed()
HOSTILE = {
    "function": node("FunctionNode", "os:system"),
    "function, by its other name": node("FunctionNode", "posix:system"),
    "function of scikit-learn": node("FunctionNode", "sklearn.datasets:fetch_openml"),
    "function behind a dot": node("FunctionNode", "sklearn:utils.os.system"),
    "type": node("TypeNode", "builtins:eval"),
    "object": thing("subprocess:Popen", args=COMMAND),
    "fields in disguise": node(
        "ObjectNode",
        "sklearn.linear_model._logistic:LogisticRegression",
        content=mapping(**{"__class__": COMMAND}),
    ),
    "partial": node(
        "PartialNode",
        "functools:partial",
        content={
            "func": node("FunctionNode", "os:system"),
            "args": tupled(COMMAND),
            "kwds": mapping(),
            "namespace": plain(None),
        },
    ),
    "method": node(
        "MethodNode",
        "sklearn.linear_model._logistic:LogisticRegression",
        content={"func": "fit", "obj": thing()},
    ),
    "operator": node("OperatorFuncNode", "operator:methodcaller", attrs=tupled(plain("system"), COMMAND)),
    "constructor": node("ConstructorFromReduceNode", "subprocess:Popen", content=tupled(COMMAND)),
    "constructor that is allowed": node(
        "ConstructorFromReduceNode",
        "sklearn.linear_model._logistic:LogisticRegression",
        content=tupled(COMMAND),
    ),
    "remembered": {**node("CachedNode", "builtins:str"), "__id__": 10**9},
    "forest of another package": node(
        "QuantileForestNode",
        "quantile_forest._quantile_forest_fast:QuantileForest",
        content=mapping(),
        __reduce__={"args": tupled()},
    ),
    "unknown loader": node("ShellNode", "builtins:str", content="true"),
    "list of a class": node("ListNode", "sklearn.linear_model._logistic:LogisticRegression", content=[]),
    "set of a class": node("SetNode", "subprocess:Popen", content=[COMMAND]),
    "tuple of a class": node("TupleNode", "subprocess:Popen", content=[COMMAND]),
    "tuple of an allowed class": node(
        "TupleNode", "sklearn.linear_model._logistic:LogisticRegression", content=[COMMAND]
    ),
    "dict of a class": node(
        "DictNode", "subprocess:Popen", key_types=LIST_OF_NOTHING, content={}
    ),
    "dict of a class nobody knows": node("DictNode", "acme:Run", key_types=LIST_OF_NOTHING, content={}),
    "dict with keys that are called": node(
        "DictNode",
        "builtins:dict",
        key_types=listed(node("FunctionNode", "os:system")),
        content={"true": COMMAND},
    ),
    "dict with keys of an allowed class": node(
        "DictNode",
        "builtins:dict",
        key_types=listed(node("TypeNode", "sklearn.linear_model._logistic:LogisticRegression")),
        content={"true": COMMAND},
    ),
    "dict with fewer types than keys": node(
        "DictNode", "builtins:dict", key_types=LIST_OF_NOTHING, content={"true": COMMAND}
    ),
    "dict that makes its values": node(
        "DefaultDictNode",
        "collections:defaultdict",
        content={"main": mapping(), "default_factory": node("TypeNode", "subprocess:Popen")},
    ),
    "loss": node("LossNode", "builtins:eval", content=mapping(), __reduce__={"args": tupled(COMMAND)}),
    "loss with a state": node(
        "LossNode",
        "sklearn._loss._loss:CyHalfBinomialLoss",
        content=mapping(a=COMMAND),
        __reduce__={"args": tupled()},
    ),
    "loss of texts": node(
        "LossNode",
        "sklearn._loss._loss:CyPinballLoss",
        content=mapping(),
        __reduce__={"args": tupled(COMMAND)},
    ),
    "tree of a class": node(
        "TreeNode", "subprocess:Popen", content=mapping(), __reduce__={"args": tupled(COMMAND)}
    ),
    "tree of texts": node(
        "TreeNode", "sklearn.tree._tree:Tree", content=mapping(), __reduce__={"args": tupled(COMMAND)}
    ),
    "random state of a class": node("RandomStateNode", "subprocess:Popen", content=mapping()),
    "random generator of a function": node(
        "RandomGeneratorNode",
        "numpy.random._generator:Generator",
        content={"bit_generator": mapping(bit_generator=plain("seed")), "seed_seq": mapping()},
    ),
    "random state that reads beside its buffer": node(
        "RandomStateNode",
        "numpy.random.mtrand:RandomState",
        content=mapping(bit_generator=plain("MT19937"), state=mapping(pos=plain(10**6))),
    ),
    "plain value that is not plain": node(
        "JsonNode", "builtins:str", content="[" * 100_000 + "]" * 100_000, is_json=True
    ),
    "plain value of a class": node("JsonNode", "subprocess:Popen", content="1", is_json=True),
    "slice of a text": node(
        "SliceNode", "builtins:slice", content={"start": "os", "stop": None, "step": None}
    ),
    "bytes that are not there": node("BytesNode", "builtins:bytes", file=f"{uuid.UUID(int=7)}.bin"),
    "type of no array": node("DTypeNode", "numpy:dtype", content=COMMAND),
    "mask of no array": node(
        "MaskedArrayNode", "numpy.ma:MaskedArray", content={"data": COMMAND, "mask": COMMAND}
    ),
    "array of a shape in words": node(
        "NdArrayNode", "numpy:ndarray", type="json", shape=tupled(COMMAND), content=[]
    ),
    "array of an unknown kind": node("NdArrayNode", "numpy:ndarray", type="pickle", file="1.npy"),
    "array in a file elsewhere": node("NdArrayNode", "numpy:ndarray", type="numpy", file="/etc/passwd"),
    "too many parts": {**node("FunctionNode", "numpy:sqrt"), "content": COMMAND},
    "no number": {**node("FunctionNode", "numpy:sqrt"), "__id__": None},
    "number that is almost one": {**node("FunctionNode", "numpy:sqrt"), "__id__": 7.0},
    "no node": ["os", "system"],
    "no class": {"__loader__": "TypeNode", "__id__": 1},
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_what_could_run_code_is_refused(name):
    assert refusal(with_field(HOSTILE[name]))


@pytest.mark.parametrize(
    "name", ["sklearn.linear_model._logistic:LogisticRegression", "numpy:memmap", "subprocess:Popen"]
)
def test_an_array_is_only_handed_to_types_of_numbers(name):
    raw = with_field(
        node("NdArrayNode", name, type="numpy", file="1.npy"), {"1.npy": array_bytes(np.ones(2))}
    )
    assert "never does" in refusal(raw)


def test_one_number_of_a_node_stands_for_one_object():
    first = node("FunctionNode", "numpy:sqrt")
    assert "stands for something else" in refusal(
        with_field(listed(first, {**thing("acme:X"), "__id__": first["__id__"]}))
    )
    loop = listed()
    loop["content"].append({**listed(), "__id__": loop["__id__"]})
    assert "holds itself" in refusal(with_field(loop))


def test_a_number_that_occurs_again_means_the_first_to_skops_as_well():
    skops = library("skops.io")
    first = plain("first")
    again = {**plain("second"), "__id__": first["__id__"]}
    raw = packed(listed(first, again))
    assert skops.loads(raw) == read_skops(raw, PolicyJudge(read_policy())) == ["first", "first"]
    # Its parts are read in the same order, so the first is the same one for both.
    key = plain("a")
    fields = mapping(a=key, b={**plain("b"), "__id__": key["__id__"]})
    raw = packed(fields)
    assert skops.loads(raw) == dict(read_skops(raw, PolicyJudge(read_policy()))) == {"a": "a", "b": "a"}


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        '{"__class__": "' + '\\"' * 200_000,
        "{",
        "null",
        "[]",
        '{"protocol": 2}',
        '{"protocol": true}',
        '{"protocol": 0}',
        '{"protocol": 3}',
        "\ufeff{}",
        '{"\udcff": 1}',
        '{"a": ' + "9" * 5000 + "}",
    ],
)
def test_a_damaged_description_is_refused(text):
    assert refusal(packed(text.encode("utf-8", errors="surrogateescape")))


def test_a_description_in_another_encoding_is_refused():
    assert "JSON" in refusal(packed("{}".encode("utf-16-le")))


def test_a_key_that_occurs_twice_is_refused():
    text = json.dumps({**thing(), "protocol": 2})
    doubled = text.replace('"__loader__"', '"__loader__": "TypeNode", "__loader__"', 1)
    assert "two values" in refusal(packed(doubled))


def test_nodes_within_nodes_are_bounded():
    deep = plain(1)
    for _ in range(DEEPEST_SCHEMA):
        deep = listed(deep)
    assert "too deep" in refusal(with_field(deep))


def test_names_are_bounded():
    many = listed(*(node("FunctionNode", f"acme:name{i}") for i in range(2_001)))
    assert "more than 2,000" in refusal(with_field(many))


def archives():
    """Files that are no plain archive: each a little otherwise than a good one."""
    good = packed(thing(), {"1.npy": array_bytes(np.ones(3))})
    start = struct.unpack_from("<L", good, len(good) - 6)[0]

    def changed(at, value, form="<H"):
        data = bytearray(good)
        struct.pack_into(form, data, at, value)
        return bytes(data)

    def with_member(name, content=b"x", **options):
        return packed(thing(), {name: content}, **options)

    commented = io.BytesIO(good)
    with zipfile.ZipFile(commented, "a") as archive:
        archive.comment = b"PK\x05\x06"
    doubled = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(doubled, "w") as archive:
        warnings.simplefilter("ignore")
        for _ in range(2):
            archive.writestr("schema.json", json.dumps(thing()))
    zeros = array_bytes(np.zeros(20_000_000))
    return {
        "nothing": b"",
        "no archive": b"PK\x03\x04",
        "empty archive": b"PK\x05\x06" + bytes(18),
        "cut": good[:-1],
        "prefix": b"#!/bin/sh\n" + good,
        "data behind": good + b"\0",
        "two archives": good + good,
        "comment": commented.getvalue(),
        "path above": with_member("../1.npy"),
        "path from the root": with_member("/1.npy"),
        "folder": with_member("a/1.npy"),
        "zero in a name": good.replace(b"1.npy", b"1\0npy"),
        "joblib": with_member("model.joblib"),
        "pickle": with_member("1.pkl"),
        "program": with_member("1.py"),
        "twice": doubled.getvalue(),
        "encrypted": changed(start + 8, 1),
        "encrypted in one place": changed(6, 1),
        "length given later": changed(start + 8, 8),
        "bzip2": packed(thing(), compression=zipfile.ZIP_BZIP2),
        "lzma": packed(thing(), compression=zipfile.ZIP_LZMA),
        "bomb": with_member("1.npy", zeros, compression=zipfile.ZIP_DEFLATED),
        "other disk": changed(len(good) - 18, 1),
        "more entries than stated": changed(len(good) - 14, 1),
        "directory elsewhere": changed(len(good) - 6, start - 1, "<L"),
        "long directory": changed(start + 20, 0xFFFFFFFF, "<L"),
        "other place": changed(start + 42, 1, "<L"),
        "other size": changed(start + 24, 1, "<L"),
        "other sum": changed(start + 16, 1, "<L"),
        "other name inside": good.replace(b"1.npy", b"2.npy", 1),
        "entry with more": changed(start + 30, 4),
        "version of tomorrow": changed(start + 6, 63),
        "no description": zipped({"1.npy": array_bytes(np.ones(3))}),
    }


def zipped(members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


@pytest.mark.parametrize("name", archives())
def test_an_unusual_archive_is_refused(name):
    assert refusal(archives()[name])


def test_a_gap_between_members_is_refused():
    good = packed(thing())
    end = len(good) - 22
    start, length = struct.unpack_from("<L", good, end + 16)[0], end
    moved = good[:start] + b"gap!" + good[start:length] + good[end:]
    moved = bytearray(moved)
    struct.pack_into("<L", moved, len(moved) - 6, start + 4)
    assert "no member" in refusal(bytes(moved))


def header_of(text, version=b"\x01\x00"):
    """An .npy file with this header and 24 bytes of items."""
    length = len(text).to_bytes(2 if version == b"\x01\x00" else 4, "little")
    return b"\x93NUMPY" + version + length + text.encode() + bytes(24)


def header(kind="'<f8'", shape="(3,)", order="False"):
    return f"{{'descr': {kind}, 'fortran_order': {order}, 'shape': {shape}, }}\n"


ARRAYS = {
    "pickle": b"\x80\x04N.",
    "archive": zipped({"a.npy": b""}),
    "objects": array_bytes(np.array([{}], dtype=object), allow_pickle=True),
    "objects in a record": header_of(header("[('a', '|O')]")),
    "objects without a size": header_of(header("'O'")),
    "cut": array_bytes(np.ones(3))[:-1],
    "more": array_bytes(np.ones(3)) + b"\0",
    "no header": b"\x93NUMPY\x01\x00\xff\xff",
    "short": b"\x93NUMPY",
    "version of tomorrow": header_of(header(), b"\x04\x00"),
    "expression": header_of(header("__import__('os')")),
    "long header": header_of(header() + " " * 20_000, b"\x02\x00"),
    "absurd shape": header_of(header("'|S0'", "(99999999999,)")),
    "shape in words": header_of(header(shape="(x,)")),
    "negative shape": header_of(header(shape="(-3,)")),
    "too many dimensions": header_of(header(shape="(" + "1," * 40 + "3)")),
    "unknown type": header_of(header("'<f3'")),
    "nested record": header_of(header("[('a', [('b', '<f8')])]")),
    "deep": header_of(header("(" * 4000 + ")" * 4000)),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_that_numpy_did_not_write_is_refused(name):
    with pytest.raises(StreamError):
        read_npy(ARRAYS[name])
    array = node("NdArrayNode", "numpy:ndarray", type="numpy", file="1.npy")
    assert refusal(with_field(array, {"1.npy": ARRAYS[name]}))


@pytest.mark.parametrize(
    "array",
    [
        np.ones(3),
        np.zeros((2, 0, 3)),
        np.float32(1),
        np.asfortranarray(np.ones((2, 3))),
        np.array(["a", "Zürich"]),
        np.array(["2020-01-01"], dtype="datetime64[s]"),
        np.zeros(2, dtype=[("a", "<i8"), ("b", "u1"), ("c", "V7")]),
    ],
)
def test_arrays_as_numpy_writes_them_are_read(array):
    assert read_npy(array_bytes(array)).shape == array.shape


@pytest.mark.parametrize(
    "members",
    [
        {"format.npy": array_bytes(np.array(b"coo"))},
        {"data.npy": array_bytes(np.ones(3))},
        {"format.npy": array_bytes(np.array(b"csr")), "more.npy": array_bytes(np.ones(3))},
        {"format.npy": array_bytes(np.array(b"csr")), "data.npy": ARRAYS["objects"]},
    ],
)
def test_an_unusual_sparse_matrix_is_refused(members):
    matrix = node("SparseMatrixNode", "scipy.sparse._csr:csr_matrix", type="scipy", file="1.npz")
    assert refusal(with_field(matrix, {"1.npz": zipped(members)}))


def small_files():
    """A file made by hand, and one of skops where it is installed."""
    array = node("NdArrayNode", "numpy:ndarray", type="numpy", file="1.npy")
    yield with_field(listed(array, node("FunctionNode", "numpy:sqrt")), {"1.npy": array_bytes(np.ones(3))})
    if importlib.util.find_spec("skops") is not None:
        rows = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 2)), columns=["a", "b"])
        model = HistGradientBoostingClassifier(max_iter=1, max_leaf_nodes=3).fit(rows, rows["a"] > 0)
        yield library("skops.io").dumps(model)


def test_mutants_have_a_verdict_and_reach_no_other_name():
    known = read_policy()
    for raw in small_files():
        for seed, mutant in mutants(raw, MUTANTS):
            seen = inspect_skops(mutant)
            assert seen.verdict in ("verified", "needs review", "refused"), seed
            if seen.verdict == "verified":
                assert set(seen.names) <= known.names.keys(), seed


def test_mutants_of_the_description_alone_have_a_verdict():
    for raw in small_files():
        members = members_of(raw, re.compile(r".*"))
        schema = members.pop("schema.json")
        for seed, mutant in mutants(schema, MUTANTS):
            assert inspect_skops(packed(mutant, members)).verdict in (
                "verified",
                "needs review",
                "refused",
            ), seed


def test_names_the_inspection_did_not_find_are_not_loaded():
    library("skops.io")
    raw = packed(thing("fractions:Fraction"))
    with pytest.raises(model_loaders.LoaderError, match="not found when it was inspected"):
        model_loaders.load_skops(raw, ())


LOCKED = """
    import importlib.util, json, os, sys

    def beside(name):
        spec = importlib.util.spec_from_file_location(name, os.path.join(sys.argv[1], name + ".py"))
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    room, lock, loaders = map(beside, ("model_room", "model_lock", "model_loaders"))
    kind, names = sys.argv[2], json.loads(sys.argv[3])
    raw = sys.stdin.buffer.read()
    room.limit_resources({"threads": 1, "memory": 4 * 2**30, "cpu": 120})
    failed = room.import_modules([*loaders.MODULES[kind], *dict.fromkeys(n.partition(":")[0] for n in names)])
    import numpy
    threads = len(os.listdir("/proc/self/task"))
    missing = lock.lock("strict", room.readable_places())["missing"]
    WATCHED, looked_for = ("import", "ctypes.dlopen"), []
    sys.addaudithook(lambda event, told: looked_for.append(told[0]) if event in WATCHED else None)
    model = loaders.load_skops(raw, names) if kind == "skops" else loaders.load_onnx(raw)
    scores = model.predict_proba(numpy.linspace(-1, 1, 60).reshape(10, 6)).tolist()
    told = {"failed": len(failed), "threads": threads, "looked_for": [str(name) for name in looked_for]}
    print(json.dumps({**told, "missing": missing, "scores": scores}), flush=True)
    os._exit(0)
"""


def scored_locked(kind, raw, names=()):
    """What a model scores behind the strict lock, and what else was seen there."""
    if not sys.platform.startswith("linux"):
        pytest.skip("the lock is one of Linux")
    command = [
        sys.executable,
        "-I",
        "-c",
        textwrap.dedent(LOCKED),
        str(SOURCES),
        kind,
        json.dumps(list(names)),
    ]
    done = subprocess.run(command, input=raw, capture_output=True, env={}, check=False, timeout=120)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", ["RandomForestClassifier", "HistGradientBoostingClassifier", "grid search"])
def test_a_model_scores_behind_the_strict_lock_without_a_library_or_a_thread(models, name):
    skops = library("skops.io")
    model, rows = models[name]
    raw = skops.dumps(model, compression=zipfile.ZIP_DEFLATED)
    told = scored_locked("skops", raw, inspect_skops(raw).names)
    wanted = model.predict_proba(pd.DataFrame(np.linspace(-1, 1, 60).reshape(10, 6), columns=rows.columns))
    assert (told["failed"], told["threads"], told["looked_for"]) == (0, 1, [])
    assert np.array_equal(np.array(told["scores"]), wanted)

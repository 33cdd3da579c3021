"""An ONNX file read without running it, and made into a classifier behind the lock."""

from __future__ import annotations

import importlib
import os
import time
import warnings

import numpy as np
import pandas as pd
import pytest
from model_zoo import fitted, mixed, numbers, recipes
from mutants import mutants
from test_model_skops import library, scored_locked

from audit_core.sources import model_loaders
from audit_core.sources.model_loaders import LoaderError, load_onnx
from audit_core.sources.model_onnx import DEEPEST_GRAPH, MOST_NODES, inspect_onnx
from audit_core.sources.model_wire import FIELDS, MOST_FIELDS, Wire, WireError

MUTANTS = 300
SLOWEST = 20.0
"""Seconds that no hostile file may take; a hang is minutes."""
MATRICES = (
    "LogisticRegression",
    "RandomForestClassifier",
    "GradientBoostingClassifier",
    "GaussianNB",
    "MLPClassifier",
    "CalibratedClassifierCV",
    "StackingClassifier",
    "pipeline, standard",
)
TABLES = ("columns, one-hot, logistic", "columns, the rest passed on, forest", "columns, ordinal, logistic")
NEAR = 1e-5


def converted(model, **options):
    """The bytes skl2onnx makes of a model."""
    skl2onnx = library("skl2onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return skl2onnx.to_onnx(model, **options).SerializeToString()


def one_matrix(model, rows, zipmap=True):
    return converted(model, X=rows[:1].astype("float32"), options={id(model): {"zipmap": zipmap}})


def by_column(model, frame, zipmap=False):
    types = importlib.import_module("skl2onnx.common.data_types") if library("skl2onnx") else None
    kinds = [
        (
            name,
            (types.FloatTensorType if frame[name].dtype.kind in "fib" else types.StringTensorType)([None, 1]),
        )
        for name in frame.columns
    ]
    return converted(model, initial_types=kinds, options={id(model): {"zipmap": zipmap}})


@pytest.fixture(scope="module")
def models():
    """Fitted models of the zoo by name."""
    return {name: fitted(make, data) for name, make, data in recipes() if name in (*MATRICES, *TABLES)}


@pytest.mark.parametrize("zipmap", [True, False])
@pytest.mark.parametrize("name", MATRICES)
def test_a_matrix_classifier_is_verified_and_scores_the_same(models, name, zipmap):
    library("onnxruntime")
    model, rows = models[name], numbers()[0].to_numpy().astype("float32").astype("float64")
    raw = one_matrix(model, rows, zipmap)
    seen = inspect_onnx(raw)
    assert (seen.verdict, seen.reasons, seen.features, seen.names) == ("verified", (), None, ())
    assert seen.class_name.startswith("ONNX model (skl2onnx ")
    loaded = load_onnx(raw)
    scores = loaded.predict_proba(rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fitted on names, scored on an array
        assert np.abs(scores - model.predict_proba(rows)).max() < NEAR
        assert loaded.predict(rows).tolist() == model.predict(rows).tolist()
    assert scores.dtype == np.float64
    assert scores.shape == (len(rows), 2)
    assert (loaded.classes_.tolist(), loaded.n_features_in_) == ([0, 1], 6)
    assert not hasattr(loaded, "feature_names_in_")


@pytest.mark.parametrize("zipmap", [True, False])
@pytest.mark.parametrize("name", TABLES)
def test_a_classifier_with_an_input_per_column_is_verified_and_scores_the_same(models, name, zipmap):
    library("onnxruntime")
    model, frame = models[name], mixed()[0]
    raw = by_column(model, frame, zipmap)
    seen = inspect_onnx(raw)
    assert (seen.verdict, seen.features) == ("verified", tuple(frame.columns))
    loaded = load_onnx(raw)
    assert loaded.feature_names_in_.tolist() == list(frame.columns)
    assert loaded.classes_.tolist() == ["advance", "reject"]
    assert loaded.n_features_in_ == frame.shape[1]
    wanted = model.predict_proba(frame)
    near = np.abs(loaded.predict_proba(frame) - wanted).max(axis=1) < NEAR
    # Where a float32 lies on the other side of a tree's threshold a row takes the other branch.
    assert near.mean() > (0.95 if "forest" in name else 0.9999)
    shuffled = frame[list(reversed(frame.columns))]
    assert np.array_equal(loaded.predict_proba(shuffled), loaded.predict_proba(frame))
    assert np.array_equal(loaded.predict_proba(frame.to_numpy()), loaded.predict_proba(frame))


def test_values_that_onnx_does_not_have_are_a_sentence(models):
    library("onnxruntime")
    frame = mixed()[0]
    loaded = load_onnx(by_column(models["columns, one-hot, logistic"], frame))
    gaps = frame.assign(region=frame["region"].where(frame.index > 3))
    with pytest.raises(LoaderError, match="missing values") as told:
        loaded.predict_proba(gaps)
    assert told.value.remedy
    with pytest.raises(LoaderError, match="wants texts"):
        loaded.predict_proba(frame.assign(region=1))
    assert np.isfinite(loaded.predict_proba(frame.assign(years=np.nan))).all()


@pytest.mark.parametrize("zipmap", [True, False])
def test_classes_of_whole_numbers_and_of_words_are_told(zipmap):
    library("onnxruntime")
    sklearn = importlib.import_module("sklearn.linear_model")
    stacking = importlib.import_module("sklearn.ensemble").StackingClassifier
    rows = numbers()[0].to_numpy()
    for low, high in ((1, 2), ("no", "yes"), (-1, 1)):
        labels = np.where(rows[:, 0] > 0, high, low)
        for model in (
            sklearn.LogisticRegression(),
            stacking(
                [("a", sklearn.LogisticRegression())], final_estimator=sklearn.LogisticRegression(), cv=2
            ),
        ):
            loaded = load_onnx(one_matrix(model.fit(rows, labels), rows, zipmap))
            assert loaded.classes_.tolist() == model.classes_.tolist()


def test_a_regressor_and_a_model_of_three_classes_are_no_classifiers_to_audit():
    library("onnxruntime")
    sklearn = importlib.import_module("sklearn.linear_model")
    rows = numbers()[0].to_numpy()
    regressor = converted(sklearn.LinearRegression().fit(rows, rows[:, 0]), X=rows[:1].astype("float32"))
    assert inspect_onnx(regressor).verdict == "verified"
    with pytest.raises(LoaderError, match="not a classifier") as told:
        load_onnx(regressor)
    assert "classifier" in told.value.remedy
    three = sklearn.LogisticRegression().fit(rows, np.digitize(rows[:, 0], [-0.5, 0.5]))
    with pytest.raises(LoaderError, match="not a classifier"):
        load_onnx(one_matrix(three, rows, zipmap=False))
    assert len(load_onnx(one_matrix(three, rows)).classes_) == 3


def test_margins_are_not_taken_for_probabilities():
    library("onnxruntime")
    raw = hand_made([made("Concat", ["X", "X"], ["p"], axis=1)], columns=1)
    loaded = load_onnx(raw)
    assert np.allclose(loaded.predict_proba(np.full((3, 1), 0.5)), 0.5)
    with pytest.raises(LoaderError, match="probability"):
        loaded.predict_proba(np.full((3, 1), 7.0))


def test_a_model_scores_behind_the_strict_lock_without_a_library_or_a_thread(models):
    library("onnxruntime")
    rows = np.linspace(-1, 1, 60).reshape(10, 6)
    for name in ("RandomForestClassifier", "LogisticRegression"):
        for zipmap in (True, False):
            raw = one_matrix(models[name], rows, zipmap)
            told = scored_locked("onnx", raw)
            assert (told["failed"], told["threads"], told["looked_for"]) == (0, 1, [])
            assert np.array_equal(np.array(told["scores"]), load_onnx(raw).predict_proba(rows))


def test_the_runtime_reports_to_nobody():
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
    assert set(model_loaders.MODULES) == {"skops", "onnx"}


def onnx():
    return library("onnx")


def made(kind, inputs, outputs, **attributes):
    return onnx().helper.make_node(kind, inputs, outputs, **attributes)


def graph_of(nodes, columns=6):
    helper = onnx().helper
    given = helper.make_tensor_value_info("X", 1, [None, columns])
    scores = helper.make_tensor_value_info("p", 1, [None, 2])
    return helper.make_graph(nodes, "graph", [given], [scores])


def proto(nodes, columns=6, **options):
    return onnx().helper.make_model(graph_of(nodes, columns), ir_version=10, **options)


def hand_made(nodes, columns=6):
    return proto(nodes, columns, opset_imports=[onnx().helper.make_opsetid("", 21)]).SerializeToString()


def refusal(raw):
    """Why a file is refused, found in reasonable time."""
    start = time.perf_counter()
    seen = inspect_onnx(raw)
    assert time.perf_counter() - start < SLOWEST
    assert seen.verdict == "refused"
    assert seen.remedy
    return " ".join(seen.reasons)


def test_data_in_other_files_are_refused_wherever_they_are():
    helper = onnx().helper
    for place in ("/etc/passwd", "../weights", "weights.bin", ""):
        tensor = helper.make_tensor("w", 1, [1], [1.0])
        tensor.ClearField("float_data")
        tensor.data_location = 1
        tensor.external_data.add(key="location", value=place)
        start = proto([made("Identity", ["X"], ["p"])])
        start.graph.initializer.append(tensor)
        assert "other files" in refusal(start.SerializeToString())
        tensor.data_location = 0  # a reader may look at either field
        for attributes in ({"value": tensor}, {"body": graph_with(tensor)}):
            assert "other files" in refusal(hand_made([made("Constant", [], ["c"], **attributes)]))
    sparse = onnx().SparseTensorProto(values=tensor, indices=helper.make_tensor("i", 7, [1], [0]), dims=[3])
    start.graph.ClearField("initializer")
    start.graph.sparse_initializer.append(sparse)
    assert "other files" in refusal(start.SerializeToString())


def graph_with(tensor):
    graph = graph_of([made("Identity", ["X"], ["p"])])
    graph.initializer.append(tensor)
    return graph


@pytest.mark.parametrize("domain", ["com.microsoft", "acme", "ai.onnx.ml.", "ai.onnx.preview", "AI.ONNX"])
def test_operators_that_are_not_onnx_own_are_refused(domain):
    foreign = made("Run", ["X"], ["p"], domain=domain)
    assert domain in refusal(hand_made([foreign]))
    inside = made("If", ["X"], ["p"], then_branch=graph_of([foreign]), else_branch=graph_of([]))
    assert domain in refusal(hand_made([inside]))
    imported = proto([made("Identity", ["X"], ["p"])], opset_imports=[onnx().helper.make_opsetid(domain, 1)])
    assert domain in refusal(imported.SerializeToString())


def test_functions_and_training_of_its_own_are_refused():
    start = proto([made("Identity", ["X"], ["p"])])
    start.functions.add(name="f", domain="")
    assert "functions" in refusal(start.SerializeToString())
    start.ClearField("functions")
    start.training_info.add()
    assert "training" in refusal(start.SerializeToString())


def test_models_without_ends_are_refused():
    for part in ("input", "output"):
        start = proto([made("Identity", ["X"], ["p"])])
        start.graph.ClearField(part)
        assert "no inputs or no outputs" in refusal(start.SerializeToString())
    start = proto([made("Identity", ["X"], ["p"])])
    start.graph.initializer.append(onnx().helper.make_tensor("X", 1, [1, 6], [0.0] * 6))
    assert "no inputs" in refusal(start.SerializeToString())
    for version in (0, 10_000):
        start = proto([made("Identity", ["X"], ["p"])])
        start.ir_version = version
        assert "version" in refusal(start.SerializeToString())


def test_a_file_that_the_runtime_would_take_for_another_format_is_refused():
    start = proto([made("Identity", ["X"], ["p"])])
    start.ClearField("ir_version")
    start.producer_name = "..ORTM"
    raw = start.SerializeToString()
    assert raw[4:8] == b"ORTM"
    assert "own format" in refusal(raw)


def test_graphs_are_bounded_in_number_and_in_depth():
    many = [made("Identity", ["X"], ["p"])] * (MOST_NODES + 1)
    assert refusal(hand_made(many))
    inner = graph_of([made("Identity", ["X"], ["p"])])
    for _ in range(DEEPEST_GRAPH):
        inner = graph_of([made("If", ["X"], ["p"], then_branch=inner)])
    assert "too often" in refusal(onnx().helper.make_model(inner).SerializeToString())


def varint(number):
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def part(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def nested(levels):
    """A graph in a node of a graph, so many times: lengths first, so that it is made in linear time."""
    heads, size = [], 0
    for _ in range(levels):
        for number in (6, 5, 1):  # graph of an attribute, attribute of a node, node of a graph
            head = varint(number << 3 | 2) + varint(size)
            heads.append(head)
            size += len(head)
    return part(7, b"".join(reversed(heads)))


HOSTILE = {
    "nothing": b"",
    "text": b"years,pay\n1,2\n",
    "zip": b"PK\x03\x04" + bytes(40),
    "a million graphs in one another": lambda: nested(1_000_000),
    "a length beyond the file": b"\x08\x08" + b"\x3a\xff\xff\xff\xff\x0f",
    "a length of 64 bits": b"\x3a" + b"\xff" * 9 + b"\x01",
    "a number without an end": b"\x08" + b"\xff" * 1000,
    "a number of 70 bits": b"\x08" + b"\xff" * 9 + b"\x7f",
    "a group": b"\x0b\x0c",
    "an unknown form": b"\x0e\x00",
    "field zero": b"\x02\x00",
    "an unknown field": part(99, b"x"),
    "a number where a text belongs": b"\x10\x01",
    "a text where a number belongs": b"\x0a\x01a",
    "a damaged text": part(2, b"\xff\xfe"),
    "two graphs": part(7, b"") * 2,
    "two names": part(2, b"a") * 2,
    "a cut number of 32 bits": part(7, part(1, part(5, b"\x15\x00"))),
    "numbers cut in the middle": part(7, part(5, part(4, b"\x00" * 7))),
    "numbers that never end": part(7, part(5, part(7, b"\x80" * 70))),
    "numbers of another form": part(7, part(1, part(5, b"\x39" + b"\0" * 8))),
    "texts of another form": part(7, part(1, part(5, b"\x48\x01"))),
    "texts beyond the file": part(7, part(1, part(5, b"\x4a\x7f"))),
    "more parts than any model": lambda: part(7, b"\x0a\x00" * (MOST_FIELDS + 1)),
    "more texts than any model": lambda: part(7, part(1, part(5, b"\x4a\x00" * 10_000_001))),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_onnx_file_is_refused(name):
    raw = HOSTILE[name]
    assert "can't be read" in refusal(raw() if callable(raw) else raw) or raw == b""


def test_every_cut_of_a_model_is_refused_or_has_an_end():
    raw = hand_made([made("Identity", ["X"], ["p"])])
    assert inspect_onnx(raw).verdict == "verified"
    for end in range(len(raw)):
        seen = inspect_onnx(raw[:end])
        assert seen.verdict == "refused" or raw[end:].startswith(b"\x42")  # all but the list of versions


def test_numbers_and_texts_are_read_as_onnx_reads_them():
    helper = onnx().helper
    tree = made("Labels", ["X"], ["p"], ints=[-1, 2**40, 0], strings=["a", "Zürich", ""], f=0.5, i=-7)
    tensor = helper.make_tensor("t", 7, [3], [-5, 0, 2**62])
    start = proto([tree])
    start.graph.initializer.append(tensor)
    wire = Wire(start.SerializeToString())
    graph = wire.model().one("graph")
    values = {attribute.one("name"): attribute for attribute in graph.all("node")[0].all("attribute")}
    assert wire.numbers(values["ints"].all("ints")) == [-1, 2**40, 0]
    assert wire.texts(values["strings"].all("strings")) == ["a", "Zürich", ""]
    assert wire.numbers(graph.all("initializer")[0].all("int64_data")) == [-5, 0, 2**62]


def test_the_table_of_fields_agrees_with_onnx():
    """Names and numbers of the fields are those of the installed onnx."""
    library("onnx")
    descriptors = importlib.import_module("onnx.onnx_ml_pb2").DESCRIPTOR.message_types_by_name
    same = {
        **{name: f"{name}Proto" for name in ("Model", "Graph", "Node", "Attribute", "Tensor", "Type")},
        "Opset": "OperatorSetIdProto",
        "Entry": "StringStringEntryProto",
        "Value": "ValueInfoProto",
        "Sparse": "SparseTensorProto",
        "Shape": "TensorShapeProto",
        "Annotation": "TensorAnnotation",
    }
    for ours, theirs in same.items():
        known = {field.number: field for field in descriptors[theirs].fields}
        for number, (name, form, many) in FIELDS[ours].items():
            assert known[number].name == name
            assert known[number].is_repeated == many
            assert (form in FIELDS) == (known[number].message_type is not None and form != "raws")


def test_a_damaged_part_raises_one_kind_of_error():
    with pytest.raises(WireError, match="too deep"):
        Wire(nested(100)).model()


def test_mutants_have_a_verdict():
    originals = [hand_made([made("Identity", ["X"], ["p"])])]
    if importlib.util.find_spec("skl2onnx") is not None:
        frame = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": ["x", "y", "x", "y"]})
        compose, steps = (importlib.import_module(f"sklearn.{name}") for name in ("compose", "preprocessing"))
        columns = compose.ColumnTransformer([("b", steps.OneHotEncoder(), ["b"])], remainder="passthrough")
        tree = importlib.import_module("sklearn.tree").DecisionTreeClassifier()
        pipeline = importlib.import_module("sklearn.pipeline").make_pipeline(columns, tree)
        originals.append(by_column(pipeline.fit(frame, [0, 0, 1, 1]), frame))
    for raw in originals:
        for seed, mutant in mutants(raw, MUTANTS):
            assert inspect_onnx(mutant).verdict in ("verified", "refused"), seed

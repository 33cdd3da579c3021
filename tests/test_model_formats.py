"""skops and ONNX classifiers take the way of joblib's: inspected, admitted, scored in the locked process."""

from __future__ import annotations

import importlib.util
import os

import numpy as np
import pytest
from model_zoo import fitted, recipes, tables

from audit_core.cli import main
from audit_core.errors import ModelError
from audit_core.sources.admission import admit_model
from audit_core.sources.scoring import Scorer

pa = pytest.importorskip("pyarrow")
RECIPES = {name: (make, data) for name, make, data in recipes()}


def need(package):
    """Skip without an optional package; in CI its absence is a failure."""
    if importlib.util.find_spec(package) is None:
        reason = f"{package} is not installed"
        pytest.fail(reason) if os.environ.get("CI", "").lower() == "true" else pytest.skip(reason)


def scored(path, frame):
    """The scores of a file in the locked process, and how it was locked."""
    admitted = admit_model(path, None, isolated=True)
    assert admitted.trust.by == "inspection"
    with Scorer(admitted.model, admitted.trust, admitted.opening, features=list(frame)) as scorer:
        return scorer.score(pa.Table.from_pandas(frame, preserve_index=False)), scorer


@pytest.mark.parametrize("name", ["columns, one-hot, forest", "histograms, early stop", "xgboost, hist"])
def test_a_skops_file_scores_as_the_model_it_was_saved_from(name, tmp_path):
    need("skops")
    import skops.io

    make, data = RECIPES[name]
    model, (frame, _) = fitted(make, data), tables(data)
    skops.io.dump(model, tmp_path / "model.skops")
    inside, scorer = scored(tmp_path / "model.skops", frame)
    assert np.array_equal(inside, model.predict_proba(frame)[:, 1])
    assert scorer.isolation.complete and scorer.isolation.mode == "strict"


def test_an_onnx_file_scores_as_the_model_it_was_converted_from(tmp_path):
    need("onnxruntime")
    need("skl2onnx")
    from skl2onnx import to_onnx

    make, data = RECIPES["LogisticRegression"]
    model, (frame, _) = fitted(make, data), tables(data)
    raw = to_onnx(model, frame.to_numpy(dtype=np.float32)).SerializeToString()
    (tmp_path / "model.onnx").write_bytes(raw)
    inside, scorer = scored(tmp_path / "model.onnx", frame)
    assert np.abs(inside - model.predict_proba(frame)[:, 1]).max() < 1e-5
    assert scorer.isolation.complete and scorer.isolation.mode == "strict"
    assert scorer.describe().sklearn_version == ""


def test_a_hostile_skops_file_is_refused_on_the_command_line(tmp_path, capsys):
    import json
    import zipfile

    root = {"__class__": "system", "__module__": "os", "__loader__": "FunctionNode", "__id__": 1}
    with zipfile.ZipFile(tmp_path / "model.skops", "w") as archive:
        archive.writestr(
            "schema.json", json.dumps({**root, "protocol": 2, "content": {}, "_skops_version": "0.16"})
        )
    with pytest.raises(ModelError, match="refused, unopened"):
        admit_model(tmp_path / "model.skops", None, isolated=True)
    contract = tmp_path / "contract.yaml"
    assert main(["init", str(tmp_path), "--preset", "hiring"]) == 0
    contract = next(tmp_path.glob("*.yaml"))
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    command = ["audit", "--contract", str(contract), "--eval", str(tmp_path / "rows.csv"), "--quiet"]
    code = main([*command, "--model", str(tmp_path / "model.skops"), "--workspace", str(tmp_path / "w")])
    said = capsys.readouterr().err
    assert code == 4
    assert "refused, unopened" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("name", ["notes.zip", "model.skops", "table.xlsx"])
def test_any_other_archive_is_no_model(name, tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr("notes.txt", "hello")
    with pytest.raises(ModelError) as caught:
        admit_model(tmp_path / name, None, isolated=True)
    assert "predictions" in caught.value.remedy

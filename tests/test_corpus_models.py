"""The corpus of hostile files: every model of it gets its outcome on the command line and on the screen."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from audit_core.cli import main
from audit_core.errors import AuditError
from audit_core.sources.admission import inspect_model
from audit_core.sources.model import identify_model
from pages.ui.session import Session, Upload

ROOT = Path(__file__).resolve().parent.parent
MARKER = Path("/tmp/corpus-marker")  # where a payload that ran would leave a file
# A bundle given as a model is no model; what `verify` says of one is for its own tests.
KINDS = ("exec", "chain", "gadget", "stream", "joblib", "bomb", "broken", "legit", "missing", "bundle")
pytestmark = pytest.mark.reference

# A file of which 20 random bytes were changed: here its instructions make no sense any more.
SURVIVES = {"bitflip_7": "refused"}
OUTCOMES = {"refuse": "refused", "accept": "verified", "needs-review": "needs review"}
SAID = {
    "wrong_text_csv": "text, such as a CSV table",
    "wrong_png": "a picture",
    "wrong_npy": "a NumPy array",
    "wrong_pdf": "a PDF document",
    "wrong_elf": "a program",
    "main_class": "notebook",
    "custom_class": "mycompany.models:RiskModel",
    "not_a_model_dict": "a dict, not a model",
    "zlib_bomb": "unpacks to more than",
    "gzip_bomb": "unpacks to more than",
    "xz_bomb": "unpacks to more than",
    "zipped_double_zlib": "compressed twice",
    "truncated_100": "announces more than the file holds",
    "posix_system": "posix:system",
    "compressed_lz4": "posix:system",
    "xgb_modelfile": "xgboost.core:Booster",
    "dotted_builtins": "no plain name",
    "second_pickle_after_stop": "other data follow",
    "huge_shape": "larger than the file",
}
"""What the sentence must say of some of them."""

CONTRACT = """\
schema: evenhand/contract/v1
id: corpus
version: 1
status: draft
domain: other
decision: {question: q, population: p, favourable: "1", harm: h, harmed_by: wrong_no}
data:
  label: {column: label}
  score: {column: score, threshold: 0.5}
  attributes: [{name: grp, basis: test}]
  features: [a, b, c]
checks:
  - {id: tpr, stage: training, metric: tpr, compare: difference, limit: {max: 0.1}, of: [grp],
     severity: critical, owner: owner, why: w}
  - {id: fpr, stage: training, metric: fpr, compare: difference, limit: {max: 0.1}, of: [grp],
     severity: critical, owner: owner, why: w}
roles: {owner: {name: n, contact: c}}
author: owner
"""


def _corpus() -> Path | None:
    named = os.environ.get("EVENHAND_CORPUS")
    folder = Path(named) if named else ROOT.parent / "shared" / "corpus"
    return folder if (folder / "manifest.json").is_file() else None


def _cases() -> list[dict[str, str]]:
    corpus = _corpus()
    if corpus is None:
        return []
    listed = json.loads((corpus / "manifest.json").read_bytes())["cases"]
    return [case for case in listed if case["kind"] in KINDS]


CASES = _cases()


@pytest.fixture(autouse=True)
def _nothing_ran():
    before = sorted(MARKER.iterdir()) if MARKER.exists() else None
    yield
    assert (sorted(MARKER.iterdir()) if MARKER.exists() else None) == before, "a payload ran"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A contract and rows with the three columns the corpus's own model was fitted on."""
    folder = tmp_path_factory.mktemp("inputs")
    (folder / "contract.yaml").write_text(CONTRACT)
    rng = np.random.default_rng(0)
    lines = ["a,b,c,grp,label"]
    drawn = rng.normal(size=(300, 3))
    lines += [f"{x:.3f},{y:.3f},{z:.3f},{'mn'[i % 2]},{int(x > 0)}" for i, (x, y, z) in enumerate(drawn)]
    (folder / "rows.csv").write_text("\n".join(lines) + "\n")
    return folder


def expected(case):
    """The verdict a file must get."""
    return SURVIVES.get(case["name"]) or OUTCOMES[case["expect"]]


def test_the_corpus_is_there(corpus):
    assert len(CASES) >= 60


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_through_the_command_line(case, corpus, inputs, tmp_path, capsys):
    """Also with the file trusted by hash: whoever trusts a refused file is refused too."""
    file = corpus / case["file"]
    command = ["audit", "--contract", str(inputs / "contract.yaml"), "--eval", str(inputs / "rows.csv")]
    command += ["--model", str(file), "--workspace", str(tmp_path), "--quiet"]
    code = main(command)
    said = capsys.readouterr().err
    assert "Traceback" not in said
    if expected(case) == "verified":
        assert code in (0, 1, 2), said
        return
    assert code == 4
    assert said.count("\n") == 1
    assert SAID.get(case["name"], "") in said
    assert not list(tmp_path.glob("audits/*/audit.json"))
    sha256 = identify_or_none(file)
    if sha256 is None:
        return
    code = main([*command, "--trust", sha256])
    again = capsys.readouterr().err
    assert code == 4
    if expected(case) == "needs review":
        assert "mycompany" in again and "not installed" in again
    else:
        assert "refused, unopened" in again


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_on_the_screen(case, corpus, tmp_path, monkeypatch, hiring_workspace, hiring_audit):
    """The Model page of an upload: the verdict's word, no acceptance of a refused file, no fault."""
    monkeypatch.setenv("EVENHAND_WORKSPACE", str(hiring_workspace.root))
    monkeypatch.setenv("EVENHAND_DEBUG", "1")
    raw = (corpus / case["file"]).read_bytes()
    path = tmp_path / Path(case["file"]).name
    path.write_bytes(raw)
    sha256 = identify_or_none(path) or "0" * 64
    upload = Upload(name=path.name, path=path, sha256=sha256, bytes=len(raw))
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.session_state["evenhand"] = Session(uploads={"model": upload})
    shown = app.run().switch_page("pages/model.py").run()
    assert not shown.exception
    said = "\n".join(str(part.value) for part in [*shown.markdown, *shown.error, *shown.caption])
    if identify_or_none(path) is None:
        assert shown.error
    else:
        word = {"refused": "Refused", "needs review": "Needs review", "verified": "Verified"}[expected(case)]
        assert f" {word}]" in said
    offered = [button for button in shown.button if button.label == "Review and accept"]
    assert bool(offered) == (expected(case) == "needs review")


def identify_or_none(file):
    """The SHA-256 of a file that has the shape of a model, None for what is refused before."""
    try:
        model = identify_model(file)
    except AuditError:
        return None
    assert inspect_model(model).verdict
    return model.sha256

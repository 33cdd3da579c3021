"""Who vouches for a model file, and what nobody can vouch for; the list of what reviewers accepted."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import pickle
import subprocess
import sys
import types
import zlib
from dataclasses import replace
from pathlib import Path

import joblib
import pytest
from sklearn.linear_model import LogisticRegression

from audit_core.errors import ModelError, SourceError, UsageError
from audit_core.evidence.pins import FILE, LONGEST, Pin, keep_pin, read_pins
from audit_core.sources import model_trust
from audit_core.sources.admission import admit_model, inspect_model
from audit_core.sources.model import identify_model
from audit_core.sources.model_trust import Review, Trust, find_trust, pinned_models, require_trust

PIN = Pin(
    sha256="a" * 64,
    model="model.joblib",
    names=("acme_models:Risk",),
    reviewer="Mina Okafor",
    assurance="typed",
    reason="our own package",
    isolation="isolation: full (strict)",
    at="2026-11-22T09:00:00+00:00",
)


@pytest.fixture
def fitted(tmp_path):
    """A fitted model of scikit-learn."""
    path = tmp_path / "model.joblib"
    joblib.dump(LogisticRegression().fit([[0.0], [1.0]], [0, 1]), path)
    return path


@pytest.fixture
def own_class(tmp_path, monkeypatch):
    """A fitted model of a class that no audited package has."""
    module = types.ModuleType("acme_models")
    monkeypatch.setitem(sys.modules, "acme_models", module)
    module.Risk = type("Risk", (LogisticRegression,), {"__module__": "acme_models"})
    path = tmp_path / "risk.joblib"
    joblib.dump(module.Risk().fit([[0.0], [1.0]], [0, 1]), path)
    return path


@pytest.fixture
def pins(monkeypatch, tmp_path):
    """An empty list of the release's own pins."""
    path = tmp_path / "pins.json"
    monkeypatch.setattr(model_trust, "_PINS", path)
    return path


def seen(path):
    """The identified file and its inspection."""
    model = identify_model(path)
    return model, inspect_model(model)


def test_a_verified_file_needs_nobody_where_the_process_is_locked(fitted):
    model, inspection = seen(fitted)
    assert require_trust(model, inspection, isolated=True) == Trust(sha256=model.sha256, by="inspection")


def test_a_verified_file_needs_a_person_where_it_is_not(fitted):
    model, inspection = seen(fitted)
    with pytest.raises(ModelError, match="can't lock the scoring process") as caught:
        require_trust(model, inspection, isolated=False)
    assert caught.value.exit_code == 4
    assert caught.value.remedy.startswith("Upload a predictions column")
    assert f"--trust {model.sha256}" in caught.value.remedy
    accepted = find_trust(model, inspection, isolated=False, accepted=[f" SHA256:{model.sha256.upper()}\n"])
    assert accepted == Trust(sha256=model.sha256, by="person")
    assert find_trust(model, inspection, isolated=False, accepted=["0" * 64, model.sha256[:12]]) is None


def test_an_unknown_class_needs_a_person_and_is_named(own_class):
    model, inspection = seen(own_class)
    with pytest.raises(ModelError, match="acme_models:Risk"):
        require_trust(model, inspection, isolated=True)
    assert find_trust(model, inspection, isolated=True, accepted=[model.sha256]).by == "person"


def test_a_review_counts_for_these_bytes_and_these_names_alone(own_class):
    model, inspection = seen(own_class)
    review = Review(sha256=model.sha256, names=frozenset(inspection.extra), reviewer="Mina Okafor")
    found = find_trust(model, inspection, isolated=True, reviews=[review])
    assert found == Trust(sha256=model.sha256, by="reviewer", reviewer="Mina Okafor")
    for other in (replace(review, sha256="0" * 64), replace(review, names=frozenset())):
        assert find_trust(model, inspection, isolated=True, reviews=[other]) is None


def test_what_is_refused_nobody_can_accept(tmp_path, pins):
    path = tmp_path / "bad.joblib"
    path.write_bytes(b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.")
    model, inspection = seen(path)
    pins.write_text(json.dumps({model.sha256: "pinned by mistake"}))
    review = Review(sha256=model.sha256, names=frozenset(inspection.names), reviewer="Mina Okafor")
    with pytest.raises(ModelError, match="posix:system") as caught:
        require_trust(model, inspection, isolated=True, accepted=[model.sha256], reviews=[review])
    assert "--trust" not in caught.value.remedy
    assert "predictions" in caught.value.remedy


def test_the_release_pins_its_own_files(fitted, pins):
    model, inspection = seen(fitted)
    assert pinned_models() == {}
    pins.write_text(json.dumps({model.sha256: "the sample model"}))
    assert pinned_models() == {model.sha256: "the sample model"}
    assert find_trust(model, inspection, isolated=False) == Trust(sha256=model.sha256, by="pinned")


@pytest.mark.parametrize("text", ["[]", "{", '{"abc": "short"}', '{"' + "a" * 64 + '": 1}'])
def test_damaged_pins_trust_nothing(fitted, pins, text):
    pins.write_text(text)
    with pytest.raises(ModelError, match="damaged"):
        find_trust(*seen(fitted), isolated=False)


def test_nothing_runs_on_the_way_to_a_refusal(tmp_path, monkeypatch):
    mark = tmp_path / "mark"

    class Payload:
        def __reduce__(self):
            return (Path.touch, (mark,))

    def refuse(*args, **kwargs):
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    plain = pickle.dumps(Payload())
    for packed in (
        plain,
        zlib.compress(plain),
        gzip.compress(plain),
        bz2.compress(plain),
        lzma.compress(plain),
    ):
        path = tmp_path / "m"
        path.write_bytes(packed)
        with pytest.raises(ModelError, match="refused, unopened"):
            admit_model(path, None, isolated=True, accepted=[identify_model(path).sha256])
    assert not mark.exists()


class TestTheListOfAcceptedModels:
    """Only ever added to, on the disk before it counts, and worth nothing where it is damaged."""

    def test_it_comes_back_in_order(self, tmp_path):
        assert read_pins(tmp_path) == ()
        other = replace(PIN, sha256="b" * 64, names=("a:B", "c:D"), reviewer="A. Åström\u202e", reason="x\ny")
        keep_pin(tmp_path, PIN)
        keep_pin(tmp_path, other)
        assert read_pins(tmp_path) == (PIN, other)
        assert PIN.review() == Review(sha256="a" * 64, names=frozenset(PIN.names), reviewer="Mina Okafor")

    @pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
    def test_others_can_not_read_it(self, tmp_path):
        keep_pin(tmp_path / "new", PIN)
        assert (tmp_path / "new" / FILE).stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize("field", ["reviewer", "reason"])
    @pytest.mark.parametrize("text", ["", "  \n", "x" * (LONGEST + 1)])
    def test_a_person_and_a_reason_are_needed(self, tmp_path, field, text):
        with pytest.raises(UsageError):
            keep_pin(tmp_path, replace(PIN, **{field: text}))
        assert read_pins(tmp_path) == ()

    @pytest.mark.parametrize("line", ["", "{", "[]", '{"sha256": "a"}', '{"names": "abc"}'])
    def test_a_damaged_list_accepts_nothing(self, tmp_path, line):
        keep_pin(tmp_path, PIN)
        with (tmp_path / FILE).open("a") as stream:
            stream.write(line + "\n")
        with pytest.raises(SourceError, match="line 2"):
            read_pins(tmp_path)

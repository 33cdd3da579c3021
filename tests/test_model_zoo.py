"""Fitted classifiers of every kind are verified, and score inside the lock exactly as outside."""

from __future__ import annotations

import io
import pickle
import warnings

import joblib
import numpy as np
import pyarrow as pa
import pytest
from model_zoo import fitted, recipes, tables

from audit_core.errors import ModelError
from audit_core.sources.admission import admit_model
from audit_core.sources.model_bytes import unpacked
from audit_core.sources.model_inspect import inspect_payload
from audit_core.sources.scoring import Scorer, WaitingWorkers

PARTS = 8
"""The zoo is told in parts, so that several of them can run beside one another."""
RECIPES = list(recipes())
SCORED = 128
"""Models that score in the ordinary run, spread over all kinds; the others do in `make fuzz`."""
EVERY_RUN = [RECIPES[i * len(RECIPES) // SCORED] for i in range(SCORED)]
ON_DEMAND = [recipe for recipe in RECIPES if recipe not in EVERY_RUN]


def outside(path, frame):
    """The positive class's score without any process around it, or its 0/1 decision."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = joblib.load(path)
        if hasattr(model, "predict_proba"):
            return model.predict_proba(frame)[:, 1]
        return (model.predict(frame) == model.classes_[1]).astype(float)


@pytest.fixture(scope="module")
def waiting():
    """A scoring process always ready, as in the dashboard."""
    with WaitingWorkers() as workers:
        yield workers


@pytest.mark.parametrize("part", range(PARTS))
def test_models_are_verified_and_score_the_same(part, waiting, tmp_path):
    verified_and_scored(EVERY_RUN[part::PARTS], part, waiting, tmp_path)


@pytest.mark.fuzz
def test_the_other_models_are_verified_and_score_the_same(waiting, tmp_path):
    verified_and_scored(ON_DEMAND, 0, waiting, tmp_path)


def test_the_other_models_are_verified():
    """Not loaded here: the same inspection says what it would say before scoring."""
    for name, make, data in ON_DEMAND:
        stream = io.BytesIO()
        joblib.dump(fitted(make, data), stream)
        seen = inspect_payload(unpacked(stream.getvalue(), name))
        assert seen.verdict == "verified", (name, seen.reasons)


def verified_and_scored(some, part, waiting, tmp_path):
    """Each model's scores inside the lock are those outside it, to the last bit."""
    wrong, modes = [], set()
    for name, make, data in some:
        frame, _ = tables(data)
        model = fitted(make, data)
        assert model is not None, name
        path = tmp_path / "model.joblib"
        joblib.dump(model, path, compress=part % 2)
        admitted = admit_model(path, name, isolated=True)
        assert admitted.trust.by == "inspection"
        with Scorer(admitted.model, admitted.trust, admitted.opening, workers=waiting) as scorer:
            inside = scorer.score(pa.Table.from_pandas(frame, preserve_index=False))
            modes.add(scorer.isolation.mode)
        # The model as it was saved: loading can turn an array round, and with it the last bit of a sum.
        if not np.array_equal(inside, outside(path, frame)):
            wrong.append(name)
    assert not wrong
    assert modes <= {"strict", "lax"}


def test_there_are_enough_of_them():
    assert len(EVERY_RUN) >= 128
    assert len(EVERY_RUN) + len(ON_DEMAND) == len(RECIPES)
    assert len({name for name, _, _ in RECIPES}) == len(RECIPES)


@pytest.mark.parametrize("packing", [0, 1, 9, ("gzip", 3), ("bz2", 3), ("xz", 3), ("lz4", 1)])
def test_however_it_is_packed(packing):
    model = fitted(RECIPES[0][1], RECIPES[0][2])
    stream = io.BytesIO()
    joblib.dump(model, stream, compress=packing)
    assert inspect_payload(unpacked(stream.getvalue(), "m")).verdict == "verified"


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_whatever_protocol_it_has(protocol):
    for name, make, data in RECIPES[::9]:
        model = fitted(make, data)
        stream = io.BytesIO()
        joblib.dump(model, stream, protocol=protocol)
        for raw in (stream.getvalue(), pickle.dumps(model, protocol=protocol)):
            seen = inspect_payload(raw)
            assert seen.verdict == "verified", (name, seen.reasons)


def test_a_search_over_distributions_is_refused_with_a_way_out(tmp_path):
    """A frozen distribution runs `exec` when it is loaded, so the search that holds one is refused."""
    from scipy.stats import uniform
    from sklearn.model_selection import RandomizedSearchCV
    from sklearn.tree import DecisionTreeClassifier

    frame, label = tables("numbers")
    search = RandomizedSearchCV(DecisionTreeClassifier(), {"ccp_alpha": uniform(0, 0.1)}, n_iter=2, cv=2)
    joblib.dump(search.fit(frame, label), tmp_path / "search.joblib")
    with pytest.raises(ModelError, match=r"scipy\.stats") as caught:
        admit_model(tmp_path / "search.joblib", None, isolated=True)
    assert "best_estimator_" in caught.value.remedy
    joblib.dump(search.best_estimator_, tmp_path / "best.joblib")
    assert admit_model(tmp_path / "best.joblib", None, isolated=True).inspection.verdict == "verified"

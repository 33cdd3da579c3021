"""Mutated model files: none may raise anything but a sentence, hang, or reach a name it was not given."""

from __future__ import annotations

import io
import pickle
import time

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from mutants import COUNT, mutants
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from audit_core.errors import ModelError, UsageError
from audit_core.sources.admission import admit_model
from audit_core.sources.model_bytes import unpacked
from audit_core.sources.model_inspect import Inspection, inspect_payload
from audit_core.sources.model_policy import read_policy
from audit_core.sources.scoring import Scorer, ScoringLimits, WaitingWorkers

SHORT = 400
QUICK = ScoringLimits(seconds_total=20, seconds_per_batch=10)
SLOWEST = 5.0
"""Seconds that no mutant of a file of a few KB may take; a hang is minutes."""


def originals() -> dict[str, bytes]:
    """Small fitted models, plain and packed, and one pickled without joblib."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"a": rng.normal(size=60), "b": rng.normal(size=60), "c": rng.choice(["x", "y"], 60)}
    )
    label = (frame["a"] > 0).astype(int)
    columns = ColumnTransformer([("n", StandardScaler(), ["a", "b"]), ("c", OneHotEncoder(), ["c"])])
    numeric = frame[["a", "b"]]
    models = {
        "pipeline": make_pipeline(columns, LogisticRegression()).fit(frame, label),
        "forest": RandomForestClassifier(2, max_depth=2, random_state=0).fit(numeric, label),
        "boosting": GradientBoostingClassifier(n_estimators=2, max_depth=1).fit(numeric, label),
        "neighbours": KNeighborsClassifier(algorithm="kd_tree").fit(numeric, label),
    }
    found = {}
    for name, model in models.items():
        for packing in (0, 3):
            stream = io.BytesIO()
            joblib.dump(model, stream, compress=packing)
            found[f"{name}, packed" if packing else name] = stream.getvalue()
        found[f"{name}, old protocol"] = pickle.dumps(model, protocol=2)
    return found


ORIGINALS = originals()


def look(raw: bytes) -> Inspection | None:
    """The inspection, or None where the file was refused before it."""
    try:
        return inspect_payload(unpacked(raw, "mutant"))
    except ModelError as error:
        assert error.problem and error.remedy
        return None


def check(raw: bytes, count: int) -> tuple[int, list[bytes]]:
    """How many mutants were looked at, and those that are still verified."""
    policy, verified = read_policy(), []
    looked = 0
    for seed, mutant in mutants(raw, count):
        started = time.monotonic()
        seen = look(mutant)
        looked += 1
        assert time.monotonic() - started < SLOWEST, f"seed {seed}"
        if seen is None:
            continue
        assert seen.verdict != "refused" or seen.reasons, f"seed {seed}"
        if seen.verdict == "verified":
            assert all(name in policy.names for name in seen.names), f"seed {seed}"
            verified.append(mutant)
    return looked, verified


@pytest.mark.parametrize("name", sorted(ORIGINALS))
def test_mutants_end_in_a_verdict(name):
    looked, _ = check(ORIGINALS[name], SHORT)
    assert looked == SHORT


@pytest.mark.fuzz
@pytest.mark.parametrize("name", sorted(ORIGINALS))
def test_many_mutants_end_in_a_verdict(name):
    looked, _ = check(ORIGINALS[name], COUNT)
    assert looked == COUNT


def opened(mutants_of, workers, folder):
    """How many verified mutants were opened in the locked process, each with scores or a sentence."""
    frame = pa.table({"a": [0.1, -0.4], "b": [0.3, 0.2], "c": ["x", "y"]})
    done = 0
    for mutant in mutants_of:
        path = folder / "mutant.joblib"
        path.write_bytes(mutant)
        admitted = admit_model(path, None, isolated=True)
        try:
            with Scorer(
                admitted.model, admitted.trust, admitted.opening, features=("a", "b"), workers=workers
            ) as scorer:
                assert len(scorer.score(frame)) == 2
        except (ModelError, UsageError) as error:
            assert error.problem
        done += 1
    return done


def test_verified_mutants_are_opened_only_in_the_locked_process(tmp_path):
    """A changed number can crash a native library: the process dies, and a sentence is left."""
    with WaitingWorkers(QUICK) as workers:
        _, verified = check(ORIGINALS["forest"], 60)
        assert opened(verified[:6], workers, tmp_path) > 0


@pytest.mark.fuzz
@pytest.mark.parametrize("name", sorted(name for name in ORIGINALS if "old" not in name))
def test_many_verified_mutants_are_opened_in_the_locked_process(name, tmp_path):
    with WaitingWorkers(QUICK) as workers:
        _, verified = check(ORIGINALS[name], COUNT)
        opened(verified[: max(1, COUNT // 40)], workers, tmp_path)

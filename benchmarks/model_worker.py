"""How long a model takes from its file to its first description, and from rows to scores."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from audit_core.sources.admission import admit_model
from audit_core.sources.scoring import FreshWorkers, Scorer, WaitingWorkers, Workers, available_isolation

_ROWS = 100_000
_TIMES = 5


def measure() -> Iterator[tuple[str, float, str]]:
    """The figures, as name, value and unit."""
    with tempfile.TemporaryDirectory() as folder, WaitingWorkers() as waiting:
        path, small, rows = Path(folder) / "forest.joblib", Path(folder) / "small.joblib", _rows(_ROWS)
        joblib.dump(RandomForestClassifier(100, max_depth=10, random_state=0).fit(*_fitted_on()), path)
        joblib.dump(LogisticRegression().fit(*_fitted_on()), small)
        yield "what the lock holds on this system, probed", _probe(), "ms"
        for name, file in (("logistic regression", small), ("100 trees", path)):
            yield f"process started, locked, {name} described", _described(file, FreshWorkers()), "ms"
            yield f"process waiting: locked, {name} described", _described(file, waiting), "ms"
        with _scorer(path, waiting) as scorer:
            began = time.perf_counter()
            scorer.score(rows)
            seconds = time.perf_counter() - began
        yield "100 trees score 100,000 rows, one thread", seconds * 1000, "ms"
        yield "100 trees, rows per second", _ROWS / seconds, "rows/s"


def _rows(count: int) -> pa.Table:
    values = np.random.default_rng(0).normal(size=(count, 10))
    return pa.table({f"x{at}": values[:, at] for at in range(10)})


def _fitted_on() -> tuple[pd.DataFrame, np.ndarray]:
    frame = _rows(20_000).to_pandas()
    return frame, (frame["x0"] + frame["x1"] * frame["x2"] > 0).to_numpy(dtype=int)


def _scorer(path: Path, workers: Workers) -> Scorer:
    """The way of the product: identified, inspected, admitted."""
    found = admit_model(path, None, isolated=True)
    return Scorer(found.model, found.trust, found.opening, workers=workers)


def _described(path: Path, workers: Workers) -> float:
    """Milliseconds, median; a waiting process is first given the time to be ready."""
    spent = []
    for _ in range(_TIMES):
        if isinstance(workers, WaitingWorkers):
            workers.wait()
        began = time.perf_counter()
        with _scorer(path, workers):
            spent.append(time.perf_counter() - began)
    return median(spent) * 1000


def _probe() -> float:
    available_isolation.cache_clear()
    began = time.perf_counter()
    available_isolation()
    return (time.perf_counter() - began) * 1000

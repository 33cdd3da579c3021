"""What it costs to look into a model file without running it: a small one, a forest of 40 MiB, a bomb."""

from __future__ import annotations

import io
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from statistics import median

import joblib
import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from audit_core.errors import ModelError
from audit_core.sources.model_bytes import unpacked
from audit_core.sources.model_inspect import inspect_payload

_TIMES = 5
_FOREST_BYTES = 40 * 2**20


def measure() -> Iterator[tuple[str, float, str]]:
    """Yield each figure with its value and its unit."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(20_000, 10))
    label = (values[:, 0] + rng.normal(size=20_000) > 0).astype(int)
    small = _dumped(LogisticRegression().fit(values, label))
    forest = _dumped(
        RandomForestClassifier(_trees(values, label), random_state=0, n_jobs=2).fit(values, label)
    )
    packed = zlib.compress(forest, 3)
    bomb = zlib.compress(bytes(2**30))
    yield "a logistic regression", _milliseconds(lambda: inspect_payload(small)), "ms"
    yield f"a forest of {len(forest) / 2**20:.0f} MiB", _milliseconds(lambda: inspect_payload(forest)), "ms"
    yield "the same forest, more memory at its peak", _peak(lambda: inspect_payload(forest)), "MiB"
    yield "the same, packed: unpacked and inspected", _milliseconds(lambda: _packed(packed)), "ms"
    yield "a zlib bomb of 1 GiB refused", _milliseconds(lambda: _packed(bomb)), "ms"


def _trees(values: np.ndarray, label: np.ndarray) -> int:
    """How many trees make a file of 40 MiB."""
    one = len(_dumped(RandomForestClassifier(4, random_state=0).fit(values, label))) / 4
    return max(1, round(_FOREST_BYTES / one))


def _dumped(model: object) -> bytes:
    stream = io.BytesIO()
    joblib.dump(model, stream)
    return stream.getvalue()


def _packed(raw: bytes) -> None:
    try:
        inspect_payload(unpacked(raw, "model.joblib"))
    except ModelError:
        return


def _milliseconds(work: Callable[[], object]) -> float:
    spent = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        work()
        spent.append(time.perf_counter() - began)
    return median(spent) * 1000


def _peak(work: Callable[[], object]) -> float:
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20

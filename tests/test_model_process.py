"""Whatever a model does in its process ends as a sentence, and the waiting process is never used twice.

What is tested here holds with or without the kernel's lock: an empty environment, memory, time, and a reply
that can't be forged into a wrong length. The lock itself has tests of its own.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from joblib.numpy_pickle import NumpyArrayWrapper, NumpyUnpickler
from sklearn.linear_model import LinearRegression, LogisticRegression

from audit_core.errors import ModelError
from audit_core.sources import model_process, model_worker
from audit_core.sources.isolation import Isolation, isolation_told
from audit_core.sources.model import Opening, identify_model
from audit_core.sources.model_process import ModelProcess
from audit_core.sources.model_trust import Trust
from audit_core.sources.scoring import (
    FreshWorkers,
    Scorer,
    ScoringLimits,
    WaitingWorkers,
    available_isolation,
)
from tests.live_payloads import NO_LOCK, use_lock

QUICK = FreshWorkers(ScoringLimits(seconds_per_batch=20))
ANY_NAME = Opening(format="joblib", modules=(), names=None)
# predict_proba's caller is `score`, whose caller holds the pipe that replies go to.
REPLIES = "m.sys._getframe(2).f_locals['replies']"


def saved(path: Path, model: object, **options: int) -> Path:
    joblib.dump(model, path, **options)
    return path


def scorer(path: Path, positive: str | None = None, opening: Opening = ANY_NAME) -> Scorer:
    model = identify_model(path)
    return Scorer(model, Trust(sha256=model.sha256, by="person"), opening, positive=positive, workers=QUICK)


class Code:
    """An object whose loading evaluates an expression."""

    def __init__(self, expression: str) -> None:
        self.expression = expression

    def __reduce__(self) -> tuple[object, ...]:
        return (eval, (self.expression,))


def odd(predict_proba: str, name: str = "'Odd'") -> Code:
    """A classifier of one column `x` whose predict_proba is an expression of the frame `f`."""
    return Code(
        f"type({name}, (), dict(classes_=[0, 1], feature_names_in_=['x'], n_features_in_=1, "
        "os=__import__('os'), sys=__import__('sys'), np=__import__('numpy'), time=__import__('time'), "
        f"predict=lambda m, f: None, predict_proba=lambda m, f: {predict_proba}))()"
    )


X = pa.record_batch({"x": [1.0, 2.0, 3.0]})


# --- what is not a classifier, or not for this audit -------------------------------------------


def frame_of(rows: int) -> pd.DataFrame:
    return pd.DataFrame({"x": np.linspace(0, 1, rows)})


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lambda: {"model": LogisticRegression()}, ["holds a dict, not a model", "predictions column"]),
        (lambda: LinearRegression().fit(frame_of(4), [0, 1, 2, 3]), ["LinearRegression is not a classifier"]),
        (lambda: LogisticRegression().fit(frame_of(6), [0, 1, 2] * 2), ["3 classes", "exactly two"]),
        (LogisticRegression, ["has not been fitted"]),
        (lambda: LogisticRegression().fit(frame_of(4), [0, 1, 0, 1]), ["classes, 0 and 1"]),
        (lambda: Code("__import__('no_such_package.deep')"), ["package no_such_package", "not installed"]),
        (lambda: Code("[][1]"), ["can't be loaded (IndexError"]),
        (lambda: Code("exit(3)"), ["can't be loaded (SystemExit"]),
    ],
)  # fmt: skip
def test_refused_with_a_sentence(tmp_path: Path, model: Callable[[], object], words: list[str]) -> None:
    with (
        pytest.raises(ModelError) as caught,
        scorer(saved(tmp_path / "m.joblib", model()), positive="approved"),
    ):
        pass
    assert caught.value.where == "m.joblib"
    assert caught.value.exit_code == 4
    for word in words:
        assert word in str(caught.value)


def test_a_class_from_a_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = type("Winsorizer", (), {"__module__": "__main__"})
    monkeypatch.setattr(sys.modules["__main__"], "Winsorizer", step, raising=False)
    path = saved(tmp_path / "m", step())
    with (
        pytest.raises(ModelError, match="Winsorizer, which is defined in a notebook") as caught,
        scorer(path),
    ):
        pass
    assert caught.value.remedy == "Move it into a module, or upload predictions"


# --- hostile models ----------------------------------------------------------------------------


def test_untrusted_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    path = saved(tmp_path / "m", Code(f"open({str(tmp_path / 'mark')!r}, 'w')"))
    model = identify_model(path)
    with pytest.raises(ModelError, match="another model file"):
        Scorer(model, Trust(sha256="0" * 64, by="person"), ANY_NAME)
    accepted = Scorer(model, Trust(sha256=model.sha256, by="person"), ANY_NAME)
    saved(path, Code("1"))
    with pytest.raises(ModelError, match="changed after it was identified"), accepted:
        pass
    assert not (tmp_path / "mark").exists()


def test_the_worker_has_no_environment_and_prints_do_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVENHAND_CANARY", "canary")
    printing = (
        "(print('x' * 300000, flush=True), m.os.write(1, b'y' * 99), m.np.full((len(f), 2), m.np.nan))[2]"
    )
    path = saved(tmp_path / "m", odd(printing, name="' '.join(sorted(__import__('os').environ))"))
    with scorer(path) as started:
        names = set(started.describe().class_name.split())
        folder = Path(started._process._folder.name)
        assert np.isnan(started.score(X)).all()
        assert folder.exists()
    assert not folder.exists()
    # What is there was set inside: by the worker, by scikit-learn (KMP_…) and by Python (LC_CTYPE).
    own = {"JOBLIB_MULTIPROCESSING", "JE_ARROW_MALLOC_CONF", "OMP_THREAD_LIMIT", "LC_CTYPE", "SYSTEMROOT"}
    own.add("ORT_DISABLE_TELEMETRY")
    assert {name for name in names if not name.endswith("_NUM_THREADS") and name[:4] != "KMP_"} <= own


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("m.os._exit(3)", "ended the scoring process (exit code 3)"),
        ("m.os.kill(m.os.getpid(), 11)", "The model crashed the scoring process (SIGSEGV)"),
        ("m.os.kill(m.os.getpid(), 31)", "something that the scoring process may not do (SIGSYS)"),
        ("(print('canary'), m.os._exit(1))", "(exit code 1)"),
        (f"{REPLIES}.write(b'\\xff' * 64)", "can't be read"),
        (f"{REPLIES}.write(b'\\x02' + bytes(7) + b'[]')", "can't be read"),
        (f"{REPLIES}.write(b'\\x02' + bytes(7) + b'{{}}' + b'\\x10' + bytes(23))", "2 scores for 3 rows"),
    ],
)
def test_a_model_that_misbehaves_ends_as_a_sentence(tmp_path: Path, body: str, words: str) -> None:
    with scorer(saved(tmp_path / "m.joblib", odd(body))) as started:
        with pytest.raises(ModelError) as caught:
            started.score(X)
        with pytest.raises(ModelError) as again:
            started.score(X)
    for error in (caught.value, again.value):
        assert words in error.problem
        assert error.where == "m.joblib"
        assert "predictions column" in error.remedy
        assert "canary" not in str(error)


def test_a_failed_batch_ends_as_a_sentence_and_the_next_one_is_scored(tmp_path: Path) -> None:
    fails = {
        "bytearray(5 << 30)": "more memory than the model may use",
        "m.np.zeros((len(f) + 1, 2))": "array of shape (2, 2) where (1, 2) was expected",
        "m.np.zeros((len(f), 3))": "array of shape (1, 3)",
        "float('canary')": "ValueError: a text value reached a step that wants numbers",
        "exit('canary')": "(SystemExit)",
    }
    chosen = ", ".join(f"lambda: {body}" for body in [*fails, "m.np.full((1, 2), m.np.inf)"])
    model = odd(f"[{chosen}][int(f['x'].iloc[0])]()")
    with scorer(saved(tmp_path / "m", model)) as started:
        for at, words in enumerate(fails.values()):
            with pytest.raises(ModelError) as caught:
                started.score(pa.record_batch({"x": [at]}))
            assert words in caught.value.problem
            assert "canary" not in str(caught.value)
        assert started.score(pa.record_batch({"x": [len(fails)]})).tolist() == [np.inf]


@pytest.mark.parametrize("leaves", [False, True])
def test_an_endless_model_is_stopped_on_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leaves: bool
) -> None:
    if leaves:  # possible only where the lock is missing
        use_lock(monkeypatch, tmp_path / "w", NO_LOCK)
    # The second one hands its pipes to a process in a session of its own, which outlives the kill.
    leave = "m.os.fork() or (m.os.setsid(), m.time.sleep(6), m.os._exit(0))" if leaves else "0"
    path = saved(tmp_path / "m", odd(f"[{leave}, [0 for _ in iter(int, 1)]]"))
    with scorer(path) as started:
        started._process._limits = ScoringLimits(seconds_per_batch=0.5)
        began = time.monotonic()
        with pytest.raises(ModelError, match=r"stopped: it took longer than 0\.5 s"):
            started.score(X)
        with pytest.raises(ModelError, match="stopped"):
            started.score(X)
    assert time.monotonic() - began < 5
    assert started._process._popen.returncode is not None


def test_total_time_is_shared_by_the_batches(tmp_path: Path) -> None:
    path = saved(tmp_path / "m", odd("(m.time.sleep(0.3), m.np.zeros((len(f), 2)))[1]"))
    with scorer(path) as started:
        started._process.left = 0.5
        assert len(started.score(X)) == 3
        with pytest.raises(ModelError, match="longer than"):
            started.score(X)


def test_a_system_without_limits_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ModelProcess, "lock", lambda process, _: lock(process, ["RLIMIT_AS", "RLIMIT_CPU"]))
    with scorer(saved(tmp_path / "m", odd("0"))) as started:
        words = "isolation: reduced (this system sets no limit on AS, CPU)"
        assert started.describe().notes == (started.isolation.words(),) == (words,)


def lock(process: ModelProcess, reduced: list[str]) -> Isolation:
    request = {"format": "joblib", "modules": [], "names": None, "mode": "strict", "positive": None}
    told = process.ask([json.dumps(request).encode()])
    return isolation_told({"mode": told["mode"], "layers": told["layers"], "missing": []}, reduced)


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ((), "isolation: full (lax)"),
        (("Landlock", "seccomp"), "isolation: reduced (this system has no Landlock, seccomp)"),
        (
            ("Landlock", "RLIMIT_AS"),
            "isolation: reduced (this system has no Landlock and sets no limit on AS)",
        ),
    ],
)
def test_isolation_in_words(missing: tuple[str, ...], words: str) -> None:
    isolation = Isolation(mode="lax", layers=("seccomp",), missing=missing)
    assert isolation.words() == words
    assert isolation.complete == (not missing)


def test_where_no_process_starts_nothing_is_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_process, "_WORKER", Path("no such script"))
    isolation = available_isolation.__wrapped__()
    assert (isolation.complete, isolation.layers) == (False, ())


# --- what the file may ask for --------------------------------------------------------------------


def refusal(raw: bytes, names: Iterable[str]) -> str:
    """Why the worker's reader stops at a stream that may ask only for these names."""
    try:
        model_worker.load(raw, {"format": "joblib", "names": list(names)}, {})
    except model_worker.model_answers.RefusedError as error:
        return error.problem
    return ""


def dumped(model: object) -> bytes:
    stream = io.BytesIO()
    joblib.dump(model, stream)
    return stream.getvalue()


def names_in(raw: bytes) -> tuple[str, ...]:
    """Every name a stream asks for, those in its object arrays included."""
    seen: list[str] = []

    class Reading(NumpyUnpickler):
        def find_class(self, module: str, name: str) -> object:
            seen.append(f"{module}:{name}")
            return super().find_class(module, name)

    Reading("", io.BytesIO(raw), ensure_native_byte_order=True).load()
    return tuple(seen)


def test_only_listed_names_are_loaded(tmp_path: Path) -> None:
    labels = np.array(["no", "yes"], dtype=object)
    fitted = LogisticRegression().fit(frame_of(6), labels[[0, 1] * 3])
    raw = dumped(fitted)
    names = names_in(raw)
    assert refusal(raw, names) == ""
    for name in set(names):
        module, _, attribute = name.partition(":")
        problem = f"The model asks for {module}.{attribute}, which was not found when it was inspected"
        assert refusal(raw, set(names) - {name}) == problem
    path = saved(tmp_path / "m", fitted, compress=3)
    with scorer(path, opening=Opening(format="joblib", modules=(), names=names)) as started:
        assert started.describe().classes == ("no", "yes")
    with pytest.raises(ModelError, match="not found when it was inspected"):
        scorer(path, opening=Opening(format="joblib", modules=(), names=names[1:])).__enter__()


def test_an_object_array_may_ask_for_no_more(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    raw = dumped({"inside": np.array([Code(f"open({str(mark)!r}, 'w')")], dtype=object)})
    wrapper = "joblib.numpy_pickle:NumpyArrayWrapper"
    names = [wrapper, "numpy:ndarray", "numpy:dtype", "numpy._core.multiarray:_reconstruct"]
    assert "builtins.eval, which was not found" in refusal(raw, names)
    assert not mark.exists()


def test_joblib_knows_no_wrapper_inside_an_object_array() -> None:
    wrapper = "joblib.numpy_pickle:NumpyArrayWrapper"
    inside = np.array([NumpyArrayWrapper(np.ndarray, (1,), "C", np.dtype("u1"))], dtype=object)
    assert "NumpyArrayWrapper, which was not found" in refusal(
        dumped(inside), [*names_in(dumped(inside)), wrapper]
    )


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"\x80\x04cjoblib.numpy_pickle_compat\nNDArrayWrapper\n.", "NDArrayWrapper, which was not found"),
        (b"\x80\x02c__builtin__\neval\n.", "builtins.eval, which was not found"),
        (b"\x80\x02Pelsewhere\n.", "objects outside its file"),
        (b"\x80\x02\x82\x01.", "extension registry"),
        (b"\x80\x02N.N.", "Other data follow"),
        (b"\x80\x02(", "cut short or damaged"),
    ],
)
def test_streams_that_reach_beyond_the_list(raw: bytes, words: str) -> None:
    listed = ("joblib.numpy_pickle_compat:NDArrayWrapper", "__builtin__:eval")
    assert words in refusal(raw, listed)


def test_a_listed_module_that_is_missing_here(tmp_path: Path) -> None:
    path = tmp_path / "m"
    path.write_bytes(b"\x80\x04cno_such_package.deep\nThing\n.")
    opening = Opening(
        format="joblib", modules=("no_such_package.deep",), names=("no_such_package.deep:Thing",)
    )
    with pytest.raises(ModelError, match="needs the package no_such_package, which is not installed here"):
        scorer(path, opening=opening).__enter__()


# --- one process ahead ----------------------------------------------------------------------------


def test_each_model_has_a_process_of_its_own_that_was_waiting(tmp_path: Path) -> None:
    path = saved(tmp_path / "m", odd("m.np.full((len(f), 2), m.os.getpid())"))
    model = identify_model(path)
    trust = Trust(sha256=model.sha256, by="person")
    with WaitingWorkers(QUICK.limits) as workers:
        waiting = [workers._next.result()._popen.pid]
        for _ in range(2):
            with Scorer(model, trust, ANY_NAME, workers=workers) as started:
                assert started.score(X).tolist() == [waiting[-1]] * 3
                assert workers._next is not None
                ahead = workers._next.result()
                waiting.append(ahead._popen.pid)
            assert started._process._popen.returncode is not None
        assert len(set(waiting)) == 3
        ahead._popen.kill()  # it dies while it waits: the next scorer must not notice
        ahead._popen.wait()
        with Scorer(model, trust, ANY_NAME, workers=workers) as started:
            assert started.score(X)[0] not in waiting
            last = workers._next.result()
    assert last._popen.returncode is not None
    assert not Path(last._folder.name).exists()
    after = workers.take("m")
    after.close()
    assert workers._next is None


def test_the_waiting_process_ends_with_its_owner(tmp_path: Path) -> None:
    owner = (
        "from audit_core.sources.waiting import WaitingWorkers; import os, sys; "
        "print(WaitingWorkers()._next.result()._popen.pid, flush=True); {end}"
    )
    for end in ("sys.exit()", "os.kill(os.getpid(), 9)"):
        code = [sys.executable, "-c", owner.format(end=end)]
        own = {**os.environ, "TMPDIR": str(tmp_path)}  # a killed owner leaves an empty folder behind
        pid = int(subprocess.run(code, capture_output=True, check=False, timeout=60, env=own).stdout)
        deadline = time.monotonic() + 10
        while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not Path(f"/proc/{pid}").exists()


def test_a_process_that_does_not_start_is_an_error_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_process, "_WORKER", Path("no such script"))
    with WaitingWorkers(QUICK.limits) as workers:
        for _ in range(2):
            with pytest.raises(ModelError, match="ended the scoring process"):
                workers.take("m")

"""Whatever a model does in its process ends as a sentence.

What the limits promise today, and what is tested: an empty environment, no content written to files,
memory, time, and a reply that can't be forged into a wrong length. Reading files, the network and
starting processes are only closed by the kernel lock, which does not exist yet.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from audit_core.errors import ModelError
from audit_core.sources.model import Trust, identify_model, require_trust
from audit_core.sources.model_process import ModelProcess
from audit_core.sources.scoring import Scorer, ScoringLimits

QUICK = ScoringLimits(seconds_per_batch=20)
# predict_proba's caller is `score`, whose caller holds the pipe that replies go to.
REPLIES = "m.sys._getframe(2).f_locals['replies']"


def saved(path: Path, model: object) -> Path:
    joblib.dump(model, path)
    return path


def scorer(path: Path, positive: str | None = None) -> Scorer:
    model = identify_model(path)
    return Scorer(model, require_trust(model, [model.sha256]), QUICK, positive=positive)


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
        Scorer(model, Trust(sha256="0" * 64, by="person"))
    accepted = Scorer(model, Trust(sha256=model.sha256, by="person"))
    saved(path, Code("1"))
    with pytest.raises(ModelError, match="changed after it was identified"), accepted:
        pass
    assert not (tmp_path / "mark").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no file size limit on Windows")
def test_a_trusted_payload_runs_in_the_worker_and_writes_no_content(tmp_path: Path) -> None:
    # The limit does not stop it from creating an empty file: that takes the kernel lock.
    mark = tmp_path / "mark"
    path = saved(tmp_path / "m", Code(f"__import__('pathlib').Path({str(mark)!r}).write_text('canary')"))
    with pytest.raises(ModelError, match="can't be loaded"), scorer(path):
        pass
    assert mark.read_text() == ""


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
    own = {"JOBLIB_MULTIPROCESSING", "OMP_THREAD_LIMIT", "LC_CTYPE", "SYSTEMROOT"}
    assert {name for name in names if not name.endswith("_NUM_THREADS") and name[:4] != "KMP_"} <= own


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("m.os._exit(3)", "ended the scoring process (exit code 3)"),
        ("m.os.kill(m.os.getpid(), 11)", "crashed the scoring process (SIGSEGV)"),
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
def test_an_endless_model_is_stopped_on_time(tmp_path: Path, leaves: bool) -> None:
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
        started._process._left = 0.5
        assert len(started.score(X)) == 3
        with pytest.raises(ModelError, match="longer than"):
            started.score(X)


def test_a_system_without_limits_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start = ModelProcess.start
    monkeypatch.setattr(ModelProcess, "start", lambda process: (start(process), ("AS", "CPU"))[1])
    with scorer(saved(tmp_path / "m", odd("0"))) as started:
        assert started.describe().notes == ("isolation: reduced (this system sets no limit on AS, CPU)",)

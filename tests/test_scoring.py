"""A trusted model scores in its own process exactly as it would here; the scores join the rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
import sklearn
from lightgbm import LGBMClassifier
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC
from xgboost import XGBClassifier

from audit_core.errors import ModelError, SourceError, UsageError
from audit_core.sources.model import Opening, identify_model
from audit_core.sources.model_trust import Trust
from audit_core.sources.scoring import (
    FreshWorkers,
    Scorer,
    ScoringLimits,
    WaitingWorkers,
    Workers,
    available_isolation,
    score_table,
    typed_features,
)

QUICK = FreshWorkers(ScoringLimits(seconds_per_batch=20))
ANY_NAME = Opening(format="joblib", modules=(), names=None)
NUMERIC = ("age", "debt")
KINDS = dict.fromkeys(NUMERIC, "number")


def saved(path: Path, model: object, **options: Any) -> Path:
    joblib.dump(model, path, **options)
    return path


def scorer(path: Path, opening: Opening = ANY_NAME, workers: Workers = QUICK, **options: Any) -> Scorer:
    model = identify_model(path)
    trust = Trust(sha256=model.sha256, by="person")
    return Scorer(model, trust, opening, workers=workers, **options)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(7)
    rows = 400
    frame = pd.DataFrame({
        "id": np.arange(rows),
        "age": rng.integers(18, 90, rows).astype(str),
        "debt": [f"{value:.2f}" for value in rng.normal(10, 4, rows)],
        "job": rng.choice(["clerk", "cook", "pilot"], rows),
        "region": rng.choice(["N", "S"], rows),
        "y": rng.integers(0, 2, rows),
    })  # fmt: skip
    tokens = ["", "NA", "N/A", "NaN", "nan", "null", "NULL"]
    for column in ("age", "debt", "job", "region"):
        frame.loc[rng.choice(rows, 40, replace=False), column] = rng.choice(tokens, 40)
    frame.loc[0, "debt"], frame.loc[1, "age"] = "+5", " 31 "
    path = tmp_path_factory.mktemp("table") / "rows.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def pipeline(table: Path) -> tuple[Pipeline, pd.DataFrame]:
    frame = pd.read_csv(table)
    assert frame["job"].isna().any() and frame["age"].isna().any()
    text = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    constant = make_pipeline(SimpleImputer(strategy="constant", fill_value="?"), OneHotEncoder())
    columns = ColumnTransformer([
        ("number", make_pipeline(SimpleImputer(), StandardScaler()), list(NUMERIC)),
        ("imputed", text, ["job"]),
        ("constant", constant, ["region"]),
        ("missing is a category", OneHotEncoder(), ["job", "region"]),
    ])  # fmt: skip
    model = Pipeline([("columns", columns), ("classifier", LogisticRegression())])
    return model.fit(frame[["region", "job", "debt", "age"]], frame["y"]), frame


@pytest.fixture(scope="module")
def running(
    pipeline: tuple[Pipeline, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scorer]:
    path = saved(tmp_path_factory.mktemp("model") / "m.joblib", pipeline[0], compress=3)
    with scorer(path, positive="1") as started:
        yield started


def as_text(table: Path) -> pa.Table:
    """The rows as an audit reads a CSV: every cell is text."""
    header = table.read_text().partition("\n")[0].split(",")
    options = pa_csv.ConvertOptions(
        column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False
    )
    return pa_csv.read_csv(table, convert_options=options)


def test_description(running: Scorer) -> None:
    told = running.describe()
    assert told.class_name == "Pipeline"
    assert told.sklearn_version == sklearn.__version__
    assert (told.classes, told.positive, told.kind) == (("0", "1"), "1", "probability")
    assert told.features == running.features == ("region", "job", "debt", "age")
    assert (told.n_features, told.notes) == (4, ())


def test_scores_equal_those_made_in_process(
    running: Scorer, table: Path, pipeline: tuple[Pipeline, pd.DataFrame]
) -> None:
    model, frame = pipeline
    expected = model.predict_proba(frame[["region", "job", "debt", "age"]])[:, 1]
    batch = as_text(table).combine_chunks().to_batches()[0]
    scores = running.score(typed_features(batch, running.features, KINDS))
    np.testing.assert_array_equal(scores, expected)
    assert scores.dtype == np.float64 and not scores.flags.writeable
    in_parts = [
        running.score(typed_features(batch.slice(a, 100), running.features, KINDS))
        for a in range(0, 400, 100)
    ]
    np.testing.assert_array_equal(np.concatenate(in_parts), expected)
    typed = pa.Table.from_pandas(frame)
    np.testing.assert_array_equal(running.score(typed), expected)
    assert len(running.score(typed.slice(0, 0))) == 0


def test_missing_columns_are_all_named_and_the_scorer_goes_on(running: Scorer, table: Path) -> None:
    rows = as_text(table).drop_columns(["job", "age"])
    with pytest.raises(UsageError, match="lacks 2 columns") as caught:
        running.score(rows)
    assert caught.value.where == "job, age"
    assert caught.value.exit_code == 3
    with pytest.raises(UsageError, match="lacks a column"):
        typed_features(pa.record_batch({"x": [1.0]}), ["x", "y"], {})


def test_an_error_does_not_repeat_a_cell_and_the_scorer_goes_on(running: Scorer, table: Path) -> None:
    rows = as_text(table).slice(0, 5)
    at = rows.schema.get_field_index("debt")
    with pytest.raises(ModelError) as caught:
        running.score(rows.set_column(at, "debt", pa.array(["canary"] * 5)))
    assert "ValueError" in str(caught.value)
    assert "canary" not in str(caught.value)
    batch = rows.combine_chunks().to_batches()[0]
    assert len(running.score(typed_features(batch, running.features, KINDS))) == 5


def test_scored_file(
    running: Scorer, table: Path, pipeline: tuple[Pipeline, pd.DataFrame], tmp_path: Path
) -> None:
    rows = as_text(table).append_column("score", pa.array(["old"] * 400))
    seen: list[int] = []
    destination = tmp_path / "scored.parquet"
    batches = iter(rows.to_batches(max_chunksize=150))
    assert score_table(batches, running, destination, "score", seen.append, kinds=KINDS) == 400
    assert seen == [150, 300, 400]
    written = pq.read_table(destination)
    assert written.column_names == ["id", "age", "debt", "job", "region", "y", "score"]
    assert written.select(range(6)).equals(rows.select(range(6)))
    expected = pipeline[0].predict_proba(pipeline[1])[:, 1]
    np.testing.assert_array_equal(written["score"].to_numpy(), expected)
    metadata = written.schema.metadata
    assert metadata[b"evenhand.model"].decode() == running.model.sha256
    assert metadata[b"evenhand.replaced"] == b"score"
    assert [path.name for path in tmp_path.iterdir()] == ["scored.parquet"]


def test_a_failed_file_leaves_nothing(running: Scorer, table: Path, tmp_path: Path) -> None:
    batch = as_text(table).to_batches()[0]
    with pytest.raises(SourceError, match="no rows"):
        score_table(iter([]), running, tmp_path / "a", "score")
    with pytest.raises(SourceError, match="same columns"):
        score_table(iter([batch, batch.select(["age"])]), running, tmp_path / "a", "score", kinds=KINDS)
    assert list(tmp_path.iterdir()) == []


def test_booleans_are_what_read_csv_makes_of_them() -> None:
    batch = pa.record_batch({"b": ["True", "false", "NA"], "t": ["True", "no", ""]})

    typed = typed_features(batch, ["b", "t"], {"b": "boolean"})

    assert typed.column("b").to_pylist() == [True, False, None]
    assert typed.column("t").to_pylist() == ["True", "no", None]


def test_typed_features() -> None:
    batch = pa.record_batch({
        "n": ["1", " +2.5 ", "NA", "", "-1e3"],
        "t": ["a", "null", " NA", None, "None"],
        "i": pa.array([1, 2, None, 4, 5]),
        "void": pa.nulls(5),
    })  # fmt: skip
    typed = typed_features(batch, ["t", "n", "i", "void"], {"n": "number"})
    assert typed.to_pydict() == {
        "t": ["a", None, " NA", None, "None"],
        "n": [1.0, 2.5, None, None, -1000.0],
        "i": [1, 2, None, 4, 5],
        "void": [None] * 5,
    }
    assert typed.schema.types == [pa.string(), pa.float64(), pa.int64(), pa.string()]
    with pytest.raises(SourceError, match="not a number") as caught:
        typed_features(pa.record_batch({"n": ["1", "canary"]}), ["n"], {"n": "number"})
    assert caught.value.where == "n" and "canary" not in str(caught.value)


def frame_of(rows: int) -> pd.DataFrame:
    return pd.DataFrame({"x": np.linspace(0, 1, rows)})


def older(path: Path) -> bytes:
    """The file as if an older scikit-learn had written it."""
    here = sklearn.__version__.encode()
    assert here in path.read_bytes()
    return path.read_bytes().replace(here, b"0" + here[1:])


def test_a_model_of_another_version_loads_with_a_note(tmp_path: Path) -> None:
    model = make_pipeline(LinearSVC()).fit(frame_of(10), ["no", "yes"] * 5)
    path = saved(tmp_path / "m", model)
    path.write_bytes(older(path))
    with scorer(path, positive="no") as started:
        told = started.describe()
        scores = started.score(pa.Table.from_pandas(frame_of(10)))
    version = "0" + sklearn.__version__[1:]
    assert told.sklearn_version == version
    assert told.notes[0] == f"saved with scikit-learn {version}, here {sklearn.__version__}"
    assert (told.kind, told.positive, told.classes) == ("decision", "no", ("no", "yes"))
    assert "0/1 prediction" in told.notes[1]
    np.testing.assert_array_equal(scores, (model.predict(frame_of(10)) == "no").astype(float))


def test_a_failed_load_names_the_versions(tmp_path: Path) -> None:
    path = saved(tmp_path / "m", LogisticRegression().fit(frame_of(4), [0, 1, 0, 1]))
    path.write_bytes(older(path).replace(b"linear_model._logistic", b"linear_model._logistix"))
    with pytest.raises(ModelError, match="not in the installed sklearn") as caught, scorer(path):
        pass
    assert f"saved with scikit-learn 0{sklearn.__version__[1:]}, here" in caught.value.problem


def test_a_model_without_column_names(tmp_path: Path) -> None:
    rows = frame_of(10).assign(z=[0.0, 5.0] * 5)
    model = LogisticRegression().fit(rows.to_numpy(), [0, 1] * 5)
    path = saved(tmp_path / "m", model)
    with scorer(path, features=["x", "z"]) as started:
        assert started.describe().features is None
        scores = started.score(pa.Table.from_pandas(rows[["z", "x"]]))
        np.testing.assert_array_equal(scores, model.predict_proba(rows.to_numpy())[:, 1])
        for named in (None, ("x",)):
            started._named = named
            with pytest.raises(ModelError, match="does not name its columns"):
                started.score(pa.Table.from_pandas(rows))


# --- what the lock leaves to a model ----------------------------------------------------------------


def of_many_kinds() -> dict[str, Any]:
    forest, linear = RandomForestClassifier(8, n_jobs=-1), LogisticRegression()
    text = ColumnTransformer([("words", TfidfVectorizer(), "text"), ("number", StandardScaler(), list("ab"))])
    return {
        "forest": forest,
        "boosting": HistGradientBoostingClassifier(max_iter=8),
        "neighbours": KNeighborsClassifier(),
        "support vectors": make_pipeline(StandardScaler(), SVC(probability=True)),
        "calibrated": CalibratedClassifierCV(LinearSVC()),
        "network": MLPClassifier(max_iter=20),
        "discriminant": LinearDiscriminantAnalysis(),
        "votes": VotingClassifier([("a", linear), ("b", forest)], voting="soft", n_jobs=2),
        "text": make_pipeline(text, linear),
        "xgboost": XGBClassifier(n_estimators=5, n_jobs=4),
        "lightgbm": LGBMClassifier(n_estimators=5, n_jobs=4, verbose=-1),
    }


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning", "ignore::FutureWarning")
def test_under_the_lock_models_of_many_kinds_score_as_without_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    rows = pd.DataFrame(rng.normal(size=(200, 2)), columns=list("ab"))
    labels = (rows["a"] + rng.normal(size=200) > 0).astype(int)
    rows["text"] = rng.choice(["good cat", "bad dog", "ugly"], 200)
    with WaitingWorkers(QUICK.limits) as workers:
        for name, model in of_many_kinds().items():
            given = rows if name == "text" else rows[["a", "b"]]
            path = saved(tmp_path / name, model.fit(given, labels))
            modules = (type(model).__module__,)
            with scorer(path, Opening(format="joblib", modules=modules, names=None), workers) as started:
                scores = started.score(pa.Table.from_pandas(rows))
                assert started.isolation.mode == "strict", name
                assert started.isolation.complete == available_isolation().complete
            np.testing.assert_array_equal(scores, model.predict_proba(given)[:, 1], err_msg=name)


class Importing:
    """A classifier that imports something when it is loaded, or only when it scores."""

    classes_ = (0, 1)
    feature_names_in_ = ("x",)

    def __init__(self, when: str) -> None:
        self.when = when

    def __reduce__(self) -> tuple[object, ...]:
        there = "__import__('sklearn.kernel_approximation')"
        loading, scoring = (there, "0") if self.when == "loading" else ("0", there)
        members = "classes_=[0, 1], feature_names_in_=['x'], predict=0, np=__import__('numpy')"
        body = f"predict_proba=lambda m, f: ({scoring}, m.np.full((len(f), 2), f['x'].iloc[0]))[1]"
        return (eval, (f"({loading}, type('Odd', (), dict({members}, {body}))())[1]",))


@pytest.mark.skipif("Landlock" in available_isolation().missing, reason="without Landlock no file opens")
@pytest.mark.parametrize("when", ["loading", "scoring"])
def test_a_module_that_was_not_loaded_takes_a_second_process(tmp_path: Path, when: str) -> None:
    rows = pa.table({"x": [0.25, 0.5]})
    with scorer(saved(tmp_path / "m", Importing(when))) as started:
        first, left = started._process, started._process.left
        assert started.isolation.mode == ("lax" if when == "loading" else "strict")
        assert started.score(rows).tolist() == [0.25, 0.25]
        assert started.isolation.mode == "lax"
        assert started.isolation.complete == available_isolation().complete
        assert (first is started._process) == (when == "loading")
        assert started._process.left < left
        assert started.score(rows).tolist() == [0.25, 0.25]


def test_a_compressed_file_that_is_damaged_reaches_no_process(tmp_path: Path) -> None:
    class NoWorkers:
        def take(self, _: str) -> NoReturn:
            raise AssertionError("a process was started")

    path = saved(tmp_path / "m", LogisticRegression(), compress=3)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ModelError, match="cut short"):
        scorer(path, workers=NoWorkers()).__enter__()

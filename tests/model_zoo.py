"""Fitted classifiers of every kind people save: what the policy is derived from and tested with."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import sklearn.experimental.enable_halving_search_cv
import sklearn.experimental.enable_iterative_imputer  # noqa: F401
import xgboost
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import FeatureAgglomeration, KMeans, MiniBatchKMeans
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import NMF, PCA, FactorAnalysis, FastICA, IncrementalPCA, KernelPCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomTreesEmbedding,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import (
    CountVectorizer,
    HashingVectorizer,
    TfidfTransformer,
    TfidfVectorizer,
)
from sklearn.feature_selection import (
    RFE,
    RFECV,
    SelectFdr,
    SelectFromModel,
    SelectKBest,
    SelectPercentile,
    SequentialFeatureSelector,
    VarianceThreshold,
    chi2,
    f_classif,
    mutual_info_classif,
)
from sklearn.frozen import FrozenEstimator
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import (
    RBF,
    ConstantKernel,
    DotProduct,
    Matern,
    RationalQuadratic,
    WhiteKernel,
)
from sklearn.impute import IterativeImputer, KNNImputer, MissingIndicator, SimpleImputer
from sklearn.kernel_approximation import Nystroem, PolynomialCountSketch, RBFSampler
from sklearn.linear_model import (
    LogisticRegression,
    LogisticRegressionCV,
    PassiveAggressiveClassifier,
    Perceptron,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.manifold import Isomap
from sklearn.metrics import brier_score_loss, f1_score, make_scorer, roc_auc_score
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    RepeatedStratifiedKFold,
    ShuffleSplit,
    StratifiedKFold,
    TunedThresholdClassifierCV,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsTransformer,
    NearestCentroid,
    NeighborhoodComponentsAnalysis,
    RadiusNeighborsClassifier,
)
from sklearn.neural_network import BernoulliRBM, MLPClassifier
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)
from sklearn.random_projection import GaussianRandomProjection, SparseRandomProjection
from sklearn.semi_supervised import LabelPropagation, LabelSpreading, SelfTrainingClassifier
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier
from sklearn.utils import all_estimators

ROWS = 160
Make = Callable[[], Any]


@dataclass(frozen=True)
class Fitted:
    """A model with the rows it was fitted on; `data` says which of the two tables they are."""

    name: str
    model: Any
    data: str


def numbers() -> tuple[pd.DataFrame, np.ndarray]:
    """Six columns of numbers, and a label that depends on them."""
    rng = np.random.default_rng(7)
    frame = pd.DataFrame(rng.normal(size=(ROWS, 6)), columns=[f"x{i}" for i in range(6)])
    return frame, (frame["x0"] + 0.5 * frame["x1"] + rng.normal(size=ROWS) > 0).to_numpy().astype(int)


def mixed() -> tuple[pd.DataFrame, np.ndarray]:
    """Numbers with gaps, two categories, a flag and a text; the label is a word."""
    rng = np.random.default_rng(8)
    score = rng.normal(size=ROWS)
    frame = pd.DataFrame(
        {
            "years": np.where(rng.random(ROWS) < 0.1, np.nan, rng.integers(0, 30, ROWS)),
            "pay": rng.lognormal(10, 0.5, ROWS),
            "region": rng.choice(["north", "south", "Zürich"], ROWS),
            "source": rng.choice(["web", "referral", "fair"], ROWS),
            "remote": rng.random(ROWS) < 0.5,
            "letter": rng.choice(["I build models", "I sell cars", "models and cars", "nothing"], ROWS),
        }
    )
    return frame, np.where(score + 0.05 * rng.normal(size=ROWS) > 0, "advance", "reject")


def tables(data: str) -> tuple[pd.DataFrame, np.ndarray]:
    """The rows behind a name of a table."""
    return numbers() if data == "numbers" else mixed()


def _special() -> dict[str, Make]:
    """The classifiers that need something to be constructed with."""
    tree, logistic = DecisionTreeClassifier(max_depth=3), LogisticRegression()
    pair = [("tree", tree), ("logistic", logistic)]
    return {
        "FixedThresholdClassifier": lambda: FixedThresholdClassifier(logistic, threshold=0.4),
        "TunedThresholdClassifierCV": lambda: TunedThresholdClassifierCV(logistic, cv=2),
        "OneVsOneClassifier": lambda: OneVsOneClassifier(logistic),
        "OneVsRestClassifier": lambda: OneVsRestClassifier(logistic),
        "OutputCodeClassifier": lambda: OutputCodeClassifier(logistic, random_state=0),
        "SelfTrainingClassifier": lambda: SelfTrainingClassifier(logistic),
        "StackingClassifier": lambda: StackingClassifier(pair, cv=2),
        "VotingClassifier": lambda: VotingClassifier(pair, voting="soft"),
        "RadiusNeighborsClassifier": lambda: RadiusNeighborsClassifier(radius=50.0),
        "CalibratedClassifierCV": lambda: CalibratedClassifierCV(logistic, cv=2),
        "CategoricalNB": lambda: make_pipeline(
            KBinsDiscretizer(3, encode="ordinal"), CategoricalNB(min_categories=3)
        ),
        "ComplementNB": lambda: make_pipeline(MinMaxScaler(), ComplementNB()),
        "MultinomialNB": lambda: make_pipeline(MinMaxScaler(), MultinomialNB()),
    }


def every_classifier() -> Iterator[tuple[str, Make, str]]:
    """Every classifier of scikit-learn, with its defaults."""
    special = _special()
    for name, kind in all_estimators(type_filter="classifier"):
        if name in ("ClassifierChain", "MultiOutputClassifier"):
            continue  # several labels at once: no audit of one decision
        yield name, special.get(name, kind), "numbers"


def variants() -> Iterator[tuple[str, Make, str]]:
    """The same classifiers with the settings that change what is saved."""
    made: dict[str, Make] = {
        "tree, entropy, pruned": lambda: DecisionTreeClassifier(criterion="entropy", ccp_alpha=0.01),
        "tree, log loss, balanced": lambda: ExtraTreeClassifier(class_weight="balanced", random_state=1),
        "tree, monotonic": lambda: DecisionTreeClassifier(monotonic_cst=[1, 0, 0, -1, 0, 0]),
        "forest, parallel, out of bag": lambda: RandomForestClassifier(20, n_jobs=-1, oob_score=True),
        "forest, random state": lambda: RandomForestClassifier(5, random_state=np.random.RandomState(3)),
        "extra trees, weighted": lambda: ExtraTreesClassifier(10, class_weight={0: 1.0, 1: 2.0}),
        "boosting, exponential": lambda: GradientBoostingClassifier(loss="exponential", n_estimators=8),
        "boosting, early stop": lambda: GradientBoostingClassifier(n_iter_no_change=2, n_estimators=30),
        "boosting, own start": lambda: GradientBoostingClassifier(init=GaussianNB(), n_estimators=4),
        "histograms, early stop": lambda: HistGradientBoostingClassifier(early_stopping=True, max_iter=8),
        "histogram boosting, interactions": lambda: HistGradientBoostingClassifier(
            max_iter=5, interaction_cst="pairwise", monotonic_cst=[1, 0, 0, 0, 0, 0]
        ),
        "ada boost of stumps": lambda: AdaBoostClassifier(ExtraTreeClassifier(max_depth=1), n_estimators=9),
        "bagged logistic": lambda: BaggingClassifier(LogisticRegression(), n_estimators=4, max_features=0.8),
        "bagged neighbours": lambda: BaggingClassifier(KNeighborsClassifier(), n_estimators=3),
        "logistic, saga, elastic": lambda: LogisticRegression(solver="saga", l1_ratio=0.3, max_iter=3000),
        "logistic, liblinear": lambda: LogisticRegression(solver="liblinear"),
        "logistic, cv, scorer": lambda: LogisticRegressionCV(Cs=3, cv=3, scoring="roc_auc"),
        "sgd, log loss, averaged": lambda: SGDClassifier(loss="log_loss", average=True),
        "sgd, huber": lambda: SGDClassifier(loss="modified_huber", learning_rate="adaptive", eta0=0.1),
        "sgd, hinge squared": lambda: SGDClassifier(loss="squared_hinge"),
        "ridge, cholesky": lambda: RidgeClassifier(solver="cholesky"),
        "passive aggressive": PassiveAggressiveClassifier,
        "perceptron, elastic": lambda: Perceptron(penalty="elasticnet"),
        "svc, probability": lambda: CalibratedClassifierCV(SVC(kernel="poly"), ensemble=False, cv=3),
        "svc, sigmoid": lambda: SVC(kernel="sigmoid", class_weight="balanced"),
        "svc, linear": lambda: SVC(kernel="linear"),
        "linear svc, hinge": lambda: LinearSVC(loss="hinge"),
        "neighbours, ball tree": lambda: KNeighborsClassifier(algorithm="ball_tree", metric="manhattan"),
        "neighbours, kd tree": lambda: KNeighborsClassifier(algorithm="kd_tree", weights="distance"),
        "neighbours, brute cosine": lambda: KNeighborsClassifier(algorithm="brute", metric="cosine"),
        "neighbours, minkowski 3": lambda: KNeighborsClassifier(p=3),
        "neighbours, chebyshev": lambda: KNeighborsClassifier(algorithm="kd_tree", metric="chebyshev"),
        "neighbours, mahalanobis": lambda: KNeighborsClassifier(
            algorithm="ball_tree", metric="mahalanobis", metric_params={"V": np.eye(6)}
        ),
        "nearest centroid": lambda: NearestCentroid(metric="manhattan"),
        "bayes, priors": lambda: GaussianNB(priors=[0.4, 0.6]),
        "lda, shrinkage": lambda: LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"),
        "network, adam": lambda: MLPClassifier((8, 4), max_iter=30),
        "network, sgd": lambda: MLPClassifier((5,), solver="sgd", learning_rate="adaptive", max_iter=20),
        "network, lbfgs": lambda: MLPClassifier((5,), solver="lbfgs", max_iter=20),
        "gaussian process, kernels": lambda: GaussianProcessClassifier(
            ConstantKernel(1.0) * RBF(1.0) + WhiteKernel() + Matern() * DotProduct() + RationalQuadratic(),
            optimizer=None,
        ),
        "label spreading, knn": lambda: LabelSpreading(kernel="knn"),
        "label propagation, rbf": lambda: LabelPropagation(gamma=0.5),
    }  # fmt: skip
    for name, make in made.items():
        yield name, make, "numbers"


def boosted() -> Iterator[tuple[str, Make, str]]:
    """Models of xgboost and lightgbm."""
    few: dict[str, Any] = {"n_estimators": 8, "n_jobs": 1}
    made: dict[str, Make] = {
        "xgboost, hist": lambda: xgboost.XGBClassifier(**few),
        "xgboost, exact": lambda: xgboost.XGBClassifier(tree_method="exact", **few),
        "xgboost, dart": lambda: xgboost.XGBClassifier(booster="dart", **few),
        "xgboost, linear": lambda: xgboost.XGBClassifier(booster="gblinear", **few),
        "xgboost, forest": lambda: xgboost.XGBRFClassifier(**few),
        "xgboost, monotone": lambda: xgboost.XGBClassifier(monotone_constraints={"x0": 1}, **few),
        "xgboost, all cores": lambda: xgboost.XGBClassifier(n_estimators=8, n_jobs=-1),
        "lightgbm": lambda: lightgbm.LGBMClassifier(verbose=-1, **few),
        "lightgbm, dart": lambda: lightgbm.LGBMClassifier(boosting_type="dart", verbose=-1, **few),
        "lightgbm, goss": lambda: lightgbm.LGBMClassifier(data_sample_strategy="goss", verbose=-1, **few),
        "lightgbm, forest": lambda: lightgbm.LGBMClassifier(
            boosting_type="rf", bagging_freq=1, bagging_fraction=0.7, verbose=-1, **few
        ),
        "lightgbm, balanced": lambda: lightgbm.LGBMClassifier(class_weight="balanced", verbose=-1, **few),
        "xgboost, calibrated": lambda: CalibratedClassifierCV(xgboost.XGBClassifier(**few), cv=2),
        "lightgbm, calibrated": lambda: CalibratedClassifierCV(
            lightgbm.LGBMClassifier(verbose=-1, **few), cv=2, method="isotonic"
        ),
        "stack of boosters": lambda: StackingClassifier(
            [
                ("xgb", xgboost.XGBClassifier(**few)),
                ("lgb", lightgbm.LGBMClassifier(verbose=-1, **few)),
                ("rf", RandomForestClassifier(5)),
            ],
            cv=2,
        ),
    }
    for name, make in made.items():
        yield name, make, "numbers"


def pipelines() -> Iterator[tuple[str, Make, str]]:
    """A step of every kind before a logistic regression."""
    steps: dict[str, Make] = {
        "standard": StandardScaler,
        "min max": MinMaxScaler,
        "max abs": MaxAbsScaler,
        "robust": RobustScaler,
        "quantile": lambda: QuantileTransformer(n_quantiles=20, output_distribution="normal"),
        "power": PowerTransformer,
        "normalised": Normalizer,
        "binary": Binarizer,
        "bins, one-hot": lambda: KBinsDiscretizer(
            4, encode="onehot", quantile_method="averaged_inverted_cdf"
        ),
        "bins, k-means": lambda: KBinsDiscretizer(3, encode="ordinal", strategy="kmeans"),
        "polynomial": lambda: PolynomialFeatures(2, interaction_only=True),
        "splines": lambda: SplineTransformer(n_knots=4),
        "log": lambda: make_pipeline(MinMaxScaler(), FunctionTransformer(np.log1p, validate=True)),
        "square root, named": lambda: make_pipeline(
            MinMaxScaler(),
            FunctionTransformer(np.sqrt, inverse_func=np.square, feature_names_out="one-to-one"),
        ),
        "pca": lambda: PCA(3),
        "pca, whitened, random": lambda: PCA(2, whiten=True, svd_solver="randomized"),
        "incremental pca": lambda: IncrementalPCA(3),
        "kernel pca": lambda: KernelPCA(3, kernel="rbf"),
        "svd": lambda: TruncatedSVD(3),
        "ica": lambda: FastICA(3, whiten="unit-variance", max_iter=1000),
        "factors": lambda: FactorAnalysis(2),
        "nmf": lambda: make_pipeline(MinMaxScaler(), NMF(2, max_iter=500)),
        "nystroem": lambda: Nystroem(n_components=20),
        "fourier": lambda: RBFSampler(n_components=20),
        "sketch": lambda: PolynomialCountSketch(n_components=16),
        "gaussian projection": lambda: GaussianRandomProjection(3),
        "sparse projection": lambda: SparseRandomProjection(3),
        "k-means distances": lambda: KMeans(4, n_init=2),
        "mini-batch k-means": lambda: MiniBatchKMeans(3, n_init=2),
        "agglomeration": lambda: FeatureAgglomeration(3),
        "leaves": lambda: RandomTreesEmbedding(5, max_depth=3),
        "boltzmann": lambda: make_pipeline(MinMaxScaler(), BernoulliRBM(4, n_iter=2)),
        "isomap": lambda: Isomap(n_components=2),
        "components of neighbours": lambda: NeighborhoodComponentsAnalysis(2, max_iter=5),
        "best k": lambda: SelectKBest(f_classif, k=3),
        "best by chance": lambda: make_pipeline(MinMaxScaler(), SelectPercentile(chi2, percentile=50)),
        "best by information": lambda: SelectKBest(mutual_info_classif, k=3),
        "false discovery": lambda: SelectFdr(alpha=0.9),
        "variance": VarianceThreshold,
        "from a model": lambda: SelectFromModel(LogisticRegression(), threshold=-np.inf, max_features=4),
        "recursive": lambda: RFE(LogisticRegression(), n_features_to_select=3),
        "recursive, cv": lambda: RFECV(LogisticRegression(), cv=2),
        "sequential": lambda: SequentialFeatureSelector(GaussianNB(), n_features_to_select=2, cv=2),
        "simple imputer": lambda: SimpleImputer(strategy="median", add_indicator=True),
        "knn imputer": KNNImputer,
        "iterative imputer": lambda: IterativeImputer(max_iter=2),
        "union": lambda: FeatureUnion([("pca", PCA(2)), ("scaled", StandardScaler())]),
    }
    for name, step in steps.items():
        yield f"pipeline, {name}", _before_logistic(step), "numbers"


def _before_logistic(step: Make) -> Make:
    return lambda: make_pipeline(step(), LogisticRegression(max_iter=2000))


def mixed_pipelines() -> Iterator[tuple[str, Make, str]]:
    """Column transformers with text and category encoders, on a table with gaps and words."""
    numeric, words, text = ["years", "pay"], ["region", "source"], "letter"

    def columns(encoder: Any, *more: Any) -> Any:
        filled = make_pipeline(SimpleImputer(), StandardScaler())
        return ColumnTransformer([("n", filled, numeric), ("c", encoder, words), *more])

    ignore = {"handle_unknown": "ignore"}
    ordinal = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    made: dict[str, Make] = {
        "one-hot": lambda: columns(OneHotEncoder(**ignore)),
        "one-hot, dense": lambda: columns(OneHotEncoder(sparse_output=False, min_frequency=10, **ignore)),
        "one-hot, first dropped": lambda: columns(OneHotEncoder(drop="first")),
        "one-hot, given categories": lambda: columns(
            OneHotEncoder(categories=[["north", "south", "Zürich"], ["web", "referral", "fair"]])
        ),
        "ordinal": lambda: columns(ordinal),
        "target": lambda: columns(TargetEncoder(cv=2)),
        "text, counts": lambda: columns(OneHotEncoder(**ignore), ("t", CountVectorizer(), "letter")),
        "text, tf-idf": lambda: columns(
            OneHotEncoder(**ignore), ("t", TfidfVectorizer(ngram_range=(1, 2), stop_words="english"), text)
        ),
        "text, hashed": lambda: columns(
            OneHotEncoder(**ignore),
            ("t", make_pipeline(HashingVectorizer(n_features=64), TfidfTransformer()), "letter"),
        ),
        "text, characters": lambda: columns(
            OneHotEncoder(**ignore), ("t", TfidfVectorizer(analyzer="char_wb", dtype=np.float32), "letter")
        ),
        "the rest passed on": lambda: ColumnTransformer(
            [("n", SimpleImputer(), numeric), ("w", OneHotEncoder(**ignore), words), ("d", "drop", [text])],
            remainder="passthrough",
        ),
        "chosen by type": lambda: ColumnTransformer(
            [
                ("n", SimpleImputer(), make_column_selector(dtype_include=np.number)),
                ("w", OneHotEncoder(**ignore), words),
            ]
        ),
        "missing flags": lambda: columns(OneHotEncoder(**ignore), ("m", MissingIndicator(), numeric)),
        "as a table": lambda: columns(OneHotEncoder(sparse_output=False)).set_output(transform="pandas"),
    }  # fmt: skip
    ends: dict[str, Make] = {
        "logistic": lambda: LogisticRegression(max_iter=2000),
        "forest": lambda: RandomForestClassifier(10, random_state=0),
    }
    for name, make in made.items():
        for end, classifier in ends.items():
            yield f"columns, {name}, {end}", _joined(make, classifier), "mixed"
    for name, classifier in {
        "histogram boosting": lambda: HistGradientBoostingClassifier(max_iter=5),
        "calibrated forest": lambda: CalibratedClassifierCV(RandomForestClassifier(5), cv=2),
        "bernoulli": BernoulliNB,
        "searched": lambda: GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2),
    }.items():
        yield f"columns, ordinal, {name}", _joined(made["ordinal"], classifier), "mixed"


def _joined(first: Make, last: Make) -> Make:
    return lambda: make_pipeline(first(), last())


def combined() -> Iterator[tuple[str, Make, str]]:
    """Models around models: calibrated, stacked, voted, searched, thresholded, frozen."""
    logistic, tree = LogisticRegression(), DecisionTreeClassifier(max_depth=3)
    parameters = {"max_depth": [1, 2, 3]}
    made: dict[str, Make] = {
        "calibrated, isotonic": lambda: CalibratedClassifierCV(tree, method="isotonic", cv=3),
        "calibrated, temperature": lambda: CalibratedClassifierCV(logistic, method="temperature", cv=2),
        "calibrated, frozen": lambda: CalibratedClassifierCV(FrozenEstimator(logistic.fit(*numbers()))),
        "calibrated, svc": lambda: CalibratedClassifierCV(LinearSVC(), cv=2),
        "stacked, passed through": lambda: StackingClassifier(
            [("t", tree), ("n", GaussianNB())], final_estimator=LogisticRegression(), passthrough=True, cv=2
        ),
        "voted, weighted": lambda: VotingClassifier(
            [("t", tree), ("l", logistic)], voting="soft", weights=[1, 3]
        ),
        "grid search": lambda: GridSearchCV(tree, parameters, cv=2, scoring="roc_auc"),
        "grid search, several scores": lambda: GridSearchCV(
            tree, parameters, cv=2, scoring={"auc": "roc_auc", "f1": make_scorer(f1_score)}, refit="auc"
        ),
        "grid search, own scorer": lambda: GridSearchCV(
            tree,
            parameters,
            cv=StratifiedKFold(2),
            scoring=make_scorer(roc_auc_score, response_method="predict_proba"),
        ),
        "grid search, brier": lambda: GridSearchCV(
            tree, parameters, cv=ShuffleSplit(2, random_state=0),
            scoring=make_scorer(brier_score_loss, greater_is_better=False, response_method="predict_proba"),
        ),
        "random search": lambda: RandomizedSearchCV(
            tree, parameters, n_iter=2, cv=RepeatedStratifiedKFold(n_splits=2, n_repeats=1)
        ),
        "halving grid search": lambda: HalvingGridSearchCV(tree, parameters, cv=2, random_state=0),
        "halving random search": lambda: HalvingRandomSearchCV(tree, parameters, cv=2, random_state=0),
        "search over a pipeline": lambda: GridSearchCV(
            Pipeline([("s", StandardScaler()), ("l", logistic)]), {"l__C": [0.1, 1.0]}, cv=2
        ),
        "neighbours graph": lambda: make_pipeline(
            KNeighborsTransformer(n_neighbors=6, mode="distance"),
            KNeighborsClassifier(n_neighbors=5, metric="precomputed"),
        ),
        "self-trained": lambda: SelfTrainingClassifier(GaussianNB()),
        "threshold, tuned pipeline": lambda: TunedThresholdClassifierCV(
            make_pipeline(StandardScaler(), logistic), scoring="balanced_accuracy", cv=2
        ),
    }  # fmt: skip
    for name, make in made.items():
        yield name, make, "numbers"


def recipes() -> Iterator[tuple[str, Make, str]]:
    """Every recipe: its name, what makes the unfitted model, and the table it is fitted on."""
    for group in (every_classifier, variants, boosted, pipelines, mixed_pipelines, combined):
        yield from group()


def fitted(make: Make, data: str) -> Any:
    """The fitted model of a recipe; None where it can't be fitted on two classes of this table."""
    frame, label = tables(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = make()
            if hasattr(model, "random_state") and model.random_state is None:
                model.random_state = 0
            return model.fit(frame, label)
        except ValueError:
            return None


def all_fitted() -> Iterator[Fitted]:
    """Every recipe that fits."""
    for name, make, data in recipes():
        model = fitted(make, data)
        if model is not None:
            yield Fitted(name=name, model=model, data=data)

"""The two models of the hiring example: the candidate, and the approved baseline it has to beat."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import joblib
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

NUMBERS: Final = (
    "years_experience",
    "skills_score",
    "interview_score",
    "employment_gap_months",
    "commute_km",
)
CATEGORIES: Final = ("education", "job_family", "source")
TRAINING_LABEL: Final = "advanced_historically"


def fit_models(train: pd.DataFrame) -> tuple[Pipeline, Pipeline]:
    """The candidate, and the baseline that never saw the career gap; neither sees a protected attribute."""
    without_gap = tuple(name for name in NUMBERS if name != "employment_gap_months")
    return _fit(train, NUMBERS), _fit(train, without_gap)


def save_model(model: Pipeline, path: Path) -> None:
    """Write a fitted model as a compressed joblib file."""
    joblib.dump(model, path, compress=3)


def _fit(train: pd.DataFrame, numbers: tuple[str, ...]) -> Pipeline:
    prepare = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), list(numbers)),
            ("categories", OneHotEncoder(handle_unknown="ignore"), list(CATEGORIES)),
        ]
    )
    model = Pipeline([("prepare", prepare), ("classify", LogisticRegression(max_iter=500))])
    features = [*numbers, *CATEGORIES]
    return model.fit(train[features], train[TRAINING_LABEL].astype("int64"))

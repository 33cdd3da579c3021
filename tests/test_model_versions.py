"""Models saved by older scikit-learn versions: read with the same scores, or refused by version."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn import __version__ as here

from audit_core.errors import ModelError
from audit_core.sources.admission import admit_model
from audit_core.sources.scoring import Scorer

# Made by those versions themselves: pipelines on rows.csv, with their own scores beside them.
MODELS = Path(__file__).parent / "golden" / "models"
VERSIONS = ("1.2.2", "1.5.2", "1.7.2")


@pytest.fixture(scope="module")
def rows():
    """The rows they were fitted on."""
    return pd.read_csv(MODELS / "rows.csv")


def scores(name, frame):
    """The scores of a stored model in the locked process, and what it says of itself."""
    admitted = admit_model(MODELS / name, None, isolated=True)
    with Scorer(admitted.model, admitted.trust, admitted.opening) as scorer:
        return scorer.score(pa.Table.from_pandas(frame, preserve_index=False)), scorer.describe()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_model_that_is_still_read_scores_as_it_did(version, rows):
    found, description = scores(f"scaled-{version}.joblib", rows)
    assert np.abs(found - np.loadtxt(MODELS / f"scaled-{version}.txt")).max() < 1e-12
    assert description.sklearn_version == version
    assert f"saved with scikit-learn {version}, here {here}" in " ".join(description.notes)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["forest", "histograms"])
def test_a_model_that_is_not_read_names_its_version(kind, version, rows):
    with pytest.raises(ModelError) as caught:
        scores(f"{kind}-{version}.joblib", rows)
    assert f"saved with scikit-learn {version}, here {here}" in caught.value.problem
    assert "predictions column" in caught.value.remedy

"""Derive audit_core/sources/model_policy.json from the pinned libraries: `make policy`.

Estimators come from scikit-learn's own list, helpers from the modules that define them, and everything
that NumPy, SciPy, xgboost and lightgbm add is listed here by hand with the rule of its use. The models of
tests/model_zoo.py are then inspected against the result: a name they need and the table lacks is printed
and nothing is written. The diff of the table is what a person reviews.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import io
import json
import re
import sys
import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
TABLE = HERE.parent / "audit_core" / "sources" / "model_policy.json"
DERIVED_FROM = ("scikit-learn", "numpy", "scipy", "joblib", "xgboost-cpu", "lightgbm")

Uses = dict[str, str]
VALUE: Uses = {"value": "any"}
# Known, and used only where the makers of arrays are told which class to make.
NAMED: Uses = {}
OBJECT: Uses = {"new": "nothing", "build": "fields"}
ESTIMATOR: Uses = {**OBJECT, **VALUE}

ARRAYS: dict[str, Uses] = {
    "joblib.numpy_pickle:NumpyArrayWrapper": {"new": "nothing", "build": "joblib array"},
    "numpy:dtype": {"call": "dtype", "build": "dtype"},
    "numpy:ndarray": NAMED,
    "numpy:memmap": NAMED,
    "numpy.ma:MaskedArray": NAMED,
    "numpy.ma.core:MaskedArray": NAMED,
    "numpy.ma.core:_mareconstruct": {"call": "masked array", "build": "masked array"},
}
# NumPy 2 moved its core; files of either version name the same functions.
for core in ("numpy._core", "numpy.core"):
    ARRAYS[f"{core}.multiarray:_reconstruct"] = {"call": "empty array", "build": "array"}
    ARRAYS[f"{core}.multiarray:scalar"] = {"call": "scalar"}
    ARRAYS[f"{core}.numeric:_frombuffer"] = {"call": "buffer array"}

RANDOM: dict[str, Uses] = {
    "numpy.random._pickle:__bit_generator_ctor": {"call": "bit generator", "build": "generator"},
    "numpy.random._pickle:__generator_ctor": {"call": "generator"},
    "numpy.random._pickle:__randomstate_ctor": {"call": "generator", "build": "generator"},
    "numpy.random.bit_generator:SeedSequence": VALUE,
    "numpy.random.bit_generator:__pyx_unpickle_SeedSequence": {"call": "seed sequence", "build": "tuple"},
    "numpy.random._mt19937:MT19937": VALUE,
    "numpy.random._pcg64:PCG64": VALUE,
    "numpy.random._pcg64:PCG64DXSM": VALUE,
    "numpy.random._philox:Philox": VALUE,
    "numpy.random._sfc64:SFC64": VALUE,
}

PYTHON: dict[str, Uses] = {
    "builtins:bytearray": {"call": "one buffer"},
    "builtins:slice": {"call": "slice"},
    # How protocol 2 writes bytes and sets.
    "_codecs:encode": {"call": "latin text"},
    "builtins:bytes": {"call": "nothing"},
    "builtins:set": {"call": "plain items"},
    "builtins:frozenset": {"call": "plain items"},
    "builtins:int": VALUE,
    "builtins:float": VALUE,
    "builtins:str": VALUE,
    "builtins:bool": VALUE,
    "builtins:object": VALUE,
    "builtins:list": VALUE,
    "builtins:dict": VALUE,
    "collections:OrderedDict": {"call": "nothing", "fill": "pairs", **VALUE},
    "collections:defaultdict": {"call": "plain factory", "fill": "pairs"},
}

OTHERS: dict[str, Uses] = {
    "scipy._lib.array_api_compat.numpy._aliases:asarray": VALUE,
    "scipy.interpolate._bsplines:BSpline": OBJECT,
    "scipy.sparse._csr:csr_matrix": OBJECT,
    "scipy.sparse._csr:csr_array": OBJECT,
    "scipy.sparse._csc:csc_matrix": OBJECT,
    "scipy.sparse._csc:csc_array": OBJECT,
    "xgboost.core:Booster": OBJECT,
    "xgboost.sklearn:XGBClassifier": ESTIMATOR,
    "xgboost.sklearn:XGBRFClassifier": ESTIMATOR,
    "lightgbm.basic:Booster": OBJECT,
    "lightgbm.sklearn:LGBMClassifier": ESTIMATOR,
    "sklearn.utils._bunch:Bunch": {"new": "nothing", "build": "fields", "fill": "fields"},
    "sklearn.impute._iterative:_ImputerTriplet": {"new": "three parts"},
    "sklearn.tree._tree:Tree": {"call": "tree", "build": "fields"},
    "sklearn.metrics._dist_metrics:newObj": {"call": "own class", "build": "tuple"},
    "sklearn.neighbors._ball_tree:newObj": {"call": "own class", "build": "tuple"},
    "sklearn.neighbors._kd_tree:newObj": {"call": "own class", "build": "tuple"},
}  # fmt: skip

# Private helpers that fitted estimators keep: plain objects whose state is a dict of fields.
HELPERS = [
    "sklearn._loss.link:Interval",
    "sklearn.calibration:_CalibratedClassifier",
    "sklearn.calibration:_SigmoidCalibration",
    "sklearn.calibration:_TemperatureScaling",
    "sklearn.cluster._birch:_CFNode",
    "sklearn.cluster._birch:_CFSubcluster",
    "sklearn.cluster._bisect_k_means:_BisectingTree",
    "sklearn.compose._column_transformer:make_column_selector",
    "sklearn.ensemble._hist_gradient_boosting.binning:_BinMapper",
    "sklearn.ensemble._hist_gradient_boosting.predictor:TreePredictor",
    "sklearn.gaussian_process._gpc:_BinaryGaussianProcessClassifierLaplace",
    "sklearn.metrics._scorer:_CurveScorer",
    "sklearn.metrics._scorer:_MultimetricScorer",
    "sklearn.metrics._scorer:_PassthroughScorer",
    "sklearn.metrics._scorer:_Scorer",
    "sklearn.multiclass:_ConstantPredictor",
    "sklearn.neural_network._stochastic_optimizers:AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers:SGDOptimizer",
    "sklearn.utils._metadata_requests:MetadataRequest",
    "sklearn.utils._metadata_requests:MethodMetadataRequest",
    "sklearn.utils._metadata_requests:MethodMapping",
]

# Pure functions of arrays, which estimators keep as settings.
FUNCTIONS = [
    "numpy:mean",
    "numpy:median",
    "numpy:nanmean",
    "numpy:nanmedian",
    "numpy:amax",
    "numpy:amin",
    "numpy:max",
    "numpy:min",
    "numpy:sum",
    "numpy:clip",
    "numpy:nan_to_num",
    "numpy:asarray",
    "numpy:ravel",
    "sklearn.feature_selection._univariate_selection:chi2",
    "sklearn.feature_selection._univariate_selection:f_classif",
    "sklearn.feature_selection._univariate_selection:f_regression",
    "sklearn.feature_selection._univariate_selection:r_regression",
    "sklearn.feature_selection._mutual_info:mutual_info_classif",
    "sklearn.feature_selection._mutual_info:mutual_info_regression",
    "sklearn.cluster._kmeans:_kmeans_single_elkan",
    "sklearn.cluster._kmeans:_kmeans_single_lloyd",
]
SCALARS = [
    "bool",
    "bool_",
    "number",
    "integer",
    "floating",
    "float16",
    "float32",
    "float64",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "str_",
    "object_",
]


def estimators() -> dict[str, Uses]:
    """Every public estimator of scikit-learn, the experimental ones too: a bare object given its fields."""
    import sklearn.experimental.enable_halving_search_cv
    import sklearn.experimental.enable_iterative_imputer  # noqa: F401
    from sklearn.utils import all_estimators

    return {_label(kind): ESTIMATOR for _, kind in all_estimators()}


def helpers() -> dict[str, Uses]:
    """Kernels, splitters, losses, links and distances, from the modules that define them."""
    from sklearn._loss import _loss, link, loss
    from sklearn.gaussian_process.kernels import Kernel
    from sklearn.linear_model import _sgd_fast
    from sklearn.metrics import _dist_metrics
    from sklearn.model_selection import _split
    from sklearn.neighbors import _ball_tree, _kd_tree

    kernels = importlib.import_module("sklearn.gaussian_process.kernels")
    found = dict.fromkeys(HELPERS, OBJECT)
    found |= {_label(k): OBJECT for k in _classes(kernels) if issubclass(k, Kernel) and k is not Kernel}
    found |= {_label(k): ESTIMATOR for k in _classes(_split) if hasattr(k, "split")}
    found |= {_label(k): OBJECT for k in (*_classes(loss), *_classes(link)) if k.__name__ != "BaseLoss"}
    for module in (_loss, _sgd_fast):
        named = {name for name, kind in vars(module).items() if inspect.isclass(kind)}
        found |= {f"{module.__name__}:{name}": {"call": "numbers"} for name in sorted(named)}
    for module in (_dist_metrics, _ball_tree, _kd_tree):
        wanted = re.compile(r"\w+Distance(32|64)?|(Ball|KD)Tree(32|64)?")
        named = {n for n, kind in vars(module).items() if inspect.isclass(kind) and wanted.fullmatch(n)}
        found |= {f"{module.__name__}:{name}": VALUE for name in sorted(named)}
    return found


def functions() -> dict[str, Uses]:
    """Functions and types that are values only: NumPy's element-wise ones, metrics and kernels."""
    from sklearn import metrics
    from sklearn.metrics import pairwise

    ufuncs = [name for name in dir(np) if isinstance(getattr(np, name), np.ufunc)]
    scores = [getattr(metrics, name) for name in metrics.__all__]
    pure = [f for f in scores if inspect.isfunction(f) and f.__name__.endswith(("_score", "_loss", "_error"))]
    pure += [f for f in pairwise.PAIRWISE_KERNEL_FUNCTIONS.values() if inspect.isfunction(f)]
    pure += [f for f in pairwise.PAIRWISE_DISTANCE_FUNCTIONS.values() if inspect.isfunction(f)]
    found = dict.fromkeys([*FUNCTIONS, *(f"numpy:{name}" for name in (*ufuncs, *SCALARS))], VALUE)
    return found | {_label(function): VALUE for function in pure}


def audited() -> list[str]:
    """Packages decided on as a whole, beside Python's own: all that the product installs or can read."""
    lock = (HERE.parent / "requirements.txt").read_text(encoding="utf-8")
    installed = {
        name.lower().replace("_", "-") for name in re.findall(r"^([A-Za-z0-9._-]+)==", lock, re.MULTILINE)
    }
    installed |= {
        "pip",
        "setuptools",
        "wheel",
        "xgboost-cpu",
        "lightgbm",
        "skops",
        "onnxruntime",
        "onnx",
        "lz4",
    }
    packages = {"__builtin__", "audit_core", "pages", "app", "xgboost"}
    for package, distributions in importlib.metadata.packages_distributions().items():
        if any(name.lower().replace("_", "-") in installed for name in distributions):
            packages.add(package)
    # The main script is a question of its own; what only other systems install is not seen here.
    return sorted((packages | {"colorama", "tzdata", "pywin32"}) - {"__main__"})


def _label(thing: Any) -> str:
    return f"{thing.__module__}:{thing.__name__}"


def _classes(module: Any) -> list[type]:
    return [
        kind for kind in vars(module).values() if inspect.isclass(kind) and kind.__module__ == module.__name__
    ]


def table() -> dict[str, Any]:
    """The whole table, in the order it is written."""
    names = {**functions(), **helpers(), **estimators(), **PYTHON, **ARRAYS, **RANDOM, **OTHERS}
    return {
        "made_from": {name: importlib.metadata.version(name) for name in DERIVED_FROM},
        "audited": audited(),
        "names": {name: dict(sorted(names[name].items())) for name in sorted(names)},
    }


def refused_by(found: dict[str, Any]) -> list[str]:
    """Models of the zoo that the table would refuse, with the first reason."""
    from model_zoo import all_fitted

    from audit_core.sources.model_inspect import inspect_payload
    from audit_core.sources.model_policy import Policy

    policy = Policy(found["names"], frozenset(found["audited"]), found["made_from"])
    refused = []
    for fitted in all_fitted():
        stream = io.BytesIO()
        joblib.dump(fitted.model, stream)
        seen = inspect_payload(stream.getvalue(), policy)
        if seen.verdict != "verified":
            refused.append(f"{fitted.name}: {seen.verdict}: {', '.join(seen.reasons or seen.extra)}")
    return refused


def main() -> int:
    """Write the table, unless a fitted model of the zoo needs more."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = table()
        refused = refused_by(found)
    if refused:
        print("\n".join(refused))
        return 1
    TABLE.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{TABLE.name}: {len(found['names'])} names, {len(found['audited'])} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())

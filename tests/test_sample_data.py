"""The worked examples hold the truth they claim, measured here without the product's own code.

Limits that the planted figures miss or hold only on most seeds are asserted as measured, and
sample_data/README.md says so: a test must not claim more than the data do.
"""

import hashlib
import json
from functools import cache
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2
from sklearn.metrics import roc_auc_score

from sample_data.draws import STEPS, ranks, spread, uniform
from sample_data.hiring import SIZES, hiring_tables, people, write_table
from sample_data.models import CATEGORIES, NUMBERS, fit_models
from sample_data.shopflow import write_shopflow

ROOT = Path(__file__).resolve().parent.parent
HIRING = ROOT / "sample_data" / "hiring"
SHOPFLOW = ROOT / "sample_data" / "shopflow"
FEATURES = [*NUMBERS, *CATEGORIES]
Z_T = {2: 1.960, 3: 2.344}  # Tukey quantile / √2 for the number of groups compared
SEEDS = range(1, 21)
# Population value → tolerance at 200,000 rows.
PLANTED = {
    "man": (0.676, 0.01),
    "woman": (0.518, 0.01),
    "gap": (0.158, 0.01),
    "black_women": (0.247, 0.01),
    "black_men": (0.475, 0.01),
    "over_50": (0.155, 0.01),
    "auc": (0.787, 0.01),
    "accuracy": (0.717, 0.01),
    "baseline_auc": (0.804, 0.01),
    "baseline_accuracy": (0.733, 0.01),
    "psi_years_experience": (0.25, 0.01),
    "psi_commute_km": (0.17, 0.01),
    "psi_job_family": (0.08, 0.01),
    "psi_source": (0.91, 0.02),  # shares are exact; the smoothing of an unseen category is not
    "impact_ratio": (0.736, 0.02),  # .718: misses ± .01, the price of a TPR gap at its upper end
    "baseline_gap": (0.011, 0.015),  # the truth without the career gap is an even .00
}


def wilson(x, n, z):
    p, w = x / n, z * z / n
    half = z * np.sqrt(p * (1 - p) / n + w / (4 * n))
    return (p + w / 2 - half) / (1 + w), (p + w / 2 + half) / (1 + w)


def newcombe_lower(one, two, z):
    (x1, n1), (x2, n2) = one, two
    low, high = wilson(x1, n1, z)[0], wilson(x2, n2, z)[1]
    return x1 / n1 - x2 / n2 - np.hypot(x1 / n1 - low, high - x2 / n2)


def lower_all(groups):
    """The accusing bound over every group with ten positives or more."""
    held = [pair for pair in groups.values() if pair[1] >= 10]
    z = Z_T[len(held)]
    return max(newcombe_lower(a, b, z) for a in held for b in held if a is not b)


def bins(reference, current):
    if reference.dtype.kind != "f":
        names = sorted(set(reference) | set(current))
        return [
            column.value_counts().reindex(names, fill_value=0).to_numpy() for column in (reference, current)
        ]
    edges = np.unique(np.quantile(reference.dropna(), np.arange(1, 10) / 10))

    def count(column):
        cells = np.searchsorted(edges, column.dropna(), side="left")
        return np.append(np.bincount(cells, minlength=len(edges) + 1), column.isna().sum())

    r, c = count(reference), count(current)
    keep = np.append(np.ones(len(edges) + 1, dtype=bool), r[-1] + c[-1] > 0)
    return r[keep], c[keep]


def psi(reference, current, sizes=(8_000, 4_000)):
    """PSI with ½ in every bin; `sizes` because an unseen category weighs by the ½ alone."""
    r, c = bins(reference, current)
    r, c = (counts * size / counts.sum() + 0.5 for counts, size in zip((r, c), sizes, strict=True))
    r, c = r / r.sum(), c / c.sum()
    return float(np.sum((c - r) * np.log(c / r)))


def drift(reference, current):
    null = (1 / len(reference) + 1 / len(current)) * chi2.ppf(0.95, len(bins(reference, current)[0]) - 1)
    value = psi(reference, current, (len(reference), len(current)))
    return "major" if value > max(0.25, null) else "moderate" if value > max(0.10, null) else "stable"


def tpr_counts(table, selected):
    yes = table["qualified"].fillna(0).to_numpy(dtype=int) == 1
    groups = {g: (table["gender"] == g).to_numpy() for g in ("man", "woman", "nonbinary")}
    return {g: (int((selected & yes & m).sum()), int((yes & m).sum())) for g, m in groups.items()}


def gap(counts):
    return counts["man"][0] / counts["man"][1] - counts["woman"][0] / counts["woman"][1]


def measure(train, table, models):
    candidate, baseline = models
    score, old = (m.predict_proba(table)[:, 1] for m in (candidate, baseline))
    y, selected = table["qualified"].to_numpy(dtype=int), score >= 0.5
    woman, man = (table["gender"] == g for g in ("woman", "man"))
    black, age = table["ethnicity"] == "Black", table["age"]
    counts = tpr_counts(table, selected)
    found = {
        "man": counts["man"][0] / counts["man"][1],
        "woman": counts["woman"][0] / counts["woman"][1],
        "gap": gap(counts),
        "lower": newcombe_lower(counts["man"], counts["woman"], Z_T[2]),
        "lower_all": lower_all(counts),
        "nonbinary": counts["nonbinary"][1],
        "impact_ratio": selected[woman].mean() / selected[man].mean(),
        "black_women": selected[woman & black].mean(),
        "black_men": selected[man & black].mean(),
        "auc": roc_auc_score(y, score),
        "baseline_auc": roc_auc_score(y, old),
        "accuracy": (selected == y).mean(),
        "baseline_accuracy": ((old >= 0.5) == y).mean(),
        "baseline_gap": gap(tpr_counts(table, old >= 0.5)),
        "over_50": (y - score)[age >= 50].mean(),
        "under_50": max(
            abs((y - score)[(age >= a) & (age < b)].mean()) for a, b in ((0, 30), (30, 40), (40, 50))
        ),
    }
    return found | {f"psi_{name}": psi(train[name], table[name]) for name in FEATURES}


@cache
def one_seed(seed):
    tables = hiring_tables(seed)
    models = fit_models(tables["train"])
    found = measure(tables["train"], tables["evaluation"], models)
    status = {name: drift(tables["train"][name], tables["evaluation"][name]) for name in FEATURES}
    bounds, shifts = [], []
    for k in range(1, 7):
        window = tables[f"window_{k}"]
        bounds.append(lower_all(tpr_counts(window, models[0].predict_proba(window)[:, 1] >= 0.5)))
        name = "employment_gap_months"
        shifts.append(psi(tables["train"][name], window[name], (8_000, 2_000)))
    return found, status, bounds, shifts


@pytest.fixture(scope="module")
def shipped():
    tables = {block: pd.read_csv(HIRING / f"{block}.csv") for block in SIZES}
    # Written by our own generator from this tree; no stranger's file is opened here.
    models = tuple(joblib.load(HIRING / f"{name}.joblib") for name in ("model", "baseline"))
    return tables, models


def test_the_files_are_the_generators_own(tmp_path):
    for block, table in hiring_tables().items():
        write_table(table, tmp_path / f"{block}.csv")
        assert (tmp_path / f"{block}.csv").read_bytes() == (HIRING / f"{block}.csv").read_bytes(), block
    write_shopflow(tmp_path)
    for name in ("baseline", "candidate"):
        assert (tmp_path / f"{name}.csv").read_bytes() == (SHOPFLOW / f"{name}.csv").read_bytes()


def test_the_files_are_small_and_the_models_pinned():
    files = [p for p in (ROOT / "sample_data").rglob("*") if p.suffix in {".csv", ".joblib", ".yaml"}]
    assert sum(p.stat().st_size for p in files) <= 2_500_000
    pins = json.loads((ROOT / "audit_core" / "sources" / "pins.json").read_text())
    for name in ("model", "baseline"):
        assert hashlib.sha256((HIRING / f"{name}.joblib").read_bytes()).hexdigest() in pins


def test_a_new_column_or_a_longer_block_changes_no_other_draw(monkeypatch):
    places = ranks(7, "train", 500)
    before = spread(7, "train", "ability", places)
    monkeypatch.setitem(STEPS, "a_new_column", 43**0.5)
    spread(7, "train", "a_new_column", places)
    assert np.array_equal(before, spread(7, "train", "ability", places))
    assert np.array_equal(uniform(7, "train", "ability", 10), uniform(7, "train", "ability", 500)[:10])
    assert not np.array_equal(uniform(7, "train", "ability", 10), uniform(7, "train", "age", 10))


def test_models_never_see_a_protected_attribute_and_no_person_is_in_two_files(shipped):
    tables, models = shipped
    for model in models:
        assert not {"gender", "ethnicity", "age"} & set(model.feature_names_in_)
    assert "employment_gap_months" not in models[1].feature_names_in_
    everyone = pd.concat([table["applicant_id"] for table in tables.values()])
    assert everyone.is_unique
    assert tables["window_6"]["qualified"].notna().sum() == 780


def test_golden_values_of_the_shipped_files(shipped):
    tables, models = shipped
    found = measure(tables["train"], tables["evaluation"], models)
    golden = {
        "man": 0.6855,
        "woman": 0.5232,
        "gap": 0.1622,
        "lower_all": 0.1082,
        "impact_ratio": 0.7176,
        "black_women": 0.2385,
        "black_men": 0.4835,
        "over_50": 0.1549,
        "auc": 0.7808,
        "baseline_auc": 0.8048,
        "accuracy": 0.7153,
        "baseline_accuracy": 0.7278,
        "baseline_gap": -0.0084,
        "psi_years_experience": 0.2438,
        "psi_commute_km": 0.1778,
        "psi_source": 0.9139,
        "psi_job_family": 0.0801,
    }
    assert {name: found[name] for name in golden} == pytest.approx(golden, abs=0.005)
    gaps = [
        gap(tpr_counts(t, models[0].predict_proba(t)[:, 1] >= 0.5))
        for t in (tables[f"window_{k}"] for k in range(1, 7))
    ]
    assert gaps == pytest.approx([0.158, 0.140, 0.133, 0.2275, 0.337, 0.406], abs=0.005)


def test_the_population_has_the_planted_values():
    train, table = (people(block, 200_000, 1) for block in ("train", "evaluation"))
    found = measure(train, table, fit_models(train))
    wrong = {n: found[n] for n, (value, limit) in PLANTED.items() if abs(found[n] - value) > limit}
    assert not wrong
    assert found["under_50"] <= 0.035
    assert max(found[f"psi_{n}"] for n in ("education", "skills_score", "interview_score")) <= 0.004


@pytest.mark.parametrize("seed", SEEDS)
def test_every_seed_finds_the_planted_faults(seed):
    found, status, bounds, shifts = one_seed(seed)
    assert found["lower"] > 0.10
    assert 10 <= found["nonbinary"] < 50
    assert found["impact_ratio"] < 0.80
    assert found["black_men"] - found["black_women"] > 0.15
    assert found["over_50"] - found["under_50"] > 0.08
    assert abs(found["baseline_gap"]) < 0.05
    assert found["baseline_auc"] > found["auc"]
    assert status.pop("years_experience") in {"moderate", "major"}  # planted at the limit between the two
    assert {status.pop("source"), status.pop("commute_km")} == {"major", "moderate"}
    assert set(status.values()) == {"stable"}
    assert max(bounds[:3]) <= 0.10  # months 1–3: never a page
    assert min(bounds[3:]) > 0.10  # the fairness alarm, in month 4 …
    assert shifts[3] < 0.10 < shifts[4]  # … a month before the drift alarm


def test_the_gap_is_confirmed_over_all_three_genders_on_most_seeds():
    # 17 of 20 as measured: the small nonbinary group widens the bound to z = 2.344.
    assert sum(one_seed(seed)[0]["lower_all"] > 0.10 for seed in SEEDS) >= 15

"""Drift statistics against scipy's, and a status that does not take chance for drift."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from make_tables import contract
from report_factory import counted

from audit_core.cube.drift import MISSING_BIN, DriftTable
from audit_core.metrics.drift import DriftStatistics, drift_status, ks_from_counts, psi
from audit_core.metrics.drift_rows import drift_rows
from audit_core.metrics.estimate import Undefined

GOLDEN = json.loads((Path(__file__).parent / "golden" / "drift.json").read_text(encoding="utf-8"))
WINDOWS = json.loads((Path(__file__).parent / "golden" / "drift_windows.json").read_text(encoding="utf-8"))
FIELDS = {
    "psi": "psi",
    "psi_null_mean": "psi_null_mean",
    "psi_null95": "psi_null_95",
    "excess": "psi_excess",
    "kl_current_reference": "kl_current_given_reference_nats",
    "kl_reference_current": "kl_reference_given_current_nats",
    "js": "js_divergence_nats",
    "chi2": "chi2",
    "chi2_df": "chi2_df",
    "chi2_p": "chi2_p",
}


@st.composite
def samples(draw):
    bins = draw(st.integers(2, 12))
    sample = st.lists(st.integers(0, 10**6), min_size=bins, max_size=bins)
    return draw(sample), draw(sample)


def statistics(value=0.0, null95=0.0, rows=1000, bins=10):
    other = dict.fromkeys(("psi_null_mean", "excess", "js", "chi2", "chi2_p"), 0.0)
    return DriftStatistics(
        psi=value,
        psi_null95=null95,
        current_rows=rows,
        reference_rows=rows,
        bins=bins,
        kl_current_reference=0.0,
        kl_reference_current=0.0,
        chi2_df=bins - 1,
        **other,
    )


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=range(len(GOLDEN["cases"])))
def test_reference_cases(case):
    found = psi(case["in"]["reference_counts"], case["in"]["current_counts"])
    assert isinstance(found, DriftStatistics)
    for field, key in FIELDS.items():
        assert getattr(found, field) == pytest.approx(case[key], abs=GOLDEN["tol_abs"]), field


@pytest.mark.parametrize("case", WINDOWS["cases"], ids=lambda case: f"{case['window']} {case['feature']}")
def test_windows_of_adult_have_the_figures_of_scipy_and_the_status_of_their_missing_cells(case):
    """A tool without a bin for missing cells calls the shifted work class a small move."""
    found = psi(case["reference"], case["current"])
    assert found.psi == pytest.approx(case["psi"], abs=1e-9)
    assert found.kl_current_reference == pytest.approx(case["kl"], abs=1e-9)
    assert (found.chi2, found.chi2_p) == (
        pytest.approx(case["chi2"]["stat"], rel=1e-9),
        pytest.approx(case["chi2"]["p"], abs=1e-12),
    )
    moved = {"workclass": "major", "age": "major", "occupation": "moderate"}
    wanted = moved.get(case["feature"], "stable") if case["window"] == "shifted" else "stable"
    assert drift_status(found) == wanted
    if (case["window"], case["feature"]) == ("shifted", "workclass"):
        assert case["without_missing_bin"] < 0.12 and found.psi > 0.25


@settings(deadline=None)
@given(samples())
def test_psi_is_symmetric_and_never_negative(pair):
    reference, current = pair
    assume(sum(reference) and sum(current))
    there, back = psi(reference, current), psi(current, reference)
    assert there.psi == pytest.approx(back.psi, rel=1e-9, abs=1e-15)
    assert there.js == pytest.approx(back.js, abs=1e-12)
    assert there.kl_current_reference == pytest.approx(back.kl_reference_current, abs=1e-12)
    assert min(there.psi, there.js, there.kl_current_reference, there.excess) >= 0
    assert 0 <= there.psi_null_mean < there.psi_null95
    assert 0 <= there.chi2_p <= 1


@settings(deadline=None)
@given(samples())
def test_chi2_matches_scipy(pair):
    from scipy.stats import chi2_contingency

    table = np.array(pair)
    table = table[:, table.sum(axis=0) > 0]
    assume(table.shape[1] >= 2 and (table.sum(axis=1) > 0).all())
    found, expected = psi(*pair), chi2_contingency(table, correction=False)
    assert found.chi2 == pytest.approx(expected.statistic, rel=1e-9, abs=1e-9)
    assert (found.chi2_df, found.chi2_p) == (expected.dof, pytest.approx(expected.pvalue, abs=1e-9))


def test_no_move_is_no_drift():
    found = psi([10, 20, 30], [10, 20, 30])
    assert found.psi == found.js == found.chi2 == found.excess == 0
    assert found.chi2_p == 1


def test_counts_of_tens_of_millions_do_not_overflow():
    counts = np.array([10**7, 2 * 10**7, 3 * 10**7])
    found = psi(counts, counts[::-1].copy())
    assert found.chi2 == pytest.approx(20_000_000)


def test_nothing_to_compare_is_undefined():
    for reference, current in (([0, 0], [1, 2]), ([1, 2], [0, 0]), ([5], [5]), ([], [])):
        found = psi(reference, current)
        assert isinstance(found, Undefined)
        assert drift_status(found) == "insufficient"


def test_limits_are_strict():
    assert drift_status(statistics(0.10)) == "stable"
    assert drift_status(statistics(np.nextafter(0.10, 1))) == "moderate"
    assert drift_status(statistics(0.25)) == "moderate"
    assert drift_status(statistics(np.nextafter(0.25, 1))) == "major"
    assert drift_status(statistics(0.04), warn=0.02, limit=0.03) == "major"


def test_what_chance_can_give_is_no_drift():
    assert drift_status(statistics(0.30, null95=0.34)) == "stable"
    assert drift_status(statistics(0.30, null95=0.28)) == "major"
    assert drift_status(statistics(0.20, null95=0.18)) == "moderate"


def test_five_current_rows_a_bin_are_needed():
    assert drift_status(statistics(9.0, rows=49)) == "insufficient"
    assert drift_status(statistics(9.0, rows=50)) == "major"


def test_the_null_holds_where_nothing_drifts():
    draw = np.random.Generator(np.random.PCG64(11))
    shares = np.full(10, 0.1)
    over = 0
    for _ in range(400):
        found = psi(draw.multinomial(2000, shares), draw.multinomial(1000, shares))
        over += found.psi > found.psi_null95
    assert 0.02 < over / 400 < 0.09


def test_ks_of_bins_never_exceeds_that_of_the_values():
    reference, current = (np.array(GOLDEN["continuous"][k]) for k in ("reference", "current"))
    edges = np.array([-np.inf, -0.926, -0.448, 0.056, 0.622, np.inf])
    binned = ks_from_counts(np.histogram(reference, edges)[0], np.histogram(current, edges)[0])
    assert 0 < binned <= GOLDEN["continuous"]["ks"]
    values = np.unique(np.concatenate((reference, current)))
    fine = ks_from_counts(*([int((x == v).sum()) for v in values] for x in (reference, current)))
    assert fine == pytest.approx(GOLDEN["continuous"]["ks"], abs=GOLDEN["tol_abs"])
    assert ks_from_counts([0, 0], [1, 2]) is None
    assert ks_from_counts([4, 0], [0, 9]) == 1


def test_ks_is_of_the_values_that_are_there():
    """A cell that goes missing is no larger value: it moves PSI, not the order of the others."""
    table = DriftTable(feature="x", kind="numeric", attribute="", group="", edges=(1.0,), new_categories=(),
                       labels=("low", "high", MISSING_BIN),
                       reference=(50, 50, 0), current=(40, 40, 20))  # fmt: skip
    (row,) = drift_rows(contract(), replace(counted(rows=100), drift=(table,)))
    assert row.ks == 0 and row.statistics.psi > 0.1


def test_mistakes_are_refused():
    for call in (psi, ks_from_counts):
        with pytest.raises(ValueError, match="same bins"):
            call([1, 2], [1, 2, 3])
        with pytest.raises(ValueError, match="zero or more"):
            call([1, -2], [1, 2])

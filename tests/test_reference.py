"""Published tables and the answers of other libraries, reached through the whole pipeline.

The data are not ours to ship: EVENHAND_REFERENCE names their folder, or it lies beside the project. In CI
their absence is a failure.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
from datetime import UTC, datetime
from fractions import Fraction
from functools import cache
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest

from audit_core.audit import AuditRequest, run_audit
from audit_core.cube.axes import NO, YES
from audit_core.evidence.workspace import Workspace
from audit_core.metrics.drift import ks_from_counts, psi
from audit_core.metrics.estimate import Count, TooFew, Undefined
from audit_core.metrics.gaps import difference_gap, ratio_gap
from audit_core.metrics.intervals import clopper_pearson, newcombe_difference, wilson, z_two_sided
from audit_core.report.alerts import drift_alerts

pytestmark = pytest.mark.reference

Z95 = z_two_sided(0.95)
LABELLED = ("selection_rate", "tpr", "fpr", "fnr", "tnr", "ppv", "npv", "fdr", "for", "accuracy", "base_rate")
GAPS = ("selection_rate", "tpr", "fpr", "fnr", "tnr", "ppv", "accuracy", "base_rate")
DATASETS = ("compas", "compas_6172", "adult")
AS_OF = datetime(2026, 11, 16, tzinfo=UTC)
TEXT = """\
schema: evenhand/contract/v1
id: reference
version: 1
status: approved
domain: other
decision: {{question: q, population: p, favourable: {favourable}, harm: h, harmed_by: both}}
data:
{data}
  attributes: [{attributes}]
  slices: [{slices}]
  intersections: [{intersections}]
  features: {features}
checks:
{checks}
roles:
  o: {{name: n, contact: c}}
author: o
"""


def contract(
    data, attributes, *, intersections=(), slices=(), metrics=(), features="auto", favourable="1", drift=False
):
    """A contract that looks at every metric as a difference and as a ratio, for every subject."""
    subjects = ", ".join([*attributes, *(f"[{', '.join(pair)}]" for pair in intersections)])
    kinds = (("difference", "max: 0.1"), ("ratio", "min: 0.8"))
    checks = [
        f"  - {{id: {metric}_{compare}, stage: training, metric: {metric}, compare: {compare}, "
        f"of: [{subjects}], limit: {{{limit}}}, severity: minor, owner: o, why: w}}"
        for metric in metrics
        for compare, limit in kinds
    ]
    if drift:
        checks.append("  - {id: drift, stage: predeploy, metric: psi, features: all, limit: {max: 0.25}, "
                      "severity: minor, owner: o, why: w}")  # fmt: skip
    return TEXT.format(
        data="\n".join(f"  {line}" for line in data),
        attributes=", ".join(f"{{name: {name}, basis: b}}" for name in attributes),
        slices=", ".join(slices),
        intersections=", ".join(f"[{', '.join(pair)}]" for pair in intersections),
        features=features,
        favourable=favourable,
        checks="\n".join(checks),
    ).encode()


def audited(text, evaluation, folder, **more):
    request = AuditRequest(
        contract=text, contract_name="contract.yaml", evaluation=evaluation, as_of=AS_OF, **more
    )
    return run_audit(request, Workspace(folder / "workspace"))


def read(path: Path):
    return json.loads(path.read_text(encoding="utf-8"))


def mapped(expected):
    """The lines of a contract's `data` that the reference file's own mapping stands for."""
    mapping = expected["meta"]["mapping"]
    scale = "range: [1, 10], bands: [1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5]"
    bands = "bands: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]"
    return [
        f"label: {{column: {mapping['label']}, positive: {json.dumps(mapping['positive'])}}}",
        f"score: {{column: {mapping['score']}, {scale if mapping['score'] == 'decile_score' else bands}}}",
        f"decision: {{column: {mapping['decision']}, positive: {json.dumps(mapping['selected'])}}}",
    ]


@pytest.fixture(scope="module")
def dataset(reference_data, tmp_path_factory):
    """name → (expected, audit), each data set audited once."""

    @cache
    def run(name):
        folder = reference_data / name.split("_")[0]
        expected = read(folder / f"expected_{name}.json")
        place = tmp_path_factory.mktemp(name)
        source = folder / expected["meta"]["input"]
        assert hashlib.sha256(source.read_bytes()).hexdigest() == expected["meta"]["input_sha256"]
        rule = expected["meta"]["mapping"]["filter_sql"]
        if rule:
            kept = place / "filtered.csv"
            duckdb.sql(f"COPY (SELECT * FROM read_csv('{source}') WHERE {rule}) TO '{kept}' (HEADER)")
            source = kept
        pairs = [tuple(key.split("*")) for key in expected["intersections"]]
        slices = ()
        if name.startswith("compas"):
            pairs, slices = [*pairs, ("race", "decile_score")], ("decile_score", "score_text")
        text = contract(
            mapped(expected), list(expected["attributes"]), intersections=pairs, slices=slices, metrics=GAPS,
            favourable=expected["meta"]["mapping"]["selected"][0],  # as the libraries divide
        )  # fmt: skip
        return expected, audited(text, source, place)

    return run


def tables_of(expected):
    """(subject, table of expected figures) for each attribute and each intersection."""
    for key, table in {**expected["attributes"], **expected["intersections"]}.items():
        yield tuple(key.split("*")), table


def rate(audit, subject, group, metric):
    found = audit.measurements.rate(tuple(subject), tuple(group), metric)
    assert found is not None, (subject, group, metric)
    return found


def cells(audit, subject, group):
    table = audit.counted.cube.outcomes(subject)[group]
    return {"n": int(table.sum()), "tp": int(table[YES, YES]), "fn": int(table[YES, NO]),
            "fp": int(table[NO, YES]), "tn": int(table[NO, NO])}  # fmt: skip


# Rates, intervals and gaps, against fairlearn, scikit-learn and statsmodels


@pytest.mark.parametrize("name", DATASETS)
def test_rates_counts_and_wilson_limits(dataset, name):
    expected, audit = dataset(name)
    tol = expected["meta"]["tolerance"]
    assert audit.counted.intake.counted == expected["meta"]["rows"]
    compared = 0
    for subject, table in tables_of(expected):
        known = {group for group in audit.measurements.groups_of(subject) if "" not in group}
        assert known == {tuple(group.split("|")) for group in table["by_group"]}
        for label, figures in table["by_group"].items():
            group = tuple(label.split("|"))
            assert cells(audit, subject, group) == figures["counts"]
            for metric in GAPS:
                found = rate(audit, subject, group, metric)
                if figures[metric] is None:
                    assert isinstance(found, Undefined)
                    assert f"{label}:{metric}" in table["undefined"]
                    continue
                assert found.value == pytest.approx(figures[metric], abs=tol)
                limits = figures["wilson_95"].get(metric)
                if limits:
                    assert (found.low, found.high) == pytest.approx(limits, abs=tol)
                compared += 1
    assert compared >= 60
    for metric in GAPS:
        assert rate(audit, (), (), metric).value == pytest.approx(expected["overall"][metric], abs=tol)


@pytest.mark.parametrize("name", DATASETS)
def test_gaps_ratios_and_named_criteria(dataset, name):
    expected, audit = dataset(name)
    tol = expected["meta"]["tolerance"]
    for subject, table in tables_of(expected):
        for metric in GAPS:
            for compare, key in (("difference", "gap_max_min"), ("ratio", "ratio_min_max")):
                found = audit.measurements.gap(subject, metric, compare).gap.value_all
                wanted = table[key][metric]
                if any(name.endswith(f":{metric}") for name in table["undefined"]):
                    # Fairlearn counts a rate without a denominator as 0; here it is in no gap.
                    known = [g[metric] for g in table["by_group"].values() if g[metric] is not None]
                    wanted = max(known) - min(known) if compare == "difference" else min(known) / max(known)
                assert (found is None) == (wanted is None)
                if wanted is not None:
                    assert float(found) == pytest.approx(wanted, abs=tol), (subject, metric, compare)
        if "fairlearn_aggregates" in table:
            odds = audit.measurements.gap(subject, "equalized_odds", "difference")
            larger = max(float(part.gap.value_all) for part in odds.parts)
            assert larger == pytest.approx(
                table["fairlearn_aggregates"]["equalized_odds_difference"], abs=tol
            )


@pytest.mark.parametrize("name", DATASETS)
def test_impact_ratios_auc_brier_and_differences_to_the_reference_group(dataset, name):
    expected, audit = dataset(name)
    tol = expected["meta"]["tolerance"]
    for attribute, table in expected["attributes"].items():
        subject = (attribute,)
        impact = table["impact_ratio_vs_most_selected"]
        top = rate(audit, subject, (impact["reference"],), "selection_rate").fraction
        for group, wanted in impact["values"].items():
            found = rate(audit, subject, (group,), "selection_rate").fraction / top
            assert float(found) == pytest.approx(wanted, abs=tol)
        rows = {row.group[0]: row for row in audit.measurements.calibration if row.subject == subject}
        for group, wanted in table["auc_by_group"].items():
            assert float(rows[group].auc.fraction) == pytest.approx(wanted, abs=tol)
        for group, wanted in table.get("brier_by_group", {}).items():
            assert rows[group].calibration.brier == pytest.approx(wanted, abs=tol)
        reference = table["vs_reference"]["reference"]
        for group, metrics in table["vs_reference"]["values"].items():
            for metric, wanted in metrics.items():
                one, two = (rate(audit, subject, (g,), metric) for g in (group, reference))
                assert one.value - two.value == pytest.approx(wanted["diff"], abs=tol)
                limits = newcombe_difference(
                    one.numerator, one.denominator, two.numerator, two.denominator, Z95
                )
                assert limits == pytest.approx(wanted["newcombe_95"], abs=tol)
    everybody = next(row for row in audit.measurements.calibration if row.subject == ())
    assert float(everybody.auc.fraction) == pytest.approx(expected["overall"]["auc"], abs=tol)


@pytest.mark.parametrize("name", DATASETS)
def test_aequitas_gives_the_same(dataset, reference_data, name):
    _, audit = dataset(name)
    theirs = read(reference_data / name.split("_")[0] / f"expected_{name}_aequitas.json")
    tol = theirs["meta"]["tolerance"]
    same = ("tpr", "fpr", "fnr", "tnr", "npv", "for", "fdr")
    names = {m: m for m in same} | {"precision": "ppv", "pprev": "selection_rate", "prev": "base_rate"}
    for attribute, groups in theirs["groups"].items():
        reference = theirs["meta"]["reference_groups"][attribute]
        for group, figures in groups.items():
            counts = cells(audit, (attribute,), (group,))
            assert counts == {"n": figures["group_size"]} | {k: figures[k] for k in ("tp", "fn", "fp", "tn")}
            for key, metric in names.items():
                found, base = (rate(audit, (attribute,), (g,), metric) for g in (group, reference))
                if figures.get(key) is None:
                    assert found.value is None
                    continue
                assert found.value == pytest.approx(figures[key], abs=tol)
                disparity = figures.get(f"{key}_disparity")
                if disparity is not None:
                    assert float(found.fraction / base.fraction) == pytest.approx(disparity, abs=tol)


@pytest.mark.parametrize("name", DATASETS)
def test_aif360_gives_the_same(dataset, reference_data, name):
    _, audit = dataset(name)
    theirs = read(reference_data / name.split("_")[0] / f"expected_{name}_aif360.json")
    tol = theirs["meta"]["tolerance"]
    differences = {
        "statistical_parity_difference": "selection_rate",
        "equal_opportunity_difference": "tpr",
        "false_positive_rate_difference": "fpr",
        "false_negative_rate_difference": "fnr",
        "false_discovery_rate_difference": "fdr",
        "label_mean_difference": "base_rate",
    }
    ratios = {"disparate_impact": "selection_rate", "label_disparate_impact": "base_rate"}
    for pair, figures in theirs["pairs"].items():
        attribute, groups = pair.split(":")
        one, two = groups.split(" vs ")

        def both(metric, attribute=attribute, one=one, two=two):
            return (rate(audit, (attribute,), (g,), metric).fraction for g in (one, two))

        for key, metric in differences.items():
            first, second = both(metric)
            assert float(first - second) == pytest.approx(figures[key], abs=tol)
        for key, metric in ratios.items():
            first, second = both(metric)
            assert float(first / second) == pytest.approx(figures[key], abs=tol)
        first, second = both("accuracy")
        assert float(second - first) == pytest.approx(figures["error_rate_difference"], abs=tol)


# COMPAS, as ProPublica printed it


def test_propublicas_table_of_error_rates(dataset, reference_data):
    published = read(reference_data / "compas" / "published_propublica.json")
    _, audit = dataset("compas")
    assert audit.counted.intake.rows == 7214
    for name, table in published["medium_or_high"].items():
        subject, group = ((), ()) if name == "All" else (("race",), (name,))
        printed, found = table["published"], cells(audit, subject, group)
        assert (found["tn"], found["fp"], found["fn"], found["tp"]) == tuple(
            printed[key] for key in ("survived_low", "survived_high", "recid_low", "recid_high")
        )
        for metric, key in (("fpr", "FPR_pct"), ("fnr", "FNR_pct")):
            assert abs(100 * rate(audit, subject, group, metric).value - printed[key]) <= 0.005
        for metric, key in (("ppv", "PPV"), ("npv", "NPV")):
            assert f"{rate(audit, subject, group, metric).value:.2f}" == f"{printed[key]:.2f}"


def test_propublicas_table_for_high_scores_alone(reference_data, tmp_path, dataset):
    published = read(reference_data / "compas" / "published_propublica.json")["high_only"]
    lines = [line.replace('["Medium", "High"]', '["High"]') for line in mapped(dataset("compas")[0])]
    text = contract(lines, ["race"], metrics=("fpr",), favourable="Low")
    audit = audited(text, reference_data / "compas" / "compas_two_year.csv", tmp_path)
    for race, table in published.items():
        found = cells(audit, ("race",), (race,))
        *counts, fpr, fnr = table["published"]
        assert [found[key] for key in ("tn", "fp", "fn", "tp")] == counts
        assert abs(100 * rate(audit, ("race",), (race,), "fpr").value - fpr) <= 0.005
        assert abs(100 * rate(audit, ("race",), (race,), "fnr").value - fnr) <= 0.005


def test_propublicas_filtered_rows(dataset, reference_data):
    published = read(reference_data / "compas" / "published_propublica.json")["filtered_6172"]
    _, audit = dataset("compas_6172")
    cube = audit.counted.cube
    rows = {
        name: {g[0]: int(t.sum()) for g, t in cube.outcomes((name,)).items()}
        for name in ("race", "score_text")
    }
    assert rows == {name: published[name] for name in rows}
    assert cube.rows == published["rows"] == 6172
    assert int(cube.outcomes(())[()][YES].sum()) == published["recid"]
    for (race, sex), table in cube.outcomes(("race", "sex")).items():
        assert int(table.sum()) == published["sex_race"][sex][race]
    deciles = cube.outcomes(("race", "decile_score"))
    for race, counts in published["decile_by_race"].items():
        found = [int(deciles[(race, str(d))].sum()) if (race, str(d)) in deciles else 0 for d in range(1, 11)]
        assert found == counts


def test_small_groups_of_compas_are_too_few(dataset):
    _, audit = dataset("compas")
    for race, people in (("Native American", 18), ("Asian", 32)):
        found = rate(audit, ("race",), (race,), "tpr")
        assert cells(audit, ("race",), (race,))["n"] == people
        assert isinstance(found, TooFew)
    assert all(f.status != "PASS" for f in audit.findings if f.subject == ("race",))


@pytest.mark.parametrize("name", DATASETS)
def test_chouldechovas_identity_holds_exactly_in_every_group(dataset, name):
    """FPR = p/(1−p) · (1−PPV)/PPV · (1−FNR)."""
    expected, audit = dataset(name)
    checked = 0
    for attribute in expected["attributes"]:
        for group in audit.measurements.groups_of((attribute,)):
            p, ppv, fnr, fpr = (
                rate(audit, (attribute,), group, m) for m in ("base_rate", "ppv", "fnr", "fpr")
            )
            if min(p.fraction, ppv.fraction) > 0 and p.fraction < 1:
                implied = (
                    p.fraction / (1 - p.fraction) * (1 - ppv.fraction) / ppv.fraction * (1 - fnr.fraction)
                )
                assert implied == fpr.fraction
                checked += 1
    assert checked >= 5


@pytest.mark.parametrize("name", ["compas", "compas_6172"])
def test_outcomes_by_decile(dataset, name):
    expected, audit = dataset(name)
    tol = expected["meta"]["tolerance"]
    for attribute, groups in expected["calibration_by_score_value"].items():
        rows = {r.group[0]: r for r in audit.measurements.calibration if r.subject == (attribute,)}
        for group, deciles in groups.items():
            bands = rows[group].calibration.bands
            assert len(bands) == 10
            for decile, band in enumerate(bands, start=1):
                wanted = deciles.get(str(decile))
                if not wanted or not wanted["n"]:
                    assert band.n == 0 and isinstance(band.observed, Undefined)
                    continue
                assert (band.n, band.positives) == (wanted["n"], wanted["positives"])
                assert (band.observed.low, band.observed.high) == pytest.approx(wanted["wilson_95"], abs=tol)
            assert not rows[group].probability  # a decile is no probability: it is never gated as one


# Adult


def test_calibration_bands_of_adult(dataset):
    expected, audit = dataset("adult")
    tol, compared = expected["meta"]["tolerance"], 0
    for attribute, groups in expected["calibration_bands"].items():
        rows = {r.group[0]: r for r in audit.measurements.calibration if r.subject == (attribute,)}
        for group, table in groups.items():
            bands = rows[group].calibration.bands
            figures = {label[:8]: wanted for label, wanted in table["bands"].items()}
            assert len(bands) == 10
            for band in bands:
                wanted = figures.get(f"[{band.low:.1f},{band.high:.1f}")
                if not wanted:
                    assert band.n == 0
                    continue
                assert (band.n, band.positives) == (wanted["n"], wanted["positives"])
                assert band.mean_score == pytest.approx(wanted["mean_score"], abs=tol)
                assert band.observed.value == pytest.approx(wanted["observed"], abs=tol)
                assert (band.observed.low, band.observed.high) == pytest.approx(wanted["wilson_95"], abs=tol)
                assert isinstance(band.observed, TooFew) == (band.n < 30)
                compared += 1
    assert compared > 60


@pytest.fixture(scope="module")
def adult_scored(reference_data, tmp_path_factory):
    """Adult with its model in the isolated worker, and drift against the shifted window."""
    folder, place = reference_data / "adult", tmp_path_factory.mktemp("model")
    model = folder / "adult_logit.joblib"
    text = contract(
        ['label: {column: label, positive: "1"}', "score: {column: score, threshold: 0.5}"], ["sex"],
        metrics=("tpr", "fpr"),
    )  # fmt: skip
    audit = audited(text, folder / "adult_eval.csv", place, model=model)
    return audit, place / "workspace", folder / "adult_eval.csv"


def test_the_model_of_adult_gives_the_stored_scores(adult_scored):
    audit, workspace, source = adult_scored
    assert audit.model.trusted_by == "inspection"
    assert audit.model.class_name and "age" in audit.model.features
    (file,) = (workspace / "scored").glob("*/*.parquet")
    found = pq.read_table(file, columns=["score"])["score"].to_numpy()
    with source.open(encoding="utf-8", newline="") as stream:
        stored = np.array([float(row["score"]) for row in csv.DictReader(stream)])
    assert len(found) == 16_281
    assert np.abs(found - stored).max() <= 5e-7 + 1e-12


def test_the_model_of_adult_gives_the_same_rates(adult_scored, dataset):
    audit, *_ = adult_scored
    expected, _ = dataset("adult")
    edge = audit.counted.intake.edge_rows  # a stored decision is taken from the rounded score
    for group, figures in expected["attributes"]["sex"]["by_group"].items():
        found = cells(audit, ("sex",), (group,))
        assert sum(abs(found[key] - figures["counts"][key]) for key in found) <= 2 * edge
    everybody = next(row for row in audit.measurements.calibration if row.subject == ())
    assert float(everybody.auc.fraction) == pytest.approx(expected["overall"]["auc"], abs=1e-6)


# Drift

DRIFT = ("adult/expected_drift_random.json", "adult/expected_drift_shifted.json",
         "compas/expected_drift_2013_2014.json")  # fmt: skip


@pytest.mark.parametrize("name", DRIFT)
def test_drift_statistics_from_the_same_counts(reference_data, name):
    expected = read(reference_data / name)
    tol = expected["meta"]["tolerance"]
    for feature, wanted in expected["features"].items():
        counts = wanted["ref_counts"], wanted["cur_counts"]
        found, smoothed = psi(*counts), wanted["laplace_0.5"]
        assert found.psi == pytest.approx(smoothed["psi"], abs=tol), feature
        assert found.kl_current_reference == pytest.approx(smoothed["kl_cur_ref"], abs=tol)
        assert found.kl_reference_current == pytest.approx(smoothed["kl_ref_cur"], abs=tol)
        assert found.chi2 == pytest.approx(wanted["chi2"]["stat"], rel=1e-9, abs=tol)
        assert (found.chi2_df, found.chi2_p) == (
            wanted["chi2"]["dof"],
            pytest.approx(wanted["chi2"]["p"], abs=tol),
        )
        # Counted a million million times over, the ½ weighs nothing: their JS has no smoothing.
        plain = psi(*([count * 10**12 for count in side] for side in counts))
        assert plain.js == pytest.approx(wanted["js_divergence_nats"], abs=1e-8)
        if wanted["none"]:
            assert plain.psi == pytest.approx(wanted["none"]["psi"], abs=1e-8)
        if "ks" in wanted:  # bins can't show more than the values themselves
            assert ks_from_counts(*counts) <= wanted["ks"]["stat"] + tol


NUMBERS = ("age", "hours_per_week", "education_num", "capital_gain")


def drifted_adult(folder, window, place):
    """Adult's training sample against one of its windows, every feature and the shares of two attributes."""
    features = f"[{', '.join([*NUMBERS, 'workclass', 'occupation'])}]"
    text = contract(
        ['label: {column: label, positive: "1"}', "score: {column: score, threshold: 0.5}"], ["sex", "race"],
        drift=True, features=features,
    )  # fmt: skip
    train, later = folder / "adult_train_sample.csv", folder / f"adult_window_{window}.csv"
    return audited(text, later, place, train=train)


def left_closed(folder, feature, edges, window):
    """A number's rows by the reference's own bins, [edge, next edge)."""
    for name in ("adult_train_sample.csv", f"adult_window_{window}.csv"):
        with (folder / name).open(encoding="utf-8", newline="") as file:
            values = [float(row[feature]) for row in csv.DictReader(file) if row[feature]]
        yield np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1).tolist()


@pytest.mark.parametrize("window", ["shifted", "random"])
def test_drift_of_adult_through_the_pipeline(reference_data, tmp_path, window):
    """Cuts are numpy's deciles; categories, missing cells and shares of groups are the reference's bins."""
    folder = reference_data / "adult"
    expected = read(folder / f"expected_drift_{window}.json")["features"]
    audit = drifted_adult(folder, window, tmp_path)
    rows = {row.table.feature: row for row in audit.measurements.drift if not row.table.group}
    for name in (*NUMBERS, "score"):
        wanted, found = expected[name], rows[name]
        assert found.table.edges == pytest.approx(wanted["edges"], abs=1e-9), name
        assert found.ks == pytest.approx(wanted["ks"]["stat"], abs=1e-12), name
        assert found.distances.ks_p == pytest.approx(wanted["ks"]["p"], rel=0.1, abs=0.01), name
        assert found.distances.wasserstein == pytest.approx(wanted["wasserstein"], rel=1e-9), name
        closed = tuple(left_closed(folder, name, wanted["edges"], window))
        assert closed == (wanted["ref_counts"], wanted["cur_counts"]), name
    for name in ("workclass", "occupation", "sex", "race"):
        wanted, found = expected[name], rows[name]
        assert sorted(found.table.reference) == sorted(wanted["ref_counts"]), name
        assert sorted(found.table.current) == sorted(wanted["cur_counts"]), name
        assert found.statistics.psi == pytest.approx(wanted["laplace_0.5"]["psi"], abs=1e-9), name
    assert {rows[name].table.kind for name in ("sex", "race")} == {"group"}
    gains = rows["capital_gain"].table  # nine people in ten have none
    assert (gains.mode, gains.labels) == (0.0, ("exactly 0", "over 0"))


def test_a_window_tells_what_moved_and_a_random_one_tells_nothing_major(reference_data, tmp_path):
    """Missing cells that moved are in PSI and have an alert; another tool's figure leaves them out."""
    folder = reference_data / "adult"
    raw = read(folder / "reference_evidently_raw_psi.json")
    shifted = drifted_adult(folder, "shifted", tmp_path / "shifted")
    rows = {row.table.feature: row for row in shifted.measurements.drift if not row.table.group}
    before, after = rows["workclass"].table.missing()
    assert before / 8000 < 0.1 and after / 4000 > 0.14
    without = [counts[:-1] for counts in (rows["workclass"].table.reference, rows["workclass"].table.current)]
    assert rows["workclass"].statistics.psi > 0.25
    assert max(raw["shifted"]["workclass"], psi(*without).psi) < 0.12
    alerts = drift_alerts(shifted.measurements.drift)
    assert any(text.startswith("workclass: missing cells rose") for text in alerts)
    assert any("“Gig-platform” is new" in text for text in alerts)
    assert (rows["age"].status, rows["workclass"].status) == ("major", "major")
    assert shifted.finding("drift").status == "FAIL"
    random = drifted_adult(folder, "random", tmp_path / "random")
    assert not [row for row in random.measurements.drift if row.status == "major"]
    assert not [row for row in random.measurements.drift if row.status == "moderate" and not row.table.group]
    assert random.finding("drift").status == "PASS"
    assert not any("is new" in text for text in drift_alerts(random.measurements.drift))


def test_drift_of_compas_from_one_year_to_the_next(reference_data, tmp_path):
    """Rows screened in 2014 against those of 2013, on the reference's own bins."""
    source = reference_data / "compas" / "compas_two_year.csv"
    expected = read(reference_data / "compas" / "expected_drift_2013_2014.json")["features"]
    files = {year: tmp_path / f"{year}.csv" for year in (2013, 2014)}
    for year, file in files.items():
        rule = f"year(cast(compas_screening_date AS DATE)) = {year}"
        duckdb.sql(f"COPY (SELECT * FROM read_csv('{source}') WHERE {rule}) TO '{file}' (HEADER)")
    names = [name for name in expected if name not in ("race", "sex", "decile_score")]
    text = contract(
        ['label: {column: two_year_recid, positive: "1"}',
         "score: {column: decile_score, range: [1, 10], threshold: 5}"],
        ["race", "sex"], drift=True, features=f"[{', '.join(names)}]",
    )  # fmt: skip
    audit = audited(text, files[2014], tmp_path, train=files[2013])
    rows = {row.table.feature: row for row in audit.measurements.drift if not row.table.group}
    for name, wanted in expected.items():
        found = rows[name]
        if wanted["kind"] == "numeric":
            assert found.ks == pytest.approx(wanted["ks"]["stat"], abs=1e-12), name
            assert found.distances.wasserstein == pytest.approx(wanted["wasserstein"], rel=1e-9), name
        else:
            assert found.statistics.psi == pytest.approx(wanted["laplace_0.5"]["psi"], abs=1e-9), name
            assert found.statistics.chi2_p == pytest.approx(wanted["chi2"]["p"], abs=1e-9), name
    assert rows["priors_count"].table.edges == pytest.approx(expected["priors_count"]["edges"])
    assert rows["priors_count"].table.mode == 0.0 and rows["priors_count"].table.labels[0] == "exactly 0"
    moved = [name for name, row in rows.items() if row.status in ("major", "moderate")]
    assert moved == [
        "two_year_recid"
    ]  # the label: two years after 2014 few of those who did not return are in


# Adverse impact: EEOC and New York City


def test_four_fifths_at_the_boundary(reference_data):
    cases = read(reference_data / "eeoc_four_fifths" / "expected_four_fifths.json")
    limit = Fraction("0.80")

    def ratio(k, n, top_k, top_n):
        counts = [
            Count(group=(g,), numerator=x, denominator=m) for g, x, m in (("a", k, n), ("b", top_k, top_n))
        ]
        return ratio_gap(counts, min_support=1).value

    for case in cases["integer_cases"]:
        found = ratio(case["k"], case["n"], case["ref_k"], case["ref_n"])
        assert (found < limit) == case["adverse"]
        assert float(found) == pytest.approx(case["ratio"], abs=1e-12)
    for case in cases["float_naive_ratio"]:
        assert case["k1"] / case["n1"] / (case["k2"] / case["n2"]) < 0.8  # a float says adverse
        assert (ratio(case["k1"], case["n1"], case["k2"], case["n2"]) < limit) == case["adverse"]
    for case in cases["gap_boundary_cases"]:
        (a, n), (b, m) = case["a"], case["b"]
        pair = [
            Count(group=("a",), numerator=a, denominator=n),
            Count(group=("b",), numerator=b, denominator=m),
        ]
        gap = difference_gap(pair, min_support=1).value
        assert (gap <= Fraction(str(case["max_gap"]))) == case["passes"]
    for group in cases["example"].values():
        found = ratio(round(100 * group["rate"]), 100, 60, 100)
        assert (float(found), found < limit) == (pytest.approx(group["impact_ratio"]), group["adverse"])


NYC = (["race_ethnicity", "sex"], [("race_ethnicity", "sex")])


def impact(audit, subject):
    """Rows and impact ratio of every known group."""
    found = {
        group: rate(audit, subject, group, "selection_rate")
        for group in audit.measurements.groups_of(subject)
        if "" not in group
    }
    top = max(estimate.fraction for estimate in found.values())
    return {group: (e.denominator, e.numerator, float(e.fraction / top)) for group, e in found.items()}


def same_impact(audit, subject, expected):
    found = impact(audit, subject)
    assert set(found) == {tuple(label.split("|")) for label in expected}
    for label, wanted in expected.items():
        n, selected, ratio = found[tuple(label.split("|"))]
        assert (n, selected) == (wanted["n"], wanted["selected"])
        assert ratio == pytest.approx(wanted["impact_ratio"], abs=1e-12)


def test_nyc_selection_rates_from_rows(reference_data, tmp_path):
    folder = reference_data / "ll144_rule_example"
    expected = read(folder / "expected_ll144_rule.json")
    text = contract(['decision: {column: selected, positive: "1"}'], NYC[0], intersections=NYC[1],
                    metrics=("selection_rate",))  # fmt: skip
    audit = audited(text, folder / "selection_example_rows.csv", tmp_path)
    intake = audit.counted.intake
    assert (intake.rows, intake.counted) == (2821, expected["selection_known_rows"])
    assert intake.dropped == (("no score or decision", expected["selection_unknown"]),)  # told, not lost
    published = expected["selection_from_published_counts"]
    same_impact(audit, ("sex",), published["sex"])
    same_impact(audit, ("race_ethnicity",), expected["selection_row_level_race"])
    same_impact(audit, ("race_ethnicity", "sex"), published["intersection"])
    smallest = min(g["impact_ratio"] for g in published["sex"].values())
    ratio = audit.measurements.gap(("sex",), "selection_rate", "ratio").gap
    assert float(ratio.value) == pytest.approx(smallest, abs=1e-12)
    assert audit.finding("selection_rate_ratio", ("sex",)).status == "PASS"


def test_nyc_applicants_of_unknown_category_who_were_decided_are_a_group_of_their_own(
    reference_data, tmp_path
):
    """The 250 with a decision: counted and shown, and no rate, ratio or status changes."""
    folder = reference_data / "ll144_rule_example"
    expected = read(folder / "expected_ll144_rule.json")
    lines = (folder / "selection_example_rows.csv").read_text(encoding="utf-8").splitlines()
    kept = tmp_path / "decided.csv"
    kept.write_text(
        "\n".join(f"{line}0" if line.endswith(",") else line for line in lines) + "\n", encoding="utf-8"
    )
    text = contract(['decision: {column: selected, positive: "1"}'], NYC[0], metrics=("selection_rate",))
    audit = audited(text, kept, tmp_path)
    for attribute in NYC[0]:
        assert (
            rate(audit, (attribute,), ("",), "selection_rate").denominator
            == expected["selection_unknown"]
            == 250
        )
    same_impact(audit, ("race_ethnicity",), expected["selection_row_level_race"])
    assert audit.finding("selection_rate_ratio", ("sex",)).status == "PASS"  # 250 of 2,821 is under a tenth


def test_nyc_scoring_rates_from_rows(reference_data, tmp_path):
    """Selected is strictly above the median of the whole sample, 50.5."""
    folder = reference_data / "ll144_rule_example"
    expected = read(folder / "expected_ll144_rule.json")
    median = expected["scoring"]["median_score_known_rows"]
    score = f"score: {{column: score, range: [-100, 200], threshold: {median}}}"
    text = contract([score], NYC[0], intersections=NYC[1], metrics=("selection_rate",))
    audit = audited(text, folder / "scoring_example_rows.csv", tmp_path)
    assert audit.counted.intake.rows == 183
    assert sum(count for _, count in audit.counted.intake.dropped) == expected["scoring_unknown"] == 15
    same_impact(audit, ("sex",), expected["scoring"]["sex"])
    same_impact(audit, ("race_ethnicity",), expected["scoring"]["race"])
    same_impact(audit, ("race_ethnicity", "sex"), expected["scoring"]["intersection"])


def test_nyc_published_counts(reference_data):
    expected = read(reference_data / "ll144_rule_example" / "expected_ll144_rule.json")
    near = expected["meta"]["tolerance_to_published"]
    for part in ("selection_from_published_counts", "scoring"):
        for name in ("sex", "race", "intersection"):
            table = expected[part][name]
            counts = {
                g: Count(group=(g,), numerator=v["selected"], denominator=v["n"]) for g, v in table.items()
            }
            top = max(counts.values(), key=lambda count: count.value)
            for group, wanted in table.items():
                ratio = counts[group].value / top.value
                if counts[group] is not top:
                    pair = ratio_gap([counts[group], top], min_support=1)
                    assert pair.value == (ratio if ratio <= 1 else 1 / ratio)
                assert float(ratio) == pytest.approx(wanted["impact_ratio"], abs=1e-12)
                assert float(ratio) == pytest.approx(wanted["published_impact_ratio"], abs=near)
                assert float(counts[group].value) == pytest.approx(wanted["published_rate"], abs=near)
            whole = ratio_gap(list(counts.values()), min_support=1)
            assert float(whole.value) == pytest.approx(
                min(w["impact_ratio"] for w in table.values()), abs=1e-12
            )


# Fairlearn's user guide, and intervals


def test_fairlearns_example(reference_data, tmp_path, write_rows):
    toy = read(reference_data / "fairlearn_toy" / "fairlearn_user_guide.json")
    columns = ("y_true", "y_pred", "group", "group_2")
    rows = [dict(zip(columns, cells, strict=True)) for cells in zip(*(toy[c] for c in columns), strict=True)]
    text = contract(
        ['label: {column: y_true, positive: "1"}', 'decision: {column: y_pred, positive: "1"}'],
        ["group", "group_2"], intersections=[("group", "group_2")], metrics=("tpr", "fpr", "selection_rate"),
    )  # fmt: skip
    audit = audited(text, write_rows(tmp_path / "toy.csv", rows), tmp_path)
    tol, wanted = toy["meta"]["tolerance"], toy["expected"]
    names = {"tpr": "tpr", "fpr": "fpr", "sel": "selection_rate"}
    for key, metric in names.items():
        overall = rate(audit, (), (), metric).fraction
        assert float(overall) == pytest.approx(wanted["overall"][key], abs=tol)
        by_group = {g: rate(audit, ("group",), (g,), metric).fraction for g in wanted["by_group"]}
        for group, value in by_group.items():
            assert float(value) == pytest.approx(wanted["by_group"][group][key], abs=tol)
        apart = max(abs(value - overall) for value in by_group.values())
        assert float(apart) == pytest.approx(wanted["difference_to_overall"][key], abs=tol)
        for compare in ("difference", "ratio"):
            found = audit.measurements.gap(("group",), metric, compare).gap.value_all
            assert float(found) == pytest.approx(wanted[f"{compare}_between_groups"][key], abs=tol)
    for group, figures in wanted["by_group"].items():
        assert cells(audit, ("group",), (group,))["n"] == figures["count"]
    for label, (tpr, n) in wanted["intersection_tpr_count"].items():
        group = tuple(label.split("|"))
        assert cells(audit, ("group", "group_2"), group)["n"] == n
        assert rate(audit, ("group", "group_2"), group, "tpr").value == pytest.approx(tpr, abs=tol)


def test_published_intervals(reference_data):
    expected = read(reference_data / "intervals" / "expected_intervals.json")
    tol = expected["meta"]["tolerance"]
    for case in expected["wilson"]:
        k, n = case["k"], case["n"]
        assert wilson(k, n, Z95) == pytest.approx(case["wilson_95"], abs=tol)
        if "wilson_90" in case:
            assert wilson(k, n, z_two_sided(0.90)) == pytest.approx(case["wilson_90"], abs=tol)
            assert clopper_pearson(k, n, 0.95) == pytest.approx(case["clopper_pearson_95"], abs=tol)
        if case["published"]:
            assert [round(edge, 4) for edge in wilson(k, n, Z95)] == case["published"]
    for case in expected["newcombe_difference"]:
        found = newcombe_difference(case["k1"], case["n1"], case["k2"], case["n2"], Z95)
        assert found == pytest.approx(case["newcombe_95"], abs=tol)
        if case["agrees"]:
            assert all(
                math.isclose(a, b, abs_tol=6e-5) for a, b in zip(found, case["published"], strict=True)
            )


def test_the_lessons_rows_are_the_reference_rows(reference_data):
    ours = Path(__file__).resolve().parent.parent / "sample_data" / "shopflow"
    for name in ("baseline", "candidate"):
        theirs = reference_data / "shopflow" / f"shopflow_{name}.csv"
        assert (ours / f"{name}.csv").read_bytes() == theirs.read_bytes()

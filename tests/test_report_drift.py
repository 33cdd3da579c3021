"""Drift in words: chance beside every figure, collapsed deciles said, every measure with what explains it."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from streamlit.testing.v1 import AppTest

from audit_core.audit import AuditRequest, run_audit
from audit_core.cube.axes import UNKNOWN_WORD
from audit_core.cube.drift import MISSING_BIN, MODE_CODE, UNSEEN_BIN, Bins, ValuesApart
from audit_core.evidence.workspace import Workspace
from audit_core.metrics.drift import psi, psi_terms
from audit_core.metrics.drift_rows import rows_of
from audit_core.report.alerts import drift_alerts
from audit_core.report.charts.drift import group_shares, psi_alt, ranked, shares_alt
from audit_core.report.drift import (
    collapsed_sentence,
    collapsed_sentences,
    compared_sentence,
    drift_sentence,
    formula_sentence,
    measure_rows,
    q_words,
    share_rows,
    share_sentence,
    term_rows,
)
from audit_core.report.published import published
from audit_core.report.published_result import published_result
from audit_core.report.result import result_schema
from audit_core.report.result_measures import encode_drift
from tests.report_factory import AS_OF, audit_of, counted, drift_table

ROOT = Path(__file__).resolve().parent.parent
LIMITS = Fraction(1, 10), Fraction(1, 4)
GAPS = Bins(feature="gap", kind="numeric", edges=(0.0, 2.0, 5.0), mode=0.0)
APART = ValuesApart(reference=1000, current=500, apart=100_000, area=1.5, deviation=3.0)


def rows(*tables):
    return rows_of(tables, LIMITS)


def zero_inflated(current=(0, 200, 100, 100, 100), below=0):
    """A number of which 600 of 1,000 people in training hold exactly 0."""
    codes = (0, MODE_CODE, 1, 2, 3)
    before = dict(zip(codes, (below, 600, 200, 120, 80), strict=True))
    return GAPS.table(("", ""), before, dict(zip(codes, current, strict=True)), values=APART)


def groups(reference, current, new=()):
    bins = Bins(feature="gender", kind="group", levels=("man", "woman"))
    codes = ("=man", "=woman", "", "+")
    sides = (dict(zip(codes, side, strict=True)) for side in (reference, current))
    return bins.table(("", ""), *sides, new)


def test_collapsed_deciles_are_said_with_their_rows():
    assert collapsed_sentence(zero_inflated()) == (
        "gap: 600 of 1,000 training rows (60.0 %) hold exactly 0, so deciles fall on one value: 9 of them "
        "leave 3 distinct edges, and that value has a bin of its own, apart from its neighbours."
    )
    beside = zero_inflated((7, 200, 100, 100, 93))
    assert beside.labels[:2] == ("below 0", "exactly 0")
    assert "600 of 1,000 training rows (60.0 %) hold exactly 0" in collapsed_sentence(beside)
    assert collapsed_sentence(drift_table("plain", (5, 5), (5, 5))) == ""
    assert len(collapsed_sentences(rows(zero_inflated(), drift_table("plain", (5, 5), (5, 5))))) == 1


def test_the_result_says_so_too_and_names_every_measure():
    (row,) = rows(zero_inflated())
    told = encode_drift(row)
    Draft202012Validator(result_schema()["properties"]["drift"]["items"]).validate(told)
    assert told["mode"] == 0 and told["note"] == collapsed_sentence(row.table)
    assert (told["ks"], told["ks_of"], told["wasserstein"], told["wasserstein_sd"]) == (
        0.2,
        "values",
        1.5,
        0.5,
    )
    assert told["chi2_q"] == told["chi2_p"] and told["chi2_tests"] == 1
    assert [b["label"] for b in told["bins"]] == ["exactly 0", "over 0 to 2", "over 2 to 5", "over 5"]
    binned = encode_drift(rows(replace(zero_inflated(), values=None))[0])
    assert binned["ks_of"] == "bins" and binned["wasserstein"] is binned["ks_p"] is None
    category = encode_drift(rows(drift_table("c", (5, 5), (5, 5)))[0])
    assert category["ks"] is category["ks_of"] is category["mode"] is category["note"] is None


def test_the_sentence_for_counsel_is_psi_beside_chance():
    (row,) = rows(zero_inflated())
    assert drift_sentence(row) == (
        f"gap: PSI {row.statistics.psi:.4f} (expected by chance up to {row.statistics.psi_null95:.4f}; "
        "n=500 against 1,000). Past chance and the warning, within the limit."
    )
    same, close = (rows(drift_table("f", (5000, 5000), (5000 + d, 5000 - d)))[0] for d in (0, 200))
    assert drift_sentence(same).endswith("No more than chance gives.")
    assert drift_sentence(close).endswith("More than chance gives, but under the warning.")
    assert "not judged" in drift_sentence(rows(drift_table("few", (50, 50), (4, 4)))[0])
    empty = rows(drift_table("none", (0, 0), (0, 0)))[0]
    assert drift_sentence(empty) == "none: not compared; no rows in the reference or in the current sample."
    assert formula_sentence(empty).startswith("Not computed")


def test_what_bins_add_makes_psi():
    table = zero_inflated()
    (row,) = rows(table)
    terms = psi_terms(table.reference, table.current)
    assert sum(term.adds for term in terms) == pytest.approx(
        psi(table.reference, table.current).psi, abs=1e-15
    )
    shown = term_rows(row)
    assert [line["Bin"] for line in shown] == list(table.labels)
    assert sum(float(line["Adds to PSI"]) for line in shown) == pytest.approx(row.statistics.psi, abs=3e-4)
    first = shown[0]
    r, c = 600.5 / 1002, 200.5 / 502
    assert (first["r"], first["c"]) == (f"{r:.4f}", f"{c:.4f}")
    said = formula_sentence(row)
    assert f"= {row.statistics.psi:.4f}" in said and "c = (rows + ½) / (500 + 4/2)" in said
    assert f"7.81 = {row.statistics.psi_null95:.4f}" in said  # χ² with 3 degrees of freedom


def test_every_measure_stands_in_one_table():
    inside = replace(zero_inflated(), attribute="gender", group="woman", values=None)
    shown = measure_rows(rows(zero_inflated(), inside))
    assert (shown[0]["Group"], shown[1]["Group"]) == ("everybody", "woman")
    assert (shown[0]["KS"], shown[0]["Wasserstein"]) == ("0.200", "0.500 SD")
    assert shown[1]["KS"].startswith("at least 0.") and shown[1]["Wasserstein"] == "–"
    assert shown[0]["Bins"] == "4, exactly 0 alone"
    assert "Group" not in measure_rows(rows(zero_inflated()))[0]
    assert measure_rows(rows(drift_table("none", (0, 0), (0, 0))))[0]["q of χ²"] == "–"


def test_no_q_value_without_the_sentence_that_explains_it():
    said = compared_sentence(rows(zero_inflated(), drift_table("c", (5, 5), (5, 5))))
    assert (
        said.startswith("χ² was computed 2 times")
        and "false alarm" in said
        and "not that it is large" in said
    )
    assert compared_sentence(()) == ""
    assert (q_words(None), q_words(0.00001), q_words(0.0412)) == ("–", "<0.0001", "0.0412")


def test_shares_of_groups_are_told_apart_from_the_inputs():
    table = groups((500, 480, 20, 0), (150, 330, 10, 10), new=(("other", 10),))
    found = rows(zero_inflated(), table)
    assert [row.table.kind for row in ranked(found)] == ["numeric"]
    assert table.labels == ("man", "woman", UNKNOWN_WORD, UNSEEN_BIN)
    (shares,) = group_shares(found)
    assert "gender" not in psi_alt(found, LIMITS)
    assert share_sentence(shares).endswith(
        "Largest move: man from 50.0 % (500 of 1,000) to 30.0 % (150 of 500)."
    )
    assert share_rows((shares,))[2] == {
        "Attribute": "gender", "Group": "unknown", "Training": "2.0 % (20 of 1,000)",
        "Evaluation": "2.0 % (10 of 500)", "Change": "0.0 pts (95 % interval −1.4 pts to 1.8 pts)",
    }  # fmt: skip
    same = rows(groups((500, 480, 20, 0), (500, 480, 20, 0)))[0]
    assert share_sentence(same).endswith("No group's share moved by 0.1 pts.")


def test_alerts_name_new_groups_and_people_of_unknown_group():
    said = drift_alerts(rows(groups((500, 490, 10, 0), (400, 400, 150, 50), new=(("other", 50),))))
    assert said[0].startswith(
        "gender: people of unknown group rose from 1.0 % (10 of 1,000) to 15.0 % (150 of"
    )
    assert said[1].startswith("gender: group “other” is new; training has no row of it")


def test_what_leaves_the_workspace_has_no_value_of_a_person_and_no_share_of_a_group():
    tables = (
        zero_inflated((30, 6000, 2000, 1200, 770), below=40),
        groups((600, 380, 20, 0), (600, 390, 10, 0)),
    )
    audit = audit_of(counts=counted(drift=tables))
    (row,) = published(audit).measurements.drift
    assert (row.ks, row.distances, row.q, row.tests) == (None, None, None, 0)
    assert (row.table.mode, row.table.values, row.table.edges) == (None, None, ())
    assert row.table.labels == ("values", MISSING_BIN) and row.table.mode_place is None
    (told,) = published_result(audit)["drift"]
    assert [b["label"] for b in told["bins"]] == [f"bin {i} of 5" for i in range(1, 6)]
    assert not {"ks", "wasserstein", "mode", "note", "chi2_q"} & set(told)
    assert "exactly" not in json.dumps(published_result(audit)["drift"])


def test_bins_of_a_collapsed_number_are_read_out():
    assert "Largest moves: exactly 0 from 60.0 % to 40.0 %" in shares_alt(zero_inflated())


# On the screen


def words(app):
    return "\n".join(str(part.value) for part in [*app.markdown, *app.caption]).replace("\\", "")


def test_the_screen_shows_shares_formula_and_every_measure(app):
    shown = app.switch_page("pages/drift.py").run()
    assert not shown.exception
    said = words(shown)
    assert (
        "gender: PSI" in said
        and "expected by chance up to" in said
        and "Shares of groups" in [header.value for header in shown.header]
    )
    assert "PSI = Σ (c − r) · ln(c / r) = " in said and "χ² was computed" in said
    columns = [set(table.value.columns) for table in shown.table]
    assert any({"KL", "JS", "KS", "Wasserstein", "q of χ²"} <= names for names in columns)
    assert any({"r", "c", "Adds to PSI"} <= names for names in columns)
    labels = [expander.label for expander in shown.expander]
    assert labels.count("How to read this") >= 2 and "Bins and formula" in labels
    other = shown.selectbox(key="drift_feature").set_value(2).run()
    assert not other.exception and "commute_km: PSI 0.1706" in words(other)


NO_INPUT = b"""\
schema: evenhand/contract/v1
id: no-input
version: 1
status: draft
domain: other
decision: {question: q, population: p, favourable: 1, harm: h, harmed_by: wrong_no}
data: {decision: {column: d, positive: "1"}, attributes: [{name: g, basis: b}], features: auto}
checks:
  - {id: drift, stage: predeploy, metric: psi, features: all, limit: {max: 0.25}, severity: minor, owner: o, why: w}
roles: {o: {name: n, contact: c}}
author: o
"""  # noqa: E501


def test_two_files_without_a_common_input_still_tell_the_shares_of_groups(tmp_path, monkeypatch):
    files = {"train": "g\n" + "a\nb\n" * 30, "evaluation": "g,d\n" + "a,1\na,0\nb,1\n" * 20}
    for name, text in files.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    request = AuditRequest(
        contract=NO_INPUT, contract_name="c.yaml", evaluation=tmp_path / "evaluation.csv",
        train=tmp_path / "train.csv", as_of=AS_OF,
    )  # fmt: skip
    audit = run_audit(request, Workspace(tmp_path / "workspace"))
    assert audit.finding("drift").reason == "no_features"
    monkeypatch.setenv("EVENHAND_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("EVENHAND_DEBUG", "1")
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    test.query_params["audit"] = audit.id
    shown = test.run().switch_page("pages/drift.py").run()
    assert not shown.exception and "no input in common" in shown.info[0].value
    assert "Largest move: a from 50.0 % (30 of 60) to 66.7 % (40 of 60)" in words(shown)

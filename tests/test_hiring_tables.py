"""Selection and scoring tables from rows: folded exactly, shown with their people, careful in their words."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_factory import audit_of, counted
from streamlit.testing.v1 import AppTest

from audit_core.audit import AuditRequest, run_audit
from audit_core.contract.yaml import parse_contract
from audit_core.cube.build_median import split_at_median
from audit_core.cube.coding import code_table
from audit_core.evidence.stored import cells_to_bytes, counted_from_json, counted_to_json
from audit_core.evidence.workspace import Workspace
from audit_core.metrics.catalogue import RATES
from audit_core.metrics.hiring import scoring_counts
from audit_core.metrics.hiring_tables import hiring_tables
from audit_core.report.charts.hiring import impact_alt, impact_figure
from audit_core.report.csv_file import to_csv
from audit_core.report.hiring import (
    BELOW,
    category_rows,
    chance_rows,
    counted_words,
    filed_rows,
    flags_sentence,
    hiring_sentence,
    impact_rows,
    left_out_sentence,
    no_scoring_sentence,
    privacy_sentence,
)
from audit_core.report.hiring_result import encode_hiring
from audit_core.report.law import FOUR_FIFTHS_SCOPE
from audit_core.report.table_rows import RESULT
from audit_core.sources.tables import connect, open_table

ROOT = Path(__file__).resolve().parent.parent
CONTRACT = """\
schema: evenhand/contract/v1
id: scores
version: 1
status: approved
domain: employment
decision: {{question: q, population: Applicants, favourable: {good}, harm: h, harmed_by: wrong_no}}
data:
  score: {{column: score, threshold: 0, range: [-1000, 1000]}}
  {decision}
  attributes: [{{name: sex, basis: b}}, {{name: race, basis: b}}]
checks:
  - {{id: ratio, stage: training, metric: selection_rate, compare: ratio, of: [sex], limit: {{min: 0.8}}, severity: major, owner: o, why: w}}
roles:
  o: {{name: n, contact: c}}
author: o
"""  # noqa: E501
person = st.tuples(
    st.sampled_from(["F", "M", ""]),
    st.sampled_from(["A", "B"]),
    st.one_of(st.none(), st.integers(-4, 4).map(lambda n: n / 2), st.floats(-900, 900)),
    st.sampled_from(["yes", "no", ""]),
)


def split_of(rows, folder, decision=""):
    table = folder / "rows.csv"
    lines = [f"{sex},{race},{'' if score is None else repr(score)},{said}" for sex, race, score, said in rows]
    table.write_text("\n".join(["sex,race,score,said", *lines]) + "\n", encoding="utf-8")
    text = CONTRACT.format(decision=decision, good="yes" if decision else "1")
    contract = parse_contract(text.encode(), "c.yaml")
    con = connect((table,))
    try:
        opened = open_table(con, table, "evaluation")
        return split_at_median(con, opened, code_table(con, opened, contract))
    finally:
        con.close()


@pytest.mark.parametrize("decision", ["", "decision: {column: said, positive: 'yes'}"])
@settings(max_examples=8)
@given(rows=st.lists(person, min_size=1, max_size=12))
def test_the_fold_counts_the_people_the_plain_rule_counts(rows, decision, tmp_path_factory):
    folder = tmp_path_factory.mktemp("split")
    counted = [row for row in rows if row[2] is not None and (row[3] or not decision)]
    split = split_of([*rows, ("F", "A", None, "yes")], folder, decision)
    if not counted:
        assert split is None
        return
    plain = scoring_counts([row[2] for row in counted], [(row[0], row[1]) for row in counted])
    assert (Fraction(split.lower) + Fraction(split.upper)) / 2 == plain.median
    found = {
        group: RATES["selection_rate"].counts(table)
        for group, table in split.cube.outcomes(("sex", "race")).items()
    }
    assert found == {count.group: (count.numerator, count.denominator) for count in plain.counts}


def test_the_worked_example_has_scoring_rates_that_are_stored_and_read_again(hiring_audit):
    audit = hiring_audit
    found = hiring_tables(audit.contract, audit.counted)
    for part in found.scoring:
        people = sum(line.n for line in part.table.lines) + part.table.unknown_people
        above = sum(line.selected for line in part.table.lines) + sum(c.numerator for c in part.table.unknown)
        assert (people, above) == (4000, 2000)
    stored = json.loads(json.dumps(counted_to_json(audit.counted)))
    cells = cells_to_bytes(audit.counted.cube, audit.counted.baseline)
    assert hiring_tables(audit.contract, counted_from_json(stored, cells)) == found
    old = {key: value for key, value in stored.items() if key not in ("median", "tables")}
    before = hiring_tables(audit.contract, counted_from_json(old, cells))
    assert (before.scoring, before.no_scoring) == ((), "no_score") and before.selection == found.selection


def test_the_tables_are_those_of_attributes_and_declared_combinations(hiring_audit):
    found = hiring_tables(hiring_audit.contract, hiring_audit.counted)
    wanted = [("gender",), ("ethnicity",), ("age_band",), ("gender", "ethnicity")]
    assert [part.subject for part in found.selection] == [part.subject for part in found.scoring] == wanted
    for part in found.selection:
        for line in part.table.lines:
            counts = hiring_audit.measurements.rate(part.subject, line.group, "selection_rate")
            assert (line.selected, line.n) == (counts.numerator, counts.denominator)


def test_elsewhere_than_in_hiring_there_are_no_scoring_rates(hiring_audit):
    lending = replace(hiring_audit.contract, domain="lending")
    found = hiring_tables(lending, hiring_audit.counted)
    assert (found.scoring, found.median, found.no_scoring) == ((), None, "not_employment")


def test_the_favourable_decision_is_what_is_counted():
    audit = audit_of()
    good = replace(audit.contract, decision=replace(audit.contract.decision, favourable="0"))
    plain, turned = (hiring_tables(c, audit.counted) for c in (audit.contract, good))
    one, other = plain.selection[0], turned.selection[0]
    assert [line.selected for line in other.table.lines] == [
        line.n - line.selected for line in one.table.lines
    ]
    assert counted_words(other, good) == ("Favourable decision", "Rate of it")
    assert "received the favourable decision" in hiring_sentence(turned, good)
    assert "Favourable decision" in impact_rows(other, good)[0]


def test_the_level_is_the_contracts_and_no_group_is_renamed():
    audit = audit_of(counts=counted(gender={"top 95 %": 0.5, "woman": 0.5}))
    statistics = replace(audit.contract.statistics, level=Fraction("0.975"))
    chosen = replace(audit.contract, statistics=statistics)
    found = hiring_tables(chosen, audit.counted)
    only = replace(found, selection=tuple(p for p in found.selection if p.subject == ("gender",)), scoring=())
    said = hiring_sentence(only, chosen)
    assert "(97.5 % interval " in said and "“top 95 %”" in said


def test_nothing_ends_a_flag_that_is_not_there(hiring_audit):
    lines = [line for part in encode_hiring(hiring_audit)["tables"] for line in part["groups"]]
    assert {line["below_four_fifths"] for line in lines} == {True, False, None}
    for line in lines:
        ends = [line["one_more_selected_clears"], line["one_selection_moved_clears"]]
        compared = line["one_fewer_selected_flags"] is not None
        flagged = compared and line["below_four_fifths"] is True
        assert all(isinstance(end, bool) == flagged for end in ends)


def test_words_carry_counts_ranges_and_no_promise(hiring_audit):
    contract = hiring_audit.contract
    found = hiring_tables(contract, hiring_audit.counted)
    part = found.of(("gender",), "selection_rate")
    said = [
        hiring_sentence(found, contract), flags_sentence(found), left_out_sentence(part),
        privacy_sentence(found, contract), no_scoring_sentence(found), impact_alt(part),
    ]  # fmt: skip
    assert "605 of 1,840" in said[0] and "925 of 2,090" in said[0] and "0.743" in said[0]
    assert "interval" in said[0] and "nonbinary" in said[2] and "70 of 4,000" in said[2]
    assert "counsel" in said[3] and "fewer than 10 people" in said[3]
    assert not re.search(r"\b(fair|unbiased|compliant|complies|proves|passed)\b", " ".join(said), re.I)


def test_the_tables_hold_every_group_unknown_and_left_out_ones_too(hiring_audit):
    contract = hiring_audit.contract
    found = hiring_tables(contract, hiring_audit.counted)
    part = found.of(("ethnicity",), "selection_rate")
    rows = {row["Category"]: row for row in category_rows(part, contract)}
    assert rows["unknown"] | {"People": "141", "Impact ratio": "category not known"} == rows["unknown"]
    assert rows["Indigenous"]["Impact ratio"].startswith("left out") and rows["Indigenous"]["People"] == "60"
    assert [row[RESULT] for row in impact_rows(part, contract)][-1] == "Not compared"
    assert len(chance_rows(part)) == 4
    filed = filed_rows(found, contract)
    assert len(filed) == sum(
        len(p.table.lines) + len(p.table.unknown) for p in (*found.selection, *found.scoring)
    )
    assert "Above the median" in to_csv(filed)


def test_a_printed_ratio_stands_to_four_fifths_as_the_exact_one_does(hiring_audit):
    found = hiring_tables(hiring_audit.contract, hiring_audit.counted)
    for part in found.selection:
        for line, row in zip(part.table.lines, impact_rows(part, hiring_audit.contract), strict=False):
            if line.impact_ratio is not None:
                assert (Fraction(row["Impact ratio"]) < Fraction(4, 5)) == (
                    line.impact_ratio < Fraction(4, 5)
                )
                assert (row[RESULT] == BELOW) == bool(line.four_fifths_flag)


def test_the_chart_draws_every_ratio_and_the_line(hiring_audit):
    plotly = pytest.importorskip("plotly.graph_objects")
    part = hiring_tables(hiring_audit.contract, hiring_audit.counted).of(
        ("gender", "ethnicity"), "selection_rate"
    )
    figure = impact_figure(part)
    plotly.Figure(figure)
    compared = [line for line in part.table.lines if line.impact_ratio is not None]
    assert [trace["x"][0] for trace in figure["data"]] == [float(line.impact_ratio) for line in compared]
    assert figure["layout"]["shapes"][0]["x0"] == 0.8


# The screen


def opened(workspace, audit, monkeypatch):
    monkeypatch.setenv("EVENHAND_WORKSPACE", str(workspace.root))
    monkeypatch.setenv("EVENHAND_DEBUG", "1")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["audit"] = audit.id
    return app.run().switch_page("pages/hiring.py").run()


def test_the_screen_says_the_numbers_first_and_the_law_last(hiring_workspace, hiring_audit, monkeypatch):
    app = opened(hiring_workspace, hiring_audit, monkeypatch)
    assert not app.exception and not app.error
    said = [text.value.replace("\\", "") for text in app.markdown]
    first = next(text for text in said if text.startswith("**By gender"))
    assert "605 of 1,840" in first
    headers = [header.value for header in app.header]
    assert headers[0] == "Every group" and headers[-1] == "For counsel"
    assert any("We never call this the LL144 audit" in text for text in said)
    captions = " ".join(caption.value.replace("\\", "") for caption in app.caption)
    assert "The exact test asks" in captions and "141 people is not known" in captions
    law = app.table[-1].value
    assert len(law) >= 10 and all("mid" in cell and "2026" in cell for cell in law["Checked"])


def test_another_attribute_is_one_click_away(hiring_workspace, hiring_audit, monkeypatch):
    app = opened(hiring_workspace, hiring_audit, monkeypatch)
    app.segmented_control(key="hiring_subject").set_value("ethnicity").run()
    assert not app.exception
    assert "Indigenous" in " ".join(app.table[0].value["Group"])


def test_beside_a_loan_the_rule_is_said_to_be_one_of_employment(tmp_path, monkeypatch):
    table = tmp_path / "counts.csv"
    table.write_text("attribute,group,n,selected\nsex,M,200,100\nsex,F,200,60\n", encoding="utf-8")
    text = CONTRACT.format(decision="", good="1").replace("domain: employment", "domain: lending")
    request = AuditRequest(
        contract=text.encode(), contract_name="c.yaml", table=table, as_of=datetime(2026, 11, 16, tzinfo=UTC)
    )
    workspace = Workspace(tmp_path / "workspace")
    app = opened(workspace, run_audit(request, workspace), monkeypatch)
    assert not app.exception
    assert [info.value for info in app.info] == [FOUR_FIFTHS_SCOPE]
    headers = [header.value for header in app.header]
    assert "For counsel" in headers and not any("New York" in header for header in headers)
    assert not any("1607" in source for source in app.table[-1].value["Source"])


def test_counts_can_be_brought_to_the_data_page(tmp_path, monkeypatch):
    monkeypatch.setenv("EVENHAND_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.setenv("EVENHAND_DEBUG", "1")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    app.query_params["audit"] = "A-00000000-00000000"
    app = app.run().switch_page("pages/data.py").run()
    lines = b"attribute,group,n,selected\nsex,M,200,100\nsex,F,200,60\n"
    app = _field(app, "table").upload("counts.csv", lines).run()
    assert any("needs a release contract" in info.value for info in app.info)
    text = CONTRACT.format(decision="", good="1").encode().replace(b"checks:", b"table: {}\nchecks:")
    app = _field(app, "contract").upload("contract.yaml", text).run()
    (run,) = (button for button in app.button if button.label == "Run the audit")
    app = run.click().run()
    assert not app.exception and not app.error
    assert any("Do not release" in str(markdown.value) for markdown in app.markdown)


def _field(app, role):
    (field,) = (f for f in app.file_uploader if f.key.startswith(f"upload_{role}"))
    return field

"""A table of counts is audited without a row: rates, ratios, intervals and a verdict, and nothing guessed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from audit_core.audit import AuditRequest, run_audit
from audit_core.cli import main
from audit_core.cube.axes import UNKNOWN
from audit_core.decision.robustness import Setting, robustness, robustness_map
from audit_core.decision.trial import at_thresholds
from audit_core.errors import AuditError
from audit_core.evidence.workspace import Workspace
from audit_core.metrics.hiring_tables import hiring_tables
from audit_core.report.explain import explain
from audit_core.report.hiring import disagreement_sentences, no_scoring_sentence
from audit_core.report.result import result_schema

GOLDEN = json.loads((Path(__file__).parent / "golden" / "hiring.json").read_text(encoding="utf-8"))
CONTRACT = """\
schema: evenhand/contract/v1
id: counts
version: 1
status: approved
domain: employment
decision: {{question: Advance the applicant?, population: Applicants, favourable: {good}, harm: h, harmed_by: wrong_no}}
data:
  attributes:
    - {{name: sex, basis: b}}
    - {{name: race, basis: b, unknown: [Undisclosed]}}
  intersections: [[race, sex]]
table: {mapping}
support: {{rows: 30}}
checks:
  - {{id: ratio, stage: training, metric: selection_rate, compare: ratio, of: [sex, race, [race, sex]], limit: {{min: 0.8}}, severity: major, owner: o, why: w}}
  - {{id: tpr, stage: training, metric: tpr, compare: difference, of: [sex], limit: {{max: 0.1}}, severity: minor, owner: o, why: w}}
  - {{id: auc, stage: training, metric: auc, compare: difference, of: [sex], limit: {{max: 0.1}}, severity: minor, owner: o, why: w}}
  - {{id: shared, stage: data, metric: overlap, limit: {{max: 0}}, severity: minor, owner: o, why: w}}
  - {{id: drift, stage: predeploy, metric: psi, features: all, limit: {{max: 0.25}}, severity: minor, owner: o, why: w}}
roles:
  o: {{name: n, contact: c}}
author: o
"""  # noqa: E501
HEADER = "attribute,group,n,selected"
AS_OF = datetime(2026, 11, 16, tzinfo=UTC)


def contract_text(mapping="{}", good="1"):
    return CONTRACT.format(mapping=mapping, good=good)


def rule_lines():
    """The example of New York City's rule, as a publisher would write it."""
    names = {"intersection": "race × sex"}
    for part, groups in GOLDEN["published"].items():
        for group, (n, selected, _, _) in groups.items():
            yield f"{names.get(part, part)},{group.replace('|', ' × ')},{n},{selected}"
    yield "sex,Unknown,250,90"


@pytest.fixture
def audited(tmp_path):
    """Lines of a table → its audit."""

    def run(*lines, header=HEADER, text=None, name="counts.csv"):
        table = tmp_path / name
        table.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
        request = AuditRequest(
            contract=(text or contract_text()).encode(), contract_name="c.yaml", table=table, as_of=AS_OF
        )
        return run_audit(request, Workspace(tmp_path / "workspace"))

    return run


def people(audit, subject):
    found = hiring_tables(audit.contract, audit.counted).of(subject, "selection_rate").table
    return {line.group: (line.n, line.selected, line.impact_ratio) for line in found.lines}


def test_the_rules_own_example_gives_its_rates_and_ratios(audited):
    audit = audited(*rule_lines())
    for part, subject in (("sex", ("sex",)), ("race", ("race",)), ("intersection", ("race", "sex"))):
        found = people(audit, subject)
        assert len(found) == len(GOLDEN["published"][part])
        for group, (n, selected, ratio, small) in GOLDEN["published"][part].items():
            n_here, selected_here, ratio_here = found[tuple(group.split("|"))]
            assert (n_here, selected_here) == (n, selected)
            assert ratio_here is None if small else float(ratio_here) == pytest.approx(ratio, abs=1e-12)
    outcome = {(f.check, f.subject): (f.status, f.reason) for f in audit.findings}
    assert outcome["ratio", ("sex",)] == ("PASS", "within")
    assert outcome["tpr", ("sex",)] == ("NOT_RUN", "no_label")
    assert outcome["auc", ("sex",)][0] == "NOT_RUN"
    assert outcome["shared", ()] == outcome["drift", ()] == ("NOT_RUN", "no_train")
    assert (
        audit.counted.intake.counted == audit.counted.cube.rows == 2821
    )  # the largest table, unknowns and all


def test_tables_that_contradict_each_other_are_told(audited):
    """The rule's race table counts 408 Hispanic applicants, its own table by race and sex 395."""
    audit = audited(*rule_lines())
    found = hiring_tables(audit.contract, audit.counted)
    (said,) = disagreement_sentences(found)
    assert "204 selected of 408" in said and "172 selected of 395" in said
    assert (found.median, found.no_scoring) == (None, "published")
    assert "hold no scores" in no_scoring_sentence(found)


def test_what_no_table_crosses_is_not_guessed(audited):
    audit = audited("sex,M,100,50", "sex,F,100,50", "race,A,120,60", "race,B,80,40")
    finding = audit.finding("ratio", ("race", "sex"))
    assert (finding.status, finding.reason) == ("NOT_RUN", "not_crossed")
    assert "do not cross these attributes" in explain(audit, "ratio")
    assert audit.counted.cube.outcomes(("race", "sex")) == {}
    assert ("race", "sex") not in audit.measurements.subjects
    assert audit.decision.verdict != "APPROVED"


def test_single_attributes_are_read_from_a_combination_where_they_have_no_table(audited):
    audit = audited(
        "sex*race,F * A,60,30", "sex x race,F x B,40,20", "sex|race,M|A,60,40", "race × sex,B × M,40,20"
    )
    assert people(audit, ("sex",)).keys() == {("F",), ("M",)}
    assert people(audit, ("sex",))["M",][:2] == (100, 60)
    assert people(audit, ("race", "sex"))["A", "F"][:2] == (60, 30)


@pytest.mark.parametrize("between", [" × ", "|", " * ", " x ", " & ", "/", " and ", ": "])
def test_a_combination_may_be_written_in_many_hands(audited, between):
    lines = [
        f"race{between}sex,{race}{between}{sex},50,{k}" for race, sex, k in (("A", "F", 20), ("B", "M", 30))
    ]
    found = people(audited(*lines), ("race", "sex"))
    assert {group: line[:2] for group, line in found.items()} == {("A", "F"): (50, 20), ("B", "M"): (50, 30)}


def test_outcomes_give_error_rates(audited):
    audit = audited(
        "sex,M,200,110,100,80,100,30",
        "sex,F,200,100,100,60,80,30",  # 20 people without a known outcome
        header=f"{HEADER},positives,tp,negatives,fp",
    )
    rates = {g: audit.measurements.rate(("sex",), (g,), "tpr") for g in "MF"}
    assert [(rates[g].numerator, rates[g].denominator) for g in "MF"] == [(80, 100), (60, 100)]
    assert audit.measurements.rate(("sex",), ("F",), "fpr").value == 30 / 80
    assert audit.measurements.rate(("sex",), ("F",), "label_coverage").value == 180 / 200
    assert audit.measurements.rate(("sex",), ("F",), "selection_rate").value == 100 / 200
    assert audit.finding("tpr", ("sex",)).status == "FAIL"
    assert audit.finding("auc", ("sex",)).reason == "no_score"


def test_unknown_people_are_a_group_of_their_own_and_never_compared(audited):
    audit = audited("race,A,100,50", "race,B,100,40", "race,Undisclosed,15,9")
    table = audit.counted.cube.outcomes(("race",))
    assert int(table[UNKNOWN,].sum()) == 15
    assert people(audit, ("race",)).keys() == {("A",), ("B",)}


def test_the_contract_may_name_the_columns_and_the_favourable_side(audited):
    mapping = "{attribute: Merkmal, group: Gruppe, n: Anzahl, selected: abgelehnt}"
    audit = audited(
        "sex,M,100,20",
        "sex,F,100,60",
        header="Merkmal,Gruppe,Anzahl,abgelehnt",
        text=contract_text(mapping, good="0"),
    )
    found = people(audit, ("sex",))
    assert (found["M",][1], found["F",][1]) == (80, 40) and float(found["F",][2]) == 0.5


def test_what_the_verdict_hangs_on_is_worked_out_without_thresholds(audited):
    text = contract_text().replace("  intersections: [[race, sex]]\n", "")
    audit = audited("sex,a,1000,400", "sex,b,1000,390", text=text.replace(", [race, sex]]", "]"))
    found = robustness(audit)
    assert {a.kind for a in found.looked_at} >= {"limit", "support", "level", "fail_rule"}
    assert "threshold" not in {a.kind for a in found.looked_at}
    drawn = robustness_map(audit, ("ratio", ("sex",)), Setting())
    assert (drawn.cuts, drawn.thresholds) == ((None,), (None,))
    assert drawn.mine.verdict == audit.decision.verdict
    assert at_thresholds(audit, ("sex",), {(): 40}) is audit


def test_a_stored_audit_is_the_same_when_it_is_opened_again(audited, tmp_path):
    audit = audited(*rule_lines(), "race,Nobody,0,0")
    again = Workspace(tmp_path / "workspace").load(audit.id)
    assert again.counted.cube == audit.counted.cube and again.findings == audit.findings
    assert again.measurements == audit.measurements
    assert again.counted.cube.published == (("race",), ("sex",), ("sex", "race"))
    assert again.measurements.rate(("race",), ("Nobody",), "selection_rate").value is None


def test_changed_counts_are_noticed(audited, tmp_path):
    audit = audited("sex,M,100,50", "sex,F,100,40")
    file = tmp_path / "workspace" / "audits" / audit.id / "cube.npz"
    with np.load(file) as arrays:
        np.savez(file, codes=arrays["codes"], measures=arrays["measures"] + 1)
    with pytest.raises(AuditError, match="does not hold together"):
        Workspace(tmp_path / "workspace").load(audit.id)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["sex,M,100,101"], "more people are selected than counted"),
        (["sex,M,-5,1"], "“n” is not a whole number"),
        (['sex,M,100,"41,5"'], "“selected” is not a whole number"),
        (["sex,M,100,0.41"], "“selected” is not a whole number"),
        (['sex,M,"1,000",10'], "“n” is not a whole number"),
        (["sex,M,100,"], "“selected” is not a whole number"),
        (["sex,M,100,NaN"], "“selected” is not a whole number"),
        (["sex,M,9999999999,1"], "over a thousand million"),
        (["sex,M,10,1", "sex,M,10,2"], "counted on line 1 already"),
        (["sex,M,10,1", "sex,unknown,10,2", "sex,,10,2"], "counted on line 2 already"),
        (["height,tall,10,1"], "does not name"),
        (["sex × sex,M × F,10,1"], "does not name"),
        (["race × sex,F,10,1"], "a group of 1"),
        ([",M,10,1"], "names no attribute"),
        (["sex,M,0,0"], "counts nobody"),
    ],
)
def test_a_bad_table_gets_one_sentence_with_its_place_and_a_remedy(audited, lines, said):
    with pytest.raises(AuditError) as caught:
        audited(*lines)
    error = caught.value
    assert said in error.problem and "counts.csv" in error.where and error.remedy


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ("100,50,40,41,40,5", "more positives or negatives"),
        ("100,50,60,20,60,20", "more positives and negatives than people"),
        ("100,10,50,20,40,5", "do not fit the number of people selected"),
        ("100,50,50,20,40,", "not all four"),
    ],
)
def test_outcomes_that_contradict_the_counts_are_refused(audited, cells, said):
    with pytest.raises(AuditError, match=said):
        audited(f"sex,M,{cells}", header=f"{HEADER},positives,tp,negatives,fp")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("attribute,group,n", "lacks the column “selected”"),
        ("a,b,n,selected", "lacks the columns “attribute”, “group”"),
        (f"{HEADER},positives,tp", "lacks negatives, fp"),
    ],
)
def test_a_missing_column_is_named(audited, header, said):
    cells = ",".join(["sex", "M", *("1",) * (header.count(",") - 1)])
    with pytest.raises(AuditError, match=said):
        audited(cells, header=header)


# The command line


def run(tmp_path, capsys, *arguments):
    code = main(["audit", "--workspace", str(tmp_path / "workspace"), *arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture
def files(tmp_path):
    contract, table = tmp_path / "contract.yaml", tmp_path / "counts.csv"
    contract.write_text(contract_text(), encoding="utf-8")
    table.write_text("\n".join([HEADER, *rule_lines()]) + "\n", encoding="utf-8")
    return contract, table


def test_a_table_is_audited_from_the_command_line(files, tmp_path, capsys):
    contract, table = files
    out = tmp_path / "audit.json"
    code, said, err = run(
        tmp_path, capsys, "--contract", str(contract), "--table", str(table), "--json", str(out)
    )
    assert (code, err) == (2, "") and "0.979" in said
    found = json.loads(out.read_bytes())
    assert not list(Draft202012Validator(result_schema()).iter_errors(found))
    assert found["sources"][0]["role"] == "table"
    tables = {tuple(t["attribute"]): t for t in found["hiring"]["tables"]}
    assert tables["sex",]["unknown"] == [{"group": ["unknown"], "people": 250, "selected": 90}]
    assert found["hiring"]["no_scoring_reason"] == "published" and len(found["hiring"]["disagreements"]) == 1


@pytest.mark.parametrize("other", ["--eval", "--train", "--model"])
def test_a_table_stands_alone(files, tmp_path, capsys, other):
    contract, table = files
    code, said, err = run(
        tmp_path, capsys, "--contract", str(contract), "--table", str(table), other, str(table)
    )
    assert (code, said) == (3, "")
    assert err.count("\n") == 1 and "together with rows or a model" in err and "--table alone" in err


def test_a_table_without_its_columns_is_a_usage_error(files, tmp_path, capsys):
    contract, table = files
    table.write_text("y,score,g\n1,0.5,a\n", encoding="utf-8")
    code, _, err = run(tmp_path, capsys, "--contract", str(contract), "--table", str(table))
    assert code == 3 and "lacks the columns" in err and "counts.csv" in err

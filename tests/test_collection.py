"""The collection plan: one line per check and group, on the screen, in the file and in the result."""

import csv
import io
import json
from dataclasses import replace
from fractions import Fraction

import pytest
from report_factory import CONTRACT, audit_of, contract_of, counted, with_finding

from audit_core.cli import main
from audit_core.findings.finding import GroupNeed, Needs
from audit_core.report.collection import HEADERS, NOTHING, collection_csv, collection_lines, collection_rows
from audit_core.report.explain import explain
from audit_core.report.needs_words import brief_needs, needs_sentence, short_needs
from audit_core.report.result_findings import encode_finding
from audit_core.report.sentences import sentence
from audit_core.report.summary_notes import recommendations
from audit_core.report.table_of_checks import check_rows
from audit_core.report.takes_words import takes_sentence

SMALL = {"gender": {"man": 0.6, "woman": 0.4}, "ethnicity": {"A": 0.5, "B": 0.3, "C": 0.2}}


@pytest.fixture(scope="module")
def audit():
    return audit_of(counts=counted(rows=700, penalty=0.1, **SMALL))


def read(content):
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def test_one_line_for_every_check_and_group_that_lacks_people(audit):
    expected = [
        (finding.check, need.group, need.more)
        for finding in audit.findings
        if finding.needs
        for need in finding.needs.groups
    ]
    assert expected
    assert [(x.check, x.need.group, x.need.more) for x in collection_lines(audit)] == expected
    assert len(collection_rows(audit)) == len(read(collection_csv(audit))) == len(expected)


def test_every_open_check_is_in_the_plan(audit):
    unsettled = [f for f in audit.findings if f.status == "INCONCLUSIVE"]
    assert unsettled
    assert {f.check for f in unsettled} <= {line.check for line in collection_lines(audit)}


def test_the_file_holds_plain_numbers_that_add_up(audit):
    for row in read(collection_csv(audit)):
        assert tuple(row) == HEADERS
        assert int(row["needed"]) == int(row["have"]) + int(row["more"])
        assert int(row["more"]) > 0
        assert int(row["rows"]) >= int(row["more"])
        assert row["weeks"] == ""
        assert "no window column, so no weeks" in row["assumption"]


def test_with_nothing_to_collect_the_file_is_its_header_and_the_screen_a_sentence():
    text = CONTRACT.split("  - {id: label_balance")[0] + CONTRACT[CONTRACT.index("roles:\n") :]
    audit = audit_of(contract_of(text), counted(gender={"man": 0.5, "woman": 0.5}, ethnicity={"A": 1.0}))
    assert collection_csv(audit) == b"\xef\xbb\xbf" + (",".join(HEADERS) + "\r\n").encode()
    assert collection_rows(audit) == []
    assert NOTHING.endswith(".")


def test_a_group_named_like_a_formula_is_text_in_the_file(audit):
    needs = Needs(unit="rows", groups=(GroupNeed(group=("=1+1",), have=1, more=2, rows=2),))
    (row, *_) = read(collection_csv(with_finding(audit, "slice_coverage", needs=needs)))
    assert row["group"].startswith("'=")


def test_the_result_keeps_the_group_that_lacks_most_and_lists_all(audit):
    finding = next(f for f in audit.findings if f.needs and len(f.needs.groups) > 1)
    found = encode_finding(finding, audit)["needs"]
    assert {"group", "unit", "more", "rows"} <= set(found)
    assert found["group"] == found["groups"][0]["group"]
    assert found["more"] == max(need["more"] for need in found["groups"])
    assert [need["group"] for need in found["groups"]] == [list(need.group) for need in finding.needs.groups]
    assert json.loads(json.dumps(found)) == found


def test_the_summary_says_it_in_the_contracts_own_words(audit):
    said = " ".join(line.text for line in recommendations(audit))
    assert "more qualified applicants from" in said
    assert "positives of" not in said


def test_an_explained_check_says_what_the_number_means(audit):
    check = next(f.check for f in audit.findings if f.status == "INCONCLUSIVE" and f.needs)
    assert "About 80 of 100 samples of the size named would decide" in explain(audit, check)


def test_sentences_of_plans():
    one = GroupNeed(group=("B",), have=9, more=1, rows=None)
    many = tuple(GroupNeed(group=(name,), have=10, more=20, rows=1200, weeks=3) for name in "ABCDE")
    assert needs_sentence(None) == ""
    assert needs_sentence(Needs(unit="rows", groups=(one,))) == (
        "To decide, about 1 more row of B is needed, if the true gap is 0."
    )
    plan = Needs(unit="negatives", groups=many, of="ratio", assumed=0.9, alone=False)
    assert needs_sentence(plan) == (
        "To decide, about 20 more negatives of A (about 1,200 rows, 3 weeks), 20 of B (about 1,200 rows, "
        "3 weeks), 20 of C (about 1,200 rows, 3 weeks) and more of 2 other groups are needed, "
        "if the true ratio is the 0.900 measured. More of one group alone cannot decide it."
    )
    assert short_needs(plan) == "20 more negatives of A, 20 of B and 3 more groups (3 weeks)"
    assert brief_needs(plan) == f"About {short_needs(plan)}, if the true ratio is the 0.900 measured"
    assert brief_needs(replace(plan, aim="confirm")).startswith("To confirm it, about 20 more negatives of A")
    assert needs_sentence(replace(plan, aim="minimum", groups=many[:1])) == (
        "To be judged at all, 20 more negatives of A (about 1,200 rows, 3 weeks) are needed."
    )
    area = Needs(unit="rows", groups=(one,), of="area", assumed=0.03, aim="confirm")
    assert needs_sentence(area).endswith("if the true gap is the 0.030 measured.")


def test_the_command_line_writes_the_plan(tmp_path, capsys):
    from test_shopflow import FOLDER

    target = tmp_path / "plan.csv"
    code = main(["audit", "--contract", str(FOLDER / "contract.yaml"),
                 "--eval", str(FOLDER / "candidate.csv"),
                 "--workspace", str(tmp_path / "w"), "--as-of", "2026-11-16", "--quiet",
                 "--collect", str(target)])  # fmt: skip
    assert (code, capsys.readouterr().out) == (1, "")
    rows = read(target.read_bytes())
    assert {(row["check"], row["group"]) for row in rows} >= {
        ("tpr_gap", "formal"),
        ("tpr_gap", "conversational"),
        ("fpr_guard", "formal"),
        ("fpr_guard", "conversational"),
    }
    assert {row["have"] for row in rows if row["check"] == "tpr_gap"} == {"6"}


def test_too_many_unknown_asks_for_groups_to_become_known():
    unknown = {"": 0.2, "A": 0.4, "B": 0.4}
    made = audit_of(counts=counted(rows=1000, penalty=0.0, gender=SMALL["gender"], ethnicity=unknown))
    finding = made.finding("tpr_gap_ethnicity")
    assert (finding.status, finding.reason) == ("INCONCLUSIVE", "too_many_unknown")
    tables = made.counted.cube.outcomes(("ethnicity",))
    rows = int(tables[("",)].sum())
    more = -(-(10 * rows - 1000) // 10)
    asked = (
        f"To settle it, the ethnicity of at least {more} of the {rows} rows without one must become known."
    )
    assert takes_sentence(finding, made) == asked
    assert sentence(finding, made).endswith(asked)
    assert (10 * (rows - more) <= 1000) and (10 * (rows - more + 1) > 1000)
    row = next(row for row in check_rows(made) if row["Check"] == "tpr_gap_ethnicity")
    assert row["What it would take"] == asked


def test_a_value_on_its_limit_has_no_number_and_it_is_said(audit):
    changed = with_finding(
        audit, "tpr_gap_gender", status="INCONCLUSIVE", evidence="UNCONFIRMED", reason="either_way",
        value=Fraction(1, 10), needs=None,
    )  # fmt: skip
    said = takes_sentence(changed.finding("tpr_gap_gender"), changed)
    assert said.startswith("The value measured is the limit itself")


def test_one_group_alone_asks_for_rows_of_another(audit):
    changed = with_finding(audit, "tpr_gap_gender", status="INCONCLUSIVE", reason="one_group", needs=None)
    assert takes_sentence(changed.finding("tpr_gap_gender"), changed) == "Rows of another group are needed."

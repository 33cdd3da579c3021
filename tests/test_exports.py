"""The files a build server reads, and everything an audit of nasty names is written to."""

from __future__ import annotations

import itertools
import json
import os
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from markdown_it import MarkdownIt
from nasty import hidden, nasty_audit, plain
from report_factory import CONTRACT, audit_of, contract_of, counted, with_finding

from audit_core.cli import main
from audit_core.report.headline import headline
from audit_core.report.junit import junit_bytes
from audit_core.report.published import published
from audit_core.report.sarif import sarif_bytes
from audit_core.report.step_summary import step_summary_bytes
from audit_core.report.tables import (
    check_rows,
)
from audit_core.report.words import status_word

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = Path(__file__).parent / "golden"
FORBIDDEN = re.compile(r"\b(fair|unbiased|compliant|complies|proves|proven|passed)\b", re.I)
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
PAGES = ("summary", "gaps", "grid", "calibration", "drift", "decision", "data", "contract")
EXPORTS = {"junit.xml": junit_bytes, "findings.sarif": sarif_bytes, "step_summary.md": step_summary_bytes}


@pytest.fixture(scope="module")
def audit():
    """An audit with every status but NOT_RUN on a critical check."""
    return audit_of()


@pytest.fixture(scope="module")
def nasty(tmp_path_factory):
    """An audit of people whose groups, columns, files and contract hold nasty names; its workspace."""
    return nasty_audit(tmp_path_factory.mktemp("nasty"))


@pytest.mark.parametrize("name", EXPORTS)
def test_the_words_of_every_export(audit, name):
    """Snapshot; set EVENHAND_GOLDEN=write to write it anew, then read the difference."""
    made = EXPORTS[name](audit)
    if os.environ.get("EVENHAND_GOLDEN") == "write":
        (GOLDEN / name).write_bytes(made)
    assert made == (GOLDEN / name).read_bytes()
    assert made == EXPORTS[name](audit_of())
    assert not FORBIDDEN.search(made.decode())


# JUnit


def cases(audit):
    """Test cases of the suite of checks, by name: the tag of what became of it, or "" for none."""
    suite = ElementTree.fromstring(junit_bytes(audit)).find("testsuite")
    return {case.get("name"): case[0].tag if len(case) else "" for case in suite.iter("testcase")}


def changed(audit, check, **changes):
    return with_finding(audit, check, **changes)


def test_junit_has_one_case_for_every_check_and_subject(audit):
    found = cases(audit)
    assert len(found) == len(audit.findings)
    wanted = {"PASS": "", "FAIL": "failure", "INCONCLUSIVE": "error", "NOT_RUN": "error"}
    for finding in audit.findings:
        name = " by ".join(part for part in (finding.check, " × ".join(finding.subject)) if part)
        assert found[name] == wanted[finding.status]


@pytest.mark.parametrize("status", ["INCONCLUSIVE", "NOT_RUN"])
@pytest.mark.parametrize(
    ("severity", "tag"), [("critical", "error"), ("major", "error"), ("minor", "skipped")]
)
def test_what_nobody_could_tell_is_an_error_unless_minor(audit, status, severity, tag):
    made = changed(audit, "tpr_gap_gender", status=status, severity=severity)
    assert cases(made)["tpr_gap_gender by gender"] == tag


def test_junit_counts_are_those_of_its_cases(audit):
    root = ElementTree.fromstring(junit_bytes(audit))
    for part in (root, *root.iter("testsuite")):
        inside = list(part.iter("testcase"))
        assert int(part.get("tests")) == len(inside)
        for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(part.get(key)) == sum(case.find(tag) is not None for case in inside)
    assert root.find("testsuite").get("timestamp") == "2026-11-20T12:00:00"


def test_an_export_without_a_check_does_not_look_like_an_approval():
    made = audit_of(stages=())
    assert made.decision.verdict == "INCONCLUSIVE"
    root = ElementTree.fromstring(junit_bytes(made))
    assert (root.get("tests"), root.get("errors")) == ("1", "1")
    assert json.loads(sarif_bytes(made))["runs"][0]["invocations"][0]["exitCode"] == 2
    assert "Cannot decide yet" in step_summary_bytes(made).decode()


def test_grounds_beyond_the_checks_are_told(audit):
    draft = audit_of(contract_of(CONTRACT.replace("status: approved", "status: draft")))
    unmet = audit_of(contract_of(CONTRACT.replace("met: true", "met: false", 1)))
    for made, tag, words in ((draft, "error", "contract is a draft"), (unmet, "failure", "is not met")):
        root = ElementTree.fromstring(junit_bytes(made))
        (case,) = root.findall("testsuite")[1].iter("testcase")
        assert case[0].tag == tag and words in case[0].get("message")
        assert words in step_summary_bytes(made).decode()
        assert words in " ".join(json.loads(sarif_bytes(made))["runs"][0]["properties"]["reasons"])
    assert len(ElementTree.fromstring(junit_bytes(audit)).findall("testsuite")) == 1


# SARIF


def test_sarif_has_one_result_for_every_check_and_subject_at_its_line(audit):
    log = json.loads(sarif_bytes(audit, "contracts/hiring screen.yaml"))
    assert log["version"] == "2.1.0" and log["$schema"].endswith("sarif-schema-2.1.0.json")
    (run,) = log["runs"]
    rules, results = run["tool"]["driver"]["rules"], run["results"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    assert len(results) == len(audit.findings)
    lines = CONTRACT.splitlines()
    for result, finding in zip(results, audit.findings, strict=True):
        assert result["ruleId"] == rules[result["ruleIndex"]]["id"] == finding.check
        (place,) = result["locations"]
        assert place["physicalLocation"]["artifactLocation"] == {"uri": "contracts/hiring%20screen.yaml"}
        line = place["physicalLocation"]["region"]["startLine"]
        assert f"id: {finding.check}," in lines[line - 1]
        assert result["message"]["text"].startswith(f"{status_word(finding)}. ")


def test_sarif_kinds_and_levels_are_the_standards(audit):
    results = json.loads(sarif_bytes(audit))["runs"][0]["results"]
    for result, finding in zip(results, audit.findings, strict=True):
        word = status_word(finding)
        kind = {"Within limit": "pass", "Outside limit": "fail", "Inconclusive": "review"}.get(word, "open")
        level = {"critical": "error", "major": "error", "minor": "warning"}[finding.severity]
        assert result["kind"] == kind
        assert result["level"] == (level if kind == "fail" else "none")
    assert {result["kind"] for result in results} >= {"pass", "fail", "open"}
    review = changed(
        audit, "tpr_gap_gender", status="INCONCLUSIVE", reason="either_way", evidence="UNCONFIRMED"
    )
    assert "review" in {result["kind"] for result in json.loads(sarif_bytes(review))["runs"][0]["results"]}


def test_sarif_fingerprints_tell_results_apart_and_outlive_a_change(audit):
    def prints(made):
        results = json.loads(sarif_bytes(made))["runs"][0]["results"]
        return [result["partialFingerprints"]["evenhandFinding/v1"] for result in results]

    assert len(set(prints(audit))) == len(audit.findings)
    moved = replace(audit, findings=tuple(replace(f, line=f.line + 3, value=None) for f in audit.findings))
    assert prints(moved) == prints(audit)


def test_a_recorded_exception_is_a_suppression(audit):
    made = changed(audit, "calibration", exception="accepted until 2027-01-01 [x](1)")
    (found,) = [r for r in json.loads(sarif_bytes(made))["runs"][0]["results"] if "suppressions" in r]
    assert found["ruleId"] == "calibration"
    assert plain(found["suppressions"][0]["justification"]) == "accepted until 2027-01-01 [x](1)"
    assert "](" not in found["suppressions"][0]["justification"]


# Markdown summary


def test_the_summary_is_verdict_sentence_and_a_table_of_every_check(audit):
    tokens = MARKDOWN.parse(step_summary_bytes(audit).decode())
    assert tokens[1].content == "✕ Do not release"
    assert tokens[4].content.startswith("**Of every 100 qualified applicants")
    assert sum(token.type == "tr_open" for token in tokens) == 1 + len(audit.findings)
    cells = [after for token, after in itertools.pairwise(tokens) if token.type == "td_open"]
    read = ["".join(part.content for part in cell.children) for cell in cells]
    assert [text for row in check_rows(published(audit)) for text in row.values()] == [
        re.sub(r"^[●✕◆○–·] (?=\w)", "", text) for text in read
    ]


def test_a_contract_of_very_many_checks_is_cut_and_counted(audit):
    made = replace(audit, findings=audit.findings * 40)
    text = step_summary_bytes(made).decode()
    assert len(text) < 2**20
    assert f"and {len(audit.findings) * 40 - 200} more checks" in text


def test_names_in_the_sentence_of_the_verdict_are_text_in_every_export():
    """The widest gap stands in the headline, in messages and in cells: two names that are links and cells."""
    first, second = "[x](1) | <b>a</b> {0}", "woman ![y](https://x.example/y.png) @b"
    text = CONTRACT.replace("reference: man, required: [man, woman], ", "")
    made = audit_of(contract_of(text), counted(gender={first: 0.5, second: 0.5}))
    assert first in headline(made).sentence and second in headline(made).sentence
    tokens = MARKDOWN.parse(step_summary_bytes(made).decode())
    parts = [part for token in tokens for part in token.children or ()]
    assert {part.type for part in parts} <= {"text", "text_special", "strong_open", "strong_close"}
    read = plain("".join(part.content for part in parts))
    run = json.loads(sarif_bytes(made))["runs"][0]
    said = " ".join(result["message"]["text"] for result in run["results"])
    for told in (said, run["invocations"][0]["exitCodeDescription"], *run["properties"]["reasons"]):
        assert not re.search(r"\]\(|\{\d", told)
    root = ElementTree.fromstring(junit_bytes(made))
    messages = " ".join(part.get("message", "") for part in root.iter())
    for name in (first, second):
        assert name in read and name in plain(said) and name in messages


# The command line


WRITTEN = ("json", "junit", "sarif", "summary", "pdf")


@pytest.fixture(scope="module")
def written(nasty, tmp_path_factory):
    """Every export of the nasty audit, written by the command line: its folder and exit code."""
    _, workspace = nasty
    source, folder = workspace.root.parent, tmp_path_factory.mktemp("written")
    (source / "contract.yaml").write_bytes(workspace.contract_bytes(nasty[0].id))
    options = [part for name in WRITTEN for part in (f"--{name}", folder / name)]
    options += ["--train", source / "train.csv", "--workspace", folder / "w", "--as-of", "2026-11-20T12:00"]
    contract, evaluation = source / "contract.yaml", source / "evaluation.csv"
    code = main(["audit", "--quiet", *map(str, ["--contract", contract, "--eval", evaluation, *options])])
    return folder, code


def test_the_command_line_writes_what_it_is_asked_for(written):
    folder, code = written
    assert code == 1
    assert ElementTree.parse(folder / "junit").getroot().tag == "testsuites"
    uri = json.loads((folder / "sarif").read_text())["runs"][0]["results"][0]["locations"][0]
    assert uri["physicalLocation"]["artifactLocation"]["uri"] == "contract.yaml"  # no path of this machine
    assert (folder / "summary").read_text().startswith("## ✕ Do not release\n")
    assert (folder / "pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("option", ["--junit", "--sarif", "--summary"])
def test_an_export_with_no_place_to_go_is_refused_before_the_work(option, tmp_path, capsys):
    place = tmp_path / "nowhere\x1b[31m" / "f"
    code = main(["gate", "data", "--contract", str(tmp_path / "c.yaml"), option, str(place)])
    said = capsys.readouterr().err
    assert code == 3 and said.count("\n") == 1
    assert not hidden(said, allowed="\n")


def test_a_hostile_contract_and_argument_can_not_speak_to_the_terminal(tmp_path, capsys):
    (tmp_path / "c.yaml").write_text(
        'schema: evenhand/contract/v1\nid: "a\\x1b]0;x\\x07\\u202e"\n', encoding="utf-8"
    )
    assert main(["check", str(tmp_path / "c.yaml")]) == 3
    with pytest.raises(SystemExit):
        main(["gate", "x\x1b[2J\u202e"])
    said = "".join(capsys.readouterr())
    assert "[U+001B]" in said and "[U+202E]" in said
    assert not hidden(said, allowed="\n")

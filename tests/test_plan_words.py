"""The monitoring plan in words: every number, what it can and cannot see, and what may leave the house."""

from __future__ import annotations

import io
import os
import re
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from plan_factory import CHARTS, DETECTION, NASTY_PLAN, PLAN, check_of, detected, drift_watch, watch_of
from rich.console import Console
from test_pages_logic import at, texts
from test_prometheus import promtool
from words_checker import Rendered, lines, row_unit, violations

from audit_core.cli import main
from audit_core.cube.no_rows import no_rows
from audit_core.decision.plan import AtRelease, WindowRule
from audit_core.decision.planning import plan_for
from audit_core.evidence.plan_file import read_plan
from audit_core.report.charts.plan import detection_alt, detection_figure
from audit_core.report.commitments import commitment_lines, commitments
from audit_core.report.html import report_html
from audit_core.report.plan import (
    ALERTS,
    AT_RELEASE,
    WATCHED,
    alert_rows,
    escalation_rows,
    label_sentence,
    of_hundred,
    review_sentence,
    trend_sentence,
    watch_rows,
    window_sentence,
)
from audit_core.report.plan_detection import (
    NO_DETECTION,
    cannot_see,
    detection_rows,
    detection_sentence,
    precision_sentence,
    share_words,
)
from audit_core.report.plan_document import plan_document
from audit_core.report.plan_release import release_sentences, release_words
from audit_core.report.plan_terminal import plan_table
from audit_core.report.published import published
from audit_core.report.release_plan import NO_PLAN, release_plan
from audit_core.report.result import result, result_schema
from tests.report_factory import audit_of

GOLDEN = Path(__file__).parent / "golden" / "monitoring_plan.txt"


def test_the_whole_plan_reads_as_it_was_last_read():
    """Snapshot; set EVENHAND_GOLDEN=write to write it anew, then read the difference."""
    text = plan_document(PLAN)
    if os.environ.get("EVENHAND_GOLDEN") == "write":
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_the_plan_keeps_to_the_words():
    rows = [*watch_rows(PLAN), *alert_rows(PLAN), *escalation_rows(PLAN), *detection_rows(PLAN)]
    units = [*lines(plan_document(PLAN).splitlines()), *map(row_unit, rows), detection_alt(PLAN)]
    assert violations(Rendered(units=units)) == []
    assert "None" not in plan_document(PLAN)
    assert "  " not in plan_document(PLAN)


def in_terminal(plan):
    out = io.StringIO()
    Console(file=out, width=100, highlight=False).print(plan_table(plan))
    return out.getvalue()


@pytest.mark.parametrize("made", [plan_document, in_terminal])
def test_names_stay_on_their_line(made):
    text = made(NASTY_PLAN)
    assert "\u202e" not in text
    assert "[U+202E]" in text
    assert "c[U+000A]" in " ".join(text.split()).replace(" ", "") or "c[U+000A]" in text


def test_the_terminal_shows_what_is_watched_and_what_is_not_seen():
    text = " ".join(in_terminal(PLAN).split())
    for part in (
        "P-20261116-3f9a1c2e",
        "warns at 8.0 pts",
        "94 of 100",
        "What this plan cannot see",
        "ml_owner",
    ):
        assert part in text


# How long a window is, and why


@pytest.mark.parametrize(
    ("reason", "rolling", "brings", "parts"),
    [
        ("enough", 1, 415.0, ("shortest that brings enough", "“woman”", "415", "asks for 50")),
        ("contract", 4, 415.0, ("a check of the contract names", "415", "the last 4 windows")),
        ("data", 1, 61.5, ("dated no finer", "about 62")),
        ("longest", 3, 20.4, ("longest there may be", "20", "the last 3 windows")),
        ("unknown_volume", 1, None, ("nobody knows yet",)),
    ],
)
def test_every_reason_for_the_length_stands_with_its_numbers(reason, rolling, brings, parts):
    rule = replace(PLAN.window, reason=reason, rolling=rolling, brings=brings)
    said = window_sentence(replace(PLAN, window=rule))
    for part in parts:
        assert part in said
    assert ("people" in said) == (brings is not None or reason == "unknown_volume")


def test_who_is_counted_is_said_only_where_all_that_page_count_alike():
    fpr = watch_of(check_of("guard", "fpr"))
    assert "with a negative outcome" in window_sentence(replace(PLAN, watches=(fpr,)))
    both = replace(PLAN, watches=(PLAN.watches[0], fpr))
    assert "people of those a check counts" in window_sentence(both)


def test_a_window_without_a_least_group_names_none():
    rule = WindowRule(unit="week", rolling=1, reason="enough", least=(), brings=700.0, needed=100)
    assert "everybody together brings about 700" in window_sentence(replace(PLAN, window=rule))


# Lines of the plan


def test_inputs_that_are_watched_alike_stand_in_one_line_each_by_its_name():
    rows = watch_rows(PLAN)
    assert [row[WATCHED] for row in rows][2:] == ["Drift of employment_gap_months and commute_km"]
    other = watch_of(drift_watch("age").check, "drift.age", origin="drift", owner="counsel")
    assert len(watch_rows(replace(PLAN, watches=(*PLAN.watches, other)))) == len(rows) + 1


def test_how_a_check_stood_at_release_is_told_before_anything_is_watched():
    known, lacking = release_sentences(PLAN)
    assert known.startswith(
        "Already outside a limit or a warning at release: true positive rate gap by gender "
        "(outside its limit, confirmed; accepted by an exception); drift of employment_gap_months (moderate"
    )
    assert lacking == (
        "Could not be judged at release for lack of people, so the windows are the first evidence: "
        "selection rate ratio by gender."
    )
    assert watch_rows(PLAN)[1][AT_RELEASE] == "not judged: too few people"
    assert known in plan_document(PLAN) and lacking.split(":")[0] in " ".join(in_terminal(PLAN).split())
    open_ = AtRelease(status="INCONCLUSIVE", evidence="UNCONFIRMED")
    assert (
        "the range held the limit"
        in release_sentences(replace(PLAN, watches=(replace(PLAN.watches[0], at_release=open_),)))[0]
    )
    unjudged = tuple(replace(watch, at_release=AtRelease()) for watch in PLAN.watches)
    assert release_sentences(replace(PLAN, watches=unjudged)) == ()
    assert {row[AT_RELEASE] for row in watch_rows(replace(PLAN, watches=unjudged))} == {"–"}
    assert release_words(AtRelease(status="PASS", evidence="CONFIRMED")) == "within its limit"
    many = tuple(replace(PLAN.watches[2], id=f"w{n}") for n in range(15))
    assert "; and 3 more." in release_sentences(replace(PLAN, watches=many))[0]


def test_outcomes_of_one_level_stand_together():
    assert watch_rows(PLAN)[0][ALERTS] == (
        "Page: beyond the limit, confirmed. Ticket: beyond the limit, not confirmed; past its warning"
    )
    assert watch_rows(PLAN)[1][ALERTS] == "Ticket: beyond the limit, confirmed or not"
    silent = replace(PLAN.watches[1], confirmed="none", unconfirmed="none", warning="none")
    assert watch_rows(replace(PLAN, watches=(silent,)))[0][ALERTS] == "No alert"


def test_no_kind_of_alert_is_told_that_the_plan_cannot_raise():
    told = {row["Alert"] for row in alert_rows(PLAN)}
    assert {"Drift", "Slow change", "Outcomes overdue", "No data"} <= told
    bare = replace(
        PLAN, watches=(replace(PLAN.watches[1], needs_labels=False),), trend=replace(PLAN.trend, charts=())
    )
    told = {row["Alert"] for row in alert_rows(bare)}
    assert not told & {"Drift", "Slow change", "Outcomes overdue", "Past its warning"}
    assert trend_sentence(bare) == ""
    assert "No watch of this plan needs outcomes" in label_sentence(bare)


def test_hours_dates_and_shares_are_those_of_the_plan():
    assert [tuple(row.values()) for row in escalation_rows(PLAN)] == [
        ("At once", "ml_owner"),
        ("After 4 hours without acknowledgement", "platform_oncall"),
        ("After 24 hours without acknowledgement", "counsel"),
    ]
    assert "2026-12-16, 2027-02-16 and 2027-04-16" in review_sentence(PLAN)
    assert "It ends on 2027-04-30" in review_sentence(replace(PLAN, reviews=()))
    assert "lies between 4.2 and 7.0" in trend_sentence(
        replace(PLAN, trend=replace(PLAN.trend, charts=(CHARTS[0], replace(CHARTS[1], h=7.0))))
    )
    assert of_hundred(Fraction(925, 1000)) == "92.5 of 100"
    assert of_hundred(Fraction(9, 10)) == "90 of 100"


# What the plan can and cannot see


def test_the_most_important_line_is_read_aloud():
    said = detection_sentence(PLAN)
    assert said.startswith(
        "A step of 8 points in the true positive rate gap by gender would be found within six months in "
        "94 of 100 histories, half of them within 2 windows; a step of 5 points in 40 of 100."
    )
    assert "If nothing changes, 4 of 100 histories raise an alert all the same" in said
    assert "missed in 60 of 100" in cannot_see(PLAN)[0]


def test_a_release_beyond_its_limit_is_not_called_a_false_alarm():
    lines_ = (detected(0, (0.99, 0.05, 0.99), 1.0, "none"), *DETECTION[1:])
    said = detection_sentence(replace(PLAN, detection=lines_))
    assert "would raise a trend alert within six months in 88 of 100" in said
    assert "no false alarms here" in said


def test_a_plan_that_finds_little_says_so():
    few = replace(PLAN, detection=(DETECTION[0], DETECTION[2]))
    assert "A step of 5 points" in detection_sentence(few)
    assert "40 of 100" in detection_sentence(few)
    assert "missed in 60 of 100" in cannot_see(few)[0]
    none = replace(PLAN, detection=())
    assert detection_sentence(none) == NO_DETECTION
    assert precision_sentence(none) == ""
    assert not any("missed in" in said for said in cannot_see(none))


def test_too_few_people_in_a_judgement_are_something_the_plan_cannot_see():
    rule = replace(PLAN.window, reason="longest", brings=10.0, rolling=2)
    assert any("“woman” in a single judgement" in s for s in cannot_see(replace(PLAN, window=rule)))
    assert not any("in a single judgement" in s for s in cannot_see(PLAN))


def test_shares_of_histories_are_no_surer_than_they_are():
    assert share_words(0.0) == "0 of 100"
    assert share_words(0.002) == "under 1 of 100"
    assert share_words(0.998) == "over 99 of 100"
    assert share_words(1.0) == "100 of 100"
    assert "give or take 5" in precision_sentence(PLAN)  # 1.96·√(¼/400) = 4.9


def test_the_chart_shows_every_line_with_its_words():
    figure, alt = detection_figure(PLAN), detection_alt(PLAN)
    assert [len(trace["x"]) for trace in figure["data"]] == [len(DETECTION)] * 3
    assert figure["data"][0]["x"][-1] == pytest.approx(4.0)  # drawn from the bottom up
    for row in detection_rows(PLAN):
        assert row["Change"] in alt
        assert row["Found"] in alt
    two = replace(PLAN, detection=(DETECTION[3], replace(DETECTION[3], watch="adverse_impact")))
    assert "selection rate ratio by gender" in " ".join(detection_figure(two)["layout"]["yaxis"]["ticktext"])


# What an audit's own documents say of it


@pytest.fixture(scope="module")
def audit():
    return audit_of()


def test_the_result_holds_the_plan_or_says_why_not(audit):
    made = result(audit)["plan"]
    plan = plan_for(audit, date(2026, 11, 20), detect=False)
    assert made["id"] == plan.id
    assert [watch["id"] for watch in made["watches"]] == [watch.id for watch in plan.watches]
    assert (made["level"], made["privacy_floor"]) == (0.95, 10)
    for told, watch in zip(made["watches"], plan.watches, strict=True):
        stood = watch.at_release
        assert (told["at_release"] or {"status": ""})["status"] == stood.status
        assert not stood.status or told["at_release"]["evidence"] == (stood.evidence or None)
    assert {bool(told["at_release"]) for told in made["watches"]} == {True, False}
    assert made["watches"][0]["limit"] == {"min": None, "max": 0.1, "warn": 0.08}
    Draft202012Validator(result_schema()["properties"]["plan"]).validate(made)
    nothing = result(audit_of(counts=no_rows()))
    assert nothing["plan"] is None
    assert nothing["absent"]["plan"] == NO_PLAN


def test_what_leaves_the_house_does_not_tell_of_a_hidden_group(audit):
    shown, own = release_plan(published(audit)), release_plan(audit)
    assert shown.watches == own.watches
    assert own.window.brings is not None
    cell = published(audit).release.cell(("gender",), own.window.least)
    assert cell.shown == "counts"
    assert shown.window == own.window
    hidden = replace(published(audit), release=replace(published(audit).release, tables=()))
    assert (release_plan(hidden).window.brings, release_plan(hidden).window.least) == (None, ())
    drawn = release_plan(published(audit), detect=True)
    assert {chart.baseline for chart in drawn.trend.charts} == {((0, 0), (0, 0))}
    assert drawn.id not in report_html(audit).decode()  # it is a hash of counts


def test_commitments_are_few_and_whole(audit):
    plan = release_plan(audit)
    rows = commitment_lines(audit, plan)
    assert [(row.stage, row.action) for row in rows] == [
        ("canary", "rollback"), ("monitor", "page, within 4 hours"), ("monitor", "ticket, within 48 hours"),
    ]  # fmt: skip
    drift = sum(bool(watch.feature) for watch in plan.watches)
    assert rows[2].what == f"{len(plan.watches) - drift - 1} further checks and drift of {drift} columns"
    assert [row.stage for row in commitment_lines(audit, None)] == ["canary", "monitor"]
    assert commitments(None) == ()
    only = replace(plan, watches=tuple(replace(w, confirmed="ticket") for w in plan.watches))
    assert not any("A page goes" in said for said in commitments(only))


def test_the_report_carries_the_plan_with_what_it_sees(audit):
    text = re.sub(r"<[^>]+>", " ", report_html(audit).decode())
    for part in ("Monitoring plan", "What the plan can and cannot see", "True positive rate gap by gender",
                 "of 100 histories", "Anything that is not on the list of watches"):  # fmt: skip
        assert part in text


# The screen and the command


def test_the_screen_shows_the_plan_of_the_audit(app, hiring_audit):
    shown = at(app, "plan")
    plan = plan_for(hiring_audit, date(2026, 11, 16))
    said = texts(shown).replace("\\", "")
    for part in ("every month", "Do not release", "ml_owner",
                 "platform_oncall", "What this plan cannot see", detection_sentence(plan)[:60]):  # fmt: skip
        assert part in said
    tables = [table.value for table in shown.table]
    assert next(iter(tables[0][WATCHED])) == "True positive rate gap by gender"
    assert len(tables[0]) == len(watch_rows(plan))
    assert len(tables[-1]) == len(plan.detection)
    labels = [button.label for button in shown.get("download_button")]
    assert {"Prometheus rules", "Crontab", "The plan in words (text)"} <= set(labels)


@pytest.fixture(scope="module")
def made(hiring_workspace, hiring_audit, tmp_path_factory):
    """Every file of one run of the command."""
    folder = tmp_path_factory.mktemp("plan")
    files = {"out": "plan.yaml", "prometheus": "rules.yml", "prometheus-test": "test.yml", "crontab": "cron"}
    options = [part for name, file in files.items() for part in (f"--{name}", str(folder / file))]
    assert main(["plan", "--workspace", str(hiring_workspace.root), "--quiet", *options]) == 0
    return folder


def test_the_command_writes_the_plan_of_the_newest_audit(made, hiring_audit):
    assert read_plan(made / "plan.yaml") == plan_for(hiring_audit, date(2026, 11, 16))
    assert str(made / "rules.yml") in (made / "test.yml").read_text(encoding="utf-8")
    assert f"--plan {made / 'plan.yaml'} " in (made / "cron").read_text(encoding="utf-8")


def test_promtool_accepts_what_the_command_wrote(made):
    for arguments in (("check", "rules", "rules.yml"), ("test", "rules", "test.yml")):
        found = promtool(*arguments, folder=made)
        assert found.returncode == 0, found.stdout.decode() + found.stderr.decode()


def test_an_audit_is_named_by_its_id_or_its_result_file(hiring_workspace, hiring_audit, tmp_path, capsys):
    root = ["--workspace", str(hiring_workspace.root)]
    file = tmp_path / "result.json"
    file.write_bytes(hiring_workspace.artifact(hiring_audit.id, "audit.json"))
    for named in (hiring_audit.id, str(file)):
        assert main(["plan", named, *root, "--as-of", "2026-12-24"]) == 0
        assert "From 2026-12-01 to 2027-05-31" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("content", "problem", "code"),
    [
        (b"PK\x03\x04zip", "can't be read as JSON", 4),
        (b"{}", "not a result of the schema", 4),
        (b"\xff", "can't be read as JSON", 4),
        (b'{"schema": "evenhand/audit/v1", "audit_id": "A-20200101-00000000"}', "does not hold together", 4),
        (None, "no file of this name", 3),
    ],
)
def test_what_is_no_audit_is_one_error(content, problem, code, hiring_workspace, tmp_path, capsys):
    file = tmp_path / "given"
    if content is not None:
        file.write_bytes(content)
    assert main(["plan", str(file), "--workspace", str(hiring_workspace.root)]) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert problem in said.err
    assert len(said.err.splitlines()) == 1


def test_an_id_that_the_workspace_lacks_is_one_error(hiring_workspace, capsys):
    assert main(["plan", "A-20200101-00000000", "--workspace", str(hiring_workspace.root)]) == 3
    assert "no audit of this id in the workspace" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_said_before_the_work(tmp_path, capsys):
    target = tmp_path / "no" / "plan.yaml"
    assert main(["plan", "--workspace", str(tmp_path / "ws"), "--out", str(target)]) == 3
    assert "folder of an output file does not exist" in capsys.readouterr().err
    assert not (tmp_path / "ws").exists()


def test_a_workspace_without_an_audit_is_said(tmp_path, capsys):
    assert main(["plan", "--workspace", str(tmp_path)]) == 3
    assert "There is no audit yet" in capsys.readouterr().err

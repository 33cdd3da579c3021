"""Incidents and windows in words: sentences, records, tables; what is not there is never a zero."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction

import pytest

from audit_core.contract.schema import Limit
from audit_core.findings.finding import GroupValue
from audit_core.metrics.estimate import Count
from audit_core.metrics.gaps import difference_gap
from audit_core.report.charts.windows import watch_figure
from audit_core.report.incident_words import headline_sentence
from audit_core.report.incidents import (
    incident_json,
    incident_lines,
    incident_sentence,
    leading,
)
from audit_core.report.watch_words import numbers_text
from audit_core.report.window_series import series_of
from audit_core.report.window_tables import (
    estimate_rows,
    incident_rows,
    rate_rows,
    shareable_rows,
    trend_rows,
    watch_rows,
    window_rows,
)
from audit_core.report.windows import (
    estimate_sentence,
    followed_headline,
    judged_sentence,
    outcomes_sentence,
    watches_in_order,
)
from audit_core.report.words import WITHHELD
from tests.followed_factory import (
    FEW,
    GAP_MONTHS,
    IMPACT,
    MEN,
    NAMES,
    SELECTED,
    TPR,
    WOMEN,
    drift_finding,
    followed_of,
    gap_finding,
    impact_finding,
    incident,
    plan_of,
)
from tests.words_checker import Rendered, row_unit, violations

PLAN = plan_of()
WHO = "Ticket to ml_owner, to be acknowledged by 2027-03-01 13:00 UTC."
GAP = "the true positive rate gap by gender"
NUMBERS = (
    "woman 44.9 % (n=490), man 74.0 % (n=520), a gap of 29.1 pts "
    "(95 % interval 23.2 to 34.8; at least 24.2, at most 33.9)."
)
SENTENCES = {
    "confirmed": f"Since 2027-02 {GAP} is shown to be over its limit of 10.0 pts. "
    f"In 2027-03: {NUMBERS} Page to ml_owner, to be acknowledged by 2027-03-01 13:00 UTC.",
    "unconfirmed": f"Since 2027-02 {GAP} is measured over its limit of 10.0 pts, "
    f"and is shown to be by now. In 2027-03: {NUMBERS} {WHO}",
    "warning": f"Since 2027-02 {GAP} is past its warning at 8.0 pts "
    f"(limit 10.0 pts). In 2027-03: {NUMBERS} {WHO}",
    "silence": "No data have come in for 2027-02 to 2027-03. By the plan, that is an alert 45 days after "
    f"a window’s end: silence is a failure. {WHO}",
    "labels_overdue": "Outcomes of 2027-02 to 2027-03 are overdue: under 90 % of them were back 60 days "
    f"after the end. Nothing that needs them is judged there. {WHO}",
    "rows_dropped": "Since 2027-02 over a tenth of the rows have come without a usable score or decision: "
    "300 of 2,000 (15.0 %) in 2027-03. They are left out, and on the rest nothing that pages counts as "
    f"within its limit. {WHO}",
    "drift": "Since 2027-02 employment_gap_months has moved away from the training sample. In 2027-03: "
    f"PSI 0.131 (expected by chance up to 0.011; warning at 0.100; limit 0.250; n=2,000). {WHO}",
    "trend": f"Small changes of {GAP} have added up since the release. The sum of its "
    f"moves (CUSUM) reached, in 2027-03: man over woman 18.6 (limit 7.4). {WHO}",
}


def of_kind(kind):
    """An incident of each kind, as following a release makes it."""
    more = {
        "drift": {"watch": GAP_MONTHS.id, "finding": drift_finding(4)},
        "trend": {"finding": None, "began": "2027-03", "windows": ("2027-03",)},
        "silence": {"watch": "data", "finding": None},
        "labels_overdue": {"watch": "labels", "finding": None},
        "rows_dropped": {"watch": "rows", "finding": None, "dropped": (300, 2000)},
    }
    return incident(kind, **more.get(kind, {}))


@pytest.mark.parametrize("kind", list(SENTENCES))
def test_every_kind_of_incident_says_what_since_when_and_who_answers(kind):
    assert incident_sentence(of_kind(kind), PLAN, trends=followed_of().trends) == SENTENCES[kind]


@pytest.mark.parametrize("kind", list(SENTENCES))
def test_sentences_of_incidents_keep_to_the_words(kind):
    one = of_kind(kind)
    closed = replace(one, open=False)
    said = [incident_sentence(each, PLAN) for each in (one, closed)] + [headline_sentence(one, PLAN)]
    assert violations(Rendered(units=said)) == []


def test_a_measured_gap_that_is_not_shown_says_so():
    one = incident("unconfirmed", began=NAMES[0], windows=NAMES[:3], finding=gap_finding(2))
    assert "though the true value may be within it. In 2027-01: " in incident_sentence(one, PLAN)


def test_a_closed_incident_is_told_in_the_past():
    one = incident("unconfirmed", began=NAMES[0], windows=NAMES[:3], open=False, finding=gap_finding(2))
    said = incident_sentence(one, PLAN)
    assert said.startswith("From 2026-11 to 2027-01 the true positive rate gap by gender was measured over")
    assert "Closed: the last window judged no longer shows it." in said
    assert incident_sentence(replace(one, windows=NAMES[:1]), PLAN).startswith("In 2026-11 the ")


def test_a_ratio_is_under_its_limit_and_the_contract_says_what_happens():
    low = replace(impact_finding(), status="FAIL", reason="beyond", upper=0.79, value=Fraction(7, 10))
    one = incident(watch=IMPACT.id, finding=low, action="rollback")
    said = incident_sentence(one, PLAN)
    assert "the selection rate ratio by gender is shown to be under its limit of 0.800." in said
    assert said.endswith("The contract’s action: rollback.")
    assert headline_sentence(one, PLAN).endswith("0.800: at most 0.790 (n=980 and 1,000) in 2027-03.")


def test_a_value_names_the_group_that_decides_and_equal_groups_are_told_once():
    low = gap_finding(4).low
    value = replace(gap_finding(4), compare="value", metric="base_rate", high=None, value=low.value)
    assert numbers_text(value, PLAN.level) == (
        "the group that decides is woman, 44.9 % (95 % interval 23.2 to 34.8; "
        "at least 24.2, at most 33.9; n=490)"
    )
    same = replace(gap_finding(4), high=low, value=Fraction(0))
    assert numbers_text(same, PLAN.level).startswith(
        "woman 44.9 % (n=490), the same in every group compared, a gap of 0.0 pts"
    )


def test_what_the_release_showed_is_of_the_same_kind(small_audit):
    base = replace(TPR, id="label_balance", metric="base_rate", compare="value")
    plan = replace(PLAN, watches=(replace(PLAN.watches[0], id=base.id, check=base),))
    found = series_of(followed_of(plan=plan), base.id, small_audit).release
    own = next(f for f in small_audit.findings if f.check == "label_balance")
    assert (found.value, found.n) == (own.value, (own.low.denominator,))
    gap = small_audit.measurements.gap(("gender",), "tpr", "difference")
    assert series_of(followed_of(), TPR.id, small_audit).release.value == gap.gap.value
    assert series_of(followed_of(), TPR.id, None).release is None


def test_the_headline_of_a_page_gives_the_bound_that_shows_it():
    assert headline_sentence(incident(), PLAN) == (
        "Since 2027-02 the true positive rate gap by gender is shown to be over its limit of 10.0 pts: "
        "at least 24.2 pts (n=490 and 520) in 2027-03."
    )


def test_drift_of_any_input_names_the_one_that_moved_most():
    every = replace(GAP_MONTHS, features=())
    plan = replace(PLAN, watches=(*PLAN.watches[:2], replace(PLAN.watches[2], check=every)))
    said = incident_sentence(of_kind("drift"), plan)
    assert said.startswith("Since 2027-02 employment_gap_months has moved")


def test_two_charts_that_alarm_together_are_both_named():
    points = [p for p in followed_of().trends if p.high == MEN]
    other = [replace(point, high=FEW) for point in points]
    said = incident_sentence(of_kind("trend"), PLAN, trends=[*points, *other])
    assert "man over woman 18.6 (limit 7.4) and nonbinary over woman 18.6 (limit 7.4)." in said


def test_names_from_outside_stay_text_in_a_terminal():
    nasty = incident(owner="ml\x1b[31m\u202eowner", action="page\nrm")
    lines = incident_lines(followed_of(incidents=(nasty,)))
    assert len(lines) == 1 and "\x1b" not in lines[0] and "\u202e" not in lines[0] and "\n" not in lines[0]


def test_the_terminal_shows_what_there_is_to_do_and_counts_the_rest():
    lines = incident_lines(followed_of())
    assert [line.split()[0] for line in lines[:3]] == ["PAGE", "TICKET", "TICKET"]
    assert lines[3:] == ("1 earlier ticket of these watches still open.",)
    assert incident_lines(followed_of(incidents=())) == ("No incident is open.",)
    gone = tuple(replace(one, open=False) for one in followed_of().incidents)
    assert incident_lines(followed_of(incidents=gone)) == ("No incident is open.", "4 incidents closed.")


def test_a_ticket_steps_back_behind_the_page_it_became_and_no_other():
    ticket, page = incident("unconfirmed"), incident("confirmed")
    elsewhere = incident("unconfirmed", id="I-else", watch=IMPACT.id)
    assert leading((ticket, page, elsewhere)) == (page, elsewhere)
    assert leading((ticket, replace(page, open=False))) == (ticket,)
    moderate = incident("drift", id="I-1", watch=GAP_MONTHS.id, began=NAMES[1])
    major = replace(moderate, id="I-2", began=NAMES[3])
    assert leading((moderate, major)) == (major,)


# Records


def test_a_record_is_plain_json_with_what_when_evidence_owner_and_due():
    record = incident_json(incident(), PLAN)
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert (record["owner"], record["due"]) == ("ml_owner", "2027-03-01T13:00:00+00:00")
    assert record["windows"] == ["2027-02", "2027-03"] and record["open"] is True
    assert record["sentence"] == SENTENCES["confirmed"]
    found = record["evidence"]
    assert found["groups"][1] == {
        "group": ["woman"],
        "value": 220 / 490,
        "numerator": 220,
        "denominator": 490,
    }
    assert found["limits"] == [None, 0.1] and found["at_least"] > 0.1
    assert record["escalation"][0] == {"after_hours": 4, "to": "platform_oncall"}


@pytest.mark.parametrize("kind", list(SENTENCES))
def test_every_kind_has_a_record(kind):
    record = incident_json(of_kind(kind), PLAN)
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert (record["evidence"] is None) == (kind in ("trend", "silence", "labels_overdue", "rows_dropped"))
    if kind == "drift":
        assert record["evidence"]["by_chance_up_to"] == 0.0112 and record["evidence"]["rows"] == 2000
        # exact, it could be solved for the rows of a small bin
        assert record["evidence"]["value"] == 0.13 and "PSI 0.13 (" in record["sentence"]


@pytest.mark.parametrize("few", [(3, 20), (17, 20)])
def test_a_record_counts_no_few_rows_that_were_left_out_or_kept(few):
    one = replace(of_kind("rows_dropped"), dropped=few)
    said = incident_json(one, PLAN)["sentence"]
    assert "over a tenth of the rows" in said and "20" not in said.replace("2027", "")


@pytest.mark.parametrize("few", [(3, 60), (57, 60), (0, 9)])
def test_a_record_tells_of_no_count_under_the_floor(few):
    x, n = few
    low = GroupValue(group=FEW, value=Fraction(x, n), numerator=x, denominator=n)
    one = incident(finding=replace(gap_finding(4), low=low))
    record = incident_json(one, PLAN)
    assert record["evidence"] is None
    text = json.dumps(record)
    assert "Its numbers stand on a count under 10 people and are not shown." in record["sentence"]
    assert "29.1" not in text and f"n={n}" not in text and '"numerator"' not in text
    assert "n=" in incident_sentence(one, PLAN)  # an analyst's own terminal shows them


def test_the_floor_and_the_level_of_a_record_are_those_of_its_plan():
    assert "(95 % interval" in incident_json(incident(), PLAN)["sentence"]
    other = replace(PLAN, level=Fraction(9, 10), privacy_floor=500)
    assert "(90 % interval" in incident_sentence(incident(), other)
    record = incident_json(incident(), other)
    assert record["evidence"] is None and "a count under 500 people" in record["sentence"]


def test_an_interval_without_an_upper_end_is_null_in_a_record():
    endless = replace(impact_finding(), interval=gap_finding(4).interval._replace(high=float("inf")))
    record = incident_json(incident(watch=IMPACT.id, finding=endless), PLAN)
    assert record["evidence"]["interval"][1] is None
    assert json.dumps(record, allow_nan=False)
    assert "upwards" in incident_sentence(incident(watch=IMPACT.id, finding=endless), PLAN)


# Windows


def test_the_sentence_on_top_is_the_page_and_counts_what_else_is_open():
    line = followed_headline(followed_of())
    assert (line.mark, line.word) == ("outside", "Page open")
    assert line.sentence.endswith("in 2027-03. Also open: 2 tickets.")


def test_nothing_open_is_not_said_to_be_within_a_limit_while_a_watch_is_undecided():
    line = followed_headline(followed_of(incidents=(), points=followed_of().points[:9]))
    assert line.word == "Not decided" and line.mark == "inconclusive"
    assert "Not decided in the last window judged: true positive rate gap by gender." in line.sentence
    assert "never counts as within the limit" in line.sentence


def test_nothing_open_and_every_watch_decided_is_said_plainly():
    drifts = tuple(p for p in followed_of().points if p.watch == IMPACT.id)
    plan = replace(PLAN, watches=PLAN.watches[1:2])
    line = followed_headline(followed_of(incidents=(), points=drifts, plan=plan))
    assert (line.mark, line.sentence) == (
        "within", "No incident is open after 6 windows, 2026-11 to 2027-04."
    )  # fmt: skip


def test_a_plan_without_a_window_is_not_followed_yet():
    empty = followed_of(windows=(), points=(), incidents=(), rates=(), trends=(), estimates=())
    line = followed_headline(empty)
    assert (line.mark, line.word) == ("too_few", "Not followed yet")
    assert "has not been judged" in judged_sentence(empty, series_of(empty, TPR.id, None))


def test_outcomes_that_are_not_back_and_data_that_are_not_there_are_told():
    said = outcomes_sentence(followed_of(missing=1))
    assert "2026-12 has no data." in said
    assert "Outcomes of 2027-04 are still arriving: 780 of 2,000 outcomes back; not judged yet." in said
    early = followed_of(as_of=datetime(2027, 4, 20, tzinfo=UTC))
    assert outcomes_sentence(early) == "2027-04 is not over yet: 2,000 rows so far; not judged."


def test_a_window_without_data_has_a_row_that_says_so_in_every_table():
    found = followed_of(missing=1)
    watch = watch_rows(series_of(found, TPR.id, None))[1]
    assert watch["Result"] == "No data" and watch["Value"] == watch["n"] == "–"
    rate = next(row for row in rate_rows(found, "tpr", ("gender",)) if row["Window"] == "2026-12")
    assert rate["State"] == "No data" and rate["Rate"] == "–"
    assert window_rows(found)[1]["Result"] == "No data" and window_rows(found)[1]["Rows"] == "–"
    assert {row["Result"] for row in trend_rows(found, TPR.id) if row["Window"] == "2026-12"} == {
        "Not judged"
    }
    assert "0.0" not in watch["Value"]


def test_outcomes_so_far_are_shown_as_such_and_never_judged():
    found = followed_of()
    last = series_of(found, TPR.id, None).marks[-1]
    counts = [Count(group=g, numerator=round(SELECTED[g][4] * 0.39), denominator=n)
              for g, n in ((MEN, 203), (WOMEN, 191))]  # fmt: skip
    gap = difference_gap(counts, min_support=0)
    assert (last.value, last.interval) == (gap.value, gap.interval)
    assert last.tentative and last.word == "Still arriving" and last.mark == "too_few" and last.lower is None
    row = watch_rows(series_of(found, TPR.id, None))[-1]
    assert row["Value"].endswith("so far, 780 of 2,000 outcomes back") and row["Result"] == "Still arriving"
    drift = series_of(found, GAP_MONTHS.id, None).marks[-1]
    assert not drift.tentative and drift.word == "Moderate drift"  # inputs need no outcome


def test_a_window_of_which_no_group_has_enough_outcomes_has_no_number_yet():
    found = followed_of(rates=())
    last = series_of(found, TPR.id, None).marks[-1]
    assert last.value is None and not last.tentative
    assert watch_rows(series_of(found, TPR.id, None))[-1]["Value"] == "–"


def test_estimates_are_told_from_what_was_observed():
    found = followed_of()
    rows = estimate_rows(found, ("gender",))
    told = {(row["Window"], row["Group"]): row for row in rows}
    assert told["2027-03", "woman"]["Estimated"] == "58.0 % (53.0 % to 63.0 %)"
    assert told["2027-03", "woman"]["Observed"] == "44.9 % (220 of 490)"
    assert told["2027-03", "woman"]["Range held"] == "no"
    assert (
        told["2027-04", "woman"]["Observed"] == "not back yet"
        and told["2027-04", "woman"]["Range held"] == "–"
    )
    assert estimate_sentence(found).startswith(
        "Of 10 estimates of 10 people or more whose outcomes have come since, the range held 9."
    )
    few = followed_of(estimates=tuple(replace(one, people=9.9) for one in found.estimates))
    assert {row["Estimated"] for row in estimate_rows(few, ("gender",))} == {"too few people"}
    assert {row["Range held"] for row in estimate_rows(few, ("gender",))} == {"–"}
    assert estimate_sentence(few) == "No outcome has come yet that an estimate could be held against."
    assert estimate_sentence(followed_of(estimates=())) == ""


def test_a_group_hidden_in_one_window_is_hidden_in_all():
    rows = shareable_rows(followed_of(), "tpr", ("gender",), 10)
    few = [row for row in rows if row["Group"] == "nonbinary"]
    assert len(few) == 6 and {row["Rate"] for row in few} == {row["Counts"] for row in few} == {WITHHELD}
    assert all(row["Rate"] != WITHHELD for row in rows if row["Group"] == "man")
    found = followed_of()
    once = tuple(rate for rate in found.rates if rate.group != FEW or rate.window == NAMES[0])
    steady = tuple(
        replace(rate, group=FEW) for rate in found.rates if rate.group == MEN and rate.window != NAMES[0]
    )
    rows = shareable_rows(followed_of(rates=(*once, *steady)), "tpr", ("gender",), 10)
    assert {row["Rate"] for row in rows if row["Group"] == "nonbinary"} == {WITHHELD}


def test_one_hidden_group_alone_can_not_be_worked_out_from_the_whole():
    found = followed_of()
    everybody = tuple(replace(rate, metric="selection_rate") for rate in found.rates)
    rows = shareable_rows(followed_of(rates=everybody), "selection_rate", ("gender",), 10)
    assert {row["Group"] for row in rows if row["Rate"] == WITHHELD} == {"nonbinary", "woman"}


def test_every_table_and_sentence_keeps_to_the_words(small_audit):
    found = followed_of(missing=1)
    rows = [*incident_rows(found), *window_rows(found), *trend_rows(found, TPR.id)]
    rows += [*rate_rows(found, "tpr", ("gender",)), *estimate_rows(found, ("gender",))]
    for watch in found.plan.watches:
        rows += watch_rows(series_of(found, watch.id, small_audit))
    units = [row_unit(row) for row in rows]
    units += [followed_headline(found).sentence, outcomes_sentence(found), estimate_sentence(found)]
    assert len(units) > 40
    assert violations(Rendered(units=units)) == []


def test_watches_with_an_open_alert_are_offered_first():
    assert watches_in_order(followed_of()) == (TPR.id, GAP_MONTHS.id, IMPACT.id)


@pytest.fixture(scope="module")
def small_audit():
    """The audit of a release, from invented counts."""
    from tests.report_factory import audit_of

    return audit_of()


def test_an_increase_since_the_release_is_told_as_a_change():
    limit = Limit(max_increase=Fraction(2, 100))
    check = replace(TPR, id="no_regression", against="baseline", compare=None, limit=limit)
    plan = replace(PLAN, watches=(replace(PLAN.watches[0], id=check.id, check=check),))
    grown = replace(
        gap_finding(4), check=check.id, change="gap", rate="tpr", limit=Fraction(2, 100),
        value=Fraction(13, 100), lower=0.06, upper=0.2, interval=None,
    )  # fmt: skip
    one = incident(watch=check.id, finding=grown)
    said = incident_sentence(one, plan)
    assert said.startswith(
        "Since 2027-02 the increase of the true positive rate gap by gender since the release is shown to be "
        "over its limit of 2.0 pts. In 2027-03: a change of +13.0 pts (at least 6.0, at most 20.0; "
        "n=490 and 520)."
    )
    assert violations(Rendered(units=[said, headline_sentence(one, plan)])) == []
    points = tuple(
        replace(p, watch=check.id, finding=grown) for p in followed_of().points if p.watch == TPR.id
    )
    series = series_of(followed_of(plan=plan, points=points), check.id, None)
    assert series.limits == (Fraction(2, 100),) and series.figures.text(series.marks[0].value) == "13.0 pts"
    assert "limit 2.0 pts" in {note["text"] for note in watch_figure(series)["layout"]["annotations"]}

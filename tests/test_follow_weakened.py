"""What would weaken a watch without a word: rows left out of a window, a plan looser than its contract."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from io import StringIO

import pytest
from monitor_factory import LIVE, small_release, window_of, without_drift
from rich.console import Console
from test_follow import APART, WITHIN, at, kinds

from audit_core.decision.follow import follow
from audit_core.decision.followed import Looser
from audit_core.report.followed_result import followed_bytes
from audit_core.report.followed_terminal import followed_table
from audit_core.report.incidents import incident_sentence
from audit_core.report.looser import looser_sentences
from audit_core.report.prometheus_text import textfile
from audit_core.report.windows import followed_headline

SOON = at("2026-12-03")


@pytest.fixture(scope="module")
def release():
    _, audit, plan = small_release()
    plan = without_drift(plan)
    trend = replace(plan.trend, charts=())
    return audit, replace(plan, trend=trend, watches=tuple(w for w in plan.watches if w.id == LIVE))


def one_month(release, shown, dropped, **changes):
    audit, plan = release
    window = replace(window_of("2026-11", audit, **shown), dropped=dropped, **changes)
    return follow(plan, audit, [window], SOON)


def test_a_window_that_lost_over_a_tenth_of_its_rows_is_a_ticket_and_is_not_within(release):
    shown = WITHIN | {"others": 250}
    rows = window_of("2026-11", release[0], **shown).rows
    most = rows // 9
    assert 10 * most == rows + most  # exactly a tenth of the rows that came
    good, bad = one_month(release, shown, most), one_month(release, shown, most + 1)
    assert (good.exit_code, kinds(good), good.points[0].finding.status) == (0, [], "PASS")
    assert kinds(bad) == [("rows_dropped", "ticket", ("2026-11",), True)]
    found = bad.points[0].finding
    assert (found.status, found.reason, bad.exit_code) == ("INCONCLUSIVE", "too_many_dropped", 2)
    said = incident_sentence(bad.incidents[0], bad.plan)
    assert f"{most + 1:,} of {rows + most + 1:,} (10.0 %) in 2026-11" in said
    assert followed_headline(bad).word == "Ticket open"
    assert json.loads(followed_bytes(bad))["windows"][0]["dropped"] == most + 1
    line = f'evenhand_incident_open{{plan="{bad.plan.id}",kind="rows_dropped"}} '
    assert f"{line}1\n" in textfile(bad).decode() and f"{line}0\n" in textfile(good).decode()


def test_rows_that_were_left_out_neither_hide_an_alarm_nor_end_one(release):
    audit, plan = release
    assert ("confirmed", "page", ("2026-11",), True) in kinds(one_month(release, APART, 900))
    windows = [window_of("2026-11", audit, **APART),
               replace(window_of("2026-12", audit, **WITHIN), dropped=2000)]  # fmt: skip
    found = follow(plan, audit, windows, at("2027-01-03"))
    assert ("confirmed", "page", ("2026-11",), True) in kinds(found) and found.exit_code == 1
    better = follow(plan, audit, [*windows, window_of("2027-01", audit, **WITHIN)], at("2027-02-03"))
    assert [one.open for one in better.incidents] == [False, False] and better.exit_code == 0


def test_a_plan_as_it_was_made_is_not_looser():
    _, audit, plan = small_release(drift=True)
    assert follow(plan, audit, [], SOON).looser == ()


def test_a_plan_that_asks_for_more_is_not_looser(release):
    audit, _ = release
    _, _, whole = small_release()
    tight = [replace(w, check=replace(w.check, limit=replace(w.check.limit, max=Fraction(1, 100)))
                     if w.id == LIVE else w.check, warning="page") for w in whole.watches]  # fmt: skip
    assert follow(replace(whole, watches=tuple(tight)), audit, [], SOON).looser == ()


def test_a_plan_looser_than_its_contract_is_followed_and_that_is_said(release):
    audit, _ = release
    _, _, whole = small_release()
    kept = [w for w in whole.watches if w.id == LIVE]
    limit = replace(kept[0].check.limit, max=Fraction(1), warn=None)
    weak = replace(
        kept[0], check=replace(kept[0].check, limit=limit), confirmed="ticket", unconfirmed="none", confirm=3
    )
    found = follow(replace(whole, watches=(weak,)), audit, [window_of("2026-11", audit, **APART)], SOON)
    said = looser_sentences(found)
    gap = "True positive rate gap by gender"
    for wanted in (
        f"{gap}: limit 1.00 in the plan, 0.10 in the contract.",
        f"{gap}: warning none in the plan, 0.08 in the contract.",
        f"{gap}: alert outside the limit, confirmed: ticket in the plan, page in the contract.",
        f"{gap}: alert outside the limit, not confirmed: none in the plan, ticket in the contract.",
        f"{gap}: confirmed after 3 windows in a row in the plan, 1 in the contract.",
    ):
        assert wanted in said
    gone = [one for one in found.looser if one.term == "watch"]
    assert {one.watch.id for one in gone} == {w.id for w in whole.watches} - {LIVE}
    console = Console(width=160, record=True, file=StringIO())
    console.print(followed_table(found))
    assert said[0] in console.export_text()
    told = json.loads(followed_bytes(found))["looser"]
    assert {"watch": LIVE, "term": "max", "plan": 1.0, "contract": 0.1, "sentence": said[0]} in told


def test_many_looser_terms_are_counted(release):
    audit, plan = release
    watch = plan.watches[0]
    many = tuple(Looser(watch=watch, term="min", planned=None, made=Fraction(4, 5)) for _ in range(11))
    said = looser_sentences(replace(follow(plan, audit, [], SOON), looser=many))
    assert len(said) == 9 and said[-1] == "3 more terms of the plan ask for less than the contract."

"""What the data leave open: people of unknown group, missing cells, missing labels, abstentions."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_core.audit import AuditRequest, run_audit
from audit_core.evidence.workspace import Workspace
from audit_core.metrics.estimate import Count
from audit_core.metrics.unknown import unknown_range
from audit_core.report.html_page import page_values
from audit_core.report.release import release_of, released_rate
from audit_core.report.result import result
from audit_core.report.unequal_data import missing_sentences, missing_table, unknown_sentence

AS_OF = datetime(2026, 11, 20, tzinfo=UTC)
TEXT = """\
schema: evenhand/contract/v1
id: unequal
version: 1
status: approved
domain: employment
decision: {{question: q, population: p, favourable: "yes", harm: h, harmed_by: wrong_no}}
data:
  label: {{column: qualified, positive: 1}}
  decision: {{column: advanced, positive: ["yes"], abstain: review}}
  attributes: [{{name: gender}}]
  features: [income]
statistics: {{interval: {interval}}}
checks:
  - {{id: tpr_gap, stage: training, metric: tpr, compare: difference, of: [gender], limit: {{max: 0.30}},
     severity: critical, owner: o, why: w}}
{more}
roles:
  o: {{name: n, contact: c}}
author: o
"""


@st.composite
def _few(draw):
    """Two or three groups of a few people, and a few of unknown group."""
    counts = []
    for name in "abc"[: draw(st.integers(2, 3))]:
        n = draw(st.integers(1, 5))
        counts.append(Count(group=(name,), numerator=draw(st.integers(0, n)), denominator=n))
    n = draw(st.integers(1, 4))
    return counts, draw(st.integers(0, n)), n


def every_gap(counts, inside, outside, *, ratio):
    """The gap of every way to spread the unknown people over the groups, by trying them all."""
    groups = range(len(counts))
    for places in product(groups, repeat=inside + outside):
        rates = []
        for i, count in enumerate(counts):
            x = count.numerator + sum(place == i for place in places[:inside])
            n = count.denominator + sum(place == i for place in places)
            rates.append(Fraction(x, n))
        top, bottom = max(rates), min(rates)
        if not ratio:
            yield top - bottom
        elif top:
            yield bottom / top


@given(_few(), st.booleans())
@settings(max_examples=120, deadline=None)
def test_no_way_to_spread_the_unknown_people_leaves_the_range(drawn, ratio):
    counts, inside, people = drawn
    found = unknown_range(counts, inside, people, ratio=ratio)
    gaps = [float(gap) for gap in every_gap(counts, inside, people - inside, ratio=ratio)]
    low, high = sorted((found.smallest, found.largest))
    assert all(low - 1e-9 <= gap <= high + 1e-9 for gap in gaps)
    if gaps:  # the worst case is a real one; the best lets a person count in part
        worst = min(gaps) if ratio else max(gaps)
        assert found.largest == pytest.approx(worst)


def test_without_unknown_people_or_without_two_groups_there_is_no_range():
    one = [Count(group=("a",), numerator=1, denominator=2)]
    assert unknown_range(one, 1, 2, ratio=False) is None
    assert unknown_range([*one, Count(group=("b",), numerator=1, denominator=2)], 0, 0, ratio=False) is None


def test_groups_that_unknown_people_could_make_equal_have_no_gap_at_all():
    counts = [Count(group=(g,), numerator=x, denominator=n) for g, x, n in (("a", 67, 300), ("b", 61, 290))]
    assert unknown_range(counts, 40, 90, ratio=False).smallest == 0
    assert unknown_range(counts, 40, 90, ratio=True).smallest == 1
    for x in range(0, 11):
        thirds = [Count(group=(g,), numerator=k, denominator=10) for g, k in (("a", x), ("b", 3))]
        assert unknown_range(thirds, 200, 400, ratio=False).smallest == 0


def audit(tmp_path, write_rows, rows, *, interval="wilson", more=""):
    file = write_rows(tmp_path / "rows.csv", rows)
    text = TEXT.format(interval=interval, more=more)
    request = AuditRequest(contract=text.encode(), contract_name="c", evaluation=file, as_of=AS_OF)
    return run_audit(request, Workspace(tmp_path / "w"))


def people(gender, n, *, selected, label=1, income="1", review=0):
    """Rows of n people: the first `selected` advanced, then `review` abstained on, the others not."""
    words = ["yes"] * selected + ["review"] * review + ["no"] * (n - selected - review)
    return [{"gender": gender, "qualified": label, "advanced": word, "income": income} for word in words]


def test_people_of_unknown_group_are_said_with_their_reach(tmp_path, write_rows):
    rows = people("man", 300, selected=200) + people("woman", 300, selected=180) + people("", 20, selected=10)
    made = audit(tmp_path, write_rows, rows)
    gap = made.measurements.gap(("gender",), "tpr", "difference")
    assert gap.unknown.people == 20
    assert gap.unknown.largest == pytest.approx(210 / 310 - 180 / 310)
    assert gap.unknown.smallest < float(gap.gap.value) < gap.unknown.largest
    assert unknown_sentence(gap) == (
        "20 people of unknown gender are in no gap. Whichever group each of them belongs to, the true "
        "positive rate gap would lie between 3.2 pts and 9.7 pts; without them it is 6.7 pts."
    )
    assert result(made)["gaps"][0]["unknown"]["people"] == 20


def test_missing_cells_are_counted_by_group_with_their_intervals(tmp_path, write_rows):
    rows = people("man", 300, selected=200) + people("woman", 240, selected=160)
    rows += people("woman", 60, selected=30, income="")
    made = audit(tmp_path, write_rows, rows)
    (found,) = made.measurements.missing
    assert (found.column, found.part, found.apart) == ("income", "feature", True)
    assert [(group, rate.numerator, rate.denominator) for group, rate in found.groups] == [
        ("man", 0, 300), ("woman", 60, 300)]  # fmt: skip
    assert "60 of 300 (20.0 %) of woman against 0 of 300" in next(missing_sentences(made))
    assert missing_table(made)[1]["Counts"] == "60 of 300"
    assert Workspace(tmp_path / "w").load(made.id).measurements.missing == made.measurements.missing


def test_labels_missing_more_often_in_one_group_are_judged_without_being_asked(tmp_path, write_rows):
    rows = people("man", 300, selected=200) + people("woman", 300, selected=190)
    rows += people("woman", 100, selected=30, label="")
    made = audit(tmp_path, write_rows, rows)
    found = made.finding("label_coverage")
    assert (found.status, found.evidence, found.severity) == ("FAIL", "CONFIRMED", "minor")
    assert (found.low.numerator, found.low.denominator) == (300, 400)
    assert made.decision.verdict == "APPROVED_WITH_CONDITIONS"
    loaded = Workspace(tmp_path / "w").load(made.id)
    assert loaded.findings == made.findings


def test_a_check_of_ones_own_takes_the_place_of_the_implied_one(tmp_path, write_rows):
    own = (
        "  - {id: labels, stage: training, metric: label_coverage, of: [gender], severity: critical, "
        "owner: o, why: w}"
    )
    rows = people("man", 300, selected=200) + people("woman", 300, selected=190)
    rows += people("woman", 100, selected=30, label="")
    made = audit(tmp_path, write_rows, rows, more=own)
    assert made.finding("label_coverage") is None
    assert made.finding("labels").status == "FAIL"
    assert made.decision.verdict == "BLOCKED"


def test_no_label_is_missing_so_nothing_is_implied(tmp_path, write_rows):
    rows = people("man", 300, selected=200) + people("woman", 300, selected=190)
    assert [f.check for f in audit(tmp_path, write_rows, rows).findings] == ["tpr_gap"]


def test_rates_among_those_decided_on_stand_beside_those_that_count_abstentions(tmp_path, write_rows):
    rows = people("man", 300, selected=200, review=50) + people("woman", 300, selected=190)
    made = audit(tmp_path, write_rows, rows)
    man = next(row for row in made.measurements.decided if row.group == ("man",))
    rates = dict(man.rates)
    assert (man.abstained, rates["tpr"].numerator, rates["tpr"].denominator) == (50, 200, 250)
    primary = made.measurements.rate(("gender",), ("man",), "tpr")
    assert (primary.numerator, primary.denominator) == (200, 300)
    assert made.measurements.rate(("gender",), ("man",), "abstain_rate").numerator == 50


def test_counsel_may_ask_for_the_guaranteed_interval(tmp_path, write_rows):
    rows = people("man", 300, selected=200) + people("woman", 300, selected=190)
    rate = audit(tmp_path, write_rows, rows, interval="clopper-pearson").measurements.rate(
        ("gender",), ("man",), "tpr"
    )
    assert rate.method == "clopper-pearson"
    assert (rate.low, rate.high) == pytest.approx((0.6102075870605, 0.7197951544705), abs=1e-9)


def test_every_screen_and_document_uses_the_interval_the_contract_asks_for(tmp_path, write_rows):
    rows = people("man", 300, selected=200) + people("woman", 300, selected=190)
    made = audit(tmp_path, write_rows, rows, interval="clopper-pearson")
    wanted = made.measurements.rate(("gender",), ("man",), "tpr")
    assert released_rate(release_of(made), ("gender",), ("man",), "tpr", made.contract) == wanted
    said = " ".join(page_values(made)["methods"])
    assert "Clopper and Pearson" in said and "Wilson" not in said
    wilson = audit(tmp_path, write_rows, rows)
    assert "Wilson" in " ".join(page_values(wilson)["methods"])


@pytest.mark.parametrize(
    ("known", "wanted"),
    [
        ((0, 0), ("NOT_RUN", "no_id")),
        ((600, 0), ("NOT_RUN", "no_id")),
        ((600, 5), ("INCONCLUSIVE", "ids_missing")),
        ((600, 600), ("PASS", "within")),
    ],
)
def test_ids_that_are_not_there_approve_nothing(tmp_path, write_rows, known, wanted):
    """Of so many rows of each file the id is filled in; none of them stands in both."""
    rows = people("man", 300, selected=200) + people("woman", 300, selected=190)
    files = [
        write_rows(
            tmp_path / f"{name}.csv",
            [row | {"id": f"{name}{i}" if i < filled else ""} for i, row in enumerate(rows)],
        )
        for name, filled in zip(("train", "evaluation"), known, strict=True)
    ]
    asked = "metric: overlap, limit: {max: 0}, severity: critical"
    check = f"  - {{id: leak, stage: data, {asked}, owner: o, why: w}}\n"
    text = TEXT.format(interval="wilson", more=check).replace("data:\n", "data:\n  id: id\n", 1)
    request = AuditRequest(
        contract=text.encode(), contract_name="c", train=files[0], evaluation=files[1], as_of=AS_OF
    )
    made = run_audit(request, Workspace(tmp_path / "w"))
    found = made.finding("leak")
    assert (found.status, found.reason) == wanted
    assert (made.decision.verdict == "APPROVED") == (wanted[0] == "PASS")

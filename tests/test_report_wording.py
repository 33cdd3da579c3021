"""The words: a sentence for every status and reason, numbers that reproduce the verdict, words never used."""

from __future__ import annotations

import io
import os
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from audit_core.evidence.stored import cells_to_bytes, counted_from_json, counted_to_json
from audit_core.findings.finding import GroupNeed, GroupValue, Needs
from audit_core.metrics.intervals import Interval
from audit_core.report.escape import for_html, for_markdown, for_terminal, visible
from audit_core.report.numbers import PERCENT, POINTS, RATIO, decimal, figures, percent, points, ratio
from audit_core.report.summary import summary
from audit_core.report.terminal import decision_table
from audit_core.report.wording import explain as explained
from audit_core.report.wording import (
    ground_sentence,
    headline,
    mark_of,
    of_every_hundred,
    people,
    people_sentence,
    reading,
    sentence,
    status_word,
)
from tests.report_factory import CONTRACT, audit_of, contract_of, counted, with_finding

GOLDEN = Path(__file__).parent / "golden" / "report_wording.txt"
FORBIDDEN = re.compile(
    r"\b(fair|unbiased|compliant|complies|proves|proven|passed|statistically significant|p-value)\b", re.I
)
CHECK_OF_BRIER = (
    "  - {id: brier_gap, stage: training, metric: brier, of: [gender], limit: {max: 0.05}, severity: minor, "
    "owner: ml_owner, why: w}\n"
)
WOMAN, MAN = ("woman",), ("man",)


def group(name, value, denominator):
    return GroupValue(
        group=name, value=Fraction(value, denominator), numerator=value, denominator=denominator
    )


GAP = {
    "value": Fraction(158, 1000), "lower": 0.109, "upper": 0.196, "interval": Interval(0.113, 0.203),
    "low": group(WOMAN, 421, 812), "high": group(MAN, 609, 901), "chance": 0.00002, "needs": None,
    "names": (),
}  # fmt: skip
NEEDS = Needs(unit="positives", groups=(GroupNeed(group=("nonbinary",), have=28, more=141, rows=290),))
BOTH = Needs(
    unit="positives", aim="confirm", assumed=0.12, alone=False,
    groups=(GroupNeed(group=WOMAN, have=812, more=1410, rows=2900, weeks=31),
            GroupNeed(group=MAN, have=901, more=1321, rows=2700, weeks=27)),
)  # fmt: skip


def gap(percent, low=None, high=None):
    """A gap of so many percent over women's 51.8 %, with bounds that suit it."""
    value, start = Fraction(percent, 100), Fraction(421, 812)
    bounds = (low if low is not None else percent / 100 - 0.045, high or percent / 100 + 0.04)
    return GAP | {
        "value": value, "high": GroupValue(group=MAN, value=start + value, numerator=1, denominator=901),
        "interval": Interval(percent / 100 - 0.042, percent / 100 + 0.044),
        "lower": max(0.0, bounds[0]), "upper": bounds[1],
    }  # fmt: skip


NO_GAP = {"value": None, "lower": 0.0, "upper": 1.0, "interval": None, "chance": None}
RATIO_GAP = GAP | {
    "value": Fraction(796, 1000),
    "lower": 0.71,
    "upper": 0.85,
    "interval": Interval(0.72, 0.86),
}
ONE = {"low": group(WOMAN, 12, 812), "high": group(WOMAN, 12, 812), "value": Fraction(12, 812),
       "lower": 0.009, "upper": 0.024, "interval": Interval(0.008, 0.026), "needs": None,
       "names": ()}  # fmt: skip
NOT_RUN = {"status": "NOT_RUN", "evidence": "UNSUPPORTED", **NO_GAP, "high": None, "low": None, "needs": None}


def case(status, evidence, reason, **changes):
    return {"status": status, "evidence": evidence, "reason": reason, **changes}


TPR, SELECTED, BASE = "tpr_gap_gender", "adverse_impact", "label_balance"
CASES = [
    (TPR, gap(3, high=0.0812) | case("PASS", "CONFIRMED", "within")),
    (TPR, GAP | case("FAIL", "CONFIRMED", "beyond")),
    (TPR, gap(4, low=0.12, high=0.21) | case("FAIL", "CONFIRMED", "beyond")),
    (TPR, gap(12) | case("FAIL", "UNCONFIRMED", "point_beyond", chance=0.36)),
    (TPR, gap(12) | case("FAIL", "UNCONFIRMED", "point_beyond", needs=BOTH)),
    (TPR, gap(12, low=0.0) | case("FAIL", "UNSUPPORTED", "point_beyond", needs=NEEDS)),
    (TPR, gap(12) | case("INCONCLUSIVE", "UNCONFIRMED", "point_beyond")),
    (TPR, gap(3) | case("INCONCLUSIVE", "UNSUPPORTED", "too_few", names=("nonbinary",), needs=NEEDS)),
    (TPR, gap(3) | case("INCONCLUSIVE", "UNSUPPORTED", "too_few", names=tuple("abcdef"))),
    (TPR, gap(3) | case("INCONCLUSIVE", "UNSUPPORTED", "too_few")),
    (TPR, gap(3) | case("INCONCLUSIVE", "UNSUPPORTED", "too_many_unknown")),
    (TPR, gap(9) | case("INCONCLUSIVE", "UNCONFIRMED", "either_way",
                     needs=replace(NEEDS, assumed=0.09, groups=(
                         GroupNeed(group=("nonbinary",), have=28, more=1, rows=2),)))),
    (TPR, GAP | NO_GAP | case("INCONCLUSIVE", "UNSUPPORTED", "one_group", low=group(MAN, 609, 901),
                              high=group(MAN, 609, 901))),
    (TPR, GAP | NO_GAP | case("INCONCLUSIVE", "UNSUPPORTED", "one_group", low=None, high=None)),
    (SELECTED, RATIO_GAP | case("FAIL", "UNCONFIRMED", "point_beyond")),
    (SELECTED, RATIO_GAP | case("FAIL", "UNCONFIRMED", "point_beyond",
                                needs=replace(BOTH, unit="rows", of="ratio", assumed=0.796))),
    (SELECTED, RATIO_GAP | case("PASS", "CONFIRMED", "within", value=Fraction(9, 10), lower=0.81, upper=1.2,
                                interval=Interval(0.79, 1.1), low=group(WOMAN, 548, 901))),
    (SELECTED, RATIO_GAP | case("INCONCLUSIVE", "UNCONFIRMED", "either_way", value=Fraction(81, 100),
                                low=group(WOMAN, 494, 901),
                                upper=float("inf"), interval=Interval(0.7, float("inf")))),
    (SELECTED, RATIO_GAP | NO_GAP | case("INCONCLUSIVE", "UNSUPPORTED", "undefined", upper=float("inf"))),
    (BASE, ONE | case("PASS", "CONFIRMED", "within", value=Fraction(4, 10), lower=0.37, upper=0.43,
                      interval=Interval(0.36, 0.44))),
    (BASE, ONE | case("FAIL", "CONFIRMED", "beyond", upper=0.0199)),
    (BASE, ONE | case("FAIL", "UNCONFIRMED", "point_beyond")),
    (BASE, ONE | case("INCONCLUSIVE", "UNCONFIRMED", "either_way", needs=Needs(
        unit="rows", of="rate", groups=(GroupNeed(group=WOMAN, have=812, more=4100, rows=4100, weeks=40),)))),
    (BASE, ONE | case("INCONCLUSIVE", "UNSUPPORTED", "too_few", names=("woman",))),
    (BASE, NOT_RUN | {"reason": "undefined"}),
    ("slice_coverage", case("PASS", "CONFIRMED", "within")),
    ("slice_coverage", case("FAIL", "CONFIRMED", "missing_group", names=("agender",))),
    ("slice_coverage", case("INCONCLUSIVE", "UNSUPPORTED", "thin_group", names=("nonbinary", "other"),
                            needs=Needs(unit="rows", aim="minimum", groups=tuple(
                                GroupNeed(group=(name,), have=100 - more, more=more, rows=more)
                                for name, more in (("nonbinary", 40), ("other", 3)))))),
    ("slice_coverage", case("INCONCLUSIVE", "UNSUPPORTED", "one_group", low=None)),
    ("split_leakage", case("PASS", "CONFIRMED", "within")),
    ("split_leakage", case("FAIL", "CONFIRMED", "shared_ids", value=Fraction(1))),
    ("split_leakage", case("INCONCLUSIVE", "UNSUPPORTED", "ids_missing", value=Fraction(0))),
    ("input_drift", case("PASS", "CONFIRMED", "within")),
    ("input_drift", case("PASS", "CONFIRMED", "within", warned=True, names=("job_family",))),
    ("input_drift", case("FAIL", "CONFIRMED", "drifted", names=("job_family",))),
    ("input_drift", case("INCONCLUSIVE", "UNSUPPORTED", "drift_insufficient", names=("job_family",))),
    *((TPR, NOT_RUN | {"reason": reason}) for reason in (
        "no_baseline", "no_train", "no_features", "no_id", "no_label", "no_decision", "no_score",
        "no_attribute", "not_computed", "not_in_baseline", "baseline_without_scores", "no_rule")),
]  # fmt: skip


@pytest.fixture(scope="module")
def audit():
    return audit_of()


def every_text(audit):
    head, page = headline(audit), summary(audit)
    yield from (head.word, head.sentence, head.check)
    for finding in audit.findings:
        yield from (sentence(finding, audit), people_sentence(finding, audit), status_word(finding))
    yield from (explained(audit, check.id) for check in audit.contract.checks)
    yield from (ground_sentence(reason, audit) for reason in audit.decision.reasons)
    yield from (row.sentence for row in page.found)
    yield from page.not_known
    yield from (line.text for line in page.recommend)
    yield page.footnote


def test_every_status_and_reason_has_its_sentence(audit):
    lines = []
    for check, changes in CASES:
        changed = with_finding(audit, check, **changes)
        finding = changed.finding(check)
        head = f"{check} {finding.status} {finding.evidence} {finding.reason} [{status_word(finding)}]"
        lines += [head, f"  {sentence(finding, changed)}"]
    text = "\n".join(lines) + "\n"
    if os.environ.get("EVENHAND_GOLDEN") == "write":
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_words_that_are_never_used(audit):
    for check, changes in [(TPR, {}), *CASES]:
        changed = with_finding(audit, check, **changes)
        for text in every_text(changed):
            assert not FORBIDDEN.search(text), text
            assert "  " not in text
            assert "None" not in text


def test_a_sentence_carries_numbers_bounds_and_counts(audit):
    changed = with_finding(audit, TPR, **GAP | case("FAIL", "CONFIRMED", "beyond"))
    text = sentence(changed.finding(TPR), changed)
    assert text.startswith(
        "True positive rate by gender: woman 51.8 % (n=812), man 67.6 % (n=901), a gap of 15.8 pts "
        "(95 % interval 11.3 to 20.3; at least 10.9, at most 19.6; limit 10.0 pts)."
    )


def test_a_group_that_is_not_there_is_said_to_have_no_row(audit):
    nobody = {"value": None, "high": None, "low": None, "needs": None}
    changed = with_finding(
        audit, BASE, **nobody | case("INCONCLUSIVE", "UNSUPPORTED", "too_few", names=("Z",))
    )
    text = sentence(changed.finding(BASE), changed)
    assert "no row of Z, so nothing can be said about that group." in text
    assert "no group holds" not in text


def test_a_drawn_gap_without_a_bound_says_why():
    text = CONTRACT.replace("roles:\n", CHECK_OF_BRIER + "roles:\n")
    made = audit_of(contract_of(text))
    gaps = tuple(
        replace(gap, gap=replace(gap.gap, upper=float("inf"),
                                 simulated=replace(gap.gap.simulated, absent="a group is odd")))
        if gap.metric == "brier" else gap for gap in made.measurements.gaps
    )  # fmt: skip
    changed = replace(made, measurements=replace(made.measurements, gaps=gaps))
    changed = with_finding(changed, "brier_gap", upper=float("inf"))
    assert "no upper bound, since a group is odd" in sentence(changed.finding("brier_gap"), changed)


def test_one_row_and_one_group_are_spoken_of_as_one(audit):
    intake = replace(audit.counted.intake, dropped=(("no usable score", 1),), missing_label=1, edge_rows=1,
                     repeated=1, folded=(("gender", 1),))  # fmt: skip
    one = replace(audit, counted=replace(audit.counted, intake=intake))
    text = " ".join(summary(one).not_known)
    for part in ("1 row of 6,012 was left out", "1 row has no outcome and is in", "1 row lies so close",
                 "that its score band", "1 row repeats", "1 rare group of gender was put"):  # fmt: skip
        assert part in text


def test_a_thin_group_is_never_said_to_be_without_a_conclusion(audit):
    text = " ".join(summary(audit).not_known)
    assert "can't be shown to be within a limit" in text
    assert "no conclusion is drawn" not in text
    only = audit_of(contract_of(CONTRACT.replace("required: [man, woman], ", "")),
                    counted(rows=60, gender={"man": 1.0}))  # fmt: skip
    notes = [note for note in summary(only).not_known if "of 1 group of gender" in note]
    assert notes and "in the other groups" not in notes[0]


def test_sentence_about_people_uses_the_contracts_words(audit):
    finding = audit.finding(TPR)
    assert people_sentence(finding, audit) == (
        "Of every 100 qualified applicants in each group, the model advanced about 69 men and 48 women."
    )


def test_rates_that_look_alike_per_hundred_are_given_per_thousand():
    pair = ((("A",), Fraction(1012, 10000)), (("B",), Fraction(1021, 10000)))
    assert of_every_hundred("tpr", pair, contract_of()) == (
        "Of every 1,000 qualified applicants in each group, "
        "the model advanced about 101 in “A” and 102 in “B”."
    )


@pytest.mark.parametrize(
    ("old", "new", "noun", "past"),
    [
        ("Advance the applicant to a recruiter interview?", "Deny the loan?", "applicants", "selected"),
        ("Advance the applicant to a recruiter interview?", "Is it safe?", "applicants", "selected"),
        ("Applicants to salaried roles in the US, 2026", "Sales staff of 2026", "people", "advanced"),
        ("Applicants to salaried roles in the US, 2026", "Replies drafted by the bot", "replies", "advanced"),
    ],
)
def test_words_that_do_not_fit_fall_back_to_neutral_ones(old, new, noun, past):
    words = people(contract_of(CONTRACT.replace(old, new)))
    assert (words.noun, words.past) == (noun, past)


def test_a_verb_of_refusal_is_used_only_where_refusal_is_what_is_selected():
    text = CONTRACT.replace("Advance the applicant to a recruiter interview?", "Block the applicant?")
    assert people(contract_of(text.replace("favourable: 1", "favourable: 0"))).past == "blocked"
    assert people(contract_of(text)).past == "selected"


def test_headline_names_the_primary_check(audit):
    head = headline(audit)
    assert head.word == "Do not release"
    assert head.check_id == TPR
    assert "at most 10.0 pts" in head.sentence
    assert head.check.startswith("Check tpr_gap_gender (critical, line ")


def test_headline_of_an_unmet_requirement_and_of_a_draft():
    text = CONTRACT.replace("met: true, by: ml_owner", "met: false, by: ml_owner")
    assert headline(audit_of(contract_of(text))).sentence == (
        "A requirement that blocks the release is not met: production monitoring owner. "
        "It is answered for by ml_owner."
    )
    draft = CONTRACT.replace("status: approved", "status: draft")
    page = summary(audit_of(contract_of(draft)))
    assert any("draft" in line.text for line in page.recommend)


def test_headline_of_an_approval():
    text = CONTRACT.split("  - {id: tpr_gap_gender")[0] + CONTRACT[CONTRACT.index("roles:\n") :]
    counts = counted(penalty=0.0, gender={"man": 0.5, "woman": 0.5}, ethnicity={"A": 0.5, "B": 0.5})
    audit = audit_of(contract_of(text), counts)
    assert headline(audit).word == "Approved within contract"
    assert headline(audit).sentence == (
        "Each of the 3 checks this run decides on is shown to be within its limit, for every group it names."
    )


def test_marks(audit):
    changed = with_finding(audit, TPR, **CASES[7][1])
    assert mark_of(changed.finding(TPR)) == "too_few"
    undefined = with_finding(audit, BASE, **NOT_RUN | {"reason": "undefined"})
    assert status_word(undefined.finding(BASE)) == "Undefined"


def test_explain_says_what_when_who(audit):
    text = explained(audit, TPR)
    for part in ("asks:", "The contract's reason:", "How to read this:", "Answered for by ml_owner"):
        assert part in text
    assert "later stage (canary)" in explained(audit, "canary_selection")
    assert explained(audit, "no such check") == "The contract has no check of that name."


# Numbers


def test_number_formats():
    assert percent(Fraction(591, 1000)) == "59.1 %"
    assert points(Fraction(-151, 1000)) == "−15.1 pts"
    assert points(Fraction(-1, 100_000)) == "0.0 pts"
    assert ratio(Fraction(796, 1000)) == "0.796"
    assert decimal(1234567, 0) == "1,234,567"


def test_a_bound_a_hair_over_the_limit_is_not_printed_as_the_limit():
    shown = figures(POINTS, (0.10004,), (Fraction(1, 10),))
    assert (shown.text(0.10004), shown.text(Fraction(1, 10))) == ("10.004 pts", "10.000 pts")


@given(
    st.fractions(min_value=0, max_value=2, max_denominator=10**6),
    st.sampled_from([Fraction(1, 10), Fraction(8, 10), Fraction(25, 100), Fraction(1, 3)]),
    st.sampled_from([POINTS, PERCENT, RATIO]),
)
@settings(max_examples=150, deadline=None)
def test_printed_numbers_reproduce_the_comparison(value, limit, unit):
    shown = figures(unit, (value,), (limit,))
    printed = [Fraction(shown.bare(number).replace(",", "").replace("−", "-")) for number in (value, limit)]
    assert (printed[0] > printed[1], printed[0] == printed[1]) == (value > limit, value == limit)


def test_a_drift_findings_chance_level_is_not_read_as_its_bound(audit):
    assert reading(audit.finding("input_drift")).upper is None


# Escaping


@pytest.mark.parametrize("name", ["a\u202eb", "a\u200bb", "a\nb", "a\x1b[31mb", "a\ufeffb", "a\u3164b"])
def test_hidden_characters_are_shown(name):
    for sink in (visible, for_terminal, for_markdown, for_html):
        assert name[1] not in sink(name)
    assert f"[U+{ord(name[1]):04X}]" in visible(name)


def test_markup_stays_text():
    assert for_terminal("[red]x[/red] \\[b]") == "[red]x[/red] \\[b]"  # printed as Text, never as markup
    assert for_html("<b>'\"&") == "&lt;b&gt;&#x27;&quot;&amp;"
    shown = for_markdown(":red[x] **b** $x$ <b> :material/home: https://a.b #h")
    for token in (":red[", "**", " $x$", "<b>", "material/", "https:/"):
        assert token not in shown
    assert for_markdown("    code")[0] == "\u00a0"


def printed(audit, *, terminal: bool) -> str:
    console = Console(width=100, force_terminal=terminal, record=True, file=io.StringIO())
    console.print(decision_table(audit))
    return console.export_text(styles=False)


def test_terminal_table_is_plain_and_fits(audit):
    text = printed(audit, terminal=False)
    assert "✕ Do not release" in text
    assert "at least 16.8, at most 23.9" in text
    assert all(len(line) <= 100 for line in text.splitlines())
    assert "\x1b" not in text


def test_terminal_shows_hostile_names_as_text():
    counts = counted(gender={"[red]man\x1b[0m": 0.5, "wo\u202eman": 0.5})
    text = CONTRACT.replace("reference: man, required: [man, woman], ", "")
    plain = printed(audit_of(contract_of(text), counts), terminal=True)
    assert "\u202e" not in plain
    assert "\x1b" not in plain


def test_headline_of_an_approval_with_conditions():
    head, _, rest = CONTRACT.partition("  - {id: tpr_gap_gender")
    minor = rest.split("\n", 1)[0].replace("critical, primary: true", "minor")
    text = f"{head}  - {{id: tpr_gap_gender{minor}\n" + CONTRACT[CONTRACT.index("roles:\n") :]
    counts = counted(gender={"man": 0.5, "woman": 0.5}, ethnicity={"A": 0.5, "B": 0.5})
    found = headline(audit_of(contract_of(text), counts))
    assert found.word == "Approved with conditions"
    assert found.sentence.startswith("Nothing blocks the release, but not every check is within its limit.")


def test_rows_without_an_id_are_counted_for_both_files():
    counts = counted()
    thin = replace(counts.overlap, train_without_id=0, evaluation_ids=5, evaluation_without_id=5995)
    made = audit_of(counts=replace(counts, overlap=thin))
    found = made.finding("split_leakage")
    assert (found.status, found.reason) == ("INCONCLUSIVE", "ids_missing")
    told = "0 of 8,000 rows in the training sample and 5,995 of 6,000 rows in the evaluation set have no id"
    assert told in sentence(found, made)


def test_a_record_from_before_rows_without_an_id_were_counted_says_that_nobody_knows():
    counts = counted()
    data = counted_to_json(counts)
    assert counted_from_json(data, cells_to_bytes(counts.cube, None)).overlap == counts.overlap
    data["overlap"] = {key: data["overlap"][key] for key in ("shared", "train_ids", "evaluation_ids")}
    old = audit_of(counts=counted_from_json(data, cells_to_bytes(counts.cube, None)))
    found = old.finding("split_leakage")
    assert (found.status, found.reason) == ("INCONCLUSIVE", "ids_missing")
    assert "does not say how many rows have no id" in sentence(found, old)

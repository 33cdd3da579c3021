"""Impact ratios as hiring law reads them: exact where a line is drawn, careful where words are chosen."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from audit_core.metrics.estimate import Count
from audit_core.metrics.hiring import (
    AgainstReference,
    counts_of,
    fisher_exact,
    impact_table,
    scoring_counts,
)
from audit_core.metrics.intervals import koopman_ratio, z_two_sided
from audit_core.report.law import CHECKED_SENTENCE, LAW, NOT_COVERED, NOT_THE_BIAS_AUDIT, law_rows

GOLDEN = json.loads((Path(__file__).parent / "golden" / "hiring.json").read_text(encoding="utf-8"))
NUMBERS = {
    "z_pooled_sd_units": "sd_units",
    "fisher_exact_two_sided_p": "fisher_p",
    "shortfall_to_parity": "shortfall_to_parity",
    "shortfall_to_four_fifths": "shortfall_to_four_fifths",
    "flip_flop_one_more_selected_clears": "swap_clears",
}
groups = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=2, max_size=5).map(
    lambda pairs: [Count(group=(str(i),), numerator=min(p), denominator=max(p)) for i, p in enumerate(pairs)]
)


def table_of(selected_total, **more):
    return impact_table(counts_of(selected_total), **more)


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["in"]["name"])
def test_four_fifths_is_that_of_the_reference_calculation(case):
    share = Fraction(str(case["in"]["exclude_below_share"]))
    table = table_of(case["in"]["selected_total"], smallest_share=share)
    assert table.reference == (case["reference"],)
    assert [line.group[0] for line in table.excluded] == case["excluded"]
    for name, wanted in case["by_category"].items():
        line = table.line((name,))
        assert float(line.selection_rate) == pytest.approx(wanted["selection_rate"], abs=1e-9)
        assert line.four_fifths_flag is wanted["four_fifths_flag"]
        ratio = line.impact_ratio
        assert ratio is None if wanted["impact_ratio"] is None else abs(ratio - wanted["impact_ratio"]) < 1e-9
        assert (line.against is None) == ("z_pooled_sd_units" not in wanted)
        for key, name_here in NUMBERS.items():
            if key in wanted:
                found = getattr(line.against, name_here)
                assert found is wanted[key] if isinstance(found, bool) else abs(found - wanted[key]) < 1e-9


def test_the_scoring_rate_counts_strictly_above_the_median_of_everybody():
    wanted = GOLDEN["scoring"]
    found = scoring_counts(wanted["scores"], [(group,) for group in wanted["group"]])
    assert found.median == wanted["sample_median"]
    table = impact_table(found.counts)
    for count in found.counts:
        assert float(count.value) == pytest.approx(wanted["scoring_rate"][count.group[0]], abs=1e-12)
        assert float(table.line(count.group).impact_ratio) == pytest.approx(
            wanted["impact_ratio"][count.group[0]], abs=1e-12
        )


def test_of_an_even_number_the_median_is_halfway_and_nobody_stands_on_it():
    found = scoring_counts([1.0, 2.0, 3.0, 4.0], [("a",), ("b",), ("a",), ("b",)])
    assert found.median == Fraction(5, 2)
    assert [count.numerator for count in found.counts] == [1, 1]
    with pytest.raises(ValueError, match="at least one"):
        scoring_counts([], [])


@pytest.mark.parametrize("case", GOLDEN["boundary"], ids=str)
def test_exactly_four_fifths_is_not_below(case):
    table = table_of({"top": (case["ref_k"], case["ref_n"]), "group": (case["k"], case["n"])})
    assert table.line(("group",)).four_fifths_flag is case["adverse"]


def test_floats_would_flag_what_is_exactly_four_fifths():
    """12/40 over 15/40 is 0.8 in fact and 0.7999… in floating point."""
    assert (12 / 40) / (15 / 40) < 0.8
    line = table_of({"top": (15, 40), "group": (12, 40)}).line(("group",))
    assert line.impact_ratio == Fraction(4, 5) and line.four_fifths_flag is False
    assert table_of({"top": (15_000_000, 40_000_000), "group": (11_999_999, 40_000_000)}).flagged


def test_a_small_category_is_shown_but_never_sets_the_highest_rate():
    table = table_of({"large": (50, 100), "other": (45, 100), "tiny": (3, 3)})
    tiny = table.line(("tiny",))
    assert table.reference == ("large",)
    assert (tiny.excluded, tiny.impact_ratio, tiny.four_fifths_flag) == (True, None, None)
    assert (tiny.n, tiny.selected, tiny.selection_rate) == (3, 3, 1)
    assert not table_of({"large": (49, 98), "small": (2, 2)}).excluded  # exactly two percent is not under it


def test_people_of_unknown_category_are_counted_apart():
    unknown = Count(group=("",), numerator=9, denominator=10)
    table = impact_table(counts_of({"a": (5, 10), "b": (4, 10)}), unknown=[unknown])
    assert (table.known, table.unknown_people, table.reference) == (20, 10, ("a",))
    assert table.line(("",)) is None


def test_nobody_selected_has_no_ratio_and_no_flag():
    table = table_of({"a": (0, 10), "b": (0, 20)})
    assert [line.impact_ratio for line in table.lines] == [None, None] and table.lowest is None
    empty = table_of({"a": (0, 0), "b": (1, 2)})
    assert empty.line(("a",)).selection_rate is None and empty.line(("a",)).against is None
    assert impact_table([]).reference is None


@given(groups)
def test_the_exact_test_agrees_with_another_library(counts):
    first, second = counts[:2]
    x1, n1, x2, n2 = first.numerator, first.denominator, second.numerator, second.denominator
    theirs = stats.fisher_exact([[x1, n1 - x1], [x2, n2 - x2]])[1]
    assert fisher_exact(x1, n1, x2, n2) == pytest.approx(theirs, abs=1e-9)


def test_the_exact_test_at_the_size_of_a_city():
    for x1, n1, x2, n2 in ((123_456, 300_000, 200_000, 500_000), (400_000, 10**6, 401_000, 10**6)):
        theirs = stats.fisher_exact([[x1, n1 - x1], [x2, n2 - x2]])[1]
        assert fisher_exact(x1, n1, x2, n2) == pytest.approx(theirs, abs=1e-8)
    assert 0 <= fisher_exact(10**7, 10**9, 10**7 + 10**4, 10**9) <= 1
    with pytest.raises(ValueError, match="between 0"):
        fisher_exact(2, 1, 0, 1)


@given(groups)
def test_shortfalls_are_the_fewest_people_that_reach_the_line(counts):
    table = impact_table(counts, smallest_share=Fraction(0))
    if table.reference is None:
        return
    top = table.line(table.reference).selection_rate
    for line in table.lines:
        if line.against is None:
            continue
        for short, line_at in (
            (line.against.shortfall_to_four_fifths, Fraction(4, 5) * top),
            (line.against.shortfall_to_highest, top),
        ):
            assert Fraction(line.selected + short, line.n) >= line_at
            assert short == 0 or Fraction(line.selected + short - 1, line.n) < line_at
        assert line.against.one_more_clears == (line.against.shortfall_to_four_fifths <= 1)


@given(groups)
def test_no_group_is_above_the_reference_and_its_own_ratio_is_one(counts):
    table = impact_table(counts, smallest_share=Fraction(0))
    for line in table.lines:
        assert line.impact_ratio is None or line.impact_ratio <= 1
        if line.group == table.reference and line.selected:
            assert line.impact_ratio == 1 and line.four_fifths_flag is False


def test_one_selection_less_can_set_the_flag_as_one_more_can_end_it():
    kept: AgainstReference = table_of({"a": (5, 10), "b": (4, 10)}).line(("b",)).against
    assert kept.one_fewer_flags and kept.swap_flags
    ended = table_of({"a": (4, 5), "b": (3, 5)}).line(("b",)).against
    assert ended.one_more_clears and ended.swap_clears
    firm = table_of({"a": (480, 800), "b": (120, 400)}).line(("b",)).against
    assert not firm.one_more_clears and not firm.swap_clears


def test_where_people_are_repeated_there_is_no_exact_test_and_a_wider_interval():
    counts = counts_of({"a": (50, 100), "b": (40, 100)})
    repeated = [
        Count(group=c.group, numerator=c.numerator, denominator=c.denominator, design_effect=2)
        for c in counts
    ]
    beside, plain = (impact_table(c).line(("b",)).against for c in (repeated, counts))
    assert beside.fisher_p is None and beside.sd_units is None
    assert beside.interval == koopman_ratio(20, 50, 25, 50, z_two_sided(0.95))
    assert beside.interval.low < plain.interval.low


# The law, in words


def test_every_source_has_a_status_a_date_and_no_promise():
    rows = law_rows("employment")
    assert len(rows) == len(LAW) >= 10
    assert all(all(row.values()) and row["Checked"].startswith("mid-2026") for row in rows)
    said = (
        " ".join(" ".join(row.values()) for row in rows) + CHECKED_SENTENCE + NOT_COVERED + NOT_THE_BIAS_AUDIT
    )
    assert not re.search(
        r"\b(complies|compliant|compliance|unbiased|proves|certified|guarantees)\b", said, re.I
    )
    assert "re-verify before each release" in CHECKED_SENTENCE and "not legal advice" in CHECKED_SENTENCE
    assert "We never call this the LL144 audit" in NOT_THE_BIAS_AUDIT


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("Uniform Guidelines", "Status changing"),
        ("Colorado", "Repealed before taking effect"),
        ("Model-risk", "SR 11-7 was superseded by SR 26-2 on 17 April 2026"),
        ("EU AI Act", "2 December 2027"),
    ],
)
def test_what_changed_is_said_to_have_changed(source, words):
    (note,) = (note for note in LAW if note.source.startswith(source))
    assert words in note.status


def test_employment_law_is_not_put_beside_a_loan():
    assert not any("1607" in row["Source"] or "144" in row["Source"] for row in law_rows("lending"))
    assert any("EU AI Act" in row["Source"] for row in law_rows("lending"))

"""People who stand in several rows: what their repetition costs, through the whole pipeline."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit_core.audit import AuditRequest, run_audit
from audit_core.cube.clusters import CELLS, PersonTotals
from audit_core.evidence.workspace import Workspace
from audit_core.metrics.catalogue import RATES
from audit_core.metrics.clusters import design_effect, largest_effect
from audit_core.metrics.estimate import Count, Measured, TooFew, estimate_rate
from audit_core.metrics.gaps import difference_gap
from audit_core.metrics.intervals import newcombe_difference, wilson, z_two_sided

AS_OF = datetime(2026, 11, 20, tzinfo=UTC)
TEXT = """\
schema: evenhand/contract/v1
id: repeated
version: 1
status: approved
domain: employment
decision: {question: q, population: p, favourable: 1, harm: h, harmed_by: wrong_no}
data:
  label: {column: qualified, positive: 1}
  decision: {column: advanced, positive: [1]}
  id: applicant_id
  attributes: [{name: gender}]
checks:
  - {id: tpr_gap, stage: training, metric: tpr, compare: difference, of: [gender], limit: {max: 0.10},
     severity: critical, owner: o, why: w}
roles:
  o: {name: n, contact: c}
author: o
"""


def totals(people: list[list[int]]) -> PersonTotals:
    """Totals of people given as lists of cells (4 · label + decision), one per row."""
    counts = np.array([np.bincount(cells, minlength=CELLS) for cells in people], dtype=np.int64)
    products = counts.T @ counts
    masks = [sum(1 << cell for cell in set(cells)) for cells in people]
    return PersonTotals(
        subject=("g",),
        group=("a",),
        products=tuple(
            (i, j, int(products[i, j])) for i in range(CELLS) for j in range(i, CELLS) if products[i, j]
        ),
        patterns=tuple((mask, masks.count(mask)) for mask in sorted(set(masks))),
    )


PEOPLE = st.lists(
    st.lists(st.sampled_from([0, 1, 2, 4, 5, 6, 8, 9]), min_size=1, max_size=5), min_size=1, max_size=30
)


@given(PEOPLE, st.sampled_from(sorted(RATES)))
@settings(max_examples=150, deadline=None)
def test_the_design_effect_is_kishs_formula_over_the_rows(people, name):
    metric = RATES[name]
    above, below = metric.numerator.reshape(-1), metric.denominator.reshape(-1)
    x = np.array([sum(above[cell] for cell in cells) for cells in people], dtype=float)
    m = np.array([sum(below[cell] for cell in cells) for cells in people], dtype=float)
    x, m = x[m > 0], m[m > 0]
    n, hits, c = int(m.sum()), int(x.sum()), len(m)
    found = design_effect(totals(people), metric, hits, n)
    if n == 0:
        assert found == 1
    elif c == 1 or hits in (0, n):
        assert found == pytest.approx(max(1.0, n / c))
    else:
        p = hits / n
        v = c / (c - 1) * float(((x - p * m) ** 2).sum()) / n**2
        assert found == pytest.approx(min(n, max(1.0, v / (p * (1 - p) / n))), rel=1e-9)


def test_people_who_stand_in_one_row_each_change_nothing():
    people = [[0], [5], [4], [1]] * 25
    assert design_effect(totals(people), RATES["accuracy"], 50, 100) == pytest.approx(1.0, abs=0.02)


def test_rows_that_say_the_same_count_as_their_people():
    people = [[5] * 4, [4] * 4] * 30  # 60 people, four equal rows each
    effect = design_effect(totals(people), RATES["tpr"], 120, 240)
    assert effect == pytest.approx(4 * 60 / 59)
    assert largest_effect(totals(people), RATES["tpr"].denominator, 240) == pytest.approx(4.0)


def test_an_interval_is_made_from_effective_counts_and_the_rate_from_the_rows():
    rate = estimate_rate(60, 120, required=100, design_effect=1.1)
    assert isinstance(rate, Measured)
    assert (rate.numerator, rate.denominator) == (60, 120)
    assert rate.interval == wilson(60 / 1.1, 120 / 1.1, z_two_sided(0.95))
    assert rate.method == "wilson, adjusted for repeated people"
    assert isinstance(estimate_rate(60, 120, required=100, design_effect=1.3), TooFew)


def test_a_gap_of_repeated_people_is_bounded_by_effective_counts():
    plain = [Count(group=(g,), numerator=x, denominator=300) for g, x in (("a", 200), ("b", 180))]
    twice = [Count(group=c.group, numerator=c.numerator, denominator=300, design_effect=2.0) for c in plain]
    narrow, wide = (difference_gap(counts, min_support=50) for counts in (plain, twice))
    assert narrow.value == wide.value
    assert wide.interval == newcombe_difference(100, 150, 90, 150, z_two_sided(0.95))
    assert wide.upper > narrow.upper
    assert wide.chance_of_gap > narrow.chance_of_gap
    assert not math.isnan(wide.chance_of_gap)


def test_files_with_repeated_people_are_judged_on_effective_counts(tmp_path, write_rows):
    """Each of 40 women and 40 men applies ten times and is always decided alike: 40 people, not 400 rows."""
    rows = []
    for sex in ("man", "woman"):
        for person in range(40):
            row = {
                "applicant_id": f"{sex}{person}",
                "gender": sex,
                "qualified": 1,
                "advanced": int(person < 30),
            }
            rows += [row] * 10
    file = write_rows(tmp_path / "rows.csv", rows)
    audit = run_audit(
        AuditRequest(contract=TEXT.encode(), contract_name="c", evaluation=file, as_of=AS_OF),
        Workspace(tmp_path / "w"),
    )
    found = audit.finding("tpr_gap")
    assert (found.status, found.evidence, found.reason) == ("INCONCLUSIVE", "UNSUPPORTED", "too_few")
    assert (found.high.numerator, found.high.denominator) == (300, 400)
    rate = audit.measurements.rate(("gender",), ("woman",), "tpr")
    assert isinstance(rate, TooFew)
    assert rate.interval == pytest.approx(wilson(30 * 39 / 40, 39, z_two_sided(0.95)), abs=1e-9)
    assert Workspace(tmp_path / "w").load(audit.id).counted == audit.counted
    assert audit.counted.people  # and no id among what was kept
    assert b"woman7" not in (tmp_path / "w" / "audits" / audit.id / "record.json").read_bytes()

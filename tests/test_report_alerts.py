"""Alerts beside the drift figures, on the worked example and at their edges."""

from __future__ import annotations

import pytest
from statsmodels.stats.proportion import confint_proportions_2indep

from audit_core.cube.drift import MISSING_BIN, DriftTable
from audit_core.metrics.measurements import DriftRow
from audit_core.report.alerts import drift_alerts, missing_moved


def row(before, after, new=(), size=(1000, 1000)):
    """A feature whose missing cells are `before` and `after`, out of `size` rows."""
    table = DriftTable(
        feature="f", kind="categorical", attribute="", group="", labels=("a", MISSING_BIN), edges=(),
        reference=(size[0] - before, before), current=(size[1] - after, after), new_categories=new,
    )  # fmt: skip
    return DriftRow(table=table, statistics=None, status="stable", ks=None)


def test_the_worked_example_alerts_on_what_was_planted(hiring_audit):
    said = drift_alerts(hiring_audit.measurements.drift)
    assert len(said) == 2
    assert [text.split(":")[0] for text in said] == ["source", "commute_km"]
    assert "ai_matching" in said[0] and "missing cells rose from 0.8 % (64 of 8,000) to 8.0 %" in said[1]
    assert said[1].endswith("95 % interval of the change 6.4 pts to 8.1 pts.")


@pytest.mark.parametrize(("before", "after"), [(8, 80), (80, 8), (20, 24), (0, 0), (0, 4), (0, 9)])
def test_a_missing_rate_moved_when_its_interval_leaves_out_zero(before, after):
    low, high = confint_proportions_2indep(after, 1000, before, 1000, method="newcomb")
    found = missing_moved(row(before, after).table)
    assert (found is not None) == (low > 0 or high < 0)
    if found is not None:
        assert tuple(found) == pytest.approx((low, high), abs=1e-12)


def test_a_new_category_is_told_from_one_percent_on():
    assert drift_alerts([row(0, 0, new=(("x", 9),))]) == ()
    (said,) = drift_alerts([row(0, 0, new=(("x", 10),))])
    assert said == "f: “x” is new; training has no row of it, the evaluation set 10 of 1,000 (1.0 %)."

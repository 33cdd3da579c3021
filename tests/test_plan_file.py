"""Plans as files: what is written is read back exactly, and what is wrong is told at its line."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from plan_factory import NASTY_PLAN, PLAN, check_of, watch_of
from ruamel.yaml import YAML

from audit_core.contract.compose import LARGEST, composed
from audit_core.contract.schema import Limit
from audit_core.decision.plan import AtRelease, Detection, LabelRule, Step, WindowRule
from audit_core.errors import ContractError, PlanError
from audit_core.evidence.plan_file import (
    MOST_NODES,
    parse_plan,
    plan_problems,
    plan_schema,
    plan_text,
    read_plan,
)

TEXT = plan_text(PLAN)
said = st.text(min_size=1, max_size=30).filter(lambda text: re.search(r"\S", text))
days = st.dates(date(2026, 1, 1), date(2030, 1, 1))
shares = st.integers(0, 10_000).map(lambda n: n / 10_000)
decimals = st.integers(0, 1000).map(lambda n: Fraction(n, 1000))
LEVELS = ("page", "ticket", "none")
stood = st.sampled_from([
    AtRelease(), AtRelease(status="major"), AtRelease(status="NOT_RUN", evidence="UNSUPPORTED"),
    AtRelease(status="FAIL", evidence="CONFIRMED", waived=True),
])  # fmt: skip
reals = st.floats(0, 1e9, allow_subnormal=False).filter(lambda x: x == 0 or x > 1e-9)


@st.composite
def plans(draw):
    names = draw(st.lists(said, min_size=2, max_size=2, unique=True))
    limit = Limit(warn=draw(st.none() | st.just(Fraction(1, 100))), max=draw(decimals) + Fraction(1, 50))
    check = check_of("c", of=((draw(said),),), limit=replace(limit, max=min(limit.max, Fraction(1))))
    watches = tuple(
        watch_of(check, name, owner=draw(said), at_release=draw(stood), confirm=draw(st.integers(1, 9)),
                 acknowledge_hours=draw(st.integers(0, 99)), confirmed=draw(st.sampled_from(LEVELS)))
        for name in names
    )  # fmt: skip
    chart = replace(
        PLAN.trend.charts[0], watch=names[0], h=draw(reals) + 0.5, high=(draw(said),), subject=(draw(said),)
    )
    found = Detection(watch=names[1], kind="growth", change=draw(decimals), by_level=draw(shares),
                      by_trend=draw(shares), by_any=draw(shares), replicates=9,
                      median_windows=draw(st.none() | reals))  # fmt: skip
    least = tuple(draw(st.lists(said, max_size=2)))
    rule = WindowRule(unit="month", rolling=draw(st.integers(1, 9)), reason="longest", needed=3,
                      brings=draw(st.none() | reals), least=least)  # fmt: skip
    return replace(
        PLAN, watches=watches, window=rule, detection=(found,), trend=replace(PLAN.trend, charts=(chart,)),
        contract_id=draw(said), contract_version=draw(said), model_name=draw(said), silence_owner=draw(said),
        reviews=tuple(draw(st.lists(days, max_size=3))), escalation=(Step(after_hours=0, to=draw(said)),),
        labels=LabelRule(complete=min(draw(decimals), Fraction(1)), due_days=draw(st.integers(0, 99))),
        level=Fraction(draw(st.integers(501, 999)), 1000), privacy_floor=draw(st.integers(1, 99)),
    )  # fmt: skip


@settings(max_examples=25)
@given(plans())
def test_what_is_written_is_read_back_exactly(plan):
    assert parse_plan(plan_text(plan).encode(), "plan.yaml") == plan


def test_hostile_names_come_back_as_they_were(tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text(plan_text(NASTY_PLAN), encoding="utf-8")
    assert read_plan(path) == NASTY_PLAN
    assert "\u202e" not in path.read_text(encoding="utf-8")  # what turns a line around is written out


def test_editors_schema_and_another_reader_agree():
    schema = json.loads(plan_schema())
    Draft202012Validator.check_schema(schema)
    yaml = YAML(typ="safe", pure=True)
    data = yaml.load(TEXT)
    dates = json.loads(json.dumps(data, default=str))
    assert [error.message for error in Draft202012Validator(schema).iter_errors(dates)] == []
    assert data["watches"][0]["limit"] == {"warn": 0.08, "max": 0.1}
    for block in _objects(schema):
        assert block["additionalProperties"] is False
        for key, value in block["properties"].items():
            named = schema["$defs"].get(value.get("$ref", "").removeprefix("#/$defs/"), {})
            assert value.get("description") or named.get("description"), key


def _objects(node):
    if isinstance(node, dict):
        if "properties" in node:
            yield node
        for below in node.values():
            yield from _objects(below)
    elif isinstance(node, list):
        for below in node:
            yield from _objects(below)


EDITS = (
    ("max: 0.1}", "max: 0.12}", lambda p: p.watches[0].check.limit.max == Fraction(12, 100)),
    ("confirmed: page", "confirmed: ticket", lambda p: p.watches[0].confirmed == "ticket"),
    ("{page: 4, ticket: 48}", "{page: 1, ticket: 24}", lambda p: p.watches[0].ticket_hours == 24),
    ("rolling: 1", "rolling: 2", lambda p: p.window.rolling == 2),
    ("days: 7,", "days: 3,", lambda p: p.silence_days == 3),
)


@pytest.mark.parametrize(("old", "new", "holds"), EDITS)
def test_people_may_edit_limits_levels_hours_and_cadence(old, new, holds):
    assert old in TEXT
    assert holds(parse_plan(TEXT.replace(old, new, 1).encode(), "plan.yaml"))


WRONG = (
    ("schema: evenhand/plan/v1", "schema: evenhand/plan/v9", "unknown-value"),
    ("silence:", "silance:", "unknown-key"),
    ("confirmed: page", "confirmed: pager", "unknown-value"),
    ("max: 0.1}", "max: 1.1}", "out-of-range"),
    ("max: 0.1}", "max: 0.01}", "limits-crossed"),
    ("max: 0.1}", "min: 0.1}", "limit-missing"),
    ("max: 0.1}", "max: .nan}", "not-a-number"),
    ("complete: 0.9", "complete: 90", "out-of-range"),
    ("level: 0.95", "level: 0.5", "out-of-range"),
    ("privacy_floor: 10", "privacy_floor: 0", "out-of-range"),
    ("{status: FAIL,", "{status: FAILED,", "unknown-value"),
    ("starts: 2026-11-01", "starts: 2026-11-31", "not-a-date"),
    ("ends: 2027-04-30", "ends: 2025-04-30", "out-of-range"),
    ("ends: 2027-04-30", "ends: 9999-04-30", "out-of-range"),
    ("unit: month", "unit: week", "other-horizon"),
    ("watch: live_tpr_gap,", "watch: gone,", "undefined-watch"),
    ("id: input_drift_commute_km", "id: live_tpr_gap", "repeated-name"),
    ("baseline: [[671, 993]", "baseline: [[994, 993]", "out-of-range"),
    ("people: [500, 420]", "people: [0, 420]", "out-of-range"),
    ("high: [man], low", "high: [man, White], low", "wrong-length"),
    ("after_hours: 4", "after_hours: 40", "out-of-order"),
    ("features: [commute_km], ", "", "missing-key"),
    ("features: [commute_km]", "features: [commute_km], of: [a]", "key-not-used"),
    ("metric: tpr, compare", "metric: overlap, compare", "unknown-value"),
    ("id: P-20261116-3f9a1c2e", "id: ../../etc", "wrong-form"),
    ("sha256: " + "c0" * 32, "sha256: c0", "wrong-form"),
    ("made_on:", "id: again\nmade_on:", "duplicate-key"),
    ("owner: ml_owner\n", "owner: !!python/object ml_owner\n", "explicit-tag"),
    ("rolling: 1", "rolling: 1.5", "wrong-type"),
    ("replicates: 2000\n", "replicates: 2000\n  extra: &a [*a]\n", "undefined-alias"),
)


@pytest.mark.parametrize(("old", "new", "code"), WRONG)
def test_each_mistake_is_told_at_its_place(old, new, code):
    assert old in TEXT
    text = TEXT.replace(old, new, 1)
    with pytest.raises(PlanError) as told:
        parse_plan(text.encode(), "plan.yaml")
    assert code in {p.code for p in told.value.problems}
    assert all("contract" not in p.message.lower() for p in told.value.problems)
    where = 1 + TEXT[: TEXT.index(old)].count("\n")
    assert code == "other-horizon" or any(abs(p.line - where) <= 1 for p in told.value.problems)


def test_all_problems_come_in_one_error():
    text = TEXT.replace("unit: month", "unit: year").replace("due_days: 45", "due_days: -1")
    with pytest.raises(ContractError, match="The plan has 2 problems") as told:
        parse_plan(text.encode(), "plan.yaml")
    assert all(line.startswith("plan.yaml:") for line in told.value.lines())
    assert told.value.exit_code == 3


BOMB = b"a: &a [1, 1, 1, 1, 1, 1, 1, 1]\n" + b"".join(
    b"%c: &%c [%s]\n" % (98 + i, 98 + i, b", ".join([b"*%c" % (97 + i)] * 8)) for i in range(8)
)
NO_PLANS = (
    b"", b"\xff\xfe", b"- 1\n", b"just text", b"a: {" * 40, b"a: 1\n---\nb: 2\n", b"x" * ((1 << 20) + 2),
    b"%YAML 1.1\n---\nschema: evenhand/plan/v1\n", BOMB,
)  # fmt: skip


@pytest.mark.parametrize("text", NO_PLANS)
def test_what_is_no_plan_is_refused_with_a_place(text):
    problems = plan_problems(text)
    assert problems and all(p.line >= 1 and p.column >= 1 and p.message for p in problems)
    assert all("contract" not in p.message.lower() for p in problems)


def test_a_file_that_cannot_be_opened_is_one_problem(tmp_path):
    with pytest.raises(PlanError, match="1 problem"):
        read_plan(tmp_path / "none.yaml")


def test_a_plan_is_too_large_for_its_bytes_before_it_is_for_its_values():
    """A release may have a thousand inputs, each a watch; the reader's cap on values is not what stops it."""
    drift = PLAN.watches[2]
    watches = tuple(replace(drift, id=f"drift.{n}") for n in range(40))
    text = plan_text(replace(PLAN, watches=watches, detection=(), trend=replace(PLAN.trend, charts=())))
    assert composed(text, len(watches) * 65)[1] == []
    each = len(text.encode()) // len(watches) - 100
    assert LARGEST // each * 65 <= MOST_NODES

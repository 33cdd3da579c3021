"""A monitoring plan, and what following it has shown, written by hand: no audit, no simulation, no file."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from fractions import Fraction

from audit_core.contract.schema import Check, Limit, Response, Subject
from audit_core.decision.plan import (
    AtRelease,
    Detection,
    LabelRule,
    Plan,
    Step,
    TrendChart,
    TrendRule,
    Watch,
    WindowRule,
)


def check_of(
    name: str, metric: str = "tpr", *, of: tuple[Subject, ...] = (("gender",),), limit: Limit | None = None,
    features: tuple[str, ...] | None = None, compare: str | None = "difference",
) -> Check:  # fmt: skip
    """A check of stage monitor; its limit is a gap of at most 10 points, warned of at 8."""
    return Check(
        id=name,
        stage="monitor",
        metric=metric,
        compare=compare,
        of=of,
        features=features,
        against=None,
        window="28d",
        limit=limit or Limit(warn=Fraction(8, 100), max=Fraction(1, 10)),
        severity="critical",
        primary=False,
        owner="ml_owner",
        why="Differences can grow after launch.",
        on_fail=Response(action="page", notify="ml_owner"),
    )


def watch_of(check: Check, name: str | None = None, **changes: object) -> Watch:
    """A watch of a check that pages when it is confirmed."""
    base = Watch(
        id=name or check.id,
        check=check,
        origin="contract",
        warning="ticket",
        unconfirmed="ticket",
        confirmed="page",
        owner=check.owner,
        acknowledge_hours=4,
        confirm=1,
        needs_labels=True,
    )
    return replace(base, **changes)


def drift_watch(feature: str, name: str | None = None) -> Watch:
    """A watch of one feature's drift, with the limits of the house: tickets alone."""
    check = check_of(
        "input_drift", "psi", of=(), features=(feature,), compare=None,
        limit=Limit(warn=Fraction(1, 10), max=Fraction(1, 4)),
    )  # fmt: skip
    return watch_of(
        check, name or f"input_drift_{feature}", origin="drift", confirmed="ticket", unconfirmed="none",
        owner="data_scientist", acknowledge_hours=48, needs_labels=False,
        at_release=AtRelease(status="moderate"),
    )  # fmt: skip


IMPACT = Limit(min=Fraction(8, 10))
WATCHES = (
    watch_of(
        check_of("live_tpr_gap"),
        at_release=AtRelease(status="FAIL", evidence="CONFIRMED", waived=True),
    ),
    watch_of(
        check_of("adverse_impact", "selection_rate", compare="ratio", limit=IMPACT),
        origin="release", confirmed="ticket", owner="counsel", acknowledge_hours=48, needs_labels=False,
        at_release=AtRelease(status="INCONCLUSIVE", evidence="UNSUPPORTED"),
    ),
    drift_watch("employment_gap_months"),
    drift_watch("commute_km"),
)  # fmt: skip
CHARTS = tuple(
    TrendChart(
        watch="live_tpr_gap",
        metric="tpr",
        subject=("gender",),
        high=(high,),
        low=(low,),
        baseline=((671, 993), (430, 830)),
        people=(500, 420),
        h=4.25,
    )
    for high, low in (("man", "woman"), ("woman", "man"))
)


def detected(change: int, shares: tuple[float, float, float], median: float | None, kind: str = "step"):
    """What the first watch sees of a change in points, as shares by level, by trend and by either."""
    return Detection(
        watch="live_tpr_gap", kind=kind, change=Fraction(change, 100), by_level=shares[0],
        by_trend=shares[1], by_any=shares[2], median_windows=median, replicates=400,
    )  # fmt: skip


DETECTION = (
    detected(0, (0.0125, 0.0275, 0.04), None, "none"),
    detected(2, (0.03, 0.09, 0.11), None),
    detected(5, (0.12, 0.35, 0.4), None),
    detected(8, (0.61, 0.88, 0.94), 2.0),
    detected(12, (0.97, 1.0, 1.0), 1.0),
    detected(1, (0.02, 0.2, 0.22), None, "growth"),
    detected(2, (0.31, 0.78, 0.83), 5.0, "growth"),
)

PLAN = Plan(
    id="P-20261116-3f9a1c2e",
    audit_id="A-20261116-5a5a5a5a",
    contract_id="hiring-screen",
    contract_version="4",
    contract_sha256="c0" * 32,
    cube_sha256="cb" * 32,
    model_name="model.joblib",
    model_sha256="8c" * 32,
    made_on=date(2026, 11, 16),
    starts=date(2026, 11, 1),
    ends=date(2027, 4, 30),
    window=WindowRule(unit="month", rolling=1, reason="enough", least=("woman",), brings=415.0, needed=50),
    labels=LabelRule(complete=Fraction(9, 10), due_days=45),
    watches=WATCHES,
    trend=TrendRule(
        chance=Fraction(5, 100), horizon=6, allowance=0.5, replicates=2000, seed=7, charts=CHARTS
    ),
    escalation=(
        Step(after_hours=0, to="ml_owner"),
        Step(after_hours=4, to="platform_oncall"),
        Step(after_hours=24, to="counsel"),
    ),
    silence_days=7,
    silence_owner="platform_oncall",
    reviews=(date(2026, 12, 16), date(2027, 2, 16), date(2027, 4, 16)),
    detection=DETECTION,
)

NASTY = 'a "b" \\ c\n{{ evil }} 山 ${x} %d \u202e `id`'
"""A name with everything that a label, a template, a shell or a scheduler reads."""
NASTY_PLAN = replace(
    PLAN,
    watches=(watch_of(check_of("live_tpr_gap", of=((NASTY,),)), owner=NASTY), drift_watch(NASTY, NASTY)),
    escalation=(Step(after_hours=0, to=NASTY),),
    silence_owner=NASTY,
    trend=replace(PLAN.trend, charts=()),
    model_name=NASTY,
)
AS_OF = datetime(2027, 4, 3, 6, 17, tzinfo=UTC)

"""Six months of a followed release, made by hand: a gap that widens, a drift, outcomes still arriving."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

from audit_core.contract.schema import Check, Limit, Response
from audit_core.decision.followed import (
    EstimatedRate,
    Followed,
    Incident,
    TrendPoint,
    WatchPoint,
    WindowRate,
    WindowView,
)
from audit_core.decision.plan import (
    Detection,
    LabelRule,
    Plan,
    Step,
    TrendChart,
    TrendRule,
    Watch,
    WindowRule,
)
from audit_core.findings.finding import Finding, GroupValue
from audit_core.metrics.estimate import estimate_rate
from audit_core.metrics.intervals import newcombe_difference, z_two_sided

NAMES = ("2026-11", "2026-12", "2027-01", "2027-02", "2027-03", "2027-04")
MEN, WOMEN = ("man",), ("woman",)
FEW = ("nonbinary",)
QUALIFIED = {MEN: 520, WOMEN: 490, FEW: 12}
SELECTED = {MEN: (374, 375, 377, 380, 385), WOMEN: (288, 287, 284, 261, 220), FEW: (7, 6, 8, 5, 6)}
"""Qualified people who were selected: gaps of .132, .136, .145, .199 and .292."""
PSI = (0.012, 0.014, 0.019, 0.048, 0.131, 0.142)
AS_OF = datetime(2027, 5, 3, 9, 0, tzinfo=UTC)
BLANK_LIMIT = Limit()


def check(name: str, metric: str, **more) -> Check:
    base = {
        "stage": "monitor", "compare": "difference", "of": (("gender",),), "features": None, "against": None,
        "window": "28d", "limit": BLANK_LIMIT, "severity": "critical", "primary": False, "owner": "ml_owner",
        "why": "It can decay.", "on_fail": Response(action="page", notify="ml_owner"),
    }  # fmt: skip
    return Check(id=name, metric=metric, **{**base, **more})


TPR = check("live_tpr_gap", "tpr", limit=Limit(max=Fraction(10, 100), warn=Fraction(8, 100)))
IMPACT = check(
    "adverse_impact", "selection_rate", compare="ratio", limit=Limit(min=Fraction(80, 100)), on_fail=None
)
GAP_MONTHS = check(
    "drift_employment_gap_months", "psi", compare=None, of=(), features=("employment_gap_months",),
    limit=Limit(warn=Fraction(10, 100), max=Fraction(25, 100)), on_fail=None, owner="data_scientist",
)  # fmt: skip


def watch(of: Check, origin="contract", confirmed="page", *, labels=True) -> Watch:
    hours = 4 if confirmed == "page" else 48
    return Watch(id=of.id, check=of, origin=origin, warning="ticket", unconfirmed="ticket",
                 confirmed=confirmed, owner=of.owner, acknowledge_hours=hours, confirm=1,
                 needs_labels=labels)  # fmt: skip


def chart(high, low, counts) -> TrendChart:
    return TrendChart(watch=TPR.id, metric="tpr", subject=("gender",), high=high, low=low, baseline=counts,
                      people=(QUALIFIED[high], QUALIFIED[low]), h=7.4)  # fmt: skip


MEN_FIRST = ((723, 1000), (612, 1000))


def plan_of(**changes) -> Plan:
    """A plan with a page, a ticket and a drift watch."""
    made = Plan(
        id="P-20261116-0117abcd", audit_id="A-20261116-0117abcd", contract_id="hiring-screen",
        contract_version="4", contract_sha256="c0" * 32, cube_sha256="cb" * 32, model_name="model.joblib",
        model_sha256="8c" * 32, made_on=date(2026, 11, 16), starts=date(2026, 11, 1), ends=date(2027, 4, 30),
        window=WindowRule(unit="month", rolling=1, reason="enough", least=WOMEN, brings=490.0, needed=50),
        labels=LabelRule(complete=Fraction(9, 10), due_days=60),
        watches=(
            watch(TPR),
            watch(IMPACT, "release", "ticket", labels=False),
            watch(GAP_MONTHS, "drift", "ticket", labels=False),
        ),
        trend=TrendRule(chance=Fraction(5, 100), horizon=6, allowance=0.5, replicates=4000, seed=7, charts=(
            chart(MEN, WOMEN, MEN_FIRST), chart(WOMEN, MEN, MEN_FIRST[::-1]))),
        escalation=(Step(after_hours=4, to="platform_oncall"), Step(after_hours=24, to="counsel")),
        silence_days=45, silence_owner="ml_owner", reviews=(date(2027, 2, 1), date(2027, 5, 1)),
        detection=(Detection(watch=TPR.id, kind="none", change=Fraction(0), by_level=0.01, by_trend=0.03,
                             by_any=0.04, median_windows=None, replicates=4000),),
    )  # fmt: skip
    return replace(made, **changes)


def views(*, missing: int | None = None) -> tuple[WindowView, ...]:
    """The six months; the last one's outcomes are still arriving, `missing` is one without data."""
    ends = [30, 31, 31, 28, 31, 30]
    found = []
    for place, (name, end) in enumerate(zip(NAMES, ends, strict=True)):
        first = date.fromisoformat(f"{name}-01")
        last = first.replace(day=end)
        if place == missing:
            found.append(WindowView(name=name, first=first, last=last, state="missing", rows=0, labelled=0,
                                    periods=(), sources=()))  # fmt: skip
            continue
        late = place == len(NAMES) - 1
        found.append(WindowView(
            name=name, first=first, last=last, state="maturing" if late else "complete",
            rows=2000, labelled=780 if late else 2000, periods=(name,),
            sources=((f"window_{place + 1}.csv", f"{place + 1:02d}" * 32),),
        ))  # fmt: skip
    return tuple(found)


def gap_finding(place: int, limit=Fraction(10, 100)) -> Finding:
    """The TPR gap of one month, a point over the limit decides nothing."""
    counts = {group: (SELECTED[group][place], QUALIFIED[group]) for group in (MEN, WOMEN)}
    ends = {g: GroupValue(group=g, value=Fraction(*c), numerator=c[0], denominator=c[1])
            for g, c in counts.items()}  # fmt: skip
    interval = newcombe_difference(*counts[MEN], *counts[WOMEN], z_two_sided(0.95))
    strict = newcombe_difference(*counts[MEN], *counts[WOMEN], z_two_sided(0.90))
    value = ends[MEN].value - ends[WOMEN].value
    sure = strict.low > limit
    return Finding(
        check=TPR.id, stage="monitor", severity="critical", primary=False, line=70,
        status="FAIL" if sure else "INCONCLUSIVE", evidence="CONFIRMED" if sure else "UNCONFIRMED",
        reason="beyond" if sure else "point_beyond", subject=("gender",), metric="tpr", compare="difference",
        limit=limit, limit_kind="max", value=value, lower=strict.low, upper=strict.high, interval=interval,
        high=ends[MEN], low=ends[WOMEN], chance=None, warned=True,
    )  # fmt: skip


def impact_finding() -> Finding:
    men, women = Fraction(520, 1000), Fraction(470, 980)
    return Finding(
        check=IMPACT.id, stage="monitor", severity="major", primary=False, line=60, status="PASS",
        evidence="CONFIRMED", reason="within", subject=("gender",), metric="selection_rate", compare="ratio",
        limit=Fraction(80, 100), limit_kind="min", value=women / men, lower=0.861, upper=0.983,
        interval=None, high=GroupValue(group=MEN, value=men, numerator=520, denominator=1000),
        low=GroupValue(group=WOMEN, value=women, numerator=470, denominator=980),
    )  # fmt: skip


def drift_finding(place: int) -> Finding:
    moved = PSI[place] > 0.10
    who = GroupValue(group=("employment_gap_months",), value=Fraction(0), numerator=None, denominator=2000)
    return Finding(
        check=GAP_MONTHS.id, stage="monitor", severity="minor", primary=False, line=0, status="PASS",
        evidence="CONFIRMED", reason="within", subject=(), metric="psi", compare="none",
        limit=Fraction(25, 100), limit_kind="max", value=PSI[place], upper=0.0112, high=who, warned=moved,
        names=("employment_gap_months",) if moved else (),
    )  # fmt: skip


def points(seen: tuple[WindowView, ...]) -> tuple[WatchPoint, ...]:
    """Every watch in every month; nothing is judged where there is no data or no outcome."""
    made = []
    for place, view in enumerate(seen):
        for of in (TPR, IMPACT, GAP_MONTHS):
            why = "missing" if view.state == "missing" else ""
            if not why and of is TPR and view.state != "complete":
                why = view.state
            found = None
            if not why:
                found = {
                    TPR.id: gap_finding,
                    IMPACT.id: lambda _: impact_finding(),
                    GAP_MONTHS.id: drift_finding,
                }[of.id](place)
            made.append(
                WatchPoint(watch=of.id, window=view.name, windows=(view.name,), finding=found, why=why)
            )
    return tuple(made)


def rates(seen: tuple[WindowView, ...]) -> tuple[WindowRate, ...]:
    """TPR of every group in every month that has data; the last month's are of the outcomes so far."""
    made = []
    for place, view in enumerate(seen):
        if view.state == "missing":
            continue
        late = view.state == "maturing"
        for group in (MEN, FEW, WOMEN):
            taken = 4 if late else place
            counts = [SELECTED[group][taken], QUALIFIED[group]]
            if late:
                counts = [round(part * 0.39) for part in counts]
            found = estimate_rate(*counts, required=50)
            before = Fraction(*dict(zip((MEN, WOMEN), MEN_FIRST, strict=True)).get(group, (6, 11)))
            made.append(WindowRate(window=view.name, metric="tpr", subject=("gender",), group=group,
                                   estimate=found, delta=found.fraction - before, maturing=late))  # fmt: skip
    return tuple(made)


def trends(seen: tuple[WindowView, ...]) -> tuple[TrendPoint, ...]:
    """Both signs of the gap; only that of men over women grows."""
    up, made = 0.0, []
    for view, z in zip(seen, (1.1, 1.4, 1.9, 5.5, 11.2, 0.0), strict=True):
        judged = view.state == "complete"
        up = max(0.0, up + z - 0.5) if judged else up
        for ends, value, signed in (((MEN, WOMEN), up, z), ((WOMEN, MEN), 0.0, -z)):
            made.append(TrendPoint(
                watch=TPR.id, high=ends[0], low=ends[1], window=view.name, z=signed if judged else None,
                value=value if judged else None, limit=7.4, alarm=judged and value > 7.4,
            ))  # fmt: skip
    return tuple(made)


def estimates(seen: tuple[WindowView, ...]) -> tuple[EstimatedRate, ...]:
    """What the scores lead one to expect of women's TPR, and what came."""
    made = []
    for place, view in enumerate(seen):
        if view.state == "missing":
            continue
        for group, value in ((MEN, 0.72), (WOMEN, 0.58)):
            came = None
            if view.state == "complete":
                came = estimate_rate(SELECTED[group][place], QUALIFIED[group])
            low, high = value - 0.05, value + 0.05
            made.append(EstimatedRate(
                window=view.name, metric="tpr", subject=("gender",), group=group, value=value, low=low,
                high=high, people=QUALIFIED[group] - 0.4, observed=came,
                held=None if came is None else low <= came.value <= high,
            ))  # fmt: skip
    return tuple(made)


def incident(kind="confirmed", **changes) -> Incident:
    """One incident of the fairness watch; a page since February."""
    raised = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
    base = {
        "id": f"I-{kind}", "watch": TPR.id, "level": "page" if kind == "confirmed" else "ticket",
        "began": "2027-02", "windows": ("2027-02", "2027-03"), "open": True, "owner": "ml_owner",
        "raised": raised, "due": raised + timedelta(hours=4), "finding": gap_finding(4),
        "action": "page" if kind == "confirmed" else "",
    }  # fmt: skip
    return Incident(kind=kind, **{**base, **changes})


def incidents() -> tuple[Incident, ...]:
    """What six months raised: two closed or open tickets before the page, a trend and a drift."""
    early = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
    drifted = datetime(2027, 4, 1, 9, 0, tzinfo=UTC)
    return (
        incident("unconfirmed", began=NAMES[0], windows=NAMES[:5], finding=gap_finding(4),
                 raised=early, due=early + timedelta(hours=48)),
        incident(),
        incident("trend", began="2027-03", windows=("2027-03",), finding=None),
        incident("drift", watch=GAP_MONTHS.id, began="2027-03", windows=NAMES[4:], finding=drift_finding(5),
                 owner="data_scientist", raised=drifted, due=drifted + timedelta(hours=48)),
    )  # fmt: skip


def followed_of(*, missing: int | None = None, **changes) -> Followed:
    """The whole; `missing` is the place of a month without data."""
    seen = views(missing=missing)
    made = Followed(
        plan=plan_of(), as_of=AS_OF, windows=seen, rates=rates(seen), points=points(seen),
        trends=trends(seen), estimates=estimates(seen), incidents=incidents(), exit_code=1,
    )  # fmt: skip
    return replace(made, **changes)

"""Thresholds tried, in words and as tables."""

from __future__ import annotations

from fractions import Fraction

from audit_core.contract.schema import ReleaseContract, Subject
from audit_core.cube.bands import FINE, Bands
from audit_core.cube.redecide import Cut, edge_value, production_cut, threshold_edge
from audit_core.decision.record import Audit
from audit_core.findings.finding import Finding
from audit_core.metrics.estimate import Estimate, Measured, TooFew
from audit_core.metrics.thresholds import PER_GROUP, SHOWN, Strategy, Trial
from audit_core.report.headline import ground_sentence
from audit_core.report.numbers import count, counted, decimal, percent
from audit_core.report.people import group_words, selected_is_favourable
from audit_core.report.rates import interval_text, rate_text
from audit_core.report.table_of_checks import check_rows
from audit_core.report.table_rows import NONE, RESULT, Rows
from audit_core.report.words import metric_name, names_text

STRATEGY_NAMES: dict[Strategy, str] = {
    "production": "One threshold, as in production",
    "best_accuracy": "One threshold of best accuracy",
    "equal_selection": "Equal selection",
    "equal_opportunity": "Equal opportunity",
    "equalized_odds": "Equalized odds",
    "free": "A free threshold per group",
}
STRATEGY_MEANINGS: dict[Strategy, str] = {
    "production": "The decisions as they were made. Every other strategy is compared with these.",
    "best_accuracy": "The one cut-off for everybody at which wrong decisions cost least, at the costs given "
    "here.",
    "equal_selection": "A cut-off for each group, so that its selection rate comes as close as it can to "
    "everybody's in production.",
    "equal_opportunity": "A cut-off for each group, so that its true positive rate comes as close as it can "
    "to everybody's in production: of those who should be selected, the same share is.",
    "equalized_odds": "A cut-off for each group, so that both its true and its false positive rate come as "
    "close as they can to everybody's in production. Cut-offs alone rarely make both equal; that would take "
    "decisions drawn by lot, which are not made here.",
    "free": "Move each group's cut-off yourself and see what follows.",
}
OPTIMISTIC = (
    "The cut-offs are chosen on the same rows that they are reported on, so what stands under “after” looks "
    "better than it would on new people."
)
SAME_ROWS = "tried on the same rows; not the contract’s"
EMPLOYMENT_NOTE = (
    "**Diagnostic only: these cut-offs cannot be proposed as a fix.** In the United States, 42 U.S.C. "
    "2000e-2(l) makes it unlawful to use different cut-offs for employment-related tests, or to adjust or "
    "otherwise alter their scores or results, on the basis of race, color, religion, sex or national origin, "
    "when people are selected or referred for employment or promotion. Whether a model's score is such a "
    "test is for counsel to say. Cut-offs by group are shown here to understand the model, and for no other "
    "use."
)
COUNSEL_NOTE = (
    "**Ask counsel before any use.** Cut-offs that differ by a protected attribute treat people differently "
    "because of it. Whether that is allowed depends on the field and the place; this page does not say."
)
ONE_THRESHOLD_NOTE = "One cut-off for everybody uses no protected attribute when it decides."


def legal_note(contract: ReleaseContract, strategy: Strategy) -> str:
    """Return the warning that goes with cut-offs by group, in Markdown; "" for one threshold."""
    if strategy not in PER_GROUP:
        return ""
    return EMPLOYMENT_NOTE if contract.domain == "employment" else COUNSEL_NOTE


def cut_words(bands: Bands, cut: Cut) -> str:
    """Return a cut-off on the score's own scale: “0.43”, “everybody”, “nobody”, “as in production”."""
    if cut is None:
        exact = bands.threshold is not None and threshold_edge(bands) is not None
        return _number(float(bands.threshold or 0)) if exact else "as in production"
    if cut == 0:
        return "everybody"
    return "nobody" if cut == bands.count else _number(edge_value(bands, cut))


def edges_sentence(bands: Bands, *, follows: bool) -> str:
    """Return which thresholds can be tried, and how exact production's own is."""
    which = (
        f"the edges of {FINE} equal bands"
        if bands.count == FINE
        else f"the contract's own {bands.count - 1} edges"
    )
    said = f"Scores are kept as counts in bands, so a cut-off can be set at {which} and nowhere between."
    if bands.threshold is None or not follows:
        return f"{said} Production's decisions follow no such edge; they stand as they were counted."
    own = _number(float(bands.threshold))
    return f"{said} Production's own, {own}, stands for the decisions as they were counted."


def repeated_sentence(audit: Audit) -> str:
    """Return what repeated people mean for a threshold that is tried, or "" where nobody is repeated."""
    repeated = audit.counted.intake.repeated
    if not repeated:
        return ""
    verb = "repeats" if repeated == 1 else "repeat"
    return (
        f"{counted(repeated, 'rows')} {verb} an earlier person; where decisions are tried, every row counts "
        "as a person of its own, so intervals and bounds are too narrow."
    )


def lab_caption(audit: Audit) -> str:
    """Return what can be tried on an audit, and what its repeated people mean for it."""
    cube = audit.counted.cube
    if cube.published:
        return "Published counts hold no scores, so no other threshold can be tried."
    edges = edges_sentence(cube.bands, follows=production_cut(cube) is not None)
    return f"{edges} {repeated_sentence(audit)}".strip()


def people_rows(trial: Trial, bands: Bands) -> Rows:
    """Return whose decision changes: a row for each group, and the sum."""
    rows = [
        {
            "Group": group_words(group.group),
            "Cut-off before": cut_words(bands, None),
            "Cut-off after": cut_words(bands, group.cut),
            "People": count(group.rows),
            "Now selected": count(group.gained),
            "No longer selected": count(group.lost),
            "Share that changes": percent(Fraction(group.gained + group.lost, group.rows))
            if group.rows
            else NONE,
        }
        for group in trial.groups
    ]
    gained, lost = sum(g.gained for g in trial.groups), sum(g.lost for g in trial.groups)
    people = sum(g.rows for g in trial.groups)
    whole = {
        "Group": "Everybody",
        "Cut-off before": NONE,
        "Cut-off after": NONE,
        "People": count(people),
        "Now selected": count(gained),
        "No longer selected": count(lost),
        "Share that changes": percent(Fraction(gained + lost, people)) if people else NONE,
    }
    return [*rows, whole]


def people_sentence(trial: Trial, contract: ReleaseContract) -> str:
    """Return how many people's decision changes, who gains and who loses."""
    if not trial.changed:
        return "Nobody's decision changes against production."
    good = selected_is_favourable(contract)
    parts = []
    for word, better, number in (
        ("newly selected", good, sum(g.gained for g in trial.groups)),
        ("no longer selected", not good, sum(g.lost for g in trial.groups)),
    ):
        side = "gain" if better else "lose"
        parts.append(f"{count(number)} {word} (they {side} the favourable decision)" if number else "")
    people = sum(g.rows for g in trial.groups)
    verb = "changes" if trial.changed == 1 else "change"
    return (
        f"The decisions of {counted(trial.changed, 'people')} of {count(people)} {verb} against production: "
        f"{' and '.join(part for part in parts if part)}."
    )


def left_sentence(trial: Trial) -> str:
    """Return which groups kept production's cut-off for want of people, or ""."""
    names = [group_words(group) for group in trial.cuts.left]
    if not names:
        return ""
    return f"Left at production's cut-off, since too few people stand behind the rate: {names_text(names)}."


def cost_sentence(trial: Trial) -> str:
    """Return the cost of all wrong decisions before and after, in the unit the costs were given in."""
    before, after = trial.cost_before, trial.cost_after
    return f"Cost of all wrong decisions on these rows: {_cost(before)} before, {_cost(after)} after."


def rate_rows(trial: Trial) -> Rows:
    """Return every rate of every group before and after, each with its interval and count."""
    return [
        {
            "Rate": metric_name(metric),
            "Group": group_words(group.group),
            "Before": _rate(group.before[place]),
            "Interval before": interval_text(group.before[place]),
            "n before": _denominator(group.before[place]),
            "After": _rate(group.after[place]),
            "Interval after": interval_text(group.after[place]),
            "n after": _denominator(group.after[place]),
        }
        for place, metric in enumerate(SHOWN)
        for group in trial.groups
    ]


def tried_check_rows(audit: Audit, tried: Audit) -> Rows:
    """Return the checks that decisions bear on, in production and as tried."""
    before = dict(zip(map(_key, audit.findings), check_rows(audit), strict=True))
    rows = []
    for finding, row in zip(tried.findings, check_rows(tried), strict=True):
        was = before.get(_key(finding))
        if was is not None and finding.value is not None and audit.finding(*_key(finding)) != finding:
            rows.append(
                {
                    "Check": f"{row['Check']}: {row['What']}",
                    "In production": f"{was[RESULT]}: {was['Found']}",
                    RESULT: row[RESULT],
                    "Found as tried": row["Found"],
                    "Limit": row["Limit"],
                }
            )
    return rows


def deciding_sentence(tried: Audit) -> str:
    """Return the weightiest ground of a tried decision as a sentence."""
    reasons = tried.decision.reasons
    if not reasons:
        return "Every check of the contract would be within its limit."
    return ground_sentence(reasons[0], tried)


def _key(finding: Finding) -> tuple[str, Subject]:
    return finding.check, finding.subject


def _number(value: float) -> str:
    digits = 2
    while digits < 6 and abs(value * 10**digits - round(value * 10**digits)) > 1e-9:
        digits += 1
    return decimal(value, digits)


def _cost(value: Fraction) -> str:
    return decimal(value, 0 if value.denominator == 1 else 2)


def _rate(found: Estimate) -> str:
    return rate_text(found) + (" (too few)" if isinstance(found, TooFew) else "")


def _denominator(found: Estimate) -> str:
    return count(found.denominator) if isinstance(found, Measured | TooFew) else "0"

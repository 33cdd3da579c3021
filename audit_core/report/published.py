"""An audit made fit to leave the workspace: what would tell of a small group is taken out by type.

Every document is written from what `published` returns; the analyst's screens and the result file in the
workspace are written from the audit itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from fractions import Fraction

from audit_core.contract.schema import Subject
from audit_core.cube.count_cube import Group, is_unknown
from audit_core.cube.drift import MISSING_BIN
from audit_core.cube.published import STEPS, PublishedCube
from audit_core.decision.record import Audit
from audit_core.decision.verdict import RequirementState
from audit_core.findings.finding import Finding
from audit_core.metrics.catalogue import CRITERIA, RATES, RateMetric
from audit_core.metrics.drift import DriftStatistics
from audit_core.metrics.estimate import Measured, TooFew
from audit_core.metrics.intervals import Interval
from audit_core.metrics.measure import rate_metric
from audit_core.metrics.measurements import DriftRow, Measurements, Rate, SubjectGap
from audit_core.report.published_regression import published_finding, published_rows
from audit_core.report.published_window import days_are_shown, is_cut
from audit_core.report.release import masks_of, release_of, released_rate, same_counts
from audit_core.report.withheld import PublishedAudit, WithheldFinding, hidden_words

_MEANS = ("calibration_in_the_large", "auc", "brier")
_ABOUT_FILES = ("overlap", "psi")
_NAMES_A_ZERO = ("missing_group",)


def published(audit: Audit) -> PublishedAudit:
    """Return the audit as it may leave the workspace.

    The verdict and every status stay: they were decided on all counts. Rates of hidden groups are
    `Suppressed`, findings on hidden groups are `WithheldFinding`, and whatever else was measured is left out
    unless it is made of shown counts alone.
    """
    if isinstance(audit, PublishedAudit):
        return audit
    release = release_of(audit)
    shown = _measurements(audit, release)
    changed = {
        "measurements": shown,
        "findings": tuple(_finding(finding, audit, release, shown) for finding in audit.findings),
        "requirements": tuple(_requirement(state, audit) for state in audit.requirements),
    }
    kept = {field.name: getattr(audit, field.name) for field in fields(Audit)}
    return PublishedAudit(**{**kept, **changed}, release=release, judged=tuple(_judged(audit)))


def _measurements(audit: Audit, release: PublishedCube) -> Measurements:
    """Rates, gaps and overall drift; every other measurement stays inside."""
    measured = audit.measurements
    rates = tuple(_rate(rate, audit, release) for rate in measured.rates)
    return Measurements(
        subjects=measured.subjects,
        groups=measured.groups,
        rates=rates,
        gaps=tuple(gap for gap in measured.gaps if _gap_is_shown(gap, audit, release)),
        calibration=(),
        drift=tuple(_drift(row, release.floor) for row in measured.drift if row.table.over_everybody),
        regression=published_rows(audit, release),
    )


def coarse_psi(row: DriftRow, floor: int) -> bool:
    """Whether a feature has a bin under the floor: its exact PSI could then be solved for that bin's rows."""
    return any(rows < floor for rows in (*row.table.reference, *row.table.current))


def _drift(row: DriftRow, floor: int) -> DriftRow:
    """A feature's drift without its bins: how many had a value, and none, to the nearest floor."""
    found = row.statistics
    if isinstance(found, DriftStatistics) and coarse_psi(row, floor):
        coarse = replace(
            found,
            psi=round(found.psi, 1),
            kl_current_reference=round(found.kl_current_reference, 1),
            kl_reference_current=round(found.kl_reference_current, 1),
            js=round(found.js, 1),
            excess=round(found.excess, 1),
            chi2=round(found.chi2, 0),
            chi2_p=round(found.chi2_p, 1),
        )
        row = replace(row, statistics=coarse)
    before, after = (floor * round(Fraction(rows, floor)) for rows in row.table.missing())
    whole = [sum(counts) for counts in (row.table.reference, row.table.current)]
    bins = replace(
        row.table,
        labels=("values", MISSING_BIN),
        edges=(),
        reference=(max(0, whole[0] - before), before),
        current=(max(0, whole[1] - after), after),
        new_categories=(),
        mode=None,
        values=None,
    )
    # Distances of single values, and a p-value adjusted for small groups, tell more than the bins do.
    return replace(row, table=bins, ks=None, distances=None, q=None, tests=0)


def _rate(rate: Rate, audit: Audit, release: PublishedCube) -> Rate:
    shown = released_rate(release, rate.subject, rate.group, rate.metric, audit.contract)
    # The analyst's own interval knows of repeated people; it stands on the same counts. To two digits it does
    # not tell how many repeat.
    found = rate.estimate
    if not same_counts(found, shown):
        return replace(rate, estimate=shown)
    if audit.counted.people and isinstance(found, Measured | TooFew):
        return replace(rate, estimate=replace(found, low=round(found.low, 2), high=round(found.high, 2)))
    return rate


def _gap_is_shown(gap: SubjectGap, audit: Audit, release: PublishedCube) -> bool:
    """Whether a gap and its bounds are made of shown counts alone."""
    return not audit.counted.people and _same_everywhere(gap.subject, gap.metric, audit, release)


def _same_everywhere(subject: Subject, metric: str, audit: Audit, release: PublishedCube) -> bool:
    """Whether what was measured of a subject's groups is made of the very counts that are published."""
    table = release.table(subject)
    return table is not None and all(
        _same(metric, subject, cell.group, audit, release) for cell in table.cells
    )


def _same(metric: str, subject: Subject, group: Group, audit: Audit, release: PublishedCube) -> bool:
    """Whether a group's value stands on published counts; of a mean, on how many had which label."""
    rates = CRITERIA.get(metric, ("base_rate",) if metric in _MEANS else (metric,))
    cell = release.cell(subject, group)
    if metric in _MEANS and (cell is None or cell.shown != "counts"):  # a mean of scores tells of decisions
        return False
    return all(
        name in RATES
        and same_counts(
            audit.measurements.rate(subject, group, name),
            released_rate(release, subject, group, name, audit.contract),
        )
        for name in rates
    )


def _finding(finding: Finding, audit: Audit, release: PublishedCube, shown: Measurements) -> Finding:
    """A finding as it may be published: whole, without what stands on other groups, or without a number."""
    if finding.status == "NOT_RUN":
        finding = replace(finding, window=None)
    if finding.change is not None:
        level = float(audit.contract.statistics.level)
        return published_finding(finding, audit.measurements, shown, level) or _withheld(
            finding, audit, release
        )
    if finding.metric == "psi":
        return _psi(finding, audit, release)
    if finding.metric in _ABOUT_FILES or not finding.subject or finding.status == "NOT_RUN":
        return finding
    if is_cut(finding) and not days_are_shown(finding, audit, release.floor):
        return _withheld(finding, audit, release)
    if is_cut(finding) or not _counts_every_row(audit, release):  # “how many more” tells of rows in no table
        finding = replace(finding, needs=None)
    if audit.counted.people:
        finding = _to_two_digits(finding)
    if finding.reason not in _NAMES_A_ZERO and _same_everywhere(
        finding.subject, finding.metric, audit, release
    ):
        return finding
    if finding.metric == "coverage" and _people_are_shown(finding, audit, release):
        return finding
    if finding.value is None or not _pair_is_shown(finding, audit, release):
        return _withheld(finding, audit, release)
    names = finding.names if finding.reason == "too_few" else ()
    return replace(finding, lower=None, upper=None, chance=None, needs=None, names=names)


def _psi(finding: Finding, audit: Audit, release: PublishedCube) -> Finding:
    """Drift to one decimal where a feature it was judged on has a bin under the floor."""
    rows = [row for row in audit.measurements.drift if row.table.over_everybody]
    if not isinstance(finding.value, float) or not any(coarse_psi(row, release.floor) for row in rows):
        return finding
    return replace(finding, value=round(finding.value, 1))


def _to_two_digits(finding: Finding) -> Finding:
    """Bounds and interval where people repeat: exact ones would tell how many."""
    found = finding.interval
    interval = None if found is None else Interval(round(found.low, 2), round(found.high, 2))
    lower, upper, chance = (
        None if end is None else round(end, 2) for end in (finding.lower, finding.upper, finding.chance)
    )
    return replace(finding, interval=interval, lower=lower, upper=upper, chance=chance, needs=None)


def _counts_every_row(audit: Audit, release: PublishedCube) -> bool:
    """Whether the published tables hold every row, none left out as rare."""
    everybody = release.cell((), ())
    return everybody is not None and everybody.people == audit.counted.cube.rows


def _people_are_shown(finding: Finding, audit: Audit, release: PublishedCube) -> bool:
    """Whether the number of people of every group is shown, which is all that coverage is made of."""
    table = release.table(finding.subject)
    if table is None or not _counts_every_row(audit, release):
        return False
    return all(cell.people is not None for cell in table.cells)


def _pair_is_shown(finding: Finding, audit: Audit, release: PublishedCube) -> bool:
    """Whether a gap is told by two shown groups alone, and its words do not lean on another one.

    The highest and the lowest rate bound the others, so none of them may be hidden.
    """
    high, low, table = finding.high, finding.low, release.table(finding.subject)
    if table is None or any(cell.shown != "counts" for cell in table.cells):
        return False
    if finding.compare not in ("difference", "ratio") or high is None or low is None:
        return False
    if finding.reason not in ("within", "beyond", "point_beyond", "either_way", "too_few"):
        return False
    if finding.reason == "too_few" and not finding.names:
        return False
    if finding.reason == "beyond" and not _outside(finding):
        return False
    return all(_same(finding.metric, finding.subject, end.group, audit, release) for end in (high, low))


def _outside(finding: Finding) -> bool:
    value, limit = finding.value, finding.limit
    if value is None or limit is None:
        return False
    return value < limit if finding.compare == "ratio" else value > limit


def _withheld(finding: Finding, audit: Audit, release: PublishedCube) -> WithheldFinding:
    """The finding without a number or a name; “no row at all” would be one."""
    kept = {field.name: getattr(finding, field.name) for field in fields(Finding)}
    empty = {"value": None, "lower": None, "upper": None, "interval": None, "high": None, "low": None,
             "chance": None, "needs": None, "names": (), "warned": False, "row": None,
             "window": None}  # fmt: skip
    reason = "thin_group" if finding.reason in _NAMES_A_ZERO else finding.reason
    return WithheldFinding(**{**kept, **empty, "reason": reason}, told=hidden_words(release),
                           rounded=_rounded(finding, audit, release))  # fmt: skip


def _rounded(
    finding: Finding, audit: Audit, release: PublishedCube
) -> tuple[tuple[Group, Fraction], tuple[Group, Fraction]] | None:
    """Both ends of a gap with their published rates to five points; None where one has not even that."""
    parts = CRITERIA.get(finding.metric, (finding.metric,))
    if len(parts) != 1 or parts[0] not in RATES or finding.high is None or finding.low is None:
        return None
    rate = rate_metric(audit.contract, parts[0], favourable=finding.compare == "ratio")
    if rate is not RATES[parts[0]] or finding.compare not in ("difference", "ratio") or is_cut(finding):
        return None  # published rates are of the whole file, not of a canary's latest days
    pair = [
        (end.group, _to_five_points(rate, finding.subject, end.group, release))
        for end in (finding.high, finding.low)
    ]
    (high, top), (low, bottom) = pair
    return None if top is None or bottom is None else ((high, top), (low, bottom))


def _to_five_points(
    rate: RateMetric, subject: Subject, group: Group, release: PublishedCube
) -> Fraction | None:
    cell = release.cell(subject, group)
    counts = cell.rate(masks_of(rate)) if cell is not None else None
    if counts is not None and counts[1]:
        return Fraction(round(Fraction(STEPS * counts[0], counts[1])), STEPS)
    return cell.rounded_rate(rate.id) if cell is not None else None


def _requirement(state: RequirementState, audit: Audit) -> RequirementState:
    """A requirement; one worked out from the data names its groups with their counts, so it is said anew."""
    if not state.computed:
        return state
    support = audit.contract.support
    needed = f"{support.positives} positives and {support.negatives} negatives are needed in every group"
    return replace(state, evidence=needed)


def _judged(audit: Audit) -> Iterator[tuple[Subject, int, int]]:
    """Groups with support for both error rates; that many are judged says nothing of a small one's size."""
    measured = audit.measurements
    for subject in measured.subjects:
        known = [group for group in measured.groups_of(subject) if not is_unknown(group)]
        judged = [
            group
            for group in known
            if all(isinstance(measured.rate(subject, group, name), Measured) for name in ("tpr", "fpr"))
        ]
        yield subject, len(judged), len(known)

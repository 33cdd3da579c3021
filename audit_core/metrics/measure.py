"""Counts become measurements: every rate, gap, calibration and drift figure of one run."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from audit_core.contract.schema import Check, ReleaseContract, Subject
from audit_core.cube.axes import NEITHER, matching
from audit_core.cube.bands import FINE, MICRO, Bands
from audit_core.cube.count_cube import CountCube, Group, is_unknown
from audit_core.cube.counted import Counted
from audit_core.metrics.calibration import BandSums, GroupCalibration, calibration, exact_squares
from audit_core.metrics.catalogue import CRITERIA, DECIDED_RATES, RATES, UNSELECTED, RateMetric
from audit_core.metrics.clusters import Totals, design_effect, largest_effect, totals_by_group
from audit_core.metrics.drift_rows import drift_rows
from audit_core.metrics.estimate import MeanValue, estimate_rate
from audit_core.metrics.gaps import PROTECT_FLOOR, Gap, difference_gap, mean_gap, ratio_gap
from audit_core.metrics.measurements import (
    CalibrationRow,
    DecidedRates,
    Measurements,
    Rate,
    SubjectGap,
)
from audit_core.metrics.missing import missing_rows
from audit_core.metrics.ranking import auc, binned_auc, ranked_attributes
from audit_core.metrics.rates import (
    ordered_groups,
    rate_counts,
    required_groups,
    too_many_unknown,
    unknown_counts,
)
from audit_core.metrics.recalibration import score_fit
from audit_core.metrics.regression_rows import RegressionRow, regression_rows
from audit_core.metrics.score_gaps import SCORE_METRICS, exposure_rows, score_gap
from audit_core.metrics.seeds import seed_of
from audit_core.metrics.treatment import treatment_rows
from audit_core.metrics.unknown import unknown_range

DISPLAY_BANDS = 10
MEAN_METRICS = ("calibration_in_the_large", "auc")
SHOWN_GAPS = (("selection_rate", "difference"), ("selection_rate", "ratio"), ("tpr", "difference"),
              ("fpr", "difference"), ("ppv", "difference"), ("accuracy", "difference"),
              ("base_rate", "difference"), ("equalized_odds", "difference"),
              ("calibration_in_the_large", "difference"), ("auc", "difference"))  # fmt: skip


def measure(contract: ReleaseContract, counted: Counted) -> Measurements:
    """Return everything measured, for every subject the contract names and for everybody.

    Guarantee: depends on the contract and the counts alone; no clock, no unseeded randomness.
    """
    cube = counted.cube
    subjects = measured_subjects(contract, cube)
    groups = tuple((subject, ordered_groups(cube, contract, subject)) for subject in subjects)
    calibrated = tuple(_calibration_rows(contract, counted, groups))
    return Measurements(
        subjects=subjects,
        groups=groups,
        rates=tuple(_rates(contract, counted, groups)),
        gaps=tuple(_gaps(contract, counted, groups, calibrated)),
        calibration=calibrated,
        drift=drift_rows(contract, counted),
        missing=missing_rows(
            counted.missing,
            {subject[0]: [group[0] for group in members] for subject, members in groups if len(subject) == 1},
            level=float(contract.statistics.level),
            required=contract.support.rows,
        ),
        decided=tuple(_decided(contract, cube, groups)),
        between=ranked_attributes(counted.ranks, level=float(contract.statistics.level)),
        treatment=tuple(
            treatment_rows(
                cube, groups, totals_by_group(counted.people), level=float(contract.statistics.level)
            )
        ),
        exposure=exposure_rows(contract, counted),
        regression=changes(contract, counted),
    )


def changes(contract: ReleaseContract, counted: Counted) -> tuple[RegressionRow, ...]:
    """Return how the candidate differs from the baseline, for every check against it."""
    good = not _unselected_is_good(contract)
    return regression_rows(contract, counted, selected_is_good=good)


def measured_subjects(contract: ReleaseContract, cube: CountCube) -> tuple[Subject, ...]:
    """Return (), each attribute and slice alone, the declared intersections, and what checks name besides.

    Tables of published counts are measured as well, whether or not the contract asks for them.
    """
    spec = contract.data
    named: list[Subject] = [(), *((attribute.name,) for attribute in spec.attributes)]
    named += [(name,) for name in spec.slices]
    named += [*spec.intersections, *(subject for check in contract.checks for subject in check.of)]
    named += cube.published
    return tuple(subject for subject in dict.fromkeys(named) if cube.holds(subject))


def rate_metric(contract: ReleaseContract, metric: str, *, favourable: bool = False) -> RateMetric:
    """Return a metric's row; on its favourable side where not being selected is what is good."""
    unselected = favourable and metric == "selection_rate" and _unselected_is_good(contract)
    return UNSELECTED if unselected else RATES[metric]


def _unselected_is_good(contract: ReleaseContract) -> bool:
    good, chosen = contract.decision.favourable, contract.data.decision
    if chosen is None:  # a threshold decides 1 or 0
        return bool(matching([good], ("0", "false")))
    return good != "" and not matching([good], chosen.positive)


def subject_gap(
    contract: ReleaseContract, counted: Counted, subject: Subject, metric: str, compare: str
) -> SubjectGap:
    """Return a rate metric, or a named criterion, compared over the groups of a subject."""
    names = CRITERIA.get(metric, (metric,))
    parts = tuple(_rate_gap(contract, counted, subject, name, compare) for name in names)
    if len(parts) == 1:
        return replace(parts[0], metric=metric)
    largest = max(parts, key=lambda part: -1 if part.gap.value is None else part.gap.value)
    missing = tuple(dict.fromkeys(group for part in parts for group in part.missing))
    return replace(largest, metric=metric, missing=missing, parts=parts)


def _rate_gap(
    contract: ReleaseContract, counted: Counted, subject: Subject, metric: str, compare: str
) -> SubjectGap:
    row = rate_metric(contract, metric, favourable=compare == "ratio")
    cube = counted.cube
    tables, ratio = cube.outcomes(subject), compare == "ratio"
    people = totals_by_group(counted.people)
    counts = rate_counts(tables, ordered_groups(cube, contract, subject), row, subject=subject, people=people)
    support, level = row.required(contract.support), float(contract.statistics.level)
    compare_gap = ratio_gap if ratio else difference_gap
    gap = compare_gap(counts, min_support=support, level=level, protect_floor=PROTECT_FLOOR)
    required = required_groups(cube, contract, subject)
    found = _subject_gap(subject, metric, gap, support, required, too_many_unknown(tables))
    compared = [count for count in counts if count.group in gap.compared]
    return replace(found, unknown=unknown_range(compared, *unknown_counts(tables, row), ratio=ratio))


def _subject_gap(
    subject: Subject, metric: str, gap: Gap, support: int, required: tuple[Group, ...], unknown: bool
) -> SubjectGap:
    return SubjectGap(
        subject=subject,
        metric=metric,
        gap=gap,
        min_support=support,
        required=required,
        missing=tuple(group for group in required if group not in gap.supported),
        too_many_unknown=unknown,
        parts=(),
    )


def _rates(
    contract: ReleaseContract, counted: Counted, groups: tuple[tuple[Subject, tuple[Group, ...]], ...]
) -> Iterator[Rate]:
    level, people = float(contract.statistics.level), totals_by_group(counted.people)
    for subject, members in groups:
        tables = counted.cube.outcomes(subject)
        for group in members:
            total = people.get((subject, group))
            for metric in RATES.values():
                x, n = metric.counts(tables[group]) if group in tables else (0, 0)
                found = estimate_rate(
                    x, n, required=metric.required(contract.support), level=level,
                    method=contract.statistics.interval, design_effect=design_effect(total, metric, x, n),
                )  # fmt: skip
                yield Rate(subject=subject, group=group, metric=metric.id, estimate=found)


def _decided(
    contract: ReleaseContract, cube: CountCube, groups: tuple[tuple[Subject, tuple[Group, ...]], ...]
) -> Iterator[DecidedRates]:
    """Rates among the people decided on; nothing where nobody was abstained on."""
    if not (cube.codes[:, -2] == NEITHER).any():
        return
    level, method = float(contract.statistics.level), contract.statistics.interval
    for subject, members in groups:
        tables = cube.outcomes(subject)
        for group in members:
            if group in tables:
                rates = [
                    (metric.id, estimate_rate(*metric.counts(tables[group]), level=level, method=method,
                     required=metric.required(contract.support))) for metric in DECIDED_RATES.values()
                ]  # fmt: skip
                abstained = int(tables[group][:, NEITHER].sum())
                yield DecidedRates(subject=subject, group=group, abstained=abstained, rates=tuple(rates))


def _gaps(
    contract: ReleaseContract,
    counted: Counted,
    groups: tuple[tuple[Subject, tuple[Group, ...]], ...],
    calibrated: tuple[CalibrationRow, ...],
) -> Iterator[SubjectGap]:
    """Gaps that screens show for every single attribute or slice, and those a check names for its subjects.

    Where no rank sums were kept (slices, combinations) there is no gap of AUC, not an undefined one.
    """
    ranked = {(rank.attribute,) for rank in counted.ranks}
    for subject, _ in groups:
        if not subject:
            continue
        wanted = dict.fromkeys(SHOWN_GAPS if len(subject) == 1 else SHOWN_GAPS[:4])
        wanted |= dict.fromkeys(
            (check.metric, check.compare or "difference")
            for check in contract.checks
            if _compares(check, subject)
        )
        for metric, compare in wanted:
            if metric == "auc" and subject not in ranked:
                continue
            if metric in MEAN_METRICS:
                yield mean_subject_gap(contract, counted, subject, metric, calibrated)
            elif metric in SCORE_METRICS:
                yield score_subject_gap(contract, counted, subject, metric, compare)
            else:
                yield subject_gap(contract, counted, subject, metric, compare)


def _compares(check: Check, subject: Subject) -> bool:
    known = check.metric in {*RATES, *CRITERIA, *MEAN_METRICS, *SCORE_METRICS}
    compares = check.compare in ("difference", "ratio") or check.metric == "label_coverage"
    return known and compares and subject in check.of and check.against is None


def score_subject_gap(
    contract: ReleaseContract, counted: Counted, subject: Subject, metric: str, compare: str
) -> SubjectGap:
    """Return the Brier score or exposure compared over the groups of a subject."""
    seed, cube = seed_of(counted.cube.fingerprint, metric), counted.cube
    gap = score_gap(contract, counted, (subject, metric, compare), seed=seed, floor=PROTECT_FLOOR)
    required, unknown = required_groups(cube, contract, subject), too_many_unknown(cube.outcomes(subject))
    return _subject_gap(subject, metric, gap, contract.support.rows, required, unknown)


def mean_subject_gap(
    contract: ReleaseContract,
    counted: Counted,
    subject: Subject,
    metric: str,
    calibrated: tuple[CalibrationRow, ...],
) -> SubjectGap:
    """Return calibration in the large or AUC compared over the groups of a subject."""
    cube, people = counted.cube, totals_by_group(counted.people)
    rows = [row for row in calibrated if row.subject == subject and not is_unknown(row.group)]
    means = [mean for row in rows if (mean := _mean(row, metric, people)) is not None]
    support, level = contract.support.rows, float(contract.statistics.level)
    gap = mean_gap(
        means,
        min_support=support,
        level=level,
        protect_floor=PROTECT_FLOOR,
        span=1.0 if metric == "auc" else 2.0,
    )
    unknown = too_many_unknown(cube.outcomes(subject))
    return _subject_gap(subject, metric, gap, support, required_groups(cube, contract, subject), unknown)


def _mean(row: CalibrationRow, metric: str, people: Totals) -> MeanValue | None:
    if metric == "auc":
        mean = row.auc.as_mean(row.group) if row.auc else None
    elif isinstance(row.calibration, GroupCalibration) and row.probability:
        mean = row.calibration.as_mean(row.group)
    else:
        return None
    total = people.get((row.subject, row.group))
    if mean is None or total is None:
        return mean
    # What varies within a person was not kept for scores, so every row of a person is taken to say the same.
    effect = max(
        largest_effect(total, RATES[name].denominator, rows)
        for name, rows in (("accuracy", mean.n), *_of_labels(row))
    )
    return replace(mean, se=mean.se * math.sqrt(effect), n=int(mean.n / effect))


def _of_labels(row: CalibrationRow) -> tuple[tuple[str, int], ...]:
    return (("tpr", row.auc.positives), ("fpr", row.auc.negatives)) if row.auc else ()


def _calibration_rows(
    contract: ReleaseContract, counted: Counted, groups: tuple[tuple[Subject, tuple[Group, ...]], ...]
) -> Iterator[CalibrationRow]:
    cube, bands = counted.cube, counted.cube.bands
    ranks = {(row.attribute, row.group): row.sums for row in counted.ranks}
    level = float(contract.statistics.level)
    cuts = display_cuts(bands)
    for subject, members in groups:
        tables = cube.scored(subject)
        for group in members:
            if group not in tables:
                continue
            table = tables[group]
            sums = BandSums(
                n0=table[0, :, 0], n1=table[1, :, 0], s0=table[0, :, 1], s1=table[1, :, 1],
                squares=exact_squares(table[:, :, 2].ravel(), table[:, :, 3].ravel()), edges=bands.edges,
            )  # fmt: skip
            found = calibration(
                sums, cuts=cuts, seed=seed_of(cube.fingerprint), required=contract.support.band, level=level
            )
            key = (subject[0], group[0]) if len(subject) == 1 else ("", "") if not subject else None
            rank = ranks.get(key) if key else None
            yield CalibrationRow(
                subject=subject,
                group=group,
                calibration=found,
                auc=auc(rank, level=level) if rank else None,
                probability=bands.low == 0 and bands.high == 1,
                fit=score_fit(sums, found.bands, level=level)
                if isinstance(found, GroupCalibration) and bands.low == 0 and bands.high == 1 and key
                else None,
                binned=None if rank else binned_auc(sums.n1, sums.n0),
            )


def display_cuts(bands: Bands) -> tuple[int, ...]:
    """Return the edges of the bands a person sees: the contract's own, or ten equal ones."""
    if bands.count == FINE:
        return tuple(range(0, MICRO + 1, MICRO // DISPLAY_BANDS))
    return bands.edges

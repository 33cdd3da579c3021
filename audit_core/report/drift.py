"""Drift in words and rows: why bins are as they are, how PSI is made, and every other measure beside it."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from audit_core.cube.drift import DriftTable
from audit_core.metrics.drift import DriftStatistics, psi_terms
from audit_core.metrics.intervals import newcombe_difference, z_two_sided
from audit_core.metrics.measurements import DriftRow, DriftStatus
from audit_core.report.alerts import LEVEL
from audit_core.report.charts.drift import DRIFT_WORDS, feature_words
from audit_core.report.numbers import count, counted, decimal, level_words, percent, points
from audit_core.report.people import group_words
from audit_core.report.table_rows import NONE, RESULT, Rows

DECILES = 9
SMALLEST_Q = 0.0001
SMALLEST_MOVE = Fraction(1, 1000)
"""A share that moved by less, a tenth of a point, is not named."""


def drift_sentence(row: DriftRow) -> str:
    """Return one feature's PSI beside what chance gives, with its rows and what it comes to."""
    found, name = row.statistics, feature_words(row.table)
    if not isinstance(found, DriftStatistics):
        return f"{name}: not compared; {found.reason}."
    return (
        f"{name}: PSI {decimal(found.psi, 4)} (expected by chance up to {decimal(found.psi_null95, 4)}; "
        f"n={count(found.current_rows)} against {count(found.reference_rows)}). {_result(row.status, found)}"
    )


def _result(status: DriftStatus, found: DriftStatistics) -> str:
    if status == "stable":
        small = found.psi > found.psi_null95  # large samples detect what is too small to matter
        return "More than chance gives, but under the warning." if small else "No more than chance gives."
    return _RESULTS[status]


_RESULTS: dict[DriftStatus, str] = {
    "moderate": "Past chance and the warning, within the limit.",
    "major": "Past chance and the limit.",
    "insufficient": "Too few rows for its number of bins, so not judged.",
}


def collapsed_sentence(table: DriftTable) -> str:
    """Return why a number has fewer edges than deciles and which value has its own bin; else empty."""
    place = table.mode_place
    if place is None:
        return ""
    held, whole, left = table.reference[place], sum(table.reference), len(table.edges)
    share = percent(held / whole) if whole else NONE
    return (
        f"{feature_words(table)}: {count(held)} of {count(whole)} training rows ({share}) hold "
        f"{table.labels[place]}, so deciles fall on one value: {DECILES} of them leave "
        f"{counted(left, 'distinct edges')}, and that value has a bin of its own, apart from its neighbours."
    )


def collapsed_sentences(rows: Sequence[DriftRow]) -> tuple[str, ...]:
    """Return the sentence of every feature whose deciles fall on one value, over everybody."""
    said = [collapsed_sentence(row.table) for row in rows if not row.table.attribute]
    return tuple(text for text in said if text)


# How PSI is made


def formula_sentence(row: DriftRow) -> str:
    """Return the formula of PSI with a feature's own numbers, and how much of it chance alone would give."""
    found = row.statistics
    if not isinstance(found, DriftStatistics):
        return f"Not computed: {found.reason}."
    bins, before, after = found.bins, count(found.reference_rows), count(found.current_rows)
    quantile = decimal(found.psi_null95 / (1 / found.reference_rows + 1 / found.current_rows), 2)
    return (
        f"PSI = Σ (c − r) · ln(c / r) = {decimal(found.psi, 4)}. Here c and r are a bin's shares of the "
        f"evaluation file and of the training sample, each with ½ added to all {bins} bins: "
        f"c = (rows + ½) / ({after} + {bins}/2) and r = (rows + ½) / ({before} + {bins}/2). "
        f"Without drift PSI stays up to (1/{before} + 1/{after}) · {quantile} = "
        f"{decimal(found.psi_null95, 4)} in 19 of 20 samples; {quantile} is the 95th percentile of χ² "
        f"with {counted(bins - 1, 'degrees')} of freedom."
    )


def term_rows(row: DriftRow) -> Rows:
    """Return a feature's bins with what each adds to PSI."""
    table = row.table
    terms = psi_terms(table.reference, table.current)
    return [
        {
            "Bin": name,
            "Training rows": count(before),
            "Evaluation rows": count(after),
            "r": decimal(term.reference, 4),
            "c": decimal(term.current, 4),
            "Adds to PSI": decimal(term.adds, 4),
        }
        for name, before, after, term in zip(table.labels, table.reference, table.current, terms, strict=True)
    ]


# Every other measure


def measure_rows(rows: Sequence[DriftRow]) -> Rows:
    """Return one row for each feature and group given, with every measure of drift."""
    grouped = any(row.table.attribute for row in rows)
    return [
        {
            "Feature": feature_words(row.table),
            **(_group(row.table) if grouped else {}),
            RESULT: DRIFT_WORDS[row.status],
        }
        | _binned(row)
        | {"q of χ²": q_words(row.q)}
        | _of_values(row)
        | {"Bins": _bins(row.table)}
        for row in rows
    ]


def _group(table: DriftTable) -> dict[str, str]:
    everybody = {"Attribute": NONE, "Group": "everybody"}
    return (
        {"Attribute": table.attribute, "Group": group_words((table.group,))} if table.attribute else everybody
    )


def _binned(row: DriftRow) -> dict[str, str]:
    found = row.statistics
    if not isinstance(found, DriftStatistics):
        return dict.fromkeys(("PSI", "By chance up to", "KL", "JS", "χ² (df)"), NONE)
    return {
        "PSI": decimal(found.psi, 3),
        "By chance up to": decimal(found.psi_null95, 4),
        "KL": decimal(found.kl_current_reference, 3),
        "JS": decimal(found.js, 4),
        "χ² (df)": f"{decimal(found.chi2, 1)}\u00a0({found.chi2_df})",
    }


def _of_values(row: DriftRow) -> dict[str, str]:
    apart = row.distances
    if apart is None:
        least = NONE if row.ks is None else f"at least {decimal(row.ks, 3)}"
        return {"KS": least, "KS by chance up to": NONE, "Wasserstein": NONE}
    return {
        "KS": decimal(apart.ks, 3),
        "KS by chance up to": decimal(apart.ks_null95, 3),
        "Wasserstein": NONE if apart.scaled is None else f"{decimal(apart.scaled, 3)} SD",
    }


def q_words(q: float | None) -> str:
    """Return a q-value in four digits."""
    if q is None:
        return NONE
    return f"<{decimal(SMALLEST_Q, 4)}" if q < SMALLEST_Q else decimal(q, 4)


def _bins(table: DriftTable) -> str:
    place = table.mode_place
    alone = f", {table.labels[place]} alone" if place is not None else ""
    return f"{len(table.labels)}{alone}"


def compared_sentence(rows: Sequence[DriftRow]) -> str:
    """Return how many tests were looked at, and what a q-value says; empty where there was none."""
    tests = max((row.tests for row in rows), default=0)
    if not tests:
        return ""
    return (
        f"χ² was computed {count(tests)} times, for every feature over everybody and inside every group. q "
        f"is its p-value adjusted for all of them (Benjamini–Hochberg): of the rows with q up to 0.05, at "
        f"most about 1 in 20 is expected to be a false alarm. A small q says that a move is more than "
        f"chance, not that it is large; PSI tells its size."
    )


# Shares of groups


def share_sentence(row: DriftRow) -> str:
    """Return how far an attribute's groups have shifted, and the group whose share moved most."""
    table, sizes = row.table, (sum(row.table.reference), sum(row.table.current))
    if not all(sizes):
        return drift_sentence(row)
    pairs = list(zip(table.reference, table.current, strict=True))
    moves = [abs(Fraction(after, sizes[1]) - Fraction(before, sizes[0])) for before, after in pairs]
    place = moves.index(max(moves))
    before, after = pairs[place]
    if moves[place] < SMALLEST_MOVE:
        return f"{drift_sentence(row)} No group's share moved by 0.1 pts."
    return (
        f"{drift_sentence(row)} Largest move: {table.labels[place]} from {percent(before / sizes[0])} "
        f"({count(before)} of {count(sizes[0])}) to {percent(after / sizes[1])} "
        f"({count(after)} of {count(sizes[1])})."
    )


def share_rows(rows: Sequence[DriftRow], level: Fraction = LEVEL) -> Rows:
    """Return one row per group of every attribute: its share in training and now, and how far it moved."""
    return [
        {
            "Attribute": row.table.feature,
            "Group": name,
            "Training": _of(before, sum(row.table.reference)),
            "Evaluation": _of(after, sum(row.table.current)),
            "Change": _share_moved(row.table, place, level),
        }
        for row in rows
        for place, (name, before, after) in enumerate(
            zip(row.table.labels, row.table.reference, row.table.current, strict=True)
        )
    ]


def _of(held: int, whole: int) -> str:
    return f"{percent(held / whole)} ({count(held)} of {count(whole)})" if whole else NONE


def _share_moved(table: DriftTable, place: int, level: Fraction) -> str:
    """A group's share now minus its share in training, with Newcombe's interval."""
    before, after = table.reference[place], table.current[place]
    sizes = sum(table.reference), sum(table.current)
    if not all(sizes):
        return NONE
    moved = newcombe_difference(after, sizes[1], before, sizes[0], z_two_sided(float(level)))
    value = points(after / sizes[1] - before / sizes[0])
    return f"{value} ({level_words(level)} interval {points(moved.low)} to {points(moved.high)})"

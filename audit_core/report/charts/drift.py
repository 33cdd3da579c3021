"""Input drift: features ranked by PSI beside what chance gives, and one feature's two outlines."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from audit_core.cube.drift import DriftTable
from audit_core.metrics.drift import DriftStatistics
from audit_core.metrics.measurements import DriftRow, DriftStatus, Measurements
from audit_core.report.charts.marks import (
    INCONCLUSIVE,
    NEUTRAL,
    OUTSIDE,
    TOO_FEW,
    WITHIN,
    Figure,
    annotation,
    axis,
    label,
    layout,
)
from audit_core.report.numbers import count, decimal, percent

DRIFT_WORDS: dict[DriftStatus, str] = {
    "stable": "Stable",
    "moderate": "Moderate drift",
    "major": "Major drift",
    "insufficient": "Too few to judge",
}
DRIFT_SHAPES: dict[DriftStatus, str] = {"stable": "●", "moderate": "◆", "major": "✕", "insufficient": "○"}
_COLOURS: dict[DriftStatus, str] = {
    "stable": WITHIN,
    "moderate": INCONCLUSIVE,
    "major": OUTSIDE,
    "insufficient": TOO_FEW,
}
_ROW = 30
Known = Sequence[tuple[DriftRow, DriftStatistics]]


def ranked(rows: Sequence[DriftRow]) -> tuple[DriftRow, ...]:
    """Return the rows over everybody, the most drifted first; shares of groups are shown apart."""
    overall = [row for row in rows if row.table.over_everybody]
    return tuple(sorted(overall, key=lambda row: (-psi_of(row), row.table.feature)))


def feature_words(table: DriftTable) -> str:
    """Return a feature's name; of what is no input, with its kind."""
    plain = table.kind in ("numeric", "categorical", "group")
    return table.feature if plain else f"{table.feature} ({table.kind})"


def group_shares(rows: Sequence[DriftRow]) -> tuple[DriftRow, ...]:
    """Return the rows that tell how many people each group of an attribute has, in the contract's order."""
    return tuple(row for row in rows if row.table.kind == "group")


def inside_groups(measured: Measurements, row: DriftRow) -> tuple[DriftRow, ...]:
    """Return the rows of one feature inside each group, in the contract's order."""
    order = [
        (subject[0], group[0]) for subject, groups in measured.groups if len(subject) == 1 for group in groups
    ]
    same = (row.table.feature, row.table.kind)
    inside = [
        other
        for other in measured.drift
        if (other.table.feature, other.table.kind) == same
        and (other.table.attribute, other.table.group) in order
    ]
    return tuple(sorted(inside, key=lambda other: order.index((other.table.attribute, other.table.group))))


def psi_of(row: DriftRow) -> float:
    """Return a row's PSI for ranking; nothing to compare ranks last."""
    return row.statistics.psi if isinstance(row.statistics, DriftStatistics) else -1.0


def psi_figure(rows: Sequence[DriftRow], limits: tuple[Fraction, Fraction]) -> Figure:
    """Return ranked bars of PSI; a tick on each says how much chance alone gives, lines mark the limits."""
    known = [(row, row.statistics) for row in ranked(rows) if isinstance(row.statistics, DriftStatistics)]
    height = len(known)
    most = max([*(found.psi for _, found in known), float(limits[1])]) * 1.08
    places = list(range(height))[::-1]
    names = [label(feature_words(row.table), 28) for row, _ in known]
    return {
        "data": [_psi_bars(known, places), _chance_ticks(known, places)],
        "layout": layout(
            height=_ROW * height + 104,
            margin={"l": 8, "r": 176, "t": 34, "b": 50},
            xaxis=axis(range=[0, most], title={"text": "PSI"}, nticks=8),
            yaxis=axis(range=[-0.7, height - 0.3], tickvals=places, ticktext=names, showgrid=False),
            shapes=[_limit_line(float(limit)) for limit in limits],
            annotations=[*_limit_words(limits), *_psi_numbers(known, places)],
        ),
    }


def _psi_bars(known: Known, places: Sequence[int]) -> Figure:
    return {
        "type": "bar",
        "orientation": "h",
        "x": [found.psi for _, found in known],
        "y": places,
        "width": 0.56,
        "marker": {"color": [_COLOURS[row.status] for row, _ in known]},
        "hovertext": [_psi_hover(row, found) for row, found in known],
        "hoverinfo": "text",
    }


def _chance_ticks(known: Known, places: Sequence[int]) -> Figure:
    line = {"width": 3, "color": NEUTRAL}
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [found.psi_null95 for _, found in known],
        "y": places,
        "marker": {"symbol": "line-ns-open", "size": 20, "color": NEUTRAL, "line": line},
        "hovertext": [f"expected by chance up to {decimal(f.psi_null95, 4)}" for _, f in known],
        "hoverinfo": "text",
    }


def _psi_hover(row: DriftRow, found: DriftStatistics) -> str:
    return (
        f"<b>{label(row.table.feature)}</b> · {DRIFT_WORDS[row.status]}<br>"
        f"PSI {decimal(found.psi, 3)}, expected by chance up to {decimal(found.psi_null95, 4)}"
    )


def _psi_numbers(known: Known, places: Sequence[int]) -> list[Figure]:
    right = {"xref": "paper", "xanchor": "left", "align": "left", "xshift": 14}
    return [
        annotation(1.0, y, _psi_words(row, found), **right)
        for (row, found), y in zip(known, places, strict=True)
    ]


def _psi_words(row: DriftRow, found: DriftStatistics) -> str:
    return f"{DRIFT_SHAPES[row.status]} <b>{decimal(found.psi, 3)}</b>  chance {decimal(found.psi_null95, 4)}"


def _limit_line(limit: float) -> Figure:
    line = {"color": NEUTRAL, "width": 1.4, "dash": "dash"}
    return {
        "type": "line",
        "xref": "x",
        "yref": "paper",
        "x0": limit,
        "x1": limit,
        "y0": 0,
        "y1": 1,
        "line": line,
    }


def _limit_words(limits: tuple[Fraction, Fraction]) -> list[Figure]:
    above = {"yref": "paper", "yanchor": "bottom", "xanchor": "left"}
    return [
        annotation(float(limit), 1.0, f"{word} {decimal(limit, 2)}", **above)
        for word, limit in zip(("warn", "limit"), limits, strict=True)
    ]


def shares_figure(table: DriftTable) -> Figure:
    """Return one feature's bins: the training sample as an outline, the evaluation file filled."""
    bins = [label(name, 22) for name in table.labels]
    places = list(range(len(bins)))
    fill = {"color": "rgba(46,122,209,0.55)", "line": {"width": 0}}
    outline = {"color": "rgba(0,0,0,0)", "line": {"width": 2.5, "color": NEUTRAL}}
    legend = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}
    return {
        "data": [
            _bars("evaluation", bins, table.current, fill),
            _bars("training", bins, table.reference, outline),
        ],
        "layout": layout(
            height=340,
            margin={"l": 8, "r": 12, "t": 34, "b": 30},
            barmode="overlay",
            xaxis=axis(tickvals=places, ticktext=bins, showgrid=False, tickangle=_angle(bins)),
            yaxis=axis(ticksuffix=" %", rangemode="tozero", nticks=6, title={"text": "Share of rows"}),
            showlegend=True,
            legend=legend | {"itemclick": False, "itemdoubleclick": False},
        ),
    }


def _bars(name: str, bins: Sequence[str], counts: Sequence[int], marker: Figure) -> Figure:
    part = shares(counts)
    return {
        "type": "bar",
        "name": name,
        "x": list(range(len(bins))),
        "y": [100 * share for share in part],
        "width": 0.78,
        "marker": marker,
        "hovertext": _share_hovers(bins, part, counts, name),
        "hoverinfo": "text",
    }


def shares(counts: Sequence[int]) -> list[float]:
    """Return each bin's share (0–1) of the rows; zeros where there are none."""
    whole = sum(counts)
    return [number / whole if whole else 0.0 for number in counts]


def _angle(bins: Sequence[str]) -> int:
    """Long names are set at a slant, or they would run into each other."""
    return -32 if sum(len(name) for name in bins) > 96 else 0


def _share_hovers(bins: Sequence[str], part: Sequence[float], counts: Sequence[int], word: str) -> list[str]:
    return [
        f"<b>{name}</b><br>{word}: {percent(share)} · {count(rows)} rows"
        for name, share, rows in zip(bins, part, counts, strict=True)
    ]


def psi_alt(rows: Sequence[DriftRow], limits: tuple[Fraction, Fraction]) -> str:
    """Return the ranking in words: the features beyond chance and a limit, and how many are not."""
    moved = [row for row in ranked(rows) if row.status in ("major", "moderate")]
    said = [
        f"{row.table.feature} {decimal(psi_of(row), 3)} ({DRIFT_WORDS[row.status].lower()})" for row in moved
    ]
    rest = len(ranked(rows)) - len(moved)
    head = f"PSI by feature; warning at {decimal(limits[0], 2)}, limit {decimal(limits[1], 2)}. "
    return head + ("; ".join([*said, f"{rest} others stable or too few"]) + ".")


def shares_alt(table: DriftTable) -> str:
    """Return one feature's bins in words: its largest moves of share."""
    moves = sorted(
        zip(table.labels, shares(table.reference), shares(table.current), strict=True),
        key=lambda move: -abs(move[2] - move[1]),
    )
    said = [f"{name} from {percent(before)} to {percent(after)}" for name, before, after in moves[:3]]
    return (
        f"Shares of {table.feature}, training sample against evaluation file. Largest moves: "
        + "; ".join(said)
        + "."
    )

"""The figures of each kind of reference file, beside the product's own.

Where another library gives a number for a rate that has nothing to divide by, there is nothing to compare:
the product's rate is undefined, never 0, and a gap that counts such a 0 is another gap.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from audit_core.cube.axes import NO, YES
from audit_core.decision.record import Audit
from audit_core.metrics.catalogue import RATES
from audit_core.metrics.drift import psi
from audit_core.metrics.estimate import Count, Undefined
from audit_core.metrics.gaps import difference_gap
from audit_core.metrics.hiring import SMALL_SHARE, counts_of, impact_table
from audit_core.metrics.intervals import clopper_pearson, newcombe_difference, wilson, z_two_sided
from audit_core.metrics.matched_pairs import compare_pair, mcnemar
from audit_core.metrics.pair_intervals import PairCounts

Group = tuple[str, ...]
LIKE_NOTHING = 10**12  # counts this many times over, against which a half per bin weighs nothing
ZERO = "their number for a rate with nothing to divide by"
ZERO_GAP = "their gap or ratio counts a rate with nothing to divide by"
REFERENCE_ZERO = "a ratio to a rate of 0"
NO_SUCH_GROUP = "a group the audit does not have"


@dataclass(kw_only=True)
class Comparison:
    """Figures (where, expected, the product's, own tolerance), and what could not be compared, by reason."""

    figures: list[tuple[str, Any, Any, float | None]] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)

    def add(self, where: str, wanted: Any, found: Any, tolerance: float | None = None) -> None:
        """Compare two figures, fractions as numbers; by the file's tolerance where none is given."""
        self.figures.append((where, _plain(wanted), _plain(found), tolerance))

    def skip(self, reason: str, count: int = 1) -> None:
        """Leave something out, and say why."""
        self.skipped[reason] += count


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of reference file."""

    name: str
    needs_rows: bool


def kind_of(expected: Any) -> Kind | None:
    """Return which figures a file holds, or None where it holds none that can be told by its shape."""
    mapped = "mapping" in expected.get("meta", {})
    for key, name in (("attributes", "rates"), ("groups", "crosstabs"), ("pairs", "paired groups")):
        if mapped and key in expected:
            return Kind(name=name, needs_rows=True)
    if "features" in expected:
        return Kind(name="drift", needs_rows=False)
    if {"wilson", "newcombe_difference", "mcnemar"} & set(expected):
        return Kind(name="intervals", needs_rows=False)
    if any(isinstance(part, dict) and "table" in part for part in expected.values()):
        return Kind(name="matched pairs", needs_rows=False)
    if "integer_cases" in expected or any(True for _ in _impact_tables("", expected)):
        return Kind(name="impact ratios", needs_rows=False)
    return None


def _impact_tables(where: str, part: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Tables of people and selected by category, at any depth of a file."""
    if not isinstance(part, dict):
        return
    if part and all(isinstance(one, dict) and {"n", "selected"} <= set(one) for one in part.values()):
        yield where, part
        return
    for key, inner in part.items():
        yield from _impact_tables(f"{where}:{key}" if where else key, inner)


def _plain(value: Any) -> Any:
    if isinstance(value, Fraction):
        return float(value)
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _of(audit: Audit, subject: Sequence[str], group: Group, metric: str) -> Any:
    return audit.measurements.rate(tuple(subject), group, metric)


def _exact(audit: Audit, subject: Sequence[str], group: Group, metric: str) -> Fraction | None:
    return getattr(_of(audit, subject, group, metric), "fraction", None)


def _rate(
    c: Comparison, audit: Audit, subject: Sequence[str], group: Group, metric: str, wanted: Any
) -> None:
    """Compare one rate; undefined is equal to no number and comparable with nothing else."""
    found, where = _of(audit, subject, group, metric), f"{'*'.join(subject)}:{'|'.join(group)}:{metric}"
    if isinstance(found, Undefined) and wanted is not None:
        c.skip(ZERO)
    else:
        c.add(where, wanted, getattr(found, "fraction", None))


def _cells(audit: Audit, subject: Sequence[str], group: Group) -> dict[str, int] | None:
    table = audit.counted.cube.outcomes(tuple(subject)).get(group)
    if table is None:
        return None
    return {"n": int(table.sum()), "tp": int(table[YES, YES]), "fn": int(table[YES, NO]),
            "fp": int(table[NO, YES]), "tn": int(table[NO, NO])}  # fmt: skip


# Fairlearn, scikit-learn, statsmodels


def rates(c: Comparison, expected: Any, audit: Audit) -> None:
    """Rates, counts, Wilson limits, gaps, ratios, AUC, Brier and bands of every attribute and combination."""
    for metric, wanted in expected.get("overall", {}).items():
        if metric in RATES:
            _rate(c, audit, (), (), metric, wanted)
        elif metric == "n":
            c.add("overall:n", wanted, audit.counted.cube.rows)
        elif metric == "auc":
            row = next(row for row in audit.measurements.calibration if row.subject == ())
            c.add("overall:auc", wanted, row.auc.fraction if row.auc else None)
        else:
            c.skip(f"{metric}: not a figure of the product")
    for key, table in {**expected["attributes"], **expected.get("intersections", {})}.items():
        subject = tuple(key.split("*"))
        for label, figures in table["by_group"].items():
            _group_figures(c, audit, subject, tuple(label.split("|")), figures)
        _gaps(c, audit, subject, table)
        _scores(c, audit, subject, table)
        _impact(c, audit, subject, table.get("impact_ratio_vs_most_selected"))
        _to_reference(c, audit, subject, table.get("vs_reference"))
    _bands(c, audit, expected)


def _group_figures(
    c: Comparison, audit: Audit, subject: Sequence[str], group: Group, figures: Mapping[str, Any]
) -> None:
    cells = _cells(audit, subject, group)
    if cells is None:
        c.skip(NO_SUCH_GROUP)
        return
    where = f"{'*'.join(subject)}:{'|'.join(group)}"
    for key, wanted in figures.items():
        if key in RATES:
            _rate(c, audit, subject, group, key, wanted)
        elif key == "n":
            c.add(f"{where}:n", wanted, cells["n"])
        elif key == "counts":
            for cell, count in wanted.items():
                c.add(f"{where}:{cell}", count, cells.get(cell))
        elif key.startswith("wilson_"):
            _wilson(c, audit, subject, group, (int(key[7:]) / 100, wanted))
        else:
            c.skip(f"{key}: not a figure of the product")


def _wilson(
    c: Comparison, audit: Audit, subject: Sequence[str], group: Group, limits: tuple[float, Any]
) -> None:
    level, by_metric = limits
    for metric, wanted in by_metric.items():
        found = _of(audit, subject, group, metric)
        if wanted is None or isinstance(found, Undefined):
            c.skip(ZERO if wanted else "no limits for a rate with nothing to divide by")
            continue
        limits_found = wilson(found.numerator, found.denominator, z_two_sided(level))
        c.add(f"{'*'.join(subject)}:{'|'.join(group)}:{metric} limits", wanted, limits_found)


AGGREGATES = {
    "demographic_parity": ("selection_rate",),
    "equalized_odds": ("tpr", "fpr"),
    "equal_opportunity": ("tpr",),
}


def _gaps(c: Comparison, audit: Audit, subject: tuple[str, ...], table: Any) -> None:
    listed = {name.rsplit(":", 1)[1] for name in table.get("undefined", [])}
    groups = [tuple(label.split("|")) for label in table["by_group"]]

    def one(metric: str, compare: str) -> tuple[bool, Fraction | None]:
        unknown = any(_exact(audit, subject, group, metric) is None for group in groups)
        gap = audit.measurements.gap(subject, metric, compare)
        return metric in listed or unknown, gap.gap.value_all if gap else None

    for key, compare in (("gap_max_min", "difference"), ("ratio_min_max", "ratio")):
        for metric, wanted in table.get(key, {}).items():
            unknown, found = one(metric, compare)
            if unknown:
                c.skip(ZERO_GAP)
            else:
                c.add(f"{'*'.join(subject)}:{metric}:{key}", wanted, found)
    for key, wanted in (table.get("fairlearn_aggregates") or {}).items():
        name, _, compare = key.rpartition("_")
        values = [one(metric, compare) for metric in AGGREGATES.get(name, ())]
        if not values or any(unknown for unknown, _ in values):
            c.skip(ZERO_GAP if values else f"{key}: not a figure of the product")
            continue
        known = [value for _, value in values if value is not None]
        worst = (max if compare == "difference" else min)(known) if len(known) == len(values) else None
        c.add(f"{'*'.join(subject)}:{key}", wanted, worst)


def _scores(c: Comparison, audit: Audit, subject: tuple[str, ...], table: Any) -> None:
    rows = {row.group: row for row in audit.measurements.calibration if row.subject == subject}
    for label, wanted in table.get("auc_by_group", {}).items():
        row = rows.get(tuple(label.split("|")))
        c.add(f"{subject[0]}:{label}:auc", wanted, row.auc.fraction if row and row.auc else None)
    for label, wanted in table.get("brier_by_group", {}).items():
        row = rows.get(tuple(label.split("|")))
        c.add(f"{subject[0]}:{label}:brier", wanted, getattr(row and row.calibration, "brier", None))


def _impact(c: Comparison, audit: Audit, subject: tuple[str, ...], impact: Any) -> None:
    if not impact:
        return
    top = _exact(audit, subject, (impact["reference"],), "selection_rate")
    for group, wanted in impact["values"].items():
        found = _exact(audit, subject, (group,), "selection_rate")
        if not top or found is None:
            c.skip(REFERENCE_ZERO if not top else ZERO)
        else:
            c.add(f"{subject[0]}:{group}:impact ratio", wanted, found / top)


def _to_reference(c: Comparison, audit: Audit, subject: tuple[str, ...], table: Any) -> None:
    for group, metrics in (table or {"values": {}})["values"].items():
        for metric, wanted in metrics.items():
            one, two = (_of(audit, subject, (name,), metric) for name in (group, table["reference"]))
            if isinstance(one, Undefined) or isinstance(two, Undefined):
                c.skip(ZERO, len(wanted))
                continue
            limits = newcombe_difference(
                one.numerator, one.denominator, two.numerator, two.denominator, z_two_sided(0.95)
            )
            own = {"diff": one.fraction - two.fraction, "newcombe_95": limits}
            for key, value in wanted.items():
                if key in own:
                    c.add(f"{subject[0]}:{group}:{metric}:{key}", value, own[key])
                else:
                    c.skip(f"{key}: not a figure of the product")


def _bands(c: Comparison, audit: Audit, expected: Any) -> None:
    for part in ("calibration_bands", "calibration_by_score_value"):
        for attribute, groups in expected.get(part, {}).items():
            rows = {row.group: row.calibration for row in audit.measurements.calibration
                    if row.subject == (attribute,)}  # fmt: skip
            for label, table in groups.items():
                found = getattr(rows.get((label,)), "bands", ())
                _band_figures(c, f"{attribute}:{label}", table.get("bands", table), found)


def _band_figures(c: Comparison, where: str, table: Mapping[str, Any], bands: Sequence[Any]) -> None:
    """Bands in the order of their edges; a file leaves out those without rows, the product does not."""
    ordered = sorted(table.items(), key=lambda item: float(item[0].strip("[]()").split(",")[0]))
    wanted = [(key, figures) for key, figures in ordered if figures["n"]]
    filled = [band for band in bands if band.n]
    c.add(f"{where}: bands with rows", len(wanted), len(filled))
    for (key, figures), band in zip(wanted, filled, strict=False):
        own = {"n": band.n, "positives": band.positives, "observed": band.observed.value,
               "mean_score": band.mean_score, "wilson_95": band.observed.interval}  # fmt: skip
        for name, value in figures.items():
            if name in own:
                c.add(f"{where}:{key}:{name}", value, own[name])
            else:
                c.skip(f"{name}: not a figure of the product")


# Aequitas

AEQUITAS = {"precision": "ppv", "pprev": "selection_rate", "prev": "base_rate"}


def crosstabs(c: Comparison, expected: Any, audit: Audit) -> None:
    """Counts and rates of every group, and each rate divided by the reference group's."""
    for attribute, groups in expected["groups"].items():
        selected = _of(audit, (), (), "selection_rate").numerator
        reference = (expected["meta"].get("reference_groups", {}).get(attribute, ""),)
        for group, figures in groups.items():
            cells = _cells(audit, (attribute,), (group,))
            if cells is None:
                c.skip(NO_SUCH_GROUP)
                continue
            known = {**cells, "group_size": cells["n"],
                     "ppr": Fraction(cells["tp"] + cells["fp"], selected) if selected else None}  # fmt: skip
            for key, wanted in figures.items():
                _crosstab(c, audit, (attribute, group, reference[0]), known, (key, wanted))


def _crosstab(
    c: Comparison,
    audit: Audit,
    names: tuple[str, str, str],
    known: Mapping[str, Any],
    figure: tuple[str, Any],
) -> None:
    (attribute, group, reference), (key, wanted) = names, figure
    metric = key.removesuffix("_disparity")
    metric = AEQUITAS.get(metric, metric)
    if key in known:
        c.add(f"{attribute}:{group}:{key}", wanted, known[key])
    elif metric == "ppr":
        sizes = [_cells(audit, (attribute,), (name,)) for name in (group, reference)]
        counts = [cells["tp"] + cells["fp"] if cells else 0 for cells in sizes]
        if counts[1]:
            c.add(f"{attribute}:{group}:{key}", wanted, Fraction(counts[0], counts[1]))
        else:
            c.skip(REFERENCE_ZERO)
    elif metric not in RATES:
        c.skip(f"{key}: not a figure of the product")
    elif not key.endswith("_disparity"):
        _rate(c, audit, (attribute,), (group,), metric, wanted)
    else:
        one, two = (_exact(audit, (attribute,), (name,), metric) for name in (group, reference))
        if one is None or not two:
            c.skip(ZERO if one is None or two is None else REFERENCE_ZERO)
        else:
            c.add(f"{attribute}:{group}:{key}", wanted, one / two)


# AIF360

AIF_DIFFERENCES = {
    "statistical_parity_difference": "selection_rate",
    "mean_difference": "selection_rate",
    "equal_opportunity_difference": "tpr",
    "true_positive_rate_difference": "tpr",
    "false_positive_rate_difference": "fpr",
    "false_negative_rate_difference": "fnr",
    "false_discovery_rate_difference": "fdr",
    "false_omission_rate_difference": "for",
    "label_mean_difference": "base_rate",
}
AIF_RATIOS = {
    "disparate_impact": "selection_rate",
    "label_disparate_impact": "base_rate",
    "false_positive_rate_ratio": "fpr",
    "false_negative_rate_ratio": "fnr",
}
AIF_ODDS = ("average_odds_difference", "average_abs_odds_difference")


def paired_groups(c: Comparison, expected: Any, audit: Audit) -> None:
    """Differences and ratios between one group and the reference group."""
    for pair, figures in expected["pairs"].items():
        attribute, _, groups = pair.partition(":")
        one, _, two = groups.partition(" vs ")
        for key, wanted in figures.items():
            known, found = _aif(audit, (attribute,), ((one,), (two,)), key)
            if not known:
                c.skip(f"{key}: not a figure of the product")
            elif found is None:
                c.skip(ZERO)
            else:
                c.add(f"{pair}:{key}", wanted, found)


def _aif(audit: Audit, subject: Group, groups: tuple[Group, Group], key: str) -> tuple[bool, Fraction | None]:
    """Whether the product has the figure, and its value; None where a rate has nothing to divide by."""

    def apart(metric: str) -> Fraction | None:
        one, two = (_exact(audit, subject, group, metric) for group in groups)
        return None if one is None or two is None else one - two

    if key in AIF_DIFFERENCES:
        return True, apart(AIF_DIFFERENCES[key])
    if key == "error_rate_difference":
        accuracy = apart("accuracy")
        return True, None if accuracy is None else -accuracy
    if key in AIF_ODDS:
        parts = [part for part in (apart("tpr"), apart("fpr")) if part is not None]
        size: Callable[[Fraction], Fraction] = abs if key == AIF_ODDS[1] else (lambda part: part)
        return True, sum((size(part) for part in parts), Fraction(0)) / 2 if len(parts) == 2 else None
    if key in AIF_RATIOS:
        one, two = (_exact(audit, subject, group, AIF_RATIOS[key]) for group in groups)
        return True, one / two if one is not None and two else None
    return False, None


# Drift, from counts


def drift(c: Comparison, expected: Any, _audit: Audit | None) -> None:
    """PSI, KL, JS and χ² of every feature, from the counts in the file."""
    for feature, wanted in expected["features"].items():
        counts = [[int(count) for count in wanted[key]] for key in ("ref_counts", "cur_counts")]
        smooth, plain = psi(*counts), psi(*([count * LIKE_NOTHING for count in side] for side in counts))
        if isinstance(smooth, Undefined) or isinstance(plain, Undefined):
            c.skip("no rows, or one bin")
            continue
        for rule, found in (("laplace_0.5", smooth), ("none", plain)):
            own = {"psi": found.psi, "kl_cur_ref": found.kl_current_reference,
                   "kl_ref_cur": found.kl_reference_current}  # fmt: skip
            for key, value in (wanted.get(rule) or {}).items():
                c.add(f"{feature}:{rule}:{key}", value, own.get(key))
        if "js_divergence_nats" in wanted:
            c.add(f"{feature}:js", wanted["js_divergence_nats"], plain.js)
        if "js_distance_base2" in wanted:
            c.add(f"{feature}:js distance²", wanted["js_distance_base2"] ** 2, plain.js / math.log(2))
        own_chi2 = {"stat": smooth.chi2, "p": smooth.chi2_p, "dof": smooth.chi2_df}
        for key, value in (wanted.get("chi2") or {}).items():
            c.add(f"{feature}:chi2:{key}", value, own_chi2.get(key))
        for key, value in wanted.items():
            if key in ("ks", "wasserstein"):
                c.skip(f"{key}: of the values, and the file holds counts")
            elif key.startswith("floor_"):
                c.skip(f"{key}: another rule for empty bins")
            elif isinstance(value, float) and not key.startswith("js_"):
                c.skip(f"{key}: not a figure of the product")


# Intervals


def intervals(c: Comparison, expected: Any, _audit: Audit | None) -> None:
    """Wilson, Clopper–Pearson, Newcombe and McNemar, case by case."""
    for case in expected.get("wilson", []):
        k, n = case["k"], case["n"]
        for key, value in case.items():
            name, _, level = key.rpartition("_")
            if name == "wilson":
                c.add(f"{k}/{n}:{key}", value, wilson(k, n, z_two_sided(int(level) / 100)))
            elif name == "clopper_pearson":
                c.add(f"{k}/{n}:{key}", value, clopper_pearson(k, n, int(level) / 100))
    for case in expected.get("newcombe_difference", []):
        found = newcombe_difference(case["k1"], case["n1"], case["k2"], case["n2"], z_two_sided(0.95))
        c.add(f"{case['k1']}/{case['n1']} − {case['k2']}/{case['n2']}", case["newcombe_95"], found)
    for case in expected.get("mcnemar", []):
        (both, first_only), (second_only, neither) = case["table"]
        pairs = PairCounts(both=both, first_only=first_only, second_only=second_only, neither=neither)
        c.add(f"{case.get('name', case['table'])}: exact p", case["exact_p"], mcnemar(pairs).exact)
        c.skip("χ² of McNemar: not a figure of the product", sum(key.startswith("chi2") for key in case))


# Impact ratios, from counts


def impact_ratios(c: Comparison, expected: Any, _audit: Audit | None) -> None:
    """Rates and ratios of every table of counts, and cases at exactly four fifths or exactly a limit."""
    near = expected["meta"].get("tolerance_to_published")
    for where, table in _impact_tables("", expected):
        counts = counts_of({name: (row["selected"], row["n"]) for name, row in table.items()})
        found = impact_table(counts, smallest_share=Fraction(0))
        for name, row in table.items():
            line = found.line((name,))
            assert line is not None
            own: dict[str, Any] = {
                "n": line.n, "selected": line.selected, "rate": line.selection_rate,
                "impact_ratio": line.impact_ratio, "share": line.share,
                "below_2pct": line.share < SMALL_SHARE,
            }  # fmt: skip
            for key, wanted in row.items():
                printed = key.startswith("published_")
                value = own.get(key.removeprefix("published_"))
                c.add(f"{where}:{name}:{key}", wanted, value, near if printed else None)
    for case in expected.get("integer_cases", []):
        _four_fifths(c, (case["k"], case["n"], case["ref_k"], case["ref_n"]), case["ratio"], case["adverse"])
    for case in expected.get("float_naive_ratio", []):
        _four_fifths(
            c, (case["k1"], case["n1"], case["k2"], case["n2"]), case["exact_ratio"], case["adverse"]
        )
    for case in expected.get("gap_boundary_cases", []):
        pair = [
            Count(group=(name,), numerator=case[name][0], denominator=case[name][1]) for name in ("a", "b")
        ]
        gap = difference_gap(pair, min_support=1).value
        assert gap is not None
        c.add(f"{case['a']} − {case['b']}: gap", case["gap"], gap)
        c.add(f"{case['a']} − {case['b']}: passes", case["passes"], gap <= Fraction(str(case["max_gap"])))


def _four_fifths(c: Comparison, counts: tuple[int, int, int, int], ratio: float, adverse: bool) -> None:
    x1, n1, x2, n2 = counts
    line = impact_table(counts_of({"one": (x1, n1), "other": (x2, n2)})).line(("one",))
    assert line is not None
    c.add(f"{x1}/{n1} over {x2}/{n2}: ratio", ratio, line.impact_ratio)
    c.add(f"{x1}/{n1} over {x2}/{n2}: adverse", adverse, line.four_fifths_flag)


# Matched pairs, from counts


def matched_pairs(c: Comparison, expected: Any, _audit: Audit | None) -> None:
    """Flips, direction and McNemar's test of every 2×2 table of pairs."""
    for name, part in expected.items():
        if not isinstance(part, dict) or "table" not in part:
            continue
        table = part["table"]
        both, neither = table["both"], table["neither"]
        first_only, second_only = (count for key, count in table.items() if key not in ("both", "neither"))
        pairs = PairCounts(both=both, first_only=first_only, second_only=second_only, neither=neither)
        found = compare_pair(pairs)
        n = pairs.pairs or 1
        own = {
            "pairs": pairs.pairs, "flips": pairs.flips, "flip_rate": getattr(found.flip_rate, "value", None),
            "flip_rate_wilson_95": getattr(found.flip_rate, "interval", None), "diff": found.direction,
            "rate_a": Fraction(both + first_only, n), "rate_b": Fraction(both + second_only, n),
            "mcnemar_exact_p": found.test.exact, "mcnemar_midp": found.test.mid_p,
        }  # fmt: skip
        for key, wanted in part.items():
            if key in own:
                c.add(f"{name}:{key}", wanted, own[key])
            elif key not in ("table", "variant_a", "variant_b"):
                kind = (
                    "not a figure of the product"
                    if key.startswith(("mcnemar", "diff", "share"))
                    else "of the rows"
                )
                c.skip(f"{key}: {kind}")


FIGURES: dict[str, Callable[[Comparison, Any, Any], None]] = {
    "rates": rates,
    "crosstabs": crosstabs,
    "paired groups": paired_groups,
    "drift": drift,
    "intervals": intervals,
    "impact ratios": impact_ratios,
    "matched pairs": matched_pairs,
}

"""Test vectors that hold rows or counts of groups: answered by the pipeline from a contract to a decision."""

from __future__ import annotations

import csv
import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import linprog

from audit_core.audit import AuditRequest, run_audit
from audit_core.contract.yaml import parse_contract
from audit_core.cube.axes import NO, YES, Axis
from audit_core.cube.bands import score_bands
from audit_core.cube.count_cube import build_cube
from audit_core.cube.counted import Counted
from audit_core.decision.record import Audit
from audit_core.evidence.workspace import Workspace
from audit_core.findings.judge import judge
from audit_core.metrics.distances import value_distances
from audit_core.metrics.estimate import TooFew, Undefined
from audit_core.metrics.intervals import wilson
from audit_core.metrics.matched_pairs import StageOutput, attributed_stage, compare_pair
from audit_core.metrics.measure import measure
from audit_core.metrics.pair_intervals import PairCounts
from audit_core.metrics.recalibration import hosmer_lemeshow, logistic_recalibration, smooth_ece
from audit_core.metrics.signed_rank import score_shift
from tests.cube_factory import counted_of
from tests.vector_cases import Case, ends, exactly, without

AS_OF = datetime(2026, 11, 16, tzinfo=UTC)
STAGES = ("data", "training", "predeploy")
TEXT = """\
schema: evenhand/contract/v1
id: vector
version: 1
status: approved
domain: other
decision: {{question: q, population: p, favourable: {favourable}, harm: h, harmed_by: both}}
data:
{data}
support: {{positives: {positives}, negatives: {negatives}, rows: 1, band: 30}}
statistics: {{level: {level}, fail_rule: {rule}}}
requirements: [{requirements}]
checks:
{checks}
roles:
  o: {{name: n, contact: c}}
author: o
"""


def contract(data: Sequence[str], checks: Sequence[str], **more: Any) -> bytes:
    """The text of a contract with these lines under `data` and these checks."""
    given = {
        "positives": 1,
        "negatives": 1,
        "level": "0.95",
        "rule": "point",
        "requirements": "",
        "favourable": "1",
    } | more
    lines = [
        f"  - {{id: c{place}, stage: training, {check}, severity: critical, owner: o, why: w}}"
        for place, check in enumerate(checks)
    ]
    head = "\n".join(f"  {line}" for line in data)
    return TEXT.format(data=head, checks="\n".join(lines), **given).encode()


def attribute(name: str, levels: Sequence[str]) -> str:
    """An attribute whose groups are required, which also gives their order."""
    return f"{{name: {name}, required: {json.dumps(list(levels), ensure_ascii=False)}, basis: b}}"


def audited(text: bytes, rows: Iterable[Mapping[str, Any]], train: Iterable[Mapping[str, Any]] = ()) -> Audit:
    """The audit of rows, written to a file and read like any other."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        reference = list(train)
        request = AuditRequest(
            contract=text, contract_name="contract.yaml", evaluation=_write(place / "rows.csv", list(rows)),
            train=_write(place / "train.csv", reference) if reference else None, as_of=AS_OF,
        )  # fmt: skip
        return run_audit(request, Workspace(place / "workspace"))


def _write(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


# 03: the gap gate, from counts


def gap_gate(data: Any) -> Iterator[Case]:
    """03."""
    for place, case in enumerate(data["cases"], start=1):
        groups = ", ".join(f"{name} {x}/{n}" for name, x, n in case["in"]["groups"])
        yield gate_case(f"case {place} ({groups}; {case['in'].get('fail_rule', 'point')})", case)


def gate_case(key: str, case: Any) -> Case:
    """One gate: the gap, its bounds, and what the check makes of them."""
    tolerances = {"chance_of_gap_if_equal": case["chance_tol"]} if "chance_tol" in case else {}
    return Case(key=key, wanted=case, answer=partial(_gate, case["in"]), tolerances=tolerances)


def _gate(given: Any) -> dict[str, Any]:
    groups = {name: (x, n) for name, x, n in given["groups"]}
    text = contract(
        ["label: {column: y, positive: 1}", "score: {column: score, threshold: 0.5}",
         f"attributes: [{attribute('g', list(groups))}]"],
        [f"metric: tpr, compare: difference, of: [g], limit: {{max: {given['tau']}}}"],
        positives=given.get("min_support", 1), rule=given.get("fail_rule", "point"),
        level=float(1 - Fraction(str(given.get("alpha", 0.05)))),
    )  # fmt: skip
    parsed, counted = parse_contract(text, "contract.yaml"), counts_of_positives(groups)
    measured = measure(parsed, counted)
    (finding,) = judge(parsed, counted, measured, STAGES)
    found = measured.gap(("g",), "tpr", "difference")
    assert found is not None
    gap = found.gap
    word = None if gap.value is None else "PASS" if gap.value <= Fraction(str(given["tau"])) else "FAIL"
    return {
        "gap": exactly(gap.value),
        "highest": gap.high.group[0] if gap.high else None,
        "lowest": gap.low.group[0] if gap.low else None,
        "gap_over": [group[0] for group in gap.compared],
        "lower_simultaneous": gap.lower,
        "lower_all_groups_n_ge_10": gap.lower_all,
        "upper_iut": gap.upper,
        "chance_of_gap_if_equal": gap.chance_of_gap,
        "point_check": word,
        "support": "NOT_MET" if gap.unsupported else "MET",
        "unsupported_groups": [group[0] for group in gap.unsupported],
        "verdict": finding.status,
        "evidence": finding.evidence,
    }


def counts_of_positives(groups: Mapping[str, tuple[int, int]]) -> Counted:
    """Counts of one attribute `g`, positives alone: group → (selected, positives)."""
    axis = Axis(name="g", kind="attribute", levels=tuple(sorted(groups)))
    codes, measures = [], []
    for level, name in enumerate(axis.levels):
        x, n = groups[name]
        for decision, rows in ((YES, x), (NO, n - x)):
            if rows:
                codes.append((level, YES, decision, -1))
                measures.append((rows, 0, 0, 0))
    cube = build_cube(
        (axis,), score_bands(Fraction(0), Fraction(1), Fraction(1, 2), ()),
        np.array(codes, dtype=np.int64).reshape(-1, 4), np.array(measures, dtype=np.int64).reshape(-1, 4),
    )  # fmt: skip
    return counted_of(cube)


# 05: metrics of groups, from rows

RATE_NAMES = (
    "selection_rate",
    "tpr",
    "fpr",
    "fnr",
    "tnr",
    "ppv",
    "npv",
    "fdr",
    "for",
    "accuracy",
    "base_rate",
)


def group_metrics(data: Any) -> Iterator[Case]:
    """05."""
    rows = [
        {"g": group, "y": label, "d": decision, "score": score}
        for group, label, score, decision in data["rows"]
    ]
    audit = cache(partial(_audited_groups, rows))
    names, labels, scores = zip(*((row["g"], row["y"], row["score"]) for row in rows), strict=True)
    pairs = cache(partial(_between, names, labels, scores))
    for group, wanted in data.get("by_group", {}).items():
        yield Case(key=group, wanted=wanted, answer=lambda group=group: _of_group(audit(), pairs(), group))
    if "xauc" in data:
        yield Case(key="xauc", wanted=data["xauc"], answer=lambda: _crossed(data["xauc"], pairs()))
    if "gaps" in data:
        yield Case(key="gaps", wanted=data["gaps"], answer=lambda: _gaps(audit()))


GAP_CHECKS = [
    f"metric: {metric}, compare: {compare}, of: [g], limit: {{{limit}}}"
    for metric in ("selection_rate", "tpr", "fpr")
    for compare, limit in (("difference", "max: 0.1"), ("ratio", "min: 0.8"))
] + ["metric: equalized_odds, compare: difference, of: [g], limit: {max: 0.1}"]


def _audited_groups(rows: Sequence[Mapping[str, Any]]) -> Audit:
    data = ['label: {column: y, positive: "1"}', 'decision: {column: d, positive: "1"}',
            f"attributes: [{attribute('g', sorted({str(row['g']) for row in rows}))}]"]  # fmt: skip
    return audited(contract(data, GAP_CHECKS), [without(row, "score") for row in rows])


def _between(names: Any, labels: Any, scores: Any) -> Any:
    from audit_core.metrics.ranking import between_groups

    return between_groups(names, labels, scores)


def _of_group(audit: Audit, pairs: Any, group: str) -> dict[str, Any]:
    from audit_core.metrics.treatment import treatment_equality

    table = audit.counted.cube.outcomes(("g",))[(group,)]
    tp, fn, fp, tn = (int(table[cell]) for cell in ((YES, YES), (YES, NO), (NO, YES), (NO, NO)))
    rates = {name: _rate(audit, ("g",), (group,), name) for name in RATE_NAMES}
    return {
        "n": int(table.sum()), "pos": tp + fn, "tp": tp, "fp": fp, "fn": fn, "tn": tn,
        **{name: exactly(value) for name, value in rates.items()},
        "treatment_equality_fn_over_fp": exactly(treatment_equality((group,), fn, fp).ratio),
        "auc": _area(pairs.within(group)),
        "bpsn_auc": _area(pairs.bpsn(group)),
        "bnsp_auc": _area(pairs.bnsp(group)),
        "chouldechova_implied_fpr": exactly(_implied_fpr(rates)),
    }  # fmt: skip


def _implied_fpr(rates: Mapping[str, Fraction | None]) -> Fraction | None:
    """π/(1−π)·(1−PPV)/PPV·(1−FNR) from the product's exact rates; None where one of them has no value."""
    base, ppv, fnr = (rates[name] for name in ("base_rate", "ppv", "fnr"))
    if not base or base == 1 or not ppv or fnr is None:
        return None
    return base / (1 - base) * (1 - ppv) / ppv * (1 - fnr)


def _rate(audit: Audit, subject: tuple[str, ...], group: tuple[str, ...], metric: str) -> Fraction | None:
    found = audit.measurements.rate(subject, group, metric)
    return getattr(found, "fraction", None)


def _area(found: Any) -> float | None:
    return None if found is None else exactly(found.fraction)


def _crossed(wanted: Any, pairs: Any) -> dict[str, float | None]:
    return {key: _area(pairs.xauc(*key.split(">"))) for key in wanted}


def _gaps(audit: Audit) -> dict[str, Any]:
    def value(metric: str, compare: str) -> Fraction | None:
        gap = audit.measurements.gap(("g",), metric, compare)
        return gap.gap.value_all if gap else None

    ratios = [value(metric, "ratio") for metric in ("tpr", "fpr")]
    known = [ratio for ratio in ratios if ratio is not None]
    worst = min(known) if len(known) == len(ratios) else None
    return {
        "demographic_parity_difference": exactly(value("selection_rate", "difference")),
        "demographic_parity_ratio": exactly(value("selection_rate", "ratio")),
        "equal_opportunity_difference": exactly(value("tpr", "difference")),
        "fpr_difference": exactly(value("fpr", "difference")),
        "equalized_odds_difference(fairlearn: max of both)": exactly(value("equalized_odds", "difference")),
        "equalized_odds_difference": exactly(value("equalized_odds", "difference")),
        "equalized_odds_ratio": exactly(worst),
    }


# 06: calibration, from rows


def calibration_of_groups(data: Any) -> Iterator[Case]:
    """06."""
    audit = cache(partial(_audited_scores, data))
    for group, wanted in data["by_group"].items():
        rows = [(label, score) for name, label, score in data["rows"] if name == group]
        tolerances = {key: data["smECE_tol_abs"] for key in wanted if key.startswith("smECE")}
        yield Case(
            key=group, wanted=wanted, tolerances=tolerances,
            answer=lambda group=group, rows=rows, wanted=wanted: _calibrated(audit(), group, rows, wanted),
        )  # fmt: skip


def _audited_scores(data: Any) -> Audit:
    low, *inside, high = data["edges"]
    score = f"range: [{low}, {high}], threshold: {inside[0]}, bands: [{', '.join(map(str, inside))}]"
    groups = sorted({str(row[0]) for row in data["rows"]})
    text = contract(
        ['label: {column: y, positive: "1"}', f"score: {{column: score, {score}}}",
         f"attributes: [{attribute('g', groups)}]"],
        ["metric: calibration_in_the_large, compare: difference, of: [g], limit: {max: 0.1}"],
    )  # fmt: skip
    return audited(text, [{"g": g, "y": y, "score": score} for g, y, score in data["rows"]])


def _calibrated(audit: Audit, group: str, rows: Any, wanted: Any) -> dict[str, Any]:
    row = next(r for r in audit.measurements.calibration if (r.subject, r.group) == (("g",), (group,)))
    found = row.calibration
    assert not isinstance(found, Undefined)
    again = logistic_recalibration([label for label, _ in rows], [score for _, score in rows])
    assert not isinstance(again, Undefined)
    bands = [
        {
            "band": place,
            "n": band.n,
            "observed": band.observed.value,
            "mean_score": band.mean_score,
            "wilson_95": ends(band.observed.interval),
        }
        for place, band in enumerate(found.bands)
    ]
    spread = [(band.n, band.positives, float(band.score_sum)) for band in found.bands]
    fit = hosmer_lemeshow(*(list(column) for column in zip(*spread, strict=True)))
    named = {key for key in wanted if key.startswith("hosmer_lemeshow")}
    fitted = {"stat": fit.statistic, "df_external_validation": fit.df, "p": fit.p}
    smooth = smooth_ece([label for label, _ in rows], [score for _, score in rows])
    return {
        "bands": [bands[one["band"]] for one in wanted.get("bands", [])],
        "ece": found.ece,
        "mce": found.mce,
        "calibration_in_the_large_mean(y)-mean(s)": float(found.in_the_large),
        "logit_intercept_slope": [again.intercept, again.slope],
        "logit_slope_se": again.slope_se,
        "citl_logit_offset": again.offset,
        "brier": found.brier,
        **dict.fromkeys(named, fitted),
        **{key: smooth for key in wanted if key.startswith("smECE")},
    }


# 08: drift of a number, from rows


def continuous_drift(case: Any) -> dict[str, Any]:
    """Deciles by the pipeline, joined into the file's own number of bins; distances from the values."""
    name = next(key for key in case if key.startswith("quantile_edges_"))
    bins = int(re.findall(r"\d+", name)[0])
    table = _deciles(case)
    if 10 % bins or len(table.edges) != 9:
        raise ValueError("the product's bins are deciles; these are not made of whole ones")
    step = 10 // bins
    values = np.unique([*case["reference"], *case["current"]])
    sides = [
        np.bincount(np.searchsorted(values, case[key]), minlength=values.size)
        for key in ("reference", "current")
    ]
    apart = value_distances(values, *(side.astype(np.int64) for side in sides))
    assert apart is not None
    return {
        name: list(table.edges[step - 1 :: step]),
        "reference_counts": _joined(table.reference, step),
        "current_counts": _joined(table.current, step),
        "ks": apart.ks,
        "ks_p": apart.ks_p,
        "wasserstein": apart.wasserstein,
    }


def _deciles(case: Any) -> Any:
    data = ['label: {column: y, positive: "1"}', 'decision: {column: d, positive: "1"}',
            "attributes: [{name: g, basis: b}]", "features: [x]"]  # fmt: skip
    checks = ["metric: psi, features: all, limit: {max: 0.25}"]
    sides = [
        [{"g": "a", "y": place % 2, "d": place % 2, "x": repr(float(x))} for place, x in enumerate(case[key])]
        for key in ("current", "reference")
    ]
    text = contract(data, checks).replace(b"stage: training", b"stage: predeploy")
    audit = audited(text, *sides)
    return next(t for t in audit.counted.drift if t.feature == "x" and not t.attribute)


def _joined(counts: Sequence[int], step: int) -> list[int]:
    return [sum(counts[start : start + step]) for start in range(0, 10, step)]


# 12: suppression, a property


def suppression(data: Any) -> Iterator[Case]:
    """12: any mask will do that hides the small cells and lets none be worked out."""
    for place, case in enumerate(data["cases"], start=1):
        held = {"small cells are hidden": True, "no small cell can be worked out": True}
        wanted = without(case, "in", "reference_mask") | held
        yield Case(key=f"case {place}", wanted=wanted, answer=partial(_suppressed, case))


def _suppressed(case: Any) -> dict[str, Any]:
    from audit_core.cube.suppress import feasible_intervals, suppress

    table, floor = np.array(case["in"]["table"], dtype=np.int64), case["in"]["k"]
    found = suppress(table, floor)
    hidden, small = np.asarray(found.mask, dtype=bool), table < floor
    answer = {
        "primary": np.asarray(found.primary).astype(int).tolist(),
        "naive_primary_only_feasible_intervals": _ranges(*feasible_intervals(table, small), small),
        "table_withheld": bool(found.withheld),
        "small cells are hidden": bool((hidden | ~small).all()),
        "no small cell can be worked out": bool(found.withheld) or hides(table, hidden, floor),
    }
    if case.get("reference_mask") is not None:
        mask = np.array(case["reference_mask"], dtype=bool)
        answer["feasible_intervals"] = _ranges(*feasible_intervals(table, mask), mask)
    return answer


def _ranges(low: Any, high: Any, cells: Any) -> dict[str, list[float]]:
    return {
        f"({', '.join(str(int(part)) for part in cell)})": [float(low[tuple(cell)]), float(high[tuple(cell)])]
        for cell in np.argwhere(cells)
    }


def hides(table: Any, hidden: Any, floor: int) -> bool:
    """Whether no small cell of a two-way table can be worked out, by linear programming written anew here."""
    cells = [tuple(int(part) for part in cell) for cell in np.argwhere(hidden)]
    left = np.where(hidden, table, 0)
    lines = [(axis, place) for axis in (0, 1) for place in range(table.shape[axis])]
    equal = np.array([[float(cell[axis] == place) for cell in cells] for axis, place in lines])
    totals = np.array([left.sum(axis=1 - axis)[place] for axis, place in lines], dtype=float)
    for index, cell in enumerate(cells):
        if table[cell] >= floor:
            continue
        ends_of_cell = []
        for sign in (1.0, -1.0):
            goal = np.zeros(len(cells))
            goal[index] = sign
            ends_of_cell.append(sign * linprog(goal, A_eq=equal, b_eq=totals, bounds=(0, None)).fun)
        low, high = ends_of_cell
        if high - low < floor - 1e-6 or high < floor - 1e-6:
            return False
    return True


# 17: the lesson


def shopflow(data: Any) -> Iterator[Case]:
    """17."""
    for phase in ("baseline", "candidate"):
        if phase in data:
            yield from _phase(data, phase)


def _phase(data: Any, phase: str) -> Iterator[Case]:
    wanted, lesson = data[phase], _Lesson(data, phase)
    for key, value in wanted.items():
        if key.startswith("gap_gate_"):
            yield gate_case(f"{phase} {key}", value)
        elif key != "contract":
            yield Case(key=f"{phase} {key}", wanted=value, answer=partial(lesson.answer, key, value))


class _Lesson:
    """One phase of the lesson: its pairs, and the audit of its rows."""

    def __init__(self, data: Any, phase: str) -> None:
        self.variants = list(data[phase]["rates"])
        later = data.get("candidate_scores", {}) if phase == "candidate" else {}
        self.pairs = [
            (name, ready, channel, tuple(later.get(name, scores)))
            for name, ready, channel, *scores in data["observations"]
        ]
        self.threshold = data["threshold"]
        self.limits = data["baseline"]["contract"]
        self.missing = data.get("candidate", {}).get("expected", {}).get("missing", [MINIMUM])
        labels = [key.split(" | ")[1] for key in data[phase]["calibration_bands"]]
        self.labels = list(dict.fromkeys([*labels, *(
            key.split(" | ")[1] for other in ("baseline", "candidate") if other in data
            for key in data[other]["calibration_bands"])]))  # fmt: skip
        self.audit = cache(self._audited)

    def answer(self, key: str, wanted: Any) -> Any:
        """The product's value of one key."""
        if key.startswith("pairs_"):
            ready = {"pairs_all": None, "pairs_expected_positive": True, "pairs_expected_negative": False}[
                key
            ]
            return self._comparison(ready)
        known = {
            "rates": self._rates,
            "tpr_gap": lambda: self._gap("tpr"),
            "fpr_gap": lambda: self._gap("fpr"),
            "flips": lambda: [[name, *outcomes] for name, outcomes in self._flips()],
            "stage_attribution": self._stages,
            "calibration_bands": self._bands,
            "intersection_positive_counts": self._intersections,
            "mean_score_shift": lambda: exactly(self._shift().mean),
            "wilcoxon_p": lambda: self._shift().p,
            "expected": lambda: self._expected(wanted),
        }
        return known[key]()

    def _audited(self) -> Audit:
        inner = sorted({re.findall(r"\d*\.\d+", label)[0] for label in self.labels}, key=float)
        channels = sorted({pair[2] for pair in self.pairs})
        data = [
            'label: {column: ready, positive: "True"}',
            f"score: {{column: score, threshold: {self.threshold}, bands: [{', '.join(inner)}]}}",
            f"attributes: [{attribute('variant', self.variants)}, {attribute('channel', channels)}]",
            "intersections: [[channel, variant]]",
        ]
        checks = [
            f"metric: {metric}, compare: difference, of: [variant], "
            f"limit: {{max: {self.limits[f'max_{metric}_gap']}}}"
            for metric in ("tpr", "fpr")
        ]
        requirements = [
            f"{{id: {name}, computed: true}}" if name == MINIMUM else f"{{id: {name}, met: false, by: o}}"
            for name in self.missing
        ]
        text = contract(
            data, checks, positives=self.limits["min_positive_per_slice"],
            negatives=self.limits["min_negative_per_slice"], requirements=", ".join(requirements),
        )  # fmt: skip
        return audited(text, [
            {"variant": variant, "channel": channel, "ready": ready, "score": score}
            for _, ready, channel, scores in self.pairs
            for variant, score in zip(self.variants, scores, strict=True)
        ])  # fmt: skip

    def _rates(self) -> dict[str, Any]:
        found = {}
        for variant in self.variants:
            rates = {
                name: self.audit().measurements.rate(("variant",), (variant,), name)
                for name in ("selection_rate", "tpr", "fpr")
            }
            chosen, tpr, fpr = rates.values()
            found[variant] = {
                "n": chosen.denominator, "selected": chosen.numerator, "selection_rate": chosen.value,
                "tp": tpr.numerator, "positives": tpr.denominator, "tpr": tpr.value,
                "fp": fpr.numerator, "negatives": fpr.denominator, "fpr": fpr.value,
                "tpr_wilson_z1.96": ends(wilson(tpr.numerator, tpr.denominator, 1.96)),
            }  # fmt: skip
        return found

    def _gap(self, metric: str) -> float | None:
        gap = self.audit().measurements.gap(("variant",), metric, "difference")
        return exactly(gap.gap.value) if gap else None

    def _flips(self) -> list[tuple[str, list[str]]]:
        outcomes = [
            (name, ["auto_serve" if score >= self.threshold else "human_review" for score in scores])
            for name, _, _, scores in self.pairs
        ]
        return [(name, pair) for name, pair in outcomes if len(set(pair)) > 1]

    def _stages(self) -> dict[str, str]:
        gate = StageOutput(name="evidence_gate", outputs=(True, True))
        return {name: attributed_stage([gate], outcomes) for name, outcomes in self._flips()}

    def _comparison(self, ready: bool | None) -> dict[str, Any]:
        cells = [0, 0, 0, 0]
        for _, label, _, scores in self.pairs:
            if ready is None or label == ready:
                first, second = (score >= self.threshold for score in scores)
                cells[(0 if second else 1) if first else (2 if second else 3)] += 1
        both, first_only, second_only, neither = cells
        counts = PairCounts(both=both, first_only=first_only, second_only=second_only, neither=neither)
        found, (one, two) = compare_pair(counts), self.variants
        return {
            "both": both, f"{one}_only": first_only, f"{two}_only": second_only, "neither": neither,
            "mcnemar_exact_p": found.test.exact, "tango_95": ends(found.direction_interval),
        }  # fmt: skip

    def _bands(self) -> dict[str, Any]:
        found = {}
        for row in self.audit().measurements.calibration:
            if row.subject != ("variant",) or isinstance(row.calibration, Undefined):
                continue
            for band in row.calibration.bands:
                if band.n:
                    label = f"{row.group[0]} | {self._label(band.low)}"
                    found[label] = {"n": band.n, "ready": band.observed.value}
        return found

    def _label(self, low: float) -> str:
        """The file's words for the band that starts there."""
        starts = {0.0 if label.startswith("below") else float(re.findall(r"\d*\.\d+", label)[0]): label
                  for label in self.labels}  # fmt: skip
        return starts.get(low, f"from {low}")

    def _intersections(self) -> dict[str, int]:
        audit = self.audit()
        return {
            " / ".join(group): getattr(
                audit.measurements.rate(("channel", "variant"), group, "tpr"), "denominator", 0
            )
            for group in audit.measurements.groups_of(("channel", "variant"))
        }

    def _shift(self) -> Any:
        return score_shift([scores[0] - scores[1] for *_, scores in self.pairs])

    def _expected(self, wanted: Any) -> dict[str, Any]:
        audit = self.audit()
        unmet = [requirement.id for requirement in audit.requirements if not requirement.met]
        bands = [band for row in audit.measurements.calibration if row.subject == ("variant",)
                 for band in getattr(row.calibration, "bands", ())]  # fmt: skip
        thin = all(isinstance(band.observed, TooFew | Undefined) for band in bands)
        crossed = [
            audit.measurements.rate(("channel", "variant"), group, "tpr")
            for group in audit.measurements.groups_of(("channel", "variant"))
        ]
        found = {
            "minimum_support": "FAIL" if MINIMUM in unmet else "PASS",
            "calibration": "insufficient support" if thin else "supported",
            "intersections": "all insufficient"
            if all(isinstance(e, TooFew | Undefined) for e in crossed)
            else "",
            "missing": unmet,
            "decision": audit.decision.verdict,
        }
        for key, metric in (("TPR gap", "tpr"), ("FPR gap", "fpr"), ("FPR guardrail", "fpr")):
            status = next(finding.status for finding in audit.findings if finding.metric == metric)
            found[key] = status if isinstance(wanted.get(key), str) else self._gap(metric)
        return found


MINIMUM = "minimum_positive_and_negative_support"

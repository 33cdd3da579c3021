"""What the product answers to each kind of test vector, in the shape of the vector's own file.

Everything goes through the public functions of `audit_core`; where a vector has rows, through the whole
pipeline (tests/vector_rows.py). Keys a case does not know are told by the runner, never taken as right.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from audit_core.cube.ranks import rank_sums
from audit_core.decision.verdict import RequirementState, decide
from audit_core.metrics import crosschecks, intervals, multiplicity, planner
from audit_core.metrics.drift import ks_from_counts, psi
from audit_core.metrics.estimate import Suppressed, Undefined, estimate_rate
from audit_core.metrics.hiring import counts_of, impact_table, scoring_counts
from audit_core.metrics.matched_pairs import cochran_q, compare_pair
from audit_core.metrics.monitoring import cusum, ewma
from audit_core.metrics.pair_intervals import PairCounts, newcombe_paired
from audit_core.metrics.ranking import auc
from audit_core.metrics.regression import gap_change, paired_change, risk_change
from audit_core.metrics.reweighing import LabelledRows, reweighing
from audit_core.metrics.signed_rank import score_shift

LIKE_NOTHING = 10**12  # counts this many times over, against which a half per bin weighs nothing


@dataclass(frozen=True, kw_only=True)
class Case:
    """One case: what the file says, and how the product answers in the same shape.

    `tolerances` are those of single keys, where they differ from the file's.
    """

    key: str
    wanted: Any
    answer: Callable[[], Any]
    tolerances: dict[str, float] = field(default_factory=dict)


def exactly(value: Fraction | None) -> float | None:
    """A fraction as the number a file holds."""
    return None if value is None else float(value)


def ends(interval: intervals.Interval | None) -> list[float] | None:
    """An interval as the list a file holds."""
    return None if interval is None else list(interval)


def without(case: Any, *inputs: str) -> dict[str, Any]:
    """A case without the keys that are its input."""
    return {key: value for key, value in case.items() if key not in inputs}


def numbered(cases: Iterable[Any], answer: Callable[[Any], Any]) -> Iterator[Case]:
    """One case per member of a list, answered by one function."""
    for place, case in enumerate(cases, start=1):
        yield Case(key=f"case {place}", wanted=case, answer=partial(answer, case))


# One rate, two rates


def rate_intervals(data: Any) -> Iterator[Case]:
    """01."""
    return numbered(data["cases"], _rate)


def levels(case: Any) -> dict[str, float]:
    """The two-sided levels a case names at the end of its keys, 95 in wilson_95, with their quantiles."""
    named = {key.rsplit("_", 1)[-1] for key in case}
    return {name: intervals.z_two_sided(int(name) / 100) for name in named if re.fullmatch(r"[1-9]\d", name)}


def _rate(case: Any) -> dict[str, Any]:
    x, n = case["in"]["x"], case["in"]["n"]
    found: dict[str, Any] = {
        "rate": estimate_rate(x, n).value,
        "wilson_z1.96": ends(intervals.wilson(x, n, 1.96)),
    }
    for level, z in levels(case).items():
        found[f"wilson_{level}"] = ends(intervals.wilson(x, n, z))
        found[f"clopper_pearson_{level}"] = ends(_exact(x, n, int(level) / 100))
    return found


def _exact(x: int, n: int, level: float) -> intervals.Interval:
    found = estimate_rate(x, n, level=level, method="clopper-pearson")
    assert not isinstance(found, Suppressed)
    return found.interval


def diff_ratio(data: Any) -> Iterator[Case]:
    """02."""
    return numbered(data["cases"], _two_rates)


def _two_rates(case: Any) -> dict[str, Any]:
    counts = [case["in"][key] for key in ("x1", "n1", "x2", "n2")]
    x1, n1, x2, n2 = counts
    found: dict[str, Any] = {"diff": float(Fraction(x1, n1) - Fraction(x2, n2)) if n1 and n2 else None}
    for level, z in levels(case).items():
        found |= {
            f"newcombe_{level}": ends(intervals.newcombe_difference(*counts, z)),
            f"agresti_caffo_{level}": ends(crosschecks.agresti_caffo_difference(*counts, z)),
            f"miettinen_nurminen_{level}": ends(crosschecks.miettinen_nurminen_difference(*counts, z)),
            f"ratio_katz_{level}": ends(crosschecks.katz_ratio(*counts, z)),
            f"ratio_koopman_{level}": ends(intervals.koopman_ratio(*counts, z)),
        }
    return found


# The decision


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A finding, as far as a decision looks at it."""

    check: str
    severity: str
    status: str
    exception: str | None


def release_decision(data: Any) -> Iterator[Case]:
    """04."""
    return numbered(data["cases"], _decision)


def _decision(case: Any) -> dict[str, Any]:
    checks = [
        Judged(check=f"c{place}", severity=c["severity"], status=c["verdict"], exception=c.get("waiver"))
        for place, c in enumerate(case["in"]["checks"])
    ]
    stated = [
        RequirementState(
            id=r["name"], met=r["met"], blocking=r.get("blocking", True), by="owner", evidence=""
        )
        for r in case["in"]["requirements"]
    ]
    found = decide(checks, stated)
    return {"decision": found.verdict, "exit_code": found.exit_code}


# Pairs


def pair_counts(cell: Any, *names: str) -> PairCounts:
    """Pairs under the file's own four keys."""
    both, first, second, neither = (cell[name] for name in names)
    return PairCounts(both=both, first_only=first, second_only=second, neither=neither)


def matched_pairs(data: Any) -> Iterator[Case]:
    """07."""
    yield from numbered(data["cases"], _pairs)
    if "cochran_q" in data:
        case = data["cochran_q"]
        yield Case(key="cochran_q", wanted=case, answer=partial(_cochran, case))
    if "wilcoxon_signed_rank" in data:
        case = data["wilcoxon_signed_rank"]
        wanted = without(case, "score_shift_first_minus_second")
        yield Case(key="wilcoxon_signed_rank", wanted=wanted, answer=partial(_wilcoxon, case))


def _pairs(case: Any) -> dict[str, Any]:
    counts = pair_counts(case["in"], "both_yes", "first_only", "second_only", "neither")
    found = compare_pair(counts)
    answer = {
        "n_pairs": counts.pairs,
        "flips": counts.flips,
        "flip_rate": getattr(found.flip_rate, "value", None),
        "net_direction_first_minus_second": exactly(found.direction),
        "mcnemar_exact_p": found.test.exact,
        "mcnemar_midp_p": found.test.mid_p,
        "ratio": exactly(found.ratio),
    }
    for level, z in levels(case).items():
        again = compare_pair(counts, level=int(level) / 100)
        answer |= {
            f"flip_rate_wilson_{level}": ends(getattr(again.flip_rate, "interval", None)),
            f"tango_{level}": ends(again.direction_interval),
            f"newcombe_paired_{level}": ends(newcombe_paired(counts, z)),
            f"ratio_bonett_price_{level}": ends(again.ratio_interval),
        }
    return answer


def _cochran(case: Any) -> dict[str, Any]:
    found = cochran_q([([bool(cell) for cell in row], 1) for row in case["in"]])
    return {"statistic": found.statistic, "df": found.df, "p": found.p}


def _wilcoxon(case: Any) -> dict[str, Any]:
    method = case.get("method", "auto")
    found = score_shift(case["score_shift_first_minus_second"], method=method)
    return {"statistic": float(found.statistic), "p": found.p}


# Drift


def drift(data: Any) -> Iterator[Case]:
    """08."""
    yield from numbered(data["cases"], _drift)
    if "continuous" in data:
        from tests.vector_rows import continuous_drift

        case = data["continuous"]
        wanted = without(case, "reference", "current")
        yield Case(key="continuous", wanted=wanted, answer=partial(continuous_drift, case))


def _drift(case: Any) -> dict[str, Any]:
    reference, current = (
        [round(count) for count in case["in"][key]] for key in ("reference_counts", "current_counts")
    )
    found = psi(reference, current)
    if isinstance(found, Undefined):
        return dict.fromkeys(case)
    answer: dict[str, Any] = {
        "psi": found.psi,
        "kl_current_given_reference_nats": found.kl_current_reference,
        "kl_reference_given_current_nats": found.kl_reference_current,
        "kl_bits": found.kl_current_reference / math.log(2),
        "js_divergence_nats": found.js,
        "psi_null_mean": found.psi_null_mean,
        "psi_null_95": found.psi_null95,
        "psi_excess": found.excess,
        "chi2": found.chi2,
        "chi2_df": found.chi2_df,
        "chi2_p": found.chi2_p,
        "ks": ks_from_counts(reference, current),
    }
    if min(*reference, *current) > 0:
        plain = psi(*([count * LIKE_NOTHING for count in side] for side in (reference, current)))
        answer["psi_unsmoothed"] = getattr(plain, "psi", None)
    else:  # the product never divides by an empty bin
        answer["psi_unsmoothed"] = None
    return answer


# Many tests, and how many people


def adjusted(data: Any) -> Iterator[Case]:
    """09."""
    methods = {
        "holm": multiplicity.holm,
        "bh": multiplicity.benjamini_hochberg,
        "by": multiplicity.benjamini_yekutieli,
        "bonferroni": multiplicity.bonferroni,
    }
    for name, method in methods.items():
        if name in data:
            yield Case(key=name, wanted=data[name], answer=partial(_adjusted, method, data["p"]))


def _adjusted(method: Callable[[Any], tuple[float, ...]], p: list[float]) -> list[float]:
    return list(method(p))


def sample_size(data: Any) -> Iterator[Case]:
    """10."""
    return numbered(data["cases"], _people)


def _people(case: Any) -> dict[str, Any]:
    given = case["in"]
    plan = {"PASS": planner.people_to_pass, "FAIL_CONFIRMED": planner.people_to_confirm}[case["target"]]
    level = float(1 - Fraction(str(given.get("alpha", 0.05))))
    found = plan(given["p"], given["K"], given["tau"], given.get("true_gap", 0.0), given["power"], level)
    return {"n_per_group": found}


# Windows


def monitoring(data: Any) -> Iterator[Case]:
    """11: the parameters of the charts stand in the names of the keys."""
    allowance = next((float(key[7:]) for key in data if key.startswith("cusum_k")), 0.5)
    for key, wanted in data.items():
        if key.startswith("cusum_k"):
            yield Case(key=key, wanted=wanted, answer=partial(_cusum, data["z"], allowance))
        elif key.startswith("ewma_lambda"):
            weight = float(key.removeprefix("ewma_lambda").split("_")[0])
            yield Case(key=key, wanted=wanted, answer=partial(_ewma, data["z"], weight))
        elif key.startswith("first_alarm_cusum_h"):
            limit = float(key.removeprefix("first_alarm_cusum_h"))
            yield Case(key=key, wanted=wanted, answer=partial(_alarm, data["z"], allowance, limit))


def _cusum(z: list[float], allowance: float) -> list[float]:
    return list(cusum(z, limit=math.inf, allowance=allowance).values)


def _ewma(z: list[float], weight: float) -> list[float]:
    return list(ewma(z, limit=math.inf, weight=weight).values)


def _alarm(z: list[float], allowance: float, limit: float) -> int | None:
    return cusum(z, limit=limit, allowance=allowance).first_alarm


# Hiring


def four_fifths(data: Any) -> Iterator[Case]:
    """13."""
    for case in data["cases"]:
        name = case["in"].get("name", "table")
        yield Case(key=name, wanted=case, answer=partial(_impact, case["in"]))
    if "scoring_rate" in data:
        case = data["scoring_rate"]
        yield Case(
            key="scoring_rate", wanted=without(case, "scores", "group"), answer=partial(_scoring, case)
        )


def _impact(given: Any) -> dict[str, Any]:
    share = Fraction(str(given.get("exclude_below_share", 0.02)))
    table = impact_table(counts_of(given["selected_total"]), smallest_share=share)
    lines: dict[str, Any] = {}
    for line in table.lines:
        lines[line.group[0]] = answer = {
            "selection_rate": exactly(line.selection_rate),
            "impact_ratio": exactly(line.impact_ratio),
            "four_fifths_flag": line.four_fifths_flag,
        }
        if line.against:
            answer |= {
                "z_pooled_sd_units": line.against.sd_units,
                "fisher_exact_two_sided_p": line.against.fisher_p,
                "shortfall_to_parity": exactly(line.against.shortfall_to_parity),
                "shortfall_to_four_fifths": line.against.shortfall_to_four_fifths,
                "flip_flop_one_more_selected_clears": line.against.swap_clears,
            }
    return {
        "reference": table.reference[0] if table.reference else None,
        "excluded_below_2pct": [line.group[0] for line in table.excluded],
        "by_category": lines,
    }


def _scoring(case: Any) -> dict[str, Any]:
    found = scoring_counts(case["scores"], [(group,) for group in case["group"]])
    table = impact_table(found.counts)
    lines = {line.group[0]: line for line in table.lines}
    return {
        "sample_median": float(found.median),
        "scoring_rate": {name: exactly(line.selection_rate) for name, line in lines.items()},
        "impact_ratio": {name: exactly(line.impact_ratio) for name, line in lines.items()},
    }


# Mitigation and regression


def reweighed(data: Any) -> Iterator[Case]:
    """14."""
    first_yes, first_no, second_yes, second_no = data["counts_g1y1_g1y0_g0y1_g0y0"]
    rows = {
        ("1",): LabelledRows(positives=first_yes, negatives=first_no),
        ("0",): LabelledRows(positives=second_yes, negatives=second_no),
    }
    yield Case(key="weights", wanted=data["weights"], answer=partial(_weights, rows))


def _weights(rows: Any) -> dict[str, float | None]:
    found = {}
    for line in reweighing(rows):
        found[f"g={line.group[0]},y=1"] = exactly(line.positive)
        found[f"g={line.group[0]},y=0"] = exactly(line.negative)
    return found


def baseline_regression(data: Any) -> Iterator[Case]:
    """15."""
    return numbered(data["cases"], _regression)


def _regression(case: Any) -> dict[str, Any]:
    groups, changes, found = {}, {}, {}
    for name, cell in case["in"].items():
        counts = pair_counts(cell, "both_tp", "new_only_tp", "old_only_tp", "neither")
        change, risk = paired_change(counts), risk_change(counts)
        assert change is not None and risk is not None
        changes[name] = change
        groups[name] = {
            "tpr_new": 1 - float(risk.new),
            "tpr_old": 1 - float(risk.old),
            "delta": float(change.value),
            "delta_ci90_newcombe_paired": [change.low, change.high],
            "risk_fnr_new": float(risk.new),
            "risk_fnr_old": float(risk.old),
            "risk_ratio_new_over_old": exactly(risk.ratio),
            "log_rr_se_paired": risk.se,
            "exceeds_baseline_by_10pct": risk.exceeds(),
            "risk_ratio_upper95_one_sided": risk.high,
            "risk_ratio_lower95_one_sided": risk.low,
            "evidence": risk.evidence(),
        }
    found["by_group"] = groups
    pair = list(changes)[:2]
    for key in case:
        if key.startswith("change_of_signed_gap_"):
            one, _, two = key.removeprefix("change_of_signed_gap_").partition("_minus_")
            pair = [one, two]
            found[key] = float(gap_change(changes[one], changes[two]).value)
    if len(pair) == 2:
        gap = gap_change(*(changes[name] for name in pair))
        found["change_ci90_mover"] = [gap.low, gap.high]
    return found


# Ranking


def ranked(data: Any) -> Iterator[Case]:
    """16."""
    wanted = {key: data[key] for key in _RANKED if key in data}
    yield Case(key="ranking", wanted=wanted, answer=partial(_ranked, data))


_RANKED = ("mean_exposure", "exposure_ratio_min_over_max", "top_k_selection_rate")


def _ranked(data: Any) -> dict[str, Any]:
    from audit_core.metrics import exposure

    order = list(data["ranking_best_first"])
    means = exposure.exposure_by_group(order)
    found: dict[str, Any] = {
        "mean_exposure": means,
        "exposure_ratio_min_over_max": exposure.exposure_ratio(means),
    }
    if "top_k" in data:
        top = exposure.top_k_rates(order, data["top_k"])
        found["top_k_selection_rate"] = {group: exactly(count.value) for group, count in top.items()}
    return found


def auc_delong(data: Any) -> Iterator[Case]:
    """18."""
    wanted = {key: data[key] for key in ("auc", "ci95", "var") if key in data}
    yield Case(key="auc", wanted=wanted, answer=partial(_auc, data))


def _auc(data: Any) -> dict[str, Any]:
    label, score = np.asarray(data["label"]), np.asarray(data["score"], dtype=float)
    values = np.unique(score)
    sides = [
        np.bincount(np.searchsorted(values, score[label == side]), minlength=values.size) for side in (1, 0)
    ]
    found = auc(rank_sums(*(side.astype(np.int64) for side in sides)))
    assert found is not None
    return {"auc": found.value, "ci95": [*found.plain], "var": found.se**2}


def _with_rows(name: str) -> Callable[[Any], Iterable[Case]]:
    """Cases that need the pipeline, which is imported only when one of them is there."""

    def cases(data: Any) -> Iterable[Case]:
        from tests import vector_rows

        found: Iterable[Case] = getattr(vector_rows, name)(data)
        return found

    return cases


CASES: dict[str, Callable[[Any], Iterable[Case]]] = {
    "rate_intervals": rate_intervals,
    "diff_ratio": diff_ratio,
    "gap_gate": _with_rows("gap_gate"),
    "release_decision": release_decision,
    "group_metrics": _with_rows("group_metrics"),
    "calibration": _with_rows("calibration_of_groups"),
    "matched_pairs": matched_pairs,
    "drift": drift,
    "multiplicity": adjusted,
    "sample_size": sample_size,
    "cusum_ewma": monitoring,
    "suppression": _with_rows("suppression"),
    "four_fifths_ll144": four_fifths,
    "reweighing": reweighed,
    "baseline_regression": baseline_regression,
    "exposure": ranked,
    "shopflow": _with_rows("shopflow"),
    "auc_delong": auc_delong,
}
"""Every id the runner knows."""

"""How a harm rate stands to the baseline's: its ratio, the rule it triggers, and how often by chance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import NormalDist

import numpy as np

from audit_core.metrics.intervals import koopman_ratio, z_one_sided
from audit_core.metrics.regression import FLOOR, MOST_INCREASE, chance_of_trigger, risk_change
from audit_core.metrics.regression_bounds import GroupChange


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskBounds:
    """A harm rate as a share of the baseline's, with one-sided bounds; `ratio` is None where none was harmed
    before. Bounds are 0 and infinity where the formula has none.
    """

    ratio: Fraction | None
    low: float
    high: float


def risk_bounds(change: GroupChange, level: float) -> RiskBounds | None:
    """Return how a group's harm rate stands to the baseline's, or None where either has no rows.

    Formula: paired: RR·exp(∓z·se), se² = (1−p)/x + (1−p′)/x′ − 2S/(x·x′), which on the same rows is
    (b+c)/(x·x′); unpaired: Koopman's bounds. One-sided at `level`.

    References
    ----------
    Koopman (1984), Biometrics 40.
    """
    if change.value is None or change.old.value is None or change.new.value is None:
        return None
    ratio = change.new.value / change.old.value if change.old.value else None
    (x, n), (y, m) = change.new.effective, change.old.effective
    z = z_one_sided(level)
    if not change.paired:
        found = koopman_ratio(x, n, y, m, z)
        low, high = found if found else (0.0, math.inf)
        return RiskBounds(ratio=ratio, low=low if ratio is not None else 0.0, high=high)
    if not ratio:  # harmed by one model only: no logarithm
        return RiskBounds(ratio=ratio, low=0.0, high=math.inf)
    shared = float(change.shared) / change.new.design_effect
    reach = z * math.sqrt(max(0.0, (1 - x / n) / x + (1 - y / m) / y - 2 * shared / (x * y)))
    return RiskBounds(ratio=ratio, low=float(ratio) * math.exp(-reach), high=float(ratio) * math.exp(reach))


def triggers(change: GroupChange, most: Fraction = MOST_INCREASE, floor: Fraction = FLOOR) -> bool:
    """Whether a harm rate is above the baseline's by more than the share `most` and by `floor` or more.

    Where the baseline harmed nobody, any harm does. Exact fractions; False where either has no rows.
    """
    new, old, value = change.new.value, change.old.value, change.value
    if new is None or old is None or value is None:
        return False
    return new > 0 if old == 0 else new > (1 + most) * old and value >= floor


def trigger_chance(
    change: GroupChange, *, most: Fraction = MOST_INCREASE, floor: Fraction = FLOOR, level: float = 0.95
) -> float | None:
    """Return how often the rule would trigger in one group if neither model were worse; None without rows.

    Formula: same rows: X ~ Binomial(b+c, ½) new harms among the disagreements, exact. Different rows: both
    numbers of harmed people binomial at the pooled rate, summed over every number before. Shares of those
    selected under both models: normal on the log scale with the paired standard error.
    """
    if change.value is None:
        return None
    if change.pairs is not None:
        risk = risk_change(change.pairs, harm_is=True, level=level)
        return chance_of_trigger(risk, most=most, floor=floor) if risk else None
    if not change.paired:
        return _chance_apart(change, most, floor)
    return _chance_by_logs(change, most, floor, level)


def _chance_apart(change: GroupChange, most: Fraction, floor: Fraction) -> float:
    from scipy.stats import binom

    n, m = change.new.denominator, change.old.denominator
    rate = (change.new.numerator + change.old.numerator) / (n + m)
    # Beyond ten standard deviations nothing is left to add.
    reach = 10 * math.sqrt(m * rate * (1 - rate)) + 10
    before = np.arange(max(0, math.floor(m * rate - reach)), min(m, math.ceil(m * rate + reach)) + 1)
    share = np.floor(float(1 + most) * before * n / m + 1e-9) + 1  # the fewest above the share …
    least = np.ceil(n * (before / m + float(floor)) - 1e-9)  # … and above the floor
    fewest = np.where(before == 0, 1, np.maximum(share, least))
    return float(np.sum(binom.pmf(before, m, rate) * binom.sf(fewest - 1, n, rate)))


def _chance_by_logs(change: GroupChange, most: Fraction, floor: Fraction, level: float) -> float | None:
    found, old = risk_bounds(change, level), change.old.value
    if found is None or not found.ratio or not old or found.low <= 0:
        return None
    se = math.log(float(found.ratio) / found.low) / z_one_sided(level)
    needed = max(1 + most, 1 + floor / old)
    return 1 - NormalDist().cdf(math.log(needed) / se) if se > 0 else 0.0


def joint_chance(chances: Sequence[float | None]) -> float | None:
    """Return how often at least one of the groups looked at would trigger, if no group were worse."""
    known = [chance for chance in chances if chance is not None]
    return 1 - math.prod(1 - chance for chance in known) if known else None

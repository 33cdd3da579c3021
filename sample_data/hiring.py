"""Invented applicants of a hiring model, with the faults an audit should find planted in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit, ndtri

from sample_data.draws import Floats, Ints, outcomes, pick, ranks, spread

Columns = dict[str, Any]
TRAINING_LABEL: Final = "advanced_historically"
Texts = npt.NDArray[np.object_]

SEED: Final = 20260
SIZES: Final = {"train": 8_000, "evaluation": 4_000} | {f"window_{k}": 2_000 for k in range(1, 7)}

GENDER: Final = {"woman": 0.46, "man": 0.525, "nonbinary": 0.015}
ETHNICITY: Final = {
    "White": 0.55,
    "Asian": 0.15,
    "Black": 0.13,
    "Hispanic": 0.12,
    "Undisclosed": 0.035,
    "Indigenous": 0.015,
}
AGE_BANDS: Final = {(19, 30): 0.34, (30, 40): 0.33, (40, 50): 0.21, (50, 67): 0.12}
EDUCATION: Final = {"school": 0.15, "associate": 0.14, "bachelor": 0.20, "master": 0.51}
JOB_FAMILY: Final = {"engineering": 0.26, "finance": 0.14, "operations": 0.22, "sales": 0.20, "support": 0.18}
NEXT_JOB_FAMILY: Final = {
    "engineering": 0.18,
    "finance": 0.12,
    "operations": 0.20,
    "sales": 0.22,
    "support": 0.28,
}
SOURCE: Final = {"agency": 0.14, "career_site": 0.26, "job_board": 0.42, "referral": 0.18}

# Truth: what a year, a point or a degree is worth, and the two things the model can't know or learns wrongly.
EDUCATION_WORTH: Final = {"school": -0.5, "associate": -0.15, "bachelor": 0.15, "master": 0.45}
SLOPE: Final = 1.3
OVER_50: Final = 0.63  # people of 50 and over are better than their features say
GAP_PENALTY: Final = 0.1235  # past decisions held every month of a career gap against the applicant
PAST_LENIENCE: Final = 0.257
JUNIOR_YEARS: Final = 0.177  # a junior's share of the experience others of that age have
GAP_MEANS: Final = [8.8, 5.0, 0.6, 1.6]  # months: Black women, other women, Black men, other men
BAND: Final = 0.25

FORMATS: Final = {
    "years_experience": "{:.1f}",
    "skills_score": "{:.1f}",
    "interview_score": "{:.2f}",
    "employment_gap_months": "{:.1f}",
    "commute_km": "{:.1f}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What differs between blocks: who applies, and how complete the file is."""

    months: tuple[str, ...]
    job_family: Mapping[str, float]
    juniors: float = 0.0  # share with little of the experience their age allows
    ai_matching: float = 0.0  # share that comes through a source the model never saw
    commute_missing: float = 0.008
    gap_multiplier: float = 1.0  # of women's career gaps
    returned: float = 1.0  # share of applicants whose reviewed outcome is back


def _later(month: str, gap_multiplier: float = 1.0, returned: float = 1.0) -> Conditions:
    return Conditions(
        months=(month,),
        juniors=0.4045,
        ai_matching=0.12,
        job_family=NEXT_JOB_FAMILY,
        commute_missing=0.08,
        gap_multiplier=gap_multiplier,
        returned=returned,
    )


BLOCKS: Final = {
    "train": Conditions(months=("2026-04", "2026-05", "2026-06"), job_family=JOB_FAMILY),
    "evaluation": _later("2026-10"),
    "window_1": _later("2026-11", 0.85),
    "window_2": _later("2026-12", 0.85),
    "window_3": _later("2027-01", 0.85),
    "window_4": _later("2027-02", 1.4),
    "window_5": _later("2027-03", 2.1),
    "window_6": _later("2027-04", 2.4, returned=0.39),
}


def people(block: str, n: int, seed: int = SEED, conditions: Conditions | None = None) -> pd.DataFrame:
    """`n` applicants of a block, one row each, in the columns and the rounding of the files.

    The train block alone carries `advanced_historically`, the biased past decision.
    """
    now = conditions or BLOCKS[block]
    places = ranks(seed, block, n)
    rows = _groups(seed, block, places, now)
    rows |= _features(seed, block, places, rows, now)
    rows |= _labels(seed, block, rows, now)
    table = pd.DataFrame(rows)
    table.insert(0, "applicant_id", [f"{_code(block)}{i:06d}" for i in range(1, n + 1)])
    return table


def hiring_tables(seed: int = SEED, sizes: dict[str, int] | None = None) -> dict[str, pd.DataFrame]:
    """Every block of the worked example, by name."""
    return {block: people(block, n, seed) for block, n in (sizes or SIZES).items()}


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV, byte for byte alike on every platform."""
    columns = [_cells(table[name], FORMATS.get(name, "{}")) for name in table.columns]
    lines = [",".join(table.columns), *(",".join(row) for row in zip(*columns, strict=True))]
    path.write_bytes(("\n".join(lines) + "\n").encode())


def _cells(column: pd.Series, form: str) -> list[str]:
    return ["" if pd.isna(value) else form.format(value) for value in column.tolist()]


def _code(block: str) -> str:
    return block[0].upper() + block.partition("_")[2]


def _named(u: Floats, shares: Mapping[str, float]) -> tuple[Texts, Floats]:
    chosen, rest = pick(u, np.array(list(shares.values())))
    return np.array(list(shares), dtype=object)[chosen], rest


def _groups(seed: int, block: str, places: Ints, now: Conditions) -> Columns:
    """Month, gender, ethnicity and age; group sizes follow the shares, whatever the seed."""
    months = np.array(now.months, dtype=object)
    when = np.floor(len(months) * spread(seed, block, "applied_month", places)).astype(np.int64)
    gender, rest = _named((places + 0.5) / len(places), GENDER)
    ethnicity, rest = _named(rest, ETHNICITY)
    band, _ = pick(rest, np.array(list(AGE_BANDS.values())))
    low, high = np.array(list(AGE_BANDS)).T[:, band]
    age = low + np.floor((high - low) * spread(seed, block, "age", places)).astype(np.int64)
    return {"applied_month": months[when], "gender": gender, "ethnicity": ethnicity, "age": age}


def _features(seed: int, block: str, places: Ints, groups: Columns, now: Conditions) -> Columns:
    """What the model sees, rounded as in the file: the outcomes follow from the printed numbers."""

    def draw(column: str) -> Floats:
        return spread(seed, block, column, places)

    junior = np.where(draw("junior") < now.juniors, JUNIOR_YEARS, 1.0)
    years = np.round((groups["age"] - 18) * draw("years_experience") * junior, 1)
    education, _ = _named(draw("education"), EDUCATION)
    peers = _among_peers(groups, _background(education, years))
    # Drawn along the two scores' sum and difference: the sum is what counts, so it is the even one.
    ability, profile = (ndtri(spread(seed, block, name, peers)) for name in ("ability", "profile"))
    skills = 62 + 13 * (ability - profile) / 2**0.5
    interview = np.clip(3.1 + 0.75 * (ability + profile) / 2**0.5, 1, 5)
    gap = _career_gap(spread(seed, block, "employment_gap_months", peers), groups, now)
    km = -12 * np.log1p(-draw("commute_km"))
    return {
        "years_experience": years,
        "education": education,
        "skills_score": np.round(skills, 1),
        "interview_score": np.round(interview, 2),
        "employment_gap_months": gap,
        "job_family": _named(draw("job_family"), now.job_family)[0],
        "source": _named(draw("source"), _sources(now))[0],
        "commute_km": np.where(draw("commute_missing") < now.commute_missing, np.nan, np.round(km, 1)),
    }


def _career_gap(u: Floats, groups: Columns, now: Conditions) -> Floats:
    """Months without a job: women's last longer, and Black women's longest."""
    woman, man = groups["gender"] == "woman", groups["gender"] == "man"
    black = groups["ethnicity"] == "Black"
    mean = np.select([woman & black, woman, man & black, man], GAP_MEANS, 3.0)
    mean = np.where(woman, mean * now.gap_multiplier, mean)
    return np.asarray(np.round(-mean * np.log1p(-u), 1), dtype=np.float64)


def _sources(now: Conditions) -> dict[str, float]:
    known = {name: share * (1 - now.ai_matching) for name, share in SOURCE.items()}
    return known | ({"ai_matching": now.ai_matching} if now.ai_matching else {})


def _labels(seed: int, block: str, rows: Columns, now: Conditions) -> Columns:
    """The reviewed outcome, missing where it has not come back, and for train the past decision."""
    over_50 = rows["age"] >= 50
    order = _order(rows)
    truth = expit(SLOPE * (_worth(rows) + OVER_50 * over_50))
    qualified = pd.array(outcomes(seed, block, "qualified", truth, order), dtype="Int64")
    qualified[outcomes(seed, block, "returned", np.full(len(truth), now.returned), order) == 0] = pd.NA
    if block != "train":
        return {"qualified": qualified}
    advanced = outcomes(seed, block, TRAINING_LABEL, expit(SLOPE * _past(rows)), order)
    return {"qualified": qualified, TRAINING_LABEL: advanced}


def _worth(rows: Columns) -> Floats:
    """Log-odds of being qualified before the slope, from the features as printed."""
    skills = 0.055 * (rows["skills_score"] - 62)
    interview = 0.95 * (rows["interview_score"] - 3.1)
    background = _background(rows["education"], rows["years_experience"])
    return np.asarray(-0.35 + skills + interview + background, dtype=np.float64)


def _background(education: Texts, years: Floats) -> Floats:
    degree = np.array(list(EDUCATION_WORTH.values()))
    level = pd.Categorical(education, categories=list(EDUCATION_WORTH)).codes
    return np.asarray(degree[level] + 0.045 * (np.minimum(years, 20) - 7), dtype=np.float64)


def _among_peers(groups: Columns, background: Floats) -> Ints:
    """Each row's place when people of one gender, ethnicity and age side stand by their background."""
    gender, ethnicity = (np.unique(groups[name], return_inverse=True)[1] for name in ("gender", "ethnicity"))
    order = np.lexsort((np.round(background, 9), groups["age"] >= 50, ethnicity, gender))
    return np.argsort(order, kind="stable").astype(np.int64)


def _past(rows: Columns) -> Floats:
    """What past decisions went by: worth, less a penalty for every month of a career gap."""
    gap = np.minimum(rows["employment_gap_months"], 18.0)
    return np.asarray(_worth(rows) - GAP_PENALTY * gap + PAST_LENIENCE, dtype=np.float64)


def _order(rows: Columns) -> Ints:
    """The row numbers with like next to like: whoever is dealt along it, every group gets its share.

    Within a gender and a side of 50 years rows stand in bands of the past rule, which is nearly the
    model's ranking, and in a band by worth, up and down in turn so that neighbours stay alike.
    """
    gender = np.unique(rows["gender"], return_inverse=True)[1]
    band = np.floor(np.round(_past(rows), 9) / BAND).astype(np.int64)
    worth = np.round(_worth(rows), 9) * np.where(band % 2, -1.0, 1.0)
    return np.lexsort((worth, band, rows["age"] >= 50, gender)).astype(np.int64)

"""Invented applicants of a hiring model, with the faults an audit should find planted in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit, ndtri

from sample_data.draws import SWAPS, TRIES, Floats, Ints, outcomes, pick, ranks, settle, spread, uniform

Columns = dict[str, Any]
TRAINING_LABEL: Final = "advanced_historically"
Texts = npt.NDArray[np.object_]

SEED: Final = 20260
SIZES: Final = {"train": 8_000, "evaluation": 4_000} | {f"window_{k}": 2_000 for k in range(1, 7)}

GENDER: Final = {"woman": 0.46, "man": 0.5225, "nonbinary": 0.0175}
ETHNICITY: Final = {
    "White": 0.55,
    "Asian": 0.15,
    "Black": 0.13,
    "Hispanic": 0.12,
    "Undisclosed": 0.035,
    "Indigenous": 0.015,
}
AGE_BANDS: Final = {(19, 30): 0.34, (30, 40): 0.33, (40, 50): 0.21, (50, 67): 0.12}
EDUCATION: Final = {"school": 0.095, "associate": 0.111, "bachelor": 0.193, "master": 0.601}
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
SLOPE: Final = 1.3141
YEAR_WORTH: Final = 0.045
OVER_50: Final = 0.395  # people of 50 and over are better than their features say
GAP_PENALTY: Final = 0.1042  # past decisions held every month of a career gap against the applicant
PAST_LENIENCE: Final = 0.186
JUNIORS: Final = 0.4065
JUNIOR_YEARS: Final = 0.1506  # a junior's share of the experience others of that age have
EXPERIENCE_SHAPE: Final = 1.2094
GAP_MEANS: Final = [9.9, 5.0, 0.68, 1.6]  # months: Black women, other women, Black men, other men
GAP_BY_AGE: Final = (2.05, (1 - 0.12 * 2.05) / 0.88)  # of women's gaps: from 50 on, and before
SMALL: Final = ("Black", "Indigenous")
NEAR: Final = (-0.1, -0.05, 0.0, 0.05, 0.1)
COLUMNS: Final = (
    "applied_month",
    "gender",
    "ethnicity",
    "age",
    "years_experience",
    "education",
    "skills_score",
    "interview_score",
    "employment_gap_months",
    "job_family",
    "source",
    "commute_km",
    "qualified",
    TRAINING_LABEL,
)
BAND: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What differs between blocks: who applies, and how complete the file is."""

    months: tuple[str, ...]
    job_family: Mapping[str, float]
    juniors: float = 0.0  # share with little of the experience their age allows
    ai_matching: float = 0.0  # share that comes through a source the model never saw
    commute_missing: float = 0.008
    women_gap: float = 1.0  # what women's career gaps are multiplied by, and men's
    men_gap: float = 1.0
    returned: float = 1.0  # share of applicants whose reviewed outcome is back


def _later(month: str, women_gap: float = 1.0, men_gap: float = 1.0, returned: float = 1.0) -> Conditions:
    return Conditions(
        months=(month,),
        juniors=JUNIORS,
        ai_matching=0.1185,
        job_family=NEXT_JOB_FAMILY,
        commute_missing=0.08,
        women_gap=women_gap,
        men_gap=men_gap,
        returned=returned,
    )


BLOCKS: Final = {
    "train": Conditions(months=("2026-04", "2026-05", "2026-06"), job_family=JOB_FAMILY),
    "evaluation": _later("2026-10"),
    "window_1": _later("2026-11", 0.9, 1.05),
    "window_2": _later("2026-12", 0.9, 1.05),
    "window_3": _later("2027-01", 0.9, 1.05),
    "window_4": _later("2027-02", 1.36, 1.24),
    "window_5": _later("2027-03", 2.09, 1.1),
    "window_6": _later("2027-04", 2.49, 1.1, returned=0.39),
}


def people(block: str, n: int, seed: int = SEED, conditions: Conditions | None = None) -> pd.DataFrame:
    """`n` applicants of a block, one row each, in the columns and the rounding of the files.

    The train block alone carries `advanced_historically`, the biased past decision.
    """
    now = conditions or BLOCKS[block]
    places = ranks(seed, block, n)
    rows = _background_of(seed, block, places, now) | _application(seed, block, places, now)
    rows |= _scores(seed, block, rows)
    rows |= _groups(seed, block, rows)
    rows["employment_gap_months"] = _career_gap(seed, block, rows, now)
    rows["years_experience"] = _after_gap(rows["years_experience"], rows["employment_gap_months"])
    rows |= _labels(seed, block, rows, now)
    columns = COLUMNS if block == "train" else COLUMNS[:-1]
    table = pd.DataFrame({name: rows[name] for name in columns})
    table.insert(0, "applicant_id", [f"{_code(block)}{i:06d}" for i in range(1, n + 1)])
    return table


def hiring_tables(seed: int = SEED, sizes: dict[str, int] | None = None) -> dict[str, pd.DataFrame]:
    """Every block of the worked example, by name."""
    return {block: people(block, n, seed) for block, n in (sizes or SIZES).items()}


def _code(block: str) -> str:
    return block[0].upper() + block.partition("_")[2]


def _named(u: Floats, shares: Mapping[str, float]) -> tuple[Texts, Floats]:
    chosen, rest = pick(u, np.array(list(shares.values())))
    return np.array(list(shares), dtype=object)[chosen], rest


def _background_of(seed: int, block: str, places: Ints, now: Conditions) -> Columns:
    """Age, education, and the experience of someone who was never out of work."""

    def draw(column: str) -> Floats:
        return spread(seed, block, column, places)

    band, rest = pick(draw("age"), np.array(list(AGE_BANDS.values())))
    low, high = np.array(list(AGE_BANDS)).T[:, band]
    age = low + np.floor((high - low) * rest).astype(np.int64)
    senior, rest = pick(draw("years_experience"), np.array([now.juniors, 1 - now.juniors]))
    years = (age - 18) * rest**EXPERIENCE_SHAPE * np.where(senior, 1.0, JUNIOR_YEARS)
    return {"age": age, "years_experience": years, "education": _named(draw("education"), EDUCATION)[0]}


def _application(seed: int, block: str, places: Ints, now: Conditions) -> Columns:
    """When, for what, through whom and from how far: columns that say nothing about the person."""

    def draw(column: str) -> Floats:
        return spread(seed, block, column, places)

    months = np.array(now.months, dtype=object)
    km = np.round(-12 * np.log1p(-draw("commute_km")), 1)
    return {
        "applied_month": months[np.floor(len(months) * draw("applied_month")).astype(np.int64)],
        "job_family": _named(draw("job_family"), now.job_family)[0],
        "source": _named(draw("source"), _sources(now))[0],
        "commute_km": np.where(draw("commute_missing") < now.commute_missing, np.nan, km),
    }


def _scores(seed: int, block: str, rows: Columns) -> Columns:
    """The two scores, drawn along their sum and difference: the sum is what counts, so it is the even one."""
    background = _background(rows["education"], rows["years_experience"])
    places = np.argsort(np.lexsort((np.round(background, 9), rows["age"] >= 50)), kind="stable")
    ability, profile = (ndtri(spread(seed, block, name, places)) for name in ("ability", "profile"))
    skills = 62 + 13 * (ability - profile) / 2**0.5
    interview = np.clip(3.1 + 0.75 * (ability + profile) / 2**0.5, 1, 5)
    return {"skills_score": np.round(skills, 1), "interview_score": np.round(interview, 2)}


def _groups(seed: int, block: str, rows: Columns) -> Columns:
    """Gender and ethnicity, handed out along people's worth: every group is as able as any other."""
    order = np.lexsort((np.round(_worth(rows), 9), rows["age"] >= 50))
    places = np.argsort(order, kind="stable").astype(np.int64)
    gender, rest = _named(spread(seed, block, "group", places), GENDER)
    return {"gender": gender, "ethnicity": _named(rest, ETHNICITY)[0]}


def _after_gap(years: Floats, gap: Floats) -> Floats:
    """Time out of work is no experience."""
    return np.asarray(np.round(np.maximum(years - gap / 12, 0), 1), dtype=np.float64)


def _career_gap(seed: int, block: str, rows: Columns, now: Conditions) -> Floats:
    """Months without a job: women's last longer, Black women's longest, and those of women over 50.

    How many stay below the gap that past decisions put up with is dealt, so that every group has its share.
    """
    woman, man = rows["gender"] == "woman", rows["gender"] == "man"
    black, over_50 = rows["ethnicity"] == "Black", rows["age"] >= 50
    mean = np.select([woman & black, woman, man & black, man], GAP_MEANS, 3.0)
    mean = mean * np.select([woman, man], [now.women_gap, now.men_gap], 1.0)
    mean = np.where(woman, mean * np.where(over_50, *GAP_BY_AGE), mean)
    worth = _worth(rows)
    bearable = np.maximum(worth + PAST_LENIENCE, 0) / (GAP_PENALTY + YEAR_WORTH / 12)
    chance = -np.expm1(-bearable / mean)
    order = _peers(rows, worth)
    within = outcomes(seed, block, "employment_gap_months", chance, order) == 1
    order = order[np.argsort(within[order], kind="stable")]
    u = spread(seed, block, "employment_gap_months", np.argsort(order, kind="stable"))
    u = np.where(within, u * chance, chance + u * (1 - chance))
    return np.asarray(np.round(-mean * np.log1p(-np.minimum(u, 1 - 1e-9)), 1), dtype=np.float64)


def _sources(now: Conditions) -> dict[str, float]:
    known = {name: share * (1 - now.ai_matching) for name, share in SOURCE.items()}
    return known | ({"ai_matching": now.ai_matching} if now.ai_matching else {})


def _labels(seed: int, block: str, rows: Columns, now: Conditions) -> Columns:
    """The reviewed outcome, missing where it has not come back, and for train the past decision."""
    over_50 = rows["age"] >= 50
    order = _order(rows)
    traits = _traits(rows)

    def deal(column: str, p: Floats) -> Ints:
        dealt = outcomes(seed, block, column, p, order)
        return settle(dealt, p, traits, order, uniform(seed, block, f"{column}/swaps", 2 * SWAPS * TRIES))

    truth = expit(SLOPE * (_worth(rows) + OVER_50 * over_50))
    qualified = pd.array(deal("qualified", truth), dtype="Int64")
    qualified[outcomes(seed, block, "returned", np.full(len(truth), now.returned), order) == 0] = pd.NA
    if block != "train":
        return {"qualified": qualified}
    advanced = deal(TRAINING_LABEL, expit(SLOPE * _past(rows)))
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
    return np.asarray(degree[level] + YEAR_WORTH * (years - 7), dtype=np.float64)


def _peers(rows: Columns, by: Floats) -> Ints:
    """The row numbers with people of one gender, ethnicity and side of 50 in a run, in the order of `by`."""
    gender, ethnicity = (np.unique(rows[name], return_inverse=True)[1] for name in ("gender", "ethnicity"))
    return np.lexsort((np.round(by, 9), rows["age"] >= 50, ethnicity, gender)).astype(np.int64)


def _past(rows: Columns) -> Floats:
    """What past decisions went by: worth, less a penalty for every month of a career gap."""
    penalty = GAP_PENALTY * rows["employment_gap_months"]
    return np.asarray(_worth(rows) - penalty + PAST_LENIENCE, dtype=np.float64)


def _traits(rows: Columns) -> Floats:
    """What labels are balanced on besides their order: the features, and who stands near the cut-off."""
    past, km = _past(rows), np.nan_to_num(rows["commute_km"])
    numbers = ("years_experience", "skills_score", "interview_score", "employment_gap_months")
    above = [(rows["gender"] == g) & (past >= cut) for g in ("woman", "man") for cut in NEAR]
    small = [(rows["gender"] == g) & (rows["ethnicity"] == e) for g in ("woman", "man") for e in SMALL]
    small += [cell & (past >= 0) for cell in small]
    names = ("education", "job_family", "source")
    levels = [rows[name] == level for name in names for level in sorted(set(rows[name]))]
    return np.column_stack([*(rows[name] for name in numbers), km, *above, *small, *levels])


def _order(rows: Columns) -> Ints:
    """The row numbers with like next to like: whoever is dealt along it, every group gets its share.

    Within a gender and a side of 50 years rows stand in bands of the past rule, which is nearly the
    model's ranking, and in a band by worth, up and down in turn so that neighbours stay alike.
    """
    gender = np.unique(rows["gender"], return_inverse=True)[1]
    band = np.floor(np.round(_past(rows), 9) / BAND).astype(np.int64)
    worth = np.round(_worth(rows), 9) * np.where(band % 2, -1.0, 1.0)
    return np.lexsort((worth, band, rows["age"] >= 50, gender)).astype(np.int64)

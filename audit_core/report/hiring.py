"""Impact tables in words and rows: what the hiring screen and its downloads are made of."""

from __future__ import annotations

import math
from fractions import Fraction

from audit_core.contract.schema import ReleaseContract
from audit_core.metrics.estimate import estimate_rate
from audit_core.metrics.hiring import FOUR_FIFTHS, SMALL_SHARE, AgainstReference, CategoryLine
from audit_core.metrics.hiring_tables import HiringTables, SubjectImpact
from audit_core.metrics.intervals import Interval
from audit_core.report.law import SMALL_CELLS
from audit_core.report.numbers import (
    RATIO,
    chance_words,
    count,
    counted,
    decimal,
    figures,
    level_words,
    percent,
)
from audit_core.report.people import group_words, people, selected_is_favourable, subject_words
from audit_core.report.rates import interval_text
from audit_core.report.table_rows import NONE, RESULT, Rows
from audit_core.report.words import REFERENCE_GROUP

BELOW, NOT_BELOW, LEFT_OUT, NOBODY = "Below four fifths", "Not below four fifths", "Under 2 %", "Nobody"
"""Flag words. Not being below four fifths is no finding that all is well, so the word does not say it."""

FISHER = (
    "The exact test asks: were both groups truly selected at one rate, how often would chance split the "
    "selected between them at least as unevenly as here? p is that share of draws, in both directions. "
    "A small p says that chance is a poor explanation, not why the rates differ; a large p does not show "
    "that they are equal."
)
ONE_MORE = (
    "On small numbers one decision can set or end the flag. The last two columns say whether it would: one "
    "person more or fewer selected here and nothing else changed, or one selection moved between this group "
    "and the reference group."
)


def counted_words(part: SubjectImpact, contract: ReleaseContract) -> tuple[str, str]:
    """Return what the counts and the rates of a table are called: of whom is it the share?"""
    if part.measure == "scoring_rate":
        return "Above the median", "Scoring rate"
    if selected_is_favourable(contract):
        return "Selected", "Selection rate"
    return "Favourable decision", "Rate of it"


def flag_word(line: CategoryLine, part: SubjectImpact) -> str:
    """Return how a category stands, in the words of the screen."""
    if line.group == part.table.reference:
        return REFERENCE_GROUP
    if line.four_fifths_flag is not None:
        return BELOW if line.four_fifths_flag else NOT_BELOW
    return LEFT_OUT if line.excluded and line.n else NOBODY


def ratio_words(line: CategoryLine) -> str:
    """Return an impact ratio with the digits at which it stands to 0.80 as the exact one does."""
    if line.impact_ratio is None:
        return NONE
    return figures(RATIO, (line.impact_ratio,), (FOUR_FIFTHS,)).text(line.impact_ratio)


def interval_words(interval: Interval | None) -> str:
    """Return the interval of a ratio; one without an upper end says so."""
    if interval is None:
        return NONE
    low = decimal(interval.low, 3)
    return f"{low} to {decimal(interval.high, 3)}" if math.isfinite(interval.high) else f"from {low} upwards"


def hiring_sentence(found: HiringTables, contract: ReleaseContract) -> str:
    """Return the first sentence of the screen: the smallest impact ratio, with its people and its range."""
    part = found.lowest
    if part is None or part.table.lowest is None or part.table.reference is None:
        return "Nobody was selected in any group, so there is no highest rate to compare with."
    line, top = part.table.lowest, part.table.line(part.table.reference)
    assert top is not None
    by = subject_words(part.subject)
    if line.against is None:
        return f"By {by} every group is selected at the highest rate, {_rate_words(top)}."
    noun, level = people(contract).noun, level_words(contract.statistics.level)
    word = "below" if line.four_fifths_flag else "not below"
    got = "were selected" if selected_is_favourable(contract) else "received the favourable decision"
    return (
        f"By {by}, {_rate_words(line)} of the {noun} in “{group_words(line.group)}” {got}, and "
        f"{_rate_words(top)} in “{group_words(top.group)}”: an impact ratio of {ratio_words(line)} "
        f"({level} interval {interval_words(line.against.interval)}), {word} four fifths."
    )


def _rate_words(line: CategoryLine) -> str:
    return f"{percent(line.selection_rate or 0)} ({count(line.selected)} of {count(line.n)})"


def flags_sentence(found: HiringTables) -> str:
    """Return how many groups are below four fifths, over all tables of selection rates."""
    flagged = [(part, line) for part in found.selection for line in part.table.flagged]
    compared = sum(
        1 for part in found.selection for line in part.table.lines if line.impact_ratio is not None
    )
    if not flagged:
        return (
            f"Of the {counted(compared, 'groups')} compared, none is below four fifths of the highest rate."
        )
    verb = "is" if len(flagged) == 1 else "are"
    return (
        f"Of the {counted(compared, 'groups')} compared in {counted(len(found.selection), 'tables')}, "
        f"{count(len(flagged))} {verb} below four fifths of the highest rate."
    )


def chance_of_gap_sentence(part: SubjectImpact) -> str:
    """Return how often a gap as large would arise from equal rates, or "" where that is not known."""
    chance = part.table.chance_of_gap
    if chance is None:
        return ""
    return (
        "If all the groups compared truly had the same rate, a gap at least as large as the one between the "
        f"highest and the lowest of them would still arise {chance_words(chance)} of this size."
    )


def impact_rows(part: SubjectImpact, contract: ReleaseContract) -> Rows:
    """Return one row per group: people, rate, ratio and flag, shortfall in people; unknown ones last."""
    rows = [_impact_row(line, part, contract) for line in part.table.lines]
    chosen, _ = counted_words(part, contract)
    blank = dict.fromkeys(rows[0], NONE) if rows else {}
    for unknown in part.table.unknown:
        rows.append(blank | {
            "Group": group_words(unknown.group), RESULT: "Not compared", "People": count(unknown.denominator),
            chosen: count(unknown.numerator),
        })  # fmt: skip
    return rows


def _impact_row(line: CategoryLine, part: SubjectImpact, contract: ReleaseContract) -> dict[str, str]:
    beside = line.against
    compared = beside if line.impact_ratio is not None else None
    chosen, rate = counted_words(part, contract)
    return {
        "Group": group_words(line.group),
        RESULT: flag_word(line, part),
        "People": count(line.n),
        chosen: count(line.selected),
        rate: NONE if line.selection_rate is None else percent(line.selection_rate),
        "Interval": _rate_interval(line, contract),
        "Impact ratio": ratio_words(line),
        "Interval of the ratio": interval_words(compared.interval) if compared else NONE,
        "Short of four fifths": counted(compared.shortfall_to_four_fifths, "people") if compared else NONE,
        "Short of the highest rate": counted(compared.shortfall_to_highest, "people") if compared else NONE,
    }


def _rate_interval(line: CategoryLine, contract: ReleaseContract) -> str:
    statistics = contract.statistics
    found = estimate_rate(line.selected, line.n, level=float(statistics.level), method=statistics.interval)
    return interval_text(found)


def chance_rows(part: SubjectImpact) -> Rows:
    """Return one row per group beside the reference: could chance do this, would one decision change it?"""
    return [
        {
            "Group": group_words(line.group),
            "Impact ratio": ratio_words(line),
            "Chance alone": _fisher_words(line.against),
            "Standard deviations": NONE
            if line.against.sd_units is None
            else decimal(line.against.sd_units, 2),
            "One more or fewer": _one(line, line.against.one_more_clears, line.against.one_fewer_flags),
            "One selection moved": _one(line, line.against.swap_clears, line.against.swap_flags),
        }
        for line in part.table.lines
        if line.against is not None
    ]


def _fisher_words(beside: AgainstReference) -> str:
    p = beside.fisher_p
    if p is None:
        return "not computed: people are repeated"
    shown = "p under 0.0001" if p < 0.0001 else f"p = {decimal(p, 4)}"
    return f"would split them so {chance_words(p)} ({shown})"


def _one(line: CategoryLine, clears: bool, flags: bool) -> str:
    if line.four_fifths_flag is None:
        return NONE
    if line.four_fifths_flag:
        return "would end the flag" if clears else "the flag stays"
    return "would set the flag" if flags else "no flag either way"


def category_rows(part: SubjectImpact, contract: ReleaseContract) -> Rows:
    """Return one table as the New York City rule lists it: count, rate and impact ratio of every category."""
    chosen, rate = counted_words(part, contract)
    rows = [
        {
            "Category": group_words(line.group),
            "People": count(line.n),
            chosen: count(line.selected),
            rate: NONE if line.selection_rate is None else percent(line.selection_rate),
            "Its interval": _rate_interval(line, contract),
            "Impact ratio": _category_ratio(line),
        }
        for line in part.table.lines
    ]
    return rows + [
        {
            "Category": group_words(unknown.group),
            "People": count(unknown.denominator),
            chosen: count(unknown.numerator),
            rate: NONE,
            "Its interval": NONE,
            "Impact ratio": "category not known",
        }
        for unknown in part.table.unknown
    ]


def _category_ratio(line: CategoryLine) -> str:
    if line.impact_ratio is not None:
        return ratio_words(line)
    share = percent(line.share, 1)
    return f"left out: {share} of the people" if line.excluded and line.n else "nobody to compare"


def left_out_sentence(part: SubjectImpact) -> str:
    """Return the justification of the categories without a ratio, and how many people have none."""
    excluded = [line for line in part.table.excluded if line.n]
    said = ""
    if excluded:
        names = ", ".join(
            f"“{group_words(line.group)}” ({count(line.n)} of {count(part.table.known)})" for line in excluded
        )
        said = (
            f"Left out of the ratios, since each is under {percent(SMALL_SHARE, 0)} of the people whose "
            f"category is known: {names}. Their counts and rates stay in the table, and they do not set the "
            "highest rate. "
        )
    unknown = part.table.unknown_people
    if not unknown:
        return f"{said}Everybody's category is known."
    return f"{said}The category of {counted(unknown, 'people')} is not known; they are counted apart."


def privacy_sentence(found: HiringTables, contract: ReleaseContract) -> str:
    """Return the question to counsel where cells are small, or that none is."""
    floor = count(contract.support.privacy_floor)
    small = sum(part.small for part in (*found.selection, *found.scoring))
    if not small:
        return (
            f"No group shows fewer than {floor} people, selected or not: nothing is under the privacy floor."
        )
    verb = "shows" if small == 1 else "show"
    return (
        f"{SMALL_CELLS}{counted(small, 'groups')} of these tables {verb} fewer than {floor} people, "
        "selected or not: the contract's privacy floor."
    )


def disagreement_sentences(found: HiringTables) -> tuple[str, ...]:
    """Return, for published tables, every group that two of them count differently."""
    return tuple(
        f"“{group_words(d.group)}”: the table by {subject_words(d.subject)} says {_of(d.counted)}, "
        f"the one by {subject_words(d.other)} adds up to {_of(d.implied)}. Both are shown as published."
        for d in found.disagreements
    )


def _of(pair: tuple[int, int]) -> str:
    return f"{count(pair[1])} selected of {count(pair[0])}"


def _plain(value: Fraction) -> str:
    """A score in the fewest digits that hold it, four at most."""
    digits = next((d for d in range(4) if (value * 10**d).denominator == 1), 4)
    return decimal(value, digits)


def no_scoring_sentence(found: HiringTables) -> str:
    """Return why there are no scoring rates, or what the median is."""
    if found.median is not None:
        return (
            f"Scoring rate: the share of a category whose score is strictly above {_plain(found.median)}, "
            "the median of everybody with a score. Somebody exactly at the median is not above it."
        )
    return {
        "published": "Published counts hold no scores. A publisher's counts of people above the median can "
        "be audited the same way, as a table of their own.",
        "no_score": "The rows hold no score, so there are no scoring rates.",
        "low_is_good": "Not being selected is the favourable decision here. A scoring rate counts high "
        "scores, so it is left out.",
        "not_employment": "",
        None: "",
    }[found.no_scoring]


def filed_rows(found: HiringTables, contract: ReleaseContract) -> Rows:
    """Return every selection and scoring table as one list, as a file to keep: one row per category."""
    return [
        {"Attribute": subject_words(part.subject), "Counted": counted_words(part, contract)[0]}
        | dict(
            zip(
                ("Category", "People", "Number", "Rate", "Its interval", "Impact ratio"),
                row.values(),
                strict=True,
            )
        )
        for part in (*found.selection, *found.scoring)
        for row in category_rows(part, contract)
    ]

"""The search for the worst slices in words and tables: what was seen twice, and what to look at."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from audit_core.cube.axes import OTHER
from audit_core.metrics.catalogue import RATES
from audit_core.metrics.estimate import Count
from audit_core.metrics.slice_cells import Slice
from audit_core.metrics.slice_found import Carried, Compared, SliceHunt
from audit_core.report.numbers import POINTS, Figures, count, counted, decimal, level_words, percent
from audit_core.report.people import group_words, subject_words
from audit_core.report.table_rows import NONE, RESULT, Rows
from audit_core.report.words import metric_name

SEEN_AGAIN = "Seen again"
NOT_SEEN_AGAIN = "Not seen again"
EXPLAINED = "Explained by others"
TO_LOOK_AT = "To look at"
MOST_NAMED = 4
_SIGNED = Figures(unit=POINTS, digits=1)
_SIZES = ("the smallest slice", "a slice of middle size", "the largest")
_ALONE = 3
"""A level this short, or one of these words, is not told apart without the name of its attribute."""
_PLAIN_WORDS = {"true", "false", "none", "other", OTHER}


def slice_words(one: Slice) -> str:
    """Return a slice as a person reads it; a level that says nothing alone has its attribute beside it."""
    return " × ".join(_level(name, level) for name, level in zip(*one, strict=True))


def _level(name: str, level: str) -> str:
    bare = len(level) < _ALONE or level.lower() in _PLAIN_WORDS or level.replace(".", "").isdigit()
    shown = group_words((level,))
    return f"{subject_words((name,))}: {shown}" if bare else shown


def looked_for(hunt: SliceHunt) -> str:
    """Return what the search looks for."""
    over = ", ".join(subject_words((name,)) for name in hunt.axes)
    combined = ", and in every combination of two or three of them" if len(hunt.axes) > 1 else ""
    return (
        f"Looked for: a {hunt.worse} {metric_name(hunt.metric).lower()} than among the rest of the people, "
        f"in every level of {over}{combined}."
    )


def hunt_sentence(hunt: SliceHunt) -> str:
    """Return what came of the search, always with the number of slices looked at."""
    people = RATES[hunt.metric].people
    if not hunt.looked_at:
        return (
            f"No slice could be looked at: a comparison needs at least {count(hunt.minimum)} {people} "
            "in the slice and as many outside it."
        )
    looked, found = f"Of {counted(hunt.looked_at, 'slices')} looked at,", len(hunt.findings)
    if found:
        verbs = "differs and was" if found == 1 else "differ and were"
        return f"{looked} {found} {verbs} seen again in a held-out half of the rows."
    if hunt.carried:
        stood = len(hunt.carried)
        return (
            f"{looked} {stood} stood out in the search half, and none was seen again in the half held out. "
            "Nothing here is a finding."
        )
    return f"{looked} none stood out by more than a search of this size finds by chance."


def visible_sentence(hunt: SliceHunt) -> str:
    """Return how large a difference would have had to be to be found, by size of the slice."""
    if not hunt.visible:
        return ""
    people = RATES[hunt.metric].people
    names = _SIZES if len(hunt.visible) == len(_SIZES) else _SIZES[-len(hunt.visible) :]
    parts = []
    for name, one in zip(names, hunt.visible, strict=True):
        size = f"in {name} ({count(one.people)} {people})"
        gap = "not even the largest there can be" if one.difference is None else _SIGNED.text(one.difference)
        parts.append(f"{gap} {size}")
    return (
        f"Differences it would have found four times in five: {', '.join(parts)}. Smaller ones stay unseen."
    )


def finding_sentence(one: Carried, hunt: SliceHunt) -> str:
    """Return one slice with its rate beside the rest, as the held-out half shows it."""
    return f"{slice_words(one.slice)}: {compared_words(one.held_out, hunt)}.{_beyond(one)}{_also(one)}"


def compared_words(pair: Compared, hunt: SliceHunt) -> str:
    """Return both rates with their counts, and the difference with its interval."""
    name = metric_name(hunt.metric).lower()
    low, high = pair.interval
    level = level_words(Fraction(str(hunt.level)))
    return (
        f"{name} {_rate(pair.inside)} against {_rate(pair.rest)} among the rest, "
        f"{_difference(pair)} ({level} interval {signed_points(low)} to {signed_points(high)})"
    )


def _rate(found: Count) -> str:
    if found.value is None:
        return "undefined (nobody)"
    return f"{percent(found.value)} ({count(found.numerator)} of {count(found.denominator)})"


def _difference(pair: Compared) -> str:
    return NONE if pair.difference is None else _SIGNED.signed(pair.difference)


def signed_points(value: float) -> str:
    """Return a difference in points with its sign, the unit left to the words around it."""
    shown = decimal(100 * value, 1)
    return f"+{shown}" if value > 0 and any(digit in shown for digit in "123456789") else shown


def _beyond(one: Carried) -> str:
    if not one.beyond:
        return ""
    shows = "shows" if len(one.beyond) == 1 else "show"
    return f" This is beyond what {listed_slices(one.beyond)} already {shows}."


def _also(one: Carried) -> str:
    return f" It explains what was seen in {listed_slices(one.also)}." if one.also else ""


def listed_slices(slices: Sequence[Slice]) -> str:
    """Return some slices in quotation marks, and how many more there are."""
    named = [f"“{slice_words(one)}”" for one in slices[:MOST_NAMED]]
    more = len(slices) - len(named)
    return ", ".join(named) + (f" and {counted(more, 'more slices')}" if more else "")


def carried_rows(hunt: SliceHunt) -> Rows:
    """Return one row per slice that the search half singled out, with the held-out half's numbers."""
    return [
        {
            "Slice": slice_words(one.slice),
            RESULT: carried_word(one),
            f"{metric_name(hunt.metric)}, held out": _rate(one.held_out.inside),
            "The rest, held out": _rate(one.held_out.rest),
            "Difference": _difference(one.held_out),
            "Interval of it": _interval(one.held_out),
            "In the search half": _difference(one.search),
            "Explains": listed_slices(one.also) or NONE,
        }
        for one in hunt.carried
    ]


def carried_word(one: Carried) -> str:
    """Return the words for what became of a slice in the held-out half."""
    if one.explained:
        return EXPLAINED
    return SEEN_AGAIN if one.replicated else NOT_SEEN_AGAIN


def _interval(pair: Compared) -> str:
    low, high = pair.interval
    return f"{signed_points(low)} to {signed_points(high)} pts"


def ranked_rows(hunt: SliceHunt, most: int | None = None) -> Rows:
    """Return the slices to look at, the worst shrunk rate first, on all rows."""
    words = {one.slice: carried_word(one) for one in hunt.carried}
    return [
        {
            "Slice": slice_words(one.slice),
            RESULT: words.get(one.slice, TO_LOOK_AT),
            metric_name(hunt.metric): _rate(one.whole.inside),
            "The rest": _rate(one.whole.rest),
            "Difference": _difference(one.whole),
            "Interval of it": _interval(one.whole),
            "Shrunk rate": percent(one.shrunk),
            "q": decimal(one.q, 3) if one.q >= 0.001 else "under 0.001",
        }
        for one in hunt.ranked[:most]
    ]

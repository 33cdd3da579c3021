"""How a status is shown: its icon, its words and its colour, always together."""

from __future__ import annotations

from audit_core.report.charts.drift import DRIFT_WORDS
from audit_core.report.hiring import BELOW, LEFT_OUT
from audit_core.report.words import (
    CANARY_WORDS,
    MARK_WORDS,
    NOT_SIGNED,
    REFERENCE_GROUP,
    VERDICT_MARKS,
    VERDICT_WORDS,
    Mark,
)

_COLOURS: dict[Mark, str] = {
    "within": "blue",
    "outside": "red",
    "inconclusive": "orange",
    "too_few": "gray",
    "not_run": "gray",
    "undefined": "gray",
    "no_limit": "gray",
}
_ICONS: dict[Mark, str] = {
    "within": "check_circle",
    "outside": "cancel",
    "inconclusive": "help",
    "too_few": "do_not_disturb_on",
    "not_run": "pending",
    "undefined": "do_not_disturb_on",
    "no_limit": "remove",
}
_OTHER_WORDS: dict[str, Mark] = {
    "Verified": "within",
    "Needs review": "inconclusive",
    "Refused": "outside",
    "Differs beyond chance": "inconclusive",
    "Alert": "inconclusive",
    "Optimistic": "inconclusive",
    "Diagnostic only": "inconclusive",
    "Cannot hold together here": "outside",
    "Points to a conflict, not confirmed": "inconclusive",
    "Not in conflict on this data": "within",
    "Seen again": "inconclusive",
    "Not seen again": "too_few",
    "Explained by others": "too_few",
    "Page": "outside",
    "Page open": "outside",
    "Ticket": "inconclusive",
    "Ticket open": "inconclusive",
    "Not decided": "inconclusive",
    "Nothing open": "within",
    "Outside limit, not confirmed": "inconclusive",
    "Past its warning": "inconclusive",
    "Slow change": "inconclusive",
    "Trend alarm": "inconclusive",
    "Drift": "inconclusive",
    "Outcomes overdue": "inconclusive",
    "Rows left out": "inconclusive",
    BELOW: "inconclusive",
    LEFT_OUT: "too_few",
    NOT_SIGNED: "too_few",
    DRIFT_WORDS["stable"]: "within",
    DRIFT_WORDS["moderate"]: "inconclusive",
    DRIFT_WORDS["major"]: "outside",
    **{
        words[verdict]: mark
        for words in (VERDICT_WORDS, CANARY_WORDS)
        for verdict, mark in VERDICT_MARKS.items()
    },
}
_GREY_ICONS = {
    REFERENCE_GROUP: "flag",
    "Judged": "visibility",
    "No difference shown": "drag_handle",
    "No data": "block",
    "Still arriving": "hourglass_top",
    "Outcomes are back": "inventory",
    "No alarm": "horizontal_rule",
}
_MARKS: dict[str, Mark] = {word: mark for mark, word in MARK_WORDS.items()} | _OTHER_WORDS
BANNER_KEYS: dict[Mark, str] = {
    "outside": "banner_block",
    "inconclusive": "banner_open",
    "within": "banner_within",
}


def icon(mark: Mark) -> str:
    """Return the icon of a status."""
    return f":material/{_ICONS[mark]}:"


def badge(word: str) -> str:
    """Return a status word as a Markdown badge with its icon and colour; a word without a status in grey.

    Blue is kept for what is shown to be within a limit.
    """
    if word in _GREY_ICONS:
        return f":gray-badge[:material/{_GREY_ICONS[word]}: {word}]"
    mark = _MARKS.get(word, "no_limit")
    return f":{_COLOURS[mark]}-badge[{icon(mark)} {word}]"

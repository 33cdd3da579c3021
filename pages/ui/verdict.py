"""How a status is shown: its icon, its words and its colour, always together."""

from __future__ import annotations

from audit_core.report.charts.drift import DRIFT_WORDS
from audit_core.report.words import MARK_WORDS, NOT_SIGNED, REFERENCE_GROUP, VERDICT_WORDS, Mark

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
    "Judged": "within",
    "Differs beyond chance": "inconclusive",
    "No difference shown": "within",
    REFERENCE_GROUP: "no_limit",
    NOT_SIGNED: "too_few",
    DRIFT_WORDS["stable"]: "within",
    DRIFT_WORDS["moderate"]: "inconclusive",
    DRIFT_WORDS["major"]: "outside",
    VERDICT_WORDS["BLOCKED"]: "outside",
    VERDICT_WORDS["INCONCLUSIVE"]: "inconclusive",
    VERDICT_WORDS["APPROVED"]: "within",
    VERDICT_WORDS["APPROVED_WITH_CONDITIONS"]: "within",
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
    """Return a status word as a Markdown badge with its icon and colour; any other word in grey."""
    mark = _MARKS.get(word, "no_limit")
    shown = ":material/flag:" if word == REFERENCE_GROUP else icon(mark)
    return f":{_COLOURS[mark]}-badge[{shown} {word}]"

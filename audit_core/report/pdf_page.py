"""The summary as the values the page template draws: short strings, and bar positions from 0 to 1."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from audit_core.report.escape import clip, for_typst
from audit_core.report.numbers import counted
from audit_core.report.summary import Summary
from audit_core.report.summary_rows import Bar, Row
from audit_core.report.words import EVIDENCE_WORDS, NO_LIMIT

NAME, LINE, TEXT = 64, 150, 330
TOP = 3
_BREAK_AFTER = 18
_UNIT = re.compile(r"(?<=\d) (pts|%)")
_STAGES = {"canary": "Canary", "monitor": "Monitoring"}


def page_values(summary: Summary) -> dict[str, Any]:
    """Return everything on the page; the template decides how much of it fits."""
    said = summary.headline.sentence
    return {
        **_identity(summary),
        "verdict": _verdict(summary),
        "level": _level(summary.found),
        "found": [
            _row(row, said) | {"keep": keep}
            for row, keep in zip(summary.found, _keep(summary.found), strict=True)
        ],
        "not_known": [_text(line, TEXT) for line in summary.not_known],
        "recommend": [[_text(r.text, TEXT), _text(r.owner, 40)] for r in summary.recommend],
        "watches": [
            [_text(part, NAME) for part in (w.what, _when(w.stage, w.window), w.limit, _who(w.action, w.who))]
            for w in summary.watches
        ],
        "commitments": [_text(line, TEXT) for line in summary.commitments],
        "audited": [
            [
                _text(a.item, 30),
                _text(a.name, NAME),
                _text(a.rows, 30),
                a.sha256 if len(a.sha256) < 40 else f"{a.sha256[:12]}…{a.sha256[-12:]}",
            ]
            for a in summary.audited
        ],
        "requirements": [
            [_text(r.name, NAME), "Met" if r.met else "Not met", _text(r.by, 40)]
            for r in summary.requirements
        ],
        "sign_off": [[_text(s.role, 40), _text(s.name, NAME), s.state] for s in summary.sign_off],
        "signed": summary.signed,
        "digest": summary.digest,
        "footnote": _text(summary.footnote, 520),
    }


def _identity(summary: Summary) -> dict[str, Any]:
    identity = summary.identity
    model = " ".join(_filled((identity.model, identity.model_version)))
    return {
        "title": f"Release audit of {_text(identity.contract, NAME)}",
        "kicker": "Worked example with invented data" if identity.worked_example else "",
        "model": _text(model, NAME),
        "audit": _text(identity.audit_id, 40),
        "date": identity.date,
        "stamp": _stamp(identity.created_at),
        "contract": _text(f"Contract {identity.contract}, version {identity.contract_version}", NAME),
        "question": _text(identity.question, LINE),
        "population": _text(identity.population, LINE),
        "tool": _text(identity.tool_version, 20),
    }


def _verdict(summary: Summary) -> dict[str, str]:
    head = summary.headline
    more = f"{counted(head.more, 'further grounds')}, below." if head.more else ""
    return {
        "word": head.word,
        "mark": head.mark,
        "sentence": _text(head.sentence, TEXT),
        "check": _text(head.check, TEXT),
        "more": more,
    }


def _text(text: str, length: int) -> str:
    """Text that can be printed, is cut at a length and may break inside long words."""
    shown = clip(for_typst(clip(text, 4 * length)), length, words=True)
    shown = _UNIT.sub("\u00a0\\1", shown)
    return " ".join(_breakable(word) for word in shown.split(" "))


def _breakable(word: str) -> str:
    if len(word) <= _BREAK_AFTER:
        return word
    return "\u200b".join(word[at : at + _BREAK_AFTER] for at in range(0, len(word), _BREAK_AFTER))


def _stamp(created_at: str) -> list[int]:
    """Year, month, day, hour, minute and second of an ISO 8601 time in UTC."""
    date, _, time = created_at.partition("T")
    parts = [*date.split("-"), *time[:8].split(":")]
    return [int(part) for part in parts]


def _level(rows: Iterable[Row]) -> str:
    """The level of the intervals, as it stands in them."""
    found = (row.interval.partition(" interval")[0] for row in rows if " interval" in row.interval)
    return next(found, "")


def _keep(rows: tuple[Row, ...]) -> list[int]:
    """In which order rows earn their place: the first three, those outside their limit, the standard."""

    def weight(place: int) -> tuple[bool, bool, bool, int]:
        row = rows[place]
        return place >= TOP, row.mark != "outside", not row.standard, place

    order = sorted(range(len(rows)), key=weight)
    return [order.index(place) for place in range(len(rows))]


def _row(row: Row, said: str) -> dict[str, Any]:
    """A row; what the headline already `said` is not repeated."""
    title = " · ".join(part for part in (row.title, row.subject) if part)
    ranges = "; ".join(part for part in (row.interval, row.bounds) if part)
    limit = row.limit if row.limit == NO_LIMIT else f"contract: {row.limit}"
    evidence = next((word for key, word in EVIDENCE_WORDS.items() if key == row.evidence), "")
    note = evidence.lower() if row.mark == "outside" else ""
    alt = f"{title}: {row.value or 'no number'}; {ranges}; {limit}; {row.status}"
    return {
        "title": _text(title, LINE),
        "short": _text(" · ".join(part for part in (row.short, row.subject) if part), 60),
        "text": _text(_whole(_lead(row, said), TEXT), TEXT),
        "value": _text(row.value or "–", 30),
        "interval": _text(row.interval, 60),
        "interval_short": _text(_bare(row.interval), 40),
        "bounds_short": _text(_bare(row.bounds), 40),
        "limit_short": _text("none" if row.limit == NO_LIMIT else row.limit, 40),
        "bounds": _text(row.bounds, 60),
        "limit": _text(limit, 60),
        "counts": _text(row.counts, LINE),
        "mark": row.mark,
        "status": row.status + (f", {note}" if note else ""),
        "severity": row.severity,
        "alt": _text(alt, 300),
        "bar": _positions(row.bar) if row.bar else None,
    }


def _lead(row: Row, said: str) -> str:
    """The sentence about people and what follows from it; the numbers stand beside the bar."""
    if not row.conclusion:
        return row.people or row.sentence
    people = "" if row.people and row.people in said else row.people
    chance = row.chance if not people else ""
    return " ".join(_filled((people, row.conclusion, chance)))


def _whole(text: str, length: int) -> str:
    """As many whole sentences of a text as a length holds: half a sentence can say the opposite."""
    if len(text) <= length:
        return text
    end = text.rfind(". ", 0, length)
    return text[: end + 1] if end > 0 else text


def _bare(ranges: str) -> str:
    """A range without the words its column is headed by: “10.9 – 19.6”."""
    after = ranges.rpartition(" interval ")[2].replace("expected by chance up to", "chance: up to")
    return after.replace("at least ", "").replace(", at most ", " – ")


def _positions(bar: Bar) -> dict[str, Any]:
    """Numbers of a bar as shares of its width; the scale holds everything that is drawn, and zero or one."""
    known = [v for v in (bar.value, bar.low, bar.high, bar.lower, bar.upper, bar.limit) if v is not None]
    best = 1.0 if bar.least else 0.0
    low, high = min([*known, best]), max([*known, best])
    room = (high - low or 1.0) * 0.06
    low, high = low - room, high + room

    def at(value: float | None) -> float | None:
        return None if value is None else round((value - low) / (high - low), 5)

    return {
        "value": at(bar.value),
        "low": at(bar.low),
        "high": at(bar.high),
        "lower": at(bar.lower),
        "upper": at(bar.upper),
        "limit": at(bar.limit),
        "best": at(best),
        "least": bar.least,
    }


def _when(stage: str, window: str) -> str:
    name = _STAGES.get(stage, stage)
    return f"{name}, every {window}" if window else name


def _who(action: str, who: str) -> str:
    return ": ".join(_filled((action, who)))


def _filled(parts: Iterable[str]) -> list[str]:
    return [part for part in parts if part]
